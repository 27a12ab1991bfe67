/*
 * accel/choice.c - "jit,t1-after=1": an accelerator by name, and what is chosen of it.
 *
 * The words are those of dbt/tuning.def; only an accelerator that compiles has them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accel/accel.h"

enum kind { FLAG, NUMBER };

struct row {
    const char *word, *help;
    enum kind kind;
    size_t offset; /* in struct dbt_tuning */
    uint32_t otherwise, first, last;
};

/* clang-format off */
static const struct row row_table[] = {
#define FLAG(field, word, otherwise, help)                                                         \
    { word, help, FLAG, offsetof(struct dbt_tuning, field), otherwise, 0, 1 },
#define NUMBER(field, word, otherwise, first, last, help)                                          \
    { word, help, NUMBER, offsetof(struct dbt_tuning, field), otherwise, first, last },
#include "dbt/tuning.def"
#undef FLAG
#undef NUMBER
};
/* clang-format on */

static void put(struct dbt_tuning *tuning, const struct row *row, uint32_t value)
{
    void *field = (char *)tuning + row->offset;

    if (row->kind == FLAG)
        *(bool *)field = value != 0;
    else
        *(uint32_t *)field = value;
}

static int set_flag(struct dbt_tuning *tuning, const struct row *row, const char *value,
                    struct error *err)
{
    bool on = value == NULL || strcmp(value, "on") == 0;

    if (!on && strcmp(value, "off") != 0)
        return error_set(err, EINVAL, "'%s=%s': it is on or off", row->word, value);
    put(tuning, row, on);
    return 0;
}

static int set_number(struct dbt_tuning *tuning, const struct row *row, const char *value,
                      struct error *err)
{
    unsigned long long number;
    char *end;

    if (value != NULL && value[0] >= '0' && value[0] <= '9') {
        errno = 0;
        number = strtoull(value, &end, 10);
        if (*end == '\0' && errno == 0 && number >= row->first && number <= row->last) {
            put(tuning, row, (uint32_t)number);
            return 0;
        }
    }
    return error_set(err, EINVAL, "'%s' is a number from %u to %u, as in %s=%u", row->word,
                     row->first, row->last, row->word, row->otherwise);
}

/* One piece, "word" or "word=value", of `len` characters. */
static int set_piece(struct dbt_tuning *tuning, const char *piece, size_t len, struct error *err)
{
    char text[64], *value;

    if (len >= sizeof(text))
        return error_set(err, EINVAL, "'%.40s...' is too long", piece);
    memcpy(text, piece, len);
    text[len] = '\0';
    value = strchr(text, '=');
    if (value != NULL)
        *value++ = '\0';
    for (size_t i = 0; i < ARRAY_LEN(row_table); i++) {
        const struct row *row = &row_table[i];

        if (strcmp(row->word, text) == 0)
            return row->kind == FLAG ? set_flag(tuning, row, value, err)
                                     : set_number(tuning, row, value, err);
    }
    return error_set(err, EINVAL,
                     "there is no '%s' to choose; 'vireo run --help' lists what there is", text);
}

static const struct accel_ops *find(const char *name, size_t len)
{
    for (unsigned i = 0; accel_table[i] != NULL; i++)
        if (strlen(accel_table[i]->name) == len && memcmp(accel_table[i]->name, name, len) == 0)
            return accel_table[i];
    return NULL;
}

static int unknown_name(const char *text, size_t len, struct error *err)
{
    struct strbuf names;
    int rc;

    strbuf_init(&names);
    for (unsigned i = 0; accel_table[i] != NULL; i++)
        strbuf_addf(&names, " %s", accel_table[i]->name);
    rc = error_set(err, ENOENT, "there is no accelerator '%.*s'; choose from:%s",
                   len > 40 ? 40 : (int)len, text, strbuf_str(&names));
    strbuf_fini(&names);
    return rc;
}

int accel_parse(const char *text, const struct accel_ops **ret_ops, struct dbt_tuning *ret_tuning,
                struct error *err)
{
    struct dbt_tuning tuning = dbt_tuning_default();
    size_t len = strcspn(text, ",");
    const struct accel_ops *ops = find(text, len);
    int rc;

    if (ops == NULL)
        return unknown_name(text, len, err);
    if (text[len] != '\0' && !ops->tunable)
        return error_set(err, EINVAL, "accelerator '%s' has nothing to choose, and got '%s'",
                         ops->name, text + len + 1);
    for (text += len; *text != '\0'; text += len) {
        text++; /* the comma */
        len = strcspn(text, ",");
        rc = set_piece(&tuning, text, len, err);
        if (rc < 0)
            return error_prefix(err, rc, "accelerator '%s'", ops->name);
    }
    *ret_ops = ops;
    *ret_tuning = tuning;
    return 0;
}

int accel_choose(const char *text, const struct accel_ops **ret_ops, struct dbt_tuning *ret_tuning,
                 struct error *err)
{
    int rc = -ENOENT;

    if (text != NULL) {
        rc = accel_parse(text, ret_ops, ret_tuning, err);
        if (rc == 0)
            rc = (*ret_ops)->available(err);
        else
            return rc;
        return rc == 0 ? 0
                       : error_prefix(err, rc, "accelerator '%s' cannot run on this host",
                                      (*ret_ops)->name);
    }
    *ret_tuning = dbt_tuning_default();
    for (unsigned i = 0; rc < 0 && accel_table[i] != NULL; i++) {
        *ret_ops = accel_table[i];
        rc = accel_table[i]->available(err);
    }
    return rc;
}

bool accel_is_second_best(struct error *ret_why)
{
    const struct accel_ops *ops = NULL;
    struct dbt_tuning tuning;
    struct error err;

    if (accel_choose(NULL, &ops, &tuning, NULL) < 0 || ops == accel_table[0] ||
        accel_table[0]->available(&err) == 0)
        return false;
    (void)error_set(ret_why, ENOTSUP,
                    "guest code runs on accelerator '%s', as '%s' cannot here: %s", ops->name,
                    accel_table[0]->name, err.text);
    return true;
}

void accel_help(struct strbuf *out)
{
    for (unsigned i = 0; accel_table[i] != NULL; i++) {
        strbuf_addf(out, "  %-8s %s\n", accel_table[i]->name, accel_table[i]->summary);
        for (size_t r = 0; accel_table[i]->tunable && r < ARRAY_LEN(row_table); r++) {
            const struct row *row = &row_table[r];

            if (row->kind == FLAG)
                strbuf_addf(out, "    ,%s=%s  %s\n", row->word, row->otherwise ? "off" : "on",
                            row->help);
            else
                strbuf_addf(out, "    ,%s=N  %s (%u)\n", row->word, row->help, row->otherwise);
        }
    }
}

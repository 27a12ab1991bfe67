/* app/kv.c - splitting "key=value" lists, and the kinds of values. */
#include "app/kv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the item at `at` in place, undoubling commas; returns what follows it or NULL. */
static char *end_item(char *at)
{
    char *out = at;

    for (; *at != '\0'; at++) {
        if (*at == ',' && at[1] != ',') {
            *out = '\0';
            return at + 1;
        }
        if (*at == ',')
            at++;
        *out++ = *at;
    }
    *out = '\0';
    return NULL;
}

int kv_parse(struct kv_list *ret_list, const char *text, const char *first_key, struct error *err)
{
    struct kv_list list = { .text = strdup(text) };
    char *at = list.text, *next;
    int rc = 0;

    if (list.text == NULL)
        return error_set(err, ENOMEM, "no memory for '%s'", text);
    for (; at != NULL && rc == 0; at = next) {
        struct kv *kv = &list.item[list.count];
        char *equals;

        if (list.count == KV_MAX) {
            rc = error_set(err, EINVAL, "more than %d settings in '%s'", KV_MAX, text);
            break;
        }
        next = end_item(at);
        equals = strchr(at, '=');
        if (equals != NULL) {
            *equals = '\0';
            kv->key = at;
            kv->value = equals + 1;
        } else if (list.count == 0 && first_key != NULL) {
            kv->key = first_key;
            kv->value = at;
        } else {
            rc = error_set(err, EINVAL, "'%s' is not of the form key=value", at);
        }
        list.count++;
    }
    if (rc < 0) {
        kv_fini(&list);
        return rc;
    }
    *ret_list = list;
    return 0;
}

void kv_fini(struct kv_list *list)
{
    free(list->text);
    list->text = NULL;
}

const char *kv_get(const struct kv_list *list, const char *key)
{
    for (unsigned i = list->count; i-- > 0;)
        if (strcmp(list->item[i].key, key) == 0)
            return list->item[i].value;
    return NULL;
}

/* "what: '...' is ..." */
static int refuse(const char *value, const char *what, struct error *err, const char *is)
{
    int rc = error_set(err, EINVAL, "'%s' is %s", value, is);

    return what == NULL ? rc : error_prefix(err, rc, "%s", what);
}

int value_bool(const char *value, const char *what, bool *ret, struct error *err)
{
    if (strcmp(value, "on") == 0)
        *ret = true;
    else if (strcmp(value, "off") == 0)
        *ret = false;
    else
        return refuse(value, what, err, "neither 'on' nor 'off'");
    return 0;
}

static int number(const char *value, const char **ret_end, uint64_t *ret)
{
    char *end;
    bool hex = strncmp(value, "0x", 2) == 0;

    /* strtoull takes signs and spaces, which are no part of our numbers. */
    if (value[0] < '0' || value[0] > '9')
        return -EINVAL;
    errno = 0;
    *ret = strtoull(value, &end, hex ? 16 : 10);
    *ret_end = end;
    return errno != 0 ? -errno : 0;
}

int value_count(const char *value, const char *what, uint64_t min, uint64_t max, uint64_t *ret,
                struct error *err)
{
    const char *end = value;
    char is[80];
    uint64_t n = 0;

    if (number(value, &end, &n) < 0 || *end != '\0' || n < min || n > max) {
        snprintf(is, sizeof(is), "not a number from %" PRIu64 " to %" PRIu64, min, max);
        return refuse(value, what, err, is);
    }
    *ret = n;
    return 0;
}

int value_address(const char *value, const char *what, uint64_t *ret, struct error *err)
{
    const char *end = value;
    uint64_t n = 0;

    if (number(value, &end, &n) < 0 || *end != '\0' || n == 0)
        return refuse(value, what, err, "not an address, like 0x80200000");
    *ret = n;
    return 0;
}

int value_size(const char *value, const char *what, uint64_t *ret, struct error *err)
{
    static const char units[] = "KMGT";
    const char *end = value, *unit;
    unsigned shift = 0;
    uint64_t n = 0;
    int rc = number(value, &end, &n);

    if (rc == 0 && *end != '\0') {
        unit = strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end);
        if (unit == NULL || end[1] != '\0')
            rc = -EINVAL;
        else
            shift = 10 * (unsigned)(unit - units + 1);
    }
    if (rc < 0 || n > UINT64_MAX >> shift)
        return refuse(value, what, err, "not a size, like 512M or 4G");
    *ret = n << shift;
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int value_mac(const char *value, const char *what, uint8_t ret[6], struct error *err)
{
    enum { BYTES = 6, CHARS = 3 * BYTES - 1 };
    uint8_t mac[BYTES];
    bool good = strlen(value) == CHARS;
    const char *at = value;

    for (unsigned i = 0; good && i < BYTES; i++, at += 3) {
        int high = hex_digit(at[0]), low = hex_digit(at[1]);

        good = high >= 0 && low >= 0 && (i == BYTES - 1 || at[2] == ':');
        if (good)
            mac[i] = (uint8_t)(high * 16 + low);
    }
    if (!good)
        return refuse(value, what, err, "not a MAC address, like 52:54:00:12:34:56");
    if (mac[0] & 1)
        return refuse(value, what, err,
                      "a group's address; a card's has an even first byte, like 52:54:00:12:34:56");
    memcpy(ret, mac, BYTES);
    return 0;
}

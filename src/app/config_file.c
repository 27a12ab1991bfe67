/*
 * app/config_file.c - options from a JSON file (jansson): the same words, checked by the same code.
 *
 *     { "kernel": "Image", "cpus": 2, "rng": true,
 *       "disk": [ "a.img", { "path": "b.img", "readonly": true } ],
 *       "net": { "mode": "user", "hostfwd": [ "tcp::2222-:22" ] } }
 *
 * A member is an option; an array repeats it; an object is its key=value list, in which an array
 * repeats a key; true and false are on and off, or an option without a value given or not.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "app/options.h"

enum { CONFIG_MAX_BYTES = 1 << 20 };

/* Values as the command line would have them; commas doubled inside lists. */
static int add_scalar(struct strbuf *out, const json_t *value, bool in_list, struct error *err)
{
    if (json_is_string(value)) {
        for (const char *at = json_string_value(value); *at != '\0'; at++)
            strbuf_addf(out, in_list && *at == ',' ? ",%c" : "%c", *at);
        return 0;
    }
    if (json_is_integer(value)) {
        strbuf_addf(out, "%" PRId64, (int64_t)json_integer_value(value));
        return 0;
    }
    if (json_is_boolean(value)) {
        strbuf_addf(out, "%s", json_is_true(value) ? "on" : "off");
        return 0;
    }
    return error_set(err, EINVAL, "a value must be a string, a whole number, true or false");
}

static int add_pair(struct strbuf *out, const char *key, const json_t *value, struct error *err)
{
    size_t i;
    json_t *element;
    int rc;

    if (!json_is_array(value)) {
        strbuf_addf(out, "%s%s=", *strbuf_str(out) == '\0' ? "" : ",", key);
        return add_scalar(out, value, true, err);
    }
    json_array_foreach(value, i, element)
    {
        strbuf_addf(out, "%s%s=", *strbuf_str(out) == '\0' ? "" : ",", key);
        rc = add_scalar(out, element, true, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int add_object(struct strbuf *out, json_t *object, struct error *err)
{
    const char *key;
    json_t *value;
    int rc;

    json_object_foreach(object, key, value)
    {
        rc = add_pair(out, key, value, err);
        if (rc < 0)
            return error_prefix(err, rc, "%s", key);
    }
    return 0;
}

static int set_value(struct options *options, const char *name, json_t *value, struct error *err)
{
    struct strbuf text;
    bool known, takes_value = option_takes_value(name, &known);
    int rc;

    if (!known)
        return options_set(options, name, NULL, err); /* which says so */
    if (!takes_value) {
        if (!json_is_boolean(value))
            return error_set(err, EINVAL, "%s: it is given (true) or not (false)", name);
        return json_is_true(value) ? options_set(options, name, NULL, err) : 0;
    }
    if (json_is_object(value) && !option_takes_keys(name))
        return error_set(err, EINVAL, "%s: it has no keys; write its value as one string", name);
    strbuf_init(&text);
    rc = json_is_object(value) ? add_object(&text, value, err)
                               : add_scalar(&text, value, false, err);
    if (rc < 0)
        rc = error_prefix(err, rc, "%s", name);
    else
        rc = options_set(options, name, strbuf_str(&text), err);
    strbuf_fini(&text);
    return rc;
}

static int set_member(struct options *options, const char *name, json_t *value, struct error *err)
{
    size_t i;
    json_t *element;
    int rc;

    if (strcmp(name, "config") == 0)
        return error_set(err, EINVAL, "a config file cannot name another");
    if (!json_is_array(value))
        return set_value(options, name, value, err);
    json_array_foreach(value, i, element)
    {
        rc = set_value(options, name, element, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int config_file_parse(struct options *options, const char *name, const char *text, size_t len,
                      struct error *err)
{
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error), *value;
    const char *key;
    int rc = 0;

    if (root == NULL)
        return error_set(err, EINVAL, "%s line %d: %s", name, error.line, error.text);
    if (!json_is_object(root))
        rc = error_set(err, EINVAL, "not a JSON object, like { \"kernel\": \"Image\" }");
    json_object_foreach(root, key, value)
    {
        if (rc == 0)
            rc = set_member(options, key, value, err);
    }
    json_decref(root);
    return rc < 0 ? error_prefix(err, rc, "%s", name) : 0;
}

int config_file_read(struct options *options, const char *path, struct error *err)
{
    FILE *file = fopen(path, "re");
    char *text;
    size_t len;
    int rc;

    if (file == NULL)
        return error_set(err, errno, "cannot open '%s': %s; check the path", path, strerror(errno));
    text = malloc(CONFIG_MAX_BYTES);
    len = text == NULL ? 0 : fread(text, 1, CONFIG_MAX_BYTES, file);
    if (text == NULL)
        rc = error_set(err, ENOMEM, "no memory to read '%s'", path);
    else if (ferror(file))
        rc = error_set(err, errno, "cannot read '%s': %s", path, strerror(errno));
    else if (len == CONFIG_MAX_BYTES)
        rc = error_set(err, EFBIG, "'%s' is larger than a config file can be (1 MiB)", path);
    else
        rc = config_file_parse(options, path, text, len, err);
    free(text);
    (void)fclose(file);
    return rc;
}

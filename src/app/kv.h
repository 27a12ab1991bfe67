/* app/kv.h - "key=value" lists: what options, config files and the monitor are made of.
 *
 *     path=a.img,readonly=on,queues=2        a bare first word belongs to the option's first key
 *
 * A comma inside a value is written twice.
 */
#ifndef APP_KV_H
#define APP_KV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { KV_MAX = 32 };

struct kv {
    const char *key, *value;
};

struct kv_list {
    struct kv item[KV_MAX];
    unsigned count;
    char *text; /* what the strings point into */
};

/* Splits; first_key names a bare first word (NULL: there must be a key). -EINVAL. */
int kv_parse(struct kv_list *ret_list, const char *text, const char *first_key,
             struct error *err) NODISCARD;
void kv_fini(struct kv_list *list);
/* The value of the last `key`, or NULL. */
const char *kv_get(const struct kv_list *list, const char *key);

/* Values. `what` names the key in the message: "queues"; NULL: the caller says it. -EINVAL. */
int value_bool(const char *value, const char *what, bool *ret, struct error *err) NODISCARD;
int value_count(const char *value, const char *what, uint64_t min, uint64_t max, uint64_t *ret,
                struct error *err) NODISCARD;
/* Bytes, with K, M, G or T behind the number (binary). */
int value_size(const char *value, const char *what, uint64_t *ret, struct error *err) NODISCARD;
/* Not 0: decimal, or hexadecimal behind 0x. */
int value_address(const char *value, const char *what, uint64_t *ret, struct error *err) NODISCARD;
int value_mac(const char *value, const char *what, uint8_t ret[6], struct error *err) NODISCARD;

#endif

/* base/strbuf.h - a string that grows as it is written. One thread at a time.
 *
 * Running out of memory is remembered, not returned by each call: what was built so far stays,
 * later additions do nothing, and strbuf_ok() is false. The text is always terminated.
 */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

struct strbuf {
    /* private */
    char *text; /* NULL until the first byte */
    size_t len; /* without the terminator */
    size_t capacity;
    bool failed;
};

void strbuf_init(struct strbuf *sb);
void strbuf_fini(struct strbuf *sb);
void strbuf_add(struct strbuf *sb, const char *text);
void strbuf_add_bytes(struct strbuf *sb, const void *bytes, size_t len);
void strbuf_addc(struct strbuf *sb, char c);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) PRINTF(2, 3);
void strbuf_addv(struct strbuf *sb, const char *fmt, va_list args) PRINTF(2, 0);
/* Empties it and keeps the storage. Forgets an earlier failure. */
void strbuf_clear(struct strbuf *sb);
/* Valid until the next change; never NULL. */
const char *strbuf_str(const struct strbuf *sb);
size_t strbuf_len(const struct strbuf *sb);
bool strbuf_ok(const struct strbuf *sb);

#endif

/*
 * base/strbuf.c - a string that grows as it is written.
 *
 * Invariants: text is NULL and capacity 0, or len < capacity and text[len] is 0. Capacity at least
 * doubles, so n bytes cost O(n) copying.
 */
#include "base/strbuf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void strbuf_init(struct strbuf *sb)
{
    *sb = (struct strbuf){ 0 };
}

void strbuf_fini(struct strbuf *sb)
{
    free(sb->text);
    strbuf_init(sb);
}

/* Makes room for `extra` bytes and the terminator. */
static bool reserve(struct strbuf *sb, size_t extra)
{
    size_t need, capacity = sb->capacity ? sb->capacity : 64;
    char *text;

    if (sb->failed || __builtin_add_overflow(sb->len, extra, &need) || need > SIZE_MAX / 4) {
        sb->failed = true;
        return false;
    }
    if (need < sb->capacity)
        return true;
    while (capacity <= need)
        capacity *= 2;
    text = realloc(sb->text, capacity);
    if (!text) {
        sb->failed = true;
        return false;
    }
    sb->text = text;
    sb->capacity = capacity;
    return true;
}

void strbuf_add_bytes(struct strbuf *sb, const void *bytes, size_t len)
{
    if (!reserve(sb, len))
        return;
    if (len)
        memcpy(sb->text + sb->len, bytes, len);
    sb->len += len;
    sb->text[sb->len] = 0;
}

void strbuf_add(struct strbuf *sb, const char *text)
{
    strbuf_add_bytes(sb, text, strlen(text));
}

void strbuf_addc(struct strbuf *sb, char c)
{
    strbuf_add_bytes(sb, &c, 1);
}

void strbuf_addv(struct strbuf *sb, const char *fmt, va_list args)
{
    va_list again;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    assert(len >= 0); /* only a bad format or an encoding we do not use fails */
    if (!reserve(sb, (size_t)len))
        return;
    vsnprintf(sb->text + sb->len, (size_t)len + 1, fmt, args);
    sb->len += (size_t)len;
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    strbuf_addv(sb, fmt, args);
    va_end(args);
}

void strbuf_clear(struct strbuf *sb)
{
    sb->len = 0;
    sb->failed = false;
    if (sb->text)
        sb->text[0] = 0;
}

const char *strbuf_str(const struct strbuf *sb)
{
    return sb->text ? sb->text : "";
}

size_t strbuf_len(const struct strbuf *sb)
{
    return sb->len;
}

bool strbuf_ok(const struct strbuf *sb)
{
    return !sb->failed;
}

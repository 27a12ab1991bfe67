/*
 * base/error.c - formats the sentence a failure carries.
 *
 * Names and values quoted in it come from users, files and guests, so control bytes are replaced:
 * the text stays one line and cannot drive a terminal.
 */
#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void make_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

int(error_set)(struct error *err, int errnum, const char *fmt, ...)
{
    va_list args;

    assert(errnum > 0);
    if (!err)
        return -errnum;
    err->code = -errnum;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    make_one_line(err->text);
    return -errnum;
}

int(error_prefix)(struct error *err, int rc, const char *fmt, ...)
{
    char text[sizeof(err->text)]; /* apart, because the arguments may quote err->text */
    va_list args;
    int len;

    assert(rc < 0);
    if (!err)
        return rc;
    va_start(args, fmt);
    len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    /* What does not fit is cut; reading the result tells the compiler that this is meant. */
    if (len >= 0 && (size_t)len < sizeof(text) &&
        snprintf(text + len, sizeof(text) - (size_t)len, ": %s", err->text) < 0)
        text[len] = 0;
    memcpy(err->text, text, sizeof(text));
    err->code = rc;
    make_one_line(err->text);
    return rc;
}

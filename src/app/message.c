/* app/message.c - what the program says to its user: all of it goes through here. */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "app/app.h"

void app_message(const char *fmt, ...)
{
    /* In raw mode a line feed alone goes down, not back to the left; elsewhere CR does no harm. */
    const char *end = isatty(STDERR_FILENO) == 1 ? "\r\n" : "\n";
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    fprintf(stderr, "vireo: %s%s", text, end);
}

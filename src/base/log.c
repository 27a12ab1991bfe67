/*
 * base/log.c - formats one line on the stack and writes it with one call.
 *
 * Control bytes in the text are replaced, as in error.c: names of files and guest data are quoted
 * in it. When standard error is a terminal the line ends in CR LF, because the serial console may
 * have put that terminal into raw mode.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_MAX_BYTES = 1024 };

static _Atomic int current_level = LOG_LEVEL_WARN;

static const char *const level_words[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

void log_set_level(enum log_level level)
{
    atomic_store(&current_level, (int)level);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

bool log_level_parse(const char *word, enum log_level *ret_level)
{
    for (unsigned i = 0; i < ARRAY_LEN(level_words); i++) {
        if (!strcmp(word, level_words[i])) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static void PRINTF(2, 0) write_line(enum log_level level, const char *fmt, va_list args)
{
    char line[LINE_MAX_BYTES];
    size_t room = sizeof(line) - 2; /* for CR LF */
    size_t len;
    int n;

    n = snprintf(line, room, "vireo: %s: ", level_words[level]);
    len = (size_t)n;
    n = vsnprintf(line + len, room - len, fmt, args);
    if (n > 0)
        len = len + (size_t)n < room ? len + (size_t)n : room - 1;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    if (isatty(STDERR_FILENO))
        line[len++] = '\r';
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return; /* nowhere left to complain to */
}

#define LOG_FUNCTION(name, level)                                                                  \
    void name(const char *fmt, ...)                                                                \
    {                                                                                              \
        va_list args;                                                                              \
                                                                                                   \
        if (!log_enabled(level))                                                                   \
            return;                                                                                \
        va_start(args, fmt);                                                                       \
        write_line(level, fmt, args);                                                              \
        va_end(args);                                                                              \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

/* Two threads may both open a new second: then one of them counts from the other's reset, and a
 * few lines more or less are printed. That is all the harm, so no lock. */
void log_guest(struct log_limit *limit, const char *fmt, ...)
{
    uint64_t second, window;
    uint32_t count;
    va_list args;

    if (!log_enabled(LOG_LEVEL_DEBUG))
        return;
    second = clock_now_ns(&clock_host) / UINT64_C(1000000000) + 1; /* 0 means never used */
    window = atomic_load(&limit->window);
    if (window != second && atomic_compare_exchange_strong(&limit->window, &window, second)) {
        count = atomic_exchange(&limit->count, 0);
        if (count > LOG_LIMIT_PER_SECOND)
            log_debug("guest: %u more messages like the last were dropped",
                      count - LOG_LIMIT_PER_SECOND);
    }
    if (atomic_fetch_add(&limit->count, 1) >= LOG_LIMIT_PER_SECOND)
        return;
    va_start(args, fmt);
    write_line(LOG_LEVEL_DEBUG, fmt, args);
    va_end(args);
}

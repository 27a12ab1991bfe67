/* base/log.h - lines for the person who runs the program, on standard error.
 *
 * Any thread may call; a line is one write, so lines of threads do not mix. The level is the
 * process's: one of the two places where file-scope state is allowed (the other is trace). A
 * library folder reports failures through struct error and logs at debug only.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines above the level are dropped. LOG_LEVEL_WARN until set. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* "error", "warn", "info" or "debug"; false and nothing written for any other word. */
bool log_level_parse(const char *word, enum log_level *ret_level);

void log_error(const char *fmt, ...) PRINTF(1, 2);
void log_warn(const char *fmt, ...) PRINTF(1, 2);
void log_info(const char *fmt, ...) PRINTF(1, 2);
void log_debug(const char *fmt, ...) PRINTF(1, 2);

/* What a guest can cause without end must not flood the host: each device embeds one of these,
 * zeroed, and gets a burst of lines per second; then one line says how many were dropped. */
struct log_limit {
    /* private */
    _Atomic uint64_t window; /* the second now counted */
    _Atomic uint32_t count;  /* lines asked for in it */
};
enum { LOG_LIMIT_PER_SECOND = 10 };

/* [any thread] A guest's mistake, at level debug. */
void log_guest(struct log_limit *limit, const char *fmt, ...) PRINTF(2, 3);

#endif

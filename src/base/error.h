/* base/error.h - a failure carries a code and a sentence.
 *
 * A fallible function takes `struct error *err` last and returns 0 or -errno. The caller owns
 * the struct, usually on its stack; NULL means "the code is enough". Nothing allocates, so
 * nothing leaks. *err is written only on failure; ignoring the result is a warning (NODISCARD).
 * Callers add context on the way out:
 *     "vm.json line 12: disk 'a.img': bad magic 0x1f8b"
 * The text is one sentence for a person: what, where, why, and what to do about it.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/compiler.h"

struct error {
    int code;       /* negative errno */
    char text[508]; /* no newline, always terminated */
};

/* Both return the negative code, so failing is one line:
 *     return error_set(err, errno, "cannot open %s: %s", path, strerror(errno));
 * errnum is positive (an errno value) and never 0. */
int error_set(struct error *err, int errnum, const char *fmt, ...) PRINTF(3, 4);
/* Puts the formatted text and ": " before what *err says; returns rc. */
int error_prefix(struct error *err, int rc, const char *fmt, ...) PRINTF(3, 4);

/* clang's analyzer sees one file at a time, and must be told that these never return 0. */
#ifdef __clang_analyzer__
#define ERROR_NEGATIVE(call)                                                                       \
    ({                                                                                             \
        int error_rc_ = (call);                                                                    \
        if (error_rc_ >= 0)                                                                        \
            __builtin_unreachable();                                                               \
        error_rc_;                                                                                 \
    })
#define error_set(...) ERROR_NEGATIVE(error_set(__VA_ARGS__))
#define error_prefix(...) ERROR_NEGATIVE(error_prefix(__VA_ARGS__))
#endif

#endif

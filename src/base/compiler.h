/* base/compiler.h - the few attributes and macros every folder uses. Freestanding. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include <stddef.h>
#include <stdint.h>

/* Ignoring the result is a warning. */
#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED __attribute__((unused))
#define COLD __attribute__((cold, noinline))
#define FALLTHROUGH __attribute__((fallthrough))
#define PACKED __attribute__((packed))
/* clang -Wthread-safety; nothing under gcc. */
#ifdef __clang__
#define REQUIRES(lock) __attribute__((requires_capability(lock)))
#else
#define REQUIRES(lock)
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Through void *, or clang's -Wcast-align objects. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define container_of_const(ptr, type, member)                                                      \
    ((const type *)(const void *)((const char *)(ptr)-offsetof(type, member)))

#endif

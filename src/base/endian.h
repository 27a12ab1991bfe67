/* base/endian.h - load and store words of a given byte order at any address. Freestanding.
 *
 * What a guest, a disk or a wire wrote is bytes: it is read through these, never through a cast
 * pointer, so neither alignment nor the host's byte order matters. Compilers make one move of it.
 */
#ifndef BASE_ENDIAN_H
#define BASE_ENDIAN_H

#include <stdint.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ENDIAN_LE(bits, v) (v)
#define ENDIAN_BE(bits, v) __builtin_bswap##bits(v)
#else
#define ENDIAN_LE(bits, v) __builtin_bswap##bits(v)
#define ENDIAN_BE(bits, v) (v)
#endif

/* Value to and from a variable that holds the given byte order. */
#define ENDIAN_ACCESS(bits)                                                                        \
    static inline uint##bits##_t le##bits##_to_host(uint##bits##_t v)                              \
    {                                                                                              \
        return ENDIAN_LE(bits, v);                                                                 \
    }                                                                                              \
    static inline uint##bits##_t be##bits##_to_host(uint##bits##_t v)                              \
    {                                                                                              \
        return ENDIAN_BE(bits, v);                                                                 \
    }                                                                                              \
    static inline uint##bits##_t host_to_le##bits(uint##bits##_t v)                                \
    {                                                                                              \
        return ENDIAN_LE(bits, v);                                                                 \
    }                                                                                              \
    static inline uint##bits##_t host_to_be##bits(uint##bits##_t v)                                \
    {                                                                                              \
        return ENDIAN_BE(bits, v);                                                                 \
    }                                                                                              \
    static inline uint##bits##_t ld_le##bits(const void *p)                                        \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
        __builtin_memcpy(&v, p, sizeof(v));                                                        \
        return ENDIAN_LE(bits, v);                                                                 \
    }                                                                                              \
    static inline uint##bits##_t ld_be##bits(const void *p)                                        \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
        __builtin_memcpy(&v, p, sizeof(v));                                                        \
        return ENDIAN_BE(bits, v);                                                                 \
    }                                                                                              \
    static inline void st_le##bits(void *p, uint##bits##_t v)                                      \
    {                                                                                              \
        v = ENDIAN_LE(bits, v);                                                                    \
        __builtin_memcpy(p, &v, sizeof(v));                                                        \
    }                                                                                              \
    static inline void st_be##bits(void *p, uint##bits##_t v)                                      \
    {                                                                                              \
        v = ENDIAN_BE(bits, v);                                                                    \
        __builtin_memcpy(p, &v, sizeof(v));                                                        \
    }

ENDIAN_ACCESS(16)
ENDIAN_ACCESS(32)
ENDIAN_ACCESS(64)

#undef ENDIAN_ACCESS
#undef ENDIAN_LE
#undef ENDIAN_BE

#endif

/* base/bitops.h - bits of unsigned words. Freestanding.
 *
 * The C operators leave a count of zero bits in 0, and shifts by the width, undefined; here they
 * have a value. A field is given by its lowest bit and its length: length 1 to 64, and
 * start + length <= the width, or the caller is wrong.
 */
#ifndef BASE_BITOPS_H
#define BASE_BITOPS_H

#include <stdbool.h>
#include <stdint.h>

#define BIT32(n) (UINT32_C(1) << (n))
#define BIT64(n) (UINT64_C(1) << (n))

/* Leading zeros; the width when v is 0. */
static inline unsigned clz32(uint32_t v)
{
    return v ? (unsigned)__builtin_clz(v) : 32;
}

static inline unsigned clz64(uint64_t v)
{
    return v ? (unsigned)__builtin_clzll(v) : 64;
}

/* Trailing zeros; the width when v is 0. */
static inline unsigned ctz32(uint32_t v)
{
    return v ? (unsigned)__builtin_ctz(v) : 32;
}

static inline unsigned ctz64(uint64_t v)
{
    return v ? (unsigned)__builtin_ctzll(v) : 64;
}

static inline unsigned popcount32(uint32_t v)
{
    return (unsigned)__builtin_popcount(v);
}

static inline unsigned popcount64(uint64_t v)
{
    return (unsigned)__builtin_popcountll(v);
}

/* The low `length` bits set; 0 to 64. */
static inline uint64_t mask64(unsigned length)
{
    return length ? ~UINT64_C(0) >> (64 - length) : 0;
}

static inline uint32_t extract32(uint32_t v, unsigned start, unsigned length)
{
    return (v >> start) & (~UINT32_C(0) >> (32 - length));
}

static inline uint64_t extract64(uint64_t v, unsigned start, unsigned length)
{
    return (v >> start) & mask64(length);
}

/* The field, its top bit copied upwards. */
static inline int64_t sextract64(uint64_t v, unsigned start, unsigned length)
{
    return (int64_t)(v << (64 - start - length)) >> (64 - length);
}

/* v with the field replaced by the low bits of `field`. */
static inline uint32_t deposit32(uint32_t v, unsigned start, unsigned length, uint32_t field)
{
    uint32_t mask = (~UINT32_C(0) >> (32 - length)) << start;

    return (v & ~mask) | ((field << start) & mask);
}

static inline uint64_t deposit64(uint64_t v, unsigned start, unsigned length, uint64_t field)
{
    uint64_t mask = mask64(length) << start;

    return (v & ~mask) | ((field << start) & mask);
}

/* Any count; only its low bits matter. */
static inline uint32_t rol32(uint32_t v, unsigned count)
{
    return v << (count & 31) | v >> (-count & 31);
}

static inline uint32_t ror32(uint32_t v, unsigned count)
{
    return v >> (count & 31) | v << (-count & 31);
}

static inline uint64_t rol64(uint64_t v, unsigned count)
{
    return v << (count & 63) | v >> (-count & 63);
}

static inline uint64_t ror64(uint64_t v, unsigned count)
{
    return v >> (count & 63) | v << (-count & 63);
}

/* 0 is not a power of two. */
static inline bool is_pow2(uint64_t v)
{
    return v && !(v & (v - 1));
}

/* To a multiple of `unit`, a power of two. round_up() wraps to 0 past the last multiple. */
static inline uint64_t round_down(uint64_t v, uint64_t unit)
{
    return v & ~(unit - 1);
}

static inline uint64_t round_up(uint64_t v, uint64_t unit)
{
    return (v + (unit - 1)) & ~(unit - 1);
}

static inline bool is_aligned(uint64_t v, uint64_t unit)
{
    return !(v & (unit - 1));
}

/* The smallest power of two not below v; v is 1 to 2^63. */
static inline uint64_t pow2_ceil(uint64_t v)
{
    return v <= 1 ? 1 : BIT64(64 - clz64(v - 1));
}

#endif

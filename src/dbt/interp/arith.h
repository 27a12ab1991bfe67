/* dbt/interp/arith.h - integer operations C has no operator for, as RISC-V defines them. */
#ifndef DBT_INTERP_ARITH_H
#define DBT_INTERP_ARITH_H

#include <stdint.h>

static inline uint64_t rotl64(uint64_t a, uint64_t n)
{
    n &= 63;
    return n == 0 ? a : a << n | a >> (64 - n);
}

static inline uint32_t rotl32(uint32_t a, uint64_t n)
{
    n &= 31;
    return n == 0 ? a : a << n | a >> (32 - n);
}

static inline uint64_t mulh_uu(uint64_t a, uint64_t b)
{
    return (uint64_t)((unsigned __int128)a * b >> 64);
}

static inline uint64_t mulh_ss(uint64_t a, uint64_t b)
{
    return (uint64_t)((__int128)(int64_t)a * (int64_t)b >> 64);
}

static inline uint64_t mulh_su(uint64_t a, uint64_t b)
{
    return mulh_uu(a, b) - ((int64_t)a < 0 ? b : 0);
}

/* Unprivileged manual, "M", table of results for division by zero and overflow. */
static inline uint64_t div_u64(uint64_t a, uint64_t b)
{
    return b == 0 ? UINT64_MAX : a / b;
}

static inline uint64_t rem_u64(uint64_t a, uint64_t b)
{
    return b == 0 ? a : a % b;
}

static inline uint64_t div_s64(uint64_t a, uint64_t b)
{
    if (b == 0)
        return UINT64_MAX;
    return b == UINT64_MAX ? -a : (uint64_t)((int64_t)a / (int64_t)b);
}

static inline uint64_t rem_s64(uint64_t a, uint64_t b)
{
    if (b == 0)
        return a;
    return b == UINT64_MAX ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
}

static inline uint32_t div_u32(uint32_t a, uint32_t b)
{
    return b == 0 ? UINT32_MAX : a / b;
}

static inline uint32_t rem_u32(uint32_t a, uint32_t b)
{
    return b == 0 ? a : a % b;
}

static inline uint32_t div_s32(uint32_t a, uint32_t b)
{
    if (b == 0)
        return UINT32_MAX;
    return b == UINT32_MAX ? -a : (uint32_t)((int32_t)a / (int32_t)b);
}

static inline uint32_t rem_s32(uint32_t a, uint32_t b)
{
    if (b == 0)
        return a;
    return b == UINT32_MAX ? 0 : (uint32_t)((int32_t)a % (int32_t)b);
}

static inline uint64_t clz64(uint64_t a)
{
    return a == 0 ? 64 : (uint64_t)__builtin_clzll(a);
}

static inline uint64_t ctz64(uint64_t a)
{
    return a == 0 ? 64 : (uint64_t)__builtin_ctzll(a);
}

static inline uint32_t clz32(uint32_t a)
{
    return a == 0 ? 32 : (uint32_t)__builtin_clz(a);
}

static inline uint32_t ctz32(uint32_t a)
{
    return a == 0 ? 32 : (uint32_t)__builtin_ctz(a);
}

/* Each byte that is not zero becomes 0xff. */
static inline uint64_t orcb(uint64_t a)
{
    uint64_t low = UINT64_C(0x0101010101010101);
    uint64_t any = ((a & ~(low << 7)) + (low * 0x7f)) | a; /* bit 7 of each non-zero byte */

    return (any >> 7 & low) * 0xff;
}

/* Carry-less product, 128 bits of it. */
static inline unsigned __int128 clmul128(uint64_t a, uint64_t b)
{
    unsigned __int128 product = 0;

    for (; b != 0; b &= b - 1)
        product ^= (unsigned __int128)a << __builtin_ctzll(b);
    return product;
}

static inline uint64_t clmul(uint64_t a, uint64_t b)
{
    return (uint64_t)clmul128(a, b);
}

static inline uint64_t clmulh(uint64_t a, uint64_t b)
{
    return (uint64_t)(clmul128(a, b) >> 64);
}

static inline uint64_t clmulr(uint64_t a, uint64_t b)
{
    return (uint64_t)(clmul128(a, b) >> 63);
}

#endif

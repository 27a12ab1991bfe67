/* cpu/fp/define.h - the functions cpu/fp.h declares per format, as one macro. Private to cpu/fp/.
 *
 *     FP_DEFINE(f32, &fp_b32)
 */
#ifndef CPU_FP_DEFINE_H
#define CPU_FP_DEFINE_H

#include "cpu/fp/arith.h"
#include "cpu/fp/compare.h"
#include "cpu/fp/convert.h"

#define FP_DEFINE_BINARY(name, op, fmt, flip_b)                                                    \
    uint64_t name(uint64_t a, uint64_t b, unsigned rm, uint8_t *flags)                             \
    {                                                                                              \
        return op(fmt, fp_unpack(fmt, a), fp_unpack(fmt, b ^ ((flip_b) ? fp_sign_bit(fmt) : 0)),   \
                  rm, flags);                                                                      \
    }
#define FP_DEFINE_COMPARE(name, op, fmt)                                                           \
    bool name(uint64_t a, uint64_t b, uint8_t *flags)                                              \
    {                                                                                              \
        return op(fmt, a, b, flags);                                                               \
    }
#define FP_DEFINE_PICK(name, fmt, larger)                                                          \
    uint64_t name(uint64_t a, uint64_t b, uint8_t *flags)                                          \
    {                                                                                              \
        return fp_pick(fmt, a, b, larger, flags);                                                  \
    }
#define FP_DEFINE_INTEGER(p, suffix, fmt, width, is_signed)                                        \
    uint64_t p##_to_##suffix(uint64_t a, unsigned rm, uint8_t *flags)                              \
    {                                                                                              \
        return fp_to_int(fmt, a, width, is_signed, rm, flags);                                     \
    }                                                                                              \
    uint64_t p##_from_##suffix(uint64_t a, unsigned rm, uint8_t *flags)                            \
    {                                                                                              \
        return fp_from_int(fmt, a, width, is_signed, rm, flags);                                   \
    }

#define FP_DEFINE(p, fmt)                                                                          \
    FP_DEFINE_BINARY(p##_add, fp_add, fmt, false)                                                  \
    FP_DEFINE_BINARY(p##_sub, fp_add, fmt, true)                                                   \
    FP_DEFINE_BINARY(p##_mul, fp_mul, fmt, false)                                                  \
    FP_DEFINE_BINARY(p##_div, fp_div, fmt, false)                                                  \
    uint64_t p##_sqrt(uint64_t a, unsigned rm, uint8_t *flags)                                     \
    {                                                                                              \
        return fp_sqrt(fmt, fp_unpack(fmt, a), rm, flags);                                         \
    }                                                                                              \
    uint64_t p##_fma(uint64_t a, uint64_t b, uint64_t c, unsigned rm, uint8_t *flags)              \
    {                                                                                              \
        return fp_fma(fmt, fp_unpack(fmt, a), fp_unpack(fmt, b), fp_unpack(fmt, c), rm, flags);    \
    }                                                                                              \
    FP_DEFINE_PICK(p##_min, fmt, false)                                                            \
    FP_DEFINE_PICK(p##_max, fmt, true)                                                             \
    FP_DEFINE_COMPARE(p##_eq, fp_eq, fmt)                                                          \
    FP_DEFINE_COMPARE(p##_lt, fp_lt, fmt)                                                          \
    FP_DEFINE_COMPARE(p##_le, fp_le, fmt)                                                          \
    uint64_t p##_class(uint64_t a)                                                                 \
    {                                                                                              \
        return fp_class(fmt, a);                                                                   \
    }                                                                                              \
    FP_DEFINE_INTEGER(p, i32, fmt, 32, true)                                                       \
    FP_DEFINE_INTEGER(p, u32, fmt, 32, false)                                                      \
    FP_DEFINE_INTEGER(p, i64, fmt, 64, true)                                                       \
    FP_DEFINE_INTEGER(p, u64, fmt, 64, false)

#endif

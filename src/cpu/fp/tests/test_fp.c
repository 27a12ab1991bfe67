/* cpu/fp/tests/test_fp.c - single cases the specification names, and those that once were wrong
 * in somebody's floating point. test_fp_mpfr.c and test_fp_sse.c run the millions. */
#include "tests/unit.h"

#include "base/compiler.h"
#include "cpu/fp.h"

enum {
    QNAN32 = 0x7fc00000,
    SNAN32 = 0x7fa00000,
    INF32 = 0x7f800000,
    ONE32 = 0x3f800000,
    MAX32 = 0x7f7fffff,
};
#define NEG32(v) ((uint64_t)(v) ^ 0x80000000)
#define QNAN64 UINT64_C(0x7ff8000000000000)
#define ONE64 UINT64_C(0x3ff0000000000000)
#define INF64 UINT64_C(0x7ff0000000000000)

static uint8_t flags;

/* The call starts with no flags; result and flags are as given. */
#define IS(call, result, want_flags)                                                               \
    do {                                                                                           \
        flags = 0;                                                                                 \
        assert_int_equal(call, result);                                                            \
        assert_int_equal(flags, want_flags);                                                       \
    } while (0)

TEST(every_nan_result_is_the_canonical_one)
{
    IS(f32_add(0xffc12345, ONE32, FP_RNE, &flags), QNAN32, 0);
    IS(f32_add(SNAN32, ONE32, FP_RNE, &flags), QNAN32, FP_NV);
    IS(f32_sqrt(NEG32(ONE32), FP_RNE, &flags), QNAN32, FP_NV);
    IS(f64_div(0, 0, FP_RNE, &flags), QNAN64, FP_NV);
    IS(f32_to_f64(0xffc12345, &flags), QNAN64, 0);
    IS(f64_to_f16(UINT64_C(0xfff0000000000001), FP_RNE, &flags), 0x7e00, FP_NV);
    IS(f32_sub(INF32, INF32, FP_RNE, &flags), QNAN32, FP_NV);
}

TEST(infinity_times_zero_is_invalid_even_with_a_quiet_addend)
{
    IS(f32_fma(INF32, 0, QNAN32, FP_RNE, &flags), QNAN32, FP_NV);
    IS(f64_fma(0, INF64 | UINT64_C(1) << 63, QNAN64, FP_RNE, &flags), QNAN64, FP_NV);
    IS(f32_fma(INF32, ONE32, QNAN32, FP_RNE, &flags), QNAN32, 0);
    IS(f32_fma(INF32, ONE32, NEG32(INF32), FP_RNE, &flags), QNAN32, FP_NV);
}

TEST(tininess_is_detected_after_rounding)
{
    /* 2^-126 - 2^-150 has 24 bits, so nothing but the exponent range rounds it up: tiny. */
    IS(f32_mul(0x00ffffff, 0x3f000000, FP_RNE, &flags), 0x00800000, FP_UF | FP_NX);
    /* (1 + 2^-23) * (1 - 2^-23) * 2^-126 has 47, and 24 of them are 2^-126: not tiny. */
    IS(f32_mul(0x00800001, 0x3f7ffffe, FP_RNE, &flags), 0x00800000, FP_NX);
    IS(f32_mul(0x00800001, 0x3f7ffffe, FP_RTZ, &flags), 0x007fffff, FP_UF | FP_NX);
    /* An exact subnormal result does not underflow. */
    IS(f32_mul(0x00800000, 0x3f000000, FP_RNE, &flags), 0x00400000, 0);
    IS(f32_mul(1, 0x3f000000, FP_RNE, &flags), 0, FP_UF | FP_NX);
    IS(f32_mul(1, 0x3f000000, FP_RMM, &flags), 1, FP_UF | FP_NX);
    IS(f32_mul(1, 0x3f000000, FP_RUP, &flags), 1, FP_UF | FP_NX);
}

TEST(overflow_depends_on_the_direction)
{
    IS(f32_add(MAX32, MAX32, FP_RNE, &flags), INF32, FP_OF | FP_NX);
    IS(f32_add(MAX32, MAX32, FP_RTZ, &flags), MAX32, FP_OF | FP_NX);
    IS(f32_add(MAX32, MAX32, FP_RDN, &flags), MAX32, FP_OF | FP_NX);
    IS(f32_add(MAX32, MAX32, FP_RUP, &flags), INF32, FP_OF | FP_NX);
    IS(f32_add(MAX32, MAX32, FP_RMM, &flags), INF32, FP_OF | FP_NX);
    IS(f32_add(NEG32(MAX32), NEG32(MAX32), FP_RDN, &flags), NEG32(INF32), FP_OF | FP_NX);
    IS(f32_add(NEG32(MAX32), NEG32(MAX32), FP_RUP, &flags), NEG32(MAX32), FP_OF | FP_NX);
}

TEST(ties_go_to_even_or_away)
{
    /* 2^24 + 1 lies between two numbers. */
    IS(f32_from_i32(0x1000001, FP_RNE, &flags), 0x4b800000, FP_NX);
    IS(f32_from_i32(0x1000001, FP_RMM, &flags), 0x4b800001, FP_NX);
    IS(f32_from_i32(0x1000003, FP_RNE, &flags), 0x4b800002, FP_NX);
    IS(f32_from_i32((uint64_t)-0x1000001, FP_RMM, &flags), 0xcb800001, FP_NX);
    IS(f32_from_i32((uint64_t)-0x1000001, FP_RDN, &flags), 0xcb800001, FP_NX);
}

TEST(an_exact_zero_sum_is_negative_only_when_rounding_down)
{
    IS(f32_sub(ONE32, ONE32, FP_RNE, &flags), 0, 0);
    IS(f32_sub(ONE32, ONE32, FP_RDN, &flags), NEG32(0), 0);
    IS(f32_add(0, NEG32(0), FP_RDN, &flags), NEG32(0), 0);
    IS(f32_add(NEG32(0), NEG32(0), FP_RUP, &flags), NEG32(0), 0);
    IS(f32_fma(ONE32, ONE32, NEG32(ONE32), FP_RDN, &flags), NEG32(0), 0);
    IS(f32_fma(NEG32(ONE32), 0, NEG32(0), FP_RNE, &flags), NEG32(0), 0);
}

TEST(division_by_zero_is_exact_infinity)
{
    IS(f32_div(ONE32, NEG32(0), FP_RNE, &flags), NEG32(INF32), FP_DZ);
    IS(f32_div(INF32, 0, FP_RNE, &flags), INF32, 0);
    IS(f32_sqrt(NEG32(0), FP_RNE, &flags), NEG32(0), 0);
}

TEST(min_and_max_prefer_numbers_and_order_zeros)
{
    IS(f32_min(0, NEG32(0), &flags), NEG32(0), 0);
    IS(f32_max(NEG32(0), 0, &flags), 0, 0);
    IS(f32_min(QNAN32, ONE32, &flags), ONE32, 0);
    IS(f32_max(ONE32, SNAN32, &flags), ONE32, FP_NV);
    IS(f32_min(SNAN32, 0xffc12345, &flags), QNAN32, FP_NV);
    IS(f64_max(QNAN64 | 1, QNAN64 | 2, &flags), QNAN64, 0);
}

TEST(comparisons_signal_as_they_should)
{
    IS(f32_eq(0, NEG32(0), &flags), true, 0);
    IS(f32_lt(NEG32(0), 0, &flags), false, 0);
    IS(f32_le(NEG32(0), 0, &flags), true, 0);
    IS(f32_eq(QNAN32, QNAN32, &flags), false, 0);
    IS(f32_eq(SNAN32, ONE32, &flags), false, FP_NV);
    IS(f32_lt(QNAN32, ONE32, &flags), false, FP_NV);
    IS(f32_le(ONE32, QNAN32, &flags), false, FP_NV);
}

TEST(conversions_to_integers_saturate)
{
    IS(f32_to_i32(QNAN32, FP_RTZ, &flags), 0x7fffffff, FP_NV);
    IS(f32_to_u32(0xffffffff, FP_RTZ, &flags), UINT64_MAX, FP_NV); /* a NaN, sign set */
    IS(f32_to_u64(NEG32(INF32), FP_RTZ, &flags), 0, FP_NV);
    IS(f64_to_i64(INF64, FP_RTZ, &flags), INT64_MAX, FP_NV);
    IS(f32_to_i32(0xcf000000, FP_RTZ, &flags), (uint64_t)INT32_MIN, 0);     /* -2^31 */
    IS(f32_to_i32(0xcf000001, FP_RTZ, &flags), (uint64_t)INT32_MIN, FP_NV); /* less */
    /* -0.5 is in range when it rounds to zero, -1 is not. */
    IS(f32_to_u32(NEG32(0x3f000000), FP_RTZ, &flags), 0, FP_NX);
    IS(f32_to_u32(NEG32(0x3f000000), FP_RNE, &flags), 0, FP_NX);
    IS(f32_to_u32(NEG32(0x3f000000), FP_RMM, &flags), 0, FP_NV);
    IS(f32_to_u32(NEG32(ONE32), FP_RNE, &flags), 0, FP_NV);
    /* 2147483647.5 fits, or not, by its rounding. */
    IS(f64_to_i32(UINT64_C(0x41dfffffffe00000), FP_RTZ, &flags), 0x7fffffff, FP_NX);
    IS(f64_to_i32(UINT64_C(0x41dfffffffe00000), FP_RNE, &flags), 0x7fffffff, FP_NV);
}

TEST(results_of_32_bits_are_sign_extended)
{
    IS(f32_to_u32(0x4f000000, FP_RNE, &flags), UINT64_C(0xffffffff80000000), 0);
    IS(f64_to_u32(UINT64_C(0x41efffffffe00000), FP_RNE, &flags), UINT64_MAX, 0);
    IS(f64_from_u32(UINT64_C(0xffffffff80000000), FP_RNE, &flags), UINT64_C(0x41e0000000000000), 0);
    IS(f64_from_i32(UINT64_C(0x1ffffffff), FP_RNE, &flags), UINT64_C(0xbff0000000000000), 0);
}

TEST(classes_have_one_bit_each)
{
    static const uint32_t values[] = { 0xff800000, 0xbf800000, 0x80000001, 0x80000000, 0,
                                       0x007fffff, 0x00800000, INF32,      SNAN32,     QNAN32 };
    unsigned i;

    for (i = 0; i < ARRAY_LEN(values); i++)
        assert_int_equal(f32_class(values[i]), 1 << i);
    assert_int_equal(f64_class(UINT64_C(0x8000000000000001)), 1 << 2);
    assert_int_equal(f64_class(ONE64), 1 << 6);
}

TEST(half_precision_converts_with_its_subnormals)
{
    IS(f16_to_f32(0x0001, &flags), 0x33800000, 0);
    IS(f32_to_f16(0x33800000, FP_RNE, &flags), 0x0001, 0);
    IS(f32_to_f16(0x33000000, FP_RNE, &flags), 0, FP_UF | FP_NX);
    IS(f32_to_f16(0x477fefff, FP_RNE, &flags), 0x7bff, FP_NX);
    IS(f32_to_f16(0x477ff000, FP_RNE, &flags), 0x7c00, FP_OF | FP_NX);
    IS(f16_to_f64(0xfc00, &flags), INF64 | UINT64_C(1) << 63, 0);
}

TEST(bits_above_the_format_and_flags_before_do_not_matter)
{
    flags = FP_DZ;
    assert_int_equal(f32_add(UINT64_C(0xdeadbeef00000000) | ONE32, ONE32, FP_RNE, &flags),
                     0x40000000);
    assert_int_equal(f32_min(UINT64_C(0xdeadbeef00000000) | ONE32, QNAN32, &flags), ONE32);
    assert_true(f32_eq(UINT64_C(0xffffffff00000000) | ONE32, ONE32, &flags));
    assert_int_equal(f16_to_f32(UINT64_C(0xffffffffffff3c00), &flags), ONE32);
    assert_int_equal(flags, FP_DZ);
}

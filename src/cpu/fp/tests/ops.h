/* cpu/fp/tests/ops.h - the functions of cpu/fp.h as a table, for the tests that run them all.
 *
 * `group` is the command-line word that selects an entry; `shape` says which function pointer is
 * set and how operands are made.
 */
#ifndef CPU_FP_TESTS_OPS_H
#define CPU_FP_TESTS_OPS_H

#include "cpu/fp/core.h"

enum op_kind {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_SQRT,
    OP_FMA,
    OP_MIN,
    OP_MAX,
    OP_EQ,
    OP_LT,
    OP_LE,
    OP_CLASS,
    OP_TO_INT,
    OP_FROM_INT,
    OP_CONVERT,
};

struct op {
    const char *name, *group;
    enum op_kind kind;
    const struct fp_format *in, *out; /* of floating-point operands and results */
    unsigned width;                   /* of integers */
    bool is_signed;
    uint64_t (*run)(uint64_t a, uint64_t b, uint64_t c, unsigned rm, uint8_t *flags);
};

#define RUN(name, call)                                                                            \
    static uint64_t run_##name(uint64_t a, uint64_t b, uint64_t c, unsigned rm, uint8_t *flags)    \
    {                                                                                              \
        (void)a, (void)b, (void)c, (void)rm, (void)flags;                                          \
        return call;                                                                               \
    }
#define RUN_FORMAT(p)                                                                              \
    RUN(p##_add, p##_add(a, b, rm, flags))                                                         \
    RUN(p##_sub, p##_sub(a, b, rm, flags))                                                         \
    RUN(p##_mul, p##_mul(a, b, rm, flags))                                                         \
    RUN(p##_div, p##_div(a, b, rm, flags))                                                         \
    RUN(p##_sqrt, p##_sqrt(a, rm, flags))                                                          \
    RUN(p##_fma, p##_fma(a, b, c, rm, flags))                                                      \
    RUN(p##_min, p##_min(a, b, flags))                                                             \
    RUN(p##_max, p##_max(a, b, flags))                                                             \
    RUN(p##_eq, p##_eq(a, b, flags))                                                               \
    RUN(p##_lt, p##_lt(a, b, flags))                                                               \
    RUN(p##_le, p##_le(a, b, flags))                                                               \
    RUN(p##_class, p##_class(a))                                                                   \
    RUN(p##_to_i32, p##_to_i32(a, rm, flags))                                                      \
    RUN(p##_to_u32, p##_to_u32(a, rm, flags))                                                      \
    RUN(p##_to_i64, p##_to_i64(a, rm, flags))                                                      \
    RUN(p##_to_u64, p##_to_u64(a, rm, flags))                                                      \
    RUN(p##_from_i32, p##_from_i32(a, rm, flags))                                                  \
    RUN(p##_from_u32, p##_from_u32(a, rm, flags))                                                  \
    RUN(p##_from_i64, p##_from_i64(a, rm, flags))                                                  \
    RUN(p##_from_u64, p##_from_u64(a, rm, flags))

RUN_FORMAT(f32)
RUN_FORMAT(f64)
RUN(f32_to_f64, f32_to_f64(a, flags))
RUN(f64_to_f32, f64_to_f32(a, rm, flags))
RUN(f16_to_f32, f16_to_f32(a, flags))
RUN(f16_to_f64, f16_to_f64(a, flags))
RUN(f32_to_f16, f32_to_f16(a, rm, flags))
RUN(f64_to_f16, f64_to_f16(a, rm, flags))

/* One row per function. */
/* clang-format off */
#define OP_ROW(p, op, group, kind, fmt, width, sgn) \
    { #p "_" #op, (group), (kind), &(fmt), &(fmt), (width), (sgn), run_##p##_##op }
#define OP_ROWS(p, fmt) \
    OP_ROW(p, add, "add", OP_ADD, fmt, 0, false), \
    OP_ROW(p, sub, "add", OP_SUB, fmt, 0, false), \
    OP_ROW(p, mul, "mul", OP_MUL, fmt, 0, false), \
    OP_ROW(p, div, "div", OP_DIV, fmt, 0, false), \
    OP_ROW(p, sqrt, "sqrt", OP_SQRT, fmt, 0, false), \
    OP_ROW(p, fma, "fma", OP_FMA, fmt, 0, false), \
    OP_ROW(p, min, "compare", OP_MIN, fmt, 0, false), \
    OP_ROW(p, max, "compare", OP_MAX, fmt, 0, false), \
    OP_ROW(p, eq, "compare", OP_EQ, fmt, 0, false), \
    OP_ROW(p, lt, "compare", OP_LT, fmt, 0, false), \
    OP_ROW(p, le, "compare", OP_LE, fmt, 0, false), \
    OP_ROW(p, class, "compare", OP_CLASS, fmt, 0, false), \
    OP_ROW(p, to_i32, "integer", OP_TO_INT, fmt, 32, true), \
    OP_ROW(p, to_u32, "integer", OP_TO_INT, fmt, 32, false), \
    OP_ROW(p, to_i64, "integer", OP_TO_INT, fmt, 64, true), \
    OP_ROW(p, to_u64, "integer", OP_TO_INT, fmt, 64, false), \
    OP_ROW(p, from_i32, "integer", OP_FROM_INT, fmt, 32, true), \
    OP_ROW(p, from_u32, "integer", OP_FROM_INT, fmt, 32, false), \
    OP_ROW(p, from_i64, "integer", OP_FROM_INT, fmt, 64, true), \
    OP_ROW(p, from_u64, "integer", OP_FROM_INT, fmt, 64, false)

static const struct op all_ops[] = {
    OP_ROWS(f32, fp_b32),
    OP_ROWS(f64, fp_b64),
    { "f32_to_f64", "convert", OP_CONVERT, &fp_b32, &fp_b64, 0, false, run_f32_to_f64 },
    { "f64_to_f32", "convert", OP_CONVERT, &fp_b64, &fp_b32, 0, false, run_f64_to_f32 },
    { "f16_to_f32", "convert", OP_CONVERT, &fp_b16, &fp_b32, 0, false, run_f16_to_f32 },
    { "f16_to_f64", "convert", OP_CONVERT, &fp_b16, &fp_b64, 0, false, run_f16_to_f64 },
    { "f32_to_f16", "convert", OP_CONVERT, &fp_b32, &fp_b16, 0, false, run_f32_to_f16 },
    { "f64_to_f16", "convert", OP_CONVERT, &fp_b64, &fp_b16, 0, false, run_f64_to_f16 },
};
/* clang-format on */

#endif

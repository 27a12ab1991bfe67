/* dbt/region/shape.c - which slots each T0 op reads and writes.
 *
 * From the same table as the ops themselves. An op that stands there as OP() has no pattern: it is
 * listed here or it is unknown, and blocks that have it stay out of regions. Calls of helpers are
 * left out on purpose: they may change modes, banks and what code means.
 */
#include "dbt/region/region.h"

enum {
    D = T0_KNOWN | T0_DEF,
    DA = D | T0_USE_A,
    DAB = DA | T0_USE_B,
};

/* clang-format off */
static const uint8_t shape[T0_OPCODES] = {
#define BIN(name, e64, e32) [T0_##name##_RR] = DAB, [T0_##name##_RI] = DA, \
    [T0_##name##_WRR] = DAB, [T0_##name##_WRI] = DA,
#define UN(name, e64, e32) [T0_##name##_R] = DA, [T0_##name##_WR] = DA,
#define BRANCH(name, cond) [T0_##name##_RR] = T0_KNOWN | T0_EXIT | T0_USE_A | T0_USE_B, \
    [T0_##name##_RI] = T0_KNOWN | T0_EXIT | T0_USE_A,
#define LOAD(name, mtype, vtype) [T0_##name] = DA,
#define STORE(name, mtype) [T0_##name] = T0_KNOWN | T0_USE_A | T0_USE_B,
#define FP2(name, fn) [T0_F32_##name] = DAB, [T0_F64_##name] = DAB,
#define FPCMP(name, fn) [T0_F32_##name] = DAB, [T0_F64_##name] = DAB,
#define FP3(name, np, na) [T0_F32_##name] = DAB | T0_USE_IMM8, [T0_F64_##name] = DAB | T0_USE_IMM8,
#define FPSGN(name, sign) [T0_F32_##name] = DAB, [T0_F64_##name] = DAB,
#define FPINT(name, fn) [T0_F32_TO_##name] = DA, [T0_F64_TO_##name] = DA, \
    [T0_F32_FROM_##name] = DA, [T0_F64_FROM_##name] = DA,
#include "dbt/interp/t0_ops.def"
#undef BIN
#undef UN
#undef BRANCH
#undef LOAD
#undef STORE
#undef FP2
#undef FPCMP
#undef FP3
#undef FPSGN
#undef FPINT
    [T0_MOV] = DA, [T0_MOVI] = D, [T0_PC] = D, [T0_SELECT] = DAB | T0_USE_IMM,
    [T0_UNBOX] = DA, [T0_BOX] = DA,
    [T0_AMO] = DAB, [T0_LR] = DA, [T0_SC] = DAB, [T0_CAS] = DAB | T0_USE_IMM8,
    [T0_FENCE] = T0_KNOWN, [T0_GETFFLAGS] = D, [T0_SETFFLAGS] = T0_KNOWN | T0_USE_A,
    [T0_F32_SQRT] = DA, [T0_F64_SQRT] = DA, [T0_F32_CLASS] = DA, [T0_F64_CLASS] = DA,
    [T0_F32_TO_F64] = DA, [T0_F64_TO_F32] = DA,
    [T0_F16_TO_F32] = DA, [T0_F16_TO_F64] = DA, [T0_F32_TO_F16] = DA, [T0_F64_TO_F16] = DA,
    [T0_JUMP] = T0_KNOWN | T0_EXIT | T0_END,
    [T0_JUMPREG] = T0_KNOWN | T0_USE_A | T0_END,
};

unsigned t0_shape(unsigned opcode)
{
    return shape[opcode];
}

bool t0_takes_doubles(unsigned opcode)
{
    switch (opcode) {
#define FP2(name, fn) case T0_F64_##name:
#define FPCMP(name, fn) case T0_F64_##name:
#define FP3(name, np, na) case T0_F64_##name:
#define FPSGN(name, sign) case T0_F64_##name:
#define FPINT(name, fn) case T0_F64_TO_##name: case T0_F64_FROM_##name:
#include "dbt/interp/t0_ops.def"
#undef FP2
#undef FPCMP
#undef FP3
#undef FPSGN
#undef FPINT
    case T0_F64_SQRT: /* and these have an f register for the double only */
    case T0_F32_TO_F64:
    case T0_F64_TO_F32:
    case T0_LOAD64:
    case T0_STORE64:
    case T0_MOV:
        return true;
    default:
        return false;
    }
}
/* clang-format on */

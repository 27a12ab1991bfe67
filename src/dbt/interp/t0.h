/* dbt/interp/t0.h - T0's code: IR lowered to a compact array a threaded interpreter walks.
 *
 * Operands are slots: indices of 64-bit words counted from the hart pointer, so that x[r] is
 * slot r, f[r] slot 32 + r, and values that are in no guest register sit in hart->temp. x[0]
 * doubles as the constant 0.
 */
#ifndef DBT_INTERP_T0_H
#define DBT_INTERP_T0_H

#include <stdint.h>

#include "cpu/hart.h"
#include "dbt/ir/ir.h"

enum t0_opcode {
#define BIN(name, e64, e32) T0_##name##_RR, T0_##name##_RI, T0_##name##_WRR, T0_##name##_WRI,
#define UN(name, e64, e32) T0_##name##_R, T0_##name##_WR,
#define BRANCH(name, cond) T0_##name##_RR, T0_##name##_RI,
#define LOAD(name, mtype, vtype) T0_##name,
#define STORE(name, mtype) T0_##name,
#define FP2(name, fn) T0_F32_##name, T0_F64_##name,
#define FPCMP(name, fn) T0_F32_##name, T0_F64_##name,
#define FP3(name, np, na) T0_F32_##name, T0_F64_##name,
#define FPSGN(name, sign) T0_F32_##name, T0_F64_##name,
#define FPINT(name, fn) T0_F32_TO_##name, T0_F64_TO_##name, T0_F32_FROM_##name, T0_F64_FROM_##name,
#define OP(name) T0_##name,
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
#undef OP
    T0_OPCODES
};

struct t0_op {
    uint16_t opcode;    /* enum t0_opcode */
    uint16_t dst, a, b; /* slots, unless t0_ops.def says otherwise */
    int64_t imm;        /* BRANCH: low half the target's offset, RI: high half the constant */
};
_Static_assert(sizeof(struct t0_op) == 16, "small, or the cache holds less");

/* Which instruction an op belongs to, for precise faults: ops from first_op on, up to the next
 * entry's, are of the instruction at `offset` bytes into the block. */
struct t0_insn {
    uint16_t first_op, offset;
};

/* An op has three operands, and constants among them may need an op each. */
enum { T0_MAX_OPS = 4 * IR_MAX_OPS, T0_MAX_LINKS = 4, T0_CALL_COUNTS = 1 << 24 };

/* JUMPREG's imm: it is likely to return from the call made last. A hint only. */
enum { T0_JUMP_RETURN = 1 };

struct t0_code {
    struct t0_op op[T0_MAX_OPS];
    struct t0_insn insn[IR_MAX_INSNS];
    unsigned ops, insns;
    unsigned links;   /* direct exits within reach of chaining, numbered from 0 */
    bool makes_dirty; /* has an FSDIRTY */
};

enum {
    T0_SLOT_X = offsetof(struct hart, s.x) / 8,
    T0_SLOT_F = offsetof(struct hart, s.f) / 8,
    T0_SLOT_TEMP = offsetof(struct hart, temp) / 8,
    T0_SLOT_ZERO = T0_SLOT_X, /* x0 */
};

/* Lowers a verified block. Cannot fail: IR_MAX_OPS bounds what it needs. */
void t0_lower(const struct ir_block *ir, struct t0_code *ret_code);

struct strbuf;
/* One op a line, for --dump=t0. */
void t0_dump(const struct t0_op *op, unsigned count, struct strbuf *out);

#endif

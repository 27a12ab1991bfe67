/* dbt/back/x86_64/emit.h - the core of the assembler, for asm*.c only.
 *
 * An instruction is named by one word: opcode byte, opcode map, prefixes. Map and mandatory prefix
 * have the numbers VEX gives them (SDM volume 2, 2.3.5.6 and 2.3.5.1), so one word serves both
 * kinds of encoding. Everything else (REX, ModRM, SIB, displacement) follows from the operands.
 */
#ifndef DBT_BACK_X86_64_EMIT_H
#define DBT_BACK_X86_64_EMIT_H

#include "dbt/back/x86_64/asm.h"

enum x86_op {
    OP_0F = 1 << 8,
    OP_0F38 = 2 << 8,
    OP_0F3A = 3 << 8,
    OP_66 = 1 << 10,
    OP_F3 = 2 << 10,
    OP_F2 = 3 << 10,
    OP_W = 1 << 12,
    OP_LOCK = 1 << 13,
    OP_VEX = 1 << 14,
    OP_BYTE_REG = 1 << 15, /* the reg operand is a byte register: spl to dil need a REX */
    OP_BYTE_RM = 1 << 16,  /* and so the r/m operand */
    OP_VVVV = 20,          /* VEX's third register, from this bit on */
};

/* The r/m operand: a register or memory. */
struct x86_rm {
    bool is_mem;
    uint8_t reg;
    struct x86_mem mem;
};
static inline struct x86_rm x86_r(unsigned reg)
{
    return (struct x86_rm){ .reg = (uint8_t)reg };
}
static inline struct x86_rm x86_m(struct x86_mem mem)
{
    return (struct x86_rm){ .is_mem = true, .mem = mem };
}

struct x86_imm {
    unsigned bytes; /* 0, 1, 2, 4 or 8 */
    uint64_t value;
};
#define NO_IMM ((struct x86_imm){ 0, 0 })
static inline struct x86_imm x86_imm(unsigned bytes, int64_t value)
{
    return (struct x86_imm){ bytes, (uint64_t)value };
}

static inline bool x86_is_imm8(int64_t value)
{
    return value == (int8_t)value;
}

/* What `size` adds to an instruction of operand sizes 4 and 8; and to one of all four sizes, whose
 * opcode is given for bytes, as its even number. */
static inline uint32_t x86_w(unsigned size)
{
    return size == 8 ? OP_W : 0;
}
static inline uint32_t x86_bwlq(unsigned size)
{
    return size == 1 ? 0 : size == 2 ? OP_66 | 1u : size == 8 ? OP_W | 1u : 1u;
}
/* An immediate operand of an instruction of `size` has at most four bytes. */
static inline unsigned x86_imm_bytes(unsigned size)
{
    return size == 8 ? 4 : size;
}

/* [prefixes] [REX] [map] opcode ModRM [SIB] [disp] [imm]; reg is a register or the /digit. */
void x86_emit(struct x86_asm *a, uint32_t op, unsigned reg, struct x86_rm rm, struct x86_imm imm);
/* [prefixes] [REX] [map] opcode + (reg & 7) [imm]: no ModRM. */
void x86_emit_plain(struct x86_asm *a, uint32_t op, unsigned reg, struct x86_imm imm);

#endif

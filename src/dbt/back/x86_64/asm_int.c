/*
 * dbt/back/x86_64/asm_int.c - the assembler: integer arithmetic and atomics.
 *
 * See asm.c; each function names an opcode and its operands.
 */
#include "dbt/back/x86_64/asm.h"

#include <assert.h>

#include "dbt/back/x86_64/emit.h"

/* An instruction of all four sizes, whose operands may be byte registers. */
static void sized(struct x86_asm *a, uint32_t op, unsigned size, unsigned reg, struct x86_rm rm)
{
    if (size == 1)
        op |= OP_BYTE_REG | OP_BYTE_RM;
    x86_emit(a, op | x86_bwlq(size), reg, rm, NO_IMM);
}

void x86_alu_rr(struct x86_asm *a, enum x86_alu op, unsigned size, enum x86_reg dst,
                enum x86_reg src)
{
    sized(a, op * 8u, size, src, x86_r(dst));
}

void x86_alu_rm(struct x86_asm *a, enum x86_alu op, unsigned size, enum x86_reg dst,
                struct x86_mem mem)
{
    sized(a, op * 8u + 2, size, dst, x86_m(mem));
}

void x86_alu_mr(struct x86_asm *a, enum x86_alu op, unsigned size, struct x86_mem mem,
                enum x86_reg src)
{
    sized(a, op * 8u, size, src, x86_m(mem));
}

static void alu_imm(struct x86_asm *a, enum x86_alu op, unsigned size, struct x86_rm dst,
                    int32_t imm)
{
    uint32_t width = x86_bwlq(size) | (size == 1 ? OP_BYTE_RM : 0);

    if (size != 1 && x86_is_imm8(imm))
        x86_emit(a, width | 0x83, op, dst, x86_imm(1, imm));
    else
        x86_emit(a, width | 0x80, op, dst, x86_imm(x86_imm_bytes(size), imm));
}

void x86_alu_ri(struct x86_asm *a, enum x86_alu op, unsigned size, enum x86_reg dst, int32_t imm)
{
    alu_imm(a, op, size, x86_r(dst), imm);
}

void x86_alu_mi(struct x86_asm *a, enum x86_alu op, unsigned size, struct x86_mem mem, int32_t imm)
{
    alu_imm(a, op, size, x86_m(mem), imm);
}

void x86_test_rr(struct x86_asm *a, unsigned size, enum x86_reg r1, enum x86_reg r2)
{
    sized(a, 0x84, size, r2, x86_r(r1));
}

void x86_test_ri(struct x86_asm *a, unsigned size, enum x86_reg reg, int32_t imm)
{
    /* A mask without the top bit of a smaller size gives the same result and flags in it. */
    if (imm >= 0 && imm <= INT8_MAX)
        size = 1;
    else if (imm >= 0 && size == 8)
        size = 4;
    x86_emit(a, x86_bwlq(size) | OP_BYTE_RM * (size == 1) | 0xf6, 0, x86_r(reg),
             x86_imm(x86_imm_bytes(size), imm));
}

void x86_shift_ri(struct x86_asm *a, enum x86_shift op, unsigned size, enum x86_reg dst,
                  uint8_t count)
{
    if (count == 1)
        x86_emit(a, x86_w(size) | 0xd1, op, x86_r(dst), NO_IMM);
    else
        x86_emit(a, x86_w(size) | 0xc1, op, x86_r(dst), x86_imm(1, count));
}

void x86_shift_rcl(struct x86_asm *a, enum x86_shift op, unsigned size, enum x86_reg dst)
{
    x86_emit(a, x86_w(size) | 0xd3, op, x86_r(dst), NO_IMM);
}

void x86_shiftx(struct x86_asm *a, enum x86_shift op, unsigned size, enum x86_reg dst,
                enum x86_reg src, enum x86_reg count)
{
    uint32_t prefix = op == SHIFT_SHL ? OP_66 : op == SHIFT_SHR ? OP_F2 : OP_F3;

    assert(op == SHIFT_SHL || op == SHIFT_SHR || op == SHIFT_SAR);
    x86_emit(a, OP_VEX | prefix | OP_0F38 | x86_w(size) | (uint32_t)count << OP_VVVV | 0xf7, dst,
             x86_r(src), NO_IMM);
}

void x86_rorx(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src, uint8_t count)
{
    x86_emit(a, OP_VEX | OP_F2 | OP_0F3A | x86_w(size) | 0xf0, dst, x86_r(src), x86_imm(1, count));
}

void x86_andn(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg inverted,
              enum x86_reg other)
{
    x86_emit(a, OP_VEX | OP_0F38 | x86_w(size) | (uint32_t)inverted << OP_VVVV | 0xf2, dst,
             x86_r(other), NO_IMM);
}

void x86_imul_rr(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src)
{
    x86_emit(a, x86_w(size) | OP_0F | 0xaf, dst, x86_r(src), NO_IMM);
}

void x86_imul_rm(struct x86_asm *a, unsigned size, enum x86_reg dst, struct x86_mem mem)
{
    x86_emit(a, x86_w(size) | OP_0F | 0xaf, dst, x86_m(mem), NO_IMM);
}

void x86_imul_rri(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src, int32_t imm)
{
    if (x86_is_imm8(imm))
        x86_emit(a, x86_w(size) | 0x6b, dst, x86_r(src), x86_imm(1, imm));
    else
        x86_emit(a, x86_w(size) | 0x69, dst, x86_r(src), x86_imm(4, imm));
}

/* Opcode f7: one operand, the digit says what. */
static void group3(struct x86_asm *a, unsigned digit, unsigned size, enum x86_reg reg)
{
    x86_emit(a, x86_w(size) | 0xf7, digit, x86_r(reg), NO_IMM);
}

void x86_not(struct x86_asm *a, unsigned size, enum x86_reg reg)
{
    group3(a, 2, size, reg);
}

void x86_neg(struct x86_asm *a, unsigned size, enum x86_reg reg)
{
    group3(a, 3, size, reg);
}

void x86_mul(struct x86_asm *a, unsigned size, enum x86_reg src)
{
    group3(a, 4, size, src);
}

void x86_imul1(struct x86_asm *a, unsigned size, enum x86_reg src)
{
    group3(a, 5, size, src);
}

void x86_div(struct x86_asm *a, unsigned size, enum x86_reg src)
{
    group3(a, 6, size, src);
}

void x86_idiv(struct x86_asm *a, unsigned size, enum x86_reg src)
{
    group3(a, 7, size, src);
}

void x86_cqo(struct x86_asm *a, unsigned size)
{
    x86_emit_plain(a, x86_w(size) | 0x99, 0, NO_IMM);
}

void x86_bswap(struct x86_asm *a, unsigned size, enum x86_reg reg)
{
    x86_emit_plain(a, x86_w(size) | OP_0F | 0xc8, reg, NO_IMM);
}

void x86_lzcnt(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src)
{
    x86_emit(a, OP_F3 | x86_w(size) | OP_0F | 0xbd, dst, x86_r(src), NO_IMM);
}

void x86_tzcnt(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src)
{
    x86_emit(a, OP_F3 | x86_w(size) | OP_0F | 0xbc, dst, x86_r(src), NO_IMM);
}

void x86_popcnt(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src)
{
    x86_emit(a, OP_F3 | x86_w(size) | OP_0F | 0xb8, dst, x86_r(src), NO_IMM);
}

void x86_setcc(struct x86_asm *a, enum x86_cc cc, enum x86_reg dst)
{
    x86_emit(a, OP_BYTE_RM | OP_0F | (0x90u + cc), 0, x86_r(dst), NO_IMM);
}

void x86_cmov(struct x86_asm *a, enum x86_cc cc, unsigned size, enum x86_reg dst, enum x86_reg src)
{
    x86_emit(a, x86_w(size) | OP_0F | (0x40u + cc), dst, x86_r(src), NO_IMM);
}

/* ---- atomics ---- */

void x86_lock_xadd(struct x86_asm *a, unsigned size, struct x86_mem mem, enum x86_reg reg)
{
    sized(a, OP_LOCK | OP_0F | 0xc0, size, reg, x86_m(mem));
}

void x86_lock_cmpxchg(struct x86_asm *a, unsigned size, struct x86_mem mem, enum x86_reg desired)
{
    sized(a, OP_LOCK | OP_0F | 0xb0, size, desired, x86_m(mem));
}

void x86_lock_cmpxchg16b(struct x86_asm *a, struct x86_mem mem)
{
    x86_emit(a, OP_LOCK | OP_W | OP_0F | 0xc7, 1, x86_m(mem), NO_IMM);
}

/* xchg with memory locks by itself. */
void x86_xchg_mr(struct x86_asm *a, unsigned size, struct x86_mem mem, enum x86_reg reg)
{
    sized(a, 0x86, size, reg, x86_m(mem));
}

void x86_lock_alu_mr(struct x86_asm *a, enum x86_alu op, unsigned size, struct x86_mem mem,
                     enum x86_reg src)
{
    assert(op != ALU_CMP); /* writes nothing, so lock is #UD */
    sized(a, OP_LOCK | op * 8u, size, src, x86_m(mem));
}

void x86_mfence(struct x86_asm *a)
{
    x86_emit(a, OP_0F | 0xae, 6, x86_r(0), NO_IMM);
}

/*
 * dbt/back/x86_64/asm_sse.c - the assembler: scalar floating point.
 *
 * See asm.c; each function names an opcode and its operands.
 */
#include "dbt/back/x86_64/asm.h"

#include <assert.h>

#include "dbt/back/x86_64/emit.h"

/* The prefix by which scalar instructions tell float from double. */
static uint32_t scalar(unsigned size)
{
    assert(size == 4 || size == 8);
    return (size == 8 ? OP_F2 : OP_F3) | OP_0F;
}

void x86_sse_rr(struct x86_asm *a, enum x86_sse op, unsigned size, enum x86_xmm dst,
                enum x86_xmm src)
{
    x86_emit(a, scalar(size) | op, dst, x86_r(src), NO_IMM);
}

void x86_sse_rrr(struct x86_asm *a, enum x86_sse op, unsigned size, enum x86_xmm dst,
                 enum x86_xmm src1, enum x86_xmm src2)
{
    x86_emit(a, OP_VEX | scalar(size) | op | (uint32_t)src1 << OP_VVVV, dst, x86_r(src2), NO_IMM);
}

/* vroundss, vroundsd: with VEX, as legacy opcodes of this map are not encoded here. */
void x86_round(struct x86_asm *a, unsigned size, unsigned mode, enum x86_xmm dst, enum x86_xmm src)
{
    x86_emit(a, OP_VEX | OP_66 | OP_0F3A | (size == 8 ? 0x0b : 0x0a) | (uint32_t)src << OP_VVVV,
             dst, x86_r(src), x86_imm(1, (int64_t)mode));
}

void x86_movs_rr(struct x86_asm *a, enum x86_xmm dst, enum x86_xmm src)
{
    x86_emit(a, OP_0F | 0x28, dst, x86_r(src), NO_IMM);
}

void x86_movs_load(struct x86_asm *a, unsigned size, enum x86_xmm dst, struct x86_mem mem)
{
    x86_emit(a, scalar(size) | 0x10, dst, x86_m(mem), NO_IMM);
}

void x86_movs_store(struct x86_asm *a, unsigned size, struct x86_mem mem, enum x86_xmm src)
{
    x86_emit(a, scalar(size) | 0x11, src, x86_m(mem), NO_IMM);
}

void x86_movd_xr(struct x86_asm *a, unsigned size, enum x86_xmm dst, enum x86_reg src)
{
    x86_emit(a, OP_66 | x86_w(size) | OP_0F | 0x6e, dst, x86_r(src), NO_IMM);
}

void x86_movd_rx(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_xmm src)
{
    x86_emit(a, OP_66 | x86_w(size) | OP_0F | 0x7e, src, x86_r(dst), NO_IMM);
}

void x86_ucomis(struct x86_asm *a, unsigned size, enum x86_xmm r1, enum x86_xmm r2)
{
    x86_emit(a, (size == 8 ? OP_66 : 0) | OP_0F | 0x2e, r1, x86_r(r2), NO_IMM);
}

void x86_comis(struct x86_asm *a, unsigned size, enum x86_xmm r1, enum x86_xmm r2)
{
    x86_emit(a, (size == 8 ? OP_66 : 0) | OP_0F | 0x2f, r1, x86_r(r2), NO_IMM);
}

void x86_cvt_from_int(struct x86_asm *a, unsigned size, unsigned int_size, enum x86_xmm dst,
                      enum x86_reg src)
{
    x86_emit(a, scalar(size) | x86_w(int_size) | 0x2a, dst, x86_r(src), NO_IMM);
}

void x86_cvt_to_int(struct x86_asm *a, unsigned size, unsigned int_size, bool truncate,
                    enum x86_reg dst, enum x86_xmm src)
{
    x86_emit(a, scalar(size) | x86_w(int_size) | (truncate ? 0x2c : 0x2d), dst, x86_r(src), NO_IMM);
}

void x86_cvt_size(struct x86_asm *a, unsigned to_size, enum x86_xmm dst, enum x86_xmm src)
{
    /* The prefix tells the size of the source. */
    x86_emit(a, scalar(to_size == 8 ? 4 : 8) | 0x5a, dst, x86_r(src), NO_IMM);
}

void x86_fma213(struct x86_asm *a, unsigned size, bool negate_product, bool subtract,
                enum x86_xmm dst, enum x86_xmm b, enum x86_xmm c)
{
    uint32_t opcode = 0xa9u + 4 * negate_product + 2 * subtract;

    x86_emit(a, OP_VEX | OP_66 | OP_0F38 | x86_w(size) | (uint32_t)b << OP_VVVV | opcode, dst,
             x86_r(c), NO_IMM);
}

void x86_ldmxcsr(struct x86_asm *a, struct x86_mem mem)
{
    x86_emit(a, OP_0F | 0xae, 2, x86_m(mem), NO_IMM);
}

void x86_stmxcsr(struct x86_asm *a, struct x86_mem mem)
{
    x86_emit(a, OP_0F | 0xae, 3, x86_m(mem), NO_IMM);
}

void x86_logic_rr(struct x86_asm *a, enum x86_logic op, enum x86_xmm dst, enum x86_xmm src)
{
    x86_emit(a, OP_0F | (unsigned)op, dst, x86_r(src), NO_IMM);
}

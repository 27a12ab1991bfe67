/* dbt/back/x86_64/asm.h - a small assembler: each call appends one x86-64 instruction.
 *
 * Encodings are of the Intel SDM volume 2. Registers are numbered as the hardware does. Nothing
 * fails: when the buffer is full, further bytes are dropped and `overflow` is set, to be looked at
 * once at the end; the buffer then ends with a whole instruction, and its code must not be run.
 * Sizes are 4 or 8 bytes where not said otherwise; a 4-byte operation clears the upper half of its
 * destination, as the hardware does. Operands that cannot be encoded (rsp as index) are our bug.
 */
#ifndef DBT_BACK_X86_64_ASM_H
#define DBT_BACK_X86_64_ASM_H

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
enum x86_reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
    X86_NONE = 0xff,
};
enum x86_xmm { XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7, XMM8, XMM9, XMM10, XMM11, XMM12,
               XMM13, XMM14, XMM15 };
/* clang-format on */

/* Condition codes, as in Jcc, SETcc, CMOVcc; cc ^ 1 is the opposite. */
/* clang-format off */
enum x86_cc {
    CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE,
    CC_LE, CC_G,
};
/* clang-format on */
/* /digit of the 0x81 group and opcode row of the two-operand forms. */
enum x86_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
/* /digit of the 0xc1 and 0xd3 groups. */
enum x86_shift { SHIFT_ROL = 0, SHIFT_ROR = 1, SHIFT_SHL = 4, SHIFT_SHR = 5, SHIFT_SAR = 7 };

/* [base + index * scale + disp]; base X86_NONE: absolute disp32; index X86_NONE: none. */
struct x86_mem {
    uint8_t base, index, scale; /* scale 1, 2, 4, 8 */
    int32_t disp;
};
static inline struct x86_mem x86_at(enum x86_reg base, int32_t disp)
{
    return (struct x86_mem){ (uint8_t)base, X86_NONE, 1, disp };
}
static inline struct x86_mem x86_indexed(enum x86_reg base, enum x86_reg index, uint8_t scale,
                                         int32_t disp)
{
    return (struct x86_mem){ (uint8_t)base, (uint8_t)index, scale, disp };
}

struct x86_asm {
    uint8_t *start, *at, *end; /* where bytes are written */
    bool overflow;
};

/* At least X86_MIN_BUFFER bytes. */
enum { X86_MIN_BUFFER = 16 };
void x86_init(struct x86_asm *a, uint8_t *start, uint8_t *end);

/* ---- moves ---- */
void x86_mov_rr(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src);
/* The shortest encoding of a 64-bit constant (xor, mov imm32, sign-extended, movabs). Clobbers
 * flags only if `flags_free`. */
void x86_mov_ri(struct x86_asm *a, enum x86_reg dst, uint64_t imm, bool flags_free);
/* Always with all eight bytes of the address; returns where they are. */
uint8_t *x86_mov_address(struct x86_asm *a, enum x86_reg dst, const void *address);
/* size 1, 2, 4, 8 bytes from memory, extended to 64 bits: sign or zero. */
void x86_load(struct x86_asm *a, unsigned size, bool sign, enum x86_reg dst, struct x86_mem mem);
/* size 1, 2, 4, 8. */
void x86_store(struct x86_asm *a, unsigned size, struct x86_mem mem, enum x86_reg src);
/* size 1, 2, 4, 8; imm sign-extended from 32 bits. */
void x86_store_imm(struct x86_asm *a, unsigned size, struct x86_mem mem, int32_t imm);
void x86_lea(struct x86_asm *a, unsigned size, enum x86_reg dst, struct x86_mem mem);
/* dst = src + imm, by whatever is shortest that leaves flags alone; nothing for reg = reg + 0. */
void x86_sum(struct x86_asm *a, enum x86_reg dst, enum x86_reg src, int32_t imm);
/* movsx/movzx between registers from size 1, 2, 4 to 64 bits. */
void x86_extend(struct x86_asm *a, unsigned size, bool sign, enum x86_reg dst, enum x86_reg src);
void x86_xchg_rr(struct x86_asm *a, unsigned size, enum x86_reg r1, enum x86_reg r2);
void x86_push(struct x86_asm *a, enum x86_reg reg);
void x86_pop(struct x86_asm *a, enum x86_reg reg);

/* ---- integer arithmetic; alu and test also of size 1 and 2, whose immediates are cut ---- */
void x86_alu_rr(struct x86_asm *a, enum x86_alu op, unsigned size, enum x86_reg dst,
                enum x86_reg src);
void x86_alu_ri(struct x86_asm *a, enum x86_alu op, unsigned size, enum x86_reg dst, int32_t imm);
void x86_alu_rm(struct x86_asm *a, enum x86_alu op, unsigned size, enum x86_reg dst,
                struct x86_mem mem);
void x86_alu_mr(struct x86_asm *a, enum x86_alu op, unsigned size, struct x86_mem mem,
                enum x86_reg src);
void x86_alu_mi(struct x86_asm *a, enum x86_alu op, unsigned size, struct x86_mem mem, int32_t imm);
void x86_test_rr(struct x86_asm *a, unsigned size, enum x86_reg r1, enum x86_reg r2);
/* May test fewer bytes than size, where that sets the same flags. */
void x86_test_ri(struct x86_asm *a, unsigned size, enum x86_reg reg, int32_t imm);
void x86_shift_ri(struct x86_asm *a, enum x86_shift op, unsigned size, enum x86_reg dst,
                  uint8_t count);
void x86_shift_rcl(struct x86_asm *a, enum x86_shift op, unsigned size,
                   enum x86_reg dst); /* by cl */
/* BMI2: dst = src shifted by count; flags untouched. op SHL, SHR, SAR. */
void x86_shiftx(struct x86_asm *a, enum x86_shift op, unsigned size, enum x86_reg dst,
                enum x86_reg src, enum x86_reg count);
void x86_rorx(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src, uint8_t count);
void x86_andn(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg inverted,
              enum x86_reg other); /* dst = ~inverted & other */
void x86_imul_rr(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src);
void x86_imul_rm(struct x86_asm *a, unsigned size, enum x86_reg dst, struct x86_mem mem);
void x86_imul_rri(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src,
                  int32_t imm);
void x86_mul(struct x86_asm *a, unsigned size, enum x86_reg src); /* rdx:rax = rax * src */
void x86_imul1(struct x86_asm *a, unsigned size, enum x86_reg src);
void x86_div(struct x86_asm *a, unsigned size, enum x86_reg src);
void x86_idiv(struct x86_asm *a, unsigned size, enum x86_reg src);
void x86_cqo(struct x86_asm *a, unsigned size); /* cdq for 4 */
void x86_neg(struct x86_asm *a, unsigned size, enum x86_reg reg);
void x86_not(struct x86_asm *a, unsigned size, enum x86_reg reg);
void x86_bswap(struct x86_asm *a, unsigned size, enum x86_reg reg);
void x86_lzcnt(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src);
void x86_tzcnt(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src);
void x86_popcnt(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src);
void x86_setcc(struct x86_asm *a, enum x86_cc cc, enum x86_reg dst); /* low byte only */
void x86_cmov(struct x86_asm *a, enum x86_cc cc, unsigned size, enum x86_reg dst, enum x86_reg src);

/* ---- atomics (all with lock), size 1, 2, 4, 8 ---- */
void x86_lock_xadd(struct x86_asm *a, unsigned size, struct x86_mem mem, enum x86_reg reg);
void x86_lock_cmpxchg(struct x86_asm *a, unsigned size, struct x86_mem mem, enum x86_reg desired);
/* rdx:rax with the 16 bytes, which must be aligned; desired in rcx:rbx. */
void x86_lock_cmpxchg16b(struct x86_asm *a, struct x86_mem mem);
void x86_xchg_mr(struct x86_asm *a, unsigned size, struct x86_mem mem, enum x86_reg reg);
void x86_lock_alu_mr(struct x86_asm *a, enum x86_alu op, unsigned size, struct x86_mem mem,
                     enum x86_reg src);
void x86_mfence(struct x86_asm *a);

/* ---- control ---- */
/* Return the address of the 32-bit displacement, to be patched (x86_patch). */
uint8_t *x86_jmp(struct x86_asm *a);
uint8_t *x86_jcc(struct x86_asm *a, enum x86_cc cc);
uint8_t *x86_call(struct x86_asm *a);
/* The same with its displacement aligned (by a nop before), to be patched while others run it. */
uint8_t *x86_jmp_aligned(struct x86_asm *a);
/* The displacement at `field` now leads to `target`, both as addresses in the written mapping.
 * An aligned field changes at once. */
void x86_patch(uint8_t *field, const uint8_t *target);
void x86_jmp_r(struct x86_asm *a, enum x86_reg reg);
void x86_jmp_m(struct x86_asm *a, struct x86_mem mem);
void x86_call_r(struct x86_asm *a, enum x86_reg reg);
void x86_call_m(struct x86_asm *a, struct x86_mem mem);
void x86_ret(struct x86_asm *a);
void x86_ud2(struct x86_asm *a);
void x86_nop(struct x86_asm *a, unsigned bytes); /* one to nine bytes, one instruction */

/* ---- SSE2 scalar; size 4: float, 8: double ---- */
enum x86_sse {
    SSE_ADD = 0x58,
    SSE_MUL = 0x59,
    SSE_SUB = 0x5c,
    SSE_MIN = 0x5d,
    SSE_DIV = 0x5e,
    SSE_MAX = 0x5f,
    SSE_SQRT = 0x51
};
void x86_sse_rr(struct x86_asm *a, enum x86_sse op, unsigned size, enum x86_xmm dst,
                enum x86_xmm src);
/* dst = a op b (AVX); the upper part is a's. */
void x86_sse_rrr(struct x86_asm *a, enum x86_sse op, unsigned size, enum x86_xmm dst,
                 enum x86_xmm src1, enum x86_xmm src2);
/* SSE4.1: to an integer, in the way `mode` says: 0 nearest, 1 down, 2 up, 3 to zero; | 8: without
 * the precision flag. */
void x86_round(struct x86_asm *a, unsigned size, unsigned mode, enum x86_xmm dst, enum x86_xmm src);
void x86_movs_rr(struct x86_asm *a, enum x86_xmm dst, enum x86_xmm src); /* movaps: all 128 bits */
void x86_movs_load(struct x86_asm *a, unsigned size, enum x86_xmm dst, struct x86_mem mem);
void x86_movs_store(struct x86_asm *a, unsigned size, struct x86_mem mem, enum x86_xmm src);
void x86_movd_xr(struct x86_asm *a, unsigned size, enum x86_xmm dst, enum x86_reg src);
void x86_movd_rx(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_xmm src);
void x86_ucomis(struct x86_asm *a, unsigned size, enum x86_xmm r1, enum x86_xmm r2);
void x86_comis(struct x86_asm *a, unsigned size, enum x86_xmm r1, enum x86_xmm r2);
/* cvtsi2ss/sd from a 4- or 8-byte integer; cvtss2sd and back; cvt[t]ss/sd2si. */
void x86_cvt_from_int(struct x86_asm *a, unsigned size, unsigned int_size, enum x86_xmm dst,
                      enum x86_reg src);
void x86_cvt_to_int(struct x86_asm *a, unsigned size, unsigned int_size, bool truncate,
                    enum x86_reg dst, enum x86_xmm src);
void x86_cvt_size(struct x86_asm *a, unsigned to_size, enum x86_xmm dst, enum x86_xmm src);
/* FMA3: dst = ±(dst * b) ± c, the 213 forms: vfmadd213, vfmsub213, vfnmadd213, vfnmsub213. */
void x86_fma213(struct x86_asm *a, unsigned size, bool negate_product, bool subtract,
                enum x86_xmm dst, enum x86_xmm b, enum x86_xmm c);
void x86_ldmxcsr(struct x86_asm *a, struct x86_mem mem);
void x86_stmxcsr(struct x86_asm *a, struct x86_mem mem);
enum x86_logic { LOGIC_AND = 0x54, LOGIC_ANDN = 0x55, LOGIC_OR = 0x56, LOGIC_XOR = 0x57 };
void x86_logic_rr(struct x86_asm *a, enum x86_logic op, enum x86_xmm dst, enum x86_xmm src);

#endif

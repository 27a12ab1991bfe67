/*
 * dbt/back/x86_64/asm.c - the assembler: encoding, moves, control.
 *
 * Two functions encode every instruction: x86_emit() those with a ModRM byte, x86_emit_plain() the
 * rest; the public functions only name opcode and operands. An instruction is put together aside
 * and appended whole or not at all, so a full buffer ends with a whole instruction, nothing is
 * ever written outside it, and after the first that does not fit nothing more is appended.
 */
#include "dbt/back/x86_64/asm.h"

#include <assert.h>
#include <string.h>

#include "dbt/back/x86_64/emit.h"

struct insn {
    uint8_t byte[24]; /* the longest is 15 */
    unsigned length;
};

static void put(struct insn *insn, unsigned byte)
{
    insn->byte[insn->length++] = (uint8_t)byte;
}

static void put_value(struct insn *insn, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        put(insn, (unsigned)(value >> (8 * i)) & 0xff);
}

static void append(struct x86_asm *a, const struct insn *insn)
{
    assert(insn->length <= 15);
    if (a->overflow || (size_t)(a->end - a->at) < insn->length) {
        a->overflow = true;
        return;
    }
    memcpy(a->at, insn->byte, insn->length);
    a->at += insn->length;
}

/* SDM volume 2, 2.3.5: R, X, B and vvvv are inverted; L is 0, all ours are scalar. */
static void put_vex(struct insn *insn, uint32_t op, unsigned rxb)
{
    unsigned map = (op >> 8) & 3, pp = (op >> 10) & 3, vvvv = (op >> OP_VVVV) & 15;

    put(insn, 0xc4);
    put(insn, (~rxb & 7) << 5 | map);
    put(insn, (op & OP_W ? 0x80u : 0) | (~vvvv & 15) << 3 | pp);
    put(insn, op & 0xff);
}

/* Prefixes and opcode. rxb: the top bits of reg, index and base, as in REX. */
static void put_opcode(struct insn *insn, uint32_t op, unsigned rxb, bool force_rex, unsigned plus)
{
    static const uint8_t mandatory[] = { 0, 0x66, 0xf3, 0xf2 };
    unsigned map = (op >> 8) & 3, pp = (op >> 10) & 3;

    if (op & OP_LOCK)
        put(insn, 0xf0);
    if (pp)
        put(insn, mandatory[pp]);
    /* REX goes last before the opcode, or it is ignored (2.2.1). */
    if (rxb || force_rex || (op & OP_W))
        put(insn, 0x40 | (op & OP_W ? 8u : 0) | rxb);
    assert(map <= 1); /* those of the others all have VEX */
    if (map)
        put(insn, 0x0f);
    put(insn, (op & 0xff) + plus);
}

/* ModRM, SIB and displacement of a memory operand, by tables 2-2 and 2-3: r/m 100 means "SIB
 * follows", so rsp and r12 as base need one; mod 00 with base 101 means "no base but disp32", so
 * rbp and r13 need a displacement; and without base, r/m 101 would mean rip. */
static void put_mem(struct insn *insn, unsigned reg, struct x86_mem mem)
{
    bool has_base = mem.base != X86_NONE, has_index = mem.index != X86_NONE;
    bool sib = !has_base || has_index || (mem.base & 7) == RSP;
    unsigned mod, disp_bytes;

    if (!has_base) {
        mod = 0;
        disp_bytes = 4;
    } else if (mem.disp == 0 && (mem.base & 7) != RBP) {
        mod = 0;
        disp_bytes = 0;
    } else if (x86_is_imm8(mem.disp)) {
        mod = 1;
        disp_bytes = 1;
    } else {
        mod = 2;
        disp_bytes = 4;
    }
    put(insn, mod << 6 | (reg & 7) << 3 | (sib ? 4 : mem.base & 7u));
    if (sib) {
        unsigned scale = 0;

        if (has_index)
            scale = mem.scale == 8 ? 3 : mem.scale == 4 ? 2 : mem.scale == 2 ? 1 : 0;
        put(insn,
            scale << 6 | (has_index ? mem.index & 7u : 4) << 3 | (has_base ? mem.base & 7u : 5));
    }
    put_value(insn, disp_bytes, (uint32_t)mem.disp);
}

void x86_emit(struct x86_asm *a, uint32_t op, unsigned reg, struct x86_rm rm, struct x86_imm imm)
{
    struct insn insn = { .length = 0 };
    unsigned rxb = (reg >> 3) << 2;
    bool force_rex = (op & OP_BYTE_REG) && reg >= 4;

    assert(reg < 16);
    if (rm.is_mem) {
        assert(rm.mem.index != RSP); /* cannot be encoded */
        assert(rm.mem.index == X86_NONE || rm.mem.scale == 1 || rm.mem.scale == 2 ||
               rm.mem.scale == 4 || rm.mem.scale == 8);
        if (rm.mem.base != X86_NONE)
            rxb |= rm.mem.base >> 3;
        if (rm.mem.index != X86_NONE)
            rxb |= (unsigned)(rm.mem.index >> 3) << 1;
    } else {
        assert(rm.reg < 16);
        rxb |= rm.reg >> 3;
        force_rex |= (op & OP_BYTE_RM) && rm.reg >= 4;
    }
    if (op & OP_VEX)
        put_vex(&insn, op, rxb);
    else
        put_opcode(&insn, op, rxb, force_rex, 0);
    if (rm.is_mem)
        put_mem(&insn, reg, rm.mem);
    else
        put(&insn, 0xc0 | (reg & 7) << 3 | (rm.reg & 7u));
    put_value(&insn, imm.bytes, imm.value);
    append(a, &insn);
}

void x86_emit_plain(struct x86_asm *a, uint32_t op, unsigned reg, struct x86_imm imm)
{
    struct insn insn = { .length = 0 };

    assert(reg < 16);
    put_opcode(&insn, op, reg >> 3, false, reg & 7);
    put_value(&insn, imm.bytes, imm.value);
    append(a, &insn);
}

void x86_init(struct x86_asm *a, uint8_t *start, uint8_t *end)
{
    assert(end - start >= X86_MIN_BUFFER);
    *a = (struct x86_asm){ .start = start, .at = start, .end = end };
}

/* ---- moves ---- */

void x86_mov_rr(struct x86_asm *a, unsigned size, enum x86_reg dst, enum x86_reg src)
{
    x86_emit(a, x86_w(size) | 0x89, src, x86_r(dst), NO_IMM);
}

void x86_mov_ri(struct x86_asm *a, enum x86_reg dst, uint64_t imm, bool flags_free)
{
    if (imm == 0 && flags_free)
        x86_emit(a, 0x31, dst, x86_r(dst), NO_IMM);
    else if (imm <= UINT32_MAX)
        x86_emit_plain(a, 0xb8, dst, (struct x86_imm){ 4, imm });
    else if ((int64_t)imm == (int32_t)imm)
        x86_emit(a, OP_W | 0xc7, 0, x86_r(dst), (struct x86_imm){ 4, imm });
    else
        x86_emit_plain(a, OP_W | 0xb8, dst, (struct x86_imm){ 8, imm });
}

uint8_t *x86_mov_address(struct x86_asm *a, enum x86_reg dst, const void *address)
{
    x86_emit_plain(a, OP_W | 0xb8, dst, (struct x86_imm){ 8, (uint64_t)(uintptr_t)address });
    return a->overflow ? a->start : a->at - 8;
}

/* mov, movzx, movsx or movsxd to all 64 bits. Zero extension needs no REX.W: writing 32 bits does
 * the rest. */
static void extend(struct x86_asm *a, unsigned size, bool sign, enum x86_reg dst, struct x86_rm src)
{
    switch (size) {
    case 1:
        x86_emit(a, OP_BYTE_RM | (sign ? OP_W | OP_0F | 0xbe : OP_0F | 0xb6), dst, src, NO_IMM);
        break;
    case 2:
        x86_emit(a, sign ? OP_W | OP_0F | 0xbf : OP_0F | 0xb7, dst, src, NO_IMM);
        break;
    case 4:
        x86_emit(a, sign ? OP_W | 0x63 : 0x8b, dst, src, NO_IMM);
        break;
    default:
        x86_emit(a, OP_W | 0x8b, dst, src, NO_IMM);
        break;
    }
}

void x86_load(struct x86_asm *a, unsigned size, bool sign, enum x86_reg dst, struct x86_mem mem)
{
    extend(a, size, sign, dst, x86_m(mem));
}

void x86_extend(struct x86_asm *a, unsigned size, bool sign, enum x86_reg dst, enum x86_reg src)
{
    extend(a, size, sign, dst, x86_r(src));
}

void x86_store(struct x86_asm *a, unsigned size, struct x86_mem mem, enum x86_reg src)
{
    x86_emit(a, x86_bwlq(size) | (size == 1 ? OP_BYTE_REG : 0) | 0x88, src, x86_m(mem), NO_IMM);
}

void x86_store_imm(struct x86_asm *a, unsigned size, struct x86_mem mem, int32_t imm)
{
    x86_emit(a, x86_bwlq(size) | 0xc6, 0, x86_m(mem), x86_imm(x86_imm_bytes(size), imm));
}

void x86_lea(struct x86_asm *a, unsigned size, enum x86_reg dst, struct x86_mem mem)
{
    x86_emit(a, x86_w(size) | 0x8d, dst, x86_m(mem), NO_IMM);
}

void x86_sum(struct x86_asm *a, enum x86_reg dst, enum x86_reg src, int32_t imm)
{
    if (imm != 0)
        x86_lea(a, 8, dst, x86_at(src, imm));
    else if (dst != src)
        x86_mov_rr(a, 8, dst, src);
}

void x86_xchg_rr(struct x86_asm *a, unsigned size, enum x86_reg r1, enum x86_reg r2)
{
    x86_emit(a, x86_w(size) | 0x87, r2, x86_r(r1), NO_IMM);
}

void x86_push(struct x86_asm *a, enum x86_reg reg)
{
    x86_emit_plain(a, 0x50, reg, NO_IMM);
}

void x86_pop(struct x86_asm *a, enum x86_reg reg)
{
    x86_emit_plain(a, 0x58, reg, NO_IMM);
}

/* ---- control ---- */

/* In an overflowed buffer any four bytes will do: its code is never run. */
static uint8_t *last_field(struct x86_asm *a)
{
    return a->overflow ? a->start : a->at - 4;
}

uint8_t *x86_jmp(struct x86_asm *a)
{
    x86_emit_plain(a, 0xe9, 0, x86_imm(4, 0));
    return last_field(a);
}

uint8_t *x86_jcc(struct x86_asm *a, enum x86_cc cc)
{
    x86_emit_plain(a, OP_0F | (0x80u + cc), 0, x86_imm(4, 0));
    return last_field(a);
}

uint8_t *x86_call(struct x86_asm *a)
{
    x86_emit_plain(a, 0xe8, 0, x86_imm(4, 0));
    return last_field(a);
}

uint8_t *x86_jmp_aligned(struct x86_asm *a)
{
    unsigned pad = (unsigned)-((uintptr_t)a->at + 1) & 3;

    if (pad)
        x86_nop(a, pad);
    return x86_jmp(a);
}

void x86_patch(uint8_t *field, const uint8_t *target)
{
    int64_t wide = target - (field + 4);
    int32_t disp = (int32_t)wide;

    assert(wide == disp);
    if (((uintptr_t)field & 3) == 0)
        __atomic_store_n((int32_t *)(void *)field, disp, __ATOMIC_RELEASE);
    else
        memcpy(field, &disp, sizeof(disp));
}

void x86_jmp_r(struct x86_asm *a, enum x86_reg reg)
{
    x86_emit(a, 0xff, 4, x86_r(reg), NO_IMM);
}

void x86_jmp_m(struct x86_asm *a, struct x86_mem mem)
{
    x86_emit(a, 0xff, 4, x86_m(mem), NO_IMM);
}

void x86_call_r(struct x86_asm *a, enum x86_reg reg)
{
    x86_emit(a, 0xff, 2, x86_r(reg), NO_IMM);
}

void x86_call_m(struct x86_asm *a, struct x86_mem mem)
{
    x86_emit(a, 0xff, 2, x86_m(mem), NO_IMM);
}

void x86_ret(struct x86_asm *a)
{
    x86_emit_plain(a, 0xc3, 0, NO_IMM);
}

void x86_ud2(struct x86_asm *a)
{
    x86_emit_plain(a, OP_0F | 0x0b, 0, NO_IMM);
}

/* The forms of the SDM's table 4-12: 0f 1f /0 with longer and longer operands. */
void x86_nop(struct x86_asm *a, unsigned bytes)
{
    static const struct insn nops[] = {
        { { 0x90 }, 1 },
        { { 0x66, 0x90 }, 2 },
        { { 0x0f, 0x1f, 0x00 }, 3 },
        { { 0x0f, 0x1f, 0x40 }, 4 },
        { { 0x0f, 0x1f, 0x44 }, 5 },
        { { 0x66, 0x0f, 0x1f, 0x44 }, 6 },
        { { 0x0f, 0x1f, 0x80 }, 7 },
        { { 0x0f, 0x1f, 0x84 }, 8 },
        { { 0x66, 0x0f, 0x1f, 0x84 }, 9 },
    };

    assert(bytes >= 1 && bytes <= 9);
    append(a, &nops[bytes - 1]);
}

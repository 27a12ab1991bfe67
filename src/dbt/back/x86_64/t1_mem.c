/*
 * dbt/back/x86_64/t1_mem.c - loads and stores: the soft TLB's compare (cpu/tlb.h) in line.
 *
 *     lea   rcx, [a + imm]              the gva
 *     rorx  edx, ecx, 8 ; and edx, ...  its slot in the table, in bytes
 *     mov   rax, rcx
 *     sub   rax, [r15 + rdx + page]     offset in the page, if it is the page
 *     cmp   rax, 4096 - size ; ja cold
 *     mov   rdx, [r15 + rdx + addend]
 *     mov   dst, [rcx + rdx]
 *
 * Misaligned accesses hit as well if they stay in their page.
 */
#include "dbt/back/x86_64/t1.h"

static const uint8_t load_size[] = { 1, 1, 2, 2, 4, 4, 8 };

bool t1_is_load(const struct t0_op *op)
{
    return op->opcode >= T0_LOAD8U && op->opcode <= T0_LOAD64;
}

bool t1_is_store(const struct t0_op *op)
{
    return op->opcode >= T0_STORE8 && op->opcode <= T0_STORE64;
}

unsigned t1_access_size(const struct t0_op *op)
{
    return t1_is_load(op) ? load_size[op->opcode - T0_LOAD8U] : 1u << (op->opcode - T0_STORE8);
}

void t1_gva(struct t1 *t, uint16_t slot, int64_t offset)
{
    bool small = offset == (int32_t)offset;
    enum x86_reg pin = t1_pin(t, slot);

    if (pin != X86_NONE && small) {
        x86_sum(&t->a, RCX, pin, (int32_t)offset);
        return;
    }
    t1_use_in(t, slot, RCX);
    if (!small) {
        x86_mov_ri(&t->a, RAX, (uint64_t)offset, true);
        x86_alu_rr(&t->a, ALU_ADD, 8, RCX, RAX);
    } else if (offset != 0) {
        x86_alu_ri(&t->a, ALU_ADD, 8, RCX, (int32_t)offset);
    }
}

/* A word of the slot that rdx leads to. T2 has the table in memory only. */
static struct x86_mem slot_at(const struct t1 *t, int32_t disp)
{
    return t->counts ? x86_at(RDX, disp) : x86_indexed(R15, RDX, 1, disp);
}

uint8_t *t1_probe(struct t1 *t, unsigned size, enum tlb_kind kind)
{
    int32_t slots = (int32_t)offsetof(struct tlb_table, slot[kind]);
    uint8_t *miss;

    x86_rorx(&t->a, 4, RDX, RCX, PAGE_SHIFT - TLB_SLOT_SHIFT); /* tlb_index() */
    x86_alu_ri(&t->a, ALU_AND, 4, RDX, (TLB_SLOTS - 1) << TLB_SLOT_SHIFT);
    x86_mov_rr(&t->a, 8, RAX, RCX);
    if (t->counts)
        x86_alu_rm(&t->a, ALU_ADD, 8, RDX, t1_field(HART_DISP(tlb.table)));
    x86_alu_rm(&t->a, ALU_SUB, 8, RAX,
               slot_at(t, slots + (int32_t)offsetof(struct tlb_slot, page)));
    x86_alu_ri(&t->a, ALU_CMP, 8, RAX, PAGE_SIZE_BYTES - (int32_t)size);
    miss = x86_jcc(&t->a, CC_A);
    x86_load(&t->a, 8, false, RDX, slot_at(t, slots + (int32_t)offsetof(struct tlb_slot, addend)));
    return miss;
}
_Static_assert(TLB_SLOTS << PAGE_SHIFT <= 1 << 24, "what is rotated has no other bits in the mask");

/* A load of an f register: of its 64 bits, or of a float that is boxed next. */
static bool is_float(const struct t0_op *op)
{
    if (op->opcode == T0_LOAD64)
        return op->dst >= T0_SLOT_F && op->dst < T0_SLOT_F + 32;
    return op->opcode == T0_LOAD32U && op[1].opcode == T0_BOX && op[1].a == op->dst;
}

void t1_load_value(struct t1 *t, const struct t0_op *op, struct x86_mem from)
{
    unsigned form = (unsigned)op->opcode - T0_LOAD8U, size = load_size[form];
    enum x86_reg dst;
    enum x86_xmm xmm;

    if (is_float(op)) {
        xmm = t1_xmm_dst(t, op->dst);
        x86_movs_load(&t->a, size, xmm, from);
        t1_xmm_define(t, op->dst, xmm);
    } else {
        dst = t1_dst(t, op->dst, RAX);
        x86_load(&t->a, size, form & 1, dst, from);
        t1_define(t, op->dst, dst);
    }
}
_Static_assert(T0_LOAD8S == T0_LOAD8U + 1 && T0_LOAD64 == T0_LOAD8U + 6, "sign is the low bit");

void t1_store_value(struct t1 *t, const struct t0_op *op, struct x86_mem to, enum x86_reg scratch)
{
    unsigned size = 1u << (op->opcode - T0_STORE8);
    enum x86_xmm xmm = t1_xmm_find(t, op->b);

    if (size == 4 && xmm == T1_XMM_NONE)
        xmm = t1_xmm_find_float(t, op->b);
    if (size >= 4 && xmm != T1_XMM_NONE) {
        x86_movs_store(&t->a, size, to, xmm);
    } else if (op->b == T0_SLOT_ZERO) {
        x86_store_imm(&t->a, size, to, 0);
    } else if (t1_pin(t, op->b) == X86_NONE) {
        x86_load(&t->a, size, false, scratch,
                 t1_slot(op->b)); /* a float was stored in two halves */
        x86_store(&t->a, size, to, scratch);
    } else {
        x86_store(&t->a, size, to, t1_pin(t, op->b));
    }
}

static void emit_load(struct t1 *t, const struct t0_op *op)
{
    struct t1_cold *cold;

    t1_gva(t, op->a, op->imm);
    cold = t1_cold(t, COLD_LOAD, t1_probe(t, t1_access_size(op), TLB_READ));
    t1_load_value(t, op, x86_indexed(RCX, RDX, 1, 0));
    t1_return_here(t, cold);
}

static void emit_store(struct t1 *t, const struct t0_op *op)
{
    struct t1_cold *cold;

    t1_gva(t, op->a, op->imm);
    cold = t1_cold(t, COLD_STORE, t1_probe(t, t1_access_size(op), TLB_WRITE));
    t1_store_value(t, op, x86_indexed(RCX, RDX, 1, 0), RAX);
    t1_return_here(t, cold);
}

/* hart_cbo(), where the soft TLB hits. */
static void emit_cbzero(struct t1 *t, const struct t0_op *op)
{
    struct t1_cold *cold;

    t1_use_in(t, op->a, RCX);
    x86_alu_ri(&t->a, ALU_AND, 8, RCX, -HART_CBO_BLOCK);
    cold = t1_cold(t, COLD_STEP, t1_probe(t, HART_CBO_BLOCK, TLB_WRITE));
    for (int32_t at = 0; at < HART_CBO_BLOCK; at += 8)
        x86_store_imm(&t->a, 8, x86_indexed(RCX, RDX, 1, at), 0);
    t1_return_here(t, cold);
}

bool t1_emit_memory(struct t1 *t, const struct t0_op *op)
{
    if (!t->tuning->loads)
        return false;
    if (t1_is_load(op))
        emit_load(t, op);
    else if (t1_is_store(op))
        emit_store(t, op);
    else if (op->opcode == T0_CBZERO)
        emit_cbzero(t, op);
    else
        return false;
    return true;
}

/*
 * dbt/back/x86_64/t1_atomic.c - AMO, LR, SC and compare-and-swap as locked host instructions.
 *
 * What interp/atomic.c does, where the soft TLB hits; a miss, a misaligned operand, and with them
 * every fault, go there (t1_step's way). Locked instructions order everything, loads are acquires
 * as they are; only an LR that is a release needs a fence, which keeps earlier stores before it.
 */
#include "dbt/back/x86_64/t1.h"

#include "dbt/ir/ir.h"

static unsigned size_of(int64_t mem)
{
    return 1u << (mem & IR_MEM_SIZE_MASK);
}

/* rcx: gva, rdx: what to add to it. */
static void locate(struct t1 *t, const struct t0_op *op, unsigned size, enum tlb_kind kind)
{
    t1_use_in(t, op->a, RCX);
    x86_test_ri(&t->a, 4, RCX, (int32_t)size - 1);
    (void)t1_cold(t, COLD_STEP, x86_jcc(&t->a, CC_NE));
    (void)t1_cold(t, COLD_STEP, t1_probe(t, size, kind));
}

/* The old value is in rax. */
static void finish(struct t1 *t, const struct t0_op *op, unsigned size, unsigned colds)
{
    if (size == 4)
        x86_extend(&t->a, 4, true, RAX, RAX);
    t1_define(t, op->dst, RAX);
    for (unsigned i = colds; i < t->colds; i++)
        t1_return_here(t, &t->cold[i]);
}

/* rdx = what rax, the old value, and operand b make. */
static void combine(struct t1 *t, const struct t0_op *op, unsigned amo, unsigned size)
{
    static const uint8_t keeps[] = {
        [IR_AMO_MIN] = CC_L, [IR_AMO_MAX] = CC_G, [IR_AMO_MINU] = CC_B, [IR_AMO_MAXU] = CC_A
    };

    t1_use_in(t, op->b, RDX);
    switch (amo) {
    case IR_AMO_XOR:
        x86_alu_rr(&t->a, ALU_XOR, 8, RDX, RAX);
        break;
    case IR_AMO_AND:
        x86_alu_rr(&t->a, ALU_AND, 8, RDX, RAX);
        break;
    case IR_AMO_OR:
        x86_alu_rr(&t->a, ALU_OR, 8, RDX, RAX);
        break;
    default:
        x86_alu_rr(&t->a, ALU_CMP, size, RAX, RDX);
        x86_cmov(&t->a, (enum x86_cc)keeps[amo], 8, RDX, RAX);
        break;
    }
}

static void emit_amo(struct t1 *t, const struct t0_op *op)
{
    unsigned amo = (unsigned)(op->imm >> 8), size = size_of(op->imm), colds = t->colds;
    struct x86_mem at = x86_indexed(RCX, RDX, 1, 0);
    uint8_t *again;

    locate(t, op, size, TLB_WRITE);
    if (amo == IR_AMO_SWAP || amo == IR_AMO_ADD) {
        t1_use_in(t, op->b, RAX);
        if (amo == IR_AMO_SWAP)
            x86_xchg_mr(&t->a, size, at, RAX);
        else
            x86_lock_xadd(&t->a, size, at, RAX);
    } else {
        x86_lea(&t->a, 8, RCX, at);
        at = x86_at(RCX, 0);
        x86_load(&t->a, size, false, RAX, at);
        again = t->a.at;
        combine(t, op, amo, size);
        x86_lock_cmpxchg(&t->a, size, at, RDX);
        x86_patch(x86_jcc(&t->a, CC_NE), again);
    }
    finish(t, op, size, colds);
}

static void emit_lr(struct t1 *t, const struct t0_op *op)
{
    unsigned size = size_of(op->imm), colds = t->colds;

    if (op->imm & IR_MEM_RELEASE)
        x86_mfence(&t->a);
    locate(t, op, size, TLB_READ);
    x86_load(&t->a, size, true, RAX, x86_indexed(RCX, RDX, 1, 0));
    if (size == 8)
        x86_alu_ri(&t->a, ALU_OR, 8, RCX, 1);
    x86_store(&t->a, 8, t1_field(HART_DISP(reservation)), RCX);
    x86_store(&t->a, 8, t1_field(HART_DISP(reserved_value)), RAX);
    finish(t, op, size, colds);
}

static void emit_sc(struct t1 *t, const struct t0_op *op)
{
    unsigned size = size_of(op->imm), colds = t->colds;
    uint8_t *lost;

    locate(t, op, size, TLB_WRITE);
    x86_lea(&t->a, 8, RDX, x86_indexed(RCX, RDX, 1, 0));
    if (size == 8)
        x86_alu_ri(&t->a, ALU_OR, 8, RCX, 1);
    x86_alu_rm(&t->a, ALU_CMP, 8, RCX, t1_field(HART_DISP(reservation)));
    x86_store_imm(&t->a, 8, t1_field(HART_DISP(reservation)), -1); /* leaves flags alone */
    lost = x86_jcc(&t->a, CC_NE);
    x86_load(&t->a, 8, false, RAX, t1_field(HART_DISP(reserved_value)));
    t1_use_in(t, op->b, RCX);
    x86_lock_cmpxchg(&t->a, size, x86_at(RDX, 0), RCX);
    x86_patch(lost, t->a.at);
    x86_setcc(&t->a, CC_NE, RAX);
    x86_extend(&t->a, 1, false, RAX, RAX);
    finish(t, op, 8, colds);
}

static void emit_cas(struct t1 *t, const struct t0_op *op)
{
    unsigned size = size_of(op->imm), colds = t->colds;

    locate(t, op, size, TLB_WRITE);
    x86_lea(&t->a, 8, RDX, x86_indexed(RCX, RDX, 1, 0));
    t1_use_in(t, op->b, RAX);
    t1_use_in(t, (uint16_t)(op->imm >> 8), RCX);
    x86_lock_cmpxchg(&t->a, size, x86_at(RDX, 0), RCX);
    finish(t, op, size, colds);
}

bool t1_emit_atomic(struct t1 *t, const struct t0_op *op)
{
    switch (op->opcode) {
    case T0_AMO:
        emit_amo(t, op);
        return true;
    case T0_LR:
        emit_lr(t, op);
        return true;
    case T0_SC:
        emit_sc(t, op);
        return true;
    case T0_CAS:
        emit_cas(t, op);
        return true;
    default:
        return false;
    }
}

/*
 * dbt/front/riscv/mem.c - plain loads and stores, fences, cache-block operations.
 *
 * A load into x0 still accesses memory: it may fault, and a device may see it.
 */
#include "dbt/front/riscv/translate.h"

void front_load(struct translation *t)
{
    ir_ref address = front_get_x(t, t->in.rs1);

    front_set_x(t, t->in.rd, ir_emit(t->ir, IR_LOAD, IR_I64, address, NO, t->row->arg, t->in.imm));
}

void front_store(struct translation *t)
{
    ir_ref address = front_get_x(t, t->in.rs1), value = front_get_x(t, t->in.rs2);

    ir_emit(t->ir, IR_STORE, IR_I64, address, value, t->row->arg, t->in.imm);
}

/* pause and the prefetches: hints that cannot fault. */
void front_nothing(struct translation *t)
{
    (void)t;
}

/* Bits 31:28 are fm; its reserved values mean 0 ("RV32I", "Memory Ordering Instructions"). An
 * empty predecessor or successor set orders nothing. */
void front_fence(struct translation *t)
{
    int64_t sets = t->in.imm & 0xff;

    if ((sets & 0xf0) != 0 && (sets & 0x0f) != 0)
        ir_emit(t->ir, IR_FENCE, IR_I64, NO, NO, NO, sets);
}

/* Everything but write before read: reads before both, writes before writes. */
void front_fence_tso(struct translation *t)
{
    enum { R_RW = 0x23, W_W = 0x11 };

    ir_emit(t->ir, IR_FENCE, IR_I64, NO, NO, NO, R_RW);
    ir_emit(t->ir, IR_FENCE, IR_I64, NO, NO, NO, W_W);
}

void front_cbo(struct translation *t)
{
    static const struct {
        uint16_t permitted_by; /* enum front_mode */
        uint16_t number;       /* as in the instruction's immediate */
    } kind[] = {
        [CBO_INVAL] = { FRONT_CBO_INVAL, 0 },
        [CBO_CLEAN] = { FRONT_CBO_CLEAN, 1 },
        [CBO_FLUSH] = { FRONT_CBO_CLEAN, 2 },
        [CBO_ZERO] = { FRONT_CBO_ZERO, 4 },
    };
    ir_ref raw, address;

    if (!(t->source->mode & kind[t->row->arg].permitted_by)) {
        front_illegal(t);
        return;
    }
    if (t->row->arg == CBO_ZERO) {
        ir_emit(t->ir, IR_CBZERO, IR_I64, front_get_x(t, t->in.rs1), NO, NO, 0);
        return;
    }
    raw = front_const(t, t->in.raw);
    address = front_get_x(t, t->in.rs1);
    (void)ir_call(t->ir, IR_HELPER_cbo, raw, address, front_const(t, kind[t->row->arg].number));
}

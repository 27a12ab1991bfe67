/*
 * dbt/front/riscv/atomic.c - "A" and "Zacas".
 */
#include "dbt/front/riscv/translate.h"

/* Size from the row, order from the aq and rl bits. */
static ir_ref memory_flags(const struct translation *t)
{
    unsigned mem = t->row->arg;

    if (t->in.aq)
        mem |= IR_MEM_ACQUIRE;
    if (t->in.rl)
        mem |= IR_MEM_RELEASE;
    return (ir_ref)mem;
}

void front_lr(struct translation *t)
{
    ir_ref address = front_get_x(t, t->in.rs1);

    front_set_x(t, t->in.rd, ir_emit(t->ir, IR_LR, IR_I64, address, NO, memory_flags(t), 0));
}

void front_sc(struct translation *t)
{
    ir_ref address = front_get_x(t, t->in.rs1), value = front_get_x(t, t->in.rs2);

    front_set_x(t, t->in.rd, ir_emit(t->ir, IR_SC, IR_I64, address, value, memory_flags(t), 0));
}

void front_amo(struct translation *t)
{
    ir_ref address = front_get_x(t, t->in.rs1), value = front_get_x(t, t->in.rs2);

    front_set_x(t, t->in.rd,
                ir_emit(t->ir, IR_AMO, IR_I64, address, value, memory_flags(t), t->row->op));
}

/* rd is what is expected and where the old value goes. */
void front_amocas(struct translation *t)
{
    ir_ref address = front_get_x(t, t->in.rs1);
    ir_ref expected = front_get_x(t, t->in.rd);
    ir_ref desired = front_get_x(t, t->in.rs2);

    front_set_x(t, t->in.rd,
                ir_emit(t->ir, IR_CAS, IR_I64, address, expected, desired, memory_flags(t)));
}

/* Pairs of registers, so the helper is told their numbers. Odd ones are reserved. */
void front_amocas_q(struct translation *t)
{
    ir_ref address, rd;

    if ((t->in.rd | t->in.rs2) & 1) {
        front_illegal(t);
        return;
    }
    address = front_get_x(t, t->in.rs1);
    rd = front_const(t, t->in.rd);
    (void)ir_call(t->ir, IR_HELPER_amocas_q, address, rd, front_const(t, t->in.rs2));
}

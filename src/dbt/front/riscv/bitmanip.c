/*
 * dbt/front/riscv/bitmanip.c - instructions of "B" and "Zicond" that are more than one operation.
 */
#include "dbt/front/riscv/translate.h"

static ir_ref bin64(struct translation *t, enum ir_opcode opcode, ir_ref a, ir_ref b)
{
    return ir_bin(t->ir, opcode, IR_I64, a, b);
}

/* add.uw, sh1add, sh1add.uw and so on: rs2 + (rs1 << n). */
void front_shift_add(struct translation *t)
{
    unsigned shift = t->row->arg & ~(unsigned)SHADD_UW;
    ir_ref a, b;

    if (t->in.rd == 0)
        return;
    a = front_get_x(t, t->in.rs1);
    if (t->row->arg & SHADD_UW)
        a = ir_un(t->ir, IR_ZEXT32, IR_I64, a);
    if (shift != 0)
        a = bin64(t, IR_SHL, a, front_const(t, shift));
    if (t->in.rs2 != 0) { /* zext.w is add.uw with x0 */
        b = front_get_x(t, t->in.rs2);
        a = bin64(t, IR_ADD, a, b);
    }
    front_set_x(t, t->in.rd, a);
}

void front_shift_uw_imm(struct translation *t)
{
    ir_ref a;

    if (t->in.rd == 0)
        return;
    a = ir_un(t->ir, IR_ZEXT32, IR_I64, front_get_x(t, t->in.rs1));
    front_set_x(t, t->in.rd, bin64(t, IR_SHL, a, front_const(t, t->in.imm)));
}

/* bset, bclr, binv: the row's op with the mask 1 << index. */
void front_single_bit(struct translation *t)
{
    ir_ref a, mask;

    if (t->in.rd == 0)
        return;
    a = front_get_x(t, t->in.rs1);
    mask = front_const(t, 1);
    mask = bin64(t, IR_SHL, mask, front_get_x(t, t->in.rs2));
    front_set_x(t, t->in.rd, bin64(t, row_op(t), a, mask));
}

void front_single_bit_imm(struct translation *t)
{
    ir_ref a;

    if (t->in.rd == 0)
        return;
    a = front_get_x(t, t->in.rs1);
    front_set_x(t, t->in.rd,
                bin64(t, row_op(t), a, front_const(t, (int64_t)(UINT64_C(1) << t->in.imm))));
}

static void extract(struct translation *t, ir_ref a, ir_ref index)
{
    ir_ref bit = bin64(t, IR_SHR, a, index);

    front_set_x(t, t->in.rd, bin64(t, IR_AND, bit, front_const(t, 1)));
}

void front_extract_bit(struct translation *t)
{
    ir_ref a;

    if (t->in.rd == 0)
        return;
    a = front_get_x(t, t->in.rs1);
    extract(t, a, front_get_x(t, t->in.rs2));
}

void front_extract_bit_imm(struct translation *t)
{
    ir_ref a;

    if (t->in.rd == 0)
        return;
    a = front_get_x(t, t->in.rs1);
    extract(t, a, front_const(t, t->in.imm));
}

void front_czero(struct translation *t)
{
    bool zero_if_nonzero = t->row->arg != 0;
    ir_ref value, condition, zero;

    if (t->in.rd == 0)
        return;
    value = front_get_x(t, t->in.rs1);
    condition = front_get_x(t, t->in.rs2);
    zero = front_const(t, 0);
    front_set_x(t, t->in.rd,
                ir_emit(t->ir, IR_SELECT, IR_I64, condition, zero_if_nonzero ? zero : value,
                        zero_if_nonzero ? value : zero, 0));
}

/*
 * dbt/front/riscv/alu.c - integer arithmetic: "RV64I", "M" and those of "B" that are one
 * operation.
 *
 * An instruction that only computes into x0 is a hint and emits nothing. The W forms compute in
 * I32, whose upper half is unspecified, and sign-extend. The few shapes in which compilers write
 * moves and constants (addi rd,x0,n; addi rd,rs,0; add rd,x0,rs) are recognised here, because
 * they are a tenth of all instructions; everything else is left to passes.
 */
#include "dbt/front/riscv/translate.h"

void front_lui(struct translation *t)
{
    if (t->in.rd != 0)
        front_set_x(t, t->in.rd, front_const(t, t->in.imm));
}

void front_auipc(struct translation *t)
{
    if (t->in.rd != 0)
        front_set_x(t, t->in.rd, front_pc(t, t->at + t->in.imm));
}

static void set_result(struct translation *t, ir_ref value)
{
    if (row_type(t) == IR_I32)
        value = ir_un(t->ir, IR_SEXT32, IR_I64, value);
    front_set_x(t, t->in.rd, value);
}

/* Comparisons make an i64, whatever they compare. */
static bool is_plain_add(const struct translation *t)
{
    return row_op(t) == IR_ADD && row_type(t) == IR_I64;
}

void front_alu(struct translation *t)
{
    ir_ref a, b;

    if (t->in.rd == 0)
        return;
    if (is_plain_add(t) && (t->in.rs1 == 0 || t->in.rs2 == 0)) {
        front_set_x(t, t->in.rd, front_get_x(t, t->in.rs1 | t->in.rs2));
        return;
    }
    a = front_get_x(t, t->in.rs1);
    b = front_get_x(t, t->in.rs2);
    set_result(t, ir_bin(t->ir, row_op(t), row_type(t), a, b));
}

void front_alu_imm(struct translation *t)
{
    ir_ref a;

    if (t->in.rd == 0)
        return;
    if (row_op(t) == IR_ADD && t->in.rs1 == 0) { /* li; addiw's immediate needs no truncation */
        front_set_x(t, t->in.rd, front_const(t, t->in.imm));
        return;
    }
    a = front_get_x(t, t->in.rs1);
    if (row_op(t) == IR_ADD && t->in.imm == 0) { /* mv, sext.w */
        set_result(t, a);
        return;
    }
    set_result(t, ir_bin(t->ir, row_op(t), row_type(t), a, front_const(t, t->in.imm)));
}

void front_alu_unary(struct translation *t)
{
    if (t->in.rd == 0)
        return;
    set_result(t, ir_un(t->ir, row_op(t), row_type(t), front_get_x(t, t->in.rs1)));
}

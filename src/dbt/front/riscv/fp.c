/*
 * dbt/front/riscv/fp.c - "F", "D" and "Zfhmin".
 *
 * mstatus.FS = Off and a dynamic rounding mode with a bad frm have been dealt with before (front.c:
 * both are in the block's key). What writes an f-register or may set a flag makes FS dirty first,
 * but behind a load that may fault: a trapping instruction changes nothing.
 *
 * NaN boxing ("D", 22.2): a computation in F32 reads a value that is not boxed as the canonical
 * NaN (GETF with type F32). A transfer (store, fmv to x) takes the low bits as they are (GETF with
 * type F64). Binary16 values live in integers: boxing them is an OR, unboxing a SELECT.
 */
#include "dbt/front/riscv/translate.h"

#define F16_BOX (~INT64_C(0xffff))
#define F16_NAN INT64_C(0x7e00)

void front_make_dirty(struct translation *t)
{
    if ((t->source->mode & FRONT_FS_DIRTY) || t->made_fs_dirty)
        return;
    ir_emit(t->ir, IR_FSDIRTY, IR_I64, NO, NO, NO, 0);
    t->made_fs_dirty = true;
}

static ir_ref get_f(struct translation *t, enum ir_type type, unsigned reg)
{
    return ir_emit(t->ir, IR_GETF, type, NO, NO, NO, reg);
}

static void set_f(struct translation *t, enum ir_type type, ir_ref value)
{
    front_make_dirty(t);
    ir_emit(t->ir, IR_SETF, type, value, NO, NO, t->in.rd);
}

/* The register's 64 bits as an integer, and back. */
static ir_ref get_raw(struct translation *t, unsigned reg)
{
    return ir_un(t->ir, IR_FBITS, IR_F64, get_f(t, IR_F64, reg));
}

static void set_raw(struct translation *t, ir_ref bits)
{
    set_f(t, IR_F64, ir_un(t->ir, IR_FFROMBITS, IR_F64, bits));
}

static void set_f16(struct translation *t, ir_ref bits)
{
    set_raw(t, ir_bin(t->ir, IR_OR, IR_I64, bits, front_const(t, F16_BOX)));
}

static ir_ref get_f16(struct translation *t, unsigned reg)
{
    ir_ref bits = get_raw(t, reg), high, boxed, low;

    high = ir_bin(t->ir, IR_OR, IR_I64, bits, front_const(t, 0xffff));
    boxed = ir_bin(t->ir, IR_SETEQ, IR_I64, high, front_const(t, -1));
    low = ir_un(t->ir, IR_ZEXT16, IR_I64, bits);
    return ir_emit(t->ir, IR_SELECT, IR_I64, boxed, low, front_const(t, F16_NAN), 0);
}

void front_fload(struct translation *t)
{
    ir_ref address = front_get_x(t, t->in.rs1);
    bool half = t->row->arg == IR_MEM_16;
    enum ir_type type = half ? IR_I64 : row_type(t);
    ir_ref value = ir_emit(t->ir, IR_LOAD, type, address, NO, t->row->arg, t->in.imm);

    if (half)
        set_f16(t, value);
    else
        set_f(t, type, value);
}

void front_fstore(struct translation *t)
{
    ir_ref address = front_get_x(t, t->in.rs1);
    bool whole = t->row->arg == IR_MEM_64;
    ir_ref value = whole ? get_f(t, IR_F64, t->in.rs2) : get_raw(t, t->in.rs2);

    ir_emit(t->ir, IR_STORE, whole ? IR_F64 : IR_I64, address, value, t->row->arg, t->in.imm);
}

/* fadd, fsub, fmul, fdiv */
void front_farith(struct translation *t)
{
    ir_ref a = get_f(t, row_type(t), t->in.rs1), b = get_f(t, row_type(t), t->in.rs2);

    set_f(t, row_type(t), ir_emit(t->ir, row_op(t), row_type(t), a, b, t->in.rm, 0));
}

void front_fsqrt(struct translation *t)
{
    ir_ref a = get_f(t, row_type(t), t->in.rs1);

    set_f(t, row_type(t), ir_emit(t->ir, IR_FSQRT, row_type(t), a, NO, t->in.rm, 0));
}

void front_fma(struct translation *t)
{
    enum ir_type type = row_type(t);
    ir_ref a = get_f(t, type, t->in.rs1), b = get_f(t, type, t->in.rs2);
    ir_ref c = get_f(t, type, t->in.rs3);

    set_f(t, type, ir_emit(t->ir, row_op(t), type, a, b, c, t->in.rm));
}

/* Two operands and no rounding: fmin, fmax, fsgnj and its like. */
void front_fselect(struct translation *t)
{
    ir_ref a = get_f(t, row_type(t), t->in.rs1), b = get_f(t, row_type(t), t->in.rs2);

    set_f(t, row_type(t), ir_bin(t->ir, row_op(t), row_type(t), a, b));
}

void front_fcompare(struct translation *t)
{
    ir_ref a = get_f(t, row_type(t), t->in.rs1), b = get_f(t, row_type(t), t->in.rs2);

    front_make_dirty(t);
    front_set_x(t, t->in.rd, ir_bin(t->ir, row_op(t), row_type(t), a, b));
}

void front_fclass(struct translation *t)
{
    ir_ref a = get_f(t, row_type(t), t->in.rs1);

    front_set_x(t, t->in.rd, ir_un(t->ir, IR_FCLASS, row_type(t), a));
}

/* With rd = x0 too: flags are set all the same. */
void front_ftoi(struct translation *t)
{
    ir_ref a = get_f(t, row_type(t), t->in.rs1);

    front_make_dirty(t);
    front_set_x(t, t->in.rd, ir_emit(t->ir, IR_FTOI, row_type(t), a, NO, t->in.rm, t->row->arg));
}

void front_ffromi(struct translation *t)
{
    ir_ref a = front_get_x(t, t->in.rs1);

    set_f(t, row_type(t), ir_emit(t->ir, IR_FFROMI, row_type(t), a, NO, t->in.rm, t->row->arg));
}

void front_fconvert(struct translation *t)
{
    enum ir_type from = (enum ir_type)t->row->arg;
    ir_ref a = from == IR_F16 ? get_f16(t, t->in.rs1) : get_f(t, from, t->in.rs1);
    ir_ref value = ir_emit(t->ir, IR_FCVT, row_type(t), a, NO, t->in.rm, from);

    if (row_type(t) == IR_F16)
        set_f16(t, value);
    else
        set_f(t, row_type(t), value);
}

void front_fmv_to_x(struct translation *t)
{
    static const uint8_t extend[] = { [IR_MEM_16] = IR_SEXT16, [IR_MEM_32] = IR_SEXT32 };
    ir_ref bits = get_raw(t, t->in.rs1);

    if (t->row->arg != IR_MEM_64)
        bits = ir_un(t->ir, (enum ir_opcode)extend[t->row->arg], IR_I64, bits);
    front_set_x(t, t->in.rd, bits);
}

void front_fmv_from_x(struct translation *t)
{
    ir_ref bits = front_get_x(t, t->in.rs1);

    if (t->row->arg == IR_MEM_16)
        set_f16(t, bits); /* what is above bit 15 is all ones then, whatever it was */
    else if (t->row->arg == IR_MEM_32)
        set_f(t, IR_F32, ir_un(t->ir, IR_FFROMBITS, IR_F32, bits));
    else
        set_raw(t, bits);
}

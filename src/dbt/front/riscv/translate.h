/* dbt/front/riscv/translate.h - what the files of this folder share. Private to it.
 *
 * A row of insn.table means: call row.translate, which reads the decoded instruction t->in and
 * appends ops to t->ir. The other fields of the row are its parameters, so that instructions that
 * differ in one operation share a function. rows.c has the table.
 *
 * A translate function emits at most 48 ops (ir_has_room), and stops its own expansion by calling
 * front_illegal() before it has emitted anything with an effect.
 */
#ifndef DBT_FRONT_RISCV_TRANSLATE_H
#define DBT_FRONT_RISCV_TRANSLATE_H

#include "dbt/front/riscv/front.h"
#include "isa/riscv/insn.h"

enum { NO = IR_NONE };

struct front_row;

struct translation {
    struct ir_block *ir;
    const struct front_source *source;
    const struct front_row *row;
    struct insn in;
    int64_t at, next;   /* offsets of this instruction and of the one behind it */
    bool ended;         /* an op that leaves the block has been emitted */
    bool made_fs_dirty; /* the block has an FSDIRTY already */
};

typedef void front_fn(struct translation *t);
struct front_row {
    front_fn *translate;
    uint8_t op;   /* enum ir_opcode, or what the function says */
    uint8_t type; /* enum ir_type */
    uint8_t arg;
};
/* By enum insn_row; translate is NULL for compressed rows and INSN_ILLEGAL only. */
extern const struct front_row front_rows[INSN_ROW_COUNT];

/* ---- front.c: what every function uses ---- */
static inline enum ir_type row_type(const struct translation *t)
{
    return (enum ir_type)t->row->type;
}
static inline enum ir_opcode row_op(const struct translation *t)
{
    return (enum ir_opcode)t->row->op;
}
static inline unsigned front_priv(const struct translation *t)
{
    return t->source->mode & FRONT_PRIV_MASK;
}
ir_ref front_const(struct translation *t, int64_t value);
/* An x register; x0 is the constant 0. */
ir_ref front_get_x(struct translation *t, unsigned reg);
/* Nothing for x0. */
void front_set_x(struct translation *t, unsigned reg, ir_ref value);
/* The virtual address `offset` bytes from the block's start. */
ir_ref front_pc(struct translation *t, int64_t offset);
void front_trap(struct translation *t, unsigned cause, ir_ref tval);
void front_illegal(struct translation *t);
/* Ends the block with a jump to `offset`, through `hint`; or with a return to the dispatcher. */
void front_jump(struct translation *t, int64_t offset, enum ir_hint hint);
void front_leave(struct translation *t);
void front_leave_pc(struct translation *t);
/* fp.c: mstatus.FS becomes Dirty, once a block. */
void front_make_dirty(struct translation *t);

/* ---- the instructions, by idea; what op, type and arg of the row mean to each ---- */
/* alu.c: op on registers; type I32 for the W forms. */
front_fn front_lui, front_auipc, front_alu, front_alu_imm, front_alu_unary;
/* bitmanip.c */
front_fn front_shift_add;    /* arg: shift, | SHADD_UW: rs1 is zero-extended first */
front_fn front_shift_uw_imm; /* slli.uw */
front_fn front_single_bit, front_single_bit_imm; /* op: what the bit does to rs1 */
front_fn front_extract_bit, front_extract_bit_imm;
front_fn front_czero; /* arg: 1 for czero.nez */
enum { SHADD_UW = 4 };
/* mem.c: arg: enum ir_mem */
front_fn front_load, front_store, front_nothing, front_fence, front_fence_tso;
front_fn front_cbo; /* arg: index of enum cbo_kind */
enum cbo_kind { CBO_INVAL, CBO_CLEAN, CBO_FLUSH, CBO_ZERO };
/* atomic.c: arg: enum ir_mem; op: enum ir_amo */
front_fn front_lr, front_sc, front_amo, front_amocas, front_amocas_q;
/* branch.c: op: a BR* that is taken when the branch is */
front_fn front_branch, front_jal, front_jalr;
/* system.c */
front_fn front_ecall, front_ebreak;
front_fn front_csr, front_csr_imm; /* arg: enum csr_op as helper csr takes it */
front_fn front_xret;               /* op: helper; arg: the least privilege */
front_fn front_sfence_vma, front_sfence_order, front_fence_i;
front_fn front_wait; /* op: helper */
/* fp.c: type F32 or F64 of the computation */
front_fn front_fload, front_fstore; /* arg: enum ir_mem */
front_fn front_farith, front_fsqrt, front_fma, front_fselect, front_fcompare, front_fclass;
front_fn front_ftoi, front_ffromi;         /* arg: enum ir_int */
front_fn front_fconvert;                   /* to type; arg: enum ir_type of the source */
front_fn front_fmv_to_x, front_fmv_from_x; /* arg: enum ir_mem, the width */

#endif

/*
 * dbt/ir/ir.c - the table of operations and the builders.
 *
 * A builder only appends; what may be appended is ir_verify.c's business, so that a front end
 * stays short and a mistake in it is found by one check of the whole block. The counts of guest
 * instructions and bytes follow from the INSN ops and are kept here, so that they cannot differ.
 */
#include "dbt/ir/ir.h"

#include <assert.h>

/* clang-format off */
#define STR(s) #s
const struct ir_info ir_info[IR_OPCODES] = {
#define X(name, r, x, y, z, fl)                                                                    \
    [IR_##name] = { #name, STR(r)[0], STR(x)[0], STR(y)[0], STR(z)[0], (uint8_t)(fl) },
#include "dbt/ir/ir_ops.def"
#undef X
};
const struct ir_helper_info ir_helper_info[IR_HELPERS] = {
#define X(name, args, flags) [IR_HELPER_##name] = { #name, args, flags },
#include "dbt/ir/ir_helpers.def"
#undef X
};
/* clang-format on */

/* The most ops one guest instruction expands to; a test holds the front ends to it. */
enum { MAX_OPS_PER_INSN = 48 };

void ir_init(struct ir_block *ir)
{
    ir->count = 0;
    ir->insns = 0;
    ir->length = 0;
}

bool ir_has_room(const struct ir_block *ir)
{
    return ir->count + MAX_OPS_PER_INSN <= IR_MAX_OPS && ir->insns < IR_MAX_INSNS;
}

ir_ref ir_emit(struct ir_block *ir, enum ir_opcode opcode, enum ir_type type, ir_ref a, ir_ref b,
               ir_ref c, int64_t imm)
{
    assert(ir->count < IR_MAX_OPS);
    ir->op[ir->count] = (struct ir_op){
        .opcode = (uint8_t)opcode, .type = (uint8_t)type, .a = a, .b = b, .c = c, .imm = imm
    };
    if (opcode == IR_INSN) {
        ir->insns++;
        ir->length = (unsigned)imm + a;
    }
    ir->count++;
    return ir_info[opcode].result == '0' ? IR_NONE : (ir_ref)(ir->count - 1);
}

ir_ref ir_const(struct ir_block *ir, int64_t value)
{
    return ir_emit(ir, IR_CONST, IR_I64, IR_NONE, IR_NONE, IR_NONE, value);
}

enum ir_type ir_value_type(const struct ir_op *op)
{
    assert(ir_info[op->opcode].result != '0');
    /* A binary16 value travels as the low 16 bits of an integer: nothing computes in it. */
    if (ir_info[op->opcode].result == 'I' || op->type == IR_F16)
        return IR_I64;
    return (enum ir_type)op->type;
}

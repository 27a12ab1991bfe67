/* dbt/ir/ir.h - the intermediate representation all tiers read.
 *
 * A block is an array of 16-byte ops. An op's index is the name of its value (SSA): operands are
 * indices of earlier ops. Guest registers are reached by GETX/SETX and their like, in program
 * order. Every guest instruction opens with an INSN op; everything up to the next INSN belongs
 * to it. The last op, and only it, has IR_F_END.
 *
 * The IR knows no host. A tier may use anything here and must not need anything else.
 */
#ifndef DBT_IR_IR_H
#define DBT_IR_IR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/compiler.h"
#include "base/strbuf.h"
#include "base/types.h"

enum ir_type { IR_I64, IR_I32, IR_F64, IR_F32, IR_F16, IR_TYPES };

enum ir_opcode {
#define X(name, result, a, b, c, flags) IR_##name,
#include "dbt/ir/ir_ops.def"
#undef X
    IR_OPCODES
};

enum ir_flag {
    IR_F_EFFECT = 1 << 0, /* not to be removed, duplicated or reordered with another effect */
    IR_F_TRAP = 1 << 1,   /* may raise an exception */
    IR_F_FFLAGS = 1 << 2, /* may set bits of fflags (they only accumulate: order is free
                           * between one GETFFLAGS or SETFFLAGS and the next) */
    IR_F_SIDE = 1 << 3,   /* may leave the block */
    IR_F_END = 1 << 4,    /* leaves the block */
};

/* Memory access: size, sign, order. Values of LOAD: extended to i64 as IR_MEM_SIGN says; with
 * type F32/F64 the raw bits are the value. */
enum ir_mem {
    IR_MEM_8 = 0,
    IR_MEM_16 = 1,
    IR_MEM_32 = 2,
    IR_MEM_64 = 3,
    IR_MEM_SIZE_MASK = 3, /* log2 of the bytes */
    IR_MEM_SIGN = 1 << 2,
    IR_MEM_ACQUIRE = 1 << 3,
    IR_MEM_RELEASE = 1 << 4,
};
enum ir_amo {
    IR_AMO_SWAP,
    IR_AMO_ADD,
    IR_AMO_XOR,
    IR_AMO_AND,
    IR_AMO_OR,
    IR_AMO_MIN,
    IR_AMO_MAX,
    IR_AMO_MINU,
    IR_AMO_MAXU,
};
enum ir_int { IR_INT_I32, IR_INT_U32, IR_INT_I64, IR_INT_U64 };
enum ir_hint { IR_HINT_NONE, IR_HINT_CALL, IR_HINT_RETURN, IR_HINT_CALL_RETURN };

/* Words of the state: GETS, SETS. */
enum ir_state {
#define X(name, field) IR_STATE_##name,
#include "dbt/ir/ir_states.def"
#undef X
    IR_STATES
};

enum ir_helper {
#define X(name, args, flags) IR_HELPER_##name,
#include "dbt/ir/ir_helpers.def"
#undef X
    IR_HELPERS
};
enum ir_helper_flag { IR_H_TRAP = 1 << 0, IR_H_PURE = 1 << 1 };

typedef uint16_t ir_ref; /* index of an op in its block */
#define IR_NONE ((ir_ref)0xffff)

struct ir_op {
    uint8_t opcode; /* enum ir_opcode */
    uint8_t type;   /* enum ir_type */
    ir_ref a, b, c; /* operands, or plain numbers where ir_ops.def says so; IR_NONE if none */
    int64_t imm;
};
_Static_assert(sizeof(struct ir_op) == 16, "ops are meant to be small");

struct ir_info {
    const char *name;
    char result, a, b, c; /* '0', 'V', 'I', 'M', 'R' */
    uint8_t flags;
};
extern const struct ir_info ir_info[IR_OPCODES];

struct ir_helper_info {
    const char *name;
    uint8_t args;  /* operands a, b, c that are there: the first so many */
    uint8_t flags; /* enum ir_helper_flag */
};
extern const struct ir_helper_info ir_helper_info[IR_HELPERS];

enum { IR_MAX_OPS = 1024, IR_MAX_INSNS = 64 };

struct ir_block {
    struct ir_op op[IR_MAX_OPS];
    unsigned count;  /* ops */
    unsigned insns;  /* guest instructions */
    unsigned length; /* bytes of guest code */
};

void ir_init(struct ir_block *ir);
/* Room for one more guest instruction, whatever it expands to (at most 48 ops)? */
bool ir_has_room(const struct ir_block *ir);

/* Builders; each returns the new op's ref (IR_NONE for those without a result). */
ir_ref ir_emit(struct ir_block *ir, enum ir_opcode opcode, enum ir_type type, ir_ref a, ir_ref b,
               ir_ref c, int64_t imm);
ir_ref ir_const(struct ir_block *ir, int64_t value);
static inline ir_ref ir_un(struct ir_block *ir, enum ir_opcode opcode, enum ir_type type, ir_ref a)
{
    return ir_emit(ir, opcode, type, a, IR_NONE, IR_NONE, 0);
}
static inline ir_ref ir_bin(struct ir_block *ir, enum ir_opcode opcode, enum ir_type type, ir_ref a,
                            ir_ref b)
{
    return ir_emit(ir, opcode, type, a, b, IR_NONE, 0);
}
static inline ir_ref ir_call(struct ir_block *ir, enum ir_helper helper, ir_ref a, ir_ref b,
                             ir_ref c)
{
    return ir_emit(ir, IR_CALL, IR_I64, a, b, c, helper);
}

/* The type of the value an op with a result makes. */
enum ir_type ir_value_type(const struct ir_op *op);

/* Checks every rule above and the operand columns of ir_ops.def. False: *ret_why (if not NULL)
 * says which op breaks which rule. */
bool ir_verify(const struct ir_block *ir, char *why, size_t why_size);
/* One op a line: "  12 i64 add     %10, %11". */
void ir_dump(const struct ir_block *ir, struct strbuf *out);

#endif

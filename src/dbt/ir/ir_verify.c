/*
 * dbt/ir/ir_verify.c - is a block well formed? Every rule of ir.h and ir_ops.def, so that a tier
 * may rely on them and check nothing.
 *
 * Rules are strict on purpose: a number that an op does not use is 0, an operand that is not
 * there is IR_NONE, and a thing can be said in one way only. A pass that compares ops then needs
 * no list of exceptions.
 */
#include "dbt/ir/ir.h"

#include <stdarg.h>

struct check {
    const struct ir_block *ir;
    unsigned at;
    const struct ir_op *op;
    char *why;
    size_t why_size;
};

enum {
    T_I64 = 1 << IR_I64,
    T_I32 = 1 << IR_I32,
    T_F64 = 1 << IR_F64,
    T_F32 = 1 << IR_F32,
    T_F16 = 1 << IR_F16,
    T_INT = T_I64 | T_I32,
    T_FP = T_F64 | T_F32,
};

enum { MAX_CAUSE = 63, LAST_CSR_OP = 2, ANY_RM_FRM = 7, LAST_STATIC_RM = 4 };

PRINTF(2, 3) static bool fail(const struct check *ck, const char *fmt, ...)
{
    va_list args;
    int n;

    if (!ck->why || ck->why_size == 0)
        return false;
    n = snprintf(ck->why, ck->why_size, "op %u (%s): ", ck->at,
                 ck->op && ck->op->opcode < IR_OPCODES ? ir_info[ck->op->opcode].name : "?");
    if (n < 0 || (size_t)n >= ck->why_size)
        return false;
    va_start(args, fmt);
    (void)vsnprintf(ck->why + n, ck->why_size - (size_t)n, fmt, args);
    va_end(args);
    return false;
}

/* The types an op may have. Ops that compute nothing have type I64, which is 0. */
static unsigned types_of(unsigned opcode)
{
    switch (opcode) {
    case IR_MULHSS:
    case IR_MULHSU:
    case IR_MULHUU:
    case IR_BSWAP:
    case IR_CLMUL:
    case IR_CLMULH:
    case IR_CLMULR:
        return T_I64;
    case IR_GETF:
    case IR_SETF:
        return T_FP;
    case IR_SELECT:
        return T_INT | T_FP;
    case IR_LOAD:
    case IR_STORE:
        return T_I64 | T_FP;
    case IR_FCVT:
        return T_FP | T_F16;
    case IR_FSDIRTY:
        return T_I64;
    default:
        if (opcode >= IR_ADD && opcode <= IR_SETLTU)
            return T_INT;
        if (opcode >= IR_FADD && opcode <= IR_FFROMBITS)
            return T_FP;
        return T_I64;
    }
}

static bool uses_imm(unsigned opcode)
{
    switch (opcode) {
    case IR_CONST:
    case IR_PC:
    case IR_GETX:
    case IR_SETX:
    case IR_GETF:
    case IR_SETF:
    case IR_GETS:
    case IR_SETS:
    case IR_SSTATUS:
    case IR_INSN:
    case IR_LOAD:
    case IR_STORE:
    case IR_AMO:
    case IR_CAS:
    case IR_FENCE:
    case IR_FMADD:
    case IR_FMSUB:
    case IR_FNMSUB:
    case IR_FNMADD:
    case IR_FTOI:
    case IR_FFROMI:
    case IR_FCVT:
    case IR_CALL:
    case IR_JUMPREG:
    case IR_TRAP:
        return true;
    default:
        return (opcode >= IR_BREQ && opcode <= IR_BRGEU) || opcode == IR_JUMP || opcode == IR_LEAVE;
    }
}

static bool reads_low_bits_only(unsigned opcode)
{
    return opcode >= IR_SEXT8 && opcode <= IR_ZEXT32;
}

/* The operand named `ref` must be an earlier op with a value of a type that fits `want`. */
static bool check_value(const struct check *ck, char which, ir_ref ref, enum ir_type want)
{
    enum ir_type have;

    if (ref >= ck->at)
        return fail(ck, "operand %c is not an earlier op", which);
    if (ir_info[ck->ir->op[ref].opcode].result == '0')
        return fail(ck, "operand %c (op %u) has no value", which, ref);
    have = ir_value_type(&ck->ir->op[ref]);
    if (have == want)
        return true;
    /* A 32-bit reader takes an i64 too: it looks at the low half only. */
    if (have == IR_I64 && want == IR_I32)
        return true;
    if (have == IR_I32 && reads_low_bits_only(ck->op->opcode))
        return true;
    return fail(ck, "operand %c (op %u) has the wrong type", which, ref);
}

static bool check_rm(const struct check *ck, int64_t rm)
{
    if ((rm >= 0 && rm <= LAST_STATIC_RM) || rm == ANY_RM_FRM)
        return true;
    return fail(ck, "no such rounding mode");
}

static bool check_operand(const struct check *ck, char which, char kind, ir_ref ref)
{
    switch (kind) {
    case 'V':
        return check_value(ck, which, ref, (enum ir_type)ck->op->type);
    case 'I':
        return check_value(ck, which, ref, IR_I64);
    case 'R':
        return check_rm(ck, ref);
    case 'M': /* check_memory() */
        return true;
    default:
        return ref == IR_NONE || fail(ck, "operand %c should not be there", which);
    }
}

/* The ops whose operands are not what their columns alone say. */
static bool check_operands(const struct check *ck)
{
    const struct ir_op *op = ck->op;
    const struct ir_info *info = &ir_info[op->opcode];
    const ir_ref ref[3] = { op->a, op->b, op->c };

    switch (op->opcode) {
    case IR_INSN:
        if (op->a != 2 && op->a != 4)
            return fail(ck, "an instruction has 2 or 4 bytes");
        return check_operand(ck, 'b', '0', op->b) && check_operand(ck, 'c', '0', op->c);
    case IR_JUMP:
    case IR_JUMPREG:
        if (op->c > IR_HINT_CALL_RETURN || (op->opcode == IR_JUMP && op->c > IR_HINT_CALL))
            return fail(ck, "no such hint");
        return check_operand(ck, 'a', info->a, op->a) && check_operand(ck, 'b', '0', op->b);
    case IR_FCVT:
        return check_operand(ck, 'b', '0', op->b) && check_rm(ck, op->c) &&
               check_value(ck, 'a', op->a, op->imm == IR_F16 ? IR_I64 : (enum ir_type)op->imm);
    case IR_CALL:
        for (unsigned i = 0; i < 3; i++) {
            char kind = i < ir_helper_info[op->imm].args ? 'I' : '0';

            if (!check_operand(ck, (char)('a' + i), kind, ref[i]))
                return false;
        }
        return true;
    default:
        return check_operand(ck, 'a', info->a, op->a) && check_operand(ck, 'b', info->b, op->b) &&
               check_operand(ck, 'c', info->c, op->c);
    }
}

static bool check_memory(const struct check *ck)
{
    const struct ir_op *op = ck->op;
    int64_t mem = op->opcode == IR_CAS ? op->imm : op->c;
    int64_t size = mem & IR_MEM_SIZE_MASK;
    bool plain = op->opcode == IR_LOAD || op->opcode == IR_STORE;

    if (mem < 0 || mem > (IR_MEM_SIZE_MASK | IR_MEM_SIGN | IR_MEM_ACQUIRE | IR_MEM_RELEASE))
        return fail(ck, "no such memory flags");
    if ((mem & IR_MEM_SIGN) && (op->opcode != IR_LOAD || op->type != IR_I64 || size == IR_MEM_64))
        return fail(ck, "the sign flag is for integer loads narrower than 64 bits");
    if ((op->type == IR_F64 && size != IR_MEM_64) || (op->type == IR_F32 && size != IR_MEM_32))
        return fail(ck, "size does not fit the type");
    if (!plain && size < IR_MEM_32)
        return fail(ck, "atomics have 32 or 64 bits");
    if (op->opcode == IR_AMO && (op->imm < 0 || op->imm > IR_AMO_MAXU))
        return fail(ck, "no such AMO");
    return true;
}

static bool check_offset(const struct check *ck, int64_t offset)
{
    return (offset & 1) == 0 || fail(ck, "a target has an even offset");
}

static bool in_range(const struct check *ck, int64_t first, int64_t last, const char *what)
{
    return (ck->op->imm >= first && ck->op->imm <= last) || fail(ck, "no such %s", what);
}

static bool check_imm(const struct check *ck)
{
    const struct ir_op *op = ck->op;

    if (!uses_imm(op->opcode))
        return op->imm == 0 || fail(ck, "imm is unused and must be 0");
    switch (op->opcode) {
    case IR_GETX:
    case IR_SETX:
        return in_range(ck, 1, 31, "x register");
    case IR_GETF:
    case IR_SETF:
        return in_range(ck, 0, 31, "f register");
    case IR_GETS:
    case IR_SETS:
        return in_range(ck, 0, IR_STATES - 1, "word of the state");
    case IR_SSTATUS:
        return in_range(ck, 0, LAST_CSR_OP, "way to write");
    case IR_FENCE:
        return in_range(ck, 0, 0xff, "fence");
    case IR_FMADD:
    case IR_FMSUB:
    case IR_FNMSUB:
    case IR_FNMADD:
        return check_rm(ck, op->imm);
    case IR_FTOI:
    case IR_FFROMI:
        return in_range(ck, 0, IR_INT_U64, "integer kind");
    case IR_FCVT:
        return in_range(ck, IR_F64, IR_F16, "type to convert from") &&
               (op->imm != op->type || fail(ck, "converts a type to itself"));
    case IR_CALL:
        return in_range(ck, 0, IR_HELPERS - 1, "helper");
    case IR_TRAP:
        return in_range(ck, 0, MAX_CAUSE, "cause");
    case IR_JUMPREG:
        if (op->imm != 0 && op->c != IR_HINT_CALL && op->c != IR_HINT_CALL_RETURN)
            return fail(ck, "a return point is for calls");
        return check_offset(ck, op->imm);
    case IR_JUMP:
    case IR_LEAVE:
        return check_offset(ck, op->imm);
    default:
        return !(ir_info[op->opcode].flags & IR_F_SIDE) || check_offset(ck, op->imm);
    }
}

/* Offsets, count and length follow from the INSN ops. */
static bool check_insn(const struct check *ck, unsigned *insns, int64_t *next_offset)
{
    if (ck->op->opcode != IR_INSN)
        return *insns > 0 || fail(ck, "a block opens with INSN");
    if (ck->op->imm != *next_offset)
        return fail(ck, "instructions do not follow each other");
    *next_offset = ck->op->imm + ck->op->a;
    return ++*insns <= IR_MAX_INSNS || fail(ck, "too many instructions");
}

static bool check_op(const struct check *ck, unsigned *insns, int64_t *next_offset)
{
    const struct ir_op *op = ck->op;

    if (op->opcode >= IR_OPCODES)
        return fail(ck, "no such opcode %u", op->opcode);
    if (op->type >= IR_TYPES || !(types_of(op->opcode) >> op->type & 1))
        return fail(ck, "may not have type %u", op->type);
    if (!check_imm(ck) || !check_operands(ck) || !check_insn(ck, insns, next_offset))
        return false;
    if (op->opcode >= IR_LOAD && op->opcode <= IR_CAS && !check_memory(ck))
        return false;
    if (ck->at > 0 && op[-1].opcode == IR_SSTATUS && op->opcode != IR_LEAVE)
        return fail(ck, "LEAVE follows SSTATUS");
    if (((ir_info[op->opcode].flags & IR_F_END) != 0) != (ck->at == ck->ir->count - 1))
        return fail(ck, "the last op, and only it, leaves the block");
    return true;
}

bool ir_verify(const struct ir_block *ir, char *why, size_t why_size)
{
    struct check ck = { .ir = ir, .why = why, .why_size = why_size };
    unsigned insns = 0;
    int64_t next_offset = 0;

    if (ir->count == 0 || ir->count > IR_MAX_OPS)
        return fail(&ck, "a block has 1 to %d ops", IR_MAX_OPS);
    for (ck.at = 0; ck.at < ir->count; ck.at++) {
        ck.op = &ir->op[ck.at];
        if (!check_op(&ck, &insns, &next_offset))
            return false;
    }
    ck.op = NULL;
    if (insns != ir->insns)
        return fail(&ck, "the block's count of instructions is wrong");
    if (next_offset != ir->length)
        return fail(&ck, "the block's length is wrong");
    return true;
}

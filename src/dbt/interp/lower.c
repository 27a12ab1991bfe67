/*
 * dbt/interp/lower.c - IR to T0 code: one pass forwards, after one backwards for last uses.
 *
 * The aim is few T0 ops, because an interpreter pays per op:
 *   - a GETX costs nothing when its register is not set again before the value's last use: the
 *     value *is* the register's slot;
 *   - a SETX costs nothing when the op that made the value can write the register's slot itself;
 *   - constants become immediates; SEXT32 of a 32-bit op is free, as T0's 32-bit ops always
 *     leave a sign-extended result;
 *   - an address constant is already an immediate in the IR;
 *   - two shifts that only extend a value are one op: without Zba and Zbb that is how it is
 * written.
 *
 * Precision of faults is kept: a register is written early (at the op that makes the value
 * instead of at its SETX) only if nothing in between can leave the block.
 */
#include "dbt/interp/t0.h"

#include <assert.h>
#include <string.h>

#define NEVER 0xffff
/* Registers an op can name: x, f, words of the state. */
enum { REG_STATE = 64, REGS = REG_STATE + IR_STATES };
_Static_assert((int)HART_TEMP_SLOTS >= (int)IR_MAX_OPS, "every value may need a temporary");
_Static_assert(IR_MAX_OPS <= NEVER, "an index that no op has");

struct lower {
    const struct ir_block *ir;
    struct t0_code *out;
    ir_ref alias[IR_MAX_OPS];      /* the op whose value this one is; itself mostly */
    uint16_t last_use[IR_MAX_OPS]; /* of the value and its aliases; 0 when never used */
    uint16_t next_set[IR_MAX_OPS]; /* GET/SET: the next SET of the same register, or CALL, which
                                    * may set any; or NEVER */
    uint16_t slot[IR_MAX_OPS];     /* where a value lives; not for constants */
    bool done_early[IR_MAX_OPS];   /* this SET's value is already in place */
    uint16_t reader_until[REGS];   /* per guest register: last use of a value that is its slot */
    uint16_t now;
    /* Temporaries: those given back, last first; then those not used so far, from the last down. */
    unsigned unused_temps, free_temps;
    uint16_t temp[HART_TEMP_SLOTS];
    uint16_t scratch[3]; /* constants made for the op at hand */
    unsigned scratches;
};

/* clang-format off */
static const uint16_t bin_base[IR_OPCODES] = {
#define BIN(name, e64, e32) [IR_##name] = T0_##name##_RR,
#include "dbt/interp/t0_ops.def"
#undef BIN
};
static const uint16_t un_base[IR_OPCODES] = {
#define UN(name, e64, e32) [IR_##name] = T0_##name##_R,
#include "dbt/interp/t0_ops.def"
#undef UN
};
static const uint16_t branch_base[IR_OPCODES] = {
#define BRANCH(name, cond) [IR_##name] = T0_##name##_RR,
#include "dbt/interp/t0_ops.def"
#undef BRANCH
};
static const bool is_binary[IR_OPCODES] = {
#define BIN(name, e64, e32) [IR_##name] = true,
#include "dbt/interp/t0_ops.def"
#undef BIN
};
static const uint16_t fp_base[IR_OPCODES] = {
    [IR_FADD] = T0_F32_ADD, [IR_FSUB] = T0_F32_SUB, [IR_FMUL] = T0_F32_MUL,
    [IR_FDIV] = T0_F32_DIV, [IR_FSQRT] = T0_F32_SQRT, [IR_FMIN] = T0_F32_MIN,
    [IR_FMAX] = T0_F32_MAX, [IR_FEQ] = T0_F32_EQ, [IR_FLT] = T0_F32_LT, [IR_FLE] = T0_F32_LE,
    [IR_FCLASS] = T0_F32_CLASS, [IR_FSGNJ] = T0_F32_SGNJ, [IR_FSGNJN] = T0_F32_SGNJN,
    [IR_FSGNJX] = T0_F32_SGNJX, [IR_FMADD] = T0_F32_MADD, [IR_FMSUB] = T0_F32_MSUB,
    [IR_FNMSUB] = T0_F32_NMSUB, [IR_FNMADD] = T0_F32_NMADD,
};
/* clang-format on */

static uint16_t slot_of_reg(int reg)
{
    static const uint16_t state[IR_STATES] = {
#define X(name, field) [IR_STATE_##name] = offsetof(struct hart, s.field) / 8,
#include "dbt/ir/ir_states.def"
#undef X
    };

    return reg < REG_STATE ? (uint16_t)(T0_SLOT_X + reg) : state[reg - REG_STATE];
}

static bool commutes(unsigned opcode)
{
    switch (opcode) {
    case IR_ADD:
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_XNOR:
    case IR_MUL:
    case IR_MULHSS:
    case IR_MULHUU:
    case IR_MINS:
    case IR_MINU:
    case IR_MAXS:
    case IR_MAXU:
    case IR_SETEQ:
    case IR_SETNE:
        return true;
    default:
        return false;
    }
}

static bool is_get(const struct ir_op *op)
{
    return op->opcode == IR_GETX || op->opcode == IR_GETS ||
           (op->opcode == IR_GETF && op->type == IR_F64);
}

/* A SET that is a plain move into the register's slot. */
static bool is_move_set(const struct ir_op *op)
{
    return op->opcode == IR_SETX || op->opcode == IR_SETS ||
           (op->opcode == IR_SETF && op->type == IR_F64);
}

/* x registers are 0..31, f registers 32..63, then words of the state; -1 for an op that names none.
 */
static int guest_reg(const struct ir_op *op)
{
    switch (op->opcode) {
    case IR_GETX:
    case IR_SETX:
        return (int)op->imm;
    case IR_GETF:
    case IR_SETF:
        return 32 + (int)op->imm;
    case IR_GETS:
    case IR_SETS:
        return REG_STATE + (int)op->imm;
    default:
        return -1;
    }
}

static bool is_temp(uint16_t slot)
{
    return slot >= T0_SLOT_TEMP && slot < T0_SLOT_TEMP + HART_TEMP_SLOTS;
}

static uint16_t temp_take(struct lower *lo)
{
    if (lo->free_temps > 0)
        return lo->temp[--lo->free_temps];
    assert(lo->unused_temps > 0);
    return (uint16_t)(T0_SLOT_TEMP + --lo->unused_temps);
}

static void temp_give(struct lower *lo, uint16_t slot)
{
    if (is_temp(slot))
        lo->temp[lo->free_temps++] = slot;
}

static struct t0_op *emit(struct lower *lo, unsigned opcode, uint16_t dst, uint16_t a, uint16_t b,
                          int64_t imm)
{
    struct t0_op *op = &lo->out->op[lo->out->ops++];

    assert(lo->out->ops <= T0_MAX_OPS);
    *op = (struct t0_op){ .opcode = (uint16_t)opcode, .dst = dst, .a = a, .b = b, .imm = imm };
    return op;
}

static const struct ir_op *value_of(const struct lower *lo, ir_ref ref)
{
    return &lo->ir->op[lo->alias[ref]];
}

static bool is_const(const struct lower *lo, ir_ref ref, int64_t *ret_value)
{
    const struct ir_op *op = value_of(lo, ref);

    if (op->opcode != IR_CONST)
        return false;
    *ret_value = op->imm;
    return true;
}

/* The slot an operand is read from; a constant is put into a temporary that lasts for one op. */
static uint16_t use(struct lower *lo, ir_ref ref)
{
    int64_t value;
    uint16_t slot;

    if (!is_const(lo, ref, &value))
        return lo->slot[lo->alias[ref]];
    if (value == 0)
        return T0_SLOT_ZERO;
    slot = temp_take(lo);
    lo->scratch[lo->scratches++] = slot;
    emit(lo, T0_MOVI, slot, 0, 0, value);
    return slot;
}

static bool is_value_operand(char kind)
{
    return kind == 'V' || kind == 'I';
}

/* Calls fn for each operand that is a value. */
static void each_operand(struct lower *lo, const struct ir_op *op,
                         void (*fn)(struct lower *lo, ir_ref ref))
{
    const struct ir_info *info = &ir_info[op->opcode];

    if (is_value_operand(info->a) && op->a != IR_NONE)
        fn(lo, op->a);
    if (is_value_operand(info->b) && op->b != IR_NONE)
        fn(lo, op->b);
    if (is_value_operand(info->c) && op->c != IR_NONE)
        fn(lo, op->c);
}

static void note_use(struct lower *lo, ir_ref ref)
{
    ir_ref value = lo->alias[ref];

    if (lo->last_use[value] < lo->now)
        lo->last_use[value] = lo->now;
}

static void release_if_last(struct lower *lo, ir_ref ref)
{
    ir_ref value = lo->alias[ref];

    if (lo->ir->op[value].opcode == IR_CONST || lo->last_use[value] != lo->now)
        return;
    lo->last_use[value] = 0; /* an operand may be named twice */
    temp_give(lo, lo->slot[value]);
}

/* Is the op the AND that clears bit 0 of the target of the JUMPREG that ends the block, and of use
 * to nothing else? JUMPREG does it itself. */
static bool only_cleared_for_jump(const struct lower *lo, unsigned index)
{
    const struct ir_op *op = &lo->ir->op[index], *end = &lo->ir->op[lo->ir->count - 1];
    const struct ir_op *mask = &lo->ir->op[op->b];

    if (end->opcode != IR_JUMPREG || end->a != index || op->type != IR_I64)
        return false;
    if (mask->opcode != IR_CONST || mask->imm != -2)
        return false;
    for (const struct ir_op *user = op + 1; user < end; user++)
        if (user->a == index || user->b == index || user->c == index)
            return false;
    return true;
}

static ir_ref alias_of(const struct lower *lo, unsigned index)
{
    const struct ir_op *op = &lo->ir->op[index], *from;

    switch (op->opcode) {
    case IR_SEXT32:
        from = value_of(lo, op->a);
        if (from->type == IR_I32 && (is_binary[from->opcode] || un_base[from->opcode] != 0))
            return lo->alias[op->a];
        return (ir_ref)index;
    case IR_FBITS:
    case IR_FFROMBITS:
        return op->type == IR_F64 ? lo->alias[op->a] : (ir_ref)index;
    case IR_AND:
        return only_cleared_for_jump(lo, index) ? lo->alias[op->a] : (ir_ref)index;
    default:
        return (ir_ref)index;
    }
}

static void analyse(struct lower *lo)
{
    uint16_t next[REGS];

    for (unsigned i = 0; i < lo->ir->count; i++) {
        lo->alias[i] = alias_of(lo, i);
        lo->last_use[i] = 0;
        lo->done_early[i] = false;
        lo->now = (uint16_t)i;
        each_operand(lo, &lo->ir->op[i], note_use);
    }
    memset(next, 0xff, sizeof(next));
    for (unsigned i = lo->ir->count; i-- > 0;) {
        const struct ir_op *op = &lo->ir->op[i];
        int reg = guest_reg(op);

        if (op->opcode == IR_CALL)
            for (unsigned j = 0; j < ARRAY_LEN(next); j++)
                next[j] = (uint16_t)i;
        if (op->opcode == IR_FSDIRTY || op->opcode == IR_SSTATUS)
            next[REG_STATE + IR_STATE_MSTATUS] = (uint16_t)i;
        if (reg < 0)
            continue;
        lo->next_set[i] = next[reg];
        if (op->opcode == IR_SETX || op->opcode == IR_SETF || op->opcode == IR_SETS)
            next[reg] = (uint16_t)i;
    }
}

/* May the op at hand (index now) write straight into the register of the SET that follows?
 * Returns that register's slot, or NEVER. */
static uint16_t early_slot(struct lower *lo, ir_ref value)
{
    for (unsigned j = lo->now + 1u; j < lo->ir->count; j++) {
        const struct ir_op *op = &lo->ir->op[j];
        int reg = guest_reg(op);

        if (is_move_set(op) && lo->alias[op->a] == value) {
            if (lo->reader_until[reg] > lo->now || lo->last_use[value] > lo->next_set[j])
                return NEVER;
            for (unsigned k = lo->now + 1u; k < j; k++)
                if (guest_reg(&lo->ir->op[k]) == reg)
                    return NEVER;
            lo->done_early[j] = true;
            lo->reader_until[reg] = lo->last_use[value];
            return slot_of_reg(reg);
        }
        if (ir_info[op->opcode].flags & IR_F_EFFECT)
            return NEVER;
    }
    return NEVER;
}
_Static_assert(T0_SLOT_F == T0_SLOT_X + 32, "x and f registers are numbered through");

/* Ends the reading of an op's operands and says where its result goes. */
static uint16_t define(struct lower *lo)
{
    ir_ref value = lo->now;
    uint16_t slot;

    each_operand(lo, &lo->ir->op[value], release_if_last);
    while (lo->scratches > 0)
        temp_give(lo, lo->scratch[--lo->scratches]);
    slot = early_slot(lo, value);
    if (slot == NEVER) {
        slot = temp_take(lo);
        if (lo->last_use[value] == 0)
            temp_give(lo, slot); /* written and never read */
    }
    lo->slot[value] = slot;
    return slot;
}

static void lower_get(struct lower *lo, const struct ir_op *op)
{
    int reg = guest_reg(op);
    uint16_t until = lo->last_use[lo->now], slot = slot_of_reg(reg);

    if (until == 0)
        return;
    if (until <= lo->next_set[lo->now]) {
        lo->slot[lo->now] = slot;
        if (lo->reader_until[reg] < until)
            lo->reader_until[reg] = until;
        return;
    }
    emit(lo, T0_MOV, define(lo), slot, 0, 0);
}

static void lower_set(struct lower *lo, const struct ir_op *op)
{
    uint16_t dst = slot_of_reg(guest_reg(op));
    int64_t value;

    if (lo->done_early[lo->now])
        return;
    if (op->opcode == IR_SETF && op->type == IR_F32)
        emit(lo, T0_BOX, dst, use(lo, op->a), 0, 0);
    else if (is_const(lo, op->a, &value))
        emit(lo, T0_MOVI, dst, 0, 0, value);
    else if (use(lo, op->a) != dst)
        emit(lo, T0_MOV, dst, use(lo, op->a), 0, 0);
}

/* The op that shifting up by `count` and then, with `back`, down again by as much amounts to. */
static unsigned extension(unsigned back, int64_t count)
{
    bool sign = back == T0_SAR_RI;

    if (!sign && back != T0_SHR_RI)
        return T0_OPCODES;
    switch (count) {
    case 32:
        return sign ? T0_SEXT32_R : T0_ZEXT32_R;
    case 48:
        return sign ? T0_SEXT16_R : T0_ZEXT16_R;
    case 56:
        return sign ? T0_SEXT8_R : T0_ZEXT8_R;
    default:
        return T0_OPCODES;
    }
}

/* Nothing can leave the block between two ops that follow each other and only compute: what the
 * first has put into a register that the second overwrites is seen by nobody. */
static void join_shifts(struct lower *lo)
{
    struct t0_op *down, *up;
    unsigned opcode;

    if (lo->out->ops < 2)
        return;
    down = &lo->out->op[lo->out->ops - 1];
    up = down - 1;
    opcode = extension(down->opcode, down->imm);
    if (opcode == T0_OPCODES)
        return;
    if (up->opcode != T0_SHL_RI || up->imm != down->imm || up->dst != down->a)
        return;
    if (up->dst == down->dst) {
        *up = (struct t0_op){ .opcode = (uint16_t)opcode, .dst = up->dst, .a = up->a };
        lo->out->ops--;
    } else if (up->dst != up->a) {
        *down = (struct t0_op){ .opcode = (uint16_t)opcode, .dst = down->dst, .a = up->a };
    }
}

static void lower_binary(struct lower *lo, const struct ir_op *op)
{
    unsigned opcode = bin_base[op->opcode] + (op->type == IR_I32 ? 2 : 0);
    ir_ref a = op->a, b = op->b;
    int64_t value;
    uint16_t slot_a, slot_b;

    if (is_const(lo, a, &value) && commutes(op->opcode)) {
        a = op->b;
        b = op->a;
    }
    slot_a = use(lo, a);
    if (is_const(lo, b, &value)) {
        emit(lo, opcode + 1, 0, slot_a, 0, value)->dst = define(lo);
        join_shifts(lo);
        return;
    }
    slot_b = use(lo, b);
    emit(lo, opcode, 0, slot_a, slot_b, 0)->dst = define(lo);
}

static uint16_t new_link(struct lower *lo)
{
    return lo->out->links < T0_MAX_LINKS ? (uint16_t)lo->out->links++ : (uint16_t)NEVER;
}

static void lower_branch(struct lower *lo, const struct ir_op *op)
{
    unsigned opcode = branch_base[op->opcode];
    uint32_t target = (uint32_t)op->imm;
    int64_t value;
    uint16_t a = use(lo, op->a);

    if (is_const(lo, op->b, &value) && value == (int32_t)value)
        emit(lo, opcode + 1, new_link(lo), a, 0, (int64_t)((uint64_t)value << 32 | target));
    else
        emit(lo, opcode, new_link(lo), a, use(lo, op->b), target);
}

static unsigned load_opcode(unsigned mem)
{
    static const uint16_t of[8] = {
        [IR_MEM_8] = T0_LOAD8U,
        [IR_MEM_16] = T0_LOAD16U,
        [IR_MEM_32] = T0_LOAD32U,
        [IR_MEM_64] = T0_LOAD64,
        [IR_MEM_8 | IR_MEM_SIGN] = T0_LOAD8S,
        [IR_MEM_16 | IR_MEM_SIGN] = T0_LOAD16S,
        [IR_MEM_32 | IR_MEM_SIGN] = T0_LOAD32S,
        [IR_MEM_64 | IR_MEM_SIGN] = T0_LOAD64,
    };

    return of[mem & (IR_MEM_SIZE_MASK | IR_MEM_SIGN)];
}

static void lower_memory(struct lower *lo, const struct ir_op *op)
{
    uint16_t a = use(lo, op->a), b, c;

    switch (op->opcode) {
    case IR_LOAD:
        emit(lo, load_opcode(op->c), 0, a, 0, op->imm)->dst = define(lo);
        return;
    case IR_STORE:
        emit(lo, T0_STORE8 + (op->c & IR_MEM_SIZE_MASK), 0, a, use(lo, op->b), op->imm);
        return;
    case IR_AMO:
        b = use(lo, op->b);
        emit(lo, T0_AMO, 0, a, b, op->imm << 8 | op->c)->dst = define(lo);
        return;
    case IR_LR:
        emit(lo, T0_LR, 0, a, 0, op->c)->dst = define(lo);
        return;
    case IR_SC:
        b = use(lo, op->b);
        emit(lo, T0_SC, 0, a, b, op->c)->dst = define(lo);
        return;
    default: /* IR_CAS */
        b = use(lo, op->b);
        c = use(lo, op->c);
        emit(lo, T0_CAS, 0, a, b, (int64_t)c << 8 | op->imm)->dst = define(lo);
        return;
    }
}

static unsigned convert_opcode(const struct ir_op *op)
{
    switch (op->type) {
    case IR_F64:
        return op->imm == IR_F16 ? T0_F16_TO_F64 : T0_F32_TO_F64;
    case IR_F32:
        return op->imm == IR_F16 ? T0_F16_TO_F32 : T0_F64_TO_F32;
    default:
        return op->imm == IR_F32 ? T0_F32_TO_F16 : T0_F64_TO_F16;
    }
}

/* Operands and rounding mode in their places: see the handlers in interp_fp.inc. */
static void lower_float(struct lower *lo, const struct ir_op *op)
{
    unsigned is64 = op->type == IR_F64;
    uint16_t a = use(lo, op->a), b = 0, c;
    unsigned opcode = fp_base[op->opcode] + is64;
    int64_t imm = 0;

    switch (op->opcode) {
    case IR_FTOI:
        opcode = T0_F32_TO_I32 + 4 * (unsigned)op->imm + is64;
        imm = op->c;
        break;
    case IR_FFROMI:
        opcode = T0_F32_FROM_I32 + 4 * (unsigned)op->imm + is64;
        imm = op->c;
        break;
    case IR_FCVT:
        opcode = convert_opcode(op);
        imm = op->c;
        break;
    case IR_FBITS:
        opcode = T0_SEXT32_R;
        break;
    case IR_FFROMBITS:
        opcode = T0_ZEXT32_R;
        break;
    case IR_FMADD:
    case IR_FMSUB:
    case IR_FNMSUB:
    case IR_FNMADD:
        b = use(lo, op->b);
        c = use(lo, op->c);
        imm = (int64_t)c << 8 | op->imm;
        break;
    default:
        if (ir_info[op->opcode].b == 'V')
            b = use(lo, op->b);
        if (ir_info[op->opcode].c == 'R')
            imm = op->c;
        break;
    }
    emit(lo, opcode, 0, a, b, imm)->dst = define(lo);
}
_Static_assert(T0_F32_FROM_I32 == T0_F32_TO_I32 + 2 && T0_F32_TO_U32 == T0_F32_TO_I32 + 4,
               "FPINT rows hold four opcodes each, in the order of enum ir_int");

static void lower_call(struct lower *lo, const struct ir_op *op)
{
    uint16_t a = op->a == IR_NONE ? T0_SLOT_ZERO : use(lo, op->a);
    uint16_t b = op->b == IR_NONE ? T0_SLOT_ZERO : use(lo, op->b);
    uint16_t c = op->c == IR_NONE ? T0_SLOT_ZERO : use(lo, op->c);

    int64_t offset = lo->out->insn[lo->out->insns - 1].offset;
    int64_t counts = lo->out->insns == lo->ir->insns ? T0_CALL_COUNTS : 0;

    emit(lo, T0_CALL, 0, a, b, offset << 32 | counts | (int64_t)c << 8 | op->imm)->dst = define(lo);
}

/* The register the instruction at hand has put its return address in. */
static uint16_t return_slot(const struct lower *lo)
{
    for (unsigned i = lo->now; lo->ir->op[i].opcode != IR_INSN; i--)
        if (lo->ir->op[i].opcode == IR_SETX)
            return (uint16_t)(T0_SLOT_X + lo->ir->op[i].imm);
    return 0;
}

static void lower_jump(struct lower *lo, const struct ir_op *op)
{
    bool call = op->c == IR_HINT_CALL || op->c == IR_HINT_CALL_RETURN;
    uint16_t slot = call ? return_slot(lo) : 0, link, back;

    link = op->opcode == IR_JUMP ? new_link(lo) : 0;
    back = slot != 0 ? new_link(lo) : 0;
    if (op->opcode == IR_JUMP)
        emit(lo, T0_JUMP, link, back, slot, op->imm);
    else
        emit(lo, T0_JUMPREG, back, use(lo, op->a), slot,
             op->c == IR_HINT_RETURN ? T0_JUMP_RETURN : 0);
}

static void lower_other(struct lower *lo, const struct ir_op *op)
{
    uint16_t a, b, c;

    switch (op->opcode) {
    case IR_CONST:
        return;
    case IR_PC:
        emit(lo, T0_PC, define(lo), 0, 0, op->imm);
        return;
    case IR_INSN:
        lo->out->insn[lo->out->insns++] =
            (struct t0_insn){ .first_op = (uint16_t)lo->out->ops, .offset = (uint16_t)op->imm };
        return;
    case IR_SELECT:
        a = use(lo, op->a);
        b = use(lo, op->b);
        c = use(lo, op->c);
        emit(lo, T0_SELECT, 0, a, b, c)->dst = define(lo);
        return;
    case IR_FENCE:
        /* pred has W or O and succ has R or I: the one order x86 does not keep by itself. */
        emit(lo, T0_FENCE, 0, (op->imm & 0x50) != 0 && (op->imm & 0x0a) != 0, 0, 0);
        return;
    case IR_CBZERO:
        emit(lo, T0_CBZERO, 0, use(lo, op->a), 0, 0);
        return;
    case IR_SSTATUS:
        emit(lo, T0_SSTATUS, 0, use(lo, op->a), 0, op->imm);
        return;
    case IR_FSDIRTY:
        lo->out->makes_dirty = true;
        emit(lo, T0_FSDIRTY, 0, 0, 0, 0);
        return;
    case IR_GETFFLAGS:
        emit(lo, T0_GETFFLAGS, define(lo), 0, 0, 0);
        return;
    case IR_SETFFLAGS:
        emit(lo, T0_SETFFLAGS, 0, use(lo, op->a), 0, 0);
        return;
    case IR_CALL:
        lower_call(lo, op);
        return;
    case IR_JUMP:
    case IR_JUMPREG:
        lower_jump(lo, op);
        return;
    case IR_TRAP:
        emit(lo, T0_TRAP, 0, use(lo, op->a), 0, op->imm);
        return;
    case IR_LEAVE:
        emit(lo, T0_LEAVE, 0, 0, 0, op->imm);
        return;
    default:
        assert(op->opcode == IR_LEAVEPC);
        emit(lo, T0_LEAVEPC, 0, 0, 0, 0);
        return;
    }
}

static void lower_op(struct lower *lo, const struct ir_op *op)
{
    uint16_t a;

    if (lo->alias[lo->now] != lo->now)
        return; /* the value has a name already */
    if (is_get(op)) {
        lower_get(lo, op);
    } else if (op->opcode == IR_GETF) {
        emit(lo, T0_UNBOX, define(lo), (uint16_t)(T0_SLOT_X + guest_reg(op)), 0, 0);
    } else if (op->opcode == IR_SETX || op->opcode == IR_SETF || op->opcode == IR_SETS) {
        lower_set(lo, op);
    } else if (is_binary[op->opcode]) {
        lower_binary(lo, op);
    } else if (un_base[op->opcode] != 0) {
        a = use(lo, op->a);
        emit(lo, un_base[op->opcode] + (op->type == IR_I32), 0, a, 0, 0)->dst = define(lo);
    } else if (branch_base[op->opcode] != 0) {
        lower_branch(lo, op);
    } else if (op->opcode >= IR_LOAD && op->opcode <= IR_CAS) {
        lower_memory(lo, op);
    } else if (op->opcode >= IR_FADD && op->opcode <= IR_FFROMBITS) {
        lower_float(lo, op);
    } else {
        lower_other(lo, op);
    }
}

void t0_lower(const struct ir_block *ir, struct t0_code *ret_code)
{
    struct lower lo;

    lo.ir = ir;
    lo.out = ret_code;
    lo.scratches = 0;
    lo.free_temps = 0;
    lo.unused_temps = HART_TEMP_SLOTS;
    memset(lo.reader_until, 0, sizeof(lo.reader_until));
    ret_code->ops = ret_code->insns = ret_code->links = 0;
    ret_code->makes_dirty = false;
    analyse(&lo);
    for (unsigned i = 0; i < ir->count; i++) {
        lo.now = (uint16_t)i;
        lower_op(&lo, &ir->op[i]);
        each_operand(&lo, &ir->op[i], release_if_last);
        while (lo.scratches > 0)
            temp_give(&lo, lo.scratch[--lo.scratches]);
    }
}

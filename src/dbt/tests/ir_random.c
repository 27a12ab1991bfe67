/*
 * dbt/tests/ir_random.c - see ir_random.h.
 *
 * Values made so far stand in one pool per type; an operand is drawn from its type's pool, recent
 * ones more often, or made on the spot.
 */
#include "dbt/tests/ir_random.h"

#include "dbt/tests/ir_eval.h"

#include <assert.h>

#include "isa/riscv/csr.h"

enum { X_REGS = 12, F_REGS = 6, POOL = 64 };

struct generator {
    struct ir_random *random;
    struct ir_block *ir;
    ir_ref pool[IR_TYPES][POOL];
    unsigned count[IR_TYPES];
    int64_t offset; /* of the next instruction */
    bool just_called;
};

static uint64_t next(struct generator *g)
{
    uint64_t *seed = &g->random->seed;

    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned below(struct generator *g, unsigned end)
{
    return (unsigned)((next(g) >> 32) * end >> 32);
}

static ir_ref emit(struct generator *g, enum ir_opcode opcode, enum ir_type type, ir_ref a,
                   ir_ref b, ir_ref c, int64_t imm)
{
    ir_ref ref = ir_emit(g->ir, opcode, type, a, b, c, imm);

    if (ref != IR_NONE) {
        enum ir_type of = ir_value_type(&g->ir->op[ref]);

        g->pool[of][g->count[of]++ % POOL] = ref;
    }
    g->just_called = opcode == IR_CALL;
    return ref;
}

/* ---- operands ---- */

static int64_t interesting(struct generator *g)
{
    static const int64_t value[] = { 0,         0,         1,
                                     -1,        2,         31,
                                     32,        63,        64,
                                     INT32_MAX, INT32_MIN, UINT32_MAX,
                                     INT64_MAX, INT64_MIN, 0x7ff0000000000000,
                                     0x7f800000 };
    uint64_t bits = next(g);

    switch (below(g, 4)) {
    case 0:
        return value[below(g, ARRAY_LEN(value))];
    case 1:
        return (int64_t)bits >> 52; /* as an instruction's immediate */
    case 2:
        return (int32_t)bits;
    default:
        return (int64_t)bits;
    }
}

static unsigned x_reg(struct generator *g)
{
    return 1 + below(g, below(g, 8) == 0 ? 31 : X_REGS);
}

static ir_ref make_value(struct generator *g, enum ir_type type)
{
    if (type == IR_F64 || type == IR_F32)
        return emit(g, IR_GETF, type, IR_NONE, IR_NONE, IR_NONE, below(g, F_REGS));
    if (below(g, 3) == 0)
        return emit(g, IR_CONST, IR_I64, IR_NONE, IR_NONE, IR_NONE, interesting(g));
    return emit(g, IR_GETX, IR_I64, IR_NONE, IR_NONE, IR_NONE, x_reg(g));
}

static ir_ref from_pool(struct generator *g, enum ir_type type)
{
    unsigned count = g->count[type], stored = count < POOL ? count : POOL;
    unsigned back = below(g, below(g, 2) ? stored : stored < 6 ? stored : 6);

    return g->pool[type][(count - 1 - back) % POOL];
}

/* A 32-bit op takes an i64 as well, and nothing but arithmetic makes an i32. */
static ir_ref value(struct generator *g, enum ir_type type)
{
    if (type == IR_I32 && (g->count[IR_I32] == 0 || below(g, 2)))
        type = IR_I64;
    return g->count[type] == 0 || below(g, 4) == 0 ? make_value(g, type) : from_pool(g, type);
}

static ir_ref address(struct generator *g)
{
    unsigned reg = g->random->pointer_first + below(g, g->random->pointers);
    ir_ref base = emit(g, IR_GETX, IR_I64, IR_NONE, IR_NONE, IR_NONE, reg);

    switch (below(g, 8)) {
    case 0:
        return value(g, IR_I64);
    case 1:
    case 2: {
        ir_ref add = emit(g, IR_CONST, IR_I64, IR_NONE, IR_NONE, IR_NONE,
                          (int64_t)below(g, 1024) & ~INT64_C(7));

        return emit(g, IR_ADD, IR_I64, base, add, IR_NONE, 0);
    }
    default:
        return base;
    }
}

static ir_ref rounding(struct generator *g)
{
    static const uint8_t rm[] = { 0, 1, 2, 3, 4, 7 };

    return rm[below(g, ARRAY_LEN(rm))];
}

/* ---- ops ---- */

static void integer(struct generator *g)
{
    static const uint8_t wide_only[] = { IR_MULHSS, IR_MULHSU, IR_MULHUU, IR_BSWAP,
                                         IR_CLMUL,  IR_CLMULH, IR_CLMULR };
    enum ir_opcode opcode = (enum ir_opcode)(IR_ADD + below(g, IR_SETLTU - IR_ADD + 1));
    enum ir_type type = below(g, 2) ? IR_I64 : IR_I32;
    ir_ref a, b;

    for (unsigned i = 0; i < ARRAY_LEN(wide_only); i++)
        if (opcode == wide_only[i])
            type = IR_I64;
    if (opcode >= IR_SEXT8 && opcode <= IR_ZEXT32)
        a = value(g, below(g, 2) ? IR_I64 : IR_I32);
    else
        a = value(g, type);
    b = ir_info[opcode].b == '0' ? IR_NONE : value(g, type);
    emit(g, opcode, type, a, b, IR_NONE, 0);
}

static void floating(struct generator *g)
{
    enum ir_opcode opcode = (enum ir_opcode)(IR_FADD + below(g, IR_FFROMBITS - IR_FADD + 1));
    enum ir_type type = below(g, 2) ? IR_F64 : IR_F32;
    const struct ir_info *info = &ir_info[opcode];
    ir_ref a, b, c;
    int64_t imm = 0;

    if (opcode == IR_FCVT) {
        static const uint8_t to[] = { IR_F64, IR_F32, IR_F16 };

        type = (enum ir_type)to[below(g, 3)];
        do
            imm = to[below(g, 3)];
        while (imm == (int64_t)type);
        a = value(g, imm == IR_F16 ? IR_I64 : (enum ir_type)imm);
        emit(g, opcode, type, a, IR_NONE, rounding(g), imm);
        return;
    }
    a = value(g, info->a == 'I' ? IR_I64 : type);
    b = info->b == 'V' ? value(g, type) : IR_NONE;
    c = info->c == 'V' ? value(g, type) : info->c == 'R' ? rounding(g) : IR_NONE;
    if (info->c == 'V')
        imm = rounding(g);
    else if (opcode == IR_FTOI || opcode == IR_FFROMI)
        imm = below(g, 4);
    emit(g, opcode, type, a, b, c, imm);
}

static void plain_memory(struct generator *g)
{
    static const uint8_t of[] = { IR_I64, IR_I64, IR_I64, IR_F64, IR_F32 };
    enum ir_type type = (enum ir_type)of[below(g, ARRAY_LEN(of))];
    unsigned size = type == IR_F64 ? IR_MEM_64 : type == IR_F32 ? IR_MEM_32 : below(g, 4);
    int64_t imm = below(g, 2) ? 0 : (int64_t)below(g, 4096) - 2048;
    ir_ref a = address(g), b;

    if (below(g, 3)) /* mostly aligned */
        imm &= ~INT64_C(7);
    if (below(g, 2)) {
        b = value(g, type);
        emit(g, IR_STORE, type, a, b, (ir_ref)size, imm);
        return;
    }
    if (type == IR_I64 && size != IR_MEM_64 && below(g, 2))
        size |= IR_MEM_SIGN;
    emit(g, IR_LOAD, type, a, IR_NONE, (ir_ref)size, imm);
}

static void atomic(struct generator *g)
{
    ir_ref mem = (ir_ref)(IR_MEM_32 + below(g, 2));
    ir_ref a = address(g), b = value(g, IR_I64), c;

    switch (below(g, 4)) {
    case 0:
        emit(g, IR_LR, IR_I64, a, IR_NONE, mem, 0);
        if (below(g, 2))
            emit(g, IR_SC, IR_I64, a, b, mem, 0);
        return;
    case 1:
        emit(g, IR_SC, IR_I64, a, b, mem, 0);
        return;
    case 2:
        c = value(g, IR_I64);
        if (below(g, 2)) /* so that it succeeds at times */
            b = emit(g, IR_LOAD, IR_I64, a, IR_NONE,
                     mem == IR_MEM_32 ? (ir_ref)(mem | IR_MEM_SIGN) : mem, 0);
        emit(g, IR_CAS, IR_I64, a, b, c, mem);
        return;
    default:
        emit(g, IR_AMO, IR_I64, a, b, mem, below(g, IR_AMO_MAXU + 1));
        return;
    }
}

static ir_ref number(struct generator *g, int64_t imm)
{
    return emit(g, IR_CONST, IR_I64, IR_NONE, IR_NONE, IR_NONE, imm);
}

static void call(struct generator *g)
{
    ir_ref a, b;

    switch (below(g, 4)) {
    case 0:
        a = number(g, 0);
        b = value(g, IR_I64);
        emit(g, IR_CALL, IR_I64, a, b,
             number(g, CSR_MSCRATCH | (int64_t)below(g, 3) << 12 | (int64_t)below(g, 4) << 14),
             IR_HELPER_csr);
        return;
    case 1:
        emit(g, IR_CALL, IR_I64, value(g, IR_I64), IR_NONE, IR_NONE, IR_HELPER_check_target);
        return;
    case 2:
        b = address(g);
        a = number(g, 0);
        emit(g, IR_CALL, IR_I64, a, b, number(g, 4), IR_HELPER_cbo);
        return;
    default:
        a = address(g);
        b = number(g, 2 * below(g, 16));
        emit(g, IR_CALL, IR_I64, a, b, number(g, 2 * below(g, 16)), IR_HELPER_amocas_q);
        return;
    }
}

static void set(struct generator *g)
{
    enum ir_type type = below(g, 2) ? IR_F64 : IR_F32;
    ir_ref v;

    if (below(g, 3)) {
        v = value(g, IR_I64);
        emit(g, IR_SETX, IR_I64, v, IR_NONE, IR_NONE, x_reg(g));
    } else {
        v = value(g, type);
        emit(g, IR_SETF, type, v, IR_NONE, IR_NONE, below(g, F_REGS));
    }
}

static void instruction(struct generator *g)
{
    ir_ref length = (ir_ref)(2 + 2 * below(g, 2));

    emit(g, IR_INSN, IR_I64, length, IR_NONE, IR_NONE, g->offset);
    g->offset += length;
}

static int64_t target(struct generator *g)
{
    return ((int64_t)below(g, 1 << 16) - (1 << 15)) * 2;
}

static int64_t state(struct generator *g)
{
    return EVAL_STATE_FIRST + below(g, EVAL_STATES);
}

static void other(struct generator *g)
{
    static const uint8_t types[] = { IR_I64, IR_I32, IR_F64, IR_F32 };
    enum ir_type type = (enum ir_type)types[below(g, ARRAY_LEN(types))];
    ir_ref a, b, c;

    switch (below(g, 14)) {
    case 10:
    case 11:
        emit(g, IR_GETS, IR_I64, IR_NONE, IR_NONE, IR_NONE, state(g));
        return;
    case 12:
        emit(g, IR_SETS, IR_I64, value(g, IR_I64), IR_NONE, IR_NONE, state(g));
        return;
    case 13:
        emit(g, IR_CBZERO, IR_I64, address(g), IR_NONE, IR_NONE, 0);
        return;
    case 8:
        emit(g, IR_GETFFLAGS, IR_I64, IR_NONE, IR_NONE, IR_NONE, 0);
        return;
    case 9:
        emit(g, IR_SETFFLAGS, IR_I64, value(g, IR_I64), IR_NONE, IR_NONE, 0);
        return;
    case 0:
    case 1:
        a = value(g, IR_I64);
        b = value(g, IR_I64);
        emit(g, (enum ir_opcode)(IR_BREQ + below(g, 6)), IR_I64, a, b, IR_NONE, target(g));
        return;
    case 2:
        emit(g, IR_FENCE, IR_I64, IR_NONE, IR_NONE, IR_NONE, below(g, 256));
        return;
    case 3:
        emit(g, IR_FSDIRTY, IR_I64, IR_NONE, IR_NONE, IR_NONE, 0);
        return;
    case 4:
        emit(g, IR_PC, IR_I64, IR_NONE, IR_NONE, IR_NONE, target(g));
        return;
    default:
        a = value(g, IR_I64);
        b = value(g, type);
        c = value(g, type);
        emit(g, IR_SELECT, type, a, b, c, 0);
        return;
    }
}

static void end(struct generator *g)
{
    ir_ref a, b;

    switch (below(g, g->just_called ? 6 : 5)) {
    case 4:
        a = emit(g, IR_AND, IR_I64, value(g, IR_I64), number(g, EVAL_STATUS), IR_NONE, 0);
        emit(g, IR_SSTATUS, IR_I64, a, IR_NONE, IR_NONE, below(g, 3));
        emit(g, IR_LEAVE, IR_I64, IR_NONE, IR_NONE, IR_NONE, target(g));
        return;
    case 0:
        emit(g, IR_JUMP, IR_I64, IR_NONE, IR_NONE, IR_HINT_NONE, target(g));
        return;
    case 1:
        a = emit(g, IR_OR, IR_I64, value(g, IR_I64), number(g, IR_RANDOM_FAR), IR_NONE, 0);
        b = emit(g, IR_AND, IR_I64, a, number(g, ~INT64_C(1)), IR_NONE, 0);
        emit(g, IR_JUMPREG, IR_I64, b, IR_NONE, IR_HINT_NONE, 0);
        return;
    case 2:
        a = value(g, IR_I64);
        emit(g, IR_TRAP, IR_I64, a, IR_NONE, IR_NONE, below(g, 16));
        return;
    case 3:
        emit(g, IR_LEAVE, IR_I64, IR_NONE, IR_NONE, IR_NONE, target(g));
        return;
    default:
        emit(g, IR_LEAVEPC, IR_I64, IR_NONE, IR_NONE, IR_NONE, 0);
        return;
    }
}

static void one(struct generator *g)
{
    unsigned dice = below(g, 64);

    if (dice < 8 && ir_has_room(g->ir))
        instruction(g);
    else if (dice < 26)
        integer(g);
    else if (dice < 42)
        set(g);
    else if (dice < 50)
        plain_memory(g);
    else if (dice < 57)
        floating(g);
    else if (dice < 59)
        atomic(g);
    else if (dice < 60)
        call(g);
    else
        other(g);
}

void ir_random_block(struct ir_random *random, struct ir_block *ret_ir)
{
    struct generator g = { .random = random, .ir = ret_ir };
    unsigned ops;

    ir_init(ret_ir);
    ops = 2 + below(&g, random->max_ops);
    instruction(&g);
    while (ret_ir->count < ops && ret_ir->count + 48 < IR_MAX_OPS)
        one(&g);
    end(&g);
}

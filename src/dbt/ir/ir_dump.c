/*
 * dbt/ir/ir_dump.c - a block as text, one op a line, for --dump, golden tests and bug reports.
 *
 *     12 i64 add     %10, %11
 *     13     setx    x10, %12
 *     14 i64 load    [%2 + 8], s32
 *
 * Values are %index. Any block can be dumped, also one that ir_verify() refuses.
 */
#include "dbt/ir/ir.h"

#include <ctype.h>
#include <inttypes.h>

static const char *const type_name[IR_TYPES] = { "i64", "i32", "f64", "f32", "f16" };
static const char *const amo_name[] = { "swap", "add", "xor",  "and", "or",
                                        "min",  "max", "minu", "maxu" };
static const char *const int_name[] = { "i32", "u32", "i64", "u64" };
static const char *const csr_op_name[] = { "write", "set", "clear" };
/* clang-format off */
static const char *const state_name[] = {
#define X(name, field) #field,
#include "dbt/ir/ir_states.def"
#undef X
};
/* clang-format on */
static const char *const hint_name[] = { "", "call", "return", "call-return" };

static const char *name_in(const char *const *names, size_t count, uint64_t index)
{
    return index < count ? names[index] : "?";
}
enum { NAME_WIDTH = 9 };
#define NAME_IN(names, index) name_in(names, ARRAY_LEN(names), (uint64_t)(index))

/* ", " between the operands of a line. */
static void separate(struct strbuf *out, bool *first)
{
    if (!*first)
        strbuf_add(out, ", ");
    *first = false;
}

static void dump_memory_flags(struct strbuf *out, int64_t mem)
{
    strbuf_addf(out, "%s%d", mem & IR_MEM_SIGN ? "s" : "", 8 << (mem & IR_MEM_SIZE_MASK));
    if (mem & IR_MEM_ACQUIRE)
        strbuf_add(out, ".aq");
    if (mem & IR_MEM_RELEASE)
        strbuf_add(out, ".rl");
}

static void dump_rm(struct strbuf *out, int64_t rm)
{
    static const char *const name[] = { "rne", "rtz", "rdn", "rup", "rmm", "?", "?", "frm" };

    strbuf_add(out, NAME_IN(name, rm));
}

static void dump_address(struct strbuf *out, const struct ir_op *op, int64_t offset)
{
    strbuf_addf(out, "[%%%u", op->a);
    if (offset != 0)
        strbuf_addf(out, " %c %" PRIu64, offset < 0 ? '-' : '+',
                    offset < 0 ? -(uint64_t)offset : (uint64_t)offset);
    strbuf_addc(out, ']');
}

static void dump_ref(struct strbuf *out, bool *first, char kind, ir_ref ref)
{
    if (kind == '0' || (kind != 'R' && ref == IR_NONE))
        return;
    separate(out, first);
    if (kind == 'R')
        dump_rm(out, ref);
    else if (kind == 'M')
        dump_memory_flags(out, ref);
    else
        strbuf_addf(out, "%%%u", ref);
}

static void dump_memory(struct strbuf *out, const struct ir_op *op)
{
    bool has_offset = op->opcode == IR_LOAD || op->opcode == IR_STORE;
    bool first = false;

    if (op->opcode == IR_AMO)
        strbuf_addf(out, "%s ", NAME_IN(amo_name, op->imm));
    dump_address(out, op, has_offset ? op->imm : 0);
    dump_ref(out, &first, ir_info[op->opcode].b, op->b);
    dump_ref(out, &first, ir_info[op->opcode].c, op->c);
    if (op->opcode == IR_CAS)
        dump_ref(out, &first, 'M', (ir_ref)op->imm);
}

static void dump_hint(struct strbuf *out, const struct ir_op *op)
{
    if (op->c != IR_HINT_NONE)
        strbuf_addf(out, ", %s", NAME_IN(hint_name, op->c));
}

/* What imm means to the ops that are not memory accesses; first: nothing printed yet. */
static void dump_imm(struct strbuf *out, const struct ir_op *op, bool first)
{
    switch (op->opcode) {
    case IR_FTOI:
    case IR_FFROMI:
        strbuf_addf(out, ", %s", NAME_IN(int_name, op->imm));
        return;
    case IR_FCVT:
        strbuf_addf(out, ", %s", NAME_IN(type_name, op->imm));
        return;
    case IR_FMADD:
    case IR_FMSUB:
    case IR_FNMSUB:
    case IR_FNMADD:
        strbuf_add(out, ", ");
        dump_rm(out, op->imm);
        return;
    default:
        break;
    }
    if (ir_info[op->opcode].flags & IR_F_SIDE) {
        separate(out, &first);
        strbuf_addf(out, "%+" PRId64, op->imm);
    }
}

/* Ops whose line has a form of its own. False: not one of them. */
static bool dump_special(struct strbuf *out, const struct ir_op *op)
{
    switch (op->opcode) {
    case IR_CONST:
        strbuf_addf(out, "%" PRId64, op->imm);
        return true;
    case IR_PC:
    case IR_LEAVE:
        strbuf_addf(out, "%+" PRId64, op->imm);
        return true;
    case IR_JUMP:
        strbuf_addf(out, "%+" PRId64, op->imm);
        dump_hint(out, op);
        return true;
    case IR_JUMPREG:
        strbuf_addf(out, "%%%u", op->a);
        dump_hint(out, op);
        if (op->imm != 0)
            strbuf_addf(out, ", %+" PRId64, op->imm);
        return true;
    case IR_GETX:
    case IR_GETF:
        strbuf_addf(out, "%c%" PRId64, op->opcode == IR_GETX ? 'x' : 'f', op->imm);
        return true;
    case IR_SETX:
    case IR_SETF:
        strbuf_addf(out, "%c%" PRId64 ", %%%u", op->opcode == IR_SETX ? 'x' : 'f', op->imm, op->a);
        return true;
    case IR_GETS:
        strbuf_add(out, NAME_IN(state_name, op->imm));
        return true;
    case IR_SETS:
        strbuf_addf(out, "%s, %%%u", NAME_IN(state_name, op->imm), op->a);
        return true;
    case IR_SSTATUS:
        strbuf_addf(out, "%s, %%%u", NAME_IN(csr_op_name, op->imm), op->a);
        return true;
    case IR_INSN:
        strbuf_addf(out, "%+" PRId64 ", %u", op->imm, op->a);
        return true;
    case IR_FENCE:
        strbuf_addf(out, "%#" PRIx64, op->imm);
        return true;
    case IR_TRAP:
        strbuf_addf(out, "%" PRId64 ", %%%u", op->imm, op->a);
        return true;
    default:
        return false;
    }
}

static void dump_op(struct strbuf *out, const struct ir_op *op)
{
    const struct ir_info *info = &ir_info[op->opcode];
    bool first = true;

    if (op->opcode >= IR_LOAD && op->opcode <= IR_CAS) {
        dump_memory(out, op);
        return;
    }
    if (dump_special(out, op))
        return;
    if (op->opcode == IR_CALL) {
        strbuf_add(out, op->imm >= 0 && op->imm < IR_HELPERS ? ir_helper_info[op->imm].name : "?");
        first = false;
    }
    dump_ref(out, &first, info->a, op->a);
    dump_ref(out, &first, info->b, op->b);
    dump_ref(out, &first, info->c, op->c);
    dump_imm(out, op, first);
}

/* Does the op's type say something? Not where it is I64 for want of any. */
static bool has_type(const struct ir_info *info)
{
    return info->result != '0' || info->a == 'V' || info->b == 'V';
}

static bool has_operands(unsigned opcode)
{
    return opcode != IR_FSDIRTY && opcode != IR_LEAVEPC && opcode != IR_GETFFLAGS;
}

void ir_dump(const struct ir_block *ir, struct strbuf *out)
{
    for (unsigned i = 0; i < ir->count; i++) {
        const struct ir_op *op = &ir->op[i];
        char name[16];
        size_t n = 0;

        if (op->opcode >= IR_OPCODES) {
            strbuf_addf(out, "%4u ??? opcode %u\n", i, op->opcode);
            continue;
        }
        for (const char *p = ir_info[op->opcode].name; *p && n + 1 < sizeof(name); p++)
            name[n++] = (char)tolower((unsigned char)*p);
        name[n] = 0;
        strbuf_addf(out, "%4u %-3s %s", i,
                    has_type(&ir_info[op->opcode]) ? NAME_IN(type_name, op->type) : "", name);
        if (has_operands(op->opcode))
            strbuf_addf(out, "%*s", n < NAME_WIDTH ? (int)(NAME_WIDTH - n) : 1, "");
        dump_op(out, op);
        strbuf_addc(out, '\n');
    }
}

/*
 * dbt/interp/t0_dump.c - T0's code as text, one op a line, for tests and bug reports.
 *
 *      3 ADD       x10, x11, 16
 *      4 LOAD64    t0, [x10 +8]
 *      5 JUMP      +24, link 1
 *
 * Slots print as the registers they are; t0 on are temporaries, `zero` is x0. How an op's fields
 * are to be read is a string, a letter for each thing printed (print_one).
 */
#include <inttypes.h>

#include "base/strbuf.h"
#include "dbt/interp/t0.h"

#define FORM_MOV "da"
#define FORM_MOVI "di"
#define FORM_PC "d+"
#define FORM_SELECT "dabs"
#define FORM_UNBOX "da"
#define FORM_BOX "da"
#define FORM_AMO "dabi"
#define FORM_LR "dai"
#define FORM_SC "dabi"
#define FORM_CAS "dabSr"
#define FORM_CBZERO "a"
#define FORM_SSTATUS "oa"
#define FORM_FENCE ""
#define FORM_FSDIRTY ""
#define FORM_GETFFLAGS "d"
#define FORM_SETFFLAGS "a"
#define FORM_F32_SQRT "dai"
#define FORM_F64_SQRT "dai"
#define FORM_F32_CLASS "da"
#define FORM_F64_CLASS "da"
#define FORM_F32_TO_F64 "dai"
#define FORM_F64_TO_F32 "dai"
#define FORM_F16_TO_F32 "dai"
#define FORM_F16_TO_F64 "dai"
#define FORM_F32_TO_F16 "dai"
#define FORM_F64_TO_F16 "dai"
#define FORM_CALL "dhabC"
#define FORM_JUMP "+l"
#define FORM_JUMPREG "a"
#define FORM_TRAP "ia"
#define FORM_LEAVE "+"
#define FORM_LEAVEPC ""
#define FORM_STOP ""

struct t0_info {
    const char *name, *form;
};

/* clang-format off */
static const struct t0_info info[T0_OPCODES] = {
#define BIN(name, e64, e32)                                                                        \
    [T0_##name##_RR] = { #name, "dab" }, [T0_##name##_RI] = { #name, "dai" },                      \
    [T0_##name##_WRR] = { #name ".w", "dab" }, [T0_##name##_WRI] = { #name ".w", "dai" },
#define UN(name, e64, e32)                                                                         \
    [T0_##name##_R] = { #name, "da" }, [T0_##name##_WR] = { #name ".w", "da" },
#define BRANCH(name, cond)                                                                         \
    [T0_##name##_RR] = { #name, "abtl" }, [T0_##name##_RI] = { #name, "actl" },
#define LOAD(name, mtype, vtype) [T0_##name] = { #name, "dm" },
#define STORE(name, mtype) [T0_##name] = { #name, "mb" },
#define FP2(name, fn)                                                                              \
    [T0_F32_##name] = { "F32_" #name, "dabi" }, [T0_F64_##name] = { "F64_" #name, "dabi" },
#define FPCMP(name, fn)                                                                            \
    [T0_F32_##name] = { "F32_" #name, "dab" }, [T0_F64_##name] = { "F64_" #name, "dab" },
#define FP3(name, np, na)                                                                          \
    [T0_F32_##name] = { "F32_" #name, "dabSr" }, [T0_F64_##name] = { "F64_" #name, "dabSr" },
#define FPSGN(name, sign)                                                                          \
    [T0_F32_##name] = { "F32_" #name, "dab" }, [T0_F64_##name] = { "F64_" #name, "dab" },
#define FPINT(name, fn)                                                                            \
    [T0_F32_TO_##name] = { "F32_TO_" #name, "dai" },                                               \
    [T0_F64_TO_##name] = { "F64_TO_" #name, "dai" },                                               \
    [T0_F32_FROM_##name] = { "F32_FROM_" #name, "dai" },                                           \
    [T0_F64_FROM_##name] = { "F64_FROM_" #name, "dai" },
#define OP(name) [T0_##name] = { #name, FORM_##name },
#include "dbt/interp/t0_ops.def"
#undef BIN
#undef UN
#undef BRANCH
#undef LOAD
#undef STORE
#undef FP2
#undef FPCMP
#undef FP3
#undef FPSGN
#undef FPINT
#undef OP
};
/* clang-format on */

static const char *state_name(unsigned slot)
{
    switch (slot) {
#define X(name, field)                                                                             \
    case offsetof(struct hart, s.field) / 8:                                                       \
        return #field;
#include "dbt/ir/ir_states.def"
#undef X
    default:
        return "?";
    }
}

static void slot(struct strbuf *out, unsigned number)
{
    if (number == T0_SLOT_ZERO)
        strbuf_add(out, "zero");
    else if (number < T0_SLOT_F)
        strbuf_addf(out, "x%u", number - T0_SLOT_X);
    else if (number < T0_SLOT_F + 32)
        strbuf_addf(out, "f%u", number - T0_SLOT_F);
    else if (number < T0_SLOT_TEMP)
        strbuf_add(out, state_name(number));
    else
        strbuf_addf(out, "t%u", number - T0_SLOT_TEMP);
}

static void print_one(struct strbuf *out, const struct t0_op *op, char what)
{
    switch (what) {
    case 'd':
        slot(out, op->dst);
        return;
    case 'a':
        slot(out, op->a);
        return;
    case 'b':
        slot(out, op->b);
        return;
    case 's': /* a third slot */
        slot(out, (unsigned)op->imm);
        return;
    case 'S': /* likewise, with a number below it */
        slot(out, (unsigned)(op->imm >> 8));
        return;
    case 'C': /* a call's */
        slot(out, (unsigned)(op->imm >> 8) & 0xffff);
        return;
    case 'r': /* that number */
        strbuf_addf(out, "%d", (int)(op->imm & 0xff));
        return;
    case 'i':
        strbuf_addf(out, "%" PRId64, op->imm);
        return;
    case '+': /* an offset */
        strbuf_addf(out, "%+" PRId64, op->imm);
        return;
    case 'c': /* a branch's constant */
        strbuf_addf(out, "%" PRId64, op->imm >> 32);
        return;
    case 't': /* and its offset */
        strbuf_addf(out, "%+d", (int32_t)op->imm);
        return;
    case 'm':
        strbuf_addc(out, '[');
        slot(out, op->a);
        strbuf_addf(out, " %+" PRId64 "]", op->imm);
        return;
    case 'o':
        strbuf_add(out, op->imm == CSR_OP_WRITE ? "write"
                        : op->imm == CSR_OP_SET ? "set"
                                                : "clear");
        return;
    case 'h':
        strbuf_add(out, ir_helper_info[op->imm & 0xff].name);
        return;
    default: /* 'l' */
        if (op->dst < T0_MAX_LINKS)
            strbuf_addf(out, "link %u", op->dst);
        else
            strbuf_add(out, "no link");
        return;
    }
}

void t0_dump(const struct t0_op *op, unsigned count, struct strbuf *out)
{
    for (unsigned i = 0; i < count; i++) {
        const struct t0_info *what = &info[op[i].opcode];
        const char *before = " ";

        strbuf_addf(out, *what->form == '\0' ? "%4u %s" : "%4u %-9s", i, what->name);
        for (const char *form = what->form; *form != '\0'; form++) {
            strbuf_add(out, before);
            print_one(out, &op[i], *form);
            before = ", ";
        }
        strbuf_addc(out, '\n');
    }
}

/*
 * dbt/lockstep/report.c - do the hart and its twin agree, and if not: what, where, and which
 * instruction made it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/endian.h"
#include "base/strbuf.h"
#include "dbt/lockstep/internal.h"
#include "isa/riscv/insn.h"

/* ---- what is compared ---- */

struct field {
    const char *name;
    size_t offset, size;
};

#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct riscv_state, name), sizeof(((struct riscv_state *)0)->name)         \
    }
static const struct field field_table[] = {
    FIELD(pc),      FIELD(priv),     FIELD(frm),           FIELD(fflags),  FIELD(mstatus),
    FIELD(mtvec),   FIELD(medeleg),  FIELD(mideleg),       FIELD(mie),     FIELD(mcounteren),
    FIELD(menvcfg), FIELD(mip),      FIELD(mscratch),      FIELD(mepc),    FIELD(mcause),
    FIELD(mtval),   FIELD(stvec),    FIELD(scounteren),    FIELD(senvcfg), FIELD(sscratch),
    FIELD(sepc),    FIELD(scause),   FIELD(stval),         FIELD(satp),    FIELD(stimecmp),
    FIELD(mcycle),  FIELD(minstret), FIELD(mcountinhibit),
};

static const char *const x_names[32] = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

struct difference {
    char what[48];
    uint64_t mine, twins; /* compiled code's, T0's */
    int x, f;             /* the register, or -1 */
};

static bool differs(struct difference *d, const char *what, uint64_t mine, uint64_t twins)
{
    if (mine == twins)
        return false;
    snprintf(d->what, sizeof(d->what), "%s", what);
    d->mine = mine;
    d->twins = twins;
    return true;
}

static uint64_t field_of(const struct riscv_state *s, const struct field *field)
{
    uint64_t value = 0;

    memcpy(&value, (const char *)s + field->offset, field->size);
    return value;
}

static bool state_differs(const struct riscv_state *mine, const struct riscv_state *twins,
                          struct difference *d)
{
    char name[8];

    for (int i = 0; i < 32; i++) {
        if (differs(d, x_names[i], mine->x[i], twins->x[i])) {
            d->x = i;
            return true;
        }
    }
    for (int i = 0; i < 32; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        if (differs(d, name, mine->f[i], twins->f[i])) {
            d->f = i;
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(field_table); i++)
        if (differs(d, field_table[i].name, field_of(mine, &field_table[i]),
                    field_of(twins, &field_table[i])))
            return true;
    return differs(d, "another CSR", 1, 0);
}

/* Padding too: the twin's state was a copy. */
static bool same_state(const struct riscv_state *mine, const struct riscv_state *twins)
{
    const void *a = mine, *b = twins;

    return memcmp(a, b, sizeof(*mine)) == 0;
}

static bool find_difference(const struct lockstep_hart *ls, bool at_call, struct difference *d)
{
    const struct hart *mine = ls->dh->hart, *twins = ls->twin->hart;
    const uint8_t *at;
    uint64_t a, b;

    d->x = d->f = -1;
    if (!same_state(&mine->s, &twins->s))
        return state_differs(&mine->s, &twins->s, d);
    if (differs(d, "number of instructions", lockstep_count(ls->dh), lockstep_count(ls->twin)) ||
        differs(d, "exception taken", ls->raised, ls->twin_raised) ||
        differs(d, "a call of a helper", at_call, ls->twin_called) ||
        differs(d, "accesses to devices", ls->answers, ls->answered) ||
        differs(d, "order or values of accesses to devices", false, ls->twin_strayed) ||
        differs(d, "value reserved by lr", mine->reserved_value, twins->reserved_value))
        return true;
    at = lockstep_memory_differs(ls, &a, &b);
    if (at == NULL)
        return false;
    snprintf(d->what, sizeof(d->what), "memory at page offset %#x",
             (unsigned)((uintptr_t)at & PAGE_OFFSET_MASK));
    d->mine = a;
    d->twins = b;
    return true;
}

bool lockstep_agree(struct lockstep_hart *ls, bool at_call)
{
    struct difference d;

    return !find_difference(ls, at_call, &d);
}

/* ---- the report ---- */

/* The instruction at `offset` in tb, from the guest's memory; false: it is not there any more. */
static bool insn_of(const struct lockstep_hart *ls, const struct tb *tb, unsigned index,
                    struct insn *ret_insn)
{
    uint16_t half[2] = { 0, 0 };
    gpa_t gpa = tb->gpa + tb->insn[index].offset;
    struct mem_space *space = ls->dh->hart->space;

    if (mem_read(space, gpa, &half[0], 2) != MEM_OK)
        return false;
    if (insn_length(le16_to_host(half[0])) == 4 &&
        mem_read(space, tb->gpa2 == UINT64_MAX ? gpa + 2 : tb->gpa2, &half[1], 2) != MEM_OK)
        return false;
    return insn_decode((uint32_t)le16_to_host(half[1]) << 16 | le16_to_host(half[0]),
                       ls->dh->hart->isa, ret_insn) != INSN_ILLEGAL;
}

static bool writes(const struct insn *insn, const struct difference *d)
{
    unsigned effects = insn_info[insn->id].rv_effects;

    if (d->f >= 0)
        return (effects & INSN_FP) && insn->rd == d->f;
    return d->x > 0 && insn->rd == d->x && !(effects & INSN_BRANCH);
}

/* Blocks remembered, oldest first. */
static unsigned first_traced(const struct lockstep_hart *ls)
{
    return ls->traced > TRACE ? ls->traced - TRACE : 0;
}

/* The last instruction the twin did that writes what differs; else the last block's first. */
static void suspect(const struct lockstep_hart *ls, const struct difference *d, gva_t *ret_pc,
                    const struct tb **ret_tb, char *text, size_t size)
{
    struct insn insn;

    snprintf(text, size, "?");
    *ret_pc = ls->begin_pc;
    *ret_tb = NULL;
    for (unsigned n = ls->traced; n-- > first_traced(ls);) {
        const struct tb *tb = ls->trace[n % TRACE].tb;

        for (unsigned i = tb->insns; i-- > 0;) {
            bool found = insn_of(ls, tb, i, &insn) && writes(&insn, d);

            if (!found && !(n + 1 == ls->traced && i + 1 == tb->insns))
                continue;
            *ret_pc = ls->trace[n % TRACE].pc + tb->insn[i].offset;
            *ret_tb = tb;
            insn_disasm(&insn, *ret_pc, text, size);
            if (found)
                return;
        }
    }
}

static void add_trace(const struct lockstep_hart *ls, struct strbuf *out)
{
    char text[80];
    struct insn insn;

    for (unsigned n = first_traced(ls); n < ls->traced; n++) {
        const struct tb *tb = ls->trace[n % TRACE].tb;
        gva_t pc = ls->trace[n % TRACE].pc;

        strbuf_addf(out, "block %#" PRIx64 " (physical %#" PRIx64 "), host code at %p\n", pc,
                    tb->gpa, atomic_load(&tb->code));
        for (unsigned i = 0; i < tb->insns; i++) {
            if (!insn_of(ls, tb, i, &insn))
                continue;
            insn_disasm(&insn, pc + tb->insn[i].offset, text, sizeof(text));
            strbuf_addf(out, "  %#" PRIx64 "  %s\n", pc + tb->insn[i].offset, text);
        }
    }
}

static void add_registers(const struct lockstep_hart *ls, struct strbuf *out)
{
    const struct riscv_state *mine = &ls->dh->hart->s, *twins = &ls->twin->hart->s;

    for (unsigned i = 1; i < 32; i++)
        strbuf_addf(out, "%-4s %#18" PRIx64 " %#18" PRIx64 "%s\n", x_names[i], mine->x[i],
                    twins->x[i], mine->x[i] == twins->x[i] ? "" : "  <--");
    for (unsigned i = 0; i < 32; i++)
        if (mine->f[i] != twins->f[i])
            strbuf_addf(out, "f%-3u %#18" PRIx64 " %#18" PRIx64 "  <--\n", i, mine->f[i],
                        twins->f[i]);
    for (size_t i = 0; i < ARRAY_LEN(field_table); i++) {
        uint64_t a = field_of(mine, &field_table[i]), b = field_of(twins, &field_table[i]);

        if (a != b || i == 0)
            strbuf_addf(out, "%-4s %#18" PRIx64 " %#18" PRIx64 "%s\n", field_table[i].name, a, b,
                        a == b ? "" : "  <--");
    }
}

void lockstep_report(struct lockstep_hart *ls, bool at_call)
{
    struct strbuf report;
    struct difference d;
    struct error sentence;
    char text[80];
    const struct tb *tb;
    gva_t pc;

    if (ls->all->failed == NULL || !find_difference(ls, at_call, &d))
        return;
    suspect(ls, &d, &pc, &tb, text, sizeof(text));
    (void)error_set(&sentence, EIO,
                    "lock-step: hart %u: %s is %#" PRIx64 " in compiled code, %#" PRIx64
                    " in T0; see %#" PRIx64 " '%s' in the block at physical %#" PRIx64
                    ", host code at %p",
                    ls->dh->index, d.what, d.mine, d.twins, pc, text, tb == NULL ? 0 : tb->gpa,
                    tb == NULL ? NULL : atomic_load(&tb->code));
    strbuf_init(&report);
    strbuf_addf(&report,
                "A %s run of %" PRIu64 " instructions from %#" PRIx64
                "; T0 went this way (the last %u blocks):\n",
                ls->is_short ? "short" : "long", lockstep_count(ls->dh) - ls->begin_count,
                ls->begin_pc, ls->traced - first_traced(ls));
    add_trace(ls, &report);
    strbuf_addf(&report, "%-4s %18s %18s\n", "", "compiled", "T0");
    add_registers(ls, &report);
    ls->all->failed(ls->all->opaque, sentence.text, strbuf_str(&report));
    strbuf_fini(&report);
}

void lockstep_stats(struct lockstep *all, struct strbuf *out)
{
    strbuf_addf(out,
                "lockstep.runs %" PRIu64 "\nlockstep.instructions %" PRIu64
                "\nlockstep.unchecked %" PRIu64 "\nlockstep.disturbed %" PRIu64 "\n",
                all->runs, all->instructions, all->unchecked, all->disturbed);
}

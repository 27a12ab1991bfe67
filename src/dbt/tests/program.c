/* dbt/tests/program.c - see program.h. */
#include "dbt/tests/program.h"

#include <inttypes.h>
#include <stdio.h>

/* Registers: pointers for addresses; from RESERVED on, those no instruction drawn may use, for the
 * sequences below; without these, from T3 on, those it may not write: the trap handler's. */
enum { REACH = 12, SP = 2, POINTER = 8, POINTERS = 4, RESERVED = 20 };
enum { EDITED = 20, SHARED = 22, TABLE, ALIAS, WORDS, INNER, OUTER, T3, T4 };

#define BASE(hart) (RAM_BASE + (gpa_t)(hart)*PROGRAM_PAGES * PAGE_SIZE_BYTES)
#define VIRTUAL UINT64_C(0x40000000)
#define VPAGE(n) (VIRTUAL + (gva_t)(n)*PAGE_SIZE_BYTES)
/* What a stray pointer must not meet: several bits away from where pointers lead. */
enum { FAR = 0x155 };
#define FAR_PAGE(n) (VIRTUAL + ((gva_t)FAR << 21) + (gva_t)(n)*PAGE_SIZE_BYTES)
/* Pages of a hart, virtual and physical: page n is at VPAGE(n) or FAR_PAGE(n), and BASE + n. */
enum {
    P_HANDLER = 1,
    P_CODE = 2, /* and the next */
    P_DATA = 8,
    DATA_PAGES = 6,
    P_EDITED = P_DATA + 5,
    P_WORDS = 16,
    P_TABLES = 20, /* four */
    P_LEAVES = P_TABLES + 2,
    P_FAR_LEAVES,
    P_ALIAS = 32,  /* virtual only: the code's pages, writable */
    P_SHARED = 40, /* hart 0's, for all */
};
enum { PATCHES = 64, PTES = 8 };
enum { CODE_FLAGS = PTE_V | PTE_R | PTE_X | PTE_A, RW = PTE_V | PTE_R | PTE_W };

static unsigned below(uint64_t *seed, unsigned end)
{
    return (unsigned)((fixture_random(seed) >> 32) * end >> 32);
}

static gpa_t page_at(unsigned hart, unsigned n)
{
    return BASE(hart) + (gpa_t)n * PAGE_SIZE_BYTES;
}

/* ---- single instructions ---- */

static void safe_csr(uint64_t *seed, struct insn *in)
{
    static const uint16_t csr[] = { CSR_FFLAGS,  CSR_FRM,     CSR_FCSR,   CSR_SSCRATCH,
                                    CSR_CYCLE,   CSR_INSTRET, CSR_SCAUSE, CSR_STVAL,
                                    CSR_SSTATUS, CSR_SSTATUS, CSR_SEPC,   CSR_SIE };

    in->csr = csr[below(seed, ARRAY_LEN(csr))];
    /* Without floating point much of the rest does nothing: sstatus mostly by its low bits. */
    if (in->csr == CSR_SSTATUS && in->id <= INSN_CSRRC && in->rs1 != 0 && below(seed, 8) != 0)
        in->csr = CSR_STVAL;
}

/* Not rows that would leave the program for good, or lead back; nor, in a loop, wrs, which yields
 * the host's processor and does nothing else. */
static bool is_wanted(unsigned row, bool once)
{
    return row != INSN_ILLEGAL && row != INSN_ECALL && row != INSN_SRET && row != INSN_C_JR &&
           row != INSN_C_JALR && (once || (row != INSN_WRS_NTO && row != INSN_WRS_STO));
}

static bool is_csr(unsigned id)
{
    return id >= INSN_CSRRW && id <= INSN_CSRRCI;
}

/* Bits as they come, then operands that make it likely to do something: pointers for addresses,
 * nothing reserved. What cannot be encoded so stays as it came, or is drawn again.
 * once: for a program without turns. */
static bool draw(const struct isa_config *isa, uint64_t *seed, bool once, struct insn *ret)
{
    const unsigned reserved = once ? T3 : RESERVED;
    unsigned row = 1 + below(seed, INSN_ROW_COUNT - 1);
    uint32_t raw = ((uint32_t)fixture_random(seed) & ~insn_info[row].mask) | insn_info[row].match;
    unsigned effects;
    struct insn in;

    if (!is_wanted(row, once) || (insn_decode(raw, isa, &in), in.row) != row)
        return false;
    effects = insn_info[in.id].rv_effects;
    if (!once && (in.rs1 >= RESERVED || (!(effects & INSN_FP) && in.rs2 >= RESERVED)))
        return false; /* nor copies of what is reserved */
    *ret = in;
    if ((effects & (INSN_LOAD | INSN_STORE)) && below(seed, 8) != 0) {
        in.rs1 = (uint8_t)(POINTER + below(seed, POINTERS));
        if (insn_encode(&in) != 0)
            *ret = in;
    }
    in = *ret;
    if (is_csr(in.id)) {
        safe_csr(seed, &in);
        *ret = in;
    }
    if (in.id == INSN_JALR) { /* a register might lead back: to an address that is not there */
        ret->rs1 = 0;
        return below(seed, 4) == 0;
    }
    in.rd = (uint8_t)below(seed, below(seed, 2) ? 8 : reserved);
    if ((effects & (INSN_FP | INSN_BRANCH)) == 0 && insn_encode(&in) != 0)
        *ret = in;
    return ret->rd < reserved || insn_info[ret->row].operands[0] == 'f'; /* an f register */
}

static bool has_target(const struct insn *in)
{
    return (insn_info[in->id].rv_effects & INSN_BRANCH) || in->id == INSN_JAL;
}

static unsigned length_of(const struct insn *in)
{
    return insn_info[in->row].length;
}

/* ---- sequences ---- */

static void put(struct program *p, struct insn in, bool inside)
{
    p->insn[p->count] = in;
    p->inside[p->count++] = inside;
}

static struct insn of(unsigned row, unsigned rd, unsigned rs1, unsigned rs2, int64_t imm)
{
    return (struct insn){ .row = (uint16_t)row,
                          .id = (uint16_t)row,
                          .rd = (uint8_t)rd,
                          .rs1 = (uint8_t)rs1,
                          .rs2 = (uint8_t)rs2,
                          .imm = imm };
}

static unsigned size_so_far(const struct program *p, unsigned from)
{
    unsigned size = 0;

    for (unsigned i = from; i < p->count; i++)
        size += length_of(&p->insn[i]);
    return size;
}

/* An instruction that is changed in each turn, before or behind what changes it. */
static void put_patch(struct program *p, uint64_t *seed)
{
    static const struct insn nop = { .row = INSN_ADDI, .id = INSN_ADDI };
    unsigned word = below(seed, PATCHES);
    bool before = below(seed, 2) != 0;
    int64_t site = size_so_far(p, 0) + (before ? 0 : 12);

    if (before)
        put(p, nop, false);
    put(p, of(INSN_LWU, T3, WORDS, 0, 8 * word), false);
    put(p, of(INSN_SW, 0, ALIAS, T3, site), true);
    put(p, of(INSN_FENCE_I, 0, 0, 0, 0), true);
    if (!before)
        put(p, nop, true);
}

static void put_edit(struct program *p, uint64_t *seed)
{
    put(p, of(INSN_LD, T3, WORDS, 0, 8 * (PATCHES + below(seed, PTES))), false);
    put(p, of(INSN_SD, 0, TABLE, T3, 8 * P_EDITED), true);
    put(p, of(INSN_SFENCE_VMA, 0, below(seed, 2) ? EDITED : 0, 0, 0), true);
}

static void put_addition(struct program *p, uint64_t *seed)
{
    put(p, of(INSN_AMOADD_D, 0, SHARED, below(seed, RESERVED), 0), false);
}

/* The end of a loop that began at instruction `from`. */
static void put_loop_end(struct program *p, unsigned counter, unsigned from)
{
    put(p, of(INSN_ADDI, counter, counter, 0, -1), false);
    put(p, of(INSN_BLT, 0, 0, counter, -(int64_t)size_so_far(p, from)), true);
}

static void put_special(struct program *p, uint64_t *seed)
{
    switch (below(seed, 3)) {
    case 0:
        put_patch(p, seed);
        break;
    case 1:
        put_edit(p, seed);
        break;
    default:
        put_addition(p, seed);
        break;
    }
}

/* ---- a program ---- */

static void put_body(struct program *p, const struct isa_config *isa, uint64_t *seed)
{
    unsigned loop_from = 0, loop_left = 0;
    struct insn in;

    for (unsigned i = 0; i < PROGRAM_LENGTH; i++) {
        if (p->turns != 0 && below(seed, 16) == 0)
            put_special(p, seed);
        if (p->turns != 0 && loop_left == 0 && below(seed, 16) == 0) {
            put(p, of(INSN_ADDI, INNER, 0, 0, 1 + below(seed, 9)), false);
            loop_from = p->count;
            loop_left = 3 + below(seed, 8);
        }
        while (!draw(isa, seed, p->turns == 0, &in))
            ;
        put(p, in, false);
        if (loop_left != 0 && (--loop_left == 0 || i + 1 == PROGRAM_LENGTH))
            put_loop_end(p, INNER, loop_from);
    }
    if (p->turns != 0)
        put_loop_end(p, OUTER, 0);
    put(p, of(INSN_ECALL, 0, 0, 0, 0), false);
}

static void blank(struct program *p, unsigned i)
{
    static const struct insn nop = { .row = INSN_ADDI, .id = INSN_ADDI };
    static const struct insn c_nop = { .row = INSN_C_ADDI, .id = INSN_ADDI };

    p->insn[i] = length_of(&p->insn[i]) == 4 ? nop : c_nop;
}

/* All of a sequence: a loop without its count would not end, a store to code without its fence.i
 * would be anybody's guess. */
void program_blank(struct program *p, unsigned i)
{
    while (p->inside[i])
        i--;
    do
        blank(p, i++);
    while (p->inside[i]);
}

bool program_is_blank(const struct program *p, unsigned i)
{
    const struct insn *in = &p->insn[i];

    return in->id == INSN_ADDI && in->rd == 0 && in->rs1 == 0 && in->imm == 0;
}

/* To one of the next instructions. Returns false where it does not reach. */
static bool aim(struct program *p, unsigned index, uint64_t *seed)
{
    unsigned last = index + 1 + below(seed, REACH), i = index;
    struct insn *in = &p->insn[index];

    in->imm = 0;
    do
        in->imm += length_of(&p->insn[i++]);
    while (i < p->count - 1 && (i < last || p->inside[i]));
    return insn_encode(in) != 0;
}

void program_encode(struct program *p)
{
    p->size = 0;
    for (unsigned i = 0; i < p->count; i++) {
        uint32_t raw = insn_encode(&p->insn[i]);

        if (raw == 0) /* what came by bits and has an operand no encoding gives back: none */
            fail_msg("%s cannot be encoded", insn_info[p->insn[i].row].name);
        memcpy(p->bytes + p->size, &raw, length_of(&p->insn[i]));
        p->size += length_of(&p->insn[i]);
    }
}

static void make_words(struct program *p, const struct isa_config *isa, uint64_t *seed)
{
    const gpa_t own = page_at(p->hart, P_EDITED) >> 12 << 10;
    const gpa_t other = page_at(p->hart, P_DATA + 2) >> 12 << 10;
    const uint64_t pte[PTES] = { own | RW | PTE_A | PTE_D,
                                 own | RW,
                                 own | PTE_V | PTE_R | PTE_A,
                                 own,
                                 other | RW | PTE_A | PTE_D,
                                 other | PTE_V | PTE_R,
                                 own | RW | PTE_A,
                                 0 };
    struct insn in;

    for (unsigned i = 0; i < PATCHES; i++) {
        while (!draw(isa, seed, false, &in) || length_of(&in) != 4 || has_target(&in) ||
               in.id == INSN_JALR)
            ;
        p->word[i] = insn_encode(&in);
    }
    memcpy(&p->word[PATCHES], pte, sizeof(pte));
}

void program_make(struct program *p, const struct isa_config *isa, uint64_t seed, unsigned hart,
                  unsigned turns)
{
    memset(p, 0, sizeof(*p));
    p->seed = seed;
    p->hart = hart;
    p->turns = turns;
    put_body(p, isa, &seed);
    for (unsigned i = 0; i < p->count; i++)
        if (has_target(&p->insn[i]) && !p->inside[i] && !aim(p, i, &seed))
            blank(p, i);
    make_words(p, isa, &seed);
    program_encode(p);
    /* near a page's end as often as not, so that an instruction lies across */
    p->at = VPAGE(P_CODE) +
            (below(&seed, 2) ? 0 : PAGE_SIZE_BYTES - 2 * below(&seed, PROGRAM_LENGTH * 2));
}

void program_line(const struct program *p, unsigned i, char *text, size_t size)
{
    gva_t pc = p->at;
    char insn[80];

    for (unsigned k = 0; k < i; k++)
        pc += length_of(&p->insn[k]);
    insn_disasm(&p->insn[i], pc, insn, sizeof(insn));
    snprintf(text, size, "%#" PRIx64 "  %s", pc, insn);
}

/* ---- the machine around ---- */

static void map_to(struct fixture *f, unsigned hart, unsigned table, unsigned n, gpa_t gpa,
                   uint64_t flags)
{
    uint64_t *leaf = fixture_ram(f, page_at(hart, table));

    leaf[n] = gpa >> 12 << 10 | flags;
}

static void map(struct fixture *f, unsigned hart, unsigned n, uint64_t flags)
{
    map_to(f, hart, P_LEAVES, n, page_at(hart, n), flags);
}

static void map_far(struct fixture *f, unsigned hart, unsigned n, gpa_t gpa, uint64_t flags)
{
    map_to(f, hart, P_FAR_LEAVES, n, gpa, flags);
}

static void map_all(struct fixture *f, unsigned hart)
{
    uint64_t *root = fixture_ram(f, page_at(hart, P_TABLES)), *mid = root + 512;

    root[VIRTUAL >> 30] = page_at(hart, P_TABLES + 1) >> 12 << 10 | PTE_V;
    mid[0] = page_at(hart, P_LEAVES) >> 12 << 10 | PTE_V;
    mid[FAR] = page_at(hart, P_FAR_LEAVES) >> 12 << 10 | PTE_V;
    map(f, hart, P_HANDLER, CODE_FLAGS);
    map(f, hart, P_CODE, CODE_FLAGS);
    map(f, hart, P_CODE + 1, CODE_FLAGS);
    for (unsigned i = 0; i < DATA_PAGES; i++)
        map(f, hart, P_DATA + i, RW | PTE_A | PTE_D);
    map(f, hart, P_DATA + 2, RW);                    /* the walk sets A and D */
    map(f, hart, P_DATA + 3, PTE_V | PTE_R | PTE_A); /* no stores */
    map(f, hart, P_DATA + 4, 0);                     /* nothing */
    map_far(f, hart, P_ALIAS, page_at(hart, P_CODE), RW | PTE_A | PTE_D);
    map_far(f, hart, P_ALIAS + 1, page_at(hart, P_CODE + 1), RW | PTE_A | PTE_D);
    map_far(f, hart, P_WORDS, page_at(hart, P_WORDS), PTE_V | PTE_R | PTE_A);
    map_far(f, hart, P_LEAVES, page_at(hart, P_LEAVES), RW | PTE_A | PTE_D);
    map_far(f, hart, P_SHARED, page_at(0, P_SHARED), RW | PTE_A | PTE_D);
}

/* Goes on behind the instruction at fault, unless it is that which cannot be fetched. */
void program_prepare(struct fixture *f, unsigned hart)
{
    const uint32_t end =
        asm_insn((struct insn){ .row = INSN_BEQ, .rs1 = T3, .rs2 = T4, .imm = 56 });
    const uint32_t end2 =
        asm_insn((struct insn){ .row = INSN_BEQ, .rs1 = T3, .rs2 = T4, .imm = 48 });

    CODE(f, page_at(hart, P_HANDLER), asm_csr(INSN_CSRRS, T3, CSR_SCAUSE, 0),
         LI(T4, CAUSE_FETCH_PAGE), end, LI(T4, CAUSE_FETCH_ACCESS), end2,
         asm_csr(INSN_CSRRS, T3, CSR_SEPC, 0), asm_i(INSN_LHU, T4, T3, 0),
         asm_i(INSN_ANDI, T4, T4, 3), ADDI(T4, T4, -3), asm_i(INSN_SLTIU, T4, T4, 1),
         asm_i(INSN_SLLI, T4, T4, 1), ADDI(T4, T4, 2), asm_r(INSN_ADD, T3, T3, T4),
         asm_csr(INSN_CSRRW, 0, CSR_SEPC, T3), asm_i(INSN_SRET, 0, 0, 0), LI(0, 0), ECALL);
}

static void set_reserved(struct riscv_state *s, const struct program *p)
{
    s->x[EDITED] = VPAGE(P_EDITED);
    s->x[SHARED] = FAR_PAGE(P_SHARED);
    s->x[TABLE] = FAR_PAGE(P_LEAVES);
    s->x[ALIAS] = p->at + (FAR_PAGE(P_ALIAS) - VPAGE(P_CODE));
    s->x[WORDS] = FAR_PAGE(P_WORDS);
    s->x[INNER] = 0;
    s->x[OUTER] = p->turns;
}

static void set_registers(struct riscv_state *s, const struct program *p, uint64_t seed)
{
    for (unsigned i = 1; i < 32; i++)
        s->x[i] = (uint64_t)((int64_t)fixture_random(&seed) >> below(&seed, 64));
    for (unsigned i = 0; i < POINTERS; i++)
        s->x[POINTER + i] = VPAGE(P_DATA) + (below(&seed, DATA_PAGES * 4096) & ~UINT64_C(7));
    s->x[SP] = VPAGE(P_DATA + 1);
    if (p->turns != 0) /* or an instruction drawn might read them */
        set_reserved(s, p);
    for (unsigned i = 0; i < 32; i++)
        s->f[i] = fixture_random(&seed) | (below(&seed, 2) ? UINT64_C(0xffffffff) << 32 : 0);
}

void program_load(struct fixture *f, unsigned on, const struct program *p)
{
    struct hart *hart = &f->hart[on]->hart;
    gpa_t code = page_at(p->hart, P_CODE) + (p->at - VPAGE(P_CODE));
    uint64_t seed = p->seed ^ UINT64_C(0x9e3779b97f4a7c15);

    map_all(f, p->hart);
    assert_int_equal(mem_write(f->space, code, p->bytes, p->size), MEM_OK);
    memcpy(fixture_ram(f, page_at(p->hart, P_WORDS)), p->word, sizeof(p->word));
    for (uint64_t *at = fixture_ram(f, page_at(p->hart, P_DATA)), *end = at + DATA_PAGES * 512;
         at < end; at++)
        *at = fixture_random(&seed);
    hart_enter_supervisor(hart, p->at, 0);
    fixture_csr(f, on, CSR_SATP, UINT64_C(8) << 60 | page_at(p->hart, P_TABLES) >> 12);
    fixture_csr(f, on, CSR_STVEC, VPAGE(P_HANDLER));
    set_registers(&hart->s, p, seed);
    dbt_fence_i(f->hart[on]->dh);
}

uint64_t *program_shared_cell(struct fixture *f)
{
    return fixture_ram(f, page_at(0, P_SHARED));
}

/* ---- comparing ---- */

static bool same_words(const uint64_t *a, const uint64_t *b, size_t count, const char *what,
                       uint64_t base, unsigned scale, struct program_difference *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (a[i] == b[i])
            continue;
        snprintf(ret->what, sizeof(ret->what), "%s%#" PRIx64, what, base + i * scale);
        ret->a = a[i];
        ret->b = b[i];
        return false;
    }
    return true;
}

bool program_agree(struct fixture *a, unsigned a_on, struct fixture *b, unsigned b_on,
                   const struct program *p, struct program_difference *ret)
{
    static const struct {
        unsigned first, count;
    } pages[] = { { P_DATA, DATA_PAGES }, { P_TABLES, 4 }, { P_CODE, 2 } };
    const struct riscv_state *sa = fixture_state(a, a_on), *sb = fixture_state(b, b_on);

    if (!same_words(sa->x, sb->x, 32, "x[] ", 0, 1, ret) ||
        !same_words(sa->f, sb->f, 32, "f[] ", 0, 1, ret) ||
        !same_words((const uint64_t *)(const void *)sa, (const uint64_t *)(const void *)sb,
                    sizeof(*sa) / 8, "word of struct riscv_state ", 0, 1, ret))
        return false;
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++)
        if (!same_words(fixture_ram(a, page_at(p->hart, pages[i].first)),
                        fixture_ram(b, page_at(p->hart, pages[i].first)),
                        (size_t)pages[i].count * 512, "memory at ",
                        page_at(p->hart, pages[i].first), 8, ret))
            return false;
    return true;
}

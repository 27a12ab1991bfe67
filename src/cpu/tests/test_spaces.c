/*
 * cpu/tests/test_spaces.c - the soft TLB against a model that walks each time.
 *
 * More address spaces than are remembered, with pages, NAPOT and large leaves of their own and
 * some that are global. A PTE is changed, the least fence that covers the change is executed (or
 * asked for from outside), and from then on every access must go where the tables say now; code
 * that was found once may be remembered as long as its number stays.
 */
#include "tests/unit.h"

#include "cpu/tests/fixture.h"

enum {
    SPACES = TLB_SPACES + 3,
    TABLES_OF_SPACE = 4,                   /* root, middle, two of pages */
    SHARED = 1 + SPACES * TABLES_OF_SPACE, /* page number in RAM: middle and one of pages */
    DATA = SHARED + 2,                     /* pages from here on are mapped */
    SLOTS = 8,                             /* of a table that are used */
    NAPOT_AT = 16,                         /* a NAPOT range in each table of pages */
    GUESSES = 1024,
    ROUNDS = 60000,
};
#define UPPER (~UINT64_C(0) << 38) /* the upper half of Sv39 begins here; all of it is global */

struct guess {
    uint64_t code;
    enum tlb_bank bank;
    gva_t gva;
    gpa_t gpa;
};

struct world {
    struct fixture f;
    uint64_t seed;
    unsigned space;
    struct guess guess[GUESSES];
    gva_t recent[32]; /* asked for again and again */
    unsigned hits, faults, guessed;
};

static uint64_t random_below(struct world *w, uint64_t n)
{
    return fixture_random(&w->seed) % n;
}

static gpa_t page_gpa(uint64_t number)
{
    return RAM_BASE + number * PAGE_SIZE_BYTES;
}

static uint64_t *pte_at(struct world *w, uint64_t table, unsigned index)
{
    return &fixture_ram(&w->f, page_gpa(table))[index];
}

static uint64_t pte_of(gpa_t gpa, uint64_t bits)
{
    return gpa >> PAGE_SHIFT << PTE_PPN_SHIFT | bits;
}

static uint64_t table_of(unsigned space, unsigned which)
{
    return 1 + space * TABLES_OF_SPACE + which;
}

/* ---- changing what the tables say ---- */

static uint64_t random_bits(struct world *w)
{
    static const uint64_t bits[] = { 0,
                                     PTE_V | PTE_R,
                                     PTE_V | PTE_R | PTE_W,
                                     PTE_V | PTE_R | PTE_X,
                                     PTE_V | PTE_R | PTE_W | PTE_X,
                                     PTE_V | PTE_X };
    uint64_t chosen = bits[random_below(w, ARRAY_LEN(bits))];

    return chosen == 0 ? 0 : chosen | PTE_A | PTE_D | (random_below(w, 2) ? PTE_U : 0);
}

static gpa_t random_page(struct world *w)
{
    return page_gpa(DATA + random_below(w, RAM_SIZE / PAGE_SIZE_BYTES - DATA));
}

/* A table of pages has single ones and a NAPOT range. *ret_pages: how many the change is about. */
static gva_t change_page(struct world *w, uint64_t table, gva_t base, uint64_t global,
                         unsigned *ret_pages)
{
    uint64_t bits = random_bits(w);
    unsigned index = (unsigned)random_below(w, SLOTS + 1);

    if (bits != 0)
        bits |= global;
    *ret_pages = 1;
    if (index < SLOTS) {
        *pte_at(w, table, index) = pte_of(random_page(w), bits);
        return base + index * PAGE_SIZE_BYTES;
    }
    *ret_pages = 16;
    for (unsigned i = 0; i < 16; i++)
        *pte_at(w, table, NAPOT_AT + i) =
            bits == 0 ? 0 : pte_of((random_page(w) & ~UINT64_C(0xffff)) | 0x8000, bits | PTE_N);
    for (unsigned i = 1; i < 16; i++) /* all the same */
        *pte_at(w, table, NAPOT_AT + i) = *pte_at(w, table, NAPOT_AT);
    return base + NAPOT_AT * PAGE_SIZE_BYTES;
}

static void fence(struct world *w, bool has_gva, gva_t gva, bool has_asid, uint64_t asid)
{
    struct hart *hart = &w->f.hart;
    unsigned priv = hart->s.priv;

    hart->s.priv = PRIV_S; /* U cannot, but its kernel would */
    assert_true(hart_sfence_vma(hart, has_gva, gva, has_asid, asid));
    hart->s.priv = (uint8_t)priv;
}

/* One change and its fence, in any form that covers it. */
static void change(struct world *w)
{
    unsigned space = (unsigned)random_below(w, SPACES), pages = 1;
    unsigned what = (unsigned)random_below(w, 16);
    bool shared = what >= 12, all = random_below(w, 20) == 0;
    uint64_t middle = shared ? SHARED : table_of(space, 1), global = shared ? PTE_G : 0;
    gva_t base = shared ? UPPER : 0, gva;

    if (what % 4 == 0) { /* a large leaf */
        unsigned index = 2 + (unsigned)random_below(w, 4);
        uint64_t bits = random_bits(w);

        *pte_at(w, middle, index) =
            pte_of(RAM_BASE + MIB(2) * (1 + random_below(w, 7)), bits == 0 ? 0 : bits | global);
        gva = base + MIB(2) * index;
        pages = 512;
    } else if (what == 5) { /* a giant one */
        *pte_at(w, table_of(space, 0), 1) = pte_of(RAM_BASE, random_bits(w));
        gva = GIB(1);
        pages = 1 << 18;
    } else if (what == 6) { /* one table of pages in place of the other: no address covers that */
        *pte_at(w, middle, 0) =
            pte_of(page_gpa(table_of(space, 2 + (unsigned)random_below(w, 2))), PTE_V);
        if (all)
            fence(w, false, 0, false, 0);
        else
            fence(w, false, 0, true, space);
        return;
    } else {
        gva = shared
                  ? change_page(w, SHARED + 1, base, global, &pages)
                  : change_page(w, table_of(space, 2 + (unsigned)random_below(w, 2)), 0, 0, &pages);
    }
    gva += random_below(w, pages) * PAGE_SIZE_BYTES + random_below(w, PAGE_SIZE_BYTES);
    if (what % 4 == 0 || what == 5 || shared) {
        fence(w, !all, gva, !shared && random_below(w, 2), space);
        return;
    }
    /* A table of pages may be in place twice. */
    all ? fence(w, false, 0, random_below(w, 2), space)
        : fence(w, true, gva, random_below(w, 2), space);
    fence(w, true, gva ^ MIB(2), random_below(w, 2), space);
}

/* ---- the model ---- */

static bool walk(struct world *w, gva_t gva, gpa_t *ret_gpa, uint64_t *ret_pte)
{
    uint64_t table = table_of(w->space, 0);

    for (unsigned level = 3; level-- > 0;) {
        unsigned shift = PAGE_SHIFT + 9 * level;
        uint64_t pte = *pte_at(w, table, (unsigned)(gva >> shift & 511)), mask;

        if (!(pte & PTE_V))
            return false;
        if (pte & (PTE_R | PTE_X)) {
            mask = pte & PTE_N ? 0xffff : (UINT64_C(1) << shift) - 1;
            *ret_gpa = (field_get(pte, PTE_PPN) << PAGE_SHIFT & ~mask) | (gva & mask);
            *ret_pte = pte;
            return true;
        }
        table = ((field_get(pte, PTE_PPN) << PAGE_SHIFT) - RAM_BASE) / PAGE_SIZE_BYTES;
    }
    return false;
}

static bool may(const struct hart *hart, uint64_t pte, enum access_kind kind)
{
    bool sum = (hart->s.mstatus & MSTATUS_SUM) != 0, mxr = (hart->s.mstatus & MSTATUS_MXR) != 0;

    if (hart->s.priv == PRIV_U ? !(pte & PTE_U) : (pte & PTE_U) && (!sum || kind == ACCESS_EXEC))
        return false;
    if (kind == ACCESS_READ)
        return (pte & PTE_R) || (mxr && (pte & PTE_X));
    return pte & (kind == ACCESS_WRITE ? PTE_W : PTE_X);
}

/* As compiled code does: by what was remembered if its number stands, else by asking. */
static bool find_code(struct world *w, gva_t gva, gpa_t *ret_gpa)
{
    struct hart *hart = &w->f.hart;
    enum tlb_bank bank = hart->fetch_bank;
    struct guess *guess = &w->guess[(gva >> PAGE_SHIFT ^ gva >> 25) % GUESSES];
    gva_t page = gva & PAGE_ADDR_MASK, offset = gva - page;
    uint64_t code = tlb_code(&hart->tlb, bank);
    const uint8_t *hva;

    if (guess->code == code && guess->bank == bank && guess->gva == page) {
        w->guessed++;
        *ret_gpa = guess->gpa + offset;
        return true;
    }
    if (!hart_fetch_page(hart, gva, ret_gpa, &hva))
        return false;
    *guess = (struct guess){ code, bank, page, *ret_gpa - offset };
    return true;
}

static bool try(struct world *w, gva_t gva, enum access_kind kind, gpa_t *ret_gpa)
{
    struct hart *hart = &w->f.hart;
    enum tlb_kind fast = kind == ACCESS_READ ? TLB_READ : TLB_WRITE;
    void *hva;

    if (kind == ACCESS_EXEC)
        return find_code(w, gva, ret_gpa);
    hva = tlb_probe(hart->tlb.table, fast, gva, 8);
    if (hva == NULL && !hart_atomic_ptr(hart, gva, 8, kind == ACCESS_WRITE, &hva, ret_gpa))
        return false;
    *ret_gpa = RAM_BASE + (gpa_t)((uint8_t *)hva - w->f.ram->hva);
    return true;
}

static gva_t random_gva(struct world *w)
{
    gva_t low = random_below(w, PAGE_SIZE_BYTES) & ~UINT64_C(7);
    gva_t base = random_below(w, 4) == 0 ? UPPER : 0;

    switch (random_below(w, 4)) {
    case 0:
        return (base == 0 ? GIB(1) : base + GIB(1)) + random_below(w, 2048) * PAGE_SIZE_BYTES + low;
    case 1:
        return base + MIB(4) + random_below(w, 4) * MIB(2) +
               random_below(w, 512) * PAGE_SIZE_BYTES + low;
    default:
        return base + random_below(w, 2) * MIB(2) +
               random_below(w, NAPOT_AT + 16) * PAGE_SIZE_BYTES + low;
    }
}

static void access_and_compare(struct world *w)
{
    enum access_kind kind = (enum access_kind)random_below(w, 3);
    gva_t *recent = &w->recent[random_below(w, ARRAY_LEN(w->recent))];
    gva_t gva = *recent = random_below(w, 4) == 0 ? random_gva(w) : *recent;
    gpa_t want = 0, got = 0;
    uint64_t pte = 0;
    bool ok = walk(w, gva, &want, &pte) && may(&w->f.hart, pte, kind);

    assert_int_equal(try(w, gva, kind, &got), ok);
    w->f.hart.exc_raised = false;
    if (ok) {
        assert_int_equal(got, want);
        w->hits++;
    } else {
        w->faults++;
    }
}

/* ---- */

static void enter(struct world *w, unsigned space)
{
    w->space = space;
    fixture_set(&w->f, CSR_SATP,
                (uint64_t)SATP_SV39 << SATP_MODE_SHIFT | (uint64_t)space << SATP_ASID_SHIFT |
                    page_gpa(table_of(space, 0)) >> PAGE_SHIFT);
}

static void set_up(struct world *w)
{
    fixture_init(&w->f);
    for (unsigned space = 0; space < SPACES; space++) {
        *pte_at(w, table_of(space, 0), 0) = pte_of(page_gpa(table_of(space, 1)), PTE_V);
        *pte_at(w, table_of(space, 0), 256) = pte_of(page_gpa(SHARED), PTE_V);
        for (unsigned i = 0; i < 2; i++)
            *pte_at(w, table_of(space, 1), i) = pte_of(page_gpa(table_of(space, 2 + i)), PTE_V);
    }
    *pte_at(w, SHARED, 0) = pte_of(page_gpa(SHARED + 1), PTE_V);
    fixture_mode(&w->f, PRIV_S);
    enter(w, 0);
}

TEST(accesses_go_where_the_tables_say_after_the_least_fence)
{
    static struct world w;

    w.seed = 0x5eed;
    set_up(&w);
    for (unsigned round = 0; round < ROUNDS; round++) {
        switch (random_below(&w, 4)) {
        case 0:
            change(&w);
            break;
        case 1: /* mostly among few, at times any */
            enter(&w, (unsigned)random_below(&w, random_below(&w, 4) ? 3 : SPACES));
            break;
        case 2:
            fixture_set(&w.f, CSR_MSTATUS,
                        (random_below(&w, 2) ? MSTATUS_SUM : 0) |
                            (random_below(&w, 8) == 0 ? MSTATUS_MXR : 0));
            fixture_mode(&w.f, random_below(&w, 2) ? PRIV_U : PRIV_S);
            break;
        default:
            break;
        }
        for (unsigned i = 0; i < 8; i++)
            access_and_compare(&w);
    }
    /* The test is worth something only if all of this happened. */
    assert_true(w.hits > 50000 && w.faults > 50000 && w.guessed > 1000);
    assert_true(w.f.hart.tlb.stats.strangers > 1000 && w.f.hart.tlb.stats.flush_large > 1000);
    fixture_fini(&w.f);
}

/* cpu/tests/test_mmu.c - the page walk: each kind of fault by hand, then random page tables
 * against a plain walker that follows the manual's list of steps (12.3.2) word by word. */
#include "tests/unit.h"

#include "cpu/tests/fixture.h"

#define ROOT (RAM_BASE + 0x1000)
#define L1 (RAM_BASE + 0x2000)
#define L0 (RAM_BASE + 0x3000)
#define PAGE (RAM_BASE + 0x10000)
#define GVA UINT64_C(0x40201000) /* Sv39 indices 1, 1, 1 */

static uint64_t pte(gpa_t gpa, uint64_t bits)
{
    return gpa >> PAGE_SHIFT << PTE_PPN_SHIFT | bits;
}

static uint64_t *entry(struct fixture *f, gpa_t table, unsigned index)
{
    return fixture_ram(f, table) + index;
}

/* Sv39, GVA -> PAGE with `bits`, in S mode. */
static void map(struct fixture *f, uint64_t bits)
{
    *entry(f, ROOT, 1) = pte(L1, PTE_V);
    *entry(f, L1, 1) = pte(L0, PTE_V);
    *entry(f, L0, 1) = pte(PAGE, bits);
    fixture_set(f, CSR_SATP, (uint64_t)SATP_SV39 << SATP_MODE_SHIFT | ROOT >> PAGE_SHIFT);
    fixture_mode(f, PRIV_S);
    tlb_flush_all(&f->hart.tlb);
}

static void expect_fault(struct fixture *f, uint64_t cause, gva_t tval)
{
    assert_true(f->hart.exc_raised);
    assert_int_equal(f->hart.exc.cause, cause);
    assert_int_equal(f->hart.exc.tval, tval);
    f->hart.exc_raised = false;
}

/* What a load, a store and a fetch at GVA raise; UINT64_MAX: nothing. */
static void expect(struct fixture *f, uint64_t load, uint64_t store, uint64_t fetch)
{
    const uint8_t *hva;
    uint64_t val;
    gpa_t gpa;

    if (load == UINT64_MAX)
        assert_true(hart_load(&f->hart, GVA + 8, 8, &val));
    else {
        assert_false(hart_load(&f->hart, GVA + 8, 8, &val));
        expect_fault(f, load, GVA + 8);
    }
    if (store == UINT64_MAX)
        assert_true(hart_store(&f->hart, GVA + 16, 8, 1));
    else {
        assert_false(hart_store(&f->hart, GVA + 16, 8, 1));
        expect_fault(f, store, GVA + 16);
    }
    if (fetch == UINT64_MAX)
        assert_true(hart_fetch_page(&f->hart, GVA + 24, &gpa, &hva));
    else {
        assert_false(hart_fetch_page(&f->hart, GVA + 24, &gpa, &hva));
        expect_fault(f, fetch, GVA + 24);
    }
}

#define PAGE_FAULTS CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, CAUSE_FETCH_PAGE
#define ACCESS_FAULTS CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS, CAUSE_FETCH_ACCESS
#define FINE UINT64_MAX
#define RWX (PTE_R | PTE_W | PTE_X)
#define AD (PTE_A | PTE_D)

TEST(permission_bits_decide_each_kind_of_access)
{
    struct fixture f;

    fixture_init(&f);
    map(&f, PTE_V | RWX | AD);
    expect(&f, FINE, FINE, FINE);
    map(&f, PTE_V | PTE_R | AD);
    expect(&f, FINE, CAUSE_STORE_PAGE, CAUSE_FETCH_PAGE);
    map(&f, PTE_V | PTE_X | AD);
    expect(&f, CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, FINE);
    map(&f, PTE_V | PTE_R | PTE_W | AD);
    expect(&f, FINE, FINE, CAUSE_FETCH_PAGE);
    map(&f, PTE_V | PTE_W | AD); /* reserved */
    expect(&f, PAGE_FAULTS);
    map(&f, RWX | AD); /* not valid */
    expect(&f, PAGE_FAULTS);
    map(&f, PTE_V); /* a pointer at the last level */
    expect(&f, PAGE_FAULTS);
    fixture_fini(&f);
}

TEST(user_pages_need_user_mode_or_sum_and_are_never_executed_by_s)
{
    struct fixture f;

    fixture_init(&f);
    map(&f, PTE_V | RWX | AD | PTE_U);
    expect(&f, PAGE_FAULTS);
    fixture_set(&f, CSR_SSTATUS, MSTATUS_SUM);
    expect(&f, FINE, FINE, CAUSE_FETCH_PAGE);
    fixture_set(&f, CSR_SSTATUS, 0);
    expect(&f, PAGE_FAULTS); /* at once, without a fence */
    fixture_mode(&f, PRIV_U);
    expect(&f, FINE, FINE, FINE);
    map(&f, PTE_V | RWX | AD);
    fixture_mode(&f, PRIV_U);
    expect(&f, PAGE_FAULTS);
    fixture_fini(&f);
}

TEST(mxr_makes_executable_pages_readable_at_once)
{
    struct fixture f;

    fixture_init(&f);
    map(&f, PTE_V | PTE_X | AD);
    expect(&f, CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, FINE);
    fixture_set(&f, CSR_SSTATUS, MSTATUS_MXR);
    expect(&f, FINE, CAUSE_STORE_PAGE, FINE);
    fixture_set(&f, CSR_SSTATUS, 0);
    expect(&f, CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, FINE);
    fixture_fini(&f);
}

TEST(mprv_translates_data_as_mpp_and_leaves_fetches)
{
    struct fixture f;
    const uint8_t *hva;
    uint64_t val;
    gpa_t gpa;

    fixture_init(&f);
    map(&f, PTE_V | PTE_R | PTE_W | AD | PTE_U);
    *fixture_ram(&f, PAGE + 8) = 77;
    fixture_mode(&f, PRIV_M);
    assert_false(hart_load(&f.hart, GVA + 8, 8, &val)); /* nothing at that physical address */
    expect_fault(&f, CAUSE_LOAD_ACCESS, GVA + 8);
    fixture_set(&f, CSR_MSTATUS, MSTATUS_MPRV); /* MPP = U */
    assert_true(hart_load(&f.hart, GVA + 8, 8, &val));
    assert_int_equal(val, 77);
    fixture_set(&f, CSR_MSTATUS, MSTATUS_MPRV | (uint64_t)PRIV_S << MSTATUS_MPP_SHIFT);
    assert_false(hart_load(&f.hart, GVA + 8, 8, &val));
    expect_fault(&f, CAUSE_LOAD_PAGE, GVA + 8);
    fixture_set(&f, CSR_MSTATUS,
                MSTATUS_MPRV | MSTATUS_SUM | (uint64_t)PRIV_S << MSTATUS_MPP_SHIFT);
    assert_true(hart_load(&f.hart, GVA + 8, 8, &val));
    assert_true(hart_fetch_page(&f.hart, PAGE, &gpa, &hva));
    assert_int_equal(gpa, PAGE);
    fixture_fini(&f);
}

TEST(reserved_bits_and_encodings_are_page_faults)
{
    static const uint64_t bad[] = {
        PTE_RESERVED, ISA_BIT(54), ISA_BIT(60), PTE_PBMT, PTE_N, /* N: not the 64 KiB pattern */
    };
    struct fixture f;

    fixture_init(&f);
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        map(&f, PTE_V | RWX | AD | bad[i]);
        expect(&f, PAGE_FAULTS);
    }
    for (unsigned bit = 4; bit < 8; bit++) { /* U, G, A, D of a pointer: only G is fine */
        map(&f, PTE_V | RWX | AD);
        *entry(&f, L1, 1) |= ISA_BIT(bit);
        tlb_flush_all(&f.hart.tlb);
        if (bit == 5)
            expect(&f, FINE, FINE, FINE);
        else
            expect(&f, PAGE_FAULTS);
    }
    map(&f, PTE_V | RWX | AD);
    *entry(&f, L1, 1) |= UINT64_C(1) << 61; /* PBMT of a pointer */
    expect(&f, PAGE_FAULTS);
    fixture_fini(&f);
}

TEST(pbmt_needs_menvcfg)
{
    struct fixture f;

    fixture_init(&f);
    for (uint64_t type = PBMT_NC; type <= PBMT_IO; type++) {
        map(&f, PTE_V | RWX | AD | type << 61);
        fixture_set(&f, CSR_MENVCFG, MENVCFG_PBMTE);
        expect(&f, FINE, FINE, FINE);
        fixture_set(&f, CSR_MENVCFG, 0);
        expect(&f, PAGE_FAULTS);
    }
    fixture_fini(&f);
}

TEST(napot_takes_the_low_bits_of_the_page_number_from_the_address)
{
    struct fixture f;
    const uint8_t *hva;
    gpa_t gpa;

    fixture_init(&f);
    for (unsigned i = 0; i < 16; i++) {
        map(&f, 0);
        *entry(&f, L0, i) = pte(RAM_BASE + 0x20000 + 0x8000, PTE_V | RWX | AD | PTE_N);
        assert_true(hart_fetch_page(&f.hart, 0x40200000 + i * 0x1000, &gpa, &hva));
        assert_int_equal(gpa, RAM_BASE + 0x20000 + (gpa_t)i * 0x1000);
    }
    map(&f, 0); /* N above the last level is reserved */
    *entry(&f, L1, 1) = pte(RAM_BASE + 0x8000, PTE_V | RWX | AD | PTE_N);
    expect(&f, PAGE_FAULTS);
    f.isa.ext &= ~(UINT64_C(1) << ISA_EXT_SVNAPOT);
    map(&f, PTE_V | RWX | AD | PTE_N);
    *entry(&f, L0, 1) = pte(RAM_BASE + 0x28000, PTE_V | RWX | AD | PTE_N);
    expect(&f, PAGE_FAULTS);
    fixture_fini(&f);
}

TEST(superpages_must_be_aligned)
{
    struct fixture f;
    const uint8_t *hva;
    gpa_t gpa;

    fixture_init(&f);
    map(&f, 0);
    *entry(&f, L1, 1) = pte(RAM_BASE + MIB(2), PTE_V | RWX | AD);
    assert_true(hart_fetch_page(&f.hart, GVA + 6, &gpa, &hva));
    assert_int_equal(gpa, RAM_BASE + MIB(2) + 0x1006);
    assert_ptr_equal(hva, f.ram->hva + MIB(2) + 0x1000);
    *entry(&f, L1, 1) = pte(RAM_BASE + MIB(2) + 0x1000, PTE_V | RWX | AD);
    tlb_flush_all(&f.hart.tlb);
    expect(&f, PAGE_FAULTS);
    *entry(&f, ROOT, 1) = pte(RAM_BASE, PTE_V | RWX | AD); /* 1 GiB at 2 GiB */
    tlb_flush_all(&f.hart.tlb);
    assert_true(hart_fetch_page(&f.hart, GVA, &gpa, &hva));
    assert_int_equal(gpa, RAM_BASE + 0x201000);
    fixture_fini(&f);
}

TEST(addresses_must_be_canonical_for_the_scheme)
{
    struct fixture f;
    uint64_t val;

    fixture_init(&f);
    map(&f, PTE_V | RWX | AD);
    *entry(&f, ROOT, 511) = pte(RAM_BASE, PTE_V | RWX | AD);
    assert_true(hart_load(&f.hart, UINT64_C(0xffffffffc0000000), 8, &val));
    assert_false(hart_load(&f.hart, UINT64_C(0x0000007fc0000000), 8, &val));
    expect_fault(&f, CAUSE_LOAD_PAGE, UINT64_C(0x7fc0000000));
    assert_false(hart_load(&f.hart, UINT64_C(1) << 39 | GVA, 8, &val));
    expect_fault(&f, CAUSE_LOAD_PAGE, UINT64_C(1) << 39 | GVA);
    fixture_fini(&f);
}

TEST(svade_faults_where_a_or_d_is_missing)
{
    struct fixture f;

    fixture_init(&f);
    fixture_set(&f, CSR_MENVCFG, 0);
    map(&f, PTE_V | RWX);
    expect(&f, PAGE_FAULTS);
    map(&f, PTE_V | RWX | PTE_A);
    expect(&f, FINE, CAUSE_STORE_PAGE, FINE);
    map(&f, PTE_V | RWX | PTE_D);
    expect(&f, PAGE_FAULTS);
    assert_int_equal(*entry(&f, L0, 1), pte(PAGE, PTE_V | RWX | PTE_D));
    fixture_fini(&f);
}

TEST(svadu_sets_a_and_d_as_accesses_need_them)
{
    struct fixture f;
    uint64_t val;

    fixture_init(&f);
    fixture_set(&f, CSR_MENVCFG, MENVCFG_ADUE);
    map(&f, PTE_V | RWX);
    assert_true(hart_load(&f.hart, GVA, 8, &val));
    assert_int_equal(*entry(&f, L0, 1), pte(PAGE, PTE_V | RWX | PTE_A));
    assert_true(hart_load(&f.hart, GVA, 8, &val));
    assert_true(hart_store(&f.hart, GVA, 8, 5));
    assert_int_equal(*entry(&f, L0, 1), pte(PAGE, PTE_V | RWX | AD));
    map(&f, PTE_V | PTE_R); /* refused: nothing is set */
    assert_false(hart_store(&f.hart, GVA, 8, 5));
    expect_fault(&f, CAUSE_STORE_PAGE, GVA);
    assert_int_equal(*entry(&f, L0, 1), pte(PAGE, PTE_V | PTE_R));
    fixture_fini(&f);
}

TEST(page_tables_outside_memory_and_beyond_the_pmp_are_access_faults)
{
    struct fixture f;

    fixture_init(&f);
    map(&f, PTE_V | RWX | AD);
    *entry(&f, L1, 1) = pte(DEV_BASE, PTE_V);
    expect(&f, ACCESS_FAULTS);
    *entry(&f, L1, 1) = pte(RAM_BASE + RAM_SIZE, PTE_V);
    expect(&f, ACCESS_FAULTS);
    /* A and D cannot be set in ROM: the PTE there has neither. */
    *entry(&f, L1, 1) = pte(ROM_BASE, PTE_V);
    ((uint64_t *)(void *)f.rom->hva)[1] = pte(PAGE, PTE_V | RWX);
    fixture_set(&f, CSR_MENVCFG, MENVCFG_ADUE);
    expect(&f, ACCESS_FAULTS);
    ((uint64_t *)(void *)f.rom->hva)[1] = pte(PAGE, PTE_V | RWX | AD);
    expect(&f, FINE, FINE, FINE);
    /* Entry 0 of the PMP hides L0 from all but M. */
    map(&f, PTE_V | RWX | AD);
    fixture_mode(&f, PRIV_M);
    fixture_set(&f, CSR_PMPADDR0, L0 >> 2 | 0x1ff); /* 4 KiB */
    fixture_set(&f, CSR_PMPADDR0 + 1, UINT64_MAX);
    fixture_set(&f, CSR_PMPCFG0,
                (PMP_NAPOT << PMPCFG_A_SHIFT | PERM_RWX) << 8 | PMP_NAPOT << PMPCFG_A_SHIFT);
    fixture_mode(&f, PRIV_S);
    expect(&f, ACCESS_FAULTS);
    /* Readable, not writable: fine until A has to be set. */
    fixture_set(&f, CSR_PMPCFG0,
                (PMP_NAPOT << PMPCFG_A_SHIFT | PERM_RWX) << 8 | PMP_NAPOT << PMPCFG_A_SHIFT |
                    PERM_R);
    expect(&f, FINE, FINE, FINE);
    map(&f, PTE_V | RWX);
    expect(&f, ACCESS_FAULTS);
    fixture_fini(&f);
}

/* ---- random tables against the oracle ---- */

struct answer {
    enum mmu_result result;
    gpa_t gpa;
    uint64_t set; /* A and D bits to be set in the PTE */
    gpa_t pte_gpa;
};

/* Steps 5 to 8 for a leaf at level i; MMU_PAGE_FAULT or MMU_OK. */
static enum mmu_result oracle_leaf(struct fixture *f, uint64_t p, int i, enum access_kind kind,
                                   unsigned priv)
{
    const struct riscv_state *s = &f->hart.s;
    bool sum = s->mstatus & MSTATUS_SUM, mxr = s->mstatus & MSTATUS_MXR;

    if ((p >> 61 & 3) != 0 && (!(s->menvcfg >> 62 & 1) || (p >> 61 & 3) == 3))
        return MMU_PAGE_FAULT;
    if (p >> 63 && (!isa_has(&f->isa, ISA_EXT_SVNAPOT) || i != 0 || (p >> 10 & 15) != 8))
        return MMU_PAGE_FAULT;
    if (i > 0 && (p >> 10 & ((UINT64_C(1) << 9 * i) - 1)) != 0)
        return MMU_PAGE_FAULT;
    if (priv == PRIV_U && !(p & PTE_U))
        return MMU_PAGE_FAULT;
    if (priv == PRIV_S && (p & PTE_U) && (kind == ACCESS_EXEC || !sum))
        return MMU_PAGE_FAULT;
    switch (kind) {
    case ACCESS_READ:
        return p & PTE_R || (mxr && (p & PTE_X)) ? MMU_OK : MMU_PAGE_FAULT;
    case ACCESS_WRITE:
        return p & PTE_W ? MMU_OK : MMU_PAGE_FAULT;
    case ACCESS_EXEC:
        break;
    }
    return p & PTE_X ? MMU_OK : MMU_PAGE_FAULT;
}

/* Steps 1 to 4: the level of the leaf, or -1; ret_result says why not. */
static int oracle_find(struct fixture *f, gva_t va, uint64_t *ret_pte, gpa_t *ret_at,
                       enum mmu_result *ret_result)
{
    uint64_t satp = f->hart.s.satp, a = (satp & SATP_PPN) * 4096, p;
    int levels = (int)(satp >> 60) - 8 + 3;
    int64_t top = (int64_t)va >> (12 + 9 * levels - 1);

    *ret_result = MMU_PAGE_FAULT;
    for (int i = levels - 1; i >= 0 && (top == 0 || top == -1); i--) {
        *ret_at = a + (va >> (12 + 9 * i) & 511) * 8;
        if (*ret_at - ROM_BASE < PAGE_SIZE_BYTES) /* all zeros */
            return -1;
        if (*ret_at < RAM_BASE || *ret_at >= RAM_BASE + RAM_SIZE) {
            *ret_result = MMU_ACCESS_FAULT;
            return -1;
        }
        *ret_pte = p = *fixture_ram(f, *ret_at);
        if ((p & 1) == 0 || (p & 6) == 4 || (p >> 54 & 0x7f) != 0)
            return -1;
        if (p & 0xa) /* R or X: a leaf */
            return i;
        if (p >> 61 != 0 || (p & 0xd0) != 0)
            return -1;
        a = (p >> 10 & SATP_PPN) * 4096;
    }
    return -1;
}

/* Step by step, from memory, with no state of its own. */
static struct answer oracle(struct fixture *f, gva_t va, enum access_kind kind, unsigned priv)
{
    struct answer r = { 0 };
    uint64_t p = 0, low;
    int i = oracle_find(f, va, &p, &r.pte_gpa, &r.result);

    if (i < 0)
        return r;
    r.result = oracle_leaf(f, p, i, kind, priv);
    if (r.result != MMU_OK)
        return r;
    if (!(p & PTE_A) || (kind == ACCESS_WRITE && !(p & PTE_D))) {
        if (!(f->hart.s.menvcfg >> 61 & 1))
            r.result = MMU_PAGE_FAULT;
        r.set = kind == ACCESS_WRITE ? AD : PTE_A;
    }
    low = p >> 63 ? 15 : (UINT64_C(1) << 9 * i) - 1;
    r.gpa = ((p >> 10 & SATP_PPN & ~low) | (va >> 12 & low)) * 4096 + (va & 4095);
    return r;
}

enum { TABLES = 24, TABLE_SLOTS = 4 };

/* Only a few slots of each table are used, so that walks get somewhere. */
static unsigned slot_index(uint64_t n)
{
    static const unsigned index[TABLE_SLOTS] = { 0, 1, 255, 511 };

    return index[n % TABLE_SLOTS];
}

static uint64_t random_pte(uint64_t *seed)
{
    uint64_t r = fixture_random(seed);
    gpa_t table = RAM_BASE + (1 + r % TABLES) * PAGE_SIZE_BYTES;
    uint64_t p;

    if (r >> 32 & 1) { /* a pointer */
        p = pte(table, PTE_V);
    } else {
        uint64_t align = r >> 33 & 3; /* of 4 KiB, 2 MiB, and the bottom of RAM */

        p = align == 0   ? pte(RAM_BASE + (r >> 40) % 64 * PAGE_SIZE_BYTES, 0)
            : align == 1 ? pte(RAM_BASE + (r >> 40) % 8 * MIB(2), 0)
            : align == 2 ? pte(RAM_BASE + 0x8000, PTE_N)
                         : pte((r >> 40) % 3 * GIB(1), 0);
        p |= PTE_V | PTE_R | (r >> 48 & (PTE_R | PTE_W | PTE_X | PTE_U | PTE_A | PTE_D | PTE_G));
    }
    if ((r >> 58 & 7) == 0) /* some noise in any bit */
        p ^= UINT64_C(1) << (fixture_random(seed) % 64);
    if ((r >> 61 & 7) == 0)
        p ^= UINT64_C(1) << (fixture_random(seed) % 10);
    return p;
}

static void random_config(struct fixture *f, uint64_t *seed)
{
    uint64_t r = fixture_random(seed);

    fixture_set(f, CSR_MENVCFG, r & (MENVCFG_ADUE | MENVCFG_PBMTE));
    f->isa.ext = (f->isa.ext & ~(UINT64_C(1) << ISA_EXT_SVNAPOT)) | (r & 1) << ISA_EXT_SVNAPOT;
    for (gpa_t table = 1; table <= TABLES; table++) {
        for (unsigned i = 0; i < TABLE_SLOTS; i++)
            *entry(f, RAM_BASE + table * PAGE_SIZE_BYTES, slot_index(i)) = random_pte(seed);
    }
    fixture_set(f, CSR_SATP,
                (SATP_SV39 + r % 3) << SATP_MODE_SHIFT | (RAM_BASE / PAGE_SIZE_BYTES + 1));
    fixture_mode(f, PRIV_M);
    fixture_set(f, CSR_MSTATUS, fixture_random(seed) & (MSTATUS_SUM | MSTATUS_MXR));
    fixture_mode(f, r >> 8 & 1);
    tlb_flush_all(&f->hart.tlb);
}

static gva_t random_gva(const struct fixture *f, uint64_t *seed)
{
    unsigned levels = 3 + (unsigned)(f->hart.s.satp >> 60) - 8;
    gva_t va = fixture_random(seed) & 0xff8;

    for (unsigned level = 0; level < levels; level++)
        va |= (gva_t)slot_index(fixture_random(seed)) << (12 + 9 * level);
    if (fixture_random(seed) % 16 != 0) /* nearly always canonical */
        va = (gva_t)((int64_t)(va << (64 - (12 + 9 * levels))) >> (64 - (12 + 9 * levels)));
    return va;
}

static bool try(struct fixture *f, gva_t va, enum access_kind kind, gpa_t *ret_gpa)
{
    enum tlb_bank bank = kind == ACCESS_EXEC ? f->hart.fetch_bank : f->hart.data_bank;
    struct tlb_entry *e = access_find(&f->hart, va, kind, kind, bank);

    if (e == NULL)
        return false;
    *ret_gpa = access_gpa(e, va);
    return true;
}

TEST(random_page_tables_agree_with_the_oracle)
{
    static const uint64_t causes[3][3] = {
        [MMU_PAGE_FAULT] = { CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, CAUSE_FETCH_PAGE },
        [MMU_ACCESS_FAULT] = { CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS, CAUSE_FETCH_ACCESS },
    };
    unsigned seen[3] = { 0 }, updates = 0;
    uint64_t seed = 20261122;
    struct fixture f;

    fixture_init(&f);
    for (unsigned round = 0; round < 3000; round++) {
        random_config(&f, &seed);
        for (unsigned i = 0; i < 100; i++) {
            gva_t va = random_gva(&f, &seed);
            enum access_kind kind = fixture_random(&seed) % 3;
            struct answer want = oracle(&f, va, kind, f.hart.s.priv);
            uint64_t before = want.set ? *fixture_ram(&f, want.pte_gpa) : 0;
            gpa_t gpa = 0;
            bool ok = try(&f, va, kind, &gpa);

            seen[want.result]++;
            assert_int_equal(ok, want.result == MMU_OK);
            if (!ok) {
                expect_fault(&f, causes[want.result][kind], va);
                continue;
            }
            assert_int_equal(gpa, want.gpa);
            if (want.set) {
                assert_int_equal(*fixture_ram(&f, want.pte_gpa), before | want.set);
                updates++;
                /* Another table may be reached by this PTE now: no stale entry is wanted. */
                tlb_flush_all(&f.hart.tlb);
            }
        }
    }
    /* The test is worth something only if all of this happened. */
    assert_true(seen[MMU_OK] > 5000 && seen[MMU_PAGE_FAULT] > 5000 &&
                seen[MMU_ACCESS_FAULT] > 100 && updates > 1000);
    fixture_fini(&f);
}

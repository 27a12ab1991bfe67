/* cpu/tests/test_pmp.c - the PMP against a brute-force reading of 3.7: byte by byte, entry by
 * entry, straight from the registers. */
#include "tests/unit.h"

#include "cpu/tests/fixture.h"

/* Does entry i match this byte? */
static bool oracle_matches(const struct riscv_state *s, unsigned i, gpa_t byte)
{
    unsigned a = s->pmpcfg[i] >> 3 & 3, ones = 0;
    uint64_t word = byte >> 2;

    switch (a) {
    case PMP_TOR:
        return word >= (i ? s->pmpaddr[i - 1] : 0) && word < s->pmpaddr[i];
    case PMP_NA4:
        return word == s->pmpaddr[i];
    case PMP_NAPOT:
        while (ones < 54 && (s->pmpaddr[i] >> ones & 1))
            ones++;
        return word >> (ones + 1) == s->pmpaddr[i] >> (ones + 1);
    default:
        return false;
    }
}

static bool oracle(const struct riscv_state *s, gpa_t gpa, unsigned size, enum access_kind kind,
                   unsigned priv)
{
    for (unsigned i = 0; i < RISCV_PMP_ENTRIES; i++) {
        unsigned matched = 0;

        for (unsigned b = 0; b < size; b++)
            matched += oracle_matches(s, i, gpa + b);
        if (matched == 0)
            continue;
        if (matched != size)
            return false;
        return (priv == PRIV_M && !(s->pmpcfg[i] & 0x80)) || (s->pmpcfg[i] >> kind & 1);
    }
    return priv == PRIV_M;
}

/* Addresses thrown into three pages, so that ranges overlap, meet and straddle. */
static uint64_t random_addr(uint64_t *seed)
{
    uint64_t r = fixture_random(seed), base = RAM_BASE + (r % 3) * PAGE_SIZE_BYTES;
    unsigned ones = (unsigned)(r >> 16) % 14;

    switch (r >> 8 & 3) {
    case 0: /* NAPOT-like */
        return ((base | (r >> 32 & 0xfff)) >> 2 & ~UINT64_C(0) << ones) |
               ((UINT64_C(1) << ones) - 1);
    case 1: /* page boundaries */
        return base >> 2;
    case 2:
        return (r >> 60) == 0 ? UINT64_MAX : (base | (r >> 32 & 0xfff)) >> 2;
    default:
        return (base | (r >> 32 & 0xfff)) >> 2;
    }
}

static void randomise(struct riscv_state *s, uint64_t *seed)
{
    unsigned entries = 1 + fixture_random(seed) % RISCV_PMP_ENTRIES;

    memset(s->pmpcfg, 0, sizeof(s->pmpcfg));
    for (unsigned i = 0; i < entries; i++) {
        s->pmpaddr[i] = random_addr(seed) & PMPADDR_MASK;
        s->pmpcfg[i] = (uint8_t)(fixture_random(seed) >> 20) & PMPCFG_MASK;
    }
}

TEST(random_configurations_agree_with_the_oracle)
{
    unsigned granted = 0, refused = 0, uniform = 0, mixed = 0;
    uint64_t seed = 7;
    struct riscv_state s;
    struct pmp pmp;

    memset(&s, 0, sizeof(s));
    for (unsigned round = 0; round < 4000; round++) {
        randomise(&s, &seed);
        pmp_update(&pmp, &s, RISCV_PMP_ENTRIES);
        for (unsigned i = 0; i < 20; i++) {
            uint64_t r = fixture_random(&seed);
            unsigned size = 1u << (r & 3), priv = r >> 2 & 1 ? PRIV_M : PRIV_S, perms;
            enum access_kind kind = (r >> 4) % 3;
            gpa_t page = RAM_BASE + (r >> 8) % 3 * PAGE_SIZE_BYTES;
            gpa_t gpa = page + (r >> 20) % (PAGE_SIZE_BYTES - size);
            bool want = oracle(&s, gpa, size, kind, priv);

            assert_int_equal(pmp_permits(&pmp, gpa, size, kind, priv), want);
            granted += want;
            refused += !want;
            if (pmp_page(&pmp, page, priv, &perms)) { /* then it speaks for each byte */
                uniform++;
                for (unsigned off = 0; off < PAGE_SIZE_BYTES; off += 61)
                    assert_int_equal(perms >> kind & 1, oracle(&s, page + off, 1, kind, priv));
            } else {
                mixed++;
            }
        }
    }
    assert_true(granted > 1000 && refused > 1000 && uniform > 1000 && mixed > 1000);
}

TEST(without_entries_all_is_permitted_and_with_them_s_and_u_need_one)
{
    struct riscv_state s;
    struct pmp pmp;

    memset(&s, 0, sizeof(s));
    pmp_update(&pmp, &s, 0);
    assert_true(pmp_permits(&pmp, 0x1000, 8, ACCESS_WRITE, PRIV_U));
    pmp_update(&pmp, &s, RISCV_PMP_ENTRIES);
    assert_false(pmp_permits(&pmp, 0x1000, 8, ACCESS_READ, PRIV_U));
    assert_false(pmp_permits(&pmp, 0x1000, 8, ACCESS_READ, PRIV_S));
    assert_true(pmp_permits(&pmp, 0x1000, 8, ACCESS_READ, PRIV_M));
}

TEST(locks_hold_until_reset)
{
    struct fixture f;

    fixture_init(&f);
    fixture_set(&f, CSR_PMPADDR0 + 2, 0x1000);
    fixture_set(&f, CSR_PMPADDR0 + 3, 0x2000);
    fixture_set(&f, CSR_PMPCFG0,
                (uint64_t)(PMPCFG_L | PMP_TOR << PMPCFG_A_SHIFT | PERM_R) << 24 | 0x1f);
    fixture_set(&f, CSR_PMPADDR0 + 2, 1); /* the bottom of a locked TOR range */
    fixture_set(&f, CSR_PMPADDR0 + 3, 1);
    fixture_set(&f, CSR_PMPADDR0 + 4, 1);
    fixture_set(&f, CSR_PMPCFG0, 0);
    assert_int_equal(fixture_get(&f, CSR_PMPADDR0 + 2), 0x1000);
    assert_int_equal(fixture_get(&f, CSR_PMPADDR0 + 3), 0x2000);
    assert_int_equal(fixture_get(&f, CSR_PMPADDR0 + 4), 1);
    assert_int_equal(fixture_get(&f, CSR_PMPCFG0),
                     (uint64_t)(PMPCFG_L | PMP_TOR << PMPCFG_A_SHIFT | PERM_R) << 24);
    hart_reset(&f.hart, 0);
    assert_int_equal(fixture_get(&f, CSR_PMPCFG0), 0);
    fixture_fini(&f);
}

TEST(registers_keep_what_is_legal)
{
    struct fixture f;

    fixture_init(&f);
    fixture_set(&f, CSR_PMPCFG2, UINT64_C(0x7f0260020406181a));
    assert_int_equal(fixture_get(&f, CSR_PMPCFG2), UINT64_C(0x1f00000004041818));
    fixture_set(&f, CSR_PMPADDR0 + 9, UINT64_MAX);
    assert_int_equal(fixture_get(&f, CSR_PMPADDR0 + 9), PMPADDR_MASK);
    fixture_fini(&f);
}

TEST(a_page_the_pmp_divides_is_checked_at_each_access)
{
    gpa_t page = RAM_BASE + 0x4000;
    struct fixture f;
    const uint8_t *hva;
    uint32_t raw;
    uint64_t val;
    gpa_t gpa;

    fixture_init(&f);
    /* 0: [page, page + 0x100) RX, 1: all RW but not X. */
    fixture_set(&f, CSR_PMPADDR0, (page >> 2) | 0x1f);
    fixture_set(&f, CSR_PMPADDR0 + 1, UINT64_MAX);
    fixture_set(&f, CSR_PMPCFG0, 0x1b1d);
    fixture_mode(&f, PRIV_S);
    assert_true(hart_load(&f.hart, page + 0xf8, 8, &val));
    assert_true(hart_load(&f.hart, page + 0x100, 8, &val));
    assert_false(hart_load(&f.hart, page + 0xfc, 8, &val)); /* half in each */
    assert_int_equal(f.hart.exc.cause, CAUSE_LOAD_ACCESS);
    assert_false(hart_store(&f.hart, page + 0xf8, 8, 1));
    assert_int_equal(f.hart.exc.cause, CAUSE_STORE_ACCESS);
    assert_int_equal(f.hart.exc.tval, page + 0xf8);
    assert_true(hart_store(&f.hart, page + 0x100, 8, 1));
    assert_true(hart_store(&f.hart, page + 0x100, 8, 1)); /* the same entry again */
    assert_false(hart_store(&f.hart, page + 0x80, 8, 1));
    assert_true(hart_fetch_page(&f.hart, page + 0x10, &gpa, &hva));
    assert_null(hva); /* nothing to be remembered */
    assert_int_equal(gpa, page + 0x10);
    assert_false(hart_fetch_page(&f.hart, page + 0x100, &gpa, &hva));
    assert_int_equal(f.hart.exc.cause, CAUSE_FETCH_ACCESS);
    /* A 4-byte instruction whose second half may not be executed. */
    *(uint16_t *)(void *)((char *)fixture_ram(&f, page) + 0xfe) = 0x0013;
    assert_false(hart_fetch_insn(&f.hart, page + 0xfe, &raw));
    assert_int_equal(f.hart.exc.cause, CAUSE_FETCH_ACCESS);
    assert_int_equal(f.hart.exc.tval, page + 0x100);
    /* The fast tables stay out of it. */
    assert_null(tlb_probe(f.hart.tlb.table, TLB_READ, page, 8));
    assert_null(tlb_probe(f.hart.tlb.table, TLB_WRITE, page, 8));
    fixture_fini(&f);
}

TEST(changes_take_effect_at_once)
{
    struct fixture f;
    uint64_t val;

    fixture_init(&f);
    fixture_mode(&f, PRIV_U);
    assert_true(hart_load(&f.hart, RAM_BASE, 8, &val));
    fixture_set(&f, CSR_PMPCFG0, 0);
    assert_false(hart_load(&f.hart, RAM_BASE, 8, &val));
    assert_int_equal(f.hart.exc.cause, CAUSE_LOAD_ACCESS);
    fixture_mode(&f, PRIV_M);
    assert_true(hart_load(&f.hart, RAM_BASE, 8, &val));
    fixture_set(&f, CSR_PMPCFG0, PMPCFG_L | PMP_NAPOT << PMPCFG_A_SHIFT); /* M as well */
    assert_false(hart_load(&f.hart, RAM_BASE, 8, &val));
    fixture_fini(&f);
}

/* cpu/tests/test_tlb.c - what each flush and switch drops and, as much, what it leaves. */
#include "tests/unit.h"

#include "cpu/tests/fixture.h"

static void enter(struct tlb *tlb, uint16_t asid)
{
    if (tlb->space[tlb->current].asid != asid)
        tlb_switch_space(tlb, asid);
}

/* The entry and its fast slots. */
static void put(struct tlb *tlb, enum tlb_bank bank, gva_t gva, unsigned shift, bool global)
{
    struct tlb_entry fresh = {
        .page = gva & PAGE_ADDR_MASK,
        .addend = 0x100000,
        .perms = PERM_RWX,
        .shift = (uint8_t)shift,
    };
    const struct tlb_entry *entry = tlb_keep(tlb, bank, &fresh, global);

    tlb_make_fast(tlb, bank, TLB_READ, entry);
    tlb_make_fast(tlb, bank, TLB_WRITE, entry);
}

static bool is_fast(struct tlb *tlb, enum tlb_bank bank, enum tlb_kind kind, gva_t gva)
{
    void *hva;

    tlb_set_bank(tlb, bank);
    hva = tlb_probe(tlb->table, kind, gva, 1);
    assert_true(hva == NULL || tlb->bank != bank || (uintptr_t)hva != 0);
    return hva != NULL;
}

/* A fast slot without an entry is allowed, as entries fall out; but not here. */
static bool has(struct tlb *tlb, enum tlb_bank bank, gva_t gva)
{
    bool known = tlb_find(tlb, bank, gva) != NULL;

    assert_true(known || !is_fast(tlb, bank, TLB_READ, gva));
    assert_true(known || !is_fast(tlb, bank, TLB_WRITE, gva));
    return known;
}

#define A UINT64_C(0x10000000)
#define B UINT64_C(0x10001000)
#define G UINT64_C(0xffffffc010002000)
#define SUPER UINT64_C(0x40205000) /* in the 2 MiB at 0x40200000 */
#define GIANT UINT64_C(0x85004000) /* in the 1 GiB at 0x80000000 */
#define NAPOT UINT64_C(0x20013000) /* in the 64 KiB at 0x20010000 */
enum {
    HAS_A = 1,
    HAS_B = 2,
    HAS_G = 4,
    HAS_SUPER = 8,
    HAS_GIANT = 16,
    HAS_NAPOT = 32,
    HAS_ALL = 63
};

static const struct {
    gva_t gva;
    uint16_t asid;
    uint8_t shift;
    bool global;
} pages[] = {
    { A, 1, 12, false },     { B, 2, 12, false },     { G, 1, 12, true },
    { SUPER, 1, 21, false }, { GIANT, 2, 30, false }, { NAPOT, 2, 16, false },
};

static void fill_all(struct tlb *tlb)
{
    tlb_flush_all(tlb);
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
        enter(tlb, pages[i].asid);
        for (enum tlb_bank bank = 0; bank < TLB_BANKS; bank++)
            put(tlb, bank, pages[i].gva, pages[i].shift, pages[i].global);
    }
}

/* A bit each, the same in all regimes of translations. Changes the space, which drops nothing. */
static unsigned left(struct tlb *tlb)
{
    unsigned bits = 0;

    for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
        bool is_left;

        enter(tlb, pages[i].asid);
        is_left = has(tlb, TLB_BANK_U, pages[i].gva);
        bits |= (unsigned)is_left << i;
        assert_int_equal(has(tlb, TLB_BANK_S, pages[i].gva), is_left);
        assert_int_equal(has(tlb, TLB_BANK_S_SUM, pages[i].gva), is_left);
        /* Never a matter of fences. */
        assert_true(is_fast(tlb, TLB_BANK_M, TLB_WRITE, pages[i].gva));
    }
    return bits;
}

TEST(fences_drop_what_they_name)
{
    struct tlb tlb;

    assert_int_equal(tlb_init(&tlb), 0);
    fill_all(&tlb);
    assert_int_equal(left(&tlb), HAS_ALL);
    tlb_flush_page(&tlb, A + 0x123);
    assert_int_equal(left(&tlb), HAS_ALL & ~HAS_A);
    tlb_flush_page(&tlb, A + MIB(16) + 0x1000); /* the same slot, another page */
    tlb_flush_page(&tlb, B + MIB(16) - 0x1000);
    assert_int_equal(left(&tlb), HAS_ALL & ~HAS_A);
    tlb_flush_page(&tlb, G);
    assert_int_equal(left(&tlb), HAS_ALL & ~HAS_A & ~HAS_G);
    fill_all(&tlb);
    tlb_flush_page_asid(&tlb, A, 2);
    tlb_flush_page_asid(&tlb, B, 1);
    tlb_flush_page_asid(&tlb, G, 1);
    tlb_flush_page_asid(&tlb, A, 77);
    assert_int_equal(left(&tlb), HAS_ALL);
    tlb_flush_page_asid(&tlb, A, 1);
    assert_int_equal(left(&tlb), HAS_ALL & ~HAS_A);
    fill_all(&tlb);
    tlb_flush_asid(&tlb, 1);
    assert_int_equal(left(&tlb), HAS_ALL & ~HAS_A & ~HAS_SUPER);
    fill_all(&tlb);
    tlb_flush_translations(&tlb);
    assert_int_equal(left(&tlb), 0);
    tlb_flush_all(&tlb);
    assert_false(has(&tlb, TLB_BANK_M, A));
    tlb_fini(&tlb);
}

TEST(any_address_of_a_large_leaf_names_all_of_it)
{
    struct tlb tlb;

    assert_int_equal(tlb_init(&tlb), 0);
    fill_all(&tlb);
    tlb_flush_page(&tlb, 0x40200000);
    assert_int_equal(left(&tlb), HAS_ALL & ~HAS_SUPER);
    tlb_flush_page(&tlb, 0x401ff000);
    tlb_flush_page(&tlb, 0x7ffff000);
    tlb_flush_page(&tlb, 0xc0000000);
    assert_int_equal(left(&tlb), HAS_ALL & ~HAS_SUPER);
    tlb_flush_page_asid(&tlb, 0xbffff000, 1);
    assert_int_equal(left(&tlb), HAS_ALL & ~HAS_SUPER);
    tlb_flush_page_asid(&tlb, 0xbffff000, 2);
    assert_int_equal(left(&tlb), HAS_ALL & ~HAS_SUPER & ~HAS_GIANT);
    fill_all(&tlb);
    tlb_flush_page(&tlb, 0x403ff000);
    tlb_flush_page(&tlb, 0x2000f000);
    tlb_flush_page(&tlb, 0x20020000);
    assert_int_equal(left(&tlb), HAS_ALL & ~HAS_SUPER);
    tlb_flush_page(&tlb, 0x2001f000);
    assert_int_equal(left(&tlb), HAS_ALL & ~HAS_SUPER & ~HAS_NAPOT);
    tlb_fini(&tlb);
}

/* U's and SUM's tables as they were; S's, which all spaces share, may have lost what is local. */
TEST(who_comes_back_finds_fast_what_was_fast)
{
    struct tlb tlb;

    assert_int_equal(tlb_init(&tlb), 0);
    for (unsigned asid = 1; asid <= TLB_SPACES; asid++) {
        tlb_switch_space(&tlb, (uint16_t)asid);
        put(&tlb, TLB_BANK_U, A, 12, false);
        put(&tlb, TLB_BANK_S_SUM, A + PAGE_SIZE_BYTES * asid, 12, false);
        put(&tlb, TLB_BANK_S, G, 12, true);
    }
    for (unsigned asid = 1; asid <= TLB_SPACES; asid++) {
        enter(&tlb, (uint16_t)asid);
        assert_true(is_fast(&tlb, TLB_BANK_U, TLB_READ, A));
        for (unsigned other = 1; other <= TLB_SPACES; other++)
            assert_int_equal(is_fast(&tlb, TLB_BANK_S_SUM, TLB_WRITE, A + PAGE_SIZE_BYTES * other),
                             other == asid);
        assert_true(is_fast(&tlb, TLB_BANK_S, TLB_READ, G));
    }
    assert_int_equal(tlb.stats.strangers, TLB_SPACES);
    /* One too many: who was here least lately is forgotten. */
    tlb_switch_space(&tlb, 99);
    assert_false(has(&tlb, TLB_BANK_U, A));
    tlb_switch_space(&tlb, 1);
    assert_false(has(&tlb, TLB_BANK_U, A));
    tlb_switch_space(&tlb, TLB_SPACES);
    assert_true(is_fast(&tlb, TLB_BANK_U, TLB_READ, A));
    /* The same again: with another root. */
    tlb_switch_space(&tlb, TLB_SPACES);
    assert_false(has(&tlb, TLB_BANK_U, A));
    assert_true(is_fast(&tlb, TLB_BANK_S, TLB_READ, G));
    /* Local pages in S's table do not outlive the space. */
    put(&tlb, TLB_BANK_S, B, 12, false);
    tlb_switch_space(&tlb, 99);
    assert_false(has(&tlb, TLB_BANK_S, B));
    tlb_fini(&tlb);
}

TEST(revoked_writes_go_and_reads_and_entries_stay)
{
    struct tlb tlb;

    assert_int_equal(tlb_init(&tlb), 0);
    fill_all(&tlb);
    tlb_forget_writes(&tlb);
    assert_false(is_fast(&tlb, TLB_BANK_M, TLB_WRITE, A));
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
        enter(&tlb, pages[i].asid);
        assert_false(is_fast(&tlb, TLB_BANK_U, TLB_WRITE, pages[i].gva));
        assert_true(is_fast(&tlb, TLB_BANK_U, TLB_READ, pages[i].gva));
        assert_non_null(tlb_find(&tlb, TLB_BANK_U, pages[i].gva));
    }
    tlb_forget_reads(&tlb);
    assert_true(is_fast(&tlb, TLB_BANK_M, TLB_READ, A));
    assert_false(is_fast(&tlb, TLB_BANK_S, TLB_READ, G));
    assert_non_null(tlb_find(&tlb, TLB_BANK_S, G));
    tlb_fini(&tlb);
}

static void fetch(struct tlb *tlb, enum tlb_bank bank, gva_t gva, unsigned shift, bool global)
{
    put(tlb, bank, gva, shift, global);
    tlb_fetched(tlb, bank, tlb_find(tlb, bank, gva));
}

TEST(code_numbers_change_when_fetched_code_may_have_moved)
{
    struct tlb tlb;
    uint64_t user, kernel;

    assert_int_equal(tlb_init(&tlb), 0);
    fill_all(&tlb);
    enter(&tlb, 1);
    user = tlb_code(&tlb, TLB_BANK_U);
    kernel = tlb_code(&tlb, TLB_BANK_S);
    tlb_flush_page(&tlb, A); /* data, as far as anybody asked */
    assert_int_equal(tlb_code(&tlb, TLB_BANK_U), user);
    fetch(&tlb, TLB_BANK_U, A, 12, false);
    fetch(&tlb, TLB_BANK_S, G, 12, true);
    tlb_flush_page(&tlb, B);
    tlb_flush_page_asid(&tlb, A, 2);
    tlb_flush_asid(&tlb, 2);
    assert_int_equal(tlb_code(&tlb, TLB_BANK_U), user);
    tlb_switch_space(&tlb, 2); /* another space has another number; the kernel's is everywhere */
    assert_int_not_equal(tlb_code(&tlb, TLB_BANK_U), user);
    assert_int_equal(tlb_code(&tlb, TLB_BANK_S), kernel);
    tlb_switch_space(&tlb, 1);
    assert_int_equal(tlb_code(&tlb, TLB_BANK_U), user);
    tlb_flush_page(&tlb, A);
    assert_int_not_equal(tlb_code(&tlb, TLB_BANK_U), user);
    assert_int_equal(tlb_code(&tlb, TLB_BANK_S), kernel);
    tlb_flush_page_asid(&tlb, G, 1);
    assert_int_equal(tlb_code(&tlb, TLB_BANK_S), kernel);
    tlb_flush_page(&tlb, G);
    assert_int_not_equal(tlb_code(&tlb, TLB_BANK_S), kernel);
    kernel = tlb_code(&tlb, TLB_BANK_S);
    user = tlb_code(&tlb, TLB_BANK_U);
    fetch(&tlb, TLB_BANK_U, SUPER, 21, false);
    tlb_flush_page(&tlb, SUPER ^ 0x5000); /* another page of the same leaf */
    assert_int_not_equal(tlb_code(&tlb, TLB_BANK_U), user);
    assert_int_equal(tlb_code(&tlb, TLB_BANK_S), kernel);
    /* A kernel that runs in the space's own pages goes with them. */
    fetch(&tlb, TLB_BANK_S, B, 12, false);
    tlb_switch_space(&tlb, 2);
    assert_int_not_equal(tlb_code(&tlb, TLB_BANK_S), kernel);
    kernel = tlb_code(&tlb, TLB_BANK_S);
    user = tlb_code(&tlb, TLB_BANK_U);
    tlb_flush_translations(&tlb);
    assert_int_not_equal(tlb_code(&tlb, TLB_BANK_U), user);
    assert_int_not_equal(tlb_code(&tlb, TLB_BANK_S), kernel);
    kernel = tlb_code(&tlb, TLB_BANK_M);
    tlb_new_code(&tlb);
    assert_int_not_equal(tlb_code(&tlb, TLB_BANK_M), kernel);
    tlb_fini(&tlb);
}

/* No address hits an empty slot, and only aligned ones within the page a full one. */
TEST(a_probe_hits_the_page_and_nothing_else)
{
    struct tlb tlb;

    assert_int_equal(tlb_init(&tlb), 0);
    tlb_set_bank(&tlb, TLB_BANK_U);
    for (unsigned round = 0; round < 2; round++) { /* never used; and used and emptied */
        for (gva_t gva = 0; gva < MIB(32); gva += PAGE_SIZE_BYTES) {
            assert_null(tlb_probe(tlb.table, TLB_READ, gva, 1));
            assert_null(tlb_probe(tlb.table, TLB_WRITE, gva | UINT64_MAX << 40, 1));
        }
        for (gva_t gva = 0; gva < MIB(16); gva += PAGE_SIZE_BYTES)
            put(&tlb, TLB_BANK_U, gva, 12, false);
        for (gva_t gva = MIB(16) * round; gva < MIB(16); gva += PAGE_SIZE_BYTES) {
            tlb_flush_page(&tlb, gva);
            assert_null(tlb_probe(tlb.table, TLB_READ, gva, 1));
        }
        tlb_flush_translations(&tlb);
    }
    put(&tlb, TLB_BANK_U, A, 12, false);
    for (unsigned size = 1; size <= 16; size *= 2) {
        for (gva_t off = 0; off < PAGE_SIZE_BYTES; off++) {
            void *hit = tlb_probe(tlb.table, TLB_READ, A + off, size);

            assert_int_equal(hit != NULL, off % size == 0);
            assert_null(tlb_probe(tlb.table, TLB_READ, A + MIB(16) + off, size));
            assert_null(tlb_probe(tlb.table, TLB_READ, B + off, size));
        }
    }
    tlb_fini(&tlb);
}

#define ROOT (RAM_BASE + 0x1000)

TEST(sfence_vma_passes_its_operands_on)
{
    uint64_t asid = 3, leaf = RAM_BASE >> PAGE_SHIFT << PTE_PPN_SHIFT | 0xcf;
    struct fixture f;
    uint64_t val;

    fixture_init(&f);
    fixture_ram(&f, ROOT)[0] = leaf;
    fixture_set(&f, CSR_SATP,
                (uint64_t)SATP_SV39 << SATP_MODE_SHIFT | asid << SATP_ASID_SHIFT |
                    ROOT >> PAGE_SHIFT);
    fixture_mode(&f, PRIV_S);
    for (unsigned n = 0; n < 16; n++) {
        bool has_gva = n & 1, gva_hits = n & 2, has_asid = n & 4, asid_hits = n & 8;

        assert_true(hart_load(&f.hart, 0x5000, 8, &val));
        assert_true(hart_sfence_vma(&f.hart, has_gva, gva_hits ? 0x5fff : GIB(7), has_asid,
                                    asid_hits ? asid | 1 << 16 : asid + 1));
        assert_int_equal(tlb_find(&f.hart.tlb, TLB_BANK_S, 0x5000) != NULL,
                         (has_gva && !gva_hits) || (has_asid && !asid_hits));
    }
    assert_true(hart_load(&f.hart, 0x5000, 8, &val));
    hart_request(&f.hart, HART_REQ_TLB_FLUSH);
    (void)hart_serve_requests(&f.hart);
    assert_null(tlb_find(&f.hart.tlb, TLB_BANK_S, 0x5000));
    fixture_fini(&f);
}

TEST(satp_chooses_the_space)
{
    uint64_t satp = (uint64_t)SATP_SV39 << SATP_MODE_SHIFT | ROOT >> PAGE_SHIFT;
    uint64_t leaf = RAM_BASE >> PAGE_SHIFT << PTE_PPN_SHIFT | 0xcf;
    gva_t global = ~(GIB(1) - 1) + 0x2000;
    struct fixture f;
    uint64_t val;

    fixture_init(&f);
    fixture_ram(&f, ROOT)[0] = leaf;
    fixture_ram(&f, ROOT)[511] = leaf | PTE_G;
    fixture_set(&f, CSR_SATP, satp);
    fixture_mode(&f, PRIV_S);
    assert_true(hart_load(&f.hart, 0x1000, 8, &val));
    assert_true(hart_load(&f.hart, global, 8, &val));
    fixture_set(&f, CSR_SATP, satp);
    assert_true(has(&f.hart.tlb, TLB_BANK_S, 0x1000));
    fixture_set(&f, CSR_SATP, satp | UINT64_C(5) << SATP_ASID_SHIFT);
    assert_false(has(&f.hart.tlb, TLB_BANK_S, 0x1000));
    assert_true(has(&f.hart.tlb, TLB_BANK_S, global));
    fixture_set(&f, CSR_SATP, satp);
    assert_true(has(&f.hart.tlb, TLB_BANK_S, 0x1000));
    fixture_set(&f, CSR_SATP, satp + 1); /* another root, the same ASID */
    assert_false(has(&f.hart.tlb, TLB_BANK_S, 0x1000));
    assert_true(has(&f.hart.tlb, TLB_BANK_S, global));
    fixture_set(&f, CSR_SATP, 0); /* bare: translations do not matter any more */
    assert_false(has(&f.hart.tlb, TLB_BANK_S, global));
    fixture_fini(&f);
}

static void remote(struct hart *hart, gva_t gva, uint64_t size, int asid)
{
    struct hart_fence fence = { gva, size, asid >= 0, (uint16_t)asid };

    hart_request(hart, hart_post_fence(hart, &fence));
    (void)hart_serve_requests(hart);
}

TEST(a_remote_fence_drops_what_it_names)
{
    struct fixture f;
    struct tlb *tlb = &f.hart.tlb;

    fixture_init(&f);
    fill_all(tlb);
    remote(&f.hart, A + 0xfff, 2, -1);
    assert_int_equal(left(tlb), HAS_ALL & ~HAS_A & ~HAS_B);
    fill_all(tlb);
    remote(&f.hart, A, PAGE_SIZE_BYTES, -1);
    assert_int_equal(left(tlb), HAS_ALL & ~HAS_A);
    remote(&f.hart, A, 0, -1);
    remote(&f.hart, B, PAGE_SIZE_BYTES, 1);
    assert_int_equal(left(tlb), HAS_ALL & ~HAS_A);
    remote(&f.hart, B - PAGE_SIZE_BYTES * 7, 8 * PAGE_SIZE_BYTES, 2);
    assert_int_equal(left(tlb), HAS_ALL & ~HAS_A & ~HAS_B);
    fill_all(tlb);
    remote(&f.hart, 0, UINT64_MAX, 2);
    assert_int_equal(left(tlb), HAS_A | HAS_G | HAS_SUPER);
    remote(&f.hart, 0, MIB(1), 1);
    assert_int_equal(left(tlb), HAS_G);
    remote(&f.hart, 0, UINT64_MAX, -1);
    assert_int_equal(left(tlb), 0);
    fixture_fini(&f);
}

TEST(remote_fences_without_a_place_drop_all)
{
    struct hart_fence fence = { A, PAGE_SIZE_BYTES, false, 0 };
    struct fixture f;

    fixture_init(&f);
    fill_all(&f.hart.tlb);
    for (unsigned i = 0; i < HART_FENCES; i++)
        assert_int_equal(hart_post_fence(&f.hart, &fence), HART_REQ_FENCE);
    assert_int_equal(hart_post_fence(&f.hart, &fence), HART_REQ_TLB_FLUSH);
    hart_request(&f.hart, HART_REQ_FENCE);
    (void)hart_serve_requests(&f.hart);
    assert_int_equal(left(&f.hart.tlb), HAS_ALL & ~HAS_A);
    assert_int_equal(hart_post_fence(&f.hart, &fence), HART_REQ_FENCE); /* there is room again */
    fixture_fini(&f);
}

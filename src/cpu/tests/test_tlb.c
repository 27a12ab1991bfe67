/* cpu/tests/test_tlb.c - what each flush drops and, as much, what it leaves. */
#include "tests/unit.h"

#include "cpu/tests/fixture.h"

static void put(struct tlb *tlb, enum tlb_bank bank, gva_t gva, unsigned level, unsigned asid,
                bool global)
{
    struct tlb_entry *entry = tlb_slot(tlb, bank, gva);
    gva_t page = gva & PAGE_ADDR_MASK;

    *entry = (struct tlb_entry){ .read = page,
                                 .write = page,
                                 .exec = page,
                                 .page = page,
                                 .gpa = page ^ 0x1000,
                                 .asid = (uint16_t)asid,
                                 .level = (uint8_t)level,
                                 .flags = global ? TLB_GLOBAL : 0 };
    tlb_filled(tlb, bank, entry);
}

static bool has(struct tlb *tlb, enum tlb_bank bank, gva_t gva)
{
    struct tlb_entry *entry = tlb_slot(tlb, bank, gva);

    assert_int_equal(entry->page == TLB_NONE, entry->read == TLB_NONE);
    return entry->read == (gva & PAGE_ADDR_MASK);
}

#define A UINT64_C(0x10000000)
#define B UINT64_C(0x10001000)
#define G UINT64_C(0x10002000)
#define SUPER UINT64_C(0x40205000) /* in the 2 MiB at 0x40200000 */
#define GIANT UINT64_C(0x85004000) /* in the 1 GiB at 0x80000000 */

static void fill_all(struct tlb *tlb)
{
    tlb_init(tlb);
    for (enum tlb_bank bank = 0; bank < TLB_BANKS; bank++) {
        put(tlb, bank, A, 0, 1, false);
        put(tlb, bank, B, 0, 2, false);
        put(tlb, bank, G, 0, 1, true);
        put(tlb, bank, SUPER, 1, 1, false);
        put(tlb, bank, GIANT, 2, 2, false);
    }
}

/* A bit each for A, B, G, SUPER, GIANT, the same in all banks of translations. */
static unsigned left(struct tlb *tlb)
{
    static const gva_t gva[] = { A, B, G, SUPER, GIANT };
    unsigned bits = 0;

    for (unsigned i = 0; i < ARRAY_LEN(gva); i++) {
        bits |= (unsigned)has(tlb, TLB_BANK_U, gva[i]) << i;
        assert_int_equal(has(tlb, TLB_BANK_S, gva[i]), has(tlb, TLB_BANK_U, gva[i]));
        assert_int_equal(has(tlb, TLB_BANK_S_SUM, gva[i]), has(tlb, TLB_BANK_U, gva[i]));
        assert_true(has(tlb, TLB_BANK_M, gva[i])); /* never a matter of fences */
    }
    return bits;
}

TEST(fences_drop_what_they_name)
{
    static struct tlb tlb;

    fill_all(&tlb);
    assert_int_equal(left(&tlb), 0x1f);
    tlb_flush_page(&tlb, A + 0x123);
    assert_int_equal(left(&tlb), 0x1e);
    tlb_flush_page(&tlb, A + MIB(1) + 0x1000); /* the same slot, another page */
    tlb_flush_page(&tlb, B + MIB(1) - 0x1000);
    assert_int_equal(left(&tlb), 0x1e);
    tlb_flush_page(&tlb, G);
    assert_int_equal(left(&tlb), 0x1a);
    fill_all(&tlb);
    tlb_flush_page_asid(&tlb, A, 2);
    tlb_flush_page_asid(&tlb, B, 1);
    tlb_flush_page_asid(&tlb, G, 1);
    assert_int_equal(left(&tlb), 0x1f);
    tlb_flush_page_asid(&tlb, A, 1);
    assert_int_equal(left(&tlb), 0x1e);
    fill_all(&tlb);
    tlb_flush_asid(&tlb, 1);
    assert_int_equal(left(&tlb), 0x16);
    fill_all(&tlb);
    tlb_switch_space(&tlb);
    assert_int_equal(left(&tlb), 0x04);
    fill_all(&tlb);
    tlb_flush_translations(&tlb);
    assert_int_equal(left(&tlb), 0);
    tlb_flush_all(&tlb);
    assert_false(has(&tlb, TLB_BANK_M, A));
}

TEST(any_address_of_a_superpage_names_all_of_it)
{
    static struct tlb tlb;

    fill_all(&tlb);
    tlb_flush_page(&tlb, 0x40200000);
    assert_int_equal(left(&tlb), 0x17);
    tlb_flush_page(&tlb, 0x401ff000);
    tlb_flush_page(&tlb, 0x7ffff000);
    tlb_flush_page(&tlb, 0xc0000000);
    assert_int_equal(left(&tlb), 0x17);
    tlb_flush_page_asid(&tlb, 0xbffff000, 1);
    assert_int_equal(left(&tlb), 0x17);
    tlb_flush_page_asid(&tlb, 0xbffff000, 2);
    assert_int_equal(left(&tlb), 0x07);
    fill_all(&tlb);
    tlb_flush_page(&tlb, 0x403ff000);
    assert_int_equal(left(&tlb), 0x17);
}

TEST(revoked_writes_become_slow_and_reads_stay)
{
    static struct tlb tlb;

    fill_all(&tlb);
    tlb_slot(&tlb, TLB_BANK_U, B)->write = TLB_NONE;
    tlb_flush_writes_to(&tlb, A ^ 0x1000);
    assert_int_equal(tlb_slot(&tlb, TLB_BANK_U, A)->write, A | TLB_SLOW);
    assert_int_equal(tlb_slot(&tlb, TLB_BANK_M, A)->write, A | TLB_SLOW);
    assert_int_equal(tlb_slot(&tlb, TLB_BANK_U, G)->write, G);
    tlb_flush_writes(&tlb);
    assert_int_equal(tlb_slot(&tlb, TLB_BANK_U, G)->write, G | TLB_SLOW);
    assert_int_equal(tlb_slot(&tlb, TLB_BANK_U, B)->write, TLB_NONE);
    assert_int_equal(left(&tlb), 0x1f);
}

TEST(generation_grows_when_fetched_code_may_have_moved)
{
    static struct tlb tlb;
    uint64_t before;

    fill_all(&tlb);
    before = tlb.generation;
    tlb_flush_page(&tlb, A); /* data, as far as anybody asked */
    assert_int_equal(tlb.generation, before);
    tlb_fetched(&tlb, A);
    tlb_flush_page(&tlb, B);
    assert_int_equal(tlb.generation, before);
    tlb_flush_page(&tlb, A);
    assert_int_not_equal(tlb.generation, before);
    before = tlb.generation;
    tlb_flush_page(&tlb, A);
    assert_int_equal(tlb.generation, before);
    tlb_fetched(&tlb, SUPER);
    tlb_flush_page(&tlb, SUPER ^ 0x5000); /* another page of the same leaf */
    assert_int_not_equal(tlb.generation, before);
    before = tlb.generation;
    tlb_flush_asid(&tlb, 9);
    assert_int_not_equal(tlb.generation, before);
    before = tlb.generation;
    tlb_flush_translations(&tlb);
    assert_int_not_equal(tlb.generation, before);
}

/* The fast compare of tlb.h must never take a slow or empty tag for a hit. */
TEST(slow_and_empty_tags_never_compare_equal)
{
    for (unsigned size = 1; size <= 16; size *= 2) {
        for (gva_t off = 0; off < PAGE_SIZE_BYTES; off++) {
            gva_t low = A + off, top = (UINT64_MAX & PAGE_ADDR_MASK) + off;
            uint64_t keep = PAGE_ADDR_MASK | (size - 1);

            assert_true((low & keep) != (A | TLB_SLOW));
            assert_true((top & keep) != TLB_NONE);
            assert_int_equal((low & keep) == A, off % size == 0);
            assert_false(tlb_tag_covers(TLB_NONE, top));
        }
    }
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
        assert_int_equal(has(&f.hart.tlb, TLB_BANK_S, 0x5000),
                         (has_gva && !gva_hits) || (has_asid && !asid_hits));
    }
    assert_true(hart_load(&f.hart, 0x5000, 8, &val));
    hart_request(&f.hart, HART_REQ_TLB_FLUSH);
    (void)hart_serve_requests(&f.hart);
    assert_false(has(&f.hart.tlb, TLB_BANK_S, 0x5000));
    fixture_fini(&f);
}

TEST(a_satp_write_keeps_global_entries_and_the_same_value_keeps_all)
{
    uint64_t satp = (uint64_t)SATP_SV39 << SATP_MODE_SHIFT | ROOT >> PAGE_SHIFT;
    uint64_t leaf = RAM_BASE >> PAGE_SHIFT << PTE_PPN_SHIFT | 0xcf;
    struct fixture f;
    uint64_t val;

    fixture_init(&f);
    fixture_ram(&f, ROOT)[0] = leaf;
    fixture_ram(&f, ROOT)[1] = leaf | PTE_G;
    fixture_set(&f, CSR_SATP, satp);
    fixture_mode(&f, PRIV_S);
    assert_true(hart_load(&f.hart, 0x1000, 8, &val));
    assert_true(hart_load(&f.hart, GIB(1) + 0x2000, 8, &val));
    fixture_set(&f, CSR_SATP, satp);
    assert_true(has(&f.hart.tlb, TLB_BANK_S, 0x1000));
    fixture_set(&f, CSR_SATP, satp | UINT64_C(5) << SATP_ASID_SHIFT);
    assert_false(has(&f.hart.tlb, TLB_BANK_S, 0x1000));
    assert_true(has(&f.hart.tlb, TLB_BANK_S, GIB(1) + 0x2000));
    fixture_set(&f, CSR_SATP, 0); /* bare: translations do not matter any more */
    assert_false(has(&f.hart.tlb, TLB_BANK_S, GIB(1) + 0x2000));
    fixture_fini(&f);
}

/* cpu/tests/test_access.c - loads, stores, atomics, fetches and cache-block operations on RAM,
 * ROM, a device and nothing; across pages; while somebody watches; while the map changes. */
#include "tests/unit.h"

#include "cpu/tests/fixture.h"

#define ROOT (RAM_BASE + 0x1000)
#define L1 (RAM_BASE + 0x2000)
#define L0 (RAM_BASE + 0x3000)
#define FIRST (RAM_BASE + 0x10000)  /* where gva 0x1000 leads */
#define SECOND (RAM_BASE + 0x20000) /* where gva 0x2000 leads */
#define FULL (PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)

static uint64_t pte(gpa_t gpa, uint64_t bits)
{
    return gpa >> PAGE_SHIFT << PTE_PPN_SHIFT | bits;
}

/* gva 0x1000 and 0x2000 lead to pages that are not neighbours. */
static void map_two(struct fixture *f, uint64_t first, uint64_t second)
{
    fixture_ram(f, ROOT)[0] = pte(L1, PTE_V);
    fixture_ram(f, L1)[0] = pte(L0, PTE_V);
    fixture_ram(f, L0)[1] = first;
    fixture_ram(f, L0)[2] = second;
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

static uint8_t *byte(struct fixture *f, gpa_t gpa)
{
    return f->ram->hva + (gpa - RAM_BASE);
}

TEST(every_size_at_every_offset_reads_and_writes_its_bytes)
{
    struct fixture f;
    uint64_t val;

    fixture_init(&f);
    map_two(&f, pte(FIRST, FULL), pte(SECOND, FULL));
    for (unsigned size = 1; size <= 8; size *= 2) {
        for (gva_t gva = 0x1ff0; gva <= 0x2008; gva++) {
            uint64_t pattern = UINT64_C(0x8877665544332211) >> (64 - 8 * size), want = 0;

            memset(byte(&f, FIRST + 0xff0), 0xcc, 16);
            memset(byte(&f, SECOND), 0xcc, 32);
            assert_true(hart_store(&f.hart, gva, size,
                                   pattern | (size < 8 ? ~UINT64_C(0) << 8 * size : 0)));
            for (unsigned i = 0; i < 48; i++) {
                gva_t at = 0x1ff0 + i;
                uint8_t got = at < 0x2000 ? *byte(&f, FIRST + (at & 0xfff))
                                          : *byte(&f, SECOND + (at & 0xfff));
                bool inside = at >= gva && at < gva + size;

                assert_int_equal(got, inside ? (uint8_t)(pattern >> 8 * (at - gva)) : 0xcc);
                want |= inside ? (uint64_t)got << 8 * (at - gva) : 0;
            }
            assert_true(hart_load(&f.hart, gva, size, &val));
            assert_int_equal(val, want); /* zero-extended */
        }
    }
    fixture_fini(&f);
}

TEST(a_crossing_access_that_faults_has_no_effect)
{
    struct fixture f;
    uint64_t val = 5;

    fixture_init(&f);
    map_two(&f, pte(FIRST, FULL), 0);
    *fixture_ram(&f, FIRST + 0xff8) = 0x1111;
    assert_false(hart_store(&f.hart, 0x1ffc, 8, UINT64_MAX));
    expect_fault(&f, CAUSE_STORE_PAGE, 0x2000); /* the part that failed */
    assert_int_equal(*fixture_ram(&f, FIRST + 0xff8), 0x1111);
    assert_false(hart_load(&f.hart, 0x1ffc, 8, &val));
    expect_fault(&f, CAUSE_LOAD_PAGE, 0x2000);
    assert_int_equal(val, 5);
    map_two(&f, 0, pte(SECOND, FULL));
    assert_false(hart_store(&f.hart, 0x1fff, 2, UINT64_MAX));
    expect_fault(&f, CAUSE_STORE_PAGE, 0x1fff);
    map_two(&f, pte(FIRST, FULL & ~PTE_W), pte(SECOND, FULL));
    assert_false(hart_store(&f.hart, 0x1fff, 2, UINT64_MAX));
    expect_fault(&f, CAUSE_STORE_PAGE, 0x1fff);
    /* Half in memory, half in a device: refused before either sees it. */
    map_two(&f, pte(FIRST, FULL), pte(DEV_BASE, FULL));
    assert_false(hart_store(&f.hart, 0x1ffc, 8, UINT64_MAX));
    expect_fault(&f, CAUSE_STORE_ACCESS, 0x2000);
    assert_int_equal(*fixture_ram(&f, FIRST + 0xff8), 0x1111);
    assert_int_equal(f.dev_writes, 0);
    fixture_fini(&f);
}

TEST(the_top_of_the_address_space_does_not_lead_to_its_bottom)
{
    struct fixture f;
    uint64_t val;

    fixture_init(&f);
    fixture_mode(&f, PRIV_M);
    assert_false(hart_load(&f.hart, UINT64_MAX - 3, 8, &val));
    expect_fault(&f, CAUSE_LOAD_ACCESS, UINT64_MAX - 3);
    assert_false(hart_store(&f.hart, UINT64_MAX, 1, 0));
    expect_fault(&f, CAUSE_STORE_ACCESS, UINT64_MAX);
    fixture_fini(&f);
}

TEST(devices_answer_and_refuse)
{
    struct fixture f;
    uint64_t val;

    fixture_init(&f);
    f.dev_value = 0x100;
    assert_true(hart_load(&f.hart, DEV_BASE + 4, 4, &val));
    assert_int_equal(val, 0x104);
    assert_true(hart_load(&f.hart, DEV_BASE + 8, 4, &val)); /* and again: it is not remembered */
    assert_int_equal(f.dev_reads, 2);
    assert_true(hart_store(&f.hart, DEV_BASE, 4, 7));
    assert_int_equal(f.dev_value, 7);
    assert_false(hart_load(&f.hart, DEV_BASE + 0x80, 4, &val));
    expect_fault(&f, CAUSE_LOAD_ACCESS, DEV_BASE + 0x80);
    assert_false(hart_store(&f.hart, DEV_BASE + 0x84, 4, 0));
    expect_fault(&f, CAUSE_STORE_ACCESS, DEV_BASE + 0x84);
    assert_false(hart_load(&f.hart, DEV_BASE + 2, 4, &val)); /* misaligned */
    expect_fault(&f, CAUSE_LOAD_ACCESS, DEV_BASE + 2);
    assert_false(hart_load(&f.hart, DEV_BASE + DEV_SIZE, 4, &val)); /* the page has no more */
    expect_fault(&f, CAUSE_LOAD_ACCESS, DEV_BASE + DEV_SIZE);
    assert_false(hart_load(&f.hart, 0x40000000, 4, &val)); /* nothing at all */
    expect_fault(&f, CAUSE_LOAD_ACCESS, 0x40000000);
    fixture_fini(&f);
}

TEST(rom_reads_and_executes_but_is_not_written)
{
    struct fixture f;
    const uint8_t *hva;
    uint64_t val;
    void *at;
    gpa_t gpa;

    fixture_init(&f);
    memset(f.rom->hva, 0x5a, PAGE_SIZE_BYTES);
    assert_true(hart_load(&f.hart, ROM_BASE + 3, 4, &val));
    assert_int_equal(val, 0x5a5a5a5a);
    assert_false(hart_store(&f.hart, ROM_BASE, 4, 0));
    expect_fault(&f, CAUSE_STORE_ACCESS, ROM_BASE);
    assert_false(hart_store(&f.hart, ROM_BASE + 0xffe, 4, 0));
    expect_fault(&f, CAUSE_STORE_ACCESS, ROM_BASE + 0xffe);
    assert_int_equal(f.rom->hva[0], 0x5a);
    assert_false(hart_atomic_ptr(&f.hart, ROM_BASE, 8, true, &at, &gpa));
    expect_fault(&f, CAUSE_STORE_ACCESS, ROM_BASE);
    assert_true(hart_atomic_ptr(&f.hart, ROM_BASE, 8, false, &at, &gpa));
    assert_true(hart_fetch_page(&f.hart, ROM_BASE + 6, &gpa, &hva));
    assert_ptr_equal(hva, f.rom->hva);
    assert_int_equal(gpa, ROM_BASE + 6);
    fixture_fini(&f);
}

static void *fast(const struct fixture *f, enum tlb_kind kind, gva_t gva)
{
    return tlb_probe(f->hart.tlb.table, kind, gva, 8);
}

TEST(fast_slots_are_for_unwatched_memory_only)
{
    struct fixture f;
    void *at;
    gpa_t gpa;
    uint64_t val;

    fixture_init(&f);
    assert_true(hart_load(&f.hart, FIRST, 8, &val));
    assert_ptr_equal(fast(&f, TLB_READ, FIRST), fixture_ram(&f, FIRST));
    assert_null(fast(&f, TLB_WRITE, FIRST)); /* each kind for itself */
    assert_true(hart_store(&f.hart, FIRST + 8, 8, 5));
    assert_ptr_equal(fast(&f, TLB_WRITE, FIRST), fixture_ram(&f, FIRST));

    ram_block_watch(f.ram, DIRTY_MIGRATION, (FIRST - RAM_BASE) / PAGE_SIZE_BYTES, 1);
    hart_request(&f.hart, HART_REQ_TLB_FLUSH_WRITES);
    (void)hart_serve_requests(&f.hart);
    assert_non_null(fast(&f, TLB_READ, FIRST));
    assert_null(fast(&f, TLB_WRITE, FIRST));
    assert_true(hart_store(&f.hart, FIRST + 8, 8, 99));
    assert_int_equal(*fixture_ram(&f, FIRST + 8), 99);
    assert_true(ram_block_is_dirty(f.ram, DIRTY_MIGRATION, (FIRST - RAM_BASE) / PAGE_SIZE_BYTES));
    assert_non_null(fast(&f, TLB_WRITE, FIRST)); /* the watch is used up */

    /* Found while watched. */
    ram_block_watch(f.ram, DIRTY_MIGRATION, (SECOND - RAM_BASE) / PAGE_SIZE_BYTES, 1);
    assert_true(hart_load(&f.hart, SECOND, 8, &val));
    assert_true(hart_atomic_ptr(&f.hart, SECOND, 8, false, &at, &gpa));
    assert_null(fast(&f, TLB_WRITE, SECOND));
    assert_false(ram_block_is_dirty(f.ram, DIRTY_MIGRATION, (SECOND - RAM_BASE) / PAGE_SIZE_BYTES));
    fixture_fini(&f);
}

TEST(watched_pages_hear_of_atomics_page_walks_and_crossing_stores)
{
    struct fixture f;
    size_t first = (FIRST - RAM_BASE) / PAGE_SIZE_BYTES, tables = (L0 - RAM_BASE) / PAGE_SIZE_BYTES;
    void *at;
    gpa_t gpa;

    fixture_init(&f);
    map_two(&f, pte(FIRST, FULL & ~PTE_D), pte(SECOND, FULL));
    ram_block_watch(f.ram, DIRTY_MIGRATION, 0, RAM_SIZE / PAGE_SIZE_BYTES);
    assert_true(hart_atomic_ptr(&f.hart, 0x1008, 8, true, &at, &gpa));
    assert_ptr_equal(at, fixture_ram(&f, FIRST + 8));
    assert_int_equal(gpa, FIRST + 8);
    assert_true(ram_block_is_dirty(f.ram, DIRTY_MIGRATION, tables)); /* D was set */
    /* told before the write, and, to who has asked again by then, after it */
    assert_true(ram_block_test_and_clear_dirty(f.ram, DIRTY_MIGRATION, first));
    ram_block_watch(f.ram, DIRTY_MIGRATION, first, 1);
    hart_atomic_done(&f.hart, gpa, 8);
    assert_true(ram_block_test_and_clear_dirty(f.ram, DIRTY_MIGRATION, first));
    ram_block_watch(f.ram, DIRTY_MIGRATION, first, 1);
    assert_true(hart_store(&f.hart, 0x1ffe, 4, 0));
    assert_true(ram_block_is_dirty(f.ram, DIRTY_MIGRATION, first));
    assert_true(ram_block_is_dirty(f.ram, DIRTY_MIGRATION, (SECOND - RAM_BASE) / PAGE_SIZE_BYTES));
    fixture_fini(&f);
}

TEST(atomics_must_be_aligned_and_in_ram)
{
    struct fixture f;
    void *at;
    gpa_t gpa;

    fixture_init(&f);
    map_two(&f, pte(FIRST, FULL), pte(DEV_BASE, FULL));
    assert_false(hart_atomic_ptr(&f.hart, 0x1004, 8, true, &at, &gpa));
    expect_fault(&f, CAUSE_STORE_MISALIGNED, 0x1004);
    assert_false(hart_atomic_ptr(&f.hart, 0x1002, 4, false, &at, &gpa));
    expect_fault(&f, CAUSE_LOAD_MISALIGNED, 0x1002);
    assert_false(hart_atomic_ptr(&f.hart, 0x1008, 16, true, &at, &gpa));
    expect_fault(&f, CAUSE_STORE_MISALIGNED, 0x1008);
    assert_false(hart_atomic_ptr(&f.hart, 0x2000, 4, true, &at, &gpa));
    expect_fault(&f, CAUSE_STORE_ACCESS, 0x2000);
    assert_false(hart_atomic_ptr(&f.hart, 0x2000, 4, false, &at, &gpa));
    expect_fault(&f, CAUSE_LOAD_ACCESS, 0x2000);
    assert_int_equal(f.dev_reads + f.dev_writes, 0);
    assert_false(hart_atomic_ptr(&f.hart, 0x5000, 4, true, &at, &gpa));
    expect_fault(&f, CAUSE_STORE_PAGE, 0x5000);
    fixture_fini(&f);
}

TEST(instructions_come_from_memory_in_parcels)
{
    struct fixture f;
    const uint8_t *hva;
    uint32_t raw;
    gpa_t gpa;

    fixture_init(&f);
    map_two(&f, pte(FIRST, FULL), pte(SECOND, FULL));
    *(uint16_t *)(void *)byte(&f, FIRST + 0xffe) = 0x4501; /* c.li a0, 0 */
    assert_true(hart_fetch_insn(&f.hart, 0x1ffe, &raw));
    assert_int_equal(raw, 0x4501);
    *(uint16_t *)(void *)byte(&f, FIRST + 0xffe) = 0x0513;
    *(uint16_t *)(void *)byte(&f, SECOND) = 0x1230;
    assert_true(hart_fetch_insn(&f.hart, 0x1ffe, &raw));
    assert_int_equal(raw, 0x12300513);
    map_two(&f, pte(FIRST, FULL), 0);
    assert_false(hart_fetch_insn(&f.hart, 0x1ffe, &raw));
    expect_fault(&f, CAUSE_FETCH_PAGE, 0x2000);
    map_two(&f, pte(DEV_BASE, FULL), pte(0x40000000, FULL));
    assert_false(hart_fetch_page(&f.hart, 0x1000, &gpa, &hva));
    expect_fault(&f, CAUSE_FETCH_ACCESS, 0x1000);
    assert_false(hart_fetch_page(&f.hart, 0x2004, &gpa, &hva));
    expect_fault(&f, CAUSE_FETCH_ACCESS, 0x2004);
    assert_int_equal(f.dev_reads, 0);
    fixture_fini(&f);
}

TEST(debug_translation_changes_nothing)
{
    struct fixture f;
    gpa_t gpa;

    fixture_init(&f);
    map_two(&f, pte(FIRST, PTE_V | PTE_X), 0);
    assert_true(hart_translate_debug(&f.hart, 0x1234, &gpa));
    assert_int_equal(gpa, FIRST + 0x234);
    assert_int_equal(fixture_ram(&f, L0)[1], pte(FIRST, PTE_V | PTE_X));
    assert_false(hart_translate_debug(&f.hart, 0x2000, &gpa));
    assert_false(f.hart.exc_raised);
    fixture_mode(&f, PRIV_M);
    assert_true(hart_translate_debug(&f.hart, 0x2000, &gpa));
    assert_int_equal(gpa, 0x2000);
    fixture_fini(&f);
}

enum { INVAL = 0, CLEAN = 1, FLUSH = 2, ZERO = 4 };

static bool cbo(struct fixture *f, unsigned op, gva_t gva)
{
    return hart_cbo(&f->hart, op, gva, 0xabcd);
}

TEST(cbo_zero_clears_its_block)
{
    struct fixture f;

    fixture_init(&f);
    map_two(&f, pte(FIRST, FULL), pte(DEV_BASE, FULL));
    fixture_set(&f, CSR_MENVCFG, MENVCFG_CBZE);
    memset(byte(&f, FIRST), 0xee, 256);
    assert_true(cbo(&f, ZERO, 0x1000 + 100));
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(*byte(&f, FIRST + i), i >= 64 && i < 128 ? 0 : 0xee);
    assert_non_null(fast(&f, TLB_WRITE, 0x1000)); /* the next one asks nobody */
    assert_true(cbo(&f, ZERO, 0x1000 + 191));
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(*byte(&f, FIRST + i), i >= 64 && i < 192 ? 0 : 0xee);
    ram_block_watch(f.ram, DIRTY_MIGRATION, (FIRST - RAM_BASE) / PAGE_SIZE_BYTES, 1);
    hart_request(&f.hart, HART_REQ_TLB_FLUSH_WRITES);
    (void)hart_serve_requests(&f.hart);
    assert_true(cbo(&f, ZERO, 0x1000));
    assert_true(ram_block_is_dirty(f.ram, DIRTY_MIGRATION, (FIRST - RAM_BASE) / PAGE_SIZE_BYTES));
    assert_false(cbo(&f, ZERO, 0x2000 + 5));
    expect_fault(&f, CAUSE_STORE_ACCESS, 0x2005);
    assert_int_equal(f.dev_writes, 0);
    map_two(&f, pte(FIRST, FULL & ~PTE_W), pte(DEV_BASE, FULL));
    assert_false(cbo(&f, ZERO, 0x1005));
    expect_fault(&f, CAUSE_STORE_PAGE, 0x1005);
    fixture_fini(&f);
}

TEST(cache_management_needs_what_a_load_needs_and_faults_as_a_store)
{
    struct fixture f;

    fixture_init(&f);
    fixture_set(&f, CSR_MENVCFG, MENVCFG_CBCFE | MENVCFG_CBIE | MENVCFG_ADUE);
    map_two(&f, pte(FIRST, PTE_V | PTE_R), pte(0x40000000, PTE_V | PTE_X | PTE_A));
    for (unsigned op = INVAL; op <= FLUSH; op++) {
        assert_true(cbo(&f, op, 0x1007));
        assert_false(cbo(&f, op, 0x3007));
        expect_fault(&f, CAUSE_STORE_PAGE, 0x3007);
    }
    assert_int_equal(fixture_ram(&f, L0)[1], pte(FIRST, PTE_V | PTE_R | PTE_A)); /* A, not D */
    fixture_fini(&f);
}

TEST(envcfg_gates_cache_operations)
{
    static const uint64_t field[] = {
        [INVAL] = ENVCFG_CBIE, [CLEAN] = ENVCFG_CBCFE, [FLUSH] = ENVCFG_CBCFE, [ZERO] = ENVCFG_CBZE
    };
    static const unsigned ops[] = { INVAL, CLEAN, FLUSH, ZERO };
    static const unsigned privs[] = { PRIV_U, PRIV_S, PRIV_M };
    struct fixture f;

    fixture_init(&f);
    for (unsigned n = 0; n < 4 * 3 * 4; n++) {
        unsigned op = ops[n % 4], priv = privs[n / 4 % 3], bits = n / 12;
        bool legal = priv == PRIV_M || ((bits & 1) && (priv == PRIV_S || (bits & 2)));

        fixture_mode(&f, PRIV_M);
        fixture_set(&f, CSR_MENVCFG, bits & 1 ? field[op] : 0);
        fixture_set(&f, CSR_SENVCFG, bits & 2 ? field[op] : 0);
        fixture_mode(&f, priv);
        assert_int_equal(cbo(&f, op, FIRST), legal);
        if (!legal)
            expect_fault(&f, CAUSE_ILLEGAL, 0xabcd);
    }
    /* The PMP is asked about the whole block; the fault names the address given. */
    fixture_mode(&f, PRIV_M);
    fixture_set(&f, CSR_PMPADDR0 + 1, UINT64_MAX);
    fixture_set(&f, CSR_PMPADDR0, (FIRST + 32) >> 2);
    fixture_set(&f, CSR_PMPCFG0,
                (PMPCFG_L | PMP_NAPOT << PMPCFG_A_SHIFT | PERM_RWX) << 8 | PMPCFG_L |
                    PMP_NA4 << PMPCFG_A_SHIFT);
    assert_false(cbo(&f, ZERO, FIRST + 8));
    expect_fault(&f, CAUSE_STORE_ACCESS, FIRST + 8);
    assert_true(cbo(&f, ZERO, FIRST + 64));
    assert_false(cbo(&f, 3, FIRST)); /* no such operation */
    expect_fault(&f, CAUSE_ILLEGAL, 0xabcd);
    f.isa.ext &= ~(UINT64_C(1) << ISA_EXT_ZICBOM | UINT64_C(1) << ISA_EXT_ZICBOZ);
    for (unsigned i = 0; i < 4; i++) {
        assert_false(cbo(&f, ops[i], FIRST));
        expect_fault(&f, CAUSE_ILLEGAL, 0xabcd);
    }
    fixture_fini(&f);
}

/* A switch in the device's place: a store to it hides the ROM behind it, at once for the hart
 * that stored. */
static struct mem_region *hidden;

static enum mem_result switch_write(struct mem_region *region, gpa_t off, unsigned size,
                                    uint64_t val)
{
    (void)region, (void)off, (void)size;
    mem_region_set_enabled(hidden, val != 0);
    return MEM_OK;
}

TEST(a_store_that_changes_the_map_is_seen_by_the_next_access)
{
    static const struct mem_region_ops ops = { .write = switch_write,
                                               .min_size = 4,
                                               .max_size = 4 };
    struct mem_region toggle;
    struct fixture f;
    uint64_t val;

    fixture_init(&f);
    hidden = &f.rom_region;
    mem_region_init_mmio(&toggle, "switch", PAGE_SIZE_BYTES, &ops, NULL);
    mem_region_add(&f.root, GIB(1), &toggle, 0);
    (void)hart_serve_requests(&f.hart);
    assert_true(hart_load(&f.hart, ROM_BASE, 8, &val));
    assert_true(hart_store(&f.hart, GIB(1), 4, 0));
    assert_false(hart_load(&f.hart, ROM_BASE, 8, &val));
    assert_true(hart_store(&f.hart, GIB(1), 4, 1));
    assert_true(hart_load(&f.hart, ROM_BASE, 8, &val));
    assert_true(hart_serve_requests(&f.hart) & HART_REQ_MAP_CHANGED);
    mem_region_del(&toggle);
    mem_read_unlock();
    mem_barrier();
    mem_read_lock();
    mem_region_fini(&toggle);
    fixture_fini(&f);
}

/* What flash does: a command written to it makes reads its own, until the next. */
static enum mem_result flash_read(struct mem_region *region, gpa_t off, unsigned size,
                                  uint64_t *val)
{
    (void)region, (void)size;
    *val = 0x80 + off;
    return MEM_OK;
}

static enum mem_result flash_write(struct mem_region *region, gpa_t off, unsigned size,
                                   uint64_t val)
{
    (void)off, (void)size;
    mem_region_set_romd(region, val == 0xff);
    return MEM_OK;
}

TEST(flash_is_memory_until_it_is_written_to)
{
    static const struct mem_region_ops ops = {
        .read = flash_read, .write = flash_write, .min_size = 1, .max_size = 4, .widen = true
    };
    struct mem_region flash;
    struct fixture f;
    const uint8_t *hva;
    uint64_t val;
    gpa_t gpa;

    fixture_init(&f);
    mem_region_init_rom_device(&flash, "flash", f.rom, &ops, NULL);
    mem_region_add(&f.root, GIB(1), &flash, 0);
    (void)hart_serve_requests(&f.hart);
    f.rom->hva[5] = 0x77;
    assert_true(hart_load(&f.hart, GIB(1) + 5, 1, &val));
    assert_int_equal(val, 0x77);
    assert_true(hart_fetch_page(&f.hart, GIB(1), &gpa, &hva));
    assert_true(hart_store(&f.hart, GIB(1), 1, 0x70));
    assert_true(hart_load(&f.hart, GIB(1) + 5, 1, &val));
    assert_int_equal(val, 0x85);
    assert_false(hart_fetch_page(&f.hart, GIB(1), &gpa, &hva));
    assert_true(hart_store(&f.hart, GIB(1), 1, 0xff));
    assert_true(hart_load(&f.hart, GIB(1) + 5, 1, &val));
    assert_int_equal(val, 0x77);
    mem_region_del(&flash);
    mem_read_unlock();
    mem_barrier();
    mem_read_lock();
    mem_region_fini(&flash);
    fixture_fini(&f);
}

TEST(state_written_from_outside_is_obeyed)
{
    struct fixture f;
    uint64_t val;

    fixture_init(&f);
    assert_true(hart_load(&f.hart, RAM_BASE, 8, &val));
    f.hart.s.priv = PRIV_U;
    f.hart.s.pmpcfg[0] = 0;
    f.hart.s.menvcfg |= MENVCFG_STCE;
    f.hart.s.stimecmp = 33;
    f.hart.s.mhpmevent[3] = 2;
    hart_state_changed(&f.hart);
    assert_false(hart_load(&f.hart, RAM_BASE, 8, &val));
    assert_int_equal(f.deadline, 33);
    hart_count(&f.hart, 4);
    assert_int_equal(f.hart.s.mhpmcounter[3], 4);
    fixture_fini(&f);
}

TEST(map_changes_reach_the_hart_by_request)
{
    struct mem_region more;
    struct fixture f;
    uint64_t val;
    void *at;
    gpa_t gpa;

    fixture_init(&f);
    assert_true(hart_load(&f.hart, RAM_BASE, 8, &val));
    assert_false(hart_load(&f.hart, GIB(5), 8, &val));
    mem_read_unlock(); /* an engine would go on until its next block; here we are between two */
    mem_region_init_ram(&more, "more", f.ram, 0, MIB(1));
    mem_region_add(&f.root, GIB(5), &more, 0);
    mem_region_set_enabled(&f.ram_region, false);
    mem_read_lock();
    assert_true(atomic_load(&f.hart.attention) & HART_ATTN_REQUEST);
    assert_true(hart_serve_requests(&f.hart) & HART_REQ_MAP_CHANGED);
    assert_false(hart_load(&f.hart, RAM_BASE, 8, &val));
    assert_true(hart_atomic_ptr(&f.hart, GIB(5), 8, true, &at, &gpa));
    assert_ptr_equal(at, f.ram->hva);
    mem_read_unlock();
    mem_space_log(f.space, f.ram, true);
    assert_true(hart_serve_requests(&f.hart) & HART_REQ_TLB_FLUSH_WRITES);
    mem_space_log(f.space, f.ram, false);
    assert_false(atomic_load(&f.hart.requests));
    mem_region_set_enabled(&f.ram_region, true);
    mem_region_del(&more);
    mem_barrier();
    mem_region_fini(&more);
    mem_read_lock();
    fixture_fini(&f);
}

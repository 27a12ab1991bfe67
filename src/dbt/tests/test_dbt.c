/*
 * dbt/tests/test_dbt.c - the dispatcher and the interpreter on small programs: what they remember
 * of code stays right when mappings, modes and the code itself change; faults and counters are
 * exact.
 */
#include "dbt/tests/fixture.h"
#include "tests/unit.h"

enum { A0 = 10, A1, A2, A3, A4, T0 = 5, T1, T2 };
enum { EVENT_INSTRUCTIONS = 2 };

#define PAGE(n) (RAM_BASE + (gpa_t)(n)*PAGE_SIZE_BYTES)
#define TABLES PAGE(512)
#define VIRTUAL UINT64_C(0x40000000)

/* ---- Sv39, one table of each level: pages of VIRTUAL on ---- */

static void map(struct fixture *f, unsigned index, gpa_t gpa, uint64_t flags)
{
    uint64_t *root = fixture_ram(f, TABLES), *mid = root + 512, *leaf = mid + 512;

    root[VIRTUAL >> 30] = (TABLES + PAGE_SIZE_BYTES) >> 12 << 10 | PTE_V;
    mid[0] = (TABLES + 2 * PAGE_SIZE_BYTES) >> 12 << 10 | PTE_V;
    leaf[index] = gpa >> 12 << 10 | PTE_V | PTE_A | PTE_D | flags;
}

static void paging_on(struct fixture *f)
{
    fixture_csr(f, 0, CSR_SATP, UINT64_C(8) << 60 | TABLES >> 12);
}

static uint64_t run_virtual(struct fixture *f, unsigned index)
{
    fixture_run_at(f, 0, VIRTUAL + index * PAGE_SIZE_BYTES);
    return fixture_state(f, 0)->x[A0];
}

TEST(a_program_runs_to_its_ecall)
{
    struct fixture f;

    fixture_init(&f, 1, 0);
    CODE(&f, RAM_BASE, LI(A0, 40), ADDI(A0, A0, 2), ECALL);
    fixture_run(&f, 0);
    assert_int_equal(fixture_state(&f, 0)->x[A0], 42);
    assert_int_equal(fixture_state(&f, 0)->pc, RAM_BASE + 12);
    fixture_fini(&f);
}

/* Two virtual pages map one page of memory; a jump from the first to the second stays within the
 * memory page, but not under another mapping. */
TEST(a_link_holds_under_every_mapping)
{
    enum { X = PTE_R | PTE_X };
    struct fixture f;

    fixture_init(&f, 1, 0);
    CODE(&f, PAGE(1), JAL(0, 0x1100));
    CODE(&f, PAGE(1) + 0x100, LI(A0, 1), ECALL);
    CODE(&f, PAGE(2) + 0x100, LI(A0, 2), ECALL);
    map(&f, 0, PAGE(1), X);
    map(&f, 1, PAGE(1), X);
    map(&f, 4, PAGE(1), X);
    map(&f, 5, PAGE(2), X);
    paging_on(&f);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(run_virtual(&f, 0), 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(run_virtual(&f, 4), 2);
    fixture_fini(&f);
}

TEST(a_fence_makes_new_mappings_count)
{
    struct fixture f;

    fixture_init(&f, 1, 0);
    for (unsigned i = 1; i <= 2; i++) {
        CODE(&f, PAGE(i), JAL(0, 8));
        CODE(&f, PAGE(i) + 8, LI(A0, i), ECALL);
    }
    map(&f, 0, PAGE(1), PTE_R | PTE_X);
    paging_on(&f);
    assert_int_equal(run_virtual(&f, 0), 1);
    map(&f, 0, PAGE(2), PTE_R | PTE_X);
    assert_true(hart_sfence_vma(&f.hart[0]->hart, true, VIRTUAL, false, 0));
    assert_int_equal(run_virtual(&f, 0), 2);
    map(&f, 0, PAGE(1), PTE_R | PTE_X);
    hart_request(&f.hart[0]->hart, HART_REQ_TLB_FLUSH); /* another hart's */
    assert_int_equal(run_virtual(&f, 0), 1);
    fixture_fini(&f);
}

/* A guess made before a flush is still right if the address leads to the same memory; not when its
 * block has gone. */
TEST(a_guess_is_remembered_while_its_block_lives)
{
    struct dbt_stats before, after;
    struct dbt_hart *dh;
    struct fixture f;

    fixture_init(&f, 1, 0);
    dh = f.hart[0]->dh;
    CODE(&f, PAGE(1), LI(A0, 1), ECALL);
    map(&f, 0, PAGE(1), PTE_R | PTE_X);
    paging_on(&f);
    assert_int_equal(run_virtual(&f, 0), 1);
    dbt_hart_get_stats(dh, &before);
    assert_true(hart_sfence_vma(dh->hart, true, VIRTUAL, false, 0));
    assert_int_equal(run_virtual(&f, 0), 1);
    dbt_hart_get_stats(dh, &after);
    assert_int_equal(after.remembered, before.remembered + 1);
    CODE(&f, PAGE(1), LI(A0, 2), ECALL);
    dbt_fence_i(dh);
    mem_barrier(); /* what was dropped is freed */
    assert_true(hart_sfence_vma(dh->hart, true, VIRTUAL, false, 0));
    assert_int_equal(run_virtual(&f, 0), 2);
    dbt_hart_get_stats(dh, &before);
    assert_int_equal(before.remembered, after.remembered);
    fixture_fini(&f);
}

/* What cannot be remembered by page still runs, an instruction at a time. */
TEST(code_runs_in_a_page_the_pmp_divides)
{
    enum { TOR_RWX = PMP_TOR << PMPCFG_A_SHIFT | PERM_RWX, TOR_NONE = PMP_TOR << PMPCFG_A_SHIFT };
    struct fixture f;

    fixture_init(&f, 1, 0);
    CODE(&f, RAM_BASE, LI(A0, 1), LI(A1, 2), JAL(0, 8), LI(A1, 0), asm_r(INSN_ADD, A0, A0, A1),
         ECALL);
    fixture_csr(&f, 0, CSR_PMPADDR0, (RAM_BASE + 0x40) >> 2);
    fixture_csr(&f, 0, CSR_PMPADDR0 + 1, (RAM_BASE + 0x80) >> 2);
    fixture_csr(&f, 0, CSR_PMPADDR0 + 2, UINT64_MAX);
    fixture_csr(&f, 0, CSR_PMPCFG0, TOR_RWX | TOR_NONE << 8 | TOR_RWX << 16);
    fixture_run(&f, 0);
    assert_int_equal(fixture_state(&f, 0)->x[A0], 3);
    /* and stops where it may not */
    CODE(&f, PAGE(3), asm_csr(INSN_CSRRS, A0, CSR_SCAUSE, 0), asm_csr(INSN_CSRRS, A1, CSR_STVAL, 0),
         ECALL);
    fixture_csr(&f, 0, CSR_STVEC, PAGE(3));
    CODE(&f, RAM_BASE + 0x3c, LI(A0, 1));
    fixture_run_at(&f, 0, RAM_BASE + 0x3c);
    assert_int_equal(fixture_state(&f, 0)->x[A0], CAUSE_FETCH_ACCESS);
    assert_int_equal(fixture_state(&f, 0)->x[A1], RAM_BASE + 0x40);
    fixture_fini(&f);
}

/* ---- faults and counters ---- */

TEST(a_fault_leaves_exactly_what_came_before)
{
    struct fixture f;
    struct riscv_state *s;

    fixture_init(&f, 1, 0);
    s = fixture_state(&f, 0);
    CODE(&f, RAM_BASE, LI(A0, 1), LI(A1, 2), LD(A1, 0, 8), LI(A0, 9));
    CODE(&f, PAGE(1), ECALL);
    fixture_csr(&f, 0, CSR_STVEC, PAGE(1));
    fixture_run(&f, 0);
    assert_int_equal(s->x[A0], 1);
    assert_int_equal(s->x[A1], 2);
    assert_int_equal(s->sepc, RAM_BASE + 8);
    assert_int_equal(s->scause, CAUSE_LOAD_ACCESS);
    assert_int_equal(s->stval, 8);
    fixture_fini(&f);
}

/* A helper in the middle of a block must not count what is behind it. */
TEST(instret_is_exact_after_a_fault_behind_a_helper)
{
    struct fixture f;

    fixture_init(&f, 1, 0);
    CODE(&f, RAM_BASE, asm_csr(INSN_CSRRS, A1, CSR_INSTRET, 0), asm_i(INSN_CBO_ZERO, 0, T0, 0),
         LD(A0, 0, 8), LI(A0, 0), LI(A0, 0), LI(A0, 0), LI(A0, 0));
    CODE(&f, PAGE(1), asm_csr(INSN_CSRRS, A2, CSR_INSTRET, 0), ECALL);
    fixture_csr(&f, 0, CSR_STVEC, PAGE(1));
    fixture_state(&f, 0)->x[T0] = PAGE(4);
    fixture_run(&f, 0);
    /* between the two: the first csrrs itself and cbo.zero */
    assert_int_equal(fixture_state(&f, 0)->x[A2] - fixture_state(&f, 0)->x[A1], 2);
    fixture_fini(&f);
}

TEST(a_counter_of_user_mode_counts_user_mode)
{
    struct fixture f;

    fixture_init(&f, 1, 0);
    CODE(&f, RAM_BASE, LI(A0, 1), LI(A0, 2), LI(A0, 3), LD(A0, 0, 8), LI(A0, 4));
    CODE(&f, PAGE(1), LI(A0, 0), LI(A0, 0), ECALL);
    fixture_csr(&f, 0, CSR_STVEC, PAGE(1));
    f.isa.ext |= UINT64_C(1) << ISA_EXT_SSCOFPMF;
    fixture_csr(&f, 0, CSR_MHPMEVENT3, EVENT_INSTRUCTIONS | MHPMEVENT_SINH);
    fixture_csr(&f, 0, CSR_MHPMEVENT3 + 1, EVENT_INSTRUCTIONS | MHPMEVENT_UINH);
    fixture_state(&f, 0)->priv = PRIV_U;
    hart_mode_changed(&f.hart[0]->hart);
    fixture_run(&f, 0);
    assert_int_equal(fixture_state(&f, 0)->mhpmcounter[3], 3);
    assert_int_equal(fixture_state(&f, 0)->mhpmcounter[4], 3);
    fixture_fini(&f);
}

/* ---- code that changes ---- */

/* a0 = what `li a0, n` at `at` says; the program stores a new one first when a1 is not 0. */
static void write_patcher(struct fixture *f, gpa_t at)
{
    CODE(f, RAM_BASE, asm_s(INSN_BEQ, 0, A1, 12), SW(A1, A2, 0), FENCE_I, JALR(0, A2, 0));
    CODE(f, at, LI(A0, 1), ECALL);
    fixture_state(f, 0)->x[A2] = at;
}

TEST(code_that_was_stored_runs_after_fence_i)
{
    struct fixture f;

    fixture_init(&f, 1, 0);
    write_patcher(&f, PAGE(1));
    fixture_run_at(&f, 0, RAM_BASE);
    assert_int_equal(fixture_state(&f, 0)->x[A0], 1);
    for (unsigned i = 2; i < 100; i++) {
        fixture_state(&f, 0)->x[A1] = LI(A0, i);
        fixture_run_at(&f, 0, RAM_BASE);
        assert_int_equal(fixture_state(&f, 0)->x[A0], i);
    }
    fixture_fini(&f);
}

/* The patched instruction is in the block that patches it. */
TEST(a_block_may_change_itself)
{
    struct fixture f;

    fixture_init(&f, 1, 0);
    CODE(&f, RAM_BASE, SW(A1, A2, 0), FENCE_I, LI(A0, 1), ECALL);
    fixture_state(&f, 0)->x[A2] = RAM_BASE + 8;
    for (unsigned i = 2; i < 50; i++) {
        fixture_state(&f, 0)->x[A1] = LI(A0, i);
        fixture_run_at(&f, 0, RAM_BASE);
        assert_int_equal(fixture_state(&f, 0)->x[A0], i);
    }
    fixture_fini(&f);
}

TEST(an_instruction_across_two_pages_may_change_in_either)
{
    uint32_t one = LI(A0, 1), two = ADDI(A0, A0, 2), three = LI(A0, 3);
    gpa_t at = PAGE(2) - 2;
    struct fixture f;
    uint16_t half;

    fixture_init(&f, 1, 0);
    CODE(&f, at, one, ECALL);
    fixture_run_at(&f, 0, at);
    assert_int_equal(fixture_state(&f, 0)->x[A0], 1);
    half = (uint16_t)(three >> 16); /* li a0, 3 and li a0, 1 differ in the second half only */
    assert_int_equal((uint16_t)three, (uint16_t)one);
    assert_int_equal(mem_write(f.space, PAGE(2), &half, 2), MEM_OK);
    dbt_fence_i(f.hart[0]->dh);
    fixture_run_at(&f, 0, at);
    assert_int_equal(fixture_state(&f, 0)->x[A0], 3);
    CODE(&f, at, two);
    dbt_fence_i(f.hart[0]->dh);
    fixture_run_at(&f, 0, at);
    assert_int_equal(fixture_state(&f, 0)->x[A0], 5);
    fixture_fini(&f);
}

TEST(an_instruction_at_the_page_s_end_may_become_long)
{
    gpa_t at = PAGE(2) - 2;
    struct fixture f;

    fixture_init(&f, 1, 0);
    CODE(&f, at, asm_i(INSN_C_LI, A0, 0, 5), ECALL);
    fixture_run_at(&f, 0, at);
    assert_int_equal(fixture_state(&f, 0)->x[A0], 5);
    CODE(&f, at, LI(A0, 6), ECALL);
    dbt_fence_i(f.hart[0]->dh);
    fixture_run_at(&f, 0, at);
    assert_int_equal(fixture_state(&f, 0)->x[A0], 6);
    fixture_fini(&f);
}

/* RISC-V permits either; that nothing is dropped is what makes fence.i cheap. */
TEST(fence_i_keeps_what_did_not_change)
{
    struct cache_stats before, after;
    struct fixture f;

    fixture_init(&f, 1, 0);
    CODE(&f, RAM_BASE, SW(A1, A2, 0x100), FENCE_I, ECALL);
    fixture_state(&f, 0)->x[A2] = RAM_BASE;
    fixture_run_at(&f, 0, RAM_BASE);
    dbt_get_cache_stats(f.dbt, &before);
    for (unsigned i = 0; i < 10; i++) {
        fixture_state(&f, 0)->x[A1] = i;
        fixture_run_at(&f, 0, RAM_BASE);
    }
    dbt_get_cache_stats(f.dbt, &after);
    assert_int_equal(after.translated, before.translated);
    assert_int_equal(after.dropped, 0);
    assert_int_equal(after.fences, before.fences + 10);
    fixture_fini(&f);
}

TEST(a_full_cache_starts_anew)
{
    enum { JUMPS = 900 };
    struct cache_stats stats;
    struct fixture f;

    fixture_init(&f, 1, 0);
    for (unsigned page = 1; page < 256; page++) {
        for (unsigned i = 0; i < JUMPS; i++)
            CODE(&f, PAGE(page) + 4 * i, JAL(0, 4));
        CODE(&f, PAGE(page) + 4 * JUMPS, ECALL);
    }
    for (unsigned page = 1; page < 256; page++)
        fixture_run_at(&f, 0, PAGE(page));
    dbt_get_cache_stats(f.dbt, &stats);
    assert_in_range(stats.bytes, 1, FIXTURE_CACHE_BYTES);
    assert_int_not_equal(stats.flushes, 0);
    assert_int_equal(stats.translated, stats.dropped + stats.blocks);
    fixture_fini(&f);
}

TEST(a_changed_map_is_obeyed)
{
    struct ram_block *other;
    struct mem_region over;
    struct fixture f;

    fixture_init(&f, 1, 0);
    CODE(&f, PAGE(1), LI(A0, 1), ECALL);
    fixture_run_at(&f, 0, PAGE(1));
    assert_int_equal(fixture_state(&f, 0)->x[A0], 1);
    assert_int_equal(ram_block_new(&other, "other", PAGE_SIZE_BYTES, NULL), 0);
    mem_region_init_ram(&over, "over", other, 0, PAGE_SIZE_BYTES);
    mem_region_add(&f.root, PAGE(1), &over, 1);
    CODE(&f, PAGE(1), LI(A0, 2), ECALL);
    fixture_run_at(&f, 0, PAGE(1));
    assert_int_equal(fixture_state(&f, 0)->x[A0], 2);
    mem_region_del(&over);
    fixture_run_at(&f, 0, PAGE(1));
    assert_int_equal(fixture_state(&f, 0)->x[A0], 1);
    mem_barrier();
    mem_region_fini(&over);
    ram_block_unref(other);
    fixture_fini(&f);
}

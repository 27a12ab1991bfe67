/*
 * dbt/tests/test_locks.c - what a hart does all the time takes no lock: a miss in the soft TLB, a
 * look-up of a block, an sfence.vma for itself alone.
 *
 * The linker leads every pthread_mutex_lock() of ours here (--wrap), where a thread counts its own.
 */
#include "dbt/tests/fixture.h"
#include "tests/unit.h"

#include <pthread.h>

enum { T0 = 5, T1, T2, S0 = 8, S1, A0, A1, A2, A3, A4 };
enum { PAGES = 256, FIRST_PAGE = 16 };
#define DATA (RAM_BASE + FIRST_PAGE * PAGE_SIZE_BYTES)

static __thread unsigned locks;

/* The linker's names. NOLINTBEGIN(readability-identifier-naming) */
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    locks++;
    return __real_pthread_mutex_lock(mutex);
}
/* NOLINTEND(readability-identifier-naming) */

static uint32_t branch(unsigned row, unsigned rs1, unsigned rs2, int64_t offset)
{
    return asm_insn((struct insn){
        .row = (uint16_t)row, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = offset });
}

/* Each page from a0 to a1: read, written, its code called; then what is known of it is dropped. At
 * the end of a turn everything is; s0 turns. */
static void write_program(struct fixture *f)
{
    gpa_t at = RAM_BASE, loop, turn;

    turn = at;
    at = CODE(f, at, ADDI(A2, A0, 0));
    loop = at;
    at = CODE(f, at, LD(T0, A2, 64), SD(T0, A2, 128), JALR(1, A2, 0),
              asm_insn((struct insn){ .row = INSN_SFENCE_VMA, .rs1 = A2 }),
              asm_r(INSN_ADD, A2, A2, A3));
    at = CODE(f, at, branch(INSN_BLTU, A2, A1, (int64_t)(loop - at)));
    at = CODE(f, at, asm_insn((struct insn){ .row = INSN_SFENCE_VMA }), ADDI(S0, S0, -1));
    at = CODE(f, at, branch(INSN_BNE, S0, 0, (int64_t)(turn - at)));
    CODE(f, at, ECALL);
    for (unsigned i = 0; i < PAGES; i++)
        CODE(f, DATA + i * PAGE_SIZE_BYTES, JALR(0, 1, 0));
}

static void run_turns(struct fixture *f, uint64_t turns)
{
    struct riscv_state *s = fixture_state(f, 0);

    s->x[A0] = DATA;
    s->x[A1] = DATA + PAGES * PAGE_SIZE_BYTES;
    s->x[A3] = PAGE_SIZE_BYTES;
    s->x[S0] = turns;
    fixture_run_at(f, 0, RAM_BASE);
}

static void check(struct fixture *f)
{
    struct dbt_stats before, after;
    const struct tlb_stats *now;
    struct tlb_stats tlb;

    write_program(f);
    locks = 0;
    run_turns(f, 40); /* blocks are made, and compiled: that may take locks */
    assert_int_not_equal(locks, 0);
    for (unsigned i = 0; i < 20; i++) /* the way out is compiled too, and linked */
        run_turns(f, 1);
    dbt_hart_get_stats(f->hart[0]->dh, &before);
    tlb = f->hart[0]->hart.tlb.stats;
    locks = 0;
    run_turns(f, 10);
    assert_int_equal(locks, 0);
    dbt_hart_get_stats(f->hart[0]->dh, &after);
    now = &f->hart[0]->hart.tlb.stats;
    assert_true(now->walks[TLB_READ] - tlb.walks[TLB_READ] >= 10 * PAGES);
    assert_true(now->asked[TLB_WRITE] - tlb.asked[TLB_WRITE] >= 10 * PAGES);
    assert_true(after.lookups - before.lookups >= 10 * PAGES);
}

TEST(interpreted_a_hart_takes_no_lock)
{
    struct fixture f;

    fixture_init(&f, 2, 0);
    check(&f);
    fixture_fini(&f);
}

TEST(compiled_a_hart_takes_no_lock)
{
    struct dbt_tuning tuning = dbt_tuning_default();
    struct fixture f;

    tuning.t2 = false; /* whose thread is told of loops under a lock of its own, once a loop */
    if (!fixture_init_jit(&f, 2, &tuning))
        skip();
    check(&f);
    fixture_fini(&f);
}

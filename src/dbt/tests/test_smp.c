/*
 * dbt/tests/test_smp.c - several harts on threads of their own: code one of them changes, atomics
 * on one word, blocks dropped under each other's feet. Also under TSan.
 */
#include "dbt/tests/fixture.h"
#include "tests/unit.h"

#include <pthread.h>
#include <sched.h>

enum { RA = 1, T0 = 5, T1, T2, S0 = 8, S1, A0, A1, A2, A3, A4, A5, A6, A7 };
enum { S2 = 18, S3, T3 = 28 };
enum { ROUNDS = 3 };

#define PAGE(n) (RAM_BASE + (gpa_t)(n)*PAGE_SIZE_BYTES)
#define BNE(rs1, rs2, offset) branch(INSN_BNE, rs1, rs2, offset)
#define BEQ(rs1, rs2, offset) branch(INSN_BEQ, rs1, rs2, offset)

static uint32_t branch(unsigned row, unsigned rs1, unsigned rs2, int64_t offset)
{
    return asm_insn((struct insn){
        .row = (uint16_t)row, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = offset });
}

static uint32_t amo(unsigned row, unsigned rd, unsigned rs1, unsigned rs2)
{
    return asm_insn((struct insn){ .row = (uint16_t)row,
                                   .rd = (uint8_t)rd,
                                   .rs1 = (uint8_t)rs1,
                                   .rs2 = (uint8_t)rs2,
                                   .aq = 1,
                                   .rl = 1 });
}

/* ---- harts on threads ---- */

struct job {
    struct fixture *f;
    unsigned hart;
    pthread_t thread;
};

static void *run_job(void *arg)
{
    struct job *job = arg;

    mem_thread_register();
    fixture_run(job->f, job->hart);
    mem_thread_unregister();
    return NULL;
}

/* Each hart from its own pc, until all have made their ecall. */
static void run_all(struct fixture *f)
{
    struct job job[FIXTURE_HARTS];

    for (unsigned i = 0; i < f->harts; i++) {
        job[i].f = f;
        job[i].hart = i;
        assert_int_equal(pthread_create(&job[i].thread, NULL, run_job, &job[i]), 0);
    }
    for (unsigned i = 0; i < f->harts; i++)
        pthread_join(job[i].thread, NULL);
}

/* ---- changed code ---- */

enum { CHANGES = 1000 }; /* no more than fit an immediate */

/* Hart 0: sees the word at a2 change, executes fence.i, and calls it: it must do what was seen.
 * s0 counts where it did not. */
static void write_reader(struct fixture *f, gpa_t at)
{
    CODE(f, at, LW(T1, A2, 0), BEQ(T1, T2, -4), ADDI(T2, T1, 0), FENCE_I, JALR(RA, A2, 0),
         asm_i(INSN_SRAI, T3, T1, 20), BEQ(T3, A0, 8), ADDI(S0, S0, 1), SW(T3, A3, 0),
         BNE(T3, A4, -36), ECALL);
}

/* Hart 1: stores `li a0, n` for n = 1.. and waits until hart 0 has told that it has seen it. */
static void write_writer(struct fixture *f, gpa_t at)
{
    CODE(f, at, asm_r(INSN_ADD, T1, T1, A5), ADDI(A0, A0, 1), SW(T1, A2, 0),
         asm_i(INSN_WRS_NTO, 0, 0, 0), LW(T2, A3, 0), BNE(T2, A0, -8), BNE(A0, A4, -24), ECALL);
}

/* The others: nothing but fence.i, so that there is a crowd at the lock, until it is over. */
static void write_fencer(struct fixture *f, gpa_t at)
{
    CODE(f, at, FENCE_I, LW(T2, A3, 0), BNE(T2, A4, -8), ECALL);
}

static void set_up_change(struct fixture *f)
{
    gpa_t patched = PAGE(8), seen = PAGE(16);
    struct riscv_state *s;

    write_reader(f, PAGE(1));
    write_writer(f, PAGE(2));
    write_fencer(f, PAGE(3));
    CODE(f, patched, LI(A0, 0), JALR(0, RA, 0));
    for (unsigned i = 0; i < f->harts; i++) {
        s = fixture_state(f, i);
        s->pc = PAGE(i < 2 ? 1 + i : 3);
        s->x[A2] = patched;
        s->x[A3] = seen;
        s->x[A4] = CHANGES;
        s->x[T1] = s->x[T2] = LI(A0, 0);
        s->x[A5] = 1 << 20;
        s->x[A0] = 0;
    }
    fixture_state(f, 0)->x[S0] = 0;
    memset(fixture_ram(f, seen), 0, 8);
}

/* "A FENCE.I ensures that a subsequent fetch sees any data stores already visible to the same
 * hart" ("Zifencei"): seen by a load is visible, even if the storing hart has got no further. */
TEST(a_store_that_was_seen_is_fetched_after_fence_i)
{
    struct fixture f;

    fixture_init(&f, 3, 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        set_up_change(&f);
        run_all(&f);
        assert_int_equal(fixture_state(&f, 0)->x[S0], 0);
    }
    fixture_fini(&f);
}

/* ---- atomics ---- */

static void set_all(struct fixture *f, gpa_t pc, uint64_t times)
{
    for (unsigned i = 0; i < f->harts; i++) {
        struct riscv_state *s = fixture_state(f, i);

        s->pc = pc;
        s->x[A2] = PAGE(16);
        s->x[S0] = times;
        s->x[A1] = 1;
    }
    memset(fixture_ram(f, PAGE(16)), 0, 64);
}

static uint64_t word(struct fixture *f, unsigned index)
{
    return ((uint64_t *)fixture_ram(f, PAGE(16)))[index];
}

TEST(amos_lose_no_count)
{
    enum { TIMES = 3000 };
    struct fixture f;

    fixture_init(&f, FIXTURE_HARTS, 0);
    CODE(&f, PAGE(1), amo(INSN_AMOADD_D, 0, A2, A1), ADDI(A2, A2, 8),
         amo(INSN_AMOADD_W, A0, A2, A1), ADDI(A2, A2, 8), amo(INSN_AMOMAXU_D, 0, A2, S0),
         ADDI(A2, A2, -16), ADDI(S0, S0, -1), BNE(S0, 0, -28), ECALL);
    set_all(&f, PAGE(1), TIMES);
    run_all(&f);
    assert_int_equal(word(&f, 0), FIXTURE_HARTS * TIMES);
    assert_int_equal(word(&f, 1), FIXTURE_HARTS * TIMES);
    assert_int_equal(word(&f, 2), TIMES);
    fixture_fini(&f);
}

TEST(lr_sc_loops_lose_no_count)
{
    enum { TIMES = 3000 };
    struct fixture f;

    fixture_init(&f, FIXTURE_HARTS, 0);
    CODE(&f, PAGE(1), amo(INSN_LR_D, T0, A2, 0), ADDI(T0, T0, 1), amo(INSN_SC_D, T1, A2, T0),
         BNE(T1, 0, -12), ADDI(S0, S0, -1), BNE(S0, 0, -20), ECALL);
    set_all(&f, PAGE(1), TIMES);
    run_all(&f);
    assert_int_equal(word(&f, 0), FIXTURE_HARTS * TIMES);
    fixture_fini(&f);
}

/* The word moves in steps of a hart's own: whoever swaps by a value gone stale, loses some. */
TEST(compare_and_swap_loses_no_count)
{
    enum { TIMES = 3000 };
    struct fixture f;

    fixture_init(&f, FIXTURE_HARTS, 0);
    CODE(&f, PAGE(1), LD(T0, A2, 0), ADDI(T1, T0, 0), ADDI(T2, T0, 1),
         amo(INSN_AMOCAS_D, T1, A2, T2), BNE(T1, T0, -16), ADDI(S0, S0, -1), BNE(S0, 0, -24),
         ECALL);
    set_all(&f, PAGE(1), TIMES);
    run_all(&f);
    assert_int_equal(word(&f, 0), FIXTURE_HARTS * TIMES);
    fixture_fini(&f);
}

/* A lock of amoswap.aq and .rl, plain loads and stores inside. */
TEST(what_a_lock_guards_is_whole)
{
    enum { TIMES = 1000 };
    struct fixture f;

    fixture_init(&f, FIXTURE_HARTS, 0);
    CODE(&f, PAGE(1), amo(INSN_AMOSWAP_W, T0, A2, A1), BNE(T0, 0, -4), LD(T1, A2, 8),
         ADDI(T1, T1, 1), SD(T1, A2, 8), LD(T2, A2, 16), ADDI(T2, T2, 1), SD(T2, A2, 16),
         amo(INSN_AMOSWAP_W, 0, A2, 0), ADDI(S0, S0, -1), BNE(S0, 0, -40), ECALL);
    set_all(&f, PAGE(1), TIMES);
    run_all(&f);
    assert_int_equal(word(&f, 1), FIXTURE_HARTS * TIMES);
    assert_int_equal(word(&f, 2), FIXTURE_HARTS * TIMES);
    fixture_fini(&f);
}

/* ---- blocks that go while others run them ---- */

/* All harts run through all pages; one drops everything all the time, another changes the code. */
struct dropper {
    struct fixture *f;
    _Atomic bool stop;
};

static void *drop_blocks(void *arg)
{
    struct dropper *dropper = arg;
    struct fixture *f = dropper->f;
    unsigned page = 0;

    mem_thread_register();
    while (!atomic_load(&dropper->stop)) {
        gpa_t at = PAGE(32 + page++ % 8) + 4;
        uint32_t same = LI(A0, 1 + page % 3);

        assert_int_equal(mem_write(f->space, at, &same, sizeof(same)), MEM_OK);
        hart_request(&f->hart[0]->hart, page % 64 ? HART_REQ_FENCE_I : HART_REQ_MAP_CHANGED);
        (void)sched_yield();
    }
    mem_thread_unregister();
    return NULL;
}

TEST(blocks_may_go_while_they_run)
{
    enum { TIMES = 3000 };
    struct dropper dropper;
    struct fixture f;
    pthread_t thread;

    fixture_init(&f, FIXTURE_HARTS, 0);
    for (unsigned i = 0; i < 8; i++)
        CODE(&f, PAGE(32 + i), ADDI(S1, S1, 1), LI(A0, 1), JAL(0, 0xff8));
    CODE(&f, PAGE(40), ADDI(S0, S0, -1), BEQ(S0, 0, 12), JALR(0, A2, 0), LI(0, 0), ECALL);
    set_all(&f, PAGE(32), TIMES);
    for (unsigned i = 0; i < f.harts; i++) {
        fixture_state(&f, i)->x[A2] = PAGE(32);
        fixture_state(&f, i)->x[S1] = 0;
    }
    dropper.f = &f;
    atomic_init(&dropper.stop, false);
    assert_int_equal(pthread_create(&thread, NULL, drop_blocks, &dropper), 0);
    run_all(&f);
    atomic_store(&dropper.stop, true);
    pthread_join(thread, NULL);
    for (unsigned i = 0; i < f.harts; i++)
        assert_int_equal(fixture_state(&f, i)->x[S1], 8 * TIMES);
    fixture_fini(&f);
}

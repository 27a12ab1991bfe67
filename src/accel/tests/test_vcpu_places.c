/*
 * accel/tests/test_vcpu.c - a vCPU's thread in each of its places, and on its way between them.
 * Under TSan too.
 */
#include "tests/unit.h"

#include <errno.h>
#include <string.h>

#include "accel/tests/engine.h"
#include "isa/riscv/bits.h"
#include "isa/riscv/csr.h"

static void count_only(struct engine *engine, struct vcpu *vcpu)
{
    (void)engine, (void)vcpu;
}

static void start(struct engine *e, unsigned hart)
{
    vcpu_set_started(e->vcpu[hart], true);
    vcpu_resume(e->vcpu[hart]);
}

static void pause_and_wait(struct vcpu *vcpu)
{
    vcpu_pause(vcpu);
    vcpu_wait_parked(vcpu);
}

TEST(a_new_vcpu_is_parked_and_can_go)
{
    struct engine e;

    engine_init(&e, 1, count_only);
    vcpu_wait_parked(e.vcpu[0]);
    assert_int_equal(atomic_load(&e.blocks[0]), 0);
    assert_int_equal(vcpu_state(e.vcpu[0]), VCPU_STOPPED);
    engine_fini(&e);
    vcpu_free(NULL);
}

TEST(a_running_vcpu_can_go)
{
    struct engine e;

    engine_init(&e, 1, count_only);
    start(&e, 0);
    engine_wait(&e.blocks[0], 10);
    engine_fini(&e);
}

TEST(a_paused_vcpu_stands_still)
{
    struct engine e;

    engine_init(&e, 2, count_only);
    start(&e, 0);
    start(&e, 1);
    for (unsigned round = 0; round < 40; round++) {
        uint64_t seen[2];

        engine_wait(&e.blocks[0], atomic_load(&e.blocks[0]) + 1);
        engine_wait(&e.blocks[1], atomic_load(&e.blocks[1]) + 1);
        vcpu_pause(e.vcpu[0]);
        vcpu_pause(e.vcpu[1]);
        for (unsigned i = 0; i < 2; i++) {
            vcpu_wait_parked(e.vcpu[i]);
            seen[i] = atomic_load(&e.blocks[i]);
        }
        /* Registers are ours now: TSan objects if the thread still touches them. */
        e.vcpu[0]->hart.s.x[5] = round;
        e.vcpu[1]->hart.s.x[5] = round;
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(atomic_load(&e.blocks[i]), seen[i]);
            vcpu_resume(e.vcpu[i]);
        }
    }
    engine_fini(&e);
}

/* ---- wfi ---- */

/* Every other block is a wfi; software interrupts end it and are taken back. */
static void sleep_often(struct engine *engine, struct vcpu *vcpu)
{
    (void)engine;
    hart_set_irq_line(&vcpu->hart, IRQ_MSI, false);
    engine_wfi(vcpu);
}

static void enable_software_interrupt(struct engine *e, unsigned hart)
{
    assert_true(hart_csr_poke(&e->vcpu[hart]->hart, CSR_MIE, MIP_MSIP));
}

TEST(wfi_sleeps_until_an_interrupt_is_pending)
{
    struct engine e;

    engine_init(&e, 1, sleep_often);
    enable_software_interrupt(&e, 0);
    start(&e, 0);
    for (uint64_t n = 1; n <= 100; n++) {
        engine_wait(&e.blocks[0], n);
        engine_wait_asleep(e.vcpu[0]);
        assert_int_equal(atomic_load(&e.blocks[0]), n);
        hart_set_irq_line(&e.vcpu[0]->hart, IRQ_MSI, true);
    }
    engine_wait(&e.blocks[0], 101);
    engine_fini(&e);
}

TEST(an_interrupt_that_is_not_enabled_ends_no_wfi)
{
    struct engine e;

    engine_init(&e, 1, sleep_often);
    enable_software_interrupt(&e, 0);
    start(&e, 0);
    engine_wait(&e.blocks[0], 1);
    engine_wait_asleep(e.vcpu[0]);
    hart_set_irq_line(&e.vcpu[0]->hart, IRQ_MTI, true);
    hart_set_irq_line(&e.vcpu[0]->hart, IRQ_SEI, true);
    pause_and_wait(e.vcpu[0]); /* by now it would have woken */
    assert_int_equal(atomic_load(&e.blocks[0]), 1);
    vcpu_resume(e.vcpu[0]);
    engine_wait_asleep(e.vcpu[0]); /* and goes on sleeping after a pause */
    assert_int_equal(atomic_load(&e.blocks[0]), 1);
    hart_set_irq_line(&e.vcpu[0]->hart, IRQ_MSI, true);
    engine_wait(&e.blocks[0], 2);
    engine_fini(&e);
}

/* The interrupt comes at any time, also between the wfi and the sleep: none may be lost. */
TEST(no_interrupt_is_slept_past)
{
    enum { ROUNDS = 20000 };
    struct engine e;

    engine_init(&e, 1, sleep_often);
    enable_software_interrupt(&e, 0);
    start(&e, 0);
    for (uint64_t n = 0; n < ROUNDS; n++) {
        uint64_t seen = atomic_load(&e.blocks[0]);

        hart_set_irq_line(&e.vcpu[0]->hart, IRQ_MSI, true);
        engine_wait(&e.blocks[0], seen + 1);
    }
    engine_fini(&e);
}

TEST(a_sleeper_serves_requests_and_sleeps_on)
{
    struct engine e;

    engine_init(&e, 1, sleep_often);
    enable_software_interrupt(&e, 0);
    start(&e, 0);
    engine_wait(&e.blocks[0], 1);
    for (uint64_t n = 1; n <= 100; n++) {
        engine_wait_asleep(e.vcpu[0]);
        hart_request(&e.vcpu[0]->hart, HART_REQ_FENCE_I);
        engine_wait(&e.fences[0], n);
    }
    engine_wait_asleep(e.vcpu[0]);
    assert_int_equal(atomic_load(&e.blocks[0]), 1);
    engine_fini(&e);
}

/* ---- SBI HSM ---- */

struct places {
    _Atomic uint64_t started, stopped;
    _Atomic uint64_t pc, a0, a1;
};

/* Notes where it was started, and stops. */
static void note_and_stop(struct engine *engine, struct vcpu *vcpu)
{
    struct places *places = engine->test;

    atomic_store(&places->pc, vcpu->hart.s.pc);
    atomic_store(&places->a0, vcpu->hart.s.x[10]);
    atomic_store(&places->a1, vcpu->hart.s.x[11]);
    vcpu_stop_self(vcpu);
    atomic_fetch_add(&places->started, 1);
}

TEST(a_stopped_hart_starts_where_it_is_told)
{
    struct places places = { 0 };
    struct engine e;

    engine_init(&e, 2, note_and_stop);
    e.test = &places;
    vcpu_resume(e.vcpu[1]);
    engine_wait_asleep(e.vcpu[1]);
    hart_set_irq_line(&e.vcpu[1]->hart, IRQ_MSI, true); /* starts nobody */
    for (uint64_t n = 1; n <= 1000; n++) {
        assert_true(vcpu_start(e.vcpu[1], 0x80000000 + 4 * n, n));
        engine_wait(&places.started, n);
        assert_int_equal(atomic_load(&places.pc), 0x80000000 + 4 * n);
        assert_int_equal(atomic_load(&places.a0), 1);
        assert_int_equal(atomic_load(&places.a1), n);
        while (vcpu_state(e.vcpu[1]) != VCPU_STOPPED)
            ;
    }
    assert_int_equal(vcpu_state(e.vcpu[0]), VCPU_STOPPED);
    assert_int_equal(atomic_load(&e.blocks[1]), 1000);
    engine_fini(&e);
}

TEST(only_a_stopped_hart_starts)
{
    struct engine e;

    engine_init(&e, 1, count_only);
    assert_true(vcpu_start(e.vcpu[0], 0x80000000, 0)); /* while it is parked */
    assert_int_equal(vcpu_state(e.vcpu[0]), VCPU_START_PENDING);
    assert_false(vcpu_start(e.vcpu[0], 0x80000000, 0));
    vcpu_resume(e.vcpu[0]);
    engine_wait(&e.blocks[0], 1);
    assert_int_equal(vcpu_state(e.vcpu[0]), VCPU_STARTED);
    assert_false(vcpu_start(e.vcpu[0], 0x80000000, 0));
    engine_fini(&e);
}

/* Suspends: retentive in even blocks, to another place in odd ones. */
static void suspend(struct engine *engine, struct vcpu *vcpu)
{
    struct places *places = engine->test;
    bool retentive = atomic_load(&engine->blocks[vcpu->index]) % 2 == 0;

    hart_set_irq_line(&vcpu->hart, IRQ_SSI, false);
    vcpu->hart.s.mip = 0;
    atomic_store(&places->pc, vcpu->hart.s.pc);
    atomic_store(&places->a1, vcpu->hart.s.x[11]);
    vcpu->hart.s.pc = 0x1000;
    vcpu->hart.s.x[11] = 1;
    vcpu->hart.s.mie = MIP_SSIP;
    vcpu_suspend_self(vcpu, retentive, 0x2000, 2);
}

TEST(a_suspended_hart_wakes_here_or_elsewhere)
{
    struct places places = { 0 };
    struct engine e;

    engine_init(&e, 1, suspend);
    e.test = &places;
    start(&e, 0);
    for (uint64_t n = 1; n <= 100; n++) {
        engine_wait(&e.blocks[0], n);
        engine_wait_asleep(e.vcpu[0]);
        assert_int_equal(vcpu_state(e.vcpu[0]), VCPU_SUSPENDED);
        hart_request(&e.vcpu[0]->hart, HART_REQ_IPI);
        engine_wait(&e.blocks[0], n + 1);
        assert_int_equal(atomic_load(&places.pc), n % 2 == 1 ? 0x1000 : 0x2000);
        assert_int_equal(atomic_load(&places.a1), n % 2 == 1 ? 1 : 2);
    }
    engine_fini(&e);
}

TEST(a_sleeper_in_any_place_can_be_paused_and_can_go)
{
    struct places places = { 0 };
    struct engine e;

    engine_init(&e, 3, sleep_often);
    e.test = &places;
    enable_software_interrupt(&e, 0);
    start(&e, 0);           /* in wfi */
    vcpu_resume(e.vcpu[1]); /* stopped */
    engine_wait_asleep(e.vcpu[0]);
    engine_wait_asleep(e.vcpu[1]);
    for (unsigned round = 0; round < 50; round++) {
        pause_and_wait(e.vcpu[0]);
        pause_and_wait(e.vcpu[1]);
        vcpu_resume(e.vcpu[0]);
        vcpu_resume(e.vcpu[1]);
    }
    assert_int_equal(atomic_load(&e.blocks[0]), 1);
    assert_int_equal(atomic_load(&e.blocks[1]), 0);
    engine_fini(&e); /* hart 2 has never been resumed */
}

/* ---- requests with an answer ---- */

struct answers {
    _Atomic uint64_t answered; /* the last request that hart 0 waited for */
    _Atomic uint64_t wrong;
};

/* Hart 0 asks all, in each block. The others look whether they run although the last request that
 * was answered has not reached them. */
static void ask_all(struct engine *engine, struct vcpu *vcpu)
{
    struct answers *answers = engine->test;

    if (vcpu->index == 0) {
        uint64_t number = atomic_fetch_add(&engine->asked, 1) + 1;

        vcpu_request_and_wait(vcpu, engine->vcpu, engine->harts, HART_REQ_FENCE_I);
        atomic_store(&answers->answered, number);
    }
}

static void check_answers(struct engine *engine, struct vcpu *vcpu)
{
    struct answers *answers = engine->test;

    if (vcpu->index == 0)
        ask_all(engine, vcpu);
    else if (atomic_load(&answers->answered) > atomic_load(&engine->served[vcpu->index]))
        atomic_store(&answers->wrong, vcpu->index);
}

TEST(a_request_is_answered_before_the_asker_goes_on)
{
    struct answers answers = { 0 };
    struct engine e;

    engine_init(&e, 3, check_answers);
    e.test = &answers;
    for (unsigned i = 0; i < 3; i++)
        start(&e, i);
    engine_wait(&e.blocks[0], 500);
    engine_wait(&e.fences[1], 1);
    for (unsigned i = 0; i < 3; i++)
        pause_and_wait(e.vcpu[i]);
    assert_int_equal(atomic_load(&answers.wrong), 0);
    engine_fini(&e);
}

static void ask_each_other(struct engine *engine, struct vcpu *vcpu)
{
    vcpu_request_and_wait(vcpu, engine->vcpu, engine->harts, HART_REQ_FENCE_I);
}

TEST(harts_that_ask_each_other_do_not_hang)
{
    struct engine e;

    engine_init(&e, ENGINE_HARTS, ask_each_other);
    for (unsigned i = 0; i < ENGINE_HARTS; i++)
        start(&e, i);
    for (unsigned i = 0; i < ENGINE_HARTS; i++)
        engine_wait(&e.blocks[i], 200);
    engine_fini(&e);
}

TEST(who_sleeps_or_is_parked_is_not_waited_for)
{
    struct answers answers = { 0 };
    struct engine e;

    engine_init(&e, 3, ask_all);
    e.test = &answers;
    vcpu_resume(e.vcpu[1]); /* stopped; hart 2 stays parked */
    engine_wait_asleep(e.vcpu[1]);
    start(&e, 0);
    engine_wait(&e.blocks[0], 50);
    engine_wait(&e.fences[1], 1);
    assert_int_equal(atomic_load(&e.fences[2]), 0);
    engine_fini(&e);
}

/* ---- choosing ---- */

TEST(accelerators_are_chosen_by_name)
{
    const struct accel_ops *ops;
    struct dbt_tuning tuning;
    struct error err;

    assert_int_equal(accel_choose(NULL, &ops, &tuning, NULL), 0);
    if (accel_is_second_best(&err)) { /* of the two rows, the one that runs anywhere */
        assert_ptr_equal(ops, &accel_interp);
        assert_non_null(strstr(err.text, "runs on accelerator 'interp', as 'jit' cannot here: "));
    } else {
        assert_ptr_equal(ops, &accel_jit);
    }
    assert_int_equal(accel_choose("interp", &ops, &tuning, NULL), 0);
    assert_ptr_equal(ops, &accel_interp);
    assert_int_equal(accel_choose("none", &ops, &tuning, &err), -ENOENT);
    assert_non_null(strstr(err.text, "there is no accelerator 'none'; choose from: "));
    assert_non_null(strstr(err.text, "interp"));
}

TEST(words_behind_the_name_tune_the_compiler)
{
    const struct accel_ops *ops;
    struct dbt_tuning tuning;

    assert_int_equal(accel_parse("jit", &ops, &tuning, NULL), 0);
    assert_int_equal(tuning.t1_after, dbt_tuning_default().t1_after);
    assert_int_equal(accel_parse("jit,t1-after=7", &ops, &tuning, NULL), 0);
    assert_ptr_equal(ops, &accel_jit);
    assert_int_equal(tuning.t1_after, 7);
    assert_int_equal(accel_parse("interp,t1-after=7", &ops, &tuning, NULL), -EINVAL);
}

/* machine/tests/test_machine.c - the life of a machine: ends, resets, pauses, two at a time. */
#include "tests/unit.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "machine/tests/machine_fixture.h"

TEST(a_guest_powers_off)
{
    struct code c = { .count = 0 };
    struct bench b;

    code_finish(&c, 0x5555);
    bench_init(&b);
    bench_program(&b, &c);
    bench_run(&b, MACHINE_POWERED_OFF);
    if (b.config.accel != NULL)
        assert_string_equal(machine_accel_name(b.machine), b.config.accel);
    bench_free(&b);
}

TEST(a_guest_fails_with_a_code)
{
    struct code c = { .count = 0 };
    struct bench b;

    code_finish(&c, 0x3333 | 42 << 16);
    bench_init(&b);
    bench_program(&b, &c);
    bench_run(&b, MACHINE_FAILED);
    assert_int_equal(b.code, 42);
    bench_free(&b);
}

/* Counts its starts in RAM, which a reset leaves alone. */
static void counting_program(struct code *c, unsigned starts)
{
    unsigned again;

    code_li(c, S0, RESULTS);
    code_ld(c, A0, S0, 0);
    code_addi(c, A0, A0, 1);
    code_sd(c, A0, S0, 0);
    code_addi(c, A1, ZERO, (int)starts);
    again = code_bne_ahead(c, A0, A1);
    code_finish(c, 0x5555);
    code_land(c, again);
    code_finish(c, 0x7777);
}

TEST(a_guest_resets_twenty_times)
{
    struct code c = { .count = 0 };
    struct bench b;

    counting_program(&c, 21);
    bench_init(&b);
    bench_program(&b, &c);
    b.config.cpus = 2;
    bench_run(&b, MACHINE_POWERED_OFF);
    assert_int_equal(bench_word(&b, RESULTS), 21);
    bench_free(&b);
}

TEST(a_reset_ends_the_machine_where_that_is_wanted)
{
    struct code c = { .count = 0 };
    struct bench b;

    counting_program(&c, 21);
    bench_init(&b);
    bench_program(&b, &c);
    b.config.no_reboot = true;
    bench_run(&b, MACHINE_RESET);
    assert_int_equal(bench_word(&b, RESULTS), 1);
    bench_free(&b);
}

TEST(a_reset_loads_from_the_file_that_was_opened)
{
    struct code c = { .count = 0 };
    struct bench b;

    counting_program(&c, 3);
    bench_init(&b);
    bench_program(&b, &c);
    bench_make(&b);
    unlink(b.path);
    bench_start(&b);
    bench_wait_end(&b);
    assert_int_equal(b.how, MACHINE_POWERED_OFF);
    bench_free(&b);
}

TEST(a_reset_may_come_from_outside)
{
    struct code c = { .count = 0 };
    struct bench b;

    code_li(&c, S0, RESULTS);
    code_ld(&c, A0, S0, 0);
    code_addi(&c, A0, A0, 1);
    code_sd(&c, A0, S0, 0);
    code_wfi(&c);
    code_beq(&c, ZERO, ZERO, c.count - 1);
    bench_init(&b);
    bench_program(&b, &c);
    bench_make(&b);
    bench_start(&b);
    for (unsigned starts = 1; starts <= 5; starts++) {
        bench_wait_word(&b, RESULTS, starts);
        machine_request_reset(b.machine);
    }
    bench_wait_word(&b, RESULTS, 6);
    assert_false(b.ended);
    bench_free(&b); /* while it runs */
}

/* Each hart counts in a word of its own, and tells at the end of each round that it stands where
 * it should: T0 is what has been stored. */
static void racing_firmware(struct code *c)
{
    unsigned loop;

    code_csrr(c, T1, 0xf14); /* mhartid */
    code_slli(c, T1, T1, 3);
    code_li(c, S0, RESULTS);
    code_add_regs(c, S0, S0, T1);
    code_addi(c, T0, ZERO, 0);
    loop = c->count;
    code_addi(c, T0, T0, 1);
    code_sd(c, T0, S0, 0);
    code_beq(c, ZERO, ZERO, loop);
}

static void wait_more(struct bench *b, unsigned hart, uint64_t than)
{
    uint64_t limit = clock_now_ns(&clock_host) + UINT64_C(60000000000);

    while (bench_word(b, RESULTS + 8 * hart) <= than) {
        assert_int_equal(loop_run_once(b->loop, 1, NULL), 0);
        if (clock_now_ns(&clock_host) > limit)
            fail_msg("hart %u stands still", hart);
    }
}

TEST(a_pause_stops_every_hart_at_an_exact_place)
{
    enum { HARTS = 3 };
    struct code c = { .count = 0 };
    uint64_t seen[HARTS] = { 0 };
    struct bench b;

    racing_firmware(&c);
    bench_init(&b);
    bench_firmware(&b, &c);
    b.config.cpus = HARTS;
    bench_make(&b);
    bench_start(&b);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < HARTS; i++)
            wait_more(&b, i, seen[i]);
        machine_pause(b.machine);
        for (unsigned i = 0; i < HARTS; i++) {
            const struct riscv_state *s = &b.machine->vcpu[i]->hart.s;

            seen[i] = bench_word(&b, RESULTS + 8 * i);
            /* At the addi behind the store, or at the sd before it. */
            assert_true(s->x[T0] == seen[i] || s->x[T0] == seen[i] + 1);
            assert_true(s->pc >= CODE_AT && s->pc < CODE_AT + 4 * c.count);
        }
        assert_int_equal(loop_run_once(b.loop, 2, NULL), 0);
        for (unsigned i = 0; i < HARTS; i++)
            assert_int_equal(bench_word(&b, RESULTS + 8 * i), seen[i]);
        machine_resume(b.machine);
    }
    bench_free(&b);
}

TEST(pauses_nest)
{
    struct code c = { .count = 0 };
    struct bench b;
    uint64_t seen;

    racing_firmware(&c);
    bench_init(&b);
    bench_firmware(&b, &c);
    bench_make(&b);
    bench_start(&b);
    wait_more(&b, 0, 0);
    machine_pause(b.machine);
    machine_pause(b.machine);
    seen = bench_word(&b, RESULTS);
    machine_resume(b.machine);
    assert_int_equal(loop_run_once(b.loop, 2, NULL), 0);
    assert_int_equal(bench_word(&b, RESULTS), seen);
    machine_resume(b.machine);
    wait_more(&b, 0, seen);
    bench_free(&b);
}

TEST(the_first_end_counts)
{
    struct code c = { .count = 0 };
    struct bench b;

    racing_firmware(&c);
    bench_init(&b);
    bench_firmware(&b, &c);
    bench_make(&b);
    bench_start(&b);
    machine_request_end(b.machine, MACHINE_FAILED, 7);
    machine_request_end(b.machine, MACHINE_POWERED_OFF, 0);
    machine_request_reset(b.machine); /* too late */
    bench_wait_end(&b);
    assert_int_equal(b.how, MACHINE_FAILED);
    assert_int_equal(b.code, 7);
    assert_int_equal(loop_run_once(b.loop, 0, NULL), 0);
    bench_free(&b);
}

TEST(two_machines_share_a_loop)
{
    struct code one = { .count = 0 }, two = { .count = 0 };
    struct bench a, b;

    counting_program(&one, 5);
    counting_program(&two, 9);
    bench_init(&a);
    bench_init(&b);
    bench_program(&a, &one);
    bench_program(&b, &two);
    bench_make(&a);
    b.loop = a.loop;
    assert_int_equal(machine_new(&b.machine, &b.config, a.loop, &b.host, NULL), 0);
    bench_start(&a);
    bench_start(&b);
    bench_wait_end(&a);
    loop_timer_init(&b.limit, b.loop, a.limit.fire);
    bench_wait_end(&b);
    assert_int_equal(bench_word(&a, RESULTS), 5);
    assert_int_equal(bench_word(&b, RESULTS), 9);
    machine_free(a.machine);
    a.machine = NULL;
    assert_int_equal(bench_word(&b, RESULTS), 9);
    a.loop = NULL;
    bench_free(&a);
    bench_free(&b);
}

static void *run_in_thread(void *arg)
{
    struct bench *b = arg;

    bench_make(b);
    bench_start(b);
    bench_wait_end(b);
    bench_free(b);
    return NULL;
}

TEST(two_machines_run_in_two_threads)
{
    struct code c = { .count = 0 };
    struct bench b[2];
    pthread_t thread[2];

    counting_program(&c, 10);
    for (unsigned i = 0; i < 2; i++) {
        bench_init(&b[i]);
        b[i].config.cpus = 2;
        bench_program(&b[i], &c);
        assert_int_equal(pthread_create(&thread[i], NULL, run_in_thread, &b[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
        assert_true(b[i].ended);
        assert_int_equal(b[i].how, MACHINE_POWERED_OFF);
    }
}

TEST(counters_have_names)
{
    struct code c = { .count = 0 };
    struct strbuf text;
    struct bench b;

    code_finish(&c, 0x5555);
    bench_init(&b);
    bench_program(&b, &c);
    bench_run(&b, MACHINE_POWERED_OFF);
    strbuf_init(&text);
    machine_stats(b.machine, &text);
    assert_non_null(strstr(strbuf_str(&text), "hart0.instructions "));
    strbuf_fini(&text);
    bench_free(&b);
}

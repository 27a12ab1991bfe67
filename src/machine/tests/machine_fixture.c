/* machine/tests/machine_fixture.c - running small guest programs to their end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* cmocka wants these first, in this order. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "machine/tests/machine_fixture.h"

#define LIMIT_NS UINT64_C(60000000000)

static void ended(void *opaque, enum machine_end how, unsigned code)
{
    struct bench *b = opaque;

    assert_false(b->ended); /* told once */
    b->ended = true;
    b->how = how;
    b->code = code;
    loop_stop(b->loop);
}

static void too_late(struct loop_timer *timer)
{
    struct bench *b = container_of(timer, struct bench, limit);

    b->late = true;
    loop_stop(b->loop);
}

void bench_init(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    b->config = (struct machine_config){
        .machine = "virt",
        .accel = getenv("VIREO_TEST_ACCEL"),
        .cpus = 1,
        .memory = MIB(16),
        .serial = "null",
    };
    isa_config_default(&b->config.isa);
    b->host = (struct machine_host){ .ended = ended, .opaque = b };
}

static void write_program(struct bench *b, const struct code *code)
{
    size_t len = code->count * sizeof(code->word[0]);
    int fd;

    snprintf(b->path, sizeof(b->path), "/tmp/vireo-guest-XXXXXX");
    fd = mkstemp(b->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, code->word, len), len);
    close(fd);
}

void bench_program(struct bench *b, const struct code *code)
{
    write_program(b, code);
    b->config.kernel = b->path;
    b->config.kernel_at = CODE_AT;
}

void bench_firmware(struct bench *b, const struct code *code)
{
    write_program(b, code);
    b->config.bios = b->path;
}

void bench_make(struct bench *b)
{
    struct error err = { .text = "" };

    assert_int_equal(loop_new(&b->loop, &clock_host, NULL), 0);
    loop_timer_init(&b->limit, b->loop, too_late);
    if (machine_new(&b->machine, &b->config, b->loop, &b->host, &err) < 0)
        fail_msg("machine_new: %s", err.text);
}

void bench_start(struct bench *b)
{
    struct error err = { .text = "" };

    if (machine_start(b->machine, &err) < 0)
        fail_msg("machine_start: %s", err.text);
}

void bench_wait_end(struct bench *b)
{
    loop_timer_arm(&b->limit, clock_now_ns(&clock_host) + LIMIT_NS);
    while (!b->ended && !b->late)
        assert_int_equal(loop_run(b->loop, NULL), 0);
    loop_timer_disarm(&b->limit);
    if (b->late)
        fail_msg("the guest did not end");
}

uint64_t bench_word(struct bench *b, uint64_t gpa)
{
    uint64_t word = 0;

    assert_int_equal(mem_load(b->machine->space, gpa, 8, &word), MEM_OK);
    return word;
}

void bench_wait_word(struct bench *b, uint64_t gpa, uint64_t want)
{
    uint64_t limit = clock_now_ns(&clock_host) + LIMIT_NS;

    while (bench_word(b, gpa) != want) {
        assert_int_equal(loop_run_once(b->loop, 1, NULL), 0);
        if (clock_now_ns(&clock_host) > limit)
            fail_msg("the word at %#llx is %#llx, not %#llx", (unsigned long long)gpa,
                     (unsigned long long)bench_word(b, gpa), (unsigned long long)want);
    }
}

void bench_free(struct bench *b)
{
    machine_free(b->machine);
    loop_free(b->loop);
    if (b->path[0] != '\0')
        unlink(b->path);
}

void bench_run(struct bench *b, enum machine_end how)
{
    bench_make(b);
    bench_start(b);
    bench_wait_end(b);
    assert_int_equal(b->how, how);
}

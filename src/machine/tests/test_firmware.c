/*
 * machine/tests/test_firmware.c - the built-in SBI, called by guest programs.
 *
 * A program makes calls one after the other; a0 and a1 of each go to RESULTS, 16 bytes a call.
 * What the library checks by itself is tested in sbi/; here, that harts start, stop, sleep and
 * hear of each other.
 */
#include "tests/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/tests/machine_fixture.h"
#include "sbi/sbi.h"

enum { CSR_SIE = 0x104, CSR_STVEC = 0x105, CSR_SIP = 0x144, CSR_TIME = 0xc01 };
enum { SSI = 2, STI = 0x20 }; /* bits of sie and sip */

/* Words that harts tell each other by, apart from the results. */
#define FLAGS (RESULTS + 0x1000)

enum { SLOW_BYTES = 20000 };
struct reader {
    int fd;
    size_t bytes;
};

static void begin(struct code *c)
{
    c->count = 0;
    code_li(c, S0, RESULTS);
}

/* The call with what is in a0 to a5; T0 and T1 are lost in code_finish() only. */
static void call(struct code *c, uint64_t extension, uint64_t function)
{
    code_li(c, A7, extension);
    code_li(c, A6, function);
    code_ecall(c);
    code_sd(c, A0, S0, 0);
    code_sd(c, A1, S0, 8);
    code_addi(c, S0, S0, 16);
}

static void call_with(struct code *c, uint64_t extension, uint64_t function, uint64_t a0,
                      uint64_t a1, uint64_t a2)
{
    code_li(c, A0, a0);
    code_li(c, A1, a1);
    code_li(c, A2, a2);
    call(c, extension, function);
}

static void expect(struct bench *b, unsigned number, int64_t error, uint64_t value)
{
    int64_t got = (int64_t)bench_word(b, RESULTS + 16 * number);
    uint64_t got_value = bench_word(b, RESULTS + 16 * number + 8);

    if (got != error || got_value != value)
        fail_msg("call %u: error %lld value %#llx, not %lld and %#llx", number, (long long)got,
                 (unsigned long long)got_value, (long long)error, (unsigned long long)value);
}

/* Waits in the guest until the word at `gpa` is not zero. */
static void spin(struct code *c, uint64_t gpa)
{
    code_li(c, T0, gpa);
    code_ld(c, T1, T0, 0);
    code_beq(c, T1, ZERO, c->count - 1);
}

static void raise_flag(struct code *c, uint64_t gpa)
{
    code_li(c, T0, gpa);
    code_addi(c, T1, ZERO, 1);
    code_sd(c, T1, T0, 0);
}

static void run(struct bench *b, const struct code *c, unsigned harts, enum machine_end how)
{
    bench_init(b);
    b->config.cpus = harts;
    bench_program(b, c);
    bench_run(b, how);
}

TEST(extensions_are_there)
{
    static const uint64_t ids[] = { SBI_EXT_TIME, SBI_EXT_IPI, SBI_EXT_RFENCE, SBI_EXT_HSM,
                                    SBI_EXT_SRST, SBI_EXT_PMU, SBI_EXT_DBCN,   SBI_EXT_SUSP };
    struct code c;
    struct bench b;
    unsigned n = 0;

    begin(&c);
    call_with(&c, SBI_EXT_BASE, 0, 0, 0, 0); /* specification version */
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        call_with(&c, SBI_EXT_BASE, 3, ids[i], 0, 0);
    call_with(&c, SBI_EXT_BASE, 3, 0x12345678, 0, 0);
    call_with(&c, 0x12345678, 0, 0, 0, 0);
    code_finish(&c, 0x5555);
    run(&b, &c, 1, MACHINE_POWERED_OFF);
    expect(&b, n++, SBI_SUCCESS, 2 << 24);
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        expect(&b, n++, SBI_SUCCESS, 1);
    expect(&b, n++, SBI_SUCCESS, 0);
    expect(&b, n++, SBI_ERR_NOT_SUPPORTED, 0);
    bench_free(&b);
}

TEST(resets_and_power_off)
{
    struct code c;
    struct bench b;

    begin(&c);
    call_with(&c, SBI_EXT_SRST, 0, 0, 0, 0);
    run(&b, &c, 1, MACHINE_POWERED_OFF);
    bench_free(&b);

    begin(&c);
    call_with(&c, SBI_EXT_SRST, 0, 0, 1, 0); /* reason: system failure */
    run(&b, &c, 1, MACHINE_FAILED);
    bench_free(&b);

    begin(&c);
    call_with(&c, 8, 0, 0, 0, 0); /* legacy shutdown */
    run(&b, &c, 1, MACHINE_POWERED_OFF);
    bench_free(&b);

    for (unsigned type = 1; type <= 2; type++) {
        unsigned again;

        begin(&c);
        code_li(&c, S1, FLAGS);
        code_ld(&c, A0, S1, 0);
        again = code_bne_ahead(&c, A0, ZERO);
        raise_flag(&c, FLAGS);
        call_with(&c, SBI_EXT_SRST, 0, type, 0, 0);
        code_land(&c, again);
        code_finish(&c, 0x5555);
        run(&b, &c, 1, MACHINE_POWERED_OFF);
        bench_free(&b);
    }
}

TEST(the_timer_ends_a_wfi)
{
    struct code c;
    struct bench b;

    begin(&c);
    code_li(&c, T2, STI);
    code_csrw(&c, CSR_SIE, T2);
    code_csrr(&c, S1, CSR_TIME);
    code_addi(&c, A0, S1, 2000); /* 200 us */
    call(&c, SBI_EXT_TIME, 0);
    code_wfi(&c);
    code_csrr(&c, A0, CSR_TIME);
    code_csrr(&c, A1, CSR_SIP);
    code_sd(&c, S1, S0, 0);
    code_sd(&c, A0, S0, 8);
    code_sd(&c, A1, S0, 16);
    code_finish(&c, 0x5555);
    run(&b, &c, 1, MACHINE_POWERED_OFF);
    expect(&b, 0, SBI_SUCCESS, 0);
    assert_true(bench_word(&b, RESULTS + 24) >= bench_word(&b, RESULTS + 16) + 2000);
    assert_int_equal(bench_word(&b, RESULTS + 32) & STI, STI);
    bench_free(&b);
}

/* Where hart 1 begins: behind hart 0's program, at a place known beforehand. */
enum { SECOND_WORD = 800 };
#define SECOND_AT (CODE_AT + 4 * SECOND_WORD)

static void begin_second(struct code *c)
{
    assert_true(c->count <= SECOND_WORD);
    while (c->count < SECOND_WORD)
        code_add(c, 0x13); /* nop */
}

TEST(harts_start_stop_and_start_again)
{
    struct code c;
    struct bench b;
    unsigned status;

    begin(&c);
    call_with(&c, SBI_EXT_HSM, 2, 1, 0, 0);                 /* 0: stopped */
    call_with(&c, SBI_EXT_HSM, 2, 9, 0, 0);                 /* 1: no such hart */
    call_with(&c, SBI_EXT_HSM, 0, 0, SECOND_AT, 0);         /* 2: itself */
    call_with(&c, SBI_EXT_HSM, 0, 1, 0x40000000, 0);        /* 3: no memory there */
    call_with(&c, SBI_EXT_HSM, 0, 1, SECOND_AT, 0xabcdef0); /* 4 */
    spin(&c, FLAGS);
    call_with(&c, SBI_EXT_HSM, 2, 1, 0, 0); /* 5: started */
    raise_flag(&c, FLAGS + 8);              /* it may stop now */
    /* Until it has; T2 is what to wait for. */
    code_li(&c, T2, SBI_HART_STOPPED);
    status = c.count;
    code_li(&c, A7, SBI_EXT_HSM);
    code_li(&c, A6, 2);
    code_li(&c, A0, 1);
    code_ecall(&c);
    code_bne(&c, A1, T2, status);
    code_li(&c, T0, FLAGS);
    code_sd(&c, ZERO, T0, 0);
    call_with(&c, SBI_EXT_HSM, 0, 1, SECOND_AT, 0x1234); /* 6 */
    spin(&c, FLAGS);
    code_finish(&c, 0x5555);
    begin_second(&c);
    code_li(&c, S0, FLAGS + 0x100);
    code_sd(&c, A0, S0, 0);
    code_sd(&c, A1, S0, 8);
    raise_flag(&c, FLAGS);
    spin(&c, FLAGS + 8);
    code_li(&c, A7, SBI_EXT_HSM);
    code_li(&c, A6, 1);
    code_ecall(&c); /* stop */
    code_finish(&c, 0x3333);
    run(&b, &c, 2, MACHINE_POWERED_OFF);
    expect(&b, 0, SBI_SUCCESS, SBI_HART_STOPPED);
    expect(&b, 1, SBI_ERR_INVALID_PARAM, 0);
    expect(&b, 2, SBI_ERR_ALREADY_AVAILABLE, 0);
    expect(&b, 3, SBI_ERR_INVALID_ADDRESS, 0);
    expect(&b, 4, SBI_SUCCESS, 0);
    expect(&b, 5, SBI_SUCCESS, SBI_HART_STARTED);
    expect(&b, 6, SBI_SUCCESS, 0);
    assert_int_equal(bench_word(&b, FLAGS + 0x100), 1);
    assert_int_equal(bench_word(&b, FLAGS + 0x108), 0x1234);
    bench_free(&b);
}

/* Between two starts the code is another, and nobody has executed a fence.i. */
TEST(a_hart_that_starts_runs_what_is_in_memory)
{
    struct code c, addi = { .count = 0 };
    struct bench b;

    code_addi(&addi, A2, ZERO, 2);
    begin(&c);
    for (unsigned round = 0; round < 2; round++) {
        call_with(&c, SBI_EXT_HSM, 0, 1, SECOND_AT, 0);
        spin(&c, FLAGS);
        code_li(&c, T0, FLAGS);
        code_sd(&c, ZERO, T0, 0);
        code_li(&c, T2, SBI_HART_STOPPED);
        code_li(&c, A7, SBI_EXT_HSM);
        code_li(&c, A6, 2);
        code_li(&c, A0, 1);
        code_ecall(&c);
        code_bne(&c, A1, T2, c.count - 12); /* from the li of A0 on */
        code_li(&c, T0, FLAGS + 0x100);
        code_ld(&c, T1, T0, 0);
        code_sd(&c, T1, T0, round == 0 ? 8 : 16);
        code_li(&c, T0, SECOND_AT); /* now the other code */
        code_li(&c, T1, addi.word[0]);
        code_sw(&c, T1, T0, 0);
    }
    code_finish(&c, 0x5555);
    begin_second(&c);
    code_addi(&c, A2, ZERO, 1);
    code_li(&c, T0, FLAGS + 0x100);
    code_sd(&c, A2, T0, 0);
    raise_flag(&c, FLAGS);
    code_li(&c, A7, SBI_EXT_HSM);
    code_li(&c, A6, 1);
    code_ecall(&c);
    code_finish(&c, 0x3333);
    run(&b, &c, 2, MACHINE_POWERED_OFF);
    assert_int_equal(bench_word(&b, FLAGS + 0x108), 1);
    assert_int_equal(bench_word(&b, FLAGS + 0x110), 2);
    bench_free(&b);
}

TEST(an_ipi_ends_a_wfi_and_fences_reach_a_sleeper)
{
    struct code c;
    struct bench b;

    begin(&c);
    call_with(&c, SBI_EXT_HSM, 0, 1, SECOND_AT, 0); /* 0 */
    spin(&c, FLAGS);
    call_with(&c, SBI_EXT_RFENCE, 0, 3, 0, 0);          /* 1: fence.i, both harts */
    call_with(&c, SBI_EXT_RFENCE, 1, 2, 0, 0);          /* 2: sfence.vma, all */
    call_with(&c, SBI_EXT_RFENCE, 1, 0, UINT64_MAX, 0); /* 3: every hart */
    call_with(&c, SBI_EXT_RFENCE, 0, 4, 0, 0);          /* 4: no such hart */
    call_with(&c, SBI_EXT_IPI, 0, 2, 0, 0);             /* 5 */
    spin(&c, FLAGS + 8);
    code_finish(&c, 0x5555);
    begin_second(&c);
    code_addi(&c, T2, ZERO, SSI);
    code_csrw(&c, CSR_SIE, T2);
    raise_flag(&c, FLAGS);
    code_wfi(&c);
    code_csrr(&c, A0, CSR_SIP);
    code_li(&c, S0, FLAGS + 0x100);
    code_sd(&c, A0, S0, 0);
    code_csrw(&c, CSR_SIP, ZERO);
    code_csrr(&c, A0, CSR_SIP);
    code_sd(&c, A0, S0, 8);
    raise_flag(&c, FLAGS + 8);
    code_wfi(&c);
    code_beq(&c, ZERO, ZERO, c.count - 1);
    run(&b, &c, 2, MACHINE_POWERED_OFF);
    for (unsigned i = 0; i < 6; i++)
        expect(&b, i, i == 4 ? SBI_ERR_INVALID_PARAM : SBI_SUCCESS, 0);
    assert_int_equal(bench_word(&b, FLAGS + 0x100) & SSI, SSI);
    assert_int_equal(bench_word(&b, FLAGS + 0x108) & SSI, 0);
    bench_free(&b);
}

/* Fences from every hart to every hart at once, some thousand times. */
TEST(harts_that_fence_each_other_do_not_hang)
{
    enum { HARTS = 4, ROUNDS = 500 };
    struct code c;
    struct bench b;
    unsigned loop;

    begin(&c);
    for (unsigned i = 1; i < HARTS; i++)
        call_with(&c, SBI_EXT_HSM, 0, i, SECOND_AT, 0);
    code_addi(&c, A0, ZERO, 0);
    code_li(&c, S1, SECOND_AT);
    code_i(&c, 0x67, 0, ZERO, S1, 0); /* jalr: hart 0 goes there too */
    begin_second(&c);
    code_slli(&c, T2, A0, 3);
    code_li(&c, S1, FLAGS);
    code_add_regs(&c, S1, S1, T2);
    code_li(&c, T2, ROUNDS);
    loop = c.count;
    for (unsigned function = 0; function <= 1; function++) {
        code_li(&c, A7, SBI_EXT_RFENCE);
        code_li(&c, A6, function);
        code_li(&c, A0, 0);
        code_li(&c, A1, UINT64_MAX);
        code_li(&c, A2, 0);
        code_li(&c, A3, 0);
        code_ecall(&c);
    }
    code_addi(&c, T2, T2, -1);
    code_bne(&c, T2, ZERO, loop);
    code_addi(&c, T1, ZERO, 1);
    code_sd(&c, T1, S1, 0);
    for (unsigned i = 0; i < HARTS; i++)
        spin(&c, FLAGS + 8 * i);
    code_finish(&c, 0x5555);
    run(&b, &c, HARTS, MACHINE_POWERED_OFF);
    bench_free(&b);
}

TEST(a_hart_suspends_and_resumes_elsewhere)
{
    struct code c;
    struct bench b;

    begin(&c);
    code_li(&c, T2, STI);
    code_csrw(&c, CSR_SIE, T2);
    code_csrr(&c, S1, CSR_TIME);
    code_addi(&c, A0, S1, 2000);
    call(&c, SBI_EXT_TIME, 0);
    call_with(&c, SBI_EXT_HSM, 3, 0, 0, 0);                   /* 1: retentive: comes back */
    call_with(&c, SBI_EXT_HSM, 3, 0x80000000, SECOND_AT, 77); /* pending already: at once */
    code_finish(&c, 0x3333);
    begin_second(&c);
    code_li(&c, S0, FLAGS + 0x100);
    code_sd(&c, A0, S0, 0);
    code_sd(&c, A1, S0, 8);
    code_finish(&c, 0x5555);
    run(&b, &c, 1, MACHINE_POWERED_OFF);
    expect(&b, 1, SBI_SUCCESS, 0);
    assert_int_equal(bench_word(&b, FLAGS + 0x100), 0);
    assert_int_equal(bench_word(&b, FLAGS + 0x108), 77);
    bench_free(&b);
}

TEST(the_system_suspends_when_all_other_harts_have_stopped)
{
    struct code c;
    struct bench b;

    begin(&c);
    code_li(&c, T2, STI);
    code_csrw(&c, CSR_SIE, T2);
    call_with(&c, SBI_EXT_HSM, 0, 1, SECOND_AT + 400, 0); /* 0: spins until it is told to stop */
    call_with(&c, SBI_EXT_SUSP, 0, 0, SECOND_AT, 5);      /* 1: refused */
    raise_flag(&c, FLAGS);
    code_li(&c, T2, SBI_HART_STOPPED);
    code_li(&c, A7, SBI_EXT_HSM);
    code_li(&c, A6, 2);
    code_li(&c, A0, 1);
    code_ecall(&c);
    code_bne(&c, A1, T2, c.count - 12);
    code_csrr(&c, S1, CSR_TIME);
    code_addi(&c, A0, S1, 2000);
    call(&c, SBI_EXT_TIME, 0); /* 2 */
    call_with(&c, SBI_EXT_SUSP, 0, 0, SECOND_AT, 99);
    code_finish(&c, 0x3333);
    begin_second(&c);
    code_li(&c, S0, FLAGS + 0x100);
    code_sd(&c, A1, S0, 0);
    code_finish(&c, 0x5555);
    while (c.count < SECOND_WORD + 100)
        code_add(&c, 0x13);
    spin(&c, FLAGS);
    code_li(&c, A7, SBI_EXT_HSM);
    code_li(&c, A6, 1);
    code_ecall(&c);
    code_finish(&c, 0x3333);
    run(&b, &c, 2, MACHINE_POWERED_OFF);
    expect(&b, 0, SBI_SUCCESS, 0);
    expect(&b, 1, SBI_ERR_DENIED, 0);
    expect(&b, 2, SBI_SUCCESS, 0);
    assert_int_equal(bench_word(&b, FLAGS + 0x100), 99);
    bench_free(&b);
}

TEST(the_console_is_the_uart)
{
    static const char hello[] = "Hello, host\n";
    char log[] = "/tmp/vireo-serial-XXXXXX", spec[64], text[64] = "";
    struct code c;
    struct bench b;
    int fd = mkstemp(log);

    assert_true(fd >= 0);
    begin(&c);
    for (unsigned i = 0; i < sizeof(hello) - 1; i += 4) { /* the text, into RAM */
        uint32_t word = 0;

        memcpy(&word, hello + i, 4);
        code_li(&c, T0, FLAGS + i);
        code_li(&c, T1, word);
        code_sw(&c, T1, T0, 0);
    }
    call_with(&c, SBI_EXT_DBCN, 0, sizeof(hello) - 1, FLAGS, 0); /* 0: write */
    call_with(&c, SBI_EXT_DBCN, 0, 4, 0x40000000, 0);            /* 1: no memory there */
    call_with(&c, SBI_EXT_DBCN, 1, 4, FLAGS, 0);                 /* 2: read: nothing came */
    call_with(&c, SBI_EXT_DBCN, 2, '!', 0, 0);                   /* 3: a byte */
    call_with(&c, 1, 0, '?', 0, 0);                              /* 4: legacy */
    call_with(&c, 2, 0, 0, 0, 0);                                /* 5: legacy getchar */
    code_finish(&c, 0x5555);
    bench_init(&b);
    snprintf(spec, sizeof(spec), "file=%s", log);
    b.config.serial = spec;
    bench_program(&b, &c);
    bench_run(&b, MACHINE_POWERED_OFF);
    expect(&b, 0, SBI_SUCCESS, sizeof(hello) - 1);
    expect(&b, 1, SBI_ERR_INVALID_PARAM, 0);
    expect(&b, 2, SBI_SUCCESS, 0);
    expect(&b, 3, SBI_SUCCESS, 0);
    assert_int_equal(bench_word(&b, RESULTS + 64), 0);
    assert_true((int64_t)bench_word(&b, RESULTS + 80) == -1);
    bench_free(&b);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    assert_string_equal(text, "Hello, host\n!?");
    close(fd);
    unlink(log);
}

static void *read_all(void *arg)
{
    static char bytes[4096];
    struct reader *reader = arg;
    ssize_t got;

    while ((got = read(reader->fd, bytes, sizeof(bytes))) > 0)
        reader->bytes += (size_t)got;
    return NULL;
}

/* A pipe that holds less than what is written, byte by byte: each waits for room. */
TEST(a_byte_waits_until_the_console_takes_it)
{
    char dir[] = "/tmp/vireo-test-XXXXXX", path[64], spec[80];
    struct reader reader = { 0 };
    struct code c;
    struct bench b;
    pthread_t thread;
    unsigned again;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/fifo", dir);
    snprintf(spec, sizeof(spec), "file=%s", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    reader.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader.fd >= 0);
    begin(&c);
    code_li(&c, S1, SLOW_BYTES);
    again = c.count;
    code_li(&c, A0, '.');
    code_li(&c, A7, 1); /* legacy putchar */
    code_ecall(&c);
    code_li(&c, A0, '.');
    code_li(&c, A6, 2); /* write_byte */
    code_li(&c, A7, SBI_EXT_DBCN);
    code_ecall(&c);
    code_addi(&c, S1, S1, -1);
    code_bne(&c, S1, ZERO, again);
    code_finish(&c, 0x5555);
    bench_init(&b);
    b.config.serial = spec;
    bench_program(&b, &c);
    bench_make(&b);
    assert_true(fcntl(reader.fd, F_SETPIPE_SZ, 4096) >= 0);
    assert_int_equal(fcntl(reader.fd, F_SETFL, 0), 0); /* from now on, wait */
    assert_int_equal(pthread_create(&thread, NULL, read_all, &reader), 0);
    bench_start(&b);
    bench_wait_end(&b);
    bench_free(&b);
    pthread_join(thread, NULL);
    assert_int_equal(reader.bytes, 2 * SLOW_BYTES);
    close(reader.fd);
    unlink(path);
    rmdir(dir);
}

TEST(counters_count)
{
    struct code c;
    struct bench b;

    begin(&c);
    call_with(&c, SBI_EXT_PMU, 0, 0, 0, 0); /* how many */
    code_finish(&c, 0x5555);
    run(&b, &c, 1, MACHINE_POWERED_OFF);
    assert_int_equal(bench_word(&b, RESULTS), SBI_SUCCESS);
    assert_true(bench_word(&b, RESULTS + 8) >= 2);
    bench_free(&b);
}

/* machine/tests/machine_fixture.h - a machine that runs a program of guest_code.h.
 *
 * The program sits at the start of RAM, entered in S mode under the built-in firmware, or in M
 * mode when it is given as firmware. What it wants to tell goes to RESULTS. VIREO_TEST_ACCEL in the
 * environment chooses the accelerator.
 */
#ifndef MACHINE_TESTS_MACHINE_FIXTURE_H
#define MACHINE_TESTS_MACHINE_FIXTURE_H

#include "machine/machine.h"
#include "machine/tests/guest_code.h"

#define CODE_AT UINT64_C(0x80000000)
#define RESULTS UINT64_C(0x80100000)

struct bench {
    struct loop *loop;
    struct machine *machine;
    struct machine_config config;
    struct machine_host host;
    struct loop_timer limit;
    char path[64]; /* of the program */
    bool ended, late;
    enum machine_end how;
    unsigned code;
};

/* A config for the smallest machine; the test changes it before bench_make(). */
void bench_init(struct bench *b);
void bench_program(struct bench *b, const struct code *code); /* as the kernel */
void bench_firmware(struct bench *b, const struct code *code);
/* machine_new(), with a loop; fails the test if that does. */
void bench_make(struct bench *b);
void bench_start(struct bench *b);
/* Turns the loop until the machine has ended. Fails the test after a minute. */
void bench_wait_end(struct bench *b);
/* Turns the loop until the 64-bit word there is `want`. */
void bench_wait_word(struct bench *b, uint64_t gpa, uint64_t want);
uint64_t bench_word(struct bench *b, uint64_t gpa);
void bench_free(struct bench *b);
/* make, start, wait for the end; expects `how`. */
void bench_run(struct bench *b, enum machine_end how);

#endif

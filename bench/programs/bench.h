/* bench/programs/bench.h - what every program here shares: a scale, a clock, one line of output.
 *
 *     NAME SECONDS CHECKSUM
 *
 * The first argument scales the work; 1 is 0.2 to 1 s on a processor of the 2020s. The checksum
 * depends on all of the work, so that none of it can be left out, and on the scale alone, so that
 * it is the same on every machine. Programs are built with -ffp-contract=off for that reason.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline double bench_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* `work` at scale 1, at least 1. */
static inline uint64_t bench_scaled(int argc, char **argv, double work)
{
    double n = argc > 1 ? atof(argv[1]) * work : work;

    return n < 1 ? 1 : (uint64_t)n;
}

static inline int bench_report(const char *name, double started, uint64_t checksum)
{
    printf("%s %.6f %016llx\n", name, bench_now() - started, (unsigned long long)checksum);
    return 0;
}

/* Something went wrong; it must not look like a result. */
static inline int bench_fail(const char *name, const char *what)
{
    fprintf(stderr, "%s: ", name);
    perror(what);
    return 1;
}

/* Repeatable noise. */
static inline uint64_t bench_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

/* Hides a value from the optimizer. */
#define BENCH_OPAQUE(v) __asm__ volatile("" : "+r"(v))

#endif

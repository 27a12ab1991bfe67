/* Follows a random cycle of pointers through 4 MiB: nothing but load latency, and in an emulator
 * the cost of translating an address. */
#include "bench.h"

enum { N = 1 << 19 };
static uint64_t next[N];

int main(int argc, char **argv)
{
    uint64_t steps = bench_scaled(argc, argv, 10e6), i, p = 0, sum = 0, seed = 42;
    double t;

    /* Sattolo's shuffle: one cycle through all. */
    for (i = 0; i < N; i++)
        next[i] = i;
    for (i = N - 1; i > 0; i--) {
        uint64_t j = bench_random(&seed) % i, v = next[i];

        next[i] = next[j];
        next[j] = v;
    }
    t = bench_now();
    for (i = 0; i < steps; i++) {
        p = next[p];
        sum += p;
    }
    return bench_report("chase", t, sum);
}

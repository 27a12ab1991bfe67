/* Multiply, shift, xor and add in one dependent chain: the arithmetic of a core, nothing else. */
#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n = bench_scaled(argc, argv, 100e6), i, x = 88172645463325252u;
    double t = bench_now();

    for (i = 0; i < n; i++) {
        x = x * 6364136223846793005u + i;
        x ^= x >> 29;
        BENCH_OPAQUE(x);
    }
    return bench_report("alu", t, x);
}

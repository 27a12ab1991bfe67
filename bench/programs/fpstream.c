/* a[i] = b[i] + s * c[i] over arrays of double that fit the second-level cache. */
#include "bench.h"

enum { N = 16384 };
static double a[N], b[N], c[N];

int main(int argc, char **argv)
{
    uint64_t rounds = bench_scaled(argc, argv, 40000), i, bits;
    double t, s = 3.0, sum = 0;
    int k;

    for (k = 0; k < N; k++) {
        b[k] = 1.0 + k * 0.001;
        c[k] = 2.0 - k * 0.0001;
    }
    t = bench_now();
    for (i = 0; i < rounds; i++) {
        for (k = 0; k < N; k++)
            a[k] = b[k] + s * c[k];
        s = a[i % N] * 0.125; /* stays near 1: the next round depends on this one */
    }
    for (k = 0; k < N; k++)
        sum += a[k];
    memcpy(&bits, &sum, sizeof(bits));
    return bench_report("fpstream", t, bits);
}

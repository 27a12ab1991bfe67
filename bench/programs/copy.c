/* memcpy of the C library, 128 KiB to 1 MiB at a time, between addresses aligned to words. */
#include "bench.h"

enum { SIZE = 1 << 20 };
static unsigned char from[SIZE + 64], to[SIZE + 64];

int main(int argc, char **argv)
{
    uint64_t rounds = bench_scaled(argc, argv, 6000), i, sum = 0, seed = 3;
    size_t k;
    double t;

    for (k = 0; k < sizeof(from); k++)
        from[k] = (unsigned char)bench_random(&seed);
    t = bench_now();
    for (i = 0; i < rounds; i++) {
        size_t len = (size_t)SIZE >> (i & 3);

        memcpy(to + (i & 24), from + (i >> 2 & 24), len);
        sum = sum * 31 + to[(i & 24) + i * 4097 % len];
        from[i % SIZE]++;
    }
    return bench_report("copy", t, sum);
}

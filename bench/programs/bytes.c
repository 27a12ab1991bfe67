/* A hash taken a byte at a time: loads of one byte, a dependent multiply each. */
#include "bench.h"

enum { SIZE = 1 << 20 };
static unsigned char buffer[SIZE];

int main(int argc, char **argv)
{
    uint64_t rounds = bench_scaled(argc, argv, 200), i, h = 14695981039346656037u, seed = 1;
    size_t k;
    double t;

    for (k = 0; k < SIZE; k++)
        buffer[k] = (unsigned char)bench_random(&seed);
    t = bench_now();
    for (i = 0; i < rounds; i++) {
        for (k = 0; k < SIZE; k++)
            h = (h ^ buffer[k]) * 1099511628211u;
        buffer[i % SIZE] ^= (unsigned char)h;
    }
    return bench_report("bytes", t, h);
}

/* SHA-256 (FIPS 180-4) over 1 MiB, again and again: rotates, adds and logic on 32-bit words. */
#include "bench.h"

enum { SIZE = 1 << 20 };
static unsigned char data[SIZE];
static uint32_t k[64];

static uint32_t rotr(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static void block(uint32_t state[8], const unsigned char *p)
{
    uint32_t w[64], v[8];
    int i;

    for (i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (; i < 64; i++) {
        uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10;

        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    memcpy(v, state, sizeof(v));
    for (i = 0; i < 64; i++) {
        uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
        uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
        uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
        uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (i = 0; i < 8; i++)
        state[i] += v[i];
}

/* The constants are the fractions of roots of primes: 32 bits of the cube roots of the first 64
 * for k, of the square roots of the first 8 for the state. Found with integers alone. */
static uint32_t root_fraction(uint64_t prime, int degree)
{
    unsigned __int128 target = (unsigned __int128)prime << (degree == 2 ? 64 : 96);
    uint64_t lo = 0, hi = UINT64_C(1) << 40;

    while (lo + 1 < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        unsigned __int128 power = (unsigned __int128)mid * mid;

        if (degree == 3)
            power = power > target / mid ? target + 1 : power * mid;
        if (power <= target)
            lo = mid;
        else
            hi = mid;
    }
    return (uint32_t)lo;
}

static void init(uint32_t state[8])
{
    unsigned found = 0, n, d;

    for (n = 2; found < 64; n++) {
        for (d = 2; d * d <= n && n % d; d++)
            ;
        if (d * d <= n)
            continue;
        if (found < 8)
            state[found] = root_fraction(n, 2);
        k[found++] = root_fraction(n, 3);
    }
}

int main(int argc, char **argv)
{
    uint64_t rounds = bench_scaled(argc, argv, 40), i, seed = 9;
    uint32_t state[8];
    size_t j;
    double t;

    init(state);
    for (j = 0; j < SIZE; j++)
        data[j] = (unsigned char)bench_random(&seed);
    t = bench_now();
    for (i = 0; i < rounds; i++) {
        for (j = 0; j < SIZE; j += 64)
            block(state, data + j);
    }
    return bench_report("hash", t, (uint64_t)state[0] << 32 | state[7]);
}

/* Quicksort with insertion sort for the small parts: branches no predictor knows. */
#include "bench.h"

enum { N = 200000 };
static uint32_t v[N];

static void sort(uint32_t *a, long n)
{
    while (n > 16) {
        uint32_t x = a[0], y = a[n / 2], z = a[n - 1];
        uint32_t pivot = x < y ? (y < z ? y : x < z ? z : x) : (x < z ? x : y < z ? z : y);
        long i = 0, j = n - 1;

        for (;;) {
            uint32_t t;

            while (a[i] < pivot)
                i++;
            while (a[j] > pivot)
                j--;
            if (i >= j)
                break;
            t = a[i];
            a[i++] = a[j];
            a[j--] = t;
        }
        j++;
        if (j < n - j) { /* recurse into the smaller part */
            sort(a, j);
            a += j;
            n -= j;
        } else {
            sort(a + j, n - j);
            n = j;
        }
    }
    for (long i = 1; i < n; i++) {
        uint32_t x = a[i];
        long j;

        for (j = i; j > 0 && a[j - 1] > x; j--)
            a[j] = a[j - 1];
        a[j] = x;
    }
}

int main(int argc, char **argv)
{
    uint64_t rounds = bench_scaled(argc, argv, 25), i, sum = 0, seed = 5;
    double t = bench_now();
    long k;

    for (i = 0; i < rounds; i++) {
        for (k = 0; k < N; k++)
            v[k] = (uint32_t)bench_random(&seed);
        sort(v, N);
        for (k = 1; k < N; k++) {
            if (v[k - 1] > v[k])
                return bench_fail("sort", "order");
        }
        sum = sum * 31 + v[N / 2];
    }
    return bench_report("sort", t, sum);
}

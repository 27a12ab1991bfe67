/* Maps memory, touches every page of it for the first time, and gives it back. */
#include <sys/mman.h>

#include "bench.h"

enum { PAGE = 4096, PAGES = 4096 };

int main(int argc, char **argv)
{
    uint64_t rounds = bench_scaled(argc, argv, 30), i, k, sum = 0;
    double t = bench_now();

    for (i = 0; i < rounds; i++) {
        unsigned char *p = mmap(NULL, (size_t)PAGE * PAGES, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
            return bench_fail("faults", "mmap");
        madvise(p, (size_t)PAGE * PAGES, MADV_NOHUGEPAGE);
        for (k = 0; k < PAGES; k++)
            p[k * PAGE + (k & 4095)] = (unsigned char)(k + i);
        for (k = 0; k < PAGES; k += 16)
            sum += p[k * PAGE + (k & 4095)];
        munmap(p, (size_t)PAGE * PAGES);
    }
    return bench_report("faults", t, sum);
}

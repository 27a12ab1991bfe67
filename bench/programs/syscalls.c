/* The cheapest system call, over and over: into the kernel and back. */
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n = bench_scaled(argc, argv, 1.5e6), i, sum = 0;
    long parent = syscall(SYS_getppid);
    double t = bench_now();

    for (i = 0; i < n; i++)
        sum += syscall(SYS_getppid) == parent;
    return bench_report("syscalls", t, sum);
}

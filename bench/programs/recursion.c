/* Fibonacci numbers the slow way: calls, returns, a little stack. */
#include "bench.h"

/* The empty asm keeps the compiler from turning the recursion into something else. */
__attribute__((noinline)) static uint64_t fib(uint64_t n)
{
    __asm__ volatile("");
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(int argc, char **argv)
{
    uint64_t rounds = bench_scaled(argc, argv, 250), i, sum = 0;
    double t = bench_now();

    for (i = 0; i < rounds; i++)
        sum += fib(28 + (i & 1));
    return bench_report("recursion", t, sum);
}

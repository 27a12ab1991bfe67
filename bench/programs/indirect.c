/* Calls through a table of functions, the target known only from data. */
#include "bench.h"

#define OP(n, expr)                                                                                \
    __attribute__((noinline)) static uint64_t op##n(uint64_t x)                                    \
    {                                                                                              \
        return expr;                                                                               \
    }
OP(0, x + 0x9e3779b97f4a7c15u)
OP(1, x ^ x >> 7)
OP(2, x * 5)
OP(3, x << 3 | x >> 61)
OP(4, x - 12345)
OP(5, ~x)
OP(6, x ^ x << 9)
OP(7, x + (x >> 11))

int main(int argc, char **argv)
{
    static uint64_t (*const table[])(uint64_t) = { op0, op1, op2, op3, op4, op5, op6, op7 };
    uint64_t n = bench_scaled(argc, argv, 80e6), i, x = 1;
    double t = bench_now();

    for (i = 0; i < n; i++)
        x = table[(i ^ x >> 60) & 7](x);
    return bench_report("indirect", t, x);
}

/* dbt/back/x86_64/asm: small programs of floating point and of control, run, give what C gives */
#include "dbt/back/x86_64/tests/asm_run.h"

#include <fenv.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

typedef double double_code(double x, double y, double z);
typedef float float_code(float x, float y, float z);

static double run_double(double x, double y, double z)
{
    double_code *code = (double_code *)finish();

    return code(x, y, z);
}

static float run_float(float x, float y, float z)
{
    float_code *code = (float_code *)finish();

    return code(x, y, z);
}

/* Bit for bit: -0 is not 0, and a NaN is itself. */
static void same_double(double got, double want)
{
    assert_memory_equal(&got, &want, sizeof(got));
}

static void same_float(float got, float want)
{
    assert_memory_equal(&got, &want, sizeof(got));
}

static const double numbers[] = { 0.0,
                                  -0.0,
                                  1.0,
                                  -1.0,
                                  1.5,
                                  3.141592653589793,
                                  1e10,
                                  -1e-10,
                                  DBL_MAX,
                                  DBL_MIN,
                                  (double)FLT_MAX,
                                  0x1.8p-1074,
                                  2.5,
                                  16777217,
                                  -7.25,
                                  (double)INFINITY };
enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };
#define EACH_NUMBER(v) for (unsigned v = 0; v < NUMBERS; v++)

/* volatile: done when run, in the rounding mode of then */
static double calculate(enum x86_sse op, volatile double x, volatile double y)
{
    switch (op) {
    case SSE_ADD:
        return x + y;
    case SSE_MUL:
        return x * y;
    case SSE_SUB:
        return x - y;
    case SSE_MIN:
        return x < y ? x : y;
    case SSE_DIV:
        return x / y;
    case SSE_MAX:
        return x > y ? x : y;
    case SSE_SQRT:
        return sqrt(y);
    }
    return 0;
}

static float calculate_float(enum x86_sse op, volatile float x, volatile float y)
{
    switch (op) {
    case SSE_ADD:
        return x + y;
    case SSE_MUL:
        return x * y;
    case SSE_SUB:
        return x - y;
    case SSE_MIN:
        return x < y ? x : y;
    case SSE_DIV:
        return x / y;
    case SSE_MAX:
        return x > y ? x : y;
    case SSE_SQRT:
        return sqrtf(y);
    }
    return 0;
}

TEST(scalar_arithmetic)
{
    static const enum x86_sse ops[] = { SSE_ADD, SSE_MUL, SSE_SUB, SSE_MIN,
                                        SSE_DIV, SSE_MAX, SSE_SQRT };

    for (unsigned o = 0; o < 7; o++)
        EACH_NUMBER(i)
    EACH_NUMBER(j)
    {
        double x = numbers[i], y = numbers[j], want = calculate(ops[o], x, y);
        float want_float = calculate_float(ops[o], (float)x, (float)y);

        start();
        x86_sse_rr(&a, ops[o], 8, XMM0, XMM1);
        if (isnan(want)) /* C does not say which one */
            assert_true(isnan(run_double(x, y, 0)));
        else
            same_double(run_double(x, y, 0), want);
        start();
        x86_movs_rr(&a, XMM9, XMM1);
        x86_sse_rr(&a, ops[o], 4, XMM0, XMM9);
        if (isnan(want_float))
            assert_true(isnan(run_float((float)x, (float)y, 0)));
        else
            same_float(run_float((float)x, (float)y, 0), want_float);
    }
}

TEST(fused_multiply_and_add)
{
    if (!__builtin_cpu_supports("fma"))
        skip();
    for (unsigned form = 0; form < 4; form++)
        EACH_NUMBER(i)
    EACH_NUMBER(j)
    {
        bool negate = form & 2, subtract = form & 1;
        double x = numbers[i], y = numbers[j], z = numbers[(i + j) % NUMBERS];
        double want = fma(negate ? -x : x, y, subtract ? -z : z);
        float want_float =
            fmaf(negate ? (float)-x : (float)x, (float)y, subtract ? (float)-z : (float)z);

        start();
        x86_fma213(&a, 8, negate, subtract, XMM0, XMM1, XMM2);
        if (isnan(want))
            assert_true(isnan(run_double(x, y, z)));
        else
            same_double(run_double(x, y, z), want);
        start();
        x86_fma213(&a, 4, negate, subtract, XMM0, XMM1, XMM2);
        if (isnan(want_float))
            assert_true(isnan(run_float((float)x, (float)y, (float)z)));
        else
            same_float(run_float((float)x, (float)y, (float)z), want_float);
    }
}

TEST(comparisons)
{
    EACH_NUMBER(i)
    for (unsigned j = 0; j <= NUMBERS; j++) {
        double x = numbers[i], y = j == NUMBERS ? (double)NAN : numbers[j];
        uint64_t bits[2], want = isnan(y) ? 7 : x > y ? 0 : x < y ? 1 : 4; /* ZF PF CF: 4 2 1 */

        memcpy(&bits[0], &x, 8);
        memcpy(&bits[1], &y, 8);
        for (unsigned form = 0; form < 4; form++) {
            float floats[2] = { (float)x, (float)y };

            if (form < 2 && !isnan(y))
                want = floats[0] > floats[1] ? 0 : floats[0] < floats[1] ? 1 : 4;
            else if (!isnan(y))
                want = x > y ? 0 : x < y ? 1 : 4;
            start();
            x86_movd_xr(&a, 8, XMM3, RDI);
            x86_movd_xr(&a, 8, XMM12, RSI);
            if (form < 2) {
                x86_cvt_size(&a, 4, XMM3, XMM3);
                x86_cvt_size(&a, 4, XMM12, XMM12);
            }
            x86_mov_ri(&a, RAX, 0, true);
            x86_mov_ri(&a, RCX, 0, true);
            x86_mov_ri(&a, RDX, 0, true);
            (form & 1 ? x86_comis : x86_ucomis)(&a, form < 2 ? 4 : 8, XMM3, XMM12);
            x86_setcc(&a, CC_E, RAX);
            x86_setcc(&a, CC_P, RCX);
            x86_setcc(&a, CC_B, RDX);
            x86_lea(&a, 4, RCX, x86_indexed(RCX, RAX, 2, 0));
            x86_lea(&a, 4, RAX, x86_indexed(RDX, RCX, 2, 0));
            assert_int_equal(run(bits[0], bits[1]), want);
        }
    }
}

TEST(conversions_between_sizes_and_integers)
{
    EACH_NUMBER(i)
    {
        double x = numbers[i];
        volatile float narrow = (float)x;
        uint64_t bits;

        memcpy(&bits, &x, 8);
        start();
        x86_cvt_size(&a, 4, XMM0, XMM0);
        x86_cvt_size(&a, 8, XMM0, XMM0);
        same_double(run_double(x, 0, 0), (double)narrow);
        if (fabs(x) > 1e9)
            continue;
        for (unsigned form = 0; form < 8; form++) {
            bool truncate = form & 1;
            unsigned size = form & 2 ? 8 : 4, int_size = form & 4 ? 8 : 4;
            double value = size == 8 ? x : (double)narrow;

            start();
            x86_movd_xr(&a, 8, XMM8, RDI);
            if (size == 4)
                x86_cvt_size(&a, 4, XMM8, XMM8);
            x86_cvt_to_int(&a, size, int_size, truncate, RAX, XMM8);
            assert_int_equal(
                run(bits, 0),
                cut(int_size, (uint64_t)(int64_t)(truncate ? trunc(value) : nearbyint(value))));
        }
    }
    EACH_VALUE(i)
    EACH_SIZE(int_size)
    {
        int64_t n = sign(int_size, values[i]);
        double wide = (double)n;
        float narrow = (float)n;
        uint64_t wide_bits = 0, narrow_bits = 0;

        memcpy(&wide_bits, &wide, 8);
        memcpy(&narrow_bits, &narrow, 4);
        start();
        x86_cvt_from_int(&a, 8, int_size, XMM15, RDI);
        x86_movd_rx(&a, 8, RAX, XMM15);
        assert_int_equal(run(values[i], 0), wide_bits);
        start();
        x86_cvt_from_int(&a, 4, int_size, XMM0, RDI);
        x86_movd_rx(&a, 4, RAX, XMM0);
        assert_int_equal(run(values[i], 0), narrow_bits);
    }
}

TEST(moves_and_logic)
{
    EACH_VALUE(i)
    EACH_VALUE(j)
    {
        static const enum x86_logic ops[] = { LOGIC_AND, LOGIC_ANDN, LOGIC_OR, LOGIC_XOR };
        uint64_t x = values[i], y = values[j], data[2] = { x, y };
        const uint64_t want[] = { x & y, ~x & y, x | y, x ^ y };

        for (unsigned o = 0; o < 4; o++) {
            start();
            x86_movs_load(&a, 8, XMM1, x86_at(RDI, 0));
            x86_movs_load(&a, 8, XMM11, x86_at(RDI, 8));
            x86_logic_rr(&a, ops[o], XMM1, XMM11);
            x86_movs_store(&a, 8, x86_at(RDI, 0), XMM1);
            x86_movd_rx(&a, 8, RAX, XMM1);
            assert_int_equal(run_on(data, 0), want[o]);
            assert_int_equal(data[0], want[o]);
            data[0] = x;
        }
        /* Four bytes: the load clears the rest, the store leaves it. */
        start();
        x86_movs_load(&a, 4, XMM1, x86_at(RDI, 0));
        x86_movs_store(&a, 4, x86_at(RDI, 8), XMM1);
        x86_movd_rx(&a, 8, RAX, XMM1);
        assert_int_equal(run_on(data, 0), (uint32_t)x);
        assert_int_equal(data[1], (y & 0xffffffff00000000) | (uint32_t)x);
    }
}

TEST(mxcsr_is_kept_and_set)
{
    uint32_t saved[2] = { 0, 0x1f80 | 0x4000 }; /* all masked, upward */

    start();
    x86_stmxcsr(&a, x86_at(RDI, 0));
    x86_ldmxcsr(&a, x86_at(RDI, 4));
    x86_mov_ri(&a, RAX, 3, true);
    x86_mov_ri(&a, RCX, 2, true);
    x86_cvt_from_int(&a, 8, 8, XMM0, RCX);
    x86_cvt_from_int(&a, 8, 8, XMM1, RAX);
    x86_sse_rr(&a, SSE_DIV, 8, XMM0, XMM1);
    x86_stmxcsr(&a, x86_at(RDI, 4));
    x86_ldmxcsr(&a, x86_at(RDI, 0));
    x86_movd_rx(&a, 8, RAX, XMM0);
    assert_int_equal(run_on(saved, 0), 0x3fe5555555555556); /* nearest: ...55 */
    assert_int_equal(saved[0] & 0xffc0, 0x1f80);
    assert_int_equal(saved[1], 0x1f80 | 0x4000 | 0x20); /* inexact */
}

/* ---- control ---- */

TEST(a_loop_with_a_call_inside)
{
    uint8_t *over, *call, *again, *top;

    /* rax = the sum of n squared, for n from rdi down to 1 */
    start();
    x86_mov_ri(&a, RAX, 0, true);
    over = x86_jmp(&a);
    top = a.at;
    call = x86_call(&a);
    x86_alu_ri(&a, ALU_SUB, 8, RDI, 1);
    x86_patch(over, a.at);
    x86_test_rr(&a, 8, RDI, RDI);
    again = x86_jcc(&a, CC_NE);
    x86_patch(again, top);
    x86_ret(&a);
    x86_ud2(&a);
    x86_patch(call, a.at);
    x86_mov_rr(&a, 8, RDX, RDI);
    x86_imul_rr(&a, 8, RDX, RDI);
    x86_alu_rr(&a, ALU_ADD, 8, RAX, RDX);
    assert_int_equal(run(10, 0), 385);
}

static uint64_t triple(uint64_t x)
{
    return 3 * x;
}

TEST(calls_and_jumps_through_registers_and_memory)
{
    void *table[2] = { NULL, (void *)triple };

    start();
    x86_push(&a, RAX); /* the stack is aligned at calls */
    x86_mov_rr(&a, 8, RDX, RDI);
    x86_mov_rr(&a, 8, RDI, RSI);
    x86_mov_ri(&a, RAX, (uintptr_t)triple, false);
    x86_push(&a, RDX);
    x86_push(&a, RDX);
    x86_call_r(&a, RAX);
    x86_pop(&a, RDX);
    x86_mov_rr(&a, 8, RDI, RAX);
    x86_call_m(&a, x86_at(RDX, 8));
    x86_pop(&a, RDX);
    x86_pop(&a, RCX);
    x86_mov_rr(&a, 8, RDI, RAX);
    x86_jmp_m(&a, x86_at(RDX, 8));
    assert_int_equal(run_on(table, 5), 135);

    start();
    x86_xchg_rr(&a, 8, RDI, RSI);
    x86_jmp_r(&a, RSI);
    assert_int_equal(run((uintptr_t)triple, 7), 21);

    start();
    for (unsigned bytes = 1; bytes <= 9; bytes++)
        x86_nop(&a, bytes);
    x86_mov_rr(&a, 4, RAX, RDI);
    assert_int_equal(run(0x123456789, 0), 0x23456789);
}

/* One thread runs a jump while another turns it between two targets. */
static atomic_bool stop;
static atomic_uint seen[2];

static void *runner(void *code)
{
    while (!atomic_load(&stop))
        atomic_fetch_add(&seen[((int_code *)code)(0, 0)], 1);
    return NULL;
}

TEST(an_aligned_jump_is_patched_while_it_runs)
{
    pthread_t thread;
    uint8_t *field, *target[2];

    start();
    x86_nop(&a, 3);
    field = x86_jmp_aligned(&a);
    x86_ud2(&a);
    for (unsigned n = 0; n < 2; n++) {
        /* so far apart that two bytes of the displacement change */
        a.at = memory.write + (size_t)0x70ff * (n + 1);
        target[n] = a.at;
        x86_mov_ri(&a, RAX, n, true);
        x86_ret(&a);
    }
    x86_patch(field, target[0]);
    assert_int_equal(pthread_create(&thread, NULL, runner, memory.exec), 0);
    for (unsigned n = 0; atomic_load(&seen[0]) < 1000 || atomic_load(&seen[1]) < 1000 || n < 20000;
         n++)
        x86_patch(field, target[n & 1]);
    atomic_store(&stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

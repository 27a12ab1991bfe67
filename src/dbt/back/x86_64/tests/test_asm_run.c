/* dbt/back/x86_64/asm: small programs of integers, run, give what C gives */
#include "dbt/back/x86_64/tests/asm_run.h"

TEST(arithmetic)
{
    for (unsigned op = 0; op < 8; op++)
        EACH_VALUE(i)
    EACH_VALUE(j)
    EACH_SIZE(size)
    {
        uint64_t x = values[i], y = values[j], data[2] = { x, y };
        /* The carry in is that of x < y. */
        uint64_t want = cut(size, alu(op, x, y, x < y));

        start();
        x86_mov_rr(&a, 8, RAX, RDI);
        x86_alu_rr(&a, ALU_CMP, 8, RDI, RSI);
        x86_alu_rr(&a, op, size, RAX, RSI);
        if (op == ALU_CMP && size == 4) /* writes nothing */
            x86_mov_rr(&a, 4, RAX, RAX);
        assert_int_equal(run(x, y), want);

        start();
        x86_load(&a, 8, false, RAX, x86_at(RDI, 0));
        x86_alu_rm(&a, ALU_CMP, 8, RAX, x86_at(RDI, 8));
        x86_alu_rm(&a, op, size, RAX, x86_at(RDI, 8));
        if (op == ALU_CMP && size == 4)
            x86_mov_rr(&a, 4, RAX, RAX);
        assert_int_equal(run_on(data, 0), want);

        start();
        x86_load(&a, 8, false, RAX, x86_at(RDI, 0));
        x86_alu_rr(&a, ALU_CMP, 8, RAX, RSI);
        x86_alu_mr(&a, op, size, x86_at(RDI, 0), RSI);
        x86_load(&a, size, false, RAX, x86_at(RDI, 0));
        assert_int_equal(run_on(data, y), want);
    }
}

TEST(arithmetic_with_constants)
{
    static const int32_t imms[] = { 0, 1, -1, 127, 128, -128, -129, 0x12345678, INT32_MIN };

    for (unsigned op = 0; op < 7; op++)
        EACH_VALUE(i)
    EACH_SIZE(size)
    for (unsigned n = 0; n < sizeof(imms) / sizeof(imms[0]); n++) {
        uint64_t x = values[i], data = x;
        uint64_t want = cut(size, alu(op, x, (uint64_t)(int64_t)imms[n], 0));

        start();
        x86_mov_rr(&a, 8, RAX, RDI);
        x86_test_rr(&a, 8, RAX, RAX); /* no carry */
        x86_alu_ri(&a, op, size, RAX, imms[n]);
        assert_int_equal(run(x, 0), want);

        start();
        x86_test_rr(&a, 8, RAX, RAX);
        x86_alu_mi(&a, op, size, x86_at(RDI, 0), imms[n]);
        run_on(&data, 0);
        assert_int_equal(cut(size, data), want);
    }
}

TEST(constants)
{
    EACH_VALUE(i)
    for (unsigned flags_free = 0; flags_free < 2; flags_free++)
        for (unsigned reg = 0; reg < 16; reg++) {
            if (reg == RSP)
                continue;
            start();
            x86_push(&a, reg);
            x86_mov_ri(&a, reg, values[i], flags_free);
            x86_mov_rr(&a, 8, RAX, reg);
            if (reg == RAX) {
                x86_pop(&a, RCX);
            } else {
                x86_pop(&a, reg);
            }
            assert_int_equal(run(~values[i], 0), values[i]);
        }
}

static bool holds(enum x86_cc cc, uint64_t x, uint64_t y, unsigned size)
{
    int64_t sx = sign(size, x), sy = sign(size, y);
    uint64_t ux = cut(size, x), uy = cut(size, y), diff = cut(size, ux - uy);
    bool negative = sign(size, diff) < 0, yes = false;

    switch (cc & ~1) {
    case CC_O:
        yes = negative != (sx < sy);
        break;
    case CC_B:
        yes = ux < uy;
        break;
    case CC_E:
        yes = ux == uy;
        break;
    case CC_BE:
        yes = ux <= uy;
        break;
    case CC_S:
        yes = negative;
        break;
    case CC_P:
        yes = __builtin_parityll(diff & 0xff) == 0;
        break;
    case CC_L:
        yes = sx < sy;
        break;
    case CC_LE:
        yes = sx <= sy;
        break;
    default:
        assert_true(false);
    }
    return yes != (cc & 1);
}

TEST(conditions)
{
    for (unsigned cc = 0; cc < 16; cc++)
        EACH_VALUE(i)
    EACH_VALUE(j)
    EACH_SIZE4(size)
    {
        uint64_t x = values[i], y = values[j];
        bool want = holds(cc, x, y, size);
        uint8_t *field;

        start();
        x86_mov_ri(&a, RAX, 0, true);
        x86_alu_rr(&a, ALU_CMP, size, RDI, RSI);
        x86_setcc(&a, cc, RAX);
        assert_int_equal(run(x, y), want);

        start();
        x86_mov_ri(&a, RAX, 11, true);
        x86_mov_ri(&a, RDX, 22, true);
        x86_alu_rr(&a, ALU_CMP, size, RDI, RSI);
        x86_cmov(&a, cc, size < 4 ? 4 : size, RAX, RDX);
        assert_int_equal(run(x, y), want ? 22 : 11);

        start();
        x86_mov_ri(&a, RAX, 1, true);
        x86_alu_rr(&a, ALU_CMP, size, RDI, RSI);
        field = x86_jcc(&a, cc);
        x86_mov_ri(&a, RAX, 0, true);
        x86_patch(field, a.at);
        assert_int_equal(run(x, y), want);
    }
}

TEST(a_narrow_test_sets_the_flags_of_the_wide_one)
{
    static const int32_t imms[] = { 0, 1, 0x40, 0x7f, 0x80, 0x7fffffff, -1, -128, INT32_MIN };

    for (unsigned cc = 0; cc < 16; cc++)
        EACH_VALUE(i)
    EACH_SIZE(size)
    for (unsigned n = 0; n < sizeof(imms) / sizeof(imms[0]); n++) {
        uint64_t x = values[i];
        /* AND leaves the flags of a comparison of its result with 0. */
        bool want = holds(cc, x & (uint64_t)(int64_t)imms[n], 0, size);

        start();
        x86_mov_ri(&a, RAX, 0, true);
        x86_test_ri(&a, size, RDI, imms[n]);
        x86_setcc(&a, cc, RAX);
        assert_int_equal(run(x, 0), want);
    }
}

static uint64_t shift(enum x86_shift op, unsigned size, uint64_t x, unsigned n)
{
    unsigned bits = 8 * size;

    x = cut(size, x);
    switch (op) {
    case SHIFT_ROL:
        return n ? cut(size, x << n | x >> (bits - n)) : x;
    case SHIFT_ROR:
        return n ? cut(size, x >> n | x << (bits - n)) : x;
    case SHIFT_SHL:
        return cut(size, x << n);
    case SHIFT_SHR:
        return x >> n;
    case SHIFT_SAR:
        return cut(size, (uint64_t)(sign(size, x) >> n));
    }
    return 0;
}

TEST(a_sum_leaves_flags_alone)
{
    static const int32_t imms[] = { 0, 1, -8, 4096, INT32_MIN };

    EACH_VALUE(i)
    for (unsigned n = 0; n < 5; n++) {
        start();
        x86_alu_rr(&a, ALU_CMP, 8, RDI, RSI); /* equal */
        x86_sum(&a, RCX, RDI, imms[n]);
        x86_sum(&a, RCX, RCX, imms[n]);
        x86_mov_ri(&a, RAX, 1, false);
        x86_cmov(&a, CC_E, 8, RAX, RCX);
        assert_int_equal(run(values[i], values[i]), values[i] + 2 * (uint64_t)(int64_t)imms[n]);
    }
}

TEST(shifts)
{
    static const enum x86_shift ops[] = { SHIFT_ROL, SHIFT_ROR, SHIFT_SHL, SHIFT_SHR, SHIFT_SAR };
    bool bmi2 = __builtin_cpu_supports("bmi2");

    for (unsigned o = 0; o < 5; o++)
        EACH_VALUE(i)
    EACH_SIZE(size)
    for (unsigned n = 0; n < 8 * size; n++) {
        uint64_t x = values[i], want = shift(ops[o], size, x, n);

        start();
        x86_mov_rr(&a, 8, RAX, RDI);
        x86_shift_ri(&a, ops[o], size, RAX, (uint8_t)n);
        if (n == 0 && size == 4) /* a count of 0 need not clear the upper half */
            x86_mov_rr(&a, 4, RAX, RAX);
        assert_int_equal(run(x, 0), want);

        start();
        x86_mov_rr(&a, 8, RAX, RDI);
        x86_mov_rr(&a, 8, RCX, RSI);
        x86_shift_rcl(&a, ops[o], size, RAX);
        assert_int_equal(cut(size, run(x, n)), want);

        if (!bmi2)
            continue;
        start();
        if (ops[o] == SHIFT_ROR)
            x86_rorx(&a, size, RAX, RDI, (uint8_t)n);
        else if (ops[o] == SHIFT_ROL)
            continue;
        else
            x86_shiftx(&a, ops[o], size, RAX, RDI, RSI);
        assert_int_equal(run(x, n), want);
    }
}

TEST(multiplication_and_division)
{
    EACH_VALUE(i)
    EACH_VALUE(j)
    EACH_SIZE(size)
    {
        uint64_t x = cut(size, values[i]), y = cut(size, values[j]);
        unsigned __int128 product = (unsigned __int128)x * y;
        __int128 signed_product = (__int128)sign(size, x) * sign(size, y);

        start();
        x86_mov_rr(&a, 8, RAX, RDI);
        x86_imul_rr(&a, size, RAX, RSI);
        assert_int_equal(run(x, y), cut(size, x * y));
        start();
        x86_imul_rri(&a, size, RAX, RDI, -77);
        assert_int_equal(run(x, y), cut(size, x * (uint64_t)-77));
        start();
        x86_imul_rri(&a, size, RAX, RDI, 0x12345);
        assert_int_equal(run(x, y), cut(size, x * 0x12345));
        start();
        x86_mov_rr(&a, 8, RAX, RDI);
        x86_mul(&a, size, RSI);
        x86_mov_rr(&a, 8, RAX, RDX);
        assert_int_equal(run(x, y), cut(size, (uint64_t)(product >> (8 * size))));
        start();
        x86_mov_rr(&a, 8, RAX, RDI);
        x86_imul1(&a, size, RSI);
        x86_mov_rr(&a, 8, RAX, RDX);
        assert_int_equal(run(x, y), cut(size, (uint64_t)(signed_product >> (8 * size))));
        if (y == 0)
            continue;
        start();
        x86_mov_rr(&a, 8, RAX, RDI);
        x86_mov_ri(&a, RDX, 0, true);
        x86_div(&a, size, RSI);
        x86_shift_ri(&a, SHIFT_ROL, size, RDX, 1); /* both results: quotient ^ 2 * remainder */
        x86_alu_rr(&a, ALU_XOR, size, RAX, RDX);
        assert_int_equal(run(x, y), (x / y) ^ shift(SHIFT_ROL, size, x % y, 1));
        if (sign(size, y) == -1)
            continue;
        start();
        x86_mov_rr(&a, 8, RAX, RDI);
        x86_cqo(&a, size);
        x86_idiv(&a, size, RSI);
        x86_shift_ri(&a, SHIFT_ROL, size, RDX, 1);
        x86_alu_rr(&a, ALU_XOR, size, RAX, RDX);
        assert_int_equal(
            run(x, y),
            cut(size, (uint64_t)(sign(size, x) / sign(size, y)) ^
                          shift(SHIFT_ROL, size, (uint64_t)(sign(size, x) % sign(size, y)), 1)));
    }
}

TEST(one_operand_and_counting)
{
    bool bmi = __builtin_cpu_supports("bmi2"); /* has lzcnt and tzcnt too */

    EACH_VALUE(i)
    EACH_SIZE(size)
    {
        uint64_t x = values[i], low = cut(size, x);

        start();
        x86_mov_rr(&a, 8, RAX, RDI);
        x86_neg(&a, size, RAX);
        assert_int_equal(run(x, 0), cut(size, -x));
        start();
        x86_mov_rr(&a, 8, RAX, RDI);
        x86_not(&a, size, RAX);
        assert_int_equal(run(x, 0), cut(size, ~x));
        start();
        x86_mov_rr(&a, 8, RAX, RDI);
        x86_bswap(&a, size, RAX);
        assert_int_equal(run(x, 0),
                         size == 4 ? __builtin_bswap32((uint32_t)x) : __builtin_bswap64(x));
        start();
        x86_popcnt(&a, size, RAX, RDI);
        assert_int_equal(run(x, 0), __builtin_popcountll(low));
        if (!bmi)
            continue;
        start();
        x86_lzcnt(&a, size, RAX, RDI);
        assert_int_equal(run(x, 0),
                         low ? (unsigned)__builtin_clzll(low) - (64 - 8 * size) : 8 * size);
        start();
        x86_tzcnt(&a, size, RAX, RDI);
        assert_int_equal(run(x, 0), low ? (unsigned)__builtin_ctzll(low) : 8 * size);
        EACH_VALUE(j)
        {
            start();
            x86_andn(&a, size, RAX, RDI, RSI);
            assert_int_equal(run(x, values[j]), cut(size, ~x & values[j]));
        }
    }
}

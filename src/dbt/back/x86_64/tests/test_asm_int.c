/* dbt/back/x86_64/asm: integer arithmetic and atomics */
#ifndef HAVE_CAPSTONE
int main(void)
{
    return 77; /* skipped */
}
#else
#include "dbt/back/x86_64/tests/asm_check.h"

static const char *const cc_names[] = { "o", "no", "b", "ae", "e", "ne", "be", "a",
                                        "s", "ns", "p", "np", "l", "ge", "le", "g" };
static const char *const alu_names[] = { "add", "or", "adc", "sbb", "and", "sub", "xor", "cmp" };

/* ---- integer arithmetic ---- */

TEST(two_operand_arithmetic_on_registers)
{
    start();
    for (unsigned op = 0; op < 8; op++)
        EACH(d)
        {
            EACH_SIZE4(size)
            {
                EACH(s)
                {
                    x86_alu_rr(&a, op, size, d, s);
                    CHECK(alu_names[op], r(size, d), r(size, s));
                }
                EACH_IMM(n)
                {
                    x86_alu_ri(&a, op, size, d, imms[n]);
                    assert_int_equal(a.at[-1], size == 1 || imms[n] == (int8_t)imms[n]
                                                   ? (uint8_t)imms[n]
                                                   : (uint8_t)(imms[n] >> (size == 2 ? 8 : 24)));
                    CHECK(alu_names[op], r(size, d), i(size, imms[n]));
                }
            }
        }
}

TEST(two_operand_arithmetic_on_memory)
{
    start();
    for (unsigned op = 0; op < 8; op++)
        EACH_MEM(w)
        {
            EACH_SIZE4(s)
            {
                int32_t imm = imms[w.turn % 11];

                x86_alu_rm(&a, op, s, w.reg, w.mem);
                CHECK(alu_names[op], r(s, w.reg), m(s, w.mem));
                x86_alu_mr(&a, op, s, w.mem, w.reg);
                CHECK(alu_names[op], m(s, w.mem), r(s, w.reg));
                x86_alu_mi(&a, op, s, w.mem, imm);
                CHECK(alu_names[op], m(s, w.mem), i(s, imm));
                if (op == ALU_CMP)
                    continue;
                x86_lock_alu_mr(&a, op, s, w.mem, w.reg);
                CHECK(join("lock ", alu_names[op]), m(s, w.mem), r(s, w.reg));
            }
        }
}

TEST(a_test_with_a_constant_is_as_narrow_as_the_flags_allow)
{
    start();
    EACH(d)
    {
        EACH_SIZE4(size)
        {
            EACH(s)
            {
                x86_test_rr(&a, size, d, s);
                CHECK("test", r(size, d), r(size, s));
            }
            EACH_IMM(n)
            {
                unsigned narrow = imms[n] >= 0 && imms[n] < 128 ? 1
                                  : imms[n] >= 0 && size == 8   ? 4
                                                                : size;

                x86_test_ri(&a, size, d, imms[n]);
                CHECK("test", r(narrow, d), i(narrow, imms[n]));
            }
        }
    }
}

TEST(shifts)
{
    static const struct {
        enum x86_shift op;
        const char *name, *x_name;
    } rows[] = {
        { SHIFT_ROL, "rol", NULL },   { SHIFT_ROR, "ror", NULL },   { SHIFT_SHL, "shl", "shlx" },
        { SHIFT_SHR, "shr", "shrx" }, { SHIFT_SAR, "sar", "sarx" },
    };

    start();
    for (unsigned n = 0; n < sizeof(rows) / sizeof(rows[0]); n++)
        EACH(d)
        {
            EACH_SIZE(size)
            {
                for (unsigned count = 0; count < size * 8; count++) {
                    x86_shift_ri(&a, rows[n].op, size, d, (uint8_t)count);
                    CHECK(rows[n].name, r(size, d), i(1, count));
                }
                x86_shift_rcl(&a, rows[n].op, size, d);
                CHECK(rows[n].name, r(size, d), r(1, RCX));
                if (!rows[n].x_name)
                    continue;
                EACH(s)
                {
                    EACH(c)
                    {
                        x86_shiftx(&a, rows[n].op, size, d, s, c);
                        CHECK(rows[n].x_name, r(size, d), r(size, s), r(size, c));
                    }
                }
            }
        }
}

TEST(three_operand_bit_operations)
{
    start();
    EACH(d)
    {
        EACH(s)
        {
            EACH_SIZE(size)
            {
                for (unsigned count = 0; count < size * 8; count += 7) {
                    x86_rorx(&a, size, d, s, (uint8_t)count);
                    CHECK("rorx", r(size, d), r(size, s), i(1, count));
                }
                EACH(t)
                {
                    x86_andn(&a, size, d, s, t);
                    CHECK("andn", r(size, d), r(size, s), r(size, t));
                }
            }
        }
    }
}

TEST(multiplication_and_division)
{
    start();
    EACH_MEM(w)
    {
        EACH_SIZE(size)
        {
            x86_imul_rm(&a, size, w.reg, w.mem);
            CHECK("imul", r(size, w.reg), m(size, w.mem));
        }
    }
    EACH_SIZE(size)
    {
        EACH(d)
        {
            EACH(s)
            {
                x86_imul_rr(&a, size, d, s);
                CHECK("imul", r(size, d), r(size, s));
                EACH_IMM(n)
                {
                    x86_imul_rri(&a, size, d, s, imms[n]);
                    CHECK("imul", r(size, d), r(size, s), i(size, imms[n]));
                }
            }
            x86_mul(&a, size, d);
            CHECK("mul", r(size, d));
            x86_imul1(&a, size, d);
            CHECK("imul", r(size, d));
            x86_div(&a, size, d);
            CHECK("div", r(size, d));
            x86_idiv(&a, size, d);
            CHECK("idiv", r(size, d));
        }
    }
    x86_cqo(&a, 4);
    CHECK_NONE("cdq");
    x86_cqo(&a, 8);
    CHECK_NONE("cqo");
}

TEST(one_operand_and_counting)
{
    start();
    EACH_SIZE(size)
    {
        EACH(d)
        {
            x86_neg(&a, size, d);
            CHECK("neg", r(size, d));
            x86_not(&a, size, d);
            CHECK("not", r(size, d));
            x86_bswap(&a, size, d);
            CHECK("bswap", r(size, d));
            EACH(s)
            {
                x86_lzcnt(&a, size, d, s);
                CHECK("lzcnt", r(size, d), r(size, s));
                x86_tzcnt(&a, size, d, s);
                CHECK("tzcnt", r(size, d), r(size, s));
                x86_popcnt(&a, size, d, s);
                CHECK("popcnt", r(size, d), r(size, s));
            }
        }
    }
}

TEST(conditions)
{
    start();
    EACH(cc)
    {
        EACH(d)
        {
            x86_setcc(&a, cc, d);
            CHECK(join("set", cc_names[cc]), r(1, d));
            EACH(s)
            {
                EACH_SIZE(size)
                {
                    x86_cmov(&a, cc, size, d, s);
                    CHECK(join("cmov", cc_names[cc]), r(size, d), r(size, s));
                }
            }
        }
    }
}

TEST(atomics)
{
    start();
    EACH_MEM(w)
    {
        EACH_SIZE4(s)
        {
            x86_lock_xadd(&a, s, w.mem, w.reg);
            CHECK("lock xadd", m(s, w.mem), r(s, w.reg));
            x86_lock_cmpxchg(&a, s, w.mem, w.reg);
            CHECK("lock cmpxchg", m(s, w.mem), r(s, w.reg));
            x86_xchg_mr(&a, s, w.mem, w.reg);
            CHECK("xchg", m(s, w.mem), r(s, w.reg));
        }
        x86_lock_cmpxchg16b(&a, w.mem);
        CHECK("lock cmpxchg16b", m(16, w.mem));
    }
    x86_mfence(&a);
    CHECK_NONE("mfence");
}
#endif

/* dbt/back/x86_64/asm: scalar floating point */
#ifndef HAVE_CAPSTONE
int main(void)
{
    return 77; /* skipped */
}
#else
#include "dbt/back/x86_64/tests/asm_check.h"

/* ---- floating point ---- */

TEST(scalar_arithmetic)
{
    static const struct {
        enum x86_sse op;
        const char *name;
    } rows[] = {
        { SSE_ADD, "adds" }, { SSE_MUL, "muls" }, { SSE_SUB, "subs" },   { SSE_MIN, "mins" },
        { SSE_DIV, "divs" }, { SSE_MAX, "maxs" }, { SSE_SQRT, "sqrts" },
    };
    static const struct {
        enum x86_logic op;
        const char *name;
    } logic[] = {
        { LOGIC_AND, "andps" },
        { LOGIC_ANDN, "andnps" },
        { LOGIC_OR, "orps" },
        { LOGIC_XOR, "xorps" },
    };

    start();
    EACH(d)
    {
        EACH(s)
        {
            EACH_SIZE(size)
            {
                for (unsigned n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
                    x86_sse_rr(&a, rows[n].op, size, d, s);
                    CHECK(join(rows[n].name, size == 8 ? "d" : "s"), x(d), x(s));
                }
                x86_ucomis(&a, size, d, s);
                CHECK(size == 8 ? "ucomisd" : "ucomiss", x(d), x(s));
                x86_comis(&a, size, d, s);
                CHECK(size == 8 ? "comisd" : "comiss", x(d), x(s));
            }
            for (unsigned n = 0; n < sizeof(logic) / sizeof(logic[0]); n++) {
                x86_logic_rr(&a, logic[n].op, d, s);
                CHECK(logic[n].name, x(d), x(s));
            }
        }
    }
}

TEST(rounding)
{
    start();
    EACH(d)
    {
        EACH(s)
        {
            EACH_SIZE(size)
            {
                for (unsigned mode = 0; mode < 16; mode++) {
                    x86_round(&a, size, mode, d, s);
                    CHECK(size == 8 ? "vroundsd" : "vroundss", x(d), x(s), x(s), i(1, mode));
                }
            }
        }
    }
}

TEST(scalar_moves)
{
    start();
    EACH(d)
    {
        EACH(s)
        {
            x86_movs_rr(&a, d, s);
            CHECK("movaps", x(d), x(s));
            x86_movd_xr(&a, 4, d, s);
            CHECK("movd", x(d), r(4, s));
            x86_movd_xr(&a, 8, d, s);
            CHECK("movq", x(d), r(8, s));
            x86_movd_rx(&a, 4, d, s);
            CHECK("movd", r(4, d), x(s));
            x86_movd_rx(&a, 8, d, s);
            CHECK("movq", r(8, d), x(s));
        }
    }
    EACH_MEM(w)
    {
        EACH_SIZE(s)
        {
            x86_movs_load(&a, s, w.reg, w.mem);
            CHECK(s == 8 ? "movsd" : "movss", x(w.reg), m(s, w.mem));
            x86_movs_store(&a, s, w.mem, w.reg);
            CHECK(s == 8 ? "movsd" : "movss", m(s, w.mem), x(w.reg));
        }
        x86_ldmxcsr(&a, w.mem);
        CHECK("ldmxcsr", m(4, w.mem));
        x86_stmxcsr(&a, w.mem);
        CHECK("stmxcsr", m(4, w.mem));
    }
}

TEST(conversions)
{
    start();
    EACH(d)
    {
        EACH(s)
        {
            EACH_SIZE(size)
            {
                EACH_SIZE(int_size)
                {
                    x86_cvt_from_int(&a, size, int_size, d, s);
                    CHECK(size == 8 ? "cvtsi2sd" : "cvtsi2ss", x(d), r(int_size, s));
                    x86_cvt_to_int(&a, size, int_size, false, d, s);
                    CHECK(size == 8 ? "cvtsd2si" : "cvtss2si", r(int_size, d), x(s));
                    x86_cvt_to_int(&a, size, int_size, true, d, s);
                    CHECK(size == 8 ? "cvttsd2si" : "cvttss2si", r(int_size, d), x(s));
                }
            }
            x86_cvt_size(&a, 8, d, s);
            CHECK("cvtss2sd", x(d), x(s));
            x86_cvt_size(&a, 4, d, s);
            CHECK("cvtsd2ss", x(d), x(s));
        }
    }
}

TEST(fused_multiply_and_add)
{
    static const char *const names[2][2] = { { "vfmadd213s", "vfmsub213s" },
                                             { "vfnmadd213s", "vfnmsub213s" } };

    start();
    for (unsigned form = 0; form < 4; form++)
        EACH(d)
        {
            EACH(s)
            {
                EACH(t)
                {
                    EACH_SIZE(size)
                    {
                        x86_sse_rrr(&a, SSE_DIV, size, d, s, t);
                        CHECK(join("vdivs", size == 8 ? "d" : "s"), x(d), x(s), x(t));
                        x86_fma213(&a, size, form & 2, form & 1, d, s, t);
                        CHECK(join(names[form >> 1][form & 1], size == 8 ? "d" : "s"), x(d), x(s),
                              x(t));
                    }
                }
            }
        }
}
#endif

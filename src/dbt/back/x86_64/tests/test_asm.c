/* dbt/back/x86_64/asm: moves and control */
#ifndef HAVE_CAPSTONE
int main(void)
{
    return 77; /* skipped */
}
#else
#include "dbt/back/x86_64/tests/asm_check.h"

static const char *const cc_names[] = { "o", "no", "b", "ae", "e", "ne", "be", "a",
                                        "s", "ns", "p", "np", "l", "ge", "le", "g" };
/* ---- moves ---- */

TEST(lea_of_every_base_index_scale_and_displacement)
{
    start();
    for (unsigned base = 0; base <= 16; base++)
        for (unsigned index = 0; index <= 16; index++)
            for (unsigned rest = 0; index != RSP && rest < 36; rest++) {
                struct x86_mem mem = { base == 16 ? X86_NONE : (uint8_t)base,
                                       index == 16 ? X86_NONE : (uint8_t)index,
                                       (uint8_t)(1 << rest % 4), disps[rest / 4] };

                x86_lea(&a, 8, R9, mem);
                CHECK("lea", r(8, R9), m(8, mem));
            }
    EACH_MEM(w)
    {
        EACH_SIZE(s)
        {
            x86_lea(&a, s, w.reg, w.mem);
            CHECK("lea", r(s, w.reg), m(0, w.mem));
        }
    }
}

TEST(loads_extend_as_told)
{
    start();
    EACH_MEM(w)
    {
        x86_load(&a, 1, false, w.reg, w.mem);
        CHECK("movzx", r(4, w.reg), m(1, w.mem));
        x86_load(&a, 1, true, w.reg, w.mem);
        CHECK("movsx", r(8, w.reg), m(1, w.mem));
        x86_load(&a, 2, false, w.reg, w.mem);
        CHECK("movzx", r(4, w.reg), m(2, w.mem));
        x86_load(&a, 2, true, w.reg, w.mem);
        CHECK("movsx", r(8, w.reg), m(2, w.mem));
        x86_load(&a, 4, false, w.reg, w.mem);
        CHECK("mov", r(4, w.reg), m(4, w.mem));
        x86_load(&a, 4, true, w.reg, w.mem);
        CHECK("movsxd", r(8, w.reg), m(4, w.mem));
        x86_load(&a, 8, false, w.reg, w.mem);
        CHECK("mov", r(8, w.reg), m(8, w.mem));
        x86_load(&a, 8, true, w.reg, w.mem);
        CHECK("mov", r(8, w.reg), m(8, w.mem));
    }
}

TEST(stores_of_every_size)
{
    start();
    EACH_MEM(w)
    {
        EACH_SIZE4(s)
        {
            int32_t imm = imms[w.turn % 11];

            x86_store(&a, s, w.mem, w.reg);
            CHECK("mov", m(s, w.mem), r(s, w.reg));
            x86_store_imm(&a, s, w.mem, imm);
            CHECK("mov", m(s, w.mem), i(s, imm));
        }
    }
}

TEST(moves_between_registers)
{
    start();
    EACH(d)
    {
        EACH(s)
        {
            EACH_SIZE(size)
            {
                x86_mov_rr(&a, size, d, s);
                CHECK("mov", r(size, d), r(size, s));
                x86_xchg_rr(&a, size, d, s);
                CHECK("xchg", r(size, d), r(size, s));
            }
            x86_extend(&a, 1, false, d, s);
            CHECK("movzx", r(4, d), r(1, s));
            x86_extend(&a, 1, true, d, s);
            CHECK("movsx", r(8, d), r(1, s));
            x86_extend(&a, 2, false, d, s);
            CHECK("movzx", r(4, d), r(2, s));
            x86_extend(&a, 2, true, d, s);
            CHECK("movsx", r(8, d), r(2, s));
            x86_extend(&a, 4, false, d, s);
            CHECK("mov", r(4, d), r(4, s));
            x86_extend(&a, 4, true, d, s);
            CHECK("movsxd", r(8, d), r(4, s));
        }
        x86_push(&a, d);
        CHECK("push", r(8, d));
        x86_pop(&a, d);
        CHECK("pop", r(8, d));
    }
}

TEST(constants_take_the_shortest_form)
{
    static const struct {
        uint64_t value;
        const char *mnemonic;
        unsigned size, length; /* length without REX.B for the upper registers */
    } rows[] = {
        { 1, "mov", 4, 5 },
        { 0x7fffffff, "mov", 4, 5 },
        { 0x80000000, "mov", 4, 5 },
        { 0xffffffff, "mov", 4, 5 },
        { 0x100000000, "movabs", 8, 10 },
        { 0xffffffff80000000, "mov", 8, 7 },
        { 0xffffffffffffffff, "mov", 8, 7 },
        { 0xffffffff7fffffff, "movabs", 8, 10 },
        { 0x123456789abcdef0, "movabs", 8, 10 },
    };

    start();
    EACH(d)
    {
        for (unsigned n = 0; n < sizeof(rows) / sizeof(rows[0]); n++)
            for (unsigned flags_free = 0; flags_free < 2; flags_free++) {
                x86_mov_ri(&a, d, rows[n].value, flags_free);
                assert_int_equal(a.at - a.start, rows[n].length + (d >= 8 && rows[n].size == 4));
                CHECK(rows[n].mnemonic, r(rows[n].size, d),
                      i(rows[n].size, (int64_t)rows[n].value));
            }
        x86_mov_ri(&a, d, 0, true);
        CHECK("xor", r(4, d), r(4, d));
        x86_mov_ri(&a, d, 0, false);
        CHECK("mov", r(4, d), i(4, 0));
    }
}

/* ---- control ---- */

TEST(branches_lead_where_they_are_patched_to)
{
    static const int32_t distances[] = { 0, 5, -5, 0x7ffffff0, -0x7ffffff0 };

    start();
    for (unsigned n = 0; n < sizeof(distances) / sizeof(distances[0]); n++) {
        int64_t to = (int64_t)code_address + distances[n];
        const uint8_t *target = (uint8_t *)((uintptr_t)buffer + (uintptr_t)(intptr_t)distances[n]);

        x86_patch(x86_jmp(&a), target);
        CHECK("jmp", i(8, to));
        x86_patch(x86_call(&a), target);
        CHECK("call", i(8, to));
        EACH(cc)
        {
            x86_patch(x86_jcc(&a, cc), target);
            CHECK(join("j", cc_names[cc]), i(8, to));
        }
    }
    EACH(d)
    {
        x86_jmp_r(&a, d);
        CHECK("jmp", r(8, d));
        x86_call_r(&a, d);
        CHECK("call", r(8, d));
    }
    EACH_MEM(w)
    {
        x86_jmp_m(&a, w.mem);
        CHECK("jmp", m(8, w.mem));
        x86_call_m(&a, w.mem);
        CHECK("call", m(8, w.mem));
    }
    x86_ret(&a);
    CHECK_NONE("ret");
    x86_ud2(&a);
    CHECK_NONE("ud2");
}

TEST(a_nop_is_one_instruction_of_any_length)
{
    start();
    for (unsigned bytes = 1; bytes <= 9; bytes++) {
        const uint8_t *code = a.start;
        size_t left = bytes;
        uint64_t address = 0;

        x86_nop(&a, bytes);
        assert_int_equal(a.at - a.start, bytes);
        assert_true(cs_disasm_iter(handle, &code, &left, &address, insn));
        assert_string_equal(insn->mnemonic, "nop");
        if (bytes >= 3) { /* not one of the hints that are nops only on some processors */
            assert_int_equal(insn->detail->x86.opcode[0], 0x0f);
            assert_int_equal(insn->detail->x86.opcode[1], 0x1f);
        }
        assert_int_equal(left, 0);
        a.at = a.start;
    }
}
#endif

/* dbt/back/x86_64/asm: small programs that use memory, run, give what C gives */
#include "dbt/back/x86_64/tests/asm_run.h"

TEST(loads_and_extensions)
{
    EACH_VALUE(i)
    EACH_SIZE4(size)
    for (unsigned is_signed = 0; is_signed < 2; is_signed++) {
        uint64_t data[4] = { 0, 0, values[i], 0 };
        uint64_t want = is_signed ? (uint64_t)sign(size, values[i]) : cut(size, values[i]);

        start();
        x86_mov_ri(&a, RAX, UINT64_MAX, true);
        x86_load(&a, size, is_signed, RAX, x86_indexed(RDI, RSI, 4, -8));
        assert_int_equal(run_on(data, 6), want);
        if (size == 8)
            continue;
        start();
        x86_mov_ri(&a, RAX, UINT64_MAX, true);
        x86_extend(&a, size, is_signed, RAX, RDI);
        assert_int_equal(run(values[i], 0), want);
        start();
        x86_mov_rr(&a, 8, RSI, RDI); /* sil, not dh */
        x86_mov_ri(&a, RDX, 0x5555, true);
        x86_extend(&a, size, is_signed, RAX, RSI);
        assert_int_equal(run(values[i], 0), want);
    }
}

TEST(stores_touch_only_their_bytes)
{
    EACH_VALUE(i)
    EACH_SIZE4(size)
    {
        uint64_t fill = 0xa5a5a5a5a5a5a5a5, data[3] = { fill, fill, fill };
        uint64_t keep = size == 8 ? 0 : fill & ~cut(size, UINT64_MAX);

        start();
        x86_store(&a, size, x86_at(RDI, 8), RSI);
        run_on(data, values[i]);
        assert_int_equal(data[0], fill);
        assert_int_equal(data[1], keep | cut(size, values[i]));
        assert_int_equal(data[2], fill);
        start();
        x86_store_imm(&a, size, x86_at(RDI, 8), (int32_t)values[i]);
        run_on(data, 0);
        assert_int_equal(data[1], keep | cut(size, (uint64_t)(int32_t)values[i]));
        assert_int_equal(data[2], fill);
    }
}

TEST(addresses_of_every_shape)
{
    /* rsp as base with the rest of the numbers; all others in turn as base and index. */
    for (unsigned base = 0; base < 16; base++)
        for (unsigned index = 0; index < 16; index++)
            for (unsigned scale = 1; scale <= 8; scale *= 2) {
                if (base == RSP || index == RSP)
                    continue;
                start();
                x86_push(&a, RBX);
                x86_push(&a, RBP);
                for (unsigned reg = R12; reg <= R15; reg++)
                    x86_push(&a, reg);
                x86_mov_ri(&a, base, 0x1000, true);
                x86_mov_ri(&a, index, 0x100000, true);
                x86_lea(&a, 8, RAX, x86_indexed(base, index, (uint8_t)scale, -3));
                for (unsigned reg = R15; reg >= R12; reg--)
                    x86_pop(&a, reg);
                x86_pop(&a, RBP);
                x86_pop(&a, RBX);
                assert_int_equal(run(0, 0),
                                 (base == index ? 0x100000u : 0x1000u) + 0x100000u * scale - 3);
            }
    start();
    x86_push(&a, RDI);
    x86_load(&a, 8, false, RAX, x86_at(RSP, 0));
    x86_alu_rm(&a, ALU_ADD, 8, RAX, x86_indexed(RSP, RSI, 8, 0));
    x86_pop(&a, RDI);
    assert_int_equal(run(21, 0), 42);
}

TEST(atomics)
{
    EACH_VALUE(i)
    EACH_VALUE(j)
    EACH_SIZE4(size)
    {
        uint64_t x = values[i], y = values[j], data = x;
        uint64_t keep = size == 8 ? 0 : x & ~cut(size, UINT64_MAX);

        start();
        x86_lock_xadd(&a, size, x86_at(RDI, 0), RSI);
        x86_mov_rr(&a, 8, RAX, RSI);
        assert_int_equal(cut(size, run_on(&data, y)), cut(size, x));
        assert_int_equal(data, keep | cut(size, x + y));

        data = x;
        start();
        x86_xchg_mr(&a, size, x86_at(RDI, 0), RSI);
        x86_mov_rr(&a, 8, RAX, RSI);
        assert_int_equal(cut(size, run_on(&data, y)), cut(size, x));
        assert_int_equal(data, keep | cut(size, y));

        for (unsigned op = 0; op < 7; op++) {
            data = x;
            start();
            x86_test_rr(&a, 8, RDI, RDI); /* no carry */
            x86_lock_alu_mr(&a, op, size, x86_at(RDI, 0), RSI);
            run_on(&data, y);
            assert_int_equal(data, keep | cut(size, alu(op, x, y, 0)));
        }

        /* Compared with y; ~x comes in its place. */
        data = x;
        start();
        x86_mov_rr(&a, 8, RAX, RSI);
        x86_mov_ri(&a, RDX, ~x, true);
        x86_lock_cmpxchg(&a, size, x86_at(RDI, 0), RDX);
        x86_setcc(&a, CC_E, RAX);
        x86_extend(&a, 1, false, RAX, RAX);
        assert_int_equal(run_on(&data, y), cut(size, x) == cut(size, y));
        assert_int_equal(data, keep | cut(size, cut(size, x) == cut(size, y) ? ~x : x));
    }
}

TEST(a_compare_and_exchange_of_16_bytes)
{
    _Alignas(16) uint64_t data[2] = { 1, 2 };

    for (unsigned n = 0; n < 2; n++) {
        start();
        x86_push(&a, RBX);
        x86_mov_ri(&a, RAX, 1, true);
        x86_mov_ri(&a, RDX, 2, true);
        x86_mov_ri(&a, RBX, 3, true);
        x86_mov_ri(&a, RCX, 4, true);
        x86_lock_cmpxchg16b(&a, x86_at(RDI, 0));
        x86_setcc(&a, CC_E, RAX);
        x86_extend(&a, 1, false, RAX, RAX);
        x86_mfence(&a);
        x86_pop(&a, RBX);
        assert_int_equal(run_on(data, 0), n == 0);
        assert_int_equal(data[0], 3);
        assert_int_equal(data[1], 4);
    }
}

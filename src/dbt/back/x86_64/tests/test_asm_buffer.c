/* dbt/back/x86_64/asm: the end of the buffer, and fields that are patched */
#include "tests/unit.h"

#include <string.h>

#include "dbt/back/x86_64/asm.h"

/* The longest we have: lock, 66 or REX, 0f, opcode, ModRM, SIB, disp32. */
static void long_insn(struct x86_asm *a)
{
    x86_store_imm(a, 8, x86_indexed(R8, R9, 8, 0x12345678), 0x11223344);
}

TEST(a_full_buffer_ends_with_a_whole_instruction)
{
    enum { LENGTH = 12, GUARD = 0xa5 };
    uint8_t bytes[64 + 16];

    for (unsigned size = X86_MIN_BUFFER; size <= 64; size++) {
        struct x86_asm a;

        memset(bytes, GUARD, sizeof(bytes));
        x86_init(&a, bytes, bytes + size);
        for (unsigned n = 1; n <= 8; n++) {
            long_insn(&a);
            assert_int_equal(a.overflow, n * LENGTH > size);
        }
        assert_int_equal(a.at - a.start, size / LENGTH * LENGTH);
        for (unsigned n = size / LENGTH * LENGTH; n < sizeof(bytes); n++)
            assert_int_equal(bytes[n], GUARD);
    }
}

TEST(nothing_follows_what_did_not_fit)
{
    uint8_t bytes[X86_MIN_BUFFER];
    struct x86_asm a;

    x86_init(&a, bytes, bytes + sizeof(bytes));
    long_insn(&a);
    assert_false(a.overflow);
    long_insn(&a);
    assert_true(a.overflow);
    x86_ret(&a); /* there would be room */
    assert_int_equal(a.at - a.start, 12);
}

TEST(fields_of_an_overflowed_buffer_may_be_patched)
{
    uint8_t bytes[X86_MIN_BUFFER + 8];
    struct x86_asm a;

    memset(bytes, 0, sizeof(bytes));
    x86_init(&a, bytes + 4, bytes + 4 + X86_MIN_BUFFER);
    long_insn(&a);
    long_insn(&a);
    x86_patch(x86_jmp(&a), a.at);
    x86_patch(x86_jcc(&a, CC_E), a.at);
    x86_patch(x86_call(&a), a.start);
    x86_patch(x86_jmp_aligned(&a), a.start);
    for (unsigned n = 0; n < 4; n++) {
        assert_int_equal(bytes[n], 0);
        assert_int_equal(bytes[sizeof(bytes) - 1 - n], 0);
    }
}

TEST(an_aligned_jump_has_an_aligned_displacement)
{
    _Alignas(8) uint8_t bytes[64];

    for (unsigned lead = 0; lead < 8; lead++) {
        struct x86_asm a;
        uint8_t *field;

        x86_init(&a, bytes, bytes + sizeof(bytes));
        for (unsigned n = 0; n < lead; n++)
            x86_ret(&a);
        field = x86_jmp_aligned(&a);
        assert_int_equal((uintptr_t)field & 3, 0);
        assert_int_equal(field[-1], 0xe9);
        assert_ptr_equal(a.at, field + 4);
        assert_true(a.at - a.start <= lead + 8);
    }
}

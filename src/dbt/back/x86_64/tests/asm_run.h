/* dbt/back/x86_64/tests/asm_run.h - small programs, written with the assembler and run.
 *
 *     start();
 *     x86_lea(&a, 8, RAX, x86_indexed(RDI, RSI, 1, 0));
 *     assert_int_equal(run(40, 2), 42);
 */
#ifndef DBT_BACK_X86_64_TESTS_ASM_RUN_H
#define DBT_BACK_X86_64_TESTS_ASM_RUN_H

#include "tests/unit.h"

#include "dbt/back/x86_64/asm.h"
#include "dbt/back/x86_64/code_memory.h"

static struct code_memory memory;
static struct x86_asm a;

/* A program gets its arguments in rdi, rsi (xmm0 to xmm2), and answers in rax (xmm0). */
static inline void start(void)
{
    if (!memory.size)
        assert_int_equal(code_memory_new(&memory, 1 << 16, NULL), 0);
    x86_init(&a, memory.write, memory.write + memory.size);
}

static inline void *finish(void)
{
    x86_ret(&a);
    assert_false(a.overflow);
    return memory.exec;
}

typedef uint64_t int_code(uint64_t x, uint64_t y);

static inline uint64_t run(uint64_t x, uint64_t y)
{
    int_code *code = (int_code *)finish();

    return code(x, y);
}

static inline uint64_t run_on(void *data, uint64_t y)
{
    return run((uintptr_t)data, y);
}

static const uint64_t values[] = {
    0,          1,          2,          0x7f,
    0x80,       0xff,       0x7fff,     0x8000,
    0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
    INT64_MAX,  1ull << 63, UINT64_MAX, 0x123456789abcdef0ull,
};
#define EACH_VALUE(v) for (unsigned v = 0; v < sizeof(values) / sizeof(values[0]); v++)
#define EACH_SIZE(var) for (unsigned var = 4; var <= 8; var += 4)
#define EACH_SIZE4(var) for (unsigned var = 1; var <= 8; var *= 2)

static inline uint64_t cut(unsigned size, uint64_t value)
{
    return size == 8 ? value : value & ((UINT64_C(1) << (8 * size)) - 1);
}

static inline int64_t sign(unsigned size, uint64_t value)
{
    return (int64_t)(value << (64 - 8 * size)) >> (64 - 8 * size);
}

/* What an instruction should give, in its low bytes. */
static inline uint64_t alu(enum x86_alu op, uint64_t x, uint64_t y, unsigned carry)
{
    switch (op) {
    case ALU_ADD:
        return x + y;
    case ALU_OR:
        return x | y;
    case ALU_ADC:
        return x + y + carry;
    case ALU_SBB:
        return x - y - carry;
    case ALU_AND:
        return x & y;
    case ALU_SUB:
        return x - y;
    case ALU_XOR:
        return x ^ y;
    case ALU_CMP:
        break;
    }
    return x;
}

#endif

/* bench/guest/mips.c - a bare supervisor-mode program whose instructions are counted beforehand.
 *
 * Started at 0x80200000 by the SBI firmware, under an identity map in Sv39, it runs three loops
 * of assembly and prints for each
 *
 *     @begin NAME
 *     @end NAME INSTRUCTIONS CHECKSUM
 *
 * and powers off. Whoever reads the serial line takes the time between the two (bench/mips).
 */
#include <stdint.h>

enum { ITERATIONS = 10 * 1000 * 1000 };

struct counted {
    const char *name;
    uint64_t (*run)(uint64_t iterations);
    unsigned per_iteration;
};

static uint64_t ecall(uint64_t extension, uint64_t arg0, uint64_t arg1)
{
    register uint64_t a0 __asm__("a0") = arg0;
    register uint64_t a1 __asm__("a1") = arg1;
    register uint64_t a6 __asm__("a6") = 0;
    register uint64_t a7 __asm__("a7") = extension;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
    return a0;
}

static void put(const char *s)
{
    while (*s)
        ecall(1, (uint8_t)*s++, 0); /* legacy console putchar: every firmware has it */
}

static void put_number(uint64_t v, unsigned base)
{
    char digits[24];
    unsigned i = sizeof(digits) - 1;

    digits[i] = 0;
    do {
        digits[--i] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    put(digits + i);
}

/* Arithmetic and logic in registers. */
static uint64_t alu(uint64_t n)
{
    uint64_t a = 88172645463325252, b = 1, c = 6364136223846793005, t;

    __asm__ volatile("1: mul  %[a], %[a], %[c]\n"
                     "   add  %[a], %[a], %[n]\n"
                     "   srli %[t], %[a], 29\n"
                     "   xor  %[a], %[a], %[t]\n"
                     "   slli %[t], %[a], 7\n"
                     "   sub  %[b], %[b], %[t]\n"
                     "   and  %[t], %[a], %[b]\n"
                     "   add  %[b], %[b], %[t]\n"
                     "   addiw %[t], %[b], 77\n"
                     "   sltu %[t], %[t], %[a]\n"
                     "   or   %[t], %[t], %[b]\n"
                     "   xori %[b], %[t], 0x55\n"
                     "   addi %[n], %[n], -1\n"
                     "   bnez %[n], 1b\n"
                     : [a] "+r"(a), [b] "+r"(b), [n] "+r"(n), [t] "=&r"(t)
                     : [c] "r"(c));
    return a ^ b;
}

static uint64_t cells[8192]; /* 64 KiB */

/* Loads and stores of several widths over 64 KiB. */
static uint64_t memory(uint64_t n)
{
    uint64_t sum = 0, at = 0, p, t, u;

    __asm__ volatile(
        "1: add  %[p], %[base], %[at]\n"
        "   ld   %[t], 0(%[p])\n"
        "   lw   %[u], 8(%[p])\n"
        "   add  %[t], %[t], %[u]\n"
        "   sd   %[t], 0(%[p])\n"
        "   lbu  %[u], 17(%[p])\n"
        "   add  %[sum], %[sum], %[u]\n"
        "   sw   %[sum], 20(%[p])\n"
        "   lhu  %[u], 26(%[p])\n"
        "   sb   %[n], 24(%[p])\n"
        "   add  %[sum], %[sum], %[t]\n"
        "   addi %[at], %[at], 136\n"
        "   and  %[at], %[at], %[mask]\n"
        "   addi %[n], %[n], -1\n"
        "   bnez %[n], 1b\n"
        : [sum] "+r"(sum), [at] "+r"(at), [n] "+r"(n), [p] "=&r"(p), [t] "=&r"(t), [u] "=&r"(u)
        : [base] "r"(cells), [mask] "r"((uint64_t)0x7ff8)
        : "memory");
    return sum;
}

/* Calls, returns, a stack frame, branches that go either way: both ways are equally long. */
static uint64_t control(uint64_t n)
{
    register uint64_t x __asm__("a0") = 1;
    register uint64_t count __asm__("a1") = n;

    __asm__ volatile("   j    3f\n"
                     "2: addi sp, sp, -16\n" /* the function: 9 either way */
                     "   sd   ra, 8(sp)\n"
                     "   andi t0, a0, 4\n"
                     "   beqz t0, 4f\n"
                     "   addi a0, a0, 3\n"
                     "   j    5f\n"
                     "4: slli a0, a0, 1\n"
                     "   addi a0, a0, 5\n"
                     "5: ld   ra, 8(sp)\n"
                     "   addi sp, sp, 16\n"
                     "   ret\n"
                     "3: xor  a0, a0, a1\n" /* the loop: 5 */
                     "   jal  ra, 2b\n"
                     "   add  a0, a0, a1\n"
                     "   addi a1, a1, -1\n"
                     "   bnez a1, 3b\n"
                     : "+r"(x), "+r"(count)
                     :
                     : "ra", "t0", "memory");
    return x;
}

static const struct counted loops[] = {
    { "alu", alu, 14 },
    { "memory", memory, 15 },
    { "control", control, 14 },
};

static uint64_t page_table[512] __attribute__((aligned(4096)));

/* Gigabyte pages onto themselves, for the first 256 GiB. */
static void map_identity(void)
{
    uint64_t i;

    for (i = 0; i < 256; i++)
        page_table[i] = i << 28 | 0xcf; /* D A X W R V */
    __asm__ volatile("sfence.vma\n"
                     "csrw satp, %0\n"
                     "sfence.vma" ::"r"(UINT64_C(8) << 60 | (uint64_t)page_table >> 12)
                     : "memory");
}

void start(void);

/* The stack is below the program, where nothing else is. */
__asm__(".section .text.entry\n"
        ".globl _start\n"
        "_start: la sp, _start\n"
        "   j start\n"
        ".text\n");

void start(void)
{
    unsigned i;

    map_identity();
    put("\n");
    for (i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
        uint64_t sum;

        put("@begin ");
        put(loops[i].name);
        put("\n");
        sum = loops[i].run(ITERATIONS);
        put("@end ");
        put(loops[i].name);
        put(" ");
        put_number((uint64_t)loops[i].per_iteration * ITERATIONS, 10);
        put(" ");
        put_number(sum, 16);
        put("\n");
    }
    ecall(0x53525354, 0, 0); /* system reset: shut down */
    for (;;)
        __asm__ volatile("wfi");
}

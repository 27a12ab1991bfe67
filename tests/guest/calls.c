/* Calls and returns that an engine must not take for pairs: deep recursion, returns to elsewhere,
 * calls that are never returned from, two stacks that take turns, code that changes while it is
 * called from; calls in a page's last instruction. Each often enough to be compiled. */
#include "guest.h"

enum { TIMES = 400, DEEP = 20000 };

static u64 stack[DEEP + 16] __attribute__((aligned(16)));

/* a0 levels deep, on the stack a1 leads to the end of; returns a0. */
u64 deep(u64 levels, u64 *end);
__asm__(".balign 4\n"
        "deep: mv t1, sp\n mv sp, a1\n mv t2, ra\n call 1f\n mv ra, t2\n mv sp, t1\n ret\n"
        "1: beqz a0, 2f\n addi sp, sp, -8\n sd ra, 0(sp)\n addi a0, a0, -1\n call 1b\n"
        "ld ra, 0(sp)\n addi sp, sp, 8\n addi a0, a0, 1\n"
        "2: ret\n");

static void recursion(void)
{
    for (u64 n = 1; n < 64; n++)
        CHECK_EQ(deep(n, stack + DEEP), n);
    CHECK_EQ(deep(4095, stack + DEEP), 4095);
    CHECK_EQ(deep(4096, stack + DEEP), 4096);
    CHECK_EQ(deep(DEEP, stack + DEEP), DEEP);
    CHECK_EQ(deep(DEEP, stack + DEEP), DEEP);
}

/* Returns behind the instruction after the call, which would spoil a0. */
u64 skipped(u64 val);
__asm__(".balign 4\n .option push\n .option norvc\n"
        "skipped: mv t1, ra\n call 1f\n li a0, 0\n addi a0, a0, 1\n mv ra, t1\n ret\n"
        "1: addi ra, ra, 4\n ret\n .option pop\n");

/* Three calls deep, and back to the first caller at once. */
u64 thrown(u64 val);
__asm__(".balign 4\n"
        "thrown: mv t1, ra\n call 1f\n addi a0, a0, 1\n mv ra, t1\n ret\n"
        "1: mv t2, ra\n call 2f\n li a0, 0\n jr t2\n"
        "2: call 3f\n li a0, 0\n"
        "3: mv ra, t2\n ret\n");

/* Two threads of control that call each other (jalr with both link registers): a0 times. */
u64 turns(u64 times);
__asm__(".balign 4\n"
        "turns: mv t1, ra\n mv t2, a0\n li a0, 0\n la t0, 2f\n"
        "1: jalr ra, t0\n addi t2, t2, -1\n bnez t2, 1b\n jr t1\n"
        "2: addi a0, a0, 2\n jalr t0, ra\n j 2b\n");

/* A return address that is odd: jalr clears bit 0. */
u64 odd(u64 val);
__asm__(".balign 4\n odd: mv t1, ra\n call 1f\n addi a0, a0, 1\n mv ra, t1\n ret\n"
        "1: ori ra, ra, 1\n ret\n");

static void elsewhere(void)
{
    for (u64 i = 0; i < TIMES; i++) {
        CHECK_EQ(skipped(i), i + 1);
        CHECK_EQ(thrown(i), i + 1);
        CHECK_EQ(odd(i), i + 1);
    }
    CHECK_EQ(turns(TIMES), 2 * TIMES);
}

/* Stores a0 over the instruction it returns to. */
u64 patched(u32 word);
__asm__(".balign 4\n .option push\n .option norvc\n"
        "patched: mv t1, ra\n call 1f\n li a0, 0\n mv ra, t1\n ret\n"
        "1: sw a0, 0(ra)\n fence.i\n ret\n .option pop\n");

/* The last instruction of a page calls, whole or in halves, and returns to the next page. */
u64 at_end(u64 val), over_end(u64 val);
__asm__(".balign 4096\n .option push\n .option norvc\n"
        "1: addi a0, a0, 1\n ret\n"
        "at_end: mv t1, ra\n j 2f\n"
        ".balign 4096\n .skip 4092\n"
        "2: jal 1b\n addi a0, a0, 2\n mv ra, t1\n ret\n"
        ".balign 4096\n .option rvc\n"
        "over_end: mv t1, ra\n j 3f\n .balign 4096, 1\n .skip 4094\n"
        ".option norvc\n 3: jal 1b\n .option rvc\n addi a0, a0, 4\n mv ra, t1\n ret\n"
        ".balign 4\n .option pop\n");

static void places(void)
{
    for (u32 i = 0; i < TIMES; i++) {
        CHECK_EQ(patched(0x00000513 | (i & 0x7ff) << 20), i & 0x7ff); /* li a0, i */
        CHECK_EQ(at_end(i), i + 3);
        CHECK_EQ(over_end(i), i + 5);
    }
}

int main(void)
{
    recursion();
    elsewhere();
    places();
    return 0;
}

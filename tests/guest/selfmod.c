/* Code that is written and then executed after fence.i: again and again at one place, the word
 * after the fence itself, a block that is running, across pages, and by way of another mapping. */
#include "guest.h"

#define VA ((u64)0x1000000000)
enum { RET = 0x00008067 };

static u32 li_a0(u32 val)
{
    return 0x00000513 | val << 20;
}

static void rewrite(u32 *code)
{
    for (u32 i = 0; i < 300; i++) {
        code[0] = li_a0(i);
        code[1] = RET;
        fence_i();
        CHECK_EQ(run(M, code, 0, 0).ret, i);
        if (i % 3 == 0)
            CHECK_EQ(run(U, code, 0, 0).ret, i);
    }
}

/* Stores a0 over the instruction behind its own fence.i. */
u64 patch_next(u64 word);
extern u32 patch_place;
__asm__(".balign 4\n .option push\n .option norvc\n"
        "patch_next: la t0, patch_place\n sw a0, 0(t0)\n fence.i\n"
        "patch_place: li a0, -1\n ret\n .option pop\n");

/* A loop whose body counts up to a1, and rewrites its own addend (to 2) half way. */
u64 patch_loop(u64 word, u64 count);
__asm__(".balign 4\n .option push\n .option norvc\n"
        "patch_loop: li t0, 0\n li t1, 0\n srli t2, a1, 1\n la t3, 2f\n"
        "1: bne t1, t2, 2f\n sw a0, 0(t3)\n fence.i\n"
        "2: addi t0, t0, 1\n addi t1, t1, 1\n bne t1, a1, 1b\n"
        "mv a0, t0\n ret\n .option pop\n");

static void across_pages(void)
{
    u16 *end = (u16 *)guest_pages[2] - 1;

    for (u32 i = 0; i < 50; i++) {
        u32 word = li_a0(i * 17);

        end[0] = (u16)word;
        end[1] = (u16)(word >> 16);
        end[2] = 0x8082; /* ret */
        fence_i();
        CHECK_EQ(run(M, end, 0, 0).ret, i * 17);
        /* Only the second half, which lies in the second page, changes. */
        word = li_a0(i * 17 + 1);
        end[1] = (u16)(word >> 16);
        fence_i();
        CHECK_EQ(run(M, end, 0, 0).ret, i * 17 + 1);
    }
}

static void other_mapping(void)
{
    static struct space space;
    u32 *code = (u32 *)guest_pages[4];

    space_init(&space, SV39);
    space_map(&space, VA, (u64)code, 0, PTE_V | PTE_AD | PTE_X);
    space_map(&space, VA + 0x1000, (u64)code, 0, PTE_V | PTE_AD | PTE_R | PTE_W);
    code[1] = RET;
    space_use(&space, 0);
    for (u32 i = 0; i < 100; i++) {
        CHECK_EQ(run(S, (void *)probe_sw, VA + 0x1000, li_a0(i)).cause, NO_TRAP);
        CHECK_EQ(run(S, (void *)probe_fence_i, 0, 0).cause, NO_TRAP);
        CHECK_EQ(run(S, (void *)probe_exec, VA, 0).ret, i);
    }
    CSR_WRITE(SATP, 0);
    sfence_vma();
}

int main(void)
{
    rewrite((u32 *)guest_pages[0]);
    rewrite((u32 *)(guest_pages[0] + 4092)); /* in two pages */
    for (u32 i = 0; i < 100; i++)
        CHECK_EQ(patch_next(li_a0(i)), i);
    CHECK_EQ(patch_loop(0x00228293, 100), 50 + 2 * 50); /* addi t0, t0, 2 */
    across_pages();
    other_mapping();
    return 0;
}

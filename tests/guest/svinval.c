/* Svinval: the three-step fence does what sfence.vma does; who may execute the steps. */
#include "guest.h"

#define VA ((u64)0x1000000000)
enum { SINVAL = 0x16b50073, W_INVAL = 0x18000073, INVAL_IR = 0x18100073 }; /* sinval.vma a0, a1 */

static struct space space;

static void invalidate(int form, u64 va, u64 asid)
{
    __asm__ volatile(".4byte 0x18000073" ::: "memory"); /* sfence.w.inval */
    switch (form) {
    case 0:
        __asm__ volatile(".4byte 0x16000073" ::: "memory");
        break;
    case 1:
        __asm__ volatile(".insn r 0x73, 0, 0x0b, x0, %0, x0" : : "r"(va) : "memory");
        break;
    case 2:
        __asm__ volatile(".insn r 0x73, 0, 0x0b, x0, x0, %0" : : "r"(asid) : "memory");
        break;
    case 3:
        __asm__ volatile(".insn r 0x73, 0, 0x0b, x0, %0, %1" : : "r"(va), "r"(asid) : "memory");
        break;
    }
    __asm__ volatile(".4byte 0x18100073" ::: "memory"); /* sfence.inval.ir */
}

int main(void)
{
    u64 *pte;

    space_init(&space, SV39);
    space_use(&space, 0);
    pte = space_entry(&space, VA, 0);
    *(u64 *)guest_pages[0] = 1;
    *(u64 *)guest_pages[1] = 2;
    for (int form = 0; form < 4; form++) {
        for (u64 i = 0; i < 4; i++) {
            *pte = (u64)guest_pages[i & 1] >> 2 | PTE_V | PTE_AD | PTE_R;
            invalidate(form, VA, 0);
            CHECK_EQ(run(S, (void *)probe_ld, VA, 0).ret, 1 + (i & 1));
        }
    }
    CSR_WRITE(SATP, 0);
    sfence_vma();
    CHECK_EQ(run_insn(M, SINVAL, VA, 0).cause, NO_TRAP);
    CHECK_EQ(run_insn(S, SINVAL, VA, 0).cause, NO_TRAP);
    CHECK_EQ(run_insn(S, W_INVAL, 0, 0).cause, NO_TRAP);
    CHECK_EQ(run_insn(S, INVAL_IR, 0, 0).cause, NO_TRAP);
    CHECK_EQ(run_insn(U, SINVAL, VA, 0).cause, ILLEGAL);
    CSR_SET(MSTATUS, MSTATUS_TVM);
    CHECK_EQ(run_insn(S, SINVAL, VA, 0).cause, ILLEGAL);
    CHECK_EQ(run_insn(S, W_INVAL, 0, 0).cause, NO_TRAP); /* TVM is for sinval.vma alone */
    CHECK_EQ(run_insn(S, INVAL_IR, 0, 0).cause, NO_TRAP);
    return 0;
}

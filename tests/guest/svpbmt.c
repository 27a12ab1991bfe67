/* Svpbmt: menvcfg.PBMTE allows the memory types 1 and 2; any in a pointer is reserved. */
#include "guest.h"

#define VA ((u64)0x1000000000)

static struct space space;

int main(void)
{
    u64 *pte, *pointer, leaf = (u64)guest_pages >> 2 | PTE_V | PTE_AD | PTE_RWX;

    CSR_SET(MENVCFG, MENVCFG_PBMTE);
    CHECK_EQ(CSR_READ(MENVCFG) & MENVCFG_PBMTE, MENVCFG_PBMTE);
    *(u64 *)guest_pages = 0x7777;
    space_init(&space, SV39);
    space_use(&space, 0);
    pte = space_entry(&space, VA, 0);
    for (u64 type = 0; type < 3; type++) {
        *pte = leaf | type << 61;
        sfence_vma();
        CHECK_EQ(run(S, (void *)probe_ld, VA, 0).ret, 0x7777);
        CHECK_EQ(run(S, (void *)probe_sd, VA + 8, type).cause, NO_TRAP);
        CHECK_EQ(((u64 *)guest_pages)[1], type);
        CHECK_EQ(run(S, (void *)probe_amoadd, VA + 8, 1).cause, NO_TRAP);
    }
    *pte = leaf;
    pointer = space_entry(&space, VA, 1);
    for (u64 type = 1; type < 4; type++) {
        *pointer |= type << 61;
        sfence_vma();
        CHECK_EQ(run(S, (void *)probe_ld, VA, 0).cause, LOAD_PAGE);
        *pointer &= ~(BIT(61) | BIT(62));
    }
    return 0;
}

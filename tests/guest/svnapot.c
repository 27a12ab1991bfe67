/* Svnapot: sixteen pages of one 64 KiB range in any of sixteen entries; other encodings reserved.
 */
#include "guest.h"

#define VA ((u64)0x1000000000)

static struct space space;

int main(void)
{
    u64 base = (u64)guest_pages; /* aligned to 64 KiB */
    u64 napot = (base >> 12 | 8) << 10 | PTE_N | PTE_V | PTE_AD | PTE_RWX;

    CHECK_EQ(base & 0xffff, 0);
    for (u64 i = 0; i < 16; i++)
        *(u64 *)guest_pages[i] = 0xabc0 + i;
    space_init(&space, SV39);
    space_use(&space, 0);
    for (u64 i = 0; i < 16; i++)
        *space_entry(&space, VA + i * 4096, 0) = napot;
    sfence_vma();
    for (u64 i = 0; i < 16; i++)
        CHECK_EQ(run(S, (void *)probe_ld, VA + i * 4096, 0).ret, 0xabc0 + i);
    for (u64 i = 0; i < 16; i++)
        CHECK_EQ(run(S, (void *)probe_sd, VA + i * 4096 + 8, i).cause, NO_TRAP);
    for (u64 i = 0; i < 16; i++)
        CHECK_EQ(((u64 *)guest_pages[i])[1], i);
    /* A single entry among none, at an odd place. */
    for (u64 i = 0; i < 16; i++)
        *space_entry(&space, VA + i * 4096, 0) = i == 5 ? napot : 0;
    sfence_vma();
    CHECK_EQ(run(S, (void *)probe_ld, VA + 5 * 4096, 0).ret, 0xabc5);
    /* Every other page number's low half is reserved. */
    for (u64 low = 0; low < 16; low++) {
        *space_entry(&space, VA + 5 * 4096, 0) = (napot & ~((u64)15 << 10)) | low << 10;
        sfence_vma();
        CHECK_EQ(run(S, (void *)probe_ld, VA + 5 * 4096, 0).cause, low == 8 ? NO_TRAP : LOAD_PAGE);
    }
    /* D is set in the entry that was used, or in all. */
    *space_entry(&space, VA + 5 * 4096, 0) = napot & ~(u64)PTE_D;
    sfence_vma();
    if (run(S, (void *)probe_sd, VA + 5 * 4096 + 8, 77).cause == NO_TRAP) {
        CHECK_EQ(((u64 *)guest_pages[5])[1], 77);
        CHECK_EQ(*space_entry(&space, VA + 5 * 4096, 0), napot);
    }
    return 0;
}

/* LR and SC: what keeps a reservation, what breaks one; faults; AMOs of both widths beside each
 * other. Where an SC may fail for no reason, it is tried again. */
#include "guest.h"

#define VA ((u64)0x1000000000)

static u64 words[16] __attribute__((aligned(128)));

/* lr.d (a), then sc.d (b): 0 when stored. */
static u64 pair(u64 *a, u64 *b, u64 val)
{
    u64 old, failed;

    __asm__ volatile("lr.d %0, (%2)\n sc.d %1, %4, (%3)"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(a), "r"(b), "r"(val)
                     : "memory");
    return failed;
}

static void reservations(void)
{
    u64 failed, old;
    int tries = 0;

    for (u64 i = 1; i <= 10; i++) {
        while (pair(&words[0], &words[0], i))
            CHECK(++tries < 1000);
        CHECK_EQ(words[0], i);
    }
    /* To an address far from the reserved one. */
    for (int i = 0; i < 10; i++) {
        CHECK(pair(&words[0], (u64 *)guest_pages[3], 99) != 0);
        CHECK_EQ(words[0], 10);
    }
    /* An SC uses the reservation up, also when it fails. */
    __asm__ volatile("lr.d %0, (%2)\n sc.d %1, %3, (%4)\n sc.d %1, %3, (%2)"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(&words[0]), "r"((u64)55), "r"(guest_pages[3])
                     : "memory");
    CHECK(failed);
    CHECK_EQ(words[0], 10);
    /* The second LR counts. */
    __asm__ volatile("lr.d %0, (%2)\n lr.d %0, (%4)\n sc.d %1, %3, (%2)"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(&words[0]), "r"((u64)55), "r"(guest_pages[3])
                     : "memory");
    CHECK(failed);
    /* Without any. */
    CHECK(run(M, (void *)probe_sc, (u64)&words[0], 44).ret != 0 || words[0] == 44);
    words[0] = 10;
    /* A new value there, written by this hart between: SC must not store over what it has not
     * seen unless it still is reserved; either way memory is one of the two. */
    __asm__ volatile("lr.d %0, (%2)\n sd %4, (%2)\n sc.d %1, %3, (%2)"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(&words[0]), "r"((u64)55), "r"((u64)66)
                     : "memory");
    CHECK_EQ(words[0], failed ? 66 : 55);
    /* lr.w extends its sign; sc.w stores half. */
    words[1] = 0x11111111fedcba98;
    tries = 0;
    do {
        __asm__ volatile("lr.w %0, (%2)\n sc.w %1, %3, (%2)"
                         : "=&r"(old), "=&r"(failed)
                         : "r"(&words[1]), "r"(0x1234567887654321)
                         : "memory");
        CHECK(++tries < 1000);
    } while (failed);
    CHECK_EQ(old, 0xfffffffffedcba98);
    CHECK_EQ(words[1], 0x1111111187654321);
}

static void faults(void)
{
    static struct space space;
    u64 page = (u64)guest_pages[0] >> 2;

    space_init(&space, SV39);
    space_use(&space, 0);
    *space_entry(&space, VA, 0) = page | PTE_V | PTE_AD | PTE_R;
    sfence_vma();
    CHECK_EQ(run(S, (void *)probe_lr, VA, 0).cause, NO_TRAP);
    CHECK_EQ(run(S, (void *)probe_amoadd, VA, 0).cause, STORE_PAGE);
    CHECK_EQ(run(S, (void *)probe_amoadd, VA, 0).tval, VA);
    CHECK_EQ(run(S, (void *)probe_amoadd_w, VA + 4, 0).tval, VA + 4);
    *space_entry(&space, VA, 0) = page | PTE_V | PTE_AD | PTE_R | PTE_W;
    sfence_vma();
    *(u64 *)guest_pages[0] = 5;
    CHECK_EQ(run(S, (void *)probe_amoadd, VA, 3).ret, 5);
    CHECK_EQ(*(u64 *)guest_pages[0], 8);
    CHECK_EQ(run(S, (void *)probe_amoadd_w, VA + 4, 7).ret, 0);
    CHECK_EQ(*(u64 *)guest_pages[0], 0x700000008);
    CSR_WRITE(SATP, 0);
    sfence_vma();
}

int main(void)
{
    reservations();
    faults();
    return 0;
}

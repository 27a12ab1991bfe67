/* tests/guest/smp.h - what several harts do to each other; smp2.c and smp4.c say how many. */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "guest.h"

/* Meetings are slow where harts share a processor. */
enum { ROUNDS = 4000, MEETINGS = 200 };

/* What the harts share: each on its own cache line. */
static struct {
    u64 val __attribute__((aligned(64)));
} counter_d, counter_w, counter_lrsc, counter_locked, lock, arrived, x, y, flag, bits;
static volatile u32 mailbox[HARTS];
static u64 seen[HARTS][2];

static void fence(void)
{
    __asm__ volatile("fence rw, rw" ::: "memory");
}

static u64 add(u64 *where, u64 val)
{
    return __atomic_fetch_add(where, val, __ATOMIC_SEQ_CST);
}

static u64 get(u64 *where)
{
    return *(volatile u64 *)where;
}

static void put(u64 *where, u64 val)
{
    *(volatile u64 *)where = val;
}

/* Waits for *where to reach `least`: awake for a while, then in short sleeps, for the harts may
 * share a processor. */
static void wait_for(u64 *where, u64 least)
{
    u64 hart = CSR_READ(MHARTID);

    for (int spins = 0; get(where) < least; spins++) {
        if (spins < 1000)
            continue;
        *CLINT_MTIMECMP(hart) = *CLINT_MTIME + TIMEBASE / 20000;
        CSR_SET(MIE, BIT(MTI));
        __asm__ volatile("wfi");
        CSR_CLEAR(MIE, BIT(MTI));
    }
    fence();
}

/* All harts meet here, as often as they like. */
static void barrier(void)
{
    u64 ticket = add(&arrived.val, 1);

    wait_for(&arrived.val, (ticket / HARTS + 1) * HARTS);
}

static void counters(u64 hart)
{
    for (int i = 0; i < ROUNDS; i++) {
        u64 old, failed;

        add(&counter_d.val, 1);
        __asm__ volatile("amoadd.w x0, %0, (%1)" : : "r"(1), "r"(&counter_w.val) : "memory");
        do
            __asm__ volatile("lr.d %0, (%2)\n addi %0, %0, 1\n sc.d %1, %0, (%2)"
                             : "=&r"(old), "=&r"(failed)
                             : "r"(&counter_lrsc.val)
                             : "memory");
        while (failed);
        /* A lock by amoswap, around a plain increment. */
        do
            __asm__ volatile("amoswap.w.aq %0, %1, (%2)"
                             : "=&r"(old)
                             : "r"(1), "r"(&lock.val)
                             : "memory");
        while (old);
        put(&counter_locked.val, get(&counter_locked.val) + 1);
        __asm__ volatile("amoswap.w.rl x0, x0, (%0)" : : "r"(&lock.val) : "memory");
        __asm__ volatile("amoxor.d x0, %0, (%1)" : : "r"(BIT(hart)), "r"(&bits.val) : "memory");
    }
    barrier();
    CHECK_EQ(get(&counter_d.val), HARTS * ROUNDS);
    CHECK_EQ(get(&counter_w.val), HARTS * ROUNDS);
    CHECK_EQ(get(&counter_lrsc.val), HARTS * ROUNDS);
    CHECK_EQ(get(&counter_locked.val), HARTS * ROUNDS);
    CHECK_EQ(get(&bits.val), 0); /* an even number of turns each */
}

/* Message passing: who sees the flag sees what was written before it. */
static void message_passing(u64 hart)
{
    for (u64 i = 1; i <= MEETINGS; i++) {
        barrier();
        if (hart == 0) {
            put(&x.val, i);
            fence();
            put(&flag.val, i);
        } else {
            wait_for(&flag.val, i);
            CHECK_EQ(get(&x.val), i);
        }
    }
    barrier();
}

/* Store buffering: with full fences both harts cannot miss each other's store. */
static void store_buffering(u64 hart)
{
    for (u64 i = 1; i <= MEETINGS; i++) {
        barrier();
        if (hart < 2) {
            put(hart ? &y.val : &x.val, i);
            fence();
            seen[hart][0] = get(hart ? &x.val : &y.val);
        }
        barrier();
        if (hart == 0)
            CHECK(seen[0][0] == i || seen[1][0] == i);
    }
    barrier();
}

/* Software interrupts go round; every hart sleeps in wfi until its own comes. */
static void interrupts(u64 hart)
{
    CSR_WRITE(MIE, BIT(MSI));
    barrier();
    for (u32 i = 1; i <= 100; i++) {
        if (hart == 0) {
            mailbox[1] = i;
            fence();
            *CLINT_MSIP(1) = 1;
        }
        while (!(CSR_READ(MIP) & BIT(MSI)))
            __asm__ volatile("wfi");
        *CLINT_MSIP(hart) = 0;
        while (CSR_READ(MIP) & BIT(MSI))
            ;
        CHECK_EQ(mailbox[hart], i);
        if (hart != 0) {
            u64 next = (hart + 1) % HARTS;

            mailbox[next] = i;
            fence();
            *CLINT_MSIP(next) = 1;
        }
    }
    CSR_WRITE(MIE, 0);
    barrier();
}

/* An interrupt breaks into a loop that another hart runs. */
static void break_in(u64 hart)
{
    for (int i = 0; i < 40; i++) {
        barrier();
        if (hart == 0) {
            for (u64 other = 1; other < HARTS; other++)
                *CLINT_MSIP(other) = 1;
        } else {
            CSR_WRITE(MIE, BIT(MSI));
            CHECK_EQ(run_with(M, (void *)probe_spin, 0, 0, MSTATUS_MPIE).cause, INTERRUPT | MSI);
            *CLINT_MSIP(hart) = 0;
            while (CSR_READ(MIP) & BIT(MSI))
                ;
            CSR_WRITE(MIE, 0);
        }
    }
    barrier();
}

/* Hart 0 writes code, tells the others, who fence.i and execute it. */
static void remote_code(u64 hart)
{
    u32 *code = (u32 *)guest_pages[0];

    for (u32 i = 0; i < 60; i++) {
        barrier();
        if (hart == 0) {
            code[0] = 0x00000513 | i << 20;
            code[1] = 0x00008067;
        }
        barrier();
        fence_i();
        CHECK_EQ(run(M, code, 0, 0).ret, i);
    }
    barrier();
}

/* One page table; hart 0 changes an entry, all fence, all see the change. A and D bits are set by
 * several at once and none is lost. */
static void remote_tables(u64 hart)
{
    static struct space space;
    const u64 va = 0x1000000000;
    static u64 *pte;

    if (hart == 0) {
        space_init(&space, SV39);
        pte = space_entry(&space, va, 0);
        for (u64 i = 0; i < 4; i++)
            *(u64 *)guest_pages[i] = i;
        CSR_SET(MENVCFG, MENVCFG_ADUE);
    } else {
        CSR_SET(MENVCFG, MENVCFG_ADUE);
    }
    barrier();
    space_use(&space, 0);
    for (u64 i = 0; i < 80; i++) {
        struct trap trap;

        if (hart == 0)
            *(volatile u64 *)pte =
                (u64)guest_pages[i & 3] >> 2 | PTE_V | PTE_R | PTE_W | (i & 4 ? PTE_AD : PTE_A);
        barrier();
        sfence_vma();
        trap = run(S, (void *)probe_ld, va, 0);
        CHECK_EQ(trap.cause, NO_TRAP);
        CHECK_EQ(trap.ret, i & 3);
        trap = run(S, (void *)probe_sd, va + 8 * (1 + hart), i);
        CHECK(trap.cause == NO_TRAP || (trap.cause == STORE_PAGE && !(i & 4)));
        barrier();
        if (trap.cause == NO_TRAP)
            CHECK_EQ(*(volatile u64 *)pte & PTE_AD, PTE_AD);
        barrier();
    }
    CSR_WRITE(SATP, 0);
    sfence_vma();
    barrier();
}

static void all(u64 hart)
{
    counters(hart);
    message_passing(hart);
    store_buffering(hart);
    interrupts(hart);
    break_in(hart);
    remote_code(hart);
    remote_tables(hart);
}

void guest_secondary(u64 hart)
{
    if (hart >= HARTS)
        return;
    all(hart);
}

int main(void)
{
    fence();
    guest_go = 1;
    all(0);
    return 0;
}

#endif

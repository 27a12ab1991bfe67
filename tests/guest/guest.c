/* tests/guest/guest.c - run(), failing, page tables. See guest.h. */
#include "guest.h"

u64 run_offset;
volatile u32 guest_go __attribute__((section(".data")));
u8 guest_pages[16][4096] __attribute__((aligned(65536)));

static struct context contexts[8];
static u64 tables[64][512] __attribute__((aligned(4096)));
static unsigned tables_used;
static u32 code_buffer[8][4];

void guest_run(struct context *ctx, u64 pc, u64 a0, u64 a1, u64 offset, u64 mstatus);
void guest_init(void);
void guest_report_case(u64 number);
void guest_unexpected(u64 cause, u64 epc, u64 tval);
int main(void);

void guest_print(const char *text)
{
    while (*text)
        *(volatile u8 *)0x10000000 = (u8)*text++;
}

void guest_print_hex(u64 val)
{
    guest_print("0x");
    for (int shift = 60; shift >= 0; shift -= 4) {
        if (val >> shift || shift == 0)
            *(volatile u8 *)0x10000000 = (u8) "0123456789abcdef"[val >> shift & 15];
    }
}

void guest_fail(const char *file, unsigned line, const char *what, u64 got, u64 want)
{
    guest_print(file);
    guest_print(": line ");
    guest_print_hex(line);
    guest_print(": ");
    guest_print(what);
    guest_print(" is ");
    guest_print_hex(got);
    guest_print(", not ");
    guest_print_hex(want);
    guest_print("\n");
    guest_exit(line);
}

void guest_report_case(u64 number)
{
    guest_print("failed in case ");
    guest_print_hex(number);
    guest_print("\n");
    guest_exit((unsigned)number);
}

void guest_unexpected(u64 cause, u64 epc, u64 tval)
{
    guest_print("unexpected trap ");
    guest_print_hex(cause);
    guest_print(" at ");
    guest_print_hex(epc);
    guest_print(" tval ");
    guest_print_hex(tval);
    guest_print("\n");
    guest_exit((unsigned)(1000 + (cause & 63)));
}

/* Lets S and U mode reach everything, where there is PMP: without an entry they reach nothing. */
void guest_init(void)
{
    u64 skip;

    __asm__ volatile("la %0, 1f\n csrrw %0, mtvec, %0\n"
                     "li t0, -1\n csrw pmpaddr0, t0\n li t0, 0x1f\n csrw pmpcfg0, t0\n"
                     ".balign 4\n1: csrw mtvec, %0"
                     : "=&r"(skip)
                     :
                     : "t0", "memory");
}

struct trap run_with(int priv, const void *fn, u64 a0, u64 a1, u64 mstatus_set)
{
    struct context *ctx = &contexts[CSR_READ(MHARTID)];
    u64 mstatus =
        (CSR_READ(MSTATUS) & ~(MSTATUS_MPP | MSTATUS_MPIE)) | (u64)priv << 11 | mstatus_set;
    struct trap trap;

    guest_run(ctx, (u64)fn + run_offset, a0, a1, run_offset, mstatus);
    trap.cause = CSR_READ(MCAUSE);
    trap.epc = CSR_READ(MEPC);
    trap.tval = CSR_READ(MTVAL);
    trap.status = CSR_READ(MSTATUS);
    trap.ret = ctx->ret;
    trap.taken_in = M;
    CSR_CLEAR(MSTATUS, MSTATUS_MPRV | (mstatus_set & ~MSTATUS_FS));
    if (trap.cause >= ECALL_U && trap.cause <= ECALL_M && ctx->magic == 0x600d)
        trap.cause = NO_TRAP;
    if (trap.cause == ECALL_S && ctx->magic == 0x5000) {
        trap.cause = CSR_READ(SCAUSE);
        trap.epc = CSR_READ(SEPC);
        trap.tval = CSR_READ(STVAL);
        trap.taken_in = S;
        /* The trap to S may have been the return. */
        if (trap.cause == ECALL_U && ctx->magic == 0x600d)
            trap.cause = NO_TRAP;
    }
    return trap;
}

struct trap run(int priv, const void *fn, u64 a0, u64 a1)
{
    return run_with(priv, fn, a0, a1, 0);
}

struct trap run_insn(int priv, u32 word, u64 a0, u64 a1)
{
    u32 *code = code_buffer[CSR_READ(MHARTID)];

    code[0] = word;
    code[1] = 0x00008067; /* ret */
    fence_i();
    return run(priv, code, a0, a1);
}

/* ---- page tables ---- */

static u64 *new_table(void)
{
    u64 *table = tables[tables_used++];

    CHECK(tables_used <= 64);
    for (int i = 0; i < 512; i++)
        table[i] = 0;
    return table;
}

u64 *space_entry(struct space *space, u64 va, int level)
{
    u64 *table = space->root;

    for (int at = space->levels - 1; at > level; at--) {
        u64 *pte = &table[va >> (12 + 9 * at) & 511];

        if (!(*pte & PTE_V))
            *pte = (u64)new_table() >> 12 << 10 | PTE_V;
        table = (u64 *)(*pte >> 10 << 12);
    }
    return &table[va >> (12 + 9 * level) & 511];
}

void space_map(struct space *space, u64 va, u64 pa, int level, u64 bits)
{
    *space_entry(space, va, level) = pa >> 12 << 10 | bits;
}

void space_init(struct space *space, int mode)
{
    tables_used = 0;
    space_init_another(space, mode);
}

void space_init_another(struct space *space, int mode)
{
    space->mode = mode;
    space->levels = mode == SV39 ? 3 : mode == SV48 ? 4 : 5;
    space->root = new_table();
    space_map(space, 0x80000000, 0x80000000, 2, PTE_V | PTE_RWX | PTE_AD);
    space_map(space, 0x80000000 + U_ALIAS, 0x80000000, 2, PTE_V | PTE_RWX | PTE_AD | PTE_U);
    space_map(space, 0, 0, 2, PTE_V | PTE_R | PTE_W | PTE_AD);
}

void space_use(const struct space *space, u64 asid)
{
    CSR_WRITE(SATP, (u64)space->mode << 60 | asid << 44 | (u64)space->root >> 12);
    sfence_vma();
}

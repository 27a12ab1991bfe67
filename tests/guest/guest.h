/* tests/guest/guest.h - what guest tests are written with. Bare metal, M mode, no library.
 *
 * A test is main(): it CHECKs, and returns 0. The failing line's number is the exit code.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* ---- registers: by number, so that old assemblers need not know them ---- */
#define CSR_READ(csr)                                                                              \
    ({                                                                                             \
        u64 val_;                                                                                  \
        __asm__ volatile("csrr %0, %1" : "=r"(val_) : "i"(csr) : "memory");                        \
        val_;                                                                                      \
    })
#define CSR_WRITE(csr, val) __asm__ volatile("csrw %0, %1" : : "i"(csr), "r"((u64)(val)) : "memory")
#define CSR_SET(csr, val) __asm__ volatile("csrs %0, %1" : : "i"(csr), "r"((u64)(val)) : "memory")
#define CSR_CLEAR(csr, val) __asm__ volatile("csrc %0, %1" : : "i"(csr), "r"((u64)(val)) : "memory")
/* Writes, then reads back: what a WARL field made of it. */
#define CSR_TRY(csr, val)                                                                          \
    ({                                                                                             \
        CSR_WRITE(csr, val);                                                                       \
        CSR_READ(csr);                                                                             \
    })

/* clang-format off */
enum {
    FFLAGS = 0x001, FRM = 0x002, FCSR = 0x003,
    CYCLE = 0xc00, TIME = 0xc01, INSTRET = 0xc02, HPMCOUNTER3 = 0xc03,
    SSTATUS = 0x100, SIE = 0x104, STVEC = 0x105, SCOUNTEREN = 0x106, SENVCFG = 0x10a,
    SSCRATCH = 0x140, SEPC = 0x141, SCAUSE = 0x142, STVAL = 0x143, SIP = 0x144, STIMECMP = 0x14d,
    SATP = 0x180, SCOUNTOVF = 0xda0,
    MSTATUS = 0x300, MISA = 0x301, MEDELEG = 0x302, MIDELEG = 0x303, MIE = 0x304, MTVEC = 0x305,
    MCOUNTEREN = 0x306, MENVCFG = 0x30a, MCOUNTINHIBIT = 0x320, MHPMEVENT3 = 0x323,
    MSCRATCH = 0x340, MEPC = 0x341, MCAUSE = 0x342, MTVAL = 0x343, MIP = 0x344,
    PMPCFG0 = 0x3a0, PMPCFG2 = 0x3a2, PMPADDR0 = 0x3b0,
    MCYCLE = 0xb00, MINSTRET = 0xb02, MHPMCOUNTER3 = 0xb03,
    MVENDORID = 0xf11, MARCHID = 0xf12, MIMPID = 0xf13, MHARTID = 0xf14, MCONFIGPTR = 0xf15,
};
/* clang-format on */

#define BIT(n) ((u64)1 << (n))
enum { U = 0, S = 1, M = 3 };
#define MSTATUS_SIE BIT(1)
#define MSTATUS_MIE BIT(3)
#define MSTATUS_SPIE BIT(5)
#define MSTATUS_MPIE BIT(7)
#define MSTATUS_SPP BIT(8)
#define MSTATUS_MPP (BIT(11) | BIT(12))
#define MSTATUS_MPP_S BIT(11)
#define MSTATUS_FS (BIT(13) | BIT(14))
#define MSTATUS_MPRV BIT(17)
#define MSTATUS_SUM BIT(18)
#define MSTATUS_MXR BIT(19)
#define MSTATUS_TVM BIT(20)
#define MSTATUS_TW BIT(21)
#define MSTATUS_TSR BIT(22)
#define MSTATUS_SD BIT(63)
enum { SSI = 1, MSI = 3, STI = 5, MTI = 7, SEI = 9, MEI = 11, LCOFI = 13 };
#define INTERRUPT BIT(63)
#define MENVCFG_CBIE BIT(4)
#define MENVCFG_CBIE_INVAL (BIT(4) | BIT(5))
#define MENVCFG_CBCFE BIT(6)
#define MENVCFG_CBZE BIT(7)
#define MENVCFG_ADUE BIT(61)
#define MENVCFG_PBMTE BIT(62)
#define MENVCFG_STCE BIT(63)

/* clang-format off */
enum {
    FETCH_MISALIGNED, FETCH_ACCESS, ILLEGAL, BREAKPOINT, LOAD_MISALIGNED, LOAD_ACCESS,
    STORE_MISALIGNED, STORE_ACCESS, ECALL_U, ECALL_S, ECALL_M = 11, FETCH_PAGE, LOAD_PAGE,
    STORE_PAGE = 15,
};
/* clang-format on */
/* struct trap.cause when the code returned instead. */
#define NO_TRAP ((u64)-2)

/* ---- the board ---- */
#define CLINT_MSIP(hart) ((volatile u32 *)(0x2000000 + 4 * (u64)(hart)))
#define CLINT_MTIMECMP(hart) ((volatile u64 *)(0x2004000 + 8 * (u64)(hart)))
#define CLINT_MTIME ((volatile u64 *)0x200bff8)
enum { TIMEBASE = 10000000 };

/* ---- running code in a mode ---- */
struct context {
    u64 ra, sp, gp, tp, s[12];
    u64 ret, magic;
};

struct trap {
    u64 cause, tval, epc, status; /* of the mode that took the trap; status is mstatus */
    u64 ret;                      /* a0 */
    int taken_in;                 /* M or S */
};

/* Runs fn(a0, a1) in `priv` until it returns or traps; the rest of mstatus stays as it is. The
 * code executes, and its stack lies, run_offset above where it is linked: an alias mapping. */
struct trap run(int priv, const void *fn, u64 a0, u64 a1);
extern u64 run_offset;
/* The same, with interrupts: mstatus bits to be set once there (MPIE becomes MIE). */
struct trap run_with(int priv, const void *fn, u64 a0, u64 a1, u64 mstatus_set);

void guest_exit(unsigned code) __attribute__((noreturn));
void guest_s_trap(void); /* for stvec */
void guest_m_trap(void);
extern volatile u32 guest_go; /* releases the other harts into guest_secondary() */
void guest_secondary(u64 hart);

void guest_print(const char *text);
void guest_print_hex(u64 val);
void guest_fail(const char *file, unsigned line, const char *what, u64 got, u64 want)
    __attribute__((noreturn));

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            guest_fail(__FILE__, __LINE__, #cond, 0, 1);                                           \
    } while (0)
#define CHECK_EQ(got, want)                                                                        \
    do {                                                                                           \
        u64 got_ = (u64)(got), want_ = (u64)(want);                                                \
        if (got_ != want_)                                                                         \
            guest_fail(__FILE__, __LINE__, #got, got_, want_);                                     \
    } while (0)

/* ---- probes: tiny functions for run(), position independent, no stack ---- */
u64 probe_ld(u64 addr);
u64 probe_lw(u64 addr);
u64 probe_lh(u64 addr);
u64 probe_lbu(u64 addr);
u64 probe_sd(u64 addr, u64 val); /* returns 0 */
u64 probe_sw(u64 addr, u64 val);
u64 probe_sh(u64 addr, u64 val);
u64 probe_sb(u64 addr, u64 val);
u64 probe_exec(u64 addr); /* jumps there, with ra to return by */
u64 probe_amoadd(u64 addr, u64 val);
u64 probe_amoadd_w(u64 addr, u64 val);
u64 probe_lr(u64 addr);
u64 probe_sc(u64 addr, u64 val);
u64 probe_nop(void);
u64 probe_ecall(void);
u64 probe_ebreak(void);
u64 probe_c_ebreak(void);
u64 probe_mret(void);
u64 probe_sret(void);
u64 probe_wfi(void);
u64 probe_sfence(void);
u64 probe_fence_i(void);
u64 probe_spin(void);             /* for ever: only a trap ends it */
extern const u32 probe_ret42[2];  /* li a0, 42; ret: to be copied and executed */
extern const char probe_wfi_insn; /* the wfi inside probe_wfi */
/* Executes one 32-bit instruction, with a0 and a1 as given; a0 is the result. */
struct trap run_insn(int priv, u32 word, u64 a0, u64 a1);
static inline u32 insn_csrr(unsigned csr) /* csrrs a0, csr, x0 */
{
    return 0x00002573u | csr << 20;
}
static inline u32 insn_csrw(unsigned csr) /* csrrw x0, csr, a0 */
{
    return 0x00051073u | csr << 20;
}
static inline void fence_i(void)
{
    __asm__ volatile("fence.i" ::: "memory");
}
static inline void sfence_vma(void)
{
    __asm__ volatile("sfence.vma" ::: "memory");
}

/* ---- page tables ---- */
/* clang-format off */
enum {
    PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_G = 32, PTE_A = 64, PTE_D = 128,
    PTE_RWX = PTE_R | PTE_W | PTE_X, PTE_AD = PTE_A | PTE_D,
};
/* clang-format on */
#define PTE_NC BIT(61)
#define PTE_IO BIT(62)
#define PTE_N BIT(63)
enum { BARE = 0, SV39 = 8, SV48 = 9, SV57 = 10 };
struct space {
    u64 *root;
    int mode, levels;
};
/* A fresh table: the gigapage of RAM mapped to itself for S mode, and once more U_ALIAS higher for
 * U mode; the devices below 1 GiB for S mode. */
void space_init(struct space *space, int mode);
/* One more, without giving up the tables of those before. */
void space_init_another(struct space *space, int mode);
/* The entry of `va` at `level` (0: 4 KiB), making tables on the way. */
u64 *space_entry(struct space *space, u64 va, int level);
void space_map(struct space *space, u64 va, u64 pa, int level, u64 bits);
void space_use(const struct space *space, u64 asid);
/* Where everything linked at 0x80000000 can be executed, read and written from U mode. */
#define U_ALIAS ((u64)0x40000000)
extern u8 guest_pages[16][4096]; /* scratch memory, page-aligned */

#endif

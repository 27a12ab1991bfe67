/* isa/riscv/bits.h - the fields of CSRs and page-table entries, and the numbers of causes,
 * interrupts and CSRs. Freestanding; constants only.
 *
 * Names are those of the RISC-V privileged manual. A field's mask is in place (MSTATUS_MPP covers
 * bits 11 and 12); field_get and field_set shift by the mask's lowest bit.
 */
#ifndef ISA_RISCV_BITS_H
#define ISA_RISCV_BITS_H

#include <stdint.h>

#include "isa/riscv/csr.h"

#define ISA_BIT(n) (UINT64_C(1) << (n))
/* Bits hi..lo, both included. */
#define ISA_BITS(hi, lo) ((UINT64_MAX >> (63 - (hi))) & (UINT64_MAX << (lo)))

static inline uint64_t field_get(uint64_t reg, uint64_t mask)
{
    return (reg & mask) / (mask & -mask);
}

static inline uint64_t field_set(uint64_t reg, uint64_t mask, uint64_t val)
{
    return (reg & ~mask) | ((val * (mask & -mask)) & mask);
}

/* ---- mstatus, sstatus (3.1.6, 12.1.1) ---- */
#define MSTATUS_SIE ISA_BIT(1)
#define MSTATUS_MIE ISA_BIT(3)
#define MSTATUS_SPIE ISA_BIT(5)
#define MSTATUS_UBE ISA_BIT(6)
#define MSTATUS_MPIE ISA_BIT(7)
#define MSTATUS_SPP ISA_BIT(8)
#define MSTATUS_VS ISA_BITS(10, 9)
#define MSTATUS_MPP ISA_BITS(12, 11)
#define MSTATUS_FS ISA_BITS(14, 13)
#define MSTATUS_XS ISA_BITS(16, 15)
#define MSTATUS_MPRV ISA_BIT(17)
#define MSTATUS_SUM ISA_BIT(18)
#define MSTATUS_MXR ISA_BIT(19)
#define MSTATUS_TVM ISA_BIT(20)
#define MSTATUS_TW ISA_BIT(21)
#define MSTATUS_TSR ISA_BIT(22)
#define MSTATUS_UXL ISA_BITS(33, 32)
#define MSTATUS_SXL ISA_BITS(35, 34)
#define MSTATUS_SBE ISA_BIT(36)
#define MSTATUS_MBE ISA_BIT(37)
#define MSTATUS_GVA ISA_BIT(38)
#define MSTATUS_MPV ISA_BIT(39)
#define MSTATUS_SD ISA_BIT(63)
/* What of mstatus is visible through sstatus. */
#define SSTATUS_MASK                                                                               \
    (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_UBE | MSTATUS_SPP | MSTATUS_VS | MSTATUS_FS |            \
     MSTATUS_XS | MSTATUS_SUM | MSTATUS_MXR | MSTATUS_UXL | MSTATUS_SD)
/* Values of FS, VS, XS; and of UXL, SXL, misa.MXL. */
enum { XSTATUS_OFF = 0, XSTATUS_INITIAL = 1, XSTATUS_CLEAN = 2, XSTATUS_DIRTY = 3 };
enum { XL_32 = 1, XL_64 = 2 };
#define MSTATUS_FS_INITIAL ISA_BIT(13)
#define MSTATUS_FS_CLEAN ISA_BIT(14)
#define MSTATUS_FS_DIRTY MSTATUS_FS
#define MSTATUS_MPP_SHIFT 11
#define MSTATUS_SPP_SHIFT 8

/* misa (3.1.1): the letter's bit, and MXL. */
#define MISA_LETTER(c) ISA_BIT((c) - 'A')
#define MISA_MXL ISA_BITS(63, 62)
#define MISA_MXL_64 (UINT64_C(2) << 62)

/* ---- interrupts (3.1.9, Sscofpmf) ---- */
enum irq_number {
    IRQ_SSI = 1,
    IRQ_MSI = 3,
    IRQ_STI = 5,
    IRQ_MTI = 7,
    IRQ_SEI = 9,
    IRQ_MEI = 11,
    IRQ_LCOFI = 13,
};
#define MIP_SSIP ISA_BIT(IRQ_SSI)
#define MIP_MSIP ISA_BIT(IRQ_MSI)
#define MIP_STIP ISA_BIT(IRQ_STI)
#define MIP_MTIP ISA_BIT(IRQ_MTI)
#define MIP_SEIP ISA_BIT(IRQ_SEI)
#define MIP_MEIP ISA_BIT(IRQ_MEI)
#define MIP_LCOFIP ISA_BIT(IRQ_LCOFI)
#define MIP_SUPERVISOR (MIP_SSIP | MIP_STIP | MIP_SEIP | MIP_LCOFIP)
#define MIP_MACHINE (MIP_MSIP | MIP_MTIP | MIP_MEIP)
#define XCAUSE_INTERRUPT ISA_BIT(63)

/* ---- exceptions (mcause, table in 3.1.15) ---- */
enum exc_cause {
    CAUSE_FETCH_MISALIGNED = 0,
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_MISALIGNED = 4,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_MISALIGNED = 6, /* AMOs too */
    CAUSE_STORE_ACCESS = 7,
    CAUSE_ECALL_U = 8,
    CAUSE_ECALL_S = 9,
    CAUSE_ECALL_VS = 10,
    CAUSE_ECALL_M = 11,
    CAUSE_FETCH_PAGE = 12,
    CAUSE_LOAD_PAGE = 13,
    CAUSE_STORE_PAGE = 15,
    CAUSE_DOUBLE_TRAP = 16,
    CAUSE_SOFTWARE_CHECK = 18,
    CAUSE_HARDWARE_ERROR = 19,
    CAUSE_FETCH_GUEST_PAGE = 20,
    CAUSE_LOAD_GUEST_PAGE = 21,
    CAUSE_VIRTUAL_INSN = 22,
    CAUSE_STORE_GUEST_PAGE = 23,
};

/* ---- mtvec, stvec (3.1.7) ---- */
#define XTVEC_MODE ISA_BITS(1, 0)
enum { XTVEC_DIRECT = 0, XTVEC_VECTORED = 1 };

/* ---- mcounteren, scounteren, mcountinhibit (3.1.11) ---- */
#define COUNTEREN_CY ISA_BIT(0)
#define COUNTEREN_TM ISA_BIT(1) /* no such bit in mcountinhibit */
#define COUNTEREN_IR ISA_BIT(2)
#define COUNTEREN_HPM(n) ISA_BIT(n) /* 3..31 */
#define COUNTEREN_ALL UINT64_C(0xffffffff)

/* ---- mhpmevent (Sscofpmf) ---- */
#define MHPMEVENT_OF ISA_BIT(63)
#define MHPMEVENT_MINH ISA_BIT(62)
#define MHPMEVENT_SINH ISA_BIT(61)
#define MHPMEVENT_UINH ISA_BIT(60)
#define MHPMEVENT_VSINH ISA_BIT(59)
#define MHPMEVENT_VUINH ISA_BIT(58)

/* ---- menvcfg, senvcfg (3.1.18, 12.1.10) ---- */
#define ENVCFG_FIOM ISA_BIT(0)
#define ENVCFG_CBIE ISA_BITS(5, 4)
#define ENVCFG_CBCFE ISA_BIT(6)
#define ENVCFG_CBZE ISA_BIT(7)
#define MENVCFG_FIOM ENVCFG_FIOM
#define MENVCFG_CBIE ENVCFG_CBIE
#define MENVCFG_CBCFE ENVCFG_CBCFE
#define MENVCFG_CBZE ENVCFG_CBZE
#define MENVCFG_CDE ISA_BIT(60)
#define MENVCFG_ADUE ISA_BIT(61)
#define MENVCFG_PBMTE ISA_BIT(62)
#define MENVCFG_STCE ISA_BIT(63)
/* Values of CBIE; 2 is reserved. */
enum { CBIE_ILLEGAL = 0, CBIE_FLUSH = 1, CBIE_INVAL = 3 };

/* ---- mseccfg (Smepmp, Zkr) ---- */
#define MSECCFG_MML ISA_BIT(0)
#define MSECCFG_MMWP ISA_BIT(1)
#define MSECCFG_RLB ISA_BIT(2)

/* ---- PMP (3.7) ---- */
#define PMPCFG_R 0x01u
#define PMPCFG_W 0x02u
#define PMPCFG_X 0x04u
#define PMPCFG_A 0x18u
#define PMPCFG_A_SHIFT 3
#define PMPCFG_L 0x80u
#define PMPCFG_MASK (PMPCFG_R | PMPCFG_W | PMPCFG_X | PMPCFG_A | PMPCFG_L)
enum { PMP_OFF = 0, PMP_TOR = 1, PMP_NA4 = 2, PMP_NAPOT = 3 };
#define PMPADDR_MASK ISA_BITS(53, 0) /* bits 55..2 of a physical address */

/* ---- satp (12.1.11) ---- */
#define SATP_PPN ISA_BITS(43, 0)
#define SATP_ASID ISA_BITS(59, 44)
#define SATP_MODE ISA_BITS(63, 60)
#define SATP_ASID_SHIFT 44
#define SATP_MODE_SHIFT 60
enum { SATP_BARE = 0, SATP_SV39 = 8, SATP_SV48 = 9, SATP_SV57 = 10 };

/* ---- page-table entries (12.3 to 12.6, Svnapot, Svpbmt) ---- */
#define PTE_V ISA_BIT(0)
#define PTE_R ISA_BIT(1)
#define PTE_W ISA_BIT(2)
#define PTE_X ISA_BIT(3)
#define PTE_U ISA_BIT(4)
#define PTE_G ISA_BIT(5)
#define PTE_A ISA_BIT(6)
#define PTE_D ISA_BIT(7)
#define PTE_RSW ISA_BITS(9, 8) /* for software */
#define PTE_PPN ISA_BITS(53, 10)
#define PTE_RESERVED ISA_BITS(60, 54)
#define PTE_PBMT ISA_BITS(62, 61)
#define PTE_N ISA_BIT(63)
#define PTE_PPN_SHIFT 10
/* Bits 9..0 of a page number each level indexes; ptes of 8 bytes. */
enum { PTE_LEVEL_BITS = 9, PTE_SIZE_BYTES = 8 };
enum { PBMT_PMA = 0, PBMT_NC = 1, PBMT_IO = 2 };
/* The one NAPOT size there is: ppn[0] = xxxxx1000, 64 KiB. */
enum { PTE_NAPOT_64K_SHIFT = 4, PTE_NAPOT_64K_PPN = 0x8, PTE_NAPOT_PPN_MASK = 0xf };

/* ---- fcsr (unprivileged manual, "F") ---- */
#define FCSR_FFLAGS 0x1fu
#define FCSR_FRM 0xe0u
#define FCSR_FRM_SHIFT 5

#endif

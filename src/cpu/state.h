/* cpu/state.h - the architectural state of a RISC-V hart: the one form every accelerator can
 * read and write, so that snapshots, gdb, reset and tests do not care which one runs.
 *
 * Only what the architecture defines. Interrupt *lines* (from devices) are not here: see hart.h.
 * Section numbers in cpu/ are of the RISC-V privileged manual unless said otherwise.
 */
#ifndef CPU_STATE_H
#define CPU_STATE_H

#include <stdint.h>

#include "base/types.h"

enum riscv_priv { PRIV_U = 0, PRIV_S = 1, PRIV_M = 3 };
enum { RISCV_PMP_ENTRIES = 16, RISCV_HPM_COUNTERS = 32 };

struct riscv_state {
    uint64_t x[32]; /* x[0] is always 0 */
    uint64_t f[32]; /* narrower values NaN-boxed */
    uint64_t pc;
    uint8_t priv; /* enum riscv_priv */
    uint8_t frm, fflags;

    uint64_t mstatus, mtvec, medeleg, mideleg, mie, mcounteren, menvcfg, mcountinhibit;
    uint64_t mip; /* the bits software owns: SSIP, STIP, SEIP, LCOFIP */
    uint64_t mscratch, mepc, mcause, mtval;
    uint64_t stvec, scounteren, senvcfg; /* scountovf is made of mhpmevent's OF bits */
    uint64_t sscratch, sepc, scause, stval, satp;
    uint64_t stimecmp;         /* ticks of `time`; Sstc */
    uint64_t mcycle, minstret; /* mcycle counts instructions here: docs/cpu.md says why */
    uint64_t mhpmcounter[RISCV_HPM_COUNTERS], mhpmevent[RISCV_HPM_COUNTERS];
    uint8_t pmpcfg[RISCV_PMP_ENTRIES];
    uint64_t pmpaddr[RISCV_PMP_ENTRIES];
};

#endif

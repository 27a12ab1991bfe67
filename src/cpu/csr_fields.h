/* cpu/csr_fields.h - the reads and writes csr.def names: the WARL rules of each CSR. Private to
 * csr.c and csr_fields.c.
 *
 * A read gives what the instruction sees, a write takes the bits under `mask` of `bits` and keeps
 * the others as they are *stored*: that csrrs on mip must not copy a device's line into the
 * software's bit follows by itself.
 */
#ifndef CPU_CSR_FIELDS_H
#define CPU_CSR_FIELDS_H

#include "cpu/internal.h"

typedef uint64_t csr_read_fn(struct hart *hart, unsigned csr);
typedef void csr_write_fn(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask);

csr_read_fn csr_read_zero, csr_read_fflags, csr_read_frm, csr_read_fcsr, csr_read_cycle,
    csr_read_time, csr_read_instret, csr_read_hpmcounter, csr_read_sstatus, csr_read_sie,
    csr_read_stvec, csr_read_senvcfg, csr_read_sepc, csr_read_sip, csr_read_stimecmp, csr_read_satp,
    csr_read_scountovf, csr_read_mstatus, csr_read_misa, csr_read_medeleg, csr_read_mideleg,
    csr_read_mie, csr_read_mtvec, csr_read_menvcfg, csr_read_mcountinhibit, csr_read_mhpmevent,
    csr_read_mepc, csr_read_mip, csr_read_pmpcfg, csr_read_pmpaddr, csr_read_tinfo,
    csr_read_mhartid;

csr_write_fn csr_write_ignore, csr_write_fflags, csr_write_frm, csr_write_fcsr, csr_write_sstatus,
    csr_write_sie, csr_write_stvec, csr_write_senvcfg, csr_write_sepc, csr_write_sip,
    csr_write_stimecmp, csr_write_satp, csr_write_mstatus, csr_write_medeleg, csr_write_mideleg,
    csr_write_mie, csr_write_mtvec, csr_write_menvcfg, csr_write_mcountinhibit, csr_write_mhpmevent,
    csr_write_mepc, csr_write_mip, csr_write_pmpcfg, csr_write_pmpaddr, csr_write_mhpmcounter;

#endif

/* isa/riscv/csr.h - CSRs by number: name, the extension that brings it, who may access it.
 * Freestanding. The numbers themselves (enum csr_number) come from csr.table.
 */
#ifndef ISA_RISCV_CSR_H
#define ISA_RISCV_CSR_H

#include <stdbool.h>
#include <stdint.h>

#include "isa/riscv/config.h"
#include "isa/riscv/csr_numbers.h" /* generated: enum csr_number { CSR_FFLAGS, ... } */

enum { CSR_COUNT = 4096 };

struct csr_info {
    const char *name;
    uint16_t number;
    uint8_t ext; /* enum isa_ext without which there is no such register */
};
extern const struct csr_info csr_info[CSR_INFO_COUNT]; /* by ascending number */

/* NULL when csr.table does not know the number. */
const struct csr_info *csr_find(unsigned csr);

/* A CSR's number says who may access it and whether it may be written (privileged manual 2.1).
 * 0 U, 1 S, 2 HS, 3 M. */
static inline unsigned csr_least_priv(unsigned csr)
{
    return csr >> 8 & 3;
}

static inline bool csr_read_only(unsigned csr)
{
    return (csr >> 10 & 3) == 3;
}

#endif

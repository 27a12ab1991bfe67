/* isa/riscv/csr.c - finds a CSR's row. Freestanding, pure. */
#include "isa/riscv/csr.h"

#include <stddef.h>

const struct csr_info *csr_find(unsigned csr)
{
    unsigned lo = 0, hi = CSR_INFO_COUNT;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (csr_info[mid].number == csr)
            return &csr_info[mid];
        if (csr_info[mid].number < csr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* cpu/pmp.h - physical memory protection (3.7): which of 16 ranges an access falls into, and what
 * that permits.
 *
 * The registers are in struct riscv_state; struct pmp is what they mean, kept by pmp_update()
 * whenever one was written. Grain 0: ranges are exact to 4 bytes. Hart's thread only.
 */
#ifndef CPU_PMP_H
#define CPU_PMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"
#include "cpu/state.h"

enum access_kind { ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC };

/* A bit per enum access_kind. */
enum perm { PERM_R = 1 << ACCESS_READ, PERM_W = 1 << ACCESS_WRITE, PERM_X = 1 << ACCESS_EXEC };
enum { PERM_RWX = PERM_R | PERM_W | PERM_X };

/* An entry that matches something, lowest number first. */
struct pmp_range {
    gpa_t first, last; /* both inclusive */
    uint8_t perms;     /* enum perm bits for S and U */
    uint8_t machine;   /* the same for M: all, but for locked entries */
};

struct pmp {
    unsigned count; /* ranges in use */
    bool present;   /* the hart has a PMP: where nothing matches, S and U may nothing */
    struct pmp_range range[RISCV_PMP_ENTRIES];
};

/* Decodes the registers; the caller drops the soft TLB. `entries` is 0 or 16. */
void pmp_update(struct pmp *pmp, const struct riscv_state *s, unsigned entries);
/* One access of `size` bytes at gpa, in privilege `priv`: 3.7.1.3. */
bool pmp_permits(const struct pmp *pmp, gpa_t gpa, uint64_t size, enum access_kind kind,
                 unsigned priv);
/* What any access within the aligned page may do. False: it depends on where in the page. */
bool pmp_page(const struct pmp *pmp, gpa_t page, unsigned priv, unsigned *ret_perms);

/* Writable registers as CSRs (csr.c): locks and WARL rules obeyed. */
void pmp_write_cfg(struct riscv_state *s, unsigned entry, uint8_t value, unsigned entries);
void pmp_write_addr(struct riscv_state *s, unsigned entry, uint64_t value, unsigned entries);

#endif

/* dbt/interp/atomic.h - AMO, LR, SC and compare-and-swap on guest memory, atomic across harts.
 *
 * mem: enum ir_mem (the size counts; every order is given). *ret_old is sign-extended. False: an
 * exception is recorded.
 */
#ifndef DBT_INTERP_ATOMIC_H
#define DBT_INTERP_ATOMIC_H

#include "cpu/hart.h"

bool atomic_amo(struct hart *hart, unsigned amo, unsigned mem, gva_t gva, uint64_t operand,
                uint64_t *ret_old) NODISCARD;
bool atomic_cas(struct hart *hart, unsigned mem, gva_t gva, uint64_t expected, uint64_t desired,
                uint64_t *ret_old) NODISCARD;
bool atomic_lr(struct hart *hart, unsigned mem, gva_t gva, uint64_t *ret_value) NODISCARD;
/* *ret_failed: 0 stored, 1 not. */
bool atomic_sc(struct hart *hart, unsigned mem, gva_t gva, uint64_t value,
               uint64_t *ret_failed) NODISCARD;

#endif

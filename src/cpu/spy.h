/* cpu/spy.h - who looks over a hart's shoulder as it accesses memory: lock-step (dbt/lockstep/).
 *
 * A recording spy hears of each page before it is first written after the hart's fast write
 * entries were last dropped (tlb_forget_writes()), and carries out accesses to devices, so as to
 * remember them. A replaying one serves a second hart that does again what the first has done: it
 * says which memory an address leads to, and answers for the devices. Such a hart has nothing in
 * its soft TLB, so every access comes here. Hart's thread only.
 */
#ifndef CPU_SPY_H
#define CPU_SPY_H

#include "cpu/pmp.h"
#include "cpu/tlb.h"
#include "mem/space.h"

struct hart;
struct hart_spy;

struct hart_spy_ops {
    /* `hva`'s page is about to be written. */
    void (*will_write)(struct hart_spy *spy, void *hva);
    /* A page walk has set bits (A, D) of the PTE at hva. */
    void (*walked)(struct hart_spy *spy, void *hva, uint64_t bits);
    /* In place of mem_load() and mem_store(): no plain memory is at gpa. */
    enum mem_result (*load)(struct hart_spy *spy, gpa_t gpa, unsigned size, uint64_t *ret_val);
    enum mem_result (*store)(struct hart_spy *spy, gpa_t gpa, unsigned size, uint64_t val);
    /* Replaying, else NULL: in place of access_find(). The entry is good until the next but one
     * call. NULL: exception recorded. */
    struct tlb_entry *(*find)(struct hart_spy *spy, gva_t gva, enum access_kind kind,
                              enum access_kind as, enum tlb_bank bank);
};

struct hart_spy {
    const struct hart_spy_ops *ops;
};

/* What `hart` knows about gva's page, if that permits the access; false: nothing. */
bool hart_spy_known(struct hart *hart, gva_t gva, enum access_kind kind, enum tlb_bank bank,
                    struct tlb_entry *ret_entry);
/* The same by a page walk, without keeping anything. False: exception recorded. */
bool hart_spy_walk(struct hart *hart, gva_t gva, enum access_kind kind, enum access_kind as,
                   enum tlb_bank bank, struct tlb_entry *ret_entry);

#endif

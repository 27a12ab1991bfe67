/* dbt/dbt.h - the dynamic binary translator of a machine: guest code in, executed.
 *
 * One struct dbt a machine, one struct dbt_hart a hart. dbt_run() is called by the hart's thread,
 * inside the RCU read side, and returns when the hart has something else to do.
 */
#ifndef DBT_DBT_H
#define DBT_DBT_H

#include "base/error.h"
#include "cpu/hart.h"
#include "dbt/dump.h"
#include "dbt/tuning.h"

struct dbt;
struct dbt_hart;

struct dbt_config {
    struct mem_space *space;
    const struct isa_config *isa;
    unsigned harts;
    size_t cache_bytes;              /* bound on memory for translations */
    size_t code_bytes;               /* memory for compiled code; 0: interpret only */
    unsigned max_insns;              /* of a block; 0: as many as fit, 1 single-steps (tests) */
    const struct dbt_tuning *tuning; /* NULL: as nothing had been said */
    /* Lock-step has found a difference: one sentence, and a longer report. On a hart's thread,
     * once; no hart runs guest code any more. */
    void (*failed)(void *opaque, const char *sentence, const char *report);
    void *opaque;
    struct dbt_dump dump;
    const char *keep_dir; /* where translated blocks are kept from run to run; NULL: nowhere */
};

int dbt_new(struct dbt **ret_dbt, const struct dbt_config *config, struct error *err) NODISCARD;
void dbt_free(struct dbt *dbt); /* NULL is fine; no hart runs */

/* The hart's part; `hart` must outlive it. index: 0..harts-1. */
int dbt_hart_new(struct dbt_hart **ret_dh, struct dbt *dbt, struct hart *hart, unsigned index,
                 struct error *err) NODISCARD;
void dbt_hart_free(struct dbt_hart *dh);

/* Runs guest code from hart->s.pc. Returns when the attention word has a bit that is not for the
 * engine (kick, wfi, stopped), and after serving interrupts and requests, so that the caller can
 * leave and re-enter the read side. hart->s is then architecturally exact. */
void dbt_run(struct dbt_hart *dh);

/* What hart_ops.fence_i does. On the hart's thread. */
void dbt_fence_i(struct dbt_hart *dh);

struct dbt_stats {
    uint64_t instructions;           /* executed by this hart */
    uint64_t lookups;                /* jump cache misses */
    uint64_t remembered;             /* of those, found there with another address space's cookie */
    uint64_t interpreted;            /* runs of T0, from block to block */
    uint64_t entered;                /* compiled code, and why it was left: */
    uint64_t left_heard;             /* the attention word had something */
    uint64_t left_unlinked;          /* an exit without a link yet */
    uint64_t left_lost;              /* a jump not in the jump cache, a change of modes, a trap */
    uint64_t exceptions, interrupts; /* taken */
};
void dbt_hart_get_stats(const struct dbt_hart *dh, struct dbt_stats *ret_stats);
struct cache_stats;
struct strbuf;
void dbt_lockstep_stats(struct dbt *dbt, struct strbuf *out); /* nothing when it is off */
struct back_stats;
/* False: nothing compiles. */
bool dbt_get_back_stats(struct dbt *dbt, struct back_stats *ret_stats);
struct regions_stats;
void dbt_get_cache_stats(struct dbt *dbt, struct cache_stats *ret_stats);
struct store_stats;
/* False: nothing is kept. */
bool dbt_get_store_stats(struct dbt *dbt, struct store_stats *ret_stats);
/* Of regions (dbt/regions.h); all zero when none are made. */
void dbt_get_regions_stats(struct dbt *dbt, struct regions_stats *ret_stats);
/* Waits until what --jit-cache has kept is there. One thread. */
void dbt_wait_for_store(struct dbt *dbt);
/* Waits until all loops found hot so far have been compiled. No hart is inside dbt_run(). */
void dbt_wait_for_regions(struct dbt *dbt);

#endif

/* dbt/dbt_hart.h - what the dispatcher and the interpreter share about one hart. Private to dbt/.
 */
#ifndef DBT_DBT_HART_H
#define DBT_DBT_HART_H

#include "dbt/back/back.h"
#include "dbt/cache/tb.h"
#include "dbt/dbt.h"
#include "dbt/ir/ir.h"
#include "dbt/lockstep/lockstep.h"

struct dbt_hart {
    struct hart *hart;
    struct dbt *dbt;
    unsigned index;
    const struct back_ops *back; /* NULL: interpret only */
    struct back *compiler;       /* of `back` */
    uint32_t hot_runs;           /* interpreted runs before a block is compiled */
    int32_t look_after;          /* jumps back of compiled code, before its loops are looked at */
    /* Lock-step, else NULL; in its twin (dbt/lockstep/), T0 begins in mid-block at `resume` if that
     * is not NULL. */
    struct lockstep_hart *lockstep;
    bool one_block; /* T0 ends behind each block */
    const struct t0_op *resume;
    uint32_t mode; /* enum front_mode bits of what runs now */
    struct dbt_stats stats;
    /* Sparse; hart->run.jump_cache is where that of now begins. */
    struct jump_cache_entry jump_cache[JUMP_CACHE_ENTRIES + TLB_SPACES * JUMP_CACHE_STAGGER];
    /* Guesses whose cookie has an older tlb_code() may be of blocks that have been freed. */
    uint64_t guesses_from;
    struct tb *uncached; /* a block from memory that cannot be cached: run once */
    /* Work space of a translation: too large for a stack. */
    struct ir_block ir;
    struct t0_code code;
};

/* The block at pc in the current mode, translating if need be; enters it into the jump cache.
 * NULL: fetching raised an exception, recorded in the hart. */
struct tb *dbt_block_at(struct dbt_hart *dh, gva_t pc);
/* The same as the target of exit `link` of `from`, which was entered at from_pc: links the two
 * when that is allowed. */
struct tb *dbt_block_after(struct dbt_hart *dh, struct tb *from, gva_t from_pc, unsigned link,
                           gva_t pc);
void dbt_free_uncached(struct dbt_hart *dh);
/* Recomputes `mode` after the hart's state changed. */
void dbt_mode_changed(struct dbt_hart *dh);

/* Brings the hart's counters up to date. run.insns: a block counts when it is entered, and a fault
 * takes back what did not run; after a count in mid-block that can leave a debt for a while. */
static inline void dbt_count(struct dbt_hart *dh)
{
    if (dh->hart->run.insns <= 0)
        return;
    hart_count(dh->hart, (uint64_t)dh->hart->run.insns);
    dh->stats.instructions += (uint64_t)dh->hart->run.insns;
    dh->hart->run.insns = 0;
}

static inline struct jump_cache_entry *dbt_guess_at(struct dbt_hart *dh, gva_t pc)
{
    return (struct jump_cache_entry *)dh->hart->run.jump_cache + jump_cache_index(pc);
}

/* dbt_block_at(), from the jump cache if it is there. */
static inline struct tb *dbt_block_guess(struct dbt_hart *dh, gva_t pc)
{
    struct jump_cache_entry *entry = dbt_guess_at(dh, pc);

    if (likely(entry->pc == pc && entry->cookie == dh->hart->run.cookie))
        return entry->tb;
    return dbt_block_at(dh, pc);
}

/* Takes the recorded exception; what ran before it counts in the mode it ran in. */
static inline void dbt_take_exception(struct dbt_hart *dh)
{
    if (unlikely(dh->lockstep != NULL))
        lockstep_raised(dh);
    dbt_count(dh);
    dh->stats.exceptions++;
    hart_take_exception(dh->hart);
}

/* dbt/interp/interp.c: runs from `tb` at virtual address pc until something is for the
 * dispatcher; hart->s.pc says where to go on. */
void t0_run(struct dbt_hart *dh, struct tb *tb, gva_t pc);
/* Executes one op that does not leave its block, for compiled code that has no template for it.
 * pc: of the block. False: it raised an exception, not yet taken. */
bool t0_step(struct dbt_hart *dh, const struct t0_op *op, gva_t pc);

#endif

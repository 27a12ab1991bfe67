/* dbt/cache/tb.h - a translated block, and what a hart keeps to find blocks quickly. */
#ifndef DBT_CACHE_TB_H
#define DBT_CACHE_TB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"
#include "dbt/interp/t0.h"

/* Immutable once it can be found, but for its links. Freed by RCU: a hart may use what it found
 * until it leaves the read side. */
struct tb {
    gpa_t gpa;     /* of its first byte */
    gpa_t gpa2;    /* of the second half of a straddling instruction; UINT64_MAX: it does not */
    uint32_t mode; /* enum front_mode bits it was translated for */
    uint16_t length, insns, ops;  /* guest bytes, guest instructions, T0 ops */
    struct tb *_Atomic hash_next; /* near what a look-up compares */
    /* Direct exits to blocks of the same guest page, filled when first taken. Set and cleared
     * with the cache's lock held, followed without. */
    struct tb *_Atomic link[T0_MAX_LINKS];
    uint64_t content; /* a hash of the guest bytes */
    /* What it was made from; page2 NULL mostly. page NULL: it cannot be found. The cache's lock. */
    struct code_page *page, *page2;
    struct tb *page_next;     /* of the same page; straddling blocks have a list of their own */
    const void *_Atomic code; /* compiled, set once; NULL: not yet, or no back end */
    /* Where each link's jump in `code` has its displacement, in the written mapping. */
    uint8_t *link_site[T0_MAX_LINKS];
    _Atomic uint32_t code_in; /* parts of code memory that code of it lies in: back.h, give_up */
    /* A region (regions.h) of a loop that it closes has been asked for: not again so often. */
    _Atomic uint32_t patience;
    _Atomic bool is_region;     /* `code` is that of the region this block is the head of */
    _Atomic uint32_t runs;      /* interpreted so far; compiling starts at a threshold */
    struct kept *kept;          /* as it is in the store (dbt/store/); NULL: not */
    const struct t0_insn *insn; /* `insns` entries, behind op[] */
    struct t0_op op[];
};

struct code_page;
struct kept;

/* NULL when the host has no memory. The caller fills gpa, gpa2, mode, length, content. */
struct tb *tb_new(const struct t0_op *op, unsigned ops, const struct t0_insn *insn, unsigned insns);
void tb_free(struct tb *tb); /* one that was never inserted; NULL is fine */
/* The hash `content` holds; two pieces because an instruction may straddle pages. */
uint64_t tb_hash(const uint8_t *bytes, size_t len, uint64_t before);

/* Counts a run; true when tb has been run often enough to be compiled. Harts may lose counts to
 * each other: it is a hint. */
static inline bool tb_heat(struct tb *tb, uint32_t hot_runs)
{
    uint32_t runs = atomic_load_explicit(&tb->runs, memory_order_relaxed);

    if (runs >= hot_runs)
        return true;
    atomic_store_explicit(&tb->runs, runs + 1, memory_order_relaxed);
    return false;
}

/* A guess for "which block is at this virtual pc": per hart, validated on use. A kernel's way
 * through a fork and an exec is some thousand blocks that jumps between pages lead to. */
enum { JUMP_CACHE_ENTRIES = 32768, JUMP_CACHE_STAGGER = 1021 };
struct jump_cache_entry {
    gva_t pc;
    uint64_t cookie; /* hart_run.cookie when it was entered */
    struct tb *tb;
    const void *code; /* where compiled code of tb begins, or where to leave compiled code for it */
};
_Static_assert(sizeof(struct jump_cache_entry) == 32, "compiled code scales an index by it");

/* Of the page and of the offset within, so that compiled code can have the latter as a constant.
 * The offset's 11 bits are an index's lowest, the page's lowest 11 its highest: the other way, all
 * of a kernel's text would be in an eighth of the entries. */
enum { JUMP_CACHE_SHIFT = PAGE_SHIFT - 4 };
_Static_assert(JUMP_CACHE_ENTRIES == 1 << (11 + PAGE_SHIFT - JUMP_CACHE_SHIFT), "15 bits");
static inline unsigned jump_cache_index(gva_t pc)
{
    return (unsigned)(pc >> JUMP_CACHE_SHIFT ^ (pc & PAGE_OFFSET_MASK) >> 1) % JUMP_CACHE_ENTRIES;
}

#endif

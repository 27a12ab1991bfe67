/* dbt/cache/cache.h - all translated blocks of a machine, found by guest physical address.
 *
 * Look-up is lock-free (RCU); insertion and removal take the cache's lock. All harts share it.
 *
 * Changed code. RISC-V lets a hart run stale instructions until it executes fence.i, so nothing
 * happens at the store. The pages that blocks were made from are *watched* (mem/ram.h): the next
 * write to one is noted. fence.i looks at the noted pages and drops those whose blocks no longer
 * match the bytes. Between the moment a page becomes watched and the moment every hart has
 * dropped its fast write entries for it, a store could go unnoticed; until then the page counts
 * as written (see `revoked` in cache.c).
 */
#ifndef DBT_CACHE_CACHE_H
#define DBT_CACHE_CACHE_H

#include "base/error.h"
#include "dbt/cache/tb.h"
#include "mem/space.h"

struct cache;

/* How the cache reaches the harts; called with the cache's lock held, must not block. */
struct cache_ops {
    /* Every hart drops fast write entries and then reports cache_revoked(). */
    void (*revoke_writes)(void *owner);
    /* Blocks are about to be freed: every hart forgets its guesses before its next block. */
    void (*forget)(void *owner);
    /* Exit `link` of from leads to `to` from now on. */
    void (*linked)(void *owner, struct tb *from, unsigned link, struct tb *to);
};

/* max_bytes bounds the memory for blocks: at the bound the pages known longest lose theirs. */
int cache_new(struct cache **ret_cache, struct mem_space *space, unsigned harts, size_t max_bytes,
              const struct cache_ops *ops, void *owner, struct error *err) NODISCARD;
void cache_free(struct cache *cache); /* NULL is fine; no hart runs */

/* Inside the RCU read side. gpa2 as in struct tb. NULL: not translated yet. */
struct tb *cache_find(struct cache *cache, gpa_t gpa, gpa_t gpa2, uint32_t mode);

/* Translating: cache_begin() before the guest bytes are read makes sure that a change from then
 * on is noticed; cache_insert() takes the block over, or frees it and returns NULL when the page
 * changed in between (begin again). Both inside the read side. */
struct cache_ticket {
    /* private */
    uint64_t epoch, generation, generation2;
    struct code_page *page, *page2;
};
void cache_begin(struct cache *cache, gpa_t gpa, gpa_t gpa2, struct cache_ticket *ret_ticket);
struct tb *cache_insert(struct cache *cache, struct tb *tb, const struct cache_ticket *ticket);

/* Links exit `link` of `from` to `to`, when both are of one page and still current. */
void cache_link(struct cache *cache, struct tb *from, unsigned link, struct tb *to);

/* Blocks of the page of gpa, of a mode, that have compiled code; at most max, the newest first.
 * Inside the read side. */
unsigned cache_list(struct cache *cache, gpa_t gpa, uint32_t mode, struct tb **ret_tb,
                    unsigned max);
/* Compiled code of the region that tb is the head of becomes tb's, and links to tb lead there.
 * False: tb is not current any more. Inside the read side. */
bool cache_set_code(struct cache *cache, struct tb *tb, const void *code);

/* fence.i on any hart. */
void cache_fence_i(struct cache *cache);
/* Drops the blocks that have code in any of `parts` (tb.code_in), and with them their pages'
 * others: room is needed. Inside the read side. */
void cache_drop_code(struct cache *cache, uint32_t parts);
/* Drops every block: the memory map changed. */
void cache_flush(struct cache *cache);

/* The number to report when a hart has served revoke_writes: read it before serving. */
uint64_t cache_revoke_sequence(struct cache *cache);
void cache_revoked(struct cache *cache, unsigned hart, uint64_t sequence);

struct cache_stats {
    uint64_t blocks, bytes, pages;                 /* now */
    uint64_t translated, dropped, flushes, fences; /* since the start */
};
void cache_get_stats(struct cache *cache, struct cache_stats *ret_stats);

#endif

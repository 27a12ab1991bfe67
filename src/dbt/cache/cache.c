/*
 * dbt/cache/cache.c - blocks by guest physical address, pages of code, and invalidation.
 *
 * Two hash tables: blocks by (gpa, mode), read without a lock; pages, under the lock. A page has
 * the list of blocks made from it; blocks that straddle two pages are few and have a list of
 * their own.
 *
 * The life of a page's knowledge about writes:
 *   cache_begin     first block of a page: ram_block_watch(), then every hart is asked to drop
 *                   its fast write entries ("revoke"), numbered by `revoke_sequence`
 *   unfirm          until all harts have reported that number or a later one, a store through an
 *                   old TLB entry may go unseen: the page is on `unfirm`, every fence.i checks it
 *   written         the dirty hub says so: the page goes on `dirty`, its watch is spent
 *   fence.i         pages on `dirty` or `unfirm` are compared with what their blocks were made
 *                   from; changed ones lose all blocks; `dirty` ones are watched (and revoked) anew
 * A hart's store tells of itself before its bytes are there as well as after (cpu/access.c): so
 * whoever sees the bytes and then executes fence.i finds the page on one of the two lists.
 * A translation that raced with a fence.i is caught by the page's generation, which grows
 * whenever a fence.i checks the page.
 *
 * Links join blocks of one page only, and a page loses all its blocks or none, so no link ever
 * points out of what is dropped together.
 */
#include "dbt/cache/cache.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dbt/cache/tb_storage.h"

enum { HASH_BUCKETS = 1 << 16, PAGE_BUCKETS = 1 << 11, MAX_HARTS = 64 };

struct code_page {
    struct ram_block *ram; /* NULL: ROM, which nobody can watch or needs to */
    uint64_t number;       /* of the page within ram, or of the gpa */
    struct code_page *hash_next;
    struct tb *blocks;
    uint64_t generation;
    uint64_t revoke_sequence; /* firm when every hart has reported this or more */
    struct list_node dirty_node, unfirm_node;
    struct list_node aged_node; /* in cache.aged while there are blocks */
};

struct cache {
    struct mem_space *space;
    const struct cache_ops *ops;
    void *owner;
    unsigned harts;
    size_t max_bytes;
    struct tb *_Atomic bucket[HASH_BUCKETS];

    /* `lock` guards what follows, pages, and the links of blocks. Nothing is taken under it but
     * what ops take; order: docs/locking.md. */
    pthread_mutex_t lock;
    struct code_page *page[PAGE_BUCKETS];
    struct tb *straddlers;
    struct list_node dirty, unfirm;
    struct list_node aged; /* pages with blocks; those that have had some longest come first */
    uint64_t reported[MAX_HARTS]; /* revoke sequence each hart has served */
    uint64_t revoke_sequence;
    uint64_t epoch; /* grows when all is thrown away: earlier tickets are void */
    struct cache_stats stats;
    struct dirty_listener listener;
};

static unsigned block_hash(gpa_t gpa, uint32_t mode)
{
    uint64_t hash = (gpa >> 1) * UINT64_C(0x9e3779b97f4a7c15) + mode * UINT64_C(0xff51afd7ed558ccd);

    return (unsigned)(hash >> 40) % HASH_BUCKETS;
}

struct tb *cache_find(struct cache *cache, gpa_t gpa, gpa_t gpa2, uint32_t mode)
{
    struct tb *tb =
        atomic_load_explicit(&cache->bucket[block_hash(gpa, mode)], memory_order_acquire);

    while (tb != NULL && !(tb->gpa == gpa && tb->mode == mode && tb->gpa2 == gpa2))
        tb = atomic_load_explicit(&tb->hash_next, memory_order_acquire);
    return tb;
}

/* ---- pages ---- */

/* Where a page of guest memory lives: RAM by block and page in it, so that the dirty hub's notice
 * finds it whatever gpa it was reached by; ROM by gpa alone. */
struct page_key {
    struct ram_block *ram;
    uint64_t number;
};

static struct page_key page_key(struct cache *cache, gpa_t gpa)
{
    const struct mem_range *range = mem_find(cache->space, gpa & PAGE_ADDR_MASK);

    if (range == NULL || !range->writable || range->ram == NULL)
        return (struct page_key){ NULL, gpa >> PAGE_SHIFT };
    return (struct page_key){ range->ram,
                              (range->ram_offset + (gpa - range->start)) >> PAGE_SHIFT };
}

static struct code_page **page_slot(struct cache *cache, struct page_key key)
{
    struct code_page **slot = &cache->page[(key.number ^ key.number >> 11) % PAGE_BUCKETS];

    while (*slot != NULL && ((*slot)->ram != key.ram || (*slot)->number != key.number))
        slot = &(*slot)->hash_next;
    return slot;
}

static void watch(struct cache *cache, struct code_page *page)
{
    if (page->ram == NULL)
        return;
    ram_block_watch(page->ram, DIRTY_CODE, page->number, 1);
    page->revoke_sequence = ++cache->revoke_sequence;
    if (list_empty(&page->unfirm_node))
        list_append(&cache->unfirm, &page->unfirm_node);
    cache->ops->revoke_writes(cache->owner);
}

/* The page of gpa, made if need be; NULL when the host has no memory. */
static struct code_page *page_get(struct cache *cache, gpa_t gpa)
{
    struct page_key key = page_key(cache, gpa);
    struct code_page **slot = page_slot(cache, key), *page = *slot;

    if (page != NULL)
        return page;
    if (key.ram != NULL && ram_block_listen(key.ram, DIRTY_CODE, &cache->listener, NULL) != 0)
        return NULL;
    page = calloc(1, sizeof(*page));
    if (page == NULL)
        return NULL;
    page->ram = key.ram == NULL ? NULL : ram_block_ref(key.ram);
    page->number = key.number;
    list_init(&page->dirty_node);
    list_init(&page->unfirm_node);
    list_init(&page->aged_node);
    *slot = page;
    cache->stats.pages++;
    watch(cache, page);
    return page;
}

/* The dirty hub's notice, on whatever thread wrote; it may hold a device's lock. */
static void page_written(struct dirty_listener *listener, struct ram_block *block, size_t number)
{
    struct cache *cache = container_of(listener, struct cache, listener);
    struct code_page *page;

    pthread_mutex_lock(&cache->lock);
    page = *page_slot(cache, (struct page_key){ block, number });
    if (page != NULL && list_empty(&page->dirty_node))
        list_append(&cache->dirty, &page->dirty_node);
    pthread_mutex_unlock(&cache->lock);
}

static uint64_t all_have_reported(const struct cache *cache)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < cache->harts; i++)
        if (cache->reported[i] < least)
            least = cache->reported[i];
    return least;
}

/* ---- dropping blocks ---- */

/* Makes tb unfindable. It is freed when no hart can be in it; the caller lets the harts forget
 * before (forget_blocks). */
static void drop(struct cache *cache, struct tb *tb)
{
    struct tb *_Atomic *at = &cache->bucket[block_hash(tb->gpa, tb->mode)];
    struct tb *here;

    while ((here = atomic_load_explicit(at, memory_order_relaxed)) != tb) {
        assert(here != NULL);
        at = &here->hash_next;
    }
    atomic_store_explicit(at, atomic_load_explicit(&tb->hash_next, memory_order_relaxed),
                          memory_order_release);
    tb->page = NULL;
    cache->stats.blocks--;
    cache->stats.dropped++;
    cache->stats.bytes -= tb_bytes(tb);
}

static void drop_list(struct cache *cache, struct tb **list)
{
    struct tb *first = *list, *next;

    *list = NULL;
    if (first == NULL)
        return;
    for (struct tb *tb = first; tb != NULL; tb = tb->page_next)
        drop(cache, tb);
    cache->ops->forget(cache->owner);
    for (struct tb *tb = first; tb != NULL; tb = next) {
        next = tb->page_next;
        tb_free_later(tb);
    }
}

/* A page loses all its blocks or none: those of `page` go in front of *doomed. */
static void take_blocks(struct code_page *page, struct tb **doomed)
{
    struct tb **end = &page->blocks;

    while (*end != NULL)
        end = &(*end)->page_next;
    *end = *doomed;
    *doomed = page->blocks;
    page->blocks = NULL;
    list_del(&page->aged_node);
}

static void drop_page(struct cache *cache, struct code_page *page)
{
    struct tb *doomed = NULL;

    take_blocks(page, &doomed);
    drop_list(cache, &doomed);
}

/* Which straddlers go; all when neither is said. */
struct straddlers {
    const struct code_page *of;
    uint32_t code_in;
};

static void take_straddlers(struct cache *cache, struct straddlers which, struct tb **doomed)
{
    bool all = which.of == NULL && which.code_in == 0;
    struct tb **at = &cache->straddlers, *tb;

    while ((tb = *at) != NULL) {
        if (all || (which.of != NULL && (tb->page == which.of || tb->page2 == which.of)) ||
            (atomic_load_explicit(&tb->code_in, memory_order_acquire) & which.code_in)) {
            *at = tb->page_next;
            tb->page_next = *doomed;
            *doomed = tb;
        } else {
            at = &tb->page_next;
        }
    }
}

static void drop_straddlers(struct cache *cache, struct straddlers which)
{
    struct tb *doomed = NULL;

    take_straddlers(cache, which, &doomed);
    drop_list(cache, &doomed);
}

static const uint8_t *page_bytes(const struct code_page *page)
{
    return page->ram->hva + (page->number << PAGE_SHIFT);
}

/* Do the bytes of `page` still read as when tb was made? */
static bool unchanged(const struct tb *tb)
{
    unsigned offset = (unsigned)(tb->gpa & PAGE_OFFSET_MASK);

    if (tb->page->ram == NULL)
        return true;
    return tb_hash(page_bytes(tb->page) + offset, tb->length, 0) == tb->content;
}

static void check_page(struct cache *cache, struct code_page *page)
{
    page->generation++;
    for (struct tb *tb = page->blocks; tb != NULL; tb = tb->page_next)
        if (!unchanged(tb)) {
            drop_page(cache, page);
            break;
        }
    drop_straddlers(cache, (struct straddlers){ .of = page });
}

void cache_fence_i(struct cache *cache)
{
    uint64_t reported;
    struct list_node *node;

    pthread_mutex_lock(&cache->lock);
    cache->stats.fences++;
    reported = all_have_reported(cache);
    list_for_each_safe(at, &cache->unfirm)
    {
        struct code_page *page = list_entry(at, struct code_page, unfirm_node);

        if (page->revoke_sequence <= reported)
            list_del(&page->unfirm_node);
        if (list_empty(&page->dirty_node))
            check_page(cache, page);
    }
    while ((node = list_pop(&cache->dirty)) != NULL) {
        struct code_page *page = list_entry(node, struct code_page, dirty_node);

        watch(cache, page); /* before looking, so that nothing slips through between */
        check_page(cache, page);
    }
    pthread_mutex_unlock(&cache->lock);
}

static void drop_all_locked(struct cache *cache)
{
    for (unsigned i = 0; i < PAGE_BUCKETS; i++)
        for (struct code_page *page = cache->page[i]; page != NULL; page = page->hash_next)
            drop_page(cache, page);
    drop_straddlers(cache, (struct straddlers){ 0 });
    cache->stats.flushes++;
}

static void free_pages_locked(struct cache *cache)
{
    for (unsigned i = 0; i < PAGE_BUCKETS; i++) {
        struct code_page *page = cache->page[i], *next;

        for (; page != NULL; page = next) {
            next = page->hash_next;
            if (page->ram != NULL) /* taking away a listener cannot fail */
                (void)!ram_block_listen(page->ram, DIRTY_CODE, NULL, NULL);
            ram_block_unref(page->ram);
            free(page);
        }
        cache->page[i] = NULL;
    }
    list_init(&cache->dirty);
    list_init(&cache->unfirm);
    cache->stats.pages = 0;
    cache->epoch++;
}

static bool has_code_in(const struct code_page *page, uint32_t parts)
{
    for (const struct tb *tb = page->blocks; tb != NULL; tb = tb->page_next)
        if (atomic_load_explicit(&tb->code_in, memory_order_acquire) & parts)
            return true;
    return false;
}

void cache_drop_code(struct cache *cache, uint32_t parts)
{
    struct tb *doomed = NULL;

    pthread_mutex_lock(&cache->lock);
    list_for_each_safe(at, &cache->aged)
    {
        struct code_page *page = list_entry(at, struct code_page, aged_node);

        if (has_code_in(page, parts))
            take_blocks(page, &doomed);
    }
    take_straddlers(cache, (struct straddlers){ .code_in = parts }, &doomed);
    drop_list(cache, &doomed);
    cache->epoch++; /* a block in the making may have code in what is given up */
    pthread_mutex_unlock(&cache->lock);
}

/* Until there is room for `bytes` and more: it is not to be done for each block. */
static void drop_oldest(struct cache *cache, size_t bytes)
{
    size_t room = bytes + cache->max_bytes / 8, taken = 0;
    size_t enough = cache->max_bytes > room ? cache->max_bytes - room : 0;
    struct tb *doomed = NULL;

    list_for_each_safe(at, &cache->aged)
    {
        struct code_page *page = list_entry(at, struct code_page, aged_node);

        if (cache->stats.bytes - taken <= enough)
            break;
        for (const struct tb *tb = page->blocks; tb != NULL; tb = tb->page_next)
            taken += tb_bytes(tb);
        take_blocks(page, &doomed);
    }
    if (cache->stats.bytes - taken > enough)
        take_straddlers(cache, (struct straddlers){ 0 }, &doomed);
    drop_list(cache, &doomed);
    cache->stats.flushes++;
}

void cache_flush(struct cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    drop_all_locked(cache);
    free_pages_locked(cache);
    pthread_mutex_unlock(&cache->lock);
}

/* ---- making blocks ---- */

void cache_begin(struct cache *cache, gpa_t gpa, gpa_t gpa2, struct cache_ticket *ret_ticket)
{
    struct code_page *page, *page2 = NULL;

    pthread_mutex_lock(&cache->lock);
    page = page_get(cache, gpa);
    if (page != NULL && gpa2 != UINT64_MAX)
        page2 = page_get(cache, gpa2);
    ret_ticket->epoch = cache->epoch;
    ret_ticket->page = page;
    ret_ticket->page2 = page2;
    ret_ticket->generation = page == NULL ? 0 : page->generation;
    ret_ticket->generation2 = page2 == NULL ? 0 : page2->generation;
    pthread_mutex_unlock(&cache->lock);
}

static bool ticket_valid(const struct cache *cache, const struct tb *tb,
                         const struct cache_ticket *ticket)
{
    if (ticket->epoch != cache->epoch || ticket->page == NULL ||
        ticket->page->generation != ticket->generation)
        return false;
    if (tb->gpa2 == UINT64_MAX)
        return true;
    return ticket->page2 != NULL && ticket->page2->generation == ticket->generation2;
}

struct tb *cache_insert(struct cache *cache, struct tb *tb, const struct cache_ticket *ticket)
{
    struct tb *_Atomic *bucket = &cache->bucket[block_hash(tb->gpa, tb->mode)];
    struct tb *found, **list;

    pthread_mutex_lock(&cache->lock);
    found = cache_find(cache, tb->gpa, tb->gpa2, tb->mode);
    if (found != NULL || !ticket_valid(cache, tb, ticket)) {
        pthread_mutex_unlock(&cache->lock);
        tb_free(tb); /* another hart was faster, or the page moved under us */
        return found;
    }
    if (cache->stats.bytes + tb_bytes(tb) > cache->max_bytes)
        drop_oldest(cache, tb_bytes(tb));
    tb->page = ticket->page;
    tb->page2 = ticket->page2;
    list = tb->gpa2 == UINT64_MAX ? &tb->page->blocks : &cache->straddlers;
    tb->page_next = *list;
    *list = tb;
    if (tb->gpa2 == UINT64_MAX && list_empty(&tb->page->aged_node))
        list_append(&cache->aged, &tb->page->aged_node);
    cache->stats.blocks++;
    cache->stats.translated++;
    cache->stats.bytes += tb_bytes(tb);
    atomic_store_explicit(&tb->hash_next, atomic_load_explicit(bucket, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(bucket, tb, memory_order_release);
    pthread_mutex_unlock(&cache->lock);
    return tb;
}

/* Can it still be found? */
static bool is_current(const struct tb *tb)
{
    return tb->page != NULL;
}

/* Only a block that can still be found may be linked to: what is dropped must have no way in. */
void cache_link(struct cache *cache, struct tb *from, unsigned link, struct tb *to)
{
    if (link >= T0_MAX_LINKS || from->gpa2 != UINT64_MAX || to->gpa2 != UINT64_MAX ||
        (from->gpa & PAGE_ADDR_MASK) != (to->gpa & PAGE_ADDR_MASK))
        return;
    /* Compiled code that comes here before `to` is compiled will come again, until that is. */
    if (atomic_load_explicit(&from->link[link], memory_order_acquire) == to &&
        atomic_load_explicit(&to->code, memory_order_acquire) == NULL)
        return;
    pthread_mutex_lock(&cache->lock);
    if (is_current(from) && is_current(to)) {
        atomic_store_explicit(&from->link[link], to, memory_order_release);
        cache->ops->linked(cache->owner, from, link, to);
    }
    pthread_mutex_unlock(&cache->lock);
}

unsigned cache_list(struct cache *cache, gpa_t gpa, uint32_t mode, struct tb **ret_tb, unsigned max)
{
    const struct code_page *page;
    unsigned count = 0;

    pthread_mutex_lock(&cache->lock);
    page = *page_slot(cache, page_key(cache, gpa));
    if (page != NULL)
        for (struct tb *tb = page->blocks; tb != NULL && count < max; tb = tb->page_next)
            if (tb->mode == mode && atomic_load_explicit(&tb->code, memory_order_acquire) != NULL)
                ret_tb[count++] = tb;
    pthread_mutex_unlock(&cache->lock);
    return count;
}

/* All links to tb are in blocks of its page. */
static void relink(struct cache *cache, struct tb *to)
{
    for (struct tb *from = to->page->blocks; from != NULL; from = from->page_next)
        for (unsigned link = 0; link < T0_MAX_LINKS; link++)
            if (atomic_load_explicit(&from->link[link], memory_order_relaxed) == to)
                cache->ops->linked(cache->owner, from, link, to);
}

bool cache_set_code(struct cache *cache, struct tb *tb, const void *code)
{
    bool current;

    pthread_mutex_lock(&cache->lock);
    current = is_current(tb);
    if (current) {
        atomic_store_explicit(&tb->code, code, memory_order_release);
        atomic_store(&tb->is_region, true);
        relink(cache, tb);
    }
    pthread_mutex_unlock(&cache->lock);
    return current;
}

/* ---- the harts' reports; life ---- */

uint64_t cache_revoke_sequence(struct cache *cache)
{
    uint64_t sequence;

    pthread_mutex_lock(&cache->lock);
    sequence = cache->revoke_sequence;
    pthread_mutex_unlock(&cache->lock);
    return sequence;
}

void cache_revoked(struct cache *cache, unsigned hart, uint64_t sequence)
{
    pthread_mutex_lock(&cache->lock);
    cache->reported[hart] = sequence;
    pthread_mutex_unlock(&cache->lock);
}

void cache_get_stats(struct cache *cache, struct cache_stats *ret_stats)
{
    pthread_mutex_lock(&cache->lock);
    *ret_stats = cache->stats;
    pthread_mutex_unlock(&cache->lock);
}

int cache_new(struct cache **ret_cache, struct mem_space *space, unsigned harts, size_t max_bytes,
              const struct cache_ops *ops, void *owner, struct error *err)
{
    struct cache *cache;

    assert(harts >= 1 && harts <= MAX_HARTS);
    cache = calloc(1, sizeof(*cache));
    if (cache == NULL)
        return error_set(err, ENOMEM, "no memory for the translation cache");
    cache->space = space;
    cache->ops = ops;
    cache->owner = owner;
    cache->harts = harts;
    cache->max_bytes = max_bytes;
    cache->listener.written = page_written;
    pthread_mutex_init(&cache->lock, NULL);
    list_init(&cache->dirty);
    list_init(&cache->unfirm);
    list_init(&cache->aged);
    *ret_cache = cache;
    return 0;
}

void cache_free(struct cache *cache)
{
    if (cache == NULL)
        return;
    cache_flush(cache);
    rcu_barrier(); /* what was dropped is freed by liburcu's thread */
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

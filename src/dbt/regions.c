/*
 * dbt/regions.c - the thread that makes regions.
 *
 * A request names a block by its key, not by address: the block may be gone when its turn comes.
 * The thread works inside the RCU read side, so what it finds stays; whether it is still current
 * is decided once, when the code is made known, under the cache's lock (cache_set_code()): as a
 * page loses all its blocks or none, the head answers for all.
 */
#include "dbt/regions.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "dbt/region/region.h"

enum { QUEUE = 32 };

struct request {
    gpa_t gpa;
    uint32_t mode;
};

struct regions {
    struct cache *cache;
    struct back *back;
    const struct dbt_dump *dump;
    pthread_t thread;
    /* `lock` guards what follows; a leaf. */
    pthread_mutex_t lock;
    pthread_cond_t wake, idle;
    struct request queue[QUEUE];
    unsigned queued;
    bool busy, quit;
    struct regions_stats stats;
};

struct look {
    struct cache *cache;
    gpa_t page;
    uint32_t mode;
};

static unsigned list(void *context, struct tb **ret_tb, unsigned max)
{
    const struct look *l = context;

    return cache_list(l->cache, l->page, l->mode, ret_tb, max);
}

static struct tb *look(void *context, unsigned offset)
{
    const struct look *l = context;
    struct tb *tb = cache_find(l->cache, l->page | offset, UINT64_MAX, l->mode);

    if (tb == NULL || atomic_load_explicit(&tb->code, memory_order_acquire) == NULL)
        return NULL;
    return tb;
}

/* Blocks in the region made, or 0. */
static unsigned make(struct regions *regions, const struct request *request)
{
    struct look context = { regions->cache, request->gpa & PAGE_ADDR_MASK, request->mode };
    struct region_source source = { look, list, &context };
    struct region *region = malloc(sizeof(*region));
    struct tb *head = look(&context, request->gpa & PAGE_OFFSET_MASK);
    unsigned made = 0;
    const void *code;

    if (region != NULL && head != NULL && !atomic_load(&head->is_region) &&
        region_find(region, head, &source)) {
        dbt_dump_region(regions->dump, region);
        code = back_host->compile_region(regions->back, region, &source);
        if (code != NULL && cache_set_code(regions->cache, head, code))
            made = region->count;
    }
    free(region);
    return made;
}

static void *regions_run(void *arg)
{
    struct regions *regions = arg;
    struct request request;
    unsigned made;

    mem_thread_register();
    pthread_mutex_lock(&regions->lock);
    for (;;) {
        while (regions->queued == 0 && !regions->quit) {
            pthread_cond_broadcast(&regions->idle);
            pthread_cond_wait(&regions->wake, &regions->lock);
        }
        if (regions->quit)
            break;
        request = regions->queue[--regions->queued]; /* the last is the hottest now */
        regions->busy = true;
        pthread_mutex_unlock(&regions->lock);
        mem_read_lock();
        made = make(regions, &request);
        mem_read_unlock();
        pthread_mutex_lock(&regions->lock);
        regions->busy = false;
        regions->stats.made += made != 0;
        regions->stats.blocks += made;
    }
    pthread_mutex_unlock(&regions->lock);
    mem_thread_unregister();
    return NULL;
}

bool regions_want(struct regions *regions, const struct tb *head)
{
    bool room = false;

    if (pthread_mutex_trylock(&regions->lock) != 0)
        return false;
    if (regions->queued < QUEUE) {
        regions->queue[regions->queued++] = (struct request){ head->gpa, head->mode };
        regions->stats.wanted++;
        pthread_cond_signal(&regions->wake);
        room = true;
    }
    pthread_mutex_unlock(&regions->lock);
    return room;
}

void regions_drain(struct regions *regions)
{
    pthread_mutex_lock(&regions->lock);
    while (regions->queued != 0 || regions->busy)
        pthread_cond_wait(&regions->idle, &regions->lock);
    pthread_mutex_unlock(&regions->lock);
}

void regions_get_stats(struct regions *regions, struct regions_stats *ret_stats)
{
    pthread_mutex_lock(&regions->lock);
    *ret_stats = regions->stats;
    pthread_mutex_unlock(&regions->lock);
}

int regions_new(struct regions **ret_regions, struct cache *cache, struct back *back,
                const struct dbt_dump *dump, struct error *err)
{
    struct regions *regions = calloc(1, sizeof(*regions));
    sigset_t all, old;
    int rc;

    if (regions == NULL)
        return error_set(err, ENOMEM, "no memory for the region compiler");
    regions->cache = cache;
    regions->back = back;
    regions->dump = dump;
    pthread_mutex_init(&regions->lock, NULL);
    pthread_cond_init(&regions->wake, NULL);
    pthread_cond_init(&regions->idle, NULL);
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&regions->thread, NULL, regions_run, regions);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0) {
        pthread_cond_destroy(&regions->idle);
        pthread_cond_destroy(&regions->wake);
        pthread_mutex_destroy(&regions->lock);
        free(regions);
        return error_set(err, rc, "no thread for the region compiler");
    }
    *ret_regions = regions;
    return 0;
}

void regions_free(struct regions *regions)
{
    if (regions == NULL)
        return;
    pthread_mutex_lock(&regions->lock);
    regions->quit = true;
    pthread_cond_signal(&regions->wake);
    pthread_mutex_unlock(&regions->lock);
    pthread_join(regions->thread, NULL);
    pthread_cond_destroy(&regions->idle);
    pthread_cond_destroy(&regions->wake);
    pthread_mutex_destroy(&regions->lock);
    free(regions);
}

/*
 * mem/tests/test_space.c - listeners, transactions, and readers racing commits.
 */
#include "tests/unit.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem/space.h"

static enum mem_result nothing_read(struct mem_region *region, gpa_t off, unsigned size,
                                    uint64_t *val)
{
    (void)region, (void)off, (void)size, (void)val;
    return MEM_FAULT;
}

static const struct mem_region_ops nothing_ops = { nothing_read, NULL, 1, 8, false };

/* --------- what listeners hear ------------------ */

/* All listeners of a test write into one script. */
struct scribe {
    struct mem_listener listener;
    char who;
    char *script;
};

enum { SCRIPT_SIZE = 1024 };

static void scribble(struct mem_listener *listener, const char *what, const struct mem_range *range)
{
    struct scribe *scribe = container_of(listener, struct scribe, listener);
    size_t len = strlen(scribe->script);

    if (range != NULL)
        snprintf(scribe->script + len, SCRIPT_SIZE - len, "%c%s%x ", scribe->who, what,
                 (unsigned)range->start);
    else
        snprintf(scribe->script + len, SCRIPT_SIZE - len, "%c%s ", scribe->who, what);
}

static void on_begin(struct mem_listener *listener)
{
    scribble(listener, "(", NULL);
}

static void on_commit(struct mem_listener *listener)
{
    scribble(listener, ")", NULL);
}

static void on_add(struct mem_listener *listener, const struct mem_range *range)
{
    scribble(listener, "+", range);
}

static void on_remove(struct mem_listener *listener, const struct mem_range *range)
{
    scribble(listener, "-", range);
}

static void on_keep(struct mem_listener *listener, const struct mem_range *range)
{
    scribble(listener, "=", range);
}

static void on_log_start(struct mem_listener *listener, const struct mem_range *range)
{
    scribble(listener, "log+", range);
}

static void on_log_stop(struct mem_listener *listener, const struct mem_range *range)
{
    scribble(listener, "log-", range);
}

static void on_log_sync(struct mem_listener *listener, const struct mem_range *range)
{
    scribble(listener, "sync", range);
}

static const struct mem_listener scribe_calls = {
    .begin = on_begin,
    .add = on_add,
    .remove = on_remove,
    .keep = on_keep,
    .log_start = on_log_start,
    .log_stop = on_log_stop,
    .log_sync = on_log_sync,
    .commit = on_commit,
};

#define EXPECT(script, text)                                                                       \
    do {                                                                                           \
        assert_string_equal(script, text);                                                         \
        (script)[0] = '\0';                                                                        \
    } while (0)

TEST(listeners_hear_in_order_of_priority_and_of_removals_against_it)
{
    char script[SCRIPT_SIZE] = "";
    struct scribe a = { scribe_calls, 'a', script }, b = { scribe_calls, 'b', script };
    struct mem_region root, one, two, three;
    struct mem_space *space;

    a.listener.priority = 10;
    b.listener.priority = -1;
    mem_region_init_container(&root, "root", UINT64_MAX);
    mem_region_init_mmio(&one, "one", 16, &nothing_ops, NULL);
    mem_region_init_mmio(&two, "two", 16, &nothing_ops, NULL);
    mem_region_init_mmio(&three, "three", 16, &nothing_ops, NULL);
    assert_int_equal(mem_space_new(&space, &root, NULL), 0);
    mem_region_add(&root, 0x10, &one, 0);
    mem_space_listen(space, &a.listener);
    EXPECT(script, "a( a+10 a) ");
    mem_space_listen(space, &b.listener);
    EXPECT(script, "b( b+10 b) ");
    mem_region_add(&root, 0x20, &two, 0);
    EXPECT(script, "b( a( b=10 a=10 b+20 a+20 b) a) ");
    mem_txn_begin();
    mem_region_del(&one);
    mem_txn_begin();
    mem_region_add(&root, 0x28, &three, 1);
    mem_txn_commit();
    EXPECT(script, "");
    mem_txn_commit();
    EXPECT(script, "b( a( a-10 b-10 a-20 b-20 b+20 a+20 b+28 a+28 b) a) ");
    mem_txn_begin(); /* there and back: nothing to tell */
    mem_region_del(&three);
    mem_region_add(&root, 0x28, &three, 1);
    mem_txn_commit();
    EXPECT(script, "");
    mem_space_unlisten(space, &b.listener);
    EXPECT(script, "b( b-20 b-28 b) ");
    mem_region_del(&two);
    EXPECT(script, "a( a-20 a=28 a) ");
    mem_space_unlisten(space, &a.listener);
    mem_region_del(&three);
    mem_space_free(space);
}

TEST(log_calls_reach_every_range_of_the_block_and_those_that_come_later)
{
    char script[SCRIPT_SIZE] = "";
    struct scribe a = { scribe_calls, 'a', script }, b = { scribe_calls, 'b', script };
    struct mem_region root, low, high, device;
    struct mem_space *space;
    struct ram_block *block;

    assert_int_equal(ram_block_new(&block, "test", 2 * PAGE_SIZE_BYTES, NULL), 0);
    mem_region_init_container(&root, "root", UINT64_MAX);
    mem_region_init_ram(&low, "low", block, 0, PAGE_SIZE_BYTES);
    mem_region_init_ram(&high, "high", block, PAGE_SIZE_BYTES, PAGE_SIZE_BYTES);
    mem_region_init_mmio(&device, "device", 16, &nothing_ops, NULL);
    assert_int_equal(mem_space_new(&space, &root, NULL), 0);
    mem_region_add(&root, 0, &device, 0);
    mem_region_add(&root, 0x1000, &low, 0);
    mem_space_listen(space, &a.listener);
    EXPECT(script, "a( a+0 a+1000 a) ");
    mem_space_log(space, block, true);
    EXPECT(script, "alog+1000 ");
    mem_space_log(space, block, true); /* a second client: no news */
    EXPECT(script, "");
    mem_region_add(&root, 0x8000, &high, 0);
    EXPECT(script, "a( a=0 a=1000 a+8000 alog+8000 a) ");
    mem_space_listen(space, &b.listener);
    EXPECT(script, "b( b+0 b+1000 blog+1000 b+8000 blog+8000 b) ");
    mem_space_log_sync(space, block);
    EXPECT(script, "async1000 bsync1000 async8000 bsync8000 ");
    mem_space_unlisten(space, &b.listener);
    EXPECT(script, "b( b-0 blog-1000 b-1000 blog-8000 b-8000 b) ");
    mem_space_log(space, block, false);
    EXPECT(script, "");
    mem_space_log(space, block, false);
    EXPECT(script, "alog-1000 alog-8000 ");
    mem_space_unlisten(space, &a.listener);
    mem_txn_begin();
    mem_region_del(&device);
    mem_region_del(&low);
    mem_region_del(&high);
    mem_txn_commit();
    mem_space_free(space);
    mem_barrier();
    mem_region_fini(&low);
    mem_region_fini(&high);
    ram_block_unref(block);
}

TEST(one_tree_may_be_seen_in_two_spaces)
{
    char script[SCRIPT_SIZE] = "";
    struct scribe a = { scribe_calls, 'a', script }, b = { scribe_calls, 'b', script };
    struct mem_region root, other, window, device;
    struct mem_space *one, *two;

    mem_region_init_container(&root, "root", UINT64_MAX);
    mem_region_init_container(&other, "other", UINT64_MAX);
    mem_region_init_alias(&window, "window", &root, 0, 0x100);
    mem_region_init_mmio(&device, "device", 16, &nothing_ops, NULL);
    assert_int_equal(mem_space_new(&one, &root, NULL), 0);
    assert_int_equal(mem_space_new(&two, &other, NULL), 0);
    mem_region_add(&other, 0x1000, &window, 0);
    mem_space_listen(one, &a.listener);
    mem_space_listen(two, &b.listener);
    script[0] = '\0';
    mem_region_add(&root, 0x10, &device, 0);
    EXPECT(script, "a( a+10 a) b( b+1010 b) ");
    mem_region_set_offset(&device, 0x200); /* out of the window */
    EXPECT(script, "a( a-10 a+200 a) b( b-1010 b) ");
    mem_region_set_offset(&window, 0x2000); /* nobody's business in space one */
    EXPECT(script, "");
    mem_space_unlisten(one, &a.listener);
    mem_space_unlisten(two, &b.listener);
    mem_region_del(&device);
    mem_region_del(&window);
    mem_space_free(one);
    mem_space_free(two);
    mem_space_free(NULL);
}

/* --------- readers racing commits ------------------ */

enum { READERS = 3, ROUNDS = 90, WINDOW = 0x4000 };

struct counter {
    struct mem_region region;
    uint64_t alive; /* ALIVE until its storage goes */
};

#define ALIVE 0x600df00d600df00du

static enum mem_result counter_read(struct mem_region *region, gpa_t off, unsigned size,
                                    uint64_t *val)
{
    (void)off, (void)size;
    *val = container_of(region, struct counter, region)->alive;
    return MEM_OK;
}

static const struct mem_region_ops counter_ops = { counter_read, NULL, 8, 8, false };

struct race {
    struct mem_space *space;
    struct mem_region root, ram[2];
    struct ram_block *block[2];
    atomic_bool stop;
    atomic_uint reads, seen[4]; /* nothing there, RAM 0, RAM 1, a counter */
};

static void *reader(void *opaque)
{
    struct race *race = opaque;
    uint8_t zeros[64] = { 0 }, buf[64];

    mem_thread_register();
    while (!atomic_load_explicit(&race->stop, memory_order_relaxed)) {
        enum mem_result result;
        struct mem_slice slice;
        uint64_t val = 0;

        result = mem_load(race->space, WINDOW, 8, &val);
        if (result == MEM_UNMAPPED)
            atomic_fetch_add(&race->seen[0], 1);
        else if (result != MEM_OK || (val != 1 && val != 2 && val != ALIVE))
            abort();
        else
            atomic_fetch_add(&race->seen[val == ALIVE ? 3 : val], 1);
        if (mem_read(race->space, WINDOW + 0x800, buf, sizeof(buf)) == MEM_OK &&
            memcmp(buf, zeros, sizeof(buf)) != 0)
            abort();
        if (mem_write(race->space, WINDOW + 0x900, zeros, sizeof(zeros)) == MEM_FAULT)
            abort();
        mem_read_lock();
        if (mem_slice(race->space, WINDOW, 8, MEM_PERM_READ, &slice) &&
            slice.hva[0] != (slice.ram == race->block[0] ? 1 : 2))
            abort();
        mem_read_unlock();
        atomic_fetch_add(&race->reads, 1);
    }
    mem_thread_unregister();
    return NULL;
}

static void race_round(struct race *race, int round)
{
    struct counter *counter = malloc(sizeof(*counter));
    unsigned goal = atomic_load(&race->reads) + READERS;

    assert_non_null(counter);
    counter->alive = ALIVE;
    mem_region_init_mmio(&counter->region, "counter", 8, &counter_ops, NULL);
    mem_txn_begin();
    mem_region_del(&race->ram[0]);
    mem_region_del(&race->ram[1]);
    if (round % 3 != 0)
        mem_region_add(&race->root, WINDOW, &race->ram[round % 2], 0);
    mem_txn_commit();
    mem_region_add(&race->root, WINDOW, &counter->region, 1);
    while ((int)(atomic_load(&race->reads) - goal) < 0) /* they have looked in between */
        sched_yield();
    mem_region_del(&counter->region);
    mem_barrier();
    mem_region_fini(&counter->region);
    counter->alive = 0; /* a reader still inside would see it, and the sanitizers would too */
    free(counter);
    goal = atomic_load(&race->reads) + READERS;
    while ((int)(atomic_load(&race->reads) - goal) < 0)
        sched_yield();
}

TEST(readers_racing_commits_see_one_map_or_the_other)
{
    struct race *race = calloc(1, sizeof(*race));
    pthread_t threads[READERS];

    assert_non_null(race);
    mem_region_init_container(&race->root, "root", UINT64_MAX);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ram_block_new(&race->block[i], "test", PAGE_SIZE_BYTES, NULL), 0);
        race->block[i]->hva[0] = (uint8_t)(i + 1);
        mem_region_init_ram(&race->ram[i], "ram", race->block[i], 0, PAGE_SIZE_BYTES);
    }
    assert_int_equal(mem_space_new(&race->space, &race->root, NULL), 0);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, race), 0);
    for (int round = 0; round < ROUNDS; round++)
        race_round(race, round);
    atomic_store(&race->stop, true);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_true(atomic_load(&race->seen[i]) != 0);
    mem_region_del(&race->ram[0]);
    mem_region_del(&race->ram[1]);
    mem_space_free(race->space);
    mem_barrier();
    for (int i = 0; i < 2; i++) {
        mem_region_fini(&race->ram[i]);
        ram_block_unref(race->block[i]);
    }
    free(race);
}

struct committer {
    struct mem_space *space;
    struct mem_region *root;
    gpa_t at;
};

static void *committer(void *opaque)
{
    struct committer *c = opaque;

    for (int round = 0; round < 300; round++) {
        struct mem_region region, inner;

        mem_region_init_container(&region, "mine", 0x100);
        mem_region_init_mmio(&inner, "inner", 0x10, &nothing_ops, NULL);
        mem_txn_begin();
        mem_region_add(&region, 0x20, &inner, 0);
        mem_region_add(c->root, c->at, &region, 0);
        mem_txn_commit();
        mem_read_lock();
        if (mem_find(c->space, c->at + 0x20) == NULL || mem_find(c->space, c->at) != NULL)
            abort();
        mem_read_unlock();
        mem_txn_begin();
        mem_region_del(&region);
        mem_region_del(&inner);
        mem_txn_commit();
        if (round % 16 == 0)
            mem_barrier();
    }
    mem_barrier(); /* the regions are on this thread's stack */
    return NULL;
}

static void *registered_committer(void *opaque)
{
    mem_thread_register();
    mem_thread_register(); /* may nest */
    committer(opaque);
    mem_thread_unregister();
    mem_thread_unregister();
    return NULL;
}

TEST(committers_on_several_threads_do_not_lose_each_others_changes)
{
    struct mem_region root;
    struct mem_space *space;
    struct committer c[3];
    pthread_t threads[3];

    mem_region_init_container(&root, "root", UINT64_MAX);
    assert_int_equal(mem_space_new(&space, &root, NULL), 0);
    for (unsigned i = 0; i < 3; i++) {
        c[i] = (struct committer){ space, &root, 0x1000 * (i + 1) };
        assert_int_equal(pthread_create(&threads[i], NULL, registered_committer, &c[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_null(mem_find(space, 0x1020));
    mem_space_free(space);
}

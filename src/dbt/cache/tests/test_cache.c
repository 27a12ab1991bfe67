/*
 * dbt/cache/tests/test_cache.c - the translation cache by itself: blocks are found, linked and
 * dropped; pages become watched, unfirm, firm, written; tickets void. Blocks have no code here.
 */
#include "tests/unit.h"

#include <pthread.h>
#include <string.h>

#include "dbt/cache/cache.h"

#define RAM_BASE UINT64_C(0x80000000)
#define RAM_SIZE KIB(64)
#define AT (RAM_BASE + 0x100)
enum { HARTS = 2, MODE = 3, LENGTH = 8, ROUNDS = 2000 };

struct fixture {
    struct mem_region root, ram_region;
    struct ram_block *ram;
    struct mem_space *space;
    struct cache *cache;
    unsigned revokes, forgets, links;
    struct t0_code code;
};

static void count_revoke(void *owner)
{
    ((struct fixture *)owner)->revokes++;
}

static void count_forget(void *owner)
{
    ((struct fixture *)owner)->forgets++;
}

static void count_link(void *owner, struct tb *from, unsigned link, struct tb *to)
{
    (void)from, (void)link, (void)to;
    ((struct fixture *)owner)->links++;
}

static const struct cache_ops ops = {
    .revoke_writes = count_revoke,
    .forget = count_forget,
    .linked = count_link,
};

static void setup(struct fixture *f, size_t max_bytes)
{
    memset(f, 0, sizeof(*f));
    f->code.ops = f->code.insns = 1;
    mem_thread_register();
    assert_int_equal(ram_block_new(&f->ram, "ram", RAM_SIZE, NULL), 0);
    mem_region_init_container(&f->root, "root", UINT64_MAX);
    mem_region_init_ram(&f->ram_region, "ram", f->ram, 0, RAM_SIZE);
    mem_region_add(&f->root, RAM_BASE, &f->ram_region, 0);
    assert_int_equal(mem_space_new(&f->space, &f->root, NULL), 0);
    assert_int_equal(cache_new(&f->cache, f->space, HARTS, max_bytes, &ops, f, NULL), 0);
    mem_read_lock();
}

static void teardown(struct fixture *f)
{
    mem_read_unlock();
    cache_free(f->cache);
    mem_space_free(f->space);
    mem_region_del(&f->ram_region);
    mem_barrier();
    mem_region_fini(&f->ram_region);
    mem_region_fini(&f->root);
    ram_block_unref(f->ram);
    mem_thread_unregister();
}

static uint8_t *bytes_at(struct fixture *f, gpa_t gpa)
{
    return f->ram->hva + (gpa - RAM_BASE);
}

/* What a translation of the bytes as they are makes. */
static struct tb *block(struct fixture *f, gpa_t gpa, gpa_t gpa2)
{
    struct tb *tb = tb_new(f->code.op, f->code.ops, f->code.insn, f->code.insns);

    assert_non_null(tb);
    tb->gpa = gpa;
    tb->gpa2 = gpa2;
    tb->mode = MODE;
    tb->length = gpa2 == UINT64_MAX ? LENGTH : 2;
    tb->content = tb_hash(bytes_at(f, gpa), tb->length, 0);
    return tb;
}

static struct tb *insert_at(struct fixture *f, gpa_t gpa, gpa_t gpa2)
{
    struct cache_ticket ticket;

    cache_begin(f->cache, gpa, gpa2, &ticket);
    return cache_insert(f->cache, block(f, gpa, gpa2), &ticket);
}

static struct tb *insert(struct fixture *f, gpa_t gpa)
{
    return insert_at(f, gpa, UINT64_MAX);
}

static struct tb *find(struct fixture *f, gpa_t gpa)
{
    return cache_find(f->cache, gpa, UINT64_MAX, MODE);
}

static void all_report(struct fixture *f)
{
    for (unsigned i = 0; i < HARTS; i++)
        cache_revoked(f->cache, i, cache_revoke_sequence(f->cache));
}

/* A store the dirty hub hears of. */
static void write_byte(struct fixture *f, gpa_t gpa, uint8_t value)
{
    assert_int_equal(mem_write(f->space, gpa, &value, 1), MEM_OK);
}

TEST(a_block_is_found_by_place_and_mode)
{
    struct fixture f;
    struct tb *tb;

    setup(&f, MIB(1));
    assert_null(find(&f, AT));
    tb = insert(&f, AT);
    assert_non_null(tb);
    assert_ptr_equal(find(&f, AT), tb);
    assert_null(cache_find(f.cache, AT, UINT64_MAX, MODE + 1));
    assert_null(cache_find(f.cache, AT, AT + 4096, MODE));
    assert_null(find(&f, AT + 2));
    assert_ptr_equal(insert(&f, AT), tb); /* another hart made it first */
    teardown(&f);
}

TEST(what_a_fence_finds_changed_goes_with_its_page)
{
    struct fixture f;

    setup(&f, MIB(1));
    (void)insert(&f, AT);
    (void)insert(&f, AT + 64);
    (void)insert(&f, AT + 4096);
    all_report(&f);
    cache_fence_i(f.cache);
    write_byte(&f, AT + 1, 1);
    assert_non_null(find(&f, AT)); /* not before the fence */
    cache_fence_i(f.cache);
    assert_null(find(&f, AT));
    assert_null(find(&f, AT + 64)); /* a page loses all or none */
    assert_non_null(find(&f, AT + 4096));
    assert_int_equal(f.forgets, 1);
    teardown(&f);
}

TEST(what_did_not_change_stays)
{
    struct fixture f;

    setup(&f, MIB(1));
    (void)insert(&f, AT);
    all_report(&f);
    cache_fence_i(f.cache);
    for (unsigned i = 1; i < 10; i++) {
        write_byte(&f, AT + LENGTH, (uint8_t)i); /* just behind it */
        cache_fence_i(f.cache);
        assert_non_null(find(&f, AT));
        all_report(&f);
    }
    teardown(&f);
}

/* Until every hart has dropped its fast write entries, a store may go unseen. */
TEST(an_unfirm_page_is_looked_at_by_every_fence)
{
    struct fixture f;

    setup(&f, MIB(1));
    (void)insert(&f, AT);
    assert_int_equal(f.revokes, 1);
    cache_revoked(f.cache, 0, cache_revoke_sequence(f.cache));
    bytes_at(&f, AT)[0] ^= 1; /* nobody hears of it; hart 1 has not reported */
    cache_fence_i(f.cache);
    assert_null(find(&f, AT));
    (void)insert(&f, AT);
    all_report(&f);
    bytes_at(&f, AT)[0] ^= 1; /* before the report's fence: seen for the last time */
    cache_fence_i(f.cache);
    assert_null(find(&f, AT));
    teardown(&f);
}

TEST(a_written_page_is_watched_again)
{
    struct fixture f;

    setup(&f, MIB(1));
    (void)insert(&f, AT);
    for (unsigned i = 1; i < 10; i++) {
        all_report(&f);
        cache_fence_i(f.cache);
        write_byte(&f, AT, (uint8_t)i);
        cache_fence_i(f.cache);
        assert_null(find(&f, AT));
        assert_non_null(insert(&f, AT));
    }
    teardown(&f);
}

TEST(a_translation_that_a_fence_overtook_is_not_kept)
{
    struct cache_ticket ticket;
    struct fixture f;

    setup(&f, MIB(1));
    cache_begin(f.cache, AT, UINT64_MAX, &ticket);
    cache_fence_i(f.cache);
    assert_null(cache_insert(f.cache, block(&f, AT, UINT64_MAX), &ticket));
    cache_begin(f.cache, AT, UINT64_MAX, &ticket);
    cache_flush(f.cache);
    assert_null(cache_insert(f.cache, block(&f, AT, UINT64_MAX), &ticket));
    assert_non_null(insert(&f, AT));
    teardown(&f);
}

TEST(a_straddler_goes_with_either_page)
{
    gpa_t at = RAM_BASE + 4094, second = RAM_BASE + 4096;
    struct fixture f;

    setup(&f, MIB(1));
    for (unsigned i = 0; i < 2; i++) {
        (void)insert_at(&f, at, second);
        assert_non_null(cache_find(f.cache, at, second, MODE));
        assert_null(find(&f, at));
        all_report(&f);
        cache_fence_i(f.cache); /* both pages firm from here; a straddler never outlives a look */
        (void)insert_at(&f, at, second);
        write_byte(&f, i == 0 ? at : second, (uint8_t)(1 + i));
        cache_fence_i(f.cache);
        assert_null(cache_find(f.cache, at, second, MODE));
    }
    teardown(&f);
}

TEST(links_join_current_blocks_of_one_page)
{
    struct tb *a, *b, *other, *across;
    struct fixture f;

    setup(&f, MIB(1));
    a = insert(&f, AT);
    b = insert(&f, AT + 64);
    other = insert(&f, AT + 4096);
    across = insert_at(&f, RAM_BASE + 4094, RAM_BASE + 4096);
    cache_link(f.cache, a, 0, b);
    assert_ptr_equal(atomic_load(&a->link[0]), b);
    cache_link(f.cache, a, 1, other);
    cache_link(f.cache, a, T0_MAX_LINKS, b);
    cache_link(f.cache, across, 0, a);
    cache_link(f.cache, a, 1, across);
    assert_null(atomic_load(&a->link[1]));
    assert_null(atomic_load(&across->link[0]));
    assert_int_equal(f.links, 1);
    atomic_store(&b->code_in, 1);
    cache_drop_code(f.cache, 1);
    cache_link(f.cache, a, 1, b); /* both still run, but nobody finds them */
    assert_null(atomic_load(&a->link[1]));
    teardown(&f);
}

TEST(a_full_cache_drops_what_is_oldest_and_goes_on)
{
    struct cache_stats stats;
    struct fixture f;

    setup(&f, KIB(4));
    for (gpa_t gpa = RAM_BASE; gpa < RAM_BASE + KIB(16); gpa += 512) {
        assert_non_null(insert(&f, gpa));
        cache_get_stats(f.cache, &stats);
        assert_in_range(stats.bytes, 1, KIB(4));
    }
    assert_int_not_equal(stats.flushes, 0);
    assert_int_not_equal(stats.blocks, 1); /* not all of them */
    assert_non_null(find(&f, RAM_BASE + KIB(16) - 512));
    assert_non_null(find(&f, RAM_BASE + KIB(12)));
    assert_null(find(&f, RAM_BASE));
    assert_int_equal(stats.translated, stats.blocks + stats.dropped);
    cache_flush(f.cache);
    cache_get_stats(f.cache, &stats);
    assert_int_equal(stats.blocks + stats.bytes + stats.pages, 0);
    teardown(&f);
}

TEST(straddlers_alone_do_not_overfill_the_cache)
{
    struct cache_stats stats;
    struct fixture f;

    setup(&f, KIB(1));
    for (gpa_t gpa = RAM_BASE + 4094; gpa < RAM_BASE + RAM_SIZE - 4096; gpa += 4096) {
        assert_non_null(insert_at(&f, gpa, gpa + 2));
        cache_get_stats(f.cache, &stats);
        assert_in_range(stats.bytes, 1, KIB(1));
    }
    teardown(&f);
}

/* Code memory gives up a part: its blocks go, with those of their pages, and no others. */
TEST(blocks_go_with_the_memory_their_code_is_in)
{
    gpa_t edge = RAM_BASE + 2 * 4096 - 2;
    struct fixture f;

    setup(&f, MIB(1));
    atomic_store(&insert(&f, AT)->code_in, 1);
    (void)insert(&f, AT + 64); /* without code */
    atomic_store(&insert(&f, AT + 4096)->code_in, 2);
    atomic_store(&insert(&f, AT + 2 * 4096)->code_in, 4 | 8);
    (void)insert(&f, AT + 3 * 4096);
    atomic_store(&insert_at(&f, edge, edge + 2)->code_in, 1);
    atomic_store(&insert_at(&f, edge + 4096, edge + 4098)->code_in, 2);
    cache_drop_code(f.cache, 1);
    assert_null(find(&f, AT));
    assert_null(find(&f, AT + 64));
    assert_non_null(find(&f, AT + 4096));
    assert_null(cache_find(f.cache, edge, edge + 2, MODE));
    assert_non_null(cache_find(f.cache, edge + 4096, edge + 4098, MODE));
    assert_int_equal(f.forgets, 1);
    cache_drop_code(f.cache, 8);
    assert_null(find(&f, AT + 2 * 4096));
    assert_non_null(find(&f, AT + 3 * 4096));
    assert_non_null(insert(&f, AT));
    teardown(&f);
}

/* ---- threads ---- */

struct worker {
    struct fixture *f;
    unsigned index;
    pthread_t thread;
};

/* Finds, makes, links, writes and fences, as harts do. */
static void *work(void *arg)
{
    struct worker *worker = arg;
    struct fixture *f = worker->f;
    uint64_t seed = 1 + worker->index;

    mem_thread_register();
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t r = seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        gpa_t gpa = RAM_BASE + (r >> 40) % (RAM_SIZE / 64) * 64;
        struct tb *a, *b;

        mem_read_lock();
        cache_revoked(f->cache, worker->index, cache_revoke_sequence(f->cache));
        a = find(f, gpa);
        if (a == NULL)
            a = insert(f, gpa);
        if (a != NULL)
            atomic_fetch_or(&a->code_in, 1u << r / 64 % 4);
        b = find(f, gpa ^ 64);
        if (a != NULL && b != NULL) {
            cache_link(f->cache, a, 0, b);
            assert_true(a->gpa == gpa && b->gpa == (gpa ^ 64));
            b = atomic_load(&a->link[0]);
            assert_true(b == NULL || b->mode == MODE);
        }
        mem_read_unlock();
        if (r % 7 == 0)
            write_byte(f, gpa, (uint8_t)r);
        if (r % 5 == 0)
            cache_fence_i(f->cache);
        if (r % 601 == 0)
            cache_flush(f->cache);
        if (r % 211 == 0) {
            mem_read_lock();
            cache_drop_code(f->cache, 1u << r / 211 % 4);
            mem_read_unlock();
        }
    }
    mem_thread_unregister();
    return NULL;
}

static void ignore(void *owner)
{
    (void)owner;
}

static void ignore_link(void *owner, struct tb *from, unsigned link, struct tb *to)
{
    (void)owner, (void)from, (void)link, (void)to;
}

TEST(threads_agree)
{
    static const struct cache_ops quiet = { .revoke_writes = ignore,
                                            .forget = ignore,
                                            .linked = ignore_link };
    struct worker worker[HARTS];
    struct cache_stats stats;
    struct fixture f;

    setup(&f, KIB(24));
    mem_read_unlock();
    cache_free(f.cache);
    assert_int_equal(cache_new(&f.cache, f.space, HARTS, KIB(24), &quiet, NULL, NULL), 0);
    for (unsigned i = 0; i < HARTS; i++) {
        worker[i].f = &f;
        worker[i].index = i;
        assert_int_equal(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
    }
    for (unsigned i = 0; i < HARTS; i++)
        pthread_join(worker[i].thread, NULL);
    mem_read_lock();
    cache_get_stats(f.cache, &stats);
    assert_int_equal(stats.translated, stats.blocks + stats.dropped);
    all_report(&f);
    cache_fence_i(f.cache);
    for (gpa_t gpa = RAM_BASE; gpa < RAM_BASE + RAM_SIZE; gpa += 64)
        if (find(&f, gpa) != NULL)
            assert_int_equal(find(&f, gpa)->content, tb_hash(bytes_at(&f, gpa), LENGTH, 0));
    teardown(&f);
}

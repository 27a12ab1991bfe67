/*
 * mem/tests/test_region.c - trees of regions against a model that resolves one address at a time.
 *
 * The model knows nothing of ranges: it walks from the root down with one offset, tries children
 * by priority and then by who came last, and follows aliases. Random trees are changed at random
 * in random transactions; after each, every address of the view must be what the model says, and
 * what a listener has collected from add, remove and keep must be the view.
 */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "mem/view.h"

static enum mem_result no_read(struct mem_region *region, gpa_t off, unsigned size, uint64_t *val)
{
    (void)region, (void)off, (void)size, (void)val;
    return MEM_FAULT;
}

static enum mem_result no_write(struct mem_region *region, gpa_t off, unsigned size, uint64_t val)
{
    (void)region, (void)off, (void)size, (void)val;
    return MEM_FAULT;
}

static const struct mem_region_ops no_ops = { no_read, no_write, 1, 8, false };

enum { NODES = 14, UNITS = 64, MAX_SEEN = 1024 };

struct node {
    struct mem_region region;
    int parent; /* -1: hangs nowhere */
    int priority;
    unsigned added; /* when it was hung up */
    int target;
};

struct replica {
    struct mem_listener listener;
    struct mem_range ranges[MAX_SEEN]; /* in no order */
    size_t count, kept;
    bool inside;
};

struct world {
    struct node nodes[NODES];
    size_t count;
    unsigned adds;
    uint64_t unit, base; /* the tree's addresses: base + n * unit */
    struct mem_region root;
    struct ram_block *ram;
    struct mem_space *space;
    struct replica replica;
    uint32_t seed;
};

static uint32_t rnd(struct world *w, uint32_t below)
{
    w->seed = w->seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(w->seed >> 4) * below >> 28);
}

/* --------- the replica a listener keeps ------------------ */

static struct replica *to_replica(struct mem_listener *listener)
{
    return container_of(listener, struct replica, listener);
}

static struct mem_range *replica_find(struct replica *r, const struct mem_range *range)
{
    for (size_t i = 0; i < r->count; i++) {
        if (mem_range_same(&r->ranges[i], range))
            return &r->ranges[i];
    }
    return NULL;
}

static void on_begin(struct mem_listener *listener)
{
    assert_false(to_replica(listener)->inside);
    to_replica(listener)->inside = true;
    to_replica(listener)->kept = 0;
}

static void on_add(struct mem_listener *listener, const struct mem_range *range)
{
    struct replica *r = to_replica(listener);

    assert_true(r->inside);
    for (size_t i = 0; i < r->count; i++) /* what is in the way was removed before */
        assert_true(r->ranges[i].last < range->start || r->ranges[i].start > range->last);
    assert_true(r->count < MAX_SEEN);
    r->ranges[r->count++] = *range;
    r->kept++;
}

static void on_remove(struct mem_listener *listener, const struct mem_range *range)
{
    struct replica *r = to_replica(listener);
    struct mem_range *mine = replica_find(r, range);

    assert_true(r->inside);
    assert_int_equal(r->kept, 0); /* removals come first */
    assert_non_null(mine);
    *mine = r->ranges[--r->count];
}

static void on_keep(struct mem_listener *listener, const struct mem_range *range)
{
    assert_true(to_replica(listener)->inside);
    assert_non_null(replica_find(to_replica(listener), range));
    to_replica(listener)->kept++;
}

static void on_commit(struct mem_listener *listener)
{
    to_replica(listener)->inside = false;
}

/* --------- the model ------------------ */

struct spot {
    const struct mem_region *region;
    uint64_t offset;
};

static bool precedes(const struct node *a, const struct node *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->added > b->added;
}

static bool resolve(struct world *w, const struct mem_region *region, int self, uint64_t rel,
                    struct spot *spot)
{
    bool tried[NODES] = { false };

    if (!region->enabled || (region->size != UINT64_MAX && rel >= region->size))
        return false;
    if (region->kind == MEM_ALIAS) {
        const struct node *node = &w->nodes[w->nodes[self].target];

        return rel + region->target_offset >= rel &&
               resolve(w, &node->region, (int)(node - w->nodes), rel + region->target_offset, spot);
    }
    if (region->kind != MEM_CONTAINER) {
        *spot = (struct spot){ region, rel };
        return true;
    }
    for (;;) {
        int best = -1;

        for (int i = 0; i < (int)w->count; i++) {
            if (w->nodes[i].parent == self && !tried[i] &&
                (best < 0 || precedes(&w->nodes[i], &w->nodes[best])))
                best = i;
        }
        if (best < 0)
            return false;
        tried[best] = true;
        if (rel >= w->nodes[best].region.offset &&
            resolve(w, &w->nodes[best].region, best, rel - w->nodes[best].region.offset, spot))
            return true;
    }
}

static void check_address(struct world *w, gpa_t gpa)
{
    const struct mem_range *range = mem_find(w->space, gpa);
    struct spot spot;

    /* The root container holds the tree's own root, node 0, at base. */
    if (gpa < w->base || !resolve(w, &w->nodes[0].region, 0, gpa - w->base, &spot)) {
        assert_null(range);
        return;
    }
    assert_non_null(range);
    assert_ptr_equal(range->region, spot.region);
    assert_int_equal(range->region_offset + (gpa - range->start), spot.offset);
    if (spot.region->ram == NULL) {
        assert_null(range->ram);
        assert_false(range->readable || range->writable);
        return;
    }
    assert_ptr_equal(range->ram, spot.region->ram);
    assert_int_equal(range->ram_offset + (gpa - range->start),
                     spot.region->ram_offset + spot.offset);
    assert_int_equal(range->writable, spot.region->kind == MEM_RAM);
    assert_int_equal(range->readable, spot.region->kind != MEM_ROM_DEVICE || spot.region->romd);
}

static void check_view(struct world *w)
{
    struct mem_view *view = mem_space_view(w->space);

    for (uint64_t u = 0; u < UNITS + 8; u++) {
        gpa_t gpa = w->base + u * w->unit;

        if (gpa < w->base)
            break; /* beyond the top */
        check_address(w, gpa);
        check_address(w, gpa + w->unit - 1);
    }
    check_address(w, w->base - 1);
    for (size_t i = 0; i < view->count; i++) {
        const struct mem_range *range = &view->ranges[i];

        assert_true(range->start <= range->last);
        assert_non_null(replica_find(&w->replica, range));
        if (i > 0) {
            const struct mem_range *before = range - 1;

            assert_true(before->last < range->start);
            assert_false(before->region == range->region && before->last + 1 == range->start &&
                         before->region_offset + (range->start - before->start) ==
                             range->region_offset);
        }
    }
    assert_int_equal(view->count, w->replica.count);
    assert_false(w->replica.inside);
}

/* --------- random trees ------------------ */

/* From `from` down through children and alias targets one gets to `to`. */
static bool reaches(struct world *w, int from, int to)
{
    if (from == to)
        return true;
    if (w->nodes[from].region.kind == MEM_ALIAS && reaches(w, w->nodes[from].target, to))
        return true;
    for (int i = 0; i < (int)w->count; i++) {
        if (w->nodes[i].parent == from && reaches(w, i, to))
            return true;
    }
    return false;
}

static void hang(struct world *w, int child)
{
    int parent = (int)rnd(w, (uint32_t)w->count);
    uint64_t offset = rnd(w, UNITS) * w->unit;
    struct node *node = &w->nodes[child];

    if (node->parent >= 0 || w->nodes[parent].region.kind != MEM_CONTAINER || child == 0 ||
        reaches(w, child, parent))
        return;
    node->parent = parent;
    node->priority = (int)rnd(w, 4) - 1;
    node->added = ++w->adds;
    mem_region_add(&w->nodes[parent].region, offset, &node->region, node->priority);
}

static void make_node(struct world *w)
{
    int i = (int)w->count;
    struct node *node = &w->nodes[i];
    uint64_t units = 1 + rnd(w, UNITS / 2), size = units * w->unit;
    uint64_t ram_offset = rnd(w, 8) * PAGE_SIZE_BYTES;

    node->parent = -1;
    switch (i == 0 ? 0 : rnd(w, w->unit % PAGE_SIZE_BYTES == 0 ? 8 : 5)) {
    case 0:
    case 1:
        mem_region_init_container(&node->region, "container",
                                  i == 0 ? UNITS * w->unit : size + rnd(w, 2) * UNITS * w->unit);
        break;
    case 2:
    case 3:
        mem_region_init_mmio(&node->region, "mmio", size, &no_ops, NULL);
        break;
    case 4:
        node->target = (int)rnd(w, (uint32_t)w->count);
        mem_region_init_alias(&node->region, "alias", &w->nodes[node->target].region,
                              rnd(w, 8) == 0 ? UINT64_MAX - w->unit + 1 : rnd(w, 16) * w->unit,
                              rnd(w, 8) == 0 ? UINT64_MAX : size);
        break;
    case 5:
        mem_region_init_ram(&node->region, "ram", w->ram, ram_offset, size);
        break;
    case 6:
        mem_region_init_rom(&node->region, "rom", w->ram, ram_offset, size);
        break;
    default:
        mem_region_init_rom_device(&node->region, "romd", w->ram, &no_ops, NULL);
        break;
    }
    w->count++;
    hang(w, i);
}

static void change(struct world *w)
{
    int i = 1 + (int)rnd(w, (uint32_t)w->count - 1);
    struct node *node = &w->nodes[i];

    switch (rnd(w, 6)) {
    case 0:
        mem_region_set_enabled(&node->region, rnd(w, 4) != 0);
        break;
    case 1:
        if (node->parent >= 0)
            mem_region_set_offset(&node->region, rnd(w, UNITS) * w->unit);
        break;
    case 2:
        if (node->region.kind == MEM_ROM_DEVICE)
            mem_region_set_romd(&node->region, rnd(w, 2) != 0);
        break;
    case 3:
        mem_region_del(&node->region);
        node->parent = -1;
        break;
    default:
        hang(w, i);
        break;
    }
}

static void world_run(uint32_t seed, uint64_t unit, uint64_t base)
{
    struct world *w = calloc(1, sizeof(*w));
    struct error err;

    assert_non_null(w);
    w->seed = seed;
    w->unit = unit;
    w->base = base;
    w->replica.listener = (struct mem_listener){
        .begin = on_begin,
        .add = on_add,
        .remove = on_remove,
        .keep = on_keep,
        .commit = on_commit,
    };
    assert_int_equal(ram_block_new(&w->ram, "test", UNITS * PAGE_SIZE_BYTES, &err), 0);
    mem_region_init_container(&w->root, "root", UINT64_MAX);
    assert_int_equal(mem_space_new(&w->space, &w->root, &err), 0);
    mem_space_listen(w->space, &w->replica.listener);
    make_node(w);
    mem_region_add(&w->root, base, &w->nodes[0].region, 0);
    mem_txn_begin();
    while (w->count < NODES)
        make_node(w);
    mem_txn_commit();
    check_view(w);
    for (int step = 0; step < 24; step++) {
        mem_txn_begin();
        for (uint32_t n = 1 + rnd(w, 4); n != 0; n--)
            change(w);
        mem_txn_commit();
        check_view(w);
    }
    mem_space_unlisten(w->space, &w->replica.listener);
    assert_int_equal(w->replica.count, 0);
    mem_txn_begin();
    for (size_t i = 0; i < w->count; i++)
        mem_region_del(&w->nodes[i].region);
    mem_txn_commit();
    mem_space_free(w->space);
    mem_barrier();
    for (size_t i = 0; i < w->count; i++)
        mem_region_fini(&w->nodes[i].region);
    ram_block_unref(w->ram);
    free(w);
}

TEST(random_trees_of_bytes_match_the_model)
{
    for (uint32_t seed = 1; seed <= 150; seed++)
        world_run(seed, 1, 0x1000);
}

TEST(random_trees_of_pages_match_the_model)
{
    for (uint32_t seed = 1; seed <= 150; seed++)
        world_run(seed * 77, PAGE_SIZE_BYTES, 0x80000000);
}

TEST(random_trees_across_the_top_of_the_space_are_cut_there)
{
    for (uint32_t seed = 1; seed <= 100; seed++)
        world_run(seed * 1009, 1, UINT64_MAX - UNITS / 2 + 1);
    for (uint32_t seed = 1; seed <= 50; seed++)
        world_run(seed * 1013, PAGE_SIZE_BYTES, 0 - (uint64_t)UNITS / 2 * PAGE_SIZE_BYTES);
}

/* --------- directed ------------------ */

TEST(a_region_of_all_the_space_has_a_last_byte)
{
    struct mem_region root, all;
    struct mem_space *space;
    const struct mem_range *range;

    mem_region_init_container(&root, "root", UINT64_MAX);
    mem_region_init_mmio(&all, "all", UINT64_MAX, &no_ops, NULL);
    assert_int_equal(mem_space_new(&space, &root, NULL), 0);
    mem_region_add(&root, 0, &all, 0);
    range = mem_find(space, UINT64_MAX);
    assert_non_null(range);
    assert_int_equal(range->start, 0);
    assert_int_equal(range->last, UINT64_MAX);
    mem_region_set_offset(&all, UINT64_MAX);
    assert_null(mem_find(space, 0));
    assert_null(mem_find(space, UINT64_MAX - 1));
    range = mem_find(space, UINT64_MAX);
    assert_non_null(range);
    assert_int_equal(range->region_offset, 0);
    mem_region_del(&all);
    mem_space_free(space);
}

TEST(an_alias_of_an_alias_shows_what_lies_deep)
{
    struct mem_region root, device, one, two;
    struct mem_space *space;
    const struct mem_range *range;

    mem_region_init_container(&root, "root", UINT64_MAX);
    mem_region_init_mmio(&device, "device", 0x1000, &no_ops, NULL);
    mem_region_init_alias(&one, "one", &device, 0x100, 0x200);
    mem_region_init_alias(&two, "two", &one, 0x80, 0x1000); /* sticks out of one: cut */
    assert_int_equal(mem_space_new(&space, &root, NULL), 0);
    mem_region_add(&root, 0x4000, &two, 0);
    range = mem_find(space, 0x4000);
    assert_non_null(range);
    assert_ptr_equal(range->region, &device);
    assert_int_equal(range->region_offset, 0x180);
    assert_int_equal(range->last, 0x4000 + 0x180 - 1);
    /* The other half beside it: one range again. */
    mem_region_add(&root, 0x3f80, &one, -1);
    range = mem_find(space, 0x4000);
    assert_int_equal(range->start, 0x3f80);
    assert_int_equal(mem_space_view(space)->count, 1);
    mem_region_set_enabled(&device, false);
    assert_null(mem_find(space, 0x4000));
    mem_region_del(&one);
    mem_region_del(&two);
    mem_space_free(space);
}

TEST(a_hole_between_two_windows_stays_a_hole)
{
    struct mem_region root, device, one, two;
    struct mem_space *space;

    mem_region_init_container(&root, "root", UINT64_MAX);
    mem_region_init_mmio(&device, "device", 0x1000, &no_ops, NULL);
    mem_region_init_alias(&one, "one", &device, 0, 0x100);
    mem_region_init_alias(&two, "two", &device, 0x200, 0x100);
    assert_int_equal(mem_space_new(&space, &root, NULL), 0);
    mem_region_add(&root, 0x4000, &one, 0);
    mem_region_add(&root, 0x4200, &two, 0);
    assert_non_null(mem_find(space, 0x40ff));
    assert_null(mem_find(space, 0x4100));
    assert_null(mem_find(space, 0x41ff));
    assert_non_null(mem_find(space, 0x4200));
    mem_region_del(&one);
    mem_region_del(&two);
    mem_space_free(space);
}

TEST(a_cycle_of_aliases_ends)
{
    struct mem_region root, container, alias, device;
    struct mem_space *space;

    mem_region_init_container(&root, "root", UINT64_MAX);
    mem_region_init_container(&container, "container", 0x1000);
    mem_region_init_alias(&alias, "alias", &container, 0, 0x1000);
    mem_region_init_mmio(&device, "device", 0x10, &no_ops, NULL);
    assert_int_equal(mem_space_new(&space, &root, NULL), 0);
    mem_region_add(&container, 0x100, &alias, 1);
    mem_region_add(&container, 0, &device, 0);
    mem_region_add(&root, 0, &container, 0);
    assert_non_null(mem_find(space, 0));
    assert_non_null(mem_find(space, 0x100));
    assert_null(mem_find(space, 0x10));
    mem_region_del(&alias);
    mem_region_del(&device);
    mem_region_del(&container);
    mem_space_free(space);
}

TEST(what_shows_through_a_container_is_what_lies_under_it)
{
    struct mem_region root, under, container, over;
    struct mem_space *space;

    mem_region_init_container(&root, "root", UINT64_MAX);
    mem_region_init_mmio(&under, "under", 0x100, &no_ops, NULL);
    mem_region_init_container(&container, "container", 0x100);
    mem_region_init_mmio(&over, "over", 0x10, &no_ops, NULL);
    assert_int_equal(mem_space_new(&space, &root, NULL), 0);
    mem_txn_begin();
    mem_region_add(&root, 0, &under, 0);
    mem_region_add(&container, 0x20, &over, -100); /* only siblings compare priorities */
    mem_region_add(&root, 0, &container, 1);
    assert_null(mem_find(space, 0)); /* not before the commit */
    mem_txn_commit();
    assert_ptr_equal(mem_find(space, 0x1f)->region, &under);
    assert_ptr_equal(mem_find(space, 0x20)->region, &over);
    assert_ptr_equal(mem_find(space, 0x30)->region, &under);
    assert_int_equal(mem_find(space, 0x30)->region_offset, 0x30);
    mem_region_del(&under);
    mem_region_del(&over);
    mem_region_del(&container);
    mem_space_free(space);
}

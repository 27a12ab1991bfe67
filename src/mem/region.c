/*
 * mem/region.c - making regions and hanging them into each other.
 *
 * Only the tree is kept here; every change is noted with the transaction, whose outermost commit
 * renders. All fields of a region are written inside a transaction or before the region is in a
 * tree; rendering, inside one too, is their only reader besides mem/access.c, which looks at
 * those that never change once the region is in a tree (ops, lock, ram).
 */
#include "mem/region.h"

#include <assert.h>

#include "mem/view.h"

static void init(struct mem_region *region, enum mem_region_kind kind, const char *name,
                 uint64_t size)
{
    *region = (struct mem_region){ .kind = kind, .name = name, .size = size, .enabled = true };
    list_init(&region->children);
    list_init(&region->sibling);
}

void mem_region_init_container(struct mem_region *region, const char *name, uint64_t size)
{
    init(region, MEM_CONTAINER, name, size);
}

static void init_backed(struct mem_region *region, enum mem_region_kind kind, const char *name,
                        struct ram_block *ram, uint64_t ram_offset, uint64_t size)
{
    assert((ram_offset & PAGE_OFFSET_MASK) == 0 && (size & PAGE_OFFSET_MASK) == 0);
    assert(ram_offset <= ram->size && size <= ram->size - ram_offset);
    init(region, kind, name, size);
    region->ram = ram_block_ref(ram);
    region->ram_offset = ram_offset;
}

void mem_region_init_ram(struct mem_region *region, const char *name, struct ram_block *ram,
                         uint64_t ram_offset, uint64_t size)
{
    init_backed(region, MEM_RAM, name, ram, ram_offset, size);
}

void mem_region_init_rom(struct mem_region *region, const char *name, struct ram_block *ram,
                         uint64_t ram_offset, uint64_t size)
{
    init_backed(region, MEM_ROM, name, ram, ram_offset, size);
}

static void set_ops(struct mem_region *region, const struct mem_region_ops *ops,
                    pthread_mutex_t *lock)
{
    unsigned min = ops->min_size, max = ops->max_size;

    assert(min != 0 && (min & (min - 1)) == 0 && max >= min && (max & (max - 1)) == 0 && max <= 8);
    /* A widened access must not run past the end. */
    assert(region->size == UINT64_MAX || (region->size & (min - 1)) == 0);
    region->ops = ops;
    region->lock = lock;
}

void mem_region_init_rom_device(struct mem_region *region, const char *name, struct ram_block *ram,
                                const struct mem_region_ops *ops, pthread_mutex_t *lock)
{
    init_backed(region, MEM_ROM_DEVICE, name, ram, 0, ram->size);
    region->romd = true;
    set_ops(region, ops, lock);
}

void mem_region_init_mmio(struct mem_region *region, const char *name, uint64_t size,
                          const struct mem_region_ops *ops, pthread_mutex_t *lock)
{
    init(region, MEM_MMIO, name, size);
    set_ops(region, ops, lock);
}

void mem_region_init_alias(struct mem_region *region, const char *name, struct mem_region *target,
                           uint64_t target_offset, uint64_t size)
{
    init(region, MEM_ALIAS, name, size);
    region->target = target;
    region->target_offset = target_offset;
}

void mem_region_fini(struct mem_region *region)
{
    assert(region->parent == NULL && list_empty(&region->children));
    ram_block_unref(region->ram);
    region->ram = NULL;
}

/* Before the first sibling that does not outrank it: so the later of two equals comes first. */
static void hang(struct mem_region *parent, struct mem_region *child)
{
    struct list_node *before = &parent->children;

    list_for_each(node, &parent->children)
    {
        if (list_entry(node, struct mem_region, sibling)->priority <= child->priority)
            break;
        before = node;
    }
    list_add_after(before, &child->sibling);
}

void mem_region_add(struct mem_region *parent, uint64_t offset, struct mem_region *child,
                    int priority)
{
    mem_txn_begin();
    assert(parent->kind == MEM_CONTAINER && child->parent == NULL);
    for (struct mem_region *up = parent; up != NULL; up = up->parent)
        assert(up != child);
    child->parent = parent;
    child->offset = offset;
    child->priority = priority;
    hang(parent, child);
    mem_txn_changed();
    mem_txn_commit();
}

void mem_region_del(struct mem_region *child)
{
    mem_txn_begin();
    if (child->parent != NULL) {
        list_del(&child->sibling);
        child->parent = NULL;
        mem_txn_changed();
    }
    mem_txn_commit();
}

void mem_region_set_enabled(struct mem_region *region, bool enabled)
{
    mem_txn_begin();
    if (region->enabled != enabled) {
        region->enabled = enabled;
        mem_txn_changed();
    }
    mem_txn_commit();
}

void mem_region_set_offset(struct mem_region *region, uint64_t offset)
{
    mem_txn_begin();
    if (region->offset != offset) {
        region->offset = offset;
        mem_txn_changed();
    }
    mem_txn_commit();
}

void mem_region_set_romd(struct mem_region *region, bool romd)
{
    assert(region->kind == MEM_ROM_DEVICE);
    mem_txn_begin();
    if (region->romd != romd) {
        region->romd = romd;
        mem_txn_changed();
    }
    mem_txn_commit();
}

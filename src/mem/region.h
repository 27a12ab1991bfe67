/* mem/region.h - the tree of regions from which a memory map is made.
 *
 * Devices embed mem_regions and fill them by mem_region_init_*(); a board hangs them into
 * containers. Where two children overlap, the higher priority wins, and among equals the one
 * added last. A container with nothing at an address lets what lies under it show through.
 *
 * Changes are made inside a transaction (mem_txn_begin/commit, one per process, recursive,
 * [any thread], serialised by a lock inside); without one, each change is its own transaction.
 * At the outermost commit every space whose tree changed gets a new flat view.
 *
 * Storage is the caller's. A region must be out of every tree before its storage goes, and then
 * the caller must mem_barrier() first: readers may still be inside its ops.
 */
#ifndef MEM_REGION_H
#define MEM_REGION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/list.h"
#include "base/types.h"
#include "mem/ram.h"

/* How the guest's access went. What is not MEM_OK is answered as the bus would: an access fault
 * for a hart, an error status for a device. */
enum mem_result {
    MEM_OK,
    MEM_UNMAPPED, /* nothing at that address, or the wrong permission (write to ROM) */
    MEM_FAULT,    /* the device there refused */
};

struct mem_region;

struct mem_region_ops {
    /* `off` is relative to the region and aligned to `size`; size in bytes, a power of two,
     * min_size <= size <= max_size. The value is in the low `size` bytes, guest order little
     * endian already undone. Called with the region's lock held, if it has one, on any thread. */
    enum mem_result (*read)(struct mem_region *region, gpa_t off, unsigned size, uint64_t *val);
    enum mem_result (*write)(struct mem_region *region, gpa_t off, unsigned size, uint64_t val);
    /* What the device takes: 1, 2, 4 or 8. A wider access is split, lowest address first; a
     * narrower or misaligned one is MEM_FAULT unless `widen` is set: then a narrow read reads
     * min_size and takes its part, a narrow write is passed with size min_size and other bytes 0.
     */
    uint8_t min_size, max_size;
    bool widen;
};

enum mem_region_kind {
    MEM_CONTAINER,
    MEM_RAM,
    MEM_ROM,
    MEM_ROM_DEVICE, /* reads as ROM or by ops (mem_region_set_romd), writes by ops */
    MEM_MMIO,
    MEM_ALIAS,
};

struct mem_region {
    /* private */
    enum mem_region_kind kind;
    const char *name; /* not owned */
    uint64_t size;    /* bytes; UINT64_MAX stands for all 2^64 */
    const struct mem_region_ops *ops;
    pthread_mutex_t *lock; /* taken round ops; NULL: the ops do their own locking */
    struct ram_block *ram; /* RAM, ROM, ROM_DEVICE; a reference is held */
    uint64_t ram_offset;
    struct mem_region *target; /* ALIAS */
    uint64_t target_offset;
    struct mem_region *parent;
    uint64_t offset; /* within parent */
    int priority;
    bool enabled, romd;
    struct list_node children, sibling;
};

void mem_region_init_container(struct mem_region *region, const char *name, uint64_t size);
/* Map `size` bytes of the block from ram_offset on; both page-aligned. Take a reference. */
void mem_region_init_ram(struct mem_region *region, const char *name, struct ram_block *ram,
                         uint64_t ram_offset, uint64_t size);
void mem_region_init_rom(struct mem_region *region, const char *name, struct ram_block *ram,
                         uint64_t ram_offset, uint64_t size);
void mem_region_init_rom_device(struct mem_region *region, const char *name, struct ram_block *ram,
                                const struct mem_region_ops *ops, pthread_mutex_t *lock);
void mem_region_init_mmio(struct mem_region *region, const char *name, uint64_t size,
                          const struct mem_region_ops *ops, pthread_mutex_t *lock);
/* Shows [target_offset, target_offset + size) of target's subtree. */
void mem_region_init_alias(struct mem_region *region, const char *name, struct mem_region *target,
                           uint64_t target_offset, uint64_t size);
/* Drops the RAM reference. The region is out of every tree. */
void mem_region_fini(struct mem_region *region);

void mem_txn_begin(void);
void mem_txn_commit(void);

/* Hangs `child` into `parent` at `offset`. Cannot fail: what sticks out of the parent is cut. */
void mem_region_add(struct mem_region *parent, uint64_t offset, struct mem_region *child,
                    int priority);
void mem_region_del(struct mem_region *child); /* fine if it hangs nowhere */
void mem_region_set_enabled(struct mem_region *region, bool enabled);
void mem_region_set_offset(struct mem_region *region, uint64_t offset);
/* ROM_DEVICE: whether reads see the ROM (the default) or go to ops. */
void mem_region_set_romd(struct mem_region *region, bool romd);

#endif

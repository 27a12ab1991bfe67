/* mem/ram.h - host memory that is guest RAM, and who wrote which page of it.
 *
 * A ram_block is a mapping, page-granular, reference-counted: of this process alone, in huge pages
 * where the host gives them, or of a memfd, which other processes can map. Its pages can be
 * *watched*: a client (snapshot, migration, code invalidation, display) asks to be told of the next
 * write. That is the dirty hub: one owner for "who wrote this page".
 *
 *   watch byte of a page: one bit per client that wants notice of the next write; 0 nearly always
 *   dirty bit of a page:  one bitmap per client, set when a watched page is written
 *
 * A write to a page whose watch byte is 0 costs one load to find out. A soft TLB may keep a fast
 * write entry for a page only while its watch byte is 0, and looks at it when it fills; after
 * ram_block_watch() the accelerators must be told to drop such entries (`revoke` listeners), and
 * until they have answered the client must take the page for dirty.
 */
#ifndef MEM_RAM_H
#define MEM_RAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/list.h"
#include "base/types.h"

struct ram_block;

enum dirty_client { DIRTY_CODE, DIRTY_SNAPSHOT, DIRTY_MIGRATION, DIRTY_DISPLAY, DIRTY_CLIENTS };

/* A client hears of a write to a page it watched. Called on the thread that wrote, after the
 * bytes are in memory, no lock of mem/ held; must not block and must not take a device's lock. */
struct dirty_listener {
    void (*written)(struct dirty_listener *listener, struct ram_block *block, size_t page);
};

struct ram_block {
    uint8_t *hva; /* read-only field for others; PAGE_SIZE_BYTES-aligned */
    size_t size;  /* bytes, a multiple of the page size */
    int fd;       /* the memfd of a shared block, which mem/ owns; else -1 */
    const char *name;
    _Atomic uint8_t *watch; /* a byte per page; see above */
    /* private */
    void *notes; /* the mapping that holds watch and dirty */
    _Atomic uint64_t *dirty[DIRTY_CLIENTS];
    struct dirty_listener *_Atomic listener[DIRTY_CLIENTS];
    atomic_uint refs;
    _Atomic uint64_t device_writes; /* grows by each ram_block_device_wrote() */
};

/* Size in bytes, rounded up to a page. -ENOMEM with a sentence when the host has not that much
 * (checked against what the host has available, as overcommit would let it pass). */
int ram_block_new(struct ram_block **ret_block, const char *name, uint64_t size,
                  struct error *err) NODISCARD;
/* The same over a memfd, sealed at its size. Hosts rarely give those huge pages. */
int ram_block_new_shared(struct ram_block **ret_block, const char *name, uint64_t size,
                         struct error *err) NODISCARD;
struct ram_block *ram_block_ref(struct ram_block *block);
void ram_block_unref(struct ram_block *block); /* NULL is fine */

/* Sets who is told of writes to the pages `client` watches; the listener must outlive the block
 * or be replaced by NULL. -ENOMEM. */
int ram_block_listen(struct ram_block *block, enum dirty_client client,
                     struct dirty_listener *listener, struct error *err) NODISCARD;
/* [any thread] From now on the next write to each page sets its dirty bit for `client`, and uses
 * the watch up. Who said ram_block_wrote() too early to be noticed has its bytes in memory when
 * this returns; so a client that keeps a copy takes it in this order, and loses no write:
 * test and clear the dirty bit, watch, copy. Costs a system call (not in a hot loop). */
void ram_block_watch(struct ram_block *block, enum dirty_client client, size_t page, size_t count);
/* [any thread] Reads and clears the dirty bit. */
bool ram_block_test_and_clear_dirty(struct ram_block *block, enum dirty_client client, size_t page);
bool ram_block_is_dirty(const struct ram_block *block, enum dirty_client client, size_t page);

/* Slow half of ram_block_wrote(). */
void ram_block_wrote_watched(struct ram_block *block, size_t offset, size_t len);
/* [any thread] Whoever wrote RAM through a pointer says so, after the bytes are there. */
static inline void ram_block_wrote(struct ram_block *block, size_t offset, size_t len)
{
    size_t first = offset >> PAGE_SHIFT, last = (offset + len - 1) >> PAGE_SHIFT;

    if (len == 0)
        return;
    /* The compiler must not look before the bytes are stored; ram.c on what the processor does. */
    atomic_signal_fence(memory_order_seq_cst);
    for (size_t page = first; page <= last; page++) {
        if (unlikely(atomic_load_explicit(&block->watch[page], memory_order_acquire) != 0)) {
            ram_block_wrote_watched(block, offset, len);
            return;
        }
    }
}
/* The same for whoever is no hart. It is counted, as lock-step (dbt/lockstep/) has to know. */
static inline void ram_block_device_wrote(struct ram_block *block, size_t offset, size_t len)
{
    atomic_fetch_add_explicit(&block->device_writes, 1, memory_order_release);
    ram_block_wrote(block, offset, len);
}

#endif

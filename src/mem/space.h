/* mem/space.h - an address space: a root region, the flat view rendered from it, and access.
 *
 * The flat view is an immutable sorted array, swapped by RCU (liburcu, default flavour). Every
 * thread that reads must be registered (mem_thread_register); mem_read and mem_write enter the
 * read side themselves, mem_slice and mem_find leave that to the caller, because what they
 * return stays valid only within it. Read sides nest. A thread that sleeps must be outside.
 */
#ifndef MEM_SPACE_H
#define MEM_SPACE_H

#include <assert.h>
#include <urcu.h>

#include "mem/region.h"

/* ThreadSanitizer cannot see into liburcu: it is told that what came before the end of a read
 * side comes before what follows a grace period. */
#if defined(__SANITIZE_THREAD__)
#define MEM_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MEM_TSAN 1
#endif
#endif
#ifdef MEM_TSAN
#include <sanitizer/tsan_interface.h>
extern char mem_tsan_tag;
#define mem_tsan_acquire() __tsan_acquire(&mem_tsan_tag)
#define mem_tsan_release() __tsan_release(&mem_tsan_tag)
#else
#define mem_tsan_acquire() ((void)0)
#define mem_tsan_release() ((void)0)
#endif

struct mem_space;

/* One range of the flat view: no two overlap, all in order of gpa. */
struct mem_range {
    gpa_t start;
    uint64_t last; /* inclusive, so that the top of the space has a number */
    struct mem_region *region;
    uint64_t region_offset; /* of `start` within region */
    struct ram_block *ram;  /* NULL for pure MMIO */
    uint64_t ram_offset;    /* of `start` within ram */
    bool readable;          /* as plain memory (RAM, ROM, ROM_DEVICE in ROM mode) */
    bool writable;          /* as plain memory (RAM) */
};

/* Told how the flat view changes. Calls come on the committing thread with the transaction lock
 * held, begin, then removals, additions and keeps in order of address, then commit, then the new
 * view is published *before* commit is called. log_start/log_stop: the dirty hub has begun or
 * stopped to want notice of writes to pages of this range. NULL members are skipped. */
struct mem_listener {
    void (*begin)(struct mem_listener *listener);
    void (*add)(struct mem_listener *listener, const struct mem_range *range);
    void (*remove)(struct mem_listener *listener, const struct mem_range *range);
    void (*keep)(struct mem_listener *listener, const struct mem_range *range);
    void (*log_start)(struct mem_listener *listener, const struct mem_range *range);
    void (*log_stop)(struct mem_listener *listener, const struct mem_range *range);
    void (*log_sync)(struct mem_listener *listener, const struct mem_range *range);
    void (*commit)(struct mem_listener *listener);
    int priority; /* lower hears of additions first and of removals last */
    /* private */
    struct list_node node;
};

/* The root is not owned and must outlive the space. */
int mem_space_new(struct mem_space **ret_space, struct mem_region *root,
                  struct error *err) NODISCARD;
/* Nobody listens, logs or reads any more. NULL is fine. */
void mem_space_free(struct mem_space *space);
struct mem_region *mem_space_root(struct mem_space *space);
/* The listener hears at once of everything that is there (add), and at removal of its end. */
void mem_space_listen(struct mem_space *space, struct mem_listener *listener);
void mem_space_unlisten(struct mem_space *space, struct mem_listener *listener);
/* log_start, log_stop or log_sync to every listener for every range of `block`. */
void mem_space_log(struct mem_space *space, struct ram_block *block, bool start);
void mem_space_log_sync(struct mem_space *space, struct ram_block *block);

/* Each thread that touches a space, once, before and after. May nest. */
void mem_thread_register(void);
void mem_thread_unregister(void);
extern _Thread_local unsigned mem_thread_registrations; /* private; of this thread */
static inline void mem_read_lock(void)
{
    assert(mem_thread_registrations != 0); /* else nobody would wait for us */
    rcu_read_lock();
}
static inline void mem_read_unlock(void)
{
    mem_tsan_release();
    rcu_read_unlock();
}
/* Waits until every read side that began before has ended. Not from within one. */
void mem_barrier(void);

/* Copies across regions, splitting as each device asks. On failure what was before the failing
 * byte has been done, *buf behind it is unspecified. Any registered thread, no device lock held
 * that a region in the way would take. Writes are reported to the dirty hub. */
enum mem_result mem_read(struct mem_space *space, gpa_t gpa, void *buf, size_t len) NODISCARD;
enum mem_result mem_write(struct mem_space *space, gpa_t gpa, const void *buf,
                          size_t len) NODISCARD;
/* One access of 1, 2, 4 or 8 bytes as a hart makes it: to aligned RAM it is single-copy atomic. */
enum mem_result mem_load(struct mem_space *space, gpa_t gpa, unsigned size,
                         uint64_t *ret_val) NODISCARD;
enum mem_result mem_store(struct mem_space *space, gpa_t gpa, unsigned size,
                          uint64_t val) NODISCARD;

/* Plain memory at gpa, for as long as the caller's read side lasts. */
struct mem_slice {
    uint8_t *hva;
    size_t len; /* at most what was asked; less where the range ends */
    struct ram_block *ram;
    size_t ram_offset;
};
enum mem_perm { MEM_PERM_READ, MEM_PERM_WRITE };
/* False when gpa is not memory of that permission. After writing: mem_slice_wrote(). */
bool mem_slice(struct mem_space *space, gpa_t gpa, size_t len, enum mem_perm perm,
               struct mem_slice *ret_slice) NODISCARD;
static inline void mem_slice_wrote(const struct mem_slice *slice, size_t offset, size_t len)
{
    ram_block_device_wrote(slice->ram, slice->ram_offset + offset, len);
}

/* The range of the current view that holds gpa, or NULL. Inside the read side. */
const struct mem_range *mem_find(struct mem_space *space, gpa_t gpa);
/* Access through a range found before: what the soft TLB's slow path uses for MMIO. */
enum mem_result mem_range_load(const struct mem_range *range, gpa_t gpa, unsigned size,
                               uint64_t *ret_val) NODISCARD;
enum mem_result mem_range_store(const struct mem_range *range, gpa_t gpa, unsigned size,
                                uint64_t val) NODISCARD;

#endif

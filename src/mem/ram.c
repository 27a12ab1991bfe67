/*
 * mem/ram.c - RAM blocks and the dirty hub.
 *
 * A block is one mapping without reserve: what the guest never touches costs nothing. A private one
 * is anonymous memory, which begins where a huge page can: a guest touches its memory everywhere,
 * so the host's page faults and the walks of its TLB are a good part of a short run. A shared one
 * is a memfd, sealed at its size. Beside it lie, in one anonymous mapping just as lazy, the watch
 * bytes and the dirty bitmaps of all clients.
 *
 * The hub's one rule of order. A writer stores its bytes, then looks at the watch byte. A client
 * sets the watch byte, then looks at the bytes. Each needs a full barrier between the two, or
 * both could miss the other. Writers are many and hot, so they have only a compiler barrier, and
 * the client's side pays for both: membarrier(2) makes every running thread of the process pass
 * a full barrier. So when ram_block_watch() returns, whoever looked at the watch byte too early
 * has its bytes in memory already.
 *
 * A write to a watched page takes the watch bits first and sets the dirty bits after: were it the
 * other way round, a client that clears the dirty bit and watches again in between would lose
 * its new watch without a dirty bit to show for it.
 */
#include "mem/ram.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/reserve.h"

/* A client that watches must be a bit of the watch byte. */
_Static_assert(DIRTY_CLIENTS <= 8, "one bit of the watch byte per client");

#define GUARD PAGE_SIZE_BYTES

static size_t page_count(const struct ram_block *block)
{
    return block->size >> PAGE_SHIFT;
}

static size_t bitmap_words(const struct ram_block *block)
{
    return (page_count(block) + 63) / 64;
}

/* Bytes of the mapping that holds the bitmaps and then the watch bytes. */
static size_t notes_size(const struct ram_block *block)
{
    return DIRTY_CLIENTS * bitmap_words(block) * sizeof(uint64_t) + page_count(block);
}

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

/* The bytes /proc/meminfo gives on a line that begins with `key`. */
static bool meminfo_value(const char *line, const char *key, uint64_t *ret_bytes)
{
    size_t len = strlen(key);

    if (strncmp(line, key, len) != 0)
        return false;
    *ret_bytes = (uint64_t)strtoull(line + len, NULL, 10) * 1024;
    return true;
}

/* What the host could give without driving something else out; UINT64_MAX when it will not say. */
static uint64_t host_available(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    uint64_t available = UINT64_MAX, swap = 0;
    char line[128];

    if (file == NULL)
        return UINT64_MAX;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (!meminfo_value(line, "MemAvailable:", &available))
            meminfo_value(line, "SwapFree:", &swap);
    }
    fclose(file);
    return available == UINT64_MAX ? available : available + swap;
}

static int no_map(const struct ram_block *block, struct error *err)
{
    return error_set(err, errno,
                     "cannot map %zu MiB of memory for '%s': %s; ask for less memory or raise "
                     "the address space limit (ulimit -v)",
                     block->size >> 20, block->name, strerror(errno));
}

/* Behind it a page stays that nothing may touch: also so that it is a mapping of just its size, not
 * one with another block's beside it, which is what tells a guest's memory from Vireo's own. */
static int map_private(struct ram_block *block, struct error *err)
{
    size_t align = block->size >= HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : PAGE_SIZE_BYTES;

    block->hva = reserve_aligned(block->size + GUARD, align);
    if (block->hva == NULL || mprotect(block->hva, block->size, PROT_READ | PROT_WRITE) < 0)
        return no_map(block, err);
    return 0;
}

static int map_shared(struct ram_block *block, struct error *err)
{
    uint8_t *map;

    block->fd = memfd_create(block->name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (block->fd < 0)
        return error_set(err, errno, "cannot create a memory file for '%s': %s", block->name,
                         strerror(errno));
    if (ftruncate(block->fd, (off_t)block->size) < 0)
        return error_set(err, errno,
                         "cannot size the memory file of '%s' to %zu MiB: %s; ask for less memory "
                         "or raise the file size limit (ulimit -f)",
                         block->name, block->size >> 20, strerror(errno));
    /* Who shares the file must not be able to pull it from under us. A host that cannot seal
     * does without. */
    (void)fcntl(block->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    map = mmap(NULL, block->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, block->fd, 0);
    if (map == MAP_FAILED)
        return no_map(block, err);
    block->hva = map;
    return 0;
}

static int map_memory(struct ram_block *block, bool shared, struct error *err)
{
    int rc = shared ? map_shared(block, err) : map_private(block, err);

    if (rc < 0)
        return rc;
    /* All are wishes. The name is for who reads /proc/PID/smaps. */
    if (block->size >= HUGE_PAGE_BYTES)
        (void)madvise(block->hva, block->size, MADV_HUGEPAGE);
    (void)madvise(block->hva, block->size, MADV_DONTDUMP);
    if (!shared)
        (void)prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, block->hva, block->size, block->name);
    return 0;
}

static int map_notes(struct ram_block *block, struct error *err)
{
    void *notes = mmap(NULL, notes_size(block), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    _Atomic uint64_t *words = notes;

    if (notes == MAP_FAILED)
        return error_set(err, errno, "cannot map %zu KiB for the dirty bitmaps of '%s': %s",
                         notes_size(block) >> 10, block->name, strerror(errno));
    block->notes = notes;
    for (int client = 0; client < DIRTY_CLIENTS; client++)
        block->dirty[client] = words + (size_t)client * bitmap_words(block);
    block->watch = (_Atomic uint8_t *)(words + DIRTY_CLIENTS * bitmap_words(block));
    return 0;
}

static int block_new(struct ram_block **ret_block, const char *name, uint64_t size, bool shared,
                     struct error *err)
{
    uint64_t available = host_available();
    struct ram_block *block;
    int rc;

    if (size == 0)
        return error_set(err, EINVAL, "memory '%s' has size 0; give it at least one page", name);
    if (size > (uint64_t)INT64_MAX - PAGE_SIZE_BYTES || size > available)
        return error_set(err, ENOMEM,
                         "memory '%s' of %" PRIu64 " MiB is more than the %" PRIu64
                         " MiB this host has available; ask for less (--memory)",
                         name, size >> 20, available >> 20);
    if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) < 0)
        return error_set(err, errno,
                         "this host refuses membarrier(2): %s; a Linux of 4.14 or later that "
                         "permits the call is needed",
                         strerror(errno));
    block = calloc(1, sizeof(*block));
    if (block == NULL)
        return error_set(err, ENOMEM, "no memory to describe '%s'", name);
    block->name = name;
    block->fd = -1;
    block->size = (size_t)((size + PAGE_OFFSET_MASK) & PAGE_ADDR_MASK);
    atomic_init(&block->refs, 1);
    rc = map_memory(block, shared, err);
    if (rc == 0)
        rc = map_notes(block, err);
    if (rc < 0) {
        ram_block_unref(block);
        return rc;
    }
    *ret_block = block;
    return 0;
}

int ram_block_new(struct ram_block **ret_block, const char *name, uint64_t size, struct error *err)
{
    return block_new(ret_block, name, size, false, err);
}

int ram_block_new_shared(struct ram_block **ret_block, const char *name, uint64_t size,
                         struct error *err)
{
    return block_new(ret_block, name, size, true, err);
}

struct ram_block *ram_block_ref(struct ram_block *block)
{
    atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
    return block;
}

void ram_block_unref(struct ram_block *block)
{
    if (block == NULL || atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (block->notes != NULL)
        munmap(block->notes, notes_size(block));
    if (block->hva != NULL)
        munmap(block->hva, block->size + (block->fd < 0 ? GUARD : 0));
    if (block->fd >= 0)
        close(block->fd);
    free(block);
}

int ram_block_listen(struct ram_block *block, enum dirty_client client,
                     struct dirty_listener *listener, struct error *err)
{
    (void)err; /* the bitmaps are there from the start */
    atomic_store_explicit(&block->listener[client], listener, memory_order_release);
    return 0;
}

void ram_block_watch(struct ram_block *block, enum dirty_client client, size_t page, size_t count)
{
    uint8_t bit = (uint8_t)(1u << client);
    bool fresh = false;

    assert(page <= page_count(block) && count <= page_count(block) - page);
    for (size_t i = page; i < page + count; i++) {
        if ((atomic_load_explicit(&block->watch[i], memory_order_relaxed) & bit) == 0) {
            atomic_fetch_or(&block->watch[i], bit);
            fresh = true;
        }
    }
    /* See the head of this file. The command was registered, so it cannot fail. */
    if (fresh && membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) < 0)
        abort();
}

static uint64_t dirty_bit(size_t page)
{
    return (uint64_t)1 << (page % 64);
}

bool ram_block_test_and_clear_dirty(struct ram_block *block, enum dirty_client client, size_t page)
{
    assert(page < page_count(block));
    if (!ram_block_is_dirty(block, client, page))
        return false;
    return (atomic_fetch_and(&block->dirty[client][page / 64], ~dirty_bit(page)) &
            dirty_bit(page)) != 0;
}

bool ram_block_is_dirty(const struct ram_block *block, enum dirty_client client, size_t page)
{
    assert(page < page_count(block));
    return (atomic_load(&block->dirty[client][page / 64]) & dirty_bit(page)) != 0;
}

static void wrote_watched_page(struct ram_block *block, size_t page)
{
    unsigned bits = atomic_exchange(&block->watch[page], 0);

    for (int client = 0; client < DIRTY_CLIENTS; client++) {
        struct dirty_listener *listener;

        if ((bits & 1u << client) == 0)
            continue;
        atomic_fetch_or(&block->dirty[client][page / 64], dirty_bit(page));
        listener = atomic_load_explicit(&block->listener[client], memory_order_acquire);
        if (listener != NULL)
            listener->written(listener, block, page);
    }
}

void ram_block_wrote_watched(struct ram_block *block, size_t offset, size_t len)
{
    size_t last = (offset + len - 1) >> PAGE_SHIFT;

    assert(len != 0 && last < page_count(block));
    for (size_t page = offset >> PAGE_SHIFT; page <= last; page++) {
        if (atomic_load_explicit(&block->watch[page], memory_order_acquire) != 0)
            wrote_watched_page(block, page);
    }
}

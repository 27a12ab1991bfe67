/*
 * devices/virtio/queue.c - the device's end of a split virtqueue.
 *
 * The ring parts are looked up once, when the queue becomes ready, and kept as a pointer with a
 * reference to their RAM block: giving a chain back then needs neither the memory map nor RCU.
 * A map that changes later does not move a live ring; RAM of our boards does not move.
 *
 * Rules kept here:
 *  - avail.idx, ring entries, used_event and avail.flags are each loaded once per decision.
 *  - used_idx is ours: the driver may scribble over the used ring and harm only itself.
 *  - in_use <= size, so a driver cannot have us hold more chains than it has heads.
 *  - a broken queue pops nothing more; chains in flight are still given back.
 *
 * Guest and device are threads of one coherent machine (VIRTIO_F_ORDER_PLATFORM is not
 * offered), so the barriers are those between CPUs; each stands with what it pairs with.
 */
#include "devices/virtio/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "devices/virtio/chain.h"

/* Layout of the rings, 2.7.6 and 2.7.8. */
enum {
    AVAIL_FLAGS = 0,
    AVAIL_IDX = 2,
    AVAIL_RING = 4,
    AVAIL_F_NO_INTERRUPT = 1,
    USED_FLAGS = 0,
    USED_IDX = 2,
    USED_RING = 4,
    USED_ELEM_SIZE = 8,
};

static uint16_t *area_u16(const struct virtq_area *area, size_t offset)
{
    return (uint16_t *)(void *)(area->hva + offset); /* parts are aligned to 2 at least */
}

static void area_wrote(const struct virtq_area *area, size_t offset, size_t len)
{
    ram_block_device_wrote(area->ram, area->ram_offset + offset, len);
}

int virtq_init(struct virtq *vq, unsigned index, const struct virtq_ops *ops,
               struct mem_space *space)
{
    memset(vq, 0, sizeof(*vq));
    vq->index = index;
    vq->ops = ops;
    vq->space = space;
    vq->scratch = malloc(VIRTQ_MAX_SEGS * sizeof(vq->scratch[0]));
    if (vq->scratch == NULL)
        return -ENOMEM;
    pthread_mutex_init(&vq->lock, NULL);
    pthread_cond_init(&vq->idle, NULL);
    return 0;
}

void virtq_fini(struct virtq *vq)
{
    if (vq->scratch == NULL)
        return;
    assert(!vq->ready && vq->in_use == 0);
    pthread_cond_destroy(&vq->idle);
    pthread_mutex_destroy(&vq->lock);
    free(vq->scratch);
    vq->scratch = NULL;
}

/* ---- starting and stopping ---- */

static void area_unmap(struct virtq_area *area)
{
    ram_block_unref(area->ram);
    memset(area, 0, sizeof(*area));
}

static bool area_map(struct mem_space *space, struct virtq_area *area, enum mem_perm perm)
{
    struct mem_slice slice;

    if (!mem_slice(space, area->gpa, area->len, perm, &slice) || slice.len < area->len)
        return false;
    area->hva = slice.hva;
    area->ram = ram_block_ref(slice.ram);
    area->ram_offset = slice.ram_offset;
    return true;
}

static bool areas_overlap(const struct virtq_area *a, const struct virtq_area *b)
{
    return a->ram == b->ram && a->ram_offset < b->ram_offset + b->len &&
           b->ram_offset < a->ram_offset + a->len;
}

static bool virtq_map_locked(struct virtq *vq)
{
    bool mapped;

    mem_thread_register();
    mem_read_lock();
    mapped = area_map(vq->space, &vq->desc, MEM_PERM_READ) &&
             area_map(vq->space, &vq->avail, MEM_PERM_READ) &&
             area_map(vq->space, &vq->used, MEM_PERM_WRITE);
    mem_read_unlock();
    mem_thread_unregister();
    return mapped;
}

/* NULL, or what is wrong with the layout. */
static const char *virtq_start_locked(struct virtq *vq, const struct virtq_layout *layout)
{
    uint32_t size = layout->size;

    if (size == 0 || size > VIRTQ_MAX_SIZE || (size & (size - 1)) != 0)
        return "queue size is not a power of two within the maximum";
    if (layout->desc % 16 != 0 || layout->avail % 2 != 0 || layout->used % 4 != 0)
        return "queue part is misaligned";
    vq->size = (uint16_t)size;
    vq->indirect = layout->indirect;
    vq->event_idx = layout->event_idx;
    vq->last_avail = layout->last_avail;
    vq->used_idx = vq->signalled_used = layout->used_idx;
    /* Sizes of 2.7; used_event and avail_event exist only with VIRTIO_F_EVENT_IDX. */
    vq->desc = (struct virtq_area){ .gpa = layout->desc, .len = VIRTQ_DESC_SIZE * (size_t)size };
    vq->avail = (struct virtq_area){ .gpa = layout->avail,
                                     .len = 4 + 2 * (size_t)size + (vq->event_idx ? 2 : 0) };
    vq->used = (struct virtq_area){ .gpa = layout->used,
                                    .len = 4 + 8 * (size_t)size + (vq->event_idx ? 2 : 0) };
    if (!virtq_map_locked(vq))
        return "queue part is not in one piece of RAM";
    if (areas_overlap(&vq->used, &vq->desc) || areas_overlap(&vq->used, &vq->avail))
        return "used ring lies upon another part of the queue";
    return NULL;
}

bool virtq_start(struct virtq *vq, const struct virtq_layout *layout, const char **ret_why)
{
    const char *why;

    pthread_mutex_lock(&vq->lock);
    assert(!vq->ready && vq->in_use == 0);
    why = virtq_start_locked(vq, layout);
    vq->is_broken = false;
    vq->ready = why == NULL;
    if (why != NULL) {
        area_unmap(&vq->desc);
        area_unmap(&vq->avail);
        area_unmap(&vq->used);
        *ret_why = why;
    }
    pthread_mutex_unlock(&vq->lock);
    return why == NULL;
}

void virtq_close(struct virtq *vq)
{
    pthread_mutex_lock(&vq->lock);
    if (vq->ready) {
        vq->ready = false;
        vq->generation++;
        area_unmap(&vq->desc);
        area_unmap(&vq->avail);
        area_unmap(&vq->used);
    }
    pthread_mutex_unlock(&vq->lock);
}

void virtq_wait_idle(struct virtq *vq)
{
    pthread_mutex_lock(&vq->lock);
    while (vq->in_use > 0)
        pthread_cond_wait(&vq->idle, &vq->lock);
    pthread_mutex_unlock(&vq->lock);
}

void virtq_stop(struct virtq *vq)
{
    virtq_close(vq);
    virtq_wait_idle(vq);
}

static void virtq_break_locked(struct virtq *vq, const char *why)
{
    if (!vq->ready || vq->is_broken)
        return;
    vq->is_broken = true;
    vq->ops->broken(vq, why);
}

void virtq_break(struct virtq *vq, const char *why)
{
    pthread_mutex_lock(&vq->lock);
    virtq_break_locked(vq, why);
    pthread_mutex_unlock(&vq->lock);
}

void virtq_position(struct virtq *vq, uint16_t *ret_last_avail, uint16_t *ret_used_idx)
{
    pthread_mutex_lock(&vq->lock);
    *ret_last_avail = vq->last_avail;
    *ret_used_idx = vq->used_idx;
    pthread_mutex_unlock(&vq->lock);
}

/* ---- from the driver ---- */

/* How many chains wait to be popped; more than the ring holds if the driver's index is wild. */
static uint16_t avail_count(const struct virtq *vq)
{
    /* Acquire: pairs with the driver's barrier before its update of idx (2.7.13.3.1). Ring
     * entries and descriptors read after this are those the index stands for. */
    uint16_t idx = le16_to_host(__atomic_load_n(area_u16(&vq->avail, AVAIL_IDX), __ATOMIC_ACQUIRE));

    return (uint16_t)(idx - vq->last_avail);
}

/* The ring is empty: ask to be told of the next entry, and look once more. */
static uint16_t avail_rearm(struct virtq *vq)
{
    size_t event = USED_RING + USED_ELEM_SIZE * (size_t)vq->size;

    if (!vq->event_idx)
        return 0; /* used.flags stays 0: the driver always notifies (2.7.10.2) */
    __atomic_store_n(area_u16(&vq->used, event), host_to_le16(vq->last_avail), __ATOMIC_RELAXED);
    area_wrote(&vq->used, event, 2);
    /* Full: avail_event must be out before idx is read again. Pairs with the driver's barrier
     * between its update of idx and its load of avail_event (2.7.13.4.1): one of the two sees
     * the other's store, so no chain is left lying with nobody told. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return avail_count(vq);
}

static struct virtq_chain *virtq_pop_locked(struct virtq *vq)
{
    uint16_t count, head;
    struct virtq_chain *chain;
    const char *why = NULL;

    if (!vq->ready || vq->is_broken)
        return NULL;
    count = avail_count(vq);
    if (count == 0)
        count = avail_rearm(vq);
    if (count == 0)
        return NULL;
    if (count > vq->size || vq->in_use >= vq->size) {
        virtq_break_locked(vq, "more buffers available than the queue has entries");
        return NULL;
    }
    head = le16_to_host(__atomic_load_n(
        area_u16(&vq->avail, AVAIL_RING + 2 * (size_t)(vq->last_avail & (vq->size - 1))),
        __ATOMIC_RELAXED));
    chain = virtq_chain_build(vq, head, &why);
    if (chain == NULL) {
        virtq_break_locked(vq, why);
        return NULL;
    }
    vq->last_avail++;
    vq->in_use++;
    return chain;
}

struct virtq_chain *virtq_pop(struct virtq *vq)
{
    struct virtq_chain *chain;

    mem_thread_register(); /* nests: nearly free on a thread that is registered */
    pthread_mutex_lock(&vq->lock);
    chain = virtq_pop_locked(vq);
    pthread_mutex_unlock(&vq->lock);
    mem_thread_unregister();
    return chain;
}

/* ---- to the driver ---- */

static void virtq_release_locked(struct virtq *vq, unsigned count)
{
    assert(vq->in_use >= count);
    vq->in_use -= count;
    if (vq->in_use == 0)
        pthread_cond_broadcast(&vq->idle);
}

/* 2.7.7.2: whether the driver wants to hear of used entries [signalled_used, used_idx). */
static bool wants_interrupt_locked(struct virtq *vq)
{
    uint16_t old = vq->signalled_used, event;

    /* Full: idx must be out before used_event or flags is read. Pairs with the driver's barrier
     * between writing used_event (or flags) and looking at idx once more (2.7.14). */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!vq->event_idx) {
        uint16_t flags = __atomic_load_n(area_u16(&vq->avail, AVAIL_FLAGS), __ATOMIC_RELAXED);

        return (le16_to_host(flags) & AVAIL_F_NO_INTERRUPT) == 0;
    }
    event = le16_to_host(
        __atomic_load_n(area_u16(&vq->avail, AVAIL_RING + 2 * (size_t)vq->size), __ATOMIC_RELAXED));
    vq->signalled_used = vq->used_idx;
    return (uint16_t)(vq->used_idx - event - 1) < (uint16_t)(vq->used_idx - old);
}

static void used_write_locked(struct virtq *vq, uint16_t at, uint16_t head, uint64_t written)
{
    size_t offset = USED_RING + USED_ELEM_SIZE * (size_t)(at & (vq->size - 1));
    uint32_t len = written > UINT32_MAX ? UINT32_MAX : (uint32_t)written;
    uint32_t *elem = (uint32_t *)(void *)(vq->used.hva + offset); /* the part is 4-aligned */

    __atomic_store_n(&elem[0], host_to_le32(head), __ATOMIC_RELAXED);
    __atomic_store_n(&elem[1], host_to_le32(len), __ATOMIC_RELAXED);
    area_wrote(&vq->used, offset, USED_ELEM_SIZE);
}

void virtq_push_many(struct virtq_chain *const *chains, const uint64_t *written, unsigned count)
{
    struct virtq *vq;

    if (count == 0)
        return;
    vq = chains[0]->vq;
    pthread_mutex_lock(&vq->lock);
    if (vq->ready && chains[0]->generation == vq->generation) {
        for (unsigned i = 0; i < count; i++)
            used_write_locked(vq, (uint16_t)(vq->used_idx + i), chains[i]->head, written[i]);
        vq->used_idx = (uint16_t)(vq->used_idx + count);
        /* Release: buffers and used entries are in memory before the index that shows them
         * (2.7.8.2). Pairs with the driver's read barrier after its load of idx. */
        __atomic_store_n(area_u16(&vq->used, USED_IDX), host_to_le16(vq->used_idx),
                         __ATOMIC_RELEASE);
        area_wrote(&vq->used, USED_IDX, 2);
        if (wants_interrupt_locked(vq))
            vq->ops->interrupt(vq);
    }
    virtq_release_locked(vq, count);
    pthread_mutex_unlock(&vq->lock);
    for (unsigned i = 0; i < count; i++)
        virtq_chain_free(chains[i]);
}

void virtq_push(struct virtq_chain *chain, uint64_t written)
{
    virtq_push_many(&chain, &written, 1);
}

void virtq_unpop_many(struct virtq_chain *const *chains, unsigned count)
{
    struct virtq *vq;

    if (count == 0)
        return;
    vq = chains[0]->vq;
    pthread_mutex_lock(&vq->lock);
    if (chains[0]->generation == vq->generation)
        vq->last_avail = (uint16_t)(vq->last_avail - count);
    virtq_release_locked(vq, count);
    pthread_mutex_unlock(&vq->lock);
    for (unsigned i = 0; i < count; i++)
        virtq_chain_free(chains[i]);
}

void virtq_drop(struct virtq_chain *chain)
{
    struct virtq *vq = chain->vq;

    pthread_mutex_lock(&vq->lock);
    virtq_release_locked(vq, 1);
    pthread_mutex_unlock(&vq->lock);
    virtq_chain_free(chain);
}

/* devices/virtio/queue.h - the device's end of a split virtqueue (virtio 1.2, 2.7).
 *
 *     driver writes                 device (this module)
 *     desc[], avail.ring, avail.idx  --> virtq_pop():  a chain, copied, checked, resolved
 *     used.ring, used.idx            <-- virtq_push(): the chain given back, maybe an interrupt
 *
 * virtq_pop() reads every descriptor of a chain from guest memory once, checks the chain as a
 * whole and turns guest addresses into segments of referenced RAM blocks. What it returns does
 * not depend on guest memory any more, needs no RCU read side, and may be worked on by any
 * thread. A chain that breaks the rules has no effect but ops->broken(): the device then sets
 * DEVICE_NEEDS_RESET (2.1.2) and the queue stays silent until it is started anew.
 *
 * Every function but init and fini takes the queue's own lock; any thread may call. A chain
 * belongs to whoever popped it, until virtq_push(), virtq_unpop() or virtq_drop().
 */
#ifndef DEVICES_VIRTIO_QUEUE_H
#define DEVICES_VIRTIO_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/compiler.h"
#include "base/types.h"
#include "mem/space.h"

enum {
    VIRTQ_MAX_SIZE = 1024, /* descriptors in a table we offer; 2.7 permits 32768 */
    /* Segments of one chain, indirect ones included: 2.7.4.1 lets a device set a limit. Not the
     * queue size, which 2.7.5.3.1 names, because drivers put longer chains into indirect tables
     * of small queues. It is also IOV_MAX. */
    VIRTQ_MAX_SEGS = 1024,
};

struct virtq;

struct virtq_ops {
    /* Send a used buffer notification. With the queue's lock held; takes leaf locks only. */
    void (*interrupt)(struct virtq *vq);
    /* The driver broke the rules; `why` is one phrase. With the queue's lock held, as above. */
    void (*broken)(struct virtq *vq, const char *why);
};

/* Guest-physical range of a ring part, and where it is in RAM while the queue is ready. */
struct virtq_area {
    gpa_t gpa;
    size_t len;
    uint8_t *hva;
    struct ram_block *ram; /* a reference is held */
    size_t ram_offset;
};

struct virtq {
    unsigned index;
    /* private; all below is guarded by lock */
    pthread_mutex_t lock;
    pthread_cond_t idle; /* in_use has become 0 */
    const struct virtq_ops *ops;
    struct mem_space *space;
    bool ready, is_broken;
    bool indirect, event_idx; /* negotiated */
    uint16_t size;
    uint16_t last_avail;     /* next entry of the available ring to take */
    uint16_t used_idx;       /* next entry of the used ring to fill; never read back */
    uint16_t signalled_used; /* used_idx when the driver was last considered for a notification */
    unsigned in_use;         /* chains popped and not given back */
    uint32_t generation;     /* of this start: what was popped before it is not pushed after */
    struct virtq_area desc, avail, used;
    struct virtq_seg *scratch; /* VIRTQ_MAX_SEGS, where a chain is put together */
};

/* A piece of a chain: plain RAM, inside one block. */
struct virtq_seg {
    uint8_t *hva;
    size_t len;
    struct ram_block *ram; /* a reference is held */
    size_t ram_offset;
};

struct virtq_chain {
    struct virtq *vq;
    struct virtq_chain *next; /* the owner's, to keep chains in a list */
    uint32_t generation;
    uint16_t head;
    unsigned out_count, in_count; /* segments the device reads; segments it writes */
    uint64_t out_len, in_len;     /* bytes of them */
    struct virtq_seg seg[];       /* first all it reads, then all it writes (2.7.4.2) */
};

/* What the driver chose before it makes the queue ready. */
struct virtq_layout {
    uint32_t size;
    gpa_t desc, avail, used;
    bool indirect, event_idx;      /* VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX accepted */
    uint16_t last_avail, used_idx; /* 0, or what a saved state says */
};

/* -ENOMEM. `space` must outlive the queue. */
int virtq_init(struct virtq *vq, unsigned index, const struct virtq_ops *ops,
               struct mem_space *space) NODISCARD;
void virtq_fini(struct virtq *vq); /* stopped; fine when init failed or never ran on zeroes */

/* Makes the queue live. False, with a phrase, when the layout is not one: the size no power of
 * two, a part misaligned, not plain RAM, in more than one piece, or upon another. */
bool virtq_start(struct virtq *vq, const struct virtq_layout *layout,
                 const char **ret_why) NODISCARD;
/* No chain is popped or pushed any more; waits until those popped are given back. Not with a
 * lock held that giving them back takes. Fine when not started. */
void virtq_stop(struct virtq *vq);
/* The first half of virtq_stop(): does not wait. */
void virtq_close(struct virtq *vq);
/* Waits until no chain is in use; others may be popped meanwhile unless it is closed. */
void virtq_wait_idle(struct virtq *vq);
/* The device found a chain's contents to break the rules. */
void virtq_break(struct virtq *vq, const char *why);
/* Where the queue stands, for its saved state. */
void virtq_position(struct virtq *vq, uint16_t *ret_last_avail, uint16_t *ret_used_idx);

/* The next chain, or NULL: none is there, the queue is not ready or broken. After NULL the
 * driver will notify when it adds one. */
struct virtq_chain *virtq_pop(struct virtq *vq);
/* Gives the chain back, `written` bytes counted from its first writable byte being new, and
 * notifies the driver if it wants that (2.7.7.2). Frees the chain. */
void virtq_push(struct virtq_chain *chain, uint64_t written);
/* The same for several of one queue; the driver sees all or none of them. */
void virtq_push_many(struct virtq_chain *const *chains, const uint64_t *written, unsigned count);
/* Puts back the chains popped last, in the order they were popped: they come again. */
void virtq_unpop_many(struct virtq_chain *const *chains, unsigned count);
/* Frees the chain without the driver seeing it again; for a device being reset. */
void virtq_drop(struct virtq_chain *chain);

/* Copy from the readable part and to the writable part, from byte `offset` of it on; how many
 * bytes fitted. The second tells the dirty hub. */
size_t virtq_chain_read(const struct virtq_chain *chain, uint64_t offset, void *buf, size_t len);
size_t virtq_chain_write(const struct virtq_chain *chain, uint64_t offset, const void *buf,
                         size_t len);
/* The bytes [offset, offset + len) of the writable or the readable part as an iovec of at most
 * VIRTQ_MAX_SEGS; how many entries. */
unsigned virtq_chain_iov(const struct virtq_chain *chain, bool writable, uint64_t offset,
                         uint64_t len, struct iovec *iov);
/* Tells the dirty hub of bytes written through such an iovec. */
void virtq_chain_wrote(const struct virtq_chain *chain, uint64_t offset, uint64_t len);
/* Whether the last byte of the writable part lies in memory that another writable byte also is. */
bool virtq_chain_tail_overlaps(const struct virtq_chain *chain);

#endif

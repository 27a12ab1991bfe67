/* devices/virtio/chain.h - how queue.c gets a chain out of the descriptor tables. Private to
 * queue.c and chain.c. */
#ifndef DEVICES_VIRTIO_CHAIN_H
#define DEVICES_VIRTIO_CHAIN_H

#include "devices/virtio/queue.h"

/* struct virtq_desc, 2.7.5: le64 addr, le32 len, le16 flags, le16 next. */
enum {
    VIRTQ_DESC_SIZE = 16,
    VIRTQ_DESC_F_NEXT = 1,
    VIRTQ_DESC_F_WRITE = 2,
    VIRTQ_DESC_F_INDIRECT = 4,
};

/* The chain that starts at descriptor `head`, a number the driver wrote. NULL with a phrase when
 * it breaks a rule; nothing has happened then. The queue is ready and its lock held, the thread
 * registered with mem/. */
struct virtq_chain *virtq_chain_build(struct virtq *vq, uint16_t head, const char **ret_why);
void virtq_chain_free(struct virtq_chain *chain);

#endif

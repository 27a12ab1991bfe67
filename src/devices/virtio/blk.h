/* devices/virtio/blk.h - the virtio block device (virtio 1.2, 5.2). */
#ifndef DEVICES_VIRTIO_BLK_H
#define DEVICES_VIRTIO_BLK_H

#include "backend/block/block.h"
#include "devices/virtio/virtio.h"

enum { VIRTIO_BLK_CONFIG_SIZE = 60, VIRTIO_BLK_ID_LEN = 20 };

struct virtio_blk_params {
    struct block *block; /* not owned; outlives the device */
    unsigned queues;     /* 1 to VIRTIO_MAX_QUEUES; 0 means 1 */
    const char *serial;  /* up to 20 bytes are shown to the guest; NULL: none */
};

struct virtio_blk {
    struct virtio virtio;
    /* private */
    struct block *block;
    uint8_t config[VIRTIO_BLK_CONFIG_SIZE];
    char serial[VIRTIO_BLK_ID_LEN]; /* NUL-padded, perhaps not terminated */
    uint8_t writeback;              /* the driver's choice, with VIRTIO_BLK_F_CONFIG_WCE; atomic */
};

void virtio_blk_init(struct virtio_blk *blk, const char *id, struct mem_space *space,
                     const struct virtio_blk_params *params);
void virtio_blk_fini(struct virtio_blk *blk);

#endif

/* devices/virtio/rng.h - the virtio entropy device (virtio 1.2, 5.4). */
#ifndef DEVICES_VIRTIO_RNG_H
#define DEVICES_VIRTIO_RNG_H

#include "devices/virtio/virtio.h"
#include "event/pool.h"

struct virtio_rng {
    struct virtio virtio;
    /* private */
    struct pool *pool;
};

/* Requests are answered on `pool`, which must outlive the device. */
void virtio_rng_init(struct virtio_rng *rng, const char *id, struct mem_space *space,
                     struct pool *pool);
void virtio_rng_fini(struct virtio_rng *rng);

#endif

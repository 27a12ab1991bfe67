/* devices/virtio/console.h - the virtio console (virtio 1.2, 5.3), port 0 only. */
#ifndef DEVICES_VIRTIO_CONSOLE_H
#define DEVICES_VIRTIO_CONSOLE_H

#include "backend/char/chardev.h"
#include "devices/virtio/virtio.h"

enum { VIRTIO_CONSOLE_CONFIG_SIZE = 12, VIRTIO_CONSOLE_INPUT_MAX = 4096 };

struct virtio_console {
    struct virtio virtio;
    /* private */
    struct chardev *chr;
    uint8_t config[VIRTIO_CONSOLE_CONFIG_SIZE];

    /* Guards output: bytes leave in the order of their chains. Taken after dev.lock, before a
     * queue's lock. */
    pthread_mutex_t tx_lock;
    struct virtq_chain *tx_chain; /* the one the chardev has not taken all of, or NULL */
    uint64_t tx_done;             /* bytes of it, or of the next one, that have gone out */

    /* Input that waits for a buffer of the driver. input_lock is a leaf but for the queue's. */
    pthread_mutex_t input_lock;
    uint8_t input[VIRTIO_CONSOLE_INPUT_MAX];
    uint32_t input_len;
    struct loop_work deliver;
};

/* `chr` is not owned and outlives the device. */
void virtio_console_init(struct virtio_console *con, const char *id, struct mem_space *space,
                         struct chardev *chr);
void virtio_console_fini(struct virtio_console *con);

#endif

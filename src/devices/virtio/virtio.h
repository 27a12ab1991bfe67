/* devices/virtio/virtio.h - what every virtio device has, whatever bus it sits on.
 *
 *     transport (mmio.h, later PCI)  --registers-->  struct virtio  --ops-->  blk, net, rng,
 * console
 *                                    <-interrupts--                 <-queues-
 *
 * A device embeds struct virtio, fills ops, features_offered, queue count and config space, and
 * takes chains from its queues when told. The transport turns register accesses into the calls
 * of the second part of this header, and notifications into its interrupt.
 *
 * Locks: dev.lock guards status, features, queue layout and config space. The queues have their
 * own (queue.h), taken after it. notify() comes with no lock held, so several vCPUs may be in it.
 */
#ifndef DEVICES_VIRTIO_VIRTIO_H
#define DEVICES_VIRTIO_VIRTIO_H

#include "base/log.h"
#include "dev/device.h"
#include "devices/virtio/queue.h"

/* Device status bits, 2.1. */
enum {
    VIRTIO_STATUS_ACKNOWLEDGE = 1,
    VIRTIO_STATUS_DRIVER = 2,
    VIRTIO_STATUS_DRIVER_OK = 4,
    VIRTIO_STATUS_FEATURES_OK = 8,
    VIRTIO_STATUS_NEEDS_RESET = 64,
    VIRTIO_STATUS_FAILED = 128,
};

/* Feature bits of all devices, 6. */
enum { VIRTIO_F_INDIRECT_DESC = 28, VIRTIO_F_EVENT_IDX = 29, VIRTIO_F_VERSION_1 = 32 };
#define VIRTIO_FEATURE(bit) ((uint64_t)1 << (bit))

/* Device IDs, 5. */
enum { VIRTIO_ID_NET = 1, VIRTIO_ID_BLOCK = 2, VIRTIO_ID_CONSOLE = 3, VIRTIO_ID_ENTROPY = 4 };

enum { VIRTIO_MAX_QUEUES = 16 };

struct virtio;

/* Called with dev.lock held, notify perhaps without. NULL members, of which notify is none, do
 * nothing. */
struct virtio_ops {
    uint32_t device_id;
    /* Whether this subset of the offered features makes sense together. */
    bool (*features_ok)(struct virtio *v, uint64_t features);
    void (*start)(struct virtio *v); /* the driver has set DRIVER_OK */
    /* The queue is closed: give back or drop the chains that nothing under way will. */
    void (*quiesce)(struct virtio *v, unsigned queue);
    void (*reset)(struct virtio *v); /* queues are stopped; bring device state to power-on */
    /* [any thread] There may be chains in the queue; spurious calls happen. Usually with no lock
     * held, at DRIVER_OK with dev.lock: so it does not take that. */
    void (*notify)(struct virtio *v, unsigned queue);
    /* The driver wrote `size` bytes (1, 2, 4) of config space; inside config_len. */
    void (*config_write)(struct virtio *v, uint32_t offset, unsigned size, uint32_t val);
};

struct virtio_transport;
/* Called on any thread, with a queue's lock or dev.lock held: take leaf locks only. */
struct virtio_transport_ops {
    void (*queue_interrupt)(struct virtio_transport *t, unsigned queue);
    void (*config_interrupt)(struct virtio_transport *t);
};
struct virtio_transport {
    const struct virtio_transport_ops *ops;
};

struct virtio {
    struct device dev;
    const struct virtio_ops *ops;
    struct mem_space *space;            /* where the driver's addresses point */
    struct virtio_transport *transport; /* NULL: nobody is told */
    uint64_t features_offered;
    unsigned queue_count;
    uint16_t queue_max; /* descriptors, a power of two */
    uint8_t *config;    /* device-specific configuration, little endian */
    uint32_t config_len;
    struct virtq queues[VIRTIO_MAX_QUEUES];
    struct log_limit log_limit;

    /* guest-visible state; VIRTIO_STATE lists it. status and features are read without the lock
     * by the data path, hence the accessors below. */
    uint32_t status;
    uint32_t config_generation;
    uint64_t driver_features; /* as written */
    uint64_t features;        /* negotiated: valid from FEATURES_OK on */
    uint32_t queue_size[VIRTIO_MAX_QUEUES];
    bool queue_ready[VIRTIO_MAX_QUEUES];
    uint64_t queue_desc[VIRTIO_MAX_QUEUES];
    uint64_t queue_avail[VIRTIO_MAX_QUEUES];
    uint64_t queue_used[VIRTIO_MAX_QUEUES];
    uint16_t saved_avail[VIRTIO_MAX_QUEUES]; /* filled by pre_save */
    uint16_t saved_used[VIRTIO_MAX_QUEUES];
};

/* The common rows of a device's state table; `v` is the name of its struct virtio member. */
#define VIRTIO_STATE(type, v)                                                                      \
    STATE_UINT(type, v.status), STATE_UINT(type, v.config_generation),                             \
        STATE_UINT(type, v.driver_features), STATE_UINT(type, v.features),                         \
        STATE_UINT_ARRAY(type, v.queue_size), STATE_BOOL_ARRAY(type, v.queue_ready),               \
        STATE_UINT_ARRAY(type, v.queue_desc), STATE_UINT_ARRAY(type, v.queue_avail),               \
        STATE_UINT_ARRAY(type, v.queue_used), STATE_UINT_ARRAY(type, v.saved_avail),               \
        STATE_UINT_ARRAY(type, v.saved_used)

/* ---- for devices ---- */

/* `device_ops` is the device's own; its reset, pre_save and post_load are the three below, or
 * call them. */
void virtio_init(struct virtio *v, const struct virtio_ops *ops,
                 const struct device_ops *device_ops, const char *id, struct mem_space *space);
void virtio_fini(struct virtio *v);
/* For the device's realize and unrealize: makes queue_count queues. -ENOMEM. */
int virtio_realize(struct virtio *v, struct error *err) NODISCARD;
void virtio_unrealize(struct virtio *v);
void virtio_device_reset(struct device *dev);
void virtio_pre_save(struct device *dev);
int virtio_post_load(struct device *dev, struct error *err) NODISCARD;

/* [any thread] The driver is there, and nothing is broken. */
bool virtio_is_live(const struct virtio *v);
/* [any thread] Negotiated. A chain in hand keeps the answer true. */
bool virtio_has_feature(const struct virtio *v, unsigned bit);
/* Changes bytes of config space; reads may go on meanwhile. dev.lock held, or a byte at a time
 * is good enough. */
void virtio_config_store(struct virtio *v, uint32_t offset, const void *bytes, size_t len);
/* dev.lock held, config space already changed. */
void virtio_config_changed(struct virtio *v);
/* [any thread] The driver did what no reset-less device recovers from (2.1.2). */
void virtio_needs_reset(struct virtio *v, const char *why);

/* ---- for transports; dev.lock held, but for notify and status ---- */

/* [any thread] */
uint32_t virtio_status(const struct virtio *v);
/* 0 resets, and returns when the device no longer touches guest memory. */
void virtio_set_status(struct virtio *v, uint32_t status);
/* `word` 0 is bits 0 to 31, and so on; what is beyond reads 0 and takes no writes. */
uint32_t virtio_features_word(const struct virtio *v, uint32_t word);
void virtio_set_driver_features_word(struct virtio *v, uint32_t word, uint32_t val);
/* Queues that do not exist have size 0 and ignore the rest. */
uint32_t virtio_queue_max(const struct virtio *v, uint32_t queue);
bool virtio_queue_is_ready(const struct virtio *v, uint32_t queue);
void virtio_set_queue_size(struct virtio *v, uint32_t queue, uint32_t size);
enum virtio_queue_part { VIRTIO_QUEUE_DESC, VIRTIO_QUEUE_AVAIL, VIRTIO_QUEUE_USED };
/* Writes one half of a 64-bit address. */
void virtio_set_queue_addr(struct virtio *v, uint32_t queue, enum virtio_queue_part part, bool high,
                           uint32_t val);
void virtio_set_queue_ready(struct virtio *v, uint32_t queue, bool ready);
uint32_t virtio_config_read(const struct virtio *v, uint32_t offset, unsigned size);
void virtio_config_write(struct virtio *v, uint32_t offset, unsigned size, uint32_t val);
/* [any thread, no lock] The driver notified the device of `queue`, a number it wrote. */
void virtio_notify(struct virtio *v, uint32_t queue);

#endif

/* devices/virtio/tests/probe.h - a virtio device that does nothing but give chains back. */
#ifndef DEVICES_VIRTIO_TESTS_PROBE_H
#define DEVICES_VIRTIO_TESTS_PROBE_H

#include "devices/virtio/tests/driver.h"

enum { PROBE_FEATURE = 3, PROBE_QUEUES = 2, PROBE_QUEUE_MAX = 64 };

struct probe {
    struct virtio virtio;
    uint8_t config[8];
    bool hold;                /* keep what is popped */
    struct virtq_chain *held; /* a list */
    atomic_uint popped;
    uint64_t out_len, in_len; /* of the last chain */
    unsigned out_count, in_count;
    uint32_t config_written;
};

static inline void probe_notify(struct virtio *v, unsigned queue)
{
    struct probe *p = container_of(v, struct probe, virtio);
    struct virtq_chain *chain;

    while ((chain = virtq_pop(&v->queues[queue])) != NULL) {
        atomic_fetch_add(&p->popped, 1);
        p->out_len = chain->out_len;
        p->in_len = chain->in_len;
        p->out_count = chain->out_count;
        p->in_count = chain->in_count;
        if (p->hold) {
            chain->next = p->held;
            p->held = chain;
        } else {
            virtq_push(chain, chain->in_len);
        }
    }
}

static inline void probe_config_write(struct virtio *v, uint32_t offset, unsigned size,
                                      uint32_t val)
{
    container_of(v, struct probe, virtio)->config_written = offset << 24 | size << 16 | val;
}

static const struct virtio_ops probe_virtio_ops = {
    .device_id = 42,
    .notify = probe_notify,
    .config_write = probe_config_write,
};

static inline int probe_realize(struct device *dev, struct error *err)
{
    return virtio_realize(container_of(dev, struct virtio, dev), err);
}

static inline void probe_unrealize(struct device *dev)
{
    virtio_unrealize(container_of(dev, struct virtio, dev));
}

static const struct state_field probe_state[] = {
    VIRTIO_STATE(struct probe, virtio),
    STATE_END,
};

static const struct device_ops probe_device_ops = {
    .type = "probe",
    .realize = probe_realize,
    .reset = virtio_device_reset,
    .unrealize = probe_unrealize,
    .pre_save = virtio_pre_save,
    .post_load = virtio_post_load,
    .state = probe_state,
    .state_version = 1,
    .device_offset = offsetof(struct probe, virtio.dev),
};

static inline void probe_init(struct probe *p, struct bench *b)
{
    memset(p, 0, sizeof(*p));
    virtio_init(&p->virtio, &probe_virtio_ops, &probe_device_ops, "probe", b->space);
    p->virtio.queue_count = PROBE_QUEUES;
    p->virtio.queue_max = PROBE_QUEUE_MAX;
    p->virtio.features_offered |= VIRTIO_FEATURE(PROBE_FEATURE);
    p->virtio.config = p->config;
    p->virtio.config_len = sizeof(p->config);
    for (unsigned i = 0; i < sizeof(p->config); i++)
        p->config[i] = (uint8_t)(0x10 + i);
}

#define PROBE_ALL                                                                                  \
    (VIRTIO_FEATURE(VIRTIO_F_INDIRECT_DESC) | VIRTIO_FEATURE(VIRTIO_F_EVENT_IDX) |                 \
     VIRTIO_FEATURE(PROBE_FEATURE))
#define PROBE_INDIRECT VIRTIO_FEATURE(VIRTIO_F_INDIRECT_DESC)

/* A bench with a probe, driven up to one live queue of 8. */
static inline void probe_start(struct bench *b, struct probe *p, struct dq *q, uint64_t features)
{
    bench_init(b, 1);
    probe_init(p, b);
    bench_plug(b, &p->virtio);
    features = driver_begin(b, features);
    queue_make(b, q, 0, 8);
    q->event_idx = (features >> VIRTIO_F_EVENT_IDX & 1) != 0;
    driver_ok(b);
}

static inline void probe_end(struct bench *b, struct probe *p)
{
    bench_unplug(b);
    virtio_fini(&p->virtio);
    bench_fini(b);
}

#endif

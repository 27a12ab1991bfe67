/*
 * devices/virtio/virtio.c - the part of a virtio device that is the same for all.
 *
 * Status machine (2.1, 3.1): the driver sets bits and never clears one except by writing 0. A
 * write of FEATURES_OK is checked and sticks only if the features are acceptable; DRIVER_OK makes
 * the queues live. A driver need not accept VIRTIO_F_VERSION_1: 6.2 lets a device go on without,
 * small teaching systems rely on it, and the layout is the same for a little-endian guest.
 *
 * Reset waits, in the driver's own register write, until no request is under way: 2.4.1 forbids
 * to touch the queues once status reads 0, and a disk read that lands in memory the guest has
 * reused would be far worse. Requests in flight need neither dev.lock nor the vCPU that waits.
 *
 * status is or-ed into by whoever finds the driver at fault (virtio_needs_reset), with a queue's
 * lock held perhaps, so it is atomic and not under dev.lock alone.
 */
#include "devices/virtio/virtio.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "devices/virtio/virtio_trace.h"

enum {
    STATUS_DRIVER_BITS = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
                         VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_FAILED
};

static struct virtio *virtq_owner(struct virtq *vq)
{
    return container_of(vq - vq->index, struct virtio, queues[0]);
}

static void on_queue_interrupt(struct virtq *vq)
{
    struct virtio *v = virtq_owner(vq);

    if (v->transport != NULL)
        v->transport->ops->queue_interrupt(v->transport, vq->index);
}

static void on_queue_broken(struct virtq *vq, const char *why)
{
    virtio_needs_reset(virtq_owner(vq), why);
}

static const struct virtq_ops queue_ops = {
    .interrupt = on_queue_interrupt,
    .broken = on_queue_broken,
};

/* ---- life ---- */

void virtio_init(struct virtio *v, const struct virtio_ops *ops,
                 const struct device_ops *device_ops, const char *id, struct mem_space *space)
{
    memset(v, 0, sizeof(*v));
    device_init(&v->dev, device_ops, id);
    v->ops = ops;
    v->space = space;
    v->features_offered = VIRTIO_FEATURE(VIRTIO_F_VERSION_1) |
                          VIRTIO_FEATURE(VIRTIO_F_INDIRECT_DESC) |
                          VIRTIO_FEATURE(VIRTIO_F_EVENT_IDX);
    v->queue_max = 256;
}

void virtio_fini(struct virtio *v)
{
    device_fini(&v->dev);
}

int virtio_realize(struct virtio *v, struct error *err)
{
    assert(v->queue_count <= VIRTIO_MAX_QUEUES && v->queue_max <= VIRTQ_MAX_SIZE);
    for (unsigned i = 0; i < v->queue_count; i++) {
        if (virtq_init(&v->queues[i], i, &queue_ops, v->space) != 0) {
            virtio_unrealize(v);
            return error_set(err, ENOMEM, "no memory for %u queues", v->queue_count);
        }
    }
    return 0;
}

/* Closes the queues and waits until nothing of theirs is under way. dev.lock held. */
static void stop_queues(struct virtio *v)
{
    for (unsigned i = 0; i < v->queue_count; i++)
        virtq_close(&v->queues[i]);
    for (unsigned i = 0; i < v->queue_count; i++) {
        if (v->ops->quiesce != NULL)
            v->ops->quiesce(v, i);
        virtq_wait_idle(&v->queues[i]);
        v->queue_ready[i] = false;
    }
}

static void reset_locked(struct virtio *v)
{
    trace_virtio_reset(v->dev.id);
    __atomic_and_fetch(&v->status, ~(uint32_t)VIRTIO_STATUS_DRIVER_OK, __ATOMIC_RELAXED);
    stop_queues(v);
    v->driver_features = 0;
    __atomic_store_n(&v->features, 0, __ATOMIC_RELAXED);
    v->config_generation = 0;
    memset(v->queue_size, 0, sizeof(v->queue_size));
    memset(v->queue_desc, 0, sizeof(v->queue_desc));
    memset(v->queue_avail, 0, sizeof(v->queue_avail));
    memset(v->queue_used, 0, sizeof(v->queue_used));
    if (v->ops->reset != NULL)
        v->ops->reset(v);
    __atomic_store_n(&v->status, 0, __ATOMIC_RELEASE);
}

void virtio_unrealize(struct virtio *v)
{
    for (unsigned i = 0; i < v->queue_count; i++) {
        if (v->queues[i].scratch == NULL)
            continue;
        virtq_close(&v->queues[i]);
        if (v->ops->quiesce != NULL)
            v->ops->quiesce(v, i);
        virtq_wait_idle(&v->queues[i]);
        virtq_fini(&v->queues[i]);
    }
}

void virtio_device_reset(struct device *dev)
{
    reset_locked(container_of(dev, struct virtio, dev));
}

/* ---- state ---- */

void virtio_pre_save(struct device *dev)
{
    struct virtio *v = container_of(dev, struct virtio, dev);

    /* Requests under way finish first; the vCPUs are stopped, so no new ones come. */
    for (unsigned i = 0; i < v->queue_count; i++) {
        virtq_wait_idle(&v->queues[i]);
        virtq_position(&v->queues[i], &v->saved_avail[i], &v->saved_used[i]);
    }
}

static const char *start_queue(struct virtio *v, unsigned queue, uint16_t last_avail,
                               uint16_t used_idx)
{
    struct virtq_layout layout = {
        .size = v->queue_size[queue],
        .desc = v->queue_desc[queue],
        .avail = v->queue_avail[queue],
        .used = v->queue_used[queue],
        .indirect = virtio_has_feature(v, VIRTIO_F_INDIRECT_DESC),
        .event_idx = virtio_has_feature(v, VIRTIO_F_EVENT_IDX),
        .last_avail = last_avail,
        .used_idx = used_idx,
    };
    const char *why = NULL;

    if (layout.size > v->queue_max)
        return "queue size is larger than the device offers";
    return virtq_start(&v->queues[queue], &layout, &why) ? NULL : why;
}

int virtio_post_load(struct device *dev, struct error *err)
{
    struct virtio *v = container_of(dev, struct virtio, dev);

    if ((v->features & ~v->features_offered) != 0)
        return error_set(err, EINVAL, "the saved driver uses features 0x%llx this device lacks",
                         (unsigned long long)(v->features & ~v->features_offered));
    for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++) {
        const char *why;

        if (!v->queue_ready[i])
            continue;
        why = i < v->queue_count ? start_queue(v, i, v->saved_avail[i], v->saved_used[i])
                                 : "the device has no such queue";
        if (why != NULL) {
            v->queue_ready[i] = false;
            return error_set(err, EINVAL, "saved queue %u cannot be used: %s", i, why);
        }
    }
    if (virtio_is_live(v)) {
        if (v->ops->start != NULL)
            v->ops->start(v);
        for (unsigned i = 0; i < v->queue_count; i++)
            v->ops->notify(v, i);
    }
    return 0;
}

/* ---- for devices ---- */

uint32_t virtio_status(const struct virtio *v)
{
    return __atomic_load_n(&v->status, __ATOMIC_ACQUIRE);
}

bool virtio_is_live(const struct virtio *v)
{
    return (virtio_status(v) & (VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_NEEDS_RESET)) ==
           VIRTIO_STATUS_DRIVER_OK;
}

bool virtio_has_feature(const struct virtio *v, unsigned bit)
{
    return (__atomic_load_n(&v->features, __ATOMIC_RELAXED) >> bit & 1) != 0;
}

void virtio_config_store(struct virtio *v, uint32_t offset, const void *bytes, size_t len)
{
    assert(offset + len <= v->config_len);
    for (size_t i = 0; i < len; i++)
        __atomic_store_n(&v->config[offset + i], ((const uint8_t *)bytes)[i], __ATOMIC_RELAXED);
}

void virtio_config_changed(struct virtio *v)
{
    v->config_generation++;
    if ((virtio_status(v) & VIRTIO_STATUS_DRIVER_OK) != 0 && v->transport != NULL)
        v->transport->ops->config_interrupt(v->transport);
}

void virtio_needs_reset(struct virtio *v, const char *why)
{
    uint32_t old = __atomic_fetch_or(&v->status, VIRTIO_STATUS_NEEDS_RESET, __ATOMIC_ACQ_REL);

    if ((old & VIRTIO_STATUS_NEEDS_RESET) != 0)
        return;
    trace_virtio_needs_reset(v->dev.id, why);
    log_guest(&v->log_limit, "%s: %s; the device waits for a reset", v->dev.id, why);
    if ((old & VIRTIO_STATUS_DRIVER_OK) != 0 && v->transport != NULL)
        v->transport->ops->config_interrupt(v->transport); /* MUST, 2.1.2 */
}

/* ---- for transports ---- */

static bool features_acceptable(struct virtio *v)
{
    /* 2.2.2: a subset of what is offered, and of what makes sense together. */
    if ((v->driver_features & ~v->features_offered) != 0)
        return false;
    return v->ops->features_ok == NULL || v->ops->features_ok(v, v->driver_features);
}

void virtio_set_status(struct virtio *v, uint32_t status)
{
    uint32_t old, set;

    if (status == 0) {
        reset_locked(v);
        return;
    }
    old = virtio_status(v);
    set = status & STATUS_DRIVER_BITS & ~old;
    if ((set & VIRTIO_STATUS_FEATURES_OK) != 0) {
        if (features_acceptable(v))
            __atomic_store_n(&v->features, v->driver_features, __ATOMIC_RELAXED);
        else
            set &= ~(uint32_t)(VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
    }
    __atomic_or_fetch(&v->status, set, __ATOMIC_ACQ_REL);
    trace_virtio_status(v->dev.id, old, old | set);
    if ((set & VIRTIO_STATUS_DRIVER_OK) == 0 || !virtio_is_live(v))
        return;
    if (v->ops->start != NULL)
        v->ops->start(v);
    /* A driver must not notify before DRIVER_OK (3.1.1), but may have filled queues before. */
    for (unsigned i = 0; i < v->queue_count; i++)
        v->ops->notify(v, i);
}

uint32_t virtio_features_word(const struct virtio *v, uint32_t word)
{
    return word < 2 ? (uint32_t)(v->features_offered >> (32 * word)) : 0;
}

void virtio_set_driver_features_word(struct virtio *v, uint32_t word, uint32_t val)
{
    if (word >= 2 || (virtio_status(v) & VIRTIO_STATUS_FEATURES_OK) != 0)
        return; /* 3.1.1: no new features after FEATURES_OK */
    v->driver_features &= ~((uint64_t)UINT32_MAX << (32 * word));
    v->driver_features |= (uint64_t)val << (32 * word);
}

uint32_t virtio_queue_max(const struct virtio *v, uint32_t queue)
{
    return queue < v->queue_count ? v->queue_max : 0;
}

bool virtio_queue_is_ready(const struct virtio *v, uint32_t queue)
{
    return queue < v->queue_count && v->queue_ready[queue];
}

/* The layout may be written: the queue exists and is not in use (4.2.2.2). */
static bool queue_is_open(const struct virtio *v, uint32_t queue)
{
    return queue < v->queue_count && !v->queue_ready[queue];
}

void virtio_set_queue_size(struct virtio *v, uint32_t queue, uint32_t size)
{
    if (queue_is_open(v, queue))
        v->queue_size[queue] = size; /* judged when the queue becomes ready */
}

void virtio_set_queue_addr(struct virtio *v, uint32_t queue, enum virtio_queue_part part, bool high,
                           uint32_t val)
{
    uint64_t *addr, *parts[] = { [VIRTIO_QUEUE_DESC] = v->queue_desc,
                                 [VIRTIO_QUEUE_AVAIL] = v->queue_avail,
                                 [VIRTIO_QUEUE_USED] = v->queue_used };

    if (!queue_is_open(v, queue))
        return;
    addr = &parts[part][queue];
    *addr =
        high ? (*addr & UINT32_MAX) | (uint64_t)val << 32 : (*addr & ~(uint64_t)UINT32_MAX) | val;
}

void virtio_set_queue_ready(struct virtio *v, uint32_t queue, bool ready)
{
    const char *why;

    if (queue >= v->queue_count || v->queue_ready[queue] == ready)
        return;
    if (!ready) {
        virtq_close(&v->queues[queue]);
        if (v->ops->quiesce != NULL)
            v->ops->quiesce(v, queue);
        virtq_wait_idle(&v->queues[queue]);
        v->queue_ready[queue] = false;
        return;
    }
    why = start_queue(v, queue, 0, 0);
    if (why != NULL)
        virtio_needs_reset(v, why);
    else
        v->queue_ready[queue] = true;
}

uint32_t virtio_config_read(const struct virtio *v, uint32_t offset, unsigned size)
{
    uint32_t val = 0;

    for (unsigned i = 0; i < size; i++) {
        if (offset + i < v->config_len)
            val |= (uint32_t)__atomic_load_n(&v->config[offset + i], __ATOMIC_RELAXED) << (8 * i);
    }
    return val;
}

void virtio_config_write(struct virtio *v, uint32_t offset, unsigned size, uint32_t val)
{
    if (v->ops->config_write != NULL && offset < v->config_len && v->config_len - offset >= size)
        v->ops->config_write(v, offset, size, val);
}

void virtio_notify(struct virtio *v, uint32_t queue)
{
    trace_virtio_notify(v->dev.id, queue);
    if (queue < v->queue_count && virtio_is_live(v))
        v->ops->notify(v, queue);
}

/*
 * devices/virtio/mmio.c - the register file of virtio over MMIO.
 *
 * Only version 2; the legacy layout (4.2.4) is not offered. Control registers take 32-bit
 * accesses, the rest is read as 0 and ignored when written (a driver must not, 4.2.2.2); the
 * configuration space takes 8, 16 and 32 bits.
 *
 * The region has no lock of its own: QueueNotify, InterruptStatus and InterruptACK are the hot
 * path and must not wait for a reset or for each other's device work, so they take none or
 * irq_lock alone. All other registers take the virtio device's dev.lock.
 */
#include "devices/virtio/mmio.h"

#include <string.h>

enum {
    REG_MAGIC_VALUE = 0x000,
    REG_VERSION = 0x004,
    REG_DEVICE_ID = 0x008,
    REG_VENDOR_ID = 0x00c,
    REG_DEVICE_FEATURES = 0x010,
    REG_DEVICE_FEATURES_SEL = 0x014,
    REG_DRIVER_FEATURES = 0x020,
    REG_DRIVER_FEATURES_SEL = 0x024,
    REG_QUEUE_SEL = 0x030,
    REG_QUEUE_NUM_MAX = 0x034,
    REG_QUEUE_NUM = 0x038,
    REG_QUEUE_READY = 0x044,
    REG_QUEUE_NOTIFY = 0x050,
    REG_INTERRUPT_STATUS = 0x060,
    REG_INTERRUPT_ACK = 0x064,
    REG_STATUS = 0x070,
    REG_QUEUE_DESC_LOW = 0x080,
    REG_QUEUE_DESC_HIGH = 0x084,
    REG_QUEUE_DRIVER_LOW = 0x090,
    REG_QUEUE_DRIVER_HIGH = 0x094,
    REG_QUEUE_DEVICE_LOW = 0x0a0,
    REG_QUEUE_DEVICE_HIGH = 0x0a4,
    REG_SHM_SEL = 0x0ac,
    REG_SHM_LEN_LOW = 0x0b0,
    REG_SHM_LEN_HIGH = 0x0b4,
    REG_SHM_BASE_LOW = 0x0b8,
    REG_SHM_BASE_HIGH = 0x0bc,
    REG_CONFIG_GENERATION = 0x0fc,
    REG_CONFIG = 0x100,

    MAGIC = 0x74726976, /* "virt" */
    VERSION = 2,
    VENDOR = 0x6f657256, /* "Vreo" */

    INTERRUPT_QUEUE = 1,
    INTERRUPT_CONFIG = 2,
};

/* ---- interrupts ---- */

static void interrupt_set(struct virtio_mmio *m, uint32_t bits)
{
    pthread_mutex_lock(&m->irq_lock);
    m->interrupt_status |= bits;
    irq_set(&m->irq, m->interrupt_status != 0);
    pthread_mutex_unlock(&m->irq_lock);
}

static void interrupt_clear(struct virtio_mmio *m, uint32_t bits)
{
    pthread_mutex_lock(&m->irq_lock);
    m->interrupt_status &= ~bits;
    irq_set(&m->irq, m->interrupt_status != 0);
    pthread_mutex_unlock(&m->irq_lock);
}

static uint32_t interrupt_read(struct virtio_mmio *m)
{
    uint32_t status;

    pthread_mutex_lock(&m->irq_lock);
    status = m->interrupt_status;
    pthread_mutex_unlock(&m->irq_lock);
    return status;
}

static void on_queue_interrupt(struct virtio_transport *t, unsigned queue)
{
    (void)queue; /* one interrupt for all (4.2.3.4) */
    interrupt_set(container_of(t, struct virtio_mmio, transport), INTERRUPT_QUEUE);
}

static void on_config_interrupt(struct virtio_transport *t)
{
    interrupt_set(container_of(t, struct virtio_mmio, transport), INTERRUPT_CONFIG);
}

static const struct virtio_transport_ops mmio_transport_ops = {
    .queue_interrupt = on_queue_interrupt,
    .config_interrupt = on_config_interrupt,
};

/* ---- registers ---- */

static uint32_t empty_read(gpa_t off)
{
    switch (off) {
    case REG_MAGIC_VALUE:
        return MAGIC;
    case REG_VERSION:
        return VERSION;
    case REG_VENDOR_ID:
        return VENDOR;
    default: /* DeviceID is 0; a driver looks no further (4.2.3.1.1) */
        return 0;
    }
}

static uint32_t control_read(struct virtio_mmio *m, gpa_t off)
{
    struct virtio *v = m->virtio;

    switch (off) {
    case REG_DEVICE_ID:
        return v->ops->device_id;
    case REG_DEVICE_FEATURES:
        return virtio_features_word(v, m->features_sel);
    case REG_QUEUE_NUM_MAX:
        return virtio_queue_max(v, m->queue_sel);
    case REG_QUEUE_READY:
        return virtio_queue_is_ready(v, m->queue_sel);
    case REG_STATUS:
        return virtio_status(v);
    case REG_SHM_LEN_LOW: /* no shared memory regions: -1 (4.2.2) */
    case REG_SHM_LEN_HIGH:
    case REG_SHM_BASE_LOW:
    case REG_SHM_BASE_HIGH:
        return UINT32_MAX;
    case REG_CONFIG_GENERATION:
        return v->config_generation;
    default:
        return empty_read(off);
    }
}

static void control_write(struct virtio_mmio *m, gpa_t off, uint32_t val)
{
    struct virtio *v = m->virtio;

    switch (off) {
    case REG_DEVICE_FEATURES_SEL:
        m->features_sel = val;
        break;
    case REG_DRIVER_FEATURES:
        virtio_set_driver_features_word(v, m->driver_features_sel, val);
        break;
    case REG_DRIVER_FEATURES_SEL:
        m->driver_features_sel = val;
        break;
    case REG_QUEUE_SEL:
        m->queue_sel = val;
        break;
    case REG_QUEUE_NUM:
        virtio_set_queue_size(v, m->queue_sel, val);
        break;
    case REG_QUEUE_READY:
        virtio_set_queue_ready(v, m->queue_sel, (val & 1) != 0);
        break;
    case REG_STATUS:
        virtio_set_status(v, val);
        if (val == 0)
            interrupt_clear(m, UINT32_MAX); /* 4.2.2.1 */
        break;
    case REG_QUEUE_DESC_LOW:
    case REG_QUEUE_DESC_HIGH:
        virtio_set_queue_addr(v, m->queue_sel, VIRTIO_QUEUE_DESC, (off & 4) != 0, val);
        break;
    case REG_QUEUE_DRIVER_LOW:
    case REG_QUEUE_DRIVER_HIGH:
        virtio_set_queue_addr(v, m->queue_sel, VIRTIO_QUEUE_AVAIL, (off & 4) != 0, val);
        break;
    case REG_QUEUE_DEVICE_LOW:
    case REG_QUEUE_DEVICE_HIGH:
        virtio_set_queue_addr(v, m->queue_sel, VIRTIO_QUEUE_USED, (off & 4) != 0, val);
        break;
    default: /* read-only, reserved, or SHMSel, which has nothing to select */
        break;
    }
}

static enum mem_result mmio_read(struct mem_region *region, gpa_t off, unsigned size, uint64_t *val)
{
    struct virtio_mmio *m = container_of(region, struct virtio_mmio, mmio);

    *val = 0;
    if (off < REG_CONFIG && size != 4)
        return MEM_OK;
    if (m->virtio == NULL) {
        *val = empty_read(off);
        return MEM_OK;
    }
    if (off == REG_INTERRUPT_STATUS) {
        *val = interrupt_read(m);
        return MEM_OK;
    }
    pthread_mutex_lock(&m->virtio->dev.lock);
    *val = off < REG_CONFIG ? control_read(m, off)
                            : virtio_config_read(m->virtio, (uint32_t)(off - REG_CONFIG), size);
    pthread_mutex_unlock(&m->virtio->dev.lock);
    return MEM_OK;
}

static enum mem_result mmio_write(struct mem_region *region, gpa_t off, unsigned size, uint64_t val)
{
    struct virtio_mmio *m = container_of(region, struct virtio_mmio, mmio);
    uint32_t val32 = (uint32_t)val;

    if (m->virtio == NULL || (off < REG_CONFIG && size != 4))
        return MEM_OK;
    if (off == REG_QUEUE_NOTIFY) {
        virtio_notify(m->virtio, val32);
        return MEM_OK;
    }
    if (off == REG_INTERRUPT_ACK) {
        interrupt_clear(m, val32);
        return MEM_OK;
    }
    pthread_mutex_lock(&m->virtio->dev.lock);
    if (off < REG_CONFIG)
        control_write(m, off, val32);
    else
        virtio_config_write(m->virtio, (uint32_t)(off - REG_CONFIG), size, val32);
    pthread_mutex_unlock(&m->virtio->dev.lock);
    return MEM_OK;
}

static const struct mem_region_ops mmio_ops = {
    .read = mmio_read,
    .write = mmio_write,
    .min_size = 1,
    .max_size = 4,
};

/* ---- life ---- */

static struct virtio_mmio *to_mmio(struct device *dev)
{
    return container_of(dev, struct virtio_mmio, dev);
}

static int virtio_mmio_realize(struct device *dev, struct error *err)
{
    struct virtio_mmio *m = to_mmio(dev);

    (void)err;
    if (m->virtio != NULL)
        m->virtio->transport = &m->transport;
    return 0;
}

static void virtio_mmio_unrealize(struct device *dev)
{
    struct virtio_mmio *m = to_mmio(dev);

    if (m->virtio != NULL)
        m->virtio->transport = NULL;
    interrupt_clear(m, UINT32_MAX);
}

static void virtio_mmio_reset(struct device *dev)
{
    struct virtio_mmio *m = to_mmio(dev);

    m->features_sel = m->driver_features_sel = m->queue_sel = 0;
    interrupt_clear(m, UINT32_MAX);
}

static int virtio_mmio_post_load(struct device *dev, struct error *err)
{
    (void)err;
    interrupt_set(to_mmio(dev), 0); /* the line follows the register */
    return 0;
}

static const struct state_field virtio_mmio_state[] = {
    STATE_UINT(struct virtio_mmio, features_sel),
    STATE_UINT(struct virtio_mmio, driver_features_sel),
    STATE_UINT(struct virtio_mmio, queue_sel),
    STATE_UINT(struct virtio_mmio, interrupt_status),
    STATE_END,
};

static const struct device_ops virtio_mmio_device_ops = {
    .type = "virtio-mmio",
    .realize = virtio_mmio_realize,
    .reset = virtio_mmio_reset,
    .unrealize = virtio_mmio_unrealize,
    .post_load = virtio_mmio_post_load,
    .state = virtio_mmio_state,
    .state_version = 1,
    .device_offset = offsetof(struct virtio_mmio, dev),
};

void virtio_mmio_init(struct virtio_mmio *m, const char *id, struct virtio *virtio,
                      struct irq_line irq)
{
    memset(m, 0, sizeof(*m));
    device_init(&m->dev, &virtio_mmio_device_ops, id);
    m->virtio = virtio;
    m->irq = irq;
    m->transport.ops = &mmio_transport_ops;
    pthread_mutex_init(&m->irq_lock, NULL);
    mem_region_init_mmio(&m->mmio, id, VIRTIO_MMIO_SIZE, &mmio_ops, NULL);
}

void virtio_mmio_fini(struct virtio_mmio *m)
{
    mem_region_fini(&m->mmio);
    pthread_mutex_destroy(&m->irq_lock);
    device_fini(&m->dev);
}

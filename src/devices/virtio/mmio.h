/* devices/virtio/mmio.h - virtio over memory-mapped registers, version 2 (virtio 1.2, 4.2).
 *
 * A slot: the board places one per address whether or not a device sits in it; an empty one
 * reads DeviceID 0 and drivers pass over it (4.2.2). Slot and device are two struct devices,
 * realized and reset each for itself, the device first.
 */
#ifndef DEVICES_VIRTIO_MMIO_H
#define DEVICES_VIRTIO_MMIO_H

#include "dev/irq.h"
#include "devices/virtio/virtio.h"

enum { VIRTIO_MMIO_SIZE = 0x200 };

struct virtio_mmio {
    struct device dev;
    struct mem_region mmio; /* the board hangs it up; takes no lock, see mmio.c */
    struct virtio *virtio;  /* NULL: an empty slot */
    /* private */
    struct virtio_transport transport;
    struct irq_line irq;
    /* Registers; guarded by virtio->dev.lock. */
    uint32_t features_sel, driver_features_sel, queue_sel;
    /* Guards interrupt_status together with the level of irq. A leaf but for the irq's sink. */
    pthread_mutex_t irq_lock;
    uint32_t interrupt_status;
};

/* `virtio` (may be NULL) must outlive the slot. */
void virtio_mmio_init(struct virtio_mmio *m, const char *id, struct virtio *virtio,
                      struct irq_line irq);
void virtio_mmio_fini(struct virtio_mmio *m);

#endif

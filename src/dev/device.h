/* dev/device.h - what every device has: a life, a lock, lines, and a table of its state.
 *
 * A device struct embeds `struct device` (container_of finds the way back). Life:
 *   x_init(storage, parameters)   cannot fail, touches nothing outside the struct
 *   device_realize()              may fail, undoes itself; opens what it needs, then resets
 *   device_reset()                any number of times; cannot fail; power-on state
 *   device_unrealize()            mirrors realize; fine when not realized
 *   x_fini()                      where init made something
 * Regions are ready to be placed after x_init() unless the device says otherwise. Reset may drive
 * lines, so whatever they lead to must have been through its own x_init() before.
 * Snapshot, migration and `info` use ops->state (dev/state.h); nothing is written by hand.
 */
#ifndef DEV_DEVICE_H
#define DEV_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "mem/space.h"

struct device;

/* One field of the guest-visible state. A table ends with STATE_END. */
enum state_kind { STATE_KIND_END, STATE_KIND_UINT, STATE_KIND_BYTES, STATE_KIND_BOOL };
struct state_field {
    const char *name;
    enum state_kind kind;
    uint32_t offset; /* bytes from the device struct (the one that embeds struct device) */
    uint32_t size;   /* bytes of one element: 1, 2, 4 or 8 for UINT, 1 for the others */
    uint32_t count;  /* elements: 1, or the array's length */
    uint32_t since;  /* version of the table that brought the field */
};
#define STATE_ELEM_SIZE(type, field) sizeof(((type *)0)->field)
#define STATE_ITEM_SIZE(type, array) sizeof(*((type *)0)->array)
/* `field` may be a path ("core.priority"). The plain macros make a field of version 1, the _V
 * ones of the version given. */
/* clang-format off */
#define STATE_UINT_V(type, field, since)                                                           \
    { #field, STATE_KIND_UINT, offsetof(type, field), STATE_ELEM_SIZE(type, field), 1, since }
#define STATE_UINT_ARRAY_V(type, field, since)                                                     \
    { #field, STATE_KIND_UINT, offsetof(type, field), STATE_ITEM_SIZE(type, field),                \
      STATE_ELEM_SIZE(type, field) / STATE_ITEM_SIZE(type, field), since }
#define STATE_BOOL_V(type, field, since)                                                           \
    { #field, STATE_KIND_BOOL, offsetof(type, field), sizeof(bool), 1, since }
#define STATE_BOOL_ARRAY_V(type, field, since)                                                     \
    { #field, STATE_KIND_BOOL, offsetof(type, field), sizeof(bool),                                \
      STATE_ELEM_SIZE(type, field) / sizeof(bool), since }
#define STATE_BYTES_V(type, field, since)                                                          \
    { #field, STATE_KIND_BYTES, offsetof(type, field), 1, STATE_ELEM_SIZE(type, field), since }
#define STATE_END { NULL, STATE_KIND_END, 0, 0, 0, 0 }
/* clang-format on */
#define STATE_UINT(type, field) STATE_UINT_V(type, field, 1)
#define STATE_UINT_ARRAY(type, field) STATE_UINT_ARRAY_V(type, field, 1)
#define STATE_BOOL(type, field) STATE_BOOL_V(type, field, 1)
#define STATE_BOOL_ARRAY(type, field) STATE_BOOL_ARRAY_V(type, field, 1)
#define STATE_BYTES(type, field) STATE_BYTES_V(type, field, 1)

struct device_ops {
    const char *type; /* "uart", "virtio-blk": one word, for messages and `info` */
    /* NULL: cannot fail. Not under the lock. device_realize() puts type and id before the text. */
    int (*realize)(struct device *dev, struct error *err);
    void (*reset)(struct device *dev);     /* called with dev->lock held */
    void (*unrealize)(struct device *dev); /* NULL: nothing to undo */
    /* With the lock held. pre_save brings fields of the table up to date that are computed from
     * elsewhere (a time, say). post_load checks what the walker cannot know and derives the rest,
     * drives lines and arms timers; when it fails the state is reset. Either may be NULL. */
    void (*pre_save)(struct device *dev);
    int (*post_load)(struct device *dev, struct error *err);
    const struct state_field *state; /* offsets from device_storage(dev); NULL: stateless */
    uint32_t state_version;          /* from 1 on; raised when a field is added */
    uint32_t device_offset;          /* offsetof(struct x, dev) */
};

struct device {
    const struct device_ops *ops;
    const char *id; /* unique in its machine: "uart0"; not owned */
    /* Guards the device's state. Region ops run with it held (mem_region_init_mmio gets it);
     * callbacks from backends take it themselves. Order: docs/locking.md. */
    pthread_mutex_t lock;
    /* private */
    bool realized;
};

/* init/fini pair for the embedded part. */
void device_init(struct device *dev, const struct device_ops *ops, const char *id);
void device_fini(struct device *dev);
int device_realize(struct device *dev, struct error *err) NODISCARD;
void device_reset(struct device *dev); /* takes the lock */
void device_unrealize(struct device *dev);
static inline void *device_storage(struct device *dev)
{
    return (char *)dev - dev->ops->device_offset;
}

#endif

/* backend/net/netdev.h - the host's end of a network card: Ethernet frames, both ways.
 *
 * A netdev belongs to one event loop; its user (a network card) sets a handler. Frames for the
 * guest that find no room are kept, up to a bound, until the user says that there is room again;
 * a driver that can, stops taking from the host meanwhile (netdev_is_congested).
 */
#ifndef BACKEND_NET_NETDEV_H
#define BACKEND_NET_NETDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/list.h"
#include "event/loop.h"

struct netdev;

enum {
    /* The largest frame either way: an IP packet of 65535 bytes and its Ethernet header. */
    NETDEV_FRAME_MAX = 65535 + 14,
    NETDEV_BACKLOG_MAX = 256,      /* frames kept; more are dropped, as on a wire */
    NETDEV_BACKLOG_CONGESTED = 32, /* frames kept from which on the driver should hold back */
};

struct netdev_handler {
    /* A frame for the guest, on the loop's thread. False: no room; the frame is kept, and
     * netdev_resume() must follow when there is. */
    bool (*receive)(void *opaque, const uint8_t *frame, size_t len);
};

struct netdev_ops {
    const char *kind; /* "user", "test" */
    /* All on the loop's thread. */
    void (*send)(struct netdev *netdev, const uint8_t *frame, size_t len);
    void (*uncongested)(struct netdev *netdev); /* NULL: does not care */
    void (*close)(struct netdev *netdev);       /* frees it; calls netdev_fini() */
};

struct netdev {
    const struct netdev_ops *ops;
    struct loop *loop;
    bool checksums_valid; /* frames for the guest come with checksums that are right */
    bool takes_large_tcp; /* a TCP segment may fill a frame of NETDEV_FRAME_MAX, whatever the MTU */
    /* private */
    const struct netdev_handler *handler;
    void *opaque;
    struct list_node backlog;
    unsigned backlog_count;
    uint64_t dropped;
    struct loop_work resume;
};

/* On the loop's thread, or while no thread runs it. NULL handler: frames are dropped. */
void netdev_set_handler(struct netdev *netdev, const struct netdev_handler *handler, void *opaque);
/* On the loop's thread. A frame from the guest, at most NETDEV_FRAME_MAX; never refused, as a
 * wire refuses nothing. */
void netdev_send(struct netdev *netdev, const uint8_t *frame, size_t len);
/* [any thread] The handler may take frames again. */
void netdev_resume(struct netdev *netdev);
/* NULL is fine. On the loop's thread, or while no thread runs it. */
void netdev_close(struct netdev *netdev);

/* ---- for drivers; on the loop's thread ---- */
void netdev_init(struct netdev *netdev, const struct netdev_ops *ops, struct loop *loop);
void netdev_fini(struct netdev *netdev);
void netdev_deliver(struct netdev *netdev, const uint8_t *frame, size_t len);
static inline bool netdev_is_congested(const struct netdev *netdev)
{
    return netdev->backlog_count >= NETDEV_BACKLOG_CONGESTED;
}

#endif

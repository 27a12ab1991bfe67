/* devices/virtio/net.h - the virtio network card (virtio 1.2, 5.1): one pair of data queues and a
 * control queue. */
#ifndef DEVICES_VIRTIO_NET_H
#define DEVICES_VIRTIO_NET_H

#include "backend/net/netdev.h"
#include "devices/virtio/virtio.h"

enum { VIRTIO_NET_CONFIG_SIZE = 12, VIRTIO_NET_MAC_LEN = 6 };

struct virtio_net_params {
    struct netdev *netdev;           /* not owned; outlives the device */
    uint8_t mac[VIRTIO_NET_MAC_LEN]; /* all zero: 52:54:00:12:34:56 */
};

struct virtio_net {
    struct virtio virtio;
    /* private */
    struct netdev *netdev;
    uint8_t config[VIRTIO_NET_CONFIG_SIZE];
    uint8_t mac[VIRTIO_NET_MAC_LEN]; /* of the board, which a reset brings back */
    uint8_t *frame;                  /* one frame from the guest; loop thread */
    struct loop_work transmit;
};

void virtio_net_init(struct virtio_net *net, const char *id, struct mem_space *space,
                     const struct virtio_net_params *params);
void virtio_net_fini(struct virtio_net *net);
/* [any thread] Plugs the cable in or out. */
void virtio_net_set_link(struct virtio_net *net, bool up);
/* [any thread] Asks the driver to tell the network where it is, after a migration. */
void virtio_net_announce(struct virtio_net *net);

#endif

/*
 * devices/virtio/net.c - the virtio network card.
 *
 * Data moves on the network backend's loop thread alone: a notification of the transmit queue
 * posts work there, and frames for the guest arrive there. So one frame buffer is enough, and
 * the backend needs no lock. Control commands are answered on the vCPU that sent them.
 *
 *     guest -> host   header, frame | -             header skipped, checksum filled in if asked
 *                                                   (and no segment cut, whatever gso_type says:
 *                                                   TSO is offered for backends that need not)
 *     host -> guest   - | header, frame             over several buffers with MRG_RXBUF
 *     control         class, command, data | ack
 *
 * A frame that finds too few buffers puts those it took back and waits in the netdev; the
 * driver's next notification of the receive queue resumes it.
 *
 * Nobody who holds a chain takes dev.lock (a reset waits for chains with it held), so what
 * control commands change, bytes of config space, are atomic stores.
 */
#include "devices/virtio/net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

/* Feature bits, 5.1.3. */
enum {
    VIRTIO_NET_F_CSUM = 0,
    VIRTIO_NET_F_GUEST_CSUM = 1,
    VIRTIO_NET_F_MAC = 5,
    VIRTIO_NET_F_HOST_TSO4 = 11,
    VIRTIO_NET_F_HOST_TSO6 = 12,
    VIRTIO_NET_F_MRG_RXBUF = 15,
    VIRTIO_NET_F_STATUS = 16,
    VIRTIO_NET_F_CTRL_VQ = 17,
    VIRTIO_NET_F_CTRL_RX = 18,
    VIRTIO_NET_F_GUEST_ANNOUNCE = 21,
    VIRTIO_NET_F_CTRL_MAC_ADDR = 23,
};

/* struct virtio_net_config, 5.1.4. */
enum { CONFIG_MAC = 0, CONFIG_STATUS = 6, STATUS_LINK_UP = 1, STATUS_ANNOUNCE = 2 };

enum { QUEUE_RECEIVE, QUEUE_TRANSMIT, QUEUE_CONTROL, QUEUE_COUNT };

/* struct virtio_net_hdr, 5.1.6: u8 flags, u8 gso_type, le16 hdr_len, gso_size, csum_start,
 * csum_offset, num_buffers. The last is absent for a driver with neither VERSION_1 nor
 * MRG_RXBUF (5.1.6.1). */
enum {
    HDR_FLAGS = 0,
    HDR_CSUM_START = 6,
    HDR_CSUM_OFFSET = 8,
    HDR_NUM_BUFFERS = 10,
    HDR_SIZE = 12,
    HDR_SIZE_SHORT = 10,
    HDR_F_NEEDS_CSUM = 1,
    HDR_F_DATA_VALID = 2,
};

/* Control commands, 5.1.6.5. */
enum {
    CTRL_RX = 0,
    CTRL_RX_PROMISC = 0,
    CTRL_RX_ALLMULTI = 1,
    CTRL_MAC = 1,
    CTRL_MAC_TABLE_SET = 0,
    CTRL_MAC_ADDR_SET = 1,
    CTRL_ANNOUNCE = 3,
    CTRL_ANNOUNCE_ACK = 0,
    CTRL_OK = 0,
    CTRL_ERR = 1,
};

enum {
    TRANSMIT_BATCH = 64,  /* frames per turn of the loop, so that others get theirs */
    RECEIVE_BUFFERS = 64, /* over how many buffers a frame may be spread */
};

static struct virtio_net *to_net(struct virtio *v)
{
    return container_of(v, struct virtio_net, virtio);
}

static size_t header_size(const struct virtio *v)
{
    return virtio_has_feature(v, VIRTIO_F_VERSION_1) ||
                   virtio_has_feature(v, VIRTIO_NET_F_MRG_RXBUF)
               ? HDR_SIZE
               : HDR_SIZE_SHORT;
}

/* ---- guest to host ---- */

/* Ones' complement sum of big-endian 16-bit words, folded (RFC 1071). */
static uint16_t checksum(const uint8_t *bytes, size_t len)
{
    uint64_t sum = 0;

    for (; len >= 2; bytes += 2, len -= 2)
        sum += ld_be16(bytes);
    if (len == 1)
        sum += (uint64_t)bytes[0] << 8;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* 5.1.6.2: the field holds the sum of the pseudo header already. Numbers that point outside the
 * frame change nothing. */
static void complete_checksum(uint8_t *frame, size_t len, const uint8_t *header)
{
    size_t start = ld_le16(header + HDR_CSUM_START);
    size_t at = start + ld_le16(header + HDR_CSUM_OFFSET);
    uint16_t sum;

    if (start >= len || at + 2 > len)
        return;
    sum = checksum(frame + start, len - start);
    st_be16(frame + at, sum != 0 ? sum : 0xffff); /* to UDP a 0 means: no checksum */
}

static void transmit_chain(struct virtio_net *net, struct virtq_chain *chain)
{
    size_t skip = header_size(&net->virtio), len;
    uint8_t header[HDR_SIZE] = { 0 };

    if (chain->out_len < skip) {
        virtq_break(chain->vq, "transmitted frame without header");
        virtq_drop(chain);
        return;
    }
    virtq_chain_read(chain, 0, header, skip);
    len = (size_t)(chain->out_len - skip);
    if (len >= 14 && len <= NETDEV_FRAME_MAX) { /* else it is no frame, and is lost */
        virtq_chain_read(chain, skip, net->frame, len);
        if ((header[HDR_FLAGS] & HDR_F_NEEDS_CSUM) != 0 &&
            virtio_has_feature(&net->virtio, VIRTIO_NET_F_CSUM))
            complete_checksum(net->frame, len, header);
    } else {
        len = 0;
    }
    virtq_push(chain, 0);
    if (len > 0)
        netdev_send(net->netdev, net->frame, len);
}

static void run_transmit(struct loop_work *work)
{
    struct virtio_net *net = container_of(work, struct virtio_net, transmit);
    struct virtq *vq = &net->virtio.queues[QUEUE_TRANSMIT];

    for (unsigned i = 0; i < TRANSMIT_BATCH; i++) {
        struct virtq_chain *chain = virtio_is_live(&net->virtio) ? virtq_pop(vq) : NULL;

        if (chain == NULL)
            return;
        transmit_chain(net, chain);
    }
    loop_work_post(work);
}

/* ---- host to guest ---- */

/* Takes buffers for `need` bytes; their number, or 0 if there are not enough now: then none are
 * taken. *ret_broken: they will never be enough, or the driver broke a rule. */
static unsigned take_buffers(struct virtio_net *net, struct virtq_chain **chains, uint64_t need,
                             bool *ret_lost)
{
    struct virtio *v = &net->virtio;
    unsigned limit = virtio_has_feature(v, VIRTIO_NET_F_MRG_RXBUF) ? RECEIVE_BUFFERS : 1;
    uint64_t room = 0;
    unsigned n = 0;

    *ret_lost = false;
    while (room < need && n < limit) {
        chains[n] = virtq_pop(&v->queues[QUEUE_RECEIVE]);
        if (chains[n] == NULL)
            break;
        if (chains[n]->in_len < HDR_SIZE_SHORT || chains[n]->out_len > 0) {
            virtq_break(chains[n]->vq, "receive buffer is readable or too small for a header");
            virtq_drop(chains[n]);
            *ret_lost = true;
            break;
        }
        room += chains[n++]->in_len;
    }
    if (room >= need && !*ret_lost)
        return n;
    if (n == limit)
        *ret_lost = true; /* the frame is too large for such buffers */
    virtq_unpop_many(chains, n);
    return 0;
}

static void fill_header(const struct virtio_net *net, uint8_t *header, unsigned buffers)
{
    memset(header, 0, HDR_SIZE);
    if (net->netdev->checksums_valid && virtio_has_feature(&net->virtio, VIRTIO_NET_F_GUEST_CSUM))
        header[HDR_FLAGS] = HDR_F_DATA_VALID;
    st_le16(header + HDR_NUM_BUFFERS, (uint16_t)buffers);
}

static bool on_receive(void *opaque, const uint8_t *frame, size_t len)
{
    struct virtio_net *net = opaque;
    struct virtq_chain *chains[RECEIVE_BUFFERS];
    uint64_t written[RECEIVE_BUFFERS];
    uint8_t header[HDR_SIZE];
    size_t skip = header_size(&net->virtio), done = 0;
    unsigned count;
    bool lost;

    if (!virtio_is_live(&net->virtio) || len > NETDEV_FRAME_MAX)
        return true; /* no driver: the frame is lost, as on a wire */
    count = take_buffers(net, chains, skip + len, &lost);
    if (count == 0)
        return lost;
    fill_header(net, header, count);
    for (unsigned i = 0; i < count; i++) {
        uint64_t at = 0;

        /* 5.1.6.4.1: each buffer but the last is filled to its end. */
        if (i == 0)
            at = virtq_chain_write(chains[i], 0, header, skip);
        written[i] = at;
        written[i] += virtq_chain_write(chains[i], at, frame + done, len - done);
        done += (size_t)(written[i] - at);
    }
    virtq_push_many(chains, written, count);
    return true;
}

static const struct netdev_handler net_handler = { .receive = on_receive };

/* ---- control queue ---- */

static uint8_t control_mac_table(const struct virtq_chain *chain)
{
    uint64_t at = 2;

    /* Two tables: le32 entries, then 6 bytes each. The backend sends nothing but what is meant
     * for this card, and 5.1.6.5.2 leaves filtering to our best effort: well-formed is enough. */
    for (int table = 0; table < 2; table++) {
        uint8_t raw[4];

        if (virtq_chain_read(chain, at, raw, sizeof(raw)) != sizeof(raw))
            return CTRL_ERR;
        at += sizeof(raw) + (uint64_t)ld_le32(raw) * VIRTIO_NET_MAC_LEN;
        if (at > chain->out_len)
            return CTRL_ERR;
    }
    return CTRL_OK;
}

static uint8_t control_mac(struct virtio_net *net, const struct virtq_chain *chain, uint8_t command)
{
    uint8_t mac[VIRTIO_NET_MAC_LEN];

    switch (command) {
    case CTRL_MAC_TABLE_SET:
        return control_mac_table(chain);
    case CTRL_MAC_ADDR_SET:
        if (!virtio_has_feature(&net->virtio, VIRTIO_NET_F_CTRL_MAC_ADDR) ||
            virtq_chain_read(chain, 2, mac, sizeof(mac)) != sizeof(mac))
            return CTRL_ERR;
        virtio_config_store(&net->virtio, CONFIG_MAC, mac, sizeof(mac));
        return CTRL_OK;
    default:
        return CTRL_ERR;
    }
}

static uint8_t control_execute(struct virtio_net *net, const struct virtq_chain *chain)
{
    uint8_t head[3];
    size_t len = virtq_chain_read(chain, 0, head, sizeof(head));

    if (len < 2)
        return CTRL_ERR;
    switch (head[0]) {
    case CTRL_RX:
        return head[1] <= CTRL_RX_ALLMULTI && len == 3 ? CTRL_OK : CTRL_ERR;
    case CTRL_MAC:
        return control_mac(net, chain, head[1]);
    case CTRL_ANNOUNCE:
        if (head[1] != CTRL_ANNOUNCE_ACK)
            return CTRL_ERR;
        __atomic_and_fetch(&net->config[CONFIG_STATUS], (uint8_t)~STATUS_ANNOUNCE,
                           __ATOMIC_RELAXED);
        return CTRL_OK;
    default:
        return CTRL_ERR;
    }
}

static void notify_control(struct virtio_net *net)
{
    struct virtq_chain *chain;

    while ((chain = virtq_pop(&net->virtio.queues[QUEUE_CONTROL])) != NULL) {
        uint8_t ack;

        if (chain->in_len == 0) {
            virtq_break(chain->vq, "control command with no room for its answer");
            virtq_drop(chain);
            return;
        }
        ack = control_execute(net, chain);
        virtq_push(chain, virtq_chain_write(chain, 0, &ack, 1));
    }
}

/* ---- device ---- */

static void net_notify(struct virtio *v, unsigned queue)
{
    struct virtio_net *net = to_net(v);

    if (queue == QUEUE_RECEIVE)
        netdev_resume(net->netdev);
    else if (queue == QUEUE_TRANSMIT)
        loop_work_post(&net->transmit);
    else
        notify_control(net);
}

static void net_reset(struct virtio *v)
{
    struct virtio_net *net = to_net(v);

    virtio_config_store(v, CONFIG_MAC, net->mac, sizeof(net->mac));
    __atomic_and_fetch(&net->config[CONFIG_STATUS], (uint8_t)~STATUS_ANNOUNCE, __ATOMIC_RELAXED);
    netdev_resume(net->netdev); /* what waits for the old driver is dropped */
}

static bool net_features_ok(struct virtio *v, uint64_t features)
{
    const uint64_t control = VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_RX) |
                             VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_ANNOUNCE) |
                             VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_MAC_ADDR);
    const uint64_t segments =
        VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO6);

    (void)v; /* 5.1.3.1 */
    if ((features & segments) != 0 && (features & VIRTIO_FEATURE(VIRTIO_NET_F_CSUM)) == 0)
        return false;
    return (features & control) == 0 || (features & VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ)) != 0;
}

static const struct virtio_ops net_ops = {
    .device_id = VIRTIO_ID_NET,
    .features_ok = net_features_ok,
    .reset = net_reset,
    .notify = net_notify,
};

void virtio_net_set_link(struct virtio_net *net, bool up)
{
    pthread_mutex_lock(&net->virtio.dev.lock);
    if (up)
        __atomic_or_fetch(&net->config[CONFIG_STATUS], STATUS_LINK_UP, __ATOMIC_RELAXED);
    else
        __atomic_and_fetch(&net->config[CONFIG_STATUS], (uint8_t)~STATUS_LINK_UP, __ATOMIC_RELAXED);
    virtio_config_changed(&net->virtio);
    pthread_mutex_unlock(&net->virtio.dev.lock);
}

void virtio_net_announce(struct virtio_net *net)
{
    pthread_mutex_lock(&net->virtio.dev.lock);
    if (virtio_has_feature(&net->virtio, VIRTIO_NET_F_GUEST_ANNOUNCE)) {
        __atomic_or_fetch(&net->config[CONFIG_STATUS], STATUS_ANNOUNCE, __ATOMIC_RELAXED);
        virtio_config_changed(&net->virtio);
    }
    pthread_mutex_unlock(&net->virtio.dev.lock);
}

static struct virtio_net *net_of(struct device *dev)
{
    return to_net(container_of(dev, struct virtio, dev));
}

static int net_realize(struct device *dev, struct error *err)
{
    struct virtio_net *net = net_of(dev);
    int rc;

    net->frame = malloc(NETDEV_FRAME_MAX);
    if (net->frame == NULL)
        return error_set(err, ENOMEM, "no memory for a frame");
    rc = virtio_realize(&net->virtio, err);
    if (rc != 0) {
        free(net->frame);
        net->frame = NULL;
        return rc;
    }
    netdev_set_handler(net->netdev, &net_handler, net);
    return 0;
}

/* On the loop's thread, or while no thread runs the loop, as netdev asks. */
static void net_unrealize(struct device *dev)
{
    struct virtio_net *net = net_of(dev);

    netdev_set_handler(net->netdev, NULL, NULL);
    loop_work_cancel(&net->transmit);
    virtio_unrealize(&net->virtio);
    free(net->frame);
    net->frame = NULL;
}

static const struct state_field net_state[] = {
    VIRTIO_STATE(struct virtio_net, virtio),
    STATE_BYTES(struct virtio_net, config),
    STATE_END,
};

static const struct device_ops net_device_ops = {
    .type = "virtio-net",
    .realize = net_realize,
    .reset = virtio_device_reset,
    .unrealize = net_unrealize,
    .pre_save = virtio_pre_save,
    .post_load = virtio_post_load,
    .state = net_state,
    .state_version = 1,
    .device_offset = offsetof(struct virtio_net, virtio.dev),
};

void virtio_net_init(struct virtio_net *net, const char *id, struct mem_space *space,
                     const struct virtio_net_params *params)
{
    static const uint8_t unset[VIRTIO_NET_MAC_LEN], usual[] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
    struct virtio *v = &net->virtio;

    memset(net, 0, sizeof(*net));
    virtio_init(v, &net_ops, &net_device_ops, id, space);
    net->netdev = params->netdev;
    memcpy(net->mac, memcmp(params->mac, unset, sizeof(unset)) != 0 ? params->mac : usual,
           sizeof(net->mac));
    memcpy(net->config + CONFIG_MAC, net->mac, sizeof(net->mac));
    net->config[CONFIG_STATUS] = STATUS_LINK_UP;
    v->config = net->config;
    v->config_len = sizeof(net->config);
    v->queue_count = QUEUE_COUNT;
    v->features_offered |=
        VIRTIO_FEATURE(VIRTIO_NET_F_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) |
        VIRTIO_FEATURE(VIRTIO_NET_F_MAC) | VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF) |
        VIRTIO_FEATURE(VIRTIO_NET_F_STATUS) | VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ) |
        VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_RX) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_ANNOUNCE) |
        VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_MAC_ADDR);
    if (net->netdev->takes_large_tcp)
        v->features_offered |=
            VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO6);
    loop_work_init(&net->transmit, net->netdev->loop, run_transmit);
}

void virtio_net_fini(struct virtio_net *net)
{
    virtio_fini(&net->virtio);
}

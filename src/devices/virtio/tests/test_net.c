/* The network card, against a netdev in memory and, once, against libslirp. */
#include "tests/unit.h"

#include "backend/net/slirp.h"
#include "backend/net/tests/packet.h"
#include "devices/virtio/net.h"
#include "devices/virtio/tests/driver.h"

enum {
    F_CSUM = 0,
    F_GUEST_CSUM = 1,
    F_HOST_TSO4 = 11,
    F_MRG_RXBUF = 15,
    F_STATUS = 16,
    F_CTRL_VQ = 17,
    F_CTRL_RX = 18,
    F_ANNOUNCE = 21,
    F_CTRL_MAC = 23
};
#define NET_ALL                                                                                    \
    (VIRTIO_FEATURE(F_CSUM) | VIRTIO_FEATURE(F_GUEST_CSUM) | VIRTIO_FEATURE(F_MRG_RXBUF) |         \
     VIRTIO_FEATURE(F_STATUS) | VIRTIO_FEATURE(F_CTRL_VQ) | VIRTIO_FEATURE(F_CTRL_RX) |            \
     VIRTIO_FEATURE(F_ANNOUNCE) | VIRTIO_FEATURE(F_CTRL_MAC) |                                     \
     VIRTIO_FEATURE(VIRTIO_F_INDIRECT_DESC) | VIRTIO_FEATURE(VIRTIO_F_EVENT_IDX))

/* ---- a network that remembers ---- */

struct wire {
    struct netdev netdev;
    unsigned sent;
    size_t last_len;
    uint8_t last[NETDEV_FRAME_MAX];
};

static void wire_send(struct netdev *netdev, const uint8_t *frame, size_t len)
{
    struct wire *w = container_of(netdev, struct wire, netdev);

    w->sent++;
    w->last_len = len;
    memcpy(w->last, frame, len);
}

static void wire_close(struct netdev *netdev)
{
    netdev_fini(netdev);
    free(container_of(netdev, struct wire, netdev));
}

static const struct netdev_ops wire_ops = { .kind = "test",
                                            .send = wire_send,
                                            .close = wire_close };

struct net_bench {
    struct bench b;
    struct wire *wire;
    struct netdev *netdev;
    struct virtio_net net;
    struct dq rx, tx, ctrl;
};

static void net_init(struct net_bench *t, bool user)
{
    bench_init(&t->b, 1);
    t->wire = NULL;
    if (user) {
        struct slirp_options options = { 0 };

        assert_int_equal(slirp_netdev_open(&t->netdev, t->b.loop, &options, NULL), 0);
    } else {
        t->wire = calloc(1, sizeof(*t->wire));
        assert_non_null(t->wire);
        t->netdev = &t->wire->netdev;
        netdev_init(t->netdev, &wire_ops, t->b.loop);
    }
    virtio_net_init(&t->net, "net0", t->b.space,
                    &(struct virtio_net_params){ .netdev = t->netdev });
    bench_plug(&t->b, &t->net.virtio);
}

static void net_start(struct net_bench *t, uint64_t features)
{
    driver_begin(&t->b, features);
    queue_make(&t->b, &t->rx, 0, 64);
    queue_make(&t->b, &t->tx, 1, 64);
    queue_make(&t->b, &t->ctrl, 2, 16);
    driver_ok(&t->b);
}

static void net_fini(struct net_bench *t)
{
    bench_unplug(&t->b);
    virtio_net_fini(&t->net);
    netdev_close(t->netdev);
    bench_fini(&t->b);
}

static gpa_t give_buffer(struct net_bench *t, uint32_t len)
{
    struct elem e = { bench_alloc(&t->b, len), len, true };

    queue_add(&t->rx, &e, 1, false);
    return e.addr;
}

static void send_frame(struct net_bench *t, const uint8_t *header, const void *frame, uint32_t len)
{
    gpa_t buf = bench_alloc(&t->b, 12 + len);
    struct elem e[2] = { { buf, 12, false }, { buf + 12, len, false } };
    uint32_t used;

    if (header != NULL)
        memcpy(at(&t->b, buf), header, 12);
    memcpy(at(&t->b, buf + 12), frame, len);
    queue_add(&t->tx, e, len > 0 ? 2 : 1, false);
    queue_kick(&t->tx);
    queue_wait(&t->tx, &used);
    assert_int_equal(used, 0);
    (void)bench_turn(&t->b, clock_now_ns(&clock_host));
}

static void some_frame(uint8_t *frame, size_t len)
{
    for (size_t i = 0; i < len; i++)
        frame[i] = (uint8_t)(i * 5 + len);
}

/* ---- tests ---- */

TEST(configuration_has_a_mac_and_a_link)
{
    struct net_bench t;

    net_init(&t, false);
    assert_int_equal(reg(&t.b, R_DEVICE_ID), 1);
    assert_int_equal(config(&t.b, 0, 4), 0x12005452);
    assert_int_equal(config(&t.b, 4, 2), 0x5634);
    assert_int_equal(config(&t.b, 6, 2), 1);
    net_start(&t, NET_ALL);
    virtio_net_set_link(&t.net, false);
    assert_int_equal(wait_irq(&t.b), 2);
    assert_int_equal(config(&t.b, 6, 2), 0);
    virtio_net_set_link(&t.net, true);
    assert_int_equal(config(&t.b, 6, 2), 1);
    net_fini(&t);
}

TEST(control_features_need_the_control_queue)
{
    struct net_bench t;

    net_init(&t, false);
    set_reg(&t.b, R_STATUS, 3);
    set_reg(&t.b, R_DRV_FEATURES_SEL, 0);
    set_reg(&t.b, R_DRV_FEATURES, 1u << F_CTRL_RX);
    set_reg(&t.b, R_STATUS, 11);
    assert_int_equal(reg(&t.b, R_STATUS), 3);
    net_fini(&t);
}

TEST(segmentation_needs_checksums_and_a_backend_that_takes_large_frames)
{
    struct net_bench t;

    net_init(&t, false);
    assert_int_equal(offered(&t.b) >> F_HOST_TSO4 & 3, 0);
    net_fini(&t);
    net_init(&t, true);
    assert_int_equal(offered(&t.b) >> F_HOST_TSO4 & 3, 3);
    set_reg(&t.b, R_STATUS, 3);
    set_reg(&t.b, R_DRV_FEATURES_SEL, 0);
    set_reg(&t.b, R_DRV_FEATURES, 1u << F_HOST_TSO4);
    set_reg(&t.b, R_STATUS, 11);
    assert_int_equal(reg(&t.b, R_STATUS), 3);
    set_reg(&t.b, R_DRV_FEATURES, 1u << F_HOST_TSO4 | 1u << F_CSUM);
    set_reg(&t.b, R_STATUS, 11);
    assert_int_equal(reg(&t.b, R_STATUS), 11);
    net_fini(&t);
}

TEST(frames_go_out)
{
    struct net_bench t;
    uint8_t frame[1514];

    net_init(&t, false);
    net_start(&t, NET_ALL);
    some_frame(frame, sizeof(frame));
    for (uint32_t len = 14; len <= sizeof(frame); len += 250) {
        send_frame(&t, NULL, frame, len);
        assert_int_equal(t.wire->last_len, len);
        assert_memory_equal(t.wire->last, frame, len);
    }
    assert_int_equal(t.wire->sent, 7);
    /* What is no frame is lost; the driver gets its buffer back. */
    send_frame(&t, NULL, frame, 13);
    send_frame(&t, NULL, frame, 0);
    assert_int_equal(t.wire->sent, 7);
    assert_false(needs_reset(&t.b));
    net_fini(&t);
}

TEST(a_checksum_left_to_the_device_is_filled_in)
{
    struct net_bench t;
    struct packet p;
    uint8_t want[2], header[12] = { 1 };
    uint8_t *udp;

    net_init(&t, false);
    net_start(&t, NET_ALL);
    put_udp(&p, broadcast_mac, GUEST_IP, 1, ROUTER_IP, 2, "hello, world", 12);
    udp = p.bytes + 34;
    memcpy(want, udp + 6, 2);
    /* The field holds the pseudo header's sum, as 5.1.6.2 wants it. */
    st_be16(udp + 6, fold(sum_words(p.bytes + 26, 8, PROTO_UDP + 20)));
    st_le16(header + 6, 34);
    st_le16(header + 8, 6);
    send_frame(&t, header, p.bytes, (uint32_t)p.len);
    assert_memory_equal(t.wire->last + 40, want, 2);
    /* Numbers outside the frame change nothing. */
    st_le16(header + 6, 0xffff);
    st_le16(header + 8, 0xffff);
    send_frame(&t, header, p.bytes, (uint32_t)p.len);
    assert_memory_equal(t.wire->last, p.bytes, p.len);
    st_le16(header + 6, 34);
    st_le16(header + 8, (uint16_t)(p.len - 34 - 1));
    send_frame(&t, header, p.bytes, (uint32_t)p.len);
    assert_memory_equal(t.wire->last, p.bytes, p.len);
    net_fini(&t);
}

TEST(a_frame_without_header_needs_reset)
{
    struct net_bench t;
    struct elem e;

    net_init(&t, false);
    net_start(&t, NET_ALL);
    e = (struct elem){ bench_alloc(&t.b, 64), 11, false };
    queue_add(&t.tx, &e, 1, false);
    queue_kick(&t.tx);
    assert_int_equal(wait_irq(&t.b), 2);
    assert_true(needs_reset(&t.b));
    assert_int_equal(t.wire->sent, 0);
    net_fini(&t);
}

TEST(frames_come_in)
{
    struct net_bench t;
    uint8_t frame[1000];
    gpa_t buf;
    uint32_t used;

    net_init(&t, false);
    net_start(&t, 0);
    buf = give_buffer(&t, 1526);
    some_frame(frame, sizeof(frame));
    netdev_deliver(t.netdev, frame, sizeof(frame));
    queue_wait(&t.rx, &used);
    assert_int_equal(used, 1012);
    assert_memory_equal(at(&t.b, buf), "\0\0\0\0\0\0\0\0\0\0\1\0", 12);
    assert_memory_equal(at(&t.b, buf + 12), frame, sizeof(frame));
    assert_int_equal(wait_irq(&t.b), 1);
    net_fini(&t);
}

TEST(a_driver_without_version_1_has_a_shorter_header)
{
    struct net_bench t;
    uint8_t frame[100];
    gpa_t buf;
    uint32_t used;

    net_init(&t, false);
    set_reg(&t.b, R_STATUS, 3);
    set_reg(&t.b, R_STATUS, 11);
    queue_make(&t.b, &t.rx, 0, 8);
    driver_ok(&t.b);
    buf = give_buffer(&t, 1524);
    some_frame(frame, sizeof(frame));
    netdev_deliver(t.netdev, frame, sizeof(frame));
    queue_wait(&t.rx, &used);
    assert_int_equal(used, 110);
    assert_memory_equal(at(&t.b, buf + 10), frame, sizeof(frame));
    net_fini(&t);
}

TEST(a_frame_spreads_over_merged_buffers_all_shown_at_once)
{
    struct net_bench t;
    uint8_t frame[1000], got[1012];
    gpa_t buf[3];
    uint32_t used, total = 0;

    net_init(&t, false);
    t.netdev->checksums_valid = true;
    net_start(&t, NET_ALL);
    some_frame(frame, sizeof(frame));
    for (unsigned i = 0; i < 2; i++)
        buf[i] = give_buffer(&t, 400);
    /* Two are too few: it waits and takes none. */
    netdev_deliver(t.netdev, frame, sizeof(frame));
    assert_int_equal(queue_used_idx(&t.rx), 0);
    assert_int_equal(t.netdev->backlog_count, 1);
    buf[2] = give_buffer(&t, 400);
    queue_kick(&t.rx);
    for (unsigned i = 0; i < 3; i++) {
        queue_wait(&t.rx, &used);
        assert_int_equal(queue_used_idx(&t.rx), 3);
        assert_int_equal(used, i < 2 ? 400 : 212);
        memcpy(got + total, at(&t.b, buf[i]), used);
        total += used;
    }
    assert_int_equal(total, 1012);
    assert_int_equal(got[0], 2); /* DATA_VALID */
    assert_int_equal(ld_le16(got + 10), 3);
    assert_memory_equal(got + 12, frame, sizeof(frame));
    net_fini(&t);
}

TEST(frames_wait_in_order_and_are_bounded)
{
    struct net_bench t;
    uint8_t frame[60];
    uint32_t used;

    net_init(&t, false);
    net_start(&t, NET_ALL);
    for (unsigned i = 0; i < NETDEV_BACKLOG_MAX + 100; i++) {
        memset(frame, (int)i, sizeof(frame));
        netdev_deliver(t.netdev, frame, sizeof(frame));
    }
    assert_int_equal(t.netdev->backlog_count, NETDEV_BACKLOG_MAX);
    assert_int_equal(t.netdev->dropped, 100);
    for (unsigned i = 0; i < NETDEV_BACKLOG_MAX; i++) {
        gpa_t buf = give_buffer(&t, 100);

        queue_kick(&t.rx);
        queue_wait(&t.rx, &used);
        assert_int_equal(*(uint8_t *)at(&t.b, buf + 12), (uint8_t)i);
    }
    assert_int_equal(t.netdev->backlog_count, 0);
    net_fini(&t);
}

TEST(a_frame_too_large_for_the_buffer_is_lost_and_the_buffer_kept)
{
    struct net_bench t;
    uint8_t frame[1000];
    uint32_t used;

    net_init(&t, false);
    net_start(&t, 0);
    give_buffer(&t, 500);
    some_frame(frame, sizeof(frame));
    netdev_deliver(t.netdev, frame, sizeof(frame));
    assert_int_equal(t.netdev->backlog_count, 0);
    netdev_deliver(t.netdev, frame, 100);
    queue_wait(&t.rx, &used);
    assert_int_equal(used, 112);
    net_fini(&t);
}

TEST(readable_or_tiny_receive_buffers_need_reset)
{
    for (unsigned shape = 0; shape < 2; shape++) {
        struct net_bench t;
        uint8_t frame[60] = { 0 };
        struct elem e;

        net_init(&t, false);
        net_start(&t, NET_ALL);
        e = (struct elem){ bench_alloc(&t.b, 64), shape == 0 ? 64 : 4, shape == 1 };
        queue_add(&t.rx, &e, 1, false);
        netdev_deliver(t.netdev, frame, sizeof(frame));
        assert_true(needs_reset(&t.b));
        assert_int_equal(wait_irq(&t.b), 2);
        net_fini(&t);
    }
}

TEST(without_a_driver_frames_are_lost)
{
    struct net_bench t;
    uint8_t frame[60] = { 0 };
    uint64_t since = clock_now_ns(&clock_host);

    net_init(&t, false);
    netdev_deliver(t.netdev, frame, sizeof(frame));
    assert_int_equal(t.netdev->backlog_count, 0);
    /* And those that waited for the old one go with its reset. */
    net_start(&t, 0);
    netdev_deliver(t.netdev, frame, sizeof(frame));
    assert_int_equal(t.netdev->backlog_count, 1);
    set_reg(&t.b, R_STATUS, 0);
    while (t.netdev->backlog_count > 0)
        assert_true(bench_turn(&t.b, since));
    net_fini(&t);
}

/* ---- control ---- */

static uint8_t control(struct net_bench *t, const void *bytes, uint32_t len)
{
    gpa_t buf = bench_alloc(&t->b, len + 1);
    struct elem e[2] = { { buf, len, false }, { buf + len, 1, true } };
    uint32_t used;

    memcpy(at(&t->b, buf), bytes, len);
    *(uint8_t *)at(&t->b, buf + len) = 0xee;
    queue_add(&t->ctrl, e, 2, false);
    queue_kick(&t->ctrl);
    queue_wait(&t->ctrl, &used);
    assert_int_equal(used, 1);
    return *(uint8_t *)at(&t->b, buf + len);
}

TEST(control_commands_are_answered)
{
    struct net_bench t;

    net_init(&t, false);
    net_start(&t, NET_ALL);
    assert_int_equal(control(&t, "\0\0\1", 3), 0);
    assert_int_equal(control(&t, "\0\1\0", 3), 0);
    assert_int_equal(control(&t, "\0\1", 2), 1);
    assert_int_equal(control(&t, "\0\7\1", 3), 1);
    assert_int_equal(control(&t, "\0", 1), 1);
    assert_int_equal(control(&t, "\4\0\1\0", 4), 1); /* no MQ */
    /* MAC table: one unicast, two multicast. */
    assert_int_equal(control(&t, "\1\0\1\0\0\0abcdef\2\0\0\0abcdefabcdef", 28), 0);
    assert_int_equal(control(&t, "\1\0\1\0\0\0abcdef\2\0\0\0abcdefabcde", 27), 1);
    assert_int_equal(control(&t, "\1\0\377\377\377\377\0\0\0\0", 10), 1);
    assert_int_equal(control(&t, "\1\1\2\0\0\0\0\7", 8), 0);
    assert_int_equal(config(&t.b, 0, 4), 2);
    assert_int_equal(config(&t.b, 5, 1), 7);
    assert_int_equal(control(&t, "\1\1\2\0\0\0\0", 7), 1);
    /* A reset brings the board's address back. */
    set_reg(&t.b, R_STATUS, 0);
    assert_int_equal(config(&t.b, 0, 4), 0x12005452);
    net_fini(&t);
}

TEST(announcing_is_asked_for_and_acknowledged)
{
    struct net_bench t;

    net_init(&t, false);
    net_start(&t, NET_ALL);
    virtio_net_announce(&t.net);
    assert_int_equal(wait_irq(&t.b), 2);
    assert_int_equal(config(&t.b, 6, 2), 3);
    assert_int_equal(control(&t, "\3\0", 2), 0);
    assert_int_equal(config(&t.b, 6, 2), 1);
    net_fini(&t);
}

TEST(a_command_with_no_room_for_an_answer_needs_reset)
{
    struct net_bench t;
    struct elem e;

    net_init(&t, false);
    net_start(&t, NET_ALL);
    e = (struct elem){ bench_alloc(&t.b, 16), 3, false };
    queue_add(&t.ctrl, &e, 1, false);
    queue_kick(&t.ctrl);
    assert_true(needs_reset(&t.b));
    net_fini(&t);
}

/* ---- all the way ---- */

TEST(arp_through_the_card_to_libslirp_and_back)
{
    struct net_bench t;
    struct packet p;
    uint32_t used;
    const uint8_t *answer;

    net_init(&t, true);
    net_start(&t, NET_ALL);
    answer = at(&t.b, give_buffer(&t, 1526));
    put_arp(&p, 1, broadcast_mac, GUEST_IP, ROUTER_IP);
    send_frame(&t, NULL, p.bytes, (uint32_t)p.len);
    queue_wait(&t.rx, &used);
    assert_int_equal(frame_type(answer + 12), ETH_ARP);
    assert_int_equal(ld_be16(answer + 12 + 20), 2);
    assert_int_equal(ld_be32(answer + 12 + 28), ROUTER_IP);
    net_fini(&t);
}

TEST(a_dhcp_exchange_through_the_card)
{
    struct net_bench t;
    struct packet p;
    uint8_t bootp[300] = { 1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78 };
    static const uint8_t discover[] = { 0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255 };
    static const uint8_t request[] = { 0x63, 0x82, 0x53, 0x63, 53, 1, 3, 50, 4, 10, 0, 2, 15, 255 };
    const uint8_t *answer;
    uint32_t used;

    net_init(&t, true);
    net_start(&t, NET_ALL);
    memcpy(bootp + 28, guest_mac, 6);
    for (unsigned step = 0; step < 2; step++) {
        size_t len;
        const uint8_t *body;

        memcpy(bootp + 236, step == 0 ? discover : request,
               step == 0 ? sizeof(discover) : sizeof(request));
        put_udp(&p, broadcast_mac, 0, 68, 0xffffffff, 67, bootp, sizeof(bootp));
        answer = at(&t.b, give_buffer(&t, 1526));
        send_frame(&t, NULL, p.bytes, (uint32_t)p.len);
        queue_wait(&t.rx, &used);
        body = ip_body(answer + 12, used - 12, PROTO_UDP, &len);
        assert_non_null(body);
        assert_int_equal(ld_be32(body + 8 + 16), GUEST_IP);
        assert_int_equal(body[8 + 236 + 6], step == 0 ? 2 : 5); /* offer, then ack */
    }
    net_fini(&t);
}

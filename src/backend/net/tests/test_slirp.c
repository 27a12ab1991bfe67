/* User-mode networking: a hand-made guest against the real libslirp and sockets on loopback. */
#include "tests/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/net/hostfwd.h"
#include "backend/net/slirp.h"
#include "backend/net/tests/packet.h"

#define LIMIT_NS ((uint64_t)20 * 1000000000)

struct net {
    struct loop *loop;
    struct netdev *netdev;
    struct error err;
    bool full; /* take no frames */
    struct packet got[512];
    unsigned got_count, taken;
};

static bool on_receive(void *opaque, const uint8_t *frame, size_t len)
{
    struct net *n = opaque;
    struct packet answer;

    if (n->full)
        return false;
    /* A guest answers for its address, whatever else it does. */
    if (frame_type(frame) == ETH_ARP && ld_be16(frame + 20) == 1 &&
        ld_be32(frame + 38) == GUEST_IP) {
        put_arp(&answer, 2, frame + 6, GUEST_IP, ld_be32(frame + 28));
        netdev_send(n->netdev, answer.bytes, answer.len);
        return true;
    }
    if (n->got_count < 512 && len <= sizeof(n->got[0].bytes)) {
        n->got[n->got_count].len = len;
        memcpy(n->got[n->got_count++].bytes, frame, len);
    }
    return true;
}

static const struct netdev_handler handler = { .receive = on_receive };

static int net_try(struct net *n, const char *const *fwd, size_t count)
{
    struct slirp_options options = { .hostfwd = fwd, .hostfwd_count = count };
    int rc;

    memset(n, 0, sizeof(*n));
    assert_int_equal(loop_new(&n->loop, &clock_host, NULL), 0);
    rc = slirp_netdev_open(&n->netdev, n->loop, &options, &n->err);
    if (rc == 0)
        netdev_set_handler(n->netdev, &handler, n);
    else
        loop_free(n->loop);
    return rc;
}

static void net_open(struct net *n, const char *fwd)
{
    if (net_try(n, &fwd, fwd != NULL ? 1 : 0) != 0)
        fail_msg("%s", n->err.text);
}

static void net_close(struct net *n)
{
    netdev_close(n->netdev);
    loop_free(n->loop);
}

static void turn(struct net *n, uint64_t since)
{
    assert_int_equal(loop_run_once(n->loop, 20, NULL), 0);
    assert_true(clock_now_ns(&clock_host) - since < LIMIT_NS);
}

/* The next frame not taken yet; waits for it. */
static const struct packet *next_frame(struct net *n)
{
    uint64_t since = clock_now_ns(&clock_host);

    while (n->taken == n->got_count)
        turn(n, since);
    return &n->got[n->taken++];
}

static void next_tcp(struct net *n, struct tcp *ret_tcp)
{
    const struct packet *p;

    do
        p = next_frame(n);
    while (!get_tcp(p->bytes, p->len, ret_tcp));
}

/* A port nobody has just now. */
static int free_port(int type)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, type, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static int connect_to(int type, int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
        assert_int_equal(errno, EINPROGRESS);
    return fd;
}

/* ---- the text of a forward ---- */

TEST(forwards_are_parsed)
{
    struct hostfwd fwd;

    assert_int_equal(hostfwd_parse(&fwd, "tcp:127.0.0.1:2222-10.0.2.15:22", NULL), 0);
    assert_false(fwd.is_udp);
    assert_int_equal(ntohl(fwd.host_addr.s_addr), 0x7f000001);
    assert_int_equal(ntohl(fwd.guest_addr.s_addr), GUEST_IP);
    assert_int_equal(fwd.host_port, 2222);
    assert_int_equal(fwd.guest_port, 22);
    assert_int_equal(hostfwd_parse(&fwd, "udp::53-:5353", NULL), 0);
    assert_true(fwd.is_udp);
    assert_int_equal(ntohl(fwd.host_addr.s_addr), 0x7f000001);
    assert_int_equal(fwd.guest_addr.s_addr, 0);
    assert_int_equal(hostfwd_parse(&fwd, "tcp:0.0.0.0:65535-:1", NULL), 0);
}

TEST(bad_forwards_are_quoted)
{
    static const char *const bad[] = {
        "",
        "tcp",
        "tcp:",
        "sctp::1-:2",
        "tcp::1",
        "tcp::1-",
        "tcp::1-:",
        "tcp::-:2",
        "tcp::0-:2",
        "tcp::65536-:2",
        "tcp::1-:2x",
        "tcp:1.2.3:1-:2",
        "tcp:host:1-:2",
        "tcp::99999999999-:1",
        "tcp:1111111111111111111111:1-:2",
        "tcp::1-:-2",
        "tcp::+1-:2",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct hostfwd fwd;
        struct error err;
        char quoted[80];

        if (hostfwd_parse(&fwd, bad[i], &err) != -EINVAL)
            fail_msg("'%s' was taken", bad[i]);
        snprintf(quoted, sizeof(quoted), "'%s'", bad[i]);
        assert_non_null(strstr(err.text, quoted));
    }
}

TEST(a_port_in_use_is_a_sentence)
{
    static const char *const protos[] = { "tcp", "udp" };

    for (int i = 0; i < 2; i++) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(a);
        int fd = socket(AF_INET, i == 0 ? SOCK_STREAM : SOCK_DGRAM, 0);
        char text[64];
        const char *fwd = text;
        struct net n;

        assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
        if (i == 0)
            assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
        snprintf(text, sizeof(text), "%s:127.0.0.1:%d-:22", protos[i], ntohs(a.sin_port));
        assert_int_equal(net_try(&n, &fwd, 1), -EADDRINUSE);
        assert_non_null(strstr(n.err.text, text));
        assert_non_null(strstr(n.err.text, "in use by another program"));
        close(fd);
    }
}

/* ---- the router's services ---- */

TEST(the_router_answers_arp)
{
    struct net n;
    struct packet p;
    const struct packet *answer;

    net_open(&n, NULL);
    put_arp(&p, 1, broadcast_mac, GUEST_IP, ROUTER_IP);
    netdev_send(n.netdev, p.bytes, p.len);
    answer = next_frame(&n);
    assert_int_equal(frame_type(answer->bytes), ETH_ARP);
    assert_int_equal(ld_be16(answer->bytes + 20), 2);
    assert_int_equal(ld_be32(answer->bytes + 28), ROUTER_IP);
    assert_memory_equal(answer->bytes, guest_mac, 6);
    net_close(&n);
}

TEST(dhcp_offers_the_usual_address)
{
    struct net n;
    struct packet p;
    uint8_t bootp[300] = { 1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78 };
    static const uint8_t options[] = { 0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255 };
    const uint8_t *body;
    size_t len;

    net_open(&n, NULL);
    memcpy(bootp + 28, guest_mac, 6);
    memcpy(bootp + 236, options, sizeof(options));
    put_udp(&p, broadcast_mac, 0, 68, 0xffffffff, 67, bootp, sizeof(bootp));
    netdev_send(n.netdev, p.bytes, p.len);
    do {
        const struct packet *answer = next_frame(&n);

        body = ip_body(answer->bytes, answer->len, PROTO_UDP, &len);
    } while (body == NULL);
    assert_int_equal(ld_be16(body + 2), 68);
    assert_int_equal(ld_be32(body + 8 + 4), 0x12345678);
    assert_int_equal(ld_be32(body + 8 + 16), GUEST_IP);
    assert_int_equal(body[8 + 236 + 4], 53);
    assert_int_equal(body[8 + 236 + 6], 2); /* an offer */
    net_close(&n);
}

TEST(ipv6_neighbours_are_answered)
{
    struct net n;
    struct packet p;
    uint8_t *ip;
    const struct packet *answer;
    uint32_t sum;
    static const uint8_t to_mac[6] = { 0x33, 0x33, 0xff, 0, 0, 2 };

    /* A neighbour solicitation for fec0::2 from fec0::15. */
    net_open(&n, NULL);
    put_eth(&p, to_mac, ETH_IPV6);
    ip = p.bytes + 14;
    ip[0] = 0x60;
    st_be16(ip + 4, 32);
    ip[6] = 58;
    ip[7] = 255;
    ip[8] = 0xfe;
    ip[9] = 0xc0;
    ip[23] = 0x15;
    memcpy(ip + 24, "\xff\x02\0\0\0\0\0\0\0\0\0\1\xff\0\0\2", 16);
    ip[40] = 135;
    ip[48] = 0xfe;
    ip[49] = 0xc0;
    ip[63] = 2;
    ip[64] = 1;
    ip[65] = 1;
    memcpy(ip + 66, guest_mac, 6);
    sum = sum_words(ip + 8, 32, 32 + 58);
    st_be16(ip + 42, (uint16_t)~fold(sum_words(ip + 40, 32, sum)));
    p.len = 14 + 40 + 32;
    netdev_send(n.netdev, p.bytes, p.len);
    do
        answer = next_frame(&n);
    while (frame_type(answer->bytes) != ETH_IPV6 || answer->bytes[54] != 136);
    assert_int_equal(answer->bytes[14 + 48], 0xfe);
    assert_int_equal(answer->bytes[14 + 63], 2);
    net_close(&n);
}

/* ---- forwarded ports ---- */

static const uint8_t *router_mac_of(struct net *n)
{
    struct packet p;

    put_arp(&p, 1, broadcast_mac, GUEST_IP, ROUTER_IP);
    netdev_send(n->netdev, p.bytes, p.len);
    return next_frame(n)->bytes + 6;
}

static void wait_readable(struct net *n, int fd, void *buf, size_t want, ssize_t *ret_len)
{
    uint64_t since = clock_now_ns(&clock_host);
    size_t done = 0;

    for (;;) {
        ssize_t got = recv(fd, (char *)buf + done, want - done, MSG_DONTWAIT);

        if (got < 0)
            assert_int_equal(errno, EAGAIN);
        if (got == 0)
            break;
        done += got > 0 ? (size_t)got : 0;
        if (done == want)
            break;
        turn(n, since);
    }
    *ret_len = (ssize_t)done;
}

/* Makes a forwarded TCP connection up to the guest's SYN-ACK. */
static int tcp_open(struct net *n, int port, const uint8_t **ret_mac, struct tcp *ret_syn)
{
    struct packet p;
    struct tcp tcp;
    int fd;

    *ret_mac = router_mac_of(n);
    fd = connect_to(SOCK_STREAM, port);
    next_tcp(n, ret_syn);
    tcp = (struct tcp){ .from = 7,
                        .to = ret_syn->from,
                        .seq = 1000,
                        .ack = ret_syn->seq + 1,
                        .flags = TCP_SYN | TCP_ACK };
    put_tcp(&p, *ret_mac, GUEST_IP, ROUTER_IP, &tcp);
    netdev_send(n->netdev, p.bytes, p.len);
    return fd;
}

TEST(a_forwarded_tcp_connection_carries_an_echo)
{
    struct net n;
    struct packet p;
    struct tcp syn, data, tcp;
    const uint8_t *mac;
    char fwd[64], buf[16];
    int port = free_port(SOCK_STREAM), fd;
    ssize_t len;

    snprintf(fwd, sizeof(fwd), "tcp:127.0.0.1:%d-:7", port);
    net_open(&n, fwd);
    fd = tcp_open(&n, port, &mac, &syn);
    assert_int_equal(syn.flags, TCP_SYN);
    assert_int_equal(syn.to, 7);
    assert_int_equal(send(fd, "hello", 5, MSG_NOSIGNAL), 5);
    do
        next_tcp(&n, &data);
    while (data.len == 0);
    assert_int_equal(data.len, 5);
    assert_memory_equal(data.data, "hello", 5);
    tcp = (struct tcp){ .from = 7,
                        .to = syn.from,
                        .seq = 1001,
                        .ack = data.seq + 5,
                        .flags = TCP_PSH | TCP_ACK,
                        .data = data.data,
                        .len = 5 };
    put_tcp(&p, mac, GUEST_IP, ROUTER_IP, &tcp);
    netdev_send(n.netdev, p.bytes, p.len);
    wait_readable(&n, fd, buf, 5, &len);
    assert_int_equal(len, 5);
    assert_memory_equal(buf, "hello", 5);
    /* The guest closes; the host sees the end. */
    tcp = (struct tcp){
        .from = 7, .to = syn.from, .seq = 1006, .ack = data.seq + 5, .flags = TCP_FIN | TCP_ACK
    };
    put_tcp(&p, mac, GUEST_IP, ROUTER_IP, &tcp);
    netdev_send(n.netdev, p.bytes, p.len);
    wait_readable(&n, fd, buf, 1, &len);
    assert_int_equal(len, 0);
    close(fd);
    net_close(&n);
}

TEST(a_forwarded_udp_packet_arrives_and_is_answered)
{
    struct net n;
    struct packet p;
    const uint8_t *mac, *body;
    char fwd[64], buf[16];
    int port = free_port(SOCK_DGRAM), fd;
    size_t body_len;
    ssize_t len;

    snprintf(fwd, sizeof(fwd), "udp:127.0.0.1:%d-10.0.2.15:9", port);
    net_open(&n, fwd);
    mac = router_mac_of(&n);
    fd = connect_to(SOCK_DGRAM, port);
    assert_int_equal(send(fd, "ping", 4, 0), 4);
    do {
        const struct packet *got = next_frame(&n);

        body = ip_body(got->bytes, got->len, PROTO_UDP, &body_len);
    } while (body == NULL);
    assert_int_equal(ld_be16(body + 2), 9);
    assert_memory_equal(body + 8, "ping", 4);
    put_udp(&p, mac, GUEST_IP, 9, ROUTER_IP, ld_be16(body), "pong", 4);
    netdev_send(n.netdev, p.bytes, p.len);
    wait_readable(&n, fd, buf, 4, &len);
    assert_memory_equal(buf, "pong", 4);
    close(fd);
    net_close(&n);
}

TEST(a_guest_that_stalls_loses_no_tcp_data)
{
    struct net n;
    struct packet p;
    struct tcp syn, tcp;
    const uint8_t *mac;
    static uint8_t chunk[256 * 1024];
    char fwd[64];
    int port = free_port(SOCK_STREAM), fd;
    uint64_t since;
    size_t sent = 0, received = 0;

    snprintf(fwd, sizeof(fwd), "tcp:127.0.0.1:%d-:7", port);
    net_open(&n, fwd);
    fd = tcp_open(&n, port, &mac, &syn);
    for (size_t i = 0; i < sizeof(chunk); i++)
        chunk[i] = (uint8_t)(i * 31 >> 3);
    n.full = true;
    since = clock_now_ns(&clock_host);
    for (int idle = 0; idle < 3 && sent < sizeof(chunk);) {
        ssize_t put = send(fd, chunk + sent, sizeof(chunk) - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        idle = put > 0 ? 0 : idle + 1;
        sent += put > 0 ? (size_t)put : 0;
        turn(&n, since);
    }
    while (n.netdev->backlog_count == 0)
        turn(&n, since);
    assert_true(n.netdev->backlog_count <= NETDEV_BACKLOG_MAX);
    /* Now it takes, and acknowledges, and every byte is there in order. */
    n.full = false;
    netdev_resume(n.netdev);
    while (received < sent) {
        size_t fresh = 0;

        if (n.taken == n.got_count)
            n.taken = n.got_count = 0;
        next_tcp(&n, &tcp);
        if (tcp.seq == syn.seq + 1 + (uint32_t)received)
            fresh = tcp.len;
        if (memcmp(tcp.data, chunk + received, fresh) != 0)
            fail_msg("the bytes from %zu on differ", received);
        received += fresh;
        tcp = (struct tcp){ .from = 7,
                            .to = syn.from,
                            .seq = 1001,
                            .ack = syn.seq + 1 + (uint32_t)received,
                            .flags = TCP_ACK };
        put_tcp(&p, mac, GUEST_IP, ROUTER_IP, &tcp);
        netdev_send(n.netdev, p.bytes, p.len);
    }
    assert_int_equal(received, sent);
    close(fd);
    net_close(&n);
}

TEST(while_many_frames_wait_sockets_are_not_read)
{
    enum { COUNT = 150 };
    struct net n;
    const uint8_t *body;
    char fwd[64], text[16];
    int port = free_port(SOCK_DGRAM), fd;
    uint64_t since = clock_now_ns(&clock_host);
    size_t len;
    unsigned next = 0;

    snprintf(fwd, sizeof(fwd), "udp:127.0.0.1:%d-10.0.2.15:9", port);
    net_open(&n, fwd);
    (void)router_mac_of(&n);
    fd = connect_to(SOCK_DGRAM, port);
    /* The first one has libslirp ask for our address; then the guest stops taking frames. */
    assert_int_equal(send(fd, "0", 2, 0), 2);
    do {
        const struct packet *got = next_frame(&n);

        body = ip_body(got->bytes, got->len, PROTO_UDP, &len);
    } while (body == NULL);
    n.full = true;
    for (unsigned i = 1; i < COUNT; i++) {
        snprintf(text, sizeof(text), "%u", i);
        assert_int_equal(send(fd, text, sizeof(text), 0), sizeof(text));
    }
    while (!netdev_is_congested(n.netdev))
        turn(&n, since);
    for (int i = 0; i < 20; i++) /* more turns bring no more */
        turn(&n, since);
    assert_int_equal(n.netdev->dropped, 0);
    assert_true(n.netdev->backlog_count < COUNT - 1);
    n.full = false;
    netdev_resume(n.netdev);
    for (next = 1; next < COUNT; next++) {
        do {
            const struct packet *got;

            if (n.taken == n.got_count)
                n.taken = n.got_count = 0;
            got = next_frame(&n);
            body = ip_body(got->bytes, got->len, PROTO_UDP, &len);
        } while (body == NULL);
        assert_int_equal(strtol((const char *)body + 8, NULL, 10), next);
    }
    assert_int_equal(n.netdev->dropped, 0);
    close(fd);
    net_close(&n);
}

TEST(strange_frames_are_survived)
{
    struct net n;
    uint8_t frame[200];
    uint32_t seed = 1;

    net_open(&n, NULL);
    for (unsigned i = 0; i < 20000; i++) {
        size_t len;

        for (size_t j = 0; j < sizeof(frame); j++) {
            seed = seed * 1664525 + 1013904223;
            frame[j] = (uint8_t)(seed >> 24);
        }
        len = 14 + seed % (sizeof(frame) - 14);
        st_be16(frame + 12, i % 3 == 0 ? ETH_IP : i % 3 == 1 ? ETH_ARP : ETH_IPV6);
        if (i % 3 == 0)
            frame[14] = 0x45;
        netdev_send(n.netdev, frame, len);
        n.got_count = n.taken = 0;
    }
    net_close(&n);
}

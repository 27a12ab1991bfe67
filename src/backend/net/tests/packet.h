/* backend/net/tests/packet.h - a guest's network stack, as small as the tests need: frames are
 * put together and taken apart by hand. */
#ifndef BACKEND_NET_TESTS_PACKET_H
#define BACKEND_NET_TESTS_PACKET_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/endian.h"

enum {
    ETH_IP = 0x0800,
    ETH_ARP = 0x0806,
    ETH_IPV6 = 0x86dd,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    TCP_FIN = 1,
    TCP_SYN = 2,
    TCP_PSH = 8,
    TCP_ACK = 16,
};

#define GUEST_IP 0x0a00020fu  /* 10.0.2.15 */
#define ROUTER_IP 0x0a000202u /* 10.0.2.2 */

static const uint8_t guest_mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
static const uint8_t broadcast_mac[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

struct packet {
    uint8_t bytes[1600];
    size_t len;
};

static inline uint16_t frame_type(const uint8_t *frame)
{
    return ld_be16(frame + 12);
}

static inline uint32_t sum_words(const uint8_t *bytes, size_t len, uint32_t sum)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += ld_be16(bytes + i);
    if (len % 2 != 0)
        sum += (uint32_t)bytes[len - 1] << 8;
    return sum;
}

static inline uint16_t fold(uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static inline void put_eth(struct packet *p, const uint8_t *to, uint16_t type)
{
    memset(p, 0, sizeof(*p));
    memcpy(p->bytes, to, 6);
    memcpy(p->bytes + 6, guest_mac, 6);
    st_be16(p->bytes + 12, type);
    p->len = 14;
}

/* op 1 asks who has `ip`; op 2 answers that we do. */
static inline void put_arp(struct packet *p, unsigned op, const uint8_t *to, uint32_t from_ip,
                           uint32_t ip)
{
    uint8_t *a;

    put_eth(p, to, ETH_ARP);
    a = p->bytes + 14;
    st_be16(a, 1);
    st_be16(a + 2, ETH_IP);
    a[4] = 6;
    a[5] = 4;
    st_be16(a + 6, (uint16_t)op);
    memcpy(a + 8, guest_mac, 6);
    st_be32(a + 14, from_ip);
    if (op == 2)
        memcpy(a + 18, to, 6);
    st_be32(a + 24, ip);
    p->len = 14 + 28;
}

/* IP and then `len` bytes of transport, whose checksum is at `sum_at` of it. */
static inline void put_ip(struct packet *p, const uint8_t *to, uint32_t from_ip, uint32_t ip,
                          uint8_t proto, const uint8_t *body, size_t len, size_t sum_at)
{
    uint8_t *h;
    uint32_t sum;

    put_eth(p, to, ETH_IP);
    h = p->bytes + 14;
    h[0] = 0x45;
    st_be16(h + 2, (uint16_t)(20 + len));
    h[8] = 64;
    h[9] = proto;
    st_be32(h + 12, from_ip);
    st_be32(h + 16, ip);
    st_be16(h + 10, (uint16_t)~fold(sum_words(h, 20, 0)));
    memcpy(h + 20, body, len);
    sum = sum_words(h + 12, 8, (uint32_t)proto + (uint32_t)len);
    st_be16(h + 20 + sum_at, (uint16_t)~fold(sum_words(h + 20, len, sum)));
    p->len = 14 + 20 + len;
}

static inline void put_udp(struct packet *p, const uint8_t *to, uint32_t from_ip, uint16_t from,
                           uint32_t ip, uint16_t port, const void *data, size_t len)
{
    uint8_t body[1500] = { 0 };

    st_be16(body, from);
    st_be16(body + 2, port);
    st_be16(body + 4, (uint16_t)(8 + len));
    memcpy(body + 8, data, len);
    put_ip(p, to, from_ip, ip, PROTO_UDP, body, 8 + len, 6);
}

struct tcp {
    uint16_t from, to;
    uint32_t seq, ack;
    uint8_t flags;
    const uint8_t *data;
    size_t len;
};

static inline void put_tcp(struct packet *p, const uint8_t *mac, uint32_t from_ip, uint32_t ip,
                           const struct tcp *tcp)
{
    uint8_t body[1500] = { 0 };

    st_be16(body, tcp->from);
    st_be16(body + 2, tcp->to);
    st_be32(body + 4, tcp->seq);
    st_be32(body + 8, tcp->ack);
    body[12] = 5 << 4;
    body[13] = tcp->flags;
    st_be16(body + 14, 32000);
    if (tcp->len > 0)
        memcpy(body + 20, tcp->data, tcp->len);
    put_ip(p, mac, from_ip, ip, PROTO_TCP, body, 20 + tcp->len, 16);
}

/* The transport part of an IPv4 frame of this protocol, or NULL. */
static inline const uint8_t *ip_body(const uint8_t *frame, size_t len, uint8_t proto,
                                     size_t *ret_len)
{
    size_t header;

    if (len < 34 || frame_type(frame) != ETH_IP || frame[14 + 9] != proto)
        return NULL;
    header = (size_t)(frame[14] & 15) * 4;
    *ret_len = ld_be16(frame + 16) - header;
    return frame + 14 + header;
}

static inline bool get_tcp(const uint8_t *frame, size_t len, struct tcp *ret_tcp)
{
    size_t body_len, header;
    const uint8_t *body = ip_body(frame, len, PROTO_TCP, &body_len);

    if (body == NULL)
        return false;
    header = (size_t)(body[12] >> 4) * 4;
    *ret_tcp = (struct tcp){ .from = ld_be16(body),
                             .to = ld_be16(body + 2),
                             .seq = ld_be32(body + 4),
                             .ack = ld_be32(body + 8),
                             .flags = body[13],
                             .data = body + header,
                             .len = body_len - header };
    return true;
}

#endif

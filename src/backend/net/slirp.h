/* backend/net/slirp.h - user-mode networking: a router, DHCP and DNS server inside the process.
 *
 * Needs no privilege on the host: the guest's connections become sockets of ours. Addresses are
 * those the field is used to: network 10.0.2.0/24 and fec0::/64, gateway (and the host itself)
 * 10.0.2.2 and fec0::2, name server 10.0.2.3 and fec0::3, the guest 10.0.2.15 by DHCP.
 */
#ifndef BACKEND_NET_SLIRP_H
#define BACKEND_NET_SLIRP_H

#include "backend/net/netdev.h"

struct slirp_options {
    /* Each "tcp:[HOSTADDR]:PORT-[GUESTADDR]:PORT", or "udp:...". No host address means
     * 127.0.0.1: to be reached from elsewhere is asked for by 0.0.0.0. No guest address means
     * the first that DHCP gives out. Not owned. */
    const char *const *hostfwd;
    size_t hostfwd_count;
    bool no_ipv6;
    bool restricted; /* the guest reaches nothing but the router itself and what is forwarded */
};

/* A bad or unavailable forward is a sentence that quotes it. */
int slirp_netdev_open(struct netdev **ret_netdev, struct loop *loop,
                      const struct slirp_options *options, struct error *err) NODISCARD;

#endif

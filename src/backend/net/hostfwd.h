/* backend/net/hostfwd.h - the text form of a forwarded port. */
#ifndef BACKEND_NET_HOSTFWD_H
#define BACKEND_NET_HOSTFWD_H

#include <netinet/in.h>
#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"

struct hostfwd {
    bool is_udp;
    struct in_addr host_addr, guest_addr; /* guest 0.0.0.0: the first DHCP address */
    int host_port, guest_port;
};

/* -EINVAL with a sentence that quotes `text`. */
int hostfwd_parse(struct hostfwd *ret_fwd, const char *text, struct error *err) NODISCARD;

#endif

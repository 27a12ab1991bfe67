/*
 * backend/net/hostfwd.c - parses "tcp:127.0.0.1:2222-10.0.2.15:22".
 */
#include "backend/net/hostfwd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int bad(const char *text, const char *why, struct error *err)
{
    return error_set(err, EINVAL,
                     "hostfwd '%s': %s; it reads PROTOCOL:HOSTADDR:PORT-GUESTADDR:PORT, for "
                     "example tcp:127.0.0.1:2222-:22",
                     text, why);
}

/* "ADDR:PORT" from [text, end); an empty ADDR leaves *addr alone. */
static const char *parse_end(const char *text, const char *end, struct in_addr *addr, int *ret_port)
{
    const char *colon = memchr(text, ':', (size_t)(end - text));
    char copy[INET_ADDRSTRLEN];
    size_t len;
    int port = 0;

    if (colon == NULL)
        return "a port is missing";
    len = (size_t)(colon - text);
    if (len >= sizeof(copy))
        return "an address is not an IPv4 address";
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (len > 0 && inet_pton(AF_INET, copy, addr) != 1)
        return "an address is not an IPv4 address";
    if (colon + 1 == end || end - colon > 6)
        return "a port is not a number from 1 to 65535";
    for (const char *c = colon + 1; c < end; c++) {
        if (*c < '0' || *c > '9')
            return "a port is not a number from 1 to 65535";
        port = port * 10 + (*c - '0');
    }
    if (port < 1 || port > 65535)
        return "a port is not a number from 1 to 65535";
    *ret_port = port;
    return NULL;
}

int hostfwd_parse(struct hostfwd *ret_fwd, const char *text, struct error *err)
{
    struct hostfwd fwd = { .host_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const char *rest = text + 4, *dash, *why;

    if (strncmp(text, "udp:", 4) == 0)
        fwd.is_udp = true;
    else if (strncmp(text, "tcp:", 4) != 0)
        return bad(text, "the protocol is neither tcp nor udp", err);
    dash = strchr(rest, '-');
    if (dash == NULL)
        return bad(text, "there is no '-' between host and guest", err);
    why = parse_end(rest, dash, &fwd.host_addr, &fwd.host_port);
    if (why == NULL)
        why = parse_end(dash + 1, dash + strlen(dash), &fwd.guest_addr, &fwd.guest_port);
    if (why != NULL)
        return bad(text, why, err);
    *ret_fwd = fwd;
    return 0;
}

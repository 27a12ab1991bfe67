/*
 * backend/net/slirp.c - user-mode networking over libslirp.
 *
 * libslirp is single-threaded and wants to be asked, before each sleep, which sockets it waits
 * for, and told after it which are ready. Our loop keeps a standing set instead, so a *turn*
 *
 *     slirp_pollfds_poll()   hands over what became ready, runs its timers, moves data
 *     slirp_pollfds_fill()   says what it waits for now; the standing set is brought in line
 *
 * is made whenever something happened: a socket is ready, a timeout passed, the guest sent. All
 * of this is on the loop's thread. A turn is posted as work, so that many causes make one turn.
 *
 * Back-pressure: while many frames wait for the guest, sockets are not watched for reading. Their
 * data stays in the host's kernel, whose windows then close.
 */
#include "backend/net/slirp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>

#include "backend/net/hostfwd.h"

struct user_net;

/* A socket libslirp waits for. */
struct poll_slot {
    struct list_node node;
    struct loop_fd lfd;
    struct user_net *net;
    int fd;
    int wanted;  /* SLIRP_POLL_* of the fill under way */
    int watched; /* SLIRP_POLL_* the loop watches for; 0: not registered */
    int ready;   /* SLIRP_POLL_* seen since the last turn */
};

struct user_net {
    struct netdev netdev;
    Slirp *slirp;
    struct list_node slots;
    struct poll_slot **by_fd; /* also in slots */
    size_t by_fd_len;
    struct loop_work turn;
    struct loop_timer timeout;
};

struct user_timer {
    struct loop_timer timer;
    SlirpTimerCb fire;
    void *opaque;
};

static struct user_net *to_user(struct netdev *netdev)
{
    return container_of(netdev, struct user_net, netdev);
}

/* ---- sockets ---- */

static unsigned to_loop_events(int events)
{
    return ((events & SLIRP_POLL_IN) != 0 ? LOOP_READ : 0u) |
           ((events & SLIRP_POLL_OUT) != 0 ? LOOP_WRITE : 0u);
}

static void slot_ready(struct loop_fd *lfd, unsigned events)
{
    struct poll_slot *slot = container_of(lfd, struct poll_slot, lfd);

    if ((events & LOOP_READ) != 0)
        slot->ready |= SLIRP_POLL_IN;
    if ((events & LOOP_WRITE) != 0)
        slot->ready |= SLIRP_POLL_OUT;
    if ((events & LOOP_HANGUP) != 0)
        slot->ready |= SLIRP_POLL_HUP | SLIRP_POLL_ERR;
    loop_work_post(&slot->net->turn);
}

static void slot_free(struct poll_slot *slot)
{
    if (slot->watched != 0)
        loop_fd_del(&slot->lfd);
    slot->net->by_fd[slot->fd] = NULL;
    list_del(&slot->node);
    free(slot);
}

static struct poll_slot *slot_find(struct user_net *net, int fd)
{
    return fd >= 0 && (size_t)fd < net->by_fd_len ? net->by_fd[fd] : NULL;
}

static struct poll_slot *slot_get(struct user_net *net, int fd)
{
    struct poll_slot *slot = slot_find(net, fd);

    if (slot != NULL)
        return slot;
    if ((size_t)fd >= net->by_fd_len) {
        size_t len = (size_t)fd * 2 + 16;
        struct poll_slot **grown = reallocarray(net->by_fd, len, sizeof(struct poll_slot *));

        if (grown == NULL)
            return NULL;
        for (size_t i = net->by_fd_len; i < len; i++)
            grown[i] = NULL;
        net->by_fd = grown;
        net->by_fd_len = len;
    }
    slot = calloc(1, sizeof(*slot));
    if (slot == NULL)
        return NULL;
    slot->net = net;
    slot->fd = fd;
    net->by_fd[fd] = slot;
    list_append(&net->slots, &slot->node);
    return slot;
}

/* libslirp's number for what it waits for is the descriptor itself. */
static int on_add_poll(int fd, int events, void *opaque)
{
    struct user_net *net = opaque;
    struct poll_slot *slot = slot_get(net, fd);

    if (slot == NULL)
        return -1;
    if (netdev_is_congested(&net->netdev))
        events &= ~SLIRP_POLL_IN;
    slot->wanted |= events & (SLIRP_POLL_IN | SLIRP_POLL_OUT);
    return fd;
}

static int on_get_revents(int idx, void *opaque)
{
    struct poll_slot *slot = slot_find(opaque, idx);

    return slot != NULL ? slot->ready : 0;
}

/* Makes the loop watch what the slot wants. A socket nobody waits for is not watched at all:
 * else its hang-up would be reported for ever. */
static void slot_sync(struct poll_slot *slot)
{
    if (slot->wanted == slot->watched)
        return;
    if (slot->wanted == 0)
        loop_fd_del(&slot->lfd);
    else if (slot->watched != 0)
        loop_fd_set_events(&slot->lfd, to_loop_events(slot->wanted));
    else if (loop_fd_add(slot->net->netdev.loop, &slot->lfd, slot->fd, to_loop_events(slot->wanted),
                         slot_ready, NULL) != 0)
        slot->wanted = 0; /* the host refuses; the connection stalls and times out */
    slot->watched = slot->wanted;
}

/* Before the fill that closes a turn, and after a change of what is wanted without events. */
static void user_fill(struct user_net *net)
{
    uint32_t timeout_ms = UINT32_MAX;

    list_for_each(node, &net->slots)
    {
        struct poll_slot *slot = list_entry(node, struct poll_slot, node);

        slot->wanted = slot->ready = 0;
    }
    slirp_pollfds_fill(net->slirp, &timeout_ms, on_add_poll, net);
    list_for_each_safe(node, &net->slots)
    {
        struct poll_slot *slot = list_entry(node, struct poll_slot, node);

        slot_sync(slot);
        if (slot->watched == 0)
            slot_free(slot);
    }
    if (timeout_ms == UINT32_MAX)
        loop_timer_disarm(&net->timeout);
    else
        loop_timer_arm(&net->timeout,
                       clock_now_ns(loop_clock(net->netdev.loop)) + (uint64_t)timeout_ms * 1000000);
}

static void user_turn(struct loop_work *work)
{
    struct user_net *net = container_of(work, struct user_net, turn);

    slirp_pollfds_poll(net->slirp, 0, on_get_revents, net);
    user_fill(net);
}

static void user_timeout(struct loop_timer *timer)
{
    loop_work_post(&container_of(timer, struct user_net, timeout)->turn);
}

/* ---- what libslirp calls ---- */

static ssize_t on_send_packet(const void *buf, size_t len, void *opaque)
{
    struct user_net *net = opaque;

    netdev_deliver(&net->netdev, buf, len);
    return (ssize_t)len;
}

static void on_guest_error(const char *msg, void *opaque)
{
    (void)msg; /* the guest sent a strange packet; that is its own affair */
    (void)opaque;
}

static int64_t on_clock(void *opaque)
{
    struct user_net *net = opaque;

    return (int64_t)clock_now_ns(loop_clock(net->netdev.loop));
}

static void timer_fire(struct loop_timer *timer)
{
    struct user_timer *t = container_of(timer, struct user_timer, timer);

    t->fire(t->opaque);
}

static void *on_timer_new(SlirpTimerCb cb, void *cb_opaque, void *opaque)
{
    struct user_net *net = opaque;
    struct user_timer *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    loop_timer_init(&t->timer, net->netdev.loop, timer_fire);
    t->fire = cb;
    t->opaque = cb_opaque;
    return t;
}

static void on_timer_free(void *timer, void *opaque)
{
    struct user_timer *t = timer;

    (void)opaque;
    if (t != NULL)
        loop_timer_disarm(&t->timer);
    free(t);
}

static void on_timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
    struct user_timer *t = timer;

    (void)opaque;
    if (t != NULL && expire_ms >= 0)
        loop_timer_arm(&t->timer, (uint64_t)expire_ms * 1000000);
}

static void on_register_fd(int fd, void *opaque)
{
    (void)fd; /* the next fill names it */
    loop_work_post(&((struct user_net *)opaque)->turn);
}

/* Called before libslirp closes the socket: its number may be another's a moment later. */
static void on_unregister_fd(int fd, void *opaque)
{
    struct poll_slot *slot = slot_find(opaque, fd);

    if (slot != NULL)
        slot_free(slot);
}

static void on_notify(void *opaque)
{
    loop_work_post(&((struct user_net *)opaque)->turn);
}

static const SlirpCb user_callbacks = {
    .send_packet = on_send_packet,
    .guest_error = on_guest_error,
    .clock_get_ns = on_clock,
    .timer_new = on_timer_new,
    .timer_free = on_timer_free,
    .timer_mod = on_timer_mod,
    .register_poll_fd = on_register_fd,
    .unregister_poll_fd = on_unregister_fd,
    .notify = on_notify,
};

/* ---- the netdev ---- */

static void user_send(struct netdev *netdev, const uint8_t *frame, size_t len)
{
    struct user_net *net = to_user(netdev);

    slirp_input(net->slirp, frame, (int)len);
    loop_work_post(&net->turn);
}

static void user_uncongested(struct netdev *netdev)
{
    loop_work_post(&to_user(netdev)->turn);
}

static void user_close(struct netdev *netdev)
{
    struct user_net *net = to_user(netdev);
    struct list_node *node;

    if (net->slirp != NULL)
        slirp_cleanup(net->slirp);
    while ((node = list_pop(&net->slots)) != NULL)
        slot_free(list_entry(node, struct poll_slot, node));
    loop_work_cancel(&net->turn);
    loop_timer_disarm(&net->timeout);
    netdev_fini(netdev);
    free(net->by_fd);
    free(net);
}

static const struct netdev_ops user_ops = {
    .kind = "user",
    .send = user_send,
    .uncongested = user_uncongested,
    .close = user_close,
};

static int add_forward(struct user_net *net, const char *text, struct error *err)
{
    struct hostfwd fwd;
    int rc = hostfwd_parse(&fwd, text, err);

    if (rc != 0)
        return rc;
    errno = 0;
    if (slirp_add_hostfwd(net->slirp, fwd.is_udp, fwd.host_addr, fwd.host_port, fwd.guest_addr,
                          fwd.guest_port) == 0)
        return 0;
    rc = errno != 0 ? errno : EADDRINUSE;
    if (rc == EADDRINUSE)
        return error_set(err, rc,
                         "hostfwd '%s': host port %d is in use by another program; choose another "
                         "port, or stop that program ('ss -lnp' shows it)",
                         text, fwd.host_port);
    if (rc == EACCES)
        return error_set(err, rc,
                         "hostfwd '%s': host port %d may not be opened without privilege; choose "
                         "one above 1023",
                         text, fwd.host_port);
    return error_set(err, rc, "hostfwd '%s': host port %d cannot be opened: %s", text,
                     fwd.host_port, strerror(rc));
}

static void user_config(SlirpConfig *config, const struct slirp_options *options)
{
    memset(config, 0, sizeof(*config));
    config->version = 1;
    config->restricted = options->restricted;
    config->in_enabled = true;
    config->vnetwork.s_addr = htonl(0x0a000200);
    config->vnetmask.s_addr = htonl(0xffffff00);
    config->vhost.s_addr = htonl(0x0a000202);
    config->vdhcp_start.s_addr = htonl(0x0a00020f);
    config->vnameserver.s_addr = htonl(0x0a000203);
    config->in6_enabled = !options->no_ipv6;
    inet_pton(AF_INET6, "fec0::", &config->vprefix_addr6);
    config->vprefix_len = 64;
    inet_pton(AF_INET6, "fec0::2", &config->vhost6);
    inet_pton(AF_INET6, "fec0::3", &config->vnameserver6);
    config->vhostname = "vireo";
}

int slirp_netdev_open(struct netdev **ret_netdev, struct loop *loop,
                      const struct slirp_options *options, struct error *err)
{
    struct user_net *net = calloc(1, sizeof(*net));
    SlirpConfig config;

    if (net == NULL)
        return error_set(err, ENOMEM, "user network: no memory");
    netdev_init(&net->netdev, &user_ops, loop);
    net->netdev.checksums_valid = true; /* libslirp computes them all */
    net->netdev.takes_large_tcp = true; /* it ends each connection, so it need not cut segments */
    list_init(&net->slots);
    loop_work_init(&net->turn, loop, user_turn);
    loop_timer_init(&net->timeout, loop, user_timeout);
    user_config(&config, options);
    net->slirp = slirp_new(&config, &user_callbacks, net);
    if (net->slirp == NULL) {
        user_close(&net->netdev);
        return error_set(err, ENOMEM, "user network: libslirp %s did not start",
                         slirp_version_string());
    }
    for (size_t i = 0; i < options->hostfwd_count; i++) {
        int rc = add_forward(net, options->hostfwd[i], err);

        if (rc != 0) {
            user_close(&net->netdev);
            return rc;
        }
    }
    loop_work_post(&net->turn);
    *ret_netdev = &net->netdev;
    return 0;
}

/* devices/virtio/tests/fuzz_virtio_net.c - the network card under a driver that means no good. */
#include "devices/virtio/tests/fuzz_driver.h"

#include "devices/virtio/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct net_fuzz {
    struct fuzz_driver f;
    struct netdev wire;
    struct virtio_net net;
};

static void wire_send(struct netdev *netdev, const uint8_t *frame, size_t len)
{
    uint8_t sum = 0;

    (void)netdev;
    assert(len >= 14 && len <= NETDEV_FRAME_MAX);
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + frame[i]);
    __asm__ volatile("" ::"r"(sum)); /* every byte has been read */
}

static const struct netdev_ops wire_ops = { .kind = "fuzz", .send = wire_send };

/* A frame arrives, or the cable moves. */
static void extra(struct fuzz_driver *f, uint32_t what)
{
    struct net_fuzz *t = container_of(f, struct net_fuzz, f);
    static const uint8_t frame[4096] = { 1, 2, 3 };

    if (what == UINT32_MAX)
        return;
    if ((what & 3) == 0)
        virtio_net_set_link(&t->net, (what & 4) != 0);
    else if ((what & 3) == 1)
        virtio_net_announce(&t->net);
    else
        netdev_deliver(&t->wire, frame, 14 + (what >> 2) * 60);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct net_fuzz *t;

    if (t == NULL) {
        t = calloc(1, sizeof(*t));
        assert(t != NULL);
        bench_init(&t->f.b, 1);
        netdev_init(&t->wire, &wire_ops, t->f.b.loop);
        virtio_net_init(&t->net, "net0", t->f.b.space,
                        &(struct virtio_net_params){ .netdev = &t->wire });
        bench_plug(&t->f.b, &t->net.virtio);
        t->f.queues = 3;
        t->f.extra = extra;
    }
    fuzz_run(&t->f, data, size);
    netdev_resume(&t->wire); /* what waited goes, now that no driver is there */
    (void)!loop_run_once(t->f.b.loop, 0, NULL);
    assert(t->wire.backlog_count == 0);
    return 0;
}

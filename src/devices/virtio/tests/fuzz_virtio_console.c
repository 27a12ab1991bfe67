/* devices/virtio/tests/fuzz_virtio_console.c - the console under a driver that means no good. */
#include "devices/virtio/tests/fuzz_driver.h"

#include "backend/char/kinds.h"
#include "devices/virtio/console.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct con_fuzz {
    struct fuzz_driver f;
    struct chardev chr;
    size_t takes; /* bytes of output it takes from now on */
    struct virtio_console con;
};

static size_t sink_write(struct chardev *chr, const uint8_t *buf, size_t len)
{
    struct con_fuzz *t = container_of(chr, struct con_fuzz, chr);
    size_t taken = len < t->takes ? len : t->takes;

    (void)buf;
    t->takes -= taken;
    return taken;
}

static void sink_nothing(struct chardev *chr)
{
    (void)chr;
}

static bool sink_size(struct chardev *chr, unsigned *ret_columns, unsigned *ret_rows)
{
    (void)chr;
    *ret_columns = 80;
    *ret_rows = 25;
    return true;
}

static const struct chardev_ops sink_ops = { .kind = "fuzz",
                                             .write = sink_write,
                                             .accept_input = sink_nothing,
                                             .size = sink_size,
                                             .close = sink_nothing };

/* Input arrives, the host takes more, the terminal changes its size. */
static void extra(struct fuzz_driver *f, uint32_t what)
{
    struct con_fuzz *t = container_of(f, struct con_fuzz, f);
    static const uint8_t text[VIRTIO_CONSOLE_INPUT_MAX] = "input";
    size_t len = (what >> 2) * 16 + 1, room;

    if (what == UINT32_MAX || t->chr.handler == NULL)
        return;
    switch (what & 3) {
    case 0:
        t->takes = len * 8;
        t->chr.handler->writable(t->chr.opaque);
        break;
    case 1:
        t->chr.handler->resized(t->chr.opaque, what, what * 3);
        break;
    default:
        room = t->chr.handler->room(t->chr.opaque);
        t->chr.handler->input(t->chr.opaque, text, len < room ? len : room);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct con_fuzz *t;

    if (t == NULL) {
        t = calloc(1, sizeof(*t));
        assert(t != NULL);
        bench_init(&t->f.b, 1);
        chardev_init(&t->chr, &sink_ops, t->f.b.loop);
        virtio_console_init(&t->con, "console0", t->f.b.space, &t->chr);
        bench_plug(&t->f.b, &t->con.virtio);
        t->f.queues = 2;
        t->f.extra = extra;
    }
    t->takes = 4096;
    fuzz_run(&t->f, data, size);
    assert(t->con.tx_chain == NULL && t->con.input_len <= VIRTIO_CONSOLE_INPUT_MAX);
    t->con.input_len = 0;
    return 0;
}

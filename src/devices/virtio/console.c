/*
 * devices/virtio/console.c - the virtio console.
 *
 * Output goes to the chardev from the vCPU that notified: drivers wait for it by polling. What
 * the chardev does not take at once stays in its chain, and the queue is not read further, until
 * it calls writable(). Input is kept in a small buffer until the driver has a chain for it; when
 * that is full the chardev stops reading.
 */
#include "devices/virtio/console.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"

/* 5.3.3 and 5.3.4. */
enum {
    VIRTIO_CONSOLE_F_SIZE = 0,
    VIRTIO_CONSOLE_F_EMERG_WRITE = 2,
    CONFIG_COLS = 0,
    CONFIG_ROWS = 2,
    CONFIG_EMERG_WR = 8,
};

enum { QUEUE_RECEIVE, QUEUE_TRANSMIT, QUEUE_COUNT };

static struct virtio_console *to_console(struct virtio *v)
{
    return container_of(v, struct virtio_console, virtio);
}

/* ---- output ---- */

/* Whether the whole chain has gone out. */
static bool chain_to_chardev(struct virtio_console *con)
{
    uint8_t piece[1024];

    while (con->tx_done < con->tx_chain->out_len) {
        size_t len = virtq_chain_read(con->tx_chain, con->tx_done, piece, sizeof(piece));
        size_t taken = chardev_write(con->chr, piece, len);

        con->tx_done += taken;
        if (taken < len)
            return false;
    }
    return true;
}

static void transmit(struct virtio_console *con)
{
    pthread_mutex_lock(&con->tx_lock);
    for (;;) {
        if (con->tx_chain == NULL)
            con->tx_chain = virtq_pop(&con->virtio.queues[QUEUE_TRANSMIT]);
        if (con->tx_chain == NULL || !chain_to_chardev(con))
            break;
        virtq_push(con->tx_chain, 0);
        con->tx_chain = NULL;
        con->tx_done = 0;
    }
    pthread_mutex_unlock(&con->tx_lock);
}

static void on_writable(void *opaque)
{
    struct virtio_console *con = opaque;

    if (virtio_is_live(&con->virtio))
        transmit(con);
}

/* ---- input; on the loop's thread ---- */

/* Moves waiting input into the driver's buffers; whether the buffer has room it had not. */
static bool deliver_input(struct virtio_console *con)
{
    bool was_full;

    pthread_mutex_lock(&con->input_lock);
    was_full = con->input_len == sizeof(con->input);
    while (con->input_len > 0 && virtio_is_live(&con->virtio)) {
        struct virtq_chain *chain = virtq_pop(&con->virtio.queues[QUEUE_RECEIVE]);
        uint32_t len;

        if (chain == NULL)
            break;
        if (chain->in_len == 0 || chain->out_len > 0) {
            virtq_break(chain->vq, "console receive buffer that is not all writable");
            virtq_drop(chain);
            break;
        }
        len = (uint32_t)virtq_chain_write(chain, 0, con->input, con->input_len);
        con->input_len -= len;
        memmove(con->input, con->input + len, con->input_len);
        virtq_push(chain, len);
    }
    was_full = was_full && con->input_len < sizeof(con->input);
    pthread_mutex_unlock(&con->input_lock);
    return was_full;
}

static void run_deliver(struct loop_work *work)
{
    struct virtio_console *con = container_of(work, struct virtio_console, deliver);

    if (deliver_input(con))
        chardev_accept_input(con->chr);
}

static size_t on_room(void *opaque)
{
    struct virtio_console *con = opaque;
    size_t room;

    pthread_mutex_lock(&con->input_lock);
    room = sizeof(con->input) - con->input_len;
    pthread_mutex_unlock(&con->input_lock);
    return room;
}

static void on_input(void *opaque, const uint8_t *buf, size_t len)
{
    struct virtio_console *con = opaque;
    size_t room;

    pthread_mutex_lock(&con->input_lock);
    room = sizeof(con->input) - con->input_len;
    len = len < room ? len : room;
    memcpy(con->input + con->input_len, buf, len);
    con->input_len += (uint32_t)len;
    pthread_mutex_unlock(&con->input_lock);
    (void)deliver_input(con); /* the chardev asks room() again by itself */
}

/* ---- size ---- */

static void store_size(struct virtio_console *con, unsigned columns, unsigned rows)
{
    uint8_t raw[4];

    st_le16(raw, (uint16_t)(columns <= UINT16_MAX ? columns : UINT16_MAX));
    st_le16(raw + 2, (uint16_t)(rows <= UINT16_MAX ? rows : UINT16_MAX));
    virtio_config_store(&con->virtio, CONFIG_COLS, raw, sizeof(raw));
}

static void on_resized(void *opaque, unsigned columns, unsigned rows)
{
    struct virtio_console *con = opaque;

    pthread_mutex_lock(&con->virtio.dev.lock);
    store_size(con, columns, rows);
    virtio_config_changed(&con->virtio);
    pthread_mutex_unlock(&con->virtio.dev.lock);
}

static const struct chardev_handler console_handler = {
    .room = on_room,
    .input = on_input,
    .writable = on_writable,
    .resized = on_resized,
};

/* ---- device ---- */

static void console_notify(struct virtio *v, unsigned queue)
{
    struct virtio_console *con = to_console(v);

    if (queue == QUEUE_TRANSMIT)
        transmit(con);
    else
        loop_work_post(&con->deliver);
}

static void console_quiesce(struct virtio *v, unsigned queue)
{
    struct virtio_console *con = to_console(v);

    if (queue != QUEUE_TRANSMIT)
        return;
    pthread_mutex_lock(&con->tx_lock);
    if (con->tx_chain != NULL)
        virtq_drop(con->tx_chain);
    con->tx_chain = NULL;
    con->tx_done = 0;
    pthread_mutex_unlock(&con->tx_lock);
}

static void console_config_write(struct virtio *v, uint32_t offset, unsigned size, uint32_t val)
{
    uint8_t byte = (uint8_t)val;

    /* 5.3.5.1: at any time, on an unconfigured device too. Lost if the chardev is full. */
    if (offset == CONFIG_EMERG_WR && size == 4)
        (void)chardev_write(to_console(v)->chr, &byte, 1);
}

static const struct virtio_ops console_ops = {
    .device_id = VIRTIO_ID_CONSOLE,
    .quiesce = console_quiesce,
    .notify = console_notify,
    .config_write = console_config_write,
};

static struct virtio_console *console_of(struct device *dev)
{
    return to_console(container_of(dev, struct virtio, dev));
}

static int console_realize(struct device *dev, struct error *err)
{
    struct virtio_console *con = console_of(dev);
    unsigned columns, rows;
    int rc = virtio_realize(&con->virtio, err);

    if (rc != 0)
        return rc;
    if (chardev_size(con->chr, &columns, &rows))
        store_size(con, columns, rows);
    chardev_set_handler(con->chr, &console_handler, con);
    return 0;
}

/* On the loop's thread, or while no thread runs the loop. */
static void console_unrealize(struct device *dev)
{
    struct virtio_console *con = console_of(dev);

    chardev_set_handler(con->chr, NULL, NULL);
    loop_work_cancel(&con->deliver);
    virtio_unrealize(&con->virtio);
}

/* Puts the chain that is half out back; it comes again, from tx_done on. */
static void console_pre_save(struct device *dev)
{
    struct virtio_console *con = console_of(dev);

    pthread_mutex_lock(&con->tx_lock);
    if (con->tx_chain != NULL)
        virtq_unpop_many(&con->tx_chain, 1);
    con->tx_chain = NULL;
    pthread_mutex_unlock(&con->tx_lock);
    virtio_pre_save(dev);
}

static int console_post_load(struct device *dev, struct error *err)
{
    struct virtio_console *con = console_of(dev);

    if (con->input_len > sizeof(con->input))
        return error_set(err, EINVAL, "saved input is longer than its buffer");
    return virtio_post_load(dev, err);
}

static const struct state_field console_state[] = {
    VIRTIO_STATE(struct virtio_console, virtio),
    STATE_UINT(struct virtio_console, tx_done),
    STATE_BYTES(struct virtio_console, input),
    STATE_UINT(struct virtio_console, input_len),
    STATE_END,
};

static const struct device_ops console_device_ops = {
    .type = "virtio-console",
    .realize = console_realize,
    .reset = virtio_device_reset,
    .unrealize = console_unrealize,
    .pre_save = console_pre_save,
    .post_load = console_post_load,
    .state = console_state,
    .state_version = 1,
    .device_offset = offsetof(struct virtio_console, virtio.dev),
};

void virtio_console_init(struct virtio_console *con, const char *id, struct mem_space *space,
                         struct chardev *chr)
{
    struct virtio *v = &con->virtio;

    memset(con, 0, sizeof(*con));
    virtio_init(v, &console_ops, &console_device_ops, id, space);
    con->chr = chr;
    v->config = con->config;
    v->config_len = sizeof(con->config);
    v->queue_count = QUEUE_COUNT;
    v->features_offered |=
        VIRTIO_FEATURE(VIRTIO_CONSOLE_F_SIZE) | VIRTIO_FEATURE(VIRTIO_CONSOLE_F_EMERG_WRITE);
    pthread_mutex_init(&con->tx_lock, NULL);
    pthread_mutex_init(&con->input_lock, NULL);
    loop_work_init(&con->deliver, chr->loop, run_deliver);
}

void virtio_console_fini(struct virtio_console *con)
{
    pthread_mutex_destroy(&con->input_lock);
    pthread_mutex_destroy(&con->tx_lock);
    virtio_fini(&con->virtio);
}

/* devices/uart/tests/test_chardev.h - a host's end the test plays: it takes as much as it is told
 * to, and gives what the test feeds it, asking for room as the contract says. */
#ifndef DEVICES_UART_TESTS_TEST_CHARDEV_H
#define DEVICES_UART_TESTS_TEST_CHARDEV_H

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "backend/char/kinds.h"

struct test_chardev {
    struct chardev chr;
    uint8_t out[4096];
    size_t out_len; /* bytes taken; those beyond the buffer are only counted */
    size_t takes;   /* how many more bytes the host takes now */
    unsigned accepts;
};

static inline size_t test_chardev_write(struct chardev *chr, const uint8_t *buf, size_t len)
{
    struct test_chardev *t = container_of(chr, struct test_chardev, chr);

    if (len > t->takes)
        len = t->takes;
    t->takes -= len;
    for (size_t i = 0; i < len; i++, t->out_len++) {
        if (t->out_len < sizeof(t->out))
            t->out[t->out_len] = buf[i];
    }
    return len;
}

static inline void test_chardev_accept(struct chardev *chr)
{
    container_of(chr, struct test_chardev, chr)->accepts++;
}

static const struct chardev_ops test_chardev_ops = {
    .kind = "test",
    .write = test_chardev_write,
    .accept_input = test_chardev_accept,
};

static inline struct chardev *test_chardev_init(struct test_chardev *t, struct loop *loop)
{
    *t = (struct test_chardev){ .takes = SIZE_MAX };
    chardev_init(&t->chr, &test_chardev_ops, loop);
    return &t->chr;
}

static inline void test_chardev_fini(struct test_chardev *t)
{
    chardev_fini(&t->chr);
}

/* Offers the bytes; returns how many went. */
static inline size_t test_chardev_feed(struct test_chardev *t, const char *bytes, size_t len)
{
    size_t fed = 0;

    while (fed < len) {
        size_t room = t->chr.handler->room(t->chr.opaque), n = len - fed;

        if (room == 0)
            break;
        if (n > room)
            n = room;
        t->chr.handler->input(t->chr.opaque, (const uint8_t *)bytes + fed, n);
        fed += n;
    }
    return fed;
}

/* The host has room for `takes` bytes again. */
static inline void test_chardev_unblock(struct test_chardev *t, size_t takes)
{
    t->takes = takes;
    t->chr.handler->writable(t->chr.opaque);
}

#endif

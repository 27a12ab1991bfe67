/* backend/char/tests/peer.h - a loop and a handler that records, shared by the tests here. */
#ifndef BACKEND_CHAR_TESTS_PEER_H
#define BACKEND_CHAR_TESTS_PEER_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/char/chardev.h"

struct peer {
    struct loop *loop;
    struct chardev *chr;
    size_t room; /* what room() says; goes down with input */
    char input[32768];
    size_t input_len;
    size_t largest; /* the longest piece of input */
    int writables, hangups, resizes;
    unsigned columns, rows;
};

static size_t peer_room(void *opaque)
{
    return ((struct peer *)opaque)->room;
}

static void peer_input(void *opaque, const uint8_t *buf, size_t len)
{
    struct peer *p = opaque;

    assert_true(len > 0 && len <= p->room);
    assert_true(p->input_len + len < sizeof(p->input));
    p->room -= len;
    memcpy(p->input + p->input_len, buf, len);
    p->input_len += len;
    p->input[p->input_len] = 0;
    if (len > p->largest)
        p->largest = len;
}

static void peer_writable(void *opaque)
{
    ((struct peer *)opaque)->writables++;
}

static void peer_resized(void *opaque, unsigned columns, unsigned rows)
{
    struct peer *p = opaque;

    p->resizes++;
    p->columns = columns;
    p->rows = rows;
}

static void peer_hangup(void *opaque)
{
    ((struct peer *)opaque)->hangups++;
}

static const struct chardev_handler peer_handler = {
    .room = peer_room,
    .input = peer_input,
    .writable = peer_writable,
    .resized = peer_resized,
    .hangup = peer_hangup,
};

static inline void peer_open(struct peer *p, const char *spec, struct chardev_escape *escape)
{
    struct error err = { 0 };

    memset(p, 0, sizeof(*p));
    p->room = sizeof(p->input) - 1;
    assert_int_equal(loop_new(&p->loop, &clock_host, NULL), 0);
    if (chardev_open(&p->chr, p->loop, spec, escape, &err) < 0)
        fail_msg("chardev_open: %s", err.text);
    chardev_set_handler(p->chr, &peer_handler, p);
    alarm(60); /* what never comes must fail, not hang */
}

static inline void peer_close(struct peer *p)
{
    chardev_close(p->chr);
    loop_free(p->loop);
    alarm(0);
}

static inline void peer_turn(struct peer *p)
{
    assert_int_equal(loop_run_once(p->loop, 0, NULL), 0);
}

/* Turns the loop until the condition holds. */
#define peer_until(p, condition)                                                                   \
    do {                                                                                           \
        while (!(condition))                                                                       \
            assert_int_equal(loop_run_once((p)->loop, 50, NULL), 0);                               \
    } while (0)

static inline size_t peer_write(struct peer *p, const char *text)
{
    return chardev_write(p->chr, (const uint8_t *)text, strlen(text));
}

#endif

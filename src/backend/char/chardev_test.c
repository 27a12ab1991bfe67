/* backend/char/chardev_test.c - a chardev in memory, for the tests of its users. */
#include "backend/char/chardev_test.h"

#include <pthread.h>
#include <stdlib.h>

#include "backend/char/kinds.h"
#include "base/strbuf.h"

struct char_test {
    struct chardev chr;
    struct strbuf input;
    size_t input_taken;
    unsigned columns, rows; /* 0: no size */
    struct loop_work writable_work;

    pthread_mutex_t lock;
    /* test->lock guards: */
    struct strbuf output;
    size_t room;
    bool blocked;
};

static struct char_test *to_test(struct chardev *chr)
{
    return container_of(chr, struct char_test, chr);
}

static size_t test_write(struct chardev *chr, const uint8_t *buf, size_t len)
{
    struct char_test *test = to_test(chr);
    size_t n;

    pthread_mutex_lock(&test->lock);
    n = len < test->room ? len : test->room;
    strbuf_add_bytes(&test->output, buf, n);
    if (test->room != SIZE_MAX)
        test->room -= n;
    if (n < len)
        test->blocked = true;
    pthread_mutex_unlock(&test->lock);
    return n;
}

static void test_accept_input(struct chardev *chr)
{
    struct char_test *test = to_test(chr);

    while (test->input_taken < strbuf_len(&test->input)) {
        size_t n = strbuf_len(&test->input) - test->input_taken;
        size_t room = chr->handler ? chr->handler->room(chr->opaque) : n;
        const char *bytes = strbuf_str(&test->input) + test->input_taken;

        if (!room)
            return;
        if (n > room)
            n = room;
        test->input_taken += n;
        if (chr->handler)
            chr->handler->input(chr->opaque, (const uint8_t *)bytes, n);
    }
}

static bool test_size(struct chardev *chr, unsigned *ret_columns, unsigned *ret_rows)
{
    struct char_test *test = to_test(chr);

    if (!test->columns)
        return false;
    *ret_columns = test->columns;
    *ret_rows = test->rows;
    return true;
}

static void test_close(struct chardev *chr)
{
    struct char_test *test = to_test(chr);

    loop_work_cancel(&test->writable_work);
    chardev_fini(chr);
    strbuf_fini(&test->input);
    strbuf_fini(&test->output);
    pthread_mutex_destroy(&test->lock);
    free(test);
}

static const struct chardev_ops test_ops = {
    .kind = "test",
    .write = test_write,
    .accept_input = test_accept_input,
    .size = test_size,
    .close = test_close,
};

static void test_writable(struct loop_work *work)
{
    struct char_test *test = container_of(work, struct char_test, writable_work);
    const struct chardev_handler *handler = test->chr.handler;
    bool owed;

    pthread_mutex_lock(&test->lock);
    owed = test->blocked && test->room;
    if (owed)
        test->blocked = false;
    pthread_mutex_unlock(&test->lock);
    if (owed && handler && handler->writable)
        handler->writable(test->chr.opaque);
}

struct chardev *chardev_test_new(struct loop *loop)
{
    struct char_test *test = calloc(1, sizeof(*test));

    if (!test)
        abort(); /* a test needs no better */
    chardev_init(&test->chr, &test_ops, loop);
    strbuf_init(&test->input);
    strbuf_init(&test->output);
    loop_work_init(&test->writable_work, loop, test_writable);
    pthread_mutex_init(&test->lock, NULL);
    test->room = SIZE_MAX;
    return &test->chr;
}

void chardev_test_feed(struct chardev *chr, const void *bytes, size_t len)
{
    strbuf_add_bytes(&to_test(chr)->input, bytes, len);
    chardev_accept_input(chr);
}

size_t chardev_test_unread(struct chardev *chr)
{
    return strbuf_len(&to_test(chr)->input) - to_test(chr)->input_taken;
}

void chardev_test_set_room(struct chardev *chr, size_t room)
{
    struct char_test *test = to_test(chr);

    pthread_mutex_lock(&test->lock);
    test->room = room;
    pthread_mutex_unlock(&test->lock);
    loop_work_post(&test->writable_work);
}

const char *chardev_test_output(struct chardev *chr, size_t *ret_len)
{
    struct char_test *test = to_test(chr);
    const char *text;

    pthread_mutex_lock(&test->lock);
    text = strbuf_str(&test->output);
    if (ret_len)
        *ret_len = strbuf_len(&test->output);
    pthread_mutex_unlock(&test->lock);
    return text;
}

void chardev_test_clear_output(struct chardev *chr)
{
    struct char_test *test = to_test(chr);

    pthread_mutex_lock(&test->lock);
    strbuf_clear(&test->output);
    pthread_mutex_unlock(&test->lock);
}

void chardev_test_resize(struct chardev *chr, unsigned columns, unsigned rows)
{
    struct char_test *test = to_test(chr);

    test->columns = columns;
    test->rows = rows;
    if (chr->handler && chr->handler->resized)
        chr->handler->resized(chr->opaque, columns, rows);
}

void chardev_test_hangup(struct chardev *chr)
{
    if (chr->handler && chr->handler->hangup)
        chr->handler->hangup(chr->opaque);
}

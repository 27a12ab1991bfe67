/*
 * backend/char/chardev.c - what all kinds share, and the choice of a kind by its name.
 *
 * chardev_accept_input() may come from a vCPU thread: it is passed to the loop's thread as work,
 * so that a kind's input side is only ever touched there.
 */
#include "backend/char/chardev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/char/kinds.h"

static void accept_on_loop(struct loop_work *work)
{
    struct chardev *chr = container_of(work, struct chardev, accept_work);

    if (chr->ops->accept_input)
        chr->ops->accept_input(chr);
}

void chardev_init(struct chardev *chr, const struct chardev_ops *ops, struct loop *loop)
{
    *chr = (struct chardev){ .ops = ops, .loop = loop };
    loop_work_init(&chr->accept_work, loop, accept_on_loop);
}

void chardev_fini(struct chardev *chr)
{
    loop_work_cancel(&chr->accept_work);
}

void chardev_set_handler(struct chardev *chr, const struct chardev_handler *handler, void *opaque)
{
    chr->handler = handler;
    chr->opaque = opaque;
    chardev_accept_input(chr);
}

size_t chardev_write(struct chardev *chr, const uint8_t *buf, size_t len)
{
    return len ? chr->ops->write(chr, buf, len) : 0;
}

void chardev_accept_input(struct chardev *chr)
{
    loop_work_post(&chr->accept_work);
}

bool chardev_size(struct chardev *chr, unsigned *ret_columns, unsigned *ret_rows)
{
    return chr->ops->size && chr->ops->size(chr, ret_columns, ret_rows);
}

const char *chardev_address(const struct chardev *chr)
{
    return chr->address;
}

void chardev_close(struct chardev *chr)
{
    if (chr)
        chr->ops->close(chr);
}

/* ---- null ---- */

static size_t null_write(struct chardev *chr, const uint8_t *buf, size_t len)
{
    (void)chr, (void)buf;
    return len;
}

static void null_close(struct chardev *chr)
{
    chardev_fini(chr);
    free(chr);
}

static const struct chardev_ops null_ops = {
    .kind = "null",
    .write = null_write,
    .close = null_close,
};

int char_null_open(struct chardev **ret_chr, struct loop *loop, struct error *err)
{
    struct chardev *chr = malloc(sizeof(*chr));

    if (!chr)
        return error_set(err, ENOMEM, "serial line 'null': out of memory");
    chardev_init(chr, &null_ops, loop);
    *ret_chr = chr;
    return 0;
}

/* ---- the choice ---- */

/* What follows `prefix` in spec, or NULL. */
static const char *after(const char *spec, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(spec, prefix, len) == 0 ? spec + len : NULL;
}

int chardev_open(struct chardev **ret_chr, struct loop *loop, const char *spec,
                 struct chardev_escape *escape, struct error *err)
{
    const char *path;

    if (!strcmp(spec, "stdio"))
        return char_stdio_open(ret_chr, loop, escape, err);
    if (!strcmp(spec, "pty"))
        return char_pty_open(ret_chr, loop, escape, err);
    if (!strcmp(spec, "null"))
        return char_null_open(ret_chr, loop, err);
    path = after(spec, "file=");
    if (path && *path)
        return char_file_open(ret_chr, loop, path, err);
    path = after(spec, "unix=");
    if (path && *path)
        return char_unix_open(ret_chr, loop, path, escape, err);
    return error_set(err, EINVAL,
                     "serial line '%s': no such kind; use stdio, pty, file=PATH, unix=PATH or null",
                     spec);
}

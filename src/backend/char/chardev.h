/* backend/char/chardev.h - the host's end of a serial line: a byte stream with back-pressure.
 *
 * A chardev belongs to one event loop. Its user (a UART, a virtio console, the monitor) sets a
 * handler; handler callbacks come on the loop's thread with no lock held.
 */
#ifndef BACKEND_CHAR_CHARDEV_H
#define BACKEND_CHAR_CHARDEV_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "event/loop.h"

struct chardev;

struct chardev_handler {
    /* How many bytes the user can take now; 0 stops reading until chardev_accept_input(). */
    size_t (*room)(void *opaque);
    void (*input)(void *opaque, const uint8_t *buf, size_t len); /* len <= room() */
    void (*writable)(void *opaque); /* after a short chardev_write(): there is room again */
    void (*resized)(void *opaque, unsigned columns, unsigned rows); /* may be NULL */
    void (*hangup)(void *opaque);                                   /* may be NULL */
};

struct chardev_ops {
    const char *kind; /* "stdio", "pty", "file", "unix", "null", "test" */
    /* All called on the loop's thread except write, which any thread may call. */
    size_t (*write)(struct chardev *chr, const uint8_t *buf, size_t len);
    void (*accept_input)(struct chardev *chr);
    bool (*size)(struct chardev *chr, unsigned *ret_columns, unsigned *ret_rows);
    void (*close)(struct chardev *chr);
};

struct chardev {
    const struct chardev_ops *ops;
    struct loop *loop;
    const struct chardev_handler *handler; /* NULL: input is dropped */
    void *opaque;
};

void chardev_set_handler(struct chardev *chr, const struct chardev_handler *handler, void *opaque);
/* [any thread] Never blocks. Returns how many bytes were taken; less than len means that
 * handler->writable will be called. */
size_t chardev_write(struct chardev *chr, const uint8_t *buf, size_t len);
/* [any thread] room() has grown from 0. */
void chardev_accept_input(struct chardev *chr);
/* The terminal's size; false when there is none. */
bool chardev_size(struct chardev *chr, unsigned *ret_columns, unsigned *ret_rows);
void chardev_close(struct chardev *chr); /* frees it; NULL is fine */

/* "stdio", "pty", "file=PATH", "unix=PATH", "null". stdio puts the terminal into raw mode and
 * restores it at close; `escape` (may be NULL) sees each input byte first and swallows it by
 * returning true: this is where Ctrl-A lives. */
struct chardev_escape {
    bool (*key)(struct chardev_escape *escape, uint8_t byte);
};
int chardev_open(struct chardev **ret_chr, struct loop *loop, const char *spec,
                 struct chardev_escape *escape, struct error *err) NODISCARD;

#endif

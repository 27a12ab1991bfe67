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
    /* All called on the loop's thread except write, which any thread may call. Only write and
     * close must be there. */
    size_t (*write)(struct chardev *chr, const uint8_t *buf, size_t len);
    void (*accept_input)(struct chardev *chr);
    bool (*size)(struct chardev *chr, unsigned *ret_columns, unsigned *ret_rows);
    void (*close)(struct chardev *chr);
};

struct chardev {
    /* private to the kinds */
    const struct chardev_ops *ops;
    struct loop *loop;
    const struct chardev_handler *handler; /* NULL: input is dropped */
    void *opaque;
    const char *address; /* NULL, or the kind's own storage */
    struct loop_work accept_work;
};

/* Loop's thread. Input begins at the loop's next turn. */
void chardev_set_handler(struct chardev *chr, const struct chardev_handler *handler, void *opaque);
/* [any thread] Never blocks. Returns how many bytes were taken; less than len means that
 * handler->writable will be called. What nobody can receive any more (no client, a closed pipe, a
 * full disk) counts as taken: a guest must not hang because nobody watches it. */
size_t chardev_write(struct chardev *chr, const uint8_t *buf, size_t len);
/* [any thread] room() has grown from 0. */
void chardev_accept_input(struct chardev *chr);
/* The terminal's size; false when there is none. */
bool chardev_size(struct chardev *chr, unsigned *ret_columns, unsigned *ret_rows);
/* Where to reach it: the terminal of a pty ("/dev/pts/4"), the path of a unix socket or a file;
 * NULL for the others. */
const char *chardev_address(const struct chardev *chr);
/* Frees it; NULL is fine. Loop's thread, not from inside its own handler; nobody may write now. */
void chardev_close(struct chardev *chr);

/* stdio puts the terminal into raw mode and restores it at close; `escape` (may be NULL) sees each
 * input byte first and swallows it by returning true: this is where Ctrl-A lives. It sees bytes
 * also when the handler has no room, so that a hung guest can be left. */
struct chardev_escape {
    bool (*key)(struct chardev_escape *escape, uint8_t byte);
};

/* spec is one of
 *     stdio       standard input and output; once per process
 *     pty         a new pseudo terminal: see chardev_address()
 *     file=PATH   output only; the file is created or emptied
 *     unix=PATH   listens at PATH and serves one client after the other
 *     null        takes everything, says nothing
 * The program should ignore SIGPIPE. */
int chardev_open(struct chardev **ret_chr, struct loop *loop, const char *spec,
                 struct chardev_escape *escape, struct error *err) NODISCARD;

/* [any thread, signal handlers] If stdio holds a terminal in raw mode, puts that terminal back as
 * it was. For whoever ends the process without chardev_close() in a handler of its own; the
 * default actions of signals, abort() and exit() are covered. */
void chardev_restore_terminal(void);

#endif

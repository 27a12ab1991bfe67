/*
 * backend/char/stdio.c - the guest's serial line on our own standard input and output.
 *
 * Either may be a terminal, a pipe, a file, a socket or closed; they need not be the same. If input
 * is a terminal it goes into raw mode (terminal.c). The end of input ends input only.
 *
 * O_NONBLOCK belongs to the open file, not to the descriptor: setting it on a terminal or a pipe
 * would set it for the shell and for every other process that shares it, and outlive us. So output
 * to those is opened anew through /proc, which gives an open file of our own; where that is refused
 * (the terminal belongs to another user, as after su) we ask poll() before each small write. A
 * regular file is not opened anew: that would lose its offset and O_APPEND.
 */
#include "backend/char/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/char/stream.h"
#include "backend/char/terminal.h"

struct char_stdio {
    struct chardev chr;
    struct stream stream;
    bool raw;      /* we entered raw mode; then: */
    int resize_fd; /* eventfd, written by the signal handlers */
    struct loop_fd resize_lfd;
};

static struct char_stdio *to_stdio(struct chardev *chr)
{
    return container_of(chr, struct char_stdio, chr);
}

static size_t stdio_write(struct chardev *chr, const uint8_t *buf, size_t len)
{
    return stream_write(&to_stdio(chr)->stream, buf, len);
}

static void stdio_accept_input(struct chardev *chr)
{
    stream_accept_input(&to_stdio(chr)->stream);
}

static bool stdio_size(struct chardev *chr, unsigned *ret_columns, unsigned *ret_rows)
{
    struct winsize size;

    (void)chr;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
        return false;
    if (!size.ws_col || !size.ws_row)
        return false;
    *ret_columns = size.ws_col;
    *ret_rows = size.ws_row;
    return true;
}

static void stdio_resized(struct loop_fd *lfd, unsigned events)
{
    struct char_stdio *s = container_of(lfd, struct char_stdio, resize_lfd);
    const struct chardev_handler *handler = s->chr.handler;
    unsigned columns, rows;
    uint64_t count;

    (void)events;
    if (read(s->resize_fd, &count, sizeof(count)) < 0)
        return;
    if (handler && handler->resized && stdio_size(&s->chr, &columns, &rows))
        handler->resized(s->chr.opaque, columns, rows);
}

static void stdio_close(struct chardev *chr)
{
    struct char_stdio *s = to_stdio(chr);

    stream_fini(&s->stream);
    if (s->raw) {
        terminal_leave();
        loop_fd_del(&s->resize_lfd);
    }
    if (s->resize_fd >= 0)
        close(s->resize_fd);
    chardev_fini(chr);
    free(s);
}

static const struct chardev_ops stdio_ops = {
    .kind = "stdio",
    .write = stdio_write,
    .accept_input = stdio_accept_input,
    .size = stdio_size,
    .close = stdio_close,
};

/* A descriptor for output that does not block, and how to use it; -1 when there is none. */
static int open_output(enum stream_output *ret_kind)
{
    struct stat st;
    int fd;

    *ret_kind = STREAM_NONBLOCK;
    if (fstat(STDOUT_FILENO, &st) < 0)
        return -1; /* closed */
    if (S_ISSOCK(st.st_mode)) {
        *ret_kind = STREAM_SOCKET;
    } else if (S_ISFIFO(st.st_mode) || isatty(STDOUT_FILENO)) {
        fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd >= 0)
            return fd;
        *ret_kind = S_ISFIFO(st.st_mode) ? STREAM_PIPE : STREAM_TTY;
    }
    return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

static int enter_raw(struct char_stdio *s, struct error *err)
{
    int rc;

    s->resize_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->resize_fd < 0)
        return error_set(err, errno, "cannot create an eventfd: %s", strerror(errno));
    rc = loop_fd_add(s->chr.loop, &s->resize_lfd, s->resize_fd, LOOP_READ, stdio_resized, err);
    if (rc < 0)
        return rc;
    rc = terminal_enter(STDIN_FILENO, s->resize_fd, err);
    if (rc < 0)
        loop_fd_del(&s->resize_lfd);
    s->raw = rc == 0;
    return rc;
}

int char_stdio_open(struct chardev **ret_chr, struct loop *loop, struct chardev_escape *escape,
                    struct error *err)
{
    struct char_stdio *s = calloc(1, sizeof(*s));
    enum stream_output out_kind;
    int in_fd, out_fd, rc;

    if (!s)
        return error_set(err, ENOMEM, "serial line 'stdio': out of memory");
    s->resize_fd = -1;
    chardev_init(&s->chr, &stdio_ops, loop);
    stream_init(&s->stream, &s->chr, escape, NULL);
    if (isatty(STDIN_FILENO)) {
        rc = enter_raw(s, err);
        if (rc < 0) {
            stdio_close(&s->chr);
            return error_prefix(err, rc, "serial line 'stdio'");
        }
    }
    in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3); /* -1 when closed */
    out_fd = open_output(&out_kind);
    stream_attach(&s->stream, in_fd, out_fd, out_kind);
    *ret_chr = &s->chr;
    return 0;
}

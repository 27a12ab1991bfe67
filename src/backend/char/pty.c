/*
 * backend/char/pty.c - a new pseudo terminal that a user attaches to with screen or the like.
 *
 * While nobody has the terminal open, output is dropped. The kernel shows that state as a hang-up
 * of our side, but reports no event when it ends: so while it lasts we look again a few times a
 * second. To start in that state the terminal is opened and closed once; in between it is made
 * raw, or it would echo the guest's output back as input.
 */
#include "backend/char/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "backend/char/stream.h"

enum { LOOK_AGAIN_NS = 100000000 };

struct char_pty {
    struct chardev chr;
    struct stream stream;
    int fd; /* the master; the stream works on copies of it */
    struct loop_timer look_again;
    char path[64];
};

static struct char_pty *to_pty(struct chardev *chr)
{
    return container_of(chr, struct char_pty, chr);
}

/* [any thread] */
static bool someone_there(const struct char_pty *pty)
{
    struct pollfd pfd = { .fd = pty->fd };

    return poll(&pfd, 1, 0) <= 0 || !(pfd.revents & POLLHUP);
}

static size_t pty_write(struct chardev *chr, const uint8_t *buf, size_t len)
{
    struct char_pty *pty = to_pty(chr);

    return someone_there(pty) ? stream_write(&pty->stream, buf, len) : len;
}

static void pty_accept_input(struct chardev *chr)
{
    stream_accept_input(&to_pty(chr)->stream);
}

static void look_later(struct char_pty *pty)
{
    loop_timer_arm(&pty->look_again, clock_now_ns(loop_clock(pty->chr.loop)) + LOOK_AGAIN_NS);
}

static void attach_if_someone(struct loop_timer *timer)
{
    struct char_pty *pty = container_of(timer, struct char_pty, look_again);
    int in_fd, out_fd;

    if (!someone_there(pty)) {
        look_later(pty);
        return;
    }
    in_fd = fcntl(pty->fd, F_DUPFD_CLOEXEC, 3);
    out_fd = fcntl(pty->fd, F_DUPFD_CLOEXEC, 3);
    if (in_fd >= 0 && out_fd >= 0) {
        stream_attach(&pty->stream, in_fd, out_fd, STREAM_NONBLOCK);
        return;
    }
    /* No descriptors left just now. */
    if (in_fd >= 0)
        close(in_fd);
    if (out_fd >= 0)
        close(out_fd);
    look_later(pty);
}

static void pty_ended(struct stream *stream)
{
    struct char_pty *pty = container_of(stream, struct char_pty, stream);
    const struct chardev_handler *handler = pty->chr.handler;

    stream_detach(stream);
    look_later(pty);
    if (handler && handler->hangup)
        handler->hangup(pty->chr.opaque);
}

static void pty_close(struct chardev *chr)
{
    struct char_pty *pty = to_pty(chr);

    loop_timer_disarm(&pty->look_again);
    stream_fini(&pty->stream);
    if (pty->fd >= 0)
        close(pty->fd);
    chardev_fini(chr);
    free(pty);
}

static const struct chardev_ops pty_ops = {
    .kind = "pty",
    .write = pty_write,
    .accept_input = pty_accept_input,
    .close = pty_close,
};

/* Opens the master, names the terminal, makes it raw. 0 or -errno. */
static int make_pty(struct char_pty *pty)
{
    struct termios modes;
    int slave, rc = 0;

    pty->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (pty->fd < 0 || grantpt(pty->fd) < 0 || unlockpt(pty->fd) < 0)
        return -errno;
    rc = ptsname_r(pty->fd, pty->path, sizeof(pty->path));
    if (rc)
        return -rc;
    slave = open(pty->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return -errno;
    if (tcgetattr(slave, &modes) == 0) {
        cfmakeraw(&modes);
        rc = tcsetattr(slave, TCSANOW, &modes) < 0 ? -errno : 0;
    } else {
        rc = -errno;
    }
    close(slave);
    return rc;
}

int char_pty_open(struct chardev **ret_chr, struct loop *loop, struct chardev_escape *escape,
                  struct error *err)
{
    struct char_pty *pty = calloc(1, sizeof(*pty));
    int rc;

    if (!pty)
        return error_set(err, ENOMEM, "serial line 'pty': out of memory");
    pty->fd = -1;
    chardev_init(&pty->chr, &pty_ops, loop);
    stream_init(&pty->stream, &pty->chr, escape, pty_ended);
    loop_timer_init(&pty->look_again, loop, attach_if_someone);
    rc = make_pty(pty);
    if (rc < 0) {
        pty_close(&pty->chr);
        return error_set(err, -rc, "serial line 'pty': cannot make a pseudo terminal: %s",
                         strerror(-rc));
    }
    pty->chr.address = pty->path;
    look_later(pty);
    *ret_chr = &pty->chr;
    return 0;
}

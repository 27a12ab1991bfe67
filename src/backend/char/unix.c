/*
 * backend/char/unix.c - listens on a unix socket and serves one client after the other.
 *
 * While a client is connected the others wait in the kernel's queue; with none, output is dropped.
 * What a client sent before it left reaches the guest as it takes it; only when another client
 * comes first, the rest of the old one's is lost: it must not wait for a guest that does not read.
 * The socket is ours alone (mode 0600). A socket file that a dead process left behind is replaced;
 * one that somebody listens on, or a file of another kind, is an error. At close the file is
 * removed if it is still the one we made.
 */
#include "backend/char/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/char/stream.h"

struct char_unix {
    struct chardev chr;
    struct stream stream;
    int listen_fd;
    struct loop_fd listen_lfd;
    bool listening;   /* listen_lfd is registered: no client, or one that has left */
    bool told_hangup; /* the handler knows that this client has left */
    struct sockaddr_un addr;
    bool bound; /* then: */
    dev_t dev;
    ino_t ino;
};

static struct char_unix *to_unix(struct chardev *chr)
{
    return container_of(chr, struct char_unix, chr);
}

static size_t unix_write(struct chardev *chr, const uint8_t *buf, size_t len)
{
    return stream_write(&to_unix(chr)->stream, buf, len);
}

static void unix_accept_input(struct chardev *chr)
{
    stream_accept_input(&to_unix(chr)->stream);
}

static void client_waits(struct loop_fd *lfd, unsigned events)
{
    struct char_unix *u = container_of(lfd, struct char_unix, listen_lfd);
    int out_fd, fd = accept4(u->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)events;
    if (fd < 0)
        return; /* it left again, or descriptors are short: the next turn tries anew */
    out_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (out_fd < 0) {
        close(fd);
        return;
    }
    loop_fd_del(&u->listen_lfd);
    u->listening = false;
    stream_detach(&u->stream); /* of one that left with input unread */
    u->told_hangup = false;
    stream_attach(&u->stream, fd, out_fd, STREAM_SOCKET);
}

static int wait_for_client(struct char_unix *u, struct error *err)
{
    int rc;

    if (u->listening)
        return 0;
    rc = loop_fd_add(u->chr.loop, &u->listen_lfd, u->listen_fd, LOOP_READ, client_waits, err);
    u->listening = rc == 0;
    return rc;
}

static void client_gone(struct char_unix *u)
{
    const struct chardev_handler *handler = u->chr.handler;

    (void)!wait_for_client(u, NULL); /* the host is out of memory: no more clients */
    if (!u->told_hangup && handler && handler->hangup)
        handler->hangup(u->chr.opaque);
    u->told_hangup = true;
}

static void client_hung(struct stream *stream)
{
    client_gone(container_of(stream, struct char_unix, stream));
}

static void client_left(struct stream *stream)
{
    stream_detach(stream);
    client_gone(container_of(stream, struct char_unix, stream));
}

static void unix_close(struct chardev *chr)
{
    struct char_unix *u = to_unix(chr);
    struct stat st;

    stream_fini(&u->stream);
    if (u->listening)
        loop_fd_del(&u->listen_lfd);
    if (u->listen_fd >= 0)
        close(u->listen_fd);
    if (u->bound && lstat(u->addr.sun_path, &st) == 0 && st.st_dev == u->dev && st.st_ino == u->ino)
        unlink(u->addr.sun_path);
    chardev_fini(chr);
    free(u);
}

static const struct chardev_ops unix_ops = {
    .kind = "unix",
    .write = unix_write,
    .accept_input = unix_accept_input,
    .close = unix_close,
};

/* True when the path is a socket that nobody listens on. */
static bool is_stale(const struct sockaddr_un *addr)
{
    struct stat st;
    bool stale;
    int fd;

    if (lstat(addr->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    stale = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 && errno == ECONNREFUSED;
    close(fd);
    return stale;
}

static int listen_at(struct char_unix *u)
{
    const struct sockaddr *addr = (const struct sockaddr *)&u->addr;
    struct stat st;

    u->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (u->listen_fd < 0)
        return -errno;
    /* Before bind, Linux makes this the mode of the file it creates. */
    if (fchmod(u->listen_fd, 0600) < 0)
        return -errno;
    if (bind(u->listen_fd, addr, sizeof(u->addr)) < 0) {
        if (errno != EADDRINUSE || !is_stale(&u->addr))
            return -errno;
        if (unlink(u->addr.sun_path) < 0 || bind(u->listen_fd, addr, sizeof(u->addr)) < 0)
            return -errno;
    }
    if (lstat(u->addr.sun_path, &st) == 0) {
        u->bound = true;
        u->dev = st.st_dev;
        u->ino = st.st_ino;
    }
    return listen(u->listen_fd, 4) < 0 ? -errno : 0;
}

int char_unix_open(struct chardev **ret_chr, struct loop *loop, const char *path,
                   struct chardev_escape *escape, struct error *err)
{
    struct char_unix *u;
    int rc;

    if (strlen(path) >= sizeof(u->addr.sun_path))
        return error_set(err, ENAMETOOLONG,
                         "serial line 'unix=%s': the path is longer than the %zu bytes a socket's "
                         "may have; use a shorter one",
                         path, sizeof(u->addr.sun_path) - 1);
    u = calloc(1, sizeof(*u));
    if (!u)
        return error_set(err, ENOMEM, "serial line 'unix=%s': out of memory", path);
    u->listen_fd = -1;
    u->addr.sun_family = AF_UNIX;
    memcpy(u->addr.sun_path, path, strlen(path) + 1);
    chardev_init(&u->chr, &unix_ops, loop);
    stream_init(&u->stream, &u->chr, escape, client_left);
    u->stream.hung = client_hung;
    rc = listen_at(u);
    if (rc < 0)
        rc = error_set(err, -rc, "serial line 'unix=%s': cannot listen there: %s", path,
                       rc == -EADDRINUSE
                           ? "the path exists and is in use; stop who uses it or choose another"
                           : strerror(-rc));
    else
        rc = wait_for_client(u, err);
    if (rc < 0) {
        unix_close(&u->chr);
        return rc;
    }
    u->chr.address = u->addr.sun_path;
    *ret_chr = &u->chr;
    return 0;
}

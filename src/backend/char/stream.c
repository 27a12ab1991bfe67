/*
 * backend/char/stream.c - a chardev over descriptors.
 *
 * A descriptor is in the loop only while we wait for it: input while there is room, output while a
 * write was short. A descriptor that has hung up is reported at every turn, so one that nobody
 * serves must not stay registered.
 *
 * Input that epoll cannot watch (a regular file, /dev/null) is always ready: it is read from work
 * that posts itself, one buffer a turn.
 *
 * Locking: `lock` covers the output side, because vCPU threads write. It is never held while a
 * handler runs.
 */
#include "backend/char/stream.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void watch_input(struct stream *stream);

/* ---- input ---- */

static size_t handler_room(const struct chardev *chr)
{
    return chr->handler->room ? chr->handler->room(chr->opaque) : 0;
}

/* Gives the handler what it has room for; with no handler, drops it. */
static void deliver(struct stream *stream)
{
    struct chardev *chr = stream->chr;

    while (stream->pending_len) {
        unsigned start = stream->pending_start;
        unsigned run = STREAM_BUFFER - start; /* up to the end of the ring */
        size_t room = chr->handler ? handler_room(chr) : SIZE_MAX;

        if (!room)
            break;
        if (run > stream->pending_len)
            run = stream->pending_len;
        if (run > room)
            run = (unsigned)room;
        stream->pending_start = (start + run) % STREAM_BUFFER;
        stream->pending_len -= run;
        /* The bytes stay where they are: nothing is read before this returns. */
        if (chr->handler)
            chr->handler->input(chr->opaque, stream->pending + start, run);
    }
}

static void take(struct stream *stream, const uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (stream->escape) {
            deliver(stream); /* what came before a key must not reach whom the key switches to */
            if (stream->escape->key(stream->escape, buf[i]))
                continue;
        }
        stream->pending[(stream->pending_start + stream->pending_len++) % STREAM_BUFFER] = buf[i];
    }
    deliver(stream);
}

/* How many bytes may be read now. With an escape, reading goes on when the handler has no room. */
static size_t may_read(const struct stream *stream)
{
    if (stream->in_fd < 0)
        return 0;
    if (!stream->escape && stream->chr->handler &&
        (stream->pending_len || !handler_room(stream->chr)))
        return 0;
    return STREAM_BUFFER - stream->pending_len;
}

static void end(struct stream *stream)
{
    stream_end_input(stream);
    if (stream->ended)
        stream->ended(stream);
}

/* One read. */
static void read_some(struct stream *stream)
{
    uint8_t buf[STREAM_BUFFER];
    size_t max = may_read(stream);
    ssize_t n;

    if (!max)
        return;
    n = read(stream->in_fd, buf, max);
    if (n > 0) {
        take(stream, buf, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        end(stream);
    }
}

static void input_ready(struct loop_fd *lfd, unsigned events)
{
    struct stream *stream = container_of(lfd, struct stream, in_lfd);

    if (may_read(stream)) {
        read_some(stream); /* a hang-up shows as an end or an error, after what came before it */
    } else if (events & LOOP_HANGUP) {
        stream->in_hung = true;
        if (stream->hung)
            stream->hung(stream);
        else
            end(stream);
    }
    watch_input(stream);
}

static void input_turn(struct loop_work *work)
{
    struct stream *stream = container_of(work, struct stream, in_work);

    if (stream->in_unpollable)
        read_some(stream);
    watch_input(stream);
}

/* Waits for input exactly while there is room for it; and, where the other side may leave and
 * another come, for a hang-up all the time. */
static void watch_input(struct stream *stream)
{
    bool want = may_read(stream) > 0;
    bool watch = want || (stream->ended && stream->in_fd >= 0 && !stream->in_hung);

    if (stream->in_unpollable) {
        if (want)
            loop_work_post(&stream->in_work);
    } else if (watch && !stream->in_watched) {
        if (loop_fd_add(stream->chr->loop, &stream->in_lfd, stream->in_fd, want ? LOOP_READ : 0,
                        input_ready, NULL) == 0) {
            stream->in_watched = true;
        } else {
            stream->in_unpollable = true;
            loop_work_post(&stream->in_work);
        }
    } else if (watch) {
        loop_fd_set_events(&stream->in_lfd, want ? LOOP_READ : 0);
    } else if (stream->in_watched) {
        loop_fd_del(&stream->in_lfd);
        stream->in_watched = false;
    }
}

void stream_accept_input(struct stream *stream)
{
    deliver(stream);
    watch_input(stream);
}

void stream_end_input(struct stream *stream)
{
    if (stream->in_watched)
        loop_fd_del(&stream->in_lfd);
    stream->in_watched = false;
    stream->in_unpollable = false;
    stream->in_hung = false;
    loop_work_cancel(&stream->in_work);
    if (stream->in_fd >= 0)
        close(stream->in_fd);
    stream->in_fd = -1;
}

/* ---- output ---- */

/* One write that does not block: bytes taken, or -errno. */
static ssize_t write_some_locked(struct stream *stream, const uint8_t *buf, size_t len)
{
    struct pollfd pfd = { .fd = stream->out_fd, .events = POLLOUT };
    ssize_t n;

    switch (stream->out_kind) {
    case STREAM_SOCKET:
        n = send(stream->out_fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
    case STREAM_TTY:
    case STREAM_PIPE:
        if (poll(&pfd, 1, 0) <= 0)
            return -EAGAIN;
        if (stream->out_kind == STREAM_TTY)
            len = 1;
        else if (len > PIPE_BUF)
            len = PIPE_BUF;
        n = write(stream->out_fd, buf, len);
        break;
    case STREAM_NONBLOCK:
    default:
        n = write(stream->out_fd, buf, len);
        break;
    }
    return n < 0 ? -errno : n;
}

size_t stream_write(struct stream *stream, const uint8_t *buf, size_t len)
{
    size_t done = 0;

    pthread_mutex_lock(&stream->lock);
    while (done < len && stream->out_fd >= 0 && !stream->blocked) {
        ssize_t n = write_some_locked(stream, buf + done, len - done);

        if (n > 0) {
            done += (size_t)n;
        } else if (n == -EAGAIN) {
            stream->blocked = true;
            loop_work_post(&stream->out_work);
        } else if (n != -EINTR) {
            done = len; /* nobody will ever receive this */
        }
    }
    if (stream->out_fd < 0)
        done = len;
    pthread_mutex_unlock(&stream->lock);
    return done;
}

static void output_again(struct stream *stream)
{
    struct chardev *chr = stream->chr;
    bool owed;

    if (stream->out_watched)
        loop_fd_del(&stream->out_lfd);
    stream->out_watched = false;
    pthread_mutex_lock(&stream->lock);
    owed = stream->blocked;
    stream->blocked = false;
    pthread_mutex_unlock(&stream->lock);
    if (owed && chr->handler && chr->handler->writable)
        chr->handler->writable(chr->opaque);
}

static void output_ready(struct loop_fd *lfd, unsigned events)
{
    (void)events; /* after a hang-up the next write fails, and is dropped */
    output_again(container_of(lfd, struct stream, out_lfd));
}

/* A write was short: wait until there is room. */
static void output_blocked(struct loop_work *work)
{
    struct stream *stream = container_of(work, struct stream, out_work);

    /* Only this thread changes out_fd, so it may be read without the lock. */
    if (stream->out_watched || stream->out_fd < 0)
        return;
    if (loop_fd_add(stream->chr->loop, &stream->out_lfd, stream->out_fd, LOOP_WRITE, output_ready,
                    NULL) == 0)
        stream->out_watched = true;
    else
        output_again(stream); /* cannot be waited for: try again */
}

/* ---- life ---- */

void stream_init(struct stream *stream, struct chardev *chr, struct chardev_escape *escape,
                 void (*ended)(struct stream *stream))
{
    memset(stream, 0, sizeof(*stream));
    stream->chr = chr;
    stream->escape = escape;
    stream->ended = ended;
    stream->in_fd = stream->out_fd = -1;
    loop_work_init(&stream->in_work, chr->loop, input_turn);
    loop_work_init(&stream->out_work, chr->loop, output_blocked);
    pthread_mutex_init(&stream->lock, NULL);
}

void stream_attach(struct stream *stream, int in_fd, int out_fd, enum stream_output out_kind)
{
    assert(stream->in_fd < 0 && stream->out_fd < 0);
    assert(in_fd != out_fd || in_fd < 0);
    stream->in_fd = in_fd;
    pthread_mutex_lock(&stream->lock);
    stream->out_fd = out_fd;
    stream->out_kind = out_kind;
    pthread_mutex_unlock(&stream->lock);
    watch_input(stream);
}

void stream_detach(struct stream *stream)
{
    int out_fd;

    stream_end_input(stream);
    if (stream->out_watched)
        loop_fd_del(&stream->out_lfd);
    stream->out_watched = false;
    loop_work_cancel(&stream->out_work);
    pthread_mutex_lock(&stream->lock);
    out_fd = stream->out_fd;
    stream->out_fd = -1;
    pthread_mutex_unlock(&stream->lock);
    if (out_fd >= 0)
        close(out_fd);
    output_again(stream); /* who waited for room goes on, and its output is dropped */
}

void stream_fini(struct stream *stream)
{
    stream->chr->handler = NULL;
    stream_detach(stream);
    pthread_mutex_destroy(&stream->lock);
}

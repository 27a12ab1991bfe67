/* backend/char/stream.h - a chardev over descriptors. Private to this folder.
 *
 * Input: bytes pass `escape`, wait in a small buffer, and reach the handler as it has room; when
 * the buffer is full, reading stops, and the back-pressure is the host's. Output: written at once,
 * by any thread; when the descriptor takes no more, the loop waits for it and calls
 * handler->writable.
 */
#ifndef BACKEND_CHAR_STREAM_H
#define BACKEND_CHAR_STREAM_H

#include <pthread.h>
#include <stdbool.h>

#include "backend/char/chardev.h"

enum { STREAM_BUFFER = 4096 };

/* How a descriptor takes output without blocking. */
enum stream_output {
    STREAM_NONBLOCK, /* it is O_NONBLOCK, or a regular file */
    STREAM_SOCKET,   /* asked for each time, with MSG_DONTWAIT */
    STREAM_TTY,      /* shared with others and not ours to change: poll, then a byte at a time */
    STREAM_PIPE,     /* likewise; poll promises PIPE_BUF bytes */
};

struct stream {
    struct chardev *chr;
    struct chardev_escape *escape;
    void (*ended)(struct stream *stream); /* input has ended; may call stream_detach() */
    void (*hung)(struct stream *stream); /* the other side left, but not all of its input is read */

    /* The loop's thread only. */
    int in_fd; /* -1: no input */
    bool in_watched;
    bool in_hung;       /* not watched for a hang-up any more */
    bool in_unpollable; /* a regular file: always ready, unknown to epoll */
    struct loop_fd in_lfd, out_lfd;
    bool out_watched;
    struct loop_work in_work, out_work;
    unsigned pending_start, pending_len;
    uint8_t pending[STREAM_BUFFER]; /* a ring: read, seen by escape, not yet taken */

    pthread_mutex_t lock;
    /* stream->lock guards: */
    int out_fd; /* -1: output is dropped */
    enum stream_output out_kind;
    bool blocked; /* a write was short; writable is owed */
};

/* `ended` may be NULL: then hang-ups are not watched for. Set stream->hung after this, if at all;
 * without it, a hang-up while the handler has no room ends input. */
void stream_init(struct stream *stream, struct chardev *chr, struct chardev_escape *escape,
                 void (*ended)(struct stream *stream));
void stream_fini(struct stream *stream);
/* Owns the descriptors from now on; they differ, and either may be -1. Nothing is attached now. */
void stream_attach(struct stream *stream, int in_fd, int out_fd, enum stream_output out_kind);
/* Closes them. Output is dropped from now on. What was read is still the handler's. */
void stream_detach(struct stream *stream);
/* Closes the input side only. */
void stream_end_input(struct stream *stream);
/* [any thread] */
size_t stream_write(struct stream *stream, const uint8_t *buf, size_t len);
/* The handler, or its room, has changed. */
void stream_accept_input(struct stream *stream);

#endif

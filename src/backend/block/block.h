/* backend/block/block.h - a disk image as devices see it: numbered bytes, asked asynchronously.
 *
 * A format is a driver (raw.c; qcow2 later) behind block_ops. Requests are the caller's storage
 * and may be many at a time, on ranges that overlap too; then it is open which takes effect
 * first, as on a real disk. done() comes on a worker thread, or from inside block_submit().
 *
 * What a guest asks may be wrong: offsets and lengths are checked here, once for all drivers.
 */
#ifndef BACKEND_BLOCK_BLOCK_H
#define BACKEND_BLOCK_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/compiler.h"
#include "base/error.h"
#include "event/pool.h"

struct block;
struct block_req;

enum { BLOCK_SECTOR = 512 };

enum block_op {
    BLOCK_READ,
    BLOCK_WRITE,
    BLOCK_FLUSH,        /* what was done before is on stable storage after */
    BLOCK_DISCARD,      /* a hint: contents are undefined after */
    BLOCK_WRITE_ZEROES, /* contents are zero after */
};

enum {
    BLOCK_FUA = 1,       /* WRITE, WRITE_ZEROES: done means on stable storage */
    BLOCK_MAY_UNMAP = 2, /* WRITE_ZEROES: storage may be given back */
};

struct block_req {
    enum block_op op;
    unsigned flags;
    uint64_t offset, len; /* bytes; FLUSH: 0. READ, WRITE: len is the sum of the iovec */
    /* READ, WRITE; at most IOV_MAX entries. The driver may change the array. */
    struct iovec *iov;
    unsigned iov_count;
    /* 0 or -errno. The request may be freed or submitted again from inside. */
    void (*done)(struct block_req *req, int result);
    /* private */
    struct block *block;
    struct pool_job job;
};

struct block_ops {
    const char *format; /* "raw" */
    /* The request is checked. Calls block_complete(), now or later, on any thread. */
    void (*submit)(struct block *block, struct block_req *req);
    void (*close)(struct block *block); /* frees it; no request is under way */
};

/* A driver embeds this and fills it at open. */
struct block {
    const struct block_ops *ops;
    uint64_t size; /* bytes, a multiple of BLOCK_SECTOR */
    bool read_only;
    uint32_t logical_size, physical_size; /* bytes, powers of two: what the host prefers */
};

struct block_options {
    const char *path;
    const char *format; /* NULL: raw */
    bool read_only;
};

/* Opens and locks the image: while it is open, no other program that locks images opens it for
 * writing, or at all if this is for writing. `pool` must outlive it. */
int block_open(struct block **ret_block, struct pool *pool, const struct block_options *options,
               struct error *err) NODISCARD;
void block_close(struct block *block); /* NULL is fine */

/* [any thread] Outside the image: -EINVAL; a change to a read-only one: -EROFS. */
void block_submit(struct block *block, struct block_req *req);
/* For drivers. */
static inline void block_complete(struct block_req *req, int result)
{
    req->done(req, result);
}

#endif

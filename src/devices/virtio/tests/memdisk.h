/* devices/virtio/tests/memdisk.h - a disk in memory that fails and waits when told. */
#ifndef DEVICES_VIRTIO_TESTS_MEMDISK_H
#define DEVICES_VIRTIO_TESTS_MEMDISK_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block/block.h"

enum { MEMDISK_SECTORS = 4096, MEMDISK_HELD = 256 };

struct memdisk {
    struct block block;
    pthread_mutex_t lock;
    int fail;          /* errno of every request from now on */
    bool hold;         /* keep requests */
    struct pool *pool; /* not NULL: done by a worker, later */
    struct block_req *held[MEMDISK_HELD];
    unsigned held_count, count[8];
    unsigned fua; /* requests with the flag */
    struct block_req last;
    uint8_t bytes[MEMDISK_SECTORS * BLOCK_SECTOR];
};

static inline void memdisk_run(struct memdisk *d, struct block_req *req)
{
    uint64_t at = req->offset;
    int fail = __atomic_load_n(&d->fail, __ATOMIC_RELAXED);

    if (fail == 0) {
        for (unsigned i = 0; i < req->iov_count; i++) {
            if (req->op == BLOCK_READ)
                memcpy(req->iov[i].iov_base, d->bytes + at, req->iov[i].iov_len);
            else
                memcpy(d->bytes + at, req->iov[i].iov_base, req->iov[i].iov_len);
            at += req->iov[i].iov_len;
        }
        if (req->op == BLOCK_WRITE_ZEROES)
            memset(d->bytes + at, 0, (size_t)req->len);
    }
    block_complete(req, -fail);
}

static inline void memdisk_job(struct pool_job *job)
{
    struct block_req *req = container_of(job, struct block_req, job);

    memdisk_run(container_of(req->block, struct memdisk, block), req);
}

static inline void memdisk_submit(struct block *block, struct block_req *req)
{
    struct memdisk *d = container_of(block, struct memdisk, block);
    bool hold;

    pthread_mutex_lock(&d->lock);
    d->count[req->op]++;
    d->fua += (req->flags & BLOCK_FUA) != 0;
    d->last = *req;
    hold = d->hold && d->held_count < MEMDISK_HELD;
    if (hold)
        d->held[d->held_count++] = req;
    pthread_mutex_unlock(&d->lock);
    if (!hold && d->pool != NULL)
        pool_submit(d->pool, &req->job, memdisk_job);
    else if (!hold)
        memdisk_run(d, req);
}

static const struct block_ops memdisk_ops = { .format = "test", .submit = memdisk_submit };

static inline struct memdisk *memdisk_new(bool read_only)
{
    struct memdisk *d = calloc(1, sizeof(*d));

    if (d == NULL)
        abort();
    pthread_mutex_init(&d->lock, NULL);
    d->block = (struct block){ .ops = &memdisk_ops,
                               .size = sizeof(d->bytes),
                               .read_only = read_only,
                               .logical_size = 512,
                               .physical_size = 4096 };
    return d;
}

static inline void memdisk_free(struct memdisk *d)
{
    pthread_mutex_destroy(&d->lock);
    free(d);
}

#endif

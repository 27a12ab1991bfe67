/*
 * devices/virtio/rng.c - random bytes for the guest, from the host's kernel.
 *
 * Answered on a worker thread: the host's generator may take its time early after boot. A request
 * may name gigabytes; 5.4.6.2 lets us fill less than all of it, and we fill at most REQUEST_MAX.
 */
#include "devices/virtio/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { REQUEST_MAX = 64 * 1024, PIECE = 256 /* which getrandom() never cuts short */ };

struct rng_request {
    struct pool_job job;
    struct virtq_chain *chain;
};

static uint64_t rng_fill(const struct virtq_chain *chain)
{
    uint64_t want = chain->in_len < REQUEST_MAX ? chain->in_len : REQUEST_MAX, done = 0;
    uint8_t piece[PIECE];

    while (done < want) {
        size_t part = want - done < PIECE ? (size_t)(want - done) : PIECE;
        ssize_t n = getrandom(piece, part, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += virtq_chain_write(chain, done, piece, (size_t)n);
    }
    return done;
}

static void rng_run(struct pool_job *job)
{
    struct rng_request *request = container_of(job, struct rng_request, job);
    struct virtq_chain *chain = request->chain;

    free(request);
    virtq_push(chain, rng_fill(chain));
}

static void rng_notify(struct virtio *v, unsigned queue)
{
    struct virtio_rng *rng = container_of(v, struct virtio_rng, virtio);
    struct virtq_chain *chain;

    while ((chain = virtq_pop(&v->queues[queue])) != NULL) {
        struct rng_request *request = malloc(sizeof(*request));

        if (chain->in_len == 0 || chain->out_len > 0 || request == NULL) {
            virtq_break(chain->vq, "entropy request that is not all writable");
            virtq_drop(chain);
            free(request);
            return;
        }
        request->chain = chain;
        pool_submit(rng->pool, &request->job, rng_run);
    }
}

static const struct virtio_ops rng_ops = {
    .device_id = VIRTIO_ID_ENTROPY,
    .notify = rng_notify,
};

static int rng_realize(struct device *dev, struct error *err)
{
    return virtio_realize(container_of(dev, struct virtio, dev), err);
}

static void rng_unrealize(struct device *dev)
{
    virtio_unrealize(container_of(dev, struct virtio, dev));
}

static const struct state_field rng_state[] = {
    VIRTIO_STATE(struct virtio_rng, virtio),
    STATE_END,
};

static const struct device_ops rng_device_ops = {
    .type = "virtio-rng",
    .realize = rng_realize,
    .reset = virtio_device_reset,
    .unrealize = rng_unrealize,
    .pre_save = virtio_pre_save,
    .post_load = virtio_post_load,
    .state = rng_state,
    .state_version = 1,
    .device_offset = offsetof(struct virtio_rng, virtio.dev),
};

void virtio_rng_init(struct virtio_rng *rng, const char *id, struct mem_space *space,
                     struct pool *pool)
{
    memset(rng, 0, sizeof(*rng));
    virtio_init(&rng->virtio, &rng_ops, &rng_device_ops, id, space);
    rng->virtio.queue_count = 1;
    rng->pool = pool;
}

void virtio_rng_fini(struct virtio_rng *rng)
{
    virtio_fini(&rng->virtio);
}

/* devices/virtio/tests/fuzz_virtio_rng.c - the entropy device under a driver that means no good. */
#include "devices/virtio/tests/fuzz_driver.h"

#include "devices/virtio/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rng_fuzz {
    struct fuzz_driver f;
    struct virtio_rng rng;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rng_fuzz *t;

    if (t == NULL) {
        t = calloc(1, sizeof(*t));
        assert(t != NULL);
        bench_init(&t->f.b, 1);
        virtio_rng_init(&t->rng, "rng0", t->f.b.space, t->f.b.pool);
        bench_plug(&t->f.b, &t->rng.virtio);
        t->f.queues = 1;
    }
    fuzz_run(&t->f, data, size);
    return 0;
}

/* devices/virtio/tests/fuzz_virtio_blk.c - the block device under a driver that means no good. */
#include "devices/virtio/tests/fuzz_driver.h"

#include <errno.h>

#include "devices/virtio/blk.h"
#include "devices/virtio/tests/memdisk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct blk_fuzz {
    struct fuzz_driver f;
    struct memdisk *disk;
    struct virtio_blk blk;
};

/* The disk starts or ceases to fail, and to take its time. A request that is kept until told
 * would not do: the reset of the next step waits for it, on this very thread. */
static void extra(struct fuzz_driver *f, uint32_t what)
{
    struct memdisk *disk = container_of(f, struct blk_fuzz, f)->disk;

    if (what == UINT32_MAX)
        return;
    __atomic_store_n(&disk->fail, (what & 1) != 0 ? EIO : 0, __ATOMIC_RELAXED);
    disk->pool = (what & 2) != 0 ? f->b.pool : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct blk_fuzz *t;

    if (t == NULL) {
        t = calloc(1, sizeof(*t));
        assert(t != NULL);
        bench_init(&t->f.b, 1);
        t->disk = memdisk_new(false);
        virtio_blk_init(
            &t->blk, "disk0", t->f.b.space,
            &(struct virtio_blk_params){ .block = &t->disk->block, .queues = 2, .serial = "fuzz" });
        bench_plug(&t->f.b, &t->blk.virtio);
        t->f.queues = 2;
        t->f.extra = extra;
    }
    t->disk->fail = 0;
    t->disk->pool = NULL;
    fuzz_run(&t->f, data, size);
    return 0;
}

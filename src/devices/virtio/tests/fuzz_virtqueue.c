/* devices/virtio/tests/fuzz_virtqueue.c - a queue over ring memory that is the input.
 *
 *     byte 0      log2 of the size (3 bits), indirect, event index
 *     byte 1      how many chains are popped before they are given back
 *     the rest    descriptor table at 0, then the available ring, then whatever, repeated over
 *                 4 KiB; the used ring is behind
 */
#define BENCH_RAM_SIZE KIB(64)

#include "devices/virtio/tests/driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HELD_MAX = 64 };

struct queue_bench {
    struct bench b;
    struct virtq vq;
    unsigned broken;
};

static void on_interrupt(struct virtq *vq)
{
    (void)vq;
}

static void on_broken(struct virtq *vq, const char *why)
{
    assert(why != NULL);
    container_of(vq, struct queue_bench, vq)->broken++;
}

static const struct virtq_ops ops = { .interrupt = on_interrupt, .broken = on_broken };

/* What pop promises of a chain. */
static void check_chain(const struct virtq_chain *chain)
{
    uint64_t lens[2] = { 0, 0 };

    for (unsigned i = 0; i < chain->out_count + chain->in_count; i++) {
        const struct virtq_seg *seg = &chain->seg[i];

        assert(seg->len > 0 && seg->ram_offset + seg->len <= seg->ram->size);
        assert(seg->hva == seg->ram->hva + seg->ram_offset);
        lens[i >= chain->out_count] += seg->len;
    }
    assert(lens[0] == chain->out_len && lens[1] == chain->in_len);
    assert(chain->out_count + chain->in_count > 0);
}

static void use_chain(const struct virtq_chain *chain)
{
    struct iovec iov[VIRTQ_MAX_SEGS];
    uint8_t buf[300];
    uint64_t third = chain->in_len / 3, sum = 0;
    unsigned n = virtq_chain_iov(chain, true, third, chain->in_len - third, iov);

    for (unsigned i = 0; i < n; i++)
        sum += iov[i].iov_len;
    assert(sum == chain->in_len - third);
    memset(buf, 0x11, sizeof(buf));
    (void)virtq_chain_read(chain, chain->out_len / 2, buf, sizeof(buf));
    (void)virtq_chain_write(chain, third, buf, sizeof(buf));
    virtq_chain_wrote(chain, third, chain->in_len);
    (void)virtq_chain_tail_overlaps(chain);
}

static void pop_and_push(struct queue_bench *t, unsigned batch)
{
    struct virtq_chain *held[HELD_MAX];
    uint64_t written[HELD_MAX];

    for (unsigned rounds = 0; rounds < 64; rounds++) {
        unsigned n = 0;

        while (n < batch && (held[n] = virtq_pop(&t->vq)) != NULL) {
            check_chain(held[n]);
            written[n] = held[n]->in_len;
            n++;
        }
        if (n == 0)
            return;
        if (rounds == 1) {
            virtq_unpop_many(held, n);
            continue;
        }
        for (unsigned i = 0; i < n; i++)
            use_chain(held[i]);
        virtq_push_many(held, written, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct queue_bench *t;
    struct virtq_layout layout = { .desc = BENCH_RAM_BASE };
    const char *why = NULL;

    if (t == NULL) {
        t = calloc(1, sizeof(*t));
        assert(t != NULL);
        bench_init(&t->b, 1);
        if (virtq_init(&t->vq, 0, &ops, t->b.space) != 0)
            abort();
    }
    if (size < 3)
        return 0;
    layout.size = 1u << (data[0] & 7);
    layout.indirect = (data[0] & 8) != 0;
    layout.event_idx = (data[0] & 16) != 0;
    layout.avail = layout.desc + 16 * layout.size;
    layout.used = BENCH_RAM_BASE + 4096;
    for (size_t i = 0; i < 4096; i++)
        t->b.ram->hva[i] = data[2 + i % (size - 2)];
    t->broken = 0;
    if (!virtq_start(&t->vq, &layout, &why))
        abort(); /* the layout itself is right */
    pop_and_push(t, 1 + data[1] % HELD_MAX);
    assert(t->broken <= 1);
    virtq_stop(&t->vq);
    return 0;
}

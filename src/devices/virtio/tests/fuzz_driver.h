/* devices/virtio/tests/fuzz_driver.h - a driver that does what the fuzzer says.
 *
 * One bench serves all inputs; each input begins with a reset, as a new driver would. An input is
 * a byte of feature choice, then steps. Missing bytes read as 0.
 *
 *     op % 12   operands
 *     0 memory  offset (2), count (1), bytes             into RAM
 *     1 desc    queue, index, address (2), length (2), flags, next
 *     2 chain   queue, head: exposed and notified
 *     3 store   offset (2), value (4)                    32-bit register write
 *     4 load    offset (2)
 *     5 config  offset, size, value (4)                  a write, then a read
 *     6 event   to the device's own extra()
 *     7 index   queue, value (2)                         raw avail.idx, and notified
 *     8 begin   features (1): the whole start sequence again
 *     9 turn    of the loop
 *    10 table   index, address (2), length (2), flags, next    as desc, in a table at 0xc000
 *    11 queue   queue, size (2), address (2): stopped, moved and started
 *
 * Addresses of 16 bits are offsets into RAM, but the last few name places that are no RAM.
 */
#ifndef DEVICES_VIRTIO_TESTS_FUZZ_DRIVER_H
#define DEVICES_VIRTIO_TESTS_FUZZ_DRIVER_H

#define BENCH_RAM_SIZE KIB(128)

#include "devices/virtio/tests/driver.h"

enum { FUZZ_QUEUE_SIZE = 16, FUZZ_TABLE = 0xc000 };

struct fuzz_driver {
    struct bench b;
    unsigned queues;
    struct dq q[4];
    const uint8_t *in;
    size_t left;
    void (*extra)(struct fuzz_driver *f, uint32_t what);
};

static inline uint32_t fuzz_take(struct fuzz_driver *f, unsigned bytes)
{
    uint32_t val = 0;

    for (unsigned i = 0; i < bytes && f->left > 0; i++, f->left--)
        val |= (uint32_t)*f->in++ << (8 * i);
    return val;
}

static inline gpa_t fuzz_addr(struct fuzz_driver *f)
{
    static const gpa_t odd[] = { 0,
                                 BENCH_SLOT_BASE,
                                 BENCH_ROM_BASE,
                                 UINT64_MAX - 15,
                                 BENCH_RAM_BASE + BENCH_RAM_SIZE - 8,
                                 BENCH_RAM_BASE - 8 };
    uint32_t raw = fuzz_take(f, 2);

    return raw >= 0xfff0 ? odd[(raw - 0xfff0) % ARRAY_LEN(odd)] : BENCH_RAM_BASE + raw;
}

/* Which features the byte asks for: bit 7 none at all, bit 0 event index, bit 1 indirect, the
 * others every feature of the device. */
static inline void fuzz_begin(struct fuzz_driver *f, uint32_t choice)
{
    uint64_t features = (choice & 4) != 0 ? UINT32_MAX >> 8 : 0;

    features |= (choice & 1) != 0 ? VIRTIO_FEATURE(VIRTIO_F_EVENT_IDX) : 0;
    features |= (choice & 2) != 0 ? VIRTIO_FEATURE(VIRTIO_F_INDIRECT_DESC) : 0;
    driver_begin(&f->b, features);
    f->b.alloc = 0;
    for (unsigned i = 0; i < f->queues; i++)
        queue_make(&f->b, &f->q[i], i, FUZZ_QUEUE_SIZE);
    driver_ok(&f->b);
}

static inline void fuzz_desc(struct fuzz_driver *f, gpa_t table, unsigned index)
{
    gpa_t addr = fuzz_addr(f);
    uint32_t len = fuzz_take(f, 2), flags = fuzz_take(f, 1), next = fuzz_take(f, 1);

    desc_set(&f->b, table, index, addr, len, (uint16_t)flags, (uint16_t)next);
}

static inline void fuzz_move_queue(struct fuzz_driver *f, struct dq *q)
{
    uint16_t size = (uint16_t)fuzz_take(f, 2);
    gpa_t addr = fuzz_addr(f);

    set_reg(&f->b, R_QUEUE_SEL, q->index);
    set_reg(&f->b, R_QUEUE_READY, 0);
    set_reg(&f->b, R_QUEUE_NUM, size);
    set_addr(&f->b, R_DESC, addr);
    set_reg(&f->b, R_QUEUE_READY, 1);
}

static inline void fuzz_memory(struct fuzz_driver *f)
{
    uint32_t offset = fuzz_take(f, 2), count = fuzz_take(f, 1);

    for (uint32_t i = 0; i < count; i++)
        f->b.ram->hva[offset + i] = (uint8_t)fuzz_take(f, 1);
}

static inline void fuzz_config(struct fuzz_driver *f)
{
    gpa_t at = BENCH_SLOT_BASE + R_CONFIG + fuzz_take(f, 1);
    unsigned size = 1u << fuzz_take(f, 1) % 4;
    uint64_t val = fuzz_take(f, 4);

    /* A refusal is an answer too. */
    (void)!mem_store(f->b.space, at & ~(gpa_t)(size - 1), size, val);
    (void)!mem_load(f->b.space, at & ~(gpa_t)(size - 1), size, &val);
}

static inline void fuzz_step(struct fuzz_driver *f)
{
    uint32_t op = fuzz_take(f, 1) % 12;
    struct dq *q =
        &f->q[op == 1 || op == 2 || op == 7 || op == 11 ? fuzz_take(f, 1) % f->queues : 0];
    uint32_t reg_off;

    switch (op) {
    case 0:
        fuzz_memory(f);
        break;
    case 1:
        fuzz_desc(f, q->desc, fuzz_take(f, 1) % FUZZ_QUEUE_SIZE);
        break;
    case 2:
        queue_expose(q, (uint16_t)fuzz_take(f, 1));
        queue_kick(q);
        break;
    case 3:
        reg_off = fuzz_take(f, 2) % VIRTIO_MMIO_SIZE & ~3u;
        set_reg(&f->b, reg_off, fuzz_take(f, 4));
        break;
    case 4:
        (void)reg(&f->b, fuzz_take(f, 2) % VIRTIO_MMIO_SIZE & ~3u);
        break;
    case 5:
        fuzz_config(f);
        break;
    case 6:
        if (f->extra != NULL)
            f->extra(f, fuzz_take(f, 1));
        break;
    case 7:
        *ring_u16(q, q->avail, 2) = q->avail_idx = (uint16_t)fuzz_take(f, 2);
        queue_kick(q);
        break;
    case 8:
        fuzz_begin(f, fuzz_take(f, 1));
        break;
    case 9:
        (void)!loop_run_once(f->b.loop, 0, NULL);
        break;
    case 10:
        fuzz_desc(f, BENCH_RAM_BASE + FUZZ_TABLE, fuzz_take(f, 1) % 64);
        break;
    default:
        fuzz_move_queue(f, q);
        break;
    }
}

/* Runs one input and puts the device back to rest. */
static inline void fuzz_run(struct fuzz_driver *f, const uint8_t *data, size_t size)
{
    f->in = data;
    f->left = size;
    memset(f->b.ram->hva, 0, BENCH_RAM_SIZE);
    device_reset(&f->b.slot.dev);
    fuzz_begin(f, fuzz_take(f, 1));
    while (f->left > 0)
        fuzz_step(f);
    if (f->extra != NULL)
        f->extra(f, UINT32_MAX); /* let go of what the backend holds */
    device_reset(&f->b.slot.virtio->dev);
    assert(reg(&f->b, R_STATUS) == 0);
    for (unsigned i = 0; i < f->queues; i++)
        assert(f->b.slot.virtio->queues[i].in_use == 0);
    while (f->b.loop != NULL && atomic_exchange(&f->b.irq_rises, 0) > 0)
        (void)!loop_run_once(f->b.loop, 0, NULL);
}

#endif

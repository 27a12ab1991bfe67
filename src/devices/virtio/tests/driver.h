/* devices/virtio/tests/driver.h - the driver's side of virtio-mmio, for tests and fuzz targets.
 *
 * A bench has RAM, a loop, a worker pool and one slot. The driver talks to it as a guest does:
 * registers by mem_load and mem_store, rings in RAM. Waiting turns the loop and has a limit.
 * What must hold for a test to make sense is checked by assert(), so no cmocka is needed.
 */
#ifndef DEVICES_VIRTIO_TESTS_DRIVER_H
#define DEVICES_VIRTIO_TESTS_DRIVER_H

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/endian.h"
#include "devices/virtio/mmio.h"
#include "event/loop.h"
#include "event/pool.h"

#define BENCH_RAM_BASE ((gpa_t)0x80000000)
#ifndef BENCH_RAM_SIZE
#define BENCH_RAM_SIZE MIB(8)
#endif
#define BENCH_ROM_BASE ((gpa_t)0x20000000)
#define BENCH_SLOT_BASE ((gpa_t)0x10001000)
#define BENCH_LIMIT_NS ((uint64_t)20 * 1000000000)

enum {
    R_MAGIC = 0x00,
    R_VERSION = 0x04,
    R_DEVICE_ID = 0x08,
    R_VENDOR = 0x0c,
    R_FEATURES = 0x10,
    R_FEATURES_SEL = 0x14,
    R_DRV_FEATURES = 0x20,
    R_DRV_FEATURES_SEL = 0x24,
    R_QUEUE_SEL = 0x30,
    R_QUEUE_MAX = 0x34,
    R_QUEUE_NUM = 0x38,
    R_QUEUE_READY = 0x44,
    R_NOTIFY = 0x50,
    R_INT_STATUS = 0x60,
    R_INT_ACK = 0x64,
    R_STATUS = 0x70,
    R_DESC = 0x80,
    R_DRIVER = 0x90,
    R_DEVICE = 0xa0,
    R_SHM_LEN = 0xb0,
    R_SHM_BASE = 0xb8,
    R_GENERATION = 0xfc,
    R_CONFIG = 0x100,
};

enum { D_NEXT = 1, D_WRITE = 2, D_INDIRECT = 4 };

struct bench {
    struct mem_region root, ram_region, rom_region;
    struct ram_block *ram, *rom;
    struct mem_space *space;
    struct loop *loop;
    struct pool *pool;
    struct virtio_mmio slot;
    bool slot_in_use;
    _Atomic bool irq_level;
    atomic_uint irq_rises;
    uint64_t alloc; /* bump allocator of guest RAM */
};

/* A queue as the driver sees it. */
struct dq {
    struct bench *b;
    unsigned index;
    uint16_t size, avail_idx, used_idx, next_desc;
    gpa_t desc, avail, used;
    bool event_idx;
};

static inline void bench_irq(void *sink, unsigned number, bool level)
{
    struct bench *b = sink;

    (void)number;
    if (!atomic_exchange(&b->irq_level, level) && level)
        atomic_fetch_add(&b->irq_rises, 1);
    loop_wake(b->loop);
}

static inline void bench_init(struct bench *b, unsigned workers)
{
    int rc;

    memset(b, 0, sizeof(*b));
    mem_thread_register();
    rc = loop_new(&b->loop, &clock_host, NULL);
    assert(rc == 0);
    rc = pool_new(&b->pool, workers, "test", NULL);
    assert(rc == 0);
    rc = ram_block_new(&b->ram, "ram", BENCH_RAM_SIZE, NULL);
    assert(rc == 0);
    rc = ram_block_new(&b->rom, "rom", PAGE_SIZE_BYTES, NULL);
    assert(rc == 0);
    mem_region_init_container(&b->root, "root", UINT64_MAX);
    mem_region_init_ram(&b->ram_region, "ram", b->ram, 0, BENCH_RAM_SIZE);
    mem_region_init_rom(&b->rom_region, "rom", b->rom, 0, PAGE_SIZE_BYTES);
    rc = mem_space_new(&b->space, &b->root, NULL);
    assert(rc == 0);
    (void)rc;
    mem_region_add(&b->root, BENCH_RAM_BASE, &b->ram_region, 0);
    mem_region_add(&b->root, BENCH_ROM_BASE, &b->rom_region, 0);
    b->alloc = PAGE_SIZE_BYTES;
}

/* Puts the device, initialised, into the slot, and realizes both. NULL: an empty slot. */
static inline void bench_plug(struct bench *b, struct virtio *v)
{
    int rc = 0;

    if (v != NULL)
        rc = device_realize(&v->dev, NULL);
    assert(rc == 0);
    virtio_mmio_init(&b->slot, "slot", v, (struct irq_line){ .set = bench_irq, .sink = b });
    rc = device_realize(&b->slot.dev, NULL);
    assert(rc == 0);
    (void)rc;
    mem_region_add(&b->root, BENCH_SLOT_BASE, &b->slot.mmio, 0);
    b->slot_in_use = true;
}

static inline void bench_unplug(struct bench *b)
{
    struct virtio *v = b->slot.virtio;

    if (!b->slot_in_use)
        return;
    mem_region_del(&b->slot.mmio);
    mem_barrier();
    if (v != NULL)
        device_unrealize(&v->dev);
    device_unrealize(&b->slot.dev);
    virtio_mmio_fini(&b->slot);
    b->slot_in_use = false;
}

static inline void bench_fini(struct bench *b)
{
    bench_unplug(b);
    pool_free(b->pool);
    loop_free(b->loop);
    mem_region_del(&b->ram_region);
    mem_region_del(&b->rom_region);
    mem_space_free(b->space);
    mem_barrier();
    mem_region_fini(&b->ram_region);
    mem_region_fini(&b->rom_region);
    mem_region_fini(&b->root);
    ram_block_unref(b->ram);
    ram_block_unref(b->rom);
    mem_thread_unregister();
}

/* One turn of the loop, up to 20 ms; false when the limit that began at `since` is over. */
static inline bool bench_turn(struct bench *b, uint64_t since)
{
    int rc = loop_run_once(b->loop, 20, NULL);

    assert(rc == 0);
    (void)rc;
    return clock_now_ns(&clock_host) - since < BENCH_LIMIT_NS;
}

/* ---- guest memory ---- */

static inline gpa_t bench_alloc(struct bench *b, uint64_t size)
{
    gpa_t gpa = BENCH_RAM_BASE + b->alloc;

    b->alloc = (b->alloc + size + 63) & ~(uint64_t)63;
    assert(b->alloc <= BENCH_RAM_SIZE);
    memset(b->ram->hva + (gpa - BENCH_RAM_BASE), 0, size);
    return gpa;
}

static inline void *at(struct bench *b, gpa_t gpa)
{
    return b->ram->hva + (gpa - BENCH_RAM_BASE);
}

/* ---- registers ---- */

static inline uint32_t reg(struct bench *b, uint32_t off)
{
    uint64_t val = 0;
    enum mem_result result = mem_load(b->space, BENCH_SLOT_BASE + off, 4, &val);

    assert(result == MEM_OK);
    (void)result;
    return (uint32_t)val;
}

static inline void set_reg(struct bench *b, uint32_t off, uint32_t val)
{
    enum mem_result result = mem_store(b->space, BENCH_SLOT_BASE + off, 4, val);

    assert(result == MEM_OK);
    (void)result;
}

static inline uint64_t config(struct bench *b, uint32_t off, unsigned size)
{
    uint64_t val = 0;
    enum mem_result result = mem_load(b->space, BENCH_SLOT_BASE + R_CONFIG + off, size, &val);

    assert(result == MEM_OK);
    (void)result;
    return val;
}

static inline uint64_t offered(struct bench *b)
{
    uint64_t low;

    set_reg(b, R_FEATURES_SEL, 0);
    low = reg(b, R_FEATURES);
    set_reg(b, R_FEATURES_SEL, 1);
    return low | (uint64_t)reg(b, R_FEATURES) << 32;
}

/* Reset to FEATURES_OK with those of `wanted` that are offered, and VERSION_1; what was taken. */
static inline uint64_t driver_begin(struct bench *b, uint64_t wanted)
{
    uint64_t features;

    set_reg(b, R_STATUS, 0);
    assert(reg(b, R_STATUS) == 0);
    set_reg(b, R_STATUS, 1);
    set_reg(b, R_STATUS, 3);
    features = offered(b) & (wanted | VIRTIO_FEATURE(VIRTIO_F_VERSION_1));
    for (uint32_t word = 0; word < 2; word++) {
        set_reg(b, R_DRV_FEATURES_SEL, word);
        set_reg(b, R_DRV_FEATURES, (uint32_t)(features >> (32 * word)));
    }
    set_reg(b, R_STATUS, 11);
    assert(reg(b, R_STATUS) == 11);
    return features;
}

static inline void driver_ok(struct bench *b)
{
    set_reg(b, R_STATUS, 15);
}

static inline void set_addr(struct bench *b, uint32_t off, gpa_t gpa)
{
    set_reg(b, off, (uint32_t)gpa);
    set_reg(b, off + 4, (uint32_t)(gpa >> 32));
}

static inline void queue_place(struct bench *b, struct dq *q, unsigned index, uint16_t size)
{
    memset(q, 0, sizeof(*q));
    q->b = b;
    q->index = index;
    q->size = size;
    q->desc = bench_alloc(b, 32u * size); /* as much again behind it, for indices outside */
    q->avail = bench_alloc(b, 6 + 2u * size);
    q->used = bench_alloc(b, 6 + 8u * size);
}

/* Tells the device of a queue whose parts have places. */
static inline void queue_enable(struct dq *q)
{
    struct bench *b = q->b;

    set_reg(b, R_QUEUE_SEL, q->index);
    set_reg(b, R_QUEUE_NUM, q->size);
    set_addr(b, R_DESC, q->desc);
    set_addr(b, R_DRIVER, q->avail);
    set_addr(b, R_DEVICE, q->used);
    set_reg(b, R_QUEUE_READY, 1);
}

static inline void queue_make(struct bench *b, struct dq *q, unsigned index, uint16_t size)
{
    queue_place(b, q, index, size);
    queue_enable(q);
}

/* ---- rings ---- */

static inline void desc_set(struct bench *b, gpa_t table, unsigned i, gpa_t addr, uint32_t len,
                            uint16_t flags, uint16_t next)
{
    uint8_t *d = at(b, table + 16u * i);

    st_le64(d, addr);
    st_le32(d + 8, len);
    st_le16(d + 12, flags);
    st_le16(d + 14, next);
}

static inline uint16_t *ring_u16(struct dq *q, gpa_t part, size_t offset)
{
    return (uint16_t *)(void *)((uint8_t *)at(q->b, part) + offset);
}

/* Makes descriptor `head` available, without notifying. */
static inline void queue_expose(struct dq *q, uint16_t head)
{
    *ring_u16(q, q->avail, 4 + 2u * (q->avail_idx & (q->size - 1u))) = head;
    __atomic_store_n(ring_u16(q, q->avail, 2), ++q->avail_idx, __ATOMIC_SEQ_CST);
}

static inline void queue_kick(struct dq *q)
{
    set_reg(q->b, R_NOTIFY, q->index);
}

struct elem {
    gpa_t addr;
    uint32_t len;
    bool writable;
};

/* Adds a chain of elements, directly or through an indirect table; its head. */
static inline uint16_t queue_add(struct dq *q, const struct elem *elems, unsigned count,
                                 bool indirect)
{
    uint16_t head = q->next_desc;
    gpa_t table = indirect ? bench_alloc(q->b, 16u * count) : q->desc;

    for (unsigned i = 0; i < count; i++) {
        uint16_t slot = (uint16_t)(indirect ? i : (head + i) & (q->size - 1u));
        uint16_t next = (uint16_t)(indirect ? i + 1 : (slot + 1u) & (q->size - 1u));

        desc_set(q->b, table, slot, elems[i].addr, elems[i].len,
                 (uint16_t)((elems[i].writable ? D_WRITE : 0) | (i + 1 < count ? D_NEXT : 0)),
                 next);
    }
    if (indirect)
        desc_set(q->b, q->desc, head, table, 16u * count, D_INDIRECT, 0);
    q->next_desc = (uint16_t)((head + (indirect ? 1 : count)) & (q->size - 1u));
    queue_expose(q, head);
    return head;
}

static inline uint16_t queue_used_idx(struct dq *q)
{
    return __atomic_load_n(ring_u16(q, q->used, 2), __ATOMIC_ACQUIRE);
}

/* Takes one used entry if there is one. */
static inline bool queue_take(struct dq *q, uint32_t *ret_id, uint32_t *ret_len)
{
    const uint8_t *elem = at(q->b, q->used + 4 + 8u * (q->used_idx & (q->size - 1u)));

    if (queue_used_idx(q) == q->used_idx)
        return false;
    *ret_id = __atomic_load_n((const uint32_t *)(const void *)elem, __ATOMIC_RELAXED);
    *ret_len = __atomic_load_n((const uint32_t *)(const void *)(elem + 4), __ATOMIC_RELAXED);
    q->used_idx++;
    return true;
}

/* Waits for a used entry; its id, *ret_len. Asserts that it came in time. */
static inline uint32_t queue_wait(struct dq *q, uint32_t *ret_len)
{
    uint64_t since = clock_now_ns(&clock_host);
    uint32_t id = 0;
    bool in_time = true;

    while (!queue_take(q, &id, ret_len) && in_time)
        in_time = bench_turn(q->b, since);
    assert(in_time);
    return id;
}

/* Waits for the interrupt; the status bits, acknowledged. */
static inline uint32_t wait_irq(struct bench *b)
{
    uint64_t since = clock_now_ns(&clock_host);
    uint32_t status;
    bool in_time = true;

    while (!atomic_load(&b->irq_level) && in_time)
        in_time = bench_turn(b, since);
    assert(in_time);
    status = reg(b, R_INT_STATUS);
    set_reg(b, R_INT_ACK, status);
    return status;
}

static inline bool needs_reset(struct bench *b)
{
    return (reg(b, R_STATUS) & VIRTIO_STATUS_NEEDS_RESET) != 0;
}

#endif

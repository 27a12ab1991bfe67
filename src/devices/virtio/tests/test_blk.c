/* The block device, driven through its registers and rings. */
#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "devices/virtio/blk.h"
#include "devices/virtio/tests/driver.h"
#include "devices/virtio/tests/memdisk.h"

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2, S_UNSET = 0xee };
enum { F_RO = 5, F_FLUSH = 9, F_CONFIG_WCE = 11, F_MQ = 12, F_DISCARD = 13, F_ZEROES = 14 };

/* ---- bench ---- */

struct blk_bench {
    struct bench b;
    struct memdisk *disk;
    struct virtio_blk blk;
    struct dq q;
};

static void blk_init(struct blk_bench *t, unsigned queues, bool read_only)
{
    bench_init(&t->b, 2);
    t->disk = memdisk_new(read_only);
    virtio_blk_init(&t->blk, "disk0", t->b.space,
                    &(struct virtio_blk_params){
                        .block = &t->disk->block, .queues = queues, .serial = "VIREO-0001" });
    bench_plug(&t->b, &t->blk.virtio);
}

static void blk_start(struct blk_bench *t, uint64_t features)
{
    driver_begin(&t->b,
                 features | VIRTIO_FEATURE(F_FLUSH) | VIRTIO_FEATURE(VIRTIO_F_INDIRECT_DESC));
    queue_make(&t->b, &t->q, 0, 64);
    driver_ok(&t->b);
}

static void blk_fini(struct blk_bench *t)
{
    bench_unplug(&t->b);
    virtio_blk_fini(&t->blk);
    memdisk_free(t->disk);
    bench_fini(&t->b);
}

struct pending {
    gpa_t header, data, status;
};

/* Adds a request; `len` bytes of data, which for writes are already there. */
static struct pending blk_add(struct blk_bench *t, struct dq *q, uint32_t type, uint64_t sector,
                              gpa_t data, uint32_t len, bool writable)
{
    struct pending r = { bench_alloc(&t->b, 16), data, bench_alloc(&t->b, 1) };
    struct elem e[3] = { { r.header, 16, false } };
    unsigned n = 1;

    st_le32(at(&t->b, r.header), type);
    st_le64((uint8_t *)at(&t->b, r.header) + 8, sector);
    *(uint8_t *)at(&t->b, r.status) = S_UNSET;
    if (len > 0)
        e[n++] = (struct elem){ data, len, writable };
    e[n++] = (struct elem){ r.status, 1, true };
    queue_add(q, e, n, false);
    return r;
}

static uint8_t blk_do(struct blk_bench *t, uint32_t type, uint64_t sector, gpa_t data, uint32_t len,
                      bool writable, uint32_t *ret_used)
{
    struct pending r = blk_add(t, &t->q, type, sector, data, len, writable);
    uint32_t used;

    queue_kick(&t->q);
    queue_wait(&t->q, ret_used != NULL ? ret_used : &used);
    return *(uint8_t *)at(&t->b, r.status);
}

static uint8_t blk_range(struct blk_bench *t, uint32_t type, uint64_t sector, uint32_t count,
                         uint32_t flags)
{
    gpa_t range = bench_alloc(&t->b, 16);

    st_le64(at(&t->b, range), sector);
    st_le32((uint8_t *)at(&t->b, range) + 8, count);
    st_le32((uint8_t *)at(&t->b, range) + 12, flags);
    return blk_do(t, type, 0, range, 16, false, NULL);
}

/* ---- tests ---- */

TEST(configuration_says_what_the_disk_is)
{
    struct blk_bench t;

    blk_init(&t, 4, false);
    assert_int_equal(reg(&t.b, R_DEVICE_ID), 2);
    assert_int_equal(config(&t.b, 0, 4), MEMDISK_SECTORS);
    assert_int_equal(config(&t.b, 12, 4), 254);
    assert_int_equal(config(&t.b, 20, 4), 512);
    assert_int_equal(config(&t.b, 24, 1), 3);
    assert_int_equal(config(&t.b, 34, 2), 4);
    assert_true(offered(&t.b) & VIRTIO_FEATURE(F_MQ));
    assert_true(offered(&t.b) & VIRTIO_FEATURE(F_DISCARD));
    assert_false(offered(&t.b) & VIRTIO_FEATURE(F_RO));
    blk_fini(&t);
}

TEST(data_goes_out_and_comes_back)
{
    struct blk_bench t;
    gpa_t out, in;
    uint32_t used;

    blk_init(&t, 1, false);
    blk_start(&t, 0);
    out = bench_alloc(&t.b, 2048);
    in = bench_alloc(&t.b, 2048);
    for (unsigned i = 0; i < 2048; i++)
        ((uint8_t *)at(&t.b, out))[i] = (uint8_t)(i * 3);
    assert_int_equal(blk_do(&t, T_OUT, 5, out, 2048, false, &used), S_OK);
    assert_int_equal(used, 1);
    assert_int_equal(blk_do(&t, T_FLUSH, 0, 0, 0, false, &used), S_OK);
    assert_int_equal(blk_do(&t, T_IN, 5, in, 2048, true, &used), S_OK);
    assert_int_equal(used, 2049);
    assert_memory_equal(at(&t.b, in), at(&t.b, out), 2048);
    assert_int_equal(t.disk->fua, 0); /* the driver flushes for itself */
    assert_int_equal(wait_irq(&t.b), 1);
    blk_fini(&t);
}

TEST(framing_is_free)
{
    struct blk_bench t;
    gpa_t header, data;
    struct elem e[9];
    uint32_t used;

    /* Header in three pieces, data in odd ones, status in one with the end of the data. */
    blk_init(&t, 1, false);
    blk_start(&t, 0);
    header = bench_alloc(&t.b, 16);
    data = bench_alloc(&t.b, 513);
    memset(t.disk->bytes + 512 * 7, 0x5a, 512);
    st_le64((uint8_t *)at(&t.b, header) + 8, 7);
    e[0] = (struct elem){ header, 3, false };
    e[1] = (struct elem){ header + 3, 10, false };
    e[2] = (struct elem){ header + 13, 3, false };
    e[3] = (struct elem){ data, 1, true };
    e[4] = (struct elem){ data + 1, 300, true };
    e[5] = (struct elem){ data + 301, 212, true };
    queue_add(&t.q, e, 6, true);
    queue_kick(&t.q);
    queue_wait(&t.q, &used);
    assert_int_equal(used, 513);
    for (unsigned i = 0; i < 512; i++)
        assert_int_equal(((uint8_t *)at(&t.b, data))[i], 0x5a);
    assert_int_equal(((uint8_t *)at(&t.b, data))[512], S_OK);
    blk_fini(&t);
}

TEST(get_id_is_padded_and_cut)
{
    struct blk_bench t;
    gpa_t id;
    uint32_t used;

    blk_init(&t, 1, false);
    blk_start(&t, 0);
    id = bench_alloc(&t.b, 64);
    memset(at(&t.b, id), 0xff, 64);
    assert_int_equal(blk_do(&t, T_GET_ID, 0, id, 20, true, &used), S_OK);
    assert_int_equal(used, 21);
    assert_memory_equal(at(&t.b, id), "VIREO-0001\0\0\0\0\0\0\0\0\0\0", 20);
    assert_int_equal(blk_do(&t, T_GET_ID, 0, id, 5, true, NULL), S_OK);
    assert_int_equal(blk_do(&t, T_GET_ID, 0, id, 64, true, &used), S_OK);
    assert_int_equal(used, 20); /* the status comes after a gap */
    blk_fini(&t);
}

TEST(requests_beyond_the_disk_fail_and_touch_nothing)
{
    struct blk_bench t;
    gpa_t data;
    uint32_t used;

    blk_init(&t, 1, false);
    blk_start(&t, 0);
    data = bench_alloc(&t.b, 1024);
    assert_int_equal(blk_do(&t, T_IN, MEMDISK_SECTORS, data, 512, true, &used), S_IOERR);
    assert_int_equal(used, 0);
    assert_int_equal(blk_do(&t, T_IN, MEMDISK_SECTORS - 1, data, 1024, true, NULL), S_IOERR);
    assert_int_equal(blk_do(&t, T_OUT, UINT64_MAX, data, 512, false, NULL), S_IOERR);
    assert_int_equal(blk_do(&t, T_OUT, UINT64_MAX / 512 + 1, data, 512, false, NULL), S_IOERR);
    assert_int_equal(blk_do(&t, T_IN, 0, data, 100, true, NULL), S_IOERR);
    assert_int_equal(t.disk->count[BLOCK_READ] + t.disk->count[BLOCK_WRITE], 0);
    assert_int_equal(blk_do(&t, T_IN, MEMDISK_SECTORS - 1, data, 512, true, NULL), S_OK);
    blk_fini(&t);
}

TEST(unknown_requests_are_unsupported)
{
    static const uint32_t types[] = { 2, 3, 5, 9, 10, 14, 0x80000000, UINT32_MAX };
    struct blk_bench t;
    gpa_t data;

    blk_init(&t, 1, false);
    blk_start(&t, 0);
    data = bench_alloc(&t.b, 512);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        assert_int_equal(blk_do(&t, types[i], 0, data, 512, true, NULL), S_UNSUPP);
    blk_fini(&t);
}

TEST(a_failing_disk_is_an_io_error_each_time)
{
    struct blk_bench t;
    gpa_t data;
    uint32_t used;

    blk_init(&t, 1, false);
    blk_start(&t, 0);
    data = bench_alloc(&t.b, 512);
    t.disk->fail = EIO;
    assert_int_equal(blk_do(&t, T_IN, 0, data, 512, true, &used), S_IOERR);
    assert_int_equal(used, 0);
    assert_int_equal(blk_do(&t, T_OUT, 0, data, 512, false, NULL), S_IOERR);
    assert_int_equal(blk_do(&t, T_FLUSH, 0, 0, 0, false, NULL), S_IOERR);
    assert_int_equal(blk_range(&t, T_DISCARD, 0, 8, 0), S_IOERR);
    t.disk->fail = 0;
    assert_int_equal(blk_do(&t, T_IN, 0, data, 512, true, NULL), S_OK);
    assert_false(needs_reset(&t.b));
    blk_fini(&t);
}

TEST(a_read_only_disk_takes_no_write)
{
    struct blk_bench t;
    gpa_t data;

    blk_init(&t, 1, true);
    assert_true(offered(&t.b) & VIRTIO_FEATURE(F_RO));
    assert_false(offered(&t.b) & VIRTIO_FEATURE(F_DISCARD));
    assert_false(offered(&t.b) & VIRTIO_FEATURE(F_ZEROES));
    blk_start(&t, 0);
    data = bench_alloc(&t.b, 512);
    assert_int_equal(blk_do(&t, T_OUT, 0, data, 512, false, NULL), S_IOERR);
    assert_int_equal(blk_range(&t, T_DISCARD, 0, 8, 0), S_IOERR);
    assert_int_equal(blk_range(&t, T_ZEROES, 0, 8, 0), S_IOERR);
    assert_int_equal(blk_do(&t, T_IN, 0, data, 512, true, NULL), S_OK);
    assert_int_equal(t.disk->count[BLOCK_WRITE] + t.disk->count[BLOCK_DISCARD] +
                         t.disk->count[BLOCK_WRITE_ZEROES],
                     0);
    blk_fini(&t);
}

TEST(discard_and_write_zeroes_do_each_range)
{
    struct blk_bench t;
    gpa_t ranges;

    blk_init(&t, 1, false);
    blk_start(&t, 0);
    memset(t.disk->bytes, 0x77, sizeof(t.disk->bytes));
    ranges = bench_alloc(&t.b, 48);
    for (unsigned i = 0; i < 3; i++) {
        st_le64((uint8_t *)at(&t.b, ranges) + 16 * i, 10 * i + 1);
        st_le32((uint8_t *)at(&t.b, ranges) + 16 * i + 8, i + 1);
    }
    assert_int_equal(blk_do(&t, T_ZEROES, 0, ranges, 48, false, NULL), S_OK);
    assert_int_equal(t.disk->count[BLOCK_WRITE_ZEROES], 3);
    for (unsigned sector = 0; sector < 40; sector++) {
        bool zero = sector == 1 || sector == 11 || sector == 12 || (sector >= 21 && sector < 24);

        assert_int_equal(t.disk->bytes[sector * 512], zero ? 0 : 0x77);
    }
    assert_int_equal(blk_do(&t, T_DISCARD, 0, ranges, 48, false, NULL), S_OK);
    assert_int_equal(t.disk->count[BLOCK_DISCARD], 3);
    assert_int_equal(blk_range(&t, T_ZEROES, 0, 8, 1), S_OK);
    assert_true(t.disk->last.flags & BLOCK_MAY_UNMAP);
    blk_fini(&t);
}

TEST(bad_ranges_are_refused_before_any_is_done)
{
    struct blk_bench t;
    gpa_t ranges;

    blk_init(&t, 1, false);
    blk_start(&t, 0);
    assert_int_equal(blk_range(&t, T_DISCARD, 0, 8, 1), S_UNSUPP);
    assert_int_equal(blk_range(&t, T_DISCARD, 0, 8, 2), S_UNSUPP);
    assert_int_equal(blk_range(&t, T_ZEROES, 0, 8, 0x80000000), S_UNSUPP);
    assert_int_equal(blk_range(&t, T_DISCARD, MEMDISK_SECTORS, 1, 0), S_IOERR);
    assert_int_equal(blk_range(&t, T_DISCARD, UINT64_MAX, 1, 0), S_IOERR);
    assert_int_equal(blk_range(&t, T_ZEROES, 0, UINT32_MAX, 0), S_IOERR);
    ranges = bench_alloc(&t.b, 65 * 16);
    st_le32((uint8_t *)at(&t.b, ranges) + 8, 1);
    st_le64((uint8_t *)at(&t.b, ranges) + 16, MEMDISK_SECTORS); /* the second is wrong */
    st_le32((uint8_t *)at(&t.b, ranges) + 16 + 8, 1);
    assert_int_equal(blk_do(&t, T_DISCARD, 0, ranges, 32, false, NULL), S_IOERR);
    assert_int_equal(blk_do(&t, T_DISCARD, 0, ranges, 20, false, NULL), S_IOERR);
    assert_int_equal(blk_do(&t, T_DISCARD, 0, ranges, 65 * 16, false, NULL), S_IOERR);
    assert_int_equal(blk_do(&t, T_DISCARD, 0, 0, 0, false, NULL), S_IOERR);
    assert_int_equal(t.disk->count[BLOCK_DISCARD] + t.disk->count[BLOCK_WRITE_ZEROES], 0);
    blk_fini(&t);
}

TEST(write_through_without_flush_or_when_asked_for)
{
    struct blk_bench t;
    gpa_t data;

    blk_init(&t, 1, false);
    data = bench_alloc(&t.b, 512);
    driver_begin(&t.b, 0); /* no FLUSH: writes are stable (5.2.6.2) */
    queue_make(&t.b, &t.q, 0, 64);
    driver_ok(&t.b);
    assert_int_equal(blk_do(&t, T_OUT, 0, data, 512, false, NULL), S_OK);
    assert_int_equal(t.disk->fua, 1);

    blk_start(&t, VIRTIO_FEATURE(F_CONFIG_WCE));
    assert_int_equal(config(&t.b, 32, 1), 1);
    assert_int_equal(blk_do(&t, T_OUT, 0, data, 512, false, NULL), S_OK);
    assert_int_equal(t.disk->fua, 1);
    assert_int_equal(mem_store(t.b.space, BENCH_SLOT_BASE + R_CONFIG + 32, 1, 0), MEM_OK);
    assert_int_equal(config(&t.b, 32, 1), 0);
    assert_int_equal(blk_do(&t, T_OUT, 0, data, 512, false, NULL), S_OK);
    assert_int_equal(t.disk->fua, 2);

    driver_begin(&t.b, VIRTIO_FEATURE(F_CONFIG_WCE)); /* 5.2.5.2: starts as 0 */
    driver_ok(&t.b);
    assert_int_equal(config(&t.b, 32, 1), 0);
    blk_fini(&t);
}

TEST(requests_that_cannot_be_answered_need_reset)
{
    for (unsigned shape = 0; shape < 4; shape++) {
        struct blk_bench t;
        struct elem e[3];
        gpa_t buf;

        blk_init(&t, 1, false);
        blk_start(&t, 0);
        buf = bench_alloc(&t.b, 4096);
        e[0] = (struct elem){ buf, 16, false };
        e[1] = (struct elem){ buf + 1024, 512, true };
        e[2] = (struct elem){ buf + 1024 + 511, 1, true }; /* the status lies in the data */
        switch (shape) {
        case 0:
            queue_add(&t.q, e, 3, false);
            break;
        case 1: /* no status */
            queue_add(&t.q, e, 1, false);
            break;
        case 2: /* half a header */
            e[0].len = 8;
            queue_add(&t.q, e, 2, false);
            break;
        default: /* no header */
            queue_add(&t.q, e + 1, 1, false);
            break;
        }
        queue_kick(&t.q);
        assert_true(needs_reset(&t.b));
        assert_int_equal(wait_irq(&t.b), 2);
        assert_int_equal(queue_used_idx(&t.q), 0);
        assert_int_equal(t.disk->count[BLOCK_READ], 0);
        blk_fini(&t);
    }
}

TEST(completion_order_is_free_and_reset_waits)
{
    struct blk_bench t;
    gpa_t data[3];
    struct pending r[3];
    uint32_t used;

    blk_init(&t, 1, false);
    blk_start(&t, 0);
    t.disk->hold = true;
    for (unsigned i = 0; i < 3; i++) {
        data[i] = bench_alloc(&t.b, 512);
        r[i] = blk_add(&t, &t.q, T_IN, i, data[i], 512, true);
        t.disk->bytes[i * 512] = (uint8_t)(i + 1);
    }
    queue_kick(&t.q);
    assert_int_equal(t.disk->held_count, 3);
    assert_int_equal(queue_used_idx(&t.q), 0);
    for (unsigned i = 3; i-- > 0;) {
        memdisk_run(t.disk, t.disk->held[i]);
        assert_int_equal(queue_wait(&t.q, &used), i * 3);
        assert_int_equal(*(uint8_t *)at(&t.b, data[i]), i + 1);
        assert_int_equal(*(uint8_t *)at(&t.b, r[i].status), S_OK);
    }
    blk_fini(&t);
}

/* ---- several queues, several vCPUs, a real file on real workers ---- */

enum { THREADS = 4, ROUNDS = 400 };

struct vcpu {
    struct bench *b;
    struct dq q;
    gpa_t header, data, status;
    unsigned number;
    bool bad;
};

/* Writes and reads back its own sectors, polling the used ring as a busy guest might. */
static void *vcpu_run(void *opaque)
{
    struct vcpu *c = opaque;
    struct elem e[3] = { { c->header, 16, false },
                         { c->data, 1024, false },
                         { c->status, 1, true } };

    mem_thread_register();
    for (unsigned i = 0; i < ROUNDS && !c->bad; i++) {
        uint64_t since = clock_now_ns(&clock_host);
        bool in = i % 2 == 1;
        uint32_t id, len;

        st_le32(at(c->b, c->header), in ? T_IN : T_OUT);
        st_le64((uint8_t *)at(c->b, c->header) + 8, c->number * 64 + i / 2 % 32 * 2);
        memset(at(c->b, c->data), in ? 0 : (int)(c->number * 50 + i), 1024);
        e[1].writable = in;
        queue_add(&c->q, e, 3, false);
        queue_kick(&c->q);
        while (!queue_take(&c->q, &id, &len)) {
            if (clock_now_ns(&clock_host) - since > BENCH_LIMIT_NS)
                c->bad = true;
            if (c->bad)
                break;
            sched_yield();
        }
        c->bad = c->bad || *(uint8_t *)at(c->b, c->status) != S_OK;
        for (unsigned j = 0; in && j < 1024 && !c->bad; j++)
            c->bad = ((uint8_t *)at(c->b, c->data))[j] != (uint8_t)(c->number * 50 + i - 1);
        set_reg(c->b, R_INT_ACK, reg(c->b, R_INT_STATUS));
    }
    mem_thread_unregister();
    return NULL;
}

TEST(four_queues_from_four_threads)
{
    char path[] = "/tmp/vireo-blk-XXXXXX";
    struct block_options options = { .path = path };
    struct block *block;
    struct bench b;
    struct virtio_blk blk;
    struct vcpu vcpus[THREADS];
    pthread_t threads[THREADS];
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, MEMDISK_SECTORS * 512), 0);
    close(fd);
    bench_init(&b, 3);
    assert_int_equal(block_open(&block, b.pool, &options, NULL), 0);
    virtio_blk_init(&blk, "disk0", b.space,
                    &(struct virtio_blk_params){ .block = block, .queues = THREADS });
    bench_plug(&b, &blk.virtio);
    driver_begin(&b, VIRTIO_FEATURE(F_FLUSH) | VIRTIO_FEATURE(F_MQ) |
                         VIRTIO_FEATURE(VIRTIO_F_EVENT_IDX));
    for (unsigned i = 0; i < THREADS; i++) {
        vcpus[i] = (struct vcpu){ .b = &b, .number = i };
        queue_make(&b, &vcpus[i].q, i, 16);
        vcpus[i].header = bench_alloc(&b, 16);
        vcpus[i].data = bench_alloc(&b, 1024);
        vcpus[i].status = bench_alloc(&b, 1);
    }
    driver_ok(&b);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, vcpu_run, &vcpus[i]);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(vcpus[i].bad);
    }
    bench_unplug(&b);
    virtio_blk_fini(&blk);
    block_close(block);
    bench_fini(&b);
    unlink(path);
}

TEST(resets_while_requests_fly)
{
    char path[] = "/tmp/vireo-blk-XXXXXX";
    struct block_options options = { .path = path };
    struct block *block;
    struct blk_bench t;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, MEMDISK_SECTORS * 512), 0);
    close(fd);
    bench_init(&t.b, 3);
    assert_int_equal(block_open(&block, t.b.pool, &options, NULL), 0);
    virtio_blk_init(&t.blk, "disk0", t.b.space, &(struct virtio_blk_params){ .block = block });
    bench_plug(&t.b, &t.blk.virtio);
    for (unsigned round = 0; round < 50; round++) {
        gpa_t data;
        uint64_t mark = t.b.alloc;

        blk_start(&t, 0);
        data = bench_alloc(&t.b, 16 * 4096);
        for (unsigned i = 0; i < 16; i++)
            blk_add(&t, &t.q, i % 2 == 0 ? T_IN : T_OUT, i * 8, data + i * 4096, 4096, i % 2 == 0);
        queue_kick(&t.q);
        set_reg(&t.b, R_STATUS, 0);
        /* From here on nothing of the device's may land in this memory. */
        memset(at(&t.b, data), 0xc3, 16 * 4096);
        for (unsigned turn = 0; turn < 20; turn++)
            sched_yield();
        for (unsigned i = 0; i < 16 * 4096; i++)
            assert_int_equal(((uint8_t *)at(&t.b, data))[i], 0xc3);
        t.b.alloc = mark;
    }
    bench_unplug(&t.b);
    virtio_blk_fini(&t.blk);
    block_close(block);
    bench_fini(&t.b);
    unlink(path);
}

/* The entropy device. */
#include "tests/unit.h"

#include "devices/virtio/rng.h"
#include "devices/virtio/tests/driver.h"

struct rng_bench {
    struct bench b;
    struct virtio_rng rng;
    struct dq q;
};

static void rng_init(struct rng_bench *t)
{
    bench_init(&t->b, 2);
    virtio_rng_init(&t->rng, "rng0", t->b.space, t->b.pool);
    bench_plug(&t->b, &t->rng.virtio);
    driver_begin(&t->b, VIRTIO_FEATURE(VIRTIO_F_INDIRECT_DESC));
    queue_make(&t->b, &t->q, 0, 16);
    driver_ok(&t->b);
}

static void rng_fini(struct rng_bench *t)
{
    bench_unplug(&t->b);
    virtio_rng_fini(&t->rng);
    bench_fini(&t->b);
}

TEST(buffers_are_filled_with_bytes_that_differ)
{
    struct rng_bench t;
    struct elem e;
    uint8_t seen[256] = { 0 };
    unsigned different = 0;
    uint32_t len;

    rng_init(&t);
    assert_int_equal(reg(&t.b, R_DEVICE_ID), 4);
    e = (struct elem){ bench_alloc(&t.b, 4096), 4096, true };
    queue_add(&t.q, &e, 1, false);
    queue_kick(&t.q);
    queue_wait(&t.q, &len);
    assert_int_equal(len, 4096);
    for (unsigned i = 0; i < 4096; i++)
        different += seen[((uint8_t *)at(&t.b, e.addr))[i]]++ == 0;
    assert_true(different > 200); /* 4096 draws miss more than 55 of 256 never in our lifetimes */
    assert_int_equal(wait_irq(&t.b), 1);
    rng_fini(&t);
}

TEST(a_huge_request_is_answered_in_part)
{
    struct rng_bench t;
    struct elem e;
    uint32_t len;

    rng_init(&t);
    e = (struct elem){ BENCH_RAM_BASE + MIB(4), (uint32_t)MIB(3), true };
    queue_add(&t.q, &e, 1, false);
    queue_kick(&t.q);
    queue_wait(&t.q, &len);
    assert_int_equal(len, 65536);
    assert_int_equal(*(uint64_t *)at(&t.b, e.addr + 65536), 0);
    rng_fini(&t);
}

TEST(a_readable_buffer_needs_reset)
{
    struct rng_bench t;
    struct elem e;

    rng_init(&t);
    e = (struct elem){ bench_alloc(&t.b, 64), 64, false };
    queue_add(&t.q, &e, 1, false);
    queue_kick(&t.q);
    assert_true(needs_reset(&t.b));
    rng_fini(&t);
}

TEST(many_requests_and_a_reset_among_them)
{
    struct rng_bench t;

    rng_init(&t);
    for (unsigned round = 0; round < 100; round++) {
        struct elem e = { BENCH_RAM_BASE + MIB(1), 1024, true };
        uint64_t mark = t.b.alloc;

        for (unsigned i = 0; i < 16; i++)
            queue_add(&t.q, &e, 1, false);
        queue_kick(&t.q);
        driver_begin(&t.b, 0);
        memset(at(&t.b, e.addr), 0, 1024);
        queue_make(&t.b, &t.q, 0, 16);
        driver_ok(&t.b);
        assert_int_equal(*(uint64_t *)at(&t.b, e.addr), 0);
        t.b.alloc = mark;
    }
    rng_fini(&t);
}

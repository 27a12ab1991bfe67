/* The register file of virtio-mmio and the status machine behind it. */
#include "tests/unit.h"

#include "dev/state.h"
#include "devices/virtio/tests/probe.h"

TEST(an_empty_slot_reads_device_id_0)
{
    struct bench b;

    bench_init(&b, 1);
    bench_plug(&b, NULL);
    assert_int_equal(reg(&b, R_MAGIC), 0x74726976);
    assert_int_equal(reg(&b, R_VERSION), 2);
    assert_int_equal(reg(&b, R_DEVICE_ID), 0);
    set_reg(&b, R_STATUS, 1);
    assert_int_equal(reg(&b, R_STATUS), 0);
    set_reg(&b, R_NOTIFY, 0);
    assert_int_equal(config(&b, 0, 4), 0);
    bench_fini(&b);
}

TEST(identity_and_registers_without_meaning)
{
    struct bench b;
    struct probe p;
    struct dq q;
    uint64_t val;

    probe_start(&b, &p, &q, 0);
    assert_int_equal(reg(&b, R_MAGIC), 0x74726976);
    assert_int_equal(reg(&b, R_VERSION), 2);
    assert_int_equal(reg(&b, R_DEVICE_ID), 42);
    for (uint32_t off = R_SHM_LEN; off <= R_SHM_BASE + 4; off += 4)
        assert_int_equal(reg(&b, off), UINT32_MAX);
    assert_int_equal(reg(&b, 0x0f0), 0);
    set_reg(&b, R_MAGIC, 7);
    assert_int_equal(reg(&b, R_MAGIC), 0x74726976);
    /* Control registers are 32 bits wide: a byte of one reads 0 and its write is lost. */
    assert_int_equal(mem_load(b.space, BENCH_SLOT_BASE + R_MAGIC, 1, &val), MEM_OK);
    assert_int_equal(val, 0);
    assert_int_equal(mem_store(b.space, BENCH_SLOT_BASE + R_STATUS, 1, 0), MEM_OK);
    assert_int_equal(reg(&b, R_STATUS), 15);
    probe_end(&b, &p);
}

TEST(feature_words_beyond_the_second_are_0)
{
    struct bench b;
    struct probe p;

    bench_init(&b, 1);
    probe_init(&p, &b);
    bench_plug(&b, &p.virtio);
    assert_int_equal(offered(&b), PROBE_ALL | VIRTIO_FEATURE(VIRTIO_F_VERSION_1));
    set_reg(&b, R_FEATURES_SEL, 2);
    assert_int_equal(reg(&b, R_FEATURES), 0);
    set_reg(&b, R_FEATURES_SEL, UINT32_MAX);
    assert_int_equal(reg(&b, R_FEATURES), 0);
    set_reg(&b, R_DRV_FEATURES_SEL, 77);
    set_reg(&b, R_DRV_FEATURES, UINT32_MAX);
    assert_int_equal(p.virtio.driver_features, 0);
    probe_end(&b, &p);
}

TEST(features_not_offered_are_refused)
{
    struct bench b;
    struct probe p;

    bench_init(&b, 1);
    probe_init(&p, &b);
    bench_plug(&b, &p.virtio);
    set_reg(&b, R_STATUS, 3);
    set_reg(&b, R_DRV_FEATURES_SEL, 0);
    set_reg(&b, R_DRV_FEATURES, 1u << 5);
    set_reg(&b, R_STATUS, 11);
    assert_int_equal(reg(&b, R_STATUS), 3);
    /* Mended, they are taken; and later changes are not. */
    set_reg(&b, R_DRV_FEATURES, 1u << PROBE_FEATURE);
    set_reg(&b, R_STATUS, 11);
    assert_int_equal(reg(&b, R_STATUS), 11);
    set_reg(&b, R_DRV_FEATURES, 0);
    assert_true(virtio_has_feature(&p.virtio, PROBE_FEATURE));
    assert_int_equal(p.virtio.driver_features, VIRTIO_FEATURE(PROBE_FEATURE));
    probe_end(&b, &p);
}

TEST(status_bits_are_set_and_never_cleared_but_by_reset)
{
    struct bench b;
    struct probe p;
    struct dq q;

    probe_start(&b, &p, &q, 0);
    set_reg(&b, R_STATUS, 1);
    assert_int_equal(reg(&b, R_STATUS), 15);
    set_reg(&b, R_STATUS, VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_FAILED);
    assert_int_equal(reg(&b, R_STATUS), 15 | VIRTIO_STATUS_FAILED);
    set_reg(&b, R_STATUS, 0);
    assert_int_equal(reg(&b, R_STATUS), 0);
    probe_end(&b, &p);
}

TEST(reset_forgets_queues_features_and_interrupts)
{
    struct bench b;
    struct probe p;
    struct dq q;

    probe_start(&b, &p, &q, PROBE_ALL);
    virtio_needs_reset(&p.virtio, "test");
    assert_true(atomic_load(&b.irq_level));
    set_reg(&b, R_STATUS, 0);
    assert_int_equal(reg(&b, R_INT_STATUS), 0);
    assert_false(atomic_load(&b.irq_level));
    set_reg(&b, R_QUEUE_SEL, 0);
    assert_int_equal(reg(&b, R_QUEUE_READY), 0);
    assert_false(virtio_has_feature(&p.virtio, PROBE_FEATURE));
    probe_end(&b, &p);
}

TEST(queues_that_do_not_exist_have_size_0)
{
    struct bench b;
    struct probe p;
    struct dq q;

    probe_start(&b, &p, &q, 0);
    for (uint32_t sel = 0; sel < 70000; sel = sel * 3 + 1) {
        set_reg(&b, R_QUEUE_SEL, sel);
        assert_int_equal(reg(&b, R_QUEUE_MAX), sel < PROBE_QUEUES ? PROBE_QUEUE_MAX : 0);
    }
    set_reg(&b, R_QUEUE_SEL, PROBE_QUEUES);
    set_reg(&b, R_QUEUE_NUM, 8);
    set_addr(&b, R_DESC, BENCH_RAM_BASE);
    set_reg(&b, R_QUEUE_READY, 1);
    assert_int_equal(reg(&b, R_QUEUE_READY), 0);
    set_reg(&b, R_NOTIFY, PROBE_QUEUES);
    set_reg(&b, R_NOTIFY, UINT32_MAX);
    assert_false(needs_reset(&b));
    probe_end(&b, &p);
}

TEST(a_live_queue_cannot_be_moved)
{
    struct bench b;
    struct probe p;
    struct dq q;

    probe_start(&b, &p, &q, 0);
    set_reg(&b, R_QUEUE_SEL, 0);
    set_reg(&b, R_QUEUE_NUM, 3);
    set_addr(&b, R_DESC, 0);
    assert_int_equal(p.virtio.queue_size[0], 8);
    assert_int_equal(p.virtio.queue_desc[0], q.desc);
    /* Stopped, it can; and started again it begins anew. */
    set_reg(&b, R_QUEUE_READY, 0);
    assert_int_equal(reg(&b, R_QUEUE_READY), 0);
    queue_make(&b, &q, 0, 16);
    assert_int_equal(reg(&b, R_QUEUE_READY), 1);
    probe_end(&b, &p);
}

TEST(bad_queue_layouts_need_reset)
{
    static const struct {
        uint16_t size;
        uint64_t desc, avail, used;
    } bad[] = {
        { 0, 0x1000, 0x2000, 0x3000 },
        { 3, 0x1000, 0x2000, 0x3000 },
        { 128, 0x1000, 0x2000, 0x3000 }, /* more than QueueNumMax */
        { 32768, 0x1000, 0x2000, 0x3000 },
        { 8, 0x1008, 0x2000, 0x3000 }, /* misaligned */
        { 8, 0x1000, 0x2001, 0x3000 },
        { 8, 0x1000, 0x2000, 0x3002 },
        { 8, BENCH_RAM_SIZE - 64, 0x2000, 0x3000 }, /* past the end of RAM */
        { 8, 0x1000, BENCH_RAM_SIZE - 4, 0x3000 },
        { 8, 0x1000, 0x2000, BENCH_RAM_SIZE - 4 },
        { 8, 0x1000, 0x2000, 0x1000 }, /* used ring upon the others */
        { 8, 0x1000, 0x2000, 0x2000 },
        { 8, UINT64_MAX - 0x8000000f, 0x2000, 0x3000 },
        { 8, (uint64_t)0 - BENCH_RAM_BASE, 0x2000, 0x3000 },
        { 8, 0x1000, 0x2000, BENCH_ROM_BASE - BENCH_RAM_BASE }, /* not writable */
        { 8, 0x1000, 0x2000, BENCH_SLOT_BASE - BENCH_RAM_BASE },
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct bench b;
        struct probe p;
        struct dq q = { 0 };

        bench_init(&b, 1);
        probe_init(&p, &b);
        bench_plug(&b, &p.virtio);
        driver_begin(&b, 0);
        driver_ok(&b);
        q = (struct dq){ .b = &b,
                         .index = 1,
                         .size = bad[i].size,
                         .desc = BENCH_RAM_BASE + bad[i].desc,
                         .avail = BENCH_RAM_BASE + bad[i].avail,
                         .used = BENCH_RAM_BASE + bad[i].used };
        queue_enable(&q);
        assert_true(needs_reset(&b));
        assert_int_equal(wait_irq(&b), 2);
        assert_int_equal(reg(&b, R_QUEUE_READY), 0);
        probe_end(&b, &p);
    }
}

TEST(needs_reset_before_driver_ok_sends_no_interrupt)
{
    struct bench b;
    struct probe p;

    bench_init(&b, 1);
    probe_init(&p, &b);
    bench_plug(&b, &p.virtio);
    driver_begin(&b, 0);
    virtio_needs_reset(&p.virtio, "test");
    assert_true(needs_reset(&b));
    assert_false(atomic_load(&b.irq_level));
    probe_end(&b, &p);
}

TEST(config_space_has_bytes_words_and_an_end)
{
    struct bench b;
    struct probe p;
    struct dq q;
    uint64_t val;
    uint32_t generation;

    probe_start(&b, &p, &q, 0);
    assert_int_equal(config(&b, 0, 1), 0x10);
    assert_int_equal(config(&b, 2, 2), 0x1312);
    assert_int_equal(config(&b, 4, 4), 0x17161514);
    assert_int_equal(config(&b, 8, 4), 0);
    assert_int_equal(mem_load(b.space, BENCH_SLOT_BASE + R_CONFIG, 8, &val), MEM_OK);
    assert_int_equal(val, 0x1716151413121110);
    assert_int_equal(mem_store(b.space, BENCH_SLOT_BASE + R_CONFIG + 6, 2, 0xabcd), MEM_OK);
    assert_int_equal(p.config_written, 6u << 24 | 2u << 16 | 0xabcd);
    p.config_written = 0;
    assert_int_equal(mem_store(b.space, BENCH_SLOT_BASE + R_CONFIG + 8, 1, 1), MEM_OK);
    assert_int_equal(p.config_written, 0);

    generation = reg(&b, R_GENERATION);
    pthread_mutex_lock(&p.virtio.dev.lock);
    virtio_config_changed(&p.virtio);
    pthread_mutex_unlock(&p.virtio.dev.lock);
    assert_int_not_equal(reg(&b, R_GENERATION), generation);
    assert_int_equal(wait_irq(&b), 2);
    assert_false(atomic_load(&b.irq_level));
    probe_end(&b, &p);
}

TEST(the_line_stays_up_until_every_bit_is_acknowledged)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct elem e;

    probe_start(&b, &p, &q, 0);
    e = (struct elem){ bench_alloc(&b, 64), 64, true };
    queue_add(&q, &e, 1, false);
    queue_kick(&q);
    virtio_needs_reset(&p.virtio, "test");
    assert_int_equal(reg(&b, R_INT_STATUS), 3);
    set_reg(&b, R_INT_ACK, 1);
    assert_int_equal(reg(&b, R_INT_STATUS), 2);
    assert_true(atomic_load(&b.irq_level));
    set_reg(&b, R_INT_ACK, 0xfffffffe);
    assert_int_equal(reg(&b, R_INT_STATUS), 0);
    assert_false(atomic_load(&b.irq_level));
    probe_end(&b, &p);
}

TEST(a_saved_device_goes_on_where_it_was)
{
    struct bench b, c;
    struct probe p, r;
    struct dq q, at_c;
    struct elem e;
    struct strbuf saved;
    uint32_t len;

    probe_start(&b, &p, &q, PROBE_ALL);
    e = (struct elem){ bench_alloc(&b, 64), 64, true };
    for (int i = 0; i < 11; i++) {
        queue_add(&q, &e, 1, false);
        queue_kick(&q);
        queue_wait(&q, &len);
    }
    strbuf_init(&saved);
    assert_int_equal(state_save(&p.virtio.dev, &saved, NULL), 0);

    bench_init(&c, 1);
    probe_init(&r, &c);
    bench_plug(&c, &r.virtio);
    memcpy(c.ram->hva, b.ram->hva, BENCH_RAM_SIZE);
    assert_int_equal(state_load(&r.virtio.dev, strbuf_str(&saved), strbuf_len(&saved), NULL), 0);
    at_c = q;
    at_c.b = &c;
    assert_int_equal(reg(&c, R_STATUS), 15);
    queue_add(&at_c, &e, 1, false);
    queue_kick(&at_c);
    queue_wait(&at_c, &len);
    assert_int_equal(len, 64);
    assert_int_equal(queue_used_idx(&at_c), 12);
    strbuf_fini(&saved);
    probe_end(&c, &r);
    probe_end(&b, &p);
}

TEST(a_saved_state_whose_queue_is_nowhere_is_refused)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct strbuf saved;
    struct error err;

    probe_start(&b, &p, &q, 0);
    p.virtio.queue_desc[0] = 0x123450;
    strbuf_init(&saved);
    assert_int_equal(state_save(&p.virtio.dev, &saved, NULL), 0);
    assert_int_not_equal(state_load(&p.virtio.dev, strbuf_str(&saved), strbuf_len(&saved), &err),
                         0);
    assert_non_null(strstr(err.text, "queue 0"));
    assert_int_equal(reg(&b, R_STATUS), 0);
    strbuf_fini(&saved);
    probe_end(&b, &p);
}

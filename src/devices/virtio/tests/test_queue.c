/* The split virtqueue: chains that are right, and every way to get one wrong. */
#include "tests/unit.h"

#include "devices/virtio/tests/probe.h"

TEST(a_direct_chain_comes_and_goes)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct elem e[3];
    uint32_t len;
    uint16_t head;

    probe_start(&b, &p, &q, 0);
    e[0] = (struct elem){ bench_alloc(&b, 64), 16, false };
    e[1] = (struct elem){ bench_alloc(&b, 64), 20, true };
    e[2] = (struct elem){ bench_alloc(&b, 64), 30, true };
    head = queue_add(&q, e, 3, false);
    queue_kick(&q);
    assert_int_equal(queue_wait(&q, &len), head);
    assert_int_equal(len, 50);
    assert_int_equal(p.out_len, 16);
    assert_int_equal(p.in_len, 50);
    assert_int_equal(p.out_count, 1);
    assert_int_equal(p.in_count, 2);
    assert_int_equal(wait_irq(&b), 1);
    probe_end(&b, &p);
}

TEST(an_indirect_chain_may_follow_direct_descriptors)
{
    struct bench b;
    struct probe p;
    struct dq q;
    gpa_t buf, table;
    uint32_t len;

    probe_start(&b, &p, &q, PROBE_INDIRECT);
    buf = bench_alloc(&b, 256);
    table = bench_alloc(&b, 64) + 1; /* anywhere, 2.7.5.3 */
    desc_set(&b, q.desc, 5, buf, 10, D_NEXT, 2);
    desc_set(&b, q.desc, 2, table, 32, D_INDIRECT | D_WRITE, 7); /* WRITE is ignored here */
    desc_set(&b, table, 0, buf + 10, 5, D_NEXT, 1);
    desc_set(&b, table, 1, buf + 64, 100, D_WRITE, 0);
    queue_expose(&q, 5);
    queue_kick(&q);
    assert_int_equal(queue_wait(&q, &len), 5);
    assert_int_equal(p.out_len, 15);
    assert_int_equal(p.in_len, 100);
    probe_end(&b, &p);
}

TEST(an_indirect_chain_may_be_longer_than_the_queue)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct elem e[64];
    uint32_t len;

    probe_start(&b, &p, &q, PROBE_INDIRECT);
    for (unsigned i = 0; i < ARRAY_LEN(e); i++)
        e[i] = (struct elem){ bench_alloc(&b, 64), 64, true };
    queue_add(&q, e, ARRAY_LEN(e), true);
    queue_kick(&q);
    queue_wait(&q, &len);
    assert_int_equal(len, 64 * 64);
    probe_end(&b, &p);
}

TEST(rom_may_be_read_and_two_writable_buffers_may_overlap)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct elem e[3];
    uint32_t len;

    probe_start(&b, &p, &q, 0);
    e[0] = (struct elem){ BENCH_ROM_BASE, 16, false };
    e[1] = (struct elem){ bench_alloc(&b, 64), 64, true };
    e[2] = (struct elem){ e[1].addr + 8, 16, true };
    queue_add(&q, e, 3, false);
    queue_kick(&q);
    queue_wait(&q, &len);
    assert_int_equal(len, 80);
    assert_false(needs_reset(&b));
    probe_end(&b, &p);
}

TEST(a_buffer_may_cross_from_one_ram_region_to_the_next)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct mem_region second;
    struct ram_block *ram;
    struct elem e;
    uint32_t len;

    probe_start(&b, &p, &q, 0);
    assert_int_equal(ram_block_new(&ram, "second", PAGE_SIZE_BYTES, NULL), 0);
    mem_region_init_ram(&second, "second", ram, 0, PAGE_SIZE_BYTES);
    mem_region_add(&b.root, BENCH_RAM_BASE + BENCH_RAM_SIZE, &second, 0);
    e = (struct elem){ BENCH_RAM_BASE + BENCH_RAM_SIZE - 100, 300, true };
    queue_add(&q, &e, 1, false);
    queue_kick(&q);
    queue_wait(&q, &len);
    assert_int_equal(len, 300);
    assert_int_equal(p.in_count, 2);
    mem_region_del(&second);
    mem_barrier();
    mem_region_fini(&second);
    ram_block_unref(ram);
    probe_end(&b, &p);
}

/* ---- shapes that break the queue ---- */

struct shape {
    struct bench *b;
    struct dq *q;
    gpa_t buf, table; /* 4 KiB each */
};

static void head_outside(struct shape *s)
{
    desc_set(s->b, s->q->desc, s->q->size, s->buf, 16, D_WRITE, 0);
    queue_expose(s->q, s->q->size);
}

static void head_far_outside(struct shape *s)
{
    queue_expose(s->q, UINT16_MAX);
}

static void next_outside(struct shape *s)
{
    desc_set(s->b, s->q->desc, s->q->size, s->buf, 16, 0, 0);
    desc_set(s->b, s->q->desc, 0, s->buf, 16, D_NEXT, s->q->size);
    queue_expose(s->q, 0);
}

static void loop_to_self(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, s->buf, 16, D_NEXT, 0);
    queue_expose(s->q, 0);
}

static void loop_of_two(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, s->buf, 16, D_NEXT, 1);
    desc_set(s->b, s->q->desc, 1, s->buf, 16, D_NEXT, 0);
    queue_expose(s->q, 0);
}

static void zero_length(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, s->buf, 0, D_WRITE, 0);
    queue_expose(s->q, 0);
}

static void outside_ram(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, 0x1000, 16, D_WRITE, 0);
    queue_expose(s->q, 0);
}

static void past_end_of_ram(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, BENCH_RAM_BASE + BENCH_RAM_SIZE - 8, 16, D_WRITE, 0);
    queue_expose(s->q, 0);
}

static void past_end_of_space(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, UINT64_MAX - 7, 16, D_WRITE, 0);
    queue_expose(s->q, 0);
}

static void huge(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, BENCH_RAM_BASE, UINT32_MAX, 0, 0);
    queue_expose(s->q, 0);
}

static void device_registers(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, BENCH_SLOT_BASE, 4, D_WRITE, 0);
    queue_expose(s->q, 0);
}

static void write_to_rom(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, BENCH_ROM_BASE, 16, D_WRITE, 0);
    queue_expose(s->q, 0);
}

static void readable_after_writable(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, s->buf, 16, D_NEXT | D_WRITE, 1);
    desc_set(s->b, s->q->desc, 1, s->buf + 64, 16, 0, 0);
    queue_expose(s->q, 0);
}

static void writable_upon_readable(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, s->buf, 16, D_NEXT, 1);
    desc_set(s->b, s->q->desc, 1, s->buf + 15, 16, D_WRITE, 0);
    queue_expose(s->q, 0);
}

static void writable_upon_descriptors(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, s->q->desc + 16, 16, D_WRITE, 0);
    queue_expose(s->q, 0);
}

static void writable_upon_avail(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, s->q->avail + 2, 2, D_WRITE, 0);
    queue_expose(s->q, 0);
}

static void writable_upon_used(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, s->q->used - 8, 16, D_WRITE, 0);
    queue_expose(s->q, 0);
}

static void indirect(struct shape *s, uint32_t len, uint16_t flags)
{
    desc_set(s->b, s->q->desc, 0, s->table, len, (uint16_t)(D_INDIRECT | flags), 1);
    queue_expose(s->q, 0);
}

static void indirect_with_next(struct shape *s)
{
    desc_set(s->b, s->table, 0, s->buf, 16, 0, 0);
    desc_set(s->b, s->q->desc, 1, s->buf, 16, 0, 0);
    indirect(s, 16, D_NEXT);
}

static void indirect_empty(struct shape *s)
{
    indirect(s, 0, 0);
}

static void indirect_ragged(struct shape *s)
{
    desc_set(s->b, s->table, 0, s->buf, 16, 0, 0);
    indirect(s, 24, 0);
}

static void indirect_in_indirect(struct shape *s)
{
    desc_set(s->b, s->table, 0, s->table + 64, 16, D_INDIRECT, 0);
    desc_set(s->b, s->table, 4, s->buf, 16, 0, 0);
    indirect(s, 16, 0);
}

static void indirect_next_outside(struct shape *s)
{
    desc_set(s->b, s->table, 0, s->buf, 16, D_NEXT, 2);
    desc_set(s->b, s->table, 2, s->buf, 16, 0, 0);
    indirect(s, 32, 0);
}

static void indirect_loop(struct shape *s)
{
    desc_set(s->b, s->table, 0, s->buf, 16, D_NEXT, 1);
    desc_set(s->b, s->table, 1, s->buf, 16, D_NEXT, 0);
    indirect(s, 32, 0);
}

static void indirect_outside_ram(struct shape *s)
{
    s->table = 0x1000;
    indirect(s, 32, 0);
}

static void indirect_past_end_of_ram(struct shape *s)
{
    s->table = BENCH_RAM_BASE + BENCH_RAM_SIZE - 16;
    desc_set(s->b, s->table, 0, s->buf, 16, D_NEXT, 1);
    indirect(s, 32, 0);
}

static void indirect_past_end_of_space(struct shape *s)
{
    s->table = UINT64_MAX - 15;
    indirect(s, 32, 0);
}

static void indirect_written_upon(struct shape *s)
{
    desc_set(s->b, s->table, 0, s->table + 32, 16, D_WRITE, 0);
    indirect(s, 48, 0);
}

static void indirect_too_many(struct shape *s)
{
    gpa_t table = bench_alloc(s->b, 16 * (VIRTQ_MAX_SEGS + 1));

    for (int i = 0; i <= VIRTQ_MAX_SEGS; i++)
        desc_set(s->b, table, (unsigned)i, s->buf, 1, i < VIRTQ_MAX_SEGS ? D_NEXT : 0,
                 (uint16_t)(i + 1));
    s->table = table;
    indirect(s, 16 * (VIRTQ_MAX_SEGS + 1), 0);
}

static void many_of_both(struct shape *s)
{
    gpa_t table = bench_alloc(s->b, 16 * 400);

    for (uint16_t i = 0; i < 400; i++)
        desc_set(s->b, table, i, s->buf + i, 1,
                 (uint16_t)((i < 399 ? D_NEXT : 0) | (i >= 200 ? D_WRITE : 0)), (uint16_t)(i + 1));
    s->table = table;
    indirect(s, 16 * 400, 0);
}

static void over_4_gib(struct shape *s)
{
    gpa_t table = bench_alloc(s->b, 16 * 600);

    for (uint16_t i = 0; i < 600; i++)
        desc_set(s->b, table, i, BENCH_RAM_BASE, (uint32_t)BENCH_RAM_SIZE, i < 599 ? D_NEXT : 0,
                 (uint16_t)(i + 1));
    s->table = table;
    indirect(s, 16 * 600, 0);
}

static void index_runs_away(struct shape *s)
{
    desc_set(s->b, s->q->desc, 0, s->buf, 16, D_WRITE, 0);
    s->q->avail_idx = (uint16_t)(s->q->avail_idx + s->q->size);
    queue_expose(s->q, 0);
}

static void index_goes_back(struct shape *s)
{
    s->q->avail_idx = (uint16_t)(s->q->avail_idx - 2);
    queue_expose(s->q, 0);
}

static const struct {
    const char *name;
    void (*make)(struct shape *s);
} shapes[] = {
#define SHAPE(name)                                                                                \
    {                                                                                              \
#name, name                                                                                \
    }
    SHAPE(head_outside),
    SHAPE(head_far_outside),
    SHAPE(next_outside),
    SHAPE(loop_to_self),
    SHAPE(loop_of_two),
    SHAPE(zero_length),
    SHAPE(outside_ram),
    SHAPE(past_end_of_ram),
    SHAPE(past_end_of_space),
    SHAPE(huge),
    SHAPE(device_registers),
    SHAPE(write_to_rom),
    SHAPE(readable_after_writable),
    SHAPE(writable_upon_readable),
    SHAPE(writable_upon_descriptors),
    SHAPE(writable_upon_avail),
    SHAPE(writable_upon_used),
    SHAPE(indirect_with_next),
    SHAPE(indirect_empty),
    SHAPE(indirect_ragged),
    SHAPE(indirect_in_indirect),
    SHAPE(indirect_next_outside),
    SHAPE(indirect_loop),
    SHAPE(indirect_outside_ram),
    SHAPE(indirect_past_end_of_ram),
    SHAPE(indirect_past_end_of_space),
    SHAPE(indirect_written_upon),
    SHAPE(indirect_too_many),
    SHAPE(many_of_both),
    SHAPE(over_4_gib),
    SHAPE(index_runs_away),
    SHAPE(index_goes_back),
#undef SHAPE
};

static void make_good(struct shape *s, uint32_t *ret_len)
{
    struct elem e = { s->buf, 16, true };

    queue_add(s->q, &e, 1, false);
    queue_kick(s->q);
    queue_wait(s->q, ret_len);
}

TEST(every_bad_shape_needs_reset_and_has_no_effect)
{
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        struct bench b;
        struct probe p;
        struct dq q;
        struct shape s;
        uint32_t len;
        uint16_t used;

        probe_start(&b, &p, &q, PROBE_INDIRECT);
        s = (struct shape){ &b, &q, bench_alloc(&b, 4096), bench_alloc(&b, 4096) };
        make_good(&s, &len);
        wait_irq(&b);
        used = queue_used_idx(&q);
        shapes[i].make(&s);
        queue_kick(&q);
        if (!needs_reset(&b))
            fail_msg("%s went unnoticed", shapes[i].name);
        assert_int_equal(atomic_load(&p.popped), 1);
        assert_int_equal(queue_used_idx(&q), used);
        assert_int_equal(wait_irq(&b), 2);
        /* Silent from here on, until reset; then as new. */
        queue_kick(&q);
        assert_int_equal(atomic_load(&p.popped), 1);
        assert_int_equal(p.virtio.queues[0].in_use, 0);
        driver_begin(&b, 0);
        queue_make(&b, &q, 0, 8);
        driver_ok(&b);
        s = (struct shape){ &b, &q, bench_alloc(&b, 4096), 0 };
        make_good(&s, &len);
        assert_int_equal(len, 16);
        probe_end(&b, &p);
    }
}

TEST(an_indirect_table_not_negotiated_needs_reset)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct elem e;

    probe_start(&b, &p, &q, 0);
    e = (struct elem){ bench_alloc(&b, 64), 16, true };
    queue_add(&q, &e, 1, true);
    queue_kick(&q);
    assert_true(needs_reset(&b));
    probe_end(&b, &p);
}

TEST(more_chains_in_flight_than_entries_need_reset)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct elem e;

    probe_start(&b, &p, &q, 0);
    p.hold = true;
    e = (struct elem){ bench_alloc(&b, 64), 16, true };
    for (unsigned i = 0; i < q.size; i++)
        queue_add(&q, &e, 1, false);
    queue_kick(&q);
    assert_int_equal(atomic_load(&p.popped), q.size);
    assert_false(needs_reset(&b));
    queue_expose(&q, 0);
    queue_kick(&q);
    assert_int_equal(atomic_load(&p.popped), q.size);
    assert_true(needs_reset(&b));
    while (p.held != NULL) {
        struct virtq_chain *chain = p.held;

        p.held = chain->next;
        virtq_push(chain, 0);
    }
    probe_end(&b, &p);
}

/* ---- notifications ---- */

TEST(the_no_interrupt_flag_is_heeded)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct elem e;
    uint32_t len;

    probe_start(&b, &p, &q, 0);
    e = (struct elem){ bench_alloc(&b, 64), 16, true };
    *ring_u16(&q, q.avail, 0) = 1;
    queue_add(&q, &e, 1, false);
    queue_kick(&q);
    queue_wait(&q, &len);
    assert_int_equal(atomic_load(&b.irq_rises), 0);
    *ring_u16(&q, q.avail, 0) = 0;
    queue_add(&q, &e, 1, false);
    queue_kick(&q);
    assert_int_equal(wait_irq(&b), 1);
    probe_end(&b, &p);
}

TEST(event_idx_interrupts_when_the_named_entry_is_used)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct elem e;
    uint32_t len;

    probe_start(&b, &p, &q, PROBE_ALL);
    e = (struct elem){ bench_alloc(&b, 64), 16, true };
    *ring_u16(&q, q.avail, 0) = 1;         /* must be ignored (2.7.7.2) */
    *ring_u16(&q, q.avail, 4 + 2 * 8) = 4; /* used_event: when entry 4 is written */
    for (int i = 0; i < 4; i++) {
        queue_add(&q, &e, 1, false);
        queue_kick(&q);
        queue_wait(&q, &len);
        assert_int_equal(atomic_load(&b.irq_rises), 0);
    }
    queue_add(&q, &e, 1, false);
    queue_kick(&q);
    assert_int_equal(wait_irq(&b), 1);
    queue_wait(&q, &len);
    /* Past it there is silence again, however far. */
    for (int i = 0; i < 20; i++) {
        queue_add(&q, &e, 1, false);
        queue_kick(&q);
        queue_wait(&q, &len);
    }
    assert_int_equal(atomic_load(&b.irq_rises), 1);
    probe_end(&b, &p);
}

TEST(event_idx_asks_for_the_next_entry_when_the_ring_is_empty)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct elem e;
    uint32_t len;

    probe_start(&b, &p, &q, PROBE_ALL);
    e = (struct elem){ bench_alloc(&b, 64), 16, true };
    for (uint16_t i = 0; i < 30; i++) {
        /* avail_event names the entry about to be written: the driver must notify. */
        assert_int_equal(*ring_u16(&q, q.used, 4 + 8 * 8), i);
        queue_add(&q, &e, 1, false);
        queue_kick(&q);
        queue_wait(&q, &len);
    }
    assert_int_equal(*ring_u16(&q, q.used, 0), 0); /* 2.7.10.2 */
    probe_end(&b, &p);
}

TEST(indices_wrap_at_65536)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct elem e[2];
    uint32_t len;
    unsigned interrupts = 0;

    probe_start(&b, &p, &q, PROBE_ALL);
    e[0] = (struct elem){ bench_alloc(&b, 64), 16, false };
    e[1] = (struct elem){ bench_alloc(&b, 64), 16, true };
    for (unsigned i = 0; i < 70000; i++) {
        uint32_t id;

        *ring_u16(&q, q.avail, 4 + 2 * 8) = q.used_idx;
        queue_add(&q, e, 2, false);
        queue_kick(&q);
        assert_true(queue_take(&q, &id, &len));
        if (atomic_load(&b.irq_level)) {
            interrupts++;
            wait_irq(&b);
        }
    }
    assert_int_equal(interrupts, 70000);
    assert_false(needs_reset(&b));
    probe_end(&b, &p);
}

/* ---- reset ---- */

struct resetter {
    struct bench *b;
    _Atomic bool done;
};

static void *reset_thread(void *opaque)
{
    struct resetter *r = opaque;

    mem_thread_register();
    set_reg(r->b, R_STATUS, 0);
    atomic_store(&r->done, true);
    loop_wake(r->b->loop);
    mem_thread_unregister();
    return NULL;
}

TEST(reset_waits_for_what_is_under_way_and_its_result_is_not_shown)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct elem e;
    struct resetter r = { .b = &b };
    pthread_t thread;

    probe_start(&b, &p, &q, 0);
    p.hold = true;
    e = (struct elem){ bench_alloc(&b, 64), 16, true };
    queue_add(&q, &e, 1, false);
    queue_kick(&q);
    assert_non_null(p.held);
    pthread_create(&thread, NULL, reset_thread, &r);
    /* The resetter has closed the queue... */
    for (;;) {
        bool ready;

        pthread_mutex_lock(&p.virtio.queues[0].lock);
        ready = p.virtio.queues[0].ready;
        pthread_mutex_unlock(&p.virtio.queues[0].lock);
        if (!ready)
            break;
        sched_yield();
    }
    /* ...but is not done before the chain is back. */
    assert_false(atomic_load(&r.done));
    virtq_push(p.held, 16);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&r.done));
    assert_int_equal(queue_used_idx(&q), 0);
    assert_int_equal(atomic_load(&b.irq_rises), 0);
    probe_end(&b, &p);
}

TEST(unpopped_chains_come_again_in_order)
{
    struct bench b;
    struct probe p;
    struct dq q;
    struct elem e[3];
    struct virtq_chain *chains[3];
    struct virtq *vq;

    probe_start(&b, &p, &q, PROBE_ALL);
    vq = &p.virtio.queues[0];
    for (unsigned i = 0; i < 3; i++) {
        e[i] = (struct elem){ bench_alloc(&b, 64), 10 + i, true };
        queue_add(&q, &e[i], 1, false);
    }
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 3; i++) {
            chains[i] = virtq_pop(vq);
            assert_non_null(chains[i]);
            assert_int_equal(chains[i]->in_len, 10 + i);
        }
        assert_null(virtq_pop(vq));
        if (round < 2)
            virtq_unpop_many(chains, 3);
    }
    virtq_push_many(chains, (uint64_t[]){ 1, 2, 3 }, 3);
    assert_int_equal(queue_used_idx(&q), 3);
    probe_end(&b, &p);
}

/* devices/irqchip/tests/test_plic.c - the PLIC through its registers, case by case from PLIC 1.0.0,
 * and against a slow model that follows the text. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dev/state.h"
#include "dev/tests/harness.h"
#include "devices/irqchip/plic.h"

enum { BASE = 0xc000000, SOURCES = 96, CONTEXTS = 4 };

static struct harness h;
static struct plic plic;
static struct test_line out[CONTEXTS];
static struct irq_line outputs[CONTEXTS];

static void setup(void)
{
    harness_init(&h);
    for (int c = 0; c < CONTEXTS; c++)
        outputs[c] = *test_line_init(&out[c]);
    plic_init(&plic, "plic0", SOURCES, CONTEXTS, outputs);
    harness_add(&h, &plic.dev, &plic.mmio, BASE);
}

static void teardown(void)
{
    harness_del(&h, &plic.dev, &plic.mmio);
    plic_fini(&plic);
    harness_fini(&h);
}

static uint32_t rd(uint32_t off)
{
    return (uint32_t)harness_load(&h, BASE + off, 4);
}

static void wr(uint32_t off, uint32_t val)
{
    harness_store(&h, BASE + off, 4, val);
}

static uint32_t priority(unsigned s)
{
    return 4 * s;
}
static uint32_t pending(unsigned w)
{
    return 0x1000 + 4 * w;
}
static uint32_t enable(unsigned c, unsigned w)
{
    return 0x2000 + 0x80 * c + 4 * w;
}
static uint32_t threshold(unsigned c)
{
    return 0x200000 + 0x1000 * c;
}
static uint32_t claim(unsigned c)
{
    return 0x200004 + 0x1000 * c;
}

static void source(unsigned s, bool level)
{
    struct irq_line line = plic_irq(&plic, s);

    irq_set(&line, level);
}

TEST(registers_read_0_at_reset_and_keep_what_exists)
{
    setup();
    for (uint32_t off = 0; off < 0x3000; off += 4)
        assert_int_equal(rd(off), 0);
    wr(priority(0), 7);
    assert_int_equal(rd(priority(0)), 0);
    wr(priority(1), 0xffffffff);
    assert_int_equal(rd(priority(1)), 7);
    wr(priority(95), 5);
    assert_int_equal(rd(priority(95)), 5);
    wr(priority(96), 5);
    assert_int_equal(rd(priority(96)), 0);
    wr(enable(1, 0), 0xffffffff);
    assert_int_equal(rd(enable(1, 0)), 0xfffffffe);
    wr(enable(1, 2), 0xffffffff);
    assert_int_equal(rd(enable(1, 2)), 0xffffffff);
    wr(enable(1, 3), 0xffffffff);
    assert_int_equal(rd(enable(1, 3)), 0);
    wr(enable(1, 31), 0xffffffff);
    assert_int_equal(rd(enable(1, 31)), 0);
    wr(enable(CONTEXTS, 0), 0xffffffff);
    assert_int_equal(rd(enable(CONTEXTS, 0)), 0);
    wr(threshold(3), 0xff);
    assert_int_equal(rd(threshold(3)), 7);
    wr(threshold(CONTEXTS), 3);
    assert_int_equal(rd(threshold(CONTEXTS)), 0);
    assert_int_equal(rd(claim(CONTEXTS)), 0);
    wr(claim(CONTEXTS), 1);
    wr(pending(0), 0xffffffff);
    assert_int_equal(rd(pending(0)), 0);
    assert_int_equal(rd(threshold(0) + 8), 0);
    wr(threshold(0) + 8, 1);
    assert_int_equal(rd(PLIC_SIZE - 4), 0);
    teardown();
}

TEST(only_aligned_words_are_taken)
{
    uint64_t val = 0;

    setup();
    assert_int_equal(mem_load(h.space, BASE + 4, 1, &val), MEM_FAULT);
    assert_int_equal(mem_load(h.space, BASE + 4, 2, &val), MEM_FAULT);
    assert_int_equal(mem_store(h.space, BASE + 4, 1, 0), MEM_FAULT);
    wr(priority(2), 2);
    wr(priority(3), 3);
    assert_int_equal(mem_load(h.space, BASE + 8, 8, &val), MEM_OK); /* two words */
    assert_int_equal(val, (uint64_t)3 << 32 | 2);
    teardown();
}

TEST(a_source_reaches_the_contexts_that_enable_it)
{
    setup();
    wr(priority(10), 1);
    wr(enable(1, 0), 1 << 10);
    source(10, true);
    assert_int_equal(rd(pending(0)), 1 << 10);
    assert_false(out[0].level);
    assert_true(out[1].level);
    wr(enable(3, 0), 1 << 10); /* enabling later is as good */
    assert_true(out[3].level);
    wr(enable(1, 0), 0);
    assert_false(out[1].level);
    teardown();
}

TEST(a_claim_lowers_every_line_and_only_one_context_gets_it)
{
    setup();
    wr(priority(10), 1);
    wr(enable(1, 0), 1 << 10);
    wr(enable(3, 0), 1 << 10);
    source(10, true);
    assert_true(out[1].level && out[3].level);
    assert_int_equal(rd(claim(3)), 10);
    assert_false(out[1].level || out[3].level);
    assert_int_equal(rd(pending(0)), 0);
    assert_int_equal(rd(claim(1)), 0);
    assert_int_equal(rd(claim(3)), 0);
    teardown();
}

TEST(a_level_still_high_is_pending_again_after_completion)
{
    setup();
    wr(priority(10), 1);
    wr(enable(1, 0), 1 << 10);
    source(10, true);
    assert_int_equal(rd(claim(1)), 10);
    source(10, false);
    source(10, true); /* while in service the gateway is closed */
    assert_false(out[1].level);
    assert_int_equal(rd(pending(0)), 0);
    wr(claim(1), 10);
    assert_true(out[1].level);
    assert_int_equal(rd(pending(0)), 1 << 10);
    assert_int_equal(rd(claim(1)), 10);
    source(10, false);
    wr(claim(1), 10);
    assert_false(out[1].level);
    assert_int_equal(rd(claim(1)), 0);
    source(10, true);
    assert_true(out[1].level);
    teardown();
}

TEST(a_request_is_not_taken_back_when_the_level_falls)
{
    setup();
    wr(priority(10), 1);
    wr(enable(1, 0), 1 << 10);
    source(10, true);
    source(10, false);
    assert_true(out[1].level);
    assert_int_equal(rd(claim(1)), 10);
    wr(claim(1), 10);
    assert_int_equal(rd(claim(1)), 0);
    teardown();
}

TEST(completion_counts_only_from_a_context_that_enables_the_source)
{
    setup();
    wr(priority(10), 1);
    wr(enable(1, 0), 1 << 10);
    source(10, true);
    assert_int_equal(rd(claim(1)), 10);
    wr(claim(0), 10); /* not enabled there */
    assert_int_equal(rd(pending(0)), 0);
    wr(claim(1), 0);
    wr(claim(1), 11);
    wr(claim(1), SOURCES);
    wr(claim(1), 0xffffffff);
    assert_int_equal(rd(pending(0)), 0);
    wr(enable(0, 0), 1 << 10);
    wr(claim(0), 10); /* need not be the one that claimed */
    assert_int_equal(rd(pending(0)), 1 << 10);
    teardown();
}

TEST(the_highest_priority_is_claimed_first_then_the_lowest_number)
{
    static const unsigned order[] = { 70, 5, 33, 40, 95, 1 };

    setup();
    for (unsigned w = 0; w < 3; w++)
        wr(enable(1, w), 0xffffffff);
    wr(priority(1), 1);
    wr(priority(95), 2);
    wr(priority(33), 3);
    wr(priority(40), 3);
    wr(priority(5), 6);
    wr(priority(70), 7);
    for (unsigned i = 0; i < 6; i++)
        source(order[5 - i], true);
    for (unsigned i = 0; i < 6; i++) {
        assert_true(out[1].level);
        assert_int_equal(rd(claim(1)), order[i]);
    }
    assert_false(out[1].level);
    teardown();
}

TEST(priority_0_never_interrupts_and_is_never_claimed)
{
    setup();
    wr(enable(1, 0), 1 << 10);
    source(10, true);
    assert_int_equal(rd(pending(0)), 1 << 10);
    assert_false(out[1].level);
    assert_int_equal(rd(claim(1)), 0);
    wr(priority(10), 1);
    assert_true(out[1].level);
    wr(priority(10), 0);
    assert_false(out[1].level);
    teardown();
}

TEST(the_threshold_masks_the_line_but_not_the_claim)
{
    setup();
    wr(priority(10), 3);
    wr(enable(1, 0), 1 << 10);
    source(10, true);
    wr(threshold(1), 2);
    assert_true(out[1].level);
    wr(threshold(1), 3); /* equal is masked */
    assert_false(out[1].level);
    wr(priority(10), 4);
    assert_true(out[1].level);
    wr(threshold(1), 7);
    assert_false(out[1].level);
    assert_int_equal(rd(claim(1)), 10);
    teardown();
}

TEST(lines_are_driven_only_when_they_change)
{
    unsigned calls;

    setup();
    calls = out[1].calls;
    wr(priority(10), 1);
    wr(priority(11), 1);
    wr(enable(1, 0), 3 << 10);
    source(10, true);
    source(10, true);
    source(11, true);
    assert_int_equal(out[1].calls, calls + 1);
    rd(claim(1)); /* 11 is left */
    assert_int_equal(out[1].calls, calls + 1);
    rd(claim(1));
    assert_int_equal(out[1].calls, calls + 2);
    assert_int_equal(out[0].calls, 0);
    teardown();
}

TEST(reset_clears_all_but_what_the_devices_hold_up)
{
    setup();
    wr(priority(10), 1);
    wr(priority(11), 1);
    wr(enable(1, 0), 3 << 10);
    wr(threshold(0), 3);
    source(10, true);
    source(11, true);
    rd(claim(1));
    source(11, false);
    device_reset(&plic.dev);
    assert_false(out[1].level);
    assert_int_equal(rd(pending(0)), 1 << 10);
    assert_int_equal(rd(priority(10)), 0);
    assert_int_equal(rd(enable(1, 0)), 0);
    assert_int_equal(rd(threshold(0)), 0);
    teardown();
}

TEST(state_survives_a_move_to_another_plic)
{
    static struct plic other;
    struct test_line other_out[CONTEXTS];
    struct irq_line other_outputs[CONTEXTS];
    struct strbuf sb;

    setup();
    for (int c = 0; c < CONTEXTS; c++)
        other_outputs[c] = *test_line_init(&other_out[c]);
    plic_init(&other, "plic1", SOURCES, CONTEXTS, other_outputs);
    assert_int_equal(device_realize(&other.dev, NULL), 0);
    wr(priority(10), 1);
    wr(priority(64), 5);
    wr(enable(1, 0), 1 << 10);
    wr(enable(3, 2), 1);
    wr(threshold(3), 4);
    source(10, true);
    source(64, true);
    rd(claim(1));
    strbuf_init(&sb);
    assert_int_equal(state_save(&plic.dev, &sb, NULL), 0);
    assert_int_equal(state_load(&other.dev, strbuf_str(&sb), strbuf_len(&sb), NULL), 0);
    assert_null(state_diff(&plic.dev, &other.dev));
    assert_false(other_out[1].level);
    assert_true(other_out[3].level);
    strbuf_fini(&sb);
    device_unrealize(&other.dev);
    plic_fini(&other);
    teardown();
}

/* The text of the specification, done slowly. */
struct model {
    unsigned priority[SOURCES], threshold[CONTEXTS];
    bool level[SOURCES], pending[SOURCES], claimed[SOURCES], enable[CONTEXTS][SOURCES];
};

static unsigned model_best(const struct model *m, unsigned c, unsigned above)
{
    unsigned best = 0, best_priority = above;

    for (unsigned s = 1; s < SOURCES; s++) {
        if (m->pending[s] && m->enable[c][s] && m->priority[s] > best_priority) {
            best = s;
            best_priority = m->priority[s];
        }
    }
    return best;
}

static void model_forward(struct model *m, unsigned s)
{
    if (m->level[s] && !m->claimed[s])
        m->pending[s] = true;
}

static void random_step(struct model *m, unsigned *seed)
{
    unsigned r = (unsigned)rand_r(seed), c = r % CONTEXTS, s = 1 + r / 16 % (SOURCES - 1), best;

    switch (r / 4096 % 6) {
    case 0:
        m->level[s] = r & 8;
        model_forward(m, s);
        source(s, m->level[s]);
        break;
    case 1:
        m->priority[s] = r / 8 % 8;
        wr(priority(s), m->priority[s]);
        break;
    case 2:
        m->threshold[c] = r / 8 % 8;
        wr(threshold(c), m->threshold[c]);
        break;
    case 3:
        m->enable[c][s] = !m->enable[c][s];
        wr(enable(c, s / 32), rd(enable(c, s / 32)) ^ 1u << s % 32);
        break;
    case 4:
        best = model_best(m, c, 0);
        assert_int_equal(rd(claim(c)), best);
        if (best) {
            m->pending[best] = false;
            m->claimed[best] = true;
        }
        break;
    default:
        for (unsigned i = 0; i < SOURCES && !m->claimed[s]; i++) /* prefer one that is claimed */
            s = 1 + s % (SOURCES - 1);
        wr(claim(c), s);
        if (m->enable[c][s] && m->claimed[s]) {
            m->claimed[s] = false;
            model_forward(m, s);
        }
        break;
    }
}

TEST(random_use_agrees_with_the_slow_model)
{
    struct model m = { 0 };
    unsigned seed = 1;

    setup();
    for (int step = 0; step < 100000; step++) {
        random_step(&m, &seed);
        for (unsigned c = 0; c < CONTEXTS; c++)
            assert_int_equal(out[c].level, model_best(&m, c, m.threshold[c]) != 0);
    }
    teardown();
}

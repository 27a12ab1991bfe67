/* event: the heap of deadlines against a sorted list */
#include "tests/unit.h"

#include "event/timer_heap.h"

enum { NODES = 200 };

static uint64_t random_state;

static uint32_t next_random(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(random_state >> 33);
}

static struct timer_node *model_first(struct timer_node *nodes)
{
    struct timer_node *best = NULL;

    for (int i = 0; i < NODES; i++) {
        struct timer_node *n = &nodes[i];
        if (!n->queued)
            continue;
        if (!best || n->deadline_ns < best->deadline_ns ||
            (n->deadline_ns == best->deadline_ns && n->order < best->order))
            best = n;
    }
    return best;
}

TEST(the_first_is_always_the_earliest_whatever_was_added_and_deleted)
{
    struct timer_heap heap = { 0 };
    struct timer_node nodes[NODES] = { 0 };
    uint64_t order = 0;

    random_state = 42;
    for (int step = 0; step < 20000; step++) {
        struct timer_node *n = &nodes[next_random() % NODES];
        uint32_t what = next_random() % 8;

        if (what == 0 && heap.first) {
            timer_heap_del(&heap, heap.first);
        } else if (n->queued) {
            timer_heap_del(&heap, n);
        } else {
            n->deadline_ns = next_random() % 50; /* many equal ones */
            n->order = ++order;
            timer_heap_add(&heap, n);
        }
        assert_ptr_equal(heap.first, model_first(nodes));
    }
}

TEST(equal_deadlines_come_out_in_the_order_they_went_in)
{
    struct timer_heap heap = { 0 };
    struct timer_node nodes[50] = { 0 };

    for (unsigned i = 0; i < 50; i++) {
        nodes[i].deadline_ns = 7;
        nodes[i].order = i;
        timer_heap_add(&heap, &nodes[i]);
    }
    for (unsigned i = 0; i < 50; i++) {
        assert_ptr_equal(heap.first, &nodes[i]);
        timer_heap_del(&heap, heap.first);
    }
    assert_null(heap.first);
}

/* event/timer_heap.h - deadlines in order: a pairing heap whose nodes live inside the timers.
 *
 * Nothing is allocated, so arming a timer cannot fail. Equal deadlines come out in the order they
 * went in. The caller locks.
 */
#ifndef EVENT_TIMER_HEAP_H
#define EVENT_TIMER_HEAP_H

#include <stdbool.h>
#include <stdint.h>

/* All NULL and not queued when zeroed. */
struct timer_node {
    /* private */
    struct timer_node *child; /* first of those that are not earlier */
    struct timer_node *next;  /* sibling */
    struct timer_node *prev;  /* sibling, or the parent of a first child */
    uint64_t deadline_ns;
    uint64_t order; /* decides among equal deadlines; never the same twice in a heap */
    bool queued;
};

struct timer_heap {
    struct timer_node *first; /* the earliest; NULL when empty */
};

/* The node must not be queued; its deadline_ns and order are set. O(1). */
void timer_heap_add(struct timer_heap *heap, struct timer_node *node);
/* The node must be queued. O(log n) over many calls. */
void timer_heap_del(struct timer_heap *heap, struct timer_node *node);

#endif

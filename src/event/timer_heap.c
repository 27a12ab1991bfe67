/*
 * event/timer_heap.c - a pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986).
 *
 * Invariants: no node is earlier than its parent; first->prev and first->next are NULL; a first
 * child's prev is its parent, any other's prev is the sibling before it.
 */
#include "event/timer_heap.h"

#include <assert.h>
#include <stddef.h>

static bool earlier(const struct timer_node *a, const struct timer_node *b)
{
    if (a->deadline_ns != b->deadline_ns)
        return a->deadline_ns < b->deadline_ns;
    return a->order < b->order;
}

/* Two detached trees become one; either may be NULL. */
static struct timer_node *meld(struct timer_node *a, struct timer_node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (earlier(b, a)) {
        struct timer_node *swap = a;
        a = b;
        b = swap;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    return a;
}

/* The children of a removed node become one tree: pairs from left to right, the results from right
 * to left. `next` links the pairs while they wait, newest first. */
static struct timer_node *meld_siblings(struct timer_node *node)
{
    struct timer_node *pairs = NULL, *tree = NULL;

    while (node) {
        struct timer_node *a = node, *b = node->next;
        struct timer_node *rest = b ? b->next : NULL;

        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
        node = rest;
    }
    while (pairs) {
        struct timer_node *next = pairs->next;

        pairs->next = NULL;
        tree = meld(tree, pairs);
        pairs = next;
    }
    return tree;
}

void timer_heap_add(struct timer_heap *heap, struct timer_node *node)
{
    assert(!node->queued);
    node->child = node->next = node->prev = NULL;
    node->queued = true;
    heap->first = meld(heap->first, node);
}

void timer_heap_del(struct timer_heap *heap, struct timer_node *node)
{
    struct timer_node *children = meld_siblings(node->child);

    assert(node->queued);
    if (node == heap->first) {
        heap->first = children;
    } else {
        if (node->prev->child == node)
            node->prev->child = node->next;
        else
            node->prev->next = node->next;
        if (node->next)
            node->next->prev = node->prev;
        heap->first = meld(heap->first, children);
    }
    node->child = node->next = node->prev = NULL;
    node->queued = false;
}

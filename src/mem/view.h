/* mem/view.h - inside mem/: the flat view, the space it belongs to, and who tells whom.
 *
 * A view is made once, published with a release store, never changed, and freed after the grace
 * period that follows its replacement. Everything else here is guarded by the transaction lock.
 */
#ifndef MEM_VIEW_H
#define MEM_VIEW_H

#include <stdatomic.h>
#include <stdlib.h>

#include "mem/space.h"

struct mem_view {
    struct rcu_head rcu;
    size_t count;
    struct mem_range ranges[]; /* in order of address */
};

/* A block whose writes somebody wants to hear of, and how many do. */
struct mem_logged {
    struct ram_block *block; /* a reference is held */
    unsigned starts;
    struct list_node node;
};

struct mem_space {
    struct mem_view *_Atomic view;
    /* under the transaction lock */
    struct mem_region *root;
    struct list_node listeners; /* by priority, lowest first */
    struct list_node logged;    /* struct mem_logged */
    struct list_node node;      /* among all spaces of the process */
};

/* Never fails: a map cannot be half changed, so without memory for it the process ends. */
void *mem_alloc(size_t size);

struct mem_view *mem_view_render(struct mem_region *root);
bool mem_range_same(const struct mem_range *a, const struct mem_range *b);
const struct mem_range *mem_view_find(const struct mem_view *view, gpa_t gpa);

/* The view of this moment; inside the read side or the transaction. */
static inline struct mem_view *mem_space_view(struct mem_space *space)
{
    return atomic_load_explicit(&space->view, memory_order_acquire);
}

/* A region changed: the outermost commit has work. Inside a transaction. */
void mem_txn_changed(void);

#endif

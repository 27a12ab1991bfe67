/*
 * mem/space.c - spaces, their listeners, and the transaction that keeps both in step.
 *
 * One recursive lock per process guards every tree of regions, every list of listeners, and the
 * list of spaces. The outermost commit renders each space anew; where the result differs from
 * the view in force, listeners get the difference, the new view is published, and the old one is
 * freed after a grace period (call_rcu, because a commit may come from an MMIO handler, that is
 * from inside a read side, and must not wait for itself).
 *
 * This lock, the depth and the list are the process-wide state header region.h speaks of: a
 * tree may be shown in several spaces, so one lock per space would not do.
 *
 * Lock order: device locks, then this one. Listeners run under it and must take no device's.
 */
#include "mem/space.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "mem/view.h"

static pthread_mutex_t txn_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
/* under txn_lock */
static unsigned txn_depth;
static bool txn_dirty, txn_committing;
static struct list_node txn_spaces = { &txn_spaces, &txn_spaces };

static _Thread_local unsigned thread_txn_depth;
_Thread_local unsigned mem_thread_registrations;

#ifdef MEM_TSAN
char mem_tsan_tag;
#endif

/* Calls one member of every listener, in the order of their priorities or against it. */
#define TELL(space, member, ...)                                                                   \
    list_for_each(tell_, &(space)->listeners)                                                      \
    {                                                                                              \
        struct mem_listener *to_ = list_entry(tell_, struct mem_listener, node);                   \
        if (to_->member != NULL)                                                                   \
            to_->member(__VA_ARGS__);                                                              \
    }

static void tell_removed(struct mem_space *space, const struct mem_range *range)
{
    for (struct list_node *n = space->listeners.prev; n != &space->listeners; n = n->prev) {
        struct mem_listener *listener = list_entry(n, struct mem_listener, node);

        if (listener->remove != NULL)
            listener->remove(listener, range);
    }
}

static struct mem_logged *find_logged(struct mem_space *space, const struct ram_block *block)
{
    list_for_each(node, &space->logged)
    {
        struct mem_logged *logged = list_entry(node, struct mem_logged, node);

        if (logged->block == block)
            return logged;
    }
    return NULL;
}

static bool is_logged(struct mem_space *space, const struct mem_range *range)
{
    return range->ram != NULL && find_logged(space, range->ram) != NULL;
}

static void tell_added(struct mem_space *space, const struct mem_range *range)
{
    TELL(space, add, to_, range);
    if (is_logged(space, range))
        TELL(space, log_start, to_, range);
}

static bool view_has(const struct mem_view *view, const struct mem_range *range)
{
    size_t low = 0, high = view->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (view->ranges[mid].start < range->start)
            low = mid + 1;
        else
            high = mid;
    }
    return low < view->count && mem_range_same(&view->ranges[low], range);
}

static bool view_same(const struct mem_view *a, const struct mem_view *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!mem_range_same(&a->ranges[i], &b->ranges[i]))
            return false;
    }
    return true;
}

static void view_free_rcu(struct rcu_head *head)
{
    struct mem_view *view = container_of(head, struct mem_view, rcu);

    mem_tsan_acquire();
    free(view);
}

static void view_retire(struct mem_view *view)
{
    mem_thread_register(); /* call_rcu asks it of its caller */
    mem_tsan_release();
    call_rcu(&view->rcu, view_free_rcu);
    mem_thread_unregister();
}

/* Renders the space anew and, if that changed anything, tells and publishes. */
static void space_update(struct mem_space *space)
{
    struct mem_view *old = mem_space_view(space), *new = mem_view_render(space->root);

    if (view_same(old, new)) {
        free(new);
        return;
    }
    if (!list_empty(&space->listeners)) {
        TELL(space, begin, to_);
        for (size_t i = 0; i < old->count; i++) {
            if (!view_has(new, &old->ranges[i]))
                tell_removed(space, &old->ranges[i]);
        }
        for (size_t i = 0; i < new->count; i++) {
            const struct mem_range *range = &new->ranges[i];

            if (view_has(old, range))
                TELL(space, keep, to_, range)
            else
                tell_added(space, range);
        }
    }
    atomic_store_explicit(&space->view, new, memory_order_release);
    TELL(space, commit, to_);
    view_retire(old);
}

void mem_txn_begin(void)
{
    pthread_mutex_lock(&txn_lock);
    assert(!txn_committing); /* a listener must not change the map it is being told of */
    txn_depth++;
    thread_txn_depth++;
}

void mem_txn_commit(void)
{
    assert(thread_txn_depth > 0);
    if (txn_depth == 1 && txn_dirty) {
        txn_dirty = false;
        txn_committing = true;
        list_for_each(node, &txn_spaces) space_update(list_entry(node, struct mem_space, node));
        txn_committing = false;
    }
    txn_depth--;
    thread_txn_depth--;
    pthread_mutex_unlock(&txn_lock);
}

void mem_txn_changed(void)
{
    assert(thread_txn_depth > 0);
    txn_dirty = true;
}

int mem_space_new(struct mem_space **ret_space, struct mem_region *root, struct error *err)
{
    struct mem_space *space = calloc(1, sizeof(*space));

    if (space == NULL)
        return error_set(err, ENOMEM, "no memory for an address space; free some and try again");
    space->root = root;
    list_init(&space->listeners);
    list_init(&space->logged);
    mem_txn_begin();
    atomic_init(&space->view, mem_view_render(root));
    list_append(&txn_spaces, &space->node);
    mem_txn_commit();
    *ret_space = space;
    return 0;
}

void mem_space_free(struct mem_space *space)
{
    if (space == NULL)
        return;
    mem_txn_begin();
    assert(list_empty(&space->listeners) && list_empty(&space->logged));
    list_del(&space->node);
    mem_txn_commit();
    view_retire(mem_space_view(space));
    free(space);
}

struct mem_region *mem_space_root(struct mem_space *space)
{
    return space->root;
}

void mem_space_listen(struct mem_space *space, struct mem_listener *listener)
{
    struct list_node *after = &space->listeners;
    const struct mem_view *view;

    mem_txn_begin();
    list_for_each(node, &space->listeners)
    {
        if (list_entry(node, struct mem_listener, node)->priority > listener->priority)
            break;
        after = node;
    }
    list_add_after(after, &listener->node);
    view = mem_space_view(space);
    if (listener->begin != NULL)
        listener->begin(listener);
    for (size_t i = 0; i < view->count; i++) {
        if (listener->add != NULL)
            listener->add(listener, &view->ranges[i]);
        if (listener->log_start != NULL && is_logged(space, &view->ranges[i]))
            listener->log_start(listener, &view->ranges[i]);
    }
    if (listener->commit != NULL)
        listener->commit(listener);
    mem_txn_commit();
}

void mem_space_unlisten(struct mem_space *space, struct mem_listener *listener)
{
    const struct mem_view *view;

    mem_txn_begin();
    view = mem_space_view(space);
    if (listener->begin != NULL)
        listener->begin(listener);
    for (size_t i = 0; i < view->count; i++) {
        if (listener->log_stop != NULL && is_logged(space, &view->ranges[i]))
            listener->log_stop(listener, &view->ranges[i]);
        if (listener->remove != NULL)
            listener->remove(listener, &view->ranges[i]);
    }
    if (listener->commit != NULL)
        listener->commit(listener);
    list_del(&listener->node);
    mem_txn_commit();
}

void mem_space_log(struct mem_space *space, struct ram_block *block, bool start)
{
    const struct mem_view *view;
    struct mem_logged *logged;

    mem_txn_begin();
    logged = find_logged(space, block);
    view = mem_space_view(space);
    if (logged == NULL) {
        assert(start);
        logged = mem_alloc(sizeof(*logged));
        logged->block = ram_block_ref(block);
        list_append(&space->logged, &logged->node);
    }
    /* Only the first start and the last stop are news. */
    if (start ? logged->starts++ == 0 : --logged->starts == 0) {
        for (size_t i = 0; i < view->count; i++) {
            const struct mem_range *range = &view->ranges[i];

            if (range->ram != block)
                continue;
            if (start)
                TELL(space, log_start, to_, range)
            else
                TELL(space, log_stop, to_, range)
        }
    }
    if (logged->starts == 0) {
        list_del(&logged->node);
        ram_block_unref(logged->block);
        free(logged);
    }
    mem_txn_commit();
}

void mem_space_log_sync(struct mem_space *space, struct ram_block *block)
{
    const struct mem_view *view;

    mem_txn_begin();
    view = mem_space_view(space);
    for (size_t i = 0; i < view->count; i++) {
        if (view->ranges[i].ram == block)
            TELL(space, log_sync, to_, &view->ranges[i])
    }
    mem_txn_commit();
}

void mem_thread_register(void)
{
    if (mem_thread_registrations++ == 0)
        rcu_register_thread();
}

void mem_thread_unregister(void)
{
    assert(mem_thread_registrations > 0);
    if (--mem_thread_registrations == 0)
        rcu_unregister_thread();
}

void mem_barrier(void)
{
    /* Inside a transaction a reader may be waiting for our lock: neither would ever go on. */
    assert(thread_txn_depth == 0);
    mem_tsan_release();
    synchronize_rcu();
    mem_tsan_acquire();
}

/*
 * event/loop.c - one thread waits for descriptors, timers and posted work.
 *
 * A turn: find how long nothing can be due, wait that long in epoll, then call what is ready:
 * descriptors, then due timers, then posted work. Each callback runs with no lock held.
 *
 * Other threads reach the loop in two ways only, arming timers and posting work. Both go under
 * loop->lock, and end a wait through an eventfd when it would otherwise last too long. `waiting`
 * is set, under the lock, before the thread goes to sleep, and the eventfd stays readable until
 * it is read: so a wake-up between the unlock and the wait is not lost, and a loop that is awake
 * costs its callers no system call.
 *
 * The closing rule of loop.h needs care in two places. A batch of epoll events may name a
 * descriptor that an earlier callback of the same batch has deleted: loop_fd_del() strikes it from
 * the batch. Timers and work are taken from their queues one at a time, under the lock, just before
 * they are called, so what was withdrawn is no longer there.
 *
 * Nothing starves: what becomes due during a turn waits for the next turn. For work the queue is
 * moved aside first; for timers, each arming has a number, and a turn fires only numbers from
 * before its start. Deadlines already passed count as due at the start of the present turn, so they
 * line up behind what was due before and cannot overtake it for ever.
 */
#include "event/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64 };

#define NO_DEADLINE UINT64_MAX
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

struct loop {
    const struct clock *clock;
    int epoll_fd;
    int wake_fd; /* eventfd; in the epoll set with a NULL pointer */

    /* The loop's thread only. */
    struct list_node fds;
    struct epoll_event batch[BATCH];
    int batch_next, batch_count; /* what of the batch is still to be called */
    bool in_turn;
    bool no_pwait2; /* the kernel or its sandbox refuses epoll_pwait2 */

    _Atomic bool stop;
    _Atomic pthread_t runner; /* for assertions only; 0 when no thread is in a turn */

    pthread_mutex_t lock;
    /* loop->lock guards: */
    struct timer_heap timers;
    uint64_t timer_order; /* the number of the last arming */
    uint64_t turn_ns;     /* the clock when this turn began to fire timers */
    struct list_node works, due_works;
    bool waiting;     /* the thread sleeps, or is about to, */
    uint64_t wake_at; /* ... until this time of the clock */
};

static void assert_ours(const struct loop *loop)
{
    pthread_t runner = atomic_load_explicit(&loop->runner, memory_order_relaxed);

    assert(!runner || pthread_equal(runner, pthread_self()));
    (void)runner;
}

int loop_new(struct loop **ret_loop, const struct clock *clock, struct error *err)
{
    struct epoll_event ev = { .events = EPOLLIN };
    struct loop *loop = calloc(1, sizeof(*loop));
    int rc;

    if (!loop)
        return error_set(err, ENOMEM, "cannot create an event loop: out of memory");
    loop->clock = clock;
    list_init(&loop->fds);
    list_init(&loop->works);
    list_init(&loop->due_works);
    pthread_mutex_init(&loop->lock, NULL);
    loop->wake_fd = -1;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd >= 0)
        loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0 || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &ev) < 0) {
        rc = error_set(err, errno, "cannot create an event loop: %s", strerror(errno));
        loop_free(loop);
        return rc;
    }
    *ret_loop = loop;
    return 0;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    assert(!loop->in_turn);
    assert(list_empty(&loop->fds));
    assert(!loop->timers.first);
    assert(list_empty(&loop->works));
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

const struct clock *loop_clock(const struct loop *loop)
{
    return loop->clock;
}

/* ---- waking ---- */

static void wake_locked(struct loop *loop)
{
    const uint64_t one = 1;

    if (!loop->waiting)
        return;
    loop->waiting = false; /* one write is enough */
    if (write(loop->wake_fd, &one, sizeof(one)) < 0)
        assert(errno == EAGAIN); /* full, so it is readable: good enough */
}

void loop_wake(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    wake_locked(loop);
    pthread_mutex_unlock(&loop->lock);
}

void loop_stop(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    atomic_store(&loop->stop, true);
    wake_locked(loop);
    pthread_mutex_unlock(&loop->lock);
}

/* ---- descriptors ---- */

static uint32_t to_epoll(unsigned events)
{
    return (events & LOOP_READ ? (uint32_t)EPOLLIN : 0) |
           (events & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
}

static unsigned from_epoll(uint32_t events)
{
    return (events & EPOLLIN ? LOOP_READ : 0u) | (events & EPOLLOUT ? LOOP_WRITE : 0u) |
           (events & (EPOLLHUP | EPOLLERR) ? LOOP_HANGUP : 0u);
}

int loop_fd_add(struct loop *loop, struct loop_fd *lfd, int fd, unsigned events,
                void (*ready)(struct loop_fd *lfd, unsigned events), struct error *err)
{
    struct epoll_event ev = { .events = to_epoll(events), .data.ptr = lfd };

    assert_ours(loop);
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
        return error_set(err, errno, "cannot wait for events of descriptor %d: %s", fd,
                         strerror(errno));
    lfd->loop = loop;
    lfd->fd = fd;
    lfd->events = events;
    lfd->ready = ready;
    list_append(&loop->fds, &lfd->node);
    return 0;
}

void loop_fd_set_events(struct loop_fd *lfd, unsigned events)
{
    struct epoll_event ev = { .events = to_epoll(events), .data.ptr = lfd };
    int rc;

    assert(lfd->loop);
    assert_ours(lfd->loop);
    if (lfd->events == events)
        return;
    lfd->events = events;
    rc = epoll_ctl(lfd->loop->epoll_fd, EPOLL_CTL_MOD, lfd->fd, &ev);
    assert(rc == 0); /* else its owner closed it before loop_fd_del() */
    (void)rc;
}

void loop_fd_del(struct loop_fd *lfd)
{
    struct loop *loop = lfd->loop;
    int rc;

    if (!loop)
        return;
    assert_ours(loop);
    rc = epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, lfd->fd, NULL);
    assert(rc == 0); /* else its owner closed it first */
    (void)rc;
    list_del(&lfd->node);
    for (int i = loop->batch_next; i < loop->batch_count; i++)
        if (loop->batch[i].data.ptr == lfd)
            loop->batch[i].data.ptr = NULL;
    lfd->loop = NULL;
}

/* The wake-up descriptor has a NULL pointer too: then events say which it is. */
static void call_fds(struct loop *loop, bool until_stop)
{
    while (loop->batch_next < loop->batch_count) {
        struct loop_fd *lfd = loop->batch[loop->batch_next].data.ptr;
        unsigned events = from_epoll(loop->batch[loop->batch_next].events);

        loop->batch_next++;
        if (!lfd)
            continue;
        /* An earlier callback may have lost interest. */
        events &= lfd->events | LOOP_HANGUP;
        if (events)
            lfd->ready(lfd, events);
        if (until_stop && atomic_load(&loop->stop))
            break; /* the rest is reported again: epoll is level-triggered */
    }
    loop->batch_next = loop->batch_count = 0;
}

/* ---- timers ---- */

void loop_timer_init(struct loop_timer *timer, struct loop *loop,
                     void (*fire)(struct loop_timer *timer))
{
    *timer = (struct loop_timer){ .loop = loop, .fire = fire };
}

void loop_timer_arm(struct loop_timer *timer, uint64_t deadline_ns)
{
    struct loop *loop = timer->loop;

    pthread_mutex_lock(&loop->lock);
    if (timer->node.queued)
        timer_heap_del(&loop->timers, &timer->node);
    timer->node.deadline_ns = deadline_ns > loop->turn_ns ? deadline_ns : loop->turn_ns;
    timer->node.order = ++loop->timer_order;
    timer_heap_add(&loop->timers, &timer->node);
    if (loop->waiting && timer->node.deadline_ns < loop->wake_at)
        wake_locked(loop);
    pthread_mutex_unlock(&loop->lock);
}

void loop_timer_disarm(struct loop_timer *timer)
{
    struct loop *loop = timer->loop;

    if (!loop)
        return;
    pthread_mutex_lock(&loop->lock);
    if (timer->node.queued)
        timer_heap_del(&loop->timers, &timer->node);
    pthread_mutex_unlock(&loop->lock);
}

static void call_timers(struct loop *loop, bool until_stop)
{
    uint64_t now = clock_now_ns(loop->clock);
    uint64_t last;

    pthread_mutex_lock(&loop->lock);
    loop->turn_ns = now;
    last = loop->timer_order;
    for (;;) {
        struct timer_node *node = loop->timers.first;
        struct loop_timer *timer;

        if (!node || node->deadline_ns > now || node->order > last)
            break;
        timer_heap_del(&loop->timers, node);
        timer = container_of(node, struct loop_timer, node);
        pthread_mutex_unlock(&loop->lock);
        timer->fire(timer);
        pthread_mutex_lock(&loop->lock);
        if (until_stop && atomic_load(&loop->stop))
            break;
    }
    pthread_mutex_unlock(&loop->lock);
}

/* ---- work ---- */

void loop_work_init(struct loop_work *work, struct loop *loop, void (*run)(struct loop_work *work))
{
    *work = (struct loop_work){ .loop = loop, .run = run };
    list_init(&work->node);
}

void loop_work_post(struct loop_work *work)
{
    struct loop *loop = work->loop;

    pthread_mutex_lock(&loop->lock);
    if (!work->queued) {
        work->queued = true;
        list_append(&loop->works, &work->node);
        wake_locked(loop);
    }
    pthread_mutex_unlock(&loop->lock);
}

void loop_work_cancel(struct loop_work *work)
{
    struct loop *loop = work->loop;

    if (!loop)
        return;
    pthread_mutex_lock(&loop->lock);
    if (work->queued) {
        work->queued = false;
        list_del(&work->node);
    }
    pthread_mutex_unlock(&loop->lock);
}

static void move_all(struct list_node *to, struct list_node *from)
{
    struct list_node *node;

    while ((node = list_pop(from)))
        list_append(to, node);
}

static void call_works(struct loop *loop, bool until_stop)
{
    struct list_node *node;

    pthread_mutex_lock(&loop->lock);
    move_all(&loop->due_works, &loop->works);
    while ((node = list_pop(&loop->due_works))) {
        struct loop_work *work = list_entry(node, struct loop_work, node);

        work->queued = false; /* from here it may be posted again */
        pthread_mutex_unlock(&loop->lock);
        work->run(work);
        pthread_mutex_lock(&loop->lock);
        if (until_stop && atomic_load(&loop->stop))
            break;
    }
    /* After an early stop: back in front of what was posted meanwhile. */
    move_all(&loop->due_works, &loop->works);
    move_all(&loop->works, &loop->due_works);
    pthread_mutex_unlock(&loop->lock);
}

/* ---- turns ---- */

/* Nanoseconds to wait, NO_DEADLINE for ever; tells the other threads that we sleep. */
static uint64_t begin_wait(struct loop *loop, int timeout_ms, bool until_stop)
{
    uint64_t now = clock_now_ns(loop->clock);
    uint64_t ns = timeout_ms < 0 ? NO_DEADLINE : (uint64_t)timeout_ms * NS_PER_MS;

    pthread_mutex_lock(&loop->lock);
    if (!list_empty(&loop->works) || (until_stop && atomic_load(&loop->stop)))
        ns = 0;
    if (loop->timers.first) {
        uint64_t deadline = loop->timers.first->deadline_ns;
        uint64_t until = deadline > now ? deadline - now : 0;

        if (until < ns)
            ns = until;
    }
    if (ns) {
        loop->waiting = true;
        loop->wake_at = ns < NO_DEADLINE - now ? now + ns : NO_DEADLINE;
    }
    pthread_mutex_unlock(&loop->lock);
    return ns;
}

static int wait_events(struct loop *loop, uint64_t ns)
{
    uint64_t ms;

    if (!ns)
        return epoll_wait(loop->epoll_fd, loop->batch, BATCH, 0);
    if (ns == NO_DEADLINE)
        return epoll_wait(loop->epoll_fd, loop->batch, BATCH, -1);
    if (!loop->no_pwait2) {
        /* A day at most: some kernels refuse, and none needs, a longer time. */
        uint64_t sec = ns / NS_PER_S < 86400 ? ns / NS_PER_S : 86400;
        struct timespec ts = { .tv_sec = (time_t)sec, .tv_nsec = (long)(ns % NS_PER_S) };
        int n = epoll_pwait2(loop->epoll_fd, loop->batch, BATCH, &ts, NULL);

        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return n;
        loop->no_pwait2 = true; /* Linux before 5.11, or a sandbox that does not know it */
    }
    ms = ns / NS_PER_MS + 1; /* late rather than early: early would spin */
    return epoll_wait(loop->epoll_fd, loop->batch, BATCH, ms < 86400000 ? (int)ms : 86400000);
}

static int turn(struct loop *loop, int timeout_ms, bool until_stop, struct error *err)
{
    uint64_t drain;
    int n, rc = 0;

    assert(!loop->in_turn); /* a callback must not turn its own loop */
    loop->in_turn = true;
    atomic_store_explicit(&loop->runner, pthread_self(), memory_order_relaxed);

    n = wait_events(loop, begin_wait(loop, timeout_ms, until_stop));
    if (n < 0 && errno != EINTR)
        rc = error_set(err, errno, "the event loop cannot wait for events: %s", strerror(errno));
    pthread_mutex_lock(&loop->lock);
    loop->waiting = false;
    pthread_mutex_unlock(&loop->lock);

    loop->batch_count = n > 0 ? n : 0;
    for (int i = 0; i < loop->batch_count; i++)
        if (!loop->batch[i].data.ptr && read(loop->wake_fd, &drain, sizeof(drain)) < 0)
            assert(errno == EAGAIN || errno == EINTR);
    call_fds(loop, until_stop);
    if (!(until_stop && atomic_load(&loop->stop)))
        call_timers(loop, until_stop);
    if (!(until_stop && atomic_load(&loop->stop)))
        call_works(loop, until_stop);

    atomic_store_explicit(&loop->runner, 0, memory_order_relaxed);
    loop->in_turn = false;
    return rc;
}

int loop_run(struct loop *loop, struct error *err)
{
    int rc = 0;

    while (!rc && !atomic_load(&loop->stop))
        rc = turn(loop, -1, true, err);
    atomic_store(&loop->stop, false);
    return rc;
}

int loop_run_once(struct loop *loop, int timeout_ms, struct error *err)
{
    return turn(loop, timeout_ms, false, err);
}

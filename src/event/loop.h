/* event/loop.h - one thread waits for descriptors, timers and posted work (epoll).
 *
 * A loop belongs to the thread that calls loop_run(): its callbacks all run there, one at a
 * time, with no lock held. Functions marked [any thread] may be called from elsewhere; the
 * others only from the loop's thread, or while no thread runs the loop.
 *
 * Closing: after loop_fd_del(), loop_timer_disarm() or loop_work_cancel() has returned on the
 * loop's thread, the callback is not called again and the storage may be freed, also from inside
 * the callback itself.
 */
#ifndef EVENT_LOOP_H
#define EVENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/list.h"
#include "event/timer_heap.h"

struct loop;

/* `clock` must outlive the loop. On success *ret_loop is owned by the caller. */
int loop_new(struct loop **ret_loop, const struct clock *clock, struct error *err) NODISCARD;
/* NULL is fine. No descriptor, armed timer or queued work may be left, and no thread may run it. */
void loop_free(struct loop *loop);

/* Runs until loop_stop(). Returns 0, or -errno if the host's epoll fails. */
int loop_run(struct loop *loop, struct error *err) NODISCARD;
/* One turn: waits at most timeout_ms (-1 for ever, 0 not at all), handles what is ready. */
int loop_run_once(struct loop *loop, int timeout_ms, struct error *err) NODISCARD;
/* [any thread] Makes loop_run() return after the callback now running; called while no thread is in
 * loop_run(), the next one returns at once. loop_run_once() takes no notice. */
void loop_stop(struct loop *loop);
/* [any thread] Ends a wait, so that the clock is read again: for who moved it by hand. */
void loop_wake(struct loop *loop);
const struct clock *loop_clock(const struct loop *loop);

/* ---- descriptors ---- */
/* LOOP_HANGUP (the other side is gone, or the descriptor is in error) is reported at every turn
 * until the descriptor is deleted, and need not be asked for. */
enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

struct loop_fd {
    /* private */
    struct loop *loop;
    int fd;
    unsigned events;
    void (*ready)(struct loop_fd *lfd, unsigned events);
    struct list_node node;
};

/* Watches fd (not owned) for `events`. -EPERM for files epoll cannot watch. */
int loop_fd_add(struct loop *loop, struct loop_fd *lfd, int fd, unsigned events,
                void (*ready)(struct loop_fd *lfd, unsigned events), struct error *err) NODISCARD;
/* 0 events: stays registered and reports nothing but a hang-up. */
void loop_fd_set_events(struct loop_fd *lfd, unsigned events);
/* A second call does nothing. */
void loop_fd_del(struct loop_fd *lfd);

/* ---- timers: one-shot, absolute, nanoseconds of the loop's clock ---- */
struct loop_timer {
    /* private */
    struct loop *loop;
    void (*fire)(struct loop_timer *timer);
    struct timer_node node;
};

void loop_timer_init(struct loop_timer *timer, struct loop *loop,
                     void (*fire)(struct loop_timer *timer));
/* [any thread] Replaces an earlier deadline. A deadline that has passed fires at the next turn,
 * also when armed from its own callback. */
void loop_timer_arm(struct loop_timer *timer, uint64_t deadline_ns);
/* [any thread] From another thread the callback may be running as this returns. */
void loop_timer_disarm(struct loop_timer *timer);

/* ---- work posted from other threads ---- */
struct loop_work {
    /* private */
    struct list_node node;
    struct loop *loop;
    void (*run)(struct loop_work *work);
    bool queued;
};

void loop_work_init(struct loop_work *work, struct loop *loop, void (*run)(struct loop_work *work));
/* [any thread] Runs once on the loop's thread; posting what is already queued does nothing. */
void loop_work_post(struct loop_work *work);
/* From another thread, run() may be running as this returns. */
void loop_work_cancel(struct loop_work *work);

#endif

/* event: the loop as seen by its own thread; the clock stands still unless a test moves it */
#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "event/loop.h"

struct fixture {
    struct clock_manual clock;
    struct loop *loop;
};

static void setup(struct fixture *f)
{
    clock_manual_init(&f->clock, 1000);
    assert_int_equal(loop_new(&f->loop, &f->clock.clock, NULL), 0);
}

static void turn(struct fixture *f)
{
    assert_int_equal(loop_run_once(f->loop, 0, NULL), 0);
}

/* ---- timers ---- */

struct counter {
    struct loop_timer timer;
    int fired;
    uint64_t rearm_at; /* 0: not again */
    struct counter *disarms;
    int *sequence;
    int seen_at;
};

static void count_fire(struct loop_timer *timer)
{
    struct counter *c = container_of(timer, struct counter, timer);

    c->fired++;
    if (c->sequence)
        c->seen_at = ++*c->sequence;
    if (c->rearm_at)
        loop_timer_arm(timer, c->rearm_at);
    if (c->disarms)
        loop_timer_disarm(&c->disarms->timer);
}

TEST(a_timer_fires_once_at_its_deadline_and_not_before)
{
    struct fixture f;
    struct counter c = { 0 };

    setup(&f);
    loop_timer_init(&c.timer, f.loop, count_fire);
    loop_timer_arm(&c.timer, 1500);
    turn(&f);
    clock_manual_advance(&f.clock, 499);
    turn(&f);
    assert_int_equal(c.fired, 0);
    clock_manual_advance(&f.clock, 1);
    turn(&f);
    turn(&f);
    assert_int_equal(c.fired, 1);
    loop_free(f.loop);
}

TEST(arming_again_replaces_the_deadline_and_disarming_removes_it)
{
    struct fixture f;
    struct counter c = { 0 };

    setup(&f);
    loop_timer_init(&c.timer, f.loop, count_fire);
    loop_timer_arm(&c.timer, 1100);
    loop_timer_arm(&c.timer, 3000);
    clock_manual_advance(&f.clock, 1000);
    turn(&f);
    assert_int_equal(c.fired, 0);
    loop_timer_arm(&c.timer, 1);
    turn(&f);
    assert_int_equal(c.fired, 1);
    loop_timer_arm(&c.timer, 1);
    loop_timer_disarm(&c.timer);
    loop_timer_disarm(&c.timer);
    turn(&f);
    assert_int_equal(c.fired, 1);
    loop_free(f.loop);
}

TEST(timers_fire_in_the_order_of_their_deadlines)
{
    struct fixture f;
    struct counter c[3] = { 0 };
    int sequence = 0;

    setup(&f);
    for (int i = 0; i < 3; i++) {
        loop_timer_init(&c[i].timer, f.loop, count_fire);
        c[i].sequence = &sequence;
    }
    loop_timer_arm(&c[0].timer, 1300);
    loop_timer_arm(&c[1].timer, 1100);
    loop_timer_arm(&c[2].timer, 1200);
    clock_manual_advance(&f.clock, 1000);
    turn(&f);
    assert_int_equal(c[0].seen_at, 3);
    assert_int_equal(c[1].seen_at, 1);
    assert_int_equal(c[2].seen_at, 2);
    loop_free(f.loop);
}

TEST(a_timer_that_rearms_itself_in_the_past_starves_nobody)
{
    struct fixture f;
    struct counter greedy = { .rearm_at = 1 }, polite = { 0 };

    setup(&f);
    loop_timer_init(&greedy.timer, f.loop, count_fire);
    loop_timer_init(&polite.timer, f.loop, count_fire);
    loop_timer_arm(&greedy.timer, 1);
    clock_manual_advance(&f.clock, 100);
    loop_timer_arm(&polite.timer, 1100);
    turn(&f);
    assert_int_equal(greedy.fired, 1);
    assert_int_equal(polite.fired, 1);
    turn(&f);
    assert_int_equal(greedy.fired, 2);
    loop_timer_disarm(&greedy.timer);
    loop_free(f.loop);
}

TEST(a_callback_may_disarm_a_timer_that_is_due_in_the_same_turn)
{
    struct fixture f;
    struct counter first = { 0 }, second = { 0 };

    setup(&f);
    loop_timer_init(&first.timer, f.loop, count_fire);
    loop_timer_init(&second.timer, f.loop, count_fire);
    first.disarms = &second;
    loop_timer_arm(&first.timer, 1001);
    loop_timer_arm(&second.timer, 1002);
    clock_manual_advance(&f.clock, 10);
    turn(&f);
    turn(&f);
    assert_int_equal(first.fired, 1);
    assert_int_equal(second.fired, 0);
    loop_free(f.loop);
}

TEST(on_the_host_clock_a_wait_ends_when_the_timer_is_due)
{
    struct counter c = { 0 };
    struct loop *loop;
    uint64_t start = clock_now_ns(&clock_host), end;

    assert_int_equal(loop_new(&loop, &clock_host, NULL), 0);
    loop_timer_init(&c.timer, loop, count_fire);
    loop_timer_arm(&c.timer, start + 3000000);
    while (!c.fired)
        assert_int_equal(loop_run_once(loop, 5000, NULL), 0);
    end = clock_now_ns(&clock_host);
    assert_true(end - start >= 3000000);
    assert_true(end - start < UINT64_C(4000000000));
    loop_free(loop);
}

TEST(a_timeout_ends_a_wait_for_nothing)
{
    struct loop *loop;
    uint64_t start = clock_now_ns(&clock_host);

    assert_int_equal(loop_new(&loop, &clock_host, NULL), 0);
    assert_int_equal(loop_run_once(loop, 2, NULL), 0);
    assert_true(clock_now_ns(&clock_host) - start >= 2000000);
    loop_free(loop);
}

/* ---- descriptors ---- */

struct watch {
    struct loop_fd lfd;
    int fd[2]; /* a socket pair; lfd watches fd[0] */
    int calls;
    unsigned last_events;
    bool drain, del_self, free_self;
    struct watch *deletes;
};

static void watch_ready(struct loop_fd *lfd, unsigned events)
{
    struct watch *w = container_of(lfd, struct watch, lfd);
    char byte;

    w->calls++;
    w->last_events = events;
    if (w->drain)
        assert_int_equal(read(w->fd[0], &byte, 1), 1);
    if (w->deletes) {
        loop_fd_del(&w->deletes->lfd);
        w->deletes->calls = -100; /* stands for freed */
    }
    if (w->del_self)
        loop_fd_del(lfd);
    if (w->free_self) {
        loop_fd_del(lfd);
        close(w->fd[0]);
        close(w->fd[1]);
        free(w);
    }
}

static void watch_open(struct watch *w, struct loop *loop, unsigned events)
{
    *w = (struct watch){ 0 };
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, w->fd), 0);
    assert_int_equal(loop_fd_add(loop, &w->lfd, w->fd[0], events, watch_ready, NULL), 0);
}

static void watch_close(struct watch *w)
{
    loop_fd_del(&w->lfd);
    close(w->fd[0]);
    if (w->fd[1] >= 0)
        close(w->fd[1]);
}

TEST(a_descriptor_is_reported_while_it_is_ready)
{
    struct fixture f;
    struct watch w;

    setup(&f);
    watch_open(&w, f.loop, LOOP_READ);
    turn(&f);
    assert_int_equal(w.calls, 0);
    assert_int_equal(write(w.fd[1], "ab", 2), 2);
    w.drain = true;
    turn(&f);
    turn(&f);
    turn(&f);
    assert_int_equal(w.calls, 2);
    assert_int_equal(w.last_events, LOOP_READ);
    watch_close(&w);
    loop_free(f.loop);
}

TEST(the_events_waited_for_can_change)
{
    struct fixture f;
    struct watch w;

    setup(&f);
    watch_open(&w, f.loop, 0);
    assert_int_equal(write(w.fd[1], "a", 1), 1);
    turn(&f);
    assert_int_equal(w.calls, 0);
    loop_fd_set_events(&w.lfd, LOOP_READ | LOOP_WRITE);
    turn(&f);
    assert_int_equal(w.last_events, LOOP_READ | LOOP_WRITE);
    loop_fd_set_events(&w.lfd, LOOP_WRITE);
    turn(&f);
    assert_int_equal(w.last_events, LOOP_WRITE);
    watch_close(&w);
    loop_free(f.loop);
}

TEST(a_hangup_is_reported_without_being_asked_for)
{
    struct fixture f;
    struct watch w;

    setup(&f);
    watch_open(&w, f.loop, 0);
    close(w.fd[1]);
    w.fd[1] = -1;
    turn(&f);
    assert_int_equal(w.calls, 1);
    assert_int_equal(w.last_events, LOOP_HANGUP);
    watch_close(&w);
    loop_free(f.loop);
}

TEST(a_descriptor_deleted_by_another_callback_of_the_turn_is_not_called)
{
    struct fixture f;
    struct watch w[2];
    int survivors = 0;

    setup(&f);
    for (int i = 0; i < 2; i++) {
        watch_open(&w[i], f.loop, LOOP_READ);
        assert_int_equal(write(w[i].fd[1], "a", 1), 1);
    }
    w[0].deletes = &w[1];
    w[1].deletes = &w[0];
    turn(&f);
    turn(&f);
    for (int i = 0; i < 2; i++)
        survivors += w[i].calls > 0;
    assert_int_equal(survivors, 1);
    assert_int_equal(w[0].calls < 0 || w[1].calls < 0, 1);
    watch_close(&w[0]);
    watch_close(&w[1]);
    loop_free(f.loop);
}

TEST(a_callback_may_free_its_own_storage)
{
    struct fixture f;
    struct watch *w = malloc(sizeof(*w));

    setup(&f);
    watch_open(w, f.loop, LOOP_READ);
    w->free_self = true;
    assert_int_equal(write(w->fd[1], "a", 1), 1);
    turn(&f);
    turn(&f);
    loop_free(f.loop);
}

TEST(deleting_twice_does_nothing)
{
    struct fixture f;
    struct watch w;

    setup(&f);
    watch_open(&w, f.loop, LOOP_READ);
    loop_fd_del(&w.lfd);
    watch_close(&w);
    loop_free(f.loop);
}

TEST(a_regular_file_is_refused_with_eperm)
{
    struct fixture f;
    struct loop_fd lfd;
    struct error err;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    setup(&f);
    assert_int_equal(loop_fd_add(f.loop, &lfd, fd, LOOP_READ, watch_ready, &err), -EPERM);
    assert_non_null(strstr(err.text, "descriptor"));
    close(fd);
    loop_free(f.loop);
}

TEST(more_descriptors_than_one_batch_are_all_served)
{
    enum { MANY = 150 };
    static struct watch w[MANY];
    struct fixture f;

    setup(&f);
    for (int i = 0; i < MANY; i++) {
        watch_open(&w[i], f.loop, LOOP_READ);
        w[i].drain = true;
        assert_int_equal(write(w[i].fd[1], "a", 1), 1);
    }
    for (int i = 0; i < 4; i++)
        turn(&f);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(w[i].calls, 1);
        watch_close(&w[i]);
    }
    loop_free(f.loop);
}

/* ---- work ---- */

struct task {
    struct loop_work work;
    int ran;
    bool repost;
    struct task *cancels;
};

static void task_run(struct loop_work *work)
{
    struct task *t = container_of(work, struct task, work);

    t->ran++;
    if (t->repost)
        loop_work_post(work);
    if (t->cancels)
        loop_work_cancel(&t->cancels->work);
}

TEST(posted_work_runs_once_however_often_it_was_posted)
{
    struct fixture f;
    struct task t = { 0 };

    setup(&f);
    loop_work_init(&t.work, f.loop, task_run);
    loop_work_post(&t.work);
    loop_work_post(&t.work);
    turn(&f);
    turn(&f);
    assert_int_equal(t.ran, 1);
    loop_free(f.loop);
}

TEST(work_that_posts_itself_runs_once_a_turn)
{
    struct fixture f;
    struct task t = { .repost = true };

    setup(&f);
    loop_work_init(&t.work, f.loop, task_run);
    t.repost = true;
    loop_work_post(&t.work);
    turn(&f);
    turn(&f);
    turn(&f);
    assert_int_equal(t.ran, 3);
    loop_work_cancel(&t.work);
    turn(&f);
    assert_int_equal(t.ran, 3);
    loop_free(f.loop);
}

TEST(work_may_cancel_work_of_the_same_turn)
{
    struct fixture f;
    struct task first = { 0 }, second = { 0 };

    setup(&f);
    loop_work_init(&first.work, f.loop, task_run);
    loop_work_init(&second.work, f.loop, task_run);
    first.cancels = &second;
    loop_work_post(&first.work);
    loop_work_post(&second.work);
    turn(&f);
    turn(&f);
    assert_int_equal(first.ran, 1);
    assert_int_equal(second.ran, 0);
    loop_free(f.loop);
}

/* ---- stopping ---- */

static void stop_run(struct loop_work *work)
{
    struct task *t = container_of(work, struct task, work);

    t->ran++;
    loop_stop(work->loop);
}

TEST(stop_ends_the_run_after_the_present_callback_and_keeps_the_rest)
{
    struct fixture f;
    struct task first = { 0 }, second = { 0 };

    setup(&f);
    loop_work_init(&first.work, f.loop, stop_run);
    loop_work_init(&second.work, f.loop, stop_run);
    loop_work_post(&first.work);
    loop_work_post(&second.work);
    assert_int_equal(loop_run(f.loop, NULL), 0);
    assert_int_equal(first.ran, 1);
    assert_int_equal(second.ran, 0);
    assert_int_equal(loop_run(f.loop, NULL), 0);
    assert_int_equal(second.ran, 1);
    loop_free(f.loop);
}

TEST(stop_before_run_is_not_lost)
{
    struct fixture f;

    setup(&f);
    loop_stop(f.loop);
    assert_int_equal(loop_run(f.loop, NULL), 0);
    loop_free(f.loop);
}

TEST(freeing_no_loop_is_fine)
{
    loop_free(NULL);
}

/* event: what other threads may do to a running loop; meant to run under ThreadSanitizer too */
#include "tests/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "event/loop.h"

enum { THREADS = 4, ROUNDS = 2000 };

struct runner {
    struct loop *loop;
    pthread_t thread;
};

static void *run_loop(void *opaque)
{
    struct runner *r = opaque;

    assert_int_equal(loop_run(r->loop, NULL), 0);
    return NULL;
}

static void runner_start(struct runner *r, const struct clock *clock)
{
    alarm(60); /* a lost wake-up must fail, not hang */
    assert_int_equal(loop_new(&r->loop, clock, NULL), 0);
    assert_int_equal(pthread_create(&r->thread, NULL, run_loop, r), 0);
}

static void runner_stop(struct runner *r)
{
    loop_stop(r->loop);
    pthread_join(r->thread, NULL);
    loop_free(r->loop);
    alarm(0);
}

/* Each thread posts its own work and waits until it ran: a lost wake-up hangs it. */
struct poster {
    struct loop_work work;
    struct loop_timer timer;
    const struct clock *clock;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t done;
    int ran;
};

static void poster_done(struct poster *p)
{
    pthread_mutex_lock(&p->lock);
    p->ran++;
    pthread_cond_signal(&p->done);
    pthread_mutex_unlock(&p->lock);
}

static void poster_run(struct loop_work *work)
{
    poster_done(container_of(work, struct poster, work));
}

static void poster_fire(struct loop_timer *timer)
{
    poster_done(container_of(timer, struct poster, timer));
}

static void await(struct poster *p, int ran)
{
    pthread_mutex_lock(&p->lock);
    while (p->ran < ran)
        pthread_cond_wait(&p->done, &p->lock);
    assert_int_equal(p->ran, ran);
    pthread_mutex_unlock(&p->lock);
}

static void *post_all(void *opaque)
{
    struct poster *p = opaque;

    for (int i = 1; i <= ROUNDS; i++) {
        loop_work_post(&p->work);
        await(p, i);
    }
    return NULL;
}

static void *arm_all(void *opaque)
{
    struct poster *p = opaque;

    for (int i = 1; i <= ROUNDS / 10; i++) {
        /* far away first, then soon: the sleeping loop must notice that it is sooner */
        loop_timer_arm(&p->timer, clock_now_ns(p->clock) + UINT64_C(1000000000000));
        loop_timer_arm(&p->timer, clock_now_ns(p->clock) + 20000);
        await(p, i);
    }
    return NULL;
}

static void posters_run(struct loop *loop, void *(*body)(void *))
{
    struct poster p[THREADS];

    for (int i = 0; i < THREADS; i++) {
        p[i].ran = 0;
        p[i].clock = loop_clock(loop);
        pthread_mutex_init(&p[i].lock, NULL);
        pthread_cond_init(&p[i].done, NULL);
        loop_work_init(&p[i].work, loop, poster_run);
        loop_timer_init(&p[i].timer, loop, poster_fire);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_create(&p[i].thread, NULL, body, &p[i]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(p[i].thread, NULL);
        pthread_mutex_destroy(&p[i].lock);
        pthread_cond_destroy(&p[i].done);
    }
}

TEST(no_posted_work_is_lost)
{
    struct runner r;

    runner_start(&r, &clock_host);
    posters_run(r.loop, post_all);
    runner_stop(&r);
}

TEST(a_timer_armed_elsewhere_shortens_the_wait)
{
    struct runner r;

    runner_start(&r, &clock_host);
    posters_run(r.loop, arm_all);
    runner_stop(&r);
}

TEST(moving_the_clock_and_waking_the_loop_fires_the_timer)
{
    struct clock_manual clock;
    struct runner r;
    struct poster p = { .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };

    clock_manual_init(&clock, 0);
    runner_start(&r, &clock.clock);
    loop_timer_init(&p.timer, r.loop, poster_fire);
    for (int i = 1; i <= 100; i++) {
        loop_timer_arm(&p.timer, (uint64_t)i * UINT64_C(1000000000000));
        clock_manual_advance(&clock, UINT64_C(1000000000000));
        loop_wake(r.loop);
        await(&p, i);
    }
    runner_stop(&r);
}

struct flapper {
    struct loop_timer timer;
    _Atomic int fired;
};

static void flap(struct loop_timer *timer)
{
    struct flapper *f = container_of(timer, struct flapper, timer);

    atomic_fetch_add(&f->fired, 1);
}

static void *flap_all(void *opaque)
{
    struct flapper *f = opaque;

    for (int i = 0; i < ROUNDS * 5; i++) {
        loop_timer_arm(&f->timer, (uint64_t)(i & 7));
        if (i & 1)
            loop_timer_disarm(&f->timer);
    }
    loop_timer_disarm(&f->timer);
    return NULL;
}

TEST(one_timer_may_be_armed_and_disarmed_by_many_threads)
{
    struct runner r;
    struct flapper f = { 0 };
    pthread_t threads[THREADS];

    runner_start(&r, &clock_host);
    loop_timer_init(&f.timer, r.loop, flap);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, flap_all, &f);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    runner_stop(&r);
}

TEST(a_loop_can_be_stopped_and_run_again)
{
    struct runner r;

    assert_int_equal(loop_new(&r.loop, &clock_host, NULL), 0);
    alarm(60);
    for (int i = 0; i < 200; i++) {
        pthread_create(&r.thread, NULL, run_loop, &r);
        loop_stop(r.loop);
        pthread_join(r.thread, NULL);
    }
    loop_free(r.loop);
    alarm(0);
}

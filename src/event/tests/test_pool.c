/* event: worker threads; meant to run under ThreadSanitizer too */
#include "tests/unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "event/pool.h"

struct tally {
    struct pool *pool;
    _Atomic int ran;
    _Atomic int allocated;
};

struct tally_job {
    struct pool_job job;
    struct tally *tally;
    int again;
};

static void tally_run(struct pool_job *job)
{
    struct tally_job *t = container_of(job, struct tally_job, job);
    struct tally *tally = t->tally;

    if (t->again-- > 0) {
        pool_submit(tally->pool, job, tally_run);
    } else {
        free(t);
        atomic_fetch_sub(&tally->allocated, 1);
    }
    atomic_fetch_add(&tally->ran, 1);
}

static void submit(struct tally *tally, int again)
{
    struct tally_job *t = calloc(1, sizeof(*t));

    t->tally = tally;
    t->again = again;
    atomic_fetch_add(&tally->allocated, 1);
    pool_submit(tally->pool, &t->job, tally_run);
}

TEST(every_job_runs_once_and_free_waits_for_them)
{
    struct tally tally = { 0 };

    alarm(60);
    assert_int_equal(pool_new(&tally.pool, 4, "test", NULL), 0);
    for (int i = 0; i < 5000; i++)
        submit(&tally, 0);
    pool_free(tally.pool);
    assert_int_equal(tally.ran, 5000);
    assert_int_equal(tally.allocated, 0);
    alarm(0);
}

TEST(a_job_may_submit_or_free_itself_while_it_runs)
{
    struct tally tally = { 0 };

    alarm(60);
    assert_int_equal(pool_new(&tally.pool, 3, "test", NULL), 0);
    for (int i = 0; i < 50; i++)
        submit(&tally, 20);
    pool_free(tally.pool);
    assert_int_equal(tally.ran, 50 * 21);
    assert_int_equal(tally.allocated, 0);
    alarm(0);
}

/* All must be running at the same time to get past the barrier. */
struct meeting {
    struct pool_job job;
    pthread_barrier_t *barrier;
};

static void meet(struct pool_job *job)
{
    pthread_barrier_wait(container_of(job, struct meeting, job)->barrier);
}

TEST(as_many_jobs_as_threads_run_at_once)
{
    enum { N = 8 };
    pthread_barrier_t barrier;
    struct meeting m[N];
    struct pool *pool;

    alarm(60);
    pthread_barrier_init(&barrier, NULL, N);
    assert_int_equal(pool_new(&pool, N, "test", NULL), 0);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < N - 1; i++) {
            m[i].barrier = &barrier;
            pool_submit(pool, &m[i].job, meet);
        }
        pthread_barrier_wait(&barrier);
    }
    pool_free(pool);
    pthread_barrier_destroy(&barrier);
    alarm(0);
}

struct mask_job {
    struct pool_job job;
    sigset_t mask;
};

static void read_mask(struct pool_job *job)
{
    pthread_sigmask(SIG_SETMASK, NULL, &container_of(job, struct mask_job, job)->mask);
}

TEST(workers_take_no_signals)
{
    struct mask_job m;
    struct pool *pool;

    assert_int_equal(pool_new(&pool, 1, "a name longer than fifteen", NULL), 0);
    pool_submit(pool, &m.job, read_mask);
    pool_free(pool);
    assert_int_equal(sigismember(&m.mask, SIGTERM), 1);
    assert_int_equal(sigismember(&m.mask, SIGWINCH), 1);
}

TEST(an_unused_pool_and_no_pool_can_be_freed)
{
    struct pool *pool;

    assert_int_equal(pool_new(&pool, 64, "test", NULL), 0);
    pool_free(pool);
    pool_free(NULL);
}

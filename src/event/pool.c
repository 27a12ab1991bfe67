/*
 * event/pool.c - worker threads for what may block.
 *
 * One queue under one lock; a worker takes the oldest job, runs it with no lock held, and never
 * touches it again: the job may have been freed or submitted anew. pool_new() starts one worker, so
 * that submitting always makes progress; others start when more jobs wait than workers sleep, and
 * if the host refuses one then, those there are do the work.
 */
#include "event/pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_THREADS_MAX = 64 };

struct pool {
    unsigned max_threads;
    char name[16]; /* what the host shows for its threads; pthread_setname_np takes no more */

    pthread_mutex_t lock;
    pthread_cond_t wake; /* a job was queued, or closing was set */
    /* pool->lock guards: */
    struct list_node jobs;
    unsigned queued; /* length of jobs */
    unsigned idle;   /* workers asleep, or woken but not yet running */
    unsigned threads;
    bool closing;
    pthread_t ids[POOL_THREADS_MAX];
};

static void *worker(void *opaque)
{
    struct pool *pool = opaque;
    struct list_node *node;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct pool_job *job;

        while (list_empty(&pool->jobs) && !pool->closing) {
            pool->idle++;
            pthread_cond_wait(&pool->wake, &pool->lock);
            pool->idle--;
        }
        node = list_pop(&pool->jobs);
        if (!node)
            break; /* closing, and nothing is left to do */
        pool->queued--;
        job = list_entry(node, struct pool_job, node);
        pthread_mutex_unlock(&pool->lock);
        job->run(job);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* 0 or an errno value. */
static int start_worker_locked(struct pool *pool)
{
    sigset_t all, old;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&pool->ids[pool->threads], NULL, worker, pool);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc)
        return rc;
    pthread_setname_np(pool->ids[pool->threads], pool->name);
    pool->threads++;
    return 0;
}

int pool_new(struct pool **ret_pool, unsigned threads, const char *name, struct error *err)
{
    struct pool *pool;
    int rc;

    assert(threads >= 1 && threads <= POOL_THREADS_MAX);
    pool = calloc(1, sizeof(*pool));
    if (!pool)
        return error_set(err, ENOMEM, "cannot create the %s threads: out of memory", name);
    pool->max_threads = threads;
    snprintf(pool->name, sizeof(pool->name), "%.15s", name);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    list_init(&pool->jobs);
    pthread_mutex_lock(&pool->lock);
    rc = start_worker_locked(pool);
    pthread_mutex_unlock(&pool->lock);
    if (rc) {
        pool_free(pool);
        return error_set(err, rc, "cannot start a %s thread: %s", name, strerror(rc));
    }
    *ret_pool = pool;
    return 0;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->wake);
    /* A job still running may submit another, and that may start a worker: look again each time. */
    for (unsigned i = 0; i < pool->threads; i++) {
        pthread_mutex_unlock(&pool->lock);
        pthread_join(pool->ids[i], NULL);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    assert(list_empty(&pool->jobs));
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void pool_submit(struct pool *pool, struct pool_job *job, void (*run)(struct pool_job *job))
{
    job->run = run;
    pthread_mutex_lock(&pool->lock);
    list_append(&pool->jobs, &job->node);
    pool->queued++;
    if (pool->queued > pool->idle && pool->threads < pool->max_threads)
        (void)start_worker_locked(pool); /* refused: the workers there are will come to it */
    pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

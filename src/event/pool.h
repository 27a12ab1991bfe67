/* event/pool.h - worker threads for what may block (disk, compression, compilation). */
#ifndef EVENT_POOL_H
#define EVENT_POOL_H

#include "base/compiler.h"
#include "base/error.h"
#include "base/list.h"

struct pool;

struct pool_job {
    /* private */
    struct list_node node;
    void (*run)(struct pool_job *job);
};

/* 1 to 64 threads, all signals blocked in them. Threads start when first needed. */
int pool_new(struct pool **ret_pool, unsigned threads, const char *name,
             struct error *err) NODISCARD;
/* Waits for the jobs that were submitted. NULL is fine. */
void pool_free(struct pool *pool);
/* [any thread] Runs job->run(job) once on some worker. The job may be freed or submitted again
 * from inside its own run(). */
void pool_submit(struct pool *pool, struct pool_job *job, void (*run)(struct pool_job *job));

#endif

/*
 * accel/tests/random_programs.c - random guest programs (dbt/tests/program.h) on the compiler and
 * on the interpreter, in one process, by the hundred thousand: all they leave must be the same.
 *
 *     random_programs [--instructions N] [--harts H] [--seed S] [--turns N] [--accel jit,WORDS]
 *                     [--jit-cache DIR]
 *
 * H threads, each the hart of that number in one machine that compiles, and with an interpreter of
 * its own. So harts run their programs side by side, on one translation cache, dropping each
 * other's code, asking each other to flush and to fence, and adding to one cell. What a program
 * leaves depends on its seed only, and on the hart's number, which says where it lies.
 *
 * With a folder, the same command a second time takes its code from there.
 *
 * A difference ends it: the seed, what differs, and the program with all instructions left out
 * that can be without the difference going away. `--seed S --instructions 1` is that program only.
 * Status 0: no difference. 2: this host has no compiler, or the options make no sense.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accel/accel.h"
#include "dbt/store/store.h"
#include "dbt/tests/program.h"

enum { EXIT_NO = 2, ASK_EVERY = 16, DEFAULT_TURNS = 15 };

struct job {
    struct fixture jit; /* one machine for all */
    struct dbt_tuning tuning;
    unsigned harts, turns;
    uint64_t seed, instructions; /* of each hart */
    const char *jit_cache;       /* NULL: none */
    _Atomic bool found;
    pthread_mutex_t lock; /* of what is printed */
    _Atomic uint64_t done, programs;
};

struct worker {
    struct job *job;
    unsigned hart;
    pthread_t thread;
    struct fixture interp;
};

/* ---- a difference ---- */

/* In fresh machines, and more than once, so that what must be hot gets hot. */
static bool still_differs(const struct job *job, const struct program *p)
{
    struct program_difference d;
    struct fixture jit, interp;
    bool same = true;

    if (!fixture_init_jit(&jit, job->harts, &job->tuning))
        return false;
    fixture_init(&interp, 1, 0);
    program_prepare(&jit, p->hart);
    program_prepare(&interp, p->hart);
    for (unsigned i = 0; i < 3 && same; i++) {
        program_load(&jit, p->hart, p);
        program_load(&interp, 0, p);
        fixture_run(&jit, p->hart);
        fixture_run(&interp, 0);
        same = program_agree(&jit, p->hart, &interp, 0, p, &d);
    }
    fixture_fini(&jit);
    fixture_fini(&interp);
    return !same;
}

static void shrink(const struct job *job, struct program *p)
{
    struct program tried;
    bool smaller = true;

    while (smaller) {
        smaller = false;
        for (unsigned i = 0; i + 1 < p->count; i++) {
            if (program_is_blank(p, i))
                continue;
            tried = *p;
            program_blank(&tried, i);
            program_encode(&tried);
            if (still_differs(job, &tried)) {
                *p = tried;
                smaller = true;
            }
        }
    }
}

static void report(struct job *job, const struct program *found, const struct program_difference *d)
{
    struct program p = *found;
    char line[120];

    pthread_mutex_lock(&job->lock);
    if (!atomic_exchange(&job->found, true)) {
        printf("seed %" PRIu64 ", hart %u of %u, %u turns: %s is %#" PRIx64 " compiled, %#" PRIx64
               " interpreted\n",
               p.seed, p.hart, job->harts, p.turns, d->what, d->a, d->b);
        if (still_differs(job, &p))
            shrink(job, &p);
        else
            printf("(not so when the program runs alone; all of it:)\n");
        for (unsigned i = 0; i < p.count; i++) {
            program_line(&p, i, line, sizeof(line));
            if (!program_is_blank(&p, i))
                printf("    %s\n", line);
        }
    }
    pthread_mutex_unlock(&job->lock);
}

/* ---- a hart's thread ---- */

/* What other harts may be asked at any time without a difference. */
static void ask_others(struct worker *w, uint64_t seed)
{
    static const uint32_t request[] = { HART_REQ_TLB_FLUSH, HART_REQ_TLB_FLUSH_WRITES,
                                        HART_REQ_FENCE_I, HART_REQ_FORGET, HART_REQ_MAP_CHANGED };
    unsigned what = (unsigned)(seed >> 40) % (16 * ARRAY_LEN(request));

    for (unsigned i = 0; i < w->job->harts; i++)
        if (i != w->hart) /* a changed map drops all code: seldom */
            hart_request(&w->job->jit.hart[i]->hart,
                         what == 0 ? HART_REQ_MAP_CHANGED
                                   : request[what % (ARRAY_LEN(request) - 1)]);
}

static void run_program(struct worker *w, uint64_t seed)
{
    struct job *job = w->job;
    struct program_difference d;
    struct program p;

    program_make(&p, &job->jit.isa, seed, w->hart, job->turns);
    program_load(&job->jit, w->hart, &p);
    program_load(&w->interp, 0, &p);
    fixture_run(&job->jit, w->hart);
    fixture_run(&w->interp, 0);
    if (!program_agree(&job->jit, w->hart, &w->interp, 0, &p, &d))
        report(job, &p, &d);
    atomic_fetch_add(&job->programs, 1);
    if (job->harts > 1 && seed % ASK_EVERY == 0)
        ask_others(w, seed * UINT64_C(0x9e3779b97f4a7c15));
}

static uint64_t instructions_of(const struct fixture *f, unsigned hart)
{
    struct dbt_stats stats;

    dbt_hart_get_stats(f->hart[hart]->dh, &stats);
    return stats.instructions;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct job *job = w->job;

    mem_thread_register();
    for (uint64_t seed = job->seed + w->hart; !atomic_load(&job->found); seed += job->harts) {
        run_program(w, seed);
        if (instructions_of(&job->jit, w->hart) >= job->instructions)
            break;
    }
    atomic_fetch_add(&job->done, instructions_of(&job->jit, w->hart));
    mem_thread_unregister();
    return NULL;
}

static void run_harts(struct job *job)
{
    struct worker worker[FIXTURE_HARTS];
    uint64_t sum = 0;

    for (unsigned i = 0; i < job->harts; i++) {
        worker[i] = (struct worker){ .job = job, .hart = i };
        fixture_init(&worker[i].interp, 1, 0);
        program_prepare(&worker[i].interp, i);
        program_prepare(&job->jit, i);
    }
    for (unsigned i = 0; i < job->harts; i++)
        if (pthread_create(&worker[i].thread, NULL, work, &worker[i]) != 0)
            abort();
    for (unsigned i = 0; i < job->harts; i++) {
        pthread_join(worker[i].thread, NULL);
        sum += *program_shared_cell(&worker[i].interp);
    }
    if (!atomic_load(&job->found) && sum != *program_shared_cell(&job->jit)) {
        printf("the harts have added %#" PRIx64 " to one cell, and it is %#" PRIx64 "\n", sum,
               *program_shared_cell(&job->jit));
        atomic_store(&job->found, true);
    }
    for (unsigned i = 0; i < job->harts; i++)
        fixture_fini(&worker[i].interp);
}

/* ---- the command line ---- */

static bool parse(int argc, char **argv, struct job *job, uint64_t *ret_instructions)
{
    const struct accel_ops *ops;
    struct error err;

    for (int i = 1; i < argc; i += 2) {
        uint64_t number = i + 1 < argc ? strtoull(argv[i + 1], NULL, 0) : 0;

        if (i + 1 == argc)
            return false;
        if (strcmp(argv[i], "--instructions") == 0) {
            *ret_instructions = number;
        } else if (strcmp(argv[i], "--harts") == 0 && number >= 1 && number <= FIXTURE_HARTS) {
            job->harts = (unsigned)number;
        } else if (strcmp(argv[i], "--seed") == 0) {
            job->seed = number;
        } else if (strcmp(argv[i], "--turns") == 0 && number < 2000) {
            job->turns = (unsigned)number;
        } else if (strcmp(argv[i], "--jit-cache") == 0) {
            job->jit_cache = argv[i + 1];
        } else if (strcmp(argv[i], "--accel") == 0) {
            if (accel_parse(argv[i + 1], &ops, &job->tuning, &err) == 0)
                continue;
            fprintf(stderr, "random_programs: %s\n", err.text);
            return false;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    uint64_t instructions = 2000000;
    struct store_stats kept;
    struct job job = { .harts = 2, .seed = 1, .turns = DEFAULT_TURNS };

    job.tuning = dbt_tuning_default();
    job.tuning.t1_after = 2;
    if (!parse(argc, argv, &job, &instructions)) {
        fprintf(stderr,
                "usage: random_programs [--instructions N] [--harts 1..%u] [--seed S] "
                "[--turns N] [--accel jit,WORDS] [--jit-cache DIR]\n",
                FIXTURE_HARTS);
        return EXIT_NO;
    }
    if (!fixture_init_keeping(&job.jit, job.harts, &job.tuning, job.jit_cache)) {
        printf("this host has no compiler: nothing to compare\n");
        return instructions <= 2000000 ? 77 : EXIT_NO;
    }
    pthread_mutex_init(&job.lock, NULL);
    job.instructions = instructions / job.harts;
    run_harts(&job);
    if (dbt_get_store_stats(job.jit.dbt, &kept))
        printf("%" PRIu64 " blocks kept before, %" PRIu64 " of them used\n", kept.read, kept.found);
    if (!atomic_load(&job.found))
        printf("%" PRIu64 " programs, %" PRIu64 " instructions: no difference\n",
               atomic_load(&job.programs), atomic_load(&job.done));
    fixture_fini(&job.jit);
    pthread_mutex_destroy(&job.lock);
    return atomic_load(&job.found) ? 1 : 0;
}

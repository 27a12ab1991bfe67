/*
 * dbt/lockstep/lockstep.c - whose turn it is, and a run from its beginning to the comparison.
 *
 * A run is *short* when the attention word asks compiled code, before it is entered, to come back
 * at the first jump that looks: then a difference is found near the instruction that made it.
 * One in four is long, ended by an interrupt or by another hart that comes to wait, so that loops
 * turn, too, and guesses of the jump cache are followed. While somebody waits all are short, and
 * the turn goes on after some of them: what spins for another hart's sake must not do so for long.
 */
#include "dbt/lockstep/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_IN_TURN = 64 }; /* while others wait */

/* ---- turns ---- */

static void take_turn(struct lockstep_hart *ls)
{
    struct lockstep *all = ls->all;
    uint64_t ticket;

    pthread_mutex_lock(&all->lock);
    atomic_fetch_add(&all->waiting, 1);
    ticket = all->next_ticket++;
    if (all->owner != NULL) /* a long run ends; the next ones are short */
        atomic_fetch_or(&all->owner->hart->attention, (uint32_t)HART_ATTN_ENGINE);
    while (all->serving != ticket)
        pthread_cond_wait(&all->changed, &all->lock);
    atomic_fetch_sub(&all->waiting, 1);
    all->owner = ls->dh;
    pthread_mutex_unlock(&all->lock);
    ls->has_turn = true;
    ls->runs_in_turn = 0;
}

static void leave_turn(struct lockstep_hart *ls)
{
    struct lockstep *all = ls->all;

    if (!ls->has_turn)
        return;
    ls->has_turn = false;
    pthread_mutex_lock(&all->lock);
    all->owner = NULL;
    all->serving++;
    pthread_cond_broadcast(&all->changed);
    pthread_mutex_unlock(&all->lock);
}

static bool turn_is_over(const struct lockstep_hart *ls)
{
    return atomic_load(&ls->all->waiting) != 0 && ls->runs_in_turn >= RUNS_IN_TURN;
}

bool lockstep_turn(struct dbt_hart *dh)
{
    struct lockstep_hart *ls = dh->lockstep;

    atomic_fetch_and(&dh->hart->attention, ~(uint32_t)HART_ATTN_ENGINE);
    ls->runs_in_turn++;
    if (ls->has_turn && turn_is_over(ls))
        leave_turn(ls);
    if (!ls->has_turn)
        take_turn(ls);
    return !atomic_load(&ls->all->found);
}

void lockstep_leave(struct dbt_hart *dh)
{
    leave_turn(dh->lockstep);
}

/* ---- a run ---- */

/* What the twin needs of a hart beside its registers. */
static void copy_hart(struct hart *to, const struct hart *from)
{
    memcpy(&to->s, &from->s, sizeof(to->s)); /* padding too: it is compared */
    to->run.page = from->run.page;
    to->run.insns = from->run.insns;
    to->run.cookie = from->run.cookie;
    to->fetch_bank = from->fetch_bank;
    to->data_bank = from->data_bank;
    to->builtin_sbi = from->builtin_sbi;
    to->mxr = from->mxr;
    to->stimer = from->stimer;
    to->stimer_armed = from->stimer_armed;
    to->reservation = from->reservation;
    to->reserved_value = from->reserved_value;
    to->count_cycle = from->count_cycle;
    to->count_instret = from->count_instret;
    to->hpm_counting = from->hpm_counting;
    to->hpm_used = from->hpm_used;
    to->pmp = from->pmp;
    to->exc_raised = false;
    to->ram_hint = (struct ram_hint){ .first = 1 };
    tlb_copy_code(&to->tlb, &from->tlb);
}

static void begin(struct lockstep_hart *ls)
{
    struct dbt_hart *dh = ls->dh, *twin = ls->twin;

    lockstep_forget_copies(ls);
    ls->answers = 0;
    ls->raised = ls->too_much = false;
    ls->traced = 0;
    copy_hart(twin->hart, dh->hart);
    twin->mode = dh->mode;
    twin->guesses_from = dh->guesses_from;
    twin->stats.instructions = dh->stats.instructions;
    ls->begin_pc = dh->hart->s.pc;
    ls->begin_count = lockstep_count(dh);
    ls->begin_writes = lockstep_writes_count(&ls->all->writes);
    tlb_forget_writes(&dh->hart->tlb);
    ls->recording = true;
}

/* The twin does one block, or what is left of it behind a call. */
static void twin_block(struct lockstep_hart *ls)
{
    struct dbt_hart *twin = ls->twin;
    gva_t pc = twin->hart->s.pc;
    struct tb *tb;

    atomic_store_explicit(&twin->hart->attention, 0, memory_order_relaxed);
    if (ls->resume != NULL) {
        tb = ls->resume_tb;
        pc = ls->resume_pc;
        twin->resume = ls->resume;
        ls->resume = NULL;
    } else {
        tb = dbt_block_guess(twin, pc);
    }
    if (tb == NULL) {
        dbt_take_exception(twin);
        return;
    }
    ls->trace[ls->traced % TRACE].pc = pc;
    ls->trace[ls->traced++ % TRACE].tb = tb;
    t0_run(twin, tb, pc);
}

/* Until the twin has done as many instructions, or something else the hart did to end the run. */
static void replay(struct lockstep_hart *ls)
{
    uint64_t total = lockstep_count(ls->dh), count;

    ls->twin_raised = ls->twin_called = ls->twin_strayed = false;
    ls->answered = 0;
    do {
        twin_block(ls);
        count = lockstep_count(ls->twin);
    } while (!ls->twin_raised && !ls->twin_called &&
             (count < total || (ls->raised && count == total)));
}

static void finish(struct lockstep_hart *ls, bool at_call)
{
    struct lockstep *all = ls->all;

    ls->recording = false;
    if (ls->too_much) {
        all->unchecked++;
        ls->resume = NULL;
        return;
    }
    replay(ls);
    all->runs++;
    all->instructions += lockstep_count(ls->dh) - ls->begin_count;
    if (lockstep_agree(ls, at_call))
        return;
    if (lockstep_was_disturbed(ls)) {
        all->disturbed++;
        ls->resume = NULL; /* where the twin has strayed to is no place to begin at */
    } else if (!atomic_exchange(&all->found, true)) {
        lockstep_report(ls, at_call);
    }
}

static bool next_is_short(struct lockstep_hart *ls)
{
    ls->random = ls->random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return ls->random >> 62 != 0;
}

void lockstep_enter(struct dbt_hart *dh, struct tb *tb, struct tb **ret_from, unsigned *ret_link)
{
    struct lockstep_hart *ls = dh->lockstep;

    ls->resume = NULL;
    ls->runs_in_turn++;
    ls->is_short = atomic_load(&ls->all->waiting) != 0 || next_is_short(ls);
    begin(ls);
    if (ls->is_short)
        atomic_fetch_or(&dh->hart->attention, (uint32_t)HART_ATTN_ENGINE);
    ls->compiled = true;
    dh->back->enter(dh->compiler, dh->hart, tb, ret_from, ret_link);
    ls->compiled = false;
    atomic_fetch_and(&dh->hart->attention, ~(uint32_t)HART_ATTN_ENGINE);
    if (ls->recording)
        finish(ls, false);
    if (turn_is_over(ls) || atomic_load(&ls->all->found))
        *ret_from = NULL; /* by way of lockstep_turn() */
}

/* ---- calls ---- */

bool lockstep_before_call(struct dbt_hart *dh, struct tb *tb, const struct t0_op *op, gva_t pc)
{
    struct lockstep_hart *ls = dh->lockstep;

    if (dh == ls->twin) {
        ls->twin_called = true;
        ls->resume = op + 1;
        ls->resume_tb = tb;
        ls->resume_pc = pc;
        return false;
    }
    if (ls->recording)
        finish(ls, true);
    leave_turn(ls);
    return true;
}

void lockstep_after_call(struct dbt_hart *dh, const struct t0_op *op, uint64_t result)
{
    struct lockstep_hart *ls = dh->lockstep;

    take_turn(ls);
    if (!ls->compiled || dh->hart->exc_raised || ls->resume == NULL)
        return;
    ((uint64_t *)(void *)dh->hart)[op->dst] = result;
    ((uint64_t *)(void *)ls->twin->hart)[op->dst] = result;
    begin(ls);
    if (ls->is_short)
        atomic_fetch_or(&dh->hart->attention, (uint32_t)HART_ATTN_ENGINE);
}

void lockstep_raised(struct dbt_hart *dh)
{
    struct lockstep_hart *ls = dh->lockstep;

    if (dh == ls->twin) {
        ls->twin_raised = true;
        return;
    }
    ls->raised = true;
    ls->exc = dh->hart->exc;
}

/* ---- life ---- */

int lockstep_new(struct lockstep **ret_lockstep, const struct dbt_config *config, struct error *err)
{
    struct lockstep *all = calloc(1, sizeof(*all));

    if (all == NULL)
        return error_set(err, ENOMEM, "no memory for lock-step");
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->changed, NULL);
    all->failed = config->failed;
    all->opaque = config->opaque;
    lockstep_writes_init(&all->writes, config->space);
    *ret_lockstep = all;
    return 0;
}

void lockstep_free(struct lockstep *all)
{
    if (all == NULL)
        return;
    lockstep_writes_fini(&all->writes);
    pthread_cond_destroy(&all->changed);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

static uint64_t twin_time(struct hart *hart)
{
    (void)hart;
    return 0;
}

static void twin_arm(struct hart *hart, uint64_t deadline)
{
    (void)hart, (void)deadline;
}

static void twin_does_not(struct hart *hart)
{
    (void)hart;
}

/* The twin makes no calls, so nothing asks. */
static const struct hart_ops twin_ops = {
    .time = twin_time,
    .arm_stimer = twin_arm,
    .sbi_call = twin_does_not,
    .fence_i = twin_does_not,
};

int lockstep_hart_new(struct lockstep *all, struct dbt_hart *dh, struct error *err)
{
    struct lockstep_hart *ls = calloc(1, sizeof(*ls));
    struct hart *hart = aligned_alloc(64, (sizeof(*hart) + 63) & ~(size_t)63);
    struct dbt_hart *twin = calloc(1, sizeof(*twin));

    if (ls == NULL || hart == NULL || twin == NULL ||
        hart_init(hart, dh->hart->id, dh->hart->isa, &twin_ops, ls, dh->hart->space) < 0) {
        free(ls);
        free(hart);
        free(twin);
        return error_set(err, ENOMEM, "no memory for lock-step");
    }
    twin->hart = hart;
    twin->dbt = dh->dbt;
    twin->index = dh->index;
    twin->one_block = true;
    twin->lockstep = ls;
    hart->run.engine = twin;
    hart->run.jump_cache = twin->jump_cache;
    hart->spy = &ls->replay;
    ls->record.ops = &lockstep_record_ops;
    ls->replay.ops = &lockstep_replay_ops;
    ls->all = all;
    ls->dh = dh;
    ls->twin = twin;
    ls->random = dh->index;
    dh->hart->spy = &ls->record;
    dh->lockstep = ls;
    return 0;
}

void lockstep_hart_free(struct dbt_hart *dh)
{
    struct lockstep_hart *ls = dh->lockstep;

    if (ls == NULL)
        return;
    dh->hart->spy = NULL;
    dh->lockstep = NULL;
    for (unsigned i = 0; i < COPIES; i++)
        free(ls->copy[i].bytes);
    dbt_free_uncached(ls->twin);
    hart_fini(ls->twin->hart);
    free(ls->twin->hart);
    free(ls->twin);
    free(ls);
}

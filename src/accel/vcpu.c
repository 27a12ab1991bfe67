/*
 * accel/vcpu.c - the thread of a hart.
 *
 * Waking. Whoever changes what a sleeping hart waits for (irq_lines, attention, requests, a start)
 * does so first and then calls wake(); the sleeper sets `asleep` first and then looks. Both with
 * sequential consistency, so one of the two sees the other, and a running hart costs its wakers
 * one load.
 */
#include "accel/vcpu.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPINS = 100 }; /* of vcpu_request_and_wait(), before it sleeps */

static struct vcpu *vcpu_of(struct hart *hart)
{
    return container_of(hart, struct vcpu, hart);
}

static uint32_t attention_of(struct vcpu *vcpu)
{
    return atomic_load(&vcpu->hart.attention);
}

static void wake_locked(struct vcpu *vcpu)
{
    pthread_cond_broadcast(&vcpu->wake);
}

/* hart_set_wake(): something for this hart has been set. */
static void wake(struct hart *hart)
{
    struct vcpu *vcpu = vcpu_of(hart);

    if (!atomic_load(&vcpu->asleep))
        return;
    pthread_mutex_lock(&vcpu->lock);
    wake_locked(vcpu);
    pthread_mutex_unlock(&vcpu->lock);
}

/* ---- hart_ops: the engine's questions, passed on ---- */

static uint64_t ops_time(struct hart *hart)
{
    return vcpu_of(hart)->ops->time(vcpu_of(hart));
}

static void ops_arm_stimer(struct hart *hart, uint64_t deadline)
{
    vcpu_of(hart)->ops->arm_stimer(vcpu_of(hart), deadline);
}

static void ops_sbi_call(struct hart *hart)
{
    vcpu_of(hart)->ops->sbi_call(vcpu_of(hart));
}

static void ops_fence_i(struct hart *hart)
{
    vcpu_of(hart)->accel->ops->fence_i(vcpu_of(hart));
}

static const struct hart_ops vcpu_hart_ops = {
    .time = ops_time,
    .arm_stimer = ops_arm_stimer,
    .sbi_call = ops_sbi_call,
    .fence_i = ops_fence_i,
};

/* ---- the thread ---- */

/* A hart that starts fetches what is in memory now, whatever was there when this place ran last:
 * firmware would execute a fence.i. */
static void fetch_afresh(struct vcpu *vcpu)
{
    hart_request(&vcpu->hart, HART_REQ_FENCE_I);
}

/* A start that is due. */
static void begin_if_started(struct vcpu *vcpu)
{
    struct hart *hart = &vcpu->hart;

    if (vcpu->state != VCPU_START_PENDING)
        return;
    vcpu->state = VCPU_STARTED;
    hart_enter_supervisor(hart, vcpu->start_pc, vcpu->start_opaque);
    fetch_afresh(vcpu); /* we are not asleep: takes no lock */
    atomic_fetch_and(&hart->attention, ~(uint32_t)(HART_ATTN_STOPPED | HART_ATTN_WFI));
}

/* Does a hart in wfi, suspended or stopped have a reason to go on? */
static bool has_reason(struct vcpu *vcpu)
{
    uint32_t attention = attention_of(vcpu);

    if (vcpu->pause || vcpu->quit || vcpu->state == VCPU_START_PENDING)
        return true;
    if (attention & (HART_ATTN_REQUEST | HART_ATTN_KICK))
        return true;
    if (attention & HART_ATTN_STOPPED)
        return false;
    return hart_irq_wakes(&vcpu->hart);
}

static void wake_from_wfi(struct vcpu *vcpu)
{
    struct hart *hart = &vcpu->hart;

    atomic_fetch_and(&hart->attention, ~(uint32_t)HART_ATTN_WFI);
    if (vcpu->state != VCPU_SUSPENDED)
        return;
    vcpu->state = VCPU_STARTED;
    if (vcpu->resume_at_start)
        hart_enter_supervisor(hart, vcpu->start_pc, vcpu->start_opaque);
}

static void sleep_locked(struct vcpu *vcpu)
{
    atomic_store(&vcpu->asleep, true);
    while (!has_reason(vcpu))
        pthread_cond_wait(&vcpu->wake, &vcpu->lock);
    atomic_store(&vcpu->asleep, false);
    if ((attention_of(vcpu) & HART_ATTN_WFI) && hart_irq_wakes(&vcpu->hart))
        wake_from_wfi(vcpu);
}

static void park_locked(struct vcpu *vcpu)
{
    while (vcpu->pause && !vcpu->quit) { /* resumed and paused again: it says so again */
        vcpu->is_parked = true;
        pthread_cond_broadcast(&vcpu->parked);
        pthread_cond_wait(&vcpu->wake, &vcpu->lock);
    }
    vcpu->is_parked = false;
}

/* Who waits for an answer has it now. Theirs is `waiters` first and then a look at in_guest, ours
 * the other way round, both sequentially consistent: one sees the other. */
static void leave_guest(struct vcpu *vcpu)
{
    atomic_store(&vcpu->hart.in_guest, false);
    if (likely(atomic_load(&vcpu->waiters) == 0))
        return;
    pthread_mutex_lock(&vcpu->lock);
    pthread_cond_broadcast(&vcpu->answered);
    pthread_mutex_unlock(&vcpu->lock);
}

static void run_guest(struct vcpu *vcpu)
{
    mem_read_lock();
    atomic_store(&vcpu->hart.in_guest, true);
    vcpu->accel->ops->vcpu_run(vcpu);
    leave_guest(vcpu);
    mem_read_unlock();
}

static void *vcpu_main(void *arg)
{
    struct vcpu *vcpu = arg;
    struct hart *hart = &vcpu->hart;

    mem_thread_register();
    pthread_mutex_lock(&vcpu->lock);
    for (;;) {
        /* Cleared before the flags are looked at: a later kick is not lost. */
        atomic_fetch_and(&hart->attention, ~(uint32_t)HART_ATTN_KICK);
        if (vcpu->quit)
            break;
        if (vcpu->pause) {
            park_locked(vcpu);
            continue;
        }
        begin_if_started(vcpu);
        if (attention_of(vcpu) & (HART_ATTN_WFI | HART_ATTN_STOPPED))
            sleep_locked(vcpu);
        if (vcpu->pause || vcpu->quit || vcpu->state == VCPU_START_PENDING)
            continue;
        pthread_mutex_unlock(&vcpu->lock);
        run_guest(vcpu);
        pthread_mutex_lock(&vcpu->lock);
    }
    pthread_mutex_unlock(&vcpu->lock);
    mem_thread_unregister();
    return NULL;
}

/* ---- life ---- */

static int start_thread(struct vcpu *vcpu, struct error *err)
{
    sigset_t all, old;
    char name[16];
    int rc;

    /* Signals are for the main thread. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&vcpu->thread, NULL, vcpu_main, vcpu);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0)
        return error_set(err, rc, "cannot start a thread for hart %u: %s", vcpu->index,
                         strerror(rc));
    vcpu->thread_started = true;
    snprintf(name, sizeof(name), "hart%u", vcpu->index);
    pthread_setname_np(vcpu->thread, name);
    return 0;
}

int vcpu_new(struct vcpu **ret_vcpu, struct accel *accel, unsigned index,
             const struct vcpu_ops *ops, void *machine, struct error *err)
{
    struct vcpu *vcpu = aligned_alloc(64, (sizeof(*vcpu) + 63) & ~(size_t)63);
    int rc;

    if (vcpu == NULL)
        return error_set(err, ENOMEM, "no memory for hart %u", index);
    memset(vcpu, 0, sizeof(*vcpu));
    vcpu->accel = accel;
    vcpu->index = index;
    vcpu->ops = ops;
    vcpu->machine = machine;
    vcpu->pause = true;
    vcpu->state = VCPU_STOPPED;
    pthread_mutex_init(&vcpu->lock, NULL);
    pthread_cond_init(&vcpu->wake, NULL);
    pthread_cond_init(&vcpu->parked, NULL);
    pthread_cond_init(&vcpu->answered, NULL);
    rc =
        hart_init(&vcpu->hart, index, accel->config.isa, &vcpu_hart_ops, vcpu, accel->config.space);
    if (rc < 0) {
        free(vcpu);
        return error_set(err, -rc, "no memory for hart %u", index);
    }
    hart_set_wake(&vcpu->hart, wake);
    hart_watch_map(&vcpu->hart);
    rc = accel->ops->vcpu_new(accel, vcpu, err);
    if (rc == 0) {
        accel->vcpu[index] = vcpu;
        rc = start_thread(vcpu, err);
    }
    if (rc < 0) {
        vcpu_free(vcpu);
        return rc;
    }
    *ret_vcpu = vcpu;
    return 0;
}

void vcpu_free(struct vcpu *vcpu)
{
    if (vcpu == NULL)
        return;
    if (vcpu->thread_started) {
        pthread_mutex_lock(&vcpu->lock);
        vcpu->quit = true;
        atomic_fetch_or(&vcpu->hart.attention, HART_ATTN_KICK);
        wake_locked(vcpu);
        pthread_mutex_unlock(&vcpu->lock);
        pthread_join(vcpu->thread, NULL);
    }
    hart_unwatch_map(&vcpu->hart);
    if (vcpu->engine != NULL)
        vcpu->accel->ops->vcpu_free(vcpu);
    vcpu->accel->vcpu[vcpu->index] = NULL;
    pthread_cond_destroy(&vcpu->answered);
    pthread_cond_destroy(&vcpu->parked);
    pthread_cond_destroy(&vcpu->wake);
    pthread_mutex_destroy(&vcpu->lock);
    hart_fini(&vcpu->hart);
    free(vcpu);
}

/* ---- pause and resume ---- */

void vcpu_pause(struct vcpu *vcpu)
{
    pthread_mutex_lock(&vcpu->lock);
    vcpu->pause = true;
    atomic_fetch_or(&vcpu->hart.attention, HART_ATTN_KICK);
    wake_locked(vcpu);
    pthread_mutex_unlock(&vcpu->lock);
}

void vcpu_wait_parked(struct vcpu *vcpu)
{
    pthread_mutex_lock(&vcpu->lock);
    while (!vcpu->is_parked)
        pthread_cond_wait(&vcpu->parked, &vcpu->lock);
    pthread_mutex_unlock(&vcpu->lock);
}

void vcpu_resume(struct vcpu *vcpu)
{
    pthread_mutex_lock(&vcpu->lock);
    vcpu->pause = false;
    vcpu->is_parked = false;
    wake_locked(vcpu);
    pthread_mutex_unlock(&vcpu->lock);
}

void vcpu_set_started(struct vcpu *vcpu, bool started)
{
    atomic_fetch_and(&vcpu->hart.requests, ~(uint32_t)HART_REQ_IPI); /* of its former life */
    fetch_afresh(vcpu);
    pthread_mutex_lock(&vcpu->lock);
    vcpu->state = started ? VCPU_STARTED : VCPU_STOPPED;
    vcpu->resume_at_start = false;
    atomic_fetch_and(&vcpu->hart.attention, ~(uint32_t)(HART_ATTN_STOPPED | HART_ATTN_WFI));
    if (!started)
        atomic_fetch_or(&vcpu->hart.attention, HART_ATTN_STOPPED);
    pthread_mutex_unlock(&vcpu->lock);
}

/* ---- SBI HSM ---- */

bool vcpu_start(struct vcpu *vcpu, uint64_t pc, uint64_t opaque)
{
    bool was_stopped;

    pthread_mutex_lock(&vcpu->lock);
    was_stopped = vcpu->state == VCPU_STOPPED;
    if (was_stopped) {
        vcpu->state = VCPU_START_PENDING;
        vcpu->start_pc = pc;
        vcpu->start_opaque = opaque;
        wake_locked(vcpu);
    }
    pthread_mutex_unlock(&vcpu->lock);
    return was_stopped;
}

void vcpu_stop_self(struct vcpu *vcpu)
{
    pthread_mutex_lock(&vcpu->lock);
    vcpu->state = VCPU_STOPPED;
    atomic_fetch_or(&vcpu->hart.attention, HART_ATTN_STOPPED);
    pthread_mutex_unlock(&vcpu->lock);
}

void vcpu_suspend_self(struct vcpu *vcpu, bool retentive, uint64_t pc, uint64_t opaque)
{
    pthread_mutex_lock(&vcpu->lock);
    vcpu->state = VCPU_SUSPENDED;
    vcpu->resume_at_start = !retentive;
    vcpu->start_pc = pc;
    vcpu->start_opaque = opaque;
    atomic_fetch_or(&vcpu->hart.attention, HART_ATTN_WFI);
    pthread_mutex_unlock(&vcpu->lock);
}

enum vcpu_run_state vcpu_state(struct vcpu *vcpu)
{
    enum vcpu_run_state state;

    pthread_mutex_lock(&vcpu->lock);
    state = vcpu->state;
    pthread_mutex_unlock(&vcpu->lock);
    return state;
}

/* ---- requests with an answer ---- */

static bool outstanding(struct vcpu *vcpu, uint32_t requests)
{
    return atomic_load(&vcpu->hart.in_guest) && (atomic_load(&vcpu->hart.requests) & requests) != 0;
}

/* Others answer within a block's time, unless the host runs something else instead. A run ends when
 * it has served requests, so every answer comes by leave_guest(). */
static void wait_for_answer(struct vcpu *vcpu, uint32_t requests)
{
    for (unsigned tries = 0; tries < SPINS; tries++) {
        if (!outstanding(vcpu, requests))
            return;
        sched_yield();
    }
    pthread_mutex_lock(&vcpu->lock);
    atomic_fetch_add(&vcpu->waiters, 1);
    while (outstanding(vcpu, requests))
        pthread_cond_wait(&vcpu->answered, &vcpu->lock);
    atomic_fetch_sub(&vcpu->waiters, 1);
    pthread_mutex_unlock(&vcpu->lock);
}

void vcpu_request_and_wait(struct vcpu *self, struct vcpu *const *targets, unsigned count,
                           uint32_t requests)
{
    for (unsigned i = 0; i < count; i++)
        hart_request(&targets[i]->hart, requests);
    /* Two harts may wait for each other: while waiting, this one counts as out of the guest. It
     * serves what was posted meanwhile before its next block. */
    leave_guest(self);
    for (unsigned i = 0; i < count; i++)
        if (targets[i] != self)
            wait_for_answer(targets[i], requests);
    atomic_store(&self->hart.in_guest, true);
}

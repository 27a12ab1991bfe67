/* accel/vcpu.h - a hart with a thread: runs, sleeps in wfi, pauses, stops.
 *
 * The thread is in one of four places:
 *   guest     in accel_ops.vcpu_run, hart.in_guest true
 *   asleep    wfi, or stopped by SBI HSM: waits for an interrupt, a start, or a request
 *   parked    paused by vcpu_pause(); also before the first vcpu_resume()
 *   gone      after vcpu_free()
 * Asleep and parked it holds no lock and is outside the RCU read side.
 */
#ifndef ACCEL_VCPU_H
#define ACCEL_VCPU_H

#include <pthread.h>
#include <stdbool.h>

#include "accel/accel.h"
#include "cpu/hart.h"

/* What a vCPU asks of its machine; on the vCPU's thread. */
struct vcpu_ops {
    uint64_t (*time)(struct vcpu *vcpu); /* [any thread] ticks of the timebase */
    void (*arm_stimer)(struct vcpu *vcpu, uint64_t deadline);
    void (*sbi_call)(struct vcpu *vcpu);
};

/* SBI HSM's view of a hart (SBI 2.0, chapter 9). */
enum vcpu_run_state { VCPU_STARTED, VCPU_STOPPED, VCPU_START_PENDING, VCPU_SUSPENDED };

struct vcpu {
    struct hart hart; /* registers are exact while the thread is parked */
    struct accel *accel;
    unsigned index; /* hart id, 0 on */
    const struct vcpu_ops *ops;
    void *machine; /* of ops */
    void *engine;  /* of the accelerator */

    /* private */
    pthread_t thread;
    bool thread_started;
    /* `lock` guards what follows; a leaf: nothing is taken under it. */
    pthread_mutex_t lock;
    pthread_cond_t wake;     /* the thread waits here */
    pthread_cond_t parked;   /* vcpu_pause() waits here */
    pthread_cond_t answered; /* vcpu_request_and_wait() of others waits here */
    bool pause, quit, is_parked;
    enum vcpu_run_state state;
    bool resume_at_start; /* leaves its wfi at start_pc instead of behind it */
    uint64_t start_pc, start_opaque;
    _Atomic bool asleep;      /* a wake-up needs the lock and a signal */
    _Atomic unsigned waiters; /* on `answered` */
};

/* Makes the vCPU and its thread, parked. The hart is in reset at pc 0. Owned by the caller. */
int vcpu_new(struct vcpu **ret_vcpu, struct accel *accel, unsigned index,
             const struct vcpu_ops *ops, void *machine, struct error *err) NODISCARD;
/* Ends the thread wherever it is and waits for it. Not on a vCPU thread. NULL is fine. No other
 * vCPU of the accelerator runs: it might be asking this one. */
void vcpu_free(struct vcpu *vcpu);

/* Asks, without waiting; any thread. */
void vcpu_pause(struct vcpu *vcpu);
/* Waits until it is parked. Not on a vCPU thread, no device lock held. */
void vcpu_wait_parked(struct vcpu *vcpu);
void vcpu_resume(struct vcpu *vcpu);

/* While parked: what the hart does when it is resumed. */
void vcpu_set_started(struct vcpu *vcpu, bool started);

/* SBI HSM; any thread but where said. False: not in the state the call needs. */
bool vcpu_start(struct vcpu *vcpu, uint64_t pc, uint64_t opaque);
/* On its own thread, at a point where the engine may leave: */
void vcpu_stop_self(struct vcpu *vcpu);
/* Suspends like wfi; then goes on behind the call, or as a hart start at pc. */
void vcpu_suspend_self(struct vcpu *vcpu, bool retentive, uint64_t pc, uint64_t opaque);
enum vcpu_run_state vcpu_state(struct vcpu *vcpu);

/* On self's thread: posts `requests` (enum hart_request) to each vCPU of `targets` and returns
 * when each has served them or is certain to before it runs guest code again. self may be one. */
void vcpu_request_and_wait(struct vcpu *self, struct vcpu *const *targets, unsigned count,
                           uint32_t requests);

#endif

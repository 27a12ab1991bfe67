/* dbt/lockstep/lockstep.h - compiled code checked against T0 as it runs (--accel jit,lockstep).
 *
 * Compiled code runs as ever, on the guest's memory. A copy is kept of each page as it was before
 * the run first wrote it, and of what devices answered. Then a second hart, the twin, does the
 * same instructions with T0, from the state the run began with: it writes the copies, reads them
 * or, where nothing was written, the guest's memory, and gets the devices' answers again. After
 * that all registers, the copies and the memory must agree.
 *
 * So that nobody else's writes come between, one hart runs at a time: it has the *turn*, gives it
 * away between runs, and for the time of a helper call, which may wait for other harts and whose
 * effects are not repeatable; a run is checked up to the call, and another begins behind it.
 * A device's thread may still write to memory in mid-run. If the two differ then, nothing is made
 * of it, but counted (`lockstep.disturbed`).
 */
#ifndef DBT_LOCKSTEP_LOCKSTEP_H
#define DBT_LOCKSTEP_LOCKSTEP_H

#include "base/error.h"
#include "base/types.h"

struct dbt_config;
struct dbt_hart;
struct lockstep;
struct lockstep_hart;
struct strbuf;
struct t0_op;
struct tb;

int lockstep_new(struct lockstep **ret_lockstep, const struct dbt_config *config,
                 struct error *err) NODISCARD;
void lockstep_free(struct lockstep *lockstep); /* NULL is fine */
/* dh's part. */
int lockstep_hart_new(struct lockstep *lockstep, struct dbt_hart *dh, struct error *err) NODISCARD;
void lockstep_hart_free(struct dbt_hart *dh);

/* Called by the dispatcher: takes the turn, or gives others theirs if they wait. False: something
 * was found, and nothing is to run any more. */
bool lockstep_turn(struct dbt_hart *dh);
void lockstep_leave(struct dbt_hart *dh);
/* back_ops.enter, checked. */
void lockstep_enter(struct dbt_hart *dh, struct tb *tb, struct tb **ret_from, unsigned *ret_link);

/* Called by T0's CALL, before and after the helper. False: this is the twin, which ends here. */
bool lockstep_before_call(struct dbt_hart *dh, struct tb *tb, const struct t0_op *op, gva_t pc);
void lockstep_after_call(struct dbt_hart *dh, const struct t0_op *op, uint64_t result);
/* The hart, or its twin, takes an exception. */
void lockstep_raised(struct dbt_hart *dh);

/* "lockstep.runs N" and so on. */
void lockstep_stats(struct lockstep *lockstep, struct strbuf *out);

#endif

/* sbi/sbi_pmu.c - chapter 11, PMU: the two counters every hart has.
 *
 * Counter n stands for the CSR cycle + n. There are cycle (0) and instret (2), each with one
 * event it can count, and no firmware counters; 1 is time, which is not a performance counter,
 * and its number stays invalid so that numbers and CSRs agree. Counters belong to the calling
 * hart and their state to the host. There is no snapshot memory.
 */
#include "sbi/extension.h"

enum {
    PMU_NUM_COUNTERS,
    PMU_COUNTER_INFO,
    PMU_CONFIG_MATCHING,
    PMU_START,
    PMU_STOP,
    PMU_FW_READ,
    PMU_FW_READ_HI,
    PMU_SNAPSHOT_SET_SHMEM,
};

/* event_idx: a type in bits 19..16, 0 for general hardware events, and a code. */
enum { EVENT_CPU_CYCLES = 1, EVENT_INSTRUCTIONS = 2, EVENT_REF_CPU_CYCLES = 10 };

enum {
    CONFIG_SKIP_MATCH = 1 << 0,
    CONFIG_CLEAR_VALUE = 1 << 1,
    CONFIG_AUTO_START = 1 << 2,
    CONFIG_KNOWN = 0xff, /* bits 3 to 7 are filters by mode: hints, not followed */
    START_SET_VALUE = 1 << 0,
    START_FROM_SNAPSHOT = 1 << 1,
    START_KNOWN = 3,
    STOP_RESET = 1 << 0, /* forgets the event: each counter has but one */
    STOP_TAKE_SNAPSHOT = 1 << 1,
    STOP_KNOWN = 3,
};

enum { COUNTER_CYCLE = 0, COUNTER_INSTRET = 2, COUNTER_COUNT = 3 };

enum { CSR_CYCLE = 0xc00, COUNTER_BITS = 64 };

static bool available(const struct sbi_ops *ops, uint64_t id)
{
    (void)id;
    return ops->counter_read && ops->counter_start && ops->counter_stop && ops->counter_running;
}

static bool counter_valid(uint64_t counter)
{
    return counter == COUNTER_CYCLE || counter == COUNTER_INSTRET;
}

static bool counter_counts(unsigned counter, uint64_t event)
{
    if (counter == COUNTER_CYCLE)
        return event == EVENT_CPU_CYCLES || event == EVENT_REF_CPU_CYCLES;
    return event == EVENT_INSTRUCTIONS;
}

/* The set as a mask from counter 0; false if it names one that is not there. */
static bool counter_set(uint64_t base, uint64_t mask, uint64_t *ret_mask)
{
    const uint64_t valid = UINT64_C(1) << COUNTER_CYCLE | UINT64_C(1) << COUNTER_INSTRET;

    *ret_mask = 0;
    if (mask == 0)
        return true;
    if (base >= COUNTER_COUNT || (mask << base) >> base != mask || ((mask << base) & ~valid))
        return false;
    *ret_mask = mask << base;
    return true;
}

static struct sbi_result counter_info(uint64_t counter)
{
    if (!counter_valid(counter))
        return sbi_error(SBI_ERR_INVALID_PARAM);
    return sbi_value((CSR_CYCLE + counter) | (COUNTER_BITS - 1) << 12);
}

static struct sbi_result config_matching(const struct sbi_host *host, const struct sbi_call *call)
{
    uint64_t flags = call->arg[2], event = call->arg[3], data = call->arg[4];
    uint64_t mask;
    unsigned i;

    if (!counter_set(call->arg[0], call->arg[1], &mask) || (flags & ~(uint64_t)CONFIG_KNOWN))
        return sbi_error(SBI_ERR_INVALID_PARAM);
    for (i = 0; i < COUNTER_COUNT; i++) {
        bool start = flags & CONFIG_AUTO_START;

        if (!(mask >> i & 1))
            continue;
        if (!(flags & CONFIG_SKIP_MATCH) &&
            (data != 0 || !counter_counts(i, event) || host->ops->counter_running(host->ctx, i)))
            continue;
        /* To clear and not start is a start from zero and a stop at once: the caller, which is
         * in this very call, counts nothing between. */
        if (flags & CONFIG_CLEAR_VALUE) {
            bool running = host->ops->counter_running(host->ctx, i);

            host->ops->counter_start(host->ctx, i, true, 0);
            if (!start && !running)
                host->ops->counter_stop(host->ctx, i);
        } else if (start) {
            host->ops->counter_start(host->ctx, i, false, 0);
        }
        return sbi_value(i);
    }
    /* An empty set with SKIP_MATCH has no first counter; nothing can be said for it either. */
    return sbi_error(SBI_ERR_NOT_SUPPORTED);
}

/* Start and stop act on every counter they can: who stops "all" need not know which run. */
static struct sbi_result start(const struct sbi_host *host, const struct sbi_call *call)
{
    uint64_t flags = call->arg[2], value = call->arg[3];
    int64_t error = SBI_SUCCESS;
    uint64_t mask;
    unsigned i;

    if (!counter_set(call->arg[0], call->arg[1], &mask) || (flags & ~(uint64_t)START_KNOWN))
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (flags & START_FROM_SNAPSHOT)
        return sbi_error(SBI_ERR_NO_SHMEM);
    for (i = 0; i < COUNTER_COUNT; i++) {
        if (!(mask >> i & 1))
            continue;
        if (host->ops->counter_running(host->ctx, i))
            error = SBI_ERR_ALREADY_STARTED;
        else
            host->ops->counter_start(host->ctx, i, flags & START_SET_VALUE, value);
    }
    return sbi_error(error);
}

static struct sbi_result stop(const struct sbi_host *host, const struct sbi_call *call)
{
    uint64_t flags = call->arg[2];
    int64_t error = SBI_SUCCESS;
    uint64_t mask;
    unsigned i;

    if (!counter_set(call->arg[0], call->arg[1], &mask) || (flags & ~(uint64_t)STOP_KNOWN))
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (flags & STOP_TAKE_SNAPSHOT)
        return sbi_error(SBI_ERR_NO_SHMEM);
    for (i = 0; i < COUNTER_COUNT; i++) {
        if (!(mask >> i & 1))
            continue;
        if (host->ops->counter_running(host->ctx, i))
            host->ops->counter_stop(host->ctx, i);
        else
            error = SBI_ERR_ALREADY_STOPPED;
    }
    return sbi_error(error);
}

static struct sbi_result handle(const struct sbi_host *host, const struct sbi_call *call)
{
    switch (call->function) {
    case PMU_NUM_COUNTERS:
        return sbi_value(COUNTER_COUNT);
    case PMU_COUNTER_INFO:
        return counter_info(call->arg[0]);
    case PMU_CONFIG_MATCHING:
        return config_matching(host, call);
    case PMU_START:
        return start(host, call);
    case PMU_STOP:
        return stop(host, call);
    case PMU_FW_READ:
    case PMU_FW_READ_HI: /* every counter is a hardware counter, or invalid */
        return sbi_error(SBI_ERR_INVALID_PARAM);
    case PMU_SNAPSHOT_SET_SHMEM: /* "the SBI implementation may choose not to implement it" */
    default:
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    }
}

const struct sbi_extension sbi_pmu = {
    .first_id = SBI_EXT_PMU,
    .last_id = SBI_EXT_PMU,
    .available = available,
    .handle = handle,
};

/* sbi/sbi_hsm.c - chapter 9, HSM: starting, stopping and suspending harts.
 *
 * Which state a hart is in is the host's to keep, and to change without a race; the library only
 * says what a call means.
 */
#include "sbi/extension.h"

enum { HSM_START, HSM_STOP, HSM_STATUS, HSM_SUSPEND };

/* 9.4: 32 bits, the platform has no types of its own. */
#define SUSPEND_RETENTIVE UINT32_C(0)
#define SUSPEND_NON_RETENTIVE UINT32_C(0x80000000)

static bool available(const struct sbi_ops *ops, uint64_t id)
{
    (void)id;
    return ops->hart_exists && ops->hart_start && ops->hart_stop && ops->hart_status;
}

static struct sbi_result suspend(const struct sbi_host *host, const struct sbi_call *call)
{
    uint32_t type = (uint32_t)call->arg[0];

    if (!host->ops->hart_suspend)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    if (type != SUSPEND_RETENTIVE && type != SUSPEND_NON_RETENTIVE)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    return sbi_error(
        host->ops->hart_suspend(host->ctx, type == SUSPEND_RETENTIVE, call->arg[1], call->arg[2]));
}

static struct sbi_result status(const struct sbi_host *host, uint64_t hart)
{
    enum sbi_hart_state state;
    int error;

    if (!host->ops->hart_exists(host->ctx, hart))
        return sbi_error(SBI_ERR_INVALID_PARAM);
    error = host->ops->hart_status(host->ctx, hart, &state);
    return error ? sbi_error(error) : sbi_value(state);
}

static struct sbi_result handle(const struct sbi_host *host, const struct sbi_call *call)
{
    switch (call->function) {
    case HSM_START:
        if (!host->ops->hart_exists(host->ctx, call->arg[0]))
            return sbi_error(SBI_ERR_INVALID_PARAM);
        return sbi_error(
            host->ops->hart_start(host->ctx, call->arg[0], call->arg[1], call->arg[2]));
    case HSM_STOP:
        return sbi_error(host->ops->hart_stop(host->ctx));
    case HSM_STATUS:
        return status(host, call->arg[0]);
    case HSM_SUSPEND:
        return suspend(host, call);
    default:
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    }
}

const struct sbi_extension sbi_hsm = {
    .first_id = SBI_EXT_HSM,
    .last_id = SBI_EXT_HSM,
    .available = available,
    .handle = handle,
};

/* sbi/sbi_susp.c - chapter 13, SUSP: suspend to RAM, the one sleep type there is. */
#include "sbi/extension.h"

enum { SUSP_SUSPEND };

static bool available(const struct sbi_ops *ops, uint64_t id)
{
    (void)id;
    return ops->system_suspend != NULL;
}

static struct sbi_result handle(const struct sbi_host *host, const struct sbi_call *call)
{
    const uint32_t suspend_to_ram = 0;

    if (call->function != SUSP_SUSPEND)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    if ((uint32_t)call->arg[0] != suspend_to_ram)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    return sbi_error(host->ops->system_suspend(host->ctx, call->arg[1], call->arg[2]));
}

const struct sbi_extension sbi_susp = {
    .first_id = SBI_EXT_SUSP,
    .last_id = SBI_EXT_SUSP,
    .available = available,
    .handle = handle,
};

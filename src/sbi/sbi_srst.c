/* sbi/sbi_srst.c - chapter 10, SRST: shutdown and reboot. */
#include "sbi/extension.h"

enum { SRST_RESET };

/* Tables "SRST System Reset Types" and "Reasons": what is neither reserved nor a platform's own. */
enum { RESET_TYPE_LAST = SBI_RESET_WARM, RESET_REASON_LAST = 1 };

static bool available(const struct sbi_ops *ops, uint64_t id)
{
    (void)id;
    return ops->system_reset != NULL;
}

static struct sbi_result handle(const struct sbi_host *host, const struct sbi_call *call)
{
    uint32_t type = (uint32_t)call->arg[0], reason = (uint32_t)call->arg[1];

    if (call->function != SRST_RESET)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    if (type > RESET_TYPE_LAST || reason > RESET_REASON_LAST)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    return sbi_error(host->ops->system_reset(host->ctx, (enum sbi_reset_type)type, reason));
}

const struct sbi_extension sbi_srst = {
    .first_id = SBI_EXT_SRST,
    .last_id = SBI_EXT_SRST,
    .available = available,
    .handle = handle,
};

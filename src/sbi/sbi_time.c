/* sbi/sbi_time.c - chapter 6, TIME: the calling hart's next timer interrupt. */
#include "sbi/extension.h"

enum { TIME_SET_TIMER };

static bool available(const struct sbi_ops *ops, uint64_t id)
{
    (void)id;
    return ops->set_timer != NULL;
}

static struct sbi_result handle(const struct sbi_host *host, const struct sbi_call *call)
{
    if (call->function != TIME_SET_TIMER)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    host->ops->set_timer(host->ctx, call->arg[0]);
    return sbi_value(0);
}

const struct sbi_extension sbi_time = {
    .first_id = SBI_EXT_TIME,
    .last_id = SBI_EXT_TIME,
    .available = available,
    .handle = handle,
};

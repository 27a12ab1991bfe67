/* sbi/sbi_ipi.c - chapter 7, IPI: supervisor software interrupts in other harts. */
#include "sbi/extension.h"

enum { IPI_SEND };

static bool available(const struct sbi_ops *ops, uint64_t id)
{
    (void)id;
    return ops->send_ipi != NULL && ops->hart_exists != NULL;
}

static struct sbi_result handle(const struct sbi_host *host, const struct sbi_call *call)
{
    const struct sbi_hart_set set = { .mask = call->arg[0], .base = call->arg[1] };

    if (call->function != IPI_SEND)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    if (!sbi_hart_set_valid(host, &set))
        return sbi_error(SBI_ERR_INVALID_PARAM);
    host->ops->send_ipi(host->ctx, &set);
    return sbi_value(0);
}

const struct sbi_extension sbi_ipi = {
    .first_id = SBI_EXT_IPI,
    .last_id = SBI_EXT_IPI,
    .available = available,
    .handle = handle,
};

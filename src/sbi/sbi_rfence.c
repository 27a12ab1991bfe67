/* sbi/sbi_rfence.c - chapter 8, RFENCE: FENCE.I and SFENCE.VMA in other harts.
 *
 * The fences of the hypervisor extension (functions 3 to 6) are not offered.
 */
#include "sbi/extension.h"

enum { RFENCE_I, RFENCE_VMA, RFENCE_VMA_ASID };

enum { ASID_MAX = 0xffff }; /* satp.ASID has 16 bits at most */

static bool available(const struct sbi_ops *ops, uint64_t id)
{
    (void)id;
    return ops->remote_fence != NULL && ops->hart_exists != NULL;
}

static struct sbi_result handle(const struct sbi_host *host, const struct sbi_call *call)
{
    const struct sbi_hart_set set = { .mask = call->arg[0], .base = call->arg[1] };
    uint64_t gva = call->arg[2], size = call->arg[3], asid = call->arg[4];
    enum sbi_fence_kind kind;

    switch (call->function) {
    case RFENCE_I:
        kind = SBI_FENCE_I;
        gva = size = asid = 0;
        break;
    case RFENCE_VMA:
        kind = SBI_FENCE_VMA;
        asid = 0;
        break;
    case RFENCE_VMA_ASID:
        kind = SBI_FENCE_VMA_ASID;
        break;
    default:
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    }
    if (!sbi_hart_set_valid(host, &set) || asid > ASID_MAX)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    /* 8: these two mean the whole address space. So does here a range that wraps: more is
     * fenced than was asked, which is always right. */
    if (kind != SBI_FENCE_I && ((gva == 0 && size == 0) || size > UINT64_MAX - gva)) {
        gva = 0;
        size = UINT64_MAX;
    }
    host->ops->remote_fence(host->ctx, &set, kind, gva, size, asid);
    return sbi_value(0);
}

const struct sbi_extension sbi_rfence = {
    .first_id = SBI_EXT_RFENCE,
    .last_id = SBI_EXT_RFENCE,
    .available = available,
    .handle = handle,
};

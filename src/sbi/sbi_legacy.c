/* sbi/sbi_legacy.c - chapter 5: the calls of SBI 0.1, an extension ID each, results in a0 only.
 *
 * A hart mask is given by its virtual address; harts 0 to 63 are reachable, bits of harts that
 * do not exist are ignored, and the address 0 means every hart.
 */
#include "sbi/extension.h"

enum {
    LEGACY_SET_TIMER,
    LEGACY_PUTCHAR,
    LEGACY_GETCHAR,
    LEGACY_CLEAR_IPI,
    LEGACY_SEND_IPI,
    LEGACY_FENCE_I,
    LEGACY_FENCE_VMA,
    LEGACY_FENCE_VMA_ASID,
    LEGACY_SHUTDOWN,
};

static bool available(const struct sbi_ops *ops, uint64_t id)
{
    switch (id) {
    case LEGACY_SET_TIMER:
        return ops->set_timer != NULL;
    case LEGACY_PUTCHAR:
        return ops->console_putchar != NULL;
    case LEGACY_GETCHAR:
        return ops->console_getchar != NULL;
    case LEGACY_CLEAR_IPI:
        return ops->clear_ipi != NULL;
    case LEGACY_SEND_IPI:
        return ops->read_gva && ops->hart_exists && ops->send_ipi;
    case LEGACY_FENCE_I:
    case LEGACY_FENCE_VMA:
    case LEGACY_FENCE_VMA_ASID:
        return ops->read_gva && ops->hart_exists && ops->remote_fence;
    case LEGACY_SHUTDOWN:
        return ops->system_reset != NULL;
    default:
        return false;
    }
}

/* False: reading the mask trapped, there is nothing more to do. */
static bool read_set(const struct sbi_host *host, uint64_t gva, struct sbi_hart_set *ret_set)
{
    uint64_t mask, left;

    *ret_set = (struct sbi_hart_set){ .mask = 0, .base = UINT64_MAX };
    if (gva == 0)
        return true;
    if (!host->ops->read_gva(host->ctx, gva, &mask))
        return false;
    ret_set->base = 0;
    for (left = mask; left; left &= left - 1) {
        if (host->ops->hart_exists(host->ctx, (uint64_t)__builtin_ctzll(left)))
            ret_set->mask |= left & -left;
    }
    return true;
}

/* The rest is as in the extension that replaces the call, which has the mask and its base in
 * front where this one has an address. */
static struct sbi_result with_hart_mask(const struct sbi_host *host, const struct sbi_call *call)
{
    struct sbi_call modern = { .arg = { 0, 0, call->arg[1], call->arg[2], call->arg[3] } };
    struct sbi_hart_set set;

    if (!read_set(host, call->arg[0], &set))
        return sbi_value(0);
    modern.arg[0] = set.mask;
    modern.arg[1] = set.base;
    if (call->extension == LEGACY_SEND_IPI)
        return sbi_ipi.handle(host, &modern);
    modern.function = call->extension - LEGACY_FENCE_I; /* the order is the same */
    return sbi_rfence.handle(host, &modern);
}

static struct sbi_result handle(const struct sbi_host *host, const struct sbi_call *call)
{
    switch (call->extension) {
    case LEGACY_SET_TIMER:
        host->ops->set_timer(host->ctx, call->arg[0]);
        return sbi_value(0);
    case LEGACY_PUTCHAR:
        host->ops->console_putchar(host->ctx, (uint8_t)call->arg[0]);
        return sbi_value(0);
    case LEGACY_GETCHAR:
        return sbi_error(host->ops->console_getchar(host->ctx));
    case LEGACY_CLEAR_IPI:
        return sbi_error(host->ops->clear_ipi(host->ctx));
    case LEGACY_SHUTDOWN:
        return sbi_error(host->ops->system_reset(host->ctx, SBI_RESET_SHUTDOWN, 0));
    default:
        return with_hart_mask(host, call);
    }
}

const struct sbi_extension sbi_legacy = {
    .first_id = 0,
    .last_id = SBI_LEGACY_LAST,
    .available = available,
    .handle = handle,
};

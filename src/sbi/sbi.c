/* sbi/sbi.c - finds the extension a call is for and lets it answer.
 *
 * Every extension decodes and checks a call in full before its first op, so a call that fails
 * has had no effect. Nothing here allocates, blocks or keeps state; what can block is the op's.
 */
#include "sbi/sbi.h"

#include "sbi/extension.h"

static const struct sbi_extension *const sbi_extensions[] = {
    &sbi_base, &sbi_time, &sbi_ipi,  &sbi_rfence, &sbi_hsm,
    &sbi_srst, &sbi_dbcn, &sbi_susp, &sbi_pmu,    &sbi_legacy,
};

static const struct sbi_extension *find(const struct sbi_ops *ops, uint64_t id)
{
    unsigned i;

    for (i = 0; i < ARRAY_LEN(sbi_extensions); i++) {
        const struct sbi_extension *e = sbi_extensions[i];

        if (id >= e->first_id && id <= e->last_id)
            return e->available(ops, id) ? e : NULL;
    }
    return NULL;
}

bool sbi_probe(const struct sbi_ops *ops, uint64_t id)
{
    return find(ops, id) != NULL;
}

bool sbi_hart_set_valid(const struct sbi_host *host, const struct sbi_hart_set *set)
{
    uint64_t mask;

    if (set->base == UINT64_MAX)
        return true;
    for (mask = set->mask; mask; mask &= mask - 1) {
        uint64_t bit = (uint64_t)__builtin_ctzll(mask);

        if (set->base + bit < set->base || !host->ops->hart_exists(host->ctx, set->base + bit))
            return false;
    }
    return true;
}

struct sbi_result sbi_handle(const struct sbi_ops *ops, void *ctx, const struct sbi_call *call,
                             bool *ret_legacy)
{
    const struct sbi_host host = { .ops = ops, .ctx = ctx };
    const struct sbi_extension *e = find(ops, call->extension);

    *ret_legacy = call->extension <= SBI_LEGACY_LAST;
    return e ? e->handle(&host, call) : sbi_error(SBI_ERR_NOT_SUPPORTED);
}

/* sbi/sbi_base.c - chapter 4, BASE: versions, identities, and what else is there. */
#include "sbi/extension.h"

enum {
    BASE_SPEC_VERSION,
    BASE_IMPL_ID,
    BASE_IMPL_VERSION,
    BASE_PROBE,
    BASE_MVENDORID,
    BASE_MARCHID,
    BASE_MIMPID,
};

/* 4.1: major in bits 30..24, minor below. */
#define SPEC_VERSION (UINT64_C(2) << 24)

static bool available(const struct sbi_ops *ops, uint64_t id)
{
    (void)ops, (void)id;
    return true;
}

static struct sbi_result handle(const struct sbi_host *host, const struct sbi_call *call)
{
    switch (call->function) {
    case BASE_SPEC_VERSION:
        return sbi_value(SPEC_VERSION);
    case BASE_IMPL_ID:
        return sbi_value(host->ops->impl_id);
    case BASE_IMPL_VERSION:
        return sbi_value(host->ops->impl_version);
    case BASE_PROBE:
        return sbi_value(sbi_probe(host->ops, call->arg[0]));
    case BASE_MVENDORID:
        return sbi_value(host->ops->mvendorid);
    case BASE_MARCHID:
        return sbi_value(host->ops->marchid);
    case BASE_MIMPID:
        return sbi_value(host->ops->mimpid);
    default:
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    }
}

const struct sbi_extension sbi_base = {
    .first_id = SBI_EXT_BASE,
    .last_id = SBI_EXT_BASE,
    .available = available,
    .handle = handle,
};

/* sbi/sbi_dbcn.c - chapter 12, DBCN: the debug console, by ranges of physical memory. */
#include "sbi/extension.h"

enum { DBCN_WRITE, DBCN_READ, DBCN_WRITE_BYTE };

static bool available(const struct sbi_ops *ops, uint64_t id)
{
    (void)id;
    return ops->console_write && ops->console_read && ops->console_putchar;
}

/* Write or read: arguments are the length and the two halves of the address. */
static struct sbi_result transfer(const struct sbi_host *host, const struct sbi_call *call,
                                  int64_t (*op)(void *ctx, uint64_t gpa, uint64_t len))
{
    uint64_t len = call->arg[0], gpa = call->arg[1], gpa_hi = call->arg[2];
    int64_t done;

    if (gpa_hi != 0 || (len != 0 && len - 1 > UINT64_MAX - gpa))
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (len == 0)
        return sbi_value(0);
    done = op(host->ctx, gpa, len);
    if (done >= 0)
        return sbi_value((uint64_t)done);
    /* The table of this chapter has no INVALID_ADDRESS. */
    return sbi_error(done == SBI_ERR_INVALID_ADDRESS ? SBI_ERR_INVALID_PARAM : done);
}

static struct sbi_result handle(const struct sbi_host *host, const struct sbi_call *call)
{
    switch (call->function) {
    case DBCN_WRITE:
        return transfer(host, call, host->ops->console_write);
    case DBCN_READ:
        return transfer(host, call, host->ops->console_read);
    case DBCN_WRITE_BYTE:
        host->ops->console_putchar(host->ctx, (uint8_t)call->arg[0]);
        return sbi_value(0);
    default:
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    }
}

const struct sbi_extension sbi_dbcn = {
    .first_id = SBI_EXT_DBCN,
    .last_id = SBI_EXT_DBCN,
    .available = available,
    .handle = handle,
};

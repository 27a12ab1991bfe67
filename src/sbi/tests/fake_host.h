/* sbi/tests/fake_host.h - a host of the library that writes down what it is asked.
 *
 * Harts 0, 1, 3 and 64 exist. Each op appends one line to `log`, so a test compares text.
 */
#ifndef SBI_TESTS_FAKE_HOST_H
#define SBI_TESTS_FAKE_HOST_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "sbi/sbi.h"

struct fake_host {
    char log[1024];
    size_t used;
    int op_result;       /* of the ops that return an sbi_error */
    int64_t transferred; /* of console_write and console_read */
    int key;             /* of console_getchar */
    bool ipi_pending, mask_traps;
    uint64_t mask; /* what is at any address */
    enum sbi_hart_state state;
    bool running[3];
    uint64_t counter[3];
};

static inline PRINTF(2, 3) void fake_log(struct fake_host *h, const char *fmt, ...)
{
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(h->log + h->used, sizeof(h->log) - h->used, fmt, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof(h->log) - h->used)
        h->used += (size_t)n;
}

static bool fake_hart_exists(void *ctx, uint64_t hart)
{
    (void)ctx;
    return hart == 0 || hart == 1 || hart == 3 || hart == 64;
}

static void fake_set_timer(void *ctx, uint64_t deadline)
{
    fake_log(ctx, "timer %" PRIx64 "\n", deadline);
}

static void fake_send_ipi(void *ctx, const struct sbi_hart_set *set)
{
    fake_log(ctx, "ipi %" PRIx64 " %" PRIx64 "\n", set->mask, set->base);
}

static bool fake_clear_ipi(void *ctx)
{
    struct fake_host *h = ctx;
    bool was = h->ipi_pending;

    fake_log(h, "clear_ipi\n");
    h->ipi_pending = false;
    return was;
}

static void fake_remote_fence(void *ctx, const struct sbi_hart_set *set, enum sbi_fence_kind kind,
                              uint64_t gva, uint64_t size, uint64_t asid)
{
    fake_log(ctx, "fence %d %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 "\n",
             (int)kind, set->mask, set->base, gva, size, asid);
}

static int fake_hart_start(void *ctx, uint64_t hart, uint64_t gpa, uint64_t opaque)
{
    struct fake_host *h = ctx;

    fake_log(h, "start %" PRIx64 " %" PRIx64 " %" PRIx64 "\n", hart, gpa, opaque);
    return h->op_result;
}

static int fake_hart_stop(void *ctx)
{
    struct fake_host *h = ctx;

    fake_log(h, "stop\n");
    return h->op_result;
}

static int fake_hart_status(void *ctx, uint64_t hart, enum sbi_hart_state *ret_state)
{
    struct fake_host *h = ctx;

    fake_log(h, "status %" PRIx64 "\n", hart);
    if (h->op_result == 0)
        *ret_state = h->state;
    return h->op_result;
}

static int fake_hart_suspend(void *ctx, bool retentive, uint64_t gpa, uint64_t opaque)
{
    struct fake_host *h = ctx;

    fake_log(h, "suspend %d %" PRIx64 " %" PRIx64 "\n", retentive, gpa, opaque);
    return h->op_result;
}

static int fake_system_reset(void *ctx, enum sbi_reset_type type, uint32_t reason)
{
    struct fake_host *h = ctx;

    fake_log(h, "reset %d %" PRIu32 "\n", (int)type, reason);
    return h->op_result;
}

static int fake_system_suspend(void *ctx, uint64_t gpa, uint64_t opaque)
{
    struct fake_host *h = ctx;

    fake_log(h, "sleep %" PRIx64 " %" PRIx64 "\n", gpa, opaque);
    return h->op_result;
}

static int64_t fake_console_write(void *ctx, uint64_t gpa, uint64_t len)
{
    struct fake_host *h = ctx;

    fake_log(h, "write %" PRIx64 " %" PRIx64 "\n", gpa, len);
    return h->transferred;
}

static int64_t fake_console_read(void *ctx, uint64_t gpa, uint64_t len)
{
    struct fake_host *h = ctx;

    fake_log(h, "read %" PRIx64 " %" PRIx64 "\n", gpa, len);
    return h->transferred;
}

static void fake_console_putchar(void *ctx, uint8_t byte)
{
    fake_log(ctx, "put %02x\n", byte);
}

static int fake_console_getchar(void *ctx)
{
    struct fake_host *h = ctx;

    fake_log(h, "get\n");
    return h->key;
}

static uint64_t fake_counter_read(void *ctx, unsigned counter)
{
    struct fake_host *h = ctx;

    return h->counter[counter];
}

static void fake_counter_start(void *ctx, unsigned counter, bool set, uint64_t value)
{
    struct fake_host *h = ctx;

    fake_log(h, "count %u %d %" PRIx64 "\n", counter, set, value);
    h->running[counter] = true;
    if (set)
        h->counter[counter] = value;
}

static void fake_counter_stop(void *ctx, unsigned counter)
{
    struct fake_host *h = ctx;

    fake_log(h, "halt %u\n", counter);
    h->running[counter] = false;
}

static bool fake_counter_running(void *ctx, unsigned counter)
{
    struct fake_host *h = ctx;

    return h->running[counter];
}

static bool fake_read_gva(void *ctx, uint64_t gva, uint64_t *ret_word)
{
    struct fake_host *h = ctx;

    fake_log(h, "load %" PRIx64 "\n", gva);
    if (h->mask_traps)
        return false;
    *ret_word = h->mask;
    return true;
}

static const struct sbi_ops fake_ops = {
    .impl_id = 0x1234,
    .impl_version = 0x5678,
    .mvendorid = 11,
    .marchid = 22,
    .mimpid = 33,
    .hart_exists = fake_hart_exists,
    .set_timer = fake_set_timer,
    .send_ipi = fake_send_ipi,
    .clear_ipi = fake_clear_ipi,
    .remote_fence = fake_remote_fence,
    .hart_start = fake_hart_start,
    .hart_stop = fake_hart_stop,
    .hart_status = fake_hart_status,
    .hart_suspend = fake_hart_suspend,
    .system_reset = fake_system_reset,
    .system_suspend = fake_system_suspend,
    .console_write = fake_console_write,
    .console_read = fake_console_read,
    .console_putchar = fake_console_putchar,
    .console_getchar = fake_console_getchar,
    .counter_read = fake_counter_read,
    .counter_start = fake_counter_start,
    .counter_stop = fake_counter_stop,
    .counter_running = fake_counter_running,
    .read_gva = fake_read_gva,
};

#endif

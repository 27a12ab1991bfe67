/* sbi/tests/fuzz_sbi.c - calls from bytes: no call reaches an op with what the ops table says an
 * op never gets, and one that fails at decoding has had no effect.
 *
 * Input: records of 2 bytes (extension and function, as small numbers) and 5 arguments, each a
 * byte that picks a telling value or, if 255, eight bytes of its own.
 */
#include <stddef.h>
#include <stdlib.h>

#include "sbi/tests/fake_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void check_set(const struct sbi_hart_set *set)
{
    unsigned i;

    if (set->base == UINT64_MAX)
        return;
    for (i = 0; i < 64; i++) {
        if (set->mask >> i & 1)
            require(set->base + i >= set->base && fake_hart_exists(NULL, set->base + i));
    }
}

static void checked_ipi(void *ctx, const struct sbi_hart_set *set)
{
    check_set(set);
    fake_send_ipi(ctx, set);
}

static void checked_fence(void *ctx, const struct sbi_hart_set *set, enum sbi_fence_kind kind,
                          uint64_t gva, uint64_t size, uint64_t asid)
{
    check_set(set);
    require(asid <= 0xffff && (kind == SBI_FENCE_VMA_ASID || asid == 0));
    require(kind != SBI_FENCE_I || (gva == 0 && size == 0));
    require(size == UINT64_MAX ? gva == 0 : gva + size >= gva);
    fake_remote_fence(ctx, set, kind, gva, size, asid);
}

static int64_t checked_write(void *ctx, uint64_t gpa, uint64_t len)
{
    require(len != 0 && gpa + (len - 1) >= gpa);
    return fake_console_write(ctx, gpa, len);
}

static int checked_start(void *ctx, uint64_t hart, uint64_t gpa, uint64_t opaque)
{
    require(fake_hart_exists(ctx, hart));
    return fake_hart_start(ctx, hart, gpa, opaque);
}

static int checked_reset(void *ctx, enum sbi_reset_type type, uint32_t reason)
{
    require(type <= SBI_RESET_WARM && reason <= 1);
    return fake_system_reset(ctx, type, reason);
}

static uint64_t pick(const uint8_t **data, size_t *size)
{
    static const uint64_t values[] = { 0,          1,          2,          3,
                                       4,          5,          7,          8,
                                       64,         63,         UINT64_MAX, UINT64_MAX - 1,
                                       0x10000,    0xffff,     0x80000000, UINT64_C(1) << 63,
                                       0xf0005,    0x80001000, 0x1000,     UINT64_MAX >> 1,
                                       SBI_EXT_HSM };
    uint64_t v = 0;
    uint8_t b;

    if (*size == 0)
        return 0;
    b = *(*data)++;
    --*size;
    if (b != 255)
        return values[b % ARRAY_LEN(values)];
    if (*size < sizeof(v))
        return 0;
    memcpy(&v, *data, sizeof(v));
    *data += sizeof(v);
    *size -= sizeof(v);
    return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t ids[] = { SBI_EXT_BASE, SBI_EXT_TIME, SBI_EXT_IPI, SBI_EXT_RFENCE,
                                    SBI_EXT_HSM,  SBI_EXT_SRST, SBI_EXT_PMU, SBI_EXT_DBCN,
                                    SBI_EXT_SUSP, 0x11,         UINT64_MAX };
    struct fake_host host = { .mask = size * UINT64_C(0x9e3779b97f4a7c15) };
    struct sbi_ops ops = fake_ops;

    ops.send_ipi = checked_ipi;
    ops.remote_fence = checked_fence;
    ops.console_write = ops.console_read = checked_write;
    ops.hart_start = checked_start;
    ops.system_reset = checked_reset;
    while (size >= 2) {
        struct sbi_call call = { .function = data[1] & 0x80 ? UINT64_MAX : data[1] };
        struct sbi_result r;
        bool legacy;
        unsigned i;

        call.extension = data[0] < 32 ? data[0] : ids[data[0] % ARRAY_LEN(ids)];
        data += 2;
        size -= 2;
        for (i = 0; i < 5; i++)
            call.arg[i] = pick(&data, &size);
        host.used = 0;
        r = sbi_handle(&ops, &host, &call, &legacy);
        require(legacy == (call.extension < 0x10));
        require(legacy || r.error <= 0);
        require(r.error == 0 || r.value == 0);
        if (!legacy && r.error == SBI_ERR_INVALID_PARAM)
            require(host.used == 0);
        if (r.error == SBI_ERR_NOT_SUPPORTED)
            require(host.used == 0);
    }
    return 0;
}

/* sbi/sbi.h - the RISC-V Supervisor Binary Interface, v2.0 and SUSP, DBCN, PMU, as a library.
 *
 * Freestanding. One call is answered by sbi_handle(): it decodes, checks, and acts through the
 * ops of the host of the library (Vireo's built-in firmware, or hyp/). It keeps no state.
 * Sections are of the RISC-V SBI Specification 2.0.
 */
#ifndef SBI_SBI_H
#define SBI_SBI_H

#include <stdbool.h>
#include <stdint.h>

/* 3: error codes are the ABI's own negative numbers. */
enum sbi_error {
    SBI_SUCCESS = 0,
    SBI_ERR_FAILED = -1,
    SBI_ERR_NOT_SUPPORTED = -2,
    SBI_ERR_INVALID_PARAM = -3,
    SBI_ERR_DENIED = -4,
    SBI_ERR_INVALID_ADDRESS = -5,
    SBI_ERR_ALREADY_AVAILABLE = -6,
    SBI_ERR_ALREADY_STARTED = -7,
    SBI_ERR_ALREADY_STOPPED = -8,
    SBI_ERR_NO_SHMEM = -9,
};

/* Extension IDs. The legacy calls are 0x0 to 0x8. */
enum sbi_extension_id {
    SBI_EXT_BASE = 0x10,
    SBI_EXT_TIME = 0x54494d45,
    SBI_EXT_IPI = 0x735049,
    SBI_EXT_RFENCE = 0x52464e43,
    SBI_EXT_HSM = 0x48534d,
    SBI_EXT_SRST = 0x53525354,
    SBI_EXT_PMU = 0x504d55,
    SBI_EXT_DBCN = 0x4442434e,
    SBI_EXT_SUSP = 0x53555350,
};

/* 9: HSM hart states. */
enum sbi_hart_state {
    SBI_HART_STARTED,
    SBI_HART_STOPPED,
    SBI_HART_START_PENDING,
    SBI_HART_STOP_PENDING,
    SBI_HART_SUSPENDED,
    SBI_HART_SUSPEND_PENDING,
    SBI_HART_RESUME_PENDING,
};

/* Harts a call is for: all, or those whose bit (id - base) is set. An op gets only sets whose
 * every hart exists; one hart may be the caller. */
struct sbi_hart_set {
    uint64_t mask;
    uint64_t base; /* UINT64_MAX: all */
};

static inline bool sbi_hart_set_has(const struct sbi_hart_set *set, uint64_t hart)
{
    if (set->base == UINT64_MAX)
        return true;
    return hart >= set->base && hart - set->base < 64 && (set->mask >> (hart - set->base) & 1);
}

enum sbi_fence_kind { SBI_FENCE_I, SBI_FENCE_VMA, SBI_FENCE_VMA_ASID };
enum sbi_reset_type { SBI_RESET_SHUTDOWN, SBI_RESET_COLD, SBI_RESET_WARM };

/* A call's registers: a7 extension, a6 function, a0..a5 arguments. */
struct sbi_call {
    uint64_t extension, function, arg[6];
};
/* What goes back: a0 and a1; the value is 0 with an error. */
struct sbi_result {
    int64_t error;
    uint64_t value;
};

/* What the library asks of its host; `ctx` is what sbi_handle() got, the calling hart is in it.
 * An op that is NULL makes its extension probe as absent. int results are enum sbi_error. */
struct sbi_ops {
    uint64_t impl_id, impl_version; /* 4.3, 4.4 */
    uint64_t mvendorid, marchid, mimpid;
    bool (*hart_exists)(void *ctx, uint64_t hart);
    void (*set_timer)(void *ctx, uint64_t deadline);             /* 6.1: also clears STIP */
    void (*send_ipi)(void *ctx, const struct sbi_hart_set *set); /* 7.1: sets SSIP in each */
    bool (*clear_ipi)(void *ctx); /* 5.4: was one pending on this hart? may be NULL */
    /* 8: returns when every hart of the set (all existing) has done it. size UINT64_MAX, and then
     * gva is 0: the whole address space. Otherwise gva + size does not wrap. gva and size are 0
     * for FENCE_I, asid except for FENCE_VMA_ASID. */
    void (*remote_fence)(void *ctx, const struct sbi_hart_set *set, enum sbi_fence_kind kind,
                         uint64_t gva, uint64_t size, uint64_t asid);
    int (*hart_start)(void *ctx, uint64_t hart, uint64_t gpa, uint64_t opaque); /* 9.1 */
    int (*hart_stop)(void *ctx);                                                /* 9.2 */
    int (*hart_status)(void *ctx, uint64_t hart, enum sbi_hart_state *ret_state);
    /* 9.4: retentive: returns to the caller after an interrupt; else resumes at gpa. */
    int (*hart_suspend)(void *ctx, bool retentive, uint64_t gpa, uint64_t opaque);
    int (*system_reset)(void *ctx, enum sbi_reset_type type, uint32_t reason); /* 10 */
    int (*system_suspend)(void *ctx, uint64_t gpa, uint64_t opaque);           /* 13 SUSP */
    /* 12 DBCN: bytes done, perhaps fewer than asked, or an sbi_error. The range is not empty and
     * does not wrap; whether there is memory is the host's to see (SBI_ERR_INVALID_PARAM), and
     * so is a limit to what one call does. */
    int64_t (*console_write)(void *ctx, uint64_t gpa, uint64_t len);
    int64_t (*console_read)(void *ctx, uint64_t gpa, uint64_t len);
    void (*console_putchar)(void *ctx, uint8_t byte);
    int (*console_getchar)(void *ctx); /* -1: none */
    /* 11 PMU: three fixed counters (0 cycle, 1 time: never offered, 2 instret). */
    uint64_t (*counter_read)(void *ctx, unsigned counter);
    void (*counter_start)(void *ctx, unsigned counter, bool set, uint64_t value);
    void (*counter_stop)(void *ctx, unsigned counter);
    bool (*counter_running)(void *ctx, unsigned counter);
    /* 5.5: the hart mask of a legacy call, one aligned load as the caller would do it. False: it
     * trapped, the host has redirected the hart, and the call has no result. May be NULL: then
     * the legacy calls that take a mask are absent. */
    bool (*read_gva)(void *ctx, uint64_t gva, uint64_t *ret_word);
};

/* Legacy calls (5) write a0 only: *ret_legacy tells. Must the host retire the ecall at all? Not
 * when an op has started, stopped or redirected the hart (read_gva, hart_stop, hart_suspend,
 * system_reset, system_suspend): the host knows, having done it. */
struct sbi_result sbi_handle(const struct sbi_ops *ops, void *ctx, const struct sbi_call *call,
                             bool *ret_legacy);

#endif

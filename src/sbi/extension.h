/* sbi/extension.h - what an extension is to the library. Private to sbi/.
 *
 * Each sbi_<name>.c ends in one const struct; sbi.c lists them.
 */
#ifndef SBI_EXTENSION_H
#define SBI_EXTENSION_H

#include "base/compiler.h"
#include "sbi/sbi.h"

enum { SBI_LEGACY_LAST = 0xf };

/* The host and what it knows the calling hart by. */
struct sbi_host {
    const struct sbi_ops *ops;
    void *ctx;
};

struct sbi_extension {
    uint64_t first_id, last_id;
    /* Does the host have the ops this ID needs? */
    bool (*available)(const struct sbi_ops *ops, uint64_t id);
    /* Asked only when available. */
    struct sbi_result (*handle)(const struct sbi_host *host, const struct sbi_call *call);
};

extern const struct sbi_extension sbi_legacy;
extern const struct sbi_extension sbi_base;
extern const struct sbi_extension sbi_time;
extern const struct sbi_extension sbi_ipi;
extern const struct sbi_extension sbi_rfence;
extern const struct sbi_extension sbi_hsm;
extern const struct sbi_extension sbi_srst;
extern const struct sbi_extension sbi_pmu;
extern const struct sbi_extension sbi_dbcn;
extern const struct sbi_extension sbi_susp;

/* sbi.c: is the extension there, for this host? */
bool sbi_probe(const struct sbi_ops *ops, uint64_t id);

/* sbi.c (3.1): every hart the set names exists. "All" does. */
bool sbi_hart_set_valid(const struct sbi_host *host, const struct sbi_hart_set *set);
static inline struct sbi_result sbi_value(uint64_t value)
{
    return (struct sbi_result){ .error = SBI_SUCCESS, .value = value };
}

/* Also for an op that returns SBI_SUCCESS, and for what a legacy call has in a0. */
static inline struct sbi_result sbi_error(int64_t error)
{
    return (struct sbi_result){ .error = error, .value = 0 };
}

#endif

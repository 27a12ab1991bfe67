/* accel/accel.h - the ways to execute a guest, behind one table of operations.
 *
 * An accelerator runs the harts of one machine, each on its vCPU's thread (vcpu.h). All register
 * state has one architectural form (cpu/state.h) that every accelerator reads and writes.
 */
#ifndef ACCEL_ACCEL_H
#define ACCEL_ACCEL_H

#include "base/error.h"
#include "base/strbuf.h"
#include "dbt/dump.h"
#include "dbt/tuning.h"
#include "isa/riscv/config.h"
#include "mem/space.h"

struct accel;
struct vcpu;

struct accel_config {
    struct mem_space *space;      /* outlives the accelerator */
    const struct isa_config *isa; /* likewise */
    unsigned vcpus;               /* 1..64 */
    size_t cache_bytes;           /* bound on memory for translations */
    struct dbt_tuning tuning;     /* of one that compiles */
    /* Lock-step's, see dbt/dbt.h. May be NULL. */
    void (*failed)(void *opaque, const char *sentence, const char *report);
    void *opaque;
    struct dbt_dump dump;  /* of what is translated; see dbt/dump.h */
    const char *jit_cache; /* folder that one that compiles keeps translations in; NULL: none */
};

struct accel_ops {
    const char *name;    /* as in --accel */
    const char *summary; /* one line for --help and doctor */
    bool tunable;        /* compiles: takes what dbt/tuning.def has */
    /* 0 when this host can do it; else -errno and the reason. */
    int (*available)(struct error *err);
    int (*vm_new)(struct accel *accel, struct error *err);
    void (*vm_free)(struct accel *accel);
    int (*vcpu_new)(struct accel *accel, struct vcpu *vcpu, struct error *err);
    void (*vcpu_free)(struct vcpu *vcpu);
    /* On the vCPU's thread, inside the RCU read side: runs guest code until the hart's attention
     * word has something that is not the engine's own, and serves requests. */
    void (*vcpu_run)(struct vcpu *vcpu);
    void (*fence_i)(struct vcpu *vcpu);                     /* on the vCPU's thread */
    void (*stats)(struct accel *accel, struct strbuf *out); /* lines of "name value" */
};

struct accel {
    const struct accel_ops *ops;
    struct accel_config config;
    void *vm; /* the accelerator's own */
    struct vcpu *vcpu[64];
};

/* In order of preference; NULL ends it. */
extern const struct accel_ops *const accel_table[];
extern const struct accel_ops accel_interp, accel_jit;

/* "NAME[,WORD[=VALUE]]...". -ENOENT: no such name; -EINVAL: no such word or value; a sentence that
 * says which there are. Whether this host can run it is not asked. */
int accel_parse(const char *text, const struct accel_ops **ret_ops, struct dbt_tuning *ret_tuning,
                struct error *err) NODISCARD;
/* The same, on this host; text NULL: the first that is available. */
int accel_choose(const char *text, const struct accel_ops **ret_ops, struct dbt_tuning *ret_tuning,
                 struct error *err) NODISCARD;
/* The default is not the first choice: which it is and why, as a sentence. False: it is. */
bool accel_is_second_best(struct error *ret_why);
/* The accelerators and what can be chosen of each, for --help. */
void accel_help(struct strbuf *out);
int accel_new(struct accel **ret_accel, const struct accel_ops *ops,
              const struct accel_config *config, struct error *err) NODISCARD;
void accel_free(struct accel *accel); /* no vCPU is left; NULL is fine */

#endif

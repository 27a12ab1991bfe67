/* dbt/lockstep/internal.h - what the files of lock-step share. */
#ifndef DBT_LOCKSTEP_INTERNAL_H
#define DBT_LOCKSTEP_INTERNAL_H

#include <pthread.h>

#include "cpu/spy.h"
#include "dbt/dbt_hart.h"
#include "dbt/lockstep/lockstep.h"
#include "mem/space.h"

enum {
    COPIES = 1024,      /* pages a run may write... */
    COPIES_ENOUGH = 64, /* ...and after how many it is asked to end */
    COPY_HASH = 4096,
    ANSWERS = 4096, /* accesses to devices, likewise */
    ANSWERS_ENOUGH = 64,
    TRACE = 64, /* blocks remembered for the report */
    ENTRIES = 4,
    WRITES_RANGES = 16, /* of RAM and flash, that devices write to */
};

struct lockstep_writes {
    struct mem_listener listener;
    struct mem_space *space;
    struct ram_block *_Atomic ram[WRITES_RANGES];
};

struct lockstep {
    void (*failed)(void *opaque, const char *sentence, const char *report);
    void *opaque;
    /* `lock` guards the turn: tickets are served in order. A leaf, but for hart_set_attention(). */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t next_ticket, serving;
    struct dbt_hart *owner; /* whose turn it is; NULL: nobody's */
    _Atomic unsigned waiting;
    _Atomic bool found; /* something to report: all stop */
    /* Written by who has the turn. */
    uint64_t runs, instructions, unchecked, disturbed;
    struct lockstep_writes writes;
};

/* A page as it was before the run wrote it; then, as the twin has it. */
struct page_copy {
    const uint8_t *real;
    uint8_t *bytes; /* allocated when first needed, kept */
    unsigned slot;  /* in hash[] */
};

struct answer {
    gpa_t gpa;
    uint64_t value;
    unsigned size;
    bool is_store;
    enum mem_result result;
};

struct lockstep_hart {
    struct hart_spy record, replay; /* of the hart, of its twin */
    struct lockstep *all;
    struct dbt_hart *dh, *twin;
    bool has_turn;
    unsigned runs_in_turn;
    bool recording; /* a run is on */
    bool compiled;  /* within lockstep_enter() */
    bool is_short;  /* the run was asked to end as soon as it may */
    bool too_much;  /* more than there is room for: not checked */
    uint64_t random;

    /* The run. */
    gva_t begin_pc;
    uint64_t begin_count, begin_writes;
    bool raised; /* it ended with an exception: */
    struct hart_exception exc;
    struct page_copy copy[COPIES];
    unsigned copies;
    uint16_t hash[COPY_HASH]; /* number of a copy + 1 */
    struct answer answer[ANSWERS];
    unsigned answers;

    /* The twin's. */
    bool twin_raised, twin_called, twin_strayed;
    unsigned answered;
    struct tlb_entry entry[ENTRIES];
    unsigned next_entry;
    const struct t0_op *resume; /* where the next run begins, in mid-block; NULL: at s.pc */
    struct tb *resume_tb;
    gva_t resume_pc;
    struct {
        gva_t pc;
        struct tb *tb;
    } trace[TRACE]; /* a ring */
    unsigned traced;
};

/* memory.c */
extern const struct hart_spy_ops lockstep_record_ops, lockstep_replay_ops;
void lockstep_forget_copies(struct lockstep_hart *ls);
/* Where memory and copies differ: the host address in the guest's memory; NULL: nowhere. */
const uint8_t *lockstep_memory_differs(const struct lockstep_hart *ls, uint64_t *ret_mine,
                                       uint64_t *ret_twins);

/* writes.c: how often devices have written. Inside the read side. */
void lockstep_writes_init(struct lockstep_writes *writes, struct mem_space *space);
void lockstep_writes_fini(struct lockstep_writes *writes);
uint64_t lockstep_writes_count(const struct lockstep_writes *writes);
/* Have they since the run began? May wait for a while before it says no. */
bool lockstep_was_disturbed(const struct lockstep_hart *ls);

/* report.c: compares; false and a report when something differs. */
bool lockstep_agree(struct lockstep_hart *ls, bool at_call);
void lockstep_report(struct lockstep_hart *ls, bool at_call);

static inline uint64_t lockstep_count(const struct dbt_hart *dh)
{
    return dh->stats.instructions + (uint64_t)dh->hart->run.insns;
}

#endif

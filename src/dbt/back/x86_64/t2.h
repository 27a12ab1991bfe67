/* dbt/back/x86_64/t2.h - T2, the region compiler: T1's templates over a whole loop. Private to
 * this folder.
 *
 * Within a region the ten host registers hold the x registers the *region* uses most, all the way
 * round its loops, and xmm8 to xmm15 f registers of which it takes all 64 bits; in and out of it a
 * few moves make T1's arrangement of T2's and back, so that T1 and T2 code lead to each other
 * freely. State is as precise at each op as in T1. What T1 does at each block, T2 does once a turn:
 * counting, and looking at the attention word. r15 has instructions that are not in run.insns yet;
 * the soft TLB's table comes from memory.
 *
 * Accesses. A soft TLB probe is only worth repeating when the page may be another. Kinds, by how
 * the base register moves (struct region_flow):
 *   fixed    one probe for all accesses through it: site = host address of the lowest, 0 not yet
 *   smooth   each has the page it was in last: site = page or T2_NO_PAGE, and what to add to a gva
 *   random   T1's probe; two or more near each other in a block share it (t1_share.c)
 * Sites are temporaries of the hart, filled from cold code, void when a region is entered anew:
 * what a page leads to stays as it is until a request is served, outside.
 */
#ifndef DBT_BACK_X86_64_T2_H
#define DBT_BACK_X86_64_T2_H

#include "dbt/back/x86_64/t1.h"
#include "dbt/region/region.h"

enum {
    T2_MAX_SITES = 96,  /* of two temporaries each */
    T2_MAX_SPAN = 2048, /* bytes about one fixed base */
    T2_MAX_FIXUPS = 256,
    T2_MAX_EXITS = 512,
    T2_MAX_ACCESSES = REGION_MAX_OPS,
    T2_USUAL_BYTES = 48 << 10, /* enough for nearly every region */
    T2_CODE_BYTES = 256 << 10, /* for the largest there can be */
    T2_NO_PAGE = 0x800,        /* no access keeps this bit of its address */
};

/* Accesses through a base no op changes. */
struct t2_fixed {
    int32_t low, high; /* offsets from the base: first byte, behind the last */
    bool reads, writes, grouped;
    uint16_t site;
    uint8_t *establish; /* code: fills the site; rax is what it holds then */
};

struct t2_access {
    enum { ACCESS_FIXED, ACCESS_SMOOTH } kind;
    uint8_t *from, *use;
    struct t1_cold cold; /* op, info, pending, back, xmm */
    uint16_t site;
    unsigned block_offset;
};

struct t2_exit {
    uint8_t *from;
    int64_t target; /* offset in the page */
    uint32_t pending;
    bool heard; /* for the dispatcher */
    /* The branch that is still to decide between `target` and `otherwise`; else NULL. */
    const struct t0_op *branch;
    int64_t otherwise;
};

struct t2 {
    struct t1 t;
    struct back *back;
    const struct region *region;
    const struct region_source *source; /* of blocks outside the region */
    struct t1_stubs stubs;              /* T1's, but for what spills */
    struct t1_pins pins;
    uint8_t *to_t1;      /* code: makes T1's arrangement of registers; called */
    uint8_t *jump_out;   /* code: leaves for virtual address rax */
    uint8_t *return_out; /* the same for a return from the call made last in T1 */
    /* For indirect jumps: where the code of the blocks from offset `first` to `last` in the page
     * is, relative to the table, an entry for each two bytes. NULL: no block is reached so. */
    uint8_t *table;
    unsigned first, last;
    struct region_flow flow;             /* at the op at hand */
    unsigned at;                         /* the block at hand */
    uint32_t carried[REGION_MAX_BLOCKS]; /* pending at the entry of those that carry */
    uint8_t *start[REGION_MAX_BLOCKS];   /* their code */
    struct {
        uint8_t *from;
        unsigned block;
    } fixup[T2_MAX_FIXUPS];
    unsigned fixups;
    struct t2_exit exit[T2_MAX_EXITS];
    unsigned exits;
    struct t2_fixed fixed[REGION_REGS];
    struct t2_access access[T2_MAX_ACCESSES];
    unsigned accesses;
    unsigned sites;
    bool fixed_site[T2_MAX_SITES];
    bool full; /* a table above has no room left */
};

static inline struct x86_mem t2_site(unsigned site, unsigned word)
{
    return t1_slot((uint16_t)(T0_SLOT_TEMP + 2 * site + word));
}

/* t2_mem.c */
void t2_plan_memory(struct t2 *t2);
uint32_t t2_fixed_registers(const struct t2 *t2); /* a bit each: accesses of kind fixed */
void t2_reset_sites(struct t2 *t2);
bool t2_emit_memory(struct t2 *t2, const struct t0_op *op);
void t2_emit_memory_cold(struct t2 *t2);
/* t2_leave.c */
void t2_emit_leave(struct t2 *t2, const struct t0_op *op); /* with the jump behind a branch */
void t2_emit_exits(struct t2 *t2);
void t2_make_table(struct t2 *t2); /* room for it; filled by t2_emit_exits() */
/* t2_stubs.c: choice of registers, ways in and out */
void t2_choose_pins(struct t2 *t2);
void t2_make_stubs(struct t2 *t2);
void t2_emit_entry(struct t2 *t2);
/* t2.c: back_ops.compile_region. Inside the RCU read side; [one thread] */
const void *t2_compile(struct back *back, const struct region *region,
                       const struct region_source *source);

#endif

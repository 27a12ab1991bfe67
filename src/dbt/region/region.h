/* dbt/region/region.h - a region: the blocks of a hot loop, compiled as one (T2).
 *
 * What T2 needs to know of lowered code before a host comes into it: which blocks belong to a
 * loop, in what order to lay them out, which guest registers are worth a host register, how
 * addresses move. All of it is made from T0's ops, not from IR: T0 code has constants, copies and
 * sign extensions folded in already, is what the blocks that run were checked as, and needs no
 * second look at guest memory, which may have changed since.
 *
 * A region lies in one guest page and is of one mode, as links between blocks are.
 */
#ifndef DBT_REGION_REGION_H
#define DBT_REGION_REGION_H

#include "dbt/cache/tb.h"

enum {
    REGION_MAX_BLOCKS = 64,
    REGION_MAX_OPS = 1500,
    REGION_REGS = 32,
    REGION_OUT = 0xff,
    REGION_TEMPS = 8,
    REGION_WIDE = 64,
};

enum region_reached {
    REGION_BY_RETURN = 1 << 0,   /* it follows a call that leads into the region */
    REGION_BY_COMPUTED = 1 << 1, /* a case of a switch, perhaps */
};

struct strbuf;

struct region_block {
    struct tb *tb;
    uint16_t offset; /* of its first byte in the page */
    uint8_t depth;   /* loops it is in, at least 1 */
    bool carries;    /* entered by one exit of one block only, which is laid out before it */
    uint8_t reached; /* enum region_reached: by which indirect jumps it may be entered */
    uint32_t random; /* at its begin, as in struct region_flow */
    uint8_t bits[REGION_REGS];
    uint64_t succ, pred; /* a bit a block */
};

struct region {
    unsigned count, ops;
    struct region_block block[REGION_MAX_BLOCKS]; /* in layout order; 0 is where it is entered */
    uint64_t weight[REGION_REGS];                 /* of each x register: uses, inner loops' more */
    uint32_t written;                             /* x registers some op sets: a bit each */
    uint64_t float_weight[REGION_REGS];           /* of each f register, in the same way */
    uint32_t float_written;
    uint32_t boxed; /* f registers that some op takes for other than 64 bits */
};

/* The blocks of the head's page that are worth having: of its mode, and hot. */
struct region_source {
    struct tb *(*look)(void *context, unsigned offset); /* the one at an offset in the page */
    unsigned (*list)(void *context, struct tb **ret_tb, unsigned max);
    void *context;
};

/* The loop through `head`: the blocks that head leads to and that lead back to it within the page.
 * False: there is none, or it is nothing for T2. */
bool region_find(struct region *region, struct tb *head, const struct region_source *source);
/* Fills weights, written and the like, and the blocks' `random`. Part of region_find(). */
void region_analyse(struct region *region);
/* The register of most uses that is not in `done` (a bit each); REGION_REGS: none has any. */
unsigned region_heaviest(const uint64_t weight[REGION_REGS], uint32_t done);
/* What is known of values at one point of a block, for a guess about speed: nothing relies on it
 * to be right. As an address, a value mostly stays in its page if it is made by sums, small shifts
 * and the like of constants, of registers that are not written, of other such values, and of small
 * numbers. What is loaded or multiplied is random. */
struct region_flow {
    uint32_t random;           /* x registers */
    uint8_t bits[REGION_REGS]; /* at most so many significant bits; REGION_WIDE: any number */
    struct region_temp {
        uint16_t slot;
        uint8_t bits;
        bool random;
    } temp[REGION_TEMPS]; /* what was written last */
    unsigned temps;
};
void region_flow_begin(struct region_flow *flow, const struct region_block *block);
void region_flow_op(struct region_flow *flow, const struct t0_op *op);
bool region_flow_is_random(const struct region_flow *flow, unsigned slot);
/* The block at an offset from the page's start, or REGION_OUT. */
unsigned region_at(const struct region *region, int64_t offset);
/* How the block's last op may lead on within a region beside direct exits: enum region_reached. */
unsigned region_leads_by(const struct tb *tb);
/* For people; weight[0] is 0. */
void region_dump(const struct region *region, struct strbuf *out);
/* Are the rules above kept? For tests and debug builds. */
bool region_verify(const struct region *region);

/* ---- T0 ops (shape.c) ---- */

enum t0_shape {
    T0_DEF = 1 << 0,   /* writes slot dst */
    T0_USE_A = 1 << 1, /* reads slot a... */
    T0_USE_B = 1 << 2,
    T0_USE_IMM = 1 << 3,  /* slot imm */
    T0_USE_IMM8 = 1 << 4, /* slot imm >> 8 */
    T0_KNOWN = 1 << 5,    /* what is not known, a region does without */
    T0_EXIT = 1 << 6,     /* a direct exit: see t0_target() */
    T0_END = 1 << 7,      /* leaves the block for certain */
};
/* enum t0_shape bits of an opcode. */
unsigned t0_shape(unsigned opcode);
/* Takes each f register that it reads or writes for 64 bits: a double, or what is only moved. */
bool t0_takes_doubles(unsigned opcode);
/* Where a direct exit leads: an offset from the block's start. */
static inline int64_t t0_target(const struct t0_op *op)
{
    return op->opcode == T0_JUMP ? op->imm : (int32_t)op->imm;
}

#endif

/* dbt/region/analyse.c - what a region does to guest registers, without regard to order.
 *
 * Weights count uses of an x register, eight times as much for every loop a block is in: host
 * registers go to the heaviest.
 *
 * Bases. A register no op writes is fixed. One that only ever gets sums, small shifts and the like
 * of constants and of smooth registers is smooth. All others are random: products, loaded values.
 * It is a guess about speed only, nothing relies on it to be right.
 */
#include <string.h>

#include "dbt/region/region.h"

enum { SLOTS = T0_SLOT_TEMP + HART_TEMP_SLOTS, MAX_DEPTH = 5 };

struct analysis {
    struct region *region;
    bool random[SLOTS]; /* slots, temporaries too */
};

static void count_use(struct region *region, unsigned slot, uint64_t weight)
{
    if (slot > 0 && slot < REGION_REGS)
        region->weight[slot] += weight;
}

static void count_uses(struct region *region, const struct t0_op *op, unsigned depth)
{
    unsigned shape = t0_shape(op->opcode);
    uint64_t weight = UINT64_C(1) << 3 * (depth < MAX_DEPTH ? depth : MAX_DEPTH);

    if (shape & T0_DEF) {
        count_use(region, op->dst, weight);
        if (op->dst < REGION_REGS)
            region->written |= UINT32_C(1) << op->dst;
    }
    if (shape & T0_USE_A)
        count_use(region, op->a, weight);
    if (shape & T0_USE_B)
        count_use(region, op->b, weight);
    if (shape & T0_USE_IMM)
        count_use(region, (unsigned)op->imm, weight);
    if (shape & T0_USE_IMM8)
        count_use(region, (unsigned)(op->imm >> 8), weight);
}

/* Does op make smooth values of smooth ones? */
static bool keeps_smooth(unsigned opcode)
{
    switch (opcode) {
    case T0_ADD_RR:
    case T0_ADD_RI:
    case T0_ADD_WRR:
    case T0_ADD_WRI:
    case T0_SUB_RR:
    case T0_SUB_RI:
    case T0_SUB_WRR:
    case T0_SUB_WRI:
    case T0_SHL_RI:
    case T0_SHL_WRI:
    case T0_SHR_RI:
    case T0_SAR_RI:
    case T0_AND_RI:
    case T0_SEXT32_R:
    case T0_ZEXT32_R:
    case T0_MOV:
    case T0_MOVI:
    case T0_PC:
        return true;
    default:
        return false;
    }
}

static bool is_random(const struct analysis *an, const struct t0_op *op)
{
    unsigned shape = t0_shape(op->opcode);

    return !keeps_smooth(op->opcode) || ((shape & T0_USE_A) && an->random[op->a]) ||
           ((shape & T0_USE_B) && an->random[op->b]);
}

/* One pass over all ops; true if a slot has become random. */
static bool spread(struct analysis *an)
{
    bool changed = false;

    for (unsigned i = 0; i < an->region->count; i++) {
        const struct tb *tb = an->region->block[i].tb;

        for (unsigned j = 0; j < tb->ops; j++) {
            const struct t0_op *op = &tb->op[j];

            if ((t0_shape(op->opcode) & T0_DEF) && !an->random[op->dst] && is_random(an, op))
                an->random[op->dst] = changed = true;
        }
    }
    return changed;
}

void region_analyse(struct region *region)
{
    struct analysis an = { .region = region };

    memset(region->weight, 0, sizeof(region->weight));
    region->written = 0;
    for (unsigned i = 0; i < region->count; i++) {
        const struct region_block *b = &region->block[i];

        for (unsigned j = 0; j < b->tb->ops; j++)
            count_uses(region, &b->tb->op[j], b->depth);
    }
    while (spread(&an))
        continue;
    for (unsigned r = 0; r < REGION_REGS; r++) {
        if (!(region->written & UINT32_C(1) << r))
            region->base[r] = REGION_BASE_FIXED;
        else
            region->base[r] = an.random[r] ? REGION_BASE_RANDOM : REGION_BASE_SMOOTH;
    }
}

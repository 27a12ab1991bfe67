/* dbt/region/analyse.c - what a region does to guest registers.
 *
 * Weights count uses of an x register, eight times as much for every loop a block is in: host
 * registers go to the heaviest.
 *
 * Smooth or random (region.h) is followed from block to block: compilers use a few registers for
 * everything, so what one is used for elsewhere says nothing.
 */
#include <string.h>

#include "dbt/region/region.h"

enum { MAX_DEPTH = 5 };

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

bool region_flow_is_random(const struct region_flow *flow, unsigned slot)
{
    unsigned temp = slot - T0_SLOT_TEMP;

    if (slot < REGION_REGS)
        return flow->random >> slot & 1;
    if (slot >= T0_SLOT_TEMP && temp < HART_TEMP_SLOTS)
        return flow->temp[temp / 64] >> temp % 64 & 1;
    return true;
}

void region_flow_begin(struct region_flow *flow, const struct region_block *block)
{
    memset(flow->temp, 0, sizeof(flow->temp)); /* none lives as long */
    flow->random = block->random;
}

void region_flow_op(struct region_flow *flow, const struct t0_op *op)
{
    unsigned shape = t0_shape(op->opcode), temp = op->dst - T0_SLOT_TEMP;
    bool random = !keeps_smooth(op->opcode) ||
                  ((shape & T0_USE_A) && region_flow_is_random(flow, op->a)) ||
                  ((shape & T0_USE_B) && region_flow_is_random(flow, op->b));

    if (!(shape & T0_DEF))
        return;
    if (op->dst < REGION_REGS)
        flow->random = (flow->random & ~(UINT32_C(1) << op->dst)) | (uint32_t)random << op->dst;
    else if (op->dst >= T0_SLOT_TEMP && temp < HART_TEMP_SLOTS)
        flow->temp[temp / 64] =
            (flow->temp[temp / 64] & ~(UINT64_C(1) << temp % 64)) | (uint64_t)random << temp % 64;
}

/* What block i makes random is so where it leads to. True if that is new. */
static bool spread(struct region *region, unsigned i)
{
    const struct tb *tb = region->block[i].tb;
    struct region_flow flow;
    bool changed = false;

    region_flow_begin(&flow, &region->block[i]);
    for (unsigned j = 0; j < tb->ops; j++)
        region_flow_op(&flow, &tb->op[j]);
    for (unsigned to = 0; to < region->count; to++)
        if (region->block[i].succ >> to & 1) {
            changed |= (flow.random & ~region->block[to].random) != 0;
            region->block[to].random |= flow.random;
        }
    return changed;
}

void region_analyse(struct region *region)
{
    bool changed = true;

    memset(region->weight, 0, sizeof(region->weight));
    region->written = 0;
    for (unsigned i = 0; i < region->count; i++) {
        struct region_block *b = &region->block[i];

        b->random = 0;
        for (unsigned j = 0; j < b->tb->ops; j++)
            count_uses(region, &b->tb->op[j], b->depth);
    }
    while (changed) {
        changed = false;
        for (unsigned i = 0; i < region->count; i++)
            changed |= spread(region, i);
    }
}

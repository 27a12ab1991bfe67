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

static void count_use(struct region *region, unsigned slot, uint64_t weight, bool doubles)
{
    unsigned f = slot - T0_SLOT_F;

    if (slot > 0 && slot < REGION_REGS) {
        region->weight[slot] += weight;
    } else if (f < REGION_REGS) {
        region->float_weight[f] += weight;
        region->boxed |= doubles ? 0 : UINT32_C(1) << f;
    }
}

static void count_definition(struct region *region, unsigned slot)
{
    if (slot < REGION_REGS)
        region->written |= UINT32_C(1) << slot;
    else if (slot - T0_SLOT_F < REGION_REGS)
        region->float_written |= UINT32_C(1) << (slot - T0_SLOT_F);
}

static void count_uses(struct region *region, const struct t0_op *op, unsigned depth)
{
    unsigned shape = t0_shape(op->opcode);
    uint64_t weight = UINT64_C(1) << 3 * (depth < MAX_DEPTH ? depth : MAX_DEPTH);
    bool doubles = t0_takes_doubles(op->opcode);

    if (shape & T0_DEF) {
        count_use(region, op->dst, weight, doubles);
        count_definition(region, op->dst);
    }
    if (shape & T0_USE_A)
        count_use(region, op->a, weight, doubles);
    if (shape & T0_USE_B)
        count_use(region, op->b, weight, doubles);
    if (shape & T0_USE_IMM)
        count_use(region, (unsigned)op->imm, weight, doubles);
    if (shape & T0_USE_IMM8)
        count_use(region, (uint16_t)(op->imm >> 8), weight, doubles);
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

/* ---- values ---- */

enum { NARROW = 16, SMALL = 11 }; /* wider numbers are not told apart; below a page's size */

static unsigned bits_of(int64_t value)
{
    uint64_t magnitude = (uint64_t)(value < 0 ? ~value : value);

    return magnitude == 0 ? 1 : 65 - (unsigned)__builtin_clzll(magnitude);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static const struct region_temp *find_temp(const struct region_flow *flow, unsigned slot)
{
    for (unsigned i = 0; i < REGION_TEMPS; i++)
        if (flow->temp[i].slot == slot)
            return &flow->temp[i];
    return NULL;
}

static unsigned flow_bits(const struct region_flow *flow, unsigned slot)
{
    const struct region_temp *temp;

    if (slot == T0_SLOT_ZERO)
        return 1;
    if (slot < REGION_REGS)
        return flow->bits[slot];
    temp = find_temp(flow, slot);
    return temp == NULL ? REGION_WIDE : temp->bits;
}

bool region_flow_is_random(const struct region_flow *flow, unsigned slot)
{
    const struct region_temp *temp;

    if (slot < REGION_REGS)
        return flow->random >> slot & 1;
    temp = find_temp(flow, slot);
    return temp == NULL || temp->random;
}

/* Significant bits of what op makes, its sign among them. */
static unsigned result_bits(const struct region_flow *flow, const struct t0_op *op)
{
    unsigned a = flow_bits(flow, op->a), by = (unsigned)op->imm & 63;

    switch (op->opcode) {
    case T0_MOV:
    case T0_SEXT32_R:
        return a;
    case T0_MOVI:
        return bits_of(op->imm);
    case T0_ADD_RI:
    case T0_ADD_WRI:
        return 1 + (a > bits_of(op->imm) ? a : bits_of(op->imm));
    case T0_ADD_RR:
    case T0_ADD_WRR:
    case T0_SUB_RR:
    case T0_SUB_WRR:
        return 1 + (a > flow_bits(flow, op->b) ? a : flow_bits(flow, op->b));
    case T0_AND_RI:
        return op->imm < 0 ? REGION_WIDE : bits_of(op->imm);
    case T0_SHL_RI:
    case T0_SHL_WRI:
        return a + by;
    case T0_SHR_RI:
        return 65 - by;
    case T0_SHR_WRI:
        return by == 0 ? 32 : 33 - by;
    case T0_SAR_RI:
        return least(64 - by, a);
    case T0_SAR_WRI:
        return 32 - (by & 31);
    case T0_ZEXT8_R:
    case T0_SEXT8_R:
    case T0_LOAD8U:
    case T0_LOAD8S:
        return 9;
    case T0_ZEXT16_R:
    case T0_SEXT16_R:
        return 17;
    case T0_ZEXT32_R:
        return 33;
    default:
        return REGION_WIDE;
    }
}

/* Moves by this operand keep to the page, mostly. */
static bool is_calm(const struct region_flow *flow, unsigned slot)
{
    return !region_flow_is_random(flow, slot) || flow_bits(flow, slot) <= SMALL;
}

static bool result_is_random(const struct region_flow *flow, const struct t0_op *op)
{
    unsigned shape = t0_shape(op->opcode);

    if (!keeps_smooth(op->opcode))
        return true;
    if (op->opcode != T0_ADD_RR && op->opcode != T0_SUB_RR)
        return (shape & T0_USE_A) && region_flow_is_random(flow, op->a);
    if (region_flow_is_random(flow, op->a) && region_flow_is_random(flow, op->b))
        return true; /* a small number and a small number: no address */
    return !is_calm(flow, op->a) || !is_calm(flow, op->b);
}

void region_flow_begin(struct region_flow *flow, const struct region_block *block)
{
    memset(flow, 0, sizeof(*flow)); /* no temporary lives as long */
    flow->random = block->random;
    memcpy(flow->bits, block->bits, sizeof(flow->bits));
}

void region_flow_op(struct region_flow *flow, const struct t0_op *op)
{
    bool random = result_is_random(flow, op);
    unsigned bits = result_bits(flow, op);

    if (!(t0_shape(op->opcode) & T0_DEF))
        return;
    if (bits > NARROW)
        bits = REGION_WIDE;
    if (op->dst < REGION_REGS) {
        flow->random = (flow->random & ~(UINT32_C(1) << op->dst)) | (uint32_t)random << op->dst;
        flow->bits[op->dst] = (uint8_t)bits;
    } else {
        struct region_temp *temp = &flow->temp[flow->temps++ % REGION_TEMPS];

        for (unsigned i = 0; i < REGION_TEMPS; i++)
            if (flow->temp[i].slot == op->dst)
                temp = &flow->temp[i];
        *temp = (struct region_temp){ op->dst, (uint8_t)bits, random };
    }
}

static bool join(struct region_block *to, const struct region_flow *flow)
{
    bool changed = (flow->random & ~to->random) != 0;

    to->random |= flow->random;
    for (unsigned r = 0; r < REGION_REGS; r++)
        if (flow->bits[r] > to->bits[r]) {
            to->bits[r] = flow->bits[r];
            changed = true;
        }
    return changed;
}

/* What is known behind block i is known of where it leads to. True if that is new there. */
static bool spread(struct region *region, unsigned i)
{
    const struct tb *tb = region->block[i].tb;
    struct region_flow flow;
    bool changed = false;

    region_flow_begin(&flow, &region->block[i]);
    for (unsigned j = 0; j < tb->ops; j++)
        region_flow_op(&flow, &tb->op[j]);
    for (unsigned to = 0; to < region->count; to++)
        if (region->block[i].succ >> to & 1)
            changed |= join(&region->block[to], &flow);
    return changed;
}

void region_analyse(struct region *region)
{
    bool changed = true;

    memset(region->weight, 0, sizeof(region->weight));
    memset(region->float_weight, 0, sizeof(region->float_weight));
    region->written = region->float_written = region->boxed = 0;
    for (unsigned i = 0; i < region->count; i++) {
        struct region_block *b = &region->block[i];

        b->random = 0;
        memset(b->bits, i == 0 ? REGION_WIDE : 0, sizeof(b->bits));
        for (unsigned j = 0; j < b->tb->ops; j++)
            count_uses(region, &b->tb->op[j], b->depth);
    }
    while (changed) {
        changed = false;
        for (unsigned i = 0; i < region->count; i++)
            changed |= spread(region, i);
    }
}

unsigned region_heaviest(const uint64_t weight[REGION_REGS], uint32_t done)
{
    unsigned best = REGION_REGS;

    for (unsigned r = 0; r < REGION_REGS; r++)
        if (!(done >> r & 1) && weight[r] > (best == REGION_REGS ? 0 : weight[best]))
            best = r;
    return best;
}

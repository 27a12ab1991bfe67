/*
 * dbt/region/dump.c - a region as text: what T2 is given to compile.
 *
 *     region at 0x80412030, mode 0x3e5: 2 blocks, 11 ops
 *       0x80412030, depth 2, computed, to 0x80412030 0x80412044
 *           few bits: x12 8, x15 32
 *       0x80412044, depth 1, carries, to 0x80412030
 *           random: x14
 *       registers by use: x10 144, x15 80, x14 8; never written: x10
 *
 * `carries`, `returned to` and `computed` are what region.h says of a block; `random` and `few
 * bits` are registers at its begin, as in struct region_flow.
 */
#include <inttypes.h>

#include "base/strbuf.h"
#include "dbt/region/region.h"

static gpa_t address_of(const struct region *region, unsigned block)
{
    return region->block[block].tb->gpa;
}

/* What is known of registers where the block begins. */
static void add_values(struct strbuf *out, const struct region_block *block)
{
    const char *before = "\n      random:";

    for (unsigned r = 1; r < REGION_REGS; r++) {
        if (!(block->random >> r & 1))
            continue;
        strbuf_addf(out, "%s x%u", before, r);
        before = ",";
    }
    before = "\n      few bits:";
    for (unsigned r = 1; r < REGION_REGS; r++) {
        if (block->bits[r] >= REGION_WIDE)
            continue;
        strbuf_addf(out, "%s x%u %u", before, r, block->bits[r]);
        before = ",";
    }
}

static void add_block(struct strbuf *out, const struct region *region, unsigned index)
{
    const struct region_block *block = &region->block[index];

    strbuf_addf(out, "  %#" PRIx64 ", depth %u%s%s%s, to", address_of(region, index), block->depth,
                block->carries ? ", carries" : "",
                block->reached & REGION_BY_RETURN ? ", returned to" : "",
                block->reached & REGION_BY_COMPUTED ? ", computed" : "");
    for (unsigned i = 0; i < region->count; i++)
        if (block->succ >> i & 1)
            strbuf_addf(out, " %#" PRIx64, address_of(region, i));
    add_values(out, block);
    strbuf_add(out, "\n");
}

/* The heaviest first, each once. */
static void add_registers(struct strbuf *out, const uint64_t weight[], char kind, uint32_t written)
{
    const char *before = "  registers by use:";
    uint32_t done = 0;
    unsigned best;

    while ((best = region_heaviest(weight, done)) != REGION_REGS) {
        strbuf_addf(out, "%s %c%u %" PRIu64, before, kind, best, weight[best]);
        done |= UINT32_C(1) << best;
        before = ",";
    }
    before = "; never written:";
    for (unsigned r = 0; r < REGION_REGS; r++) {
        if (weight[r] == 0 || written >> r & 1)
            continue;
        strbuf_addf(out, "%s %c%u", before, kind, r);
        before = ",";
    }
    if (done != 0)
        strbuf_add(out, "\n");
}

void region_dump(const struct region *region, struct strbuf *out)
{
    strbuf_addf(out, "region at %#" PRIx64 ", mode %#x: %u blocks, %u ops\n", address_of(region, 0),
                region->block[0].tb->mode, region->count, region->ops);
    for (unsigned i = 0; i < region->count; i++)
        add_block(out, region, i);
    add_registers(out, region->weight, 'x', region->written);
    add_registers(out, region->float_weight, 'f', region->float_written);
}

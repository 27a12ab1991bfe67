/* dbt/region/find.c - which blocks make a region, and in which order they are laid out.
 *
 * A walk over exits from the head finds what may be part; what cannot come back to the head is
 * left out again, so that a region is a loop with everything in it. Laid out so that a
 * block is followed by where it most likely goes on: its final jump's target.
 */
#include <assert.h>
#include <string.h>

#include "dbt/region/region.h"

static uint64_t bit(unsigned i)
{
    return UINT64_C(1) << i;
}

unsigned region_at(const struct region *region, int64_t offset)
{
    for (unsigned i = 0; i < region->count; i++)
        if (region->block[i].offset == offset)
            return i;
    return REGION_OUT;
}

static int64_t target_in_page(const struct region_block *b, const struct t0_op *op)
{
    return (int64_t)b->offset + t0_target(op);
}

/* Temporaries are taken from the top; the low ones are T2's own. */
static bool slot_is_known(unsigned slot)
{
    return slot < T0_SLOT_TEMP || slot >= T0_SLOT_TEMP + HART_TEMP_SLOTS / 2;
}

static bool is_fit(const struct tb *tb)
{
    if (tb->gpa2 != UINT64_MAX || tb->ops == 0)
        return false;
    for (unsigned i = 0; i < tb->ops; i++) {
        unsigned shape = t0_shape(tb->op[i].opcode);

        if (!(shape & T0_KNOWN) || ((shape & T0_DEF) && !slot_is_known(tb->op[i].dst)))
            return false;
        if ((shape & T0_EXIT) && i + 2 < tb->ops) /* a branch stands before the final jump */
            return false;
    }
    return (t0_shape(tb->op[tb->ops - 1].opcode) & T0_END) != 0;
}

static void add(struct region *region, struct tb *tb)
{
    if (tb == NULL || region->count == REGION_MAX_BLOCKS ||
        region->ops + tb->ops > REGION_MAX_OPS || !is_fit(tb))
        return;
    region->block[region->count++] =
        (struct region_block){ .tb = tb, .offset = (uint16_t)(tb->gpa & PAGE_OFFSET_MASK) };
    region->ops += tb->ops;
}

unsigned region_leads_by(const struct tb *tb)
{
    const struct t0_op *last = &tb->op[tb->ops - 1];

    if (last->opcode != T0_JUMPREG)
        return 0;
    return last->imm == T0_JUMP_RETURN ? REGION_BY_RETURN : REGION_BY_COMPUTED;
}

static bool is_call(const struct tb *tb)
{
    return tb->op[tb->ops - 1].b != 0; /* the return address's slot, of either kind of jump */
}

static void collect_exits(struct region *region, unsigned from, const struct region_source *source)
{
    const struct region_block *b = &region->block[from];

    for (unsigned j = 0; j < b->tb->ops; j++) {
        const struct t0_op *op = &b->tb->op[j];
        int64_t target = target_in_page(b, op);

        if ((t0_shape(op->opcode) & T0_EXIT) && target >= 0 && target < PAGE_SIZE_BYTES &&
            region_at(region, target) == REGION_OUT)
            add(region, source->look(source->context, (unsigned)target));
    }
}

static void collect_all(struct region *region, const struct region_source *source)
{
    struct tb *tb[REGION_MAX_BLOCKS];
    unsigned count = source->list(source->context, tb, REGION_MAX_BLOCKS);

    for (unsigned i = 0; i < count; i++)
        if (region_at(region, (int64_t)(tb[i]->gpa & PAGE_OFFSET_MASK)) == REGION_OUT)
            add(region, tb[i]);
}

/* Where a call returns to, once the callee is there: only then it is part of a loop. */
static void collect_return(struct region *region, unsigned from, const struct region_source *source)
{
    struct region_block *b = &region->block[from];
    int64_t target = (int64_t)b->offset + b->tb->length;
    unsigned at;

    if (!is_call(b->tb) || target >= PAGE_SIZE_BYTES)
        return;
    if (region_at(region, target) == REGION_OUT)
        add(region, source->look(source->context, (unsigned)target));
    at = region_at(region, target);
    if (at != REGION_OUT)
        region->block[at].reached |= REGION_BY_RETURN;
}

/* Breadth first, so that what is near the head comes before the bounds are reached; what only a
 * computed jump leads to, anything in the page, comes last. */
static void collect(struct region *region, const struct region_source *source)
{
    bool computed = false, listed = false;

    for (unsigned i = 0; i < region->count; i++) {
        collect_exits(region, i, source);
        collect_return(region, i, source);
        computed |= region_leads_by(region->block[i].tb) == REGION_BY_COMPUTED;
        if (computed && !listed && i + 1 == region->count) {
            collect_all(region, source);
            listed = true;
        }
    }
}

static void count_exits(const struct region *region, unsigned exits[REGION_MAX_BLOCKS])
{
    for (unsigned i = 0; i < region->count; i++) {
        const struct region_block *b = &region->block[i];

        for (unsigned j = 0; j < b->tb->ops; j++)
            if (t0_shape(b->tb->op[j].opcode) & T0_EXIT) {
                unsigned to = region_at(region, target_in_page(b, &b->tb->op[j]));

                if (to != REGION_OUT)
                    exits[to]++;
            }
    }
}

/* A computed jump may lead to a block to which no direct exit does. It may lead to others too;
 * where ways meet anyway, to allow for it costs nothing. */
static void find_computed(struct region *region)
{
    unsigned exits[REGION_MAX_BLOCKS] = { 0 };

    count_exits(region, exits);
    for (unsigned i = 0; i < region->count; i++)
        if (exits[i] != 1 || i == 0)
            region->block[i].reached |= REGION_BY_COMPUTED;
}

static void connect(struct region *region)
{
    for (unsigned i = 0; i < region->count; i++)
        region->block[i].succ = region->block[i].pred = 0;
    for (unsigned i = 0; i < region->count; i++) {
        struct region_block *b = &region->block[i];
        unsigned by = region_leads_by(b->tb);

        for (unsigned to = 0; to < region->count; to++)
            if (region->block[to].reached & by) {
                b->succ |= bit(to);
                region->block[to].pred |= bit(i);
            }
        for (unsigned j = 0; j < b->tb->ops; j++) {
            unsigned to;

            if (!(t0_shape(b->tb->op[j].opcode) & T0_EXIT))
                continue;
            to = region_at(region, target_in_page(b, &b->tb->op[j]));
            if (to == REGION_OUT)
                continue;
            b->succ |= bit(to);
            region->block[to].pred |= bit(i);
        }
    }
}

/* Blocks from which `to` is reached without passing `stop` (which is in the answer). */
static uint64_t leads_to(const struct region *region, unsigned to, unsigned stop)
{
    uint64_t seen = bit(stop) | bit(to), todo = bit(to) & ~bit(stop);

    while (todo != 0) {
        unsigned at = (unsigned)__builtin_ctzll(todo);
        uint64_t more = region->block[at].pred & ~seen;

        todo = (todo & (todo - 1)) | more;
        seen |= more;
    }
    return seen;
}

/* Blocks the head leads to: not all, where a return has been found but not what returns there. */
static uint64_t led_to(const struct region *region)
{
    uint64_t seen = bit(0), todo = bit(0);

    while (todo != 0) {
        unsigned at = (unsigned)__builtin_ctzll(todo);
        uint64_t more = region->block[at].succ & ~seen;

        todo = (todo & (todo - 1)) | more;
        seen |= more;
    }
    return seen;
}

/* Only what leads back to the head stays. False: the head itself does not. */
static bool keep_loop(struct region *region)
{
    uint64_t loop = bit(0);
    unsigned kept = 0;

    for (unsigned i = 0; i < region->count; i++)
        if (region->block[0].pred & bit(i))
            loop |= leads_to(region, i, 0);
    loop &= led_to(region);
    if ((region->block[0].pred & loop) == 0)
        return false;
    region->ops = 0;
    for (unsigned i = 0; i < region->count; i++)
        if (loop & bit(i)) {
            region->block[kept++] = region->block[i];
            region->ops += region->block[i].tb->ops;
        }
    region->count = kept;
    connect(region);
    return true;
}

/* The in-region block behind the last direct exit that leads to one not placed yet. */
static unsigned follower(const struct region *region, unsigned from, uint64_t placed)
{
    const struct region_block *b = &region->block[from];

    for (unsigned j = b->tb->ops; j-- > 0;) {
        unsigned to;

        if (!(t0_shape(b->tb->op[j].opcode) & T0_EXIT))
            continue;
        to = region_at(region, target_in_page(b, &b->tb->op[j]));
        if (to != REGION_OUT && !(placed & bit(to)))
            return to;
    }
    return REGION_OUT;
}

static void lay_out(struct region *region)
{
    struct region_block ordered[REGION_MAX_BLOCKS];
    uint64_t placed = 0, all = region->count == 64 ? UINT64_MAX : bit(region->count) - 1;
    unsigned at = 0;

    for (unsigned i = 0; i < region->count; i++) {
        ordered[i] = region->block[at];
        placed |= bit(at);
        at = follower(region, at, placed);
        if (at == REGION_OUT && placed != all)
            at = (unsigned)__builtin_ctzll(all & ~placed);
    }
    memcpy(region->block, ordered, region->count * sizeof(ordered[0]));
    connect(region);
}

/* A jump to a block not behind the jumping one closes a loop; its blocks are those that lead to
 * the jump without passing the loop's head. */
static void find_depths(struct region *region)
{
    for (unsigned head = 0; head < region->count; head++) {
        uint64_t tails = region->block[head].pred & ~(bit(head) - 1), body = 0;

        for (unsigned i = head; i < region->count; i++)
            if (tails & bit(i))
                body |= leads_to(region, i, head);
        for (unsigned i = 0; i < region->count; i++)
            if (body & bit(i))
                region->block[i].depth++;
    }
}

static void find_carriers(struct region *region)
{
    unsigned exits[REGION_MAX_BLOCKS] = { 0 };

    count_exits(region, exits);
    for (unsigned i = 1; i < region->count; i++)
        region->block[i].carries = exits[i] == 1 && region->block[i].reached == 0 &&
                                   (region->block[i].pred & (bit(i) - 1)) != 0;
}

bool region_find(struct region *region, struct tb *head, const struct region_source *source)
{
    region->count = region->ops = 0;
    add(region, head);
    if (region->count == 0)
        return false;
    collect(region, source);
    find_computed(region);
    connect(region);
    if (!keep_loop(region))
        return false;
    lay_out(region);
    find_depths(region);
    find_carriers(region);
    region_analyse(region);
    assert(region_verify(region));
    return true;
}

bool region_verify(const struct region *region)
{
    for (unsigned i = 0; i < region->count; i++) {
        const struct region_block *b = &region->block[i];

        if (!is_fit(b->tb) || b->offset != (b->tb->gpa & PAGE_OFFSET_MASK) || b->succ == 0 ||
            b->pred == 0 || b->depth == 0 || b->tb->mode != region->block[0].tb->mode ||
            ((b->tb->gpa ^ region->block[0].tb->gpa) & PAGE_ADDR_MASK) != 0)
            return false;
        if (b->carries && (b->pred & (b->pred - 1)) != 0)
            return false;
        if (region_at(region, b->offset) != i)
            return false;
    }
    return true;
}

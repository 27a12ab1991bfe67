/*
 * mem/view.c - from a tree of regions to a sorted array, and looking things up in it.
 *
 * Rendering walks the tree in order of precedence (children are kept that way: higher priority
 * first, among equals the later first) and lets each region fill only what is still empty. So
 * precedence needs no second look, and a container, which fills nothing itself, is transparent.
 *
 * Addresses are carried in 128 signed bits: an alias puts its target's origin below zero or its
 * end above 2^64, and the window [lo, hi) it is seen through, always within the 64-bit space, is
 * what cuts it. No sum here can overflow: at most MAX_HOPS offsets of 64 bits are added.
 */
#include "mem/view.h"

#include <assert.h>
#include <string.h>

typedef __int128 wide_t;

/* Aliases of aliases are followed this far; what lies deeper (a cycle) is not shown. */
enum { MAX_HOPS = 16, FIRST_RANGES = 16 };

struct render {
    struct mem_range *ranges;
    size_t count, capacity;
};

void *mem_alloc(size_t size)
{
    void *p = calloc(1, size);

    if (p == NULL)
        abort();
    return p;
}

static wide_t region_size(const struct mem_region *region)
{
    return region->size == UINT64_MAX ? (wide_t)1 << 64 : (wide_t)region->size;
}

/* The index of the first range that ends at or after gpa. */
static size_t first_not_before(const struct mem_range *ranges, size_t count, gpa_t gpa)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (ranges[mid].last < gpa)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void insert(struct render *out, size_t at, struct mem_region *region, wide_t base,
                   gpa_t start, uint64_t last)
{
    struct mem_range *range;

    if (out->count == out->capacity) {
        size_t capacity = out->capacity == 0 ? FIRST_RANGES : out->capacity * 2;
        struct mem_range *ranges = mem_alloc(capacity * sizeof(*ranges));

        if (out->count != 0)
            memcpy(ranges, out->ranges, out->count * sizeof(*ranges));
        free(out->ranges);
        out->ranges = ranges;
        out->capacity = capacity;
    }
    range = &out->ranges[at];
    memmove(range + 1, range, (out->count - at) * sizeof(*range));
    out->count++;
    *range = (struct mem_range){
        .start = start,
        .last = last,
        .region = region,
        .region_offset = (uint64_t)((wide_t)start - base),
        .readable = region->kind == MEM_RAM || region->kind == MEM_ROM ||
                    (region->kind == MEM_ROM_DEVICE && region->romd),
        .writable = region->kind == MEM_RAM,
    };
    if (region->ram != NULL) {
        range->ram = region->ram;
        range->ram_offset = region->ram_offset + range->region_offset;
    }
}

/* Puts the region wherever [first, last] is still empty. */
static void fill(struct render *out, struct mem_region *region, wide_t base, gpa_t first,
                 uint64_t last)
{
    size_t at = first_not_before(out->ranges, out->count, first);

    for (;; at++) {
        bool end;

        assert(at == out->count || out->ranges != NULL);
        end = at == out->count || out->ranges[at].start > last;

        if (end) {
            insert(out, at, region, base, first, last);
            return;
        }
        if (out->ranges[at].start > first) {
            insert(out, at, region, base, first, out->ranges[at].start - 1);
            at++;
        }
        if (out->ranges[at].last >= last)
            return;
        first = out->ranges[at].last + 1;
    }
}

static void render_region(struct render *out, struct mem_region *region, wide_t base, wide_t lo,
                          wide_t hi, unsigned hops)
{
    wide_t end = base + region_size(region);

    if (lo < base)
        lo = base;
    if (hi > end)
        hi = end;
    if (!region->enabled || lo >= hi || hops > MAX_HOPS)
        return;
    switch (region->kind) {
    case MEM_CONTAINER:
        list_for_each(node, &region->children)
        {
            struct mem_region *child = list_entry(node, struct mem_region, sibling);

            render_region(out, child, base + child->offset, lo, hi, hops);
        }
        return;
    case MEM_ALIAS:
        render_region(out, region->target, base - region->target_offset, lo, hi, hops + 1);
        return;
    case MEM_RAM:
    case MEM_ROM:
    case MEM_ROM_DEVICE:
    case MEM_MMIO:
        fill(out, region, base, (gpa_t)lo, (uint64_t)(hi - 1));
        return;
    }
}

/* b goes on where a stops, in the guest's addresses and in the region. */
static bool continues(const struct mem_range *a, const struct mem_range *b)
{
    return a->region == b->region && a->last + 1 == b->start &&
           a->region_offset + (b->start - a->start) == b->region_offset;
}

struct mem_view *mem_view_render(struct mem_region *root)
{
    struct render out = { 0 };
    struct mem_view *view;

    render_region(&out, root, 0, 0, (wide_t)1 << 64, 0);
    view = mem_alloc(sizeof(*view) + out.count * sizeof(view->ranges[0]));
    for (size_t i = 0; i < out.count; i++) {
        if (view->count != 0 && continues(&view->ranges[view->count - 1], &out.ranges[i]))
            view->ranges[view->count - 1].last = out.ranges[i].last;
        else
            view->ranges[view->count++] = out.ranges[i];
    }
    free(out.ranges);
    return view;
}

bool mem_range_same(const struct mem_range *a, const struct mem_range *b)
{
    return a->start == b->start && a->last == b->last && a->region == b->region &&
           a->region_offset == b->region_offset && a->ram == b->ram &&
           a->ram_offset == b->ram_offset && a->readable == b->readable &&
           a->writable == b->writable;
}

const struct mem_range *mem_view_find(const struct mem_view *view, gpa_t gpa)
{
    /* Where this thread last found something, in whichever view: only ever a guess, checked. */
    static _Thread_local size_t hint;
    size_t at = hint;

    if (at < view->count && gpa >= view->ranges[at].start && gpa <= view->ranges[at].last)
        return &view->ranges[at];
    at = first_not_before(view->ranges, view->count, gpa);
    if (at == view->count || view->ranges[at].start > gpa)
        return NULL;
    hint = at;
    return &view->ranges[at];
}

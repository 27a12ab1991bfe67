/*
 * machine/load_place.c - where in RAM the initrd and the device tree go.
 *
 * Both are searched for by moving out of the way of one taken extent after the other, up for the
 * initrd, down for the tree. Every move passes an extent that is not passed again, so `count`
 * rounds decide.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "machine/load.h"

/* The kernel claims the whole of the 2 MiB page its image ends in, and refuses an initrd there. */
enum { FDT_ALIGN = 2 << 20, INITRD_ALIGN = 2 << 20 };
/* Firmware of the 32-bit era and kernels' first page tables reach no higher for the tree. */
static const uint64_t fdt_limit = GIB(3);

static bool overlaps(const struct load_extent *a, gpa_t start, uint64_t size)
{
    return a->size != 0 && size != 0 && a->start < start + size && start < a->start + a->size;
}

static gpa_t align_up(gpa_t gpa, uint64_t to)
{
    return (gpa + to - 1) & ~(to - 1);
}

/* The first of `taken` in the way, or NULL. */
static const struct load_extent *in_the_way(const struct load_extent *taken, size_t count,
                                            gpa_t start, uint64_t size)
{
    for (size_t i = 0; i < count; i++) {
        if (overlaps(&taken[i], start, size))
            return &taken[i];
    }
    return NULL;
}

static int no_room(const char *what, uint64_t size, const struct load_extent *ram,
                   struct error *err)
{
    return error_set(err, ENOMEM,
                     "the %s of %" PRIu64 " KiB does not fit beside the kernel into %" PRIu64
                     " MiB of guest memory; give it more (--memory)",
                     what, size >> 10, ram->size >> 20);
}

/* The lowest place from `at` on, or the end of RAM. */
static gpa_t lowest_place(const struct load_extent *ram, const struct load_extent *taken,
                          size_t count, gpa_t at, uint64_t size)
{
    gpa_t end = ram->start + ram->size;

    at = align_up(at, INITRD_ALIGN);
    while (at < end && size <= end - at) {
        const struct load_extent *blocker = in_the_way(taken, count, at, size);

        if (blocker == NULL)
            return at;
        at = align_up(blocker->start + blocker->size, INITRD_ALIGN);
    }
    return end;
}

int load_place_initrd(const struct load_extent *ram, const struct load_extent *taken, size_t count,
                      uint64_t size, gpa_t *ret_gpa, struct error *err)
{
    gpa_t end = ram->start + ram->size, behind = ram->start, at;

    for (size_t i = 0; i < count; i++) {
        if (taken[i].start < end && taken[i].start + taken[i].size > behind)
            behind = taken[i].start + taken[i].size;
    }
    at = lowest_place(ram, taken, count, behind, size);
    if (at >= end) /* something sits at the top: then anywhere */
        at = lowest_place(ram, taken, count, ram->start, size);
    if (at >= end)
        return no_room("initrd", size, ram, err);
    *ret_gpa = at;
    return 0;
}

int load_place_fdt(const struct load_extent *ram, const struct load_extent *taken, size_t count,
                   uint64_t size, gpa_t *ret_gpa, struct error *err)
{
    gpa_t end = ram->start + ram->size;

    if (ram->start < fdt_limit && end > fdt_limit)
        end = fdt_limit;
    while (end > ram->start && size <= end - ram->start) {
        gpa_t at = (end - size) & ~(uint64_t)(FDT_ALIGN - 1);
        const struct load_extent *blocker;

        if (at < ram->start)
            break;
        blocker = in_the_way(taken, count, at, size);
        if (blocker == NULL) {
            *ret_gpa = at;
            return 0;
        }
        end = blocker->start;
    }
    return no_room("device tree", size, ram, err);
}

int load_check_apart(const struct load_extent *extents, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i + 1; k < count; k++) {
            if (overlaps(&extents[i], extents[k].start, extents[k].size))
                return error_set(err, EINVAL,
                                 "%s (0x%" PRIx64 " to 0x%" PRIx64 ") and %s (0x%" PRIx64
                                 " to 0x%" PRIx64 ") would overlap in guest memory",
                                 extents[i].what, extents[i].start,
                                 extents[i].start + extents[i].size - 1, extents[k].what,
                                 extents[k].start, extents[k].start + extents[k].size - 1);
        }
    }
    return 0;
}

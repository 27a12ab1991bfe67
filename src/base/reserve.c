/* base/reserve.c - a place in the address space. */
#include "base/reserve.h"

#include <stdint.h>
#include <sys/mman.h>

void *reserve_aligned(size_t size, size_t align)
{
    size_t room = size + align, before;
    uint8_t *map = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (map == MAP_FAILED)
        return NULL;
    before = -(uintptr_t)map & (align - 1);
    if (before != 0)
        munmap(map, before);
    munmap(map + before + size, align - before); /* never nothing: before < align */
    return map + before;
}

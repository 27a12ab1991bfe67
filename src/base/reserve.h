/* base/reserve.h - a place in the address space, for mappings that must begin at a huge page. */
#ifndef BASE_RESERVE_H
#define BASE_RESERVE_H

#include <stddef.h>

#include "base/compiler.h"

/* Of x86-64, and of aarch64 and riscv64 with pages of 4 KiB. Bytes. */
#define HUGE_PAGE_BYTES ((size_t)2 << 20)

/* `size` bytes (whole pages) that begin at a multiple of `align` (a power of two, a page or more),
 * mapped so that nothing may be done there, at no cost: for mprotect(), or a mapping with
 * MAP_FIXED. The caller's, to munmap(). [any thread] NULL with errno. */
void *reserve_aligned(size_t size, size_t align) NODISCARD;

#endif

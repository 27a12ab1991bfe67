/* base/types.h - scalar types with a meaning of their own. Freestanding. */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdint.h>

typedef uint64_t gva_t; /* guest virtual address */
typedef uint64_t gpa_t; /* guest physical address */

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

/* The page: the unit of guest translation, of dirty tracking and of the soft TLB. */
enum { PAGE_SHIFT = 12, PAGE_SIZE_BYTES = 1 << PAGE_SHIFT };
#define PAGE_OFFSET_MASK ((uint64_t)PAGE_SIZE_BYTES - 1)
#define PAGE_ADDR_MASK (~PAGE_OFFSET_MASK)

#endif

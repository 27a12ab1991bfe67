/* dbt/back/x86_64/code_memory.h - memory for compiled code, W^X by two mappings of one memory.
 *
 * Code is written through `write` and run at `exec`; no page is ever writable and executable in
 * one mapping. The whole arena is at most a gigabyte, so that code reaches code by 32 bits; helpers
 * are called through a table in hart-relative memory or by absolute address.
 */
#ifndef DBT_BACK_X86_64_CODE_MEMORY_H
#define DBT_BACK_X86_64_CODE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/reserve.h"

enum { CODE_MAX_BYTES = 1 << 30 };

struct code_memory {
    uint8_t *write, *exec; /* two views of the same bytes; both begin at a huge page */
    size_t size;
    /* private */
    int fd;                                                /* -1: anonymous */
    uint64_t asked[CODE_MAX_BYTES / HUGE_PAGE_BYTES / 64]; /* a bit a huge page */
};

/* size in bytes, at most CODE_MAX_BYTES, rounded up to pages. -errno with a sentence (a host that
 * forbids executable memory, say). */
int code_memory_new(struct code_memory *ret_memory, size_t size, struct error *err) NODISCARD;
/* The same of memory that has no file. For a perf symbol file (perf_map.h), which perf applies to
 * no other; the first one falls back to it. */
int code_memory_new_anonymous(struct code_memory *ret_memory, size_t size,
                              struct error *err) NODISCARD;
void code_memory_free(struct code_memory *memory);
/* Code has been written at `written`: when it is the first in its 2 MiB, the host is asked to make
 * them a huge page in both views, which takes it up to half a millisecond. A wish. One
 * thread at a time; others may write and run code there meanwhile. */
void code_memory_written(struct code_memory *memory, const uint8_t *written);

static inline const uint8_t *code_exec(const struct code_memory *memory, const uint8_t *written)
{
    return memory->exec + (written - memory->write);
}

#endif

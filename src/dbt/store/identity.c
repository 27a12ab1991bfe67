/*
 * dbt/store/identity.c - which program this is.
 *
 * What code a build makes is a function of its own code and constants, so these are hashed as they
 * are mapped: all segments of the executable that nobody writes to. That needs no cooperation of
 * the linker (a build id may be missing, or be left as it was), and is the same in each process,
 * for where the program lies is in segments that are written. A millisecond.
 */
#include <link.h>

#include "dbt/store/store.h"

/* A word at any address. Not memcpy(), which sanitizers replace: they leave forbidden gaps between
 * constants, and here the gaps are read too. */
typedef uint64_t any_word __attribute__((may_alias, aligned(1)));

__attribute__((no_sanitize("address", "undefined"))) void
store_identity_add(struct store_identity *identity, const void *data, size_t size)
{
    uint64_t a = identity->word[0] ^ size, b = identity->word[1] + size, word;
    const uint8_t *at = data;

    for (; size > 0; at += 8, size -= size < 8 ? size : 8) {
        word = 0;
        if (size >= 8)
            word = *(const any_word *)at;
        else
            for (size_t i = 0; i < size; i++)
                word = word << 8 | at[i];
        a = (a ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        b = (b + word) * UINT64_C(0xff51afd7ed558ccd);
        a ^= a >> 32;
        b ^= b >> 29;
    }
    identity->word[0] = a;
    identity->word[1] = b;
}

/* The first that is told of is the program itself. */
static int add_program(struct dl_phdr_info *info, size_t size, void *opaque)
{
    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

        if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
            store_identity_add(opaque, (const void *)(info->dlpi_addr + segment->p_vaddr),
                               segment->p_filesz);
    }
    return 1;
}

void store_identity_init(struct store_identity *identity)
{
    *identity = (struct store_identity){ { 1, 2 } };
    dl_iterate_phdr(add_program, identity);
}

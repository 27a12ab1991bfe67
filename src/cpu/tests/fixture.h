/* cpu/tests/fixture.h - a hart with memory around it and no engine, for unit tests.
 *
 * 16 MiB of RAM at 2 GiB, a page of ROM, a device that logs its accesses. The fixture holds the
 * RCU read side, as an engine does, from fixture_init() to fixture_fini().
 */
#ifndef CPU_TESTS_FIXTURE_H
#define CPU_TESTS_FIXTURE_H

/* cmocka wants these first, in this order. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "cpu/hart.h"
#include "cpu/internal.h"

#define RAM_BASE UINT64_C(0x80000000)
#define RAM_SIZE MIB(16)
#define ROM_BASE UINT64_C(0x1000)
#define DEV_BASE UINT64_C(0x10000000)
enum { DEV_SIZE = 0x100 };

struct fixture {
    struct hart hart __attribute__((aligned(64)));
    struct isa_config isa;
    struct mem_region root, ram_region, rom_region, dev_region;
    struct ram_block *ram, *rom;
    struct mem_space *space;
    uint64_t now;      /* what `time` reads */
    uint64_t deadline; /* as armed; UINT64_MAX: not */
    unsigned wakes, fences;
    unsigned dev_reads, dev_writes;
    uint64_t dev_value;
};

/* Everything there is, Sv57 and 16 PMP entries; PMP entry 0 opens all memory. */
void fixture_init(struct fixture *f);
void fixture_fini(struct fixture *f);

/* RAM as the guest sees it. */
uint64_t *fixture_ram(struct fixture *f, gpa_t gpa);

static inline void fixture_mode(struct fixture *f, unsigned priv)
{
    f->hart.s.priv = (uint8_t)priv;
    hart_mode_changed(&f->hart);
}

/* A CSR by peek or poke; it must exist. */
uint64_t fixture_get(struct fixture *f, unsigned csr);
void fixture_set(struct fixture *f, unsigned csr, uint64_t val);

/* xorshift64*: the same numbers every run. */
static inline uint64_t fixture_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

#endif

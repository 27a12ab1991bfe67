/*
 * base/tests/test_reserve.c - places in the address space.
 */
#include "tests/unit.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/reserve.h"

enum { PAGE = 4096, PLACES = 16 };

TEST(a_place_begins_where_it_should)
{
    for (size_t align = PAGE; align <= 4 * HUGE_PAGE_BYTES; align *= 2) {
        void *at = reserve_aligned(3 * PAGE, align);

        assert_non_null(at);
        assert_int_equal((uintptr_t)at & (align - 1), 0);
        munmap(at, 3 * PAGE);
    }
}

/* Whatever is cut off around a place belongs to nobody, and nothing else is cut. */
TEST(places_are_apart)
{
    uint8_t *at[PLACES];

    for (size_t i = 0; i < PLACES; i++) {
        at[i] = reserve_aligned((i + 1) * PAGE, HUGE_PAGE_BYTES);
        assert_non_null(at[i]);
        assert_int_equal(mprotect(at[i], (i + 1) * PAGE, PROT_READ | PROT_WRITE), 0);
        memset(at[i], (int)i + 1, (i + 1) * PAGE);
    }
    for (size_t i = 0; i < PLACES; i += 2)
        munmap(at[i], (i + 1) * PAGE);
    for (size_t i = 1; i < PLACES; i += 2) {
        assert_int_equal(at[i][0], i + 1);
        assert_int_equal(at[i][(i + 1) * PAGE - 1], i + 1);
        munmap(at[i], (i + 1) * PAGE);
    }
}

TEST(too_much_is_an_error)
{
    assert_null(reserve_aligned((size_t)1 << 62, PAGE));
    assert_int_equal(errno, ENOMEM);
}

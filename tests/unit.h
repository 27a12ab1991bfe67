/* tests/unit.h - a unit test file is one program: include this, write TEST()s, nothing else.
 *
 *     TEST(high_word_is_latched_by_low) { assert_int_equal(1, 1); }
 *
 * A test's name is a sentence. cmocka runs them in the order written.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

/* cmocka wants these first, in this order. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

static struct CMUnitTest unit_tests[256];
static size_t unit_test_count;

static inline void unit_add(const char *name, void (*body)(void **state))
{
    unit_tests[unit_test_count++] = (struct CMUnitTest){ .name = name, .test_func = body };
}

#define TEST(name)                                                                                 \
    static void name(void **state);                                                                \
    __attribute__((constructor)) static void unit_register_##name(void)                            \
    {                                                                                              \
        unit_add(#name, name);                                                                     \
    }                                                                                              \
    static void name(__attribute__((unused)) void **state)

int main(void)
{
    return _cmocka_run_group_tests("", unit_tests, unit_test_count, NULL, NULL);
}

#endif

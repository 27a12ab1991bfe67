/* base: the log's levels, its line discipline and its limit on guests */
#include "tests/unit.h"

#include <string.h>

#include "base/log.h"
#include "base/tests/capture.h"

TEST(lines_above_the_level_are_dropped)
{
    struct capture cap;

    log_set_level(LOG_LEVEL_WARN);
    capture_begin(&cap);
    log_error("one %d", 1);
    log_warn("two");
    log_info("three");
    log_debug("four");
    assert_string_equal(capture_end(&cap), "vireo: error: one 1\nvireo: warn: two\n");
    assert_true(log_enabled(LOG_LEVEL_ERROR));
    assert_false(log_enabled(LOG_LEVEL_INFO));
}

TEST(level_words_are_known)
{
    enum log_level level = LOG_LEVEL_ERROR;

    assert_true(log_level_parse("debug", &level));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_false(log_level_parse("loud", &level));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
}

TEST(a_line_is_one_line_and_long_ones_are_cut)
{
    static char big[5000];
    struct capture cap;
    const char *text;

    memset(big, 'x', sizeof(big) - 1);
    capture_begin(&cap);
    log_error("a\nb\x1b[0m");
    log_error("%s", big);
    text = capture_end(&cap);
    assert_memory_equal(text, "vireo: error: a?b?[0m\n", 22);
    assert_true(strlen(text) < 22 + 1100);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

TEST(a_guest_cannot_flood_the_log)
{
    struct log_limit limit = { 0 };
    struct capture cap;
    const char *text;
    unsigned lines = 0;

    log_set_level(LOG_LEVEL_DEBUG);
    capture_begin(&cap);
    for (int i = 0; i < 100000; i++)
        log_guest(&limit, "bad descriptor %d", i);
    text = capture_end(&cap);
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    assert_true(lines >= LOG_LIMIT_PER_SECOND);
    assert_true(lines < 20 * LOG_LIMIT_PER_SECOND); /* a slow host may need some seconds */
    log_set_level(LOG_LEVEL_WARN);
}

TEST(guest_mistakes_are_silent_by_default)
{
    struct log_limit limit = { 0 };
    struct capture cap;

    capture_begin(&cap);
    log_guest(&limit, "bad");
    assert_string_equal(capture_end(&cap), "");
}

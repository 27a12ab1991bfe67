/* app/tests/test_keys.c - Ctrl-A. */
#include "tests/unit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "app/keys.h"

enum { CTRL_A = 1 };

struct fixture {
    struct keys keys;
    unsigned quits;
};

static void quit(struct keys *keys)
{
    container_of(keys, struct fixture, keys)->quits++;
}

static void begin(struct fixture *f)
{
    *f = (struct fixture){ .quits = 0 };
    keys_init(&f->keys, quit);
}

/* Whether the key is kept from the guest. */
static bool press(struct fixture *f, int byte)
{
    return f->keys.escape.key(&f->keys.escape, (uint8_t)byte);
}

TEST(other_keys_are_for_the_guest)
{
    struct fixture f;

    begin(&f);
    for (int byte = 0; byte < 256; byte++)
        if (byte != CTRL_A)
            assert_false(press(&f, byte));
    assert_int_equal(f.quits, 0);
}

TEST(ctrl_a_x_quits)
{
    for (const char *x = "xX"; *x != '\0'; x++) {
        struct fixture f;

        begin(&f);
        assert_true(press(&f, CTRL_A));
        assert_int_equal(f.quits, 0);
        assert_true(press(&f, *x));
        assert_int_equal(f.quits, 1);
        assert_false(press(&f, 'x')); /* and is over */
        assert_int_equal(f.quits, 1);
    }
}

TEST(ctrl_a_twice_is_one_for_the_guest)
{
    struct fixture f;

    begin(&f);
    assert_true(press(&f, CTRL_A));
    assert_false(press(&f, CTRL_A));
    assert_false(press(&f, 'x'));
    assert_int_equal(f.quits, 0);
}

/* What the keys print goes to standard error: looked at through a pipe. */
TEST(ctrl_a_and_another_key_helps)
{
    int saved = dup(STDERR_FILENO), ends[2];
    struct fixture f;
    char text[512];
    ssize_t n;

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    begin(&f);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    press(&f, CTRL_A);
    press(&f, 'h');
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    n = read(ends[0], text, sizeof(text) - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, "Ctrl-A x  quit"));
    assert_non_null(strstr(text, "\r\n"));
    assert_int_equal(f.quits, 0);
    assert_false(press(&f, 'x'));
    close(ends[0]);
    close(ends[1]);
    close(saved);
}

/* char: the pseudo terminal a user attaches to */
#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>

#include "backend/char/tests/peer.h"

static int attach(struct peer *p)
{
    int fd = open(chardev_address(p->chr), O_RDWR | O_NOCTTY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void greet(struct peer *p, int fd)
{
    size_t before = p->input_len;

    assert_int_equal(write(fd, "!", 1), 1);
    peer_until(p, p->input_len == before + 1);
}

TEST(output_is_dropped_while_nobody_is_attached)
{
    static uint8_t block[65536];
    struct peer p;

    peer_open(&p, "pty", NULL);
    assert_non_null(strstr(chardev_address(p.chr), "/dev/pts/"));
    for (int i = 0; i < 10; i++)
        assert_int_equal(chardev_write(p.chr, block, sizeof(block)), sizeof(block));
    peer_turn(&p);
    assert_int_equal(p.hangups, 0);
    peer_close(&p);
}

TEST(an_attached_user_sees_bytes_unchanged_both_ways_and_no_echo)
{
    struct peer p;
    char text[16] = { 0 };
    int fd;

    peer_open(&p, "pty", NULL);
    fd = attach(&p);
    greet(&p, fd);
    assert_int_equal(peer_write(&p, "a\r\nb\n"), 5);
    assert_int_equal(read(fd, text, sizeof(text)), 5);
    assert_memory_equal(text, "a\r\nb\n", 5);
    assert_int_equal(write(fd, "\3\rq", 3), 3);
    peer_until(&p, p.input_len == 4);
    assert_memory_equal(p.input, "!\3\rq", 4);
    for (int i = 0; i < 5; i++)
        peer_turn(&p);
    assert_int_equal(p.input_len, 4);
    close(fd);
    peer_close(&p);
}

TEST(a_user_may_leave_and_come_back)
{
    struct peer p;

    peer_open(&p, "pty", NULL);
    for (int i = 1; i <= 3; i++) {
        int fd = attach(&p);
        greet(&p, fd);
        close(fd);
        peer_until(&p, p.hangups == i);
        assert_int_equal(peer_write(&p, "nobody"), 6);
    }
    peer_close(&p);
}

TEST(a_user_who_does_not_read_holds_output_back)
{
    static uint8_t block[4096];
    struct peer p;
    size_t sent = 0, n;
    int fd;

    peer_open(&p, "pty", NULL);
    fd = attach(&p);
    greet(&p, fd);
    do {
        n = chardev_write(p.chr, block, sizeof(block));
        sent += n;
        assert_true(sent < 10000000);
    } while (n == sizeof(block));
    peer_turn(&p);
    assert_int_equal(p.writables, 0);
    close(fd); /* leaving frees the guest */
    peer_until(&p, p.writables == 1);
    peer_close(&p);
}

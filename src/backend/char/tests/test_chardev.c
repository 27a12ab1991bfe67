/* char: null, file, unix, and what all streams share: back-pressure, the escape key, reconnecting
 */
#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "backend/char/chardev_test.h"
#include "backend/char/tests/peer.h"

static char dir[] = "/tmp/vireo-char-XXXXXX";
static char path[64], spec[80];

/* The file, and the spec "kind=file", of a test. */
static void use_path(const char *kind, const char *name)
{
    if (strstr(dir, "XXXXXX"))
        assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    snprintf(spec, sizeof(spec), "%s=%s", kind, path);
}

static int open_error(const char *what, struct error *err)
{
    struct chardev *chr;
    struct loop *loop;
    int rc;

    assert_int_equal(loop_new(&loop, &clock_host, NULL), 0);
    memset(err, 0, sizeof(*err));
    rc = chardev_open(&chr, loop, what, NULL, err);
    loop_free(loop);
    return rc;
}

TEST(an_unknown_kind_is_refused_with_the_list_of_kinds)
{
    struct error err;

    assert_int_equal(open_error("tape", &err), -EINVAL);
    assert_non_null(strstr(err.text, "'tape'"));
    assert_non_null(strstr(err.text, "unix=PATH"));
    assert_int_equal(open_error("file=", &err), -EINVAL);
    assert_int_equal(open_error("stdio2", &err), -EINVAL);
    assert_int_equal(open_error("", &err), -EINVAL);
}

TEST(null_takes_everything)
{
    struct peer p;
    unsigned columns, rows;

    peer_open(&p, "null", NULL);
    assert_int_equal(peer_write(&p, "hello"), 5);
    assert_false(chardev_size(p.chr, &columns, &rows));
    assert_null(chardev_address(p.chr));
    peer_turn(&p);
    peer_close(&p);
    chardev_close(NULL);
}

TEST(a_file_gets_the_output)
{
    struct peer p;
    char text[32] = { 0 };
    int fd;

    use_path("file", "out");
    peer_open(&p, spec, NULL);
    assert_string_equal(chardev_address(p.chr), path);
    assert_int_equal(peer_write(&p, "hello "), 6);
    assert_int_equal(peer_write(&p, "file"), 4);
    peer_turn(&p);
    peer_close(&p);
    fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, text, sizeof(text)), 10);
    assert_string_equal(text, "hello file");
    close(fd);
    unlink(path);
}

TEST(a_full_disk_drops_output_and_does_not_block_the_guest)
{
    struct peer p;

    if (access("/dev/full", W_OK) != 0)
        skip();
    peer_open(&p, "file=/dev/full", NULL);
    assert_int_equal(peer_write(&p, "hello"), 5);
    peer_turn(&p);
    peer_close(&p);
}

TEST(a_file_that_cannot_be_opened_is_named_in_the_error)
{
    struct error err;

    use_path("file", "none/out");
    assert_int_equal(open_error(spec, &err), -ENOENT);
    assert_non_null(strstr(err.text, path));
    use_path("file", "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(open_error(spec, &err), -ENXIO);
    assert_non_null(strstr(err.text, "nobody reads"));
    unlink(path);
}

/* ---- unix sockets ---- */

static int client(void)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Until the other side of a fresh client is attached: then what we write arrives. */
static void greet(struct peer *p, int fd)
{
    size_t before = p->input_len;

    send_text(fd, "!");
    peer_until(p, p->input_len == before + 1);
    p->input_len = before;
    p->room++;
}

TEST(a_socket_carries_bytes_both_ways)
{
    struct peer p;
    char text[16] = { 0 };
    struct stat st;
    int fd;

    use_path("unix", "sock");
    peer_open(&p, spec, NULL);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(peer_write(&p, "nobody is there"), 15);
    fd = client();
    greet(&p, fd);
    assert_int_equal(peer_write(&p, "hello"), 5);
    assert_int_equal(recv(fd, text, sizeof(text), 0), 5);
    assert_string_equal(text, "hello");
    send_text(fd, "world");
    peer_until(&p, p.input_len == 5);
    assert_string_equal(p.input, "world");
    close(fd);
    peer_close(&p);
    assert_int_equal(access(path, F_OK), -1);
}

TEST(input_stops_when_there_is_no_room_and_goes_on_when_told)
{
    static char big[10000];
    struct peer p;
    int fd;

    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)('a' + i % 23);
    use_path("unix", "sock");
    peer_open(&p, spec, NULL);
    fd = client();
    greet(&p, fd);
    p.room = 0;
    p.largest = 0;
    assert_int_equal(send(fd, big, sizeof(big), 0), sizeof(big));
    for (int i = 0; i < 10; i++)
        peer_turn(&p);
    assert_int_equal(p.input_len, 0);
    while (p.input_len < sizeof(big)) {
        size_t before = p.input_len;
        p.room = 16;
        chardev_accept_input(p.chr);
        peer_until(&p, p.input_len > before);
    }
    assert_memory_equal(p.input, big, sizeof(big));
    assert_int_equal(p.largest, 16);
    close(fd);
    peer_close(&p);
}

TEST(output_that_does_not_fit_is_refused_until_writable)
{
    static char block[65536], got[65536];
    struct peer p;
    size_t sent = 0, received = 0;
    int fd;

    memset(block, 'x', sizeof(block));
    use_path("unix", "sock");
    peer_open(&p, spec, NULL);
    fd = client();
    greet(&p, fd);
    for (;;) {
        size_t n = chardev_write(p.chr, (uint8_t *)block, sizeof(block));
        sent += n;
        if (n < sizeof(block))
            break;
    }
    assert_int_equal(chardev_write(p.chr, (uint8_t *)block, 1), 0);
    for (int i = 0; i < 5; i++)
        peer_turn(&p);
    assert_int_equal(p.writables, 0);
    while (received < sent) {
        ssize_t n = recv(fd, got, sizeof(got), 0);
        assert_true(n > 0);
        received += (size_t)n;
    }
    peer_until(&p, p.writables == 1);
    assert_int_equal(peer_write(&p, "more"), 4);
    assert_int_equal(recv(fd, got, sizeof(got), 0), 4);
    for (int i = 0; i < 5; i++)
        peer_turn(&p);
    assert_int_equal(p.writables, 1);
    close(fd);
    peer_close(&p);
}

TEST(a_client_that_leaves_while_output_waits_frees_the_guest)
{
    static char block[65536];
    struct peer p;
    int fd;

    use_path("unix", "sock");
    peer_open(&p, spec, NULL);
    fd = client();
    greet(&p, fd);
    while (chardev_write(p.chr, (uint8_t *)block, sizeof(block)) == sizeof(block))
        ;
    close(fd);
    peer_until(&p, p.writables == 1 && p.hangups == 1);
    assert_int_equal(chardev_write(p.chr, (uint8_t *)block, sizeof(block)), sizeof(block));
    peer_close(&p);
}

TEST(clients_come_one_after_the_other)
{
    struct peer p;
    int fd;

    use_path("unix", "sock");
    peer_open(&p, spec, NULL);
    for (int i = 1; i <= 5; i++) {
        fd = client();
        send_text(fd, "x");
        close(fd);
        peer_until(&p, p.hangups == i);
        assert_int_equal(p.input_len, i);
    }
    peer_close(&p);
}

TEST(a_hangup_is_seen_even_while_the_guest_takes_no_input)
{
    struct peer p;
    int fd;

    use_path("unix", "sock");
    peer_open(&p, spec, NULL);
    fd = client();
    greet(&p, fd);
    p.room = 0;
    send_text(fd, "never read");
    peer_turn(&p);
    close(fd);
    peer_until(&p, p.hangups == 1);
    assert_int_equal(p.input_len, 0);
    fd = client(); /* and the next one is served */
    p.room = 100;
    greet(&p, fd);
    close(fd);
    peer_close(&p);
}

TEST(what_a_client_sent_before_it_left_still_arrives)
{
    static char big[9000];
    struct peer p;
    int fd;

    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)('a' + i % 23);
    use_path("unix", "sock");
    peer_open(&p, spec, NULL);
    fd = client();
    greet(&p, fd);
    p.room = 0;
    assert_int_equal(send(fd, big, sizeof(big), 0), sizeof(big));
    close(fd);
    peer_until(&p, p.hangups == 1);
    while (p.input_len < sizeof(big)) {
        p.room = 16;
        chardev_accept_input(p.chr);
        peer_until(&p, p.room < 16);
    }
    assert_memory_equal(p.input, big, sizeof(big));
    p.room = 100;
    p.input_len = 0;
    chardev_accept_input(p.chr);
    fd = client();
    greet(&p, fd);
    assert_int_equal(p.hangups, 1);
    close(fd);
    peer_until(&p, p.hangups == 2);
    peer_close(&p);
}

TEST(a_stale_socket_is_replaced_and_a_live_one_is_not)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct peer p;
    struct error err;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    use_path("unix", "sock");
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    close(fd); /* the file stays */
    peer_open(&p, spec, NULL);
    assert_int_equal(open_error(spec, &err), -EADDRINUSE);
    assert_non_null(strstr(err.text, "in use"));
    peer_close(&p);
    assert_int_equal(access(path, F_OK), -1);
}

TEST(a_file_of_another_kind_is_not_replaced)
{
    struct error err;

    use_path("unix", "precious");
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(open_error(spec, &err), -EADDRINUSE);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
}

TEST(a_path_too_long_for_a_socket_is_refused)
{
    struct error err;
    char longest[300] = "unix=";

    memset(longest + 5, 'p', sizeof(longest) - 6);
    assert_int_equal(open_error(longest, &err), -ENAMETOOLONG);
    assert_non_null(strstr(err.text, "107 bytes"));
}

/* ---- the escape ---- */

struct keys {
    struct chardev_escape escape;
    int seen, swallowed;
};

static bool swallow_ctrl_a(struct chardev_escape *escape, uint8_t byte)
{
    struct keys *k = container_of(escape, struct keys, escape);

    k->seen++;
    if (byte != 1)
        return false;
    k->swallowed++;
    return true;
}

TEST(the_escape_sees_and_swallows_keys_even_when_the_guest_takes_none)
{
    struct keys k = { .escape.key = swallow_ctrl_a };
    struct peer p;
    int fd;

    use_path("unix", "sock");
    peer_open(&p, spec, &k.escape);
    fd = client();
    p.room = 2;
    send_text(fd, "a\1b\1cd");
    peer_until(&p, k.seen == 6);
    assert_int_equal(k.swallowed, 2);
    assert_string_equal(p.input, "ab");
    p.room = 10;
    chardev_accept_input(p.chr);
    peer_until(&p, p.input_len == 4);
    assert_string_equal(p.input, "abcd");
    close(fd);
    peer_close(&p);
}

TEST(what_was_read_ahead_is_bounded)
{
    static char big[100000];
    struct keys k = { .escape.key = swallow_ctrl_a };
    struct peer p;
    ssize_t taken;
    int fd;

    memset(big, 'z', sizeof(big));
    use_path("unix", "sock");
    peer_open(&p, spec, &k.escape);
    p.room = 0;
    fd = client();
    taken = send(fd, big, sizeof(big), MSG_DONTWAIT);
    assert_true(taken > 4096);
    for (int i = 0; i < 50; i++)
        peer_turn(&p);
    assert_int_equal(k.seen, 4096);
    p.room = 10000;
    chardev_accept_input(p.chr);
    peer_until(&p, p.input_len == 10000);
    close(fd);
    peer_close(&p);
}

/* ---- threads ---- */

struct writer {
    struct peer *p;
    _Atomic bool go; /* writable was called, or the start */
    size_t total;
    struct chardev_handler handler;
};

static void writer_writable(void *opaque)
{
    atomic_store(&((struct writer *)opaque)->go, true);
}

static size_t no_room(void *opaque)
{
    (void)opaque;
    return 0;
}

static void *write_all(void *opaque)
{
    struct writer *w = opaque;

    for (size_t done = 0; done < w->total;) {
        uint8_t byte[256];
        size_t n = w->total - done < sizeof(byte) ? w->total - done : sizeof(byte), taken;

        for (size_t i = 0; i < n; i++)
            byte[i] = (uint8_t)(done + i);
        atomic_store(&w->go, false);
        taken = chardev_write(w->p->chr, byte, n);
        done += taken;
        while (taken < n && !atomic_load(&w->go))
            sched_yield();
    }
    return NULL;
}

struct reader {
    int fd;
    size_t total, wrong;
    struct loop *loop;
};

static void *read_all(void *opaque)
{
    struct reader *r = opaque;
    uint8_t buf[1000];

    for (size_t got = 0; got < r->total;) {
        ssize_t n = recv(r->fd, buf, sizeof(buf), 0);
        for (ssize_t i = 0; i < n; i++)
            r->wrong += buf[i] != (uint8_t)(got + (size_t)i);
        got += n > 0 ? (size_t)n : r->total;
    }
    loop_stop(r->loop);
    return NULL;
}

TEST(another_thread_writes_under_back_pressure_and_nothing_is_lost)
{
    struct peer p;
    struct writer w = { .p = &p, .total = 3000000 };
    struct reader r = { .total = 3000000 };
    pthread_t writer, reader;

    use_path("unix", "sock");
    peer_open(&p, spec, NULL);
    r.fd = client();
    r.loop = p.loop;
    greet(&p, r.fd);
    w.handler = (struct chardev_handler){ .room = no_room, .writable = writer_writable };
    chardev_set_handler(p.chr, &w.handler, &w);
    pthread_create(&writer, NULL, write_all, &w);
    pthread_create(&reader, NULL, read_all, &r);
    assert_int_equal(loop_run(p.loop, NULL), 0);
    pthread_join(writer, NULL);
    pthread_join(reader, NULL);
    assert_int_equal(r.wrong, 0);
    close(r.fd);
    peer_close(&p);
}

/* ---- the chardev in memory ---- */

TEST(the_test_chardev_behaves_like_the_others)
{
    struct peer p = { .room = 3 };
    size_t len;

    assert_int_equal(loop_new(&p.loop, &clock_host, NULL), 0);
    p.chr = chardev_test_new(p.loop);
    chardev_set_handler(p.chr, &peer_handler, &p);
    chardev_test_feed(p.chr, "abcdef", 6);
    peer_turn(&p);
    assert_string_equal(p.input, "abc");
    assert_int_equal(chardev_test_unread(p.chr), 3);
    p.room = 10;
    chardev_accept_input(p.chr);
    peer_turn(&p);
    assert_string_equal(p.input, "abcdef");

    assert_int_equal(peer_write(&p, "out"), 3);
    chardev_test_set_room(p.chr, 2);
    assert_int_equal(peer_write(&p, "1234"), 2);
    peer_turn(&p);
    assert_int_equal(p.writables, 0);
    chardev_test_set_room(p.chr, SIZE_MAX);
    peer_turn(&p);
    assert_int_equal(p.writables, 1);
    assert_string_equal(chardev_test_output(p.chr, &len), "out12");
    assert_int_equal(len, 5);
    chardev_test_clear_output(p.chr);
    assert_string_equal(chardev_test_output(p.chr, NULL), "");
    chardev_test_resize(p.chr, 100, 40);
    chardev_test_hangup(p.chr);
    assert_int_equal(p.columns, 100);
    assert_int_equal(p.hangups, 1);
    peer_close(&p);
}

TEST(cleaning_up)
{
    assert_int_equal(rmdir(dir), 0);
}

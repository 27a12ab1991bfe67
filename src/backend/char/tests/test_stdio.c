/*
 * char: standard input and output, of whatever kind; and the terminal restored on every way out.
 *
 * Each test runs a child whose standard descriptors are what the test wants, and looks at the
 * outside: the bytes, the terminal's modes, the exit status.
 */
#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>

#include "backend/char/tests/peer.h"

/* ---- a child and its terminal ---- */

struct child {
    int master;    /* ours; -1 when the child has no terminal */
    int slave;     /* kept open, to read the modes */
    int report[2]; /* the child writes a byte at each step */
    int go[2];     /* and reads one before a step that must wait for us */
    pid_t pid;
    struct termios before;
};

static int report_fd, go_fd; /* in the child */

static void report(char what)
{
    if (write(report_fd, &what, 1) != 1)
        _exit(99);
}

static void expect_report(struct child *c, char what)
{
    char got = 0;

    alarm(60);
    assert_int_equal(read(c->report[0], &got, 1), 1);
    assert_int_equal(got, what);
    alarm(0);
}

static void become_child(struct child *c, void (*body)(void *), void *arg)
{
    struct rlimit no_core = { 0, 0 };

    setrlimit(RLIMIT_CORE, &no_core);
    alarm(60);
    report_fd = c->report[1];
    go_fd = c->go[0];
    setsid();
    if (c->slave >= 0) {
        ioctl(c->slave, TIOCSCTTY, 0);
        for (int fd = 0; fd < 3; fd++)
            dup2(c->slave, fd);
    }
    body(arg);
    _exit(98);
}

static void child_start(struct child *c, bool terminal, void (*body)(void *), void *arg)
{
    struct winsize size = { .ws_col = 80, .ws_row = 24 };

    c->master = c->slave = -1;
    if (terminal) {
        c->master = posix_openpt(O_RDWR | O_NOCTTY);
        assert_int_equal(grantpt(c->master), 0);
        assert_int_equal(unlockpt(c->master), 0);
        c->slave = open(ptsname(c->master), O_RDWR | O_NOCTTY);
        assert_true(c->slave >= 0);
        assert_int_equal(tcgetattr(c->slave, &c->before), 0);
        assert_int_equal(ioctl(c->slave, TIOCSWINSZ, &size), 0);
    }
    assert_int_equal(pipe(c->report), 0);
    assert_int_equal(pipe(c->go), 0);
    fflush(NULL);
    c->pid = fork();
    assert_true(c->pid >= 0);
    if (c->pid == 0)
        become_child(c, body, arg);
    close(c->report[1]);
    close(c->go[0]);
}

static int child_status(struct child *c)
{
    int status;

    alarm(60);
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    alarm(0);
    return status;
}

static void child_fini(struct child *c)
{
    close(c->report[0]);
    close(c->go[1]);
    if (c->master >= 0) {
        close(c->master);
        close(c->slave);
    }
}

static bool is_raw(struct child *c)
{
    struct termios now;

    assert_int_equal(tcgetattr(c->slave, &now), 0);
    return !(now.c_lflag & (ICANON | ECHO | ISIG));
}

static bool is_as_before(struct child *c)
{
    struct termios now;

    assert_int_equal(tcgetattr(c->slave, &now), 0);
    return now.c_iflag == c->before.c_iflag && now.c_oflag == c->before.c_oflag &&
           now.c_cflag == c->before.c_cflag && now.c_lflag == c->before.c_lflag &&
           memcmp(now.c_cc, c->before.c_cc, sizeof(now.c_cc)) == 0;
}

/* ---- ways out ---- */

static void leave_by(void *arg)
{
    static struct peer p;
    int how = *(int *)arg;

    peer_open(&p, "stdio", NULL);
    report('r');
    /* the parent looks at the modes, then sends a byte */
    peer_until(&p, p.input_len == 1);
    if (how > 0)
        raise(how);
    if (how == 0)
        peer_close(&p);
    if (how == -1)
        abort();
    exit(7);
}

/* Runs the child out by `how`; returns its status. */
static int leave(int how)
{
    struct child c;
    int status;

    child_start(&c, true, leave_by, &how);
    expect_report(&c, 'r');
    assert_true(is_raw(&c));
    assert_int_equal(write(c.master, "x", 1), 1);
    status = child_status(&c);
    assert_true(is_as_before(&c));
    child_fini(&c);
    return status;
}

TEST(closing_restores_the_terminal)
{
    assert_int_equal(WEXITSTATUS(leave(0)), 7);
}

TEST(exit_restores_the_terminal)
{
    assert_int_equal(WEXITSTATUS(leave(-2)), 7);
}

TEST(abort_restores_the_terminal)
{
    assert_int_equal(WTERMSIG(leave(-1)), SIGABRT);
}

TEST(every_deadly_signal_restores_the_terminal_and_still_kills)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP,  SIGQUIT, SIGSEGV, SIGBUS,
                                   SIGILL, SIGFPE,  SIGPIPE, SIGUSR1, SIGSYS,  SIGXCPU };

    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        struct sigaction now;
        int status;

        sigaction(signals[i], NULL, &now);
        if (now.sa_handler != SIG_DFL) /* a sanitizer's */
            continue;
        status = leave(signals[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signals[i]);
    }
}

static void ignore_hup(void *arg)
{
    static struct peer p;
    struct sigaction now;

    (void)arg;
    signal(SIGHUP, SIG_IGN);
    peer_open(&p, "stdio", NULL);
    sigaction(SIGHUP, NULL, &now);
    report(now.sa_handler == SIG_IGN ? 'i' : 'h');
    sigaction(SIGTERM, NULL, &now);
    report(now.sa_handler == SIG_DFL ? 'd' : 'h');
    peer_close(&p);
    sigaction(SIGTERM, NULL, &now);
    report(now.sa_handler == SIG_DFL ? 'd' : 'h');
    _exit(0);
}

TEST(an_ignored_signal_stays_ignored_and_handlers_are_taken_back)
{
    struct child c;

    child_start(&c, true, ignore_hup, NULL);
    expect_report(&c, 'i');
    expect_report(&c, 'h');
    expect_report(&c, 'd');
    assert_int_equal(child_status(&c), 0);
    child_fini(&c);
}

static void open_twice(void *arg)
{
    static struct peer p;
    struct chardev *second;
    struct error err;

    (void)arg;
    peer_open(&p, "stdio", NULL);
    report(chardev_open(&second, p.loop, "stdio", NULL, &err) == -EBUSY ? 'b' : '?');
    report(strstr(err.text, "only one") ? 't' : '?');
    peer_close(&p);
    peer_open(&p, "stdio", NULL); /* and after closing it can be opened again */
    report('r');
    peer_close(&p);
    _exit(0);
}

TEST(a_second_stdio_is_refused_and_leaves_the_first_alone)
{
    struct child c;

    child_start(&c, true, open_twice, NULL);
    expect_report(&c, 'b');
    expect_report(&c, 't');
    expect_report(&c, 'r');
    assert_int_equal(child_status(&c), 0);
    assert_true(is_as_before(&c));
    child_fini(&c);
}

/* ---- job control and size ---- */

/* The child's own child holds the terminal, in a session whose leader is like a shell: it waits,
 * and SIGTSTP works, because the group is not an orphan. */
static void run_until_x(void *arg)
{
    static struct peer p;
    unsigned columns = 0, rows = 0;

    (void)arg;
    peer_open(&p, "stdio", NULL);
    if (!chardev_size(p.chr, &columns, &rows) || columns != 80 || rows != 24)
        _exit(3);
    report('r');
    peer_until(&p, p.resizes > 0 && p.columns == 132 && p.rows == 50);
    report('w');
    peer_until(&p, p.input_len == 1);
    peer_close(&p);
    _exit(5);
}

TEST(a_new_size_is_reported)
{
    struct winsize size = { .ws_col = 132, .ws_row = 50 };
    struct child c;

    child_start(&c, true, run_until_x, NULL);
    expect_report(&c, 'r');
    assert_int_equal(ioctl(c.master, TIOCSWINSZ, &size), 0);
    expect_report(&c, 'w');
    assert_int_equal(write(c.master, "x", 1), 1);
    assert_int_equal(WEXITSTATUS(child_status(&c)), 5);
    assert_true(is_as_before(&c));
    child_fini(&c);
}

static void job(void)
{
    static struct peer p;

    peer_open(&p, "stdio", NULL);
    report('r');
    peer_until(&p, p.input_len == 1);
    peer_close(&p);
    _exit(5);
}

static void shell(void *arg)
{
    int sig = *(int *)arg, status;
    char byte;
    pid_t pid;

    signal(SIGTTOU, SIG_IGN);
    pid = fork();
    if (pid == 0) {
        signal(SIGTTOU, SIG_DFL);
        setpgid(0, 0);
        while (tcgetpgrp(0) != getpgrp())
            usleep(100); /* the shell gives us the terminal */
        job();
    }
    setpgid(pid, pid);
    tcsetpgrp(0, pid);
    /* The job is raw by now; the test tells us to go on. */
    if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status) || WSTOPSIG(status) != sig)
        _exit(1);
    tcsetpgrp(0, getpgrp());
    report('s');
    if (read(go_fd, &byte, 1) != 1) /* until the test has looked */
        _exit(3);
    if (sig == SIGSTOP) {
        struct termios modes; /* as a shell would, after a stop that nobody could prepare */
        tcgetattr(0, &modes);
        modes.c_lflag |= ICANON | ECHO;
        tcsetattr(0, TCSANOW, &modes);
    }
    tcsetpgrp(0, pid);
    kill(-pid, SIGCONT);
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 5)
        _exit(2);
    _exit(0);
}

static void stop_and_continue(int sig)
{
    struct child c;
    pid_t group;

    child_start(&c, true, shell, &sig);
    expect_report(&c, 'r');
    assert_true(is_raw(&c));
    group = tcgetpgrp(c.master);
    assert_int_equal(kill(group, sig), 0);
    expect_report(&c, 's');
    if (sig == SIGTSTP)
        assert_true(is_as_before(&c));
    assert_int_equal(write(c.go[1], "g", 1), 1);
    /* Nothing tells when the job has the terminal again. The group first: the shell gives it after
     * it has changed the modes. */
    alarm(60);
    while (tcgetpgrp(c.master) != group || !is_raw(&c))
        usleep(1000);
    alarm(0);
    assert_int_equal(write(c.master, "x", 1), 1);
    assert_int_equal(child_status(&c), 0);
    assert_true(is_as_before(&c));
    child_fini(&c);
}

TEST(a_stopped_job_gives_the_terminal_back_and_takes_it_again)
{
    stop_and_continue(SIGTSTP);
}

TEST(after_a_stop_that_cannot_be_caught_raw_mode_is_entered_again)
{
    stop_and_continue(SIGSTOP);
}

/* ---- other kinds of standard input and output ---- */

struct plumbing {
    int in, out;   /* -1: closed */
    size_t expect; /* bytes of input */
    const char *output;
};

static void plumbed(void *arg)
{
    struct plumbing *plumbing = arg;
    static struct peer p;

    if (plumbing->in >= 0)
        dup2(plumbing->in, 0);
    else
        close(0);
    if (plumbing->out >= 0)
        dup2(plumbing->out, 1);
    else
        close(1);
    peer_open(&p, "stdio", NULL);
    peer_until(&p, p.input_len == plumbing->expect);
    for (int i = 0; i < 5; i++)
        peer_turn(&p); /* past the end of input */
    for (const char *out = plumbing->output; *out;) {
        size_t n = peer_write(&p, out);
        int before = p.writables;
        out += n;
        if (*out)
            peer_until(&p, p.writables > before);
    }
    peer_close(&p);
    _exit(p.input_len == plumbing->expect ? 0 : 1);
}

/* A file with n bytes, at its start. */
static int file_of(size_t n)
{
    FILE *file = tmpfile();
    int fd = dup(fileno(file));

    for (size_t i = 0; i < n; i++)
        fputc('f', file);
    fclose(file);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void run_plumbed(int in, int out, size_t expect, const char *output)
{
    struct plumbing plumbing = { in, out, expect, output };
    struct child c;

    child_start(&c, false, plumbed, &plumbing);
    assert_int_equal(child_status(&c), 0);
    child_fini(&c);
}

TEST(input_may_be_dev_null_and_output_goes_on)
{
    int in = open("/dev/null", O_RDONLY), out = file_of(0);
    char text[16] = { 0 };

    run_plumbed(in, out, 0, "still here");
    assert_int_equal(pread(out, text, sizeof(text), 0), 10);
    assert_string_equal(text, "still here");
    close(in);
    close(out);
}

TEST(input_may_be_a_regular_file_larger_than_a_buffer)
{
    int in = file_of(10000), out = open("/dev/null", O_WRONLY);

    run_plumbed(in, out, 10000, "x");
    close(in);
    close(out);
}

TEST(output_to_a_file_keeps_its_offset)
{
    int in = open("/dev/null", O_RDONLY), out = file_of(3);
    char text[16] = { 0 };

    lseek(out, 3, SEEK_SET);
    run_plumbed(in, out, 0, "abc");
    assert_int_equal(pread(out, text, sizeof(text), 0), 6);
    assert_string_equal(text, "fffabc");
    close(in);
    close(out);
}

TEST(standard_descriptors_may_be_closed)
{
    run_plumbed(-1, -1, 0, "nobody hears this");
}

TEST(input_from_a_pipe_ends_when_its_writer_leaves)
{
    int fds[2], out = open("/dev/null", O_WRONLY);

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(write(fds[1], "hello", 5), 5);
    close(fds[1]);
    run_plumbed(fds[0], out, 5, "x");
    close(fds[0]);
    close(out);
}

/* Reads `want` bytes from fd, all of them 'p'. */
static void read_ps(int fd, size_t want)
{
    alarm(60);
    for (size_t got = 0; got < want;) {
        char buf[5000];
        size_t left = want - got;
        ssize_t n = read(fd, buf, left < sizeof(buf) ? left : sizeof(buf));
        assert_true(n > 0);
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(buf[i], 'p');
        got += (size_t)n;
    }
    alarm(0);
}

TEST(a_full_pipe_holds_output_back_and_is_not_made_nonblocking)
{
    static char big[300000];
    struct plumbing plumbing = { .output = big };
    struct child c;
    int fds[2];

    memset(big, 'p', sizeof(big) - 1);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    plumbing.in = open("/dev/null", O_RDONLY);
    plumbing.out = fds[1];
    child_start(&c, false, plumbed, &plumbing);
    read_ps(fds[0], sizeof(big) / 2);
    assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0); /* in the middle of it */
    read_ps(fds[0], sizeof(big) - 1 - sizeof(big) / 2);
    assert_int_equal(child_status(&c), 0);
    assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
    child_fini(&c);
    close(plumbing.in);
    close(fds[0]);
    close(fds[1]);
}

/* ---- output that cannot be opened anew: it belongs to another user ---- */

static void as_nobody(void *arg)
{
    if (setgid(65534) < 0 || setuid(65534) < 0)
        _exit(97);
    plumbed(arg);
}

TEST(a_pipe_of_another_user_is_written_without_blocking)
{
    static char big[200000];
    struct plumbing plumbing = { .output = big };
    struct child c;
    int fds[2];

    if (geteuid() != 0)
        skip();
    memset(big, 'p', sizeof(big) - 1);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    plumbing.in = open("/dev/null", O_RDONLY);
    plumbing.out = fds[1];
    child_start(&c, false, as_nobody, &plumbing);
    read_ps(fds[0], sizeof(big) - 1);
    assert_int_equal(child_status(&c), 0);
    assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
    child_fini(&c);
    close(plumbing.in);
    close(fds[0]);
    close(fds[1]);
}

static void terminal_output(void *arg)
{
    if (*(bool *)arg && (setgid(65534) < 0 || setuid(65534) < 0))
        _exit(97);
    static char big[50000];
    static struct peer p;

    memset(big, 'p', sizeof(big) - 1);
    peer_open(&p, "stdio", NULL);
    report('r');
    for (const char *out = big; *out;) {
        int before = p.writables;
        out += peer_write(&p, out);
        if (*out && !before)
            report('b'); /* now the test begins to read */
        if (*out)
            peer_until(&p, p.writables > before);
    }
    peer_until(&p, p.input_len == 1); /* all was read: closing a terminal drops what was not */
    peer_close(&p);
    _exit(p.writables > 0 ? 0 : 1);
}

static void fill_terminal(bool another_user)
{
    struct child c;

    child_start(&c, true, terminal_output, &another_user);
    expect_report(&c, 'r');
    expect_report(&c, 'b');
    read_ps(c.master, 49999);
    assert_int_equal(fcntl(c.slave, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(write(c.master, "x", 1), 1);
    assert_int_equal(child_status(&c), 0);
    assert_true(is_as_before(&c));
    child_fini(&c);
}

TEST(a_slow_terminal_holds_output_back)
{
    fill_terminal(false);
}

TEST(a_terminal_of_another_user_is_written_without_blocking)
{
    if (geteuid() != 0)
        skip();
    fill_terminal(true);
}

static void broken_pipe(void *arg)
{
    static struct peer p;

    (void)arg;
    signal(SIGPIPE, SIG_IGN);
    peer_open(&p, "stdio", NULL);
    _exit(peer_write(&p, "nobody") == 6 ? 0 : 1);
}

static void broken_pipe_child(void *arg)
{
    int fds[2];

    if (pipe(fds) < 0)
        _exit(2);
    dup2(fds[1], 1);
    close(fds[1]);
    close(fds[0]);
    broken_pipe(arg);
}

TEST(a_pipe_without_a_reader_does_not_hold_the_guest)
{
    struct child c;

    child_start(&c, true, broken_pipe_child, NULL);
    assert_int_equal(child_status(&c), 0);
    child_fini(&c);
}

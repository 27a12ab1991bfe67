/*
 * backend/char/terminal.c - raw mode, left on every way out.
 *
 * The exception to "no mutable file-scope state": a signal handler gets no argument, and the
 * process has one controlling terminal. So what must be put back lives in `term`, once per
 * process, and a second terminal_enter() is refused.
 *
 * Ways out, and what restores the modes:
 *   terminal_leave()                 the ordinary one
 *   exit()                           atexit()
 *   a signal that ends the process   our handler, which then lets the default action happen, so
 *                                    the exit status and the core are those of the signal
 *   abort(), a failed assert         SIGABRT
 *   SIGTSTP                          our handler; SIGCONT enters raw mode again
 *   SIGSTOP, SIGKILL                 nobody can; after SIGSTOP the shell does, and SIGCONT as above
 *
 * Only signals at their default action get our handler: one that is ignored stays so (nohup), and
 * one with a handler belongs to whoever set it, who calls chardev_restore_terminal() before ending
 * the process. Handlers use async-signal-safe functions only (signal-safety(7)).
 *
 * `state` says whether `cooked` is to be put back. Restoring twice, from two threads, is harmless.
 */
#include "backend/char/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "backend/char/chardev.h"

enum { OUT_OF_USE, SUSPENDED /* in use, but now in the modes of before */, RAW };

static struct {
    _Atomic int state;
    int fd;       /* a descriptor of our own */
    int event_fd; /* the caller's */
    struct termios cooked, raw;
    bool at_exit_set;
    bool installed[NSIG]; /* our handler is in place */
} term;

static const int fatal_signals[] = {
    SIGHUP, SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
    SIGFPE, SIGSEGV, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2,
    SIGIO,  SIGXCPU, SIGXFSZ, SIGSYS,  SIGPWR,  SIGPROF, SIGVTALRM,
};

/* From the background tcsetattr() would stop us; blocked, SIGTTOU lets it through. */
static void set_modes(const struct termios *modes)
{
    sigset_t ttou, old;

    sigemptyset(&ttou);
    sigaddset(&ttou, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &ttou, &old);
    while (tcsetattr(term.fd, TCSANOW, modes) < 0 && errno == EINTR)
        ;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void chardev_restore_terminal(void)
{
    int state = RAW;

    if (atomic_compare_exchange_strong(&term.state, &state, SUSPENDED))
        set_modes(&term.cooked);
}

static void resume_raw(void)
{
    int state = SUSPENDED;

    /* In the background the terminal is someone else's; being brought to the front sends SIGCONT.
     */
    if (tcgetpgrp(term.fd) != getpgrp())
        return;
    if (atomic_compare_exchange_strong(&term.state, &state, RAW) || state == RAW)
        set_modes(&term.raw); /* also when RAW: after SIGSTOP the shell has changed the modes */
}

static void announce_size(void)
{
    const uint64_t one = 1;

    if (write(term.event_fd, &one, sizeof(one)) < 0)
        return; /* full: the loop has not come to the last one yet */
}

/* ---- handlers ---- */

static void on_fatal(int sig)
{
    int saved = errno;
    struct sigaction action = { .sa_handler = SIG_DFL };

    chardev_restore_terminal();
    sigaction(sig, &action, NULL);
    raise(sig); /* blocked here: it acts as this handler returns, where the signal hit */
    errno = saved;
}

static void on_stop(int sig)
{
    int saved = errno;
    struct sigaction action = { .sa_handler = SIG_DFL }, ours;
    sigset_t only, old;

    chardev_restore_terminal();
    sigaction(sig, &action, &ours);
    raise(sig);
    sigemptyset(&only);
    sigaddset(&only, sig);
    pthread_sigmask(SIG_UNBLOCK, &only, &old); /* stops here */
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    sigaction(sig, &ours, NULL);
    resume_raw(); /* SIGCONT's handler does too; but nothing stopped us if the group is orphaned */
    errno = saved;
}

static void on_continue(int sig)
{
    int saved = errno;

    (void)sig;
    resume_raw();
    announce_size();
    errno = saved;
}

static void on_resize(int sig)
{
    int saved = errno;

    (void)sig;
    announce_size();
    errno = saved;
}

static void install(int sig, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK };
    struct sigaction now;

    sigemptyset(&action.sa_mask);
    if (sigaction(sig, NULL, &now) < 0 || (now.sa_flags & SA_SIGINFO) || now.sa_handler != SIG_DFL)
        return;
    term.installed[sig] = sigaction(sig, &action, NULL) == 0;
}

static void uninstall(int sig)
{
    struct sigaction action = { .sa_handler = SIG_DFL }, now;

    if (!term.installed[sig])
        return;
    term.installed[sig] = false;
    /* Someone may have put a handler of their own in place of ours. */
    if (sigaction(sig, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
        (now.sa_handler == on_fatal || now.sa_handler == on_stop || now.sa_handler == on_continue ||
         now.sa_handler == on_resize))
        sigaction(sig, &action, NULL);
}

/* ---- entering and leaving ---- */

static struct termios raw_of(struct termios modes)
{
    modes.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    /* The guest's own terminal layer has made its CR LF already. */
    modes.c_oflag &= ~(tcflag_t)OPOST;
    modes.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    modes.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    modes.c_cflag |= CS8;
    modes.c_cc[VMIN] = 1;
    modes.c_cc[VTIME] = 0;
    return modes;
}

int terminal_enter(int fd, int event_fd, struct error *err)
{
    if (atomic_load(&term.state) != OUT_OF_USE)
        return error_set(err, EBUSY,
                         "the terminal is in use already: only one serial line can be 'stdio'");
    if (tcgetattr(fd, &term.cooked) < 0)
        return error_set(err, errno, "cannot read the terminal's modes: %s", strerror(errno));
    if (!term.at_exit_set && atexit(chardev_restore_terminal) != 0)
        return error_set(err, ENOMEM, "cannot arrange for the terminal to be restored at exit");
    term.at_exit_set = true;
    term.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (term.fd < 0)
        return error_set(err, errno, "cannot use the terminal: %s", strerror(errno));
    term.event_fd = event_fd;
    term.raw = raw_of(term.cooked);

    /* From the background this stops us until the user brings us to the front, as it should. */
    atomic_store(&term.state, RAW);
    for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++)
        install(fatal_signals[i], on_fatal);
    install(SIGTSTP, on_stop);
    install(SIGCONT, on_continue);
    install(SIGWINCH, on_resize);
    while (tcsetattr(term.fd, TCSANOW, &term.raw) < 0) {
        int rc = -errno;

        if (rc == -EINTR)
            continue;
        terminal_leave();
        return error_set(err, -rc, "cannot set the terminal to raw mode: %s", strerror(-rc));
    }
    return 0;
}

void terminal_leave(void)
{
    if (atomic_load(&term.state) == OUT_OF_USE)
        return;
    chardev_restore_terminal();
    uninstall(SIGWINCH);
    uninstall(SIGCONT);
    uninstall(SIGTSTP);
    for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++)
        uninstall(fatal_signals[i]);
    atomic_store(&term.state, OUT_OF_USE);
    close(term.fd);
}

/*
 * app/run.c - `vireo run`: a machine from options, until it ends.
 *
 * The main thread runs the event loop. Signals that mean "go away" come to it through a
 * descriptor, so that every way out is the same: the machine is freed, which gives the terminal
 * back and removes sockets; then the signal's own effect happens.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/app.h"
#include "app/keys.h"
#include "app/options.h"
#include "machine/machine.h"

struct run {
    struct loop *loop;
    struct machine *machine;
    struct loop_fd signals;
    int signal_fd;
    struct keys keys;
    int status;
    int signal;           /* that ended us; 0: none */
    struct strbuf report; /* behind it */
    struct error message; /* for when the terminal is ours again; empty: none */
};

static void machine_ended(void *opaque, enum machine_end how, unsigned code)
{
    struct run *run = opaque;

    switch (how) {
    case MACHINE_POWERED_OFF:
    case MACHINE_RESET:
        run->status = EXIT_GUEST_OK;
        break;
    case MACHINE_FAILED:
        run->status = EXIT_GUEST_FAILED;
        (void)error_set(&run->message, EIO, "the guest ended itself with failure code %u", code);
        break;
    case MACHINE_HOST_ERROR:
        run->status = EXIT_HOST;
        run->message = *machine_error(run->machine);
        strbuf_add(&run->report, machine_report(run->machine));
        break;
    }
    loop_stop(run->loop);
}

static void quit(struct keys *keys)
{
    loop_stop(container_of(keys, struct run, keys)->loop);
}

/* end: of a line; a terminal in raw mode wants a carriage return too. */
static void print_stats(struct machine *machine, const char *end)
{
    struct strbuf text;
    const char *line;
    size_t len;

    strbuf_init(&text);
    machine_stats(machine, &text);
    for (line = strbuf_str(&text); *line != '\0'; line += len + 1) {
        len = strcspn(line, "\n");
        fprintf(stderr, "%.*s%s", (int)len, line, end);
    }
    strbuf_fini(&text);
}

/* SIGUSR1: the counters as they are now. They belong to the harts' threads, which stand still
 * meanwhile. */
static void show_stats(struct run *run)
{
    if (run->machine == NULL)
        return;
    machine_pause(run->machine);
    print_stats(run->machine, isatty(STDERR_FILENO) == 1 ? "\r\n" : "\n");
    machine_resume(run->machine);
}

static void signal_ready(struct loop_fd *lfd, unsigned events)
{
    struct run *run = container_of(lfd, struct run, signals);
    struct signalfd_siginfo info;

    (void)events;
    if (read(run->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    if (info.ssi_signo == SIGUSR1) {
        show_stats(run);
        return;
    }
    run->signal = (int)info.ssi_signo;
    loop_stop(run->loop);
}

static void ending_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGQUIT);
}

/* Those that come to the loop. */
static void all_signals(sigset_t *set)
{
    ending_signals(set);
    sigaddset(set, SIGUSR1);
}

static int watch_signals(struct run *run, struct error *err)
{
    sigset_t set;

    all_signals(&set);
    /* Before any thread is started, so that all inherit it. */
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a client that went away is an error of write() */
    run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (run->signal_fd < 0)
        return error_set(err, errno, "cannot watch for signals: %s", strerror(errno));
    return loop_fd_add(run->loop, &run->signals, run->signal_fd, LOOP_READ, signal_ready, err);
}

/* A pseudo terminal's name is known only now. */
static void announce(const char *what, const char *spec, const struct chardev *chr)
{
    if (spec != NULL && strcmp(spec, "pty") == 0)
        app_message("%s is %s", what, chardev_address(chr));
}

static int run_machine(struct run *run, const struct machine_config *config, struct error *err)
{
    struct machine_host host = {
        .ended = machine_ended,
        .opaque = run,
        .escape = &run->keys.escape,
    };
    int rc = machine_new(&run->machine, config, run->loop, &host, err);

    if (rc == 0 && config->dump_dtb != NULL)
        return machine_write_dtb(run->machine, config->dump_dtb, err);
    if (rc == 0) {
        announce("the serial line", config->serial, run->machine->serial);
        announce("the console", config->console, run->machine->console);
        rc = machine_start(run->machine, err);
    }
    if (rc == 0)
        rc = loop_run(run->loop, err);
    if (rc == 0)
        machine_pause(run->machine);
    return rc;
}

static int run_options(struct run *run, const struct machine_config *config)
{
    struct error err;
    sigset_t set;
    int rc;

    if (config->accel == NULL && accel_is_second_best(&err))
        app_message("%s", err.text);
    rc = loop_new(&run->loop, &clock_host, &err);

    run->signal_fd = -1;
    strbuf_init(&run->report);
    keys_init(&run->keys, quit);
    if (rc == 0)
        rc = watch_signals(run, &err);
    if (rc == 0)
        rc = run_machine(run, config, &err);
    /* The terminal first, or messages come out as stairs. */
    if (rc == 0 && config->stats)
        print_stats(run->machine, "\n");
    machine_free(run->machine);
    if (run->signal_fd >= 0) {
        loop_fd_del(&run->signals);
        close(run->signal_fd);
    }
    loop_free(run->loop);
    if (rc < 0) {
        strbuf_fini(&run->report);
        app_message("%s", err.text);
        return EXIT_HOST;
    }
    if (run->message.text[0] != '\0')
        app_message("%s", run->message.text);
    fputs(strbuf_str(&run->report), stderr);
    strbuf_fini(&run->report);
    if (run->signal != 0) {
        signal(run->signal, SIG_DFL);
        raise(run->signal);
        ending_signals(&set);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
    }
    return run->status;
}

static void help(void)
{
    puts("usage: vireo run [OPTION]...\n\n"
         "Runs a RISC-V virtual machine, for example\n\n"
         "  vireo run --kernel vmlinux --initrd initramfs.gz --cmdline console=ttyS0 --cpus 2 \\\n"
         "            --disk root.img --net user,hostfwd=tcp::2222-:22 --rng\n");
    options_help(stdout);
    puts(
        "\nKeys when the guest's serial line is this terminal: Ctrl-A x quits, Ctrl-A h helps,\n"
        "Ctrl-A Ctrl-A is a Ctrl-A for the guest.\n"
        "Exit status: 0 the guest powered off or you quit, 1 the guest failed, 2 the options make\n"
        "no sense, 3 this host cannot do it.");
}

int app_run(int argc, char **argv)
{
    struct run run = { .status = EXIT_GUEST_OK };
    struct options options;
    struct error err;
    int status;

    options_init(&options);
    if (options_parse(&options, argc, argv, &err) < 0) {
        app_message("%s", err.text);
        status = EXIT_USAGE;
    } else if (options.help) {
        help();
        status = 0;
    } else {
        status = run_options(&run, &options.machine);
    }
    options_fini(&options);
    return status;
}

/*
 * app/doctor.c - `vireo doctor`: what this host can do, and what would make it do more.
 *
 * A line is "ok" (fine), "--" (works, but something is worth knowing) or "no" (guests cannot run,
 * or not this way). Each line that is not "ok" says what to do about it.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "accel/accel.h"
#include "app/app.h"
#include "mem/ram.h"

enum { DEFAULT_GUEST_MIB = 1024 };

static void line(const char *mark, const char *what, const char *detail)
{
    printf("%-3s %-13s %s\n", mark, what, detail);
}

static void check_host(void)
{
    struct utsname name;
    char text[160];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (uname(&name) < 0)
        return;
    snprintf(text, sizeof(text), "Linux %.60s on %.30s, %ld core%s", name.release, name.machine,
             cores, cores == 1 ? "" : "s");
    line("ok", "host", text);
}

/* Asks for a guest's memory as a guest would; nothing of it is touched. */
static bool check_memory(void)
{
    struct ram_block *block;
    struct error err;
    char text[sizeof(err.text) + 64];

    if (ram_block_new(&block, "test", (uint64_t)DEFAULT_GUEST_MIB << 20, &err) == 0) {
        ram_block_unref(block);
        line("ok", "memory", "enough for a guest with 1G, the default");
        return true;
    }
    if (ram_block_new(&block, "test", UINT64_C(64) << 20, NULL) == 0) {
        ram_block_unref(block);
        snprintf(text, sizeof(text), "not enough for the default of 1G: %s", err.text);
        line("--", "memory", text);
        return true;
    }
    line("no", "memory", err.text);
    return false;
}

/* Returns whether any accelerator works. The first that does is the default. */
static bool check_accelerators(void)
{
    struct error err;
    char name[32];
    bool any = false;

    for (unsigned i = 0; accel_table[i] != NULL; i++) {
        bool good = accel_table[i]->available(&err) == 0;
        char text[sizeof(err.text) + 16];

        snprintf(name, sizeof(name), "accel %s", accel_table[i]->name);
        snprintf(text, sizeof(text), "%s%s", good ? accel_table[i]->summary : err.text,
                 good && !any ? "; the default" : "");
        line(good ? "ok" : "no", name, text);
        any = any || good;
    }
    return any;
}

static void check_terminal(void)
{
    if (isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1)
        line("ok", "terminal", "keys go to the guest as they are typed; Ctrl-A x quits");
    else
        line("--", "terminal",
             "standard input or output is none: what comes in goes to the guest as it is");
}

int app_doctor(int argc, char **argv)
{
    bool good;

    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
        puts("usage: vireo doctor\n\n"
             "Looks whether this host has what Vireo needs, and says what would make it do more.\n"
             "Exit status: 0 it can run guests, 3 it cannot.");
        return 0;
    }
    if (argc > 0) {
        app_message("doctor takes no options, and got '%s'", argv[0]);
        return EXIT_USAGE;
    }
    check_host();
    good = check_memory();
    check_terminal();
    return check_accelerators() && good ? 0 : EXIT_HOST;
}

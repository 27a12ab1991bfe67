/* app/doctor.c - `vireo doctor`: what this host can do, and what would make it do more. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "accel/accel.h"
#include "app/app.h"

static void line(bool good, const char *what, const char *detail)
{
    printf("%-4s %-14s %s\n", good ? "ok" : "no", what, detail);
}

static void check_host(void)
{
    struct utsname name;
    char text[160];
    long cores = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_AVPHYS_PAGES);
    uint64_t free_mib = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) >> 20;

    if (uname(&name) == 0) {
        snprintf(text, sizeof(text), "Linux %.60s on %.30s, %ld cores", name.release, name.machine,
                 cores);
        line(true, "host", text);
    }
    snprintf(text, sizeof(text), "%" PRIu64 " MiB free%s", free_mib,
             free_mib < 1100 ? "; a guest with the default 1G will not fit: give less (--memory)"
                             : "");
    line(free_mib >= 1100, "memory", text);
}

/* Returns whether any accelerator works. */
static bool check_accelerators(void)
{
    struct error err;
    char name[32];
    bool any = false;

    for (unsigned i = 0; accel_table[i] != NULL; i++) {
        bool good = accel_table[i]->available(&err) == 0;

        snprintf(name, sizeof(name), "accel %s", accel_table[i]->name);
        line(good, name, good ? accel_table[i]->summary : err.text);
        any = any || good;
    }
    return any;
}

static void check_terminal(void)
{
    bool tty = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;

    line(tty, "terminal",
         tty ? "stdio is one: keys go to the guest as they are typed"
             : "stdio is not one: input is taken as it comes, Ctrl-A is not special to the shell");
}

int app_doctor(int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        puts("usage: vireo doctor\n\nLooks whether this host has what Vireo needs.\n"
             "Exit status: 0 it can run guests, 3 it cannot.");
        return 0;
    }
    if (argc > 0) {
        fprintf(stderr, "vireo: doctor takes no options, and got '%s'\n", argv[0]);
        return EXIT_USAGE;
    }
    check_host();
    check_terminal();
    return check_accelerators() ? 0 : EXIT_HOST;
}

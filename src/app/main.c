/* app/main.c - chooses the subcommand. */
#include <stdio.h>
#include <string.h>

#include "app/app.h"

static const struct command {
    const char *name, *summary;
    int (*main)(int argc, char **argv);
} commands[] = {
    { "run", "run a virtual machine", app_run },
    { "doctor", "look whether this host has what Vireo needs", app_doctor },
};

static void usage(FILE *out)
{
    fputs("usage: vireo COMMAND [OPTION]...\n\n", out);
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("\n'vireo COMMAND --help' tells more.\n", out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("vireo " VIREO_VERSION);
        return 0;
    }
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].main(argc - 2, argv + 2);
    app_message("there is no command '%s'; 'vireo --help' lists them", argv[1]);
    return EXIT_USAGE;
}

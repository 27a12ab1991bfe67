/* app/app.h - the subcommands of vireo, and its exit statuses. */
#ifndef APP_APP_H
#define APP_APP_H

#include "base/compiler.h"

enum exit_status {
    EXIT_GUEST_OK = 0,     /* the guest powered off, or the user quit */
    EXIT_GUEST_FAILED = 1, /* the guest says so */
    EXIT_USAGE = 2,        /* what was asked makes no sense */
    EXIT_HOST = 3,         /* this host could not do it */
};

/* argv without "vireo" and the subcommand's name. */
int app_run(int argc, char **argv);
int app_doctor(int argc, char **argv);

/* "vireo: ..." and the end of the line, on standard error in one piece. Also right while a serial
 * line holds the terminal in raw mode. */
void app_message(const char *fmt, ...) PRINTF(1, 2);

#endif

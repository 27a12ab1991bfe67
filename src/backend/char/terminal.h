/* backend/char/terminal.h - raw mode, left on every way out. Private to this folder.
 *
 * One terminal per process: see terminal.c for why its state is file-scope.
 */
#ifndef BACKEND_CHAR_TERMINAL_H
#define BACKEND_CHAR_TERMINAL_H

#include "base/compiler.h"
#include "base/error.h"

/* Saves the modes of terminal `fd` and enters raw mode. `event_fd` (an eventfd, kept by the
 * caller) gets 1 added when the terminal's size may have changed. -EBUSY when already in use. */
int terminal_enter(int fd, int event_fd, struct error *err) NODISCARD;
/* Restores the modes and the signals. Does nothing when not entered. */
void terminal_leave(void);

#endif

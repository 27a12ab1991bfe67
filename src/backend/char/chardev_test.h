/* backend/char/chardev_test.h - a chardev in memory, for the tests of its users.
 *
 * Call everything from the loop's thread, except that chardev_write() may come from any.
 */
#ifndef BACKEND_CHAR_CHARDEV_TEST_H
#define BACKEND_CHAR_CHARDEV_TEST_H

#include "backend/char/chardev.h"

/* Takes any amount of output until told otherwise. Close it with chardev_close(). */
struct chardev *chardev_test_new(struct loop *loop);
/* Input from the host: reaches the handler, as it has room, at the loop's next turns. */
void chardev_test_feed(struct chardev *chr, const void *bytes, size_t len);
/* How much of the input the handler has not taken. */
size_t chardev_test_unread(struct chardev *chr);
/* How many more bytes of output are taken (SIZE_MAX: any number). If a write was short and there
 * is room now, handler->writable is called at the loop's next turn. */
void chardev_test_set_room(struct chardev *chr, size_t room);
/* What was written so far, terminated; valid until the next write. */
const char *chardev_test_output(struct chardev *chr, size_t *ret_len /* may be NULL */);
void chardev_test_clear_output(struct chardev *chr);
/* Makes the terminal have a size and calls handler->resized. */
void chardev_test_resize(struct chardev *chr, unsigned columns, unsigned rows);
void chardev_test_hangup(struct chardev *chr);

#endif

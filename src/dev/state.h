/* dev/state.h - walks a device's declared state: save, restore, print, compare.
 *
 * A saved state names its fields, so a table may be reordered, and a later version reads what an
 * earlier one wrote: fields that came since keep their reset value. The bytes, little endian:
 *
 *     OFFSET  SIZE  WHAT
 *     0       4     "VDS1"
 *     4       4     version of the table
 *     8       4     number of fields
 *     12      1+n   the device's type: length, bytes
 *     then each field:
 *     0       1+n   name: length, bytes
 *     n+1     1     kind (enum state_kind)
 *     n+2     4     size of an element
 *     n+6     4     number of elements
 *     n+10    ...   elements one after another
 *
 * A loaded state is somebody else's file: everything is checked before the device is touched.
 */
#ifndef DEV_STATE_H
#define DEV_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "dev/device.h"

/* Appends the device's state. -ENOMEM. Takes the device's lock, as do all of these. */
int state_save(struct device *dev, struct strbuf *out, struct error *err) NODISCARD;
/* Resets the device and sets the fields from the buffer, which must hold one state and nothing
 * else. -EINVAL with the reason; then the device is as it was, or reset if post_load refused. */
int state_load(struct device *dev, const void *buf, size_t len, struct error *err) NODISCARD;
/* One "name value" per line, numbers in hex; bytes and arrays cut after 16 elements. */
void state_print(struct device *dev, struct strbuf *out);
/* Two devices of one type. Where they differ, the first field's name, else NULL. */
const char *state_diff(struct device *a, struct device *b);

#endif

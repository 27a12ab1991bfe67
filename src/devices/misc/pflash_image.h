/* devices/misc/pflash_image.h - the file behind a flash bank. Private to pflash.c. */
#ifndef DEVICES_MISC_PFLASH_IMAGE_H
#define DEVICES_MISC_PFLASH_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "devices/misc/pflash.h"

/* Reads params->path into `to`, which holds params->size zeros, and locks it: one writer, or any
 * number of readers. *ret_fd is the caller's to close; until then the lock lasts. */
int pflash_image_open(const struct pflash_params *params, uint8_t *to, int *ret_fd,
                      struct error *err) NODISCARD;
/* Writes bytes from..to of the bank, which lies at hva, to their place in the file. */
bool pflash_image_write(int fd, const uint8_t *hva, uint64_t from, uint64_t to) NODISCARD;

#endif

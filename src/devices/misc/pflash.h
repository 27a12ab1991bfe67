/* devices/misc/pflash.h - a parallel NOR flash bank: two 16-bit Intel chips side by side.
 *
 * "cfi-flash" with bank-width 4. Both chips do the same at the same time; see pflash.c. A bank with
 * a file is a ROM-device region, read as memory while the chips are in read array.
 */
#ifndef DEVICES_MISC_PFLASH_H
#define DEVICES_MISC_PFLASH_H

#include "dev/device.h"
#include "mem/region.h"

enum {
    PFLASH_CHIPS = 2,
    PFLASH_SECTOR = 256 * 1024, /* bytes of the bank that one erase clears in both chips */
    PFLASH_MAX_SECTORS = 256,
    PFLASH_BUFFER_WORDS = 256, /* of 16 bits, of each chip's write buffer */
};

struct pflash_params {
    uint64_t size; /* bytes, a power of two, 2 to PFLASH_MAX_SECTORS sectors */
    /* What the flash holds; NULL: it is erased and forgets. Read-only, a shorter file is padded
     * with zeros; else the file has exactly `size` bytes and every change is written to it. */
    const char *path;
    bool readonly; /* programming and erasing fail as on a locked chip */
};

struct pflash {
    struct device dev;
    struct mem_region mmio; /* params.size bytes; ready after device_realize() */
    struct ram_block *ram;  /* its content, from device_realize() on */
    /* private */
    struct pflash_params params;
    int fd; /* -1: nothing to write to */
    bool romd;
    unsigned reads_to_romd;
    /* Without a file, sectors never programmed read as erased and take no host memory. While there
     * are such, the bank stays a device. */
    bool filled[PFLASH_MAX_SECTORS];
    unsigned unfilled;

    /* State. */
    uint8_t mode;    /* enum of pflash.c: what a read sees */
    uint8_t step;    /* which write cycle comes next */
    uint8_t status;  /* errors that stay until cleared; ready is always */
    uint8_t width;   /* bytes of a word the guest gives to the buffer */
    uint16_t count;  /* words the buffer command announced */
    uint16_t left;   /* of those, not yet given */
    uint32_t target; /* where the buffer goes */
    uint8_t buffer[PFLASH_BUFFER_WORDS * 4];
};

/* params is copied, the path not. */
void pflash_init(struct pflash *pflash, const char *id, const struct pflash_params *params);
void pflash_fini(struct pflash *pflash);

#endif

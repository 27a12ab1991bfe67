/*
 * devices/misc/pflash_cfi.c - the Common Flash Interface table (JESD68.01, Intel extension 0001).
 *
 * Times are those of a real chip's data sheet: drivers make their timeouts of them, and we are
 * never late. Sizes are per chip: of the bank's sectors and buffer each chip has half.
 */
#include "devices/misc/pflash_cfi.h"

#include "base/bitops.h"
#include "devices/misc/pflash.h"

enum { SECTOR_BYTES = PFLASH_SECTOR / PFLASH_CHIPS, BUFFER_LOG2 = 9, PRIMARY_TABLE = 0x31 };
_Static_assert(1 << BUFFER_LOG2 == 2 * PFLASH_BUFFER_WORDS, "the table tells the buffer's size");

/* clang-format off */
static const uint8_t cfi_table[] = {
    [0x10] = 'Q', 'R', 'Y',
    [0x13] = 0x01, 0x00,          /* command set: Intel extended */
    [0x15] = PRIMARY_TABLE, 0x00,
    [0x1b] = 0x27, 0x36,          /* Vcc 2.7 to 3.6 V */
    [0x1f] = 0x07, 0x07,          /* 2^n us for a word, a buffer */
    [0x21] = 0x0a,                /* 2^n ms to erase a block */
    [0x23] = 0x04, 0x04, 0x04,    /* at most 2^n times these */
    [0x28] = 0x02, 0x00,          /* x8/x16 */
    [0x2a] = BUFFER_LOG2, 0x00,
    [0x2c] = 0x01,                /* one region of equal blocks; 0x2d to 0x30 and 0x27 below */
    [0x31] = 'P', 'R', 'I', '1', '0',
    [0x36] = 0x00, 0x00, 0x00, 0x00, /* no suspend, no locking */
    [0x3d] = 0x33,                /* best at 3.3 V */
};
/* clang-format on */

uint8_t pflash_cfi_byte(uint32_t word, uint64_t chip_size)
{
    uint64_t blocks = chip_size / SECTOR_BYTES;

    switch (word) {
    case 0x27:
        return (uint8_t)ctz64(chip_size);
    case 0x2d:
        return (uint8_t)(blocks - 1);
    case 0x2e:
        return (uint8_t)((blocks - 1) >> 8);
    case 0x2f:
        return (uint8_t)(SECTOR_BYTES / 256);
    case 0x30:
        return (uint8_t)(SECTOR_BYTES / 256 >> 8);
    default:
        return word < sizeof(cfi_table) ? cfi_table[word] : 0;
    }
}

/* devices/misc/pflash_cfi.h - what a pflash chip says about itself. Private to pflash.c. */
#ifndef DEVICES_MISC_PFLASH_CFI_H
#define DEVICES_MISC_PFLASH_CFI_H

#include <stdint.h>

/* The CFI query table of one chip of that many bytes; 0 where there is nothing. */
uint8_t pflash_cfi_byte(uint32_t word, uint64_t chip_size);

#endif

/* backend/block/raw.h - the driver for images that are the disk's bytes, one for one. */
#ifndef BACKEND_BLOCK_RAW_H
#define BACKEND_BLOCK_RAW_H

#include "backend/block/block.h"

int block_raw_open(struct block **ret_block, struct pool *pool, const struct block_options *options,
                   struct error *err) NODISCARD;

#endif

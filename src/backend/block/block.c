/*
 * backend/block/block.c - choosing a driver, and the checks all drivers share.
 */
#include "backend/block/block.h"

#include <errno.h>
#include <string.h>

#include "backend/block/raw.h"

int block_open(struct block **ret_block, struct pool *pool, const struct block_options *options,
               struct error *err)
{
    if (options->format != NULL && strcmp(options->format, "raw") != 0)
        return error_set(err, EINVAL, "disk %s: format '%s' is not known; this version has raw",
                         options->path, options->format);
    return block_raw_open(ret_block, pool, options, err);
}

void block_close(struct block *block)
{
    if (block != NULL)
        block->ops->close(block);
}

static int block_check(const struct block *block, const struct block_req *req)
{
    if (req->op == BLOCK_FLUSH)
        return 0;
    if (req->offset > block->size || req->len > block->size - req->offset)
        return -EINVAL;
    if (req->op != BLOCK_READ && block->read_only)
        return -EROFS;
    return 0;
}

void block_submit(struct block *block, struct block_req *req)
{
    int rc = block_check(block, req);

    req->block = block;
    if (rc != 0 || (req->len == 0 && req->op != BLOCK_FLUSH))
        block_complete(req, rc);
    else
        block->ops->submit(block, req);
}

/*
 * devices/virtio/blk.c - the virtio block device.
 *
 * A request is taken from its queue on the vCPU that notified, checked in full, and handed to
 * the block backend; data moves between the image and guest RAM with no copy between, on the
 * backend's threads. Completion comes there too, in any order, and gives the chain back.
 * Requests under way are bounded by the queue sizes (queue.h); each holds references to the RAM
 * it works on, so the memory map may change meanwhile.
 *
 *     readable: header (type, reserved, sector) | data of a write or ranges of a discard
 *     writable: data of a read                  | status byte, the last of all
 *
 * The framing is free (2.7.4.1): header, data and status are found by counting bytes. A chain
 * with no room for header or status cannot be answered and breaks the device; all other nonsense
 * gets VIRTIO_BLK_S_IOERR.
 */
#include "devices/virtio/blk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

/* Feature bits, 5.2.3. */
enum {
    VIRTIO_BLK_F_SEG_MAX = 2,
    VIRTIO_BLK_F_RO = 5,
    VIRTIO_BLK_F_BLK_SIZE = 6,
    VIRTIO_BLK_F_FLUSH = 9,
    VIRTIO_BLK_F_TOPOLOGY = 10,
    VIRTIO_BLK_F_CONFIG_WCE = 11,
    VIRTIO_BLK_F_MQ = 12,
    VIRTIO_BLK_F_DISCARD = 13,
    VIRTIO_BLK_F_WRITE_ZEROES = 14,
};

/* struct virtio_blk_config, 5.2.4. */
enum {
    CONFIG_CAPACITY = 0,
    CONFIG_SEG_MAX = 12,
    CONFIG_BLK_SIZE = 20,
    CONFIG_PHYSICAL_EXP = 24,
    CONFIG_MIN_IO = 26,
    CONFIG_WRITEBACK = 32,
    CONFIG_NUM_QUEUES = 34,
    CONFIG_MAX_DISCARD_SECTORS = 36,
    CONFIG_MAX_DISCARD_SEG = 40,
    CONFIG_DISCARD_ALIGNMENT = 44,
    CONFIG_MAX_ZEROES_SECTORS = 48,
    CONFIG_MAX_ZEROES_SEG = 52,
    CONFIG_ZEROES_MAY_UNMAP = 56,
};

/* Requests, 5.2.6. */
enum {
    VIRTIO_BLK_T_IN = 0,
    VIRTIO_BLK_T_OUT = 1,
    VIRTIO_BLK_T_FLUSH = 4,
    VIRTIO_BLK_T_GET_ID = 8,
    VIRTIO_BLK_T_DISCARD = 11,
    VIRTIO_BLK_T_WRITE_ZEROES = 13,

    VIRTIO_BLK_S_OK = 0,
    VIRTIO_BLK_S_IOERR = 1,
    VIRTIO_BLK_S_UNSUPP = 2,

    HEADER_SIZE = 16, /* le32 type, le32 reserved, le64 sector */
    RANGE_SIZE = 16,  /* le64 sector, le32 num_sectors, le32 flags */
    RANGE_F_UNMAP = 1,
};

/* A range is one backend request and may keep a worker busy: discards are quick, zeroing may
 * have to write. */
enum {
    MAX_RANGES = 64,
    MAX_DISCARD_SECTORS = 4 * 1024 * 1024, /* 2 GiB */
    MAX_ZEROES_SECTORS = 256 * 1024,       /* 128 MiB */
};

struct range {
    uint64_t offset, len;
    unsigned flags;
};

/* A request under way. */
struct blk_req {
    struct virtio_blk *blk;
    struct virtq_chain *chain;
    struct block_req io;
    uint32_t type;
    unsigned next_range, range_count;
    struct range *ranges; /* in the same allocation, as is io.iov */
};

static struct virtio_blk *to_blk(struct virtio *v)
{
    return container_of(v, struct virtio_blk, virtio);
}

/* ---- answering ---- */

/* Writes the status byte and gives the chain back; `written` bytes of data come before it. */
static void blk_answer(struct virtq_chain *chain, uint8_t status, uint64_t written)
{
    uint64_t status_at = chain->in_len - 1;

    virtq_chain_write(chain, status_at, &status, 1);
    /* The used length counts from the first writable byte without a gap (2.7.8.2), so the
     * status counts only when all before it was written. */
    virtq_push(chain, written == status_at ? written + 1 : written);
}

static void blk_submit(struct blk_req *req);

static void blk_done(struct block_req *io, int result)
{
    struct blk_req *req = container_of(io, struct blk_req, io);
    struct virtq_chain *chain = req->chain;
    uint64_t read = 0;

    if (result == 0 && req->next_range < req->range_count) {
        blk_submit(req);
        return;
    }
    if (req->type == VIRTIO_BLK_T_IN) {
        /* Also after a failure part of it may have been written. */
        virtq_chain_wrote(chain, 0, io->len);
        read = result == 0 ? io->len : 0;
    }
    free(req);
    blk_answer(chain, result == 0 ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR, read);
}

/* ---- asking the backend ---- */

/* 5.2.6.2: writes that are completed are stable, unless the driver knows how to flush and has
 * not asked for write-through. */
static bool is_writethrough(const struct virtio_blk *blk)
{
    if (virtio_has_feature(&blk->virtio, VIRTIO_BLK_F_CONFIG_WCE))
        return __atomic_load_n(&blk->writeback, __ATOMIC_RELAXED) == 0;
    return !virtio_has_feature(&blk->virtio, VIRTIO_BLK_F_FLUSH);
}

static void blk_submit(struct blk_req *req)
{
    if (req->range_count > 0) {
        const struct range *range = &req->ranges[req->next_range++];

        req->io.offset = range->offset;
        req->io.len = range->len;
        req->io.flags = range->flags;
    }
    block_submit(req->blk->block, &req->io);
}

static struct blk_req *blk_req_new(struct virtio_blk *blk, struct virtq_chain *chain, uint32_t type,
                                   enum block_op op, size_t tail)
{
    struct blk_req *req = malloc(sizeof(*req) + tail);

    if (req == NULL)
        return NULL;
    memset(req, 0, sizeof(*req));
    req->blk = blk;
    req->chain = chain;
    req->type = type;
    req->io.op = op;
    req->io.done = blk_done;
    return req;
}

static bool sectors_fit(const struct virtio_blk *blk, uint64_t sector, uint64_t count)
{
    uint64_t capacity = blk->block->size / BLOCK_SECTOR;

    return sector <= capacity && count <= capacity - sector;
}

static void blk_read_write(struct virtio_blk *blk, struct virtq_chain *chain, uint32_t type,
                           uint64_t sector)
{
    bool in = type == VIRTIO_BLK_T_IN;
    uint64_t len = in ? chain->in_len - 1 : chain->out_len - HEADER_SIZE;
    unsigned segs = in ? chain->in_count : chain->out_count;
    struct blk_req *req;

    if (len % BLOCK_SECTOR != 0 || !sectors_fit(blk, sector, len / BLOCK_SECTOR) ||
        (!in && blk->block->read_only)) {
        blk_answer(chain, VIRTIO_BLK_S_IOERR, 0);
        return;
    }
    if (in && virtq_chain_tail_overlaps(chain)) {
        /* The answer itself would be overwritten by data. */
        virtq_break(chain->vq, "status byte lies in the data");
        virtq_drop(chain);
        return;
    }
    req = blk_req_new(blk, chain, type, in ? BLOCK_READ : BLOCK_WRITE, segs * sizeof(struct iovec));
    if (req == NULL) {
        blk_answer(chain, VIRTIO_BLK_S_IOERR, 0);
        return;
    }
    req->io.offset = sector * BLOCK_SECTOR;
    req->io.len = len;
    req->io.flags = !in && is_writethrough(blk) ? BLOCK_FUA : 0;
    req->io.iov = (struct iovec *)(void *)(req + 1);
    req->io.iov_count = virtq_chain_iov(chain, in, in ? 0 : HEADER_SIZE, len, req->io.iov);
    blk_submit(req);
}

/* One range of a discard or write-zeroes, as the driver wrote it; the status it deserves. */
static uint8_t decode_range(const struct virtio_blk *blk, uint32_t type, const uint8_t *raw,
                            struct range *ret_range)
{
    bool zeroes = type == VIRTIO_BLK_T_WRITE_ZEROES;
    uint64_t sector = ld_le64(raw);
    uint32_t count = ld_le32(raw + 8), flags = ld_le32(raw + 12);

    /* 5.2.6.2: unknown flags, and unmap with a discard, are unsupported. */
    if ((flags & ~(uint32_t)(zeroes ? RANGE_F_UNMAP : 0)) != 0)
        return VIRTIO_BLK_S_UNSUPP;
    if (!sectors_fit(blk, sector, count) ||
        count > (zeroes ? (uint32_t)MAX_ZEROES_SECTORS : (uint32_t)MAX_DISCARD_SECTORS))
        return VIRTIO_BLK_S_IOERR;
    ret_range->offset = sector * BLOCK_SECTOR;
    ret_range->len = (uint64_t)count * BLOCK_SECTOR;
    ret_range->flags = zeroes && is_writethrough(blk) ? BLOCK_FUA : 0;
    if ((flags & RANGE_F_UNMAP) != 0)
        ret_range->flags |= BLOCK_MAY_UNMAP;
    return VIRTIO_BLK_S_OK;
}

static void blk_ranges(struct virtio_blk *blk, struct virtq_chain *chain, uint32_t type)
{
    uint64_t len = chain->out_len - HEADER_SIZE;
    unsigned count = (unsigned)(len / RANGE_SIZE);
    uint8_t status = VIRTIO_BLK_S_OK;
    struct blk_req *req;

    if (blk->block->read_only || len == 0 || len % RANGE_SIZE != 0 ||
        len / RANGE_SIZE > MAX_RANGES) {
        blk_answer(chain, VIRTIO_BLK_S_IOERR, 0);
        return;
    }
    req = blk_req_new(blk, chain, type,
                      type == VIRTIO_BLK_T_DISCARD ? BLOCK_DISCARD : BLOCK_WRITE_ZEROES,
                      count * sizeof(struct range));
    if (req == NULL) {
        blk_answer(chain, VIRTIO_BLK_S_IOERR, 0);
        return;
    }
    req->ranges = (struct range *)(void *)(req + 1);
    req->range_count = count;
    for (unsigned i = 0; i < count && status == VIRTIO_BLK_S_OK; i++) {
        uint8_t raw[RANGE_SIZE];

        virtq_chain_read(chain, HEADER_SIZE + (uint64_t)i * RANGE_SIZE, raw, sizeof(raw));
        status = decode_range(blk, type, raw, &req->ranges[i]);
    }
    if (status != VIRTIO_BLK_S_OK) {
        free(req);
        blk_answer(chain, status, 0);
        return;
    }
    blk_submit(req);
}

static void blk_flush(struct virtio_blk *blk, struct virtq_chain *chain)
{
    struct blk_req *req = blk_req_new(blk, chain, VIRTIO_BLK_T_FLUSH, BLOCK_FLUSH, 0);

    if (req == NULL)
        blk_answer(chain, VIRTIO_BLK_S_IOERR, 0);
    else
        blk_submit(req);
}

static void blk_get_id(struct virtio_blk *blk, struct virtq_chain *chain)
{
    uint64_t room = chain->in_len - 1;
    size_t len = room < VIRTIO_BLK_ID_LEN ? (size_t)room : VIRTIO_BLK_ID_LEN;

    virtq_chain_write(chain, 0, blk->serial, len);
    blk_answer(chain, VIRTIO_BLK_S_OK, len);
}

static void blk_handle(struct virtio_blk *blk, struct virtq_chain *chain)
{
    uint8_t header[HEADER_SIZE];
    uint32_t type;

    if (chain->in_len == 0 ||
        virtq_chain_read(chain, 0, header, sizeof(header)) != sizeof(header)) {
        virtq_break(chain->vq, "block request without header or status");
        virtq_drop(chain);
        return;
    }
    type = ld_le32(header);
    switch (type) {
    case VIRTIO_BLK_T_IN:
    case VIRTIO_BLK_T_OUT:
        blk_read_write(blk, chain, type, ld_le64(header + 8));
        break;
    case VIRTIO_BLK_T_FLUSH:
        blk_flush(blk, chain);
        break;
    case VIRTIO_BLK_T_GET_ID:
        blk_get_id(blk, chain);
        break;
    case VIRTIO_BLK_T_DISCARD:
    case VIRTIO_BLK_T_WRITE_ZEROES:
        blk_ranges(blk, chain, type);
        break;
    default:
        blk_answer(chain, VIRTIO_BLK_S_UNSUPP, 0);
        break;
    }
}

static void blk_notify(struct virtio *v, unsigned queue)
{
    struct virtq_chain *chain;

    while ((chain = virtq_pop(&v->queues[queue])) != NULL)
        blk_handle(to_blk(v), chain);
}

/* ---- configuration ---- */

static void set_writeback(struct virtio_blk *blk, uint8_t writeback)
{
    blk->config[CONFIG_WRITEBACK] = writeback;
    __atomic_store_n(&blk->writeback, writeback, __ATOMIC_RELAXED);
}

static void blk_start(struct virtio *v)
{
    /* 5.2.5.2: no way to flush means write-through. */
    if (virtio_has_feature(v, VIRTIO_BLK_F_CONFIG_WCE) &&
        !virtio_has_feature(v, VIRTIO_BLK_F_FLUSH))
        set_writeback(to_blk(v), 0);
}

static void blk_reset(struct virtio *v)
{
    set_writeback(to_blk(v), 1);
}

static void blk_config_write(struct virtio *v, uint32_t offset, unsigned size, uint32_t val)
{
    if (offset == CONFIG_WRITEBACK && size == 1 && virtio_has_feature(v, VIRTIO_BLK_F_CONFIG_WCE))
        set_writeback(to_blk(v), (uint8_t)(val & 1));
}

static void blk_fill_config(struct virtio_blk *blk)
{
    const struct block *block = blk->block;
    struct virtio *v = &blk->virtio;
    uint8_t *config = blk->config;

    st_le64(config + CONFIG_CAPACITY, block->size / BLOCK_SECTOR);
    /* Header and status take one descriptor each; 2.7.5.3.1 holds a chain to the queue size. */
    st_le32(config + CONFIG_SEG_MAX, v->queue_max - 2u);
    st_le32(config + CONFIG_BLK_SIZE, block->logical_size);
    config[CONFIG_PHYSICAL_EXP] =
        (uint8_t)__builtin_ctz(block->physical_size / block->logical_size);
    st_le16(config + CONFIG_MIN_IO, (uint16_t)(block->physical_size / block->logical_size));
    st_le16(config + CONFIG_NUM_QUEUES, (uint16_t)v->queue_count);
    if (block->read_only)
        return;
    st_le32(config + CONFIG_MAX_DISCARD_SECTORS, MAX_DISCARD_SECTORS);
    st_le32(config + CONFIG_MAX_DISCARD_SEG, MAX_RANGES);
    st_le32(config + CONFIG_DISCARD_ALIGNMENT, block->physical_size / BLOCK_SECTOR);
    st_le32(config + CONFIG_MAX_ZEROES_SECTORS, MAX_ZEROES_SECTORS);
    st_le32(config + CONFIG_MAX_ZEROES_SEG, MAX_RANGES);
    config[CONFIG_ZEROES_MAY_UNMAP] = 1;
}

static uint64_t blk_features(const struct virtio_blk *blk)
{
    uint64_t features = VIRTIO_FEATURE(VIRTIO_BLK_F_SEG_MAX) |
                        VIRTIO_FEATURE(VIRTIO_BLK_F_BLK_SIZE) | VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH) |
                        VIRTIO_FEATURE(VIRTIO_BLK_F_TOPOLOGY) |
                        VIRTIO_FEATURE(VIRTIO_BLK_F_CONFIG_WCE);

    if (blk->virtio.queue_count > 1)
        features |= VIRTIO_FEATURE(VIRTIO_BLK_F_MQ);
    if (blk->block->read_only)
        return features | VIRTIO_FEATURE(VIRTIO_BLK_F_RO);
    return features | VIRTIO_FEATURE(VIRTIO_BLK_F_DISCARD) |
           VIRTIO_FEATURE(VIRTIO_BLK_F_WRITE_ZEROES);
}

static const struct virtio_ops blk_ops = {
    .device_id = VIRTIO_ID_BLOCK,
    .start = blk_start,
    .reset = blk_reset,
    .notify = blk_notify,
    .config_write = blk_config_write,
};

/* ---- life ---- */

static int blk_realize(struct device *dev, struct error *err)
{
    return virtio_realize(container_of(dev, struct virtio, dev), err);
}

static void blk_unrealize(struct device *dev)
{
    virtio_unrealize(container_of(dev, struct virtio, dev));
}

static int blk_post_load(struct device *dev, struct error *err)
{
    struct virtio_blk *blk = to_blk(container_of(dev, struct virtio, dev));

    set_writeback(blk, blk->writeback & 1);
    return virtio_post_load(dev, err);
}

static const struct state_field blk_state[] = {
    VIRTIO_STATE(struct virtio_blk, virtio),
    STATE_UINT(struct virtio_blk, writeback),
    STATE_END,
};

static const struct device_ops blk_device_ops = {
    .type = "virtio-blk",
    .realize = blk_realize,
    .reset = virtio_device_reset,
    .unrealize = blk_unrealize,
    .pre_save = virtio_pre_save,
    .post_load = blk_post_load,
    .state = blk_state,
    .state_version = 1,
    .device_offset = offsetof(struct virtio_blk, virtio.dev),
};

void virtio_blk_init(struct virtio_blk *blk, const char *id, struct mem_space *space,
                     const struct virtio_blk_params *params)
{
    size_t serial_len = params->serial != NULL ? strlen(params->serial) : 0;

    memset(blk, 0, sizeof(*blk));
    virtio_init(&blk->virtio, &blk_ops, &blk_device_ops, id, space);
    blk->block = params->block;
    blk->virtio.queue_count = params->queues > 0 ? params->queues : 1;
    assert(blk->virtio.queue_count <= VIRTIO_MAX_QUEUES);
    blk->virtio.config = blk->config;
    blk->virtio.config_len = sizeof(blk->config);
    if (serial_len > 0)
        memcpy(blk->serial, params->serial,
               serial_len < VIRTIO_BLK_ID_LEN ? serial_len : VIRTIO_BLK_ID_LEN);
    blk_fill_config(blk);
    blk->virtio.features_offered |= blk_features(blk);
    set_writeback(blk, 1);
}

void virtio_blk_fini(struct virtio_blk *blk)
{
    virtio_fini(&blk->virtio);
}

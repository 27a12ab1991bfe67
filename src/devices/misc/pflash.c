/*
 * devices/misc/pflash.c - two 16-bit Intel StrataFlash chips (28F128J3 when of 16 MiB) as one bank.
 *
 * Both chips are always in the same state: an access of any width is a command to the bank, taken
 * from its low byte, and replies are the same in both halves of a 32-bit word. Real chips would
 * hear only what their lanes carry, but firmware for this board has never met such: Debian's U-Boot
 * finds the bank by 16-bit accesses, and then resets, erases and programs it with those.
 *
 *     mode   what reads see: array, identifier, CFI table, status
 *     step   STEP_COMMAND, or what the next write means: the second cycle of a command
 *
 * Operations take no time: a status read after a command always finds the chips ready.
 *
 * Switching the region between memory and device makes a new flat view, which costs; so the way
 * back to memory is taken only after ARRAY_READS_TO_ROMD reads found it in read array. Firmware
 * that alternates commands with a few reads then stays with the device throughout.
 *
 * A flash without a file costs host memory only for the sectors that were programmed: the others
 * are known to be erased, `filled` tells which, and reads of them are answered here. A board may
 * have two of 32 MiB that nobody uses.
 *
 * Programming can only clear bits, erasing sets them. A change is in RAM first and then written to
 * the file; if that fails the guest sees the chips' program and erase error.
 */
#include "devices/misc/pflash.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/bitops.h"
#include "base/compiler.h"
#include "base/endian.h"
#include "devices/misc/pflash_cfi.h"
#include "devices/misc/pflash_image.h"

enum { MODE_ARRAY, MODE_ID, MODE_QUERY, MODE_STATUS, MODES };
enum {
    STEP_COMMAND,
    STEP_ERASE,   /* 0xd0 confirms */
    STEP_PROGRAM, /* the word */
    STEP_LOCK,    /* which kind of locking */
    STEP_PROTECT, /* a word for the protection register, which there is not */
    STEP_COUNT,   /* words - 1 */
    STEP_DATA,    /* words for the buffer */
    STEP_CONFIRM, /* 0xd0 programs the buffer */
    STEPS,
};
enum {
    CMD_PROGRAM_ALT = 0x10,
    CMD_ERASE = 0x20,
    CMD_PROGRAM = 0x40,
    CMD_CLEAR_STATUS = 0x50,
    CMD_LOCK = 0x60,
    CMD_READ_STATUS = 0x70,
    CMD_READ_ID = 0x90,
    CMD_QUERY = 0x98,
    CMD_SUSPEND = 0xb0,
    CMD_PROTECT = 0xc0,
    CMD_CONFIRM = 0xd0,
    CMD_BUFFER = 0xe8,
    CMD_READ_ARRAY = 0xff,
};
enum { LOCK_SET = 0x01, LOCK_CONFIGURE = 0x03, LOCK_DOWN = 0x2f, LOCK_CLEAR = 0xd0 };
enum {
    STATUS_LOCKED = 0x02,
    STATUS_PROGRAM = 0x10,
    STATUS_ERASE = 0x20,
    STATUS_SEQUENCE = STATUS_PROGRAM | STATUS_ERASE,
    STATUS_READY = 0x80,
};
enum { ID_MANUFACTURER = 0x89, ID_DEVICE = 0x18 };
enum { BANK_WIDTH = 4, ARRAY_READS_TO_ROMD = 256 };

static struct pflash *to_pflash(struct device *dev)
{
    return container_of(dev, struct pflash, dev);
}

static bool is_filled(const struct pflash *pflash, uint64_t off)
{
    return pflash->filled[off / PFLASH_SECTOR];
}

/* ---- changing the array ---- */

/* Tells the dirty hub and the file of new bytes, all in one sector. */
static void changed(struct pflash *pflash, uint64_t off, uint64_t len)
{
    ram_block_device_wrote(pflash->ram, off, len);
    if (pflash->fd >= 0 && !pflash_image_write(pflash->fd, pflash->ram->hva, off, off + len))
        pflash->status |= STATUS_SEQUENCE;
}

/* Gives the sector its memory. */
static void fill(struct pflash *pflash, uint64_t off)
{
    uint64_t sector = round_down(off, PFLASH_SECTOR);

    if (is_filled(pflash, off))
        return;
    memset(pflash->ram->hva + sector, 0xff, PFLASH_SECTOR);
    pflash->filled[off / PFLASH_SECTOR] = true;
    pflash->unfilled--;
    changed(pflash, sector, PFLASH_SECTOR);
}

/* The bytes lie in one sector. */
static void program(struct pflash *pflash, uint64_t off, const uint8_t *bytes, uint64_t len)
{
    if (pflash->params.readonly) {
        pflash->status |= STATUS_PROGRAM | STATUS_LOCKED;
        return;
    }
    fill(pflash, off);
    for (uint64_t i = 0; i < len; i++)
        pflash->ram->hva[off + i] &= bytes[i];
    changed(pflash, off, len);
}

static void erase(struct pflash *pflash, uint64_t off)
{
    uint64_t sector = round_down(off, PFLASH_SECTOR);

    if (pflash->params.readonly) {
        pflash->status |= STATUS_ERASE | STATUS_LOCKED;
        return;
    }
    if (!is_filled(pflash, off))
        return;
    memset(pflash->ram->hva + sector, 0xff, PFLASH_SECTOR);
    changed(pflash, sector, PFLASH_SECTOR);
}

/* ---- write cycles ---- */

/* The command is over; reads see the status. */
static void finish(struct pflash *pflash, uint8_t errors)
{
    pflash->step = STEP_COMMAND;
    pflash->mode = MODE_STATUS;
    pflash->status |= errors;
}

static void begin(struct pflash *pflash, uint8_t step)
{
    pflash->step = step;
    pflash->mode = MODE_STATUS;
}

static void command(struct pflash *pflash, uint8_t cmd)
{
    switch (cmd) {
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALT:
        begin(pflash, STEP_PROGRAM);
        break;
    case CMD_ERASE:
        begin(pflash, STEP_ERASE);
        break;
    case CMD_LOCK:
        begin(pflash, STEP_LOCK);
        break;
    case CMD_PROTECT:
        begin(pflash, STEP_PROTECT);
        break;
    case CMD_BUFFER:
        begin(pflash, STEP_COUNT);
        break;
    case CMD_CLEAR_STATUS:
        pflash->status = 0;
        break;
    case CMD_READ_STATUS:
    case CMD_SUSPEND: /* nothing ever runs that could be */
        pflash->mode = MODE_STATUS;
        break;
    case CMD_READ_ID:
        pflash->mode = MODE_ID;
        break;
    case CMD_QUERY:
        pflash->mode = MODE_QUERY;
        break;
    case CMD_CONFIRM: /* as resume */
        break;
    case CMD_READ_ARRAY:
    default: /* what no chip knows: drivers reset chips of other makes too, and expect the array */
        pflash->mode = MODE_ARRAY;
        break;
    }
}

static void lock(struct pflash *pflash, uint8_t kind)
{
    bool known =
        kind == LOCK_SET || kind == LOCK_CLEAR || kind == LOCK_DOWN || kind == LOCK_CONFIGURE;

    /* Accepted; no block is ever locked (identifier word 2), but for a read-only bank. */
    finish(pflash, known ? 0 : STATUS_SEQUENCE);
}

static void program_one(struct pflash *pflash, uint64_t off, unsigned size, uint32_t val)
{
    uint8_t bytes[4];

    st_le32(bytes, val);
    finish(pflash, 0);
    program(pflash, off, bytes, size);
}

static void buffer_count(struct pflash *pflash, uint16_t val)
{
    if (val >= PFLASH_BUFFER_WORDS) {
        finish(pflash, STATUS_SEQUENCE);
        return;
    }
    pflash->count = pflash->left = (uint16_t)(val + 1);
    pflash->step = STEP_DATA;
    memset(pflash->buffer, 0xff, sizeof(pflash->buffer));
}

/* The first write says where the buffer goes and how wide a word is; the others may come in any
 * order, within the count. */
static void buffer_data(struct pflash *pflash, uint64_t off, unsigned size, uint32_t val)
{
    uint64_t at;
    uint8_t bytes[4];

    if (pflash->left == pflash->count) {
        pflash->target = (uint32_t)off;
        pflash->width = (uint8_t)size;
    }
    at = off - pflash->target;
    if (size != pflash->width || at > (uint64_t)(pflash->count - 1u) * size ||
        off / PFLASH_SECTOR != pflash->target / PFLASH_SECTOR) {
        finish(pflash, STATUS_SEQUENCE);
        return;
    }
    st_le32(bytes, val);
    memcpy(&pflash->buffer[at], bytes, size);
    if (--pflash->left == 0)
        pflash->step = STEP_CONFIRM;
}

static void buffer_confirm(struct pflash *pflash, uint8_t val)
{
    uint64_t room = PFLASH_SECTOR - pflash->target % PFLASH_SECTOR;
    uint64_t len = (uint64_t)pflash->count * pflash->width;

    finish(pflash, val == CMD_CONFIRM ? 0 : STATUS_SEQUENCE);
    if (val == CMD_CONFIRM)
        program(pflash, pflash->target, pflash->buffer, len < room ? len : room);
}

static void write_cycle(struct pflash *pflash, uint64_t off, unsigned size, uint32_t val)
{
    uint8_t low = (uint8_t)val;

    switch (pflash->step) {
    case STEP_ERASE:
        finish(pflash, low == CMD_CONFIRM ? 0 : STATUS_SEQUENCE);
        if (low == CMD_CONFIRM)
            erase(pflash, off);
        break;
    case STEP_PROGRAM:
        program_one(pflash, off, size, val);
        break;
    case STEP_LOCK:
        lock(pflash, low);
        break;
    case STEP_PROTECT:
        finish(pflash, STATUS_PROGRAM | STATUS_LOCKED);
        break;
    case STEP_COUNT:
        buffer_count(pflash, (uint16_t)val);
        break;
    case STEP_DATA:
        buffer_data(pflash, off, size, val);
        break;
    case STEP_CONFIRM:
        buffer_confirm(pflash, low);
        break;
    default:
        command(pflash, low);
        break;
    }
}

/* ---- the bank ---- */

/* What each chip puts on its 16 lanes; not for MODE_ARRAY. */
static uint16_t chip_reply(const struct pflash *pflash, uint64_t off)
{
    uint32_t word = (uint32_t)(off / BANK_WIDTH) & 0xff;

    switch (pflash->mode) {
    case MODE_ID:
        if (word == 0)
            return ID_MANUFACTURER;
        return word == 1 ? ID_DEVICE : 0;
    case MODE_QUERY:
        return pflash_cfi_byte(word, pflash->params.size / PFLASH_CHIPS);
    default:
        return STATUS_READY | pflash->status;
    }
}

static uint32_t bank_word(const struct pflash *pflash, uint64_t off)
{
    uint32_t reply;

    if (pflash->mode == MODE_ARRAY)
        return is_filled(pflash, off) ? ld_le32(pflash->ram->hva + round_down(off, BANK_WIDTH))
                                      : UINT32_MAX;
    reply = chip_reply(pflash, off);
    return reply | reply << 16;
}

static void set_romd(struct pflash *pflash, bool romd)
{
    if (pflash->romd == romd)
        return;
    pflash->romd = romd;
    mem_region_set_romd(&pflash->mmio, romd);
}

/* Whether the bank may be read as memory. */
static bool is_plain(const struct pflash *pflash)
{
    return pflash->mode == MODE_ARRAY && pflash->unfilled == 0;
}

static enum mem_result pflash_read(struct mem_region *region, gpa_t off, unsigned size,
                                   uint64_t *val)
{
    struct pflash *pflash = container_of(region, struct pflash, mmio);

    *val = extract32(bank_word(pflash, off), (unsigned)(off % BANK_WIDTH) * 8, size * 8);
    if (is_plain(pflash) && pflash->reads_to_romd-- == 0)
        set_romd(pflash, true);
    return MEM_OK;
}

static enum mem_result pflash_write(struct mem_region *region, gpa_t off, unsigned size,
                                    uint64_t val)
{
    struct pflash *pflash = container_of(region, struct pflash, mmio);

    write_cycle(pflash, off, size, (uint32_t)val);
    if (!is_plain(pflash)) {
        pflash->reads_to_romd = ARRAY_READS_TO_ROMD;
        set_romd(pflash, false);
    }
    return MEM_OK;
}

static const struct mem_region_ops pflash_mem_ops = {
    .read = pflash_read,
    .write = pflash_write,
    .min_size = 1,
    .max_size = 4,
};

/* ---- the device ---- */

static void release(struct pflash *pflash)
{
    if (pflash->fd >= 0)
        close(pflash->fd);
    pflash->fd = -1;
    ram_block_unref(pflash->ram);
    pflash->ram = NULL;
}

static int pflash_realize(struct device *dev, struct error *err)
{
    struct pflash *pflash = to_pflash(dev);
    /* Of a file of memory, for that comes in small pages: most of a bank is never touched. */
    int rc = ram_block_new_shared(&pflash->ram, dev->id, pflash->params.size, err);

    if (rc != 0)
        return rc;
    memset(pflash->filled, false, sizeof(pflash->filled));
    pflash->unfilled = (unsigned)(pflash->params.size / PFLASH_SECTOR);
    if (pflash->params.path != NULL) {
        rc = pflash_image_open(&pflash->params, pflash->ram->hva, &pflash->fd, err);
        memset(pflash->filled, true, sizeof(pflash->filled));
        pflash->unfilled = 0;
    }
    if (rc != 0) {
        release(pflash);
        return rc;
    }
    mem_region_init_rom_device(&pflash->mmio, dev->id, pflash->ram, &pflash_mem_ops, &dev->lock);
    pflash->romd = true;
    return 0;
}

static void pflash_unrealize(struct device *dev)
{
    struct pflash *pflash = to_pflash(dev);

    mem_region_fini(&pflash->mmio);
    release(pflash);
}

static void pflash_reset(struct device *dev)
{
    struct pflash *pflash = to_pflash(dev);

    pflash->mode = MODE_ARRAY;
    pflash->step = STEP_COMMAND;
    pflash->status = 0;
    pflash->count = pflash->left = 0;
    pflash->target = 0;
    pflash->width = 0;
    memset(pflash->buffer, 0xff, sizeof(pflash->buffer));
    set_romd(pflash, is_plain(pflash));
}

static bool state_valid(const struct pflash *pflash)
{
    bool begun = pflash->left < pflash->count; /* width and target hold */

    if (pflash->mode >= MODES || pflash->step >= STEPS || pflash->count > PFLASH_BUFFER_WORDS ||
        pflash->left > pflash->count || pflash->target >= pflash->params.size)
        return false;
    if (begun && (!is_pow2(pflash->width) || pflash->width > BANK_WIDTH ||
                  pflash->target % pflash->width != 0))
        return false;
    if (pflash->step == STEP_DATA)
        return pflash->left > 0;
    return pflash->step != STEP_CONFIRM || (begun && pflash->left == 0);
}

static int pflash_post_load(struct device *dev, struct error *err)
{
    struct pflash *pflash = to_pflash(dev);

    pflash->unfilled = 0;
    for (unsigned i = 0; i < pflash->params.size / PFLASH_SECTOR; i++)
        pflash->unfilled += !pflash->filled[i];
    if (!state_valid(pflash))
        return error_set(err, EINVAL, "its chips are in a state no chip can be in");
    pflash->reads_to_romd = ARRAY_READS_TO_ROMD;
    set_romd(pflash, is_plain(pflash));
    return 0;
}

/* What the array holds is RAM, and saved as such. */
static const struct state_field pflash_state[] = {
    STATE_UINT(struct pflash, mode),         STATE_UINT(struct pflash, step),
    STATE_UINT(struct pflash, status),       STATE_UINT(struct pflash, width),
    STATE_UINT(struct pflash, count),        STATE_UINT(struct pflash, left),
    STATE_UINT(struct pflash, target),       STATE_BYTES(struct pflash, buffer),
    STATE_BOOL_ARRAY(struct pflash, filled), STATE_END,
};

static const struct device_ops pflash_ops = {
    .type = "pflash",
    .realize = pflash_realize,
    .reset = pflash_reset,
    .unrealize = pflash_unrealize,
    .post_load = pflash_post_load,
    .state = pflash_state,
    .state_version = 1,
    .device_offset = offsetof(struct pflash, dev),
};

void pflash_init(struct pflash *pflash, const char *id, const struct pflash_params *params)
{
    assert(is_pow2(params->size) && params->size / PFLASH_SECTOR >= 2);
    assert(params->size / PFLASH_SECTOR <= PFLASH_MAX_SECTORS);
    *pflash = (struct pflash){ .params = *params, .fd = -1 };
    device_init(&pflash->dev, &pflash_ops, id);
}

void pflash_fini(struct pflash *pflash)
{
    device_unrealize(&pflash->dev);
    device_fini(&pflash->dev);
}

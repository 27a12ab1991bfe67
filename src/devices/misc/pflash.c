/*
 * devices/misc/pflash.c - two Intel StrataFlash chips (28F128J3 when of 16 MiB) as one bank.
 *
 * Each chip is a state machine of its own that sees 16-bit writes; an access narrower than the bank
 * reaches only the chips it covers. Operations take no time: a status read after a command always
 * finds the chip ready.
 *
 *     mode   what reads see: array, identifier, CFI table, status
 *     step   STEP_COMMAND, or what the next write means: the second cycle of a command
 *
 * Switching the region between memory and device makes a new flat view, which costs; so the way
 * back to memory is taken only after ARRAY_READS_TO_ROMD reads found both chips in read array.
 * Firmware that alternates commands with a few reads then stays a device throughout.
 *
 * A flash without a file costs host memory only for the sectors that were programmed: the others
 * are known to be erased, `filled` tells which, and reads of them are answered here. A board may
 * have two of 32 MiB that nobody uses.
 *
 * Programming can only clear bits, erasing sets them. A change is in RAM first and then written to
 * the file; if that fails the guest sees the chip's program or erase error.
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
enum { BANK_WIDTH = 4, SECTOR_WORDS = PFLASH_SECTOR / BANK_WIDTH, ARRAY_READS_TO_ROMD = 256 };

static struct pflash *to_pflash(struct device *dev)
{
    return container_of(dev, struct pflash, dev);
}

/* Words of one chip; every word address is below. */
static uint32_t chip_words(const struct pflash *pflash)
{
    return (uint32_t)(pflash->params.size / BANK_WIDTH);
}

static uint8_t *chip_word(const struct pflash *pflash, unsigned chip, uint32_t word)
{
    return pflash->ram->hva + (uint64_t)word * BANK_WIDTH + chip * UINT64_C(2);
}

/* ---- changing the array ---- */

static void note_change(struct pflash *pflash, uint32_t word, uint32_t words)
{
    uint64_t from = (uint64_t)word * BANK_WIDTH, to = from + (uint64_t)words * BANK_WIDTH;

    if (pflash->changed_from == pflash->changed_to) {
        pflash->changed_from = from;
        pflash->changed_to = to;
        return;
    }
    if (from < pflash->changed_from)
        pflash->changed_from = from;
    if (to > pflash->changed_to)
        pflash->changed_to = to;
}

/* Tells the dirty hub and the file, once for both chips. */
static void flush_changes(struct pflash *pflash)
{
    uint64_t from = pflash->changed_from, to = pflash->changed_to;

    if (from == to)
        return;
    pflash->changed_from = pflash->changed_to = 0;
    ram_block_wrote(pflash->ram, from, to - from);
    if (pflash->fd < 0 || pflash_image_write(pflash->fd, pflash->ram->hva, from, to))
        return;
    for (unsigned c = 0; c < PFLASH_CHIPS; c++)
        pflash->chips[c].status |= STATUS_SEQUENCE;
}

/* Gives the sector of `word` its memory. */
static void fill(struct pflash *pflash, uint32_t word)
{
    uint32_t sector = word / SECTOR_WORDS;

    if (pflash->filled[sector])
        return;
    memset(pflash->ram->hva + (uint64_t)sector * PFLASH_SECTOR, 0xff, PFLASH_SECTOR);
    note_change(pflash, sector * SECTOR_WORDS, SECTOR_WORDS);
    pflash->filled[sector] = true;
    pflash->unfilled--;
}

/* The words lie in one sector. */
static void program(struct pflash *pflash, unsigned c, uint32_t word, const uint16_t *vals,
                    uint32_t count)
{
    if (pflash->params.readonly) {
        pflash->chips[c].status |= STATUS_PROGRAM | STATUS_LOCKED;
        return;
    }
    fill(pflash, word);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *at = chip_word(pflash, c, word + i);

        st_le16(at, ld_le16(at) & vals[i]);
    }
    note_change(pflash, word, count);
}

static void erase(struct pflash *pflash, unsigned c, uint32_t word)
{
    uint32_t first = word & ~(uint32_t)(SECTOR_WORDS - 1);

    if (pflash->params.readonly) {
        pflash->chips[c].status |= STATUS_ERASE | STATUS_LOCKED;
        return;
    }
    if (!pflash->filled[word / SECTOR_WORDS])
        return;
    for (uint32_t i = 0; i < SECTOR_WORDS; i++)
        st_le16(chip_word(pflash, c, first + i), 0xffff);
    note_change(pflash, first, SECTOR_WORDS);
}

/* ---- a chip's write cycles ---- */

/* The command is over; reads see the status. */
static void finish(struct pflash_chip *chip, uint8_t errors)
{
    chip->step = STEP_COMMAND;
    chip->mode = MODE_STATUS;
    chip->status |= errors;
}

static void begin(struct pflash_chip *chip, uint8_t step)
{
    chip->step = step;
    chip->mode = MODE_STATUS;
}

static void command(struct pflash_chip *chip, uint8_t cmd)
{
    switch (cmd) {
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALT:
        begin(chip, STEP_PROGRAM);
        break;
    case CMD_ERASE:
        begin(chip, STEP_ERASE);
        break;
    case CMD_LOCK:
        begin(chip, STEP_LOCK);
        break;
    case CMD_PROTECT:
        begin(chip, STEP_PROTECT);
        break;
    case CMD_BUFFER:
        begin(chip, STEP_COUNT);
        break;
    case CMD_CLEAR_STATUS:
        chip->status = 0;
        break;
    case CMD_READ_STATUS:
    case CMD_SUSPEND: /* nothing ever runs that could be */
        chip->mode = MODE_STATUS;
        break;
    case CMD_READ_ID:
        chip->mode = MODE_ID;
        break;
    case CMD_QUERY:
        chip->mode = MODE_QUERY;
        break;
    case CMD_CONFIRM: /* as resume */
        break;
    case CMD_READ_ARRAY:
    default: /* what no chip knows leaves it in read array, as firmware probing for others expects
              */
        chip->mode = MODE_ARRAY;
        break;
    }
}

static void lock(struct pflash_chip *chip, uint8_t kind)
{
    bool known =
        kind == LOCK_SET || kind == LOCK_CLEAR || kind == LOCK_DOWN || kind == LOCK_CONFIGURE;

    /* Accepted; no block is ever locked (identifier word 2), but for a read-only bank. */
    finish(chip, known ? 0 : STATUS_SEQUENCE);
}

static void buffer_count(struct pflash_chip *chip, uint16_t val)
{
    if (val >= PFLASH_BUFFER_WORDS) {
        finish(chip, STATUS_SEQUENCE);
        return;
    }
    chip->count = chip->left = (uint16_t)(val + 1);
    chip->step = STEP_DATA;
    for (unsigned i = 0; i < PFLASH_BUFFER_WORDS; i++)
        chip->buffer[i] = 0xffff;
}

/* The first word's address is the start; the others may come in any order, within the count. */
static void buffer_data(struct pflash_chip *chip, uint32_t word, uint16_t val)
{
    if (chip->left == chip->count)
        chip->target = word;
    if (word - chip->target >= chip->count || (word ^ chip->target) & ~(SECTOR_WORDS - 1u)) {
        finish(chip, STATUS_SEQUENCE);
        return;
    }
    chip->buffer[word - chip->target] = val;
    if (--chip->left == 0)
        chip->step = STEP_CONFIRM;
}

static void buffer_confirm(struct pflash *pflash, unsigned c, uint8_t val)
{
    struct pflash_chip *chip = &pflash->chips[c];
    uint32_t room = SECTOR_WORDS - chip->target % SECTOR_WORDS;

    finish(chip, val == CMD_CONFIRM ? 0 : STATUS_SEQUENCE);
    if (val == CMD_CONFIRM)
        program(pflash, c, chip->target, chip->buffer, chip->count < room ? chip->count : room);
}

static void chip_write(struct pflash *pflash, unsigned c, uint32_t word, uint16_t val)
{
    struct pflash_chip *chip = &pflash->chips[c];
    uint8_t low = (uint8_t)val;

    switch (chip->step) {
    case STEP_ERASE:
        finish(chip, low == CMD_CONFIRM ? 0 : STATUS_SEQUENCE);
        if (low == CMD_CONFIRM)
            erase(pflash, c, word);
        break;
    case STEP_PROGRAM:
        finish(chip, 0);
        program(pflash, c, word, &val, 1);
        break;
    case STEP_LOCK:
        lock(chip, low);
        break;
    case STEP_PROTECT:
        finish(chip, STATUS_PROGRAM | STATUS_LOCKED);
        break;
    case STEP_COUNT:
        buffer_count(chip, val);
        break;
    case STEP_DATA:
        buffer_data(chip, word, val);
        break;
    case STEP_CONFIRM:
        buffer_confirm(pflash, c, low);
        break;
    default:
        command(chip, low);
        break;
    }
}

static uint16_t chip_read(const struct pflash *pflash, unsigned c, uint32_t word)
{
    const struct pflash_chip *chip = &pflash->chips[c];

    switch (chip->mode) {
    case MODE_ID:
        if ((word & 0xff) == 0)
            return ID_MANUFACTURER;
        return (word & 0xff) == 1 ? ID_DEVICE : 0;
    case MODE_QUERY:
        return pflash_cfi_byte(word & 0xff, pflash->params.size / PFLASH_CHIPS);
    case MODE_STATUS:
        return STATUS_READY | chip->status;
    default:
        return pflash->filled[word / SECTOR_WORDS] ? ld_le16(chip_word(pflash, c, word)) : 0xffff;
    }
}

/* ---- the bank ---- */

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
    if (pflash->unfilled > 0)
        return false;
    for (unsigned c = 0; c < PFLASH_CHIPS; c++) {
        if (pflash->chips[c].mode != MODE_ARRAY)
            return false;
    }
    return true;
}

static enum mem_result pflash_read(struct mem_region *region, gpa_t off, unsigned size,
                                   uint64_t *val)
{
    struct pflash *pflash = container_of(region, struct pflash, mmio);
    uint32_t word = (uint32_t)(off / BANK_WIDTH), bank;

    bank = chip_read(pflash, 0, word) | (uint32_t)chip_read(pflash, 1, word) << 16;
    *val = extract32(bank, (unsigned)(off % BANK_WIDTH) * 8, size * 8);
    if (is_plain(pflash) && pflash->reads_to_romd-- == 0)
        set_romd(pflash, true);
    return MEM_OK;
}

/* Bytes the access does not cover are driven by nobody and float high: as data they change
 * nothing, as a command they are "read array". A chip none of whose bytes are covered sees
 * nothing. */
static enum mem_result pflash_write(struct mem_region *region, gpa_t off, unsigned size,
                                    uint64_t val)
{
    struct pflash *pflash = container_of(region, struct pflash, mmio);
    uint32_t word = (uint32_t)(off / BANK_WIDTH);
    unsigned at = (unsigned)(off % BANK_WIDTH);
    uint32_t bank = deposit32(UINT32_MAX, at * 8, size * 8, (uint32_t)val);

    for (unsigned c = 0; c < PFLASH_CHIPS; c++) {
        if (at < 2 * c + 2 && at + size > 2 * c)
            chip_write(pflash, c, word, (uint16_t)(bank >> 16 * c));
    }
    flush_changes(pflash);
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
    int rc = ram_block_new(&pflash->ram, dev->id, pflash->params.size, err);

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

    for (unsigned c = 0; c < PFLASH_CHIPS; c++)
        pflash->chips[c] = (struct pflash_chip){ .mode = MODE_ARRAY };
    set_romd(pflash, is_plain(pflash));
}

static int pflash_post_load(struct device *dev, struct error *err)
{
    struct pflash *pflash = to_pflash(dev);

    pflash->unfilled = 0;
    for (unsigned i = 0; i < pflash->params.size / PFLASH_SECTOR; i++)
        pflash->unfilled += !pflash->filled[i];
    for (unsigned c = 0; c < PFLASH_CHIPS; c++) {
        const struct pflash_chip *chip = &pflash->chips[c];

        if (chip->mode >= MODES || chip->step >= STEPS || chip->count > PFLASH_BUFFER_WORDS ||
            chip->left > chip->count || chip->target >= chip_words(pflash) ||
            (chip->step == STEP_DATA && chip->left == 0))
            return error_set(err, EINVAL, "chip %u is in a state no chip can be in", c);
    }
    pflash->reads_to_romd = ARRAY_READS_TO_ROMD;
    set_romd(pflash, is_plain(pflash));
    return 0;
}

/* What the array holds is RAM, and saved as such. */
#define PFLASH_CHIP_STATE(n)                                                                       \
    STATE_UINT(struct pflash, chips[n].mode), STATE_UINT(struct pflash, chips[n].step),            \
        STATE_UINT(struct pflash, chips[n].status), STATE_UINT(struct pflash, chips[n].count),     \
        STATE_UINT(struct pflash, chips[n].left), STATE_UINT(struct pflash, chips[n].target),      \
        STATE_UINT_ARRAY(struct pflash, chips[n].buffer)

static const struct state_field pflash_state[] = { PFLASH_CHIP_STATE(0), PFLASH_CHIP_STATE(1),
                                                   STATE_BOOL_ARRAY(struct pflash, filled),
                                                   STATE_END };

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

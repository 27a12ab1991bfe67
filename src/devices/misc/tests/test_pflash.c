/* devices/misc/tests/test_pflash.c - the flash bank, as U-Boot, EDK2 and Linux talk to it. */
#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dev/state.h"
#include "dev/tests/harness.h"
#include "devices/misc/pflash.h"

enum { BASE = 0x20000000, SIZE = 32 << 20 };

static struct harness h;
static struct pflash flash;
static char path[64];

static void open_flash(const char *file, bool readonly)
{
    struct pflash_params params = { .size = SIZE, .path = file, .readonly = readonly };

    harness_init(&h);
    pflash_init(&flash, "flash0", &params);
    harness_add(&h, &flash.dev, &flash.mmio, BASE);
}

static void setup(void)
{
    open_flash(NULL, false);
}

static void teardown(void)
{
    harness_del(&h, &flash.dev, &flash.mmio);
    pflash_fini(&flash);
    harness_fini(&h);
}

static uint32_t rd(uint32_t off)
{
    return (uint32_t)harness_load(&h, BASE + off, 4);
}

static void wr(uint32_t off, uint32_t val)
{
    harness_store(&h, BASE + off, 4, val);
}

/* To both chips. */
static void cmd(uint32_t off, uint32_t command)
{
    wr(off, command << 16 | command);
}

static bool is_memory(void)
{
    struct mem_slice slice;
    bool yes;

    mem_read_lock();
    yes = mem_slice(h.space, BASE, 4, MEM_PERM_READ, &slice);
    mem_read_unlock();
    return yes;
}

/* A file of `size` bytes of 0xff but for "flash" at its start. */
static void make_file(off_t size)
{
    uint8_t block[4096];
    int fd;

    snprintf(path, sizeof(path), "/tmp/test_pflash.%d", (int)getpid());
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    memset(block, 0xff, sizeof(block));
    for (off_t at = 0; at < size; at += (off_t)sizeof(block)) {
        size_t n = size - at < (off_t)sizeof(block) ? (size_t)(size - at) : sizeof(block);

        assert_int_equal(pwrite(fd, block, n, at), n);
    }
    if (size >= 5)
        assert_int_equal(pwrite(fd, "flash", 5, 0), 5);
    close(fd);
}

static uint32_t file_word(off_t at)
{
    uint32_t val = 0;
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &val, 4, at), 4);
    close(fd);
    return val;
}

TEST(without_a_file_it_starts_erased_and_takes_no_memory)
{
    struct stat st;

    setup();
    assert_int_equal(rd(0), 0xffffffff);
    assert_int_equal(rd(SIZE - 4), 0xffffffff);
    cmd(0, 0x20); /* erasing what is erased */
    cmd(0, 0xd0);
    cmd(0, 0xff);
    assert_int_equal(fstat(flash.ram->fd, &st), 0);
    assert_int_equal(st.st_blocks, 0);
    cmd(PFLASH_SECTOR + 4, 0x40);
    wr(PFLASH_SECTOR + 4, 0x12345678);
    cmd(0, 0xff);
    assert_int_equal(rd(PFLASH_SECTOR + 4), 0x12345678);
    assert_int_equal(rd(PFLASH_SECTOR), 0xffffffff);
    assert_int_equal(rd(2 * PFLASH_SECTOR - 4), 0xffffffff);
    assert_int_equal(rd(PFLASH_SECTOR - 4), 0xffffffff);
    assert_int_equal(rd(2 * PFLASH_SECTOR), 0xffffffff);
    assert_int_equal(fstat(flash.ram->fd, &st), 0);
    assert_int_equal(st.st_blocks * 512, PFLASH_SECTOR);
    teardown();
}

TEST(without_a_file_it_is_memory_once_every_sector_was_programmed)
{
    setup();
    for (uint32_t at = 0; at < SIZE; at += PFLASH_SECTOR) {
        assert_false(is_memory());
        cmd(at, 0x40);
        wr(at, at);
    }
    cmd(0, 0xff);
    for (int i = 0; i < 1000 && !is_memory(); i++)
        rd(0);
    assert_true(is_memory());
    assert_int_equal(rd(PFLASH_SECTOR), PFLASH_SECTOR);
    assert_int_equal(rd(PFLASH_SECTOR + 4), 0xffffffff);
    teardown();
}

TEST(zeros_of_the_file_take_no_memory)
{
    struct stat st;

    make_file(4096);
    assert_int_equal(truncate(path, SIZE), 0);
    open_flash(path, false);
    assert_true(is_memory());
    assert_int_equal(rd(0), 0x73616c66);
    assert_int_equal(rd(4096), 0);
    assert_int_equal(rd(SIZE - 4), 0);
    assert_int_equal(fstat(flash.ram->fd, &st), 0);
    assert_true(st.st_blocks * 512 <= 65536);
    teardown();
    unlink(path);
}

TEST(read_id_shows_maker_device_and_no_lock)
{
    setup();
    cmd(0, 0x90);
    assert_int_equal(rd(0), 0x00890089);
    assert_int_equal(rd(4), 0x00180018);
    assert_int_equal(rd(8), 0);
    assert_int_equal(rd(PFLASH_SECTOR * 3 + 8), 0); /* EDK2 asks for each block's lock */
    assert_int_equal(harness_load(&h, BASE + 6, 2), 0x18);
    assert_int_equal(harness_load(&h, BASE, 1), 0x89);
    cmd(0, 0xff);
    assert_int_equal(rd(0), 0xffffffff);
    teardown();
}

/* How Debian's U-Boot finds it, here as on QEMU: it tries 16-bit accesses before 32-bit ones. */
TEST(a_16_bit_search_finds_a_16_bit_chip)
{
    setup();
    harness_store(&h, BASE + 0xaa, 2, 0x9898); /* an attempt that does not find it */
    assert_int_not_equal(harness_load(&h, BASE + 0x20, 2), 'Q');
    harness_store(&h, BASE, 2, 0xf0f0); /* resets of other makes, then ours */
    harness_store(&h, BASE, 2, 0xffff);
    assert_int_equal(rd(0x20), 0xffffffff);
    harness_store(&h, BASE + 0x154, 2, 0x98);
    assert_int_equal(harness_load(&h, BASE + 0x40, 2), 'Q');
    assert_int_equal(harness_load(&h, BASE + 0x44, 2), 'R');
    assert_int_equal(harness_load(&h, BASE + 0x48, 1), 'Y');
    assert_int_equal(harness_load(&h, BASE + 0x49, 1), 0);
    assert_int_equal(harness_load(&h, BASE + 0x42, 2), 'Q');
    harness_store(&h, BASE, 2, 0xff);
    assert_int_equal(rd(0x40), 0xffffffff);
    teardown();
}

TEST(words_of_16_and_8_bits_are_programmed_where_they_are)
{
    setup();
    harness_store(&h, BASE + 2, 2, 0x40);
    harness_store(&h, BASE + 2, 2, 0x1234);
    assert_int_equal(harness_load(&h, BASE + 2, 2), 0x80);
    harness_store(&h, BASE + 5, 1, 0x10);
    harness_store(&h, BASE + 5, 1, 0x56);
    harness_store(&h, BASE + 2, 2, 0xff);
    assert_int_equal(rd(0), 0x1234ffff);
    assert_int_equal(rd(4), 0xffff56ff);
    harness_store(&h, BASE + 0x102, 2, 0xe8); /* a buffer of 16-bit words */
    harness_store(&h, BASE + 0x102, 2, 2);
    harness_store(&h, BASE + 0x102, 2, 0xaaaa);
    harness_store(&h, BASE + 0x104, 2, 0xbbbb);
    harness_store(&h, BASE + 0x106, 2, 0xcccc);
    harness_store(&h, BASE + 0x102, 2, 0xd0);
    harness_store(&h, BASE, 2, 0xff);
    assert_int_equal(rd(0x100), 0xaaaaffff);
    assert_int_equal(rd(0x104), 0xccccbbbb);
    teardown();
}

static uint32_t query(unsigned word)
{
    uint32_t both = rd(word * 4);

    assert_int_equal(both >> 16, both & 0xffff);
    return both & 0xffff;
}

TEST(the_cfi_table_describes_the_chip)
{
    setup();
    cmd(0x55 * 4, 0x98);
    assert_int_equal(query(0x13) | query(0x14) << 8, 1); /* Intel command set */
    assert_int_equal(query(0x15) | query(0x16) << 8, 0x31);
    assert_int_equal(1u << query(0x27), SIZE / 2);
    assert_int_equal(1u << query(0x2a), PFLASH_BUFFER_WORDS * 2);
    assert_int_equal(query(0x2c), 1);
    assert_int_equal((query(0x2d) | query(0x2e) << 8) + 1, SIZE / PFLASH_SECTOR);
    assert_int_equal((query(0x2f) | query(0x30) << 8) * 256, PFLASH_SECTOR / 2);
    assert_int_equal(query(0x31), 'P');
    assert_int_equal(query(0x32), 'R');
    assert_int_equal(query(0x33), 'I');
    assert_int_equal(query(0x34), '1');
    assert_int_equal(query(0x35), '0');
    assert_int_equal(query(0x80), 0);
    teardown();
}

TEST(a_word_program_clears_bits_and_only_those)
{
    setup();
    cmd(0x100, 0x40);
    wr(0x100, 0x12345678);
    assert_int_equal(rd(0), 0x00800080);
    cmd(0, 0xff);
    assert_int_equal(rd(0x100), 0x12345678);
    assert_int_equal(rd(0x104), 0xffffffff);
    cmd(0x100, 0x10);
    wr(0x100, 0xff00ff00);
    cmd(0, 0xff);
    assert_int_equal(rd(0x100), 0x12005600);
    teardown();
}

TEST(a_block_erase_sets_all_bits_of_that_block)
{
    setup();
    cmd(PFLASH_SECTOR - 4, 0x40);
    wr(PFLASH_SECTOR - 4, 0);
    cmd(PFLASH_SECTOR, 0x40);
    wr(PFLASH_SECTOR, 0);
    cmd(2 * PFLASH_SECTOR - 4, 0x40);
    wr(2 * PFLASH_SECTOR - 4, 0);
    cmd(PFLASH_SECTOR + 0x80, 0x20);
    cmd(PFLASH_SECTOR + 0x80, 0xd0);
    assert_int_equal(rd(0), 0x00800080);
    cmd(0, 0xff);
    assert_int_equal(rd(PFLASH_SECTOR - 4), 0);
    assert_int_equal(rd(PFLASH_SECTOR), 0xffffffff);
    assert_int_equal(rd(2 * PFLASH_SECTOR - 4), 0xffffffff);
    teardown();
}

TEST(an_unconfirmed_erase_is_a_sequence_error_until_cleared)
{
    setup();
    cmd(0, 0x40);
    wr(0, 0);
    cmd(0, 0x20);
    cmd(0, 0xff);
    assert_int_equal(rd(0), 0x00b000b0);
    cmd(0, 0x70);
    assert_int_equal(rd(0), 0x00b000b0);
    cmd(0, 0x50);
    cmd(0, 0x70);
    assert_int_equal(rd(0), 0x00800080);
    cmd(0, 0xff);
    assert_int_equal(rd(0), 0);
    teardown();
}

/* As VirtNorFlashDxe does it: 128 bytes, the count and the confirmation to both chips, the latter
 * at the start of the device. */
static void write_buffer(uint32_t off, uint32_t words, uint32_t first)
{
    cmd(off, 0xe8);
    assert_int_equal(rd(off) & 0x00800080, 0x00800080);
    cmd(off, words - 1);
    for (uint32_t i = 0; i < words; i++)
        wr(off + 4 * i, first + i);
    cmd(0, 0xd0);
}

TEST(a_buffer_is_programmed_as_a_whole)
{
    setup();
    write_buffer(0x40000 + 0x80, 32, 0x11110000);
    cmd(0, 0x70);
    assert_int_equal(rd(0), 0x00800080);
    cmd(0, 0xff);
    for (uint32_t i = 0; i < 32; i++)
        assert_int_equal(rd(0x40080 + 4 * i), 0x11110000 + i);
    assert_int_equal(rd(0x4007c), 0xffffffff);
    assert_int_equal(rd(0x40100), 0xffffffff);
    write_buffer(0x80000, PFLASH_BUFFER_WORDS, 0x22220000); /* all of it */
    cmd(0, 0xff);
    assert_int_equal(rd(0x80000 + 4 * (PFLASH_BUFFER_WORDS - 1)),
                     0x22220000 + PFLASH_BUFFER_WORDS - 1);
    teardown();
}

TEST(a_buffer_may_be_filled_in_any_order_above_its_first_word)
{
    setup();
    cmd(0, 0xe8);
    cmd(0, 2);
    wr(0, 1);
    wr(8, 3);
    wr(4, 2);
    cmd(0, 0xd0);
    cmd(0, 0xff);
    assert_int_equal(rd(0), 1);
    assert_int_equal(rd(4), 2);
    assert_int_equal(rd(8), 3);
    teardown();
}

TEST(a_wrong_buffer_sequence_is_an_error_and_changes_nothing)
{
    static const uint32_t edge = PFLASH_SECTOR - 4;

    setup();
    cmd(0, 0xe8);
    cmd(0, PFLASH_BUFFER_WORDS); /* too many */
    assert_int_equal(rd(0), 0x00b000b0);
    cmd(0, 0x50);
    cmd(0, 0xe8);
    cmd(0, 1);
    wr(0x100, 0);
    wr(0x0fc, 0); /* below the start */
    assert_int_equal(rd(0), 0x00b000b0);
    cmd(0, 0x50);
    cmd(0, 0xe8);
    cmd(0, 1);
    wr(0x100, 0);
    wr(0x108, 0); /* above the end */
    assert_int_equal(rd(0), 0x00b000b0);
    cmd(0, 0x50);
    cmd(edge, 0xe8);
    cmd(edge, 1);
    wr(edge, 0);
    wr(edge + 4, 0); /* another block */
    assert_int_equal(rd(0), 0x00b000b0);
    cmd(0, 0x50);
    cmd(0, 0xe8);
    cmd(0, 1);
    wr(0x100, 0);
    harness_store(&h, BASE + 0x104, 2, 0); /* another width */
    assert_int_equal(rd(0), 0x00b000b0);
    cmd(0, 0x50);
    cmd(0, 0xe8);
    cmd(0, 0);
    wr(0x100, 0);
    cmd(0, 0xff); /* not confirmed */
    assert_int_equal(rd(0), 0x00b000b0);
    cmd(0, 0xff);
    assert_int_equal(rd(0x100), 0xffffffff);
    assert_int_equal(rd(edge), 0xffffffff);
    teardown();
}

TEST(a_buffer_at_the_end_of_the_flash_stays_inside)
{
    setup();
    cmd(0, 0xe8);
    cmd(0, 3); /* four announced, but the same one is given four times */
    for (int i = 0; i < 4; i++)
        wr(SIZE - 4, 0x01020304);
    cmd(0, 0xd0);
    assert_int_equal(rd(0), 0x00800080);
    cmd(0, 0xff);
    assert_int_equal(rd(SIZE - 4), 0x01020304);
    teardown();
}

TEST(lock_commands_are_accepted)
{
    setup();
    cmd(0, 0x60);
    cmd(0, 0xd0);
    assert_int_equal(rd(0), 0x00800080);
    cmd(0, 0x60);
    cmd(0, 0x01);
    assert_int_equal(rd(0), 0x00800080);
    cmd(0, 0x60);
    cmd(0, 0x77);
    assert_int_equal(rd(0), 0x00b000b0);
    cmd(0, 0x50);
    cmd(0, 0xc0);
    cmd(0, 0);
    assert_int_equal(rd(0), 0x00920092);
    teardown();
}

TEST(it_becomes_memory_again_after_reading_a_while)
{
    make_file(SIZE);
    open_flash(path, false);
    assert_true(is_memory());
    cmd(0, 0x70);
    assert_false(is_memory());
    cmd(0, 0xff);
    for (int i = 0; i < 1000 && !is_memory(); i++)
        rd(4 * (uint32_t)i);
    assert_true(is_memory());
    cmd(0, 0x70);
    assert_false(is_memory());
    device_reset(&flash.dev);
    assert_true(is_memory());
    assert_int_equal(rd(0), 0x73616c66);
    teardown();
    unlink(path);
}

TEST(changes_reach_the_file_and_its_content_the_guest)
{
    make_file(SIZE);
    open_flash(path, false);
    assert_int_equal(rd(0), 0x73616c66); /* "flas" */
    cmd(0x100, 0x40);
    wr(0x100, 0xcafebabe);
    write_buffer(PFLASH_SECTOR, 32, 0x11110000);
    assert_int_equal(file_word(0x100), 0xcafebabe);
    assert_int_equal(file_word(PFLASH_SECTOR + 4 * 31), 0x11110000 + 31);
    cmd(0, 0x20);
    cmd(0, 0xd0);
    assert_int_equal(file_word(0x100), 0xffffffff);
    assert_int_equal(file_word(0), 0xffffffff);
    assert_int_equal(file_word(PFLASH_SECTOR), 0x11110000);
    teardown();
    open_flash(path, true);
    assert_int_equal(rd(PFLASH_SECTOR), 0x11110000);
    teardown();
    unlink(path);
}

TEST(read_only_refuses_as_a_locked_chip_and_may_be_short)
{
    make_file(5000);
    open_flash(path, true);
    assert_int_equal(rd(0), 0x73616c66);
    assert_int_equal(rd(8192), 0);
    cmd(0, 0x40);
    wr(0, 0);
    assert_int_equal(rd(0), 0x00920092);
    cmd(0, 0x50);
    cmd(0, 0x20);
    cmd(0, 0xd0);
    assert_int_equal(rd(0), 0x00a200a2);
    cmd(0, 0x50);
    write_buffer(0, 32, 0);
    assert_int_equal(rd(0), 0x00920092);
    cmd(0, 0xff);
    assert_int_equal(rd(0), 0x73616c66);
    teardown();
    unlink(path);
}

static void assert_refused(bool readonly, int code, const char *part)
{
    struct pflash_params params = { .size = SIZE, .path = path, .readonly = readonly };
    struct pflash other;
    struct error err = { 0 };

    pflash_init(&other, "flash1", &params);
    assert_int_equal(device_realize(&other.dev, &err), code);
    assert_non_null(strstr(err.text, part));
    assert_non_null(strstr(err.text, path));
    pflash_fini(&other);
}

TEST(files_that_do_not_fit_are_refused_with_a_sentence)
{
    make_file(5000);
    assert_refused(false, -EINVAL, "truncate -s 33554432");
    make_file(SIZE + 1);
    assert_refused(true, -EFBIG, "more than the flash's 33554432");
    unlink(path);
    assert_refused(true, -ENOENT, "cannot open flash image");
    strcpy(path, "/tmp");
    assert_refused(true, -EINVAL, "not a regular file");
    strcpy(path, "/dev/null");
    assert_refused(false, -EINVAL, "not a regular file");
}

TEST(two_machines_do_not_write_one_file)
{
    make_file(SIZE);
    open_flash(path, false);
    assert_refused(false, -EBUSY, "in use by another machine");
    assert_refused(true, -EBUSY, "in use by another machine");
    teardown();
    open_flash(path, true);
    assert_refused(false, -EBUSY, "in use by another machine");
    teardown();
    unlink(path);
}

TEST(state_survives_a_move_in_the_middle_of_a_command)
{
    static struct pflash other;
    struct pflash_params params = { .size = SIZE };
    struct strbuf sb;

    setup();
    cmd(0x200, 0xe8);
    cmd(0x200, 1);
    wr(0x200, 0x01234567);
    pflash_init(&other, "flash1", &params);
    assert_int_equal(device_realize(&other.dev, NULL), 0);
    strbuf_init(&sb);
    assert_int_equal(state_save(&flash.dev, &sb, NULL), 0);
    assert_int_equal(state_load(&other.dev, strbuf_str(&sb), strbuf_len(&sb), NULL), 0);
    assert_null(state_diff(&flash.dev, &other.dev));
    mem_region_add(&h.root, BASE, &other.mmio, 1); /* in front of the first */
    wr(0x204, 0x89abcdef);
    cmd(0x200, 0xd0);
    cmd(0, 0xff);
    assert_int_equal(rd(0x200), 0x01234567);
    assert_int_equal(rd(0x204), 0x89abcdef);
    strbuf_fini(&sb);
    harness_del(&h, &other.dev, &other.mmio);
    pflash_fini(&other);
    teardown();
}

static void refuse_state(void)
{
    struct strbuf sb;

    strbuf_init(&sb);
    assert_int_equal(state_save(&flash.dev, &sb, NULL), 0);
    assert_int_equal(state_load(&flash.dev, strbuf_str(&sb), strbuf_len(&sb), NULL), -EINVAL);
    strbuf_fini(&sb);
    assert_int_equal(rd(0), 0xffffffff); /* reset */
}

TEST(states_no_chip_can_be_in_are_refused)
{
    enum { DATA = 6, CONFIRM = 7 }; /* pflash.c's steps */

    setup();
    flash.step = 200;
    refuse_state();
    flash.mode = 200;
    refuse_state();
    flash.step = DATA; /* no word to come */
    refuse_state();
    flash.step = CONFIRM; /* nothing to program */
    refuse_state();
    flash.step = DATA;
    flash.count = 257;
    flash.left = 1;
    refuse_state();
    flash.step = DATA;
    flash.count = 2;
    flash.left = 1; /* begun, but of no width */
    refuse_state();
    flash.step = DATA;
    flash.count = 2;
    flash.left = 1;
    flash.width = 4;
    flash.target = 2; /* misaligned */
    refuse_state();
    flash.target = SIZE;
    refuse_state();
    teardown();
}

/*
 * mem/tests/test_access.c - reads and writes: plain memory, devices, splits, edges, failures.
 */
#include "tests/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem/space.h"

enum { LOG_MAX = 64 };

/* A device of 64 registers' bytes that remembers how it was accessed. */
struct probe {
    struct mem_region region;
    pthread_mutex_t lock;
    uint8_t bytes[64];
    char log[LOG_MAX * 16];
    uint64_t faulty; /* accesses to this offset fail */
};

static void note(struct probe *probe, const char *what, gpa_t off, unsigned size)
{
    size_t len = strlen(probe->log);

    assert_int_equal(pthread_mutex_trylock(&probe->lock), EBUSY);
    assert_int_equal(off & (size - 1), 0);
    snprintf(probe->log + len, sizeof(probe->log) - len, "%s%x:%u ", what, (unsigned)off, size);
}

static enum mem_result probe_read(struct mem_region *region, gpa_t off, unsigned size,
                                  uint64_t *val)
{
    struct probe *probe = container_of(region, struct probe, region);

    note(probe, "r", off, size);
    if (off == probe->faulty)
        return MEM_FAULT;
    *val = UINT64_MAX; /* what lies above `size` must not show */
    memcpy(val, probe->bytes + off, size);
    return MEM_OK;
}

static enum mem_result probe_write(struct mem_region *region, gpa_t off, unsigned size,
                                   uint64_t val)
{
    struct probe *probe = container_of(region, struct probe, region);

    note(probe, "w", off, size);
    if (off == probe->faulty)
        return MEM_FAULT;
    if (size < 8)
        assert_int_equal(val >> size * 8, 0);
    memcpy(probe->bytes + off, &val, size);
    return MEM_OK;
}

static const struct mem_region_ops byte_ops = { probe_read, probe_write, 1, 1, false };
static const struct mem_region_ops word_ops = { probe_read, probe_write, 4, 4, false };
static const struct mem_region_ops wide_ops = { probe_read, probe_write, 4, 4, true };
static const struct mem_region_ops any_ops = { probe_read, probe_write, 1, 8, false };
static const struct mem_region_ops quad_ops = { probe_read, probe_write, 8, 8, true };

enum { RAM = 0x10000, RAM_SIZE = 0x4000, ROM = RAM + RAM_SIZE, ROMD = 0x30000, MMIO = 0x20000 };

struct fixture {
    struct mem_region root, ram, rom, romd;
    struct probe probe;
    struct ram_block *block;
    struct mem_space *space;
};

static void setup(struct fixture *f, const struct mem_region_ops *ops)
{
    struct error err;

    memset(f, 0, sizeof(*f));
    pthread_mutex_init(&f->probe.lock, NULL);
    f->probe.faulty = UINT64_MAX;
    for (unsigned i = 0; i < sizeof(f->probe.bytes); i++)
        f->probe.bytes[i] = (uint8_t)(0x10 + i);
    assert_int_equal(ram_block_new(&f->block, "test", RAM_SIZE, &err), 0);
    mem_region_init_container(&f->root, "root", UINT64_MAX);
    mem_region_init_ram(&f->ram, "ram", f->block, 0, RAM_SIZE);
    mem_region_init_rom(&f->rom, "rom", f->block, 0, RAM_SIZE);
    mem_region_init_rom_device(&f->romd, "romd", f->block, ops, NULL);
    mem_region_init_mmio(&f->probe.region, "probe", sizeof(f->probe.bytes), ops, &f->probe.lock);
    assert_int_equal(mem_space_new(&f->space, &f->root, &err), 0);
    mem_txn_begin();
    mem_region_add(&f->root, RAM, &f->ram, 0);
    mem_region_add(&f->root, ROM, &f->rom, 0);
    mem_region_add(&f->root, MMIO, &f->probe.region, 0);
    mem_region_add(&f->root, ROMD, &f->romd, 0);
    mem_txn_commit();
    mem_thread_register();
}

static void teardown(struct fixture *f)
{
    mem_txn_begin();
    mem_region_del(&f->ram);
    mem_region_del(&f->rom);
    mem_region_del(&f->romd);
    mem_region_del(&f->probe.region);
    mem_txn_commit();
    mem_space_free(f->space);
    mem_barrier();
    mem_region_fini(&f->ram);
    mem_region_fini(&f->rom);
    mem_region_fini(&f->romd);
    mem_region_fini(&f->probe.region);
    ram_block_unref(f->block);
    mem_thread_unregister();
}

TEST(ram_reads_back_in_every_size_and_alignment)
{
    struct fixture f;
    uint64_t val;

    setup(&f, &any_ops);
    for (unsigned size = 1; size <= 8; size *= 2) {
        uint64_t mask = size == 8 ? UINT64_MAX : ((uint64_t)1 << size * 8) - 1;

        for (unsigned off = 0; off < 16; off++) {
            assert_int_equal(mem_store(f.space, RAM + off, size, 0x8877665544332211u), MEM_OK);
            assert_int_equal(mem_load(f.space, RAM + off, size, &val), MEM_OK);
            assert_int_equal(val, 0x8877665544332211u & mask);
            assert_memory_equal(f.block->hva + off, &val, size);
        }
    }
    teardown(&f);
}

TEST(a_wide_access_is_split_lowest_address_first)
{
    struct fixture f;
    uint64_t val;

    setup(&f, &byte_ops);
    assert_int_equal(mem_load(f.space, MMIO + 8, 4, &val), MEM_OK);
    assert_int_equal(val, 0x1b1a1918);
    assert_int_equal(mem_store(f.space, MMIO + 2, 2, 0xbbaa), MEM_OK);
    assert_string_equal(f.probe.log, "r8:1 r9:1 ra:1 rb:1 w2:1 w3:1 ");
    assert_int_equal(f.probe.bytes[2], 0xaa);
    assert_int_equal(f.probe.bytes[3], 0xbb);
    teardown(&f);
    setup(&f, &word_ops);
    assert_int_equal(mem_load(f.space, MMIO + 8, 8, &val), MEM_OK);
    assert_int_equal(val, 0x1f1e1d1c1b1a1918);
    assert_int_equal(mem_store(f.space, MMIO, 8, 0x8877665544332211), MEM_OK);
    assert_string_equal(f.probe.log, "r8:4 rc:4 w0:4 w4:4 ");
    teardown(&f);
}

TEST(a_narrow_or_misaligned_access_is_refused_before_it_does_anything)
{
    struct fixture f;
    uint64_t val = 7;

    setup(&f, &word_ops);
    assert_int_equal(mem_load(f.space, MMIO, 2, &val), MEM_FAULT);
    assert_int_equal(mem_store(f.space, MMIO + 3, 1, 0), MEM_FAULT);
    assert_int_equal(mem_load(f.space, MMIO + 2, 4, &val), MEM_FAULT);
    assert_int_equal(mem_store(f.space, MMIO + 4, 8, 0), MEM_FAULT);
    assert_string_equal(f.probe.log, "");
    assert_int_equal(val, 7);
    teardown(&f);
}

TEST(a_device_that_widens_gets_its_size_and_gives_the_part)
{
    struct fixture f;
    uint64_t val;

    setup(&f, &wide_ops);
    assert_int_equal(mem_load(f.space, MMIO + 6, 1, &val), MEM_OK);
    assert_int_equal(val, 0x16);
    assert_int_equal(mem_load(f.space, MMIO + 2, 4, &val), MEM_OK);
    assert_int_equal(val, 0x15141312);
    assert_int_equal(mem_load(f.space, MMIO + 7, 8, &val), MEM_OK);
    assert_int_equal(val, 0x1e1d1c1b1a191817);
    assert_string_equal(f.probe.log, "r4:4 r0:4 r4:4 r4:4 r8:4 rc:4 ");
    f.probe.log[0] = '\0';
    assert_int_equal(mem_store(f.space, MMIO + 1, 2, 0xbbaa), MEM_OK);
    assert_string_equal(f.probe.log, "w0:4 ");
    assert_memory_equal(f.probe.bytes, "\0\xaa\xbb\0", 4);
    f.probe.log[0] = '\0';
    assert_int_equal(mem_store(f.space, MMIO + 1, 8, 0x8877665544332211), MEM_OK);
    assert_string_equal(f.probe.log, "w0:4 w4:4 w8:4 ");
    assert_memory_equal(f.probe.bytes, "\0\x11\x22\x33\x44\x55\x66\x77\x88\0\0\0", 12);
    teardown(&f);
    setup(&f, &quad_ops);
    assert_int_equal(mem_load(f.space, MMIO + 12, 4, &val), MEM_OK);
    assert_int_equal(val, 0x1f1e1d1c);
    assert_string_equal(f.probe.log, "r8:8 ");
    teardown(&f);
}

TEST(a_copy_crosses_memory_and_devices_in_aligned_pieces)
{
    struct fixture f;
    uint8_t buf[32];

    setup(&f, &any_ops);
    assert_int_equal(mem_read(f.space, MMIO + 3, buf, 18), MEM_OK);
    assert_memory_equal(buf, f.probe.bytes + 3, 18);
    assert_string_equal(f.probe.log, "r3:1 r4:4 r8:8 r10:4 r14:1 ");
    memset(f.block->hva + RAM_SIZE - 4, 0x5a, 4);
    memset(f.block->hva, 0xa5, 4);
    assert_int_equal(mem_read(f.space, ROM - 4, buf, 8), MEM_OK); /* RAM, then ROM */
    assert_memory_equal(buf, "\x5a\x5a\x5a\x5a\xa5\xa5\xa5\xa5", 8);
    teardown(&f);
}

TEST(one_access_may_cross_two_regions)
{
    struct fixture f;
    uint64_t val;

    setup(&f, &any_ops);
    memcpy(f.block->hva + RAM_SIZE - 2, "\x11\x22", 2);
    memcpy(f.block->hva, "\x33\x44", 2);
    assert_int_equal(mem_load(f.space, ROM - 2, 4, &val), MEM_OK);
    assert_int_equal(val, 0x44332211);
    assert_int_equal(mem_store(f.space, ROM - 2, 4, 0), MEM_UNMAPPED); /* ROM takes no store */
    assert_int_equal(mem_load(f.space, ROM + RAM_SIZE - 2, 4, &val), MEM_UNMAPPED);
    teardown(&f);
}

TEST(failures_say_what_they_are_and_keep_what_was_done)
{
    struct fixture f;
    uint8_t buf[16] = { 0 };
    uint64_t val;

    setup(&f, &word_ops);
    assert_int_equal(mem_load(f.space, 0, 4, &val), MEM_UNMAPPED);
    assert_int_equal(mem_store(f.space, 0, 4, 0), MEM_UNMAPPED);
    assert_int_equal(mem_write(f.space, ROM, buf, 1), MEM_UNMAPPED);
    f.probe.faulty = 8;
    assert_int_equal(mem_read(f.space, MMIO, buf, 16), MEM_FAULT);
    assert_memory_equal(buf, f.probe.bytes, 8);
    assert_int_equal(mem_load(f.space, MMIO + 8, 4, &val), MEM_FAULT);
    memset(buf, 0xee, sizeof(buf));
    assert_int_equal(mem_write(f.space, MMIO, buf, 16), MEM_FAULT);
    assert_int_equal(f.probe.bytes[7], 0xee);
    assert_int_equal(f.probe.bytes[8], 0x18);
    assert_int_equal(mem_read(f.space, 0, buf, 0), MEM_OK);
    teardown(&f);
}

TEST(the_top_of_the_space_does_not_lead_to_its_bottom)
{
    struct mem_region root, low, high;
    struct mem_space *space;
    struct ram_block *block;
    struct mem_slice slice;
    uint8_t buf[16] = { 0 };
    uint64_t val;

    mem_thread_register();
    assert_int_equal(ram_block_new(&block, "test", 2 * PAGE_SIZE_BYTES, NULL), 0);
    mem_region_init_container(&root, "root", UINT64_MAX);
    mem_region_init_ram(&low, "low", block, 0, PAGE_SIZE_BYTES);
    mem_region_init_ram(&high, "high", block, PAGE_SIZE_BYTES, PAGE_SIZE_BYTES);
    assert_int_equal(mem_space_new(&space, &root, NULL), 0);
    mem_region_add(&root, 0, &low, 0);
    mem_region_add(&root, 0 - (uint64_t)PAGE_SIZE_BYTES, &high, 0);
    assert_int_equal(mem_store(space, UINT64_MAX - 7, 8, 0x1122334455667788), MEM_OK);
    assert_int_equal(mem_load(space, UINT64_MAX - 3, 4, &val), MEM_OK);
    assert_int_equal(val, 0x11223344);
    assert_int_equal(mem_load(space, UINT64_MAX - 3, 8, &val), MEM_UNMAPPED);
    assert_int_equal(mem_store(space, UINT64_MAX, 2, 0xffff), MEM_UNMAPPED);
    assert_int_equal(mem_read(space, UINT64_MAX - 7, buf, 8), MEM_OK);
    assert_int_equal(mem_read(space, UINT64_MAX - 7, buf, 9), MEM_UNMAPPED);
    assert_int_equal(mem_write(space, UINT64_MAX, buf, SIZE_MAX), MEM_UNMAPPED);
    assert_int_equal(block->hva[0], 0);
    mem_read_lock();
    assert_true(mem_slice(space, UINT64_MAX - 1, SIZE_MAX, MEM_PERM_WRITE, &slice));
    mem_read_unlock();
    assert_int_equal(slice.len, 2);
    mem_region_del(&low);
    mem_region_del(&high);
    mem_space_free(space);
    mem_barrier();
    mem_region_fini(&low);
    mem_region_fini(&high);
    ram_block_unref(block);
    mem_thread_unregister();
}

TEST(a_slice_is_plain_memory_of_the_asked_permission)
{
    struct fixture f;
    struct mem_slice slice;

    setup(&f, &any_ops);
    mem_read_lock();
    assert_true(mem_slice(f.space, RAM + 0x3ff0, 0x100, MEM_PERM_WRITE, &slice));
    assert_int_equal(slice.len, 0x10);
    assert_ptr_equal(slice.hva, f.block->hva + 0x3ff0);
    assert_ptr_equal(slice.ram, f.block);
    assert_int_equal(slice.ram_offset, 0x3ff0);
    assert_true(mem_slice(f.space, ROM, 4, MEM_PERM_READ, &slice));
    assert_false(mem_slice(f.space, ROM, 4, MEM_PERM_WRITE, &slice));
    assert_false(mem_slice(f.space, MMIO, 4, MEM_PERM_READ, &slice));
    assert_false(mem_slice(f.space, 0, 4, MEM_PERM_READ, &slice));
    assert_false(mem_slice(f.space, RAM, 0, MEM_PERM_READ, &slice));
    mem_read_unlock();
    teardown(&f);
}

static enum mem_result magic_read(struct mem_region *region, gpa_t off, unsigned size,
                                  uint64_t *val)
{
    (void)region, (void)off, (void)size;
    *val = 0xc0de;
    return MEM_OK;
}

static enum mem_result magic_write(struct mem_region *region, gpa_t off, unsigned size,
                                   uint64_t val)
{
    (void)off, (void)size, (void)val;
    mem_region_set_romd(region, false); /* a flash goes into command mode, from its own handler */
    return MEM_OK;
}

static const struct mem_region_ops magic_ops = { magic_read, magic_write, 1, 8, false };

TEST(a_rom_device_switches_between_memory_and_ops)
{
    struct fixture f;
    uint64_t val;

    setup(&f, &magic_ops);
    memcpy(f.block->hva, "\x77\x88", 2);
    assert_int_equal(mem_load(f.space, ROMD, 2, &val), MEM_OK);
    assert_int_equal(val, 0x8877);
    assert_int_equal(mem_store(f.space, ROMD, 2, 0x90), MEM_OK);
    assert_int_equal(mem_load(f.space, ROMD, 2, &val), MEM_OK);
    assert_int_equal(val, 0xc0de);
    assert_int_equal(f.block->hva[0], 0x77);
    mem_region_set_romd(&f.romd, true);
    assert_int_equal(mem_load(f.space, ROMD, 2, &val), MEM_OK);
    assert_int_equal(val, 0x8877);
    teardown(&f);
}

TEST(writes_through_a_space_are_told_to_the_dirty_hub)
{
    struct fixture f;

    setup(&f, &any_ops);
    ram_block_watch(f.block, DIRTY_SNAPSHOT, 0, 4);
    assert_int_equal(mem_store(f.space, RAM + 0x0ffc, 8, 0), MEM_OK); /* both pages */
    assert_int_equal(mem_write(f.space, RAM + 0x3000, "x", 1), MEM_OK);
    assert_true(ram_block_is_dirty(f.block, DIRTY_SNAPSHOT, 0));
    assert_true(ram_block_is_dirty(f.block, DIRTY_SNAPSHOT, 1));
    assert_false(ram_block_is_dirty(f.block, DIRTY_SNAPSHOT, 2));
    assert_true(ram_block_is_dirty(f.block, DIRTY_SNAPSHOT, 3));
    teardown(&f);
}

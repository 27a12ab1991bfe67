/*
 * mem/tests/test_ram.c - RAM blocks, and the dirty hub with several clients and threads.
 */
#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem/ram.h"

TEST(a_block_is_whole_pages_of_zeros_that_cost_nothing_untouched)
{
    const size_t size = MIB(512) + PAGE_SIZE_BYTES;
    struct ram_block *block;
    unsigned char *resident = malloc(size / PAGE_SIZE_BYTES);

    assert_non_null(resident);
    assert_int_equal(ram_block_new(&block, "test", MIB(512) + 1, NULL), 0);
    assert_int_equal(block->size, size);
    assert_int_equal((uintptr_t)block->hva & (MIB(2) - 1), 0);
    assert_int_equal(block->fd, -1);
    assert_int_equal(mincore(block->hva, size, resident), 0);
    for (size_t page = 0; page < size / PAGE_SIZE_BYTES; page++)
        assert_int_equal(resident[page] & 1, 0);
    assert_int_equal(block->hva[MIB(300)], 0);
    ram_block_unref(ram_block_ref(block));
    block->hva[block->size - 1] = 1; /* still there */
    ram_block_unref(block);
    ram_block_unref(NULL);
    free(resident);
}

TEST(behind_a_block_is_nothing)
{
    struct ram_block *block;
    int pipes[2];

    assert_int_equal(ram_block_new(&block, "test", MIB(2), NULL), 0);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], block->hva + block->size - 1, 1), 1);
    assert_int_equal(write(pipes[1], block->hva + block->size, 1), -1);
    assert_int_equal(errno, EFAULT);
    close(pipes[0]);
    close(pipes[1]);
    ram_block_unref(block);
}

TEST(a_shared_block_is_a_file_that_cannot_be_cut)
{
    struct ram_block *block;
    struct stat st;
    uint8_t *other;

    assert_int_equal(ram_block_new_shared(&block, "test", MIB(4) + 1, NULL), 0);
    assert_int_equal(fstat(block->fd, &st), 0);
    assert_int_equal(st.st_size, MIB(4) + PAGE_SIZE_BYTES);
    assert_int_equal(st.st_blocks, 0);
    other = mmap(NULL, PAGE_SIZE_BYTES, PROT_READ, MAP_SHARED, block->fd, 0);
    assert_ptr_not_equal(other, MAP_FAILED);
    block->hva[17] = 42;
    assert_int_equal(other[17], 42);
    munmap(other, PAGE_SIZE_BYTES);
    assert_int_equal(ftruncate(block->fd, 0), -1);
    ram_block_unref(block);
}

TEST(more_memory_than_the_host_has_is_an_error_that_says_so)
{
    struct ram_block *block = NULL;
    struct error err = { 0 };

    assert_int_equal(ram_block_new(&block, "ram", (uint64_t)1 << 50, &err), -ENOMEM);
    assert_non_null(strstr(err.text, "1073741824 MiB"));
    assert_non_null(strstr(err.text, "--memory"));
    assert_int_equal(ram_block_new(&block, "ram", UINT64_MAX, &err), -ENOMEM);
    assert_int_equal(ram_block_new(&block, "ram", 0, &err), -EINVAL);
    assert_null(block);
}

/* --------- the dirty hub ------------------ */

struct ear {
    struct dirty_listener listener;
    unsigned heard;
    size_t last;
};

static void on_written(struct dirty_listener *listener, struct ram_block *block, size_t page)
{
    struct ear *ear = container_of(listener, struct ear, listener);

    (void)block;
    ear->heard++;
    ear->last = page;
}

TEST(each_client_has_its_own_bits_and_hears_only_what_it_watched)
{
    struct ram_block *block;
    struct ear code = { { on_written }, 0, 0 }, display = { { on_written }, 0, 0 };

    assert_int_equal(ram_block_new(&block, "test", 200 * PAGE_SIZE_BYTES, NULL), 0);
    assert_int_equal(ram_block_listen(block, DIRTY_CODE, &code.listener, NULL), 0);
    assert_int_equal(ram_block_listen(block, DIRTY_DISPLAY, &display.listener, NULL), 0);
    ram_block_watch(block, DIRTY_CODE, 3, 1);
    ram_block_watch(block, DIRTY_DISPLAY, 2, 2);
    ram_block_watch(block, DIRTY_SNAPSHOT, 0, 200); /* has a bitmap, no listener */
    ram_block_wrote(block, 0, 0);
    assert_false(ram_block_is_dirty(block, DIRTY_SNAPSHOT, 0));
    ram_block_wrote(block, 3 * PAGE_SIZE_BYTES + 5, 1);
    assert_int_equal(code.heard, 1);
    assert_int_equal(code.last, 3);
    assert_int_equal(display.heard, 1);
    ram_block_wrote(block, 3 * PAGE_SIZE_BYTES, 8); /* the watch is used up */
    assert_int_equal(code.heard, 1);
    ram_block_wrote(block, 2 * PAGE_SIZE_BYTES + 4095, 2); /* two pages */
    assert_int_equal(code.heard, 1);
    assert_int_equal(display.heard, 2);
    assert_int_equal(display.last, 2);
    assert_true(ram_block_test_and_clear_dirty(block, DIRTY_CODE, 3));
    assert_false(ram_block_test_and_clear_dirty(block, DIRTY_CODE, 3));
    assert_true(ram_block_is_dirty(block, DIRTY_DISPLAY, 3));
    assert_true(ram_block_is_dirty(block, DIRTY_SNAPSHOT, 3));
    assert_false(ram_block_is_dirty(block, DIRTY_SNAPSHOT, 199));
    assert_false(ram_block_is_dirty(block, DIRTY_MIGRATION, 3));
    ram_block_watch(block, DIRTY_CODE, 3, 1); /* and again */
    ram_block_wrote(block, 0, block->size);
    assert_int_equal(code.heard, 2);
    assert_true(ram_block_is_dirty(block, DIRTY_SNAPSHOT, 199));
    assert_int_equal(ram_block_listen(block, DIRTY_CODE, NULL, NULL), 0);
    ram_block_watch(block, DIRTY_CODE, 199, 1);
    ram_block_wrote(block, block->size - 1, 1);
    assert_int_equal(code.heard, 2);
    assert_true(ram_block_is_dirty(block, DIRTY_CODE, 199));
    ram_block_unref(block);
}

/*
 * Writers count in words of shared pages and report; a client follows with copies, in the order
 * ram.h gives. When all is quiet, what the last round copied must be the memory: a page that was
 * written, is clean, and differs from its copy is a lost write.
 */
enum { PAGES = 4, WRITERS = 2, WRITES = 20000 };

struct copy_race {
    struct ram_block *block;
    uint32_t copy[PAGES][WRITERS];
    _Atomic unsigned running;
};

struct copy_writer {
    struct copy_race *race;
    unsigned index;
};

static _Atomic uint32_t *word(struct copy_race *race, unsigned page, unsigned writer)
{
    return (_Atomic uint32_t *)(void *)(race->block->hva + page * PAGE_SIZE_BYTES + writer * 64);
}

static void *copy_writer(void *opaque)
{
    struct copy_writer *me = opaque;
    struct copy_race *race = me->race;

    for (uint32_t n = 1; n <= WRITES; n++) {
        unsigned page = n * 7 / 3 % PAGES;

        atomic_store_explicit(word(race, page, me->index), n, memory_order_relaxed);
        ram_block_wrote(race->block, page * PAGE_SIZE_BYTES + me->index * 64, 4);
    }
    atomic_fetch_sub(&race->running, 1);
    return NULL;
}

static void copy_dirty_pages(struct copy_race *race)
{
    for (unsigned page = 0; page < PAGES; page++) {
        if (!ram_block_test_and_clear_dirty(race->block, DIRTY_MIGRATION, page))
            continue;
        ram_block_watch(race->block, DIRTY_MIGRATION, page, 1);
        for (unsigned i = 0; i < WRITERS; i++)
            race->copy[page][i] = atomic_load_explicit(word(race, page, i), memory_order_relaxed);
    }
}

TEST(a_client_that_copies_while_others_write_loses_nothing)
{
    for (int round = 0; round < 20; round++) {
        struct copy_race race = { .running = WRITERS };
        struct copy_writer writers[WRITERS];
        pthread_t threads[WRITERS];

        assert_int_equal(ram_block_new(&race.block, "test", PAGES * PAGE_SIZE_BYTES, NULL), 0);
        ram_block_watch(race.block, DIRTY_MIGRATION, 0, PAGES);
        for (unsigned i = 0; i < WRITERS; i++) {
            writers[i] = (struct copy_writer){ &race, i };
            assert_int_equal(pthread_create(&threads[i], NULL, copy_writer, &writers[i]), 0);
        }
        while (atomic_load(&race.running) != 0)
            copy_dirty_pages(&race);
        for (unsigned i = 0; i < WRITERS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        copy_dirty_pages(&race);
        for (unsigned page = 0; page < PAGES; page++) {
            for (unsigned i = 0; i < WRITERS; i++)
                assert_int_equal(race.copy[page][i], atomic_load(word(&race, page, i)));
        }
        ram_block_unref(race.block);
    }
}

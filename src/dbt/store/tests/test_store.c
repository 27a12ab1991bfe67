/* dbt/store/tests/test_store.c - what a store finds again, and what it refuses. */
#include "tests/unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dbt/store/internal.h"

enum { MAX_BYTES = 4 << 20, BLOCKS = 20 };

static const struct store_identity mine = { { 11, 22 } };

static void make_dir(char dir[64])
{
    snprintf(dir, 64, "/tmp/vireo-store-XXXXXX");
    assert_non_null(mkdtemp(dir));
}

/* The path of the only entry; false when there is none. */
static bool only_file(const char *dir, char path[512])
{
    const struct dirent *entry;
    DIR *d = opendir(dir);
    unsigned count = 0;

    assert_non_null(d);
    while ((entry = readdir(d)) != NULL)
        if (entry->d_name[0] != '.') {
            snprintf(path, 512, "%s/%s", dir, entry->d_name);
            count++;
        }
    closedir(d);
    assert_true(count <= 1);
    return count == 1;
}

static void remove_dir(const char *dir)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c,bugprone-command-processor) */
}

static struct store *open_as(const char *dir, const struct store_identity *identity)
{
    struct store *store = NULL;

    assert_int_equal(store_open(&store, dir, identity, MAX_BYTES, NULL), 0);
    store_wait(store);
    return store;
}

static uint64_t blocks_read(const char *dir, const struct store_identity *identity)
{
    struct store *store = open_as(dir, identity);
    struct store_stats stats;

    store_get_stats(store, &stats);
    store_free(store);
    return stats.read;
}

/* Block i is told from the others by its bytes; odd ones are hot. */
static void bytes_of(unsigned i, uint8_t bytes[64])
{
    for (unsigned at = 0; at < 64; at++)
        bytes[at] = (uint8_t)(i * 7 + at);
}

static struct kept *add_block(struct store *store, unsigned i)
{
    const struct t0_op op[] = { { .opcode = T0_MOVI, .imm = i }, { .opcode = T0_STOP } };
    const struct t0_insn insn[] = { { 0, 0 }, { 1, 4 } };
    uint8_t bytes[64];
    struct kept_view view = { .op = op,
                              .insn = insn,
                              .bytes = bytes,
                              .ops = 2,
                              .insns = 2,
                              .length = 8 + i % 5 * 2,
                              .mode = 3,
                              .offset = (uint16_t)(i % 1000 * 2) };
    struct kept *kept;

    bytes_of(i, bytes);
    kept = store_add(store, &view, sizeof(bytes));
    assert_non_null(kept);
    if (i % 2 == 1)
        store_hot(kept);
    return kept;
}

static size_t image(void *opaque, const struct kept_view *block, uint8_t *buffer, size_t size)
{
    (void)opaque;
    assert_true(size >= 100);
    memset(buffer, (int)block->op[0].imm, 10 + block->op[0].imm);
    return 10 + (size_t)block->op[0].imm;
}

static size_t no_image(void *opaque, const struct kept_view *block, uint8_t *buffer, size_t size)
{
    (void)opaque, (void)block, (void)buffer, (void)size;
    return 0;
}

static void fill(const char *dir, const struct store_identity *identity)
{
    struct store *store = open_as(dir, identity);

    for (unsigned i = 0; i < BLOCKS; i++)
        add_block(store, i);
    assert_int_equal(store_save(store, image, NULL, NULL), 0);
    store_free(store);
}

TEST(what_was_kept_is_found_again)
{
    struct store *store;
    struct kept_view view;
    struct kept *kept;
    uint8_t bytes[64];
    char dir[64];

    make_dir(dir);
    fill(dir, &mine);
    store = open_as(dir, &mine);
    for (unsigned i = 0; i < BLOCKS; i++) {
        bytes_of(i, bytes);
        kept = store_find(store, i * 2, 3, bytes, sizeof(bytes));
        assert_non_null(kept);
        kept_view(kept, &view);
        assert_int_equal(view.length, 8 + i % 5 * 2);
        assert_int_equal(view.ops, 2);
        assert_int_equal(view.op[0].imm, i);
        assert_int_equal(view.insn[1].offset, 4);
        assert_int_equal(view.image_bytes, i % 2 == 1 ? 10 + i : 0);
        for (unsigned at = 0; at < view.image_bytes; at++)
            assert_int_equal(view.image[at], i);
    }
    store_free(store);
    remove_dir(dir);
}

TEST(one_byte_another_offset_or_mode_is_another_block)
{
    struct store *store;
    uint8_t bytes[64];
    char dir[64];

    make_dir(dir);
    fill(dir, &mine);
    store = open_as(dir, &mine);
    bytes_of(4, bytes); /* of 16 bytes */
    assert_non_null(store_find(store, 8, 3, bytes, sizeof(bytes)));
    assert_non_null(store_find(store, 8, 3, bytes, 16));
    assert_null(store_find(store, 8, 3, bytes, 14));
    assert_null(store_find(store, 10, 3, bytes, sizeof(bytes)));
    assert_null(store_find(store, 8, 2, bytes, sizeof(bytes)));
    for (unsigned at = 0; at < 16; at++) {
        bytes[at] ^= 1;
        assert_null(store_find(store, 8, 3, bytes, sizeof(bytes)));
        bytes[at] ^= 1;
    }
    bytes[16] ^= 1; /* behind it */
    assert_non_null(store_find(store, 8, 3, bytes, sizeof(bytes)));
    store_free(store);
    remove_dir(dir);
}

TEST(another_identity_has_another_file)
{
    const struct store_identity other = { { 11, 23 } };
    char dir[64];

    make_dir(dir);
    fill(dir, &mine);
    assert_int_equal(blocks_read(dir, &mine), BLOCKS);
    assert_int_equal(blocks_read(dir, &other), 0);
    remove_dir(dir);
}

static size_t load_file(const char *path, uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t got;

    assert_non_null(file);
    got = fread(data, 1, size, file);
    fclose(file);
    return got;
}

static void store_file(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

TEST(a_file_renamed_to_ours_is_foreign)
{
    const struct store_identity other = { { 11, 23 } };
    static uint8_t data[64 << 10];
    char dir[64], path[512];
    size_t size;

    make_dir(dir);
    fill(dir, &other);
    assert_true(only_file(dir, path));
    size = load_file(path, data, sizeof(data));
    unlink(path);
    fill(dir, &mine);
    assert_true(only_file(dir, path));
    store_file(path, data, size);
    assert_int_equal(blocks_read(dir, &mine), 0);
    remove_dir(dir);
}

TEST(a_flipped_byte_anywhere_or_a_missing_end_is_noticed)
{
    static uint8_t data[64 << 10];
    char dir[64], path[512];
    size_t size;

    make_dir(dir);
    fill(dir, &mine);
    assert_true(only_file(dir, path));
    size = load_file(path, data, sizeof(data));
    assert_true(file_check(data, size, &mine));
    for (size_t i = 0; i < size; i++) {
        data[i] ^= (uint8_t)(1 << i % 8);
        assert_false(file_check(data, size, &mine));
        data[i] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t cut = 0; cut < size; cut++)
        assert_false(file_check(data, cut, &mine));
    /* And as a file: it is ignored, and replaced. */
    store_file(path, data, size / 2);
    assert_int_equal(blocks_read(dir, &mine), 0);
    fill(dir, &mine);
    assert_int_equal(blocks_read(dir, &mine), BLOCKS);
    remove_dir(dir);
}

/* With a checksum that is right: lengths are looked at all the same. */
TEST(a_record_that_leads_outside_is_noticed)
{
    static uint8_t data[64 << 10];
    struct store_header header;
    char dir[64], path[512];
    struct record record;
    size_t size, at = sizeof(header);

    make_dir(dir);
    fill(dir, &mine);
    assert_true(only_file(dir, path));
    size = load_file(path, data, sizeof(data));
    memcpy(&record, data + at, sizeof(record));
    for (unsigned byte = 0; byte < offsetof(struct record, unused); byte++) {
        if (byte >= offsetof(struct record, hash) && byte < offsetof(struct record, image_bytes))
            continue; /* any will do */
        memcpy(data + at, &record, sizeof(record));
        data[at + byte] ^= 0xf0;
        memcpy(&header, data, sizeof(header));
        header.checksum = file_checksum(data, size);
        memcpy(data, &header, sizeof(header));
        /* The low byte of an offset may be another good one. */
        if (byte != offsetof(struct record, offset))
            assert_false(file_check(data, size, &mine));
    }
    remove_dir(dir);
}

TEST(a_file_that_others_may_write_is_ignored)
{
    char dir[64], path[512], target[512];

    make_dir(dir);
    fill(dir, &mine);
    assert_true(only_file(dir, path));
    chmod(path, 0620);
    assert_int_equal(blocks_read(dir, &mine), 0);
    chmod(path, 0600);
    assert_int_equal(blocks_read(dir, &mine), BLOCKS);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 1, 1), 0);
        assert_int_equal(blocks_read(dir, &mine), 0);
        assert_int_equal(chown(path, 0, 0), 0);
    }
    snprintf(target, sizeof(target), "%s/.elsewhere", dir);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(blocks_read(dir, &mine), 0);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* and nobody waits for a writer */
    assert_int_equal(blocks_read(dir, &mine), 0);
    remove_dir(dir);
}

static void refuses(const char *dir, int code, const char *says)
{
    struct store *store = NULL;
    struct error err;

    assert_int_equal(store_open(&store, dir, &mine, MAX_BYTES, &err), -code);
    assert_null(store);
    assert_non_null(strstr(err.text, dir));
    assert_non_null(strstr(err.text, says));
}

TEST(a_folder_that_is_not_ours_alone_is_an_error)
{
    char dir[64], inner[128];

    make_dir(dir);
    snprintf(inner, sizeof(inner), "%s/made", dir);
    store_free(open_as(inner, &mine));
    store_free(open_as(inner, &mine));
    chmod(inner, 0770);
    refuses(inner, EPERM, "chmod go-w");
    chmod(inner, 0702);
    refuses(inner, EPERM, "chmod go-w");
    chmod(inner, 0755);
    store_free(open_as(inner, &mine));
    if (geteuid() == 0) {
        assert_int_equal(chown(inner, 1, 1), 0);
        refuses(inner, EPERM, "somebody else");
    }
    snprintf(inner + strlen(inner), sizeof(inner) - strlen(inner), "/not/there");
    refuses(inner, ENOENT, "No such file");
    refuses("/dev/null", ENOTDIR, "Not a directory");
    remove_dir(dir);
}

TEST(nothing_new_is_not_written)
{
    char dir[64], path[512];
    struct store *store;
    struct stat before, after;

    make_dir(dir);
    store = open_as(dir, &mine);
    assert_int_equal(store_save(store, image, NULL, NULL), 0);
    assert_false(only_file(dir, path));
    store_free(store);
    fill(dir, &mine);
    assert_true(only_file(dir, path));
    assert_int_equal(stat(path, &before), 0);
    store = open_as(dir, &mine);
    assert_int_equal(store_save(store, image, NULL, NULL), 0);
    store_free(store);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    remove_dir(dir);
}

TEST(a_block_that_gets_hot_later_gets_its_code_then)
{
    struct kept_view view;
    struct store *store;
    uint8_t bytes[64];
    char dir[64];

    make_dir(dir);
    store = open_as(dir, &mine);
    add_block(store, 1);
    assert_int_equal(store_save(store, no_image, NULL, NULL), 0);
    store_free(store);
    bytes_of(1, bytes);
    store = open_as(dir, &mine);
    store_hot(store_find(store, 2, 3, bytes, sizeof(bytes)));
    assert_int_equal(store_save(store, image, NULL, NULL), 0);
    store_free(store);
    store = open_as(dir, &mine);
    kept_view(store_find(store, 2, 3, bytes, sizeof(bytes)), &view);
    assert_int_equal(view.image_bytes, 11);
    store_free(store);
    remove_dir(dir);
}

/* A file of at most 4096 bytes has room for about 30 of these. */
TEST(a_full_file_loses_what_this_run_did_not_use)
{
    struct store *store = NULL;
    uint8_t bytes[64];
    struct stat st;
    char dir[64], path[512];

    make_dir(dir);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(store_open(&store, dir, &mine, 4096, NULL), 0);
        store_wait(store);
        for (unsigned i = 0; i < 18; i++)
            add_block(store, round * 18 + i);
        assert_int_equal(store_save(store, no_image, NULL, NULL), 0);
        store_free(store);
        assert_true(only_file(dir, path));
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size <= 4096);
        store = open_as(dir, &mine);
        for (unsigned i = 0; i < 18; i++) {
            bytes_of(round * 18 + i, bytes);
            assert_non_null(store_find(store, (round * 18 + i) * 2, 3, bytes, sizeof(bytes)));
        }
        store_free(store);
    }
    remove_dir(dir);
}

TEST(writers_side_by_side_leave_a_whole_file)
{
    pid_t child[6];
    char dir[64], path[512];
    int status;

    make_dir(dir);
    for (unsigned i = 0; i < 6; i++) {
        child[i] = fork();
        assert_true(child[i] >= 0);
        if (child[i] == 0) {
            for (unsigned n = 0; n < 20; n++) {
                struct store *store = open_as(dir, &mine);

                for (unsigned b = 0; b < 50; b++)
                    add_block(store, (i * 20 + n) * 50 + b);
                if (store_save(store, image, NULL, NULL) < 0)
                    _exit(1);
                store_free(store);
            }
            _exit(0);
        }
    }
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
    }
    assert_true(only_file(dir, path)); /* and no temporary one */
    assert_true(blocks_read(dir, &mine) >= 50);
    remove_dir(dir);
}

TEST(files_of_many_identities_do_not_pile_up)
{
    char dir[64], command[128];

    make_dir(dir);
    for (unsigned i = 0; i < 20; i++)
        fill(dir, &(struct store_identity){ { i, 1 } });
    snprintf(command, sizeof(command), "test $(ls %s | wc -l) -le 8", dir);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c,bugprone-command-processor) */
    assert_int_equal(blocks_read(dir, &(struct store_identity){ { 19, 1 } }), BLOCKS);
    remove_dir(dir);
}

TEST(an_identity_is_the_same_each_time_and_tells_numbers_apart)
{
    struct store_identity a, b;
    uint64_t number = 5;

    store_identity_init(&a);
    store_identity_init(&b);
    assert_memory_equal(&a, &b, sizeof(a));
    store_identity_add(&a, &number, sizeof(number));
    assert_memory_not_equal(&a, &b, sizeof(a));
    number = 6;
    store_identity_add(&b, &number, sizeof(number));
    assert_memory_not_equal(&a, &b, sizeof(a));
}

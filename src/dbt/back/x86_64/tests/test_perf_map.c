/* dbt/back/x86_64/perf_map: files as perf expects them */
#include "tests/unit.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dbt/back/x86_64/perf_map.h"

static char symbols[64], dump[64];

static void start(void)
{
    snprintf(symbols, sizeof(symbols), "/tmp/perf-%d.map", (int)getpid());
    snprintf(dump, sizeof(dump), "/tmp/jit-%d.dump", (int)getpid());
    unlink(symbols);
    unlink(dump);
}

/* The whole of a file, which then goes. */
static size_t take(const char *path, uint8_t *buffer, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t length;

    assert_true(fd >= 0);
    length = read(fd, buffer, size);
    assert_true(length >= 0 && (size_t)length < size);
    buffer[length] = 0;
    close(fd);
    unlink(path);
    return (size_t)length;
}

static const uint8_t code[] = { 0x55, 0x90, 0x90, 0xc3, 0x31, 0xc0, 0xc3 };

TEST(symbols_are_lines_of_address_size_and_name)
{
    struct perf_map *map;
    char want[128];
    uint8_t got[256];

    start();
    assert_int_equal(perf_map_open(&map, PERF_MAP_SYMBOLS, NULL), 0);
    perf_map_add(map, code, 4, "guest 80000000 memcpy+0x10");
    perf_map_add(map, code + 4, 3, "two\nlines");
    snprintf(want, sizeof(want), "%lx 4 guest 80000000 memcpy+0x10\n%lx 3 two_lines\n",
             (unsigned long)code, (unsigned long)(code + 4));
    /* It is there before the end, should the process be killed. */
    take(symbols, got, sizeof(got));
    assert_string_equal((char *)got, want);
    assert_int_equal(perf_map_close(map, NULL), 0);
}

static uint64_t field(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;

    memcpy(&value, at, bytes);
    return value;
}

TEST(a_jitdump_is_as_specified)
{
    struct perf_map *map;
    uint8_t got[512];
    const uint8_t *at = got;
    uint64_t time;

    start();
    assert_int_equal(perf_map_open(&map, PERF_MAP_JITDUMP, NULL), 0);
    perf_map_add(map, code, 4, "first");
    perf_map_add(map, code + 4, 3, "second");
    perf_map_add(map, code + 7, 0, ""); /* no code at all is allowed */
    assert_int_equal(perf_map_close(map, NULL), 0);
    assert_int_equal(take(dump, got, sizeof(got)), 40 + (56 + 6 + 4) + (56 + 7 + 3) + 57 + 16);

    assert_int_equal(field(at, 4), 0x4a695444);
    assert_int_equal(field(at + 4, 4), 1);
    assert_int_equal(field(at + 8, 4), 40);
    assert_int_equal(field(at + 12, 4), EM_X86_64);
    assert_int_equal(field(at + 20, 4), getpid());
    time = field(at + 24, 8);
    assert_int_not_equal(time, 0);
    assert_int_equal(field(at + 32, 8), 0);
    at += 40;
    for (unsigned n = 0; n < 3; n++) {
        const char *name = n == 0 ? "first" : n == 1 ? "second" : "";
        unsigned size = n == 0 ? 4 : n == 1 ? 3 : 0, from = n == 0 ? 0 : n == 1 ? 4 : 7;

        assert_int_equal(field(at, 4), 0);
        assert_int_equal(field(at + 4, 4), 56 + strlen(name) + 1 + size);
        assert_true(field(at + 8, 8) >= time);
        time = field(at + 8, 8);
        assert_int_equal(field(at + 16, 4), getpid());
        assert_int_equal(field(at + 20, 4), gettid());
        assert_int_equal(field(at + 24, 8), (uintptr_t)code + from);
        assert_int_equal(field(at + 32, 8), (uintptr_t)code + from);
        assert_int_equal(field(at + 40, 8), size);
        assert_int_equal(field(at + 48, 8), n);
        assert_string_equal((const char *)at + 56, name);
        assert_memory_equal(at + 56 + strlen(name) + 1, code + from, size);
        at += field(at + 4, 4);
    }
    assert_int_equal(field(at, 4), 3);
    assert_int_equal(field(at + 4, 4), 16);
    assert_true(field(at + 8, 8) >= time);
}

TEST(perf_can_see_the_jitdump_mapped)
{
    struct perf_map *map;
    char line[512];
    bool found = false;
    FILE *maps;

    start();
    assert_int_equal(perf_map_open(&map, PERF_MAP_JITDUMP, NULL), 0);
    maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps))
        found |= strstr(line, dump) && strstr(line, "r-xp");
    fclose(maps);
    assert_true(found);
    assert_int_equal(perf_map_close(map, NULL), 0);
    unlink(dump);
}

TEST(a_long_name_is_cut)
{
    struct perf_map *map;
    char name[1000];
    uint8_t got[1024];

    start();
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    assert_int_equal(perf_map_open(&map, PERF_MAP_SYMBOLS, NULL), 0);
    perf_map_add(map, code, 1, name);
    assert_int_equal(perf_map_close(map, NULL), 0);
    take(symbols, got, sizeof(got));
    assert_int_equal(strlen(strchr((char *)got, 'x')), 255 + 1);
}

TEST(what_was_there_is_replaced_not_followed)
{
    struct perf_map *map;
    char victim[] = "/tmp/vireo-victim-XXXXXX";
    int fd = mkstemp(victim);
    struct stat stat;
    uint8_t got[128];

    start();
    assert_true(fd >= 0);
    assert_int_equal(symlink(victim, symbols), 0);
    assert_int_equal(perf_map_open(&map, PERF_MAP_SYMBOLS, NULL), 0);
    perf_map_add(map, code, 1, "f");
    assert_int_equal(perf_map_close(map, NULL), 0);
    assert_int_equal(fstat(fd, &stat), 0);
    assert_int_equal(stat.st_size, 0);
    assert_int_not_equal(take(symbols, got, sizeof(got)), 0);
    close(fd);
    unlink(victim);
}

TEST(a_file_that_cannot_be_made_is_named)
{
    struct perf_map *map;
    struct error err;

    start();
    assert_int_equal(mkdir(symbols, 0700), 0);
    assert_int_equal(perf_map_open(&map, PERF_MAP_SYMBOLS, &err), -EEXIST);
    assert_non_null(strstr(err.text, symbols));
    rmdir(symbols);
    perf_map_add(NULL, code, 1, "nothing");
    assert_int_equal(perf_map_close(NULL, NULL), 0);
}

TEST(a_full_disk_is_told_of_at_the_end)
{
    const struct rlimit limit = { 100, RLIM_INFINITY };
    struct rlimit before;
    struct perf_map *map;
    struct error err;
    uint8_t got[256];

    start();
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(perf_map_open(&map, PERF_MAP_JITDUMP, NULL), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    perf_map_add(map, code, 1, "cut short");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    perf_map_add(map, code, 1, "must not follow");
    assert_true(perf_map_close(map, &err) < 0);
    assert_non_null(strstr(err.text, dump));
    assert_int_equal(take(dump, got, sizeof(got)), 100);
}

enum { THREADS = 4, EACH = 500 };

static void *adder(void *arg)
{
    char name[32];

    for (unsigned n = 0; n < EACH; n++) {
        snprintf(name, sizeof(name), "block_%u", n);
        perf_map_add(arg, code, sizeof(code), name);
    }
    return NULL;
}

TEST(entries_of_threads_do_not_mix_and_times_do_not_go_back)
{
    static uint8_t got[THREADS * EACH * 128];
    struct perf_map *map;
    pthread_t thread[THREADS];
    uint64_t time = 0;
    size_t length, at = 40;

    start();
    assert_int_equal(perf_map_open(&map, PERF_MAP_JITDUMP, NULL), 0);
    for (unsigned n = 0; n < THREADS; n++)
        assert_int_equal(pthread_create(&thread[n], NULL, adder, map), 0);
    for (unsigned n = 0; n < THREADS; n++)
        assert_int_equal(pthread_join(thread[n], NULL), 0);
    assert_int_equal(perf_map_close(map, NULL), 0);
    length = take(dump, got, sizeof(got));
    for (unsigned n = 0; n < THREADS * EACH; n++) {
        assert_true(at + 56 < length);
        assert_int_equal(field(got + at, 4), 0);
        assert_true(field(got + at + 8, 8) >= time);
        time = field(got + at + 8, 8);
        assert_int_equal(field(got + at + 48, 8), n);
        assert_memory_equal(got + at + 56, "block_", 6);
        at += field(got + at + 4, 4);
        assert_memory_equal(got + at - sizeof(code), code, sizeof(code));
    }
    assert_int_equal(at + 16, length);
}

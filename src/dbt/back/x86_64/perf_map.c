/*
 * dbt/back/x86_64/perf_map.c - files from which Linux perf learns the names of compiled code.
 *
 * The symbol file is text, a line per piece of code. The jitdump file is of the format in Linux'
 * tools/perf/Documentation/jitdump-specification.txt; perf finds it in the recording because we
 * map a page of it executable, which it records as it does the mapping of a library.
 *
 * Each entry is one write at the end of the file, under a lock so that times never go back. When a
 * write fails nothing follows, or a reader would take the middle of an entry for the next one.
 */
#include "dbt/back/x86_64/perf_map.h"

#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 255 };

struct perf_map {
    enum perf_map_kind kind;
    int fd;
    void *marker; /* jitdump: the page perf sees mapped, or NULL */
    size_t marker_size;
    char path[64];

    pthread_mutex_t lock; /* guards what follows */
    uint64_t next_index;  /* jitdump: each piece of code has its own */
    int failed;           /* errno of the write that failed, or 0 */
};

/* The specification, section III. */
struct jitdump_header {
    uint32_t magic, version, total_size, elf_mach, pad1, pid;
    uint64_t timestamp, flags;
};
/* Sections IV and V. */
struct jitdump_record {
    uint32_t id, total_size;
    uint64_t timestamp;
};
struct jitdump_load {
    struct jitdump_record record;
    uint32_t pid, tid;
    uint64_t vma, code_addr, code_size, code_index;
};
enum { JITDUMP_MAGIC = 0x4a695444, JIT_CODE_LOAD = 0, JIT_CODE_CLOSE = 3 };
_Static_assert(sizeof(struct jitdump_header) == 40, "no padding");
_Static_assert(sizeof(struct jitdump_load) == 56, "no padding");

/* The clock of `perf record -k 1`. */
static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Call with the lock held. */
static void append(struct perf_map *map, struct iovec *parts, int count)
{
    size_t total = 0;
    ssize_t written;

    if (map->failed)
        return;
    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    do
        written = writev(map->fd, parts, count);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        map->failed = errno;
    else if ((size_t)written != total)
        map->failed = ENOSPC; /* the only thing that cuts writes to files short */
}

static int start_jitdump(struct perf_map *map, struct error *err)
{
    struct jitdump_header header = {
        .magic = JITDUMP_MAGIC,
        .version = 1,
        .total_size = sizeof(header),
        .elf_mach = EM_X86_64,
        .pid = (uint32_t)getpid(),
        .timestamp = now(),
    };
    struct iovec part = { &header, sizeof(header) };

    append(map, &part, 1);
    if (map->failed)
        return error_set(err, map->failed, "cannot write %s: %s", map->path, strerror(map->failed));
    map->marker_size = (size_t)sysconf(_SC_PAGESIZE);
    map->marker = mmap(NULL, map->marker_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, map->fd, 0);
    if (map->marker == MAP_FAILED) {
        map->marker = NULL;
        return error_set(err, errno,
                         "cannot map %s as executable, which is how perf finds it: %s; a /tmp "
                         "mounted noexec forbids this: profile with a symbol file instead",
                         map->path, strerror(errno));
    }
    return 0;
}

/* Leaves no file of ours open. */
static void destroy(struct perf_map *map)
{
    if (map->marker)
        munmap(map->marker, map->marker_size);
    if (map->fd >= 0)
        close(map->fd);
    pthread_mutex_destroy(&map->lock);
    free(map);
}

int perf_map_open(struct perf_map **ret_map, enum perf_map_kind kind, struct error *err)
{
    struct perf_map *map = calloc(1, sizeof(*map));
    int rc = 0;

    if (!map)
        return error_set(err, ENOMEM, "cannot open a file for perf: out of memory");
    map->kind = kind;
    pthread_mutex_init(&map->lock, NULL);
    snprintf(map->path, sizeof(map->path),
             kind == PERF_MAP_JITDUMP ? "/tmp/jit-%d.dump" : "/tmp/perf-%d.map", (int)getpid());
    /* The name can be foretold and the folder is everybody's: never write to what is there. */
    unlink(map->path);
    map->fd = open(map->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC, 0600);
    if (map->fd < 0)
        rc = error_set(err, errno,
                       "cannot create %s: %s; perf looks for the names of compiled code there",
                       map->path, strerror(errno));
    else if (kind == PERF_MAP_JITDUMP)
        rc = start_jitdump(map, err);
    if (rc < 0) {
        if (map->fd >= 0)
            unlink(map->path);
        destroy(map);
        return rc;
    }
    *ret_map = map;
    return 0;
}

/* perf ends a symbol at the end of the line. */
static size_t clean_name(char ret_clean[NAME_MAX_BYTES + 1], const char *name)
{
    size_t length = strnlen(name, NAME_MAX_BYTES);

    memcpy(ret_clean, name, length);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < ' ')
            ret_clean[i] = '_';
    ret_clean[length] = 0;
    return length;
}

void perf_map_add(struct perf_map *map, const void *addr, size_t size, const char *name)
{
    char clean[NAME_MAX_BYTES + 1], line[NAME_MAX_BYTES + 48];
    size_t length;

    if (!map)
        return;
    assert(size <= INT32_MAX);
    length = clean_name(clean, name);
    pthread_mutex_lock(&map->lock);
    if (map->kind == PERF_MAP_SYMBOLS) {
        int bytes = snprintf(line, sizeof(line), "%llx %zx %s\n",
                             (unsigned long long)(uintptr_t)addr, size, clean);
        struct iovec part = { line, (size_t)bytes };

        append(map, &part, 1);
    } else {
        struct jitdump_load load = {
            .record = { JIT_CODE_LOAD, (uint32_t)(sizeof(load) + length + 1 + size), now() },
            .pid = (uint32_t)getpid(),
            .tid = (uint32_t)gettid(),
            .vma = (uintptr_t)addr,
            .code_addr = (uintptr_t)addr,
            .code_size = size,
            .code_index = map->next_index++,
        };
        struct iovec parts[] = {
            { &load, sizeof(load) },
            { clean, length + 1 },
            { (void *)(uintptr_t)addr, size },
        };

        append(map, parts, 3);
    }
    pthread_mutex_unlock(&map->lock);
}

int perf_map_close(struct perf_map *map, struct error *err)
{
    int rc = 0;

    if (!map)
        return 0;
    if (map->kind == PERF_MAP_JITDUMP) {
        struct jitdump_record record = { JIT_CODE_CLOSE, sizeof(record), now() };
        struct iovec part = { &record, sizeof(record) };

        append(map, &part, 1);
    }
    if (map->failed)
        rc = error_set(err, map->failed,
                       "%s is not complete: %s; perf will not know all compiled code", map->path,
                       strerror(map->failed));
    destroy(map);
    return rc;
}

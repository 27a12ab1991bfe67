/*
 * dbt/store/file.c - the folder and the files of a store.
 *
 * Host code comes out of these files, so who may write them is asked before anything is believed:
 * the folder and the file must belong to us, and nobody else may write to either. Beyond that a
 * file is only trusted as a whole: its length, its identity and its checksum must be right, so
 * half a file, a file of another build, and one with a flipped bit are all the same as none.
 *
 * A file is read into memory of our own, and checked there. It is replaced by rename(), so that
 * two machines with one folder never see each other's half-written files: the last one to end
 * wins. What a machine leaves behind that is killed while it writes is a temporary file, which a
 * later one takes away; so are files of other identities when there are many.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "dbt/store/internal.h"

/* How many files of other identities stay; when a temporary file is nobody's any more. */
enum { KEEP_FILES = 8, STALE_SECONDS = 600, NAME_BYTES = 64 };

/* ---- contents ---- */

/* Four sums side by side, so that the processor can overlap them. Each step can be undone, so no
 * change of a single word goes unseen. */
static uint64_t store_checksum(const void *data, size_t size)
{
    uint64_t sum[4] = { 1, 2, 3, 4 }, word, all = size;
    const uint8_t *at = data;

    for (size_t i = 0; i < size / 8; i++) {
        memcpy(&word, at + i * 8, sizeof(word));
        sum[i % 4] = (sum[i % 4] ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        sum[i % 4] ^= sum[i % 4] >> 32;
    }
    for (unsigned i = 0; i < 4; i++)
        all = (all ^ sum[i]) * UINT64_C(0xff51afd7ed558ccd);
    return all;
}

uint64_t file_checksum(const uint8_t *file, size_t size)
{
    struct store_header header;

    memcpy(&header, file, sizeof(header));
    header.checksum = 0;
    return store_checksum(&header, sizeof(header)) * 3 +
           store_checksum(file + sizeof(header), size - sizeof(header));
}

static bool ops_are_good(const struct record *r)
{
    const struct t0_op *op = (const struct t0_op *)(const void *)(r + 1);
    const struct t0_insn *insn = (const struct t0_insn *)(const void *)(op + r->ops);

    for (unsigned i = 0; i < r->ops; i++)
        if (op[i].opcode >= T0_OPCODES)
            return false;
    for (unsigned i = 0; i < r->insns; i++)
        if (insn[i].first_op >= r->ops || insn[i].offset >= r->length)
            return false;
    return true;
}

/* left: bytes of the file from it on. */
static bool record_is_good(const struct record *r, size_t left)
{
    if (left < sizeof(*r) || r->bytes > left || r->bytes % 8 != 0)
        return false;
    return r->ops >= 1 && r->insns >= 1 && r->insns <= IR_MAX_INSNS && r->length >= 2 &&
           r->offset < PAGE_SIZE_BYTES && r->length <= PAGE_SIZE_BYTES - r->offset &&
           r->ops <= T0_MAX_OPS && r->image_bytes <= left && record_bytes(r) == r->bytes &&
           ops_are_good(r);
}

bool file_check(const uint8_t *file, size_t size, const struct store_identity *identity)
{
    struct store_header header;
    size_t at = sizeof(header), records = 0;

    if (size < sizeof(header))
        return false;
    memcpy(&header, file, sizeof(header));
    if (memcmp(header.magic, STORE_MAGIC, sizeof(header.magic)) != 0 ||
        memcmp(&header.identity, identity, sizeof(*identity)) != 0 || header.bytes != size ||
        size % 8 != 0 || file_checksum(file, size) != header.checksum)
        return false;
    for (; at < size; records++) {
        const struct record *record = (const struct record *)(const void *)(file + at);

        if (!record_is_good(record, size - at))
            return false;
        at += record->bytes;
    }
    return records == header.records;
}

/* ---- the folder ---- */

static int bad_dir(struct error *err, int errnum, const char *dir, const char *why)
{
    return error_set(err, errnum,
                     "--jit-cache: cannot use the folder '%s': %s; host code is kept there, so it "
                     "must be a folder of yours that nobody else can write to",
                     dir, why);
}

int file_open_dir(int *ret_fd, const char *dir, struct error *err)
{
    struct stat st;
    int fd, rc = 0;

    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return bad_dir(err, errno, dir, strerror(errno));
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bad_dir(err, errno, dir, strerror(errno));
    if (fstat(fd, &st) < 0)
        rc = bad_dir(err, errno, dir, strerror(errno));
    else if (st.st_uid != geteuid())
        rc = bad_dir(err, EPERM, dir, "it belongs to somebody else");
    else if (st.st_mode & (S_IWGRP | S_IWOTH))
        rc = bad_dir(err, EPERM, dir, "others may write to it (chmod go-w)");
    if (rc < 0)
        close(fd);
    else
        *ret_fd = fd;
    return rc;
}

static void file_name(const struct store *store, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "vireo-%016" PRIx64 "%016" PRIx64 ".jit", store->identity.word[0],
             store->identity.word[1]);
}

static bool has_end(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);

    return strncmp(name, "vireo-", 6) == 0 && len > end_len &&
           strcmp(name + len - end_len, end) == 0;
}

struct sweep {
    int fd;
    unsigned files;
    char oldest[NAME_BYTES];
    time_t oldest_time;
};

static void look_at(struct sweep *sweep, const char *name)
{
    struct stat st;

    if (strlen(name) >= NAME_BYTES || fstatat(sweep->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(st.st_mode))
        return;
    if (has_end(name, ".tmp") && st.st_mtime < time(NULL) - STALE_SECONDS)
        unlinkat(sweep->fd, name, 0);
    if (!has_end(name, ".jit"))
        return;
    if (sweep->files++ == 0 || st.st_mtime < sweep->oldest_time) {
        memcpy(sweep->oldest, name, strlen(name) + 1); /* look_at() has measured it */
        sweep->oldest_time = st.st_mtime;
    }
}

/* Takes away what others have left. A file more comes each time, so one less is enough. */
static void tidy(int dir_fd)
{
    struct sweep sweep = { .fd = dir_fd };
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL)
        look_at(&sweep, entry->d_name);
    closedir(dir);
    if (sweep.files > KEEP_FILES)
        unlinkat(dir_fd, sweep.oldest, 0);
}

/* ---- reading ---- */

/* Memory in large pages, where the host has them: small ones cost more than the reading, 17 ms
 * against 5 for 20 MB. */
static uint8_t *allocate(size_t size)
{
    size_t large = (size_t)2 << 20, rounded = (size + large - 1) & ~(large - 1);
    uint8_t *data = aligned_alloc(large, rounded);

    if (data != NULL)
        (void)madvise(data, rounded, MADV_HUGEPAGE);
    return data;
}

/* All of a file that is ours alone and not too long; NULL otherwise. Owned by the caller. */
static uint8_t *read_all(int fd, size_t max_bytes, size_t *ret_size)
{
    struct stat st;
    uint8_t *data;
    size_t size, done = 0;
    ssize_t got;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & (S_IWGRP | S_IWOTH)) || st.st_size <= 0 || (uint64_t)st.st_size > max_bytes)
        return NULL;
    size = (size_t)st.st_size;
    data = allocate(size);
    if (data == NULL)
        return NULL;
    while (done < size) {
        got = read(fd, data + done, size - done);
        if (got <= 0 && !(got < 0 && errno == EINTR))
            break;
        done += got < 0 ? 0 : (size_t)got;
    }
    if (done == size) {
        *ret_size = size;
        return data;
    }
    free(data);
    return NULL;
}

void file_read(struct store *store)
{
    struct store_header header;
    char name[NAME_BYTES];
    uint8_t *data;
    size_t size = 0;
    int fd;

    file_name(store, name);
    fd = openat(store->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    data = read_all(fd, store->max_bytes, &size);
    close(fd);
    if (data != NULL && file_check(data, size, &store->identity)) {
        memcpy(&header, data, sizeof(header));
        if (store_index(store, data, &header))
            return;
    }
    log_debug("--jit-cache: '%s' is not a file of ours, or damaged: ignored, to be replaced", name);
    pthread_mutex_lock(&store->lock);
    store->stats.ignored = 1;
    pthread_mutex_unlock(&store->lock);
    free(data);
}

/* ---- writing ---- */

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, data, size);

        if (put < 0 && errno != EINTR)
            return -errno;
        data += put < 0 ? 0 : put;
        size -= put < 0 ? 0 : (size_t)put;
    }
    return 0;
}

int file_write(struct store *store, const void *data, size_t size, struct error *err)
{
    char name[NAME_BYTES], temporary[NAME_BYTES];
    uint64_t number = 0;
    int fd, rc;

    (void)!getrandom(&number, sizeof(number), 0);
    snprintf(temporary, sizeof(temporary), "vireo-%016" PRIx64 ".tmp", number);
    file_name(store, name);
    fd = openat(store->dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd < 0)
        return error_set(err, errno, "--jit-cache: cannot write to the folder: %s",
                         strerror(errno));
    rc = write_all(fd, data, size);
    if (close(fd) < 0 && rc == 0)
        rc = -errno;
    if (rc == 0 && renameat(store->dir_fd, temporary, store->dir_fd, name) < 0)
        rc = -errno;
    if (rc < 0) {
        unlinkat(store->dir_fd, temporary, 0);
        return error_set(err, -rc, "--jit-cache: cannot write '%s': %s", name, strerror(-rc));
    }
    tidy(store->dir_fd);
    return 0;
}

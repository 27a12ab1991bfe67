/*
 * machine/load_file.c - a file to load from: open on the host, or bytes in memory.
 *
 * A file on the host is read by pread straight to where its bytes go and never mapped: it may be
 * cut short by somebody while we run, and that must be an error, not a SIGBUS.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "machine/load.h"

struct load_file {
    char *name;
    int fd;               /* -1: the bytes are at */
    const uint8_t *bytes; /* here */
    uint64_t size;
    void *map; /* the anonymous mapping that holds them, or NULL: not ours */
    size_t map_size;
};

/* What is read from a compressed file at a time, and the least the output grows by; what goes to
 * the guest within one read side. */
enum { IN_CHUNK = 64 << 10, OUT_CHUNK = 4 << 20, COPY_CHUNK = 1 << 20 };

static struct load_file *file_new(const char *name, struct error *err)
{
    struct load_file *file = calloc(1, sizeof(*file));

    if (file != NULL) {
        file->fd = -1;
        file->name = strdup(name);
        if (file->name != NULL)
            return file;
    }
    free(file);
    error_set(err, ENOMEM, "no memory to open '%s'", name);
    return NULL;
}

static int check_stat(struct load_file *file, struct error *err)
{
    struct stat st;

    if (fstat(file->fd, &st) < 0)
        return error_set(err, errno, "cannot look at '%s': %s", file->name, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return error_set(err, EISDIR, "'%s' is a directory; give the file to load", file->name);
    if (!S_ISREG(st.st_mode))
        return error_set(err, EINVAL,
                         "'%s' is not a regular file, and a reset has to read it again; copy it "
                         "to one",
                         file->name);
    if (st.st_size == 0)
        return error_set(err, EINVAL, "'%s' is empty; check how it was made or copied", file->name);
    file->size = (uint64_t)st.st_size;
    return 0;
}

int load_file_open(struct load_file **ret_file, const char *path, struct error *err)
{
    struct load_file *file = file_new(path, err);
    int rc;

    if (file == NULL)
        return -ENOMEM;
    /* Not to wait for the other end should it be a pipe. */
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->fd < 0)
        rc = error_set(err, errno, "cannot open '%s': %s%s", path, strerror(errno),
                       errno == ENOENT   ? "; check the path"
                       : errno == EACCES ? "; check its permissions"
                                         : "");
    else
        rc = check_stat(file, err);
    if (rc < 0) {
        load_file_free(file);
        return rc;
    }
    *ret_file = file;
    return 0;
}

int load_file_bytes(struct load_file **ret_file, const char *name, const void *bytes, size_t len,
                    struct error *err)
{
    struct load_file *file = file_new(name, err);

    if (file == NULL)
        return -ENOMEM;
    file->bytes = bytes;
    file->size = len;
    *ret_file = file;
    return 0;
}

void load_file_free(struct load_file *file)
{
    if (file == NULL)
        return;
    if (file->fd >= 0)
        close(file->fd);
    if (file->map != NULL)
        munmap(file->map, file->map_size);
    free(file->name);
    free(file);
}

uint64_t load_file_size(const struct load_file *file)
{
    return file->size;
}

const char *load_file_name(const struct load_file *file)
{
    return file->name;
}

int load_file_read(struct load_file *file, uint64_t off, void *buf, size_t len, struct error *err)
{
    uint8_t *to = buf;

    if (off > file->size || len > file->size - off)
        return error_set(err, EINVAL,
                         "'%s' is cut short: it has %" PRIu64 " bytes, but %zu are needed at "
                         "offset %" PRIu64 "; copy it again",
                         file->name, file->size, len, off);
    if (file->fd < 0) {
        if (len != 0)
            memcpy(to, file->bytes + off, len);
        return 0;
    }
    while (len != 0) {
        ssize_t n = pread(file->fd, to, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, errno, "cannot read '%s': %s", file->name, strerror(errno));
        if (n == 0)
            return error_set(err, EIO,
                             "'%s' has become shorter since it was opened; leave it alone while "
                             "the machine runs",
                             file->name);
        to += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

bool load_file_is_gzip(struct load_file *file)
{
    uint8_t magic[3]; /* RFC 1952, 2.3.1; 8 is deflate, the only method there is */

    return file->size >= sizeof(magic) &&
           load_file_read(file, 0, magic, sizeof(magic), NULL) == 0 && magic[0] == 0x1f &&
           magic[1] == 0x8b && magic[2] == 8;
}

/* Makes room behind what is there, up to limit. */
static int grow(struct load_file *out, uint64_t limit, struct error *err)
{
    size_t old = out->map_size, size = old == 0 ? OUT_CHUNK : old * 2;
    void *map;

    if (size > limit)
        size = (size_t)limit;
    if (size <= old)
        return error_set(err, EFBIG,
                         "'%s' unpacks to more than the %" PRIu64 " MiB of guest memory; give the "
                         "machine more (--memory)",
                         out->name, limit >> 20);
    map = old == 0 ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                   : mremap(out->map, old, size, MREMAP_MAYMOVE);
    if (map == MAP_FAILED)
        return error_set(err, errno, "no memory to unpack '%s': %s", out->name, strerror(errno));
    out->map = map;
    out->bytes = map;
    out->map_size = size;
    return 0;
}

static int inflate_error(const char *name, int zrc, struct error *err)
{
    if (zrc == Z_MEM_ERROR)
        return error_set(err, ENOMEM, "no memory to unpack '%s'", name);
    return error_set(err, EINVAL, "'%s' is damaged: its gzip data does not unpack; copy it again",
                     name);
}

static int inflate_all(struct load_file *out, struct load_file *in, uint64_t off, uint64_t len,
                       uint64_t limit, z_stream *z, uint8_t chunk[IN_CHUNK], struct error *err)
{
    static const int gzip_only = 15 + 16;
    int rc = 0, zrc = inflateInit2(z, gzip_only);

    if (zrc != Z_OK)
        return inflate_error(out->name, zrc, err);
    while (zrc != Z_STREAM_END) {
        size_t room;

        if (z->avail_in == 0) {
            size_t n = len < IN_CHUNK ? (size_t)len : IN_CHUNK;

            if (n == 0)
                return error_set(err, EINVAL,
                                 "'%s' is cut short: its gzip data has no end; copy it again",
                                 out->name);
            rc = load_file_read(in, off, chunk, n, err);
            if (rc < 0)
                return rc;
            z->next_in = chunk;
            z->avail_in = (uInt)n;
            off += n;
            len -= n;
        }
        if (out->size == out->map_size) {
            rc = grow(out, limit, err);
            if (rc < 0)
                return rc;
        }
        room = out->map_size - (size_t)out->size;
        z->avail_out = room < (1u << 30) ? (uInt)room : 1u << 30;
        z->next_out = (uint8_t *)out->map + out->size;
        room = z->avail_out;
        zrc = inflate(z, Z_NO_FLUSH);
        out->size += room - z->avail_out;
        if (zrc != Z_OK && zrc != Z_STREAM_END && zrc != Z_BUF_ERROR)
            return inflate_error(out->name, zrc, err);
    }
    return 0;
}

int load_file_unpack(struct load_file **ret_file, struct load_file *file, uint64_t off,
                     uint64_t len, uint64_t limit, struct error *err)
{
    struct load_file *out = file_new(file->name, err);
    uint8_t chunk[IN_CHUNK];
    z_stream z = { 0 };
    int rc;

    if (out == NULL)
        return -ENOMEM;
    rc = inflate_all(out, file, off, len, limit, &z, chunk, err);
    inflateEnd(&z);
    if (rc == 0 && out->size == 0)
        rc = error_set(err, EINVAL, "'%s' unpacks to nothing; check how it was made", out->name);
    if (rc < 0) {
        load_file_free(out);
        return rc;
    }
    *ret_file = out;
    return 0;
}

int load_file_copy(struct load_file *file, uint64_t off, uint64_t len, struct mem_space *space,
                   gpa_t gpa, struct error *err)
{
    while (len != 0) {
        size_t want = len < COPY_CHUNK ? (size_t)len : COPY_CHUNK;
        struct mem_slice slice;
        int rc;

        mem_read_lock();
        if (!mem_slice(space, gpa, want, MEM_PERM_WRITE, &slice)) {
            mem_read_unlock();
            return error_set(err, EFAULT,
                             "'%s' does not fit: the guest has no RAM at 0x%" PRIx64
                             "; give it more (--memory) or another address",
                             file->name, gpa);
        }
        rc = load_file_read(file, off, slice.hva, slice.len, err);
        if (rc == 0)
            mem_slice_wrote(&slice, 0, slice.len);
        mem_read_unlock();
        if (rc < 0)
            return rc;
        off += slice.len;
        gpa += slice.len;
        len -= slice.len;
    }
    return 0;
}

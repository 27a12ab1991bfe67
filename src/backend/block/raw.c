/*
 * backend/block/raw.c - regular files and block devices, byte for byte.
 *
 * Each request is one job of the worker pool: blocking system calls through the host's page
 * cache, so that no alignment is asked of the guest; flush is fdatasync().
 *
 * The image is locked by an open-file-description lock over all of its bytes: shared when read
 * only, exclusive otherwise. It vanishes with the descriptor, so a killed Vireo leaves none, and
 * it meets the locks of other programs that lock single bytes of an image. A block device is
 * opened O_EXCL besides, which a mounted one refuses.
 *
 * Discard and zeroing use what the host's file system offers; when it refuses, discard is done
 * by doing nothing (it is a hint) and zeroing by writing zeroes.
 */
#include "backend/block/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct raw {
    struct block block;
    struct pool *pool;
    int fd;
    bool is_device;
};

static struct raw *to_raw(struct block *block)
{
    return container_of(block, struct raw, block);
}

/* ---- requests; on a worker ---- */

/* Takes `done` bytes off the front of the iovec. */
static void iov_advance(struct iovec **iov, int *count, size_t done)
{
    while (*count > 0 && done >= (*iov)->iov_len) {
        done -= (*iov)->iov_len;
        (*iov)++;
        (*count)--;
    }
    if (*count > 0) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + done;
        (*iov)->iov_len -= done;
    }
}

static int raw_read_write(struct raw *raw, struct block_req *req)
{
    struct iovec *iov = req->iov;
    int count = (int)req->iov_count;
    uint64_t offset = req->offset, left = req->len;

    while (left > 0) {
        ssize_t n = req->op == BLOCK_READ ? preadv(raw->fd, iov, count, (off_t)offset)
                                          : pwritev(raw->fd, iov, count, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0) /* the file has become shorter behind our back */
            return -EIO;
        iov_advance(&iov, &count, (size_t)n);
        offset += (uint64_t)n;
        left -= (uint64_t)n;
    }
    return 0;
}

static int raw_sync(struct raw *raw)
{
    int rc;

    do
        rc = fdatasync(raw->fd);
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : -errno;
}

/* Whether the host said that it has no such operation, for this file or this range. */
static bool is_unsupported(int rc)
{
    return rc == -EOPNOTSUPP || rc == -ENOTTY || rc == -ENOSYS || rc == -EINVAL || rc == -EPERM;
}

static int raw_fallocate(struct raw *raw, int mode, const struct block_req *req)
{
    int rc;

    do
        rc = fallocate(raw->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)req->offset, (off_t)req->len);
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : -errno;
}

static int raw_range_ioctl(struct raw *raw, unsigned long request, const struct block_req *req)
{
    uint64_t range[2] = { req->offset, req->len };

    return ioctl(raw->fd, request, range) == 0 ? 0 : -errno;
}

static int raw_discard(struct raw *raw, const struct block_req *req)
{
    int rc = raw->is_device ? raw_range_ioctl(raw, BLKDISCARD, req)
                            : raw_fallocate(raw, FALLOC_FL_PUNCH_HOLE, req);

    return is_unsupported(rc) ? 0 : rc;
}

static int raw_write_zero_bytes(struct raw *raw, const struct block_req *req)
{
    static const uint8_t zeroes[64 * 1024];
    uint64_t offset = req->offset, left = req->len;

    while (left > 0) {
        size_t part = left < sizeof(zeroes) ? (size_t)left : sizeof(zeroes);
        ssize_t n = pwrite(raw->fd, zeroes, part, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        offset += (uint64_t)n;
        left -= (uint64_t)n;
    }
    return 0;
}

static int raw_write_zeroes(struct raw *raw, const struct block_req *req)
{
    int rc;

    if (raw->is_device)
        rc = raw_range_ioctl(raw, BLKZEROOUT, req);
    else if ((req->flags & BLOCK_MAY_UNMAP) != 0)
        rc = raw_fallocate(raw, FALLOC_FL_PUNCH_HOLE, req);
    else
        rc = raw_fallocate(raw, FALLOC_FL_ZERO_RANGE, req);
    return is_unsupported(rc) ? raw_write_zero_bytes(raw, req) : rc;
}

static int raw_execute(struct raw *raw, struct block_req *req)
{
    switch (req->op) {
    case BLOCK_READ:
    case BLOCK_WRITE:
        return raw_read_write(raw, req);
    case BLOCK_FLUSH:
        return raw_sync(raw);
    case BLOCK_DISCARD:
        return raw_discard(raw, req);
    case BLOCK_WRITE_ZEROES:
        return raw_write_zeroes(raw, req);
    default:
        return -EINVAL;
    }
}

static void raw_job(struct pool_job *job)
{
    struct block_req *req = container_of(job, struct block_req, job);
    struct raw *raw = to_raw(req->block);
    int rc = raw_execute(raw, req);

    if (rc == 0 && (req->flags & BLOCK_FUA) != 0)
        rc = raw_sync(raw);
    block_complete(req, rc);
}

static void raw_submit(struct block *block, struct block_req *req)
{
    pool_submit(to_raw(block)->pool, &req->job, raw_job);
}

static void raw_close(struct block *block)
{
    struct raw *raw = to_raw(block);

    close(raw->fd);
    free(raw);
}

static const struct block_ops raw_ops = {
    .format = "raw",
    .submit = raw_submit,
    .close = raw_close,
};

/* ---- opening ---- */

static int raw_open_error(const struct block_options *options, int errnum, struct error *err)
{
    const char *path = options->path;

    switch (errnum) {
    case ENOENT:
        return error_set(err, errnum,
                         "disk %s: no such file; check the path, or make one with "
                         "'truncate -s 10G %s'",
                         path, path);
    case EISDIR:
        return error_set(err, errnum, "disk %s: is a directory, not a disk image", path);
    case EACCES:
    case EPERM:
    case EROFS:
        if (!options->read_only && eaccess(path, R_OK) == 0)
            return error_set(err, errnum,
                             "disk %s: may be read but not written (%s); change its "
                             "permissions, or attach it with readonly=on",
                             path, strerror(errnum));
        return error_set(err, errnum,
                         "disk %s: may not be opened (%s); change its permissions or "
                         "run as its owner",
                         path, strerror(errnum));
    case EBUSY:
        return error_set(err, errnum,
                         "disk %s: the block device is in use on this host (mounted, "
                         "perhaps); unmount it first",
                         path);
    default:
        return error_set(err, errnum, "disk %s: cannot be opened: %s", path, strerror(errnum));
    }
}

static int raw_lock(struct raw *raw, const struct block_options *options, struct error *err)
{
    struct flock lock = {
        .l_type = options->read_only ? F_RDLCK : F_WRLCK,
        .l_whence = SEEK_SET,
    };

    if (fcntl(raw->fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    if (errno == EAGAIN || errno == EACCES)
        return error_set(err, EBUSY,
                         "disk %s: is in use by another program%s; stop that one, or "
                         "attach the disk read-only in both",
                         options->path, options->read_only ? ", which may write to it" : "");
    if (errno == EINVAL || errno == ENOLCK || errno == ENOSYS || errno == EOPNOTSUPP)
        return 0; /* a file system without locks: nobody can do better */
    return error_set(err, errno, "disk %s: cannot be locked: %s", options->path, strerror(errno));
}

static int raw_size_device(struct raw *raw, const struct block_options *options, struct error *err)
{
    int logical = BLOCK_SECTOR;
    unsigned physical = BLOCK_SECTOR;

    if (ioctl(raw->fd, BLKGETSIZE64, &raw->block.size) != 0)
        return error_set(err, errno, "disk %s: the size of the block device cannot be read: %s",
                         options->path, strerror(errno));
    if (ioctl(raw->fd, BLKSSZGET, &logical) == 0 && logical >= BLOCK_SECTOR)
        raw->block.logical_size = (uint32_t)logical;
    if (ioctl(raw->fd, BLKPBSZGET, &physical) == 0 && physical >= raw->block.logical_size)
        raw->block.physical_size = physical;
    return 0;
}

static int raw_size(struct raw *raw, const struct block_options *options, struct error *err)
{
    const char *path = options->path;
    struct stat st;

    if (fstat(raw->fd, &st) != 0)
        return error_set(err, errno, "disk %s: %s", path, strerror(errno));
    raw->block.logical_size = BLOCK_SECTOR;
    raw->block.physical_size = 4096; /* the host's page cache works in these */
    if (S_ISBLK(st.st_mode)) {
        raw->is_device = true;
        return raw_size_device(raw, options, err);
    }
    if (S_ISDIR(st.st_mode))
        return raw_open_error(options, EISDIR, err);
    if (!S_ISREG(st.st_mode))
        return error_set(err, EINVAL, "disk %s: is neither a regular file nor a block device",
                         path);
    raw->block.size = (uint64_t)st.st_size;
    if (st.st_size == 0)
        return error_set(err, EINVAL, "disk %s: is empty; give it a size with 'truncate -s 10G %s'",
                         path, path);
    if (st.st_size % BLOCK_SECTOR != 0)
        return error_set(err, EINVAL,
                         "disk %s: its size, %llu bytes, is not a multiple of %d; it may have been "
                         "cut short, or is no raw image; 'truncate -s %%%d' rounds it up",
                         path, (unsigned long long)st.st_size, BLOCK_SECTOR, BLOCK_SECTOR);
    return 0;
}

/* O_NONBLOCK so that a FIFO given by mistake does not hang us; it does nothing to files. */
static int raw_open_fd(const struct block_options *options)
{
    int flags = (options->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    struct stat st;

    if (!options->read_only && stat(options->path, &st) == 0 && S_ISBLK(st.st_mode))
        flags |= O_EXCL;
    return open(options->path, flags);
}

int block_raw_open(struct block **ret_block, struct pool *pool, const struct block_options *options,
                   struct error *err)
{
    struct raw *raw = calloc(1, sizeof(*raw));
    int rc;

    if (raw == NULL)
        return error_set(err, ENOMEM, "disk %s: no memory", options->path);
    raw->block.ops = &raw_ops;
    raw->block.read_only = options->read_only;
    raw->pool = pool;
    raw->fd = raw_open_fd(options);
    if (raw->fd < 0) {
        rc = raw_open_error(options, errno, err);
        free(raw);
        return rc;
    }
    rc = raw_size(raw, options, err);
    if (rc == 0)
        rc = raw_lock(raw, options, err);
    if (rc != 0) {
        raw_close(&raw->block);
        return rc;
    }
    *ret_block = &raw->block;
    return 0;
}

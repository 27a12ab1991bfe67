/*
 * devices/misc/pflash_image.c - the file behind a flash bank: checked, locked, read, written
 * through.
 */
#include "devices/misc/pflash_image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No two machines may write one file; several may read it. */
static int lock_file(int fd, const struct pflash_params *params, struct error *err)
{
    struct flock lock = { .l_type = params->readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };

    if (fcntl(fd, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES))
        return 0; /* a file system without locks is no reason not to run */
    return error_set(err, EBUSY,
                     "flash image '%s' is in use by another machine; give each its own "
                     "copy",
                     params->path);
}

static int check_size(int fd, const struct pflash_params *params, uint64_t *ret_size,
                      struct error *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return error_set(err, errno, "cannot examine flash image '%s': %s", params->path,
                         strerror(errno));
    if (!S_ISREG(st.st_mode))
        return error_set(err, EINVAL, "flash image '%s' is not a regular file", params->path);
    *ret_size = (uint64_t)st.st_size;
    if (*ret_size > params->size)
        return error_set(err, EFBIG,
                         "flash image '%s' has %" PRIu64 " bytes, more than the "
                         "flash's %" PRIu64,
                         params->path, *ret_size, params->size);
    if (!params->readonly && *ret_size != params->size)
        return error_set(err, EINVAL,
                         "flash image '%s' has %" PRIu64 " bytes, a writable one must "
                         "have %" PRIu64 "; make it so with truncate -s %" PRIu64,
                         params->path, *ret_size, params->size, params->size);
    return 0;
}

/* `to` holds zeros; parts of the file that do too are not written, so that they take no memory. */
static int read_file(int fd, uint8_t *to, uint64_t size, const char *path, struct error *err)
{
    static const uint8_t zeros[16384];
    uint8_t part[sizeof(zeros)];

    for (uint64_t done = 0; done < size;) {
        size_t want = size - done < sizeof(part) ? (size_t)(size - done) : sizeof(part);
        ssize_t n = pread(fd, part, want, (off_t)done);

        if (n == 0)
            return error_set(err, EIO, "flash image '%s' shrank while it was read", path);
        if (n < 0 && errno != EINTR)
            return error_set(err, errno, "cannot read flash image '%s': %s", path, strerror(errno));
        if (n <= 0)
            continue;
        if (memcmp(part, zeros, (size_t)n) != 0)
            memcpy(to + done, part, (size_t)n);
        done += (uint64_t)n;
    }
    return 0;
}

int pflash_image_open(const struct pflash_params *params, uint8_t *to, int *ret_fd,
                      struct error *err)
{
    int fd = open(params->path, (params->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
    uint64_t size = 0;
    int rc;

    if (fd < 0)
        return error_set(err, errno, "cannot open flash image '%s' for %s: %s", params->path,
                         params->readonly ? "reading" : "writing", strerror(errno));
    rc = check_size(fd, params, &size, err);
    if (rc == 0)
        rc = lock_file(fd, params, err);
    if (rc == 0)
        rc = read_file(fd, to, size, params->path, err);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return 0;
}

bool pflash_image_write(int fd, const uint8_t *hva, uint64_t from, uint64_t to)
{
    while (from < to) {
        ssize_t n = pwrite(fd, hva + from, to - from, (off_t)from);

        if (n > 0)
            from += (uint64_t)n;
        else if (n == 0 || errno != EINTR)
            return false;
    }
    return true;
}

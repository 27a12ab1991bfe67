/*
 * backend/char/file.c - the guest's output into a file (a pipe or a device by its path, too).
 *
 * There is no input. A regular file takes all it is given, or fails for good (a full disk), and
 * then output is dropped.
 */
#include "backend/char/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/char/stream.h"

struct char_file {
    struct chardev chr;
    struct stream stream;
    char *path;
};

static struct char_file *to_file(struct chardev *chr)
{
    return container_of(chr, struct char_file, chr);
}

static size_t file_write(struct chardev *chr, const uint8_t *buf, size_t len)
{
    return stream_write(&to_file(chr)->stream, buf, len);
}

static void file_close(struct chardev *chr)
{
    struct char_file *file = to_file(chr);

    stream_fini(&file->stream);
    chardev_fini(chr);
    free(file->path);
    free(file);
}

static const struct chardev_ops file_ops = {
    .kind = "file",
    .write = file_write,
    .close = file_close,
};

int char_file_open(struct chardev **ret_chr, struct loop *loop, const char *path, struct error *err)
{
    /* O_NONBLOCK: opening a pipe with no reader fails instead of waiting for one. */
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
    struct char_file *file;

    if (fd < 0)
        return error_set(err, errno, "serial line 'file=%s': cannot open it for writing: %s", path,
                         errno == ENXIO ? "nobody reads from this pipe; start its reader first"
                                        : strerror(errno));
    file = calloc(1, sizeof(*file));
    if (file)
        file->path = strdup(path);
    if (!file || !file->path) {
        free(file);
        close(fd);
        return error_set(err, ENOMEM, "serial line 'file=%s': out of memory", path);
    }
    chardev_init(&file->chr, &file_ops, loop);
    stream_init(&file->stream, &file->chr, NULL, NULL);
    stream_attach(&file->stream, -1, fd, STREAM_NONBLOCK);
    file->chr.address = file->path;
    *ret_chr = &file->chr;
    return 0;
}

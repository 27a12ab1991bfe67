/* Raw images: what may be opened, the lock, every operation, and what goes wrong. */
#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend/block/block.h"

enum { IMAGE_SIZE = 1024 * 1024 };

struct bench {
    char dir[64], path[96];
    struct pool *pool;
    struct block *block;
    struct error err;
};

static void make_file(const char *path, off_t size)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    close(fd);
}

static void bench_init(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    strcpy(b->dir, "/tmp/vireo-raw-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->path, sizeof(b->path), "%s/disk.img", b->dir);
    assert_int_equal(pool_new(&b->pool, 2, "test", NULL), 0);
}

static void bench_fini(struct bench *b)
{
    block_close(b->block);
    pool_free(b->pool);
    unlink(b->path);
    rmdir(b->dir);
}

static int try_open(struct bench *b, const char *path, bool read_only, struct block **ret_block)
{
    struct block_options options = { .path = path, .read_only = read_only };

    memset(&b->err, 0, sizeof(b->err));
    return block_open(ret_block, b->pool, &options, &b->err);
}

static void open_image(struct bench *b)
{
    bench_init(b);
    make_file(b->path, IMAGE_SIZE);
    assert_int_equal(try_open(b, b->path, false, &b->block), 0);
}

/* Opening fails with this code and a sentence that has the path and these words. */
static void refused(struct bench *b, const char *path, bool read_only, int errnum,
                    const char *words)
{
    struct block *block = NULL;

    assert_int_equal(try_open(b, path, read_only, &block), -errnum);
    assert_null(block);
    assert_non_null(strstr(b->err.text, path));
    if (strstr(b->err.text, words) == NULL)
        fail_msg("'%s' does not say '%s'", b->err.text, words);
}

/* ---- a request, waited for ---- */

struct waiter {
    struct block_req req;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
    int result;
};

static void on_done(struct block_req *req, int result)
{
    struct waiter *w = container_of(req, struct waiter, req);

    pthread_mutex_lock(&w->lock);
    w->is_done = true;
    w->result = result;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}

static int request(struct block *block, enum block_op op, uint64_t offset, void *buf, uint64_t len,
                   unsigned flags)
{
    size_t half = (size_t)len / 3;
    struct iovec iov[2] = { { buf, half },
                            { buf != NULL ? (char *)buf + half : NULL, (size_t)len - half } };
    struct waiter w = { .req = { .op = op,
                                 .flags = flags,
                                 .offset = offset,
                                 .len = len,
                                 .iov = buf != NULL ? iov : NULL,
                                 .iov_count = buf != NULL ? 2 : 0,
                                 .done = on_done },
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .done = PTHREAD_COND_INITIALIZER };
    struct timespec limit;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 20;
    block_submit(block, &w.req);
    pthread_mutex_lock(&w.lock);
    while (!w.is_done)
        assert_int_equal(pthread_cond_timedwait(&w.done, &w.lock, &limit), 0);
    pthread_mutex_unlock(&w.lock);
    return w.result;
}

/* ---- opening ---- */

TEST(what_is_no_image_is_refused_with_a_sentence)
{
    struct bench b;
    char missing[128], fifo[128];

    bench_init(&b);
    snprintf(missing, sizeof(missing), "%s/nothing", b.dir);
    refused(&b, missing, false, ENOENT, "no such file");
    refused(&b, b.dir, false, EISDIR, "directory");
    refused(&b, b.dir, true, EISDIR, "directory");
    make_file(b.path, 1000);
    refused(&b, b.path, false, EINVAL, "1000 bytes");
    make_file(b.path, 0);
    refused(&b, b.path, false, EINVAL, "empty");
    snprintf(fifo, sizeof(fifo), "%s/fifo", b.dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    refused(&b, fifo, true, EINVAL, "neither");
    unlink(fifo);
    bench_fini(&b);
}

TEST(an_unknown_format_is_refused)
{
    struct bench b;
    struct block_options options = { .path = "x", .format = "vmdk" };

    bench_init(&b);
    assert_int_equal(block_open(&b.block, b.pool, &options, &b.err), -EINVAL);
    assert_non_null(strstr(b.err.text, "vmdk"));
    bench_fini(&b);
}

TEST(a_file_that_may_only_be_read_opens_read_only)
{
    struct bench b;
    uid_t me = geteuid();

    bench_init(&b);
    make_file(b.path, IMAGE_SIZE);
    if (me == 0) { /* who may write anything: be somebody else for a while */
        assert_int_equal(chmod(b.dir, 0755), 0);
        assert_int_equal(chmod(b.path, 0444), 0);
        assert_int_equal(seteuid(65534), 0);
    } else {
        assert_int_equal(chmod(b.path, 0400), 0);
    }
    refused(&b, b.path, false, EACCES, "readonly=on");
    assert_int_equal(try_open(&b, b.path, true, &b.block), 0);
    block_close(b.block);
    b.block = NULL;
    assert_int_equal(seteuid(me), 0);
    assert_int_equal(chmod(b.path, 0), 0);
    if (me == 0)
        assert_int_equal(seteuid(65534), 0);
    refused(&b, b.path, true, EACCES, "permissions");
    assert_int_equal(seteuid(me), 0);
    bench_fini(&b);
}

TEST(a_second_writer_is_kept_out_and_readers_share)
{
    struct bench b;
    struct block *first, *second;

    bench_init(&b);
    make_file(b.path, IMAGE_SIZE);
    assert_int_equal(try_open(&b, b.path, false, &first), 0);
    refused(&b, b.path, false, EBUSY, "in use by another program");
    refused(&b, b.path, true, EBUSY, "in use by another program");
    block_close(first);
    assert_int_equal(try_open(&b, b.path, true, &first), 0);
    assert_int_equal(try_open(&b, b.path, true, &second), 0);
    refused(&b, b.path, false, EBUSY, "in use by another program");
    block_close(second);
    block_close(first);
    bench_fini(&b);
}

/* ---- requests ---- */

TEST(what_is_written_is_read)
{
    struct bench b;
    uint8_t out[3 * 512], in[3 * 512];

    open_image(&b);
    assert_int_equal(b.block->size, IMAGE_SIZE);
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 7);
    assert_int_equal(request(b.block, BLOCK_WRITE, 4096 + 512, out, sizeof(out), 0), 0);
    assert_int_equal(request(b.block, BLOCK_FLUSH, 0, NULL, 0, 0), 0);
    assert_int_equal(request(b.block, BLOCK_READ, 4096 + 512, in, sizeof(in), 0), 0);
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(request(b.block, BLOCK_WRITE, IMAGE_SIZE - 512, out, 512, BLOCK_FUA), 0);
    assert_int_equal(request(b.block, BLOCK_READ, IMAGE_SIZE - 512, in, 512, 0), 0);
    assert_memory_equal(in, out, 512);
    bench_fini(&b);
}

TEST(requests_outside_the_image_are_refused_and_empty_ones_succeed)
{
    struct bench b;
    uint8_t buf[1024];

    open_image(&b);
    assert_int_equal(request(b.block, BLOCK_READ, IMAGE_SIZE, buf, 512, 0), -EINVAL);
    assert_int_equal(request(b.block, BLOCK_WRITE, IMAGE_SIZE - 512, buf, 1024, 0), -EINVAL);
    assert_int_equal(request(b.block, BLOCK_READ, UINT64_MAX - 511, buf, 512, 0), -EINVAL);
    assert_int_equal(request(b.block, BLOCK_DISCARD, 512, NULL, UINT64_MAX, 0), -EINVAL);
    assert_int_equal(request(b.block, BLOCK_READ, IMAGE_SIZE, buf, 0, 0), 0);
    bench_fini(&b);
}

TEST(a_read_only_image_takes_no_change)
{
    struct bench b;
    uint8_t buf[512] = { 1 };

    bench_init(&b);
    make_file(b.path, IMAGE_SIZE);
    assert_int_equal(try_open(&b, b.path, true, &b.block), 0);
    assert_true(b.block->read_only);
    assert_int_equal(request(b.block, BLOCK_WRITE, 0, buf, 512, 0), -EROFS);
    assert_int_equal(request(b.block, BLOCK_DISCARD, 0, NULL, 512, 0), -EROFS);
    assert_int_equal(request(b.block, BLOCK_WRITE_ZEROES, 0, NULL, 512, 0), -EROFS);
    assert_int_equal(request(b.block, BLOCK_READ, 0, buf, 512, 0), 0);
    assert_int_equal(buf[0], 0);
    assert_int_equal(request(b.block, BLOCK_FLUSH, 0, NULL, 0, 0), 0);
    bench_fini(&b);
}

TEST(discard_gives_storage_back_where_the_host_can)
{
    struct bench b;
    static uint8_t buf[IMAGE_SIZE];
    struct stat before, after;

    open_image(&b);
    memset(buf, 0xa5, sizeof(buf));
    assert_int_equal(request(b.block, BLOCK_WRITE, 0, buf, sizeof(buf), BLOCK_FUA), 0);
    assert_int_equal(stat(b.path, &before), 0);
    assert_int_equal(request(b.block, BLOCK_DISCARD, 0, NULL, IMAGE_SIZE / 2, 0), 0);
    assert_int_equal(stat(b.path, &after), 0);
    assert_int_equal(after.st_size, IMAGE_SIZE);
    assert_true(after.st_blocks <= before.st_blocks);
    assert_int_equal(request(b.block, BLOCK_READ, IMAGE_SIZE / 2, buf, 512, 0), 0);
    assert_int_equal(buf[0], 0xa5);
    bench_fini(&b);
}

TEST(write_zeroes_reads_back_zero_whatever_its_edges)
{
    static const struct {
        uint64_t offset, len;
        unsigned flags;
    } cases[] = { { 0, 512, 0 },
                  { 512, 7 * 512, BLOCK_MAY_UNMAP },
                  { 4096 * 3 + 512, 300 * 512, 0 },
                  { 4096 * 3 + 512, 300 * 512, BLOCK_MAY_UNMAP | BLOCK_FUA },
                  { IMAGE_SIZE - 1536, 1536, BLOCK_MAY_UNMAP } };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench b;
        static uint8_t buf[IMAGE_SIZE];

        open_image(&b);
        memset(buf, 0xa5, sizeof(buf));
        assert_int_equal(request(b.block, BLOCK_WRITE, 0, buf, sizeof(buf), 0), 0);
        assert_int_equal(request(b.block, BLOCK_WRITE_ZEROES, cases[i].offset, NULL, cases[i].len,
                                 cases[i].flags),
                         0);
        assert_int_equal(request(b.block, BLOCK_READ, 0, buf, sizeof(buf), 0), 0);
        for (uint64_t at = 0; at < sizeof(buf); at++) {
            bool zero = at >= cases[i].offset && at - cases[i].offset < cases[i].len;

            if (buf[at] != (zero ? 0 : 0xa5))
                fail_msg("case %zu: byte %llu is 0x%x", i, (unsigned long long)at, buf[at]);
        }
        bench_fini(&b);
    }
}

TEST(an_image_cut_short_behind_our_back_is_an_io_error)
{
    struct bench b;
    uint8_t buf[1024];

    open_image(&b);
    assert_int_equal(truncate(b.path, 4096 + 512), 0);
    assert_int_equal(request(b.block, BLOCK_READ, 4096, buf, 512, 0), 0);
    assert_int_equal(request(b.block, BLOCK_READ, 4096, buf, 1024, 0), -EIO);
    assert_int_equal(request(b.block, BLOCK_READ, 8192, buf, 512, 0), -EIO);
    bench_fini(&b);
}

/* A loop device over the file, where we may have one; -1 else. */
static int loop_attach(const char *path, char *ret_name, size_t size)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), image, loop = -1, number;

    if (control < 0)
        return -1;
    image = open(path, O_RDWR | O_CLOEXEC);
    for (int tries = 0; tries < 10 && loop < 0; tries++) { /* others may be faster */
        number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0)
            break;
        snprintf(ret_name, size, "/dev/loop%d", number);
        loop = open(ret_name, O_RDWR | O_CLOEXEC);
        if (loop >= 0 && ioctl(loop, LOOP_SET_FD, image) != 0) {
            close(loop);
            loop = -1;
        }
    }
    close(image);
    close(control);
    return loop;
}

TEST(a_block_device_is_a_disk_too)
{
    struct bench b;
    char name[32];
    uint8_t out[4096], in[4096];
    int loop;

    bench_init(&b);
    make_file(b.path, IMAGE_SIZE);
    loop = loop_attach(b.path, name, sizeof(name));
    if (loop < 0) {
        bench_fini(&b);
        skip(); /* needs root and the loop driver */
    }
    assert_int_equal(try_open(&b, name, false, &b.block), 0);
    assert_int_equal(b.block->size, IMAGE_SIZE);
    assert_int_equal(b.block->logical_size, 512);
    refused(&b, name, false, EBUSY, "in use");
    memset(out, 0x3c, sizeof(out));
    assert_int_equal(request(b.block, BLOCK_WRITE, 8192, out, sizeof(out), BLOCK_FUA), 0);
    assert_int_equal(request(b.block, BLOCK_READ, 8192, in, sizeof(in), 0), 0);
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(request(b.block, BLOCK_WRITE_ZEROES, 8192 + 512, NULL, 1024, 0), 0);
    assert_int_equal(request(b.block, BLOCK_READ, 8192, in, sizeof(in), 0), 0);
    memset(out + 512, 0, 1024);
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(request(b.block, BLOCK_DISCARD, 0, NULL, IMAGE_SIZE, 0), 0);
    assert_int_equal(request(b.block, BLOCK_FLUSH, 0, NULL, 0, 0), 0);
    block_close(b.block);
    b.block = NULL;
    ioctl(loop, LOOP_CLR_FD, 0);
    close(loop);
    bench_fini(&b);
}

/*
 * machine/tests/test_errors.c - machines that cannot be: each says why, and leaves nothing behind.
 *
 * "Nothing" is counted: descriptors and threads of this process before and after.
 */
#include "tests/unit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine/tests/machine_fixture.h"

static unsigned entries(const char *path)
{
    DIR *dir = opendir(path);
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

/* A thread that was joined may be in /proc a moment longer. */
static bool threads_end(unsigned wanted)
{
    uint64_t limit = clock_now_ns(&clock_host) + 10 * UINT64_C(1000000000);

    while (entries("/proc/self/task") > wanted) {
        if (clock_now_ns(&clock_host) > limit)
            return false;
        sched_yield();
    }
    return true;
}

/* The program fills a sector, so that it passes for a disk too. */
static void begin(struct bench *b)
{
    struct code program = { .count = 0 };

    code_finish(&program, 0x5555);
    program.count = 128;
    bench_init(b);
    bench_program(b, &program);
}

/* What libraries keep for the life of the process is there before anything is counted. */
static void warm_up(void)
{
    static bool warm;
    struct bench b;

    if (warm)
        return;
    begin(&b);
    bench_run(&b, MACHINE_POWERED_OFF);
    bench_free(&b);
    warm = true;
}

/* Makes and starts it; one of the two must fail, with `says` in the sentence. */
static void expect_failure(struct bench *b, int code, const char *says)
{
    unsigned descriptors, threads;
    struct error err = { .text = "" };
    int rc;

    warm_up();
    descriptors = entries("/proc/self/fd");
    threads = entries("/proc/self/task");
    assert_int_equal(loop_new(&b->loop, &clock_host, NULL), 0);
    rc = machine_new(&b->machine, &b->config, b->loop, &b->host, &err);
    if (rc == 0)
        rc = machine_start(b->machine, &err);
    if (rc != code || strstr(err.text, says) == NULL)
        fail_msg("%d '%s', not %d and '%s'", rc, err.text, code, says);
    bench_free(b);
    assert_int_equal(entries("/proc/self/fd"), descriptors);
    assert_true(threads_end(threads));
    assert_false(b->ended);
}

TEST(nothing_to_run)
{
    struct bench b;

    bench_init(&b);
    expect_failure(&b, -EINVAL, "nothing to run: give a kernel (--kernel)");
}

TEST(no_such_board)
{
    struct bench b;

    begin(&b);
    b.config.machine = "toaster";
    expect_failure(&b, -EINVAL, "no machine is called 'toaster'");
}

TEST(no_such_accelerator)
{
    struct bench b;

    begin(&b);
    b.config.accel = "warp";
    expect_failure(&b, -ENOENT, "'warp'; choose from: ");
}

TEST(files_that_are_missing)
{
    struct bench b;

    begin(&b);
    b.config.kernel = "/nowhere/vmlinux";
    expect_failure(&b, -ENOENT, "--kernel: cannot open '/nowhere/vmlinux'");
    begin(&b);
    b.config.initrd = "/nowhere/initrd";
    expect_failure(&b, -ENOENT, "--initrd: cannot open '/nowhere/initrd'");
    begin(&b);
    b.config.dtb = "/nowhere/dtb";
    expect_failure(&b, -ENOENT, "--dtb: cannot open '/nowhere/dtb'");
    begin(&b);
    b.config.bios = "/nowhere/bios";
    expect_failure(&b, -ENOENT, "--bios: cannot open '/nowhere/bios'");
    begin(&b);
    b.config.disk[b.config.disks++].path = "/nowhere/disk";
    expect_failure(&b, -ENOENT, "--disk: disk /nowhere/disk: no such file");
    begin(&b);
    b.config.flash[b.config.flashes++].path = "/nowhere/flash";
    expect_failure(&b, -ENOENT, "--flash: ");
}

TEST(files_of_another_kind)
{
    struct bench b;

    begin(&b);
    b.config.kernel_at = 0; /* then it has to be a kernel */
    expect_failure(&b, -ENOEXEC, "is no kernel Vireo knows");
    begin(&b);
    b.config.dtb = b.path;
    expect_failure(&b, -EINVAL, "is not a device tree blob");
    begin(&b);
    b.config.disk[b.config.disks++].path = "/tmp";
    expect_failure(&b, -EISDIR, "--disk: ");
}

TEST(more_memory_than_the_host_has)
{
    struct bench b;

    begin(&b);
    b.config.memory = UINT64_C(1) << 45;
    expect_failure(&b, -ENOMEM, "ask for less (--memory)");
}

TEST(a_kernel_outside_of_ram)
{
    struct bench b;

    begin(&b);
    b.config.kernel_at = 0x10000000;
    expect_failure(&b, -ENOMEM, "choose another address, or give");
    begin(&b);
    b.config.kernel_at = CODE_AT + b.config.memory - 4;
    expect_failure(&b, -ENOMEM, "choose another address, or give");
    begin(&b);
    b.config.kernel_at = UINT64_MAX - 3;
    expect_failure(&b, -ENOMEM, "choose another address, or give");
}

TEST(firmware_and_kernel_in_one_place)
{
    struct bench b;

    begin(&b);
    b.config.bios = b.path;
    expect_failure(&b, -EINVAL, "would overlap in guest memory");
}

TEST(an_initrd_that_does_not_fit)
{
    char path[] = "/tmp/vireo-initrd-XXXXXX";
    int fd = mkstemp(path);
    struct bench b;

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)MIB(64)), 0);
    close(fd);
    begin(&b);
    b.config.initrd = path;
    expect_failure(&b, -ENOMEM, "--initrd: the initrd of 65536 KiB does not fit");
    unlink(path);
}

TEST(a_disk_in_use)
{
    char path[] = "/tmp/vireo-disk-XXXXXX";
    int fd = mkstemp(path);
    struct bench b;

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)MIB(1)), 0);
    close(fd);
    begin(&b);
    b.config.disk[0].path = path;
    b.config.disk[1].path = path;
    b.config.disks = 2;
    expect_failure(&b, -EBUSY, "is in use");
    unlink(path);
}

TEST(a_port_in_use)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr = { htonl(INADDR_LOOPBACK) },
    };
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char forward[64];
    struct bench b;

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(forward, sizeof(forward), "tcp:127.0.0.1:%d-:22", ntohs(address.sin_port));
    begin(&b);
    b.config.nets = 1;
    b.config.net[0].forward[0] = forward;
    b.config.net[0].forwards = 1;
    expect_failure(&b, -EADDRINUSE, "is in use by another program; choose another port");
    close(fd);
}

TEST(more_devices_than_slots)
{
    struct bench b;

    begin(&b);
    b.config.nets = CONFIG_MAX_NETS;
    b.config.rng = true;
    b.config.console = "null";
    for (unsigned i = 0; i < 3; i++) {
        b.config.disk[i].path = b.path;
        b.config.disk[i].readonly = true;
    }
    b.config.disks = 3;
    expect_failure(&b, -ENOSPC, "8 slots for virtio devices; take some");
}

TEST(lines_that_cannot_be)
{
    struct bench b;

    begin(&b);
    b.config.serial = "file=/nowhere/log";
    expect_failure(&b, -ENOENT, "--serial: ");
    begin(&b);
    b.config.console = "unix=/nowhere/socket";
    expect_failure(&b, -ENOENT, "--console: ");
    begin(&b);
    b.config.console = "carrier pigeon";
    expect_failure(&b, -EINVAL, "--console: ");
}

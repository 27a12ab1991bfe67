/*
 * dbt/back/x86_64/code_memory.c - memory for compiled code.
 *
 * One anonymous file (memfd), mapped twice: readable and writable, readable and executable. The
 * two views are of the same physical pages, so what is written through one is fetched through the
 * other; x86 keeps instruction fetch coherent with stores to the same physical address (SDM volume
 * 3, 11.6). Pages are given by the host when first written, so a large arena costs nothing.
 */
#include "dbt/back/x86_64/code_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Since Linux 6.3: whether the file may be mapped executable is said at its creation, and a host
 * may be set (vm.memfd_noexec) to refuse files that do not say. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static int open_memfd(void)
{
    int fd = memfd_create("vireo-code", MFD_CLOEXEC | MFD_EXEC);

    if (fd < 0 && errno == EINVAL) /* an older kernel */
        fd = memfd_create("vireo-code", MFD_CLOEXEC);
    return fd;
}

int code_memory_new(struct code_memory *ret_memory, size_t size, struct error *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), max = (size_t)1 << 31;
    struct code_memory memory;
    int rc;

    if (size == 0 || size > max)
        return error_set(err, EINVAL,
                         "cannot make %zu bytes of memory for compiled code: the size must be "
                         "between 1 byte and 2 GiB",
                         size);
    memory.size = (size + page - 1) & ~(page - 1);
    memory.fd = open_memfd();
    if (memory.fd < 0)
        return error_set(err, errno,
                         "cannot make memory for compiled code: the host refuses memfd_create: "
                         "%s; --accel interp runs without it",
                         strerror(errno));
    if (ftruncate(memory.fd, (off_t)memory.size) < 0) {
        rc = error_set(err, errno, "cannot make %zu bytes of memory for compiled code: %s",
                       memory.size, strerror(errno));
        goto close_fd;
    }
    memory.write = mmap(NULL, memory.size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd, 0);
    if (memory.write == MAP_FAILED) {
        rc = error_set(err, errno, "cannot map %zu bytes of memory for compiled code: %s",
                       memory.size, strerror(errno));
        goto close_fd;
    }
    memory.exec = mmap(NULL, memory.size, PROT_READ | PROT_EXEC, MAP_SHARED, memory.fd, 0);
    if (memory.exec == MAP_FAILED) {
        rc = error_set(err, errno,
                       "cannot map memory for compiled code as executable: %s; the host (SELinux, "
                       "a seccomp filter, a noexec policy) may forbid it to this process; "
                       "--accel interp runs without it",
                       strerror(errno));
        goto unmap_write;
    }
    *ret_memory = memory;
    return 0;

unmap_write:
    munmap(memory.write, memory.size);
close_fd:
    close(memory.fd);
    return rc;
}

void code_memory_free(struct code_memory *memory)
{
    if (!memory || !memory->size)
        return;
    munmap(memory->exec, memory->size);
    munmap(memory->write, memory->size);
    close(memory->fd);
    *memory = (struct code_memory){ .fd = -1 };
}

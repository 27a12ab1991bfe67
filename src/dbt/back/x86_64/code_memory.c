/*
 * dbt/back/x86_64/code_memory.c - memory for compiled code.
 *
 * Shared memory mapped twice: readable and writable, readable and executable. The two views are of
 * the same physical pages, so what is written through one is fetched through the other; x86 keeps
 * instruction fetch coherent with stores to the same physical address (SDM volume 3, 11.6). Pages
 * are given by the host when first written, so a large arena costs nothing.
 *
 * The memory is an anonymous file (memfd). Where the host refuses that, it is shared memory without
 * a file, whose second view comes from mremap() with an old size of 0 (mremap(2)). There the
 * executable view comes first, for a host may forbid a mapping to become executable later.
 *
 * Compiled code is spread thinly: a booting kernel runs through megabytes of it, most of it seldom,
 * and with small pages each is a walk of the page tables, on a virtual host of two tables. Hosts
 * give files of memory no huge pages by themselves (shmem_enabled is `never`), but they do for the
 * asking (MADV_COLLAPSE, since Linux 6.1), once something is there.
 */
#include "dbt/back/x86_64/code_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/reserve.h"

/* Since Linux 6.3: whether the file may be mapped executable is said at its creation, and a host
 * may be set (vm.memfd_noexec) to refuse files that do not say. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static int round_size(size_t *size, struct error *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (*size == 0 || *size > CODE_MAX_BYTES)
        return error_set(err, EINVAL,
                         "cannot make %zu bytes of memory for compiled code: the size must be "
                         "between 1 byte and 1 GiB",
                         *size);
    *size = (*size + page - 1) & ~(page - 1);
    return 0;
}

static int no_map(struct error *err, size_t size)
{
    return error_set(err, errno, "cannot map %zu bytes of memory for compiled code: %s", size,
                     strerror(errno));
}

static int no_exec(struct error *err)
{
    return error_set(err, errno,
                     "cannot map memory for compiled code as executable: %s; the host (SELinux, a "
                     "seccomp filter, a noexec policy) may forbid it to this process; --accel "
                     "interp runs without it",
                     strerror(errno));
}

static int open_memfd(void)
{
    int fd = memfd_create("vireo-code", MFD_CLOEXEC | MFD_EXEC);

    if (fd < 0 && errno == EINVAL) /* an older kernel */
        fd = memfd_create("vireo-code", MFD_CLOEXEC);
    return fd;
}

/* Maps what `flags` and `fd` say, in a place of its own; MAP_FAILED. */
static uint8_t *map_aligned(size_t size, int protection, int flags, int fd)
{
    uint8_t *at = reserve_aligned(size, HUGE_PAGE_BYTES), *map;

    if (at == NULL)
        return MAP_FAILED;
    map = mmap(at, size, protection, flags | MAP_FIXED, fd, 0);
    if (map == MAP_FAILED)
        munmap(at, size);
    return map;
}

int code_memory_new(struct code_memory *ret_memory, size_t size, struct error *err)
{
    struct code_memory memory = { 0 };
    int rc = round_size(&size, err);

    if (rc < 0)
        return rc;
    memory.size = size;
    memory.fd = open_memfd();
    if (memory.fd < 0)
        return code_memory_new_anonymous(ret_memory, size, err);
    if (ftruncate(memory.fd, (off_t)size) < 0) {
        rc = no_map(err, size);
        goto close_fd;
    }
    memory.write = map_aligned(size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd);
    if (memory.write == MAP_FAILED) {
        rc = no_map(err, size);
        goto close_fd;
    }
    memory.exec = map_aligned(size, PROT_READ | PROT_EXEC, MAP_SHARED, memory.fd);
    if (memory.exec == MAP_FAILED) {
        rc = no_exec(err);
        goto unmap_write;
    }
    *ret_memory = memory;
    return 0;

unmap_write:
    munmap(memory.write, size);
close_fd:
    close(memory.fd);
    return rc;
}

int code_memory_new_anonymous(struct code_memory *ret_memory, size_t size, struct error *err)
{
    struct code_memory memory = { .fd = -1 };
    int rc = round_size(&size, err);

    if (rc < 0)
        return rc;
    memory.size = size;
    memory.exec = map_aligned(size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1);
    if (memory.exec == MAP_FAILED)
        return no_exec(err);
    memory.write = reserve_aligned(size, HUGE_PAGE_BYTES);
    if (memory.write == NULL) {
        rc = no_map(err, size);
        goto unmap_exec;
    }
    if (mremap(memory.exec, 0, size, MREMAP_MAYMOVE | MREMAP_FIXED, memory.write) == MAP_FAILED) {
        rc = no_map(err, size);
        goto unmap_write;
    }
    if (mprotect(memory.write, size, PROT_READ | PROT_WRITE) < 0) {
        rc = no_map(err, size);
        goto unmap_write;
    }
    *ret_memory = memory;
    return 0;

unmap_write:
    munmap(memory.write, size);
unmap_exec:
    munmap(memory.exec, size);
    return rc;
}

void code_memory_free(struct code_memory *memory)
{
    if (!memory || !memory->size)
        return;
    munmap(memory->exec, memory->size);
    munmap(memory->write, memory->size);
    if (memory->fd >= 0)
        close(memory->fd);
    *memory = (struct code_memory){ .fd = -1 };
}

void code_memory_written(struct code_memory *memory, const uint8_t *written)
{
    size_t page = (size_t)(written - memory->write) / HUGE_PAGE_BYTES;
    size_t offset = page * HUGE_PAGE_BYTES;
    uint64_t bit = UINT64_C(1) << page % 64;

    if ((memory->asked[page / 64] & bit) != 0)
        return;
    memory->asked[page / 64] |= bit;
    if (memory->size - offset < HUGE_PAGE_BYTES)
        return;
    if (madvise(memory->write + offset, HUGE_PAGE_BYTES, MADV_COLLAPSE) == 0)
        (void)madvise(memory->exec + offset, HUGE_PAGE_BYTES, MADV_COLLAPSE);
}

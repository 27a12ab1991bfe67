/* dbt/back/x86_64/code_memory: two views of one memory, and hosts that refuse */
#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dbt/back/x86_64/code_memory.h"

typedef int new_memory(struct code_memory *ret_memory, size_t size, struct error *err);
static new_memory *const ways[] = { code_memory_new, code_memory_new_anonymous };
#define EACH_WAY(way) for (unsigned way = 0; way < 2; way++)

/* "rwxp" of the mapping that holds an address, as the host tells it. */
static void permissions(const uint8_t *at, char ret[5])
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    bool found = false;

    assert_non_null(maps);
    while (!found && fgets(line, sizeof(line), maps)) {
        char *rest;
        uintptr_t from = strtoul(line, &rest, 16), to = strtoul(rest + 1, &rest, 16);

        assert_int_equal(*rest, ' ');
        memcpy(ret, rest + 1, 4);
        ret[4] = 0;
        found = (uintptr_t)at >= from && (uintptr_t)at < to;
    }
    fclose(maps);
    assert_true(found);
}

TEST(no_page_is_both_writable_and_executable)
{
    struct code_memory memory;
    char perm[5];

    EACH_WAY(way)
    {
        assert_int_equal(ways[way](&memory, 1 << 20, NULL), 0);
        permissions(memory.write, perm);
        assert_string_equal(perm, "rw-s");
        permissions(memory.exec, perm);
        assert_string_equal(perm, "r-xs");
        code_memory_free(&memory);
    }
}

TEST(what_is_written_is_run_at_once)
{
    struct code_memory memory;
    int (*answer)(void);

    EACH_WAY(way)
    {
        assert_int_equal(ways[way](&memory, 4096, NULL), 0);
        assert_ptr_equal(code_exec(&memory, memory.write + 17), memory.exec + 17);
        answer = (int (*)(void))(void *)memory.exec;
        for (uint8_t n = 0; n < 100; n++) {
            const uint8_t code[] = { 0xb8, n, 0, 0, 0, 0xc3 }; /* mov eax, n; ret */

            memcpy(memory.write, code, sizeof(code));
            assert_int_equal(answer(), n);
        }
        code_memory_free(&memory);
    }
}

TEST(sizes_are_rounded_to_pages_and_bounded)
{
    struct code_memory memory = { .fd = -1 };
    struct error err;

    EACH_WAY(way)
    {
        assert_int_equal(ways[way](&memory, 1, NULL), 0);
        assert_int_equal(memory.size, 4096);
        memory.write[4095] = 1;
        assert_int_equal(memory.exec[4095], 1);
        code_memory_free(&memory);
        assert_int_equal(ways[way](&memory, 0, &err), -EINVAL);
        assert_int_equal(ways[way](&memory, (size_t)CODE_MAX_BYTES + 1, &err), -EINVAL);
        assert_int_equal(ways[way](&memory, SIZE_MAX, &err), -EINVAL);
        assert_non_null(strstr(err.text, "1 GiB"));
    }
}

/* Whether the host has a huge page to give or not: what was written is there, in both views, and
 * what runs goes on. The last 2 MiB are not whole. */
TEST(a_huge_page_holds_what_the_small_ones_held)
{
    const size_t size = 2 * HUGE_PAGE_BYTES + 8192;
    struct code_memory memory;

    EACH_WAY(way)
    {
        assert_int_equal(ways[way](&memory, size, NULL), 0);
        assert_int_equal((uintptr_t)memory.write % HUGE_PAGE_BYTES, 0);
        assert_int_equal((uintptr_t)memory.exec % HUGE_PAGE_BYTES, 0);
        for (size_t at = 0; at < size; at += 4096) {
            uint8_t *code = memory.write + at;

            memcpy(code, (const uint8_t[]){ 0xb8, (uint8_t)(at >> 12), 0, 0, 0, 0xc3 }, 6);
            code_memory_written(&memory, code);
            for (size_t old = at & ~(size_t)0xffff; old <= at; old += 4096) {
                int (*answer)(void) = (int (*)(void))(void *)(memory.exec + old);

                assert_int_equal(answer(), (uint8_t)(old >> 12));
            }
        }
        code_memory_free(&memory);
    }
}

TEST(nothing_is_left_behind)
{
    struct code_memory memory;
    struct code_memory none = { 0 };
    int fd;

    assert_int_equal(code_memory_new(&memory, 4096, NULL), 0);
    fd = memory.fd;
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    code_memory_free(&memory);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    code_memory_free(&memory); /* again */
    code_memory_free(&none);
    code_memory_free(NULL);
}

/* In a child that the host restricts, making memory must fail with errnum and a
 * sentence that has `words`. */
static void fails_in_child(void (*restrict_me)(void), new_memory *make, int errnum,
                           const char *words)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        struct code_memory memory;
        struct error err = { 0 };
        int before, rc;

        restrict_me();
        before = dup(0);
        close(before);
        rc = make(&memory, 4096, &err);
        if (rc != -errnum || !strstr(err.text, words) || !strstr(err.text, "interp")) {
            dprintf(2, "got %d: %s\n", rc, err.text);
            _exit(1);
        }
        _exit(dup(0) == before ? 0 : 2); /* 2: a descriptor was left open */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The kernel answers EPERM to one system call, if bits of one argument are set. */
static void forbid(unsigned nr, unsigned argument, unsigned bits)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 (unsigned)offsetof(struct seccomp_data, args) + 8 * argument),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &program))
        _exit(3);
}

static void forbid_executable(void)
{
    forbid(SYS_mmap, 2, PROT_EXEC);
}

TEST(a_host_that_forbids_executable_memory_is_named)
{
    fails_in_child(forbid_executable, code_memory_new, EPERM, "executable");
    fails_in_child(forbid_executable, code_memory_new_anonymous, EPERM, "executable");
}

TEST(a_host_that_forbids_memfd_gives_anonymous_memory)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        struct code_memory memory;

        forbid(SYS_memfd_create, 1, MFD_CLOEXEC);
        if (code_memory_new(&memory, 4096, NULL) < 0 || memory.fd != -1)
            _exit(1);
        memory.write[0] = 0xc3; /* ret */
        ((void (*)(void))(void *)memory.exec)();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* fork, exec of this very program, exit and wait, one after another. */
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n, i, sum = 0;
    double t;

    if (argc > 2) /* the child */
        _exit(atoi(argv[2]) & 63);
    n = bench_scaled(argc, argv, 300);
    t = bench_now();
    for (i = 0; i < n; i++) {
        char code[16];
        int status;
        pid_t pid;

        snprintf(code, sizeof(code), "%d", (int)(i & 63));
        pid = fork();
        if (pid == 0) {
            execl("/proc/self/exe", argv[0], "0", code, (char *)NULL);
            _exit(127);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
            return bench_fail("forkexec", "fork");
        if (!WIFEXITED(status) || WEXITSTATUS(status) != (int)(i & 63))
            return bench_fail("forkexec", "child");
        sum = sum * 31 + (uint64_t)WEXITSTATUS(status);
    }
    return bench_report("forkexec", t, sum);
}

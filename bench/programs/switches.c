/* Two processes on one processor hand a byte back and forth through pipes. */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n = bench_scaled(argc, argv, 40e3), i, sum = 0;
    unsigned char byte = 0;
    int there[2], back[2];
    cpu_set_t one;
    pid_t pid;
    double t;

    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof(one), &one); /* where it fails, both may run: still a result */
    if (pipe(there) || pipe(back))
        return bench_fail("switches", "pipe");
    pid = fork();
    if (pid < 0)
        return bench_fail("switches", "fork");
    if (pid == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1) {
            byte = (unsigned char)(byte * 5 + 1);
            if (write(back[1], &byte, 1) != 1)
                break;
        }
        _exit(0);
    }
    t = bench_now();
    for (i = 0; i < n; i++) {
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            return bench_fail("switches", "pipe");
        sum += byte;
    }
    bench_report("switches", t, sum);
    close(there[1]);
    waitpid(pid, NULL, 0);
    return 0;
}

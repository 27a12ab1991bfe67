/*
 * tests/conformance/riscv_tests.c - runs the public riscv-tests: bare-metal ELF files that report
 * through the word at their symbol `tohost` (1: passed; n << 1 | 1: case n failed).
 *
 *     riscv_tests FOLDER_OR_FILE... [--accel NAME] [--seconds N]
 *
 * Each runs on a `virt` machine of its own in M mode, with a register laid over the word, so that
 * a write to it is an event and not something to poll for. Names may be left out by --skip PREFIX.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "event/loop.h"
#include "machine/load.h"
#include "machine/machine.h"

enum { MAX_SKIP = 32 };

struct runner {
    const char *accel;
    uint64_t seconds;
    const char *skip[MAX_SKIP];
    unsigned skips, passed, failed, skipped;
};

struct trial {
    struct loop *loop;
    struct mem_region region;
    struct loop_timer timer;
    struct loop_work done;
    _Atomic uint64_t tohost;
    bool late;
};

static enum mem_result tohost_read(struct mem_region *region, gpa_t off, unsigned size,
                                   uint64_t *val)
{
    (void)region;
    (void)off;
    (void)size;
    *val = 0;
    return MEM_OK;
}

static enum mem_result tohost_write(struct mem_region *region, gpa_t off, unsigned size,
                                    uint64_t val)
{
    struct trial *trial = container_of(region, struct trial, region);

    (void)size;
    if (off == 0 && val != 0 && atomic_exchange(&trial->tohost, val) == 0)
        loop_work_post(&trial->done);
    return MEM_OK;
}

static const struct mem_region_ops tohost_ops = {
    .read = tohost_read,
    .write = tohost_write,
    .min_size = 4,
    .max_size = 8,
};

static void stop(struct loop_work *work)
{
    loop_stop(container_of(work, struct trial, done)->loop);
}

static void too_late(struct loop_timer *timer)
{
    struct trial *trial = container_of(timer, struct trial, timer);

    trial->late = true;
    loop_stop(trial->loop);
}

static void ended(void *opaque, enum machine_end how, unsigned code)
{
    (void)how;
    (void)code;
    loop_stop(((struct trial *)opaque)->loop);
}

static int find_tohost(const char *path, uint64_t *ret_gpa, struct error *err)
{
    struct load_file *file;
    int rc = load_file_open(&file, path, err);

    if (rc < 0)
        return rc;
    rc = load_elf_symbol(file, "tohost", ret_gpa, err);
    load_file_free(file);
    return rc;
}

static int run_machine(struct trial *trial, const struct runner *runner, const char *path,
                       struct error *err)
{
    struct machine_config config = {
        .machine = "virt",
        .accel = runner->accel,
        .cpus = 1,
        .memory = MIB(64),
        .bios = path,
        .serial = "null",
    };
    struct machine_host host = { .ended = ended, .opaque = trial };
    struct machine *machine;
    uint64_t gpa;
    int rc = find_tohost(path, &gpa, err);

    if (rc < 0)
        return rc;
    isa_config_default(&config.isa);
    rc = machine_new(&machine, &config, trial->loop, &host, err);
    if (rc < 0)
        return rc;
    mem_region_init_mmio(&trial->region, "tohost", 8, &tohost_ops, NULL);
    machine_pause(machine); /* so that the register comes over what was loaded, before any hart */
    rc = machine_start(machine, err);
    if (rc == 0) {
        mem_region_add(&machine->root, gpa, &trial->region, 1);
        machine_resume(machine);
        loop_timer_arm(&trial->timer,
                       clock_now_ns(loop_clock(trial->loop)) + runner->seconds * 1000000000);
        rc = loop_run(trial->loop, err);
    }
    loop_timer_disarm(&trial->timer);
    loop_work_cancel(&trial->done);
    mem_region_del(&trial->region);
    machine_free(machine);
    return rc;
}

static void run_file(struct runner *runner, const char *path, const char *name)
{
    struct trial trial = { .tohost = 0 };
    struct error err = { 0 };
    uint64_t tohost;
    int rc = loop_new(&trial.loop, &clock_host, &err);

    if (rc == 0) {
        loop_timer_init(&trial.timer, trial.loop, too_late);
        loop_work_init(&trial.done, trial.loop, stop);
        rc = run_machine(&trial, runner, path, &err);
        loop_free(trial.loop);
    }
    tohost = atomic_load(&trial.tohost);
    if (rc == 0 && tohost == 1) {
        runner->passed++;
        return;
    }
    runner->failed++;
    if (rc < 0)
        printf("FAILED %s: %s\n", name, err.text);
    else if (trial.late)
        printf("FAILED %s: no result after %" PRIu64 " s\n", name, runner->seconds);
    else
        printf("FAILED %s: case %" PRIu64 "\n", name, tohost >> 1);
}

static bool left_out(const struct runner *runner, const char *name)
{
    for (unsigned i = 0; i < runner->skips; i++)
        if (strncmp(name, runner->skip[i], strlen(runner->skip[i])) == 0)
            return true;
    return false;
}

static int is_elf_name(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return entry->d_name[0] != '.' && strncmp(entry->d_name, "rv", 2) == 0 &&
           (dot == NULL || strcmp(dot, ".elf") == 0);
}

static void run_path(struct runner *runner, const char *path)
{
    struct dirent **names;
    int count = scandir(path, &names, is_elf_name, alphasort);

    if (count < 0) {
        run_file(runner, path, path);
        return;
    }
    for (int i = 0; i < count; i++) {
        char file[4096];

        snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
        if (left_out(runner, names[i]->d_name))
            runner->skipped++;
        else
            run_file(runner, file, names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv)
{
    struct runner runner = { .seconds = 60 };

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--accel") == 0 && i + 1 < argc)
            runner.accel = argv[++i];
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            runner.seconds = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--skip") == 0 && i + 1 < argc && runner.skips < MAX_SKIP)
            runner.skip[runner.skips++] = argv[++i];
        else
            run_path(&runner, argv[i]);
    }
    printf("%u passed, %u failed\n", runner.passed, runner.failed);
    if (runner.skipped != 0)
        printf("%u left out\n", runner.skipped);
    return runner.failed == 0 && runner.passed > 0 ? 0 : 1;
}

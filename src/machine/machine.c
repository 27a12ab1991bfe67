/*
 * machine/machine.c - the life of a machine, whatever board it is.
 *
 * Ends and resets are asked for on vCPU threads, often from inside a device's register write, and
 * done on the loop's thread with all harts parked: so nothing is torn down under anyone's feet.
 */
#include "machine/machine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IO_THREADS = 4, CACHE_BYTES = 24 << 20 };

static void end(struct machine *machine, enum machine_end how, unsigned code)
{
    if (machine->ended)
        return;
    machine->ended = true;
    machine_pause(machine);
    machine->host.ended(machine->host.opaque, how, code);
}

static void end_work(struct loop_work *work)
{
    struct machine *machine = container_of(work, struct machine, end_work);
    uint32_t wanted = atomic_load(&machine->end_wanted);

    end(machine, (enum machine_end)((wanted & 0xff) - 1), wanted >> 8);
}

static int reset_and_load(struct machine *machine, struct error *err)
{
    for (unsigned i = 0; i < machine->config.cpus; i++)
        hart_reset(&machine->vcpu[i]->hart, 0);
    machine->board_ops->reset(machine->board);
    return machine->board_ops->load(machine->board, err);
}

static void reset_work(struct loop_work *work)
{
    struct machine *machine = container_of(work, struct machine, reset_work);

    if (machine->ended)
        return;
    if (machine->config.no_reboot) {
        end(machine, MACHINE_RESET, 0);
        return;
    }
    machine_pause(machine);
    loop_work_cancel(&machine->reset_work); /* another hart's request: this reset answers it */
    if (reset_and_load(machine, &machine->error) < 0)
        end(machine, MACHINE_HOST_ERROR, 0);
    machine_resume(machine);
}

void machine_request_end(struct machine *machine, enum machine_end how, unsigned code)
{
    uint32_t none = 0, wanted = (uint32_t)how + 1 + ((uint32_t)code << 8);

    if (atomic_compare_exchange_strong(&machine->end_wanted, &none, wanted))
        loop_work_post(&machine->end_work);
}

void machine_request_reset(struct machine *machine)
{
    loop_work_post(&machine->reset_work);
}

/* ---- making ---- */

static int choose_board(struct machine *machine, struct error *err)
{
    for (unsigned i = 0; board_table[i] != NULL; i++)
        if (strcmp(board_table[i]->name, machine->config.machine) == 0) {
            machine->board_ops = board_table[i];
            return 0;
        }
    return error_set(err, EINVAL, "no machine is called '%s'; choose 'virt'",
                     machine->config.machine);
}

/* The keys of a person's terminal are the user's; what comes over a socket is all the guest's. */
static int open_line(struct machine *machine, struct chardev **ret_chr, const char *spec,
                     const char *option, struct error *err)
{
    struct chardev_escape *escape = strcmp(spec, "stdio") == 0 ? machine->host.escape : NULL;
    int rc = chardev_open(ret_chr, machine->loop, spec, escape, err);

    return rc < 0 ? error_prefix(err, rc, "%s", option) : 0;
}

static int make_chardevs(struct machine *machine, struct error *err)
{
    const struct machine_config *config = &machine->config;
    int rc = 0;

    if (config->serial != NULL)
        rc = open_line(machine, &machine->serial, config->serial, "--serial", err);
    if (rc == 0 && config->console != NULL)
        rc = open_line(machine, &machine->console, config->console, "--console", err);
    return rc;
}

/* On a hart's thread. */
static void accel_failed(void *opaque, const char *sentence, const char *report)
{
    struct machine *machine = opaque;

    (void)error_set(&machine->error, EIO, "%s", sentence);
    strbuf_add(&machine->report, report);
    machine_request_end(machine, MACHINE_HOST_ERROR, 0);
}

/* On any thread: one write a text, appended. What a full disk does not take is missing. */
static void write_dump(void *opaque, const char *text)
{
    struct machine *machine = opaque;

    (void)!write(machine->dump_fd, text, strlen(text));
}

static int open_dump(struct machine *machine, struct dbt_dump *ret_dump, struct error *err)
{
    const struct machine_config *config = &machine->config;

    *ret_dump = (struct dbt_dump){ 0 };
    if (config->dump == NULL)
        return 0;
    machine->dump_fd =
        open(config->dump, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (machine->dump_fd < 0)
        return error_set(err, errno, "--dump: cannot write '%s': %s", config->dump,
                         strerror(errno));
    *ret_dump = (struct dbt_dump){ config->dump_stages, write_dump, machine };
    return 0;
}

static int make(struct machine *machine, struct error *err)
{
    const struct accel_ops *accel_ops = NULL;
    struct accel_config accel_config;
    struct dbt_tuning tuning;
    struct dbt_dump dump;
    int rc = choose_board(machine, err);

    if (rc == 0)
        rc = accel_choose(machine->config.accel, &accel_ops, &tuning, err);
    if (rc == 0)
        rc = open_dump(machine, &dump, err);
    if (rc == 0)
        rc = pool_new(&machine->pool, IO_THREADS, "io", err);
    if (rc == 0)
        rc = mem_space_new(&machine->space, &machine->root, err);
    if (rc < 0)
        return rc;
    accel_config = (struct accel_config){
        .space = machine->space,
        .isa = &machine->config.isa,
        .vcpus = machine->config.cpus,
        .cache_bytes = CACHE_BYTES,
        .tuning = tuning,
        .failed = accel_failed,
        .opaque = machine,
        .dump = dump,
        .jit_cache = machine->config.jit_cache,
    };
    rc = accel_new(&machine->accel, accel_ops, &accel_config, err);
    if (rc == 0)
        rc = machine->board_ops->build(machine, err);
    return rc;
}

int machine_new(struct machine **ret_machine, const struct machine_config *config,
                struct loop *loop, const struct machine_host *host, struct error *err)
{
    struct machine *machine = calloc(1, sizeof(*machine));
    int rc;

    if (machine == NULL)
        return error_set(err, ENOMEM, "no memory for a machine");
    assert(config->cpus >= 1 && config->cpus <= CONFIG_MAX_CPUS);
    machine->config = *config;
    machine->host = *host;
    machine->loop = loop;
    strbuf_init(&machine->report);
    machine->dump_fd = -1;
    machine->paused = 1;
    loop_work_init(&machine->end_work, loop, end_work);
    loop_work_init(&machine->reset_work, loop, reset_work);
    mem_thread_register();
    mem_region_init_container(&machine->root, "system", UINT64_MAX);
    rc = make_chardevs(machine, err);
    if (rc == 0)
        rc = make(machine, err);
    if (rc < 0) {
        machine_free(machine);
        return rc;
    }
    *ret_machine = machine;
    return 0;
}

void machine_free(struct machine *machine)
{
    if (machine == NULL)
        return;
    if (machine->paused == 0)
        machine_pause(machine); /* a running hart talks to devices and to other harts */
    loop_work_cancel(&machine->end_work);
    loop_work_cancel(&machine->reset_work);
    /* Devices before harts: what a disk's worker thread finishes until then raises their lines. */
    if (machine->board != NULL)
        machine->board_ops->destroy(machine->board);
    for (unsigned i = 0; i < machine->config.cpus; i++)
        vcpu_free(machine->vcpu[i]);
    accel_free(machine->accel);
    mem_space_free(machine->space);
    pool_free(machine->pool);
    chardev_close(machine->console);
    chardev_close(machine->serial);
    mem_region_fini(&machine->root);
    mem_thread_unregister();
    strbuf_fini(&machine->report);
    if (machine->dump_fd >= 0)
        close(machine->dump_fd);
    free(machine);
}

/* ---- running ---- */

int machine_start(struct machine *machine, struct error *err)
{
    int rc = reset_and_load(machine, err);

    if (rc < 0)
        return rc;
    machine_resume(machine);
    return 0;
}

void machine_pause(struct machine *machine)
{
    if (machine->paused++ > 0)
        return;
    for (unsigned i = 0; i < machine->config.cpus; i++)
        vcpu_pause(machine->vcpu[i]);
    for (unsigned i = 0; i < machine->config.cpus; i++)
        vcpu_wait_parked(machine->vcpu[i]);
}

void machine_resume(struct machine *machine)
{
    assert(machine->paused > 0);
    if (--machine->paused > 0)
        return;
    for (unsigned i = 0; i < machine->config.cpus; i++)
        vcpu_resume(machine->vcpu[i]);
}

const struct error *machine_error(const struct machine *machine)
{
    return &machine->error;
}

const char *machine_report(const struct machine *machine)
{
    return strbuf_str(&machine->report);
}

const char *machine_accel_name(const struct machine *machine)
{
    return machine->accel->ops->name;
}

int machine_write_dtb(struct machine *machine, const char *path, struct error *err)
{
    return machine->board_ops->write_dtb(machine->board, path, err);
}

void machine_stats(struct machine *machine, struct strbuf *out)
{
    machine->accel->ops->stats(machine->accel, out);
}

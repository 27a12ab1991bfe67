/*
 * machine/virt.c - building the `virt` board: devices at addresses with lines between them.
 */
#include "machine/virt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa/riscv/bits.h"
#include "machine/firmware.h"

/* ---- lines and time ---- */

static void hart_line(void *sink, unsigned irq, bool level)
{
    hart_set_irq_line(sink, irq, level);
}

static struct irq_line line_to(struct hart *hart, unsigned irq)
{
    return (struct irq_line){ .set = hart_line, .sink = hart, .number = irq };
}

static uint64_t virt_time(struct vcpu *vcpu)
{
    return aclint_time(&((struct machine *)vcpu->machine)->board->aclint);
}

static void arm_stimer(struct vcpu *vcpu, uint64_t deadline)
{
    struct board *board = ((struct machine *)vcpu->machine)->board;
    struct loop_timer *timer = &board->timer[vcpu->index].timer;
    uint64_t ns = deadline == UINT64_MAX ? UINT64_MAX : aclint_time_to_ns(&board->aclint, deadline);

    if (ns == UINT64_MAX)
        loop_timer_disarm(timer);
    else
        loop_timer_arm(timer, ns);
}

static void stimer_fired(struct loop_timer *timer)
{
    hart_stimer_fired(container_of(timer, struct virt_timer, timer)->hart);
}

/* mtime was written: what harts compare `time` with has to be compared again. */
static void time_changed(void *opaque)
{
    struct board *board = opaque;

    for (unsigned i = 0; i < board->machine->config.cpus; i++)
        if (board->machine->vcpu[i] != NULL)
            hart_stimer_fired(&board->machine->vcpu[i]->hart);
}

static const struct vcpu_ops virt_vcpu_ops = {
    .time = virt_time,
    .arm_stimer = arm_stimer,
    .sbi_call = firmware_sbi_call,
};

static void finish(void *opaque, enum finish how, unsigned code)
{
    struct machine *machine = opaque;

    switch (how) {
    case FINISH_POWER_OFF:
        machine_request_end(machine, MACHINE_POWERED_OFF, 0);
        return;
    case FINISH_FAIL:
        machine_request_end(machine, MACHINE_FAILED, code);
        return;
    case FINISH_RESET:
        machine_request_reset(machine);
        return;
    }
}

/* ---- building ---- */

static int build_memory(struct board *board, struct error *err)
{
    struct machine *machine = board->machine;
    const struct machine_config *config = &machine->config;
    int rc = (config->memory_shared ? ram_block_new_shared : ram_block_new)(&board->ram, "dram",
                                                                            config->memory, err);

    if (rc == 0)
        rc = ram_block_new(&board->mrom_block, "mrom", VIRT_MROM_BYTES, err);
    if (rc < 0)
        return rc;
    mem_region_init_ram(&board->dram, "dram", board->ram, 0, board->ram->size);
    mem_region_init_rom(&board->mrom, "mrom", board->mrom_block, 0, VIRT_MROM_BYTES);
    mem_region_add(&machine->root, VIRT_DRAM, &board->dram, 0);
    mem_region_add(&machine->root, VIRT_MROM, &board->mrom, 0);
    return 0;
}

static void init_devices(struct board *board)
{
    struct machine *machine = board->machine;
    struct aclint_params params = {
        .harts = machine->config.cpus,
        .msi = board->msi,
        .mti = board->mti,
        .loop = machine->loop,
        .time_changed = time_changed,
        .opaque = board,
    };
    struct irq_line uart_irq, rtc_irq;

    aclint_init(&board->aclint, "aclint", &params);
    plic_init(&board->plic, "plic", VIRT_IRQ_SOURCES, 2 * machine->config.cpus, board->external);
    uart_irq = plic_irq(&board->plic, VIRT_IRQ_UART);
    rtc_irq = plic_irq(&board->plic, VIRT_IRQ_RTC);
    uart_init(&board->uart, "uart0", machine->serial, &uart_irq, machine->loop);
    rtc_init(&board->rtc, "rtc", &rtc_wall_clock, &rtc_irq, machine->loop);
    finisher_init(&board->finisher, "finisher", finish, machine);
    for (unsigned i = 0; i < CONFIG_MAX_FLASH; i++) {
        const struct config_flash *flash = &machine->config.flash[i];
        bool given = i < machine->config.flashes;

        const struct pflash_params flash_params = {
            .size = VIRT_FLASH_BYTES,
            .path = given ? flash->path : NULL,
            .readonly = given && flash->readonly,
        };

        pflash_init(&board->flash[i], i == 0 ? "flash0" : "flash1", &flash_params);
    }
}

/* Every plain device: where it sits. Order of realization, and of reset. */
struct placed {
    struct device *dev;
    struct mem_region *region;
    gpa_t at;
};
enum { PLACED = 7 };

static void placed_devices(struct board *b, struct placed *ret)
{
    const struct placed all[PLACED] = {
        { &b->plic.dev, &b->plic.mmio, VIRT_PLIC },
        { &b->aclint.dev, &b->aclint.mmio, VIRT_ACLINT },
        { &b->uart.dev, &b->uart.mmio, VIRT_UART },
        { &b->rtc.dev, &b->rtc.mmio, VIRT_RTC },
        { &b->finisher.dev, &b->finisher.mmio, VIRT_FINISHER },
        { &b->flash[0].dev, &b->flash[0].mmio, VIRT_FLASH },
        { &b->flash[1].dev, &b->flash[1].mmio, VIRT_FLASH + VIRT_FLASH_BYTES },
    };

    memcpy(ret, all, sizeof(all));
}

static int realize_devices(struct board *board, struct error *err)
{
    struct placed placed[PLACED];
    int rc;

    placed_devices(board, placed);
    for (unsigned i = 0; i < PLACED; i++) {
        rc = device_realize(placed[i].dev, err);
        if (rc < 0 &&
            (placed[i].dev == &board->flash[0].dev || placed[i].dev == &board->flash[1].dev))
            return error_prefix(err, rc, "--flash");
        if (rc < 0)
            return rc;
        mem_region_add(&board->machine->root, placed[i].at, placed[i].region, 0);
    }
    return 0;
}

static int make_harts(struct board *board, struct error *err)
{
    struct machine *machine = board->machine;

    for (unsigned i = 0; i < machine->config.cpus; i++) {
        struct hart *hart;
        int rc = vcpu_new(&machine->vcpu[i], machine->accel, i, &virt_vcpu_ops, machine, err);

        if (rc < 0)
            return rc;
        hart = &machine->vcpu[i]->hart;
        hart->builtin_sbi = machine->config.bios == NULL;
        board->msi[i] = line_to(hart, IRQ_MSI);
        board->mti[i] = line_to(hart, IRQ_MTI);
        board->external[2 * (size_t)i] = line_to(hart, IRQ_MEI);
        board->external[2 * (size_t)i + 1] = line_to(hart, IRQ_SEI);
        board->timer[i].hart = hart;
    }
    return 0;
}

static void virt_destroy(struct board *board)
{
    struct machine *machine = board->machine;
    struct placed placed[PLACED];

    virt_boot_close(board);
    virt_slots_destroy(board);
    placed_devices(board, placed);
    mem_txn_begin();
    for (unsigned i = 0; i < PLACED; i++)
        mem_region_del(placed[i].region);
    mem_region_del(&board->dram);
    mem_region_del(&board->mrom);
    mem_txn_commit();
    mem_barrier();
    for (unsigned i = PLACED; i-- > 0;)
        device_unrealize(placed[i].dev);
    for (unsigned i = 0; i < CONFIG_MAX_FLASH; i++)
        pflash_fini(&board->flash[i]);
    finisher_fini(&board->finisher);
    rtc_fini(&board->rtc);
    uart_fini(&board->uart);
    plic_fini(&board->plic);
    aclint_fini(&board->aclint);
    for (unsigned i = 0; i < CONFIG_MAX_CPUS; i++)
        loop_timer_disarm(&board->timer[i].timer);
    if (board->mrom_block != NULL)
        mem_region_fini(&board->mrom);
    if (board->ram != NULL && board->mrom_block != NULL)
        mem_region_fini(&board->dram);
    ram_block_unref(board->mrom_block);
    ram_block_unref(board->ram);
    machine->board = NULL;
    free(board);
}

static int virt_build(struct machine *machine, struct error *err)
{
    struct board *board = calloc(1, sizeof(*board));
    int rc;

    if (board == NULL)
        return error_set(err, ENOMEM, "no memory for the board");
    board->machine = machine;
    machine->board = board;
    for (unsigned i = 0; i < CONFIG_MAX_CPUS; i++)
        loop_timer_init(&board->timer[i].timer, machine->loop, stimer_fired);
    /* Regions that were never filled in are in no tree, which is all destroy needs of them. */
    mem_region_init_container(&board->dram, "dram", 0);
    mem_region_init_container(&board->mrom, "mrom", 0);
    init_devices(board);
    rc = build_memory(board, err);
    if (rc == 0)
        rc = make_harts(board, err);
    if (rc == 0)
        rc = realize_devices(board, err);
    if (rc == 0)
        rc = virt_slots_build(board, err);
    if (rc == 0)
        rc = virt_boot_open(board, err);
    return rc; /* machine_free() destroys what there is */
}

static void virt_reset(struct board *board)
{
    struct placed placed[PLACED];

    placed_devices(board, placed);
    for (unsigned i = 0; i < board->slots; i++)
        device_reset(&board->slot[i].mmio.dev);
    /* The PLIC, which is the first, comes last: a line that is still high counts as pending. */
    for (unsigned i = PLACED; i-- > 0;)
        device_reset(placed[i].dev);
}

static int virt_write_dtb(struct board *board, const char *path, struct error *err)
{
    struct dt_blob blob;
    FILE *file;
    int rc = virt_fdt_build(board, &blob, err);

    if (rc < 0)
        return rc;
    file = fopen(path, "we");
    if (file == NULL || fwrite(blob.data, 1, blob.size, file) != blob.size)
        rc = error_set(err, errno, "cannot write the device tree to '%s': %s", path,
                       strerror(errno));
    if (file != NULL && fclose(file) != 0 && rc == 0)
        rc = error_set(err, errno, "cannot write the device tree to '%s': %s", path,
                       strerror(errno));
    dt_blob_fini(&blob);
    return rc;
}

static const struct board_ops virt_board = {
    .name = "virt",
    .build = virt_build,
    .destroy = virt_destroy,
    .reset = virt_reset,
    .load = virt_boot_load,
    .write_dtb = virt_write_dtb,
};

const struct board_ops *const board_table[] = { &virt_board, NULL };

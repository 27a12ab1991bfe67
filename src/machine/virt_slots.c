/*
 * machine/virt_slots.c - what sits in the virtio-mmio slots: disks, networks, rng, console, in the
 * order a user gives them; the slots behind are empty.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/net/slirp.h"
#include "machine/virt.h"

static struct virt_slot *next_slot(struct board *board, struct error *err)
{
    if (board->slots == VIRT_SLOTS) {
        (void)error_set(err, ENOSPC,
                        "the board has %d slots for virtio devices; take some disks or networks "
                        "away",
                        VIRT_SLOTS);
        return NULL;
    }
    return &board->slot[board->slots];
}

/* Puts a device that has been initialised into the slot and brings both to life. */
static int plug(struct board *board, struct virt_slot *slot, struct virtio *virtio,
                struct error *err)
{
    unsigned number = board->slots++;
    int rc;

    snprintf(slot->mmio_id, sizeof(slot->mmio_id), "virtio-mmio%u", number);
    virtio_mmio_init(&slot->mmio, slot->mmio_id, virtio,
                     plic_irq(&board->plic, VIRT_IRQ_VIRTIO + number));
    rc = virtio == NULL ? 0 : device_realize(&virtio->dev, err);
    if (rc == 0)
        rc = device_realize(&slot->mmio.dev, err);
    if (rc == 0)
        mem_region_add(&board->machine->root, VIRT_VIRTIO + number * VIRT_VIRTIO_STRIDE,
                       &slot->mmio.mmio, 0);
    return rc;
}

static int add_disk(struct board *board, unsigned index, struct error *err)
{
    struct machine *machine = board->machine;
    const struct config_disk *disk = &machine->config.disk[index];
    struct block_options options = { .path = disk->path, .read_only = disk->readonly };
    struct virtio_blk_params params;
    struct virt_slot *slot = next_slot(board, err);
    unsigned queues = disk->queues;
    int rc;

    if (slot == NULL)
        return -ENOSPC;
    rc = block_open(&slot->block, machine->pool, &options, err);
    if (rc < 0)
        return error_prefix(err, rc, "--disk");
    if (queues == 0)
        queues = machine->config.cpus < 4 ? machine->config.cpus : 4;
    snprintf(slot->id, sizeof(slot->id), "disk%u", index);
    slot->kind = SLOT_DISK;
    params = (struct virtio_blk_params){
        .block = slot->block,
        .queues = queues,
        .serial = disk->id != NULL ? disk->id : slot->id,
    };
    virtio_blk_init(&slot->device.blk, slot->id, machine->space, &params);
    return plug(board, slot, &slot->device.blk.virtio, err);
}

static int add_net(struct board *board, unsigned index, struct error *err)
{
    struct machine *machine = board->machine;
    const struct config_net *net = &machine->config.net[index];
    const struct slirp_options options = {
        .hostfwd = net->forward,
        .hostfwd_count = net->forwards,
        .restricted = net->restricted,
    };
    struct virtio_net_params params = { 0 };
    struct virt_slot *slot = next_slot(board, err);
    int rc;

    if (slot == NULL)
        return -ENOSPC;
    rc = slirp_netdev_open(&slot->netdev, machine->loop, &options, err);
    if (rc < 0)
        return error_prefix(err, rc, "--net");
    memcpy(params.mac, net->mac, sizeof(params.mac));
    if (memcmp(params.mac, (uint8_t[6]){ 0 }, sizeof(params.mac)) == 0)
        memcpy(params.mac, (uint8_t[6]){ 0x52, 0x54, 0, 0x12, 0x34, (uint8_t)(0x56 + index) },
               sizeof(params.mac));
    params.netdev = slot->netdev;
    snprintf(slot->id, sizeof(slot->id), "net%u", index);
    slot->kind = SLOT_NET;
    virtio_net_init(&slot->device.net, slot->id, machine->space, &params);
    return plug(board, slot, &slot->device.net.virtio, err);
}

static int add_rng(struct board *board, struct error *err)
{
    struct machine *machine = board->machine;
    struct virt_slot *slot = next_slot(board, err);

    if (slot == NULL)
        return -ENOSPC;
    slot->kind = SLOT_RNG;
    virtio_rng_init(&slot->device.rng, "rng", machine->space, machine->pool);
    return plug(board, slot, &slot->device.rng.virtio, err);
}

static int add_console(struct board *board, struct error *err)
{
    struct machine *machine = board->machine;
    struct virt_slot *slot = next_slot(board, err);

    if (slot == NULL)
        return -ENOSPC;
    slot->kind = SLOT_CONSOLE;
    virtio_console_init(&slot->device.console, "console", machine->space, machine->console);
    return plug(board, slot, &slot->device.console.virtio, err);
}

int virt_slots_build(struct board *board, struct error *err)
{
    const struct machine_config *config = &board->machine->config;
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < config->disks; i++)
        rc = add_disk(board, i, err);
    for (unsigned i = 0; rc == 0 && i < config->nets; i++)
        rc = add_net(board, i, err);
    if (rc == 0 && config->rng)
        rc = add_rng(board, err);
    if (rc == 0 && config->console != NULL)
        rc = add_console(board, err);
    while (rc == 0 && board->slots < VIRT_SLOTS)
        rc = plug(board, &board->slot[board->slots], NULL, err);
    return rc;
}

static struct virtio *virtio_of(struct virt_slot *slot)
{
    switch (slot->kind) {
    case SLOT_DISK:
        return &slot->device.blk.virtio;
    case SLOT_NET:
        return &slot->device.net.virtio;
    case SLOT_RNG:
        return &slot->device.rng.virtio;
    case SLOT_CONSOLE:
        return &slot->device.console.virtio;
    case SLOT_EMPTY:
        break;
    }
    return NULL;
}

static void fini_device(struct virt_slot *slot)
{
    switch (slot->kind) {
    case SLOT_DISK:
        virtio_blk_fini(&slot->device.blk);
        return;
    case SLOT_NET:
        virtio_net_fini(&slot->device.net);
        return;
    case SLOT_RNG:
        virtio_rng_fini(&slot->device.rng);
        return;
    case SLOT_CONSOLE:
        virtio_console_fini(&slot->device.console);
        return;
    case SLOT_EMPTY:
        return;
    }
}

void virt_slots_destroy(struct board *board)
{
    for (unsigned i = 0; i < VIRT_SLOTS; i++)
        if (i < board->slots)
            mem_region_del(&board->slot[i].mmio.mmio);
    mem_barrier();
    for (unsigned i = VIRT_SLOTS; i-- > 0;) {
        struct virt_slot *slot = &board->slot[i];

        if (i < board->slots) {
            device_unrealize(&slot->mmio.dev);
            if (virtio_of(slot) != NULL)
                device_unrealize(&virtio_of(slot)->dev);
            virtio_mmio_fini(&slot->mmio);
        }
        fini_device(slot);
        block_close(slot->block);
        netdev_close(slot->netdev);
    }
}

/* machine/virt.h - the `virt` board: its memory map, its devices, and how its parts share them.
 *
 * Addresses and interrupt numbers are those of QEMU's riscv64 `virt`, for which the RISC-V world
 * builds its kernels, firmware and teaching systems.
 */
#ifndef MACHINE_VIRT_H
#define MACHINE_VIRT_H

#include "backend/block/block.h"
#include "backend/net/netdev.h"
#include "devices/irqchip/aclint.h"
#include "devices/irqchip/plic.h"
#include "devices/misc/finisher.h"
#include "devices/misc/pflash.h"
#include "devices/rtc/rtc.h"
#include "devices/uart/uart.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/console.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/net.h"
#include "devices/virtio/rng.h"
#include "machine/fdt.h"
#include "machine/load.h"
#include "machine/machine.h"

#define VIRT_MROM UINT64_C(0x1000)
#define VIRT_FINISHER UINT64_C(0x100000)
#define VIRT_RTC UINT64_C(0x101000)
#define VIRT_ACLINT UINT64_C(0x2000000)
#define VIRT_PLIC UINT64_C(0xc000000)
#define VIRT_UART UINT64_C(0x10000000)
#define VIRT_VIRTIO UINT64_C(0x10001000)
#define VIRT_VIRTIO_STRIDE UINT64_C(0x1000)
#define VIRT_FLASH UINT64_C(0x20000000)
#define VIRT_FLASH_BYTES UINT64_C(0x2000000) /* each of two */
#define VIRT_DRAM UINT64_C(0x80000000)

enum { VIRT_MROM_BYTES = 0xf000, VIRT_SLOTS = 8, VIRT_IRQ_SOURCES = 96 };
enum { VIRT_IRQ_VIRTIO = 1, VIRT_IRQ_UART = 10, VIRT_IRQ_RTC = 11 };

/* A device in a virtio-mmio slot, with its backend. */
struct virt_slot {
    struct virtio_mmio mmio;
    enum { SLOT_EMPTY, SLOT_DISK, SLOT_NET, SLOT_RNG, SLOT_CONSOLE } kind;
    char id[16], mmio_id[16];
    union {
        struct virtio_blk blk;
        struct virtio_net net;
        struct virtio_rng rng;
        struct virtio_console console;
    } device;
    struct block *block;
    struct netdev *netdev;
};

/* The timer on `time` that a hart asked for by stimecmp. */
struct virt_timer {
    struct loop_timer timer;
    struct hart *hart;
};

struct board {
    struct machine *machine;
    struct mem_region dram, mrom;
    struct ram_block *ram, *mrom_block;
    struct aclint aclint;
    struct plic plic;
    struct uart uart;
    struct rtc rtc;
    struct finisher finisher;
    struct pflash flash[CONFIG_MAX_FLASH];
    struct virt_slot slot[VIRT_SLOTS];
    unsigned slots; /* taken */
    struct irq_line msi[CONFIG_MAX_CPUS], mti[CONFIG_MAX_CPUS], external[2 * CONFIG_MAX_CPUS];
    struct virt_timer timer[CONFIG_MAX_CPUS];
    /* Open for the life of the machine: a reset loads from them again. NULL: not given. */
    struct load_file *bios, *kernel, *initrd, *dtb;
};

/* virt_slots.c */
int virt_slots_build(struct board *board, struct error *err) NODISCARD;
void virt_slots_destroy(struct board *board);

/* virt_fdt.c: the tree for this machine, without what depends on where images were loaded. */
int virt_fdt_build(struct board *board, struct dt_blob *ret_blob, struct error *err) NODISCARD;

/* virt_boot.c */
int virt_boot_open(struct board *board, struct error *err) NODISCARD;
void virt_boot_close(struct board *board);
int virt_boot_load(struct board *board, struct error *err) NODISCARD;

#endif

/*
 * machine/virt_fdt.c - the device tree of the `virt` board, from what the board was built with.
 *
 * Bindings are those of Linux's Documentation/devicetree/bindings and of the Devicetree
 * Specification 0.4; the shape follows QEMU's virt, which U-Boot and EDK2 know.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "isa/riscv/bits.h"
#include "machine/virt.h"

/* Phandles that nodes refer to before or after they are written. */
struct handles {
    uint32_t plic, finisher;
    uint32_t intc[CONFIG_MAX_CPUS];
};

static void isa_properties(struct dt_builder *dt, const struct isa_config *isa)
{
    char text[512], list[512], mmu[32];
    size_t len = isa_string_list(isa, list, sizeof(list));

    (void)isa_string(isa, text, sizeof(text));
    dt_string(dt, "riscv,isa", text);
    dt_string(dt, "riscv,isa-base", "rv64i");
    if (len <= sizeof(list))
        dt_bytes(dt, "riscv,isa-extensions", list, len);
    if (isa->mmu != ISA_MMU_BARE) {
        snprintf(mmu, sizeof(mmu), "riscv,%s", isa_mmu_name(isa->mmu));
        dt_string(dt, "mmu-type", mmu);
    }
    if (isa_has(isa, ISA_EXT_ZICBOM))
        dt_u32(dt, "riscv,cbom-block-size", 64);
    if (isa_has(isa, ISA_EXT_ZICBOP))
        dt_u32(dt, "riscv,cbop-block-size", 64);
    if (isa_has(isa, ISA_EXT_ZICBOZ))
        dt_u32(dt, "riscv,cboz-block-size", 64);
}

static void cpus_node(struct dt_builder *dt, const struct board *board, const struct handles *h)
{
    const struct machine_config *config = &board->machine->config;

    dt_begin(dt, "cpus");
    dt_u32(dt, "#address-cells", 1);
    dt_u32(dt, "#size-cells", 0);
    dt_u32(dt, "timebase-frequency", ACLINT_TIMEBASE_HZ);
    for (unsigned i = 0; i < config->cpus; i++) {
        dt_begin(dt, "cpu@%x", i);
        dt_string(dt, "device_type", "cpu");
        dt_u32(dt, "reg", i);
        dt_string(dt, "status", "okay");
        dt_string(dt, "compatible", "riscv");
        isa_properties(dt, &config->isa);
        dt_begin(dt, "interrupt-controller");
        dt_u32(dt, "#interrupt-cells", 1);
        dt_empty(dt, "interrupt-controller");
        dt_string(dt, "compatible", "riscv,cpu-intc");
        dt_u32(dt, "phandle", h->intc[i]);
        dt_end(dt);
        dt_end(dt);
    }
    dt_end(dt);
}

/* Two (handle, interrupt) pairs a hart. */
static void extended_interrupts(struct dt_builder *dt, unsigned cpus, const struct handles *h,
                                uint32_t first, uint32_t second)
{
    uint32_t cells[4 * CONFIG_MAX_CPUS];

    for (size_t i = 0; i < cpus; i++) {
        cells[4 * i] = h->intc[i];
        cells[4 * i + 1] = first;
        cells[4 * i + 2] = h->intc[i];
        cells[4 * i + 3] = second;
    }
    dt_cells(dt, "interrupts-extended", cells, 4 * (size_t)cpus);
}

static void irqchip_nodes(struct dt_builder *dt, unsigned cpus, const struct handles *h)
{
    dt_begin(dt, "interrupt-controller@%" PRIx64, VIRT_PLIC);
    DT_STRINGS(dt, "compatible", "sifive,plic-1.0.0", "riscv,plic0");
    dt_u32(dt, "#interrupt-cells", 1);
    dt_u32(dt, "#address-cells", 0);
    dt_empty(dt, "interrupt-controller");
    extended_interrupts(dt, cpus, h, IRQ_MEI, IRQ_SEI);
    dt_reg(dt, VIRT_PLIC, PLIC_SIZE);
    dt_u32(dt, "riscv,ndev", VIRT_IRQ_SOURCES - 1);
    dt_u32(dt, "phandle", h->plic);
    dt_end(dt);

    dt_begin(dt, "clint@%" PRIx64, VIRT_ACLINT);
    DT_STRINGS(dt, "compatible", "sifive,clint0", "riscv,clint0");
    extended_interrupts(dt, cpus, h, IRQ_MSI, IRQ_MTI);
    dt_reg(dt, VIRT_ACLINT, ACLINT_SIZE);
    dt_end(dt);
}

static void interrupt(struct dt_builder *dt, const struct handles *h, uint32_t irq)
{
    dt_u32(dt, "interrupt-parent", h->plic);
    dt_u32(dt, "interrupts", irq);
}

static void device_nodes(struct dt_builder *dt, const struct handles *h)
{
    dt_begin(dt, "serial@%" PRIx64, VIRT_UART);
    dt_string(dt, "compatible", "ns16550a");
    dt_reg(dt, VIRT_UART, 0x100);
    dt_u32(dt, "clock-frequency", UART_CLOCK_HZ);
    interrupt(dt, h, VIRT_IRQ_UART);
    dt_end(dt);

    dt_begin(dt, "rtc@%" PRIx64, VIRT_RTC);
    dt_string(dt, "compatible", "google,goldfish-rtc");
    dt_reg(dt, VIRT_RTC, RTC_SIZE);
    interrupt(dt, h, VIRT_IRQ_RTC);
    dt_end(dt);

    dt_begin(dt, "test@%" PRIx64, VIRT_FINISHER);
    DT_STRINGS(dt, "compatible", "sifive,test1", "sifive,test0", "syscon");
    dt_reg(dt, VIRT_FINISHER, FINISHER_SIZE);
    dt_u32(dt, "phandle", h->finisher);
    dt_end(dt);

    for (unsigned i = 0; i < VIRT_SLOTS; i++) {
        uint64_t at = VIRT_VIRTIO + i * VIRT_VIRTIO_STRIDE;

        dt_begin(dt, "virtio_mmio@%" PRIx64, at);
        dt_string(dt, "compatible", "virtio,mmio");
        dt_reg(dt, at, VIRT_VIRTIO_STRIDE);
        interrupt(dt, h, VIRT_IRQ_VIRTIO + i);
        dt_end(dt);
    }
}

static void power_node(struct dt_builder *dt, const char *name, uint32_t value,
                       const struct handles *h)
{
    char compatible[32];

    snprintf(compatible, sizeof(compatible), "syscon-%s", name);
    dt_begin(dt, "%s", name);
    dt_string(dt, "compatible", compatible);
    dt_u32(dt, "value", value);
    dt_u32(dt, "offset", 0);
    dt_u32(dt, "regmap", h->finisher);
    dt_end(dt);
}

static void flash_node(struct dt_builder *dt)
{
    dt_begin(dt, "flash@%" PRIx64, VIRT_FLASH);
    dt_string(dt, "compatible", "cfi-flash");
    DT_CELLS(dt, "reg", 0, (uint32_t)VIRT_FLASH, 0, (uint32_t)VIRT_FLASH_BYTES, 0,
             (uint32_t)(VIRT_FLASH + VIRT_FLASH_BYTES), 0, (uint32_t)VIRT_FLASH_BYTES);
    dt_u32(dt, "bank-width", 4);
    dt_end(dt);
}

static void chosen_node(struct dt_builder *dt, const struct machine_config *config)
{
    uint8_t seed[64];

    dt_begin(dt, "chosen");
    dt_string(dt, "bootargs", config->cmdline == NULL ? "" : config->cmdline);
    if (config->serial != NULL) {
        char path[64];

        snprintf(path, sizeof(path), "/soc/serial@%" PRIx64, VIRT_UART);
        dt_string(dt, "stdout-path", path);
    }
    /* So that the guest has randomness before its first interrupt. */
    if (getrandom(seed, sizeof(seed), 0) == (ssize_t)sizeof(seed))
        dt_bytes(dt, "rng-seed", seed, sizeof(seed));
    dt_end(dt);
}

int virt_fdt_build(struct board *board, struct dt_blob *ret_blob, struct error *err)
{
    const struct machine_config *config = &board->machine->config;
    struct dt_builder *dt;
    struct handles h;
    int rc = dt_builder_new(&dt, err);

    if (rc < 0)
        return rc;
    h.plic = dt_new_phandle(dt);
    h.finisher = dt_new_phandle(dt);
    for (unsigned i = 0; i < config->cpus; i++)
        h.intc[i] = dt_new_phandle(dt);

    dt_u32(dt, "#address-cells", 2);
    dt_u32(dt, "#size-cells", 2);
    dt_string(dt, "compatible", "riscv-virtio");
    dt_string(dt, "model", "riscv-virtio,vireo");
    chosen_node(dt, config);
    dt_begin(dt, "memory@%" PRIx64, VIRT_DRAM);
    dt_string(dt, "device_type", "memory");
    dt_reg(dt, VIRT_DRAM, config->memory);
    dt_end(dt);
    cpus_node(dt, board, &h);
    dt_begin(dt, "soc");
    dt_u32(dt, "#address-cells", 2);
    dt_u32(dt, "#size-cells", 2);
    dt_string(dt, "compatible", "simple-bus");
    dt_empty(dt, "ranges");
    irqchip_nodes(dt, config->cpus, &h);
    device_nodes(dt, &h);
    dt_end(dt);
    power_node(dt, "poweroff", FINISHER_PASS, &h);
    power_node(dt, "reboot", FINISHER_RESET, &h);
    flash_node(dt);
    return dt_builder_finish(dt, ret_blob, err);
}

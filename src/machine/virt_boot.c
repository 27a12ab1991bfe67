/*
 * machine/virt_boot.c - what is in memory and in the registers when the harts of `virt` start.
 *
 * Three ways to begin:
 *   built-in SBI   hart 0 enters the kernel (or the code in flash) in S mode with a0 = hart,
 *                  a1 = device tree, as the Linux boot protocol and SBI HSM say; the other harts
 *                  wait to be started
 *   --bios         all harts start in M mode in the reset ROM at 0x1000, which gives firmware
 *                  a0 = hart, a1 = device tree, a2 = OpenSBI's fw_dynamic_info, and jumps to it
 *   nothing        nothing to run: an error
 * Files stay open, so a reset finds the same bytes even when they were renamed meanwhile.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/endian.h"
#include "machine/virt.h"

enum { MAX_EXTENTS = 4 };
enum { FDT_ROOM = 16 << 10 }; /* for what firmware adds to the device tree; U-Boot takes 12 KiB */

/* What has been loaded where, as it goes. */
struct boot {
    struct load_extent taken[MAX_EXTENTS];
    unsigned count;
    struct load_extent ram;
    gpa_t firmware, kernel, fdt; /* entry points and address; 0: none */
};

static int open_one(struct load_file **ret_file, const char *path, const char *what,
                    struct error *err)
{
    int rc;

    if (path == NULL)
        return 0;
    rc = load_file_open(ret_file, path, err);
    return rc < 0 ? error_prefix(err, rc, "%s", what) : 0;
}

int virt_boot_open(struct board *board, struct error *err)
{
    const struct machine_config *config = &board->machine->config;
    int rc;

    if (config->kernel == NULL && config->bios == NULL && config->flashes == 0 &&
        config->dump_dtb == NULL)
        return error_set(err, EINVAL,
                         "nothing to run: give a kernel (--kernel), firmware (--bios) or flash "
                         "(--flash)");
    rc = open_one(&board->bios, config->bios, "--bios", err);
    if (rc == 0)
        rc = open_one(&board->kernel, config->kernel, "--kernel", err);
    if (rc == 0)
        rc = open_one(&board->initrd, config->initrd, "--initrd", err);
    if (rc == 0)
        rc = open_one(&board->dtb, config->dtb, "--dtb", err);
    return rc;
}

void virt_boot_close(struct board *board)
{
    load_file_free(board->bios);
    load_file_free(board->kernel);
    load_file_free(board->initrd);
    load_file_free(board->dtb);
}

static void take(struct boot *boot, const struct load_extent *extent)
{
    boot->taken[boot->count++] = *extent;
}

static int load_images(struct board *board, struct boot *boot, struct error *err)
{
    struct machine *machine = board->machine;
    struct load_result result;
    int rc;

    if (board->bios != NULL) {
        rc = load_firmware(board->bios, machine->space, &boot->ram, VIRT_DRAM, &result, err);
        if (rc < 0)
            return error_prefix(err, rc, "--bios");
        boot->firmware = result.entry;
        take(boot, &result.extent);
    }
    if (board->kernel != NULL) {
        if (machine->config.kernel_at != 0)
            rc = load_raw(board->kernel, machine->space, &boot->ram, machine->config.kernel_at,
                          &result, err);
        else
            rc = load_kernel(board->kernel, machine->space, &boot->ram, &result, err);
        if (rc < 0)
            return error_prefix(err, rc, "--kernel");
        boot->kernel = result.entry;
        take(boot, &result.extent);
    } else if (machine->config.flashes != 0) {
        boot->kernel = VIRT_FLASH; /* firmware that runs in place: EDK2 */
    }
    return load_check_apart(boot->taken, boot->count, err);
}

/* OpenSBI's fw_jump moves the device tree to here (FW_JUMP_FDT_OFFSET of its generic platform),
 * whatever lies there. */
static const struct load_extent fw_jump_fdt = { VIRT_DRAM + 0x2200000, KIB(64),
                                                "the device tree of OpenSBI's fw_jump" };

static int load_initrd(struct board *board, struct boot *boot, struct dt_blob *blob,
                       struct error *err)
{
    struct load_result result = { .entry = 0 };
    gpa_t at = 0;
    int rc;

    if (board->initrd == NULL)
        return 0;
    if (board->bios != NULL)
        take(boot, &fw_jump_fdt);
    rc = load_place_initrd(&boot->ram, boot->taken, boot->count, load_file_size(board->initrd), &at,
                           err);
    if (rc == 0)
        rc = load_raw(board->initrd, board->machine->space, &boot->ram, at, &result, err);
    if (rc < 0)
        return error_prefix(err, rc, "--initrd");
    take(boot, &result.extent);
    rc = dt_set_u64(blob, "/chosen", "linux,initrd-start", at, err);
    if (rc == 0)
        rc = dt_set_u64(blob, "/chosen", "linux,initrd-end", at + result.extent.size, err);
    return rc;
}

static int place_fdt(struct board *board, struct boot *boot, struct dt_blob *blob,
                     struct error *err)
{
    int rc = dt_make_room(blob, FDT_ROOM, err);

    if (rc == 0)
        rc = load_place_fdt(&boot->ram, boot->taken, boot->count, blob->size, &boot->fdt, err);
    if (rc < 0)
        return rc;
    if (mem_write(board->machine->space, boot->fdt, blob->data, blob->size) != MEM_OK)
        return error_set(err, EFAULT, "no RAM at %#" PRIx64 " for the device tree", boot->fdt);
    return 0;
}

static int load_fdt(struct board *board, struct boot *boot, struct error *err)
{
    const struct machine_config *config = &board->machine->config;
    struct dt_blob blob;
    int rc;

    if (board->dtb != NULL) {
        rc = dt_blob_load(&blob, board->dtb, err);
        if (rc == 0 && config->cmdline != NULL)
            rc = dt_set_string(&blob, "/chosen", "bootargs", config->cmdline, err);
        if (rc < 0)
            return error_prefix(err, rc, "--dtb");
    } else {
        rc = virt_fdt_build(board, &blob, err);
        if (rc < 0)
            return rc;
    }
    rc = load_initrd(board, boot, &blob, err);
    if (rc == 0)
        rc = place_fdt(board, boot, &blob, err);
    dt_blob_fini(&blob);
    return rc;
}

/* The reset ROM. fw_dynamic_info is OpenSBI's (its docs/firmware/fw_dynamic.md): where the next
 * stage is and that it runs in S mode; firmware that does not know it ignores a2. */
static void write_reset_rom(struct board *board, const struct boot *boot)
{
    enum { CODE_WORDS = 6, ENTRY = 24, FDT = 32, INFO = 40 };
    static const uint32_t code[CODE_WORDS] = {
        0x00000297, /* auipc t0, 0          */
        0x02828613, /* addi  a2, t0, INFO   */
        0xf1402573, /* csrr  a0, mhartid    */
        0x0202b583, /* ld    a1, FDT(t0)    */
        0x0182b283, /* ld    t0, ENTRY(t0)  */
        0x00028067, /* jr    t0             */
    };
    const uint64_t info[] = {
        0x4942534f,   /* "OSBI" */
        2,            /* version: has boot_hart */
        boot->kernel, /* next_addr */
        1,            /* next_mode: S */
        0,            /* options */
        0,            /* boot_hart */
    };
    uint8_t *rom = board->mrom_block->hva;

    for (size_t i = 0; i < CODE_WORDS; i++)
        st_le32(rom + 4 * i, code[i]);
    st_le64(rom + ENTRY, boot->firmware);
    st_le64(rom + FDT, boot->fdt);
    for (size_t i = 0; i < ARRAY_LEN(info); i++)
        st_le64(rom + INFO + 8 * i, info[i]);
}

static void start_harts(struct board *board, const struct boot *boot)
{
    struct machine *machine = board->machine;

    for (unsigned i = 0; i < machine->config.cpus; i++) {
        struct vcpu *vcpu = machine->vcpu[i];

        if (boot->firmware != 0)
            hart_reset(&vcpu->hart, VIRT_MROM);
        else
            hart_enter_supervisor(&vcpu->hart, boot->kernel, boot->fdt);
        vcpu_set_started(vcpu, boot->firmware != 0 || i == 0);
    }
}

int virt_boot_load(struct board *board, struct error *err)
{
    struct boot boot = {
        .ram = { VIRT_DRAM, board->ram->size, "guest memory" },
    };
    int rc = load_images(board, &boot, err);

    if (rc == 0)
        rc = load_fdt(board, &boot, err);
    if (rc < 0)
        return rc;
    write_reset_rom(board, &boot);
    start_harts(board, &boot);
    return 0;
}

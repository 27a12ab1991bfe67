/*
 * machine/load_image.c - finding out what a kernel file is, and loading it.
 *
 * The RISC-V Linux Image (Documentation/arch/riscv/boot-image-header.rst) begins with 64 bytes:
 *
 *   offset  size  field
 *        0     8  code, beginning with "MZ" when there is an EFI stub
 *        8     8  text_offset   from the start of RAM
 *       16     8  image_size    in memory, zero-initialised data included
 *       24     8  flags         bit 0: big-endian
 *       32     4  version       minor in the low half, major in the high
 *       48     8  magic         "RISCV\0\0\0", deprecated since 0.2
 *       56     4  magic2        "RSC\x05"
 *       60     4  offset of the PE header, with an EFI stub
 *
 * An EFI zboot image (drivers/firmware/efi/libstub/zboot-header.S) is a PE program that holds an
 * Image compressed:
 *
 *        0     4  "MZ\0\0"        4     4  "zimg"
 *        8     4  offset and    12     4  size of the payload
 *       24    32  how it is compressed: "gzip", "zstd", ...
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "machine/load.h"

enum {
    HEAD_SIZE = 64,   /* of the Image header */
    SNIFF_SIZE = 640, /* what telling file types apart takes: bzImage's magic is at 0x202 */
    PE_MACHINE_RISCV32 = 0x5032,
    PE_MACHINE_RISCV64 = 0x5064,
    PE_HEADER_SIZE = 24, /* signature and COFF header; the optional header and sections follow */
    PE_SECTION_SIZE = 40,
    FLAG_BIG_ENDIAN = 1,
};

static uint64_t get_le(const uint8_t *p, unsigned size)
{
    uint64_t val = 0;

    memcpy(&val, p, size);
    return val; /* mem/ is built for little-endian hosts only */
}

/* The first bytes of a file, zeros where it has fewer. */
static int sniff(struct load_file *file, uint8_t head[SNIFF_SIZE], struct error *err)
{
    uint64_t size = load_file_size(file);

    memset(head, 0, SNIFF_SIZE);
    return load_file_read(file, 0, head, size < SNIFF_SIZE ? (size_t)size : SNIFF_SIZE, err);
}

static bool is_image(const uint8_t *head)
{
    return memcmp(head + 56, "RSC\x05", 4) == 0 || memcmp(head + 48, "RISCV\0\0", 8) == 0;
}

static bool is_zboot(const uint8_t *head)
{
    return memcmp(head, "MZ", 2) == 0 && memcmp(head + 4, "zimg", 4) == 0;
}

/* What a file that is no kernel for us is, as far as its first bytes tell. */
static const char *foreign(const uint8_t *head)
{
    static const struct {
        unsigned at;
        const char *magic;
        unsigned len;
        const char *what;
    } kinds[] = {
        { 0x202, "HdrS", 4, "an x86 kernel (bzImage); give a kernel for riscv64" },
        { 56, "ARM\x64", 4, "an arm64 kernel Image; give a kernel for riscv64" },
        { 0x24, "\x18\x28\x6f\x01", 4, "a 32-bit Arm zImage; give a kernel for riscv64" },
        { 0, "\x28\xb5\x2f\xfd", 4, "compressed by zstd; unpack it first (unzstd)" },
        { 0,
          "\xfd"
          "7zXZ",
          5, "compressed by xz; unpack it first (unxz)" },
        { 0, "BZh", 3, "compressed by bzip2; unpack it first (bunzip2)" },
        { 0, "\x02\x21\x4c\x18", 4, "compressed by lz4; unpack it first (unlz4)" },
        { 0, "\x04\x22\x4d\x18", 4, "compressed by lz4; unpack it first (unlz4)" },
        { 0, "\x27\x05\x19\x56", 4, "a U-Boot uImage; give the Image it was made from" },
        { 0, "\xd0\x0d\xfe\xed", 4, "a device tree or FIT image; give a kernel Image" },
        { 0, "!<arch>\n", 8, "a package or archive; give the kernel Image in it" },
        { 0x101, "ustar", 5, "a tar archive; give the kernel Image in it" },
        { 0, "070701", 6, "a cpio archive, perhaps the initrd; give a kernel Image" },
        { 0, "QFI\xfb", 4, "a qcow2 disk; give it as --disk and a kernel Image as --kernel" },
        { 0, "#!", 2, "a script; give a kernel Image" },
    };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (memcmp(head + kinds[i].at, kinds[i].magic, kinds[i].len) == 0)
            return kinds[i].what;
    }
    if (memcmp(head, "MZ", 2) == 0)
        return "an EFI or DOS program that is no RISC-V kernel; give a kernel for riscv64";
    return "no kernel Vireo knows; give a RISC-V Linux Image (plain or gzip) or an ELF file";
}

/* The section table of the PE header at `pe` says how far the file reaches: what was copied in part
 * is found out here, not by a guest that runs into zeros. */
static int check_sections(struct load_file *file, uint64_t pe, struct error *err)
{
    uint8_t coff[PE_HEADER_SIZE], section[PE_SECTION_SIZE];
    uint64_t table;
    int rc = load_file_read(file, pe, coff, sizeof(coff), err);

    if (rc < 0)
        return rc;
    table = pe + sizeof(coff) + get_le(coff + 20, 2);
    for (unsigned i = 0; i < get_le(coff + 6, 2); i++) {
        uint64_t end;

        rc = load_file_read(file, table + i * sizeof(section), section, sizeof(section), err);
        if (rc < 0)
            return rc;
        end = get_le(section + 16, 4) + get_le(section + 20, 4);
        if (end > load_file_size(file))
            return error_set(err, EINVAL,
                             "'%s' is cut short: it has %" PRIu64 " bytes of %" PRIu64
                             "; copy it again",
                             load_file_name(file), load_file_size(file), end);
    }
    return 0;
}

/* With an EFI stub the PE header names the processor; without, nothing does. */
static int check_pe(struct load_file *file, const uint8_t *head, struct error *err)
{
    uint64_t at = get_le(head + 60, 4);
    uint8_t pe[6];
    unsigned machine;
    int rc;

    if (memcmp(head, "MZ", 2) != 0)
        return 0;
    rc = load_file_read(file, at, pe, sizeof(pe), err);
    if (rc < 0)
        return rc;
    machine = (unsigned)get_le(pe + 4, 2);
    if (memcmp(pe, "PE\0\0", 4) != 0)
        return error_set(err, ENOEXEC, "'%s' is damaged: its header leads to no PE header",
                         load_file_name(file));
    if (machine == PE_MACHINE_RISCV32)
        return error_set(err, ENOEXEC,
                         "'%s' is a kernel for 32-bit RISC-V; this machine runs riscv64",
                         load_file_name(file));
    if (machine != PE_MACHINE_RISCV64)
        return error_set(err, ENOEXEC,
                         "'%s' is an EFI kernel for another architecture (machine 0x%x); give one "
                         "for riscv64",
                         load_file_name(file), machine);
    return check_sections(file, at, err);
}

static int load_image(struct load_file *file, const uint8_t *head, struct mem_space *space,
                      const struct load_extent *ram, struct load_result *ret_result,
                      struct error *err)
{
    uint64_t text_offset = get_le(head + 8, 8), image_size = get_le(head + 16, 8);
    uint64_t size = load_file_size(file);
    const char *name = load_file_name(file);
    int rc;

    if (size < HEAD_SIZE)
        return error_set(err, ENOEXEC, "'%s' is cut short: it has only %" PRIu64 " bytes", name,
                         size);
    if ((get_le(head + 24, 8) & FLAG_BIG_ENDIAN) != 0)
        return error_set(err, ENOEXEC,
                         "'%s' is a big-endian kernel; this machine runs little-endian RISC-V",
                         name);
    rc = check_pe(file, head, err);
    if (rc < 0)
        return rc;
    if (image_size < size) /* of old kernels 0; and what is appended has to go somewhere */
        image_size = size;
    if ((text_offset & 3) != 0)
        return error_set(err, ENOEXEC,
                         "'%s' is damaged: it wants to be at the odd offset 0x%" PRIx64, name,
                         text_offset);
    if (text_offset > ram->size || image_size > ram->size - text_offset)
        return error_set(err, ENOMEM,
                         "kernel '%s' takes %" PRIu64 " MiB from %" PRIu64
                         " MiB on, but the guest has only %" PRIu64
                         " MiB of memory; give it more (--memory), or the file is damaged",
                         name, image_size >> 20, text_offset >> 20, ram->size >> 20);
    rc = load_file_copy(file, 0, size, space, ram->start + text_offset, err);
    if (rc < 0)
        return rc;
    *ret_result = (struct load_result){
        .format = LOAD_IMAGE,
        .entry = ram->start + text_offset,
        .extent = { ram->start + text_offset, image_size, name },
    };
    return 0;
}

/* The payload of a zboot image, unpacked. */
static int open_zboot(struct load_file **ret_file, struct load_file *file, const uint8_t *head,
                      uint64_t limit, struct error *err)
{
    uint64_t off = get_le(head + 8, 4), len = get_le(head + 12, 4);
    char method[33] = { 0 };

    memcpy(method, head + 24, sizeof(method) - 1);
    if (strcmp(method, "gzip") != 0) {
        for (char *c = method; *c != '\0'; c++) {
            if (*c < ' ' || *c > '~')
                *c = '?';
        }
        return error_set(err, ENOTSUP,
                         "'%s' is an EFI zboot image compressed by '%s', of which only gzip is "
                         "known; give the uncompressed Image",
                         load_file_name(file), method);
    }
    if (off > load_file_size(file) || len > load_file_size(file) - off)
        return error_set(err, ENOEXEC,
                         "'%s' is cut short: its compressed kernel reaches beyond its %" PRIu64
                         " bytes; copy it again",
                         load_file_name(file), load_file_size(file));
    return load_file_unpack(ret_file, file, off, len, limit, err);
}

static int load_unpacked(struct load_file *file, const uint8_t *head, struct mem_space *space,
                         const struct load_extent *ram, struct load_result *ret_result,
                         struct error *err)
{
    if (load_file_is_elf(file))
        return load_elf(file, space, ram, ret_result, err);
    if (is_image(head))
        return load_image(file, head, space, ram, ret_result, err);
    return error_set(err, ENOEXEC, "'%s' is %s", load_file_name(file), foreign(head));
}

int load_kernel(struct load_file *file, struct mem_space *space, const struct load_extent *ram,
                struct load_result *ret_result, struct error *err)
{
    struct load_file *outer = NULL, *inner = NULL, *at = file;
    uint8_t head[SNIFF_SIZE];
    int rc = sniff(file, head, err);

    /* At most a zboot image that was compressed once more, each layer bounded by RAM. */
    if (rc == 0 && load_file_is_gzip(at)) {
        rc = load_file_unpack(&outer, at, 0, load_file_size(at), ram->size, err);
        if (rc == 0) {
            at = outer;
            rc = sniff(at, head, err);
        }
    }
    if (rc == 0 && is_zboot(head)) {
        rc = open_zboot(&inner, at, head, ram->size, err);
        if (rc == 0) {
            at = inner;
            rc = sniff(at, head, err);
        }
    }
    if (rc == 0)
        rc = load_unpacked(at, head, space, ram, ret_result, err);
    if (rc == 0)
        ret_result->extent.what = load_file_name(file);
    load_file_free(inner);
    load_file_free(outer);
    return rc;
}

int load_raw(struct load_file *file, struct mem_space *space, const struct load_extent *ram,
             gpa_t at, struct load_result *ret_result, struct error *err)
{
    uint64_t size = load_file_size(file);
    int rc;

    if (at < ram->start || at - ram->start > ram->size || size > ram->size - (at - ram->start))
        return error_set(
            err, ENOMEM,
            "'%s' of %" PRIu64 " KiB does not fit at 0x%" PRIx64 ": RAM is %" PRIu64
            " MiB at 0x%" PRIx64 "; choose another address, or give the guest more (--memory)",
            load_file_name(file), (size + KIB(1) - 1) >> 10, at, ram->size >> 20, ram->start);
    rc = load_file_copy(file, 0, size, space, at, err);
    if (rc < 0)
        return rc;
    *ret_result = (struct load_result){
        .format = LOAD_RAW,
        .entry = at,
        .extent = { at, size, load_file_name(file) },
    };
    return 0;
}

int load_firmware(struct load_file *file, struct mem_space *space, const struct load_extent *ram,
                  gpa_t at, struct load_result *ret_result, struct error *err)
{
    struct load_file *unpacked = NULL, *from = file;
    int rc = 0;

    if (load_file_is_gzip(file)) {
        rc = load_file_unpack(&unpacked, file, 0, load_file_size(file), ram->size, err);
        if (rc < 0)
            return rc;
        from = unpacked;
    }
    rc = load_file_is_elf(from) ? load_elf(from, space, ram, ret_result, err)
                                : load_raw(from, space, ram, at, ret_result, err);
    if (rc == 0)
        ret_result->extent.what = load_file_name(file);
    load_file_free(unpacked);
    return rc;
}

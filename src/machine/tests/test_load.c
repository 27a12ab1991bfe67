/*
 * machine/tests/test_load.c - kernels, firmware and initrds, sound and damaged.
 */
#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/tests/load_fixture.h"

/* Loads bytes as a kernel and leaves what came of it in the fixture. */
struct trial {
    struct guest guest;
    struct load_result result;
    struct error err;
    int rc;
};

static void trial_begin(struct trial *t)
{
    memset(t, 0, sizeof(*t));
    assert_true(guest_init(&t->guest, &t->err));
}

static void try_kernel(struct trial *t, const void *bytes, size_t len)
{
    /* From a heap block of just this size, so that ASan sees a read beyond it. */
    void *copy = malloc(len != 0 ? len : 1);
    struct load_file *file;

    memcpy(copy, bytes, len);
    memset(&t->err, 0, sizeof(t->err));
    memset(&t->result, 0, sizeof(t->result));
    assert_int_equal(load_file_bytes(&file, "test.img", copy, len, NULL), 0);
    t->rc = load_kernel(file, t->guest.space, &t->guest.extent, &t->result, &t->err);
    load_file_free(file);
    free(copy);
}

static void trial_end(struct trial *t)
{
    guest_fini(&t->guest);
}

#define ASSERT_FAILS(t, errnum, words)                                                             \
    do {                                                                                           \
        assert_int_equal((t)->rc, -(errnum));                                                      \
        assert_int_equal((t)->err.code, -(errnum));                                                \
        if (strstr((t)->err.text, words) == NULL)                                                  \
            fail_msg("\"%s\" does not say \"%s\"", (t)->err.text, words);                          \
        assert_non_null(strstr((t)->err.text, "test.img"));                                        \
    } while (0)

static void assert_image_loaded(struct trial *t, const uint8_t *image)
{
    if (t->rc != 0)
        fail_msg("%s", t->err.text);
    assert_int_equal(t->result.format, LOAD_IMAGE);
    assert_int_equal(t->result.entry, GUEST_BASE + 0x200000);
    assert_int_equal(t->result.extent.start, GUEST_BASE + 0x200000);
    assert_int_equal(t->result.extent.size, 0x10000);
    assert_memory_equal(t->guest.block->hva + 0x200000, image, IMAGE_LEN);
}

TEST(an_image_goes_to_its_text_offset)
{
    uint8_t image[IMAGE_LEN];
    struct trial t;

    trial_begin(&t);
    make_image(image);
    try_kernel(&t, image, sizeof(image));
    assert_image_loaded(&t, image);
    memcpy(image, "\x6f\0\0\x10", 4); /* no EFI stub, and only the old magic */
    memset(image + 56, 0, 8);
    try_kernel(&t, image, sizeof(image));
    assert_image_loaded(&t, image);
    trial_end(&t);
}

TEST(a_compressed_image_is_unpacked)
{
    uint8_t image[IMAGE_LEN], *gz, *zboot, *both;
    size_t gz_len, zboot_len, both_len;
    struct trial t;

    trial_begin(&t);
    make_image(image);
    gz = make_gzip(image, sizeof(image), &gz_len);
    zboot = make_zboot("gzip", gz, gz_len, &zboot_len);
    both = make_gzip(zboot, zboot_len, &both_len);
    try_kernel(&t, gz, gz_len);
    assert_image_loaded(&t, image);
    memset(t.guest.block->hva, 0, GUEST_SIZE);
    try_kernel(&t, zboot, zboot_len);
    assert_image_loaded(&t, image);
    try_kernel(&t, both, both_len);
    assert_image_loaded(&t, image);
    for (size_t cut = 1; cut < gz_len - 3; cut += 37) {
        try_kernel(&t, gz, gz_len - cut);
        ASSERT_FAILS(&t, EINVAL, "cut short");
    }
    gz[gz_len / 2] ^= 0xff;
    try_kernel(&t, gz, gz_len);
    ASSERT_FAILS(&t, EINVAL, "damaged");
    put(zboot + 12, 0x7fffffff, 4);
    try_kernel(&t, zboot, zboot_len);
    ASSERT_FAILS(&t, ENOEXEC, "cut short");
    memcpy(zboot + 24, "zstd22\x01", 7);
    try_kernel(&t, zboot, zboot_len);
    ASSERT_FAILS(&t, ENOTSUP, "'zstd22?'");
    free(both);
    free(zboot);
    free(gz);
    trial_end(&t);
}

TEST(what_unpacks_to_more_than_ram_is_refused)
{
    uint8_t *zeros = calloc(1, GUEST_SIZE + 1), *bomb;
    struct trial t;
    size_t len;

    trial_begin(&t);
    bomb = make_gzip(zeros, GUEST_SIZE + 1, &len);
    try_kernel(&t, bomb, len);
    ASSERT_FAILS(&t, EFBIG, "more than the 16 MiB");
    free(bomb);
    bomb = make_gzip(zeros, GUEST_SIZE, &len); /* just fits, and is nothing */
    try_kernel(&t, bomb, len);
    ASSERT_FAILS(&t, ENOEXEC, "no kernel");
    free(bomb);
    free(zeros);
    trial_end(&t);
}

TEST(an_image_that_does_not_fit_or_lies_is_refused)
{
    uint8_t image[IMAGE_LEN];
    struct trial t;

    trial_begin(&t);
    make_image(image);
    put(image + 16, GUEST_SIZE, 8);
    try_kernel(&t, image, sizeof(image));
    ASSERT_FAILS(&t, ENOMEM, "16 MiB of memory");
    put(image + 16, UINT64_MAX, 8);
    try_kernel(&t, image, sizeof(image));
    ASSERT_FAILS(&t, ENOMEM, "--memory");
    make_image(image);
    put(image + 8, UINT64_MAX - 3, 8);
    try_kernel(&t, image, sizeof(image));
    ASSERT_FAILS(&t, ENOMEM, "--memory");
    put(image + 8, GUEST_SIZE - 4, 8);
    put(image + 16, 0, 8);
    try_kernel(&t, image, sizeof(image));
    ASSERT_FAILS(&t, ENOMEM, "--memory");
    put(image + 8, 3, 8);
    try_kernel(&t, image, sizeof(image));
    ASSERT_FAILS(&t, ENOEXEC, "odd offset");
    make_image(image);
    put(image + 24, 1, 8);
    try_kernel(&t, image, sizeof(image));
    ASSERT_FAILS(&t, ENOEXEC, "big-endian");
    make_image(image);
    put(image + 60, UINT32_MAX, 4);
    try_kernel(&t, image, sizeof(image));
    ASSERT_FAILS(&t, EINVAL, "cut short");
    put(image + 60, 0x100, 4);
    try_kernel(&t, image, sizeof(image));
    ASSERT_FAILS(&t, ENOEXEC, "PE header");
    make_image(image);
    for (size_t len = 0; len < PE_AT + 6; len++) {
        try_kernel(&t, image, len);
        assert_true(t.rc < 0 && t.err.text[0] != '\0');
    }
    trial_end(&t);
}

TEST(an_efi_image_that_ends_before_its_sections_do_is_cut_short)
{
    enum { OPTIONAL = 112, SECTIONS = PE_AT + 24 + OPTIONAL };
    uint8_t image[IMAGE_LEN];
    struct trial t;

    trial_begin(&t);
    make_image(image);
    put(image + PE_AT + 6, 2, 2);         /* sections */
    put(image + PE_AT + 20, OPTIONAL, 2); /* bytes before the first */
    put(image + SECTIONS + 16, 0x400, 4); /* .text: bytes in the file, and where */
    put(image + SECTIONS + 20, 0x400, 4);
    put(image + SECTIONS + 40 + 16, IMAGE_LEN - 0x800, 4);
    put(image + SECTIONS + 40 + 20, 0x800, 4);
    try_kernel(&t, image, IMAGE_LEN);
    assert_int_equal(t.rc, 0);
    try_kernel(&t, image, IMAGE_LEN - 1);
    ASSERT_FAILS(&t, EINVAL, "cut short");
    for (size_t len = 0; len < IMAGE_LEN; len += 8) {
        try_kernel(&t, image, len);
        assert_true(t.rc < 0 && t.err.text[0] != '\0');
    }
    /* Numbers that would wrap, and a table outside the file. */
    put(image + SECTIONS + 40 + 16, UINT32_MAX, 4);
    put(image + SECTIONS + 40 + 20, UINT32_MAX, 4);
    try_kernel(&t, image, IMAGE_LEN);
    ASSERT_FAILS(&t, EINVAL, "cut short");
    put(image + PE_AT + 6, UINT16_MAX, 2);
    put(image + PE_AT + 20, UINT16_MAX, 2);
    try_kernel(&t, image, IMAGE_LEN);
    ASSERT_FAILS(&t, EINVAL, "cut short");
    trial_end(&t);
}

TEST(a_file_for_another_machine_or_purpose_is_named_for_what_it_is)
{
    static const struct {
        unsigned at;
        const char *magic;
        unsigned len;
        const char *words;
    } kinds[] = {
        { 0x202, "HdrS", 4, "x86 kernel" },     { 56, "ARM\x64", 4, "arm64 kernel" },
        { 0, "\x28\xb5\x2f\xfd", 4, "zstd" },   { 0, "\xfd\x37zXZ", 5, "xz" },
        { 0, "\xd0\x0d\xfe\xed", 4, "FIT" },    { 0, "QFI\xfb", 4, "qcow2" },
        { 0, "\x27\x05\x19\x56", 4, "uImage" }, { 0, "MZ", 2, "EFI or DOS" },
        { 0, "!<arch>\n", 8, "package" },       { 0, "070701", 6, "cpio" },
    };
    uint8_t file[1024], image[IMAGE_LEN];
    struct trial t;

    trial_begin(&t);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        memset(file, 0, sizeof(file));
        memcpy(file + kinds[i].at, kinds[i].magic, kinds[i].len);
        try_kernel(&t, file, sizeof(file));
        ASSERT_FAILS(&t, ENOEXEC, kinds[i].words);
    }
    make_image(image);
    put(image + PE_AT + 4, 0x5032, 2);
    try_kernel(&t, image, sizeof(image));
    ASSERT_FAILS(&t, ENOEXEC, "32-bit RISC-V");
    put(image + PE_AT + 4, 0xaa64, 2);
    try_kernel(&t, image, sizeof(image));
    ASSERT_FAILS(&t, ENOEXEC, "another architecture");
    trial_end(&t);
}

/* --------- ELF ------------------ */

TEST(an_elf_is_loaded_at_its_physical_addresses_and_zero_filled)
{
    struct elf_file elf;
    struct trial t;

    trial_begin(&t);
    make_elf(&elf);
    memset(t.guest.block->hva, 0xff, 0x4000);
    try_kernel(&t, &elf, sizeof(elf));
    if (t.rc != 0)
        fail_msg("%s", t.err.text);
    assert_int_equal(t.result.format, LOAD_ELF);
    assert_int_equal(t.result.entry, GUEST_BASE + 0x10);
    assert_int_equal(t.result.extent.start, GUEST_BASE);
    assert_int_equal(t.result.extent.size, 0x3000);
    assert_memory_equal(t.guest.block->hva, elf.text, sizeof(elf.text));
    assert_int_equal(t.guest.block->hva[sizeof(elf.text)], 0xff);
    assert_memory_equal(t.guest.block->hva + 0x1000, elf.data, sizeof(elf.data));
    assert_int_equal(t.guest.block->hva[0x1000 + sizeof(elf.data)], 0);
    assert_int_equal(t.guest.block->hva[0x2fff], 0);
    assert_int_equal(t.guest.block->hva[0x3000], 0xff);
    trial_end(&t);
}

TEST(a_virtual_entry_is_turned_into_the_physical_one)
{
    struct elf_file elf;
    struct trial t;

    trial_begin(&t);
    make_elf(&elf);
    elf.ph[0].p_vaddr = 0xffffffff80000000;
    elf.eh.e_entry = 0xffffffff80000020;
    try_kernel(&t, &elf, sizeof(elf));
    assert_int_equal(t.rc, 0);
    assert_int_equal(t.result.entry, GUEST_BASE + 0x20);
    trial_end(&t);
}

TEST(a_damaged_elf_is_refused_with_the_reason)
{
    struct elf_file good, elf;
    struct trial t;

    trial_begin(&t);
    make_elf(&good);
#define BAD(change, words)                                                                         \
    do {                                                                                           \
        elf = good;                                                                                \
        change;                                                                                    \
        try_kernel(&t, &elf, sizeof(elf));                                                         \
        ASSERT_FAILS(&t, ENOEXEC, words);                                                          \
    } while (0)
    BAD(elf.eh.e_ident[EI_CLASS] = ELFCLASS32, "32-bit");
    BAD(elf.eh.e_ident[EI_DATA] = ELFDATA2MSB, "big-endian");
    BAD(elf.eh.e_machine = EM_X86_64, "x86-64");
    BAD(elf.eh.e_machine = EM_AARCH64, "arm64");
    BAD(elf.eh.e_machine = 4711, "machine 4711");
    BAD(elf.eh.e_type = ET_REL, "not an executable");
    BAD(elf.eh.e_phnum = 0, "program headers");
    BAD(elf.eh.e_phnum = 0xffff, "program headers");
    BAD(elf.eh.e_phentsize = 32, "program headers");
    BAD(elf.ph[0].p_filesz = 0x101, "more bytes in the file");
    BAD((elf.ph[0].p_filesz = elf.ph[0].p_memsz = UINT64_MAX), "cut short");
    BAD(elf.ph[0].p_offset = sizeof(elf), "cut short");
    BAD(elf.ph[0].p_offset = UINT64_MAX, "cut short");
    BAD(elf.ph[0].p_paddr = 0, "RAM is 16 MiB at 0x80000000");
    BAD(elf.ph[0].p_paddr = GUEST_BASE + GUEST_SIZE, "RAM is 16 MiB");
    BAD(elf.ph[0].p_paddr = UINT64_MAX, "RAM is 16 MiB");
    BAD(elf.ph[1].p_memsz = GUEST_SIZE, "RAM is 16 MiB");
    BAD(elf.ph[1].p_memsz = UINT64_MAX, "RAM is 16 MiB");
    BAD(elf.ph[1].p_paddr = GUEST_BASE, "overlap");
    BAD((elf.ph[0].p_type = elf.ph[1].p_type = PT_NOTE), "nothing to load");
    BAD(elf.eh.e_entry = 0, "starts at 0x0");
    BAD(elf.eh.e_entry = GUEST_BASE + 0x11, "starts at");
#undef BAD
    elf = good;
    elf.eh.e_phoff = UINT64_MAX - 8;
    try_kernel(&t, &elf, sizeof(elf));
    ASSERT_FAILS(&t, EINVAL, "cut short");
    for (size_t len = 4; len < sizeof(elf.eh); len++) {
        try_kernel(&t, &good, len);
        ASSERT_FAILS(&t, EINVAL, "cut short");
    }
    trial_end(&t);
}

static int symbol(const struct elf_file *elf, size_t len, const char *name, uint64_t *value)
{
    void *copy = malloc(len);
    struct load_file *file;
    struct error err;
    int rc;

    memcpy(copy, elf, len);
    assert_int_equal(load_file_bytes(&file, "test.elf", copy, len, NULL), 0);
    rc = load_elf_symbol(file, name, value, &err);
    load_file_free(file);
    free(copy);
    return rc;
}

TEST(symbols_are_found_by_name)
{
    struct elf_file elf;
    uint64_t value = 0;

    make_elf(&elf);
    assert_int_equal(symbol(&elf, sizeof(elf), "tohost", &value), 0);
    assert_int_equal(value, GUEST_BASE + 0x1000);
    assert_int_equal(symbol(&elf, sizeof(elf), "fromhost", &value), 0);
    assert_int_equal(value, GUEST_BASE + 0x1040);
    assert_int_equal(symbol(&elf, sizeof(elf), "host", &value), -ENOENT);
    assert_int_equal(symbol(&elf, sizeof(elf), "undefined", &value), -ENOENT);
    assert_int_equal(symbol(&elf, sizeof(elf), "tohostile", &value), -ENOENT);
    elf.syms[1].st_name = UINT32_MAX;
    assert_int_equal(symbol(&elf, sizeof(elf), "tohost", &value), -ENOENT);
    make_elf(&elf);
    elf.eh.e_shnum = 0;
    assert_int_equal(symbol(&elf, sizeof(elf), "tohost", &value), -ENOENT);
    make_elf(&elf);
    elf.sh[1].sh_link = 3;
    assert_int_equal(symbol(&elf, sizeof(elf), "tohost", &value), -ENOENT);
    make_elf(&elf);
    elf.sh[2].sh_size = UINT64_MAX;
    assert_int_equal(symbol(&elf, sizeof(elf), "tohost", &value), -ENOEXEC);
    make_elf(&elf);
    elf.eh.e_shoff = UINT64_MAX - 10;
    assert_int_equal(symbol(&elf, sizeof(elf), "tohost", &value), -ENOEXEC);
    make_elf(&elf);
    assert_true(symbol(&elf, sizeof(elf) - 1, "tohost", &value) < 0);
}

/* --------- files ------------------ */

TEST(files_that_cannot_be_loaded_say_why)
{
    char dir[] = "/tmp/vireo-load-XXXXXX", path[64];
    struct load_file *file = NULL;
    struct error err;
    int fd;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/file", dir);
    assert_int_equal(load_file_open(&file, path, &err), -ENOENT);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "No such file"));
    assert_int_equal(load_file_open(&file, dir, &err), -EISDIR);
    assert_non_null(strstr(err.text, "is a directory"));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(load_file_open(&file, path, &err), -EINVAL);
    assert_non_null(strstr(err.text, "regular file"));
    unlink(path);
    fd = open(path, O_CREAT | O_RDWR, 0600);
    assert_true(fd >= 0);
    assert_int_equal(load_file_open(&file, path, &err), -EINVAL);
    assert_non_null(strstr(err.text, "empty"));
    assert_null(file);
    close(fd);
    unlink(path);
    rmdir(dir);
}

TEST(an_open_file_survives_its_name_but_not_being_cut)
{
    char path[] = "/tmp/vireo-load-XXXXXX";
    uint8_t image[IMAGE_LEN];
    struct load_file *file;
    struct trial t;
    int fd = mkstemp(path);

    trial_begin(&t);
    make_image(image);
    assert_int_equal(write(fd, image, sizeof(image)), sizeof(image));
    assert_int_equal(load_file_open(&file, path, NULL), 0);
    assert_int_equal(unlink(path), 0);
    for (int reset = 0; reset < 2; reset++) {
        memset(t.guest.block->hva + 0x200000, 0, IMAGE_LEN);
        t.rc = load_kernel(file, t.guest.space, &t.guest.extent, &t.result, &t.err);
        assert_image_loaded(&t, image);
    }
    assert_int_equal(ftruncate(fd, IMAGE_LEN / 2), 0);
    t.rc = load_kernel(file, t.guest.space, &t.guest.extent, &t.result, &t.err);
    assert_int_equal(t.rc, -EIO);
    assert_non_null(strstr(t.err.text, "shorter"));
    load_file_free(file);
    load_file_free(NULL);
    close(fd);
    trial_end(&t);
}

TEST(firmware_is_an_elf_or_raw)
{
    struct load_file *file;
    struct elf_file elf;
    struct trial t;

    trial_begin(&t);
    assert_int_equal(load_file_bytes(&file, "test.img", "rawfirmware", 11, NULL), 0);
    assert_int_equal(
        load_firmware(file, t.guest.space, &t.guest.extent, GUEST_BASE + 0x100, &t.result, &t.err),
        0);
    assert_int_equal(t.result.format, LOAD_RAW);
    assert_int_equal(t.result.entry, GUEST_BASE + 0x100);
    assert_int_equal(t.result.extent.size, 11);
    assert_memory_equal(t.guest.block->hva + 0x100, "rawfirmware", 11);
    t.rc = load_firmware(file, t.guest.space, &t.guest.extent, GUEST_BASE + GUEST_SIZE - 10,
                         &t.result, &t.err);
    ASSERT_FAILS(&t, ENOMEM, "does not fit");
    t.rc = load_firmware(file, t.guest.space, &t.guest.extent, 0, &t.result, &t.err);
    ASSERT_FAILS(&t, ENOMEM, "does not fit");
    load_file_free(file);
    make_elf(&elf);
    assert_int_equal(load_file_bytes(&file, "test.img", &elf, sizeof(elf), NULL), 0);
    assert_int_equal(
        load_firmware(file, t.guest.space, &t.guest.extent, GUEST_BASE, &t.result, &t.err), 0);
    assert_int_equal(t.result.entry, GUEST_BASE + 0x10);
    load_file_free(file);
    trial_end(&t);
}

TEST(where_the_map_has_a_hole_loading_fails)
{
    uint8_t image[IMAGE_LEN];
    struct mem_region hole;
    struct trial t;

    trial_begin(&t);
    mem_region_init_rom(&hole, "hole", t.guest.block, 0, PAGE_SIZE_BYTES);
    mem_region_add(&t.guest.root, GUEST_BASE + 0x200000, &hole, 1);
    make_image(image);
    try_kernel(&t, image, sizeof(image));
    ASSERT_FAILS(&t, EFAULT, "no RAM at 0x80200000");
    mem_region_del(&hole);
    mem_barrier();
    mem_region_fini(&hole);
    trial_end(&t);
}

/* --------- placing ------------------ */

TEST(the_initrd_goes_behind_the_kernel_and_the_tree_above)
{
    struct load_extent ram = { 0x80000000, GIB(2), "RAM" };
    struct load_extent taken[3] = { { 0x80200000, 0x1234567, "kernel" } };
    gpa_t initrd, fdt;

    assert_int_equal(load_place_initrd(&ram, taken, 1, MIB(30) + 5, &initrd, NULL), 0);
    assert_int_equal(initrd, 0x81600000);
    taken[1] = (struct load_extent){ initrd, MIB(30) + 5, "initrd" };
    assert_int_equal(load_place_fdt(&ram, taken, 2, 0x3000, &fdt, NULL), 0);
    assert_int_equal(fdt, GIB(3) - MIB(2));
    taken[2] = (struct load_extent){ fdt, 0x3000, "device tree" };
    assert_int_equal(load_check_apart(taken, 3, NULL), 0);
    /* A small guest: the tree shares the top. */
    ram.size = MIB(64);
    assert_int_equal(load_place_fdt(&ram, taken, 2, 0x3000, &fdt, NULL), 0);
    assert_int_equal(fdt, 0x84000000 - MIB(2));
    /* RAM above 3 GiB has no limit to keep. */
    ram = (struct load_extent){ GIB(4), GIB(4), "RAM" };
    assert_int_equal(load_place_fdt(&ram, taken, 0, 0x3000, &fdt, NULL), 0);
    assert_int_equal(fdt, GIB(8) - MIB(2));
}

TEST(what_finds_no_place_is_refused)
{
    struct load_extent ram = { 0x80000000, MIB(8), "RAM" };
    struct load_extent taken[2] = { { 0x80000000, MIB(1), "firmware" },
                                    { 0x80700000, MIB(1), "kernel" } };
    struct error err;
    gpa_t at;

    assert_int_equal(load_place_initrd(&ram, taken, 2, MIB(5), &at, &err), 0);
    assert_int_equal(at, 0x80200000); /* nothing behind the kernel: the gap */
    assert_int_equal(load_place_initrd(&ram, taken, 2, MIB(5) + 1, &at, &err), -ENOMEM);
    assert_non_null(strstr(err.text, "initrd"));
    assert_int_equal(load_place_initrd(&ram, taken, 2, UINT64_MAX, &at, &err), -ENOMEM);
    assert_int_equal(load_place_fdt(&ram, taken, 2, 0x1000, &at, &err), 0);
    assert_int_equal(at, 0x80600000);
    taken[0].size = MIB(7);
    assert_int_equal(load_place_fdt(&ram, taken, 2, 0x1000, &at, &err), -ENOMEM);
    assert_int_equal(load_place_fdt(&ram, taken, 2, UINT64_MAX, &at, &err), -ENOMEM);
    taken[0].size++;
    assert_int_equal(load_check_apart(taken, 2, &err), -EINVAL);
    assert_non_null(strstr(err.text, "firmware (0x80000000 to 0x80700000) and kernel"));
}

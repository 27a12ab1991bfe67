/*
 * machine/load_elf.c - ELF64 executables for RISC-V, and symbols in them.
 *
 * Two passes over the program headers: the first checks every number and finds the entry, the
 * second copies. Headers are read from the file into host memory once, so both see the same.
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine/load.h"

/* An executable has a handful of segments. The bound keeps the work one file can ask for small. */
enum { MAX_SEGMENTS = 64, MAX_SECTIONS = 4096, SYMS_AT_ONCE = 256 };

bool load_file_is_elf(struct load_file *file)
{
    uint8_t magic[SELFMAG];

    return load_file_size(file) >= sizeof(magic) &&
           load_file_read(file, 0, magic, sizeof(magic), NULL) == 0 &&
           memcmp(magic, ELFMAG, SELFMAG) == 0;
}

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case EM_386:
        return "32-bit x86";
    case EM_X86_64:
        return "x86-64";
    case EM_ARM:
        return "32-bit Arm";
    case EM_AARCH64:
        return "arm64";
    case EM_MIPS:
        return "MIPS";
    case EM_PPC64:
        return "PowerPC";
    case EM_S390:
        return "s390";
    case EM_LOONGARCH:
        return "LoongArch";
    default:
        return "another architecture";
    }
}

static int read_header(struct load_file *file, Elf64_Ehdr *eh, struct error *err)
{
    const char *name = load_file_name(file);
    int rc;

    memset(eh, 0, sizeof(*eh));
    rc = load_file_read(file, 0, eh, sizeof(*eh), err);
    if (rc < 0)
        return rc;
    if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
        return error_set(err, ENOEXEC, "'%s' is not an ELF file", name);
    if (eh->e_ident[EI_CLASS] != ELFCLASS64)
        return error_set(err, ENOEXEC, "'%s' is a 32-bit ELF file; this machine runs 64-bit RISC-V",
                         name);
    if (eh->e_ident[EI_DATA] != ELFDATA2LSB)
        return error_set(err, ENOEXEC,
                         "'%s' is a big-endian ELF file; this machine runs little-endian RISC-V",
                         name);
    if (eh->e_machine != EM_RISCV)
        return error_set(err, ENOEXEC,
                         "'%s' is an ELF file for %s (machine %u); give one for RISC-V", name,
                         machine_name(eh->e_machine), eh->e_machine);
    return 0;
}

static int read_segments(struct load_file *file, const Elf64_Ehdr *eh, Elf64_Phdr *segments,
                         struct error *err)
{
    const char *name = load_file_name(file);

    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
        return error_set(err, ENOEXEC,
                         "'%s' is an ELF file of type %u, not an executable; link it first", name,
                         eh->e_type);
    if (eh->e_phnum == 0 || eh->e_phnum > MAX_SEGMENTS)
        return error_set(err, ENOEXEC,
                         "'%s' has %u program headers; an executable to load has 1 to %d", name,
                         eh->e_phnum, MAX_SEGMENTS);
    if (eh->e_phentsize != sizeof(Elf64_Phdr))
        return error_set(err, ENOEXEC, "'%s' is damaged: its program headers have size %u, not %zu",
                         name, eh->e_phentsize, sizeof(Elf64_Phdr));
    return load_file_read(file, eh->e_phoff, segments, eh->e_phnum * sizeof(*segments), err);
}

static int check_segment(struct load_file *file, const struct load_extent *ram, unsigned index,
                         const Elf64_Phdr *ph, struct error *err)
{
    const char *name = load_file_name(file);
    uint64_t size = load_file_size(file);

    if (ph->p_filesz > ph->p_memsz)
        return error_set(err, ENOEXEC,
                         "'%s' is damaged: segment %u has more bytes in the file (%" PRIu64
                         ") than in memory (%" PRIu64 ")",
                         name, index, ph->p_filesz, ph->p_memsz);
    if (ph->p_offset > size || ph->p_filesz > size - ph->p_offset)
        return error_set(err, ENOEXEC,
                         "'%s' is cut short: segment %u reaches beyond its %" PRIu64
                         " bytes; copy it again",
                         name, index, size);
    if (ph->p_paddr < ram->start || ph->p_paddr - ram->start > ram->size ||
        ph->p_memsz > ram->size - (ph->p_paddr - ram->start))
        return error_set(err, ENOEXEC,
                         "'%s' wants 0x%" PRIx64 " bytes at physical address 0x%" PRIx64
                         ", but RAM is %" PRIu64 " MiB at 0x%" PRIx64
                         "; link it for that, give more (--memory), or use an Image",
                         name, ph->p_memsz, ph->p_paddr, ram->size >> 20, ram->start);
    return 0;
}

/* An entry in a segment's virtual addresses means the same place in its physical ones. */
static bool find_entry(const Elf64_Phdr *segments, unsigned count, uint64_t entry, gpa_t *ret_gpa)
{
    for (unsigned i = 0; i < count; i++) {
        const Elf64_Phdr *ph = &segments[i];

        if (ph->p_type == PT_LOAD && entry - ph->p_vaddr < ph->p_memsz) {
            *ret_gpa = ph->p_paddr + (entry - ph->p_vaddr);
            return true;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        const Elf64_Phdr *ph = &segments[i];

        if (ph->p_type == PT_LOAD && entry - ph->p_paddr < ph->p_memsz) {
            *ret_gpa = entry;
            return true;
        }
    }
    return false;
}

/* Checks all segments and says what they take together. */
static int check_segments(struct load_file *file, const struct load_extent *ram,
                          const Elf64_Ehdr *eh, const Elf64_Phdr *segments,
                          struct load_result *result, struct error *err)
{
    uint64_t low = UINT64_MAX, high = 0, sum = 0;

    for (unsigned i = 0; i < eh->e_phnum; i++) {
        const Elf64_Phdr *ph = &segments[i];
        int rc;

        if (ph->p_type != PT_LOAD || ph->p_memsz == 0)
            continue;
        rc = check_segment(file, ram, i, ph, err);
        if (rc < 0)
            return rc;
        if (ph->p_paddr < low)
            low = ph->p_paddr;
        if (ph->p_paddr + ph->p_memsz > high)
            high = ph->p_paddr + ph->p_memsz;
        sum += ph->p_memsz; /* MAX_SEGMENTS times the size of RAM at most */
    }
    if (low > high)
        return error_set(err, ENOEXEC, "'%s' is an ELF file with nothing to load",
                         load_file_name(file));
    if (sum > high - low)
        return error_set(err, ENOEXEC, "'%s' is damaged: its segments overlap in memory",
                         load_file_name(file));
    if (!find_entry(segments, eh->e_phnum, eh->e_entry, &result->entry) || (result->entry & 1) != 0)
        return error_set(err, ENOEXEC,
                         "'%s' starts at 0x%" PRIx64 ", which is not in any part of it to load",
                         load_file_name(file), eh->e_entry);
    result->format = LOAD_ELF;
    result->extent = (struct load_extent){ low, high - low, load_file_name(file) };
    return 0;
}

/* Zeroes guest RAM. */
static int clear(struct mem_space *space, gpa_t gpa, uint64_t len, const char *name,
                 struct error *err)
{
    while (len != 0) {
        struct mem_slice slice;
        bool found;

        mem_read_lock();
        found = mem_slice(space, gpa, len < MIB(1) ? (size_t)len : MIB(1), MEM_PERM_WRITE, &slice);
        if (found) {
            memset(slice.hva, 0, slice.len);
            mem_slice_wrote(&slice, 0, slice.len);
        }
        mem_read_unlock();
        if (!found)
            return error_set(err, EFAULT, "'%s' does not fit: the guest has no RAM at 0x%" PRIx64,
                             name, gpa);
        gpa += slice.len;
        len -= slice.len;
    }
    return 0;
}

int load_elf(struct load_file *file, struct mem_space *space, const struct load_extent *ram,
             struct load_result *ret_result, struct error *err)
{
    Elf64_Phdr segments[MAX_SEGMENTS] = { 0 };
    struct load_result result;
    Elf64_Ehdr eh;
    int rc = read_header(file, &eh, err);

    if (rc == 0)
        rc = read_segments(file, &eh, segments, err);
    if (rc == 0)
        rc = check_segments(file, ram, &eh, segments, &result, err);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < eh.e_phnum; i++) {
        const Elf64_Phdr *ph = &segments[i];

        if (ph->p_type != PT_LOAD || ph->p_memsz == 0)
            continue;
        rc = load_file_copy(file, ph->p_offset, ph->p_filesz, space, ph->p_paddr, err);
        if (rc == 0)
            rc = clear(space, ph->p_paddr + ph->p_filesz, ph->p_memsz - ph->p_filesz,
                       load_file_name(file), err);
        if (rc < 0)
            return rc;
    }
    *ret_result = result;
    return 0;
}

/* The section header at index, checked to lie in the file with all its bytes. */
static int read_section(struct load_file *file, const Elf64_Ehdr *eh, unsigned index,
                        Elf64_Shdr *sh, struct error *err)
{
    uint64_t size = load_file_size(file), at = (uint64_t)index * sizeof(*sh);
    int rc;

    memset(sh, 0, sizeof(*sh));
    if (eh->e_shoff > size || at > size - eh->e_shoff)
        return error_set(err, ENOEXEC, "'%s' is cut short: its section headers are missing",
                         load_file_name(file));
    rc = load_file_read(file, eh->e_shoff + at, sh, sizeof(*sh), err);
    if (rc < 0)
        return rc;
    if (sh->sh_type != SHT_NOBITS && (sh->sh_offset > size || sh->sh_size > size - sh->sh_offset))
        return error_set(err, ENOEXEC, "'%s' is cut short: section %u reaches beyond its end",
                         load_file_name(file), index);
    return 0;
}

/* Compares a name in the string table with `want` without running past the table's end. */
static int name_matches(struct load_file *file, const Elf64_Shdr *strings, uint32_t at,
                        const char *want, bool *ret_match, struct error *err)
{
    size_t len = strlen(want) + 1;
    char name[128];
    int rc;

    *ret_match = false;
    if (len > sizeof(name) || at >= strings->sh_size || len > strings->sh_size - at)
        return 0;
    rc = load_file_read(file, strings->sh_offset + at, name, len, err);
    if (rc == 0)
        *ret_match = memcmp(name, want, len) == 0;
    return rc;
}

static int search_symbols(struct load_file *file, const Elf64_Shdr *table,
                          const Elf64_Shdr *strings, const char *symbol, uint64_t *ret_value,
                          struct error *err)
{
    uint64_t count = table->sh_size / sizeof(Elf64_Sym);
    Elf64_Sym syms[SYMS_AT_ONCE] = { 0 };

    for (uint64_t i = 0; i < count; i += SYMS_AT_ONCE) {
        size_t n = count - i < SYMS_AT_ONCE ? (size_t)(count - i) : SYMS_AT_ONCE;
        int rc = load_file_read(file, table->sh_offset + i * sizeof(syms[0]), syms,
                                n * sizeof(syms[0]), err);

        for (size_t k = 0; rc == 0 && k < n; k++) {
            bool match = false;

            if (syms[k].st_shndx != SHN_UNDEF)
                rc = name_matches(file, strings, syms[k].st_name, symbol, &match, err);
            if (match) {
                *ret_value = syms[k].st_value;
                return 0;
            }
        }
        if (rc < 0)
            return rc;
    }
    return error_set(err, ENOENT, "'%s' has no symbol '%s'", load_file_name(file), symbol);
}

int load_elf_symbol(struct load_file *file, const char *symbol, uint64_t *ret_value,
                    struct error *err)
{
    Elf64_Ehdr eh;
    int rc = read_header(file, &eh, err);

    if (rc < 0)
        return rc;
    if (eh.e_shentsize != sizeof(Elf64_Shdr) || eh.e_shnum > MAX_SECTIONS)
        return error_set(err, ENOENT, "'%s' has no section headers we can read, so no symbols",
                         load_file_name(file));
    for (unsigned i = 0; i < eh.e_shnum; i++) {
        Elf64_Shdr table, strings;

        rc = read_section(file, &eh, i, &table, err);
        if (rc < 0)
            return rc;
        if (table.sh_type != SHT_SYMTAB || table.sh_link >= eh.e_shnum)
            continue;
        rc = read_section(file, &eh, table.sh_link, &strings, err);
        if (rc < 0)
            return rc;
        if (strings.sh_type == SHT_STRTAB)
            return search_symbols(file, &table, &strings, symbol, ret_value, err);
    }
    return error_set(err, ENOENT, "'%s' has no symbol table (stripped?)", load_file_name(file));
}

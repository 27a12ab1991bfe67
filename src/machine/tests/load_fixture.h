/* machine/tests/load_fixture.h - a guest of 16 MiB, and images put together in memory. */
#ifndef MACHINE_TESTS_LOAD_FIXTURE_H
#define MACHINE_TESTS_LOAD_FIXTURE_H

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "machine/load.h"

#define GUEST_BASE 0x80000000u
#define GUEST_SIZE ((size_t)16 << 20)

struct guest {
    struct mem_region root, ram;
    struct ram_block *block;
    struct mem_space *space;
    struct load_extent extent;
};

static inline bool guest_init(struct guest *g, struct error *err)
{
    mem_thread_register();
    if (ram_block_new(&g->block, "guest", GUEST_SIZE, err) < 0)
        return false;
    mem_region_init_container(&g->root, "root", UINT64_MAX);
    mem_region_init_ram(&g->ram, "ram", g->block, 0, GUEST_SIZE);
    if (mem_space_new(&g->space, &g->root, err) < 0)
        return false;
    mem_region_add(&g->root, GUEST_BASE, &g->ram, 0);
    g->extent = (struct load_extent){ GUEST_BASE, GUEST_SIZE, "RAM" };
    return true;
}

static inline void guest_fini(struct guest *g)
{
    mem_region_del(&g->ram);
    mem_space_free(g->space);
    mem_barrier();
    mem_region_fini(&g->ram);
    ram_block_unref(g->block);
    mem_thread_unregister();
}

static inline void put(uint8_t *at, uint64_t val, unsigned size)
{
    memcpy(at, &val, size);
}

enum { IMAGE_LEN = 4096, PE_AT = 0x80 };

/* A RISC-V Image with an EFI stub, filled with a pattern behind its headers. */
static inline void make_image(uint8_t image[IMAGE_LEN])
{
    for (size_t i = 0; i < IMAGE_LEN; i++)
        image[i] = (uint8_t)(i * 31 + 7);
    memset(image, 0, 64);
    memcpy(image, "MZ", 2);
    put(image + 8, 0x200000, 8); /* text_offset */
    put(image + 16, 0x10000, 8); /* image_size */
    put(image + 32, 2, 4);       /* version 0.2 */
    memcpy(image + 48, "RISCV\0\0\0", 8);
    memcpy(image + 56, "RSC\x05", 4);
    put(image + 60, PE_AT, 4);
    memset(image + PE_AT, 0, 24); /* no sections */
    memcpy(image + PE_AT, "PE\0\0", 4);
    put(image + PE_AT + 4, 0x5064, 2);
}

/* gzip of a buffer; *ret_len bytes, to be freed. NULL when zlib fails. */
static inline uint8_t *make_gzip(const void *bytes, size_t len, size_t *ret_len)
{
    z_stream z = { 0 };
    size_t room;
    uint8_t *out;

    *ret_len = 0;
    if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    room = deflateBound(&z, len);
    out = malloc(room);
    z.next_in = (Bytef *)(uintptr_t)bytes;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)room;
    if (out != NULL && deflate(&z, Z_FINISH) != Z_STREAM_END) {
        free(out);
        out = NULL;
    }
    *ret_len = room - z.avail_out;
    deflateEnd(&z);
    return out;
}

/* An EFI zboot image round a payload. */
static inline uint8_t *make_zboot(const char *method, const uint8_t *payload, size_t len,
                                  size_t *ret_len)
{
    uint8_t *out = calloc(1, 512 + len);

    *ret_len = 0;
    if (out == NULL)
        return NULL;
    memcpy(out, "MZ\0\0zimg", 8);
    put(out + 8, 512, 4);
    put(out + 12, len, 4);
    memcpy(out + 24, method, strlen(method));
    memcpy(out + 512, payload, len);
    *ret_len = 512 + len;
    return out;
}

/* An executable of two segments, a symbol table and its strings. */
struct elf_file {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[2];
    uint8_t text[256];
    uint8_t data[64];
    Elf64_Sym syms[3];
    char strings[32];
    Elf64_Shdr sh[3];
};

static inline void make_elf(struct elf_file *elf)
{
    memset(elf, 0, sizeof(*elf));
    memcpy(elf->eh.e_ident, ELFMAG, SELFMAG);
    elf->eh.e_ident[EI_CLASS] = ELFCLASS64;
    elf->eh.e_ident[EI_DATA] = ELFDATA2LSB;
    elf->eh.e_ident[EI_VERSION] = EV_CURRENT;
    elf->eh.e_type = ET_EXEC;
    elf->eh.e_machine = EM_RISCV;
    elf->eh.e_version = EV_CURRENT;
    elf->eh.e_entry = GUEST_BASE + 0x10;
    elf->eh.e_phoff = offsetof(struct elf_file, ph);
    elf->eh.e_shoff = offsetof(struct elf_file, sh);
    elf->eh.e_ehsize = sizeof(Elf64_Ehdr);
    elf->eh.e_phentsize = sizeof(Elf64_Phdr);
    elf->eh.e_phnum = 2;
    elf->eh.e_shentsize = sizeof(Elf64_Shdr);
    elf->eh.e_shnum = 3;
    elf->ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
                               .p_offset = offsetof(struct elf_file, text),
                               .p_vaddr = GUEST_BASE,
                               .p_paddr = GUEST_BASE,
                               .p_filesz = sizeof(elf->text),
                               .p_memsz = sizeof(elf->text) };
    elf->ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
                               .p_offset = offsetof(struct elf_file, data),
                               .p_vaddr = GUEST_BASE + 0x1000,
                               .p_paddr = GUEST_BASE + 0x1000,
                               .p_filesz = sizeof(elf->data),
                               .p_memsz = 0x2000 };
    memset(elf->text, 0x13, sizeof(elf->text));
    memset(elf->data, 0xdd, sizeof(elf->data));
    memcpy(elf->strings, "\0tohost\0fromhost\0undefined", 26);
    elf->syms[0].st_name = 17; /* undefined: not to be found */
    elf->syms[1] = (Elf64_Sym){ .st_name = 1, .st_shndx = 1, .st_value = GUEST_BASE + 0x1000 };
    elf->syms[2] = (Elf64_Sym){ .st_name = 8, .st_shndx = 1, .st_value = GUEST_BASE + 0x1040 };
    elf->sh[1] = (Elf64_Shdr){ .sh_type = SHT_SYMTAB,
                               .sh_offset = offsetof(struct elf_file, syms),
                               .sh_size = sizeof(elf->syms),
                               .sh_link = 2,
                               .sh_entsize = sizeof(Elf64_Sym) };
    elf->sh[2] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
                               .sh_offset = offsetof(struct elf_file, strings),
                               .sh_size = sizeof(elf->strings) };
}

#endif

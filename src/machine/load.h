/* machine/load.h - from files on the host to bytes in guest RAM.
 *
 * Files are what users give: every number in them is checked against the file and against RAM
 * before it is used, and what does not fit is an error sentence, never a guess. Nothing is
 * written to the guest before everything that could be checked has been.
 *
 * A load_file stays open for the life of a machine, so that a reset can load again from the same
 * file, even if its name has gone since; it holds no copy of the bytes. All load functions may
 * be called any number of times. The calling thread must be registered with mem/.
 */
#ifndef MACHINE_LOAD_H
#define MACHINE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/types.h"
#include "mem/space.h"

struct load_file;

/* A stretch of guest-physical addresses and what it is, for messages: "initrd 'i.gz'". */
struct load_extent {
    gpa_t start;
    uint64_t size; /* bytes; start + size does not wrap */
    const char *what;
};

/* -errno with a sentence for a missing, unreadable or empty file, a directory, a pipe. */
int load_file_open(struct load_file **ret_file, const char *path, struct error *err) NODISCARD;
/* Bytes in memory as a file; not copied, they must outlive it. `name` is for messages, copied. */
int load_file_bytes(struct load_file **ret_file, const char *name, const void *bytes, size_t len,
                    struct error *err) NODISCARD;
void load_file_free(struct load_file *file); /* NULL is fine */
uint64_t load_file_size(const struct load_file *file);
const char *load_file_name(const struct load_file *file);
/* Exactly len bytes from off on, or an error (file too short, read error). */
int load_file_read(struct load_file *file, uint64_t off, void *buf, size_t len,
                   struct error *err) NODISCARD;
bool load_file_is_gzip(struct load_file *file);
/* The gzip stream in [off, off + len) as a file of its own, its bytes in host memory until it is
 * freed. At most `limit` bytes come out: more is -EFBIG. */
int load_file_unpack(struct load_file **ret_file, struct load_file *file, uint64_t off,
                     uint64_t len, uint64_t limit, struct error *err) NODISCARD;
/* Copies [off, off + len) of the file to guest RAM. -EFAULT where the guest has no RAM. */
int load_file_copy(struct load_file *file, uint64_t off, uint64_t len, struct mem_space *space,
                   gpa_t gpa, struct error *err) NODISCARD;

enum load_format { LOAD_IMAGE, LOAD_ELF, LOAD_RAW };

struct load_result {
    enum load_format format;
    gpa_t entry;
    struct load_extent extent; /* all it takes of RAM, zero-initialised data included */
};

/* A kernel of any kind we know, found out by looking: a RISC-V Linux Image (with or without an
 * EFI stub), the same compressed by gzip or as an EFI zboot image with a gzip payload, or an
 * ELF64 executable. An Image goes to ram->start + its text_offset. */
int load_kernel(struct load_file *file, struct mem_space *space, const struct load_extent *ram,
                struct load_result *ret_result, struct error *err) NODISCARD;
/* Firmware: an ELF goes where it says, anything else is raw and goes to `at`; either may be
 * compressed by gzip. */
int load_firmware(struct load_file *file, struct mem_space *space, const struct load_extent *ram,
                  gpa_t at, struct load_result *ret_result, struct error *err) NODISCARD;
/* ELF64 little-endian RISC-V: PT_LOAD segments at p_paddr; the entry, where it is a virtual
 * address of a segment, is turned into the physical one. */
int load_elf(struct load_file *file, struct mem_space *space, const struct load_extent *ram,
             struct load_result *ret_result, struct error *err) NODISCARD;
bool load_file_is_elf(struct load_file *file);
/* The value of the symbol in the file's symbol table; -ENOENT when there is no such symbol. */
int load_elf_symbol(struct load_file *file, const char *symbol, uint64_t *ret_value,
                    struct error *err) NODISCARD;
/* The whole file to `at`. */
int load_raw(struct load_file *file, struct mem_space *space, const struct load_extent *ram,
             gpa_t at, struct load_result *ret_result, struct error *err) NODISCARD;

/* Where Linux wants the initrd: 2 MiB aligned, behind everything in `taken` (firmware,
 * kernel), or, when that leaves no room, in the lowest gap. Decides only; load_raw() copies. The
 * device tree comes after it: load_place_fdt() with the initrd among `taken`. */
int load_place_initrd(const struct load_extent *ram, const struct load_extent *taken, size_t count,
                      uint64_t size, gpa_t *ret_gpa, struct error *err) NODISCARD;
/* And the device tree: 2 MiB aligned, as high as it can be in the part of RAM that every boot
 * stage can reach (below 3 GiB where RAM begins below), apart from everything in `taken`. */
int load_place_fdt(const struct load_extent *ram, const struct load_extent *taken, size_t count,
                   uint64_t size, gpa_t *ret_gpa, struct error *err) NODISCARD;
/* Error naming the first two that overlap. */
int load_check_apart(const struct load_extent *extents, size_t count, struct error *err) NODISCARD;

#endif

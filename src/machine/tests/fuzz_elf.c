/* machine/tests/fuzz_elf.c - libFuzzer: any bytes as an ELF file, its segments and its symbols. */
#include "machine/tests/load_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct guest guest;
    struct load_result result;
    struct load_file *file;
    struct error err;
    uint64_t value;

    if (guest.space == NULL && !guest_init(&guest, &err))
        abort();
    if (load_file_bytes(&file, "fuzz", data, size, &err) < 0)
        abort();
    if (load_elf(file, guest.space, &guest.extent, &result, &err) == 0 &&
        (result.extent.start < GUEST_BASE || result.extent.size > GUEST_SIZE ||
         result.extent.start - GUEST_BASE > GUEST_SIZE - result.extent.size ||
         result.entry - result.extent.start >= result.extent.size))
        abort();
    (void)!load_elf_symbol(file, "tohost", &value, &err);
    load_file_free(file);
    return 0;
}

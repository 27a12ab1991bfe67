/* machine/tests/fuzz_image.c - libFuzzer: any bytes as a kernel, as firmware and as an initrd. */
#include "machine/tests/load_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct guest guest;
    struct load_result result;
    struct load_file *file;
    struct error err;

    if (guest.space == NULL && !guest_init(&guest, &err))
        abort();
    if (load_file_bytes(&file, "fuzz", data, size, &err) < 0)
        abort();
    if (load_kernel(file, guest.space, &guest.extent, &result, &err) == 0) {
        /* What it says it takes is RAM, and the entry is in it. */
        if (result.extent.start < GUEST_BASE || result.extent.size > GUEST_SIZE ||
            result.extent.start - GUEST_BASE > GUEST_SIZE - result.extent.size ||
            result.entry - result.extent.start >= result.extent.size)
            abort();
    } else if (err.text[0] == '\0') {
        abort();
    }
    if (load_firmware(file, guest.space, &guest.extent, GUEST_BASE, &result, &err) < 0 &&
        err.text[0] == '\0')
        abort();
    load_file_free(file);
    return 0;
}

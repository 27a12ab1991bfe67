/* machine/tests/fuzz_fdt.c - libFuzzer: any bytes as a user's device tree, then changed by us. */
#include <stdlib.h>
#include <string.h>

#include "machine/fdt.h"
#include "machine/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct load_file *file;
    struct dt_blob blob;
    struct error err;

    if (load_file_bytes(&file, "fuzz", data, size, &err) < 0)
        abort();
    if (dt_blob_load(&blob, file, &err) == 0) {
        const char *args;
        size_t len;

        if (dt_set_string(&blob, "/chosen", "bootargs", "console=ttyS0", &err) == 0 &&
            dt_set_u64(&blob, "/chosen", "linux,initrd-start", 1, &err) == 0) {
            args = dt_get(&blob, "/chosen", "bootargs", &len);
            if (args == NULL || len != 14 || strcmp(args, "console=ttyS0") != 0)
                abort();
        }
        dt_blob_fini(&blob);
    }
    load_file_free(file);
    return 0;
}

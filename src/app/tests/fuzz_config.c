/* app/tests/fuzz_config.c - a config file's text. */
#include "app/options.h"
#include "app/tests/options_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct options options;
    struct error err = { .text = "" };
    int rc;

    options_init(&options);
    rc = config_file_parse(&options, "vm.json", (const char *)data, size, &err);
    if (rc == 0)
        rc = options_check(&options, &err);
    check_outcome(&options, rc, &err);
    options_fini(&options);
    return 0;
}

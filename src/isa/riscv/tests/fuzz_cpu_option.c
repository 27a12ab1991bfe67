/* Any text for --cpu: taken or refused with a sentence; what is taken makes sense. */
#include <stdlib.h>
#include <string.h>

#include "isa/riscv/cpu_option.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct isa_config config = { 0 };
    struct error err = { 0 };
    char *text = malloc(size + 1), name[512];

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (isa_parse_cpu(text, &config, &err) < 0) {
        if (err.code >= 0 || err.text[0] == '\0' || strchr(err.text, '\n'))
            abort();
    } else if (!isa_has(&config, ISA_EXT_I) ||
               (isa_has(&config, ISA_EXT_D) && !isa_has(&config, ISA_EXT_F)) ||
               isa_string(&config, name, sizeof(name)) != strlen(name) + 1) {
        abort();
    }
    free(text);
    return 0;
}

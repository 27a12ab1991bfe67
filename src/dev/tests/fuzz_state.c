/* dev/tests/fuzz_state.c - state_load() on arbitrary bytes: refused or loaded, nothing else. */
#include <stdlib.h>

#include "dev/state.h"

struct fuzzed {
    struct device dev;
    uint8_t a[4];
    uint32_t b;
    bool c;
};

static const struct state_field fuzzed_state[] = { STATE_BYTES(struct fuzzed, a),
                                                   STATE_UINT(struct fuzzed, b),
                                                   STATE_BOOL_V(struct fuzzed, c, 2), STATE_END };
static const struct device_ops fuzzed_ops = { .type = "f",
                                              .state = fuzzed_state,
                                              .state_version = 2,
                                              .device_offset = offsetof(struct fuzzed, dev) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzzed f = { 0 }, g = { 0 };
    struct strbuf sb;

    device_init(&f.dev, &fuzzed_ops, "f");
    device_init(&g.dev, &fuzzed_ops, "g");
    if (state_load(&f.dev, data, size, NULL) == 0) {
        strbuf_init(&sb);
        if (state_save(&f.dev, &sb, NULL) != 0 ||
            state_load(&g.dev, strbuf_str(&sb), strbuf_len(&sb), NULL) != 0 ||
            state_diff(&f.dev, &g.dev) != NULL)
            abort();
        strbuf_fini(&sb);
    }
    device_fini(&f.dev);
    device_fini(&g.dev);
    return 0;
}

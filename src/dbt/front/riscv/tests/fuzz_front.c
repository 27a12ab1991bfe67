/*
 * dbt/front/riscv/tests/fuzz_front.c - any bytes, in any mode, with any extensions, become IR the
 * verifier accepts. Input: mode (2 bytes), extensions left out (8), size of the first page's part
 * and limit of instructions (1 each), then code.
 */
#include <stdlib.h>
#include <string.h>

#include "dbt/front/riscv/front.h"

enum { HEAD = 12, PAGE = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ir_block ir;
    _Alignas(4) uint8_t page[PAGE], next[2];
    struct isa_config isa;
    uint64_t without;
    char why[200];
    struct front_source source = { .bytes = page, .isa = &isa };

    if (size < HEAD + 4 || size - HEAD > PAGE)
        return 0;
    isa_config_default(&isa);
    memcpy(&without, data + 2, sizeof(without));
    isa.ext &= ~without;
    source.mode = (data[0] | (unsigned)data[1] << 8) & 0x1ff;
    if ((source.mode & FRONT_PRIV_MASK) == 2)
        source.mode |= FRONT_PRIV_MASK;
    source.max_insns = 1 + data[11] % IR_MAX_INSNS;
    memcpy(page, data + HEAD, size - HEAD);
    memcpy(next, data + size - 2, 2);
    source.size = (unsigned)(size - HEAD) & ~1u;
    if (data[10] & 1) {
        source.size = 2;
        source.next_page = data[10] & 2 ? next : NULL;
    }
    if (!front_translate(&source, &ir)) {
        if (source.next_page || source.size > 2 || ir.count != 0)
            abort();
        return 0;
    }
    if (!ir_verify(&ir, why, sizeof(why)) || ir.insns > source.max_insns)
        abort();
    return 0;
}

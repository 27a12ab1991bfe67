/* Any words, under any extensions: both decoders agree, what decodes encodes back to a word that
 * decodes to the same, and the disassembler stays inside its buffer. */
#include <stdlib.h>
#include <string.h>

#include "isa/riscv/insn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(uint32_t raw, const struct isa_config *config)
{
    struct insn fast, slow, back;
    uint32_t bits;
    char text[80];

    insn_decode(raw, config, &fast);
    insn_decode_slow(raw, config, &slow);
    if (fast.row != slow.row || fast.id != slow.id || fast.imm != slow.imm || fast.rd != slow.rd ||
        fast.rs1 != slow.rs1 || fast.rs2 != slow.rs2 || fast.rs3 != slow.rs3 ||
        fast.rm != slow.rm || fast.aq != slow.aq || fast.rl != slow.rl || fast.csr != slow.csr ||
        fast.raw != slow.raw || fast.length != slow.length)
        abort();
    memset(text, 0x7f, sizeof(text));
    insn_disasm(&fast, raw, text, sizeof(text));
    if (strlen(text) + 1 >= sizeof(text)) /* the longest fits with room to spare */
        abort();
    if (fast.row == INSN_ILLEGAL)
        return;
    bits = insn_encode(&fast);
    insn_decode(bits, config, &back);
    if (back.row != fast.row || back.imm != fast.imm || back.rd != fast.rd)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct isa_config config = { .mmu = ISA_MMU_SV57 };

    if (size < sizeof(config.ext))
        return 0;
    memcpy(&config.ext, data, sizeof(config.ext));
    config.ext |= 1u << ISA_EXT_I;
    for (size_t at = sizeof(config.ext); at + 4 <= size && at < 4096; at += 4) {
        uint32_t raw;

        memcpy(&raw, data + at, sizeof(raw));
        check(raw, &config);
    }
    return 0;
}

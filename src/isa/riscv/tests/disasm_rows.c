/* Prints words and how we disassemble them, for check_disasm.py: "ROW LENGTH HEX TEXT". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "isa/riscv/insn.h"

enum { WORDS_PER_ROW = 20 };

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 32);
}

int main(void)
{
    struct isa_config config;
    uint64_t seed = 4;

    isa_config_default(&config);
    for (unsigned row = 1; row < INSN_ROW_COUNT; row++) {
        const struct insn_info *info = &insn_info[row];

        for (unsigned good = 0, tries = 0; good < WORDS_PER_ROW && tries < 1000; tries++) {
            struct insn insn;
            char text[80];

            insn_decode((next_random(&seed) & ~info->mask) | info->match, &config, &insn);
            if (insn.row != row)
                continue;
            /* Encoded again: fields that are ignored become 0, but fence's are operands. */
            if (row == INSN_FENCE) {
                insn.rd = insn.rs1 = 0;
                insn.imm &= 0xff;
            }
            insn_decode(insn_encode(&insn), &config, &insn);
            insn_disasm(&insn, 0, text, sizeof(text));
            printf("%s %u %" PRIx32 " %s\n", info->name, insn.length, insn.raw, text);
            good++;
        }
    }
    return EXIT_SUCCESS;
}

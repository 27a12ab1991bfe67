/* isa/riscv/insn.h - an instruction, decoded. Freestanding; any thread.
 *
 * All of it comes from insn.table: the row numbers (enum insn_row, generated), the decoder, the
 * operand extractors, the disassembler. A compressed row names the base instruction it expands
 * to, so what an instruction *means* is looked up by `insn.id`, always a row that is not
 * compressed; how it was written is `insn.row`.
 */
#ifndef ISA_RISCV_INSN_H
#define ISA_RISCV_INSN_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "isa/riscv/config.h"
#include "isa/riscv/insn_rows.h" /* generated: enum insn_row { INSN_ILLEGAL, INSN_LUI, ... } */

/* What a row's `effects` column says; the translator asks this, never a list of its own. */
enum insn_effect {
    INSN_LOAD = 1 << 0,    /* may fault on a read of memory */
    INSN_STORE = 1 << 1,   /* may fault on a write (AMOs, SC too) */
    INSN_BRANCH = 1 << 2,  /* conditional, pc-relative */
    INSN_JUMP = 1 << 3,    /* leaves always */
    INSN_SYSTEM = 1 << 4,  /* may change modes, CSRs, translation, or sleep: ends a block */
    INSN_FP = 1 << 5,      /* illegal when mstatus.FS is off */
    INSN_FPWRITE = 1 << 6, /* writes an f-register or fflags: makes FS dirty */
    INSN_RM = 1 << 7,      /* has a rounding mode field; dynamic needs a valid frm */
};

struct insn_info {
    const char *name;
    uint32_t mask, match;
    uint8_t length;       /* 2 or 4 bytes */
    uint8_t fmt;          /* generated enum insn_fmt */
    uint8_t ext;          /* enum isa_ext that brings it */
    uint8_t ext2;         /* a second one that must be there too, or the same */
    uint8_t rv_effects;   /* enum insn_effect bits */
    uint16_t base;        /* the row it expands to; itself when not compressed */
    const char *operands; /* how the disassembler prints them: insn.table's text */
};
extern const struct insn_info insn_info[INSN_ROW_COUNT];

struct insn {
    uint16_t id;    /* enum insn_row, never compressed; INSN_ILLEGAL when nothing matches */
    uint16_t row;   /* enum insn_row as encoded */
    uint8_t length; /* bytes */
    uint8_t rd, rs1, rs2, rs3; /* 0..31; 0 where the format has none */
    uint8_t rm;                /* rounding mode field */
    uint8_t aq, rl;
    uint16_t csr; /* CSR number */
    /* The value that is added: sign-extended, scaled, lui's and auipc's shifted up by 12. Shift
     * amounts, CSR immediates (zimm) and the 12 bits of fence (fm, pred, succ) are here too. */
    int64_t imm;
    uint32_t raw; /* the bits; upper half 0 when compressed */
};

/* raw: 32 bits as fetched, little endian; for a compressed one the upper half is ignored.
 * Writes *ret_insn always; returns ret_insn->id. Rows whose extensions `config` lacks do not
 * match. Reserved encodings (e.g. rm 5 and 6, c.addi4spn 0) are INSN_ILLEGAL. */
enum insn_row insn_decode(uint32_t raw, const struct isa_config *config, struct insn *ret_insn);
/* The slow linear match over the table: the oracle for the one above. */
enum insn_row insn_decode_slow(uint32_t raw, const struct isa_config *config,
                               struct insn *ret_insn);
/* The inverse: the bits for these operands (insn->row and operand fields); for tests and
 * generators of random programs. 0 when they do not fit the format. */
uint32_t insn_encode(const struct insn *insn);
/* "addi a0,sp,16"; pc makes branch targets absolute. Always terminates. */
void insn_disasm(const struct insn *insn, uint64_t pc, char *buf, size_t size);

static inline unsigned insn_length(uint16_t first_half)
{
    return (first_half & 3) == 3 ? 4 : 2;
}

#endif

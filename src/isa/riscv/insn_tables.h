/* isa/riscv/insn_tables.h - what gen_insn.py makes beside insn_info[]; for isa/riscv/insn*.c and
 * its tests only.
 *
 * The slow decoder interprets these tables; the fast one is generated code that does not look at
 * them. A mistake in either shows as a difference between the two.
 */
#ifndef ISA_RISCV_INSN_TABLES_H
#define ISA_RISCV_INSN_TABLES_H

#include "isa/riscv/insn.h"

enum insn_operand_kind {
    INSN_OPERAND_NONE,
    INSN_OPERAND_RD,
    INSN_OPERAND_RS1,
    INSN_OPERAND_RS2,
    INSN_OPERAND_RS3,
    INSN_OPERAND_RM,
    INSN_OPERAND_AQ,
    INSN_OPERAND_RL,
    INSN_OPERAND_CSR,
    INSN_OPERAND_IMM,
};

enum { INSN_MAX_OPERANDS = 7, INSN_MAX_PIECES = 8 };

struct insn_piece {
    uint8_t hi, lo; /* bits of the instruction */
    uint8_t at;     /* where the lowest of them goes in the value */
};

/* An operand of a format: the value in its pieces plus `plus`. No pieces: the constant `plus`. */
struct insn_operand {
    uint8_t kind; /* enum insn_operand_kind; NONE ends the list */
    uint8_t is_signed, width, plus, piece_count;
    struct insn_piece pieces[INSN_MAX_PIECES];
};
extern const struct insn_operand insn_operands[INSN_FMT_COUNT][INSN_MAX_OPERANDS];

/* `row` is reserved, or another row's, unless the operand is even, or is not `val`. */
struct insn_condition {
    uint16_t row;
    uint8_t operand, even;
    int32_t val;
};
extern const struct insn_condition insn_conditions[]; /* INSN_ILLEGAL ends */

/* Pairs: a special case, and the general row it takes words from. */
extern const uint16_t insn_specials[][2]; /* INSN_ILLEGAL ends */

/* The operand bits, without the fixed ones; excess bits of operands are cut off. */
uint32_t insn_pack(enum insn_fmt fmt, const struct insn *in);

int64_t insn_operand_get(const struct insn *insn, enum insn_operand_kind kind);

#endif

/* isa/riscv/insn.c - the slow decoder, and the encoder.
 *
 * insn_decode() is generated code (insn_gen.c, from insn.table). insn_decode_slow() finds the same
 * answer by looking at every row and interpreting piece tables: it is what the fast one is
 * compared with, and what insn_encode() checks its work by. Both are freestanding and pure.
 */
#include "isa/riscv/insn.h"

#include <stdbool.h>

#include "isa/riscv/insn_tables.h"

int64_t insn_operand_get(const struct insn *insn, enum insn_operand_kind kind)
{
    switch (kind) {
    case INSN_OPERAND_RD:
        return insn->rd;
    case INSN_OPERAND_RS1:
        return insn->rs1;
    case INSN_OPERAND_RS2:
        return insn->rs2;
    case INSN_OPERAND_RS3:
        return insn->rs3;
    case INSN_OPERAND_RM:
        return insn->rm;
    case INSN_OPERAND_AQ:
        return insn->aq;
    case INSN_OPERAND_RL:
        return insn->rl;
    case INSN_OPERAND_CSR:
        return insn->csr;
    case INSN_OPERAND_IMM:
        return insn->imm;
    case INSN_OPERAND_NONE:
        break;
    }
    return 0;
}

static void operand_set(struct insn *insn, enum insn_operand_kind kind, int64_t val)
{
    switch (kind) {
    case INSN_OPERAND_RD:
        insn->rd = (uint8_t)val;
        break;
    case INSN_OPERAND_RS1:
        insn->rs1 = (uint8_t)val;
        break;
    case INSN_OPERAND_RS2:
        insn->rs2 = (uint8_t)val;
        break;
    case INSN_OPERAND_RS3:
        insn->rs3 = (uint8_t)val;
        break;
    case INSN_OPERAND_RM:
        insn->rm = (uint8_t)val;
        break;
    case INSN_OPERAND_AQ:
        insn->aq = (uint8_t)val;
        break;
    case INSN_OPERAND_RL:
        insn->rl = (uint8_t)val;
        break;
    case INSN_OPERAND_CSR:
        insn->csr = (uint16_t)val;
        break;
    case INSN_OPERAND_IMM:
        insn->imm = val;
        break;
    case INSN_OPERAND_NONE:
        break;
    }
}

static void extract_slow(uint32_t raw, unsigned fmt, struct insn *insn)
{
    for (const struct insn_operand *op = insn_operands[fmt]; op->kind != INSN_OPERAND_NONE; op++) {
        int64_t val = 0;

        for (unsigned i = 0; i < op->piece_count; i++) {
            const struct insn_piece *piece = &op->pieces[i];

            for (unsigned bit = piece->lo; bit <= piece->hi; bit++)
                val |= (int64_t)(raw >> bit & 1) << (piece->at + bit - piece->lo);
        }
        if (op->is_signed && val >> (op->width - 1))
            val -= INT64_C(1) << op->width;
        operand_set(insn, (enum insn_operand_kind)op->kind, val + op->plus);
    }
}

static bool conditions_hold(unsigned row, const struct insn *insn)
{
    for (const struct insn_condition *c = insn_conditions; c->row != INSN_ILLEGAL; c++) {
        int64_t val = insn_operand_get(insn, (enum insn_operand_kind)c->operand);

        if (c->row == row && (c->even ? (val & 1) != 0 : val == c->val))
            return false;
    }
    return true;
}

static bool is_special_of(unsigned special, unsigned general)
{
    for (const uint16_t(*pair)[2] = insn_specials; (*pair)[0] != INSN_ILLEGAL; pair++) {
        if ((*pair)[0] == special && (*pair)[1] == general)
            return true;
    }
    return false;
}

enum insn_row insn_decode_slow(uint32_t raw, const struct isa_config *config, struct insn *ret_insn)
{
    uint8_t length = (uint8_t)insn_length((uint16_t)raw);

    if (length == 2)
        raw &= 0xffff;
    *ret_insn = (struct insn){ .length = length, .raw = raw };
    for (unsigned row = INSN_ILLEGAL + 1; row < INSN_ROW_COUNT; row++) {
        const struct insn_info *info = &insn_info[row];
        struct insn candidate = { .length = length, .raw = raw };

        if (info->length != length || (raw & info->mask) != info->match ||
            !isa_has(config, (enum isa_ext)info->ext) || !isa_has(config, (enum isa_ext)info->ext2))
            continue;
        if (ret_insn->row != INSN_ILLEGAL && !is_special_of(row, ret_insn->row))
            continue;
        extract_slow(raw, info->fmt, &candidate);
        if (!conditions_hold(row, &candidate))
            continue;
        candidate.row = (uint16_t)row;
        candidate.id = info->base;
        *ret_insn = candidate;
    }
    return (enum insn_row)ret_insn->id;
}

static bool same_operands(const struct insn *a, const struct insn *b)
{
    return a->rd == b->rd && a->rs1 == b->rs1 && a->rs2 == b->rs2 && a->rs3 == b->rs3 &&
           a->rm == b->rm && a->aq == b->aq && a->rl == b->rl && a->csr == b->csr &&
           a->imm == b->imm;
}

uint32_t insn_encode(const struct insn *insn)
{
    const struct insn_info *info;
    struct insn back = { 0 };
    uint32_t raw;

    if (insn->row == INSN_ILLEGAL || insn->row >= INSN_ROW_COUNT)
        return 0;
    info = &insn_info[insn->row];
    raw = info->match | insn_pack((enum insn_fmt)info->fmt, insn);
    /* What was cut off, or contradicts a constant or a shared field, comes back different. */
    extract_slow(raw, info->fmt, &back);
    if (!same_operands(insn, &back) || !conditions_hold(insn->row, insn))
        return 0;
    return raw;
}

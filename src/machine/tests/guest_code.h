/* machine/tests/guest_code.h - guest programs written by hand, an instruction a call.
 *
 *     struct code c = { .count = 0 };
 *     code_li(&c, A0, 0x100000);
 *     code_li(&c, A1, 0x5555);
 *     code_sw(&c, A1, A0, 0);
 *
 * Encodings are those of the unprivileged manual, chapter "RV32/64G Instruction Set Listings".
 */
#ifndef MACHINE_TESTS_GUEST_CODE_H
#define MACHINE_TESTS_GUEST_CODE_H

#include <assert.h>
#include <stdint.h>

enum { CODE_WORDS = 4096 };
enum reg {
    ZERO = 0,
    SP = 2,
    T0 = 5,
    T1 = 6,
    T2 = 7,
    S0 = 8,
    S1 = 9,
    A0 = 10,
    A1 = 11,
    A2 = 12,
    A3 = 13,
    A4 = 14,
    A5 = 15,
    A6 = 16,
    A7 = 17,
};

struct code {
    uint32_t word[CODE_WORDS];
    unsigned count;
};

static inline void code_add(struct code *c, uint32_t word)
{
    assert(c->count < CODE_WORDS);
    c->word[c->count++] = word;
}

static inline void code_i(struct code *c, uint32_t op, unsigned f3, enum reg rd, enum reg rs1,
                          int imm)
{
    code_add(c, (uint32_t)imm << 20 | (uint32_t)rs1 << 15 | f3 << 12 | (uint32_t)rd << 7 | op);
}

static inline void code_s(struct code *c, unsigned f3, enum reg rs2, enum reg rs1, int imm)
{
    uint32_t i = (uint32_t)imm;

    code_add(c, (i >> 5 & 0x7f) << 25 | (uint32_t)rs2 << 20 | (uint32_t)rs1 << 15 | f3 << 12 |
                    (i & 0x1f) << 7 | 0x23);
}

static inline void code_addi(struct code *c, enum reg rd, enum reg rs1, int imm)
{
    code_i(c, 0x13, 0, rd, rs1, imm);
}

/* Any 64-bit constant, eleven bits at a time. */
static inline void code_li(struct code *c, enum reg rd, uint64_t value)
{
    code_addi(c, rd, ZERO, (int)(value >> 55));
    for (int shift = 44; shift >= 0; shift -= 11) {
        code_i(c, 0x13, 1, rd, rd, 11);                            /* slli */
        code_i(c, 0x13, 6, rd, rd, (int)(value >> shift & 0x7ff)); /* ori */
    }
}

static inline void code_add_regs(struct code *c, enum reg rd, enum reg rs1, enum reg rs2)
{
    code_add(c, (uint32_t)rs2 << 20 | (uint32_t)rs1 << 15 | (uint32_t)rd << 7 | 0x33);
}

static inline void code_slli(struct code *c, enum reg rd, enum reg rs1, int shift)
{
    code_i(c, 0x13, 1, rd, rs1, shift);
}

static inline void code_ld(struct code *c, enum reg rd, enum reg rs1, int imm)
{
    code_i(c, 0x03, 3, rd, rs1, imm);
}

static inline void code_sd(struct code *c, enum reg rs2, enum reg rs1, int imm)
{
    code_s(c, 3, rs2, rs1, imm);
}

static inline void code_sw(struct code *c, enum reg rs2, enum reg rs1, int imm)
{
    code_s(c, 2, rs2, rs1, imm);
}

static inline void code_csrr(struct code *c, enum reg rd, unsigned csr)
{
    code_i(c, 0x73, 2, rd, ZERO, (int)csr);
}

static inline void code_csrw(struct code *c, unsigned csr, enum reg rs1)
{
    code_i(c, 0x73, 1, ZERO, rs1, (int)csr);
}

static inline void code_ecall(struct code *c)
{
    code_add(c, 0x73);
}

static inline void code_wfi(struct code *c)
{
    code_add(c, 0x10500073);
}

/* A conditional branch to the word with number `target`; f3: 0 beq, 1 bne, 6 bltu. */
static inline uint32_t code_branch_word(unsigned f3, enum reg rs1, enum reg rs2, int offset)
{
    uint32_t i = (uint32_t)offset;

    return (i >> 12 & 1) << 31 | (i >> 5 & 0x3f) << 25 | (uint32_t)rs2 << 20 | (uint32_t)rs1 << 15 |
           f3 << 12 | (i >> 1 & 0xf) << 8 | (i >> 11 & 1) << 7 | 0x63;
}

static inline void code_beq(struct code *c, enum reg rs1, enum reg rs2, unsigned target)
{
    code_add(c, code_branch_word(0, rs1, rs2, 4 * ((int)target - (int)c->count)));
}

static inline void code_bne(struct code *c, enum reg rs1, enum reg rs2, unsigned target)
{
    code_add(c, code_branch_word(1, rs1, rs2, 4 * ((int)target - (int)c->count)));
}

/* A branch whose target is not known yet: code_land() puts it here. */
static inline unsigned code_bne_ahead(struct code *c, enum reg rs1, enum reg rs2)
{
    code_bne(c, rs1, rs2, c->count);
    return c->count - 1;
}

static inline void code_land(struct code *c, unsigned branch)
{
    uint32_t word = c->word[branch];

    c->word[branch] = code_branch_word(1, (enum reg)(word >> 15 & 31), (enum reg)(word >> 20 & 31),
                                       4 * ((int)c->count - (int)branch));
}

/* The end: writes `value` to the test finisher and waits. */
static inline void code_finish(struct code *c, uint32_t value)
{
    code_li(c, T0, 0x100000);
    code_li(c, T1, value);
    code_sw(c, T1, T0, 0);
    code_wfi(c);
    code_beq(c, ZERO, ZERO, c->count - 1);
}

#endif

/* dbt/back/x86_64/tests/asm_check.h - what an instruction is, as an independent disassembler
 * (capstone) reads it.
 *
 * Each instruction is checked by its mnemonic, by operands (which register of which size, which
 * memory, which immediate) and by the size of its displacement, and must be exactly the bytes
 * written. Register operands take all values; memory operands come with all pairs of base and
 * index, scales and displacements taking turns.
 */
#ifndef DBT_BACK_X86_64_TESTS_ASM_CHECK_H
#define DBT_BACK_X86_64_TESTS_ASM_CHECK_H

#include "tests/unit.h"

/* capstone has an enum x86_reg of its own. */
#define x86_reg capstone_x86_reg
#include <capstone/capstone.h>
#undef x86_reg
#include <stdio.h>
#include <string.h>

#include "dbt/back/x86_64/asm.h"

/* ---- what an instruction should be ---- */

struct want {
    int type;           /* X86_OP_* */
    unsigned size;      /* of a register or memory operand; 0: not looked at */
    unsigned reg;       /* capstone's number */
    int64_t imm;        /* compared in as many bytes as the operand has */
    struct x86_mem mem; /* the operand as given */
};

#define GPRS(suffix)                                                                               \
    X86_REG_R8##suffix, X86_REG_R9##suffix, X86_REG_R10##suffix, X86_REG_R11##suffix,              \
        X86_REG_R12##suffix, X86_REG_R13##suffix, X86_REG_R14##suffix, X86_REG_R15##suffix
static const unsigned gpr8[] = { X86_REG_AL,  X86_REG_CL,  X86_REG_DL,  X86_REG_BL, X86_REG_SPL,
                                 X86_REG_BPL, X86_REG_SIL, X86_REG_DIL, GPRS(B) };
static const unsigned gpr16[] = { X86_REG_AX, X86_REG_CX, X86_REG_DX, X86_REG_BX, X86_REG_SP,
                                  X86_REG_BP, X86_REG_SI, X86_REG_DI, GPRS(W) };
static const unsigned gpr32[] = { X86_REG_EAX, X86_REG_ECX, X86_REG_EDX, X86_REG_EBX, X86_REG_ESP,
                                  X86_REG_EBP, X86_REG_ESI, X86_REG_EDI, GPRS(D) };
static const unsigned gpr64[] = { X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX, X86_REG_RSP,
                                  X86_REG_RBP, X86_REG_RSI, X86_REG_RDI, GPRS() };

static inline struct want r(unsigned size, unsigned reg)
{
    const unsigned *file = size == 1 ? gpr8 : size == 2 ? gpr16 : size == 4 ? gpr32 : gpr64;

    return (struct want){ .type = X86_OP_REG, .size = size, .reg = file[reg] };
}

static inline struct want x(unsigned reg)
{
    return (struct want){ .type = X86_OP_REG, .reg = X86_REG_XMM0 + reg };
}

static inline struct want i(unsigned size, int64_t imm)
{
    return (struct want){ .type = X86_OP_IMM, .size = size, .imm = imm };
}

static inline struct want m(unsigned size, struct x86_mem mem)
{
    return (struct want){ .type = X86_OP_MEM, .size = size, .mem = mem };
}

/* ---- the check ---- */

static csh handle;
static cs_insn *insn;
static uint8_t buffer[64];
static struct x86_asm a;

static const uint64_t code_address = 0x10000;

static inline void start(void)
{
    if (!handle) {
        assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &handle), CS_ERR_OK);
        assert_int_equal(cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON), CS_ERR_OK);
        insn = cs_malloc(handle);
    }
    x86_init(&a, buffer, buffer + sizeof(buffer));
}

static inline bool same_mem(const x86_op_mem *mem, struct x86_mem want, const cs_x86 *detail)
{
    unsigned disp_size = want.base == X86_NONE                    ? 4
                         : want.disp == 0 && (want.base & 7) != 5 ? 0
                         : want.disp >= -128 && want.disp <= 127  ? 1
                                                                  : 4;

    if (mem->base != (want.base == X86_NONE ? X86_REG_INVALID : gpr64[want.base]))
        return false;
    /* capstone calls "no index" riz where nothing but a SIB byte could say so. */
    if (want.index == X86_NONE ? mem->index != X86_REG_INVALID && mem->index != X86_REG_RIZ
                               : mem->index != gpr64[want.index] || mem->scale != want.scale)
        return false;
    /* capstone 4 says 2, which does not exist in 64-bit mode, after an operand size prefix. */
    return mem->disp == want.disp && (detail->encoding.disp_size == disp_size ||
                                      (detail->encoding.disp_size == 2 && disp_size == 4));
}

static inline bool same_operand(const cs_x86_op *op, struct want want, const cs_x86 *detail)
{
    uint64_t mask =
        want.size >= 8 || !want.size ? UINT64_MAX : (UINT64_C(1) << (8 * want.size)) - 1;

    if ((int)op->type != want.type)
        return false;
    switch (want.type) {
    case X86_OP_REG:
        return op->reg == want.reg && (!want.size || op->size == want.size);
    case X86_OP_IMM:
        return (((uint64_t)op->imm ^ (uint64_t)want.imm) & mask) == 0;
    default:
        return same_mem(&op->mem, want.mem, detail) && (!want.size || op->size == want.size);
    }
}

static inline bool same(const char *mnemonic, unsigned count, const struct want *want)
{
    const cs_x86 *detail = &insn->detail->x86;

    if (strcmp(insn->mnemonic, mnemonic) != 0 || detail->op_count != count)
        return false;
    for (unsigned n = 0; n < count; n++)
        if (!same_operand(&detail->operands[n], want[n], detail))
            return false;
    return true;
}

/* The buffer holds one instruction, this one; empties it. */
static inline void check_insn(const char *file, int line, const char *mnemonic, unsigned count,
                              const struct want *want)
{
    const uint8_t *code = a.start;
    size_t length = (size_t)(a.at - a.start), left = length;
    uint64_t address = code_address;
    bool good = !a.overflow && cs_disasm_iter(handle, &code, &left, &address, insn) && left == 0 &&
                same(mnemonic, count, want);

    if (!good) {
        printf("%s:%d: wanted %s, %u operands; written", file, line, mnemonic, count);
        for (size_t n = 0; n < length; n++)
            printf(" %02x", buffer[n]);
        printf(": %s %s\n", insn->mnemonic, insn->op_str);
        _fail(file, line);
    }
    a.at = a.start;
}
#define CHECK(mnemonic, ...)                                                                       \
    do {                                                                                           \
        const struct want want_[] = { __VA_ARGS__ };                                               \
        check_insn(__FILE__, __LINE__, mnemonic, sizeof(want_) / sizeof(want_[0]), want_);         \
    } while (0)
#define CHECK_NONE(mnemonic) check_insn(__FILE__, __LINE__, mnemonic, 0, NULL)

/* ---- what is walked through ---- */

#define EACH(var) for (unsigned var = 0; var < 16; var++)
#define EACH_SIZE(var) for (unsigned var = 4; var <= 8; var += 4)
#define EACH_SIZE4(var) for (unsigned var = 1; var <= 8; var *= 2)

static const int32_t disps[] = { 0, 1, -1, 127, 128, -128, -129, 0x12345678, INT32_MIN };
static const int32_t imms[] = { 0,    1,      -1,         127,       128,      -128,
                                -129, 0x7fff, 0x12345678, INT32_MIN, INT32_MAX };
#define EACH_IMM(var) for (unsigned var = 0; var < sizeof(imms) / sizeof(imms[0]); var++)

/* All registers with all pairs of base and index; the rest takes turns. */
struct walk {
    unsigned step, turn; /* turn: to let what else there is take turns */
    unsigned reg;
    struct x86_mem mem;
};
static inline bool walk(struct walk *w)
{
    unsigned base, index;

    do {
        if (w->step == 16 * 17 * 17)
            return false;
        w->reg = w->step % 16;
        base = w->step / 16 % 17;
        index = w->step / 16 / 17;
        w->step++;
    } while (index == RSP);
    w->turn++; /* 4 and 9 have no common factor: all pairs come */
    w->mem = (struct x86_mem){ base == 16 ? X86_NONE : (uint8_t)base,
                               index == 16 ? X86_NONE : (uint8_t)index, (uint8_t)(1 << w->turn % 4),
                               disps[w->turn % 9] };
    return true;
}
#define EACH_MEM(w) for (struct walk w = { .step = 0 }; walk(&w);)

static inline const char *join(const char *first, const char *second)
{
    static char text[32];

    snprintf(text, sizeof(text), "%s%s", first, second);
    return text;
}

#endif

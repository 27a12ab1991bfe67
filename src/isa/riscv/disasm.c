/* isa/riscv/disasm.c - an instruction as text: "addi a0,sp,16".
 *
 * A row's operand text (insn.table) is copied, its words replaced by operands. The spelling is
 * that of GNU objdump -M no-aliases, which the test compares with; two liberties: a target is
 * printed as a bare absolute address with 0x, and the rounding mode of conversions that never
 * round is left out. Freestanding, pure.
 */
#include <stdbool.h>

#include "isa/riscv/csr.h"
#include "isa/riscv/insn.h"

struct out {
    char *buf;
    size_t size, len; /* len counts what was cut off, too */
};

static const char *const x_names[32] = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};
static const char *const f_names[32] = {
    "ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1",  "fa0",
    "fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4",  "fs5",
    "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
};
static const char *const rm_names[8] = { "rne", "rtz", "rdn", "rup", "rmm", "rm5", "rm6", "dyn" };

static void put_char(struct out *out, char c)
{
    if (out->len + 1 < out->size)
        out->buf[out->len] = c;
    out->len++;
}

static void put_text(struct out *out, const char *text)
{
    while (*text)
        put_char(out, *text++);
}

static void put_number(struct out *out, uint64_t val, unsigned base, unsigned min_digits)
{
    char digits[20];
    unsigned count = 0;

    do {
        digits[count++] = "0123456789abcdef"[val % base];
        val /= base;
    } while (val != 0 || count < min_digits);
    while (count > 0)
        put_char(out, digits[--count]);
}

static void put_hex(struct out *out, uint64_t val)
{
    put_text(out, "0x");
    put_number(out, val, 16, 1);
}

static void put_decimal(struct out *out, int64_t val)
{
    if (val < 0)
        put_char(out, '-');
    put_number(out, val < 0 ? -(uint64_t)val : (uint64_t)val, 10, 1);
}

static void put_fence_set(struct out *out, uint64_t set)
{
    if ((set & 15) == 0)
        put_char(out, '0');
    for (unsigned i = 0; i < 4; i++) {
        if (set & 8u >> i)
            put_char(out, "iorw"[i]);
    }
}

static void put_csr(struct out *out, unsigned csr)
{
    const struct csr_info *info = csr_find(csr);

    if (info != NULL)
        put_text(out, info->name);
    else
        put_hex(out, csr);
}

static bool word_is(const char *word, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++) {
        if (word[i] != name[i]) /* ends at name's terminator, which no word contains */
            return false;
    }
    return name[len] == '\0';
}

/* Prints register operand `word` ("rd", "frs2"); false when it is none. */
static bool put_register(struct out *out, const struct insn *insn, const char *word, size_t len)
{
    const char *const *names = x_names;
    unsigned number;

    if (word[0] == 'f') {
        names = f_names;
        word++;
        len--;
    }
    if (word_is(word, len, "rd"))
        number = insn->rd;
    else if (word_is(word, len, "rs1"))
        number = insn->rs1;
    else if (word_is(word, len, "rs2"))
        number = insn->rs2;
    else if (word_is(word, len, "rs3"))
        number = insn->rs3;
    else
        return false;
    put_text(out, names[number & 31]);
    return true;
}

static void put_operand(struct out *out, const struct insn *insn, uint64_t pc, const char *word,
                        size_t len)
{
    if (put_register(out, insn, word, len))
        return;
    if (word_is(word, len, "imm"))
        put_decimal(out, insn->imm);
    else if (word_is(word, len, "shamt"))
        put_hex(out, (uint64_t)insn->imm);
    else if (word_is(word, len, "uimm"))
        put_hex(out, (uint64_t)insn->imm >> 12 & 0xfffff);
    else if (word_is(word, len, "target"))
        put_hex(out, pc + (uint64_t)insn->imm);
    else if (word_is(word, len, "csr"))
        put_csr(out, insn->csr);
    else if (word_is(word, len, "pred"))
        put_fence_set(out, (uint64_t)insn->imm >> 4);
    else if (word_is(word, len, "succ"))
        put_fence_set(out, (uint64_t)insn->imm);
    else if (word_is(word, len, "rm"))
        put_text(out, rm_names[insn->rm & 7]);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static void put_operands(struct out *out, const struct insn *insn, uint64_t pc, const char *text)
{
    while (*text) {
        size_t len = 0;

        while (is_letter(text[len]))
            len++;
        if (len == 0) {
            /* The dynamic rounding mode is what is meant when none is written. */
            if (insn->rm == 7 && word_is(text, 3, ",rm"))
                return;
            put_char(out, *text++);
            continue;
        }
        put_operand(out, insn, pc, text, len);
        text += len;
    }
}

void insn_disasm(const struct insn *insn, uint64_t pc, char *buf, size_t size)
{
    const struct insn_info *info = &insn_info[insn->row < INSN_ROW_COUNT ? insn->row : 0];
    struct out out = { .buf = buf, .size = size };

    if (insn->row == INSN_ILLEGAL || insn->row >= INSN_ROW_COUNT) {
        put_text(&out, insn->length == 2 ? ".2byte 0x" : ".4byte 0x");
        put_number(&out, insn->raw, 16, insn->length == 2 ? 4 : 8);
    } else {
        put_text(&out, info->name);
        if (insn->aq || insn->rl)
            put_char(&out, '.');
        if (insn->aq)
            put_text(&out, "aq");
        if (insn->rl)
            put_text(&out, "rl");
        if (info->operands[0] != '\0')
            put_char(&out, ' ');
        put_operands(&out, insn, pc, info->operands);
    }
    if (size > 0)
        buf[out.len < size ? out.len : size - 1] = '\0';
}

/*
 * dbt/front/riscv/tests/test_rows.c - every row of insn.table has a meaning, and whatever its
 * operands are, what comes of it is well-formed IR. What the IR *says* is test_golden.c's and the
 * guest tests' business.
 */
#include "tests/unit.h"

#include "dbt/front/riscv/translate.h"

enum { ROUNDS = 400, MAX_OPS_PER_INSN = 48, WORDS = 16 };

static uint64_t random_state = 88172645463325252u;
static struct ir_block ir;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static unsigned random_mode(void)
{
    static const unsigned priv[] = { 0, 1, 3 };
    unsigned mode = (unsigned)next_random() & ~(unsigned)FRONT_PRIV_MASK & 0x1ff;

    return mode | priv[next_random() % 3];
}

static void everything(struct isa_config *isa)
{
    isa_config_default(isa);
    isa->ext = UINT64_MAX >> (64 - ISA_EXT_COUNT);
}

static void translate_and_verify(const struct front_source *source, const char *what)
{
    char why[200] = "";

    assert_true(front_translate(source, &ir));
    if (!ir_verify(&ir, why, sizeof(why)))
        fail_msg("%s: %s", what, why);
}

TEST(every_row_that_is_not_compressed_has_a_meaning)
{
    for (unsigned row = 0; row < INSN_ROW_COUNT; row++) {
        bool needs = row != INSN_ILLEGAL && insn_info[row].base == row;

        if (needs != (front_rows[row].translate != NULL))
            fail_msg("%s %s", insn_info[row].name, needs ? "has no meaning" : "needs none");
    }
}

/* Bits that are not fixed are random; those the decoder refuses or gives to another row do not
 * count, so that a test of nothing shows. */
TEST(every_row_makes_good_ir_of_random_operands)
{
    struct isa_config isa, no_c;

    everything(&isa);
    no_c = isa;
    no_c.ext &= ~(UINT64_C(1) << ISA_EXT_C);
    for (unsigned row = 1; row < INSN_ROW_COUNT; row++) {
        unsigned tried = 0;

        for (unsigned i = 0; i < 100 * ROUNDS && tried < ROUNDS; i++) {
            uint32_t code = ((uint32_t)next_random() & ~insn_info[row].mask) | insn_info[row].match;
            bool without_c = insn_info[row].length == 4 && (i & 1);
            struct insn insn;
            struct front_source source = { .bytes = (const uint8_t *)&code,
                                           .size = insn_info[row].length,
                                           .mode = random_mode(),
                                           .isa = without_c ? &no_c : &isa,
                                           .max_insns = 1 };

            (void)insn_decode(code, &isa, &insn);
            if (insn.row != row)
                continue;
            tried++;
            translate_and_verify(&source, insn_info[row].name);
            assert_int_equal(ir.insns, 1);
            assert_int_equal(ir.length, insn_info[row].length);
            assert_in_range(ir.count, 2, MAX_OPS_PER_INSN);
        }
        if (tried == 0)
            fail_msg("%s: no word decodes to it", insn_info[row].name);
    }
}

TEST(any_bytes_make_good_ir)
{
    struct isa_config isa;

    isa_config_default(&isa);
    for (unsigned i = 0; i < 20 * ROUNDS; i++) {
        uint64_t code[WORDS];
        struct front_source source = { .bytes = (const uint8_t *)code,
                                       .size = sizeof(code),
                                       .mode = random_mode(),
                                       .isa = &isa,
                                       .max_insns = 1 + (unsigned)next_random() % IR_MAX_INSNS };

        for (unsigned j = 0; j < WORDS; j++)
            code[j] = next_random();
        translate_and_verify(&source, "random bytes");
        assert_in_range(ir.insns, 1, source.max_insns);
        assert_in_range(ir.length, 2, sizeof(code));
    }
}

/* Each row of the longest kind, as often as a block takes it. */
TEST(a_block_of_the_longest_instructions_fits)
{
    struct isa_config isa;
    uint32_t code[IR_MAX_INSNS + 1];
    struct front_source source = { .bytes = (const uint8_t *)code,
                                   .size = sizeof(code),
                                   .mode = 3,
                                   .isa = &isa,
                                   .max_insns = IR_MAX_INSNS };

    everything(&isa);
    for (unsigned row = 1; row < INSN_ROW_COUNT; row++) {
        if (insn_info[row].length != 4)
            continue;
        for (unsigned i = 0; i < ARRAY_LEN(code); i++)
            code[i] = insn_info[row].match | 2u << 7 | 4u << 15 | 6u << 20;
        translate_and_verify(&source, insn_info[row].name);
    }
}

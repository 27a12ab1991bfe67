/* The decoder against its oracle, against the encoder, and against what the manual says about
 * reserved words. Random numbers come from a fixed seed: a failure repeats. */
#include "tests/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "isa/riscv/insn.h"

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static struct isa_config config_default(void)
{
    struct isa_config config;

    isa_config_default(&config);
    return config;
}

static bool same_insn(const struct insn *a, const struct insn *b)
{
    return a->id == b->id && a->row == b->row && a->length == b->length && a->rd == b->rd &&
           a->rs1 == b->rs1 && a->rs2 == b->rs2 && a->rs3 == b->rs3 && a->rm == b->rm &&
           a->aq == b->aq && a->rl == b->rl && a->csr == b->csr && a->imm == b->imm &&
           a->raw == b->raw;
}

static void compare_decoders(uint32_t raw, const struct isa_config *config)
{
    struct insn fast, slow;

    if (insn_decode(raw, config, &fast) != insn_decode_slow(raw, config, &slow) ||
        !same_insn(&fast, &slow))
        fail_msg("%#x: fast says %s, slow says %s", raw, insn_info[fast.row].name,
                 insn_info[slow.row].name);
}

TEST(every_compressed_word_decodes_as_the_oracle_says)
{
    struct isa_config config = config_default();
    struct isa_config no_d = config, no_c = config;

    no_d.ext &= ~(UINT64_C(1) << ISA_EXT_D);
    no_c.ext &= ~(UINT64_C(1) << ISA_EXT_C);
    for (uint32_t raw = 0; raw < 0x10000; raw++) {
        compare_decoders(raw, &config);
        compare_decoders(raw, &no_d);
        compare_decoders(raw, &no_c);
    }
}

TEST(random_words_decode_as_the_oracle_says)
{
    struct isa_config config = config_default();
    uint64_t seed = 1;

    for (unsigned i = 0; i < 5000000; i++) {
        uint64_t r = next_random(&seed);

        compare_decoders((uint32_t)r | 3, &config);
    }
}

TEST(words_near_valid_ones_decode_as_the_oracle_says)
{
    struct isa_config config = config_default(), some = config;
    uint64_t seed = 2;

    for (unsigned i = 0; i < 5000000; i++) {
        uint64_t r = next_random(&seed);
        const struct insn_info *info = &insn_info[1 + (r >> 32) % (INSN_ROW_COUNT - 1)];
        uint32_t raw = ((uint32_t)r & ~info->mask) | info->match;

        if (i % 4 == 1)
            raw ^= 1u << (r >> 59);
        some.ext = config.ext & (next_random(&seed) | 1u << ISA_EXT_I);
        compare_decoders(raw, i % 2 ? &config : &some);
    }
}

TEST(what_is_encoded_decodes_to_the_same_for_every_row)
{
    struct isa_config config = config_default();
    uint64_t seed = 3;

    for (unsigned row = 1; row < INSN_ROW_COUNT; row++) {
        const struct insn_info *info = &insn_info[row];
        unsigned tries = 0, good = 0;

        for (; good < 2000 && tries < 100000; tries++) {
            uint32_t raw = ((uint32_t)next_random(&seed) & ~info->mask) | info->match;
            struct insn in, back;
            uint32_t bits;

            insn_decode(raw, &config, &in);
            if (in.row != row) /* reserved, or a special case of this row */
                continue;
            good++;
            assert_int_equal(in.id, info->base);
            assert_int_equal(in.length, info->length);
            bits = insn_encode(&in);
            insn_decode(bits, &config, &back);
            in.raw = bits; /* fields that are ignored are encoded as 0 */
            if (!same_insn(&in, &back))
                fail_msg("%s: %#x came back as %#x", info->name, raw, bits);
        }
        if (good == 0)
            fail_msg("%s: no word decodes to it", info->name);
    }
}

TEST(operands_that_do_not_fit_are_not_encoded)
{
    struct insn addi = { .row = INSN_ADDI, .rd = 1, .imm = 2048 };
    struct insn odd_target = { .row = INSN_BEQ, .imm = 3 };
    struct insn far_register = { .row = INSN_C_LW, .rd = 8, .rs1 = 16, .imm = 4 };
    struct insn two_registers = { .row = INSN_C_ADDI, .rd = 8, .rs1 = 9, .imm = 4 };
    struct insn reserved = { .row = INSN_C_ADDIW, .rd = 0, .imm = 4 };
    struct insn bad_rm = { .row = INSN_FADD_S, .rm = 5 };
    struct insn odd_pair = { .row = INSN_AMOCAS_Q, .rd = 1, .rs1 = 2, .rs2 = 2 };

    assert_int_equal(insn_encode(&addi), 0);
    addi.imm = -2048;
    assert_int_equal(insn_encode(&addi), 0x80000093);
    assert_int_equal(insn_encode(&odd_target), 0);
    assert_int_equal(insn_encode(&far_register), 0);
    assert_int_equal(insn_encode(&two_registers), 0);
    assert_int_equal(insn_encode(&reserved), 0);
    assert_int_equal(insn_encode(&bad_rm), 0);
    assert_int_equal(insn_encode(&odd_pair), 0);
}

TEST(reserved_words_are_illegal)
{
    static const uint32_t words[] = {
        0x0000,     /* c.addi4spn 0: the word of all zeros */
        0xffffffff, /* the word of all ones */
        0x0008,     /* c.addi4spn s0,sp,0 */
        0x8000,     /* quadrant 0, funct3 4: Zcb, not here */
        0x2001,     /* c.addiw zero,0 */
        0x6101,     /* c.addi16sp sp,0 */
        0x6501,     /* c.lui a0,0 */
        0x9c41,     /* quadrant 1, funct6 27, 2 */
        0x9c61,     /* quadrant 1, funct6 27, 3 */
        0x4002,     /* c.lwsp zero,0 */
        0x6002,     /* c.ldsp zero,0 */
        0x8002,     /* c.jr zero */
        0x40c5d57f, /* opcode 7f: longer than 32 bits */
        0x0205251b, /* slliw with shamt[5] */
        0x04051513, /* slli with bit 26 */
        0x00c5d543, /* fmadd.s with rm 5 */
        0x00c5e553, /* fadd.s with rm 6 */
        0x04c58553, /* fadd, format 2: half arithmetic, Zfh */
        0x06c58553, /* fadd, format 3: quad */
        0x28b5152f, /* amocas.w has funct5 5: this is f5=05 f3=1 */
        0x1015252f, /* lr.w with rs2 1 */
        0x30200173, /* mret with rd 2 */
        0x00200073, /* uret */
        0x7b200073, /* dret */
        0x62000073, /* hfence.gvma */
        0x120000f3, /* sfence.vma with rd 1 */
        0x0030200f, /* cbo, operation 3 */
        0x0040208f, /* cbo.zero with rd 1 */
        0x00007003, /* load, funct3 7 */
        0x00004023, /* store, funct3 4 */
        0x00002063, /* branch, funct3 2 */
        0x00001067, /* jalr, funct3 1 */
        0x00004073, /* system, funct3 4 */
        0x0000300f, /* misc-mem, funct3 3 */
        0x00000057, /* vector */
        0xe0100053 | 2u << 12,
    };
    struct isa_config config = config_default();
    struct insn insn;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (insn_decode(words[i], &config, &insn) != INSN_ILLEGAL)
            fail_msg("%#x decodes as %s", words[i], insn_info[insn.row].name);
        assert_int_equal(insn.row, INSN_ILLEGAL);
        assert_int_equal(insn.length, (words[i] & 3) == 3 ? 4 : 2);
    }
}

TEST(hints_and_ignored_fields_decode_as_the_base_instruction)
{
    static const struct {
        uint32_t word;
        enum insn_row row;
    } cases[] = {
        { 0x0001, INSN_C_ADDI },         { 0x0005, INSN_C_ADDI }, /* c.nop, c.nop 1 */
        { 0x4005, INSN_C_LI },           { 0x6005, INSN_C_LUI },  /* rd = x0 */
        { 0x0002, INSN_C_SLLI },         { 0x8001, INSN_C_SRLI }, /* shamt 0 */
        { 0x800a, INSN_C_MV },           { 0x900a, INSN_C_ADD },  /* rd = x0 */
        { 0x0ff0000f, INSN_FENCE },      { 0x8330000f, INSN_FENCE_TSO },
        { 0x8320000f, INSN_FENCE },      { 0xf330000f, INSN_FENCE }, /* reserved fm */
        { 0x0330858f, INSN_FENCE },      { 0xfff5158f, INSN_FENCE_I },
        { 0x0100000f, INSN_PAUSE },      { 0x0106e013, INSN_ORI },
        { 0x0016e013, INSN_PREFETCH_R }, { 0x0006e013, INSN_PREFETCH_I },
        { 0x0036e013, INSN_PREFETCH_W }, { 0x0026e013, INSN_ORI },
        { 0x0006e093, INSN_ORI },
    };
    struct isa_config config = config_default();
    struct insn insn;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        insn_decode(cases[i].word, &config, &insn);
        if (insn.row != cases[i].row)
            fail_msg("%#x decodes as %s", cases[i].word, insn_info[insn.row].name);
    }
    config.ext &= ~(UINT64_C(1) << ISA_EXT_ZICBOP | UINT64_C(1) << ISA_EXT_ZIHINTPAUSE);
    assert_int_equal(insn_decode(0x0016e013, &config, &insn), INSN_ORI);
    assert_int_equal(insn_decode(0x0100000f, &config, &insn), INSN_FENCE);
}

TEST(an_extension_that_is_off_takes_its_instructions_with_it)
{
    for (unsigned row = 1; row < INSN_ROW_COUNT; row++) {
        const struct insn_info *info = &insn_info[row];
        const uint8_t exts[2] = { info->ext, info->ext2 };

        for (unsigned i = 0; i < 2; i++) {
            struct isa_config config = config_default();
            struct insn insn;

            config.ext &= ~(UINT64_C(1) << exts[i]);
            if (exts[i] == ISA_EXT_I)
                continue;
            insn_decode(info->match | (info->length == 2 ? 0x400 : 0), &config, &insn);
            assert_int_not_equal(insn.row, row);
        }
    }
}

TEST(compressed_operands_arrive_in_the_base_instruction)
{
    struct isa_config config = config_default();
    struct insn insn;

    assert_int_equal(insn_decode(0x7139, &config, &insn), INSN_ADDI); /* c.addi16sp sp,-64 */
    assert_int_equal(insn.rd, 2);
    assert_int_equal(insn.rs1, 2);
    assert_int_equal(insn.imm, -64);
    assert_int_equal(insn_decode(0x8082, &config, &insn), INSN_JALR); /* c.jr ra: ret */
    assert_int_equal(insn.rd, 0);
    assert_int_equal(insn.rs1, 1);
    assert_int_equal(insn_decode(0x9782, &config, &insn), INSN_JALR); /* c.jalr a5 */
    assert_int_equal(insn.rd, 1);
    assert_int_equal(insn.rs1, 15);
    assert_int_equal(insn_decode(0xdffff06f, &config, &insn), INSN_JAL);
    assert_int_equal(insn.imm, -514);
    assert_int_equal(insn_decode(0x7545, &config, &insn), INSN_LUI); /* c.lui a0,0xffff1 */
    assert_int_equal(insn.rd, 10);
    assert_int_equal(insn.imm, -0xf000);
    assert_int_equal(insn.raw, 0x7545);
}

static void assert_disasm(uint32_t raw, uint64_t pc, const char *expect)
{
    struct isa_config config = config_default();
    struct insn insn;
    char text[64];

    insn_decode(raw, &config, &insn);
    insn_disasm(&insn, pc, text, sizeof(text));
    assert_string_equal(text, expect);
}

TEST(instructions_read_as_an_assembler_writes_them)
{
    assert_disasm(0x01010513, 0, "addi a0,sp,16");
    assert_disasm(0xfe0008e3, 0x80000010, "beq zero,zero,0x80000000");
    assert_disasm(0x30029573, 0, "csrrw a0,mstatus,t0");
    assert_disasm(0x8082, 0, "c.jr ra");
    assert_disasm(0x06b6252f, 0, "amoadd.w.aqrl a0,a1,(a2)");
    assert_disasm(0x00c5f553, 0, "fadd.s fa0,fa1,fa2");
    assert_disasm(0x00c59553, 0, "fadd.s fa0,fa1,fa2,rtz");
    assert_disasm(0x0330000f, 0, "fence rw,rw");
    assert_disasm(0x00000513, 0, "addi a0,zero,0");
    assert_disasm(0, 0, ".2byte 0x0000");
    assert_disasm(0xffffffff, 0, ".4byte 0xffffffff");
}

TEST(text_is_cut_at_the_buffers_end)
{
    struct isa_config config = config_default();
    struct insn insn;
    char text[8] = "zzzzzzz";

    insn_decode(0x01010513, &config, &insn);
    insn_disasm(&insn, 0, text, 6);
    assert_string_equal(text, "addi ");
    assert_int_equal(text[6], 'z');
    insn_disasm(&insn, 0, text, 0);
    assert_string_equal(text, "addi ");
}

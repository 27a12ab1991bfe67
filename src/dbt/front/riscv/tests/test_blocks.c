/*
 * dbt/front/riscv/tests/test_blocks.c - where blocks end, what the mode in a block's key makes of
 * an instruction, and instructions at the end of a page.
 */
#include "tests/unit.h"

#include <string.h>

#include "dbt/front/riscv/front.h"
#include "isa/riscv/bits.h"

enum {
    C_NOP = 0x0001,
    C_EBREAK = 0x9002,
    ADDI = 0x00158593,    /* addi a1, a1, 1 */
    BEQ = 0x00b50863,     /* beq a0, a1, +16 */
    BEQ_ODD = 0x00b50163, /* beq a0, a1, +2 */
    JAL_ODD = 0x006000ef, /* jal ra, +6 */
    RET = 0x00008067,
    LW = 0x00052583,   /* lw a1, (a0) */
    CSRR = 0xc00025f3, /* csrr a1, cycle */
    ECALL = 0x00000073,
    MRET = 0x30200073,
    SRET = 0x10200073,
    WFI = 0x10500073,
    SFENCE_W_INVAL = 0x18000073,
    FADD_DYN = 0x00b57553,  /* fadd.s fa0, fa0, fa1 */
    FADD_RNE = 0x00b50553,  /* the same, rne */
    FLW = 0x00052507,       /* flw fa0, (a0) */
    FMV_X_W = 0xe0050553,   /* fmv.x.w a0, fa0 */
    CBO_INVAL = 0x0005200f, /* (a0) */
    CBO_CLEAN = 0x0015200f,
    CBO_FLUSH = 0x0025200f,
    CBO_ZERO = 0x0045200f,
    PRIV_U = 0,
    PRIV_S = 1,
    PRIV_M = 3,
};

static struct ir_block ir;
static struct isa_config isa;
static uint16_t halves[PAGE_SIZE_BYTES / 2];

static const struct ir_op *last_op(void)
{
    return &ir.op[ir.count - 1];
}

static unsigned count_of(enum ir_opcode opcode)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ir.count; i++)
        n += ir.op[i].opcode == opcode;
    return n;
}

static bool translate(unsigned size, unsigned mode, unsigned max_insns, const uint8_t *next_page)
{
    struct front_source source = { .bytes = (const uint8_t *)halves,
                                   .size = size,
                                   .next_page = next_page,
                                   .mode = mode,
                                   .isa = &isa,
                                   .max_insns = max_insns };
    char why[200] = "";

    if (!front_translate(&source, &ir))
        return false;
    if (!ir_verify(&ir, why, sizeof(why)))
        fail_msg("%s", why);
    return true;
}

/* Puts instructions one behind the other; compressed ones are below 0x10000. Bytes used. */
static unsigned put(const uint32_t *insn, unsigned count)
{
    unsigned n = 0;

    isa_config_default(&isa);
    memset(halves, 0, sizeof(halves));
    for (unsigned i = 0; i < count; i++) {
        halves[n++] = (uint16_t)insn[i];
        if ((insn[i] & 3) == 3)
            halves[n++] = (uint16_t)(insn[i] >> 16);
    }
    return 2 * n;
}
#define PUT(...)                                                                                   \
    put((const uint32_t[]){ __VA_ARGS__ }, ARRAY_LEN(((const uint32_t[]){ __VA_ARGS__ })))

static void translate_in(unsigned mode, uint32_t insn)
{
    assert_true(translate(PUT(insn, C_NOP), mode, 2, NULL));
}

static bool is_trap(unsigned cause)
{
    return last_op()->opcode == IR_TRAP && last_op()->imm == cause;
}

static int64_t trap_constant(void)
{
    const struct ir_op *tval = &ir.op[last_op()->a];

    assert_int_equal(tval->opcode, IR_CONST);
    return tval->imm;
}

TEST(a_block_ends_behind_its_branch_and_says_both_ways)
{
    assert_true(translate(PUT(ADDI, BEQ, ADDI), PRIV_U, IR_MAX_INSNS, NULL));
    assert_int_equal(ir.insns, 2);
    assert_int_equal(ir.length, 8);
    assert_int_equal(ir.op[ir.count - 2].opcode, IR_BREQ);
    assert_int_equal(ir.op[ir.count - 2].imm, 4 + 16);
    assert_int_equal(last_op()->opcode, IR_JUMP);
    assert_int_equal(last_op()->imm, 8);
}

TEST(a_block_ends_at_the_page_s_end)
{
    assert_true(translate(PUT(ADDI, C_NOP), PRIV_U, IR_MAX_INSNS, NULL));
    assert_int_equal(ir.insns, 2);
    assert_int_equal(last_op()->opcode, IR_JUMP);
    assert_int_equal(last_op()->imm, 6);
}

TEST(a_block_ends_before_an_instruction_that_straddles)
{
    static const uint8_t next[2];
    unsigned size = PUT(ADDI, ADDI) - 2;

    assert_true(translate(size, PRIV_U, IR_MAX_INSNS, next));
    assert_int_equal(ir.insns, 1);
    assert_int_equal(last_op()->opcode, IR_JUMP);
    assert_int_equal(last_op()->imm, 4);
}

TEST(an_instruction_that_straddles_is_alone_in_its_block)
{
    _Alignas(2) static const uint8_t next[4] = { 0x15, 0x00, 0x93, 0x85 }; /* upper half of ADDI */

    (void)PUT(ADDI);
    assert_false(translate(2, PRIV_U, IR_MAX_INSNS, NULL));
    assert_int_equal(ir.count, 0);
    assert_true(translate(2, PRIV_U, IR_MAX_INSNS, next));
    assert_int_equal(ir.insns, 1);
    assert_int_equal(ir.length, 4);
    assert_int_equal(count_of(IR_ADD), 1);
    assert_int_equal(last_op()->imm, 4);
}

TEST(a_compressed_instruction_in_the_last_two_bytes_needs_no_next_page)
{
    assert_true(translate(PUT(C_NOP), PRIV_U, IR_MAX_INSNS, NULL));
    assert_int_equal(ir.length, 2);
}

TEST(a_misplaced_32_bit_instruction_is_read_by_halves)
{
    assert_true(translate(PUT(C_NOP, ADDI, RET), PRIV_U, IR_MAX_INSNS, NULL));
    assert_int_equal(ir.insns, 3);
    assert_int_equal(ir.length, 10);
    assert_int_equal(last_op()->opcode, IR_JUMPREG);
    assert_int_equal(last_op()->c, IR_HINT_RETURN);
}

TEST(max_insns_is_obeyed)
{
    uint32_t code[IR_MAX_INSNS + 2];

    for (unsigned i = 0; i < ARRAY_LEN(code); i++)
        code[i] = ADDI;
    for (unsigned max = 1; max <= IR_MAX_INSNS; max++) {
        assert_true(translate(put(code, ARRAY_LEN(code)), PRIV_U, max, NULL));
        assert_int_equal(ir.insns, max);
        assert_int_equal(last_op()->imm, 4 * max);
    }
}

TEST(system_instructions_end_their_block)
{
    static const uint32_t ends[] = { CSRR, ECALL, MRET, SRET, WFI, SFENCE_W_INVAL };

    for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
        assert_true(translate(PUT(ADDI, ends[i], ADDI), PRIV_M, IR_MAX_INSNS, NULL));
        assert_int_equal(ir.insns, 2);
        assert_int_equal(ir.length, 8);
    }
}

TEST(what_is_no_instruction_traps_with_its_bits)
{
    translate_in(PRIV_M, 0xffffffff);
    assert_true(is_trap(CAUSE_ILLEGAL));
    assert_int_equal(trap_constant(), 0xffffffff);
    translate_in(PRIV_M, 0x0000); /* defined to be illegal; a nop follows */
    assert_true(is_trap(CAUSE_ILLEGAL));
    assert_int_equal(trap_constant(), 0);
    translate_in(PRIV_M, 0x8000); /* reserved, 16 bits: only those are reported */
    assert_int_equal(trap_constant(), 0x8000);
    assert_int_equal(ir.length, 2);
}

TEST(an_extension_that_is_off_is_illegal)
{
    unsigned size = PUT(FADD_RNE);

    isa.ext &= ~(UINT64_C(1) << ISA_EXT_F);
    assert_true(translate(size, PRIV_U, 1, NULL));
    assert_true(is_trap(CAUSE_ILLEGAL));
    assert_int_equal(trap_constant(), FADD_RNE);
}

TEST(ecall_s_cause_is_the_privilege_s)
{
    translate_in(PRIV_U, ECALL);
    assert_true(is_trap(CAUSE_ECALL_U));
    assert_int_equal(trap_constant(), 0);
    translate_in(PRIV_S, ECALL);
    assert_true(is_trap(CAUSE_ECALL_S));
    translate_in(PRIV_M, ECALL);
    assert_true(is_trap(CAUSE_ECALL_M));
}

TEST(built_in_firmware_answers_ecalls_from_supervisors_only)
{
    translate_in(PRIV_S | FRONT_BUILTIN_SBI, ECALL);
    assert_int_equal(last_op()->opcode, IR_LEAVEPC);
    assert_int_equal(ir.op[ir.count - 2].opcode, IR_CALL);
    assert_int_equal(ir.op[ir.count - 2].imm, IR_HELPER_sbi);
    translate_in(PRIV_U | FRONT_BUILTIN_SBI, ECALL);
    assert_true(is_trap(CAUSE_ECALL_U));
}

TEST(ebreak_reports_its_address)
{
    assert_true(translate(PUT(C_NOP, C_EBREAK), PRIV_U, 2, NULL));
    assert_true(is_trap(CAUSE_BREAKPOINT));
    assert_int_equal(ir.op[last_op()->a].opcode, IR_PC);
    assert_int_equal(ir.op[last_op()->a].imm, 2);
}

TEST(returns_from_traps_need_the_privilege)
{
    translate_in(PRIV_S, MRET);
    assert_true(is_trap(CAUSE_ILLEGAL));
    translate_in(PRIV_U, SRET);
    assert_true(is_trap(CAUSE_ILLEGAL));
    translate_in(PRIV_M, SRET);
    assert_int_equal(last_op()->opcode, IR_LEAVEPC);
    translate_in(PRIV_S, SRET);
    assert_int_equal(last_op()->opcode, IR_LEAVEPC);
    translate_in(PRIV_U, SFENCE_W_INVAL);
    assert_true(is_trap(CAUSE_ILLEGAL));
}

TEST(fp_is_illegal_while_fs_is_off)
{
    translate_in(PRIV_U | FRONT_FS_OFF, FADD_RNE);
    assert_true(is_trap(CAUSE_ILLEGAL));
    translate_in(PRIV_U | FRONT_FS_OFF, FLW);
    assert_true(is_trap(CAUSE_ILLEGAL));
    assert_int_equal(count_of(IR_LOAD), 0);
    translate_in(PRIV_U | FRONT_FS_OFF, ADDI);
    assert_int_equal(last_op()->opcode, IR_JUMP);
}

TEST(a_bad_frm_spoils_dynamic_rounding_only)
{
    translate_in(PRIV_U | FRONT_FRM_BAD, FADD_DYN);
    assert_true(is_trap(CAUSE_ILLEGAL));
    translate_in(PRIV_U | FRONT_FRM_BAD, FADD_RNE);
    assert_int_equal(count_of(IR_FADD), 1);
    translate_in(PRIV_U, FADD_DYN);
    assert_int_equal(count_of(IR_FADD), 1);
}

TEST(fs_becomes_dirty_once_a_block_and_not_where_it_is)
{
    assert_true(translate(PUT(FADD_RNE, FADD_RNE, FLW), PRIV_U, 3, NULL));
    assert_int_equal(count_of(IR_FSDIRTY), 1);
    assert_true(translate(PUT(FADD_RNE, FLW), PRIV_U | FRONT_FS_DIRTY, 2, NULL));
    assert_int_equal(count_of(IR_FSDIRTY), 0);
    translate_in(PRIV_U, FMV_X_W);
    assert_int_equal(count_of(IR_FSDIRTY), 0);
}

TEST(a_load_that_may_fault_comes_before_fs_is_dirty)
{
    unsigned load = 0, dirty = 0;

    translate_in(PRIV_U, FLW);
    for (unsigned i = 0; i < ir.count; i++) {
        load = ir.op[i].opcode == IR_LOAD ? i : load;
        dirty = ir.op[i].opcode == IR_FSDIRTY ? i : dirty;
    }
    assert_true(load != 0 && dirty > load);
}

TEST(cache_block_operations_need_permission)
{
    static const struct {
        uint32_t insn;
        unsigned permission;
    } cbo[] = { { CBO_INVAL, FRONT_CBO_INVAL },
                { CBO_CLEAN, FRONT_CBO_CLEAN },
                { CBO_FLUSH, FRONT_CBO_CLEAN },
                { CBO_ZERO, FRONT_CBO_ZERO } };
    unsigned all = FRONT_CBO_INVAL | FRONT_CBO_CLEAN | FRONT_CBO_ZERO;

    for (unsigned i = 0; i < ARRAY_LEN(cbo); i++) {
        translate_in(PRIV_U | (all & ~cbo[i].permission), cbo[i].insn);
        assert_true(is_trap(CAUSE_ILLEGAL));
        translate_in(PRIV_U | cbo[i].permission, cbo[i].insn);
        assert_int_equal(count_of(IR_CALL) + count_of(IR_CBZERO), 1);
    }
}

/* ---- without C, targets have 4-byte alignment ---- */

static void translate_without_c(uint32_t insn)
{
    unsigned size = PUT(insn);

    isa.ext &= ~(UINT64_C(1) << ISA_EXT_C);
    assert_true(translate(size, PRIV_U, 1, NULL));
}

TEST(a_misaligned_jump_traps_at_the_jump)
{
    translate_without_c(JAL_ODD);
    assert_true(is_trap(CAUSE_FETCH_MISALIGNED));
    assert_int_equal(ir.op[last_op()->a].imm, 6);
    assert_int_equal(count_of(IR_SETX), 0); /* rd is not written */
    translate_in(PRIV_U, JAL_ODD);
    assert_int_equal(last_op()->opcode, IR_JUMP);
}

TEST(a_misaligned_branch_traps_when_taken)
{
    translate_without_c(BEQ_ODD);
    assert_true(is_trap(CAUSE_FETCH_MISALIGNED));
    assert_int_equal(ir.op[last_op()->a].imm, 2);
    assert_int_equal(count_of(IR_BRNE), 1);
    for (unsigned i = 0; i < ir.count; i++)
        if (ir.op[i].opcode == IR_BRNE)
            assert_int_equal(ir.op[i].imm, 4);
}

TEST(an_indirect_jump_is_checked_before_it_writes_rd)
{
    translate_without_c(0x000500e7); /* jalr ra, a0 */
    for (unsigned i = 0; i < ir.count; i++) {
        if (ir.op[i].opcode == IR_CALL)
            break;
        assert_int_not_equal(ir.op[i].opcode, IR_SETX);
    }
    assert_int_equal(count_of(IR_CALL), 1);
    assert_int_equal(count_of(IR_SETX), 1);
}

/* The table of return-address stack hints, all of it ("RV32I", "Unconditional Jumps"). */
TEST(jumps_carry_the_manual_s_hints)
{
    static const struct {
        unsigned rd, rs1;
        enum ir_hint hint;
    } jalr[] = {
        { 0, 10, IR_HINT_NONE },       { 10, 11, IR_HINT_NONE },      { 0, 1, IR_HINT_RETURN },
        { 0, 5, IR_HINT_RETURN },      { 10, 5, IR_HINT_RETURN },     { 1, 10, IR_HINT_CALL },
        { 5, 10, IR_HINT_CALL },       { 1, 1, IR_HINT_CALL },        { 5, 5, IR_HINT_CALL },
        { 1, 5, IR_HINT_CALL_RETURN }, { 5, 1, IR_HINT_CALL_RETURN },
    };

    for (unsigned i = 0; i < ARRAY_LEN(jalr); i++) {
        translate_in(PRIV_U, 0x67u | jalr[i].rd << 7 | jalr[i].rs1 << 15);
        assert_int_equal(last_op()->opcode, IR_JUMPREG);
        assert_int_equal(last_op()->c, jalr[i].hint);
        assert_int_equal(last_op()->imm, jalr[i].hint & IR_HINT_CALL ? 4 : 0);
    }
    for (unsigned rd = 0; rd < 32; rd++) {
        translate_in(PRIV_U, 0x0100006fu | rd << 7);
        assert_int_equal(last_op()->opcode, IR_JUMP);
        assert_int_equal(last_op()->c, rd == 1 || rd == 5 ? IR_HINT_CALL : IR_HINT_NONE);
    }
}
_Static_assert((IR_HINT_CALL_RETURN & IR_HINT_CALL) && !(IR_HINT_RETURN & IR_HINT_CALL),
               "jumps_carry_the_manual_s_hints takes hints for bits");

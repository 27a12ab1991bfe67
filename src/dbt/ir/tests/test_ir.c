/*
 * dbt/ir/tests/test_ir.c - the builders keep their counts, the verifier refuses a block for each
 * rule it may break, the dump reads as documented.
 *
 * Refusals are tested by breaking a good block in one place: so a rule that is never checked, or
 * that refuses too much, shows.
 */
#include "tests/unit.h"

#include <string.h>

#include "dbt/ir/ir.h"

static struct ir_block ir;
enum { NO = IR_NONE };

/* Indices of the good block's ops. */
enum {
    AT_INSN,
    AT_GETX,
    AT_CONST,
    AT_ADDW,
    AT_SEXT,
    AT_LOAD,
    AT_STORE,
    AT_AMO,
    AT_CAS,
    AT_INSN2,
    AT_GETF,
    AT_FADD,
    AT_FMADD,
    AT_FTOI,
    AT_FCVT16,
    AT_FCVT32,
    AT_SETF,
    AT_SELECT,
    AT_CALL,
    AT_FENCE,
    AT_SETX,
    AT_BRANCH,
    AT_JUMP,
    AT_COUNT
};

static void emit(enum ir_opcode opcode, enum ir_type type, unsigned a, unsigned b, unsigned c,
                 int64_t imm)
{
    ir_emit(&ir, opcode, type, (ir_ref)a, (ir_ref)b, (ir_ref)c, imm);
}

static void good_block(void)
{
    ir_init(&ir);
    emit(IR_INSN, IR_I64, 4, NO, NO, 0);
    emit(IR_GETX, IR_I64, NO, NO, NO, 10);
    emit(IR_CONST, IR_I64, NO, NO, NO, -5);
    emit(IR_ADD, IR_I32, AT_GETX, AT_CONST, NO, 0);
    emit(IR_SEXT32, IR_I64, AT_ADDW, NO, NO, 0);
    emit(IR_LOAD, IR_I64, AT_SEXT, NO, IR_MEM_16 | IR_MEM_SIGN, -8);
    emit(IR_STORE, IR_I64, AT_SEXT, AT_LOAD, IR_MEM_8, 2);
    emit(IR_AMO, IR_I64, AT_GETX, AT_LOAD, IR_MEM_32 | IR_MEM_ACQUIRE, IR_AMO_MAXU);
    emit(IR_CAS, IR_I64, AT_GETX, AT_LOAD, AT_AMO, IR_MEM_64 | IR_MEM_RELEASE);
    emit(IR_INSN, IR_I64, 2, NO, NO, 4);
    emit(IR_GETF, IR_F32, NO, NO, NO, 0);
    emit(IR_FADD, IR_F32, AT_GETF, AT_GETF, 7, 0);
    emit(IR_FMADD, IR_F32, AT_GETF, AT_FADD, AT_GETF, 1);
    emit(IR_FTOI, IR_F32, AT_FMADD, NO, 0, IR_INT_U64);
    emit(IR_FCVT, IR_F16, AT_FMADD, NO, 4, IR_F32);
    emit(IR_FCVT, IR_F32, AT_FCVT16, NO, 0, IR_F16);
    emit(IR_SETF, IR_F32, AT_FCVT32, NO, NO, 31);
    emit(IR_SELECT, IR_I64, AT_GETX, AT_FTOI, AT_CAS, 0);
    emit(IR_CALL, IR_I64, AT_GETX, NO, NO, IR_HELPER_wfi);
    emit(IR_FENCE, IR_I64, NO, NO, NO, 0x33);
    emit(IR_SETX, IR_I64, AT_SELECT, NO, NO, 31);
    emit(IR_BRLTU, IR_I64, AT_GETX, AT_SELECT, NO, -64);
    emit(IR_JUMP, IR_I64, NO, NO, IR_HINT_CALL, 6);
}

static bool refused_because(const char *reason)
{
    char why[200] = "";

    if (ir_verify(&ir, why, sizeof(why)))
        return false;
    if (strstr(why, reason))
        return true;
    print_message("refused for another reason: %s\n", why);
    return false;
}

#define BREAK(index, field, value, reason)                                                         \
    do {                                                                                           \
        good_block();                                                                              \
        ir.op[index].field = (value);                                                              \
        assert_true(refused_because(reason));                                                      \
    } while (0)

TEST(builders_count_instructions_and_bytes)
{
    ir_init(&ir);
    assert_int_equal(ir_emit(&ir, IR_INSN, IR_I64, 4, NO, NO, 0), IR_NONE);
    assert_int_equal(ir_const(&ir, 3), 1);
    assert_int_equal(ir_emit(&ir, IR_INSN, IR_I64, 2, NO, NO, 4), IR_NONE);
    assert_int_equal(ir_un(&ir, IR_CLZ, IR_I64, 1), 3);
    assert_int_equal(ir_bin(&ir, IR_ADD, IR_I64, 1, 3), 4);
    assert_int_equal(ir_call(&ir, IR_HELPER_fence_i, NO, NO, NO), 5);
    assert_int_equal(ir.insns, 2);
    assert_int_equal(ir.length, 6);
    assert_int_equal(ir.count, 6);
}

TEST(room_is_left_for_a_whole_instruction)
{
    ir_init(&ir);
    ir.count = IR_MAX_OPS - 48;
    assert_true(ir_has_room(&ir));
    ir.count++;
    assert_false(ir_has_room(&ir));
    ir.count = 0;
    ir.insns = IR_MAX_INSNS;
    assert_false(ir_has_room(&ir));
}

TEST(a_good_block_passes)
{
    char why[200] = "";

    good_block();
    assert_int_equal(ir.count, AT_COUNT);
    if (!ir_verify(&ir, why, sizeof(why)))
        fail_msg("%s", why);
}

TEST(an_empty_or_oversized_block_is_refused)
{
    ir_init(&ir);
    assert_true(refused_because("1 to 1024 ops"));
    ir.count = IR_MAX_OPS + 1;
    assert_true(refused_because("1 to 1024 ops"));
}

TEST(a_reason_is_optional_and_truncated_to_fit)
{
    char why[8];

    ir_init(&ir);
    assert_false(ir_verify(&ir, NULL, 0));
    assert_false(ir_verify(&ir, why, sizeof(why)));
    assert_true(strlen(why) < sizeof(why));
}

TEST(opcode_and_type_must_exist_and_fit)
{
    BREAK(AT_ADDW, opcode, IR_OPCODES, "no such opcode");
    BREAK(AT_ADDW, type, IR_TYPES, "may not have type");
    BREAK(AT_ADDW, type, IR_F32, "may not have type");
    BREAK(AT_FADD, type, IR_I64, "may not have type");
    BREAK(AT_FADD, type, IR_F16, "may not have type");
    BREAK(AT_GETX, type, IR_I32, "may not have type");
    BREAK(AT_AMO, type, IR_I32, "may not have type");
    BREAK(AT_BRANCH, type, IR_I32, "may not have type");
    BREAK(AT_JUMP, type, IR_I32, "may not have type");
}

TEST(operands_must_be_earlier_values)
{
    BREAK(AT_ADDW, a, AT_ADDW, "not an earlier op");
    BREAK(AT_ADDW, b, AT_JUMP, "not an earlier op");
    BREAK(AT_ADDW, b, IR_NONE, "not an earlier op");
    BREAK(AT_ADDW, b, AT_INSN, "has no value");
    BREAK(AT_SELECT, c, AT_STORE, "has no value");
    BREAK(AT_BRANCH, b, IR_NONE, "not an earlier op");
}

TEST(operands_that_an_op_has_not_must_be_absent)
{
    BREAK(AT_GETX, a, 0, "operand a should not be there");
    BREAK(AT_ADDW, c, AT_GETX, "operand c should not be there");
    BREAK(AT_LOAD, b, AT_GETX, "operand b should not be there");
    BREAK(AT_INSN2, b, 0, "operand b should not be there");
    BREAK(AT_JUMP, a, 0, "operand a should not be there");
    BREAK(AT_CALL, b, AT_GETX, "operand b should not be there");
    BREAK(AT_CALL, a, IR_NONE, "not an earlier op");
}

TEST(operand_types_must_fit)
{
    BREAK(AT_BRANCH, a, AT_ADDW, "wrong type"); /* upper half unspecified */
    BREAK(AT_LOAD, a, AT_ADDW, "wrong type");
    BREAK(AT_SETX, a, AT_FADD, "wrong type");
    BREAK(AT_FADD, b, AT_GETX, "wrong type");
    BREAK(AT_SETF, a, AT_FCVT16, "wrong type"); /* a binary16 value is an i64 */
    BREAK(AT_FCVT32, a, AT_FADD, "wrong type");
    BREAK(AT_FCVT16, imm, IR_F64, "wrong type");
    BREAK(AT_FTOI, a, AT_GETX, "wrong type");
    BREAK(AT_SELECT, a, AT_FADD, "wrong type");
}

TEST(a_32_bit_op_and_an_extension_read_either_integer_type)
{
    good_block();
    ir.op[AT_SEXT].a = AT_GETX;
    assert_true(ir_verify(&ir, NULL, 0));
    good_block();
    ir.op[AT_ADDW].type = IR_I64;
    assert_true(ir_verify(&ir, NULL, 0));
}

TEST(unused_imm_must_be_0)
{
    BREAK(AT_ADDW, imm, 1, "imm is unused");
    BREAK(AT_FADD, imm, 1, "imm is unused");
    BREAK(AT_SELECT, imm, -1, "imm is unused");
}

TEST(numbers_must_be_in_range)
{
    BREAK(AT_GETX, imm, 0, "no such x register"); /* x0 is a constant */
    BREAK(AT_SETX, imm, 32, "no such x register");
    BREAK(AT_SETF, imm, 32, "no such f register");
    BREAK(AT_GETF, imm, -1, "no such f register");
    BREAK(AT_FENCE, imm, 0x100, "no such fence");
    BREAK(AT_FADD, c, 5, "rounding mode");
    BREAK(AT_FADD, c, IR_NONE, "rounding mode");
    BREAK(AT_FMADD, imm, 6, "rounding mode");
    BREAK(AT_FCVT16, c, 8, "rounding mode");
    BREAK(AT_FTOI, imm, 4, "integer kind");
    BREAK(AT_FCVT32, imm, IR_I64, "type to convert from");
    BREAK(AT_FCVT32, imm, IR_F32, "to itself");
    BREAK(AT_CALL, imm, IR_HELPERS, "no such helper");
    BREAK(AT_CALL, imm, -1, "no such helper");
    BREAK(AT_AMO, imm, IR_AMO_MAXU + 1, "no such AMO");
    BREAK(AT_JUMP, c, IR_HINT_RETURN, "no such hint");
    BREAK(AT_INSN2, a, 3, "2 or 4 bytes");
}

TEST(targets_must_be_even)
{
    BREAK(AT_BRANCH, imm, 3, "even offset");
    BREAK(AT_JUMP, imm, 3, "even offset");
    BREAK(AT_JUMP, opcode, IR_LEAVE, "operand c should not be there");
}

TEST(memory_flags_must_fit_the_access)
{
    BREAK(AT_LOAD, c, 32, "no such memory flags");
    BREAK(AT_LOAD, c, IR_MEM_64 | IR_MEM_SIGN, "sign flag");
    BREAK(AT_STORE, c, IR_MEM_8 | IR_MEM_SIGN, "sign flag");
    BREAK(AT_AMO, c, IR_MEM_32 | IR_MEM_SIGN, "sign flag");
    BREAK(AT_AMO, c, IR_MEM_16, "32 or 64 bits");
    BREAK(AT_CAS, imm, IR_MEM_8, "32 or 64 bits");
    BREAK(AT_CAS, imm, 32, "no such memory flags");
    BREAK(AT_LOAD, type, IR_F64, "sign flag");
    good_block();
    ir.op[AT_LOAD].type = IR_F64;
    ir.op[AT_LOAD].c = IR_MEM_32;
    assert_true(refused_because("size does not fit the type"));
}

TEST(the_last_op_and_only_it_leaves)
{
    good_block();
    ir.count--;
    assert_true(refused_because("the last op, and only it"));
    good_block();
    emit(IR_LEAVE, IR_I64, NO, NO, NO, 6);
    assert_true(refused_because("the last op, and only it"));
}

TEST(instructions_follow_each_other)
{
    BREAK(AT_INSN, imm, 2, "do not follow");
    BREAK(AT_INSN2, imm, 2, "do not follow");
    good_block();
    ir.insns++;
    assert_true(refused_because("count of instructions"));
    good_block();
    ir.length = 4;
    assert_true(refused_because("length"));
    ir_init(&ir);
    emit(IR_LEAVE, IR_I64, NO, NO, NO, 0);
    assert_true(refused_because("opens with INSN"));
    ir_init(&ir);
    for (unsigned i = 0; i <= IR_MAX_INSNS; i++)
        emit(IR_INSN, IR_I64, 2, NO, NO, 2 * i);
    emit(IR_LEAVE, IR_I64, NO, NO, NO, 0);
    assert_true(refused_because("too many instructions"));
}

TEST(a_return_point_needs_a_call)
{
    good_block();
    ir.op[AT_JUMP] = (struct ir_op){
        .opcode = IR_JUMPREG, .a = AT_GETX, .b = NO, .c = IR_HINT_CALL_RETURN, .imm = 6
    };
    assert_true(ir_verify(&ir, NULL, 0));
    ir.op[AT_JUMP].c = IR_HINT_RETURN;
    assert_true(refused_because("return point"));
    ir.op[AT_JUMP].c = IR_HINT_CALL_RETURN + 1;
    ir.op[AT_JUMP].imm = 0;
    assert_true(refused_because("no such hint"));
}

TEST(a_cause_is_below_64)
{
    good_block();
    ir.op[AT_JUMP] = (struct ir_op){ .opcode = IR_TRAP, .a = AT_GETX, .b = NO, .c = NO, .imm = 63 };
    assert_true(ir_verify(&ir, NULL, 0));
    ir.op[AT_JUMP].imm = 64;
    assert_true(refused_because("no such cause"));
}

TEST(the_dump_reads_as_documented)
{
    static const char expected[] = "   0     insn     +0, 4\n"
                                   "   1 i64 getx     x10\n"
                                   "   2 i64 const    -5\n"
                                   "   3 i32 add      %1, %2\n"
                                   "   4 i64 sext32   %3\n"
                                   "   5 i64 load     [%4 - 8], s16\n"
                                   "   6 i64 store    [%4 + 2], %5, 8\n"
                                   "   7 i64 amo      maxu [%1], %5, 32.aq\n"
                                   "   8 i64 cas      [%1], %5, %7, 64.rl\n"
                                   "   9     insn     +4, 2\n"
                                   "  10 f32 getf     f0\n"
                                   "  11 f32 fadd     %10, %10, frm\n"
                                   "  12 f32 fmadd    %10, %11, %10, rtz\n"
                                   "  13 f32 ftoi     %12, rne, u64\n"
                                   "  14 f16 fcvt     %12, rmm, f32\n"
                                   "  15 f32 fcvt     %14, rne, f16\n"
                                   "  16 f32 setf     f31, %15\n"
                                   "  17 i64 select   %1, %13, %8\n"
                                   "  18 i64 call     wfi, %1\n"
                                   "  19     fence    0x33\n"
                                   "  20 i64 setx     x31, %17\n"
                                   "  21 i64 brltu    %1, %17, -64\n"
                                   "  22     jump     +6, call\n";
    struct strbuf out;

    good_block();
    strbuf_init(&out);
    ir_dump(&ir, &out);
    assert_string_equal(strbuf_str(&out), expected);
    strbuf_fini(&out);
}

TEST(words_of_the_state_and_sstatus_follow_their_rules)
{
    struct strbuf out;

    ir_init(&ir);
    emit(IR_INSN, IR_I64, 4, NO, NO, 0);
    emit(IR_GETS, IR_I64, NO, NO, NO, IR_STATE_SEPC);
    emit(IR_SETS, IR_I64, 1, NO, NO, IR_STATE_SSCRATCH);
    emit(IR_CBZERO, IR_I64, 1, NO, NO, 0);
    emit(IR_SSTATUS, IR_I64, 1, NO, NO, 2);
    emit(IR_LEAVE, IR_I64, NO, NO, NO, 4);
    assert_true(ir_verify(&ir, NULL, 0));
    strbuf_init(&out);
    ir_dump(&ir, &out);
    assert_string_equal(strbuf_str(&out), "   0     insn     +0, 4\n"
                                          "   1 i64 gets     sepc\n"
                                          "   2 i64 sets     sscratch, %1\n"
                                          "   3     cbzero   %1\n"
                                          "   4     sstatus  clear, %1\n"
                                          "   5     leave    +4\n");
    strbuf_fini(&out);
    ir.op[1].imm = IR_STATES;
    assert_true(refused_because("no such word of the state"));
    ir.op[1].imm = 0;
    ir.op[4].imm = 3;
    assert_true(refused_because("no such way to write"));
    ir.op[4].imm = 0;
    ir.op[5].opcode = IR_JUMP;
    ir.op[5].c = 0;
    assert_true(refused_because("LEAVE follows SSTATUS"));
}

TEST(what_the_verifier_refuses_can_still_be_dumped)
{
    struct strbuf out;

    good_block();
    ir.op[AT_ADDW].opcode = 255;
    ir.op[AT_AMO].imm = -1;
    ir.op[AT_CALL].imm = 1 << 20;
    ir.op[AT_FMADD].imm = 6;
    ir.op[AT_JUMP].c = 77;
    strbuf_init(&out);
    ir_dump(&ir, &out);
    assert_non_null(strstr(strbuf_str(&out), "??? opcode 255"));
    assert_non_null(strstr(strbuf_str(&out), "call     ?"));
    strbuf_fini(&out);
}

/*
 * dbt/interp/tests/test_lower.c - what T0's code looks like for blocks of IR: few ops, registers
 * used in place, and never set before what may leave the block. That it means the same is
 * dbt/tests/test_ir_random.c's business.
 */
#include "tests/unit.h"

#include <string.h>

#include "base/strbuf.h"
#include "dbt/interp/t0.h"

static struct ir_block ir;
static struct t0_code code;

enum { NO = IR_NONE };

static void begin(void)
{
    ir_init(&ir);
    ir_emit(&ir, IR_INSN, IR_I64, 4, NO, NO, 0);
}

static void next_insn(void)
{
    ir_emit(&ir, IR_INSN, IR_I64, 4, NO, NO, ir.length);
}

static ir_ref get(unsigned reg)
{
    return ir_emit(&ir, IR_GETX, IR_I64, NO, NO, NO, reg);
}

static void set(unsigned reg, ir_ref value)
{
    ir_emit(&ir, IR_SETX, IR_I64, value, NO, NO, reg);
}

static ir_ref load(ir_ref address, int64_t offset)
{
    return ir_emit(&ir, IR_LOAD, IR_I64, address, NO, IR_MEM_64, offset);
}

static void lower(void)
{
    char why[200] = "";

    if (!ir_verify(&ir, why, sizeof(why)))
        fail_msg("%s", why);
    t0_lower(&ir, &code);
}

static void expect_ops(const char *text, unsigned ops)
{
    struct strbuf out;

    strbuf_init(&out);
    t0_dump(code.op, ops, &out);
    assert_string_equal(strbuf_str(&out), text);
    strbuf_fini(&out);
}

static void expect(const char *text)
{
    ir_emit(&ir, IR_JUMP, IR_I64, NO, NO, IR_HINT_NONE, ir.length);
    lower();
    expect_ops(text, code.ops - 1); /* but the jump */
}

/* The block has its end already. */
static void expect_whole(const char *text)
{
    lower();
    expect_ops(text, code.ops);
}

TEST(an_addition_of_registers_is_one_op)
{
    begin();
    set(5, ir_bin(&ir, IR_ADD, IR_I64, get(6), get(7)));
    expect("   0 ADD       x5, x6, x7\n");
}

TEST(a_constant_is_an_immediate_on_either_side)
{
    begin();
    set(5, ir_bin(&ir, IR_ADD, IR_I64, ir_const(&ir, 40), get(7)));
    set(6, ir_bin(&ir, IR_SUB, IR_I64, ir_const(&ir, 40), get(7)));
    set(7, ir_const(&ir, -1));
    expect("   0 ADD       x5, x7, 40\n"
           "   1 MOVI      t1023, 40\n"
           "   2 SUB       x6, t1023, x7\n"
           "   3 MOVI      x7, -1\n");
}

TEST(zero_is_a_register)
{
    begin();
    ir_emit(&ir, IR_STORE, IR_I64, get(5), ir_const(&ir, 0), IR_MEM_32, 8);
    expect("   0 STORE32   [x5 +8], zero\n");
}

TEST(sign_extension_of_a_32_bit_result_is_free)
{
    begin();
    set(5, ir_un(&ir, IR_SEXT32, IR_I64, ir_bin(&ir, IR_ADD, IR_I32, get(6), get(7))));
    expect("   0 ADD.w     x5, x6, x7\n");
}

TEST(a_register_may_be_its_own_operand)
{
    begin();
    set(5, ir_bin(&ir, IR_ADD, IR_I64, get(5), ir_const(&ir, 1)));
    expect("   0 ADD       x5, x5, 1\n");
}

static ir_ref shift(unsigned opcode, unsigned reg, int64_t count)
{
    return ir_bin(&ir, opcode, IR_I64, get(reg), ir_const(&ir, count));
}

TEST(shifts_there_and_back_are_an_extension)
{
    static const struct {
        unsigned back;
        int64_t count;
        const char *op;
    } same[] = {
        { IR_SHR, 32, "ZEXT32" }, { IR_SHR, 48, "ZEXT16" }, { IR_SHR, 56, "ZEXT8" },
        { IR_SAR, 32, "SEXT32" }, { IR_SAR, 48, "SEXT16" }, { IR_SAR, 56, "SEXT8" },
    };

    for (unsigned i = 0; i < ARRAY_LEN(same); i++) {
        char want[80];

        begin();
        set(5, shift(IR_SHL, 6, same[i].count));
        next_insn();
        set(5, shift(same[i].back, 5, same[i].count));
        next_insn();
        set(7, ir_bin(&ir, IR_ADD, IR_I64, get(5), get(7)));
        snprintf(want, sizeof(want), "   0 %-9s x5, x6\n   1 ADD       x7, x5, x7\n", same[i].op);
        expect(want);
        /* What faults is found by op: the second shift has none of its own. */
        assert_int_equal(code.insn[1].first_op, 1);
        assert_int_equal(code.insn[2].first_op, 1);
    }
}

TEST(shifts_into_two_registers_are_two_ops)
{
    begin();
    set(5, shift(IR_SHL, 6, 32));
    set(7, shift(IR_SHR, 5, 32));
    expect("   0 SHL       x5, x6, 32\n"
           "   1 ZEXT32    x7, x6\n");
    begin();
    set(5, shift(IR_SHL, 5, 32)); /* what was shifted is gone */
    set(7, shift(IR_SHR, 5, 32));
    expect("   0 SHL       x5, x5, 32\n"
           "   1 SHR       x7, x5, 32\n");
}

TEST(other_shifts_are_left_alone)
{
    begin();
    set(5, shift(IR_SHL, 6, 32));
    set(5, shift(IR_SHR, 5, 30));
    expect("   0 SHL       x5, x6, 32\n"
           "   1 SHR       x5, x5, 30\n");
    begin();
    set(5, shift(IR_SHL, 6, 32));
    set(5, shift(IR_SHR, 7, 32));
    expect("   0 SHL       x5, x6, 32\n"
           "   1 SHR       x5, x7, 32\n");
    begin();
    set(5, shift(IR_SHL, 6, 31));
    set(5, shift(IR_SHR, 5, 31));
    expect("   0 SHL       x5, x6, 31\n"
           "   1 SHR       x5, x5, 31\n");
}

/* The old value is read after the register is set: it needs a place of its own. */
TEST(an_old_value_outlives_its_register)
{
    ir_ref old;

    begin();
    old = get(5);
    set(5, get(6));
    set(6, old);
    expect("   0 MOV       t1023, x5\n"
           "   1 MOV       x5, x6\n"
           "   2 MOV       x6, t1023\n");
}

/* If the load faults, x5 is what it was. */
TEST(no_register_is_set_before_what_may_fault)
{
    ir_ref sum;

    begin();
    sum = ir_bin(&ir, IR_ADD, IR_I64, get(6), get(7));
    (void)load(get(8), 0);
    set(5, sum);
    expect("   0 ADD       t1023, x6, x7\n"
           "   1 LOAD64    t1022, [x8 +0]\n"
           "   2 MOV       x5, t1023\n");
}

TEST(no_register_is_set_before_the_next_instruction_begins)
{
    ir_ref sum;

    begin();
    sum = ir_bin(&ir, IR_ADD, IR_I64, get(6), get(7));
    next_insn();
    set(5, sum);
    expect("   0 ADD       t1023, x6, x7\n"
           "   1 MOV       x5, t1023\n");
}

/* A helper may set any register: what was read before it stays what it was. */
TEST(a_call_ends_the_life_of_registers_as_values)
{
    ir_ref old;

    begin();
    old = get(5);
    (void)ir_call(&ir, IR_HELPER_fence_i, NO, NO, NO);
    set(6, old);
    expect("   0 MOV       t1023, x5\n"
           "   1 CALL      t1022, fence_i, zero, zero, zero\n"
           "   2 MOV       x6, t1023\n");
}

static ir_ref get_state(enum ir_state state)
{
    return ir_emit(&ir, IR_GETS, IR_I64, NO, NO, NO, state);
}

/* csrrw x5, sscratch, x6; csrr x7, sepc */
TEST(words_of_the_state_are_moved_as_registers_are)
{
    ir_ref old, in;

    begin();
    in = get(6);
    old = get_state(IR_STATE_SSCRATCH);
    ir_emit(&ir, IR_SETS, IR_I64, in, NO, NO, IR_STATE_SSCRATCH);
    set(5, old);
    next_insn();
    set(7, get_state(IR_STATE_SEPC));
    expect("   0 MOV       t1023, sscratch\n"
           "   1 MOV       sscratch, x6\n"
           "   2 MOV       x5, t1023\n"
           "   3 MOV       x7, sepc\n");
}

/* FSDIRTY changes mstatus. */
TEST(mstatus_is_read_before_it_becomes_dirty)
{
    ir_ref status;

    begin();
    status = get_state(IR_STATE_MSTATUS);
    ir_emit(&ir, IR_FSDIRTY, IR_I64, NO, NO, NO, 0);
    set(5, status);
    expect("   0 MOV       t1023, mstatus\n"
           "   1 FSDIRTY\n"
           "   2 MOV       x5, t1023\n");
}

TEST(one_value_for_two_registers_is_computed_once)
{
    ir_ref sum;

    begin();
    sum = ir_bin(&ir, IR_ADD, IR_I64, get(6), get(7));
    set(5, sum);
    set(8, sum);
    expect("   0 ADD       x5, x6, x7\n"
           "   1 MOV       x8, x5\n");
}

TEST(moves_of_doubles_are_moves)
{
    ir_ref value;

    begin();
    value = ir_emit(&ir, IR_GETF, IR_F64, NO, NO, NO, 1);
    ir_emit(&ir, IR_SETF, IR_F64, ir_un(&ir, IR_FFROMBITS, IR_F64, get(5)), NO, NO, 2);
    set(6, ir_un(&ir, IR_FBITS, IR_F64, value));
    expect("   0 MOV       f2, x5\n"
           "   1 MOV       x6, f1\n");
}

TEST(singles_are_boxed_and_unboxed)
{
    ir_ref a;

    begin();
    a = ir_emit(&ir, IR_GETF, IR_F32, NO, NO, NO, 1);
    ir_emit(&ir, IR_SETF, IR_F32, ir_emit(&ir, IR_FADD, IR_F32, a, a, 7, 0), NO, NO, 2);
    expect("   0 UNBOX     t1023, f1\n"
           "   1 F32_ADD   t1023, t1023, t1023, 7\n"
           "   2 BOX       f2, t1023\n");
}

TEST(exits_have_links_while_there_are_any)
{
    begin();
    for (unsigned i = 0; i < 4; i++)
        ir_emit(&ir, IR_BREQ, IR_I64, get(5), ir_const(&ir, i), NO, 64 + 2 * i);
    ir_emit(&ir, IR_BRNE, IR_I64, get(5), get(6), NO, -8);
    expect("   0 BREQ      x5, 0, +64, link 0\n"
           "   1 BREQ      x5, 1, +66, link 1\n"
           "   2 BREQ      x5, 2, +68, link 2\n"
           "   3 BREQ      x5, 3, +70, link 3\n"
           "   4 BRNE      x5, x6, -8, no link\n");
}

TEST(a_call_says_where_its_return_address_is)
{
    begin();
    set(1, ir_emit(&ir, IR_PC, IR_I64, NO, NO, NO, 4));
    ir_emit(&ir, IR_JUMP, IR_I64, NO, NO, IR_HINT_CALL, 64);
    expect_whole("   0 PC        x1, +4\n"
                 "   1 JUMP      +64, link 0\n");
    assert_int_equal(code.op[1].b, T0_SLOT_X + 1);
    assert_int_equal(code.op[1].a, 1); /* the link behind it */

    begin();
    set(5, ir_emit(&ir, IR_PC, IR_I64, NO, NO, NO, 4));
    ir_emit(&ir, IR_JUMPREG, IR_I64, get(10), NO, IR_HINT_CALL, 4);
    lower();
    assert_int_equal(code.op[1].b, T0_SLOT_X + 5);
    assert_int_equal(code.op[1].imm, 0);

    begin();
    ir_emit(&ir, IR_JUMPREG, IR_I64, get(1), NO, IR_HINT_RETURN, 0);
    lower();
    assert_int_equal(code.op[0].b, 0);
    assert_int_equal(code.op[0].imm, T0_JUMP_RETURN);
}

TEST(a_jump_clears_bit_0_itself)
{
    ir_ref target;

    begin();
    target = ir_bin(&ir, IR_AND, IR_I64, get(1), ir_const(&ir, -2));
    ir_emit(&ir, IR_JUMPREG, IR_I64, target, NO, IR_HINT_RETURN, 0);
    expect_whole("   0 JUMPREG   x1\n");

    begin();
    target = ir_bin(&ir, IR_AND, IR_I64, get(1), ir_const(&ir, -2));
    set(1, ir_emit(&ir, IR_PC, IR_I64, NO, NO, NO, 4));
    ir_emit(&ir, IR_JUMPREG, IR_I64, target, NO, IR_HINT_CALL, 4);
    expect_whole("   0 MOV       t1023, x1\n"
                 "   1 PC        x1, +4\n"
                 "   2 JUMPREG   t1023\n");

    begin();
    target = ir_bin(&ir, IR_AND, IR_I64, get(1), ir_const(&ir, -2));
    set(2, target);
    ir_emit(&ir, IR_JUMPREG, IR_I64, target, NO, IR_HINT_NONE, 0);
    expect_whole("   0 AND       x2, x1, -2\n"
                 "   1 JUMPREG   x2\n");
}

/* The most ops and the most temporaries a block can ask for. */
TEST(the_worst_block_fits)
{
    ir_ref last[3];

    begin();
    for (unsigned i = 0; i < 3; i++)
        last[i] = ir_const(&ir, 100 + i);
    while (ir.count < IR_MAX_OPS - 1)
        (void)ir_emit(&ir, IR_SELECT, IR_I64, last[0], last[1], last[2], 0);
    ir_emit(&ir, IR_JUMP, IR_I64, NO, NO, IR_HINT_NONE, 4);
    t0_lower(&ir, &code);
    assert_in_range(code.ops, 3 * IR_MAX_OPS, T0_MAX_OPS);

    begin();
    while (ir.count < IR_MAX_OPS / 2) /* all of them alive to the end */
        (void)ir_emit(&ir, IR_PC, IR_I64, NO, NO, NO, ir.count);
    for (ir_ref ref = 1; ir.count < IR_MAX_OPS - 1; ref++)
        ir_emit(&ir, IR_STORE, IR_I64, ref, ref, IR_MEM_64, 0);
    ir_emit(&ir, IR_JUMP, IR_I64, NO, NO, IR_HINT_NONE, 4);
    t0_lower(&ir, &code);
    assert_int_equal(code.ops, IR_MAX_OPS - 1);
}

/*
 * dbt/ir/tests/test_helpers.c - the helpers against a stand-in for cpu/: what they pass on, when
 * they raise, and that counters are exact.
 */
#include "tests/unit.h"

#include <string.h>

#include "cpu/hart.h"
#include "dbt/ir/helpers.h"
#include "isa/riscv/bits.h"

static struct hart hart;
static struct hart_ops ops;

/* ---- the stand-in ---- */

static struct {
    unsigned csr;
    enum csr_op op;
    uint64_t operand;
    bool read, write;
} csr_call;
static struct {
    bool has_gva, has_asid;
    uint64_t gva, asid;
} sfence_call;
static bool refuse;
static unsigned calls;
static _Alignas(16) uint64_t quad[2];
static unsigned cbo_op;

bool hart_raise(struct hart *h, uint64_t cause, uint64_t tval)
{
    h->exc = (struct hart_exception){ .cause = cause, .tval = tval };
    h->exc_raised = true;
    return false;
}

bool hart_csr(struct hart *h, unsigned csr, enum csr_op op, uint64_t operand, bool read, bool write,
              uint64_t *ret_old)
{
    csr_call.csr = csr;
    csr_call.op = op;
    csr_call.operand = operand;
    csr_call.read = read;
    csr_call.write = write;
    if (refuse)
        return false;
    *ret_old = csr == CSR_MINSTRET || csr == CSR_INSTRET ? h->s.minstret : h->s.mcycle;
    if (write && csr == CSR_MINSTRET)
        h->s.minstret = operand;
    return true;
}

bool hart_sfence_vma(struct hart *h, bool has_gva, gva_t gva, bool has_asid, uint64_t asid)
{
    (void)h;
    sfence_call.has_gva = has_gva;
    sfence_call.gva = gva;
    sfence_call.has_asid = has_asid;
    sfence_call.asid = asid;
    return !refuse;
}

bool hart_wfi(struct hart *h)
{
    (void)h;
    calls++;
    return !refuse;
}

bool hart_mret(struct hart *h)
{
    h->s.pc = h->s.mepc;
    return !refuse;
}

bool hart_sret(struct hart *h)
{
    h->s.pc = h->s.sepc;
    return !refuse;
}

bool hart_cbo(struct hart *h, unsigned op, gva_t gva, uint32_t raw_insn)
{
    cbo_op = op;
    return refuse ? hart_raise(h, CAUSE_STORE_ACCESS, gva + raw_insn) : true;
}

bool hart_atomic_ptr(struct hart *h, gva_t gva, unsigned size, bool write, void **ret_hva,
                     gpa_t *ret_gpa)
{
    assert_int_equal(size, 16);
    assert_true(write);
    if (refuse)
        return hart_raise(h, CAUSE_STORE_PAGE, gva);
    *ret_hva = quad;
    *ret_gpa = 0x80000000;
    return true;
}

void hart_atomic_done(struct hart *h, gpa_t gpa, unsigned size)
{
    (void)h;
    assert_int_equal(gpa, 0x80000000);
    assert_int_equal(size, 16);
    calls++;
}

static void count_call(struct hart *h)
{
    (void)h;
    calls++;
}

static void start(void)
{
    memset(&hart.s, 0, sizeof(hart.s));
    hart.exc_raised = false;
    ops = (struct hart_ops){ .sbi_call = count_call, .fence_i = count_call };
    hart.ops = &ops;
    hart.s.pc = 0x1000;
    refuse = false;
    calls = 0;
}

static bool raised(uint64_t cause, uint64_t tval)
{
    return hart.exc_raised && hart.exc.cause == cause && hart.exc.tval == tval;
}

/* ---- tests ---- */

enum { READ = 1 << 14, WRITE = 1 << 15 };

TEST(the_table_is_in_the_order_of_the_enum)
{
    assert_ptr_equal(ir_helper_table[IR_HELPER_csr], ir_helper_csr);
    assert_ptr_equal(ir_helper_table[IR_HELPER_amocas_q], ir_helper_amocas_q);
}

TEST(csr_passes_number_operation_and_directions)
{
    start();
    (void)ir_helper_csr(&hart, 7, 99, CSR_SATP | CSR_OP_CLEAR << 12 | WRITE);
    assert_int_equal(csr_call.csr, CSR_SATP);
    assert_int_equal(csr_call.op, CSR_OP_CLEAR);
    assert_int_equal(csr_call.operand, 99);
    assert_false(csr_call.read);
    assert_true(csr_call.write);
    assert_false(hart.exc_raised);
    refuse = true;
    (void)ir_helper_csr(&hart, 7, 99, CSR_SATP | CSR_OP_SET << 12 | READ);
    assert_true(csr_call.read);
    assert_false(csr_call.write);
    assert_true(raised(CAUSE_ILLEGAL, 7));
}

/* The engine has counted the reading instruction itself. */
TEST(a_counter_is_read_as_of_before_the_instruction)
{
    start();
    hart.s.minstret = hart.s.mcycle = 101;
    assert_int_equal(ir_helper_csr(&hart, 0, 0, CSR_INSTRET | CSR_OP_SET << 12 | READ), 100);
    assert_int_equal(ir_helper_csr(&hart, 0, 0, CSR_CYCLE | CSR_OP_SET << 12 | READ), 100);
    assert_int_equal(ir_helper_csr(&hart, 0, 0, CSR_MCYCLE | CSR_OP_SET << 12 | READ), 100);
    assert_int_equal(hart.s.minstret, 101);
    assert_int_equal(hart.s.mcycle, 101);
}

TEST(an_inhibited_counter_is_read_as_it_stands)
{
    start();
    hart.s.minstret = hart.s.mcycle = 101;
    hart.s.mcountinhibit = 4;
    assert_int_equal(ir_helper_csr(&hart, 0, 0, CSR_INSTRET | CSR_OP_SET << 12 | READ), 101);
    assert_int_equal(ir_helper_csr(&hart, 0, 0, CSR_CYCLE | CSR_OP_SET << 12 | READ), 100);
    hart.s.mcountinhibit = 1;
    assert_int_equal(ir_helper_csr(&hart, 0, 0, CSR_CYCLE | CSR_OP_SET << 12 | READ), 101);
}

TEST(a_counter_written_keeps_what_was_written)
{
    start();
    hart.s.minstret = 101;
    assert_int_equal(ir_helper_csr(&hart, 0, 5, CSR_MINSTRET | READ | WRITE), 100);
    assert_int_equal(hart.s.minstret, 5);
}

TEST(a_counter_refused_is_not_changed)
{
    start();
    hart.s.minstret = 101;
    refuse = true;
    (void)ir_helper_csr(&hart, 3, 5, CSR_MINSTRET | READ | WRITE);
    assert_true(raised(CAUSE_ILLEGAL, 3));
    assert_int_equal(hart.s.minstret, 101);
}

TEST(sfence_s_operands_are_there_unless_x0)
{
    start();
    (void)ir_helper_sfence_vma(&hart, 0x12000073 | 10 << 15, 0x4000, 0);
    assert_true(sfence_call.has_gva);
    assert_int_equal(sfence_call.gva, 0x4000);
    assert_false(sfence_call.has_asid);
    (void)ir_helper_sfence_vma(&hart, 0x12000073 | 11 << 20, 0, 0);
    assert_false(sfence_call.has_gva);
    assert_true(sfence_call.has_asid); /* ASID 0, which is not "all" */
    assert_false(hart.exc_raised);
    refuse = true;
    (void)ir_helper_sfence_vma(&hart, 0x12000073, 0, 0);
    assert_true(raised(CAUSE_ILLEGAL, 0x12000073));
}

TEST(wfi_may_be_refused_and_wrs_never_is)
{
    start();
    (void)ir_helper_wfi(&hart, 9, 0, 0);
    assert_int_equal(calls, 1);
    refuse = true;
    (void)ir_helper_wrs(&hart, 9, 0, 0);
    assert_false(hart.exc_raised);
    (void)ir_helper_wfi(&hart, 9, 0, 0);
    assert_true(raised(CAUSE_ILLEGAL, 9));
}

TEST(a_refused_return_is_illegal)
{
    start();
    hart.s.mepc = 0x2000;
    hart.s.sepc = 0x3000;
    (void)ir_helper_sret(&hart, 2, 0, 0);
    assert_int_equal(hart.s.pc, 0x3000);
    (void)ir_helper_mret(&hart, 2, 0, 0);
    assert_int_equal(hart.s.pc, 0x2000);
    assert_false(hart.exc_raised);
    refuse = true;
    (void)ir_helper_sret(&hart, 2, 0, 0);
    assert_true(raised(CAUSE_ILLEGAL, 2));
    hart.exc_raised = false;
    (void)ir_helper_mret(&hart, 3, 0, 0);
    assert_true(raised(CAUSE_ILLEGAL, 3));
}

TEST(firmware_is_called_behind_the_ecall)
{
    start();
    (void)ir_helper_sbi(&hart, 0, 0, 0);
    assert_int_equal(hart.s.pc, 0x1004);
    (void)ir_helper_fence_i(&hart, 0, 0, 0);
    assert_int_equal(calls, 2);
}

TEST(a_target_with_bit_1_is_misaligned)
{
    start();
    (void)ir_helper_check_target(&hart, 0x1004, 0, 0);
    assert_false(hart.exc_raised);
    (void)ir_helper_check_target(&hart, 0x1006, 0, 0);
    assert_true(raised(CAUSE_FETCH_MISALIGNED, 0x1006));
}

TEST(cbo_raises_by_itself)
{
    start();
    (void)ir_helper_cbo(&hart, 1, 0x4000, 4);
    assert_int_equal(cbo_op, 4);
    assert_false(hart.exc_raised);
    refuse = true;
    (void)ir_helper_cbo(&hart, 1, 0x4000, 4);
    assert_true(raised(CAUSE_STORE_ACCESS, 0x4001));
}

TEST(a_quad_is_swapped_when_both_halves_match)
{
    start();
    quad[0] = hart.s.x[10] = 1;
    quad[1] = 2;
    hart.s.x[11] = 3;
    hart.s.x[12] = 7;
    hart.s.x[13] = 8;
    (void)ir_helper_amocas_q(&hart, 0x4000, 10, 12);
    assert_int_equal(quad[0], 1); /* the upper half differs */
    assert_int_equal(quad[1], 2);
    assert_int_equal(hart.s.x[11], 2); /* and is now known */
    (void)ir_helper_amocas_q(&hart, 0x4000, 10, 12);
    assert_int_equal(quad[0], 7);
    assert_int_equal(quad[1], 8);
    assert_int_equal(hart.s.x[10], 1);
    assert_int_equal(hart.s.x[11], 2);
    assert_int_equal(calls, 2);
}

/* Zacas: the pair at x0 reads as zeros and is not written, whatever x1 holds. */
TEST(a_pair_at_x0_is_zero)
{
    start();
    quad[0] = quad[1] = 0;
    hart.s.x[1] = 55;
    (void)ir_helper_amocas_q(&hart, 0x4000, 0, 0);
    assert_int_equal(quad[1], 0);
    assert_int_equal(hart.s.x[1], 55);
    hart.s.x[2] = 6;
    (void)ir_helper_amocas_q(&hart, 0x4000, 0, 2);
    assert_int_equal(quad[0], 6);
    assert_int_equal(hart.s.x[0], 0);
    assert_int_equal(hart.s.x[1], 55);
}

TEST(a_quad_that_faults_changes_nothing)
{
    start();
    refuse = true;
    hart.s.x[10] = 77;
    (void)ir_helper_amocas_q(&hart, 0x4008, 10, 12);
    assert_true(raised(CAUSE_STORE_PAGE, 0x4008));
    assert_int_equal(hart.s.x[10], 77);
    assert_int_equal(calls, 0);
}

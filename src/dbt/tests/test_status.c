/*
 * dbt/tests/test_status.c - CSRs that compiled code reads and writes itself, and what follows from
 * them: interrupts that are enabled, floating point that is switched off and on. On the interpreter
 * and on compiled code, in loops that are long enough to be compiled.
 */
#include "dbt/tests/fixture.h"
#include "tests/unit.h"

enum {
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
    TURNS = 50
};
#define PAGE(n) (RAM_BASE + (gpa_t)(n)*PAGE_SIZE_BYTES)
#define CSRS(rd, csr, rs1) asm_csr(INSN_CSRRS, rd, csr, rs1)
#define CSRC(rd, csr, rs1) asm_csr(INSN_CSRRC, rd, csr, rs1)
#define CSRW(rd, csr, rs1) asm_csr(INSN_CSRRW, rd, csr, rs1)
#define BNE(a, b, offset) asm_s(INSN_BNE, b, a, offset)

static uint32_t csr_imm(unsigned row, unsigned rd, unsigned csr, int64_t imm)
{
    return asm_insn(
        (struct insn){ .row = (uint16_t)row, .rd = (uint8_t)rd, .csr = (uint16_t)csr, .imm = imm });
}
#define CSRSI(rd, csr, imm) csr_imm(INSN_CSRRSI, rd, csr, imm)
#define CSRCI(rd, csr, imm) csr_imm(INSN_CSRRCI, rd, csr, imm)

static bool init(struct fixture *f, bool jit)
{
    struct dbt_tuning tuning = dbt_tuning_default();

    tuning.t1_after = 2;
    tuning.t2_after = 10;
    if (jit)
        return fixture_init_jit(f, 1, &tuning);
    fixture_init(f, 1, 0);
    return true;
}

/* The handler logs sepc at s1, takes the interrupt back and returns with SPIE clear: disabled. */
static void put_handler(struct fixture *f)
{
    CODE(f, PAGE(1), CSRS(T0, CSR_SEPC, 0), SD(T0, S1, 0), CSRS(T0, CSR_SCAUSE, 0), SD(T0, S1, 8),
         ADDI(S1, S1, 16), CSRCI(0, CSR_SIP, MIP_SSIP), LI(T0, MSTATUS_SPIE),
         CSRC(0, CSR_SSTATUS, T0), asm_i(INSN_SRET, 0, 0, 0));
    fixture_csr(f, 0, CSR_STVEC, PAGE(1));
    fixture_csr(f, 0, CSR_SIE, MIP_SSIP);
    fixture_state(f, 0)->x[S0] = TURNS;
    fixture_state(f, 0)->x[S1] = PAGE(2);
}

/* A turn of the loop: software interrupt pending, `enable`, which is to be followed by the handler
 * and nothing else. */
static void check_enabling(uint32_t enable, uint64_t a0, bool jit)
{
    struct fixture f;
    const uint64_t *log;

    if (!init(&f, jit))
        skip();
    put_handler(&f);
    CODE(&f, RAM_BASE, CSRSI(0, CSR_SIP, MIP_SSIP), LI(A1, 7), enable, ADDI(A2, A2, 1),
         ADDI(S0, S0, -1), BNE(S0, 0, -20), ECALL);
    fixture_state(&f, 0)->x[A0] = a0;
    fixture_run(&f, 0);
    log = fixture_ram(&f, PAGE(2));
    for (unsigned i = 0; i < TURNS; i++) {
        assert_int_equal(log[2 * i], RAM_BASE + 12);
        assert_int_equal(log[2 * i + 1], XCAUSE_INTERRUPT | IRQ_SSI);
    }
    assert_int_equal(fixture_state(&f, 0)->x[S1], PAGE(2) + 16 * TURNS);
    assert_int_equal(fixture_state(&f, 0)->x[A2], TURNS);
    assert_false(fixture_state(&f, 0)->mstatus & MSTATUS_SIE);
    fixture_fini(&f);
}

TEST(an_interrupt_is_taken_behind_what_enables_it)
{
    for (unsigned jit = 0; jit < 2; jit++) {
        check_enabling(CSRSI(0, CSR_SSTATUS, MSTATUS_SIE), 0, jit);
        check_enabling(CSRS(0, CSR_SSTATUS, A0), MSTATUS_SIE, jit);
        check_enabling(CSRS(A3, CSR_SSTATUS, A0), MSTATUS_SIE, jit);
        check_enabling(CSRS(0, CSR_SSTATUS, A0), MSTATUS_SIE | MSTATUS_SUM, jit);
        check_enabling(CSRW(A3, CSR_SSTATUS, A0), MSTATUS_SIE, jit);
    }
}

/* Enabled with nothing pending, and disabled again by each way there is; then made pending. */
static void check_disabling(uint32_t disable, uint64_t a0, bool jit)
{
    struct fixture f;

    if (!init(&f, jit))
        skip();
    put_handler(&f);
    fixture_state(&f, 0)->x[A0] = a0;
    fixture_state(&f, 0)->x[A4] = MSTATUS_SIE;
    CODE(&f, RAM_BASE, CSRS(A1, CSR_SSTATUS, A4), CSRS(A2, CSR_SSTATUS, 0), disable,
         CSRSI(0, CSR_SIP, MIP_SSIP), CSRS(T1, CSR_SIP, 0), CSRCI(0, CSR_SIP, MIP_SSIP),
         ADDI(S0, S0, -1), BNE(S0, 0, -28), ECALL);
    fixture_run(&f, 0);
    assert_int_equal(fixture_state(&f, 0)->x[S1], PAGE(2));
    assert_int_equal(fixture_state(&f, 0)->x[A1] & MSTATUS_SIE, 0);
    assert_int_equal(fixture_state(&f, 0)->x[A2] & MSTATUS_SIE, MSTATUS_SIE);
    assert_int_equal(fixture_state(&f, 0)->x[A3] & MSTATUS_SIE, MSTATUS_SIE);
    assert_int_equal(fixture_state(&f, 0)->x[T1], MIP_SSIP);
    fixture_fini(&f);
}

TEST(no_interrupt_is_taken_behind_what_disables_it)
{
    for (unsigned jit = 0; jit < 2; jit++) {
        check_disabling(CSRCI(A3, CSR_SSTATUS, MSTATUS_SIE), 0, jit);
        check_disabling(CSRC(A3, CSR_SSTATUS, A0), MSTATUS_SIE, jit);
        check_disabling(CSRC(A3, CSR_SSTATUS, A0), MSTATUS_SIE | MSTATUS_SUM, jit);
        check_disabling(CSRW(A3, CSR_SSTATUS, 0), 0, jit);
    }
}

TEST(words_of_the_state_read_as_they_were_written)
{
    struct riscv_state *s;
    struct fixture f;

    for (unsigned jit = 0; jit < 2; jit++) {
        if (!init(&f, jit))
            skip();
        s = fixture_state(&f, 0);
        s->x[S0] = TURNS;
        s->x[A0] = UINT64_C(0x123456789abcdef1);
        s->x[T2] = 5;
        CODE(&f, RAM_BASE, CSRW(A1, CSR_SSCRATCH, A0), CSRS(A2, CSR_SSCRATCH, 0),
             CSRW(0, CSR_SEPC, A0), CSRS(A3, CSR_SEPC, 0), CSRSI(0, CSR_SCAUSE, 8),
             CSRCI(A4, CSR_SCAUSE, 8), CSRW(T2, CSR_STVAL, T2), CSRS(T0, CSR_SIE, 0),
             CSRS(T1, CSR_SSTATUS, 0), ADDI(S0, S0, -1), BNE(S0, 0, -40), ECALL);
        fixture_csr(&f, 0, CSR_SIE, MIP_SSIP | MIP_STIP);
        s->mstatus |= MSTATUS_FS_DIRTY | MSTATUS_MIE;
        fixture_run(&f, 0);
        assert_int_equal(s->x[A2], UINT64_C(0x123456789abcdef1));
        assert_int_equal(s->x[A1], s->x[A2]);
        assert_int_equal(s->x[A3], UINT64_C(0x123456789abcdef0));
        assert_int_equal(s->x[A4], 8);
        assert_int_equal(s->x[T2], 5); /* exchanged an even number of times */
        assert_int_equal(s->stval, 0);
        assert_int_equal(s->x[T0], MIP_SSIP | MIP_STIP);
        assert_int_equal(s->x[T1] & (MSTATUS_FS | MSTATUS_SD | MSTATUS_MIE),
                         MSTATUS_FS_DIRTY | MSTATUS_SD);
        fixture_fini(&f);
    }
}

/* C code that leaves flags of its own. */
static uint64_t inexact_time(struct hart *hart)
{
    volatile double one = 1, three = 3;

    (void)hart;
    return (uint64_t)(one / three * 1e9);
}

/* fflags are what the guest's own instructions raised, whoever computed while FS was Off. */
TEST(fflags_survive_floating_point_being_off)
{
    struct hart_ops ops;
    struct riscv_state *s;
    struct fixture f;

    for (unsigned jit = 0; jit < 2; jit++) {
        if (!init(&f, jit))
            skip();
        s = fixture_state(&f, 0);
        ops = *f.hart[0]->hart.ops;
        ops.time = inexact_time;
        f.hart[0]->hart.ops = &ops;
        s->mstatus |= MSTATUS_FS_DIRTY;
        s->mcounteren = UINT32_MAX;
        s->x[S0] = TURNS;
        s->x[A0] = MSTATUS_FS;
        s->f[1] = UINT64_C(0x3ff0000000000000); /* 1 / 0: DZ, and that alone */
        s->f[2] = 0;
        CODE(&f, RAM_BASE, CSRW(0, CSR_FFLAGS, 0),
             asm_insn((struct insn){ .row = INSN_FDIV_D, .rd = 3, .rs1 = 1, .rs2 = 2 }),
             CSRC(0, CSR_SSTATUS, A0), CSRS(A1, CSR_TIME, 0), CSRS(0, CSR_SSTATUS, A0),
             CSRS(A2, CSR_FFLAGS, 0), asm_r(INSN_OR, A3, A3, A2), CSRW(0, CSR_FFLAGS, 0),
             CSRC(0, CSR_SSTATUS, A0), CSRS(A1, CSR_TIME, 0), CSRS(0, CSR_SSTATUS, A0),
             CSRS(A2, CSR_FFLAGS, 0), asm_r(INSN_OR, A4, A4, A2), ADDI(S0, S0, -1), BNE(S0, 0, -56),
             ECALL);
        fixture_run(&f, 0);
        assert_int_equal(s->x[A3], 8);
        assert_int_equal(s->x[A4], 0);
        fixture_fini(&f);
    }
}

/* cpu/tests/test_trap.c - where traps go and what they leave behind: every cause, every mode,
 * delegated or not; every pair of interrupts; mret and sret; wfi. */
#include "tests/unit.h"

#include "cpu/tests/fixture.h"

#define PC UINT64_C(0x80001234)
#define MTVEC UINT64_C(0x80100000)
#define STVEC UINT64_C(0x80200000)

static const unsigned privs[] = { PRIV_U, PRIV_S, PRIV_M };
static const unsigned causes[] = {
    CAUSE_FETCH_MISALIGNED, CAUSE_FETCH_ACCESS, CAUSE_ILLEGAL,      CAUSE_BREAKPOINT,
    CAUSE_LOAD_MISALIGNED,  CAUSE_LOAD_ACCESS,  CAUSE_STORE_ACCESS, CAUSE_STORE_MISALIGNED,
    CAUSE_ECALL_U,          CAUSE_ECALL_S,      CAUSE_FETCH_PAGE,   CAUSE_LOAD_PAGE,
    CAUSE_STORE_PAGE,       CAUSE_ECALL_M,
};

static void expect_supervisor(const struct riscv_state *s, unsigned from, bool sie, uint64_t cause,
                              uint64_t tval, gva_t pc)
{
    assert_int_equal(s->priv, PRIV_S);
    assert_int_equal(s->pc, pc);
    assert_int_equal(s->scause, cause);
    assert_int_equal(s->stval, tval);
    assert_int_equal(s->sepc, PC);
    assert_int_equal(field_get(s->mstatus, MSTATUS_SPP), from != PRIV_U);
    assert_int_equal(field_get(s->mstatus, MSTATUS_SPIE), sie);
    assert_int_equal(s->mstatus & MSTATUS_SIE, 0);
    assert_int_equal(s->mepc, 0); /* M's are not touched */
    assert_int_equal(s->mcause, 0);
}

static void expect_machine(const struct riscv_state *s, unsigned from, bool mie, uint64_t cause,
                           uint64_t tval, gva_t pc)
{
    assert_int_equal(s->priv, PRIV_M);
    assert_int_equal(s->pc, pc);
    assert_int_equal(s->mcause, cause);
    assert_int_equal(s->mtval, tval);
    assert_int_equal(s->mepc, PC);
    assert_int_equal(field_get(s->mstatus, MSTATUS_MPP), from);
    assert_int_equal(field_get(s->mstatus, MSTATUS_MPIE), mie);
    assert_int_equal(s->mstatus & MSTATUS_MIE, 0);
    assert_int_equal(s->sepc, 0);
    assert_int_equal(s->scause, 0);
}

static void prepare(struct fixture *f, unsigned priv, uint64_t mstatus)
{
    hart_reset(&f->hart, PC);
    atomic_store(&f->hart.attention, 0);
    fixture_set(f, CSR_MTVEC, MTVEC | XTVEC_VECTORED);
    fixture_set(f, CSR_STVEC, STVEC | XTVEC_VECTORED);
    fixture_set(f, CSR_MSTATUS, mstatus);
    fixture_mode(f, priv);
}

TEST(exceptions_go_where_medeleg_says_but_never_down)
{
    struct fixture f;

    fixture_init(&f);
    for (unsigned c = 0; c < ARRAY_LEN(causes); c++) {
        for (unsigned p = 0; p < 3; p++) {
            for (unsigned bits = 0; bits < 8; bits++) {
                uint64_t mstatus = (bits & 2 ? MSTATUS_SIE : 0) | (bits & 4 ? MSTATUS_MIE : 0);
                bool deleg = bits & 1, to_s;

                prepare(&f, privs[p], mstatus);
                fixture_set(&f, CSR_MEDELEG, deleg ? ISA_BIT(causes[c]) : ~ISA_BIT(causes[c]));
                to_s = deleg && privs[p] != PRIV_M && causes[c] != CAUSE_ECALL_M;
                assert_false(hart_raise(&f.hart, causes[c], 0x77));
                hart_take_exception(&f.hart);
                assert_false(f.hart.exc_raised);
                /* Vectored is for interrupts only. */
                if (to_s)
                    expect_supervisor(&f.hart.s, privs[p], bits & 2, causes[c], 0x77, STVEC);
                else
                    expect_machine(&f.hart.s, privs[p], bits & 4, causes[c], 0x77, MTVEC);
            }
        }
    }
    fixture_fini(&f);
}

/* 3.1.9: what is taken, by the manual's sentences. 0: nothing. */
static unsigned oracle(uint64_t pending, uint64_t deleg, unsigned priv, bool mie, bool sie,
                       bool *to_s)
{
    static const unsigned order[] = { 11, 3, 7, 9, 1, 5, 13 };

    for (unsigned s = 0; s < 2; s++) {
        bool open = s ? priv < PRIV_S || (priv == PRIV_S && sie) : priv < PRIV_M || mie;

        for (unsigned i = 0; open && i < ARRAY_LEN(order); i++) {
            if ((pending >> order[i] & 1) && (deleg >> order[i] & 1) == s) {
                *to_s = s;
                return order[i];
            }
        }
    }
    return 0;
}

/* Makes exactly these bits pending, by lines where the bits are devices'. */
static void make_pending(struct fixture *f, uint64_t irqs)
{
    static const unsigned lines[] = { IRQ_MSI, IRQ_MTI, IRQ_MEI };

    for (unsigned i = 0; i < ARRAY_LEN(lines); i++)
        hart_set_irq_line(&f->hart, lines[i], irqs >> lines[i] & 1);
    fixture_set(f, CSR_MIP, irqs);
    assert_int_equal(fixture_get(f, CSR_MIP), irqs);
}

TEST(each_pair_of_interrupts_is_taken_in_order_and_mode)
{
    static const unsigned irqs[] = { 1, 3, 5, 7, 9, 11, 13 };
    struct fixture f;

    fixture_init(&f);
    for (unsigned n = 0; n < 7 * 7 * 3 * 16; n++) {
        unsigned a = irqs[n % 7], b = irqs[n / 7 % 7], priv = privs[n / 49 % 3], bits = n / 147;
        uint64_t pending = ISA_BIT(a) | ISA_BIT(b), deleg;
        bool mie = bits & 1, sie = bits & 2, to_s = false;
        unsigned want;

        prepare(&f, priv, (mie ? MSTATUS_MIE : 0) | (sie ? MSTATUS_SIE : 0));
        fixture_set(&f, CSR_MIDELEG, (bits & 4 ? ISA_BIT(a) : 0) | (bits & 8 ? ISA_BIT(b) : 0));
        deleg = fixture_get(&f, CSR_MIDELEG);
        fixture_set(&f, CSR_MIE, UINT64_MAX);
        make_pending(&f, pending);
        want = oracle(pending, deleg, priv, mie, sie, &to_s);
        if (want != 0) /* whatever made it possible said so */
            assert_true(atomic_load(&f.hart.attention) & HART_ATTN_IRQ);
        assert_int_equal(hart_take_interrupt(&f.hart), want != 0);
        if (want == 0) {
            assert_int_equal(f.hart.s.pc, PC);
            assert_false(atomic_load(&f.hart.attention) & HART_ATTN_IRQ);
        } else if (to_s) {
            expect_supervisor(&f.hart.s, priv, sie, XCAUSE_INTERRUPT | want, 0,
                              STVEC + UINT64_C(4) * want);
        } else {
            expect_machine(&f.hart.s, priv, mie, XCAUSE_INTERRUPT | want, 0,
                           MTVEC + UINT64_C(4) * want);
        }
        make_pending(&f, 0);
    }
    fixture_fini(&f);
}

TEST(masked_interrupts_are_not_taken_and_enabling_them_asks_for_attention)
{
    struct fixture f;

    fixture_init(&f);
    prepare(&f, PRIV_M, MSTATUS_MIE);
    hart_set_irq_line(&f.hart, IRQ_MTI, true);
    assert_int_equal(f.wakes, 1);
    hart_set_irq_line(&f.hart, IRQ_MTI, true); /* a level that stays is no news */
    assert_int_equal(f.wakes, 1);
    assert_false(hart_take_interrupt(&f.hart));
    assert_false(atomic_load(&f.hart.attention) & HART_ATTN_IRQ);
    fixture_set(&f, CSR_MIE, MIP_MTIP);
    assert_true(atomic_load(&f.hart.attention) & HART_ATTN_IRQ);
    fixture_set(&f, CSR_MSTATUS, 0);
    assert_false(hart_take_interrupt(&f.hart));
    fixture_set(&f, CSR_MSTATUS, MSTATUS_MIE);
    assert_true(atomic_load(&f.hart.attention) & HART_ATTN_IRQ);
    assert_true(hart_take_interrupt(&f.hart));
    assert_false(hart_take_interrupt(&f.hart)); /* MIE is clear now */
    assert_true(hart_mret(&f.hart));            /* and set again: still pending */
    assert_true(atomic_load(&f.hart.attention) & HART_ATTN_IRQ);
    hart_set_irq_line(&f.hart, IRQ_MTI, false);
    assert_false(hart_take_interrupt(&f.hart));
    fixture_fini(&f);
}

TEST(mret_restores_what_the_trap_saved)
{
    struct fixture f;

    fixture_init(&f);
    for (unsigned p = 0; p < 3; p++) {
        for (unsigned mpie = 0; mpie < 2; mpie++) {
            uint64_t mstatus = (uint64_t)privs[p] << MSTATUS_MPP_SHIFT | MSTATUS_MPRV;

            prepare(&f, PRIV_M, mstatus | (mpie ? MSTATUS_MPIE : MSTATUS_MIE));
            fixture_set(&f, CSR_MEPC, 0x4002);
            assert_true(hart_mret(&f.hart));
            assert_int_equal(f.hart.s.pc, 0x4002);
            assert_int_equal(f.hart.s.priv, privs[p]);
            assert_int_equal(field_get(f.hart.s.mstatus, MSTATUS_MIE), mpie);
            assert_true(f.hart.s.mstatus & MSTATUS_MPIE);
            assert_int_equal(field_get(f.hart.s.mstatus, MSTATUS_MPP), PRIV_U);
            /* MPRV outlives a return to M only. */
            assert_int_equal((f.hart.s.mstatus & MSTATUS_MPRV) != 0, privs[p] == PRIV_M);
        }
    }
    for (unsigned p = 0; p < 2; p++) {
        prepare(&f, privs[p], 0);
        assert_false(hart_mret(&f.hart));
        assert_int_equal(f.hart.s.pc, PC);
    }
    fixture_fini(&f);
}

TEST(sret_works_from_s_and_m_unless_tsr)
{
    struct fixture f;

    fixture_init(&f);
    for (unsigned n = 0; n < 3 * 2 * 2 * 2; n++) {
        unsigned priv = privs[n % 3], spp = n / 3 & 1, spie = n / 6 & 1, tsr = n / 12 & 1;
        bool legal = priv == PRIV_M || (priv == PRIV_S && !tsr);

        prepare(&f, priv,
                (spp ? MSTATUS_SPP : 0) | (spie ? MSTATUS_SPIE : MSTATUS_SIE) |
                    (tsr ? MSTATUS_TSR : 0) | MSTATUS_MPRV);
        fixture_set(&f, CSR_SEPC, 0x4002);
        assert_int_equal(hart_sret(&f.hart), legal);
        if (!legal) {
            assert_int_equal(f.hart.s.pc, PC);
            assert_int_equal(f.hart.s.priv, priv);
            continue;
        }
        assert_int_equal(f.hart.s.pc, 0x4002);
        assert_int_equal(f.hart.s.priv, spp ? PRIV_S : PRIV_U);
        assert_int_equal(field_get(f.hart.s.mstatus, MSTATUS_SIE), spie);
        assert_true(f.hart.s.mstatus & MSTATUS_SPIE);
        assert_false(f.hart.s.mstatus & (MSTATUS_SPP | MSTATUS_MPRV));
    }
    fixture_fini(&f);
}

TEST(wfi_is_legal_above_u_unless_tw_and_sleeps_only_when_nothing_is_pending)
{
    struct fixture f;

    fixture_init(&f);
    prepare(&f, PRIV_U, 0);
    assert_false(hart_wfi(&f.hart));
    prepare(&f, PRIV_S, MSTATUS_TW);
    assert_false(hart_wfi(&f.hart));
    prepare(&f, PRIV_S, 0);
    assert_true(hart_wfi(&f.hart));
    assert_true(hart_may_sleep(&f.hart));
    hart_set_irq_line(&f.hart, IRQ_SEI, true); /* not enabled: no reason to wake */
    assert_true(hart_may_sleep(&f.hart));
    fixture_set(&f, CSR_MIE, MIP_SEIP); /* SIE and delegation do not matter */
    assert_false(hart_may_sleep(&f.hart));
    atomic_store(&f.hart.attention, 0);
    assert_true(hart_wfi(&f.hart));
    assert_false(atomic_load(&f.hart.attention) & HART_ATTN_WFI);
    hart_set_irq_line(&f.hart, IRQ_SEI, false);
    assert_true(hart_wfi(&f.hart));
    assert_true(hart_may_sleep(&f.hart));
    hart_set_attention(&f.hart, HART_ATTN_KICK);
    assert_false(hart_may_sleep(&f.hart));
    atomic_store(&f.hart.attention, HART_ATTN_STOPPED);
    hart_set_irq_line(&f.hart, IRQ_SEI, true); /* a stopped hart does not hear */
    assert_true(hart_may_sleep(&f.hart));
    hart_request(&f.hart, HART_REQ_TLB_FLUSH);
    assert_false(hart_may_sleep(&f.hart));
    fixture_fini(&f);
}

TEST(entering_supervisor_delegates_all_but_its_own_ecall)
{
    struct fixture f;

    fixture_init(&f);
    f.hart.builtin_sbi = true;
    hart_enter_supervisor(&f.hart, RAM_BASE, 0x1122);
    assert_int_equal(f.hart.s.priv, PRIV_S);
    assert_int_equal(f.hart.s.pc, RAM_BASE);
    assert_int_equal(f.hart.s.x[10], 0);
    assert_int_equal(f.hart.s.x[11], 0x1122);
    assert_int_equal(f.hart.s.satp, 0);
    assert_int_equal(f.hart.s.mstatus & MSTATUS_SIE, 0);
    assert_int_equal(fixture_get(&f, CSR_MEDELEG), 0xb1ff);
    assert_int_equal(fixture_get(&f, CSR_MIDELEG), MIP_SUPERVISOR);
    uint64_t val;
    assert_true(hart_load(&f.hart, RAM_BASE, 8, &val)); /* the PMP is open */
    assert_true(hart_csr(&f.hart, CSR_TIME, CSR_OP_SET, 0, true, false, &val));
    assert_true(hart_csr(&f.hart, CSR_STIMECMP, CSR_OP_SET, 0, true, true, &val));
    fixture_fini(&f);
}

TEST(requests_are_served_once_and_an_ipi_becomes_ssip)
{
    struct fixture f;

    fixture_init(&f);
    hart_request(&f.hart, HART_REQ_FENCE_I | HART_REQ_IPI);
    assert_true(atomic_load(&f.hart.attention) & HART_ATTN_REQUEST);
    assert_int_equal(hart_serve_requests(&f.hart), HART_REQ_FENCE_I | HART_REQ_IPI);
    assert_int_equal(f.fences, 1);
    assert_int_equal(fixture_get(&f, CSR_MIP), MIP_SSIP);
    assert_false(atomic_load(&f.hart.attention) & HART_ATTN_REQUEST);
    assert_int_equal(hart_serve_requests(&f.hart), 0);
    assert_int_equal(f.fences, 1);
    fixture_fini(&f);
}

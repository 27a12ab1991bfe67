/* cpu/tests/test_timers.c - stimecmp and STIP; mcycle, minstret, the programmable counters and
 * their overflow. */
#include "tests/unit.h"

#include "cpu/tests/fixture.h"

static bool stip(struct fixture *f)
{
    return fixture_get(f, CSR_MIP) & MIP_STIP;
}

TEST(stip_is_time_at_or_past_stimecmp)
{
    struct fixture f;

    fixture_init(&f);
    fixture_set(&f, CSR_MENVCFG, MENVCFG_STCE);
    f.now = 1000;
    assert_false(stip(&f));
    fixture_set(&f, CSR_STIMECMP, 1001);
    assert_int_equal(f.deadline, 1001);
    assert_false(stip(&f));
    f.now = 1001;
    assert_true(stip(&f)); /* even before the timer's call */
    fixture_set(&f, CSR_STIMECMP, 5000);
    assert_false(stip(&f));
    assert_int_equal(f.deadline, 5000);
    fixture_set(&f, CSR_STIMECMP, 900);
    assert_true(stip(&f));
    assert_int_equal(f.deadline, UINT64_MAX); /* nothing to wait for */
    fixture_set(&f, CSR_MIP, 0);              /* not software's */
    assert_true(stip(&f));
    fixture_set(&f, CSR_STIMECMP, UINT64_MAX);
    assert_false(stip(&f));
    fixture_fini(&f);
}

TEST(the_timers_call_makes_the_interrupt_takeable)
{
    struct fixture f;

    fixture_init(&f);
    fixture_set(&f, CSR_MENVCFG, MENVCFG_STCE);
    fixture_set(&f, CSR_MIDELEG, MIP_STIP);
    fixture_set(&f, CSR_MIE, MIP_STIP);
    fixture_set(&f, CSR_STVEC, 0x80000000);
    fixture_mode(&f, PRIV_U);
    fixture_set(&f, CSR_STIMECMP, 100);
    atomic_store(&f.hart.attention, HART_ATTN_WFI);
    assert_true(hart_may_sleep(&f.hart));
    f.now = 99;
    hart_stimer_fired(&f.hart); /* early: asked for again */
    assert_int_equal(f.wakes, 1);
    f.deadline = 0;
    assert_true(hart_may_sleep(&f.hart));
    assert_int_equal(f.deadline, 100);
    f.now = 100;
    hart_stimer_fired(&f.hart);
    assert_false(hart_may_sleep(&f.hart));
    assert_true(hart_take_interrupt(&f.hart));
    assert_int_equal(f.hart.s.scause, XCAUSE_INTERRUPT | IRQ_STI);
    fixture_fini(&f);
}

TEST(a_guest_that_finds_stip_set_gets_the_interrupt)
{
    struct fixture f;

    fixture_init(&f);
    fixture_set(&f, CSR_MENVCFG, MENVCFG_STCE);
    fixture_set(&f, CSR_MIE, MIP_STIP);
    fixture_set(&f, CSR_MSTATUS, MSTATUS_MIE);
    fixture_set(&f, CSR_STIMECMP, 100);
    atomic_store(&f.hart.attention, 0);
    f.now = 100; /* the timer's call is late */
    assert_true(stip(&f));
    assert_true(atomic_load(&f.hart.attention) & HART_ATTN_IRQ);
    assert_true(hart_take_interrupt(&f.hart));
    fixture_fini(&f);
}

TEST(a_call_for_a_replaced_deadline_does_nothing)
{
    struct fixture f;

    fixture_init(&f);
    fixture_set(&f, CSR_MENVCFG, MENVCFG_STCE);
    fixture_set(&f, CSR_MIE, MIP_STIP);
    fixture_set(&f, CSR_STIMECMP, 100);
    f.now = 100;
    fixture_set(&f, CSR_STIMECMP, 200); /* while the timer of 100 is on its way */
    hart_stimer_fired(&f.hart);
    assert_false(hart_irq_wakes(&f.hart));
    assert_int_equal(f.deadline, 200);
    fixture_fini(&f);
}

TEST(without_stce_stip_is_software_again)
{
    struct fixture f;

    fixture_init(&f);
    fixture_set(&f, CSR_MENVCFG, MENVCFG_STCE);
    fixture_set(&f, CSR_STIMECMP, 0);
    assert_true(stip(&f));
    fixture_set(&f, CSR_MENVCFG, 0);
    assert_false(stip(&f));
    fixture_set(&f, CSR_MIP, MIP_STIP);
    assert_true(stip(&f));
    fixture_set(&f, CSR_MENVCFG, MENVCFG_STCE);
    fixture_set(&f, CSR_STIMECMP, 50);
    assert_false(stip(&f));
    assert_int_equal(f.deadline, 50);
    fixture_set(&f, CSR_MENVCFG, 0);
    assert_int_equal(f.deadline, UINT64_MAX);
    assert_true(stip(&f)); /* what software had written */
    fixture_fini(&f);
}

TEST(the_builtin_firmware_keeps_time_without_stce)
{
    struct fixture f;

    fixture_init(&f);
    f.isa.ext &= ~(UINT64_C(1) << ISA_EXT_SSTC);
    f.hart.builtin_sbi = true;
    hart_enter_supervisor(&f.hart, RAM_BASE, 0);
    hart_set_stimecmp(&f.hart, 10);
    assert_int_equal(f.deadline, 10);
    f.now = 10;
    assert_true(stip(&f));
    hart_set_stimecmp(&f.hart, UINT64_MAX);
    assert_false(stip(&f));
    fixture_fini(&f);
}

TEST(cycles_and_instructions_count_unless_inhibited)
{
    struct fixture f;

    fixture_init(&f);
    hart_count(&f.hart, 5);
    assert_int_equal(fixture_get(&f, CSR_INSTRET), 5);
    assert_int_equal(fixture_get(&f, CSR_CYCLE), 5);
    fixture_set(&f, CSR_MCOUNTINHIBIT, COUNTEREN_CY);
    hart_count(&f.hart, 5);
    fixture_set(&f, CSR_MCOUNTINHIBIT, COUNTEREN_IR);
    hart_count(&f.hart, 7);
    assert_int_equal(fixture_get(&f, CSR_MINSTRET), 10);
    assert_int_equal(fixture_get(&f, CSR_MCYCLE), 12);
    f.now = 99;
    assert_int_equal(fixture_get(&f, CSR_TIME), 99);
    fixture_fini(&f);
}

TEST(events_count_in_the_modes_that_are_not_inhibited)
{
    static const uint64_t inhibit[] = {
        [PRIV_U] = MHPMEVENT_UINH, [PRIV_S] = MHPMEVENT_SINH, [PRIV_M] = MHPMEVENT_MINH
    };
    static const unsigned privs[] = { PRIV_U, PRIV_S, PRIV_M };
    struct fixture f;

    fixture_init(&f);
    for (unsigned event = 0; event < 4; event++) {
        for (unsigned i = 0; i < 3; i++) {
            for (unsigned p = 0; p < 3; p++) {
                bool counts = (event == 1 || event == 2) && i != p;

                fixture_set(&f, CSR_MHPMCOUNTER3 + 1, 0);
                fixture_set(&f, CSR_MHPMEVENT3 + 1, event | inhibit[privs[i]]);
                fixture_mode(&f, privs[p]);
                hart_count(&f.hart, 9);
                assert_int_equal(fixture_get(&f, CSR_HPMCOUNTER3 + 1), counts ? 9 : 0);
            }
        }
    }
    fixture_set(&f, CSR_MHPMEVENT3 + 1, 2);
    fixture_set(&f, CSR_MCOUNTINHIBIT, COUNTEREN_HPM(4));
    hart_count(&f.hart, 9);
    assert_int_equal(fixture_get(&f, CSR_HPMCOUNTER3 + 1), 0);
    fixture_fini(&f);
}

TEST(overflow_sets_of_once_and_asks_for_the_interrupt)
{
    struct fixture f;

    fixture_init(&f);
    fixture_set(&f, CSR_MIE, MIP_LCOFIP);
    fixture_set(&f, CSR_MSTATUS, MSTATUS_MIE);
    fixture_set(&f, CSR_MHPMEVENT3, 2);
    fixture_set(&f, CSR_MHPMCOUNTER3, UINT64_MAX - 9);
    hart_count(&f.hart, 9);
    assert_int_equal(fixture_get(&f, CSR_MHPMEVENT3), 2);
    assert_int_equal(fixture_get(&f, CSR_MIP), 0);
    hart_count(&f.hart, 9);
    assert_int_equal(fixture_get(&f, CSR_MHPMCOUNTER3), 8);
    assert_int_equal(fixture_get(&f, CSR_MHPMEVENT3), MHPMEVENT_OF | 2);
    assert_int_equal(fixture_get(&f, CSR_SCOUNTOVF), 1 << 3);
    assert_int_equal(fixture_get(&f, CSR_MIP), MIP_LCOFIP);
    assert_true(atomic_load(&f.hart.attention) & HART_ATTN_IRQ);
    assert_true(hart_take_interrupt(&f.hart));
    assert_int_equal(f.hart.s.mcause, XCAUSE_INTERRUPT | IRQ_LCOFI);
    fixture_set(&f, CSR_MIP, 0);
    fixture_set(&f, CSR_MHPMCOUNTER3, UINT64_MAX); /* OF still set: no request */
    hart_count(&f.hart, 1);
    assert_int_equal(fixture_get(&f, CSR_MIP), 0);
    /* S sees the bits whose counters it may read. */
    fixture_mode(&f, PRIV_S);
    fixture_set(&f, CSR_MCOUNTEREN, ~COUNTEREN_HPM(3));
    assert_int_equal(fixture_get(&f, CSR_SCOUNTOVF), 0);
    fixture_set(&f, CSR_MCOUNTEREN, COUNTEREN_HPM(3));
    assert_int_equal(fixture_get(&f, CSR_SCOUNTOVF), 1 << 3);
    fixture_fini(&f);
}

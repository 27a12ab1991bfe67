/* cpu/tests/test_csr.c - every CSR number in every mode, and the WARL rules.
 *
 * The sweep's expectations are written down here anew from the manual's listing, not taken from
 * csr.def; where isa/ has a table of its own, the two must agree. */
#include "tests/unit.h"

#include <stdio.h>

#include "cpu/tests/fixture.h"

static bool in(unsigned csr, unsigned first, unsigned last)
{
    return csr >= first && csr <= last;
}

/* Does the hart of the fixture have it? */
static bool exists(unsigned csr)
{
    return in(csr, 0x001, 0x003) || in(csr, 0xc00, 0xc1f) || csr == 0x100 ||
           in(csr, 0x104, 0x106) || csr == 0x10a || in(csr, 0x140, 0x144) || csr == 0x14d ||
           csr == 0x180 || csr == 0xda0 || in(csr, 0x300, 0x306) || csr == 0x30a || csr == 0x320 ||
           in(csr, 0x323, 0x344) || csr == 0x3a0 || csr == 0x3a2 || in(csr, 0x3b0, 0x3bf) ||
           in(csr, 0x7a0, 0x7a4) || csr == 0xb00 || in(csr, 0xb02, 0xb1f) || in(csr, 0xf11, 0xf15);
}

static bool access_csr(struct fixture *f, unsigned csr, bool write)
{
    uint64_t old;

    /* csrrs with no bits: the check of a write without its effect. */
    return hart_csr(&f->hart, csr, CSR_OP_SET, 0, true, write, &old);
}

TEST(every_number_in_every_mode_is_legal_or_not_as_the_manual_says)
{
    static const unsigned privs[] = { PRIV_U, PRIV_S, PRIV_M };
    unsigned legal = 0;
    struct fixture f;

    fixture_init(&f);
    fixture_set(&f, CSR_MSTATUS, MSTATUS_FS);
    fixture_set(&f, CSR_MCOUNTEREN, COUNTEREN_ALL);
    fixture_set(&f, CSR_SCOUNTEREN, COUNTEREN_ALL);
    fixture_set(&f, CSR_MENVCFG, MENVCFG_STCE);
    for (unsigned csr = 0; csr < CSR_COUNT; csr++) {
        for (unsigned i = 0; i < 3; i++) {
            bool may = exists(csr) && privs[i] >= (csr >> 8 & 3);

            fixture_mode(&f, privs[i]);
            if (access_csr(&f, csr, false) != may)
                fail_msg("reading CSR 0x%03x at privilege %u", csr, privs[i]);
            if (access_csr(&f, csr, true) != (may && csr >> 10 != 3))
                fail_msg("writing CSR 0x%03x at privilege %u", csr, privs[i]);
            legal += may;
        }
    }
    assert_true(legal > 200);
    assert_false(hart_csr_poke(&f.hart, CSR_COUNT, 0));
    fixture_fini(&f);
}

/* What isa/ disassembles by name and this hart refuses, and why. */
static bool refused_on_purpose(unsigned csr)
{
    return csr == 0x747 || csr == 0x7a5 || /* no field of mseccfg; tcontrol is optional */
           in(csr, 0x3a4, 0x3ae) || in(csr, 0x3c0, 0x3ef); /* 16 PMP entries */
}

TEST(isa_knows_the_same_registers_and_extensions)
{
    struct fixture f;
    uint64_t val;

    fixture_init(&f);
    for (unsigned csr = 0; csr < CSR_COUNT; csr++) {
        const struct csr_info *info = csr_find(csr);

        if (refused_on_purpose(csr))
            continue;
        assert_int_equal(info != NULL, hart_csr_peek(&f.hart, csr, &val));
        if (info == NULL || info->ext == ISA_EXT_I)
            continue;
        f.isa.ext &= ~(UINT64_C(1) << info->ext);
        assert_false(hart_csr_peek(&f.hart, csr, &val));
        f.isa.ext |= UINT64_C(1) << info->ext;
    }
    fixture_fini(&f);
}

TEST(counter_enables_gate_s_by_m_and_u_by_both)
{
    struct fixture f;

    fixture_init(&f);
    for (unsigned n = 0; n < 32; n++) {
        for (unsigned bits = 0; bits < 4; bits++) {
            fixture_mode(&f, PRIV_M);
            fixture_set(&f, CSR_MCOUNTEREN, bits & 1 ? ISA_BIT(n) : ~ISA_BIT(n));
            fixture_set(&f, CSR_SCOUNTEREN, bits & 2 ? ISA_BIT(n) : ~ISA_BIT(n));
            assert_true(access_csr(&f, CSR_CYCLE + n, false));
            fixture_mode(&f, PRIV_S);
            assert_int_equal(access_csr(&f, CSR_CYCLE + n, false), bits & 1);
            fixture_mode(&f, PRIV_U);
            assert_int_equal(access_csr(&f, CSR_CYCLE + n, false), bits == 3);
        }
    }
    fixture_fini(&f);
}

TEST(stimecmp_needs_stce_and_tm_below_m)
{
    struct fixture f;

    fixture_init(&f);
    for (unsigned bits = 0; bits < 4; bits++) {
        fixture_mode(&f, PRIV_M);
        fixture_set(&f, CSR_MENVCFG, bits & 1 ? MENVCFG_STCE : 0);
        fixture_set(&f, CSR_MCOUNTEREN, bits & 2 ? COUNTEREN_TM : 0);
        assert_true(access_csr(&f, CSR_STIMECMP, true));
        fixture_mode(&f, PRIV_S);
        assert_int_equal(access_csr(&f, CSR_STIMECMP, true), bits == 3);
    }
    fixture_fini(&f);
}

TEST(tvm_and_fs_gate_satp_and_floating_point)
{
    struct fixture f;

    fixture_init(&f);
    fixture_set(&f, CSR_MSTATUS, MSTATUS_TVM);
    assert_true(access_csr(&f, CSR_SATP, true));
    assert_false(access_csr(&f, CSR_FCSR, false));
    fixture_mode(&f, PRIV_S);
    assert_false(access_csr(&f, CSR_SATP, false));
    assert_false(hart_sfence_vma(&f.hart, false, 0, false, 0));
    fixture_mode(&f, PRIV_M);
    fixture_set(&f, CSR_MSTATUS, MSTATUS_FS_INITIAL);
    fixture_mode(&f, PRIV_S);
    assert_true(access_csr(&f, CSR_SATP, false));
    assert_true(hart_sfence_vma(&f.hart, false, 0, false, 0));
    assert_true(access_csr(&f, CSR_FCSR, false));
    assert_int_equal(f.hart.s.mstatus & MSTATUS_FS, MSTATUS_FS_INITIAL);
    assert_true(access_csr(&f, CSR_FRM, true)); /* a write makes it dirty */
    assert_int_equal(fixture_get(&f, CSR_SSTATUS) & (MSTATUS_FS | MSTATUS_SD),
                     MSTATUS_FS | MSTATUS_SD);
    fixture_mode(&f, PRIV_U);
    assert_false(hart_sfence_vma(&f.hart, false, 0, false, 0));
    fixture_fini(&f);
}

TEST(the_three_operations_combine_old_and_operand)
{
    struct fixture f;
    uint64_t old = 1;

    fixture_init(&f);
    assert_true(hart_csr(&f.hart, CSR_MSCRATCH, CSR_OP_WRITE, 0xf0, false, true, &old));
    assert_int_equal(old, 0); /* not read */
    assert_true(hart_csr(&f.hart, CSR_MSCRATCH, CSR_OP_SET, 0x0f, true, true, &old));
    assert_int_equal(old, 0xf0);
    assert_true(hart_csr(&f.hart, CSR_MSCRATCH, CSR_OP_CLEAR, 0x3c, true, true, &old));
    assert_int_equal(old, 0xff);
    assert_true(hart_csr(&f.hart, CSR_MSCRATCH, CSR_OP_SET, 0xff00, true, false, &old));
    assert_int_equal(fixture_get(&f, CSR_MSCRATCH), 0xc3);
    fixture_fini(&f);
}

TEST(fcsr_is_made_of_frm_and_fflags)
{
    struct fixture f;
    uint64_t old;

    fixture_init(&f);
    fixture_set(&f, CSR_FCSR, UINT64_MAX);
    assert_int_equal(fixture_get(&f, CSR_FCSR), 0xff);
    assert_int_equal(fixture_get(&f, CSR_FRM), 7);
    fixture_set(&f, CSR_FRM, 0xfa);
    assert_int_equal(fixture_get(&f, CSR_FCSR), 0x5f);
    fixture_set(&f, CSR_MSTATUS, MSTATUS_FS);
    assert_true(hart_csr(&f.hart, CSR_FFLAGS, CSR_OP_CLEAR, 0xe3, true, true, &old));
    assert_int_equal(old, 0x1f);
    assert_int_equal(fixture_get(&f, CSR_FCSR), 0x5c);
    assert_true(hart_csr(&f.hart, CSR_FRM, CSR_OP_SET, 2, true, true, &old));
    assert_int_equal(fixture_get(&f, CSR_FRM), 0x2 | 0x2);
    fixture_fini(&f);
}

/* Writing all ones, then all zeros, gives this. */
static void expect_bits(struct fixture *f, unsigned csr, uint64_t ones, uint64_t zeros)
{
    fixture_set(f, csr, UINT64_MAX);
    assert_int_equal(fixture_get(f, csr), ones);
    fixture_set(f, csr, 0);
    assert_int_equal(fixture_get(f, csr), zeros);
}

#define XL_FIELDS ((uint64_t)XL_64 << 32 | (uint64_t)XL_64 << 34)

TEST(fields_keep_what_is_writable)
{
    struct fixture f;

    fixture_init(&f);
    expect_bits(&f, CSR_MSTATUS, UINT64_C(0x8000000a007e79aa), XL_FIELDS);
    fixture_set(&f, CSR_MSTATUS, 0);
    expect_bits(&f, CSR_SSTATUS, UINT64_C(0x80000002000c6122), UINT64_C(0x200000000));
    expect_bits(&f, CSR_MEDELEG, 0xb3ff, 0);
    expect_bits(&f, CSR_MIE, 0x2aaa, 0);
    expect_bits(&f, CSR_SIE, 0, 0); /* nothing delegated */
    expect_bits(&f, CSR_MIDELEG, 0x2222, 0);
    fixture_set(&f, CSR_MIDELEG, UINT64_MAX);
    expect_bits(&f, CSR_SIE, 0x2222, 0);
    expect_bits(&f, CSR_MIP, 0x2222, 0);
    expect_bits(&f, CSR_SIP, 0x2002, 0);
    expect_bits(&f, CSR_MEPC, ~UINT64_C(1), 0);
    expect_bits(&f, CSR_SEPC, ~UINT64_C(1), 0);
    expect_bits(&f, CSR_MTVEC, ~UINT64_C(3), 0); /* mode 3 keeps mode 0 */
    expect_bits(&f, CSR_STVEC, ~UINT64_C(3), 0);
    expect_bits(&f, CSR_MENVCFG, UINT64_C(0xe0000000000000f1), 0);
    expect_bits(&f, CSR_SENVCFG, 0xf1, 0);
    expect_bits(&f, CSR_MCOUNTEREN, 0xffffffff, 0);
    expect_bits(&f, CSR_MCOUNTINHIBIT, 0x7d, 0);
    expect_bits(&f, CSR_MSCRATCH, UINT64_MAX, 0);
    expect_bits(&f, CSR_MCYCLE, UINT64_MAX, 0);
    expect_bits(&f, CSR_MHPMCOUNTER3 + 3, UINT64_MAX, 0);
    expect_bits(&f, CSR_MHPMCOUNTER3 + 4, 0, 0);
    expect_bits(&f, CSR_MHPMEVENT3, UINT64_C(0xf000000000000000) & ~MHPMEVENT_VSINH, 0);
    expect_bits(&f, CSR_MHPMEVENT31, 0, 0);
    expect_bits(&f, CSR_TSELECT, 0, 0);
    assert_int_equal(fixture_get(&f, CSR_MISA), UINT64_C(0x800000000014112d));
    fixture_fini(&f);
}

TEST(reserved_values_leave_the_field_alone)
{
    struct fixture f;
    uint64_t satp = (uint64_t)SATP_SV48 << SATP_MODE_SHIFT | UINT64_C(0xabcd) << 44 | 0x1234;

    fixture_init(&f);
    fixture_set(&f, CSR_MSTATUS, (uint64_t)PRIV_S << MSTATUS_MPP_SHIFT);
    fixture_set(&f, CSR_MSTATUS, (uint64_t)2 << MSTATUS_MPP_SHIFT);
    assert_int_equal(field_get(fixture_get(&f, CSR_MSTATUS), MSTATUS_MPP), PRIV_S);
    fixture_set(&f, CSR_SENVCFG, CBIE_FLUSH << 4);
    fixture_set(&f, CSR_SENVCFG, 2 << 4);
    assert_int_equal(fixture_get(&f, CSR_SENVCFG), CBIE_FLUSH << 4);
    fixture_set(&f, CSR_STVEC, 0x1001);
    fixture_set(&f, CSR_STVEC, 0x2002);
    assert_int_equal(fixture_get(&f, CSR_STVEC), 0x2001);
    fixture_set(&f, CSR_SATP, satp);
    for (uint64_t mode = 1; mode < 16; mode++) {
        if (mode >= SATP_SV39 && mode <= SATP_SV57)
            continue;
        fixture_set(&f, CSR_SATP, mode << SATP_MODE_SHIFT | 1);
        assert_int_equal(fixture_get(&f, CSR_SATP), satp);
    }
    f.isa.mmu = ISA_MMU_SV39;
    fixture_set(&f, CSR_SATP, (uint64_t)SATP_SV57 << SATP_MODE_SHIFT);
    assert_int_equal(fixture_get(&f, CSR_SATP), satp);
    fixture_fini(&f);
}

TEST(absent_extensions_leave_no_bits)
{
    struct fixture f;

    fixture_init(&f);
    f.isa.ext = UINT64_C(1) << ISA_EXT_I;
    f.isa.mmu = ISA_MMU_BARE;
    hart_reset(&f.hart, 0);
    expect_bits(&f, CSR_MSTATUS, XL_FIELDS | UINT64_C(0x6219aa) | UINT64_C(0x0), XL_FIELDS);
    expect_bits(&f, CSR_MENVCFG, 0, 0);
    expect_bits(&f, CSR_MIE, 0xaaa, 0);
    expect_bits(&f, CSR_MEPC, ~UINT64_C(3), 0);
    fixture_set(&f, CSR_SATP, (uint64_t)SATP_SV39 << SATP_MODE_SHIFT);
    assert_int_equal(fixture_get(&f, CSR_SATP), 0);
    assert_int_equal(fixture_get(&f, CSR_MISA), MISA_MXL_64 | UINT64_C(0x140100));
    fixture_fini(&f);
}

TEST(set_and_clear_of_mip_do_not_copy_the_lines)
{
    struct fixture f;
    uint64_t old;

    fixture_init(&f);
    hart_set_irq_line(&f.hart, IRQ_SEI, true);
    hart_set_irq_line(&f.hart, IRQ_MTI, true);
    assert_true(hart_csr(&f.hart, CSR_MIP, CSR_OP_SET, MIP_SSIP, true, true, &old));
    assert_int_equal(old, MIP_SEIP | MIP_MTIP);
    hart_set_irq_line(&f.hart, IRQ_SEI, false);
    hart_set_irq_line(&f.hart, IRQ_MTI, false);
    assert_int_equal(fixture_get(&f, CSR_MIP), MIP_SSIP);
    assert_true(hart_csr(&f.hart, CSR_MIP, CSR_OP_SET, MIP_SEIP, true, true, &old));
    hart_set_irq_line(&f.hart, IRQ_SEI, true);
    assert_true(hart_csr(&f.hart, CSR_MIP, CSR_OP_CLEAR, MIP_SEIP, true, true, &old));
    assert_int_equal(fixture_get(&f, CSR_MIP), MIP_SSIP | MIP_SEIP); /* the line is left */
    fixture_set(&f, CSR_MIDELEG, MIP_SSIP);
    assert_int_equal(fixture_get(&f, CSR_SIP), MIP_SSIP);
    fixture_set(&f, CSR_SIP, 0);
    assert_int_equal(fixture_get(&f, CSR_MIP), MIP_SEIP);
    fixture_fini(&f);
}

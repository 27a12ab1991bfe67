/*
 * dbt/ir_helpers.c - what CALL calls: instructions too rare or too tangled to be worth IR.
 *
 * Shared by every tier, so that they cannot differ. Each checks what the front end could not
 * know from the block's key (TVM, TW, TSR, counter enables) and raises an illegal instruction
 * with the bits as tval.
 */
#include <sched.h>

#include "cpu/hart.h"
#include "dbt/ir/helpers.h"
#include "isa/riscv/bits.h"

/* clang-format off */
ir_helper_fn *const ir_helper_table[IR_HELPERS] = {
#define X(name, args, flags) [IR_HELPER_##name] = ir_helper_##name,
#include "dbt/ir/ir_helpers.def"
#undef X
};
/* clang-format on */

enum { RAW_RS1_SHIFT = 15, RAW_RS2_SHIFT = 20, RAW_REG_MASK = 31, ECALL_LENGTH = 4 };

static uint64_t illegal(struct hart *hart, uint64_t raw)
{
    (void)hart_raise(hart, CAUSE_ILLEGAL, raw);
    return 0;
}

/* The counter a CSR number reads or writes that counts this very instruction, or NULL. */
static uint64_t *counter_of(struct hart *hart, unsigned csr)
{
    switch (csr) {
    case CSR_CYCLE:
    case CSR_MCYCLE:
        return hart->s.mcountinhibit & 1 ? NULL : &hart->s.mcycle;
    case CSR_INSTRET:
    case CSR_MINSTRET:
        return hart->s.mcountinhibit & 4 ? NULL : &hart->s.minstret;
    default:
        return NULL;
    }
}

/* The engine has counted this instruction already, as part of its block. A counter's value must
 * be the one before it, and a write to a counter replaces its own increment (unprivileged
 * manual, "Zicntr"; privileged, 3.1.10): so it is taken back, and put again if nothing was
 * written. */
uint64_t ir_helper_csr(struct hart *hart, uint64_t a, uint64_t b, uint64_t c)
{
    unsigned csr = c & 0xfff;
    bool read = c >> 14 & 1, write = c >> 15 & 1, ok;
    uint64_t *counter = counter_of(hart, csr), old = 0;

    if (counter)
        --*counter;
    ok = hart_csr(hart, csr, (enum csr_op)(c >> 12 & 3), b, read, write, &old);
    if (counter && !(ok && write))
        ++*counter;
    return ok ? old : illegal(hart, a);
}

/* sfence.vma and sinval.vma: which operands are there is in the instruction, not in the values. */
uint64_t ir_helper_sfence_vma(struct hart *hart, uint64_t a, uint64_t b, uint64_t c)
{
    bool has_gva = (a >> RAW_RS1_SHIFT & RAW_REG_MASK) != 0;
    bool has_asid = (a >> RAW_RS2_SHIFT & RAW_REG_MASK) != 0;

    return hart_sfence_vma(hart, has_gva, b, has_asid, c) ? 0 : illegal(hart, a);
}

uint64_t ir_helper_wfi(struct hart *hart, uint64_t a, uint64_t b, uint64_t c)
{
    (void)b, (void)c;
    return hart_wfi(hart) ? 0 : illegal(hart, a);
}

/* wrs.nto and wrs.sto may end for any reason and at any time, so that they never trap for TW
 * ("Zawrs"). Whoever is to write the location may be waiting for our host core: let it. */
uint64_t ir_helper_wrs(struct hart *hart, uint64_t a, uint64_t b, uint64_t c)
{
    (void)hart, (void)a, (void)b, (void)c;
    (void)sched_yield();
    return 0;
}

uint64_t ir_helper_mret(struct hart *hart, uint64_t a, uint64_t b, uint64_t c)
{
    (void)b, (void)c;
    return hart_mret(hart) ? 0 : illegal(hart, a);
}

uint64_t ir_helper_sret(struct hart *hart, uint64_t a, uint64_t b, uint64_t c)
{
    (void)b, (void)c;
    return hart_sret(hart) ? 0 : illegal(hart, a);
}

uint64_t ir_helper_sbi(struct hart *hart, uint64_t a, uint64_t b, uint64_t c)
{
    (void)a, (void)b, (void)c;
    hart->s.pc += ECALL_LENGTH;
    hart->ops->sbi_call(hart);
    return 0;
}

uint64_t ir_helper_fence_i(struct hart *hart, uint64_t a, uint64_t b, uint64_t c)
{
    (void)a, (void)b, (void)c;
    hart->ops->fence_i(hart);
    return 0;
}

uint64_t ir_helper_check_target(struct hart *hart, uint64_t a, uint64_t b, uint64_t c)
{
    (void)b, (void)c;
    if (a & 2)
        (void)hart_raise(hart, CAUSE_FETCH_MISALIGNED, a);
    return 0;
}

uint64_t ir_helper_cbo(struct hart *hart, uint64_t a, uint64_t b, uint64_t c)
{
    (void)!hart_cbo(hart, (unsigned)c, b, (uint32_t)a); /* false: has raised */
    return 0;
}

/* ---- amocas.q ---- */

__extension__ typedef unsigned __int128 u128;

/* __sync, not __atomic: only the former is sure to become one instruction (-mcx16 on x86). */
static u128 cas128(u128 *p, u128 expected, u128 desired)
{
    return __sync_val_compare_and_swap(p, expected, desired);
}

/* A pair of registers; x0 stands for a pair of zeros. */
static u128 get_pair(const struct hart *hart, uint64_t reg)
{
    if (reg == 0)
        return 0;
    return (u128)hart->s.x[reg + 1] << 64 | hart->s.x[reg];
}

uint64_t ir_helper_amocas_q(struct hart *hart, uint64_t a, uint64_t b, uint64_t c)
{
    void *hva;
    gpa_t gpa;
    u128 old;

    if (!hart_atomic_ptr(hart, a, 16, true, &hva, &gpa))
        return 0;
    old = cas128(hva, get_pair(hart, b), get_pair(hart, c));
    hart_atomic_done(hart, gpa, 16);
    if (b != 0) {
        hart->s.x[b] = (uint64_t)old;
        hart->s.x[b + 1] = (uint64_t)(old >> 64);
    }
    return 0;
}

/* Without C: a jump to a target that is no multiple of 4 traps at the jump, with the target in
 * tval, links nothing, and a branch that is not taken does not. */
#include "guest.h"

u64 jump_reg(u64 target);
u64 jump_far(void);
u64 branch(u64 taken);
extern const char jump_reg_insn, jump_far_insn, branch_insn;
__asm__(".balign 4\n"
        "jump_reg: mv t0, ra\n li ra, 77\n"
        "jump_reg_insn: jalr ra, 0(a0)\n"
        "jump_far: mv t0, ra\n li ra, 77\n"
        /* jal ra, +6 and beq a0, a0, +6: no assembler would write them. */
        "jump_far_insn: .4byte 0x006000ef\n jr t0\n"
        "branch:\n"
        "branch_insn: .4byte 0x00051363\n" /* bne a0, x0, +6 */
        "li a0, 5\n ret\n");

int main(void)
{
    struct trap trap;

    for (int priv = U; priv <= M; priv += priv == S ? 2 : 1) {
        trap = run(priv, (void *)jump_reg, (u64)probe_nop + 2, 0);
        CHECK_EQ(trap.cause, FETCH_MISALIGNED);
        CHECK_EQ(trap.epc, (u64)&jump_reg_insn);
        CHECK(trap.tval == 0 || trap.tval == (u64)probe_nop + 2);
        trap = run(priv, (void *)jump_reg, (u64)probe_nop + 3, 0);
        CHECK_EQ(trap.cause, FETCH_MISALIGNED);
        trap = run(priv, (void *)jump_far, 0, 0);
        CHECK_EQ(trap.cause, FETCH_MISALIGNED);
        CHECK_EQ(trap.epc, (u64)&jump_far_insn);
        CHECK(trap.tval == 0 || trap.tval == (u64)&jump_far_insn + 6);
        trap = run(priv, (void *)branch, 1, 0);
        CHECK_EQ(trap.cause, FETCH_MISALIGNED);
        CHECK_EQ(trap.epc, (u64)&branch_insn);
        CHECK(trap.tval == 0 || trap.tval == (u64)&branch_insn + 6);
        trap = run(priv, (void *)branch, 0, 0);
        CHECK_EQ(trap.cause, NO_TRAP);
        CHECK_EQ(trap.ret, 5);
    }
    /* mepc and sepc hold multiples of 4. */
    CSR_WRITE(MEPC, (u64)probe_nop + 2);
    CHECK_EQ(CSR_READ(MEPC), (u64)probe_nop);
    CSR_WRITE(SEPC, (u64)probe_nop + 2);
    CHECK_EQ(CSR_READ(SEPC), (u64)probe_nop);
    /* Every compressed word is illegal. */
    CHECK_EQ(run_insn(M, 0x00010001, 0, 0).cause, ILLEGAL);
    CHECK_EQ(run_insn(M, 0x00018082, 0, 0).cause, ILLEGAL);
    CHECK_EQ(CSR_READ(MISA) & BIT(2), 0);
    return 0;
}

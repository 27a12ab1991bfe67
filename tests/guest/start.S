/* tests/guest/start.S - where a guest test begins, how it ends, and the trap entries behind run().
 *
 * Every hart starts here in M mode. Hart 0 calls main(); the others wait until main() sets
 * guest_go, then call guest_secondary(hartid). A test has passed when main() returns 0.
 *
 * The end is told twice: to `tohost` (1 passed, code << 1 | 1 failed), and to the test finisher of
 * the virt board (0x5555 passed, code << 16 | 0x3333 failed), which stops the machine.
 *
 * mscratch is 0, or the struct context (guest.h) of a run() that is under way on this hart: its
 * code is left by any trap. A trap outside run() fails the test with code 1000 + cause.
 */
#define CTX_RA 0
#define CTX_SP 8
#define CTX_GP 16
#define CTX_TP 24
#define CTX_S(n) (32 + 8 * (n))
#define CTX_RET 128
#define CTX_MAGIC 136
#define STACK_SHIFT 13
#define MAX_HARTS 8

        .section .text.start, "ax"
        .globl _start
_start:
        csrw    mscratch, zero
        la      t0, guest_m_trap
        csrw    mtvec, t0
        csrr    t0, mhartid
        li      t1, MAX_HARTS
        bgeu    t0, t1, park
        la      sp, stacks
        addi    t1, t0, 1
        slli    t1, t1, STACK_SHIFT
        add     sp, sp, t1
        mv      tp, t0
        bnez    t0, secondary
        call    guest_init
        call    main
        call    guest_exit
secondary:
        la      t1, guest_go
1:      lw      t2, 0(t1)
        beqz    t2, 1b
        fence   r, rw
        call    guest_init
        mv      a0, tp
        call    guest_secondary
park:
        csrw    mie, zero
        wfi
        j       park

        .text
        .weak   guest_secondary
guest_secondary:
        ret

/* void guest_exit(unsigned code): 0 has passed. */
        .globl guest_exit
guest_exit:
        csrw    mscratch, zero
        la      t0, 2f
        csrw    mtvec, t0
        la      t0, tohost
        slli    t1, a0, 1
        ori     t1, t1, 1
        sd      t1, 0(t0)
        li      t0, 0x100000
        li      t1, 0x5555
        beqz    a0, 1f
        slli    t1, a0, 16
        li      t2, 0x3333
        or      t1, t1, t2
1:      sw      t1, 0(t0)
        .balign 4
2:      j       2b

/* Ends the test as failed in case `a0`, whatever has become of sp and the rest. */
        .globl guest_fail_case
guest_fail_case:
        la      sp, stacks + (1 << STACK_SHIFT)
        call    guest_report_case

/* void guest_run(struct context *ctx, u64 pc, u64 a0, u64 a1, u64 sp_offset, u64 mstatus)
 * Saves what a function must, goes to pc by mret with ra at a stub that says it has returned. */
        .globl guest_run
guest_run:
        sd      ra, CTX_RA(a0)
        sd      sp, CTX_SP(a0)
        sd      gp, CTX_GP(a0)
        sd      tp, CTX_TP(a0)
        sd      s0, CTX_S(0)(a0)
        sd      s1, CTX_S(1)(a0)
        sd      s2, CTX_S(2)(a0)
        sd      s3, CTX_S(3)(a0)
        sd      s4, CTX_S(4)(a0)
        sd      s5, CTX_S(5)(a0)
        sd      s6, CTX_S(6)(a0)
        sd      s7, CTX_S(7)(a0)
        sd      s8, CTX_S(8)(a0)
        sd      s9, CTX_S(9)(a0)
        sd      s10, CTX_S(10)(a0)
        sd      s11, CTX_S(11)(a0)
        csrw    mscratch, a0
        csrw    mepc, a1
        csrw    mstatus, a5
        la      ra, returned
        add     ra, ra, a4
        add     sp, sp, a4
        mv      a0, a2
        mv      a1, a3
        li      a7, 0
        mret

/* Where code under run() returns to, in whatever mode. a0 is its result. */
        .balign 4
returned:
        li      a7, 0x600d
        ecall

/* For stvec: the trap came to S mode. M mode reads scause and the rest itself. */
        .globl guest_s_trap
        .balign 256
guest_s_trap:
        .rept   64
        j       1f
        .balign 4
        .endr
1:      li      a7, 0x5000
        ecall

        .globl guest_m_trap
        .balign 256
guest_m_trap:
        .rept   64
        j       1f
        .balign 4
        .endr
1:      csrrw   sp, mscratch, sp
        beqz    sp, outside
        sd      a0, CTX_RET(sp)
        sd      a7, CTX_MAGIC(sp)
        mv      a0, sp
        csrw    mscratch, zero
        ld      ra, CTX_RA(a0)
        ld      sp, CTX_SP(a0)
        ld      gp, CTX_GP(a0)
        ld      tp, CTX_TP(a0)
        ld      s0, CTX_S(0)(a0)
        ld      s1, CTX_S(1)(a0)
        ld      s2, CTX_S(2)(a0)
        ld      s3, CTX_S(3)(a0)
        ld      s4, CTX_S(4)(a0)
        ld      s5, CTX_S(5)(a0)
        ld      s6, CTX_S(6)(a0)
        ld      s7, CTX_S(7)(a0)
        ld      s8, CTX_S(8)(a0)
        ld      s9, CTX_S(9)(a0)
        ld      s10, CTX_S(10)(a0)
        ld      s11, CTX_S(11)(a0)
        ret
outside:
        csrrw   sp, mscratch, zero
        csrr    a0, mcause
        csrr    a1, mepc
        csrr    a2, mtval
        call    guest_unexpected

        .section .tohost, "aw"
        .balign 64
        .globl  tohost
tohost: .dword  0
        .balign 64
        .globl  fromhost
fromhost: .dword 0

        .bss
        .balign 16
stacks: .skip   MAX_HARTS << STACK_SHIFT

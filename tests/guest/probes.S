/* tests/guest/probes.S - one instruction each, for run(). */
        .text
        .macro  PROBE name
        .balign 4
        .globl  probe_\name
probe_\name:
        .endm
        .option norvc

        PROBE   ld
        ld      a0, 0(a0)
        ret
        PROBE   lw
        lw      a0, 0(a0)
        ret
        PROBE   lh
        lh      a0, 0(a0)
        ret
        PROBE   lbu
        lbu     a0, 0(a0)
        ret
        PROBE   sd
        sd      a1, 0(a0)
        li      a0, 0
        ret
        PROBE   sw
        sw      a1, 0(a0)
        li      a0, 0
        ret
        PROBE   sh
        sh      a1, 0(a0)
        li      a0, 0
        ret
        PROBE   sb
        sb      a1, 0(a0)
        li      a0, 0
        ret
        PROBE   exec
        jr      a0
        PROBE   amoadd
        amoadd.d a0, a1, (a0)
        ret
        PROBE   amoadd_w
        amoadd.w a0, a1, (a0)
        ret
        PROBE   lr
        lr.d    a0, (a0)
        ret
        PROBE   sc
        sc.d    a0, a1, (a0)
        ret
        PROBE   nop
        ret
        PROBE   ecall
        ecall
        ret
        PROBE   ebreak
        ebreak
        ret
        PROBE   c_ebreak
        .option push
        .option rvc
        c.ebreak
        .option pop
        ret
        PROBE   mret
        mret
        PROBE   sret
        sret
        PROBE   wfi
        .globl  probe_wfi_insn
probe_wfi_insn:
        wfi
        ret
        PROBE   sfence
        sfence.vma
        ret
        PROBE   fence_i
        fence.i
        ret
        PROBE   spin
1:      j       1b
        PROBE   ret42
        li      a0, 42
        ret

/* dbt/front/riscv/front.h - RISC-V instructions to IR. The only code that knows what an
 * instruction means: one function a row of insn.table that is not compressed.
 *
 * A block starts at one address and ends behind a jump, a system instruction, a conditional
 * branch's fall-through limit, the end of its page, or IR_MAX_INSNS. It never reads a byte of
 * another page, except that an instruction that straddles the page's end forms a block alone.
 *
 * What an engine must know beside ir_ops.def:
 *   - Counting. The engine adds a block's instructions to minstret and mcycle when it enters the
 *     block, and takes back those that did not retire when it leaves early. An instruction that
 *     accesses a counter is always its block's last, so that helper `csr` is right to undo one
 *     instruction, its own.
 *   - Before every CALL, s.pc is the address of the calling instruction (ir/helpers.h). LEAVEPC
 *     follows a helper that has moved s.pc; LEAVE sets s.pc itself.
 *   - An instruction whose exception the front end foresees ends the block with TRAP; it counts
 *     among ir->insns and does not retire.
 */
#ifndef DBT_FRONT_RISCV_FRONT_H
#define DBT_FRONT_RISCV_FRONT_H

#include "dbt/ir/ir.h"
#include "isa/riscv/config.h"

/* What the meaning of the bytes depends on beside the bytes: part of a block's key. */
enum front_mode {
    FRONT_PRIV_MASK = 3,        /* enum riscv_priv */
    FRONT_FS_OFF = 1 << 2,      /* mstatus.FS is Off: FP instructions are illegal */
    FRONT_FS_DIRTY = 1 << 3,    /* already Dirty: no FSDIRTY op needed */
    FRONT_FRM_BAD = 1 << 4,     /* frm holds 5..7: dynamic rounding is illegal */
    FRONT_BUILTIN_SBI = 1 << 5, /* ecall from S is answered by helper `sbi` */
    FRONT_CBO_CLEAN = 1 << 6,   /* cbo.clean/flush, cbo.inval, cbo.zero permitted by xenvcfg */
    FRONT_CBO_INVAL = 1 << 7,
    FRONT_CBO_ZERO = 1 << 8,
    FRONT_FRM_NEAREST = 1 << 9, /* frm is round-to-nearest-even: dynamic rounding is that */
};

struct front_source {
    const uint8_t *bytes;     /* from the block's first instruction to the end of its page; aligned
                               * to 2. The guest may be writing there: each byte is read once. */
    unsigned size;            /* bytes readable there, 2..4096 */
    const uint8_t *next_page; /* for a straddling first instruction: its second half, or NULL */
    unsigned mode;            /* enum front_mode bits */
    const struct isa_config *isa;
    unsigned max_insns; /* 1..IR_MAX_INSNS; 1 single-steps */
};

/* Translates. `ir` is initialised inside. Returns false, with ir empty, only when the first
 * instruction straddles the page and next_page is NULL: the caller fetches it and tries again.
 * Illegal instructions become TRAP ops; nothing else fails. */
bool front_translate(const struct front_source *source, struct ir_block *ir) NODISCARD;

#endif

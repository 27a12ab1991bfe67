/* cpu/hart.h - a RISC-V hart as an engine (interpreter or JIT) runs it: its architectural state,
 * its soft TLB, what other threads ask of it, and what it asks of the world around it.
 *
 * Only the hart's own thread touches a hart, but for what is marked [any thread].
 *
 * How a trap comes about: a helper that must trap fills hart->exc by hart_raise() and returns
 * false (or HART_TRAP); the engine sets s.pc to the address of the instruction that did it and
 * calls hart_take_exception(). Nothing in cpu/ longjmps.
 */
#ifndef CPU_HART_H
#define CPU_HART_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "cpu/pmp.h"
#include "cpu/state.h"
#include "cpu/tlb.h"
#include "isa/riscv/config.h"
#include "mem/space.h"

struct hart;
struct hart_spy; /* cpu/spy.h */

/* What a hart needs from whoever built the machine. Set once; called on the hart's thread. */
struct hart_ops {
    /* `time` in ticks of the machine's timebase (10 MHz on virt). [any thread] */
    uint64_t (*time)(struct hart *hart);
    /* stimecmp, or what decides over STIP, has changed: call hart_stimer_fired() when `time`
     * reaches `deadline` (UINT64_MAX: never). */
    void (*arm_stimer)(struct hart *hart, uint64_t deadline);
    /* An ecall from S mode when no M-mode firmware is there (hart->builtin_sbi): answers in
     * s.x. The engine has set s.pc behind the ecall already. */
    void (*sbi_call)(struct hart *hart);
    /* fence.i: drop translations of changed code. */
    void (*fence_i)(struct hart *hart);
};

/* Reasons to leave the fast path; the engine tests the whole word on every block entry. */
enum hart_attention {
    HART_ATTN_IRQ = 1 << 0,     /* an enabled interrupt may be pending: look */
    HART_ATTN_KICK = 1 << 1,    /* leave the run loop: pause, reset, exit */
    HART_ATTN_REQUEST = 1 << 2, /* requests[] has something */
    HART_ATTN_WFI = 1 << 3,     /* executed wfi: sleep until an interrupt is pending */
    HART_ATTN_STOPPED = 1 << 4, /* SBI HSM: not started */
    HART_ATTN_ENGINE = 1 << 5,  /* the engine's own: it wants its compiled code to come back */
};

/* What other threads may ask; each is idempotent, so a bit is enough (FENCE's ranges lie beside).
 */
enum hart_request {
    HART_REQ_TLB_FLUSH = 1 << 0,        /* sfence.vma with no operands */
    HART_REQ_TLB_FLUSH_WRITES = 1 << 1, /* pages have become watched (mem/ram.h) */
    HART_REQ_FENCE_I = 1 << 2,
    HART_REQ_FORGET = 1 << 4,      /* translations are being freed: the engine drops its guesses */
    HART_REQ_IPI = 1 << 5,         /* the built-in firmware's send_ipi: SSIP becomes pending */
    HART_REQ_MAP_CHANGED = 1 << 3, /* the flat view changed: drop everything derived from it */
    HART_REQ_FENCE = 1 << 6,       /* sfence.vma with operands: hart_post_fence() */
};

/* A fence.vma that another hart asks for: of [gva, gva + size), or of all addresses if size is
 * UINT64_MAX; of one address space or of all. */
struct hart_fence {
    gva_t gva;
    uint64_t size;
    bool has_asid;
    uint16_t asid;
};

enum hart_fence_state { FENCE_FREE, FENCE_BEING_WRITTEN, FENCE_POSTED };
enum { HART_FENCES = 16, HART_FENCE_MAX_PAGES = 64 };

/* In irq_lines beside the IRQ_* bits: the timer of stimecmp has gone off, look at the time. */
#define HART_LINE_STIMER (UINT64_C(1) << 63)

struct hart_exception {
    uint64_t cause; /* mcause value without the interrupt bit */
    uint64_t tval;
};

enum { HART_TEMP_SLOTS = 1024, HART_SHARED = 16 };

/* The RAM found last, so that page walks need not search the flat view. Good as long as what is
 * in the soft TLB is. */
struct ram_hint {
    gpa_t first, last; /* inclusive; first > last: nothing */
    struct ram_block *ram;
    uint64_t ram_offset; /* of `first` within ram */
    bool writable;
};

/* What an engine keeps where its compiled code reaches it: near the registers. Only dbt/ uses it.
 */
struct hart_run {
    gva_t page;       /* virtual address of the page the running block is in */
    int64_t insns;    /* executed, not yet told to hart_count(); see dbt_hart.h */
    uint64_t cookie;  /* mode and tlb_code(): what guesses of where code is are good for */
    void *jump_cache; /* of the engine */
    void *engine;     /* its struct for this hart */
    uint32_t mxcsr;   /* the host's, on its way */
    int32_t turns; /* counted down where compiled code jumps back; below 0 it leaves, to be seen */
    void *stack;   /* compiled code's rsp with no call under way; see t1_call.c */
    void *stack_end; /* below which no call is noted */
    /* Host addresses compiled code keeps within a block; 0: ask the soft TLB (t1_share.c). */
    uintptr_t shared[HART_SHARED];
};

struct hart {
    struct riscv_state s; /* first: an engine addresses x[] and f[] from the hart pointer */
    struct hart_run run;
    uint64_t temp[HART_TEMP_SLOTS]; /* the interpreter's values; nothing survives a block */

    _Atomic uint32_t attention; /* enum hart_attention; [any thread] sets bits */
    _Atomic uint32_t requests;  /* enum hart_request; [any thread] */
    /* True from before the attention word is looked at until guest code is left: who has posted a
     * request and then finds false (both sequentially consistent) knows that it will be served
     * before this hart runs guest code again. Kept by accel/. */
    _Atomic bool in_guest;
    /* Fences asked for and not yet done. Whoever finds a free place takes it by compare-and-swap;
     * the hart frees it. */
    struct hart_fence_place {
        _Atomic int state; /* enum hart_fence_state */
        struct hart_fence fence;
    } fence[HART_FENCES];
    /* Levels driven by devices (MSIP, MTIP, MEIP, SEIP), and HART_LINE_STIMER. [any thread]
     * through hart_set_irq_line() and hart_stimer_fired(). */
    _Atomic uint64_t irq_lines;

    struct hart_exception exc; /* filled by hart_raise() */
    bool exc_raised; /* set by hart_raise(), cleared by hart_take_exception(): what engines test */
    uint8_t fetch_bank, data_bank; /* enum tlb_bank, kept by hart_mode_changed() */
    bool builtin_sbi;              /* no M-mode firmware: ops->sbi_call answers ecalls from S */
    bool mxr;                      /* as last seen by hart_mode_changed() */
    bool stimer;                   /* time >= stimecmp when last looked: the STIP of Sstc */
    uint64_t stimer_armed;         /* what arm_stimer was last told */
    /* LR/SC (unprivileged manual, "Zalrsc"): SC compares the value as well, so that it needs no
     * lock: a reservation is an address and what was read there. */
    gva_t reservation; /* | 1 for 8 bytes; UINT64_MAX: none, as after a change of translations */
    uint64_t reserved_value;

    /* Counters, as the current mode and the inhibit bits have it (cpu/counters.c). */
    uint64_t count_cycle, count_instret; /* all ones: counts; 0: does not */
    uint32_t hpm_counting;               /* a bit per mhpmcounter that counts instructions */
    bool hpm_used;                       /* some have an event: modes matter */

    uint32_t id; /* mhartid */
    const struct isa_config *isa;
    const struct hart_ops *ops;
    void *owner; /* of ops: the vCPU */
    void (*wake)(struct hart *hart);
    struct mem_space *space;
    struct mem_listener map_listener;
    bool map_changed; /* within a memory transaction: something came or went */
    struct pmp pmp;
    struct ram_hint ram_hint;
    struct hart_spy *spy; /* NULL, but in lock-step */
    struct tlb tlb;
};

/* Storage is the caller's (64-byte aligned). isa, ops, space must outlive the hart. 0 or -ENOMEM.
 */
int hart_init(struct hart *hart, uint32_t id, const struct isa_config *isa,
              const struct hart_ops *ops, void *owner, struct mem_space *space) NODISCARD;
void hart_fini(struct hart *hart); /* also of one that is all zero */
/* Power-on state: M mode at `pc`, everything else as 3.4 "Reset" says. Attention bits other than
 * WFI, the irq lines and builtin_sbi stay. */
void hart_reset(struct hart *hart, gpa_t pc);
/* After `s` was written other than by the functions here (a snapshot, another accelerator):
 * derives everything else from it again. */
void hart_state_changed(struct hart *hart);
/* From now on changes of the memory map make HART_REQ_MAP_CHANGED, and pages that become watched
 * HART_REQ_TLB_FLUSH_WRITES. [any thread that may use space] */
void hart_watch_map(struct hart *hart);
void hart_unwatch_map(struct hart *hart);
/* The state a kernel finds after SBI firmware has run (SBI v2.0, chapter 9 HSM "hart start"):
 * S mode, satp 0, sstatus.SIE 0, a0 = hart id, a1 = opaque, delegation and counters open. */
void hart_enter_supervisor(struct hart *hart, gpa_t pc, uint64_t opaque);

/* ---- from other threads ----
 *
 * Sleeping, and not past an interrupt. Who has something for a hart does, in this order,
 *     irq_lines or requests |= ...;  attention |= ...;  wake()
 * and the hart's thread, before it sleeps, holding what `wake` takes (a mutex and a condition
 * variable, say),
 *     attention |= WFI (or STOPPED);  while (hart_may_sleep()) wait;  attention &= ~WFI
 * All are sequentially consistent read-modify-writes on one word. If the waker's came first, the
 * sleeper's look at the lines sees them; if the sleeper's came first, the waker's wake() finds
 * the sleeper holding the mutex or waiting. So `wake` may skip its work when neither WFI nor
 * STOPPED is set. It is called on any thread, also the hart's own, and also with a device's lock
 * held.
 */
/* [any thread] Level of one mip bit (IRQ_*). Sets ATTN_IRQ and wakes the hart as needed. */
void hart_set_irq_line(struct hart *hart, unsigned irq, bool level);
/* [any thread] Sets bits of `attention` and calls wake; the hart sees them at its next block
 * entry. */
void hart_set_attention(struct hart *hart, uint32_t bits);
void hart_request(struct hart *hart, uint32_t requests);
/* [any thread] Leaves a fence for the hart. Returns what to request afterwards so that it is done:
 * HART_REQ_FENCE, or HART_REQ_TLB_FLUSH if there was no room. */
uint32_t hart_post_fence(struct hart *hart, const struct hart_fence *fence);
/* The loop's timer: time has reached stimecmp. [any thread] */
void hart_stimer_fired(struct hart *hart);
/* Called after attention is set from another thread; set once by accel/. May be NULL. */
void hart_set_wake(struct hart *hart, void (*wake)(struct hart *hart));
/* Hart's thread: it waits in wfi or is stopped, and nothing asks for it. Clears nothing. */
bool hart_may_sleep(struct hart *hart);

/* ---- traps and interrupts (cpu/trap.c) ---- */
/* Records an exception; always false, so that `return hart_raise(...)` reads well. */
bool hart_raise(struct hart *hart, uint64_t cause, uint64_t tval);
/* Vectors to M or S as delegation says; s.pc is the address of the instruction at fault. */
void hart_take_exception(struct hart *hart);
/* All of mip: software's bits, the lines, Sstc. */
uint64_t hart_mip(struct hart *hart);
/* True when an interrupt that is enabled in mie is pending, whatever mstatus.xIE: ends a wfi. */
bool hart_irq_wakes(struct hart *hart);
/* Takes the highest-priority interrupt that may be taken now; clears ATTN_IRQ when none is
 * left to take. Returns whether one was taken. */
bool hart_take_interrupt(struct hart *hart);
/* To be called after priv, mstatus, satp, or PMP changed: banks, MXR flush, interrupts. */
void hart_mode_changed(struct hart *hart);
/* Set s.pc. False: not from this mode (mstatus.TSR too): nothing done, an illegal instruction. */
bool hart_mret(struct hart *hart);
bool hart_sret(struct hart *hart);

/* ---- CSRs (cpu/csr.c) ---- */
enum csr_op { CSR_OP_WRITE, CSR_OP_SET, CSR_OP_CLEAR };
/* csrrw/s/c. `write` false for csrrs/csrrc with rs1 = x0; `read` false for csrrw with rd = x0.
 * False: an illegal-instruction exception must be raised by the caller (tval: the bits).
 * Counters are read and written as they stand: the engine has counted what came before this
 * instruction and not the instruction itself, and does not count it when it wrote them. */
bool hart_csr(struct hart *hart, unsigned csr, enum csr_op op, uint64_t operand, bool read,
              bool write, uint64_t *ret_old) NODISCARD;
/* For gdb, tests and SBI: no privilege check. False when there is no such CSR. */
bool hart_csr_peek(struct hart *hart, unsigned csr, uint64_t *ret_val);
bool hart_csr_poke(struct hart *hart, unsigned csr, uint64_t val);
/* stimecmp, for SBI's set_timer as well: works with builtin_sbi whatever menvcfg.STCE says. */
void hart_set_stimecmp(struct hart *hart, uint64_t deadline);

/* ---- memory as the hart sees it (cpu/access.c, mmu.c) ---- */
/* The slow path behind a soft TLB miss: translate, fill, access. size 1, 2, 4, 8; any alignment.
 * The value is zero-extended. False: exception recorded. */
bool hart_load(struct hart *hart, gva_t gva, unsigned size, uint64_t *ret_val) NODISCARD;
bool hart_store(struct hart *hart, gva_t gva, unsigned size, uint64_t val) NODISCARD;
/* For atomics: the host address of an operand in RAM of 4, 8 or 16 bytes. `write`: an AMO or SC,
 * that may be written; who watches the page is told now, and again by hart_atomic_done(), which
 * must follow the write. Else an LR. False: exception recorded (misaligned; access
 * fault where memory is not RAM; causes of loads for LR, of stores for the others). */
bool hart_atomic_ptr(struct hart *hart, gva_t gva, unsigned size, bool write, void **ret_hva,
                     gpa_t *ret_gpa) NODISCARD;
void hart_atomic_done(struct hart *hart, gpa_t gpa, unsigned size);
/* Where the instruction at gva comes from: its gpa, and the host address of its page. False:
 * exception recorded. *ret_hva is NULL when not all of the page is memory that may be executed:
 * then hart_fetch_insn() reads one instruction, and nothing may be remembered. */
bool hart_fetch_page(struct hart *hart, gva_t gva, gpa_t *ret_gpa,
                     const uint8_t **ret_hva) NODISCARD;
/* The instruction at gva, 2 or 4 bytes (a 2-byte one has zeros above), wherever it lies. False:
 * exception recorded; tval is the address of the part that failed. */
bool hart_fetch_insn(struct hart *hart, gva_t gva, uint32_t *ret_raw) NODISCARD;
/* Translates for gdb, SBI and dumps: no A/D update, no exception. False when unmapped. On the
 * hart's thread or while it is paused, inside the read side. */
bool hart_translate_debug(struct hart *hart, gva_t gva, gpa_t *ret_gpa);
/* cbo.zero and friends: `op` is the instruction's 12-bit immediate. False: exception recorded. */
enum hart_cbo { HART_CBO_INVAL = 0, HART_CBO_CLEAN = 1, HART_CBO_FLUSH = 2, HART_CBO_ZERO = 4 };
enum { HART_CBO_BLOCK = 64 }; /* bytes */
bool hart_cbo(struct hart *hart, unsigned op, gva_t gva, uint32_t raw_insn) NODISCARD;

/* sfence.vma / sinval.vma: rs1 and rs2 tell whether the operands are registers other than x0.
 * False: illegal instruction (mstatus.TVM, U mode). */
bool hart_sfence_vma(struct hart *hart, bool has_gva, gva_t gva, bool has_asid,
                     uint64_t asid) NODISCARD;
/* wfi: sets ATTN_WFI unless an interrupt is pending. False: illegal instruction (U mode, or
 * mstatus.TW; for wrs there is nothing to do, it may end at once). */
bool hart_wfi(struct hart *hart) NODISCARD;
/* Serves `requests`; the engine calls it when it sees ATTN_REQUEST. Returns what was served, so
 * that the engine can drop its own caches. */
uint32_t hart_serve_requests(struct hart *hart);

/* Adds executed instructions to minstret, mcycle and the counters that count them. To be called
 * before the mode or an inhibit bit changes, for what ran until then. */
void hart_count_hpm(struct hart *hart, uint64_t instructions); /* the rare part */
static inline void hart_count(struct hart *hart, uint64_t instructions)
{
    hart->s.mcycle += instructions & hart->count_cycle;
    hart->s.minstret += instructions & hart->count_instret;
    if (unlikely(hart->hpm_counting != 0))
        hart_count_hpm(hart, instructions);
}

#endif

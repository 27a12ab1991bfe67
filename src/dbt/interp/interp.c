/*
 * dbt/interp/interp.c - T0: the threaded interpreter of lowered IR.
 *
 * One function, because the operands, the TLB table and the program counter are to stay in host
 * registers from one op to the next; each op's handler ends in its own indirect jump. The
 * handlers that follow a pattern come from t0_ops.def, the others stand in t0_handlers.inc.
 *
 * Precise state: guest registers are always in hart->s, so a fault needs only the address of the
 * instruction (from tb->insn) and the number of instructions that had not begun.
 */
#include <assert.h>

#include "cpu/fp.h"
#include "dbt/dbt_hart.h"
#include "dbt/interp/arith.h"
#include "dbt/interp/atomic.h"
#include "dbt/ir/helpers.h"
#include "isa/riscv/bits.h"

#define F32_CANONICAL_NAN UINT64_C(0x7fc00000)
#define F32_SIGN UINT64_C(0x80000000)
#define F64_SIGN UINT64_C(0x8000000000000000)
#define F32_BOX UINT64_C(0xffffffff00000000)

/* Index of the instruction that op `ip` of tb belongs to. */
static unsigned insn_index(const struct tb *tb, const struct t0_op *ip)
{
    unsigned op = (unsigned)(ip - tb->op), i = tb->insns - 1u;

    while (i > 0 && tb->insn[i].first_op > op)
        i--;
    return i;
}

/* The instruction of op `ip` raised: s.pc is its address; it and those behind it do not count. */
static COLD void faulted(struct dbt_hart *dh, const struct tb *tb, const struct t0_op *ip, gva_t pc)
{
    unsigned index = insn_index(tb, ip);

    dh->hart->s.pc = pc + tb->insn[index].offset;
    dh->hart->run.insns -= tb->insns - index;
    dbt_take_exception(dh);
}

static unsigned rounding(const struct hart *hart, int64_t imm)
{
    unsigned rm = (unsigned)imm & 7;

    return rm == FP_DYN ? hart->s.frm : rm;
}

/* What exit number `link` of tb, which is at pc, leads to: the block at `target`. */
static inline struct tb *chained(struct dbt_hart *dh, struct tb *tb, gva_t pc, unsigned link,
                                 gva_t target)
{
    struct tb *next = NULL;

    if (likely(link < T0_MAX_LINKS))
        next = atomic_load_explicit(&tb->link[link], memory_order_acquire);
    return likely(next != NULL) ? next : dbt_block_after(dh, tb, pc, link, target);
}

/* Where tb is entered other than at its head, uncounted: t0_step(); lock-step, in mid-block. */
static const struct t0_op *amid(struct dbt_hart *dh, const struct tb *tb)
{
    const struct t0_op *op = dh->resume;

    dh->resume = NULL;
    return op == NULL && tb->insns == 0 ? tb->op : op;
}

/* NOLINTNEXTLINE(readability-function-size): handlers are labels of one function, see above. */
void t0_run(struct dbt_hart *dh, struct tb *tb, gva_t pc)
{
    static const void *const label[T0_OPCODES] = {
#include "dbt/interp/t0_labels.inc"
    };
    struct hart *const hart = dh->hart;
    uint64_t *const slot = (uint64_t *)(void *)hart;
    const struct tlb_table *table = hart->tlb.table;
    const struct t0_op *ip;
    struct tb *next;
    gva_t target;
    unsigned link;

#define DST slot[ip->dst]
#define A slot[ip->a]
#define B slot[ip->b]
#define DISPATCH goto *label[ip->opcode]
#define NEXT                                                                                       \
    do {                                                                                           \
        ip++;                                                                                      \
        DISPATCH;                                                                                  \
    } while (0)

    ip = amid(dh, tb);
    if (unlikely(ip != NULL))
        DISPATCH;
enter: /* tb at pc: other threads are heard here, once per block */
    if (unlikely(atomic_load_explicit(&hart->attention, memory_order_relaxed) != 0)) {
        hart->s.pc = pc;
        return;
    }
    dh->hart->run.insns += tb->insns;
    ip = tb->op;
    DISPATCH;

#include "dbt/interp/t0_handlers.inc"

chain: /* exit number `link` of tb, to `target` */
    if (unlikely(dh->one_block)) {
        hart->s.pc = target;
        return;
    }
    next = chained(dh, tb, pc, link, target);
    goto follow;
anywhere: /* to `target`, wherever that is */
    if (unlikely(dh->one_block)) {
        hart->s.pc = target;
        return;
    }
    next = dbt_block_guess(dh, target);
follow:
    pc = target;
    if (unlikely(next == NULL)) {
        hart->s.pc = pc; /* the fetch faulted */
        dbt_take_exception(dh);
        return;
    }
    tb = next;
    if (dh->back == NULL || !tb_heat(tb, dh->hot_runs))
        goto enter;
    hart->s.pc = pc; /* the dispatcher compiles it, or runs the code */
    return;
fault:
    if (tb->insns != 0)
        faulted(dh, tb, ip, pc);
    return;
#undef DST
#undef A
#undef B
#undef DISPATCH
#undef NEXT
}

bool t0_step(struct dbt_hart *dh, const struct t0_op *op, gva_t pc)
{
    /* A block of no instructions: t0_run() then begins at its op and ends at the STOP. */
    _Alignas(struct tb) uint8_t bytes[sizeof(struct tb) + 2 * sizeof(struct t0_op)] = { 0 };
    struct tb *tb = (struct tb *)(void *)bytes;

    tb->op[0] = *op;
    tb->op[1] = (struct t0_op){ .opcode = T0_STOP };
    t0_run(dh, tb, pc);
    return !dh->hart->exc_raised;
}

/*
 * dbt/back/x86_64/t1_stubs.c - the code all compiled blocks share: in, out, and to C.
 *
 * info (eax) is made at compile time and says, for the instruction that may fault:
 *   bits 11:0   its offset in the page          bits 18:12  instructions of the block from it on
 *   bits 23:20  load, store: size in bytes      bits 31:20  step: the block's offset in the page
 */
#include <immintrin.h>

#include "cpu/fp.h"
#include "dbt/back/x86_64/t1.h"
#include "dbt/dbt_hart.h"
#include "dbt/front/riscv/front.h"
#include "dbt/ir/helpers.h"

/* A5 A4 A3 A0 S0 SP A2 A1 S1 RA catch most accesses; those that C preserves come first. */
const struct t1_pins t1_pins = {
    .count = T1_PINS,
    .slot = { 15, 14, 13, 10, 8, 2, 12, 11, 9, 1 },
    .reg = { RBX, R12, R13, R14, RSI, RDI, R8, R9, R10, R11 },
};

/* ---- what the stubs call ---- */

/* MXCSR is the guest's while it may use floating point: what C code may leave there is put right.
 * While mstatus.FS is Off, as it is in kernels, nothing can look at it: it may be as it is, and is
 * put right when that ends. Reading it costs more than most of what is done here. */
static bool has_float(const struct dbt_hart *dh)
{
    return !(dh->mode & FRONT_FS_OFF);
}

/* SSE's sticky flags, as fflags: IE DE ZE OE UE PE against NV - DZ OF UF NX. */
static void collect_flags(struct hart *hart)
{
    uint8_t flags = 0;
    unsigned csr;

    if (!has_float(hart->run.engine))
        return;
    csr = _mm_getcsr();
    if (!(csr & 0x3d))
        return;
    if (csr & 0x01)
        flags |= FP_NV;
    if (csr & 0x04)
        flags |= FP_DZ;
    if (csr & 0x08)
        flags |= FP_OF;
    if (csr & 0x10)
        flags |= FP_UF;
    if (csr & 0x20)
        flags |= FP_NX;
    hart->s.fflags |= flags;
    _mm_setcsr(T1_MXCSR);
}

static unsigned get_mxcsr(const struct hart *hart)
{
    return has_float(hart->run.engine) ? _mm_getcsr() : T1_MXCSR;
}

/* What C code may have left there is not the guest's. Writing MXCSR is slower than reading it. */
static void restore_mxcsr(const struct hart *hart, unsigned csr)
{
    if (has_float(hart->run.engine) && unlikely(_mm_getcsr() != csr))
        _mm_setcsr(csr);
}

static uint64_t slow_load(struct hart *hart, gva_t gva, uint32_t info)
{
    unsigned csr = get_mxcsr(hart);
    uint64_t value = 0;

    (void)!hart_load(hart, gva, info >> INFO_SIZE_SHIFT & 15, &value);
    restore_mxcsr(hart, csr);
    return value;
}

static void slow_store(struct hart *hart, gva_t gva, uint64_t value, uint32_t info)
{
    unsigned csr = get_mxcsr(hart);

    (void)!hart_store(hart, gva, info >> INFO_SIZE_SHIFT & 15, value);
    restore_mxcsr(hart, csr);
}

/* T0_CALL, as t0_handlers.inc has it. */
static void call_helper(struct hart *hart, const struct t0_op *op, gva_t pc)
{
    uint64_t *slot = (uint64_t *)(void *)hart, result;

    hart->s.pc = pc + (uint64_t)(op->imm >> 32);
    if (op->imm & T0_CALL_COUNTS)
        dbt_count(hart->run.engine);
    result = ir_helper_table[op->imm & 0xff](hart, slot[op->a], slot[op->b],
                                             slot[op->imm >> 8 & 0xffff]);
    if (!hart->exc_raised)
        slot[op->dst] = result;
}

static gva_t block_pc(const struct hart *hart, uint32_t info)
{
    return hart->run.page + (info >> INFO_BLOCK_SHIFT);
}

static void step(struct hart *hart, const struct t0_op *op, uint32_t info)
{
    struct dbt_hart *dh = hart->run.engine;

    collect_flags(hart);
    if (op->opcode == T0_CALL && dh->lockstep == NULL)
        call_helper(hart, op, block_pc(hart, info));
    else
        (void)t0_step(dh, op, block_pc(hart, info));
    restore_mxcsr(hart, T1_MXCSR);
}

/* Taking an exception computes nothing: MXCSR stays the guest's. */
static void fault(struct hart *hart, uint32_t info)
{
    hart->s.pc = hart->run.page + (info & PAGE_OFFSET_MASK);
    hart->run.insns -= info >> INFO_REMAINING_SHIFT & 0x7f;
    dbt_take_exception(hart->run.engine);
}

/* After an instruction that may have changed modes or translations, or a trap; s.pc is set. */
enum renewed { RENEWED_LEAVE, RENEWED_SAME, RENEWED_CHANGED };
static uint32_t renew(struct hart *hart)
{
    struct dbt_hart *dh = hart->run.engine;
    uint64_t before = hart->run.cookie;
    bool had_float = has_float(dh);

    if (dh->lockstep != NULL)
        return RENEWED_LEAVE;
    dbt_mode_changed(dh);
    if (!had_float)
        restore_mxcsr(hart, T1_MXCSR);
    return hart->run.cookie == before ? RENEWED_SAME : RENEWED_CHANGED;
}

/* A block's end: T0_TRAP; T0_CALL or T0_SSTATUS, and the LEAVE behind it. */
static uint32_t last(struct hart *hart, const struct t0_op *op, uint32_t info)
{
    if (op->opcode == T0_TRAP)
        (void)hart_raise(hart, (uint64_t)op->imm, ((uint64_t *)(void *)hart)[op->a]);
    else
        step(hart, op, info);
    if (hart->exc_raised)
        fault(hart, info);
    else if (op[1].opcode == T0_LEAVE)
        hart->s.pc = block_pc(hart, info) + (uint64_t)op[1].imm;
    return renew(hart);
}

/* Flags that C code has left behind are not the guest's. */
void t1_before_entry(struct hart *hart)
{
    if (has_float(hart->run.engine))
        _mm_setcsr(T1_MXCSR);
}

static void left(struct hart *hart)
{
    collect_flags(hart);
}

/* ---- the stubs ---- */

void t1_settle_register(struct x86_asm *a)
{
    x86_alu_mr(a, ALU_ADD, 8, t1_field(HART_DISP(run.insns)), R15);
    x86_alu_rr(a, ALU_XOR, 4, R15, R15);
}

void t1_store_floats(struct x86_asm *a, const struct t1_pins *pins)
{
    for (unsigned i = 0; i < pins->floats; i++)
        if (pins->f[i].written)
            x86_movs_store(a, 8, t1_slot(pins->f[i].slot), (enum x86_xmm)pins->f[i].xmm);
}

void t1_load_floats(struct x86_asm *a, const struct t1_pins *pins)
{
    for (unsigned i = 0; i < pins->floats; i++)
        x86_movs_load(a, 8, (enum x86_xmm)pins->f[i].xmm, t1_slot(pins->f[i].slot));
}

static void spill(struct x86_asm *a, const struct t1_pins *pins)
{
    for (unsigned i = 0; i < pins->count; i++)
        x86_store(a, 8, t1_slot(pins->slot[i]), pins->reg[i]);
    t1_store_floats(a, pins);
}

static void spill_all(struct x86_asm *a, const struct t1_pins *pins, bool counts)
{
    spill(a, pins);
    if (counts)
        t1_settle_register(a);
}

static void reload(struct x86_asm *a, const struct t1_pins *pins)
{
    for (unsigned i = 0; i < pins->count; i++)
        x86_load(a, 8, false, pins->reg[i], t1_slot(pins->slot[i]));
    t1_load_floats(a, pins);
}

static void load_table(struct x86_asm *a)
{
    x86_load(a, 8, false, R15, t1_field(HART_DISP(tlb.table)));
}

static void call_c(struct x86_asm *a, const void *function)
{
    x86_lea(a, 8, RDI, x86_at(RBP, -HART_BIAS));
    x86_mov_ri(a, RAX, (uint64_t)(uintptr_t)function, false);
    x86_call_r(a, RAX);
}

/* A call under way (t1_call.c); how many there may be; how far a return looks for its own. */
enum { CALL_BYTES = 16, MAX_CALLS = 4096, UNWIND_CALLS = 8 };

static const enum x86_reg saved[] = { RBP, RBX, R12, R13, R14, R15 };

static void make_enter(struct x86_asm *a)
{
    for (unsigned i = 0; i < 6; i++)
        x86_push(a, saved[i]);
    x86_alu_ri(a, ALU_SUB, 8, RSP, 8); /* six pushes and the return address: now aligned */
    x86_lea(a, 8, RBP, x86_at(RDI, HART_BIAS));
    x86_mov_rr(a, 8, RAX, RSI);
    x86_mov_ri(a, RCX, UINT64_MAX, true); /* the end of the calls under way: t1_call.c */
    x86_push(a, RCX);
    x86_push(a, RCX);
    x86_store(a, 8, t1_field(HART_DISP(run.stack)), RSP);
    x86_lea(a, 8, RCX, x86_at(RSP, -CALL_BYTES * MAX_CALLS));
    x86_store(a, 8, t1_field(HART_DISP(run.stack_end)), RCX);
    load_table(a);
    reload(a, &t1_pins);
    x86_jmp_r(a, RAX);
}

/* leave, exit; and where faults join, with registers already in memory. */
static void make_exit(struct x86_asm *a, struct t1_stubs *stubs)
{
    stubs->leave = a->at;
    x86_alu_rr(a, ALU_XOR, 4, RAX, RAX);
    stubs->exit = a->at;
    spill(a, &t1_pins);
    stubs->spilled = a->at;
    x86_load(a, 8, false, RSP, t1_field(HART_DISP(run.stack)));
    x86_mov_rr(a, 8, RBX, RAX);
    call_c(a, (const void *)(uintptr_t)left);
    x86_mov_rr(a, 8, RAX, RBX);
    x86_alu_ri(a, ALU_ADD, 8, RSP, 8 + CALL_BYTES);
    for (unsigned i = 6; i-- > 0;)
        x86_pop(a, saved[i]);
    x86_ret(a);
}

/* Entered by call: the return address, then info on the stack; all registers are in memory. */
static void finish_call(struct x86_asm *a, const uint8_t *resumed, const struct t1_pins *pins,
                        bool table_may_change)
{
    uint8_t *ok;

    x86_alu_mi(a, ALU_CMP, 1, t1_field(HART_DISP(exc_raised)), 0);
    ok = x86_jcc(a, CC_E);
    x86_pop(a, RSI);
    x86_alu_ri(a, ALU_ADD, 8, RSP, 8); /* the return address: nobody goes back there */
    call_c(a, (const void *)(uintptr_t)fault);
    x86_patch(x86_jmp(a), resumed);
    x86_patch(ok, a->at);
    if (table_may_change)
        load_table(a);
    reload(a, pins);
    x86_alu_ri(a, ALU_ADD, 8, RSP, 8);
    x86_ret(a);
}

void t1_make_calls(struct x86_asm *a, struct t1_stubs *stubs, const struct t1_pins *pins,
                   bool counts)
{
    stubs->load = a->at;
    x86_push(a, RAX);
    spill_all(a, pins, counts);
    x86_mov_rr(a, 8, RSI, RCX);
    x86_mov_rr(a, 4, RDX, RAX);
    call_c(a, (const void *)(uintptr_t)slow_load);
    finish_call(a, stubs->resumed, pins, false);

    stubs->store = a->at;
    x86_push(a, RAX);
    spill_all(a, pins, counts);
    x86_mov_rr(a, 8, RSI, RCX);
    x86_mov_rr(a, 4, RCX, RAX);
    call_c(a, (const void *)(uintptr_t)slow_store);
    finish_call(a, stubs->resumed, pins, false);

    stubs->step = a->at;
    x86_push(a, RAX);
    spill_all(a, pins, counts);
    x86_mov_rr(a, 8, RSI, RDX);
    x86_mov_rr(a, 4, RDX, RAX);
    call_c(a, (const void *)(uintptr_t)step);
    finish_call(a, stubs->resumed, pins, !counts);
}

/* The jump cache: jump_cache_index() and the two compares of interp.c's guess(). */
static void make_jump(struct x86_asm *a, struct t1_stubs *stubs)
{
    stubs->jump = a->at;
    x86_store(a, 8, t1_field(HART_DISP(s.pc)), RAX);
    x86_alu_mi(a, ALU_CMP, 4, t1_field(HART_DISP(attention)), 0);
    x86_patch(x86_jcc(a, CC_NE), stubs->leave);
    x86_mov_rr(a, 8, RCX, RAX);
    x86_alu_ri(a, ALU_AND, 4, RCX, PAGE_SIZE_BYTES - 1);
    x86_shift_ri(a, SHIFT_SHR, 4, RCX, 1);
    x86_mov_rr(a, 8, RDX, RAX);
    x86_shift_ri(a, SHIFT_SHR, 8, RDX, JUMP_CACHE_SHIFT);
    x86_alu_rr(a, ALU_XOR, 4, RCX, RDX);
    x86_alu_ri(a, ALU_AND, 4, RCX, JUMP_CACHE_ENTRIES - 1);
    x86_shift_ri(a, SHIFT_SHL, 8, RCX, 5);
    x86_alu_rm(a, ALU_ADD, 8, RCX, t1_field(HART_DISP(run.jump_cache)));
    x86_alu_rm(a, ALU_CMP, 8, RAX, x86_at(RCX, offsetof(struct jump_cache_entry, pc)));
    x86_patch(x86_jcc(a, CC_NE), stubs->leave);
    x86_load(a, 8, false, RDX, t1_field(HART_DISP(run.cookie)));
    x86_alu_rm(a, ALU_CMP, 8, RDX, x86_at(RCX, offsetof(struct jump_cache_entry, cookie)));
    x86_patch(x86_jcc(a, CC_NE), stubs->leave);
    x86_alu_ri(a, ALU_AND, 8, RAX, -PAGE_SIZE_BYTES);
    x86_store(a, 8, t1_field(HART_DISP(run.page)), RAX);
    x86_jmp_m(a, x86_at(RCX, offsetof(struct jump_cache_entry, code)));
}

/* On to s.pc where the dispatcher would go on: in the mode there is now. Calls under way are
 * forgotten if what their landings rely on may have changed. */
static void make_resume(struct x86_asm *a, struct t1_stubs *stubs)
{
    uint8_t *renewed, *same;

    stubs->last = a->at;
    spill(a, &t1_pins);
    x86_mov_rr(a, 8, RSI, RDX);
    x86_mov_rr(a, 4, RDX, RAX);
    call_c(a, (const void *)(uintptr_t)last);
    renewed = x86_jmp(a);
    stubs->resume = a->at;
    spill(a, &t1_pins);
    stubs->resumed = a->at;
    call_c(a, (const void *)(uintptr_t)renew);
    x86_patch(renewed, a->at);
    x86_test_rr(a, 4, RAX, RAX);
    x86_patch(x86_jcc(a, CC_E), stubs->spilled); /* with rax 0 */
    x86_alu_ri(a, ALU_CMP, 4, RAX, RENEWED_SAME);
    same = x86_jcc(a, CC_E);
    x86_load(a, 8, false, RSP, t1_field(HART_DISP(run.stack)));
    x86_patch(same, a->at);
    load_table(a);
    reload(a, &t1_pins);
    x86_load(a, 8, false, RAX, t1_field(HART_DISP(s.pc)));
    x86_patch(x86_jmp(a), stubs->jump);
}

/* rax: where a return leads that is not from the call made last. Is it from one of those before? */
static void make_unwind(struct x86_asm *a, struct t1_stubs *stubs)
{
    uint8_t *again, *found;

    stubs->ret = a->at;
    x86_alu_rm(a, ALU_CMP, 8, RAX, x86_at(RSP, 8));
    found = x86_jcc(a, CC_NE);
    x86_ret(a);
    x86_patch(found, a->at);
    stubs->unwind = a->at;
    x86_lea(a, 8, RCX, x86_at(RSP, CALL_BYTES));
    x86_mov_ri(a, RDX, UNWIND_CALLS, true);
    again = a->at;
    x86_alu_rm(a, ALU_CMP, 8, RCX, t1_field(HART_DISP(run.stack)));
    x86_patch(x86_jcc(a, CC_AE), stubs->jump);
    x86_alu_rm(a, ALU_CMP, 8, RAX, x86_at(RCX, 8));
    found = x86_jcc(a, CC_E);
    x86_alu_ri(a, ALU_ADD, 8, RCX, CALL_BYTES);
    x86_alu_ri(a, ALU_SUB, 4, RDX, 1);
    x86_patch(x86_jcc(a, CC_NE), again);
    x86_load(a, 8, false, RSP, t1_field(HART_DISP(run.stack))); /* another thread's, as it seems */
    x86_patch(x86_jmp(a), stubs->jump);
    x86_patch(found, a->at);
    x86_mov_rr(a, 8, RSP, RCX);
    x86_ret(a);
}

void t1_make_stubs(struct x86_asm *a, struct t1_stubs *stubs)
{
    stubs->enter = a->at;
    make_enter(a);
    make_exit(a, stubs);
    make_jump(a, stubs);
    make_resume(a, stubs);
    t1_make_calls(a, stubs, &t1_pins, false);
    make_unwind(a, stubs);
}

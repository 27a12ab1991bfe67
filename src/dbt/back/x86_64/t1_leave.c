/*
 * dbt/back/x86_64/t1_leave.c - branches, jumps, and the cold code behind a block.
 *
 * An exit within the page is a jump whose displacement is patched once its target is compiled;
 * until then it leads to cold code that tells the dispatcher which exit it was. Displacements to
 * be patched are 4-byte aligned, so that another hart sees the old or the new one.
 */
#include "dbt/back/x86_64/t1.h"
#include "isa/riscv/bits.h"

/* Fills up so that a displacement `ahead` bytes from here is aligned. */
static void align_displacement(struct t1 *t, unsigned ahead)
{
    unsigned off = (unsigned)((uintptr_t)(t->a.at + ahead) & 3);

    if (off != 0)
        x86_nop(&t->a, 4 - off);
}

/* May an exit to target be linked? What begins in the page's last two bytes may straddle, and such
 * a block has no links (cache_link()): it is left to the jump cache. */
static bool in_page(const struct t1 *t, int64_t target)
{
    return target >= 0 && target < PAGE_SIZE_BYTES - 2 && t->tb->gpa2 == UINT64_MAX;
}

static bool is_backward(const struct t1 *t, int64_t target)
{
    return target <= (int64_t)t->block_offset + t->tb->insn[t->insn].offset;
}

static void note_exit(struct t1 *t, uint8_t *from, int64_t target, unsigned link)
{
    bool linked = in_page(t, target) && link < T0_MAX_LINKS;
    struct t1_cold *cold = t1_cold(t, linked ? COLD_EXIT : COLD_CROSS, from);

    cold->target = target;
    cold->link = link;
}

/* A hot loop is told of by leaving through the exit that closes it. The hart counts, not the loop:
 * harts that share code would take the count's cache line from each other at each turn. */
static void count_turn(struct t1 *t, int64_t target, unsigned link)
{
    x86_alu_mi(&t->a, ALU_SUB, 4, t1_field(HART_DISP(run.turns)), 1);
    note_exit(t, x86_jcc(&t->a, CC_S), target, link);
}

/* A loop of direct jumps goes backwards somewhere: there the attention word is looked at. */
void t1_hear(struct t1 *t, int64_t target)
{
    if (!in_page(t, target) || !is_backward(t, target))
        return;
    x86_alu_mi(&t->a, ALU_CMP, 4, t1_field(HART_DISP(attention)), 0);
    t1_cold(t, COLD_EXIT, x86_jcc(&t->a, CC_NE))->target = target;
    t->cold[t->colds - 1].link = T0_MAX_LINKS;
}

static void go_to(struct t1 *t, int64_t target, unsigned link, bool call)
{
    uint8_t *from;

    if (!in_page(t, target) || link >= T0_MAX_LINKS) {
        t1_address(t, target);
        t1_jump_anywhere(t, target & (int64_t)PAGE_OFFSET_MASK, call);
        return;
    }
    align_displacement(t, 1);
    from = call ? x86_call(&t->a) : x86_jmp(&t->a);
    if (link < T0_MAX_LINKS)
        t->tb->link_site[link] = from;
    note_exit(t, from, target, link);
}

void t1_jump_to(struct t1 *t, int64_t target, unsigned link)
{
    t1_hear(t, target);
    if (in_page(t, target) && is_backward(t, target) && link < T0_MAX_LINKS && t->tuning->t2)
        count_turn(t, target, link);
    go_to(t, target, link, false);
}

void t1_call_to(struct t1 *t, int64_t target, unsigned link)
{
    go_to(t, target, link, true);
}

static enum x86_cc condition(unsigned opcode)
{
    static const uint8_t cc[] = { CC_E, CC_NE, CC_L, CC_GE, CC_B, CC_AE };

    return cc[(opcode - T0_BREQ_RR) / 2];
}
_Static_assert(T0_BRGEU_RR == T0_BREQ_RR + 10, "branches stand in the order of cc[]");

enum x86_cc t1_compare(struct t1 *t, const struct t0_op *op)
{
    bool immediate = (op->opcode - T0_BREQ_RR) & 1;
    enum x86_reg a = t1_use(t, op->a, RAX);

    if (immediate ? op->imm >> 32 == 0 : op->b == T0_SLOT_ZERO)
        x86_test_rr(&t->a, 8, a, a);
    else if (immediate)
        x86_alu_ri(&t->a, ALU_CMP, 8, a, (int32_t)(op->imm >> 32));
    else
        t1_alu(t, ALU_CMP, 8, a, op->b);
    return condition(op->opcode);
}

static void emit_branch(struct t1 *t, const struct t0_op *op)
{
    int64_t target = (int64_t)t->block_offset + (int32_t)op->imm;
    enum x86_cc cc = t1_compare(t, op);
    uint8_t *over, *from;

    if (in_page(t, target) && is_backward(t, target)) {
        over = x86_jcc(&t->a, cc ^ 1);
        t1_jump_to(t, target, op->dst);
        x86_patch(over, t->a.at);
        return;
    }
    align_displacement(t, 2);
    from = x86_jcc(&t->a, cc);
    if (in_page(t, target) && op->dst < T0_MAX_LINKS)
        t->tb->link_site[op->dst] = from;
    note_exit(t, from, target, op->dst);
}

void t1_count(struct t1 *t, int32_t insns)
{
    if (insns != 0)
        x86_alu_mi(&t->a, ALU_ADD, 8, t1_field(HART_DISP(run.insns)), insns);
}

void t1_address(struct t1 *t, int64_t offset)
{
    x86_load(&t->a, 8, false, RAX, t1_field(HART_DISP(run.page)));
    x86_alu_ri(&t->a, ALU_ADD, 8, RAX, (int32_t)offset);
}

/* Is what op does with modes followed by the way out? Then stub `last` does both. */
static bool is_last(const struct t1 *t, const struct t0_op *op)
{
    if (op->opcode != T0_CALL && op->opcode != T0_SSTATUS)
        return false;
    return op + 1 < t->tb->op + t->tb->ops &&
           (op[1].opcode == T0_LEAVE || op[1].opcode == T0_LEAVEPC);
}

/* Setting and clearing nothing but SIE, with no interrupt in sight, changes no mode and wakes
 * nobody. All else, and writing, is hart_csr()'s. */
static void emit_sstatus(struct t1 *t, const struct t0_op *op)
{
    int64_t target = (int64_t)t->block_offset + op[1].imm;
    struct x86_mem mstatus = t1_field(HART_DISP(s.mstatus));

    if (op->imm == CSR_OP_WRITE) {
        t1_last(t, op, t1_info(t));
        return;
    }
    t1_use_in(t, op->a, RAX);
    x86_test_ri(&t->a, 8, RAX, ~(int32_t)MSTATUS_SIE);
    (void)t1_cold(t, COLD_LAST, x86_jcc(&t->a, CC_NE));
    if (op->imm == CSR_OP_SET) {
        x86_load(&t->a, 8, false, RCX, t1_field(HART_DISP(irq_lines)));
        x86_alu_rm(&t->a, ALU_OR, 8, RCX, t1_field(HART_DISP(s.mip)));
        (void)t1_cold(t, COLD_LAST, x86_jcc(&t->a, CC_NE));
        x86_alu_mi(&t->a, ALU_CMP, 1, t1_field(HART_DISP(stimer)), 0);
        (void)t1_cold(t, COLD_LAST, x86_jcc(&t->a, CC_NE));
        x86_alu_mr(&t->a, ALU_OR, 8, mstatus, RAX);
    } else {
        x86_not(&t->a, 8, RAX);
        x86_alu_mr(&t->a, ALU_AND, 8, mstatus, RAX);
    }
    t1_address(t, target);
    t1_jump_anywhere(t, target & (int64_t)PAGE_OFFSET_MASK, false);
}

bool t1_emit_leave(struct t1 *t, const struct t0_op *op)
{
    if (op->opcode >= T0_BREQ_RR && op->opcode <= T0_BRGEU_RI) {
        emit_branch(t, op);
        return true;
    }
    switch (op->opcode) {
    case T0_SSTATUS:
        emit_sstatus(t, op);
        return true;
    case T0_CALL:
        if (!is_last(t, op))
            return false;
        t1_last(t, op, t1_info(t));
        return true;
    case T0_JUMP:
        if (op->b != 0 && t->tuning->calls)
            t1_emit_call(t, op);
        else
            t1_jump_to(t, (int64_t)t->block_offset + op->imm, op->dst);
        return true;
    case T0_JUMPREG:
        t1_emit_jumpreg(t, op);
        return true;
    case T0_TRAP:
        t1_last(t, op, t1_info(t));
        return true;
    case T0_LEAVE:
        if (op > t->tb->op && is_last(t, op - 1))
            return true;
        t1_address(t, (int64_t)t->block_offset + op->imm);
        x86_store(&t->a, 8, t1_field(HART_DISP(s.pc)), RAX);
        t1_to_stub(t, x86_jmp(&t->a), &t->stubs->resume);
        return true;
    case T0_LEAVEPC:
        if (op > t->tb->op && is_last(t, op - 1))
            return true;
        t1_to_stub(t, x86_jmp(&t->a), &t->stubs->resume);
        return true;
    default:
        return false;
    }
}

/* ---- cold code ---- */

static void emit_exit(struct t1 *t, const struct t1_cold *cold)
{
    t1_address(t, cold->target);
    x86_store(&t->a, 8, t1_field(HART_DISP(s.pc)), RAX);
    if (cold->link >= T0_MAX_LINKS) {
        t1_to_stub(t, x86_jmp(&t->a), &t->stubs->leave);
        return;
    }
    t1_block_address(t, RAX, (const char *)t->tb + cold->link); /* tells block and exit */
    t1_to_stub(t, x86_jmp(&t->a), &t->stubs->exit);
}

void t1_slow_load(struct t1 *t, const struct t1_cold *cold)
{
    unsigned form = (unsigned)cold->op->opcode - T0_LOAD8U, size = t1_access_size(cold->op);
    enum x86_reg dst = t1_dst(t, cold->op->dst, RAX);

    x86_mov_ri(&t->a, RAX, cold->info | size << INFO_SIZE_SHIFT, true);
    t1_to_stub(t, x86_call(&t->a), &t->stubs->load);
    if (size == 8)
        x86_mov_rr(&t->a, 8, dst, RAX);
    else
        x86_extend(&t->a, size, form & 1, dst, RAX);
    t1_define(t, cold->op->dst, dst);
}

void t1_slow_store(struct t1 *t, const struct t1_cold *cold)
{
    uint32_t size = 1u << (cold->op->opcode - T0_STORE8);

    t1_use_in(t, cold->op->b, RDX);
    x86_mov_ri(&t->a, RAX, cold->info | size << INFO_SIZE_SHIFT, true);
    t1_to_stub(t, x86_call(&t->a), &t->stubs->store);
}

static void emit_slow_step(struct t1 *t, const struct t1_cold *cold)
{
    t1_block_address(t, RDX, cold->op);
    x86_mov_ri(&t->a, RAX, cold->info | (uint32_t)t->block_offset << INFO_BLOCK_SHIFT, true);
    t1_to_stub(t, x86_call(&t->a), &t->stubs->step);
}

/* What a fault takes back from must have been counted. */
static void emit_call(struct t1 *t, const struct t1_cold *cold)
{
    t1_count(t, (int32_t)cold->pending);
    switch ((unsigned)cold->kind) {
    case COLD_LOAD:
        t1_slow_load(t, cold);
        break;
    case COLD_STORE:
        t1_slow_store(t, cold);
        break;
    case COLD_STEP:
        emit_slow_step(t, cold);
        break;
    case COLD_MXCSR:
        x86_store_imm(&t->a, 4, t1_field(HART_DISP(run.mxcsr)), T1_MXCSR);
        x86_ldmxcsr(&t->a, t1_field(HART_DISP(run.mxcsr)));
        break;
    default:
        break;
    }
    t1_count(t, -(int32_t)cold->pending);
    if (cold->kind != COLD_MXCSR)
        t1_xmm_restore(t, cold);
    x86_patch(x86_jmp(&t->a), cold->back);
}

void t1_emit_cold(struct t1 *t)
{
    for (unsigned i = 0; i < t->colds; i++) {
        const struct t1_cold *cold = &t->cold[i];

        x86_patch(cold->from, t->a.at);
        if (cold->kind == COLD_EXIT) {
            emit_exit(t, cold);
        } else if (cold->kind == COLD_CROSS) {
            t1_address(t, cold->target);
            t1_jump_anywhere(t, cold->target & (int64_t)PAGE_OFFSET_MASK, false);
        } else if (cold->kind == COLD_LAST) {
            t1_last(t, cold->op, cold->info);
        } else if (cold->kind == COLD_LEADER || cold->kind == COLD_FOLLOWER) {
            t1_emit_shared_cold(t, cold);
        } else if (cold->kind >= COLD_DEEP) {
            t1_emit_call_cold(t, cold);
        } else {
            emit_call(t, cold);
        }
    }
}

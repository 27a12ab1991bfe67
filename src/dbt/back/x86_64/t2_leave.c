/*
 * dbt/back/x86_64/t2_leave.c - branches within a region, and ways out of it.
 *
 * Counts are put off: `pending` is what has been entered since the count was last brought up to
 * date. It is known at compile time, so cold code adds it; only where ways of different pending
 * meet is it added in line, before the branch that leads there: to r15, as a chain of additions to
 * memory takes longer than many a loop's turn. Calls to C and exits add that to run.insns.
 *
 * A loop hears the attention word where it closes, and is then left for the dispatcher at a block's
 * begin, as T1 is.
 */
#include <string.h>

#include "dbt/back/x86_64/t2.h"

static struct t2_exit *new_exit(struct t2 *t2, uint8_t *from, int64_t target)
{
    if (t2->exits == T2_MAX_EXITS) {
        t2->full = true;
        t2->exits--;
    }
    t2->exit[t2->exits] =
        (struct t2_exit){ .from = from, .target = target, .pending = t2->t.pending };
    return &t2->exit[t2->exits++];
}

static void note_jump(struct t2 *t2, uint8_t *from, unsigned block)
{
    if (t2->fixups == T2_MAX_FIXUPS) {
        t2->full = true;
        return;
    }
    t2->fixup[t2->fixups].from = from;
    t2->fixup[t2->fixups++].block = block;
    if (t2->region->block[block].carries)
        t2->carried[block] = t2->t.pending;
}

static unsigned destination(const struct t2 *t2, const struct t0_op *op, int64_t *ret_target)
{
    *ret_target = (int64_t)t2->t.block_offset + t0_target(op);
    return region_at(t2->region, *ret_target);
}

/* A jump with its target's displacement to come. */
static void lead(struct t2 *t2, uint8_t *from, const struct t0_op *op)
{
    int64_t target;
    unsigned to = destination(t2, op, &target);

    if (to == REGION_OUT)
        (void)new_exit(t2, from, target);
    else
        note_jump(t2, from, to);
}

static bool goes_back(const struct t2 *t2, const struct t0_op *op)
{
    int64_t target;
    unsigned to = destination(t2, op, &target);

    return to != REGION_OUT && to <= t2->at;
}

static bool meets_others(const struct t2 *t2, const struct t0_op *op)
{
    int64_t target;
    unsigned to = destination(t2, op, &target);

    return to != REGION_OUT && !t2->region->block[to].carries;
}

static void settle_count(struct t2 *t2)
{
    if (t2->t.pending != 0)
        x86_lea(&t2->t.a, 8, R15, x86_at(R15, (int32_t)t2->t.pending));
    t2->t.pending = 0;
}

/* Leaves when the attention word is set: to `target`. */
static struct t2_exit *hear(struct t2 *t2, int64_t target)
{
    struct t2_exit *exit;

    x86_alu_mi(&t2->t.a, ALU_CMP, 4, t1_field(HART_DISP(attention)), 0);
    exit = new_exit(t2, x86_jcc(&t2->t.a, CC_NE), target);
    exit->heard = true;
    return exit;
}

/* The exits of a block from op on: a branch and the jump behind it, mostly. */
struct ways {
    bool back, meet;
};

static struct ways ways_from(const struct t2 *t2, const struct t0_op *op)
{
    const struct tb *tb = t2->t.tb;
    struct ways ways = { 0 };

    for (; op < tb->op + tb->ops; op++)
        if (t0_shape(op->opcode) & T0_EXIT) {
            ways.back |= goes_back(t2, op);
            ways.meet |= meets_others(t2, op);
        }
    return ways;
}

static void emit_jump(struct t2 *t2, const struct t0_op *op)
{
    int64_t target;
    unsigned to = destination(t2, op, &target);

    if (to != REGION_OUT && to == t2->at + 1) {
        if (t2->region->block[to].carries)
            t2->carried[to] = t2->t.pending;
        return; /* falls through */
    }
    lead(t2, x86_jmp(&t2->t.a), op);
}

/* A branch and the jump behind it. What comes with closing a loop is done for both ways at once,
 * before the branch: cold code that has heard something takes it again. */
static void emit_branch(struct t2 *t2, const struct t0_op *op)
{
    const struct t0_op *jump = op + 1;
    struct ways ways = ways_from(t2, op);
    struct t2_exit *exit;
    int64_t target;
    enum x86_cc cc;

    if (ways.back) {
        (void)destination(t2, op, &target);
        exit = hear(t2, target);
        exit->branch = op;
        (void)destination(t2, jump, &exit->otherwise);
    }
    if (ways.meet)
        settle_count(t2);
    cc = t1_compare(&t2->t, op);
    if (jump->opcode == T0_JUMP && destination(t2, op, &target) == t2->at + 1) {
        lead(t2, x86_jcc(&t2->t.a, cc ^ 1), jump);
        if (t2->region->block[t2->at + 1].carries)
            t2->carried[t2->at + 1] = t2->t.pending;
        return;
    }
    lead(t2, x86_jcc(&t2->t.a, cc), op);
    emit_jump(t2, jump);
}

/* To virtual address rax: through the table if it has it, and nobody asks for the hart. Calls
 * within the region are not on the host's stack (t1_call.c): what is there called the region. */
static void emit_indirect(struct t2 *t2, bool is_return)
{
    struct x86_asm *a = &t2->t.a;

    if (is_return) {
        x86_alu_rm(a, ALU_CMP, 8, RAX, x86_at(RSP, 8));
        x86_patch(x86_jcc(a, CC_E), t2->return_out);
    }
    if (t2->table != NULL && region_leads_by(t2->t.tb) != 0) {
        x86_alu_mi(a, ALU_CMP, 4, t1_field(HART_DISP(attention)), 0);
        x86_patch(x86_jcc(a, CC_NE), t2->jump_out);
        x86_lea(a, 8, RCX, x86_at(RAX, -(int32_t)t2->first));
        x86_alu_rm(a, ALU_SUB, 8, RCX, t1_field(HART_DISP(run.page)));
        x86_alu_ri(a, ALU_CMP, 8, RCX, (int32_t)(t2->last - t2->first));
        x86_patch(x86_jcc(a, CC_A), t2->jump_out);
        x86_mov_ri(a, RDX, (uint64_t)(uintptr_t)code_exec(&t2->back->memory, t2->table), true);
        x86_load(a, 4, true, RCX, x86_indexed(RDX, RCX, 2, 0));
        x86_alu_rr(a, ALU_ADD, 8, RDX, RCX);
        x86_jmp_r(a, RDX);
        return;
    }
    x86_patch(x86_jmp(a), t2->jump_out);
}

void t2_emit_leave(struct t2 *t2, const struct t0_op *op)
{
    struct ways ways;
    int64_t target;

    switch (op->opcode) {
    case T0_JUMP:
        ways = ways_from(t2, op);
        if (ways.back) {
            (void)destination(t2, op, &target);
            (void)hear(t2, target);
        }
        if (ways.meet)
            settle_count(t2);
        emit_jump(t2, op);
        return;
    case T0_JUMPREG:
        t1_use_in(&t2->t, op->a, RAX);
        x86_alu_ri(&t2->t.a, ALU_AND, 8, RAX, -2);
        settle_count(t2);
        emit_indirect(t2, op->imm == T0_JUMP_RETURN);
        return;
    default:
        emit_branch(t2, op);
        return;
    }
}

/* ---- the table of indirect jumps ---- */

static bool has_indirect(const struct region *region)
{
    for (unsigned i = 0; i < region->count; i++)
        if (region_leads_by(region->block[i].tb) != 0)
            return true;
    return false;
}

void t2_make_table(struct t2 *t2)
{
    const struct region *region = t2->region;
    struct x86_asm *a = &t2->t.a;
    unsigned bytes;

    t2->table = NULL;
    t2->first = PAGE_SIZE_BYTES;
    t2->last = 0;
    for (unsigned i = 0; i < region->count; i++)
        if (region->block[i].reached != 0) {
            unsigned offset = region->block[i].offset;

            t2->first = offset < t2->first ? offset : t2->first;
            t2->last = offset > t2->last ? offset : t2->last;
        }
    if (!has_indirect(region) || t2->first > t2->last)
        return;
    bytes = (t2->last - t2->first) * 2 + 4;
    t2->table = a->at;
    a->at += bytes; /* far from the end: it is first */
}

static void put_entry(struct t2 *t2, unsigned offset, const uint8_t *code)
{
    int32_t entry = (int32_t)(code - t2->table);

    memcpy(t2->table + (size_t)(offset - t2->first) * 2, &entry, sizeof(entry));
}

static void fill_table(struct t2 *t2)
{
    if (t2->table == NULL)
        return;
    for (unsigned offset = t2->first; offset <= t2->last; offset += 2)
        put_entry(t2, offset, t2->jump_out);
    for (unsigned i = 0; i < t2->region->count; i++)
        if (t2->region->block[i].reached != 0)
            put_entry(t2, t2->region->block[i].offset, t2->start[i]);
}

/* ---- cold ---- */

/* Compiled code of a block outside goes with this region: a page loses all blocks or none. */
static const uint8_t *code_outside(const struct t2 *t2, int64_t target)
{
    const struct code_memory *memory = &t2->back->memory;
    const uint8_t *code;
    struct tb *tb;

    if (target < 0 || target >= PAGE_SIZE_BYTES)
        return NULL;
    tb = t2->source->look(t2->source->context, (unsigned)target);
    if (tb == NULL)
        return NULL;
    code = atomic_load_explicit(&tb->code, memory_order_acquire);
    return code == NULL ? NULL : memory->write + (code - memory->exec);
}

static void leave_for(struct t2 *t2, const struct t2_exit *exit, int64_t target)
{
    const uint8_t *code = exit->heard ? NULL : code_outside(t2, target);
    struct t1 *t = &t2->t;

    t1_count(t, (int32_t)exit->pending);
    x86_patch(x86_call(&t->a), t2->to_t1);
    if (code == NULL)
        t1_address(t, target);
    x86_patch(x86_jmp(&t->a), code == NULL ? t2->stubs.jump : code);
}

void t2_emit_exits(struct t2 *t2)
{
    struct x86_asm *a = &t2->t.a;

    fill_table(t2);
    for (unsigned i = 0; i < t2->fixups; i++)
        x86_patch(t2->fixup[i].from, t2->start[t2->fixup[i].block]);
    for (unsigned i = 0; i < t2->exits; i++) {
        const struct t2_exit *exit = &t2->exit[i];
        uint8_t *taken;

        x86_patch(exit->from, a->at);
        if (exit->branch != NULL) {
            taken = x86_jcc(a, t1_compare(&t2->t, exit->branch));
            leave_for(t2, exit, exit->otherwise);
            x86_patch(taken, a->at);
        }
        leave_for(t2, exit, exit->target);
    }
}

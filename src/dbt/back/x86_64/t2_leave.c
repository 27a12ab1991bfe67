/*
 * dbt/back/x86_64/t2_leave.c - branches within a region, and ways out of it.
 *
 * Counts are put off: `pending` is what has been entered since run.insns was last brought up to
 * date. It is known at compile time, so cold code adds it; only where ways of different pending
 * meet is it added in line, before the branch that leads there.
 *
 * A loop hears the attention word where it closes: before the branch that jumps back, when nothing
 * of its instruction has been done yet, a region can be left with the branch as the next thing.
 */
#include "dbt/back/x86_64/t2.h"

static void note_exit(struct t2 *t2, uint8_t *from, int64_t target, uint32_t pending, bool heard)
{
    if (t2->exits == T2_MAX_EXITS) {
        t2->full = true;
        return;
    }
    t2->exit[t2->exits++] = (struct t2_exit){ from, target, pending, heard };
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
        note_exit(t2, from, target, t2->t.pending, false);
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
    t1_count(&t2->t, (int32_t)t2->t.pending);
    t2->t.pending = 0;
}

/* Leaves when the attention word is set: to `target`, with all but `undone` of pending done. */
static void hear(struct t2 *t2, int64_t target, uint32_t undone)
{
    x86_alu_mi(&t2->t.a, ALU_CMP, 4, t1_field(HART_DISP(attention)), 0);
    note_exit(t2, x86_jcc(&t2->t.a, CC_NE), target, t2->t.pending - undone, true);
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

/* A branch and the jump behind it: what comes with closing a loop is done for both ways at once,
 * before the branch, which is all its instruction does. */
static void emit_branch(struct t2 *t2, const struct t0_op *op)
{
    const struct t0_op *jump = op + 1;
    struct ways ways = ways_from(t2, op);
    unsigned insn = t2->t.insn;
    int64_t target;
    enum x86_cc cc;

    if (ways.back)
        hear(t2, (int64_t)t2->t.block_offset + t2->t.tb->insn[insn].offset, t2->t.tb->insns - insn);
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

void t2_emit_leave(struct t2 *t2, const struct t0_op *op)
{
    struct ways ways;
    int64_t target;

    switch (op->opcode) {
    case T0_JUMP:
        ways = ways_from(t2, op);
        if (ways.back) {
            (void)destination(t2, op, &target);
            hear(t2, target, 0);
        }
        if (ways.meet)
            settle_count(t2);
        emit_jump(t2, op);
        return;
    case T0_JUMPREG:
        t1_use_in(&t2->t, op->a, RAX);
        settle_count(t2);
        x86_patch(x86_call(&t2->t.a), t2->to_t1);
        x86_patch(x86_jmp(&t2->t.a), t2->stubs.jump);
        return;
    default:
        emit_branch(t2, op);
        return;
    }
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
    tb = t2->look(t2->look_context, (unsigned)target);
    if (tb == NULL)
        return NULL;
    code = atomic_load_explicit(&tb->code, memory_order_acquire);
    return code == NULL ? NULL : memory->write + (code - memory->exec);
}

void t2_emit_exits(struct t2 *t2)
{
    struct t1 *t = &t2->t;

    for (unsigned i = 0; i < t2->fixups; i++)
        x86_patch(t2->fixup[i].from, t2->start[t2->fixup[i].block]);
    for (unsigned i = 0; i < t2->exits; i++) {
        const struct t2_exit *exit = &t2->exit[i];
        const uint8_t *code = exit->heard ? NULL : code_outside(t2, exit->target);

        x86_patch(exit->from, t->a.at);
        t1_count(t, (int32_t)exit->pending);
        x86_patch(x86_call(&t->a), t2->to_t1);
        if (code == NULL)
            t1_address(t, exit->target);
        x86_patch(x86_jmp(&t->a), code == NULL ? t2->stubs.jump : code);
    }
}

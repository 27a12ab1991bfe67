/*
 * dbt/back/x86_64/t2.c - T2's driver: a region in, code out.
 *
 * Code is written straight to where it will run, in room set aside under the lock; nobody can get
 * there before the caller says so. If its segment is given up meanwhile, that waits for
 * the end of the caller's read side like any other user's.
 */
#include "dbt/back/x86_64/t2.h"

#include <stdlib.h>

static void emit_op(struct t2 *t2, const struct t0_op *op)
{
    t2->t.op = op;
    t2->t.xmm_busy = 0;
    if (!t1_emit_shared(&t2->t, op) && !t1_emit_computing(&t2->t, op) && !t2_emit_memory(t2, op))
        t1_step(&t2->t);
}

static void emit_block(struct t2 *t2, unsigned at)
{
    const struct region_block *b = &t2->region->block[at];
    const struct tb *tb = b->tb;
    struct t1 *t = &t2->t;

    t2->at = at;
    t2->start[at] = t->a.at;
    t->tb = b->tb;
    t->block_offset = b->offset;
    t->insn = 0;
    t1_xmm_forget_all(t);
    t->pending = (b->carries ? t2->carried[at] : 0) + tb->insns;
    region_flow_begin(&t2->flow, b);
    t1_plan_shares(t, t2_fixed_registers(t2));
    for (unsigned i = 0; i < tb->ops; i++) {
        const struct t0_op *op = &tb->op[i];

        while (t->insn + 1 < tb->insns && tb->insn[t->insn + 1].first_op <= i)
            t->insn++;
        if (t0_shape(op->opcode) & (T0_EXIT | T0_END)) {
            t->op = op;
            t2_emit_leave(t2, op);
            return;
        }
        emit_op(t2, op);
        region_flow_op(&t2->flow, op);
    }
}

/* Returns where the region is entered. */
static uint8_t *emit_region(struct t2 *t2)
{
    uint8_t *entry;

    t2->fixups = t2->exits = 0;
    t2->full = false;
    t2->t.colds = 0;
    t2->t.fixes = NULL;
    t2->t.counts = true;
    t2->t.xmm_next = 15;
    t2_choose_pins(t2);
    t1_set_pins(&t2->t, &t2->pins);
    t2_plan_memory(t2);
    t2_make_table(t2);
    t2_make_stubs(t2);
    for (unsigned i = 0; i < t2->region->count; i++)
        emit_block(t2, i);
    t1_emit_cold(&t2->t);
    t2_emit_memory_cold(t2);
    t2_emit_exits(t2);
    entry = t2->t.a.at;
    t2_emit_entry(t2);
    x86_patch(x86_jmp(&t2->t.a), t2->start[0]);
    return entry;
}

/* ---- room ---- */

static uint8_t *reserve(struct back *back, struct tb *head, size_t bytes)
{
    uint8_t *start;

    pthread_mutex_lock(&back->lock);
    start = code_room_find_region(&back->room, bytes);
    if (start != NULL)
        atomic_fetch_or(&head->code_in, code_room_bit(&back->room, start));
    pthread_mutex_unlock(&back->lock);
    return start;
}

/* Code has been made up to `end`; not if that is the start. */
static void settle(struct back *back, uint8_t *start, uint8_t *end)
{
    pthread_mutex_lock(&back->lock);
    back->stats.regions += end != start;
    back->stats.region_bytes += (uint64_t)(end - start);
    code_room_take_region(&back->room, start, end);
    if (end != start)
        code_memory_written(&back->memory, start);
    pthread_mutex_unlock(&back->lock);
}

/* In so many bytes; NULL: it takes more, or there is no room for them. */
static const void *compile_in(struct t2 *t2, size_t bytes)
{
    struct tb *head = t2->region->block[0].tb;
    uint8_t *start = reserve(t2->back, head, bytes), *entry;

    if (start == NULL)
        return NULL;
    x86_init(&t2->t.a, start, start + bytes);
    entry = emit_region(t2);
    if (t2->t.a.overflow || t2->full) {
        settle(t2->back, start, start);
        return NULL;
    }
    settle(t2->back, start, t2->t.a.at);
    t1_made(t2->back, head, true, start, (size_t)(t2->t.a.at - start));
    return code_exec(&t2->back->memory, entry);
}

const void *t2_compile(struct back *back, const struct region *region,
                       const struct region_source *source)
{
    struct t2 *t2 = malloc(sizeof(*t2));
    const void *code;

    if (t2 == NULL)
        return NULL;
    t2->back = back;
    t2->region = region;
    t2->source = source;
    t2->t.tuning = &back->config.tuning;
    t2->full = false;
    code = compile_in(t2, T2_USUAL_BYTES);
    if (code == NULL && !t2->full)
        code = compile_in(t2, T2_CODE_BYTES);
    free(t2);
    return code;
}

/*
 * dbt/back/x86_64/t2.c - T2's driver: a region in, code out.
 *
 * Code is written straight to where it will run, in room set aside under the lock; nobody can get
 * there before the caller says so. If all code is dropped meanwhile, the half it is in waits for
 * the end of the caller's read side like any other user's.
 */
#include "dbt/back/x86_64/t2.h"

#include <stdlib.h>

static void emit_op(struct t2 *t2, const struct t0_op *op)
{
    t2->t.op = op;
    t2->t.xmm_busy = 0;
    if (!t1_emit_shared(&t2->t, op) && !t1_emit_float(&t2->t, op) && !t1_emit_int(&t2->t, op) &&
        !t2_emit_memory(t2, op) && !t1_emit_atomic(&t2->t, op))
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
    t1_plan_shares(t, t->share ? t2_fixed_registers(t2) : UINT32_MAX);
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
    t2->t.counts = true;
    t2->t.share = t2->back->config.share;
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

static struct code_half *reserve(struct back *back, uint8_t **ret_start)
{
    struct code_half *half;

    pthread_mutex_lock(&back->lock);
    half = &back->half[back->current];
    *ret_start = half->at;
    if (!atomic_load(&half->free) || half->end - half->at < (ptrdiff_t)2 * T2_CODE_BYTES)
        half = NULL;
    else
        half->at += T2_CODE_BYTES;
    pthread_mutex_unlock(&back->lock);
    return half;
}

/* Gives back what is behind `end`, if it is still the last. */
static void settle(struct back *back, struct code_half *half, uint8_t *start, uint8_t *end,
                   bool made)
{
    pthread_mutex_lock(&back->lock);
    back->stats.regions += made;
    back->stats.region_bytes += (uint64_t)(end - start);
    if (half == &back->half[back->current] && half->at == start + T2_CODE_BYTES)
        half->at = (uint8_t *)(((uintptr_t)end + 15) & ~(uintptr_t)15);
    pthread_mutex_unlock(&back->lock);
}

const void *t2_compile(struct back *back, const struct region *region,
                       const struct region_source *source)
{
    struct t2 *t2 = malloc(sizeof(*t2));
    struct code_half *half;
    uint8_t *start, *entry;
    const void *code = NULL;

    if (t2 == NULL)
        return NULL;
    half = reserve(back, &start);
    if (half != NULL) {
        t2->back = back;
        t2->region = region;
        t2->source = source;
        x86_init(&t2->t.a, start, start + T2_CODE_BYTES);
        entry = emit_region(t2);
        if (!t2->t.a.overflow && !t2->full)
            code = code_exec(&back->memory, entry);
        settle(back, half, start, code == NULL ? start : t2->t.a.at, code != NULL);
        if (code != NULL)
            t1_made(back, region->block[0].tb, true, start, (size_t)(t2->t.a.at - start));
    }
    free(t2);
    return code;
}

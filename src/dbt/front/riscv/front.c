/*
 * dbt/front/riscv/front.c - the walk over a block's instructions, and what all of them use.
 *
 * Bytes are fetched once: the guest may be writing them meanwhile, from another hart or by a
 * device, and the length, the decoded operands and the bits reported in tval must be of one
 * instruction. A parcel of 4 aligned bytes is read at one go, so that code patched by aligned
 * stores is never seen torn.
 */
#include "dbt/front/riscv/front.h"

#include <assert.h>

#include "base/endian.h"
#include "dbt/front/riscv/translate.h"
#include "isa/riscv/bits.h"

ir_ref front_const(struct translation *t, int64_t value)
{
    return ir_const(t->ir, value);
}

ir_ref front_get_x(struct translation *t, unsigned reg)
{
    if (reg == 0)
        return front_const(t, 0);
    return ir_emit(t->ir, IR_GETX, IR_I64, NO, NO, NO, reg);
}

void front_set_x(struct translation *t, unsigned reg, ir_ref value)
{
    if (reg != 0)
        ir_emit(t->ir, IR_SETX, IR_I64, value, NO, NO, reg);
}

ir_ref front_pc(struct translation *t, int64_t offset)
{
    return ir_emit(t->ir, IR_PC, IR_I64, NO, NO, NO, offset);
}

static void end_with(struct translation *t, enum ir_opcode opcode, ir_ref a, ir_ref c, int64_t imm)
{
    assert(!t->ended);
    ir_emit(t->ir, opcode, IR_I64, a, NO, c, imm);
    t->ended = true;
}

void front_trap(struct translation *t, unsigned cause, ir_ref tval)
{
    end_with(t, IR_TRAP, tval, NO, cause);
}

void front_illegal(struct translation *t)
{
    front_trap(t, CAUSE_ILLEGAL, front_const(t, t->in.raw));
}

void front_jump(struct translation *t, int64_t offset, enum ir_hint hint)
{
    end_with(t, IR_JUMP, NO, (ir_ref)hint, offset);
}

void front_leave(struct translation *t)
{
    end_with(t, IR_LEAVE, NO, NO, t->next);
}

void front_leave_pc(struct translation *t)
{
    end_with(t, IR_LEAVEPC, NO, NO, 0);
}

/* ---- fetching ---- */

static uint16_t load_half(const uint8_t *p)
{
    return le16_to_host(__atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_RELAXED));
}

static uint32_t load_word(const uint8_t *p)
{
    return le32_to_host(__atomic_load_n((const uint32_t *)(const void *)p, __ATOMIC_RELAXED));
}

enum fetch { FETCHED, FETCH_END_OF_PAGE, FETCH_NEEDS_NEXT_PAGE };

static enum fetch fetch(const struct front_source *source, int64_t at, uint32_t *ret_raw)
{
    const uint8_t *p = source->bytes + at;
    size_t left = source->size - (size_t)at;
    uint16_t first;

    assert(((uintptr_t)p & 1) == 0);
    if (left < 2)
        return FETCH_END_OF_PAGE;
    if (left >= 4 && ((uintptr_t)p & 3) == 0) {
        *ret_raw = load_word(p);
        return FETCHED;
    }
    first = load_half(p);
    *ret_raw = first;
    if (insn_length(first) == 2)
        return FETCHED;
    if (left >= 4) {
        *ret_raw |= (uint32_t)load_half(p + 2) << 16;
        return FETCHED;
    }
    if (at != 0)
        return FETCH_END_OF_PAGE;
    if (!source->next_page)
        return FETCH_NEEDS_NEXT_PAGE;
    *ret_raw |= (uint32_t)load_half(source->next_page) << 16;
    return FETCHED;
}

/* ---- instructions ---- */

enum { RM_NEAREST = 0, RM_DYNAMIC = 7 };

static bool rounds_dynamically(const struct translation *t)
{
    unsigned effects = insn_info[t->in.row].rv_effects | insn_info[t->in.id].rv_effects;

    return (effects & INSN_RM) && t->in.rm == RM_DYNAMIC;
}

/* What the block's key alone makes illegal. */
static bool illegal_in_mode(const struct translation *t)
{
    unsigned effects = insn_info[t->in.row].rv_effects | insn_info[t->in.id].rv_effects;
    unsigned mode = t->source->mode;

    if (!(effects & INSN_FP))
        return false;
    return (mode & FRONT_FS_OFF) || (rounds_dynamically(t) && (mode & FRONT_FRM_BAD));
}

static void translate_one(struct translation *t, uint32_t raw)
{
    unsigned length = insn_length((uint16_t)raw);

    (void)insn_decode(raw, t->source->isa, &t->in);
    t->in.raw = length == 2 ? raw & 0xffff : raw;
    t->next = t->at + length;
    ir_emit(t->ir, IR_INSN, IR_I64, (ir_ref)length, NO, NO, t->at);
    if (t->in.id == INSN_ILLEGAL || illegal_in_mode(t)) {
        front_illegal(t);
        return;
    }
    if (rounds_dynamically(t) && (t->source->mode & FRONT_FRM_NEAREST))
        t->in.rm = RM_NEAREST;
    t->row = &front_rows[t->in.id];
    t->row->translate(t);
}

bool front_translate(const struct front_source *source, struct ir_block *ir)
{
    struct translation t = { .ir = ir, .source = source };
    uint32_t raw;

    assert(source->size >= 2 && source->max_insns >= 1 && source->max_insns <= IR_MAX_INSNS);
    ir_init(ir);
    for (;;) {
        switch (fetch(source, t.at, &raw)) {
        case FETCH_NEEDS_NEXT_PAGE:
            return false;
        case FETCH_END_OF_PAGE:
            front_jump(&t, t.at, IR_HINT_NONE);
            return true;
        case FETCHED:
            break;
        }
        translate_one(&t, raw);
        if (t.ended)
            return true;
        t.at = t.next;
        if (t.at >= (int64_t)source->size || ir->insns == source->max_insns || !ir_has_room(ir)) {
            front_jump(&t, t.at, IR_HINT_NONE);
            return true;
        }
    }
}

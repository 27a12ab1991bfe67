/*
 * dbt/back/x86_64/t1_call.c - jumps to computed addresses, calls and returns.
 *
 * A guest's call is a host call, so that the host predicts the guest's return. For each call under
 * way two words are on the host's stack:
 *
 *     rsp + 8   the guest address it returns to
 *     rsp       the host address of the landing, code behind the call that leads to that block
 *
 * A return compares its target with the first and, if they are equal, returns to the second; if
 * not, it looks for its call further up (longjmp leaves calls behind) and else goes through the
 * jump cache like any jump. All that is a guess: nothing depends on calls and returns being paired.
 *
 * What makes a landing right is that the guest address led to this code when the call was made. A
 * hart forgets all calls (rsp goes back to hart->run.stack) when it leaves compiled code, and when
 * its cookie changes, which says what modes and translations are in force: see stub `resume`. At
 * run.stack there is an address that no return has; below run.stack_end all calls are forgotten.
 */
#include "dbt/back/x86_64/t1.h"

void t1_jump_anywhere(struct t1 *t, int64_t offset, bool call)
{
    struct t1_cold *cold[3];
    int kind = call ? COLD_CALL : COLD_JUMP;

    x86_alu_mi(&t->a, ALU_CMP, 4, t1_field(HART_DISP(attention)), 0);
    cold[0] = t1_cold(t, kind, x86_jcc(&t->a, CC_NE));
    x86_mov_rr(&t->a, 8, RCX, RAX); /* jump_cache_index() */
    x86_shift_ri(&t->a, SHIFT_SHR, 8, RCX, JUMP_CACHE_SHIFT);
    if (offset >= 0) {
        x86_alu_ri(&t->a, ALU_XOR, 4, RCX, (int32_t)(offset >> 1));
    } else {
        x86_mov_rr(&t->a, 4, RDX, RAX);
        x86_alu_ri(&t->a, ALU_AND, 4, RDX, PAGE_SIZE_BYTES - 1);
        x86_shift_ri(&t->a, SHIFT_SHR, 4, RDX, 1);
        x86_alu_rr(&t->a, ALU_XOR, 4, RCX, RDX);
    }
    x86_alu_ri(&t->a, ALU_AND, 4, RCX, JUMP_CACHE_ENTRIES - 1);
    x86_shift_ri(&t->a, SHIFT_SHL, 4, RCX, 5);
    x86_alu_rm(&t->a, ALU_ADD, 8, RCX, t1_field(HART_DISP(run.jump_cache)));
    x86_alu_rm(&t->a, ALU_CMP, 8, RAX, x86_at(RCX, offsetof(struct jump_cache_entry, pc)));
    cold[1] = t1_cold(t, kind, x86_jcc(&t->a, CC_NE));
    x86_load(&t->a, 8, false, RDX, t1_field(HART_DISP(run.cookie)));
    x86_alu_rm(&t->a, ALU_CMP, 8, RDX, x86_at(RCX, offsetof(struct jump_cache_entry, cookie)));
    cold[2] = t1_cold(t, kind, x86_jcc(&t->a, CC_NE));
    x86_store(&t->a, 8, t1_field(HART_DISP(s.pc)), RAX); /* should the block not be compiled */
    x86_alu_ri(&t->a, ALU_AND, 8, RAX, -PAGE_SIZE_BYTES);
    x86_store(&t->a, 8, t1_field(HART_DISP(run.page)), RAX);
    if (call)
        x86_call_m(&t->a, x86_at(RCX, offsetof(struct jump_cache_entry, code)));
    else
        x86_jmp_m(&t->a, x86_at(RCX, offsetof(struct jump_cache_entry, code)));
    for (unsigned i = 0; i < 3; i++)
        cold[i]->back = t->a.at;
}

void t1_emit_call_cold(struct t1 *t, const struct t1_cold *cold)
{
    switch ((unsigned)cold->kind) {
    case COLD_DEEP: /* all calls are forgotten */
        x86_load(&t->a, 8, false, RSP, t1_field(HART_DISP(run.stack)));
        x86_patch(x86_jmp(&t->a), cold->back);
        break;
    case COLD_CALL:
        t1_to_stub(t, x86_call(&t->a), &t->stubs->jump);
        x86_patch(x86_jmp(&t->a), cold->back);
        break;
    case COLD_JUMP:
        t1_to_stub(t, x86_jmp(&t->a), &t->stubs->jump);
        break;
    default: /* COLD_UNWIND */
        t1_use_in(t, cold->op->a, RAX);
        x86_alu_ri(&t->a, ALU_AND, 8, RAX, -2);
        t1_to_stub(t, x86_jmp(&t->a), &t->stubs->unwind);
        break;
    }
}

/* Notes the return address. Clobbers rcx. */
static void push_return(struct t1 *t, uint16_t slot)
{
    struct t1_cold *cold;

    x86_alu_rm(&t->a, ALU_CMP, 8, RSP, t1_field(HART_DISP(run.stack_end)));
    cold = t1_cold(t, COLD_DEEP, x86_jcc(&t->a, CC_B));
    cold->back = t->a.at;
    x86_push(&t->a, t1_use(t, slot, RCX));
}

/* Where the call returns to: the block behind it, as exit `link`. */
static void emit_landing(struct t1 *t, unsigned link)
{
    int64_t offset = (int64_t)t->block_offset + t->tb->length;

    x86_pop(&t->a, RAX);
    x86_alu_ri(&t->a, ALU_SUB, 8, RAX, (int32_t)offset);
    x86_store(&t->a, 8, t1_field(HART_DISP(run.page)), RAX);
    t1_jump_to(t, offset, link);
}

void t1_emit_call(struct t1 *t, const struct t0_op *op)
{
    int64_t target = (int64_t)t->block_offset + op->imm;

    t1_hear(t, target);
    push_return(t, op->b);
    t1_call_to(t, target, op->dst);
    emit_landing(t, op->a);
}

static void emit_return(struct t1 *t, const struct t0_op *op)
{
    enum x86_reg a = t1_use(t, op->a, RAX);

    x86_alu_rm(&t->a, ALU_CMP, 8, a, x86_at(RSP, 8));
    (void)t1_cold(t, COLD_UNWIND, x86_jcc(&t->a, CC_NE));
    x86_ret(&t->a);
}

void t1_emit_jumpreg(struct t1 *t, const struct t0_op *op)
{
    if (op->imm == T0_JUMP_RETURN && t->tuning->calls) {
        emit_return(t, op);
        return;
    }
    t1_use_in(t, op->a, RAX);
    x86_alu_ri(&t->a, ALU_AND, 8, RAX, -2);
    if (op->b == 0 || !t->tuning->calls) {
        t1_jump_anywhere(t, -1, false);
        return;
    }
    push_return(t, op->b);
    t1_jump_anywhere(t, -1, true);
    emit_landing(t, op->dst);
}

/*
 * dbt/back/x86_64/t1_xmm.c - which slots' values are in xmm registers, within a block.
 *
 * Memory stays true: a result is stored when it is made, so that nothing has to be written back,
 * by a fault, a call or the end of the block. What is saved is reading it again, and waiting for
 * the store. A block begins with nothing in registers; cold code that has called C loads again
 * what the code it returns to counts on.
 *
 * A register has up to two names: a slot whose 64 bits it holds, and an f-register whose boxed
 * float it holds without the box. An F32 is held with zeroes above, as its slot has them.
 *
 * In a region some f registers are pinned: an xmm register has them from its begin to its end, and
 * memory does not. Calls to C and exits write them back and load them (t1_stubs.c, t2_stubs.c).
 */
#include <assert.h>

#include "dbt/back/x86_64/t1.h"

enum { BOXED = 0x8000, NONE = 0 }; /* slot 0 is x0, which is never here */
_Static_assert((int)T0_SLOT_TEMP + (int)HART_TEMP_SLOTS < (int)BOXED, "a bit beside slot numbers");

static struct t1_xmm *find(struct t1 *t, uint16_t slot)
{
    for (unsigned i = T1_XMM_FIRST; i < 16; i++)
        if (t->xmm[i].slot == slot)
            return &t->xmm[i];
    return NULL;
}

static struct t1_xmm *find_boxed(struct t1 *t, uint16_t slot)
{
    for (unsigned i = T1_XMM_FIRST; i < 16; i++)
        if (t->xmm[i].boxed == slot)
            return &t->xmm[i];
    return NULL;
}

enum x86_xmm t1_xmm_pin(const struct t1 *t, uint16_t slot)
{
    unsigned reg = (unsigned)slot - T0_SLOT_F;

    return reg < T1_PINNABLE ? (enum x86_xmm)t->float_pin[reg] : T1_XMM_NONE;
}

static enum x86_xmm take(struct t1 *t, const struct t1_xmm *xmm)
{
    unsigned reg = (unsigned)(xmm - t->xmm);

    t->xmm_busy |= 1u << reg;
    return (enum x86_xmm)reg;
}

enum x86_xmm t1_xmm_new(struct t1 *t)
{
    unsigned taken = t->xmm_busy | t->float_pins;

    assert((taken >> T1_XMM_FIRST) + 1 != 1u << T1_XMMS); /* some register is free */
    do {
        t->xmm_next = t->xmm_next == 15 ? T1_XMM_FIRST : t->xmm_next + 1;
    } while (taken >> t->xmm_next & 1);
    t->xmm[t->xmm_next] = (struct t1_xmm){ NONE, NONE };
    return take(t, &t->xmm[t->xmm_next]);
}

enum x86_xmm t1_xmm_dst(struct t1 *t, uint16_t slot)
{
    enum x86_xmm pin = t1_xmm_pin(t, slot);

    return pin != T1_XMM_NONE ? pin : t1_xmm_new(t);
}

enum x86_xmm t1_xmm_use(struct t1 *t, uint16_t slot)
{
    enum x86_reg pin = t1_pin(t, slot);
    enum x86_xmm reg = t1_xmm_find(t, slot);

    if (reg != T1_XMM_NONE)
        return reg;
    reg = t1_xmm_new(t);
    if (pin != X86_NONE) {
        x86_movd_xr(&t->a, 8, reg, pin);
        return reg;
    }
    if (slot == T0_SLOT_ZERO) {
        x86_logic_rr(&t->a, LOGIC_XOR, reg, reg);
        return reg;
    }
    x86_movs_load(&t->a, 8, reg, t1_slot(slot));
    t->xmm[reg].slot = slot;
    return reg;
}

enum x86_xmm t1_xmm_find(struct t1 *t, uint16_t slot)
{
    const struct t1_xmm *xmm = slot == T0_SLOT_ZERO ? NULL : find(t, slot);

    return xmm == NULL ? t1_xmm_pin(t, slot) : take(t, xmm);
}

enum x86_xmm t1_xmm_find_float(struct t1 *t, uint16_t slot)
{
    const struct t1_xmm *xmm = slot == T0_SLOT_ZERO ? NULL : find_boxed(t, slot);

    return xmm == NULL ? T1_XMM_NONE : take(t, xmm);
}

void t1_xmm_forget(struct t1 *t, uint16_t slot)
{
    struct t1_xmm *xmm;

    if (slot == T0_SLOT_ZERO)
        return;
    xmm = find(t, slot);
    if (xmm != NULL)
        xmm->slot = NONE;
    xmm = find_boxed(t, slot);
    if (xmm != NULL)
        xmm->boxed = NONE;
}

void t1_xmm_forget_all(struct t1 *t)
{
    for (unsigned i = 0; i < 16; i++)
        t->xmm[i] = (struct t1_xmm){ NONE, NONE };
}

void t1_xmm_define(struct t1 *t, uint16_t slot, enum x86_xmm reg)
{
    enum x86_xmm pin = t1_xmm_pin(t, slot);

    if (pin == T1_XMM_NONE) {
        t1_xmm_forget(t, slot);
        x86_movs_store(&t->a, 8, t1_slot(slot), reg);
        t->xmm[reg].slot = slot;
    } else if (pin != reg) {
        x86_movs_rr(&t->a, pin, reg);
    }
}

void t1_xmm_define_boxed(struct t1 *t, uint16_t slot, enum x86_xmm reg)
{
    assert(t1_xmm_pin(t, slot) == T1_XMM_NONE);
    t1_xmm_forget(t, slot);
    x86_movs_store(&t->a, 4, t1_slot(slot), reg);
    x86_store_imm(&t->a, 4, x86_at(RBP, t1_slot(slot).disp + 4), -1);
    t->xmm[reg].boxed = slot;
}

void t1_return_here(struct t1 *t, struct t1_cold *cold)
{
    cold->back = t->a.at;
    for (unsigned i = T1_XMM_FIRST; i < 16; i++) {
        const struct t1_xmm *xmm = &t->xmm[i];

        cold->xmm[i - T1_XMM_FIRST] = xmm->slot != NONE    ? xmm->slot
                                      : xmm->boxed != NONE ? xmm->boxed | BOXED
                                                           : NONE;
    }
}

void t1_xmm_restore(struct t1 *t, const struct t1_cold *cold)
{
    for (unsigned i = T1_XMM_FIRST; i < 16; i++) {
        uint16_t slot = cold->xmm[i - T1_XMM_FIRST];

        if (slot != NONE)
            x86_movs_load(&t->a, slot & BOXED ? 4 : 8, (enum x86_xmm)i,
                          t1_slot((uint16_t)(slot & ~BOXED)));
    }
}

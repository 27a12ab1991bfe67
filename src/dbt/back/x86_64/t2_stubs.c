/* dbt/back/x86_64/t2_stubs.c - which registers a region holds, and the way in and out. */
#include "dbt/back/x86_64/t2.h"

static enum x86_reg t1_home(unsigned slot)
{
    for (unsigned i = 0; i < t1_pins.count; i++)
        if (t1_pins.slot[i] == slot)
            return (enum x86_reg)t1_pins.reg[i];
    return X86_NONE;
}

static bool is_taken(const struct t1_pins *pins, unsigned reg)
{
    for (unsigned i = 0; i < pins->count; i++)
        if (pins->reg[i] == reg)
            return true;
    return false;
}

static void pin(struct t1_pins *pins, unsigned slot, unsigned reg)
{
    pins->slot[pins->count] = (uint16_t)slot;
    pins->reg[pins->count++] = (uint8_t)reg;
}

/* Of f registers, those of whom ops ask for all 64 bits. */
static void choose_floats(struct t2 *t2)
{
    const struct region *region = t2->region;
    uint32_t done = region->boxed;
    unsigned n;

    for (n = 0; n < T1_FLOAT_PINS; n++) {
        unsigned best = region_heaviest(region->float_weight, done);

        if (best == REGION_REGS)
            break;
        done |= UINT32_C(1) << best;
        t2->pins.f[n].slot = (uint16_t)(T0_SLOT_F + best);
        t2->pins.f[n].xmm = (uint8_t)(16 - T1_FLOAT_PINS + n);
        t2->pins.f[n].written = region->float_written >> best & 1;
    }
    t2->pins.floats = n;
}

/* The heaviest ten. Who has a home in T1 keeps it: then there is nothing to move. */
void t2_choose_pins(struct t2 *t2)
{
    uint32_t chosen = 0;
    unsigned free_reg = 0;

    choose_floats(t2);
    for (unsigned n = 0; n < T1_PINS; n++) {
        unsigned best = region_heaviest(t2->region->weight, chosen);

        if (best == REGION_REGS)
            break;
        chosen |= UINT32_C(1) << best;
    }
    t2->pins.count = 0;
    for (unsigned r = 1; r < REGION_REGS; r++)
        if ((chosen & UINT32_C(1) << r) && t1_home(r) != X86_NONE)
            pin(&t2->pins, r, t1_home(r));
    for (unsigned r = 1; r < REGION_REGS; r++) {
        if (!(chosen & UINT32_C(1) << r) || t1_home(r) != X86_NONE)
            continue;
        while (is_taken(&t2->pins, t1_pins.reg[free_reg]))
            free_reg++;
        pin(&t2->pins, r, t1_pins.reg[free_reg]);
    }
}

static bool is_at_home(const struct t2 *t2, unsigned i)
{
    return t1_pin(&t2->t, t1_pins.slot[i]) == (enum x86_reg)t1_pins.reg[i];
}

/* Jumped to with T1's arrangement. All stores come before all loads: registers trade places. */
void t2_emit_entry(struct t2 *t2)
{
    struct x86_asm *a = &t2->t.a;

    for (unsigned i = 0; i < t1_pins.count; i++)
        if (!is_at_home(t2, i))
            x86_store(a, 8, t1_slot(t1_pins.slot[i]), t1_pins.reg[i]);
    for (unsigned i = 0; i < t2->pins.count; i++)
        if (t1_home(t2->pins.slot[i]) != (enum x86_reg)t2->pins.reg[i])
            x86_load(a, 8, false, t2->pins.reg[i], t1_slot(t2->pins.slot[i]));
    t1_load_floats(a, &t2->pins);
    x86_alu_rr(a, ALU_XOR, 4, R15, R15);
    t2_reset_sites(t2);
}

/* Keeps rax. */
static void make_to_t1(struct t2 *t2)
{
    struct x86_asm *a = &t2->t.a;

    t2->to_t1 = a->at;
    t1_settle_register(a);
    x86_load(a, 8, false, R15, t1_field(HART_DISP(tlb.table)));
    t1_store_floats(a, &t2->pins);
    for (unsigned i = 0; i < t2->pins.count; i++)
        if (t1_home(t2->pins.slot[i]) != (enum x86_reg)t2->pins.reg[i])
            x86_store(a, 8, t1_slot(t2->pins.slot[i]), t2->pins.reg[i]);
    for (unsigned i = 0; i < t1_pins.count; i++)
        if (!is_at_home(t2, i))
            x86_load(a, 8, false, t1_pins.reg[i], t1_slot(t1_pins.slot[i]));
    x86_ret(a);
}

void t2_make_stubs(struct t2 *t2)
{
    t2->stubs = t2->back->stubs;
    t1_make_calls(&t2->t.a, &t2->stubs, &t2->pins, true);
    make_to_t1(t2);
    t2->jump_out = t2->t.a.at;
    x86_patch(x86_call(&t2->t.a), t2->to_t1);
    x86_patch(x86_jmp(&t2->t.a), t2->stubs.jump);
    t2->return_out = t2->t.a.at;
    x86_patch(x86_call(&t2->t.a), t2->to_t1);
    x86_patch(x86_jmp(&t2->t.a), t2->stubs.ret);
    t2->t.stubs = &t2->stubs;
}

/*
 * dbt/back/x86_64/t2_mem.c - loads and stores in a region (the kinds of access: t2.h).
 *
 *     fixed                             smooth
 *     mov  rax, [site]                  lea  rax, [base + imm]
 *     test rax, rax ; je cold           and  rax, ~4095 | (size - 1)
 *     mov  dst, [rax + imm - low]       cmp  rax, [site] ; jne cold
 *                                       mov  rcx, [site + 8]
 *                                       mov  dst, [base + rcx + imm]
 *
 * Cold code asks the soft TLB: if it knows the page, the site is filled and the access done over;
 * if not, or if accesses about one base lie in two pages, the access is T1's.
 */
#include <string.h>

#include "dbt/back/x86_64/t2.h"

static enum tlb_kind kind_of(const struct t0_op *op)
{
    return t1_is_load(op) ? TLB_READ : TLB_WRITE;
}

/* ---- planning ---- */

static bool is_small(int64_t imm)
{
    return imm >= -(1 << 20) && imm <= 1 << 20;
}

static void note_fixed(struct t2 *t2, const struct t0_op *op)
{
    struct t2_fixed *fixed;
    int32_t low = (int32_t)op->imm, high = (int32_t)op->imm + (int32_t)t1_access_size(op);

    if (op->a == T0_SLOT_ZERO || op->a >= REGION_REGS || !is_small(op->imm) ||
        (t2->region->written & UINT32_C(1) << op->a))
        return;
    fixed = &t2->fixed[op->a];
    if (!fixed->grouped) {
        *fixed = (struct t2_fixed){ .low = low, .high = high, .grouped = true };
    } else {
        fixed->low = low < fixed->low ? low : fixed->low;
        fixed->high = high > fixed->high ? high : fixed->high;
    }
    if (t1_is_load(op))
        fixed->reads = true;
    else
        fixed->writes = true;
}

static unsigned new_site(struct t2 *t2, bool fixed)
{
    t2->fixed_site[t2->sites] = fixed;
    return t2->sites++;
}

void t2_plan_memory(struct t2 *t2)
{
    const struct region *region = t2->region;

    memset(t2->fixed, 0, sizeof(t2->fixed));
    t2->accesses = t2->sites = 0;
    for (unsigned i = 0; i < region->count; i++) {
        const struct tb *tb = region->block[i].tb;

        for (unsigned j = 0; j < tb->ops; j++)
            if (t1_is_load(&tb->op[j]) || t1_is_store(&tb->op[j]))
                note_fixed(t2, &tb->op[j]);
    }
    for (unsigned r = 0; r < REGION_REGS; r++) {
        struct t2_fixed *fixed = &t2->fixed[r];

        if (fixed->grouped && fixed->high - fixed->low <= T2_MAX_SPAN)
            fixed->site = (uint16_t)new_site(t2, true);
        else
            fixed->grouped = false;
    }
}

uint32_t t2_fixed_registers(const struct t2 *t2)
{
    uint32_t registers = 0;

    for (unsigned r = 0; r < REGION_REGS; r++)
        registers |= (uint32_t)t2->fixed[r].grouped << r;
    return registers;
}

/* Sites are numbered while code is made, and emptied at the entry: t2_compile() emits that last. */
void t2_reset_sites(struct t2 *t2)
{
    for (unsigned i = 0; i < t2->sites; i++)
        x86_store_imm(&t2->t.a, 8, t2_site(i, 0), t2->fixed_site[i] ? 0 : T2_NO_PAGE);
}

/* ---- in line ---- */

static struct t2_access *new_access(struct t2 *t2, int kind, uint8_t *from, unsigned site)
{
    struct t2_access *access = &t2->access[t2->accesses++];
    struct t1 *t = &t2->t;

    access->kind = kind;
    access->from = from;
    access->site = (uint16_t)site;
    access->cold =
        (struct t1_cold){ .op = t->op, .info = t1_info(t), .pending = t->pending, .link = 0 };
    return access;
}

static void gva_in(struct t2 *t2, enum x86_reg reg, unsigned base, int64_t offset)
{
    struct t1 *t = &t2->t;
    enum x86_reg pin = t1_pin(t, (uint16_t)base);

    if (pin == X86_NONE) {
        t1_use_in(t, (uint16_t)base, reg);
        pin = reg;
    }
    x86_sum(&t->a, reg, pin, (int32_t)offset);
}

static void transfer(struct t2 *t2, const struct t0_op *op, struct x86_mem mem,
                     enum x86_reg scratch)
{
    if (t1_is_load(op))
        t1_load_value(&t2->t, op, mem);
    else
        t1_store_value(&t2->t, op, mem, scratch);
}

static void finish(struct t2 *t2, struct t2_access *access)
{
    t1_return_here(&t2->t, &access->cold);
}

static void emit_fixed(struct t2 *t2, const struct t0_op *op, const struct t2_fixed *fixed)
{
    struct x86_asm *a = &t2->t.a;
    struct t2_access *access;

    x86_load(a, 8, false, RAX, t2_site(fixed->site, 0));
    x86_test_rr(a, 8, RAX, RAX);
    access = new_access(t2, ACCESS_FIXED, x86_jcc(a, CC_E), fixed->site);
    access->use = a->at;
    transfer(t2, op, x86_at(RAX, (int32_t)op->imm - fixed->low), RCX);
    finish(t2, access);
}

static void emit_smooth(struct t2 *t2, const struct t0_op *op)
{
    unsigned site = new_site(t2, false), size = t1_access_size(op);
    enum x86_reg base = t1_use(&t2->t, op->a, RDX);
    struct x86_asm *a = &t2->t.a;
    struct t2_access *access;

    x86_sum(a, RAX, base, (int32_t)op->imm);
    x86_alu_ri(a, ALU_AND, 8, RAX, -PAGE_SIZE_BYTES | (int32_t)(size - 1));
    x86_alu_rm(a, ALU_CMP, 8, RAX, t2_site(site, 0));
    access = new_access(t2, ACCESS_SMOOTH, x86_jcc(a, CC_NE), site);
    x86_load(a, 8, false, RCX, t2_site(site, 1));
    access->use = a->at;
    transfer(t2, op, x86_indexed(base, RCX, 1, (int32_t)op->imm), RAX);
    finish(t2, access);
}

bool t2_emit_memory(struct t2 *t2, const struct t0_op *op)
{
    if (!t1_is_load(op) && !t1_is_store(op))
        return false;
    if (op->a == T0_SLOT_ZERO || !is_small(op->imm) || !t2->t.tuning->loads)
        return t1_emit_memory(&t2->t, op);
    if (op->a < REGION_REGS && t2->fixed[op->a].grouped)
        emit_fixed(t2, op, &t2->fixed[op->a]);
    else if (region_flow_is_random(&t2->flow, op->a) || t2->sites == T2_MAX_SITES)
        return t1_emit_memory(&t2->t, op);
    else
        emit_smooth(t2, op);
    return true;
}

/* ---- cold ---- */

/* rax = the site's new content, or 0: called from all accesses through the base. */
static void emit_establish(struct t2 *t2, unsigned base, struct t2_fixed *fixed)
{
    struct x86_asm *a = &t2->t.a;
    uint8_t *miss[2] = { NULL, NULL }, *crosses;

    fixed->establish = a->at;
    gva_in(t2, RCX, base, fixed->low);
    if (fixed->reads)
        miss[0] = t1_probe(&t2->t, 1, TLB_READ);
    if (fixed->writes)
        miss[1] = t1_probe(&t2->t, 1, TLB_WRITE);
    x86_lea(a, 8, RAX, x86_at(RCX, fixed->high - fixed->low - 1));
    x86_alu_rr(a, ALU_XOR, 8, RAX, RCX);
    x86_test_ri(a, 8, RAX, -PAGE_SIZE_BYTES);
    crosses = x86_jcc(a, CC_NE);
    x86_lea(a, 8, RAX, x86_indexed(RCX, RDX, 1, 0));
    x86_store(a, 8, t2_site(fixed->site, 0), RAX);
    x86_ret(a);
    for (unsigned i = 0; i < 2; i++)
        if (miss[i] != NULL)
            x86_patch(miss[i], a->at);
    x86_patch(crosses, a->at);
    x86_alu_rr(a, ALU_XOR, 4, RAX, RAX);
    x86_ret(a);
}

/* As T1 does it, from the gva in rcx. */
static void emit_slow(struct t2 *t2, const struct t2_access *access)
{
    struct t1 *t = &t2->t;

    t1_count(t, (int32_t)access->cold.pending);
    if (t1_is_load(access->cold.op))
        t1_slow_load(t, &access->cold);
    else
        t1_slow_store(t, &access->cold);
    t1_count(t, -(int32_t)access->cold.pending);
    t1_xmm_restore(t, &access->cold);
    x86_patch(x86_jmp(&t->a), access->cold.back);
}

static void emit_cold_fixed(struct t2 *t2, const struct t2_access *access)
{
    const struct t0_op *op = access->cold.op;
    struct x86_asm *a = &t2->t.a;
    uint8_t *miss;

    x86_patch(x86_call(a), t2->fixed[op->a].establish);
    x86_test_rr(a, 8, RAX, RAX);
    x86_patch(x86_jcc(a, CC_NE), access->use);
    gva_in(t2, RCX, op->a, op->imm);
    miss = t1_probe(&t2->t, t1_access_size(op), kind_of(op));
    t1_xmm_forget_all(&t2->t); /* where values are now is not where they are in line */
    t2->t.xmm_busy = 0;
    transfer(t2, op, x86_indexed(RCX, RDX, 1, 0), RAX);
    t1_xmm_restore(&t2->t, &access->cold);
    x86_patch(x86_jmp(a), access->cold.back);
    x86_patch(miss, a->at);
    emit_slow(t2, access);
}

static void emit_cold_smooth(struct t2 *t2, const struct t2_access *access)
{
    const struct t0_op *op = access->cold.op;
    struct x86_asm *a = &t2->t.a;
    uint8_t *miss;

    gva_in(t2, RCX, op->a, op->imm);
    miss = t1_probe(&t2->t, t1_access_size(op), kind_of(op));
    x86_store(a, 8, t2_site(access->site, 1), RDX);
    x86_alu_ri(a, ALU_AND, 8, RCX, -PAGE_SIZE_BYTES);
    x86_store(a, 8, t2_site(access->site, 0), RCX);
    x86_mov_rr(a, 8, RCX, RDX);
    (void)t1_use(&t2->t, op->a, RDX); /* where the access expects the base */
    x86_patch(x86_jmp(a), access->use);
    x86_patch(miss, a->at);
    emit_slow(t2, access);
}

void t2_emit_memory_cold(struct t2 *t2)
{
    for (unsigned r = 0; r < REGION_REGS; r++)
        if (t2->fixed[r].grouped)
            emit_establish(t2, r, &t2->fixed[r]);
    for (unsigned i = 0; i < t2->accesses; i++) {
        const struct t2_access *access = &t2->access[i];

        x86_patch(access->from, t2->t.a.at);
        if (access->kind == ACCESS_FIXED)
            emit_cold_fixed(t2, access);
        else
            emit_cold_smooth(t2, access);
    }
}

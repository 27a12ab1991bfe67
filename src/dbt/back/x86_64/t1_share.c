/*
 * dbt/back/x86_64/t1_share.c - loads and stores of a block that share one look at the soft TLB.
 *
 * Compilers reach a structure, an array's neighbours, a stack frame through one register, or one
 * that moves by constants. Accesses at known distances from one value are a *group*. The first to
 * run, the leader, probes for all bytes from the lowest to the highest at once:
 *
 *     lea   rcx, [base + low]           the gva of the lowest byte
 *     ...                               t1_probe(), of high - low bytes
 *     add   rdx, rcx                    its host address...
 *     mov   [shared], rdx               ...kept, if rdx is needed before the last of the group
 *     mov   dst, [rdx + at - low]
 *
 * and the others only look whether there is a host address:
 *
 *     mov   rdx, [shared]               if another is in rdx now
 *     test  rdx, rdx ; je cold
 *     mov   dst, [rdx + at - low]
 *
 * When the leader's probe fails (two pages; a page to be asked about) the address is 0 and each
 * access of the group probes for itself, in cold code. If some access of a group is a store, the
 * probe is for stores: what may be written without asking may be read, at the same place.
 *
 * Why a kept address stays good until the block's end: nothing takes a translation away but
 * fences and changes of modes (helpers, which end all groups) and requests, which are served
 * outside of compiled code. A load or store that goes to C in between may throw an entry out of
 * the soft TLB; what the entry said stays true.
 */
#include "dbt/back/x86_64/t1.h"

#include <assert.h>
#include <string.h>

enum { MAX_SPAN = 1024 }; /* bytes of a group: the longer, the more often in two pages */

/* ---- planning ---- */

/* What x registers hold at one point of the block: a value, which has a number, plus a constant.
 * As values are never forgotten but only left, a group ends when no register has its value. */
struct values {
    struct value {
        uint16_t root;
        int32_t delta;
    } of[T1_PINNABLE];
    uint16_t next_root;
};

static bool is_near(int64_t offset)
{
    return offset >= -(1 << 24) && offset <= 1 << 24;
}

static void forget_values(struct values *values)
{
    for (unsigned r = 0; r < T1_PINNABLE; r++)
        values->of[r] = (struct value){ values->next_root++, 0 };
}

static void follow_value(struct values *values, const struct t0_op *op)
{
    unsigned shape = t0_shape(op->opcode);
    struct value value = { 0 };
    int64_t delta;

    if (!(shape & T0_KNOWN)) { /* a helper, perhaps */
        forget_values(values);
        return;
    }
    if (!(shape & T0_DEF) || op->dst >= T1_PINNABLE)
        return;
    if ((op->opcode == T0_ADD_RI || op->opcode == T0_MOV) && op->a < T1_PINNABLE) {
        value = values->of[op->a];
        delta = value.delta + (op->opcode == T0_MOV ? 0 : op->imm);
        if (is_near(op->imm) && is_near(delta)) {
            values->of[op->dst] = (struct value){ value.root, (int32_t)delta };
            return;
        }
    }
    values->of[op->dst] = (struct value){ values->next_root++, 0 };
}

static int32_t lesser(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t greater(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* The group of an access at bytes from..to - 1 from a value; 0: there is no room for it. */
static unsigned join(struct t1_shares *shares, uint16_t root, int32_t from, int32_t to, bool writes)
{
    unsigned g = shares->groups;
    struct t1_group *group;

    while (--g > 0 && shares->of[g].root != root)
        ;
    group = &shares->of[g];
    if (g == 0 || greater(group->high, to) - lesser(group->low, from) > MAX_SPAN) {
        if (shares->groups == T1_MAX_GROUPS)
            return 0;
        g = shares->groups++;
        group = &shares->of[g];
        *group = (struct t1_group){ .low = from, .high = to, .root = root };
    }
    group->low = lesser(group->low, from);
    group->high = greater(group->high, to);
    group->writes |= writes;
    group->accesses++;
    return g;
}

/* Templates that leave rdx alone, in cold code too. */
static bool keeps_rdx(const struct t0_op *op)
{
    if (op->opcode < T0_MULHSS_RR)
        return true;
    if (op->opcode >= T0_MINS_RR && op->opcode < T0_CLMUL_RR)
        return true;
    return (op->opcode >= T0_SETEQ_RR && op->opcode < T0_BSWAP_R) ||
           (op->opcode >= T0_SEXT8_R && op->opcode < T0_BREQ_RR) || op->opcode == T0_MOV ||
           op->opcode == T0_MOVI || op->opcode == T0_PC;
}
_Static_assert(T0_MULHSS_RR == T0_MUL_RR + 4 && T0_CLMUL_RR == T0_MAXU_RR + 4 &&
                   T0_CLZ_R == T0_SETLTU_RR + 4 && T0_BSWAP_R == T0_POPCNT_R + 2 &&
                   T0_BREQ_RR == T0_ZEXT32_R + 2,
               "what keeps_rdx() names stands in rows");

/* Who is alone shares nothing; who finds another's address in rdx needs a place in memory. */
static void settle(struct t1 *t)
{
    struct t1_shares *shares = &t->shares;
    unsigned held = 0, places = 0;

    for (unsigned g = 1; g < shares->groups; g++)
        shares->of[g].place = T1_NO_PLACE;
    for (unsigned i = 0; i < t->tb->ops; i++) {
        struct t1_group *group = &shares->of[shares->group[i]];

        if (shares->group[i] != 0 && group->accesses < 2)
            shares->group[i] = 0;
        if (shares->group[i] == 0) {
            held = keeps_rdx(&t->tb->op[i]) ? held : 0;
            continue;
        }
        if (group->begun && held != shares->group[i] && group->place == T1_NO_PLACE)
            group->place = (uint8_t)places++;
        group->begun = true;
        held = shares->group[i];
    }
    for (unsigned i = 0; i < t->tb->ops && places > HART_SHARED; i++)
        if (shares->of[shares->group[i]].place != T1_NO_PLACE &&
            shares->of[shares->group[i]].place >= HART_SHARED)
            shares->group[i] = 0;
    for (unsigned g = 1; g < shares->groups; g++)
        shares->of[g].begun = false;
}

void t1_plan_shares(struct t1 *t, uint32_t alone)
{
    struct t1_shares *shares = &t->shares;
    struct values values = { .next_root = 0 };

    shares->groups = 1;
    shares->held = 0;
    shares->of[0] = (struct t1_group){ 0 };
    memset(shares->group, 0, t->tb->ops * sizeof(shares->group[0]));
    if (!t->tuning->share || !t->tuning->loads)
        return;
    forget_values(&values);
    for (unsigned i = 0; i < t->tb->ops; i++) {
        const struct t0_op *op = &t->tb->op[i];

        if ((t1_is_load(op) || t1_is_store(op)) && op->a != T0_SLOT_ZERO && op->a < T1_PINNABLE &&
            !(alone >> op->a & 1) && is_near(op->imm)) {
            const struct value *base = &values.of[op->a];
            int32_t at = base->delta + (int32_t)op->imm;

            shares->at[i] = at;
            shares->group[i] = (uint8_t)join(shares, base->root, at,
                                             at + (int32_t)t1_access_size(op), t1_is_store(op));
        }
        follow_value(&values, op);
    }
    settle(t);
}

/* ---- in line ---- */

static void transfer(struct t1 *t, const struct t0_op *op, struct x86_mem mem)
{
    if (t1_is_load(op))
        t1_load_value(t, op, mem);
    else
        t1_store_value(t, op, mem, RAX);
}

static struct x86_mem place(const struct t1_group *group)
{
    return t1_field(HART_DISP(run.shared) + 8 * group->place);
}

static void lead(struct t1 *t, const struct t0_op *op, struct t1_group *group, int32_t at)
{
    struct t1_cold *cold;

    t1_gva(t, op->a, op->imm + group->low - at);
    cold = t1_cold(
        t, COLD_LEADER,
        t1_probe(t, (unsigned)(group->high - group->low), group->writes ? TLB_WRITE : TLB_READ));
    cold->place = group->place;
    x86_alu_rr(&t->a, ALU_ADD, 8, RDX, RCX);
    if (group->place != T1_NO_PLACE)
        x86_store(&t->a, 8, place(group), RDX);
    transfer(t, op, x86_at(RDX, at - group->low));
    t1_return_here(t, cold);
    group->begun = true;
}

static void follow(struct t1 *t, const struct t0_op *op, const struct t1_group *group, int32_t at,
                   bool held)
{
    struct t1_cold *cold;

    assert(held || group->place != T1_NO_PLACE);
    if (!held)
        x86_load(&t->a, 8, false, RDX, place(group));
    x86_test_rr(&t->a, 8, RDX, RDX);
    cold = t1_cold(t, COLD_FOLLOWER, x86_jcc(&t->a, CC_E));
    transfer(t, op, x86_at(RDX, at - group->low));
    t1_return_here(t, cold);
}

bool t1_emit_shared(struct t1 *t, const struct t0_op *op)
{
    struct t1_shares *shares = &t->shares;
    unsigned index = (unsigned)(op - t->tb->op), g = shares->group[index], held = shares->held;
    struct t1_group *group = &shares->of[g];

    if (g == 0) {
        if (!keeps_rdx(op))
            shares->held = 0;
        return false;
    }
    shares->held = g;
    if (group->begun)
        follow(t, op, group, shares->at[index], held == g);
    else
        lead(t, op, group, shares->at[index]);
    return true;
}

/* ---- cold ---- */

/* The access with its own probe; afterwards rdx is 0. */
void t1_emit_shared_cold(struct t1 *t, const struct t1_cold *cold)
{
    const struct t0_op *op = cold->op;
    uint8_t *miss, *done;

    if (cold->kind == COLD_LEADER && cold->place != T1_NO_PLACE)
        x86_store_imm(&t->a, 8, t1_field(HART_DISP(run.shared) + 8 * cold->place), 0);
    t1_gva(t, op->a, op->imm);
    miss = t1_probe(t, t1_access_size(op), t1_is_load(op) ? TLB_READ : TLB_WRITE);
    t1_xmm_forget_all(t); /* where values are now is not where they are in line */
    t->xmm_busy = 0;
    transfer(t, op, x86_indexed(RCX, RDX, 1, 0));
    done = x86_jmp(&t->a);
    x86_patch(miss, t->a.at);
    t1_count(t, (int32_t)cold->pending);
    if (t1_is_load(op))
        t1_slow_load(t, cold);
    else
        t1_slow_store(t, cold);
    t1_count(t, -(int32_t)cold->pending);
    x86_patch(done, t->a.at);
    t1_xmm_restore(t, cold);
    x86_alu_rr(&t->a, ALU_XOR, 4, RDX, RDX);
    x86_patch(x86_jmp(&t->a), cold->back);
}

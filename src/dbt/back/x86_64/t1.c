/*
 * dbt/back/x86_64/t1.c - T1's driver: blocks in, code out; and where operands live.
 */
#include "dbt/back/x86_64/t1.h"
#include "dbt/back/x86_64/t2.h"

#include <assert.h>
#include <cpuid.h>
#include <errno.h>
#include <immintrin.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu.h>

enum { STUB_BYTES = 4096 };

/* ---- operands ---- */

enum x86_reg t1_pin(const struct t1 *t, uint16_t slot)
{
    unsigned reg = slot - T0_SLOT_X;

    return reg < T1_PINNABLE ? t->pin[reg] : X86_NONE;
}

void t1_set_pins(struct t1 *t, const struct t1_pins *pins)
{
    memset(t->pin, X86_NONE, sizeof(t->pin));
    memset(t->float_pin, X86_NONE, sizeof(t->float_pin));
    t->float_pins = 0;
    for (unsigned i = 0; i < pins->count; i++)
        if (pins->slot[i] < T1_PINNABLE)
            t->pin[pins->slot[i]] = pins->reg[i];
    for (unsigned i = 0; i < pins->floats; i++) {
        t->float_pin[pins->f[i].slot - T0_SLOT_F] = pins->f[i].xmm;
        t->float_pins |= 1u << pins->f[i].xmm;
    }
}

enum x86_reg t1_use(struct t1 *t, uint16_t slot, enum x86_reg scratch)
{
    enum x86_reg pin = t1_pin(t, slot);

    if (pin != X86_NONE)
        return pin;
    t1_use_in(t, slot, scratch);
    return scratch;
}

/* Leaves flags alone but for the constant 0, which every caller takes before it makes flags. */
void t1_use_in(struct t1 *t, uint16_t slot, enum x86_reg reg)
{
    enum x86_xmm xmm = t1_xmm_pin(t, slot);
    enum x86_reg pin = t1_pin(t, slot);

    if (pin == reg)
        return;
    if (pin != X86_NONE)
        x86_mov_rr(&t->a, 8, reg, pin);
    else if (xmm != T1_XMM_NONE)
        x86_movd_rx(&t->a, 8, reg, xmm);
    else if (slot == T0_SLOT_ZERO)
        x86_mov_ri(&t->a, reg, 0, true);
    else
        x86_load(&t->a, 8, false, reg, t1_slot(slot));
}

enum x86_reg t1_dst(const struct t1 *t, uint16_t slot, enum x86_reg scratch)
{
    enum x86_reg pin = t1_pin(t, slot);

    return pin != X86_NONE ? pin : scratch;
}

void t1_define(struct t1 *t, uint16_t slot, enum x86_reg reg)
{
    enum x86_xmm xmm = t1_xmm_pin(t, slot);
    enum x86_reg pin = t1_pin(t, slot);

    t1_xmm_forget(t, slot);
    if (xmm != T1_XMM_NONE)
        x86_movd_xr(&t->a, 8, xmm, reg);
    else if (pin == X86_NONE)
        x86_store(&t->a, 8, t1_slot(slot), reg);
    else if (pin != reg)
        x86_mov_rr(&t->a, 8, pin, reg);
}

uint32_t t1_info(const struct t1 *t)
{
    return (t->block_offset + t->tb->insn[t->insn].offset) | (uint32_t)(t->tb->insns - t->insn)
                                                                 << INFO_REMAINING_SHIFT;
}

struct t1_cold *t1_cold(struct t1 *t, int kind, uint8_t *from)
{
    struct t1_cold *cold = &t->cold[t->colds++];

    assert(t->colds <= T1_MAX_COLD);
    *cold =
        (struct t1_cold){ .from = from, .op = t->op, .info = t1_info(t), .pending = t->pending };
    cold->kind = kind;
    return cold;
}

/* For stubs `step` and `last`. */
static void name_op(struct t1 *t, const struct t0_op *op, uint32_t info)
{
    t1_block_address(t, RDX, op);
    x86_mov_ri(&t->a, RAX, info | t->block_offset << INFO_BLOCK_SHIFT, true);
}

/* The op at hand is interpreted. */
void t1_step(struct t1 *t)
{
    t1_count(t, (int32_t)t->pending);
    t->pending = 0;
    name_op(t, t->op, t1_info(t));
    t1_to_stub(t, x86_call(&t->a), &t->stubs->step);
    t1_xmm_forget_all(t);
}

void t1_last(struct t1 *t, const struct t0_op *op, uint32_t info)
{
    name_op(t, op, info);
    t1_to_stub(t, x86_jmp(&t->a), &t->stubs->last);
}

/* ---- a block ---- */

bool t1_emit_computing(struct t1 *t, const struct t0_op *op)
{
    return (t->tuning->fp && t1_emit_float(t, op)) || t1_emit_int(t, op) ||
           (t->tuning->atomics && t1_emit_atomic(t, op));
}

static void emit_op(struct t1 *t, const struct t0_op *op)
{
    t->op = op;
    t->xmm_busy = 0;
    if (!t1_emit_shared(t, op) && !t1_emit_computing(t, op) && !t1_emit_memory(t, op) &&
        !t1_emit_leave(t, op))
        t1_step(t);
}

void t1_emit_block(struct t1 *t, struct back *back, struct tb *tb, struct t1_fixes *fixes)
{
    t1_set_pins(t, &t1_pins);
    t->stubs = &back->stubs;
    t->tuning = &back->config.tuning;
    t->tb = tb;
    t->block_offset = (unsigned)(tb->gpa & PAGE_OFFSET_MASK);
    t->insn = 0;
    t->pending = 0;
    t->counts = false;
    t->colds = 0;
    t->xmm_next = 15;
    t->fixes = fixes;
    t1_xmm_forget_all(t);
    t1_count(t, tb->insns);
    t1_plan_shares(t, 0);
    for (unsigned i = 0; i < tb->ops; i++) {
        while (t->insn + 1 < tb->insns && tb->insn[t->insn + 1].first_op <= i)
            t->insn++;
        emit_op(t, &tb->op[i]);
    }
    t1_emit_cold(t);
}

void t1_made(struct back *back, const struct tb *tb, bool region, const uint8_t *written,
             size_t bytes)
{
    const void *code = code_exec(&back->memory, written);
    char name[64];

    if (back->perf_map != NULL || back->jitdump != NULL) {
        snprintf(name, sizeof(name), "guest %s %#" PRIx64, region ? "region" : "block", tb->gpa);
        perf_map_add(back->perf_map, code, bytes, name);
        perf_map_add(back->jitdump, code, bytes, name);
    }
    if (back->config.made != NULL)
        back->config.made(back->config.opaque, tb, region, code, bytes);
}

/* Compiles tb to `start`; the lock is held. Returns the bytes. */
static size_t compile_at(struct back *back, struct t1 *t, struct tb *tb, uint8_t *start)
{
    x86_init(&t->a, start, start + T1_MAX_BLOCK_CODE);
    t1_emit_block(t, back, tb, NULL);
    assert(!t->a.overflow);
    code_room_take(&back->room, t->a.at);
    code_memory_written(&back->memory, start);
    back->stats.blocks++;
    back->stats.block_bytes += (size_t)(t->a.at - start);
    atomic_fetch_or(&tb->code_in, code_room_bit(&back->room, start));
    atomic_store_explicit(&tb->code, code_exec(&back->memory, start), memory_order_release);
    return (size_t)(t->a.at - start);
}

static bool t1_compile(struct back *back, struct tb *tb)
{
    struct t1 *t = malloc(sizeof(*t));
    uint8_t *start = NULL;
    bool fits = true;
    size_t bytes = 0;

    if (t == NULL)
        return false;
    pthread_mutex_lock(&back->lock);
    if (atomic_load(&tb->code) == NULL) { /* or another hart was faster */
        start = code_room_find(&back->room, T1_MAX_BLOCK_CODE);
        fits = start != NULL;
        if (fits)
            bytes = compile_at(back, t, tb, start);
    }
    pthread_mutex_unlock(&back->lock);
    if (start != NULL)
        t1_made(back, tb, false, start, bytes);
    free(t);
    return fits;
}

/* ---- running ---- */

static void t1_enter(struct back *back, struct hart *hart, struct tb *tb, struct tb **ret_from,
                     unsigned *ret_link)
{
    typedef uint64_t enter_fn(struct hart * hart, const void *code);
    enter_fn *enter = (enter_fn *)(uintptr_t)code_exec(&back->memory, back->stubs.enter);
    uint64_t which;

    hart->run.page = hart->s.pc & PAGE_ADDR_MASK;
    t1_before_entry(hart);
    which = enter(hart, atomic_load_explicit(&tb->code, memory_order_acquire));
    *ret_from = (struct tb *)(uintptr_t)(which & ~UINT64_C(3));
    *ret_link = (unsigned)(which & 3);
}

static void t1_link(struct back *back, struct tb *from, unsigned link, struct tb *to)
{
    const uint8_t *code = atomic_load_explicit(&to->code, memory_order_acquire);
    int32_t displacement;
    uint8_t *site;

    /* The sites are there once the code is; who compiles `from` now will be asked again. */
    if (!back->config.tuning.links || code == NULL ||
        atomic_load_explicit(&from->code, memory_order_acquire) == NULL)
        return;
    site = from->link_site[link];
    if (site == NULL)
        return;
    displacement = (int32_t)(code - code_exec(&back->memory, site) - 4);
    __atomic_store_n((int32_t *)(void *)site, displacement, __ATOMIC_RELEASE);
}

static const void *t1_leave(struct back *back)
{
    return code_exec(&back->memory, back->stubs.leave);
}

/* ---- room ---- */

struct reclaim {
    struct rcu_head rcu;
    struct back *back;
    uint32_t segment;
};

static void reclaim(struct rcu_head *rcu)
{
    struct reclaim *r = container_of(rcu, struct reclaim, rcu);

    code_room_free(&r->back->room, r->segment);
    free(r);
}

static uint32_t t1_give_up(struct back *back)
{
    uint32_t segment;

    pthread_mutex_lock(&back->lock);
    segment = code_room_advance(&back->room, T1_MAX_BLOCK_CODE);
    back->stats.given_up += segment != 0;
    pthread_mutex_unlock(&back->lock);
    return segment;
}

static void t1_given_up(struct back *back, uint32_t segment)
{
    struct reclaim *r = malloc(sizeof(*r));

    if (r == NULL)
        return; /* the segment is lost: blocks are interpreted when its turn comes */
    r->back = back;
    r->segment = segment;
    call_rcu(&r->rcu, reclaim);
}

static void t1_stats(struct back *back, struct back_stats *ret_stats)
{
    pthread_mutex_lock(&back->lock);
    *ret_stats = back->stats;
    ret_stats->used = code_room_used(&back->room);
    pthread_mutex_unlock(&back->lock);
    ret_stats->size = back->memory.size;
}

/* ---- life ---- */

static int t1_available(struct error *err)
{
    unsigned a, b = 0, c = 0, d, ext = 0;
    bool good;

    /* What x86-64-v3 has of: FMA and MOVBE (leaf 1 ecx), BMI1, AVX2, BMI2 (7 ebx), LZCNT. */
    good = __get_cpuid(1, &a, &b, &c, &d) && (c >> 12 & 1);
    good = good && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 3 & 1) && (b >> 8 & 1);
    good = good && __get_cpuid(0x80000001, &a, &b, &ext, &d) && (ext >> 5 & 1);
    if (!good)
        return error_set(err, ENOTSUP,
                         "the compiler needs a processor with BMI2, LZCNT and FMA (x86-64-v3)");
    return 0;
}

static uint64_t t1_features(void)
{
    unsigned a, b = 0, c = 0, d = 0, more = 0;

    (void)__get_cpuid_count(7, 0, &a, &more, &c, &d);
    (void)__get_cpuid(1, &a, &b, &c, &d);
    return (uint64_t)more << 32 ^ c ^ (uint64_t)d << 16;
}

/* That a file lacks something is no reason to end otherwise. */
static void close_perf(struct back *back)
{
    (void)!perf_map_close(back->perf_map, NULL);
    (void)!perf_map_close(back->jitdump, NULL);
}

static int open_perf(struct back *back, struct error *err)
{
    int rc = 0;

    if (back->config.tuning.perf_map)
        rc = perf_map_open(&back->perf_map, PERF_MAP_SYMBOLS, err);
    if (rc == 0 && back->config.tuning.jitdump)
        rc = perf_map_open(&back->jitdump, PERF_MAP_JITDUMP, err);
    return rc;
}

static int t1_create(struct back **ret_back, const struct back_config *config, struct error *err)
{
    struct back *back = calloc(1, sizeof(*back));
    struct x86_asm a;
    int rc;

    if (back == NULL)
        return error_set(err, ENOMEM, "no memory for the compiler");
    back->config = *config;
    rc = open_perf(back, err);
    if (rc == 0)
        rc = config->tuning.perf_map
                 ? code_memory_new_anonymous(&back->memory, config->code_bytes, err)
                 : code_memory_new(&back->memory, config->code_bytes, err);
    if (rc < 0) {
        close_perf(back);
        free(back);
        return rc;
    }
    x86_init(&a, back->memory.write, back->memory.write + STUB_BYTES);
    t1_make_stubs(&a, &back->stubs);
    assert(!a.overflow);
    back->scratch = back->memory.write + STUB_BYTES;
    code_room_init(&back->room, back->scratch + T1_MAX_BLOCK_CODE,
                   config->code_bytes - STUB_BYTES - T1_MAX_BLOCK_CODE);
    pthread_mutex_init(&back->lock, NULL);
    *ret_back = back;
    return 0;
}

static void t1_destroy(struct back *back)
{
    if (back == NULL)
        return;
    rcu_barrier(); /* reclaim() has run for every segment that was given up */
    close_perf(back);
    pthread_mutex_destroy(&back->lock);
    code_memory_free(&back->memory);
    free(back);
}

static const struct back_ops t1_ops = {
    .name = "x86_64",
    .available = t1_available,
    .create = t1_create,
    .destroy = t1_destroy,
    .features = t1_features,
    .compile = t1_compile,
    .save = t1_image_save,
    .load = t1_image_load,
    .compile_region = t2_compile,
    .enter = t1_enter,
    .link = t1_link,
    .leave = t1_leave,
    .give_up = t1_give_up,
    .given_up = t1_given_up,
    .stats = t1_stats,
};

const struct back_ops *const back_host = &t1_ops;

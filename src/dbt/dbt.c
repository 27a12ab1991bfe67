/*
 * dbt/dbt.c - the dispatcher: finds or makes the block at a pc, and serves what the attention
 * word asks for between blocks.
 *
 * A pc becomes a block in three steps, each the fallback of the one before: the hart's jump cache
 * (virtual pc; a guess), the translation cache (physical address; lock-free), the translator.
 * A guess stays right while the hart's translations stay as they are: each address space has a
 * number (tlb_code()) that a flush that concerns code changes, and every request to forget changes
 * all; number and mode are in the guess.
 */
#include "dbt/dbt.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "dbt/cache/cache.h"
#include "dbt/dbt_hart.h"
#include "dbt/front/riscv/front.h"
#include "dbt/keep.h"
#include "dbt/regions.h"
#include "isa/riscv/bits.h"
#include "isa/riscv/insn.h"

enum { MAX_HARTS = 64, COOKIE_MODE_BITS = 16 };

struct dbt {
    struct dbt_config config; /* but for `tuning` */
    struct dbt_tuning tuning;
    struct cache *cache;
    struct back *back;                /* NULL: interpret only */
    struct lockstep *lockstep;        /* NULL: not asked for */
    struct regions *regions;          /* NULL: none are made */
    struct store *store;              /* NULL: nothing is kept */
    struct dbt_hart *hart[MAX_HARTS]; /* written before any hart runs */
};

/* ---- asking the harts (cache_ops) ---- */

static void ask_all(struct dbt *dbt, uint32_t request)
{
    for (unsigned i = 0; i < dbt->config.harts; i++)
        if (dbt->hart[i] != NULL)
            hart_request(dbt->hart[i]->hart, request);
}

static void revoke_writes(void *owner)
{
    ask_all(owner, HART_REQ_TLB_FLUSH_WRITES);
}

static void forget(void *owner)
{
    ask_all(owner, HART_REQ_FORGET);
}

static void linked(void *owner, struct tb *from, unsigned link, struct tb *to)
{
    struct dbt *dbt = owner;

    if (dbt->back != NULL)
        back_host->link(dbt->back, from, link, to);
}

static const struct cache_ops dbt_cache_ops = {
    .revoke_writes = revoke_writes,
    .forget = forget,
    .linked = linked,
};

/* ---- modes ---- */

static uint32_t cbo_mode(const struct riscv_state *s)
{
    uint64_t permitted = s->priv == PRIV_M ? ~UINT64_C(0) : s->menvcfg;
    uint32_t mode = 0;

    if (s->priv == PRIV_U)
        permitted &= s->senvcfg;
    if (permitted & ENVCFG_CBCFE)
        mode |= FRONT_CBO_CLEAN;
    if (permitted & ENVCFG_CBIE)
        mode |= FRONT_CBO_INVAL;
    if (permitted & ENVCFG_CBZE)
        mode |= FRONT_CBO_ZERO;
    return mode;
}

/* Processes like the same addresses: each space's guesses begin elsewhere, or two that take turns
 * would take each other's. */
static void set_cookie(struct dbt_hart *dh)
{
    struct hart *hart = dh->hart;
    bool user = hart->fetch_bank == TLB_BANK_U;

    hart->run.cookie = tlb_code(&hart->tlb, hart->fetch_bank) << COOKIE_MODE_BITS | dh->mode;
    hart->run.jump_cache = &dh->jump_cache[user ? (hart->tlb.current + 1) * JUMP_CACHE_STAGGER : 0];
}

void dbt_mode_changed(struct dbt_hart *dh)
{
    const struct hart *hart = dh->hart;
    const struct riscv_state *s = &hart->s;
    uint64_t fs = s->mstatus & MSTATUS_FS;
    uint32_t mode = s->priv | cbo_mode(s);

    if (fs == 0)
        mode |= FRONT_FS_OFF;
    if (fs == MSTATUS_FS_DIRTY)
        mode |= FRONT_FS_DIRTY;
    if (s->frm > 4)
        mode |= FRONT_FRM_BAD;
    if (s->frm == 0)
        mode |= FRONT_FRM_NEAREST;
    if (hart->builtin_sbi)
        mode |= FRONT_BUILTIN_SBI;
    dh->mode = mode;
    set_cookie(dh);
}

/* ---- translation ---- */

/* Where a block's bytes come from, resolved. */
struct origin {
    gpa_t gpa, gpa2;          /* gpa2: UINT64_MAX when the first instruction does not straddle */
    const uint8_t *page;      /* host address of gpa's page; NULL: see raw */
    const uint8_t *next_page; /* of gpa2's */
    uint16_t first;           /* an instruction at the page's end: its first half */
    uint32_t raw;             /* page NULL: the instruction, from memory nothing is remembered of */
};

/* The block is made from a private copy, so that what is hashed is what was decoded. */
enum { MAX_BLOCK_BYTES = IR_MAX_INSNS * 4, LAST_PARCEL = PAGE_SIZE_BYTES - 2 };
struct block_bytes {
    _Alignas(4) uint8_t first[MAX_BLOCK_BYTES];
    _Alignas(4) uint8_t second[2];
    unsigned size;
};

/* The guest may be writing there: atomic loads, as wide as may be, so that no store of an aligned
 * instruction is seen in halves. */
static void copy_code(uint8_t *to, const uint8_t *from, unsigned size)
{
    unsigned i = 0;

    while (i < size) {
        if (((uintptr_t)(from + i) & 3) == 0 && i + 4 <= size) {
            uint32_t word =
                __atomic_load_n((const uint32_t *)(const void *)(from + i), __ATOMIC_RELAXED);

            memcpy(to + i, &word, 4);
            i += 4;
        } else {
            uint16_t half =
                __atomic_load_n((const uint16_t *)(const void *)(from + i), __ATOMIC_RELAXED);

            memcpy(to + i, &half, 2);
            i += 2;
        }
    }
}

static void copy_bytes(const struct origin *from, struct block_bytes *to)
{
    unsigned offset = (unsigned)(from->gpa & PAGE_OFFSET_MASK);

    if (from->page == NULL) {
        to->size = insn_length((uint16_t)from->raw);
        memcpy(to->first, &from->raw, to->size);
        return;
    }
    to->size = PAGE_SIZE_BYTES - offset;
    if (to->size > MAX_BLOCK_BYTES)
        to->size = MAX_BLOCK_BYTES;
    if (offset == LAST_PARCEL) /* its length has been judged by this value, not by a newer one */
        memcpy(to->first, &from->first, sizeof(from->first));
    else
        copy_code(to->first, from->page + offset, to->size);
    if (from->gpa2 != UINT64_MAX)
        copy_code(to->second, from->next_page, sizeof(to->second));
}

/* What a block needs beside its code. */
static void complete(const struct origin *from, const uint8_t *bytes, struct tb *tb)
{
    tb->gpa = from->gpa;
    tb->gpa2 = from->gpa2;
    tb->content = tb_hash(bytes, tb->length, 0);
}

/* The store for a block from there; NULL: such are not kept. Straddling ones are few. */
static struct store *store_for(const struct dbt_hart *dh, const struct origin *from)
{
    return from->page == NULL || from->gpa2 != UINT64_MAX ? NULL : dh->dbt->store;
}

/* NULL: nothing that has been kept begins so. */
static struct tb *take_kept(struct dbt_hart *dh, const struct origin *from,
                            const struct block_bytes *bytes)
{
    struct store *store = store_for(dh, from);
    unsigned offset = (unsigned)(from->gpa & PAGE_OFFSET_MASK);
    struct tb *tb;

    if (store == NULL)
        return NULL;
    tb = keep_take(store, offset, dh->mode, bytes->first, bytes->size);
    if (tb != NULL) {
        complete(from, bytes->first, tb);
        keep_load(dh->dbt->back, tb, dh->hot_runs);
    }
    return tb;
}

/* NULL: the host has no memory for one more block. */
static struct tb *translate(struct dbt_hart *dh, const struct origin *from)
{
    struct block_bytes bytes;
    struct front_source source = {
        .bytes = bytes.first,
        .next_page = from->gpa2 == UINT64_MAX ? NULL : bytes.second,
        .mode = dh->mode,
        .isa = dh->hart->isa,
        .max_insns = from->page == NULL ? 1 : dh->dbt->config.max_insns,
    };
    struct tb *tb;
    bool whole;

    copy_bytes(from, &bytes);
    tb = take_kept(dh, from, &bytes);
    if (tb != NULL)
        return tb;
    source.size = bytes.size;
    whole = front_translate(&source, &dh->ir);
    assert(whole); /* resolve() has found the second half if there is one */
    (void)whole;
    t0_lower(&dh->ir, &dh->code);
    tb = tb_new(dh->code.op, dh->code.ops, dh->code.insn, dh->code.insns);
    if (tb == NULL)
        return NULL;
    tb->mode = dh->mode;
    tb->length = (uint16_t)(dh->ir.length < bytes.size ? dh->ir.length : bytes.size);
    complete(from, bytes.first, tb);
    if (store_for(dh, from) != NULL)
        keep_add(dh->dbt->store, tb, bytes.first, bytes.size);
    dbt_dump_block(&dh->dbt->config.dump, dh->hart->isa, tb, &dh->ir, bytes.first,
                   source.next_page);
    return tb;
}

/* The instruction at pc lies, with a part at least, in a page that is not all plain memory that
 * may be executed: the PMP divides it, or a device has a share of it. */
static bool resolve_alone(struct dbt_hart *dh, gva_t pc, struct origin *ret)
{
    ret->page = NULL;
    ret->gpa2 = UINT64_MAX;
    return hart_fetch_insn(dh->hart, pc, &ret->raw);
}

/* Resolves where the instruction at pc lies. False: an exception is recorded. */
static bool resolve(struct dbt_hart *dh, gva_t pc, struct origin *ret)
{
    gpa_t gpa2;

    if (!hart_fetch_page(dh->hart, pc, &ret->gpa, &ret->page))
        return false;
    ret->gpa2 = UINT64_MAX;
    ret->next_page = NULL;
    if (ret->page == NULL)
        return resolve_alone(dh, pc, ret);
    if ((pc & PAGE_OFFSET_MASK) != LAST_PARCEL)
        return true;
    ret->first = __atomic_load_n((const uint16_t *)(const void *)(ret->page + LAST_PARCEL),
                                 __ATOMIC_RELAXED);
    if (insn_length(le16_to_host(ret->first)) == 2)
        return true;
    if (!hart_fetch_page(dh->hart, pc + 2, &gpa2, &ret->next_page))
        return false; /* tval is the second half's address, as Sstvala wants */
    if (ret->next_page == NULL)
        return resolve_alone(dh, pc, ret);
    ret->gpa2 = gpa2;
    return true;
}

/* Does the flat view still say that gpa's page is there? */
static bool still_at(const struct dbt *dbt, gpa_t gpa, const uint8_t *page)
{
    const struct mem_range *range = mem_find(dbt->config.space, gpa);

    gpa &= PAGE_ADDR_MASK;
    return range != NULL && range->ram != NULL && range->start <= gpa &&
           range->ram->hva + range->ram_offset + (gpa - range->start) == page;
}

/* This hart may not have served MAP_CHANGED yet, another may have, and have flushed the cache for
 * it: what this one's soft TLB still says must not get in there any more. */
static bool is_current(const struct dbt *dbt, const struct origin *from)
{
    return still_at(dbt, from->gpa, from->page) &&
           (from->gpa2 == UINT64_MAX || still_at(dbt, from->gpa2, from->next_page));
}

static struct tb *make(struct dbt_hart *dh, const struct origin *from)
{
    struct cache *cache = dh->dbt->cache;
    struct cache_ticket ticket;
    struct tb *tb;

    /* A page another hart keeps writing to can spoil a translation now and then, not for ever:
     * after some tries the block runs once, uncached. RISC-V has no rule against stale code. */
    for (unsigned tries = 0; from->page != NULL && tries < 8; tries++) {
        cache_begin(cache, from->gpa, from->gpa2, &ticket);
        if (!is_current(dh->dbt, from))
            break;
        tb = translate(dh, from);
        if (tb == NULL)
            break;
        tb = cache_insert(cache, tb, &ticket);
        if (tb != NULL)
            return tb;
    }
    tb_free(dh->uncached);
    dh->uncached = translate(dh, from);
    return dh->uncached;
}

/* What a jump cache's entry holds for compiled code to jump to. */
static const void *code_or_leave(const struct dbt_hart *dh, const struct tb *tb)
{
    const void *code = atomic_load_explicit(&tb->code, memory_order_acquire);

    if (code == NULL && dh->back != NULL)
        return dh->back->leave(dh->dbt->back);
    return code;
}

/* A guess of another address space, or from before a flush. Where a process runs what others run,
 * as after a fork, it is still right for its physical address, and takes fewer cache misses than
 * cache_find(). Not if its block may have been freed. */
static struct tb *remembered(struct dbt_hart *dh, const struct jump_cache_entry *entry, gva_t pc,
                             const struct origin *from)
{
    struct tb *tb = entry->tb;

    if (entry->pc != pc || entry->cookie >> COOKIE_MODE_BITS < dh->guesses_from ||
        tb->gpa != from->gpa || tb->gpa2 != from->gpa2 || tb->mode != dh->mode)
        return NULL;
    dh->stats.remembered++;
    return tb;
}

struct tb *dbt_block_at(struct dbt_hart *dh, gva_t pc)
{
    struct jump_cache_entry *entry = dbt_guess_at(dh, pc);
    struct tb *tb = NULL;
    struct origin from;

    dh->stats.lookups++;
    if (!resolve(dh, pc, &from))
        return NULL;
    if (from.page != NULL)
        tb = remembered(dh, entry, pc, &from);
    if (from.page != NULL && tb == NULL)
        tb = cache_find(dh->dbt->cache, from.gpa, from.gpa2, dh->mode);
    if (tb == NULL)
        tb = make(dh, &from);
    if (tb == NULL) { /* no memory on the host: the hart may come back when there is */
        (void)hart_raise(dh->hart, CAUSE_FETCH_ACCESS, pc);
        return NULL;
    }
    if (tb != dh->uncached)
        *entry = (struct jump_cache_entry){ pc, dh->hart->run.cookie, tb, code_or_leave(dh, tb) };
    return tb;
}

/* A link is followed by whoever comes to `from`, under whatever mapping. So the target must lie
 * in the virtual page `from` was entered by: that this page's neighbour is the same memory is
 * true of one mapping only. */
struct tb *dbt_block_after(struct dbt_hart *dh, struct tb *from, gva_t from_pc, unsigned link,
                           gva_t pc)
{
    struct tb *tb = dbt_block_guess(dh, pc);

    if (tb != NULL && tb != dh->uncached && from != dh->uncached &&
        ((from_pc ^ pc) & PAGE_ADDR_MASK) == 0)
        cache_link(dh->dbt->cache, from, link, tb);
    return tb;
}

/* ---- the dispatcher ---- */

/* Pointers to blocks that are being freed must not be followed once the read side has been left.
 * Links need no such care: they go with the blocks they are in. */
static void forget_guesses(struct dbt_hart *dh)
{
    dh->guesses_from = dh->hart->tlb.last_id + 1;
    tlb_new_code(&dh->hart->tlb);
    set_cookie(dh);
}

static void serve_requests(struct dbt_hart *dh)
{
    struct cache *cache = dh->dbt->cache;
    uint64_t sequence = cache_revoke_sequence(cache);
    uint32_t served = hart_serve_requests(dh->hart);

    if (served & HART_REQ_TLB_FLUSH_WRITES)
        cache_revoked(cache, dh->index, sequence);
    if (served & HART_REQ_MAP_CHANGED)
        cache_flush(cache);
    if (served & (HART_REQ_FORGET | HART_REQ_MAP_CHANGED))
        forget_guesses(dh);
}

/* Guesses stay: a block that is dropped makes cache_ops.forget, which is served before the next
 * block. */
void dbt_fence_i(struct dbt_hart *dh)
{
    cache_fence_i(dh->dbt->cache);
}

/* Code memory is full: what is oldest goes. No code is put there from give_up() on, so none is
 * missed, and nobody finds a way in once its blocks are dropped. */
static void make_room(struct dbt *dbt)
{
    uint32_t part = back_host->give_up(dbt->back);

    if (part == 0)
        return;
    cache_drop_code(dbt->cache, part);
    back_host->given_up(dbt->back, part);
}

/* Has tb compiled code, or can it have some now? */
static bool compiled(struct dbt_hart *dh, struct tb *tb)
{
    if (dh->back == NULL || tb == dh->uncached)
        return false;
    if (atomic_load_explicit(&tb->code, memory_order_acquire) != NULL)
        return true;
    if (!tb_heat(tb, dh->hot_runs))
        return false;
    keep_hot(tb);
    if (dh->back->compile(dh->dbt->back, tb))
        return true;
    make_room(dh->dbt);
    return false;
}

/* Compiled code has jumped back often, and was seen when it was about to jump from `from` to
 * `head`: most likely the hottest loop there is. If no region comes of it, another try is worth it
 * when more of the loop has been compiled, but not soon; and when nothing new is seen, looking so
 * often is not. */
static void see_loop(struct dbt_hart *dh, struct tb *from, struct tb *head)
{
    enum { PATIENCE = 64, SELDOM = 64 };
    int32_t often = (int32_t)dh->dbt->tuning.t2_after;
    uint32_t patience = atomic_load_explicit(&from->patience, memory_order_relaxed);

    if (patience != 0 || head == dh->uncached || atomic_load(&head->is_region)) {
        if (dh->look_after / SELDOM < often)
            dh->look_after *= 2;
        patience -= patience != 0;
    } else if (regions_want(dh->dbt->regions, head)) {
        dh->look_after = often;
        patience = PATIENCE;
    }
    atomic_store_explicit(&from->patience, patience, memory_order_relaxed);
    dh->hart->run.turns = dh->look_after;
}

static void count_leaving(struct dbt_hart *dh, const struct tb *from)
{
    dh->stats.entered++;
    if (atomic_load_explicit(&dh->hart->attention, memory_order_relaxed) != 0)
        dh->stats.left_heard++;
    else if (from != NULL)
        dh->stats.left_unlinked++;
    else
        dh->stats.left_lost++;
}

/* A programmable counter counts, and may overflow: a loop that never leaves would never be counted,
 * so blocks run one by one. Slow, and seldom: the built-in firmware offers no such counter. */
static void run_counted(struct dbt_hart *dh, struct tb *tb)
{
    dh->one_block = true;
    t0_run(dh, tb, dh->hart->s.pc);
    dh->one_block = false;
    dbt_count(dh);
}

/* Runs tb, which is at s.pc, and what follows it: compiled blocks as far as they lead, then the
 * interpreter. */
static void run_blocks(struct dbt_hart *dh, struct tb *tb)
{
    struct hart *hart = dh->hart;
    struct tb *from;
    unsigned link;

    if (unlikely(hart->hpm_counting != 0)) {
        run_counted(dh, tb);
        return;
    }
    while (compiled(dh, tb)) {
        dbt_guess_at(dh, hart->s.pc)->code = code_or_leave(dh, tb);
        if (unlikely(dh->lockstep != NULL))
            lockstep_enter(dh, tb, &from, &link);
        else
            dh->back->enter(dh->dbt->back, hart, tb, &from, &link);
        count_leaving(dh, from);
        if (from == NULL || atomic_load_explicit(&hart->attention, memory_order_relaxed) != 0)
            return;
        tb = dbt_block_after(dh, from, hart->run.page | (from->gpa & PAGE_OFFSET_MASK), link,
                             hart->s.pc);
        if (tb == NULL) {
            dbt_take_exception(dh);
            return;
        }
        if (unlikely(hart->run.turns < 0))
            see_loop(dh, from, tb);
    }
    dh->stats.interpreted++;
    t0_run(dh, tb, hart->s.pc);
}

void dbt_run(struct dbt_hart *dh)
{
    struct hart *hart = dh->hart;
    struct tb *tb;
    uint32_t attention;

    /* Served first and then run: blocks found before the read side began may be gone.
     * Sequentially consistent, as hart.in_guest asks. */
    for (;;) {
        if (unlikely(dh->lockstep != NULL) && !lockstep_turn(dh))
            break;
        attention = atomic_load(&hart->attention);
        if (attention & HART_ATTN_REQUEST)
            serve_requests(dh);
        if ((attention & HART_ATTN_IRQ) && !(attention & (HART_ATTN_WFI | HART_ATTN_STOPPED))) {
            dbt_count(dh); /* in the mode it ran in */
            dh->stats.interrupts += hart_take_interrupt(hart);
        }
        if (attention != 0)
            break;
        dbt_mode_changed(dh);
        tb = dbt_block_guess(dh, hart->s.pc);
        if (tb == NULL)
            dbt_take_exception(dh);
        else
            run_blocks(dh, tb);
    }
    dbt_count(dh);
    if (unlikely(dh->lockstep != NULL))
        lockstep_leave(dh);
}

/* ---- life ---- */

static void made(void *opaque, const struct tb *tb, bool region, const void *code, size_t bytes)
{
    struct dbt *dbt = opaque;

    dbt_dump_host(&dbt->config.dump, tb, region, code, bytes);
}

static int make_back(struct dbt *dbt, struct error *err)
{
    struct back_config config = {
        .code_bytes = dbt->config.code_bytes,
        .tuning = dbt->tuning,
        .made = made,
        .opaque = dbt,
    };

    return back_host->create(&dbt->back, &config, err);
}

int dbt_new(struct dbt **ret_dbt, const struct dbt_config *config, struct error *err)
{
    struct dbt *dbt;
    int rc;

    assert(config->harts >= 1 && config->harts <= MAX_HARTS);
    dbt = calloc(1, sizeof(*dbt));
    if (dbt == NULL)
        return error_set(err, ENOMEM, "no memory for the translator");
    dbt->config = *config;
    dbt->tuning = config->tuning == NULL ? dbt_tuning_default() : *config->tuning;
    if (dbt->config.max_insns == 0)
        dbt->config.max_insns = IR_MAX_INSNS;
    rc = cache_new(&dbt->cache, config->space, config->harts, config->cache_bytes, &dbt_cache_ops,
                   dbt, err);
    if (rc == 0 && config->code_bytes != 0)
        rc = make_back(dbt, err);
    if (rc == 0 && dbt->back != NULL && dbt->tuning.lockstep)
        rc = lockstep_new(&dbt->lockstep, config, err);
    if (rc == 0 && dbt->back != NULL && dbt->tuning.t2)
        rc = regions_new(&dbt->regions, dbt->cache, dbt->back, &dbt->config.dump, err);
    if (rc == 0)
        rc = keep_open(&dbt->store, &dbt->config, &dbt->tuning, err);
    if (rc < 0) {
        dbt_free(dbt);
        return rc;
    }
    *ret_dbt = dbt;
    return 0;
}

void dbt_free(struct dbt *dbt)
{
    if (dbt == NULL)
        return;
    regions_free(dbt->regions);
    cache_free(dbt->cache);
    keep_save(dbt->store, dbt->back);
    store_free(dbt->store);
    if (dbt->back != NULL)
        back_host->destroy(dbt->back);
    lockstep_free(dbt->lockstep);
    free(dbt);
}

int dbt_hart_new(struct dbt_hart **ret_dh, struct dbt *dbt, struct hart *hart, unsigned index,
                 struct error *err)
{
    struct dbt_hart *dh = calloc(1, sizeof(*dh));
    int rc;

    assert(index < dbt->config.harts);
    if (dh == NULL)
        return error_set(err, ENOMEM, "no memory for hart %u's translator", index);
    dh->hart = hart;
    dh->dbt = dbt;
    dh->index = index;
    dh->back = dbt->back == NULL ? NULL : back_host;
    dh->compiler = dbt->back;
    dh->hot_runs = dbt->tuning.t1_after;
    dh->look_after = (int32_t)dbt->tuning.t2_after;
    dh->guesses_from = 1; /* there are none yet */
    hart->run.turns = dh->look_after;
    hart->run.engine = dh;
    hart->run.jump_cache = dh->jump_cache;
    if (dbt->lockstep != NULL && (rc = lockstep_hart_new(dbt->lockstep, dh, err)) < 0) {
        free(dh);
        return rc;
    }
    dbt->hart[index] = dh;
    *ret_dh = dh;
    return 0;
}

void dbt_hart_free(struct dbt_hart *dh)
{
    if (dh == NULL)
        return;
    dh->dbt->hart[dh->index] = NULL;
    lockstep_hart_free(dh);
    dbt_free_uncached(dh);
    free(dh);
}

void dbt_free_uncached(struct dbt_hart *dh)
{
    tb_free(dh->uncached);
}

void dbt_hart_get_stats(const struct dbt_hart *dh, struct dbt_stats *ret_stats)
{
    *ret_stats = dh->stats;
}

void dbt_get_cache_stats(struct dbt *dbt, struct cache_stats *ret_stats)
{
    cache_get_stats(dbt->cache, ret_stats);
}

bool dbt_get_store_stats(struct dbt *dbt, struct store_stats *ret_stats)
{
    if (dbt->store == NULL)
        return false;
    store_get_stats(dbt->store, ret_stats);
    return true;
}

void dbt_lockstep_stats(struct dbt *dbt, struct strbuf *out)
{
    if (dbt->lockstep != NULL)
        lockstep_stats(dbt->lockstep, out);
}

void dbt_get_regions_stats(struct dbt *dbt, struct regions_stats *ret_stats)
{
    *ret_stats = (struct regions_stats){ 0 };
    if (dbt->regions != NULL)
        regions_get_stats(dbt->regions, ret_stats);
}

void dbt_wait_for_store(struct dbt *dbt)
{
    if (dbt->store != NULL)
        store_wait(dbt->store);
}

void dbt_wait_for_regions(struct dbt *dbt)
{
    if (dbt->regions != NULL)
        regions_drain(dbt->regions);
}

bool dbt_get_back_stats(struct dbt *dbt, struct back_stats *ret_stats)
{
    if (dbt->back == NULL)
        return false;
    back_host->stats(dbt->back, ret_stats);
    return true;
}

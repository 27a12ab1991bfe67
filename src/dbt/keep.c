/*
 * dbt/keep.c - blocks from, and for, the store: where translator, compiler and store meet.
 *
 * A block is kept when it is translated, as T0 code; that it was compiled is only noted. Its host
 * code is made once more when the store is saved, in a form that can be kept (back_ops.save): so a
 * run that fills a store is hardly slower than one without, and what the guest has long overwritten
 * by then (a kernel's start-up code) is kept too.
 */
#include "dbt/keep.h"

#include "base/log.h"
#include "base/types.h"
#include "dbt/front/riscv/front.h"

enum { KEEP_BYTES = 128 << 20 };

static void add_number(struct store_identity *identity, uint64_t number)
{
    store_identity_add(identity, &number, sizeof(number));
}

/* Field by field: what lies between them may be anything. */
static void identify(struct store_identity *identity, const struct dbt_config *config,
                     const struct dbt_tuning *tuning)
{
    store_identity_init(identity);
    add_number(identity, back_host->features());
    add_number(identity, config->isa->ext);
    add_number(identity, config->isa->mmu);
    add_number(identity, config->isa->pmp_entries);
    add_number(identity, config->max_insns);
#define FLAG(field, word, otherwise, help) add_number(identity, tuning->field);
#define NUMBER(field, word, otherwise, first, last, help) add_number(identity, tuning->field);
#include "dbt/tuning.def"
#undef FLAG
#undef NUMBER
}

int keep_open(struct store **ret_store, const struct dbt_config *config,
              const struct dbt_tuning *tuning, struct error *err)
{
    struct store_identity identity;

    *ret_store = NULL;
    if (config->keep_dir == NULL || config->code_bytes == 0 || tuning->lockstep ||
        config->dump.stages != 0)
        return 0;
    identify(&identity, config, tuning);
    return store_open(ret_store, config->keep_dir, &identity, KEEP_BYTES, err);
}

static struct tb *make(const struct kept_view *view)
{
    struct tb *tb = tb_new(view->op, view->ops, view->insn, view->insns);

    if (tb == NULL)
        return NULL;
    tb->mode = view->mode;
    tb->length = (uint16_t)view->length;
    return tb;
}

struct tb *keep_take(struct store *store, unsigned offset, uint32_t mode, const uint8_t *bytes,
                     size_t size)
{
    struct kept *kept = store_find(store, offset, mode, bytes, size);
    struct kept_view view;
    struct tb *tb;

    if (kept == NULL)
        return NULL;
    kept_view(kept, &view);
    tb = make(&view);
    if (tb != NULL)
        tb->kept = kept;
    return tb;
}

void keep_load(struct back *back, struct tb *tb, uint32_t hot_runs)
{
    struct kept_view view;

    kept_view(tb->kept, &view);
    if (view.image_bytes != 0 && !back_host->load(back, tb, view.image, view.image_bytes))
        atomic_store_explicit(&tb->runs, hot_runs, memory_order_relaxed);
}

void keep_add(struct store *store, struct tb *tb, const uint8_t *bytes, size_t size)
{
    struct kept_view view = {
        .op = tb->op,
        .insn = tb->insn,
        .bytes = bytes,
        .ops = tb->ops,
        .insns = tb->insns,
        .length = tb->length,
        .mode = tb->mode,
        .offset = (uint16_t)(tb->gpa & PAGE_OFFSET_MASK),
    };

    tb->kept = store_add(store, &view, size);
}

static size_t make_image(void *opaque, const struct kept_view *view, uint8_t *buffer, size_t size)
{
    struct tb *tb = make(view);
    size_t bytes = 0;

    if (tb != NULL) {
        tb->gpa = view->offset;
        tb->gpa2 = UINT64_MAX;
        bytes = back_host->save(opaque, tb, buffer, size);
    }
    tb_free(tb);
    return bytes;
}

void keep_save(struct store *store, struct back *back)
{
    struct error err;

    if (store != NULL && store_save(store, make_image, back, &err) < 0)
        log_debug("%s", err.text);
}

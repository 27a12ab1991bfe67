/*
 * dbt/back/x86_64/t1_image.c - host code of a block in a form that another process can use.
 *
 * A block's code reads the same wherever its guest page is mapped, so what has to be mended in a
 * copy is little: where its struct tb is, and how far away the stubs are. All code that holds such
 * a thing is made by the three functions below, which note it in a list of *fixes* when they are
 * asked to. An image is
 *
 *     struct image    lengths, and where the jumps of links are
 *     fixes           4 bytes each
 *     code            FIX_BLOCK fields hold the offset in struct tb, the others nothing
 *
 * Saving compiles the block again, into room of its own: code that has run has links in it, or has
 * become a region, and whoever only runs code pays nothing for what may be kept of it.
 *
 * Loading trusts that the code is ours (the file's checksum and owner say so, dbt/store/), but no
 * number: each length, each offset and what each field holds is checked, in a copy nobody else has.
 */
#include "dbt/back/x86_64/t1.h"

#include <stdlib.h>
#include <string.h>

struct image {
    uint32_t code_bytes;
    uint16_t fixes, unused;
    uint16_t link_site[T0_MAX_LINKS]; /* offsets in the code; NO_SITE: that exit has no jump */
};
enum { NO_SITE = 0xffff, STUBS = sizeof(struct t1_stubs) / sizeof(uint8_t *) };
_Static_assert(T1_MAX_BLOCK_CODE <= NO_SITE + 1, "offsets have 16 bits");

/* ---- noting ---- */

static void note(struct t1 *t, const uint8_t *field, enum t1_fix_kind kind, unsigned stub)
{
    struct t1_fixes *fixes = t->fixes;

    if (fixes == NULL)
        return;
    if (fixes->count < T1_MAX_FIXES)
        fixes->fix[fixes->count] =
            (struct t1_fix){ (uint16_t)(field - t->a.start), (uint8_t)kind, (uint8_t)stub };
    fixes->count++;
}

void t1_block_address(struct t1 *t, enum x86_reg reg, const void *inside)
{
    note(t, x86_mov_address(&t->a, reg, inside), FIX_BLOCK, 0);
}

void t1_to_stub(struct t1 *t, uint8_t *field, uint8_t *const *stub)
{
    x86_patch(field, *stub);
    note(t, field, FIX_STUB, (unsigned)(stub - (uint8_t *const *)(const void *)t->stubs));
}

void t1_flags_table(struct t1 *t, enum x86_reg reg)
{
    note(t, x86_mov_address(&t->a, reg, t1_flags_of), FIX_FLAGS, 0);
}

/* ---- saving ---- */

/* What a fix's field is set to when the code is loaded is not kept. */
static void clear_field(uint8_t *code, const struct t1_fix *fix, const struct tb *tb)
{
    uint64_t value;

    if (fix->kind == FIX_STUB) {
        memset(code + fix->at, 0, 4);
        return;
    }
    memcpy(&value, code + fix->at, sizeof(value));
    value = fix->kind == FIX_BLOCK ? value - (uint64_t)(uintptr_t)tb : 0;
    memcpy(code + fix->at, &value, sizeof(value));
}

static size_t write_image(const struct t1 *t, uint8_t *buffer, size_t size)
{
    struct image image = { .code_bytes = (uint32_t)(t->a.at - t->a.start),
                           .fixes = (uint16_t)t->fixes->count };
    size_t fix_bytes = t->fixes->count * sizeof(struct t1_fix);
    size_t bytes = sizeof(image) + fix_bytes + image.code_bytes;
    uint8_t *code = buffer + sizeof(image) + fix_bytes;

    if (bytes > size)
        return 0;
    for (unsigned i = 0; i < T0_MAX_LINKS; i++)
        image.link_site[i] =
            t->tb->link_site[i] == NULL ? NO_SITE : (uint16_t)(t->tb->link_site[i] - t->a.start);
    memcpy(buffer, &image, sizeof(image));
    memcpy(buffer + sizeof(image), t->fixes->fix, fix_bytes);
    memcpy(code, t->a.start, image.code_bytes);
    for (unsigned i = 0; i < t->fixes->count; i++)
        clear_field(code, &t->fixes->fix[i], t->tb);
    return bytes;
}

size_t t1_image_save(struct back *back, struct tb *tb, uint8_t *buffer, size_t size)
{
    struct work {
        struct t1 t;
        struct t1_fixes fixes;
    } *work = malloc(sizeof(*work));
    size_t bytes = 0;

    if (work == NULL)
        return 0;
    work->fixes.count = 0;
    pthread_mutex_lock(&back->lock);
    x86_init(&work->t.a, back->scratch, back->scratch + T1_MAX_BLOCK_CODE);
    t1_emit_block(&work->t, back, tb, &work->fixes);
    if (!work->t.a.overflow && work->fixes.count <= T1_MAX_FIXES)
        bytes = write_image(&work->t, buffer, size);
    pthread_mutex_unlock(&back->lock);
    free(work);
    return bytes;
}

/* ---- loading ---- */

/* An address in tb that code may hold: one of its ops, or itself and an exit's number. */
static bool is_in_block(const struct tb *tb, uint64_t offset)
{
    size_t op = offset - offsetof(struct tb, op);

    if (offset < T0_MAX_LINKS)
        return true;
    return offset >= offsetof(struct tb, op) && op % sizeof(struct t0_op) == 0 &&
           op / sizeof(struct t0_op) < tb->ops;
}

static bool apply(const struct back *back, const struct tb *tb, uint8_t *code, size_t bytes,
                  const struct t1_fix *fix)
{
    unsigned width = fix->kind == FIX_STUB ? 4 : 8;
    uint64_t value;

    if (fix->kind > FIX_FLAGS || bytes < width || fix->at > bytes - width)
        return false;
    if (fix->kind == FIX_STUB) {
        if (fix->stub >= STUBS)
            return false;
        x86_patch(code + fix->at, ((uint8_t *const *)(const void *)&back->stubs)[fix->stub]);
        return true;
    }
    memcpy(&value, code + fix->at, sizeof(value));
    if (fix->kind == FIX_BLOCK && !is_in_block(tb, value))
        return false;
    value =
        fix->kind == FIX_BLOCK ? value + (uint64_t)(uintptr_t)tb : (uint64_t)(uintptr_t)t1_flags_of;
    memcpy(code + fix->at, &value, sizeof(value));
    return true;
}

/* Sites are patched while others run the code: aligned. */
static bool take_sites(struct tb *tb, uint8_t *code, const struct image *image)
{
    for (unsigned i = 0; i < T0_MAX_LINKS; i++) {
        uint16_t site = image->link_site[i];

        if (site == NO_SITE)
            continue;
        if (image->code_bytes < 4 || site > image->code_bytes - 4 || site % 4 != 0)
            return false;
        tb->link_site[i] = code + site;
    }
    return true;
}

/* Fills `code`, of which nobody knows yet. fixes: image->fixes of them, not aligned. */
static bool place(const struct back *back, struct tb *tb, uint8_t *code, const struct image *image,
                  const uint8_t *fixes)
{
    struct t1_fix fix;

    memcpy(code, fixes + image->fixes * sizeof(fix), image->code_bytes);
    for (unsigned i = 0; i < image->fixes; i++) {
        memcpy(&fix, fixes + i * sizeof(fix), sizeof(fix));
        if (!apply(back, tb, code, image->code_bytes, &fix))
            return false;
    }
    return take_sites(tb, code, image);
}

bool t1_image_load(struct back *back, struct tb *tb, const uint8_t *buffer, size_t size)
{
    struct image image;
    uint8_t *start;

    if (size < sizeof(image))
        return false;
    memcpy(&image, buffer, sizeof(image));
    if (image.code_bytes == 0 || image.code_bytes > T1_MAX_BLOCK_CODE ||
        size != sizeof(image) + image.fixes * sizeof(struct t1_fix) + image.code_bytes)
        return false;
    pthread_mutex_lock(&back->lock);
    start = code_room_find(&back->room, T1_MAX_BLOCK_CODE);
    if (start != NULL && !place(back, tb, start, &image, buffer + sizeof(image)))
        start = NULL;
    if (start != NULL) {
        code_room_take(&back->room, start + image.code_bytes);
        code_memory_written(&back->memory, start);
        atomic_fetch_or(&tb->code_in, code_room_bit(&back->room, start));
        back->stats.loaded++;
        back->stats.loaded_bytes += image.code_bytes;
        atomic_store_explicit(&tb->code, code_exec(&back->memory, start), memory_order_release);
    }
    pthread_mutex_unlock(&back->lock);
    if (start == NULL) {
        memset(tb->link_site, 0, sizeof(tb->link_site));
        return false;
    }
    t1_made(back, tb, false, start, image.code_bytes);
    return true;
}

/*
 * dbt/store/store.c - kept blocks in memory: a hash table of records.
 *
 * Records are either in the file as it was read or in chunks that grow as blocks are added; in both
 * they have the file's form, so saving is copying. A record never changes, and none is taken out.
 *
 * A block is looked for before its length is known: the hash is of the offset, the mode and the
 * first few bytes that are there, be they the block's or behind it. If what is behind a very short
 * block changes, the block is not found, and kept once more.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbt/store/internal.h"

enum { CHUNK_BYTES = 1 << 20, HASHED_BYTES = 12, IMAGE_MAX = 128 << 10 };

struct chunk {
    struct chunk *next;
    size_t used, kept;
    struct kept kept_of[CHUNK_BYTES / 256];
    _Alignas(8) uint8_t bytes[CHUNK_BYTES];
};

static uint32_t block_hash(unsigned offset, uint32_t mode, const uint8_t *bytes, size_t size)
{
    uint64_t hash = (uint64_t)mode << 32 | offset, word[2] = { 0 };

    memcpy(word, bytes, size < HASHED_BYTES ? size : HASHED_BYTES);
    hash = (hash ^ word[0]) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 29 ^ word[1]) * UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(hash >> 32);
}

static struct kept *_Atomic *bucket_of(struct store *store, uint32_t hash)
{
    return &store->bucket[hash % STORE_BUCKETS];
}

static void publish_locked(struct store *store, struct kept *kept)
{
    struct kept *_Atomic *bucket = bucket_of(store, kept->record->hash);

    kept->hash = kept->record->hash;
    atomic_store_explicit(&kept->next, atomic_load_explicit(bucket, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(bucket, kept, memory_order_release);
}

/* ---- records ---- */

size_t record_bytes(const struct record *record)
{
    size_t bytes = sizeof(*record) + record->ops * sizeof(struct t0_op) +
                   record->insns * sizeof(struct t0_insn) + record->length + record->image_bytes;

    return (bytes + 7) & ~(size_t)7;
}

static const uint8_t *guest_bytes(const struct record *record)
{
    return (const uint8_t *)(record + 1) + record->ops * sizeof(struct t0_op) +
           record->insns * sizeof(struct t0_insn);
}

void kept_view(const struct kept *kept, struct kept_view *ret_view)
{
    const struct record *r = kept->record;
    const struct t0_op *op = (const struct t0_op *)(const void *)(r + 1);
    const uint8_t *bytes = guest_bytes(r);

    *ret_view = (struct kept_view){
        .op = op,
        .insn = (const struct t0_insn *)(const void *)(op + r->ops),
        .bytes = bytes,
        .image = bytes + r->length,
        .ops = r->ops,
        .insns = r->insns,
        .length = r->length,
        .mode = r->mode,
        .offset = r->offset,
        .image_bytes = r->image_bytes,
    };
}

/* Writes a record of `block` to `to`, where record_bytes() are free. */
static void write_record(struct record *to, const struct record *header,
                         const struct kept_view *block)
{
    uint8_t *at = (uint8_t *)(to + 1);

    memset((uint8_t *)to + header->bytes - 8, 0, 8); /* what fills up at the end */
    *to = *header;
    memcpy(at, block->op, block->ops * sizeof(*block->op));
    at += block->ops * sizeof(*block->op);
    memcpy(at, block->insn, block->insns * sizeof(*block->insn));
    at += block->insns * sizeof(*block->insn);
    memcpy(at, block->bytes, block->length);
    if (block->image_bytes != 0)
        memcpy(at + block->length, block->image, block->image_bytes);
}

/* ---- finding and adding ---- */

struct kept *store_find(struct store *store, unsigned offset, uint32_t mode, const uint8_t *bytes,
                        size_t size)
{
    uint32_t hash = block_hash(offset, mode, bytes, size);
    struct kept *kept = atomic_load_explicit(bucket_of(store, hash), memory_order_acquire);

    for (; kept != NULL; kept = atomic_load_explicit(&kept->next, memory_order_acquire)) {
        const struct record *r = kept->record;

        if (kept->hash == hash && r->offset == offset && r->mode == mode && r->length <= size &&
            memcmp(guest_bytes(r), bytes, r->length) == 0)
            break;
    }
    if (kept != NULL) {
        atomic_fetch_add_explicit(&store->found, 1, memory_order_relaxed);
        if (!atomic_load_explicit(&kept->used, memory_order_relaxed))
            atomic_store_explicit(&kept->used, true, memory_order_relaxed);
    }
    return kept;
}

static struct chunk *room_locked(struct store *store, size_t bytes)
{
    struct chunk *chunk = store->chunk;

    if (store->added_bytes + bytes > store->max_bytes / 2) /* room for their images */
        return NULL;
    if (chunk != NULL && chunk->used + bytes <= CHUNK_BYTES &&
        chunk->kept < ARRAY_LEN(chunk->kept_of))
        return chunk;
    chunk = malloc(sizeof(*chunk));
    if (chunk == NULL)
        return NULL;
    chunk->next = store->chunk;
    chunk->used = chunk->kept = 0;
    store->chunk = chunk;
    return chunk;
}

struct kept *store_add(struct store *store, const struct kept_view *block, size_t size)
{
    struct record header = {
        .hash = block_hash(block->offset, block->mode, block->bytes, size),
        .mode = block->mode,
        .image_bytes = (uint32_t)block->image_bytes,
        .offset = block->offset,
        .length = (uint16_t)block->length,
        .ops = (uint16_t)block->ops,
        .insns = (uint16_t)block->insns,
    };
    struct kept *kept = NULL;
    struct chunk *chunk;

    if (!atomic_load_explicit(&store->ready, memory_order_acquire))
        return NULL; /* the file may have it */
    header.bytes = (uint32_t)record_bytes(&header);
    pthread_mutex_lock(&store->lock);
    chunk = room_locked(store, header.bytes);
    if (chunk != NULL) {
        struct record *record = (struct record *)(void *)(chunk->bytes + chunk->used);

        write_record(record, &header, block);
        kept = &chunk->kept_of[chunk->kept++];
        kept->record = record;
        atomic_store(&kept->used, true);
        atomic_store(&kept->hot, false);
        chunk->used += header.bytes;
        store->added_bytes += header.bytes;
        store->added++;
        publish_locked(store, kept);
    }
    pthread_mutex_unlock(&store->lock);
    return kept;
}

void store_hot(struct kept *kept)
{
    atomic_store_explicit(&kept->hot, true, memory_order_relaxed);
}

/* ---- saving ---- */

bool store_each(struct store *store, bool (*each)(void *opaque, struct kept *kept), void *opaque)
{
    for (size_t i = 0; i < store->read_records; i++)
        if (!each(opaque, &store->read_kept[i]))
            return false;
    for (struct chunk *chunk = store->chunk; chunk != NULL; chunk = chunk->next)
        for (size_t i = 0; i < chunk->kept; i++)
            if (!each(opaque, &chunk->kept_of[i]))
                return false;
    return true;
}

/* A file in the making. */
struct writing {
    struct store *store;
    store_image_fn *make_image;
    void *opaque;
    uint8_t *file, *image;
    size_t bytes, size, records;
    bool used; /* of blocks: those of this run, or the others */
};

static bool wants_image(const struct kept *kept)
{
    return kept->record->image_bytes == 0 && atomic_load(&kept->hot);
}

/* What saving would change. */
static bool count_news(void *opaque, struct kept *kept)
{
    size_t *news = opaque;

    *news += wants_image(kept);
    return true;
}

static bool write_kept(void *opaque, struct kept *kept)
{
    struct writing *w = opaque;
    struct record header = *kept->record;
    struct kept_view view;

    if (atomic_load(&kept->used) != w->used)
        return true;
    kept_view(kept, &view);
    if (wants_image(kept)) {
        view.image = w->image;
        view.image_bytes = w->make_image(w->opaque, &view, w->image, IMAGE_MAX);
        header.image_bytes = (uint32_t)view.image_bytes;
        header.bytes = (uint32_t)record_bytes(&header);
    }
    if (w->bytes + header.bytes > w->size)
        return false;
    write_record((struct record *)(void *)(w->file + w->bytes), &header, &view);
    w->bytes += header.bytes;
    w->records++;
    return true;
}

/* Blocks of this run first: when there is no room for all, the others go. */
static void fill(struct writing *w)
{
    struct store_header header = { .identity = w->store->identity };

    w->bytes = sizeof(header);
    w->used = true;
    if (store_each(w->store, write_kept, w)) {
        w->used = false;
        (void)store_each(w->store, write_kept, w);
    }
    memcpy(header.magic, STORE_MAGIC, sizeof(header.magic));
    header.bytes = w->bytes;
    header.records = w->records;
    memcpy(w->file, &header, sizeof(header));
    header.checksum = file_checksum(w->file, w->bytes);
    memcpy(w->file, &header, sizeof(header));
}

int store_save(struct store *store, store_image_fn *make_image, void *opaque, struct error *err)
{
    struct writing w = { .store = store, .make_image = make_image, .opaque = opaque };
    size_t news = 0;
    int rc;

    store_wait(store);
    (void)store_each(store, count_news, &news);
    news += store->added;
    if (news == 0 || news < store->read_records / 64)
        return 0;
    w.size = store->max_bytes;
    w.file = malloc(w.size); /* as much as is written is touched */
    w.image = malloc(IMAGE_MAX);
    if (w.file == NULL || w.image == NULL) {
        rc = error_set(err, ENOMEM, "no memory to save translated blocks");
    } else {
        fill(&w);
        rc = file_write(store, w.file, w.bytes, err);
    }
    free(w.image);
    free(w.file);
    return rc;
}

/* ---- life ---- */

bool store_index(struct store *store, uint8_t *file, const struct store_header *header)
{
    const uint8_t *at = file + sizeof(*header);

    store->read_kept = calloc(header->records + 1, sizeof(*store->read_kept));
    if (store->read_kept == NULL)
        return false;
    for (size_t i = 0; i < header->records; i++) {
        struct kept *kept = &store->read_kept[i];

        kept->record = (const struct record *)(const void *)at;
        at += kept->record->bytes;
        pthread_mutex_lock(&store->lock); /* not for long: others look for blocks meanwhile */
        publish_locked(store, kept);
        pthread_mutex_unlock(&store->lock);
    }
    pthread_mutex_lock(&store->lock);
    store->read = file;
    store->read_records = header->records;
    store->stats.read = header->records;
    store->stats.bytes = header->bytes;
    pthread_mutex_unlock(&store->lock);
    return true;
}

static void *read_file(void *arg)
{
    struct store *store = arg;

    file_read(store);
    atomic_store_explicit(&store->ready, true, memory_order_release);
    return NULL;
}

/* Beside what else a machine does when it begins: it takes a twentieth of a second. */
static void begin_reading(struct store *store)
{
    sigset_t all, old;

    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    store->has_reader = pthread_create(&store->reader, NULL, read_file, store) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!store->has_reader)
        (void)read_file(store);
}

void store_wait(struct store *store)
{
    if (store->has_reader)
        pthread_join(store->reader, NULL);
    store->has_reader = false;
}

int store_open(struct store **ret_store, const char *dir, const struct store_identity *identity,
               size_t max_bytes, struct error *err)
{
    struct store *store = calloc(1, sizeof(*store));
    int rc;

    if (store == NULL)
        return error_set(err, ENOMEM, "no memory for kept blocks");
    store->identity = *identity;
    store->max_bytes = max_bytes;
    rc = file_open_dir(&store->dir_fd, dir, err);
    if (rc < 0) {
        free(store);
        return rc;
    }
    pthread_mutex_init(&store->lock, NULL);
    begin_reading(store);
    *ret_store = store;
    return 0;
}

void store_free(struct store *store)
{
    struct chunk *next;

    if (store == NULL)
        return;
    store_wait(store);
    for (struct chunk *chunk = store->chunk; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(store->read_kept);
    free(store->read);
    close(store->dir_fd);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

void store_get_stats(struct store *store, struct store_stats *ret_stats)
{
    pthread_mutex_lock(&store->lock);
    *ret_stats = store->stats;
    ret_stats->added = store->added;
    pthread_mutex_unlock(&store->lock);
    ret_stats->found = atomic_load(&store->found);
}

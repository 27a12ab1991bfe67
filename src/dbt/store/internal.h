/* dbt/store/internal.h - what store.c and file.c share. Private to this folder.
 *
 * The file, in the host's byte order (the identity is of this program on this kind of host):
 *
 *     struct store_header      64 bytes
 *     records                  each a multiple of 8 bytes
 *
 * A record, which is also the form in memory:
 *
 *     struct record            32 bytes
 *     struct t0_op[ops]        16 bytes each
 *     struct t0_insn[insns]    4 bytes each
 *     guest bytes[length]
 *     image[image_bytes], zeroes up to a multiple of 8
 */
#ifndef DBT_STORE_INTERNAL_H
#define DBT_STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "dbt/store/store.h"

/* With a new number whenever the format changes. */
#define STORE_MAGIC "VireoJ1\n"
struct store_header {
    char magic[8];
    struct store_identity identity;
    uint64_t bytes; /* of the file */
    uint64_t records;
    uint64_t checksum; /* file_checksum(): of everything else */
    uint64_t unused[2];
};
_Static_assert(sizeof(struct store_header) == 64, "as the format says");

struct record {
    uint32_t bytes; /* of all of it */
    uint32_t hash;  /* block_hash(): where to look for it; a wrong one is never found */
    uint32_t mode;
    uint32_t image_bytes;
    uint16_t offset, length, ops, insns;
    uint64_t unused;
};
_Static_assert(sizeof(struct record) == 32, "as the format says");

enum { STORE_BUCKETS = 1 << 16 };

struct kept {
    struct kept *_Atomic next; /* in its bucket */
    const struct record *record;
    uint32_t hash;          /* the record's; at hand, as most looks end here */
    _Atomic bool used, hot; /* in this run */
};

struct store {
    int dir_fd;
    struct store_identity identity;
    size_t max_bytes;
    struct kept *_Atomic bucket[STORE_BUCKETS];
    /* The file, by `reader`; for others when it has been waited for, but for what can be found. */
    pthread_t reader;
    bool has_reader;
    _Atomic bool ready; /* nothing more is being read */
    uint8_t *read;
    struct kept *read_kept;
    size_t read_records;
    _Atomic uint64_t found;
    /* `lock` guards what follows; a leaf. */
    pthread_mutex_t lock;
    struct chunk *chunk; /* what has been added; the newest first */
    size_t added_bytes;
    uint64_t added;
    struct store_stats stats; /* but for found and added */
};

/* store.c */
size_t record_bytes(const struct record *record); /* what its parts add up to */
/* Makes the records of a file findable: a file's contents that file_check() has found good. False:
 * the host has no memory. */
bool store_index(struct store *store, uint8_t *file, const struct store_header *header);
/* In the order they are to be written: calls for each block, until one says false. */
bool store_each(struct store *store, bool (*each)(void *opaque, struct kept *kept), void *opaque);

/* file.c */
uint64_t file_checksum(const uint8_t *file, size_t size); /* size: at least the header's */
/* Is this a whole, unharmed file of this identity? Everything in it that is used as a length or an
 * index is then within bounds. */
bool file_check(const uint8_t *file, size_t size, const struct store_identity *identity);
/* Reads the store's file, if there is one that is good. */
void file_read(struct store *store);
int file_open_dir(int *ret_fd, const char *dir, struct error *err) NODISCARD;
/* Replaces the file by these bytes. */
int file_write(struct store *store, const void *data, size_t size, struct error *err) NODISCARD;

#endif

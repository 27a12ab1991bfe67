/* dbt/store/store.h - translated blocks kept from one run to the next: `--jit-cache DIR`.
 *
 * A block is found by what it was made from: its guest bytes, their offset in the page, the mode.
 * All bytes are compared. Where the guest has its page, and what else is in that page, does not
 * matter: so a process's code is found again in other memory, and a kernel that edits itself loses
 * only what it edits.
 *
 * What a block depends on beside its bytes is in the store's *identity*: this build of the program,
 * the host's processor, how the compiler is tuned, which RISC-V it is. One file an identity, so
 * nothing stale is ever looked at. The file is read whole when the store is opened and written
 * anew, to be renamed into place, when it is saved: file.c.
 *
 * Finding is lock-free; adding takes a lock, a leaf. Nothing is taken out while the store lives.
 */
#ifndef DBT_STORE_STORE_H
#define DBT_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dbt/interp/t0.h"

struct store;
struct kept; /* a block in the store */

struct store_identity {
    uint64_t word[2];
};

/* What identities are made of: begins with this program's own code and constants, which are what
 * code generation depends on, whatever the build; then what is added. */
void store_identity_init(struct store_identity *identity);
void store_identity_add(struct store_identity *identity, const void *data, size_t size);

/* Opens the folder, which is made if need be, and begins to read what it has under this identity,
 * on a thread of its own. A folder that cannot be made, or that others can write to, is an error
 * with a sentence. A file that is not as store_save() writes it counts as absent. max_bytes bounds
 * memory and file. */
int store_open(struct store **ret_store, const char *dir, const struct store_identity *identity,
               size_t max_bytes, struct error *err) NODISCARD;
/* Until all is read. One thread may; no other needs to. */
void store_wait(struct store *store);
void store_free(struct store *store); /* does not save; NULL is fine */

/* bytes: what lies at `offset` of a page, `size` of them readable. NULL: no block begins so. */
struct kept *store_find(struct store *store, unsigned offset, uint32_t mode, const uint8_t *bytes,
                        size_t size);

/* A block as it is kept. Pointers lead into the store. */
struct kept_view {
    const struct t0_op *op;
    const struct t0_insn *insn;
    const uint8_t *bytes, *image; /* guest code; host code as back_ops.save writes it */
    unsigned ops, insns, length;
    uint32_t mode;
    uint16_t offset;
    size_t image_bytes; /* 0: it was not hot */
};
void kept_view(const struct kept *kept, struct kept_view *ret_view);

/* Adds what has been translated from bytes[0..length); `size` as in store_find(). NULL: no room, or
 * the file, which may have it, is still being read. */
struct kept *store_add(struct store *store, const struct kept_view *block, size_t size);
/* It was run often enough to be compiled: its host code is to be kept too. */
void store_hot(struct kept *kept);

/* Writes the file, if that is worth it. make_image is called for hot blocks without an image:
 * returns its bytes, at most `size`, or 0. No other thread uses the store. */
typedef size_t store_image_fn(void *opaque, const struct kept_view *block, uint8_t *buffer,
                              size_t size);
int store_save(struct store *store, store_image_fn *make_image, void *opaque,
               struct error *err) NODISCARD;

struct store_stats {
    uint64_t read;           /* blocks the file had */
    uint64_t found, added;   /* since the start */
    uint64_t bytes, ignored; /* of the file as read; 1: there was a file, and it was no good */
};
void store_get_stats(struct store *store, struct store_stats *ret_stats);

#endif

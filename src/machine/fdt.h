/* machine/fdt.h - flattened device trees: composing one, checking and changing a given one.
 *
 * Composing is sequential (begin, properties, children, end), so nodes stand in the tree in the
 * order they were written, which is the order Linux probes them in. Failures stick: the calls
 * return nothing, and dt_builder_finish() reports the first thing that went wrong.
 *
 *     dt_begin(dt, "serial@%" PRIx64, base);
 *     dt_string(dt, "compatible", "ns16550a");
 *     dt_reg(dt, base, 0x100);
 *     dt_u32(dt, "interrupts", 10);
 *     dt_end(dt);
 *
 * The names begin with dt_ because libfdt owns fdt_. Whoever includes this beside libfdt: this
 * folder must not be on the include path itself (implicit_include_directories: false), or
 * libfdt's own <fdt.h> is hidden.
 */
#ifndef MACHINE_FDT_H
#define MACHINE_FDT_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

struct load_file;

/* A complete tree, in memory of its own. */
struct dt_blob {
    void *data;
    size_t size; /* bytes, what the header says too */
};
void dt_blob_fini(struct dt_blob *blob); /* an empty one is fine */

struct dt_builder;

/* The root node is begun. -ENOMEM. */
int dt_builder_new(struct dt_builder **ret_dt, struct error *err) NODISCARD;
/* Ends the root node. The builder is gone afterwards, whatever the result. */
int dt_builder_finish(struct dt_builder *dt, struct dt_blob *ret_blob, struct error *err) NODISCARD;
void dt_builder_free(struct dt_builder *dt); /* instead of finishing; NULL is fine */

void dt_begin(struct dt_builder *dt, const char *fmt, ...) PRINTF(2, 3);
void dt_end(struct dt_builder *dt);
/* A phandle no other call has given; the node that owns it says dt_u32(dt, "phandle", it). */
uint32_t dt_new_phandle(struct dt_builder *dt);

void dt_empty(struct dt_builder *dt, const char *name);
void dt_u32(struct dt_builder *dt, const char *name, uint32_t value);
void dt_u64(struct dt_builder *dt, const char *name, uint64_t value);
void dt_string(struct dt_builder *dt, const char *name, const char *value);
void dt_strings(struct dt_builder *dt, const char *name, const char *const *values, size_t count);
void dt_cells(struct dt_builder *dt, const char *name, const uint32_t *cells, size_t count);
void dt_bytes(struct dt_builder *dt, const char *name, const void *bytes, size_t len);
/* "reg" of one entry with two address and two size cells. */
void dt_reg(struct dt_builder *dt, uint64_t start, uint64_t size);
#define DT_STRINGS(dt, name, ...)                                                                  \
    dt_strings(dt, name, (const char *const[]){ __VA_ARGS__ },                                     \
               sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
#define DT_CELLS(dt, name, ...)                                                                    \
    dt_cells(dt, name, (const uint32_t[]){ __VA_ARGS__ },                                          \
             sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

/* A tree a user gave: sound in structure, of a size a kernel maps, with a RISC-V processor. */
int dt_blob_load(struct dt_blob *ret_blob, struct load_file *file, struct error *err) NODISCARD;
/* The check of dt_blob_load(), on size bytes that `name` stands for in what err says. -EINVAL. */
int dt_blob_check(const struct dt_blob *blob, const char *name, struct error *err) NODISCARD;
/* Set a property of the node at `path` ("/chosen"), replacing what it was; the node is made when
 * only its last component is missing. The blob is unchanged on failure. */
int dt_set_string(struct dt_blob *blob, const char *path, const char *name, const char *value,
                  struct error *err) NODISCARD;
int dt_set_u64(struct dt_blob *blob, const char *path, const char *name, uint64_t value,
               struct error *err) NODISCARD;
int dt_set_bytes(struct dt_blob *blob, const char *path, const char *name, const void *bytes,
                 size_t len, struct error *err) NODISCARD;
/* Has the tree end in `bytes` of nothing, as far as a kernel still maps it: firmware that adds to
 * it where it lies, as U-Boot does, asks nobody what lies behind. -ENOMEM. */
int dt_make_room(struct dt_blob *blob, size_t bytes, struct error *err) NODISCARD;
/* The property's bytes within the blob, or NULL. */
const void *dt_get(const struct dt_blob *blob, const char *path, const char *name, size_t *ret_len);

#endif

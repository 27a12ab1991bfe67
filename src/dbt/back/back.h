/* dbt/back/back.h - what compiles lowered blocks (interp/t0.h) to host code: one table a host.
 *
 * The compiler is shared by a machine's harts; compiled code runs on any of them.
 */
#ifndef DBT_BACK_BACK_H
#define DBT_BACK_BACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dbt/region/region.h"

struct back;
struct hart;
struct tb;

struct back_stats {
    uint64_t blocks, block_bytes;   /* compiled since the start, and their host code */
    uint64_t regions, region_bytes; /* likewise */
    uint64_t used, size;            /* bytes of code memory, now; of both halves together */
    uint64_t forgotten;             /* times all code was */
};

struct back_config {
    size_t code_bytes;
    bool share;             /* accesses through one register share a look at the soft TLB */
    bool perf_map, jitdump; /* tell perf (x86_64/perf_map.h) */
    /* `code` has been made of tb, or of the region that begins with it, and can be run. [any
     * thread, no lock held] May be NULL. */
    void (*made)(void *opaque, const struct tb *tb, bool region, const void *code, size_t bytes);
    void *opaque;
};

struct back_ops {
    const char *name; /* the host: "x86_64" */
    int (*available)(struct error *err);
    int (*create)(struct back **ret_back, const struct back_config *config, struct error *err);
    void (*destroy)(struct back *back);
    /* Compiles tb and sets tb->code; false when there is no room for code now. [any hart] */
    bool (*compile)(struct back *back, struct tb *tb);
    /* Compiles a region; the caller makes the code known. NULL: no room, or nothing for this host.
     * source: for blocks outside. Inside the read side. */
    const void *(*compile_region)(struct back *back, const struct region *region,
                                  const struct region_source *source);
    /* Runs compiled code from tb on. Returns when the dispatcher is needed: hart->s.pc says where
     * to go on; *ret_from is the block whose exit *ret_link led out, or NULL. */
    void (*enter)(struct back *back, struct hart *hart, struct tb *tb, struct tb **ret_from,
                  unsigned *ret_link);
    /* Makes exit `link` of from jump to `to`. The cache's lock is held. */
    void (*link)(struct back *back, struct tb *from, unsigned link, struct tb *to);
    /* For a jump cache's entry without compiled code: where to leave to the dispatcher. */
    const void *(*leave)(struct back *back);
    /* All code is to be forgotten: the caller, inside the read side, drops all blocks next, and
     * harts leave their code within their read side. */
    void (*forget)(struct back *back);
    void (*stats)(struct back *back, struct back_stats *ret_stats);
};

/* NULL where this host has none. */
extern const struct back_ops *const back_host;

#endif

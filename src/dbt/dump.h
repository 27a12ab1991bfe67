/* dbt/dump.h - what becomes of guest code, stage by stage, as text: `vireo run --dump`. */
#ifndef DBT_DUMP_H
#define DBT_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ir_block;
struct region;
struct tb;

enum dbt_dump_stage {
    DBT_DUMP_GUEST,
    DBT_DUMP_IR,
    DBT_DUMP_T0,
    DBT_DUMP_REGION,
    DBT_DUMP_HOST,
    DBT_DUMP_STAGES
};
/* "guest", "ir", "t0", "region", "host": by enum dbt_dump_stage. */
extern const char *const dbt_dump_stage_name[DBT_DUMP_STAGES];

/* Where dumps go. */
struct dbt_dump {
    unsigned stages; /* a bit each; 0: nothing is dumped */
    /* A block's text, whole. [any thread] */
    void (*write)(void *opaque, const char *text);
    void *opaque;
};

struct isa_config;
/* A block that has just been translated. `bytes`: the guest's, `second` those of a straddling
 * instruction's second half or NULL. */
void dbt_dump_block(const struct dbt_dump *dump, const struct isa_config *isa, const struct tb *tb,
                    const struct ir_block *ir, const uint8_t *bytes, const uint8_t *second);
/* A region that is to be compiled. */
void dbt_dump_region(const struct dbt_dump *dump, const struct region *region);
/* Host code of tb, or of the region that begins with it. */
void dbt_dump_host(const struct dbt_dump *dump, const struct tb *tb, bool region, const void *code,
                   size_t size);

#endif

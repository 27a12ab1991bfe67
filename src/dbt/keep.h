/* dbt/keep.h - blocks from, and for, the store (store/store.h). Private to dbt/. */
#ifndef DBT_KEEP_H
#define DBT_KEEP_H

#include "dbt/back/back.h"
#include "dbt/cache/tb.h"
#include "dbt/dbt.h"
#include "dbt/store/store.h"

/* The store of config->keep_dir; *ret_store is NULL when nothing is kept: nothing was asked for, or
 * what is made is not what a plain run makes (lock-step, dumps). */
int keep_open(struct store **ret_store, const struct dbt_config *config,
              const struct dbt_tuning *tuning, struct error *err) NODISCARD;
/* A block that begins with these bytes, not compiled; NULL: none, or no memory. As tb_new(), but
 * mode and length are filled too. */
struct tb *keep_take(struct store *store, unsigned offset, uint32_t mode, const uint8_t *bytes,
                     size_t size);
/* Gives a block from keep_take(), filled and not known to others yet, its host code, if that has
 * been kept. If it cannot have it now, it will be compiled when it next runs: hot_runs. */
void keep_load(struct back *back, struct tb *tb, uint32_t hot_runs);
/* Keeps tb, which has just been made of bytes[0..tb->length). */
void keep_add(struct store *store, struct tb *tb, const uint8_t *bytes, size_t size);
/* tb is compiled: its code is worth keeping. */
static inline void keep_hot(const struct tb *tb)
{
    if (tb->kept != NULL)
        store_hot(tb->kept);
}
/* Writes the file. No hart runs. */
void keep_save(struct store *store, struct back *back);

#endif

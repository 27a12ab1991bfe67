/* dbt/cache/tb_storage.h - a block as it is allocated. Private to dbt/cache. */
#ifndef DBT_CACHE_TB_STORAGE_H
#define DBT_CACHE_TB_STORAGE_H

#include <urcu.h>

#include "dbt/cache/tb.h"

/* The rcu_head sits in front, so that it costs the hot struct nothing. */
struct tb_storage {
    struct rcu_head rcu;
    struct tb tb;
};

/* Frees when every hart has left its read side; nothing can find the block any more. */
void tb_free_later(struct tb *tb);
size_t tb_bytes(const struct tb *tb);

#endif

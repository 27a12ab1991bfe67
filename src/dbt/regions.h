/* dbt/regions.h - makes regions of hot loops, on a thread of its own. Private to dbt/.
 *
 * Harts post the head of a loop that has gone round often; the thread finds the loop's blocks,
 * has the back end compile them and makes the head's code the region's. A hart never waits: when
 * much has been asked for already, it asks again later.
 */
#ifndef DBT_REGIONS_H
#define DBT_REGIONS_H

#include "base/error.h"
#include "dbt/back/back.h"
#include "dbt/cache/cache.h"
#include "dbt/dump.h"

struct regions;

/* All must outlive it. What is made is dumped first, on the thread. */
int regions_new(struct regions **ret_regions, struct cache *cache, struct back *back,
                const struct dbt_dump *dump, struct error *err) NODISCARD;
/* Ends the thread. NULL is fine. */
void regions_free(struct regions *regions);
/* [any hart, inside the read side] False: not now. */
bool regions_want(struct regions *regions, const struct tb *head);
/* Waits until all that was wanted has been looked at; no hart inside a read side. For tests. */
void regions_drain(struct regions *regions);

struct regions_stats {
    uint64_t wanted, made, blocks; /* asked for, compiled, blocks in those */
};
void regions_get_stats(struct regions *regions, struct regions_stats *ret_stats);

#endif

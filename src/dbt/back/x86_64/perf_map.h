/* dbt/back/x86_64/perf_map.h - tells Linux perf the names of compiled code.
 *
 * Two kinds of file, each with the name and place where perf looks for it:
 *   PERF_MAP_SYMBOLS  /tmp/perf-PID.map: address, size, name. `perf record`, `perf report`. The
 *                     code must be in memory without a file (code_memory_new_anonymous), and an
 *                     address must not be used again for other code.
 *   PERF_MAP_JITDUMP  /tmp/jit-PID.dump: the code itself too, with times, so that perf annotates
 *                     it and tells apart what followed at one address:
 *                     perf record -k 1 ...; perf inject --jit -i perf.data -o jit.data
 * Both stay behind when closed: perf reads them afterwards.
 */
#ifndef DBT_BACK_X86_64_PERF_MAP_H
#define DBT_BACK_X86_64_PERF_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum perf_map_kind { PERF_MAP_SYMBOLS, PERF_MAP_JITDUMP };

struct perf_map;

/* One of a kind per process: a second replaces the file of the first. */
int perf_map_open(struct perf_map **ret_map, enum perf_map_kind kind, struct error *err) NODISCARD;
/* [any thread] `addr` is where the code runs, and it is complete. The name is cut at 255 bytes. A
 * file that can no longer be written is told of when it is closed. NULL map: nothing. */
void perf_map_add(struct perf_map *map, const void *addr, size_t size, const char *name);
/* Frees the map; -errno if the file lacks something. NULL: 0. */
int perf_map_close(struct perf_map *map, struct error *err);

#endif

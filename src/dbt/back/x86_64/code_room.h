/* dbt/back/x86_64/code_room.h - which part of code memory is written next, and which is given up.
 *
 * Code memory is a ring of segments. Code fills one after the other; when one is full the next is
 * begun, and the oldest is given up: whoever has blocks with code there drops them, and when no
 * thread can be in it any more it is free. One segment is always free or about to be, so that code
 * can be made while threads leave the oldest.
 *
 * The caller holds one lock around all calls but code_room_is_free().
 */
#ifndef DBT_BACK_X86_64_CODE_ROOM_H
#define DBT_BACK_X86_64_CODE_ROOM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CODE_SEGMENTS = 8 };

struct code_span {
    uint8_t *at, *end;
};

/* In the current segment blocks come from below. Regions, whose size is known only when they are
 * made, while blocks are made too, come in pieces taken from above; what a piece has left when it
 * is too small for one more goes to blocks. */
struct code_room {
    uint8_t *start;
    size_t segment_bytes;
    unsigned current;
    struct code_span blocks, regions, rest;
    struct {
        size_t used; /* bytes of a segment filled earlier */
        _Atomic bool free;
    } segment[CODE_SEGMENTS];
};

void code_room_init(struct code_room *room, uint8_t *start, size_t bytes);
/* Where a block of up to `bytes` can be written, or NULL; then, before another is looked for, up to
 * where it has been. */
uint8_t *code_room_find(const struct code_room *room, size_t bytes);
void code_room_take(struct code_room *room, uint8_t *end);
/* The same for a region; one is made at a time, while blocks are made. */
uint8_t *code_room_find_region(struct code_room *room, size_t bytes);
void code_room_take_region(struct code_room *room, const uint8_t *start, uint8_t *end);
/* A bit for the segment that `written` lies in. */
uint32_t code_room_bit(const struct code_room *room, const uint8_t *written);
/* If there is no room for `bytes`, begins the next segment and gives up the oldest: its bit is
 * returned, to be freed by code_room_free() when nobody is in it. 0: there is room, or the next
 * segment is not free yet, or no segment had to be given up. */
uint32_t code_room_advance(struct code_room *room, size_t bytes);
void code_room_free(struct code_room *room, uint32_t bit); /* any thread, no lock */
size_t code_room_used(const struct code_room *room);
bool code_room_all_free(const struct code_room *room); /* nothing is waiting for its end */

#endif

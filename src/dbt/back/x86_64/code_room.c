/* dbt/back/x86_64/code_room.c - a ring of segments; the idea is in the header. */
#include "dbt/back/x86_64/code_room.h"

#include <assert.h>

enum { CODE_ALIGN = 16 };
enum { PIECES = 4 }; /* a piece has room for so many of the largest regions */

static uint8_t *start_of(const struct code_room *room, unsigned segment)
{
    return room->start + segment * room->segment_bytes;
}

static uint8_t *round_up(uint8_t *at)
{
    return (uint8_t *)(((uintptr_t)at + CODE_ALIGN - 1) & ~(uintptr_t)(CODE_ALIGN - 1));
}

static size_t bytes_of(const struct code_span *span)
{
    return (size_t)(span->end - span->at);
}

/* Begins segment `segment`, with nothing in it. */
static void begin(struct code_room *room, unsigned segment)
{
    uint8_t *end = start_of(room, segment) + room->segment_bytes;

    room->current = segment;
    room->blocks = (struct code_span){ start_of(room, segment), end };
    room->regions = room->rest = (struct code_span){ end, end };
    room->segment[segment].used = 0;
}

static size_t used_of_current(const struct code_room *room)
{
    return room->segment_bytes - bytes_of(&room->blocks) - bytes_of(&room->regions) -
           bytes_of(&room->rest);
}

void code_room_init(struct code_room *room, uint8_t *start, size_t bytes)
{
    room->start = start;
    room->segment_bytes = (bytes / CODE_SEGMENTS) & ~(size_t)(CODE_ALIGN - 1);
    for (unsigned i = 0; i < CODE_SEGMENTS; i++) {
        room->segment[i].used = 0;
        atomic_store(&room->segment[i].free, true);
    }
    begin(room, 0);
}

static const struct code_span *span_for(const struct code_room *room, size_t bytes)
{
    if (bytes_of(&room->rest) >= bytes)
        return &room->rest;
    return bytes_of(&room->blocks) >= bytes ? &room->blocks : NULL;
}

uint8_t *code_room_find(const struct code_room *room, size_t bytes)
{
    const struct code_span *span = span_for(room, bytes);

    return span == NULL ? NULL : span->at;
}

void code_room_take(struct code_room *room, uint8_t *end)
{
    bool in_rest = end > room->rest.at && end <= room->rest.end;
    struct code_span *span = in_rest ? &room->rest : &room->blocks;

    assert(end > span->at && end <= span->end);
    end = round_up(end);
    span->at = end < span->end ? end : span->end;
}

uint8_t *code_room_find_region(struct code_room *room, size_t bytes)
{
    size_t piece = PIECES * bytes;

    if (bytes_of(&room->regions) >= bytes)
        return room->regions.at;
    if (bytes_of(&room->blocks) < piece)
        piece = bytes;
    if (bytes_of(&room->blocks) < piece)
        return NULL;
    if (bytes_of(&room->regions) > bytes_of(&room->rest))
        room->rest = room->regions;
    room->blocks.end -= piece;
    room->regions = (struct code_span){ room->blocks.end, room->blocks.end + piece };
    return room->regions.at;
}

void code_room_take_region(struct code_room *room, const uint8_t *start, uint8_t *end)
{
    if (room->regions.at != start)
        return; /* another segment has been begun: nobody else writes to that one */
    end = round_up(end);
    room->regions.at = end < room->regions.end ? end : room->regions.end;
}

uint32_t code_room_bit(const struct code_room *room, const uint8_t *written)
{
    return UINT32_C(1) << (size_t)(written - room->start) / room->segment_bytes;
}

uint32_t code_room_advance(struct code_room *room, size_t bytes)
{
    unsigned next = (room->current + 1) % CODE_SEGMENTS;
    unsigned oldest = (room->current + 2) % CODE_SEGMENTS;

    if (code_room_find(room, bytes) != NULL || !atomic_load(&room->segment[next].free))
        return 0;
    room->segment[room->current].used = used_of_current(room);
    begin(room, next);
    if (room->segment[oldest].used == 0)
        return 0;
    room->segment[oldest].used = 0;
    atomic_store(&room->segment[oldest].free, false);
    return UINT32_C(1) << oldest;
}

void code_room_free(struct code_room *room, uint32_t bit)
{
    atomic_store(&room->segment[__builtin_ctz(bit)].free, true);
}

size_t code_room_used(const struct code_room *room)
{
    size_t used = used_of_current(room);

    for (unsigned i = 0; i < CODE_SEGMENTS; i++)
        if (i != room->current)
            used += room->segment[i].used;
    return used;
}

bool code_room_all_free(const struct code_room *room)
{
    for (unsigned i = 0; i < CODE_SEGMENTS; i++)
        if (!atomic_load(&room->segment[i].free))
            return false;
    return true;
}

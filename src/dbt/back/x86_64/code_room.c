/* dbt/back/x86_64/code_room.c - a ring of segments; the idea is in the header. */
#include "dbt/back/x86_64/code_room.h"

#include <assert.h>

static uint8_t *start_of(const struct code_room *room, unsigned segment)
{
    return room->start + segment * room->segment_bytes;
}

static uint8_t *round_up(uint8_t *at)
{
    return (uint8_t *)(((uintptr_t)at + 15) & ~(uintptr_t)15);
}

static size_t rest_bytes(const struct code_room *room)
{
    return (size_t)(room->rest.end - room->rest.at);
}

/* Begins segment `current`, with nothing in it. */
static void begin(struct code_room *room, unsigned segment)
{
    room->current = segment;
    room->at = start_of(room, segment);
    room->rest.at = room->rest.end = room->at;
    room->segment[segment].used = 0;
}

void code_room_init(struct code_room *room, uint8_t *start, size_t bytes)
{
    room->start = start;
    room->segment_bytes = (bytes / CODE_SEGMENTS) & ~(size_t)15;
    for (unsigned i = 0; i < CODE_SEGMENTS; i++) {
        room->segment[i].used = 0;
        atomic_store(&room->segment[i].free, true);
    }
    begin(room, 0);
}

uint8_t *code_room_find(const struct code_room *room, size_t bytes)
{
    const uint8_t *end = start_of(room, room->current) + room->segment_bytes;

    if (rest_bytes(room) >= bytes)
        return room->rest.at;
    return (size_t)(end - room->at) >= bytes ? room->at : NULL;
}

void code_room_take(struct code_room *room, uint8_t *end)
{
    if (end > room->rest.at && end <= room->rest.end) {
        end = round_up(end);
        room->rest.at = end < room->rest.end ? end : room->rest.end;
        return;
    }
    room->at = round_up(end);
    assert(room->at <= start_of(room, room->current) + room->segment_bytes);
}

void code_room_return(struct code_room *room, uint8_t *taken, uint8_t *end)
{
    end = round_up(end);
    if (code_room_bit(room, end) != UINT32_C(1) << room->current)
        return; /* the segment is left */
    if (room->at == taken) {
        room->at = end;
    } else if (taken <= room->at && (size_t)(taken - end) > rest_bytes(room)) {
        room->rest.at = end;
        room->rest.end = taken;
    }
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
    room->segment[room->current].used = (size_t)(room->at - start_of(room, room->current));
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
    size_t used = (size_t)(room->at - start_of(room, room->current)) - rest_bytes(room);

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

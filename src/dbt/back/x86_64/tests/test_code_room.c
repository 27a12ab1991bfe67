/* dbt/back/x86_64/tests/test_code_room.c - a ring of segments, in memory that nobody writes to. */
#include "tests/unit.h"

#include "dbt/back/x86_64/code_room.h"

enum { PIECE = 256, SEGMENT = 4 * PIECE, BYTES = CODE_SEGMENTS * SEGMENT };

static _Alignas(16) uint8_t memory[BYTES];

/* One piece, making room when there is none; the bit given up, if any. */
static uint8_t *take(struct code_room *room, uint32_t *ret_given_up)
{
    uint8_t *at = code_room_find(room, PIECE);

    *ret_given_up = 0;
    if (at == NULL) {
        *ret_given_up = code_room_advance(room, PIECE);
        at = code_room_find(room, PIECE);
    }
    if (at != NULL)
        code_room_take(room, at + PIECE);
    return at;
}

TEST(pieces_follow_each_other_and_stay_in_their_segment)
{
    struct code_room room;
    uint32_t given_up;

    code_room_init(&room, memory, BYTES);
    for (unsigned i = 0; i < 4 * (CODE_SEGMENTS - 1); i++) {
        uint8_t *at = take(&room, &given_up);

        assert_ptr_equal(at, memory + i * PIECE);
        assert_int_equal(code_room_bit(&room, at), 1u << i / 4);
        assert_int_equal(given_up, 0);
    }
    assert_int_equal(code_room_used(&room), (CODE_SEGMENTS - 1) * SEGMENT);
}

TEST(the_oldest_is_given_up_while_one_is_free)
{
    struct code_room room;
    uint32_t given_up;
    unsigned count = 0;

    code_room_init(&room, memory, BYTES);
    for (unsigned i = 0; i < 4 * 5 * CODE_SEGMENTS; i++) {
        uint8_t *at = take(&room, &given_up);

        assert_ptr_equal(at, memory + i * PIECE % BYTES);
        if (given_up != 0) {
            assert_int_equal(given_up, 1u << count++ % CODE_SEGMENTS);
            assert_false(code_room_all_free(&room));
            code_room_free(&room, given_up);
        }
        assert_true(code_room_all_free(&room));
        assert_in_range(code_room_used(&room), 0, (CODE_SEGMENTS - 1) * SEGMENT);
    }
    assert_int_equal(count, 5 * CODE_SEGMENTS - (CODE_SEGMENTS - 1));
}

TEST(what_is_not_free_yet_is_not_begun)
{
    struct code_room room;
    uint32_t given_up, last = 0;
    unsigned taken = 0;

    code_room_init(&room, memory, BYTES);
    while (take(&room, &given_up) != NULL) {
        taken++;
        if (given_up != 0)
            last = given_up; /* nobody has left it */
    }
    assert_int_equal(taken, 4 * CODE_SEGMENTS);
    assert_int_equal(last, 1);
    assert_null(take(&room, &given_up));
    assert_int_equal(given_up, 0);
    code_room_free(&room, 1);
    assert_ptr_equal(take(&room, &given_up), memory);
    assert_int_equal(given_up, 2);
}

static uint8_t *take_region(struct code_room *room, unsigned bytes)
{
    uint8_t *at = code_room_find_region(room, PIECE / 4);

    if (at != NULL)
        code_room_take_region(room, at, at + bytes);
    return at;
}

TEST(regions_come_from_above_in_pieces)
{
    struct code_room room;
    uint8_t *a, *b, *c;

    code_room_init(&room, memory, BYTES);
    a = take_region(&room, 20);
    assert_ptr_equal(a, memory + SEGMENT - PIECE);
    assert_ptr_equal(code_room_find(&room, PIECE), memory); /* blocks go on from below */
    b = take_region(&room, 64);
    assert_ptr_equal(b, a + 32);
    assert_int_equal(code_room_used(&room), 32 + 64);
    assert_non_null(take_region(&room, 50));
    c = take_region(&room, 50); /* 32 bytes of the piece are left: too few */
    assert_ptr_equal(c, b + 64 + 64);
    c = take_region(&room, 64);
    assert_ptr_equal(c, memory + SEGMENT - 2 * PIECE);
    assert_ptr_equal(code_room_find(&room, 32), a + PIECE - 32); /* blocks get them */
    code_room_take(&room, a + PIECE - 1);
    assert_int_equal(code_room_used(&room), 2 * PIECE - (PIECE - 64));
}

TEST(a_block_is_made_while_a_region_is)
{
    struct code_room room;
    uint8_t *region, *block;

    code_room_init(&room, memory, BYTES);
    region = code_room_find_region(&room, PIECE / 4);
    block = code_room_find(&room, PIECE);
    code_room_take(&room, block + 100);
    code_room_take_region(&room, region, region + 30);
    assert_int_equal(code_room_used(&room), 112 + 32);
    assert_int_equal(code_room_bit(&room, region), 1);
}

TEST(a_region_is_made_while_another_segment_is_begun)
{
    struct code_room room;
    uint8_t *region;

    code_room_init(&room, memory, BYTES);
    region = code_room_find_region(&room, PIECE / 4);
    assert_int_equal(code_room_advance(&room, SEGMENT), 0);
    code_room_take_region(&room, region, region + 32);
    assert_ptr_equal(code_room_find(&room, PIECE), memory + SEGMENT);
    assert_ptr_equal(code_room_find_region(&room, PIECE / 4), memory + 2 * SEGMENT - PIECE);
}

TEST(a_segment_that_is_nearly_full_has_room_for_one_region_or_none)
{
    struct code_room room;

    code_room_init(&room, memory, BYTES);
    code_room_take(&room, memory + SEGMENT - PIECE / 2);
    assert_ptr_equal(take_region(&room, PIECE / 4), memory + SEGMENT - PIECE / 4);
    assert_ptr_equal(take_region(&room, PIECE / 4), memory + SEGMENT - PIECE / 2);
    assert_null(take_region(&room, PIECE / 4));
    assert_int_equal(code_room_used(&room), SEGMENT);
}

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

TEST(what_is_given_back_is_found_again)
{
    struct code_room room;
    uint8_t *a, *b;

    code_room_init(&room, memory, BYTES);
    a = code_room_find(&room, 2 * PIECE);
    code_room_take(&room, a + 2 * PIECE);
    code_room_return(&room, a + 2 * PIECE, a + 20);
    b = code_room_find(&room, PIECE);
    assert_ptr_equal(b, a + 32);
    assert_int_equal(code_room_used(&room), 32);
}

/* A region sets room aside; before it gives back what it does not need, a block is compiled. */
TEST(what_is_given_back_late_is_used_first)
{
    struct code_room room;
    uint8_t *region, *block;

    code_room_init(&room, memory, BYTES);
    region = code_room_find(&room, 2 * PIECE);
    code_room_take(&room, region + 2 * PIECE);
    block = code_room_find(&room, PIECE);
    assert_ptr_equal(block, region + 2 * PIECE);
    code_room_take(&room, block + 100);
    code_room_return(&room, region + 2 * PIECE, region + 30);
    assert_int_equal(code_room_used(&room), 32 + 112);
    assert_ptr_equal(code_room_find(&room, PIECE), region + 32);
    code_room_take(&room, region + 32 + PIECE);
    assert_ptr_equal(code_room_find(&room, PIECE), block + 112); /* the rest is too small */
    assert_int_equal(code_room_used(&room), 32 + PIECE + 112);
}

TEST(what_is_given_back_of_a_segment_that_was_left_is_lost)
{
    struct code_room room;
    uint8_t *region;

    code_room_init(&room, memory, BYTES);
    region = code_room_find(&room, 2 * PIECE);
    code_room_take(&room, region + 2 * PIECE);
    assert_int_equal(code_room_advance(&room, SEGMENT), 0);
    code_room_return(&room, region + 2 * PIECE, region + 32);
    assert_ptr_equal(code_room_find(&room, PIECE), memory + SEGMENT);
    assert_int_equal(code_room_used(&room), 2 * PIECE);
}

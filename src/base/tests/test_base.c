/* base: bits, byte order, strings, errors, lists, clocks */
#include "tests/unit.h"

#include <errno.h>
#include <string.h>

#include "base/bitops.h"
#include "base/clock.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/list.h"
#include "base/strbuf.h"

TEST(zero_counts_have_a_value_for_zero)
{
    assert_int_equal(clz32(0), 32);
    assert_int_equal(clz64(0), 64);
    assert_int_equal(ctz32(0), 32);
    assert_int_equal(ctz64(0), 64);
    assert_int_equal(clz32(1), 31);
    assert_int_equal(clz64(1), 63);
    assert_int_equal(ctz64(BIT64(63)), 63);
    assert_int_equal(popcount64(~UINT64_C(0)), 64);
    assert_int_equal(popcount32(0x80000001), 2);
}

TEST(fields_are_taken_and_put_at_any_place)
{
    assert_int_equal(extract64(0x123456789abcdef0, 4, 8), 0xef);
    assert_int_equal(extract64(~UINT64_C(0), 0, 64), ~UINT64_C(0));
    assert_int_equal(extract32(0x80000000, 31, 1), 1);
    assert_int_equal(extract32(0xdeadbeef, 0, 32), 0xdeadbeef);
    assert_int_equal(sextract64(0x800, 0, 12), -2048);
    assert_int_equal(sextract64(0x7ff, 0, 12), 2047);
    assert_int_equal(sextract64(UINT64_C(1) << 63, 63, 1), -1);
    assert_int_equal(deposit64(~UINT64_C(0), 8, 8, 0), 0xffffffffffff00ff);
    assert_int_equal(deposit64(0, 0, 64, ~UINT64_C(0)), ~UINT64_C(0));
    assert_int_equal(deposit32(0, 28, 4, 0xfff), 0xf0000000);
    assert_int_equal(mask64(0), 0);
    assert_int_equal(mask64(64), ~UINT64_C(0));
}

TEST(rotation_by_zero_and_by_the_width_changes_nothing)
{
    assert_int_equal(rol32(0x12345678, 0), 0x12345678);
    assert_int_equal(rol32(0x12345678, 32), 0x12345678);
    assert_int_equal(rol32(0x12345678, 8), 0x34567812);
    assert_int_equal(ror32(0x12345678, 8), 0x78123456);
    assert_int_equal(ror64(1, 1), BIT64(63));
    assert_int_equal(rol64(BIT64(63), 65), 1);
}

TEST(powers_of_two_and_rounding)
{
    assert_false(is_pow2(0));
    assert_true(is_pow2(1));
    assert_true(is_pow2(BIT64(63)));
    assert_false(is_pow2(6));
    assert_int_equal(round_up(0, 4096), 0);
    assert_int_equal(round_up(1, 4096), 4096);
    assert_int_equal(round_up(4096, 4096), 4096);
    assert_int_equal(round_up(UINT64_MAX, 4096), 0);
    assert_int_equal(round_down(8191, 4096), 4096);
    assert_true(is_aligned(8192, 4096));
    assert_false(is_aligned(8193, 2));
    assert_int_equal(pow2_ceil(1), 1);
    assert_int_equal(pow2_ceil(3), 4);
    assert_int_equal(pow2_ceil(4), 4);
    assert_int_equal(pow2_ceil(BIT64(62) + 1), BIT64(63));
}

TEST(byte_order_is_what_the_name_says_at_odd_addresses)
{
    uint8_t b[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };

    assert_int_equal(ld_le16(b + 1), 0x0201);
    assert_int_equal(ld_be16(b + 1), 0x0102);
    assert_int_equal(ld_le32(b + 1), 0x04030201);
    assert_int_equal(ld_be32(b + 1), 0x01020304);
    assert_int_equal(ld_le64(b + 1), 0x0807060504030201);
    assert_int_equal(ld_be64(b + 1), 0x0102030405060708);
    st_le32(b + 3, 0xa1b2c3d4);
    assert_int_equal(b[3], 0xd4);
    assert_int_equal(b[6], 0xa1);
    assert_int_equal(b[7], 7);
    st_be64(b + 1, 0x1122334455667788);
    assert_int_equal(b[1], 0x11);
    assert_int_equal(b[8], 0x88);
    st_be16(b + 1, 0xaabb);
    assert_int_equal(b[1], 0xaa);
}

TEST(a_string_grows_and_is_always_terminated)
{
    struct strbuf sb;

    strbuf_init(&sb);
    assert_string_equal(strbuf_str(&sb), "");
    for (int i = 0; i < 1000; i++)
        strbuf_addf(&sb, "%04d,", i);
    assert_int_equal(strbuf_len(&sb), 5000);
    assert_int_equal(strlen(strbuf_str(&sb)), 5000);
    assert_memory_equal(strbuf_str(&sb) + 4990, "0998,0999,", 11);
    strbuf_clear(&sb);
    assert_string_equal(strbuf_str(&sb), "");
    strbuf_add(&sb, "one ");
    strbuf_addc(&sb, '2');
    strbuf_add_bytes(&sb, " three", 4);
    strbuf_addf(&sb, "%s", "");
    assert_string_equal(strbuf_str(&sb), "one 2 thr");
    assert_true(strbuf_ok(&sb));
    strbuf_fini(&sb);
    strbuf_fini(&sb);
}

TEST(an_impossible_length_is_remembered_and_keeps_the_text)
{
    struct strbuf sb;

    strbuf_init(&sb);
    strbuf_add(&sb, "kept");
    strbuf_add_bytes(&sb, "x", SIZE_MAX / 2);
    assert_false(strbuf_ok(&sb));
    strbuf_add(&sb, "dropped");
    assert_string_equal(strbuf_str(&sb), "kept");
    strbuf_fini(&sb);
}

TEST(an_error_has_code_and_text_and_takes_context)
{
    struct error err;

    assert_int_equal(error_set(&err, ENOENT, "disk '%s': missing", "a.img"), -ENOENT);
    assert_int_equal(err.code, -ENOENT);
    assert_string_equal(err.text, "disk 'a.img': missing");
    assert_int_equal(error_prefix(&err, -ENOENT, "vm.json line %d", 12), -ENOENT);
    assert_string_equal(err.text, "vm.json line 12: disk 'a.img': missing");
    assert_int_equal(error_set(NULL, EIO, "nobody reads this"), -EIO);
    assert_int_equal(error_prefix(NULL, -EIO, "nor this"), -EIO);
}

TEST(an_error_stays_one_line_and_within_its_buffer)
{
    struct error err;
    char name[2000];

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    error_set(&err, EINVAL, "%s", name);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    error_prefix(&err, -EINVAL, "%s", name);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    error_set(&err, EINVAL, "file 'a\n\x1b[2Jb'");
    assert_string_equal(err.text, "file 'a??[2Jb'");
}

TEST(an_error_may_quote_itself)
{
    struct error err;

    error_set(&err, EIO, "inner");
    error_prefix(&err, -EIO, "outer of %s", err.text);
    assert_string_equal(err.text, "outer of inner: inner");
}

TEST(a_list_keeps_order_and_allows_deletion_while_walking)
{
    struct item {
        int value;
        struct list_node node;
    } items[4];
    struct list_node head;
    int seen = 0;

    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_pop(&head));
    for (int i = 0; i < 4; i++) {
        items[i].value = i;
        list_append(&head, &items[i].node);
    }
    list_for_each_safe(node, &head)
    {
        struct item *item = list_entry(node, struct item, node);
        assert_int_equal(item->value, seen++);
        if (item->value & 1)
            list_del(node);
    }
    assert_int_equal(seen, 4);
    list_del(&items[1].node); /* a second time is harmless */
    assert_ptr_equal(list_pop(&head), &items[0].node);
    assert_ptr_equal(list_pop(&head), &items[2].node);
    assert_true(list_empty(&head));
}

TEST(clocks_go_forward)
{
    struct clock_manual manual;
    uint64_t a = clock_now_ns(&clock_host);

    assert_true(clock_now_ns(&clock_host) >= a);
    clock_manual_init(&manual, 5);
    assert_int_equal(clock_now_ns(&manual.clock), 5);
    clock_manual_advance(&manual, 7);
    assert_int_equal(clock_now_ns(&manual.clock), 12);
}

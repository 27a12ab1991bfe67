/* app/tests/test_kv.c - key=value lists and the kinds of values. */
#include "tests/unit.h"

#include <errno.h>
#include <string.h>

#include "app/kv.h"
#include "base/strbuf.h"

static void expect_list(const char *text, const char *first, unsigned count,
                        const char *const *want)
{
    struct kv_list list;

    assert_int_equal(kv_parse(&list, text, first, NULL), 0);
    assert_int_equal(list.count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_string_equal(list.item[i].key, want[2 * i]);
        assert_string_equal(list.item[i].value, want[2 * i + 1]);
    }
    kv_fini(&list);
}
#define EXPECT_LIST(text, first, ...)                                                              \
    expect_list(text, first,                                                                       \
                (unsigned)(sizeof((const char *[]){ __VA_ARGS__ }) / (2 * sizeof(char *))),        \
                (const char *[]){ __VA_ARGS__ })

TEST(lists_are_split_at_commas)
{
    EXPECT_LIST("a=1", NULL, "a", "1");
    EXPECT_LIST("a=1,b=two,c=", NULL, "a", "1", "b", "two", "c", "");
}

TEST(a_bare_first_word_has_the_first_key)
{
    EXPECT_LIST("disk.img", "path", "path", "disk.img");
    EXPECT_LIST("disk.img,readonly=on", "path", "path", "disk.img", "readonly", "on");
    EXPECT_LIST("id=x,path=y", "path", "id", "x", "path", "y");
    EXPECT_LIST("", "path", "path", "");
}

TEST(a_doubled_comma_is_one_in_the_value)
{
    EXPECT_LIST("path=a,,b.img,id=c", "path", "path", "a,b.img", "id", "c");
    EXPECT_LIST("a,,b,,,,c", "path", "path", "a,b,,c");
    EXPECT_LIST(",,", "path", "path", ",");
}

TEST(only_the_first_equals_sign_ends_a_key)
{
    EXPECT_LIST("path=a=b", NULL, "path", "a=b");
}

static void expect_bad(const char *text, const char *first, const char *says)
{
    struct kv_list list;
    struct error err;

    assert_int_equal(kv_parse(&list, text, first, &err), -EINVAL);
    assert_non_null(strstr(err.text, says));
}

TEST(words_without_a_key_are_refused)
{
    expect_bad("a.img,b.img", "path", "'b.img' is not of the form key=value");
    expect_bad("word", NULL, "'word'");
    expect_bad("a=1,", NULL, "not of the form");
    expect_bad("", NULL, "not of the form");
}

TEST(lists_have_a_greatest_length)
{
    struct kv_list list;
    struct strbuf text;

    strbuf_init(&text);
    for (unsigned i = 0; i < KV_MAX; i++)
        strbuf_add(&text, i == 0 ? "k=v" : ",k=v");
    assert_int_equal(kv_parse(&list, strbuf_str(&text), NULL, NULL), 0);
    assert_int_equal(list.count, KV_MAX);
    kv_fini(&list);
    strbuf_add(&text, ",k=v");
    expect_bad(strbuf_str(&text), NULL, "more than 32");
    strbuf_fini(&text);
}

TEST(the_last_of_equal_keys_counts)
{
    struct kv_list list;

    assert_int_equal(kv_parse(&list, "a=1,b=2,a=3", NULL, NULL), 0);
    assert_string_equal(kv_get(&list, "a"), "3");
    assert_string_equal(kv_get(&list, "b"), "2");
    assert_null(kv_get(&list, "c"));
    kv_fini(&list);
}

TEST(a_bool_is_on_or_off)
{
    struct error err;
    bool b = false;

    assert_int_equal(value_bool("on", "readonly", &b, NULL), 0);
    assert_true(b);
    assert_int_equal(value_bool("off", "readonly", &b, NULL), 0);
    assert_false(b);
    assert_int_equal(value_bool("yes", "readonly", &b, &err), -EINVAL);
    assert_string_equal(err.text, "readonly: 'yes' is neither 'on' nor 'off'");
    assert_int_equal(value_bool("", NULL, &b, &err), -EINVAL);
    assert_string_equal(err.text, "'' is neither 'on' nor 'off'");
}

TEST(counts_are_bounded)
{
    static const char *const bad[] = { "0", "65", "-1", "+1", " 1",  "1 ",
                                       "",  "1x", "x",  "0x", "1.0", "99999999999999999999" };
    struct error err;
    uint64_t n = 7;

    assert_int_equal(value_count("1", "n", 1, 64, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(value_count("0x40", "n", 1, 64, &n, NULL), 0);
    assert_int_equal(n, 64);
    assert_int_equal(value_count("010", "n", 1, 64, &n, NULL), 0); /* decimal, not octal */
    assert_int_equal(n, 10);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(value_count(bad[i], "n", 1, 64, &n, &err), -EINVAL);
        assert_non_null(strstr(err.text, "not a number from 1 to 64"));
        assert_int_equal(n, 10);
    }
}

TEST(addresses_are_not_zero)
{
    struct error err;
    uint64_t n = 0;

    assert_int_equal(value_address("0x80200000", "at", &n, NULL), 0);
    assert_true(n == 0x80200000);
    assert_int_equal(value_address("0xffffffffffffffff", "at", &n, NULL), 0);
    assert_int_equal(value_address("0", "at", &n, &err), -EINVAL);
    assert_int_equal(value_address("0x10000000000000000", "at", &n, &err), -EINVAL);
    assert_string_equal(err.text, "at: '0x10000000000000000' is not an address, like 0x80200000");
}

TEST(sizes_have_binary_units)
{
    static const struct {
        const char *text;
        uint64_t want;
    } good[] = {
        { "0", 0 },
        { "4096", 4096 },
        { "1K", 1024 },
        { "3m", UINT64_C(3) << 20 },
        { "2G", UINT64_C(2) << 30 },
        { "1t", UINT64_C(1) << 40 },
        { "0x10M", UINT64_C(16) << 20 },
        { "16777215T", UINT64_C(16777215) << 40 },
    };
    static const char *const bad[] = { "",     "G",  "1KB", "1 G",       "-1",
                                       "1.5G", "1P", "1g ", "16777216T", "18446744073709551616" };
    struct error err;
    uint64_t n;

    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(value_size(good[i].text, NULL, &n, NULL), 0);
        assert_true(n == good[i].want);
    }
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(value_size(bad[i], NULL, &n, &err), -EINVAL);
        assert_non_null(strstr(err.text, "is not a size, like 512M or 4G"));
    }
}

TEST(mac_addresses_are_six_bytes_of_a_card)
{
    static const char *const bad[] = { "",
                                       "52:54:00:12:34",
                                       "52:54:00:12:34:56:78",
                                       "52-54-00-12-34-56",
                                       "52:54:00:12:34:5g",
                                       "52:54: 0:12:34:56",
                                       "52:54:+0:12:34:56",
                                       "0x:54:00:12:34:56",
                                       "525400123456xxxxx" };
    const uint8_t want[6] = { 0x52, 0x54, 0, 0xab, 0xCD, 0xef };
    uint8_t mac[6];
    struct error err;

    assert_int_equal(value_mac("52:54:00:ab:CD:ef", "mac", mac, NULL), 0);
    assert_memory_equal(mac, want, 6);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(value_mac(bad[i], "mac", mac, &err), -EINVAL);
        assert_non_null(strstr(err.text, "like 52:54:00:12:34:56"));
    }
    assert_int_equal(value_mac("ff:ff:ff:ff:ff:ff", "mac", mac, &err), -EINVAL);
    assert_non_null(strstr(err.text, "group"));
    assert_memory_equal(mac, want, 6);
}

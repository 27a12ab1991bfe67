/* dev/tests/test_state.c - the walker: round trips, versions, and every way a file can be wrong. */
#include "tests/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "dev/state.h"

struct gadget {
    uint8_t before;
    struct device dev;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32[3];
    uint64_t u64;
    bool flag, flags[2];
    char bytes[20];
    uint32_t newer; /* since version 2 */
    int resets, loads, saves;
    bool refuse;
};

static void gadget_reset(struct device *dev)
{
    struct gadget *g = container_of(dev, struct gadget, dev);

    g->resets++;
    g->u8 = 1;
    g->newer = 77;
}

static void gadget_pre_save(struct device *dev)
{
    container_of(dev, struct gadget, dev)->saves++;
}

static int gadget_post_load(struct device *dev, struct error *err)
{
    struct gadget *g = container_of(dev, struct gadget, dev);

    g->loads++;
    return g->refuse ? error_set(err, EINVAL, "u8 is out of range") : 0;
}

#define GADGET_FIELDS                                                                              \
    STATE_UINT(struct gadget, u8), STATE_UINT(struct gadget, u16),                                 \
        STATE_UINT_ARRAY(struct gadget, u32), STATE_UINT(struct gadget, u64),                      \
        STATE_BOOL(struct gadget, flag), STATE_BOOL_ARRAY(struct gadget, flags),                   \
        STATE_BYTES(struct gadget, bytes)

static const struct state_field state_v1[] = { GADGET_FIELDS, STATE_END };
static const struct state_field state_v2[] = { STATE_UINT_V(struct gadget, newer, 2), GADGET_FIELDS,
                                               STATE_END };

#define GADGET_OPS(table, version)                                                                 \
    {                                                                                              \
        .type = "gadget", .reset = gadget_reset, .pre_save = gadget_pre_save,                      \
        .post_load = gadget_post_load, .state = (table), .state_version = (version),               \
        .device_offset = offsetof(struct gadget, dev),                                             \
    }
static const struct device_ops ops_v1 = GADGET_OPS(state_v1, 1);
static const struct device_ops ops_v2 = GADGET_OPS(state_v2, 2);

static void fill(struct gadget *g, const struct device_ops *ops)
{
    *g = (struct gadget){
        .u8 = 0x12,
        .u16 = 0x3456,
        .u32 = { 1, 0x89abcdef, 3 },
        .u64 = 0x0123456789abcdef,
        .flag = true,
        .flags = { false, true },
        .bytes = "seventeen and more",
        .newer = 5,
    };
    device_init(&g->dev, ops, "g0");
}

static void blank(struct gadget *g, const struct device_ops *ops)
{
    *g = (struct gadget){ 0 };
    device_init(&g->dev, ops, "g1");
}

TEST(what_is_saved_is_loaded)
{
    struct gadget a, b;
    struct strbuf sb;

    fill(&a, &ops_v2);
    blank(&b, &ops_v2);
    strbuf_init(&sb);
    assert_string_equal(state_diff(&a.dev, &b.dev), "newer");
    assert_int_equal(state_save(&a.dev, &sb, NULL), 0);
    assert_true(a.saves > 0);
    assert_int_equal(state_load(&b.dev, strbuf_str(&sb), strbuf_len(&sb), NULL), 0);
    assert_int_equal(b.resets, 1);
    assert_int_equal(b.loads, 1);
    assert_null(state_diff(&a.dev, &b.dev));
    assert_null(state_diff(&a.dev, &a.dev));
    assert_int_equal(b.u64, a.u64);
    assert_int_equal(b.u32[1], 0x89abcdef);
    assert_true(b.flags[1]);
    b.bytes[19] = 'x';
    assert_string_equal(state_diff(&a.dev, &b.dev), "bytes");
    strbuf_fini(&sb);
}

TEST(the_bytes_are_those_the_header_promises)
{
    struct gadget a;
    struct strbuf sb;
    const uint8_t *p;

    fill(&a, &ops_v1);
    strbuf_init(&sb);
    assert_int_equal(state_save(&a.dev, &sb, NULL), 0);
    p = (const uint8_t *)strbuf_str(&sb);
    assert_memory_equal(p, "VDS1", 4);
    assert_int_equal(ld_le32(p + 4), 1);
    assert_int_equal(ld_le32(p + 8), 7);
    assert_int_equal(p[12], 6);
    assert_memory_equal(p + 13, "gadget", 6);
    assert_memory_equal(p + 19, "\x02u8\x01\x01\0\0\0\x01\0\0\0\x12", 13);
    strbuf_fini(&sb);
}

TEST(an_older_state_leaves_newer_fields_at_their_reset_value)
{
    struct gadget a, b;
    struct strbuf sb;

    fill(&a, &ops_v1);
    blank(&b, &ops_v2);
    strbuf_init(&sb);
    assert_int_equal(state_save(&a.dev, &sb, NULL), 0);
    assert_int_equal(state_load(&b.dev, strbuf_str(&sb), strbuf_len(&sb), NULL), 0);
    assert_int_equal(b.newer, 77);
    assert_int_equal(b.u16, 0x3456);
    strbuf_fini(&sb);
}

TEST(a_newer_state_is_refused)
{
    struct gadget a, b;
    struct strbuf sb;
    struct error err;

    fill(&a, &ops_v2);
    blank(&b, &ops_v1);
    strbuf_init(&sb);
    assert_int_equal(state_save(&a.dev, &sb, NULL), 0);
    assert_int_equal(state_load(&b.dev, strbuf_str(&sb), strbuf_len(&sb), &err), -EINVAL);
    assert_string_equal(err.text, "gadget 'g1': saved state has version 2, this program knows up "
                                  "to 1");
    assert_int_equal(b.resets, 0);
    strbuf_fini(&sb);
}

TEST(every_truncation_and_any_tail_is_refused_and_changes_nothing)
{
    struct gadget a, b;
    struct strbuf sb;

    fill(&a, &ops_v2);
    strbuf_init(&sb);
    assert_int_equal(state_save(&a.dev, &sb, NULL), 0);
    for (size_t len = 0; len < strbuf_len(&sb); len++) {
        uint8_t *copy = malloc(len + 1); /* of exact size: ASan sees a read beyond */

        memcpy(copy, strbuf_str(&sb), len);
        blank(&b, &ops_v2);
        assert_int_equal(state_load(&b.dev, copy, len, NULL), -EINVAL);
        assert_int_equal(b.resets, 0);
        assert_int_equal(b.u16, 0);
        free(copy);
    }
    strbuf_addc(&sb, 0);
    assert_int_equal(state_load(&b.dev, strbuf_str(&sb), strbuf_len(&sb), NULL), -EINVAL);
    strbuf_fini(&sb);
}

/* Replaces one byte of a good state. */
static int load_patched(size_t at, uint8_t byte, struct error *err)
{
    struct gadget a, b;
    struct strbuf sb;
    uint8_t *copy;
    int rc;

    fill(&a, &ops_v1);
    blank(&b, &ops_v1);
    strbuf_init(&sb);
    assert_int_equal(state_save(&a.dev, &sb, NULL), 0);
    copy = malloc(strbuf_len(&sb));
    memcpy(copy, strbuf_str(&sb), strbuf_len(&sb));
    assert_true(at < strbuf_len(&sb));
    copy[at] = byte;
    rc = state_load(&b.dev, copy, strbuf_len(&sb), err);
    free(copy);
    strbuf_fini(&sb);
    return rc;
}

enum { HEADER = 19, FIELD_U8 = HEADER, FIELD_U16 = FIELD_U8 + 13 };

TEST(a_wrong_header_is_refused)
{
    assert_int_equal(load_patched(0, 'X', NULL), -EINVAL);
    assert_int_equal(load_patched(8, 6, NULL), -EINVAL);     /* fewer fields */
    assert_int_equal(load_patched(11, 0xff, NULL), -EINVAL); /* a great many */
    assert_int_equal(load_patched(13, 'G', NULL), -EINVAL);  /* another type */
    assert_int_equal(load_patched(4, 0, NULL), -EINVAL);     /* version 0 has no fields */
}

TEST(a_wrong_field_is_refused)
{
    struct error err;

    assert_int_equal(load_patched(FIELD_U8 + 1, 'q', &err), -EINVAL); /* q8 */
    assert_string_equal(err.text, "gadget 'g1': saved state has an unknown field 'q8'");
    assert_int_equal(load_patched(FIELD_U8 + 3, STATE_KIND_BYTES, NULL), -EINVAL);
    assert_int_equal(load_patched(FIELD_U8 + 4, 2, NULL), -EINVAL);  /* element size */
    assert_int_equal(load_patched(FIELD_U8 + 11, 1, NULL), -EINVAL); /* 2^24 elements more */
    assert_int_equal(load_patched(FIELD_U8 + 12, 0xff, NULL), 0);    /* the value is free */
}

TEST(a_bool_is_0_or_1)
{
    /* u8 13, u16 15, u32[3] 25, u64 21; then "flag": 1+4+1+4+4 bytes before the value. */
    size_t flag = HEADER + 13 + 15 + 25 + 21 + 14;

    assert_int_equal(load_patched(flag, 0, NULL), 0);
    assert_int_equal(load_patched(flag, 2, NULL), -EINVAL);
}

TEST(a_field_given_twice_is_refused)
{
    struct gadget a, b;
    struct strbuf sb;
    uint8_t *copy;
    size_t len;

    /* A table whose fields have names of one length, so that one can be patched to the other. */
    static const struct state_field table[] = { STATE_UINT(struct gadget, u16),
                                                { "v16", STATE_KIND_UINT,
                                                  offsetof(struct gadget, u8), 2, 1, 1 },
                                                STATE_END };
    static const struct device_ops ops = GADGET_OPS(table, 1);

    fill(&a, &ops);
    blank(&b, &ops);
    strbuf_init(&sb);
    assert_int_equal(state_save(&a.dev, &sb, NULL), 0);
    len = strbuf_len(&sb);
    copy = malloc(len);
    memcpy(copy, strbuf_str(&sb), len);
    copy[HEADER + 15 + 1] = 'u';
    assert_int_equal(state_load(&b.dev, copy, len, NULL), -EINVAL);
    assert_int_equal(b.resets, 0);
    free(copy);
    strbuf_fini(&sb);
}

TEST(a_refusing_post_load_leaves_a_reset_device)
{
    struct gadget a, b;
    struct strbuf sb;
    struct error err;

    fill(&a, &ops_v1);
    blank(&b, &ops_v1);
    b.refuse = true;
    strbuf_init(&sb);
    assert_int_equal(state_save(&a.dev, &sb, NULL), 0);
    assert_int_equal(state_load(&b.dev, strbuf_str(&sb), strbuf_len(&sb), &err), -EINVAL);
    assert_string_equal(err.text, "gadget 'g1': u8 is out of range");
    assert_int_equal(b.resets, 2);
    assert_int_equal(b.u8, 1);
    strbuf_fini(&sb);
}

TEST(printing_names_each_field)
{
    struct gadget a;
    struct strbuf sb;

    fill(&a, &ops_v1);
    strbuf_init(&sb);
    state_print(&a.dev, &sb);
    assert_string_equal(strbuf_str(&sb),
                        "u8 12\nu16 3456\nu32 1 89abcdef 3\nu64 123456789abcdef\nflag 1\n"
                        "flags 0 1\nbytes 73 65 76 65 6e 74 65 65 6e 20 61 6e 64 20 6d 6f ...\n");
    strbuf_fini(&sb);
}

TEST(a_device_without_state_saves_and_loads)
{
    static const struct device_ops ops = { .type = "none",
                                           .state_version = 1,
                                           .device_offset = offsetof(struct gadget, dev) };
    struct gadget a;
    struct strbuf sb;

    blank(&a, &ops);
    strbuf_init(&sb);
    assert_int_equal(state_save(&a.dev, &sb, NULL), 0);
    assert_int_equal(state_load(&a.dev, strbuf_str(&sb), strbuf_len(&sb), NULL), 0);
    strbuf_fini(&sb);
}

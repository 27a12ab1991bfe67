/*
 * dev/state.c - the walker over state tables.
 *
 * Loading goes twice over the buffer: first every header and value is checked and nothing is
 * changed, then the values are set. A cursor that has run out stays so, which keeps the checks
 * in one place: whoever reads past the end gets zeros and `bad` is set.
 */
#include "dev/state.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/endian.h"

static const char state_magic[4] = { 'V', 'D', 'S', '1' };

enum { PRINT_ELEMENTS = 16, NAME_BYTES = 255, SAVED_FIELDS_MAX = 4096 };

struct cursor {
    const uint8_t *at;
    size_t left;
    bool bad;
};

/* A field as the buffer has it. */
struct saved_field {
    const uint8_t *name;
    size_t name_len;
    uint8_t kind;
    uint32_t size, count;
    const uint8_t *data;
};

static const uint8_t *take(struct cursor *cursor, uint64_t len)
{
    const uint8_t *at = cursor->at;

    if (cursor->bad || len > cursor->left) {
        cursor->bad = true;
        return NULL;
    }
    cursor->at += len;
    cursor->left -= (size_t)len;
    return at;
}

static uint8_t take_u8(struct cursor *cursor)
{
    const uint8_t *at = take(cursor, 1);

    return at ? *at : 0;
}

static uint32_t take_u32(struct cursor *cursor)
{
    const uint8_t *at = take(cursor, 4);

    return at ? ld_le32(at) : 0;
}

static const uint8_t *take_name(struct cursor *cursor, size_t *ret_len)
{
    *ret_len = take_u8(cursor);
    return take(cursor, *ret_len);
}

static bool name_is(const uint8_t *name, size_t len, const char *want)
{
    return strlen(want) == len && memcmp(name, want, len) == 0;
}

static void add_u32(struct strbuf *out, uint32_t v)
{
    uint8_t bytes[4];

    st_le32(bytes, v);
    strbuf_add_bytes(out, bytes, sizeof(bytes));
}

static void add_name(struct strbuf *out, const char *name)
{
    size_t len = strlen(name);

    assert(len <= NAME_BYTES);
    strbuf_addc(out, (char)(uint8_t)len);
    strbuf_add_bytes(out, name, len);
}

/* An element's value in host order. */
static uint64_t get_uint(const void *at, uint32_t size)
{
    uint8_t v8;
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;

    switch (size) {
    case 1:
        memcpy(&v8, at, sizeof(v8));
        return v8;
    case 2:
        memcpy(&v16, at, sizeof(v16));
        return v16;
    case 4:
        memcpy(&v32, at, sizeof(v32));
        return v32;
    default:
        assert(size == 8);
        memcpy(&v64, at, sizeof(v64));
        return v64;
    }
}

/* Element of `size` bytes from the buffer's order to the host's. */
static void set_uint(void *at, const uint8_t *from, uint32_t size)
{
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;

    switch (size) {
    case 1:
        memcpy(at, from, 1);
        return;
    case 2:
        v16 = ld_le16(from);
        memcpy(at, &v16, sizeof(v16));
        return;
    case 4:
        v32 = ld_le32(from);
        memcpy(at, &v32, sizeof(v32));
        return;
    default:
        assert(size == 8);
        v64 = ld_le64(from);
        memcpy(at, &v64, sizeof(v64));
        return;
    }
}

static const struct state_field *table_of(const struct device *dev)
{
    static const struct state_field none[] = { STATE_END };

    return dev->ops->state ? dev->ops->state : none;
}

static void save_field(const uint8_t *base, const struct state_field *field, struct strbuf *out)
{
    add_name(out, field->name);
    strbuf_addc(out, (char)field->kind);
    add_u32(out, field->size);
    add_u32(out, field->count);
    if (field->kind != STATE_KIND_UINT) {
        strbuf_add_bytes(out, base + field->offset, field->count);
        return;
    }
    for (uint32_t i = 0; i < field->count; i++) {
        uint8_t bytes[8];

        st_le64(bytes, get_uint(base + field->offset + (size_t)i * field->size, field->size));
        strbuf_add_bytes(out, bytes, field->size);
    }
}

int state_save(struct device *dev, struct strbuf *out, struct error *err)
{
    const struct state_field *table = table_of(dev);
    uint32_t count = 0;

    while (table[count].kind != STATE_KIND_END)
        count++;
    strbuf_add_bytes(out, state_magic, sizeof(state_magic));
    add_u32(out, dev->ops->state_version);
    add_u32(out, count);
    add_name(out, dev->ops->type);
    pthread_mutex_lock(&dev->lock);
    if (dev->ops->pre_save != NULL)
        dev->ops->pre_save(dev);
    for (uint32_t i = 0; i < count; i++)
        save_field(device_storage(dev), &table[i], out);
    pthread_mutex_unlock(&dev->lock);
    if (!strbuf_ok(out))
        return error_set(err, ENOMEM, "%s '%s': no memory to save its state", dev->ops->type,
                         dev->id);
    return 0;
}

static bool next_field(struct cursor *cursor, struct saved_field *saved)
{
    saved->name = take_name(cursor, &saved->name_len);
    saved->kind = take_u8(cursor);
    saved->size = take_u32(cursor);
    saved->count = take_u32(cursor);
    saved->data = take(cursor, (uint64_t)saved->size * saved->count);
    return !cursor->bad;
}

/* The table's field of that name, or NULL. */
static const struct state_field *find_field(const struct state_field *table,
                                            const struct saved_field *saved)
{
    for (; table->kind != STATE_KIND_END; table++) {
        if (name_is(saved->name, saved->name_len, table->name))
            return table;
    }
    return NULL;
}

static int check_field(const struct state_field *field, const struct saved_field *saved,
                       uint32_t version, struct error *err)
{
    if (field == NULL)
        return error_set(err, EINVAL, "saved state has an unknown field '%.*s'",
                         (int)saved->name_len, (const char *)saved->name);
    if (field->since > version)
        return error_set(err, EINVAL, "field '%s' cannot be in a state of version %" PRIu32,
                         field->name, version);
    if (saved->kind != field->kind || saved->size != field->size || saved->count != field->count)
        return error_set(err, EINVAL,
                         "field '%s' is %" PRIu32 " x %" PRIu32 " bytes in the saved state, "
                         "%" PRIu32 " x %" PRIu32 " here",
                         field->name, saved->count, saved->size, field->count, field->size);
    if (field->kind == STATE_KIND_BOOL) {
        for (uint32_t i = 0; i < field->count; i++) {
            if (saved->data[i] > 1)
                return error_set(err, EINVAL, "field '%s' must be 0 or 1, not %u", field->name,
                                 saved->data[i]);
        }
    }
    return 0;
}

/* Fields of the table a state of that version must have; each at most once, so the sums agree
 * only if each is there. */
static uint32_t fields_of_version(const struct state_field *table, uint32_t version)
{
    uint32_t count = 0;

    for (; table->kind != STATE_KIND_END; table++)
        count += table->since <= version;
    return count;
}

static bool field_seen_before(struct cursor cursor, uint32_t before,
                              const struct saved_field *saved)
{
    struct saved_field other;

    for (uint32_t i = 0; i < before && next_field(&cursor, &other); i++) {
        if (other.name_len == saved->name_len &&
            memcmp(other.name, saved->name, saved->name_len) == 0)
            return true;
    }
    return false;
}

/* Reads the header and checks every field. On success *ret_fields stands at the first. */
static int check_state(const struct device *dev, const void *buf, size_t len,
                       struct cursor *ret_fields, uint32_t *ret_count, struct error *err)
{
    struct cursor cursor = { .at = buf, .left = len }, fields;
    const uint8_t *magic = take(&cursor, sizeof(state_magic));
    uint32_t version = take_u32(&cursor), count = take_u32(&cursor);
    size_t type_len;
    const uint8_t *type = take_name(&cursor, &type_len);
    struct saved_field saved;

    if (cursor.bad || memcmp(magic, state_magic, sizeof(state_magic)) != 0)
        return error_set(err, EINVAL, "not a saved device state");
    if (!name_is(type, type_len, dev->ops->type))
        return error_set(err, EINVAL, "saved state is of a '%.*s'", (int)type_len,
                         (const char *)type);
    if (version > dev->ops->state_version)
        return error_set(err, EINVAL,
                         "saved state has version %" PRIu32 ", this program knows up to %" PRIu32,
                         version, dev->ops->state_version);
    if (count > SAVED_FIELDS_MAX || count != fields_of_version(table_of(dev), version))
        return error_set(err, EINVAL,
                         "saved state has %" PRIu32 " fields, version %" PRIu32 " has %" PRIu32,
                         count, version, fields_of_version(table_of(dev), version));
    fields = cursor;
    for (uint32_t i = 0; i < count; i++) {
        int rc;

        if (!next_field(&cursor, &saved))
            return error_set(err, EINVAL, "saved state is cut short in field %" PRIu32, i);
        rc = check_field(find_field(table_of(dev), &saved), &saved, version, err);
        if (rc != 0)
            return rc;
        if (field_seen_before(fields, i, &saved))
            return error_set(err, EINVAL, "saved state has the field '%.*s' twice",
                             (int)saved.name_len, (const char *)saved.name);
    }
    if (cursor.left != 0)
        return error_set(err, EINVAL, "%zu bytes follow the saved state", cursor.left);
    *ret_fields = fields;
    *ret_count = count;
    return 0;
}

static void load_field(uint8_t *base, const struct state_field *field,
                       const struct saved_field *saved)
{
    if (field->kind != STATE_KIND_UINT) {
        memcpy(base + field->offset, saved->data, field->count);
        return;
    }
    for (uint32_t i = 0; i < field->count; i++)
        set_uint(base + field->offset + (size_t)i * field->size,
                 saved->data + (size_t)i * field->size, field->size);
}

int state_load(struct device *dev, const void *buf, size_t len, struct error *err)
{
    struct cursor fields = { 0 };
    struct saved_field saved;
    uint32_t count = 0;
    int rc = check_state(dev, buf, len, &fields, &count, err);

    if (rc != 0)
        return error_prefix(err, rc, "%s '%s'", dev->ops->type, dev->id);
    pthread_mutex_lock(&dev->lock);
    if (dev->ops->reset != NULL)
        dev->ops->reset(dev);
    for (uint32_t i = 0; i < count && next_field(&fields, &saved); i++)
        load_field(device_storage(dev), find_field(table_of(dev), &saved), &saved);
    if (dev->ops->post_load != NULL)
        rc = dev->ops->post_load(dev, err);
    if (rc != 0 && dev->ops->reset != NULL)
        dev->ops->reset(dev);
    pthread_mutex_unlock(&dev->lock);
    return rc == 0 ? 0 : error_prefix(err, rc, "%s '%s'", dev->ops->type, dev->id);
}

void state_print(struct device *dev, struct strbuf *out)
{
    const uint8_t *base = device_storage(dev);

    pthread_mutex_lock(&dev->lock);
    if (dev->ops->pre_save != NULL)
        dev->ops->pre_save(dev);
    for (const struct state_field *f = table_of(dev); f->kind != STATE_KIND_END; f++) {
        strbuf_add(out, f->name);
        for (uint32_t i = 0; i < f->count && i < PRINT_ELEMENTS; i++)
            strbuf_addf(out, " %" PRIx64,
                        get_uint(base + f->offset + (size_t)i * f->size, f->size));
        strbuf_add(out, f->count > PRINT_ELEMENTS ? " ...\n" : "\n");
    }
    pthread_mutex_unlock(&dev->lock);
}

const char *state_diff(struct device *a, struct device *b)
{
    const uint8_t *base_a = device_storage(a), *base_b = device_storage(b);
    const char *where = NULL;

    assert(a->ops == b->ops);
    if (a == b)
        return NULL;
    /* Two of a kind have no order among themselves; by address, any two threads agree. */
    pthread_mutex_lock(a < b ? &a->lock : &b->lock);
    pthread_mutex_lock(a < b ? &b->lock : &a->lock);
    if (a->ops->pre_save != NULL) {
        a->ops->pre_save(a);
        b->ops->pre_save(b);
    }
    for (const struct state_field *f = table_of(a); f->kind != STATE_KIND_END && !where; f++) {
        if (memcmp(base_a + f->offset, base_b + f->offset, (size_t)f->size * f->count) != 0)
            where = f->name;
    }
    pthread_mutex_unlock(&a->lock);
    pthread_mutex_unlock(&b->lock);
    return where;
}

/*
 * machine/fdt.c - composing and changing device trees with libfdt.
 *
 * libfdt works in a buffer of fixed size and says FDT_ERR_NOSPACE when it is full, having changed
 * nothing; every call here is then repeated in a larger buffer. The first failure is kept in the
 * builder and turns all later calls into nothing.
 */
#include "machine/fdt.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/load.h"

/* Linux maps no more than 2 MiB of a tree on some architectures; ours are some KiB. */
enum { FIRST_ROOM = 16 << 10, MAX_ROOM = 2 << 20, NAME_MAX_LEN = 64 };

struct dt_builder {
    void *data;
    int room;
    int depth;
    uint32_t phandles;
    int rc; /* the first failure, and its words */
    struct error err;
};

void dt_blob_fini(struct dt_blob *blob)
{
    free(blob->data);
    *blob = (struct dt_blob){ 0 };
}

static void fail(struct dt_builder *dt, int errnum, const char *what, const char *name,
                 const char *why)
{
    if (dt->rc == 0)
        dt->rc =
            error_set(&dt->err, errnum, "cannot %s '%s' in the device tree: %s", what, name, why);
}

/* True when the call is to be made again. */
static bool again(struct dt_builder *dt, int fdt_rc, const char *what, const char *name)
{
    void *data;
    int room = dt->room * 2;

    if (fdt_rc >= 0)
        return false;
    if (fdt_rc != -FDT_ERR_NOSPACE || room > MAX_ROOM) {
        fail(dt, fdt_rc == -FDT_ERR_NOSPACE ? E2BIG : EINVAL, what, name, fdt_strerror(fdt_rc));
        return false;
    }
    data = malloc((size_t)room);
    if (data == NULL) {
        fail(dt, ENOMEM, what, name, "the host is out of memory");
        return false;
    }
    fdt_rc = fdt_resize(dt->data, data, room);
    if (fdt_rc < 0) {
        free(data);
        fail(dt, EINVAL, what, name, fdt_strerror(fdt_rc));
        return false;
    }
    free(dt->data);
    dt->data = data;
    dt->room = room;
    return true;
}

int dt_builder_new(struct dt_builder **ret_dt, struct error *err)
{
    struct dt_builder *dt = calloc(1, sizeof(*dt));

    if (dt != NULL) {
        dt->data = malloc(FIRST_ROOM);
        dt->room = FIRST_ROOM;
    }
    if (dt == NULL || dt->data == NULL) {
        dt_builder_free(dt);
        return error_set(err, ENOMEM, "no memory to compose a device tree");
    }
    dt->rc = fdt_create(dt->data, dt->room);
    if (dt->rc == 0)
        dt->rc = fdt_finish_reservemap(dt->data);
    assert(dt->rc == 0); /* so little fits into FIRST_ROOM */
    dt_begin(dt, "%s", "");
    *ret_dt = dt;
    return 0;
}

void dt_builder_free(struct dt_builder *dt)
{
    if (dt == NULL)
        return;
    free(dt->data);
    free(dt);
}

int dt_builder_finish(struct dt_builder *dt, struct dt_blob *ret_blob, struct error *err)
{
    int rc;

    dt_end(dt);
    assert(dt->rc != 0 || dt->depth == 0); /* a node was begun and not ended */
    while (dt->rc == 0 && again(dt, fdt_finish(dt->data), "finish", "/"))
        ;
    rc = dt->rc;
    if (rc == 0) {
        ret_blob->size = fdt_totalsize(dt->data);
        ret_blob->data = dt->data;
        dt->data = NULL;
    } else if (err != NULL) {
        *err = dt->err;
    }
    dt_builder_free(dt);
    return rc;
}

void dt_begin(struct dt_builder *dt, const char *fmt, ...)
{
    char name[NAME_MAX_LEN];
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(name))
        fail(dt, ENAMETOOLONG, "begin node", name, "the name is too long");
    while (dt->rc == 0 && again(dt, fdt_begin_node(dt->data, name), "begin node", name))
        ;
    dt->depth++;
}

void dt_end(struct dt_builder *dt)
{
    assert(dt->depth > 0);
    dt->depth--;
    while (dt->rc == 0 && again(dt, fdt_end_node(dt->data), "end", "node"))
        ;
}

uint32_t dt_new_phandle(struct dt_builder *dt)
{
    return ++dt->phandles;
}

void dt_bytes(struct dt_builder *dt, const char *name, const void *bytes, size_t len)
{
    if (len > MAX_ROOM)
        fail(dt, E2BIG, "add", name, "the value is too long");
    while (dt->rc == 0 && again(dt, fdt_property(dt->data, name, bytes, (int)len), "add", name))
        ;
}

void dt_empty(struct dt_builder *dt, const char *name)
{
    dt_bytes(dt, name, NULL, 0);
}

void dt_u32(struct dt_builder *dt, const char *name, uint32_t value)
{
    dt_cells(dt, name, &value, 1);
}

void dt_u64(struct dt_builder *dt, const char *name, uint64_t value)
{
    fdt64_t be = cpu_to_fdt64(value);

    dt_bytes(dt, name, &be, sizeof(be));
}

void dt_string(struct dt_builder *dt, const char *name, const char *value)
{
    dt_bytes(dt, name, value, strlen(value) + 1);
}

void dt_strings(struct dt_builder *dt, const char *name, const char *const *values, size_t count)
{
    char *joined, *at;
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += strlen(values[i]) + 1;
    at = joined = malloc(len + 1);
    if (joined == NULL) {
        fail(dt, ENOMEM, "add", name, "the host is out of memory");
        return;
    }
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, values[i]) + 1;
    dt_bytes(dt, name, joined, len);
    free(joined);
}

void dt_cells(struct dt_builder *dt, const char *name, const uint32_t *cells, size_t count)
{
    fdt32_t *be = malloc(count * sizeof(*be) + 1);

    if (be == NULL) {
        fail(dt, ENOMEM, "add", name, "the host is out of memory");
        return;
    }
    for (size_t i = 0; i < count; i++)
        be[i] = cpu_to_fdt32(cells[i]);
    dt_bytes(dt, name, be, count * sizeof(*be));
    free(be);
}

void dt_reg(struct dt_builder *dt, uint64_t start, uint64_t size)
{
    fdt64_t reg[2] = { cpu_to_fdt64(start), cpu_to_fdt64(size) };

    dt_bytes(dt, "reg", reg, sizeof(reg));
}

int dt_blob_load(struct dt_blob *ret_blob, struct load_file *file, struct error *err)
{
    const char *name = load_file_name(file);
    uint64_t size = load_file_size(file);
    struct dt_blob blob;
    int rc;

    if (size > MAX_ROOM)
        return error_set(err, EFBIG,
                         "'%s' has %" PRIu64 " bytes; a device tree of more than %d is not one a "
                         "kernel maps",
                         name, size, MAX_ROOM);
    blob.size = (size_t)size;
    blob.data = malloc(blob.size); /* aligned for 64 bits, as libfdt asks */
    if (blob.data == NULL)
        return error_set(err, ENOMEM, "no memory for device tree '%s'", name);
    rc = load_file_read(file, 0, blob.data, blob.size, err);
    if (rc == 0)
        rc = dt_blob_check(&blob, name, err);
    if (rc < 0) {
        dt_blob_fini(&blob);
        return rc;
    }
    blob.size = fdt_totalsize(blob.data); /* what follows is not the tree's */
    *ret_blob = blob;
    return 0;
}

/* The node at path, made if only its last component is missing; or -FDT_ERR. */
static int find_or_make(void *data, const char *path)
{
    const char *last = strrchr(path, '/');
    int node = fdt_path_offset(data, path), parent;

    if (node != -FDT_ERR_NOTFOUND || last == NULL)
        return node;
    parent = last == path ? fdt_path_offset(data, "/")
                          : fdt_path_offset_namelen(data, path, (int)(last - path));
    return parent < 0 ? parent : fdt_add_subnode(data, parent, last + 1);
}

int dt_set_bytes(struct dt_blob *blob, const char *path, const char *name, const void *bytes,
                 size_t len, struct error *err)
{
    /* Enough at once: the value, a property and a node header, and both names. */
    size_t room = blob->size + len + strlen(name) + strlen(path) + 128;
    void *data;
    int rc;

    if (len > MAX_ROOM || room > MAX_ROOM)
        return error_set(err, E2BIG,
                         "cannot set '%s' of %s in the device tree: the tree would be larger than "
                         "the %d bytes a kernel maps",
                         name, path, MAX_ROOM);
    data = malloc(room);
    if (data == NULL)
        return error_set(err, ENOMEM, "no memory to change the device tree");
    rc = fdt_open_into(blob->data, data, (int)room);
    if (rc == 0)
        rc = find_or_make(data, path);
    if (rc >= 0)
        rc = fdt_setprop(data, rc, name, bytes, (int)len);
    if (rc == 0)
        rc = fdt_pack(data);
    if (rc < 0) {
        free(data);
        return error_set(err, EINVAL, "cannot set '%s' of %s in the device tree: %s", name, path,
                         fdt_strerror(rc));
    }
    free(blob->data);
    blob->data = data;
    blob->size = fdt_totalsize(data);
    return 0;
}

int dt_set_string(struct dt_blob *blob, const char *path, const char *name, const char *value,
                  struct error *err)
{
    return dt_set_bytes(blob, path, name, value, strlen(value) + 1, err);
}

int dt_set_u64(struct dt_blob *blob, const char *path, const char *name, uint64_t value,
               struct error *err)
{
    fdt64_t be = cpu_to_fdt64(value);

    return dt_set_bytes(blob, path, name, &be, sizeof(be), err);
}

int dt_make_room(struct dt_blob *blob, size_t bytes, struct error *err)
{
    size_t room = bytes < MAX_ROOM - blob->size ? blob->size + bytes : MAX_ROOM;
    void *data;

    if (room <= blob->size)
        return 0;
    data = calloc(1, room); /* the guest sees all of it */
    if (data == NULL || fdt_open_into(blob->data, data, (int)room) < 0) {
        free(data);
        return error_set(err, ENOMEM, "no memory for the device tree");
    }
    free(blob->data);
    blob->data = data;
    blob->size = room;
    return 0;
}

const void *dt_get(const struct dt_blob *blob, const char *path, const char *name, size_t *ret_len)
{
    int node = fdt_path_offset(blob->data, path), len = 0;
    const void *value = node < 0 ? NULL : fdt_getprop(blob->data, node, name, &len);

    if (value != NULL && ret_len != NULL)
        *ret_len = (size_t)len;
    return value;
}

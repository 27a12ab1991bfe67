/*
 * machine/fdt_check.c - is a file a device tree we can hand to libfdt, and of a RISC-V machine?
 *
 * libfdt checks what it walks over, but older versions trust lengths: a property that says it has
 * nearly 4 GiB makes fdt_check_full() of 1.6 walk in a circle, and a root without a name follows a
 * null pointer. So the structure block is walked here first, by the grammar of the Devicetree
 * Specification v0.4, 5.4; what passes, libfdt only has to confirm.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdbool.h>
#include <string.h>

#include "machine/fdt.h"

enum { TAG_SIZE = 4, RESERVE_ALIGN = 8 };

struct walk {
    const uint8_t *block; /* the structure block */
    size_t size, at;
};

/* The next big-endian word; false when none is left. */
static bool next_word(struct walk *walk, uint32_t *ret_word)
{
    fdt32_t word;

    if (walk->size - walk->at < sizeof(word))
        return false;
    memcpy(&word, walk->block + walk->at, sizeof(word));
    walk->at += sizeof(word);
    *ret_word = fdt32_to_cpu(word);
    return true;
}

/* Over len bytes and what aligns the next tag. */
static bool skip(struct walk *walk, size_t len)
{
    size_t left = walk->size - walk->at;

    if (len > left || (TAG_SIZE - len % TAG_SIZE) % TAG_SIZE > left - len)
        return false;
    walk->at += (len + TAG_SIZE - 1) / TAG_SIZE * TAG_SIZE;
    return true;
}

static bool skip_name(struct walk *walk, bool root)
{
    const uint8_t *name = walk->block + walk->at;
    const uint8_t *end = memchr(name, 0, walk->size - walk->at);

    return end != NULL && (!root || end == name) && skip(walk, (size_t)(end - name) + 1);
}

static bool skip_property(struct walk *walk)
{
    uint32_t len, name;

    return next_word(walk, &len) && next_word(walk, &name) && skip(walk, len);
}

/* What `tag` opens, closes or is, at this depth. */
static bool take(struct walk *walk, uint32_t tag, unsigned *depth)
{
    switch (tag) {
    case FDT_NOP:
        return true;
    case FDT_BEGIN_NODE:
        return skip_name(walk, (*depth)++ == 0);
    case FDT_END_NODE:
        return (*depth)-- > 0;
    case FDT_PROP:
        return *depth > 0 && skip_property(walk);
    default:
        return false;
    }
}

/* One root node with whole properties and nodes in it, then the end. */
static bool structure_is_whole(const void *data)
{
    struct walk walk = { (const uint8_t *)data + fdt_off_dt_struct(data), fdt_size_dt_struct(data),
                         0 };
    uint32_t tag;
    unsigned depth = 0, roots = 0;

    while (next_word(&walk, &tag)) {
        if (tag == FDT_END)
            return depth == 0 && roots == 1;
        if (tag == FDT_BEGIN_NODE && depth == 0)
            roots++;
        if (!take(&walk, tag, &depth))
            return false;
    }
    return false;
}

/* 0 or -FDT_ERR. */
static int check_layout(const void *data, size_t size)
{
    int rc = size < sizeof(struct fdt_header) ? -FDT_ERR_BADMAGIC : fdt_check_header(data);

    if (rc < 0)
        return rc;
    if (fdt_totalsize(data) > size)
        return -FDT_ERR_TRUNCATED;
    if (fdt_off_dt_struct(data) % TAG_SIZE != 0 || fdt_off_mem_rsvmap(data) % RESERVE_ALIGN != 0)
        return -FDT_ERR_ALIGNMENT;
    if (!structure_is_whole(data))
        return -FDT_ERR_BADSTRUCTURE;
    return fdt_check_full(data, size);
}

/* Some node under /cpus calls itself a RISC-V processor. */
static bool has_riscv_cpu(const void *data)
{
    int cpus = fdt_path_offset(data, "/cpus"), node;

    if (cpus < 0)
        return false;
    fdt_for_each_subnode(node, data, cpus)
    {
        if (fdt_node_check_compatible(data, node, "riscv") == 0 ||
            fdt_getprop(data, node, "riscv,isa", NULL) != NULL ||
            fdt_getprop(data, node, "riscv,isa-base", NULL) != NULL)
            return true;
    }
    return false;
}

int dt_blob_check(const struct dt_blob *blob, const char *name, struct error *err)
{
    int rc;

    /* Version 17 is of 2007; before it, the header does not say how long the structure is. */
    if (blob->size >= sizeof(struct fdt_header) && fdt_check_header(blob->data) == 0 &&
        fdt_version(blob->data) < 17)
        return error_set(err, EINVAL,
                         "device tree '%s' is of version %u, which nothing has written since 2007; "
                         "make it again with dtc",
                         name, fdt_version(blob->data));
    rc = check_layout(blob->data, blob->size);
    if (rc == -FDT_ERR_BADMAGIC)
        return error_set(err, EINVAL,
                         "'%s' is not a device tree blob (no magic d00dfeed); compile a source "
                         "with dtc -O dtb",
                         name);
    if (rc == -FDT_ERR_TRUNCATED)
        return error_set(err, EINVAL,
                         "device tree '%s' is cut short: the file has %zu bytes; copy it again",
                         name, blob->size);
    if (rc < 0)
        return error_set(err, EINVAL, "device tree '%s' is damaged (%s); make it again with dtc",
                         name, fdt_strerror(rc));
    if (!has_riscv_cpu(blob->data))
        return error_set(err, EINVAL,
                         "device tree '%s' has no RISC-V processor under /cpus: it is for another "
                         "machine",
                         name);
    return 0;
}

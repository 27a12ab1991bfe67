/*
 * devices/virtio/chain.c - descriptor chains: copied, checked as a whole, turned into segments.
 *
 * The walk loads every descriptor once, into a local copy, and decides by the copy alone: the
 * driver may change the table meanwhile and gets either the old or the new descriptor, never a
 * mix of checked and used values. Rules, each answered by "why" and no effect:
 *
 *   2.7.5      next and head are inside the table
 *   2.7.5.2    no loop; at most 2^32 bytes in total
 *   2.7.4.2    what the device writes comes after all that it reads
 *   2.7.5.3.1  an indirect table only if negotiated, no NEXT beside it, none within another
 *   2.7.5.3    its length is a multiple of 16, and not 0
 *   2.7.13.1   every element is at least one byte
 *   ours       plain RAM throughout (RAM or ROM to read); at most VIRTQ_MAX_SEGS segments
 *   2.7.5.1    nothing to write lies in a ring part or in the indirect table in use
 *   ours       nothing to write lies upon something to read of the same chain
 *
 * Two writable elements may overlap: an unprivileged program in the guest can ask for that
 * (readv() twice into one page, unbuffered), and must not be able to stop the disk by it. The
 * result is bytes of one or the other, which is what such a program gets on hardware.
 *
 * A loop needs no marks: in a table of n entries a chain longer than n has visited one twice.
 */
#include "devices/virtio/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

/* A chain under construction; segments go to vq->scratch. */
struct walk {
    struct virtq *vq;
    const char *why;
    unsigned count, out_count;
    uint64_t out_len, in_len;
    gpa_t table; /* the indirect table, once there is one */
    uint64_t table_len;
};

static bool refuse(struct walk *walk, const char *why)
{
    walk->why = why;
    return false;
}

static bool ranges_overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
    return a < b ? b - a < a_len : a - b < b_len;
}

static bool in_area(const struct virtq_area *area, gpa_t gpa, uint64_t len)
{
    return ranges_overlap(area->gpa, area->len, gpa, len);
}

/* Two relaxed 8-byte loads: each is one load, whatever the compiler would like. */
static struct desc desc_decode(const uint64_t raw[2])
{
    uint64_t word = le64_to_host(raw[1]);

    return (struct desc){ .addr = le64_to_host(raw[0]),
                          .len = (uint32_t)word,
                          .flags = (uint16_t)(word >> 32),
                          .next = (uint16_t)(word >> 48) };
}

static struct desc desc_load_aligned(const uint8_t *hva)
{
    const uint64_t *at = (const uint64_t *)(const void *)hva;
    uint64_t raw[2] = { __atomic_load_n(&at[0], __ATOMIC_RELAXED),
                        __atomic_load_n(&at[1], __ATOMIC_RELAXED) };

    return desc_decode(raw);
}

/* An indirect table may start at any byte and cross from one RAM block to the next. */
static bool desc_load_indirect(struct walk *walk, gpa_t gpa, struct desc *ret_desc)
{
    uint64_t raw[2];
    size_t done = 0;

    while (done < sizeof(raw)) {
        struct mem_slice slice;

        if (!mem_slice(walk->vq->space, gpa + done, sizeof(raw) - done, MEM_PERM_READ, &slice))
            return refuse(walk, "indirect table is not in RAM");
        if (slice.len == sizeof(raw) && ((uintptr_t)slice.hva & 7) == 0) {
            *ret_desc = desc_load_aligned(slice.hva);
            return true;
        }
        for (size_t i = 0; i < slice.len; i++) /* one load per byte */
            ((uint8_t *)raw)[done + i] = __atomic_load_n(&slice.hva[i], __ATOMIC_RELAXED);
        done += slice.len;
    }
    *ret_desc = desc_decode(raw);
    return true;
}

/* One element becomes a segment, or several where RAM blocks meet. */
static bool add_segments(struct walk *walk, const struct desc *desc, enum mem_perm perm)
{
    uint64_t done = 0;

    while (done < desc->len) {
        struct mem_slice slice;

        if (walk->count == VIRTQ_MAX_SEGS)
            return refuse(walk, "chain has too many segments");
        if (!mem_slice(walk->vq->space, desc->addr + done, desc->len - done, perm, &slice))
            return refuse(walk, "buffer is not in RAM");
        walk->vq->scratch[walk->count++] = (struct virtq_seg){
            .hva = slice.hva,
            .len = slice.len,
            .ram = ram_block_ref(slice.ram),
            .ram_offset = slice.ram_offset,
        };
        done += slice.len;
    }
    return true;
}

static bool add_element(struct walk *walk, const struct desc *desc)
{
    const struct virtq *vq = walk->vq;
    bool writable = (desc->flags & VIRTQ_DESC_F_WRITE) != 0;

    if (desc->len == 0)
        return refuse(walk, "buffer of length 0");
    if (desc->addr + desc->len - 1 < desc->addr)
        return refuse(walk, "buffer runs past the end of the address space");
    if (walk->out_len + walk->in_len + desc->len > (uint64_t)1 << 32)
        return refuse(walk, "chain is longer than 4 GiB");
    if (!writable) {
        if (walk->in_len > 0)
            return refuse(walk, "readable buffer after a writable one");
        if (!add_segments(walk, desc, MEM_PERM_READ))
            return false;
        walk->out_len += desc->len;
        walk->out_count = walk->count;
        return true;
    }
    if (in_area(&vq->desc, desc->addr, desc->len) || in_area(&vq->avail, desc->addr, desc->len) ||
        in_area(&vq->used, desc->addr, desc->len))
        return refuse(walk, "writable buffer lies upon the queue itself");
    if (walk->table_len > 0 && ranges_overlap(walk->table, walk->table_len, desc->addr, desc->len))
        return refuse(walk, "writable buffer lies upon its descriptor table");
    if (!add_segments(walk, desc, MEM_PERM_WRITE))
        return false;
    walk->in_len += desc->len;
    return true;
}

static bool walk_indirect(struct walk *walk, const struct desc *ref)
{
    uint32_t entries = ref->len / VIRTQ_DESC_SIZE, at = 0;

    if (!walk->vq->indirect)
        return refuse(walk, "indirect table, which was not negotiated");
    if ((ref->flags & VIRTQ_DESC_F_NEXT) != 0)
        return refuse(walk, "indirect table with a next descriptor");
    if (ref->len == 0 || ref->len % VIRTQ_DESC_SIZE != 0)
        return refuse(walk, "indirect table's length is not a positive multiple of 16");
    if (ref->addr + ref->len - 1 < ref->addr)
        return refuse(walk, "indirect table runs past the end of the address space");
    walk->table = ref->addr;
    walk->table_len = ref->len;
    for (uint32_t steps = 0;; steps++) {
        struct desc desc;

        if (at >= entries)
            return refuse(walk, "next descriptor outside the indirect table");
        if (steps == entries)
            return refuse(walk, "loop in an indirect table");
        if (!desc_load_indirect(walk, ref->addr + (uint64_t)at * VIRTQ_DESC_SIZE, &desc))
            return false;
        if ((desc.flags & VIRTQ_DESC_F_INDIRECT) != 0)
            return refuse(walk, "indirect table within an indirect table");
        if (!add_element(walk, &desc))
            return false;
        if ((desc.flags & VIRTQ_DESC_F_NEXT) == 0)
            return true;
        at = desc.next;
    }
}

static bool walk_chain(struct walk *walk, uint16_t head)
{
    const struct virtq *vq = walk->vq;
    uint16_t at = head;

    for (unsigned steps = 0;; steps++) {
        struct desc desc;

        if (at >= vq->size)
            return refuse(walk, "descriptor index outside the table");
        if (steps == vq->size)
            return refuse(walk, "loop in the descriptor chain");
        desc = desc_load_aligned(vq->desc.hva + (size_t)at * VIRTQ_DESC_SIZE);
        if ((desc.flags & VIRTQ_DESC_F_INDIRECT) != 0)
            return walk_indirect(walk, &desc); /* the last of its chain (2.7.5.3.1) */
        if (!add_element(walk, &desc))
            return false;
        if ((desc.flags & VIRTQ_DESC_F_NEXT) == 0)
            return true;
        at = desc.next;
    }
}

/* Few readable segments (headers) or few writable ones (a status): the product stays small. The
 * exception, many of both, no device of ours asks for; it is cut off by a bound on the work. */
static bool check_in_upon_out(struct walk *walk)
{
    const struct virtq_seg *seg = walk->vq->scratch;
    unsigned in_count = walk->count - walk->out_count;

    if ((uint64_t)walk->out_count * in_count > (uint64_t)16 * VIRTQ_MAX_SEGS)
        return refuse(walk, "chain with too many readable and writable segments at once");
    for (unsigned i = 0; i < walk->out_count; i++) {
        for (unsigned j = walk->out_count; j < walk->count; j++) {
            if (seg[i].ram == seg[j].ram &&
                ranges_overlap(seg[i].ram_offset, seg[i].len, seg[j].ram_offset, seg[j].len))
                return refuse(walk, "writable buffer lies upon a readable one");
        }
    }
    return true;
}

static struct virtq_chain *chain_from(struct walk *walk, uint16_t head)
{
    struct virtq *vq = walk->vq;
    struct virtq_chain *chain = malloc(sizeof(*chain) + walk->count * sizeof(chain->seg[0]));

    if (chain == NULL) {
        walk->why = "no memory for the chain";
        return NULL;
    }
    chain->vq = vq;
    chain->next = NULL;
    chain->generation = vq->generation;
    chain->head = head;
    chain->out_count = walk->out_count;
    chain->in_count = walk->count - walk->out_count;
    chain->out_len = walk->out_len;
    chain->in_len = walk->in_len;
    memcpy(chain->seg, vq->scratch, walk->count * sizeof(chain->seg[0]));
    return chain;
}

struct virtq_chain *virtq_chain_build(struct virtq *vq, uint16_t head, const char **ret_why)
{
    struct walk walk = { .vq = vq };
    struct virtq_chain *chain = NULL;

    mem_read_lock();
    if (walk_chain(&walk, head) && check_in_upon_out(&walk))
        chain = chain_from(&walk, head);
    mem_read_unlock();
    if (chain == NULL) {
        for (unsigned i = 0; i < walk.count; i++)
            ram_block_unref(vq->scratch[i].ram);
        *ret_why = walk.why;
    }
    return chain;
}

void virtq_chain_free(struct virtq_chain *chain)
{
    for (unsigned i = 0; i < chain->out_count + chain->in_count; i++)
        ram_block_unref(chain->seg[i].ram);
    free(chain);
}

/* ---- what devices do with a chain ---- */

/* Where byte `offset` of a run of segments is: the index of its segment, and how far in. */
static unsigned seg_find(const struct virtq_seg *seg, unsigned count, uint64_t offset,
                         size_t *ret_skip)
{
    unsigned i = 0;

    while (i < count && offset >= seg[i].len)
        offset -= seg[i++].len;
    *ret_skip = (size_t)offset;
    return i;
}

/* The guest may write memory as we read it, or hand us one buffer twice; that race is the driver's
 * mistake and no undefined behaviour of ours, as bytes are all that moves. ThreadSanitizer has to
 * be told so, byte by byte. */
static void guest_copy(void *to, const void *from, size_t len)
{
#ifdef MEM_TSAN
    for (size_t i = 0; i < len; i++)
        __atomic_store_n((uint8_t *)to + i,
                         __atomic_load_n((const uint8_t *)from + i, __ATOMIC_RELAXED),
                         __ATOMIC_RELAXED);
#else
    memcpy(to, from, len);
#endif
}

size_t virtq_chain_read(const struct virtq_chain *chain, uint64_t offset, void *buf, size_t len)
{
    size_t skip, done = 0;
    unsigned i = seg_find(chain->seg, chain->out_count, offset, &skip);

    for (; i < chain->out_count && done < len; i++, skip = 0) {
        size_t part = chain->seg[i].len - skip < len - done ? chain->seg[i].len - skip : len - done;

        guest_copy((uint8_t *)buf + done, chain->seg[i].hva + skip, part);
        done += part;
    }
    return done;
}

size_t virtq_chain_write(const struct virtq_chain *chain, uint64_t offset, const void *buf,
                         size_t len)
{
    const struct virtq_seg *seg = chain->seg + chain->out_count;
    size_t skip, done = 0;
    unsigned i = seg_find(seg, chain->in_count, offset, &skip);

    for (; i < chain->in_count && done < len; i++, skip = 0) {
        size_t part = seg[i].len - skip < len - done ? seg[i].len - skip : len - done;

        guest_copy(seg[i].hva + skip, (const uint8_t *)buf + done, part);
        ram_block_device_wrote(seg[i].ram, seg[i].ram_offset + skip, part);
        done += part;
    }
    return done;
}

unsigned virtq_chain_iov(const struct virtq_chain *chain, bool writable, uint64_t offset,
                         uint64_t len, struct iovec *iov)
{
    const struct virtq_seg *seg = chain->seg + (writable ? chain->out_count : 0);
    unsigned count = writable ? chain->in_count : chain->out_count, n = 0;
    size_t skip;
    unsigned i = seg_find(seg, count, offset, &skip);

    for (; i < count && len > 0; i++, skip = 0) {
        size_t part = seg[i].len - skip < len ? seg[i].len - skip : (size_t)len;

        iov[n++] = (struct iovec){ .iov_base = seg[i].hva + skip, .iov_len = part };
        len -= part;
    }
    return n;
}

void virtq_chain_wrote(const struct virtq_chain *chain, uint64_t offset, uint64_t len)
{
    const struct virtq_seg *seg = chain->seg + chain->out_count;
    size_t skip;
    unsigned i = seg_find(seg, chain->in_count, offset, &skip);

    for (; i < chain->in_count && len > 0; i++, skip = 0) {
        size_t part = seg[i].len - skip < len ? seg[i].len - skip : (size_t)len;

        ram_block_device_wrote(seg[i].ram, seg[i].ram_offset + skip, part);
        len -= part;
    }
}

bool virtq_chain_tail_overlaps(const struct virtq_chain *chain)
{
    const struct virtq_seg *seg = chain->seg + chain->out_count, *last;
    size_t tail;

    if (chain->in_count == 0)
        return false;
    last = &seg[chain->in_count - 1];
    tail = last->ram_offset + last->len - 1;
    for (unsigned i = 0; i + 1 < chain->in_count; i++) {
        if (seg[i].ram == last->ram && ranges_overlap(seg[i].ram_offset, seg[i].len, tail, 1))
            return true;
    }
    return false;
}

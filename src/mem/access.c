/*
 * mem/access.c - reading and writing through a space.
 *
 * Plain memory is copied, or for one access of a hart loaded and stored atomically; everything
 * else goes to the region's ops in pieces the device declared it takes, under its lock. The
 * guest chooses addresses and sizes: whatever falls outside is an answer, never an assertion.
 */
#include <assert.h>
#include <string.h>

#include "mem/view.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "guest memory is kept as the host's");

/* Guest memory is shared with whoever writes it, and that is the guest's affair: no data race of
 * ours. Only ThreadSanitizer has to be told so, byte by byte. */
#ifdef MEM_TSAN
static void copy_from_guest(void *to, const uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)to)[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

static void copy_to_guest(uint8_t *to, const void *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        __atomic_store_n(&to[i], ((const uint8_t *)from)[i], __ATOMIC_RELAXED);
}
#else
static inline void copy_from_guest(void *to, const uint8_t *from, size_t len)
{
    memcpy(to, from, len);
}

static inline void copy_to_guest(uint8_t *to, const void *from, size_t len)
{
    memcpy(to, from, len);
}
#endif

static bool is_aligned(const void *p, unsigned size)
{
    return ((uintptr_t)p & (size - 1)) == 0;
}

static uint64_t ram_load(const uint8_t *p, unsigned size)
{
    uint64_t val = 0;

    if (!is_aligned(p, size)) {
        copy_from_guest(&val, p, size);
        return val;
    }
    switch (size) {
    case 1:
        return __atomic_load_n(p, __ATOMIC_RELAXED);
    case 2:
        return __atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_RELAXED);
    case 4:
        return __atomic_load_n((const uint32_t *)(const void *)p, __ATOMIC_RELAXED);
    default:
        return __atomic_load_n((const uint64_t *)(const void *)p, __ATOMIC_RELAXED);
    }
}

static void ram_store(uint8_t *p, unsigned size, uint64_t val)
{
    if (!is_aligned(p, size)) {
        copy_to_guest(p, &val, size);
        return;
    }
    switch (size) {
    case 1:
        __atomic_store_n(p, (uint8_t)val, __ATOMIC_RELAXED);
        return;
    case 2:
        __atomic_store_n((uint16_t *)(void *)p, (uint16_t)val, __ATOMIC_RELAXED);
        return;
    case 4:
        __atomic_store_n((uint32_t *)(void *)p, (uint32_t)val, __ATOMIC_RELAXED);
        return;
    default:
        __atomic_store_n((uint64_t *)(void *)p, val, __ATOMIC_RELAXED);
    }
}

/* The low `size` bytes. */
static uint64_t low_bytes(uint64_t val, unsigned size)
{
    return size >= 8 ? val : val & (((uint64_t)1 << size * 8) - 1);
}

/* The largest aligned piece at `off`, of `left` bytes to go, that the device takes; or one that
 * is narrower than it takes. */
static unsigned piece_size(const struct mem_region_ops *ops, uint64_t off, unsigned left)
{
    unsigned size = ops->max_size;

    while (size > left || (off & (size - 1)) != 0)
        size /= 2;
    return size;
}

/* Up to 8 bytes of MMIO, the region's lock held. */
static enum mem_result ops_read_locked(struct mem_region *region, uint64_t off, unsigned size,
                                       uint64_t *ret_val)
{
    const struct mem_region_ops *ops = region->ops;
    uint64_t val = 0;

    for (unsigned done = 0; done < size;) {
        uint64_t at = off + done, part = 0;
        unsigned n = piece_size(ops, at, size - done), skip = 0;
        enum mem_result result;

        if (n < ops->min_size) {
            if (!ops->widen)
                return MEM_FAULT;
            skip = (unsigned)(at & (ops->min_size - 1u));
            n = ops->min_size - skip < size - done ? ops->min_size - skip : size - done;
            result = ops->read(region, at - skip, ops->min_size, &part);
        } else {
            result = ops->read(region, at, n, &part);
        }
        if (result != MEM_OK)
            return result;
        val |= low_bytes(part >> skip * 8, n) << done * 8;
        done += n;
    }
    *ret_val = val;
    return MEM_OK;
}

static enum mem_result ops_write_locked(struct mem_region *region, uint64_t off, unsigned size,
                                        uint64_t val)
{
    const struct mem_region_ops *ops = region->ops;

    for (unsigned done = 0; done < size;) {
        uint64_t at = off + done, part = val >> done * 8;
        unsigned n = piece_size(ops, at, size - done), skip;
        enum mem_result result;

        if (n < ops->min_size) {
            if (!ops->widen)
                return MEM_FAULT;
            skip = (unsigned)(at & (ops->min_size - 1u));
            n = ops->min_size - skip < size - done ? ops->min_size - skip : size - done;
            result = ops->write(region, at - skip, ops->min_size, low_bytes(part, n) << skip * 8);
        } else {
            result = ops->write(region, at, n, low_bytes(part, n));
        }
        if (result != MEM_OK)
            return result;
        done += n;
    }
    return MEM_OK;
}

static enum mem_result ops_read(struct mem_region *region, uint64_t off, unsigned size,
                                uint64_t *ret_val)
{
    enum mem_result result;

    if (region->ops == NULL)
        return MEM_UNMAPPED;
    if (region->ops->read == NULL)
        return MEM_FAULT;
    if (region->lock != NULL)
        pthread_mutex_lock(region->lock);
    result = ops_read_locked(region, off, size, ret_val);
    if (region->lock != NULL)
        pthread_mutex_unlock(region->lock);
    return result;
}

static enum mem_result ops_write(struct mem_region *region, uint64_t off, unsigned size,
                                 uint64_t val)
{
    enum mem_result result;

    if (region->ops == NULL) /* ROM */
        return MEM_UNMAPPED;
    if (region->ops->write == NULL)
        return MEM_FAULT;
    if (region->lock != NULL)
        pthread_mutex_lock(region->lock);
    result = ops_write_locked(region, off, size, val);
    if (region->lock != NULL)
        pthread_mutex_unlock(region->lock);
    return result;
}

/* A hart's access is one access: unless the device says it does not mind, it must be aligned and
 * not too narrow, and is refused before any part of it is done. */
static bool ops_refuse(const struct mem_region *region, uint64_t off, unsigned size)
{
    const struct mem_region_ops *ops = region->ops;

    return ops != NULL && !ops->widen && (size < ops->min_size || (off & (size - 1)) != 0);
}

/* Whether [gpa, gpa + size) lies in the range. */
static bool range_holds(const struct mem_range *range, gpa_t gpa, size_t size)
{
    return gpa >= range->start && gpa <= range->last && size - 1 <= range->last - gpa;
}

enum mem_result mem_range_load(const struct mem_range *range, gpa_t gpa, unsigned size,
                               uint64_t *ret_val)
{
    uint64_t at = gpa - range->start;

    assert(size == 1 || size == 2 || size == 4 || size == 8);
    if (!range_holds(range, gpa, size))
        return MEM_UNMAPPED;
    if (range->readable) {
        *ret_val = ram_load(range->ram->hva + range->ram_offset + at, size);
        return MEM_OK;
    }
    if (ops_refuse(range->region, range->region_offset + at, size))
        return MEM_FAULT;
    return ops_read(range->region, range->region_offset + at, size, ret_val);
}

enum mem_result mem_range_store(const struct mem_range *range, gpa_t gpa, unsigned size,
                                uint64_t val)
{
    uint64_t at = gpa - range->start;

    assert(size == 1 || size == 2 || size == 4 || size == 8);
    if (!range_holds(range, gpa, size))
        return MEM_UNMAPPED;
    if (range->writable) {
        ram_store(range->ram->hva + range->ram_offset + at, size, val);
        ram_block_wrote(range->ram, range->ram_offset + at, size);
        return MEM_OK;
    }
    if (ops_refuse(range->region, range->region_offset + at, size))
        return MEM_FAULT;
    return ops_write(range->region, range->region_offset + at, size, val);
}

/* What one step of a copy takes of `len`: to the end of the range, and of MMIO at most up to the
 * next multiple of 8, so that pieces stay aligned. */
static size_t step_size(const struct mem_range *range, gpa_t gpa, size_t len, bool plain)
{
    size_t step = len - 1 > range->last - gpa ? (size_t)(range->last - gpa) + 1 : len;
    size_t unit = (size_t)(8 - ((gpa - range->start + range->region_offset) & 7));

    return plain || step < unit ? step : unit;
}

/* Inside the read side. */
static enum mem_result read_view(const struct mem_view *view, gpa_t gpa, uint8_t *buf, size_t len)
{
    while (len != 0) {
        const struct mem_range *range = mem_view_find(view, gpa);
        size_t step;

        if (range == NULL)
            return MEM_UNMAPPED;
        step = step_size(range, gpa, len, range->readable);
        if (range->readable) {
            copy_from_guest(buf, range->ram->hva + range->ram_offset + (gpa - range->start), step);
        } else {
            uint64_t val;
            enum mem_result result = ops_read(
                range->region, range->region_offset + (gpa - range->start), (unsigned)step, &val);

            if (result != MEM_OK)
                return result;
            memcpy(buf, &val, step);
        }
        gpa += step;
        buf += step;
        len -= step;
        if (gpa == 0 && len != 0) /* the top of the space does not lead to its bottom */
            return MEM_UNMAPPED;
    }
    return MEM_OK;
}

static enum mem_result write_view(const struct mem_view *view, gpa_t gpa, const uint8_t *buf,
                                  size_t len)
{
    while (len != 0) {
        const struct mem_range *range = mem_view_find(view, gpa);
        size_t step;

        if (range == NULL)
            return MEM_UNMAPPED;
        step = step_size(range, gpa, len, range->writable);
        if (range->writable) {
            size_t at = range->ram_offset + (gpa - range->start);

            copy_to_guest(range->ram->hva + at, buf, step);
            ram_block_device_wrote(range->ram, at, step);
        } else {
            uint64_t val = 0;
            enum mem_result result;

            memcpy(&val, buf, step);
            result = ops_write(range->region, range->region_offset + (gpa - range->start),
                               (unsigned)step, val);
            if (result != MEM_OK)
                return result;
        }
        gpa += step;
        buf += step;
        len -= step;
        if (gpa == 0 && len != 0)
            return MEM_UNMAPPED;
    }
    return MEM_OK;
}

enum mem_result mem_read(struct mem_space *space, gpa_t gpa, void *buf, size_t len)
{
    enum mem_result result;

    mem_read_lock();
    result = read_view(mem_space_view(space), gpa, buf, len);
    mem_read_unlock();
    return result;
}

enum mem_result mem_write(struct mem_space *space, gpa_t gpa, const void *buf, size_t len)
{
    enum mem_result result;

    mem_read_lock();
    result = write_view(mem_space_view(space), gpa, buf, len);
    mem_read_unlock();
    return result;
}

enum mem_result mem_load(struct mem_space *space, gpa_t gpa, unsigned size, uint64_t *ret_val)
{
    const struct mem_range *range;
    const struct mem_view *view;
    enum mem_result result = MEM_UNMAPPED;

    mem_read_lock();
    view = mem_space_view(space);
    range = mem_view_find(view, gpa);
    if (range != NULL && range_holds(range, gpa, size)) {
        result = mem_range_load(range, gpa, size, ret_val);
    } else if (range != NULL) {
        uint64_t val = 0;

        result = read_view(view, gpa, (uint8_t *)&val, size);
        if (result == MEM_OK)
            *ret_val = val;
    }
    mem_read_unlock();
    return result;
}

enum mem_result mem_store(struct mem_space *space, gpa_t gpa, unsigned size, uint64_t val)
{
    const struct mem_range *range;
    const struct mem_view *view;
    enum mem_result result = MEM_UNMAPPED;

    mem_read_lock();
    view = mem_space_view(space);
    range = mem_view_find(view, gpa);
    if (range != NULL && range_holds(range, gpa, size))
        result = mem_range_store(range, gpa, size, val);
    else if (range != NULL)
        result = write_view(view, gpa, (const uint8_t *)&val, size);
    mem_read_unlock();
    return result;
}

bool mem_slice(struct mem_space *space, gpa_t gpa, size_t len, enum mem_perm perm,
               struct mem_slice *ret_slice)
{
    const struct mem_range *range = mem_find(space, gpa);

    if (range == NULL || len == 0 || !(perm == MEM_PERM_READ ? range->readable : range->writable))
        return false;
    *ret_slice = (struct mem_slice){
        .len = step_size(range, gpa, len, true),
        .ram = range->ram,
        .ram_offset = range->ram_offset + (gpa - range->start),
    };
    ret_slice->hva = range->ram->hva + ret_slice->ram_offset;
    return true;
}

const struct mem_range *mem_find(struct mem_space *space, gpa_t gpa)
{
    return mem_view_find(mem_space_view(space), gpa);
}

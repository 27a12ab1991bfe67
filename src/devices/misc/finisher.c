/*
 * devices/misc/finisher.c - one write-only register at offset 0: power off, fail with a code,
 * reset.
 *
 * Any other value, and any other offset, does nothing. Reads are 0.
 */
#include "devices/misc/finisher.h"

#include "base/compiler.h"

static enum mem_result finisher_read(struct mem_region *region, gpa_t off, unsigned size,
                                     uint64_t *val)
{
    (void)region;
    (void)off;
    (void)size;
    *val = 0;
    return MEM_OK;
}

static enum mem_result finisher_write(struct mem_region *region, gpa_t off, unsigned size,
                                      uint64_t val)
{
    struct finisher *finisher = container_of(region, struct finisher, mmio);

    (void)size;
    if (off != 0)
        return MEM_OK;
    switch (val & 0xffff) {
    case FINISHER_PASS:
        finisher->finish(finisher->opaque, FINISH_POWER_OFF, 0);
        break;
    case FINISHER_FAIL:
        finisher->finish(finisher->opaque, FINISH_FAIL, (unsigned)(val >> 16 & 0xffff));
        break;
    case FINISHER_RESET:
        finisher->finish(finisher->opaque, FINISH_RESET, 0);
        break;
    default:
        break;
    }
    return MEM_OK;
}

static const struct mem_region_ops finisher_mem_ops = {
    .read = finisher_read,
    .write = finisher_write,
    .min_size = 2,
    .max_size = 4,
};

static const struct device_ops finisher_ops = {
    .type = "finisher",
    .state_version = 1,
    .device_offset = offsetof(struct finisher, dev),
};

void finisher_init(struct finisher *finisher, const char *id,
                   void (*finish)(void *opaque, enum finish how, unsigned code), void *opaque)
{
    *finisher = (struct finisher){ .finish = finish, .opaque = opaque };
    device_init(&finisher->dev, &finisher_ops, id);
    mem_region_init_mmio(&finisher->mmio, id, FINISHER_SIZE, &finisher_mem_ops,
                         &finisher->dev.lock);
}

void finisher_fini(struct finisher *finisher)
{
    device_unrealize(&finisher->dev);
    mem_region_fini(&finisher->mmio);
    device_fini(&finisher->dev);
}

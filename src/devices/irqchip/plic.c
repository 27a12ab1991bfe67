/*
 * devices/irqchip/plic.c - wraps plic_core as a device: region, lock, state table, lines.
 *
 * Every entry (a guest's access, a source's change, reset, load) comes with or takes dev.lock, so
 * the core sees one caller at a time and the harts' lines change in the order the core says.
 */
#include "devices/irqchip/plic.h"

#include <assert.h>

#include "base/compiler.h"

static void plic_set_output(struct plic_core *core, unsigned context, bool level)
{
    irq_set(&container_of(core, struct plic, core)->outputs[context], level);
}

static void plic_set_source(void *sink, unsigned source, bool level)
{
    struct plic *plic = sink;

    pthread_mutex_lock(&plic->dev.lock);
    plic_core_set_source(&plic->core, source, level);
    pthread_mutex_unlock(&plic->dev.lock);
}

struct irq_line plic_irq(struct plic *plic, unsigned source)
{
    assert(source > 0 && source < plic->core.sources);
    return (struct irq_line){ .set = plic_set_source, .sink = plic, .number = source };
}

static enum mem_result plic_read(struct mem_region *region, gpa_t off, unsigned size, uint64_t *val)
{
    struct plic *plic = container_of(region, struct plic, mmio);

    (void)size; /* always 4 */
    *val = plic_core_read(&plic->core, (uint32_t)off);
    return MEM_OK;
}

static enum mem_result plic_write(struct mem_region *region, gpa_t off, unsigned size, uint64_t val)
{
    struct plic *plic = container_of(region, struct plic, mmio);

    (void)size;
    plic_core_write(&plic->core, (uint32_t)off, (uint32_t)val);
    return MEM_OK;
}

static const struct mem_region_ops plic_mem_ops = {
    .read = plic_read,
    .write = plic_write,
    .min_size = 4,
    .max_size = 4,
};

static void plic_reset(struct device *dev)
{
    plic_core_reset(&container_of(dev, struct plic, dev)->core);
}

static int plic_post_load(struct device *dev, struct error *err)
{
    (void)err; /* the core masks what cannot be */
    plic_core_refresh(&container_of(dev, struct plic, dev)->core);
    return 0;
}

/* The sources' levels belong to the devices that drive them, but a device restored before the PLIC
 * has driven its line already and one restored later drives it again: both end with the same. */
static const struct state_field plic_state[] = {
    STATE_UINT_ARRAY(struct plic, core.priority),
    STATE_UINT_ARRAY(struct plic, core.level),
    STATE_UINT_ARRAY(struct plic, core.pending),
    STATE_UINT_ARRAY(struct plic, core.claimed),
    STATE_UINT_ARRAY(struct plic, core.enable),
    STATE_UINT_ARRAY(struct plic, core.threshold),
    STATE_END,
};

static const struct device_ops plic_ops = {
    .type = "plic",
    .reset = plic_reset,
    .post_load = plic_post_load,
    .state = plic_state,
    .state_version = 1,
    .device_offset = offsetof(struct plic, dev),
};

void plic_init(struct plic *plic, const char *id, uint32_t sources, uint32_t contexts,
               const struct irq_line *outputs)
{
    assert(sources >= 2 && sources <= PLIC_MAX_SOURCES);
    assert(contexts >= 1 && contexts <= PLIC_MAX_CONTEXTS);
    device_init(&plic->dev, &plic_ops, id);
    mem_region_init_mmio(&plic->mmio, id, PLIC_SIZE, &plic_mem_ops, &plic->dev.lock);
    plic->outputs = outputs;
    plic_core_init(&plic->core, sources, contexts, plic_set_output);
}

void plic_fini(struct plic *plic)
{
    mem_region_fini(&plic->mmio);
    device_fini(&plic->dev);
}

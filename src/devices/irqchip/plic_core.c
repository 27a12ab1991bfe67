/*
 * devices/irqchip/plic_core.c - interrupt gateways, pending bits, claims and completions.
 *
 * A source's request passes its gateway once: level high sets `pending`; a claim clears it and
 * sets `claimed`, which closes the gateway; completion opens it again, and a line that is still
 * high is pending again at once. A request is never taken back (PLIC 1.0.0, "Interrupt
 * Gateways"), so a line that falls before the claim stays pending.
 *
 * The idea: for each threshold there is a bitmap of the sources above it, so that a context's
 * output is "any bit of pending & enable & above[threshold]", a few words. A priority write pays
 * for that, and these are rare.
 *
 * Invariants: bit 0 of word 0 is 0 in every bitmap, as are bits of sources that do not exist;
 * pending and claimed of a source are never both set; after each public function output[c] is
 * what the formula gives, and set_output() was called for each change.
 */
#include "devices/irqchip/plic_core.h"

#include <stddef.h>

#include "base/bitops.h"

enum {
    PENDING_BASE = 0x1000,
    ENABLE_BASE = 0x2000,
    ENABLE_STRIDE = 0x80,
    CONTEXT_BASE = 0x200000,
    CONTEXT_STRIDE = 0x1000,
    CONTEXT_THRESHOLD = 0x0,
    CONTEXT_CLAIM = 0x4,
};
_Static_assert(ENABLE_BASE + ENABLE_STRIDE * PLIC_MAX_CONTEXTS <= CONTEXT_BASE, "enables fit");
_Static_assert(CONTEXT_BASE + CONTEXT_STRIDE * PLIC_MAX_CONTEXTS <= PLIC_SIZE, "contexts fit");
_Static_assert((PLIC_MAX_PRIORITY & (PLIC_MAX_PRIORITY + 1)) == 0,
               "priorities are WARL: every value of the bits there are must be legal");

/* The bits of word `word` that stand for sources which exist. */
static uint32_t source_mask(const struct plic_core *plic, unsigned word)
{
    uint32_t first = word * 32, mask = UINT32_MAX;

    if (first >= plic->sources)
        return 0;
    if (plic->sources - first < 32)
        mask = BIT32(plic->sources - first) - 1;
    return word == 0 ? mask & ~UINT32_C(1) : mask;
}

static bool test_bit(const uint32_t *map, unsigned source)
{
    return map[source / 32] >> (source % 32) & 1;
}

static void set_bit(uint32_t *map, unsigned source, bool value)
{
    if (value)
        map[source / 32] |= BIT32(source % 32);
    else
        map[source / 32] &= ~BIT32(source % 32);
}

/* The context's enable bitmap. */
static uint32_t *enabled(struct plic_core *plic, unsigned context)
{
    return &plic->enable[(size_t)context * PLIC_WORDS];
}

static void update_context(struct plic_core *plic, unsigned context)
{
    const uint32_t *enable = enabled(plic, context);
    const uint32_t *above = plic->above[plic->threshold[context]];
    uint32_t any = 0;

    for (unsigned w = 0; w < PLIC_WORDS; w++)
        any |= plic->pending[w] & enable[w] & above[w];
    if (plic->output[context] == (any != 0))
        return;
    plic->output[context] = any != 0;
    plic->set_output(plic, context, any != 0);
}

/* After pending or the priority of `source` changed: only contexts that enable it can differ. */
static void update_source(struct plic_core *plic, unsigned source)
{
    for (unsigned c = 0; c < plic->contexts; c++) {
        if (test_bit(enabled(plic, c), source))
            update_context(plic, c);
    }
}

static void set_priority(struct plic_core *plic, unsigned source, uint32_t priority)
{
    plic->priority[source] = (uint8_t)(priority & PLIC_MAX_PRIORITY);
    for (unsigned t = 0; t <= PLIC_MAX_PRIORITY; t++)
        set_bit(plic->above[t], source, plic->priority[source] > t);
}

void plic_core_init(struct plic_core *plic, uint32_t sources, uint32_t contexts,
                    void (*set_output)(struct plic_core *plic, unsigned context, bool level))
{
    plic->set_output = set_output;
    plic->sources = sources;
    plic->contexts = contexts;
    for (unsigned w = 0; w < PLIC_WORDS; w++)
        plic->level[w] = 0;
    for (unsigned c = 0; c < PLIC_MAX_CONTEXTS; c++)
        plic->output[c] = false;
    plic_core_reset(plic);
}

void plic_core_reset(struct plic_core *plic)
{
    for (unsigned s = 0; s < PLIC_MAX_SOURCES; s++)
        plic->priority[s] = 0;
    for (unsigned w = 0; w < PLIC_WORDS; w++) {
        plic->pending[w] = plic->level[w];
        plic->claimed[w] = 0;
    }
    for (unsigned i = 0; i < PLIC_MAX_CONTEXTS * PLIC_WORDS; i++)
        plic->enable[i] = 0;
    for (unsigned c = 0; c < PLIC_MAX_CONTEXTS; c++)
        plic->threshold[c] = 0;
    plic_core_refresh(plic);
}

void plic_core_refresh(struct plic_core *plic)
{
    for (unsigned w = 0; w < PLIC_WORDS; w++) {
        uint32_t mask = source_mask(plic, w);

        plic->level[w] &= mask;
        plic->claimed[w] &= mask;
        plic->pending[w] &= mask & ~plic->claimed[w];
        for (unsigned c = 0; c < PLIC_MAX_CONTEXTS; c++)
            enabled(plic, c)[w] &= c < plic->contexts ? mask : 0;
    }
    for (unsigned s = 0; s < PLIC_MAX_SOURCES; s++)
        set_priority(plic, s, s != 0 && s < plic->sources ? plic->priority[s] : 0);
    for (unsigned c = 0; c < PLIC_MAX_CONTEXTS; c++)
        plic->threshold[c] &= PLIC_MAX_PRIORITY;
    for (unsigned c = 0; c < plic->contexts; c++)
        update_context(plic, c);
}

void plic_core_set_source(struct plic_core *plic, unsigned source, bool level)
{
    if (source == 0 || source >= plic->sources || test_bit(plic->level, source) == level)
        return;
    set_bit(plic->level, source, level);
    if (!level || test_bit(plic->claimed, source) || test_bit(plic->pending, source))
        return;
    set_bit(plic->pending, source, true);
    update_source(plic, source);
}

/* Highest priority first, then lowest number. The threshold does not matter ("Interrupt Claim
 * Process"); priority 0 is never delivered. */
static uint32_t claim(struct plic_core *plic, unsigned context)
{
    const uint32_t *enable = enabled(plic, context);

    for (unsigned t = PLIC_MAX_PRIORITY; t-- > 0;) {
        for (unsigned w = 0; w < PLIC_WORDS; w++) {
            uint32_t found = plic->pending[w] & enable[w] & plic->above[t][w];
            unsigned source;

            if (found == 0)
                continue;
            source = w * 32 + ctz32(found);
            set_bit(plic->pending, source, false);
            set_bit(plic->claimed, source, true);
            update_source(plic, source);
            return source;
        }
    }
    return 0;
}

static void complete(struct plic_core *plic, unsigned context, uint32_t source)
{
    if (source >= plic->sources || !test_bit(enabled(plic, context), source) ||
        !test_bit(plic->claimed, source))
        return;
    set_bit(plic->claimed, source, false);
    if (test_bit(plic->level, source)) {
        set_bit(plic->pending, source, true);
        update_source(plic, source);
    }
}

uint32_t plic_core_read(struct plic_core *plic, uint32_t off)
{
    unsigned word, context;

    if (off < PENDING_BASE)
        return off / 4 < plic->sources ? plic->priority[off / 4] : 0;
    if (off < ENABLE_BASE) {
        word = (off - PENDING_BASE) / 4;
        return word < PLIC_WORDS ? plic->pending[word] : 0;
    }
    if (off < CONTEXT_BASE) {
        context = (off - ENABLE_BASE) / ENABLE_STRIDE;
        word = (off - ENABLE_BASE) % ENABLE_STRIDE / 4;
        if (context >= plic->contexts || word >= PLIC_WORDS)
            return 0;
        return enabled(plic, context)[word];
    }
    context = (off - CONTEXT_BASE) / CONTEXT_STRIDE;
    if (context >= plic->contexts)
        return 0;
    switch ((off - CONTEXT_BASE) % CONTEXT_STRIDE) {
    case CONTEXT_THRESHOLD:
        return plic->threshold[context];
    case CONTEXT_CLAIM:
        return claim(plic, context);
    default:
        return 0;
    }
}

void plic_core_write(struct plic_core *plic, uint32_t off, uint32_t val)
{
    unsigned word, context;

    if (off < PENDING_BASE) {
        if (off == 0 || off / 4 >= plic->sources)
            return;
        set_priority(plic, off / 4, val);
        update_source(plic, off / 4);
        return;
    }
    if (off < ENABLE_BASE)
        return;
    if (off < CONTEXT_BASE) {
        context = (off - ENABLE_BASE) / ENABLE_STRIDE;
        word = (off - ENABLE_BASE) % ENABLE_STRIDE / 4;
        if (context >= plic->contexts || word >= PLIC_WORDS)
            return;
        enabled(plic, context)[word] = val & source_mask(plic, word);
        update_context(plic, context);
        return;
    }
    context = (off - CONTEXT_BASE) / CONTEXT_STRIDE;
    if (context >= plic->contexts)
        return;
    switch ((off - CONTEXT_BASE) % CONTEXT_STRIDE) {
    case CONTEXT_THRESHOLD:
        plic->threshold[context] = (uint8_t)(val & PLIC_MAX_PRIORITY);
        update_context(plic, context);
        return;
    case CONTEXT_CLAIM:
        complete(plic, context, val);
        return;
    default:
        return;
    }
}

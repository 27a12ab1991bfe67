/* dev/irq.h - a wire from a device to whatever listens: an interrupt controller, a hart, a test.
 *
 * The sink declares what a change does; the source calls irq_set() on every change of level, with
 * its own lock held or not. A sink may take its own lock (interrupt controllers come after
 * devices in the lock order) and must not call back into the source.
 */
#ifndef DEV_IRQ_H
#define DEV_IRQ_H

#include <stdbool.h>
#include <stddef.h>

struct irq_line {
    void (*set)(void *sink, unsigned number, bool level); /* NULL: connected to nothing */
    void *sink;
    unsigned number;
};

/* [any thread] Level, not edge: the same level twice is fine. */
static inline void irq_set(const struct irq_line *line, bool level)
{
    if (line->set != NULL)
        line->set(line->sink, line->number, level);
}

#endif

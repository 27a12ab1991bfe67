/* devices/misc/finisher.h - "sifive,test1": the register by which a guest ends itself. */
#ifndef DEVICES_MISC_FINISHER_H
#define DEVICES_MISC_FINISHER_H

#include "dev/device.h"
#include "mem/region.h"

enum {
    FINISHER_SIZE = 0x1000,
    FINISHER_FAIL = 0x3333, /* exit code in bits 31:16 */
    FINISHER_PASS = 0x5555,
    FINISHER_RESET = 0x7777,
};

enum finish { FINISH_POWER_OFF, FINISH_FAIL, FINISH_RESET };

struct finisher {
    struct device dev;
    struct mem_region mmio; /* FINISHER_SIZE bytes, ready after finisher_init() */
    /* private */
    void (*finish)(void *opaque, enum finish how, unsigned code);
    void *opaque;
};

/* `finish` is called on the vCPU's thread from inside its store, with the device's lock held: it
 * must only note what is wanted and have it done elsewhere. `code` is 0 but for FINISH_FAIL. */
void finisher_init(struct finisher *finisher, const char *id,
                   void (*finish)(void *opaque, enum finish how, unsigned code), void *opaque);
void finisher_fini(struct finisher *finisher);

#endif

/* app/tests/options_check.h - for fuzz targets: what holds after any options. */
#ifndef APP_TESTS_OPTIONS_CHECK_H
#define APP_TESTS_OPTIONS_CHECK_H

#include <stdlib.h>
#include <string.h>

#include "app/options.h"
#include "base/types.h"

static inline void require(bool holds)
{
    if (!holds)
        abort();
}

/* Reads all of it, so that a stray pointer shows. */
static inline size_t text_length(const char *text)
{
    return text == NULL ? 0 : strlen(text);
}

static inline void check_machine(const struct machine_config *m)
{
    size_t total = text_length(m->kernel) + text_length(m->initrd) + text_length(m->cmdline) +
                   text_length(m->dtb) + text_length(m->bios) + text_length(m->dump_dtb) +
                   text_length(m->dump) + text_length(m->serial) + text_length(m->console) +
                   text_length(m->accel);

    require(m->machine != NULL && m->serial != NULL);
    require(m->cpus >= 1 && m->cpus <= CONFIG_MAX_CPUS);
    require(m->memory >= MIB(16) && m->memory % MIB(2) == 0);
    require(m->disks <= CONFIG_MAX_DISKS && m->nets <= CONFIG_MAX_NETS);
    require(m->flashes <= CONFIG_MAX_FLASH);
    for (unsigned i = 0; i < m->disks; i++) {
        require(text_length(m->disk[i].path) > 0 && m->disk[i].queues <= 16);
        total += text_length(m->disk[i].id);
    }
    for (unsigned i = 0; i < m->nets; i++) {
        require(m->net[i].forwards <= CONFIG_MAX_FORWARDS);
        for (unsigned j = 0; j < m->net[i].forwards; j++)
            require(text_length(m->net[i].forward[j]) > 0);
    }
    for (unsigned i = 0; i < m->flashes; i++)
        require(text_length(m->flash[i].path) > 0);
    require(total < SIZE_MAX);
}

/* A machine within its bounds, or a sentence. */
static inline void check_outcome(const struct options *options, int rc, const struct error *err)
{
    if (rc < 0)
        require(err->code == rc && err->text[0] != '\0' && strchr(err->text, '\n') == NULL);
    else if (!options->help)
        check_machine(&options->machine);
}

#endif

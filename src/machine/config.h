/* machine/config.h - what a machine is to be, as plain data: filled from the command line or a
 * JSON file (app/), read by a board. Strings are owned by whoever filled it. */
#ifndef MACHINE_CONFIG_H
#define MACHINE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "isa/riscv/config.h"

enum { CONFIG_MAX_DISKS = 8, CONFIG_MAX_NETS = 4, CONFIG_MAX_FORWARDS = 16, CONFIG_MAX_FLASH = 2 };
enum { CONFIG_MAX_CPUS = 64 };

struct config_disk {
    const char *path;
    const char *id; /* what GET_ID answers; NULL: "diskN" */
    bool readonly;
    unsigned queues; /* 1..16; 0: as many as harts, at most 4 */
};

struct config_net {
    const char *forward[CONFIG_MAX_FORWARDS]; /* "tcp:127.0.0.1:2222-:22" */
    unsigned forwards;
    uint8_t mac[6];  /* all zero: made from the slot's number */
    bool restricted; /* no way out but the forwards */
};

struct config_flash {
    const char *path; /* 32 MiB; read-only ones may be shorter */
    bool readonly;
};

struct machine_config {
    const char *machine;   /* "virt" */
    const char *accel;     /* as accel_choose() takes it; NULL: the best available */
    const char *jit_cache; /* folder to keep translated code in; NULL: none */
    struct isa_config isa;
    unsigned cpus;      /* 1..CONFIG_MAX_CPUS */
    uint64_t memory;    /* bytes of RAM, at least 16 MiB, a multiple of 2 MiB */
    bool memory_shared; /* a memfd, not memory of this process alone */

    const char *bios;                            /* M-mode firmware; NULL: the built-in SBI */
    const char *kernel, *initrd, *cmdline, *dtb; /* NULL when not given */
    uint64_t kernel_at;   /* not 0: the kernel is raw bytes for this address */
    const char *dump_dtb; /* write the device tree there and do not run */
    struct config_flash flash[CONFIG_MAX_FLASH];
    unsigned flashes;

    struct config_disk disk[CONFIG_MAX_DISKS];
    unsigned disks;
    struct config_net net[CONFIG_MAX_NETS];
    unsigned nets;
    bool rng;
    const char *serial;  /* chardev of the 16550: "stdio", "pty", "file=F", "unix=P", "null" */
    const char *console; /* chardev of a virtio console; NULL: none */
    bool no_reboot;      /* a reset ends the run instead */
    /* What becomes of guest code is written there, of the stages that have a bit (enum
     * dbt_dump_stage); NULL: not. */
    const char *dump;
    unsigned dump_stages;
    bool stats; /* counters on stderr at the end */
};

#endif

/* machine/machine.h - a whole virtual machine: harts, memory, a board, and its life.
 *
 *   machine_new()    everything made, opened and wired; the harts parked
 *   machine_start()  images loaded, harts running
 *   ...              the loop's thread runs the loop; harts run on theirs
 *   ended            told through machine_host.ended, once, on the loop's thread
 *   machine_free()
 * All calls are for the loop's thread but those marked [any thread]. Two machines fit in one
 * process, each with its own loop.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "accel/accel.h"
#include "accel/vcpu.h"
#include "backend/char/chardev.h"
#include "event/loop.h"
#include "event/pool.h"
#include "machine/config.h"
#include "mem/space.h"

struct machine;
struct board;

enum machine_end {
    MACHINE_POWERED_OFF, /* the guest asked */
    MACHINE_FAILED,      /* the guest says it failed; code says how */
    MACHINE_RESET,       /* the guest reset itself and config.no_reboot is set */
    MACHINE_HOST_ERROR,  /* the host could not go on; machine_error() says why */
};

struct machine_host {
    void (*ended)(void *opaque, enum machine_end how, unsigned code);
    void *opaque;
    struct chardev_escape *escape; /* sees the keys of a stdio serial line; may be NULL */
};

/* config and host are copied, their strings and the loop must outlive the machine. */
int machine_new(struct machine **ret_machine, const struct machine_config *config,
                struct loop *loop, const struct machine_host *host, struct error *err) NODISCARD;
void machine_free(struct machine *machine); /* NULL is fine */

int machine_start(struct machine *machine, struct error *err) NODISCARD;
/* Returns when every hart is parked. Nests with machine_resume(). */
void machine_pause(struct machine *machine);
void machine_resume(struct machine *machine);

/* [any thread] Ends or resets the machine, soon, on the loop's thread; the harts go on until
 * then. The first end counts. */
void machine_request_end(struct machine *machine, enum machine_end how, unsigned code);
void machine_request_reset(struct machine *machine);

const struct error *machine_error(const struct machine *machine);
/* More about it, lines of text; empty mostly. */
const char *machine_report(const struct machine *machine);
const char *machine_accel_name(const struct machine *machine);
/* The device tree as the guest gets it, without loading anything. */
int machine_write_dtb(struct machine *machine, const char *path, struct error *err) NODISCARD;
/* Counters, lines of "name value". While paused or ended. */
void machine_stats(struct machine *machine, struct strbuf *out);

/* ---- for boards and the built-in firmware ---- */

/* What a kind of machine is. All on the loop's thread, harts parked. */
struct board_ops {
    const char *name;
    /* Makes machine->board: devices realized and wired. Undoes itself on failure. */
    int (*build)(struct machine *machine, struct error *err);
    void (*destroy)(struct board *board);
    void (*reset)(struct board *board); /* devices only */
    /* Loads images and sets every hart to where it starts. After reset. */
    int (*load)(struct board *board, struct error *err);
    int (*write_dtb)(struct board *board, const char *path, struct error *err);
};
extern const struct board_ops *const board_table[]; /* NULL ends it */

struct machine {
    struct machine_config config;
    struct machine_host host;
    struct loop *loop;
    struct pool *pool;      /* for backends that block */
    struct mem_region root; /* all of the guest-physical space */
    struct mem_space *space;
    struct accel *accel;
    struct vcpu *vcpu[CONFIG_MAX_CPUS]; /* config.cpus of them */
    const struct board_ops *board_ops;
    struct board *board;
    struct chardev *serial, *console;
    /* private */
    unsigned paused; /* depth */
    struct loop_work end_work, reset_work;
    _Atomic uint32_t end_wanted; /* 0, or 1 + how | code << 8 */
    bool ended;
    struct error error;
    struct strbuf report;
    int dump_fd; /* -1: none */
};

#endif

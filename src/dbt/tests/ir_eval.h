/* dbt/tests/ir_eval.h - the meaning of IR, said as plainly as can be: one op at a time, nothing
 * shared with the engines but soft float. What they do is compared with it.
 */
#ifndef DBT_TESTS_IR_EVAL_H
#define DBT_TESTS_IR_EVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "dbt/ir/ir.h"
#include "isa/riscv/bits.h"

/* What a block may read and write: M mode, no paging, RAM from ram_base, nothing else mapped. */
struct eval_state {
    uint64_t x[32], f[32];
    uint8_t frm, fflags;
    bool fs_dirty;
    uint64_t mscratch;
    uint64_t state[IR_STATES]; /* EVAL_STATES of them */
    uint64_t status;           /* the bits of EVAL_STATUS */
    gpa_t reservation;         /* address, | 1 for 8 bytes; UINT64_MAX: none */
    uint64_t reserved_value;

    uint8_t *ram;
    gpa_t ram_base;
    uint64_t ram_size;
    /* Where it wrote, for the comparison. */
    struct {
        gpa_t gpa;
        unsigned size;
    } wrote[8 * IR_MAX_OPS]; /* a cache block is 8 writes */
    unsigned writes;
};

/* What random blocks have to do with CSRs: those that nothing else here looks at. */
enum { EVAL_STATE_FIRST = IR_STATE_STVEC, EVAL_STATES = 5 };
#define EVAL_STATUS (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP)

enum eval_way { EVAL_GOES_TO, EVAL_TRAPS };

struct eval_exit {
    enum eval_way way;
    bool by_jump;         /* the engine looks for a block at pc; else it returns to its caller */
    uint64_t pc;          /* where to go on, or the address of the instruction at fault */
    uint64_t cause, tval; /* EVAL_TRAPS */
    unsigned retired;     /* instructions */
};

/* Runs the block at virtual address pc. */
void eval_block(struct eval_state *state, const struct ir_block *ir, uint64_t pc,
                struct eval_exit *ret_exit);

#endif

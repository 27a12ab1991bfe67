/* dbt/tests/ir_random.h - random blocks of IR that ir_verify() accepts: every op, type and order a
 * front end or a pass might come up with, dense in what is hard: registers read and set again,
 * values with many names, constants everywhere, faults and side exits.
 */
#ifndef DBT_TESTS_IR_RANDOM_H
#define DBT_TESTS_IR_RANDOM_H

#include "dbt/ir/ir.h"

struct ir_random {
    uint64_t seed;
    /* Addresses are made from registers pointer_first .. pointer_first + pointers - 1, whose
     * values the caller chooses, plus a little. */
    unsigned pointer_first, pointers;
    unsigned max_ops; /* about */
};

/* JUMPREG goes to odd places: bit 50 of its target is always set. */
#define IR_RANDOM_FAR (UINT64_C(1) << 50)

void ir_random_block(struct ir_random *random, struct ir_block *ret_ir);

#endif

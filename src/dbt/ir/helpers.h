/* dbt/ir/helpers.h - the C functions behind CALL, one a row of ir_helpers.def.
 *
 * Called on the hart's thread. Before every CALL the engine has stored the address of the calling
 * instruction in s.pc and every guest register in s; afterwards it assumes nothing about s. A
 * helper with IR_H_TRAP may come back with hart->exc_raised set: its result is then meaningless,
 * and the engine takes the exception at s.pc.
 */
#ifndef DBT_IR_HELPERS_H
#define DBT_IR_HELPERS_H

#include <stdint.h>

#include "dbt/ir/ir.h"

struct hart;

/* clang-format off */
#define X(name, args, flags)                                                                       \
    uint64_t ir_helper_##name(struct hart *hart, uint64_t a, uint64_t b, uint64_t c);
#include "dbt/ir/ir_helpers.def"
#undef X
/* clang-format on */

typedef uint64_t ir_helper_fn(struct hart *hart, uint64_t a, uint64_t b, uint64_t c);
/* By enum ir_helper. */
extern ir_helper_fn *const ir_helper_table[IR_HELPERS];

#endif

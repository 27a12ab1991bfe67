/* dbt/tests/program.h - random guest programs for comparing engines: made, loaded, compared.
 *
 * A program runs in S mode with translation on, in pages of its own. It is made of rows of
 * insn.table with operands that make it likely to do something. Instructions that fault are
 * skipped by a trap handler. Branches go forward, so it ends; with `turns` it is a loop, has loops
 * inside, changes its own code (and executes fence.i), edits a PTE of its data (and executes
 * sfence.vma), and adds to a cell that other harts add to. What it leaves depends on its seed
 * only, whatever others do meanwhile.
 */
#ifndef DBT_TESTS_PROGRAM_H
#define DBT_TESTS_PROGRAM_H

#include "dbt/tests/fixture.h"

enum { PROGRAM_LENGTH = 40, PROGRAM_INSNS = 160, PROGRAM_PAGES = 64 };

struct program {
    uint64_t seed;
    unsigned turns; /* 0: once, and forward only */
    unsigned hart;  /* its index: which pages it is in */
    struct insn insn[PROGRAM_INSNS];
    bool inside[PROGRAM_INSNS]; /* no branch leads here: of a sequence that belongs together */
    uint64_t word[72];          /* instructions and PTEs it puts into place */
    unsigned count, size;
    uint8_t bytes[4 * PROGRAM_INSNS];
    gva_t at;
};

/* The program of `seed`, for the pages of hart `hart`. */
void program_make(struct program *p, const struct isa_config *isa, uint64_t seed, unsigned hart,
                  unsigned turns);
/* Encodes it again: insn[] has been changed. */
void program_encode(struct program *p);
/* Instruction i, or the sequence it is in, becomes nops of the same length. */
void program_blank(struct program *p, unsigned i);
bool program_is_blank(const struct program *p, unsigned i);

/* Once in a machine: the trap handler of a hart's pages. */
void program_prepare(struct fixture *f, unsigned hart);
/* Memory, page tables and registers as the program finds them, on hart number `on` of f. */
void program_load(struct fixture *f, unsigned on, const struct program *p);
/* Is hart a_on of a as hart b_on of b? If not, what differs, and both values. */
struct program_difference {
    char what[40];
    uint64_t a, b;
};
bool program_agree(struct fixture *a, unsigned a_on, struct fixture *b, unsigned b_on,
                   const struct program *p, struct program_difference *ret_difference);
/* The sum of all programs' additions. */
uint64_t *program_shared_cell(struct fixture *f);
/* A line of disassembly. */
void program_line(const struct program *p, unsigned i, char *text, size_t size);

#endif

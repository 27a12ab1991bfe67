/* dbt/tests/fixture.h - harts with memory and the translator, and small RISC-V programs to run.
 *
 * RAM at 2 GiB. Every hart has the built-in firmware's flag: an ecall in S mode is how a program
 * says that it is done. Programs are written with asm_*() and run by fixture_run().
 */
#ifndef DBT_TESTS_FIXTURE_H
#define DBT_TESTS_FIXTURE_H

/* cmocka wants these first, in this order. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "dbt/cache/cache.h"
#include "dbt/dbt.h"
#include "dbt/dbt_hart.h"
#include "isa/riscv/bits.h"
#include "isa/riscv/csr.h"
#include "isa/riscv/insn.h"

#define RAM_BASE UINT64_C(0x80000000)
#define RAM_SIZE MIB(4)
enum { FIXTURE_HARTS = 4, FIXTURE_CACHE_BYTES = 8 << 20, FIXTURE_CODE_BYTES = 8 << 20 };

struct fixture;

struct fixture_hart {
    struct hart hart __attribute__((aligned(64)));
    struct dbt_hart *dh;
    struct fixture *fixture;
    bool done; /* it has made its ecall */
};

struct fixture {
    struct isa_config isa;
    struct mem_region root, ram_region;
    struct ram_block *ram;
    struct mem_space *space;
    struct dbt *dbt;
    unsigned harts;
    struct fixture_hart *hart[FIXTURE_HARTS];
};

/* max_insns: of a block; 0 for as many as fit. Harts are in S mode, satp 0, at RAM_BASE. */
void fixture_init(struct fixture *f, unsigned harts, unsigned max_insns);
/* The same with the compiler; false: this host has none, and nothing was made. */
bool fixture_init_jit(struct fixture *f, unsigned harts, const struct dbt_tuning *tuning);
/* The same, with translations kept in the folder `dir`. */
bool fixture_init_keeping(struct fixture *f, unsigned harts, const struct dbt_tuning *tuning,
                          const char *dir);
/* The same with one hart and dumps. */
bool fixture_init_dumping(struct fixture *f, const struct dbt_tuning *tuning,
                          const struct dbt_dump *dump);
/* The same in lock-step; skips the test where there is no compiler. */
void fixture_init_lockstep(struct fixture *f, unsigned harts,
                           void (*failed)(void *opaque, const char *sentence, const char *report),
                           void *opaque);
void fixture_fini(struct fixture *f);

/* RAM as the guest sees it. */
void *fixture_ram(struct fixture *f, gpa_t gpa);
/* Copies instructions to gpa, as a device would: the dirty hub hears of it. Returns what is behind
 * them. */
gpa_t fixture_code(struct fixture *f, gpa_t gpa, const uint32_t *insns, unsigned count);
#define CODE(f, gpa, ...)                                                                          \
    fixture_code(f, gpa, (const uint32_t[]){ __VA_ARGS__ },                                        \
                 sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))
/* Runs the hart from its pc until it makes its ecall; the calling thread is the hart's. */
void fixture_run(struct fixture *f, unsigned hart);
/* On until the ecall, or until *stop is not 0. */
void fixture_run_until(struct fixture *f, unsigned hart, const unsigned *stop);
/* fixture_run() from pc. */
void fixture_run_at(struct fixture *f, unsigned hart, gva_t pc);

static inline struct riscv_state *fixture_state(struct fixture *f, unsigned hart)
{
    return &f->hart[hart]->hart.s;
}
void fixture_csr(struct fixture *f, unsigned hart, unsigned csr, uint64_t val);

/* ---- a very small assembler ---- */
uint32_t asm_insn(struct insn insn);
static inline uint32_t asm_i(unsigned row, unsigned rd, unsigned rs1, int64_t imm)
{
    return asm_insn(
        (struct insn){ .row = (uint16_t)row, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .imm = imm });
}
static inline uint32_t asm_s(unsigned row, unsigned rs2, unsigned rs1, int64_t imm)
{
    return asm_insn((struct insn){
        .row = (uint16_t)row, .rs2 = (uint8_t)rs2, .rs1 = (uint8_t)rs1, .imm = imm });
}
static inline uint32_t asm_r(unsigned row, unsigned rd, unsigned rs1, unsigned rs2)
{
    return asm_insn((struct insn){
        .row = (uint16_t)row, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2 });
}
static inline uint32_t asm_csr(unsigned row, unsigned rd, unsigned csr, unsigned rs1)
{
    return asm_insn((struct insn){
        .row = (uint16_t)row, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .csr = (uint16_t)csr });
}
#define LI(rd, imm) asm_i(INSN_ADDI, rd, 0, imm)
#define ADDI(rd, rs1, imm) asm_i(INSN_ADDI, rd, rs1, imm)
#define JAL(rd, offset) asm_i(INSN_JAL, rd, 0, offset)
#define JALR(rd, rs1, imm) asm_i(INSN_JALR, rd, rs1, imm)
#define LD(rd, rs1, imm) asm_i(INSN_LD, rd, rs1, imm)
#define LW(rd, rs1, imm) asm_i(INSN_LW, rd, rs1, imm)
#define SD(rs2, rs1, imm) asm_s(INSN_SD, rs2, rs1, imm)
#define SW(rs2, rs1, imm) asm_s(INSN_SW, rs2, rs1, imm)
#define ECALL asm_i(INSN_ECALL, 0, 0, 0)
#define FENCE_I asm_i(INSN_FENCE_I, 0, 0, 0)

/* xorshift64*: the same numbers every run. */
static inline uint64_t fixture_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

#endif

/*
 * dbt/tests/test_step.c - random programs, run in blocks as long as they get, against the same
 * programs run in blocks of one instruction: whatever lower.c and the engine do across
 * instructions must not show. Every row of insn.table takes part; programs fault, and go on behind
 * the instruction at fault.
 *
 * A program only goes forward, so it ends. Registers x28 to x31 are the trap handler's. Seeds are
 * fixed; VIREO_TEST_ROUNDS says how many programs, VIREO_TEST_SEED begins elsewhere.
 */
#include "dbt/tests/fixture.h"
#include "tests/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
enum { ROUNDS = 3000 };
#else
enum { ROUNDS = 100000 };
#endif
enum { LENGTH = 40, REACH = 12, SP = 2, POINTER = 8, POINTERS = 4, RESERVED = 28 };

#define PAGE(n) (RAM_BASE + (gpa_t)(n)*PAGE_SIZE_BYTES)
#define TABLES PAGE(512)
#define VIRTUAL UINT64_C(0x40000000)
#define VPAGE(n) (VIRTUAL + (gva_t)(n)*PAGE_SIZE_BYTES)
/* Virtual pages, and pages from PAGE(0) on: the handler, the program's two, data. */
enum { V_HANDLER = 1, V_CODE = 2, V_DATA = 8, DATA_PAGES = 6 };

/* ---- programs ---- */

struct program {
    struct insn insn[LENGTH + 1];
    unsigned count;
    uint8_t bytes[4 * (LENGTH + 1)];
    unsigned size;
    gva_t at;
};

static unsigned below(uint64_t *seed, unsigned end)
{
    return (unsigned)((fixture_random(seed) >> 32) * end >> 32);
}

static bool safe_csr(uint64_t *seed, struct insn *in)
{
    static const uint16_t csr[] = { CSR_FFLAGS, CSR_FRM,     CSR_FCSR,   CSR_SSCRATCH,
                                    CSR_CYCLE,  CSR_INSTRET, CSR_SCAUSE, CSR_STVAL };

    in->csr = csr[below(seed, ARRAY_LEN(csr))];
    return true;
}

/* Rows that would leave the program for good, or lead back. */
static bool is_wanted(unsigned row)
{
    return row != INSN_ILLEGAL && row != INSN_ECALL && row != INSN_SRET && row != INSN_C_JR &&
           row != INSN_C_JALR;
}

static bool is_csr(unsigned id)
{
    return id >= INSN_CSRRW && id <= INSN_CSRRCI;
}

/* Bits as they come, then operands that make it likely to do something: pointers for addresses,
 * nothing of the handler's. What cannot be encoded so stays as it came, or is drawn again. */
static bool draw(const struct isa_config *isa, uint64_t *seed, struct insn *ret)
{
    unsigned row = 1 + below(seed, INSN_ROW_COUNT - 1);
    uint32_t raw = ((uint32_t)fixture_random(seed) & ~insn_info[row].mask) | insn_info[row].match;
    unsigned effects;
    struct insn in;

    if (!is_wanted(row) || (insn_decode(raw, isa, &in), in.row) != row)
        return false;
    effects = insn_info[in.id].rv_effects;
    *ret = in;
    if ((effects & (INSN_LOAD | INSN_STORE)) && below(seed, 8) != 0) {
        in.rs1 = (uint8_t)(POINTER + below(seed, POINTERS));
        if (insn_encode(&in) != 0)
            *ret = in;
    }
    in = *ret;
    if (is_csr(in.id) && safe_csr(seed, &in))
        *ret = in;
    if (in.id == INSN_JALR) { /* a register might lead back: to an address that is not there */
        ret->rs1 = 0;
        return below(seed, 4) == 0;
    }
    in.rd = (uint8_t)below(seed, below(seed, 2) ? 8 : RESERVED);
    if ((effects & (INSN_FP | INSN_BRANCH)) == 0 && insn_encode(&in) != 0)
        *ret = in;
    return (effects & INSN_FP) || ret->rd < RESERVED;
}

static unsigned length_of(const struct insn *in)
{
    return insn_info[in->row].length;
}

/* To one of the next instructions. Returns false where it does not reach. */
static bool aim(struct program *p, unsigned index, uint64_t *seed)
{
    unsigned last = index + 1 + below(seed, REACH);
    struct insn *in = &p->insn[index];

    in->imm = 0;
    for (unsigned i = index; i < last && i < p->count - 1; i++)
        in->imm += length_of(&p->insn[i]);
    return insn_encode(in) != 0;
}

static bool has_target(const struct insn *in)
{
    return (insn_info[in->id].rv_effects & INSN_BRANCH) || in->id == INSN_JAL;
}

static void make_program(const struct isa_config *isa, uint64_t *seed, struct program *p)
{
    static const struct insn nop = { .row = INSN_ADDI, .id = INSN_ADDI };
    static const struct insn c_nop = { .row = INSN_C_ADDI, .id = INSN_ADDI };

    for (p->count = 0; p->count < LENGTH; p->count++)
        while (!draw(isa, seed, &p->insn[p->count]))
            ;
    p->insn[p->count++] = (struct insn){ .row = INSN_ECALL, .id = INSN_ECALL };
    p->size = 0;
    for (unsigned i = 0; i < p->count; i++) {
        struct insn *in = &p->insn[i];
        uint32_t raw;

        if (has_target(in) && !aim(p, i, seed))
            *in = length_of(in) == 4 ? nop : c_nop;
        raw = insn_encode(in);
        if (raw == 0) /* what came by bits and has an operand no encoding gives back: none */
            fail_msg("%s cannot be encoded", insn_info[in->row].name);
        memcpy(p->bytes + p->size, &raw, length_of(in));
        p->size += length_of(in);
    }
    /* near a page's end as often as not, so that an instruction lies across */
    p->at = VPAGE(V_CODE) + (below(seed, 2) ? 0 : PAGE_SIZE_BYTES - 2 * below(seed, 80));
}

/* ---- the machine around ---- */

static void map(struct fixture *f, unsigned index, uint64_t flags)
{
    uint64_t *root = fixture_ram(f, TABLES), *mid = root + 512, *leaf = mid + 512;

    root[VIRTUAL >> 30] = (TABLES + PAGE_SIZE_BYTES) >> 12 << 10 | PTE_V;
    mid[0] = (TABLES + 2 * PAGE_SIZE_BYTES) >> 12 << 10 | PTE_V;
    leaf[index] = PAGE(index) >> 12 << 10 | flags;
}

static void map_all(struct fixture *f)
{
    enum { CODE = PTE_V | PTE_R | PTE_X | PTE_A, RW = PTE_V | PTE_R | PTE_W };

    map(f, V_HANDLER, CODE);
    map(f, V_CODE, CODE);
    map(f, V_CODE + 1, CODE);
    map(f, V_DATA, RW | PTE_A | PTE_D);
    map(f, V_DATA + 1, RW | PTE_A | PTE_D);
    map(f, V_DATA + 2, RW);                    /* the walk sets A and D */
    map(f, V_DATA + 3, PTE_V | PTE_R | PTE_A); /* no stores */
    map(f, V_DATA + 4, 0);                     /* nothing */
    map(f, V_DATA + 5, RW | PTE_A | PTE_D);
}

/* Goes on behind the instruction at fault, unless it is that which cannot be fetched. */
static void write_handler(struct fixture *f)
{
    enum { T3 = 28, T4, T5 };
    const uint32_t end =
        asm_insn((struct insn){ .row = INSN_BEQ, .rs1 = T3, .rs2 = T4, .imm = 56 });
    const uint32_t end2 =
        asm_insn((struct insn){ .row = INSN_BEQ, .rs1 = T3, .rs2 = T4, .imm = 48 });

    CODE(f, PAGE(V_HANDLER), asm_csr(INSN_CSRRS, T3, CSR_SCAUSE, 0), LI(T4, CAUSE_FETCH_PAGE), end,
         LI(T4, CAUSE_FETCH_ACCESS), end2, asm_csr(INSN_CSRRS, T3, CSR_SEPC, 0),
         asm_i(INSN_LHU, T4, T3, 0), asm_i(INSN_ANDI, T4, T4, 3), ADDI(T4, T4, -3),
         asm_i(INSN_SLTIU, T4, T4, 1), asm_i(INSN_SLLI, T4, T4, 1), ADDI(T4, T4, 2),
         asm_r(INSN_ADD, T3, T3, T4), asm_csr(INSN_CSRRW, 0, CSR_SEPC, T3),
         asm_i(INSN_SRET, 0, 0, 0), LI(0, 0), ECALL);
}

static void set_up(struct fixture *f, unsigned max_insns)
{
    fixture_init(f, 1, max_insns);
    write_handler(f);
}

static void load_program(struct fixture *f, const struct program *p, uint64_t seed)
{
    struct hart *hart = &f->hart[0]->hart;
    struct riscv_state *s = &hart->s;
    gpa_t gpa = PAGE(V_CODE) + (p->at - VPAGE(V_CODE));

    map_all(f);
    assert_int_equal(mem_write(f->space, gpa, p->bytes, p->size), MEM_OK);
    for (uint64_t *at = fixture_ram(f, PAGE(V_DATA)), *end = at + DATA_PAGES * 512; at < end; at++)
        *at = fixture_random(&seed);
    hart_enter_supervisor(hart, p->at, 0);
    fixture_csr(f, 0, CSR_SATP, UINT64_C(8) << 60 | TABLES >> 12);
    fixture_csr(f, 0, CSR_STVEC, VPAGE(V_HANDLER));
    for (unsigned i = 1; i < 32; i++)
        s->x[i] = (uint64_t)((int64_t)fixture_random(&seed) >> below(&seed, 64));
    for (unsigned i = 0; i < POINTERS; i++)
        s->x[POINTER + i] = VPAGE(V_DATA) + (below(&seed, DATA_PAGES * 4096) & ~UINT64_C(7));
    s->x[SP] = VPAGE(V_DATA + 1);
    for (unsigned i = 0; i < 32; i++)
        s->f[i] = fixture_random(&seed) | (below(&seed, 2) ? UINT64_C(0xffffffff) << 32 : 0);
    dbt_fence_i(f->hart[0]->dh);
}

/* ---- comparing ---- */

static void explain(const struct program *p, uint64_t seed, const char *what, uint64_t blocks,
                    uint64_t steps)
{
    gva_t pc = p->at;
    char text[80];

    for (unsigned i = 0; i < p->count; i++) {
        insn_disasm(&p->insn[i], pc, text, sizeof(text));
        fprintf(stderr, "%#" PRIx64 "  %s\n", pc, text);
        pc += length_of(&p->insn[i]);
    }
    fail_msg("seed %#" PRIx64 ": %s is %#" PRIx64 " after blocks, %#" PRIx64 " after steps", seed,
             what, blocks, steps);
}

static void compare(struct fixture *blocks, struct fixture *steps, const struct program *p,
                    uint64_t seed)
{
    const struct riscv_state *a = fixture_state(blocks, 0), *b = fixture_state(steps, 0);
    const uint64_t *wa = (const uint64_t *)(const void *)a, *wb = (const uint64_t *)(const void *)b;
    char name[40];

    for (unsigned i = 0; i < sizeof(*a) / 8; i++) {
        snprintf(name, sizeof(name), "%s%u",
                 i < 32   ? "x"
                 : i < 64 ? "f"
                          : "word of state ",
                 i < 64 ? i % 32 : i);
        if (wa[i] != wb[i])
            explain(p, seed, name, wa[i], wb[i]);
    }
    if (memcmp(fixture_ram(blocks, PAGE(V_DATA)), fixture_ram(steps, PAGE(V_DATA)),
               DATA_PAGES * PAGE_SIZE_BYTES) != 0)
        explain(p, seed, "memory", 0, 0);
    if (memcmp(fixture_ram(blocks, TABLES), fixture_ram(steps, TABLES), 3 * PAGE_SIZE_BYTES) != 0)
        explain(p, seed, "a page table", 0, 0);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

TEST(blocks_do_what_their_instructions_do_one_by_one)
{
    uint64_t seed = from_environment("VIREO_TEST_SEED", 1);
    struct fixture blocks, steps;
    struct program program;
    struct cache_stats stats;

    set_up(&blocks, 0);
    set_up(&steps, 1);
    for (uint64_t i = from_environment("VIREO_TEST_ROUNDS", ROUNDS); i > 0; i--) {
        uint64_t of_program = seed;

        make_program(&blocks.isa, &of_program, &program);
        load_program(&blocks, &program, of_program);
        load_program(&steps, &program, of_program);
        fixture_run(&blocks, 0);
        fixture_run(&steps, 0);
        compare(&blocks, &steps, &program, seed);
        (void)fixture_random(&seed);
    }
    dbt_get_cache_stats(blocks.dbt, &stats);
    assert_int_not_equal(stats.dropped, 0);
    fixture_fini(&blocks);
    fixture_fini(&steps);
}

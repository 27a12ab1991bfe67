/*
 * dbt/tests/test_regions.c - random loops, compiled as regions, against the interpreter.
 *
 * Each program is a loop of random arithmetic, branches, inner loops and accesses of every kind
 * T2 tells apart: through a base that never changes (near a page's end too), through one that
 * walks, through any, floating point. Some accesses fault; the handler writes registers and the
 * count of instructions to a log. Run twice: the first run makes the regions, the second begins in
 * them. Registers, counters and all of memory must be the same on both engines.
 *
 * Paged, neighbours in virtual memory lie apart in physical memory, so that an access to two pages
 * that is taken for one to one page shows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/fp.h"
#include "dbt/regions.h"
#include "dbt/tests/fixture.h"
#include "tests/unit.h"

enum {
    PROGRAMS = 60,
    TURNS = 300,
    MAX_CODE = 900,
    MAX_CALLS = 16,
    /* registers with a task; x12 to x31 are anybody's */
    RA = 1,
    SP = 2,      /* fixed base */
    LOG = 4,     /* of the handler */
    SCRATCH = 5, /* of the handler */
    BAD = 6,     /* an address that faults now and then */
    DATA = 7,    /* what random addresses are relative to */
    WALK = 8,    /* smooth base */
    COUNT = 9,
    INNER = 10,
    ANY = 11, /* random address */
};

struct program {
    uint64_t seed;
    uint32_t code[MAX_CODE];
    unsigned count;
    unsigned call[MAX_CALLS]; /* where calls stand whose functions are to come */
    unsigned calls;
};

static unsigned draw(struct program *p, unsigned below)
{
    return (unsigned)(fixture_random(&p->seed) >> 33) % below;
}

static void put(struct program *p, uint32_t insn)
{
    assert_true(p->count < MAX_CODE);
    p->code[p->count++] = insn;
}

static unsigned any_reg(struct program *p)
{
    return 12 + draw(p, 20);
}

static void put_arithmetic(struct program *p)
{
    static const uint16_t rows[] = {
        INSN_ADD,  INSN_SUB,  INSN_AND,  INSN_OR,   INSN_XOR,  INSN_SLL, INSN_SRL,
        INSN_SRA,  INSN_ADDW, INSN_SUBW, INSN_MUL,  INSN_DIV,  INSN_REM, INSN_SLT,
        INSN_SLTU, INSN_SLLW, INSN_SRAW, INSN_MULW, INSN_DIVU,
    };

    if (draw(p, 3) == 0)
        put(p, asm_i(draw(p, 2) ? INSN_ADDI : INSN_ADDIW, any_reg(p), any_reg(p),
                     (int64_t)draw(p, 4096) - 2048));
    else
        put(p, asm_r(rows[draw(p, ARRAY_LEN(rows))], any_reg(p), any_reg(p), any_reg(p)));
}

static void put_access(struct program *p, unsigned base, int64_t range)
{
    static const uint16_t loads[] = { INSN_LB, INSN_LBU, INSN_LH, INSN_LHU,
                                      INSN_LW, INSN_LWU, INSN_LD };
    static const uint16_t stores[] = { INSN_SB, INSN_SH, INSN_SW, INSN_SD };
    int64_t offset = (int64_t)draw(p, (unsigned)range);

    if (draw(p, 8) != 0) /* aligned, mostly */
        offset &= ~INT64_C(7);
    if (draw(p, 4) == 0)
        put(p, draw(p, 2) ? asm_i(INSN_FLD, draw(p, 32), base, offset)
                          : asm_s(INSN_FSD, draw(p, 32), base, offset));
    else if (draw(p, 2))
        put(p, asm_i(loads[draw(p, ARRAY_LEN(loads))], any_reg(p), base, offset));
    else
        put(p, asm_s(stores[draw(p, ARRAY_LEN(stores))], any_reg(p), base, offset));
}

/* Operands the row does not have are left out. */
static uint32_t asm_fp(unsigned row, unsigned rd, const unsigned rs[3], unsigned rm)
{
    const struct insn_info *info = &insn_info[row];
    struct insn insn = { .row = (uint16_t)row, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs[0] };

    if (strstr(info->operands, "rs2") != NULL)
        insn.rs2 = (uint8_t)rs[1];
    if (strstr(info->operands, "rs3") != NULL)
        insn.rs3 = (uint8_t)rs[2];
    if (strstr(info->operands, ",rm") != NULL)
        insn.rm = (uint8_t)rm;
    return asm_insn(insn);
}

/* f0 to f15 have doubles only, so that T2 may pin them. */
static void put_float(struct program *p)
{
    static const uint16_t rows[] = { INSN_FADD_D,  INSN_FSUB_D,  INSN_FMUL_D,  INSN_FDIV_D,
                                     INSN_FMIN_D,  INSN_FMAX_D,  INSN_FSGNJ_D, INSN_FSGNJN_D,
                                     INSN_FSQRT_D, INSN_FMADD_D, INSN_FNMSUB_D };
    static const uint16_t to_int[] = { INSN_FEQ_D,     INSN_FLT_D,   INSN_FCVT_L_D,
                                       INSN_FCVT_WU_D, INSN_FMV_X_D, INSN_FCLASS_D };
    static const uint16_t from_int[] = { INSN_FCVT_D_L, INSN_FCVT_D_WU, INSN_FMV_D_X };
    static const uint16_t singles[] = { INSN_FADD_S,   INSN_FMUL_S,  INSN_FSGNJX_S, INSN_FCVT_S_D,
                                        INSN_FCVT_D_S, INSN_FMV_X_W, INSN_FMADD_S };
    unsigned rd = draw(p, 16), rs[3] = { draw(p, 16), draw(p, 16), draw(p, 16) };
    unsigned rm = draw(p, 16) == 0 ? FP_RUP : draw(p, 2) ? FP_RNE : FP_DYN;

    switch (draw(p, 8)) {
    case 0:
        put(p, asm_fp(to_int[draw(p, ARRAY_LEN(to_int))], any_reg(p), rs, rm));
        break;
    case 1:
        rs[0] = any_reg(p);
        put(p, asm_fp(from_int[draw(p, ARRAY_LEN(from_int))], rd, rs, rm));
        break;
    case 2:
        for (unsigned i = 0; i < 3; i++)
            rs[i] += 16;
        put(p, asm_fp(singles[draw(p, ARRAY_LEN(singles))], 16 + rd, rs, rm));
        break;
    default:
        put(p, asm_fp(rows[draw(p, ARRAY_LEN(rows))], rd, rs, rm));
        break;
    }
}

static void put_random_access(struct program *p)
{
    put(p, asm_i(INSN_ANDI, ANY, any_reg(p), 0x7f8));
    put(p, asm_i(INSN_SLLI, ANY, ANY, (int64_t)draw(p, 7)));
    put(p, asm_r(INSN_ADD, ANY, ANY, DATA));
    put_access(p, ANY, 64);
    if (draw(p, 2))
        put_access(p, ANY, 64);
}

/* Several about one base, which may move by a constant; loads and stores, and what is between. */
static void put_group(struct program *p)
{
    put(p, asm_i(INSN_ANDI, ANY, any_reg(p), 0x7f8));
    put(p, asm_i(INSN_SLLI, ANY, ANY, (int64_t)draw(p, 5)));
    put(p, asm_r(INSN_ADD, ANY, ANY, DATA));
    for (unsigned i = 2 + draw(p, 4); i > 0; i--) {
        put_access(p, ANY, draw(p, 2) ? 64 : 1200);
        if (draw(p, 3) == 0)
            put_arithmetic(p);
        if (draw(p, 3) == 0)
            put(p, ADDI(ANY, ANY, (int64_t)draw(p, 128) - 64));
    }
}

/* BAD is DATA, and once in 128 turns an address where there is nothing. */
static void put_fault(struct program *p)
{
    put(p, asm_i(INSN_ANDI, BAD, COUNT, 127));
    put(p, asm_i(INSN_SLTIU, BAD, BAD, 1));
    put(p, asm_i(INSN_SLLI, BAD, BAD, 40));
    put(p, asm_r(INSN_ADD, BAD, BAD, DATA));
    put_access(p, BAD, 64);
}

static void put_items(struct program *p, unsigned items, unsigned depth);

static void put_skip(struct program *p, unsigned depth)
{
    static const uint16_t rows[] = { INSN_BEQ, INSN_BNE, INSN_BLT, INSN_BGE, INSN_BLTU, INSN_BGEU };
    unsigned at = p->count, row = rows[draw(p, ARRAY_LEN(rows))];
    unsigned rs1 = any_reg(p), rs2 = any_reg(p);

    put(p, 0);
    put_items(p, 1 + draw(p, 3), depth + 1);
    if (draw(p, 2)) { /* with an else */
        unsigned over = p->count;

        put(p, 0);
        p->code[at] = asm_s(row, rs2, rs1, 4 * ((int64_t)p->count - at));
        put_items(p, 1 + draw(p, 2), depth + 1);
        p->code[over] = JAL(0, 4 * ((int64_t)p->count - over));
    } else {
        p->code[at] = asm_s(row, rs2, rs1, 4 * ((int64_t)p->count - at));
    }
}

static void put_inner_loop(struct program *p)
{
    unsigned top;

    put(p, LI(INNER, 1 + (int64_t)draw(p, 6)));
    top = p->count;
    put_items(p, 1 + draw(p, 3), 3);
    put(p, ADDI(INNER, INNER, -1));
    put(p, asm_s(INSN_BNE, 0, INNER, 4 * ((int64_t)top - p->count)));
}

/* One of four, by two bits of a register. */
static void put_switch(struct program *p)
{
    unsigned at = p->count, jump = at + 4, end = jump + 9;

    put(p, asm_i(INSN_AUIPC, ANY, 0, 0));
    put(p, asm_i(INSN_ANDI, BAD, any_reg(p), 3));
    put(p, asm_i(INSN_SLLI, BAD, BAD, 3));
    put(p, asm_r(INSN_ADD, ANY, ANY, BAD));
    put(p, JALR(0, ANY, 4 * ((int64_t)jump + 1 - at)));
    for (unsigned i = 0; i < 4; i++) {
        put_arithmetic(p);
        put(p, JAL(0, 4 * ((int64_t)end - p->count)));
    }
}

static void put_call(struct program *p)
{
    if (p->calls == MAX_CALLS)
        return;
    p->call[p->calls++] = p->count;
    put(p, 0);
}

/* Behind the program, the functions its calls lead to; they call nothing. */
static void put_functions(struct program *p)
{
    unsigned calls = p->calls;

    p->calls = MAX_CALLS;
    for (unsigned i = 0; i < calls; i++) {
        p->code[p->call[i]] = JAL(RA, 4 * ((int64_t)p->count - p->call[i]));
        put_items(p, 1 + draw(p, 3), 2);
        put(p, JALR(0, RA, 0));
    }
}

static void put_items(struct program *p, unsigned items, unsigned depth)
{
    while (items-- > 0) {
        switch (draw(p, depth < 2 ? 12 : 8)) {
        case 0:
            for (unsigned i = 1 + draw(p, 5); i > 0; i--)
                put_access(p, SP, 256);
            break;
        case 1:
            put_access(p, WALK, 32);
            break;
        case 2:
            put_random_access(p);
            break;
        case 3:
            put_fault(p);
            break;
        case 4:
            for (unsigned i = 1 + draw(p, 5); i > 0; i--)
                put_float(p);
            break;
        case 7:
            put_group(p);
            break;
        case 8:
            put_skip(p, depth);
            break;
        case 9:
            if (depth == 0)
                put_inner_loop(p);
            break;
        case 10:
            put_switch(p);
            break;
        case 11:
            put_call(p);
            break;
        default:
            put_arithmetic(p);
            break;
        }
    }
}

static void make_program(struct program *p, uint64_t seed)
{
    static const int16_t strides[] = { 1, 8, -8, 24, 2040, 0 };
    unsigned top;

    p->seed = seed * 2 + 1;
    p->count = p->calls = 0;
    put(p, LI(COUNT, TURNS));
    top = p->count;
    put_items(p, 4 + draw(p, 8), 0);
    put(p, ADDI(WALK, WALK, strides[draw(p, ARRAY_LEN(strides))]));
    put(p, ADDI(COUNT, COUNT, -1));
    put(p, asm_s(INSN_BNE, 0, COUNT, 4 * ((int64_t)top - p->count)));
    put(p, ECALL);
    put_functions(p);
}

/* Where things are; the handler skips what faulted. */
enum {
    CODE_AT = 0x1000,
    HANDLER_AT = 0x800,
    DATA_AT = 0x100000,
    LOG_AT = 0x300000,
    TABLES_AT = 0x3f0000, /* root, a directory, two tables of leaves */
};

static void put_pte(struct fixture *f, unsigned table, unsigned index, gpa_t to, uint64_t flags)
{
    uint64_t *pte = fixture_ram(f, RAM_BASE + TABLES_AT + (gpa_t)table * PAGE_SIZE_BYTES);

    pte[index] = (to >> PAGE_SHIFT) << PTE_PPN_SHIFT | flags;
}

/* Sv39: data's pages trade places, so that none has its neighbour beside it; the rest is where it
 * is without. */
static void turn_paging_on(struct fixture *f)
{
    const uint64_t flags = PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;
    const gpa_t tables = RAM_BASE + TABLES_AT;

    put_pte(f, 0, RAM_BASE >> 30, tables + PAGE_SIZE_BYTES, PTE_V);
    for (unsigned i = 0; i < RAM_SIZE >> PAGE_SHIFT; i++) {
        unsigned to = i << PAGE_SHIFT;

        if (i % 512 == 0)
            put_pte(f, 1, i / 512, tables + (gpa_t)(2 + i / 512) * PAGE_SIZE_BYTES, PTE_V);
        if (to >= DATA_AT && to < LOG_AT)
            to ^= 0x15000;
        put_pte(f, 2 + i / 512, i % 512, RAM_BASE + to, flags);
    }
    fixture_csr(f, 0, CSR_SATP, UINT64_C(8) << 60 | tables >> PAGE_SHIFT);
}

static void set_up(struct fixture *f, const struct program *p, unsigned stack)
{
    struct riscv_state *s = fixture_state(f, 0);
    uint64_t seed = 77;

    CODE(f, RAM_BASE + HANDLER_AT, asm_csr(INSN_CSRRS, SCRATCH, CSR_INSTRET, 0),
         SD(SCRATCH, LOG, 0), SD(12, LOG, 8), SD(17, LOG, 16), SD(23, LOG, 24), SD(31, LOG, 32),
         asm_csr(INSN_CSRRS, SCRATCH, CSR_SEPC, 0), SD(SCRATCH, LOG, 40),
         asm_s(INSN_FSD, 0, LOG, 48), asm_s(INSN_FSD, 7, LOG, 56), asm_s(INSN_FSD, 13, LOG, 64),
         ADDI(LOG, LOG, 72), ADDI(SCRATCH, SCRATCH, 4), asm_csr(INSN_CSRRW, 0, CSR_SEPC, SCRATCH),
         asm_i(INSN_SRET, 0, 0, 0));
    fixture_code(f, RAM_BASE + CODE_AT, p->code, p->count);
    fixture_csr(f, 0, CSR_STVEC, RAM_BASE + HANDLER_AT);
    fixture_csr(f, 0, CSR_SSTATUS, MSTATUS_FS);
    for (unsigned i = 12; i < 32; i++)
        s->x[i] = fixture_random(&seed) >> (i % 3 * 20);
    for (unsigned i = 0; i < 16; i++) /* numbers near each other; one that is none */
        s->f[i] = UINT64_C(0x3ff) << 52 ^ fixture_random(&seed) >> (i == 9 ? 0 : 10);
    s->x[SP] = RAM_BASE + 0x200000 + stack;
    s->x[LOG] = RAM_BASE + LOG_AT;
    s->x[DATA] = RAM_BASE + DATA_AT;
    s->x[WALK] = RAM_BASE + DATA_AT + 0x40000;
}

static void compare(struct fixture *f, struct fixture *g, uint64_t seed)
{
    struct riscv_state *s = fixture_state(f, 0), *t = fixture_state(g, 0);

    for (unsigned i = 0; i < 32; i++)
        if (s->x[i] != t->x[i])
            fail_msg("seed %u: x%u is %#llx, should be %#llx", (unsigned)seed, i,
                     (unsigned long long)s->x[i], (unsigned long long)t->x[i]);
    for (unsigned i = 0; i < 32; i++)
        if (s->f[i] != t->f[i])
            fail_msg("seed %u: f%u is %#llx, should be %#llx", (unsigned)seed, i,
                     (unsigned long long)s->f[i], (unsigned long long)t->f[i]);
    assert_int_equal(s->fflags, t->fflags);
    assert_int_equal(s->pc, t->pc);
    assert_int_equal(s->minstret, t->minstret);
    assert_memory_equal(fixture_ram(f, RAM_BASE), fixture_ram(g, RAM_BASE), RAM_SIZE);
}

/* What a region had reserved and did not need is used again, whatever was compiled meanwhile. */
static void check_memory(struct fixture *f)
{
    enum { ROUNDING = 16 };
    struct back_stats stats;

    assert_true(dbt_get_back_stats(f->dbt, &stats));
    assert_true(stats.used <=
                stats.block_bytes + stats.region_bytes + ROUNDING * (stats.regions + stats.blocks));
}

static void run_program(const struct program *p, uint64_t seed, bool paged,
                        struct regions_stats *total)
{
    struct dbt_tuning tuning = dbt_tuning_default();
    struct fixture *f = malloc(sizeof(*f)), *g = malloc(sizeof(*g));
    struct regions_stats stats;

    tuning.t1_after = tuning.t2_after = 1;
    if (f == NULL || g == NULL) {
        free(f);
        free(g);
        fail();
        return;
    }
    if (!fixture_init_jit(f, 1, &tuning))
        skip();
    fixture_init(g, 1, 0);
    set_up(f, p, seed % 3 == 0 ? 0xf80 : 0x100);
    set_up(g, p, seed % 3 == 0 ? 0xf80 : 0x100);
    if (paged) {
        turn_paging_on(f);
        turn_paging_on(g);
    }
    for (unsigned i = 0; i < 3; i++) {
        fixture_run_at(f, 0, RAM_BASE + CODE_AT);
        dbt_wait_for_regions(f->dbt);
        fixture_run_at(g, 0, RAM_BASE + CODE_AT);
        compare(f, g, seed);
        check_memory(f);
    }
    dbt_get_regions_stats(f->dbt, &stats);
    total->made += stats.made;
    total->blocks += stats.blocks;
    fixture_fini(f);
    fixture_fini(g);
    free(f);
    free(g);
}

static void run_programs(bool paged)
{
    struct regions_stats total = { 0 };
    const char *only = getenv("VIREO_TEST_SEED");
    struct program p;

    for (uint64_t seed = 1; seed <= PROGRAMS; seed++)
        if (only == NULL || strtoull(only, NULL, 0) == seed) {
            make_program(&p, seed);
            run_program(&p, seed, paged, &total);
        }
    assert_true(only != NULL || total.made >= PROGRAMS);
    assert_true(only != NULL || total.blocks >= 3 * total.made);
}

TEST(random_loops_do_the_same_as_regions)
{
    run_programs(false);
}

TEST(random_loops_do_the_same_where_neighbouring_pages_lie_apart)
{
    run_programs(true);
}

/* Through a fixed base and through one that moves: more than there are registers for. */
TEST(many_floats_are_loaded_in_one_block)
{
    struct regions_stats total = { 0 };
    struct program p = { .seed = 1 };

    for (unsigned base = 0; base < 2; base++) {
        p.count = 0;
        put(&p, LI(COUNT, TURNS));
        for (unsigned i = 0; i < 20; i++)
            put(&p, asm_i(INSN_FLD, i, base == 0 ? SP : WALK, 8 * (int64_t)i));
        put(&p, ADDI(WALK, WALK, 8));
        put(&p, ADDI(COUNT, COUNT, -1));
        put(&p, asm_s(INSN_BNE, 0, COUNT, 4 * (1 - (int64_t)p.count)));
        put(&p, ECALL);
        run_program(&p, 1, true, &total);
    }
    assert_true(total.made >= 2);
}

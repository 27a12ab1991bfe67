/* dbt/tests/test_keep.c - blocks kept from one machine to the next. */
#include "dbt/tests/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dbt/back/back.h"
#include "dbt/store/store.h"
#include "dbt/tests/program.h"
#include "tests/unit.h"

enum { A0 = 10, A1, A2, A3, A4, SP = 2, RA = 1, SEEDS = 60 };

static void make_dir(char dir[64])
{
    if (back_host == NULL || back_host->available(NULL) < 0)
        skip();
    snprintf(dir, 64, "/tmp/vireo-keep-XXXXXX");
    assert_non_null(mkdtemp(dir));
}

static void remove_dir(const char *dir)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c,bugprone-command-processor) */
}

static void start(struct fixture *f, const char *dir, uint32_t t1_after)
{
    struct dbt_tuning tuning = dbt_tuning_default();

    tuning.t1_after = t1_after;
    tuning.t2_after = 3;
    assert_true(fixture_init_keeping(f, 1, &tuning, dir));
}

/* A loop with a call, memory, CSRs (which are interpreted in place), FP flags, and an exit to
 * another page. a3 counts down from `turns`; the result is in a0. */
static uint64_t run_program(struct fixture *f, int64_t step)
{
    gpa_t at = RAM_BASE;

    fixture_csr(f, 0, CSR_SSTATUS, MSTATUS_FS);
    at = CODE(f, at, LI(A0, 0), LI(A3, 50), asm_i(INSN_AUIPC, A1, 0, 0x2000));
    at = CODE(f, at, JAL(RA, 0x100 - 12));
    CODE(f, at, ADDI(A3, A3, -1), asm_s(INSN_BNE, 0, A3, -8), JAL(0, 0x1000 - 24));
    CODE(f, RAM_BASE + 0x100, ADDI(A0, A0, step), SD(A0, A1, 0), LD(A2, A1, 0),
         asm_csr(INSN_CSRRS, A4, CSR_SSCRATCH, 0), asm_csr(INSN_CSRRW, 0, CSR_FFLAGS, A3),
         asm_csr(INSN_CSRRS, A4, CSR_FFLAGS, 0), asm_r(INSN_ADD, A0, A2, A4), JALR(0, RA, 0));
    CODE(f, RAM_BASE + 0x1000, ADDI(A0, A0, 1), ECALL);
    fixture_run_at(f, 0, RAM_BASE);
    return fixture_state(f, 0)->x[A0];
}

static struct store_stats stats_of(struct fixture *f)
{
    struct store_stats stats;

    assert_true(dbt_get_store_stats(f->dbt, &stats));
    return stats;
}

static struct back_stats code_of(struct fixture *f)
{
    struct back_stats stats;

    assert_true(dbt_get_back_stats(f->dbt, &stats));
    return stats;
}

static uint64_t expected(int64_t step)
{
    struct fixture f;
    uint64_t result;

    fixture_init(&f, 1, 0);
    result = run_program(&f, step);
    fixture_fini(&f);
    return result;
}

TEST(a_second_run_translates_and_compiles_nothing)
{
    struct fixture f;
    uint64_t compiled;
    char dir[64];

    make_dir(dir);
    start(&f, dir, 1);
    assert_int_equal(run_program(&f, 3), expected(3));
    assert_int_equal(stats_of(&f).found, 0);
    assert_true(stats_of(&f).added > 4);
    compiled = code_of(&f).blocks;
    fixture_fini(&f);

    start(&f, dir, 1);
    assert_int_equal(run_program(&f, 3), expected(3));
    assert_int_equal(stats_of(&f).added, 0);
    assert_int_equal(stats_of(&f).found, stats_of(&f).read);
    assert_int_equal(code_of(&f).blocks, 0);
    assert_int_equal(code_of(&f).loaded, compiled);
    fixture_fini(&f);
    remove_dir(dir);
}

TEST(a_changed_instruction_is_translated_anew)
{
    struct fixture f;
    char dir[64];

    make_dir(dir);
    start(&f, dir, 1);
    (void)run_program(&f, 3);
    fixture_fini(&f);
    start(&f, dir, 1);
    assert_int_equal(run_program(&f, 4), expected(4));
    assert_int_equal(stats_of(&f).added, 1);
    assert_true(stats_of(&f).found > 3);
    fixture_fini(&f);
    remove_dir(dir);
}

TEST(blocks_that_were_never_hot_are_kept_too)
{
    struct fixture f;
    char dir[64];

    make_dir(dir);
    start(&f, dir, 1000);
    (void)run_program(&f, 3);
    fixture_fini(&f);
    start(&f, dir, 1000);
    assert_int_equal(run_program(&f, 3), expected(3));
    assert_int_equal(stats_of(&f).added, 0);
    assert_int_equal(code_of(&f).loaded, 0);
    fixture_fini(&f);
    remove_dir(dir);
}

TEST(another_tuning_finds_nothing)
{
    struct fixture f;
    char dir[64];

    make_dir(dir);
    start(&f, dir, 1);
    (void)run_program(&f, 3);
    fixture_fini(&f);
    start(&f, dir, 2);
    assert_int_equal(stats_of(&f).read, 0);
    fixture_fini(&f);
    remove_dir(dir);
}

/* All rows of insn.table, faults, changed code; cold, then twice from the folder. */
TEST(random_programs_agree_on_kept_code)
{
    struct program_difference d;
    struct fixture jit, interp;
    struct program p;
    char dir[64];

    make_dir(dir);
    for (unsigned round = 0; round < 3; round++) {
        start(&jit, dir, 1);
        fixture_init(&interp, 1, 0);
        program_prepare(&jit, 0);
        program_prepare(&interp, 0);
        for (unsigned seed = 1; seed <= SEEDS; seed++) {
            program_make(&p, &jit.isa, seed, 0, 5);
            program_load(&jit, 0, &p);
            program_load(&interp, 0, &p);
            fixture_run(&jit, 0);
            fixture_run(&interp, 0);
            if (!program_agree(&jit, 0, &interp, 0, &p, &d))
                fail_msg("round %u, seed %u: %s is %#llx and %#llx", round, seed, d.what,
                         (unsigned long long)d.a, (unsigned long long)d.b);
        }
        if (round > 0)
            assert_true(code_of(&jit).loaded > 10 * code_of(&jit).blocks);
        fixture_fini(&interp);
        fixture_fini(&jit);
    }
    remove_dir(dir);
}

/* ---- images ---- */

static struct tb *block(void)
{
    const struct t0_op op[] = {
        { .opcode = T0_ADD_RI, .dst = T0_SLOT_X + A0, .a = T0_SLOT_X + A0, .imm = 1 },
        { .opcode = T0_LOAD64, .dst = T0_SLOT_X + A1, .a = T0_SLOT_X + A0 },
        { .opcode = T0_GETFFLAGS, .dst = T0_SLOT_X + A2 },
        { .opcode = T0_CLMUL_RR, .dst = T0_SLOT_X + A2, .a = T0_SLOT_X + A0, .b = T0_SLOT_X + A1 },
        { .opcode = T0_BRNE_RR, .dst = 0, .a = T0_SLOT_X + A0, .b = T0_SLOT_X + A1 },
        { .opcode = T0_JUMP, .dst = 1, .imm = 64 },
    };
    const struct t0_insn insn[] = { { 0, 0 }, { 1, 4 }, { 2, 8 }, { 3, 12 }, { 4, 16 }, { 5, 20 } };
    struct tb *tb = tb_new(op, 6, insn, 6);

    assert_non_null(tb);
    tb->gpa = RAM_BASE + 0x40;
    tb->gpa2 = UINT64_MAX;
    tb->length = 24;
    return tb;
}

static bool loads(struct back *back, const uint8_t *image, size_t size)
{
    uint8_t *exact = malloc(size + 1); /* for the sanitizer */
    struct tb *tb = block();
    bool loaded;

    memcpy(exact, image, size);
    loaded = back_host->load(back, tb, exact, size);
    assert_int_equal(loaded, atomic_load(&tb->code) != NULL);
    tb_free(tb);
    free(exact);
    return loaded;
}

/* Code cannot be checked, and is not run here; everything else is. */
TEST(an_image_with_wrong_numbers_is_refused_or_stays_within_bounds)
{
    const struct back_config config = { .code_bytes = 8 << 20, .tuning = dbt_tuning_default() };
    uint8_t image[4096];
    struct back *back;
    struct tb *tb;
    size_t size;

    if (back_host == NULL || back_host->available(NULL) < 0) {
        skip();
        return;
    }
    assert_int_equal(back_host->create(&back, &config, NULL), 0);
    tb = block();
    size = back_host->save(back, tb, image, sizeof(image));
    assert_true(size > 100);
    assert_int_equal(back_host->save(back, tb, image, size), size);
    assert_int_equal(back_host->save(back, tb, image + 1, size - 1), 0);
    assert_int_equal(back_host->save(back, tb, image, sizeof(image)), size);
    tb_free(tb);
    assert_true(loads(back, image, size));
    for (size_t cut = 0; cut < size; cut++)
        assert_false(loads(back, image, cut));
    for (size_t at = 0; at < size; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            image[at] ^= (uint8_t)(1 << bit);
            (void)loads(back, image, size);
            image[at] ^= (uint8_t)(1 << bit);
        }
    assert_true(loads(back, image, size));
    back_host->destroy(back);
}

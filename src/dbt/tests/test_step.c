/*
 * dbt/tests/test_step.c - random programs (program.h), run in blocks as long as they get, against
 * the same programs run in blocks of one instruction: whatever lower.c and the engine do across
 * instructions must not show.
 *
 * Seeds are fixed; VIREO_TEST_ROUNDS says how many programs, VIREO_TEST_SEED begins elsewhere.
 */
#include "dbt/tests/program.h"
#include "tests/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
enum { ROUNDS = 3000 };
#else
enum { ROUNDS = 100000 };
#endif

static void set_up(struct fixture *f, unsigned max_insns)
{
    fixture_init(f, 1, max_insns);
    program_prepare(f, 0);
}

static void explain(const struct program *p, const struct program_difference *difference)
{
    char text[120];

    for (unsigned i = 0; i < p->count; i++) {
        program_line(p, i, text, sizeof(text));
        fprintf(stderr, "%s\n", text);
    }
    fail_msg("seed %#" PRIx64 ": %s is %#" PRIx64 " after blocks, %#" PRIx64 " after steps",
             p->seed, difference->what, difference->a, difference->b);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

TEST(blocks_do_what_their_instructions_do_one_by_one)
{
    uint64_t seed = from_environment("VIREO_TEST_SEED", 1);
    struct program_difference difference;
    struct fixture blocks, steps;
    struct program program;
    struct cache_stats stats;

    set_up(&blocks, 0);
    set_up(&steps, 1);
    for (uint64_t i = from_environment("VIREO_TEST_ROUNDS", ROUNDS); i > 0; i--) {
        program_make(&program, &blocks.isa, seed, 0, 0);
        program_load(&blocks, 0, &program);
        program_load(&steps, 0, &program);
        fixture_run(&blocks, 0);
        fixture_run(&steps, 0);
        if (!program_agree(&blocks, 0, &steps, 0, &program, &difference))
            explain(&program, &difference);
        (void)fixture_random(&seed);
    }
    dbt_get_cache_stats(blocks.dbt, &stats);
    assert_int_not_equal(stats.dropped, 0);
    fixture_fini(&blocks);
    fixture_fini(&steps);
}

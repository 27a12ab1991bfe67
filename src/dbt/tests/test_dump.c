/* dbt/tests/test_dump.c - what is translated and compiled can be looked at, stage by stage. */
#include "dbt/tests/fixture.h"
#include "tests/unit.h"

#include <pthread.h>

#include "base/strbuf.h"

enum { S0 = 8, A0 = 10 };

/* The hart and the thread that makes regions both write. */
struct sink {
    pthread_mutex_t lock;
    struct strbuf *out;
};

static void keep(void *opaque, const char *text)
{
    struct sink *sink = opaque;

    pthread_mutex_lock(&sink->lock);
    strbuf_add(sink->out, text);
    pthread_mutex_unlock(&sink->lock);
}

/* A loop that is compiled. Returns what was dumped; free with strbuf_fini(). */
static void dump_loop(unsigned stages, struct strbuf *out)
{
    struct dbt_tuning tuning = dbt_tuning_default();
    struct sink sink = { PTHREAD_MUTEX_INITIALIZER, out };
    struct fixture f;

    strbuf_init(out);
    tuning.t1_after = tuning.t2_after = 1;
    if (!fixture_init_dumping(&f, &tuning, &(struct dbt_dump){ stages, keep, &sink }))
        skip();
    CODE(&f, RAM_BASE, ADDI(A0, A0, 5), ADDI(S0, S0, -1),
         asm_insn((struct insn){ .row = INSN_BNE, .rs1 = S0, .imm = -8 }), ECALL);
    fixture_state(&f, 0)->x[S0] = 100;
    fixture_run(&f, 0);
    dbt_wait_for_regions(f.dbt);
    fixture_fini(&f);
    pthread_mutex_destroy(&sink.lock);
}

TEST(each_stage_is_shown)
{
    struct strbuf out;

    dump_loop(1u << DBT_DUMP_STAGES, &out); /* no stage there is */
    assert_null(strstr(strbuf_str(&out), "addi"));
    strbuf_fini(&out);
    dump_loop(1u << DBT_DUMP_GUEST | 1u << DBT_DUMP_IR | 1u << DBT_DUMP_T0 | 1u << DBT_DUMP_HOST,
              &out);
    assert_non_null(strstr(strbuf_str(&out), "block 0x80000000, mode "));
    assert_non_null(strstr(strbuf_str(&out), "  0x80000000  addi a0,a0,5\n"));
    assert_non_null(strstr(strbuf_str(&out), "setx     x10, %"));
    assert_non_null(strstr(strbuf_str(&out), "ADD       x10, x10, 5\n"));
    assert_non_null(strstr(strbuf_str(&out), "host code of the block at 0x80000000, mode "));
    strbuf_fini(&out);
}

TEST(a_region_is_shown_with_what_is_known_of_it)
{
    struct strbuf out;

    dump_loop(1u << DBT_DUMP_REGION, &out);
    assert_non_null(strstr(strbuf_str(&out), "region at 0x80000000, mode "));
    assert_non_null(strstr(strbuf_str(&out), ": 1 blocks, 4 ops\n"
                                             "  0x80000000, depth 1, computed, to 0x80000000\n"));
    assert_non_null(strstr(strbuf_str(&out), "  registers by use: x8 24, x10 16\n\n"));
    assert_null(strstr(strbuf_str(&out), "block 0x80000000"));
    strbuf_fini(&out);
}

TEST(other_stages_are_not_shown)
{
    struct strbuf out;

    dump_loop(1u << DBT_DUMP_T0, &out);
    assert_non_null(strstr(strbuf_str(&out), "ADD       x10, x10, 5\n"));
    assert_null(strstr(strbuf_str(&out), "addi"));
    assert_null(strstr(strbuf_str(&out), "setx"));
    assert_null(strstr(strbuf_str(&out), "host code"));
    assert_null(strstr(strbuf_str(&out), "region"));
    strbuf_fini(&out);
}

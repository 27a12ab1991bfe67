/*
 * dbt/tests/test_ir_random.c - random blocks of IR, lowered and run by T0 on a real hart, against
 * the evaluator: registers, flags, memory, faults and where it goes on must agree.
 *
 * The seed is fixed. VIREO_TEST_ROUNDS says how many blocks, VIREO_TEST_SEED begins elsewhere.
 */
#include "dbt/tests/fixture.h"
#include "tests/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dbt/interp/t0.h"
#include "dbt/tests/ir_eval.h"
#include "dbt/tests/ir_random.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { ROUNDS = 30000 };
#elif defined(__clang__)
enum { ROUNDS = 100000 }; /* clang does not say so by a macro, and gcc's build runs them all */
#else
enum { ROUNDS = 1000000 };
#endif
enum { POINTER_FIRST = 8, POINTERS = 4, WINDOW = 2 * PAGE_SIZE_BYTES, COMPARE_ALL = 8192 };

#define BLOCK_PC UINT64_C(0x12345000) /* nothing is there, nor near it */
#define RAM_END (RAM_BASE + RAM_SIZE)

struct compared {
    struct fixture f;
    struct eval_state expected;
    struct ir_block ir;
    struct t0_code code;
    struct ir_random random;
    uint64_t seed; /* of the block at hand */
    struct eval_exit exit;
};

static uint64_t rounds(void)
{
    const char *text = getenv("VIREO_TEST_ROUNDS");

    return text != NULL ? strtoull(text, NULL, 0) : ROUNDS;
}

static uint64_t first_seed(void)
{
    const char *text = getenv("VIREO_TEST_SEED");

    return text != NULL ? strtoull(text, NULL, 0) : 1;
}

static void setup(struct compared *c, unsigned max_ops)
{
    fixture_init(&c->f, 1, 0);
    memset(&c->expected, 0, sizeof(c->expected));
    c->expected.ram = calloc(1, RAM_SIZE);
    assert_non_null(c->expected.ram);
    c->expected.ram_base = RAM_BASE;
    c->expected.ram_size = RAM_SIZE;
    c->expected.reservation = UINT64_MAX;
    c->random.pointer_first = POINTER_FIRST;
    c->random.pointers = POINTERS;
    c->random.max_ops = max_ops;
    fixture_state(&c->f, 0)->priv = PRIV_M;
    fixture_csr(&c->f, 0, CSR_MTVEC, 0x100);
    c->f.hart[0]->hart.builtin_sbi = false;
    (void)hart_serve_requests(&c->f.hart[0]->hart);
    mem_read_lock();
}

static void teardown(struct compared *c)
{
    mem_read_unlock();
    free(c->expected.ram);
    fixture_fini(&c->f);
}

/* A pointer near the end of RAM, so that accesses fall off it at times. */
static uint64_t random_pointer(uint64_t *seed)
{
    uint64_t r = fixture_random(seed);

    switch (r & 7) {
    case 0:
        return RAM_END - (r >> 8 & 0xff);
    case 1:
        return RAM_END - PAGE_SIZE_BYTES - (r >> 8 & 7);
    default:
        return RAM_END - 16 - (r >> 8 & 0x7f0);
    }
}

static uint64_t random_float(uint64_t *seed)
{
    uint64_t r = fixture_random(seed);

    switch (r & 3) {
    case 0:
        return r;
    case 1:
        return r | UINT64_C(0xffffffff00000000);
    case 2:
        return (uint64_t)(0x3f800000 + (r >> 8 & 0xffff) - 0x8000) | UINT64_C(0xffffffff00000000);
    default:
        return UINT64_C(0x3ff0000000000000) + (r >> 8 & 0xffffffff) - 0x80000000;
    }
}

static void random_state(struct compared *c, uint64_t *seed)
{
    struct hart *hart = &c->f.hart[0]->hart;
    struct riscv_state *s = &hart->s;
    struct eval_state *e = &c->expected;

    for (unsigned i = 1; i < 32; i++)
        s->x[i] = (int64_t)fixture_random(seed) >> (fixture_random(seed) & 63);
    for (unsigned i = 0; i < 32; i++)
        s->f[i] = random_float(seed);
    for (unsigned i = 0; i < POINTERS; i++)
        s->x[POINTER_FIRST + i] = random_pointer(seed);
    s->frm = (uint8_t)(fixture_random(seed) % 5);
    s->fflags = fixture_random(seed) & 31;
    s->mstatus = field_set(s->mstatus, MSTATUS_FS, XSTATUS_CLEAN);
    s->minstret = 0;
    c->f.hart[0]->dh->hart->run.insns = 0;
    hart_mode_changed(hart);
    dbt_mode_changed(c->f.hart[0]->dh);
    memcpy(e->x, s->x, sizeof(e->x));
    memcpy(e->f, s->f, sizeof(e->f));
    e->state[IR_STATE_STVEC] = s->stvec;
    e->state[IR_STATE_SSCRATCH] = s->sscratch;
    e->state[IR_STATE_SEPC] = s->sepc;
    e->state[IR_STATE_SCAUSE] = s->scause;
    e->state[IR_STATE_STVAL] = s->stval;
    e->status = s->mstatus & EVAL_STATUS;
    e->frm = s->frm;
    e->fflags = s->fflags;
    e->fs_dirty = false;
}

static void explain(struct compared *c, const char *what, uint64_t is, uint64_t should)
{
    struct strbuf text;

    strbuf_init(&text);
    ir_dump(&c->ir, &text);
    strbuf_add(&text, "\n");
    t0_dump(c->code.op, c->code.ops, &text);
    fprintf(stderr, "%s\nseed %#" PRIx64 ": %s is %#" PRIx64 ", should be %#" PRIx64 "\n",
            strbuf_str(&text), c->seed, what, is, should);
    strbuf_fini(&text);
    fail();
}

#define SAME(what, is, should)                                                                     \
    do {                                                                                           \
        uint64_t is_ = (is), should_ = (should);                                                   \
        if (is_ != should_)                                                                        \
            explain(c, what, is_, should_);                                                        \
    } while (0)

/* A jump finds no block where it goes, so the hart ends up in the trap handler either way. */
static void compare_exit(struct compared *c)
{
    const struct riscv_state *s = fixture_state(&c->f, 0);
    const struct eval_exit *e = &c->exit;
    bool traps = e->way == EVAL_TRAPS;

    if (!traps && !e->by_jump) {
        SAME("pc", s->pc, e->pc);
        return;
    }
    SAME("pc", s->pc, 0x100);
    SAME("mepc", s->mepc, e->pc);
    SAME("mcause", s->mcause, traps ? e->cause : CAUSE_FETCH_ACCESS);
    SAME("mtval", s->mtval, traps ? e->tval : e->pc);
}

static void compare_registers(struct compared *c)
{
    const struct riscv_state *s = fixture_state(&c->f, 0);
    char name[8];

    for (unsigned i = 0; i < 64; i++) {
        bool is_f = i >= 32;

        snprintf(name, sizeof(name), "%c%u", is_f ? 'f' : 'x', i % 32);
        SAME(name, is_f ? s->f[i - 32] : s->x[i], is_f ? c->expected.f[i - 32] : c->expected.x[i]);
    }
}

static void compare_memory(struct compared *c, bool all)
{
    const struct eval_state *e = &c->expected;

    for (unsigned i = 0; i < e->writes; i++) {
        uint64_t offset = e->wrote[i].gpa - RAM_BASE;

        if (memcmp(e->ram + offset, c->f.ram->hva + offset, e->wrote[i].size) != 0)
            explain(c, "memory at", e->wrote[i].gpa, 0);
    }
    if (memcmp(e->ram + RAM_SIZE - WINDOW, c->f.ram->hva + RAM_SIZE - WINDOW, WINDOW) != 0)
        explain(c, "memory at the end", 0, 0);
    if (all && memcmp(e->ram, c->f.ram->hva, RAM_SIZE) != 0)
        explain(c, "memory elsewhere", 0, 0);
}

static void compare(struct compared *c, bool all)
{
    const struct hart *hart = &c->f.hart[0]->hart;

    compare_exit(c);
    if (memcmp(hart->s.x, c->expected.x, sizeof(hart->s.x)) != 0 ||
        memcmp(hart->s.f, c->expected.f, sizeof(hart->s.f)) != 0)
        compare_registers(c);
    SAME("fflags", hart->s.fflags, c->expected.fflags);
    SAME("dirty", field_get(hart->s.mstatus, MSTATUS_FS) == XSTATUS_DIRTY, c->expected.fs_dirty);
    SAME("status", hart->s.mstatus & EVAL_STATUS, c->expected.status);
    SAME("stvec", hart->s.stvec, c->expected.state[IR_STATE_STVEC]);
    SAME("sscratch", hart->s.sscratch, c->expected.state[IR_STATE_SSCRATCH]);
    SAME("sepc", hart->s.sepc, c->expected.state[IR_STATE_SEPC]);
    SAME("scause", hart->s.scause, c->expected.state[IR_STATE_SCAUSE]);
    SAME("stval", hart->s.stval, c->expected.state[IR_STATE_STVAL]);
    SAME("mscratch", hart->s.mscratch, c->expected.mscratch);
    SAME("reservation", hart->reservation, c->expected.reservation);
    compare_memory(c, all);
    /* A block counts whole when it is left by a side exit: front ends put those last. */
    if (c->exit.way == EVAL_TRAPS)
        SAME("retired", hart->s.minstret + (uint64_t)c->f.hart[0]->dh->hart->run.insns,
             c->exit.retired);
}

static void run_one(struct compared *c, bool all)
{
    struct dbt_hart *dh = c->f.hart[0]->dh;
    uint64_t seed = c->random.seed = c->seed;
    struct tb *tb;
    char why[200];

    ir_random_block(&c->random, &c->ir);
    if (!ir_verify(&c->ir, why, sizeof(why)))
        fail_msg("%s", why);
    random_state(c, &seed);
    eval_block(&c->expected, &c->ir, BLOCK_PC, &c->exit);
    t0_lower(&c->ir, &c->code);
    tb = tb_new(c->code.op, c->code.ops, c->code.insn, c->code.insns);
    assert_non_null(tb);
    tb->gpa2 = UINT64_MAX;
    t0_run(dh, tb, BLOCK_PC);
    compare(c, all);
    tb_free(tb);
}

static void run_many(unsigned max_ops, uint64_t count)
{
    struct compared *c = calloc(1, sizeof(*c));
    uint64_t seed = first_seed();

    assert_non_null(c);
    setup(c, max_ops);
    for (uint64_t i = 0; i < count; i++) {
        c->seed = seed;
        run_one(c, i % COMPARE_ALL == 0 || i == count - 1);
        (void)fixture_random(&seed);
    }
    teardown(c);
    free(c);
}

TEST(short_blocks_mean_what_the_evaluator_says)
{
    run_many(30, rounds() * 3 / 4);
}

TEST(blocks_of_some_length_mean_what_the_evaluator_says)
{
    run_many(100, rounds() / 4);
}

TEST(the_longest_blocks_mean_what_the_evaluator_says)
{
    run_many(IR_MAX_OPS, rounds() / 300);
}

/*
 * dbt/tests/test_lockstep.c - lock-step: a good run is left alone, and a block whose compiled code
 * does something else than T0 is found, named, and ends it.
 *
 * To make the two differ, T0's code of a compiled block is changed under its feet.
 */
#include "dbt/tests/fixture.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "dbt/interp/t0.h"

enum { T0 = 5, S0 = 8, A0 = 10, A1, A2, A3, A4 };
enum { TURNS = 200, TURNS_MORE = 60 };

#define PAGE(n) (RAM_BASE + (gpa_t)(n)*PAGE_SIZE_BYTES)
#define DATA PAGE(16)
#define BNE(a, b, offset)                                                                          \
    asm_insn((struct insn){ .row = INSN_BNE, .rs1 = (a), .rs2 = (b), .imm = (offset) })

struct found {
    char sentence[256];
    char report[8192];
    unsigned times;
};

static void failed(void *opaque, const char *sentence, const char *report)
{
    struct found *found = opaque;

    found->times++;
    snprintf(found->sentence, sizeof(found->sentence), "%s", sentence);
    snprintf(found->report, sizeof(found->report), "%s", report);
}

/* A loop with a sum, a load, a store, a division and an AMO; then the ecall. */
static void set_up(struct fixture *f, struct found *found, uint64_t turns)
{
    struct riscv_state *s;

    memset(found, 0, sizeof(*found));
    fixture_init_lockstep(f, 1, failed, found);
    CODE(f, RAM_BASE, LD(A3, A2, 0), asm_r(INSN_ADD, A0, A0, A3), SD(A0, A2, 8),
         asm_r(INSN_DIVU, A4, A0, A1),
         asm_insn((struct insn){ .row = INSN_AMOADD_D, .rd = T0, .rs1 = A2, .rs2 = A1 }),
         ADDI(S0, S0, -1), BNE(S0, 0, -24), ECALL);
    s = fixture_state(f, 0);
    s->x[A0] = 0;
    s->x[A1] = 3;
    s->x[A2] = DATA;
    s->x[S0] = turns;
    memset(fixture_ram(f, DATA), 0, 16);
}

static struct tb *loop_of(struct fixture *f)
{
    struct dbt_hart *dh = f->hart[0]->dh;
    struct tb *tb;

    mem_read_lock();
    tb = dbt_block_at(dh, RAM_BASE);
    mem_read_unlock();
    assert_non_null(tb);
    return tb;
}

static struct t0_op *op_of(struct tb *tb, unsigned opcode)
{
    for (unsigned i = 0; i < tb->ops; i++)
        if (tb->op[i].opcode == opcode)
            return &tb->op[i];
    fail_msg("no such op in the block");
    return NULL;
}

static uint64_t stat_of(struct fixture *f, const char *name)
{
    struct strbuf text;
    const char *at;
    uint64_t number;

    strbuf_init(&text);
    dbt_lockstep_stats(f->dbt, &text);
    at = strstr(strbuf_str(&text), name);
    assert_non_null(at);
    number = strtoull(at + strlen(name), NULL, 10);
    strbuf_fini(&text);
    return number;
}

TEST(what_agrees_is_left_alone)
{
    struct found found;
    struct fixture f;
    uint64_t sum = 0, cell = 0;

    set_up(&f, &found, TURNS);
    fixture_run(&f, 0);
    for (unsigned i = 0; i < TURNS; i++, cell += 3)
        sum += cell;
    assert_int_equal(found.times, 0);
    assert_int_equal(fixture_state(&f, 0)->x[A0], sum);
    assert_int_equal(*(uint64_t *)fixture_ram(&f, DATA), cell);
    assert_in_range(stat_of(&f, "lockstep.instructions "), 7 * (TURNS - 20), 7 * TURNS + 8);
    fixture_fini(&f);
}

/* Compiles the loop, changes T0's op, runs on. */
static void run_with(struct fixture *f, struct found *found, unsigned opcode, unsigned instead,
                     int64_t imm)
{
    struct t0_op *op;

    set_up(f, found, TURNS);
    fixture_run(f, 0);
    assert_int_equal(found->times, 0);
    op = op_of(loop_of(f), opcode);
    op->opcode = (uint16_t)instead;
    op->imm += imm;
    fixture_state(f, 0)->x[S0] = TURNS_MORE;
    fixture_state(f, 0)->pc = RAM_BASE;
    f->hart[0]->done = false;
    fixture_run_until(f, 0, &found->times);
    assert_int_equal(found->times, 1);
}

TEST(a_wrong_result_is_named_with_its_instruction)
{
    struct found found;
    struct fixture f;

    run_with(&f, &found, T0_DIVU_RR, T0_REMU_RR, 0);
    assert_non_null(strstr(found.sentence, "hart 0: a4 is "));
    assert_non_null(strstr(found.sentence, "see 0x8000000c 'divu a4,a0,a1'"));
    assert_non_null(strstr(found.sentence, "block at physical 0x80000000, host code at 0x"));
    assert_non_null(strstr(found.report, "0x80000010  amoadd.d t0,a1,(a2)"));
    fixture_fini(&f);
}

TEST(a_store_elsewhere_is_seen)
{
    struct found found;
    struct fixture f;

    run_with(&f, &found, T0_STORE64, T0_STORE64, 32);
    assert_non_null(strstr(found.sentence, "memory at page offset 0x8 is "));
    fixture_fini(&f);
}

TEST(a_store_of_other_bytes_is_seen)
{
    struct found found;
    struct fixture f;

    run_with(&f, &found, T0_STORE64, T0_STORE8, 0);
    assert_non_null(strstr(found.sentence, "memory at page offset 0x8 is "));
    fixture_fini(&f);
}

TEST(a_load_from_elsewhere_is_seen)
{
    struct found found;
    struct fixture f;

    run_with(&f, &found, T0_LOAD64, T0_LOAD64, 8);
    assert_non_null(strstr(found.sentence, "hart 0: a"));
    fixture_fini(&f);
}

TEST(another_way_is_seen)
{
    struct found found;
    struct fixture f;

    run_with(&f, &found, T0_BRNE_RI, T0_BREQ_RI, 0);
    assert_int_equal(found.times, 1);
    fixture_fini(&f);
}

struct writer {
    struct ram_block *ram;
    _Atomic bool stop;
};

static void *write_on(void *arg)
{
    struct writer *writer = arg;

    while (!atomic_load(&writer->stop))
        ram_block_device_wrote(writer->ram, 0, 1);
    return NULL;
}

/* The loop's load is from elsewhere in T0, as if a device had written between the two. */
TEST(a_difference_while_devices_write_is_none)
{
    struct writer writer = { .stop = false };
    struct mem_slice slice;
    struct found found;
    struct fixture f;
    pthread_t thread;

    set_up(&f, &found, TURNS);
    fixture_run(&f, 0);
    mem_read_lock();
    assert_true(mem_slice(f.space, DATA, 1, MEM_PERM_WRITE, &slice));
    mem_read_unlock();
    writer.ram = slice.ram;
    assert_int_equal(stat_of(&f, "lockstep.disturbed "), 0);
    op_of(loop_of(&f), T0_LOAD64)->imm += 8;
    assert_int_equal(pthread_create(&thread, NULL, write_on, &writer), 0);
    fixture_state(&f, 0)->x[S0] = TURNS_MORE;
    fixture_run_at(&f, 0, RAM_BASE);
    atomic_store(&writer.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(found.times, 0);
    assert_int_not_equal(stat_of(&f, "lockstep.disturbed "), 0);
    fixture_fini(&f);
}

/* A hart that faults does so in both, with the same state. */
TEST(faults_agree)
{
    struct found found;
    struct fixture f;

    set_up(&f, &found, TURNS);
    CODE(&f, RAM_BASE, LD(A3, A2, 0), ADDI(S0, S0, -1), BNE(S0, 0, -8), LI(A2, 0), LD(A3, A2, 0),
         ECALL);
    CODE(&f, PAGE(8), asm_csr(INSN_CSRRS, T0, CSR_SEPC, 0), ADDI(T0, T0, 4),
         asm_csr(INSN_CSRRW, 0, CSR_SEPC, T0), ADDI(A0, A0, 1), asm_i(INSN_SRET, 0, 0, 0));
    fixture_csr(&f, 0, CSR_STVEC, PAGE(8));
    for (unsigned i = 0; i < 40; i++) {
        fixture_state(&f, 0)->x[S0] = 20;
        fixture_state(&f, 0)->x[A2] = DATA;
        fixture_run_at(&f, 0, RAM_BASE);
    }
    assert_int_equal(found.times, 0);
    assert_int_equal(fixture_state(&f, 0)->x[A0], 40);
    fixture_fini(&f);
}

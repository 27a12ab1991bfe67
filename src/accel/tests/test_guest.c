/*
 * accel/tests/test_guest.c - vCPUs that run guest code, on each accelerator made of the
 * translator: they park out of loops, fence each other, and start with what is in memory.
 */
#include "tests/unit.h"

#include <string.h>

#include "accel/vcpu.h"
#include "isa/riscv/insn.h"

#define RAM_BASE UINT64_C(0x80000000)
#define RAM_SIZE MIB(4)
enum { HARTS = 3, CACHE_BYTES = 4 << 20, S0 = 8, A0 = 10, A7 = 17 };
enum { CALL_DONE, CALL_FENCE }; /* what an ecall asks for, by its a7 */

struct fixture {
    struct isa_config isa;
    struct mem_region root, ram_region;
    struct ram_block *ram;
    struct mem_space *space;
    struct accel *accel;
    struct vcpu *vcpu[HARTS];
};

static uint64_t ops_time(struct vcpu *vcpu)
{
    (void)vcpu;
    return 0;
}

static void ops_arm(struct vcpu *vcpu, uint64_t deadline)
{
    (void)vcpu, (void)deadline;
}

static void ops_sbi_call(struct vcpu *vcpu)
{
    struct fixture *f = vcpu->machine;

    if (vcpu->hart.s.x[A7] == CALL_FENCE)
        vcpu_request_and_wait(vcpu, f->vcpu, HARTS, HART_REQ_FENCE_I | HART_REQ_TLB_FLUSH);
    else
        vcpu_pause(vcpu); /* takes effect behind the call */
}

static const struct vcpu_ops ops = {
    .time = ops_time,
    .arm_stimer = ops_arm,
    .sbi_call = ops_sbi_call,
};

static void setup(struct fixture *f, const struct accel_ops *accel_ops)
{
    struct accel_config config = { .isa = &f->isa, .vcpus = HARTS, .cache_bytes = CACHE_BYTES };

    memset(f, 0, sizeof(*f));
    isa_config_default(&f->isa);
    mem_thread_register();
    assert_int_equal(ram_block_new(&f->ram, "ram", RAM_SIZE, NULL), 0);
    mem_region_init_container(&f->root, "root", UINT64_MAX);
    mem_region_init_ram(&f->ram_region, "ram", f->ram, 0, RAM_SIZE);
    mem_region_add(&f->root, RAM_BASE, &f->ram_region, 0);
    assert_int_equal(mem_space_new(&f->space, &f->root, NULL), 0);
    config.space = f->space;
    assert_int_equal(accel_new(&f->accel, accel_ops, &config, NULL), 0);
    for (unsigned i = 0; i < HARTS; i++) {
        assert_int_equal(vcpu_new(&f->vcpu[i], f->accel, i, &ops, f, NULL), 0);
        f->vcpu[i]->hart.builtin_sbi = true;
    }
}

static void teardown(struct fixture *f)
{
    for (unsigned i = 0; i < HARTS; i++) {
        vcpu_pause(f->vcpu[i]);
        vcpu_wait_parked(f->vcpu[i]);
    }
    for (unsigned i = 0; i < HARTS; i++)
        vcpu_free(f->vcpu[i]);
    accel_free(f->accel);
    mem_space_free(f->space);
    mem_region_del(&f->ram_region);
    mem_barrier();
    mem_region_fini(&f->ram_region);
    mem_region_fini(&f->root);
    ram_block_unref(f->ram);
    mem_thread_unregister();
}

static void with_each(void (*body)(struct fixture *f))
{
    struct fixture f;

    for (unsigned i = 0; accel_table[i] != NULL; i++) {
        if (accel_table[i]->available(NULL) != 0)
            continue;
        setup(&f, accel_table[i]);
        body(&f);
        teardown(&f);
    }
}

static uint32_t asm_insn(struct insn insn)
{
    uint32_t raw = insn_encode(&insn);

    assert_int_not_equal(raw, 0);
    return raw;
}

#define ADDI(d, s, i) asm_insn((struct insn){ .row = INSN_ADDI, .rd = d, .rs1 = s, .imm = i })
#define LI(d, i) ADDI(d, 0, i)
#define JAL(i) asm_insn((struct insn){ .row = INSN_JAL, .imm = i })
#define BNEZ(s, i) asm_insn((struct insn){ .row = INSN_BNE, .rs1 = s, .imm = i })
#define CALL(number) LI(A7, number), asm_insn((struct insn){ .row = INSN_ECALL })

#define CODE(f, gpa, ...)                                                                          \
    do {                                                                                           \
        const uint32_t code_[] = { __VA_ARGS__ };                                                  \
        assert_int_equal(mem_write((f)->space, gpa, code_, sizeof(code_)), MEM_OK);                \
    } while (0)

static void put_at(struct fixture *f, unsigned hart, gpa_t pc)
{
    hart_enter_supervisor(&f->vcpu[hart]->hart, pc, 0);
    vcpu_set_started(f->vcpu[hart], true);
}

static void restart(struct fixture *f)
{
    for (unsigned i = 1; i < 20; i++) {
        CODE(f, RAM_BASE, LI(A0, i), CALL(CALL_DONE));
        put_at(f, 0, RAM_BASE);
        vcpu_resume(f->vcpu[0]);
        vcpu_wait_parked(f->vcpu[0]);
        assert_int_equal(f->vcpu[0]->hart.s.x[A0], i);
    }
}

/* A reset loads memory afresh; nobody executes a fence.i. */
TEST(a_hart_that_starts_runs_what_is_in_memory)
{
    with_each(restart);
}

static void loop(struct fixture *f)
{
    struct riscv_state *s = &f->vcpu[0]->hart.s;

    CODE(f, RAM_BASE, ADDI(A0, A0, 1), JAL(-4));
    put_at(f, 0, RAM_BASE);
    vcpu_resume(f->vcpu[0]);
    for (unsigned i = 0; i < 200; i++) {
        vcpu_pause(f->vcpu[0]);
        vcpu_wait_parked(f->vcpu[0]);
        assert_in_range(s->pc, RAM_BASE, RAM_BASE + 4);
        vcpu_resume(f->vcpu[0]);
    }
}

TEST(a_loop_without_end_parks)
{
    with_each(loop);
}

static void fences(struct fixture *f)
{
    enum { TIMES = 300 };

    CODE(f, RAM_BASE, CALL(CALL_FENCE), ADDI(S0, S0, -1), BNEZ(S0, -12), CALL(CALL_DONE));
    for (unsigned i = 0; i < HARTS; i++) {
        put_at(f, i, RAM_BASE);
        f->vcpu[i]->hart.s.x[S0] = TIMES;
    }
    for (unsigned i = 0; i < HARTS; i++)
        vcpu_resume(f->vcpu[i]);
    for (unsigned i = 0; i < HARTS; i++)
        vcpu_wait_parked(f->vcpu[i]);
    for (unsigned i = 0; i < HARTS; i++)
        assert_int_equal(f->vcpu[i]->hart.s.x[S0], 0);
}

TEST(harts_that_fence_each_other_go_on)
{
    with_each(fences);
}

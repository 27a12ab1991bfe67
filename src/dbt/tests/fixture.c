/* dbt/tests/fixture.c - see fixture.h. */
#include "dbt/tests/fixture.h"

#include <stdlib.h>

static struct fixture_hart *of(struct hart *hart)
{
    return hart->owner;
}

static uint64_t ops_time(struct hart *hart)
{
    (void)hart;
    return 0;
}

static void ops_arm(struct hart *hart, uint64_t deadline)
{
    (void)hart, (void)deadline;
}

static void ops_sbi_call(struct hart *hart)
{
    of(hart)->done = true;
    hart_set_attention(hart, HART_ATTN_KICK);
}

static void ops_fence_i(struct hart *hart)
{
    dbt_fence_i(of(hart)->dh);
}

static const struct hart_ops ops = {
    .time = ops_time,
    .arm_stimer = ops_arm,
    .sbi_call = ops_sbi_call,
    .fence_i = ops_fence_i,
};

static void make_hart(struct fixture *f, unsigned index)
{
    struct fixture_hart *fh = aligned_alloc(64, sizeof(*fh));

    assert_non_null(fh);
    memset(fh, 0, sizeof(*fh));
    f->hart[index] = fh;
    fh->fixture = f;
    assert_int_equal(hart_init(&fh->hart, index, &f->isa, &ops, fh, f->space), 0);
    hart_watch_map(&fh->hart);
    fh->hart.builtin_sbi = true;
    hart_enter_supervisor(&fh->hart, RAM_BASE, 0);
    assert_int_equal(dbt_hart_new(&fh->dh, f->dbt, &fh->hart, index, NULL), 0);
}

static void init(struct fixture *f, unsigned harts, struct dbt_config config)
{
    memset(f, 0, sizeof(*f));
    config.isa = &f->isa;
    config.harts = harts;
    config.cache_bytes = FIXTURE_CACHE_BYTES;
    isa_config_default(&f->isa);
    f->harts = harts;
    mem_thread_register();
    assert_int_equal(ram_block_new(&f->ram, "ram", RAM_SIZE, NULL), 0);
    mem_region_init_container(&f->root, "root", UINT64_MAX);
    mem_region_init_ram(&f->ram_region, "ram", f->ram, 0, RAM_SIZE);
    mem_region_add(&f->root, RAM_BASE, &f->ram_region, 0);
    assert_int_equal(mem_space_new(&f->space, &f->root, NULL), 0);
    config.space = f->space;
    assert_int_equal(dbt_new(&f->dbt, &config, NULL), 0);
    for (unsigned i = 0; i < harts; i++)
        make_hart(f, i);
}

void fixture_init(struct fixture *f, unsigned harts, unsigned max_insns)
{
    init(f, harts, (struct dbt_config){ .max_insns = max_insns });
}

bool fixture_init_jit(struct fixture *f, unsigned harts, const struct dbt_tuning *tuning)
{
    return fixture_init_keeping(f, harts, tuning, NULL);
}

bool fixture_init_keeping(struct fixture *f, unsigned harts, const struct dbt_tuning *tuning,
                          const char *dir)
{
    if (back_host == NULL || back_host->available(NULL) < 0)
        return false;
    init(
        f, harts,
        (struct dbt_config){ .code_bytes = FIXTURE_CODE_BYTES, .tuning = tuning, .keep_dir = dir });
    dbt_wait_for_store(f->dbt);
    return true;
}

bool fixture_init_dumping(struct fixture *f, const struct dbt_tuning *tuning,
                          const struct dbt_dump *dump)
{
    if (back_host == NULL || back_host->available(NULL) < 0)
        return false;
    init(f, 1,
         (struct dbt_config){ .code_bytes = FIXTURE_CODE_BYTES, .tuning = tuning, .dump = *dump });
    return true;
}

void fixture_init_lockstep(struct fixture *f, unsigned harts,
                           void (*failed)(void *opaque, const char *sentence, const char *report),
                           void *opaque)
{
    struct dbt_tuning tuning = dbt_tuning_default();

    if (back_host == NULL || back_host->available(NULL) < 0)
        skip();
    tuning.lockstep = true;
    init(f, harts,
         (struct dbt_config){ .code_bytes = FIXTURE_CODE_BYTES,
                              .tuning = &tuning,
                              .failed = failed,
                              .opaque = opaque });
}

void fixture_fini(struct fixture *f)
{
    for (unsigned i = 0; i < f->harts; i++) {
        hart_unwatch_map(&f->hart[i]->hart);
        dbt_hart_free(f->hart[i]->dh);
        hart_fini(&f->hart[i]->hart);
        free(f->hart[i]);
    }
    dbt_free(f->dbt);
    mem_space_free(f->space);
    mem_region_del(&f->ram_region);
    mem_barrier();
    mem_region_fini(&f->ram_region);
    mem_region_fini(&f->root);
    ram_block_unref(f->ram);
    mem_thread_unregister();
}

void *fixture_ram(struct fixture *f, gpa_t gpa)
{
    return f->ram->hva + (gpa - RAM_BASE);
}

gpa_t fixture_code(struct fixture *f, gpa_t gpa, const uint32_t *insns, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned length = insn_length((uint16_t)insns[i]);

        assert_int_equal(mem_write(f->space, gpa, &insns[i], length), MEM_OK);
        gpa += length;
    }
    return gpa;
}

void fixture_run(struct fixture *f, unsigned index)
{
    const unsigned never = 0;

    f->hart[index]->done = false;
    fixture_run_until(f, index, &never);
}

void fixture_run_until(struct fixture *f, unsigned index, const unsigned *stop)
{
    struct fixture_hart *fh = f->hart[index];

    while (!fh->done && *stop == 0) {
        mem_read_lock();
        atomic_store(&fh->hart.in_guest, true);
        dbt_run(fh->dh);
        atomic_store(&fh->hart.in_guest, false);
        mem_read_unlock();
        atomic_fetch_and(&fh->hart.attention, ~(uint32_t)(HART_ATTN_KICK | HART_ATTN_WFI));
    }
}

void fixture_run_at(struct fixture *f, unsigned hart, gva_t pc)
{
    f->hart[hart]->hart.s.pc = pc;
    fixture_run(f, hart);
}

void fixture_csr(struct fixture *f, unsigned hart, unsigned csr, uint64_t val)
{
    assert_true(hart_csr_poke(&f->hart[hart]->hart, csr, val));
}

uint32_t asm_insn(struct insn insn)
{
    uint32_t raw = insn_encode(&insn);

    assert_int_not_equal(raw, 0);
    return raw;
}

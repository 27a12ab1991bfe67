/* cpu/tests/fixture.c - see fixture.h. */
#include "cpu/tests/fixture.h"

static struct fixture *of(struct hart *hart)
{
    return hart->owner;
}

static uint64_t ops_time(struct hart *hart)
{
    return of(hart)->now;
}

static void ops_arm(struct hart *hart, uint64_t deadline)
{
    of(hart)->deadline = deadline;
}

static void ops_fence_i(struct hart *hart)
{
    of(hart)->fences++;
}

static const struct hart_ops ops = {
    .time = ops_time,
    .arm_stimer = ops_arm,
    .fence_i = ops_fence_i,
};

static enum mem_result dev_read(struct mem_region *region, gpa_t off, unsigned size, uint64_t *val)
{
    struct fixture *f = container_of(region, struct fixture, dev_region);

    (void)size;
    f->dev_reads++;
    if (off >= DEV_SIZE / 2) /* the upper half refuses */
        return MEM_FAULT;
    *val = f->dev_value + off;
    return MEM_OK;
}

static enum mem_result dev_write(struct mem_region *region, gpa_t off, unsigned size, uint64_t val)
{
    struct fixture *f = container_of(region, struct fixture, dev_region);

    (void)size;
    f->dev_writes++;
    if (off >= DEV_SIZE / 2)
        return MEM_FAULT;
    f->dev_value = val;
    return MEM_OK;
}

static const struct mem_region_ops dev_ops = {
    .read = dev_read,
    .write = dev_write,
    .min_size = 4,
    .max_size = 4,
};

static void wake(struct hart *hart)
{
    __atomic_fetch_add(&of(hart)->wakes, 1, __ATOMIC_RELAXED);
}

void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->isa = (struct isa_config){
        .ext = (UINT64_C(1) << ISA_EXT_COUNT) - 1,
        .mmu = ISA_MMU_SV57,
        .pmp_entries = RISCV_PMP_ENTRIES,
    };
    f->isa.ext &= ~(UINT64_C(1) << ISA_EXT_SVADE);
    f->deadline = UINT64_MAX;
    mem_thread_register();
    assert_int_equal(ram_block_new(&f->ram, "ram", RAM_SIZE, NULL), 0);
    assert_int_equal(ram_block_new(&f->rom, "rom", PAGE_SIZE_BYTES, NULL), 0);
    mem_region_init_container(&f->root, "root", UINT64_MAX);
    mem_region_init_ram(&f->ram_region, "ram", f->ram, 0, RAM_SIZE);
    mem_region_init_rom(&f->rom_region, "rom", f->rom, 0, PAGE_SIZE_BYTES);
    mem_region_init_mmio(&f->dev_region, "dev", DEV_SIZE, &dev_ops, NULL);
    mem_region_add(&f->root, RAM_BASE, &f->ram_region, 0);
    mem_region_add(&f->root, ROM_BASE, &f->rom_region, 0);
    mem_region_add(&f->root, DEV_BASE, &f->dev_region, 0);
    assert_int_equal(mem_space_new(&f->space, &f->root, NULL), 0);
    assert_int_equal(hart_init(&f->hart, 0, &f->isa, &ops, f, f->space), 0);
    hart_set_wake(&f->hart, wake);
    hart_watch_map(&f->hart);
    (void)hart_serve_requests(&f->hart);
    f->wakes = 0;
    fixture_set(f, CSR_PMPADDR0, UINT64_MAX);
    fixture_set(f, CSR_PMPCFG0, PMP_NAPOT << PMPCFG_A_SHIFT | PERM_RWX);
    mem_read_lock();
}

void fixture_fini(struct fixture *f)
{
    mem_read_unlock();
    hart_unwatch_map(&f->hart);
    hart_fini(&f->hart);
    mem_space_free(f->space);
    mem_region_del(&f->ram_region);
    mem_region_del(&f->rom_region);
    mem_region_del(&f->dev_region);
    mem_barrier();
    mem_region_fini(&f->ram_region);
    mem_region_fini(&f->rom_region);
    mem_region_fini(&f->dev_region);
    mem_region_fini(&f->root);
    ram_block_unref(f->ram);
    ram_block_unref(f->rom);
    mem_thread_unregister();
}

uint64_t *fixture_ram(struct fixture *f, gpa_t gpa)
{
    return (uint64_t *)(void *)(f->ram->hva + (gpa - RAM_BASE));
}

uint64_t fixture_get(struct fixture *f, unsigned csr)
{
    uint64_t val = 0;

    assert_true(hart_csr_peek(&f->hart, csr, &val));
    return val;
}

void fixture_set(struct fixture *f, unsigned csr, uint64_t val)
{
    assert_true(hart_csr_poke(&f->hart, csr, val));
}

/*
 * machine/tests/test_virt_fdt.c - the device tree of `virt`, read back with libfdt: sound, whole,
 * and in agreement with the board it describes.
 */
#include "tests/unit.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/tests/machine_fixture.h"
#include "machine/virt.h"

struct tree {
    struct bench bench;
    void *blob;
    int size;
};

/* The tree of a machine with this config, as --dump-dtb writes it. */
static void begin(struct tree *t)
{
    char path[] = "/tmp/vireo-dtb-XXXXXX";
    int fd = mkstemp(path);
    FILE *file;

    assert_true(fd >= 0);
    close(fd);
    t->bench.config.dump_dtb = path;
    bench_make(&t->bench);
    assert_int_equal(machine_write_dtb(t->bench.machine, path, NULL), 0);
    file = fopen(path, "re");
    assert_non_null(file);
    t->blob = calloc(1, 1 << 20);
    t->size = (int)fread(t->blob, 1, 1 << 20, file);
    (void)fclose(file);
    unlink(path);
    assert_int_equal(fdt_check_full(t->blob, (size_t)t->size), 0);
}

static void end(struct tree *t)
{
    free(t->blob);
    bench_free(&t->bench);
}

static int node(struct tree *t, const char *path)
{
    int at = fdt_path_offset(t->blob, path);

    if (at < 0)
        fail_msg("there is no %s", path);
    return at;
}

static const void *property(struct tree *t, const char *path, const char *name, int *ret_len)
{
    const void *value = fdt_getprop(t->blob, node(t, path), name, ret_len);

    if (value == NULL)
        fail_msg("%s has no %s", path, name);
    return value;
}

static uint32_t cell(struct tree *t, const char *path, const char *name, int index)
{
    int len;
    const fdt32_t *cells = property(t, path, name, &len);

    assert_true(len >= 4 * (index + 1));
    return fdt32_to_cpu(cells[index]);
}

static void expect_text(struct tree *t, const char *path, const char *name, const char *want)
{
    int len;

    assert_string_equal((const char *)property(t, path, name, &len), want);
}

static uint64_t reg(struct tree *t, const char *path, int index)
{
    return (uint64_t)cell(t, path, "reg", 2 * index) << 32 | cell(t, path, "reg", 2 * index + 1);
}

TEST(memory_and_command_line_are_the_configs)
{
    struct tree t;

    bench_init(&t.bench);
    t.bench.config.memory = GIB(5);
    t.bench.config.cmdline = "console=ttyS0 quiet";
    begin(&t);
    expect_text(&t, "/memory@80000000", "device_type", "memory");
    assert_true(reg(&t, "/memory@80000000", 0) == VIRT_DRAM);
    assert_true(reg(&t, "/memory@80000000", 1) == GIB(5));
    expect_text(&t, "/chosen", "bootargs", "console=ttyS0 quiet");
    expect_text(&t, "/chosen", "stdout-path", "/soc/serial@10000000");
    end(&t);
}

TEST(each_boot_has_another_seed)
{
    struct tree a, b;
    int len;

    bench_init(&a.bench);
    bench_init(&b.bench);
    begin(&a);
    begin(&b);
    assert_memory_not_equal(property(&a, "/chosen", "rng-seed", &len),
                            property(&b, "/chosen", "rng-seed", &len), 64);
    assert_int_equal(len, 64);
    end(&a);
    end(&b);
}

TEST(every_hart_has_a_node_and_its_interrupts)
{
    enum { HARTS = 64 };
    struct tree t;
    char path[64];
    int len;

    bench_init(&t.bench);
    t.bench.config.cpus = HARTS;
    begin(&t);
    assert_int_equal(cell(&t, "/cpus", "timebase-frequency", 0), 10000000);
    property(&t, "/soc/interrupt-controller@c000000", "interrupts-extended", &len);
    assert_int_equal(len, HARTS * 16);
    property(&t, "/soc/clint@2000000", "interrupts-extended", &len);
    assert_int_equal(len, HARTS * 16);
    for (unsigned i = 0; i < HARTS; i++) {
        uint32_t intc;

        snprintf(path, sizeof(path), "/cpus/cpu@%x", i);
        assert_int_equal(cell(&t, path, "reg", 0), i);
        expect_text(&t, path, "mmu-type", "riscv,sv57");
        snprintf(path, sizeof(path), "/cpus/cpu@%x/interrupt-controller", i);
        expect_text(&t, path, "compatible", "riscv,cpu-intc");
        intc = cell(&t, path, "phandle", 0);
        /* PLIC contexts 2i and 2i+1 are M and S of hart i: external interrupts 11 and 9. */
        for (int k = 0; k < 4; k++) {
            static const uint32_t plic[] = { 11, 9 }, clint[] = { 3, 7 };
            int at = 4 * (int)i + k;
            bool handle = k % 2 == 0;

            assert_int_equal(
                cell(&t, "/soc/interrupt-controller@c000000", "interrupts-extended", at),
                handle ? intc : plic[k / 2]);
            assert_int_equal(cell(&t, "/soc/clint@2000000", "interrupts-extended", at),
                             handle ? intc : clint[k / 2]);
        }
    }
    end(&t);
}

TEST(what_the_harts_can_do_is_said)
{
    struct tree t;
    const char *list;
    int len;

    bench_init(&t.bench);
    t.bench.config.isa.ext &= ~(UINT64_C(1) << ISA_EXT_ZICBOZ);
    t.bench.config.isa.mmu = ISA_MMU_SV39;
    begin(&t);
    expect_text(&t, "/cpus/cpu@0", "mmu-type", "riscv,sv39");
    expect_text(&t, "/cpus/cpu@0", "riscv,isa-base", "rv64i");
    assert_memory_equal(property(&t, "/cpus/cpu@0", "riscv,isa", &len), "rv64imafdc_", 11);
    list = property(&t, "/cpus/cpu@0", "riscv,isa-extensions", &len);
    assert_true(fdt_stringlist_contains(list, len, "zba"));
    assert_true(fdt_stringlist_contains(list, len, "sstc"));
    assert_false(fdt_stringlist_contains(list, len, "zicboz"));
    assert_int_equal(cell(&t, "/cpus/cpu@0", "riscv,cbom-block-size", 0), 64);
    assert_null(fdt_getprop(t.blob, node(&t, "/cpus/cpu@0"), "riscv,cboz-block-size", NULL));
    end(&t);
}

TEST(devices_stand_where_the_board_has_them)
{
    static const struct {
        const char *path, *compatible;
        uint64_t at;
        uint32_t irq; /* 0: none */
    } want[] = {
        { "/soc/serial@10000000", "ns16550a", VIRT_UART, VIRT_IRQ_UART },
        { "/soc/rtc@101000", "google,goldfish-rtc", VIRT_RTC, VIRT_IRQ_RTC },
        { "/soc/test@100000", "sifive,test1", VIRT_FINISHER, 0 },
        { "/soc/virtio_mmio@10001000", "virtio,mmio", VIRT_VIRTIO, 1 },
        { "/soc/virtio_mmio@10008000", "virtio,mmio", VIRT_VIRTIO + 7 * VIRT_VIRTIO_STRIDE, 8 },
        { "/flash@20000000", "cfi-flash", VIRT_FLASH, 0 },
    };
    struct tree t;
    uint32_t plic;

    bench_init(&t.bench);
    begin(&t);
    plic = cell(&t, "/soc/interrupt-controller@c000000", "phandle", 0);
    for (unsigned i = 0; i < ARRAY_LEN(want); i++) {
        const struct mem_range *range;

        expect_text(&t, want[i].path, "compatible", want[i].compatible);
        assert_true(reg(&t, want[i].path, 0) == want[i].at);
        if (want[i].irq != 0) {
            assert_int_equal(cell(&t, want[i].path, "interrupts", 0), want[i].irq);
            assert_int_equal(cell(&t, want[i].path, "interrupt-parent", 0), plic);
        }
        /* And the board does have something there. */
        mem_read_lock();
        range = mem_find(t.bench.machine->space, want[i].at);
        assert_non_null(range);
        assert_true(range->start == want[i].at);
        mem_read_unlock();
    }
    end(&t);
}

TEST(power_is_the_finishers)
{
    struct tree t;
    uint32_t finisher;

    bench_init(&t.bench);
    begin(&t);
    finisher = cell(&t, "/soc/test@100000", "phandle", 0);
    expect_text(&t, "/poweroff", "compatible", "syscon-poweroff");
    assert_int_equal(cell(&t, "/poweroff", "regmap", 0), finisher);
    assert_int_equal(cell(&t, "/poweroff", "value", 0), 0x5555);
    expect_text(&t, "/reboot", "compatible", "syscon-reboot");
    assert_int_equal(cell(&t, "/reboot", "regmap", 0), finisher);
    assert_int_equal(cell(&t, "/reboot", "value", 0), 0x7777);
    end(&t);
}

TEST(phandles_are_unique)
{
    uint32_t seen[256];
    unsigned count = 0;
    struct tree t;

    bench_init(&t.bench);
    t.bench.config.cpus = 8;
    begin(&t);
    for (int at = fdt_next_node(t.blob, -1, NULL); at >= 0; at = fdt_next_node(t.blob, at, NULL)) {
        uint32_t phandle = fdt_get_phandle(t.blob, at);

        if (phandle == 0)
            continue;
        for (unsigned i = 0; i < count; i++)
            assert_int_not_equal(seen[i], phandle);
        assert_true(count < ARRAY_LEN(seen));
        seen[count++] = phandle;
    }
    assert_int_equal(count, 8 + 2);
    end(&t);
}

/* What a guest finds: in a1, where it was loaded. */
TEST(the_guest_gets_the_tree_in_a1)
{
    struct code c = { .count = 0 };
    struct bench b;
    uint64_t at, header[8];

    code_li(&c, S0, RESULTS);
    code_sd(&c, A0, S0, 0);
    code_sd(&c, A1, S0, 8);
    code_finish(&c, 0x5555);
    bench_init(&b);
    bench_program(&b, &c);
    bench_run(&b, MACHINE_POWERED_OFF);
    assert_int_equal(bench_word(&b, RESULTS), 0);
    at = bench_word(&b, RESULTS + 8);
    assert_true(at > CODE_AT && at % MIB(2) == 0);
    assert_int_equal(mem_read(b.machine->space, at, header, sizeof(header)), MEM_OK);
    assert_int_equal(fdt_check_header(header), 0);
    bench_free(&b);
}

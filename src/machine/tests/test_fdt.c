/*
 * machine/tests/test_fdt.c - composing device trees, and checking and changing given ones.
 */
#include "tests/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/fdt.h"
#include "machine/load.h"

static struct dt_builder *begin_machine(void)
{
    struct dt_builder *dt;

    assert_int_equal(dt_builder_new(&dt, NULL), 0);
    dt_u32(dt, "#address-cells", 2);
    dt_u32(dt, "#size-cells", 2);
    dt_string(dt, "compatible", "riscv-virtio");
    dt_begin(dt, "cpus");
    dt_u32(dt, "#address-cells", 1);
    dt_u32(dt, "#size-cells", 0);
    dt_begin(dt, "cpu@%x", 0);
    DT_STRINGS(dt, "compatible", "vireo,hart", "riscv");
    dt_end(dt);
    dt_end(dt);
    return dt;
}

TEST(a_tree_comes_out_as_it_was_composed)
{
    struct dt_builder *dt = begin_machine();
    const uint8_t cells[] = { 0, 0, 0, 1, 0xff, 0, 0, 2 };
    uint32_t phandle = dt_new_phandle(dt);
    struct dt_blob blob;
    const char *name;
    int node;
    size_t len;

    dt_begin(dt, "soc");
    dt_begin(dt, "serial@%" PRIx64, (uint64_t)0x10000000);
    dt_reg(dt, 0x110000000, 0x100);
    DT_CELLS(dt, "interrupts-extended", 1, 0xff000002);
    dt_empty(dt, "dma-coherent");
    dt_u64(dt, "clock", 0x0102030405060708);
    dt_u32(dt, "phandle", phandle);
    dt_bytes(dt, "mac", "\1\2\3", 3);
    dt_end(dt);
    dt_begin(dt, "second");
    dt_end(dt);
    dt_end(dt);
    assert_int_not_equal(phandle, dt_new_phandle(dt));
    assert_int_equal(dt_builder_finish(dt, &blob, NULL), 0);
    assert_int_equal(fdt_check_full(blob.data, blob.size), 0);
    assert_int_equal(fdt_totalsize(blob.data), blob.size);
    assert_memory_equal(dt_get(&blob, "/soc/serial@10000000", "interrupts-extended", &len), cells,
                        8);
    assert_int_equal(len, 8);
    assert_memory_equal(dt_get(&blob, "/soc/serial@10000000", "reg", &len),
                        "\0\0\0\1\x10\0\0\0\0\0\0\0\0\0\1\0", 16);
    assert_memory_equal(dt_get(&blob, "/soc/serial@10000000", "clock", &len), "\1\2\3\4\5\6\7\x08",
                        8);
    assert_non_null(dt_get(&blob, "/soc/serial@10000000", "dma-coherent", &len));
    assert_int_equal(len, 0);
    assert_memory_equal(dt_get(&blob, "/cpus/cpu@0", "compatible", &len), "vireo,hart\0riscv", 17);
    assert_null(dt_get(&blob, "/soc/serial@10000000", "nothing", NULL));
    assert_null(dt_get(&blob, "/nowhere", "reg", NULL));
    /* In the order they were written. */
    node = fdt_first_subnode(blob.data, fdt_path_offset(blob.data, "/soc"));
    name = fdt_get_name(blob.data, node, NULL);
    assert_string_equal(name, "serial@10000000");
    dt_blob_fini(&blob);
    dt_blob_fini(&blob);
}

TEST(a_tree_grows_as_it_must_up_to_what_a_kernel_maps)
{
    struct dt_builder *dt = begin_machine();
    char *big = calloc(1, 3 << 20);
    struct dt_blob blob;
    struct error err;

    for (unsigned i = 0; i < 3000; i++) {
        char name[32];

        snprintf(name, sizeof(name), "property-%u", i % 500);
        dt_begin(dt, "node@%x", i);
        dt_bytes(dt, name, big, 100);
        dt_end(dt);
    }
    assert_int_equal(dt_builder_finish(dt, &blob, &err), 0);
    assert_int_equal(fdt_check_full(blob.data, blob.size), 0);
    assert_non_null(dt_get(&blob, "/node@bb7", "property-499", NULL));
    dt_blob_fini(&blob);
    dt = begin_machine();
    for (int i = 0; i < 40; i++)
        dt_bytes(dt, "much", big, 100 << 10);
    dt_empty(dt, "after");
    assert_int_equal(dt_builder_finish(dt, &blob, &err), -E2BIG);
    assert_non_null(strstr(err.text, "'much'"));
    dt = begin_machine();
    dt_bytes(dt, "too-much", big, 3 << 20);
    assert_int_equal(dt_builder_finish(dt, &blob, &err), -E2BIG);
    free(big);
}

TEST(the_first_failure_sticks)
{
    struct dt_builder *dt = begin_machine();
    struct dt_blob blob = { 0 };
    struct error err;

    dt_begin(dt, "%s", "a-name-that-is-longer-than-any-node-of-a-device-tree-has-a-right-to-be");
    dt_u32(dt, "x", 1);
    dt_end(dt);
    assert_int_equal(dt_builder_finish(dt, &blob, &err), -ENAMETOOLONG);
    assert_non_null(strstr(err.text, "a-name-that-is"));
    assert_null(blob.data);
    dt_builder_free(begin_machine());
    dt_builder_free(NULL);
}

static int load_blob(struct dt_blob *ret_blob, const void *bytes, size_t len, struct error *err)
{
    void *copy = malloc(len + 1);
    struct load_file *file;
    int rc;

    memcpy(copy, bytes, len);
    assert_int_equal(load_file_bytes(&file, "given.dtb", copy, len, NULL), 0);
    rc = dt_blob_load(ret_blob, file, err);
    load_file_free(file);
    free(copy);
    return rc;
}

TEST(a_given_tree_is_checked)
{
    struct dt_builder *dt = begin_machine();
    struct dt_blob blob, given = { 0 };
    struct error err;
    uint8_t *bytes;

    assert_int_equal(dt_builder_finish(dt, &blob, NULL), 0);
    bytes = blob.data;
    assert_int_equal(load_blob(&given, bytes, blob.size, &err), 0);
    assert_int_equal(given.size, blob.size);
    assert_memory_equal(given.data, bytes, blob.size);
    dt_blob_fini(&given);
    assert_int_equal(load_blob(&given, bytes, blob.size - 1, &err), -EINVAL);
    assert_non_null(strstr(err.text, "cut short"));
    assert_int_equal(load_blob(&given, "#include", 8, &err), -EINVAL);
    assert_int_equal(
        load_blob(&given, "/dts-v1/; / { model = \"a source, not a blob\"; };", 48, &err), -EINVAL);
    assert_non_null(strstr(err.text, "dtc -O dtb"));
    bytes[0x17] = bytes[0x1b] = 2; /* the version, and what it is compatible with */
    assert_int_equal(load_blob(&given, bytes, blob.size, &err), -EINVAL);
    assert_non_null(strstr(err.text, "of version 2"));
    bytes[0x17] = 17;
    bytes[0x1b] = 16;
    bytes[0x3c] ^= 0x55; /* somewhere in the structure block */
    assert_int_equal(load_blob(&given, bytes, blob.size, &err), -EINVAL);
    assert_non_null(strstr(err.text, "given.dtb"));
    dt_blob_fini(&blob);
    assert_int_equal(dt_builder_new(&dt, NULL), 0);
    dt_begin(dt, "cpus");
    dt_begin(dt, "cpu@0");
    dt_string(dt, "compatible", "arm,cortex-a53");
    dt_end(dt);
    dt_end(dt);
    assert_int_equal(dt_builder_finish(dt, &blob, NULL), 0);
    assert_int_equal(load_blob(&given, blob.data, blob.size, &err), -EINVAL);
    assert_non_null(strstr(err.text, "no RISC-V processor"));
    dt_blob_fini(&blob);
    assert_null(given.data);
}

/* libfdt 1.6 walks in a circle on a length that wraps, and after a null pointer on a bad root. */
TEST(a_tree_of_impossible_structure_is_refused)
{
    struct dt_builder *dt = begin_machine();
    struct dt_blob blob, given = { 0 };
    struct error err;
    uint8_t *structure;

    assert_int_equal(dt_builder_finish(dt, &blob, NULL), 0);
    structure = (uint8_t *)blob.data + fdt_off_dt_struct(blob.data);
    assert_memory_equal(structure, "\0\0\0\1\0\0\0\0\0\0\0\3", 12); /* root, a property */
    memcpy(structure + 12, "\377\377\377\364", 4);
    assert_int_equal(load_blob(&given, blob.data, blob.size, &err), -EINVAL);
    assert_non_null(strstr(err.text, "BADSTRUCTURE"));
    memcpy(structure, "\0\0\0\4\0\0\0\2", 8); /* an end without a node */
    assert_int_equal(load_blob(&given, blob.data, blob.size, &err), -EINVAL);
    dt_blob_fini(&blob);
}

TEST(properties_of_a_tree_are_set_and_nodes_made)
{
    struct dt_builder *dt = begin_machine();
    struct dt_blob blob;
    struct error err;
    char big[9000];
    size_t len;

    assert_int_equal(dt_builder_finish(dt, &blob, NULL), 0);
    assert_int_equal(dt_set_string(&blob, "/chosen", "bootargs", "console=ttyS0", &err), 0);
    assert_int_equal(dt_set_u64(&blob, "/chosen", "linux,initrd-start", 0x84000000, &err), 0);
    assert_int_equal(dt_set_string(&blob, "/chosen", "bootargs", "quiet", &err), 0);
    assert_string_equal(dt_get(&blob, "/chosen", "bootargs", &len), "quiet");
    assert_int_equal(len, 6);
    assert_memory_equal(dt_get(&blob, "/chosen", "linux,initrd-start", &len), "\0\0\0\0\x84\0\0\0",
                        8);
    memset(big, 'x', sizeof(big));
    assert_int_equal(dt_set_bytes(&blob, "/chosen", "big", big, sizeof(big), &err), 0);
    assert_int_equal(fdt_check_full(blob.data, blob.size), 0);
    assert_int_equal(dt_set_string(&blob, "/no/such", "x", "y", &err), -EINVAL);
    assert_non_null(strstr(err.text, "'x' of /no/such"));
    assert_int_equal(dt_set_bytes(&blob, "/chosen", "x", big, SIZE_MAX, &err), -E2BIG);
    assert_string_equal(dt_get(&blob, "/chosen", "bootargs", NULL), "quiet");
    dt_blob_fini(&blob);
}

TEST(a_tree_with_room_is_added_to_in_place)
{
    struct dt_builder *dt = begin_machine();
    struct dt_blob blob;
    size_t before;

    assert_int_equal(dt_builder_finish(dt, &blob, NULL), 0);
    before = blob.size;
    assert_int_equal(dt_make_room(&blob, 4096, NULL), 0);
    assert_int_equal(blob.size, before + 4096);
    assert_int_equal(fdt_check_full(blob.data, blob.size), 0);
    assert_int_equal(fdt_totalsize(blob.data), blob.size);
    assert_true(fdt_add_subnode(blob.data, 0, "chosen") > 0);
    assert_int_equal(fdt_check_full(blob.data, blob.size), 0);
    /* Never more than a kernel maps. */
    assert_int_equal(dt_make_room(&blob, SIZE_MAX, NULL), 0);
    assert_int_equal(blob.size, 2 << 20);
    assert_int_equal(dt_make_room(&blob, 1, NULL), 0);
    assert_int_equal(blob.size, 2 << 20);
    dt_blob_fini(&blob);
}

/*
 * machine/tests/make_seeds.c - writes the seed corpora of the loaders' fuzz targets.
 *
 *     make_seeds DIR      fills DIR/fuzz_image, DIR/fuzz_elf, DIR/fuzz_fdt
 */
#include <stdio.h>
#include <sys/stat.h>

#include "machine/fdt.h"
#include "machine/tests/load_fixture.h"

static bool save(const char *dir, const char *target, const char *name, const void *bytes,
                 size_t len)
{
    char path[512];
    FILE *file;
    bool good;

    snprintf(path, sizeof(path), "%s/%s", dir, target);
    mkdir(path, 0777);
    snprintf(path, sizeof(path), "%s/%s/%s", dir, target, name);
    file = fopen(path, "wb");
    if (file == NULL || bytes == NULL) {
        perror(path);
        return false;
    }
    good = fwrite(bytes, 1, len, file) == len;
    return fclose(file) == 0 && good;
}

static bool save_images(const char *dir)
{
    uint8_t image[IMAGE_LEN], *gz, *zboot;
    size_t gz_len = 0, zboot_len = 0;
    bool good;

    make_image(image);
    memset(image + 256, 0, sizeof(image) - 256);
    gz = make_gzip(image, sizeof(image), &gz_len);
    zboot = make_zboot("gzip", gz, gz_len, &zboot_len);
    good = save(dir, "fuzz_image", "image", image, 512) &&
           save(dir, "fuzz_image", "image.gz", gz, gz_len) &&
           save(dir, "fuzz_image", "zboot", zboot, zboot_len);
    free(zboot);
    free(gz);
    return good;
}

static bool save_tree(const char *dir)
{
    struct dt_builder *dt;
    struct dt_blob blob;
    bool good;

    if (dt_builder_new(&dt, NULL) < 0)
        return false;
    dt_u32(dt, "#address-cells", 2);
    dt_begin(dt, "cpus");
    dt_begin(dt, "cpu@0");
    dt_string(dt, "compatible", "riscv");
    dt_end(dt);
    dt_end(dt);
    dt_begin(dt, "chosen");
    dt_string(dt, "bootargs", "quiet");
    dt_end(dt);
    if (dt_builder_finish(dt, &blob, NULL) < 0)
        return false;
    good = save(dir, "fuzz_fdt", "small", blob.data, blob.size);
    dt_blob_fini(&blob);
    return good;
}

int main(int argc, char **argv)
{
    struct elf_file elf;

    if (argc != 2) {
        fprintf(stderr, "usage: make_seeds DIR\n");
        return 2;
    }
    make_elf(&elf);
    return save_images(argv[1]) && save(argv[1], "fuzz_elf", "exec", &elf, sizeof(elf)) &&
                   save(argv[1], "fuzz_image", "elf", &elf, sizeof(elf)) && save_tree(argv[1])
               ? 0
               : 1;
}

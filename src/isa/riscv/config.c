/* isa/riscv/config.c - the names of what a hart is: ISA string, extension list, mmu. Freestanding,
 * pure. All of it follows ext.def, whose order is the canonical one.
 */
#include "isa/riscv/config.h"

#include "base/compiler.h"

enum ext_class { SINGLE, Z, S };

static const struct ext_row {
    const char *name;
    uint8_t dflt, class;
} ext_rows[ISA_EXT_COUNT] = {
#define X(e, name, dflt, class) [ISA_EXT_##e] = { name, dflt, class },
#include "isa/riscv/ext.def"
#undef X
};

void isa_config_default(struct isa_config *ret_config)
{
    *ret_config = (struct isa_config){ .mmu = ISA_MMU_SV57, .pmp_entries = 16 };
    for (unsigned ext = 0; ext < ISA_EXT_COUNT; ext++)
        ret_config->ext |= (uint64_t)ext_rows[ext].dflt << ext;
}

const char *isa_ext_name(enum isa_ext ext)
{
    return ext_rows[ext].name;
}

const char *isa_mmu_name(enum isa_mmu mmu)
{
    switch (mmu) {
    case ISA_MMU_BARE:
        break;
    case ISA_MMU_SV39:
        return "sv39";
    case ISA_MMU_SV48:
        return "sv48";
    case ISA_MMU_SV57:
        return "sv57";
    }
    return "bare";
}

struct out {
    char *buf;
    size_t size, len;
};

static void put_char(struct out *out, char c)
{
    if (out->len < out->size)
        out->buf[out->len] = c;
    out->len++;
}

static void put_text(struct out *out, const char *text)
{
    while (*text)
        put_char(out, *text++);
}

size_t isa_string(const struct isa_config *config, char *buf, size_t size)
{
    struct out out = { buf, size, 0 };

    put_text(&out, "rv64");
    for (unsigned ext = 0; ext < ISA_EXT_COUNT; ext++) {
        if (!isa_has(config, (enum isa_ext)ext))
            continue;
        if (ext_rows[ext].class != SINGLE)
            put_char(&out, '_');
        put_text(&out, ext_rows[ext].name);
    }
    put_char(&out, '\0');
    if (size > 0)
        buf[size - 1] = '\0'; /* a cut string is still a string */
    return out.len;
}

size_t isa_string_list(const struct isa_config *config, char *buf, size_t size)
{
    struct out out = { buf, size, 0 };

    for (unsigned ext = 0; ext < ISA_EXT_COUNT; ext++) {
        if (isa_has(config, (enum isa_ext)ext)) {
            put_text(&out, ext_rows[ext].name);
            put_char(&out, '\0');
        }
    }
    return out.len;
}

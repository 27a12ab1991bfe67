/* isa/riscv/config.h - which RISC-V a hart is. Freestanding, immutable once made. */
#ifndef ISA_RISCV_CONFIG_H
#define ISA_RISCV_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum isa_ext {
#define X(e, name, dflt, class) ISA_EXT_##e,
#include "isa/riscv/ext.def"
#undef X
    ISA_EXT_COUNT
};
_Static_assert(ISA_EXT_COUNT <= 64, "isa_config.ext is one word");

enum isa_mmu { ISA_MMU_BARE = 0, ISA_MMU_SV39 = 8, ISA_MMU_SV48 = 9, ISA_MMU_SV57 = 10 };

struct isa_config {
    uint64_t ext;         /* bit per enum isa_ext */
    enum isa_mmu mmu;     /* the widest mode satp takes; all narrower ones work too */
    unsigned pmp_entries; /* 0 or 16 */
};

static inline bool isa_has(const struct isa_config *config, enum isa_ext ext)
{
    return config->ext >> ext & 1;
}

/* What `--cpu rv64` alone means: the defaults of ext.def, Sv57, 16 PMP entries. */
void isa_config_default(struct isa_config *ret_config);

/* "zba"; as in --cpu, in the ISA string and in device trees. */
const char *isa_ext_name(enum isa_ext ext);
/* "sv39", "bare"; a device tree's mmu-type is this behind "riscv,". */
const char *isa_mmu_name(enum isa_mmu mmu);

/* For device trees. Both return the bytes that are needed, the terminators included, and write no
 * more than `size`: call with size 0 to ask.
 *
 * "rv64imafdc_zicbom_..." (riscv,isa): */
size_t isa_string(const struct isa_config *config, char *buf, size_t size);
/* "i\0m\0a\0...\0" (riscv,isa-extensions; riscv,isa-base is "rv64i"): */
size_t isa_string_list(const struct isa_config *config, char *buf, size_t size);

#endif

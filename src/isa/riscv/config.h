/* isa/riscv/config.h - which RISC-V a hart is. Freestanding, immutable once made. */
#ifndef ISA_RISCV_CONFIG_H
#define ISA_RISCV_CONFIG_H

#include <stdbool.h>
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
    uint64_t ext;     /* bit per enum isa_ext */
    enum isa_mmu mmu; /* the widest mode satp takes; all narrower ones work too */
    unsigned pmp_entries; /* 0 or 16 */
};

static inline bool isa_has(const struct isa_config *config, enum isa_ext ext)
{
    return config->ext >> ext & 1;
}

#endif

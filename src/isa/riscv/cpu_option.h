/* isa/riscv/cpu_option.h - reads the text of `--cpu`. Hosted: the only part of isa/ that is. */
#ifndef ISA_RISCV_CPU_OPTION_H
#define ISA_RISCV_CPU_OPTION_H

#include "base/compiler.h"
#include "base/error.h"
#include "isa/riscv/config.h"

/* "rv64", or "rv64,zba=off,mmu=sv39,pmp=0". Keys are the names of ext.def (on or off), mmu (bare,
 * sv39, sv48, sv57: the widest mode) and pmp (0 or 16 entries); each at most once.
 *
 * An extension that needs one which is off goes with it, unless it was asked for by name: that is
 * a contradiction and refused, as is turning off what every hart here has (i, zicsr). Svade and
 * Svadu say how A and D bits come about: with svadu off, svade is on. -EINVAL and a sentence
 * otherwise; *ret_config is written only on success. */
int isa_parse_cpu(const char *text, struct isa_config *ret_config, struct error *err) NODISCARD;

#endif

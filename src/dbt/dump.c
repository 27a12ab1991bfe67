/* dbt/dump.c - see dump.h. Host code is hexadecimal: `objdump -D -b binary -m i386:x86-64` reads
 * it after `xxd -r -p`. */
#include "dbt/dump.h"

#include <inttypes.h>
#include <string.h>

#include "base/endian.h"
#include "base/strbuf.h"
#include "dbt/cache/tb.h"
#include "dbt/ir/ir.h"
#include "dbt/region/region.h"
#include "isa/riscv/insn.h"

enum { HEX_PER_LINE = 32 };

const char *const dbt_dump_stage_name[DBT_DUMP_STAGES] = {
    [DBT_DUMP_GUEST] = "guest",   [DBT_DUMP_IR] = "ir",     [DBT_DUMP_T0] = "t0",
    [DBT_DUMP_REGION] = "region", [DBT_DUMP_HOST] = "host",
};

static bool wants(const struct dbt_dump *dump, enum dbt_dump_stage stage)
{
    return dump->stages >> stage & 1;
}

static void add_guest(struct strbuf *out, const struct isa_config *isa, const struct tb *tb,
                      const uint8_t *bytes, const uint8_t *second)
{
    struct insn insn;
    char text[80];

    for (unsigned i = 0; i < tb->insns; i++) {
        unsigned at = tb->insn[i].offset;
        uint16_t low, high = 0;

        memcpy(&low, bytes + at, 2);
        if (insn_length(le16_to_host(low)) == 4)
            memcpy(&high, second != NULL ? second : bytes + at + 2, 2);
        (void)insn_decode((uint32_t)le16_to_host(high) << 16 | le16_to_host(low), isa, &insn);
        insn_disasm(&insn, tb->gpa + at, text, sizeof(text));
        strbuf_addf(out, "  %#" PRIx64 "  %s\n", tb->gpa + at, text);
    }
}

void dbt_dump_block(const struct dbt_dump *dump, const struct isa_config *isa, const struct tb *tb,
                    const struct ir_block *ir, const uint8_t *bytes, const uint8_t *second)
{
    struct strbuf out;

    if (!wants(dump, DBT_DUMP_GUEST) && !wants(dump, DBT_DUMP_IR) && !wants(dump, DBT_DUMP_T0))
        return;
    strbuf_init(&out);
    strbuf_addf(&out, "block %#" PRIx64 ", mode %#x, %u instructions\n", tb->gpa, tb->mode,
                tb->insns);
    if (wants(dump, DBT_DUMP_GUEST))
        add_guest(&out, isa, tb, bytes, second);
    if (wants(dump, DBT_DUMP_IR)) {
        strbuf_add(&out, " ir\n");
        ir_dump(ir, &out);
    }
    if (wants(dump, DBT_DUMP_T0)) {
        strbuf_add(&out, " t0\n");
        t0_dump(tb->op, tb->ops, &out);
    }
    strbuf_add(&out, "\n");
    dump->write(dump->opaque, strbuf_str(&out));
    strbuf_fini(&out);
}

void dbt_dump_region(const struct dbt_dump *dump, const struct region *region)
{
    struct strbuf out;

    if (!wants(dump, DBT_DUMP_REGION))
        return;
    strbuf_init(&out);
    region_dump(region, &out);
    strbuf_add(&out, "\n");
    dump->write(dump->opaque, strbuf_str(&out));
    strbuf_fini(&out);
}

void dbt_dump_host(const struct dbt_dump *dump, const struct tb *tb, bool region, const void *code,
                   size_t size)
{
    const uint8_t *byte = code;
    struct strbuf out;

    if (!wants(dump, DBT_DUMP_HOST))
        return;
    strbuf_init(&out);
    strbuf_addf(&out, "host code of the %s at %#" PRIx64 ", mode %#x: %zu bytes at %p",
                region ? "region" : "block", tb->gpa, tb->mode, size, code);
    for (size_t i = 0; i < size; i++)
        strbuf_addf(&out, "%s%02x", i % HEX_PER_LINE == 0 ? "\n  " : "", byte[i]);
    strbuf_add(&out, "\n\n");
    dump->write(dump->opaque, strbuf_str(&out));
    strbuf_fini(&out);
}

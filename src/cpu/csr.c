/*
 * cpu/csr.c - CSR access: csr.def made into a table, and the checks that are the same for all.
 *
 * A CSR number finds its row in one load. The number gives the least privilege and read-only
 * (2.1); the row's gate gives the rest. What a row's read and write do is in csr_fields.c.
 */
#include <stddef.h>

#include "cpu/csr_fields.h"

/* What must hold beside the privilege the number asks for. */
enum csr_gate {
    GATE_OPEN,
    GATE_FP,       /* F, and mstatus.FS not Off */
    GATE_COUNTER,  /* Zicntr or Zihpm, and the counter enables */
    GATE_STIMECMP, /* Sstc; below M menvcfg.STCE and mcounteren.TM */
    GATE_SATP,     /* in S not with mstatus.TVM */
    GATE_SSCOFPMF,
    GATE_PMP, /* a PMP with entries */
};

struct csr_row {
    csr_read_fn *read; /* NULL: the field */
    csr_write_fn *write;
    uint64_t writable;
    uint16_t field; /* offset in struct riscv_state */
    uint8_t gate;
};

enum csr_row_id {
    ROW_NONE,
#define PLAIN(id, number, gate, field, writable) ROW_##id,
#define FUNC(id, first, last, gate, read, write) ROW_##id,
#include "cpu/csr.def"
#undef PLAIN
#undef FUNC
    ROW_COUNT
};
_Static_assert(ROW_COUNT <= 256, "row numbers are bytes");

/* clang-format off */
static const uint8_t row_of[CSR_COUNT] = {
#define PLAIN(id, number, gate, field, writable) [number] = ROW_##id,
#define FUNC(id, first, last, gate, read, write) [first ... last] = ROW_##id,
#include "cpu/csr.def"
#undef PLAIN
#undef FUNC
};

static const struct csr_row rows[ROW_COUNT] = {
#define PLAIN(id, number, gate, member, bits) \
    [ROW_##id] = { NULL, NULL, bits, offsetof(struct riscv_state, member), GATE_##gate },
#define FUNC(id, first, last, gate, read, write) \
    [ROW_##id] = { csr_read_##read, csr_write_##write, 0, 0, GATE_##gate },
#include "cpu/csr.def"
#undef PLAIN
#undef FUNC
};
/* clang-format on */

/* Whether the hart has it at all. */
static bool is_there(const struct hart *hart, unsigned csr, enum csr_gate gate)
{
    switch (gate) {
    case GATE_FP:
        return isa_has(hart->isa, ISA_EXT_F);
    case GATE_COUNTER:
        return isa_has(hart->isa, csr < CSR_HPMCOUNTER3 ? ISA_EXT_ZICNTR : ISA_EXT_ZIHPM);
    case GATE_STIMECMP:
        return isa_has(hart->isa, ISA_EXT_SSTC);
    case GATE_SSCOFPMF:
        return isa_has(hart->isa, ISA_EXT_SSCOFPMF);
    case GATE_PMP:
        return hart->isa->pmp_entries != 0;
    case GATE_OPEN:
    case GATE_SATP:
        break;
    }
    return true;
}

/* Whether the gate is open now; privilege has been checked. */
static bool is_open(const struct hart *hart, unsigned csr, enum csr_gate gate)
{
    const struct riscv_state *s = &hart->s;

    switch (gate) {
    case GATE_FP:
        return (s->mstatus & MSTATUS_FS) != 0;
    case GATE_COUNTER:
        return (s->priv == PRIV_M || (s->mcounteren >> (csr & 31) & 1)) &&
               (s->priv != PRIV_U || (s->scounteren >> (csr & 31) & 1));
    case GATE_STIMECMP:
        return s->priv == PRIV_M || ((s->menvcfg & MENVCFG_STCE) && (s->mcounteren & COUNTEREN_TM));
    case GATE_SATP:
        return s->priv == PRIV_M || !(s->mstatus & MSTATUS_TVM);
    case GATE_OPEN:
    case GATE_SSCOFPMF:
    case GATE_PMP:
        break;
    }
    return true;
}

static const struct csr_row *find_row(const struct hart *hart, unsigned csr)
{
    const struct csr_row *row;

    if (csr >= CSR_COUNT || row_of[csr] == ROW_NONE)
        return NULL;
    row = &rows[row_of[csr]];
    return is_there(hart, csr, row->gate) ? row : NULL;
}

static uint64_t *field_of(struct hart *hart, const struct csr_row *row)
{
    return (uint64_t *)(void *)((char *)&hart->s + row->field);
}

static uint64_t read_row(struct hart *hart, const struct csr_row *row, unsigned csr)
{
    return row->read != NULL ? row->read(hart, csr) : *field_of(hart, row);
}

static void write_row(struct hart *hart, const struct csr_row *row, unsigned csr, uint64_t bits,
                      uint64_t mask)
{
    uint64_t *field = field_of(hart, row);

    if (row->write != NULL) {
        row->write(hart, csr, bits, mask);
        return;
    }
    mask &= row->writable;
    *field = (*field & ~mask) | (bits & mask);
}

bool hart_csr(struct hart *hart, unsigned csr, enum csr_op op, uint64_t operand, bool read,
              bool write, uint64_t *ret_old)
{
    const struct csr_row *row = find_row(hart, csr);

    if (row == NULL || hart->s.priv < csr_least_priv(csr) || (write && csr_read_only(csr)) ||
        !is_open(hart, csr, row->gate))
        return false;
    *ret_old = read ? read_row(hart, row, csr) : 0;
    if (!write)
        return true;
    switch (op) {
    case CSR_OP_WRITE:
        write_row(hart, row, csr, operand, UINT64_MAX);
        break;
    case CSR_OP_SET:
        write_row(hart, row, csr, operand, operand);
        break;
    case CSR_OP_CLEAR:
        write_row(hart, row, csr, 0, operand);
        break;
    }
    return true;
}

bool hart_csr_peek(struct hart *hart, unsigned csr, uint64_t *ret_val)
{
    const struct csr_row *row = find_row(hart, csr);

    if (row == NULL)
        return false;
    *ret_val = read_row(hart, row, csr);
    return true;
}

bool hart_csr_poke(struct hart *hart, unsigned csr, uint64_t val)
{
    const struct csr_row *row = find_row(hart, csr);

    if (row == NULL || csr_read_only(csr))
        return false;
    write_row(hart, row, csr, val, UINT64_MAX);
    return true;
}

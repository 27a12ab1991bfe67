/* dbt/tests/ir_eval.c - see ir_eval.h. */
#include "dbt/tests/ir_eval.h"

#include <assert.h>
#include <string.h>

#include "cpu/fp.h"
#include "isa/riscv/bits.h"
#include "isa/riscv/csr.h"

struct eval {
    struct eval_state *s;
    const struct ir_block *ir;
    uint64_t value[IR_MAX_OPS];
    uint64_t pc, insn_pc;
    unsigned insns; /* begun */
    bool left;
    struct eval_exit *out;
};

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 s128;

static uint64_t sext32(uint64_t v)
{
    return (uint64_t)(int64_t)(int32_t)v;
}

static void trap(struct eval *e, uint64_t cause, uint64_t tval)
{
    *e->out = (struct eval_exit){
        .way = EVAL_TRAPS, .pc = e->insn_pc, .cause = cause, .tval = tval, .retired = e->insns - 1
    };
    e->left = true;
}

static void go_to(struct eval *e, uint64_t pc, bool by_jump)
{
    *e->out = (struct eval_exit){
        .way = EVAL_GOES_TO, .by_jump = by_jump, .pc = pc, .retired = e->insns
    };
    e->left = true;
}

/* ---- integers ---- */

static u128 clmul(uint64_t a, uint64_t b)
{
    u128 product = 0;

    for (unsigned i = 0; i < 64; i++)
        if (b >> i & 1)
            product ^= (u128)a << i;
    return product;
}

static uint64_t rotate_left(uint64_t a, unsigned n, unsigned width)
{
    uint64_t mask = width == 64 ? UINT64_MAX : UINT32_MAX;

    for (unsigned i = 0; i < n; i++)
        a = ((a << 1) | (a >> (width - 1) & 1)) & mask;
    return a;
}

static uint64_t divide(int64_t a, int64_t b, int64_t least, bool want_rest)
{
    if (b == 0)
        return want_rest ? (uint64_t)a : UINT64_MAX;
    if (a == least && b == -1)
        return want_rest ? 0 : (uint64_t)least;
    return (uint64_t)(want_rest ? a % b : a / b);
}

/* a and b are both signed and unsigned in their width: sa, sb the sign-extended values. */
static uint64_t binary(unsigned opcode, uint64_t a, uint64_t b, unsigned width)
{
    int64_t sa = (int64_t)a, sb = (int64_t)b;
    unsigned n = (unsigned)b & (width - 1);
    int64_t least = width == 64 ? INT64_MIN : INT32_MIN;

    if (width == 32) {
        a = (uint32_t)a;
        b = (uint32_t)b;
        sa = (int32_t)a;
        sb = (int32_t)b;
    }
    switch (opcode) {
    case IR_ADD:
        return a + b;
    case IR_SUB:
        return a - b;
    case IR_AND:
        return a & b;
    case IR_OR:
        return a | b;
    case IR_XOR:
        return a ^ b;
    case IR_ANDN:
        return a & ~b;
    case IR_ORN:
        return a | ~b;
    case IR_XNOR:
        return ~(a ^ b);
    case IR_SHL:
        return a << n;
    case IR_SHR:
        return a >> n;
    case IR_SAR:
        return (uint64_t)(sa >> n);
    case IR_ROTL:
        return rotate_left(a, n, width);
    case IR_ROTR:
        return rotate_left(a, (width - n) % width, width);
    case IR_MUL:
        return a * b;
    case IR_MULHSS:
        return (uint64_t)((s128)sa * sb >> 64);
    case IR_MULHSU:
        return (uint64_t)((s128)sa * (s128)(u128)b >> 64);
    case IR_MULHUU:
        return (uint64_t)((u128)a * b >> 64);
    case IR_DIVS:
        return divide(sa, sb, least, false);
    case IR_DIVU:
        return b == 0 ? UINT64_MAX : a / b;
    case IR_REMS:
        return divide(sa, sb, least, true);
    case IR_REMU:
        return b == 0 ? a : a % b;
    case IR_MINS:
        return (uint64_t)(sa < sb ? sa : sb);
    case IR_MINU:
        return a < b ? a : b;
    case IR_MAXS:
        return (uint64_t)(sa > sb ? sa : sb);
    case IR_MAXU:
        return a > b ? a : b;
    case IR_CLMUL:
        return (uint64_t)clmul(a, b);
    case IR_CLMULH:
        return (uint64_t)(clmul(a, b) >> 64);
    case IR_CLMULR:
        return (uint64_t)(clmul(a, b) >> 63);
    case IR_SETEQ:
        return a == b;
    case IR_SETNE:
        return a != b;
    case IR_SETLT:
        return sa < sb;
    case IR_SETLTU:
        return a < b;
    default:
        assert(0);
        return 0;
    }
}

static uint64_t unary(unsigned opcode, uint64_t a, unsigned width)
{
    uint64_t r = 0;

    switch (opcode) {
    case IR_CLZ:
        while (r < width && !(a >> (width - 1 - r) & 1))
            r++;
        return r;
    case IR_CTZ:
        while (r < width && !(a >> r & 1))
            r++;
        return r;
    case IR_POPCNT:
        for (unsigned i = 0; i < width; i++)
            r += a >> i & 1;
        return r;
    case IR_BSWAP:
        for (unsigned i = 0; i < 8; i++)
            r = r << 8 | (a >> 8 * i & 0xff);
        return r;
    case IR_ORCB:
        for (unsigned i = 0; i < 8; i++)
            if (a >> 8 * i & 0xff)
                r |= UINT64_C(0xff) << 8 * i;
        return r;
    case IR_SEXT8:
        return (uint64_t)(int64_t)(int8_t)a;
    case IR_SEXT16:
        return (uint64_t)(int64_t)(int16_t)a;
    case IR_SEXT32:
        return sext32(a);
    case IR_ZEXT8:
        return a & 0xff;
    case IR_ZEXT16:
        return a & 0xffff;
    case IR_ZEXT32:
        return a & UINT32_MAX;
    default:
        assert(0);
        return 0;
    }
}

static bool condition(unsigned opcode, uint64_t a, uint64_t b)
{
    switch (opcode) {
    case IR_BREQ:
        return a == b;
    case IR_BRNE:
        return a != b;
    case IR_BRLT:
        return (int64_t)a < (int64_t)b;
    case IR_BRGE:
        return (int64_t)a >= (int64_t)b;
    case IR_BRLTU:
        return a < b;
    default:
        return a >= b;
    }
}

/* ---- memory ---- */

static bool mapped(const struct eval *e, gpa_t gpa, unsigned size)
{
    return gpa >= e->s->ram_base && gpa - e->s->ram_base <= e->s->ram_size - size;
}

/* Each page's part of an access is translated before any of it is done; the exception names the
 * part at fault. */
static bool reach(struct eval *e, uint64_t gva, unsigned size, bool write)
{
    unsigned left = (unsigned)(PAGE_SIZE_BYTES - (gva & PAGE_OFFSET_MASK));
    uint64_t cause = write ? CAUSE_STORE_ACCESS : CAUSE_LOAD_ACCESS;

    if (!mapped(e, gva, size < left ? size : left))
        trap(e, cause, gva);
    else if (size > left && !mapped(e, gva + left, size - left))
        trap(e, cause, gva + left);
    return !e->left;
}

static bool reach_atomic(struct eval *e, uint64_t gva, unsigned size, bool write)
{
    if ((gva & (size - 1)) == 0)
        return reach(e, gva, size, write);
    trap(e, write ? CAUSE_STORE_MISALIGNED : CAUSE_LOAD_MISALIGNED, gva);
    return false;
}

static uint64_t peek(const struct eval *e, gpa_t gpa, unsigned size)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)e->s->ram[gpa - e->s->ram_base + i] << 8 * i;
    return v;
}

static void poke(struct eval *e, gpa_t gpa, unsigned size, uint64_t v)
{
    for (unsigned i = 0; i < size; i++)
        e->s->ram[gpa - e->s->ram_base + i] = (uint8_t)(v >> 8 * i);
    e->s->wrote[e->s->writes].gpa = gpa;
    e->s->wrote[e->s->writes++].size = size;
}

static uint64_t extended(uint64_t v, unsigned size)
{
    switch (size) {
    case 1:
        return (uint64_t)(int64_t)(int8_t)v;
    case 2:
        return (uint64_t)(int64_t)(int16_t)v;
    case 4:
        return (uint64_t)(int64_t)(int32_t)v;
    default:
        return v;
    }
}

static uint64_t amo(unsigned kind, uint64_t old, uint64_t operand, unsigned size)
{
    uint64_t so = extended(old, size), sb = extended(operand, size);
    uint64_t mask = size == 8 ? UINT64_MAX : UINT32_MAX;

    switch (kind) {
    case IR_AMO_SWAP:
        return operand;
    case IR_AMO_ADD:
        return old + operand;
    case IR_AMO_XOR:
        return old ^ operand;
    case IR_AMO_AND:
        return old & operand;
    case IR_AMO_OR:
        return old | operand;
    case IR_AMO_MIN:
        return (int64_t)so < (int64_t)sb ? so : sb;
    case IR_AMO_MAX:
        return (int64_t)so > (int64_t)sb ? so : sb;
    case IR_AMO_MINU:
        return (old & mask) < (operand & mask) ? old : operand;
    default:
        return (old & mask) > (operand & mask) ? old : operand;
    }
}

static uint64_t store_conditional(struct eval *e, uint64_t gva, unsigned size, uint64_t v)
{
    gpa_t held = e->s->reservation;

    e->s->reservation = UINT64_MAX;
    if (!reach_atomic(e, gva, size, true))
        return 0;
    if (held != (gva | (size == 8)) || extended(peek(e, gva, size), size) != e->s->reserved_value)
        return 1;
    poke(e, gva, size, v);
    return 0;
}

static uint64_t memory(struct eval *e, const struct ir_op *op, uint64_t a, uint64_t b, uint64_t c)
{
    unsigned flags = op->opcode == IR_CAS ? (unsigned)op->imm : op->c;
    unsigned size = 1u << (flags & IR_MEM_SIZE_MASK);
    uint64_t old = 0;

    switch (op->opcode) {
    case IR_LOAD:
        a += (uint64_t)op->imm;
        if (reach(e, a, size, false))
            old = flags & IR_MEM_SIGN ? extended(peek(e, a, size), size) : peek(e, a, size);
        return old;
    case IR_STORE:
        a += (uint64_t)op->imm;
        if (reach(e, a, size, true))
            poke(e, a, size, b);
        return 0;
    case IR_SC:
        return store_conditional(e, a, size, b);
    default:
        break;
    }
    if (!reach_atomic(e, a, size, op->opcode != IR_LR))
        return 0;
    old = extended(peek(e, a, size), size);
    if (op->opcode == IR_LR) {
        e->s->reservation = a | (size == 8);
        e->s->reserved_value = old;
    } else if (op->opcode == IR_AMO) {
        poke(e, a, size, amo((unsigned)op->imm, peek(e, a, size), b, size));
    } else if (extended(b, size) == old) {
        poke(e, a, size, c);
    }
    return old;
}

/* ---- floating point: soft float is tested elsewhere; here it matters what goes where ---- */

static uint64_t fma_of(const struct ir_op *op, uint64_t a, uint64_t b, uint64_t c, unsigned rm,
                       uint8_t *flags)
{
    uint64_t sign = op->type == IR_F64 ? UINT64_C(1) << 63 : UINT64_C(1) << 31;

    if (op->opcode == IR_FNMSUB || op->opcode == IR_FNMADD)
        a ^= sign;
    if (op->opcode == IR_FMSUB || op->opcode == IR_FNMADD)
        c ^= sign;
    return op->type == IR_F64 ? f64_fma(a, b, c, rm, flags) : f32_fma(a, b, c, rm, flags);
}

static uint64_t to_int(const struct ir_op *op, uint64_t a, unsigned rm, uint8_t *flags)
{
    bool d = op->type == IR_F64;

    switch (op->imm) {
    case IR_INT_I32:
        return d ? f64_to_i32(a, rm, flags) : f32_to_i32(a, rm, flags);
    case IR_INT_U32:
        return d ? f64_to_u32(a, rm, flags) : f32_to_u32(a, rm, flags);
    case IR_INT_I64:
        return d ? f64_to_i64(a, rm, flags) : f32_to_i64(a, rm, flags);
    default:
        return d ? f64_to_u64(a, rm, flags) : f32_to_u64(a, rm, flags);
    }
}

static uint64_t from_int(const struct ir_op *op, uint64_t a, unsigned rm, uint8_t *flags)
{
    bool d = op->type == IR_F64;

    switch (op->imm) {
    case IR_INT_I32:
        return d ? f64_from_i32(a, rm, flags) : f32_from_i32(a, rm, flags);
    case IR_INT_U32:
        return d ? f64_from_u32(a, rm, flags) : f32_from_u32(a, rm, flags);
    case IR_INT_I64:
        return d ? f64_from_i64(a, rm, flags) : f32_from_i64(a, rm, flags);
    default:
        return d ? f64_from_u64(a, rm, flags) : f32_from_u64(a, rm, flags);
    }
}

static uint64_t convert(const struct ir_op *op, uint64_t a, unsigned rm, uint8_t *flags)
{
    if (op->type == IR_F64)
        return op->imm == IR_F16 ? f16_to_f64(a, flags) : f32_to_f64(a, flags);
    if (op->type == IR_F32)
        return op->imm == IR_F16 ? f16_to_f32(a, flags) : f64_to_f32(a, rm, flags);
    return op->imm == IR_F32 ? f32_to_f16(a, rm, flags) : f64_to_f16(a, rm, flags);
}

static uint64_t with_sign(const struct ir_op *op, uint64_t a, uint64_t b)
{
    uint64_t sign = op->type == IR_F64 ? UINT64_C(1) << 63 : UINT64_C(1) << 31;

    if (op->opcode == IR_FSGNJN)
        b = ~b;
    if (op->opcode == IR_FSGNJX)
        b ^= a;
    return (a & ~sign) | (b & sign);
}

static uint64_t two_floats(const struct ir_op *op, uint64_t a, uint64_t b, unsigned rm, uint8_t *fl)
{
    bool d = op->type == IR_F64;

    switch (op->opcode) {
    case IR_FADD:
        return d ? f64_add(a, b, rm, fl) : f32_add(a, b, rm, fl);
    case IR_FSUB:
        return d ? f64_sub(a, b, rm, fl) : f32_sub(a, b, rm, fl);
    case IR_FMUL:
        return d ? f64_mul(a, b, rm, fl) : f32_mul(a, b, rm, fl);
    case IR_FDIV:
        return d ? f64_div(a, b, rm, fl) : f32_div(a, b, rm, fl);
    case IR_FSQRT:
        return d ? f64_sqrt(a, rm, fl) : f32_sqrt(a, rm, fl);
    case IR_FMIN:
        return d ? f64_min(a, b, fl) : f32_min(a, b, fl);
    case IR_FMAX:
        return d ? f64_max(a, b, fl) : f32_max(a, b, fl);
    case IR_FEQ:
        return d ? f64_eq(a, b, fl) : f32_eq(a, b, fl);
    case IR_FLT:
        return d ? f64_lt(a, b, fl) : f32_lt(a, b, fl);
    case IR_FLE:
        return d ? f64_le(a, b, fl) : f32_le(a, b, fl);
    default:
        assert(op->opcode == IR_FCLASS);
        return d ? f64_class(a) : f32_class(a);
    }
}

static uint64_t floating(struct eval *e, const struct ir_op *op, uint64_t a, uint64_t b, uint64_t c)
{
    uint8_t *flags = &e->s->fflags;
    bool is_fma = op->opcode >= IR_FMADD && op->opcode <= IR_FNMADD;
    unsigned rm = is_fma ? (unsigned)op->imm : op->c;

    if (rm == FP_DYN)
        rm = e->s->frm;
    if (is_fma)
        return fma_of(op, a, b, c, rm, flags);
    switch (op->opcode) {
    case IR_FSGNJ:
    case IR_FSGNJN:
    case IR_FSGNJX:
        return with_sign(op, a, b);
    case IR_FTOI:
        return to_int(op, a, rm, flags);
    case IR_FFROMI:
        return from_int(op, a, rm, flags);
    case IR_FCVT:
        return convert(op, a, rm, flags);
    case IR_FBITS:
        return op->type == IR_F64 ? a : sext32(a);
    case IR_FFROMBITS:
        return op->type == IR_F64 ? a : (uint32_t)a;
    default:
        return two_floats(op, a, b, rm, flags);
    }
}

/* ---- helpers ---- */

static uint64_t csr(struct eval *e, uint64_t operand, uint64_t what)
{
    uint64_t old = e->s->mscratch;

    assert((what & 0xfff) == CSR_MSCRATCH);
    if (what >> 15 & 1) {
        unsigned kind = what >> 12 & 3;

        e->s->mscratch = kind == 0 ? operand : kind == 1 ? old | operand : old & ~operand;
    }
    return what >> 14 & 1 ? old : 0;
}

static void cas_quad(struct eval *e, uint64_t gva, uint64_t rd, uint64_t rs2)
{
    uint64_t *x = e->s->x, old[2];

    if ((gva & 15) != 0) {
        trap(e, CAUSE_STORE_MISALIGNED, gva);
        return;
    }
    if (!reach(e, gva, 16, true))
        return;
    old[0] = peek(e, gva, 8);
    old[1] = peek(e, gva + 8, 8);
    if (old[0] == (rd ? x[rd] : 0) && old[1] == (rd ? x[rd + 1] : 0)) {
        poke(e, gva, 8, rs2 ? x[rs2] : 0);
        poke(e, gva + 8, 8, rs2 ? x[rs2 + 1] : 0);
    }
    if (rd != 0)
        memcpy(&x[rd], old, sizeof(old));
}

static void zero_block(struct eval *e, uint64_t gva)
{
    if (reach(e, gva, 1, true))
        for (unsigned i = 0; i < 64; i += 8)
            poke(e, (gva & ~UINT64_C(63)) + i, 8, 0);
}

static uint64_t call(struct eval *e, const struct ir_op *op, uint64_t a, uint64_t b, uint64_t c)
{
    switch (op->imm) {
    case IR_HELPER_csr:
        return csr(e, b, c);
    case IR_HELPER_check_target:
        if (a & 2)
            trap(e, CAUSE_FETCH_MISALIGNED, a);
        return 0;
    case IR_HELPER_cbo:
        assert(c == 4);
        zero_block(e, b);
        return 0;
    default:
        assert(op->imm == IR_HELPER_amocas_q);
        cas_quad(e, a, b, c);
        return 0;
    }
}

/* ---- the walk ---- */

static uint64_t registers(struct eval *e, const struct ir_op *op, uint64_t a)
{
    struct eval_state *s = e->s;

    switch (op->opcode) {
    case IR_GETX:
        return s->x[op->imm];
    case IR_SETX:
        s->x[op->imm] = a;
        return 0;
    case IR_GETF:
        if (op->type == IR_F64)
            return s->f[op->imm];
        return s->f[op->imm] >> 32 == UINT32_MAX ? (uint32_t)s->f[op->imm] : 0x7fc00000;
    default:
        s->f[op->imm] = op->type == IR_F64 ? a : a | (uint64_t)UINT32_MAX << 32;
        return 0;
    }
}

static void leave(struct eval *e, const struct ir_op *op, uint64_t a)
{
    switch (op->opcode) {
    case IR_JUMP:
    case IR_LEAVE:
        go_to(e, e->pc + (uint64_t)op->imm, op->opcode == IR_JUMP);
        return;
    case IR_JUMPREG:
        go_to(e, a, true);
        return;
    case IR_TRAP:
        trap(e, (uint64_t)op->imm, a);
        return;
    default:
        go_to(e, e->insn_pc, false); /* LEAVEPC: no helper here moves the pc */
        return;
    }
}

/* Ops about CSRs and the like. */
static uint64_t system_op(struct eval *e, const struct ir_op *op, uint64_t a)
{
    struct eval_state *s = e->s;

    switch (op->opcode) {
    case IR_GETS:
        return s->state[op->imm];
    case IR_SETS:
        s->state[op->imm] = a;
        return 0;
    case IR_SSTATUS:
        s->status = op->imm == 0 ? a : op->imm == 1 ? s->status | a : s->status & ~a;
        s->status &= EVAL_STATUS;
        s->fs_dirty &= op->imm != 0; /* what is written has FS Off */
        return 0;
    case IR_CBZERO:
        zero_block(e, a);
        return 0;
    case IR_FSDIRTY:
        s->fs_dirty = true;
        return 0;
    case IR_GETFFLAGS:
        return s->fflags;
    default: /* IR_SETFFLAGS */
        s->fflags = a & FCSR_FFLAGS;
        return 0;
    }
}

static uint64_t eval_op(struct eval *e, const struct ir_op *op, uint64_t a, uint64_t b, uint64_t c)
{
    unsigned width = op->type == IR_I32 ? 32 : 64, opcode = op->opcode;

    if (opcode >= IR_ADD && opcode <= IR_MAXU)
        return binary(opcode, a, b, width);
    if ((opcode >= IR_CLMUL && opcode <= IR_CLMULR) || (opcode >= IR_SETEQ && opcode <= IR_SETLTU))
        return binary(opcode, a, b, width);
    if (opcode >= IR_CLZ && opcode <= IR_ZEXT32)
        return unary(opcode, a, width);
    if (opcode >= IR_GETX && opcode <= IR_SETF)
        return registers(e, op, a);
    if (opcode >= IR_LOAD && opcode <= IR_CAS)
        return memory(e, op, a, b, c);
    if (opcode >= IR_FADD && opcode <= IR_FFROMBITS)
        return floating(e, op, a, b, c);
    if (opcode >= IR_BREQ && opcode <= IR_BRGEU) {
        if (condition(opcode, a, b))
            go_to(e, e->pc + (uint64_t)op->imm, true);
        return 0;
    }
    switch (opcode) {
    case IR_CONST:
        return (uint64_t)op->imm;
    case IR_PC:
        return e->pc + (uint64_t)op->imm;
    case IR_SELECT:
        return a != 0 ? b : c;
    case IR_CALL:
        return call(e, op, a, b, c);
    case IR_FENCE:
        return 0;
    case IR_GETS:
    case IR_SETS:
    case IR_SSTATUS:
    case IR_CBZERO:
    case IR_FSDIRTY:
    case IR_GETFFLAGS:
    case IR_SETFFLAGS:
        return system_op(e, op, a);
    case IR_INSN:
        e->insn_pc = e->pc + (uint64_t)op->imm;
        e->insns++;
        return 0;
    default:
        leave(e, op, a);
        return 0;
    }
}

static uint64_t operand(const struct eval *e, char kind, ir_ref ref)
{
    return (kind == 'V' || kind == 'I') && ref != IR_NONE ? e->value[ref] : 0;
}

void eval_block(struct eval_state *state, const struct ir_block *ir, uint64_t pc,
                struct eval_exit *ret_exit)
{
    struct eval e; /* not its values, which are written before they are read */

    e.s = state;
    e.ir = ir;
    e.pc = e.insn_pc = pc;
    e.insns = 0;
    e.left = false;
    e.out = ret_exit;
    state->writes = 0;
    for (unsigned i = 0; !e.left; i++) {
        const struct ir_op *op = &ir->op[i];
        const struct ir_info *info = &ir_info[op->opcode];

        assert(i < ir->count);
        e.value[i] = eval_op(&e, op, operand(&e, info->a, op->a), operand(&e, info->b, op->b),
                             operand(&e, info->c, op->c));
    }
}

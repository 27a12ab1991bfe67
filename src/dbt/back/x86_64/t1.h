/* dbt/back/x86_64/t1.h - T1, the quick compiler: one pass over lowered code, a template per op.
 * Private to this folder.
 *
 * Registers while compiled code runs:
 *   rbp           the hart, plus HART_BIAS, so that all of x[] is within a byte's displacement
 *   r15           the soft TLB's table for data; in regions something else (t2.h)
 *   ten others    guest registers, see t1_pins
 *   rsp           the host's stack, 16-byte aligned; what lies above are calls under way
 *                 (t1_call.c), so nothing else may be left there from one block to the next
 *   rax rcx rdx   scratch, xmm0 to xmm2 too; nothing lives in them from one op to the next
 *   xmm3 to xmm15 copies of slots, within a block only (t1_xmm.c); in regions some f registers
 * Every SET goes to its register or to memory at once, so state is precise at each op; what a
 * fault needs beside it (which instruction, how many did not run) is an immediate in cold code.
 *
 * The pc. A block runs at any virtual address of its page: hart->run.page holds the page's, and
 * offsets are constants. Jumps within the page are direct and patched when first taken; others
 * go through the jump cache. A jump backwards, or through the jump cache, looks at the attention
 * word, so no loop is deaf.
 */
#ifndef DBT_BACK_X86_64_T1_H
#define DBT_BACK_X86_64_T1_H

#include <pthread.h>

#include "cpu/hart.h"
#include "dbt/back/back.h"
#include "dbt/back/x86_64/asm.h"
#include "dbt/back/x86_64/code_memory.h"
#include "dbt/back/x86_64/code_room.h"
#include "dbt/back/x86_64/perf_map.h"
#include "dbt/cache/tb.h"
#include "dbt/interp/t0.h"

enum {
    HART_BIAS = 128,
    T1_PINS = 10,
    T1_PINNABLE = 32,  /* x registers; f registers */
    T1_FLOAT_PINS = 8, /* xmm8 and on: an op has use for five others at most */
    T1_MXCSR = 0x1f80, /* all exceptions masked, round to nearest, no flags */
    T1_MAX_BLOCK_CODE = 64 << 10,
};

#define HART_DISP(field) ((int32_t)offsetof(struct hart, field) - HART_BIAS)
static inline struct x86_mem t1_field(int32_t disp)
{
    return x86_at(RBP, disp);
}
static inline struct x86_mem t1_slot(uint16_t slot)
{
    return x86_at(RBP, (int32_t)slot * 8 - HART_BIAS);
}

/* What cold code hands to a stub in eax: see t1_stubs.c. */
enum { INFO_REMAINING_SHIFT = 12, INFO_SIZE_SHIFT = 20, INFO_BLOCK_SHIFT = 20 };

/* Which guest registers live in which host registers. T1 has no f registers there. */
struct t1_pins {
    unsigned count;
    uint16_t slot[T1_PINS]; /* x registers; T2 has others, which no operand names */
    uint8_t reg[T1_PINS];   /* enum x86_reg */
    unsigned floats;
    struct {
        uint16_t slot;
        uint8_t xmm;  /* enum x86_xmm */
        bool written; /* else what memory has stays true */
    } f[T1_FLOAT_PINS];
};

/* Shared pieces of code, as addresses in the written mapping. */
struct t1_stubs {
    uint8_t *enter;   /* C: uint64_t (struct hart *, const void *code) */
    uint8_t *leave;   /* rax 0: to the dispatcher, s.pc is set */
    uint8_t *exit;    /* rax says which exit of which block, s.pc is set */
    uint8_t *spilled; /* as exit, with registers in memory already */
    uint8_t *jump;    /* to virtual address rax, through the jump cache */
    uint8_t *resume;  /* to s.pc, after what may have changed modes or translations */
    uint8_t *resumed; /* the same, with registers in memory already: where faults go */
    uint8_t *ret;     /* a return to virtual address rax */
    uint8_t *unwind;  /* the same for a return that is not from the call made last */
    uint8_t *load;    /* rcx gva, eax info -> rax */
    uint8_t *store;   /* rcx gva, rdx value, eax info */
    uint8_t *step;    /* rdx T0 op, eax info: interprets it */
    uint8_t *last;    /* the same for what ends a block with a trap or a change of modes: and
                       * resumes */
};

struct back {
    struct back_config config;
    struct perf_map *perf_map, *jitdump; /* NULL: not asked for */
    struct code_memory memory;
    struct t1_stubs stubs;
    uint8_t *scratch;     /* T1_MAX_BLOCK_CODE bytes that are never run; the holder's of `lock` */
    pthread_mutex_t lock; /* guards what follows; a leaf */
    struct code_room room;
    struct back_stats stats; /* but for used and size */
};

enum { T1_XMM_FIRST = 3, T1_XMMS = 16 - T1_XMM_FIRST };
#define T1_XMM_NONE ((enum x86_xmm)X86_NONE)

/* What an xmm register holds: see t1_xmm.c. */
struct t1_xmm {
    uint16_t slot, boxed;
};

/* A way back from cold code, or into it. */
struct t1_cold {
    enum {
        COLD_LOAD,
        COLD_STORE,
        COLD_LEADER,
        COLD_FOLLOWER,
        COLD_STEP,
        COLD_MXCSR,
        COLD_EXIT,
        COLD_CROSS,
        COLD_LAST,
        COLD_DEEP,
        COLD_JUMP,
        COLD_CALL,
        COLD_UNWIND
    } kind;
    uint8_t *from; /* the displacement that leads here */
    uint8_t *back; /* where to go on */
    const struct t0_op *op;
    uint32_t info;
    uint32_t pending;      /* as in struct t1 */
    int64_t target;        /* EXIT, CROSS: offset from the page's start */
    unsigned link;         /* EXIT */
    uint8_t place;         /* LEADER: as in struct t1_group */
    uint16_t xmm[T1_XMMS]; /* what must be in registers at `back` */
};

enum { T1_MAX_COLD = 2 * T0_MAX_OPS, T1_MAX_GROUPS = 65, T1_NO_PLACE = 0xff };

/* The accesses of a block that share a probe: see t1_share.c. */
struct t1_shares {
    uint8_t group[T0_MAX_OPS]; /* of the op's access; 0: it has its own probe */
    int32_t at[T0_MAX_OPS];    /* bytes from the value its group begins with */
    struct t1_group {
        int32_t low, high; /* bytes from that value: of the first access, behind the last */
        uint16_t root;     /* a number for that value */
        uint16_t accesses;
        uint8_t place; /* where its host address is kept; T1_NO_PLACE: in rdx only */
        bool writes;
        bool begun; /* code for its probe has been made */
    } of[T1_MAX_GROUPS];
    unsigned groups; /* the first is none */
    unsigned held;   /* group whose host address is in rdx; 0: none */
};

/* What in a block's code is not the same in another process or at another place: see t1_image.c. */
enum t1_fix_kind {
    FIX_BLOCK, /* 64 bits: an address inside the struct tb */
    FIX_STUB,  /* 32 bits: displacement to stub number `stub` */
    FIX_FLAGS, /* 64 bits: t1_flags_of */
};
struct t1_fix {
    uint16_t at; /* of the field, in the code */
    uint8_t kind, stub;
};
enum { T1_MAX_FIXES = 4096 };
struct t1_fixes {
    unsigned count; /* above T1_MAX_FIXES: some are missing */
    struct t1_fix fix[T1_MAX_FIXES];
};

/* One compilation. */
struct t1 {
    struct x86_asm a;
    const struct t1_stubs *stubs;
    const struct dbt_tuning *tuning;
    struct tb *tb;
    unsigned block_offset; /* of the block in its page */
    unsigned insn;         /* index of the instruction at hand */
    bool counts;           /* T2: r15 is a count, not the table: see t2.h */
    uint32_t pending;      /* T2: entered instructions not yet counted anywhere */
    const struct t0_op *op;
    uint8_t pin[T1_PINNABLE];       /* enum x86_reg; X86_NONE: in memory */
    uint8_t float_pin[T1_PINNABLE]; /* enum x86_xmm; X86_NONE: in memory */
    unsigned float_pins;            /* a bit per xmm register */
    struct t1_xmm xmm[16];
    unsigned xmm_busy; /* a bit per register the op at hand uses */
    unsigned xmm_next; /* taken last */
    struct t1_cold cold[T1_MAX_COLD];
    unsigned colds;
    struct t1_fixes *fixes; /* NULL: nobody asks */
    struct t1_shares shares;
};

extern const struct t1_pins t1_pins;

/* t1.c: code of tb is complete; no lock held. */
void t1_made(struct back *back, const struct tb *tb, bool region, const uint8_t *written,
             size_t bytes);
/* t1.c: compiles t->tb to t->a, whose room is for any block (T1_MAX_BLOCK_CODE). */
void t1_emit_block(struct t1 *t, struct back *back, struct tb *tb, struct t1_fixes *fixes);
/* t1_image.c: blocks as they can be kept. As back_ops have it. */
size_t t1_image_save(struct back *back, struct tb *tb, uint8_t *buffer, size_t size);
bool t1_image_load(struct back *back, struct tb *tb, const uint8_t *image, size_t size);
/* Code that cannot be kept as it is, is made by these only. */
void t1_block_address(struct t1 *t, enum x86_reg reg, const void *inside); /* of t->tb */
void t1_to_stub(struct t1 *t, uint8_t *field, uint8_t *const *stub);       /* of t->stubs */
void t1_flags_table(struct t1 *t, enum x86_reg reg);                       /* t1_flags_of */
extern const uint8_t t1_flags_of[64];                                      /* t1_fp.c */
/* t1_stubs.c */
void t1_make_stubs(struct x86_asm *a, struct t1_stubs *stubs);
void t1_before_entry(struct hart *hart); /* to compiled code */
/* load, store and step, for code with these pins. counts: as in struct t1. */
void t1_make_calls(struct x86_asm *a, struct t1_stubs *stubs, const struct t1_pins *pins,
                   bool counts);
/* f registers that are pinned, those that are written: to memory, and back. */
void t1_store_floats(struct x86_asm *a, const struct t1_pins *pins);
void t1_load_floats(struct x86_asm *a, const struct t1_pins *pins);
void t1_settle_register(struct x86_asm *a); /* adds the count in r15 to run.insns */
/* t1.c: operands and results of templates. */
void t1_set_pins(struct t1 *t, const struct t1_pins *pins);
enum x86_reg t1_pin(const struct t1 *t, uint16_t slot); /* X86_NONE: in memory */
enum x86_reg t1_use(struct t1 *t, uint16_t slot, enum x86_reg scratch);
void t1_use_in(struct t1 *t, uint16_t slot, enum x86_reg reg);
enum x86_reg t1_dst(const struct t1 *t, uint16_t slot, enum x86_reg scratch);
void t1_define(struct t1 *t, uint16_t slot, enum x86_reg reg);
uint32_t t1_info(const struct t1 *t);
struct t1_cold *t1_cold(struct t1 *t, int kind, uint8_t *from);
void t1_step(struct t1 *t);
void t1_last(struct t1 *t, const struct t0_op *op, uint32_t info); /* does not come back */
/* The soft TLB's compare for an access of `size` at rcx, aligned or not.
 * Afterwards rdx is what to add to rcx, or the jump whose displacement is returned is taken, with
 * rcx as it was. Clobbers rax. (t1_mem.c) */
uint8_t *t1_probe(struct t1 *t, unsigned size, enum tlb_kind kind);
/* rcx = slot + offset. Clobbers rax. */
void t1_gva(struct t1 *t, uint16_t slot, int64_t offset);
bool t1_is_load(const struct t0_op *op);
bool t1_is_store(const struct t0_op *op);
unsigned t1_access_size(const struct t0_op *op); /* of a load or store */
/* The access itself: of op's value, at a host address. */
void t1_load_value(struct t1 *t, const struct t0_op *op, struct x86_mem from);
void t1_store_value(struct t1 *t, const struct t0_op *op, struct x86_mem to, enum x86_reg scratch);

/* t1_xmm.c. Registers given out stay the op's until its end. Who joins paths (a label that is
 * jumped to) forgets all there; xmm_busy is 0 when an op begins. */
enum x86_xmm t1_xmm_use(struct t1 *t, uint16_t slot); /* holds the slot; not to be written */
enum x86_xmm t1_xmm_new(struct t1 *t);                /* for a result */
enum x86_xmm t1_xmm_dst(struct t1 *t, uint16_t slot); /* the same, if operands are done with */
enum x86_xmm t1_xmm_pin(const struct t1 *t, uint16_t slot);  /* X86_NONE: in memory */
enum x86_xmm t1_xmm_find(struct t1 *t, uint16_t slot);       /* X86_NONE: in memory only */
enum x86_xmm t1_xmm_find_float(struct t1 *t, uint16_t slot); /* the same, of a boxed F32 */
void t1_xmm_define(struct t1 *t, uint16_t slot, enum x86_xmm reg);
void t1_xmm_define_boxed(struct t1 *t, uint16_t slot, enum x86_xmm reg);
void t1_xmm_forget(struct t1 *t, uint16_t slot); /* the slot is written otherwise */
void t1_xmm_forget_all(struct t1 *t);            /* C has been called */
/* Cold code goes on here, with registers as they are here. */
void t1_return_here(struct t1 *t, struct t1_cold *cold);
void t1_xmm_restore(struct t1 *t, const struct t1_cold *cold);

/* t1_share.c. Plans a block; `alone`: a bit per x register whose accesses are to share nothing. */
void t1_plan_shares(struct t1 *t, uint32_t alone);
/* A load or store that shares its probe; false: it does not. */
bool t1_emit_shared(struct t1 *t, const struct t0_op *op);
void t1_emit_shared_cold(struct t1 *t, const struct t1_cold *cold);

/* Templates by T0 opcode; false: there is none, t1_step() does it. */
bool t1_emit_computing(struct t1 *t, const struct t0_op *op); /* t1.c: int, float, atomic */
bool t1_emit_int(struct t1 *t, const struct t0_op *op);       /* t1_int.c */
bool t1_emit_memory(struct t1 *t, const struct t0_op *op);    /* t1_mem.c */
bool t1_emit_float(struct t1 *t, const struct t0_op *op);     /* t1_fp.c */
bool t1_emit_atomic(struct t1 *t, const struct t0_op *op);    /* t1_atomic.c */
bool t1_emit_leave(struct t1 *t, const struct t0_op *op);     /* t1_leave.c */
void t1_emit_jumpreg(struct t1 *t, const struct t0_op *op);   /* t1_call.c */
/* t1_int.c: reg = reg op what `slot` holds; clobbers rcx. */
void t1_alu(struct t1 *t, enum x86_alu alu, unsigned size, enum x86_reg reg, uint16_t slot);
void t1_emit_call_cold(struct t1 *t, const struct t1_cold *cold);
void t1_emit_call(struct t1 *t, const struct t0_op *op); /* t1_call.c: JUMP with a return slot */
/* t1_call.c: a jump, or a call, to virtual address rax through the jump cache. offset: of the
 * target in its page, or -1. */
void t1_jump_anywhere(struct t1 *t, int64_t offset, bool call);
/* t1_leave.c: a jump to `target` (offset in the page) as exit `link`; a call the same. */
void t1_jump_to(struct t1 *t, int64_t target, unsigned link);
void t1_hear(struct t1 *t, int64_t target); /* before a jump there: the attention word */
void t1_call_to(struct t1 *t, int64_t target, unsigned link);
void t1_emit_cold(struct t1 *t); /* t1_leave.c */
/* Parts of these, for T2. (t1_leave.c) */
void t1_count(struct t1 *t, int32_t insns);    /* run.insns += insns */
void t1_address(struct t1 *t, int64_t offset); /* rax = the page's address + offset */
enum x86_cc t1_compare(struct t1 *t, const struct t0_op *op); /* of a branch: flags, and when */
void t1_slow_load(struct t1 *t, const struct t1_cold *cold);
void t1_slow_store(struct t1 *t, const struct t1_cold *cold);

#endif

/*
 * dbt/interp/atomic.c - atomics as host atomics.
 *
 * Everything is sequentially consistent: on x86 a locked operation is that anyway. SC compares
 * the value LR read (a compare-and-swap), so that no store has to look for reservations. The
 * price: a value that went away and came back between LR and SC goes unnoticed (ABA), where the
 * architecture would have the SC fail. Other emulators, QEMU among them, pay it too.
 */
#include "dbt/interp/atomic.h"

#include "dbt/ir/ir.h"

struct operand {
    void *hva;
    gpa_t gpa; /* when slow */
    bool slow; /* hart_atomic_done() is due */
};

static unsigned size_of(unsigned mem)
{
    return 1u << (mem & IR_MEM_SIZE_MASK);
}

static uint64_t extend(uint64_t value, unsigned size)
{
    return size == 4 ? (uint64_t)(int64_t)(int32_t)value : value;
}

/* A page that may be written may be read: PTEs and PMP entries with W alone are reserved. */
static bool locate(struct hart *hart, gva_t gva, unsigned size, bool write, struct operand *ret)
{
    ret->hva = tlb_probe(hart->tlb.table, write ? TLB_WRITE : TLB_READ, gva, size);
    ret->slow = false;
    if (likely(ret->hva != NULL))
        return true;
    ret->slow = write;
    return hart_atomic_ptr(hart, gva, size, write, &ret->hva, &ret->gpa);
}

static void finish(struct hart *hart, const struct operand *at, unsigned size)
{
    if (at->slow)
        hart_atomic_done(hart, at->gpa, size);
}

static uint64_t combine(unsigned amo, uint64_t old, uint64_t operand, bool is32)
{
    int64_t sold = is32 ? (int32_t)old : (int64_t)old;
    int64_t sop = is32 ? (int32_t)operand : (int64_t)operand;
    uint64_t uold = is32 ? (uint32_t)old : old, uop = is32 ? (uint32_t)operand : operand;

    switch (amo) {
    case IR_AMO_MIN:
        return sold < sop ? old : operand;
    case IR_AMO_MAX:
        return sold > sop ? old : operand;
    case IR_AMO_MINU:
        return uold < uop ? old : operand;
    default:
        return uold > uop ? old : operand;
    }
}

static uint64_t amo32(uint32_t *at, unsigned amo, uint32_t operand)
{
    uint32_t old;

    switch (amo) {
    case IR_AMO_SWAP:
        return __atomic_exchange_n(at, operand, __ATOMIC_SEQ_CST);
    case IR_AMO_ADD:
        return __atomic_fetch_add(at, operand, __ATOMIC_SEQ_CST);
    case IR_AMO_XOR:
        return __atomic_fetch_xor(at, operand, __ATOMIC_SEQ_CST);
    case IR_AMO_AND:
        return __atomic_fetch_and(at, operand, __ATOMIC_SEQ_CST);
    case IR_AMO_OR:
        return __atomic_fetch_or(at, operand, __ATOMIC_SEQ_CST);
    default:
        old = __atomic_load_n(at, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(at, &old, (uint32_t)combine(amo, old, operand, true),
                                            false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            ;
        return old;
    }
}

static uint64_t amo64(uint64_t *at, unsigned amo, uint64_t operand)
{
    uint64_t old;

    switch (amo) {
    case IR_AMO_SWAP:
        return __atomic_exchange_n(at, operand, __ATOMIC_SEQ_CST);
    case IR_AMO_ADD:
        return __atomic_fetch_add(at, operand, __ATOMIC_SEQ_CST);
    case IR_AMO_XOR:
        return __atomic_fetch_xor(at, operand, __ATOMIC_SEQ_CST);
    case IR_AMO_AND:
        return __atomic_fetch_and(at, operand, __ATOMIC_SEQ_CST);
    case IR_AMO_OR:
        return __atomic_fetch_or(at, operand, __ATOMIC_SEQ_CST);
    default:
        old = __atomic_load_n(at, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(at, &old, combine(amo, old, operand, false), false,
                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            ;
        return old;
    }
}

bool atomic_amo(struct hart *hart, unsigned amo, unsigned mem, gva_t gva, uint64_t operand,
                uint64_t *ret_old)
{
    unsigned size = size_of(mem);
    struct operand at;

    if (!locate(hart, gva, size, true, &at))
        return false;
    if (size == 4)
        *ret_old = extend(amo32(at.hva, amo, (uint32_t)operand), 4);
    else
        *ret_old = amo64(at.hva, amo, operand);
    finish(hart, &at, size);
    return true;
}

/* Swaps if *at is `expected`; the old value comes back either way. */
static uint64_t swap_if(void *at, unsigned size, uint64_t expected, uint64_t desired)
{
    uint32_t old32 = (uint32_t)expected;
    uint64_t old64 = expected;

    if (size == 4) {
        __atomic_compare_exchange_n((uint32_t *)at, &old32, (uint32_t)desired, false,
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        return extend(old32, 4);
    }
    __atomic_compare_exchange_n((uint64_t *)at, &old64, desired, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    return old64;
}

bool atomic_cas(struct hart *hart, unsigned mem, gva_t gva, uint64_t expected, uint64_t desired,
                uint64_t *ret_old)
{
    unsigned size = size_of(mem);
    struct operand at;

    if (!locate(hart, gva, size, true, &at))
        return false;
    *ret_old = swap_if(at.hva, size, expected, desired);
    finish(hart, &at, size);
    return true;
}

/* The size belongs to the reservation; an aligned address has room for it. */
static gva_t reservation_of(gva_t gva, unsigned size)
{
    return gva | (size == 8);
}

bool atomic_lr(struct hart *hart, unsigned mem, gva_t gva, uint64_t *ret_value)
{
    unsigned size = size_of(mem);
    struct operand at;

    if (mem & IR_MEM_RELEASE) /* stores before it come before it */
        atomic_thread_fence(memory_order_seq_cst);
    if (!locate(hart, gva, size, false, &at))
        return false;
    *ret_value = size == 4 ? extend(__atomic_load_n((uint32_t *)at.hva, __ATOMIC_SEQ_CST), 4)
                           : __atomic_load_n((uint64_t *)at.hva, __ATOMIC_SEQ_CST);
    hart->reservation = reservation_of(gva, size);
    hart->reserved_value = *ret_value;
    return true;
}

bool atomic_sc(struct hart *hart, unsigned mem, gva_t gva, uint64_t value, uint64_t *ret_failed)
{
    unsigned size = size_of(mem);
    gva_t reservation = hart->reservation;
    struct operand at;

    /* Whatever comes of it, the reservation is used up (unprivileged manual, "Zalrsc"). */
    hart->reservation = UINT64_MAX;
    if (!locate(hart, gva, size, true, &at))
        return false;
    *ret_failed = 1;
    if (reservation == reservation_of(gva, size))
        *ret_failed = swap_if(at.hva, size, hart->reserved_value, value) != hart->reserved_value;
    finish(hart, &at, size);
    return true;
}

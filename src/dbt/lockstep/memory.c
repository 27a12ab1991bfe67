/*
 * dbt/lockstep/memory.c - memory in lock-step: copies of pages before they are written, answers
 * of devices, and how the twin gets at both (cpu/spy.h).
 */
#include <stdlib.h>
#include <string.h>

#include "dbt/lockstep/internal.h"
#include "isa/riscv/bits.h"

/* ---- copies ---- */

static unsigned hash_of(const uint8_t *real)
{
    uint64_t number = (uintptr_t)real >> PAGE_SHIFT;

    return (unsigned)(number ^ number >> 12) % COPY_HASH;
}

static uint8_t *page_of(const void *hva)
{
    return (uint8_t *)((uintptr_t)hva & PAGE_ADDR_MASK); /* NOLINT(performance-no-int-to-ptr) */
}

/* *ret_slot: where it is, or where it would go. */
static struct page_copy *find_copy(struct lockstep_hart *ls, const uint8_t *real,
                                   unsigned *ret_slot)
{
    unsigned slot = hash_of(real);

    for (; ls->hash[slot] != 0; slot = (slot + 1) % COPY_HASH)
        if (ls->copy[ls->hash[slot] - 1].real == real)
            break;
    *ret_slot = slot;
    return ls->hash[slot] == 0 ? NULL : &ls->copy[ls->hash[slot] - 1];
}

static struct page_copy *copy_page(struct lockstep_hart *ls, const void *hva)
{
    const uint8_t *real = page_of(hva);
    unsigned slot;
    struct page_copy *copy = find_copy(ls, real, &slot);

    if (copy != NULL)
        return copy;
    copy = &ls->copy[ls->copies];
    if (ls->copies < COPIES && copy->bytes == NULL)
        copy->bytes = aligned_alloc(PAGE_SIZE_BYTES, PAGE_SIZE_BYTES);
    if (ls->copies == COPIES || copy->bytes == NULL) {
        ls->too_much = true;
        return NULL;
    }
    copy->real = real;
    copy->slot = slot;
    ls->hash[slot] = (uint16_t)++ls->copies;
    for (unsigned i = 0; i < PAGE_SIZE_BYTES; i += 8) {
        uint64_t word =
            __atomic_load_n((const uint64_t *)(const void *)(real + i), __ATOMIC_RELAXED);

        memcpy(copy->bytes + i, &word, sizeof(word));
    }
    return copy;
}

void lockstep_forget_copies(struct lockstep_hart *ls)
{
    for (unsigned i = 0; i < ls->copies; i++)
        ls->hash[ls->copy[i].slot] = 0;
    ls->copies = 0;
}

const uint8_t *lockstep_memory_differs(const struct lockstep_hart *ls, uint64_t *ret_mine,
                                       uint64_t *ret_twins)
{
    for (unsigned i = 0; i < ls->copies; i++) {
        const struct page_copy *copy = &ls->copy[i];

        if (memcmp(copy->real, copy->bytes, PAGE_SIZE_BYTES) == 0)
            continue;
        for (unsigned at = 0; at < PAGE_SIZE_BYTES; at += 8) {
            memcpy(ret_mine, copy->real + at, 8);
            memcpy(ret_twins, copy->bytes + at, 8);
            if (*ret_mine != *ret_twins)
                return copy->real + at;
        }
    }
    return NULL;
}

/* The run is long enough: it ends at the next jump that looks. */
static void end_soon(struct lockstep_hart *ls)
{
    atomic_fetch_or(&ls->dh->hart->attention, (uint32_t)HART_ATTN_ENGINE);
}

/* ---- the hart itself ---- */

static struct lockstep_hart *recorder(struct hart_spy *spy)
{
    return container_of(spy, struct lockstep_hart, record);
}

static void record_will_write(struct hart_spy *spy, void *hva)
{
    struct lockstep_hart *ls = recorder(spy);

    if (!ls->recording)
        return;
    (void)copy_page(ls, hva);
    if (ls->copies == COPIES_ENOUGH)
        end_soon(ls);
}

/* The twin makes no walks of its own where the hart has made them: it shall find the bits. */
static void record_walked(struct hart_spy *spy, void *hva, uint64_t bits)
{
    struct lockstep_hart *ls = recorder(spy);
    struct page_copy *copy;
    unsigned slot;
    uint64_t pte;

    if (!ls->recording)
        return;
    copy = find_copy(ls, page_of(hva), &slot);
    if (copy == NULL)
        return;
    memcpy(&pte, copy->bytes + ((uintptr_t)hva & PAGE_OFFSET_MASK), sizeof(pte));
    pte |= bits;
    memcpy(copy->bytes + ((uintptr_t)hva & PAGE_OFFSET_MASK), &pte, sizeof(pte));
}

static void remember(struct lockstep_hart *ls, const struct answer *answer)
{
    if (!ls->recording)
        return;
    if (ls->answers == ANSWERS) {
        ls->too_much = true;
        return;
    }
    ls->answer[ls->answers++] = *answer;
    if (ls->answers == ANSWERS_ENOUGH)
        end_soon(ls);
}

static enum mem_result record_load(struct hart_spy *spy, gpa_t gpa, unsigned size,
                                   uint64_t *ret_val)
{
    struct lockstep_hart *ls = recorder(spy);
    enum mem_result result = mem_load(ls->dh->hart->space, gpa, size, ret_val);

    remember(ls, &(struct answer){ gpa, *ret_val, size, false, result });
    return result;
}

static enum mem_result record_store(struct hart_spy *spy, gpa_t gpa, unsigned size, uint64_t val)
{
    struct lockstep_hart *ls = recorder(spy);
    enum mem_result result = mem_store(ls->dh->hart->space, gpa, size, val);

    remember(ls, &(struct answer){ gpa, val, size, true, result });
    return result;
}

const struct hart_spy_ops lockstep_record_ops = {
    .will_write = record_will_write,
    .walked = record_walked,
    .load = record_load,
    .store = record_store,
};

/* ---- its twin ---- */

static struct lockstep_hart *replayer(struct hart_spy *spy)
{
    return container_of(spy, struct lockstep_hart, replay);
}

static void replay_will_write(struct hart_spy *spy, void *hva)
{
    (void)spy, (void)hva; /* replay_find() has made the copy */
}

static void replay_walked(struct hart_spy *spy, void *hva, uint64_t bits)
{
    (void)spy, (void)hva, (void)bits;
}

/* The next answer, if it is to the same question. */
static const struct answer *next_answer(struct lockstep_hart *ls, gpa_t gpa, unsigned size,
                                        bool is_store)
{
    const struct answer *answer = &ls->answer[ls->answered];

    if (ls->answered == ls->answers || answer->gpa != gpa || answer->size != size ||
        answer->is_store != is_store) {
        ls->twin_strayed = true;
        return NULL;
    }
    ls->answered++;
    return answer;
}

static enum mem_result replay_load(struct hart_spy *spy, gpa_t gpa, unsigned size,
                                   uint64_t *ret_val)
{
    const struct answer *answer = next_answer(replayer(spy), gpa, size, false);

    *ret_val = answer == NULL ? 0 : answer->value;
    return answer == NULL ? MEM_OK : answer->result;
}

static enum mem_result replay_store(struct hart_spy *spy, gpa_t gpa, unsigned size, uint64_t val)
{
    struct lockstep_hart *ls = replayer(spy);
    const struct answer *answer = next_answer(ls, gpa, size, true);
    uint64_t mask = size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1;

    if (answer == NULL)
        return MEM_OK;
    if (((answer->value ^ val) & mask) != 0)
        ls->twin_strayed = true;
    return answer->result;
}

/* Did the hart's run end with just this access? */
static bool faulted_there(const struct lockstep_hart *ls, gva_t gva, enum access_kind as)
{
    static const uint8_t page[] = { CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, CAUSE_FETCH_PAGE };
    static const uint8_t access[] = { CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS, CAUSE_FETCH_ACCESS };

    return ls->raised && ls->exc.tval == gva &&
           (ls->exc.cause == page[as] || ls->exc.cause == access[as]);
}

static struct tlb_entry *replay_find(struct hart_spy *spy, gva_t gva, enum access_kind kind,
                                     enum access_kind as, enum tlb_bank bank)
{
    struct lockstep_hart *ls = replayer(spy);
    struct tlb_entry *entry = &ls->entry[ls->next_entry++ % ENTRIES];
    struct page_copy *copy;
    unsigned slot;
    uint8_t *real;

    if (!hart_spy_known(ls->dh->hart, gva, kind, bank, entry)) {
        if (faulted_there(ls, gva, as)) {
            (void)hart_raise(ls->twin->hart, ls->exc.cause, ls->exc.tval);
            return NULL;
        }
        if (!hart_spy_walk(ls->twin->hart, gva, kind, as, bank, entry))
            return NULL;
    }
    if (entry->ram == NULL || kind == ACCESS_EXEC)
        return entry;
    real = page_of((const void *)(entry->addend + gva)); /* NOLINT(performance-no-int-to-ptr) */
    copy = kind == ACCESS_WRITE ? copy_page(ls, real) : find_copy(ls, real, &slot);
    if (copy != NULL)
        entry->addend = (uintptr_t)copy->bytes - (gva & PAGE_ADDR_MASK);
    return entry;
}

const struct hart_spy_ops lockstep_replay_ops = {
    .will_write = replay_will_write,
    .walked = replay_walked,
    .load = replay_load,
    .store = replay_store,
    .find = replay_find,
};

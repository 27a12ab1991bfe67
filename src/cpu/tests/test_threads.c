/* cpu/tests/test_threads.c - what may happen at the same time: two harts and a writer at one
 * page table; lines, kicks and requests against a hart that goes to sleep. Worth running under
 * ThreadSanitizer. */
#include "tests/unit.h"

#include <pthread.h>

#include "cpu/tests/fixture.h"

#define ROOT (RAM_BASE + 0x1000)
#define L1 (RAM_BASE + 0x2000)
#define L0 (RAM_BASE + 0x3000)
#define DATA (RAM_BASE + 0x10000)
enum { PAGES = 4, ROUNDS = 3000, WALKS = 40000 };

struct race {
    struct fixture f;
    struct hart other __attribute__((aligned(64)));
    atomic_uint lost; /* PTEs found other than the kernel left them, A and D apart */
    atomic_bool done;
    unsigned other_done;
};

static uint64_t pte(gpa_t gpa, uint64_t bits)
{
    return gpa >> PAGE_SHIFT << PTE_PPN_SHIFT | bits;
}

static void supervise(struct hart *hart)
{
    assert_true(hart_csr_poke(hart, CSR_PMPADDR0, UINT64_MAX));
    assert_true(hart_csr_poke(hart, CSR_PMPCFG0, PMP_NAPOT << PMPCFG_A_SHIFT | PERM_RWX));
    assert_true(
        hart_csr_poke(hart, CSR_SATP, (uint64_t)SATP_SV39 << SATP_MODE_SHIFT | ROOT >> PAGE_SHIFT));
    hart->s.priv = PRIV_S;
    hart_mode_changed(hart);
}

/* Loads and stores all over, so that A and D are set again and again. How many succeeded. */
static unsigned use_pages(struct hart *hart, uint64_t seed)
{
    unsigned done = 0;

    for (unsigned i = 0; i < WALKS; i++) {
        uint64_t r = fixture_random(&seed), val;
        gva_t gva = (r % PAGES) << PAGE_SHIFT;

        done += r >> 40 & 1 ? hart_store(hart, gva, 8, r) : hart_load(hart, gva, 8, &val);
        if (!hart_sfence_vma(hart, true, gva, false, 0))
            return 0;
    }
    return done;
}

static void *other_hart(void *arg)
{
    struct race *race = arg;

    mem_thread_register();
    mem_read_lock();
    race->other_done = use_pages(&race->other, 2);
    mem_read_unlock();
    mem_thread_unregister();
    return NULL;
}

static uint64_t initial_pte(uint64_t page)
{
    return pte(DATA + page * PAGE_SIZE_BYTES, PTE_V | PTE_R | PTE_W);
}

/* Plays the guest's kernel: replaces PTEs by atomic exchange, moving each page between two
 * places and in and out of validity. Whatever a walk does to a PTE, it finds there what it put,
 * and A and D only where that was valid. */
static void *kernel(void *arg)
{
    struct race *race = arg;
    uint64_t seed = 3, last[PAGES];

    for (uint64_t page = 0; page < PAGES; page++)
        last[page] = initial_pte(page);
    while (!atomic_load(&race->done)) {
        uint64_t r = fixture_random(&seed), page = r % PAGES;
        uint64_t *at = &fixture_ram(&race->f, L0)[page];
        uint64_t fresh = pte(DATA + page * PAGE_SIZE_BYTES + (r >> 32 & 1) * MIB(1),
                             r >> 33 & 1 ? PTE_V | PTE_R | PTE_W : PTE_R | PTE_W);
        uint64_t old = __atomic_exchange_n(at, fresh, __ATOMIC_ACQ_REL);

        if ((old & ~(PTE_A | PTE_D)) != last[page] ||
            (!(old & PTE_V) && (old & (PTE_A | PTE_D)) != 0))
            atomic_fetch_add(&race->lost, 1);
        last[page] = fresh;
    }
    return NULL;
}

TEST(a_and_d_are_set_on_the_pte_that_was_read_or_not_at_all)
{
    static struct race race;
    struct fixture *f = &race.f;
    pthread_t threads[2];

    fixture_init(f);
    fixture_ram(f, ROOT)[0] = pte(L1, PTE_V);
    fixture_ram(f, L1)[0] = pte(L0, PTE_V);
    for (unsigned i = 0; i < PAGES; i++)
        fixture_ram(f, L0)[i] = initial_pte(i);
    assert_int_equal(hart_init(&race.other, 1, &f->isa, f->hart.ops, f, f->space), 0);
    supervise(&f->hart);
    supervise(&race.other);
    assert_int_equal(pthread_create(&threads[0], NULL, other_hart, &race), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, kernel, &race), 0);
    assert_true(use_pages(&f->hart, 1) > 0);
    pthread_join(threads[0], NULL);
    atomic_store(&race.done, true);
    pthread_join(threads[1], NULL);
    assert_true(race.other_done > 0);
    assert_int_equal(atomic_load(&race.lost), 0);
    for (unsigned i = 0; i < PAGES; i++) {
        uint64_t p = fixture_ram(f, L0)[i];

        assert_true((p & PTE_V) || !(p & (PTE_A | PTE_D)));
        assert_true(!(p & PTE_D) || (p & PTE_A));
    }
    hart_fini(&race.other);
    fixture_fini(f);
}

/* ---- sleeping ---- */

struct sleeper {
    struct fixture f;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    atomic_uint taken; /* interrupts, as the hart's thread counts them */
};

static void wake_sleeper(struct hart *hart)
{
    struct sleeper *s = container_of(hart, struct sleeper, f.hart);

    pthread_mutex_lock(&s->lock);
    pthread_cond_broadcast(&s->cond);
    pthread_mutex_unlock(&s->lock);
}

/* For each round, raises the line and waits until the interrupt was taken. */
static void *raiser(void *arg)
{
    struct sleeper *s = arg;

    for (unsigned i = 1; i <= ROUNDS; i++) {
        hart_set_irq_line(&s->f.hart, IRQ_SEI, true);
        pthread_mutex_lock(&s->lock);
        while (atomic_load(&s->taken) < i)
            pthread_cond_wait(&s->cond, &s->lock);
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

/* What accel/ does: run (here: wfi), look at attention, sleep. If a wake-up were lost this would
 * hang, and the test runner's limit ends it. */
TEST(no_interrupt_is_slept_past)
{
    static struct sleeper s;
    struct hart *hart = &s.f.hart;
    pthread_t thread;
    unsigned taken = 0;

    fixture_init(&s.f);
    pthread_mutex_init(&s.lock, NULL);
    pthread_cond_init(&s.cond, NULL);
    hart_set_wake(hart, wake_sleeper);
    fixture_set(&s.f, CSR_MIDELEG, MIP_SEIP);
    fixture_set(&s.f, CSR_MIE, MIP_SEIP);
    fixture_set(&s.f, CSR_MSTATUS, MSTATUS_SIE);
    fixture_mode(&s.f, PRIV_S);
    assert_int_equal(pthread_create(&thread, NULL, raiser, &s), 0);
    while (taken < ROUNDS) {
        assert_true(hart_wfi(hart));
        pthread_mutex_lock(&s.lock);
        while (hart_may_sleep(hart))
            pthread_cond_wait(&s.cond, &s.lock);
        pthread_mutex_unlock(&s.lock);
        atomic_fetch_and(&hart->attention, ~(uint32_t)HART_ATTN_WFI);
        if (!(atomic_load(&hart->attention) & HART_ATTN_IRQ))
            continue;
        if (!hart_take_interrupt(hart))
            continue;
        hart_set_irq_line(hart, IRQ_SEI, false); /* the handler, in short */
        assert_true(hart_sret(hart));
        taken++;
        pthread_mutex_lock(&s.lock);
        atomic_store(&s.taken, taken);
        pthread_cond_broadcast(&s.cond);
        pthread_mutex_unlock(&s.lock);
    }
    pthread_join(thread, NULL);
    fixture_fini(&s.f);
    pthread_cond_destroy(&s.cond);
    pthread_mutex_destroy(&s.lock);
}

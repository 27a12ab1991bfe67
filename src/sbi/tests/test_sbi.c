/* sbi/tests/test_sbi.c - every function and every error of every extension, over a fake host. */
#include "tests/unit.h"

#include "sbi/tests/fake_host.h"

static struct fake_host host;

struct answer {
    int64_t error;
    uint64_t value;
    bool legacy;
};

/* One call, of a host with `ops`; the log starts empty. */
static struct answer ask(const struct sbi_ops *ops, uint64_t ext, uint64_t fn, uint64_t a0,
                         uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    const struct sbi_call call = { ext, fn, { a0, a1, a2, a3, a4, 0 } };
    struct answer a;
    struct sbi_result r;

    host.used = 0;
    host.log[0] = 0;
    r = sbi_handle(ops, &host, &call, &a.legacy);
    a.error = r.error;
    a.value = r.value;
    return a;
}

static void reset_host(void)
{
    memset(&host, 0, sizeof(host));
}

/* Arguments, expected error, value and log. */
static void check(uint64_t ext, uint64_t fn, const uint64_t arg[5], int64_t error, uint64_t value,
                  const char *log)
{
    struct answer a = ask(&fake_ops, ext, fn, arg[0], arg[1], arg[2], arg[3], arg[4]);

    assert_int_equal(a.error, error);
    assert_int_equal(a.value, value);
    assert_int_equal(a.legacy, ext < 0x10);
    assert_string_equal(host.log, log);
}
#define CHECK(ext, fn, error, value, log, ...)                                                     \
    check(ext, fn, (const uint64_t[5]){ __VA_ARGS__ }, error, value, log)

TEST(an_unknown_extension_is_not_supported)
{
    reset_host();
    CHECK(0x09, 0, SBI_ERR_NOT_SUPPORTED, 0, "", 0);
    CHECK(0x0f, 0, SBI_ERR_NOT_SUPPORTED, 0, "", 0);
    CHECK(0x11, 0, SBI_ERR_NOT_SUPPORTED, 0, "", 0);
    CHECK(0x535441, 0, SBI_ERR_NOT_SUPPORTED, 0, "", 0);
    CHECK(UINT64_MAX, 0, SBI_ERR_NOT_SUPPORTED, 0, "", 0);
    /* IDs are whole registers: a known one with more bits is another. */
    CHECK(UINT64_C(1) << 32 | SBI_EXT_BASE, 0, SBI_ERR_NOT_SUPPORTED, 0, "", 0);
}

TEST(an_unknown_function_is_not_supported)
{
    static const struct {
        uint64_t ext, first_unknown;
    } known[] = {
        { SBI_EXT_BASE, 7 },   { SBI_EXT_TIME, 1 }, { SBI_EXT_IPI, 1 },
        { SBI_EXT_RFENCE, 3 }, { SBI_EXT_HSM, 4 },  { SBI_EXT_SRST, 1 },
        { SBI_EXT_DBCN, 3 },   { SBI_EXT_SUSP, 1 }, { SBI_EXT_PMU, 7 },
    };
    unsigned i;

    reset_host();
    for (i = 0; i < ARRAY_LEN(known); i++) {
        CHECK(known[i].ext, known[i].first_unknown, SBI_ERR_NOT_SUPPORTED, 0, "", 0);
        CHECK(known[i].ext, known[i].first_unknown + 5, SBI_ERR_NOT_SUPPORTED, 0, "", 0);
        CHECK(known[i].ext, UINT64_C(1) << 32, SBI_ERR_NOT_SUPPORTED, 0, "", 0);
        CHECK(known[i].ext, UINT64_MAX, SBI_ERR_NOT_SUPPORTED, 0, "", 0);
    }
}

TEST(base_tells_versions_and_identities)
{
    reset_host();
    CHECK(SBI_EXT_BASE, 0, 0, 2 << 24, "", 0);
    CHECK(SBI_EXT_BASE, 1, 0, 0x1234, "", 0);
    CHECK(SBI_EXT_BASE, 2, 0, 0x5678, "", 0);
    CHECK(SBI_EXT_BASE, 4, 0, 11, "", 0);
    CHECK(SBI_EXT_BASE, 5, 0, 22, "", 0);
    CHECK(SBI_EXT_BASE, 6, 0, 33, "", 0);
}

TEST(probe_finds_what_the_host_has_ops_for)
{
    static const uint64_t ids[] = { SBI_EXT_BASE,
                                    SBI_EXT_TIME,
                                    SBI_EXT_IPI,
                                    SBI_EXT_RFENCE,
                                    SBI_EXT_HSM,
                                    SBI_EXT_SRST,
                                    SBI_EXT_DBCN,
                                    SBI_EXT_SUSP,
                                    SBI_EXT_PMU,
                                    0,
                                    1,
                                    2,
                                    3,
                                    4,
                                    5,
                                    6,
                                    7,
                                    8 };
    static const struct sbi_ops bare = { .impl_id = 1 };
    unsigned i;

    reset_host();
    for (i = 0; i < ARRAY_LEN(ids); i++) {
        CHECK(SBI_EXT_BASE, 3, 0, 1, "", ids[i]);
        assert_int_equal(ask(&bare, SBI_EXT_BASE, 3, ids[i], 0, 0, 0, 0).value,
                         ids[i] == SBI_EXT_BASE);
        if (ids[i] != SBI_EXT_BASE)
            assert_int_equal(ask(&bare, ids[i], 0, 0, 0, 0, 0, 0).error, SBI_ERR_NOT_SUPPORTED);
    }
    CHECK(SBI_EXT_BASE, 3, 0, 0, "", 9);
    CHECK(SBI_EXT_BASE, 3, 0, 0, "", 0x535441);
}

/* An extension with one of its ops missing is absent as a whole. */
TEST(one_missing_op_hides_the_extension)
{
#define OP(op) offsetof(struct sbi_ops, op)
    static const struct {
        size_t op;
        uint64_t id;
    } needs[] = {
        { OP(set_timer), SBI_EXT_TIME },
        { OP(send_ipi), SBI_EXT_IPI },
        { OP(hart_exists), SBI_EXT_IPI },
        { OP(remote_fence), SBI_EXT_RFENCE },
        { OP(hart_exists), SBI_EXT_RFENCE },
        { OP(hart_exists), SBI_EXT_HSM },
        { OP(hart_start), SBI_EXT_HSM },
        { OP(hart_stop), SBI_EXT_HSM },
        { OP(hart_status), SBI_EXT_HSM },
        { OP(system_reset), SBI_EXT_SRST },
        { OP(console_write), SBI_EXT_DBCN },
        { OP(console_read), SBI_EXT_DBCN },
        { OP(console_putchar), SBI_EXT_DBCN },
        { OP(system_suspend), SBI_EXT_SUSP },
        { OP(counter_read), SBI_EXT_PMU },
        { OP(counter_start), SBI_EXT_PMU },
        { OP(counter_stop), SBI_EXT_PMU },
        { OP(counter_running), SBI_EXT_PMU },
        { OP(set_timer), 0 },
        { OP(console_putchar), 1 },
        { OP(console_getchar), 2 },
        { OP(clear_ipi), 3 },
        { OP(read_gva), 4 },
        { OP(send_ipi), 4 },
        { OP(read_gva), 5 },
        { OP(remote_fence), 6 },
        { OP(hart_exists), 7 },
        { OP(system_reset), 8 },
    };
#undef OP
    unsigned i;

    reset_host();
    for (i = 0; i < ARRAY_LEN(needs); i++) {
        struct sbi_ops ops = fake_ops;

        memset((char *)&ops + needs[i].op, 0, sizeof(ops.set_timer));
        assert_int_equal(ask(&ops, SBI_EXT_BASE, 3, needs[i].id, 0, 0, 0, 0).value, 0);
        assert_int_equal(ask(&ops, needs[i].id, 0, 0, 0, 0, 0, 0).error, SBI_ERR_NOT_SUPPORTED);
        assert_string_equal(host.log, "");
    }
}

TEST(time_sets_the_timer)
{
    reset_host();
    CHECK(SBI_EXT_TIME, 0, 0, 0, "timer ffffffffffffffff\n", UINT64_MAX);
}

TEST(ipi_goes_to_existing_harts_only)
{
    reset_host();
    CHECK(SBI_EXT_IPI, 0, 0, 0, "ipi b 0\n", 0xb, 0);
    CHECK(SBI_EXT_IPI, 0, 0, 0, "ipi 1 40\n", 1, 64);
    CHECK(SBI_EXT_IPI, 0, 0, 0, "ipi 8000000000000005 1\n", UINT64_C(0x8000000000000005), 1);
    CHECK(SBI_EXT_IPI, 0, 0, 0, "ipi 0 ffffffffffffffff\n", 0, UINT64_MAX); /* all */
    CHECK(SBI_EXT_IPI, 0, 0, 0, "ipi 0 5\n", 0, 5);                         /* nobody */
    /* One bit that names no hart, and nothing happens: 2, 65, and one past the last number. */
    CHECK(SBI_EXT_IPI, 0, SBI_ERR_INVALID_PARAM, 0, "", 0x7, 0);
    CHECK(SBI_EXT_IPI, 0, SBI_ERR_INVALID_PARAM, 0, "", 3, 64);
    CHECK(SBI_EXT_IPI, 0, SBI_ERR_INVALID_PARAM, 0, "", 4, UINT64_MAX - 1);
}

TEST(a_hart_set_knows_its_harts)
{
    const struct sbi_hart_set some = { .mask = 0x8000000000000005, .base = 10 };
    const struct sbi_hart_set all = { .mask = 0, .base = UINT64_MAX };

    assert_true(sbi_hart_set_has(&some, 10));
    assert_false(sbi_hart_set_has(&some, 11));
    assert_true(sbi_hart_set_has(&some, 12));
    assert_true(sbi_hart_set_has(&some, 73));
    assert_false(sbi_hart_set_has(&some, 74));
    assert_false(sbi_hart_set_has(&some, 9));
    assert_true(sbi_hart_set_has(&all, 0));
    assert_true(sbi_hart_set_has(&all, 1000));
}

TEST(rfence_passes_ranges_and_widens_what_means_all)
{
    reset_host();
    CHECK(SBI_EXT_RFENCE, 0, 0, 0, "fence 0 3 0 0 0 0\n", 3, 0, 7, 8, 9);
    CHECK(SBI_EXT_RFENCE, 1, 0, 0, "fence 1 2 0 1000 2000 0\n", 2, 0, 0x1000, 0x2000, 5);
    CHECK(SBI_EXT_RFENCE, 2, 0, 0, "fence 2 2 0 1000 2000 5\n", 2, 0, 0x1000, 0x2000, 5);
    CHECK(SBI_EXT_RFENCE, 1, 0, 0, "fence 1 2 0 0 ffffffffffffffff 0\n", 2, 0, 0, 0);
    CHECK(SBI_EXT_RFENCE, 1, 0, 0, "fence 1 2 0 0 ffffffffffffffff 0\n", 2, 0, 0x1000, UINT64_MAX);
    CHECK(SBI_EXT_RFENCE, 1, 0, 0, "fence 1 2 0 0 ffffffffffffffff 0\n", 2, 0, UINT64_MAX, 2);
    CHECK(SBI_EXT_RFENCE, 1, 0, 0, "fence 1 2 0 fffffffffffff000 fff 0\n", 2, 0,
          UINT64_C(0xfffffffffffff000), 0xfff);
    CHECK(SBI_EXT_RFENCE, 2, 0, 0, "fence 2 0 ffffffffffffffff 0 ffffffffffffffff ffff\n", 0,
          UINT64_MAX, 0, 0, 0xffff);
}

TEST(rfence_refuses_bad_harts_and_asids)
{
    uint64_t fn;

    reset_host();
    for (fn = 0; fn < 3; fn++)
        CHECK(SBI_EXT_RFENCE, fn, SBI_ERR_INVALID_PARAM, 0, "", 4, 0);
    CHECK(SBI_EXT_RFENCE, 2, SBI_ERR_INVALID_PARAM, 0, "", 1, 0, 0, 0, 0x10000);
    for (fn = 3; fn < 7; fn++) /* HFENCE */
        CHECK(SBI_EXT_RFENCE, fn, SBI_ERR_NOT_SUPPORTED, 0, "", 1, 0);
}

TEST(hsm_starts_and_stops_harts)
{
    reset_host();
    CHECK(SBI_EXT_HSM, 0, 0, 0, "start 1 80200000 abc\n", 1, 0x80200000, 0xabc);
    CHECK(SBI_EXT_HSM, 0, SBI_ERR_INVALID_PARAM, 0, "", 2, 0x80200000, 0xabc);
    CHECK(SBI_EXT_HSM, 1, 0, 0, "stop\n", 0);
    host.op_result = SBI_ERR_ALREADY_AVAILABLE;
    CHECK(SBI_EXT_HSM, 0, SBI_ERR_ALREADY_AVAILABLE, 0, "start 3 0 0\n", 3);
    host.op_result = SBI_ERR_FAILED;
    CHECK(SBI_EXT_HSM, 1, SBI_ERR_FAILED, 0, "stop\n", 0);
}

TEST(hsm_status_is_the_value)
{
    reset_host();
    host.state = SBI_HART_SUSPENDED;
    CHECK(SBI_EXT_HSM, 2, 0, SBI_HART_SUSPENDED, "status 40\n", 64);
    CHECK(SBI_EXT_HSM, 2, SBI_ERR_INVALID_PARAM, 0, "", 63);
    host.op_result = SBI_ERR_FAILED;
    CHECK(SBI_EXT_HSM, 2, SBI_ERR_FAILED, 0, "status 0\n", 0);
}

TEST(hsm_suspends_in_the_two_default_ways)
{
    struct sbi_ops ops = fake_ops;

    reset_host();
    CHECK(SBI_EXT_HSM, 3, 0, 0, "suspend 1 5 6\n", 0, 5, 6);
    CHECK(SBI_EXT_HSM, 3, 0, 0, "suspend 0 5 6\n", 0x80000000, 5, 6);
    /* The type is 32 bits: sign-extension above does not matter. */
    CHECK(SBI_EXT_HSM, 3, 0, 0, "suspend 0 5 6\n", UINT64_C(0xffffffff80000000), 5, 6);
    CHECK(SBI_EXT_HSM, 3, SBI_ERR_INVALID_PARAM, 0, "", 1);
    CHECK(SBI_EXT_HSM, 3, SBI_ERR_INVALID_PARAM, 0, "", 0x10000000);
    CHECK(SBI_EXT_HSM, 3, SBI_ERR_INVALID_PARAM, 0, "", 0x80000001);
    CHECK(SBI_EXT_HSM, 3, SBI_ERR_INVALID_PARAM, 0, "", 0x90000000);
    host.op_result = SBI_ERR_INVALID_ADDRESS;
    CHECK(SBI_EXT_HSM, 3, SBI_ERR_INVALID_ADDRESS, 0, "suspend 0 0 0\n", 0x80000000);
    ops.hart_suspend = NULL; /* the one op of HSM that may be missing */
    assert_int_equal(ask(&ops, SBI_EXT_HSM, 3, 0, 0, 0, 0, 0).error, SBI_ERR_NOT_SUPPORTED);
    assert_int_equal(ask(&ops, SBI_EXT_BASE, 3, SBI_EXT_HSM, 0, 0, 0, 0).value, 1);
}

TEST(srst_resets_with_known_types_and_reasons)
{
    reset_host();
    CHECK(SBI_EXT_SRST, 0, 0, 0, "reset 0 0\n", 0, 0);
    CHECK(SBI_EXT_SRST, 0, 0, 0, "reset 1 1\n", 1, 1);
    CHECK(SBI_EXT_SRST, 0, 0, 0, "reset 2 0\n", 2, UINT64_C(0xffffffff00000000));
    CHECK(SBI_EXT_SRST, 0, SBI_ERR_INVALID_PARAM, 0, "", 3, 0);
    CHECK(SBI_EXT_SRST, 0, SBI_ERR_INVALID_PARAM, 0, "", 0xf0000000, 0);
    CHECK(SBI_EXT_SRST, 0, SBI_ERR_INVALID_PARAM, 0, "", 0, 2);
    CHECK(SBI_EXT_SRST, 0, SBI_ERR_INVALID_PARAM, 0, "", 0, 0xe0000000);
    host.op_result = SBI_ERR_NOT_SUPPORTED;
    CHECK(SBI_EXT_SRST, 0, SBI_ERR_NOT_SUPPORTED, 0, "reset 2 0\n", 2, 0);
}

TEST(dbcn_moves_bytes)
{
    reset_host();
    host.transferred = 5;
    CHECK(SBI_EXT_DBCN, 0, 0, 5, "write 80001000 10\n", 0x10, 0x80001000, 0);
    CHECK(SBI_EXT_DBCN, 1, 0, 5, "read 80001000 10\n", 0x10, 0x80001000, 0);
    CHECK(SBI_EXT_DBCN, 2, 0, 0, "put 41\n", 0x1141);
    CHECK(SBI_EXT_DBCN, 0, 0, 0, "", 0, 0x80001000, 0); /* nothing to do */
    CHECK(SBI_EXT_DBCN, 0, 0, 5, "write ffffffffffffffff 1\n", 1, UINT64_MAX, 0);
}

TEST(dbcn_refuses_ranges_that_cannot_be)
{
    uint64_t fn;

    reset_host();
    for (fn = 0; fn < 2; fn++) {
        CHECK(SBI_EXT_DBCN, fn, SBI_ERR_INVALID_PARAM, 0, "", 1, 0x80000000, 1);
        CHECK(SBI_EXT_DBCN, fn, SBI_ERR_INVALID_PARAM, 0, "", 0, 0, 1);
        CHECK(SBI_EXT_DBCN, fn, SBI_ERR_INVALID_PARAM, 0, "", 2, UINT64_MAX, 0);
        CHECK(SBI_EXT_DBCN, fn, SBI_ERR_INVALID_PARAM, 0, "", UINT64_MAX, 2, 0);
    }
    host.transferred = SBI_ERR_INVALID_ADDRESS;
    CHECK(SBI_EXT_DBCN, 0, SBI_ERR_INVALID_PARAM, 0, "write 5 1\n", 1, 5, 0);
    host.transferred = SBI_ERR_FAILED;
    CHECK(SBI_EXT_DBCN, 1, SBI_ERR_FAILED, 0, "read 5 1\n", 1, 5, 0);
}

TEST(susp_knows_suspend_to_ram)
{
    reset_host();
    CHECK(SBI_EXT_SUSP, 0, 0, 0, "sleep 5 6\n", 0, 5, 6);
    CHECK(SBI_EXT_SUSP, 0, SBI_ERR_INVALID_PARAM, 0, "", 1, 5, 6);
    CHECK(SBI_EXT_SUSP, 0, SBI_ERR_INVALID_PARAM, 0, "", 0x80000000, 5, 6);
    host.op_result = SBI_ERR_DENIED;
    CHECK(SBI_EXT_SUSP, 0, SBI_ERR_DENIED, 0, "sleep 5 6\n", 0, 5, 6);
}

TEST(pmu_describes_its_counters)
{
    reset_host();
    CHECK(SBI_EXT_PMU, 0, 0, 3, "", 0);
    CHECK(SBI_EXT_PMU, 1, 0, 0x3fc00, "", 0); /* cycle, 64 bits */
    CHECK(SBI_EXT_PMU, 1, 0, 0x3fc02, "", 2); /* instret */
    CHECK(SBI_EXT_PMU, 1, SBI_ERR_INVALID_PARAM, 0, "", 1);
    CHECK(SBI_EXT_PMU, 1, SBI_ERR_INVALID_PARAM, 0, "", 3);
    CHECK(SBI_EXT_PMU, 1, SBI_ERR_INVALID_PARAM, 0, "", UINT64_MAX);
    CHECK(SBI_EXT_PMU, 5, SBI_ERR_INVALID_PARAM, 0, "", 0);
    CHECK(SBI_EXT_PMU, 6, SBI_ERR_INVALID_PARAM, 0, "", 0);
    CHECK(SBI_EXT_PMU, 7, SBI_ERR_NOT_SUPPORTED, 0, "", 0x80001000, 0, 0);
}

TEST(pmu_matches_an_event_to_an_idle_counter)
{
    reset_host();
    CHECK(SBI_EXT_PMU, 2, 0, 0, "", 0, 5, 0, 1);  /* cycles */
    CHECK(SBI_EXT_PMU, 2, 0, 0, "", 0, 5, 0, 10); /* reference cycles */
    CHECK(SBI_EXT_PMU, 2, 0, 2, "", 0, 5, 0, 2);  /* instructions */
    CHECK(SBI_EXT_PMU, 2, 0, 2, "", 2, 1, 0, 2);  /* the same counter from another base */
    CHECK(SBI_EXT_PMU, 2, SBI_ERR_NOT_SUPPORTED, 0, "", 0, 5, 0, 3);
    CHECK(SBI_EXT_PMU, 2, SBI_ERR_NOT_SUPPORTED, 0, "", 0, 1, 0, 2);
    CHECK(SBI_EXT_PMU, 2, SBI_ERR_NOT_SUPPORTED, 0, "", 0, 5, 0, 0xf0005);
    CHECK(SBI_EXT_PMU, 2, SBI_ERR_NOT_SUPPORTED, 0, "", 0, 5, 0, 1, 7); /* event data */
    CHECK(SBI_EXT_PMU, 2, SBI_ERR_NOT_SUPPORTED, 0, "", 0, 0, 1, 1);    /* no first counter */
    host.running[0] = true;
    CHECK(SBI_EXT_PMU, 2, SBI_ERR_NOT_SUPPORTED, 0, "", 0, 5, 0, 1);
}

TEST(pmu_clears_and_starts_what_it_configures)
{
    reset_host();
    host.counter[2] = 99;
    CHECK(SBI_EXT_PMU, 2, 0, 2, "count 2 0 0\n", 0, 5, 4, 2);
    assert_int_equal(host.counter[2], 99); /* starting leaves the value alone */
    host.running[2] = false;
    CHECK(SBI_EXT_PMU, 2, 0, 2, "count 2 1 0\nhalt 2\n", 0, 5, 2, 2);
    assert_int_equal(host.counter[2], 0);
    CHECK(SBI_EXT_PMU, 2, 0, 2, "count 2 1 0\n", 0, 5, 6, 2);
    assert_true(host.running[2]);
    /* SKIP_MATCH takes the first counter, whatever the event, and one that runs stays so. */
    CHECK(SBI_EXT_PMU, 2, 0, 2, "count 2 1 0\n", 0, 4, 3, 0x1234);
    assert_true(host.running[2]);
}

TEST(pmu_refuses_counters_and_flags_that_are_not_there)
{
    uint64_t fn;

    reset_host();
    for (fn = 2; fn <= 4; fn++) {
        CHECK(SBI_EXT_PMU, fn, SBI_ERR_INVALID_PARAM, 0, "", 0, 2, 0, 1);
        CHECK(SBI_EXT_PMU, fn, SBI_ERR_INVALID_PARAM, 0, "", 0, 8, 0, 1);
        CHECK(SBI_EXT_PMU, fn, SBI_ERR_INVALID_PARAM, 0, "", 0, 7, 0, 1);
        CHECK(SBI_EXT_PMU, fn, SBI_ERR_INVALID_PARAM, 0, "", 2, UINT64_C(1) << 63, 0, 1);
        CHECK(SBI_EXT_PMU, fn, SBI_ERR_INVALID_PARAM, 0, "", UINT64_MAX, 2, 0, 1);
        CHECK(SBI_EXT_PMU, fn, SBI_ERR_INVALID_PARAM, 0, "", 64, 1, 0, 1);
        CHECK(SBI_EXT_PMU, fn, SBI_ERR_INVALID_PARAM, 0, "", 0, 5, UINT64_C(1) << 63, 1);
    }
    CHECK(SBI_EXT_PMU, 2, SBI_ERR_INVALID_PARAM, 0, "", 0, 5, 0x100, 1);
    CHECK(SBI_EXT_PMU, 2, 0, 0, "", 0, 5, 0xf8, 1); /* filters are hints */
    CHECK(SBI_EXT_PMU, 3, SBI_ERR_INVALID_PARAM, 0, "", 0, 5, 4);
    CHECK(SBI_EXT_PMU, 4, SBI_ERR_INVALID_PARAM, 0, "", 0, 5, 4);
    CHECK(SBI_EXT_PMU, 3, SBI_ERR_NO_SHMEM, 0, "", 0, 5, 2);
    CHECK(SBI_EXT_PMU, 4, SBI_ERR_NO_SHMEM, 0, "", 0, 5, 2);
}

TEST(pmu_starts_and_stops_sets)
{
    reset_host();
    CHECK(SBI_EXT_PMU, 3, 0, 0, "count 0 1 64\ncount 2 1 64\n", 0, 5, 1, 100);
    CHECK(SBI_EXT_PMU, 3, SBI_ERR_ALREADY_STARTED, 0, "", 0, 5, 1, 100);
    CHECK(SBI_EXT_PMU, 4, 0, 0, "halt 2\n", 2, 1, 0);
    /* One is stopped already: said so, and the other stops. */
    CHECK(SBI_EXT_PMU, 4, SBI_ERR_ALREADY_STOPPED, 0, "halt 0\n", 0, 5, 1);
    CHECK(SBI_EXT_PMU, 3, 0, 0, "count 0 0 7\n", 0, 1, 0, 7);
    CHECK(SBI_EXT_PMU, 3, SBI_ERR_ALREADY_STARTED, 0, "count 2 0 7\n", 0, 5, 0, 7);
}

TEST(legacy_calls_answer_in_a0)
{
    reset_host();
    CHECK(0, 77, 0, 0, "timer 123\n", 0x123);
    CHECK(1, 77, 0, 0, "put 0a\n", 0xffffffffffffff0a);
    host.key = 'x';
    CHECK(2, 77, 'x', 0, "get\n", 0);
    host.key = -1;
    CHECK(2, 0, -1, 0, "get\n", 0);
    host.ipi_pending = true;
    CHECK(3, 0, 1, 0, "clear_ipi\n", 0);
    CHECK(3, 0, 0, 0, "clear_ipi\n", 0);
    CHECK(8, 0, 0, 0, "reset 0 0\n", 0);
}

TEST(legacy_masks_are_read_where_they_lie)
{
    reset_host();
    host.mask = 0xffff; /* what is no hart is ignored */
    CHECK(4, 0, 0, 0, "load ffff0000\nipi b 0\n", 0xffff0000);
    CHECK(4, 0, 0, 0, "ipi 0 ffffffffffffffff\n", 0); /* no mask: every hart */
    CHECK(5, 0, 0, 0, "load 8\nfence 0 b 0 0 0 0\n", 8, 1, 2, 3);
    host.mask = 2;
    CHECK(6, 0, 0, 0, "load 8\nfence 1 2 0 1000 2000 0\n", 8, 0x1000, 0x2000, 3);
    CHECK(7, 0, 0, 0, "load 8\nfence 2 2 0 1000 2000 3\n", 8, 0x1000, 0x2000, 3);
    CHECK(7, 0, SBI_ERR_INVALID_PARAM, 0, "load 8\n", 8, 0x1000, 0x2000, 0x10000);
    host.mask_traps = true;
    CHECK(4, 0, 0, 0, "load 8\n", 8);
    CHECK(7, 0, 0, 0, "load 8\n", 8);
}

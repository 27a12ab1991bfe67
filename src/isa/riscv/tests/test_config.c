/* Names, ISA strings, and what --cpu takes and refuses. */
#include "tests/unit.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "isa/riscv/bits.h"
#include "isa/riscv/cpu_option.h"
#include "isa/riscv/csr.h"

TEST(default_isa_string_is_the_profile)
{
    struct isa_config config;
    char text[512], cut[10];
    size_t need;

    isa_config_default(&config);
    need = isa_string(&config, text, sizeof(text));
    assert_string_equal(text, "rv64imafdc_zicbom_zicbop_zicboz_zicntr_zicond_zicsr_zifencei_"
                              "zihintpause_zihpm_zawrs_zacas_zfhmin_zba_zbb_zbc_zbs_sscofpmf_sstc_"
                              "svadu_svinval_svnapot_svpbmt");
    assert_int_equal(need, strlen(text) + 1);
    assert_int_equal(isa_string(&config, cut, sizeof(cut)), need);
    assert_string_equal(cut, "rv64imafd");
    assert_int_equal(isa_string(&config, NULL, 0), need);
}

TEST(extension_list_holds_each_name_terminated)
{
    struct isa_config config = { .ext = 1u << ISA_EXT_I | 1u << ISA_EXT_M | 1u << ISA_EXT_ZBA };
    char list[16];

    memset(list, 'z', sizeof(list));
    assert_int_equal(isa_string_list(&config, list, sizeof(list)), 8);
    assert_memory_equal(list, "i\0m\0zba\0z", 9);
    assert_int_equal(isa_string_list(&config, NULL, 0), 8);
}

static struct isa_config parse_ok(const char *text)
{
    struct isa_config config;
    struct error err = { 0 };

    if (isa_parse_cpu(text, &config, &err) != 0)
        fail_msg("'%s': %s", text, err.text);
    return config;
}

static void refused(const char *text, const char *part)
{
    struct isa_config config = { .ext = 42 };
    struct error err = { 0 };

    if (isa_parse_cpu(text, &config, &err) != -EINVAL)
        fail_msg("'%s' is taken", text);
    if (strstr(err.text, part) == NULL)
        fail_msg("'%s': the message is: %s", text, err.text);
    assert_int_equal(config.ext, 42); /* untouched */
    assert_int_equal(isa_parse_cpu(text, &config, NULL), -EINVAL);
}

TEST(options_choose_extensions_mmu_and_pmp)
{
    struct isa_config dflt, config;

    isa_config_default(&dflt);
    config = parse_ok("rv64");
    assert_int_equal(config.ext, dflt.ext);
    assert_int_equal(config.mmu, ISA_MMU_SV57);
    assert_int_equal(config.pmp_entries, 16);
    config = parse_ok("rv64,zba=off,mmu=sv39,pmp=0");
    assert_int_equal(config.ext, dflt.ext & ~(UINT64_C(1) << ISA_EXT_ZBA));
    assert_int_equal(config.mmu, ISA_MMU_SV39);
    assert_int_equal(config.pmp_entries, 0);
    config = parse_ok("rv64,svade=on");
    assert_true(isa_has(&config, ISA_EXT_SVADE) && isa_has(&config, ISA_EXT_SVADU));
}

TEST(what_loses_what_it_needs_goes_too)
{
    struct isa_config config = parse_ok("rv64,f=off");

    assert_false(isa_has(&config, ISA_EXT_D) || isa_has(&config, ISA_EXT_ZFHMIN));
    config = parse_ok("rv64,zicntr=off");
    assert_false(isa_has(&config, ISA_EXT_ZIHPM) || isa_has(&config, ISA_EXT_SSCOFPMF) ||
                 isa_has(&config, ISA_EXT_SSTC));
    config = parse_ok("rv64,a=off");
    assert_false(isa_has(&config, ISA_EXT_ZACAS) || isa_has(&config, ISA_EXT_ZAWRS));
    config = parse_ok("rv64,mmu=bare");
    assert_false(isa_has(&config, ISA_EXT_SVPBMT) || isa_has(&config, ISA_EXT_SVADU));
    config = parse_ok("rv64,svadu=off");
    assert_true(isa_has(&config, ISA_EXT_SVADE) && !isa_has(&config, ISA_EXT_SVADU));
}

TEST(nonsense_and_contradictions_are_refused_with_a_sentence)
{
    refused("", "there is rv64");
    refused("rv32", "rv32");
    refused("rv64x", "rv64x");
    refused("rv64,", "no option ''");
    refused("rv64,zba", "must be on or off");
    refused("rv64,zba=", "must be on or off");
    refused("rv64,zba=yes", "zba=yes");
    refused("rv64,zbq=on", "zicbom");
    refused("rv64,zba=on,,zbb=on", "no option ''");
    refused("rv64,mmu=sv32", "sv39, sv48 or sv57");
    refused("rv64,mmu", "sv39");
    refused("rv64,pmp=8", "0 or 16");
    refused("rv64,pmp=016", "0 or 16");
    refused("rv64,zba=on,zba=off", "twice");
    refused("rv64,mmu=sv39,mmu=sv39", "twice");
    refused("rv64,pmp=0,pmp=0", "twice");
    refused("rv64,i=off", "every hart");
    refused("rv64,zicsr=off", "every hart");
    refused("rv64,d=on,f=off", "d=on needs f");
    refused("rv64,f=off,zfhmin=on", "zfhmin=on needs f");
    refused("rv64,zicntr=off,sscofpmf=on", "needs");
    refused("rv64,mmu=bare,svnapot=on", "svnapot");
    refused("rv64,svade=off,svadu=off", "both off");
    refused("rv64,"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "a=on",
            "aaaa");
}

TEST(csrs_are_found_by_number)
{
    assert_string_equal(csr_find(CSR_MSTATUS)->name, "mstatus");
    assert_string_equal(csr_find(CSR_HPMCOUNTER31)->name, "hpmcounter31");
    assert_int_equal(csr_find(CSR_STIMECMP)->ext, ISA_EXT_SSTC);
    assert_null(csr_find(0x3a1));
    assert_null(csr_find(0xfff));
    assert_null(csr_find(0));
    for (unsigned i = 0; i < CSR_INFO_COUNT; i++) {
        assert_ptr_equal(csr_find(csr_info[i].number), &csr_info[i]);
        assert_true(i == 0 || csr_info[i - 1].number < csr_info[i].number);
    }
    assert_int_equal(csr_least_priv(CSR_MHARTID), 3);
    assert_int_equal(csr_least_priv(CSR_SATP), 1);
    assert_int_equal(csr_least_priv(CSR_CYCLE), 0);
    assert_true(csr_read_only(CSR_MHARTID) && csr_read_only(CSR_CYCLE));
    assert_false(csr_read_only(CSR_MCYCLE));
}

TEST(fields_go_in_and_out_of_their_masks)
{
    assert_int_equal(field_get(MSTATUS_MPP, MSTATUS_MPP), 3);
    assert_int_equal(field_set(UINT64_MAX, MSTATUS_MPP, 1), UINT64_MAX & ~UINT64_C(0x1000));
    assert_int_equal(field_set(0, SATP_MODE, SATP_SV48), UINT64_C(9) << 60);
    assert_int_equal(field_get(UINT64_MAX, PTE_N), 1);
    assert_int_equal(SSTATUS_MASK, UINT64_C(0x80000003000de762));
}

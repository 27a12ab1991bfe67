/* isa/riscv/cpu_option.c - `--cpu` to struct isa_config. Pure; hosted (struct error, string.h).
 *
 * What was named explicitly is remembered, so that a default that lost what it needs can go
 * quietly and a wish that lost it is refused.
 */
#include "isa/riscv/cpu_option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EXT(e) (UINT64_C(1) << ISA_EXT_##e)

/* Each line: the first needs the second. */
static const struct need {
    enum isa_ext ext, needs;
} needs[] = {
    { ISA_EXT_D, ISA_EXT_F },
    { ISA_EXT_ZFHMIN, ISA_EXT_F },
    { ISA_EXT_ZACAS, ISA_EXT_A },
    { ISA_EXT_ZAWRS, ISA_EXT_A },
    { ISA_EXT_ZIHPM, ISA_EXT_ZICNTR },
    { ISA_EXT_SSTC, ISA_EXT_ZICNTR },
    { ISA_EXT_SSCOFPMF, ISA_EXT_ZIHPM },
};

/* Meaningless without translation. */
static const uint64_t mmu_exts =
    EXT(SVADE) | EXT(SVADU) | EXT(SVINVAL) | EXT(SVNAPOT) | EXT(SVPBMT);
static const uint64_t mandatory = EXT(I) | EXT(ZICSR);

struct parse {
    struct isa_config config;
    uint64_t named; /* extensions the text names */
    bool named_mmu, named_pmp;
    struct error *err;
};

static bool text_is(const char *text, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(text, name, len) == 0;
}

/* For messages: a key of reasonable length. */
static int shown(size_t len)
{
    return len > 40 ? 40 : (int)len;
}

static int unknown_key(struct parse *p, const char *key, size_t key_len)
{
    char names[360];
    size_t len = 0;

    for (unsigned ext = 0; ext < ISA_EXT_COUNT && len < sizeof(names); ext++)
        len += (size_t)snprintf(names + len, sizeof(names) - len, " %s",
                                isa_ext_name((enum isa_ext)ext));
    return error_set(p->err, EINVAL, "cpu rv64 has no option '%.*s'; there are mmu, pmp and:%s",
                     shown(key_len), key, names);
}

static int parse_mmu(struct parse *p, const char *val, size_t val_len)
{
    static const enum isa_mmu modes[] = { ISA_MMU_BARE, ISA_MMU_SV39, ISA_MMU_SV48, ISA_MMU_SV57 };

    if (p->named_mmu)
        return error_set(p->err, EINVAL, "cpu option 'mmu' is given twice");
    p->named_mmu = true;
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (text_is(val, val_len, isa_mmu_name(modes[i]))) {
            p->config.mmu = modes[i];
            return 0;
        }
    }
    return error_set(p->err, EINVAL, "cpu option mmu=%.*s must be bare, sv39, sv48 or sv57",
                     shown(val_len), val);
}

static int parse_pmp(struct parse *p, const char *val, size_t val_len)
{
    if (p->named_pmp)
        return error_set(p->err, EINVAL, "cpu option 'pmp' is given twice");
    p->named_pmp = true;
    if (!text_is(val, val_len, "0") && !text_is(val, val_len, "16"))
        return error_set(p->err, EINVAL, "cpu option pmp=%.*s must be 0 or 16", shown(val_len),
                         val);
    p->config.pmp_entries = val_len == 1 ? 0 : 16;
    return 0;
}

static int parse_ext(struct parse *p, enum isa_ext ext, const char *val, size_t val_len)
{
    uint64_t bit = UINT64_C(1) << ext;
    const char *name = isa_ext_name(ext);

    if (p->named & bit)
        return error_set(p->err, EINVAL, "cpu option '%s' is given twice", name);
    p->named |= bit;
    if (text_is(val, val_len, "on")) {
        p->config.ext |= bit;
        return 0;
    }
    if (!text_is(val, val_len, "off"))
        return error_set(p->err, EINVAL, "cpu option %s=%.*s must be on or off", name,
                         shown(val_len), val);
    if (bit & mandatory)
        return error_set(p->err, EINVAL, "cpu option %s=off: every hart here has %s", name, name);
    p->config.ext &= ~bit;
    return 0;
}

static int parse_one(struct parse *p, const char *item, size_t len)
{
    const char *equals = memchr(item, '=', len);
    size_t key_len = equals ? (size_t)(equals - item) : len;
    const char *val = equals ? equals + 1 : item + len;
    size_t val_len = len - (size_t)(val - item);

    if (text_is(item, key_len, "mmu"))
        return parse_mmu(p, val, val_len);
    if (text_is(item, key_len, "pmp"))
        return parse_pmp(p, val, val_len);
    for (unsigned ext = 0; ext < ISA_EXT_COUNT; ext++) {
        if (text_is(item, key_len, isa_ext_name((enum isa_ext)ext)))
            return parse_ext(p, (enum isa_ext)ext, val, val_len);
    }
    return unknown_key(p, item, key_len);
}

/* Takes what depends on something that is off away, or refuses. */
static int settle(struct parse *p)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
            enum isa_ext ext = needs[i].ext;

            if (!isa_has(&p->config, ext) || isa_has(&p->config, needs[i].needs))
                continue;
            if (p->named >> ext & 1)
                return error_set(p->err, EINVAL, "cpu option %s=on needs %s, which is off",
                                 isa_ext_name(ext), isa_ext_name(needs[i].needs));
            p->config.ext &= ~(UINT64_C(1) << ext);
            changed = true;
        }
    }
    if (p->config.mmu == ISA_MMU_BARE) {
        uint64_t wanted = p->config.ext & p->named & mmu_exts;

        if (wanted)
            return error_set(p->err, EINVAL, "cpu option %s=on makes no sense with mmu=bare",
                             isa_ext_name((enum isa_ext)__builtin_ctzll(wanted)));
        p->config.ext &= ~mmu_exts;
        return 0;
    }
    if (p->config.ext & (EXT(SVADE) | EXT(SVADU)))
        return 0;
    if (p->named & EXT(SVADE))
        return error_set(p->err, EINVAL,
                         "cpu options svade and svadu are both off: a hart with an mmu has to do "
                         "one of them, leave one on");
    p->config.ext |= EXT(SVADE);
    return 0;
}

int isa_parse_cpu(const char *text, struct isa_config *ret_config, struct error *err)
{
    struct parse p = { .err = err };
    size_t len = strcspn(text, ",");
    int rc;

    isa_config_default(&p.config);
    if (!text_is(text, len, "rv64"))
        return error_set(err, EINVAL,
                         "unknown cpu '%.*s'; there is rv64, with options as in "
                         "rv64,zba=off,mmu=sv39",
                         shown(len), text);
    for (text += len; *text == ','; text += len) {
        text++;
        len = strcspn(text, ",");
        rc = parse_one(&p, text, len);
        if (rc < 0)
            return rc;
    }
    rc = settle(&p);
    if (rc < 0)
        return rc;
    *ret_config = p.config;
    return 0;
}

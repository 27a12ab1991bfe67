/*
 * accel/dbt.c - the accelerators made of the translator: `jit`, which compiles what is hot, and
 * `interp`, which only interprets: it runs on any host, and the other is compared with it.
 */
#include <errno.h>
#include <inttypes.h>

#include "accel/vcpu.h"
#include "dbt/back/back.h"
#include "dbt/cache/cache.h"
#include "dbt/dbt.h"
#include "dbt/regions.h"
#include "dbt/store/store.h"

static int interp_available(struct error *err)
{
    (void)err;
    return 0;
}

static int jit_available(struct error *err)
{
    if (back_host == NULL)
        return error_set(err, ENOTSUP, "Vireo has no compiler for this kind of processor");
    return back_host->available(err);
}

static int vm_new(struct accel *accel, size_t code_bytes, struct error *err)
{
    struct dbt_config config = {
        .space = accel->config.space,
        .isa = accel->config.isa,
        .harts = accel->config.vcpus,
        .cache_bytes = accel->config.cache_bytes,
        .code_bytes = code_bytes,
        .tuning = &accel->config.tuning,
        .failed = accel->config.failed,
        .opaque = accel->config.opaque,
        .dump = accel->config.dump,
        .keep_dir = accel->config.jit_cache,
    };

    return dbt_new((struct dbt **)&accel->vm, &config, err);
}

static int interp_vm_new(struct accel *accel, struct error *err)
{
    return vm_new(accel, 0, err);
}

static int jit_vm_new(struct accel *accel, struct error *err)
{
    return vm_new(accel, (size_t)accel->config.tuning.code_mib << 20, err);
}

static void dbt_accel_vm_free(struct accel *accel)
{
    dbt_free(accel->vm);
}

static int dbt_accel_vcpu_new(struct accel *accel, struct vcpu *vcpu, struct error *err)
{
    return dbt_hart_new((struct dbt_hart **)&vcpu->engine, accel->vm, &vcpu->hart, vcpu->index,
                        err);
}

static void dbt_accel_vcpu_free(struct vcpu *vcpu)
{
    dbt_hart_free(vcpu->engine);
}

static void dbt_accel_vcpu_run(struct vcpu *vcpu)
{
    dbt_run(vcpu->engine);
}

static void dbt_accel_fence_i(struct vcpu *vcpu)
{
    dbt_fence_i(vcpu->engine);
}

static void tlb_stats(struct strbuf *out, unsigned hart, const struct tlb_stats *s)
{
    static const char *const kind[] = { "reads", "writes", "fetches" };
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        { "conflicts", s->conflicts },       { "device", s->device },
        { "watched", s->watched },           { "crossing", s->crossing },
        { "switches", s->switches },         { "strangers", s->strangers },
        { "flush_all", s->flush_all },       { "flush_space", s->flush_space },
        { "flush_page", s->flush_page },     { "flush_large", s->flush_large },
        { "flush_writes", s->flush_writes },
    };

    for (unsigned i = 0; i < ARRAY_LEN(kind); i++)
        strbuf_addf(out, "hart%u.tlb.%s %" PRIu64 "\nhart%u.tlb.%s_walked %" PRIu64 "\n", hart,
                    kind[i], s->asked[i], hart, kind[i], s->walks[i]);
    for (unsigned i = 0; i < ARRAY_LEN(counts); i++)
        strbuf_addf(out, "hart%u.tlb.%s %" PRIu64 "\n", hart, counts[i].name, counts[i].count);
}

static void hart_stats(struct strbuf *out, unsigned hart, const struct dbt_stats *s)
{
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        { "instructions", s->instructions },
        { "lookups", s->lookups },
        { "remembered", s->remembered },
        { "interpreted", s->interpreted },
        { "entered", s->entered },
        { "left_heard", s->left_heard },
        { "left_unlinked", s->left_unlinked },
        { "left_lost", s->left_lost },
        { "exceptions", s->exceptions },
        { "interrupts", s->interrupts },
    };

    for (unsigned i = 0; i < ARRAY_LEN(counts); i++)
        strbuf_addf(out, "hart%u.%s %" PRIu64 "\n", hart, counts[i].name, counts[i].count);
}

static void code_stats(struct strbuf *out, struct dbt *dbt)
{
    struct back_stats code;

    if (!dbt_get_back_stats(dbt, &code))
        return;
    strbuf_addf(out,
                "code.blocks %" PRIu64 "\ncode.block_bytes %" PRIu64 "\ncode.loaded %" PRIu64
                "\ncode.loaded_bytes %" PRIu64 "\ncode.regions %" PRIu64
                "\ncode.region_bytes %" PRIu64 "\ncode.used %" PRIu64 "\ncode.size %" PRIu64
                "\ncode.given_up %" PRIu64 "\n",
                code.blocks, code.block_bytes, code.loaded, code.loaded_bytes, code.regions,
                code.region_bytes, code.used, code.size, code.given_up);
}

static void store_stats(struct strbuf *out, struct dbt *dbt)
{
    struct store_stats s;

    if (!dbt_get_store_stats(dbt, &s))
        return;
    strbuf_addf(out,
                "store.read %" PRIu64 "\nstore.read_bytes %" PRIu64 "\nstore.ignored %" PRIu64
                "\nstore.found %" PRIu64 "\nstore.added %" PRIu64 "\n",
                s.read, s.bytes, s.ignored, s.found, s.added);
}

static void dbt_accel_stats(struct accel *accel, struct strbuf *out)
{
    struct cache_stats cache;
    struct regions_stats regions;
    struct dbt_stats hart;

    dbt_get_cache_stats(accel->vm, &cache);
    for (unsigned i = 0; i < accel->config.vcpus; i++) {
        if (accel->vcpu[i] == NULL)
            continue;
        dbt_hart_get_stats(accel->vcpu[i]->engine, &hart);
        hart_stats(out, i, &hart);
        tlb_stats(out, i, &accel->vcpu[i]->hart.tlb.stats);
    }
    strbuf_addf(out,
                "cache.blocks %" PRIu64 "\ncache.bytes %" PRIu64 "\ncache.pages %" PRIu64
                "\ncache.translated %" PRIu64 "\ncache.dropped %" PRIu64 "\ncache.flushes %" PRIu64
                "\ncache.fences %" PRIu64 "\n",
                cache.blocks, cache.bytes, cache.pages, cache.translated, cache.dropped,
                cache.flushes, cache.fences);
    code_stats(out, accel->vm);
    store_stats(out, accel->vm);
    dbt_get_regions_stats(accel->vm, &regions);
    strbuf_addf(
        out, "regions.wanted %" PRIu64 "\nregions.made %" PRIu64 "\nregions.blocks %" PRIu64 "\n",
        regions.wanted, regions.made, regions.blocks);
    dbt_lockstep_stats(accel->vm, out);
}

const struct accel_ops accel_interp = {
    .name = "interp",
    .summary = "IR interpreter; any host",
    .available = interp_available,
    .vm_new = interp_vm_new,
    .vm_free = dbt_accel_vm_free,
    .vcpu_new = dbt_accel_vcpu_new,
    .vcpu_free = dbt_accel_vcpu_free,
    .vcpu_run = dbt_accel_vcpu_run,
    .fence_i = dbt_accel_fence_i,
    .stats = dbt_accel_stats,
};

const struct accel_ops accel_jit = {
    .name = "jit",
    .summary = "IR compiled to host code; x86-64",
    .tunable = true,
    .available = jit_available,
    .vm_new = jit_vm_new,
    .vm_free = dbt_accel_vm_free,
    .vcpu_new = dbt_accel_vcpu_new,
    .vcpu_free = dbt_accel_vcpu_free,
    .vcpu_run = dbt_accel_vcpu_run,
    .fence_i = dbt_accel_fence_i,
    .stats = dbt_accel_stats,
};

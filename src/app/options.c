/*
 * app/options.c - the table of options, and taking them from a command line.
 *
 * An option's value is plain text, or a list of keys (kv.h) from those the table permits. set()
 * gets the list, and may rely on its keys being known.
 */
#include "app/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accel/accel.h"
#include "backend/net/hostfwd.h"
#include "base/types.h"
#include "isa/riscv/cpu_option.h"
#include "machine/machine.h"

enum value_kind { TAKES_NOTHING, TAKES_TEXT, TAKES_KEYS };

struct option {
    const char *name;
    enum value_kind kind;
    const char *keys; /* "path readonly": permitted, the first is that of a bare first word */
    const char *value, *help;
    int (*set)(struct options *o, const struct kv_list *kv, const char *text, struct error *err);
};

/* A copy that lives as long as the options. NULL: no memory. */
static const char *keep(struct options *o, const char *text)
{
    char **grown = realloc(o->strings, (o->string_count + 1) * sizeof(*grown));

    if (grown == NULL)
        return NULL;
    o->strings = grown;
    grown[o->string_count] = strdup(text);
    if (grown[o->string_count] == NULL)
        return NULL;
    return grown[o->string_count++];
}

static int keep_in(struct options *o, const char **at, const char *text, struct error *err)
{
    *at = keep(o, text);
    return *at == NULL ? error_set(err, ENOMEM, "no memory for options") : 0;
}

/* For keys that must be there. */
static int need(struct options *o, const char **at, const struct kv_list *kv, const char *key,
                struct error *err)
{
    const char *value = kv_get(kv, key);

    if (value == NULL || *value == '\0')
        return error_set(err, EINVAL, "%s= is missing: give the file's name", key);
    return keep_in(o, at, value, err);
}

static int set_machine(struct options *o, const struct kv_list *kv, const char *text,
                       struct error *err)
{
    struct strbuf names;
    int rc;

    (void)kv;
    strbuf_init(&names);
    for (unsigned i = 0; board_table[i] != NULL; i++) {
        if (strcmp(board_table[i]->name, text) == 0) {
            strbuf_fini(&names);
            return keep_in(o, &o->machine.machine, text, err);
        }
        strbuf_addf(&names, " %s", board_table[i]->name);
    }
    rc = error_set(err, EINVAL, "there is no board '%s'; choose from:%s", text, strbuf_str(&names));
    strbuf_fini(&names);
    return rc;
}

/* Whether this host can run it is looked at later. */
static int set_accel(struct options *o, const struct kv_list *kv, const char *text,
                     struct error *err)
{
    const struct accel_ops *ops;
    struct dbt_tuning tuning;
    int rc = accel_parse(text, &ops, &tuning, err);

    (void)kv;
    return rc < 0 ? rc : keep_in(o, &o->machine.accel, text, err);
}

static int set_cpu(struct options *o, const struct kv_list *kv, const char *text, struct error *err)
{
    (void)kv;
    return isa_parse_cpu(text, &o->machine.isa, err);
}

static int set_cpus(struct options *o, const struct kv_list *kv, const char *text,
                    struct error *err)
{
    uint64_t count;
    int rc = value_count(text, NULL, 1, CONFIG_MAX_CPUS, &count, err);

    (void)kv;
    if (rc == 0)
        o->machine.cpus = (unsigned)count;
    return rc;
}

static int set_memory(struct options *o, const struct kv_list *kv, const char *text,
                      struct error *err)
{
    const char *size = kv_get(kv, "size"), *shared = kv_get(kv, "shared");
    uint64_t bytes;
    int rc;

    if (size == NULL)
        return error_set(err, EINVAL, "'%s' has no size; write 1G, say", text);
    rc = value_size(size, NULL, &bytes, err);
    o->machine.memory_shared = false;
    if (rc == 0 && shared != NULL)
        rc = value_bool(shared, "shared", &o->machine.memory_shared, err);
    if (rc < 0)
        return rc;
    if (bytes < MIB(16) || bytes % MIB(2) != 0)
        return error_set(err, EINVAL,
                         "'%s' is not at least 16M and a multiple of 2M; write 1G, say", size);
    o->machine.memory = bytes;
    return 0;
}

static int set_kernel(struct options *o, const struct kv_list *kv, const char *text,
                      struct error *err)
{
    const char *at = kv_get(kv, "at");
    int rc = need(o, &o->machine.kernel, kv, "path", err);

    (void)text;
    o->machine.kernel_at = 0;
    if (rc == 0 && at != NULL)
        rc = value_address(at, "at", &o->machine.kernel_at, err);
    return rc;
}

static int set_initrd(struct options *o, const struct kv_list *kv, const char *text,
                      struct error *err)
{
    (void)kv;
    return keep_in(o, &o->machine.initrd, text, err);
}

static int set_cmdline(struct options *o, const struct kv_list *kv, const char *text,
                       struct error *err)
{
    (void)kv;
    return keep_in(o, &o->machine.cmdline, text, err);
}

static int set_dtb(struct options *o, const struct kv_list *kv, const char *text, struct error *err)
{
    (void)kv;
    return keep_in(o, &o->machine.dtb, text, err);
}

static int set_dump_dtb(struct options *o, const struct kv_list *kv, const char *text,
                        struct error *err)
{
    (void)kv;
    return keep_in(o, &o->machine.dump_dtb, text, err);
}

static int set_bios(struct options *o, const struct kv_list *kv, const char *text,
                    struct error *err)
{
    (void)kv;
    return keep_in(o, &o->machine.bios, text, err);
}

static int set_readonly(const struct kv_list *kv, bool *ret, struct error *err)
{
    const char *value = kv_get(kv, "readonly");

    return value == NULL ? 0 : value_bool(value, "readonly", ret, err);
}

static int set_flash(struct options *o, const struct kv_list *kv, const char *text,
                     struct error *err)
{
    struct config_flash flash = { 0 };
    int rc;

    (void)text;
    if (o->machine.flashes == CONFIG_MAX_FLASH)
        return error_set(err, EINVAL, "the board has no more than %d flash banks",
                         CONFIG_MAX_FLASH);
    rc = need(o, &flash.path, kv, "path", err);
    if (rc == 0)
        rc = set_readonly(kv, &flash.readonly, err);
    if (rc == 0)
        o->machine.flash[o->machine.flashes++] = flash;
    return rc;
}

static int set_disk(struct options *o, const struct kv_list *kv, const char *text,
                    struct error *err)
{
    struct config_disk disk = { 0 };
    const char *id = kv_get(kv, "id"), *queues = kv_get(kv, "queues");
    uint64_t count = 0;
    int rc;

    (void)text;
    if (o->machine.disks == CONFIG_MAX_DISKS)
        return error_set(err, EINVAL, "the board has no room for more than %d disks",
                         CONFIG_MAX_DISKS);
    rc = need(o, &disk.path, kv, "path", err);
    if (rc == 0)
        rc = set_readonly(kv, &disk.readonly, err);
    if (rc == 0 && id != NULL)
        rc = keep_in(o, &disk.id, id, err);
    if (rc == 0 && queues != NULL)
        rc = value_count(queues, "queues", 1, 16, &count, err);
    disk.queues = (unsigned)count;
    if (rc == 0)
        o->machine.disk[o->machine.disks++] = disk;
    return rc;
}

static int set_forwards(struct options *o, struct config_net *net, const struct kv_list *kv,
                        struct error *err)
{
    struct hostfwd checked;
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < kv->count; i++) {
        if (strcmp(kv->item[i].key, "hostfwd") != 0)
            continue;
        if (net->forwards == CONFIG_MAX_FORWARDS)
            return error_set(err, EINVAL, "a network has at most %d hostfwd; use another --net",
                             CONFIG_MAX_FORWARDS);
        rc = hostfwd_parse(&checked, kv->item[i].value, err);
        if (rc == 0)
            rc = keep_in(o, &net->forward[net->forwards++], kv->item[i].value, err);
    }
    return rc;
}

static int set_net(struct options *o, const struct kv_list *kv, const char *text, struct error *err)
{
    struct config_net net = { 0 };
    const char *mode = kv_get(kv, "mode"), *mac = kv_get(kv, "mac");
    const char *restricted = kv_get(kv, "restrict");
    int rc;

    (void)text;
    if (mode != NULL && strcmp(mode, "none") == 0)
        return 0;
    if (mode != NULL && strcmp(mode, "user") != 0)
        return error_set(err, EINVAL, "'%s' is not a kind of network; choose user or none", mode);
    if (o->machine.nets == CONFIG_MAX_NETS)
        return error_set(err, EINVAL, "the board has no more than %d networks", CONFIG_MAX_NETS);
    rc = set_forwards(o, &net, kv, err);
    if (rc == 0 && mac != NULL)
        rc = value_mac(mac, "mac", net.mac, err);
    if (rc == 0 && restricted != NULL)
        rc = value_bool(restricted, "restrict", &net.restricted, err);
    if (rc == 0)
        o->machine.net[o->machine.nets++] = net;
    return rc;
}

/* The words of chardev_open(), so that a wrong one is found before anything is opened. */
static int set_line(struct options *o, const char **at, const char *text, struct error *err)
{
    static const char *const words[] = { "stdio", "pty", "null" };

    for (unsigned i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(text, words[i]) == 0)
            return keep_in(o, at, text, err);
    if ((strncmp(text, "file=", 5) == 0 || strncmp(text, "unix=", 5) == 0) && text[5] != '\0')
        return keep_in(o, at, text, err);
    return error_set(err, EINVAL,
                     "'%s' is no place for a serial line; use stdio, pty, file=PATH, unix=PATH or "
                     "null",
                     text);
}

static int set_serial(struct options *o, const struct kv_list *kv, const char *text,
                      struct error *err)
{
    (void)kv;
    o->serial_given = true;
    return set_line(o, &o->machine.serial, text, err);
}

static int set_jit_cache(struct options *o, const struct kv_list *kv, const char *text,
                         struct error *err)
{
    (void)kv;
    return keep_in(o, &o->machine.jit_cache, text, err);
}

static int set_console(struct options *o, const struct kv_list *kv, const char *text,
                       struct error *err)
{
    (void)kv;
    return set_line(o, &o->machine.console, text, err);
}

static int set_rng(struct options *o, const struct kv_list *kv, const char *text, struct error *err)
{
    (void)kv;
    (void)text;
    (void)err;
    o->machine.rng = true;
    return 0;
}

static int set_no_reboot(struct options *o, const struct kv_list *kv, const char *text,
                         struct error *err)
{
    (void)kv;
    (void)text;
    (void)err;
    o->machine.no_reboot = true;
    return 0;
}

static int set_stats(struct options *o, const struct kv_list *kv, const char *text,
                     struct error *err)
{
    (void)kv;
    (void)text;
    (void)err;
    o->machine.stats = true;
    return 0;
}

static int set_dump(struct options *o, const struct kv_list *kv, const char *text,
                    struct error *err)
{
    const char *path = strchr(text, '=');
    unsigned stages = 0, i;
    size_t len;

    (void)kv;
    if (path == NULL || path[1] == '\0')
        return error_set(err, EINVAL, "'%s' names no file; as in guest+ir+t0+host=dump.txt", text);
    for (; text < path; text += len + (text[len] == '+')) {
        len = strcspn(text, "+=");
        for (i = 0; i < DBT_DUMP_STAGES; i++)
            if (strlen(dbt_dump_stage_name[i]) == len &&
                memcmp(dbt_dump_stage_name[i], text, len) == 0)
                break;
        if (i == DBT_DUMP_STAGES)
            return error_set(err, EINVAL,
                             "there is no stage '%.*s'; choose from: guest ir t0 region host",
                             (int)len, text);
        stages |= 1u << i;
    }
    o->machine.dump_stages = stages;
    return keep_in(o, &o->machine.dump, path + 1, err);
}

static int set_config(struct options *o, const struct kv_list *kv, const char *text,
                      struct error *err)
{
    (void)kv;
    return config_file_read(o, text, err);
}

/* clang-format off */
static const struct option option_table[] = {
    { "kernel", TAKES_KEYS, "path at", "F[,at=ADDR]",
      "kernel: a Linux Image (plain, gzip, EFI zboot) or ELF; with at=, raw bytes for ADDR", set_kernel },
    { "initrd", TAKES_TEXT, NULL, "F", "initial RAM disk for the kernel", set_initrd },
    { "cmdline", TAKES_TEXT, NULL, "TEXT", "kernel command line", set_cmdline },
    { "bios", TAKES_TEXT, NULL, "F", "M-mode firmware; without it, a built-in SBI serves the kernel", set_bios },
    { "flash", TAKES_KEYS, "path readonly", "F[,readonly=on]", "a flash bank of 32M; twice: code and variables", set_flash },
    { "dtb", TAKES_TEXT, NULL, "F", "device tree to give the guest instead of ours", set_dtb },
    { "cpus", TAKES_TEXT, NULL, "N", "harts, 1 to 64 (default 1)", set_cpus },
    { "memory", TAKES_KEYS, "size shared", "SIZE[,shared=on]",
      "RAM, like 512M or 4G (default 1G); shared: a memory file, which other processes can map", set_memory },
    { "cpu", TAKES_TEXT, NULL, "rv64[,EXT=on|off]...[,mmu=MODE]",
      "what the harts can do; EXT: zba, zicbom, ...; MODE: bare, sv39, sv48, sv57", set_cpu },
    { "machine", TAKES_TEXT, NULL, "NAME", "the board: virt (the default)", set_machine },
    { "accel", TAKES_TEXT, NULL, "NAME[,WORD[=VALUE]]...", "how to run guest code; names and words are below", set_accel },
    { "jit-cache", TAKES_TEXT, NULL, "DIR",
      "keep compiled code in the folder DIR, for the next run to begin with", set_jit_cache },
    { "disk", TAKES_KEYS, "path readonly id queues", "F[,readonly=on][,id=TEXT][,queues=N]",
      "virtio disk: a raw image or a block device; may be repeated", set_disk },
    { "net", TAKES_KEYS, "mode hostfwd mac restrict", "user[,hostfwd=tcp:[ADDR]:PORT-[ADDR]:PORT]...[,mac=M][,restrict=on]",
      "virtio network card behind a router within Vireo; hostfwd= leads a host port to the guest; may be repeated", set_net },
    { "rng", TAKES_NOTHING, NULL, NULL, "virtio random number source", set_rng },
    { "serial", TAKES_TEXT, NULL, "stdio|pty|file=F|unix=F|null",
      "the host's end of the UART: this terminal (the default), a new pseudo terminal, a file (output only), "
      "a socket to listen at, nothing", set_serial },
    { "console", TAKES_TEXT, NULL, "stdio|pty|file=F|unix=F|null",
      "adds a virtio console; with stdio, the UART gets null unless --serial says otherwise", set_console },
    { "no-reboot", TAKES_NOTHING, NULL, NULL, "end when the guest resets", set_no_reboot },
    { "stats", TAKES_NOTHING, NULL, NULL, "counters on standard error at the end", set_stats },
    { "dump", TAKES_TEXT, NULL, "STAGE[+STAGE]...=F",
      "write what becomes of guest code to F; STAGE: guest, ir, t0, region, host", set_dump },
    { "dump-dtb", TAKES_TEXT, NULL, "F", "write the device tree to F and do not run", set_dump_dtb },
    { "config", TAKES_TEXT, NULL, "F", "read options from the JSON file F, here", set_config },
};
/* clang-format on */

static const struct option *find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(option_table); i++)
        if (strcmp(option_table[i].name, name) == 0)
            return &option_table[i];
    return NULL;
}

/* Letters to change, add or drop to make b of a (Levenshtein); capped inputs. */
static unsigned distance(const char *a, const char *b)
{
    enum { MAX = 32 };
    unsigned row[MAX + 1], len = (unsigned)strnlen(b, MAX), diagonal, above;

    for (unsigned j = 0; j <= len; j++)
        row[j] = j;
    for (unsigned i = 0; a[i] != '\0' && i < MAX; i++) {
        diagonal = row[0];
        row[0] = i + 1;
        for (unsigned j = 1; j <= len; j++) {
            unsigned best = diagonal + (a[i] != b[j - 1]);

            above = row[j];
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[len];
}

static int unknown(const char *name, struct error *err)
{
    const struct option *nearest = &option_table[0];

    for (unsigned i = 1; i < ARRAY_LEN(option_table); i++)
        if (distance(name, option_table[i].name) < distance(name, nearest->name))
            nearest = &option_table[i];
    if (distance(name, nearest->name) <= 2)
        return error_set(err, EINVAL, "there is no option --%s; did you mean --%s?", name,
                         nearest->name);
    return error_set(err, EINVAL, "there is no option --%s; 'vireo run --help' lists them", name);
}

/* Whether `key` is one of the words of `keys`. */
static bool key_permitted(const char *keys, const char *key)
{
    size_t len = strlen(key), word;

    for (const char *at = keys; *at != '\0'; at += word + (at[word] == ' ')) {
        word = strcspn(at, " ");
        if (word == len && memcmp(at, key, len) == 0)
            return true;
    }
    return false;
}

static int check_key(const struct option *option, const struct kv_list *kv, unsigned index,
                     struct error *err)
{
    const char *key = kv->item[index].key;

    if (!key_permitted(option->keys, key))
        return error_set(
            err, EINVAL,
            "there is no key '%s'; it takes: %s (in a value, a comma is written twice)", key,
            option->keys);
    for (unsigned i = 0; i < index; i++)
        if (strcmp(kv->item[i].key, key) == 0 && strcmp(key, "hostfwd") != 0)
            return error_set(err, EINVAL, "%s= is given twice; leave one", key);
    return 0;
}

static int set_keys(struct options *o, const struct option *option, const char *value,
                    struct error *err)
{
    char first[16];
    struct kv_list kv;
    int rc;

    snprintf(first, sizeof(first), "%.*s", (int)strcspn(option->keys, " "), option->keys);
    rc = kv_parse(&kv, value, first, err);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; rc == 0 && i < kv.count; i++)
        rc = check_key(option, &kv, i, err);
    if (rc == 0)
        rc = option->set(o, &kv, value, err);
    kv_fini(&kv);
    return rc;
}

int options_set(struct options *o, const char *name, const char *value, struct error *err)
{
    const struct option *option = find(name);
    int rc;

    if (option == NULL)
        return unknown(name, err);
    if (option->kind == TAKES_NOTHING) {
        if (value != NULL)
            return error_set(err, EINVAL, "--%s takes no value, and got '%s'", name, value);
        return option->set(o, NULL, NULL, err);
    }
    if (value == NULL || *value == '\0')
        return error_set(err, EINVAL, "--%s needs a value: --%s %s", name, name, option->value);
    if (option->kind == TAKES_KEYS)
        rc = set_keys(o, option, value, err);
    else
        rc = option->set(o, NULL, value, err);
    return rc < 0 ? error_prefix(err, rc, "--%s", name) : 0;
}

bool option_takes_value(const char *name, bool *ret_known)
{
    const struct option *option = find(name);

    *ret_known = option != NULL;
    return option != NULL && option->kind != TAKES_NOTHING;
}

bool option_takes_keys(const char *name)
{
    const struct option *option = find(name);

    return option != NULL && option->kind == TAKES_KEYS;
}

/* "--name value" or "--name=value"; returns how many words it was, or -errno. */
static int parse_one(struct options *o, int argc, char *const *argv, struct error *err)
{
    char name[32];
    const char *word = argv[0], *equals;
    bool known;
    int rc;

    if (strncmp(word, "--", 2) != 0 || word[2] == '\0')
        return error_set(err, EINVAL,
                         "'%s' is not an option; files are given by --kernel, --disk and so on",
                         word);
    word += 2;
    equals = strchr(word, '=');
    snprintf(name, sizeof(name), "%.*s",
             equals == NULL ? (int)sizeof(name) - 1 : (int)(equals - word), word);
    if (equals != NULL) {
        rc = options_set(o, name, equals + 1, err);
        return rc < 0 ? rc : 1;
    }
    if (option_takes_value(name, &known)) {
        rc = options_set(o, name, argc > 1 ? argv[1] : NULL, err);
        return rc < 0 ? rc : 2;
    }
    rc = options_set(o, name, NULL, err);
    return rc < 0 ? rc : 1;
}

int options_parse(struct options *options, int argc, char *const *argv, struct error *err)
{
    int used;

    for (int i = 0; i < argc; i += used) {
        options->help = strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
        if (options->help)
            return 0;
        used = parse_one(options, argc - i, argv + i, err);
        if (used < 0)
            return used;
    }
    return options_check(options, err);
}

int options_check(struct options *options, struct error *err)
{
    struct machine_config *m = &options->machine;
    const struct accel_ops *accel;
    struct dbt_tuning tuning;

    if (m->kernel == NULL && m->bios == NULL && m->flashes == 0 && m->dump_dtb == NULL)
        return error_set(err, EINVAL,
                         "nothing to run: give a kernel (--kernel), firmware (--bios) or flash "
                         "(--flash)");
    if (m->initrd != NULL && m->kernel == NULL)
        return error_set(err, EINVAL, "--initrd goes with --kernel, which is missing");
    if (m->jit_cache != NULL && m->accel != NULL &&
        accel_parse(m->accel, &accel, &tuning, NULL) == 0 && !accel->tunable)
        return error_set(err, EINVAL,
                         "--jit-cache: accelerator '%s' compiles nothing that could be kept; take "
                         "--accel jit, or leave the folder out",
                         accel->name);
    if (!options->serial_given)
        m->serial = m->console != NULL && strcmp(m->console, "stdio") == 0 ? "null" : "stdio";
    if (m->console != NULL && strcmp(m->console, "stdio") == 0 && strcmp(m->serial, "stdio") == 0)
        return error_set(err, EINVAL,
                         "--serial and --console cannot both be stdio; give one of them pty, say");
    return 0;
}

void options_init(struct options *options)
{
    *options = (struct options){
        .machine = { .machine = "virt", .cpus = 1, .memory = GIB(1) },
    };
    isa_config_default(&options->machine.isa);
}

void options_fini(struct options *options)
{
    for (unsigned i = 0; i < options->string_count; i++)
        free(options->strings[i]);
    free(options->strings);
}

void options_help(FILE *out)
{
    struct strbuf text;

    for (unsigned i = 0; i < ARRAY_LEN(option_table); i++) {
        const struct option *option = &option_table[i];

        fprintf(out, "  --%s%s%s\n        %s\n", option->name, option->value == NULL ? "" : " ",
                option->value == NULL ? "" : option->value, option->help);
    }
    fputs("\nAccelerators; without --accel, the first that works here is taken:\n", out);
    strbuf_init(&text);
    accel_help(&text);
    fputs(strbuf_str(&text), out);
    strbuf_fini(&text);
}

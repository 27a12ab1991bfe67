/*
 * app/tests/test_options.c - every option, by its name, and every way to get one wrong.
 *
 * An error is a sentence that names the option and what to do; the tables below hold a word of
 * each. That no option is missing from them is a test too, made from --help.
 */
#include "tests/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/options.h"
#include "base/types.h"
#include "dbt/dump.h"

enum { MAX_WORDS = 64 };

/* Parses words that one space separates; quoting there is none. */
static int parse(struct options *o, const char *line, struct error *err)
{
    char *copy = strdup(line), *argv[MAX_WORDS], *save = NULL;
    int argc = 0, rc;

    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    options_init(o);
    rc = options_parse(o, argc, argv, err);
    free(copy); /* options keep copies: a use of this shows under ASan */
    return rc;
}

static void parse_good(struct options *o, const char *line)
{
    struct error err = { .text = "" };

    if (parse(o, line, &err) != 0)
        fail_msg("%s: %s", line, err.text);
}

TEST(without_options_there_is_nothing_to_run)
{
    struct options o;
    struct error err;

    assert_int_equal(parse(&o, "", &err), -EINVAL);
    assert_non_null(strstr(err.text, "--kernel"));
    options_fini(&o);
}

TEST(defaults)
{
    struct options o;

    parse_good(&o, "--kernel k");
    assert_string_equal(o.machine.kernel, "k");
    assert_string_equal(o.machine.machine, "virt");
    assert_null(o.machine.accel);
    assert_int_equal(o.machine.cpus, 1);
    assert_true(o.machine.memory == GIB(1));
    assert_string_equal(o.machine.serial, "stdio");
    assert_null(o.machine.console);
    assert_null(o.machine.bios);
    assert_false(o.machine.rng || o.machine.no_reboot || o.machine.stats);
    assert_int_equal(o.machine.disks + o.machine.nets + o.machine.flashes, 0);
    options_fini(&o);
}

TEST(images)
{
    struct options o;

    parse_good(&o, "--kernel=path=a=b,,c --initrd i --bios b --dtb d --dump-dtb out "
                   "--cmdline console=x,y");
    assert_string_equal(o.machine.kernel, "a=b,c");
    assert_string_equal(o.machine.initrd, "i");
    assert_string_equal(o.machine.bios, "b");
    assert_string_equal(o.machine.dtb, "d");
    assert_string_equal(o.machine.dump_dtb, "out");
    assert_string_equal(o.machine.cmdline, "console=x,y");
    options_fini(&o);
}

TEST(a_kernel_may_be_raw_bytes_somewhere)
{
    struct options o;

    parse_good(&o, "--kernel k.bin,at=0x80000000");
    assert_string_equal(o.machine.kernel, "k.bin");
    assert_true(o.machine.kernel_at == 0x80000000);
    options_fini(&o);
    parse_good(&o, "--kernel k.bin,at=4096 --kernel other");
    assert_true(o.machine.kernel_at == 0);
    options_fini(&o);
}

TEST(sizes_and_counts)
{
    struct options o;

    parse_good(&o, "--kernel k --cpus 64 --memory 16M");
    assert_int_equal(o.machine.cpus, 64);
    assert_true(o.machine.memory == MIB(16));
    assert_false(o.machine.memory_shared);
    options_fini(&o);
    parse_good(&o, "--kernel k --memory 2G,shared=on");
    assert_true(o.machine.memory == GIB(2));
    assert_true(o.machine.memory_shared);
    options_fini(&o);
}

TEST(harts_can_be_chosen)
{
    struct options o;

    parse_good(&o, "--kernel k --cpu rv64,zba=off,mmu=sv39");
    assert_false(isa_has(&o.machine.isa, ISA_EXT_ZBA));
    assert_true(isa_has(&o.machine.isa, ISA_EXT_ZBB));
    assert_int_equal(o.machine.isa.mmu, ISA_MMU_SV39);
    options_fini(&o);
}

TEST(disks_in_their_order)
{
    struct options o;

    parse_good(&o,
               "--kernel k --disk a --disk path=b,readonly=on,id=root,queues=3 --disk c,queues=16");
    assert_int_equal(o.machine.disks, 3);
    assert_string_equal(o.machine.disk[0].path, "a");
    assert_false(o.machine.disk[0].readonly);
    assert_null(o.machine.disk[0].id);
    assert_int_equal(o.machine.disk[0].queues, 0);
    assert_string_equal(o.machine.disk[1].path, "b");
    assert_true(o.machine.disk[1].readonly);
    assert_string_equal(o.machine.disk[1].id, "root");
    assert_int_equal(o.machine.disk[1].queues, 3);
    assert_int_equal(o.machine.disk[2].queues, 16);
    options_fini(&o);
}

TEST(networks)
{
    struct options o;

    parse_good(&o, "--kernel k --net user --net mode=user,hostfwd=tcp::2222-:22,"
                   "hostfwd=udp:127.0.0.1:53-10.0.2.15:53,mac=52:54:00:00:00:07,restrict=on");
    assert_int_equal(o.machine.nets, 2);
    assert_int_equal(o.machine.net[0].forwards, 0);
    assert_false(o.machine.net[0].restricted);
    assert_int_equal(o.machine.net[1].forwards, 2);
    assert_string_equal(o.machine.net[1].forward[1], "udp:127.0.0.1:53-10.0.2.15:53");
    assert_int_equal(o.machine.net[1].mac[5], 7);
    assert_true(o.machine.net[1].restricted);
    options_fini(&o);
    parse_good(&o, "--kernel k --net none");
    assert_int_equal(o.machine.nets, 0);
    options_fini(&o);
}

TEST(flash_banks)
{
    struct options o;

    parse_good(&o, "--flash code.fd,readonly=on --flash vars.fd");
    assert_int_equal(o.machine.flashes, 2);
    assert_string_equal(o.machine.flash[0].path, "code.fd");
    assert_true(o.machine.flash[0].readonly);
    assert_false(o.machine.flash[1].readonly);
    options_fini(&o);
}

TEST(serial_lines)
{
    static const char *const kinds[] = { "stdio", "pty", "null", "file=f", "unix=s" };
    char line[64];
    struct options o;

    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        snprintf(line, sizeof(line), "--kernel k --serial %s", kinds[i]);
        parse_good(&o, line);
        assert_string_equal(o.machine.serial, kinds[i]);
        options_fini(&o);
        snprintf(line, sizeof(line), "--kernel k --console %s", kinds[i]);
        parse_good(&o, line);
        assert_string_equal(o.machine.console, kinds[i]);
        assert_string_equal(o.machine.serial, i == 0 ? "null" : "stdio");
        options_fini(&o);
    }
}

TEST(switches)
{
    struct options o;

    parse_good(&o, "--bios b --rng --no-reboot --stats --machine virt --accel interp");
    assert_true(o.machine.rng && o.machine.no_reboot && o.machine.stats);
    assert_string_equal(o.machine.accel, "interp");
    options_fini(&o);
    parse_good(&o, "--bios b --dump guest+host=a=b");
    assert_string_equal(o.machine.dump, "a=b");
    assert_int_equal(o.machine.dump_stages, 1 << DBT_DUMP_GUEST | 1 << DBT_DUMP_HOST);
    options_fini(&o);
}

TEST(the_last_of_equal_options_counts)
{
    struct options o;

    parse_good(&o, "--kernel a --cpus 2 --kernel b --cpus 3");
    assert_string_equal(o.machine.kernel, "b");
    assert_int_equal(o.machine.cpus, 3);
    options_fini(&o);
}

TEST(help_is_found_where_an_option_stands)
{
    struct options o;

    parse_good(&o, "--help");
    assert_true(o.help);
    options_fini(&o);
    parse_good(&o, "--kernel k -h --nonsense");
    assert_true(o.help);
    options_fini(&o);
    parse_good(&o, "--kernel k --cmdline --help");
    assert_false(o.help);
    assert_string_equal(o.machine.cmdline, "--help");
    options_fini(&o);
}

/* What is wrong, and two words of the sentence: where, and what to do. */
static const struct bad {
    const char *line, *where, *remedy;
} bad[] = {
    { "--kernel", "--kernel", "--kernel F" },
    { "--kernel=", "--kernel", "--kernel F" },
    { "--kernel at=4", "--kernel: path=", "file's name" },
    { "--kernel k,at=no", "--kernel: at: 'no'", "0x80200000" },
    { "--kernel k,size=4", "--kernel: there is no key 'size'", "path at" },
    { "--kernel a,=b", "--kernel: there is no key ''", "path at" },
    { "--kernel a,th=b", "--kernel: there is no key 'th'", "path at" },
    { "--kernel a,path=b", "--kernel: path=", "leave one" },
    { "--kernel a,b", "--kernel: 'b'", "key=value" },
    { "--kernel k --initrd", "--initrd", "--initrd F" },
    { "--bios b --initrd i", "--initrd", "--kernel" },
    { "--cmdline", "--cmdline", "--cmdline TEXT" },
    { "--dtb", "--dtb", "--dtb F" },
    { "--bios", "--bios", "--bios F" },
    { "--dump-dtb", "--dump-dtb", "--dump-dtb F" },
    { "--config", "--config", "--config F" },
    { "--config /nowhere/c.json", "--config: cannot open '/nowhere/c.json'", "check the path" },
    { "--flash readonly=on", "--flash: path=", "file's name" },
    { "--flash a,readonly=maybe", "--flash: readonly: 'maybe'", "'on' nor 'off'" },
    { "--flash a --flash b --flash c", "--flash", "no more than 2" },
    { "--cpus 0", "--cpus: '0'", "1 to 64" },
    { "--cpus 65", "--cpus: '65'", "1 to 64" },
    { "--cpus two", "--cpus: 'two'", "1 to 64" },
    { "--memory lots", "--memory: 'lots'", "512M" },
    { "--memory 15M", "--memory: '15M'", "at least 16M" },
    { "--memory 17M", "--memory: '17M'", "multiple of 2M" },
    { "--memory shared=on", "--memory: 'shared=on'", "1G" },
    { "--memory 1G,shared=1", "--memory: shared: '1'", "'on' nor 'off'" },
    { "--cpu arm", "--cpu", "rv64" },
    { "--cpu rv64,zba=1", "--cpu", "on or off" },
    { "--cpu rv64,mmu=sv32", "--cpu", "sv39" },
    { "--machine pc", "--machine: there is no board 'pc'", "virt" },
    { "--jit-cache", "--jit-cache needs a value", "--jit-cache DIR" },
    { "--bios b --jit-cache d --accel interp", "--jit-cache: accelerator 'interp'", "jit" },
    { "--accel fast", "--accel: there is no accelerator 'fast'", "interp" },
    { "--dump ir", "--dump: 'ir' names no file", "dump.txt" },
    { "--dump ir+hex=f", "--dump: there is no stage 'hex'", "guest ir t0 region host" },
    { "--accel jit,fast", "--accel: accelerator 'jit': there is no 'fast' to choose", "--help" },
    { "--accel jit,t1-after=0", "'t1-after' is a number from 1 to", "t1-after=16" },
    { "--accel jit,t1-after", "'t1-after' is a number", "16" },
    { "--accel jit,t1-after=99999999999999999999", "'t1-after' is a number", "16" },
    { "--accel interp,t1-after=1", "'interp' has nothing to choose, and got 't1-after=1'",
      "interp" },
    { "--accel jit,", "there is no '' to choose", "--help" },
    { "--disk readonly=on", "--disk: path=", "file's name" },
    { "--disk a,readonly=1", "--disk: readonly", "'on' nor 'off'" },
    { "--disk a,queues=17", "--disk: queues: '17'", "1 to 16" },
    { "--disk a,cache=none", "--disk: there is no key 'cache'", "path readonly id queues" },
    { "--net tap", "--net: 'tap'", "user or none" },
    { "--net user,mac=1:2:3", "--net: mac", "52:54:00:12:34:56" },
    { "--net user,restrict=2", "--net: restrict", "'on' nor 'off'" },
    { "--net user,hostfwd=22", "--net: hostfwd '22'", "tcp:127.0.0.1:2222-:22" },
    { "--net user,mac=52:54:00:12:34:56,mac=52:54:00:12:34:56", "--net: mac=", "leave one" },
    { "--rng=on", "--rng takes no value", "'on'" },
    { "--no-reboot=1", "--no-reboot takes no value", "'1'" },
    { "--stats=1", "--stats takes no value", "'1'" },
    { "--serial tty", "--serial: 'tty'", "pty" },
    { "--serial unix=", "--serial: 'unix='", "unix=PATH" },
    { "--console file=", "--console: 'file='", "file=PATH" },
    { "--kernel k --serial stdio --console stdio", "--serial and --console", "pty" },
    { "--kernle k", "--kernle", "did you mean --kernel?" },
    { "--frobnicate", "--frobnicate", "vireo run --help" },
    { "--", "'--'", "--kernel" },
    { "vmlinux", "'vmlinux'", "--kernel" },
    { "-m 4G", "'-m'", "--kernel" },
};

TEST(each_mistake_is_named_with_its_remedy)
{
    struct options o;
    struct error err;

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        memset(&err, 0, sizeof(err));
        if (parse(&o, bad[i].line, &err) != -EINVAL && err.code != -ENOENT)
            fail_msg("'%s' was not refused", bad[i].line);
        if (strstr(err.text, bad[i].where) == NULL || strstr(err.text, bad[i].remedy) == NULL)
            fail_msg("'%s': %s\n lacks '%s' or '%s'", bad[i].line, err.text, bad[i].where,
                     bad[i].remedy);
        assert_null(strchr(err.text, '\n'));
        options_fini(&o);
    }
}

/* `first`, and `count` times `more`. */
static int parse_repeated(struct options *o, const char *first, const char *more, unsigned count,
                          struct error *err)
{
    struct strbuf line;
    int rc;

    strbuf_init(&line);
    strbuf_add(&line, first);
    for (unsigned i = 0; i < count; i++)
        strbuf_add(&line, more);
    rc = parse(o, strbuf_str(&line), err);
    strbuf_fini(&line);
    return rc;
}

TEST(there_is_room_for_so_many)
{
    static const struct {
        const char *first, *more;
        unsigned most;
        const char *says;
    } lists[] = {
        { "--kernel k", " --disk d", CONFIG_MAX_DISKS, "more than 8 disks" },
        { "--kernel k", " --net user", CONFIG_MAX_NETS, "more than 4 networks" },
        { "--kernel k", " --flash f", CONFIG_MAX_FLASH, "more than 2 flash banks" },
        { "--kernel k --net user", ",hostfwd=tcp::1-:1", CONFIG_MAX_FORWARDS, "16 hostfwd" },
    };
    struct options o;
    struct error err;

    for (unsigned i = 0; i < ARRAY_LEN(lists); i++) {
        assert_int_equal(parse_repeated(&o, lists[i].first, lists[i].more, lists[i].most, NULL), 0);
        options_fini(&o);
        assert_int_equal(parse_repeated(&o, lists[i].first, lists[i].more, lists[i].most + 1, &err),
                         -EINVAL);
        assert_non_null(strstr(err.text, lists[i].says));
        options_fini(&o);
    }
}

TEST(every_option_of_the_help_has_a_mistake_above)
{
    char *text = NULL, *save = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    unsigned count = 0;

    options_help(out);
    assert_int_equal(fclose(out), 0);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        bool found = false, known;

        if (strncmp(line, "  --", 4) != 0)
            continue;
        line[2 + strcspn(line + 2, " ")] = '\0';
        count++;
        for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
            found = found || strncmp(bad[i].where, line + 2, strlen(line + 2)) == 0;
        if (!found)
            fail_msg("no mistake with %s is tried", line + 2);
        (void)option_takes_value(line + 4, &known);
        assert_true(known);
    }
    assert_true(count >= 20);
    free(text);
}

TEST(long_names_and_values_are_cut_in_messages_only)
{
    char *line = calloc(1, 20000), *path;
    struct options o;
    struct error err;

    memset(line, 'x', 9000);
    memcpy(line, "--", 2);
    assert_int_equal(parse(&o, line, &err), -EINVAL);
    options_fini(&o);
    memset(line, 'y', 9000);
    memcpy(line, "--kernel ", 9);
    parse_good(&o, line);
    assert_int_equal(strlen(o.machine.kernel), 9000 - 9);
    options_fini(&o);
    path = line + 8;
    memcpy(path, "=", 1);
    parse_good(&o, line);
    options_fini(&o);
    free(line);
}

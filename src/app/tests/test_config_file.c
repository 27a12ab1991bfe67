/* app/tests/test_config_file.c - options from JSON: the same words, the same errors. */
#include "tests/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/options.h"
#include "base/types.h"

static int parse(struct options *o, const char *text, struct error *err)
{
    char *copy = strdup(text);
    int rc;

    options_init(o);
    rc = config_file_parse(o, "vm.json", copy, strlen(copy), err);
    free(copy);
    return rc;
}

static void parse_good(struct options *o, const char *text)
{
    struct error err = { .text = "" };

    if (parse(o, text, &err) != 0)
        fail_msg("%s: %s", text, err.text);
}

TEST(values_are_strings_numbers_and_switches)
{
    struct options o;

    parse_good(&o, "{ \"kernel\": \"Image\", \"cpus\": 2, \"memory\": 1073741824, \"rng\": true,"
                   "  \"stats\": false, \"cmdline\": \"a=b,c\", \"cpu\": \"rv64,zba=off\" }");
    assert_string_equal(o.machine.kernel, "Image");
    assert_int_equal(o.machine.cpus, 2);
    assert_true(o.machine.memory == GIB(1));
    assert_true(o.machine.rng);
    assert_false(o.machine.stats);
    assert_string_equal(o.machine.cmdline, "a=b,c");
    assert_false(isa_has(&o.machine.isa, ISA_EXT_ZBA));
    options_fini(&o);
}

TEST(an_array_repeats_an_option)
{
    struct options o;

    parse_good(&o, "{ \"disk\": [ \"a.img\", { \"path\": \"b.img\", \"readonly\": true,"
                   "  \"queues\": 2 }, \"c.img,id=three\" ] }");
    assert_int_equal(o.machine.disks, 3);
    assert_string_equal(o.machine.disk[0].path, "a.img");
    assert_true(o.machine.disk[1].readonly);
    assert_int_equal(o.machine.disk[1].queues, 2);
    assert_string_equal(o.machine.disk[2].id, "three");
    options_fini(&o);
}

TEST(an_array_in_an_object_repeats_a_key)
{
    struct options o;

    parse_good(&o, "{ \"net\": { \"mode\": \"user\", \"restrict\": false,"
                   "  \"hostfwd\": [ \"tcp::2222-:22\", \"udp::53-:53\" ] } }");
    assert_int_equal(o.machine.nets, 1);
    assert_int_equal(o.machine.net[0].forwards, 2);
    assert_string_equal(o.machine.net[0].forward[0], "tcp::2222-:22");
    options_fini(&o);
}

TEST(commas_in_an_object_need_no_doubling)
{
    struct options o;

    parse_good(&o, "{ \"disk\": { \"path\": \"a,b=c,,d\" } }");
    assert_string_equal(o.machine.disk[0].path, "a,b=c,,d");
    options_fini(&o);
}

static const struct bad {
    const char *text, *says;
} bad[] = {
    { "", "vm.json line 1" },
    { "{ \"kernel\": ", "vm.json line 1" },
    { "{\n\"kernel\": \"a\",\n}", "vm.json line 3" },
    { "{ \"cpus\": 1, \"cpus\": 2 }", "duplicate" },
    { "[]", "not a JSON object" },
    { "{ \"kernal\": \"a\" }", "vm.json: there is no option --kernal; did you mean --kernel?" },
    { "{ \"\": 1 }", "there is no option" },
    { "{ \"kernel\": null }", "kernel: a value must be a string" },
    { "{ \"cpus\": 1.5 }", "cpus: a value must be a string, a whole number" },
    { "{ \"cpus\": 0 }", "--cpus: '0' is not a number from 1 to 64" },
    { "{ \"cpus\": -1 }", "--cpus: '-1'" },
    { "{ \"cpus\": true }", "--cpus: 'on'" },
    { "{ \"cmdline\": {} }", "cmdline: it has no keys" },
    { "{ \"rng\": 1 }", "rng: it is given (true) or not (false)" },
    { "{ \"rng\": null }", "rng: it is given (true) or not (false)" },
    { "{ \"disk\": {} }", "--disk" },
    { "{ \"disk\": [ [ \"a\" ] ] }", "disk: a value must be" },
    { "{ \"disk\": { \"path\": { } } }", "disk: path: a value must be" },
    { "{ \"disk\": { \"path\": [ \"a\", \"b\" ] } }", "path= is given twice" },
    { "{ \"disk\": { \"paht\": \"a\" } }", "--disk: there is no key 'paht'" },
    { "{ \"disk\": { \"path\": \"a\", \"readonly\": \"yes\" } }", "--disk: readonly: 'yes'" },
    { "{ \"kernel\": \"a\\u0000b\" }", "vm.json line 1" },
    { "{ \"config\": \"other.json\" }", "a config file cannot name another" },
};

TEST(each_mistake_names_the_file_and_the_member)
{
    struct options o;
    struct error err;

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        if (parse(&o, bad[i].text, &err) != -EINVAL)
            fail_msg("%s was not refused", bad[i].text);
        if (strncmp(err.text, "vm.json", 7) != 0 || strstr(err.text, bad[i].says) == NULL)
            fail_msg("%s: %s\n lacks '%s'", bad[i].text, err.text, bad[i].says);
        options_fini(&o);
    }
}

/* A command line, its words split at spaces. */
static int parse_line(struct options *o, const char *line, struct error *err)
{
    char *copy = strdup(line), *argv[16], *save = NULL;
    int argc = 0, rc;

    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    options_init(o);
    rc = options_parse(o, argc, argv, err);
    free(copy);
    return rc;
}

TEST(files_are_read_where_they_stand)
{
    static const char text[] = "{ \"kernel\": \"from-file\", \"cpus\": 3, \"memory\": \"64M\" }";
    char path[] = "/tmp/vireo-config-XXXXXX", line[128];
    int fd = mkstemp(path);
    struct options o;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    close(fd);
    snprintf(line, sizeof(line), "--cpus 2 --config %s --memory 32M", path);
    assert_int_equal(parse_line(&o, line, NULL), 0);
    assert_string_equal(o.machine.kernel, "from-file");
    assert_int_equal(o.machine.cpus, 3);
    assert_true(o.machine.memory == MIB(32));
    options_fini(&o);
    unlink(path);
}

TEST(what_is_no_config_file_is_refused)
{
    struct options o;
    struct error err;

    assert_int_equal(parse_line(&o, "--config /nowhere/vm.json", &err), -ENOENT);
    assert_string_equal(err.text, "--config: cannot open '/nowhere/vm.json': No such file or "
                                  "directory; check the path");
    options_fini(&o);
    assert_int_equal(parse_line(&o, "--config /tmp", &err), -EISDIR);
    assert_non_null(strstr(err.text, "'/tmp'"));
    options_fini(&o);
    assert_int_equal(parse_line(&o, "--config /dev/zero", &err), -EFBIG);
    assert_non_null(strstr(err.text, "1 MiB"));
    options_fini(&o);
}

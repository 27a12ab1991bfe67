/* app/options.h - the options of `vireo run`, once: the command line and the config file are two
 * ways to say the same words, and --help is made from the same table. */
#ifndef APP_OPTIONS_H
#define APP_OPTIONS_H

#include <stdio.h>

#include "app/kv.h"
#include "base/strbuf.h"
#include "machine/config.h"

struct options {
    struct machine_config machine;
    bool serial_given;
    bool help; /* was asked for; nothing behind it was looked at */
    /* private */
    char **strings; /* owned by us, pointed to by `machine` */
    unsigned string_count;
};

void options_init(struct options *options);
void options_fini(struct options *options);

/* One option. `name` without dashes; value NULL when none was given. -EINVAL with a sentence that
 * names the option; for an unknown one, the nearest that exists. */
int options_set(struct options *options, const char *name, const char *value,
                struct error *err) NODISCARD;
/* Whether an option takes a value; false and *ret_known false when there is no such option. */
bool option_takes_value(const char *name, bool *ret_known);
/* Whether its value is a list of keys. */
bool option_takes_keys(const char *name);
/* argv[0] is the first option. --config files are read where they stand: what follows them on the
 * command line is added, or replaces it. */
int options_parse(struct options *options, int argc, char *const *argv,
                  struct error *err) NODISCARD;
/* What only all options together can get wrong. */
int options_check(struct options *options, struct error *err) NODISCARD;

void options_help(FILE *out);

/* app/config_file.c: a JSON object whose keys are option names. `name` is for messages. */
int config_file_parse(struct options *options, const char *name, const char *text, size_t len,
                      struct error *err) NODISCARD;
int config_file_read(struct options *options, const char *path, struct error *err) NODISCARD;

#endif

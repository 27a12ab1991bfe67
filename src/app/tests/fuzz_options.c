/* app/tests/fuzz_options.c - a command line, a word a line. Whatever it is: a machine that keeps
 * its bounds, or one sentence. */
#include <stdlib.h>
#include <string.h>

#include "app/options.h"
#include "app/tests/options_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX_WORDS = 64 };
    char *text = malloc(size + 1), *argv[MAX_WORDS], *at = text;
    struct options options;
    struct error err = { .text = "" };
    int argc = 0, rc;

    memcpy(text, data, size);
    text[size] = '\0';
    while (at != NULL && argc < MAX_WORDS) {
        char *word = strsep(&at, "\n");

        if (strncmp(word, "--config", 8) != 0) /* files of the host are no part of the input */
            argv[argc++] = word;
    }
    options_init(&options);
    rc = options_parse(&options, argc, argv, &err);
    check_outcome(&options, rc, &err);
    options_fini(&options);
    free(text);
    return 0;
}

/* base/tests/capture.h - standard error into a buffer, for the tests of what is printed there. */
#ifndef BASE_TESTS_CAPTURE_H
#define BASE_TESTS_CAPTURE_H

#include <stdio.h>
#include <unistd.h>

struct capture {
    int saved;
    FILE *file;
    char text[16384];
};

static inline void capture_begin(struct capture *cap)
{
    cap->saved = dup(STDERR_FILENO);
    cap->file = tmpfile();
    dup2(fileno(cap->file), STDERR_FILENO);
}

/* What was printed since capture_begin(), terminated. */
static inline const char *capture_end(struct capture *cap)
{
    size_t n;

    dup2(cap->saved, STDERR_FILENO);
    close(cap->saved);
    rewind(cap->file);
    n = fread(cap->text, 1, sizeof(cap->text) - 1, cap->file);
    cap->text[n] = 0;
    fclose(cap->file);
    return cap->text;
}

#endif

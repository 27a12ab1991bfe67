/*
 * dbt/front/riscv/tests/test_golden.c - guest code and the IR it becomes, as text files in
 * golden/. A file is a list of cases:
 *
 *     case NAME
 *     mode u | s | m, and flags of enum front_mode: fs_off fs_dirty frm_bad frm_nearest
 *                              sbi cbo
 *     without EXTENSION...
 *     code HEX...              4 digits: a compressed instruction, 8: another
 *     # text                   ignored
 *     IR, one op a line, as ir_dump() prints it
 *     end
 *
 * VIREO_GOLDEN_UPDATE=1 rewrites the files with what is now made of the code, and with its
 * disassembly as comments: read the difference before committing it.
 */
#include "tests/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbt/front/riscv/front.h"
#include "isa/riscv/insn.h"

enum { MAX_CODE = 256, LINE = 256 };

struct golden {
    char name[LINE];
    unsigned mode;
    struct isa_config isa;
    _Alignas(4) uint8_t code[MAX_CODE];
    unsigned size;
    struct strbuf head; /* the case's lines before the IR, as they are */
    struct strbuf expected;
};

static struct ir_block ir;

static void set_flag(struct golden *g, const char *word)
{
    static const struct {
        const char *word;
        unsigned mode;
    } flag[] = {
        { "u", 0 },
        { "s", 1 },
        { "m", 3 },
        { "fs_off", FRONT_FS_OFF },
        { "fs_dirty", FRONT_FS_DIRTY },
        { "frm_bad", FRONT_FRM_BAD },
        { "frm_nearest", FRONT_FRM_NEAREST },
        { "sbi", FRONT_BUILTIN_SBI },
        { "cbo", FRONT_CBO_CLEAN | FRONT_CBO_INVAL | FRONT_CBO_ZERO },
    };

    for (unsigned i = 0; i < ARRAY_LEN(flag); i++) {
        if (strcmp(word, flag[i].word) == 0) {
            g->mode |= flag[i].mode;
            return;
        }
    }
    fail_msg("%s: no mode '%s'", g->name, word);
}

static void drop_extension(struct golden *g, const char *word)
{
    for (unsigned ext = 0; ext < ISA_EXT_COUNT; ext++) {
        if (strcmp(word, isa_ext_name((enum isa_ext)ext)) == 0) {
            g->isa.ext &= ~(UINT64_C(1) << ext);
            return;
        }
    }
    fail_msg("%s: no extension '%s'", g->name, word);
}

static void add_code(struct golden *g, const char *word)
{
    unsigned long bits = strtoul(word, NULL, 16);
    size_t bytes = strlen(word) / 2;

    if ((bytes != 2 && bytes != 4) || g->size + bytes > MAX_CODE)
        fail_msg("%s: bad code '%s'", g->name, word);
    for (size_t i = 0; i < bytes; i++)
        g->code[g->size++] = (uint8_t)(bits >> 8 * i);
}

/* One line of a case's head; false: it is the IR's. */
static bool read_head_line(struct golden *g, const char *line)
{
    char copy[LINE], *save = NULL, *word;
    void (*take)(struct golden * g, const char *word);

    snprintf(copy, sizeof(copy), "%s", line);
    word = strtok_r(copy, " \n", &save);
    if (!word)
        return true;
    if (strcmp(word, "mode") == 0)
        take = set_flag;
    else if (strcmp(word, "without") == 0)
        take = drop_extension;
    else if (strcmp(word, "code") == 0)
        take = add_code;
    else
        return false;
    while ((word = strtok_r(NULL, " \n", &save)))
        take(g, word);
    strbuf_add(&g->head, line);
    return true;
}

/* The next case of a file; false at its end. */
static bool read_case(FILE *file, struct golden *g)
{
    char line[LINE];

    memset(g, 0, sizeof(*g));
    strbuf_init(&g->head);
    strbuf_init(&g->expected);
    isa_config_default(&g->isa);
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, "case ", 5) == 0)
            snprintf(g->name, sizeof(g->name), "%.*s", (int)strcspn(line + 5, "\n"), line + 5);
        else if (strcmp(line, "end\n") == 0)
            return true;
        else if (line[0] != '#' && !read_head_line(g, line))
            strbuf_add(&g->expected, line);
    }
    if (g->name[0])
        fail_msg("%s: no end", g->name);
    return false;
}

static void end_case(struct golden *g)
{
    strbuf_fini(&g->head);
    strbuf_fini(&g->expected);
}

static void translate(const struct golden *g, struct strbuf *out)
{
    struct front_source source = { .bytes = g->code,
                                   .size = g->size,
                                   .mode = g->mode,
                                   .isa = &g->isa,
                                   .max_insns = IR_MAX_INSNS };
    char why[200] = "";

    if (g->size == 0)
        fail_msg("%s: no code", g->name);
    assert_true(front_translate(&source, &ir));
    if (!ir_verify(&ir, why, sizeof(why)))
        fail_msg("%s: %s", g->name, why);
    if (ir.length != g->size)
        fail_msg("%s: the block has %u of %u bytes", g->name, ir.length, g->size);
    ir_dump(&ir, out);
}

static void add_disassembly(const struct golden *g, struct strbuf *out)
{
    for (unsigned at = 0; at + 2 <= g->size;) {
        uint32_t raw = g->code[at] | (uint32_t)g->code[at + 1] << 8;
        struct insn insn;
        char text[80];

        if (insn_length((uint16_t)raw) == 4)
            raw |= (uint32_t)g->code[at + 2] << 16 | (uint32_t)g->code[at + 3] << 24;
        (void)insn_decode(raw, &g->isa, &insn);
        insn_disasm(&insn, at, text, sizeof(text));
        strbuf_addf(out, "# %s\n", text);
        at += insn_length((uint16_t)raw);
    }
}

static void check_file(const char *path, bool update)
{
    FILE *file = fopen(path, "r");
    struct strbuf rewritten, got;
    struct golden g;
    unsigned cases = 0;

    if (!file)
        fail_msg("%s: cannot open", path);
    strbuf_init(&rewritten);
    strbuf_init(&got);
    for (; read_case(file, &g); end_case(&g), cases++) {
        strbuf_clear(&got);
        translate(&g, &got);
        if (!update && strcmp(strbuf_str(&got), strbuf_str(&g.expected)) != 0)
            fail_msg("%s: %s: expected\n%sbut got\n%s", path, g.name, strbuf_str(&g.expected),
                     strbuf_str(&got));
        strbuf_addf(&rewritten, "%scase %s\n%s", cases ? "\n" : "", g.name, strbuf_str(&g.head));
        add_disassembly(&g, &rewritten);
        strbuf_addf(&rewritten, "%send\n", strbuf_str(&got));
    }
    end_case(&g);
    fclose(file);
    if (cases == 0)
        fail_msg("%s: no cases", path);
    if (update) {
        file = fopen(path, "w");
        assert_non_null(file);
        fputs(strbuf_str(&rewritten), file);
        assert_int_equal(fclose(file), 0);
    }
    strbuf_fini(&rewritten);
    strbuf_fini(&got);
}

TEST(guest_code_becomes_the_ir_on_file)
{
    DIR *dir = opendir(GOLDEN_DIR);
    const struct dirent *entry;
    unsigned files = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        char path[1024];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", GOLDEN_DIR, entry->d_name);
        check_file(path, getenv("VIREO_GOLDEN_UPDATE") != NULL);
        files++;
    }
    closedir(dir);
    assert_true(files > 0);
}

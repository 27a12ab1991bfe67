#!/usr/bin/env python3
"""Makes C of src/isa/riscv/insn.table (its head explains the format).

    gen_insn.py insn.table ext.def insn_rows.h insn_gen.c

insn_rows.h: enum insn_row and enum insn_fmt. insn_gen.c: insn_info[], the decoder, operand
extraction and packing, and the piece tables the slow decoder interprets. Two rows that match one
word, an unknown name or a field that does not fit stop the build.
"""
import re
import sys

OPERANDS = ['rd', 'rs1', 'rs2', 'rs3', 'rm', 'aq', 'rl', 'csr', 'imm']
EFFECTS = ['load', 'store', 'branch', 'jump', 'system', 'fp', 'fpwrite', 'rm']


class TableError(Exception):
    pass


class Field:
    """Where a value sits: pieces (hi, lo, lowest bit of the value)."""

    def __init__(self, name, words):
        self.name, self.signed, self.plus, self.pieces = name, False, 0, []
        for word in words:
            if word == 'signed':
                self.signed = True
                continue
            if word.startswith('+'):
                self.plus = int(word[1:])
                continue
            found = re.fullmatch(r'(\d+)(?::(\d+))?(?:@(\d+))?', word)
            if not found:
                raise TableError(f'field {name}: cannot read "{word}"')
            hi = int(found[1])
            lo = int(found[2]) if found[2] else hi
            if not 31 >= hi >= lo:
                raise TableError(f'field {name}: bits {word} are upside down')
            self.pieces.append((hi, lo, int(found[3] or 0)))
        self.width = max(hi - lo + 1 + at for hi, lo, at in self.pieces)
        self.mask = 0
        for hi, lo, _ in self.pieces:
            bits = ((1 << hi - lo + 1) - 1) << lo
            if self.mask & bits:
                raise TableError(f'field {name} takes a bit twice')
            self.mask |= bits

    def put(self, val):
        """The instruction bits of a fixed value."""
        if val >> self.width or val & ~self.value_mask():
            raise TableError(f'{self.name}={val:#x} does not fit')
        word = 0
        for hi, lo, at in self.pieces:
            word |= (val >> at & (1 << hi - lo + 1) - 1) << lo
        return word

    def value_mask(self):
        mask = 0
        for hi, lo, at in self.pieces:
            mask |= ((1 << hi - lo + 1) - 1) << at
        return mask

    def get(self, word):
        val = 0
        for hi, lo, at in self.pieces:
            val |= (word >> lo & (1 << hi - lo + 1) - 1) << at
        if self.signed and val >> self.width - 1:
            val -= 1 << self.width
        return val + self.plus

    def c_get(self):
        parts = []
        for hi, lo, at in self.pieces:
            part = f'w >> {lo}' if lo else 'w'
            if hi < 31:
                part = f'({part} & {(1 << hi - lo + 1) - 1:#x}u)'
            elif lo:
                part = f'({part})'
            parts.append(f'{part} << {at}' if at else part)
        text = ' | '.join(f'({p})' for p in parts) if len(parts) > 1 else parts[0]
        if self.signed:
            return f'sext({text}, {self.width})'
        return f'({text}) + {self.plus}' if self.plus else text

    def c_put(self, operand):
        val = f'(uint32_t)in->{operand}'
        if self.plus:
            val = f'({val} - {self.plus}u)'
        parts = []
        for hi, lo, at in self.pieces:
            part = f'{val} >> {at}' if at else val
            part = f'({part} & {(1 << hi - lo + 1) - 1:#x}u)'
            parts.append(f'{part} << {lo}' if lo else part)
        return ' | '.join(f'({p})' if ' << ' in p else p for p in parts)


class Format:
    def __init__(self, name, words, fields):
        self.name, self.operands, self.conditions = name, {}, []
        for word in words:
            if is_condition(word):
                self.conditions.append(Condition(word))
                continue
            operand, _, source = word.partition('=')
            source = source or operand
            if operand not in OPERANDS:
                raise TableError(f'format {name}: no operand "{operand}"')
            if source.startswith('#'):
                self.operands[operand] = int(source[1:])
            elif source in fields:
                self.operands[operand] = fields[source]
            else:
                raise TableError(f'format {name}: no field "{source}"')


class Condition:
    def __init__(self, word):
        self.operand, op, val = re.fullmatch(r'(\w+)(!=|:)(\w+)', word).groups()
        self.even = op == ':'
        if self.even and val != 'even':
            raise TableError(f'cannot read condition "{word}"')
        self.val = 0 if self.even else int(val, 0)

    def holds(self, row, word):
        val = row.fmt.operands[self.operand].get(word)
        return val % 2 == 0 if self.even else val != self.val

    def c_text(self, row):
        get = row.fmt.operands[self.operand].c_get()
        return f'(({get}) & 1) == 0' if self.even else f'({get}) != {self.val}'


def is_condition(word):
    return re.fullmatch(r'\w+(!=\w+|:even)', word) is not None


class Row:
    def __init__(self, name, words, fields, formats):
        self.name = name
        self.enum = 'INSN_' + name.upper().replace('.', '_')
        self.mask = self.match = 0
        self.conditions, self.effects = [], []
        self.base = self.special = None
        words = list(words)
        while words and (is_condition(words[0]) or re.fullmatch(r'\w+=\w+', words[0])):
            word = words.pop(0)
            if is_condition(word):
                self.conditions.append(Condition(word))
                continue
            field, val = word.split('=')
            if field not in fields:
                raise TableError(f'no field "{field}"')
            bits = fields[field].put(int(val, 16))
            if self.mask & fields[field].mask:
                raise TableError(f'{word} fixes a bit twice')
            self.mask |= fields[field].mask
            self.match |= bits
        if len(words) < 2:
            raise TableError('needs FORMAT:TEXT and an extension')
        fmt, colon, self.text = words.pop(0).partition(':')
        if not colon or fmt not in formats:
            raise TableError(f'no format "{fmt}"')
        self.fmt = formats[fmt]
        self.exts = words.pop(0).split('+')
        while words:
            word = words.pop(0)
            if word == '>':
                self.base = words.pop(0)
            elif word.startswith('special='):
                self.special = word[8:]
            else:
                self.effects = word.split(',')
                unknown = set(self.effects) - set(EFFECTS)
                if unknown:
                    raise TableError(f'no effect {unknown}')
        self.length = 4 if self.match & 3 == 3 else 2
        self.conditions += self.fmt.conditions
        taken = self.mask
        for operand, source in self.fmt.operands.items():
            # Two operands may share a field (rd and rs1 of c.addi); none may be fixed.
            if isinstance(source, Field) and source.mask & taken:
                raise TableError(f'operand {operand} lies under a fixed field')
        if self.length == 2 and (self.mask | self.operand_mask()) >> 16:
            raise TableError('reaches behind its 16 bits')

    def operand_mask(self):
        mask = 0
        for source in self.fmt.operands.values():
            if isinstance(source, Field):
                mask |= source.mask
        return mask

    def accepts(self, word):
        return word & self.mask == self.match and all(c.holds(self, word) for c in self.conditions)


def parse(path):
    fields, formats, rows = {}, {}, []
    with open(path) as table:
        for number, line in enumerate(table, 1):
            words = line.split()
            if not words or words[0].startswith('#'):
                continue
            try:
                if words[0] == '%field':
                    fields[words[1]] = Field(words[1], words[2:])
                elif words[0] == '%format':
                    formats[words[1]] = Format(words[1], words[2:], fields)
                else:
                    rows.append(Row(words[0], words[1:], fields, formats))
            except (TableError, AttributeError, ValueError, IndexError) as wrong:
                sys.exit(f'{path}:{number}: {words[0]}: {wrong}')
    try:
        link(rows)
        check_overlap(rows)
    except TableError as wrong:
        sys.exit(f'{path}: {wrong}')
    return formats, rows


def link(rows):
    by_name = {row.name: row for row in rows}
    if len(by_name) != len(rows):
        twice = [r.name for r in rows if by_name[r.name] is not r]
        raise TableError(f'rows named twice: {twice}')
    for row in rows:
        for attr in 'base', 'special':
            name = getattr(row, attr)
            if name is not None and name not in by_name:
                raise TableError(f'{row.name}: no row "{name}"')
        row.special = by_name[row.special] if row.special else None
        if (row.length == 2) != (row.base is not None):
            raise TableError(f'{row.name}: 16-bit rows, and only they, name a base row')
        if row.base:
            row.base = by_name[row.base]
            row.effects = row.base.effects
            if set(row.fmt.operands) != set(row.base.fmt.operands):
                raise TableError(f'{row.name}: operands are not those of {row.base.name}')
        else:
            row.base = row


def check_overlap(rows):
    for i, a in enumerate(rows):
        for b in rows[i + 1:]:
            common = a.mask & b.mask
            if a.length != b.length or (a.match ^ b.match) & common:
                continue
            if contains(a, b) or contains(b, a):
                continue
            word = shared_word(a, b)
            if word is not None:
                raise TableError(f'{a.name} and {b.name} both match {word:#x}')


def contains(special, general):
    """Whether `special` says it is a special case of `general`, and is."""
    if special.special is not general:
        return False
    if special.mask & general.mask != general.mask or special.mask == general.mask:
        raise TableError(f'{special.name} is not a special case of {general.name}')
    return True


def shared_word(a, b):
    """A word both rows accept, or None. 32-bit rows must differ in their fixed bits."""
    fixed, match = a.mask | b.mask, a.match | b.match
    if a.length == 4:
        return match
    free = [bit for bit in range(16) if not fixed >> bit & 1]
    for number in range(1 << len(free)):
        word = match
        for i, bit in enumerate(free):
            word |= (number >> i & 1) << bit
        if a.accepts(word) and b.accepts(word):
            return word
    return None


# ---- the decoder: nested switches ----

def runs(mask):
    """Contiguous runs of one bits, as (lo, width)."""
    out, bit = [], 0
    while mask >> bit:
        if mask >> bit & 1:
            lo = bit
            while mask >> bit & 1:
                bit += 1
            out.append((lo, bit - lo))
        else:
            bit += 1
    return out


def tree(rows, known, indent, out):
    """Emits code that returns the row of `rows` that matches; `known` bits are decided."""
    pad = '    ' * indent
    common = ~known & 0xffffffff
    for row in rows:
        common &= row.mask
    best = None
    for lo, width in runs(common):
        values = {row.match >> lo & (1 << width) - 1 for row in rows}
        if len(values) > 1 and (best is None or len(values) > best[0]):
            best = len(values), lo, width
    if best is None:
        leaf(rows, known, pad, out)
        return
    _, lo, width = best
    out.append(f'{pad}switch (w >> {lo} & {(1 << width) - 1:#x}u) {{')
    groups = {}
    for row in rows:
        groups.setdefault(row.match >> lo & (1 << width) - 1, []).append(row)
    for val in sorted(groups):
        out.append(f'{pad}case {val:#x}:')
        tree(groups[val], known | (1 << width) - 1 << lo, indent + 1, out)
    out.append(f'{pad}default:')
    out.append(f'{pad}    return INSN_ILLEGAL;')
    out.append(f'{pad}}}')


def leaf(rows, known, pad, out):
    # Special cases first: they have more fixed bits.
    for row in sorted(rows, key=lambda r: -bin(r.mask).count('1')):
        tests = []
        if row.mask & ~known:
            tests.append(f'(w & {row.mask & ~known:#x}u) == {row.match & ~known:#x}u')
        tests += [c.c_text(row) for c in row.conditions]
        need = ' | '.join(f'NEED_{ext}' for ext in row.exts if ext != 'I')
        if need:
            tests.append(f'HAS({need})')
        if not tests:
            out.append(f'{pad}return {row.enum};')
            return
        out.append(f'{pad}if ({" && ".join(tests)})')
        out.append(f'{pad}    return {row.enum};')
    out.append(f'{pad}return INSN_ILLEGAL;')


# ---- output ----

def emit_rows(formats, rows, path):
    with open(path, 'w') as out:
        print('/* Generated by scripts/gen_insn.py from insn.table. */\n'
              '#ifndef ISA_RISCV_INSN_ROWS_H\n#define ISA_RISCV_INSN_ROWS_H\n', file=out)
        print('enum insn_row {\n    INSN_ILLEGAL,', file=out)
        for row in rows:
            print(f'    {row.enum}, /* {row.name} */', file=out)
        first = next(row for row in rows if row.length == 2)
        print(f'    INSN_ROW_COUNT,\n    INSN_FIRST_COMPRESSED = {first.enum},\n}};\n', file=out)
        print('enum insn_fmt {', file=out)
        for fmt in formats.values():
            print(f'    INSN_FMT_{fmt.name},', file=out)
        print('    INSN_FMT_COUNT\n};\n\n#endif', file=out)


def emit_info(rows, out):
    print('/* clang-format off */\nconst struct insn_info insn_info[INSN_ROW_COUNT] = {', file=out)
    print('    [INSN_ILLEGAL] = { .name = "illegal", .length = 4, .fmt = INSN_FMT_N, '
          '.operands = "" },', file=out)
    for row in rows:
        effects = ' | '.join('INSN_' + e.upper() for e in row.effects) or '0'
        exts = [f'ISA_EXT_{row.exts[0]}', f'ISA_EXT_{row.exts[-1]}']
        print(f'    [{row.enum}] = {{ "{row.name}", {row.mask:#010x}u, {row.match:#010x}u, '
              f'{row.length}, INSN_FMT_{row.fmt.name}, {exts[0]}, {exts[1]}, '
              f'{effects}, {row.base.enum}, "{row.text}" }},', file=out)
    print('};\n', file=out)


def emit_match(rows, out):
    exts = sorted({ext for row in rows for ext in row.exts})
    for ext in exts:
        print(f'#define NEED_{ext} (UINT64_C(1) << ISA_EXT_{ext})', file=out)
    print('#define HAS(need) ((ext & (need)) == (need))\n', file=out)
    print('static inline int64_t sext(uint32_t val, unsigned width)\n{\n'
          '    return (int64_t)((uint64_t)val << (64 - width)) >> (64 - width);\n}\n', file=out)
    for name, length in ('match32', 4), ('match16', 2):
        lines = []
        tree([row for row in rows if row.length == length], 0, 1, lines)
        print(f'static enum insn_row {name}(uint32_t w, uint64_t ext)\n{{', file=out)
        print('\n'.join(lines) + '\n}\n', file=out)


def emit_extract(formats, out):
    types = dict(rm='uint8_t', aq='uint8_t', rl='uint8_t', csr='uint16_t', imm='int64_t')
    print('static void extract(uint32_t w, enum insn_fmt fmt, struct insn *in)\n{\n'
          '    switch (fmt) {', file=out)
    for fmt in formats.values():
        print(f'    case INSN_FMT_{fmt.name}:', file=out)
        for operand, source in fmt.operands.items():
            kind = types.get(operand, 'uint8_t')
            if isinstance(source, Field):
                text = source.c_get()
                text = text if source.signed else f'({kind})({text})'
            else:
                text = f'{source}'
            print(f'        in->{operand} = {text};', file=out)
        print('        break;', file=out)
    print('    case INSN_FMT_COUNT:\n        break;\n    }\n}\n', file=out)

    print('uint32_t insn_pack(enum insn_fmt fmt, const struct insn *in)\n{\n'
          '    switch (fmt) {', file=out)
    for fmt in formats.values():
        sources = [(o, s) for o, s in fmt.operands.items() if isinstance(s, Field)]
        parts, done = [], set()
        for operand, source in sources:
            if source.name not in done:
                parts.append(source.c_put(operand))
                done.add(source.name)
        print(f'    case INSN_FMT_{fmt.name}:\n'
              f'        return {(" |%s" % (chr(10) + " " * 15)).join(parts) or "0"};', file=out)
    print('    case INSN_FMT_COUNT:\n        break;\n    }\n    return 0;\n}\n', file=out)


DECODE = '''enum insn_row insn_decode(uint32_t raw, const struct isa_config *config,
                          struct insn *ret_insn)
{
    enum insn_row row;

    *ret_insn = (struct insn){ 0 };
    if ((raw & 3) == 3) {
        row = match32(raw, config->ext);
        ret_insn->length = 4;
    } else {
        raw &= 0xffff;
        row = match16(raw, config->ext);
        ret_insn->length = 2;
    }
    ret_insn->raw = raw;
    if (row == INSN_ILLEGAL)
        return INSN_ILLEGAL;
    ret_insn->row = (uint16_t)row;
    ret_insn->id = insn_info[row].base;
    extract(raw, (enum insn_fmt)insn_info[row].fmt, ret_insn);
    return (enum insn_row)ret_insn->id;
}
'''


def emit_slow_tables(formats, rows, out):
    """What the slow decoder interprets: independent of the expressions above."""
    print('const struct insn_operand insn_operands[INSN_FMT_COUNT][INSN_MAX_OPERANDS] = {', file=out)
    for fmt in formats.values():
        cells = []
        for operand, source in fmt.operands.items():
            if isinstance(source, Field):
                pieces = ', '.join(f'{{ {hi}, {lo}, {at} }}' for hi, lo, at in source.pieces)
                cells.append(f'{{ INSN_OPERAND_{operand.upper()}, {int(source.signed)}, '
                             f'{source.width}, {source.plus}, {len(source.pieces)}, '
                             f'{{ {pieces} }} }}')
            else:
                cells.append(f'{{ INSN_OPERAND_{operand.upper()}, 0, 0, {source}, 0, '
                             '{ { 0, 0, 0 } } }')
        cells.append('{ INSN_OPERAND_NONE, 0, 0, 0, 0, { { 0, 0, 0 } } }')
        print(f'    [INSN_FMT_{fmt.name}] = {{ {", ".join(cells)} }},', file=out)
    print('};\n', file=out)
    print('const struct insn_condition insn_conditions[] = {', file=out)
    for row in rows:
        for cond in row.conditions:
            print(f'    {{ {row.enum}, INSN_OPERAND_{cond.operand.upper()}, {int(cond.even)}, '
                  f'{cond.val} }},', file=out)
    print('    { INSN_ILLEGAL, INSN_OPERAND_NONE, 0, 0 },\n};\n', file=out)
    print('const uint16_t insn_specials[][2] = {', file=out)
    for row in rows:
        if row.special:
            print(f'    {{ {row.enum}, {row.special.enum} }},', file=out)
    print('    { INSN_ILLEGAL, INSN_ILLEGAL },\n};', file=out)


def check_exts(rows, path):
    with open(path) as text:
        known = set(re.findall(r'^X\((\w+),', text.read(), re.M))
    for row in rows:
        for ext in row.exts:
            if ext not in known:
                sys.exit(f'{path}: no extension {ext}, which row {row.name} needs')
        if len(row.exts) > 2:
            sys.exit(f'{row.name}: more than two extensions')


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    table, ext_def, rows_h, gen_c = sys.argv[1:]
    formats, rows = parse(table)
    check_exts(rows, ext_def)
    emit_rows(formats, rows, rows_h)
    with open(gen_c, 'w') as out:
        print('/* Generated by scripts/gen_insn.py from insn.table. */\n'
              '#include "isa/riscv/insn.h"\n#include "isa/riscv/insn_tables.h"\n', file=out)
        emit_info(rows, out)
        emit_match(rows, out)
        emit_extract(formats, out)
        print(DECODE, file=out)
        emit_slow_tables(formats, rows, out)


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
"""Compares our disassembler with GNU objdump on random words of every row.

    check_disasm.py PATH-TO-disasm_rows

Needs Debian's binutils-riscv64-linux-gnu; exits with 77 (skipped) where it is not.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

AS, OBJDUMP = 'riscv64-linux-gnu-as', 'riscv64-linux-gnu-objdump'
EXTS = ['zicsr', 'zifencei', 'zba', 'zbb', 'zbc', 'zbs', 'zfhmin', 'zawrs', 'zicbom', 'zicbop',
        'zicboz', 'svinval', 'zihintpause', 'zicond', 'zacas']


def known_exts(folder):
    """Those this assembler knows: old ones lack a few."""
    empty = os.path.join(folder, 'empty.s')
    open(empty, 'w').close()
    return [ext for ext in EXTS
            if subprocess.run([AS, f'-march=rv64gc_{ext}', empty, '-o', empty + '.o'],
                              capture_output=True).returncode == 0]


def objdump(words, march, folder):
    source, binary = os.path.join(folder, 'words.s'), os.path.join(folder, 'words.o')
    with open(source, 'w') as out:
        for length, word in words:
            out.write(f'.insn {length}, {word:#x}\n' if length == 4 else f'.insn {word:#x}\n')
    subprocess.run([AS, f'-march={march}', source, '-o', binary], check=True)
    text = subprocess.run([OBJDUMP, '-d', '-M', 'no-aliases', binary], check=True,
                          capture_output=True, text=True).stdout
    return re.findall(r'^ *([0-9a-f]+):\t([0-9a-f]+) *\t(.*)$', text, re.M)


def normal(text, base):
    """objdump's text in our spelling; targets relative to the instruction."""
    text = re.sub(r'\s*(#.*|<[^>]*>)$', '', text.strip()).replace('\t', ' ')
    found = re.match(r'(jal|c\.j|b(?:eq|ne|lt|ge|ltu|geu)|c\.b(?:eq|ne)z) (.*?)(0x)?([0-9a-f]+)$', text)
    if found:
        target = int(found[4], 16) - base & (1 << 64) - 1
        text = f'{found[1]} {found[2]}{target:#x}'
    return text.replace('unknown', '0')


def same(ours, theirs):
    # Hints (to x0, by 0) have names of their own in some versions; objdump knows CSRs of
    # extensions we do not have.
    if re.search(r'^\S+ zero\b|^c\.\S+ \w+,(0x)?0$', ours):
        return True
    return ours == theirs or (ours.startswith('csr') and
                              re.sub(r',0x\w+,', ',', ours) == re.sub(r',\w+,', ',', theirs))


def main():
    if not shutil.which(AS) or not shutil.which(OBJDUMP):
        print(f'skipped: no {OBJDUMP} (Debian package binutils-riscv64-linux-gnu)')
        sys.exit(77)
    lines = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
    ours = [line.split(' ', 3) for line in lines.splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        exts = known_exts(folder)
        theirs = objdump([(int(o[1]), int(o[2], 16)) for o in ours],
                         '_'.join(['rv64gc'] + exts), folder)
    assert len(theirs) == len(ours), (len(theirs), len(ours))
    wrong, unknown, rows = 0, set(), set()
    for (row, _, word, text), (addr, their_word, their_text) in zip(ours, theirs):
        assert int(word, 16) == int(their_word, 16), (word, their_word)
        their_text = normal(their_text, int(addr, 16))
        if re.match(r'\.(word|short|[248]?byte|insn)|unimp', their_text):
            unknown.add(row)
        elif not same(text, their_text):
            print(f'{word:>8} {row}: ours "{text}", objdump "{their_text}"')
            wrong += 1
        else:
            rows.add(row)
    unknown -= rows
    missing = {o[0] for o in ours} - rows - unknown
    excused = {row for row in unknown
               if ('zacas' not in exts and row.startswith('amocas')) or
               ('zicond' not in exts and row.startswith('czero'))}
    print(f'{len(ours)} words of {len(rows)} rows agree; this objdump does not know: '
          f'{" ".join(sorted(unknown)) or "-"}')
    if wrong or missing or unknown - excused:
        sys.exit(f'{wrong} words differ; rows never compared: {sorted(missing | unknown - excused)}')


if __name__ == '__main__':
    main()

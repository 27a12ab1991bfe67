#!/usr/bin/env python3
"""The generators refuse what is wrong in a table, with the line or the rows at fault.

    test_gen_insn.py gen_insn.py gen_csr.py insn.table csr.table ext.def
"""
import os
import re
import subprocess
import sys
import tempfile

GEN_INSN, GEN_CSR, INSN_TABLE, CSR_TABLE, EXT_DEF = sys.argv[1:]
failures = 0


def generate(generator, text):
    """stderr of a failed run; None when it was content."""
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, 'table')
        with open(table, 'w') as out:
            out.write(text)
        done = subprocess.run([sys.executable, generator, table, EXT_DEF,
                               os.path.join(folder, 'out.h'), os.path.join(folder, 'out.c')],
                              capture_output=True, text=True)
        return done.stderr if done.returncode else None


def expect(what, generator, text, pattern):
    global failures
    said = generate(generator, text)
    if pattern is None and said is not None or \
            pattern is not None and (said is None or not re.search(pattern, said)):
        print(f'{what}: expected {pattern}, the generator said: {said}')
        failures += 1


with open(INSN_TABLE) as file:
    insns = file.read()
with open(CSR_TABLE) as file:
    csrs = file.read()


def row(text):
    return insns + text + '\n'


expect('the table itself', GEN_INSN, insns, None)
expect('same word twice', GEN_INSN, row('addi2 op=13 f3=0 I:rd,rs1,imm I'),
       'addi and addi2 both match 0x13')
expect('a part of another row', GEN_INSN, row('nop op=13 f3=0 f12=0 rs1=0 rd=0 N: I'),
       'addi and nop both match')
expect('a declared special case', GEN_INSN,
       row('nop op=13 f3=0 f12=0 rs1=0 rd=0 N: I special=addi'), None)
expect('special, but not of that row', GEN_INSN,
       row('nop op=13 f3=1 f12=0 rs1=0 rd=0 N: I special=addi'), 'slli and nop both match')
expect('compressed, excluded by a condition', GEN_INSN,
       row('c.jal q=1 c3=1 cr=0 CN: C > ebreak'), None)
expect('compressed, not excluded', GEN_INSN, row('c.jal q=1 c3=1 CJ:target C > jal'),
       r'c\.addiw and c\.jal both match 0x')
expect('two names', GEN_INSN, row('addi op=5b f3=0 I:rd,rs1,imm I'), 'named twice')
expect('unknown field', GEN_INSN, row('x op=5b zz=0 N: I'), r'table:\d+: x: no field "zz"')
expect('value too wide', GEN_INSN, row('x op=5b f3=8 N: I'), 'does not fit')
expect('bit fixed twice', GEN_INSN, row('x op=5b f7=0 f6=0 N: I'), 'twice')
expect('operand under a fixed field', GEN_INSN, row('x op=5b f12=0 I:rd,rs1,imm I'), 'lies under')
expect('unknown format', GEN_INSN, row('x op=5b ZZ:rd I'), 'no format')
expect('unknown extension', GEN_INSN, row('x op=5b N: ZZ'), 'no extension ZZ')
expect('unknown effect', GEN_INSN, row('x op=5b N: I explode'), 'no effect')
expect('unknown base', GEN_INSN, row('c.x q=0 c3=4 CN: C > zz'), 'no row "zz"')
expect('compressed without base', GEN_INSN, row('c.x q=0 c3=4 CN: C'), 'name a base row')
expect('base with other operands', GEN_INSN, row('c.x q=0 c3=4 CN: C > addi'), 'operands are not')
expect('nothing behind the name', GEN_INSN, row('x op=5b'), 'needs FORMAT')
expect('bits upside down', GEN_INSN, '%field op 0:6\n', 'upside down')

expect('the CSR table itself', GEN_CSR, csrs, None)
expect('CSR twice', GEN_CSR, csrs + '300 another I\n', 'there twice')
expect('CSR name twice', GEN_CSR, csrs + '5c0 mstatus I\n', 'there twice')
expect('CSR, unknown extension', GEN_CSR, csrs + '5c0 x ZZ\n', 'no extension')
expect('CSR, too few words', GEN_CSR, csrs + '5c0 x\n', 'needs NUMBER')
sys.exit(1 if failures else 0)

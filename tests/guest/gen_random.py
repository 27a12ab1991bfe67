#!/usr/bin/env python3
"""Writes a random guest program that prints what it has computed, for comparing two machines.

    gen_random.py insn.table SEED OUT.S [--without NAME,...] [--length N] [--turns N]

Straight runs of random instructions of the table with short forward branches, in a loop; after each
turn a hash of all registers, fcsr and the memory touched is printed. Without: rows or extensions
(in lower case) one of the machines lacks or has wrong.
"""
import argparse
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../scripts'))
import gen_insn  # noqa: E402

# Bases into the buffer, and what the loop needs: never written by a random instruction.
SP, A5, T5, T6 = 2, 15, 30, 31
KEPT = (SP, A5, T5, T6)
BASES = {'CLW': A5, 'CLD': A5, 'CSW': A5, 'CSD': A5}
# Time, traps, other modes, and what may fail for no reason.
LEFT_OUT = {'lr.w', 'lr.d', 'sc.w', 'sc.d', 'wrs.nto', 'wrs.sto', 'wfi', 'ecall', 'ebreak', 'mret',
            'sret', 'c.ebreak', 'jalr', 'c.jr', 'c.jalr', 'cbo.inval', 'jal', 'c.j',
            'sfence.vma', 'sinval.vma', 'sfence.w.inval', 'sfence.inval.ir'}


class Program:
    def __init__(self, table, seed, without, length):
        self.random = random.Random(seed)
        self.lines = []
        self.rows = [row for row in table if row.name not in LEFT_OUT | without and
                     not {e.lower() for e in row.exts} & without]
        self.specials = [row for row in table if row.special]
        self.label = 0
        left = length
        while left > 0:
            left -= self.step()

    def word(self, row, fixed):
        """A random word of the row with some operands fixed."""
        while True:
            word = self.random.getrandbits(8 * row.length) & ~row.mask | row.match
            for operand, val in fixed.items():
                field = row.fmt.operands[operand]
                if isinstance(field, gen_insn.Field):
                    word = word & ~field.mask | field.put(val - field.plus)
            if not row.accepts(word) or any(s.accepts(word) and s is not row for s in self.specials
                                            if s.special is row):
                continue
            if self.is_fine(row, word):
                return word

    @staticmethod
    def is_fine(row, word):
        target = row.fmt.operands.get('rd')
        if target is None or row.text.startswith('frd'):
            return True
        rd = target.get(word) if isinstance(target, gen_insn.Field) else target
        return rd not in KEPT and not (row.name == 'amocas.q' and rd + 1 in KEPT)

    def put(self, row, word):
        self.lines.append(f'        .{row.length}byte {word:#x} # {row.name}')

    def step(self):
        kind = self.random.random()
        if kind < .06:   # without fresh values all f registers soon are NaN
            self.lines.append(f'        fld f{self.random.randrange(32)}, '
                              f'{8 * self.random.randrange(32) - 1024 - 256}(sp)')
            return 1
        if kind < .09:   # and all flags set
            rd = self.random.choice([r for r in range(32) if r not in KEPT])
            self.lines.append(f'        csrrwi x{rd}, fflags, 0')
            return 1
        row = self.random.choice(self.rows)
        effects, operands = set(row.base.effects), row.fmt.operands
        if row.name == 'c.addi16sp':
            return 0
        if 'branch' in effects:
            return self.branch(row)
        if row.name.startswith('csr'):
            # fflags or fcsr, never an invalid rounding mode for long.
            self.put(row, self.word(row, {'csr': self.random.choice([1, 1, 3])}))
            self.lines.append(f'        csrwi frm, {self.random.randrange(5)}')
            return 1
        if effects & {'load', 'store'} or row.name.startswith('prefetch'):
            fixed = {} if not isinstance(operands.get('rs1'), gen_insn.Field) else \
                {'rs1': BASES.get(row.fmt.name, T6)}
            self.put(row, self.word(row, fixed))
            return 1
        if 'system' in effects and row.name != 'fence.i':
            return 0
        self.put(row, self.word(row, {}))
        return 1

    def branch(self, row):
        self.label += 1
        word = self.word(row, {'imm': 0})
        # The offset is patched in by hand: over one to six instructions that follow.
        at, over = len(self.lines), self.random.randint(1, 6)
        self.lines.append('')
        size = done = 0
        while done < over:
            before = len(self.lines)
            plain = [r for r in self.rows if 'branch' not in r.base.effects]
            keep, self.rows = self.rows, plain
            done += self.step()
            self.rows = keep
            for line in self.lines[before:]:
                size += 2 if '.2byte' in line else 4
        field = row.fmt.operands['imm']
        word = word & ~field.mask | field.put(size + row.length)
        self.lines[at] = f'        .{row.length}byte {word:#x} # {row.name}'
        return over + 1


def number(values, i):
    """Doubles, boxed singles and boxed halves, of which most give numbers when calculated with."""
    bits, ebits = ((64, 11), (64, 11), (32, 8), (16, 5))[i % 4]
    mbits = bits - ebits - 1
    exponent = (1 << ebits - 1) - 1 + values.randint(-mbits // 2, mbits // 2)
    if bits == 16:
        exponent = values.randint(0, 30)
    mantissa = values.getrandbits(mbits) & -1 << values.choice([0, 0, mbits - 3])
    word = values.getrandbits(1) << bits - 1 | exponent << mbits | mantissa
    return word | (1 << 64) - (1 << bits)


HEAD = '''        .text
        .globl  main
        .option norvc
main:   li      t0, 0x6000
        csrs    mstatus, t0
        la      sp, buffer + 1024
        la      a5, buffer + 1024
        la      t6, buffer + 2048
        li      t5, {turns}
'''
TAIL = '''
        # Registers to `saved`, a hash of everything printed, registers back.
        csrw    mscratch, t5
        la      t5, saved
'''


def program(args, table):
    body = Program(table, args.seed, set(args.without.split(',')) - {''}, args.length)
    values = random.Random(args.seed + 1)
    out = [HEAD.format(turns=args.turns)]
    for reg in range(1, 32):
        if reg not in KEPT:
            out.append(f'        li      x{reg}, {values.getrandbits(values.choice([64, 32, 8])):#x}')
    for reg in range(32):
        out.append(f'        la      t5, values + {8 * reg}\n        fld     f{reg}, 0(t5)')
    out.append(f'        li      t5, {args.turns}\nturn:')
    out.append('        .option rvc')
    out += body.lines
    out.append('        .option norvc')
    out.append(TAIL)
    out += [f'        sd      x{r}, {8 * r}(t5)' for r in range(32) if r != T5]
    out += [f'        fsd     f{r}, {256 + 8 * r}(t5)' for r in range(32)]
    out.append('        csrr    t0, fcsr\n        sd      t0, 512(t5)\n        csrr    t0, mscratch\n'
               f'        sd      t0, {8 * T5}(t5)\n        csrw    mscratch, zero\n'
               '        la      sp, dump_stack_end\n        call    dump\n        la      t5, saved')
    out.append('        ld      t0, 512(t5)\n        csrw    fcsr, t0')
    out += [f'        fld     f{r}, {256 + 8 * r}(t5)' for r in range(32)]
    out += [f'        ld      x{r}, {8 * r}(t5)' for r in range(1, 32) if r != T5]
    out.append(f'        ld      t5, {8 * T5}(t5)\n        addi    t5, t5, -1\n        beqz    t5, 1f\n'
               '        j       turn\n1:      li      a0, 0\n        call    guest_exit\n')
    out.append('        .data\n        .balign 64\n        .globl saved, buffer\nvalues:')
    out += [f'        .dword {number(values, i):#x}' for i in range(32)]
    out.append('buffer:')
    out += [f'        .dword {values.getrandbits(64):#x}' for _ in range(512 + 16)]
    out.append('saved:  .skip   520\n        .balign 16\n        .skip   4096\ndump_stack_end:')
    return '\n'.join(out) + '\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('table')
    parser.add_argument('seed', type=int)
    parser.add_argument('out')
    parser.add_argument('--without', default='')
    parser.add_argument('--length', type=int, default=2000)
    parser.add_argument('--turns', type=int, default=30)
    args = parser.parse_args()
    _, table = gen_insn.parse(args.table)
    with open(args.out, 'w') as out:
        out.write(program(args, table))


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
"""Writes guest tests of single instructions: operands, the instruction, the expected result.

    gen_insn_tests.py insn.table OUTPUT-FOLDER

One insn_EXT.S per extension. Expected values come from the models here and in fpmodel.py, written
from the manual and independent of Vireo. A row of insn.table that has neither a model here nor
a line in BY_HAND stops the run, so that a new instruction cannot go untested.

In a failing test the exit code is the case's number: look for "li gp, NUMBER" in the .S.
"""
import os
import random
import sys

import fpmodel as fp

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../scripts'))
import gen_insn  # noqa: E402  the table's parser

M64 = (1 << 64) - 1
X = ['zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1'] + \
    [f'a{i}' for i in range(8)] + [f's{i}' for i in range(2, 12)] + ['t3', 't4', 't5', 't6']
USABLE = [x for x in X if x not in ('zero', 'gp')]      # gp holds the case's number
C_USABLE = ['s0', 's1', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5']
INTERESTING = [0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
               0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, M64, M64 - 1,
               0xffffffff80000000, 0xffffffff7fffffff, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa,
               0x0123456789abcdef, 0xfedcba9876543210, 0x00ff00ff00ff0000, 0x8000000080000000]

# Rows whose effect is not "registers in, register out"; the test program that covers each.
BY_HAND = {
    'fence': 'insn_i', 'fence.tso': 'insn_i', 'pause': 'insn_i', 'fence.i': 'selfmod',
    'ecall': 'traps', 'ebreak': 'traps', 'c.ebreak': 'traps',
    'sret': 'traps', 'mret': 'traps', 'wfi': 'wfi', 'wrs.nto': 'wrs', 'wrs.sto': 'wrs',
    'sfence.vma': 'mmu', 'sinval.vma': 'svinval', 'sfence.w.inval': 'svinval',
    'sfence.inval.ir': 'svinval',
    'cbo.inval': 'cbo', 'cbo.clean': 'cbo', 'cbo.flush': 'cbo', 'cbo.zero': 'cbo',
    'prefetch.i': 'cbo', 'prefetch.r': 'cbo', 'prefetch.w': 'cbo',
}


def s64(v):
    v &= M64
    return v - (1 << 64) if v >> 63 else v


def s32(v):
    v &= 0xffffffff
    return v - (1 << 32) if v >> 31 else v


def sx(v):
    """A 32-bit result in a register."""
    return s32(v) & M64


def u32(v):
    return v & 0xffffffff


def div_signed(a, b, width, want_rem):
    a, b = (s64(a), s64(b)) if width == 64 else (s32(a), s32(b))
    if b == 0:
        out = a if want_rem else -1
    else:  # overflow needs no case of its own: the quotient wraps to itself, the rest is 0
        q = abs(a) // abs(b)
        q = -q if (a < 0) != (b < 0) else q
        out = a - q * b if want_rem else q
    return out & M64 if width == 64 else sx(out)


def div_unsigned(a, b, width, want_rem):
    if width == 32:
        a, b = u32(a), u32(b)
    out = (a if want_rem else M64) if b == 0 else (a % b if want_rem else a // b)
    return out & M64 if width == 64 else sx(out)


def clmul_full(a, b):
    out = 0
    for i in range(64):
        if b >> i & 1:
            out ^= a << i
    return out


def rotate_right(v, n, width):
    n %= width
    v &= (1 << width) - 1
    v = (v >> n | v << width - n) & (1 << width) - 1
    return v if width == 64 else sx(v)


def leading(v, width):
    return width - (v & (1 << width) - 1).bit_length()


def trailing(v, width):
    v &= (1 << width) - 1
    return (v & -v).bit_length() - 1 if v else width


RR = {  # rd, rs1, rs2
    'add': lambda a, b: a + b, 'sub': lambda a, b: a - b,
    'sll': lambda a, b: a << (b & 63), 'srl': lambda a, b: a >> (b & 63),
    'sra': lambda a, b: s64(a) >> (b & 63),
    'slt': lambda a, b: s64(a) < s64(b), 'sltu': lambda a, b: a < b,
    'xor': lambda a, b: a ^ b, 'or': lambda a, b: a | b, 'and': lambda a, b: a & b,
    'addw': lambda a, b: sx(a + b), 'subw': lambda a, b: sx(a - b),
    'sllw': lambda a, b: sx(a << (b & 31)), 'srlw': lambda a, b: sx(u32(a) >> (b & 31)),
    'sraw': lambda a, b: s32(a) >> (b & 31),
    'mul': lambda a, b: a * b, 'mulh': lambda a, b: s64(a) * s64(b) >> 64,
    'mulhsu': lambda a, b: s64(a) * b >> 64, 'mulhu': lambda a, b: a * b >> 64,
    'div': lambda a, b: div_signed(a, b, 64, False), 'rem': lambda a, b: div_signed(a, b, 64, True),
    'divu': lambda a, b: div_unsigned(a, b, 64, False),
    'remu': lambda a, b: div_unsigned(a, b, 64, True),
    'mulw': lambda a, b: sx(a * b),
    'divw': lambda a, b: div_signed(a, b, 32, False),
    'remw': lambda a, b: div_signed(a, b, 32, True),
    'divuw': lambda a, b: div_unsigned(a, b, 32, False),
    'remuw': lambda a, b: div_unsigned(a, b, 32, True),
    'add.uw': lambda a, b: u32(a) + b,
    'sh1add': lambda a, b: (a << 1) + b, 'sh2add': lambda a, b: (a << 2) + b,
    'sh3add': lambda a, b: (a << 3) + b, 'sh1add.uw': lambda a, b: (u32(a) << 1) + b,
    'sh2add.uw': lambda a, b: (u32(a) << 2) + b, 'sh3add.uw': lambda a, b: (u32(a) << 3) + b,
    'andn': lambda a, b: a & ~b, 'orn': lambda a, b: a | ~b, 'xnor': lambda a, b: ~(a ^ b),
    'min': lambda a, b: min(s64(a), s64(b)), 'max': lambda a, b: max(s64(a), s64(b)),
    'minu': min, 'maxu': max,
    'rol': lambda a, b: rotate_right(a, -b % 64, 64), 'ror': lambda a, b: rotate_right(a, b % 64, 64),
    'rolw': lambda a, b: rotate_right(a, -b % 32, 32),
    'rorw': lambda a, b: rotate_right(a, b % 32, 32),
    'clmul': lambda a, b: clmul_full(a, b), 'clmulh': lambda a, b: clmul_full(a, b) >> 64,
    'clmulr': lambda a, b: clmul_full(a, b) >> 63,
    'bclr': lambda a, b: a & ~(1 << (b & 63)), 'bext': lambda a, b: a >> (b & 63) & 1,
    'binv': lambda a, b: a ^ 1 << (b & 63), 'bset': lambda a, b: a | 1 << (b & 63),
    'czero.eqz': lambda a, b: 0 if b == 0 else a, 'czero.nez': lambda a, b: 0 if b else a,
}
RI = {  # rd, rs1, imm
    'addi': RR['add'], 'slti': lambda a, i: s64(a) < s64(i), 'sltiu': lambda a, i: a < i & M64,
    'xori': RR['xor'], 'ori': RR['or'], 'andi': RR['and'], 'addiw': RR['addw'],
}
RS = {  # rd, rs1, shamt
    'slli': (RR['sll'], 6), 'srli': (RR['srl'], 6), 'srai': (RR['sra'], 6),
    'slliw': (RR['sllw'], 5), 'srliw': (RR['srlw'], 5), 'sraiw': (RR['sraw'], 5),
    'slli.uw': (lambda a, b: u32(a) << b, 6), 'rori': (RR['ror'], 6), 'roriw': (RR['rorw'], 5),
    'bclri': (RR['bclr'], 6), 'bexti': (RR['bext'], 6), 'binvi': (RR['binv'], 6),
    'bseti': (RR['bset'], 6),
}
R1 = {  # rd, rs1
    'clz': lambda a: leading(a, 64), 'ctz': lambda a: trailing(a, 64),
    'cpop': lambda a: bin(a).count('1'), 'clzw': lambda a: leading(a, 32),
    'ctzw': lambda a: trailing(a, 32), 'cpopw': lambda a: bin(u32(a)).count('1'),
    'sext.b': lambda a: (a & 0xff ^ 0x80) - 0x80, 'sext.h': lambda a: (a & 0xffff ^ 0x8000) - 0x8000,
    'zext.h': lambda a: a & 0xffff,
    'orc.b': lambda a: sum(0xff << 8 * i for i in range(8) if a >> 8 * i & 0xff),
    'rev8': lambda a: int.from_bytes(a.to_bytes(8, 'little'), 'big'),
}
BRANCH = {
    'beq': lambda a, b: a == b, 'bne': lambda a, b: a != b, 'blt': lambda a, b: s64(a) < s64(b),
    'bge': lambda a, b: s64(a) >= s64(b), 'bltu': lambda a, b: a < b, 'bgeu': lambda a, b: a >= b,
}
LOAD = {'lb': (1, True), 'lh': (2, True), 'lw': (4, True), 'ld': (8, True), 'lbu': (1, False),
        'lhu': (2, False), 'lwu': (4, False)}
STORE = {'sb': 1, 'sh': 2, 'sw': 4, 'sd': 8}
AMO = {
    'amoadd': lambda m, r, w: m + r, 'amoswap': lambda m, r, w: r, 'amoxor': lambda m, r, w: m ^ r,
    'amoor': lambda m, r, w: m | r, 'amoand': lambda m, r, w: m & r,
    'amomin': lambda m, r, w: m if signed(m, w) <= signed(r, w) else r,
    'amomax': lambda m, r, w: m if signed(m, w) >= signed(r, w) else r,
    'amominu': lambda m, r, w: min(m, r), 'amomaxu': lambda m, r, w: max(m, r),
}
C_RR = {'c.sub': 'sub', 'c.xor': 'xor', 'c.or': 'or', 'c.and': 'and', 'c.subw': 'subw',
        'c.addw': 'addw'}


def signed(v, width):
    return s64(v) if width == 64 else s32(v)


class Out:
    """One test program."""

    def __init__(self, name):
        self.random = random.Random(name)
        self.lines, self.number, self.covered, self.data = [], 0, set(), []

    def put(self, text):
        self.lines.append(f'        {text}')

    def case(self, row):
        self.covered.add(row)
        self.number += 1
        self.put(f'li      gp, {self.number}')

    def regs(self, count, pool=USABLE):
        return [self.random.choice(pool) for _ in range(count)]

    def free(self, *taken):
        return self.random.choice([x for x in USABLE if x not in taken])

    def value(self):
        r = self.random
        return r.choice([r.choice(INTERESTING), r.getrandbits(64), r.getrandbits(r.randint(1, 64)),
                         M64 ^ r.getrandbits(r.randint(1, 64))])

    def pairs(self, count):
        """Interesting ones, then random ones."""
        out = [(a, b) for a in INTERESTING[::3] for b in INTERESTING[1::5]]
        out += [(v, v) for v in INTERESTING[::4]]
        out += [(self.value(), self.value()) for _ in range(count)]
        return out

    def expect(self, reg, val, *keep):
        val = 0 if reg == 'zero' else int(val) & M64
        if val == 0:
            self.put(f'bnez    {reg}, fail')
            return
        tmp = self.free(reg, *keep)
        self.put(f'li      {tmp}, {val:#x}')
        self.put(f'bne     {reg}, {tmp}, fail')

    def write(self, path):
        with open(path, 'w') as out:
            out.write('# Made by gen_insn_tests.py.\n        .text\n        .globl  main\n'
                      '        .option arch, +zba, +zbb, +zbc, +zbs, +zfhmin\n'
                      'main:\n        li      t0, 0x6000\n        csrs    mstatus, t0\n'
                      '        .option norvc\n        .balign 4\n')
            out.write('\n'.join(self.lines))
            out.write('\n        li      a0, 0\n        call    guest_exit\n'
                      'fail:   mv      a0, gp\n        call    guest_fail_case\n'
                      '        .data\n        .balign 64\n')
            out.write('\n'.join(self.data) + '\n')


# ---- integer ----

def rr_cases(out, row, text=None):
    model = RR[row]
    for a, b in out.pairs(40):
        out.case(row)
        rd, rs1, rs2 = out.regs(3)
        if out.random.random() < .05:
            rd = 'zero'
        if out.random.random() < .1:
            rs1, a = 'zero', 0
        if rs1 == rs2:
            b = a
        if rs1 != 'zero':
            out.put(f'li      {rs1}, {a:#x}')
        if rs2 != rs1:
            out.put(f'li      {rs2}, {b:#x}')
        out.put(text(rd, rs1, rs2) if text else f'{row} {rd}, {rs1}, {rs2}')
        out.expect(rd, model(a, b), rs1, rs2)
        for reg, val in (rs1, a), (rs2, b):
            if reg != rd and out.random.random() < .1:
                out.expect(reg, val, rs1, rs2)


def ri_cases(out, row, imms, model):
    values = INTERESTING + [out.value() for _ in range(30)]
    for i, a in enumerate(values):
        out.case(row)
        rd, rs1 = out.regs(2)
        if out.random.random() < .05:
            rd = 'zero'
        imm = imms[i % len(imms)] if i < 2 * len(imms) else out.random.choice(imms)
        out.put(f'li      {rs1}, {a:#x}')
        out.put(f'{row} {rd}, {rs1}, {imm}')
        out.expect(rd, model(a, imm & M64))


def r1_cases(out, row):
    values = INTERESTING + [1 << i for i in range(0, 64, 5)] + [out.value() for _ in range(30)]
    for a in values:
        out.case(row)
        rd, rs1 = out.regs(2)
        out.put(f'li      {rs1}, {a:#x}')
        out.put(f'{row} {rd}, {rs1}')
        out.expect(rd, R1[row](a))


def upper_cases(out):
    for imm in [0, 1, 0x7ffff, 0x80000, 0xfffff, 0x12345, 0xfedcb]:
        rd = out.free()
        out.case('lui')
        out.put(f'lui {rd}, {imm:#x}')
        out.expect(rd, sx(imm << 12))
        out.case('auipc')
        base = out.free(rd)
        out.put('.balign 8')
        out.put(f'auipc {base}, 0')
        out.put(f'auipc {rd}, {imm:#x}')
        out.put(f'sub     {rd}, {rd}, {base}')
        out.expect(rd, sx(imm << 12) + 4)


def branch_cases(out, row, forms):
    """forms: (text with {t} for the target, how operands are loaded)."""
    for a, b in out.pairs(20) + [(v, v) for v in INTERESTING]:
        out.case(row)
        form, regs, taken = forms(out, a, b)
        if out.random.random() < .5:    # forward
            target, lines = '1f', ['1:']
        else:                           # backward
            target, lines = '1b', []
            out.put('j       2f')
            out.put('1: j    3f')
            out.put('2:')
        out.put(form.format(t=target))
        if target == '1b':
            if taken:
                out.put('j       fail')
                out.put('3:')
            else:
                out.put('j       4f')
                out.put('3: j    fail')
                out.put('4:')
            continue
        if taken:
            out.put('j       fail')
            out.put(lines[0])
        else:
            out.put('j       2f')
            out.put('1: j    fail')
            out.put('2:')


def plain_branch(row):
    def form(out, a, b):
        rs1, rs2 = out.regs(2)
        out.put(f'li      {rs1}, {a:#x}')
        if rs1 == rs2:
            b = a
        else:
            out.put(f'li      {rs2}, {b:#x}')
        return f'{row} {rs1}, {rs2}, {{t}}', None, BRANCH[row](a, b)
    return form


def c_branch(row):
    def form(out, a, b):
        a = 0 if out.random.random() < .5 else a
        rs1 = out.random.choice(C_USABLE)
        out.put(f'li      {rs1}, {a:#x}')
        text = f'.option push\n        .option rvc\n        {row} {rs1}, {{t}}\n        .option pop'
        return text, None, (a == 0) == (row == 'c.beqz')
    return form


def jump_cases(out):
    for distance in 0, 16, 2040, 0x2554, 0x1aaa8:
        out.case('jal')
        rd, tmp = 'ra', 't0'
        out.put('.balign 4')
        out.put(f'1: jal {rd}, 2f')
        out.put('3: j   4f')
        out.put(f'.skip {distance}' if distance else '')
        out.put(f'2: la {tmp}, 3b')
        out.put(f'bne     {rd}, {tmp}, fail')
        out.put('j       3b')
        out.put(f'.skip {distance}' if distance else '')
        out.put('4:')
    for rd, rs1, imm in ('ra', 't1', 0), ('t1', 't1', 4), ('zero', 'a0', -8), ('s0', 's1', 2047), \
            ('tp', 'ra', -2048), ('t1', 't1', 1), ('ra', 's0', -3):
        out.case('jalr')
        out.put(f'la      {rs1}, 2f')
        if imm:
            # The lowest bit of the sum is dropped, not that of the register.
            out.put(f'li      t5, {imm & ~1}')
            out.put(f'sub     {rs1}, {rs1}, t5')
        out.put(f'jalr {rd}, {imm}({rs1})')
        out.put('3: j    fail')
        out.put('.balign 4')
        out.put('2: la   t6, 3b')
        if rd != 'zero':
            out.put(f'bne     {rd}, t6, fail')


# ---- memory ----

PATTERN = [(37 * i + 0x81) & 0xff for i in range(128)]


def memory(out):
    out.data += ['.balign 64', 'buffer: .byte ' + ', '.join(map(str, PATTERN)),
                 '.balign 64', 'scratch: .skip 256']


def load_cases(out, row, aligned=True, pool=USABLE, offsets=None, text=None, base=None):
    size, is_signed = LOAD[base or row]
    at = [i * size for i in range(0, 64 // size)][:12] if aligned else [1, 3, 5, 6, 7, 9, 13, 61]
    for where in at:
        if size == 1 and not aligned:
            continue
        out.case(row)
        rd, rs1 = out.random.choice(pool), out.random.choice(pool)
        off = offsets(out) if offsets else out.random.choice([0, 1, -1, 2047, -2048, 8, -16])
        out.put(f'la      {rs1}, buffer + {where} - ({off})')
        out.put(text(rd, off, rs1) if text else f'{row} {rd}, {off}({rs1})')
        val = int.from_bytes(bytes(PATTERN[where:where + size]), 'little')
        if is_signed and val >> 8 * size - 1:
            val -= 1 << 8 * size
        out.expect(rd, val)


def store_cases(out, row, aligned=True, pool=USABLE, offsets=None, text=None, base=None):
    size = STORE[base or row]
    for where in [i * size + 16 for i in range(6)] if aligned else [17, 19, 21, 22, 23, 60]:
        if size == 1 and not aligned:
            continue
        out.case(row)
        rs1, rs2 = out.random.choice(pool), out.random.choice(pool)
        while rs2 == rs1:
            rs2 = out.random.choice(pool)
        val = out.value()
        off = offsets(out) if offsets else out.random.choice([0, 1, -1, 2047, -2048, 8, -16])
        # Background, store, and the 32 bytes around compared.
        start = where & ~7
        want = [0x5a] * 16
        want[where - start:where - start + size] = list(val.to_bytes(8, 'little')[:size])
        tmp = out.free(rs1, rs2)
        ref = out.free(rs1, rs2, tmp)
        out.put(f'la      {tmp}, scratch + {start}')
        out.put(f'li      {ref}, 0x5a5a5a5a5a5a5a5a')
        for i in 0, 8:
            out.put(f'sd      {ref}, {i}({tmp})')
        out.put(f'la      {rs1}, scratch + {where} - ({off})')
        out.put(f'li      {rs2}, {val:#x}')
        out.put(text(rs2, off, rs1) if text else f'{row} {rs2}, {off}({rs1})')
        for i in 0, 8:
            out.put(f'ld      {ref}, {i}({tmp})')
            out.expect(ref, int.from_bytes(bytes(want[i:i + 8]), 'little'), tmp)


def amo_cases(out, row):
    op, size = row.split('.')[0], row.split('.')[1][0]
    width = 32 if size == 'w' else 64
    mask = (1 << width) - 1
    for i, (mem, reg) in enumerate(out.pairs(25)):
        suffix = ['', '.aq', '.rl', '.aqrl'][i % 4]
        at = 4 * (i % 2) if size == 'w' else 0
        other = 0x1122334455667788
        rd, rs2, rs1 = out.regs(3)
        while rs1 == rs2:
            rs1 = out.free()
        if out.random.random() < .1:
            rd = 'zero'
        keep = out.free(rd, rs1, rs2)
        out.case(row)
        ref = out.free(rs1, rs2, keep, rd)
        whole = mem & mask if width == 64 else (other & ~(mask << 8 * at) | (mem & mask) << 8 * at)
        out.put(f'la      {keep}, scratch')
        out.put(f'li      {ref}, {whole:#x}')
        out.put(f'sd      {ref}, 0({keep})')
        out.put(f'addi    {rs1}, {keep}, {at}')
        out.put(f'li      {rs2}, {reg:#x}')
        out.put(f'{row}{suffix} {rd}, {rs2}, ({rs1})')
        new = AMO[op](mem & mask, reg & mask, width) & mask
        old = signed(mem, width) & M64
        after = new if width == 64 else (whole & ~(mask << 8 * at) | new << 8 * at)
        out.expect(rd, old, keep)
        out.put(f'ld      {ref}, 0({keep})')
        out.expect(ref, after, keep)


def lr_sc_cases(out):
    for size, mask in ('w', 0xffffffff), ('d', M64):
        for i, suffix in enumerate(['', '.aq', '.rl', '.aqrl'] * 3):
            val, new = out.value(), out.value()
            out.case(f'lr.{size}')
            out.put('la      s0, scratch')
            out.put(f'li      t0, {val:#x}')
            out.put('sd      t0, 0(s0)')
            out.put(f'li      a1, {new:#x}')
            out.put('li      s2, 64')
            # May fail without a reason; a loop this short must get through (Zalrsc 14.3).
            out.put(f'1: lr.{size}{suffix} a0, (s0)')
            out.put(f'sc.{size}{suffix} a2, a1, (s0)')
            out.put('beqz    a2, 2f')
            out.put('addi    s2, s2, -1')
            out.put('bnez    s2, 1b')
            out.put('j       fail')
            out.put('2:')
            out.expect('a0', sx(val) if size == 'w' else val, 's0')
            out.put('ld      a3, 0(s0)')
            out.case(f'sc.{size}')
            out.expect('a3', val & ~mask | new & mask, 's0')
            # A second SC finds no reservation.
            out.put(f'sc.{size} a2, t0, (s0)')
            out.put('beqz    a2, fail')
            out.put('ld      a3, 0(s0)')
            out.expect('a3', val & ~mask | new & mask, 's0')


def amocas_cases(out, row):
    """No assembler of our time knows them: encoded by .insn."""
    f3 = {'w': 2, 'd': 3, 'q': 4}[row[-1]]
    for i in range(24):
        aqrl = i % 4
        if row[-1] == 'q':
            amocas_q_case(out, row, f3, aqrl, i)
            continue
        width = 32 if row[-1] == 'w' else 64
        mask = (1 << width) - 1
        mem, new, same = out.value(), out.value(), i % 3 != 0
        expect = mem & mask | (out.value() & ~mask) if same else out.value()
        hit = expect & mask == mem & mask
        out.case(row)
        out.put('la      s0, scratch')
        out.put(f'li      a0, {mem:#x}')
        out.put('sd      a0, 0(s0)')
        rd = 'zero' if i == 5 else 'a1'
        expect = 0 if rd == 'zero' else expect & M64
        hit = expect & mask == mem & mask
        if rd != 'zero':
            out.put(f'li      a1, {expect:#x}')
        out.put(f'li      a2, {new:#x}')
        out.put(f'.insn r 0x2f, {f3}, {5 << 2 | aqrl}, {rd}, s0, a2')
        out.expect(rd, sx(mem) if width == 32 else mem, 's0')
        out.put('ld      a3, 0(s0)')
        out.expect('a3', mem & ~mask | new & mask if hit else mem, 's0')


def amocas_q_case(out, row, f3, aqrl, i):
    mem, new = [out.value(), out.value()], [out.value(), out.value()]
    expect = list(mem)
    rd, rs2 = 'a0', 'a2'
    if i % 3 == 0:
        expect[i // 3 % 2] ^= 1 << i
    if i == 20:
        rd, expect = 'zero', [0, 0]       # a pair of x0 reads as 0 and takes nothing
    if i == 21:
        rs2, new = 'zero', [0, 0]
    hit = expect == mem
    out.case(row)
    out.put('la      s0, scratch')
    for k in 0, 1:
        out.put(f'li      t0, {mem[k]:#x}')
        out.put(f'sd      t0, {8 * k}(s0)')
        if rd != 'zero':
            out.put(f'li      a{k}, {expect[k]:#x}')
        if rs2 != 'zero':
            out.put(f'li      a{k + 2}, {new[k]:#x}')
    out.put('li      ra, 0x777')
    out.put(f'.insn r 0x2f, {f3}, {5 << 2 | aqrl}, {rd}, s0, {rs2}')
    out.expect('ra', 0x777, 's0', 'a0', 'a1')
    for k in 0, 1:
        if rd != 'zero':
            out.expect(f'a{k}', mem[k], 's0', 'a0', 'a1')
        out.put(f'ld      a4, {8 * k}(s0)')
        out.expect('a4', new[k] if hit else mem[k], 's0', 'a0', 'a1')


# ---- CSR instructions, on mscratch, which holds 64 bits of anything, and fcsr ----

def csr_cases(out):
    models = {'csrrw': lambda old, v: v, 'csrrs': lambda old, v: old | v,
              'csrrc': lambda old, v: old & ~v}
    for row, model in models.items():
        for old, val in out.pairs(10):
            out.case(row)
            rd, rs1 = out.free(), out.free()
            out.put(f'li      {rs1}, {old:#x}')
            out.put(f'csrw    mscratch, {rs1}')
            if out.random.random() < .15:
                rs1, val = 'zero', 0
            else:
                out.put(f'li      {rs1}, {val:#x}')
            if out.random.random() < .15:
                rd = 'zero'
            out.put(f'{row} {rd}, mscratch, {rs1}')
            out.expect(rd, old)
            out.put('csrr    t0, mscratch')
            out.expect('t0', model(old, val))
        for old, imm in [(v, i) for v in INTERESTING[::4] for i in (0, 1, 15, 16, 31)]:
            out.case(row + 'i')
            rd = out.random.choice(['zero', out.free()])
            out.put(f'li      t0, {old:#x}')
            out.put('csrw    mscratch, t0')
            out.put(f'{row}i {rd}, mscratch, {imm}')
            out.expect(rd, old)
            out.put('csrr    t0, mscratch')
            out.expect('t0', model(old, imm))
    out.put('csrw    mscratch, zero')


def fence_cases(out):
    for text in 'fence', 'fence rw, w', 'fence.tso', '.4byte 0x0100000f', '.4byte 0x0000000f', \
            '.4byte 0x0ff5058f', '.4byte 0xf330000f', 'fence.i', '.4byte 0xfff5158f':
        out.case('fence')
        out.put('li      a0, 0x123')
        out.put('li      a1, 0x456')
        out.put(text)
        out.expect('a0', 0x123, 'a1')
        out.expect('a1', 0x456, 'a0')


# ---- compressed ----

def c_text(out, text):
    out.put('.option push')
    out.put('.option rvc')
    out.put(text)
    out.put('.option pop')
    # Odd halves follow sometimes, so that 32-bit instructions straddle words.


def c_cases(out):
    simm = [-32, -31, -1, 1, 2, 15, 16, 31]
    for row, base in C_RR.items():
        for a, b in out.pairs(10):
            rd, rs2 = out.regs(2, C_USABLE)
            b = a if rd == rs2 else b
            out.case(row)
            out.put(f'li      {rd}, {a:#x}')
            if rd != rs2:
                out.put(f'li      {rs2}, {b:#x}')
            c_text(out, f'{row} {rd}, {rs2}')
            out.expect(rd, RR[base](a, b))
    for a, b in out.pairs(10):
        for row, model in ('c.mv', lambda a, b: b), ('c.add', RR['add']):
            rd, rs2 = out.regs(2)
            want = model(a, a if rd == rs2 else b)
            out.case(row)
            out.put(f'li      {rd}, {a:#x}')
            if rd != rs2:
                out.put(f'li      {rs2}, {b:#x}')
            c_text(out, f'{row} {rd}, {rs2}')
            out.expect(rd, want)
    for i, a in enumerate(INTERESTING + [out.value() for _ in range(10)]):
        imm = simm[i % len(simm)]
        for row, model, pool in ('c.addi', RR['add'], USABLE), ('c.addiw', RR['addw'], USABLE), \
                ('c.andi', RR['and'], C_USABLE), ('c.li', lambda a, i: i, USABLE):
            rd = out.random.choice(pool)
            out.case(row)
            out.put(f'li      {rd}, {a:#x}')
            c_text(out, f'{row} {rd}, {imm}')
            out.expect(rd, model(a, imm & M64))
        shamt = out.random.randint(1, 63)
        for row, model, pool in ('c.slli', RR['sll'], USABLE), ('c.srli', RR['srl'], C_USABLE), \
                ('c.srai', RR['sra'], C_USABLE):
            rd = out.random.choice(pool)
            out.case(row)
            out.put(f'li      {rd}, {a:#x}')
            c_text(out, f'{row} {rd}, {shamt}')
            out.expect(rd, model(a, shamt))
    for imm in [1, 31, 0xfffe0, 0xfffff, 17]:
        rd = out.free('sp')
        out.case('c.lui')
        c_text(out, f'c.lui {rd}, {imm:#x}')
        out.expect(rd, sx(imm << 12))
    for imm in [-512, -16, 16, 496, 32, 64, 128, 256]:
        out.case('c.addi16sp')
        out.put('li      sp, 0x12345670')
        c_text(out, f'c.addi16sp sp, {imm}')
        out.expect('sp', 0x12345670 + imm)
    for imm in [4, 8, 16, 32, 64, 128, 256, 512, 1020]:
        rd = out.random.choice(C_USABLE)
        out.case('c.addi4spn')
        out.put('li      sp, 0x12345670')
        c_text(out, f'c.addi4spn {rd}, sp, {imm}')
        out.expect(rd, 0x12345670 + imm)

    def compressed(row, reg):
        return lambda r, off, rs1: ('.option push\n        .option rvc\n        '
                                    f'{row} {r}, {off}({reg or rs1})\n        .option pop')

    for size, base, limit in (4, 'w', 124), (8, 'd', 248):
        offs = lambda o, s=size, m=limit: o.random.choice([0, s, 2 * s, 4 * s, 8 * s, 16 * s, m])
        sps = lambda o, s=size: o.random.choice([0, s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 63 * s])
        load_cases(out, f'c.l{base}', True, C_USABLE, offs, compressed(f'c.l{base}', None), f'l{base}')
        store_cases(out, f'c.s{base}', True, C_USABLE, offs, compressed(f'c.s{base}', None),
                    f's{base}')
        sp_cases(out, size, base, sps)
    c_jump_cases(out)


def sp_cases(out, size, base, offsets):
    for where in range(0, 48, size):
        off = offsets(out)
        rd = out.free('sp')
        out.case(f'c.l{base}sp')
        out.put(f'la      sp, buffer + {where} - {off}')
        c_text(out, f'c.l{base}sp {rd}, {off}(sp)')
        val = int.from_bytes(bytes(PATTERN[where:where + size]), 'little')
        out.expect(rd, val - (1 << 8 * size) if val >> 8 * size - 1 else val)
        val = out.value()
        rs2, tmp = out.free('sp', 't6'), 't6'
        out.case(f'c.s{base}sp')
        out.put(f'la      sp, scratch - {off}')
        out.put(f'la      {tmp}, scratch')
        out.put(f'sd      zero, 0({tmp})')
        out.put(f'li      {rs2}, {val:#x}')
        c_text(out, f'c.s{base}sp {rs2}, {off}(sp)')
        out.put(f'ld      t5, 0({tmp})')
        out.expect('t5', val & (1 << 8 * size) - 1)


def c_jump_cases(out):
    for distance in 0, 2, 640, 1300:
        out.case('c.j')
        out.put('j       2f')
        out.put('1: j    3f')
        out.put(f'.skip {distance}' if distance else '')
        out.put('2:')
        c_text(out, 'c.j 1b')
        out.put('j       fail')
        out.put('.balign 4')
        out.put('3:')
        c_text(out, 'c.j 4f')
        out.put(f'.skip {distance}' if distance else '')
        out.put('.balign 2')
        out.put('4:')
        c_text(out, 'c.nop')
        out.put('.balign 4')
    for row in 'c.jr', 'c.jalr':
        for rs1 in 'ra', 't1', 'a0', 's11':
            out.case(row)
            out.put('.balign 4')
            out.put('li      ra, 0')
            out.put(f'la      {rs1}, 2f')
            out.put(f'mv      s0, {rs1}')
            c_text(out, f'{row} {rs1}')
            out.put('3:')
            c_text(out, 'c.nop')
            out.put('j       fail')
            out.put('.balign 4')
            out.put('2: la   t6, 3b')
            if row == 'c.jalr':
                out.put('bne     ra, t6, fail')
            elif rs1 == 'ra':
                out.put('bne     ra, s0, fail')
            else:
                out.put('bnez    ra, fail')
    for row in 'c.beqz', 'c.bnez':
        branch_cases(out, row, c_branch(row))


# ---- floating point: tables of operands and results, a loop per rounding mode ----

def fp_values(fmt):
    one, sgn = fmt.bias << fmt.mbits, fmt.sign
    ulp = 1
    base = [0, one, one + ulp, one - ulp, one + (1 << fmt.mbits - 1), one + (1 << fmt.mbits),
            ulp, (1 << fmt.mbits) - 1, 1 << fmt.mbits, fmt.inf - 1, fmt.inf, fmt.nan,
            fmt.inf | 1, fmt.inf | (1 << fmt.mbits) - 1]
    return base + [v | sgn for v in base]


def fp_random(out, fmt):
    r = out.random
    kind = r.random()
    if kind < .3:
        return r.getrandbits(fmt.bits)
    if kind < .5:   # near 1, few bits: exact results and ties
        e = fmt.bias + r.randint(-3, 3)
        m = r.getrandbits(4) << fmt.mbits - 4
    elif kind < .7:  # near the smallest
        e, m = r.randint(0, 3), r.getrandbits(fmt.mbits)
    elif kind < .8:
        e, m = fmt.emax - r.randint(1, 3), r.getrandbits(fmt.mbits)
    else:
        e, m = fmt.bias + r.randint(-fmt.mbits - 2, fmt.mbits + 2), r.getrandbits(fmt.mbits)
    return r.getrandbits(1) << fmt.bits - 1 | e << fmt.mbits | m


def box(fmt, v):
    return v | M64 << fmt.bits & M64


def fp_table(out, label, rows):
    out.data.append('.balign 8')
    out.data.append(f'{label}:')
    for row in rows:
        out.data.append('.dword ' + ', '.join(f'{v & M64:#x}' for v in row))
    out.data.append(f'{label}_end:')


def fp_loop(out, row, label, instruction, operands, result, rm_csr=0):
    """Records: operands, then result and flags. Operands are f or x registers."""
    out.case(row)
    out.put(f'la      s0, {label}')
    out.put(f'la      s1, {label}_end')
    out.put(f'li      s2, {rm_csr}')
    out.put('fsrm    s2')
    out.put('1:')
    for i, reg in enumerate(operands):
        out.put(f'fld {reg}, {8 * i}(s0)' if reg.startswith('f') else f'ld {reg}, {8 * i}(s0)')
    out.put('fsflags zero')
    out.put(instruction)
    n = 8 * len(operands)
    out.put('frflags a3')
    out.put('fmv.x.d a2, fa0' if result.startswith('f') else 'mv      a2, a0')
    out.put(f'ld      a4, {n}(s0)')
    out.put('bne     a2, a4, fail')
    out.put(f'ld      a5, {n + 8}(s0)')
    out.put('bne     a3, a5, fail')
    out.put(f'addi    s0, s0, {n + 16}')
    out.put('bne     s0, s1, 1b')


FA = ['fa1', 'fa2', 'fa3']


def fp_rounded(out, row, sources, dest, model, operands, inputs, result):
    """All five static modes, and the dynamic one."""
    for rm, name in enumerate(['rne', 'rtz', 'rdn', 'rup', 'rmm']):
        label = f'{row.replace(".", "_")}_{name}'
        records = []
        for args in inputs:
            bits, flags = model(*args, rm)
            boxed = [box(f, v) if f else v for f, v in zip(sources, args)]
            records.append(boxed + [box(dest, bits) if dest else bits, flags])
        fp_table(out, label, records)
        regs = ', '.join([result] + operands)
        fp_loop(out, row, label, f'{row} {regs}, {name}', operands, result, (rm + 1) % 5)
        fp_loop(out, row, label, f'{row} {regs}, dyn', operands, result, rm)


def fp_plain(out, row, sources, dest, model, operands, inputs, result):
    label = row.replace('.', '_')
    records = []
    for args in inputs:
        bits, flags = model(*args)
        boxed = [box(f, v) if f else v for f, v in zip(sources, args)]
        records.append(boxed + [box(dest, bits) if dest else bits, flags])
    fp_table(out, label, records)
    fp_loop(out, row, label, f'{row} {", ".join([result] + operands)}', operands, result)


def fp_arith(out, fmt):
    n = fmt.name
    values = fp_values(fmt)
    singles = [(v,) for v in values] + [(fp_random(out, fmt),) for _ in range(150)]
    pairs = [(a, b) for a in values[::2] for b in values[1::2]] + \
        [(fp_random(out, fmt), fp_random(out, fmt)) for _ in range(150)]
    for _ in range(40):  # cancellation
        a = fp_random(out, fmt)
        pairs.append((a, (a ^ fmt.sign) + out.random.randint(-2, 2) & 2 * fmt.sign - 1))
    triples = [tuple(out.random.choice(values) for _ in range(3)) for _ in range(120)] + \
        [tuple(fp_random(out, fmt) for _ in range(3)) for _ in range(150)]
    for _ in range(60):  # the product nearly cancels the addend
        a, b = fp_random(out, fmt), fp_random(out, fmt)
        product = fp.mul(fmt, a, b, 0)[0] ^ fmt.sign
        triples.append((a, b, product + out.random.randint(-1, 1) & 2 * fmt.sign - 1))
    for row in 'fadd', 'fsub', 'fmul', 'fdiv':
        model = getattr(fp, row[1:])
        fp_rounded(out, f'{row}.{n}', [fmt] * 2, fmt,
                   lambda a, b, rm, m=model: m(fmt, a, b, rm), FA[:2], pairs, 'fa0')
    fp_rounded(out, f'fsqrt.{n}', [fmt], fmt, lambda a, rm: fp.sqrt(fmt, a, rm), FA[:1],
               singles + [(a & ~fmt.sign,) for a, in singles], 'fa0')
    for row, model in ('fmadd', fp.fma), ('fmsub', fp.fmsub), ('fnmsub', fp.fnmsub), \
            ('fnmadd', fp.fnmadd):
        fp_rounded(out, f'{row}.{n}', [fmt] * 3, fmt,
                   lambda a, b, c, rm, m=model: m(fmt, a, b, c, rm), FA, triples, 'fa0')
    for row, op in ('fsgnj', ''), ('fsgnjn', 'n'), ('fsgnjx', 'x'):
        fp_plain(out, f'{row}.{n}', [fmt] * 2, fmt, lambda a, b, o=op: fp.sgnj(fmt, a, b, o),
                 FA[:2], pairs, 'fa0')
    for row, big in ('fmin', False), ('fmax', True):
        fp_plain(out, f'{row}.{n}', [fmt] * 2, fmt, lambda a, b, g=big: fp.minmax(fmt, a, b, g),
                 FA[:2], pairs, 'fa0')
    for op in 'eq', 'lt', 'le':
        fp_plain(out, f'f{op}.{n}', [fmt] * 2, None, lambda a, b, o=op: fp.compare(fmt, a, b, o),
                 FA[:2], pairs + [(a, a) for a in values], 'a0')
    fp_plain(out, f'fclass.{n}', [fmt], None, lambda a: fp.fclass(fmt, a), FA[:1], singles, 'a0')
    for kind, width, is_signed in ('w', 32, 1), ('wu', 32, 0), ('l', 64, 1), ('lu', 64, 0):
        near = []
        for v in [0, 1, 2, 1 << width - 1, 1 << width]:
            for d in (-1, 0, 1):
                for negative in (0, 1):
                    bits = fp.round_pack(fmt, negative, v, 0, 0)[0] if v else 0
                    near.append((bits + d & 2 * fmt.sign - 1,))
        fp_rounded(out, f'fcvt.{kind}.{n}', [fmt], None,
                   lambda a, rm, w=width, g=is_signed: fp.to_int(fmt, a, rm, w, g), FA[:1],
                   singles + near, 'a0')
        ints = [(v,) for v in INTERESTING] + [(out.value(),) for _ in range(80)]
        row = f'fcvt.{n}.{kind}'
        model = (lambda a, rm, w=width, g=is_signed: fp.from_int(fmt, a, rm, w, g))
        if n == 'd' and width == 32:  # the assembler takes no mode for what is always exact
            fp_plain(out, row, [None], fmt, lambda a, m=model: m(a, 0), ['a1'], ints, 'fa0')
        else:
            fp_rounded(out, row, [None], fmt, model, ['a1'], ints, 'fa0')


def fp_convert(out, row, src, dst):
    inputs = [(v,) for v in fp_values(src)] + [(fp_random(out, src),) for _ in range(200)]
    model = lambda a, rm: fp.convert(src, dst, a, rm)
    if src.bits < dst.bits:
        fp_plain(out, row, [src], dst, lambda a: model(a, 0), FA[:1], inputs, 'fa0')
        return
    narrow = [(fp.convert(dst, src, v, 0)[0] + d & 2 * src.sign - 1,)
              for v in fp_values(dst) for d in (-1, 0, 1)]
    fp_rounded(out, row, [src], dst, model, FA[:1], inputs + narrow, 'fa0')


def fp_moves(out, fmt):
    """fmv, loads and stores, and what happens to values that are not NaN-boxed."""
    letter = {'h': 'h', 's': 'w', 'd': 'd'}[fmt.name]
    mask = (1 << fmt.bits) - 1
    for _ in range(30):
        val = out.value()
        want = val & mask
        if want >> fmt.bits - 1:
            want -= 1 << fmt.bits
        out.case(f'fmv.x.{letter}')
        out.put(f'li      a1, {val:#x}')
        out.put('fmv.d.x fa1, a1')
        out.put(f'fmv.x.{letter} a0, fa1')      # takes the bits, boxed or not
        out.expect('a0', want)
        out.case(f'fmv.{letter}.x')
        out.put(f'li      a1, {val:#x}')
        out.put(f'fmv.{letter}.x fa0, a1')
        out.put('fmv.x.d a0, fa0')
        out.expect('a0', box(fmt, val & mask))
    load = {'h': 'flh', 's': 'flw', 'd': 'fld'}[fmt.name]
    size = fmt.bits // 8
    for where in list(range(0, 32, size)) + [1, 3, 5, 7]:
        off = out.random.choice([0, 8, -8, 2047, -2048])
        out.case(load)
        out.put(f'la      a1, buffer + {where} - ({off})')
        out.put(f'{load} fa0, {off}(a1)')
        out.put('fmv.x.d a0, fa0')
        val = int.from_bytes(bytes(PATTERN[where:where + size]), 'little')
        out.expect('a0', box(fmt, val))
        store = 'fs' + load[2]
        val = out.value()
        out.case(store)
        out.put(f'la      a1, scratch + {where % 8} - ({off})')
        out.put(f'li      a2, {val:#x}')
        out.put('fmv.d.x fa2, a2')
        out.put('la      a3, scratch')
        out.put('sd      zero, 0(a3)')
        out.put('sd      zero, 8(a3)')
        out.put(f'{store} fa2, {off}(a1)')
        whole = (val & mask) << 8 * (where % 8)
        for i in 0, 8:
            out.put(f'ld      a0, {i}(a3)')
            out.expect('a0', whole >> 8 * i & M64, 'a3')
    if fmt.name == 's':
        # A single that is not NaN-boxed is the canonical NaN ("D", NaN Boxing).
        for text, want, flags in ('fadd.s fa0, fa1, fa2', fp.F.nan, 0), \
                ('fsgnj.s fa0, fa1, fa2', fp.F.nan, 0), ('fmin.s fa0, fa1, fa2', 0x3f800000, 0), \
                ('fcvt.s.w fa0, a1', None, 0):
            if want is None:
                continue
            out.case('fadd.s')
            out.put('li      a1, 0x000000003f800000')
            out.put('fmv.d.x fa1, a1')
            out.put('fmv.w.x fa2, a1')
            out.put('fsflags zero')
            out.put(text)
            out.put('fmv.x.d a0, fa0')
            out.expect('a0', box(fp.F, want))
            out.put('frflags a0')
            out.expect('a0', flags)


def fp_compressed(out):
    for where in 0, 8, 16, 24:
        for row, text in ('c.fld', f'c.fld fa0, {where}(a1)'), ('c.fldsp', f'c.fldsp fa0, {where}(sp)'):
            out.case(row)
            out.put('la      a1, buffer')
            out.put('mv      sp, a1')
            c_text(out, text)
            out.put('fmv.x.d a0, fa0')
            out.expect('a0', int.from_bytes(bytes(PATTERN[where:where + 8]), 'little'))
        for row, text in ('c.fsd', f'c.fsd fa2, {where}(a1)'), ('c.fsdsp', f'c.fsdsp fa2, {where}(sp)'):
            val = out.value()
            out.case(row)
            out.put('la      a1, scratch')
            out.put('mv      sp, a1')
            out.put(f'li      a2, {val:#x}')
            out.put('fmv.d.x fa2, a2')
            c_text(out, text)
            out.put(f'ld      a0, {where}(a1)')
            out.expect('a0', val)


# ---- programs ----

def integer_rows(out, table, ext):
    for row in table:
        if row.exts[0] != ext:
            continue
        name = row.name
        if name in RR:
            text = None
            if ext == 'ZICOND':
                f3 = 5 if name == 'czero.eqz' else 7
                text = (lambda rd, rs1, rs2, f=f3: f'.insn r 0x33, {f}, 7, {rd}, {rs1}, {rs2}')
            rr_cases(out, name, text)
        elif name in RI:
            ri_cases(out, name, [0, 1, -1, 2047, -2048, 0x555, -0x556, 31, 64], RI[name])
        elif name in RS:
            model, bits = RS[name]
            ri_cases(out, name, [0, 1, 2, 4, 8, 16, (1 << bits) - 1, 31, 13] +
                     ([32, 33, 62] if bits == 6 else []), model)
        elif name in R1:
            r1_cases(out, name)
        elif name in BRANCH:
            branch_cases(out, name, plain_branch(name))
        elif name in LOAD:
            load_cases(out, name)
            load_cases(out, name, aligned=False)
        elif name in STORE:
            store_cases(out, name)
            store_cases(out, name, aligned=False)
        elif name.split('.')[0] in AMO:
            amo_cases(out, name)


def programs(table):
    def make(ext, *parts):
        out = Out(ext)
        memory(out)
        integer_rows(out, table, ext)
        for part in parts:
            part(out)
        return out

    yield 'i', make('I', upper_cases, jump_cases, fence_cases)
    yield 'm', make('M')
    yield 'a', make('A', lr_sc_cases)
    yield 'zicsr', make('ZICSR', csr_cases)
    for ext in 'ZBA', 'ZBB', 'ZBC', 'ZBS', 'ZICOND':
        yield ext.lower(), make(ext)
    yield 'zacas', make('ZACAS', *[lambda o, r=r: amocas_cases(o, r)
                                   for r in ('amocas.w', 'amocas.d', 'amocas.q')])
    yield 'c', make('C', c_cases)
    yield 'f', make('F', lambda o: fp_arith(o, fp.F), lambda o: fp_moves(o, fp.F))
    yield 'd', make('D', lambda o: fp_arith(o, fp.D), lambda o: fp_moves(o, fp.D),
                    lambda o: fp_convert(o, 'fcvt.s.d', fp.D, fp.F),
                    lambda o: fp_convert(o, 'fcvt.d.s', fp.F, fp.D), fp_compressed)
    yield 'zfhmin', make('ZFHMIN', lambda o: fp_moves(o, fp.H),
                         lambda o: fp_convert(o, 'fcvt.s.h', fp.H, fp.F),
                         lambda o: fp_convert(o, 'fcvt.h.s', fp.F, fp.H),
                         lambda o: fp_convert(o, 'fcvt.d.h', fp.H, fp.D),
                         lambda o: fp_convert(o, 'fcvt.h.d', fp.D, fp.H))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    _, table = gen_insn.parse(sys.argv[1])
    covered = set(BY_HAND)
    for name, out in programs(table):
        assert out.number < 65536
        covered |= out.covered
        out.write(os.path.join(sys.argv[2], f'insn_{name}.S'))
    missing = [row.name for row in table if row.name not in covered]
    if missing:
        sys.exit(f'no guest test covers {missing}')
    unknown = covered - {row.name for row in table}
    if unknown:
        sys.exit(f'tests of rows that are not in the table: {unknown}')


if __name__ == '__main__':
    main()

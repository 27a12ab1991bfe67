#!/usr/bin/env python3
"""Writes guest tests of single instructions: operands, the instruction, the expected result.

    gen_insn_tests.py insn.table OUTPUT-FOLDER

One insn_EXT.S per extension. Expected values come from insn_models.py and fpmodel.py, written from
the manual and independent of Vireo. A row of insn.table that has neither a model here nor
a line in BY_HAND stops the run, so that a new instruction cannot go untested.

In a failing test the exit code is the case's number: look for "li gp, NUMBER" in the .S.
"""
import os
import sys

import fpmodel as fp
from gen_fp_tests import fp_arith, fp_compressed, fp_convert, fp_moves
from insn_models import (AMO, BRANCH, C_RR, INTERESTING, LOAD, M64, R1, RI, RR, RS, STORE, s64, signed,
                         sx)
from insn_program import C_USABLE, Out, PATTERN, USABLE, c_text, memory

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../scripts'))
import gen_insn  # noqa: E402  the table's parser

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
    covered, names = set(BY_HAND), []
    for name, out in programs(table):
        names.append(name)
        assert out.number < 65536
        covered |= out.covered
        out.write(os.path.join(sys.argv[2], f'insn_{name}.S'))
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, 'list')) as lines:
        listed = {line.split()[0] for line in lines if line.strip()}
    absent = set(BY_HAND.values()) | {f'insn_{name}' for name in names}
    absent -= listed
    if absent:
        sys.exit(f'tests/guest/list lacks {sorted(absent)}')
    missing = [row.name for row in table if row.name not in covered]
    if missing:
        sys.exit(f'no guest test covers {missing}')
    unknown = covered - {row.name for row in table}
    if unknown:
        sys.exit(f'tests of rows that are not in the table: {unknown}')


if __name__ == '__main__':
    main()

"""A test program in the making: cases, registers, values, expectations."""
import random

from insn_models import INTERESTING, M64

X = ['zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1'] + \
    [f'a{i}' for i in range(8)] + [f's{i}' for i in range(2, 12)] + ['t3', 't4', 't5', 't6']
USABLE = [x for x in X if x not in ('zero', 'gp')]      # gp holds the case's number
C_USABLE = ['s0', 's1', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5']


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


PATTERN = [(37 * i + 0x81) & 0xff for i in range(128)]


def memory(out):
    out.data += ['.balign 64', 'buffer: .byte ' + ', '.join(map(str, PATTERN)),
                 '.balign 64', 'scratch: .skip 256']


def c_text(out, text):
    out.put('.option push')
    out.put('.option rvc')
    out.put(text)
    out.put('.option pop')

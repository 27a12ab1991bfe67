"""What integer instructions compute, in Python: written from the manual."""

M64 = (1 << 64) - 1
INTERESTING = [0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
               0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, M64, M64 - 1,
               0xffffffff80000000, 0xffffffff7fffffff, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa,
               0x0123456789abcdef, 0xfedcba9876543210, 0x00ff00ff00ff0000, 0x8000000080000000]

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

"""IEEE 754 as RISC-V has it, in exact integers: where the expected results of FP tests come from.

Slow and plain on purpose, and written without looking at src/cpu/fp*.c: a finite value is a sign,
an integer and a power of two; one function rounds. Specification: unprivileged manual, "F", "D",
"Zfhmin".
"""
from math import isqrt

RNE, RTZ, RDN, RUP, RMM = range(5)
NX, UF, OF, DZ, NV = 1, 2, 4, 8, 16


class Fmt:
    def __init__(self, name, ebits, mbits):
        self.name, self.ebits, self.mbits = name, ebits, mbits
        self.bits = 1 + ebits + mbits
        self.bias = (1 << ebits - 1) - 1
        self.emax = (1 << ebits) - 1
        self.inf = self.emax << mbits
        self.nan = self.inf | 1 << mbits - 1  # the canonical one
        self.sign = 1 << self.bits - 1
        self.lsb = 1 - self.bias - mbits      # exponent of a subnormal's last bit


H, F, D = Fmt('h', 5, 10), Fmt('s', 8, 23), Fmt('d', 11, 52)


def is_nan(fmt, a):
    return a & ~fmt.sign > fmt.inf


def is_snan(fmt, a):
    return is_nan(fmt, a) and not a >> fmt.mbits - 1 & 1


def is_inf(fmt, a):
    return a & ~fmt.sign == fmt.inf


def is_zero(fmt, a):
    return a & ~fmt.sign == 0


def sign(fmt, a):
    return a >> fmt.bits - 1 & 1


def parts(fmt, a):
    """A finite value as (sign, integer, exponent)."""
    e, m = a >> fmt.mbits & fmt.emax, a & (1 << fmt.mbits) - 1
    if e == 0:
        return sign(fmt, a), m, fmt.lsb
    return sign(fmt, a), m | 1 << fmt.mbits, e - fmt.bias - fmt.mbits


def shift_round(mant, shift, sticky, s, rm):
    """mant / 2**shift, rounded to an integer; and whether that was inexact."""
    if shift <= 0:
        # Exact in bits; what is behind them must be too far away to decide a tie.
        assert not sticky
        return mant << -shift, False
    q, rest = mant >> shift, mant & (1 << shift) - 1
    half = 1 << shift - 1
    inexact = rest != 0 or sticky
    above = rest > half or rest == half and sticky
    tie = rest == half and not sticky
    up = {RNE: above or tie and q & 1, RMM: above or tie, RTZ: False,
          RDN: s and inexact, RUP: not s and inexact}[rm]
    return q + bool(up), inexact


def round_pack(fmt, s, mant, exp, rm, sticky=False):
    """(bits, flags) of (-1)**s * mant * 2**exp; sticky: a little more than mant."""
    assert mant
    p = fmt.mbits + 1
    if sticky or mant.bit_length() < p + 3:
        mant, exp = mant << p + 3, exp - p - 3
    if sticky:
        mant |= 1  # a bit far below those that matter stands for the rest
    free = exp + mant.bit_length() - p      # the last bit's exponent, were there no smallest
    lsb = max(free, fmt.lsb)
    q, inexact = shift_round(mant, lsb - exp, False, s, rm)
    unbounded, _ = shift_round(mant, free - exp, False, s, rm)
    tiny = unbounded.bit_length() + free <= fmt.lsb + fmt.mbits
    flags = NX if inexact else 0
    if q.bit_length() > p:
        q, lsb = q >> 1, lsb + 1
    e = lsb + fmt.bias + fmt.mbits if q >> fmt.mbits else 0
    if e >= fmt.emax:
        infinite = rm in (RNE, RMM) or rm == (RDN if s else RUP)
        return (fmt.sign * s | (fmt.inf if infinite else fmt.inf - 1)), OF | NX
    if tiny and inexact:
        flags |= UF
    return fmt.sign * s | e << fmt.mbits | q & (1 << fmt.mbits) - 1, flags


def nan_result(fmt, *args):
    return fmt.nan, NV if any(is_snan(fmt, a) for a in args) else 0


def add(fmt, a, b, rm):
    if is_nan(fmt, a) or is_nan(fmt, b):
        return nan_result(fmt, a, b)
    if is_inf(fmt, a) or is_inf(fmt, b):
        if is_inf(fmt, a) and is_inf(fmt, b) and a != b:
            return fmt.nan, NV
        return (a if is_inf(fmt, a) else b), 0
    return sum_parts(fmt, parts(fmt, a), parts(fmt, b), rm)


def sum_parts(fmt, x, y, rm):
    exp = min(x[2], y[2])
    total = sum((-m if s else m) << e - exp for s, m, e in (x, y))
    if total == 0:
        both = x[0] if x[0] == y[0] else rm == RDN
        return fmt.sign * both, 0
    return round_pack(fmt, int(total < 0), abs(total), exp, rm)


def sub(fmt, a, b, rm):
    return add(fmt, a, b if is_nan(fmt, b) else b ^ fmt.sign, rm)


def mul(fmt, a, b, rm):
    if is_nan(fmt, a) or is_nan(fmt, b):
        return nan_result(fmt, a, b)
    s = sign(fmt, a) ^ sign(fmt, b)
    if is_inf(fmt, a) or is_inf(fmt, b):
        if is_zero(fmt, a) or is_zero(fmt, b):
            return fmt.nan, NV
        return fmt.sign * s | fmt.inf, 0
    if is_zero(fmt, a) or is_zero(fmt, b):
        return fmt.sign * s, 0
    (_, m, e), (_, n, f) = parts(fmt, a), parts(fmt, b)
    return round_pack(fmt, s, m * n, e + f, rm)


def fma(fmt, a, b, c, rm):
    product_invalid = (is_inf(fmt, a) and is_zero(fmt, b)) or (is_zero(fmt, a) and is_inf(fmt, b))
    if any(is_nan(fmt, v) for v in (a, b, c)):
        bits, flags = nan_result(fmt, a, b, c)
        return bits, flags | (NV if product_invalid else 0)
    if product_invalid:
        return fmt.nan, NV
    s = sign(fmt, a) ^ sign(fmt, b)
    if is_inf(fmt, a) or is_inf(fmt, b):
        if is_inf(fmt, c) and sign(fmt, c) != s:
            return fmt.nan, NV
        return fmt.sign * s | fmt.inf, 0
    if is_inf(fmt, c):
        return c, 0
    (_, m, e), (_, n, f) = parts(fmt, a), parts(fmt, b)
    return sum_parts(fmt, (s, m * n, e + f), parts(fmt, c), rm)


def fmsub(fmt, a, b, c, rm):
    return fma(fmt, a, b, c ^ fmt.sign, rm)


def fnmsub(fmt, a, b, c, rm):
    return fma(fmt, a ^ fmt.sign, b, c, rm)


def fnmadd(fmt, a, b, c, rm):
    return fma(fmt, a ^ fmt.sign, b, c ^ fmt.sign, rm)


def div(fmt, a, b, rm):
    if is_nan(fmt, a) or is_nan(fmt, b):
        return nan_result(fmt, a, b)
    s = sign(fmt, a) ^ sign(fmt, b)
    if is_inf(fmt, a):
        return (fmt.nan, NV) if is_inf(fmt, b) else (fmt.sign * s | fmt.inf, 0)
    if is_inf(fmt, b):
        return fmt.sign * s, 0
    if is_zero(fmt, b):
        return (fmt.nan, NV) if is_zero(fmt, a) else (fmt.sign * s | fmt.inf, DZ)
    if is_zero(fmt, a):
        return fmt.sign * s, 0
    (_, m, e), (_, n, f) = parts(fmt, a), parts(fmt, b)
    more = 2 * fmt.mbits + 8
    q, rest = divmod(m << more, n)
    return round_pack(fmt, s, q, e - f - more, rm, rest != 0)


def sqrt(fmt, a, rm):
    if is_nan(fmt, a):
        return nan_result(fmt, a)
    if is_zero(fmt, a):
        return a, 0
    if sign(fmt, a):
        return fmt.nan, NV
    if is_inf(fmt, a):
        return a, 0
    _, m, e = parts(fmt, a)
    more = 2 * fmt.mbits + 8
    if (e - more) % 2:
        more += 1
    m, e = m << more, e - more
    root = isqrt(m)
    return round_pack(fmt, 0, root, e // 2, rm, root * root != m)


def key(fmt, a):
    """Orders bit patterns as numbers, -0 below +0."""
    return -(a & ~fmt.sign) - 1 if sign(fmt, a) else a


def minmax(fmt, a, b, want_max):
    flags = NV if is_snan(fmt, a) or is_snan(fmt, b) else 0
    if is_nan(fmt, a) or is_nan(fmt, b):
        if is_nan(fmt, a) and is_nan(fmt, b):
            return fmt.nan, flags
        return (b if is_nan(fmt, a) else a), flags
    pick = max if want_max else min
    return pick(a, b, key=lambda v: key(fmt, v)), flags


def compare(fmt, a, b, op):
    if is_nan(fmt, a) or is_nan(fmt, b):
        quiet = op == 'eq' and not is_snan(fmt, a) and not is_snan(fmt, b)
        return 0, 0 if quiet else NV
    if is_zero(fmt, a) and is_zero(fmt, b):
        return int(op != 'lt'), 0
    x, y = key(fmt, a), key(fmt, b)
    return int({'eq': x == y, 'lt': x < y, 'le': x <= y}[op]), 0


def sgnj(fmt, a, b, op):
    s = {'': b, 'n': ~b, 'x': a ^ b}[op] & fmt.sign
    return a & ~fmt.sign | s, 0


def fclass(fmt, a):
    if is_nan(fmt, a):
        return (1 << 8 if is_snan(fmt, a) else 1 << 9), 0
    if is_inf(fmt, a):
        bit = 7
    elif is_zero(fmt, a):
        bit = 4
    else:
        bit = 6 if a >> fmt.mbits & fmt.emax else 5
    return 1 << (7 - bit if sign(fmt, a) else bit), 0


def to_int(fmt, a, rm, width, signed):
    """The result as a 64-bit register holds it."""
    lo, hi = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
    if is_nan(fmt, a) or is_inf(fmt, a):
        val, flags = (lo if is_inf(fmt, a) and sign(fmt, a) else hi), NV
    else:
        s, m, e = parts(fmt, a)
        q, inexact = shift_round(m, -e, False, s, rm)
        val, flags = (-q if s else q), (NX if inexact else 0)
        if not lo <= val <= hi:
            val, flags = (lo if val < lo else hi), NV
    if width == 32 and val >> 31 & 1:
        val |= ~0xffffffff
    return val & (1 << 64) - 1, flags


def from_int(fmt, x, rm, width, signed):
    x &= (1 << width) - 1
    if signed and x >> width - 1:
        x -= 1 << width
    if x == 0:
        return 0, 0
    return round_pack(fmt, int(x < 0), abs(x), 0, rm)


def convert(src, dst, a, rm):
    if is_nan(src, a):
        return dst.nan, NV if is_snan(src, a) else 0
    s = sign(src, a)
    if is_inf(src, a):
        return dst.sign * s | dst.inf, 0
    if is_zero(src, a):
        return dst.sign * s, 0
    s, m, e = parts(src, a)
    return round_pack(dst, s, m, e, rm)

"""Cases of floating-point instructions: tables of operands, results and flags, gone through by a
loop for each rounding mode. Part of gen_insn_tests.py."""
import fpmodel as fp
from insn_models import INTERESTING, M64
from insn_program import PATTERN, c_text


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
    equal = [(a, a) for a in values] + [(a, a ^ fmt.sign) for a in values]
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
                 FA[:2], pairs + equal, 'fa0')
    for op in 'eq', 'lt', 'le':
        fp_plain(out, f'f{op}.{n}', [fmt] * 2, None, lambda a, b, o=op: fp.compare(fmt, a, b, o),
                 FA[:2], pairs + equal, 'a0')
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

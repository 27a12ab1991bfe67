#!/usr/bin/env python3
"""Makes <name>_trace.h and <name>_trace.c from <name>.events.

A line of the input is an event, a comment (#) or empty:
    name(type arg, type arg) "printf format"
The header has `static inline void trace_<name>(...)`, which tests the event's flag and prints.

usage: gen_trace.py INPUT OUT.h OUT.c
"""
import os
import re
import sys

EVENT = re.compile(r'^(\w+)\((.*?)\)\s+(".*)$')


def fail(path, number, text):
    sys.exit(f'{path}:{number}: {text}')


def parse(path):
    events, names = [], set()
    with open(path, encoding='utf-8') as lines:
        for number, line in enumerate(lines, 1):
            line = line.strip()
            if not line or line.startswith('#'):
                continue
            match = EVENT.match(line)
            if not match:
                fail(path, number, 'expected: name(type arg, ...) "format"')
            name, params, fmt = match.groups()
            if name in names:
                fail(path, number, f'event {name} is declared twice')
            names.add(name)
            params = params.strip()
            args = []
            if params not in ('', 'void'):
                for param in params.split(','):
                    arg = re.search(r'(\w+)$', param.strip())
                    if not arg or not re.search(r'[\s*]', param.strip()):
                        fail(path, number, f'parameter "{param.strip()}" needs a type and a name')
                    args.append(arg.group(1))
            events.append((name, params or 'void', args, fmt))
    return events


def header(base, events):
    guard = re.sub(r'\W', '_', base).upper() + '_TRACE_H'
    out = [f'/* Made by scripts/gen_trace.py from {base}.events. */',
           f'#ifndef {guard}', f'#define {guard}', '',
           '#include <inttypes.h>', '#include <stdint.h>', '', '#include "base/trace.h"', '']
    for name, params, args, fmt in events:
        call = ', '.join([f'&trace_event_{name}', fmt] + args)
        out += [f'extern struct trace_event trace_event_{name};',
                f'static inline void trace_{name}({params})', '{',
                f'    if (trace_on(&trace_event_{name}))',
                f'        trace_emit({call});', '}', '']
    return '\n'.join(out + ['#endif', ''])


def source(base, events):
    out = [f'/* Made by scripts/gen_trace.py from {base}.events. */', '#include "base/trace.h"', '']
    for name, *_ in events:
        out += [f'extern struct trace_event trace_event_{name};', f'TRACE_EVENT_DEFINE({name});']
    return '\n'.join(out + [''])


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    path, out_h, out_c = sys.argv[1:]
    base = os.path.basename(path)
    base = base[:-len('.events')] if base.endswith('.events') else base
    events = parse(path)
    for out, text in ((out_h, header(base, events)), (out_c, source(base, events))):
        with open(out, 'w', encoding='utf-8') as file:
            file.write(text)


main()

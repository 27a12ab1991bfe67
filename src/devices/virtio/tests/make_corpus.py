#!/usr/bin/env python3
"""Writes seed inputs for the virtio fuzz targets: what a well-behaved driver does.

usage: make_corpus.py CORPUS_FOLDER      (tests/fuzz/corpus)
The format of an input is described in fuzz_driver.h and fuzz_virtqueue.c.
"""
import os
import struct
import sys

NEXT, WRITE, INDIRECT = 1, 2, 4


def memory(offset, data):
    return struct.pack('<BHB', 0, offset, len(data)) + data


def desc(queue, index, addr, length, flags=0, nxt=0):
    return struct.pack('<BBBHHBB', 1, queue, index, addr, length, flags, nxt)


def table(index, addr, length, flags=0, nxt=0):
    return struct.pack('<BBHHBB', 10, index, addr, length, flags, nxt)


def chain(queue, head):
    return struct.pack('<BBB', 2, queue, head)


def event(what):
    return struct.pack('<BB', 6, what)


def begin(choice):
    return struct.pack('<BB', 8, choice)


TURN = b'\x09'
DATA, STATUS = 0x4000, 0x9000


def blk(kind, sector, data_len, writable):
    steps = memory(0x3000, struct.pack('<IIQ', kind, 0, sector)) + desc(0, 0, 0x3000, 16, NEXT, 1)
    if data_len:
        steps += desc(0, 1, DATA, data_len, NEXT | (WRITE if writable else 0), 2)
        steps += desc(0, 2, STATUS, 1, WRITE)
    else:
        steps += desc(0, 1, STATUS, 1, WRITE)
    return steps + chain(0, 0)


def ranges(*items):
    return memory(DATA, b''.join(struct.pack('<QII', *item) for item in items))


def frame(queue, length):
    return desc(queue, 0, 0x3000, 12, NEXT, 1) + desc(queue, 1, DATA, length) + chain(queue, 0)


def control(data):
    return (memory(0x3000, data) + desc(2, 0, 0x3000, len(data), NEXT, 1) +
            desc(2, 1, STATUS, 1, WRITE) + chain(2, 0))


def receive(queue, count, length):
    return b''.join(desc(queue, i, DATA + i * length, length, WRITE) + chain(queue, i)
                    for i in range(count))


SEEDS = {
    'fuzz_virtio_blk': {
        'read': b'\x07' + blk(0, 3, 512, True) + TURN,
        'write': b'\x07' + blk(1, 3, 1024, False) + blk(4, 0, 0, False),
        'get_id': b'\x06' + blk(8, 0, 20, True),
        'discard': b'\x07' + ranges((1, 8, 0), (64, 8, 0)) + blk(11, 0, 32, False),
        'zeroes': b'\x07' + ranges((1, 8, 1)) + blk(13, 0, 16, False),
        'fail': b'\x07' + event(1) + blk(0, 3, 512, True) + event(2) + blk(0, 3, 512, True),
        'indirect': b'\x03' + memory(0x3000, struct.pack('<IIQ', 0, 0, 0)) +
                    table(0, 0x3000, 16, NEXT, 1) + table(1, DATA, 512, NEXT | WRITE, 2) +
                    table(2, STATUS, 1, WRITE) + desc(0, 0, 0xc000, 48, INDIRECT) + chain(0, 0),
        'reset': b'\x07' + event(2) + blk(0, 0, 4096, True) + begin(0) + blk(1, 0, 512, False),
    },
    'fuzz_virtio_net': {
        'send': b'\x07' + frame(1, 60) + TURN,
        'checksum': b'\x04' + memory(0x3000, struct.pack('<BBHHHHH', 1, 0, 0, 0, 34, 16, 0)) +
                    frame(1, 100) + TURN,
        'receive': b'\x07' + receive(0, 4, 1024) + event(0x82) + event(0xff) + TURN,
        'backlog': b'\x03' + event(0x42) + event(0x42) + receive(0, 2, 2048) + TURN + TURN,
        'control': b'\x07' + control(b'\x00\x00\x01') + control(b'\x01\x01abcdef') +
                   control(b'\x01\x00\x01\0\0\0abcdef\0\0\0\0') + event(1) + control(b'\x03\x00'),
    },
    'fuzz_virtio_console': {
        'output': b'\x07' + memory(DATA, b'hello') + desc(1, 0, DATA, 5) + chain(1, 0),
        'input': b'\x07' + receive(0, 3, 64) + event(0x22) + TURN + event(0xfe) + TURN,
        'full': b'\x07' + desc(1, 0, DATA, 0x5000) + chain(1, 0) + event(0xfc) + event(0xfc),
        'resize': b'\x04' + event(0x15) + struct.pack('<BBBI', 5, 8, 2, 0x41),
    },
    'fuzz_virtio_rng': {
        'fill': b'\x07' + receive(0, 3, 300) + TURN,
        'readable': b'\x07' + desc(0, 0, DATA, 64) + chain(0, 0) + begin(3) + receive(0, 1, 16),
    },
}


def raw_desc(addr, length, flags, nxt):
    return struct.pack('<QIHH', addr, length, flags, nxt)


def ring(log2_size, flags, held, descs, heads, tail=b''):
    size = 1 << log2_size
    base = 0x80000000
    body = b''.join(raw_desc(base + a, n, f, x) for a, n, f, x in descs).ljust(16 * size, b'\0')
    avail = struct.pack('<HH', 0, len(heads)) + b''.join(struct.pack('<H', h) for h in heads)
    body += avail.ljust(6 + 2 * size, b'\0') + tail
    return bytes([log2_size | flags, held]) + body.ljust(256, b'\0')


SEEDS['fuzz_virtqueue'] = {
    'direct': ring(2, 0, 3, [(0x3000, 16, NEXT, 1), (0x4000, 512, NEXT | WRITE, 2),
                             (0x9000, 1, WRITE, 0)], [0]),
    'two': ring(2, 16, 1, [(0x3000, 16, 0, 0), (0x4000, 512, WRITE, 0)], [0, 1, 0]),
    'loop': ring(2, 0, 0, [(0x3000, 16, NEXT, 1), (0x3000, 16, NEXT, 0)], [0]),
    'indirect': ring(1, 8, 0, [(46, 48, INDIRECT, 0)], [0, 0],
                     b'\0' * 4 + raw_desc(0x80003000, 16, NEXT, 1) +
                     raw_desc(0x80004000, 64, NEXT | WRITE, 2) + raw_desc(0x80005000, 1, WRITE, 0)),
}


def main():
    for target, seeds in SEEDS.items():
        folder = os.path.join(sys.argv[1], target)
        os.makedirs(folder, exist_ok=True)
        for name, data in seeds.items():
            with open(os.path.join(folder, name), 'wb') as out:
                out.write(data)


if __name__ == '__main__':
    main()

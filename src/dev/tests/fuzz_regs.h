/* dev/tests/fuzz_regs.h - a device under a stream of register accesses.
 *
 * The input is a program: each step is a byte of what to do, then its operands, little endian,
 * missing bytes read as 0.
 *     bits 1:0 of the byte   0 store, 1 load, 2 advance the clock, 3 the device's own extra
 *     bits 3:2               log2 of the access size
 *     store, load            offset (3 bytes, taken modulo the region's size, aligned), value
 *     advance                4 bytes, nanoseconds << 8
 */
#ifndef DEV_TESTS_FUZZ_REGS_H
#define DEV_TESTS_FUZZ_REGS_H

#include "dev/tests/harness.h"

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

static inline uint64_t fuzz_take(struct fuzz_input *in, unsigned bytes)
{
    uint64_t val = 0;

    for (unsigned i = 0; i < bytes; i++) {
        if (in->left == 0)
            break;
        val |= (uint64_t)*in->at++ << 8 * i;
        in->left--;
    }
    return val;
}

/* Runs the whole input against the region of `size` bytes at `base`. */
static inline void fuzz_regs(struct harness *h, gpa_t base, uint64_t size, struct fuzz_input *in,
                             void (*extra)(void *opaque, struct fuzz_input *in), void *opaque)
{
    while (in->left > 0) {
        unsigned op = (unsigned)fuzz_take(in, 1), bytes = 1u << (op >> 2 & 3);
        uint64_t off, val = 0;

        switch (op & 3) {
        case 0:
        case 1:
            off = fuzz_take(in, 3) % size & ~(uint64_t)(bytes - 1);
            /* A refusal is an answer too. */
            if (op & 1)
                (void)!mem_load(h->space, base + off, bytes, &val);
            else
                (void)!mem_store(h->space, base + off, bytes, fuzz_take(in, bytes));
            break;
        case 2:
            harness_advance(h, fuzz_take(in, 4) << 8);
            break;
        default:
            if (extra != NULL)
                extra(opaque, in);
            break;
        }
    }
}

#endif

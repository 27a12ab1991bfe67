/* A bytecode machine with a switch in a loop, as a scripting language has: it sieves primes.
 *
 * Instructions are words: opcode in the low byte, then three register numbers or an offset.
 */
#include <stddef.h>

#include "bench.h"

enum { LI, ADD, ADDI, MUL, LT, JZ, JMP, LOAD, STORE, HALT };

#define INSN(op, a, b, c)                                                                          \
    ((uint32_t)(op) | (uint32_t)(a) << 8 | (uint32_t)(b) << 16 | (uint32_t)(c) << 24)

enum { LIMIT = 20000 };
static int64_t memory[LIMIT];

static uint64_t execute(const uint32_t *program, const int64_t *constants)
{
    int64_t r[16] = { 0 };
    size_t pc = 0;

    for (;;) {
        uint32_t i = program[pc++];
        unsigned a = i >> 8 & 15, b = i >> 16 & 15, c = i >> 24 & 15;

        switch (i & 0xff) {
        case LI:
            r[a] = constants[b];
            break;
        case ADD:
            r[a] = r[b] + r[c];
            break;
        case ADDI:
            r[a] = r[b] + (int8_t)(i >> 24);
            break;
        case MUL:
            r[a] = r[b] * r[c];
            break;
        case LT:
            r[a] = r[b] < r[c];
            break;
        case JZ:
            if (r[a] == 0)
                pc += (size_t)(ptrdiff_t)(int8_t)(i >> 24);
            break;
        case JMP:
            pc += (size_t)(ptrdiff_t)(int8_t)(i >> 24);
            break;
        case LOAD:
            r[a] = memory[r[b]];
            break;
        case STORE:
            memory[r[b]] = r[a];
            break;
        default:
            return (uint64_t)r[0];
        }
    }
}

int main(int argc, char **argv)
{
    static const int64_t constants[] = { LIMIT, 0, 1, 2 };
    /* r0 sum of primes, r1 i, r2 j, r3 limit, r4 flag, r5 one, r6 cell */
    static const uint32_t sieve[] = {
        INSN(LI, 0, 1, 0),    INSN(LI, 3, 0, 0),   INSN(LI, 5, 2, 0),   INSN(LI, 1, 3, 0),
        INSN(LT, 4, 1, 3),    INSN(JZ, 4, 0, 12),  /* while i < limit, else to HALT */
        INSN(LOAD, 6, 1, 0),  INSN(JZ, 6, 0, 2),   /* if composite[i] == 0 skip the jump over */
        INSN(ADDI, 1, 1, 1),  INSN(JMP, 0, 0, -6), /* next i */
        INSN(ADD, 0, 0, 1),   INSN(MUL, 2, 1, 1),  /* sum += i; j = i * i */
        INSN(LT, 4, 2, 3),    INSN(JZ, 4, 0, -6),  /* while j < limit, else next i */
        INSN(STORE, 5, 2, 0), INSN(ADD, 2, 2, 1),  INSN(JMP, 0, 0, -5), /* mark; j += i */
        INSN(HALT, 0, 0, 0),  INSN(HALT, 0, 0, 0),
    };
    uint64_t rounds = bench_scaled(argc, argv, 250), i, sum = 0;
    double t = bench_now();

    for (i = 0; i < rounds; i++) {
        memset(memory, 0, sizeof(memory));
        sum = sum * 3 + execute(sieve, constants);
    }
    return bench_report("vm", t, sum);
}

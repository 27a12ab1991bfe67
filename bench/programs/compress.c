/* A byte-oriented LZ77: hash of four bytes to the last place they stood, literals and matches in
 * tokens; then back again, compared with the original.
 *
 * A token is a byte: below 128, that many plus 1 literals follow; else a match of (byte & 127) + 4
 * bytes, at the distance of the two bytes that follow.
 */
#include "bench.h"

enum { SIZE = 1 << 20, HASH_BITS = 14, WINDOW = 65535, MATCH_MIN = 4, MATCH_MAX = 131 };

static unsigned char text[SIZE], packed[SIZE * 2], unpacked[SIZE];
static uint32_t last[1 << HASH_BITS]; /* position + 1 */

static size_t flush(size_t out, size_t from, size_t to)
{
    while (from < to) {
        size_t n = to - from < 128 ? to - from : 128;

        packed[out++] = (unsigned char)(n - 1);
        memcpy(packed + out, text + from, n);
        out += n;
        from += n;
    }
    return out;
}

static size_t compress(void)
{
    size_t i = 0, literals = 0, out = 0;

    memset(last, 0, sizeof(last));
    while (i + MATCH_MIN <= SIZE) {
        uint32_t word, slot;
        size_t at, n = 0;

        memcpy(&word, text + i, sizeof(word));
        slot = word * 2654435761u >> (32 - HASH_BITS);
        at = last[slot];
        last[slot] = (uint32_t)i + 1;
        if (at && i - (at - 1) <= WINDOW) {
            const unsigned char *p = text + at - 1;

            while (n < MATCH_MAX && i + n < SIZE && p[n] == text[i + n])
                n++;
        }
        if (n < MATCH_MIN) {
            i++;
            continue;
        }
        out = flush(out, literals, i);
        packed[out++] = (unsigned char)(128 + n - MATCH_MIN);
        packed[out++] = (unsigned char)(i - (at - 1));
        packed[out++] = (unsigned char)((i - (at - 1)) >> 8);
        i += n;
        literals = i;
    }
    return flush(out, literals, SIZE);
}

static size_t decompress(size_t size)
{
    size_t i = 0, out = 0;

    while (i < size) {
        unsigned token = packed[i++];

        if (token < 128) {
            memcpy(unpacked + out, packed + i, token + 1);
            out += token + 1;
            i += token + 1;
        } else {
            size_t distance = packed[i] | (size_t)packed[i + 1] << 8, n = (token & 127) + MATCH_MIN;

            i += 2;
            for (; n; n--, out++)
                unpacked[out] = unpacked[out - distance];
        }
    }
    return out;
}

/* Words of a small vocabulary, as text has, some of it new each round. */
static void write_text(uint64_t *seed)
{
    static unsigned char words[512][12];
    size_t i = 0;
    unsigned w, n;

    for (w = 0; w < 512; w++) {
        for (n = 0; n < 12; n++)
            words[w][n] = (unsigned char)('a' + bench_random(seed) % 26);
    }
    while (i < SIZE) {
        w = (unsigned)(bench_random(seed) & bench_random(seed)) & 511;
        n = 2 + w % 10;
        if (n > SIZE - i)
            n = (unsigned)(SIZE - i);
        memcpy(text + i, words[w], n);
        i += n;
        if (i < SIZE)
            text[i++] = ' ';
    }
}

int main(int argc, char **argv)
{
    uint64_t rounds = bench_scaled(argc, argv, 30), i, sum = 0, seed = 11;
    double t = bench_now();

    for (i = 0; i < rounds; i++) {
        size_t size;

        if (i % 8 == 0)
            write_text(&seed);
        size = compress();
        if (decompress(size) != SIZE || memcmp(text, unpacked, SIZE) != 0)
            return bench_fail("compress", "round trip");
        sum = sum * 31 + size;
        text[i * 7919 % SIZE] ^= 1;
    }
    return bench_report("compress", t, sum);
}

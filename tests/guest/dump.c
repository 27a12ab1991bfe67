/* For programs of gen_random.py: prints a hash of the registers, of fcsr, and of the buffer. */
#include "guest.h"

extern u64 saved[65], buffer[528];
void dump(void);

static u64 hash(u64 seed, const u64 *words, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        seed = (seed ^ words[i]) * 0x100000001b3 + (seed >> 29);
    return seed;
}

void dump(void)
{
    static unsigned turn;

    guest_print_hex(turn++);
    guest_print(" x ");
    guest_print_hex(hash(1, saved, 32));
    guest_print(" f ");
    guest_print_hex(hash(1, saved + 32, 32));
    guest_print(" fcsr ");
    guest_print_hex(saved[64]);
    guest_print(" memory ");
    guest_print_hex(hash(1, buffer, 528));
    guest_print("\n");
}

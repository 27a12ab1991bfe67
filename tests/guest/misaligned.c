/* Loads and stores at every offset, within a word, over cache lines and over pages, in M mode and
 * translated; each compared with bytes. */
#include "guest.h"

#define VA ((u64)0x1000000000)

static u8 *const bytes = guest_pages[0];

static u64 expected(u64 at, unsigned size)
{
    u64 val = 0;

    for (unsigned i = 0; i < size; i++)
        val |= (u64)bytes[at + i] << 8 * i;
    return val;
}

static void at(u64 base, u64 off, int priv)
{
    u64 val = 0x0123456789abcdef * (off + 1);

    CHECK_EQ(run(priv, (void *)probe_ld, base + off, 0).ret, expected(off, 8));
    CHECK_EQ((u32)run(priv, (void *)probe_lw, base + off, 0).ret, expected(off, 4));
    CHECK_EQ((u16)run(priv, (void *)probe_lh, base + off, 0).ret, expected(off, 2));
    CHECK_EQ(run(priv, (void *)probe_sd, base + off, val).cause, NO_TRAP);
    CHECK_EQ(expected(off, 8), val);
    CHECK_EQ(run(priv, (void *)probe_sw, base + off + 1, val).cause, NO_TRAP);
    CHECK_EQ(expected(off + 1, 4), (u32)val);
    CHECK_EQ(expected(off, 1), (u8)val);
    CHECK_EQ(expected(off + 5, 1), (u8)(val >> 40));
    CHECK_EQ(run(priv, (void *)probe_sh, base + off + 3, ~val).cause, NO_TRAP);
    CHECK_EQ(expected(off + 3, 2), (u16)~val);
}

static void everywhere(u64 base, int priv)
{
    for (unsigned i = 0; i < 3 * 4096; i++)
        bytes[i] = (u8)(i * 7 + (i >> 8));
    for (u64 off = 0; off < 80; off++)
        at(base, off, priv);
    for (u64 off = 4096 - 12; off < 4096 + 4; off++)
        at(base, off, priv);
    for (u64 off = 8192 - 12; off < 8192 + 4; off++)
        at(base, off, priv);
}

int main(void)
{
    static struct space space;

    everywhere((u64)bytes, M);
    everywhere((u64)bytes, S);
    everywhere((u64)bytes, U);
    space_init(&space, SV39);
    for (u64 i = 0; i < 3; i++)
        space_map(&space, VA + i * 4096, (u64)bytes + i * 4096, 0, PTE_V | PTE_AD | PTE_R | PTE_W);
    space_use(&space, 0);
    everywhere(VA, S);
    return 0;
}

/* Extensions that --cpu has turned off: their instructions, CSRs and bits are not there, and hints
 * are what they were before. */
#include "guest.h"

int main(void)
{
    static const u32 words[] = {
        0x00b50533 | 0x10 << 25 | 2 << 12, /* sh1add */
        0x0805053b,                        /* add.uw */
        0x60051513,                        /* clz */
        0x0805453b,                        /* zext.h */
        0x6b855513,                        /* rev8 */
        0x0ab51533,                        /* clmul */
        0x28b51533,                        /* bset */
        0x48155513,                        /* bexti */
        0x0eb55533,                        /* czero.eqz */
        0x28b5252f,                        /* amocas.w */
        0x00d00073,                        /* wrs.nto */
        0x00052007,                        /* flw */
        0x00053007,                        /* fld */
        0x00007053,                        /* fadd.s */
        0x02007053,                        /* fadd.d */
        0x00051007,                        /* flh */
        0x04007053,                        /* format 2 */
        0x0005200f,                        /* cbo.inval */
        0x0045200f,                        /* cbo.zero */
        0x16b50073,                        /* sinval.vma */
        0x18000073,                        /* sfence.w.inval */
        0x00002108,                        /* c.fld */
        0x0000a108,                        /* c.fsd */
        0x00002502,                        /* c.fldsp */
        0x0000a02a,                        /* c.fsdsp */
    };
    static const u16 csrs[] = { FFLAGS, FRM, FCSR, STIMECMP, SCOUNTOVF };

    CSR_SET(MSTATUS, MSTATUS_FS);
    CHECK_EQ(CSR_READ(MSTATUS) & MSTATUS_FS, 0); /* no F: FS is 0 */
    CSR_WRITE(MENVCFG, -1);
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (run_insn(M, words[i], (u64)guest_pages, 0).cause != ILLEGAL)
            guest_fail(__FILE__, __LINE__, "cause of a word", words[i], ILLEGAL);
    }
    for (unsigned i = 0; i < sizeof(csrs) / sizeof(csrs[0]); i++) {
        if (run_insn(M, insn_csrr(csrs[i]), 0, 0).cause != ILLEGAL)
            guest_fail(__FILE__, __LINE__, "access to CSR", csrs[i], ILLEGAL);
    }
    CHECK_EQ(CSR_READ(MENVCFG) &
                 (MENVCFG_STCE | MENVCFG_PBMTE | MENVCFG_CBIE_INVAL | MENVCFG_CBCFE | MENVCFG_CBZE),
             0);
    CHECK_EQ(CSR_READ(MISA) & (BIT('F' - 'A') | BIT('D' - 'A')), 0);
    /* Hints stay what they are without the extension that gives them a meaning. */
    CHECK_EQ(run_insn(M, 0x0100000f, 0, 0).cause, NO_TRAP); /* pause: fence */
    CHECK_EQ(run_insn(M, 0x00156013, 0, 0).cause, NO_TRAP); /* prefetch.r: ori x0 */
    return 0;
}

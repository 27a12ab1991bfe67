/* cpu/fp.h - RISC-V floating point in integers: exact in every rounding mode and flag, on any
 * host. What T0 executes and what the JIT's SSE code is compared with.
 *
 * Pure functions, any thread. Values are raw bits: F16 and F32 in the low bits, the rest ignored
 * on input and zero on output (NaN-boxing is the caller's). `rm` is 0..4 (RNE RTZ RDN RUP RMM),
 * never DYN. Flags are or-ed into *flags: NV 16, DZ 8, OF 4, UF 2, NX 1 (fcsr layout). NaN
 * results are canonical; tininess is detected after rounding (unprivileged manual, "F" 21.3).
 */
#ifndef CPU_FP_H
#define CPU_FP_H

#include <stdbool.h>
#include <stdint.h>

enum fp_rm { FP_RNE, FP_RTZ, FP_RDN, FP_RUP, FP_RMM, FP_DYN = 7 };
enum fp_flag { FP_NX = 1, FP_UF = 2, FP_OF = 4, FP_DZ = 8, FP_NV = 16 };

#define FP_DECLARE(p)                                                                              \
    uint64_t p##_add(uint64_t a, uint64_t b, unsigned rm, uint8_t *flags);                         \
    uint64_t p##_sub(uint64_t a, uint64_t b, unsigned rm, uint8_t *flags);                         \
    uint64_t p##_mul(uint64_t a, uint64_t b, unsigned rm, uint8_t *flags);                         \
    uint64_t p##_div(uint64_t a, uint64_t b, unsigned rm, uint8_t *flags);                         \
    uint64_t p##_sqrt(uint64_t a, unsigned rm, uint8_t *flags);                                    \
    /* a * b + c, rounded once; for fmsub and friends flip signs before. */                        \
    uint64_t p##_fma(uint64_t a, uint64_t b, uint64_t c, unsigned rm, uint8_t *flags);             \
    /* minimumNumber and maximumNumber of IEEE 754-2019. */                                        \
    uint64_t p##_min(uint64_t a, uint64_t b, uint8_t *flags);                                      \
    uint64_t p##_max(uint64_t a, uint64_t b, uint8_t *flags);                                      \
    bool p##_eq(uint64_t a, uint64_t b, uint8_t *flags); /* quiet */                               \
    bool p##_lt(uint64_t a, uint64_t b, uint8_t *flags); /* signaling */                           \
    bool p##_le(uint64_t a, uint64_t b, uint8_t *flags);                                           \
    uint64_t p##_class(uint64_t a); /* fclass mask */                                              \
    /* To integers: saturate and raise NV as the specification's table says. The 32-bit forms      \
     * are sign-extended to 64 bits, the unsigned one too. */                                      \
    uint64_t p##_to_i32(uint64_t a, unsigned rm, uint8_t *flags);                                  \
    uint64_t p##_to_u32(uint64_t a, unsigned rm, uint8_t *flags);                                  \
    uint64_t p##_to_i64(uint64_t a, unsigned rm, uint8_t *flags);                                  \
    uint64_t p##_to_u64(uint64_t a, unsigned rm, uint8_t *flags);                                  \
    uint64_t p##_from_i32(uint64_t a, unsigned rm, uint8_t *flags);                                \
    uint64_t p##_from_u32(uint64_t a, unsigned rm, uint8_t *flags);                                \
    uint64_t p##_from_i64(uint64_t a, unsigned rm, uint8_t *flags);                                \
    uint64_t p##_from_u64(uint64_t a, unsigned rm, uint8_t *flags);

FP_DECLARE(f32)
FP_DECLARE(f64)
#undef FP_DECLARE

uint64_t f32_to_f64(uint64_t a, uint8_t *flags);
uint64_t f64_to_f32(uint64_t a, unsigned rm, uint8_t *flags);
uint64_t f16_to_f32(uint64_t a, uint8_t *flags);
uint64_t f16_to_f64(uint64_t a, uint8_t *flags);
uint64_t f32_to_f16(uint64_t a, unsigned rm, uint8_t *flags);
uint64_t f64_to_f16(uint64_t a, unsigned rm, uint8_t *flags);

#endif

/* cpu/fp/f64.c - binary64, the D extension. The code is in the headers; see core.h. */
#include "cpu/fp/define.h"

FP_DEFINE(f64, &fp_b64)

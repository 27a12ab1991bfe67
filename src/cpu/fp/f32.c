/* cpu/fp/f32.c - binary32, the F extension. The code is in the headers; see core.h. */
#include "cpu/fp/define.h"

FP_DEFINE(f32, &fp_b32)

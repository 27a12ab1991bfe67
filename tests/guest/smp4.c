/* 4 harts: smp.h says what they do. */
#define HARTS 4
#include "smp.h"

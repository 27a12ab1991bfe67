/* 2 harts: smp.h says what they do. */
#define HARTS 2
#include "smp.h"

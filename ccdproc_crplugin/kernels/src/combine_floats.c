/* The combining of values that single precision holds exactly: half the memory, half the work. */
#define VALUE float
#define LOAD_VALUES load_floats
#define COMBINE_ITEM combine_floats
#include "combine_pixels.h"

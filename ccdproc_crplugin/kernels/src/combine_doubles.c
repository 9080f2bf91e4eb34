/* The combining of any values. */
#define VALUE double
#define LOAD_VALUES load_values
#define COMBINE_ITEM combine_doubles
#include "combine_pixels.h"

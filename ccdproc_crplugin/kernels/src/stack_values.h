/* The values of some neighbouring pixels of a frame of a stack. */
#ifndef CCDCR_STACK_VALUES_H
#define CCDCR_STACK_VALUES_H

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "stack.h"

/* Pixels that are worked on side by side. More than the sixteen of lanes.h: a compiler unrolls shorter
 * loops before it can make vector instructions of them. */
enum { WIDTH = 32 };

INLINED uint32_t turned_32(uint32_t word)
{
    return word >> 24 | (word >> 8 & 0xff00u) | (word << 8 & 0xff0000u) | word << 24;
}

INLINED uint16_t turned_16(uint16_t word)
{
    return (uint16_t)(word >> 8 | word << 8);
}

INLINED void values_of_floats(const uint32_t *words, bool swapped, double *restrict values)
{
    uint32_t turned[WIDTH];
    float floats[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
        turned[i] = swapped ? turned_32(words[i]) : words[i];
    }
    memcpy(floats, turned, sizeof floats);
    for (int i = 0; i < WIDTH; i++) {
        values[i] = floats[i];
    }
}

INLINED void values_of_integers(const uint16_t *words, bool swapped, bool is_signed, double *restrict values)
{
    for (int i = 0; i < WIDTH; i++) {
        const int word = swapped ? turned_16(words[i]) : words[i];
        values[i] = is_signed && word >= 0x8000 ? word - 0x10000 : word;
    }
}

/* `subtracted` times `factor` off the first n values; a factor of 1 changes nothing. */
INLINED void subtract(const float *restrict subtracted, double factor, int n, double *restrict values)
{
    for (int i = 0; i < n; i++) {
        values[i] -= factor * (double)subtracted[i];
    }
}

INLINED void load_some_values(const Stack *stack, int frame, ptrdiff_t first, int n, double *restrict values)
{
    const size_t size = stack->storage == STORED_FLOAT32 ? 4 : 2;
    const unsigned char *stored = stack->stored + ((ptrdiff_t)frame * stack->n_pixels + first) * (ptrdiff_t)size;
    if (stack->storage == STORED_FLOAT32) {
        uint32_t words[WIDTH] = {0};
        memcpy(words, stored, (size_t)n * sizeof *words);
        values_of_floats(words, stack->swapped, values);
    } else {
        uint16_t words[WIDTH] = {0};
        memcpy(words, stored, (size_t)n * sizeof *words);
        values_of_integers(words, stack->swapped, stack->storage == STORED_INT16, values);
    }
    for (int i = 0; i < WIDTH; i++) {
        values[i] += stack->zero;
    }
    if (stack->offset != NULL) {
        subtract(stack->offset + first, 1.0, n, values);
    }
    if (stack->slope != NULL) {
        subtract(stack->slope + first, stack->factors[frame], n, values);
    }
}

/* Pixels first to first + n - 1, before they are scaled; lanes beyond are not finite. */
INLINED void load_values(const Stack *stack, int frame, ptrdiff_t first, int n, double *restrict values)
{
    if (n == WIDTH) {
        load_some_values(stack, frame, first, WIDTH, values); /* unrolled: the length is known */
        return;
    }
    load_some_values(stack, frame, first, n, values);
    for (int i = n; i < WIDTH; i++) {
        values[i] = NAN;
    }
}

#endif

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

/* Have the memory send what is needed soon: a processor foresees a few streams of reading, not one a frame. */
#if defined(__GNUC__)
#define FETCH_AHEAD(address) __builtin_prefetch(address)
#else
#define FETCH_AHEAD(address) ((void)(address))
#endif

enum { BYTES_AHEAD = 512 };

INLINED float value_of_float(const unsigned char *stored, bool swapped)
{
    uint32_t word;
    float value;
    memcpy(&word, stored, sizeof word);
    word = swapped ? turned_32(word) : word;
    memcpy(&value, &word, sizeof value);
    return value;
}

INLINED int value_of_integer(const unsigned char *stored, bool swapped, bool is_signed)
{
    uint16_t word;
    memcpy(&word, stored, sizeof word);
    word = swapped ? turned_16(word) : word;
    return is_signed ? (int16_t)word : word;
}

INLINED void values_of_floats(const unsigned char *stored, bool swapped, double zero, int n, double *restrict values)
{
    for (int i = 0; i < n; i++) {
        values[i] = (double)value_of_float(stored + 4 * i, swapped) + zero;
    }
}

INLINED void values_of_integers(const unsigned char *stored, bool swapped, bool is_signed, double zero, int n,
                                double *restrict values)
{
    for (int i = 0; i < n; i++) {
        values[i] = value_of_integer(stored + 2 * i, swapped, is_signed) + zero;
    }
}

INLINED void floats_of_floats(const unsigned char *stored, bool swapped, int n, float *restrict values)
{
    for (int i = 0; i < n; i++) {
        values[i] = value_of_float(stored + 4 * i, swapped);
    }
}

INLINED void floats_of_integers(const unsigned char *stored, bool swapped, bool is_signed, int zero, int n,
                                float *restrict values)
{
    for (int i = 0; i < n; i++) {
        values[i] = (float)(value_of_integer(stored + 2 * i, swapped, is_signed) + zero);
    }
}

/* Whether single precision holds each value, before it is scaled, exactly. */
INLINED bool holds_floats(const Stack *stack)
{
    const bool is_small_integer = fabs(stack->zero) <= 65536.0 && stack->zero == (int)stack->zero;
    return stack->offset == NULL && stack->slope == NULL
           && (stack->storage == STORED_FLOAT32 ? stack->zero == 0.0 : is_small_integer);
}

/* `subtracted` times `factor` off the first n values; a factor of 1 changes nothing. */
INLINED void subtract(const float *restrict subtracted, double factor, int n, double *restrict values)
{
    for (int i = 0; i < n; i++) {
        values[i] -= factor * (double)subtracted[i];
    }
}

/* Where a pixel is stored. */
INLINED const unsigned char *place_of(const Stack *stack, int frame, ptrdiff_t pixel)
{
    const ptrdiff_t size = stack->storage == STORED_FLOAT32 ? 4 : 2;
    const unsigned char *place = stack->stored + (frame * stack->n_pixels + pixel) * size;
    FETCH_AHEAD(place + BYTES_AHEAD);
    FETCH_AHEAD(place + BYTES_AHEAD + 64);
    return place;
}

INLINED void load_some_values(const Stack *stack, int frame, ptrdiff_t first, int n, double *restrict values)
{
    const unsigned char *stored = place_of(stack, frame, first);
    if (stack->storage == STORED_FLOAT32 && stack->swapped) {
        values_of_floats(stored, true, stack->zero, n, values);
    } else if (stack->storage == STORED_FLOAT32) {
        values_of_floats(stored, false, stack->zero, n, values);
    } else if (stack->swapped) {
        values_of_integers(stored, true, stack->storage == STORED_INT16, stack->zero, n, values);
    } else {
        values_of_integers(stored, false, stack->storage == STORED_INT16, stack->zero, n, values);
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

INLINED void load_some_floats(const Stack *stack, int frame, ptrdiff_t first, int n, float *restrict values)
{
    const unsigned char *stored = place_of(stack, frame, first);
    const int zero = (int)stack->zero;
    if (stack->storage == STORED_FLOAT32 && stack->swapped) {
        floats_of_floats(stored, true, n, values);
    } else if (stack->storage == STORED_FLOAT32) {
        floats_of_floats(stored, false, n, values);
    } else if (stack->swapped) {
        floats_of_integers(stored, true, stack->storage == STORED_INT16, zero, n, values);
    } else {
        floats_of_integers(stored, false, stack->storage == STORED_INT16, zero, n, values);
    }
}

/* The same of a stack that holds floats. */
INLINED void load_floats(const Stack *stack, int frame, ptrdiff_t first, int n, float *restrict values)
{
    if (n == WIDTH) {
        load_some_floats(stack, frame, first, WIDTH, values);
        return;
    }
    load_some_floats(stack, frame, first, n, values);
    for (int i = n; i < WIDTH; i++) {
        values[i] = NAN;
    }
}

#endif

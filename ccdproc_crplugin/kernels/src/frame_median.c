/* The median of a whole frame, by counting. Each pixel is rounded to single precision; first the upper half
 * of its bits counts, then, of those whose upper half is the median's, the lower half. The few pixels that
 * round to the same number as the median are put in order. */
#include <math.h>
#include <stdlib.h>

#include "sortable.h"
#include "stack_values.h"

enum { BINS = 1 << 16 };

/* Count the finite pixels by the upper half of their key, or by the lower half those of one upper half. */
WIDENED static void count(const Stack *stack, int frame, bool by_lower, uint32_t upper, uint64_t *counts)
{
    memset(counts, 0, BINS * sizeof *counts);
    for (ptrdiff_t first = 0; first < stack->n_pixels; first += WIDTH) {
        const int n = stack->n_pixels - first < WIDTH ? (int)(stack->n_pixels - first) : WIDTH;
        double values[WIDTH];
        uint32_t keys[WIDTH];
        load_values(stack, frame, first, n, values);
        for (int i = 0; i < WIDTH; i++) {
            keys[i] = sortable((float)values[i]);
        }
        for (int i = 0; i < n; i++) {
            if (values[i] - values[i] == 0.0 && (!by_lower || keys[i] >> 16 == upper)) {
                counts[by_lower ? keys[i] & 0xffff : keys[i] >> 16]++;
            }
        }
    }
}

/* The bin that holds the pixel of this rank, which becomes its rank there. */
static uint32_t bin_of_rank(const uint64_t *counts, uint64_t *rank)
{
    uint32_t bin = 0;
    while (*rank >= counts[bin]) {
        *rank -= counts[bin++];
    }
    return bin;
}

static int in_order(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Of the `n` pixels that have this key when they are rounded, the one of this rank. */
static bool value_of_rank(const Stack *stack, int frame, uint32_t key, uint64_t n, uint64_t rank, double *value)
{
    double *same = malloc((n + 1) * sizeof *same);
    if (same == NULL) {
        return false;
    }
    uint64_t n_same = 0;
    for (ptrdiff_t first = 0; first < stack->n_pixels && n_same < n; first += WIDTH) {
        const int n_values = stack->n_pixels - first < WIDTH ? (int)(stack->n_pixels - first) : WIDTH;
        double values[WIDTH];
        load_values(stack, frame, first, n_values, values);
        for (int i = 0; i < n_values && n_same < n; i++) {
            if (sortable((float)values[i]) == key) {
                same[n_same++] = values[i];
            }
        }
    }
    qsort(same, n_same, sizeof *same, in_order);
    *value = same[rank];
    free(same);
    return true;
}

bool median_of_frame(const Stack *stack, int frame, double *median)
{
    uint64_t *counts = malloc(2 * BINS * sizeof *counts);
    if (counts == NULL) {
        return false;
    }
    const bool is_exact = holds_floats(stack);
    uint64_t *lower_counts = counts + BINS;
    uint64_t n = 0;
    bool done = true;
    count(stack, frame, false, 0, counts);
    for (int bin = 0; bin < BINS; bin++) {
        n += counts[bin];
    }
    double sum = n > 0 ? 0.0 : NAN;
    uint32_t counted = BINS;
    for (uint64_t middle = 0; n > 0 && done && middle < 2; middle++) {
        uint64_t rank = (n - 1 + middle) / 2;
        const uint32_t upper = bin_of_rank(counts, &rank);
        if (upper != counted) {
            count(stack, frame, true, upper, lower_counts);
            counted = upper;
        }
        const uint32_t lower = bin_of_rank(lower_counts, &rank);
        double value = from_sortable(upper << 16 | lower);
        if (!is_exact) {
            done = value_of_rank(stack, frame, upper << 16 | lower, lower_counts[lower], rank, &value);
        }
        sum += value;
    }
    *median = sum / 2.0;
    free(counts);
    return done;
}

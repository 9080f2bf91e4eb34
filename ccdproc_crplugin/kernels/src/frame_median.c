/* The median of a whole frame, by counting. Integers of 16 bits are counted as they are. Otherwise each pixel is rounded to single precision; first the upper half
 * of its bits counts, then, of those whose upper half is the median's, the lower half. The few pixels that
 * round to the same number as the median are put in order. */
#include <math.h>
#include <stdlib.h>

#include "sortable.h"
#include "stack_values.h"

/* Neighbours often fall into the same bin, and counting there would have to wait: each has a table of its own.
 * Behind the bins stands a place for what does not count, so that nothing need be foreseen. */
enum { BINS = 1 << 16, TABLES = 4, TABLE = BINS + 8 };

static void add_tables(uint64_t *counts)
{
    for (int table = 1; table < TABLES; table++) {
        for (int bin = 0; bin < BINS; bin++) {
            counts[bin] += counts[table * TABLE + bin];
        }
    }
}

/* Count the finite pixels by the upper half of their key, or by the lower half those of one upper half. */
WIDENED static void count(const Stack *stack, int frame, bool by_lower, uint32_t upper, uint64_t *counts)
{
    memset(counts, 0, TABLES * TABLE * sizeof *counts);
    for (ptrdiff_t first = 0; first < stack->n_pixels; first += WIDTH) {
        const int n = stack->n_pixels - first < WIDTH ? (int)(stack->n_pixels - first) : WIDTH;
        double values[WIDTH];
        uint32_t bins[WIDTH];
        load_values(stack, frame, first, n, values);
        for (int i = 0; i < WIDTH; i++) {
            const uint32_t key = sortable((float)values[i]);
            const bool counts_here = (values[i] - values[i] == 0.0) & (!by_lower | (key >> 16 == upper));
            bins[i] = counts_here ? (by_lower ? key & 0xffff : key >> 16) : BINS;
        }
        for (int i = 0; i < WIDTH; i++) {
            counts[i % TABLES * TABLE + bins[i]]++;
        }
    }
    add_tables(counts);
}

/* Count integers by how far they are above the least there can be. */
static void count_integers(const Stack *stack, int frame, int least, uint64_t *counts)
{
    const unsigned char *stored = stack->stored + 2 * frame * stack->n_pixels;
    memset(counts, 0, TABLES * TABLE * sizeof *counts);
    for (ptrdiff_t i = 0; i < stack->n_pixels; i++) {
        const int number = value_of_integer(stored + 2 * i, stack->swapped, stack->storage == STORED_INT16);
        counts[i % TABLES * TABLE + (number - least)]++;
    }
    add_tables(counts);
}

/* The bin that holds the pixel of this rank, which becomes its rank there. The last bin where fewer are counted, as
 * another thread may change the pixels meanwhile. */
static uint32_t bin_of_rank(const uint64_t *counts, uint64_t *rank)
{
    uint32_t bin = 0;
    while (bin < BINS - 1 && *rank >= counts[bin]) {
        *rank -= counts[bin++];
    }
    return bin;
}

static int in_order(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Of the `n` pixels that have this key when they are rounded, the one of this rank; NaN if there is none by now. */
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
    *value = rank < n_same ? same[rank] : NAN;
    free(same);
    return true;
}

static double median_of_integers(const Stack *stack, int frame, uint64_t *counts)
{
    const int least = stack->storage == STORED_INT16 ? INT16_MIN : 0;
    double sum = 0.0;
    count_integers(stack, frame, least, counts);
    for (int middle = 0; middle < 2; middle++) {
        uint64_t rank = ((uint64_t)stack->n_pixels - 1 + middle) / 2;
        sum += (double)bin_of_rank(counts, &rank) + least + stack->zero;
    }
    return sum / 2.0;
}

bool median_of_frame(const Stack *stack, int frame, double *median)
{
    uint64_t *counts = malloc(2 * TABLES * TABLE * sizeof *counts);
    if (counts == NULL) {
        return false;
    }
    const bool is_exact = holds_floats(stack);
    if (is_exact && stack->storage != STORED_FLOAT32 && stack->n_pixels > 0) {
        *median = median_of_integers(stack, frame, counts);
        free(counts);
        return true;
    }
    uint64_t *lower_counts = counts + TABLES * TABLE;
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

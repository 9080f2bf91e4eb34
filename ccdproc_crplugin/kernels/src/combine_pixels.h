/* Pixels side by side, whose values are of the type VALUE: included by the file of each type, which names also
 * LOAD_VALUES and COMBINE_ITEM. */
#include <math.h>
#include <stdlib.h>

#include "combination.h"
#include "stack_values.h"

/* 1 / the third quartile of the normal distribution: standard deviation from median absolute deviation. */
static const double STD_OF_MAD = 1.482602218505602;

typedef VALUE Lanes[WIDTH];

/* --- order --------------------------------------------------------------- */

INLINED void order_pair(VALUE *restrict smaller, VALUE *restrict larger)
{
    for (int i = 0; i < WIDTH; i++) {
        const VALUE a = smaller[i], b = larger[i];
        smaller[i] = a < b ? a : b;
        larger[i] = a > b ? a : b;
    }
}

#include "order_chunk.h"

/* The whole chunks, then what the network has left to do. */
INLINED void put_in_order(const Pair *pairs, size_t n_pairs, int n_frames, Lanes *w)
{
    for (int k = 0; k + CHUNK <= n_frames; k += CHUNK) {
        order_chunk(w + k);
    }
    for (size_t k = 0; k < n_pairs; k++) {
        order_pair(w[pairs[k].i], w[pairs[k].j]);
    }
}

/* --- median and deviation ------------------------------------------------ */

typedef struct {
    double median, deviation;
} Middle;

/* Of values in order, those that are among the k + 1 nearest to the median stand side by side. So the
 * k-th distance, from 0, is the least that the larger end of k + 1 neighbours can have. */
static double distance_of_rank(const Lanes *w, int lane, int first, int last, int k, double median)
{
    double least = INFINITY;
    for (int j = first; j + k < last; j++) {
        const double below = median - w[j][lane], above = w[j + k][lane] - median;
        const double larger = below > above ? below : above;
        least = larger < least ? larger : least;
    }
    return least;
}

/* Of the values first to last - 1 of one lane. */
static Middle middle_of_lane(const Lanes *w, int lane, int first, int last)
{
    const int n = last - first;
    if (n == 0) {
        return (Middle){NAN, NAN};
    }
    const double median = ((double)w[first + (n - 1) / 2][lane] + w[first + n / 2][lane]) / 2.0;
    const double lower = distance_of_rank(w, lane, first, last, (n - 1) / 2, median);
    const double upper = n % 2 ? lower : distance_of_rank(w, lane, first, last, n / 2, median);
    return (Middle){median, (lower + upper) / 2.0 * STD_OF_MAD};
}

INLINED void keep_least_distance(const VALUE *restrict lowest, const VALUE *restrict highest,
                                 const double *restrict median, double *restrict least)
{
    for (int i = 0; i < WIDTH; i++) {
        const double below = median[i] - lowest[i], above = highest[i] - median[i];
        const double larger = below > above ? below : above;
        least[i] = larger < least[i] ? larger : least[i];
    }
}

INLINED void distances_of_rank(const Lanes *w, int n, int k, const double *restrict median, double *restrict least)
{
    for (int i = 0; i < WIDTH; i++) {
        least[i] = INFINITY;
    }
    for (int j = 0; j + k < n; j++) {
        keep_least_distance(w[j], w[j + k], median, least);
    }
}

/* Of all lanes, each of which holds n good values. */
INLINED void middles_of_full_lanes(const Lanes *w, int n, double *restrict median, double *restrict deviation)
{
    double lower[WIDTH], upper[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
        median[i] = ((double)w[(n - 1) / 2][i] + w[n / 2][i]) / 2.0;
    }
    distances_of_rank(w, n, (n - 1) / 2, median, lower);
    distances_of_rank(w, n, n / 2, median, upper);
    for (int i = 0; i < WIDTH; i++) {
        deviation[i] = (lower[i] + upper[i]) / 2.0 * STD_OF_MAD;
    }
}

INLINED double fewest_of(const double *n_good)
{
    double fewest = n_good[0];
    for (int i = 1; i < WIDTH; i++) {
        fewest = n_good[i] < fewest ? n_good[i] : fewest;
    }
    return fewest;
}

INLINED void middles(const Lanes *w, int n_frames, const double *n_good, double *restrict median,
                     double *restrict deviation)
{
    if (fewest_of(n_good) == n_frames) {
        middles_of_full_lanes(w, n_frames, median, deviation);
        return;
    }
    for (int i = 0; i < WIDTH; i++) {
        const Middle middle = middle_of_lane(w, i, 0, (int)n_good[i]);
        median[i] = middle.median;
        deviation[i] = middle.deviation;
    }
}

/* --- clipping ------------------------------------------------------------ */

/* Go on clipping one lane, whose first bounds are there already. */
static void clip_lane_again(const Lanes *w, int lane, int n_good, const CombineOptions *options, double *low,
                            double *high)
{
    int first = 0, last = n_good;
    for (int pass = 1;; pass++) {
        const int n = last - first;
        while (first < last && w[first][lane] < *low) {
            first++;
        }
        while (last > first && w[last - 1][lane] > *high) {
            last--;
        }
        if (last - first == n || pass == options->n_iterations) {
            break;
        }
        const Middle middle = middle_of_lane(w, lane, first, last);
        *low = middle.median - middle.deviation * options->sigma_low;
        *high = middle.median + middle.deviation * options->sigma_high;
    }
    if (first < last) {
        *low = w[first][lane];
        *high = w[last - 1][lane];
    }
}

/* The least and the largest value of each lane that are kept. */
INLINED void clip(const Lanes *w, int n_frames, const double *n_good, const CombineOptions *options,
                  double *restrict low, double *restrict high)
{
    double median[WIDTH], deviation[WIDTH];
    middles(w, n_frames, n_good, median, deviation);
    for (int i = 0; i < WIDTH; i++) {
        low[i] = median[i] - deviation[i] * options->sigma_low;
        high[i] = median[i] + deviation[i] * options->sigma_high;
    }
    if (options->n_iterations > 1) {
        for (int i = 0; i < WIDTH; i++) {
            clip_lane_again(w, i, (int)n_good[i], options, &low[i], &high[i]);
        }
    }
}

/* --- pixels side by side ------------------------------------------------------ */

INLINED bool is_finite(VALUE value)
{
    return value - value == 0;
}

/* Infinity and what is not a number leave something when they are taken off themselves. */
INLINED bool all_finite(const Lanes *values, int n_frames)
{
    Lanes left = {0};
    for (int k = 0; k < n_frames; k++) {
        for (int i = 0; i < WIDTH; i++) {
            left[i] += values[k][i] - values[k][i];
        }
    }
    int n_finite = 0;
    for (int i = 0; i < WIDTH; i++) {
        n_finite += left[i] == 0;
    }
    return n_finite == WIDTH;
}

INLINED void scale_values(double scale, VALUE *restrict values)
{
    for (int i = 0; i < WIDTH; i++) {
        values[i] *= scale;
    }
}

INLINED void take_good(const VALUE *restrict values, const VALUE *restrict judged, VALUE *restrict ordered,
                       double *restrict n_good)
{
    for (int i = 0; i < WIDTH; i++) {
        const bool good = is_finite(values[i]);
        ordered[i] = good ? judged[i] : INFINITY;
        n_good[i] += good ? 1.0 : 0.0;
    }
}

static void count_bad(const Lanes *values, int n_frames, int n, int64_t *n_bad)
{
    for (int k = 0; k < n_frames; k++) {
        for (int i = 0; i < n; i++) {
            n_bad[k] += !is_finite(values[k][i]);
        }
    }
}

/* Fill the bench; say how many good values each lane has. */
INLINED void load_bench(const Stack *stack, ptrdiff_t first, int n, const Bench *bench, double *restrict n_good)
{
    Lanes *values = bench->values, *clipped = bench->clipped, *ordered = bench->ordered;
    for (int k = 0; k < stack->n_frames; k++) {
        LOAD_VALUES(stack, k, first, n, values[k]);
        if (clipped != values) {
            memcpy(clipped[k], values[k], sizeof(Lanes));
        }
        if (stack->scales != NULL) {
            scale_values(stack->scales[k], values[k]);
        }
    }
    if (all_finite(values, stack->n_frames)) {
        memcpy(ordered, clipped, (size_t)stack->n_frames * sizeof(Lanes));
        for (int i = 0; i < WIDTH; i++) {
            n_good[i] = stack->n_frames;
        }
        return;
    }
    for (int i = 0; i < WIDTH; i++) {
        n_good[i] = 0.0;
    }
    for (int k = 0; k < stack->n_frames; k++) {
        take_good(values[k], clipped[k], ordered[k], n_good);
    }
    count_bad(values, stack->n_frames, n, bench->n_bad);
}

/* --- average --------------------------------------------------------------- */

/* Add the values that are kept, and count the others. */
INLINED void add_kept(const VALUE *restrict values, const VALUE *restrict judged, const double *restrict low,
                      const double *restrict high, double *restrict sum, double *restrict n_used,
                      double *restrict n_rejected)
{
    for (int i = 0; i < WIDTH; i++) {
        const bool good = is_finite(values[i]);
        const bool kept = good & !(judged[i] < low[i]) & !(judged[i] > high[i]);
        sum[i] += kept ? values[i] : 0.0;
        n_used[i] += kept ? 1.0 : 0.0;
        n_rejected[i] += (good & !kept) ? 1.0 : 0.0;
    }
}

INLINED void add_squares_of_kept(const VALUE *restrict values, const VALUE *restrict judged,
                                 const double *restrict low, const double *restrict high,
                                 const double *restrict mean, double *restrict squares)
{
    for (int i = 0; i < WIDTH; i++) {
        const bool kept = is_finite(values[i]) & !(judged[i] < low[i]) & !(judged[i] > high[i]);
        const double difference = kept ? values[i] - mean[i] : 0.0;
        squares[i] += difference * difference;
    }
}

/* The average of what lies between low and high. */
INLINED void average_of_kept(int n_frames, const Bench *bench, const double *restrict low,
                             const double *restrict high, double *restrict mean, double *restrict squares,
                             double *restrict n_used)
{
    const Lanes *values = bench->values, *clipped = bench->clipped;
    for (int i = 0; i < WIDTH; i++) {
        n_used[i] = 0.0;
    }
    for (int k = 0; k < n_frames; k++) {
        add_kept(values[k], clipped[k], low, high, mean, n_used, bench->n_rejected + k * WIDTH);
    }
    for (int i = 0; i < WIDTH; i++) {
        mean[i] /= n_used[i];
    }
    for (int k = 0; k < n_frames; k++) {
        add_squares_of_kept(values[k], clipped[k], low, high, mean, squares);
    }
}

/* The same where everything is kept. */
INLINED void average_of_all(int n_frames, const Bench *bench, double *restrict mean, double *restrict squares)
{
    const Lanes *values = bench->values;
    for (int k = 0; k < n_frames; k++) {
        for (int i = 0; i < WIDTH; i++) {
            mean[i] += values[k][i];
        }
    }
    for (int i = 0; i < WIDTH; i++) {
        mean[i] /= n_frames;
    }
    for (int k = 0; k < n_frames; k++) {
        for (int i = 0; i < WIDTH; i++) {
            const double difference = values[k][i] - mean[i];
            squares[i] += difference * difference;
        }
    }
}

/* Whether no value lies outside, which is seen at the ends of the order. */
INLINED bool keeps_all(const Lanes *ordered, int n_frames, const double *restrict n_good,
                       const double *restrict low, const double *restrict high)
{
    int n_whole = 0;
    for (int i = 0; i < WIDTH; i++) {
        n_whole += (n_good[i] == n_frames) & !(ordered[0][i] < low[i]) & !(ordered[n_frames - 1][i] > high[i]);
    }
    return n_whole == WIDTH;
}

INLINED void average(int n_frames, const CombineOptions *options, const Bench *bench, double *restrict mean,
                     double *restrict deviation, double *restrict n_used)
{
    double low[WIDTH], high[WIDTH], squares[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
        low[i] = -INFINITY;
        high[i] = INFINITY;
        mean[i] = 0.0;
        squares[i] = 0.0;
    }
    if (options->n_iterations > 0) {
        clip(bench->ordered, n_frames, n_used, options, low, high);
    }
    if (keeps_all(bench->ordered, n_frames, n_used, low, high)) {
        average_of_all(n_frames, bench, mean, squares);
    } else {
        average_of_kept(n_frames, bench, low, high, mean, squares, n_used);
    }
    for (int i = 0; i < WIDTH; i++) {
        deviation[i] = sqrt(squares[i] / n_used[i]);
    }
}

/* --- all of it ---------------------------------------------------------------- */

INLINED void store_floats(const double *restrict values, int n, bool swapped, uint32_t *restrict stored)
{
    for (int i = 0; i < n; i++) {
        const float value = (float)values[i];
        uint32_t word;
        memcpy(&word, &value, sizeof word);
        stored[i] = swapped ? turned_32(word) : word;
    }
}

WIDENED static void combine_pixels(const Combination *combination, Bench *bench, ptrdiff_t first, int n)
{
    const Stack *stack = combination->stack;
    const CombineOptions *options = combination->options;
    double n_used[WIDTH], center[WIDTH], deviation[WIDTH];
    load_bench(stack, first, n, bench, n_used);
    if (options->median || options->n_iterations > 0) {
        put_in_order(combination->pairs, combination->n_pairs, stack->n_frames, bench->ordered);
    }
    if (options->median) {
        middles(bench->ordered, stack->n_frames, n_used, center, deviation);
    } else {
        average(stack->n_frames, options, bench, center, deviation, n_used);
    }
    for (int i = 0; i < WIDTH; i++) {
        deviation[i] /= sqrt(n_used[i]);
    }
    const Combined *combined = combination->combined;
    store_floats(center, n, combined->swapped, combined->image + first);
    store_floats(deviation, n, combined->swapped, combined->uncertainty + first);
    for (int i = 0; i < n; i++) {
        combined->n_used[first + i] = (uint16_t)n_used[i];
    }
}

/* --- an item ------------------------------------------------------------- */

void COMBINE_ITEM(void *run, int thread, int item)
{
    const Combination *combination = run;
    const ptrdiff_t n_pixels = combination->stack->n_pixels;
    const ptrdiff_t start = (ptrdiff_t)item * combination->pixels_of_item;
    const ptrdiff_t stop = start + combination->pixels_of_item < n_pixels ? start + combination->pixels_of_item : n_pixels;
    for (ptrdiff_t first = start; first < stop; first += WIDTH) {
        const int n = stop - first < WIDTH ? (int)(stop - first) : WIDTH;
        combine_pixels(combination, &combination->benches[thread], first, n);
    }
}

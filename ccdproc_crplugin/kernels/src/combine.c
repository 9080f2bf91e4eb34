/* Many frames into one. Pixels are worked on side by side: their values are put in order by a
 * sorting network, and median, deviation and clipping are then matters of looking along the order. */
#include <math.h>
#include <stdlib.h>

#include "stack_values.h"
#include "threads.h"

/* 1 / the third quartile of the normal distribution: standard deviation from median absolute deviation. */
static const double STD_OF_MAD = 1.482602218505602;

enum { PIXELS_OF_ITEM = 32 * WIDTH };

typedef double Lanes[WIDTH];

/* Two places that a sorting network compares. */
typedef struct {
    uint16_t i, j;
} Pair;

/* What a thread works with. */
typedef struct {
    Lanes *values;   /* n_frames, scaled, in the order of the frames; not finite where bad */
    Lanes *clipped;  /* the same or unscaled: what the clipping judges */
    Lanes *ordered;  /* the good ones of `clipped` in order, then infinities */
    Lanes *n_rejected;
    int64_t *n_bad;
} Bench;

typedef struct {
    const Stack *stack;
    const CombineOptions *options;
    const Combined *combined;
    Pair *pairs;
    size_t n_pairs;
    Bench *benches;
} Combination;

/* --- order --------------------------------------------------------------- */

/* Batcher's merge exchange (Knuth, The Art of Computer Programming, volume 3, algorithm 5.2.2M).
 * Without `pairs` they are only counted. */
static size_t merge_exchange(int n, Pair *pairs)
{
    size_t n_pairs = 0;
    int top = 1;
    while (2 * top < n) {
        top *= 2;
    }
    for (int p = top; p > 0; p /= 2) {
        int q = top, r = 0, d = p;
        for (;;) {
            for (int i = 0; i < n - d; i++) {
                if ((i & p) == r) {
                    if (pairs != NULL) {
                        pairs[n_pairs] = (Pair){(uint16_t)i, (uint16_t)(i + d)};
                    }
                    n_pairs++;
                }
            }
            if (q == p) {
                break;
            }
            d = q - p;
            q /= 2;
            r = p;
        }
    }
    return n_pairs;
}

INLINED void order_pair(double *restrict smaller, double *restrict larger)
{
    for (int i = 0; i < WIDTH; i++) {
        const double a = smaller[i], b = larger[i];
        smaller[i] = a < b ? a : b;
        larger[i] = a > b ? a : b;
    }
}

INLINED void put_in_order(const Pair *pairs, size_t n_pairs, Lanes *w)
{
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
    const double median = (w[first + (n - 1) / 2][lane] + w[first + n / 2][lane]) / 2.0;
    const double lower = distance_of_rank(w, lane, first, last, (n - 1) / 2, median);
    const double upper = n % 2 ? lower : distance_of_rank(w, lane, first, last, n / 2, median);
    return (Middle){median, (lower + upper) / 2.0 * STD_OF_MAD};
}

INLINED void keep_least_distance(const double *restrict lowest, const double *restrict highest,
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
        median[i] = (w[(n - 1) / 2][i] + w[n / 2][i]) / 2.0;
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

INLINED bool is_finite(double value)
{
    return value - value == 0.0;
}

INLINED void scale_values(double scale, double *restrict values)
{
    for (int i = 0; i < WIDTH; i++) {
        values[i] *= scale;
    }
}

INLINED void take_good(const double *restrict values, const double *restrict judged, double *restrict ordered,
                       double *restrict n_good)
{
    for (int i = 0; i < WIDTH; i++) {
        const bool good = is_finite(values[i]);
        ordered[i] = good ? judged[i] : INFINITY;
        n_good[i] += good ? 1.0 : 0.0;
    }
}

static void count_bad(const Stack *stack, int n, Bench *bench)
{
    for (int k = 0; k < stack->n_frames; k++) {
        for (int i = 0; i < n; i++) {
            bench->n_bad[k] += !is_finite(bench->values[k][i]);
        }
    }
}

/* Fill the bench; say how many good values each lane has. */
INLINED void load_bench(const Stack *stack, ptrdiff_t first, int n, Bench *bench, double *restrict n_good)
{
    for (int i = 0; i < WIDTH; i++) {
        n_good[i] = 0.0;
    }
    for (int k = 0; k < stack->n_frames; k++) {
        load_values(stack, k, first, n, bench->values[k]);
        if (bench->clipped != bench->values) {
            memcpy(bench->clipped[k], bench->values[k], sizeof(Lanes));
        }
        if (stack->scales != NULL) {
            scale_values(stack->scales[k], bench->values[k]);
        }
        take_good(bench->values[k], bench->clipped[k], bench->ordered[k], n_good);
    }
    if (fewest_of(n_good) < stack->n_frames) {
        count_bad(stack, n, bench);
    }
}

/* Add the values that are kept, and count the others. */
INLINED void add_kept(const double *restrict values, const double *restrict judged, const double *restrict low,
                      const double *restrict high, double *restrict sum, double *restrict n_used,
                      double *restrict n_rejected)
{
    for (int i = 0; i < WIDTH; i++) {
        const bool good = is_finite(values[i]);
        const bool kept = good & !(judged[i] < low[i]) & !(judged[i] > high[i]);
        sum[i] += kept ? values[i] : 0.0;
        n_used[i] += kept ? 1.0 : 0.0;
        n_rejected[i] += good & !kept ? 1.0 : 0.0;
    }
}

INLINED void add_squares(const double *restrict values, const double *restrict judged, const double *restrict low,
                         const double *restrict high, const double *restrict mean, double *restrict squares)
{
    for (int i = 0; i < WIDTH; i++) {
        const bool kept = is_finite(values[i]) & !(judged[i] < low[i]) & !(judged[i] > high[i]);
        const double difference = kept ? values[i] - mean[i] : 0.0;
        squares[i] += difference * difference;
    }
}

INLINED void average(int n_frames, const Bench *bench, const double *restrict low, const double *restrict high,
                     double *restrict mean, double *restrict deviation, double *restrict n_used)
{
    Lanes squares = {0.0};
    for (int i = 0; i < WIDTH; i++) {
        mean[i] = 0.0;
        n_used[i] = 0.0;
    }
    for (int k = 0; k < n_frames; k++) {
        add_kept(bench->values[k], bench->clipped[k], low, high, mean, n_used, bench->n_rejected[k]);
    }
    for (int i = 0; i < WIDTH; i++) {
        mean[i] /= n_used[i];
    }
    for (int k = 0; k < n_frames; k++) {
        add_squares(bench->values[k], bench->clipped[k], low, high, mean, squares);
    }
    for (int i = 0; i < WIDTH; i++) {
        deviation[i] = sqrt(squares[i] / n_used[i]);
    }
}

WIDENED static void combine_pixels(const Combination *combination, Bench *bench, ptrdiff_t first, int n)
{
    const Stack *stack = combination->stack;
    const CombineOptions *options = combination->options;
    double n_used[WIDTH], center[WIDTH], deviation[WIDTH];
    load_bench(stack, first, n, bench, n_used);
    if (options->median || options->n_iterations > 0) {
        put_in_order(combination->pairs, combination->n_pairs, bench->ordered);
    }
    if (options->median) {
        middles(bench->ordered, stack->n_frames, n_used, center, deviation);
    } else {
        double low[WIDTH], high[WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            low[i] = -INFINITY;
            high[i] = INFINITY;
        }
        if (options->n_iterations > 0) {
            clip(bench->ordered, stack->n_frames, n_used, options, low, high);
        }
        average(stack->n_frames, bench, low, high, center, deviation, n_used);
    }
    for (int i = 0; i < n; i++) {
        combination->combined->image[first + i] = (float)center[i];
        combination->combined->uncertainty[first + i] = (float)(deviation[i] / sqrt(n_used[i]));
        combination->combined->n_used[first + i] = (uint16_t)n_used[i];
    }
}

/* --- the whole stack ----------------------------------------------------- */

static void combine_item(void *run, int thread, int item)
{
    const Combination *combination = run;
    const ptrdiff_t n_pixels = combination->stack->n_pixels;
    const ptrdiff_t start = (ptrdiff_t)item * PIXELS_OF_ITEM;
    const ptrdiff_t stop = start + PIXELS_OF_ITEM < n_pixels ? start + PIXELS_OF_ITEM : n_pixels;
    for (ptrdiff_t first = start; first < stop; first += WIDTH) {
        const int n = stop - first < WIDTH ? (int)(stop - first) : WIDTH;
        combine_pixels(combination, &combination->benches[thread], first, n);
    }
}

static void close_bench(Bench *bench)
{
    if (bench->clipped != bench->values) {
        free(bench->clipped);
    }
    free(bench->values);
    free(bench->ordered);
    free(bench->n_rejected);
    free(bench->n_bad);
}

static bool open_bench(Bench *bench, size_t n_frames, bool clip_unscaled)
{
    bench->values = malloc(n_frames * sizeof *bench->values);
    bench->clipped = clip_unscaled ? malloc(n_frames * sizeof *bench->clipped) : bench->values;
    bench->ordered = malloc(n_frames * sizeof *bench->ordered);
    bench->n_rejected = calloc(n_frames, sizeof *bench->n_rejected);
    bench->n_bad = calloc(n_frames, sizeof *bench->n_bad);
    return bench->values && bench->clipped && bench->ordered && bench->n_rejected && bench->n_bad;
}

static void add_up(const Combination *combination)
{
    const Combined *combined = combination->combined;
    for (int k = 0; k < combination->stack->n_frames; k++) {
        for (int thread = 0; thread < combination->options->n_threads; thread++) {
            const Bench *bench = &combination->benches[thread];
            for (int i = 0; i < WIDTH; i++) {
                combined->n_rejected[k] += (int64_t)bench->n_rejected[k][i];
            }
            combined->n_bad[k] += bench->n_bad[k];
        }
    }
}

bool combine_stack(const Stack *stack, const CombineOptions *options, const Combined *combined)
{
    const size_t n_threads = (size_t)options->n_threads, n_frames = (size_t)stack->n_frames;
    const bool clip_unscaled = !options->median && !options->clip_scaled && stack->scales != NULL;
    Combination combination = {.stack = stack, .options = options, .combined = combined};
    combination.n_pairs = merge_exchange(stack->n_frames, NULL);
    combination.pairs = malloc((combination.n_pairs + 1) * sizeof *combination.pairs);
    combination.benches = calloc(n_threads, sizeof *combination.benches);
    bool good = combination.pairs != NULL && combination.benches != NULL;
    for (size_t thread = 0; good && thread < n_threads; thread++) {
        good = open_bench(&combination.benches[thread], n_frames, clip_unscaled);
    }
    if (good) {
        const ptrdiff_t n_items = (stack->n_pixels + PIXELS_OF_ITEM - 1) / PIXELS_OF_ITEM;
        merge_exchange(stack->n_frames, combination.pairs);
        for_each_item(combine_item, &combination, (int)n_items, options->n_threads);
        add_up(&combination);
    }
    for (size_t thread = 0; combination.benches != NULL && thread < n_threads; thread++) {
        close_bench(&combination.benches[thread]);
    }
    free(combination.benches);
    free(combination.pairs);
    return good;
}

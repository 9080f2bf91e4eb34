/* Many frames into one. Pixels are worked on side by side: their values are put in order by a
 * sorting network, and median, deviation and clipping are then matters of looking along the order. */
#include <stdlib.h>

#include "combination.h"
#include "stack_values.h"
#include "threads.h"

enum { PIXELS_OF_ITEM = 32 * WIDTH };

/* --- order --------------------------------------------------------------- */

typedef struct {
    int n;           /* values */
    Pair *pairs;     /* NULL: they are only counted */
    size_t n_pairs;
} Network;

static void add_pair(Network *network, int i, int j)
{
    if (network->pairs != NULL) {
        network->pairs[network->n_pairs] = (Pair){(uint16_t)i, (uint16_t)j};
    }
    network->n_pairs++;
}

/* One step in merging runs of `length` two by two: places that lie `distance` apart. Whole chunks are in order
 * without it. */
static void add_step(Network *network, int length, int distance)
{
    const int in_order = length < CHUNK ? network->n / CHUNK * CHUNK : 0;
    for (int start = in_order + distance % length; start + distance < network->n; start += 2 * distance) {
        for (int i = start; i < start + distance && i + distance < network->n; i++) {
            if (i / (2 * length) == (i + distance) / (2 * length)) {
                add_pair(network, i, i + distance);
            }
        }
    }
}

/* Batcher's odd-even merging (Knuth, The Art of Computer Programming, volume 3, section 5.3.4), of runs of 1, 2,
 * 4, ... values; what lies beyond the last value would be infinite and stay there. */
static size_t network_pairs(int n, Pair *pairs)
{
    Network network = {.n = n, .pairs = pairs};
    for (int length = 1; length < n; length *= 2) {
        for (int distance = length; distance > 0; distance /= 2) {
            add_step(&network, length, distance);
        }
    }
    return network.n_pairs;
}

/* --- the whole stack ----------------------------------------------------- */

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

static bool open_bench(Bench *bench, size_t n_frames, size_t size, bool clip_unscaled)
{
    bench->values = malloc(n_frames * WIDTH * size);
    bench->clipped = clip_unscaled ? malloc(n_frames * WIDTH * size) : bench->values;
    bench->ordered = malloc(n_frames * WIDTH * size);
    bench->n_rejected = calloc(n_frames * WIDTH, sizeof *bench->n_rejected);
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
                combined->n_rejected[k] += (int64_t)bench->n_rejected[k * WIDTH + i];
            }
            combined->n_bad[k] += bench->n_bad[k];
        }
    }
}

bool combine_stack(const Stack *stack, const CombineOptions *options, const Combined *combined)
{
    const size_t n_threads = (size_t)options->n_threads, n_frames = (size_t)stack->n_frames;
    const bool clip_unscaled = !options->median && !options->clip_scaled && stack->scales != NULL;
    const bool as_floats = stack->scales == NULL && holds_floats(stack);
    Combination combination = {
        .stack = stack, .options = options, .combined = combined, .pixels_of_item = PIXELS_OF_ITEM};
    combination.n_pairs = network_pairs(stack->n_frames, NULL);
    combination.pairs = malloc((combination.n_pairs + 1) * sizeof *combination.pairs);
    combination.benches = calloc(n_threads, sizeof *combination.benches);
    bool good = combination.pairs != NULL && combination.benches != NULL;
    for (size_t thread = 0; good && thread < n_threads; thread++) {
        good = open_bench(&combination.benches[thread], n_frames, as_floats ? sizeof(float) : sizeof(double),
                          clip_unscaled);
    }
    if (good) {
        const ptrdiff_t n_items = (stack->n_pixels + PIXELS_OF_ITEM - 1) / PIXELS_OF_ITEM;
        network_pairs(stack->n_frames, combination.pairs);
        for_each_item(as_floats ? combine_floats : combine_doubles, &combination, (int)n_items, options->n_threads);
        add_up(&combination);
    }
    for (size_t thread = 0; combination.benches != NULL && thread < n_threads; thread++) {
        close_bench(&combination.benches[thread]);
    }
    free(combination.benches);
    free(combination.pairs);
    return good;
}

#include "levels.h"

#include <string.h>

#include "sortable.h"

/* Data or variance of a pixel, less the background. */
static float value_at(const Frame *frame, const float *values, ptrdiff_t i)
{
    return frame->background != NULL ? values[i] - frame->background[i] : values[i];
}

enum { BINS = 1 << 16 };

/* Count the good pixels by the upper half of their key, or by the lower half
 * those whose upper half is `upper`. */
static void count_pixels(const Frame *frame, const float *values, bool by_lower, uint32_t upper,
                         uint32_t counts[BINS])
{
    memset(counts, 0, BINS * sizeof *counts);
    for (ptrdiff_t i = 0; i < (ptrdiff_t)frame->ny * frame->nx; i++) {
        if (frame->bad != NULL && frame->bad[i]) {
            continue;
        }
        const uint32_t key = sortable(value_at(frame, values, i));
        if (!by_lower) {
            counts[key >> 16]++;
        } else if (key >> 16 == upper) {
            counts[key & 0xffff]++;
        }
    }
}

/* The bin that holds the pixel of this rank, which becomes its rank there. The last bin where fewer are counted, as
 * another thread may change the pixels meanwhile. */
static uint32_t bin_of_rank(const uint32_t counts[BINS], uint64_t *rank)
{
    uint32_t bin = 0;
    while (bin < BINS - 1 && *rank >= counts[bin]) {
        *rank -= counts[bin++];
    }
    return bin;
}

/* The lower median of the good pixels; 0 when there is none. */
static float level_of(const Frame *frame, const float *values)
{
    uint32_t counts[BINS];
    uint64_t n_good = 0;
    count_pixels(frame, values, false, 0, counts);
    for (int bin = 0; bin < BINS; bin++) {
        n_good += counts[bin];
    }
    if (n_good == 0) {
        return 0.0f;
    }
    uint64_t rank = (n_good - 1) / 2;
    const uint32_t upper = bin_of_rank(counts, &rank);
    count_pixels(frame, values, true, upper, counts);
    return from_sortable(upper << 16 | bin_of_rank(counts, &rank));
}

Levels levels_of(const Frame *frame, const Options *options)
{
    const float data = level_of(frame, frame->data);
    /* Adding a constant keeps the order, so the median moves with it. */
    return (Levels){data, frame->variance != NULL ? level_of(frame, frame->variance) : data + options->readnoise2};
}

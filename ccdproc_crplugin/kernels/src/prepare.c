#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lanes.h"
#include "run.h"
#include "threads.h"

enum { ROWS_AT_ONCE = 8 };

typedef struct {
    const Frame *frame;
    Survey *surveys; /* one for each item of work */
} Preparation;

static int n_items(const Frame *frame)
{
    return (frame->ny + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
}

/* The exponent of a float is all ones where it is not finite. */
enum { EXPONENT = 0x7f800000 };

INLINED int32_t exponent_of(float value)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & EXPONENT;
}

INLINED Survey copy_or_look(float *restrict cleaned, const float *restrict data,
                                  const float *restrict background, ptrdiff_t n)
{
    int32_t largest_exponent = 0;
    float brightest[LANES];
    for (int k = 0; k < LANES; k++) {
        brightest[k] = -INFINITY;
    }
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            const float value = background != NULL ? data[i + k] - background[i + k] : data[i + k];
            const int32_t exponent = exponent_of(value);
            largest_exponent = exponent > largest_exponent ? exponent : largest_exponent;
            brightest[k] = data[i + k] > brightest[k] ? data[i + k] : brightest[k]; /* a NaN compares false */
            if (cleaned != NULL) {
                cleaned[i + k] = value;
            }
        }
    }
    for (; i < n; i++) {
        const float value = background != NULL ? data[i] - background[i] : data[i];
        if (cleaned != NULL) {
            cleaned[i] = value;
        }
        const int32_t exponent = exponent_of(value);
        largest_exponent = exponent > largest_exponent ? exponent : largest_exponent;
        brightest[0] = data[i] > brightest[0] ? data[i] : brightest[0];
    }
    for (int k = 1; k < LANES; k++) {
        brightest[0] = brightest[k] > brightest[0] ? brightest[k] : brightest[0];
    }
    return (Survey){largest_exponent != EXPONENT, brightest[0]};
}

WIDENED static Survey copy_pixels(float *restrict cleaned, const float *restrict data,
                                  const float *restrict background, ptrdiff_t n)
{
    return copy_or_look(cleaned, data, background, n);
}

WIDENED static Survey look_at_pixels(const float *data, const float *background, ptrdiff_t n)
{
    return copy_or_look(NULL, data, background, n);
}

static void prepare_rows(void *argument, int thread, int item)
{
    Preparation *preparation = argument;
    const Frame *frame = preparation->frame;
    const int y0 = item * ROWS_AT_ONCE, y1 = smaller_of(y0 + ROWS_AT_ONCE, frame->ny);
    const ptrdiff_t first = pixel_at(frame, y0, 0), n = (ptrdiff_t)(y1 - y0) * frame->nx;
    (void)thread;
    const float *background = frame->background ? frame->background + first : NULL;
    preparation->surveys[item] = frame->cleaned != NULL
                                     ? copy_pixels(frame->cleaned + first, frame->data + first, background, n)
                                     : look_at_pixels(frame->data + first, background, n);
}

bool prepare_cleaned(Frame *frame, int n_threads, Survey *survey)
{
    const int n = n_items(frame);
    Preparation preparation = {frame, calloc((size_t)n, sizeof(Survey))};
    if (preparation.surveys == NULL) {
        return false;
    }
    for_each_item(prepare_rows, &preparation, n, n_threads);
    *survey = (Survey){true, -INFINITY};
    for (int item = 0; item < n; item++) {
        survey->all_finite = survey->all_finite && preparation.surveys[item].all_finite;
        survey->brightest = fmaxf(survey->brightest, preparation.surveys[item].brightest);
    }
    free(preparation.surveys);
    return true;
}

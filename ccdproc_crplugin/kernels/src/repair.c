#include "repair.h"

#include <math.h>
#include <string.h>

enum { RADIUS = 2, SIDE = 5, WINDOW = 25 };

static const uint64_t EACH_BYTE = 0x0101010101010101u;

/* What a lost pixel counts as in the median of the IRAF task: more than any pixel. */
static const float VERY_HIGH = 1e9f;

/* 1 / distance to the pixels of the window. */
static const float NEARNESS[WINDOW] = {
    0.35355339f, 0.4472136f,  0.5f, 0.4472136f,  0.35355339f,
    0.4472136f,  0.70710678f, 1.0f, 0.70710678f, 0.4472136f,
    0.5f,        1.0f,        0.0f, 1.0f,        0.5f,
    0.4472136f,  0.70710678f, 1.0f, 0.70710678f, 0.4472136f,
    0.35355339f, 0.4472136f,  0.5f, 0.4472136f,  0.35355339f,
};

/* The 5x5 pixels around one, row by row, and which of them the repair takes. */
typedef struct {
    float data[WINDOW], variance[WINDOW];
    uint8_t taken[WINDOW];
} Neighbours;

static Box window_of(const Frame *frame, Pixel pixel)
{
    const Box window = {pixel.y - RADIUS, pixel.y + RADIUS + 1, pixel.x - RADIUS, pixel.x + RADIUS + 1};
    return box_overlap(window, (Box){0, frame->ny, 0, frame->nx});
}

static bool is_whole(Box window)
{
    return window.y1 - window.y0 == SIDE && window.x1 - window.x0 == SIDE;
}

/* --- which pixels to repair ---------------------------------------------- */

/* Five neighbouring bytes of a row, or as many as the window has, and `filler` after them. */
INLINED uint64_t bytes_of(const uint8_t *row, int n, uint8_t filler)
{
    uint8_t bytes[sizeof(uint64_t)];
    memset(bytes, filler, sizeof bytes);
    memcpy(bytes, row, (size_t)n);
    uint64_t joined;
    memcpy(&joined, bytes, sizeof joined);
    return joined;
}

INLINED bool any_newly_flagged(const Frame *frame, Box window, int n_columns)
{
    uint64_t seen = 0;
    for (int y = window.y0; y < window.y1; y++) {
        seen |= bytes_of(frame->flagged + pixel_at(frame, y, window.x0), n_columns, 0);
    }
    return (seen & EACH_BYTE * NEWLY_FLAGGED) != 0;
}

INLINED bool any_good(const Frame *frame, Box window, int n_columns)
{
    uint64_t zeros = 0;
    for (int y = window.y0; y < window.y1; y++) {
        const ptrdiff_t first = pixel_at(frame, y, window.x0);
        uint64_t lost = bytes_of(frame->flagged + first, n_columns, 1);
        if (frame->bad != NULL) {
            lost |= bytes_of(frame->bad + first, n_columns, 1);
        }
        zeros |= (lost - EACH_BYTE) & ~lost & EACH_BYTE << 7;
    }
    return zeros != 0;
}

bool repair_is_due(const Frame *frame, const Options *options, Pixel pixel)
{
    if (options->repair == REPAIR_MEDIAN) {
        return frame->flagged[pixel_at(frame, pixel.y, pixel.x)] == NEWLY_FLAGGED;
    }
    const Box window = window_of(frame, pixel);
    return is_whole(window) ? any_newly_flagged(frame, window, SIDE)
                            : any_newly_flagged(frame, window, window.x1 - window.x0);
}

bool has_good_neighbour(const Frame *frame, Pixel pixel)
{
    const Box window = window_of(frame, pixel);
    return is_whole(window) ? any_good(frame, window, SIDE) : any_good(frame, window, window.x1 - window.x0);
}

/* --- what a repair draws on ---------------------------------------------- */

float observed_variance(const Frame *frame, const Options *options, ptrdiff_t i)
{
    if (frame->variance == NULL) {
        return frame->cleaned[i] + options->readnoise2;
    }
    return frame->background == NULL ? frame->variance[i] : frame->variance[i] - frame->background[i];
}

/* From the frame, as good pixels have the values that were observed. */
INLINED void take_good(Neighbours *neighbours, const Frame *frame, const Options *options, Pixel pixel, Box window,
                       int n_columns)
{
    for (int y = window.y0; y < window.y1; y++) {
        const ptrdiff_t first = pixel_at(frame, y, window.x0);
        const int k = (y - pixel.y + RADIUS) * SIDE + window.x0 - pixel.x + RADIUS;
        for (int i = 0; i < n_columns; i++) {
            neighbours->data[k + i] = frame->cleaned[first + i];
            neighbours->variance[k + i] = observed_variance(frame, options, first + i);
            neighbours->taken[k + i] = !frame->flagged[first + i];
        }
        for (int i = 0; frame->bad != NULL && i < n_columns; i++) {
            neighbours->taken[k + i] &= !frame->bad[first + i];
        }
    }
}

/* From a loaded tile, as repaired pixels count too. */
static void take_all(Neighbours *neighbours, const Tile *tile, Pixel pixel, Box window)
{
    for (int y = window.y0; y < window.y1; y++) {
        for (int x = window.x0; x < window.x1; x++) {
            const int k = (y - pixel.y + RADIUS) * SIDE + x - pixel.x + RADIUS;
            neighbours->data[k] = plane_row(tile, PLANE_DATA, y - tile->top)[x - tile->left];
            neighbours->variance[k] = plane_row(tile, PLANE_VARIANCE, y - tile->top)[x - tile->left];
            neighbours->taken[k] = 1;
        }
    }
}

/* Lost pixels of the frame count as very high. */
static void take_lost(Neighbours *neighbours, Pixel pixel, Box window)
{
    for (int y = window.y0; y < window.y1; y++) {
        for (int x = window.x0; x < window.x1; x++) {
            const int k = (y - pixel.y + RADIUS) * SIDE + x - pixel.x + RADIUS;
            if (!neighbours->taken[k]) {
                neighbours->data[k] = neighbours->variance[k] = VERY_HIGH;
                neighbours->taken[k] = 1;
            }
        }
    }
}

static Neighbours neighbours_of(const Tile *tile, Pixel pixel)
{
    const Frame *frame = tile->frame;
    const Options *options = tile->options;
    const Box window = window_of(frame, pixel);
    Neighbours neighbours;
    if (!is_whole(window)) {
        neighbours = (Neighbours){.taken = {0}};
    }
    if (options->repair == REPAIR_MEDIAN) {
        take_all(&neighbours, tile, pixel, window);
    } else if (is_whole(window)) {
        take_good(&neighbours, frame, options, pixel, window, SIDE);
    } else {
        take_good(&neighbours, frame, options, pixel, window, window.x1 - window.x0);
    }
    if (options->repair == REPAIR_IRAF) {
        take_lost(&neighbours, pixel, window);
    }
    return neighbours;
}

/* --- the repair ---------------------------------------------------------- */

static int n_taken(const Neighbours *neighbours)
{
    int n = 0;
    for (int k = 0; k < WINDOW; k++) {
        n += neighbours->taken[k];
    }
    return n;
}

static float mean(const float *values, const uint8_t *taken, int n)
{
    float sum = 0.0f;
    for (int k = 0; k < WINDOW; k++) {
        sum += taken[k] ? values[k] : 0.0f;
    }
    return sum / (float)n;
}

/* What is not a number goes last. */
static bool goes_after(float a, float b)
{
    return a > b || (isnan(a) && !isnan(b));
}

/* The lower of the two middle values where their number is even. */
static float median(const float *values, const uint8_t *taken)
{
    float sorted[WINDOW];
    int n = 0;
    for (int k = 0; k < WINDOW; k++) {
        if (!taken[k]) {
            continue;
        }
        int place = n++;
        for (; place > 0 && goes_after(sorted[place - 1], values[k]); place--) {
            sorted[place] = sorted[place - 1];
        }
        sorted[place] = values[k];
    }
    return sorted[(n - 1) / 2];
}

static float mean_by_nearness(const float *values, const uint8_t *taken)
{
    float sum = 0.0f, weight = 0.0f;
    for (int k = 0; k < WINDOW; k++) {
        sum += taken[k] ? NEARNESS[k] * values[k] : 0.0f;
        weight += taken[k] ? NEARNESS[k] : 0.0f;
    }
    return sum / weight;
}

static float estimate(const float *values, const uint8_t *taken, int n, Repair repair)
{
    switch (repair) {
    case REPAIR_MEANMASK:
        return mean(values, taken, n);
    case REPAIR_IDW:
        return mean_by_nearness(values, taken);
    default:
        return median(values, taken);
    }
}

void repair_pixel(const Tile *tile, Pixel pixel, const Levels *levels, RepairedPixel *repaired)
{
    const Repair repair = tile->options->repair;
    const Neighbours neighbours = neighbours_of(tile, pixel);
    const int n = n_taken(&neighbours);
    float data = levels->data, variance = levels->variance;
    if (n > 0) {
        data = estimate(neighbours.data, neighbours.taken, n, repair);
        variance = estimate(neighbours.variance, neighbours.taken, n, repair);
    }
    /* Of zeros, which have no order, a median may take either: the sum is the positive one. */
    repaired->new_data = data + 0.0f;
    repaired->new_variance = variance + 0.0f;
}

#include "repair.h"

#include <math.h>

enum { RADIUS = 2, WINDOW = 25 };

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

/* The pixels that a repair draws on, row by row. */
typedef struct {
    float values[WINDOW];
    float weights[WINDOW];
    int n;
} Neighbours;

static Box window_of(const Frame *frame, Pixel pixel)
{
    const Box window = {pixel.y - RADIUS, pixel.y + RADIUS + 1, pixel.x - RADIUS, pixel.x + RADIUS + 1};
    return box_overlap(window, (Box){0, frame->ny, 0, frame->nx});
}

static bool is_good(const Frame *frame, int y, int x)
{
    return !frame->flagged[pixel_at(frame, y, x)] && !is_bad(frame, y, x);
}

bool repair_is_due(const Frame *frame, const Options *options, Pixel pixel)
{
    if (options->repair == REPAIR_MEDIAN) {
        return frame->flagged[pixel_at(frame, pixel.y, pixel.x)] == NEWLY_FLAGGED;
    }
    const Box window = window_of(frame, pixel);
    for (int y = window.y0; y < window.y1; y++) {
        for (int x = window.x0; x < window.x1; x++) {
            if (frame->flagged[pixel_at(frame, y, x)] == NEWLY_FLAGGED) {
                return true;
            }
        }
    }
    return false;
}

bool has_good_neighbour(const Frame *frame, Pixel pixel)
{
    const Box window = window_of(frame, pixel);
    for (int y = window.y0; y < window.y1; y++) {
        for (int x = window.x0; x < window.x1; x++) {
            if (is_good(frame, y, x)) {
                return true;
            }
        }
    }
    return false;
}

static Neighbours neighbours_of(const Tile *tile, Plane plane, Pixel pixel)
{
    const Frame *frame = tile->frame;
    const Box window = window_of(frame, pixel);
    const Repair repair = tile->options->repair;
    Neighbours neighbours = {.n = 0};
    for (int y = window.y0; y < window.y1; y++) {
        for (int x = window.x0; x < window.x1; x++) {
            if (repair == REPAIR_MEDIAN || is_good(frame, y, x)) {
                const int k = (y - pixel.y + RADIUS) * (2 * RADIUS + 1) + x - pixel.x + RADIUS;
                neighbours.weights[neighbours.n] = NEARNESS[k];
                neighbours.values[neighbours.n++] = plane_row(tile, plane, y - tile->top)[x - tile->left];
            } else if (repair == REPAIR_IRAF) {
                neighbours.values[neighbours.n++] = VERY_HIGH;
            }
        }
    }
    return neighbours;
}

static float mean(const Neighbours *neighbours)
{
    float sum = 0.0f;
    for (int k = 0; k < neighbours->n; k++) {
        sum += neighbours->values[k];
    }
    return sum / (float)neighbours->n;
}

/* What is not a number goes last. */
static bool goes_after(float a, float b)
{
    return a > b || (isnan(a) && !isnan(b));
}

/* The lower of the two middle values where their number is even. */
static float median(Neighbours *neighbours)
{
    float *values = neighbours->values;
    for (int k = 1; k < neighbours->n; k++) {
        const float value = values[k];
        int place = k;
        for (; place > 0 && goes_after(values[place - 1], value); place--) {
            values[place] = values[place - 1];
        }
        values[place] = value;
    }
    return values[(neighbours->n - 1) / 2];
}

static float mean_by_nearness(const Neighbours *neighbours)
{
    float sum = 0.0f, weight = 0.0f;
    for (int k = 0; k < neighbours->n; k++) {
        sum += neighbours->weights[k] * neighbours->values[k];
        weight += neighbours->weights[k];
    }
    return sum / weight;
}

static float repaired_value(const Tile *tile, Plane plane, Pixel pixel, float level)
{
    Neighbours neighbours = neighbours_of(tile, plane, pixel);
    if (neighbours.n == 0) {
        return level;
    }
    switch (tile->options->repair) {
    case REPAIR_MEANMASK:
        return mean(&neighbours);
    case REPAIR_IDW:
        return mean_by_nearness(&neighbours);
    default:
        return median(&neighbours);
    }
}

void repair_pixel(const Tile *tile, Pixel pixel, const Levels *levels, RepairedPixel *repaired)
{
    /* Of zeros, which have no order, a median may take either: the sum is the positive one. */
    repaired->new_data = repaired_value(tile, PLANE_DATA, pixel, levels->data) + 0.0f;
    repaired->new_variance = repaired_value(tile, PLANE_VARIANCE, pixel, levels->variance) + 0.0f;
}

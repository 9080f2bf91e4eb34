#include "laplacian.h"

#include <math.h>

/* Each pixel becomes four subpixels of the same value, so two of the four
 * neighbours of a subpixel are its own pixel's, and two belong to the pixels
 * beside and above (or below) it. The order of the operations is part of the
 * definition: single precision rounds every one of them. */

INLINED float positive(float value)
{
    return value < 0.0f ? 0.0f : value;
}

INLINED float mean_of_four(float upper_left, float upper_right, float lower_left, float lower_right)
{
    return ((upper_left + lower_right) + (upper_right + lower_left)) * 0.25f;
}

INLINED float laplacian_plus(float pixel, float left, float right, float above, float below)
{
    const float on_left = (4.0f * pixel - pixel) - left;
    const float on_right = (4.0f * pixel - right) - pixel;
    const float upper = pixel + above;
    const float lower = pixel + below;
    return mean_of_four(positive(on_left - upper), positive(on_right - upper),
                        positive(on_left - lower), positive(on_right - lower));
}

WIDENED static void laplacian_row(const float *restrict data, ptrdiff_t stride, int n, float *restrict out)
{
    for (int i = 0; i < n; i++) {
        out[i] = laplacian_plus(data[i], data[i - 1], data[i + 1], data[i - stride], data[i + stride]);
    }
}

WIDENED static float most_of_row(const float *restrict data, const float *restrict above,
                                 const float *restrict below, int n, float most)
{
    float lanes[LANES];
    for (int k = 0; k < LANES; k++) {
        lanes[k] = most;
    }
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int k = i; k < i + LANES; k++) {
            const float laplacian = laplacian_plus(data[k], data[k - 1], data[k + 1], above[k], below[k]);
            lanes[k - i] = laplacian > lanes[k - i] ? laplacian : lanes[k - i];
        }
    }
    for (; i < n; i++) {
        const float laplacian = laplacian_plus(data[i], data[i - 1], data[i + 1], above[i], below[i]);
        lanes[0] = laplacian > lanes[0] ? laplacian : lanes[0];
    }
    for (int k = 1; k < LANES; k++) {
        lanes[0] = lanes[k] > lanes[0] ? lanes[k] : lanes[0];
    }
    return lanes[0];
}

float most_laplacian(const Frame *frame, int y, int x0, int x1)
{
    const int last = frame->nx - 1;
    const float *data = frame->cleaned + pixel_at(frame, y, 0);
    const float *above = y > 0 ? data - frame->nx : data;
    const float *below = y < frame->ny - 1 ? data + frame->nx : data;
    float most = 0.0f;
    if (x0 == 0) {
        most = fmaxf(most, laplacian_plus(data[0], data[0], data[smaller_of(1, last)], above[0], below[0]));
    }
    if (x1 > last) {
        most = fmaxf(most, laplacian_plus(data[last], data[larger_of(last - 1, 0)], data[last], above[last], below[last]));
    }
    const int first = larger_of(x0, 1), end = smaller_of(x1, last);
    return most_of_row(data + first, above + first, below + first, end - first, most);
}

/* At the frame's outermost pixels a subpixel has no neighbour on one side or
 * two. The value is the same as with a neighbour of zero, but for the order
 * of the operations, and so for the last bit. */
typedef struct {
    float pixel, left, right, above, below;
    bool first_row, last_row, first_column, last_column;
} EdgePixel;

static float upper_subpixel_in_first_row(const EdgePixel *p, bool on_right)
{
    const double beside = on_right ? p->right : p->left;
    if (on_right && p->last_column) {
        return (float)(4.0 * p->pixel - p->pixel - p->pixel);
    }
    if (!on_right && p->first_column) {
        return (float)(4.0 * p->pixel - p->pixel - p->pixel);
    }
    const double right = on_right ? beside : p->pixel;
    const double left = on_right ? p->pixel : beside;
    return (float)(4.0 * p->pixel - right - left - p->pixel);
}

static float lower_subpixel_in_last_row(const EdgePixel *p, bool on_right)
{
    if (!on_right && p->first_column) {
        return 4.0f * p->pixel - (p->pixel + p->pixel);
    }
    if (on_right && p->last_column) {
        return (4.0f * p->pixel - p->pixel) - p->pixel;
    }
    return (4.0f * p->pixel - p->pixel) - (p->pixel + (on_right ? p->right : p->left));
}

static float subpixel(const EdgePixel *p, bool on_right, bool lower)
{
    if (p->first_row && !lower) {
        return upper_subpixel_in_first_row(p, on_right);
    }
    if (p->last_row && lower) {
        return lower_subpixel_in_last_row(p, on_right);
    }
    const float above = lower ? p->pixel : p->above;
    const float below = lower ? p->below : p->pixel;
    if (p->first_column && !on_right) {
        return (4.0f * p->pixel - p->pixel) - (above + below);
    }
    if (p->last_column && on_right) {
        return (4.0f * p->pixel - below) - (p->pixel + above);
    }
    const float left = on_right ? p->pixel : p->left;
    const float right = on_right ? p->right : p->pixel;
    return ((4.0f * p->pixel - right) - left) - (below + above);
}

static float laplacian_at_edge(const Tile *tile, int row, int column)
{
    const Frame *frame = tile->frame;
    const float *data = plane_row(tile, PLANE_DATA, row) + column;
    const int y = tile->top + row, x = tile->left + column;
    const EdgePixel p = {
        data[0], data[-1], data[1], data[-tile->stride], data[tile->stride],
        y == 0, y == frame->ny - 1, x == 0, x == frame->nx - 1,
    };
    return mean_of_four(positive(subpixel(&p, false, false)), positive(subpixel(&p, true, false)),
                        positive(subpixel(&p, false, true)), positive(subpixel(&p, true, true)));
}

static void refill_edges(Tile *tile)
{
    const Frame *frame = tile->frame;
    for (int row = 1; row < tile->n_rows - 1; row++) {
        const int y = tile->top + row;
        const bool whole_row = y == 0 || y == frame->ny - 1;
        float *out = plane_row(tile, PLANE_LAPLACIAN, row);
        for (int column = 1; y >= 0 && y < frame->ny && column < tile->n_blocks * LANES - 1; column++) {
            const int x = tile->left + column;
            if (x == 0 || x == frame->nx - 1 || (whole_row && x > 0 && x < frame->nx)) {
                out[column] = laplacian_at_edge(tile, row, column);
            }
        }
    }
}

void laplacian_fill(Tile *tile)
{
    for (int row = 1; row < tile->n_rows - 1; row++) {
        laplacian_row(plane_row(tile, PLANE_DATA, row), tile->stride, tile->n_blocks * LANES,
                      plane_row(tile, PLANE_LAPLACIAN, row));
    }
    if (tile->at_edge && tile->options->edges == EDGES_SKIP) {
        refill_edges(tile);
    }
}

WIDENED bool laplacian_exceeds(const float *blocks, int n_blocks, float limit)
{
    int exceeds = 0;
    for (int i = 0; i < n_blocks * LANES; i++) {
        exceeds |= blocks[i] > limit;
    }
    return exceeds != 0;
}

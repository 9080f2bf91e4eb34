#include "significance.h"

#include <math.h>

#include "medians.h"

static const float LEAST_VARIANCE = 0.00001f; /* electrons squared */
static const uint16_t ALL_LANES = 0xffff;

uint16_t lanes_served(int column, int radius)
{
    const int lane = column % LANES;
    const int first = lane < radius ? 0 : radius;
    const int last = lane > LANES - 1 - radius ? LANES - 1 : LANES - 1 - radius;
    return (uint16_t)((0xffffu >> (LANES - 1 - last)) & (0xffffu << first));
}

void leave_edges(Tile *tile, Plane filtered, Plane original, int row, int block, int radius)
{
    if (!tile->at_edge || tile->options->edges != EDGES_SKIP) {
        return;
    }
    for (int column = block * LANES; column < (block + 1) * LANES; column++) {
        if (within_edge(tile, row, column, radius)) {
            plane_row(tile, filtered, row)[column] = plane_row(tile, original, row)[column];
        }
    }
}

/* --- noise and S --------------------------------------------------------- */

static void median_of_variance(Tile *tile, int row, int block, float *out)
{
    const float *variance = plane_row(tile, PLANE_VARIANCE, row) + block * LANES;
    if (!tile->options->sepmed) {
        median_5x5(variance, tile->stride, out);
        return;
    }
    for (int r = row - 3; r <= row + 3; r++) {
        uint16_t *ready = lanes_ready(tile, PLANE_ROWS_OF_VARIANCE, r, block);
        if (!*ready) {
            median_line(7, plane_row(tile, PLANE_VARIANCE, r) + block * LANES, 1,
                        plane_row(tile, PLANE_ROWS_OF_VARIANCE, r) + block * LANES);
            *ready = ALL_LANES;
        }
    }
    median_line(7, plane_row(tile, PLANE_ROWS_OF_VARIANCE, row) + block * LANES, tile->stride, out);
}

WIDENED static void noise_and_s(float *restrict noise, const float *restrict background,
                                const float *restrict extra, const float *restrict laplacian,
                                float *restrict s)
{
    for (int i = 0; i < LANES; i++) {
        float variance = noise[i];
        if (background != NULL) {
            variance += background[i];
        }
        if (extra != NULL) {
            variance += extra[i];
        }
        variance = variance < LEAST_VARIANCE ? LEAST_VARIANCE : variance;
        noise[i] = sqrtf(variance);
        s[i] = laplacian[i] / (2.0f * noise[i]); /* 2: the frame is subsampled by two */
    }
}

void need_s(Tile *tile, int row, int block)
{
    uint16_t *ready = lanes_ready(tile, PLANE_S, row, block);
    if (*ready) {
        return;
    }
    const ptrdiff_t first = row * tile->stride + block * LANES;
    median_of_variance(tile, row, block, tile->planes[PLANE_NOISE] + first);
    leave_edges(tile, PLANE_NOISE, PLANE_VARIANCE, row, block, tile->reach.noise);
    noise_and_s(tile->planes[PLANE_NOISE] + first,
                tile->frame->background ? tile->planes[PLANE_BACKGROUND] + first : NULL,
                tile->frame->extra ? tile->planes[PLANE_EXTRA] + first : NULL,
                tile->planes[PLANE_LAPLACIAN] + first, tile->planes[PLANE_S] + first);
    *ready = ALL_LANES;
}

/* --- S' ------------------------------------------------------------------ */

static void need_s_across(Tile *tile, int row, int column, int radius)
{
    for (int block = (column - radius) / LANES; block <= (column + radius) / LANES; block++) {
        need_s(tile, row, block);
    }
}

static void need_row_medians_of_s(Tile *tile, int row, int column)
{
    uint16_t *ready = lanes_ready(tile, PLANE_ROWS_OF_S, row, column / LANES);
    if (*ready >> column % LANES & 1) {
        return;
    }
    const int first = column - column % LANES;
    need_s_across(tile, row, column, 3);
    median_line(7, plane_row(tile, PLANE_S, row) + first, 1, plane_row(tile, PLANE_ROWS_OF_S, row) + first);
    *ready |= lanes_served(column, 3);
}

static uint16_t median_of_s(Tile *tile, int row, int column, float *out)
{
    const int first = column - column % LANES;
    const int reach = tile->reach.s;
    for (int r = row - reach; r <= row + reach; r++) {
        if (tile->options->sepmed) {
            need_row_medians_of_s(tile, r, column);
        } else {
            need_s_across(tile, r, column, reach);
        }
    }
    if (tile->options->sepmed) {
        median_line(7, plane_row(tile, PLANE_ROWS_OF_S, row) + first, tile->stride, out);
    } else {
        median_5x5(plane_row(tile, PLANE_S, row) + first, tile->stride, out);
    }
    return lanes_served(column, reach);
}

float s_prime_at(Tile *tile, int row, int column)
{
    const int first = column - column % LANES;
    float *s_prime = plane_row(tile, PLANE_S_PRIME, row);
    uint16_t *ready = lanes_ready(tile, PLANE_S_PRIME, row, column / LANES);
    if (!(*ready >> column % LANES & 1)) {
        *ready |= median_of_s(tile, row, column, s_prime + first);
        leave_edges(tile, PLANE_S_PRIME, PLANE_S, row, column / LANES, tile->reach.s);
        const float *s = plane_row(tile, PLANE_S, row);
        for (int i = first; i < first + LANES; i++) {
            s_prime[i] = s[i] - s_prime[i];
        }
    }
    return s_prime[column];
}

#include "fine_structure.h"

#include "medians.h"
#include "significance.h"

static const float LEAST_F = 0.01f; /* S' is divided by F */
static const uint16_t ALL_LANES = 0xffff;

/* --- the image of the fine structure: median-filtered data -------------- */

static void median_of_data(Tile *tile, int row, int block, float *out)
{
    const float *data = plane_row(tile, PLANE_DATA, row) + block * LANES;
    if (!tile->options->sepmed) {
        median_3x3(data, tile->stride, out);
        return;
    }
    for (int r = row - 2; r <= row + 2; r++) {
        uint16_t *ready = lanes_ready(tile, PLANE_ROWS_OF_DATA, r, block);
        if (!*ready) {
            median_line(5, plane_row(tile, PLANE_DATA, r) + block * LANES, 1,
                        plane_row(tile, PLANE_ROWS_OF_DATA, r) + block * LANES);
            *ready = ALL_LANES;
        }
    }
    median_line(5, plane_row(tile, PLANE_ROWS_OF_DATA, row) + block * LANES, tile->stride, out);
}

/* --- or the data seen through the star's profile ------------------------- */

WIDENED static void weigh(const float *restrict data, const float *restrict noise,
                          float *restrict weighted, float *restrict weight)
{
    for (int i = 0; i < LANES; i++) {
        weighted[i] = data[i] / noise[i] / noise[i];
        weight[i] = 1.0f / noise[i] / noise[i];
    }
}

static void need_weights(Tile *tile, int row, int block)
{
    uint16_t *ready = lanes_ready(tile, PLANE_WEIGHT, row, block);
    if (*ready) {
        return;
    }
    const ptrdiff_t first = row * tile->stride + block * LANES;
    need_s(tile, row, block);
    weigh(tile->planes[PLANE_DATA] + first, tile->planes[PLANE_NOISE] + first,
          tile->planes[PLANE_WEIGHTED] + first, tile->planes[PLANE_WEIGHT] + first);
    *ready = ALL_LANES;
}

/* The sum runs over the window from its first pixel to its last, which is
 * part of the definition: single precision rounds every term. */
WIDENED static void convolve(const float *restrict center, ptrdiff_t stride, const PsfKernel *psf,
                             float *restrict out)
{
    const int ry = (psf->n_rows - 1) / 2, rx = (psf->n_columns - 1) / 2;
    float sum[LANES] = {0};
    for (int dy = -ry; dy <= ry; dy++) {
        for (int dx = -rx; dx <= rx; dx++) {
            const float weight = psf->weights[(ry - dy) * psf->n_columns + rx - dx];
            for (int i = 0; i < LANES; i++) {
                sum[i] += weight * center[dy * stride + dx + i];
            }
        }
    }
    for (int i = 0; i < LANES; i++) {
        out[i] = sum[i];
    }
}

static void matched_filter(Tile *tile, int row, int block, float *out)
{
    const int reach = tile->reach.fine, first = block * LANES;
    const int first_block = larger_of((first - reach) / LANES, 0);
    const int last_block = smaller_of((first + LANES - 1 + reach) / LANES, tile->n_blocks - 1);
    for (int r = row - reach; r <= row + reach; r++) {
        for (int b = first_block; b <= last_block; b++) {
            need_weights(tile, r, b);
        }
    }
    float weight[LANES];
    convolve(plane_row(tile, PLANE_WEIGHTED, row) + first, tile->stride, &tile->options->psf, out);
    convolve(plane_row(tile, PLANE_WEIGHT, row) + first, tile->stride, &tile->options->psf, weight);
    for (int i = 0; i < LANES; i++) {
        out[i] /= weight[i];
    }
}

static void need_fine(Tile *tile, int row, int block)
{
    uint16_t *ready = lanes_ready(tile, PLANE_FINE, row, block);
    if (*ready) {
        return;
    }
    float *out = plane_row(tile, PLANE_FINE, row) + block * LANES;
    if (tile->options->psf.weights != NULL) {
        matched_filter(tile, row, block, out);
    } else {
        median_of_data(tile, row, block, out);
        leave_edges(tile, PLANE_FINE, PLANE_DATA, row, block, tile->reach.fine);
    }
    *ready = ALL_LANES;
}

/* --- less its large structure -------------------------------------------- */

static void need_fine_across(Tile *tile, int row, int column, int radius)
{
    for (int block = (column - radius) / LANES; block <= (column + radius) / LANES; block++) {
        need_fine(tile, row, block);
    }
}

static void need_row_medians_of_fine(Tile *tile, int row, int column)
{
    uint16_t *ready = lanes_ready(tile, PLANE_ROWS_OF_FINE, row, column / LANES);
    if (*ready >> column % LANES & 1) {
        return;
    }
    const int first = column - column % LANES;
    need_fine_across(tile, row, column, 4);
    median_line(9, plane_row(tile, PLANE_FINE, row) + first, 1, plane_row(tile, PLANE_ROWS_OF_FINE, row) + first);
    *ready |= lanes_served(column, 4);
}

static uint16_t large_structure(Tile *tile, int row, int column, float *out)
{
    const int first = column - column % LANES;
    const int reach = tile->reach.large;
    for (int r = row - reach; r <= row + reach; r++) {
        if (tile->options->sepmed) {
            need_row_medians_of_fine(tile, r, column);
        } else {
            need_fine_across(tile, r, column, reach);
        }
    }
    if (tile->options->sepmed) {
        median_line(9, plane_row(tile, PLANE_ROWS_OF_FINE, row) + first, tile->stride, out);
    } else {
        median_7x7(plane_row(tile, PLANE_FINE, row) + first, tile->stride, out);
    }
    return lanes_served(column, reach);
}

float fine_structure_at(Tile *tile, int row, int column)
{
    const int first = column - column % LANES;
    float *f = plane_row(tile, PLANE_F, row);
    uint16_t *ready = lanes_ready(tile, PLANE_F, row, column / LANES);
    if (!(*ready >> column % LANES & 1)) {
        need_s(tile, row, column / LANES);
        *ready |= large_structure(tile, row, column, f + first);
        leave_edges(tile, PLANE_F, PLANE_FINE, row, column / LANES, tile->reach.large);
        const float *fine = plane_row(tile, PLANE_FINE, row);
        const float *noise = plane_row(tile, PLANE_NOISE, row);
        for (int i = first; i < first + LANES; i++) {
            const float contrast = (fine[i] - f[i]) / noise[i];
            f[i] = contrast < LEAST_F ? LEAST_F : contrast;
        }
    }
    return f[column];
}

#include "tile.h"
#include "laplacian.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 16, ROWS_AHEAD = 4 }; /* pixels; rows */

static const float LEAST_VARIANCE = 0.00001f; /* electrons squared */

static int psf_reach(const PsfKernel *psf)
{
    return (larger_of(psf->n_rows, psf->n_columns) - 1) / 2;
}

Reach reach_of(const Options *options)
{
    Reach reach = options->sepmed ? (Reach){.noise = 3, .s = 3, .fine = 2, .large = 4}
                                  : (Reach){.noise = 2, .s = 2, .fine = 1, .large = 3};
    int noise_of_fine = 0;
    if (options->psf.weights != NULL) {
        reach.fine = psf_reach(&options->psf);
        noise_of_fine = reach.noise;
    }
    reach.margin = GROWTH + larger_of(reach.noise + reach.s, noise_of_fine + reach.fine + reach.large);
    return reach;
}

static bool plane_is_used(const Options *options, const Frame *frame, Plane plane)
{
    switch (plane) {
    case PLANE_BACKGROUND:
        return frame->background != NULL;
    case PLANE_EXTRA:
        return frame->extra != NULL;
    case PLANE_ROWS_OF_VARIANCE:
    case PLANE_ROWS_OF_S:
    case PLANE_ROWS_OF_FINE:
        return options->sepmed;
    case PLANE_ROWS_OF_DATA:
        return options->sepmed && options->psf.weights == NULL;
    case PLANE_WEIGHTED:
    case PLANE_WEIGHT:
        return options->psf.weights != NULL;
    default:
        return true;
    }
}

bool tile_open(Tile *tile, const Frame *frame, const Options *options)
{
    *tile = (Tile){.frame = frame, .options = options, .reach = reach_of(options)};
    tile->guard = (tile->reach.margin + LANES - 1) / LANES * LANES;
    tile->max_rows = TILE_HEIGHT + 2 * tile->reach.margin;
    tile->stride = TILE_WIDTH + 2 * tile->guard;

    /* A filter's window may leave a row on both sides: what it reads there is
     * never looked at, but it must be memory of ours. */
    const size_t n_pixels = (size_t)(tile->max_rows * tile->stride);
    const size_t n_plane = n_pixels + 2 * (size_t)(tile->guard + LANES);
    const size_t n_ready = n_pixels / LANES;
    size_t n_used = 0;
    for (int plane = 0; plane < N_PLANES; plane++) {
        n_used += plane_is_used(options, frame, plane);
    }
    tile->memory = calloc(1, n_used * (n_plane * sizeof(float) + n_ready * sizeof(uint16_t))
                                 + n_pixels * (2 * sizeof(int) + 1));
    if (tile->memory == NULL) {
        return false;
    }
    float *plane_memory = tile->memory;
    uint16_t *ready_memory = (uint16_t *)(plane_memory + n_used * n_plane);
    for (int plane = 0; plane < N_PLANES; plane++) {
        if (plane_is_used(options, frame, plane)) {
            tile->planes[plane] = plane_memory + tile->guard + LANES;
            tile->ready[plane] = ready_memory;
            plane_memory += n_plane;
            ready_memory += n_ready;
        }
    }
    tile->candidates = (int *)ready_memory;
    tile->grown = tile->candidates + n_pixels;
    tile->state = (uint8_t *)(tile->grown + n_pixels);
    return true;
}

void tile_close(Tile *tile)
{
    free(tile->memory);
}

void tile_forget(Tile *tile)
{
    const size_t n_blocks = (size_t)(tile->n_rows * (tile->stride / LANES));
    for (int plane = 0; plane < N_PLANES; plane++) {
        if (tile->ready[plane] != NULL) {
            memset(tile->ready[plane], 0, n_blocks * sizeof(uint16_t));
        }
    }
    memset(tile->state, 0, n_blocks * LANES);
}

/* --- copying pixels of the frame into the planes ------------------------- */

static void place_planes(Tile *tile, Box region)
{
    const Frame *frame = tile->frame;
    tile->region = region;
    tile->top = region.y0 - tile->reach.margin;
    tile->left = region.x0 - tile->guard;
    tile->n_rows = region.y1 - region.y0 + 2 * tile->reach.margin;
    tile->n_blocks = (region.x1 - region.x0 + 2 * tile->guard + LANES - 1) / LANES;
    tile->at_edge = tile->top < 0 || tile->left < 0 || tile->top + tile->n_rows > frame->ny
                    || tile->left + tile->n_blocks * LANES > frame->nx;
}

static Box planes_box(const Tile *tile)
{
    return (Box){tile->top, tile->top + tile->n_rows, tile->left, tile->left + tile->n_blocks * LANES};
}

WIDENED static void fill_variance(float *restrict out, const float *restrict variance,
                                  const float *restrict background, const float *restrict data,
                                  float readnoise2, int n)
{
    if (variance == NULL) {
        for (int i = 0; i < n; i++) {
            out[i] = data[i] + readnoise2;
        }
    } else if (background == NULL) {
        memcpy(out, variance, (size_t)n * sizeof *out);
    } else {
        for (int i = 0; i < n; i++) {
            out[i] = variance[i] - background[i];
        }
    }
}

/* Ask for the pixels of a row that comes soon: rows of a tile are too short,
 * and too far from one another, for the processor to foresee them. */
static void prefetch_pixels(const float *pixels, int n)
{
#if defined(__GNUC__)
    for (int i = 0; i < n; i += CACHE_LINE) {
        __builtin_prefetch(pixels + i);
    }
#else
    (void)pixels, (void)n;
#endif
}

static void copy_pixels(Tile *tile, Box inside)
{
    const Frame *frame = tile->frame;
    const int n = inside.x1 - inside.x0;
    for (int y = inside.y0; y < inside.y1; y++) {
        const ptrdiff_t from = pixel_at(frame, y, inside.x0);
        const int row = y - tile->top, column = inside.x0 - tile->left;
        float *data = plane_row(tile, PLANE_DATA, row) + column;
        const float *background = NULL;
        if (y + ROWS_AHEAD < inside.y1) {
            prefetch_pixels(frame->cleaned + from + (ptrdiff_t)ROWS_AHEAD * frame->nx, n);
        }
        memcpy(data, frame->cleaned + from, (size_t)n * sizeof *data);
        if (frame->background != NULL) {
            background = frame->background + from;
            memcpy(plane_row(tile, PLANE_BACKGROUND, row) + column, background, (size_t)n * sizeof *data);
        }
        if (frame->extra != NULL) {
            memcpy(plane_row(tile, PLANE_EXTRA, row) + column, frame->extra + from, (size_t)n * sizeof *data);
        }
        float *variance = plane_row(tile, PLANE_VARIANCE, row) + column;
        fill_variance(variance, frame->variance ? frame->variance + from : NULL, background, data,
                      tile->options->readnoise2, n);
    }
}

/* The variance of a repaired pixel doesn't follow from the frame. */
static void put_repaired_variances(Tile *tile, const TileGrid *grid, Box inside)
{
    const Box touched = tiles_touched(tile->frame, inside);
    for (int i = touched.y0; i < touched.y1; i++) {
        for (int j = touched.x0; j < touched.x1; j++) {
            const TileRecord *record = &grid->records[i * grid->n_columns + j];
            for (size_t k = 0; k < record->n_flagged; k++) {
                const int y = record->flagged[k].y, x = record->flagged[k].x;
                if (y >= inside.y0 && y < inside.y1 && x >= inside.x0 && x < inside.x1) {
                    plane_row(tile, PLANE_VARIANCE, y - tile->top)[x - tile->left] = record->repaired[k].variance;
                }
            }
        }
    }
}

/* The pixel that stands for pixel `i` of `n` when the frame is reflected at
 * its edges, the edge pixel repeated. */
static int reflected(int i, int n)
{
    const int period = 2 * n;
    const int folded = (i % period + period) % period;
    return folded < n ? folded : period - 1 - folded;
}

static void reflect_row(const Tile *tile, float *row, int first, int end)
{
    for (int column = first; column < end; column++) {
        const int source = reflected(tile->left + column, tile->frame->nx) - tile->left;
        row[column] = row[smaller_of(larger_of(source, 0), tile->n_blocks * LANES - 1)];
    }
}

static void reflect_plane(Tile *tile, Plane plane, Box inside)
{
    const int n_columns = tile->n_blocks * LANES;
    for (int y = inside.y0; y < inside.y1; y++) {
        float *row = plane_row(tile, plane, y - tile->top);
        reflect_row(tile, row, 0, inside.x0 - tile->left);
        reflect_row(tile, row, inside.x1 - tile->left, n_columns);
    }
    for (int row = 0; row < tile->n_rows; row++) {
        const int y = tile->top + row;
        if (y < inside.y0 || y >= inside.y1) {
            memcpy(plane_row(tile, plane, row),
                   plane_row(tile, plane, reflected(y, tile->frame->ny) - tile->top),
                   (size_t)n_columns * sizeof(float));
        }
    }
}

static void fill_row(float *row, int first, int end, float value)
{
    for (int column = first; column < end; column++) {
        row[column] = value;
    }
}

static void fill_outside(Tile *tile, Plane plane, Box inside, float value)
{
    const int n_columns = tile->n_blocks * LANES;
    for (int row = 0; row < tile->n_rows; row++) {
        float *pixels = plane_row(tile, plane, row);
        const bool outside = tile->top + row < inside.y0 || tile->top + row >= inside.y1;
        fill_row(pixels, 0, outside ? n_columns : inside.x0 - tile->left, value);
        fill_row(pixels, inside.x1 - tile->left, n_columns, value);
    }
}

/* Outside a frame whose edges are skipped the Laplacian sees zeros, and no
 * pixel carries any weight. */
static void extend_planes(Tile *tile, Box inside)
{
    if (tile->options->edges == EDGES_SKIP) {
        fill_outside(tile, PLANE_DATA, inside, 0.0f);
        fill_outside(tile, PLANE_VARIANCE, inside, INFINITY);
        if (tile->frame->background != NULL) {
            fill_outside(tile, PLANE_BACKGROUND, inside, 0.0f);
        }
        if (tile->frame->extra != NULL) {
            fill_outside(tile, PLANE_EXTRA, inside, 0.0f);
        }
        return;
    }
    reflect_plane(tile, PLANE_DATA, inside);
    reflect_plane(tile, PLANE_VARIANCE, inside);
    if (tile->frame->background != NULL) {
        reflect_plane(tile, PLANE_BACKGROUND, inside);
    }
    if (tile->frame->extra != NULL) {
        reflect_plane(tile, PLANE_EXTRA, inside);
    }
}

void tile_load(Tile *tile, const TileGrid *grid, Box region)
{
    place_planes(tile, region);
    const Box inside = box_overlap(planes_box(tile), (Box){0, tile->frame->ny, 0, tile->frame->nx});
    copy_pixels(tile, inside);
    put_repaired_variances(tile, grid, inside);
    if (tile->at_edge) {
        extend_planes(tile, inside);
    }
}

/* --- the least noise ----------------------------------------------------- */

/* The least up to now stays where the value is not a number. */
INLINED float smaller_number(float value, float least)
{
    return value < least ? value : least;
}

/* Of the pixels less what is subtracted, if anything is. */
WIDENED static float least_of(const float *restrict pixels, const float *restrict subtracted, int n, float least)
{
    float lanes[LANES];
    for (int k = 0; k < LANES; k++) {
        lanes[k] = least;
    }
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            const float value = subtracted != NULL ? pixels[i + k] - subtracted[i + k] : pixels[i + k];
            lanes[k] = smaller_number(value, lanes[k]);
        }
    }
    for (; i < n; i++) {
        lanes[0] = smaller_number(subtracted != NULL ? pixels[i] - subtracted[i] : pixels[i], lanes[0]);
    }
    for (int k = 1; k < LANES; k++) {
        lanes[0] = smaller_number(lanes[k], lanes[0]);
    }
    return lanes[0];
}

static float least_observed_variance(const Frame *frame, const Options *options, Box box, Box searched, float *most)
{
    const float *values = frame->variance != NULL ? frame->variance : frame->cleaned;
    const float *subtracted = frame->variance != NULL ? frame->background : NULL;
    float least = INFINITY;
    for (int y = box.y0; y < box.y1; y++) {
        const ptrdiff_t from = pixel_at(frame, y, box.x0);
        if (y + ROWS_AHEAD < box.y1) {
            prefetch_pixels(frame->cleaned + from + (ptrdiff_t)ROWS_AHEAD * frame->nx, box.x1 - box.x0);
        }
        least = least_of(values + from, subtracted ? subtracted + from : NULL, box.x1 - box.x0, least);
        if (y >= searched.y0 && y < searched.y1) {
            most[y - searched.y0] = most_laplacian(frame, y, searched.x0, searched.x1);
        }
    }
    return frame->variance != NULL ? least : least + options->readnoise2;
}

static float least_repaired_variance(const Frame *frame, const TileGrid *grid, Box box)
{
    const Box touched = tiles_touched(frame, box);
    float least = INFINITY;
    for (int i = touched.y0; i < touched.y1; i++) {
        for (int j = touched.x0; j < touched.x1; j++) {
            const TileRecord *record = &grid->records[i * grid->n_columns + j];
            least = record->n_flagged > 0 ? smaller_number(record->least_variance, least) : least;
        }
    }
    return least;
}

static float least_background(const Frame *frame, Box box)
{
    float least = frame->background != NULL ? INFINITY : 0.0f;
    for (int y = box.y0; frame->background != NULL && y < box.y1; y++) {
        least = least_of(frame->background + pixel_at(frame, y, box.x0), NULL, box.x1 - box.x0, least);
    }
    return least;
}

/* A median is not below the least value it is taken of, and the extra variance is not negative. */
float least_noise(const Tile *tile, const TileGrid *grid, Box region, Box searched, float *most)
{
    const Frame *frame = tile->frame;
    const Box box = box_overlap(box_grown(region, GROWTH + tile->reach.noise), (Box){0, frame->ny, 0, frame->nx});
    const float variance = smaller_number(least_observed_variance(frame, tile->options, box, searched, most),
                                          least_repaired_variance(frame, grid, box))
                           + least_background(frame, box);
    return sqrtf(variance < LEAST_VARIANCE ? LEAST_VARIANCE : variance);
}

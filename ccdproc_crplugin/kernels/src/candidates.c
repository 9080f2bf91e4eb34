#include "candidates.h"

#include <float.h>
#include <math.h>

#include "fine_structure.h"
#include "laplacian.h"
#include "significance.h"

/* Bits of `Tile.state`. */
enum CandidateState { CANDIDATE = 1, COSMIC_RAY = 2, FOUND = 4 };

/* Rows without candidates between those that are searched by themselves: as many as loading them apart costs. */
enum { LEAST_GAP = 12 };

/* --- which pixels may be cosmic rays at all ------------------------------ */

static Box region_in_planes(const Tile *tile, int margin)
{
    const Box in_frame = box_overlap(box_grown(tile->region, margin),
                                     (Box){0, tile->frame->ny, 0, tile->frame->nx});
    return (Box){in_frame.y0 - tile->top, in_frame.y1 - tile->top,
                 in_frame.x0 - tile->left, in_frame.x1 - tile->left};
}

static bool contains(Box box, int row, int column)
{
    return row >= box.y0 && row < box.y1 && column >= box.x0 && column < box.x1;
}

static bool is_searched(const Tile *tile, int row, int column)
{
    if (tile->options->edges == EDGES_SKIP && within_edge(tile, row, column, tile->reach.s)) {
        return false;
    }
    return !is_bad(tile->frame, tile->top + row, tile->left + column);
}

/* The L+ that S can't reach `limit` without, whatever the noise. S' is never
 * above S, because S is never negative and neither is its median. The factor
 * makes room for the rounding of L+ / (2 noise). An infinite L+ exceeds any
 * limit. */
static float laplacian_limit(const Tile *tile, float limit)
{
    const float least = 2.0f * tile->least_noise * limit * 0.999999f;
    return least < FLT_MAX ? least : FLT_MAX;
}

/* Whether S' exceeds a limit, the cheap tests first. */
static bool s_prime_exceeds(Tile *tile, int row, int column, float limit)
{
    if (!(plane_row(tile, PLANE_LAPLACIAN, row)[column] > laplacian_limit(tile, limit))) {
        return false;
    }
    need_s(tile, row, column / LANES);
    return plane_row(tile, PLANE_S, row)[column] > limit && s_prime_at(tile, row, column) > limit;
}

static int candidates_of_block(Tile *tile, Box searched, int row, int block, float limit, int n)
{
    const int first = larger_of(block * LANES, searched.x0);
    const int end = smaller_of((block + 1) * LANES, searched.x1);
    for (int column = first; column < end; column++) {
        if (s_prime_exceeds(tile, row, column, limit) && is_searched(tile, row, column)) {
            tile->candidates[n++] = (int)(row * tile->stride + column);
        }
    }
    return n;
}

/* Every pixel with S' > limit in the region and around it, as far as growth
 * looks. */
static int find_candidates(Tile *tile, float limit)
{
    const Box searched = region_in_planes(tile, GROWTH);
    const int first = searched.x0 / LANES, end = (searched.x1 + LANES - 1) / LANES;
    const float least_laplacian = laplacian_limit(tile, limit);
    int n = 0;
    bool forgotten = false;
    for (int row = searched.y0; row < searched.y1; row++) {
        const float *laplacian = plane_row(tile, PLANE_LAPLACIAN, row);
        if (!laplacian_exceeds(laplacian + first * LANES, end - first, least_laplacian)) {
            continue;
        }
        if (!forgotten) {
            tile_forget(tile);
            forgotten = true;
        }
        for (int block = first; block < end; block++) {
            if (laplacian_exceeds(laplacian + block * LANES, 1, least_laplacian)) {
                n = candidates_of_block(tile, searched, row, block, limit, n);
            }
        }
    }
    return n;
}

/* --- which of them are, and how they grow -------------------------------- */

static bool mark_cosmic_rays(Tile *tile, int n_candidates, TileRecord *scores)
{
    const Options *options = tile->options;
    const Box region = region_in_planes(tile, 0);
    for (int k = 0; k < n_candidates; k++) {
        const int row = (int)(tile->candidates[k] / tile->stride);
        const int column = (int)(tile->candidates[k] % tile->stride);
        const float s_prime = s_prime_at(tile, row, column);
        const float s_prime_over_f = s_prime / fine_structure_at(tile, row, column);
        if (s_prime > options->sigclip) {
            tile->state[tile->candidates[k]] |= s_prime_over_f > options->objlim ? CANDIDATE | COSMIC_RAY : CANDIDATE;
        }
        if (scores != NULL && s_prime > options->scores_above && contains(region, row, column)) {
            const Score score = {tile->top + row, tile->left + column, s_prime, s_prime_over_f};
            if (!record_score(scores, score)) {
                return false;
            }
        }
    }
    return true;
}

/* A candidate beside a cosmic ray is one, star or not. */
static int grow_into_candidates(Tile *tile, int n_candidates)
{
    const int stride = (int)tile->stride;
    int n_grown = 0;
    for (int k = 0; k < n_candidates; k++) {
        const uint8_t *state = tile->state + tile->candidates[k];
        if (!(*state & CANDIDATE)) {
            continue;
        }
        int around = 0;
        for (int dy = -1; dy <= 1; dy++) {
            around |= state[dy * stride - 1] | state[dy * stride] | state[dy * stride + 1];
        }
        if (around & COSMIC_RAY) {
            tile->grown[n_grown++] = tile->candidates[k];
        }
    }
    return n_grown;
}

static bool find_if_significant(Tile *tile, TileRecord *record, int row, int column)
{
    uint8_t *state = tile->state + row * tile->stride + column;
    if (*state & FOUND || !s_prime_exceeds(tile, row, column, tile->options->sigclip_low)
        || !is_searched(tile, row, column)) {
        return true;
    }
    *state |= FOUND;
    return record_found(record, (Pixel){tile->top + row, tile->left + column});
}

/* And so is any pixel beside those which exceeds the lower limit. */
static bool grow_into_neighbours(Tile *tile, int n_grown, TileRecord *record)
{
    const Box region = region_in_planes(tile, 0);
    for (int k = 0; k < n_grown; k++) {
        const int row = (int)(tile->grown[k] / tile->stride);
        const int column = (int)(tile->grown[k] % tile->stride);
        for (int r = row - 1; r <= row + 1; r++) {
            for (int c = column - 1; c <= column + 1; c++) {
                if (contains(region, r, c) && !find_if_significant(tile, record, r, c)) {
                    return false;
                }
            }
        }
    }
    return true;
}

static bool search_rows(Tile *tile, const TileGrid *grid, TileRecord *record, Box rows, float limit,
                        bool with_scores)
{
    tile_load(tile, grid, rows);
    laplacian_fill(tile);
    const int n_candidates = find_candidates(tile, limit);
    if (n_candidates == 0) {
        return true;
    }
    if (!mark_cosmic_rays(tile, n_candidates, with_scores ? record : NULL)) {
        return false;
    }
    const int n_grown = grow_into_candidates(tile, n_candidates);
    return grow_into_neighbours(tile, n_grown, record);
}

/* The rows from `y` on that may hold candidates, up to the first gap between them; none: y0 is searched.y1. */
static Box next_rows(const float *most, Box searched, int y, float least_laplacian)
{
    Box rows = {searched.y1, searched.y1, searched.x0, searched.x1};
    for (; y < searched.y1 && (rows.y0 == searched.y1 || y < rows.y1 + LEAST_GAP); y++) {
        if (most[y - searched.y0] > least_laplacian) {
            rows.y0 = smaller_of(rows.y0, y);
            rows.y1 = y + 1;
        }
    }
    return rows;
}

bool search_region(Tile *tile, const TileGrid *grid, TileRecord *record, Box region, bool with_scores)
{
    const Options *options = tile->options;
    const float limit = with_scores ? fminf(options->scores_above, options->sigclip) : options->sigclip;
    const Box searched = box_overlap(box_grown(region, GROWTH), (Box){0, tile->frame->ny, 0, tile->frame->nx});
    float most[TILE_HEIGHT + 2 * GROWTH];
    tile->least_noise = least_noise(tile, grid, region, searched, most);
    const float least_laplacian = laplacian_limit(tile, limit);
    for (int y = searched.y0; y < searched.y1;) {
        const Box found = next_rows(most, searched, y, least_laplacian);
        const Box rows = box_overlap(region, (Box){found.y0 - 1, found.y1 + 1, region.x0, region.x1});
        if (found.y0 < searched.y1 && !box_is_empty(rows)
            && !search_rows(tile, grid, record, rows, limit, with_scores)) {
            return false;
        }
        y = found.y1 + LEAST_GAP;
    }
    return true;
}

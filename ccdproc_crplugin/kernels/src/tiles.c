#include "tiles.h"

#include <stdlib.h>

bool tile_grid_open(TileGrid *grid, const Frame *frame)
{
    grid->n_rows = (frame->ny + TILE_HEIGHT - 1) / TILE_HEIGHT;
    grid->n_columns = (frame->nx + TILE_WIDTH - 1) / TILE_WIDTH;
    grid->records = calloc((size_t)tile_count(grid), sizeof *grid->records);
    return grid->records != NULL;
}

void tile_grid_close(TileGrid *grid)
{
    if (grid->records == NULL) {
        return;
    }
    for (int tile = 0; tile < tile_count(grid); tile++) {
        TileRecord *record = &grid->records[tile];
        free(record->found);
        free(record->flagged);
        free(record->repaired);
        free(record->scores);
    }
    free(grid->records);
}

int tile_count(const TileGrid *grid)
{
    return grid->n_rows * grid->n_columns;
}

Box tile_box(const TileGrid *grid, const Frame *frame, int tile)
{
    const int y = tile / grid->n_columns * TILE_HEIGHT;
    const int x = tile % grid->n_columns * TILE_WIDTH;
    return (Box){y, smaller_of(y + TILE_HEIGHT, frame->ny), x, smaller_of(x + TILE_WIDTH, frame->nx)};
}

Box tiles_touched(const Frame *frame, Box box)
{
    const Box inside = box_overlap(box, (Box){0, frame->ny, 0, frame->nx});
    return (Box){inside.y0 / TILE_HEIGHT, (inside.y1 - 1) / TILE_HEIGHT + 1,
                 inside.x0 / TILE_WIDTH, (inside.x1 - 1) / TILE_WIDTH + 1};
}

/* Make room for one more item in an array that grows by doubling. */
static bool make_room(void **items, size_t n, size_t *capacity, size_t item_size)
{
    if (n < *capacity) {
        return true;
    }
    const size_t larger = *capacity ? 2 * *capacity : 16;
    void *moved = realloc(*items, larger * item_size);
    if (moved == NULL) {
        return false;
    }
    *items = moved;
    *capacity = larger;
    return true;
}

bool record_found(TileRecord *record, Pixel pixel)
{
    void *items = record->found;
    if (!make_room(&items, record->n_found, &record->found_capacity, sizeof pixel)) {
        return false;
    }
    record->found = items;
    record->found[record->n_found++] = pixel;
    return true;
}

bool record_flagged(TileRecord *record, Pixel pixel, float variance)
{
    void *pixels = record->flagged, *repaired = record->repaired;
    const size_t n = record->n_flagged;
    const bool roomy = make_room(&pixels, n, &record->flagged_capacity, sizeof pixel)
                       && make_room(&repaired, n, &record->repaired_capacity, sizeof(RepairedPixel));
    record->flagged = pixels;
    record->repaired = repaired;
    if (roomy) {
        record->flagged[n] = pixel;
        record->repaired[n] = (RepairedPixel){.variance = variance};
        record->least_variance = n == 0 || variance < record->least_variance ? variance : record->least_variance;
        record->n_flagged++;
    }
    return roomy;
}

bool record_score(TileRecord *record, Score score)
{
    void *items = record->scores;
    if (!make_room(&items, record->n_scores, &record->scores_capacity, sizeof score)) {
        return false;
    }
    record->scores = items;
    record->scores[record->n_scores++] = score;
    return true;
}

/* The frame cut into tiles, and what is known about each of them. */
#ifndef CCDCR_TILES_H
#define CCDCR_TILES_H

#include "frame.h"

enum { TILE_HEIGHT = 64, TILE_WIDTH = 256 };

/* A pixel of the frame. */
typedef struct {
    int32_t y, x;
} Pixel;

/* A flagged pixel's variance as it is now, and the values of a repair under way. */
typedef struct {
    float variance;
    float new_data, new_variance;
    bool due;
} RepairedPixel;

typedef struct {
    Pixel *found; /* cosmic rays of this iteration */
    size_t n_found, found_capacity;
    Pixel *flagged; /* cosmic rays of all iterations, and beside them ... */
    RepairedPixel *repaired;
    size_t n_flagged, flagged_capacity, repaired_capacity;
    float least_variance; /* that a flagged pixel has or had, if there is one */
    Box changed; /* holds every pixel that the latest repair changed */
    Score *scores;
    size_t n_scores, scores_capacity;
} TileRecord;

typedef struct {
    int n_rows, n_columns; /* of tiles */
    TileRecord *records;
} TileGrid;

bool tile_grid_open(TileGrid *grid, const Frame *frame);
void tile_grid_close(TileGrid *grid);

int tile_count(const TileGrid *grid);
Box tile_box(const TileGrid *grid, const Frame *frame, int tile);

/* The tiles that a box touches: rows y0..y1 and columns x0..x1 of the grid. */
Box tiles_touched(const Frame *frame, Box box);

/* Each gives false when there is no memory left. */
bool record_found(TileRecord *record, Pixel pixel);
bool record_flagged(TileRecord *record, Pixel pixel, float variance);
bool record_score(TileRecord *record, Score score);

#endif

/* One tile's planes: pixels copied out of the frame with a margin, and the
 * paper's quantities, each worked out only where somebody asks for it.
 *
 * A plane is rows of blocks of LANES pixels. Asking for a quantity at a pixel
 * fills the pixel's whole block; what has been filled is remembered, so a tile
 * with one candidate costs little and a crowded one costs each block once. */
#ifndef CCDCR_TILE_H
#define CCDCR_TILE_H

#include "frame.h"
#include "lanes.h"
#include "tiles.h"

/* A cosmic ray's growth looks two pixels away from a candidate. */
enum { GROWTH = 2 };

/* Planes that hold pixels of the frame and are filled at once ... */
typedef enum {
    PLANE_DATA,       /* electrons, background subtracted */
    PLANE_VARIANCE,   /* electrons squared */
    PLANE_BACKGROUND, /* electrons */
    PLANE_EXTRA,      /* electrons squared */
    PLANE_LAPLACIAN,  /* L+, electrons */
    /* ... and those filled on demand. */
    PLANE_NOISE,      /* electrons */
    PLANE_S,          /* L+ / (2 noise) */
    PLANE_S_PRIME,    /* S - median(S) */
    PLANE_FINE,       /* the frame smoothed to show stars but no cosmic rays */
    PLANE_F,          /* fine structure in units of the noise */
    PLANE_ROWS_OF_VARIANCE, /* row medians, of separable medians only */
    PLANE_ROWS_OF_S,
    PLANE_ROWS_OF_DATA,
    PLANE_ROWS_OF_FINE,
    PLANE_WEIGHTED,   /* data / noise^2, of the convolved fine structure only */
    PLANE_WEIGHT,     /* 1 / noise^2 */
    N_PLANES
} Plane;

/* How far each filter reaches from a pixel to all four sides. */
typedef struct {
    int noise;   /* median of the variance */
    int s;       /* median of S */
    int fine;    /* filter that makes the fine structure's image */
    int large;   /* median subtracted from it */
    int margin;  /* all that a pixel's answer depends on */
} Reach;

Reach reach_of(const Options *options);

typedef struct {
    const Frame *frame;
    const Options *options;
    Reach reach;
    Box region;         /* the pixels to search, in the frame */
    int top, left;      /* the frame's pixel in the planes' first corner */
    int n_rows, n_blocks;
    ptrdiff_t stride;   /* length of a row of a plane */
    int max_rows, guard;
    bool at_edge;       /* some pixels of the planes lie outside the frame */
    float least_noise;  /* no searched pixel has less */
    float *planes[N_PLANES];
    uint16_t *ready[N_PLANES]; /* for each block the lanes that are filled */
    uint8_t *state;     /* for each pixel the CandidateState bits */
    int *candidates;    /* offsets of pixels within a plane */
    int *grown;
    void *memory;
} Tile;

bool tile_open(Tile *tile, const Frame *frame, const Options *options);
void tile_close(Tile *tile);

/* What no pixel of a region, or as far from it as growth looks, has less noise than. */
float least_noise(const Tile *tile, const TileGrid *grid, Box region, Box searched, float *most);

/* Copy a region of the frame and its margin into the planes. */
void tile_load(Tile *tile, const TileGrid *grid, Box region);

/* Forget every quantity that was filled on demand. */
void tile_forget(Tile *tile);

static inline float *plane_row(const Tile *tile, Plane plane, int row)
{
    return tile->planes[plane] + row * tile->stride;
}

static inline uint16_t *lanes_ready(const Tile *tile, Plane plane, int row, int block)
{
    return tile->ready[plane] + row * (tile->stride / LANES) + block;
}

/* Within `radius` pixels of the frame's edge, or outside the frame: there a
 * filter of that radius leaves the pixel as it is, when edges are skipped. */
static inline bool within_edge(const Tile *tile, int row, int column, int radius)
{
    const int y = tile->top + row, x = tile->left + column;
    return y < radius || x < radius || y >= tile->frame->ny - radius || x >= tile->frame->nx - radius;
}

#endif

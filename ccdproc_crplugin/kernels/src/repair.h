/* Replacing a cosmic ray by what its neighbours say. */
#ifndef CCDCR_REPAIR_H
#define CCDCR_REPAIR_H

#include "levels.h"
#include "tile.h"

/* Whether a flagged pixel's repair may have a new result. */
bool repair_is_due(const Frame *frame, const Options *options, Pixel pixel);

/* Whether the 5x5 pixels around hold any that a repair can draw on. */
bool has_good_neighbour(const Frame *frame, Pixel pixel);

/* The variance of a pixel that has not been repaired. */
float observed_variance(const Frame *frame, const Options *options, ptrdiff_t i);

/* Work out the repair of a pixel: data and variance. REPAIR_MEDIAN takes them from the tile, which must be loaded. */
void repair_pixel(const Tile *tile, Pixel pixel, const Levels *levels, RepairedPixel *repaired);

#endif

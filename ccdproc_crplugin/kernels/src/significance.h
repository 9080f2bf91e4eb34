/* S', a pixel's significance: S = L+ / (2 noise) less its median. */
#ifndef CCDCR_SIGNIFICANCE_H
#define CCDCR_SIGNIFICANCE_H

#include "tile.h"

/* Fill the noise and S of a block. */
void need_s(Tile *tile, int row, int block);

/* The lanes of a column's block whose windows of this radius need no other
 * blocks than the column's own window does. */
uint16_t lanes_served(int column, int radius);

/* Fill S' of a pixel, and give it. */
float s_prime_at(Tile *tile, int row, int column);

/* Put back what a filter of this radius must leave as it was in a block. */
void leave_edges(Tile *tile, Plane filtered, Plane original, int row, int block, int radius);

#endif

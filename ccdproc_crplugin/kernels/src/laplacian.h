/* L+: the Laplacian of the frame subsampled two by two, without its negative
 * part, averaged back to the frame's pixels. */
#ifndef CCDCR_LAPLACIAN_H
#define CCDCR_LAPLACIAN_H

#include "tile.h"

void laplacian_fill(Tile *tile);

/* Whether some L+ of a row of blocks exceeds `limit`. */
bool laplacian_exceeds(const float *blocks, int n_blocks, float limit);

#endif

/* L+: the Laplacian of the frame subsampled two by two, without its negative
 * part, averaged back to the frame's pixels. */
#ifndef CCDCR_LAPLACIAN_H
#define CCDCR_LAPLACIAN_H

#include "tile.h"

void laplacian_fill(Tile *tile);

/* The largest L+ of pixels x0 <= x < x1 of a row of the frame, whose edges are searched. */
float most_laplacian(const Frame *frame, int y, int x0, int x1);

/* Whether some L+ of a row of blocks exceeds `limit`. */
bool laplacian_exceeds(const float *blocks, int n_blocks, float limit);

#endif

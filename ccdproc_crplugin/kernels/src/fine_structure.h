/* F, the fine structure in units of the noise: large for a star, small for a
 * cosmic ray. */
#ifndef CCDCR_FINE_STRUCTURE_H
#define CCDCR_FINE_STRUCTURE_H

#include "tile.h"

/* Fill F of a pixel, and give it. */
float fine_structure_at(Tile *tile, int row, int column);

#endif

/* One iteration's search of one tile. */
#ifndef CCDCR_CANDIDATES_H
#define CCDCR_CANDIDATES_H

#include "tile.h"

/* Put a region's cosmic rays into the record, and its scores if asked.
 * False when there is no memory left. */
bool search_region(Tile *tile, const TileGrid *grid, TileRecord *record, Box region, bool with_scores);

#endif

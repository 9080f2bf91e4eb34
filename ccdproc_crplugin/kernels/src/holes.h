/* Pixels below others on both sides of them: the first look of kernels/low_pixels.py. */
#ifndef CCDCR_HOLES_H
#define CCDCR_HOLES_H

#include <stdbool.h>
#include <stdint.h>

/* Mark in `found` (n_rows x nx) the pixels of rows y0 .. y0 + n_rows that lie more than `limit` below the higher pixels
 * within 4 on both sides, along the row or along the column. Gives false when there is no memory left. */
bool find_holes(const float *data, int ny, int nx, int y0, int n_rows, float limit, uint8_t *found, bool *any);

#endif

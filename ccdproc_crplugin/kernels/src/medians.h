/* Median filters of sixteen neighbouring pixels of a row.
 *
 * `center` points at the first of the sixteen, `stride` is the length of a
 * row, and `out` takes the sixteen medians. The window must be inside the
 * array on all sides. */
#ifndef CCDCR_MEDIANS_H
#define CCDCR_MEDIANS_H

#include <stddef.h>

void median_3x3(const float *center, ptrdiff_t stride, float *restrict out);
void median_5x5(const float *center, ptrdiff_t stride, float *restrict out);
void median_7x7(const float *center, ptrdiff_t stride, float *restrict out);

/* Median along one line of `n` pixels (5, 7 or 9), `step` apart: 1 along the
 * row, the row's length along the column. */
void median_line(int n, const float *center, ptrdiff_t step, float *restrict out);

#endif

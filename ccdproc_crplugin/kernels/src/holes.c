#include "holes.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "lanes.h"

enum { WIDEST = 4, SEGMENT = 512, PADDED = SEGMENT + 2 * WIDEST };

/* What is not a number, or outside of the frame, is below everything. */
INLINED float or_lowest(float value)
{
    return value > -INFINITY ? value : -INFINITY;
}

INLINED float larger(float a, float b)
{
    return a > b ? a : b;
}

WIDENED static void copy_row(float *restrict out, const float *restrict row, int n)
{
    for (int i = 0; i < n; i++) {
        out[i] = or_lowest(row[i]);
    }
}

/* The highest of four rows. */
WIDENED static void highest_row(const float *restrict rows, float *restrict out)
{
    for (int i = 0; i < PADDED; i++) {
        out[i] = larger(larger(rows[i], rows[i + PADDED]), larger(rows[i + 2 * PADDED], rows[i + 3 * PADDED]));
    }
}

/* `row` and the highest of the rows before and after it hold WIDEST pixels before the first of the segment. */
WIDENED static uint8_t holes_of_row(const float *restrict data, const float *restrict row,
                                    const float *restrict before, const float *restrict after, int n, float limit,
                                    uint8_t *restrict found)
{
    float four[PADDED];
    uint8_t any = 0;
    for (int i = 0; i < n + WIDEST + 1; i++) {
        four[i] = larger(larger(row[i], row[i + 1]), larger(row[i + 2], row[i + 3]));
    }
    for (int i = 0; i < n; i++) {
        const float value = data[i];
        const float beside = four[i] < four[i + WIDEST + 1] ? four[i] : four[i + WIDEST + 1];
        const float along = before[i + WIDEST] < after[i + WIDEST] ? before[i + WIDEST] : after[i + WIDEST];
        found[i] = (beside - value > limit) | (along - value > limit);
        any |= found[i];
    }
    return any;
}

static bool holes_of_segment(const float *data, int ny, int nx, int y0, int n_rows, int x0, float limit,
                             uint8_t *found, float *rows, float *highest)
{
    const int n = smaller_of(SEGMENT, nx - x0);
    const int first = larger_of(x0 - WIDEST, 0), end = smaller_of(x0 + n + WIDEST, nx);
    uint8_t any = 0;
    for (int i = 0; i < (n_rows + 2 * WIDEST) * PADDED; i++) {
        rows[i] = -INFINITY;
    }
    for (int row = 0; row < n_rows + 2 * WIDEST; row++) {
        const int y = y0 - WIDEST + row;
        if (y >= 0 && y < ny) {
            copy_row(rows + row * PADDED + first - (x0 - WIDEST), data + (ptrdiff_t)y * nx + first, end - first);
        }
    }
    for (int row = 0; row <= n_rows + WIDEST; row++) {
        highest_row(rows + row * PADDED, highest + row * PADDED);
    }
    for (int row = 0; row < n_rows; row++) {
        any |= holes_of_row(data + (ptrdiff_t)(y0 + row) * nx + x0, rows + (row + WIDEST) * PADDED,
                            highest + row * PADDED, highest + (row + WIDEST + 1) * PADDED, n, limit,
                            found + (ptrdiff_t)row * nx + x0);
    }
    return any != 0;
}

bool find_holes(const float *data, int ny, int nx, int y0, int n_rows, float limit, uint8_t *found, bool *any)
{
    const size_t n_memory = (size_t)(n_rows + 2 * WIDEST) * PADDED;
    float *memory = malloc(2 * n_memory * sizeof *memory);
    *any = false;
    for (int x0 = 0; memory != NULL && x0 < nx; x0 += SEGMENT) {
        *any |= holes_of_segment(data, ny, nx, y0, n_rows, x0, limit, found, memory, memory + n_memory);
    }
    free(memory);
    return memory != NULL;
}

#include "medians.h"

#include <string.h>

#include "median_networks.h"

INLINED void load_square(int width, const float *center, ptrdiff_t stride,
                               float (*restrict w)[LANES])
{
    const int r = width / 2;
    for (int dy = -r; dy <= r; dy++) {
        for (int dx = -r; dx <= r; dx++) {
            memcpy(w++, center + dy * stride + dx, sizeof *w);
        }
    }
}

INLINED void load_line(int n, const float *center, ptrdiff_t step, float (*restrict w)[LANES])
{
    for (int k = -(n / 2); k <= n / 2; k++) {
        memcpy(w++, center + k * step, sizeof *w);
    }
}

WIDENED void median_3x3(const float *center, ptrdiff_t stride, float *restrict out)
{
    float w[9][LANES];
    load_square(3, center, stride, w);
    median_network_9(w);
    memcpy(out, w[4], sizeof w[4]);
}

WIDENED void median_5x5(const float *center, ptrdiff_t stride, float *restrict out)
{
    float w[25][LANES];
    load_square(5, center, stride, w);
    median_network_25(w);
    memcpy(out, w[12], sizeof w[12]);
}

WIDENED void median_7x7(const float *center, ptrdiff_t stride, float *restrict out)
{
    float w[49][LANES];
    load_square(7, center, stride, w);
    median_network_49(w);
    memcpy(out, w[24], sizeof w[24]);
}

INLINED void median_line_5(const float *center, ptrdiff_t step, float *restrict out)
{
    float w[5][LANES];
    load_line(5, center, step, w);
    median_network_5(w);
    memcpy(out, w[2], sizeof w[2]);
}

INLINED void median_line_7(const float *center, ptrdiff_t step, float *restrict out)
{
    float w[7][LANES];
    load_line(7, center, step, w);
    median_network_7(w);
    memcpy(out, w[3], sizeof w[3]);
}

INLINED void median_line_9(const float *center, ptrdiff_t step, float *restrict out)
{
    float w[9][LANES];
    load_line(9, center, step, w);
    median_network_9(w);
    memcpy(out, w[4], sizeof w[4]);
}

WIDENED void median_line(int n, const float *center, ptrdiff_t step, float *restrict out)
{
    if (n == 5) {
        median_line_5(center, step, out);
    } else if (n == 7) {
        median_line_7(center, step, out);
    } else {
        median_line_9(center, step, out);
    }
}

#include "medians.h"

#include <string.h>

#include "median_networks.h"

INLINED void load_square(int width, const float *center, ptrdiff_t stride, float (*restrict w)[LANES])
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

/* Define the function that takes the median of `n` values, which `load` gathers over `extent` pixels. */
#define DEFINE_MEDIAN(linkage, name, n, load, extent)                                   \
    linkage void name(const float *center, ptrdiff_t step, float *restrict out)         \
    {                                                                                   \
        float w[n][LANES];                                                              \
        load(extent, center, step, w);                                                  \
        median_network_##n(w);                                                          \
        memcpy(out, w[n / 2], sizeof w[n / 2]);                                         \
    }

DEFINE_MEDIAN(WIDENED, median_3x3, 9, load_square, 3)
DEFINE_MEDIAN(WIDENED, median_5x5, 25, load_square, 5)
DEFINE_MEDIAN(WIDENED, median_7x7, 49, load_square, 7)
DEFINE_MEDIAN(INLINED, median_line_5, 5, load_line, 5)
DEFINE_MEDIAN(INLINED, median_line_7, 7, load_line, 7)
DEFINE_MEDIAN(INLINED, median_line_9, 9, load_line, 9)

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

/* Growth of events: the pixels beside them, and how far these stand out. */
#ifndef CCDCR_GROWTH_H
#define CCDCR_GROWTH_H

#include "frame.h"

/* A pixel beside an event, in standard deviations of its own noise. As in kernels/numpy_growth.py. */
typedef struct {
    double excess;    /* above the sky around it */
    double brightest; /* of the flagged pixels across an edge, or across a corner where there are none */
    double n_bright;  /* flagged pixels across an edge that are nearly as bright */
    double structure; /* variance around that noise does not explain, in variances of the noise */
} Beside;

/* The pixels next to the `n` pixels `seeds` (NULL: next to all that are
 * flagged) that are neither flagged nor bad, each once. The caller frees them;
 * NULL when there is no memory left. */
int64_t *growth_front(const Frame *frame, const int64_t *seeds, size_t n, size_t *n_front);

/* Measure `n` pixels. Above an excess of `least` the scatter of the light
 * around counts as noise, too. */
void measure_pixels(const Frame *frame, const int64_t *pixels, size_t n, double readnoise2, double least,
                    int n_threads, Beside *beside);

#endif

/* The typical level of a frame: what a repair uses where a pixel has no good
 * neighbour at all. */
#ifndef CCDCR_LEVELS_H
#define CCDCR_LEVELS_H

#include "frame.h"

typedef struct {
    float data;     /* electrons */
    float variance; /* electrons squared */
} Levels;

/* The lower medians of the frame's good pixels as they were before the first
 * repair, background subtracted. */
Levels levels_of(const Frame *frame, const Options *options);

#endif

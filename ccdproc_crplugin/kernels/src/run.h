/* A whole run of L.A.Cosmic over one frame. */
#ifndef CCDCR_RUN_H
#define CCDCR_RUN_H

#include "frame.h"

typedef struct {
    int n_iterations;
    size_t n_scores;
    Score *scores; /* the caller frees them */
} RunResult;

typedef struct {
    bool all_finite; /* data less background */
    float brightest; /* of the data, electrons; any value where not all are finite */
} Survey;

/* Fill `cleaned`, unless it is NULL, with the data less the background, and look them over. False
 * when there is no memory left. */
bool prepare_cleaned(Frame *frame, int n_threads, Survey *survey);

/* Find and repair the cosmic rays of a prepared frame. False when there is no
 * memory left. */
bool find_cosmic_rays(Frame *frame, const Options *options, RunResult *result);

#endif

/* What the parts of the combining share. */
#ifndef CCDCR_COMBINATION_H
#define CCDCR_COMBINATION_H

#include "stack.h"

/* Values of a pixel that are put in order at once. */
enum { CHUNK = 16 };

/* Two places that a sorting network compares. */
typedef struct {
    uint16_t i, j;
} Pair;

/* What a thread works with: WIDTH pixels side by side, of n_frames values each. */
typedef struct {
    void *values;      /* scaled, in the order of the frames; not finite where bad */
    void *clipped;     /* the same or unscaled: what the clipping judges */
    void *ordered;     /* the good ones of `clipped` in order, then infinities */
    double *n_rejected;
    int64_t *n_bad;
} Bench;

typedef struct {
    const Stack *stack;
    const CombineOptions *options;
    const Combined *combined;
    Pair *pairs;
    size_t n_pairs;
    Bench *benches;
    ptrdiff_t pixels_of_item;
} Combination;

/* Combine the pixels of an item. The bench holds floats if they hold the values exactly, which are not scaled
 * then; otherwise doubles. Both give the same bits: all that is rounded is reckoned in double precision. */
void combine_floats(void *combination, int thread, int item);
void combine_doubles(void *combination, int thread, int item);

#endif

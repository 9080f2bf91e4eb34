/* A stack of frames, pixel by pixel, and what becomes of it. */
#ifndef CCDCR_STACK_H
#define CCDCR_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a stack's numbers are stored; the order of the words in combine_module.c. */
typedef enum { STORED_FLOAT32, STORED_UINT16, STORED_INT16 } Storage;

/* The value of pixel i of frame k is
 *     stored + zero - offset[i] - factors[k] * slope[i]
 * and, where there are scales, that times scales[k]. */
typedef struct {
    int n_frames;
    ptrdiff_t n_pixels;      /* of each frame */
    const unsigned char *stored;
    Storage storage;
    bool swapped;            /* the bytes are not in the machine's order */
    double zero;
    const float *offset;     /* n_pixels, or NULL */
    const float *slope;      /* n_pixels, or NULL */
    const double *factors;   /* n_frames */
    const double *scales;    /* n_frames, or NULL */
} Stack;

typedef struct {
    bool median;             /* the median, not the average */
    int n_iterations;        /* of the clipping; 0: none */
    double sigma_low, sigma_high;
    bool clip_scaled;        /* clip the values after they are scaled */
    int n_threads;
} CombineOptions;

typedef struct {
    uint32_t *image, *uncertainty;   /* n_pixels, the bits of floats */
    bool swapped;                    /* these are wanted in the other byte order */
    uint16_t *n_used;                /* n_pixels: frames that went into the pixel */
    int64_t *n_rejected, *n_bad;     /* n_frames: pixels clipped, pixels not finite */
} Combined;

/* False when there is no memory left. */
bool combine_stack(const Stack *stack, const CombineOptions *options, const Combined *combined);

/* The median of the finite pixels of a frame of the stack, not scaled; not a number when there is none.
 * False when there is no memory left. */
bool median_of_frame(const Stack *stack, int frame, double *median);

#endif

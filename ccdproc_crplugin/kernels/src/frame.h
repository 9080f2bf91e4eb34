/* The frame and the options of a run, as Python hands them over. */
#ifndef CCDCR_FRAME_H
#define CCDCR_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A rectangle of pixels: y0 <= y < y1 and x0 <= x < x1. */
typedef struct {
    int y0, y1, x0, x1;
} Box;

/* Values of `Frame.flagged`. */
enum { NOT_FLAGGED = 0, FLAGGED = 1, NEWLY_FLAGGED = 2 };

typedef struct {
    int ny, nx;
    const float *data;       /* electrons, as observed */
    const float *background; /* electrons, or NULL */
    const float *variance;   /* electrons squared, or NULL: data + readnoise^2 */
    const float *extra;      /* electrons squared, added to the smoothed variance pixel by pixel; NULL: none */
    float *cleaned;          /* data - background, repaired as the run goes on */
    uint8_t *flagged;        /* cosmic rays found up to now */
    const uint8_t *bad;      /* neither searched nor used for a repair; NULL: none */
} Frame;

typedef enum { EDGES_SEARCH, EDGES_SKIP } Edges;

typedef enum { REPAIR_NONE, REPAIR_MEANMASK, REPAIR_MEDMASK, REPAIR_MEDIAN, REPAIR_IDW, REPAIR_IRAF } Repair;

/* A point-spread function to convolve with: n_rows x n_columns weights. */
typedef struct {
    int n_rows, n_columns;
    const float *weights; /* NULL: the fine structure comes from medians */
} PsfKernel;

typedef struct {
    float sigclip;       /* least S' of a candidate */
    float sigclip_low;   /* least S' of a neighbour: sigfrac * sigclip */
    float objlim;        /* least S'/F */
    float readnoise2;    /* square of the read noise, electrons squared */
    float scores_above;  /* least S' of the table of scores; infinite: no table */
    int niter;
    bool sepmed;         /* row medians of column medians, not true medians */
    Edges edges;
    Repair repair;       /* between the iterations */
    PsfKernel psf;
    int n_threads;
} Options;

/* A candidate of the first iteration. */
typedef struct {
    int32_t y, x;
    float s_prime, s_prime_over_f;
} Score;

static inline ptrdiff_t pixel_at(const Frame *frame, int y, int x)
{
    return (ptrdiff_t)y * frame->nx + x;
}

static inline bool is_bad(const Frame *frame, int y, int x)
{
    return frame->bad != NULL && frame->bad[pixel_at(frame, y, x)];
}

static inline int larger_of(int a, int b)
{
    return a > b ? a : b;
}

static inline int smaller_of(int a, int b)
{
    return a < b ? a : b;
}

static inline Box box_overlap(Box a, Box b)
{
    return (Box){larger_of(a.y0, b.y0), smaller_of(a.y1, b.y1),
                 larger_of(a.x0, b.x0), smaller_of(a.x1, b.x1)};
}

static inline bool box_is_empty(Box box)
{
    return box.y0 >= box.y1 || box.x0 >= box.x1;
}

static inline Box box_grown(Box box, int margin)
{
    return (Box){box.y0 - margin, box.y1 + margin, box.x0 - margin, box.x1 + margin};
}

#endif

#include "growth.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "median_networks.h"
#include "threads.h"

enum { RADIUS = 3, SIDE = 2 * RADIUS + 1, AREA = SIDE * SIDE, TOUCHING = 9, FEWEST_GOOD = 8, QUEUED = 2 };

static const double STD_OF_MAD = 1.4826;
static const double STRUCTURE = 1.5 * 1.5; /* weight of the variance that noise does not explain */
static const double NEARLY = 0.3;          /* share of the brightest neighbour's excess */

/* --- the pixels beside events -------------------------------------------- */

typedef struct {
    int64_t *pixels;
    size_t n, room;
} List;

static bool make_room(List *list)
{
    const size_t room = 2 * list->room + 1024;
    int64_t *larger = realloc(list->pixels, room * sizeof *larger);
    if (larger == NULL) {
        return false;
    }
    list->pixels = larger;
    list->room = room;
    return true;
}

/* Queue the free pixels around one. The list has room for them. */
static void add_neighbours(const Frame *frame, int64_t pixel, List *front)
{
    const int y = (int)(pixel / frame->nx), x = (int)(pixel % frame->nx);
    const Box box = box_overlap((Box){y - 1, y + 2, x - 1, x + 2}, (Box){0, frame->ny, 0, frame->nx});
    for (int j = box.y0; j < box.y1; j++) {
        for (int i = box.x0; i < box.x1; i++) {
            const ptrdiff_t at = pixel_at(frame, j, i);
            if (frame->flagged[at] == NOT_FLAGGED && !is_bad(frame, j, i)) {
                frame->flagged[at] = QUEUED;
                front->pixels[front->n++] = at;
            }
        }
    }
}

/* The first flagged pixel from `at` on, or `n`. */
static size_t next_flagged(const uint8_t *flagged, size_t at, size_t n)
{
    while (at < n && flagged[at] != FLAGGED) {
        uint64_t eight = 1;
        if (at + sizeof eight <= n) {
            memcpy(&eight, flagged + at, sizeof eight);
        }
        at += eight == 0 ? sizeof eight : 1;
    }
    return at;
}

int64_t *growth_front(const Frame *frame, const int64_t *seeds, size_t n, size_t *n_front)
{
    const size_t n_pixels = (size_t)frame->ny * (size_t)frame->nx;
    List front = {0};
    size_t seed = 0, at = seeds == NULL ? next_flagged(frame->flagged, 0, n_pixels) : 0;
    bool done = make_room(&front);
    while (done && (seeds == NULL ? at < n_pixels : seed < n)) {
        add_neighbours(frame, seeds == NULL ? (int64_t)at : seeds[seed++], &front);
        at = seeds == NULL ? next_flagged(frame->flagged, at + 1, n_pixels) : at;
        done = front.n + TOUCHING <= front.room || make_room(&front);
    }
    for (size_t k = 0; k < front.n; k++) {
        frame->flagged[front.pixels[k]] = NOT_FLAGGED;
    }
    if (!done) {
        free(front.pixels);
        return NULL;
    }
    *n_front = front.n;
    return front.pixels;
}

/* --- the light around LANES pixels --------------------------------------- */

/* Good values. In the place of others are higher and lower ones by turns, so
 * that the middle of all is that of the good ones, the higher one of two. */
typedef struct {
    float wide[AREA][LANES], touching[TOUCHING][LANES];
    int n_others[LANES], n_not_touching[LANES];
} Around;

static bool is_good(const Frame *frame, int y, int x)
{
    if (y < 0 || x < 0 || y >= frame->ny || x >= frame->nx || is_bad(frame, y, x)) {
        return false;
    }
    const ptrdiff_t at = pixel_at(frame, y, x);
    return !frame->flagged[at] && fabsf(frame->data[at]) <= FLT_MAX;
}

static bool any_true(const uint8_t *seven)
{
    uint64_t bytes = 0;
    memcpy(&bytes, seven, SIDE);
    return bytes != 0;
}

/* Whether the SIDE pixels from (y, x) on are good for sure. */
static bool is_good_row(const Frame *frame, int y, int x)
{
    if (y < 0 || x < 0 || y >= frame->ny || x > frame->nx - SIDE) {
        return false;
    }
    const ptrdiff_t at = pixel_at(frame, y, x);
    float sum = 0;
    for (int i = 0; i < SIDE; i++) {
        sum += fabsf(frame->data[at + i]);
    }
    return sum <= FLT_MAX && !any_true(frame->flagged + at) && (frame->bad == NULL || !any_true(frame->bad + at));
}

static float other_value(int n_others)
{
    return n_others % 2 == 0 ? INFINITY : -INFINITY;
}

static void look_around(const Frame *frame, int64_t pixel, int lane, Around *around)
{
    const int y = (int)(pixel / frame->nx), x = (int)(pixel % frame->nx);
    int n_others = 0, n_not_touching = 0;
    for (int j = 0; j < SIDE; j++) {
        float(*row)[LANES] = around->wide + j * SIDE;
        const bool touches = abs(j - RADIUS) <= 1, all_good = is_good_row(frame, y + j - RADIUS, x - RADIUS);
        for (int i = 0; i < SIDE; i++) {
            const bool good = all_good || is_good(frame, y + j - RADIUS, x + i - RADIUS);
            row[i][lane] = good ? frame->data[pixel_at(frame, y + j - RADIUS, x + i - RADIUS)] : other_value(n_others);
            n_others += !good;
        }
        if (j == RADIUS && isfinite(row[RADIUS][lane])) { /* the pixel itself */
            row[RADIUS][lane] = other_value(n_others++);
        }
        for (int i = RADIUS - 1; touches && i <= RADIUS + 1; i++) {
            const float value = row[i][lane];
            const bool good = isfinite(value);
            around->touching[(j - RADIUS + 1) * 3 + i - RADIUS + 1][lane] = good ? value : other_value(n_not_touching);
            n_not_touching += !good;
        }
    }
    around->n_others[lane] = n_others;
    around->n_not_touching[lane] = n_not_touching;
}

WIDENED static void take_median_of_49(float (*restrict w)[LANES])
{
    median_network_49(w);
}

WIDENED static void take_median_of_9(float (*restrict w)[LANES])
{
    median_network_9(w);
}

/* The medians of the light around, and the higher of these and those of the pixels that touch. */
static void find_skies(const Around *around, float *restrict wide, float *restrict sky)
{
    float w[AREA][LANES];
    memcpy(w, around->touching, sizeof around->touching);
    take_median_of_9(w);
    memcpy(sky, w[TOUCHING / 2], sizeof w[0]);
    memcpy(w, around->wide, sizeof w);
    take_median_of_49(w);
    memcpy(wide, w[AREA / 2], sizeof w[0]);
    for (int i = 0; i < LANES; i++) {
        sky[i] = around->n_not_touching[i] < TOUCHING && sky[i] > wide[i] ? sky[i] : wide[i];
    }
}

/* The medians of the absolute deviations from `centre`. */
static void find_deviations(const Around *around, const float *restrict centre, float *restrict deviations)
{
    float w[AREA][LANES];
    for (int k = 0; k < AREA; k++) {
        for (int i = 0; i < LANES; i++) {
            const float value = around->wide[k][i];
            w[k][i] = value == -INFINITY ? value : fabsf(value - centre[i]);
        }
    }
    take_median_of_49(w);
    memcpy(deviations, w[AREA / 2], sizeof w[0]);
}

/* --- pixels in standard deviations --------------------------------------- */

/* The excess of the flagged pixels around one, across its edges or its corners; their number. */
static int flagged_around(const Frame *frame, int64_t pixel, const int (*steps)[2], float sky, double excess[4])
{
    const int y = (int)(pixel / frame->nx), x = (int)(pixel % frame->nx);
    int n = 0;
    for (int k = 0; k < 4; k++) {
        const int j = y + steps[k][0], i = x + steps[k][1];
        if (j >= 0 && i >= 0 && j < frame->ny && i < frame->nx && frame->flagged[pixel_at(frame, j, i)]) {
            excess[n++] = (double)frame->data[pixel_at(frame, j, i)] - sky;
        }
    }
    return n;
}

static Beside in_deviations(const Frame *frame, int64_t pixel, float sky, double variance, double unexplained)
{
    static const int EDGES[4][2] = {{-1, 0}, {0, -1}, {0, 1}, {1, 0}};
    static const int CORNERS[4][2] = {{-1, -1}, {-1, 1}, {1, -1}, {1, 1}};
    const double noise = sqrt(variance + STRUCTURE * unexplained);
    double excess[4], brightest = 0;
    const int n_edges = flagged_around(frame, pixel, EDGES, sky, excess);
    const int n = n_edges > 0 ? n_edges : flagged_around(frame, pixel, CORNERS, sky, excess);
    for (int k = 0; k < n; k++) {
        brightest = excess[k] > brightest ? excess[k] : brightest;
    }
    int n_bright = 0;
    for (int k = 0; k < n_edges; k++) {
        n_bright += excess[k] >= NEARLY * brightest;
    }
    return (Beside){((double)frame->data[pixel] - sky) / noise, brightest / noise, n_bright,
                    unexplained > 0 ? unexplained / variance : 0.0};
}

typedef struct {
    const Frame *frame;
    const int64_t *pixels;
    size_t n;
    double readnoise2, least;
    Beside *beside;
} Measuring;

static void measure_lanes(void *run, int thread, int item)
{
    const Measuring *measuring = run;
    const Frame *frame = measuring->frame;
    const size_t first = (size_t)item * LANES;
    const int64_t *pixels = measuring->pixels + first;
    const int n = measuring->n - first < LANES ? (int)(measuring->n - first) : LANES;
    Around around;
    float wide[LANES], sky[LANES], deviations[LANES];
    double excess[LANES], variance[LANES];
    bool stands_out = false;
    (void)thread;
    for (int i = 0; i < LANES; i++) {
        look_around(frame, pixels[i < n ? i : 0], i, &around);
    }
    find_skies(&around, wide, sky);
    for (int i = 0; i < n; i++) {
        const double extra = frame->extra != NULL ? (double)frame->extra[pixels[i]] : 0.0;
        excess[i] = (double)frame->data[pixels[i]] - sky[i];
        variance[i] = (sky[i] > 0 ? (double)sky[i] : 0.0) + (measuring->readnoise2 + extra);
        stands_out = stands_out || excess[i] > measuring->least * sqrt(variance[i]);
    }
    if (stands_out) {
        find_deviations(&around, wide, deviations);
    }
    for (int i = 0; i < n; i++) {
        Beside *beside = &measuring->beside[first + (size_t)i];
        if (AREA - around.n_others[i] < FEWEST_GOOD || !(fabsf(frame->data[pixels[i]]) <= FLT_MAX)) {
            *beside = (Beside){0};
            continue;
        }
        double unexplained = 0;
        if (excess[i] > measuring->least * sqrt(variance[i])) {
            const double scatter = STD_OF_MAD * deviations[i];
            unexplained = scatter * scatter > variance[i] ? scatter * scatter - variance[i] : 0.0;
        }
        *beside = in_deviations(frame, pixels[i], sky[i], variance[i], unexplained);
    }
}

void measure_pixels(const Frame *frame, const int64_t *pixels, size_t n, double readnoise2, double least,
                    int n_threads, Beside *beside)
{
    Measuring measuring = {frame, pixels, n, readnoise2, least, beside};
    for_each_item(measure_lanes, &measuring, (int)((n + LANES - 1) / LANES), n_threads);
}

#include "run.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "candidates.h"
#include "levels.h"
#include "repair.h"
#include "shared.h"
#include "threads.h"
#include "tile.h"

static const Box NOTHING = {INT_MAX, INT_MIN, INT_MAX, INT_MIN};

typedef struct {
    Frame *frame;
    const Options *options;
    TileGrid grid;
    Tile *tiles; /* one for each thread */
    int n_tiles;
    int iteration;
    Levels levels;
    bool levels_known;
    SharedInt levels_wanted, something_changed, out_of_memory; /* 0 or 1 */
} Run;

/* --- the search ---------------------------------------------------------- */

static Box box_around_both(Box a, Box b)
{
    return (Box){smaller_of(a.y0, b.y0), larger_of(a.y1, b.y1),
                 smaller_of(a.x0, b.x0), larger_of(a.x1, b.x1)};
}

/* The pixels of a tile whose answer the latest repair can have changed. */
static Box region_to_search(const Run *run, int tile)
{
    const Box whole = tile_box(&run->grid, run->frame, tile);
    if (run->iteration == 0) {
        return whole;
    }
    const int margin = run->tiles[0].reach.margin;
    const Box touched = tiles_touched(run->frame, box_grown(whole, margin));
    Box region = NOTHING;
    for (int i = touched.y0; i < touched.y1; i++) {
        for (int j = touched.x0; j < touched.x1; j++) {
            const Box changed = run->grid.records[i * run->grid.n_columns + j].changed;
            if (!box_is_empty(changed)) {
                const Box here = box_overlap(whole, box_grown(changed, margin));
                region = box_is_empty(here) ? region : box_around_both(region, here);
            }
        }
    }
    return region;
}

static void search_tile(void *argument, int thread, int item)
{
    Run *run = argument;
    TileRecord *record = &run->grid.records[item];
    const Box region = region_to_search(run, item);
    const bool with_scores = run->iteration == 0 && !isinf(run->options->scores_above);
    record->n_found = 0;
    if (!box_is_empty(region) && !search_region(&run->tiles[thread], &run->grid, record, region, with_scores)) {
        shared_set(&run->out_of_memory, 1);
    }
}

/* --- the repair ---------------------------------------------------------- */

static void flag_found(void *argument, int thread, int item)
{
    Run *run = argument;
    TileRecord *record = &run->grid.records[item];
    (void)thread;
    for (size_t k = 0; k < record->n_found; k++) {
        const Pixel pixel = record->found[k];
        const ptrdiff_t i = pixel_at(run->frame, pixel.y, pixel.x);
        uint8_t *flagged = &run->frame->flagged[i];
        if (*flagged == NOT_FLAGGED) {
            *flagged = NEWLY_FLAGGED;
            if (!record_flagged(record, pixel, observed_variance(run->frame, run->options, i))) {
                shared_set(&run->out_of_memory, 1);
                return;
            }
        } else if (run->options->repair == REPAIR_MEDIAN) {
            *flagged = NEWLY_FLAGGED; /* its window may still hold the cosmic ray: once more */
        }
    }
}

static bool any_found_near(const Run *run, int tile)
{
    const Box touched = tiles_touched(run->frame, box_grown(tile_box(&run->grid, run->frame, tile), 2));
    for (int i = touched.y0; i < touched.y1; i++) {
        for (int j = touched.x0; j < touched.x1; j++) {
            if (run->grid.records[i * run->grid.n_columns + j].n_found > 0) {
                return true;
            }
        }
    }
    return false;
}

static void choose_repairs(void *argument, int thread, int item)
{
    Run *run = argument;
    TileRecord *record = &run->grid.records[item];
    const bool any_found = any_found_near(run, item);
    (void)thread;
    for (size_t k = 0; k < record->n_flagged; k++) {
        RepairedPixel *repaired = &record->repaired[k];
        repaired->due = any_found && repair_is_due(run->frame, run->options, record->flagged[k]);
        if (repaired->due && run->options->repair != REPAIR_MEDIAN
            && !has_good_neighbour(run->frame, record->flagged[k])) {
            shared_set(&run->levels_wanted, 1);
        }
    }
}

static Box box_of_repairs(const TileRecord *record)
{
    Box box = NOTHING;
    for (size_t k = 0; k < record->n_flagged; k++) {
        if (record->repaired[k].due) {
            const int y = record->flagged[k].y, x = record->flagged[k].x;
            box = box_around_both(box, (Box){y, y + 1, x, x + 1});
        }
    }
    return box;
}

static void repair_tile(void *argument, int thread, int item)
{
    Run *run = argument;
    TileRecord *record = &run->grid.records[item];
    if (run->options->repair == REPAIR_MEDIAN) {
        const Box box = box_of_repairs(record);
        if (box_is_empty(box)) {
            return;
        }
        tile_load(&run->tiles[thread], &run->grid, box);
    }
    for (size_t k = 0; k < record->n_flagged; k++) {
        if (record->repaired[k].due) {
            repair_pixel(&run->tiles[thread], record->flagged[k], &run->levels, &record->repaired[k]);
        }
    }
}

/* Repaired values are put in place only when all are known, so that no
 * thread's repair reads another's. */
static void put_repairs(void *argument, int thread, int item)
{
    Run *run = argument;
    TileRecord *record = &run->grid.records[item];
    (void)thread;
    record->changed = NOTHING;
    for (size_t k = 0; k < record->n_flagged; k++) {
        RepairedPixel *repaired = &record->repaired[k];
        const int y = record->flagged[k].y, x = record->flagged[k].x;
        float *cleaned = &run->frame->cleaned[pixel_at(run->frame, y, x)];
        run->frame->flagged[pixel_at(run->frame, y, x)] = FLAGGED;
        if (!repaired->due) {
            continue;
        }
        if (*cleaned != repaired->new_data || repaired->variance != repaired->new_variance) {
            record->changed = box_around_both(record->changed, (Box){y, y + 1, x, x + 1});
        }
        *cleaned = repaired->new_data;
        repaired->variance = repaired->new_variance;
        record->least_variance = fminf(record->least_variance, repaired->variance);
    }
    if (!box_is_empty(record->changed)) {
        shared_set(&run->something_changed, 1);
    }
}

static void find_levels(Run *run)
{
    if (shared_get(&run->levels_wanted) && !run->levels_known) {
        run->levels = levels_of(run->frame, run->options);
        run->levels_known = true;
    }
}

/* --- the iterations ------------------------------------------------------ */

static void for_each_tile(Run *run, Work work)
{
    for_each_item(work, run, run->n_tiles, run->options->n_threads);
}

/* One iteration. False when the next would find the same. */
static bool iterate(Run *run)
{
    shared_set(&run->something_changed, 0);
    for_each_tile(run, search_tile);
    for_each_tile(run, flag_found);
    if (shared_get(&run->out_of_memory)) {
        return false;
    }
    if (run->options->repair != REPAIR_NONE) {
        for_each_tile(run, choose_repairs);
        find_levels(run);
        for_each_tile(run, repair_tile);
    }
    for_each_tile(run, put_repairs);
    return shared_get(&run->something_changed);
}

static bool gather_scores(const Run *run, RunResult *result)
{
    for (int tile = 0; tile < run->n_tiles; tile++) {
        result->n_scores += run->grid.records[tile].n_scores;
    }
    if (result->n_scores == 0) {
        return true;
    }
    Score *next = result->scores = malloc(result->n_scores * sizeof *next);
    for (int tile = 0; next != NULL && tile < run->n_tiles; tile++) {
        const TileRecord *record = &run->grid.records[tile];
        if (record->n_scores > 0) {
            memcpy(next, record->scores, record->n_scores * sizeof *next);
            next += record->n_scores;
        }
    }
    return result->scores != NULL;
}

static bool run_open(Run *run)
{
    if (!tile_grid_open(&run->grid, run->frame)) {
        return false;
    }
    run->n_tiles = tile_count(&run->grid);
    run->tiles = calloc((size_t)run->options->n_threads, sizeof *run->tiles);
    for (int k = 0; run->tiles != NULL && k < run->options->n_threads; k++) {
        if (!tile_open(&run->tiles[k], run->frame, run->options)) {
            return false;
        }
    }
    return run->tiles != NULL;
}

static void run_close(Run *run)
{
    for (int k = 0; run->tiles != NULL && k < run->options->n_threads; k++) {
        tile_close(&run->tiles[k]);
    }
    free(run->tiles);
    tile_grid_close(&run->grid);
}

bool find_cosmic_rays(Frame *frame, const Options *options, RunResult *result)
{
    Run run = {.frame = frame, .options = options};
    *result = (RunResult){0};
    bool done = run_open(&run);
    for (bool again = true; done && again && result->n_iterations < options->niter; result->n_iterations++) {
        run.iteration = result->n_iterations;
        again = iterate(&run);
        done = !shared_get(&run.out_of_memory);
    }
    done = done && gather_scores(&run, result);
    run_close(&run);
    return done;
}

/* The same work on every tile, by several threads. */
#ifndef CCDCR_THREADS_H
#define CCDCR_THREADS_H

#include <stdbool.h>

/* Work on one item. `thread` is the number of the thread, from 0. */
typedef void (*Work)(void *run, int thread, int item);

/* Do the work for items 0 to n_items - 1. The calling thread takes part; a
 * thread that can't be started leaves its share to the others. */
void for_each_item(Work work, void *run, int n_items, int n_threads);

#endif

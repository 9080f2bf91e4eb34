#include "threads.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MAX_THREADS = 256, ITEMS_AT_ONCE = 8 };

typedef struct {
    Work work;
    void *run;
    int n_items;
    atomic_int next;
} Queue;

typedef struct {
    Queue *queue;
    int thread;
    pthread_t handle;
} Worker;

static void *take_items(void *argument)
{
    const Worker *worker = argument;
    Queue *queue = worker->queue;
    for (;;) {
        const int first = atomic_fetch_add(&queue->next, ITEMS_AT_ONCE);
        if (first >= queue->n_items) {
            return NULL;
        }
        for (int item = first; item < first + ITEMS_AT_ONCE && item < queue->n_items; item++) {
            queue->work(queue->run, worker->thread, item);
        }
    }
}

void for_each_item(Work work, void *run, int n_items, int n_threads)
{
    Queue queue = {.work = work, .run = run, .n_items = n_items};
    Worker workers[MAX_THREADS];
    atomic_init(&queue.next, 0);
    int wanted = n_items / ITEMS_AT_ONCE + 1;
    wanted = wanted < n_threads ? wanted : n_threads;
    wanted = wanted < MAX_THREADS ? wanted : MAX_THREADS;

    int n_started = 1;
    for (; n_started < wanted; n_started++) {
        workers[n_started] = (Worker){.queue = &queue, .thread = n_started};
        if (pthread_create(&workers[n_started].handle, NULL, take_items, &workers[n_started]) != 0) {
            break;
        }
    }
    workers[0] = (Worker){.queue = &queue, .thread = 0};
    take_items(&workers[0]);
    for (int k = 1; k < n_started; k++) {
        pthread_join(workers[k].handle, NULL);
    }
}

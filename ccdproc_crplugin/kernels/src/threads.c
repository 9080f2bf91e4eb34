#include "threads.h"

#include <stddef.h>

#include "shared.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <pthread.h>
#endif

enum { MAX_THREADS = 256, ITEMS_AT_ONCE = 8 };

typedef struct {
    Work work;
    void *run;
    int n_items;
    SharedInt next;
} Queue;

typedef struct {
    Queue *queue;
    int thread;
} Worker;

static void take_items(const Worker *worker)
{
    Queue *queue = worker->queue;
    for (;;) {
        const int first = shared_add(&queue->next, ITEMS_AT_ONCE);
        if (first >= queue->n_items) {
            return;
        }
        for (int item = first; item < first + ITEMS_AT_ONCE && item < queue->n_items; item++) {
            queue->work(queue->run, worker->thread, item);
        }
    }
}

#if defined(_WIN32)

typedef HANDLE Thread;

static DWORD WINAPI run_thread(LPVOID worker)
{
    take_items(worker);
    return 0;
}

static bool start_thread(Thread *thread, Worker *worker)
{
    *thread = CreateThread(NULL, 0, run_thread, worker, 0, NULL);
    return *thread != NULL;
}

static void wait_for_thread(Thread thread)
{
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

#else

typedef pthread_t Thread;

static void *run_thread(void *worker)
{
    take_items(worker);
    return NULL;
}

static bool start_thread(Thread *thread, Worker *worker)
{
    return pthread_create(thread, NULL, run_thread, worker) == 0;
}

static void wait_for_thread(Thread thread)
{
    pthread_join(thread, NULL);
}

#endif

void for_each_item(Work work, void *run, int n_items, int n_threads)
{
    Queue queue = {.work = work, .run = run, .n_items = n_items};
    Worker workers[MAX_THREADS];
    Thread threads[MAX_THREADS];
    shared_set(&queue.next, 0);
    int wanted = n_items / ITEMS_AT_ONCE + 1;
    wanted = wanted < n_threads ? wanted : n_threads;
    wanted = wanted < MAX_THREADS ? wanted : MAX_THREADS;

    int n_started = 1;
    for (; n_started < wanted; n_started++) {
        workers[n_started] = (Worker){.queue = &queue, .thread = n_started};
        if (!start_thread(&threads[n_started], &workers[n_started])) {
            break;
        }
    }
    workers[0] = (Worker){.queue = &queue, .thread = 0};
    take_items(&workers[0]);
    for (int k = 1; k < n_started; k++) {
        wait_for_thread(threads[k]);
    }
}

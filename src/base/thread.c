/* thread.c - see thread.h. */
#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/internal.h"

enum { WORKER_IDLE_SECONDS = 10, THREAD_NAME_MAX = 15 };

typedef struct ThreadStart {
    char name[THREAD_NAME_MAX + 1];
    void *(*fn)(void *);
    void *arg;
} ThreadStart;

static void *thread_main(void *arg)
{
    ThreadStart start = *(ThreadStart *)arg;
    free(arg);
    pthread_setname_np(pthread_self(), start.name);
    return start.fn(start.arg);
}

/* Threads take no signals, so that SIGTERM and SIGCHLD reach the main thread, which waits for them. Those
 * that a thread causes itself stay open. */
static int thread_create(pthread_t *thread, const pthread_attr_t *attributes, const char *name,
                         void *(*fn)(void *), void *arg)
{
    ThreadStart *start = mem_zalloc(sizeof *start);
    snprintf(start->name, sizeof start->name, "%s", name ? name : "");
    start->fn = fn;
    start->arg = arg;
    sigset_t blocked, before;
    sigfillset(&blocked);
    const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&blocked, own[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int result = pthread_create(thread, attributes, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0)
        free(start);
    return result;
}

int thread_start(pthread_t *ret_thread, const char *name, void *(*fn)(void *), void *arg, Error *err)
{
    pthread_t thread;
    int result = thread_create(&thread, NULL, name, fn, arg);
    if (result != 0)
        return err_set_errno(err, ERR_OVERLOADED, result, "thread %s cannot be started", name ? name : "");
    *ret_thread = thread;
    return 0;
}

typedef struct Task {
    void (*fn)(void *arg);
    void *arg;
} Task;

struct WorkerPool {
    pthread_mutex_t mutex;
    pthread_cond_t work;        /* a task came, or the pool ends */
    pthread_cond_t quiet;       /* the last task or thread ended */
    char name[THREAD_NAME_MAX + 1];
    Task *queue;                /* ring */
    size_t max_queued, head, n_queued;
    size_t n_threads, max_threads, n_idle, n_running;
    size_t n_draining;
    bool ending;
};

WorkerPool *worker_pool_new(const char *name, size_t max_threads, size_t max_queued)
{
    assert(max_threads > 0 && max_queued > 0 && max_queued < SIZE_MAX / sizeof(Task));
    WorkerPool *pool = mem_zalloc(sizeof *pool);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->work, &attributes);
    pthread_cond_init(&pool->quiet, &attributes);
    pthread_condattr_destroy(&attributes);
    snprintf(pool->name, sizeof pool->name, "%s", name ? name : "worker");
    pool->queue = mem_zalloc(max_queued * sizeof *pool->queue);
    pool->max_queued = max_queued;
    pool->max_threads = max_threads;
    return pool;
}

/* Waits for a task. false: the thread shall end. Holds the mutex. */
static bool worker_wait(WorkerPool *pool)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += WORKER_IDLE_SECONDS;
    while (pool->n_queued == 0) {
        if (pool->ending)
            return false;
        pool->n_idle++;
        int result = pthread_cond_timedwait(&pool->work, &pool->mutex, &deadline);
        pool->n_idle--;
        if (result == ETIMEDOUT && pool->n_queued == 0) {
            if (pool->n_threads > 1)
                return false;
            deadline.tv_sec += WORKER_IDLE_SECONDS;
        }
    }
    return true;
}

static void *worker_main(void *arg)
{
    WorkerPool *pool = arg;
    pthread_mutex_lock(&pool->mutex);
    while (worker_wait(pool)) {
        Task task = pool->queue[pool->head];
        pool->head = (pool->head + 1) % pool->max_queued;
        pool->n_queued--;
        pool->n_running++;
        pthread_mutex_unlock(&pool->mutex);
        task.fn(task.arg);
        pthread_mutex_lock(&pool->mutex);
        pool->n_running--;
        if (pool->n_queued == 0 && pool->n_running == 0)
            pthread_cond_broadcast(&pool->quiet);
    }
    pool->n_threads--;
    pthread_cond_broadcast(&pool->quiet);
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* Holds the mutex. */
static int worker_add(WorkerPool *pool)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    int result = thread_create(&thread, &attributes, pool->name, worker_main, pool);
    pthread_attr_destroy(&attributes);
    if (result == 0)
        pool->n_threads++;
    return result;
}

int worker_pool_submit(WorkerPool *pool, void (*fn)(void *arg), void *arg, Error *err)
{
    MUTEX_GUARD(&pool->mutex);
    assert(!pool->ending);
    if (pool->n_draining > 0)
        return err_set(err, ERR_OVERLOADED, "%s takes no new work: it is being drained", pool->name);
    if (pool->n_queued == pool->max_queued)
        return err_set(err, ERR_OVERLOADED, "%s has %zu tasks waiting, no more are taken", pool->name,
                       pool->n_queued);
    if (pool->n_queued + 1 > pool->n_idle && pool->n_threads < pool->max_threads) {
        int result = worker_add(pool);
        if (result != 0 && pool->n_threads == 0)    /* with threads that run, the task only waits longer */
            return err_set_errno(err, ERR_OVERLOADED, result, "%s has no thread", pool->name);
    }
    pool->queue[(pool->head + pool->n_queued) % pool->max_queued] = (Task){ fn, arg };
    pool->n_queued++;
    pthread_cond_signal(&pool->work);
    return 0;
}

void worker_pool_drain(WorkerPool *pool)
{
    MUTEX_GUARD(&pool->mutex);
    pool->n_draining++;
    while (pool->n_queued > 0 || pool->n_running > 0)
        pthread_cond_wait(&pool->quiet, &pool->mutex);
    pool->n_draining--;
}

void worker_pool_free(WorkerPool *pool)
{
    if (!pool)
        return;
    worker_pool_drain(pool);
    pthread_mutex_lock(&pool->mutex);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work);
    while (pool->n_threads > 0)
        pthread_cond_wait(&pool->quiet, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->quiet);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->queue);
    free(pool);
}

/* thread.h - threads, locks and the worker pool. pthread mutexes and conditions are used as they are; this
 * adds the cleanup forms, named threads and a bounded pool. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

static inline pthread_mutex_t *mutex_lock_(pthread_mutex_t *m) { pthread_mutex_lock(m); return m; }
static inline void mutex_unlockp_(pthread_mutex_t **m) { if (*m) pthread_mutex_unlock(*m); }
/* Holds the mutex to the end of the block. */
#define MUTEX_GUARD(m) MUTEX_GUARD_AT_(m, __LINE__)
#define MUTEX_GUARD_AT_(m, line) MUTEX_GUARD_AS_(m, line)
#define MUTEX_GUARD_AS_(m, line) \
    __attribute__((cleanup(mutex_unlockp_), unused)) pthread_mutex_t *mutex_guard_##line = mutex_lock_(m)

int thread_start(pthread_t *ret_thread, const char *name, void *(*fn)(void *), void *arg, Error *err);

typedef struct WorkerPool WorkerPool;
/* Threads start on demand up to max_threads and end after 10 idle seconds down to one. */
WorkerPool *worker_pool_new(const char *name, size_t max_threads, size_t max_queued);
/* 0, or -1 with ERR_OVERLOADED when max_queued tasks wait. */
int worker_pool_submit(WorkerPool *pool, void (*fn)(void *arg), void *arg, Error *err);
void worker_pool_drain(WorkerPool *pool);      /* waits until no task is left; no new ones meanwhile */
void worker_pool_free(WorkerPool *pool);       /* drains first */

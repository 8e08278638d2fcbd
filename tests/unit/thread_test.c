/* thread_test.c - threads and the worker pool. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/thread.h"

static void *thread_facts(void *arg)
{
    char *name = arg;
    pthread_getname_np(pthread_self(), name, 16);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    return (void *)(intptr_t)(sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGSEGV) == 0);
}

static void test_thread_start(void **state)
{
    pthread_t thread;
    char name[16] = "";
    void *result = NULL;
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(thread_start(&thread, "a-name-that-is-cut", thread_facts, name, NULL), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_string_equal(name, "a-name-that-is-");
    assert_non_null(result);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

static void add_one(void *arg)
{
    __atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
}

static void test_pool_runs_everything(void **state)
{
    WorkerPool *pool = worker_pool_new("test", 4, 100000);
    int count = 0;
    for (int i = 0; i < 20000; i++)
        assert_int_equal(worker_pool_submit(pool, add_one, &count, NULL), 0);
    worker_pool_drain(pool);
    assert_int_equal(count, 20000);
    assert_int_equal(worker_pool_submit(pool, add_one, &count, NULL), 0);   /* a drained pool goes on */
    worker_pool_free(pool);
    assert_int_equal(count, 20001);
    worker_pool_free(NULL);
}

typedef struct Gate {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int waiting;
    bool open;
} Gate;

static void wait_at_gate(void *arg)
{
    Gate *gate = arg;
    MUTEX_GUARD(&gate->mutex);
    gate->waiting++;
    pthread_cond_broadcast(&gate->cond);
    while (!gate->open)
        pthread_cond_wait(&gate->cond, &gate->mutex);
}

static void gate_wait_for(Gate *gate, int n)
{
    MUTEX_GUARD(&gate->mutex);
    while (gate->waiting < n)
        pthread_cond_wait(&gate->cond, &gate->mutex);
}

static void gate_open(Gate *gate)
{
    MUTEX_GUARD(&gate->mutex);
    gate->open = true;
    pthread_cond_broadcast(&gate->cond);
}

static void test_queue_is_bounded_and_threads_run_at_once(void **state)
{
    Gate gate = { .mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };
    WorkerPool *pool = worker_pool_new("test", 2, 3);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(worker_pool_submit(pool, wait_at_gate, &gate, NULL), 0);
        gate_wait_for(&gate, i);        /* both threads run, nothing is queued */
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(worker_pool_submit(pool, wait_at_gate, &gate, NULL), 0);
    Error err;
    assert_int_equal(worker_pool_submit(pool, wait_at_gate, &gate, &err), -1);
    assert_int_equal(err.code, ERR_OVERLOADED);
    gate_open(&gate);
    worker_pool_drain(pool);
    assert_int_equal(gate.waiting, 5);
    worker_pool_free(pool);
}

typedef struct Submitter {
    WorkerPool *pool;
    int *count;
    int refused;
} Submitter;

static void *submit_many(void *arg)
{
    Submitter *submitter = arg;
    for (int i = 0; i < 5000; i++)
        while (worker_pool_submit(submitter->pool, add_one, submitter->count, NULL) < 0)
            submitter->refused++;
    return NULL;
}

static void test_many_submitters(void **state)
{
    enum { N = 4 };
    WorkerPool *pool = worker_pool_new("test", 3, 16);
    int count = 0;
    pthread_t threads[N];
    Submitter submitters[N];
    for (int i = 0; i < N; i++) {
        submitters[i] = (Submitter){ .pool = pool, .count = &count };
        assert_int_equal(thread_start(&threads[i], "submit", submit_many, &submitters[i], NULL), 0);
    }
    for (int i = 0; i < N; i++)
        pthread_join(threads[i], NULL);
    worker_pool_free(pool);
    assert_int_equal(count, N * 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thread_start),
        cmocka_unit_test(test_pool_runs_everything),
        cmocka_unit_test(test_queue_is_bounded_and_threads_run_at_once),
        cmocka_unit_test(test_many_submitters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* parallel.c - a few calls that wait for storage, side by side. */
#include "base/thread.h"
#include "query/connector/catalogs_internal.h"

typedef struct Call {
    ParallelFn fn;
    void *item;
    Error err;
    int result;
    bool started;
    pthread_t thread;
} Call;

static void *run_call(void *arg)
{
    Call *call = arg;
    call->result = call->fn(call->item, &call->err);
    return NULL;
}

enum { PARALLEL_MAX = 8 };

int run_parallel(ParallelFn fn, void *const *items, size_t n, Error *err)
{
    Call calls[PARALLEL_MAX] = {0};
    int r = 0;
    for (size_t from = 0; !r && from < n; from += PARALLEL_MAX) {
        size_t m = n - from < PARALLEL_MAX ? n - from : PARALLEL_MAX;
        for (size_t i = 0; i < m; i++) {
            calls[i] = (Call){.fn = fn, .item = items[from + i]};
            calls[i].started =
                i > 0 && thread_start(&calls[i].thread, "store", run_call, &calls[i], NULL) == 0;
        }
        for (size_t i = 0; i < m; i++)
            if (!calls[i].started)
                run_call(&calls[i]);
        for (size_t i = 0; i < m; i++)
            if (calls[i].started)
                pthread_join(calls[i].thread, NULL);
        for (size_t i = 0; !r && i < m; i++)
            if (calls[i].result) {
                if (err)
                    *err = calls[i].err;
                r = -1;
            }
    }
    return r;
}

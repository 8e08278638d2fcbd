#include "query/engine/duckdb_api.h"

#include <dlfcn.h>
#include <pthread.h>

static DuckdbApi api_; /* written once under the lock, before `duck` is set */
const DuckdbApi *duck;

static const char *const api_names[] = {
#define F(name) "duckdb_" #name,
#include "query/engine/duckdb_functions.def"
#undef F
};

int duckdb_api_load(const char *library_path, Error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int r = 0;
    pthread_mutex_lock(&lock);
    if (!duck) {
        void *library = dlopen(library_path, RTLD_NOW | RTLD_LOCAL);
        if (!library)
            r = err_set(err, ERR_CONFIG, "cannot load DuckDB from %s: %s", library_path, dlerror());
        void **slots = (void **)&api_;
        for (size_t i = 0; r == 0 && i < sizeof api_names / sizeof *api_names; i++)
            if (!(slots[i] = dlsym(library, api_names[i])))
                r = err_set(err, ERR_CONFIG, "%s has no function %s: it must be DuckDB 1.5", library_path,
                            api_names[i]);
        if (r == 0)
            duck = &api_;
        else if (library)
            dlclose(library);
    }
    pthread_mutex_unlock(&lock);
    return r;
}

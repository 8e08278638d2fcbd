#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/thread.h"
#include "query/connector/catalogs_internal.h"

struct InFlight {
    pthread_mutex_t lock;
    Map *uris;
};

InFlight *in_flight_new(void)
{
    InFlight *f = calloc(1, sizeof *f);
    if (!f)
        abort();
    pthread_mutex_init(&f->lock, NULL);
    f->uris = map_new();
    return f;
}

void in_flight_free(InFlight *f)
{
    if (!f)
        return;
    map_free(f->uris);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

void in_flight_add(InFlight *f, const Str *uris, size_t n)
{
    MUTEX_GUARD(&f->lock);
    for (size_t i = 0; i < n; i++)
        map_put(f->uris, uris[i], f);
}

void in_flight_remove(InFlight *f, const Str *uris, size_t n)
{
    MUTEX_GUARD(&f->lock);
    for (size_t i = 0; i < n; i++)
        map_remove(f->uris, uris[i]);
}

bool in_flight_has(InFlight *f, Str uri)
{
    MUTEX_GUARD(&f->lock);
    return map_get(f->uris, uri) != NULL;
}

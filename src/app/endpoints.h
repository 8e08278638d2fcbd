/* endpoints.h - where the roles are reached, for tools: the file of `up --endpoints` and
 * DATA/run/endpoints.json. */
#pragma once

#include <sys/types.h>

#include "app/roles.h"
#include "base/arena.h"

typedef struct EndpointList {
    struct { const char *role; Str url; pid_t pid; int64_t n_restarts; } items[ROLE_MAX];
    size_t n;
    pid_t pid;                     /* the supervisor */
    Str data_dir;
} EndpointList;

/* For roles and `status`: URLs, pids, restarts; no keys. */
int endpoints_write_run_file(const EndpointList *list, const Config *config, Arena *arena, Error *err);
/* For tests and tools: the bases that clients of each contract take, with the storage keys; mode 0600. */
int endpoints_write_client_file(const EndpointList *list, const Config *config, const char *path,
                                Arena *arena, Error *err);

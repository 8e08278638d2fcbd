/* instance.h - a running platform as seen from its data folder: lock, pid, endpoints. */
#pragma once

#include <sys/types.h>

#include "base/arena.h"

typedef struct Instance {
    Str data_dir, run_dir;
    int lock_fd;                    /* held by the supervisor and its roles; -1 otherwise */
} Instance;

/* Makes the folders (0700) and takes the lock; waits for roles that a killed supervisor left and that still
 * end. ERR_CONFIG when the folder cannot be used or another supervisor has it. */
int instance_claim(Str data_dir, Arena *arena, Instance *ret, Error *err);
/* The pid of the supervisor that holds the folder; 0 when none runs. */
int instance_find(Str data_dir, Arena *arena, pid_t *ret_pid, Error *err);
int instance_write_pid(const Instance *instance, Error *err);
Str instance_endpoints_path(Str data_dir, Arena *arena);     /* DATA/run/endpoints.json: URLs, no keys */

/* supervisor.h - `lakehouse up`: one child process a role, sockets that outlive them, restarts, drain.
 *
 * The supervisor opens every listening socket before it starts anything and keeps them open, so that clients
 * of a role that is restarted see a pause and no refusal. A child that ends unasked is started again: at once
 * when it had lived for RESTART_STEADY_MS, else after a back-off that doubles from RESTART_FIRST_MS to
 * RESTART_LAST_MS. SIGTERM and SIGINT drain all roles, query first, storage last. One supervisor a data
 * folder (a lock). */
#pragma once

#include "app/options.h"

enum {
    RESTART_FIRST_MS = 50,
    RESTART_LAST_MS = 5000,
    RESTART_STEADY_MS = 10000,
    READY_TIMEOUT_MS = 60000,       /* start-up: all roles must be ready by then */
    DRAIN_TIMEOUT_MS = 40000,       /* then SIGKILL; a second SIGINT (Ctrl-C again) does not wait */
    LOG_CHECK_MS = 10000,
};

int supervisor_run(const Parsed *parsed);     /* the exit code of `lakehouse up` */

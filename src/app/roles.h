/* roles.h - the roles of this program, and starting one in its own process. */
#pragma once

#include <sys/types.h>

#include "app/options.h"
#include "base/config.h"
#include "net/service.h"

typedef struct Role {
    const char *name;
    const char *contract;                 /* for people: "S3" */
    int default_oom_score;                /* query dies first */
    int (*main)(const RoleContext *context, Error *err);
} Role;

enum { ROLE_MAX = 8 };
extern const Role roles[];
extern const size_t n_roles;

const Role *role_find(Str name);          /* NULL when unknown */
int role_port(const Config *config, const Role *role);
/* ERR_CONFIG unless `host` is a loopback address or TLS and authentication are configured. */
int role_check_listen(Str host, Error *err);

/* File descriptors a child gets, by number. */
enum { CHILD_FD_TCP = 3, CHILD_FD_UNIX = 4, CHILD_FD_CAPABILITY = 5, CHILD_FD_READY = 6, CHILD_FD_LOCK = 7 };

/* `lakehouse serve ROLE`: runs a role in this process until it has drained. */
int serve_run(const Parsed *parsed);

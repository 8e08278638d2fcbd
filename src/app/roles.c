#include "app/roles.h"

#include <stdio.h>

#include "base/buf.h"

const Role roles[] = {
    { "storage", "S3", 100, storage_main },
    { "catalog", "Iceberg REST", 100, catalog_main },
    { "query", "Trino", 800, query_main },
};
const size_t n_roles = sizeof roles / sizeof *roles;

const Role *role_find(Str name)
{
    for (size_t i = 0; i < n_roles; i++)
        if (str_is(name, roles[i].name))
            return &roles[i];
    return NULL;
}

int role_port(const Config *config, const Role *role)
{
    char key[64];
    snprintf(key, sizeof key, "%s.port", role->name);
    return (int)config_int(config, key);
}

int role_check_listen(Str host, Error *err)
{
    if (str_is(host, "localhost") || str_is(host, "::1") || str_has_prefix(host, STR("127.")))
        return 0;
    return err_set(err, ERR_CONFIG,
                   "listen address %.*s is not loopback: it needs TLS and authentication, which "
                   "this version does not have yet; listen on 127.0.0.1 and put a TLS proxy in front",
                   STR_ARG(host));
}

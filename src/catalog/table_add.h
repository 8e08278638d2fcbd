/* table_add.h - putting a table or a view into the catalog, for create and register. */
#pragma once

#include "catalog/catalog.h"

typedef struct TableAdd {
    Str namespace_path, name;
    RegKind kind;
    Str uuid, location; /* of the metadata */
    Str metadata_location;
    int64_t version;
    bool overwrite;      /* register: an existing table's pointer is set */
    RegEntry old;        /* out: what was overwritten; id 0: nothing */
    bool location_taken; /* out, with ERR_VALIDATION: another table has the location */
    Catalog *catalog;
    Arena *arena; /* of the job's own */
} TableAdd;

/* A RegistryJob; arg is a TableAdd. ERR_ALREADY_EXISTS, ERR_NO_SUCH_NAMESPACE. */
int cat_table_add_job(RegConn *conn, void *arg, Error *err);
/* `taken` is what has the name, `wanted` what was to get it: "Table already exists: ns.t", "View with same
 * name already exists: ns.t". */
int cat_fail_name_taken(RegKind taken, RegKind wanted, Str namespace_path, Str name, Arena *arena,
                        Error *err);
/* "Table does not exist: ns.t" */
int cat_fail_no_table(Str namespace_path, Str name, Arena *arena, Error *err);
int cat_fail_no_view(Str namespace_path, Str name, Arena *arena, Error *err);

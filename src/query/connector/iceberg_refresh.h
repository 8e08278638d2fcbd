/* iceberg_refresh.h - REFRESH MATERIALIZED VIEW, and the names under which it is noted what rows are made
 * of. */
#pragma once

#include "query/connector/iceberg_table.h"

/* Properties of the view. */
#define MATERIALIZED_SCHEMA "lakehouse.materialized-view.storage-schema"
#define MATERIALIZED_TABLE "lakehouse.materialized-view.storage-table"
#define MATERIALIZED_GRACE_MS "lakehouse.materialized-view.grace-period-ms" /* absent: unlimited */
#define MATERIALIZED_WHEN_STALE "lakehouse.materialized-view.when-stale"    /* INLINE, FAIL */
#define MATERIALIZED_TYPES "lakehouse.materialized-view.column-types"       /* Trino's, a line each */

/* Of the snapshot that a refresh makes: "schema.table=snapshot,…", when it began, and that there were sources
 * whose changes cannot be seen. */
#define REFRESH_SOURCES "dependsOnTables"
#define REFRESH_STARTED_MS "lakehouse.refresh-started-ms"
#define REFRESH_OTHER_SOURCES "lakehouse.depends-on-other-sources"

/* One of REFRESH_SOURCES; snapshot -1: the table had none. */
bool refresh_split_dependency(Str item, Arena *arena, Str *ret_schema, Str *ret_table,
                              int64_t *ret_snapshot_id);

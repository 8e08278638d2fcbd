/* system_fill.h - what fills the tables of system_tables.def. */
#pragma once

#include "query/connector/metadata_walk.h"

typedef int (*SystemFill)(Walk *walk, Error *err);
int jdbc_catalogs(Walk *w, Error *err);
int jdbc_columns(Walk *w, Error *err);
int jdbc_schemas(Walk *w, Error *err);
int jdbc_table_types(Walk *w, Error *err);
int jdbc_tables(Walk *w, Error *err);
int jdbc_types(Walk *w, Error *err);
int metadata_functions(Walk *w, Error *err);
int metadata_analyze_properties(Walk *w, Error *err);
int metadata_catalogs(Walk *w, Error *err);
int metadata_materialized_view_properties(Walk *w, Error *err);
int metadata_materialized_views(Walk *w, Error *err);
int metadata_schema_properties(Walk *w, Error *err);
int metadata_table_comments(Walk *w, Error *err);
int metadata_table_properties(Walk *w, Error *err);
int runtime_nodes(Walk *w, Error *err);
int runtime_queries(Walk *w, Error *err);

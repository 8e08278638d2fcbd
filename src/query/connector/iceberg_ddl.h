/* iceberg_ddl.h - statements that change a catalog. */
#pragma once

#include "query/connector/iceberg_write.h"
#include "query/connector/table_properties.h"

/* The name of a statement, resolved, in a catalog that may be changed. */
typedef struct DdlName {
    Str catalog, schema, table, namespace_;
} DdlName;
int ddl_name(StatementContext *context, const QualifiedName *name, size_t n_parts, const char *what,
             DdlName *ret, Error *err);
int ddl_fail(Error *err, ErrCode code, const Statement *statement, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* What a new table is made of. Columns: top level, ids from 1. */
typedef struct NewTableParts {
    const IceSchema *schema;
    const IcePartitionSpec *spec; /* NULL: none */
    const IceSortOrder *order;
    int version;
    int32_t last_column_id; /* of a replacement */
    Str location;
    IceProperty *properties;
    size_t n_properties;
} NewTableParts;
typedef struct NewColumn {
    Str name, comment;
    const SqlType *type;
    bool not_null;
} NewColumn;
/* `base`: the table that it replaces, of which ids are used again; NULL: none. */
int ddl_new_table(StatementContext *context, Str catalog, const TableMetadata *base, const NewColumn *columns,
                  size_t n, const Property *properties, size_t n_properties, Str comment, NewTableParts *ret,
                  Error *err);
/* iceberg_alter.c */
void ddl_keep_known_fields(const TableMetadata *m, IcePartitionSpec *spec);
/* iceberg_replace.c: ids of columns that `base` has by the same names, new ones for the others. */
void ddl_reuse_ids(const TableMetadata *base, IceSchema *schema, Arena *arena, int32_t *ret_last_column_id);
/* Fills what is about the table in `ret`, and tells what its new files are written for. */
int ddl_replacement(StatementContext *context, const DdlName *name, const TableMetadata *base,
                    const NewTableParts *parts, CommitTarget *ret, const TableMetadata **ret_staged,
                    Error *err);

/* *ret NULL: there is none. */
int ddl_find_table(StatementContext *context, const DdlName *name, const TableMetadata **ret, Error *err);

/* What a staged table is, as the updates (JSON objects) of the commit that creates it. */
void ddl_creation_updates(const TableMetadata *staged, Arena *arena, const Str **ret, size_t *ret_n);

/* A table that is not there yet, with its first snapshot. */
int ddl_create_new(StatementContext *context, const DdlName *name, const NewTableParts *parts, Error *err);

/* A view of the statement's query, without properties. */
int ddl_view_of(StatementContext *context, const Statement *s, const Analysis *analysis, const DdlName *name,
                CatalogNewView *ret, Error *err);
int ddl_create_view(StatementContext *context, const Statement *s, const Analysis *analysis, Error *err);
int ddl_drop_view(StatementContext *context, const Statement *s, const Analysis *analysis, Error *err);
int ddl_rename_view(StatementContext *context, const Statement *s, const Analysis *analysis, Error *err);
/* column ptr NULL: of the view itself. */
int ddl_comment_view(StatementContext *context, const Statement *s, const TableHandle *handle, Str column,
                     Error *err);

/* iceberg_branches.c */
int ddl_create_branch(StatementContext *context, const Statement *s, Error *err);
int ddl_drop_branch(StatementContext *context, const Statement *s, Error *err);
int ddl_fast_forward_branch(StatementContext *context, const Statement *s, Error *err);

int ddl_create_schema(StatementContext *context, const Statement *s, Error *err);
int ddl_drop_schema(StatementContext *context, const Statement *s, Error *err);
int ddl_create_table(StatementContext *context, const Statement *s, Error *err);
int ddl_drop_table(StatementContext *context, const Statement *s, Error *err);
int ddl_rename_table(StatementContext *context, const Statement *s, Error *err);
int ddl_comment(StatementContext *context, const Statement *s, Error *err);
int ddl_add_column(StatementContext *context, const Statement *s, Error *err);
int ddl_drop_column(StatementContext *context, const Statement *s, Error *err);
int ddl_rename_column(StatementContext *context, const Statement *s, Error *err);
int ddl_set_column_type(StatementContext *context, const Statement *s, Error *err);
int ddl_set_properties(StatementContext *context, const Statement *s, Error *err);

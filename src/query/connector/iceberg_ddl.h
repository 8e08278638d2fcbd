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
    Str location;
    IceProperty *properties;
    size_t n_properties;
} NewTableParts;
typedef struct NewColumn {
    Str name, comment;
    const SqlType *type;
    bool not_null;
} NewColumn;
int ddl_new_table(StatementContext *context, Str catalog, const NewColumn *columns, size_t n,
                  const Property *properties, size_t n_properties, Str comment, NewTableParts *ret,
                  Error *err);

/* What a staged table is, as the updates (JSON objects) of the commit that creates it. */
void ddl_creation_updates(const TableMetadata *staged, Arena *arena, const Str **ret, size_t *ret_n);

int ddl_create_view(StatementContext *context, const Statement *s, const Analysis *analysis, Error *err);
int ddl_drop_view(StatementContext *context, const Statement *s, const Analysis *analysis, Error *err);
int ddl_rename_view(StatementContext *context, const Statement *s, const Analysis *analysis, Error *err);
/* column ptr NULL: of the view itself. */
int ddl_comment_view(StatementContext *context, const Statement *s, const TableHandle *handle, Str column,
                     Error *err);

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

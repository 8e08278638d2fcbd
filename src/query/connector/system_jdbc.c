/* system_jdbc.c - what java.sql.DatabaseMetaData asks for. Numbers are those of java.sql.Types. */
#include "query/connector/system_fill.h"

typedef struct JdbcType {
    TypeKind kind;
    const char *name;
    int code;
    int size, radix;
    int searchable;
} JdbcType;
enum { UNKNOWN_SIZE = -1, JAVA_OBJECT = 2000 };
static const JdbcType types[] = {
    {TYPE_BOOLEAN, "boolean", 16, UNKNOWN_SIZE, 0, 3},
    {TYPE_TINYINT, "tinyint", -6, 3, 10, 3},
    {TYPE_SMALLINT, "smallint", 5, 5, 10, 3},
    {TYPE_INTEGER, "integer", 4, 10, 10, 3},
    {TYPE_BIGINT, "bigint", -5, 19, 10, 3},
    {TYPE_REAL, "real", 7, 24, 2, 3},
    {TYPE_DOUBLE, "double", 8, 53, 2, 3},
    {TYPE_VARBINARY, "varbinary", -3, 2147483647, 0, 3},
    {TYPE_DATE, "date", 91, 14, 0, 3},
    {TYPE_JSON, "json", JAVA_OBJECT, UNKNOWN_SIZE, 0, 3},
    {TYPE_UUID, "uuid", JAVA_OBJECT, UNKNOWN_SIZE, 0, 3},
    {TYPE_IPADDRESS, "ipaddress", JAVA_OBJECT, UNKNOWN_SIZE, 0, 3},
    {TYPE_UNKNOWN, "unknown", JAVA_OBJECT, UNKNOWN_SIZE, 0, 3},
    {TYPE_VARIANT, "variant", JAVA_OBJECT, UNKNOWN_SIZE, 0, 3},
    {TYPE_NUMBER, "number", JAVA_OBJECT, UNKNOWN_SIZE, 0, 3},
    {TYPE_INTERVAL_YEAR_MONTH, "interval year to month", JAVA_OBJECT, UNKNOWN_SIZE, 0, 3},
    {TYPE_INTERVAL_DAY_TIME, "interval day to second", JAVA_OBJECT, UNKNOWN_SIZE, 0, 3},
    {TYPE_HYPERLOGLOG, "HyperLogLog", JAVA_OBJECT, UNKNOWN_SIZE, 0, 0},
    {TYPE_TDIGEST, "tdigest", JAVA_OBJECT, UNKNOWN_SIZE, 0, 0},
    {TYPE_P4HYPERLOGLOG, "P4HyperLogLog", JAVA_OBJECT, UNKNOWN_SIZE, 0, 0},
    {TYPE_QDIGEST, "qdigest", JAVA_OBJECT, UNKNOWN_SIZE, 0, 0},
    {TYPE_VARCHAR, "varchar", 12, 0, 0, 0},
    {TYPE_CHAR, "char", 1, 0, 0, 0},
    {TYPE_DECIMAL, "decimal", 3, 0, 10, 0},
    {TYPE_TIME, "time", 92, 0, 0, 0},
    {TYPE_TIME_TZ, "time with time zone", 2013, 0, 0, 0},
    {TYPE_TIMESTAMP, "timestamp", 93, 0, 0, 0},
    {TYPE_TIMESTAMP_TZ, "timestamp with time zone", 2014, 0, 0, 0},
    {TYPE_ARRAY, "array", 2003, UNKNOWN_SIZE, 0, 0},
    {TYPE_MAP, "map", JAVA_OBJECT, UNKNOWN_SIZE, 0, 0},
    {TYPE_ROW, "row", JAVA_OBJECT, UNKNOWN_SIZE, 0, 0},
};
enum { N_TYPES = sizeof types / sizeof *types };

static const JdbcType *jdbc_type(TypeKind kind)
{
    for (size_t i = 0; i < N_TYPES; i++)
        if (types[i].kind == kind)
            return &types[i];
    return &types[N_TYPES - 1];
}

static int with_fraction(int width, int precision)
{
    return width + (precision > 0 ? precision + 1 : 0);
}

static int column_size(const SqlType *type)
{
    switch (type->kind) {
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return type->length;
    case TYPE_DECIMAL:
        return type->precision;
    case TYPE_TIME:
        return with_fraction(8, type->precision);
    case TYPE_TIME_TZ:
        return with_fraction(14, type->precision);
    case TYPE_TIMESTAMP:
        return with_fraction(21, type->precision);
    case TYPE_TIMESTAMP_TZ:
        return with_fraction(55, type->precision);
    default:
        return jdbc_type(type->kind)->size;
    }
}

int jdbc_catalogs(Walk *w, Error *err)
{
    const Str *names;
    size_t n;
    if (catalogs_names(w->context->catalogs, w->context->arena, &names, &n, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        rows_add(w->rows);
        row_text(w->rows, 0, names[i]);
    }
    return 0;
}

static int add_schema(Walk *w, Str catalog, Str schema, Error *err)
{
    (void)err;
    rows_add(w->rows);
    row_text(w->rows, 0, schema);
    row_text(w->rows, 1, catalog);
    return 0;
}

int jdbc_schemas(Walk *w, Error *err)
{
    w->columns = (NameColumns){1, 0, -1};
    w->on_schema = add_schema;
    return metadata_walk(w, err);
}

int jdbc_table_types(Walk *w, Error *err)
{
    static const char *const names[] = {"TABLE", "VIEW"};
    (void)err;
    for (size_t i = 0; i < 2; i++) {
        rows_add(w->rows);
        row_text(w->rows, 0, str_from(names[i]));
    }
    return 0;
}

static int add_table(Walk *w, Str catalog, Str schema, Str table, const TableHandle *handle, Error *err)
{
    (void)handle;
    rows_add(w->rows);
    row_text(w->rows, 0, catalog);
    row_text(w->rows, 1, schema);
    row_text(w->rows, 2, table);
    row_text(w->rows, 3, STR("TABLE"));
    return arena_check(w->context->arena, err);
}

int jdbc_tables(Walk *w, Error *err)
{
    w->columns = (NameColumns){0, 1, 2};
    w->on_table = add_table;
    return metadata_walk(w, err);
}

static void add_column(Walk *w, const TableColumn *c, int64_t position)
{
    const SqlType *type = c->type;
    const JdbcType *jdbc = jdbc_type(type->kind);
    bool is_text = type->kind == TYPE_VARCHAR || type->kind == TYPE_CHAR || type->kind == TYPE_VARBINARY;
    bool has_digits =
        type->kind == TYPE_DECIMAL || (type->kind >= TYPE_TIME && type->kind <= TYPE_TIMESTAMP_TZ);
    row_text(w->rows, 3, c->name);
    row_int(w->rows, 4, jdbc->code);
    row_text(w->rows, 5, sql_type_name(type, w->context->arena));
    if (column_size(type) != UNKNOWN_SIZE)
        row_int(w->rows, 6, column_size(type));
    row_int(w->rows, 7, 0);
    if (has_digits)
        row_int(w->rows, 8, type->kind == TYPE_DECIMAL ? type->scale : type->precision);
    if (jdbc->radix)
        row_int(w->rows, 9, jdbc->radix);
    row_int(w->rows, 10, c->not_null ? 0 : 1);
    row_text(w->rows, 11, c->comment);
    if (is_text)
        row_int(w->rows, 15, column_size(type));
    row_int(w->rows, 16, position);
    row_text(w->rows, 17, c->not_null ? STR("NO") : STR("YES"));
}

static int add_columns(Walk *w, Str catalog, Str schema, Str table, const TableHandle *handle, Error *err)
{
    int64_t position = 0;
    for (size_t i = 0; i < handle->n_columns; i++) {
        if (handle->columns[i].hidden)
            continue;
        rows_add(w->rows);
        row_text(w->rows, 0, catalog);
        row_text(w->rows, 1, schema);
        row_text(w->rows, 2, table);
        add_column(w, &handle->columns[i], ++position);
    }
    return arena_check(w->context->arena, err);
}

int jdbc_columns(Walk *w, Error *err)
{
    w->columns = (NameColumns){0, 1, 2};
    w->on_table = add_columns;
    w->with_tables = true;
    return metadata_walk(w, err);
}

/* Types with parameters have no size of their own here, and Trino calls them objects. */
int jdbc_types(Walk *w, Error *err)
{
    (void)err;
    for (size_t i = 0; i < N_TYPES; i++) {
        const JdbcType *t = &types[i];
        rows_add(w->rows);
        row_text(w->rows, 0, str_from(t->name));
        row_int(w->rows, 1, t->size == 0 ? JAVA_OBJECT : t->code);
        if (t->size > 0)
            row_int(w->rows, 2, t->size);
        row_int(w->rows, 6, 1);
        row_bool(w->rows, 7, false);
        row_int(w->rows, 8, t->searchable);
        row_bool(w->rows, 10, false);
        row_int(w->rows, 13, 0);
        row_int(w->rows, 14, 0);
        if (t->radix && t->size)
            row_int(w->rows, 17, t->radix);
    }
    return 0;
}

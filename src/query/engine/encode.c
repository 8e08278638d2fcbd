/* Chunks to JSON: each column is looked at once, then rows are written through one function pointer a value.
 */
#include <stdlib.h>

#include "query/engine/encode_column.h"
#include "query/engine/engine_internal.h"

static const SqlType type_zone = {.kind = TYPE_SMALLINT},
                     type_instant = {.kind = TYPE_TIMESTAMP, .precision = 6},
                     type_picos = {.kind = TYPE_TIME, .precision = 12};

static int column_init(Column *c, duckdb_vector vector, const SqlType *type, int depth, Error *err);

static void column_free(Column *c)
{
    for (size_t i = 0; i < c->n_children; i++)
        column_free(&c->children[i]);
    free(c->children);
}

static int add_children(Column *c, size_t n, Error *err)
{
    c->children = calloc(n ? n : 1, sizeof *c->children);
    if (!c->children)
        return err_set(err, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT, "no memory for the columns of a result");
    c->n_children = n;
    return 0;
}

static int struct_children(Column *c, duckdb_vector vector, const SqlType *const *types, size_t n, int depth,
                           Error *err)
{
    duckdb_logical_type logical = duck->vector_get_column_type(vector);
    size_t held = duck->struct_type_child_count(logical);
    duck->destroy_logical_type(&logical);
    if (held != n || n > COLUMN_CHILDREN_MAX)
        return err_set(err, ERR_INTERNAL, "a result's row has %zu fields, %zu were expected", held, n);
    if (add_children(c, n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (column_init(&c->children[i], duck->struct_vector_get_child(vector, i), types[i], depth + 1, err) <
            0)
            return -1;
    return 0;
}

static int row_children(Column *c, duckdb_vector vector, const SqlType *type, int depth, Error *err)
{
    const SqlType *types[COLUMN_CHILDREN_MAX];
    if (type->n_fields > COLUMN_CHILDREN_MAX)
        return err_set(err, ERR_NOT_SUPPORTED, "a row of more than %d fields", COLUMN_CHILDREN_MAX);
    for (size_t i = 0; i < type->n_fields; i++)
        types[i] = type->fields[i].type;
    return struct_children(c, vector, types, type->n_fields, depth, err);
}

static int list_children(Column *c, duckdb_vector vector, const SqlType *type, int depth, Error *err)
{
    duckdb_vector child = duck->list_vector_get_child(vector);
    if (add_children(c, type->n_fields, err) < 0)
        return -1;
    if (type->kind == TYPE_ARRAY)
        return column_init(&c->children[0], child, type->fields[0].type, depth + 1, err);
    for (size_t i = 0; i < 2; i++)
        if (column_init(&c->children[i], duck->struct_vector_get_child(child, i), type->fields[i].type,
                        depth + 1, err) < 0)
            return -1;
    return 0;
}

static int children_init(Column *c, duckdb_vector vector, int depth, Error *err)
{
    const SqlType *type = c->type;
    if (type->kind == TYPE_ARRAY || type->kind == TYPE_MAP)
        return list_children(c, vector, type, depth, err);
    if (type->kind == TYPE_ROW)
        return row_children(c, vector, type, depth, err);
    if (type->kind == TYPE_TIME_TZ)
        return struct_children(c, vector, (const SqlType *[]){&type_picos, &type_zone}, 2, depth, err);
    if (type->kind == TYPE_TIMESTAMP_TZ && c->duckdb_type == DUCKDB_TYPE_STRUCT)
        return struct_children(c, vector, (const SqlType *[]){&type_instant, &type_zone}, 2, depth, err);
    return 0;
}

static int decimal_init(Column *c, duckdb_logical_type logical, Error *err)
{
    int width = duck->decimal_width(logical);
    c->scale = duck->decimal_scale(logical);
    c->width_bytes = width <= 4 ? 2 : width <= 9 ? 4 : width <= 18 ? 8 : 16;
    if (c->scale != c->type->scale)
        return err_set(err, ERR_INTERNAL, "a result's decimal has scale %d, %d was expected", c->scale,
                       c->type->scale);
    return 0;
}

static int column_init(Column *c, duckdb_vector vector, const SqlType *type, int depth, Error *err)
{
    if (depth > COLUMN_DEPTH_MAX)
        return err_set(err, ERR_NOT_SUPPORTED, "types nested deeper than %d", COLUMN_DEPTH_MAX);
    duckdb_logical_type logical = duck->vector_get_column_type(vector);
    c->type = type;
    c->duckdb_type = duck->get_type_id(logical);
    c->data = duck->vector_get_data(vector);
    c->validity = duck->vector_get_validity(vector);
    c->write = column_writer(type->kind, c->duckdb_type);
    int r = 0;
    if (!c->write)
        r = err_set(err, ERR_INTERNAL, "a result's column of type kind %d is held as DuckDB type %d",
                    type->kind, c->duckdb_type);
    else if (c->duckdb_type == DUCKDB_TYPE_DECIMAL)
        r = decimal_init(c, logical, err);
    duck->destroy_logical_type(&logical);
    return r < 0 ? -1 : children_init(c, vector, depth, err);
}

static int write_rows(const Column *columns, size_t n, size_t from, size_t to, Buf *out)
{
    for (size_t row = from; row < to; row++) {
        if (row > from)
            buf_putc(out, ',');
        for (size_t i = 0; i < n; i++) {
            buf_putc(out, i == 0 ? '[' : ',');
            if (column_put(&columns[i], row, out) < 0)
                return -1;
        }
        buf_putc(out, ']');
    }
    return out->overflow ? -1 : 0;
}

/* Where an expression folds to NULL, DuckDB may forget its type; its values need none. */
static bool null_init(Column *c, duckdb_vector vector, const SqlType *type, size_t n_rows)
{
    duckdb_logical_type logical = duck->vector_get_column_type(vector);
    bool is_typed = column_writer(type->kind, duck->get_type_id(logical)) != NULL;
    duck->destroy_logical_type(&logical);
    if (is_typed)
        return false;
    *c = (Column){.type = type, .validity = duck->vector_get_validity(vector)};
    for (size_t row = 0; row < n_rows; row++)
        if (duckdb_is_valid(c->validity, row))
            return false;
    return true;
}

int engine_chunk_to_json(const EngineChunk *chunk, const SqlType *const *types, size_t n_types, size_t from,
                         size_t to, Buf *out, Error *err)
{
    size_t held = duck->data_chunk_get_column_count(chunk->duckdb);
    if (held != n_types)
        return err_set(err, ERR_INTERNAL, "a result has %zu columns, %zu were expected", held, n_types);
    Column *columns = calloc(n_types ? n_types : 1, sizeof *columns);
    if (!columns)
        return err_set(err, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT, "no memory for the columns of a result");
    int r = 0;
    for (size_t i = 0; r == 0 && i < n_types; i++) {
        duckdb_vector vector = duck->data_chunk_get_vector(chunk->duckdb, i);
        if (!null_init(&columns[i], vector, types[i], chunk->n_rows))
            r = column_init(&columns[i], vector, types[i], 0, err);
    }
    if (r == 0 && write_rows(columns, n_types, from, to > chunk->n_rows ? chunk->n_rows : to, out) < 0)
        r = err_set(err, ERR_LIMIT, "rows of a result are longer than the %zu bytes of a page", out->max);
    for (size_t i = 0; i < n_types; i++)
        column_free(&columns[i]);
    free(columns);
    return r;
}

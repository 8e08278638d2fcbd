/* iceberg_alter.c - ALTER TABLE and COMMENT: one commit of updates each, tried again when another writer was
 * first. */
#include <stdio.h>

#include "query/analyzer/types_internal.h"
#include "query/connector/iceberg_ddl.h"
#include "query/connector/iceberg_types.h"
#include "query/connector/iceberg_views.h"

enum { ALTER_TRIES = 5, UPDATES_BYTES_MAX = 64 << 20 };

typedef struct Alter {
    StatementContext *context;
    const Statement *statement;
    DdlName name;
    Arena *arena;
    const TableMetadata *table; /* of this try */
    IceField *top;              /* the current schema's columns, to be changed */
    size_t n_top;
    IceField *fields; /* those of them, or of the row inside them, that the statement changes */
    size_t n_fields;
    IceType *parent; /* whose fields they are; NULL: top level */
    int32_t last_column_id;
    bool nothing; /* IF (NOT) EXISTS found that nothing is to be done */
    Error *err;
} Alter;

/* Changes a->fields, or sets `nothing`. */
typedef int (*ChangeFn)(Alter *a);

static int load(Alter *a)
{
    LoadedTable loaded;
    Error e;
    Catalogs *c = a->context->catalogs;
    if (table_cache_load(c->tables, c->catalog, a->name.namespace_, a->name.table, a->arena, &loaded, &e)) {
        if (e.code == ERR_NO_SUCH_TABLE || e.code == ERR_NO_SUCH_NAMESPACE) {
            a->nothing = a->statement->if_exists;
            return a->nothing
                       ? 0
                       : ddl_fail(a->err, ERR_TABLE_NOT_FOUND, a->statement, "Table '%.*s' does not exist",
                                  STR_ARG(table_name_text(a->arena, a->name.catalog, a->name.schema,
                                                          a->name.table)));
        }
        if (a->err)
            *a->err = e;
        return -1;
    }
    a->table = loaded.metadata;
    return 0;
}

static int begin(Alter *a, StatementContext *context, const Statement *s, const QualifiedName *name,
                 const char *what, Error *err)
{
    *a = (Alter){.context = context, .statement = s, .arena = context->arena, .err = err};
    return ddl_name(context, name, 3, what, &a->name, err);
}

static void put_requirements(const TableMetadata *m, Buf *out)
{
    JsonWriter w = JSON_WRITER(out);
    json_array(&w);
    json_object(&w);
    json_kv_cstr(&w, "type", "assert-table-uuid");
    json_kv_str(&w, "uuid", m->table_uuid);
    json_end_object(&w);
    json_object(&w);
    json_kv_cstr(&w, "type", "assert-current-schema-id");
    json_kv_int(&w, "current-schema-id", m->current_schema_id);
    json_end_object(&w);
    json_object(&w);
    json_kv_cstr(&w, "type", "assert-last-assigned-field-id");
    json_kv_int(&w, "last-assigned-field-id", m->last_column_id);
    json_end_object(&w);
    json_end_array(&w);
}

static void put_schema_updates(const Alter *a, Buf *out)
{
    IceSchema schema = *metadata_current_schema(a->table);
    schema.fields = a->top;
    schema.n_fields = a->n_top;
    for (size_t i = 0; i < a->table->n_schemas; i++)
        if (a->table->schemas[i]->schema_id >= schema.schema_id)
            schema.schema_id = a->table->schemas[i]->schema_id + 1;
    JsonWriter w = JSON_WRITER(out);
    json_array(&w);
    json_object(&w);
    json_kv_cstr(&w, "action", "add-schema");
    json_key(&w, "schema");
    ice_schema_write(&w, &schema);
    json_kv_int(&w, "last-column-id", a->last_column_id);
    json_end_object(&w);
    json_object(&w);
    json_kv_cstr(&w, "action", "set-current-schema");
    json_kv_int(&w, "schema-id", -1);
    json_end_object(&w);
    json_end_array(&w);
}

/* ---- columns ---- */

/* The index of a top-level column; n_fields when there is none. */
static size_t find_field(const Alter *a, Str name)
{
    size_t i = 0;
    while (i < a->n_fields && !str_eq_nocase(a->fields[i].name, name))
        i++;
    return i;
}

/* The name that a statement changes: the last part of its path. */
static Str last_part(const Alter *a)
{
    const QualifiedName *path = &a->statement->column;
    return arena_lower(a->arena, path->parts[path->n - 1].text);
}

/* Goes down to the fields that the path's last part is one of; types on the way are copied. Elements of
 * arrays are "element", of maps "key" and "value", as Iceberg names them. */
static int descend(Alter *a)
{
    const QualifiedName *path = &a->statement->column;
    for (size_t p = 0; p + 1 < path->n; p++) {
        size_t i = find_field(a, path->parts[p].text);
        if (i == a->n_fields || ice_type_is_primitive(a->fields[i].type))
            return ddl_fail(a->err, ERR_COLUMN_NOT_FOUND, a->statement, "Column '%.*s' does not exist",
                            STR_ARG(arena_lower(a->arena, path->parts[p].text)));
        IceType *type = arena_new_of(a->arena, IceType);
        *type = *a->fields[i].type;
        IceField *fields = arena_array(a->arena, IceField, type->n_fields + 1);
        memcpy(fields, type->fields, type->n_fields * sizeof *fields);
        type->fields = fields;
        a->fields[i].type = type;
        a->parent = type;
        a->fields = fields;
        a->n_fields = type->n_fields;
    }
    return 0;
}

static void ascend(Alter *a)
{
    if (a->parent) {
        a->parent->fields = a->fields;
        a->parent->n_fields = a->n_fields;
    } else {
        a->top = a->fields;
        a->n_top = a->n_fields;
    }
}

static int need_row(const Alter *a)
{
    if (!a->parent || a->parent->id == ICE_STRUCT)
        return 0;
    return ddl_fail(a->err, ERR_NOT_SUPPORTED, a->statement, "The parent of a field must be a row");
}

static int change_schema_once(Alter *a, ChangeFn change)
{
    if (load(a) || a->nothing)
        return a->nothing ? 0 : -1;
    const IceSchema *schema = metadata_current_schema(a->table);
    a->n_fields = schema->n_fields;
    a->last_column_id = a->table->last_column_id;
    a->fields = arena_array(a->arena, IceField, schema->n_fields + 1);
    memcpy(a->fields, schema->fields, schema->n_fields * sizeof *a->fields);
    a->top = a->fields;
    a->n_top = a->n_fields;
    a->parent = NULL;
    if (descend(a) || change(a) || a->nothing)
        return a->nothing ? 0 : -1;
    ascend(a);
    Buf requirements = BUF_INIT(1 << 16), updates = BUF_INIT(UPDATES_BYTES_MAX);
    put_requirements(a->table, &requirements);
    put_schema_updates(a, &updates);
    int r = buf_check(&updates, a->err) ||
                    iceberg_commit_updates(a->context, a->name.namespace_, a->name.table,
                                           buf_str(&requirements), buf_str(&updates), a->err)
                ? -1
                : 0;
    buf_free(&requirements);
    buf_free(&updates);
    return r;
}

static int change_schema(Alter *a, ChangeFn change)
{
    Error e = {0}, *caller = a->err;
    a->err = &e;
    for (int i = 0; i < ALTER_TRIES; i++) {
        if (!change_schema_once(a, change)) {
            a->err = caller;
            return 0;
        }
        if (e.code != ERR_COMMIT_FAILED)
            break;
    }
    a->err = caller;
    if (caller)
        *caller = e;
    return -1;
}

static int no_column(Alter *a, Str name, bool if_exists)
{
    a->nothing = if_exists;
    return if_exists ? 0
                     : ddl_fail(a->err, ERR_COLUMN_NOT_FOUND, a->statement, "Column '%.*s' does not exist",
                                STR_ARG(name));
}

static int add_column(Alter *a)
{
    const Statement *s = a->statement;
    const ColumnDef *def = &s->column_defs[0];
    const SqlType *type = def->resolved;
    Str name = arena_lower(a->arena, def->name.text);
    if (need_row(a) || (!type && sql_type_resolve(def->type, a->arena, &type, a->err)))
        return -1;
    if (find_field(a, name) < a->n_fields) {
        a->nothing = s->if_not_exists;
        return a->nothing ? 0
                          : ddl_fail(a->err, ERR_COLUMN_ALREADY_EXISTS, s, "Column '%.*s' already exists",
                                     STR_ARG(name));
    }
    if (def->not_null && metadata_current_snapshot(a->table))
        return err_set(a->err, ERR_NOT_SUPPORTED, "This connector does not support adding not null columns");
    if (def->default_value)
        return err_set(a->err, ERR_NOT_SUPPORTED,
                       "Default column values are not supported for Iceberg table format version < 3");
    int32_t next_id = a->last_column_id + 1;
    IceField field = {.id = next_id++, .name = name, .required = def->not_null, .doc = def->comment};
    if (sql_to_ice_type(type, a->table->format_version, &next_id, a->arena, &field.type, a->err))
        return -1;
    a->last_column_id = next_id - 1;
    size_t at = s->column_first ? 0 : a->n_fields;
    if (s->column_after.text.ptr) {
        at = find_field(a, s->column_after.text);
        if (at == a->n_fields)
            return no_column(a, arena_lower(a->arena, s->column_after.text), false);
        at++;
    }
    memmove(&a->fields[at + 1], &a->fields[at], (a->n_fields - at) * sizeof *a->fields);
    a->fields[at] = field;
    a->n_fields++;
    return 0;
}

int ddl_add_column(StatementContext *context, const Statement *s, Error *err)
{
    Alter a;
    return begin(&a, context, s, &s->name, "adding columns", err) || change_schema(&a, add_column) ? -1 : 0;
}

static bool is_partition_source(const Alter *a, int32_t id)
{
    const IcePartitionSpec *spec = metadata_default_spec(a->table);
    for (size_t i = 0; i < spec->n_fields; i++)
        if (spec->fields[i].source_id == id)
            return true;
    return false;
}

static int drop_column(Alter *a)
{
    Str name = last_part(a);
    if (need_row(a))
        return -1;
    size_t i = find_field(a, name);
    if (i == a->n_fields)
        return no_column(a, name, a->statement->column_if_exists);
    if (a->n_fields == 1)
        return ddl_fail(a->err, ERR_NOT_SUPPORTED, a->statement, "Cannot drop the only column in a table");
    if (is_partition_source(a, a->fields[i].id))
        return err_set(a->err, ERR_NOT_SUPPORTED, "Cannot drop partition field: %.*s", STR_ARG(name));
    memmove(&a->fields[i], &a->fields[i + 1], (a->n_fields - i - 1) * sizeof *a->fields);
    a->n_fields--;
    return 0;
}

int ddl_drop_column(StatementContext *context, const Statement *s, Error *err)
{
    Alter a;
    return begin(&a, context, s, &s->name, "dropping columns", err) || change_schema(&a, drop_column) ? -1
                                                                                                      : 0;
}

static int rename_column(Alter *a)
{
    const Statement *s = a->statement;
    Str from = last_part(a), to = arena_lower(a->arena, s->target.parts[s->target.n - 1].text);
    if (need_row(a))
        return -1;
    size_t i = find_field(a, from);
    if (i == a->n_fields)
        return no_column(a, from, s->column_if_exists);
    if (find_field(a, to) < a->n_fields)
        return ddl_fail(a->err, ERR_COLUMN_ALREADY_EXISTS, s, "Column '%.*s' already exists", STR_ARG(to));
    a->fields[i].name = to;
    return 0;
}

int ddl_rename_column(StatementContext *context, const Statement *s, Error *err)
{
    Alter a;
    return begin(&a, context, s, &s->name, "renaming columns", err) || change_schema(&a, rename_column) ? -1
                                                                                                        : 0;
}

static int set_type(Alter *a)
{
    const SqlType *type;
    const IceType *wanted;
    Str name = last_part(a);
    int32_t next_id = a->last_column_id + 1;
    if (sql_type_resolve(a->statement->column_type, a->arena, &type, a->err) ||
        sql_to_ice_type(type, a->table->format_version, &next_id, a->arena, &wanted, a->err))
        return -1;
    size_t i = find_field(a, name);
    if (i == a->n_fields)
        return no_column(a, name, false);
    if (!ice_type_is_primitive(wanted) ||
        (!ice_type_equal(a->fields[i].type, wanted) &&
         !ice_type_can_promote(a->fields[i].type, wanted, a->table->format_version)))
        return err_set(a->err, ERR_NOT_SUPPORTED,
                       "Failed to set column type: Cannot change column type: %.*s: %.*s -> %.*s",
                       STR_ARG(name), STR_ARG(ice_type_name(a->fields[i].type, a->arena)),
                       STR_ARG(ice_type_name(wanted, a->arena)));
    a->fields[i].type = wanted;
    return 0;
}

int ddl_set_column_type(StatementContext *context, const Statement *s, Error *err)
{
    Alter a;
    return begin(&a, context, s, &s->name, "setting column types", err) || change_schema(&a, set_type) ? -1
                                                                                                       : 0;
}

static int comment_column(Alter *a)
{
    const QualifiedName *name = &a->statement->name;
    Str column = arena_lower(a->arena, name->parts[name->n - 1].text);
    size_t i = find_field(a, column);
    if (i == a->n_fields)
        return no_column(a, column, false);
    a->fields[i].doc = a->statement->comment;
    return 0;
}

/* ---- properties ---- */

static int set_property(Alter *a, Str key, Str value)
{
    Buf out = BUF_INIT(1 << 20), requirements = BUF_INIT(1 << 12);
    JsonWriter w = JSON_WRITER(&out), q = JSON_WRITER(&requirements);
    json_array(&w);
    json_object(&w);
    json_kv_cstr(&w, "action", value.ptr ? "set-properties" : "remove-properties");
    json_key(&w, value.ptr ? "updates" : "removals");
    if (value.ptr) {
        json_object(&w);
        json_key_str(&w, key);
        json_str(&w, value);
        json_end_object(&w);
    } else {
        json_array(&w);
        json_str(&w, key);
        json_end_array(&w);
    }
    json_end_object(&w);
    json_end_array(&w);
    json_array(&q);
    json_object(&q);
    json_kv_cstr(&q, "type", "assert-table-uuid");
    json_kv_str(&q, "uuid", a->table->table_uuid);
    json_end_object(&q);
    json_end_array(&q);
    int r = buf_check(&out, a->err) || iceberg_commit_updates(a->context, a->name.namespace_, a->name.table,
                                                              buf_str(&requirements), buf_str(&out), a->err)
                ? -1
                : 0;
    buf_free(&out);
    buf_free(&requirements);
    return r;
}

int ddl_comment(StatementContext *context, const Statement *s, Error *err)
{
    Alter a;
    QualifiedName name = s->name;
    if (s->is_column_comment)
        name.n--;
    if (!name.n)
        return ddl_fail(err, ERR_MISSING_COLUMN_NAME, s, "Table must be specified");
    if (s->is_view_comment || s->is_column_comment) {
        Str parts[3];
        const TableHandle *handle;
        if (catalogs_resolve_name(context, &name, 3, parts, err) ||
            catalogs_get_table(context, parts[0], parts[1], parts[2], NULL, context->arena, &handle, err))
            return -1;
        if (handle && handle->ops == &iceberg_view_ops)
            return ddl_comment_view(context, s, handle,
                                    s->is_column_comment ? s->name.parts[s->name.n - 1].text : STR_NULL, err);
        if (s->is_view_comment)
            return ddl_fail(err, ERR_TABLE_NOT_FOUND, s, "View '%.*s' does not exist",
                            STR_ARG(table_name_text(context->arena, parts[0], parts[1], parts[2])));
    }
    if (begin(&a, context, s, &name, "setting table comments", err))
        return -1;
    if (s->is_column_comment)
        return change_schema(&a, comment_column);
    return load(&a) || set_property(&a, STR("comment"), s->comment) ? -1 : 0;
}

/* ---- SET PROPERTIES ---- */

static bool same_field(const IcePartitionField *a, const IcePartitionField *b)
{
    return a->source_id == b->source_id && a->transform.kind == b->transform.kind &&
           a->transform.param == b->transform.param;
}

/* A field that any spec of the table ever had keeps its id and name: old files can then be pruned by it too.
 */
void ddl_keep_known_fields(const TableMetadata *m, IcePartitionSpec *spec)
{
    IcePartitionField *fields = (IcePartitionField *)spec->fields;
    int32_t next_id = m->last_partition_id >= 999 ? m->last_partition_id + 1 : 1000;
    for (size_t i = 0; i < spec->n_fields; i++) {
        const IcePartitionField *known = NULL;
        for (size_t s = 0; s < m->n_specs && !known; s++)
            for (size_t f = 0; f < m->specs[s]->n_fields && !known; f++)
                if (same_field(&m->specs[s]->fields[f], &fields[i]))
                    known = &m->specs[s]->fields[f];
        fields[i].field_id = known ? known->field_id : next_id++;
        if (known)
            fields[i].name = known->name;
    }
    for (size_t s = 0; s < m->n_specs; s++)
        if (m->specs[s]->spec_id >= spec->spec_id)
            spec->spec_id = m->specs[s]->spec_id + 1;
}

static void put_action(JsonWriter *w, const char *action, const char *key, int64_t value)
{
    json_object(w);
    json_kv_cstr(w, "action", action);
    json_kv_int(w, key, value);
    json_end_object(w);
}

static int put_partitioning(Alter *a, const TableProperties *p, JsonWriter *w)
{
    IcePartitionSpec spec;
    if (partitioning_parse(metadata_current_schema(a->table), p->partitioning, p->n_partitioning, 1000,
                           a->arena, &spec, a->err))
        return -1;
    ddl_keep_known_fields(a->table, &spec);
    json_object(w);
    json_kv_cstr(w, "action", "add-spec");
    json_key(w, "spec");
    ice_spec_write(w, &spec);
    json_end_object(w);
    put_action(w, "set-default-spec", "spec-id", -1);
    return 0;
}

static int put_sorted_by(Alter *a, const TableProperties *p, JsonWriter *w)
{
    IceSortOrder order;
    if (sorted_by_parse(metadata_current_schema(a->table), p->sorted_by, p->n_sorted_by, a->arena, &order,
                        a->err))
        return -1;
    for (size_t i = 0; order.n_fields && i < a->table->n_sort_orders; i++)
        if (a->table->sort_orders[i]->order_id >= order.order_id)
            order.order_id = a->table->sort_orders[i]->order_id + 1;
    json_object(w);
    json_kv_cstr(w, "action", "add-sort-order");
    json_key(w, "sort-order");
    ice_sort_order_write(w, &order);
    json_end_object(w);
    put_action(w, "set-default-sort-order", "sort-order-id", -1);
    return 0;
}

static int put_property_updates(Alter *a, const TableProperties *p, JsonWriter *w)
{
    if (p->format_version && p->format_version < a->table->format_version)
        return err_set(a->err, ERR_ICEBERG_COMMIT_ERROR, "Failed to set new property values");
    json_array(w);
    if (p->format_version > a->table->format_version)
        put_action(w, "upgrade-format-version", "format-version", p->format_version);
    if ((p->has_partitioning && put_partitioning(a, p, w)) || (p->has_sorted_by && put_sorted_by(a, p, w)))
        return -1;
    if (p->iceberg.n) {
        json_object(w);
        json_kv_cstr(w, "action", "set-properties");
        json_key(w, "updates");
        json_object(w);
        for (size_t i = 0; i < p->iceberg.n; i++) {
            json_key_str(w, p->iceberg.items[i].key);
            json_str(w, p->iceberg.items[i].value);
        }
        json_end_object(w);
        json_end_object(w);
    }
    json_end_array(w);
    return 0;
}

int ddl_set_properties(StatementContext *context, const Statement *s, Error *err)
{
    Alter a;
    TableProperties p;
    if (begin(&a, context, s, &s->name, "setting table properties", err) ||
        table_properties_read(a.name.catalog, s->properties, s->n_properties, a.arena, &p, err) || load(&a))
        return -1;
    if (p.location.ptr)
        return err_set(err, ERR_NOT_SUPPORTED, "The following properties cannot be updated: location");
    Buf updates = BUF_INIT(UPDATES_BYTES_MAX), requirements = BUF_INIT(1 << 16);
    JsonWriter w = JSON_WRITER(&updates);
    put_requirements(a.table, &requirements);
    int r = put_property_updates(&a, &p, &w) || buf_check(&updates, err) ||
                    iceberg_commit_updates(context, a.name.namespace_, a.name.table, buf_str(&requirements),
                                           buf_str(&updates), err)
                ? -1
                : 0;
    buf_free(&updates);
    buf_free(&requirements);
    return r;
}

/* iceberg_materialized.c - what a materialized view is, how fresh it is, and what is read for it. */
#include "query/connector/iceberg_materialized.h"

#include "query/analyzer/types_internal.h"
#include "query/connector/iceberg_refresh.h"
#include "query/sql/parser.h"
#include "query/sql/print.h"

bool view_is_materialized(const TableHandle *handle)
{
    return handle && handle->ops == &iceberg_view_ops &&
           view_property(handle->data, MATERIALIZED_TABLE, STR_NULL).ptr;
}

bool materialized_is_storage_name(Str table)
{
    return str_find(table, STR(MATERIALIZED_STORAGE_MARK)) > 0;
}

int materialized_storage(StatementContext *context, const TableHandle *view, const TableHandle **ret,
                         Error *err)
{
    Str schema = view_property(view->data, MATERIALIZED_SCHEMA, view->schema),
        table = view_property(view->data, MATERIALIZED_TABLE, STR(""));
    if (catalogs_get_table(context, view->catalog, schema, table, NULL, context->arena, ret, err))
        return -1;
    if (*ret && (*ret)->ops != &iceberg_ops)
        *ret = NULL;
    return 0;
}

/* ---- freshness ---- */

static Str summary_value(const IceSnapshot *snapshot, const char *key)
{
    for (size_t i = 0; snapshot && i < snapshot->n_summary; i++)
        if (str_is(snapshot->summary[i].key, key))
            return snapshot->summary[i].value;
    return STR_NULL;
}

/* When what follows snapshot `then` in the table's main branch was committed; 0: it is the newest; -1: it is
 * not there any more. */
static int64_t changed_ms(const TableMetadata *m, const IceSnapshot *now, int64_t then)
{
    int64_t first_after_ms = 0;
    for (const IceSnapshot *s = now; s; s = s->parent_id >= 0 ? metadata_snapshot(m, s->parent_id) : NULL) {
        if (s->snapshot_id == then)
            return first_after_ms;
        first_after_ms = s->timestamp_ms;
    }
    return -1;
}

typedef struct Staleness {
    StatementContext *context;
    Str catalog;
    int64_t refreshed_ms, since_ms; /* since_ms 0: not stale */
} Staleness;

/* "schema.table=snapshot", as refresh_dependencies() writes them. */
static int check_source(Staleness *f, Str item, Error *err)
{
    const TableHandle *handle = NULL;
    Str schema, table;
    int64_t then, since = f->refreshed_ms;
    Arena *arena = f->context->arena;
    if (!refresh_split_dependency(item, arena, &schema, &table, &then))
        return err_set(err, ERR_ICEBERG_INVALID_METADATA,
                       "A materialized view's sources cannot be read: %.*s", STR_ARG(item));
    if (catalogs_get_table(f->context, f->catalog, schema, table, NULL, arena, &handle, err))
        return -1;
    if (handle && handle->ops == &iceberg_ops) {
        const IcebergTable *t = iceberg_table_of(handle);
        int64_t now = t->snapshot ? t->snapshot->snapshot_id : -1;
        if (now == then)
            return 0;
        int64_t changed = changed_ms(t->metadata, t->snapshot, then);
        since = changed > 0 ? changed : f->refreshed_ms;
    }
    if (!f->since_ms || since < f->since_ms)
        f->since_ms = since;
    return 0;
}

int materialized_freshness(StatementContext *context, const TableHandle *view, Freshness *ret, Error *err)
{
    const TableHandle *storage;
    Staleness f = {.context = context, .catalog = view->catalog};
    *ret = (Freshness){FRESHNESS_STALE, 0};
    if (materialized_storage(context, view, &storage, err))
        return -1;
    const IceSnapshot *snapshot = storage ? iceberg_table_of(storage)->snapshot : NULL;
    Str sources = summary_value(snapshot, REFRESH_SOURCES);
    if (!sources.ptr || str_to_i64(summary_value(snapshot, REFRESH_STARTED_MS), 1, INT64_MAX / 1000,
                                   &f.refreshed_ms, NULL))
        return 0;
    for (Str rest = sources, item; rest.len;) {
        ptrdiff_t comma = str_find_char(rest, ',');
        size_t end = comma < 0 ? rest.len : (size_t)comma;
        item = str_slice(rest, 0, end);
        rest = str_slice(rest, end + (comma >= 0), rest.len);
        if (check_source(&f, item, err))
            return -1;
    }
    bool others = summary_value(snapshot, REFRESH_OTHER_SOURCES).ptr;
    if (f.since_ms)
        *ret = (Freshness){FRESHNESS_STALE, f.since_ms * 1000};
    else
        *ret = others ? (Freshness){FRESHNESS_UNKNOWN, f.refreshed_ms * 1000}
                      : (Freshness){FRESHNESS_FRESH, 0};
    return 0;
}

static bool is_fresh_enough(StatementContext *context, const TableHandle *view, const Freshness *f)
{
    int64_t grace_ms;
    Str grace = view_property(view->data, MATERIALIZED_GRACE_MS, STR_NULL);
    if (f->kind == FRESHNESS_FRESH || !f->last_fresh_us)
        return f->kind == FRESHNESS_FRESH;
    if (!grace.ptr)
        return true;
    if (str_to_i64(grace, 0, INT64_MAX / 1000, &grace_ms, NULL) || !grace_ms)
        return false;
    return context->session->start_us - f->last_fresh_us <= grace_ms * 1000;
}

/* ---- reading ---- */

static Str next_line(Str *rest)
{
    ptrdiff_t at = str_find_char(*rest, '\n');
    size_t end = at < 0 ? rest->len : (size_t)at;
    Str line = str_slice(*rest, 0, end);
    *rest = str_slice(*rest, end + (at >= 0), rest->len);
    return line;
}

int materialized_column_types(const TableHandle *view, TableColumn *columns, size_t n, Arena *arena,
                              Error *err)
{
    Str types = view_property(view->data, MATERIALIZED_TYPES, STR(""));
    for (size_t i = 0; i < n && types.len; i++) {
        TypeName *name;
        if (sql_parse_type_name(next_line(&types), arena, &name, err) ||
            sql_type_resolve(name, arena, &columns[i].type, err))
            return -1;
    }
    return 0;
}

static Str storage_query(const TableHandle *view, const TableHandle *storage, Arena *arena)
{
    Buf out = BUF_INIT(SQL_BYTES_MAX);
    buf_puts(&out, "SELECT ");
    for (size_t i = 0; i < view->n_columns; i++) {
        const TableColumn *column = &view->columns[i];
        bool casts = i < storage->n_columns && !sql_type_equal(column->type, storage->columns[i].type);
        buf_puts(&out, i ? ", " : "");
        buf_puts(&out, casts ? "CAST(" : "");
        sql_print_ident(&out, column->name);
        if (casts)
            buf_printf(&out, " AS %.*s) AS ", STR_ARG(sql_type_name(column->type, arena)));
        if (casts)
            sql_print_ident(&out, column->name);
    }
    buf_puts(&out, " FROM ");
    const Str parts[] = {storage->catalog, storage->schema, storage->table};
    for (size_t i = 0; i < 3; i++) {
        buf_puts(&out, i ? "." : "");
        sql_print_ident(&out, parts[i]);
    }
    Str text = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

int materialized_reading(StatementContext *context, const TableHandle *view, Arena *arena,
                         ViewDefinition *ret, Error *err)
{
    Freshness f;
    const TableHandle *storage;
    if (iceberg_view_definition(view, arena, ret, err) || materialized_freshness(context, view, &f, err) ||
        materialized_storage(context, view, &storage, err))
        return -1;
    if (storage && is_fresh_enough(context, view, &f))
        ret->sql = storage_query(view, storage, arena);
    else
        ret->is_stale = str_is(view_property(view->data, MATERIALIZED_WHEN_STALE, STR("")), "FAIL");
    return 0;
}

void materialized_put_clauses(const TableHandle *view, Buf *out)
{
    int64_t ms;
    Str grace = view_property(view->data, MATERIALIZED_GRACE_MS, STR_NULL);
    if (grace.ptr && !str_to_i64(grace, 0, INT64_MAX, &ms, NULL))
        buf_printf(out, "\nGRACE PERIOD INTERVAL '%lld %02d:%02d:%02d.%03d' DAY TO SECOND",
                   (long long)(ms / 86400000), (int)(ms / 3600000 % 24), (int)(ms / 60000 % 60),
                   (int)(ms / 1000 % 60), (int)(ms % 1000));
    Str stale = view_property(view->data, MATERIALIZED_WHEN_STALE, STR("INLINE"));
    buf_printf(out, "\nWHEN STALE %.*s", STR_ARG(stale));
}

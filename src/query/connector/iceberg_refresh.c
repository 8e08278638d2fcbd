/* iceberg_refresh.c - REFRESH MATERIALIZED VIEW: the rows of the view's query become the only rows of its
 * table, with a note of the snapshots that they were read from, in one commit. */
#include "query/connector/iceberg_refresh.h"

#include "query/connector/iceberg_ddl.h"
#include "query/connector/iceberg_insert.h"

enum { SOURCES_BYTES_MAX = 1 << 20 };

/* ---- what rows are made of ---- */

static bool is_mark(char c)
{
    return c == ',' || c == '=' || c == '%' || c == '.';
}

static void put_escaped(Buf *out, Str name, bool dots)
{
    for (size_t i = 0; i < name.len; i++)
        if (is_mark(name.ptr[i]) && (dots || name.ptr[i] != '.'))
            buf_printf(out, "%%%02X", (unsigned)name.ptr[i]);
        else
            buf_putc(out, name.ptr[i]);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static Str unescaped(Str text, Arena *arena)
{
    char *out = arena_array(arena, char, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool code = text.ptr[i] == '%' && i + 2 < text.len && hex_digit(text.ptr[i + 1]) >= 0 &&
                    hex_digit(text.ptr[i + 2]) >= 0;
        out[n++] =
            code ? (char)(hex_digit(text.ptr[i + 1]) * 16 + hex_digit(text.ptr[i + 2])) : text.ptr[i];
        i += code ? 2 : 0;
    }
    return str_of(out, n);
}

bool refresh_split_dependency(Str item, Arena *arena, Str *ret_schema, Str *ret_table,
                              int64_t *ret_snapshot_id)
{
    ptrdiff_t equals = str_rfind_char(item, '=');
    Str name = equals > 0 ? str_slice(item, 0, (size_t)equals) : STR("");
    ptrdiff_t dot = str_rfind_char(name, '.'); /* a schema may have more of them */
    if (dot <= 0 ||
        str_to_i64(str_slice(item, (size_t)equals + 1, item.len), -1, INT64_MAX, ret_snapshot_id, NULL))
        return false;
    *ret_schema = unescaped(str_slice(name, 0, (size_t)dot), arena);
    *ret_table = unescaped(str_slice(name, (size_t)dot + 1, name.len), arena);
    return true;
}

static bool is_noted(const Analysis *analysis, size_t until, const TableHandle *handle)
{
    for (size_t i = 0; i < until; i++)
        if (analysis->tables[i].handle == handle)
            return true;
    return false;
}

/* A table as of a version is no source that can be followed: the version may move. */
static int note_sources(StatementContext *context, const TableHandle *storage, const Analysis *analysis,
                        IceProperty ret[3], size_t *ret_n, Error *err)
{
    bool others = false, first = true;
    Arena *arena = context->arena;
    _cleanup_buf_ Buf out = BUF_INIT(SOURCES_BYTES_MAX);
    for (size_t i = 0; i < analysis->n_tables; i++) {
        const TableHandle *h = analysis->tables[i].handle;
        const IcebergTable *t = h->ops == &iceberg_ops ? iceberg_table_of(h) : NULL;
        if (!t || !t->is_current || !str_eq(h->catalog, storage->catalog)) {
            others = true;
            continue;
        }
        if (is_noted(analysis, i, h))
            continue;
        buf_puts(&out, first ? "" : ",");
        first = false;
        put_escaped(&out, h->schema, false);
        buf_putc(&out, '.');
        put_escaped(&out, h->table, true);
        buf_printf(&out, "=%lld", t->snapshot ? (long long)t->snapshot->snapshot_id : -1LL);
    }
    if (buf_check(&out, err))
        return -1;
    ret[0] = (IceProperty){STR(REFRESH_SOURCES), arena_str(arena, buf_str(&out))};
    ret[1] = (IceProperty){STR(REFRESH_STARTED_MS),
                           arena_printf(arena, "%lld", (long long)(context->session->start_us / 1000))};
    ret[2] = (IceProperty){STR(REFRESH_OTHER_SOURCES), STR("true")};
    *ret_n = others ? 3 : 2;
    return 0;
}

/* ---- REFRESH ---- */

int catalogs_refresh(StatementContext *context, const Statement *statement, const Analysis *analysis,
                     Str source_sql, int64_t *ret_rows, Error *err)
{
    static const Str empty_main[] = {
        {"{\"action\":\"remove-snapshot-ref\",\"ref-name\":\"main\"}",
         sizeof "{\"action\":\"remove-snapshot-ref\",\"ref-name\":\"main\"}" - 1}};
    const IcebergTable *table = iceberg_table_of(analysis->target);
    IceProperty summary[3];
    size_t n_summary;
    WrittenFiles *files = arena_new_of(context->arena, WrittenFiles);
    if (note_sources(context, analysis->target, analysis, summary, &n_summary, err) ||
        iceberg_write_insert(context, statement, analysis, source_sql, files, err))
        return -1;
    *ret_rows = files->rows;
    CommitTarget target = {.namespace_ = table->namespace_,
                           .name = table->name,
                           .base = table->metadata,
                           .create_updates = empty_main,
                           .n_create_updates = 1,
                           .replaces = true,
                           .summary = summary,
                           .n_summary = n_summary,
                           .operation = ICE_OVERWRITE};
    return iceberg_commit_files(context, &target, files, NULL, err);
}

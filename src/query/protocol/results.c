#include "query/protocol/results.h"

#include "base/clock.h"
#include "base/metrics.h"

/* ---- types ---- */

static const char *raw_type(const SqlType *t)
{
    static const char *const names[] = {
        [TYPE_UNKNOWN] = "unknown",
        [TYPE_BOOLEAN] = "boolean",
        [TYPE_TINYINT] = "tinyint",
        [TYPE_SMALLINT] = "smallint",
        [TYPE_INTEGER] = "integer",
        [TYPE_BIGINT] = "bigint",
        [TYPE_REAL] = "real",
        [TYPE_DOUBLE] = "double",
        [TYPE_DECIMAL] = "decimal",
        [TYPE_NUMBER] = "number",
        [TYPE_VARCHAR] = "varchar",
        [TYPE_CHAR] = "char",
        [TYPE_VARBINARY] = "varbinary",
        [TYPE_JSON] = "json",
        [TYPE_VARIANT] = "variant",
        [TYPE_DATE] = "date",
        [TYPE_TIME] = "time",
        [TYPE_TIME_TZ] = "time with time zone",
        [TYPE_TIMESTAMP] = "timestamp",
        [TYPE_TIMESTAMP_TZ] = "timestamp with time zone",
        [TYPE_INTERVAL_DAY_TIME] = "interval day to second",
        [TYPE_INTERVAL_YEAR_MONTH] = "interval year to month",
        [TYPE_ARRAY] = "array",
        [TYPE_MAP] = "map",
        [TYPE_ROW] = "row",
        [TYPE_UUID] = "uuid",
        [TYPE_IPADDRESS] = "ipaddress",
        [TYPE_HYPERLOGLOG] = "HyperLogLog",
        [TYPE_P4HYPERLOGLOG] = "P4HyperLogLog",
        [TYPE_TDIGEST] = "tdigest",
        [TYPE_QDIGEST] = "qdigest",
        [TYPE_SETDIGEST] = "SetDigest",
        [TYPE_COLOR] = "color",
        [TYPE_FUNCTION] = "function",
    };
    return names[t->kind];
}

static void long_argument(JsonWriter *w, int64_t value)
{
    json_object(w);
    json_kv_cstr(w, "kind", "LONG");
    json_kv_int(w, "value", value);
    json_end_object(w);
}

static void type_argument(JsonWriter *w, const SqlType *type, Arena *arena)
{
    json_object(w);
    json_kv_cstr(w, "kind", "TYPE");
    json_key(w, "value");
    results_type_signature(w, type, arena);
    json_end_object(w);
}

static void field_argument(JsonWriter *w, const RowField *field, Arena *arena)
{
    json_object(w);
    json_kv_cstr(w, "kind", "NAMED_TYPE");
    json_key(w, "value");
    json_object(w);
    if (field->name.ptr) {
        json_key(w, "fieldName");
        json_object(w);
        json_kv_str(w, "name", field->name);
        json_end_object(w);
    }
    json_key(w, "typeSignature");
    results_type_signature(w, field->type, arena);
    json_end_object(w);
    json_end_object(w);
}

void results_type_signature(JsonWriter *w, const SqlType *type, Arena *arena)
{
    json_object(w);
    json_kv_cstr(w, "rawType", raw_type(type));
    json_key(w, "arguments");
    json_array(w);
    switch (type->kind) {
    case TYPE_DECIMAL:
        long_argument(w, type->precision);
        long_argument(w, type->scale);
        break;
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        long_argument(w, type->length);
        break;
    case TYPE_TIME: case TYPE_TIME_TZ: case TYPE_TIMESTAMP: case TYPE_TIMESTAMP_TZ:
        long_argument(w, type->precision);
        break;
    case TYPE_ROW:
        for (size_t i = 0; i < type->n_fields; i++)
            field_argument(w, &type->fields[i], arena);
        break;
    default:
        for (size_t i = 0; i < type->n_fields; i++)
            type_argument(w, type->fields[i].type, arena);
        break;
    }
    json_end_array(w);
    json_end_object(w);
}

static bool is_temporal(TypeKind kind)
{
    return kind == TYPE_TIME || kind == TYPE_TIME_TZ || kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMP_TZ;
}

const SqlType *results_client_type(const SqlType *t, const ClientSession *session, Arena *arena)
{
    if (is_temporal(t->kind) && !session->parametric_datetime)
        return sql_type_temporal(arena, t->kind, 3);
    if (t->kind == TYPE_NUMBER && !session->number_type)
        return &TYPE_VARCHAR_;
    if (t->kind == TYPE_VARIANT && !session->variant_type)
        return &TYPE_JSON_;
    if (!t->n_fields || t->kind == TYPE_FUNCTION || t->kind == TYPE_QDIGEST)
        return t;
    RowField *fields = arena_array(arena, RowField, t->n_fields);
    for (size_t i = 0; i < t->n_fields; i++) {
        fields[i].name = t->fields[i].name;
        fields[i].type = results_client_type(t->fields[i].type, session, arena);
    }
    SqlType *copy = arena_new_of(arena, SqlType);
    *copy = *t;
    copy->fields = fields;
    return copy;
}

/* ---- parts of the answer ---- */

static void write_columns(JsonWriter *w, const RunningStatement *s)
{
    _cleanup_arena_ Arena *arena = arena_new(8 << 20);
    json_key(w, "columns");
    json_array(w);
    for (size_t i = 0; i < s->n_columns; i++) {
        const SqlType *type = results_client_type(s->columns[i].type, &s->session, arena);
        json_object(w);
        json_kv_str(w, "name", s->columns[i].name);
        /* Clients that cannot parse precision know the old names only. */
        bool bare = is_temporal(type->kind) && !s->session.parametric_datetime;
        json_kv_str(w, "type", bare ? str_from(raw_type(type)) : sql_type_display(type, arena));
        json_key(w, "typeSignature");
        if (bare) {
            json_object(w);
            json_kv_cstr(w, "rawType", raw_type(type));
            json_key(w, "arguments");
            json_array(w);
            json_end_array(w);
            json_end_object(w);
        } else
            results_type_signature(w, type, arena);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_stats(JsonWriter *w, RunningStatement *s)
{
    int64_t now = s->ended_us ? s->ended_us : clock_monotonic_us();
    int64_t started = s->started_us ? s->started_us : now;
    int64_t analysed = s->analysed_us ? s->analysed_us : now;
    int64_t rows = atomic_load(&s->context.rows_read), bytes = atomic_load(&s->context.bytes_read);
    int64_t files = atomic_load(&s->context.files_read);
    bool running = s->state == STATE_RUNNING, done = s->ended;
    double progress = done                               ? 100
                      : running && s->context.connection ? engine_progress(s->context.connection)
                                                         : -1;
    json_key(w, "stats");
    json_object(w);
    json_kv_cstr(w, "state", statement_state_name(s->state));
    json_kv_bool(w, "queued", s->state == STATE_QUEUED);
    json_kv_bool(w, "scheduled", running || (done && s->columns_known));
    if (progress >= 0) {
        json_key(w, "progressPercentage");
        json_double(w, progress);
        json_key(w, "runningPercentage");
        json_double(w, done ? 0 : 100 - progress);
    }
    json_kv_int(w, "nodes", s->state == STATE_QUEUED ? 0 : 1);
    json_kv_int(w, "totalSplits", files);
    json_kv_int(w, "queuedSplits", 0);
    json_kv_int(w, "runningSplits",
                done           ? 0
                : progress > 0 ? files - (int64_t)((double)files * progress / 100)
                               : files);
    json_kv_int(w, "completedSplits",
                done           ? files
                : progress > 0 ? (int64_t)((double)files * progress / 100)
                               : 0);
    json_kv_int(w, "planningTimeMillis", s->started_us ? (analysed - started) / 1000 : 0);
    json_kv_int(w, "analysisTimeMillis", s->started_us ? (analysed - started) / 1000 : 0);
    json_kv_int(w, "cpuTimeMillis", 0);
    json_kv_int(w, "wallTimeMillis", (now - started) / 1000);
    json_kv_int(w, "queuedTimeMillis", (started - s->created_monotonic_us) / 1000);
    json_kv_int(w, "elapsedTimeMillis", (now - s->created_monotonic_us) / 1000);
    json_kv_int(w, "finishingTimeMillis", 0);
    json_kv_int(w, "physicalInputTimeMillis", 0);
    json_kv_int(w, "processedRows", rows);
    json_kv_int(w, "processedBytes", bytes);
    json_kv_int(w, "physicalInputBytes", bytes);
    json_kv_int(w, "physicalWrittenBytes", atomic_load(&s->context.bytes_written));
    json_kv_int(w, "internalNetworkInputBytes", 0);
    json_kv_int(w, "peakMemoryBytes", 0);
    json_kv_int(w, "spilledBytes", 0);
    json_end_object(w);
}

static const char *java_exception(const Error *e)
{
    return e->code == ERR_SYNTAX ? "io.trino.sql.parser.ParsingException" : "io.trino.spi.TrinoException";
}

static void write_location(JsonWriter *w, const Error *e)
{
    if (e->sql_line < 1)
        return;
    json_key(w, "errorLocation");
    json_object(w);
    json_kv_int(w, "lineNumber", e->sql_line);
    json_kv_int(w, "columnNumber", e->sql_column);
    json_end_object(w);
}

void results_error(JsonWriter *w, const Error *e)
{
    const ErrInfo *info = err_info(e->code);
    json_object(w);
    json_kv_cstr(w, "message", e->message);
    json_kv_int(w, "errorCode", info->trino_code);
    json_kv_cstr(w, "errorName", info->trino_name);
    json_kv_cstr(w, "errorType", err_trino_type(e->code));
    write_location(w, e);
    json_key(w, "failureInfo");
    json_object(w);
    json_kv_cstr(w, "type", java_exception(e));
    json_kv_cstr(w, "message", e->message);
    json_key(w, "suppressed");
    json_array(w);
    json_end_array(w);
    json_key(w, "stack");
    json_array(w);
    json_end_array(w);
    write_location(w, e);
    json_key(w, "errorInfo");
    json_object(w);
    json_kv_int(w, "code", info->trino_code);
    json_kv_cstr(w, "name", info->trino_name);
    json_kv_cstr(w, "type", err_trino_type(e->code));
    json_end_object(w);
    json_end_object(w);
    json_end_object(w);
}

static void write_warnings(JsonWriter *w, const RunningStatement *s)
{
    json_key(w, "warnings");
    json_array(w);
    for (size_t i = 0; i < s->n_warnings; i++) {
        json_object(w);
        json_key(w, "warningCode");
        json_object(w);
        json_kv_int(w, "code", s->warnings[i].code);
        json_kv_cstr(w, "name", s->warnings[i].name);
        json_end_object(w);
        json_kv_str(w, "message", s->warnings[i].message);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_page(JsonWriter *w, RunningStatement *s)
{
    StatementPage *page = statement_take_page(s);
    if (!page)
        return;
    s->rows_sent += page->n_rows;
    metric_add(METRIC_QUERY_ROWS, (double)page->n_rows);
    /* Present only with rows: clients fail on an empty list before columns. */
    if (page->n_rows) {
        json_key(w, "data");
        json_raw(w, buf_str(&page->rows));
    }
    statement_page_free(page);
}

void results_write(RunningStatement *s, Str next_uri, bool take_page, Buf *out)
{
    JsonWriter w = JSON_WRITER(out);
    json_object(&w);
    json_kv_cstr(&w, "id", s->id);
    json_key(&w, "infoUri");
    _cleanup_buf_ Buf uri = BUF_INIT(4096);
    buf_printf(&uri, "%.*s/ui#/queries/%s", STR_ARG(s->session.base_uri), s->id);
    json_str(&w, buf_str(&uri));
    if (next_uri.len)
        json_kv_str(&w, "nextUri", next_uri);
    /* A statement without rows says so by an empty list at its end; JDBC fails without it. */
    if (s->columns_known || s->state == STATE_FINISHED)
        write_columns(&w, s);
    if (take_page)
        write_page(&w, s);
    write_stats(&w, s);
    if (s->state == STATE_FAILED) {
        json_key(&w, "error");
        results_error(&w, &s->error);
    }
    write_warnings(&w, s);
    if (s->update_type.ptr && s->state != STATE_FAILED) {
        json_kv_str(&w, "updateType", s->update_type);
        if (s->update_count >= 0 && s->ended)
            json_kv_int(&w, "updateCount", s->update_count);
    }
    json_end_object(&w);
}

/* iceberg_statistics.c - ANALYZE and drop_extended_stats: sketches of columns in a Puffin file that table
 * metadata names for the current snapshot. Source: Puffin spec; Iceberg table spec, "Table Statistics". */
#include <math.h>

#include "base/clock.h"
#include "base/rng.h"
#include "query/connector/iceberg_ddl.h"
#include "query/connector/iceberg_procedures.h"
#include "query/connector/iceberg_statistics.h"
#include "query/connector/sql_text.h"

enum { SKETCH_NUMBERS = 24, FILE_BYTES_MAX = 1 << 30, STATISTICS_TRIES = 5, FOOTER_TAIL = 12 };

typedef struct Blob {
    int32_t field_id;
    Str bytes, ndv;
    int64_t snapshot_id, sequence_number, offset;
    Str codec; /* empty: none */
} Blob;

typedef struct Statistics {
    StatementContext *context;
    const IcebergTable *table;
    Arena *arena;
    Vec(Blob) blobs;
    Str path;
    Buf file;
    int64_t footer_bytes;
} Statistics;

/* ---- sketches ---- */

/* A column, in its form of a statement, in the form that a sketch takes. */
static void put_value(Buf *out, size_t c, const SqlType *type)
{
    bool fine = type->precision > 6;
    switch (type->kind) {
    case TYPE_DECIMAL:
        buf_printf(out, "CAST(replace(CAST(c%zu AS VARCHAR), '.', '') AS HUGEINT)", c);
        return;
    case TYPE_TIMESTAMP:
        buf_printf(out, fine ? "CAST(c%zu // 1000 AS BIGINT)" : "c%zu", c);
        return;
    case TYPE_TIMESTAMP_TZ:
        buf_printf(out, fine ? "CAST(c%zu.t // 1000 AS BIGINT)" : "c%zu.t", c);
        return;
    default:
        buf_printf(out, "c%zu", c);
    }
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static Str bytes_of_hex(Str hex, Arena *arena)
{
    char *out = arena_array(arena, char, hex.len / 2 + 1);
    for (size_t i = 0; i + 1 < hex.len; i += 2)
        out[i / 2] = (char)(hex_digit(hex.ptr[i]) * 16 + hex_digit(hex.ptr[i + 1]));
    return str_of(out, hex.len / 2);
}

static uint64_t get_le(Str bytes, size_t at, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n && at + i < bytes.len; i++)
        v |= (uint64_t)(uint8_t)bytes.ptr[at + i] << (8 * i);
    return v;
}

/* Of a sketch that t_theta made: 1 to 3 longs of preamble. */
static int64_t estimate(Str sketch)
{
    unsigned longs = sketch.len ? (uint8_t)sketch.ptr[0] : 0;
    if (longs < 2)
        return sketch.len > 8;
    double n = (double)get_le(sketch, 8, 4);
    return longs < 3 ? (int64_t)n : llround(n / ((double)get_le(sketch, 16, 8) / 9223372036854775807.0));
}

static const Str empty_sketch = {"\1\3\3\0\0\x1e\xcc\x93", 8};

static int make_sketches(Statistics *s, const Analysis *analysis, Str source_sql, Error *err)
{
    Buf sql = BUF_INIT(SQL_BYTES_MAX);
    const Json *rows = NULL;
    const SqlType **types = arena_array(s->arena, const SqlType *, analysis->n_columns + 1);
    buf_puts(&sql, "SELECT ");
    for (size_t i = 0; i < analysis->n_columns; i++) {
        types[i] = &TYPE_VARCHAR_;
        buf_puts(&sql, i ? ", hex(t_theta(" : "hex(t_theta(");
        put_value(&sql, i, analysis->columns[i].type);
        buf_printf(&sql, ")) AS c%zu", i);
    }
    buf_printf(&sql, " FROM (%.*s) s", STR_ARG(source_sql));
    int r = buf_check(&sql, err) ||
                    sql_query_rows(s->context, buf_str(&sql), types, analysis->n_columns, &rows, err)
                ? -1
                : 0;
    buf_free(&sql);
    for (size_t i = 0; !r && i < analysis->n_columns; i++) {
        const Json *value = rows->array.items[0]->array.items[i];
        Str sketch = json_is(value, JSON_STRING) ? bytes_of_hex(value->text, s->arena) : empty_sketch;
        const IceSnapshot *snapshot = s->table->snapshot;
        *vec_push(s->arena, &s->blobs) =
            (Blob){.field_id = analysis->target->columns[analysis->insert_map[i]].field_id,
                   .bytes = sketch,
                   .ndv = arena_printf(s->arena, "%lld", (long long)estimate(sketch)),
                   .snapshot_id = snapshot->snapshot_id,
                   .sequence_number = snapshot->sequence_number};
    }
    return r;
}

/* ---- columns that were analyzed before stay ---- */

static const Json *newest_statistics(const IcebergTable *t)
{
    for (const IceSnapshot *s = t->snapshot; s;
         s = s->parent_id >= 0 ? metadata_snapshot(t->metadata, s->parent_id) : NULL)
        for (size_t i = 0; i < t->metadata->n_statistics; i++) {
            int64_t id;
            if (!json_get_int(t->metadata->statistics[i], "snapshot-id", -1, &id, NULL) &&
                id == s->snapshot_id)
                return t->metadata->statistics[i];
        }
    return NULL;
}

static bool is_made(const Statistics *s, int32_t field_id)
{
    for (size_t i = 0; i < s->blobs.n; i++)
        if (s->blobs.items[i].field_id == field_id)
            return true;
    return false;
}

/* One blob of a footer, of another's file: false when it is none that can be kept. */
static bool take_blob(Statistics *s, const Json *j, Str file)
{
    Str type, codec, ndv;
    int64_t offset, length, field, snapshot_id, sequence;
    const Json *fields;
    if (json_get_string(j, "type", STR(""), &type, NULL) || !str_is(type, "apache-datasketches-theta-v1") ||
        json_get_array(j, "fields", &fields, NULL) || !fields || fields->array.n != 1 ||
        !json_is(fields->array.items[0], JSON_INT) || json_get_int(j, "offset", -1, &offset, NULL) ||
        json_get_int(j, "length", -1, &length, NULL) || offset < 0 || length < 0 ||
        (uint64_t)offset > file.len || (uint64_t)length > file.len - (uint64_t)offset ||
        json_get_int(j, "snapshot-id", -1, &snapshot_id, NULL) ||
        json_get_int(j, "sequence-number", -1, &sequence, NULL) ||
        json_get_string(j, "compression-codec", STR(""), &codec, NULL) ||
        json_get_string(json_get(j, "properties"), "ndv", STR(""), &ndv, NULL) || !ndv.len)
        return false;
    field = fields->array.items[0]->i64;
    if (field < 1 || field > INT32_MAX || is_made(s, (int32_t)field) ||
        !ice_schema_find(s->table->schema, (int32_t)field))
        return false;
    Str bytes = str_slice(file, (size_t)offset, (size_t)(offset + length));
    *vec_push(s->arena, &s->blobs) = (Blob){.field_id = (int32_t)field,
                                            .bytes = bytes,
                                            .ndv = ndv,
                                            .snapshot_id = snapshot_id,
                                            .sequence_number = sequence,
                                            .codec = codec};
    return true;
}

/* The footer's JSON; *ret NULL when it is compressed or none. */
static void read_footer(Str file, Arena *arena, const Json **ret)
{
    *ret = NULL;
    if (file.len < 4 + FOOTER_TAIL + 4 || !str_has_suffix(file, STR("PFA1")))
        return;
    uint64_t payload = get_le(file, file.len - FOOTER_TAIL, 4), flags = get_le(file, file.len - 8, 4);
    if (flags || payload > file.len - FOOTER_TAIL - 4)
        return;
    size_t end = file.len - FOOTER_TAIL;
    if (json_parse(str_slice(file, end - (size_t)payload, end), arena, ret, NULL))
        *ret = NULL;
}

/* What cannot be read is left out: statistics are hints. */
static void keep_older(Statistics *s)
{
    Str path, file;
    const Json *footer, *blobs, *statistics = newest_statistics(s->table);
    if (!statistics || json_get_string(statistics, "statistics-path", STR(""), &path, NULL) || !path.len ||
        storage_get(s->context->catalogs->storage, path, FILE_BYTES_MAX, s->arena, &file, NULL, NULL))
        return;
    read_footer(file, s->arena, &footer);
    if (!footer || json_get_array(footer, "blobs", &blobs, NULL) || !blobs)
        return;
    for (size_t i = 0; i < blobs->array.n; i++)
        take_blob(s, blobs->array.items[i], file);
}

/* ---- the file ---- */

static void put_le32(Buf *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        buf_putc(out, (char)(value >> (8 * i)));
}

/* in_file: as the footer has it, else as table metadata does. */
static void put_blob(JsonWriter *w, const Blob *blob, bool in_file)
{
    json_object(w);
    json_kv_cstr(w, "type", "apache-datasketches-theta-v1");
    json_kv_int(w, "snapshot-id", blob->snapshot_id);
    json_kv_int(w, "sequence-number", blob->sequence_number);
    json_key(w, "fields");
    json_array(w);
    json_int(w, blob->field_id);
    json_end_array(w);
    if (in_file) {
        json_kv_int(w, "offset", blob->offset);
        json_kv_int(w, "length", (int64_t)blob->bytes.len);
        if (blob->codec.len)
            json_kv_str(w, "compression-codec", blob->codec);
    }
    json_key(w, "properties");
    json_object(w);
    json_kv_str(w, "ndv", blob->ndv);
    json_end_object(w);
    json_end_object(w);
}

static void put_blobs(JsonWriter *w, const Statistics *s, bool in_file)
{
    json_array(w);
    for (size_t i = 0; i < s->blobs.n; i++)
        put_blob(w, &s->blobs.items[i], in_file);
    json_end_array(w);
}

static int write_file(Statistics *s, Error *err)
{
    char uuid[UUID_TEXT_LEN + 1];
    Buf *out = &s->file;
    buf_puts(out, "PFA1");
    for (size_t i = 0; i < s->blobs.n; i++) {
        s->blobs.items[i].offset = (int64_t)out->len;
        buf_add(out, s->blobs.items[i].bytes);
    }
    size_t footer = out->len;
    buf_puts(out, "PFA1");
    size_t payload = out->len;
    JsonWriter w = JSON_WRITER(out);
    json_object(&w);
    json_key(&w, "blobs");
    put_blobs(&w, s, true);
    json_key(&w, "properties");
    json_object(&w);
    json_kv_cstr(&w, "created-by", "lakehouse");
    json_end_object(&w);
    json_end_object(&w);
    put_le32(out, (uint32_t)(out->len - payload));
    put_le32(out, 0); /* flags: the payload is not compressed */
    buf_puts(out, "PFA1");
    s->footer_bytes = (int64_t)(out->len - footer);
    uuid4_text(uuid);
    Str location = s->table->metadata->location;
    while (location.len && location.ptr[location.len - 1] == '/')
        location.len--;
    s->path = arena_printf(s->arena, "%.*s/metadata/%.*s-%s.stats", STR_ARG(location),
                           STR_ARG(s->context->query_id), uuid);
    if (buf_check(out, err))
        return -1;
    in_flight_add(s->context->catalogs->in_flight, &s->path, 1);
    return storage_put(s->context->catalogs->storage, s->path, STR("application/octet-stream"), buf_str(out),
                       STORAGE_PUT_REPLACE, NULL, NULL, err);
}

/* ---- the commit ---- */

static void put_requirements(const TableMetadata *m, Buf *out)
{
    JsonWriter w = JSON_WRITER(out);
    json_array(&w);
    json_object(&w);
    json_kv_cstr(&w, "type", "assert-table-uuid");
    json_kv_str(&w, "uuid", m->table_uuid);
    json_end_object(&w);
    json_end_array(&w);
}

static void put_set_statistics(const Statistics *s, Buf *out)
{
    JsonWriter w = JSON_WRITER(out);
    json_array(&w);
    json_object(&w);
    json_kv_cstr(&w, "action", "set-statistics");
    json_kv_int(&w, "snapshot-id", s->table->snapshot->snapshot_id);
    json_key(&w, "statistics");
    json_object(&w);
    json_kv_int(&w, "snapshot-id", s->table->snapshot->snapshot_id);
    json_kv_str(&w, "statistics-path", s->path);
    json_kv_int(&w, "file-size-in-bytes", (int64_t)s->file.len);
    json_kv_int(&w, "file-footer-size-in-bytes", s->footer_bytes);
    json_key(&w, "blob-metadata");
    put_blobs(&w, s, false);
    json_end_object(&w);
    json_end_object(&w);
    json_end_array(&w);
}

/* Statistics are of their snapshot, whatever has happened to the table since: nothing can conflict. */
static int commit(StatementContext *context, const IcebergTable *t, Str updates, Error *err)
{
    _cleanup_buf_ Buf requirements = BUF_INIT(1 << 16);
    int r = -1;
    put_requirements(t->metadata, &requirements);
    for (int i = 0; r && i < STATISTICS_TRIES && (i == 0 || (err && err->code == ERR_COMMIT_FAILED)); i++)
        r = iceberg_commit_updates(context, t->namespace_, t->name, buf_str(&requirements), updates, err);
    return r;
}

int catalogs_analyze(StatementContext *context, const Statement *statement, const Analysis *analysis,
                     Str source_sql, int64_t *ret_rows, Error *err)
{
    const IcebergTable *t = iceberg_table_of(analysis->target);
    Statistics s = {
        .context = context, .table = t, .arena = context->arena, .file = BUF_INIT(FILE_BYTES_MAX)};
    Error ignored;
    (void)statement;
    *ret_rows = -1; /* Trino does not tell */
    if (!t->snapshot || !analysis->n_columns)
        return 0;
    if (make_sketches(&s, analysis, source_sql, err))
        return -1;
    keep_older(&s);
    _cleanup_buf_ Buf updates = BUF_INIT(FILE_BYTES_MAX);
    int r = write_file(&s, err);
    if (!r) {
        put_set_statistics(&s, &updates);
        r = buf_check(&updates, err) || commit(context, t, buf_str(&updates), err) ? -1 : 0;
    }
    bool is_unknown = r && err && (err->code == ERR_COMMIT_UNKNOWN || err->code == ERR_IO);
    if (r && s.path.len && !is_unknown)
        storage_delete(context->catalogs->storage, s.path, &ignored);
    if (s.path.len && !is_unknown)
        in_flight_remove(context->catalogs->in_flight, &s.path, 1);
    buf_free(&s.file);
    return r;
}

/* ---- drop_extended_stats ---- */

/* Files stay until they are orphans: older metadata names them. */
int procedure_drop_statistics(Procedure *p, Error *err)
{
    const TableMetadata *m = p->table->metadata;
    _cleanup_buf_ Buf updates = BUF_INIT(16 << 20);
    JsonWriter w = JSON_WRITER(&updates);
    if (!m->n_statistics)
        return 0;
    json_array(&w);
    for (size_t i = 0; i < m->n_statistics; i++) {
        int64_t id;
        if (json_need_int(m->statistics[i], "snapshot-id", &id, err))
            return -1;
        json_object(&w);
        json_kv_cstr(&w, "action", "remove-statistics");
        json_kv_int(&w, "snapshot-id", id);
        json_end_object(&w);
    }
    json_end_array(&w);
    return buf_check(&updates, err) || commit(p->context, p->table, buf_str(&updates), err) ? -1 : 0;
}

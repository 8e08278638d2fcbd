/* transform_sql.c - partition transforms as DuckDB SQL. The values themselves are computed by
 * iceberg/transform.h; this only tells rows apart. */
#include "query/connector/iceberg_write.h"
#include "query/connector/sql_text.h"

static bool find_path(const IceField *fields, size_t n, int32_t id, Buf *out)
{
    size_t start = out->len;
    for (size_t i = 0; i < n; i++) {
        buf_putc(out, '.');
        sql_ident(out, fields[i].name);
        if (fields[i].id == id)
            return true;
        if (fields[i].type->id == ICE_STRUCT &&
            find_path(fields[i].type->fields, fields[i].type->n_fields, id, out))
            return true;
        out->len = start;
    }
    return false;
}

int field_put_path(Buf *out, const IceSchema *schema, int32_t field_id, Error *err)
{
    buf_putc(out, 'w');
    if (find_path(schema->fields, schema->n_fields, field_id, out))
        return 0;
    return err_set(err, ERR_NOT_SUPPORTED, "field %d is no column and no field of a row", field_id);
}

/* Instants as microseconds since 1970, whatever type they have. */
static void put_time(Buf *out, Str column, const IceTransform *t)
{
    const char *unit = t->kind == ICE_TRANSFORM_YEAR    ? "year"
                       : t->kind == ICE_TRANSFORM_MONTH ? "month"
                       : t->kind == ICE_TRANSFORM_DAY   ? "day"
                                                        : "hour";
    buf_printf(out, "epoch_us(date_trunc('%s', make_timestamp(epoch_us(%.*s))))", unit, STR_ARG(column));
}

static void put_bucket(Buf *out, Str column, const IceType *type, const IceTransform *t)
{
    bool temporal = type->id >= ICE_TIME && type->id <= ICE_TIMESTAMPTZ_NS;
    buf_puts(out, type->id == ICE_DECIMAL ? "((t_iceberg_hash_decimal(" : "((t_iceberg_hash(");
    if (type->id == ICE_DATE)
        buf_printf(out, "CAST(%.*s - DATE '1970-01-01' AS BIGINT)", STR_ARG(column));
    else
        buf_printf(out,
                   temporal              ? "epoch_us(%.*s)"
                   : type->id == ICE_INT ? "CAST(%.*s AS BIGINT)"
                                         : "%.*s",
                   STR_ARG(column));
    buf_printf(out, ") & 2147483647) %% %d)", t->param);
}

static void put_truncate(Buf *out, Str column, const IceType *type, const IceTransform *t, bool ordered)
{
    Str c = column;
    if (type->id == ICE_STRING)
        buf_printf(out, ordered ? "left(%.*s, %d)" : "md5(left(%.*s, %d))", STR_ARG(c), t->param);
    else if (type->id == ICE_BINARY || type->id == ICE_FIXED)
        buf_printf(out, "hex(%.*s)[1:%d]", STR_ARG(c), t->param * 2);
    else if (type->id == ICE_DECIMAL) {
        /* The width counts units of the last digit. */
        buf_printf(out,
                   "(CAST(%.*s * CAST(1e%d AS HUGEINT) AS HUGEINT) - (CAST(%.*s * CAST(1e%d AS HUGEINT) AS "
                   "HUGEINT) %% %d + %d) %% %d)",
                   STR_ARG(c), type->scale, STR_ARG(c), type->scale, t->param, t->param, t->param);
    } else
        buf_printf(out, "(%.*s - ((%.*s %% %d + %d) %% %d))", STR_ARG(c), STR_ARG(c), t->param, t->param,
                   t->param);
}

static void put_identity(Buf *out, Str column, const IceType *type, bool ordered)
{
    bool instant = type->id >= ICE_TIMESTAMP && type->id <= ICE_TIMESTAMPTZ_NS;
    if (ordered)
        buf_add(out, column);
    else if (type->id == ICE_STRING)
        buf_printf(out, "md5(%.*s)", STR_ARG(column));
    else if (type->id == ICE_BINARY || type->id == ICE_FIXED)
        buf_printf(out, "md5(hex(%.*s))", STR_ARG(column));
    else if (instant)
        buf_printf(out, type->id >= ICE_TIMESTAMP_NS ? "epoch_ns(%.*s)" : "epoch_us(%.*s)", STR_ARG(column));
    else
        buf_add(out, column);
}

int transform_put_sql(Buf *out, Str column, const IceType *type, const IceTransform *t, bool ordered,
                      Error *err)
{
    switch (t->kind) {
    case ICE_TRANSFORM_IDENTITY:
        put_identity(out, column, type, ordered);
        return 0;
    case ICE_TRANSFORM_BUCKET:
        put_bucket(out, column, type, t);
        return 0;
    case ICE_TRANSFORM_TRUNCATE:
        put_truncate(out, column, type, t, ordered);
        return 0;
    case ICE_TRANSFORM_YEAR:
    case ICE_TRANSFORM_MONTH:
    case ICE_TRANSFORM_DAY:
    case ICE_TRANSFORM_HOUR:
        put_time(out, column, t);
        return 0;
    case ICE_TRANSFORM_VOID:
        buf_puts(out, "0");
        return 0;
    default:
        return err_set(err, ERR_NOT_SUPPORTED, "Unsupported partition transform: %.*s", STR_ARG(t->text));
    }
}

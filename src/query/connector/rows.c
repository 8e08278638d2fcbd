#include "query/connector/rows.h"

#include <assert.h>
#include <math.h>

#include "query/connector/sql_text.h"

RowSet rows_new(Arena *arena, const TableHandle *handle, const Relation *relation)
{
    return (RowSet){.arena = arena,
                    .columns = handle->columns,
                    .n_columns = handle->n_columns,
                    .used = relation ? relation->used : NULL};
}

void rows_add(RowSet *set)
{
    set->row = arena_array(set->arena, Str, set->n_columns + 1);
    *vec_push(set->arena, &set->rows) = set->row;
}

bool rows_want(const RowSet *set, size_t column)
{
    return !set->used || set->used[column];
}

void row_sql(RowSet *set, size_t column, Str sql)
{
    if (rows_want(set, column))
        set->row[column] = sql;
}

void row_text(RowSet *set, size_t column, Str value)
{
    if (!value.ptr || !rows_want(set, column))
        return;
    Buf literal = BUF_INIT(value.len * 2 + 64);
    emit_string_literal(&literal, value);
    set->row[column] = arena_str(set->arena, buf_str(&literal));
    buf_free(&literal);
}

void row_int(RowSet *set, size_t column, int64_t value)
{
    /* The least bigint is no literal: its digits alone are one too large. */
    if (rows_want(set, column))
        set->row[column] = value == INT64_MIN ? STR("(-9223372036854775807-1)")
                                              : arena_printf(set->arena, "%lld", (long long)value);
}

void row_bool(RowSet *set, size_t column, bool value)
{
    row_sql(set, column, value ? STR("true") : STR("false"));
}

void row_double(RowSet *set, size_t column, double value)
{
    if (isfinite(value))
        row_sql(set, column, arena_printf(set->arena, "%.17g::DOUBLE", value));
    else
        row_sql(set, column,
                arena_printf(set->arena, "'%s'::DOUBLE",
                             isnan(value) ? "nan"
                             : value < 0  ? "-inf"
                                          : "inf"));
}

void row_instant(RowSet *set, size_t column, int64_t us)
{
    if (us)
        row_sql(set, column,
                arena_printf(set->arena, "struct_pack(t := make_timestamp(%lld), zone := 0::SMALLINT)",
                             (long long)us));
}

static void put_values(const RowSet *set, Buf *out)
{
    for (size_t r = 0; r < set->rows.n; r++) {
        buf_puts(out, r ? ",(" : "(");
        bool first = true;
        for (size_t c = 0; c < set->n_columns; c++) {
            if (!rows_want(set, c))
                continue;
            buf_puts(out, first ? "" : ",");
            Str cell = set->rows.items[r][c];
            buf_add(out, cell.ptr ? cell : STR("NULL"));
            first = false;
        }
        buf_putc(out, ')');
    }
}

static void put_select(const RowSet *set, bool has_rows, Buf *out)
{
    bool first = true;
    for (size_t c = 0; c < set->n_columns; c++) {
        if (!rows_want(set, c))
            continue;
        Str type = sql_type_duckdb(set->columns[c].type, set->arena);
        buf_printf(out, "%sCAST(", first ? "" : ", ");
        if (has_rows)
            buf_printf(out, "v%zu", c);
        else
            buf_puts(out, "NULL");
        buf_printf(out, " AS %.*s) AS c%zu", STR_ARG(type), c);
        first = false;
    }
}

int rows_emit(const RowSet *set, Buf *out, Error *err)
{
    size_t n_used = 0;
    for (size_t c = 0; c < set->n_columns; c++)
        n_used += rows_want(set, c);
    if (!n_used) {
        buf_printf(out, "SELECT 1 AS no_column FROM range(%zu)", set->rows.n);
        return buf_check(out, err);
    }
    buf_puts(out, "SELECT ");
    put_select(set, set->rows.n > 0, out);
    if (!set->rows.n) {
        buf_puts(out, " WHERE false");
        return buf_check(out, err);
    }
    buf_puts(out, " FROM (VALUES ");
    put_values(set, out);
    buf_puts(out, ") t(");
    bool first = true;
    for (size_t c = 0; c < set->n_columns; c++)
        if (rows_want(set, c)) {
            buf_printf(out, "%sv%zu", first ? "" : ",", c);
            first = false;
        }
    buf_putc(out, ')');
    return buf_check(out, err);
}

/* The end of one "name type" pair: a comma outside parentheses. */
static size_t pair_end(Str text)
{
    int depth = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if (c == ',' && depth == 0)
            return i;
    }
    return text.len;
}

const TableColumn *columns_of(Arena *arena, const char *text, size_t *ret_n)
{
    Vec(TableColumn) columns = {0};
    for (Str rest = str_from(text); rest.len;) {
        size_t end = pair_end(rest);
        Str pair = str_trim(str_slice(rest, 0, end)), type_text;
        rest = str_slice(rest, end + 1, rest.len);
        TableColumn column = {.name = str_cut(pair, ' ', &type_text), .extra = STR("")};
        bool hidden = str_has_suffix(type_text, STR(" hidden"));
        if (hidden)
            type_text = str_slice(type_text, 0, type_text.len - strlen(" hidden"));
        int r = sql_type_parse(type_text, arena, &column.type, NULL);
        assert(r == 0);
        (void)r;
        column.hidden = hidden;
        *vec_push(arena, &columns) = column;
    }
    *ret_n = columns.n;
    return columns.items;
}

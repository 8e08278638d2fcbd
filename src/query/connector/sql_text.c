#include "query/connector/sql_text.h"

void sql_ident(Buf *out, Str name)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            buf_putc(out, '"');
        buf_putc(out, name.ptr[i]);
    }
    buf_putc(out, '"');
}

/* read_parquet takes *, ? and [ for patterns; a bracket with one character in it is that character. */
void sql_path(Buf *out, Str path)
{
    buf_putc(out, '\'');
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        if (c == '*' || c == '?' || c == '[')
            buf_printf(out, "[%c]", c);
        else if (c == '\'')
            buf_puts(out, "''");
        else
            buf_putc(out, c);
    }
    buf_putc(out, '\'');
}

void sql_paths(Buf *out, const Str *paths, size_t n)
{
    buf_putc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_putc(out, ',');
        sql_path(out, paths[i]);
    }
    buf_putc(out, ']');
}

void sql_text_literal(Buf *out, Str text, const char *duckdb_type)
{
    buf_puts(out, "CAST(");
    if (text.ptr)
        emit_string_literal(out, text);
    else
        buf_puts(out, "NULL");
    buf_printf(out, " AS %s)", duckdb_type);
}

bool expr_constant_text(const Expr *expr, Str *ret)
{
    if (!expr)
        return false;
    if (expr->kind == EXPR_CAST)
        return expr->cast.resolved && expr->cast.resolved->kind == TYPE_VARCHAR &&
               expr->cast.operand->kind == EXPR_STRING && expr->cast.resolved->length == VARCHAR_UNBOUNDED &&
               expr_constant_text(expr->cast.operand, ret);
    if (expr->kind != EXPR_STRING)
        return false;
    *ret = expr->text;
    return true;
}

bool expr_constant_int(const Expr *expr, int64_t *ret)
{
    if (!expr)
        return false;
    if (expr->kind == EXPR_UNARY && expr->unary.op == '-' && expr_constant_int(expr->unary.operand, ret)) {
        *ret = -*ret;
        return true;
    }
    if (expr->kind == EXPR_CAST)
        return expr_constant_int(expr->cast.operand, ret);
    if (expr->kind == EXPR_GENERIC_LITERAL)
        return str_to_i64(str_trim(expr->generic.text), INT64_MIN, INT64_MAX, ret, NULL) == 0;
    if (expr->kind != EXPR_INTEGER)
        return false;
    *ret = expr->integer.value;
    return true;
}

/* ---- conditions on text columns ---- */

static bool is_column(const Expr *expr, const Relation *relation, int column)
{
    return expr && expr->kind == EXPR_COLUMN && expr->column.ref.relation == relation &&
           expr->column.ref.index == column;
}

static Str like_prefix(const Expr *e, Arena *arena)
{
    Str pattern, escape = STR("");
    if (!expr_constant_text(e->like.pattern, &pattern) ||
        (e->like.escape && !expr_constant_text(e->like.escape, &escape)))
        return STR("");
    char *prefix = arena_alloc(arena, pattern.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];
        if (escape.len == 1 && c == escape.ptr[0]) {
            if (++i < pattern.len)
                prefix[n++] = pattern.ptr[i];
            continue;
        }
        if (c == '%' || c == '_')
            break;
        prefix[n++] = c;
    }
    return str_of(prefix, n);
}

/* The first condition wins: one is enough to read little, and the whole WHERE runs afterwards anyway. */
static void take_values(TextFilter *filter, Expr *const *items, size_t n, Arena *arena)
{
    Str *values = arena_array(arena, Str, n + 1);
    if (filter->is_restricted)
        return;
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (!expr_constant_text(items[i], &values[m]))
            return;
        size_t k = 0;
        while (k < m && !str_eq(values[k], values[m]))
            k++;
        m += k == m; /* a name is asked for once, however often it is written */
    }
    *filter = (TextFilter){.is_restricted = true, .values = values, .n_values = m, .prefix = filter->prefix};
}

TextFilter text_filter(const Relation *relation, int column, Arena *arena)
{
    TextFilter filter = {.prefix = STR("")};
    for (size_t i = 0; relation && i < relation->n_conjuncts; i++) {
        const Expr *e = relation->conjuncts[i];
        if (e->kind == EXPR_COMPARISON && e->binary.op == OP_EQ) {
            Expr *other = is_column(e->binary.left, relation, column)    ? e->binary.right
                          : is_column(e->binary.right, relation, column) ? e->binary.left
                                                                         : NULL;
            if (other)
                take_values(&filter, &other, 1, arena);
        } else if (e->kind == EXPR_IN_LIST && !e->in.negated && is_column(e->in.value, relation, column)) {
            take_values(&filter, e->in.items, e->in.n, arena);
        } else if (e->kind == EXPR_LIKE && !e->like.negated && is_column(e->like.value, relation, column)) {
            Str prefix = like_prefix(e, arena);
            if (prefix.len > filter.prefix.len)
                filter.prefix = prefix;
        }
    }
    return filter;
}

bool text_filter_allows(const TextFilter *filter, Str value)
{
    if (filter->prefix.len && !str_has_prefix(value, filter->prefix))
        return false;
    if (!filter->is_restricted)
        return true;
    for (size_t i = 0; i < filter->n_values; i++)
        if (str_eq(filter->values[i], value))
            return true;
    return false;
}

/* ---- small results ---- */

enum { RESULT_BYTES_MAX = 256 << 20 };

int sql_query_rows(StatementContext *context, Str sql, const SqlType *const *types, size_t n_types,
                   const Json **ret, Error *err)
{
    EngineResult *result;
    EngineChunk *chunk;
    _cleanup_buf_ Buf rows = BUF_INIT(RESULT_BYTES_MAX);
    if (engine_query(context->connection, sql, &result, err))
        return -1;
    int r;
    buf_putc(&rows, '[');
    while (!(r = engine_next(result, &chunk, err)) && chunk) {
        buf_puts(&rows, rows.len > 1 ? "," : "");
        if ((r = engine_chunk_to_json(chunk, types, n_types, 0, engine_chunk_rows(chunk), &rows, err)))
            break;
    }
    engine_result_free(result);
    buf_putc(&rows, ']');
    if (r || buf_check(&rows, err))
        return -1;
    return json_parse(buf_str(&rows), context->arena, ret, err);
}

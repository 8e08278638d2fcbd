/* emit_operator.c - arithmetic and comparison. A plain DuckDB operator where the types prove it equal to
 * Trino's, else a t_* function. */
#include "query/engine/emit_internal.h"

static const char *const symbols[] = {
    [OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/", [OP_MOD] = "%", [OP_EQ] = "=",
    [OP_NE] = "<>", [OP_LT] = "<",  [OP_LE] = "<=", [OP_GT] = ">",  [OP_GE] = ">=",
};

static int infix(Buf *out, Str left, BinaryOp op, Str right)
{
    return buf_printf(out, "(%.*s %s %.*s)", STR_ARG(left), symbols[op], STR_ARG(right));
}

static int call2(Buf *out, const char *function, Str left, Str right)
{
    return buf_printf(out, "%s(%.*s, %.*s)", function, STR_ARG(left), STR_ARG(right));
}

/* ---- decimals ---- */

enum { WIDTH_INT64 = 18, WIDTH_MAX = 38 };

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

/* The precision that DuckDB gives its own + - or *. It stays at 18 digits, and fails beyond, where both
 * operands fit 18. */
static int duckdb_width(BinaryOp op, const SqlType *a, const SqlType *b)
{
    int scale = max_int(a->scale, b->scale),
        whole = max_int(a->precision - a->scale, b->precision - b->scale);
    int width = op == OP_MUL ? a->precision + b->precision
                             : max_int(scale + whole, max_int(a->precision, b->precision)) + 1;
    if (width > WIDTH_INT64 && max_int(a->precision, b->precision) <= WIDTH_INT64)
        return WIDTH_INT64;
    return width > WIDTH_MAX ? WIDTH_MAX : width;
}

static int emit_decimal(Emitter *m, const Expr *e, Str left, Str right, Buf *out)
{
    static const char *const names[] = {
        [OP_ADD] = "add", [OP_SUB] = "sub", [OP_MUL] = "mul", [OP_DIV] = "div", [OP_MOD] = "mod"};
    const SqlType *l = e->binary.left->coerced, *r = e->binary.right->coerced;
    BinaryOp op = e->binary.op;
    int scale = op == OP_MUL ? l->scale + r->scale : max_int(l->scale, r->scale);
    bool has_plain = op == OP_ADD || op == OP_SUB || op == OP_MUL;
    if (has_plain && m->context->is_optimistic && e->type->scale == scale && l->precision <= WIDTH_MAX &&
        scale < WIDTH_INT64)
        return infix(out, left, op, right);
    if (has_plain && e->type->scale == scale) {
        if (duckdb_width(op, l, r) == e->type->precision)
            return infix(out, left, op, right);
        /* A wide operand makes DuckDB compute in 128 bits, where nothing within 38 digits overflows. */
        int precision = l->precision + r->precision + 1;
        if (precision <= WIDTH_MAX) {
            Str wide = arena_printf(m->arena, "CAST(%.*s AS DECIMAL(%d,%d))", STR_ARG(left),
                                    max_int(WIDTH_INT64 + 1, l->precision), l->scale);
            const SqlType *wide_type =
                sql_type_decimal(m->arena, max_int(WIDTH_INT64 + 1, l->precision), l->scale);
            if (duckdb_width(op, wide_type, r) <= WIDTH_MAX &&
                (op != OP_MUL || wide_type->precision + r->precision <= WIDTH_MAX))
                return buf_printf(out, "CAST((%.*s %s %.*s) AS %.*s)", STR_ARG(wide), symbols[op],
                                  STR_ARG(right), DUCKDB(m, e->type));
        }
    }
    return buf_printf(out, "CAST(t_dec_%s_%d(%.*s, %.*s) AS %.*s)", names[op], e->type->scale, STR_ARG(left),
                      STR_ARG(right), DUCKDB(m, e->type));
}

/* ---- date and time ---- */

static bool is_interval(const SqlType *t)
{
    return t->kind == TYPE_INTERVAL_DAY_TIME || t->kind == TYPE_INTERVAL_YEAR_MONTH;
}

static const char *instant_prefix(TypeKind kind)
{
    static const char *const prefixes[] = {
        [TYPE_DATE] = "t_date",
        [TYPE_TIMESTAMP] = "t_timestamp",
        [TYPE_TIMESTAMP_TZ] = "t_tz",
        [TYPE_TIME] = "t_time",
    };
    return kind < sizeof prefixes / sizeof *prefixes ? prefixes[kind] : NULL;
}

static int emit_difference(Emitter *m, const Expr *e, Str left, Str right, Buf *out)
{
    switch (e->binary.left->coerced->kind) {
    case TYPE_DATE:
        return buf_printf(out, "(CAST((%.*s - %.*s) AS BIGINT) * 86400000)", STR_ARG(left), STR_ARG(right));
    case TYPE_TIMESTAMP:
    case TYPE_TIME:
        return buf_printf(
            out, "CAST(floor((epoch_us(%.*s) - epoch_us(%.*s) + 500) / CAST(1000 AS DOUBLE)) AS BIGINT)",
            STR_ARG(left), STR_ARG(right));
    case TYPE_TIMESTAMP_TZ:
        return buf_printf(out,
                          "CAST(floor((epoch_us(struct_extract(%.*s, 't')) - epoch_us(struct_extract(%.*s, "
                          "'t')) + 500) / CAST(1000 AS "
                          "DOUBLE)) AS BIGINT)",
                          STR_ARG(left), STR_ARG(right));
    default:
        return emit_not_supported(m, e->pos, "Subtraction of %.*s",
                                  STR_ARG(sql_type_name(e->binary.left->coerced, m->arena)));
    }
}

/* instant ± interval, interval + instant */
static int emit_shift(Emitter *m, const Expr *e, Str left, Str right, Buf *out)
{
    bool turned = is_interval(e->binary.left->coerced);
    const SqlType *instant = turned ? e->binary.right->coerced : e->binary.left->coerced;
    const SqlType *interval = turned ? e->binary.left->coerced : e->binary.right->coerced;
    const char *prefix = instant_prefix(instant->kind);
    if (!prefix)
        return emit_not_supported(m, e->pos, "Arithmetic on %.*s", STR_ARG(sql_type_name(instant, m->arena)));
    Str value = turned ? right : left, by = turned ? left : right;
    return buf_printf(out, "%s_add_%s(%.*s, %s%.*s)", prefix,
                      interval->kind == TYPE_INTERVAL_DAY_TIME ? "ms" : "months", STR_ARG(value),
                      e->binary.op == OP_SUB ? "- " : "", STR_ARG(by));
}

static int emit_interval(Emitter *m, const Expr *e, Str left, Str right, Buf *out)
{
    const SqlType *l = e->binary.left->coerced, *r = e->binary.right->coerced;
    if (is_interval(l) && is_interval(r))
        return infix(out, left, e->binary.op, right);
    bool months = e->type->kind == TYPE_INTERVAL_YEAR_MONTH;
    Str interval = is_interval(l) ? left : right, factor = is_interval(l) ? right : left;
    const SqlType *factor_type = is_interval(l) ? r : l;
    if (e->binary.op == OP_MUL && factor_type->kind == TYPE_BIGINT)
        return months ? buf_printf(out, "CAST((CAST(%.*s AS BIGINT) * %.*s) AS INTEGER)", STR_ARG(interval),
                                   STR_ARG(factor))
                      : infix(out, interval, OP_MUL, factor);
    const char *name = months ? (e->binary.op == OP_MUL ? "t_interval_ym_mul" : "t_interval_ym_div")
                              : (e->binary.op == OP_MUL ? "t_interval_ds_mul" : "t_interval_ds_div");
    return call2(out, name, interval, factor);
}

int emit_arithmetic(Emitter *m, const Expr *e, Buf *out)
{
    Str left = emit_text(m, e->binary.left), right = left.ptr ? emit_text(m, e->binary.right) : STR_NULL;
    if (!right.ptr)
        return -1;
    const SqlType *l = e->binary.left->coerced, *r = e->binary.right->coerced;
    BinaryOp op = e->binary.op;
    if (l->kind == TYPE_DECIMAL && r->kind == TYPE_DECIMAL)
        return emit_decimal(m, e, left, right, out);
    if (sql_type_is_integral(l) && sql_type_is_integral(r))
        return op == OP_DIV   ? call2(out, "t_div", left, right)
               : op == OP_MOD ? call2(out, "t_mod", left, right)
                              : infix(out, left, op, right);
    if ((l->kind == TYPE_DOUBLE || l->kind == TYPE_REAL) && r->kind == l->kind)
        return op == OP_MOD ? call2(out, "t_mod", left, right) : infix(out, left, op, right);
    if (is_interval(e->type) && !is_interval(l) && !is_interval(r))
        return emit_difference(m, e, left, right, out);
    if (is_interval(e->type))
        return emit_interval(m, e, left, right, out);
    if (is_interval(l) || is_interval(r))
        return emit_shift(m, e, left, right, out);
    return emit_not_supported(m, e->pos, "Arithmetic on %.*s", STR_ARG(sql_type_name(e->type, m->arena)));
}

/* ---- comparison ---- */

void emit_key(const SqlType *type, Str text, Buf *out)
{
    buf_printf(out, type->kind == TYPE_TIMESTAMP_TZ ? "struct_extract(%.*s, 't')" : "%.*s", STR_ARG(text));
}

/* DuckDB orders NaN above everything and equal to itself; for Trino it compares with nothing. A constant is
 * no NaN. */
static int compare_floating(BinaryOp op, const SqlType *type, Str left, Str right, bool right_is_constant,
                            Buf *out)
{
    static const char *const functions[] = {
        [OP_EQ] = "t_eq", [OP_NE] = "t_ne", [OP_LT] = "t_lt",
        [OP_LE] = "t_le", [OP_GT] = "t_gt", [OP_GE] = "t_ge",
    };
    if (right_is_constant && op != OP_GT && op != OP_GE)
        return infix(out, left, op, right);
    bool simple = left.len < 24 && right.len < 48 && !memchr(left.ptr, '(', left.len);
    if (right_is_constant && simple)
        return buf_printf(out, "(%.*s %s %.*s AND %.*s <= CAST('Infinity' AS %s))", STR_ARG(left),
                          symbols[op], STR_ARG(right), STR_ARG(left),
                          type->kind == TYPE_REAL ? "FLOAT" : "DOUBLE");
    if (op == OP_EQ && simple)
        return buf_printf(out, "(%.*s = %.*s AND NOT isnan(%.*s))", STR_ARG(left), STR_ARG(right),
                          STR_ARG(left));
    return call2(out, functions[op], left, right);
}

static bool may_hold_null(const SqlType *type)
{
    return type->kind == TYPE_ARRAY || type->kind == TYPE_ROW || type->kind == TYPE_MAP;
}

/* a = b of rows: fields one by one, so that a NULL field gives NULL. */
static int compare_rows(Emitter *m, const SqlType *type, Str left, Str right, Buf *out)
{
    Lets lets = {0};
    Str a = emit_lets_add(m, &lets, left), b = emit_lets_add(m, &lets, right);
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    buf_printf(&body, "CASE WHEN %.*s IS NULL OR %.*s IS NULL THEN NULL ELSE (true", STR_ARG(a), STR_ARG(b));
    for (size_t i = 0; i < type->n_fields; i++) {
        buf_puts(&body, " AND ");
        if (emit_compare(m, OP_EQ, type->fields[i].type,
                         arena_printf(m->arena, "struct_extract(%.*s, 'f%zu')", STR_ARG(a), i),
                         arena_printf(m->arena, "struct_extract(%.*s, 'f%zu')", STR_ARG(b), i), false,
                         &body) < 0)
            return -1;
    }
    buf_puts(&body, ") END");
    emit_lets(out, &lets, buf_str(&body));
    return 0;
}

static int compare_arrays(Emitter *m, const SqlType *type, Str left, Str right, Buf *out)
{
    Lets lets = {0};
    Str a = emit_lets_add(m, &lets, left), b = emit_lets_add(m, &lets, right), i = emit_let_name(m),
        all = emit_let_name(m);
    _cleanup_buf_ Buf element = BUF_INIT(EMIT_SQL_MAX), body = BUF_INIT(EMIT_SQL_MAX);
    if (emit_compare(m, OP_EQ, type->fields[0].type,
                     arena_printf(m->arena, "%.*s[%.*s]", STR_ARG(a), STR_ARG(i)),
                     arena_printf(m->arena, "%.*s[%.*s]", STR_ARG(b), STR_ARG(i)), false, &element) < 0)
        return -1;
    buf_printf(
        &body,
        "CASE WHEN %.*s IS NULL OR %.*s IS NULL THEN NULL WHEN len(%.*s) <> len(%.*s) THEN false ELSE ",
        STR_ARG(a), STR_ARG(b), STR_ARG(a), STR_ARG(b));
    Str results = arena_printf(m->arena, "list_transform(range(1, len(%.*s) + 1), lambda %.*s: %.*s)",
                               STR_ARG(a), STR_ARG(i), STR_ARG(buf_str(&element)));
    emit_let(&body, all, results,
             arena_printf(m->arena,
                          "CASE WHEN list_contains(%.*s, false) THEN false WHEN list_count(%.*s) < "
                          "len(%.*s) THEN NULL ELSE true END",
                          STR_ARG(all), STR_ARG(all), STR_ARG(all)));
    buf_puts(&body, " END");
    emit_lets(out, &lets, buf_str(&body));
    return 0;
}

/* DuckDB's equality of maps looks at the order of entries. */
static int compare_maps(Emitter *m, const SqlType *type, Str left, Str right, Buf *out)
{
    Lets lets = {0};
    Str a = emit_lets_add(m, &lets, left), b = emit_lets_add(m, &lets, right), k = emit_let_name(m),
        all = emit_let_name(m);
    _cleanup_buf_ Buf value = BUF_INIT(EMIT_SQL_MAX), body = BUF_INIT(EMIT_SQL_MAX);
    if (emit_compare(m, OP_EQ, type->fields[1].type,
                     arena_printf(m->arena, "map_extract_value(%.*s, %.*s)", STR_ARG(a), STR_ARG(k)),
                     arena_printf(m->arena, "map_extract_value(%.*s, %.*s)", STR_ARG(b), STR_ARG(k)), false,
                     &value) < 0)
        return -1;
    buf_printf(&body,
               "CASE WHEN %.*s IS NULL OR %.*s IS NULL THEN NULL WHEN cardinality(%.*s) <> cardinality(%.*s) "
               "THEN false ELSE ",
               STR_ARG(a), STR_ARG(b), STR_ARG(a), STR_ARG(b));
    Str results = arena_printf(
        m->arena,
        "list_transform(map_keys(%.*s), lambda %.*s: CASE WHEN map_contains(%.*s, %.*s) THEN %.*s ELSE false "
        "END)",
        STR_ARG(a), STR_ARG(k), STR_ARG(b), STR_ARG(k), STR_ARG(buf_str(&value)));
    emit_let(&body, all, results,
             arena_printf(m->arena,
                          "CASE WHEN list_contains(%.*s, false) THEN false WHEN list_count(%.*s) < "
                          "len(%.*s) THEN NULL ELSE true END",
                          STR_ARG(all), STR_ARG(all), STR_ARG(all)));
    buf_puts(&body, " END");
    emit_lets(out, &lets, buf_str(&body));
    return 0;
}

/* a < b of rows: the first fields that differ decide; a NULL before that gives NULL. */
static int order_rows(Emitter *m, BinaryOp op, const SqlType *type, Str left, Str right, Buf *out)
{
    Lets lets = {0};
    Str a = emit_lets_add(m, &lets, left), b = emit_lets_add(m, &lets, right);
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    BinaryOp strict = op == OP_LE ? OP_LT : op == OP_GE ? OP_GT : op;
    buf_printf(&body, "CASE WHEN %.*s IS NULL OR %.*s IS NULL THEN NULL", STR_ARG(a), STR_ARG(b));
    for (size_t i = 0; i < type->n_fields; i++) {
        _cleanup_buf_ Buf equal = BUF_INIT(EMIT_SQL_MAX);
        Str x = arena_printf(m->arena, "struct_extract(%.*s, 'f%zu')", STR_ARG(a), i),
            y = arena_printf(m->arena, "struct_extract(%.*s, 'f%zu')", STR_ARG(b), i);
        if (emit_compare(m, OP_EQ, type->fields[i].type, x, y, false, &equal) < 0)
            return -1;
        buf_printf(&body, " WHEN %.*s IS NULL THEN NULL WHEN NOT %.*s THEN ", STR_ARG(buf_str(&equal)),
                   STR_ARG(buf_str(&equal)));
        if (emit_compare(m, strict, type->fields[i].type, x, y, false, &body) < 0)
            return -1;
    }
    buf_puts(&body, op == strict ? " ELSE false END" : " ELSE true END");
    emit_lets(out, &lets, buf_str(&body));
    return 0;
}

int emit_compare(Emitter *m, BinaryOp op, const SqlType *type, Str left, Str right, bool right_is_constant,
                 Buf *out)
{
    if (type->kind == TYPE_DOUBLE || type->kind == TYPE_REAL)
        return compare_floating(op, type, left, right, right_is_constant, out);
    if (type->kind == TYPE_ROW && op >= OP_LT)
        return order_rows(m, op, type, left, right, out);
    if (may_hold_null(type) && (op == OP_EQ || op == OP_NE)) {
        buf_puts(out, op == OP_NE ? "(NOT " : "(");
        int failed = type->kind == TYPE_ROW   ? compare_rows(m, type, left, right, out)
                     : type->kind == TYPE_MAP ? compare_maps(m, type, left, right, out)
                                              : compare_arrays(m, type, left, right, out);
        buf_putc(out, ')');
        return failed;
    }
    buf_putc(out, '(');
    emit_key(type, left, out);
    buf_printf(out, " %s ", symbols[op]);
    emit_key(type, right, out);
    return buf_putc(out, ')');
}

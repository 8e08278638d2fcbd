/* emit_operator.c - arithmetic and comparison. A plain DuckDB operator where the types prove it equal to
 * Trino's, else a t_* function. */
#include "query/engine/emit_call.h"

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
    if (e->binary.left->kind == EXPR_NULL || e->binary.right->kind == EXPR_NULL)
        return buf_printf(out, "CAST(NULL AS %.*s)", DUCKDB(m, e->type));
    int scale = op == OP_MUL ? l->scale + r->scale : max_int(l->scale, r->scale);
    bool has_plain = op == OP_ADD || op == OP_SUB || op == OP_MUL;
    bool optimistic = m->context->is_optimistic && m->feeds_aggregate;
    if (has_plain && optimistic && e->type->scale == scale && l->precision <= WIDTH_MAX &&
        scale < WIDTH_INT64)
        return infix(out, left, op, right);
    if (has_plain && e->type->scale == scale) {
        /* Where an operand folds to NULL, DuckDB's result is an INTEGER; else this cast does nothing. */
        if (duckdb_width(op, l, r) == e->type->precision)
            return buf_printf(out, "CAST((%.*s %s %.*s) AS %.*s)", STR_ARG(left), symbols[op],
                              STR_ARG(right), DUCKDB(m, e->type));
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

static int emit_number(BinaryOp op, Str left, Str right, Buf *out)
{
    static const char *const names[] = {
        [OP_ADD] = "t_number_add", [OP_SUB] = "t_number_sub", [OP_MUL] = "t_number_mul",
        [OP_DIV] = "t_number_div", [OP_MOD] = "t_number_mod", [OP_EQ] = "t_number_eq",
        [OP_NE] = "t_number_ne",   [OP_LT] = "t_number_lt",   [OP_LE] = "t_number_le",
        [OP_GT] = "t_number_gt",   [OP_GE] = "t_number_ge",
    };
    return call2(out, names[op], left, right);
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
        [TYPE_TIME_TZ] = "t_time", /* of the time without its zone */
    };
    return kind < sizeof prefixes / sizeof *prefixes ? prefixes[kind] : NULL;
}

static int emit_difference(Emitter *m, const Expr *e, Str left, Str right, Buf *out)
{
    const SqlType *type = e->binary.left->coerced;
    if (type->kind == TYPE_TIME_TZ || (type->kind == TYPE_TIME && emit_is_wide(type)))
        return call2(out, "t_time_diff", left, right);
    if (emit_is_wide(type)) {
        left = arena_printf(m->arena, "t_narrow(%.*s)", STR_ARG(left));
        right = arena_printf(m->arena, "t_narrow(%.*s)", STR_ARG(right));
    }
    switch (type->kind) {
    case TYPE_DATE:
        return buf_printf(out, "(CAST((%.*s - %.*s) AS BIGINT) * 86400000)", STR_ARG(left), STR_ARG(right));
    case TYPE_TIMESTAMP:
    case TYPE_TIME:
        return buf_printf(
            out, "CAST(floor((epoch_us(%.*s) - epoch_us(%.*s) + 500) / CAST(1000 AS DOUBLE)) AS BIGINT)",
            STR_ARG(left), STR_ARG(right));
    case TYPE_TIMESTAMP_TZ:
        return call2(out, "t_tz_diff", left, right);
    default:
        return emit_not_supported(m, e->pos, "Subtraction of %.*s",
                                  STR_ARG(sql_type_name(type, m->arena)));
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
    Str by = turned ? left : right;
    Narrowed n = emit_narrow_begin(m, instant, turned ? right : left,
                                   emit_is_simple(turned ? e->binary.right : e->binary.left));
    Str body = arena_printf(m->arena, "%s_%s_%s(%.*s, %.*s)", prefix, e->binary.op == OP_SUB ? "sub" : "add",
                            interval->kind == TYPE_INTERVAL_DAY_TIME ? "ms" : "months", STR_ARG(n.value),
                            STR_ARG(by));
    emit_narrow_end(m, &n, body, true, out);
    return 0;
}

static int emit_interval(Emitter *m, const Expr *e, Str left, Str right, Buf *out)
{
    const SqlType *l = e->binary.left->coerced, *r = e->binary.right->coerced;
    bool months = e->type->kind == TYPE_INTERVAL_YEAR_MONTH, adds = e->binary.op == OP_ADD;
    if (is_interval(l) && is_interval(r))
        return call2(out, months ? (adds ? "t_interval_ym_add" : "t_interval_ym_sub")
                                 : (adds ? "t_interval_ds_add" : "t_interval_ds_sub"), left, right);
    Str interval = is_interval(l) ? left : right, factor = is_interval(l) ? right : left;
    const SqlType *factor_type = is_interval(l) ? r : l;
    if (e->binary.op == OP_MUL && factor_type->kind == TYPE_BIGINT)
        return call2(out, months ? "t_interval_ym_times" : "t_interval_ds_times", left, right);
    const char *name = months ? (e->binary.op == OP_MUL ? "t_interval_ym_mul" : "t_interval_ym_div")
                              : (e->binary.op == OP_MUL ? "t_interval_ds_mul" : "t_interval_ds_div");
    return call2(out, name, interval, factor);
}

static int emit_operation(Emitter *m, const Expr *e, Str left, Str right, Buf *out)
{
    const SqlType *l = e->binary.left->coerced, *r = e->binary.right->coerced;
    BinaryOp op = e->binary.op;
    if (l->kind == TYPE_DECIMAL && r->kind == TYPE_DECIMAL)
        return emit_decimal(m, e, left, right, out);
    if (sql_type_is_integral(l) && sql_type_is_integral(r))
        return op == OP_DIV   ? call2(out, "t_div", left, right)
               : op == OP_MOD ? call2(out, "t_mod", left, right)
                              : infix(out, left, op, right);
    if (l->kind == TYPE_NUMBER && r->kind == TYPE_NUMBER)
        return emit_number(op, left, right, out);
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

int emit_arithmetic(Emitter *m, const Expr *e, Buf *out)
{
    Str left = emit_text(m, e->binary.left), right = left.ptr ? emit_text(m, e->binary.right) : STR_NULL;
    if (!right.ptr)
        return -1;
    int guards =
        emit_guard((Expr *const[]){e->binary.left, e->binary.right}, (Str[]){left, right}, 2, false, out);
    if (emit_operation(m, e, left, right, out) < 0)
        return -1;
    return guards ? buf_puts(out, " END") : 0;
}

/* ---- comparison ---- */

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

/* Three-valued, by what is inside. */
static const char *const nested_functions[] = {
    [OP_EQ] = "t_nested_eq", [OP_NE] = "t_nested_ne", [OP_LT] = "t_nested_lt",
    [OP_LE] = "t_nested_le", [OP_GT] = "t_nested_gt", [OP_GE] = "t_nested_ge",
};

static bool may_hold_null(const SqlType *type)
{
    return type->kind == TYPE_ARRAY || type->kind == TYPE_ROW || type->kind == TYPE_MAP;
}

int emit_compare(Emitter *m, BinaryOp op, const SqlType *type, Str left, Str right, bool right_is_constant,
                 Buf *out)
{
    if (type->kind == TYPE_DOUBLE || type->kind == TYPE_REAL)
        return compare_floating(op, type, left, right, right_is_constant, out);
    if (type->kind == TYPE_NUMBER)
        return emit_number(op, left, right, out);
    if (type->kind == TYPE_VARIANT)
        return err_set(m->err, ERR_NOT_SUPPORTED, "Comparison of variants is not supported yet");
    if (type->kind == TYPE_CHAR && op >= OP_LT) /* what is below a blank is below the end of a text, too */
        return buf_printf(out, "(t_char_pad(%.*s, %d) %s t_char_pad(%.*s, %d))", STR_ARG(left), type->length,
                          symbols[op], STR_ARG(right), type->length);
    if (may_hold_null(type))
        return call2(out, nested_functions[op], left, right);
    buf_putc(out, '(');
    emit_key(m, type, left, out);
    buf_printf(out, " %s ", symbols[op]);
    emit_key(m, type, right, out);
    return buf_putc(out, ')');
}

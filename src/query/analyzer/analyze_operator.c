/* analyze_operator.c - arithmetic and comparison: which types go together, and to what. Source: Trino's
 * documentation "Decimal functions and operators", "Date and time functions and operators"; behaviour of 483
 * (decimal results changed in 477). */
#include "query/analyzer/internal.h"

enum { DECIMAL_MAX = 38, DECIMAL_MIN_SCALE = 6 };

typedef struct Arithmetic {
    const SqlType *left, *right, *result;
} Arithmetic;

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* Over 38 digits the scale gives way, down to 6. */
static const SqlType *fit_decimal(Arena *arena, int precision, int scale)
{
    if (precision > DECIMAL_MAX) {
        int whole = precision - scale;
        scale =
            min_int(scale, whole > DECIMAL_MAX - DECIMAL_MIN_SCALE ? DECIMAL_MIN_SCALE : DECIMAL_MAX - whole);
        precision = DECIMAL_MAX;
    }
    return sql_type_decimal(arena, precision, scale);
}

static const SqlType *decimal_result(BinaryOp op, const SqlType *a, const SqlType *b, Arena *arena)
{
    int whole_a = a->precision - a->scale, whole_b = b->precision - b->scale;
    int scale = max_int(a->scale, b->scale);
    switch (op) {
    case OP_MUL:
        return fit_decimal(arena, a->precision + b->precision, a->scale + b->scale);
    case OP_DIV: {
        int digits = max_int(DECIMAL_MIN_SCALE, a->scale + b->precision + 1);
        return fit_decimal(arena, whole_a + b->scale + digits, digits);
    }
    case OP_MOD:
        return fit_decimal(arena, min_int(whole_a, whole_b) + scale, scale);
    default: {
        /* The carry's digit is the first to give way, then the scale, which here may go down to nothing. */
        int whole = max_int(whole_a, whole_b);
        scale = min_int(scale, DECIMAL_MAX - whole);
        return sql_type_decimal(arena, min_int(whole + scale + 1, DECIMAL_MAX), scale);
    }
    }
}

static bool numeric(BinaryOp op, const SqlType *l, const SqlType *r, Arena *arena, Arithmetic *ret)
{
    if (!sql_type_is_numeric(l) || !sql_type_is_numeric(r))
        return false;
    const SqlType *left = sql_type_decimal_of(l, arena), *right = sql_type_decimal_of(r, arena);
    if ((l->kind == TYPE_DECIMAL || r->kind == TYPE_DECIMAL) && left && right) {
        *ret = (Arithmetic){left, right, decimal_result(op, left, right, arena)};
        return true;
    }
    const SqlType *common = sql_type_common(l, r, arena);
    if (!common || !sql_type_is_numeric(common))
        return false;
    *ret = (Arithmetic){common, common, common};
    return true;
}

static bool is_interval(const SqlType *t)
{
    return t->kind == TYPE_INTERVAL_DAY_TIME || t->kind == TYPE_INTERVAL_YEAR_MONTH;
}

static bool is_instant(const SqlType *t)
{
    return t->kind == TYPE_DATE || t->kind == TYPE_TIMESTAMP || t->kind == TYPE_TIMESTAMP_TZ;
}

static bool is_time(const SqlType *t)
{
    return t->kind == TYPE_TIME || t->kind == TYPE_TIME_TZ;
}

static bool takes_interval(const SqlType *t, const SqlType *interval)
{
    return is_instant(t) || (is_time(t) && interval->kind == TYPE_INTERVAL_DAY_TIME);
}

static bool scale_interval(BinaryOp op, const SqlType *l, const SqlType *r, Arithmetic *ret)
{
    bool left = is_interval(l);
    const SqlType *interval = left ? l : r, *factor = left ? r : l;
    bool scales = sql_type_is_numeric(factor) && factor->kind != TYPE_NUMBER;
    if (!is_interval(interval) || !scales || (op != OP_MUL && !(op == OP_DIV && left)))
        return false;
    factor = op == OP_MUL && sql_type_is_integral(factor) ? &TYPE_BIGINT_ : &TYPE_DOUBLE_;
    *ret = (Arithmetic){left ? interval : factor, left ? factor : interval, interval};
    return true;
}

/* An interval has milliseconds: what it is added to has them then. */
static const SqlType *with_milliseconds(const SqlType *instant, const SqlType *interval, Arena *arena)
{
    if (interval->kind != TYPE_INTERVAL_DAY_TIME || instant->kind == TYPE_DATE || instant->precision >= 3)
        return instant;
    return sql_type_temporal(arena, instant->kind, 3);
}

static bool temporal(BinaryOp op, const SqlType *l, const SqlType *r, Arena *arena, Arithmetic *ret)
{
    if (scale_interval(op, l, r, ret))
        return true;
    if (op != OP_ADD && op != OP_SUB)
        return false;
    if (is_interval(l) && l->kind == r->kind) {
        *ret = (Arithmetic){l, r, l};
        return true;
    }
    if (is_interval(r) && takes_interval(l, r)) {
        const SqlType *instant = with_milliseconds(l, r, arena);
        *ret = (Arithmetic){instant, r, instant};
        return true;
    }
    if (op == OP_ADD && is_interval(l) && takes_interval(r, l)) {
        const SqlType *instant = with_milliseconds(r, l, arena);
        *ret = (Arithmetic){l, instant, instant};
        return true;
    }
    if (op == OP_SUB && ((is_instant(l) && is_instant(r)) || (is_time(l) && is_time(r)))) {
        const SqlType *common = sql_type_common(l, r, arena);
        *ret = (Arithmetic){common, common, &TYPE_INTERVAL_DAY_TIME_};
        return common != NULL;
    }
    return false;
}

static const char *const symbols[] = {
    [OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/", [OP_MOD] = "%", [OP_EQ] = "=",
    [OP_NE] = "=",  [OP_LT] = "<",  [OP_GT] = "<",  [OP_LE] = "<=", [OP_GE] = "<=", /* > is < turned around,
                                                                                       as Trino has it */
};

static int cannot_apply(ExprContext *c, const Expr *e, const char *hint)
{
    Arena *arena = c->a->arena;
    return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos, "Cannot apply operator: %.*s %s %.*s%s",
                STR_ARG(sql_type_name(e->binary.left->type, arena)), symbols[e->binary.op],
                STR_ARG(sql_type_name(e->binary.right->type, arena)), hint);
}

static int ambiguous(ExprContext *c, const SqlType *l, const SqlType *r)
{
    Arena *arena = c->a->arena;
    return err_set(c->a->err, ERR_AMBIGUOUS_FUNCTION_CALL,
                   "Could not choose a best candidate operator. Explicit type casts "
                   "must be added. Actual types: (%.*s%s%.*s)",
                   STR_ARG(sql_type_name(l, arena)), r ? ", " : "",
                   STR_ARG(r ? sql_type_name(r, arena) : STR("")));
}

/* What a bare NULL stands for beside a value of type `known`: the type that all operators agree on, unknown
 * where they differ, NULL where there is none. */
static const SqlType *null_operand(BinaryOp op, const SqlType *known, bool known_is_left)
{
    bool adds = op == OP_ADD, subtracts = op == OP_SUB;
    if (known->kind == TYPE_UNKNOWN)
        return known;
    if (sql_type_is_numeric(known)) {
        bool scales = (op == OP_MUL && (known->kind == TYPE_BIGINT || known->kind == TYPE_DOUBLE)) ||
                      (op == OP_DIV && known->kind == TYPE_DOUBLE && !known_is_left);
        return scales ? &TYPE_UNKNOWN_ : known;
    }
    if (is_interval(known)) {
        if (op == OP_MUL)
            return &TYPE_BIGINT_;
        if (op == OP_DIV && known_is_left)
            return &TYPE_DOUBLE_;
        return subtracts && known_is_left ? known : adds || subtracts ? &TYPE_UNKNOWN_ : NULL;
    }
    if ((!is_instant(known) && !is_time(known)) || !(adds || subtracts))
        return NULL;
    if (subtracts)
        return known_is_left ? &TYPE_UNKNOWN_ : known;
    /* The intervals differ in what they make of fewer than three digits. */
    bool differ = is_instant(known) && known->kind != TYPE_DATE && known->precision < 3;
    return differ ? &TYPE_UNKNOWN_ : &TYPE_INTERVAL_DAY_TIME_;
}

static int analyze_arithmetic(ExprContext *c, Expr *e)
{
    const SqlType *l = e->binary.left->type, *r = e->binary.right->type;
    Arithmetic found;
    bool unknown = l->kind == TYPE_UNKNOWN || r->kind == TYPE_UNKNOWN;
    if (unknown) {
        bool left = r->kind == TYPE_UNKNOWN;
        const SqlType *stand_in = null_operand(e->binary.op, left ? l : r, left);
        if (!stand_in)
            return cannot_apply(c, e, "");
        if (stand_in->kind == TYPE_UNKNOWN)
            return ambiguous(c, l, r);
        *(left ? &r : &l) = stand_in;
    }
    if (!numeric(e->binary.op, l, r, c->a->arena, &found) &&
        !temporal(e->binary.op, l, r, c->a->arena, &found))
        return cannot_apply(c, e, "");
    coerce_to(c->a, e->binary.left, found.left);
    coerce_to(c->a, e->binary.right, found.right);
    e->type = found.result;
    return 0;
}

static int analyze_unary(ExprContext *c, Expr *e)
{
    if (analyze_expr(c, e->unary.operand) < 0)
        return -1;
    const SqlType *type = e->unary.operand->type;
    e->type = type;
    if (sql_type_is_numeric(type) || (is_interval(type) && e->unary.op == '-'))
        return 0;
    Str name = sql_type_name(type, c->a->arena);
    if (e->unary.op == '+')
        return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos, "Unary '+' operator cannot by applied to %.*s type",
                    STR_ARG(name));
    if (type->kind == TYPE_UNKNOWN)
        return ambiguous(c, type, NULL);
    return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos, "Cannot negate %.*s", STR_ARG(name));
}

/* ---- comparison ---- */

/* The guide's readers compare dates with texts: say what to write instead. */
static const char *date_hint(ExprContext *c, const Expr *e)
{
    const Expr *text = e->binary.right->kind == EXPR_STRING ? e->binary.right : e->binary.left;
    const Expr *other = text == e->binary.right ? e->binary.left : e->binary.right;
    int64_t days;
    TimestampLiteral t;
    if (text->kind != EXPR_STRING || !is_instant(other->type))
        return "";
    const char *keyword = other->type->kind == TYPE_DATE && literal_parse_date(text->text, &days) ? "DATE"
                          : other->type->kind != TYPE_DATE && literal_parse_timestamp(text->text, &t)
                              ? "TIMESTAMP"
                              : NULL;
    if (!keyword)
        return "";
    return arena_printf(c->a->arena, " (hint: write %s '%.*s')", keyword, STR_ARG(text->text)).ptr;
}

int analyze_comparison(ExprContext *c, Expr *e)
{
    Expr *left = e->binary.left, *right = e->binary.right;
    const SqlType *common = sql_type_common(left->type, right->type, c->a->arena);
    bool ordered = e->kind == EXPR_COMPARISON && e->binary.op >= OP_LT;
    bool fits = common && (ordered ? sql_type_is_orderable(common) : sql_type_is_comparable(common));
    if (!fits && e->kind == EXPR_DISTINCT_FROM)
        return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos, "Cannot check if %.*s is identical to %.*s",
                    STR_ARG(sql_type_name(left->type, c->a->arena)),
                    STR_ARG(sql_type_name(right->type, c->a->arena)));
    if (!fits)
        return cannot_apply(c, e, date_hint(c, e));
    coerce_to(c->a, left, common);
    coerce_to(c->a, right, common);
    e->type = &TYPE_BOOLEAN_;
    return 0;
}

int analyze_operator(ExprContext *c, Expr *e)
{
    if (e->kind == EXPR_UNARY)
        return analyze_unary(c, e);
    if (analyze_expr(c, e->binary.left) < 0 || analyze_expr(c, e->binary.right) < 0)
        return -1;
    return e->kind == EXPR_ARITHMETIC ? analyze_arithmetic(c, e) : analyze_comparison(c, e);
}

/* analyze_expr.c - types every kind of expression; operators, calls, literals and names have files of their
 * own. */
#include "query/analyzer/internal.h"

typedef int (*Analyze)(ExprContext *c, Expr *e);

void coerce_to(Analyzer *a, Expr *e, const SqlType *type)
{
    e->coerced = sql_type_equal(e->type, type) ? e->type : type;
    if (e->kind == EXPR_PARAMETER && (size_t)e->parameter < a->n_parameters)
        a->parameter_types[e->parameter] = type;
}

static Str name_of(ExprContext *c, const SqlType *type)
{
    return sql_type_name(type, c->a->arena);
}

int analyze_boolean(ExprContext *c, Expr *e, const char *what)
{
    if (analyze_expr(c, e) < 0)
        return -1;
    if (!sql_type_can_coerce(e->type, &TYPE_BOOLEAN_))
        return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos, "%s must evaluate to a boolean (actual: %.*s)", what,
                    STR_ARG(name_of(c, e->type)));
    coerce_to(c->a, e, &TYPE_BOOLEAN_);
    return 0;
}

static int no_common(ExprContext *c, Expr *const *items, size_t n, size_t at, const SqlType *so_far,
                     const char *what)
{
    Arena *arena = c->a->arena;
    _cleanup_buf_ Buf all = BUF_INIT(1 << 14);
    for (size_t i = 0; i < n; i++) {
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = sql_type_equal(items[i]->type, items[j]->type);
        if (!seen)
            buf_printf(&all, "%s%.*s", i ? ", " : "", STR_ARG(sql_type_name(items[i]->type, arena)));
    }
    return FAIL(c->a, ERR_TYPE_MISMATCH, items[at]->pos,
                "%s must be the same type or coercible to a common type. Cannot find "
                "common type between %.*s and %.*s, all types (without duplicates): [%.*s]",
                what, STR_ARG(sql_type_name(so_far, arena)), STR_ARG(sql_type_name(items[at]->type, arena)),
                STR_ARG(buf_str(&all)));
}

int coerce_to_common(ExprContext *c, Expr *const *items, size_t n, const char *what, const SqlType **ret)
{
    const SqlType *common = &TYPE_UNKNOWN_;
    for (size_t i = 0; i < n; i++)
        if (analyze_expr(c, items[i]) < 0)
            return -1;
    for (size_t i = 0; i < n; i++) {
        const SqlType *next = sql_type_common(common, items[i]->type, c->a->arena);
        if (!next)
            return no_common(c, items, n, i, common, what);
        common = next;
    }
    for (size_t i = 0; i < n; i++)
        coerce_to(c->a, items[i], common);
    *ret = common;
    return 0;
}

/* ---- logic ---- */

static int analyze_logical(ExprContext *c, Expr *e)
{
    e->type = &TYPE_BOOLEAN_;
    for (size_t i = 0; i < e->list.n; i++)
        if (analyze_boolean(c, e->list.items[i], "Logical expression term") < 0)
            return -1;
    return 0;
}

static int analyze_not(ExprContext *c, Expr *e)
{
    e->type = &TYPE_BOOLEAN_;
    return analyze_boolean(c, e->is.operand, "Value of logical NOT expression");
}

static int analyze_is(ExprContext *c, Expr *e)
{
    e->type = &TYPE_BOOLEAN_;
    if (e->kind == EXPR_IS_TRUTH)
        return analyze_boolean(c, e->is.operand, "Value of IS expression");
    return analyze_expr(c, e->is.operand);
}

static int analyze_between(ExprContext *c, Expr *e)
{
    Expr *items[] = {e->between.value, e->between.low, e->between.high};
    const SqlType *common = &TYPE_UNKNOWN_;
    for (size_t i = 0; i < 3; i++) {
        if (analyze_expr(c, items[i]) < 0)
            return -1;
        common = common ? sql_type_common(common, items[i]->type, c->a->arena) : NULL;
    }
    if (!common || !sql_type_is_orderable(common))
        return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos, "Cannot check if %.*s is BETWEEN %.*s and %.*s",
                    STR_ARG(name_of(c, items[0]->type)), STR_ARG(name_of(c, items[1]->type)),
                    STR_ARG(name_of(c, items[2]->type)));
    for (size_t i = 0; i < 3; i++)
        coerce_to(c->a, items[i], common);
    e->type = &TYPE_BOOLEAN_;
    return 0;
}

static int analyze_in_list(ExprContext *c, Expr *e)
{
    Expr **items = arena_array(c->a->arena, Expr *, e->in.n + 1);
    items[0] = e->in.value;
    memcpy(items + 1, e->in.items, e->in.n * sizeof *items);
    const SqlType *common;
    e->type = &TYPE_BOOLEAN_;
    if (coerce_to_common(c, items, e->in.n + 1, "IN value and list items", &common) < 0)
        return -1;
    if (!sql_type_is_comparable(common))
        return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos, "Type %.*s is not comparable",
                    STR_ARG(name_of(c, common)));
    return 0;
}

static int analyze_like(ExprContext *c, Expr *e)
{
    static const char *const roles[] = {"Left side of LIKE expression", "Pattern for LIKE expression",
                                        "Escape for LIKE expression"};
    Expr *items[] = {e->like.value, e->like.pattern, e->like.escape};
    e->type = &TYPE_BOOLEAN_;
    for (size_t i = 0; i < 3 && items[i]; i++) {
        if (analyze_expr(c, items[i]) < 0)
            return -1;
        const SqlType *type = items[i]->type;
        if (type->kind == TYPE_UNKNOWN)
            coerce_to(c->a, items[i], &TYPE_VARCHAR_);
        else if (type->kind != TYPE_VARCHAR && !(i == 0 && type->kind == TYPE_CHAR))
            return FAIL(c->a, ERR_TYPE_MISMATCH, items[i]->pos,
                        "%s must evaluate to a varchar (actual: %.*s)", roles[i], STR_ARG(name_of(c, type)));
    }
    return 0;
}

/* ---- CAST, CASE and its kin ---- */

static int analyze_cast(ExprContext *c, Expr *e)
{
    Error why;
    if (sql_type_resolve(e->cast.type_name, c->a->arena, &e->cast.resolved, &why) < 0)
        return FAIL(c->a, why.code == ERR_TYPE_NOT_FOUND ? ERR_TYPE_MISMATCH : why.code, e->pos, "%s",
                    why.message);
    if (analyze_expr(c, e->cast.operand) < 0)
        return -1;
    e->type = e->cast.resolved;
    const SqlType *from = e->cast.operand->type;
    if (!sql_type_can_cast(from, e->type))
        return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos, "Cannot cast %.*s to %.*s", STR_ARG(name_of(c, from)),
                    STR_ARG(name_of(c, e->type)));
    if (e->cast.operand->kind == EXPR_PARAMETER)
        coerce_to(c->a, e->cast.operand, e->type);
    return 0;
}

static int case_operand(ExprContext *c, Expr *e)
{
    Expr *operand = e->case_.operand;
    const SqlType *common = operand->type;
    for (size_t i = 0; i < e->case_.n; i++) {
        Expr *when = e->case_.whens[i].condition;
        if (analyze_expr(c, when) < 0)
            return -1;
        const SqlType *next = sql_type_common(common, when->type, c->a->arena);
        if (!next || !sql_type_is_comparable(next))
            return FAIL(c->a, ERR_TYPE_MISMATCH, when->pos,
                        "CASE operand type does not match WHEN clause operand type: %.*s vs %.*s",
                        STR_ARG(name_of(c, operand->type)), STR_ARG(name_of(c, when->type)));
        common = next;
    }
    coerce_to(c->a, operand, common);
    for (size_t i = 0; i < e->case_.n; i++)
        coerce_to(c->a, e->case_.whens[i].condition, common);
    return 0;
}

static int analyze_case(ExprContext *c, Expr *e)
{
    if (e->kind == EXPR_CASE_SIMPLE && (analyze_expr(c, e->case_.operand) < 0 || case_operand(c, e) < 0))
        return -1;
    ExprList results = {0};
    for (size_t i = 0; i < e->case_.n; i++) {
        if (e->kind == EXPR_CASE_SEARCHED &&
            analyze_boolean(c, e->case_.whens[i].condition, "CASE WHEN clause") < 0)
            return -1;
        *vec_push(c->a->arena, &results) = e->case_.whens[i].result;
    }
    if (e->case_.otherwise)
        *vec_push(c->a->arena, &results) = e->case_.otherwise;
    return coerce_to_common(c, results.items, results.n, "All CASE results", &e->type);
}

static int analyze_if(ExprContext *c, Expr *e)
{
    Expr *yes = e->case_.whens[0].result, *no = e->case_.otherwise;
    if (analyze_boolean(c, e->case_.whens[0].condition, "IF condition") < 0 || analyze_expr(c, yes) < 0)
        return -1;
    e->type = yes->type;
    if (!no)
        return 0;
    if (analyze_expr(c, no) < 0)
        return -1;
    e->type = sql_type_common(yes->type, no->type, c->a->arena);
    if (!e->type)
        return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos, "Result types for IF must be the same: %.*s vs %.*s",
                    STR_ARG(name_of(c, yes->type)), STR_ARG(name_of(c, no->type)));
    coerce_to(c->a, yes, e->type);
    coerce_to(c->a, no, e->type);
    return 0;
}

static int analyze_coalesce(ExprContext *c, Expr *e)
{
    return coerce_to_common(c, e->list.items, e->list.n, "All COALESCE operands", &e->type);
}

static int analyze_nullif(ExprContext *c, Expr *e)
{
    Expr *left = e->binary.left, *right = e->binary.right;
    if (analyze_expr(c, left) < 0 || analyze_expr(c, right) < 0)
        return -1;
    const SqlType *common = sql_type_common(left->type, right->type, c->a->arena);
    if (!common || !sql_type_is_comparable(common))
        return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos, "Types are not comparable with NULLIF: %.*s vs %.*s",
                    STR_ARG(name_of(c, left->type)), STR_ARG(name_of(c, right->type)));
    e->type = left->type; /* the value itself is not coerced: the emitter compares in the common type */
    return 0;
}

static int analyze_try(ExprContext *c, Expr *e)
{
    if (analyze_expr(c, e->is.operand) < 0)
        return -1;
    e->type = e->is.operand->type;
    return 0;
}

/* ---- date and time ---- */

static const struct {
    const char *field, *function, *kinds;
} extract_fields[] = {
    /* d date, s timestamp (also zoned), t time (also zoned), z zoned only, i interval day to second, y
       interval year to month */
    {"year", "year", "dsy"},
    {"quarter", "quarter", "ds"},
    {"month", "month", "dsy"},
    {"week", "week", "ds"},
    {"day", "day", "dsi"},
    {"day_of_month", "day_of_month", "dsi"},
    {"day_of_week", "day_of_week", "ds"},
    {"dow", "day_of_week", "ds"},
    {"day_of_year", "day_of_year", "ds"},
    {"doy", "day_of_year", "ds"},
    {"year_of_week", "year_of_week", "ds"},
    {"yow", "year_of_week", "ds"},
    {"hour", "hour", "sti"},
    {"minute", "minute", "sti"},
    {"second", "second", "sti"},
    {"timezone_hour", "timezone_hour", "z"},
    {"timezone_minute", "timezone_minute", "z"},
};

static char extract_kind(TypeKind kind)
{
    static const char letters[] = {
        [TYPE_DATE] = 'd',
        [TYPE_TIMESTAMP] = 's',
        [TYPE_TIMESTAMP_TZ] = 's',
        [TYPE_TIME] = 't',
        [TYPE_TIME_TZ] = 't',
        [TYPE_INTERVAL_DAY_TIME] = 'i',
        [TYPE_INTERVAL_YEAR_MONTH] = 'y',
    };
    return kind < sizeof letters ? letters[kind] : 0;
}

static int analyze_extract(ExprContext *c, Expr *e)
{
    Expr *operand = e->extract.operand;
    if (analyze_expr(c, operand) < 0)
        return -1;
    for (size_t i = 0; i < sizeof extract_fields / sizeof *extract_fields; i++) {
        if (!str_is(e->extract.field, extract_fields[i].field))
            continue;
        char kind = extract_kind(operand->type->kind);
        const char *allowed = extract_fields[i].kinds;
        if (!kind || !(strchr(allowed, kind) || (allowed[0] == 'z' && sql_type_is_zoned(operand->type))))
            break;
        /* extract(year FROM x) is year(x). */
        Ident *name = arena_new_of(c->a->arena, Ident);
        *name = (Ident){.text = str_from(extract_fields[i].function), .pos = e->pos};
        Expr **args = arena_array(c->a->arena, Expr *, 1);
        args[0] = operand;
        e->kind = EXPR_FUNCTION;
        memset(&e->call, 0, sizeof e->call);
        e->call.name = (QualifiedName){name, 1, e->pos};
        e->call.args = args;
        e->call.n = 1;
        return analyze_call(c, e);
    }
    Str field = e->extract.field;
    char upper[32];
    size_t n = 0;
    for (; n < field.len && n < sizeof upper - 1; n++)
        upper[n] = field.ptr[n] >= 'a' && field.ptr[n] <= 'z' ? (char)(field.ptr[n] - 32) : field.ptr[n];
    upper[n] = '\0';
    return FAIL(c->a, ERR_TYPE_MISMATCH, operand->pos, "Cannot extract %s from %.*s", upper,
                STR_ARG(name_of(c, operand->type)));
}

static int analyze_at_time_zone(ExprContext *c, Expr *e)
{
    Expr *value = e->at_time_zone.value, *zone = e->at_time_zone.zone;
    if (analyze_expr(c, value) < 0 || (zone && analyze_expr(c, zone) < 0))
        return -1;
    TypeKind kind = value->type->kind;
    if (kind != TYPE_TIME && kind != TYPE_TIME_TZ && kind != TYPE_TIMESTAMP && kind != TYPE_TIMESTAMP_TZ)
        return FAIL(c->a, ERR_TYPE_MISMATCH, value->pos,
                    "Type of value must be a time or timestamp with or without time zone (actual "
                    "%.*s)",
                    STR_ARG(name_of(c, value->type)));
    if (zone && zone->type->kind != TYPE_VARCHAR && zone->type->kind != TYPE_INTERVAL_DAY_TIME)
        return FAIL(c->a, ERR_TYPE_MISMATCH, zone->pos,
                    "Type of time zone must be a varchar or interval (actual %.*s)",
                    STR_ARG(name_of(c, zone->type)));
    bool time = kind == TYPE_TIME || kind == TYPE_TIME_TZ;
    e->type = sql_type_temporal(c->a->arena, time ? TYPE_TIME_TZ : TYPE_TIMESTAMP_TZ, value->type->precision);
    coerce_to(c->a, value, e->type);
    return 0;
}

static const struct {
    const char *name;
    TypeKind kind;
    bool precision;
} currents[] = {
    {"current_date", TYPE_DATE, false},
    {"current_time", TYPE_TIME_TZ, true},
    {"current_timestamp", TYPE_TIMESTAMP_TZ, true},
    {"localtime", TYPE_TIME, true},
    {"localtimestamp", TYPE_TIMESTAMP, true},
    {"current_user", TYPE_VARCHAR, false},
    {"current_catalog", TYPE_VARCHAR, false},
    {"current_schema", TYPE_VARCHAR, false},
    {"current_path", TYPE_VARCHAR, false},
};

static int analyze_current(ExprContext *c, Expr *e)
{
    for (size_t i = 0; i < sizeof currents / sizeof *currents; i++) {
        if (!str_eq_nocase(e->current.name, str_from(currents[i].name)))
            continue;
        int precision = e->current.precision < 0 ? 3 : e->current.precision;
        e->type = currents[i].precision ? sql_type_temporal(c->a->arena, currents[i].kind, precision)
                                        : sql_type_plain(currents[i].kind);
        return 0;
    }
    return FAIL(c->a, ERR_NOT_SUPPORTED, e->pos, "%.*s is not supported", STR_ARG(e->current.name));
}

/* ---- arrays, rows ---- */

static int subscript_row(ExprContext *c, Expr *e)
{
    const SqlType *row = e->subscript.base->type;
    const Expr *index = e->subscript.index;
    if (index->kind != EXPR_INTEGER)
        return FAIL(c->a, ERR_EXPRESSION_NOT_CONSTANT, index->pos,
                    "Subscript expression on ROW requires a constant index");
    if (index->integer.value < 1)
        return FAIL(c->a, ERR_INVALID_FUNCTION_ARGUMENT, index->pos,
                    "Invalid subscript index: %lld. ROW indices start at 1", (long long)index->integer.value);
    if ((uint64_t)index->integer.value > row->n_fields)
        return FAIL(c->a, ERR_INVALID_FUNCTION_ARGUMENT, index->pos,
                    "Subscript index out of bounds: %lld, max value is %zu", (long long)index->integer.value,
                    row->n_fields);
    e->type = row->fields[index->integer.value - 1].type;
    return 0;
}

static int analyze_subscript(ExprContext *c, Expr *e)
{
    Expr *base = e->subscript.base, *index = e->subscript.index;
    if (analyze_expr(c, base) < 0 || analyze_expr(c, index) < 0)
        return -1;
    if (base->type->kind == TYPE_ROW)
        return subscript_row(c, e);
    const SqlType *wanted =
        base->type->kind == TYPE_ARRAY ? &TYPE_BIGINT_
        : base->type->kind == TYPE_MAP ? sql_type_common(base->type->fields[0].type, index->type, c->a->arena)
                                       : NULL;
    if (!wanted || !sql_type_can_coerce(index->type, wanted))
        return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos, "Cannot use %.*s for subscript of %.*s",
                    STR_ARG(name_of(c, index->type)), STR_ARG(name_of(c, base->type)));
    coerce_to(c->a, index, wanted);
    e->type = base->type->fields[base->type->n_fields - 1].type;
    if (base->type->kind == TYPE_MAP)
        coerce_to(c->a, base, sql_type_map(c->a->arena, wanted, e->type));
    return 0;
}

static int analyze_array(ExprContext *c, Expr *e)
{
    const SqlType *element;
    if (coerce_to_common(c, e->list.items, e->list.n, "All ARRAY elements", &element) < 0)
        return -1;
    e->type = sql_type_array(c->a->arena, element);
    return 0;
}

static int analyze_row(ExprContext *c, Expr *e)
{
    RowField *fields = arena_array(c->a->arena, RowField, e->row.n ? e->row.n : 1);
    for (size_t i = 0; i < e->row.n; i++) {
        if (analyze_expr(c, e->row.items[i]) < 0)
            return -1;
        fields[i].type = e->row.items[i]->type;
        if (e->row.names && e->row.names[i].text.ptr)
            fields[i].name = e->row.names[i].quoted ? e->row.names[i].text
                                                    : arena_lower(c->a->arena, e->row.names[i].text);
    }
    e->type = sql_type_row(c->a->arena, fields, e->row.n);
    return 0;
}

static int analyze_grouping(ExprContext *c, Expr *e)
{
    for (size_t i = 0; i < e->list.n; i++)
        if (analyze_expr(c, e->list.items[i]) < 0)
            return -1;
    e->type = e->list.n <= 31 ? &TYPE_INTEGER_ : &TYPE_BIGINT_;
    expr_list_add(c->a, &c->groupings, e);
    return 0;
}

/* ---- the rest ---- */

int analyze_parameter(ExprContext *c, Expr *e)
{
    const AnalyzerSession *session = c->a->session;
    e->type = &TYPE_UNKNOWN_;
    if (session->describe_only || (size_t)e->parameter >= session->n_parameters)
        return session->describe_only
                   ? 0
                   : FAIL(c->a, ERR_INVALID_PARAMETER_USAGE, e->pos, "Query takes no parameters");
    /* A parameter sees no columns of the query. */
    ExprContext constant = {.a = c->a};
    SqlPos pos = e->pos;
    *e = *session->parameters[e->parameter];
    e->pos = pos;
    return analyze_expr(&constant, e);
}

static int analyze_column(ExprContext *c, Expr *e)
{
    if (e->kind == EXPR_COLUMN && !e->column.ref.relation && e->column.ref.depth == -1)
        e->type = e->column.original->lambda.param_types[e->column.ref.index];
    return 0;
}

static int analyze_concat(ExprContext *c, Expr *e)
{
    Ident *name = arena_new_of(c->a->arena, Ident);
    *name = (Ident){.text = STR("concat"), .pos = e->pos};
    Expr **args = arena_array(c->a->arena, Expr *, 2);
    args[0] = e->binary.left;
    args[1] = e->binary.right;
    e->kind = EXPR_FUNCTION;
    memset(&e->call, 0, sizeof e->call);
    e->call.name = (QualifiedName){name, 1, e->pos};
    e->call.args = args;
    e->call.n = 2;
    return analyze_call(c, e);
}

static int refuse(ExprContext *c, Expr *e)
{
    static const struct {
        ExprKind kind;
        const char *what;
    } names[] = {
        {EXPR_LAMBDA, "Lambda expression outside of a function's arguments"},
        {EXPR_STAR, "Expression *"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].kind == e->kind)
            return FAIL(c->a, ERR_NOT_SUPPORTED, e->pos, "%s is not supported", names[i].what);
    return FAIL(c->a, ERR_NOT_SUPPORTED, e->pos, "The expression is not supported");
}

static const Analyze handlers[] = {
    [EXPR_NULL] = analyze_literal,
    [EXPR_BOOLEAN] = analyze_literal,
    [EXPR_INTEGER] = analyze_literal,
    [EXPR_DECIMAL] = analyze_literal,
    [EXPR_DOUBLE] = analyze_literal,
    [EXPR_STRING] = analyze_literal,
    [EXPR_BINARY] = analyze_literal,
    [EXPR_GENERIC_LITERAL] = analyze_literal,
    [EXPR_INTERVAL] = analyze_literal,
    [EXPR_PARAMETER] = analyze_parameter,
    [EXPR_IDENT] = resolve_name,
    [EXPR_DEREFERENCE] = resolve_name,
    [EXPR_STAR] = refuse,
    [EXPR_UNARY] = analyze_operator,
    [EXPR_ARITHMETIC] = analyze_operator,
    [EXPR_CONCAT] = analyze_concat,
    [EXPR_COMPARISON] = analyze_operator,
    [EXPR_DISTINCT_FROM] = analyze_operator,
    [EXPR_AND] = analyze_logical,
    [EXPR_OR] = analyze_logical,
    [EXPR_NOT] = analyze_not,
    [EXPR_IS_NULL] = analyze_is,
    [EXPR_IS_TRUTH] = analyze_is,
    [EXPR_BETWEEN] = analyze_between,
    [EXPR_IN_LIST] = analyze_in_list,
    [EXPR_IN_SUBQUERY] = analyze_subquery_expr,
    [EXPR_LIKE] = analyze_like,
    [EXPR_EXISTS] = analyze_subquery_expr,
    [EXPR_SUBQUERY] = analyze_subquery_expr,
    [EXPR_QUANTIFIED] = analyze_subquery_expr,
    [EXPR_CAST] = analyze_cast,
    [EXPR_CASE_SIMPLE] = analyze_case,
    [EXPR_CASE_SEARCHED] = analyze_case,
    [EXPR_IF] = analyze_if,
    [EXPR_COALESCE] = analyze_coalesce,
    [EXPR_NULLIF] = analyze_nullif,
    [EXPR_TRY] = analyze_try,
    [EXPR_FUNCTION] = analyze_call,
    [EXPR_LAMBDA] = refuse,
    [EXPR_EXTRACT] = analyze_extract,
    [EXPR_AT_TIME_ZONE] = analyze_at_time_zone,
    [EXPR_SUBSCRIPT] = analyze_subscript,
    [EXPR_ARRAY] = analyze_array,
    [EXPR_ROW] = analyze_row,
    [EXPR_GROUPING] = analyze_grouping,
    [EXPR_CURRENT] = analyze_current,
    [EXPR_JSON_FUNCTION] = analyze_json,
    [EXPR_UNIQUE] = analyze_subquery_expr,
    [EXPR_MATCH] = analyze_subquery_expr,
    [EXPR_COLUMN] = analyze_column,
    [EXPR_MEASURE] = analyze_measure,
    [EXPR_PATTERN_INPUT] = analyze_column,
};

int analyze_expr(ExprContext *c, Expr *e)
{
    if (arena_check(c->a->arena, c->a->err) < 0 || handlers[e->kind](c, e) < 0)
        return -1;
    e->coerced = e->type;
    return 0;
}

/* emit_call.c - calls: the templates of functions.def filled in, and the few forms that a template cannot
 * say. */
#include "query/engine/emit_call.h"

/* ---- aggregates and windows: what goes around the arguments ---- */

/* The offset of a frame. DuckDB takes NULL for no limit; as a negative number it is refused, with Trino's
 * text. A row whose key is NULL has its peers for a RANGE, whatever the offset. */
static Str offset_text(Emitter *m, const Window *window, const Expr *offset)
{
    Str value = emit_text(m, offset);
    if (!value.ptr || offset->kind == EXPR_INTEGER || offset->kind == EXPR_DECIMAL ||
        offset->kind == EXPR_INTERVAL)
        return value;
    if (window->unit != FRAME_RANGE)
        return arena_printf(m->arena, "coalesce(%.*s, -1)", STR_ARG(value));
    Str key = emit_own_text(m, window->order_by[0].expr);
    if (!key.ptr)
        return STR_NULL;
    return arena_printf(m->arena, "CASE WHEN %.*s IS NULL AND %.*s IS NOT NULL THEN -1 ELSE %.*s END",
                        STR_ARG(value), STR_ARG(key), STR_ARG(value));
}

static int emit_bound(Emitter *m, const Window *window, const FrameBound *bound, Buf *out)
{
    static const char *const words[] = {
        [BOUND_UNBOUNDED_PRECEDING] = "UNBOUNDED PRECEDING",
        [BOUND_CURRENT_ROW] = "CURRENT ROW",
        [BOUND_UNBOUNDED_FOLLOWING] = "UNBOUNDED FOLLOWING",
    };
    if (bound->kind != BOUND_PRECEDING && bound->kind != BOUND_FOLLOWING)
        return buf_puts(out, words[bound->kind]);
    Str value = offset_text(m, window, bound->value);
    if (!value.ptr)
        return -1;
    /* An interval is a number here; beside a date DuckDB wants its own. */
    TypeKind kind = bound->value->coerced->kind,
             key = window->n_order_by ? window->order_by[0].expr->type->kind : TYPE_UNKNOWN;
    if (key == TYPE_INTERVAL_DAY_TIME || key == TYPE_INTERVAL_YEAR_MONTH)
        kind = TYPE_UNKNOWN;
    const SqlType *ordered = window->n_order_by ? window->order_by[0].expr->type : &TYPE_UNKNOWN_;
    bool is_time = ordered->kind == TYPE_TIME || ordered->kind == TYPE_TIME_TZ,
         in_picos = emit_is_wide(ordered) || ordered->kind == TYPE_TIME_TZ;
    if (window->unit == FRAME_RANGE && in_picos && kind == TYPE_INTERVAL_YEAR_MONTH)
        return emit_not_supported(m, bound->value->pos, "A range of months over %.*s",
                                  STR_ARG(sql_type_name(ordered, m->arena)));
    if (window->unit == FRAME_RANGE && in_picos && kind == TYPE_INTERVAL_DAY_TIME)
        value = arena_printf(m->arena, "(CAST(%.*s AS %s) * 1000000000)", STR_ARG(value),
                             is_time ? "BIGINT" : "HUGEINT");
    else if (window->unit == FRAME_RANGE && kind == TYPE_INTERVAL_DAY_TIME)
        value = arena_printf(m->arena, "to_milliseconds(%.*s)", STR_ARG(value));
    else if (window->unit == FRAME_RANGE && kind == TYPE_INTERVAL_YEAR_MONTH)
        value = arena_printf(m->arena, "to_months(%.*s)", STR_ARG(value));
    return buf_printf(out, "%.*s %s", STR_ARG(value),
                      bound->kind == BOUND_PRECEDING ? "PRECEDING" : "FOLLOWING");
}

static int emit_over(Emitter *m, const Window *window, Buf *out)
{
    static const char *const units[] = {
        [FRAME_ROWS] = "ROWS", [FRAME_RANGE] = "RANGE", [FRAME_GROUPS] = "GROUPS"};
    buf_puts(out, " OVER (");
    for (size_t i = 0; i < window->n_partition_by; i++) {
        Str text = emit_own_text(m, window->partition_by[i]);
        if (!text.ptr)
            return -1;
        buf_puts(out, i ? ", " : "PARTITION BY ");
        emit_key(m, window->partition_by[i]->type, text, out);
    }
    if (window->n_order_by) {
        buf_puts(out, window->n_partition_by ? " ORDER BY " : "ORDER BY ");
        if (emit_sort_items(m, window->order_by, window->n_order_by, false, out) < 0)
            return -1;
    }
    if (window->unit != FRAME_NONE) {
        buf_printf(out, " %s BETWEEN ", units[window->unit]);
        if (emit_bound(m, window, &window->from, out) < 0)
            return -1;
        buf_puts(out, " AND ");
        if (emit_bound(m, window, &window->to, out) < 0)
            return -1;
    }
    return buf_putc(out, ')');
}

/* {args} of a template: "(DISTINCT args ORDER BY …) FILTER (…) OVER (…)". */
static int emit_aggregate(const Call *c, Str args, Buf *out)
{
    const Expr *e = c->e;
    buf_puts(out, e->call.distinct ? "(DISTINCT " : "(");
    buf_add(out, args);
    if (e->call.n_order_by) {
        buf_puts(out, " ORDER BY ");
        if (emit_sort_items(c->m, e->call.order_by, e->call.n_order_by, false, out) < 0)
            return -1;
    }
    buf_puts(out, e->call.nulls == NULLS_IGNORE ? " IGNORE NULLS)" : ")");
    if (e->call.filter) {
        buf_puts(out, " FILTER (WHERE ");
        if (emit_coerced(c->m, e->call.filter, out) < 0)
            return -1;
        buf_putc(out, ')');
    }
    if (e->call.aggregate && c->m->pattern)
        return emit_pattern_over(c->m, e, out);
    return e->call.over ? emit_over(c->m, e->call.over, out) : 0;
}

int emit_aggregate_list(Emitter *m, const Expr *e, Str args, Buf *out)
{
    return emit_aggregate(&(Call){.m = m, .e = e}, args, out);
}

/* ---- templates ---- */

static void put_joined(const Call *c, Buf *out)
{
    for (size_t i = 0; i < c->n; i++)
        buf_printf(out, "%s%.*s", i ? ", " : "", STR_ARG(c->args[i]));
}

/* What stands after a $: returns how many characters it took. */
static size_t put_variable(const Call *c, Str rest, Buf *out)
{
    char what = rest.ptr[0];
    const SqlType *type = c->e->type;
    if (what >= '1' && what <= '9') {
        buf_add(out, c->args[what - '1']);
        return 1;
    }
    if ((what == 'p' || what == 'n') && rest.len > 1 && rest.ptr[1] >= '1' && rest.ptr[1] <= '9') {
        const SqlType *arg = c->e->call.arg_types[rest.ptr[1] - '1'];
        buf_printf(out, "%d", what == 'p' ? arg->precision : arg->length);
        return 2;
    }
    if (what == '*')
        put_joined(c, out);
    else if (what == 'r')
        buf_printf(out, "%.*s", DUCKDB(c->m, type));
    else if (what == 's')
        buf_printf(out, "%d", type->scale);
    else if (what == 'z')
        buf_add(out, emit_zone_literal(c->m));
    return 1;
}

static int fill(const Call *c, Str template, Buf *out)
{
    for (size_t i = 0; i < template.len; i++) {
        char ch = template.ptr[i];
        if (ch == '$' && i + 1 < template.len) {
            i += put_variable(c, str_slice(template, i + 1, template.len), out);
        } else if (ch == '{' && i + 1 < template.len) {
            ptrdiff_t end = str_find_char(str_slice(template, i, template.len), '}');
            _cleanup_buf_ Buf args = BUF_INIT(EMIT_SQL_MAX);
            if (fill(c, str_slice(template, i + 1, i + (size_t)end), &args) < 0 ||
                emit_aggregate(c, buf_str(&args), out) < 0)
                return -1;
            i += (size_t)end;
        } else {
            buf_putc(out, ch);
        }
    }
    return 0;
}

static size_t count_uses(const char *template, size_t arg)
{
    size_t n = 0;
    for (const char *p = template; (p = strchr(p, '$')); p++)
        n += p[1] == (char)('1' + arg);
    return n;
}

/* A scalar template that uses an argument twice gets it by a variable, unless the argument is simple. */
static int emit_template(Call *c, Buf *out)
{
    const char *template = c->e->call.def->emission;
    Lets lets = {0};
    for (size_t i = 0; i < c->n && i < 9 && c->e->call.def->kind == FUNCTION_SCALAR; i++) {
        const Expr *arg = c->e->call.args[i];
        if (arg->kind != EXPR_LAMBDA && !emit_is_simple(arg) && count_uses(template, i) >= 2)
            c->args[i] = emit_lets_add(c->m, &lets, c->args[i]);
    }
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    if (fill(c, str_from(template), &body) < 0)
        return -1;
    emit_lets(out, &lets, buf_str(&body));
    return 0;
}

/* ---- forms of their own ---- */

static int join_with(const Call *c, const char *before, const char *between, const char *after, Buf *out)
{
    buf_puts(out, before);
    for (size_t i = 0; i < c->n; i++)
        buf_printf(out, "%s%.*s", i ? between : "", STR_ARG(c->args[i]));
    return buf_puts(out, after);
}

static int concat(Call *c, Buf *out)
{
    return join_with(c, "(", " || ", ")", out);
}

static int concat_ws(Call *c, Buf *out)
{
    buf_printf(out, "t_concat_ws(%.*s, [", STR_ARG(c->args[0]));
    for (size_t i = 1; i < c->n; i++)
        buf_printf(out, "%s%.*s", i > 1 ? ", " : "", STR_ARG(c->args[i]));
    return buf_puts(out, "])");
}

static bool positive(const Expr *e)
{
    return e->kind == EXPR_INTEGER && e->integer.value > 0 && e->integer.value <= INT32_MAX;
}

static int substr(Call *c, Buf *out)
{
    bool is_char = c->e->call.arg_types[0]->kind == TYPE_CHAR;
    Str text = is_char ? arena_printf(c->m->arena, "t_char_pad(%.*s, %d)", STR_ARG(c->args[0]),
                                      c->e->call.arg_types[0]->length)
                       : c->args[0];
    bool plain = positive(c->e->call.args[1]) && (c->n < 3 || positive(c->e->call.args[2]));
    buf_printf(out, "%s(%.*s, %.*s", plain ? "substring" : "t_substr", STR_ARG(text), STR_ARG(c->args[1]));
    if (c->n == 3)
        buf_printf(out, ", %.*s", STR_ARG(c->args[2]));
    return buf_putc(out, ')');
}

static int type_of(Call *c, Buf *out)
{
    emit_string_literal(out, sql_type_name(c->e->call.args[0]->type, c->m->arena));
    return 0;
}

/* ---- aggregates ---- */

enum { SUM_SAFE_DIGITS = 28 }; /* 10^10 rows of them stay within 38 digits */

static int sum_decimal(Call *c, Buf *out)
{
    bool safe = c->e->call.arg_types[0]->precision <= SUM_SAFE_DIGITS;
    if (!safe)
        buf_printf(out, "t_dec_fit_%d(", c->e->type->scale);
    buf_puts(out, "sum");
    if (emit_aggregate(c, c->args[0], out) < 0)
        return -1;
    return safe ? 0 : buf_putc(out, ')');
}

/* Over windows Trino adds as the machine does, around the ends of the type. */
static int sum_bigint(Call *c, Buf *out)
{
    buf_puts(out, c->e->call.over ? "t_wrap_bigint(sum" : "CAST(sum");
    if (emit_aggregate(c, c->args[0], out) < 0)
        return -1;
    return buf_puts(out, c->e->call.over ? ")" : " AS BIGINT)");
}

/* DuckDB's greatest value is NaN, Trino's only where there is nothing else: as with the least, so the least
 * of the negated. */
static int max(Call *c, Buf *out)
{
    TypeKind kind = c->e->call.arg_types[0]->kind;
    const char *negate = kind == TYPE_NUMBER ? "t_number_neg(" : "(- ";
    bool has_nan = kind == TYPE_DOUBLE || kind == TYPE_REAL || kind == TYPE_NUMBER;
    buf_printf(out, "%s%s", has_nan ? negate : "", has_nan ? "min" : "max");
    Str arg = has_nan ? arena_printf(c->m->arena, "%s%.*s)", negate, STR_ARG(c->args[0])) : c->args[0];
    if (emit_aggregate(c, arg, out) < 0)
        return -1;
    return has_nan ? buf_putc(out, ')') : 0;
}

static int insert_length(Call *c, Buf *out)
{
    buf_printf(out, "t_check_length(%.*s, %d, 'Cannot truncate non-space characters on INSERT')",
               STR_ARG(c->args[0]), c->e->type->length);
    return 0;
}

static const CallForm forms[] = {
    {"@concat", concat},
    {"@concat_ws", concat_ws},
    {"@substr", substr},
    {"@typeof", type_of},
    {"@sum_decimal", sum_decimal},
    {"@sum_bigint", sum_bigint},
    {"@max", max},
    {"@insert_length", insert_length},
};

static int emit_native(Call *c, Buf *out)
{
    const char *emission = c->e->call.def->emission;
    if (emission[0] != '@')
        return emit_template(c, out);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(emission, forms[i].name) == 0)
            return forms[i].emit(c, out);
    static const CallForm *const more[] = {emit_list_forms, emit_time_forms, emit_aggregate_forms,
                                           emit_map_forms, emit_format_forms};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        for (const CallForm *form = more[i]; form->name; form++)
            if (strcmp(emission, form->name) == 0)
                return form->emit(c, out);
    return err_set(c->m->err, ERR_INTERNAL, "no form %s", emission);
}

/* Does the signature itself say that argument i is a time or a timestamp? A function of any type is not in
 * the way of wide values. */
static bool names_time(const char *signature, size_t i)
{
    int depth = 0;
    for (const char *p = signature; *p && i > 0; p++) {
        depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
        if (*p == ',' && depth == 0 && --i == 0)
            signature = p + 1;
    }
    return i == 0 && strncmp(signature, "time", 4) == 0;
}

static bool resets_picos(const char *emission)
{
    return strstr(emission, "date_trunc") != NULL;
}

/* Functions of dates and times know the native types: wide arguments reach them in microseconds, and a wide
 * result has the digits of the argument again. */
static int emit_narrowed(Call *c, Buf *out)
{
    const FunctionDef *def = c->e->call.def;
    Narrowed result = {.type = &TYPE_UNKNOWN_};
    bool knows_wide =
        strcmp(def->emission, "@to_iso8601") == 0 || strcmp(def->emission, "@sequence_times") == 0;
    for (size_t i = 0; i < c->n && !knows_wide; i++) {
        const SqlType *type = c->e->call.arg_types[i];
        if (!emit_is_wide(type) || !names_time(def->signature, i))
            continue;
        bool again = emit_is_wide(c->e->type);
        Narrowed n = emit_narrow_begin(c->m, type, c->args[i], !again || emit_is_simple(c->e->call.args[i]));
        c->args[i] = n.value;
        result = again ? n : result;
    }
    if (result.type == &TYPE_UNKNOWN_)
        return emit_native(c, out);
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    if (emit_native(c, &body) < 0)
        return -1;
    emit_narrow_end(c->m, &result, arena_str(c->m->arena, buf_str(&body)), !resets_picos(def->emission), out);
    return 0;
}

static int emit_arguments(Emitter *m, const Expr *e, Buf *out)
{
    Call c = {m, e, arena_array(m->arena, Str, e->call.n + 1), e->call.n};
    const char *emission = e->call.def->emission;
    bool own_lambdas = emission[0] == '@';
    for (size_t i = 0; i < c.n; i++) {
        if (own_lambdas && e->call.args[i]->kind == EXPR_LAMBDA)
            continue; /* the form puts its values into the body itself */
        c.args[i] = emit_text(m, e->call.args[i]);
        if (!c.args[i].ptr)
            return -1;
    }
    bool done = false;
    if (e->call.distinct && emit_keyed_distinct(&c, &done, out) < 0)
        return -1;
    if (done)
        return 0;
    int guards = emit_call_guard(&c, out);
    return emit_narrowed(&c, out) < 0 || (guards && buf_puts(out, " END") < 0) ? -1 : 0;
}

int emit_call(Emitter *m, const Expr *e, Buf *out)
{
    if (e->call.routine)
        return emit_routine_call(m, e, out);
    int written = e->call.aggregate && m->pattern ? emit_pattern_aggregate(m, e, out) : 0;
    if (written)
        return written < 0 ? -1 : 0;
    bool feeds = m->feeds_aggregate, shows = m->shows_groups,
         is_aggregate = e->call.def->kind == FUNCTION_AGGREGATE && !e->call.over;
    m->feeds_aggregate = feeds || is_aggregate;
    m->shows_groups = shows && !is_aggregate;
    int failed = emit_arguments(m, e, out);
    m->feeds_aggregate = feeds;
    m->shows_groups = shows;
    return failed;
}

/* m[k]: the check's argument is NULL where the key is there; it is never constant, so DuckDB cannot raise it
 * while planning. */
static int emit_map_subscript(Emitter *m, const Expr *e, Str map, Str key, Buf *out)
{
    const SqlType *key_type = e->subscript.base->type->fields[0].type;
    Str text = sql_type_can_cast(key_type, &TYPE_VARCHAR_)
                   ? emit_cast_text(m, key_type, &TYPE_VARCHAR_, key, e->pos)
                   : STR("'?'");
    if (!text.ptr)
        return -1;
    buf_puts(out, "CASE WHEN t_subscript_missing(CASE WHEN ");
    emit_map_contains(m, key_type, map, key, out);
    buf_printf(out, " OR %.*s IS NULL OR %.*s IS NULL THEN NULL ELSE %.*s END) THEN NULL ELSE ",
               STR_ARG(map), STR_ARG(key), STR_ARG(text));
    emit_map_get(m, key_type, map, key, out);
    return buf_puts(out, " END");
}

/* a[i], m[k], r[1] */
int emit_subscript(Emitter *m, const Expr *e, Buf *out)
{
    const Expr *base = e->subscript.base;
    Str value = emit_text(m, base), index = value.ptr ? emit_text(m, e->subscript.index) : STR_NULL;
    if (!index.ptr)
        return -1;
    if (base->type->kind == TYPE_ROW)
        return buf_printf(out, "struct_extract(%.*s, 'f%lld')", STR_ARG(value),
                          (long long)e->subscript.index->integer.value - 1);
    Lets lets = {0};
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    if (!emit_is_simple(base))
        value = emit_lets_add(m, &lets, value);
    if (base->type->kind == TYPE_MAP && !emit_is_simple(e->subscript.index))
        index = emit_lets_add(m, &lets, index);
    if (base->type->kind == TYPE_ARRAY)
        buf_printf(&body, "list_extract(%.*s, t_check_subscript(%.*s, len(%.*s)))", STR_ARG(value),
                   STR_ARG(index), STR_ARG(value));
    else if (emit_map_subscript(m, e, value, index, &body) < 0)
        return -1;
    emit_lets(out, &lets, buf_str(&body));
    return 0;
}

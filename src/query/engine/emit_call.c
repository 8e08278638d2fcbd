/* emit_call.c - calls: the templates of functions.def filled in, and the few forms that a template cannot
 * say. */
#include "query/engine/emit_internal.h"

typedef struct Call {
    Emitter *m;
    const Expr *e;
    Str *args; /* texts in the types of the signature */
    size_t n;
} Call;

/* ---- aggregates and windows: what goes around the arguments ---- */

static int emit_bound(Emitter *m, const Window *window, const FrameBound *bound, Buf *out)
{
    static const char *const words[] = {
        [BOUND_UNBOUNDED_PRECEDING] = "UNBOUNDED PRECEDING",
        [BOUND_CURRENT_ROW] = "CURRENT ROW",
        [BOUND_UNBOUNDED_FOLLOWING] = "UNBOUNDED FOLLOWING",
    };
    if (bound->kind != BOUND_PRECEDING && bound->kind != BOUND_FOLLOWING)
        return buf_puts(out, words[bound->kind]);
    Str value = emit_text(m, bound->value);
    if (!value.ptr)
        return -1;
    /* An interval is a number here; beside a date DuckDB wants its own. */
    TypeKind kind = bound->value->coerced->kind,
             key = window->n_order_by ? window->order_by[0].expr->type->kind : TYPE_UNKNOWN;
    if (key == TYPE_INTERVAL_DAY_TIME || key == TYPE_INTERVAL_YEAR_MONTH)
        kind = TYPE_UNKNOWN;
    if (window->unit == FRAME_RANGE && kind == TYPE_INTERVAL_DAY_TIME)
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
        emit_key(window->partition_by[i]->type, text, out);
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
    return e->call.over ? emit_over(c->m, e->call.over, out) : 0;
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

/* DuckDB's || skips a NULL array. */
static int concat_arrays(Call *c, Buf *out)
{
    Lets lets = {0};
    _cleanup_buf_ Buf nulls = BUF_INIT(EMIT_SQL_MAX), body = BUF_INIT(EMIT_SQL_MAX);
    for (size_t i = 0; i < c->n; i++) {
        if (c->e->call.args[i]->kind == EXPR_ARRAY)
            continue;
        if (!emit_is_simple(c->e->call.args[i]) && lets.n < EMIT_LETS_MAX)
            c->args[i] = emit_lets_add(c->m, &lets, c->args[i]);
        buf_printf(&nulls, "%s%.*s IS NULL", nulls.len ? " OR " : "", STR_ARG(c->args[i]));
    }
    if (nulls.len)
        buf_printf(&body, "CASE WHEN %.*s THEN NULL ELSE ", STR_ARG(buf_str(&nulls)));
    join_with(c, "(", " || ", ")", &body);
    buf_puts(&body, nulls.len ? " END" : "");
    emit_lets(out, &lets, buf_str(&body));
    return 0;
}

static int append(Call *c, Buf *out)
{
    c->args[1] = arena_printf(c->m->arena, "[%.*s]", STR_ARG(c->args[1]));
    return concat_arrays(c, out);
}

static int prepend(Call *c, Buf *out)
{
    c->args[0] = arena_printf(c->m->arena, "[%.*s]", STR_ARG(c->args[0]));
    return concat_arrays(c, out);
}

static int concat_ws(Call *c, Buf *out)
{
    buf_printf(out, "t_concat_ws(%.*s, [", STR_ARG(c->args[0]));
    for (size_t i = 1; i < c->n; i++)
        buf_printf(out, "%s%.*s", i > 1 ? ", " : "", STR_ARG(c->args[i]));
    return buf_puts(out, "])");
}

/* greatest and least are NULL when any argument is. */
static int extreme(Call *c, const char *name, Buf *out)
{
    Lets lets = {0};
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    buf_puts(&body, "CASE WHEN ");
    for (size_t i = 0; i < c->n; i++) {
        if (!emit_is_simple(c->e->call.args[i]) && lets.n < EMIT_LETS_MAX)
            c->args[i] = emit_lets_add(c->m, &lets, c->args[i]);
        buf_printf(&body, "%s%.*s IS NULL", i ? " OR " : "", STR_ARG(c->args[i]));
    }
    buf_printf(&body, " THEN NULL ELSE %s(", name);
    put_joined(c, &body);
    buf_puts(&body, ") END");
    emit_lets(out, &lets, buf_str(&body));
    return 0;
}

static int greatest(Call *c, Buf *out)
{
    return extreme(c, "greatest", out);
}
static int least(Call *c, Buf *out)
{
    return extreme(c, "least", out);
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

static int now(Call *c, Buf *out)
{
    int64_t ms = c->m->context->session->start_us / 1000;
    return buf_printf(out, "t_tz_make(make_timestamp(CAST(%lld AS BIGINT)), %.*s)", (long long)ms * 1000,
                      STR_ARG(emit_zone_literal(c->m)));
}

/* DuckDB's own function where unit and type are plain: it can be pushed into scans. */
static int date_trunc(Call *c, Buf *out)
{
    static const char *const units[] = {"second", "minute", "hour",    "day",
                                        "week",   "month",  "quarter", "year"};
    const Expr *unit = c->e->call.args[0];
    TypeKind kind = c->e->call.arg_types[1]->kind;
    for (size_t i = 0; unit->kind == EXPR_STRING && i < sizeof units / sizeof *units; i++) {
        if (!str_eq_nocase(unit->text, str_from(units[i])) || (kind == TYPE_DATE && i < 3) ||
            kind == TYPE_TIME)
            continue;
        return buf_printf(
            out, kind == TYPE_DATE ? "CAST(date_trunc('%s', %.*s) AS DATE)" : "date_trunc('%s', %.*s)",
            units[i], STR_ARG(c->args[1]));
    }
    return buf_printf(out, "t_date_trunc(%.*s, %.*s)", STR_ARG(c->args[0]), STR_ARG(c->args[1]));
}

/* ---- arrays and maps ---- */

/* The array's first occurrences, NULL as a value. */
static Str distinct_of(Emitter *m, Str array)
{
    Str a = emit_let_name(m), x = emit_let_name(m), i = emit_let_name(m);
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    Str first_null = arena_printf(m->arena, "list_count(list_slice(%.*s, 1, %.*s - 1)) = %.*s - 1",
                                  STR_ARG(a), STR_ARG(i), STR_ARG(i));
    emit_let(&out, a, array,
             arena_printf(m->arena,
                          "list_filter(%.*s, lambda %.*s, %.*s: CASE WHEN %.*s IS NULL THEN %.*s ELSE "
                          "list_position(%.*s, %.*s) = %.*s END)",
                          STR_ARG(a), STR_ARG(x), STR_ARG(i), STR_ARG(x), STR_ARG(first_null), STR_ARG(a),
                          STR_ARG(x), STR_ARG(i)));
    return arena_str(m->arena, buf_str(&out));
}

/* Elements of `of`, each once, for which membership in `in` (NULL as a value) is as wanted. */
static Str by_membership(Emitter *m, Str of, Str in, bool wanted)
{
    Str x = emit_let_name(m);
    return arena_printf(
        m->arena,
        "list_filter(%.*s, lambda %.*s: %s(CASE WHEN %.*s IS NULL THEN list_count(%.*s) < len(%.*s) ELSE "
        "list_contains(%.*s, %.*s) END))",
        STR_ARG(distinct_of(m, of)), STR_ARG(x), wanted ? "" : "NOT ", STR_ARG(x), STR_ARG(in), STR_ARG(in),
        STR_ARG(in), STR_ARG(x));
}

static int array_except(Call *c, Buf *out)
{
    Lets lets = {0};
    Str a = emit_lets_add(c->m, &lets, c->args[0]), b = emit_lets_add(c->m, &lets, c->args[1]);
    emit_lets(out, &lets,
              arena_printf(c->m->arena, "CASE WHEN %.*s IS NULL OR %.*s IS NULL THEN NULL ELSE %.*s END",
                           STR_ARG(a), STR_ARG(b), STR_ARG(by_membership(c->m, a, b, false))));
    return 0;
}

/* In the order of the longer array, as Trino has it. */
static int array_intersect(Call *c, Buf *out)
{
    Lets lets = {0};
    Str a = emit_lets_add(c->m, &lets, c->args[0]), b = emit_lets_add(c->m, &lets, c->args[1]);
    emit_lets(
        out, &lets,
        arena_printf(
            c->m->arena,
            "CASE WHEN %.*s IS NULL OR %.*s IS NULL THEN NULL WHEN len(%.*s) < len(%.*s) THEN %.*s ELSE "
            "%.*s END",
            STR_ARG(a), STR_ARG(b), STR_ARG(a), STR_ARG(b), STR_ARG(by_membership(c->m, b, a, true)),
            STR_ARG(by_membership(c->m, a, b, true))));
    return 0;
}

static int array_distinct(Call *c, Buf *out)
{
    return buf_add(out, distinct_of(c->m, c->args[0]));
}

static int array_union(Call *c, Buf *out)
{
    _cleanup_buf_ Buf both = BUF_INIT(EMIT_SQL_MAX);
    concat_arrays(c, &both);
    return buf_add(out, distinct_of(c->m, buf_str(&both)));
}

static int array_join(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Str x = emit_let_name(m);
    const SqlType *element = c->e->call.arg_types[0]->fields[0].type;
    if (!sql_type_can_cast(element, &TYPE_VARCHAR_))
        return err_set_sql(m->err, ERR_OPERATOR_NOT_FOUND, c->e->pos.line, c->e->pos.column,
                           "Cannot cast %.*s to varchar", STR_ARG(sql_type_name(element, m->arena)));
    Str text = emit_cast_text(m, element, &TYPE_VARCHAR_, x, c->e->pos);
    if (!text.ptr)
        return -1;
    if (c->n == 3)
        text = arena_printf(m->arena, "coalesce(%.*s, %.*s)", STR_ARG(text), STR_ARG(c->args[2]));
    return buf_printf(out, "t_concat_ws(%.*s, list_transform(%.*s, lambda %.*s: %.*s))", STR_ARG(c->args[1]),
                      STR_ARG(c->args[0]), STR_ARG(x), STR_ARG(text));
}

static int slice(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Lets lets = {0};
    Str a = emit_lets_add(m, &lets, c->args[0]), s = emit_lets_add(m, &lets, c->args[1]),
        n = emit_lets_add(m, &lets, c->args[2]);
    Str from =
        arena_printf(m->arena, "CASE WHEN t_check_element(%.*s) > 0 THEN %.*s ELSE len(%.*s) + %.*s + 1 END",
                     STR_ARG(s), STR_ARG(s), STR_ARG(a), STR_ARG(s));
    Str body = arena_printf(
        m->arena,
        "CASE WHEN %.*s IS NULL OR %.*s IS NULL OR %.*s IS NULL THEN NULL WHEN (%.*s) < 1 OR %.*s = 0 THEN "
        "list_slice(%.*s, 2, 1) ELSE list_slice(%.*s, %.*s, least((%.*s) + %.*s - 1, len(%.*s))) END",
        STR_ARG(a), STR_ARG(s), STR_ARG(n), STR_ARG(from), STR_ARG(n), STR_ARG(a), STR_ARG(a), STR_ARG(from),
        STR_ARG(from), STR_ARG(n), STR_ARG(a));
    emit_lets(out, &lets, body);
    return 0;
}

/* Puts values for the parameters of a user lambda: its body over a let of each. */
static Str apply_lambda(Emitter *m, const Expr *lambda, const Str *values)
{
    Str text = emit_text(m, lambda->lambda.body);
    for (size_t i = lambda->lambda.n; text.ptr && i-- > 0;) {
        _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
        emit_let(&out, arena_printf(m->arena, "v%d_%zu", lambda->lambda.id, i), values[i], text);
        text = arena_str(m->arena, buf_str(&out));
    }
    return text;
}

/* array_sort with a comparator: insertion into a sorted list, stable. */
static int array_sort(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Str all = emit_let_name(m), sorted = emit_let_name(m), next = emit_let_name(m), e = emit_let_name(m),
        before = emit_let_name(m);
    Str order =
        apply_lambda(m, c->e->call.args[1], (Str[]){e, arena_printf(m->arena, "%.*s[1]", STR_ARG(next))});
    if (!order.ptr)
        return -1;
    Str count = arena_printf(m->arena, "len(list_filter(%.*s, lambda %.*s: (%.*s) <= 0))", STR_ARG(sorted),
                             STR_ARG(e), STR_ARG(order));
    _cleanup_buf_ Buf step = BUF_INIT(EMIT_SQL_MAX);
    emit_let(&step, before, count,
             arena_printf(m->arena,
                          "list_slice(%.*s, 1, %.*s) || %.*s || list_slice(%.*s, %.*s + 1, len(%.*s))",
                          STR_ARG(sorted), STR_ARG(before), STR_ARG(next), STR_ARG(sorted), STR_ARG(before),
                          STR_ARG(sorted)));
    Str singles = arena_printf(m->arena, "list_transform(%.*s, lambda %.*s: [%.*s])", STR_ARG(all),
                               STR_ARG(e), STR_ARG(e));
    emit_let(out, all, c->args[0],
             arena_printf(m->arena,
                          "CASE WHEN len(%.*s) < 2 THEN %.*s ELSE list_reduce(%.*s, lambda %.*s, %.*s: %.*s) "
                          "END",
                          STR_ARG(all), STR_ARG(all), STR_ARG(singles), STR_ARG(sorted), STR_ARG(next),
                          STR_ARG(buf_str(&step))));
    return 0;
}

static int zip_with(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Lets lets = {0};
    Str a = emit_lets_add(m, &lets, c->args[0]), b = emit_lets_add(m, &lets, c->args[1]),
        i = emit_let_name(m);
    Str values[] = {arena_printf(m->arena, "%.*s[%.*s]", STR_ARG(a), STR_ARG(i)),
                    arena_printf(m->arena, "%.*s[%.*s]", STR_ARG(b), STR_ARG(i))};
    Str element = apply_lambda(m, c->e->call.args[2], values);
    if (!element.ptr)
        return -1;
    Str body = arena_printf(
        m->arena,
        "CASE WHEN %.*s IS NULL OR %.*s IS NULL THEN NULL ELSE list_transform(range(1, greatest(len(%.*s), "
        "len(%.*s)) + 1), lambda %.*s: %.*s) END",
        STR_ARG(a), STR_ARG(b), STR_ARG(a), STR_ARG(b), STR_ARG(i), STR_ARG(element));
    emit_lets(out, &lets, body);
    return 0;
}

static int zip(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Str z = emit_let_name(m);
    _cleanup_buf_ Buf fields = BUF_INIT(EMIT_SQL_MAX);
    for (size_t i = 0; i < c->n; i++)
        buf_printf(&fields, "%sf%zu := %.*s[%zu]", i ? ", " : "", i, STR_ARG(z), i + 1);
    Lets lets = {0};
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    buf_puts(&body, "CASE WHEN ");
    for (size_t i = 0; i < c->n; i++) {
        c->args[i] = emit_lets_add(m, &lets, c->args[i]);
        buf_printf(&body, "%s%.*s IS NULL", i ? " OR " : "", STR_ARG(c->args[i]));
    }
    buf_puts(&body, " THEN NULL ELSE list_transform(list_zip(");
    put_joined(c, &body);
    buf_printf(&body, "), lambda %.*s: struct_pack(%.*s)) END", STR_ARG(z), STR_ARG(buf_str(&fields)));
    emit_lets(out, &lets, buf_str(&body));
    return 0;
}

/* Over the entries of a map: `key` and `value` may be replaced by the lambda's result, or the lambda filters.
 */
static int over_entries(Call *c, const char *what, Buf *out)
{
    Emitter *m = c->m;
    Str e = emit_let_name(m);
    Str key = arena_printf(m->arena, "%.*s.key", STR_ARG(e)),
        value = arena_printf(m->arena, "%.*s.value", STR_ARG(e));
    Str result = apply_lambda(m, c->e->call.args[1], (Str[]){key, value});
    if (!result.ptr)
        return -1;
    if (what[0] == 'f')
        return buf_printf(out, "map_from_entries(list_filter(map_entries(%.*s), lambda %.*s: %.*s))",
                          STR_ARG(c->args[0]), STR_ARG(e), STR_ARG(result));
    return buf_printf(
        out,
        "map_from_entries(list_transform(map_entries(%.*s), lambda %.*s: struct_pack(k := %.*s, v := %.*s)))",
        STR_ARG(c->args[0]), STR_ARG(e), STR_ARG(what[0] == 'k' ? result : key),
        STR_ARG(what[0] == 'k' ? value : result));
}

static int map_filter(Call *c, Buf *out)
{
    return over_entries(c, "filter", out);
}
static int transform_keys(Call *c, Buf *out)
{
    return over_entries(c, "keys", out);
}
static int transform_values(Call *c, Buf *out)
{
    return over_entries(c, "values", out);
}

/* map_zip_with: over the keys of both, a value missing on one side is NULL. */
static int map_zip_with(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Lets lets = {0};
    Str a = emit_lets_add(m, &lets, c->args[0]), b = emit_lets_add(m, &lets, c->args[1]),
        k = emit_let_name(m);
    Str values[] = {k, arena_printf(m->arena, "map_extract_value(%.*s, %.*s)", STR_ARG(a), STR_ARG(k)),
                    arena_printf(m->arena, "map_extract_value(%.*s, %.*s)", STR_ARG(b), STR_ARG(k))};
    Str result = apply_lambda(m, c->e->call.args[2], values);
    if (!result.ptr)
        return -1;
    Str keys =
        distinct_of(m, arena_printf(m->arena, "(map_keys(%.*s) || map_keys(%.*s))", STR_ARG(a), STR_ARG(b)));
    emit_lets(
        out, &lets,
        arena_printf(m->arena,
                     "CASE WHEN %.*s IS NULL OR %.*s IS NULL THEN NULL ELSE map_from_entries(list_transform("
                     "%.*s, lambda %.*s: struct_pack(k := %.*s, v := %.*s))) END",
                     STR_ARG(a), STR_ARG(b), STR_ARG(keys), STR_ARG(k), STR_ARG(k), STR_ARG(result)));
    return 0;
}

/* array(row(K, V)) to a map of K to all its V. */
static int multimap_from_entries(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Str all = emit_let_name(m), k = emit_let_name(m), e = emit_let_name(m);
    Str keys =
        distinct_of(m, arena_printf(m->arena, "list_transform(%.*s, lambda %.*s: struct_extract(%.*s, 'f0'))",
                                    STR_ARG(all), STR_ARG(e), STR_ARG(e)));
    Str values =
        arena_printf(m->arena,
                     "list_transform(list_filter(%.*s, lambda %.*s: struct_extract(%.*s, 'f0') = %.*s), "
                     "lambda %.*s: struct_extract(%.*s, 'f1'))",
                     STR_ARG(all), STR_ARG(e), STR_ARG(e), STR_ARG(k), STR_ARG(e), STR_ARG(e));
    emit_let(
        out, all, c->args[0],
        arena_printf(m->arena,
                     "map_from_entries(list_transform(%.*s, lambda %.*s: struct_pack(k := %.*s, v := %.*s)))",
                     STR_ARG(keys), STR_ARG(k), STR_ARG(k), STR_ARG(values)));
    return 0;
}

static int array_histogram(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Str all = emit_let_name(m), k = emit_let_name(m), e = emit_let_name(m);
    Str known = arena_printf(m->arena, "list_filter(%.*s, lambda %.*s: %.*s IS NOT NULL)",
                             STR_ARG(c->args[0]), STR_ARG(e), STR_ARG(e));
    Str count = arena_printf(m->arena, "CAST(len(list_filter(%.*s, lambda %.*s: %.*s = %.*s)) AS BIGINT)",
                             STR_ARG(all), STR_ARG(e), STR_ARG(e), STR_ARG(k));
    emit_let(
        out, all, known,
        arena_printf(m->arena,
                     "map_from_entries(list_transform(%.*s, lambda %.*s: struct_pack(k := %.*s, v := %.*s)))",
                     STR_ARG(distinct_of(m, all)), STR_ARG(k), STR_ARG(k), STR_ARG(count)));
    return 0;
}

/* DuckDB folds in the element's type: the state's type must hold the elements too. */
static int reduce(Call *c, Buf *out)
{
    Emitter *m = c->m;
    const Expr *step = c->e->call.args[2], *finish = c->e->call.args[3];
    const SqlType *state = c->e->call.arg_types[1], *element = c->e->call.arg_types[0]->fields[0].type;
    if (!emit_cast_is_free(element, state) &&
        !(sql_type_can_coerce(element, state) && sql_type_is_numeric(element)))
        return emit_not_supported(
            m, c->e->pos, "reduce() with a state of type %.*s over elements of type %.*s",
            STR_ARG(sql_type_name(state, m->arena)), STR_ARG(sql_type_name(element, m->arena)));
    Str body = emit_text(m, step->lambda.body);
    if (!body.ptr)
        return -1;
    Str list =
        emit_cast_text(m, c->e->call.arg_types[0], sql_type_array(m->arena, state), c->args[0], c->e->pos);
    Str x = arena_printf(m->arena, "v%d_1", step->lambda.id);
    if (!sql_type_equal(element, state)) {
        _cleanup_buf_ Buf typed = BUF_INIT(EMIT_SQL_MAX);
        Str wide = emit_let_name(m);
        emit_let(&typed, x, arena_printf(m->arena, "CAST(%.*s AS %.*s)", STR_ARG(wide), DUCKDB(m, element)),
                 body);
        body = arena_str(m->arena, buf_str(&typed));
        x = wide;
    }
    Str folded = arena_printf(m->arena, "list_reduce(%.*s, lambda v%d_0, %.*s: %.*s, %.*s)", STR_ARG(list),
                              step->lambda.id, STR_ARG(x), STR_ARG(body), STR_ARG(c->args[1]));
    Str result = apply_lambda(m, finish, &folded);
    return result.ptr ? buf_add(out, result) : -1;
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

/* DuckDB's greatest value is NaN, Trino's only where there is nothing else: as with the least, so the least
 * of the negated. */
static int max(Call *c, Buf *out)
{
    TypeKind kind = c->e->call.arg_types[0]->kind;
    bool floating = kind == TYPE_DOUBLE || kind == TYPE_REAL;
    buf_puts(out, floating ? "(- min" : "max");
    if (emit_aggregate(c, floating ? arena_printf(c->m->arena, "(- %.*s)", STR_ARG(c->args[0])) : c->args[0],
                       out) < 0)
        return -1;
    return floating ? buf_putc(out, ')') : 0;
}

/* All pairs as a list, then a map of the first of each key (map_agg), or of all values of each key
 * (multimap_agg). */
static int aggregate_map(Call *c, bool multi, Buf *out)
{
    Emitter *m = c->m;
    Str all = emit_let_name(m), e = emit_let_name(m), i = emit_let_name(m), o = emit_let_name(m);
    _cleanup_buf_ Buf pairs = BUF_INIT(EMIT_SQL_MAX);
    buf_puts(&pairs, "list");
    if (emit_aggregate(c,
                       arena_printf(m->arena, "struct_pack(k := %.*s, v := %.*s)", STR_ARG(c->args[0]),
                                    STR_ARG(c->args[1])),
                       &pairs) < 0)
        return -1;
    /* Sorted by key, and by place where keys are equal: what is the first of its key differs from the entry
     * before it. */
    Str known = arena_printf(
        m->arena,
        "list_sort(list_transform(list_filter(%.*s, lambda %.*s: %.*s.k IS NOT NULL), lambda %.*s, %.*s: "
        "struct_pack(k := %.*s.k, i := %.*s, v := %.*s.v)))",
        STR_ARG(buf_str(&pairs)), STR_ARG(o), STR_ARG(o), STR_ARG(o), STR_ARG(i), STR_ARG(o), STR_ARG(i),
        STR_ARG(o));
    Str firsts = arena_printf(
        m->arena,
        "list_filter(%.*s, lambda %.*s, %.*s: %.*s = 1 OR %.*s[%.*s - 1].k IS DISTINCT FROM %.*s.k)",
        STR_ARG(all), STR_ARG(e), STR_ARG(i), STR_ARG(i), STR_ARG(all), STR_ARG(i), STR_ARG(e));
    if (multi)
        firsts = arena_printf(m->arena,
                              "list_transform(%.*s, lambda %.*s: struct_pack(k := %.*s.k, v := "
                              "list_transform(list_filter(%.*s, lambda "
                              "%.*s: %.*s.k = %.*s.k), lambda %.*s: %.*s.v)))",
                              STR_ARG(firsts), STR_ARG(e), STR_ARG(e), STR_ARG(all), STR_ARG(o), STR_ARG(o),
                              STR_ARG(e), STR_ARG(o), STR_ARG(o));
    if (!multi)
        firsts =
            arena_printf(m->arena, "list_transform(%.*s, lambda %.*s: struct_pack(k := %.*s.k, v := %.*s.v))",
                         STR_ARG(firsts), STR_ARG(o), STR_ARG(o), STR_ARG(o));
    emit_let(out, all, known, arena_printf(m->arena, "map_from_entries(%.*s)", STR_ARG(firsts)));
    return 0;
}

static int map_agg(Call *c, Buf *out)
{
    return aggregate_map(c, false, out);
}
static int multimap_agg(Call *c, Buf *out)
{
    return aggregate_map(c, true, out);
}

static int insert_length(Call *c, Buf *out)
{
    buf_printf(out, "t_check_length(%.*s, %d, 'Cannot truncate non-space characters on INSERT')",
               STR_ARG(c->args[0]), c->e->type->length);
    return 0;
}

static const struct {
    const char *name;
    int (*emit)(Call *c, Buf *out);
} forms[] = {
    {"@concat", concat},
    {"@concat_arrays", concat_arrays},
    {"@append", append},
    {"@prepend", prepend},
    {"@concat_ws", concat_ws},
    {"@greatest", greatest},
    {"@least", least},
    {"@substr", substr},
    {"@typeof", type_of},
    {"@now", now},
    {"@date_trunc", date_trunc},
    {"@array_except", array_except},
    {"@array_intersect", array_intersect},
    {"@array_union", array_union},
    {"@array_distinct", array_distinct},
    {"@array_join", array_join},
    {"@slice", slice},
    {"@array_sort", array_sort},
    {"@zip_with", zip_with},
    {"@zip", zip},
    {"@map_filter", map_filter},
    {"@transform_keys", transform_keys},
    {"@transform_values", transform_values},
    {"@map_zip_with", map_zip_with},
    {"@multimap_from_entries", multimap_from_entries},
    {"@array_histogram", array_histogram},
    {"@reduce", reduce},
    {"@sum_decimal", sum_decimal},
    {"@max", max},
    {"@map_agg", map_agg},
    {"@multimap_agg", multimap_agg},
    {"@insert_length", insert_length},
};

int emit_call(Emitter *m, const Expr *e, Buf *out)
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
    if (!own_lambdas)
        return emit_template(&c, out);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(emission, forms[i].name) == 0)
            return forms[i].emit(&c, out);
    return err_set(m->err, ERR_INTERNAL, "no form %s", emission);
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
    return buf_printf(out,
                      "CASE WHEN t_subscript_missing(CASE WHEN map_contains(%.*s, %.*s) OR %.*s IS NULL OR "
                      "%.*s IS NULL THEN NULL ELSE "
                      "%.*s END) THEN NULL ELSE map_extract_value(%.*s, %.*s) END",
                      STR_ARG(map), STR_ARG(key), STR_ARG(map), STR_ARG(key), STR_ARG(text), STR_ARG(map),
                      STR_ARG(key));
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

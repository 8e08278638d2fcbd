/* emit_aggregate.c - aggregates that a template of functions.def cannot say: those that need to know the
 * types of their arguments, or that fold a list. */
#include "query/engine/emit_call.h"

static const SqlType *arg_type(Call *a, size_t i)
{
    return a->e->call.arg_types[i];
}

/* "name(DISTINCT args …) FILTER (…) OVER (…)" */
static int call(Call *a, const char *name, Str args, Buf *out)
{
    buf_puts(out, name);
    return emit_aggregate_list(a->m, a->e, args, out);
}

static Str call_text(Call *a, const char *name, Str args)
{
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    return call(a, name, args, &out) < 0 ? STR_NULL : arena_str(a->m->arena, buf_str(&out));
}

/* ---- hashes ---- */

enum { SHORT_DECIMAL = 18, SHORT_TIMESTAMP = 6, SHORT_ZONED = 3, SHORT_TIME_TZ = 9 };

/* How t_xx_hash() reads a value: one letter, or that of a list (a), a map (m) or a row (r … ')') and those of
 * what is inside. */
static int hash_kind(Call *a, const SqlType *type, Buf *out)
{
    static const char plain[] = {
        [TYPE_UNKNOWN] = 'b',
        [TYPE_BOOLEAN] = 'b',
        [TYPE_TINYINT] = 'i',
        [TYPE_SMALLINT] = 'i',
        [TYPE_INTEGER] = 'i',
        [TYPE_BIGINT] = 'i',
        [TYPE_REAL] = 'f',
        [TYPE_DOUBLE] = 'd',
        [TYPE_VARCHAR] = 's',
        [TYPE_CHAR] = 's',
        [TYPE_VARBINARY] = 's',
        [TYPE_JSON] = 's',
        [TYPE_DATE] = 'i',
        [TYPE_ARRAY] = 'a',
        [TYPE_MAP] = 'm',
        [TYPE_ROW] = 'r',
        [TYPE_INTERVAL_DAY_TIME] = 'i',
        [TYPE_INTERVAL_YEAR_MONTH] = 'i',
    };
    bool wide = emit_is_wide(type);
    char letter = (size_t)type->kind < sizeof plain ? plain[type->kind] : 0;
    if (type->kind == TYPE_DECIMAL)
        letter = type->precision <= SHORT_DECIMAL ? 'i' : 'w';
    else if (type->kind == TYPE_TIME)
        letter = wide ? 'i' : 't';
    else if (type->kind == TYPE_TIMESTAMP)
        letter = wide ? 'T' : 'i';
    else if (type->kind == TYPE_TIMESTAMP_TZ)
        letter = wide ? 'Y' : type->precision <= SHORT_ZONED ? 'z' : 'y';
    else if (type->kind == TYPE_TIME_TZ)
        letter = type->precision <= SHORT_TIME_TZ ? 'o' : 'O';
    if (!letter)
        return emit_not_supported(a->m, a->e->pos, "%s of %.*s", a->e->call.def->name,
                                  STR_ARG(sql_type_name(type, a->m->arena)));
    buf_putc(out, letter);
    for (size_t i = 0; i < type->n_fields; i++)
        if (hash_kind(a, type->fields[i].type, out) < 0)
            return -1;
    return type->kind == TYPE_ROW ? buf_putc(out, ')') : 0;
}

static Str hash_text(Call *a)
{
    _cleanup_buf_ Buf kind = BUF_INIT(1 << 16);
    if (hash_kind(a, arg_type(a, 0), &kind) < 0)
        return STR_NULL;
    return arena_printf(a->m->arena, "t_xx_hash(%.*s, '%.*s')", STR_ARG(a->args[0]), STR_ARG(buf_str(&kind)));
}

static int checksum(Call *a, Buf *out)
{
    Str hash = hash_text(a);
    return hash.ptr ? call(a, "t_checksum", hash, out) : -1;
}

/* Types whose hash in Trino is not known here may have any: only the estimate is seen. */
static int approx_distinct(Call *a, Buf *out)
{
    TypeKind kind = arg_type(a, 0)->kind;
    bool opaque = kind == TYPE_UUID || kind == TYPE_IPADDRESS || kind == TYPE_NUMBER;
    Str hash = opaque
                   ? arena_printf(a->m->arena, "t_xx_hash(CAST(%.*s AS VARCHAR), 's')", STR_ARG(a->args[0]))
                   : hash_text(a);
    if (!hash.ptr)
        return -1;
    Str error = a->n > 1 ? a->args[1] : STR("CAST(0.023 AS DOUBLE)");
    if (kind == TYPE_BOOLEAN)
        error = STR("CAST(0.023 AS DOUBLE)"); /* Trino counts them exactly, and looks at no error */
    return call(a, "t_approx_distinct",
                arena_printf(a->m->arena, "%.*s, %.*s", STR_ARG(hash), STR_ARG(error)), out);
}

static long long power_of_ten(int n)
{
    long long v = 1;
    while (n-- > 0)
        v *= 10;
    return v;
}

/* What Trino has as a 64-bit integer, or as bytes; it has no digest of the rest. */
static int make_set_digest(Call *a, Buf *out)
{
    const SqlType *type = arg_type(a, 0);
    Str x = a->args[0];
    Arena *arena = a->m->arena;
    switch (type->kind) {
    case TYPE_BIGINT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
    case TYPE_VARBINARY:
    case TYPE_INTERVAL_DAY_TIME:
        return call(a, "t_set_digest", x, out);
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_INTERVAL_YEAR_MONTH:
        return call(a, "t_set_digest", arena_printf(arena, "CAST(%.*s AS BIGINT)", STR_ARG(x)), out);
    case TYPE_DATE:
        return call(a, "t_set_digest",
                    arena_printf(arena, "CAST((%.*s - DATE '1970-01-01') AS BIGINT)", STR_ARG(x)), out);
    case TYPE_DECIMAL:
        if (type->precision <= SHORT_DECIMAL)
            return call(a, "t_set_digest",
                        arena_printf(arena, "CAST(CAST(%.*s AS DECIMAL(38,%d)) * %lld AS BIGINT)", STR_ARG(x),
                                     type->scale, power_of_ten(type->scale)),
                        out);
        break;
    case TYPE_UNKNOWN:
    case TYPE_BOOLEAN:
    case TYPE_DOUBLE:
        return err_set_sql(a->m->err, ERR_FUNCTION_IMPLEMENTATION_MISSING, 0, 0,
                           "Unsupported type parameters (system.builtin.make_set_digest(%.*s):SetDigest) for "
                           "<T>(T):setdigest",
                           STR_ARG(sql_type_name(type, arena)));
    default:
        break;
    }
    return emit_not_supported(a->m, a->e->pos, "make_set_digest of %.*s",
                              STR_ARG(sql_type_name(type, arena)));
}

/* ---- min, max, min_by, max_by ---- */

static bool is_floating(const SqlType *type)
{
    return type->kind == TYPE_DOUBLE || type->kind == TYPE_REAL;
}

static bool is_good_count(const Expr *n)
{
    return n->kind == EXPR_INTEGER && n->integer.value > 0 && n->integer.value <= 10000;
}

/* The number of values is that of the first row that counts: one without a number, or without a key, does
 * not. What DuckDB would say of a bad one is not what Trino says: it gets a good one. */
static Str count_text(Call *a, size_t i)
{
    if (is_good_count(a->e->call.args[i]))
        return a->args[i];
    return arena_printf(a->m->arena, "least(greatest(coalesce(%.*s, 1), 1), 10000)", STR_ARG(a->args[i]));
}

/* `value`, after a look at the number. */
static int with_count_checked(Call *a, size_t i, Str key, const char *name, Str value, Buf *out)
{
    if (is_good_count(a->e->call.args[i]))
        return buf_add(out, value);
    Str counts = arena_printf(a->m->arena, "CASE WHEN %.*s IS NULL THEN NULL ELSE %.*s END", STR_ARG(key),
                              STR_ARG(a->args[i]));
    Str n = call_text(a, "any_value", counts);
    return n.ptr ? buf_printf(out, "CASE WHEN t_check_n(%.*s, '%s') IS NULL THEN NULL ELSE %.*s END",
                              STR_ARG(n), name, STR_ARG(value))
                 : -1;
}

static Str known_if(Call *a, size_t n, Str value)
{
    if (a->e->call.args[n]->kind == EXPR_INTEGER)
        return value;
    return arena_printf(a->m->arena, "CASE WHEN %.*s IS NULL THEN NULL ELSE %.*s END", STR_ARG(a->args[n]),
                        STR_ARG(value));
}

/* NaN comes last among the least, and among the greatest. */
static int extreme_n(Call *a, bool greatest, Buf *out)
{
    Arena *arena = a->m->arena;
    bool turns = greatest && is_floating(arg_type(a, 0));
    Str n = count_text(a, 1), x = known_if(a, 1, a->args[0]);
    Str args = turns ? arena_printf(arena, "(- %.*s), %.*s", STR_ARG(x), STR_ARG(n))
                     : arena_printf(arena, "%.*s, %.*s", STR_ARG(x), STR_ARG(n));
    Str m = emit_let_name(a->m), list = call_text(a, greatest && !turns ? "max" : "min", args);
    if (!list.ptr)
        return -1;
    if (turns)
        list = arena_printf(arena, "list_transform(%.*s, lambda %.*s: (- %.*s))", STR_ARG(list), STR_ARG(m),
                            STR_ARG(m));
    return with_count_checked(a, 1, a->args[0], greatest ? "max_n" : "min_n", list, out);
}

static int max_n(Call *a, Buf *out)
{
    return extreme_n(a, true, out);
}
static int min_n(Call *a, Buf *out)
{
    return extreme_n(a, false, out);
}

static int extreme_by(Call *a, bool greatest, const char *check, Buf *out)
{
    Arena *arena = a->m->arena;
    bool turns = greatest && is_floating(arg_type(a, 1)), many = a->n == 3;
    Str key = many ? known_if(a, 2, a->args[1]) : a->args[1];
    if (turns)
        key = arena_printf(arena, "(- %.*s)", STR_ARG(key));
    const char *name = greatest && !turns ? (many ? "arg_max" : "arg_max_null")
                                          : (many ? "arg_min" : "arg_min_null");
    if (!many)
        return call(a, name, arena_printf(arena, "%.*s, %.*s", STR_ARG(a->args[0]), STR_ARG(key)), out);
    /* A value may be NULL, the struct around it is not. */
    Str args = arena_printf(arena, "struct_pack(v := %.*s), %.*s, %.*s", STR_ARG(a->args[0]), STR_ARG(key),
                            STR_ARG(count_text(a, 2)));
    Str list = call_text(a, name, args);
    if (!list.ptr)
        return -1;
    Str m = emit_let_name(a->m);
    Str values = arena_printf(arena, "list_transform(%.*s, lambda %.*s: %.*s.v)", STR_ARG(list), STR_ARG(m),
                              STR_ARG(m));
    return with_count_checked(a, 2, a->args[1], check, values, out);
}

static int max_by(Call *a, Buf *out)
{
    return extreme_by(a, true, "max_by", out);
}
static int min_by(Call *a, Buf *out)
{
    return extreme_by(a, false, "min_by", out);
}

/* ---- listagg ---- */

static int listagg(Call *a, Buf *out)
{
    Arena *arena = a->m->arena;
    const Expr *e = a->e;
    Str separator = a->n > 1 ? a->args[1] : STR("''");
    bool cuts = e->call.overflow_truncate;
    Str text = call_text(a, cuts ? "list" : "string_agg",
                         cuts ? a->args[0]
                              : arena_printf(arena, "%.*s, %.*s", STR_ARG(a->args[0]), STR_ARG(separator)));
    if (!text.ptr)
        return -1;
    if (!cuts)
        return buf_printf(out, "t_listagg_fits(%.*s)", STR_ARG(text));
    buf_printf(out, "t_listagg_truncate(%.*s, %.*s, ", STR_ARG(text), STR_ARG(separator));
    emit_string_literal(out, e->call.overflow_filler.ptr ? e->call.overflow_filler : STR("..."));
    return buf_printf(out, ", %s)", e->call.overflow_count ? "true" : "false");
}

/* ---- reduce_agg ---- */

/* States that Java holds in a long, a double or a boolean. */
static bool is_state(const SqlType *type)
{
    switch (type->kind) {
    case TYPE_VARCHAR:
    case TYPE_CHAR:
    case TYPE_VARBINARY:
    case TYPE_JSON:
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_ROW:
    case TYPE_NUMBER:
    case TYPE_UUID:
    case TYPE_IPADDRESS:
        return false;
    default:
        return type->kind != TYPE_DECIMAL || type->precision <= SHORT_DECIMAL;
    }
}

/* DuckDB folds in the elements' type: they are pairs of a value and a state, and the state goes along. */
static int reduce_agg(Call *a, Buf *out)
{
    Arena *arena = a->m->arena;
    const Expr *step = a->e->call.args[2];
    const SqlType *value = arg_type(a, 0), *state = arg_type(a, 1);
    bool is_pair = emit_is_wide(state) ? state->kind != TYPE_TIME : state->kind == TYPE_TIMESTAMP_TZ &&
                                                                    state->precision > SHORT_ZONED;
    bool is_long = state->kind == TYPE_DECIMAL && state->precision > SHORT_DECIMAL;
    if (is_long || (is_pair && (state->kind != TYPE_TIME_TZ || state->precision > SHORT_TIME_TZ)))
        return err_set_sql(a->m->err, ERR_NOT_SUPPORTED, 0, 0,
                           "State type not supported for reduce_agg: %.*s",
                           STR_ARG(sql_type_name(state, arena)));
    if (!is_state(state))
        return emit_not_supported(a->m, a->e->pos, "reduce_agg with a state of %.*s",
                                  STR_ARG(sql_type_name(state, arena)));
    Str body = emit_text(a->m, step->lambda.body);
    Str known = arena_printf(arena,
                             "CASE WHEN %.*s IS NULL OR %.*s IS NULL THEN NULL ELSE struct_pack(x := "
                             "CAST(%.*s AS %.*s), s := CAST(%.*s AS %.*s)) END",
                             STR_ARG(a->args[0]), STR_ARG(a->args[1]), STR_ARG(a->args[0]),
                             DUCKDB(a->m, value), STR_ARG(a->args[1]), DUCKDB(a->m, state));
    Str list = call_text(a, "list", known);
    if (!body.ptr || !list.ptr)
        return -1;
    Str all = emit_let_name(a->m), s = emit_let_name(a->m), e = emit_let_name(a->m);
    /* the lambda's parameters are named v<id>_0 (the state) and v<id>_1 */
    Str inner = arena_printf(arena, "v%d_1", step->lambda.id),
        outer = arena_printf(arena, "v%d_0", step->lambda.id);
    _cleanup_buf_ Buf with_value = BUF_INIT(EMIT_SQL_MAX), with_state = BUF_INIT(EMIT_SQL_MAX);
    emit_let(&with_value, inner, arena_printf(arena, "%.*s.x", STR_ARG(e)), body);
    emit_let(&with_state, outer, arena_printf(arena, "%.*s.s", STR_ARG(s)),
             arena_str(arena, buf_str(&with_value)));
    emit_let(out, all,
             arena_printf(arena, "list_filter(%.*s, lambda %.*s: %.*s IS NOT NULL)", STR_ARG(list),
                          STR_ARG(e), STR_ARG(e)),
             arena_printf(arena,
                          "CASE WHEN len(%.*s) = 0 THEN NULL ELSE list_reduce(%.*s, lambda %.*s, %.*s: "
                          "struct_pack(x := %.*s.x, s := CAST(%.*s AS %.*s)), %.*s[1]).s END",
                          STR_ARG(all), STR_ARG(all), STR_ARG(s), STR_ARG(e), STR_ARG(s),
                          STR_ARG(buf_str(&with_state)), DUCKDB(a->m, state), STR_ARG(all)));
    return 0;
}

const CallForm emit_aggregate_forms[] = {
    {"@checksum", checksum},
    {"@listagg", listagg},
    {"@approx_distinct", approx_distinct},
    {"@make_set_digest", make_set_digest},
    {"@max_n", max_n},
    {"@min_n", min_n},
    {"@max_by", max_by},
    {"@max_by_n", max_by},
    {"@min_by", min_by},
    {"@min_by_n", min_by},
    {"@reduce_agg", reduce_agg},
    {NULL, NULL},
};

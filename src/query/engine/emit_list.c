/* emit_list.c - calls on arrays and maps that need more than a template.
 *
 * What depends on how elements compare is a t_* function that answers with positions; DuckDB takes the
 * elements (functions/t_array.c says why). Lambdas are DuckDB's; the values of their parameters are bound by
 * lets. */
#include "query/engine/emit_call.h"

/* The template with $a, $b, … replaced by parts[0], parts[1], … */
static Str form(Emitter *m, const char *template, const Str *parts)
{
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    for (const char *p = template; *p; p++) {
        if (*p == '$')
            buf_add(&out, parts[*++p - 'a']);
        else
            buf_putc(&out, *p);
    }
    return arena_str(m->arena, buf_str(&out));
}
#define FORM(m, template, ...) form((m), (template), (const Str[]){__VA_ARGS__})

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

/* Binds all arguments that are no lambdas, and puts `body` where none of them is NULL. */
static Str bind_arguments(Call *c, Lets *lets)
{
    _cleanup_buf_ Buf nulls = BUF_INIT(EMIT_SQL_MAX);
    for (size_t i = 0; i < c->n; i++) {
        if (c->e->call.args[i]->kind == EXPR_LAMBDA)
            continue;
        if (!emit_is_simple(c->e->call.args[i]) && lets->n < EMIT_LETS_MAX)
            c->args[i] = emit_lets_add(c->m, lets, c->args[i]);
        buf_printf(&nulls, "%s%.*s IS NULL", nulls.len ? " OR " : "", STR_ARG(c->args[i]));
    }
    return arena_str(c->m->arena, buf_str(&nulls));
}

static int put_unless_null(Call *c, const Lets *lets, Str nulls, Str body, Buf *out)
{
    emit_lets(out, lets, FORM(c->m, "CASE WHEN $a THEN NULL ELSE $b END", nulls, body));
    return 0;
}

static Str joined(const Call *c, const char *between)
{
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    for (size_t i = 0; i < c->n; i++)
        buf_printf(&out, "%s%.*s", i ? between : "", STR_ARG(c->args[i]));
    return arena_str(c->m->arena, buf_str(&out));
}

/* ---- concatenation ---- */

/* DuckDB's || skips a NULL array. */
static int concat_arrays(Call *c, Buf *out)
{
    Lets lets = {0};
    Str nulls = bind_arguments(c, &lets);
    return put_unless_null(c, &lets, nulls, FORM(c->m, "($a)", joined(c, " || ")), out);
}

/* array || element: the element may be NULL inside the array, but as an argument it makes the result NULL. */
static int append(Call *c, Buf *out)
{
    Lets lets = {0};
    Str nulls = bind_arguments(c, &lets);
    return put_unless_null(c, &lets, nulls, FORM(c->m, "($a || [$b])", c->args[0], c->args[1]), out);
}

static int prepend(Call *c, Buf *out)
{
    Lets lets = {0};
    Str nulls = bind_arguments(c, &lets);
    return put_unless_null(c, &lets, nulls, FORM(c->m, "([$a] || $b)", c->args[0], c->args[1]), out);
}

static int array_union(Call *c, Buf *out)
{
    _cleanup_buf_ Buf both = BUF_INIT(EMIT_SQL_MAX);
    Str all = emit_let_name(c->m);
    if (concat_arrays(c, &both) < 0)
        return -1;
    emit_let(out, all, buf_str(&both), FORM(c->m, "list_select($a, t_distinct_positions($a))", all));
    return 0;
}

static int map_concat(Call *c, Buf *out)
{
    if (c->n == 1)
        return buf_add(out, c->args[0]);
    if (emit_has_key(c->e->type->fields[0].type))
        return emit_not_supported(c->m, c->e->pos, "map_concat by keys that are zoned times or maps");
    Lets lets = {0};
    Str nulls = bind_arguments(c, &lets);
    return put_unless_null(c, &lets, nulls, FORM(c->m, "map_concat($a)", joined(c, ", ")), out);
}

/* ---- arrays ---- */

/* The greatest or least argument. Where DuckDB's order is not Trino's (NaN, zones, NULL inside), by position.
 */
static int extreme(Call *c, const char *native, const char *positions, Buf *out)
{
    TypeKind kind = c->e->call.arg_types[0]->kind;
    bool is_native = kind != TYPE_DOUBLE && kind != TYPE_REAL && kind != TYPE_TIMESTAMP_TZ &&
                     kind != TYPE_TIME_TZ && kind < TYPE_ARRAY;
    Emitter *m = c->m;
    if (!is_native) {
        Str all = emit_let_name(m);
        emit_let(out, all, FORM(m, "[$a]", joined(c, ", ")),
                 FORM(m, "list_extract($a, $b($a))", all, str_from(positions)));
        return 0;
    }
    Lets lets = {0};
    Str nulls = bind_arguments(c, &lets);
    return put_unless_null(c, &lets, nulls, FORM(m, "$a($b)", str_from(native), joined(c, ", ")), out);
}

static int greatest(Call *c, Buf *out)
{
    return extreme(c, "greatest", "t_max_position", out);
}
static int least(Call *c, Buf *out)
{
    return extreme(c, "least", "t_min_position", out);
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
        text = FORM(m, "coalesce($a, $b)", text, c->args[2]);
    return buf_add(out, FORM(m, "t_concat_ws($a, list_transform($b, lambda $c: $d))", c->args[1], c->args[0],
                             x, text));
}

static int slice(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Lets lets = {0};
    Str a = emit_lets_add(m, &lets, c->args[0]), n = emit_lets_add(m, &lets, c->args[2]),
        from = emit_let_name(m);
    Str start = emit_lets_add(m, &lets, c->args[1]);
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    emit_let(&body, from, FORM(m, "t_slice_begin($a, $b, len($c))", start, n, a),
             FORM(m,
                  "CASE WHEN $a > len($b) THEN list_slice($b, 2, 1) ELSE list_slice($b, $a, t_slice_end($a, "
                  "$c, len($b))) END",
                  from, a, n));
    emit_lets(out, &lets, buf_str(&body));
    return 0;
}

/* array_sort with a comparator, of many elements: Batcher's network of compare-and-exchange layers, whose
 * partners do not depend on the values. So a layer is one list_transform and the whole takes O(n log² n)
 * comparisons. Elements carry their first position, which decides between equal ones. */
static Str sort_by_network(Call *c, Str all)
{
    Emitter *m = c->m;
    Str state = emit_let_name(m), layer = emit_let_name(m), i = emit_let_name(m), j = emit_let_name(m),
        x = emit_let_name(m), e = emit_let_name(m), order = emit_let_name(m);
    Str type = sql_type_duckdb(c->e->call.arg_types[0]->fields[0].type, m->arena);
    /* Asked as Java's sort asks: the later one first. */
    Str later = FORM(m, "$a.s[greatest($b, $c)].v", state, i, j),
        earlier = FORM(m, "$a.s[least($b, $c)].v", state, i, j);
    Str compared = apply_lambda(m, c->e->call.args[1], (Str[]){later, earlier});
    if (!compared.ptr)
        return STR_NULL;
    _cleanup_buf_ Buf exchange = BUF_INIT(EMIT_SQL_MAX);
    emit_let(&exchange, order, FORM(m, "t_check_comparator($a)", compared),
             FORM(m,
                  "CASE WHEN $a < 0 OR ($a = 0 AND $b.s[greatest($c, $d)].o < $b.s[least($c, $d)].o) THEN "
                  "$b.s[$d] ELSE $b.s[$c] END",
                  order, state, i, j));
    Str step = FORM(m,
                    "list_transform(t_sort_partners(len($a.s), $b.l), lambda $c, $d: CASE WHEN $c = $d THEN "
                    "$a.s[$d] ELSE $e END)",
                    state, layer, j, i, arena_str(m->arena, buf_str(&exchange)));
    Str tagged = FORM(m, "list_transform($a, lambda $b, $c: struct_pack(v := $b, o := $c))", all, x, i);
    Str none = FORM(m, "CAST(NULL AS STRUCT(v $a, o BIGINT)[])", type);
    Str layers =
        FORM(m, "list_transform(range(t_sort_layers(len($a))), lambda $b: struct_pack(s := $c, l := $b))",
             all, x, none);
    Str first = FORM(m, "struct_pack(s := CAST($a AS STRUCT(v $b, o BIGINT)[]), l := CAST(0 AS BIGINT))",
                     tagged, type);
    return FORM(
        m,
        "list_transform(list_reduce($a, lambda $b, $c: struct_pack(s := $d, l := $c.l), $e).s, lambda "
        "$f: $f.v)",
        layers, state, layer, step, first, e);
}

enum { INSERTION_MAX = 31 }; /* elements that Java sorts by insertion */

static int array_sort(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Str all = emit_let_name(m), i = emit_let_name(m), j = emit_let_name(m), network = sort_by_network(c, all);
    if (!network.ptr)
        return -1;
    Str compared =
        apply_lambda(m, c->e->call.args[1], (Str[]){FORM(m, "$a[$b]", all, i), FORM(m, "$a[$b]", all, j)});
    Str matrix = FORM(m,
                      "list_transform(range(2, len($a) + 1), lambda $b: list_transform(range(1, $b), lambda "
                      "$c: $d))",
                      all, i, j, compared);
    emit_let(out, all, c->args[0],
             FORM(m,
                  "CASE WHEN len($a) < 2 THEN $a WHEN len($a) <= $b THEN list_select($a, "
                  "t_insertion_positions($c)) ELSE $d END",
                  all, arena_printf(m->arena, "%d", INSERTION_MAX), matrix, network));
    return 0;
}

static int zip_with(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Lets lets = {0};
    Str a = emit_lets_add(m, &lets, c->args[0]), b = emit_lets_add(m, &lets, c->args[1]),
        i = emit_let_name(m);
    Str element =
        apply_lambda(m, c->e->call.args[2], (Str[]){FORM(m, "$a[$b]", a, i), FORM(m, "$a[$b]", b, i)});
    if (!element.ptr)
        return -1;
    Str body = FORM(m,
                    "CASE WHEN $a IS NULL OR $b IS NULL THEN NULL ELSE list_transform(range(1, "
                    "greatest(len($a), len($b)) + 1), lambda $c: $d) END",
                    a, b, i, element);
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
    Str nulls = bind_arguments(c, &lets);
    Str body = FORM(m, "list_transform(list_zip($a), lambda $b: struct_pack($c))", joined(c, ", "), z,
                    arena_str(m->arena, buf_str(&fields)));
    return put_unless_null(c, &lets, nulls, body, out);
}

/* The fold's state has a type of its own, and DuckDB folds in the element's: so the elements are pairs of a
 * state and an element. Where both are of one type nothing is wrapped. */
static int reduce(Call *c, Buf *out)
{
    Emitter *m = c->m;
    const Expr *step = c->e->call.args[2], *finish = c->e->call.args[3];
    const SqlType *state = c->e->call.arg_types[1], *element = c->e->call.arg_types[0]->fields[0].type;
    Str list = emit_let_name(m), s = emit_let_name(m), x = emit_let_name(m), folded;
    if (sql_type_equal(element, state)) {
        Str body = apply_lambda(m, step, (Str[]){s, x});
        if (!body.ptr)
            return -1;
        folded = FORM(m, "list_reduce($a, lambda $b, $c: $d, $e)", list, s, x, body, c->args[1]);
    } else {
        Str body = apply_lambda(m, step, (Str[]){FORM(m, "$a.s", s), FORM(m, "$a.e", x)});
        if (!body.ptr)
            return -1;
        Str state_type = sql_type_duckdb(state, m->arena), type = sql_type_duckdb(element, m->arena);
        Str pairs = FORM(m, "list_transform($a, lambda $b: struct_pack(s := CAST(NULL AS $c), e := $b))",
                         list, s, state_type);
        folded = FORM(m,
                      "list_reduce($a, lambda $b, $c: struct_pack(s := CAST($d AS $e), e := CAST(NULL AS "
                      "$f)), struct_pack(s := CAST($g AS $e), e := CAST(NULL AS $f))).s",
                      pairs, s, x, body, state_type, type, c->args[1]);
    }
    Str result = apply_lambda(m, finish, &folded);
    if (!result.ptr)
        return -1;
    emit_let(out, list, c->args[0], FORM(m, "CASE WHEN $a IS NULL THEN NULL ELSE $b END", list, result));
    return 0;
}

/* ---- maps ---- */

/* Over the entries of a map: `key` and `value` may be replaced by the lambda's result, or the lambda filters.
 */
static int over_entries(Call *c, const char *template, Buf *out)
{
    Emitter *m = c->m;
    Str e = emit_let_name(m);
    Str key = FORM(m, "$a.key", e), value = FORM(m, "$a.value", e);
    Str result = apply_lambda(m, c->e->call.args[1], (Str[]){key, value});
    return result.ptr ? buf_add(out, FORM(m, template, c->args[0], e, key, value, result)) : -1;
}

static int map_filter(Call *c, Buf *out)
{
    return over_entries(c, "map_from_entries(list_filter(map_entries($a), lambda $b: $e))", out);
}
static int transform_keys(Call *c, Buf *out)
{
    _cleanup_buf_ Buf entries = BUF_INIT(EMIT_SQL_MAX);
    if (over_entries(
        c, "list_transform(map_entries($a), lambda $b: struct_pack(k := $e, v := $d))",
        &entries) < 0)
        return -1;
    Str text = arena_str(c->m->arena, buf_str(&entries));
    return emit_map_of_entries(c->m, c->e->type->fields[0].type, text, out);
}
static int transform_values(Call *c, Buf *out)
{
    return over_entries(
        c, "map_from_entries(list_transform(map_entries($a), lambda $b: struct_pack(k := $c, v := $e)))",
        out);
}

static Str map_value(Call *c, Str map, Str key)
{
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    emit_map_get(c->m, c->e->type->fields[0].type, map, key, &out);
    return arena_str(c->m->arena, buf_str(&out));
}

/* map_zip_with: over the keys of both, a value missing on one side is NULL. */
static int map_zip_with(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Lets lets = {0};
    Str a = emit_lets_add(m, &lets, c->args[0]), b = emit_lets_add(m, &lets, c->args[1]),
        k = emit_let_name(m), keys = emit_let_name(m);
    Str result = apply_lambda(
        m, c->e->call.args[2],
        (Str[]){k, map_value(c, a, k), map_value(c, b, k)});
    if (!result.ptr)
        return -1;
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    emit_let(
        &body, keys, FORM(m, "(map_keys($a) || map_keys($b))", a, b),
        FORM(m,
             "CASE WHEN $a IS NULL OR $b IS NULL THEN NULL ELSE map_from_entries(list_transform(list_select("
             "$c, t_distinct_positions($c)), lambda $d: struct_pack(k := $d, v := $e))) END",
             a, b, keys, k, result));
    emit_lets(out, &lets, buf_str(&body));
    return 0;
}

/* array(row(K, V)) to a map of K to all its V. */
static int multimap_from_entries(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Str all = emit_let_name(m), g = emit_let_name(m), e = emit_let_name(m);
    emit_let(
        out, all, c->args[0],
        FORM(m,
             "map_from_entries(list_transform(t_entry_groups($a), lambda $c: struct_pack(k := struct_extract("
             "$a[$c[1]], 'f0'), v := list_transform(list_select($a, $c), lambda $b: struct_extract($b, "
             "'f1')))))",
             all, e, g));
    return 0;
}

static int split_to_multimap(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Str all = emit_let_name(m), g = emit_let_name(m), e = emit_let_name(m);
    emit_let(out, all, FORM(m, "t_split_pairs($a)", joined(c, ", ")),
             FORM(m,
                  "map_from_entries(list_transform(t_group_positions(list_transform($a, lambda $b: $b[1])), "
                  "lambda $c: struct_pack(k := $a[$c[1]][1], v := list_transform(list_select($a, $c), lambda "
                  "$b: $b[2]))))",
                  all, e, g));
    return 0;
}

static int array_histogram(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Str all = emit_let_name(m), g = emit_let_name(m);
    emit_let(
        out, all, c->args[0],
        FORM(m,
             "map_from_entries(list_transform(list_filter(t_group_positions($a), lambda $b: $a[$b[1]] IS "
             "NOT NULL), lambda $b: struct_pack(k := $a[$b[1]], v := CAST(len($b) AS BIGINT))))",
             all, g));
    return 0;
}

/* regexp_replace(text, pattern, groups -> replacement) */
static int regexp_replace(Call *c, Buf *out)
{
    Emitter *m = c->m;
    Lets lets = {0};
    Str text = emit_lets_add(m, &lets, c->args[0]), pattern = emit_lets_add(m, &lets, c->args[1]),
        groups = emit_let_name(m);
    Str replacement = apply_lambda(m, c->e->call.args[2], &groups);
    if (!replacement.ptr)
        return -1;
    emit_lets(out, &lets,
              FORM(m,
                   "t_weave(t_regexp_split($a, $b), list_transform(t_regexp_groups($a, $b), lambda $c: "
                   "$d))",
                   text, pattern, groups, replacement));
    return 0;
}

const CallForm emit_list_forms[] = {
    {"@concat_arrays", concat_arrays},
    {"@append", append},
    {"@prepend", prepend},
    {"@array_union", array_union},
    {"@map_concat", map_concat},
    {"@greatest", greatest},
    {"@least", least},
    {"@array_join", array_join},
    {"@slice", slice},
    {"@array_sort", array_sort},
    {"@zip_with", zip_with},
    {"@zip", zip},
    {"@reduce", reduce},
    {"@map_filter", map_filter},
    {"@transform_keys", transform_keys},
    {"@transform_values", transform_values},
    {"@map_zip_with", map_zip_with},
    {"@multimap_from_entries", multimap_from_entries},
    {"@split_to_multimap", split_to_multimap},
    {"@array_histogram", array_histogram},
    {"@regexp_replace", regexp_replace},
    {NULL, NULL},
};

/* emit_map.c - maps whose keys are one though their values differ (emit_key(): an instant in two zones), and
 * aggregates that make maps. */
#include "query/engine/emit_call.h"

/* ---- access ---- */

void emit_map_get(Emitter *m, const SqlType *key_type, Str map, Str key, Buf *out)
{
    if (emit_has_key(key_type))
        buf_printf(out, "list_extract(map_values(%.*s), t_array_position(map_keys(%.*s), %.*s))",
                   STR_ARG(map), STR_ARG(map), STR_ARG(key));
    else
        buf_printf(out, "map_extract_value(%.*s, %.*s)", STR_ARG(map), STR_ARG(key));
}

void emit_map_contains(Emitter *m, const SqlType *key_type, Str map, Str key, Buf *out)
{
    if (emit_has_key(key_type))
        buf_printf(out, "t_array_contains(map_keys(%.*s), %.*s)", STR_ARG(map), STR_ARG(key));
    else
        buf_printf(out, "map_contains(%.*s, %.*s)", STR_ARG(map), STR_ARG(key));
}

static int element_at(Call *c, Buf *out)
{
    const SqlType *key = c->e->call.arg_types[0]->fields[0].type;
    Lets lets = {0};
    if (emit_has_key(key) && !emit_is_simple(c->e->call.args[0]))
        c->args[0] = emit_lets_add(c->m, &lets, c->args[0]);
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    emit_map_get(c->m, key, c->args[0], c->args[1], &body);
    emit_lets(out, &lets, buf_str(&body));
    return 0;
}

/* ---- construction ---- */

/* `keys`, or Trino's error. DuckDB itself sees to keys that have no emit_key(). */
static Str checked_keys(Emitter *m, const SqlType *type, Str keys)
{
    bool may_hold_null = type->kind == TYPE_ARRAY || type->kind == TYPE_ROW || type->kind == TYPE_MAP;
    if (may_hold_null)
        keys = arena_printf(m->arena, "CASE WHEN t_keys_are_known(%.*s) THEN %.*s END", STR_ARG(keys),
                            STR_ARG(keys));
    if (!emit_has_key(type))
        return keys;
    return arena_printf(m->arena,
                        "CASE WHEN len(t_distinct_positions(%.*s)) < len(%.*s) AND t_fail(7, "
                        "'INVALID_FUNCTION_ARGUMENT', 'Duplicate map keys are not allowed') THEN NULL ELSE "
                        "%.*s END",
                        STR_ARG(keys), STR_ARG(keys), STR_ARG(keys));
}

static int map(Call *c, Buf *out)
{
    const SqlType *key = c->e->call.arg_types[0]->fields[0].type;
    Lets lets = {0};
    Str keys = c->args[0], checked;
    if (emit_has_key(key) || key->kind == TYPE_ARRAY || key->kind == TYPE_ROW)
        keys = emit_lets_add(c->m, &lets, c->args[0]);
    checked = checked_keys(c->m, key, keys);
    emit_lets(out, &lets,
              arena_printf(c->m->arena, "map(%.*s, %.*s)", STR_ARG(checked), STR_ARG(c->args[1])));
    return 0;
}

/* A list of structs of k and v as a map. */
int emit_map_of_entries(Emitter *m, const SqlType *key_type, Str entries, Buf *out)
{
    if (!emit_has_key(key_type))
        return buf_printf(out, "map_from_entries(%.*s)", STR_ARG(entries));
    Str all = emit_let_name(m), x = emit_let_name(m), keys = emit_let_name(m);
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    emit_let(&body, keys,
             arena_printf(m->arena, "list_transform(%.*s, lambda %.*s: %.*s.k)", STR_ARG(all), STR_ARG(x),
                          STR_ARG(x)),
             arena_printf(m->arena, "CASE WHEN (%.*s) IS NULL THEN NULL ELSE map_from_entries(%.*s) END",
                          STR_ARG(checked_keys(m, key_type, keys)), STR_ARG(all)));
    emit_let(out, all, entries, arena_str(m->arena, buf_str(&body)));
    return 0;
}

static int map_from_entries(Call *c, Buf *out)
{
    Str x = emit_let_name(c->m);
    Str entries = arena_printf(c->m->arena,
                               "list_transform(%.*s, lambda %.*s: struct_pack(k := struct_extract(%.*s, "
                               "'f0'), v := struct_extract(%.*s, 'f1')))",
                               STR_ARG(c->args[0]), STR_ARG(x), STR_ARG(x), STR_ARG(x));
    return emit_map_of_entries(c->m, c->e->type->fields[0].type, entries, out);
}

/* ---- aggregates ---- */

/* `call` of an aggregate that keeps its rows as they are: "list(…) FILTER (…)". */
static Str list_of(Call *c, Str args, bool is_distinct)
{
    Expr plain = *c->e;
    plain.call.distinct = is_distinct;
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    buf_puts(&out, "list");
    return emit_aggregate_list(c->m, &plain, args, &out) < 0 ? STR_NULL
                                                              : arena_str(c->m->arena, buf_str(&out));
}

/* The pairs with a key, sorted by what tells keys apart and then by place: structs of k, i, v and o, the key
 * itself. `pairs` is a list of structs of k and v. */
static Str sorted_pairs(Emitter *m, const SqlType *key_type, Str pairs)
{
    Str o = emit_let_name(m), i = emit_let_name(m);
    _cleanup_buf_ Buf key = BUF_INIT(EMIT_SQL_MAX);
    emit_key(m, key_type, arena_printf(m->arena, "%.*s.k", STR_ARG(o)), &key);
    return arena_printf(m->arena,
                        "list_sort(list_transform(list_filter(%.*s, lambda %.*s: %.*s.k IS NOT NULL), lambda "
                        "%.*s, %.*s: struct_pack(k := %.*s, i := %.*s, v := %.*s.v, o := %.*s.k)))",
                        STR_ARG(pairs), STR_ARG(o), STR_ARG(o), STR_ARG(o), STR_ARG(i),
                        STR_ARG(buf_str(&key)), STR_ARG(i), STR_ARG(o), STR_ARG(o));
}

/* The first pair of each key (or with all its values) as a map; NULL without pairs. What is the first of its
 * key differs from the entry before it. */
static void map_of_pairs(Emitter *m, const SqlType *key_type, Str pairs, bool multi, Buf *out)
{
    Str all = emit_let_name(m), e = emit_let_name(m), i = emit_let_name(m), o = emit_let_name(m);
    Str firsts = arena_printf(
        m->arena,
        "list_filter(%.*s, lambda %.*s, %.*s: %.*s = 1 OR %.*s[%.*s - 1].k IS DISTINCT FROM %.*s.k)",
        STR_ARG(all), STR_ARG(e), STR_ARG(i), STR_ARG(i), STR_ARG(all), STR_ARG(i), STR_ARG(e));
    Str value = arena_printf(m->arena, "%.*s.v", STR_ARG(e));
    if (multi)
        value = arena_printf(m->arena,
                             "list_transform(list_filter(%.*s, lambda %.*s: %.*s.k IS NOT DISTINCT FROM "
                             "%.*s.k), lambda %.*s: %.*s.v)",
                             STR_ARG(all), STR_ARG(o), STR_ARG(o), STR_ARG(e), STR_ARG(o), STR_ARG(o));
    emit_let(out, all, sorted_pairs(m, key_type, pairs),
             arena_printf(m->arena,
                          "CASE WHEN len(%.*s) = 0 THEN NULL ELSE map_from_entries(list_transform(%.*s, "
                          "lambda %.*s: struct_pack(k := %.*s.o, v := %.*s))) END",
                          STR_ARG(all), STR_ARG(firsts), STR_ARG(e), STR_ARG(e), STR_ARG(value)));
}

static int aggregate_map(Call *c, bool multi, Buf *out)
{
    Str pair = arena_printf(c->m->arena, "struct_pack(k := %.*s, v := %.*s)", STR_ARG(c->args[0]),
                            STR_ARG(c->args[1]));
    const SqlType *key = c->e->call.arg_types[0];
    if (multi && c->e->call.distinct && (emit_has_key(key) || emit_has_key(c->e->call.arg_types[1])))
        return emit_not_supported(c->m, c->e->pos, "multimap_agg(DISTINCT) of zoned times or maps");
    Str pairs = list_of(c, pair, c->e->call.distinct);
    if (!pairs.ptr)
        return -1;
    map_of_pairs(c->m, key, pairs, multi, out);
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

static int map_union(Call *c, Buf *out)
{
    Arena *arena = c->m->arena;
    Str x = emit_let_name(c->m), maps = emit_let_name(c->m), e = emit_let_name(c->m);
    Str list = list_of(c, c->args[0], c->e->call.distinct);
    if (!list.ptr)
        return -1;
    Str pairs = arena_printf(arena,
                             "list_transform(flatten(list_transform(%.*s, lambda %.*s: map_entries(%.*s))), "
                             "lambda %.*s: struct_pack(k := %.*s.key, v := %.*s.value))",
                             STR_ARG(maps), STR_ARG(x), STR_ARG(x), STR_ARG(e), STR_ARG(e), STR_ARG(e));
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    buf_printf(&body, "CASE WHEN len(%.*s) = 0 THEN NULL ELSE ", STR_ARG(maps));
    map_of_pairs(c->m, c->e->type->fields[0].type, pairs, false, &body);
    buf_puts(&body, " END");
    emit_let(out, maps,
             arena_printf(arena, "list_filter(%.*s, lambda %.*s: %.*s IS NOT NULL)", STR_ARG(list),
                          STR_ARG(x), STR_ARG(x)),
             arena_str(arena, buf_str(&body)));
    return 0;
}

static int histogram(Call *c, Buf *out)
{
    Emitter *m = c->m;
    if (!emit_has_key(c->e->call.arg_types[0])) {
        buf_puts(out, "CAST(histogram");
        if (emit_aggregate_list(m, c->e, c->args[0], out) < 0)
            return -1;
        return buf_printf(out, " AS %.*s)", DUCKDB(m, c->e->type));
    }
    if (c->e->call.distinct)
        return emit_not_supported(m, c->e->pos, "histogram(DISTINCT) of zoned times or maps");
    Str list = list_of(c, c->args[0], false), all = emit_let_name(m), g = emit_let_name(m),
        x = emit_let_name(m);
    if (!list.ptr)
        return -1;
    emit_let(out, all,
             arena_printf(m->arena, "list_filter(%.*s, lambda %.*s: %.*s IS NOT NULL)", STR_ARG(list),
                          STR_ARG(x), STR_ARG(x)),
             arena_printf(m->arena,
                          "CASE WHEN len(%.*s) = 0 THEN NULL ELSE map_from_entries(list_transform("
                          "t_group_positions(%.*s), lambda %.*s: struct_pack(k := %.*s[%.*s[1]], v := "
                          "CAST(len(%.*s) AS BIGINT)))) END",
                          STR_ARG(all), STR_ARG(all), STR_ARG(g), STR_ARG(all), STR_ARG(g), STR_ARG(g)));
    return 0;
}

/* ---- DISTINCT ---- */

/* Of these one value of many equal ones says what all say. */
static bool ignores_repeats(const char *name)
{
    static const char *const names[] = {
        "any_value", "approx_distinct", "arbitrary", "bool_and", "bool_or", "checksum",  "every",
        "map_agg",   "map_union",       "max",       "max_by",   "min",     "min_by",    "multimap_agg",
        "histogram",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

int emit_keyed_distinct(Call *c, bool *ret_done, Buf *out)
{
    const char *name = c->e->call.def->name;
    bool has_key = false;
    for (size_t i = 0; i < c->n; i++)
        has_key = has_key || emit_has_key(c->e->call.arg_types[i]);
    *ret_done = false;
    if (!has_key || ignores_repeats(name))
        return 0;
    if (strcmp(name, "count") == 0 && c->n == 1) {
        _cleanup_buf_ Buf key = BUF_INIT(EMIT_SQL_MAX);
        emit_key(c->m, c->e->call.arg_types[0], c->args[0], &key);
        c->args[0] = arena_str(c->m->arena, buf_str(&key));
        return 0;
    }
    *ret_done = true;
    if (strcmp(name, "array_agg") != 0)
        return emit_not_supported(c->m, c->e->pos, "%s(DISTINCT) of zoned times or maps", name);
    Str all = emit_let_name(c->m), list = list_of(c, c->args[0], false);
    if (!list.ptr)
        return -1;
    emit_let(out, all, list,
             arena_printf(c->m->arena, "list_select(%.*s, t_distinct_positions(%.*s))", STR_ARG(all),
                          STR_ARG(all)));
    return 0;
}

const CallForm emit_map_forms[] = {
    {"@map", map},
    {"@element_at", element_at},
    {"@map_from_entries", map_from_entries},
    {"@map_agg", map_agg},
    {"@multimap_agg", multimap_agg},
    {"@map_union", map_union},
    {"@histogram", histogram},
    {NULL, NULL},
};

/* emit_relation.c - FROM: each relation stands under its name r<id> with columns c0, c1, … */
#include "query/engine/emit_internal.h"

static int emit_table(Emitter *m, const Relation *relation, Buf *out)
{
    const TableHandle *handle = relation->table.handle;
    if (relation->table.named && relation->table.named == m->recursion)
        return buf_printf(out, "q%d_%d AS r%d", relation->table.named->id, m->step, relation->id);
    if (relation->table.named)
        return buf_printf(out, "q%d AS r%d", relation->table.named->id, relation->id);
    buf_putc(out, '(');
    int failed = handle ? emit_scan(m, handle, relation, out)
                        : emit_query_body(m, relation->table.view, false, out);
    return failed ? -1 : buf_printf(out, ") AS r%d", relation->id);
}

static int emit_condition(Emitter *m, const Expr *on, Buf *out)
{
    buf_puts(out, " ON ");
    if (!on)
        return buf_puts(out, "true");
    return emit_coerced(m, on, out);
}

/* RIGHT JOIN LATERAL joins each row of the left side by itself: of every pair the right side stays, and the
 * left side where the condition holds. Both sides are made in one subquery; the right one gets its name from
 * it. */
static int emit_right_lateral(Emitter *m, const Relation *join, Buf *out)
{
    const Relation *left = join->join.left, *right = join->join.right;
    if (left->kind == REL_JOIN || left->kind == REL_SAMPLED)
        return emit_not_supported(m, join->pos, "RIGHT JOIN LATERAL of a join");
    Str on = join->join.on ? emit_text(m, join->join.on) : STR("true");
    if (!on.ptr)
        return -1;
    buf_puts(out, "(SELECT 1 AS one");
    for (size_t i = 0; i < left->n_fields; i++)
        if (left->kind != REL_TABLE || !left->used || left->used[i])
            buf_printf(out, ", CASE WHEN %.*s THEN r%d.c%zu END AS c%zu", STR_ARG(on), left->id, i, i);
    for (size_t i = 0; i < right->n_fields; i++)
        buf_printf(out, ", r%d.c%zu AS x%zu", right->id, i, i);
    buf_puts(out, " FROM ");
    if (emit_relation(m, left, out) < 0)
        return -1;
    buf_puts(out, " CROSS JOIN ");
    if (emit_relation(m, right, out) < 0)
        return -1;
    buf_printf(out, ") AS r%d CROSS JOIN LATERAL (SELECT ", left->id);
    for (size_t i = 0; i < right->n_fields; i++)
        buf_printf(out, "%sr%d.x%zu AS c%zu", i ? ", " : "", left->id, i, i);
    return buf_printf(out, ") AS r%d", right->id);
}

static int emit_join(Emitter *m, const Relation *join, Buf *out)
{
    static const char *const words[] = {
        [JOIN_INNER] = " INNER JOIN ", [JOIN_LEFT] = " LEFT JOIN ",   [JOIN_RIGHT] = " RIGHT JOIN ",
        [JOIN_FULL] = " FULL JOIN ",   [JOIN_CROSS] = " CROSS JOIN ",
    };
    JoinKind kind = join->join.on                   ? join->join.join
                    : join->join.join == JOIN_INNER ? JOIN_CROSS
                                                    : join->join.join;
    if (join->join.right->kind == REL_LATERAL && kind == JOIN_RIGHT)
        return emit_right_lateral(m, join, out);
    if (join->join.right->kind == REL_LATERAL && kind == JOIN_FULL)
        kind = JOIN_LEFT; /* ON TRUE: a row of the left side is never missing */
    bool hoists = emit_needs_hoist(join);
    size_t hoisted = m->n_hoisted;
    if (hoists ? emit_hoisted_side(m, join, false, out) : emit_relation(m, join->join.left, out))
        return -1;
    buf_puts(out, words[kind]);
    const Relation *right = join->join.right;
    bool nested = right->kind == REL_JOIN && !hoists;
    buf_puts(out, nested ? "(" : "");
    if (hoists ? emit_hoisted_side(m, join, true, out) : emit_relation(m, right, out))
        return -1;
    buf_puts(out, nested ? ")" : "");
    int failed = kind == JOIN_CROSS ? 0 : emit_condition(m, join->join.on, out);
    m->n_hoisted = hoisted;
    return failed;
}

static int emit_values(Emitter *m, const Relation *relation, Buf *out)
{
    buf_puts(out, "(VALUES ");
    for (size_t r = 0; r < relation->values.n; r++) {
        Expr *row = relation->values.rows[r];
        bool is_row = row->kind == EXPR_ROW, is_row_value = !is_row && row->type->kind == TYPE_ROW;
        Str whole = is_row_value ? emit_text(m, row) : STR("");
        if (!whole.ptr)
            return -1;
        buf_puts(out, r ? ", (" : "(");
        for (size_t i = 0; i < relation->n_fields; i++) {
            buf_puts(out, i ? ", " : "");
            if (is_row_value)
                buf_printf(out, "struct_extract(%.*s, 'f%zu')", STR_ARG(whole), i);
            else if (emit_coerced(m, is_row ? row->row.items[i] : row, out) < 0)
                return -1;
        }
        buf_putc(out, ')');
    }
    buf_printf(out, ") AS r%d(", relation->id);
    for (size_t i = 0; i < relation->n_fields; i++)
        buf_printf(out, "%sc%zu", i ? ", " : "", i);
    return buf_putc(out, ')');
}

/* ---- UNNEST ---- */

/* The list that item i is unnested from: a map's entries. */
static Str unnest_list(Emitter *m, const Expr *item)
{
    Str text = emit_text(m, item);
    if (!text.ptr || item->type->kind != TYPE_MAP)
        return text;
    return arena_printf(m->arena, "map_entries(%.*s)", STR_ARG(text));
}

static void unnest_columns(const Relation *relation, Buf *out)
{
    size_t column = 0;
    for (size_t i = 0; i < relation->unnest.n; i++) {
        const SqlType *type = relation->unnest.items[i]->type;
        if (type->kind == TYPE_MAP) {
            buf_printf(out, "%su%zu.key AS c%zu, u%zu.value AS c%zu", column ? ", " : "", i, column, i,
                       column + 1);
            column += 2;
        } else if (type->fields[0].type->kind == TYPE_ROW) {
            for (size_t j = 0; j < type->fields[0].type->n_fields; j++, column++)
                buf_printf(out, "%sstruct_extract(u%zu, 'f%zu') AS c%zu", column ? ", " : "", i, j, column);
        } else {
            buf_printf(out, "%su%zu AS c%zu", column ? ", " : "", i, column);
            column++;
        }
    }
    if (relation->unnest.ordinality)
        buf_printf(out, ", o AS c%zu", column);
}

static int emit_unnest(Emitter *m, const Relation *relation, Buf *out)
{
    _cleanup_buf_ Buf lists = BUF_INIT(EMIT_SQL_MAX), longest = BUF_INIT(EMIT_SQL_MAX);
    for (size_t i = 0; i < relation->unnest.n; i++) {
        Str list = unnest_list(m, relation->unnest.items[i]);
        if (!list.ptr)
            return -1;
        buf_printf(&lists, "%sunnest(%.*s) AS u%zu", i ? ", " : "", STR_ARG(list), i);
        buf_printf(&longest, "%scoalesce(len(%.*s), 0)", i ? ", " : "", STR_ARG(list));
    }
    buf_puts(out, "LATERAL (SELECT ");
    unnest_columns(relation, out);
    buf_printf(out, " FROM (SELECT %.*s", STR_ARG(buf_str(&lists)));
    if (relation->unnest.ordinality)
        buf_printf(out, ", unnest(generate_series(1, greatest(%.*s, 0))) AS o", STR_ARG(buf_str(&longest)));
    return buf_printf(out, ")) AS r%d", relation->id);
}

/* ---- the others ---- */

static int emit_subquery(Emitter *m, const Relation *relation, Buf *out)
{
    buf_puts(out, relation->kind == REL_LATERAL ? "LATERAL (" : "(");
    if (emit_query_body(m, relation->query, false, out) < 0)
        return -1;
    return buf_printf(out, ") AS r%d", relation->id);
}

static int emit_sample(Emitter *m, const Relation *relation, Buf *out)
{
    const Expr *percent = relation->sample.percent;
    if (relation->sample.relation->kind == REL_JOIN)
        return emit_not_supported(m, relation->pos, "TABLESAMPLE of a join");
    if (emit_relation(m, relation->sample.relation, out) < 0)
        return -1;
    Str text = percent->kind == EXPR_INTEGER
                   ? arena_printf(m->arena, "%lld", (long long)percent->integer.value)
                   : percent->text;
    return buf_printf(out, " TABLESAMPLE %s(%.*s%%)", relation->sample.system ? "system" : "bernoulli",
                      STR_ARG(text));
}

/* sequence(start, stop, step), whose values the analyzer knows; exclude_columns is its input. */
static int emit_table_function(Emitter *m, const Relation *relation, Buf *out)
{
    if (relation->function.input)
        return emit_relation(m, relation->function.input, out);
    int64_t start = relation->function.start, stop = relation->function.stop, step = relation->function.step;
    __int128 span = (__int128)stop - start, count = span / step + 1;
    if (count > INT64_MAX)
        return emit_not_supported(m, relation->pos, "A sequence of more than 9223372036854775807 values");
    bool wide = span > INT64_MAX || span < -(__int128)INT64_MAX;
    return buf_printf(out,
                      "(SELECT CAST(CAST(%lld AS %s) + CAST(range AS %s) * CAST(%lld AS %s) AS BIGINT) AS c0 "
                      "FROM range(%lld)) AS r%d",
                      (long long)start, wide ? "HUGEINT" : "BIGINT", wide ? "HUGEINT" : "BIGINT",
                      (long long)step, wide ? "HUGEINT" : "BIGINT", (long long)count, relation->id);
}

int emit_relation(Emitter *m, const Relation *relation, Buf *out)
{
    static int (*const emitters[])(Emitter *, const Relation *, Buf *) = {
        [REL_TABLE] = emit_table,    [REL_SUBQUERY] = emit_subquery, [REL_JOIN] = emit_join,
        [REL_VALUES] = emit_values,  [REL_UNNEST] = emit_unnest,     [REL_LATERAL] = emit_subquery,
        [REL_JSON_TABLE] = emit_json_table,
        [REL_SAMPLED] = emit_sample, [REL_TABLE_FUNCTION] = emit_table_function,
        [REL_MATCH] = emit_match,
    };
    return emitters[relation->kind](m, relation, out);
}

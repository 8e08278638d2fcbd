/* emit_match.c - MATCH_RECOGNIZE, and the relations that the analyzer makes of row patterns in windows.
 *
 * In SQL, from the inside: the input's rows with their keys and lagged values (s), each as a struct together
 * with the answers of its conditions, a list of structs a partition, t_match() over it, unnested; from each
 * of its rows the structs that navigations led to (x); the measures of those. */
#include "query/engine/emit_internal.h"

#include "query/analyzer/internal.h"

#include "query/engine/pattern/program.h"

typedef struct Match {
    Emitter *m;
    const Relation *r;
    const PatternSpec *spec;
    PatternEmit emit;
    Buf fields;     /* of the struct, behind the input's columns: "d0 := …" */
    Buf conditions; /* the dynamic ones as SQL texts */
    Buf program;    /* of the labels, and behind it of the dynamic conditions */
    Buf dynamic;
    size_t n_fields; /* of the struct so far */
    size_t n_dynamic;
    bool every_row; /* aggregates need all rows of a match */
    int frame, frame_field;
} Match;

static int begin(Match *x, PatternMode mode)
{
    x->emit.mode = mode;
    x->m->pattern = &x->emit;
    return 0;
}

/* ---- conditions ---- */

static int add_field(Match *x, Str value)
{
    buf_printf(&x->fields, "%sd%zu := %.*s", x->fields.len ? ", " : "", x->n_fields, STR_ARG(value));
    return (int)x->n_fields++;
}

/* Answers for the frame's first rows, which see nothing before them, then the one for all others. */
static int source_condition(Match *x, const Expr *e, int back, Buf *out)
{
    int first = -1;
    begin(x, PATTERN_SOURCE);
    for (int visible = 0; visible <= back; visible++) {
        x->emit.visible = visible < back ? visible : -1;
        Str text = emit_text(x->m, e);
        if (!text.ptr)
            return -1;
        int field = add_field(x, text);
        first = first < 0 ? field : first;
    }
    return buf_printf(out, " %d %d %d", CONDITION_COLUMN, first, back);
}

static int dynamic_condition(Match *x, const Expr *e, Buf *out)
{
    Emitter *m = x->m;
    if (emit_condition_has_query(e))
        return emit_not_supported(m, e->pos, "A subquery beside values of other rows of a row pattern");
    begin(x, PATTERN_DYNAMIC);
    x->emit.asked.n = 0;
    Str text = emit_text(m, e);
    if (!text.ptr)
        return -1;
    buf_puts(&x->conditions, x->n_dynamic ? ", " : "");
    emit_string_literal(&x->conditions,
                        arena_printf(m->arena, "SELECT %.*s FROM t_frame() AS f", STR_ARG(text)));
    buf_printf(&x->dynamic, " %zu", x->emit.asked.n);
    for (size_t i = 0; i < x->emit.asked.n; i++)
        buf_printf(&x->dynamic, " %d", x->emit.asked.items[i]);
    return buf_printf(out, " %d %zu 0", CONDITION_DYNAMIC, x->n_dynamic++);
}

static int put_conditions(Match *x)
{
    Buf *out = &x->program;
    buf_printf(out, " %zu", x->spec->n_labels);
    for (size_t label = 0; label < x->spec->n_labels; label++) {
        const Expr *e = NULL;
        for (size_t i = 0; i < x->spec->n_defines && !e; i++)
            if (x->spec->define_labels[i] == (int)label)
                e = x->spec->defines[i].expr;
        int back = 0, failed = 0;
        x->emit.label = (int)label;
        if (!e)
            buf_printf(out, " %d 0 0", CONDITION_TRUE);
        else if (emit_condition_is_source(x->r, e, (int)label, &back))
            failed = source_condition(x, e, back, out);
        else
            failed = dynamic_condition(x, e, out);
        if (failed < 0)
            return -1;
    }
    return 0;
}

/* ---- the program ---- */

static int put_navigations(Match *x)
{
    Buf *out = &x->program;
    buf_printf(out, " %zu %zu", x->spec->n_navigations, x->spec->n_navigations);
    for (size_t i = 0; i < x->spec->n_navigations; i++) {
        const Navigation *n = &x->spec->navigations[i];
        buf_printf(out, " %lld %d %d %d %d", (long long)n->labels, n->is_last, n->is_final, n->logical,
                   n->physical);
    }
    buf_printf(out, " %zu", x->spec->n_aggregates);
    for (size_t i = 0; i < x->spec->n_aggregates; i++)
        buf_printf(out, " %lld", (long long)x->spec->aggregates[i].labels);
    buf_printf(out, " %zu%.*s", x->n_dynamic, STR_ARG(buf_str(&x->dynamic)));
    return 0;
}

static int frame_of(Match *x)
{
    const Window *window = x->r->match.window;
    x->frame = FRAME_WHOLE;
    if (!window)
        return 0;
    x->frame = window->to.kind == BOUND_UNBOUNDED_FOLLOWING ? FRAME_TO_END
               : window->to.kind == BOUND_CURRENT_ROW       ? FRAME_TO_CURRENT
                                                            : FRAME_TO_OFFSET;
    if (x->frame != FRAME_TO_OFFSET)
        return 0;
    x->m->pattern = NULL;
    Str value = emit_text(x->m, window->to.value);
    if (!value.ptr)
        return -1;
    x->frame_field = add_field(x, STR("s.fe"));
    return 0;
}

static bool has_aggregate_output(const PatternSpec *spec);

static int put_program(Match *x, Buf *out)
{
    static const int outputs[] = {
        [ROWS_DEFAULT] = OUTPUT_ONE,
        [ROWS_ONE] = OUTPUT_ONE,
        [ROWS_ALL] = OUTPUT_ALL,
        [ROWS_ALL_OMIT_EMPTY] = OUTPUT_ALL_OMIT_EMPTY,
        [ROWS_ALL_UNMATCHED] = OUTPUT_ALL_UNMATCHED,
        [ROWS_WINDOW] = OUTPUT_WINDOW,
    };
    static const int afters[] = {
        [SKIP_DEFAULT] = AFTER_PAST_LAST, [SKIP_PAST_LAST] = AFTER_PAST_LAST, [SKIP_TO_NEXT] = AFTER_TO_NEXT,
        [SKIP_TO_FIRST] = AFTER_TO_FIRST, [SKIP_TO_LAST] = AFTER_TO_LAST,
    };
    const PatternSpec *spec = x->spec;
    x->every_row = has_aggregate_output(spec);
    buf_printf(out, "'%d %d %d %d %d %d %lld ", outputs[spec->rows], afters[spec->skip],
               spec->search == SEARCH_SEEK, x->frame, x->frame_field, x->every_row,
               (long long)spec->skip_labels);
    if (emit_pattern_program(x->m, spec, out) < 0 || put_navigations(x) < 0)
        return -1;
    buf_printf(out, "%.*s', CAST([%.*s] AS VARCHAR[])", STR_ARG(buf_str(&x->program)),
               STR_ARG(buf_str(&x->conditions)));
    return 0;
}

/* Those of conditions alone are asked while matching; they do not count here. */
static void find_aggregate(Expr *e, void *arg)
{
    if (e->kind == EXPR_FUNCTION && e->call.aggregate)
        *(bool *)arg = true;
    else
        expr_children(e, find_aggregate, arg);
}

static bool has_aggregate_output(const PatternSpec *spec)
{
    bool found = false;
    for (size_t i = 0; i < spec->n_measures; i++)
        find_aggregate(spec->measures[i].expr, &found);
    for (size_t i = 0; i < spec->n_aggregates && spec->rows == ROWS_WINDOW; i++)
        found = true;
    return found;
}

/* ---- the input ---- */

static Str field_text(Match *x, const Field *field)
{
    Expr column = {
        .kind = EXPR_COLUMN, .type = field->type, .coerced = field->type, .column = {.ref = field->ref}};
    column.column.ref.depth = 0;
    return emit_own_text(x->m, &column);
}

static int put_columns(Match *x, Buf *out)
{
    const Relation *input = x->r->match.input;
    for (size_t i = 0; i < input->n_fields; i++) {
        if (!emit_field_is_stored(&input->fields[i]))
            continue;
        Str text = field_text(x, &input->fields[i]);
        if (!text.ptr)
            return -1;
        buf_printf(out, "%.*s AS f%zu, ", STR_ARG(text), i);
    }
    for (size_t i = 0; i < x->emit.lags.n; i++) {
        const Lag *lag = &x->emit.lags.items[i];
        Str text = field_text(x, lag->field);
        if (!text.ptr)
            return -1;
        buf_printf(out, "%s(%.*s, %d) OVER w AS p%zu, ", lag->physical < 0 ? "lag" : "lead", STR_ARG(text),
                   lag->physical < 0 ? -lag->physical : lag->physical, i);
    }
    if (x->frame == FRAME_TO_OFFSET) {
        Str value = emit_text(x->m, x->r->match.window->to.value);
        if (!value.ptr)
            return -1;
        buf_printf(out, "CAST(%.*s AS BIGINT) AS fe, ", STR_ARG(value));
    }
    return 0;
}

static int put_keys(Match *x, bool names, Buf *out)
{
    for (size_t i = 0; i < x->r->match.n_partition_by; i++) {
        const Expr *e = x->r->match.partition_by[i];
        Str text = emit_own_text(x->m, e);
        if (!text.ptr)
            return -1;
        buf_puts(out, i ? ", " : names ? "" : "PARTITION BY ");
        emit_key(x->m, e->type, text, out);
        if (names)
            buf_printf(out, " AS k%zu", i);
    }
    return 0;
}

/* SELECT … FROM input WINDOW w AS (…) */
static int put_source(Match *x, Buf *out)
{
    const Relation *r = x->r;
    Emitter *m = x->m;
    buf_puts(out, "SELECT ");
    if (put_columns(x, out) < 0 || put_keys(x, true, out) < 0)
        return -1;
    buf_puts(out, r->match.n_partition_by ? ", row_number() OVER w AS rn FROM "
                                          : "row_number() OVER w AS rn FROM ");
    if (emit_relation(m, r->match.input, out) < 0)
        return -1;
    if (r->match.where) {
        buf_puts(out, " WHERE ");
        if (emit_coerced(m, r->match.where, out) < 0)
            return -1;
    }
    buf_puts(out, " WINDOW w AS (");
    if (put_keys(x, false, out) < 0)
        return -1;
    if (r->match.n_order_by) {
        buf_puts(out, r->match.n_partition_by ? " ORDER BY " : "ORDER BY ");
        if (emit_sort_items(m, r->match.order_by, r->match.n_order_by, false, out) < 0)
            return -1;
    }
    return buf_putc(out, ')');
}

/* One list of structs a partition. */
static int put_partitions(Match *x, Buf *out)
{
    const Relation *input = x->r->match.input;
    bool first = true;
    buf_puts(out, "SELECT list(v ORDER BY rn) AS rows FROM (SELECT s.*, struct_pack(");
    if (x->fields.len) {
        buf_add(out, buf_str(&x->fields));
        first = false;
    }
    for (size_t i = 0; i < input->n_fields; i++)
        if (emit_field_is_stored(&input->fields[i])) {
            buf_printf(out, "%sf%zu := s.f%zu", first ? "" : ", ", i, i);
            first = false;
        }
    buf_puts(out, first ? "z := true) AS v FROM (" : ") AS v FROM (");
    if (put_source(x, out) < 0)
        return -1;
    buf_puts(out, ") AS s)");
    for (size_t i = 0; i < x->r->match.n_partition_by; i++)
        buf_printf(out, "%sk%zu", i ? ", " : " GROUP BY ", i);
    return 0;
}

/* ---- the output ---- */

static void put_navigated(Match *x, Buf *out)
{
    buf_puts(out, "SELECT pid, struct_extract(m, 'g') AS g, struct_extract(m, 'mn') AS mn, struct_extract(m, "
                  "'seq') AS seq, struct_extract(m, 'label') AS label, struct_extract(m, 'out') AS o, "
                  "list_extract(rows, struct_extract(m, 'cur')) AS w, "
                  "list_extract(rows, struct_extract(m, 'rn')) AS a");
    for (size_t i = 0; i < x->spec->n_navigations; i++)
        buf_printf(out,
                   ", list_extract(rows, list_extract(struct_extract(m, 'nav'), %zu)) AS n%zu, "
                   "list_extract(struct_extract(m, 'lab'), %zu) AS l%zu",
                   i + 1, i, i + 1, i);
}

static int put_measure(Match *x, const Expr *e, size_t column, bool may_miss, Buf *out)
{
    Emitter *m = x->m;
    begin(x, PATTERN_MEASURE);
    Str text = emit_own_text(m, e);
    m->pattern = NULL;
    if (!text.ptr)
        return -1;
    /* An aggregate over a window has an empty frame there, and says what it says of no rows. */
    bool missing = may_miss && !(e->kind == EXPR_FUNCTION && e->call.aggregate && x->r->match.window);
    return buf_printf(out,
                      missing ? ", CASE WHEN x.mn >= 0 THEN CAST(%.*s AS %.*s) END AS c%zu"
                              : ", CAST(%.*s AS %.*s) AS c%zu",
                      STR_ARG(text), DUCKDB(m, e->type), column);
}

static int put_input_column(const Relation *input, const Field *field, const FieldRef *ref, size_t column,
                            Buf *out)
{
    for (size_t i = 0; i < input->n_fields; i++)
        if (input->fields[i].ref.relation == ref->relation && input->fields[i].ref.index == ref->index)
            return buf_printf(out, ", struct_extract(x.w, 'f%zu') AS c%zu", i, column);
    (void)field;
    return -1;
}

static bool is_key(const Relation *r, const Field *field)
{
    const FieldRef *ref;
    for (size_t i = 0; i < r->match.n_partition_by; i++) {
        ref = &r->match.partition_by[i]->column.ref;
        if (field->ref.relation == ref->relation && field->ref.index == ref->index)
            return true;
    }
    for (size_t i = 0; i < r->match.n_order_by; i++) {
        ref = &r->match.order_by[i].expr->column.ref;
        if (field->ref.relation == ref->relation && field->ref.index == ref->index)
            return true;
    }
    return false;
}

/* In the order of analyze_pattern.c's set_output(). */
static int put_outputs(Match *x, Buf *out)
{
    const Relation *r = x->r, *input = r->match.input;
    bool all = x->spec->rows > ROWS_ONE;
    size_t column = 0;
    for (size_t i = 0; i < r->match.n_partition_by; i++)
        if (put_input_column(input, NULL, &r->match.partition_by[i]->column.ref, column++, out) < 0)
            return -1;
    for (size_t i = 0; all && i < r->match.n_order_by; i++)
        if (put_input_column(input, NULL, &r->match.order_by[i].expr->column.ref, column++, out) < 0)
            return -1;
    for (size_t i = 0; i < x->spec->n_measures; i++)
        if (put_measure(x, x->spec->measures[i].expr, column++, x->spec->rows == ROWS_ALL_UNMATCHED, out) < 0)
            return -1;
    for (size_t i = 0; all && i < input->n_fields; i++)
        if (!input->fields[i].hidden && !is_key(r, &input->fields[i]))
            buf_printf(out, ", struct_extract(x.w, 'f%zu') AS c%zu", i, column++);
    return 0;
}

static int put_window_outputs(Match *x, Buf *out)
{
    const Relation *input = x->r->match.input;
    for (size_t i = 0; i < input->n_fields; i++)
        if (emit_field_is_stored(&input->fields[i]))
            buf_printf(out, ", struct_extract(x.w, 'f%zu') AS c%zu", i, i);
    for (size_t i = 0; i < x->r->match.n_outputs; i++)
        if (put_measure(x, x->r->match.outputs[i], input->n_fields + i, true, out) < 0)
            return -1;
    return 0;
}

static int put_all(Match *x, Buf *out)
{
    _cleanup_buf_ Buf program = BUF_INIT(EMIT_SQL_MAX);
    if (put_conditions(x) < 0 || frame_of(x) < 0 || put_program(x, &program) < 0)
        return -1;
    x->m->pattern = NULL;
    buf_puts(out, "(SELECT * FROM (SELECT o");
    if ((x->r->match.window ? put_window_outputs(x, out) : put_outputs(x, out)) < 0)
        return -1;
    buf_puts(out, " FROM (");
    put_navigated(x, out);
    buf_printf(out,
               " FROM (SELECT pid, rows, unnest(t_match(%.*s, rows)) AS m FROM (SELECT row_number() OVER () "
               "AS pid, rows FROM (",
               STR_ARG(buf_str(&program)));
    if (put_partitions(x, out) < 0)
        return -1;
    return buf_printf(out, ")) WHERE rows IS NOT NULL)) AS x)%s) AS r%d", x->every_row ? " WHERE o" : "",
                      x->r->id);
}

int emit_match(Emitter *m, const Relation *relation, Buf *out)
{
    Match x = {.m = m,
               .r = relation,
               .spec = relation->match.spec,
               .emit = {.match = relation},
               .fields = BUF_INIT(EMIT_SQL_MAX),
               .conditions = BUF_INIT(EMIT_SQL_MAX),
               .program = BUF_INIT(EMIT_SQL_MAX),
               .dynamic = BUF_INIT(EMIT_SQL_MAX)};
    PatternEmit *outer = m->pattern;
    const Wrapped *wrapped = m->wrapped;
    /* What stands in here is of the input, before this relation. */
    if (relation->match.window && wrapped && wrapped->match == relation)
        m->wrapped = wrapped->next;
    int failed = put_all(&x, out);
    m->pattern = outer;
    m->wrapped = wrapped;
    buf_free(&x.fields);
    buf_free(&x.conditions);
    buf_free(&x.program);
    buf_free(&x.dynamic);
    return failed < 0 ? -1 : 0;
}

/* emit_pattern.c - the values of rows of a match, as conditions and measures need them; patterns as programs.
 *
 * A condition is of one of two kinds. Where it is of the row that is tried and of rows at fixed distances
 * from it, it is computed beforehand for all rows, in SQL that DuckDB sees whole (PATTERN_SOURCE: the input's
 * columns and lag() of them). Where it is of other rows of the match or of aggregates, it is asked while
 * matching (PATTERN_DYNAMIC: t_frame and t_frame_rows of pattern/t_match.c). Measures (PATTERN_MEASURE) are
 * computed after matching, from the rows that t_match() led to, and aggregates over windows of its rows. */
#include "query/engine/emit_internal.h"

#include "query/analyzer/internal.h"

#include "query/engine/pattern/program.h"

enum { BACK_MAX = 4 }; /* of windows: each distance costs a column more */

bool emit_field_is_stored(const Field *field)
{
    const Relation *leaf = field->ref.relation;
    bool read = !leaf || leaf->kind != REL_TABLE || !leaf->used || leaf->used[field->ref.index];
    return read && (!field->hidden || (leaf && leaf->kind == REL_TABLE && leaf->used));
}

static int field_index(const Relation *input, const FieldRef *ref)
{
    for (size_t i = 0; i < input->n_fields; i++)
        if (input->fields[i].ref.relation == ref->relation && input->fields[i].ref.index == ref->index)
            return (int)i;
    return -1;
}

/* ---- patterns in windows: where columns went ---- */

static FieldRef wrapped_ref(const Wrapped *w, const FieldRef *ref)
{
    if (!w)
        return (FieldRef){NULL};
    FieldRef inner = wrapped_ref(w->next, ref);
    const FieldRef *now = inner.relation ? &inner : ref;
    int index = now->relation ? field_index(w->match->match.input, now) : -1;
    return index < 0 ? inner : (FieldRef){w->match, index, ref->depth};
}

FieldRef emit_wrapped_ref(const Emitter *m, const FieldRef *ref)
{
    return wrapped_ref(m->wrapped, ref);
}

const Wrapped *emit_wrap(Emitter *m, const Relation *from)
{
    if (!from || from->kind != REL_MATCH || !from->match.window)
        return m->wrapped;
    Wrapped *w = arena_new_of(m->arena, Wrapped);
    *w = (Wrapped){emit_wrap(m, from->match.input), from};
    return w;
}

/* ---- values ---- */

static Str label_name(Emitter *m, const PatternSpec *spec, Str index)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    buf_puts(&out, "list_extract([");
    for (size_t i = 0; i < spec->n_labels; i++) {
        buf_puts(&out, i ? ", " : "");
        emit_string_literal(&out, spec->labels[i]);
    }
    buf_printf(&out, "], %.*s)", STR_ARG(index));
    return arena_str(m->arena, buf_str(&out));
}

static int lag_index(Emitter *m, PatternEmit *p, const Field *field, int index, int physical)
{
    for (size_t i = 0; i < p->lags.n; i++)
        if (p->lags.items[i].index == index && p->lags.items[i].physical == physical)
            return (int)i;
    *vec_push(m->arena, &p->lags) = (Lag){field, index, physical};
    return (int)p->lags.n - 1;
}

static int emit_source_input(Emitter *m, PatternEmit *p, const Expr *e, int index, Buf *out)
{
    const PatternSpec *spec = p->match->match.spec;
    const Navigation *n = &spec->navigations[e->input.navigation];
    if (e->input.what == PATTERN_INPUT_CLASSIFIER) {
        emit_string_literal(out, spec->labels[p->label]);
        return 0;
    }
    if (n->physical == 0)
        return buf_printf(out, "s.f%d", index);
    if (p->visible >= 0 && n->physical < -p->visible)
        return buf_printf(out, "CAST(NULL AS %.*s)", DUCKDB(m, e->type));
    return buf_printf(out, "s.p%d",
                      lag_index(m, p, &p->match->match.input->fields[index], index, n->physical));
}

static void note_asked(Emitter *m, PatternEmit *p, int navigation)
{
    for (size_t i = 0; i < p->asked.n; i++)
        if (p->asked.items[i] == navigation)
            return;
    *vec_push(m->arena, &p->asked) = navigation;
}

int emit_pattern_input(Emitter *m, const Expr *e, Buf *out)
{
    PatternEmit *p = m->pattern;
    bool plain = e->kind == EXPR_COLUMN; /* of an aggregate over a window */
    const Expr *column = plain ? e : e->input.column;
    PatternInput what = plain ? PATTERN_INPUT_COLUMN : e->input.what;
    int navigation = plain ? -1 : e->input.navigation, index = -1;
    if (what == PATTERN_INPUT_COLUMN) {
        FieldRef inside = emit_wrapped_ref(m, &column->column.ref);
        index = field_index(p->match->match.input, inside.relation ? &inside : &column->column.ref);
        if (index < 0)
            return err_set(m->err, ERR_INTERNAL, "a column of a row pattern is not in its input");
    }
    if (p->mode == PATTERN_SOURCE)
        return emit_source_input(m, p, e, index, out);
    bool dynamic = p->mode == PATTERN_DYNAMIC, own = navigation < 0;
    if (what == PATTERN_INPUT_MATCH_NUMBER)
        return buf_puts(out, !dynamic ? "x.mn" : m->pattern_rows ? "g.mn" : "f.mn");
    if (dynamic && !own)
        note_asked(m, p, navigation);
    if (what == PATTERN_INPUT_COLUMN && own)
        return buf_printf(out, "struct_extract(%s, 'f%d')", dynamic ? "g.r" : "x.a", index);
    if (what == PATTERN_INPUT_COLUMN)
        return buf_printf(out, "struct_extract(%s%d, 'f%d')", dynamic ? "f.n" : "x.n", navigation, index);
    Str label = own ? (dynamic ? STR("g.label + 1") : STR("x.label + 1"))
                    : arena_printf(m->arena, dynamic ? "f.l%d + 1" : "x.l%d", navigation);
    return buf_add(out, label_name(m, p->match->match.spec, label));
}

/* ---- aggregates ---- */

int emit_pattern_aggregate(Emitter *m, const Expr *e, Buf *out)
{
    if (m->pattern->mode != PATTERN_DYNAMIC || m->pattern_rows)
        return 0;
    m->pattern_rows = true;
    buf_puts(out, "(SELECT ");
    int failed = emit_call(m, e, out);
    m->pattern_rows = false;
    return failed ? -1 : (buf_printf(out, " FROM t_frame_rows(%d) AS g)", e->call.aggregate - 1), 1);
}

int emit_pattern_over(Emitter *m, const Expr *e, Buf *out)
{
    if (m->pattern->mode == PATTERN_DYNAMIC)
        return 0;
    const PatternSpec *spec = m->pattern->match->match.spec;
    const PatternAggregate *aggregate = &spec->aggregates[e->call.aggregate - 1];
    bool any = aggregate->labels == 0, first = true;
    buf_puts(out, any ? " FILTER (WHERE x.label >= 0" : " FILTER (WHERE x.label IN (");
    for (size_t i = 0; i < spec->n_labels && !any; i++) {
        if (!(aggregate->labels >> i & 1))
            continue;
        buf_printf(out, "%s%zu", first ? "" : ", ", i);
        first = false;
    }
    return buf_printf(
        out, "%s) OVER (PARTITION BY x.pid, x.g ORDER BY x.seq ROWS BETWEEN UNBOUNDED PRECEDING AND %s)",
        any ? "" : ")", aggregate->is_final ? "UNBOUNDED FOLLOWING" : "CURRENT ROW");
}

/* ---- what a condition depends on ---- */

typedef struct Depends {
    const Relation *match;
    int label, back;
    bool dynamic;
} Depends;

static void depends(Expr *e, void *arg)
{
    Depends *d = arg;
    bool window = d->match->match.window != NULL;
    if (e->kind == EXPR_FUNCTION && e->call.aggregate)
        d->dynamic = true;
    if (e->kind == EXPR_PATTERN_INPUT) {
        if (e->input.navigation < 0) {
            d->dynamic = true;
            return;
        }
        const Navigation *n = &d->match->match.spec->navigations[e->input.navigation];
        bool own = n->is_last && n->logical == 0 && (n->labels == 0 || (n->labels >> d->label & 1));
        bool ahead =
            window && n->physical > 0 && d->match->match.window->to.kind != BOUND_UNBOUNDED_FOLLOWING;
        bool far = window && n->physical < -BACK_MAX;
        if (!own || ahead || far || (e->input.what == PATTERN_INPUT_CLASSIFIER && n->physical != 0))
            d->dynamic = true;
        if (window && -n->physical > d->back)
            d->back = -n->physical;
        return;
    }
    expr_children(e, depends, d);
}

bool emit_condition_is_source(const Relation *match, const Expr *e, int label, int *ret_back)
{
    Depends d = {.match = match, .label = label};
    depends((Expr *)e, &d);
    *ret_back = d.back;
    return !d.dynamic;
}

static void find_query(Expr *e, void *arg)
{
    *(bool *)arg = *(bool *)arg || emit_condition_has_query(e);
}

bool emit_condition_has_query(const Expr *e)
{
    bool found = e->kind == EXPR_SUBQUERY || e->kind == EXPR_EXISTS || e->kind == EXPR_IN_SUBQUERY ||
                 e->kind == EXPR_QUANTIFIED;
    if (!found)
        expr_children(e, find_query, &found);
    return found;
}

/* ---- patterns as programs ---- */

typedef struct Compiler {
    Emitter *m;
    Vec(MatchInstruction) code;
    int n_loops;
    bool too_large;
} Compiler;

static int add(Compiler *c, MatchOp op, int a, int b)
{
    if (c->code.n >= MATCH_PROGRAM_MAX)
        c->too_large = true;
    else
        *vec_push(c->m->arena, &c->code) = (MatchInstruction){op, a, b, 0};
    return (int)c->code.n - 1;
}

static void compile(Compiler *c, const RowPattern *pattern, bool excluded);

static void compile_all(Compiler *c, RowPattern *const *items, size_t n, bool excluded)
{
    for (size_t i = 0; i < n && !c->too_large; i++)
        compile(c, items[i], excluded);
}

/* The rest of the items in every order; the order as written comes first. */
static void permute(Compiler *c, RowPattern **order, size_t done, const RowPattern *pattern, bool *taken,
                    bool excluded)
{
    if (done == pattern->n) {
        compile_all(c, order, done, excluded);
        return;
    }
    size_t left = pattern->n - done;
    Vec(int) jumps = {0};
    for (size_t i = 0; i < pattern->n && !c->too_large; i++) {
        if (taken[i])
            continue;
        int split = left > 1 ? add(c, MATCH_SPLIT, 0, 0) : -1;
        taken[i] = true;
        order[done] = pattern->items[i];
        permute(c, order, done + 1, pattern, taken, excluded);
        taken[i] = false;
        if (--left == 0)
            break;
        *vec_push(c->m->arena, &jumps) = add(c, MATCH_JUMP, 0, 0);
        c->code.items[split].a = split + 1;
        c->code.items[split].b = (int)c->code.n;
    }
    for (size_t i = 0; i < jumps.n && !c->too_large; i++)
        c->code.items[jumps.items[i]].a = (int)c->code.n;
}

static void compile_alternation(Compiler *c, const RowPattern *pattern, bool excluded)
{
    Vec(int) jumps = {0};
    for (size_t i = 0; i + 1 < pattern->n && !c->too_large; i++) {
        int split = add(c, MATCH_SPLIT, 0, 0);
        compile(c, pattern->items[i], excluded);
        *vec_push(c->m->arena, &jumps) = add(c, MATCH_JUMP, 0, 0);
        c->code.items[split].a = split + 1;
        c->code.items[split].b = (int)c->code.n;
    }
    compile(c, pattern->items[pattern->n - 1], excluded);
    for (size_t i = 0; i < jumps.n && !c->too_large; i++)
        c->code.items[jumps.items[i]].a = (int)c->code.n;
}

static void set_branches(Compiler *c, int at, int body, int end, bool reluctant)
{
    c->code.items[at].a = reluctant ? end : body;
    c->code.items[at].b = reluctant ? body : end;
}

static void compile_quantified(Compiler *c, const RowPattern *pattern, bool excluded)
{
    const RowPattern *item = pattern->items[0];
    int64_t least = pattern->least < 0 ? 0 : pattern->least;
    for (int64_t i = 0; i < least && !c->too_large; i++)
        compile(c, item, excluded);
    if (pattern->most < 0) {
        int loop = add(c, MATCH_LOOP, 0, 0);
        c->code.items[loop].c = c->n_loops++;
        compile(c, item, excluded);
        add(c, MATCH_JUMP, loop, 0);
        set_branches(c, loop, loop + 1, (int)c->code.n, pattern->reluctant);
        return;
    }
    Vec(int) splits = {0};
    for (int64_t i = least; i < pattern->most && !c->too_large; i++) {
        *vec_push(c->m->arena, &splits) = add(c, MATCH_SPLIT, 0, 0);
        compile(c, item, excluded);
    }
    for (size_t i = 0; i < splits.n && !c->too_large; i++)
        set_branches(c, splits.items[i], splits.items[i] + 1, (int)c->code.n, pattern->reluctant);
}

static void compile(Compiler *c, const RowPattern *pattern, bool excluded)
{
    if (c->too_large)
        return;
    switch (pattern->kind) {
    case PATTERN_VARIABLE:
        add(c, MATCH_LABEL, pattern->label, excluded);
        break;
    case PATTERN_EMPTY:
        break;
    case PATTERN_CONCATENATION:
        compile_all(c, pattern->items, pattern->n, excluded);
        break;
    case PATTERN_ALTERNATION:
        compile_alternation(c, pattern, excluded);
        break;
    case PATTERN_PERMUTATION:
        permute(c, arena_array(c->m->arena, RowPattern *, pattern->n), 0, pattern,
                arena_array(c->m->arena, bool, pattern->n), excluded);
        break;
    case PATTERN_QUANTIFIED:
        compile_quantified(c, pattern, excluded);
        break;
    case PATTERN_EXCLUDED:
        compile(c, pattern->items[0], true);
        break;
    default:
        add(c, pattern->kind == PATTERN_START ? MATCH_START : MATCH_END, 0, 0);
        break;
    }
}

int emit_pattern_program(Emitter *m, const PatternSpec *spec, Buf *out)
{
    Compiler c = {.m = m};
    compile(&c, spec->pattern, false);
    add(&c, MATCH_DONE, 0, 0);
    if (c.too_large)
        return emit_not_supported(m, spec->pattern->pos, "A row pattern of more than %d steps",
                                  MATCH_PROGRAM_MAX);
    buf_printf(out, "%d %zu", c.n_loops, c.code.n);
    for (size_t i = 0; i < c.code.n; i++)
        buf_printf(out, " %d %d %d %d", c.code.items[i].op, c.code.items[i].a, c.code.items[i].b,
                   c.code.items[i].c);
    return 0;
}

/* emit_group.c - GROUP BY: its sets, and the texts of its expressions, which stand for them wherever an
 * output repeats one. */
#include "query/engine/emit_internal.h"

#include "query/analyzer/internal.h"

/* ---- sets ---- */

typedef struct Set {
    Expr **items;
    size_t n;
} Set;
typedef Vec(Set) Sets;

static Set set_union(Emitter *m, const Set *a, const Set *b)
{
    Set set = {arena_array(m->arena, Expr *, a->n + b->n + 1), 0};
    const Set *parts[] = {a, b};
    for (size_t p = 0; p < 2; p++)
        for (size_t i = 0; i < parts[p]->n; i++) {
            bool known = false;
            for (size_t j = 0; j < set.n && !known; j++)
                known = expr_equal(set.items[j], parts[p]->items[i]);
            if (!known)
                set.items[set.n++] = parts[p]->items[i];
        }
    return set;
}

/* The sets that one element stands for: (a), ROLLUP (a, b) = (a, b), (a), (). */
static Sets sets_of(Emitter *m, const GroupingElement *group)
{
    Sets sets = {0};
    if (group->kind == GROUPING_SIMPLE || group->kind == GROUPING_SETS) {
        for (size_t i = 0; i < group->n_sets; i++)
            *vec_push(m->arena, &sets) = (Set){group->sets[i].items, group->sets[i].n};
        return sets;
    }
    size_t count = group->kind == GROUPING_ROLLUP ? group->n_sets + 1 : (size_t)1 << group->n_sets;
    for (size_t c = 0; c < count; c++) {
        Set set = {0};
        for (size_t i = 0; i < group->n_sets; i++) {
            bool in =
                group->kind == GROUPING_ROLLUP ? i < group->n_sets - c : !(c >> (group->n_sets - 1 - i) & 1);
            if (in)
                set = set_union(m, &set, &(Set){group->sets[i].items, group->sets[i].n});
        }
        *vec_push(m->arena, &sets) = set;
    }
    return sets;
}

static bool same_set(const Set *a, const Set *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        bool found = false;
        for (size_t j = 0; j < b->n && !found; j++)
            found = expr_equal(a->items[i], b->items[j]);
        if (!found)
            return false;
    }
    return true;
}

static Sets all_sets(Emitter *m, const QuerySpec *spec)
{
    Sets all = {0};
    *vec_push(m->arena, &all) = (Set){0};
    for (size_t g = 0; g < spec->n_groups; g++) {
        Sets own = sets_of(m, &spec->groups[g]), next = {0};
        for (size_t i = 0; i < all.n; i++)
            for (size_t j = 0; j < own.n; j++) {
                Set set = set_union(m, &all.items[i], &own.items[j]);
                bool known = false;
                for (size_t k = 0; spec->group_distinct && k < next.n && !known; k++)
                    known = same_set(&next.items[k], &set);
                if (!known)
                    *vec_push(m->arena, &next) = set;
            }
        all = next;
    }
    return all;
}

/* ---- the clause ---- */

static int emit_group_item(Emitter *m, const Expr *e, Buf *out)
{
    /* A bare constant would be an ordinal, or refused. */
    bool is_bare = e->kind == EXPR_STRING || e->kind == EXPR_BOOLEAN;
    buf_puts(out, is_bare ? "CAST(" : "");
    if (emit_group_key(m, e, out) < 0)
        return -1;
    return is_bare ? buf_printf(out, " AS %.*s)", DUCKDB(m, e->type)) : 0;
}

static int emit_set(Emitter *m, const Set *set, Buf *out)
{
    for (size_t i = 0; i < set->n; i++) {
        buf_puts(out, i ? ", " : "");
        if (emit_group_item(m, set->items[i], out) < 0)
            return -1;
    }
    return 0;
}

int emit_groups(Emitter *m, const QuerySpec *spec, Buf *out)
{
    if (!spec->n_groups)
        return 0;
    Sets sets = all_sets(m, spec);
    if (sets.n == 1 && sets.items[0].n > 0) {
        buf_puts(out, " GROUP BY ");
        return emit_set(m, &sets.items[0], out);
    }
    buf_puts(out, " GROUP BY GROUPING SETS (");
    for (size_t i = 0; i < sets.n; i++) {
        buf_puts(out, i ? ", (" : "(");
        if (emit_set(m, &sets.items[i], out) < 0)
            return -1;
        buf_putc(out, ')');
    }
    return buf_putc(out, ')');
}

/* ---- texts ---- */

static Pinned *find_pinned(Emitter *m, const Expr *e)
{
    for (size_t i = 0; i < m->n_pinned; i++)
        if (expr_equal(e, m->pinned[i].expr))
            return &m->pinned[i];
    return NULL;
}

Str emit_pinned_text(Emitter *m, const Expr *e)
{
    const Pinned *pinned = find_pinned(m, e);
    if (!pinned)
        return STR_NULL;
    bool shows = pinned >= m->pinned + m->own_pinned ? m->shows_groups : pinned->is_shown;
    return shows && pinned->shown.ptr ? pinned->shown : pinned->text; /* NULL: a column, as it is */
}

int emit_group_key(Emitter *m, const Expr *e, Buf *out)
{
    const Pinned *pinned = emit_has_key(e->type) ? find_pinned(m, e) : NULL;
    return pinned && pinned->key.ptr ? buf_add(out, pinned->key) : emit_expr(m, e, out);
}

/* Expressions with names that are made up as they are written must be written once. What is grouped by a key
 * is shown as one value of the group: which one, Trino does not say either. */
static int pin(Emitter *m, const Expr *e, bool in_all_sets)
{
    bool has_key = emit_has_key(e->type);
    if (e->kind == EXPR_COLUMN && !has_key)
        return 0;
    Str text = emit_own_text(m, e);
    if (!text.ptr)
        return -1;
    const Pinned *known = find_pinned(m, e);
    if (known && known >= m->pinned + m->own_pinned)
        return 0;
    if (!has_key && str_find(text, STR("lambda ")) < 0 && str_find(text, STR("TRY(")) < 0)
        return 0;
    if (m->n_pinned == EMIT_PINNED_MAX)
        return emit_not_supported(m, e->pos, "GROUP BY of more than %d expressions of this kind",
                                  EMIT_PINNED_MAX);
    Pinned *pinned = &m->pinned[m->n_pinned++];
    *pinned = (Pinned){.expr = e, .text = e->kind == EXPR_COLUMN ? STR_NULL : text};
    if (!has_key)
        return 0;
    Str value = text;
    _cleanup_buf_ Buf key = BUF_INIT(EMIT_SQL_MAX);
    emit_key(m, e->type, value, &key);
    pinned->key = arena_str(m->arena, buf_str(&key));
    pinned->shown = in_all_sets ? arena_printf(m->arena, "any_value(%.*s)", STR_ARG(text))
                                : arena_printf(m->arena,
                                               "CASE WHEN grouping(%.*s) = 0 THEN any_value(%.*s) END",
                                               STR_ARG(pinned->key), STR_ARG(text));
    return 0;
}

void emit_groups_begin(Emitter *m, GroupScope *ret)
{
    *ret = (GroupScope){m->n_pinned, m->own_pinned, m->shows_groups};
    for (size_t i = m->own_pinned; i < m->n_pinned; i++)
        m->pinned[i].is_shown = m->shows_groups;
    m->own_pinned = m->n_pinned;
    m->shows_groups = false;
}

int emit_pin_groups(Emitter *m, const QuerySpec *spec)
{
    bool is_plain = true;
    for (size_t g = 0; g < spec->n_groups; g++)
        is_plain = is_plain && spec->groups[g].kind == GROUPING_SIMPLE;
    for (size_t g = 0; g < spec->n_groups; g++)
        for (size_t i = 0; i < spec->groups[g].n_sets; i++)
            for (size_t j = 0; j < spec->groups[g].sets[i].n; j++)
                if (pin(m, spec->groups[g].sets[i].items[j], is_plain) < 0)
                    return -1;
    return 0;
}

void emit_groups_end(Emitter *m, const GroupScope *scope)
{
    m->n_pinned = scope->n_pinned;
    m->own_pinned = scope->own_pinned;
    m->shows_groups = scope->shows_groups;
}

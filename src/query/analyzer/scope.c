/* scope.c - what a name means. */
#include "query/analyzer/internal.h"

bool name_is(Str a, Str b)
{
    return a.ptr && b.ptr && str_eq_nocase(a, b);
}

bool ident_equal(const Ident *a, const Ident *b)
{
    if (a->quoted == b->quoted)
        return a->quoted ? str_eq(a->text, b->text) : name_is(a->text, b->text);
    if (!name_is(a->text, b->text))
        return false;
    Str exact = a->quoted ? a->text : b->text;
    for (size_t i = 0; i < exact.len; i++)
        if (exact.ptr[i] >= 'a' && exact.ptr[i] <= 'z')
            return false;
    return true;
}

/* The qualifier is an alias, a table's name, or a table's name with its schema and catalog. */
bool field_has_qualifier(const Field *field, const Ident *parts, size_t n)
{
    if (n == 0)
        return true;
    if (!name_is(field->qualifier, parts[n - 1].text))
        return false;
    if (n == 1)
        return true;
    const Relation *relation = field->relation;
    if (!relation || relation->kind != REL_TABLE || relation->alias.text.ptr || !relation->table.handle)
        return false;
    const TableHandle *handle = relation->table.handle;
    return name_is(handle->schema, parts[n - 2].text) &&
           (n == 2 || (n == 3 && name_is(handle->catalog, parts[0].text)));
}

void mark_used(const Field *field)
{
    const Relation *relation = field->ref.relation;
    if (relation && relation->kind == REL_TABLE && relation->used)
        relation->used[field->ref.index] = true;
}

bool name_parts(Analyzer *a, const Expr *e, QualifiedName *ret)
{
    size_t n = 1;
    const Expr *base = e;
    for (; base->kind == EXPR_DEREFERENCE; base = base->dereference.base)
        n++;
    if (base->kind != EXPR_IDENT)
        return false;
    Ident *parts = arena_array(a->arena, Ident, n);
    for (size_t i = n; i-- > 0;) {
        parts[i] = e->kind == EXPR_DEREFERENCE ? e->dereference.field : e->ident;
        if (e->kind == EXPR_DEREFERENCE)
            e = e->dereference.base;
    }
    *ret = (QualifiedName){.parts = parts, .n = n, .pos = parts[0].pos};
    return true;
}

static Str parts_text(Analyzer *a, const QualifiedName *name)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 12);
    for (size_t i = 0; i < name->n; i++)
        buf_printf(&out, "%s%.*s", i ? "." : "", STR_ARG(name->parts[i].text));
    return arena_str(a->arena, buf_str(&out));
}

/* 1 found, 0 not here, -1 ambiguous. */
static int find_in(ExprContext *c, const Scope *scope, const QualifiedName *name, SqlPos pos,
                   const Field **ret)
{
    int found = 0;
    for (size_t i = 0; i < scope->n_fields; i++) {
        const Field *field = &scope->fields[i];
        if (!name_is(field->name, name->parts[name->n - 1].text) ||
            !field_has_qualifier(field, name->parts, name->n - 1))
            continue;
        if (found++)
            return FAIL(c->a, ERR_AMBIGUOUS_NAME, pos, "Column '%.*s' is ambiguous",
                        STR_ARG(parts_text(c->a, name)));
        *ret = field;
    }
    return found;
}

static void become_column(ExprContext *c, Expr *e, const Field *field, int depth, const Scope *scope)
{
    Expr *original = arena_new_of(c->a->arena, Expr);
    *original = *e;
    e->kind = EXPR_COLUMN;
    e->type = e->coerced = field->type;
    e->column.ref = field->ref;
    if (field->ref.depth >= 0)
        e->column.ref.depth = depth;
    e->column.original = original;
    mark_used(field);
    if (depth > 0)
        *vec_push(c->a->arena, &c->a->outer_refs) = (struct OuterRef){e, scope};
}

/* 1: resolved, 0: no such column, -1: error. */
static int resolve_column(ExprContext *c, Expr *e, const QualifiedName *name)
{
    int depth = 0;
    for (const Scope *scope = c->scope; scope; scope = scope->parent) {
        const Field *field = NULL;
        int found = find_in(c, scope, name, e->pos, &field);
        if (found < 0)
            return -1;
        if (found && depth > 0 && c->a->no_correlation)
            return FAIL(c->a, ERR_NOT_SUPPORTED, e->pos,
                        "Reference to column '%.*s' from outer scope not allowed in this context",
                        STR_ARG(parts_text(c->a, name)));
        if (found) {
            become_column(c, e, field, depth, scope);
            return 1;
        }
        depth++;
    }
    return 0;
}

static bool resolve_lambda_parameter(ExprContext *c, Expr *e)
{
    for (const LambdaScope *scope = c->lambdas; scope; scope = scope->next) {
        const Expr *lambda = scope->lambda;
        for (size_t i = 0; i < lambda->lambda.n; i++) {
            if (!name_is(lambda->lambda.params[i].text, e->ident.text))
                continue;
            e->kind = EXPR_COLUMN;
            e->type = e->coerced = lambda->lambda.param_types[i];
            e->column.ref = (FieldRef){NULL, (int)i, -1};
            e->column.original = lambda;
            return true;
        }
    }
    return false;
}

/* base.field where base is an expression of a row type. */
static int resolve_row_field(ExprContext *c, Expr *e)
{
    Expr *base = e->dereference.base;
    Str wanted = e->dereference.field.text;
    if (base->type->kind != TYPE_ROW)
        return FAIL(c->a, ERR_TYPE_MISMATCH, e->pos, "Expression %.*s is not of type ROW",
                    STR_ARG(expr_text(c->a, base)));
    const SqlType *found = NULL;
    for (size_t i = 0; i < base->type->n_fields; i++) {
        if (!name_is(base->type->fields[i].name, wanted))
            continue;
        if (found)
            return FAIL(c->a, ERR_AMBIGUOUS_NAME, e->dereference.field.pos,
                        "Ambiguous row field reference: %.*s", STR_ARG(wanted));
        found = base->type->fields[i].type;
    }
    if (!found)
        return FAIL(c->a, ERR_COLUMN_NOT_FOUND, e->pos, "Field '%.*s' cannot be resolved", STR_ARG(wanted));
    e->type = e->coerced = found;
    return 0;
}

int resolve_name(ExprContext *c, Expr *e)
{
    int pattern = c->pattern ? resolve_pattern_name(c, e) : 0;
    if (pattern)
        return pattern > 0 ? 0 : -1;
    if (e->kind == EXPR_IDENT && resolve_lambda_parameter(c, e))
        return 0;
    QualifiedName name;
    bool is_name = name_parts(c->a, e, &name);
    if (is_name) {
        int found = resolve_column(c, e, &name);
        if (found)
            return found > 0 ? 0 : -1;
        if (e->kind == EXPR_IDENT)
            return FAIL(c->a, ERR_COLUMN_NOT_FOUND, e->pos, "Column '%.*s' cannot be resolved",
                        STR_ARG(parts_text(c->a, &name)));
    }
    Expr *base = e->dereference.base;
    if (base->kind == EXPR_IDENT || base->kind == EXPR_DEREFERENCE) {
        if (resolve_name(c, base) < 0) {
            if (is_name && c->a->err && c->a->err->code == ERR_COLUMN_NOT_FOUND)
                return FAIL(c->a, ERR_COLUMN_NOT_FOUND, e->pos, "Column '%.*s' cannot be resolved",
                            STR_ARG(parts_text(c->a, &name)));
            return -1;
        }
    } else if (analyze_expr(c, base) < 0) {
        return -1;
    }
    return resolve_row_field(c, e);
}

/* emit_lazy.c - what Trino does not evaluate. It takes the arguments of a call from left to right and leaves
 * the rest alone once one is NULL; a cast that is tried hides its own failure, not its operand's. DuckDB
 * computes all arguments first: where a later one may fail, the call stands in a CASE. */
#include "query/engine/emit_call.h"

#include "query/analyzer/internal.h"
#include "query/engine/functions/function_names.h"

enum { GUARDED_BYTES_MAX = 2000 }; /* a guarded value is written twice */

typedef struct Search {
    bool overflow, found;
} Search;

static void look_into(Expr *e, void *arg);

static bool is_zero(const Expr *e)
{
    return e->kind == EXPR_INTEGER && e->integer.value == 0;
}

static bool divides(const Expr *e)
{
    bool is_division = e->kind == EXPR_ARITHMETIC && (e->binary.op == OP_DIV || e->binary.op == OP_MOD);
    const Expr *by = is_division ? e->binary.right : NULL;
    return by && (by->kind != EXPR_INTEGER || is_zero(by)) && by->kind != EXPR_DOUBLE;
}

/* Functions of ours that take any value. */
static bool is_total_call(const Expr *e)
{
    static const char *const names[] = {"trim",    "ltrim", "rtrim", "lower",  "upper",   "length",
                                        "replace", "concat", "abs",  "substr", "reverse", "strpos"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(e->call.def->name, names[i]) == 0)
            return true;
    return !strstr(e->call.def->emission, "t_") && e->call.def->emission[0] != '@';
}

static bool fails_itself(const Expr *e, bool overflow)
{
    switch (e->kind) {
    case EXPR_CAST:
        return !e->cast.is_try && !sql_type_can_coerce(e->cast.operand->type, e->type);
    case EXPR_ARITHMETIC:
        return overflow ? e->type->kind != TYPE_DOUBLE && e->type->kind != TYPE_REAL : divides(e);
    case EXPR_UNARY:
        return overflow && e->unary.op == '-';
    case EXPR_FUNCTION:
        return e->call.routine || !is_total_call(e);
    case EXPR_SUBSCRIPT:
    case EXPR_AT_TIME_ZONE:
    case EXPR_JSON_FUNCTION:
        return true;
    default:
        return false;
    }
}

static bool may_fail(const Expr *e, bool overflow)
{
    if (e->kind == EXPR_TRY)
        return false;
    if (fails_itself(e, overflow))
        return true;
    Search inside = {.overflow = overflow};
    if (e->kind != EXPR_LAMBDA)
        expr_children(e, look_into, &inside);
    return inside.found;
}

static void look_into(Expr *e, void *arg)
{
    Search *s = arg;
    s->found = s->found || may_fail(e, s->overflow);
}

bool emit_may_fail(const Expr *e)
{
    return may_fail(e, true);
}

static bool may_be_null(const Expr *e)
{
    if (e->kind == EXPR_CAST && !e->cast.is_try)
        return may_be_null(e->cast.operand);
    return e->kind == EXPR_NULL || e->kind > EXPR_INTERVAL;
}

/* Texts that may stand twice. */
static bool is_repeatable(Str text)
{
    return text.len <= GUARDED_BYTES_MAX && str_find(text, STR("SELECT ")) < 0;
}

typedef struct Row {
    bool found;
} Row;

static void look_for_row(Expr *e, void *arg)
{
    Row *row = arg;
    bool is_fixed = e->kind <= EXPR_INTERVAL || e->kind == EXPR_LAMBDA;
    bool is_row = e->kind == EXPR_COLUMN || e->kind == EXPR_PATTERN_INPUT || e->kind == EXPR_SUBQUERY ||
                  e->kind == EXPR_EXISTS || e->kind == EXPR_IN_SUBQUERY || e->kind == EXPR_QUANTIFIED ||
                  (e->kind == EXPR_FUNCTION && (e->call.routine || e->call.def->kind != FUNCTION_SCALAR ||
                                                !e->call.def->deterministic));
    row->found = row->found || is_row;
    if (!row->found && !is_fixed)
        expr_children(e, look_for_row, row);
}

/* Trino folds a call with a constant that is NULL, wherever it stands. */
static bool is_constant(const Expr *e)
{
    Row row = {false};
    look_for_row((Expr *)e, &row);
    return !row.found;
}

int emit_guard(Expr *const *args, const Str *texts, size_t n, bool overflow, Buf *out)
{
    size_t last = n; /* the last argument that may fail */
    while (last > 0 && (args[last - 1]->kind == EXPR_LAMBDA || !may_fail(args[last - 1], overflow)))
        last--;
    int guards = 0;
    for (int constants = 1; last > 0 && constants >= 0; constants--) /* they first */
        for (size_t i = 0; i < n; i++) {
            if (args[i]->kind == EXPR_LAMBDA || !may_be_null(args[i]) || !is_repeatable(texts[i]))
                continue;
            bool is_folded = n > 1 && is_constant(args[i]) && !may_fail(args[i], true);
            if (is_folded ? constants : !constants && i + 1 < last)
                buf_printf(out, "%s%.*s IS NULL", guards++ ? " OR " : "CASE WHEN ",
                           STR_ARG(texts[i]));
        }
    if (guards)
        buf_puts(out, " THEN NULL ELSE ");
    return guards;
}

static bool is_strict_function(Str name)
{
    static const char *const natives[] = {"atan2", "pow",    "strpos", "substring", "starts_with", "xor",
                                          "chr",   "length", "left",   "right",     "date_diff",
                                          "translate", "list_extract"};
    for (size_t i = 0; i < sizeof natives / sizeof *natives; i++)
        if (str_is(name, natives[i]))
            return true;
    return !t_function_takes_nulls(name);
}

/* Is the template made of functions that give NULL for any NULL? */
static bool is_strict(const char *emission)
{
    if (emission[0] == '@')
        return strcmp(emission, "@substr") == 0 || strcmp(emission, "@element_at") == 0 ||
               strcmp(emission, "@map_concat") == 0;
    for (const char *p = emission; *p; p++) {
        bool is_word = (*p >= 'a' && *p <= 'z') || *p == '_';
        size_t n = 0;
        while (is_word && ((p[n] >= 'a' && p[n] <= 'z') || (p[n] >= '0' && p[n] <= '9') || p[n] == '_'))
            n++;
        if (n == 0)
            continue;
        if (p[n] == ' ' || p[n] == '{' || (p[n] == '(' && !is_strict_function(str_of(p, n))))
            return false;
        p += n - 1;
    }
    return !strstr(emission, "CASE") && !strstr(emission, "NULL");
}

int emit_call_guard(const Call *c, Buf *out)
{
    if (c->e->call.def->kind != FUNCTION_SCALAR || c->n < 2 || !is_strict(c->e->call.def->emission))
        return 0;
    return emit_guard(c->e->call.args, c->args, c->n, true, out);
}

bool emit_try_cast_is_refused(const Expr *e)
{
    TypeKind kind = e->type->kind;
    return e->cast.operand->coerced->kind == TYPE_JSON && (kind == TYPE_ROW || kind == TYPE_MAP) &&
           !sql_type_is_json_made(e->type);
}

/* TRY around the cast alone. */
int emit_try_cast(Emitter *m, const Expr *e, Str value, Buf *out)
{
    const SqlType *from = e->cast.operand->coerced;
    bool is_refused = emit_try_cast_is_refused(e);
    if (is_refused && e->type->kind == TYPE_ROW)
        return err_set_sql(m->err, ERR_FUNCTION_IMPLEMENTATION_MISSING, 0, 0, "(json):%.*s not found",
                           STR_ARG(sql_type_signature(e->type, m->arena)));
    if (is_refused)
        return emit_cast(m, from, e->type, value, e->pos, out);
    Str name = emit_let_name(m), cast = emit_cast_text(m, from, e->type, name, e->pos);
    if (!cast.ptr)
        return -1;
    emit_let(out, name, value, arena_printf(m->arena, "TRY(%.*s)", STR_ARG(cast)));
    return 0;
}

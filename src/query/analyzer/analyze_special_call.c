/* analyze_special_call.c - calls that no signature of functions.def can say: format(), whose values are of
 * any types, and static functions of types (ROW::fields(…), varchar::chr(…)). Source: Trino's documentation
 * "Conversion functions"; behaviour of release 483. */
#include "query/analyzer/internal.h"

static const FunctionDef format_def = {"format", FUNCTION_SCALAR, "", "", "@format", true, ""};
static const FunctionDef row_fields_def = {"fields", FUNCTION_SCALAR, "", "", "@row_fields", true, ""};

/* Types whose values the formatter takes as they are; all others must have a text. */
static bool can_be_formatted(const SqlType *type)
{
    return type->kind == TYPE_CHAR || type->kind == TYPE_UNKNOWN || sql_type_can_cast(type, &TYPE_VARCHAR_);
}

int bind_format(ExprContext *c, Expr *e)
{
    const SqlType **types = arena_array(c->a->arena, const SqlType *, e->call.n + 1);
    if (e->call.n < 2)
        return FAIL(c->a, ERR_SYNTAX, e->pos, "The 'format' function must have at least two arguments");
    for (size_t i = 0; i < e->call.n; i++) {
        if (analyze_expr(c, e->call.args[i]) < 0)
            return -1;
        types[i] = e->call.args[i]->type;
    }
    if (types[0]->kind != TYPE_VARCHAR && types[0]->kind != TYPE_UNKNOWN)
        return FAIL(c->a, ERR_TYPE_MISMATCH, e->call.args[0]->pos,
                    "Type of first argument to format() must be VARCHAR (actual: %.*s)",
                    STR_ARG(sql_type_name(types[0], c->a->arena)));
    for (size_t i = 1; i < e->call.n; i++)
        if (!can_be_formatted(types[i]))
            return FAIL(c->a, ERR_NOT_SUPPORTED, e->call.args[i]->pos,
                        "Type not supported for formatting: %.*s",
                        STR_ARG(sql_type_name(types[i], c->a->arena)));
    coerce_to(c->a, e->call.args[0], &TYPE_VARCHAR_);
    e->call.def = &format_def;
    e->call.arg_types = types;
    e->type = &TYPE_VARCHAR_;
    return 0;
}

static int bind_row_fields(ExprContext *c, Expr *e)
{
    const SqlType **types = arena_array(c->a->arena, const SqlType *, 1);
    if (analyze_expr(c, e->call.args[0]) < 0)
        return -1;
    types[0] = e->call.args[0]->type;
    if (types[0]->kind != TYPE_ROW)
        return FAIL(c->a, ERR_FUNCTION_NOT_FOUND, e->pos,
                    "Unexpected parameters (%.*s) for function row::fields",
                    STR_ARG(sql_type_signature(types[0], c->a->arena)));
    e->call.def = &row_fields_def;
    e->call.arg_types = types;
    e->type = sql_type_array(c->a->arena, &TYPE_VARCHAR_);
    return 0;
}

int bind_static(ExprContext *c, Expr *e, StaticCall *ret)
{
    static const struct {
        const char *type, *function;
    } plain[] = {{"varchar", "chr"}, {"varchar", "from_utf8"}};
    Str type = e->call.static_type->name, name = e->call.name.parts[e->call.name.n - 1].text;
    *ret = STATIC_BOUND;
    if (name_is(type, STR("row")) && name_is(name, STR("fields")) && e->call.n == 1)
        return bind_row_fields(c, e);
    *ret = STATIC_PLAIN;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (name_is(type, str_from(plain[i].type)) && name_is(name, str_from(plain[i].function)))
            return 0;
    return FAIL(c->a, ERR_FUNCTION_NOT_FOUND, e->pos, "Function '%.*s::%.*s' not registered", STR_ARG(type),
                STR_ARG(name));
}

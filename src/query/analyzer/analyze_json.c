/* analyze_json.c - JSON_EXISTS, JSON_VALUE, JSON_QUERY, JSON_OBJECT, JSON_ARRAY: types, and paths checked. */
#include "query/analyzer/internal.h"
#include "query/analyzer/json_clauses.h"

enum { PATH_ARENA_BYTES = 64 << 20 };

static Str type_name(ExprContext *c, const SqlType *type)
{
    return sql_type_name(type, c->a->arena);
}

static const char *format_name(JsonFormat format)
{
    static const char *const names[] = {"JSON", "JSON", "JSON ENCODING UTF8", "JSON ENCODING UTF16",
                                        "JSON ENCODING UTF32"};
    return names[format];
}

static bool is_text(const SqlType *type)
{
    return type->kind == TYPE_VARCHAR || type->kind == TYPE_CHAR;
}

static bool is_plain_number(const SqlType *type)
{
    return (type->kind >= TYPE_TINYINT && type->kind <= TYPE_DECIMAL);
}

Str json_canonical_name(Arena *arena, const Ident *name)
{
    if (name->quoted)
        return name->text;
    char *upper = arena_alloc(arena, name->text.len + 1);
    for (size_t i = 0; i < name->text.len; i++)
        upper[i] = (char)(name->text.ptr[i] >= 'a' && name->text.ptr[i] <= 'z' ? name->text.ptr[i] - 32
                                                                               : name->text.ptr[i]);
    return str_of(upper, name->text.len);
}

/* ---- inputs ---- */

/* JSON_QUERY and the constructors give JSON text: it is read as such where nothing else is said. */
static void imply_format(JsonInput *input)
{
    const Expr *e = input->expr;
    if (input->format == JSON_FORMAT_NONE && e->kind == EXPR_JSON_FUNCTION &&
        e->json->function >= CALL_JSON_QUERY)
        input->format = JSON_FORMAT_JSON;
}

/* Can the value be read as JSON text? */
static int check_readable(ExprContext *c, const JsonInput *input)
{
    const SqlType *type = input->expr->type;
    bool any = input->format <= JSON_FORMAT_JSON;
    bool ok = type->kind == TYPE_UNKNOWN || (any && is_text(type)) || type->kind == TYPE_VARBINARY;
    if (!ok)
        return FAIL(c->a, ERR_TYPE_MISMATCH, input->expr->pos,
                    "Cannot read input of type %.*s as JSON using formatting %s", STR_ARG(type_name(c, type)),
                    format_name(input->format));
    if (type->kind == TYPE_UNKNOWN || type->kind == TYPE_CHAR)
        coerce_to(c->a, input->expr, &TYPE_VARCHAR_);
    return 0;
}

static bool can_be_text(const SqlType *type)
{
    return type->kind == TYPE_UNKNOWN || sql_type_can_cast(type, &TYPE_VARCHAR_);
}

/* A value that has a JSON form, or a text that stands for it. `what`: "value passed to JSON_OBJECT function".
 */
static int check_value(ExprContext *c, const Expr *e, const JsonInput *input, const char *what, bool moments)
{
    const SqlType *type = input->expr->type;
    bool temporal = type->kind >= TYPE_DATE && type->kind <= TYPE_TIMESTAMP_TZ;
    if (type->kind == TYPE_VARBINARY)
        return FAIL(c->a, ERR_NOT_SUPPORTED, input->expr->pos, "Unsupported type of %s: %.*s", what,
                    STR_ARG(type_name(c, type)));
    if (is_text(type) || is_plain_number(type) || type->kind == TYPE_BOOLEAN || (moments && temporal))
        return 0;
    if (!can_be_text(type))
        return FAIL(c->a, ERR_NOT_SUPPORTED, e ? e->pos : input->expr->pos, "Unsupported type of %s: %.*s",
                    what, STR_ARG(type_name(c, type)));
    return 0;
}

/* ---- paths ---- */

static int path_error(Analyzer *a, SqlPos pos, const JsonPathError *why)
{
    if (!why->is_syntax)
        return FAIL(a, ERR_INVALID_PATH, pos, "%s", why->message);
    SqlPos at = {pos.line + (int)why->line - 1, (int)why->column + 1 + (why->line == 1 ? pos.column : 0)};
    return FAIL(a, ERR_SYNTAX, at, "%s", why->message);
}

int json_check_path(Analyzer *a, Str path, SqlPos pos, const Str *names, size_t n_names, Item *ret_type)
{
    /* A pattern's code is freed with this arena, and the path is compiled again where it runs. */
    _cleanup_arena_ Arena *arena = arena_new(PATH_ARENA_BYTES);
    JsonPath parsed;
    JsonPathError why;
    if (json_path_parse(path, names, n_names, arena, &parsed, &why) < 0 ||
        json_path_check(&parsed, ret_type, &why) < 0)
        return path_error(a, pos, &why);
    ret_type->text = STR_NULL;
    return 0;
}

static int analyze_argument(ExprContext *c, const Expr *e, JsonInvocation *invocation, size_t i)
{
    JsonArgument *arg = &invocation->args[i];
    Str name = json_canonical_name(c->a->arena, &arg->name);
    for (size_t k = 0; k < i; k++)
        if (str_eq(name, json_canonical_name(c->a->arena, &invocation->args[k].name)))
            return FAIL(c->a, ERR_DUPLICATE_PARAMETER_NAME, arg->name.pos,
                        "%.*s JSON path parameter is specified more than once", STR_ARG(name));
    imply_format(&arg->value);
    if (arg->value.expr->kind == EXPR_LAMBDA)
        return FAIL(c->a, ERR_NOT_SUPPORTED, arg->value.expr->pos,
                    "LambdaExpression is not supported as JSON path parameter");
    if (analyze_expr(c, arg->value.expr) < 0)
        return -1;
    if (arg->value.format != JSON_FORMAT_NONE)
        return check_readable(c, &arg->value);
    return check_value(c, e, &arg->value, "JSON path parameter", true);
}

int analyze_json_invocation(ExprContext *c, const Expr *e, JsonInvocation *invocation, const char *function,
                            Item *ret_type)
{
    Arena *arena = c->a->arena;
    if (e && invocation->path_name.text.ptr)
        return FAIL(c->a, ERR_INVALID_PATH, invocation->path_name.pos,
                    "JSON path name is not allowed in %s function", function);
    if (analyze_expr(c, invocation->input.expr) < 0 || check_readable(c, &invocation->input) < 0)
        return -1;
    Str *names = arena_array(arena, Str, invocation->n_args + 1);
    for (size_t i = 0; i < invocation->n_args; i++) {
        if (analyze_argument(c, e, invocation, i) < 0)
            return -1;
        names[i] = json_canonical_name(arena, &invocation->args[i].name);
    }
    return json_check_path(c->a, invocation->path, invocation->path_pos, names, invocation->n_args, ret_type);
}

/* ---- results ---- */

static int resolve_returning(ExprContext *c, SqlPos pos, JsonOutput *output)
{
    Error why;
    output->type = &TYPE_VARCHAR_;
    if (!output->returning || sql_type_resolve(output->returning, c->a->arena, &output->type, &why) == 0)
        return 0;
    return FAIL(c->a, why.code == ERR_TYPE_NOT_FOUND ? ERR_TYPE_MISMATCH : why.code, pos, "%s", why.message);
}

/* The type of a result that is JSON text. */
int analyze_json_text_output(ExprContext *c, SqlPos pos, JsonOutput *output)
{
    if (resolve_returning(c, pos, output) < 0)
        return -1;
    bool ok =
        output->type->kind == TYPE_VARBINARY || (output->format <= JSON_FORMAT_JSON && is_text(output->type));
    return ok ? 0
              : FAIL(c->a, ERR_TYPE_MISMATCH, pos, "Cannot output JSON value as %.*s using formatting %s",
                     STR_ARG(type_name(c, output->type)), format_name(output->format));
}

int analyze_json_quotes(ExprContext *c, SqlPos pos, const JsonOutput *output)
{
    if (output->wrapper <= JSON_WRAPPER_WITHOUT || output->quotes == JSON_QUOTES_NONE)
        return 0;
    return FAIL(c->a, ERR_INVALID_FUNCTION_ARGUMENT, pos,
                "%s QUOTES behavior specified with WITH %s ARRAY WRAPPER behavior",
                output->quotes == JSON_QUOTES_KEEP ? "KEEP" : "OMIT",
                output->wrapper == JSON_WRAPPER_ALWAYS ? "UNCONDITIONAL" : "CONDITIONAL");
}

static int analyze_default(ExprContext *c, Expr *value, const SqlType *type, const char *when, bool in_table)
{
    if (!value)
        return 0;
    const char *before = c->no_subquery;
    c->no_subquery = in_table ? "Subqueries are not supported in JSON_TABLE default expressions"
                              : "Subqueries are not supported in JSON_VALUE default expressions";
    int failed = analyze_expr(c, value);
    c->no_subquery = before;
    if (failed)
        return -1;
    /* Trino casts: 100 / x stands for a tinyint where it fits. */
    if (value->type->kind != TYPE_UNKNOWN && !sql_type_can_cast(value->type, type))
        return FAIL(c->a, ERR_TYPE_MISMATCH, value->pos,
                    "Function JSON_VALUE default ON %s result must evaluate to a %.*s (actual: %.*s)", when,
                    STR_ARG(type_name(c, type)), STR_ARG(type_name(c, value->type)));
    return 0;
}

static bool is_scalar_type(const SqlType *type)
{
    return is_text(type) || sql_type_is_numeric(type) || type->kind == TYPE_BOOLEAN ||
           (type->kind >= TYPE_DATE && type->kind <= TYPE_TIMESTAMP_TZ);
}

static const SqlType *type_of_item(const Item *item, Arena *arena)
{
    static const SqlType *const plain[] = {
        [ITEM_BIGINT] = &TYPE_BIGINT_,   [ITEM_INTEGER] = &TYPE_INTEGER_, [ITEM_DOUBLE] = &TYPE_DOUBLE_,
        [ITEM_BOOLEAN] = &TYPE_BOOLEAN_, [ITEM_DATE] = &TYPE_DATE_,
    };
    static const TypeKind moments[] = {
        [ITEM_TIME] = TYPE_TIME,
        [ITEM_TIME_TZ] = TYPE_TIME_TZ,
        [ITEM_TIMESTAMP] = TYPE_TIMESTAMP,
        [ITEM_TIMESTAMP_TZ] = TYPE_TIMESTAMP_TZ,
    };
    if (item->kind < sizeof plain / sizeof *plain && plain[item->kind])
        return plain[item->kind];
    if (item->kind == ITEM_DECIMAL)
        return sql_type_decimal(arena, item->precision, item->scale);
    if (item->kind == ITEM_VARCHAR)
        return sql_type_varchar(arena, item->precision);
    bool is_moment = item->kind >= ITEM_TIME && item->kind <= ITEM_TIMESTAMP_TZ;
    return is_moment ? sql_type_temporal(arena, moments[item->kind], item->precision) : NULL;
}

int analyze_json_value_output(ExprContext *c, SqlPos pos, JsonOutput *output, const Item *found,
                              bool in_table)
{
    if (resolve_returning(c, pos, output) < 0)
        return -1;
    if (!is_scalar_type(output->type))
        return FAIL(c->a, ERR_TYPE_MISMATCH, pos, "Invalid return type of function JSON_VALUE: %.*s",
                    STR_ARG(type_name(c, output->type)));
    if (output->type->kind == TYPE_NUMBER)
        return FAIL(c->a, ERR_NOT_SUPPORTED, pos, "JSON_VALUE returning number is not supported");
    const SqlType *type = type_of_item(found, c->a->arena);
    if (type && !sql_type_can_cast(type, output->type))
        return FAIL(
            c->a, ERR_TYPE_MISMATCH, pos,
            "Return type of JSON path: %.*s incompatible with return type of function JSON_VALUE: %.*s",
            STR_ARG(type_name(c, type)), STR_ARG(type_name(c, output->type)));
    return analyze_default(c, output->empty_default, output->type, "EMPTY", in_table) < 0
               ? -1
               : analyze_default(c, output->error_default, output->type, "ERROR", in_table);
}

/* ---- JSON_OBJECT, JSON_ARRAY ---- */

static int analyze_member(ExprContext *c, const Expr *e, JsonPair *member)
{
    bool is_object = e->json->function == CALL_JSON_OBJECT;
    Expr *value = member->value.expr;
    if (member->key) {
        if (analyze_expr(c, member->key) < 0)
            return -1;
        if (!is_text(member->key->type))
            return FAIL(c->a, ERR_INVALID_FUNCTION_ARGUMENT, member->key->pos,
                        "Invalid type of JSON object key: %.*s", STR_ARG(type_name(c, member->key->type)));
    }
    if (value->kind == EXPR_LAMBDA)
        return FAIL(c->a, ERR_NOT_SUPPORTED, value->pos, "LambdaExpression is not supported as JSON %s",
                    is_object ? "object value" : "array element");
    imply_format(&member->value);
    if (analyze_expr(c, value) < 0)
        return -1;
    if (member->value.format == JSON_FORMAT_NONE)
        return check_value(c, e, &member->value,
                           is_object ? "value passed to JSON_OBJECT function"
                                     : "value passed to JSON_ARRAY function",
                           false);
    if (e->json->unique_keys)
        return FAIL(
            c->a, ERR_NOT_SUPPORTED, e->pos,
            "WITH UNIQUE KEYS behavior is not supported for JSON_OBJECT function when input expression has "
            "FORMAT");
    return check_readable(c, &member->value);
}

static int analyze_constructor(ExprContext *c, Expr *e)
{
    for (size_t i = 0; i < e->json->n_members; i++)
        if (analyze_member(c, e, &e->json->members[i]) < 0)
            return -1;
    return analyze_json_text_output(c, e->pos, &e->json->output);
}

int analyze_json(ExprContext *c, Expr *e)
{
    static const char *const names[] = {[CALL_JSON_EXISTS] = "JSON_EXISTS",
                                        [CALL_JSON_VALUE] = "JSON_VALUE",
                                        [CALL_JSON_QUERY] = "JSON_QUERY"};
    JsonExpr *json = e->json;
    Item found = {.kind = ITEM_NONE};
    int failed = 0;
    if (json->function >= CALL_JSON_OBJECT)
        failed = analyze_constructor(c, e);
    else
        failed = analyze_json_invocation(c, e, &json->invocation, names[json->function], &found);
    if (failed)
        return -1;
    if (json->function == CALL_JSON_EXISTS)
        json->output.type = &TYPE_BOOLEAN_;
    if (json->function == CALL_JSON_VALUE &&
        analyze_json_value_output(c, e->pos, &json->output, &found, false) < 0)
        return -1;
    if (json->function == CALL_JSON_QUERY && (analyze_json_quotes(c, e->pos, &json->output) < 0 ||
                                              analyze_json_text_output(c, e->pos, &json->output) < 0))
        return -1;
    e->type = json->output.type;
    return 0;
}

void json_children(const Expr *e, ExprVisit visit, void *arg)
{
    const JsonExpr *json = e->json;
    if (json->function <= CALL_JSON_QUERY)
        visit(json->invocation.input.expr, arg);
    for (size_t i = 0; i < json->invocation.n_args; i++)
        visit(json->invocation.args[i].value.expr, arg);
    for (size_t i = 0; i < json->n_members; i++) {
        if (json->members[i].key)
            visit(json->members[i].key, arg);
        visit(json->members[i].value.expr, arg);
    }
    Expr *defaults[] = {json->output.empty_default, json->output.error_default};
    for (size_t i = 0; i < 2; i++)
        if (defaults[i])
            visit(defaults[i], arg);
}

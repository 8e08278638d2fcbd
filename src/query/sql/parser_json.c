/* parser_json.c - JSON_EXISTS, JSON_VALUE, JSON_QUERY, JSON_OBJECT, JSON_ARRAY and JSON_TABLE. */
#include "query/sql/parser_internal.h"

typedef Vec(JsonColumn) ColumnVec;

/* ---- what the functions share ---- */

static int parse_format(Parser *p, JsonFormat *ret)
{
    if (expect(p, KW_JSON) < 0)
        return -1;
    *ret = JSON_FORMAT_JSON;
    if (!accept(p, KW_ENCODING))
        return 0;
    static const struct {
        TokenKind word;
        JsonFormat format;
    } encodings[] = {
        {KW_UTF16, JSON_FORMAT_UTF16}, {KW_UTF32, JSON_FORMAT_UTF32}, {KW_UTF8, JSON_FORMAT_UTF8}};
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
        if (accept(p, encodings[i].word)) {
            *ret = encodings[i].format;
            return 0;
        }
    return syntax_error(p);
}

static int parse_input(Parser *p, JsonInput *ret)
{
    *ret = (JsonInput){.expr = parse_expression(p)};
    if (!ret->expr)
        return -1;
    return accept(p, KW_FORMAT) ? parse_format(p, &ret->format) : 0;
}

static bool is_string(const Parser *p, size_t ahead)
{
    return peek(p, ahead) == TOKEN_STRING || peek(p, ahead) == TOKEN_UNICODE_STRING;
}

static int parse_path_text(Parser *p, Str *ret, SqlPos *ret_pos)
{
    *ret_pos = parser_pos(p);
    if (is_string(p, 0))
        return parse_string(p, ret);
    note_expected(p, EXPECT_STRING);
    return syntax_error(p);
}

static int parse_invocation(Parser *p, JsonInvocation *ret)
{
    Vec(JsonArgument) args = {0};
    if (parse_input(p, &ret->input) < 0 || expect(p, TOKEN_COMMA) < 0 ||
        parse_path_text(p, &ret->path, &ret->path_pos) < 0)
        return -1;
    if (accept(p, KW_AS) && parse_identifier(p, &ret->path_name) < 0)
        return -1;
    if (!accept(p, KW_PASSING))
        return 0;
    do {
        JsonArgument *arg = vec_push(p->arena, &args);
        *arg = (JsonArgument){.name = {.text = STR_NULL}};
        JsonInput value;
        Ident name;
        if (parse_input(p, &value) < 0 || expect(p, KW_AS) < 0 || parse_identifier(p, &name) < 0)
            return -1;
        args.items[args.n - 1] = (JsonArgument){value, name};
    } while (accept(p, TOKEN_COMMA));
    ret->args = args.items;
    ret->n_args = args.n;
    return 0;
}

static int parse_returning(Parser *p, JsonOutput *ret, bool with_format)
{
    if (!accept(p, KW_RETURNING))
        return 0;
    if (!(ret->returning = parse_type(p)))
        return -1;
    return with_format && accept(p, KW_FORMAT) ? parse_format(p, &ret->format) : 0;
}

/* A behavior of JSON_VALUE or, `is_query`, of JSON_QUERY. *ret stays when there is none. */
static int parse_behavior(Parser *p, bool is_query, JsonBehavior *ret, Expr **ret_default)
{
    *ret = JSON_BEHAVIOR_NONE;
    if (!is_query && accept(p, KW_DEFAULT)) {
        *ret = JSON_BEHAVIOR_DEFAULT;
        *ret_default = parse_expression(p);
        return *ret_default ? 0 : -1;
    }
    if (is_query && accept(p, KW_EMPTY)) {
        *ret = accept(p, KW_ARRAY) ? JSON_BEHAVIOR_EMPTY_ARRAY : JSON_BEHAVIOR_EMPTY_OBJECT;
        return *ret == JSON_BEHAVIOR_EMPTY_ARRAY ? 0 : expect(p, KW_OBJECT);
    }
    if (accept(p, KW_ERROR))
        *ret = JSON_BEHAVIOR_ERROR;
    else if (accept(p, KW_NULL))
        *ret = JSON_BEHAVIOR_NULL;
    return 0;
}

/* [… ON EMPTY] [… ON ERROR] */
static int parse_behaviors(Parser *p, bool is_query, JsonOutput *ret)
{
    for (;;) {
        JsonBehavior behavior;
        Expr *value = NULL;
        if (parse_behavior(p, is_query, &behavior, &value) < 0)
            return -1;
        if (behavior == JSON_BEHAVIOR_NONE)
            return 0;
        if (expect(p, KW_ON) < 0)
            return -1;
        if (!ret->on_empty && accept(p, KW_EMPTY)) {
            ret->on_empty = behavior;
            ret->empty_default = value;
            continue;
        }
        ret->on_error = behavior;
        ret->error_default = value;
        return expect(p, KW_ERROR);
    }
}

static int parse_wrapper(Parser *p, JsonOutput *ret)
{
    if (accept(p, KW_WITHOUT)) {
        ret->wrapper = JSON_WRAPPER_WITHOUT;
    } else if (accept(p, KW_WITH)) {
        ret->wrapper = accept(p, KW_CONDITIONAL) ? JSON_WRAPPER_CONDITIONAL : JSON_WRAPPER_ALWAYS;
        if (ret->wrapper == JSON_WRAPPER_ALWAYS)
            accept(p, KW_UNCONDITIONAL);
    } else {
        return 0;
    }
    accept(p, KW_ARRAY);
    return expect(p, KW_WRAPPER);
}

static int parse_quotes(Parser *p, JsonOutput *ret)
{
    if (accept(p, KW_KEEP))
        ret->quotes = JSON_QUOTES_KEEP;
    else if (accept(p, KW_OMIT))
        ret->quotes = JSON_QUOTES_OMIT;
    else
        return 0;
    if (expect(p, KW_QUOTES) < 0)
        return -1;
    return accept(p, KW_ON) ? expect_all(p, KW_SCALAR, KW_STRING) : 0;
}

/* ---- functions ---- */

static int parse_exists_rest(Parser *p, JsonExpr *json)
{
    static const struct {
        TokenKind word;
        JsonBehavior behavior;
    } behaviors[] = {
        {KW_ERROR, JSON_BEHAVIOR_ERROR},
        {KW_FALSE, JSON_BEHAVIOR_FALSE},
        {KW_TRUE, JSON_BEHAVIOR_TRUE},
        {KW_UNKNOWN, JSON_BEHAVIOR_UNKNOWN},
    };
    if (parse_invocation(p, &json->invocation) < 0)
        return -1;
    for (size_t i = 0; i < sizeof behaviors / sizeof *behaviors; i++)
        if (accept(p, behaviors[i].word)) {
            json->output.on_error = behaviors[i].behavior;
            return expect_all(p, KW_ON, KW_ERROR);
        }
    return 0;
}

static int parse_value_rest(Parser *p, JsonExpr *json)
{
    return parse_invocation(p, &json->invocation) < 0 || parse_returning(p, &json->output, false) < 0
               ? -1
               : parse_behaviors(p, false, &json->output);
}

static int parse_query_rest_of(Parser *p, JsonExpr *json)
{
    JsonOutput *output = &json->output;
    if (parse_invocation(p, &json->invocation) < 0 || parse_returning(p, output, true) < 0 ||
        parse_wrapper(p, output) < 0 || parse_quotes(p, output) < 0)
        return -1;
    return parse_behaviors(p, true, output);
}

/* Is this word, which is not reserved, the clause's and no name? A name is followed by what continues it. */
static bool is_clause_word(const Parser *p, TokenKind word)
{
    TokenKind next = peek(p, 1);
    return is(p, word) && next != KW_VALUE && next != TOKEN_COLON && next != TOKEN_COMMA &&
           next != TOKEN_RPAREN && next != TOKEN_DOT && next != TOKEN_LPAREN && next != TOKEN_LBRACKET &&
           next != KW_FORMAT;
}

static int parse_member(Parser *p, JsonExpr *json, JsonPair *ret)
{
    *ret = (JsonPair){0};
    if (json->function == CALL_JSON_ARRAY)
        return parse_input(p, &ret->value);
    bool has_word = is_clause_word(p, KW_KEY);
    if (has_word)
        advance(p);
    if (!(ret->key = parse_expression(p)))
        return -1;
    if (!accept(p, KW_VALUE) && (has_word || !accept(p, TOKEN_COLON)))
        return syntax_error(p);
    return parse_input(p, &ret->value);
}

static int parse_nulls(Parser *p, JsonExpr *json)
{
    if (accept(p, KW_NULL))
        json->nulls = JSON_NULLS_NULL;
    else if (accept(p, KW_ABSENT))
        json->nulls = JSON_NULLS_ABSENT;
    else
        return 0;
    return expect_all(p, KW_ON, KW_NULL);
}

static int parse_unique(Parser *p, JsonExpr *json)
{
    json->unique_keys = accept(p, KW_WITH);
    if (!json->unique_keys && !accept(p, KW_WITHOUT))
        return 0;
    if (expect(p, KW_UNIQUE) < 0)
        return -1;
    accept(p, KW_KEYS);
    return 0;
}

/* JSON_OBJECT, JSON_ARRAY */
static int parse_constructor_rest(Parser *p, JsonExpr *json)
{
    Vec(JsonPair) members = {0};
    if (!is(p, TOKEN_RPAREN) && !is_clause_word(p, KW_RETURNING)) {
        do {
            JsonPair member;
            if (parse_member(p, json, &member) < 0)
                return -1;
            *vec_push(p->arena, &members) = member;
        } while (accept(p, TOKEN_COMMA));
        if (parse_nulls(p, json) < 0 || (json->function == CALL_JSON_OBJECT && parse_unique(p, json) < 0))
            return -1;
    }
    json->members = members.items;
    json->n_members = members.n;
    return parse_returning(p, &json->output, true);
}

Expr *parse_json_function(Parser *p)
{
    static const struct {
        TokenKind word;
        JsonFunction function;
        int (*parse)(Parser *p, JsonExpr *json);
    } functions[] = {
        {KW_JSON_EXISTS, CALL_JSON_EXISTS, parse_exists_rest},
        {KW_JSON_VALUE, CALL_JSON_VALUE, parse_value_rest},
        {KW_JSON_QUERY, CALL_JSON_QUERY, parse_query_rest_of},
        {KW_JSON_OBJECT, CALL_JSON_OBJECT, parse_constructor_rest},
        {KW_JSON_ARRAY, CALL_JSON_ARRAY, parse_constructor_rest},
    };
    Expr *e = expr_new(p, EXPR_JSON_FUNCTION, parser_pos(p));
    e->json = arena_new_of(p->arena, JsonExpr);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (!is(p, functions[i].word))
            continue;
        e->json->function = functions[i].function;
        advance(p);
        if (expect(p, TOKEN_LPAREN) < 0 || functions[i].parse(p, e->json) < 0 || expect(p, TOKEN_RPAREN) < 0)
            return NULL;
        break;
    }
    return e;
}

/* ---- JSON_TABLE ---- */

static int parse_columns(Parser *p, JsonColumn **ret, size_t *ret_n);

static bool is_nested(const Parser *p)
{
    return is(p, KW_NESTED) && (is_string(p, 1) || (peek(p, 1) == KW_PATH && is_string(p, 2)));
}

static int parse_nested(Parser *p, JsonColumn *ret)
{
    int saved;
    ret->kind = JSON_COLUMN_NESTED;
    advance(p);
    accept(p, KW_PATH);
    if (parse_path_text(p, &ret->path, &ret->path_pos) < 0 ||
        (accept(p, KW_AS) && parse_identifier(p, &ret->name) < 0) || parser_enter(p, &saved) < 0)
        return -1;
    int failed = parse_columns(p, &ret->columns, &ret->n_columns);
    parser_leave(p, saved);
    return failed;
}

static int parse_column(Parser *p, JsonColumn *ret)
{
    *ret = (JsonColumn){.pos = parser_pos(p)};
    if (is_nested(p))
        return parse_nested(p, ret);
    if (parse_identifier(p, &ret->name) < 0)
        return -1;
    if (accept(p, KW_FOR)) {
        ret->kind = JSON_COLUMN_ORDINALITY;
        return expect(p, KW_ORDINALITY);
    }
    ret->kind = JSON_COLUMN_VALUE;
    if (!(ret->output.returning = parse_type(p)))
        return -1;
    if (accept(p, KW_FORMAT)) {
        ret->kind = JSON_COLUMN_QUERY;
        if (parse_format(p, &ret->output.format) < 0)
            return -1;
    }
    if (accept(p, KW_PATH) && parse_path_text(p, &ret->path, &ret->path_pos) < 0)
        return -1;
    bool is_query = ret->kind == JSON_COLUMN_QUERY;
    if (is_query && (parse_wrapper(p, &ret->output) < 0 || parse_quotes(p, &ret->output) < 0))
        return -1;
    return parse_behaviors(p, is_query, &ret->output);
}

static int parse_columns(Parser *p, JsonColumn **ret, size_t *ret_n)
{
    ColumnVec columns = {0};
    if (expect_all(p, KW_COLUMNS, TOKEN_LPAREN) < 0)
        return -1;
    do {
        JsonColumn column;
        if (parse_column(p, &column) < 0)
            return -1;
        *vec_push(p->arena, &columns) = column;
    } while (accept(p, TOKEN_COMMA));
    *ret = columns.items;
    *ret_n = columns.n;
    return expect(p, TOKEN_RPAREN);
}

static JsonPlan *parse_plan(Parser *p);

static JsonPlan *parse_plan_primary(Parser *p)
{
    int saved;
    JsonPlan *plan = arena_new_of(p->arena, JsonPlan);
    plan->pos = parser_pos(p);
    if (!accept(p, TOKEN_LPAREN))
        return parse_identifier(p, &plan->name) < 0 ? NULL : plan;
    if (parser_enter(p, &saved) < 0)
        return NULL;
    plan = parse_plan(p);
    parser_leave(p, saved);
    return plan && expect(p, TOKEN_RPAREN) == 0 ? plan : NULL;
}

static JsonPlan *parse_siblings(Parser *p, JsonPlan *first, JsonPlanKind kind, TokenKind word)
{
    Vec(JsonPlan *) items = {0};
    JsonPlan *plan = arena_new_of(p->arena, JsonPlan);
    *plan = (JsonPlan){.kind = kind, .pos = first->pos};
    *vec_push(p->arena, &items) = first;
    do {
        JsonPlan *next = parse_plan_primary(p);
        if (!next)
            return NULL;
        *vec_push(p->arena, &items) = next;
    } while (accept(p, word));
    plan->items = items.items;
    plan->n = items.n;
    return plan;
}

static JsonPlan *parse_plan(Parser *p)
{
    bool is_name = !is(p, TOKEN_LPAREN);
    JsonPlan *plan = parse_plan_primary(p);
    if (!plan)
        return NULL;
    if (is_name && (is(p, KW_OUTER) || is(p, KW_INNER))) {
        plan->kind = is(p, KW_OUTER) ? JSON_PLAN_OUTER : JSON_PLAN_INNER;
        advance(p);
        plan->items = arena_array(p->arena, JsonPlan *, 1);
        plan->n = 1;
        plan->items[0] = parse_plan_primary(p);
        return plan->items[0] ? plan : NULL;
    }
    if (accept(p, KW_UNION))
        return parse_siblings(p, plan, JSON_PLAN_UNION, KW_UNION);
    if (accept(p, KW_CROSS))
        return parse_siblings(p, plan, JSON_PLAN_CROSS, KW_CROSS);
    return plan;
}

/* (OUTER | INNER) and (UNION | CROSS), in any order, one may be missing */
static int parse_default_plan(Parser *p, JsonTable *table)
{
    bool parent = false, sibling = false;
    table->has_default_plan = true;
    if (expect(p, TOKEN_LPAREN) < 0)
        return -1;
    do {
        if (!parent && accept(p, KW_INNER)) {
            table->is_inner = parent = true;
        } else if (!parent && accept(p, KW_OUTER)) {
            parent = true;
        } else if (!sibling && accept(p, KW_CROSS)) {
            table->is_cross = sibling = true;
        } else if (!sibling && accept(p, KW_UNION)) {
            sibling = true;
        } else {
            return syntax_error(p);
        }
    } while (!(parent && sibling) && accept(p, TOKEN_COMMA));
    return expect(p, TOKEN_RPAREN);
}

Relation *parse_json_table(Parser *p)
{
    Relation *r = relation_new(p, REL_JSON_TABLE, parser_pos(p));
    JsonTable *table = r->json_table = arena_new_of(p->arena, JsonTable);
    advance(p);
    if (expect(p, TOKEN_LPAREN) < 0 || parse_invocation(p, &table->invocation) < 0 ||
        parse_columns(p, &table->columns, &table->n_columns) < 0)
        return NULL;
    if (accept(p, KW_PLAN)) {
        if (accept(p, KW_DEFAULT)) {
            if (parse_default_plan(p, table) < 0)
                return NULL;
        } else if (expect(p, TOKEN_LPAREN) < 0 || !(table->plan = parse_plan(p)) ||
                   expect(p, TOKEN_RPAREN) < 0) {
            return NULL;
        }
    }
    if (accept(p, KW_ERROR))
        table->on_error = JSON_BEHAVIOR_ERROR;
    else if (accept(p, KW_EMPTY))
        table->on_error = JSON_BEHAVIOR_EMPTY;
    if (table->on_error && expect_all(p, KW_ON, KW_ERROR) < 0)
        return NULL;
    return expect(p, TOKEN_RPAREN) < 0 ? NULL : r;
}

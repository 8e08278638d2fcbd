/* parser_routine.c - functions written in SQL: WITH FUNCTION …, CREATE FUNCTION, DROP FUNCTION; their
 * characteristics and control statements. */
#include "query/sql/parser_internal.h"

static Control *parse_control(Parser *p);

static Control *control_new(Parser *p, ControlKind kind, SqlPos pos)
{
    Control *control = arena_new_of(p->arena, Control);
    control->kind = kind;
    control->pos = pos;
    return control;
}

/* ---- control statements ---- */

static bool ends_list(const Parser *p)
{
    TokenKind kind = peek(p, 0);
    bool labels = peek(p, 1) == TOKEN_COLON;
    return kind == KW_END || kind == KW_ELSE || (kind == KW_ELSEIF && !labels) || kind == KW_WHEN ||
           (kind == KW_UNTIL && !labels) || kind == TOKEN_EOF;
}

/* Statements that each end in a semicolon. */
static int parse_control_list(Parser *p, bool may_be_empty, ControlList *ret)
{
    Vec(Control *) items = { 0 };
    while (!ends_list(p)) {
        Control *control = parse_control(p);
        if (!control || arena_check(p->arena, p->err) < 0 || expect(p, TOKEN_SEMICOLON) < 0)
            return -1;
        *vec_push(p->arena, &items) = control;
    }
    if (items.n == 0 && !may_be_empty)
        return parse_control(p) ? 0 : -1; /* its error */
    *ret = (ControlList){ items.items, items.n };
    return 0;
}

static int parse_declaration(Parser *p, Control *block)
{
    Vec(RoutineVariable) variables = { 0 };
    for (size_t i = 0; i < block->n_variables; i++)
        *vec_push(p->arena, &variables) = block->variables[i];
    size_t first = variables.n;
    SqlPos pos = parser_pos(p);
    advance(p);
    do {
        RoutineVariable *variable = vec_push(p->arena, &variables);
        *variable = (RoutineVariable){ .pos = pos };
        if (arena_check(p->arena, p->err) < 0 || parse_identifier(p, &variable->name) < 0)
            return -1;
    } while (accept(p, TOKEN_COMMA));
    const TypeName *type = parse_type(p);
    if (!type)
        return -1;
    Expr *initial = NULL;
    if (accept(p, KW_DEFAULT) && !(initial = parse_value(p)))
        return -1;
    for (size_t i = first; i < variables.n; i++) {
        variables.items[i].type_name = type;
        variables.items[i].initial = initial;
    }
    block->variables = variables.items;
    block->n_variables = variables.n;
    return expect(p, TOKEN_SEMICOLON);
}

static Control *parse_block(Parser *p)
{
    Control *block = control_new(p, CONTROL_BLOCK, parser_pos(p));
    advance(p);
    while (is(p, KW_DECLARE))
        if (parse_declaration(p, block) < 0)
            return NULL;
    return parse_control_list(p, true, &block->body) < 0 || expect(p, KW_END) < 0 ? NULL : block;
}

static int add_branch(Parser *p, Control *control, Expr *condition)
{
    ControlBranch *branches = arena_array(p->arena, ControlBranch, control->n_branches + 1);
    if (control->n_branches)
        memcpy(branches, control->branches, control->n_branches * sizeof *branches);
    ControlBranch *branch = &branches[control->n_branches++];
    *branch = (ControlBranch){ .condition = condition };
    control->branches = branches;
    return parse_control_list(p, false, &branch->body);
}

static Control *parse_if(Parser *p)
{
    Control *control = control_new(p, CONTROL_IF, parser_pos(p));
    advance(p);
    do {
        Expr *condition = parse_expression(p);
        if (!condition || expect(p, KW_THEN) < 0 || add_branch(p, control, condition) < 0)
            return NULL;
    } while (accept(p, KW_ELSEIF));
    if (accept(p, KW_ELSE) && add_branch(p, control, NULL) < 0)
        return NULL;
    return expect_all(p, KW_END, KW_IF) < 0 ? NULL : control;
}

static Control *parse_case_statement(Parser *p)
{
    Control *control = control_new(p, CONTROL_CASE, parser_pos(p));
    advance(p);
    if (!sees(p, KW_WHEN) && !(control->expr = parse_expression(p)))
        return NULL;
    if (!sees(p, KW_WHEN)) {
        syntax_error(p);
        return NULL;
    }
    while (accept(p, KW_WHEN)) {
        Expr *condition = parse_expression(p);
        if (!condition || expect(p, KW_THEN) < 0 || add_branch(p, control, condition) < 0)
            return NULL;
    }
    if (accept(p, KW_ELSE) && add_branch(p, control, NULL) < 0)
        return NULL;
    return expect_all(p, KW_END, KW_CASE) < 0 ? NULL : control;
}

/* LOOP, WHILE, REPEAT. */
static Control *parse_loop(Parser *p, const Ident *label, SqlPos pos)
{
    ControlKind kind = is(p, KW_LOOP) ? CONTROL_LOOP : is(p, KW_WHILE) ? CONTROL_WHILE : CONTROL_REPEAT;
    TokenKind word = peek(p, 0);
    Control *loop = control_new(p, kind, pos);
    loop->label = label ? *label : (Ident){ .text = STR_NULL };
    advance(p);
    if (kind == CONTROL_WHILE && (!(loop->expr = parse_expression(p)) || expect(p, KW_DO) < 0))
        return NULL;
    if (parse_control_list(p, false, &loop->body) < 0)
        return NULL;
    if (kind == CONTROL_REPEAT && (expect(p, KW_UNTIL) < 0 || !(loop->expr = parse_expression(p))))
        return NULL;
    return expect(p, KW_END) < 0 || expect(p, word) < 0 ? NULL : loop;
}

static bool is_loop_word(TokenKind kind) { return kind == KW_LOOP || kind == KW_WHILE || kind == KW_REPEAT; }

static Control *parse_set_statement(Parser *p)
{
    Control *control = control_new(p, CONTROL_SET, parser_pos(p));
    advance(p);
    if (parse_identifier(p, &control->target) < 0 || expect(p, TOKEN_EQ) < 0)
        return NULL;
    return (control->expr = parse_expression(p)) ? control : NULL;
}

static Control *parse_jump(Parser *p)
{
    ControlKind kind = is(p, KW_ITERATE) ? CONTROL_ITERATE : CONTROL_LEAVE;
    Control *control = control_new(p, kind, parser_pos(p));
    advance(p);
    return parse_identifier(p, &control->label) < 0 ? NULL : control;
}

static Control *parse_return(Parser *p)
{
    Control *control = control_new(p, CONTROL_RETURN, parser_pos(p));
    advance(p);
    return (control->expr = parse_value(p)) ? control : NULL;
}

static Control *parse_control_kind(Parser *p)
{
    SqlPos pos = parser_pos(p);
    if (is_identifier_token(peek(p, 0)) && peek(p, 1) == TOKEN_COLON) {
        Ident label;
        if (parse_identifier(p, &label) < 0 || expect(p, TOKEN_COLON) < 0)
            return NULL;
        if (is_loop_word(peek(p, 0)))
            return parse_loop(p, &label, pos);
        for (int i = 0; i < 3; i++)
            note_expected(p, (int[]){ KW_LOOP, KW_REPEAT, KW_WHILE }[i]);
        syntax_error(p);
        return NULL;
    }
    static const struct { TokenKind word; Control *(*parse)(Parser *); } kinds[] = {
        { KW_BEGIN, parse_block },        { KW_CASE, parse_case_statement }, { KW_IF, parse_if },
        { KW_ITERATE, parse_jump },       { KW_LEAVE, parse_jump },          { KW_RETURN, parse_return },
        { KW_SET, parse_set_statement },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (sees(p, kinds[i].word))
            return kinds[i].parse(p);
    if (sees(p, KW_LOOP) || sees(p, KW_WHILE) || sees(p, KW_REPEAT))
        return parse_loop(p, NULL, pos);
    note_expected(p, EXPECT_IDENTIFIER);
    syntax_error(p);
    return NULL;
}

static Control *parse_control(Parser *p)
{
    int saved;
    if (parser_enter(p, &saved) < 0)
        return NULL;
    Control *control = parse_control_kind(p);
    if (control)
        parser_leave(p, saved);
    return control;
}

/* ---- the function's head ---- */

static int parse_parameters(Parser *p, Routine *routine, bool types_only)
{
    Vec(RoutineVariable) parameters = { 0 };
    if (expect(p, TOKEN_LPAREN) < 0)
        return -1;
    if (accept(p, TOKEN_RPAREN))
        return 0;
    do {
        RoutineVariable *parameter = vec_push(p->arena, &parameters);
        *parameter = (RoutineVariable){ .pos = parser_pos(p), .name = { .text = STR_NULL } };
        if (arena_check(p->arena, p->err) < 0)
            return -1;
        TokenKind next = peek(p, 1);
        bool named = is_identifier_token(peek(p, 0)) && is_identifier_token(next);
        if (named && types_only)
            named = !(is(p, KW_DOUBLE) && next == KW_PRECISION) && !(is(p, KW_TIMESTAMP) && next != KW_WITH);
        if (named && parse_identifier(p, &parameter->name) < 0)
            return -1;
        if (!(parameter->type_name = parse_type(p)))
            return -1;
    } while (accept(p, TOKEN_COMMA));
    routine->parameters = parameters.items;
    routine->n_parameters = parameters.n;
    return expect(p, TOKEN_RPAREN);
}

static void note_clause(Routine *routine, int *count, SqlPos pos, const char *name)
{
    if (++*count == 2 && !routine->second) {
        routine->second = name;
        routine->second_pos = pos;
    }
}

/* 1: one was here, 0: none, -1: error. */
static int parse_characteristic(Parser *p, Routine *routine)
{
    SqlPos pos = parser_pos(p);
    if (accept(p, KW_LANGUAGE)) {
        note_clause(routine, &routine->n_language, pos, "language");
        return parse_identifier(p, &routine->language) < 0 ? -1 : 1;
    }
    bool negated = is(p, KW_NOT) && peek(p, 1) == KW_DETERMINISTIC;
    if (negated)
        advance(p);
    else
        note_expected(p, KW_NOT);
    if (accept(p, KW_DETERMINISTIC)) {
        note_clause(routine, &routine->n_deterministic, pos, "deterministic");
        routine->not_deterministic = negated;
        return 1;
    }
    bool on_null = is(p, KW_RETURNS) && peek(p, 1) == KW_NULL;
    if (on_null || accept(p, KW_CALLED)) {
        note_clause(routine, &routine->n_null_call, pos, "null-call");
        routine->null_on_null = on_null;
        int bad = on_null ? expect_all(p, KW_RETURNS, KW_NULL, KW_ON, KW_NULL, KW_INPUT)
                          : expect_all(p, KW_ON, KW_NULL, KW_INPUT);
        return bad ? -1 : 1;
    }
    if (accept(p, KW_SECURITY)) {
        note_clause(routine, &routine->n_security, pos, "security");
        routine->security_pos = pos;
        routine->security_definer = accept(p, KW_DEFINER);
        return routine->security_definer || expect(p, KW_INVOKER) == 0 ? 1 : -1;
    }
    if (accept(p, KW_COMMENT)) {
        note_clause(routine, &routine->n_comment, pos, "comment");
        return parse_string(p, &routine->comment) < 0 ? -1 : 1;
    }
    return 0;
}

/* FUNCTION name(…) RETURNS type …: at FUNCTION. */
Routine *parse_routine(Parser *p)
{
    Routine *routine = arena_new_of(p->arena, Routine);
    routine->pos = parser_pos(p);
    if (expect(p, KW_FUNCTION) < 0 || parse_qualified_name(p, &routine->name) < 0 ||
        parse_parameters(p, routine, false) < 0)
        return NULL;
    routine->returns_pos = parser_pos(p);
    if (expect(p, KW_RETURNS) < 0 || !(routine->return_name = parse_type(p)))
        return NULL;
    int more;
    while ((more = parse_characteristic(p, routine)) > 0)
        ;
    if (more < 0)
        return NULL;
    if (accept(p, KW_WITH) && parse_properties(p, &routine->properties, &routine->n_properties) < 0)
        return NULL;
    if (accept(p, KW_AS)) {
        if (!sees(p, TOKEN_DOLLAR_STRING)) {
            syntax_error(p);
            return NULL;
        }
        routine->definition = token_text(p, parser_token(p));
        advance(p);
        return routine;
    }
    return (routine->body = parse_control(p)) ? routine : NULL;
}

/* WITH FUNCTION …, FUNCTION … query */
Query *parse_root_query(Parser *p)
{
    Vec(Routine *) functions = { 0 };
    bool inlined = is(p, KW_WITH) && peek(p, 1) == KW_FUNCTION && is_identifier_token(peek(p, 2));
    if (!inlined)
        return parse_query(p);
    advance(p);
    do {
        Routine *routine = parse_routine(p);
        if (!routine || arena_check(p->arena, p->err) < 0)
            return NULL;
        if (routine->name.n > 1) {
            size_t first = 0;
            while (p->tokens[first].start != (uint32_t)(routine->name.parts[0].text.ptr - p->text.ptr) &&
                   p->tokens[first].kind != TOKEN_EOF)
                first++;
            Str text = text_between(p, first, first + 2 * routine->name.n - 1);
            parse_error(p, routine->pos, "Inline function names cannot be qualified: %.*s", STR_ARG(text));
            return NULL;
        }
        *vec_push(p->arena, &functions) = routine;
    } while (accept(p, TOKEN_COMMA));
    Query *query = parse_query(p);
    if (query) {
        query->functions = functions.items;
        query->n_functions = functions.n;
    }
    return query;
}

/* ---- CREATE and DROP FUNCTION ---- */

/* At FUNCTION. */
int parse_create_function(Parser *p, Statement *s)
{
    s->kind = STMT_CREATE_FUNCTION;
    s->routine = parse_routine(p);
    if (s->routine)
        s->name = s->routine->name;
    return s->routine ? 0 : -1;
}

/* After FUNCTION. */
int parse_drop_function(Parser *p, Statement *s)
{
    s->kind = STMT_DROP_FUNCTION;
    s->routine = arena_new_of(p->arena, Routine);
    if (is(p, KW_IF) && peek(p, 1) == KW_EXISTS) {
        advance(p);
        advance(p);
        s->if_exists = true;
    }
    if (parse_qualified_name(p, &s->name) < 0 || parse_parameters(p, s->routine, true) < 0)
        return -1;
    s->routine->name = s->name;
    return 0;
}

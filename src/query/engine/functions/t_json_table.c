/* JSON_TABLE: one document to a list of rows, each a list of its columns' texts.
 *
 * The clauses, then the plan:
 *
 *     plan  = "N" text(path) n ":" column… ("-" | "I" plan | "O" plan)   rows of a path, with an inner or
 * outer child | "U" plan plan                                              one after the other | "X" plan
 * plan                                              each with each column = index ":" ("o" | "v" text(clauses
 * and path) | "q" text(clauses and path))
 *
 * where text() is "length:bytes". The clauses' first flag is e for ERROR ON ERROR, and their names are the
 * PASSING parameters, which the paths of rows may use. */
#include "query/engine/functions/json_call.h"

enum { TABLE_CELLS_MAX = 4 << 20, PLAN_DEPTH_MAX = 200 };

typedef struct Column {
    size_t index;
    char kind;
    JsonClauses clauses;
    JsonPath path;
} Column;

typedef struct Plan Plan;
struct Plan {
    char kind; /* N, U, X */
    JsonPath path;
    Column *columns;
    size_t n_columns;
    char child_kind;    /* I, O, - */
    Plan *left, *right; /* N: the child is `left` */
};

typedef struct Table {
    JsonState *state;
    Plan *plan;
    Str text; /* that the plan was made of */
    size_t width;
    Str *cells;
    size_t n_rows, cap;
} Table;

/* ---- reading the plan ---- */

static Plan *read_plan(Table *t, Str *s, int depth);

static bool read_column(Table *t, Str *s, Column *column)
{
    Str text;
    JsonPathError ignored;
    Arena *arena = t->state->constant;
    if (!json_take_number(s, ':', &column->index) || s->len == 0)
        return false;
    column->kind = s->ptr[0];
    *s = str_slice(*s, 1, s->len);
    if (column->index >= t->width)
        t->width = column->index + 1;
    if (column->kind == 'o')
        return true;
    return json_take_text(s, &text) && json_clauses_take(&text, arena, &column->clauses) &&
           json_path_parse(text, NULL, 0, arena, &column->path, &ignored) == 0;
}

static bool read_node(Table *t, Str *s, Plan *plan, int depth)
{
    Str path;
    JsonPathError ignored;
    const JsonClauses *clauses = &t->state->clauses;
    Arena *arena = t->state->constant;
    if (!json_take_text(s, &path) ||
        json_path_parse(path, clauses->names, clauses->n_names, arena, &plan->path, &ignored) < 0 ||
        !json_take_number(s, ':', &plan->n_columns))
        return false;
    plan->columns = arena_array(arena, Column, plan->n_columns + 1);
    for (size_t i = 0; i < plan->n_columns; i++)
        if (!read_column(t, s, &plan->columns[i]))
            return false;
    if (s->len == 0)
        return false;
    plan->child_kind = s->ptr[0];
    *s = str_slice(*s, 1, s->len);
    return plan->child_kind == '-' || (plan->left = read_plan(t, s, depth + 1));
}

static Plan *read_plan(Table *t, Str *s, int depth)
{
    if (s->len == 0 || depth > PLAN_DEPTH_MAX)
        return NULL;
    Plan *plan = arena_new_of(t->state->constant, Plan);
    plan->kind = s->ptr[0];
    *s = str_slice(*s, 1, s->len);
    if (plan->kind == 'N')
        return read_node(t, s, plan, depth) ? plan : NULL;
    plan->left = read_plan(t, s, depth + 1);
    plan->right = plan->left ? read_plan(t, s, depth + 1) : NULL;
    return plan->right ? plan : NULL;
}

static bool read_table(Table *t, Str text)
{
    JsonState *state = t->state;
    if (t->plan && str_eq(t->text, text))
        return true;
    arena_reset(state->constant);
    t->text = arena_str(state->constant, text);
    t->width = 0;
    Str rest = t->text;
    t->plan = json_clauses_take(&rest, state->constant, &state->clauses) ? read_plan(t, &rest, 0) : NULL;
    if (!t->plan)
        call_fail(state->call, ERR_INTERNAL, "JSON_TABLE: plan");
    return t->plan != NULL;
}

/* ---- rows ---- */

static int fail_size(Table *t)
{
    call_fail(t->state->call, ERR_INVALID_FUNCTION_ARGUMENT,
              "JSON_TABLE makes more than %d values of one document", TABLE_CELLS_MAX);
    return -1;
}

static int add_row(Table *t, const Str *row)
{
    Arena *arena = t->state->row;
    if ((t->n_rows + 1) * t->width > TABLE_CELLS_MAX || arena_is_exceeded(arena))
        return fail_size(t);
    if (t->n_rows == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 16;
        Str *cells = arena_array(arena, Str, cap * t->width);
        if (t->n_rows)
            memcpy(cells, t->cells, t->n_rows * t->width * sizeof *cells);
        t->cells = cells;
        t->cap = cap;
    }
    memcpy(t->cells + t->n_rows++ * t->width, row, t->width * sizeof *row);
    return 0;
}

/* The items of a path; none after an error that is not to be raised. */
static int find(Table *t, const JsonPath *path, const JsonNode *node, ItemSeq *found)
{
    JsonState *s = t->state;
    JsonFault fault;
    Item input = {.kind = ITEM_JSON, .json = node};
    s->run.path = path;
    if (json_path_run(&s->run, &input, found) == 0 && !s->run.is_limit)
        return 0;
    json_path_fault(s->call, &s->run, &fault);
    *found = (ItemSeq){0};
    if (s->clauses.flags[0] == 'e')
        json_fail(s->call, &fault);
    return s->call->failed ? -1 : 0;
}

static int put_column(Table *t, const Column *column, const JsonNode *node, int64_t ordinal, Str *cell)
{
    JsonState *s = t->state;
    Call *c = s->call;
    ItemSeq found = {0};
    JsonFault fault = {.code = 0};
    Item input = {.kind = ITEM_JSON, .json = node};
    JsonAnswer answer = ANSWER_FAULT;
    buf_clear(&c->scratch);
    if (column->kind == 'o') {
        buf_put_i64(&c->scratch, ordinal);
        answer = ANSWER_TEXT;
    } else {
        s->run.path = &column->path;
        bool is_value = column->kind == 'v';
        if (json_path_run(&s->run, &input, &found) < 0 || s->run.is_limit)
            json_path_fault(c, &s->run, &fault);
        else if (is_value)
            answer = json_value_of(c, &column->clauses, &found, &c->scratch, &fault);
        else
            answer = json_query_of(&column->clauses, &found, &c->scratch, &fault);
        if (!c->failed)
            answer = is_value ? json_value_decide(c, &column->clauses, answer, &c->scratch, &fault)
                              : json_query_decide(c, &column->clauses, answer, &c->scratch, &fault);
    }
    *cell = answer == ANSWER_TEXT ? arena_str(s->row, buf_str(&c->scratch)) : STR_NULL;
    if (c->scratch.overflow)
        return fail_size(t);
    return c->failed ? -1 : 0;
}

static int run_plan(Table *t, const Plan *plan, const JsonNode *node, const Str *row);

static int run_item(Table *t, const Plan *plan, const Item *item, int64_t ordinal, const Str *before)
{
    JsonState *s = t->state;
    const JsonNode *node = item_to_json(item, s->row);
    Str *row = arena_array(s->row, Str, t->width + 1);
    if (!node)
        return 0;
    memcpy(row, before, t->width * sizeof *row);
    for (size_t i = 0; i < plan->n_columns; i++)
        if (put_column(t, &plan->columns[i], node, ordinal, &row[plan->columns[i].index]) < 0)
            return -1;
    size_t n_rows = t->n_rows;
    if (plan->left && run_plan(t, plan->left, node, row) < 0)
        return -1;
    bool alone = !plan->left || (plan->child_kind == 'O' && t->n_rows == n_rows);
    return alone ? add_row(t, row) : 0;
}

/* Every item must have a JSON form, or the path has failed. */
static bool all_json(Table *t, ItemSeq *found)
{
    JsonFault fault;
    for (size_t i = 0; i < found->n; i++) {
        if (found->items[i].kind < ITEM_DATE)
            continue;
        if (t->state->clauses.flags[0] == 'e') {
            json_fault(&fault, ERR_JSON_INPUT_CONVERSION_ERROR, "conversion to JSON failed: ", "%s", "");
            json_fail(t->state->call, &fault);
        }
        return false;
    }
    return true;
}

static int run_node(Table *t, const Plan *plan, const JsonNode *node, const Str *row)
{
    ItemSeq found = {0};
    if (find(t, &plan->path, node, &found) < 0)
        return -1;
    if (!all_json(t, &found))
        return t->state->call->failed ? -1 : 0;
    for (size_t i = 0; i < found.n; i++)
        if (run_item(t, plan, &found.items[i], (int64_t)i + 1, row) < 0)
            return -1;
    return 0;
}

/* Left's rows are made apart, then each is continued by the right's. */
static int run_cross(Table *t, const Plan *plan, const JsonNode *node, const Str *row)
{
    Table left = {.state = t->state, .width = t->width};
    if (run_plan(&left, plan->left, node, row) < 0)
        return -1;
    for (size_t i = 0; i < left.n_rows; i++)
        if (run_plan(t, plan->right, node, left.cells + i * t->width) < 0)
            return -1;
    return 0;
}

static int run_plan(Table *t, const Plan *plan, const JsonNode *node, const Str *row)
{
    if (plan->kind == 'N')
        return run_node(t, plan, node, row);
    if (plan->kind == 'X')
        return run_cross(t, plan, node, row);
    return run_plan(t, plan->left, node, row) < 0 ? -1 : run_plan(t, plan->right, node, row);
}

/* ---- output: VARCHAR[][] ---- */

typedef struct Output {
    duckdb_vector rows, cells;
    size_t n_rows, n_cells, cap_rows, cap_cells;
} Output;

static size_t grown(size_t cap, size_t n)
{
    while (cap < n)
        cap = cap ? cap * 2 : 1024;
    return cap;
}

static void put_table(Call *c, Output *out, size_t row, const Table *t)
{
    size_t n_cells = t->n_rows * t->width;
    if (out->n_rows + t->n_rows > out->cap_rows) {
        out->cap_rows = grown(out->cap_rows, out->n_rows + t->n_rows);
        duck->list_vector_reserve(c->out, out->cap_rows);
        duck->list_vector_set_size(c->out, out->n_rows);
        out->rows = duck->list_vector_get_child(c->out);
    }
    if (out->n_cells + n_cells > out->cap_cells) {
        out->cap_cells = grown(out->cap_cells, out->n_cells + n_cells);
        duck->list_vector_reserve(out->rows, out->cap_cells);
        duck->list_vector_set_size(out->rows, out->n_cells);
        out->cells = duck->list_vector_get_child(out->rows);
    }
    OUT(c, duckdb_list_entry, row) = (duckdb_list_entry){out->n_rows, t->n_rows};
    duckdb_list_entry *entries = duck->vector_get_data(out->rows);
    for (size_t i = 0; i < t->n_rows; i++)
        entries[out->n_rows + i] = (duckdb_list_entry){out->n_cells + i * t->width, t->width};
    duck->vector_ensure_validity_writable(out->cells);
    uint64_t *validity = duck->vector_get_validity(out->cells);
    for (size_t i = 0; i < n_cells; i++) {
        size_t at = out->n_cells + i;
        if (t->cells[i].ptr)
            duck->vector_assign_string_element_len(out->cells, at, t->cells[i].ptr, t->cells[i].len);
        else
            validity[at >> 6] &= ~(1ULL << (at & 63));
    }
    out->n_rows += t->n_rows;
    out->n_cells += n_cells;
    duck->list_vector_set_size(c->out, out->n_rows);
    duck->list_vector_set_size(out->rows, out->n_cells);
}

static void table(Call *c)
{
    _cleanup_json_state_ JsonState s = json_state(c);
    Table t = {.state = &s};
    Output out = {.rows = duck->list_vector_get_child(c->out)};
    out.cells = duck->list_vector_get_child(out.rows);
    for (size_t i = 0; i < c->n && !c->failed; i++) {
        JsonFault fault;
        t.n_rows = t.cap = 0;
        bool has_clauses = duckdb_is_valid(c->in[1].validity, i);
        if (!has_clauses || !read_table(&t, arg_str(c, 1, i)))
            break;
        JsonRow r = json_read_document(&s, i, &fault);
        if (r == JSON_ROW_FAULT && s.clauses.flags[0] == 'e')
            json_fail(c, &fault);
        Str *row = arena_array(s.row, Str, t.width + 1);
        if (r == JSON_ROW_OK && run_plan(&t, t.plan, s.input.json, row) < 0)
            break;
        put_table(c, &out, i, &t);
    }
}

const FunctionDef t_json_table_functions[] = {
    {"t_json_table", "!ss>G", table},
    {"t_json_table", "!ssS>G", table},
    {NULL},
};

/* t_match.c - t_match(program, conditions, rows): the matches of one partition, for emit_match.c.
 *
 * `rows` is the partition in order, a list of structs; fields of theirs hold the answers of the conditions
 * that depend on a row alone. What depends on the match so far ("dynamic") is asked in SQL: `conditions` are
 * queries on t_frame(), one row of the rows that navigations lead to, and t_frame_rows(k), the rows that an
 * aggregate takes. They are prepared once a vector on a connection of their own, by whose number the table
 * functions find what to give. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/engine/engine_internal.h"
#include "query/engine/errors.h"
#include "query/engine/pattern/partition.h"

enum { PROGRAM_BYTES_MAX = 16 << 20, FRAME_CHUNK = 1024 };

/* What t_match is doing. */
typedef struct Run Run;
struct Run {
    Engine *engine;
    EngineConnection *outer; /* whose interrupt ends this */
    const MatchProgram *program;
    Arena *arena;
    Partition partition;
    duckdb_vector rows; /* the structs of all partitions of the vector */
    duckdb_logical_type row_type;
    size_t offset; /* of the partition's first row */
    size_t n_fields;
    const bool **condition_data;
    const uint64_t **condition_valid;
    const int64_t *frame_data;
    const uint64_t *frame_valid;
    /* dynamic conditions */
    const duckdb_string_t *texts;
    size_t n_texts;
    EngineConnection *connection;
    duckdb_prepared_statement *statements;
    size_t asked;    /* the dynamic condition at hand */
    size_t n_labels; /* of the match so far */
    duckdb_selection_vector selection;
    uint32_t *selected;
    Run *next;
};

typedef struct Registry {
    Engine *engine;
    pthread_mutex_t lock;
    Run *runs; /* those with a connection */
} Registry;

/* ---- conditions ---- */

static bool interrupted(void *self)
{
    const Run *run = self;
    return run->outer && atomic_load_explicit(&run->outer->interrupted, memory_order_relaxed);
}

static bool is_valid(const uint64_t *validity, size_t i)
{
    return !validity || (validity[i >> 6] >> (i & 63) & 1);
}

static int prepare(Run *run, size_t i, Error *err)
{
    Str text = duckdb_str(&run->texts[i]);
    Str sql = arena_printf(run->arena, "%.*s%c", STR_ARG(text), 0);
    if (arena_check(run->arena, err) < 0)
        return -1;
    if (duck->prepare(run->connection->duckdb, sql.ptr, &run->statements[i]) != DuckDBError)
        return 0;
    engine_error(duck->prepare_error(run->statements[i]), err);
    return -1;
}

static int ask(Run *run, size_t i, Error *err)
{
    duckdb_result result;
    run->asked = i;
    if (interrupted(run))
        return err_set(err, ERR_USER_CANCELED, "Query was canceled");
    if (!run->statements[i] && prepare(run, i, err) < 0)
        return -1;
    if (duck->execute_prepared(run->statements[i], &result) == DuckDBError) {
        engine_error(duck->result_error(&result), err);
        duck->destroy_result(&result);
        return -1;
    }
    int answer = 0;
    duckdb_data_chunk chunk = duck->fetch_chunk(result);
    if (chunk && duck->data_chunk_get_size(chunk) > 0) {
        duckdb_vector v = duck->data_chunk_get_vector(chunk, 0);
        answer = is_valid(duck->vector_get_validity(v), 0) && ((const bool *)duck->vector_get_data(v))[0];
    }
    if (chunk)
        duck->destroy_data_chunk(&chunk);
    duck->destroy_result(&result);
    return answer;
}

static int test(void *self, size_t row, Error *err)
{
    Run *run = self;
    const Matcher *m = &run->partition.matcher;
    const MatchCondition *condition = &run->program->conditions[m->labels[row - m->start] & ~MATCH_EXCLUDED];
    if (condition->kind == CONDITION_TRUE)
        return 1;
    if (condition->kind == CONDITION_DYNAMIC) {
        run->n_labels = row - m->start + 1;
        return ask(run, (size_t)condition->value, err);
    }
    size_t at = run->offset + row, ahead = row - run->partition.search_first, back = (size_t)condition->back;
    size_t field = (size_t)condition->value + (ahead < back ? ahead : back);
    return is_valid(run->condition_valid[field], at) && run->condition_data[field][at];
}

static int64_t frame_end(void *self, size_t row)
{
    const Run *run = self;
    return is_valid(run->frame_valid, run->offset + row) ? run->frame_data[run->offset + row] : -1;
}

/* ---- t_frame and t_frame_rows ---- */

typedef struct FrameBind {
    Run *run;
    size_t condition;
    int64_t aggregate;
} FrameBind;
typedef struct FrameState {
    size_t at;
} FrameState;

static Run *run_of(Registry *registry, duckdb_bind_info info)
{
    duckdb_client_context context;
    duck->table_function_get_client_context(info, &context);
    uint64_t id = duck->client_context_get_connection_id(context);
    duck->destroy_client_context(&context);
    pthread_mutex_lock(&registry->lock);
    Run *run = registry->runs;
    while (run && run->connection->id != id)
        run = run->next;
    pthread_mutex_unlock(&registry->lock);
    return run;
}

static FrameBind *bind_frame(duckdb_bind_info info)
{
    Registry *registry = duck->bind_get_extra_info(info);
    Run *run = run_of(registry, info);
    FrameBind *bind = run ? calloc(1, sizeof *bind) : NULL;
    if (!bind) {
        duck->bind_set_error(info, "t_frame is called by row patterns only");
        return NULL;
    }
    *bind = (FrameBind){run, run->asked, -1};
    duck->bind_set_bind_data(info, bind, free);
    return bind;
}

static void add_column(duckdb_bind_info info, const char *name, duckdb_type kind)
{
    duckdb_logical_type type = duck->create_logical_type(kind);
    duck->bind_add_result_column(info, name, type);
    duck->destroy_logical_type(&type);
}

static void frame_bind(duckdb_bind_info info)
{
    FrameBind *bind = bind_frame(info);
    if (!bind)
        return;
    const MatchDynamic *dynamic = &bind->run->program->dynamic[bind->condition];
    add_column(info, "mn", DUCKDB_TYPE_BIGINT);
    for (size_t i = 0; i < dynamic->n_navigations; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%lld", (long long)dynamic->navigations[i]);
        duck->bind_add_result_column(info, name, bind->run->row_type);
        name[0] = 'l';
        add_column(info, name, DUCKDB_TYPE_INTEGER);
    }
}

static void rows_bind(duckdb_bind_info info)
{
    FrameBind *bind = bind_frame(info);
    if (!bind)
        return;
    duckdb_value value = duck->bind_get_parameter(info, 0);
    bind->aggregate = duck->get_int64(value);
    duck->destroy_value(&value);
    duck->bind_add_result_column(info, "r", bind->run->row_type);
    add_column(info, "label", DUCKDB_TYPE_INTEGER);
    add_column(info, "mn", DUCKDB_TYPE_BIGINT);
}

static void frame_init(duckdb_init_info info)
{
    duck->init_set_init_data(info, calloc(1, sizeof(FrameState)), free);
}

static void set_null(duckdb_vector v, size_t row)
{
    duck->vector_ensure_validity_writable(v);
    duck->vector_get_validity(v)[row >> 6] &= ~(1ULL << (row & 63));
}

/* A struct that is NULL is so in all of its fields: DuckDB reads them without looking at the struct. */
static void set_null_struct(duckdb_vector v, size_t row)
{
    duckdb_logical_type type = duck->vector_get_column_type(v);
    set_null(v, row);
    if (duck->get_type_id(type) == DUCKDB_TYPE_STRUCT)
        for (size_t i = 0; i < duck->struct_type_child_count(type); i++)
            set_null_struct(duck->struct_vector_get_child(v, i), row);
    duck->destroy_logical_type(&type);
}

static void frame_run(duckdb_function_info info, duckdb_data_chunk out)
{
    const FrameBind *bind = duck->function_get_bind_data(info);
    FrameState *state = duck->function_get_init_data(info);
    if (state->at++ > 0) {
        duck->data_chunk_set_size(out, 0);
        return;
    }
    Run *run = bind->run;
    const Partition *p = &run->partition;
    const MatchDynamic *dynamic = &run->program->dynamic[bind->condition];
    ((int64_t *)duck->vector_get_data(duck->data_chunk_get_vector(out, 0)))[0] = p->number;
    for (size_t i = 0; i < dynamic->n_navigations; i++) {
        int64_t label;
        int64_t row = partition_navigate(p, &run->program->navigations[dynamic->navigations[i]],
                                         run->n_labels, run->n_labels - 1, &label);
        duckdb_vector value = duck->data_chunk_get_vector(out, 1 + 2 * i),
                      name = duck->data_chunk_get_vector(out, 2 + 2 * i);
        run->selected[0] = (uint32_t)(run->offset + (size_t)(row < 0 ? 0 : row));
        duck->vector_copy_sel(run->rows, value, run->selection, 1, 0, 0);
        if (row < 0)
            set_null_struct(value, 0);
        ((int32_t *)duck->vector_get_data(name))[0] = (int32_t)label;
        if (label < 0)
            set_null(name, 0);
    }
    duck->data_chunk_set_size(out, 1);
}

static void rows_run(duckdb_function_info info, duckdb_data_chunk out)
{
    const FrameBind *bind = duck->function_get_bind_data(info);
    FrameState *state = duck->function_get_init_data(info);
    Run *run = bind->run;
    const Matcher *m = &run->partition.matcher;
    uint64_t labels =
        (size_t)bind->aggregate < run->program->n_aggregates ? run->program->aggregates[bind->aggregate] : 0;
    int32_t *label = duck->vector_get_data(duck->data_chunk_get_vector(out, 1));
    int64_t *number = duck->vector_get_data(duck->data_chunk_get_vector(out, 2));
    size_t n = 0;
    for (; state->at < run->n_labels && n < FRAME_CHUNK; state->at++) {
        int own = m->labels[state->at] & ~MATCH_EXCLUDED;
        if (labels && !(labels >> own & 1))
            continue;
        run->selected[n] = (uint32_t)(run->offset + m->start + state->at);
        label[n] = own;
        number[n++] = run->partition.number;
    }
    if (n)
        duck->vector_copy_sel(run->rows, duck->data_chunk_get_vector(out, 0), run->selection, n, 0, 0);
    duck->data_chunk_set_size(out, n);
}

/* ---- a run ---- */

static int open_dynamic(Run *run, Registry *registry, Error *err)
{
    if (!run->program->n_dynamic)
        return 0;
    run->statements = arena_array(run->arena, duckdb_prepared_statement, run->program->n_dynamic);
    run->selection = duck->create_selection_vector(FRAME_CHUNK);
    run->selected = duck->selection_vector_get_data_ptr(run->selection);
    if (run->n_texts != run->program->n_dynamic)
        return err_set(err, ERR_INTERNAL, "a row pattern has no text for a condition");
    if (engine_acquire(run->engine, &run->connection, err) < 0)
        return -1;
    pthread_mutex_lock(&registry->lock);
    run->next = registry->runs;
    registry->runs = run;
    pthread_mutex_unlock(&registry->lock);
    return 0;
}

static void close_run(Run *run, Registry *registry)
{
    for (size_t i = 0; run->statements && i < run->program->n_dynamic; i++)
        if (run->statements[i])
            duck->destroy_prepare(&run->statements[i]);
    if (run->connection) {
        pthread_mutex_lock(&registry->lock);
        Run **at = &registry->runs;
        while (*at != run)
            at = &(*at)->next;
        *at = run->next;
        pthread_mutex_unlock(&registry->lock);
        engine_release(run->connection);
    }
    if (run->selection)
        duck->destroy_selection_vector(run->selection);
    duck->destroy_logical_type(&run->row_type);
    partition_free(&run->partition);
}

static int bind_columns(Run *run, Error *err)
{
    const MatchProgram *p = run->program;
    run->n_fields = duck->struct_type_child_count(run->row_type);
    run->condition_data = arena_array(run->arena, const bool *, run->n_fields + 1);
    run->condition_valid = arena_array(run->arena, const uint64_t *, run->n_fields + 1);
    bool needs = p->frame == FRAME_TO_OFFSET;
    if (needs && (uint64_t)p->frame_field >= run->n_fields)
        return err_set(err, ERR_INTERNAL, "a row pattern has no column for its frame");
    if (needs) {
        duckdb_vector v = duck->struct_vector_get_child(run->rows, (idx_t)p->frame_field);
        run->frame_data = duck->vector_get_data(v);
        run->frame_valid = duck->vector_get_validity(v);
    }
    for (size_t i = 0; i < p->n_labels; i++) {
        const MatchCondition *c = &p->conditions[i];
        size_t n = c->kind == CONDITION_COLUMN ? run->n_fields : p->n_dynamic;
        if (c->kind != CONDITION_TRUE &&
            (c->value < 0 || c->back < 0 || (uint64_t)c->value + (uint64_t)c->back >= n))
            return err_set(err, ERR_INTERNAL, "a row pattern has no column for a condition");
        for (int64_t f = c->value; c->kind == CONDITION_COLUMN && f <= c->value + c->back; f++) {
            duckdb_vector v = duck->struct_vector_get_child(run->rows, (idx_t)f);
            run->condition_data[f] = duck->vector_get_data(v);
            run->condition_valid[f] = duck->vector_get_validity(v);
        }
    }
    return 0;
}

/* The list's rows as structs: match, number, sequence, row, current, label, is_output, navigated, labels.
 * Rows count from 1 here, 0 is none. */
static void put_lists(const Partition *p, duckdb_vector out, size_t at)
{
    static const size_t fields[] = {0, 1, 2, 3, 4};
    duckdb_vector list = duck->list_vector_get_child(out);
    size_t n_navigations = p->program->n_output_navigations;
    int64_t *values[5];
    for (size_t i = 0; i < 5; i++)
        values[i] = duck->vector_get_data(duck->struct_vector_get_child(list, fields[i]));
    int32_t *label = duck->vector_get_data(duck->struct_vector_get_child(list, 5));
    bool *is_output = duck->vector_get_data(duck->struct_vector_get_child(list, 6));
    for (size_t i = 0; i < p->n; i++) {
        const MatchRow *row = &p->rows[i];
        const int64_t own[] = {row->match, row->number, row->sequence, row->row + 1, row->current + 1};
        for (size_t j = 0; j < 5; j++)
            values[j][at + i] = own[j];
        label[at + i] = row->label;
        is_output[at + i] = row->is_output;
    }
    const int64_t *given[] = {p->navigated, p->labels};
    for (size_t f = 0; f < 2; f++) {
        duckdb_vector field = duck->struct_vector_get_child(list, 7 + f);
        size_t used = at * n_navigations, more = p->n * n_navigations;
        duck->list_vector_reserve(field, used + more);
        duckdb_list_entry *entries = duck->vector_get_data(field);
        int64_t *items = duck->vector_get_data(duck->list_vector_get_child(field));
        for (size_t i = 0; i < p->n; i++)
            entries[at + i] = (duckdb_list_entry){used + i * n_navigations, n_navigations};
        for (size_t i = 0; i < more; i++)
            items[used + i] = given[f][i] + 1;
        duck->list_vector_set_size(field, used + more);
    }
}

static int run_partitions(Run *run, duckdb_vector lists, size_t n, duckdb_vector out, Error *err)
{
    const duckdb_list_entry *entries = duck->vector_get_data(lists);
    const uint64_t *valid = duck->vector_get_validity(lists);
    Partition *p = &run->partition;
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        duckdb_list_entry *entry = &((duckdb_list_entry *)duck->vector_get_data(out))[i];
        p->n = 0;
        p->n_rows = is_valid(valid, i) ? entries[i].length : 0;
        run->offset = entries[i].offset;
        if (p->n_rows > UINT32_MAX / 2)
            return err_set(err, ERR_EXCEEDED_LOCAL_MEMORY_LIMIT, "A partition of a row pattern is too large");
        if (p->n_rows && partition_run(p, err) < 0)
            return -1;
        *entry = (duckdb_list_entry){total, p->n};
        if (!p->n)
            continue;
        duck->list_vector_reserve(out, total + p->n);
        duck->list_vector_set_size(out, total + p->n);
        put_lists(p, out, total);
        total += p->n;
    }
    return 0;
}

static int match(duckdb_function_info info, duckdb_data_chunk chunk, duckdb_vector out, Arena *arena,
                 Error *err)
{
    Registry *registry = duck->scalar_function_get_extra_info(info);
    duckdb_vector texts = duck->data_chunk_get_vector(chunk, 1),
                  lists = duck->data_chunk_get_vector(chunk, 2);
    const duckdb_string_t *text = duck->vector_get_data(duck->data_chunk_get_vector(chunk, 0));
    const duckdb_list_entry *conditions = duck->vector_get_data(texts);
    Run run = {
        .engine = registry->engine, .arena = arena, .outer = duck->scalar_function_get_bind_data(info)};
    MatchProgram *program;
    if (match_program_parse(duckdb_str(text), arena, &program, err) < 0)
        return -1;
    run.program = program;
    run.texts = (const duckdb_string_t *)duck->vector_get_data(duck->list_vector_get_child(texts)) +
                conditions[0].offset;
    run.n_texts = conditions[0].length;
    run.rows = duck->list_vector_get_child(lists);
    run.row_type = duck->vector_get_column_type(run.rows);
    run.partition = (Partition){.program = program, .frame_end = frame_end, .self = &run};
    run.partition.matcher = (Matcher){.program = program->instructions,
                                      .n_program = program->n_instructions,
                                      .n_loops = program->n_loops,
                                      .independent = program->n_dynamic == 0,
                                      .test = test,
                                      .interrupted = interrupted,
                                      .self = &run};
    int r = bind_columns(&run, err);
    if (r == 0)
        r = open_dynamic(&run, registry, err);
    if (r == 0)
        r = run_partitions(&run, lists, duck->data_chunk_get_size(chunk), out, err);
    close_run(&run, registry);
    return r;
}

static void match_run(duckdb_function_info info, duckdb_data_chunk chunk, duckdb_vector out)
{
    Error err = {0};
    if (duck->data_chunk_get_size(chunk) == 0)
        return;
    _cleanup_arena_ Arena *arena = arena_new(PROGRAM_BYTES_MAX);
    if (match(info, chunk, out, arena, &err) < 0) {
        char text[ERROR_MESSAGE_MAX + 128];
        const ErrInfo *e = err_info(err.code);
        snprintf(text, sizeof text, "TRINO:%d:%s:%s", e->trino_code, e->trino_name, err.message);
        duck->scalar_function_set_error(info, text);
    }
}

/* ---- registration ---- */

static void *same(void *data)
{
    return data;
}

static void match_bind(duckdb_bind_info info)
{
    Registry *registry = duck->scalar_function_bind_get_extra_info(info);
    duckdb_client_context context;
    duck->scalar_function_get_client_context(info, &context);
    duck->scalar_function_set_bind_data(info, engine_connection_of(registry->engine, context), NULL);
    duck->scalar_function_set_bind_data_copy(info, same);
    duck->destroy_client_context(&context);
}

static duckdb_logical_type result_type(void)
{
    static const char *const names[] = {"g", "mn", "seq", "rn", "cur", "label", "out", "nav", "lab"};
    duckdb_logical_type wide = duck->create_logical_type(DUCKDB_TYPE_BIGINT),
                        integer = duck->create_logical_type(DUCKDB_TYPE_INTEGER),
                        boolean = duck->create_logical_type(DUCKDB_TYPE_BOOLEAN),
                        list = duck->create_list_type(wide);
    duckdb_logical_type types[] = {wide, wide, wide, wide, wide, integer, boolean, list, list};
    duckdb_logical_type row = duck->create_struct_type(types, (const char **)names, 9),
                        all = duck->create_list_type(row);
    duck->destroy_logical_type(&row);
    duck->destroy_logical_type(&list);
    duck->destroy_logical_type(&boolean);
    duck->destroy_logical_type(&integer);
    duck->destroy_logical_type(&wide);
    return all;
}

static int register_match(Registry *registry, duckdb_connection connection, Error *err)
{
    duckdb_scalar_function f = duck->create_scalar_function();
    duckdb_logical_type text = duck->create_logical_type(DUCKDB_TYPE_VARCHAR),
                        texts = duck->create_list_type(text),
                        any = duck->create_logical_type(DUCKDB_TYPE_ANY), result = result_type();
    duck->scalar_function_set_name(f, "t_match");
    duck->scalar_function_add_parameter(f, text);
    duck->scalar_function_add_parameter(f, texts);
    duck->scalar_function_add_parameter(f, any);
    duck->scalar_function_set_return_type(f, result);
    duck->scalar_function_set_extra_info(f, registry, NULL);
    duck->scalar_function_set_bind(f, match_bind);
    duck->scalar_function_set_function(f, match_run);
    duck->scalar_function_set_volatile(f);
    duckdb_state state = duck->register_scalar_function(connection, f);
    duck->destroy_logical_type(&text);
    duck->destroy_logical_type(&texts);
    duck->destroy_logical_type(&any);
    duck->destroy_logical_type(&result);
    duck->destroy_scalar_function(&f);
    return state == DuckDBError ? err_set(err, ERR_INTERNAL, "DuckDB refuses t_match") : 0;
}

static int register_frame(Registry *registry, duckdb_connection connection, bool rows, Error *err)
{
    duckdb_table_function f = duck->create_table_function();
    duck->table_function_set_name(f, rows ? "t_frame_rows" : "t_frame");
    if (rows) {
        duckdb_logical_type type = duck->create_logical_type(DUCKDB_TYPE_BIGINT);
        duck->table_function_add_parameter(f, type);
        duck->destroy_logical_type(&type);
    }
    duck->table_function_set_extra_info(f, registry, NULL);
    duck->table_function_set_bind(f, rows ? rows_bind : frame_bind);
    duck->table_function_set_init(f, frame_init);
    duck->table_function_set_function(f, rows ? rows_run : frame_run);
    duckdb_state state = duck->register_table_function(connection, f);
    duck->destroy_table_function(&f);
    return state == DuckDBError ? err_set(err, ERR_INTERNAL, "DuckDB refuses t_frame") : 0;
}

int pattern_functions_register(Engine *engine, duckdb_connection connection, Error *err)
{
    Registry *registry = calloc(1, sizeof *registry);
    if (!registry)
        return err_set(err, ERR_LIMIT, "no memory for row patterns");
    engine->patterns = registry;
    registry->engine = engine;
    pthread_mutex_init(&registry->lock, NULL);
    if (register_match(registry, connection, err) < 0 || register_frame(registry, connection, false, err) < 0)
        return -1;
    return register_frame(registry, connection, true, err);
}

void pattern_functions_free(Engine *engine)
{
    Registry *registry = engine->patterns;
    if (!registry)
        return;
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

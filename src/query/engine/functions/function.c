#include "query/engine/functions/aggregate.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/engine/engine_internal.h"
#include "query/engine/errors.h"

static const FunctionDef *const tables[] = {
    t_integer_functions,     t_double_functions,    t_cdf_functions,        t_decimal_functions,
    t_cast_functions,        t_datetime_functions,  t_date_unit_functions,  t_tz_functions,
    t_date_format_functions, t_iso8601_functions,   t_string_functions,     t_unicode_functions,
    t_regexp_functions,      t_binary_functions,    t_url_functions,        t_json_functions,
    t_json_path_functions,   t_json_sql_functions,  t_json_table_functions, t_iceberg_functions,
    t_array_functions,       t_vector_functions,    t_list_size_functions,  t_language_functions,
    t_spooky_functions,      t_color_functions,     t_wide_time_functions,  t_time_tz_functions,
    t_nanos_functions,       t_ipaddress_functions, t_uuid_functions,       t_number_functions,
    t_format_functions,      t_sketch_functions,
};

/* What a registered function knows of itself. Allocated at registration, freed by DuckDB. */
typedef struct Registered {
    const FunctionDef *def;
    int scale;
} Registered;

/* ---- a call ---- */

void call_fail(Call *c, ErrCode code, const char *format, ...)
{
    char text[ENGINE_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    engine_error_text(code, format, args, text);
    va_end(args);
    if (!c->failed)
        duck->scalar_function_set_error(c->info, text);
    c->failed = true;
}

void call_fail_error(Call *c, const Error *err)
{
    call_fail(c, err->code, "%s", err->message);
}

void call_set_null(Call *c, size_t row)
{
    if (!c->out_validity) {
        duck->vector_ensure_validity_writable(c->out);
        c->out_validity = duck->vector_get_validity(c->out);
    }
    c->out_validity[row >> 6] &= ~(1ULL << (row & 63));
}

void call_put_scratch(Call *c, size_t row)
{
    if (c->scratch.overflow)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Result of %s is longer than %d bytes", c->def->name,
                  SCRATCH_BYTES_MAX);
    else
        call_put_str(c, row, buf_str(&c->scratch));
}

int128 arg_decimal(const Call *c, size_t i, size_t row)
{
    const In *in = &c->in[i];
    switch (in->width_bytes) {
    case 1:
        return ((const int8_t *)in->data)[row];
    case 2:
        return ((const int16_t *)in->data)[row];
    case 4:
        return ((const int32_t *)in->data)[row];
    case 8:
        return ((const int64_t *)in->data)[row];
    default:
        return ((const int128 *)in->data)[row];
    }
}

static void call_nulls(Call *c)
{
    size_t words = (c->n + 63) / 64;
    for (size_t i = 0; i < c->n_in; i++) {
        if (!c->in[i].validity)
            continue;
        for (size_t w = 0; w < words; w++)
            c->valid[w] = (c->has_nulls ? c->valid[w] : ~0ULL) & c->in[i].validity[w];
        c->has_nulls = true;
    }
    if (!c->has_nulls)
        return;
    duck->vector_ensure_validity_writable(c->out);
    c->out_validity = duck->vector_get_validity(c->out);
    memcpy(c->out_validity, c->valid, words * sizeof *c->valid);
}

/* The storage of a DECIMAL, or of an integer where a decimal may stand. */
static void decimal_layout(In *in)
{
    static const struct {
        duckdb_type type;
        uint8_t bytes, precision;
    } integers[] = {
        {DUCKDB_TYPE_TINYINT, 1, 3}, {DUCKDB_TYPE_SMALLINT, 2, 5},  {DUCKDB_TYPE_INTEGER, 4, 10},
        {DUCKDB_TYPE_BIGINT, 8, 19}, {DUCKDB_TYPE_HUGEINT, 16, 39},
    };
    duckdb_logical_type type = duck->vector_get_column_type(in->vector);
    duckdb_type id = duck->get_type_id(type);
    if (id == DUCKDB_TYPE_DECIMAL) {
        in->precision = duck->decimal_width(type);
        in->scale = duck->decimal_scale(type);
        in->width_bytes = in->precision <= 4 ? 2 : in->precision <= 9 ? 4 : in->precision <= 18 ? 8 : 16;
    }
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        if (integers[i].type == id) {
            in->width_bytes = integers[i].bytes;
            in->precision = integers[i].precision;
        }
    duck->destroy_logical_type(&type);
}

static bool is_zoned(char letter)
{
    return letter == 'Z' || letter == 'Y' || letter == 'O';
}

static void run_function(duckdb_function_info info, duckdb_data_chunk chunk, duckdb_vector out)
{
    const Registered *registered = duck->scalar_function_get_extra_info(info);
    const char *signature = registered->def->signature;
    Call c;
    memset(&c, 0, offsetof(Call, valid));
    c.info = info;
    c.def = registered->def;
    c.scale = registered->scale;
    c.scratch = BUF_INIT(SCRATCH_BYTES_MAX);
    c.n = duck->data_chunk_get_size(chunk);
    c.n_in = duck->data_chunk_get_column_count(chunk);
    c.out = out;
    c.out_data = duck->vector_get_data(out);
    bool takes_nulls = *signature == '!';
    signature += takes_nulls;
    for (size_t i = 0; i < c.n_in; i++) {
        In *in = &c.in[i];
        in->vector = duck->data_chunk_get_vector(chunk, i);
        in->data = duck->vector_get_data(in->vector);
        in->validity = duck->vector_get_validity(in->vector);
        if (signature[i] == 'A') {
            decimal_layout(in);
            if (in->width_bytes == 0)
                call_fail(&c, ERR_INTERNAL, "%s: argument %zu is no decimal", c.def->name, i + 1);
        } else if (is_zoned(signature[i])) {
            in->wide = duck->vector_get_data(duck->struct_vector_get_child(in->vector, 0));
            in->instant = (const void *)in->wide;
            in->zone = duck->vector_get_data(duck->struct_vector_get_child(in->vector, 1));
        }
    }
    if (is_zoned(signature[strlen(signature) - 1])) {
        c.out_wide = duck->vector_get_data(duck->struct_vector_get_child(out, 0));
        c.out_instant = (void *)c.out_wide;
        c.out_zone = duck->vector_get_data(duck->struct_vector_get_child(out, 1));
    }
    if (!takes_nulls)
        call_nulls(&c);
    if (!c.failed)
        c.def->run(&c);
    buf_free(&c.scratch);
}

/* ---- lists ---- */

ListOut list_out(Call *c)
{
    return (ListOut){.call = c, .child = duck->list_vector_get_child(c->out), .n = 0, .capacity = 0};
}

static void list_grow(ListOut *l)
{
    if (l->n < l->capacity)
        return;
    l->capacity = l->capacity ? l->capacity * 2 : 1024;
    duck->list_vector_reserve(l->call->out, l->capacity);
    duck->list_vector_set_size(l->call->out, l->n);
}

void list_out_begin(ListOut *l, size_t row)
{
    l->row_start = l->n;
}

void list_out_add(ListOut *l, Str s)
{
    list_grow(l);
    duck->vector_assign_string_element_len(l->child, l->n++, s.ptr ? s.ptr : "", s.len);
}

void list_out_add_null(ListOut *l)
{
    list_grow(l);
    duck->vector_ensure_validity_writable(l->child);
    duck->vector_get_validity(l->child)[l->n >> 6] &= ~(1ULL << (l->n & 63));
    l->n++;
}

void list_out_end(ListOut *l, size_t row)
{
    OUT(l->call, duckdb_list_entry, row) = (duckdb_list_entry){l->row_start, l->n - l->row_start};
    duck->list_vector_set_size(l->call->out, l->n);
}

bool t_function_takes_nulls(Str name)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const FunctionDef *def = tables[t]; def->name; def++)
            if (str_is(name, def->name) && def->signature[0] != '!')
                return false;
    return true;
}

/* ---- registration ---- */

static duckdb_logical_type zoned_type(char letter)
{
    duckdb_type held = letter == 'Z'   ? DUCKDB_TYPE_TIMESTAMP
                       : letter == 'Y' ? DUCKDB_TYPE_HUGEINT
                                       : DUCKDB_TYPE_BIGINT;
    duckdb_logical_type types[2] = {duck->create_logical_type(held),
                                    duck->create_logical_type(DUCKDB_TYPE_SMALLINT)};
    const char *names[2] = {"t", "zone"};
    duckdb_logical_type type = duck->create_struct_type(types, names, 2);
    duck->destroy_logical_type(&types[0]);
    duck->destroy_logical_type(&types[1]);
    return type;
}

static duckdb_logical_type list_of(duckdb_logical_type element)
{
    duckdb_logical_type type = duck->create_list_type(element);
    duck->destroy_logical_type(&element);
    return type;
}

static duckdb_logical_type nested_type(char letter)
{
    duckdb_logical_type text = duck->create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_logical_type type, value;
    switch (letter) {
    case 'F':
        type = list_of(duck->create_logical_type(DUCKDB_TYPE_DOUBLE));
        break;
    case 'P':
        type = list_of(duck->create_logical_type(DUCKDB_TYPE_BIGINT));
        break;
    case 'Q':
        type = list_of(list_of(duck->create_logical_type(DUCKDB_TYPE_BIGINT)));
        break;
    case 'G':
        type = list_of(duck->create_list_type(text));
        break;
    case 'K':
        value = duck->create_list_type(text);
        type = duck->create_map_type(text, value);
        duck->destroy_logical_type(&value);
        break;
    case 'M':
        type = duck->create_map_type(text, text);
        break;
    default:
        type = duck->create_list_type(text);
    }
    duck->destroy_logical_type(&text);
    return type;
}

static duckdb_logical_type type_of(char letter, int scale)
{
    static const struct {
        char letter;
        duckdb_type type;
    } types[] = {
        {'b', DUCKDB_TYPE_BOOLEAN},   {'1', DUCKDB_TYPE_TINYINT}, {'2', DUCKDB_TYPE_SMALLINT},
        {'4', DUCKDB_TYPE_INTEGER},   {'8', DUCKDB_TYPE_BIGINT},  {'f', DUCKDB_TYPE_FLOAT},
        {'d', DUCKDB_TYPE_DOUBLE},    {'s', DUCKDB_TYPE_VARCHAR}, {'x', DUCKDB_TYPE_BLOB},
        {'u', DUCKDB_TYPE_UUID},      {'D', DUCKDB_TYPE_DATE},    {'t', DUCKDB_TYPE_TIME},
        {'T', DUCKDB_TYPE_TIMESTAMP}, {'W', DUCKDB_TYPE_HUGEINT}, {'A', DUCKDB_TYPE_ANY},
        {'*', DUCKDB_TYPE_ANY},
    };
    if (letter == 'N' || letter == 'H')
        return duck->create_decimal_type(DECIMAL_DIGITS_MAX, (uint8_t)(letter == 'H' ? 0 : scale));
    if (is_zoned(letter))
        return zoned_type(letter);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].letter == letter)
            return duck->create_logical_type(types[i].type);
    return nested_type(letter);
}

duckdb_logical_type function_type(char letter)
{
    return type_of(letter, 0);
}

static duckdb_scalar_function function_new(const FunctionDef *def, const char *name, int scale)
{
    Registered *registered = calloc(1, sizeof *registered);
    if (!registered)
        return NULL;
    *registered = (Registered){def, scale};
    duckdb_scalar_function f = duck->create_scalar_function();
    duck->scalar_function_set_name(f, name);
    const char *p = def->signature;
    if (*p == '!') {
        duck->scalar_function_set_special_handling(f);
        p++;
    }
    for (; *p; p++) {
        bool result = *p == '>';
        p += result;
        duckdb_logical_type type = type_of(*p, scale);
        if (result)
            duck->scalar_function_set_return_type(f, type);
        else
            duck->scalar_function_add_parameter(f, type);
        duck->destroy_logical_type(&type);
    }
    duck->scalar_function_set_extra_info(f, registered, free);
    duck->scalar_function_set_function(f, run_function);
    return f;
}

/* Registers defs[0..n), which share a name. */
static int register_set(duckdb_connection connection, const FunctionDef *defs, size_t n, const char *name,
                        int scale, Error *err)
{
    duckdb_scalar_function_set set = duck->create_scalar_function_set(name);
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        duckdb_scalar_function f = function_new(&defs[i], name, scale);
        if (!f || duck->add_scalar_function_to_set(set, f) == DuckDBError)
            r = err_set(err, ERR_INTERNAL, "DuckDB refuses %s(%s)", name, defs[i].signature);
        duck->destroy_scalar_function(&f);
    }
    if (r == 0 && duck->register_scalar_function_set(connection, set) == DuckDBError)
        r = err_set(err, ERR_INTERNAL, "DuckDB refuses %s", name);
    duck->destroy_scalar_function_set(&set);
    return r;
}

static int register_scales(duckdb_connection connection, const FunctionDef *defs, size_t n, Error *err)
{
    for (int scale = 0; scale <= DECIMAL_DIGITS_MAX; scale++) {
        char name[64];
        snprintf(name, sizeof name, "%s_%d", defs->name, scale);
        if (register_set(connection, defs, n, name, scale, err) < 0)
            return -1;
    }
    return 0;
}

static int register_table(duckdb_connection connection, const FunctionDef *defs, Error *err)
{
    while (defs->name) {
        size_t n = 1;
        while (defs[n].name && strcmp(defs[n].name, defs->name) == 0)
            n++;
        bool scaled = defs->signature[strlen(defs->signature) - 1] == 'N';
        int r = scaled ? register_scales(connection, defs, n, err)
                       : register_set(connection, defs, n, defs->name, 0, err);
        if (r < 0)
            return -1;
        defs += n;
    }
    return 0;
}

static int execute(duckdb_connection connection, const char *sql, Error *err)
{
    duckdb_result result;
    duckdb_state state = duck->query(connection, sql, &result);
    int r = state == DuckDBError ? err_set(err, ERR_INTERNAL, "%s: %s", sql, duck->result_error(&result)) : 0;
    duck->destroy_result(&result);
    return r;
}

/* One transaction, else each function is one of its own. */
int t_functions_register(duckdb_connection connection, Error *err)
{
    if (execute(connection, "BEGIN", err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (register_table(connection, tables[i], err) < 0)
            return -1;
    if (aggregates_register(connection, err) < 0)
        return -1;
    return execute(connection, "COMMIT", err);
}

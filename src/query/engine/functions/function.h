/* function.h - how a t_* function is written.
 *
 * A function works on a whole chunk: it gets a Call, loops over the rows in which no argument is NULL and
 * puts a value, NULL or an error. Each file has a table of FunctionDefs; function.c registers them all.
 *
 * A signature is one letter a type, the result after '>':
 *     b BOOLEAN  1 2 4 8 TINYINT SMALLINT INTEGER BIGINT  f FLOAT  d DOUBLE  s VARCHAR  x BLOB  u UUID
 *     D DATE  t TIME  T TIMESTAMP  W HUGEINT  Z Y O STRUCT(t, zone SMALLINT) with t a TIMESTAMP, HUGEINT
 * (picoseconds since 1970), BIGINT (picoseconds of the day)  S VARCHAR[]  F DOUBLE[]  M MAP(VARCHAR, VARCHAR)
 * A any DECIMAL (an integer too)  N DECIMAL(38, scale) of a function that exists once for every scale, named
 * NAME_<scale>  * any type  P BIGINT[]  Q BIGINT[][]  G VARCHAR[][] K MAP(VARCHAR, VARCHAR[])  H DECIMAL(38,
 * 0) A signature that starts with '!' gets NULLs too. */
#pragma once

#include "base/buf.h"
#include "query/engine/calendar.h"
#include "query/engine/duckdb_api.h"
#include "query/engine/encode_number.h"
#include "query/engine/functions/function_names.h"

enum {
    FUNCTION_ARGS_MAX = 8,
    CALL_WORDS = 64,
    DECIMAL_DIGITS_MAX = 38,
    SCRATCH_BYTES_MAX = 64 << 20, /* the longest text that a function makes */
};

typedef struct Call Call;
typedef struct FunctionDef {
    const char *name, *signature;
    void (*run)(Call *call);
    int arg; /* the file's own: tells functions apart that share code */
} FunctionDef;

typedef struct In {
    duckdb_vector vector;
    const void *data;
    const uint64_t *validity;
    uint8_t width_bytes, scale, precision; /* decimals and integers given as A */
    const int64_t *instant;                /* Z, O: t */
    const int128 *wide;                    /* Y: t */
    const int16_t *zone;                   /* Z, Y, O */
} In;

struct Call {
    duckdb_function_info info;
    const FunctionDef *def;
    int scale; /* of the result; N */
    size_t n;
    In in[FUNCTION_ARGS_MAX];
    size_t n_in;
    duckdb_vector out;
    void *out_data;
    uint64_t *out_validity; /* NULL: all rows are valid so far */
    int64_t *out_instant;   /* Z, O */
    int128 *out_wide;       /* Y */
    int16_t *out_zone;
    bool has_nulls, failed;
    uint64_t valid[CALL_WORDS]; /* rows in which no argument is NULL, when has_nulls */
    Buf scratch;                /* for the row at hand; freed after the call */
};

static inline bool call_row(const Call *c, size_t row)
{
    return !c->has_nulls || (c->valid[row >> 6] >> (row & 63) & 1);
}
/* for the rows that have a value, until the call fails */
#define CALL_ROWS(c, row)                                                                                    \
    for (size_t row = 0; row < (c)->n && !(c)->failed; row++)                                                \
        if (call_row((c), row))

#define ARG(c, i, T, row) (((const T *)(c)->in[i].data)[row])
static inline Str arg_str(const Call *c, size_t i, size_t row)
{
    return duckdb_str(&ARG(c, i, duckdb_string_t, row));
}
#define OUT(c, T, row) (((T *)(c)->out_data)[row])

/* The type that a letter of a signature stands for. */
duckdb_logical_type function_type(char letter);

void call_set_null(Call *c, size_t row);
static inline void call_put_str(Call *c, size_t row, Str s)
{
    duck->vector_assign_string_element_len(c->out, row, s.ptr ? s.ptr : "", s.len);
}
/* The text that was built in c->scratch. */
void call_put_scratch(Call *c, size_t row);
/* Ends the call with Trino's error; DuckDB passes the text on, errors.c reads it. */
void call_fail(Call *c, ErrCode code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* As call_fail with what a helper put into *err. */
void call_fail_error(Call *c, const Error *err);
/* The zone of that name (zones.h); false: the call failed. */
bool zone_of_arg(Call *c, Str name, int16_t *ret);

int128 arg_decimal(const Call *c, size_t i, size_t row);
static inline void put_d38(Call *c, size_t row, int128 value)
{
    OUT(c, int128, row) = value;
}

/* Lists of text as result. */
typedef struct ListOut {
    Call *call;
    duckdb_vector child;
    size_t n, capacity;
    size_t row_start;
} ListOut;
ListOut list_out(Call *c);
void list_out_begin(ListOut *l, size_t row);
void list_out_add(ListOut *l, Str s);
void list_out_add_null(ListOut *l);
void list_out_end(ListOut *l, size_t row);

/* The tables, each ends in a NULL name. */
extern const FunctionDef t_sketch_functions[];
extern const FunctionDef t_integer_functions[], t_double_functions[], t_cdf_functions[],
    t_decimal_functions[], t_cast_functions[], t_datetime_functions[], t_date_unit_functions[],
    t_tz_functions[], t_date_format_functions[], t_iso8601_functions[], t_string_functions[],
    t_unicode_functions[], t_regexp_functions[], t_binary_functions[], t_url_functions[], t_json_functions[],
    t_json_path_functions[], t_json_sql_functions[], t_json_table_functions[], t_iceberg_functions[],
    t_array_functions[], t_vector_functions[], t_list_size_functions[], t_language_functions[],
    t_spooky_functions[], t_color_functions[], t_wide_time_functions[], t_time_tz_functions[],
    t_nanos_functions[], t_ipaddress_functions[], t_uuid_functions[], t_number_functions[],
    t_format_functions[];

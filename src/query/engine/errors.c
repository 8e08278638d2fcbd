#include "query/engine/errors.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 4096 }; /* what is looked at; Error keeps less */

typedef struct Mapping {
    const char *needle; /* found anywhere in the text */
    ErrCode code;
    int (*map)(Str text, ErrCode code, Error *err); /* NULL: the code with DuckDB's text */
    const char *message;                            /* instead of DuckDB's text */
} Mapping;

/* The text between the first pair of quotes after `from`; empty when there is none. */
static Str quoted(Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '"' && text.ptr[i] != '\'')
            continue;
        Str rest = str_slice(text, i + 1, text.len);
        ptrdiff_t end = str_find_char(rest, text.ptr[i]);
        return end < 0 ? (Str){"", 0} : str_slice(rest, 0, (size_t)end);
    }
    return (Str){"", 0};
}

/* What is between `open` and `close` after it. */
static bool between(Str text, const char *open, const char *close, Str *ret)
{
    ptrdiff_t from = str_find(text, str_from(open));
    if (from < 0)
        return false;
    Str rest = str_slice(text, (size_t)from + strlen(open), text.len);
    ptrdiff_t to = str_find(rest, str_from(close));
    *ret = to < 0 ? rest : str_slice(rest, 0, (size_t)to);
    return true;
}

static const char *sql_name_of(Str duckdb_type)
{
    static const struct {
        const char *duckdb, *sql;
    } names[] = {
        {"INT8", "tinyint"},
        {"INT16", "smallint"},
        {"INT32", "integer"},
        {"INT64", "bigint"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_has_prefix(duckdb_type, str_from(names[i].duckdb)))
            return names[i].sql;
    return NULL;
}

/* "Overflow in addition of INT64 (1 + 2)!" */
static int map_overflow(Str text, ErrCode code, Error *err)
{
    Str operation, type, operands, rest;
    if (!between(text, "Overflow in ", "\n", &rest) || !between(text, "Overflow in ", " of ", &operation) ||
        !between(rest, " of ", " (", &type))
        return err_set(err, code, "%.*s", STR_ARG(text));
    if (str_has_prefix(type, STR("DECIMAL")) || str_has_prefix(type, STR("HUGEINT")) ||
        str_has_prefix(type, STR("INT128")))
        return err_set(err, code, "Decimal overflow");
    const char *name = sql_name_of(type);
    if (str_has_prefix(operation, STR("negation")))
        return err_set(err, code, "bigint negation overflow");
    if (!name || !between(rest, " (", ")!", &operands))
        return err_set(err, code, "%.*s", STR_ARG(text));
    return err_set(err, code, "%s %.*s overflow: %.*s", name, STR_ARG(operation), STR_ARG(operands));
}

/* "Type INT64 with value 300 can't be cast because the value is out of range for the destination type INT8"
 */
static int map_cast_range(Str text, ErrCode code, Error *err)
{
    Str value, type;
    const char *name = between(text, "destination type ", " ", &type) ? sql_name_of(type) : NULL;
    if (!name || !between(text, "with value ", " can't", &value))
        return err_set(err, code, "%.*s", STR_ARG(text));
    return err_set(err, code, "Out of range for %s: %.*s", name, STR_ARG(value));
}

/* `Casting value "99.5" to type DECIMAL(3,1) failed: value is out of range!` */
static int map_decimal_range(Str text, ErrCode code, Error *err)
{
    Str p, s;
    if (!between(text, "DECIMAL(", ",", &p) || !between(text, ",", ")", &s))
        return err_set(err, code, "%.*s", STR_ARG(text));
    return err_set(err, code, "Cannot cast DECIMAL '%.*s' to DECIMAL(%.*s, %.*s)", STR_ARG(quoted(text)),
                   STR_ARG(p), STR_ARG(s));
}

static int map_file(Str text, ErrCode code, Error *err)
{
    Str file = quoted(text);
    ptrdiff_t slash = str_rfind_char(file, '/');
    Str name = slash < 0 ? file : str_slice(file, (size_t)slash + 1, file.len);
    const char *what =
        code == ERR_ICEBERG_CANNOT_OPEN_SPLIT ? "Error opening Iceberg split" : "Error reading data file";
    err_set(err, code, "%s %.*s: %.*s", what, STR_ARG(name), STR_ARG(text));
    if (err)
        snprintf(err->resource, sizeof err->resource, "%.*s", STR_ARG(file));
    return -1;
}

/* The text names no file. */
static int map_thrift(Str text, ErrCode code, Error *err)
{
    return err_set(err, code, "Error reading a data file: %.*s", STR_ARG(text));
}

/* In order: the first needle that is found decides. */
static const Mapping mappings[] = {
    {"No space left on device", ERR_DISK_FULL, NULL, NULL},
    {"Disk quota exceeded", ERR_DISK_FULL, NULL, NULL},
    {"Out of Memory Error", ERR_EXCEEDED_LOCAL_MEMORY_LIMIT, NULL, NULL},
    {"INTERRUPT Error", ERR_USER_CANCELED, NULL, "Query was canceled"},
    {"Overflow in negation of numeric value", ERR_NUMERIC_VALUE_OUT_OF_RANGE, NULL,
     "bigint negation overflow: -9223372036854775808"},
    {"Overflow in HUGEINT", ERR_NUMERIC_VALUE_OUT_OF_RANGE, NULL, "Decimal overflow"},
    {"Overflow in ", ERR_NUMERIC_VALUE_OUT_OF_RANGE, map_overflow, NULL},
    {"Overflow on abs(", ERR_NUMERIC_VALUE_OUT_OF_RANGE, NULL,
     "Value -9223372036854775808 is out of range for abs(bigint)"},
    {"for the destination type INT", ERR_NUMERIC_VALUE_OUT_OF_RANGE, map_cast_range, NULL},
    {"failed: value is out of range", ERR_NUMERIC_VALUE_OUT_OF_RANGE, map_decimal_range, NULL},
    {"Invalid RANGE PRECEDING value", ERR_INVALID_WINDOW_FRAME, NULL,
     "Window frame offset value must not be negative or null"},
    {"Invalid RANGE FOLLOWING value", ERR_INVALID_WINDOW_FRAME, NULL,
     "Window frame offset value must not be negative or null"},
    {"Invalid GROUPS PRECEDING value", ERR_INVALID_WINDOW_FRAME, NULL,
     "Window frame offset value must not be negative or null"},
    {"Invalid GROUPS FOLLOWING value", ERR_INVALID_WINDOW_FRAME, NULL,
     "Window frame offset value must not be negative or null"},
    {"Invalid ROWS PRECEDING value", ERR_INVALID_WINDOW_FRAME, NULL,
     "Window frame offset value must not be negative or null"},
    {"Invalid ROWS FOLLOWING value", ERR_INVALID_WINDOW_FRAME, NULL,
     "Window frame offset value must not be negative or null"},
    {"Argument for ntile must be greater", ERR_INVALID_FUNCTION_ARGUMENT, NULL,
     "Buckets must be greater than 0"},
    {"Out of Range Error", ERR_NUMERIC_VALUE_OUT_OF_RANGE, NULL, NULL},
    {"More than one row returned by a subquery", ERR_SUBQUERY_MULTIPLE_ROWS, NULL,
     "Scalar sub-query has returned multiple rows"},
    {"Map keys must be unique", ERR_INVALID_FUNCTION_ARGUMENT, NULL, "Duplicate map keys are not allowed"},
    {"map key list does not align", ERR_INVALID_FUNCTION_ARGUMENT, NULL,
     "Key and value arrays must be the same length"},
    {"Binder Error: APPROXIMATE QUANTILE can only take", ERR_INVALID_FUNCTION_ARGUMENT, NULL,
     "Percentile must be between 0 and 1"},
    {"Lists larger than", ERR_INVALID_FUNCTION_ARGUMENT, NULL,
     "result of sequence function must not have more than 10000 entries"},
    {"Invalid input for arg_min/arg_max", ERR_INVALID_FUNCTION_ARGUMENT, NULL,
     "third argument of max_by must be a positive integer"},
    {"Invalid input for MIN/MAX", ERR_INVALID_FUNCTION_ARGUMENT, NULL,
     "second argument of max_n must be positive"},
    {"Map keys can not be NULL", ERR_INVALID_FUNCTION_ARGUMENT, NULL, "map key cannot be null"},
    {"No files found that match", ERR_ICEBERG_CANNOT_OPEN_SPLIT, map_file, NULL},
    {"Cannot open file", ERR_ICEBERG_CANNOT_OPEN_SPLIT, map_file, NULL},
    {"to be a Parquet file", ERR_ICEBERG_BAD_DATA, map_file, NULL},
    {"No magic bytes found", ERR_ICEBERG_BAD_DATA, map_file, NULL},
    {"parquet", ERR_ICEBERG_BAD_DATA, map_file, NULL},
    {"Parquet", ERR_ICEBERG_BAD_DATA, map_file, NULL},
    {"TProtocolException", ERR_ICEBERG_BAD_DATA, map_file, NULL},
    {"ecompression failure", ERR_ICEBERG_BAD_DATA, map_file, NULL},
    {"Could not read", ERR_ICEBERG_BAD_DATA, map_file, NULL},
    {"Invalid Error: ", ERR_ICEBERG_BAD_DATA, map_thrift,
     NULL}, /* what the reader of Parquet footers throws */
    {"Could not convert string", ERR_INVALID_CAST_ARGUMENT, NULL, NULL},
    {"Conversion Error", ERR_INVALID_CAST_ARGUMENT, NULL, NULL},
};

/* Texts of the binder and parser quote our SQL, which may hold any needle: they are the emitter's bugs,
 * whatever they say. */
static bool is_emitter_bug(Str text)
{
    if (str_has_prefix(text, STR("Binder Error: APPROXIMATE QUANTILE can only take")))
        return false; /* a constant of the user's that DuckDB checks while it binds */
    static const char *const classes[] = {"Parser Error", "Binder Error", "Catalog Error", "Syntax Error",
                                          "INTERNAL Error"};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (str_has_prefix(text, str_from(classes[i])))
            return true;
    return false;
}

/* "TRINO:8:DIVISION_BY_ZERO:Division by zero" anywhere. */
static bool map_trino(Str text, Error *err)
{
    Str rest, name, message;
    if (!between(text, "TRINO:", "", &rest))
        return false;
    ptrdiff_t at = str_find(text, STR("TRINO:"));
    rest = str_slice(text, (size_t)at + 6, text.len);
    str_cut(rest, ':', &name);
    if (!name.ptr)
        return false;
    name = str_cut(name, ':', &message);
    if (!message.ptr || name.len == 0 || name.len >= 64)
        return false;
    char name_z[64];
    memcpy(name_z, name.ptr, name.len);
    name_z[name.len] = 0;
    err_set(err, err_code_of_trino_name(name_z), "%.*s", STR_ARG(message));
    return true;
}

bool engine_error_is_fatal(const char *duckdb_text)
{
    return strstr(duckdb_text, "FATAL Error") || strstr(duckdb_text, "database has been invalidated");
}

int engine_error(const char *duckdb_text, Error *err)
{
    if (!duckdb_text)
        return err_set(err, ERR_INTERNAL, "DuckDB failed without a message");
    Str text = {duckdb_text, strnlen(duckdb_text, TEXT_MAX)};
    ptrdiff_t position = str_find(text, STR("\n\nLINE "));
    if (position >= 0)
        text.len = (size_t)position;
    if (map_trino(text, err))
        return -1;
    for (size_t i = 0; !is_emitter_bug(text) && i < sizeof mappings / sizeof *mappings; i++) {
        const Mapping *m = &mappings[i];
        if (str_find(text, str_from(m->needle)) < 0)
            continue;
        if (m->map)
            return m->map(text, m->code, err);
        Str message =
            m->message ? str_from(m->message) : str_cut(text, '\n', &(Str){0}); /* no advice on settings */
        return err_set(err, m->code, "%.*s", STR_ARG(message));
    }
    return err_set(err, ERR_INTERNAL, "%.*s", STR_ARG(text));
}

void engine_error_text(ErrCode code, const char *format, va_list args, char out[ENGINE_ERROR_TEXT_MAX])
{
    char message[ERROR_MESSAGE_MAX];
    const ErrInfo *info = err_info(code);
    vsnprintf(message, sizeof message, format, args);
    snprintf(out, ENGINE_ERROR_TEXT_MAX, "TRINO:%d:%s:%s", info->trino_code, info->trino_name, message);
}

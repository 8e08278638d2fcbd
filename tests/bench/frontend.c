/* frontend.c - what the SQL front end costs without DuckDB: parse, analyse and emit a statement on the tables
 * of the tpcds catalog, many times.
 *
 *   frontend FILE [ROUNDS]      prints the median microseconds of each step and of all, as JSON */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fs.h"
#include "query/connector/generated.h"
#include "query/engine/emitter.h"
#include "query/sql/parser.h"

enum {
    STEPS = 4,
    ROUNDS = 200,
    ROUNDS_MAX = 100000,
    BUDGET = 64 << 20,
    TEXT_MAX = 1 << 20,
    SQL_MAX = 16 << 20
};

/* The scan of a table is the connector's business: here it is a name. */
static int emit_scan(EmitContext *context, const TableHandle *handle, const Relation *relation, Buf *out,
                     Error *err)
{
    (void)context, (void)err;
    buf_puts(out, "SELECT ");
    for (size_t i = 0; i < handle->n_columns; i++)
        if (relation->used[i])
            buf_printf(out, "p.%.*s AS c%zu, ", STR_ARG(handle->columns[i].name), i);
    return buf_printf(out, "1 FROM %.*s p", STR_ARG(handle->table));
}

static const ConnectorOps ops = {"tpcds", emit_scan};

static int catalog_exists(MetadataSource *self, Str catalog, bool *ret, Error *err)
{
    (void)self, (void)err;
    *ret = str_is(catalog, "tpcds");
    return 0;
}

static int schema_exists(MetadataSource *self, Str catalog, Str schema, bool *ret, Error *err)
{
    (void)self, (void)catalog;
    return generated_schema_exists(NULL, schema, ret, err);
}

static int get_table(MetadataSource *self, Str catalog, Str schema, Str table, const Relation *reference,
                     Arena *arena, const TableHandle **ret, Error *err)
{
    (void)self, (void)reference;
    if (generated_table(&tpcds_generated, catalog, schema, table, NULL, arena, ret, err))
        return -1;
    if (*ret) {
        TableHandle *own = arena_new_of(arena, TableHandle);
        *own = **ret;
        own->ops = &ops;
        *ret = own;
    }
    return 0;
}

static int get_view(MetadataSource *self, Str catalog, Str schema, Str view, Arena *arena, Str *ret_sql,
                    Error *err)
{
    (void)self, (void)catalog, (void)schema, (void)view, (void)arena, (void)err;
    *ret_sql = STR_NULL;
    return 0;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int run_once(Str text, int64_t ret_ns[STEPS], size_t *ret_len, Error *err)
{
    static MetadataSource metadata = {catalog_exists, schema_exists, get_table, get_view};
    AnalyzerSession session = {
        .user = STR("bench"), .catalog = STR("tpcds"), .schema = STR("tiny"), .time_zone = STR("UTC")};
    _cleanup_arena_ Arena *arena = arena_new(BUDGET);
    _cleanup_buf_ Buf sql = BUF_INIT(SQL_MAX);
    EmitContext emit = {.arena = arena, .session = &session};
    Statement *statement;
    Analysis *analysis;
    int64_t begin = now_ns(), at = begin;
    if (sql_parse(text, arena, &statement, err))
        return -1;
    ret_ns[0] = now_ns() - at;
    at = now_ns();
    if (sql_analyze(statement, &session, &metadata, arena, &analysis, err))
        return -1;
    ret_ns[1] = now_ns() - at;
    at = now_ns();
    if (emit_query(&emit, statement->query, &sql, err) || buf_check(&sql, err))
        return -1;
    ret_ns[2] = now_ns() - at;
    ret_ns[3] = now_ns() - begin;
    *ret_len = sql.len;
    return 0;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static const char *const names[STEPS] = {"parse", "analyse", "emit", "all"};
    static int64_t times[STEPS][ROUNDS_MAX];
    Error err;
    _cleanup_buf_ Buf text = BUF_INIT(TEXT_MAX);
    int64_t rounds = ROUNDS, one[STEPS];
    size_t len = 0;
    if (argc < 2 || (argc > 2 && (str_to_i64(str_from(argv[2]), 1, ROUNDS_MAX, &rounds, NULL)))) {
        fprintf(stderr, "usage: frontend FILE [ROUNDS]\n");
        return 2;
    }
    if (fs_read_file(argv[1], TEXT_MAX, &text, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    for (int64_t i = 0; i < rounds; i++) {
        if (run_once(buf_str(&text), one, &len, &err)) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        for (size_t s = 0; s < STEPS; s++)
            times[s][i] = one[s];
    }
    printf("{\"text_bytes\":%zu,\"duckdb_bytes\":%zu", text.len, len);
    for (size_t s = 0; s < STEPS; s++) {
        qsort(times[s], (size_t)rounds, sizeof times[s][0], ascending);
        printf(",\"%s_us\":%.1f", names[s], (double)times[s][rounds / 2] / 1000);
    }
    printf("}\n");
    return 0;
}

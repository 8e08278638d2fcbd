/* frontend.c - what the SQL front end costs without DuckDB: parse, analyse and emit a statement on the tables
 * of the tpcds catalog, many times; and the same statement when its plan is there (protocol/plan.h).
 *
 *   frontend FILE [ROUNDS]      prints the median microseconds of each step and of all, as JSON */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fs.h"
#include "query/sql/parser.h"
#include "../tables_stub.h"

enum {
    STEPS = 5,
    ROUNDS = 200,
    ROUNDS_MAX = 100000,
    BUDGET = 64 << 20,
    TEXT_MAX = 1 << 20,
    SQL_MAX = 16 << 20
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static bool same_table(const TableHandle *a, const TableHandle *b)
{
    return str_eq(a->table, b->table) && str_eq(a->schema, b->schema);
}

/* What a statement does that finds a plan: the tables again, each once, and the scans into the text. */
static int run_again(const EmitContext *plan, Str text, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(BUDGET);
    _cleanup_buf_ Buf sql = BUF_INIT(SQL_MAX);
    EmitContext emit = {.arena = arena, .session = plan->session};
    EmittedScan *scans = arena_array(arena, EmittedScan, plan->scans.n);
    for (size_t i = 0; i < plan->scans.n; i++) {
        const TableHandle *then = plan->scans.items[i].handle;
        scans[i].relation = plan->scans.items[i].relation;
        for (size_t k = 0; k < i && !scans[i].handle; k++)
            scans[i].handle = same_table(scans[k].handle, then) ? scans[k].handle : NULL;
        if (!scans[i].handle && stub_get_table(NULL, then->catalog, then->schema, then->table, NULL, arena,
                                               &scans[i].handle, err))
            return -1;
    }
    return emit_fill_marks(&emit, text, plan->mark, scans, &sql, err);
}

static int run_once(Str text, int64_t ret_ns[STEPS], size_t *ret_len, Error *err)
{
    AnalyzerSession session = {
        .user = STR("bench"), .catalog = STR("tpcds"), .schema = STR("tiny"), .time_zone = STR("UTC")};
    _cleanup_arena_ Arena *arena = arena_new(BUDGET);
    _cleanup_buf_ Buf sql = BUF_INIT(SQL_MAX);
    EmitContext emit = {.arena = arena, .session = &session, .has_marks = true};
    Statement *statement;
    Analysis *analysis;
    int64_t begin = now_ns(), at = begin;
    if (sql_parse(text, arena, &statement, err))
        return -1;
    ret_ns[0] = now_ns() - at;
    at = now_ns();
    if (sql_analyze(statement, &session, &stub_metadata, arena, &analysis, err))
        return -1;
    ret_ns[1] = now_ns() - at;
    at = now_ns();
    if (emit_query(&emit, statement->query, &sql, err) || buf_check(&sql, err))
        return -1;
    ret_ns[2] = now_ns() - at;
    ret_ns[3] = now_ns() - begin;
    at = now_ns();
    if (run_again(&emit, buf_str(&sql), err))
        return -1;
    ret_ns[4] = now_ns() - at;
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
    static const char *const names[STEPS] = {"parse", "analyse", "emit", "all", "repeat"};
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

/* Types: spelling in its three forms, parsing, coercion, casts, and the DuckDB type that holds them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "query/analyzer/types_internal.h"

static const SqlType *parse(Arena *arena, const char *text)
{
    Error err;
    const SqlType *type = NULL;
    if (sql_type_parse(str_from(text), arena, &type, &err))
        fail_msg("%s: %s", text, err.message);
    return type;
}

static void assert_text(Str got, const char *want)
{
    if (!str_is(got, want))
        fail_msg("got %.*s, want %s", STR_ARG(got), want);
}

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *written, *name, *protocol, *signature, *duckdb;
    } cases[] = {
        {"bigint", "bigint", "bigint", "bigint", "BIGINT"},
        {"INT", "integer", "integer", "integer", "INTEGER"},
        {"decimal(10,2)", "decimal(10,2)", "decimal(10, 2)", "decimal(10,2)", "DECIMAL(10,2)"},
        {"decimal", "decimal(38,0)", "decimal(38, 0)", "decimal(38,0)", "DECIMAL(38,0)"},
        {"varchar", "varchar", "varchar", "varchar", "VARCHAR"},
        {"varchar(5)", "varchar(5)", "varchar(5)", "varchar(5)", "VARCHAR"},
        {"char", "char(1)", "char(1)", "char(1)", "VARCHAR"},
        {"timestamp", "timestamp(3)", "timestamp(3)", "timestamp(3)", "TIMESTAMP"},
        {"timestamp(6) with time zone", "timestamp(6) with time zone", "timestamp(6) with time zone",
         "timestamp(6) with time zone", "STRUCT(t TIMESTAMP, zone SMALLINT)"},
        {"timestamp(7) with time zone", "timestamp(7) with time zone", "timestamp(7) with time zone",
         "timestamp(7) with time zone", "STRUCT(t HUGEINT, zone SMALLINT)"},
        {"timestamp(12)", "timestamp(12)", "timestamp(12)", "timestamp(12)", "HUGEINT"},
        {"time(0)", "time(0)", "time(0)", "time(0)", "TIME"},
        {"time(9)", "time(9)", "time(9)", "time(9)", "BIGINT"},
        {"time with time zone", "time(3) with time zone", "time(3) with time zone", "time(3) with time zone",
         "STRUCT(t BIGINT, zone SMALLINT)"},
        {"array(map(varchar,decimal(3,1)))", "array(map(varchar, decimal(3,1)))",
         "array(map(varchar, decimal(3, 1)))", "array(map(varchar,decimal(3,1)))",
         "MAP(VARCHAR, DECIMAL(3,1))[]"},
        {"row(a bigint, \"B c\" varchar)", "row(\"a\" bigint, \"B c\" varchar)",
         "row(a bigint, \"B c\" varchar)", "row(\"a\" bigint,\"B c\" varchar)",
         "STRUCT(f0 BIGINT, f1 VARCHAR)"},
        {"row(integer, double)", "row(integer, double)", "row(integer, double)", "row(integer,double)",
         "STRUCT(f0 INTEGER, f1 DOUBLE)"},
        {"interval day to second", "interval day to second", "INTERVAL DAY TO SECOND",
         "interval day to second", "BIGINT"},
    };
    Arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const SqlType *type = parse(arena, cases[i].written);
        assert_text(sql_type_name(type, arena), cases[i].name);
        assert_text(sql_type_display(type, arena), cases[i].protocol);
        assert_text(sql_type_signature(type, arena), cases[i].signature);
        assert_text(sql_type_duckdb(type, arena), cases[i].duckdb);
    }
    arena_free(arena);
}

static void bad_types(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "nosuch",      "decimal(39,0)", "decimal(5,6)", "timestamp(13)", "array",
        "map(bigint)", "varchar(-1)",   "bigint(3)",    "array(bigint",  "",
        "char(65537)",
    };
    Arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        const SqlType *type = NULL;
        if (!sql_type_parse(str_from(cases[i]), arena, &type, &err))
            fail_msg("%s was taken", cases[i]);
        assert_true(err.code != ERR_OK);
    }
    arena_free(arena);
}

static void common_types(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *common;
    } cases[] = {
        {"integer", "bigint", "bigint"},
        {"tinyint", "double", "double"},
        {"bigint", "real", "real"},
        {"integer", "decimal(5,2)", "decimal(12,2)"},
        {"decimal(10,2)", "decimal(5,4)", "decimal(12,4)"},
        {"decimal(38,0)", "decimal(38,38)", "decimal(38,38)"},
        {"decimal(5,2)", "double", "double"},
        {"varchar(3)", "varchar(5)", "varchar(5)"},
        {"char(3)", "varchar(2)", "varchar(3)"},
        {"char(2)", "char(4)", "char(4)"},
        {"date", "timestamp(6)", "timestamp(6)"},
        {"timestamp(3)", "timestamp(6) with time zone", "timestamp(6) with time zone"},
        {"array(integer)", "array(bigint)", "array(bigint)"},
        {"row(a integer)", "row(a bigint)", "row(\"a\" bigint)"},
        {"row(a integer)", "row(b bigint)", "row(bigint)"},
        {"varchar(1)", "integer", NULL},
        {"date", "varchar(10)", NULL},
        {"boolean", "integer", NULL},
        {"array(integer)", "bigint", NULL},
        {"row(a integer)", "row(a integer, b integer)", NULL},
    };
    Arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const SqlType *a = parse(arena, cases[i].a), *b = parse(arena, cases[i].b);
        for (int turned = 0; turned < 2; turned++) {
            const SqlType *common = turned ? sql_type_common(b, a, arena) : sql_type_common(a, b, arena);
            if (!cases[i].common)
                assert_null(common);
            else if (!common)
                fail_msg("%s and %s: nothing common", cases[i].a, cases[i].b);
            else
                assert_text(sql_type_name(common, arena), cases[i].common);
        }
    }
    const SqlType *bigint = parse(arena, "bigint");
    assert_true(sql_type_equal(sql_type_common(&TYPE_UNKNOWN_, bigint, arena), bigint));
    assert_true(sql_type_can_coerce(&TYPE_UNKNOWN_, bigint));
    assert_true(sql_type_can_coerce(parse(arena, "decimal(5,2)"), parse(arena, "decimal(6,2)")));
    assert_false(sql_type_can_coerce(parse(arena, "decimal(6,2)"), parse(arena, "decimal(6,3)")));
    assert_false(sql_type_can_coerce(bigint, parse(arena, "integer")));
    arena_free(arena);
}

static void casts(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        bool can;
    } cases[] = {
        {"integer", "date", false},
        {"varchar", "date", true},
        {"date", "time", false},
        {"boolean", "double", true},
        {"json", "array(bigint)", true},
        {"json", "map(array(bigint), bigint)", false},
        {"map(bigint, date)", "json", true},
        {"array(varchar)", "array(integer)", true},
        {"array(integer)", "array(date)", false},
        {"row(integer)", "row(bigint)", true},
        {"row(integer)", "row(bigint, bigint)", false},
        {"varbinary", "varchar", false},
        {"time", "bigint", false},
    };
    Arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (sql_type_can_cast(parse(arena, cases[i].from), parse(arena, cases[i].to)) != cases[i].can)
            fail_msg("%s to %s", cases[i].from, cases[i].to);
    arena_free(arena);
}

static void traits(void **state)
{
    (void)state;
    Arena *arena = arena_new(1 << 20);
    assert_true(sql_type_is_orderable(parse(arena, "array(row(bigint, varchar))")));
    assert_false(sql_type_is_orderable(parse(arena, "array(map(bigint, varchar))")));
    assert_true(sql_type_is_comparable(parse(arena, "map(bigint, json)")));
    assert_false(sql_type_is_orderable(parse(arena, "json")));
    assert_false(sql_type_is_comparable(parse(arena, "array(HyperLogLog)")));
    assert_true(sql_type_is_numeric(parse(arena, "real")));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names), cmocka_unit_test(bad_types), cmocka_unit_test(common_types),
        cmocka_unit_test(casts), cmocka_unit_test(traits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Types, properties, imports and deletion vectors: what the connectors decide without a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/connector/deletion_vector.h"
#include "query/connector/iceberg_types.h"
#include "query/connector/iceberg_write.h"
#include "query/connector/import_types.h"
#include "query/connector/rows.h"
#include "query/connector/sql_text.h"
#include "query/connector/table_properties.h"

static Arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(64 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

#define assert_text(actual, expected) assert_string_equal(arena_cstr(arena, actual), expected)

static const SqlType *type_of(const char *text)
{
    const SqlType *type;
    assert_int_equal(sql_type_parse(str_from(text), arena, &type, NULL), 0);
    return type;
}

static const IceType *ice_type_of(const char *text, int version)
{
    const IceType *type;
    int32_t next_id = 10;
    Error err;
    if (sql_to_ice_type(type_of(text), version, &next_id, arena, &type, &err))
        fail_msg("%s", err.message);
    return type;
}

/* ---- types ---- */

static void types_go_there_and_back(void **state)
{
    static const struct {
        const char *created, *read;
    } cases[] = {
        {"boolean", "boolean"},
        {"smallint", "integer"},
        {"bigint", "bigint"},
        {"decimal(38,10)", "decimal(38,10)"},
        {"varchar(5)", "varchar"},
        {"time(3)", "time(6)"},
        {"timestamp(3)", "timestamp(6)"},
        {"timestamp(9) with time zone", "timestamp(6) with time zone"},
        {"varbinary", "varbinary"},
        {"uuid", "uuid"},
        {"array(row(x integer, y array(date)))", "array(row(\"x\" integer, \"y\" array(date)))"},
        {"map(varchar, row(a real))", "map(varchar, row(\"a\" real))"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const SqlType *back;
        assert_int_equal(ice_to_sql_type(ice_type_of(cases[i].created, 2), arena, &back, NULL), 0);
        assert_text(sql_type_name(back, arena), cases[i].read);
    }
    assert_int_equal(ice_type_of("timestamp(9)", 3)->id, ICE_TIMESTAMP_NS);
}

static void types_that_iceberg_lacks_are_refused(void **state)
{
    static const char *const types[] = {"char(5)", "json", "interval day to second",
                                        "time(3) with time zone"};
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const IceType *type;
        int32_t next_id = 1;
        Error err;
        assert_int_equal(sql_to_ice_type(type_of(types[i]), 2, &next_id, arena, &type, &err), -1);
        assert_int_equal(err.code, ERR_NOT_SUPPORTED);
        assert_non_null(strstr(err.message, "Type not supported for Iceberg: "));
    }
}

static void field_ids_name_every_level(void **state)
{
    (void)state;
    IceField fields[] = {{.id = 1, .name = STR("a\"b"), .type = ice_type_of("bigint", 2)},
                         {.id = 2, .name = STR("r"), .type = ice_type_of("row(x array(integer))", 2)}};
    Buf out = BUF_INIT(4096);
    ice_put_field_ids(&out, fields, 2);
    assert_text(
        buf_str(&out),
        "{\"a\"\"b\": 1, \"r\": {__duckdb_field_id: 2, \"x\": {__duckdb_field_id: 10, \"element\": 11}}}");
    buf_free(&out);
}

static Str read_of(const IceType *type, const ParquetNode *node, bool has_ids)
{
    Buf out = BUF_INIT(1 << 16);
    Error err;
    if (ice_put_read(&out, STR("p"), type, node, has_ids, arena, &err))
        fail_msg("%s", err.message);
    Str text = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

static void a_struct_is_rebuilt_by_field_id(void **state)
{
    (void)state;
    /* The table's row(x, y): the file has y under another name and lacks x. */
    const IceType *type = ice_type_of("row(x integer, y bigint)", 2);
    ParquetNode children[] = {
        {.name = STR("old y"), .field_id = 11, .physical = PARQUET_INT32, .logical = PARQUET_LOGICAL_NONE}};
    ParquetNode node = {
        .name = STR("r"), .field_id = 2, .physical = PARQUET_GROUP, .children = children, .n_children = 1};
    assert_text(read_of(type, &node, true),
                "CASE WHEN p IS NULL THEN NULL ELSE struct_pack(f0 := CAST(NULL AS "
                "INTEGER), f1 := CAST((p).\"old y\" AS BIGINT)) END");
    ParquetNode plain = {.physical = PARQUET_INT64, .logical = PARQUET_LOGICAL_NONE};
    assert_text(read_of(ice_type_of("bigint", 2), &plain, true), "p");
}

/* ---- properties ---- */

static IceSchema schema_of(void)
{
    static IceField fields[3];
    fields[0] = (IceField){.id = 1, .name = STR("id"), .type = ice_type_of("bigint", 2)};
    fields[1] = (IceField){.id = 2, .name = STR("ts"), .type = ice_type_of("timestamp(6)", 2)};
    fields[2] = (IceField){.id = 3, .name = STR("odd name"), .type = ice_type_of("varchar", 2)};
    return (IceSchema){.fields = fields, .n_fields = 3};
}

static void partitioning_is_read_and_written(void **state)
{
    (void)state;
    IceSchema schema = schema_of();
    const Str texts[] = {STR("day(ts)"), STR("BUCKET(id, 16)"), STR("truncate(\"odd name\", 4)"), STR("id")};
    static const char *const names[] = {"ts_day", "id_bucket", "odd name_trunc", "id"};
    static const char *const again[] = {"day(ts)", "bucket(id, 16)", "truncate(\"odd name\", 4)", "id"};
    IcePartitionSpec spec;
    assert_int_equal(partitioning_parse(&schema, texts, 4, 1000, arena, &spec, NULL), 0);
    assert_int_equal(spec.n_fields, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(spec.fields[i].field_id, 1000 + (int)i);
        assert_text(spec.fields[i].name, names[i]);
        assert_text(partitioning_text(&schema, &spec.fields[i], arena), again[i]);
    }
    assert_text(spec.fields[1].transform.text, "bucket[16]");
}

static void bad_partitioning_is_told(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"nosuch", "Unable to parse partitioning value: Cannot find source column: nosuch"},
        {"foo(id)", "Unable to parse partitioning value: Invalid partition field declaration: foo(id)"},
        {"bucket(id)", "Unable to parse partitioning value: Invalid partition field declaration: bucket(id)"},
        {"bucket(id, 0)",
         "Unable to parse partitioning value: Invalid partition field declaration: bucket(id, 0)"},
    };
    (void)state;
    IceSchema schema = schema_of();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        IcePartitionSpec spec;
        Str text = str_from(cases[i].text);
        Error err;
        assert_int_equal(partitioning_parse(&schema, &text, 1, 1000, arena, &spec, &err), -1);
        assert_int_equal(err.code, ERR_INVALID_TABLE_PROPERTY);
        assert_string_equal(err.message, cases[i].message);
    }
}

static void sort_orders_have_trinos_defaults(void **state)
{
    (void)state;
    IceSchema schema = schema_of();
    const Str texts[] = {STR("id"), STR("ts DESC"), STR("\"odd name\" ASC NULLS LAST")};
    static const char *const again[] = {"id ASC NULLS FIRST", "ts DESC NULLS LAST",
                                        "\"odd name\" ASC NULLS LAST"};
    IceSortOrder order;
    assert_int_equal(sorted_by_parse(&schema, texts, 3, arena, &order, NULL), 0);
    for (size_t i = 0; i < 3; i++)
        assert_text(sorted_by_text(&schema, &order.fields[i], arena), again[i]);
}

/* ---- imports ---- */

static void import_types_are_found(void **state)
{
    static const struct {
        const char *duckdb, *sql;
    } cases[] = {
        {"UTINYINT", "integer"},
        {"UBIGINT", "decimal(20,0)"},
        {"DECIMAL(18,3)", "decimal(18,3)"},
        {"TIMESTAMP WITH TIME ZONE", "timestamp(6) with time zone"},
        {"VARCHAR[][]", "array(array(varchar))"},
        {"STRUCT(\"a, b\" INTEGER, c DECIMAL(4,1)[])", "row(\"a__b\" integer, \"c\" array(decimal(4,1)))"},
        {"MAP(VARCHAR, STRUCT(x BIGINT))", "map(varchar, row(\"x\" bigint))"},
        {"ENUM('a', 'b)')", "varchar"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ImportType *type;
        Error err;
        if (import_type_parse(str_from(cases[i].duckdb), arena, &type, &err))
            fail_msg("%s: %s", cases[i].duckdb, err.message);
        assert_text(sql_type_name(type->sql, arena), cases[i].sql);
    }
    ImportType *type;
    Error err;
    assert_int_equal(import_type_parse(STR("GEOMETRY"), arena, &type, &err), -1);
    assert_int_equal(err.code, ERR_NOT_SUPPORTED);
}

static void import_column_names_are_plain(void **state)
{
    (void)state;
    assert_text(import_column_name(STR(" Order Date "), 0, arena), "order_date");
    assert_text(import_column_name(STR("a.b-c"), 0, arena), "a_b_c");
    assert_text(import_column_name(STR(""), 2, arena), "column_3");
    assert_text(import_column_name(STR("이름"), 0, arena), "이름");
}

/* ---- text ---- */

static void paths_are_no_patterns(void **state)
{
    (void)state;
    Buf out = BUF_INIT(256);
    sql_path(&out, STR("/d/a*b[c]'?.parquet"));
    assert_text(buf_str(&out), "'/d/a[*]b[[]c]''[?].parquet'");
    buf_free(&out);
}

static void columns_are_read_from_text(void **state)
{
    size_t n;
    (void)state;
    const TableColumn *c = columns_of(
        arena, "a map(varchar, array(bigint)), end timestamp(3) with time zone, h bigint hidden", &n);
    assert_int_equal(n, 3);
    assert_text(c[1].name, "end");
    assert_text(sql_type_name(c[1].type, arena), "timestamp(3) with time zone");
    assert_text(sql_type_name(c[0].type, arena), "map(varchar, array(bigint))");
    assert_true(c[2].hidden && !c[1].hidden);
}

static void like_gives_a_prefix(void **state)
{
    (void)state;
    Relation relation = {.kind = REL_TABLE};
    Expr column = {.kind = EXPR_COLUMN, .column = {.ref = {&relation, 1, 0}}};
    Expr pattern = {.kind = EXPR_STRING, .text = STR("a\\_b_c%")},
         escape = {.kind = EXPR_STRING, .text = STR("\\")};
    Expr like = {.kind = EXPR_LIKE, .like = {.value = &column, .pattern = &pattern, .escape = &escape}};
    Expr *conjuncts[] = {&like};
    relation.conjuncts = conjuncts;
    relation.n_conjuncts = 1;
    TextFilter filter = text_filter(&relation, 1, arena);
    assert_text(filter.prefix, "a_b");
    assert_true(text_filter_allows(&filter, STR("a_bXc")));
    assert_false(text_filter_allows(&filter, STR("aXb")));
    filter = text_filter(&relation, 0, arena);
    assert_true(text_filter_allows(&filter, STR("anything")));
}

/* ---- deletion vectors ---- */

typedef Vec(uint64_t) Positions;

static int take_position(void *arg, uint64_t position, Error *err)
{
    (void)err;
    *vec_push(arena, (Positions *)arg) = position;
    return 0;
}

/* One 32-bit bitmap with an array container {1, 5} and a run container 65536+[10..12]. */
static const uint8_t vector_bytes[] = {
    0, 0, 0, 44, 0xd1, 0xd3, 0x39, 0x64, 1, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0x3b, 0x30, 1, 0, 2, 0,
    0, 1, 0, 1,  0,    2,    0,    1,    0, 5, 0, 1, 0, 10, 0, 2, 0, 0, 0, 0, 0,    0,    0, 0, 0, 0,
};

static void deletion_vectors_are_decoded(void **state)
{
    static const uint64_t expected[] = {1, 5, 65546, 65547, 65548};
    Positions positions = {0};
    Error err;
    (void)state;
    Str blob = str_of((const char *)vector_bytes, sizeof vector_bytes);
    if (deletion_vector_read(blob, STR("t"), take_position, &positions, &err))
        fail_msg("%s", err.message);
    assert_int_equal(positions.n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(positions.items[i], expected[i]);
}

static void broken_deletion_vectors_are_refused(void **state)
{
    Positions positions = {0};
    (void)state;
    for (size_t n = 0; n < sizeof vector_bytes; n++) {
        Error err;
        Str cut = arena_str(arena, str_of((const char *)vector_bytes, n));
        assert_int_equal(deletion_vector_read(cut, STR("t"), take_position, &positions, &err), -1);
        assert_int_equal(err.code, ERR_ICEBERG_BAD_DATA);
    }
    for (size_t i = 0; i < sizeof vector_bytes; i++)
        for (int flip = 1; flip < 256; flip <<= 1) {
            Str copy = arena_str(arena, str_of((const char *)vector_bytes, sizeof vector_bytes));
            ((uint8_t *)copy.ptr)[i] ^= (uint8_t)flip;
            positions.n = 0;
            deletion_vector_read(copy, STR("t"), take_position, &positions,
                                 NULL); /* must only not read past the end */
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_go_there_and_back),
        cmocka_unit_test(types_that_iceberg_lacks_are_refused),
        cmocka_unit_test(field_ids_name_every_level),
        cmocka_unit_test(a_struct_is_rebuilt_by_field_id),
        cmocka_unit_test(partitioning_is_read_and_written),
        cmocka_unit_test(bad_partitioning_is_told),
        cmocka_unit_test(sort_orders_have_trinos_defaults),
        cmocka_unit_test(import_types_are_found),
        cmocka_unit_test(import_column_names_are_plain),
        cmocka_unit_test(paths_are_no_patterns),
        cmocka_unit_test(columns_are_read_from_text),
        cmocka_unit_test(like_gives_a_prefix),
        cmocka_unit_test(deletion_vectors_are_decoded),
        cmocka_unit_test(broken_deletion_vectors_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* parquet_footer_test.c - format/parquet_footer.h, and the metrics that iceberg/data_file.h makes of a
 * footer. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format_samples.h"
#include "iceberg/data_file.h"

static Arena *arena;

static int make_arena(void **state)
{
    arena = arena_new(64 << 20);
    return 0;
}

static int drop_arena(void **state)
{
    arena_free(arena);
    return 0;
}

static Str sample(const char *base64)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);

    assert_int_equal(base64_decode(str_from(base64), false, &out, NULL), 0);
    return arena_str(arena, buf_str(&out));
}

static const ParquetFooter *parse(Str tail, int64_t size)
{
    const ParquetFooter *footer;
    Error err;

    if (parquet_footer_parse(tail, size, STR("sample"), arena, &footer, &err) < 0)
        fail_msg("%s", err.message);
    return footer;
}

static void duckdb_schema(void **state)
{
    Str tail = sample(parquet_duckdb);
    const ParquetFooter *f = parse(tail, PARQUET_DUCKDB_BYTES);
    int64_t length;

    assert_int_equal(parquet_footer_length(tail, PARQUET_DUCKDB_BYTES, &length, NULL), 0);
    assert_int_equal(length, tail.len);
    assert_int_equal(f->n_rows, 4096);
    assert_int_equal(f->n_row_groups, 2);
    assert_int_equal(f->n_columns, 16);
    assert_true(f->has_field_ids);
    assert_true(str_has_prefix(f->created_by, STR("DuckDB version v1.5.5")));
    const ParquetNode *n = parquet_find_field(f->root, 4);
    assert_true(str_is(n->name, "dec"));
    assert_int_equal(n->logical, PARQUET_DECIMAL);
    assert_int_equal(n->precision, 9);
    assert_int_equal(n->scale, 2);
    n = parquet_find_field(f->root, 7);
    assert_int_equal(n->logical, PARQUET_TIMESTAMP);
    assert_int_equal(n->unit, PARQUET_MICROS);
    assert_true(n->adjusted_to_utc);
    n = parquet_find_field(f->root, 11);
    assert_int_equal(n->physical, PARQUET_GROUP);
    assert_int_equal(n->n_children, 2);
    assert_true(str_is(n->children[1].name, "y"));
    assert_int_equal(n->children[1].field_id, 13);
    n = parquet_find_field(f->root, 15);
    assert_true(n->in_list);
    assert_false(parquet_find_field(f->root, 12)->in_list);
    assert_null(parquet_find_field(f->root, 99));
    assert_ptr_equal(f->leaves[n->column], n);
    assert_int_equal(f->row_groups[0].file_offset, 4);
    assert_true(f->row_groups[1].file_offset > 4);
}

/* Fields with single quotes, for the eye. */
static IceSchema *schema_of(const char *fields)
{
    const Json *json;
    IceSchema *schema;
    Error err;

    Str text = arena_printf(arena, "{'type':'struct','schema-id':0,'fields':[%s]}", fields);
    for (char *p = (char *)text.ptr; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    assert_int_equal(json_parse(text, arena, &json, NULL), 0);
    if (ice_schema_parse(json, arena, &schema, &err) < 0)
        fail_msg("%s", err.message);
    return schema;
}

static IceSchema *duckdb_table(void)
{
    return schema_of("{'id':1,'name':'i','required':false,'type':'long'},"
                     "{'id':2,'name':'d','required':false,'type':'double'},"
                     "{'id':3,'name':'f','required':false,'type':'float'},"
                     "{'id':4,'name':'dec','required':false,'type':'decimal(9,2)'},"
                     "{'id':5,'name':'big','required':false,'type':'decimal(20,3)'},"
                     "{'id':6,'name':'dt','required':false,'type':'date'},"
                     "{'id':7,'name':'tz','required':false,'type':'timestamptz'},"
                     "{'id':8,'name':'s','required':false,'type':'string'},"
                     "{'id':9,'name':'late','required':false,'type':'long'},"
                     "{'id':10,'name':'nulls','required':false,'type':'int'},"
                     "{'id':11,'name':'st','required':false,'type':{'type':'struct','fields':["
                     "{'id':12,'name':'x','required':false,'type':'long'},"
                     "{'id':13,'name':'y','required':false,'type':'string'}]}},"
                     "{'id':14,'name':'li','required':false,'type':{'type':'list','element-id':15,"
                     "'element':'long','element-required':false}},"
                     "{'id':16,'name':'zero','required':false,'type':'double'},"
                     "{'id':17,'name':'b','required':false,'type':'boolean'},"
                     "{'id':18,'name':'bl','required':false,'type':'binary'}");
}

static const IceColumnMetrics *column(const IceDataFile *file, int32_t id)
{
    const IceColumnMetrics *c = ice_file_column(file, id);

    assert_non_null(c);
    return c;
}

static void assert_bound(const IceSchema *schema, int32_t id, Str bytes, const char *expected)
{
    IceValue value;

    if (!expected) {
        assert_null(bytes.ptr);
        return;
    }
    assert_non_null(bytes.ptr);
    assert_int_equal(ice_value_from_bytes(ice_schema_find(schema, id)->type, bytes, &value, NULL), 0);
    assert_string_equal(arena_cstr(arena, ice_value_text(&value, arena)), expected);
}

static void duckdb_metrics(void **state)
{
    static const struct {
        int32_t id;
        int64_t values, nulls, nans;
        const char *lower, *upper;
    } expected[] = {
        { 1, 4096, 0, -1, "0", "4095" },
        { 2, 4096, 0, -1, NULL, NULL }, /* a NaN: DuckDB leaves the bounds of its row group out */
        { 3, 4096, 0, 0, "-0.0", "4095.0" },
        { 4, 4096, 0, -1, "0.00", "1023.75" },
        { 5, 4096, 0, -1, "0.000", "1023.750" },
        { 6, 4096, 0, -1, "2024-01-01", "2024-01-10" },
        { 7, 4096, 0, -1, "2024-01-01T00:00Z", "2024-01-01T01:08:15Z" },
        { 8, 4096, 0, -1, "row number 0 wit", "row number 999 x" },
        { 9, 4096, 2048, -1, "2048", "4095" },
        { 10, 4096, 4096, -1, NULL, NULL },
        { 12, 4096, 0, -1, "0", "4095" },
        { 13, 4096, 0, -1, "0", "999" },
        { 15, 4096, 0, -1, NULL, NULL }, /* inside of a list */
        { 16, 4096, 0, 0, "-0.0", "0.0" },
        { 17, 4096, 0, -1, "false", "true" },
        { 18, 4096, 0, -1, "//8=", "//8=" },
    };
    IceSchema *schema = duckdb_table();
    IceDataFile file = ICE_DATA_FILE_INIT;
    Error err;

    if (ice_data_file_from_parquet(parse(sample(parquet_duckdb), PARQUET_DUCKDB_BYTES),
                                   PARQUET_DUCKDB_BYTES, schema, NULL, arena, &file, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(file.record_count, 4096);
    assert_int_equal(file.size_bytes, PARQUET_DUCKDB_BYTES);
    assert_int_equal(file.n_split_offsets, 2);
    assert_int_equal(file.split_offsets[0], 4);
    assert_int_equal(file.n_columns, 16);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const IceColumnMetrics *c = column(&file, expected[i].id);
        assert_int_equal(c->value_count, expected[i].values);
        assert_int_equal(c->null_count, expected[i].nulls);
        assert_int_equal(c->nan_count, expected[i].nans);
        assert_true(c->size_bytes > 0);
        assert_bound(schema, expected[i].id, c->lower, expected[i].lower);
        assert_bound(schema, expected[i].id, c->upper, expected[i].upper);
    }
}

static void modes(void **state)
{
    IceSchema *schema = duckdb_table();
    const ParquetFooter *footer = parse(sample(parquet_duckdb), PARQUET_DUCKDB_BYTES);
    const IceProperty properties[] = {
        { STR("write.metadata.metrics.column.i"), STR("none") },
        { STR("write.metadata.metrics.column.dec"), STR("counts") },
        { STR("write.metadata.metrics.column.s"), STR("full") },
        { STR("write.metadata.metrics.column.st.y"), STR("truncate(2)") },
        { STR("write.metadata.metrics.max-inferred-column-defaults"), STR("7") },
    };
    IceMetricsConfig config = { properties, 5 };
    IceDataFile file = ICE_DATA_FILE_INIT;

    assert_int_equal(ice_data_file_from_parquet(footer, 1, schema, &config, arena, &file, NULL), 0);
    assert_int_equal(column(&file, 1)->value_count, -1);
    assert_true(column(&file, 1)->size_bytes > 0);
    assert_int_equal(column(&file, 4)->value_count, 4096);
    assert_null(column(&file, 4)->lower.ptr);
    assert_true(str_has_suffix(column(&file, 8)->upper, STR("with a long tail")));
    assert_true(str_is(column(&file, 13)->upper, "9:"));
    assert_non_null(column(&file, 7)->lower.ptr); /* the seventh leaf */
    assert_int_equal(column(&file, 9)->value_count, -1);
}

static void arrow_file(void **state)
{
    const ParquetFooter *footer = parse(sample(parquet_arrow), PARQUET_ARROW_BYTES);
    IceSchema *schema = schema_of("{'id':1,'name':'a','required':false,'type':'long'},"
                                  "{'id':2,'name':'t','required':false,'type':'timestamp'},"
                                  "{'id':3,'name':'u','required':false,'type':'uuid'},"
                                  "{'id':4,'name':'x','required':false,'type':'double'}");
    IceDataFile file = ICE_DATA_FILE_INIT;

    assert_int_equal(
        ice_data_file_from_parquet(footer, PARQUET_ARROW_BYTES, schema, NULL, arena, &file, NULL), 0);
    assert_int_equal(column(&file, 1)->null_count, 1);
    assert_bound(schema, 2, column(&file, 2)->lower,
                 "1970-01-01T00:00:00.001"); /* stored in milliseconds */
    assert_bound(schema, 2, column(&file, 2)->upper, "1970-01-01T00:00:00.003");
    assert_bound(schema, 3, column(&file, 3)->upper, "ffffffff-ffff-ffff-ffff-ffffffffffff");
    assert_bound(schema, 4, column(&file, 4)->upper, "1.5");
    assert_int_equal(column(&file, 4)->nan_count,
                     -1); /* others leave NaN out of the bounds without saying so */
}

static void contradictions(void **state)
{
    const ParquetFooter *footer = parse(sample(parquet_arrow), PARQUET_ARROW_BYTES);
    IceSchema *text = schema_of("{'id':1,'name':'a','required':false,'type':'string'}");
    IceSchema *nested =
        schema_of("{'id':1,'name':'a','required':false,'type':{'type':'struct','fields':[]}}");
    IceDataFile file = ICE_DATA_FILE_INIT;
    Error err;

    assert_int_equal(ice_data_file_from_parquet(footer, 1, text, NULL, arena, &file, &err), -1);
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_string_equal(err.message, "statistics of Parquet column \"a\" do not fit its type in the table");
    assert_int_equal(ice_data_file_from_parquet(footer, 1, nested, NULL, arena, &file, &err), -1);
    assert_int_equal(err.code, ERR_CORRUPT);
}

static void truncation(void **state)
{
    const IceType text = { .id = ICE_STRING }, bytes = { .id = ICE_BINARY };

    assert_true(str_is(ice_bound_truncate_lower(&text, STR("\xED\x95\x9C\xEA\xB8\x80!"), 2, arena),
                       "\xED\x95\x9C\xEA\xB8\x80"));
    assert_true(str_is(ice_bound_truncate_upper(&text, STR("abc"), 3, arena), "abc"));
    assert_true(str_is(ice_bound_truncate_upper(&text, STR("abcd"), 3, arena), "abd"));
    assert_true(str_is(ice_bound_truncate_upper(&text, STR("a\x7Fz"), 2, arena), "a\xC2\x80"));
    assert_true(str_is(ice_bound_truncate_upper(&text, STR("a\xED\x9F\xBFz"), 2, arena),
                       "a\xEE\x80\x80")); /* over surrogates */
    assert_true(str_is(ice_bound_truncate_upper(&text, STR("a\xF4\x8F\xBF\xBFz"), 2, arena), "b"));
    assert_null(ice_bound_truncate_upper(&text, STR("\xF4\x8F\xBF\xBFz"), 1, arena).ptr);
    assert_null(
        ice_bound_truncate_upper(&text, STR("ab\xED\x95"), 16, arena).ptr); /* cut inside of a character */
    assert_true(str_is(ice_bound_truncate_lower(&text, STR("ab\xED\x95"), 16, arena), "ab"));
    assert_true(str_is(ice_bound_truncate_upper(&bytes, STR("a\xFF\xFFz"), 3, arena), "b"));
    assert_null(ice_bound_truncate_upper(&bytes, STR("\xFF\xFFz"), 2, arena).ptr);
}

static void damaged_footers(void **state)
{
    Str tail = sample(parquet_duckdb);
    Error err;

    for (size_t at = 0; at < tail.len; at++) {
        for (int bit = 0; bit < 3; bit++) {
            _cleanup_arena_ Arena *own = arena_new(8 << 20);
            const ParquetFooter *footer;
            char *broken = malloc(tail.len);
            memcpy(broken, tail.ptr, tail.len);
            broken[at] = (char)(broken[at] ^ (bit == 0 ? 0x01 : bit == 1 ? 0x80 : 0xFF));
            if (parquet_footer_parse(str_of(broken, tail.len), (int64_t)tail.len + 4, STR("damaged"), own,
                                     &footer, &err) < 0)
                assert_true(err.code == ERR_CORRUPT || err.code == ERR_LIMIT ||
                            err.code == ERR_NOT_SUPPORTED);
            free(broken);
        }
    }
    int64_t length;
    assert_int_equal(parquet_footer_length(STR("tooshrt"), 100, &length, &err), -1);
    assert_int_equal(parquet_footer_length(STR("\x08\0\0\0PAR2"), 100, &length, &err), -1);
    assert_int_equal(parquet_footer_length(STR("\x08\0\0\0PARE"), 100, &length, &err), -1);
    assert_int_equal(err.code, ERR_NOT_SUPPORTED);
    assert_int_equal(parquet_footer_length(STR("\xFF\0\0\0PAR1"), 100, &length, &err), -1);
    assert_int_equal(parquet_footer_length(STR("\x58\0\0\0PAR1"), 100, &length, &err), 0);
    assert_int_equal(length, 96);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duckdb_schema),   cmocka_unit_test(duckdb_metrics), cmocka_unit_test(modes),
        cmocka_unit_test(arrow_file),      cmocka_unit_test(contradictions), cmocka_unit_test(truncation),
        cmocka_unit_test(damaged_footers),
    };
    return cmocka_run_group_tests_name("parquet_footer", tests, make_arena, drop_arena);
}

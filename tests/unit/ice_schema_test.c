/* ice_schema_test.c - iceberg/schema.h */
#include "ice_testing.h"

static const IceSchema *schema(const char *text)
{
    IceSchema *s = NULL;
    Error err;

    if (ice_schema_parse(json(text), arena, &s, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return s;
}

static void schema_refused(const char *text, const char *message)
{
    IceSchema *s = NULL;
    Error err = {0};

    assert_int_equal(ice_schema_parse(json(text), arena, &s, &err), -1);
    assert_string_equal(err.message, message);
    assert_int_equal(err.code, ERR_BAD_REQUEST);
}

static void schema_round_trip(const char *text)
{
    Buf out = BUF_INIT(1 << 16);
    JsonWriter w = JSON_WRITER(&out);

    ice_schema_write(&w, schema(text));
    assert_string_equal(buf_str(&out).ptr, quoted(text).ptr);
    buf_free(&out);
}

static const char nested[] =
    "{'type':'struct','schema-id':3,'identifier-field-ids':[1],'fields':["
    "{'id':1,'name':'id','required':true,'type':'long','doc':'the key'},"
    "{'id':2,'name':'point','required':false,'type':{'type':'struct','fields':["
    "{'id':3,'name':'x','required':true,'type':'double'},{'id':4,'name':'y.z','required':false,'type':'"
    "double'}]}},"
    "{'id':5,'name':'tags','required':false,'type':{'type':'list','element-id':6,'element':'string','element-"
    "required':true}},"
    "{'id':7,'name':'m','required':false,'type':{'type':'map','key-id':8,'key':'string','value-id':9,"
    "'value':{'type':'list','element-id':10,'element':'decimal(10, "
    "2)','element-required':false},'value-required':false}}]}";

static void round_trips(void **state)
{
    schema_round_trip(nested);
    schema_round_trip("{'type':'struct','schema-id':0,'fields':[]}");
    schema_round_trip(
        "{'type':'struct','schema-id':0,'fields':["
        "{'id':1,'name':'a','required':false,'type':'int','initial-default':5,'write-default':6},"
        "{'id':2,'name':'f','required':false,'type':'fixed[16]'},"
        "{'id':3,'name':'g','required':false,'type':'geography(srid:4326, karney)'},"
        "{'id':4,'name':'n','required':false,'type':'timestamptz_ns'}]}");
}

static void types(void **state)
{
    static const struct {
        const char *text, *name;
        IceTypeId id;
    } cases[] = {
        {"'boolean'", "boolean", ICE_BOOLEAN},
        {"'decimal(38,10)'", "decimal(38, 10)", ICE_DECIMAL},
        {"'decimal( 9 , 0 )'", "decimal(9, 0)", ICE_DECIMAL},
        {"'fixed[3]'", "fixed[3]", ICE_FIXED},
        {"'timestamp_ns'", "timestamp_ns", ICE_TIMESTAMP_NS},
        {"'variant'", "variant", ICE_VARIANT},
        {"'geometry'", "geometry", ICE_GEOMETRY},
        {"'unknown'", "unknown", ICE_UNKNOWN},
        {"'STRING'", "string", ICE_STRING},
        {"{'type':'list','element-id':1,'element':'int','element-required':true}", "list<int>", ICE_LIST},
        {"{'type':'struct','fields':[{'id':1,'name':'a','required':true,'type':'uuid'}]}",
         "struct<1: a: required uuid>", ICE_STRUCT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const IceType *type;
        Error err;
        assert_int_equal(ice_type_parse(json(cases[i].text), arena, &type, &err), 0);
        assert_int_equal(type->id, cases[i].id);
        assert_string_equal(ice_type_name(type, arena).ptr, cases[i].name);
    }
}

static void bad_types(void **state)
{
    static const char *const cases[] = {"'decimal(39,2)'",
                                        "'decimal(5,6)'",
                                        "'decimal(5)'",
                                        "'fixed[-1]'",
                                        "'fixed[]'",
                                        "'text'",
                                        "''",
                                        "7",
                                        "{'type':'array'}",
                                        "{'type':'list','element':'int','element-required':true}",
                                        "{'type':'map','key-id':1,'key':'int','value-id':2,'value':'int'}",
                                        "'geometry(x'"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const IceType *type;
        Error err = {0};
        assert_int_equal(ice_type_parse(json(cases[i]), arena, &type, &err), -1);
        assert_int_equal(err.code, ERR_BAD_REQUEST);
    }
}

static void bad_schemas(void **state)
{
    schema_refused("{'type':'struct','fields':[{'id':1,'name':'a','required':true,'type':'int'},"
                   "{'id':1,'name':'b','required':true,'type':'int'}]}",
                   "Invalid schema: field id 1 is used twice");
    schema_refused("{'type':'struct','fields':[{'id':1,'name':'a','required':true,'type':'int'},"
                   "{'id':2,'name':'a','required':true,'type':'int'}]}",
                   "Invalid schema: multiple fields for name a");
    schema_refused("{'type':'struct','fields':[{'id':2147483546,'name':'a','required':true,'type':'int'}]}",
                   "Invalid schema: field id 2147483546 of a is reserved");
    schema_refused("{'type':'struct','fields':[{'id':1,'name':'a','type':'int'}]}",
                   "Cannot parse field a: \"required\" must be true or false");
    schema_refused("{'type':'struct','identifier-field-ids':[1],'fields':[{'id':1,'name':'a','required':"
                   "false,'type':'int'}]}",
                   "Cannot add field a as an identifier field: not a required field");
    schema_refused("{'type':'struct','identifier-field-ids':[1],'fields':[{'id':1,'name':'a','required':true,"
                   "'type':'float'}]}",
                   "Cannot add field a as an identifier field: must not be float or double field");
    schema_refused("{'type':'struct','identifier-field-ids':[9],'fields':[]}",
                   "Cannot add fieldId 9 as an identifier field: field does not exist");
}

/* A schema must stay writable inside a document of LIMIT_JSON_DEPTH. */
static void deep_schema(void **state)
{
    Buf text = BUF_INIT(1 << 16);
    IceSchema *s;
    Error err = {0};

    buf_puts(&text, "{'type':'struct','fields':[{'id':1,'name':'a','required':true,'type':");
    for (int i = 0; i < 50; i++)
        buf_printf(&text, "{'type':'list','element-id':%d,'element-required':true,'element':", i + 2);
    buf_puts(&text, "'int'");
    for (int i = 0; i < 50; i++)
        buf_putc(&text, '}');
    buf_puts(&text, "}]}");
    assert_int_equal(ice_schema_parse(json(buf_str(&text).ptr), arena, &s, &err), -1);
    assert_int_equal(err.code, ERR_BAD_REQUEST);
    buf_free(&text);
}

static void lookups(void **state)
{
    const IceSchema *s = schema(nested);

    assert_int_equal(ice_schema_find(s, 10)->id, 10);
    assert_null(ice_schema_find(s, 11));
    assert_int_equal(ice_schema_find_name(s, STR("point.x"), true)->id, 3);
    assert_int_equal(ice_schema_find_name(s, STR("point.y.z"), true)->id, 4);
    assert_int_equal(ice_schema_find_name(s, STR("tags.element"), true)->id, 6);
    assert_int_equal(ice_schema_find_name(s, STR("m.value.element"), true)->id, 10);
    assert_null(ice_schema_find_name(s, STR("POINT.X"), true));
    assert_int_equal(ice_schema_find_name(s, STR("POINT.X"), false)->id, 3);
    assert_null(ice_schema_find_name(s, STR("point."), true));
    assert_int_equal(ice_schema_max_id(s), 10);
}

static void fresh_ids(void **state)
{
    const IceSchema *s = schema(
        "{'type':'struct','schema-id':9,'identifier-field-ids':[50],'fields':["
        "{'id':10,'name':'l','required':true,'type':{'type':'list','element-id':30,'element-required':true,"
        "'element':{'type':'struct','fields':[{'id':31,'name':'in','required':true,'type':'int'}]}}},"
        "{'id':50,'name':'k','required':true,'type':'int'}]}");
    int32_t last;
    const IceSchema *f = ice_schema_assign_fresh_ids(s, arena, &last);

    assert_int_equal(f->schema_id, 0);
    assert_int_equal(f->fields[0].id, 1); /* one level first, then what is inside */
    assert_int_equal(f->fields[1].id, 2);
    assert_int_equal(f->fields[0].type->fields[0].id, 3);
    assert_int_equal(f->fields[0].type->fields[0].type->fields[0].id, 4);
    assert_int_equal(f->identifier_field_ids[0], 2);
    assert_int_equal(last, 4);
    assert_int_equal(s->fields[0].id, 10);
}

static const IceType *type_of(const char *text)
{
    const IceType *type;
    Error err;

    assert_int_equal(ice_type_parse(json(text), arena, &type, &err), 0);
    return type;
}

static void promotions(void **state)
{
    static const struct {
        const char *from, *to;
        int version;
        bool ok;
    } cases[] = {
        {"'int'", "'long'", 2, true},
        {"'long'", "'int'", 3, false},
        {"'float'", "'double'", 2, true},
        {"'decimal(5,2)'", "'decimal(9,2)'", 2, true},
        {"'decimal(9,2)'", "'decimal(5,2)'", 2, false},
        {"'decimal(5,2)'", "'decimal(9,3)'", 2, false},
        {"'date'", "'timestamp'", 2, false},
        {"'date'", "'timestamp'", 3, true},
        {"'date'", "'timestamptz'", 3, false},
        {"'unknown'", "'string'", 3, true},
        {"'string'", "'binary'", 3, false},
        {"'int'", "'int'", 1, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(ice_type_can_promote(type_of(cases[i].from), type_of(cases[i].to), cases[i].version),
                         cases[i].ok);
}

static void transforms(void **state)
{
    static const struct {
        const char *text;
        IceTransformKind kind;
        int32_t param;
    } cases[] = {
        {"identity", ICE_TRANSFORM_IDENTITY, 0},
        {"bucket[16]", ICE_TRANSFORM_BUCKET, 16},
        {"truncate[4]", ICE_TRANSFORM_TRUNCATE, 4},
        {"year", ICE_TRANSFORM_YEAR, 0},
        {"month", ICE_TRANSFORM_MONTH, 0},
        {"day", ICE_TRANSFORM_DAY, 0},
        {"hour", ICE_TRANSFORM_HOUR, 0},
        {"void", ICE_TRANSFORM_VOID, 0},
        {"zorder[x]", ICE_TRANSFORM_UNKNOWN, 0},
        {"bucket[]", ICE_TRANSFORM_UNKNOWN, 0},
    };
    IceTransform t;
    Error err;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ice_transform_parse(str_from(cases[i].text), arena, &t, &err), 0);
        assert_int_equal(t.kind, cases[i].kind);
        assert_int_equal(t.param, cases[i].param);
        assert_true(str_is(ice_transform_text(&t, arena), cases[i].text));
    }
    assert_int_equal(ice_transform_parse(STR("bucket[0]"), arena, &t, &err), -1);
    assert_int_equal(ice_transform_parse(STR("truncate[0]"), arena, &t, &err), -1);
}

static void specs_and_orders(void **state)
{
    static const char spec_text[] =
        "{'spec-id':2,'fields':[{'name':'d','transform':'day','source-id':4,'field-id':1001},"
        "{'name':'p','transform':'bucket[4]','source-ids':[1,2],'field-id':1002}]}";
    static const char order_text[] =
        "{'order-id':1,'fields':[{'transform':'identity','source-id':4,'direction':'desc',"
        "'null-order':'nulls-last'}]}";
    Buf out = BUF_INIT(1 << 16);
    JsonWriter w = JSON_WRITER(&out);
    IcePartitionSpec *spec;
    IceSortOrder *order;
    Error err;

    assert_int_equal(ice_spec_parse(json(spec_text), arena, &spec, &err), 0);
    ice_spec_write(&w, spec);
    assert_string_equal(buf_str(&out).ptr, quoted(spec_text).ptr);
    buf_clear(&out);
    w = JSON_WRITER(&out);
    assert_int_equal(ice_sort_order_parse(json(order_text), arena, &order, &err), 0);
    ice_sort_order_write(&w, order);
    assert_string_equal(buf_str(&out).ptr, quoted(order_text).ptr);
    buf_free(&out);
    assert_int_equal(
        ice_sort_order_parse(
            json("{'order-id':1,'fields':[{'transform':'identity','source-id':4,'direction':'up',"
                 "'null-order':'nulls-last'}]}"),
            arena, &order, &err),
        -1);
    assert_int_equal(ice_spec_parse(json("{'spec-id':0}"), arena, &spec, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),      cmocka_unit_test(types),       cmocka_unit_test(bad_types),
        cmocka_unit_test(bad_schemas),      cmocka_unit_test(deep_schema), cmocka_unit_test(lookups),
        cmocka_unit_test(fresh_ids),        cmocka_unit_test(promotions),  cmocka_unit_test(transforms),
        cmocka_unit_test(specs_and_orders),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}

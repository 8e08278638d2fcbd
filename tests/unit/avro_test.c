/* avro_test.c - format/avro.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format/avro.h"
#include "format_samples.h"

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

/* --- files of fastavro --- */

static void check_row(AvroReader *r, const AvroSchema *schema, int64_t i)
{
    AvroItems items = { 0 };
    int64_t n = 0;

    assert_int_equal(avro_get_long(r), i);
    const AvroSchema *branch = avro_get_branch(r, schema->fields[1].type);
    assert_int_equal(branch->type, i == 1 ? AVRO_NULL : AVRO_STRING);
    if (i != 1)
        assert_true(str_eq(avro_get_bytes(r), arena_printf(arena, "text%d", (int)i)));
    branch = avro_get_branch(r, schema->fields[2].type);
    assert_int_equal(branch->type, AVRO_FIXED);
    assert_true(str_is(avro_get_fixed(r, branch->size), "abcd"));
    for (size_t f = 3; f < 6; f++)
        avro_skip(r, schema->fields[f].type);
    for (; avro_next_item(r, &items); n++)
        assert_true(avro_get_double(r) == 0.5);
    assert_int_equal(n, i);
    assert_null(r->failed);
}

static void check_file(Str bytes, const char *codec)
{
    AvroFile *file;
    AvroReader r;
    Error err;
    int64_t n;

    if (avro_open(bytes, STR("sample"), arena, &file, &err) < 0)
        fail_msg("%s", err.message);
    const AvroSchema *schema = avro_schema(file);
    assert_int_equal(schema->type, AVRO_RECORD);
    assert_true(str_is(schema->name, "row"));
    assert_int_equal(schema->n, 7);
    assert_int_equal(schema->fields[0].field_id, 7);
    assert_int_equal(schema->fields[3].field_id, -1);
    assert_int_equal(schema->fields[6].type->element_id, 11);
    assert_true(str_is(avro_metadata(file, STR("content")), "data"));
    assert_true(str_is(avro_metadata(file, STR("avro.codec")), codec));
    assert_null(avro_metadata(file, STR("none")).ptr);
    bool nullable;
    assert_int_equal(avro_nullable(schema->fields[1].type, &nullable)->type, AVRO_STRING);
    assert_true(nullable);
    assert_int_equal(avro_nullable(schema->fields[5].type, &nullable)->size, 4); /* a named reference */
    assert_int_equal(avro_next_block(file, &r, &n, &err), 0);
    assert_int_equal(n, 3);
    for (int64_t i = 0; i < n; i++)
        check_row(&r, schema, i);
    assert_ptr_equal(r.p, r.end);
    assert_int_equal(avro_next_block(file, &r, &n, &err), 0);
    assert_int_equal(n, 0);
    avro_close(file);
}

static void foreign_files(void **state)
{
    check_file(sample(avro_null), "null");
    check_file(sample(avro_deflate), "deflate");
    check_file(sample(avro_snappy), "snappy");
    check_file(sample(avro_zstandard), "zstandard");
}

/* Reads all of a file; -1 on any fault. */
static int read_all(Str bytes, Error *err)
{
    _cleanup_arena_ Arena *own = arena_new(8 << 20);
    AvroFile *file;
    AvroReader r;
    int64_t n = 1;
    int result = 0;

    if (avro_open(bytes, STR("damaged"), own, &file, err) < 0)
        return -1;
    while (result == 0 && n > 0) {
        result = avro_next_block(file, &r, &n, err);
        for (int64_t i = 0; result == 0 && i < n; i++) {
            avro_skip(&r, avro_schema(file));
            if (r.failed)
                result = avro_corrupt(file, &r, err);
        }
    }
    avro_close(file);
    return result;
}

static void damaged_files(void **state)
{
    const char *const samples[] = { avro_null, avro_deflate, avro_snappy, avro_zstandard };
    Error err;

    for (size_t s = 0; s < 4; s++) {
        Str bytes = sample(samples[s]);
        size_t header_end = (size_t)str_find(bytes, STR("0123456789abcdef")) + 16;
        for (size_t cut = 0; cut < bytes.len; cut++) {
            Str copy = arena_str(arena, str_slice(bytes, 0, cut)); /* exact, for the address sanitizer */
            char *exact = malloc(cut + 1);
            memcpy(exact, copy.ptr, cut);
            int result = read_all(str_of(exact, cut), &err);
            free(exact);
            assert_int_equal(result, cut == header_end ? 0 : -1);
        }
        for (size_t at = 0; at < bytes.len; at++) {
            char *broken = arena_cstr(arena, bytes);
            broken[at] = (char)(broken[at] ^ 0x41);
            if (read_all(str_of(broken, bytes.len), &err) < 0)
                assert_true(err.code == ERR_CORRUPT || err.code == ERR_NOT_SUPPORTED ||
                            err.code == ERR_LIMIT);
        }
    }
}

static void refusals(void **state)
{
    Error err;

    assert_int_equal(read_all(STR(""), &err), -1);
    assert_string_equal(err.message, "Avro file damaged: no Avro file at byte 0");
    Str bytes = sample(avro_null);
    char *broken = arena_cstr(arena, bytes);
    broken[bytes.len - 1] = 'X';
    assert_int_equal(read_all(str_of(broken, bytes.len), &err), -1);
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_non_null(strstr(err.message, "no sync marker after the block"));
}

/* --- our files --- */

static void round_trip(AvroCodec codec)
{
    static const uint8_t sync[16] = "sixteen bytes ok";
    const AvroPair pairs[] = { { STR("content"), STR("data") }, { STR("schema"), STR("{\"a\":1}") } };
    const Str schema = STR(
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":\"long\",\"field-id\":1},"
        "{\"name\":\"b\",\"type\":\"bytes\",\"field-id\":2},{\"name\":\"c\",\"type\":\"double\"},"
        "{\"name\":\"d\",\"type\":\"float\"},{\"name\":\"e\",\"type\":\"boolean\"}]}");
    enum { N = 10000 };
    _cleanup_buf_ Buf out = BUF_INIT(16 << 20);
    AvroFile *file;
    AvroReader r;
    Error err;
    int64_t n, seen = 0, blocks = 0;

    AvroWriter *w = avro_writer_new(&out, schema, pairs, 2, codec, sync);
    for (int64_t i = 0; i < N; i++) {
        Buf *record = avro_writer_record(w);
        avro_put_long(record, i % 2 ? -i * 1000003 : INT64_MAX - i);
        avro_put_bytes(record, str_of("some bytes that repeat", (size_t)(i % 23)));
        avro_put_double(record, (double)i / 3);
        avro_put_float(record, (float)i);
        avro_put_boolean(record, i % 3 == 0);
        avro_writer_end_record(w);
    }
    assert_int_equal(avro_writer_finish(w, &err), 0);
    avro_writer_free(w);
    assert_int_equal(avro_open(buf_str(&out), STR("ours"), arena, &file, &err), 0);
    assert_true(str_is(avro_metadata(file, STR("schema")), "{\"a\":1}"));
    for (;;) {
        assert_int_equal(avro_next_block(file, &r, &n, &err), 0);
        if (n == 0)
            break;
        blocks++;
        for (int64_t k = 0; k < n; k++, seen++) {
            assert_int_equal(avro_get_long(&r), seen % 2 ? -seen * 1000003 : INT64_MAX - seen);
            assert_int_equal(avro_get_bytes(&r).len, seen % 23);
            assert_true(avro_get_double(&r) == (double)seen / 3);
            assert_true(avro_get_float(&r) == (float)seen);
            assert_int_equal(avro_get_boolean(&r), seen % 3 == 0);
        }
        assert_null(r.failed);
    }
    assert_int_equal(seen, N);
    assert_true(blocks > 3);
    avro_close(file);
}

static void our_files(void **state)
{
    round_trip(AVRO_CODEC_NULL);
    round_trip(AVRO_CODEC_DEFLATE);
}

static void too_large(void **state)
{
    static const uint8_t sync[16] = "sixteen bytes ok";
    _cleanup_buf_ Buf out = BUF_INIT(300);
    Error err;
    AvroWriter *w = avro_writer_new(&out, STR("\"bytes\""), NULL, 0, AVRO_CODEC_NULL, sync);

    for (int i = 0; i < 10; i++) {
        avro_put_bytes(avro_writer_record(w), STR("forty bytes forty bytes forty bytes ... "));
        avro_writer_end_record(w);
    }
    assert_int_equal(avro_writer_finish(w, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    avro_writer_free(w);
}

/* A few bytes of deflate that stand for more than a block may hold. */
static void bombs(void **state)
{
    AvroReader r = { 0 };
    AvroItems items = { 0 };
    const uint8_t huge[] = { 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x01 };

    r = (AvroReader){ .start = huge, .p = huge, .end = huge + sizeof huge };
    assert_false(avro_next_item(&r, &items)); /* more items than bytes */
    assert_non_null(r.failed);
    r = (AvroReader){ .start = huge, .p = huge, .end = huge + sizeof huge };
    assert_int_equal(avro_get_bytes(&r).len, 0);
    assert_non_null(r.failed);
    assert_int_equal(avro_get_long(&r), 0);
}

static void schemas(void **state)
{
    static const char *const bad[] = {
        "{}",
        "\"text\"",
        "[]",
        "[\"null\",[\"int\"]]",
        "{\"type\":\"record\",\"name\":\"r\"}",
        "{\"type\":\"array\"}",
        "{\"type\":\"record\",\"fields\":[]}",
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\"}]}",
        "7",
        "{\"type\":\"fixed\",\"size\":4}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        _cleanup_buf_ Buf out = BUF_INIT(1000);
        Error err;
        AvroWriter *w = avro_writer_new(&out, str_from(bad[i]), NULL, 0, AVRO_CODEC_NULL,
                                        (const uint8_t *)"sixteen bytes ok");
        avro_writer_free(w);
        assert_int_equal(read_all(buf_str(&out), &err), -1);
        assert_int_equal(err.code, ERR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_files), cmocka_unit_test(damaged_files), cmocka_unit_test(refusals),
        cmocka_unit_test(our_files),     cmocka_unit_test(too_large),     cmocka_unit_test(bombs),
        cmocka_unit_test(schemas),
    };
    return cmocka_run_group_tests_name("avro", tests, make_arena, drop_arena);
}

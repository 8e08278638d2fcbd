/* ice_testing.h - what the tests of schemas, metadata and apply() share. JSON is written with ' for ". */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "iceberg/metadata.h"

static Arena *arena;

static inline int make_arena(void **state)
{
    arena = arena_new(64 << 20);
    clock_set_for_test(1700000000000 * 1000ll);
    return 0;
}

static inline int drop_arena(void **state)
{
    arena_free(arena);
    return 0;
}

static inline Str quoted(const char *text)
{
    char *copy = arena_cstr(arena, str_from(text));
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return str_from(copy);
}

static inline const Json *json(const char *text)
{
    const Json *parsed = NULL;
    Error err;

    if (text && json_parse(quoted(text), arena, &parsed, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return parsed;
}

static inline const char *written(const TableMetadata *m)
{
    Buf out = BUF_INIT(1 << 20);
    JsonWriter w = JSON_WRITER(&out);

    metadata_write(&w, m, false);
    const char *copy = arena_cstr(arena, buf_str(&out));
    buf_free(&out);
    return copy;
}

static inline const TableMetadata *parsed(const char *text)
{
    const TableMetadata *m = NULL;
    Error err;

    if (metadata_parse(quoted(text), arena, &m, &err) < 0)
        fail_msg("%s", err.message);
    return m;
}

/* Applies and expects success. */
static inline const TableMetadata *applied(const TableMetadata *base, const char *requirements,
                                           const char *updates)
{
    const TableMetadata *m = NULL;
    Error err;

    if (metadata_apply(base, STR("s3://b/t/metadata/00001-x.metadata.json"), json(requirements),
                       json(updates), arena, &m, &err) < 0)
        fail_msg("%s: %s", updates, err.message);
    return m;
}

static inline void refused(const TableMetadata *base, const char *requirements, const char *updates,
                           ErrCode code, const char *message)
{
    const TableMetadata *m = NULL;
    Error err = {0};

    assert_int_equal(metadata_apply(base, STR(""), json(requirements), json(updates), arena, &m, &err), -1);
    assert_string_equal(err.message, message);
    assert_int_equal(err.code, code);
    assert_null(m);
}

/* thrift.h - reader of Thrift's compact protocol, as far as Parquet uses it.
 *
 * Reading never fails in the middle of straight-line code: past the first fault `failed` is set, numbers are
 * 0, text is empty and thrift_next() answers false. The caller looks at `failed` once at the end.
 * Source: Apache Thrift, doc/specs/thrift-compact-protocol.md. */
#pragma once

#include "base/str.h"

typedef enum ThriftType {
    THRIFT_STOP,
    THRIFT_TRUE,
    THRIFT_FALSE,
    THRIFT_I8,
    THRIFT_I16,
    THRIFT_I32,
    THRIFT_I64,
    THRIFT_DOUBLE,
    THRIFT_BINARY,
    THRIFT_LIST,
    THRIFT_SET,
    THRIFT_MAP,
    THRIFT_STRUCT,
    THRIFT_UUID,
} ThriftType;

enum { THRIFT_MAX_DEPTH = 32 };

typedef struct Thrift {
    const uint8_t *start, *p, *end;
    const char *failed; /* static: what was wrong first; NULL while all is well */
    unsigned depth;
} Thrift;

typedef struct ThriftField {
    int16_t id;
    ThriftType type; /* of a bool it is the value */
} ThriftField;

static inline Thrift thrift_of(Str bytes)
{
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    return (Thrift){ .start = p, .p = p, .end = p + bytes.len };
}

/* Fields of a struct: `ThriftField f = { 0 }; while (thrift_next(&t, &f)) switch (f.id) {...}`. Each field
 * must be read or skipped. Nested structs are read by a nested loop. */
bool thrift_next(Thrift *t, ThriftField *field);
void thrift_skip(Thrift *t, ThriftType type);
/* A field's value, where its type is as expected; another type is skipped and gives 0, empty or false. */
int64_t thrift_int(Thrift *t, ThriftType type); /* i8, i16, i32, i64 */
Str thrift_binary(Thrift *t, ThriftType type);  /* borrows */
/* Number of elements, which are never more than bytes are left; another element type than `element` is a
 * fault. */
size_t thrift_list(Thrift *t, ThriftType type, ThriftType element);
void thrift_fail(Thrift *t, const char *what);

/* thrift.c - see thrift.h. */
#include "format/thrift.h"

void thrift_fail(Thrift *t, const char *what)
{
    if (!t->failed)
        t->failed = what;
    t->end = t->p;
}

static uint8_t take_byte(Thrift *t)
{
    if (t->p >= t->end) {
        thrift_fail(t, "unexpected end");
        return 0;
    }
    return *t->p++;
}

static uint64_t take_varint(Thrift *t)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = take_byte(t);
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
    thrift_fail(t, "integer of more than 64 bits");
    return 0;
}

static int64_t take_zigzag(Thrift *t)
{
    uint64_t value = take_varint(t);
    return (int64_t)(value >> 1 ^ -(value & 1));
}

static void take_bytes(Thrift *t, uint64_t n, Str *ret)
{
    *ret = STR("");
    if (n > (uint64_t)(t->end - t->p)) {
        thrift_fail(t, "length goes past the end");
        return;
    }
    *ret = str_of((const char *)t->p, (size_t)n);
    t->p += n;
}

bool thrift_next(Thrift *t, ThriftField *field)
{
    uint8_t head = take_byte(t);
    uint8_t delta = head >> 4;

    field->type = head & 0x0F;
    if (t->failed || field->type == THRIFT_STOP)
        return false;
    field->id = (int16_t)(delta ? field->id + delta : take_zigzag(t));
    if (field->type > THRIFT_UUID)
        thrift_fail(t, "unknown field type");
    return !t->failed;
}

static size_t take_list_head(Thrift *t, ThriftType *ret_element)
{
    uint8_t head = take_byte(t);
    uint64_t n = head >> 4;

    *ret_element = head & 0x0F;
    if (n == 15)
        n = take_varint(t);
    if (n > (uint64_t)(t->end - t->p)) { /* an element takes a byte at least */
        thrift_fail(t, "list goes past the end");
        return 0;
    }
    return (size_t)n;
}

static void skip_elements(Thrift *t, ThriftType type, size_t n)
{
    for (size_t i = 0; i < n && !t->failed; i++) {
        if (type == THRIFT_TRUE || type == THRIFT_FALSE)
            take_byte(t); /* in lists a bool is a byte */
        else
            thrift_skip(t, type);
    }
}

static void skip_nested(Thrift *t, ThriftType type)
{
    ThriftField field = { 0 };
    ThriftType element;

    if (type == THRIFT_STRUCT) {
        while (thrift_next(t, &field))
            thrift_skip(t, field.type);
    } else if (type == THRIFT_MAP) {
        uint64_t n = take_varint(t);
        uint8_t types = n ? take_byte(t) : 0;
        if (n > (uint64_t)(t->end - t->p))
            thrift_fail(t, "map goes past the end");
        for (uint64_t i = 0; i < n && !t->failed; i++) {
            skip_elements(t, types >> 4, 1);
            skip_elements(t, types & 0x0F, 1);
        }
    } else {
        size_t n = take_list_head(t, &element);
        skip_elements(t, element, n);
    }
}

void thrift_skip(Thrift *t, ThriftType type)
{
    Str unused;

    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        break;
    case THRIFT_I8:
        take_byte(t);
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        take_varint(t);
        break;
    case THRIFT_DOUBLE:
        take_bytes(t, 8, &unused);
        break;
    case THRIFT_UUID:
        take_bytes(t, 16, &unused);
        break;
    case THRIFT_BINARY:
        take_bytes(t, take_varint(t), &unused);
        break;
    case THRIFT_LIST:
    case THRIFT_SET:
    case THRIFT_MAP:
    case THRIFT_STRUCT:
        if (++t->depth > THRIFT_MAX_DEPTH) {
            thrift_fail(t, "nested too deeply");
            return;
        }
        skip_nested(t, type);
        t->depth--;
        break;
    default:
        thrift_fail(t, "unknown type");
    }
}

int64_t thrift_int(Thrift *t, ThriftType type)
{
    if (type == THRIFT_I8)
        return (int8_t)take_byte(t);
    if (type == THRIFT_I16 || type == THRIFT_I32 || type == THRIFT_I64)
        return take_zigzag(t);
    thrift_skip(t, type);
    return 0;
}

Str thrift_binary(Thrift *t, ThriftType type)
{
    Str bytes = STR("");

    if (type == THRIFT_BINARY)
        take_bytes(t, take_varint(t), &bytes);
    else
        thrift_skip(t, type);
    return bytes;
}

size_t thrift_list(Thrift *t, ThriftType type, ThriftType element)
{
    ThriftType found;

    if (type != THRIFT_LIST && type != THRIFT_SET) {
        thrift_fail(t, "expected a list");
        return 0;
    }
    size_t n = take_list_head(t, &found);
    if (n > 0 && found != element) {
        thrift_fail(t, "list of another type than expected");
        return 0;
    }
    return n;
}

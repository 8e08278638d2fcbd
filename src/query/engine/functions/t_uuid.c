/* t_uuid.c - uuids from and to texts and bytes.
 * DuckDB keeps a UUID as a 128-bit integer whose top bit is turned, so that it sorts; its own cast reads more
 * forms than Trino's. */
#include "query/engine/functions/function.h"

enum { UUID_BYTES = 16, UUID_TEXT = 36 };

static uint128 uuid_of(const uint8_t *bytes)
{
    uint128 v = 0;
    for (int i = 0; i < UUID_BYTES; i++)
        v = v << 8 | bytes[i];
    return v ^ (uint128)1 << 127;
}

/* Hexadecimal digits in groups of 8-4-4-4-12. */
static bool parse_uuid(Str s, uint8_t ret[UUID_BYTES])
{
    static const size_t group_bytes[] = {4, 2, 2, 2, 6};
    size_t at = 0, n = 0;
    if (s.len != UUID_TEXT)
        return false;
    for (size_t g = 0; g < sizeof group_bytes / sizeof *group_bytes; g++) {
        if (g > 0 && s.ptr[at++] != '-')
            return false;
        if (hex_decode(str_slice(s, at, at + 2 * group_bytes[g]), ret + n, group_bytes[g], NULL) < 0)
            return false;
        at += 2 * group_bytes[g];
        n += group_bytes[g];
    }
    return true;
}

static void from_varchar(Call *c)
{
    CALL_ROWS(c, i)
    {
        uint8_t bytes[UUID_BYTES];
        Str text = arg_str(c, 0, i);
        if (parse_uuid(text, bytes))
            OUT(c, uint128, i) = uuid_of(bytes);
        else
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Cannot cast value to UUID: %.*s", STR_ARG(text));
    }
}

static void from_varbinary(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str bytes = arg_str(c, 0, i);
        if (bytes.len == UUID_BYTES)
            OUT(c, uint128, i) = uuid_of((const uint8_t *)bytes.ptr);
        else
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Invalid UUID binary length: %zu", bytes.len);
    }
}

static void to_varbinary(Call *c)
{
    CALL_ROWS(c, i)
    {
        uint8_t bytes[UUID_BYTES];
        uint128 v = ARG(c, 0, uint128, i) ^ (uint128)1 << 127;
        for (int b = UUID_BYTES - 1; b >= 0; b--, v >>= 8)
            bytes[b] = (uint8_t)v;
        call_put_str(c, i, str_of((const char *)bytes, UUID_BYTES));
    }
}

const FunctionDef t_uuid_functions[] = {
    {"t_varchar_to_uuid", "s>u", from_varchar},
    {"t_varbinary_to_uuid", "x>u", from_varbinary},
    {"t_uuid_to_varbinary", "u>x", to_varbinary},
    {NULL},
};

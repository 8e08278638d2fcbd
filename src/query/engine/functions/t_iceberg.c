/* What partitioned writes need: the hash of Iceberg's bucket transform.
 * Source: Iceberg table spec, "Appendix B: 32-bit Hash Requirements". */
#include "iceberg/value.h"
#include "query/engine/functions/function.h"

static void hash_long(Call *c)
{
    CALL_ROWS(c, row)
    {
        int64_t v = ARG(c, 0, int64_t, row);
        OUT(c, int32_t, row) = (int32_t)murmur3_x86_32(&v, sizeof v, 0);
    }
}

static void hash_bytes_of(Call *c)
{
    CALL_ROWS(c, row)
    {
        Str s = arg_str(c, 0, row);
        OUT(c, int32_t, row) = (int32_t)murmur3_x86_32(s.ptr, s.len, 0);
    }
}

static void hash_decimal(Call *c)
{
    CALL_ROWS(c, row)
    {
        IceValue v = ice_decimal(arg_decimal(c, 0, row), 0);
        OUT(c, int32_t, row) = ice_value_hash(&v);
    }
}

/* DuckDB holds a UUID as a number with its first bit turned, so that it sorts; the spec hashes its bytes. */
static void hash_uuid(Call *c)
{
    CALL_ROWS(c, row)
    {
        uint8_t bytes[16];
        unsigned __int128 v = ARG(c, 0, unsigned __int128, row) ^ ((unsigned __int128)1 << 127);
        for (int i = 15; i >= 0; i--, v >>= 8)
            bytes[i] = (uint8_t)v;
        OUT(c, int32_t, row) = (int32_t)murmur3_x86_32(bytes, sizeof bytes, 0);
    }
}

const FunctionDef t_iceberg_functions[] = {
    {"t_iceberg_hash", "8>4", hash_long, 0},
    {"t_iceberg_hash", "s>4", hash_bytes_of, 0},
    {"t_iceberg_hash", "x>4", hash_bytes_of, 0},
    {"t_iceberg_hash", "u>4", hash_uuid, 0},
    {"t_iceberg_hash_decimal", "A>4", hash_decimal, 0},
    {NULL, NULL, NULL, 0},
};

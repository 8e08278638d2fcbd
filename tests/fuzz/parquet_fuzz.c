/* parquet_fuzz.c - format/parquet_footer.h: any bytes as the end of a Parquet file. */
#include "format/parquet_footer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 20);
    const ParquetFooter *footer;
    Error err;

    parquet_footer_parse(str_of((const char *)data, size), (int64_t)size, STR("fuzz"), arena, &footer, &err);
    return 0;
}

/* avro_fuzz.c - format/avro.h, iceberg/manifest.h: any bytes as Avro file, manifest and manifest list. */
#include "format/avro.h"
#include "iceberg/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void skim(Str bytes)
{
    _cleanup_arena_ Arena *arena = arena_new(16 << 20);
    AvroFile *file;
    AvroReader r;
    int64_t n = 1;

    if (avro_open(bytes, STR("fuzz"), arena, &file, NULL) < 0)
        return;
    while (n > 0 && avro_next_block(file, &r, &n, NULL) == 0)
        for (int64_t i = 0; i < n && !r.failed; i++)
            avro_skip(&r, avro_schema(file));
    avro_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 20);
    Str bytes = str_of((const char *)data, size);
    IceManifestFile data_manifest = { .path = STR("fuzz"), .content = ICE_MANIFEST_DATA };
    IceManifestFile delete_manifest = { .path = STR("fuzz"), .content = ICE_MANIFEST_DELETES };
    IceManifestList list;
    IceManifest manifest;
    Error err;

    skim(bytes);
    manifest_list_read(bytes, STR("fuzz"), arena, &list, &err);
    manifest_decode(bytes, &data_manifest, NULL, arena, &manifest, &err);
    manifest_decode(bytes, &delete_manifest, NULL, arena, &manifest, &err);
    return 0;
}

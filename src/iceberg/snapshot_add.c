/* snapshot_add.c - manifests of added files: step 1 of snapshot_write.h. */
#include <assert.h>

#include "iceberg/snapshot_internal.h"

static const int64_t DEFAULT_TARGET_BYTES = 8 << 20; /* commit.manifest.target-size-bytes */

Str snapshot_metadata_path(const TableMetadata *table, Str name, Arena *arena)
{
    Str folder = metadata_property(table, "write.metadata.path", STR_NULL);
    const char *suffix = folder.len > 0 ? "" : "/metadata";

    if (folder.len == 0)
        folder = table->location;
    while (folder.len > 0 && folder.ptr[folder.len - 1] == '/')
        folder.len--;
    return arena_printf(arena, "%.*s%s/%.*s", STR_ARG(folder), suffix, STR_ARG(name));
}

int64_t snapshot_property(const TableMetadata *table, const char *key, int64_t default_value)
{
    Str text = metadata_property(table, key, STR_NULL);
    int64_t value = default_value;

    if (text.ptr)
        str_to_i64(text, 0, INT64_MAX, &value, NULL);
    return value;
}

typedef struct Builder {
    const TableMetadata *table;
    int64_t snapshot_id, target_bytes;
    Str uuid;
    Arena *arena;
    Vec(IceManifestFile) manifests;
    Vec(IceOutputFile) outputs;
} Builder;

static int finish(Builder *b, ManifestWriter *w, Error *err)
{
    Str name = arena_printf(b->arena, "%.*s-m%zu.avro", STR_ARG(b->uuid), b->manifests.n);
    Str path = snapshot_metadata_path(b->table, name, b->arena), bytes;

    if (manifest_writer_finish(w, path, &bytes, vec_push(b->arena, &b->manifests), err) < 0)
        return -1;
    *vec_push(b->arena, &b->outputs) = (IceOutputFile){ path, bytes };
    return 0;
}

static IceManifestContent content_of(const IceDataFile *file)
{
    return file->content == ICE_CONTENT_DATA ? ICE_MANIFEST_DATA : ICE_MANIFEST_DELETES;
}

/* The files of one spec and one content, from `files` on. */
static int write_group(Builder *b, const NewFile *files, size_t n, bool *done, Error *err)
{
    IcePartitionType *types = arena_new_of(b->arena, IcePartitionType);
    const IceDataFile *first = files[0].file;
    ManifestWriter *w = NULL;

    if (ice_partition_type(b->table, first->spec_id, b->arena, types, err) < 0)
        return -1;
    IceManifestHeader header = { b->table->format_version, metadata_current_schema(b->table), types,
                                 content_of(first), b->snapshot_id };
    for (size_t i = 0; i < n; i++) {
        const IceDataFile *file = files[i].file;
        if (done[i] || file->spec_id != first->spec_id || content_of(file) != content_of(first))
            continue;
        done[i] = true;
        if (!w)
            w = manifest_writer_new(&header, SNAPSHOT_MAX_MANIFEST_BYTES, b->arena);
        IceManifestEntry entry = { .status = ICE_ADDED,
                                   .snapshot_id = -1,
                                   .sequence_number = files[i].sequence_number,
                                   .file_sequence_number = -1,
                                   .file = *file };
        if (manifest_writer_add(w, &entry, err) < 0)
            return -1;
        if ((int64_t)manifest_writer_size(w) >= b->target_bytes) {
            if (finish(b, w, err) < 0)
                return -1;
            w = NULL;
        }
    }
    return w ? finish(b, w, err) : 0;
}

int snapshot_add_files(const TableMetadata *table, const NewFile *files, size_t n, int64_t snapshot_id,
                       Str uuid, Arena *arena, AddedFiles *ret, Error *err)
{
    Builder b = {
        .table = table,
        .snapshot_id = snapshot_id,
        .target_bytes = snapshot_property(table, "commit.manifest.target-size-bytes", DEFAULT_TARGET_BYTES),
        .uuid = uuid,
        .arena = arena,
    };
    bool *done = arena_array(arena, bool, n);

    assert(snapshot_id > 0);
    for (size_t i = 0; i < n; i++)
        if (!done[i] && write_group(&b, files + i, n - i, done + i, err) < 0)
            return -1;
    *ret = (AddedFiles){ b.manifests.items, b.outputs.items, b.manifests.n, files, n };
    return arena_check(arena, err);
}

/* ice_store.h - for tests: tables whose files are in memory, and commits on them. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/map.h"
#include "iceberg/snapshot_write.h"

typedef struct Store {
    Arena *arena;
    Map *files; /* path -> Str */
    size_t n_reads;
} Store;

static inline void store_put(Store *store, Str path, Str bytes)
{
    Str *copy = arena_new_of(store->arena, Str);

    *copy = arena_str(store->arena, bytes);
    map_put(store->files, path, copy);
}

static inline int store_read(void *arg, Str path, int64_t length, Arena *arena, Str *ret, Error *err)
{
    Store *store = arg;
    Str *bytes = map_get(store->files, path);

    store->n_reads++;
    if (!bytes)
        return err_set(err, ERR_NOT_FOUND, "%.*s is not there", STR_ARG(path));
    assert_true(length < 0 || (size_t)length == bytes->len);
    *ret = *bytes;
    return 0;
}

/* JSON in single quotes. */
static inline const Json *quoted_json(Arena *arena, const char *text)
{
    const Json *json;
    Error err;
    Str copy = arena_str(arena, str_from(text));

    for (char *p = (char *)copy.ptr; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    if (json_parse(copy, arena, &json, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return json;
}

/* A table of columns (schema fields) and a partition spec (its fields), ids as given. */
static inline const TableMetadata *store_table(Store *store, int version, const char *fields,
                                               const char *spec)
{
    Arena *arena = store->arena;
    const TableMetadata *table;
    IceSchema *schema;
    Error err;
    Str text = arena_printf(arena, "{'type':'struct','schema-id':0,'fields':[%s]}", fields);

    if (ice_schema_parse(quoted_json(arena, text.ptr), arena, &schema, &err) < 0)
        fail_msg("%s", err.message);
    Str document = arena_printf(
        arena,
        "{'format-version':%d,'table-uuid':'6f1b1f0e-4f0e-4f5a-9d8e-111111111111','location':'s3://b/t',"
        "'last-sequence-number':0,'last-updated-ms':1600000000000,'last-column-id':%d,'current-schema-id':"
        "0,%s"
        "'schemas':[%.*s],'default-spec-id':0,'partition-specs':[{'spec-id':0,'fields':[%s]}],"
        "'last-partition-id':1100,'default-sort-order-id':0,'sort-orders':[{'order-id':0,'fields':[]}],'"
        "properties':{}}",
        version, ice_schema_max_id(schema), version >= 3 ? "'next-row-id':0," : "", STR_ARG(text), spec);
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    JsonWriter w = JSON_WRITER(&out);
    json_write_value(&w, quoted_json(arena, document.ptr));
    if (metadata_parse(buf_str(&out), arena, &table, &err) < 0)
        fail_msg("%s", err.message);
    return table;
}

static inline const TableMetadata *store_apply(Store *store, const TableMetadata *base, Str requirements,
                                               Str updates)
{
    const Json *parsed_requirements, *parsed_updates;
    const TableMetadata *next;
    Error err;

    assert_int_equal(json_parse(requirements, store->arena, &parsed_requirements, NULL), 0);
    assert_int_equal(json_parse(updates, store->arena, &parsed_updates, NULL), 0);
    if (metadata_apply(base, STR("s3://b/t/metadata/x.json"), parsed_requirements, parsed_updates,
                       store->arena, &next, &err) < 0)
        fail_msg("%s", err.message);
    return next;
}

/* Adds and removes files in one snapshot. */
static inline const TableMetadata *store_commit(Store *store, const TableMetadata *base,
                                                IceOperation operation, const NewFile *files, size_t n,
                                                const RemovedFile *removed, size_t n_removed, bool merge)
{
    static int64_t next_id = 1000;
    Arena *arena = store->arena;
    ManifestSource source = { .read = store_read, .arg = store };
    int64_t id = ++next_id;
    Str uuid = arena_printf(arena, "commit-%lld", (long long)id);
    AddedFiles added = { 0 };
    NewSnapshot snapshot;
    Error err;

    if (n > 0 && snapshot_add_files(base, files, n, id, uuid, arena, &added, &err) < 0)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < added.n; i++)
        store_put(store, added.outputs[i].path, added.outputs[i].bytes);
    SnapshotChange change = { .operation = operation,
                              .snapshot_id = id,
                              .timestamp_ms = 1700000000000 + id,
                              .uuid = uuid,
                              .added = &added,
                              .removed = removed,
                              .n_removed = n_removed,
                              .merge_manifests = merge };
    if (snapshot_build(base, &change, &source, arena, &snapshot, &err) < 0)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < snapshot.n_outputs; i++)
        store_put(store, snapshot.outputs[i].path, snapshot.outputs[i].bytes);
    return store_apply(store, base, snapshot.requirements, snapshot.updates);
}

static inline Str store_summary(const TableMetadata *table, const char *key)
{
    const IceSnapshot *snapshot = metadata_current_snapshot(table);

    for (size_t i = 0; i < snapshot->n_summary; i++)
        if (str_is(snapshot->summary[i].key, key))
            return snapshot->summary[i].value;
    return STR("none");
}
